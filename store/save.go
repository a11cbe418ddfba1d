package store

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"davit/policy"
)

// Editors save by writing a temporary file and moving it over the original, or
// by moving the original away first and writing a new one. Both ways would need
// delete, and lose the entries, properties and creator of the file that is
// saved. For who holds write without delete they are writing: the file that
// stands at a name stays that file and gets new content. Its old content is kept as
// a version, or under the name to which it was moved away, with the same entries.

// backupEnds are what editors put at the end of the name of an original that
// they move away. Word and Excel use names of their own that end in .tmp.
var backupEnds = []string{"~", ".bak", ".tmp", ".old", ".orig"}

// isBackup tells whether an editor names an original so that it moves away.
func isBackup(original, name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, strings.ToLower(original)+".sb-") || // macOS
		slices.ContainsFunc(backupEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}

// authorizeMove decides both ends of a MOVE.
func (s *Session) authorizeMove(tx *Tx, src, dst *spot) (g, dg grant, err error) {
	if s.saves(tx, src, dst) {
		if g, err = s.authorizeTree(tx, src, opRemove); err == nil {
			dg, err = s.authorize(tx, dst, opSave)
		}
		return g, dg, err
	}
	o, err := s.removal(tx, src, dst)
	if err != nil {
		return g, dg, err
	}
	if o == opSetAside || o == opPutBack {
		g, err = s.authorize(tx, src, o)
	} else {
		g, err = s.authorizeTree(tx, src, o)
	}
	if err == nil {
		dg, err = s.authorizeOnto(tx, dst, opRemove)
	}
	return g, dg, err
}

// saves tells whether a MOVE puts a file that the asker has just made in the
// place of another beside it.
func (s *Session) saves(tx *Tx, src, dst *spot) bool {
	return src.missing() == 0 && dst.missing() == 0 && src.space == dst.space && !src.inCalendars() && !dst.inCalendars() &&
		!src.entry().Dir && !dst.entry().Dir && src.entry().Node != dst.entry().Node &&
		s.young(tx, src.space.ID, src.entry()) && s.beside(tx, src, dst) && s.onlyWrites(tx, dst)
}

// beside tells whether the source stands in the target's folder, or in one that
// the asker has just made there: macOS saves through a folder "plan.odt.sb-1".
func (s *Session) beside(tx *Tx, src, dst *spot) bool {
	from, to := src.nodes[:len(src.nodes)-1], dst.nodes[:len(dst.path)-1]
	return slices.Equal(from, to) ||
		len(from) == len(to)+1 && slices.Equal(from[:len(to)], to) && s.young(tx, src.space.ID, &src.entries[len(to)])
}

// onlyWrites tells whether the asker may write what stands there and not delete
// it.
func (s *Session) onlyWrites(tx *Tx, sp *spot) bool {
	const asked = policy.See | policy.Write | policy.Delete
	return tx.state.Held(s.subject(tx), sp.place())&asked == policy.See|policy.Write
}

// removal is what a MOVE asks of its source: to set an original aside or put it
// back, which only accounts do, or to take it away.
func (s *Session) removal(tx *Tx, src, dst *spot) (op, error) {
	if src.space != dst.space {
		return opTakeOut, nil
	}
	if src.inCalendars() || s.cred.User == policy.Nobody || src.missing() > 0 || src.entry().Dir || dst.isRoot() || dst.missing() > 1 ||
		!slices.Equal(src.nodes[:len(src.nodes)-1], dst.nodes[:len(dst.path)-1]) || !s.onlyWrites(tx, src) {
		return opRemove, nil
	}
	if isBackup(src.name(), dst.name()) {
		return opSetAside, nil
	}
	if dst.missing() == 0 {
		return opRemove, nil
	}
	a, found, err := tx.asideFrom(dst)
	if err == nil && found && a.node == src.entry().Node {
		return opPutBack, nil
	}
	return opRemove, err
}

// saveOver gives the target the source's content, and keeps its own as a version.
// The source goes: all that there was of it is the target's now.
func (s *Session) saveOver(tx *Tx, g, dg grant, src, dst *spot) error {
	n := *src.entry()
	from := src.above().nodes
	if err := tx.dropLocks(g, &n); err != nil {
		return err
	}
	b := body{content: n.content, size: n.Size, found: true}
	if _, err := tx.log(src.space.ID, s.cred.id(), changeRec{op: Removed, node: n.Node, parent: from[len(from)-1], name: n.Name, before: before{how: byMerge, rev: n.Rev, with: dst.entry().Node}}); err != nil {
		return err
	}
	// The version takes the room that the source leaves.
	if err := s.overwrite(tx, dg, dst, b, Meta{Type: n.Type, Modified: n.Modified}, 0); err != nil {
		return err
	}
	tx.charge(from, sum{live: n.Size, versions: n.kept.bytes, files: 1}.negative())
	if err := tx.eraseListed(g, from[len(from)-1], &n); err != nil || !tx.state.OnWay(n.Node) {
		return err
	}
	return tx.change(policy.DropNodes{Nodes: []policy.Node{n.Node}})
}

// exchange gives a file, which stands at the spot, and another each the other's
// content.
func (s *Session) exchange(tx *Tx, g grant, sp *spot, n, e *Entry) error {
	if n.content != e.content {
		if err := tx.share(g, n.content, e.Node); err != nil {
			return err
		}
		if err := tx.share(g, e.content, n.Node); err != nil {
			return err
		}
		if err := tx.disuse(g, n.content, n.Node); err != nil {
			return err
		}
		if err := tx.disuse(g, e.content, e.Node); err != nil {
			return err
		}
	}
	_, dir := sp.parent()
	seq, err := tx.log(sp.space.ID, s.cred.id(), changeRec{op: Updated, node: e.Node, parent: dir.Node, name: sp.name(), before: before{how: bySwap, parent: dir.Node, name: e.Name, rev: e.Rev, with: n.Node}})
	if err != nil {
		return err
	}
	s.touch(e)
	n.content, e.content = e.content, n.content
	n.Size, e.Size = e.Size, n.Size
	n.Type, e.Type = e.Type, n.Type
	n.Modified, e.Modified = e.Modified, n.Modified
	n.Rev, e.Rev = max(seq, n.Rev+1), max(seq, e.Rev+1)
	return nil
}

// likeList gives a node the entries of another, and none else: what was written
// for somebody's eyes stays for theirs alone.
func (tx *Tx) likeList(g grant, from policy.Node, to policy.Place) error {
	n := to.Path[len(to.Path)-1]
	var changes []policy.Change
	if tx.state.OnWay(n) {
		changes = append(changes, policy.MoveNode{To: to}, policy.ClearEntries{Node: n}, policy.SetCut{At: to})
	}
	if m := tx.state.Mark(from); m != nil {
		if m.Cut {
			changes = append(changes, policy.SetCut{At: to, On: true})
		}
		for _, e := range m.Entries {
			changes = append(changes, policy.SetEntry{At: to, Entry: e})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return tx.change(changes...)
}

// An aside says that an account moved an original away from a name, under which
// the record is kept. When the same account writes a new file of that name
// within the hour, the original comes back to take its content.
type aside struct {
	node policy.Node
	name string // the one that it has now
	by   policy.ID
	at   time.Time
}

// asideKept is how long a record may be of use: the longest own hour.
const asideKept = 24 * time.Hour

func appendAside(b []byte, a aside) []byte {
	b = binary.AppendUvarint(b, uint64(a.node))
	b = binary.AppendUvarint(b, uint64(a.by))
	b = binary.AppendVarint(b, a.at.UnixNano())
	return append(b, a.name...)
}

func decodeAside(v []byte) (aside, error) {
	d := decoder{b: v}
	a := aside{node: policy.Node(d.uvarint()), by: policy.ID(d.uvarint()), at: time.Unix(0, d.varint())}
	a.name = string(d.b)
	d.b = nil
	return a, d.done("set aside")
}

// setAside moves an original away and notes whence.
func (s *Session) setAside(tx *Tx, g, dg grant, src, dst *spot) error {
	_, dir := src.parent()
	a := aside{node: src.entry().Node, name: dst.name(), by: s.cred.User, at: tx.now}
	if err := tx.w.Put(asideKey(dir.Node, src.name()), appendAside(nil, a)); err != nil {
		return err
	}
	return s.move(tx, g, dg, src, dst)
}

// asideFrom finds what was set aside from the spot's name within the hour.
func (tx *Tx) asideFrom(sp *spot) (a aside, found bool, err error) {
	_, dir := sp.parent()
	v, err := tx.r.Get(asideKey(dir.Node, sp.name()))
	if err != nil || v == nil {
		return a, false, err
	}
	a, err = decodeAside(v)
	return a, tx.now.Sub(a.at) < tx.state.OwnHour(sp.space.ID), err
}

// bringBack lets the original that the asker has set aside from the name of a
// new file take its place and content; the new file gets the old content and the
// name that the original had meanwhile.
func (s *Session) bringBack(tx *Tx, g grant, sp *spot) error {
	a, found, err := tx.asideFrom(sp)
	if err != nil || !found {
		return err
	}
	_, dir := sp.parent()
	if err := tx.w.Delete(asideKey(dir.Node, sp.name())); err != nil {
		return err
	}
	n := sp.entry()
	if a.by != s.cred.User || n.Dir || !s.young(tx, sp.space.ID, n) {
		return nil
	}
	back, err := tx.besideNamed(sp, a.name)
	if err != nil || back.missing() > 0 || back.entry().Node != a.node || !s.onlyWrites(tx, back) {
		return err
	}
	own := 0
	if err := tx.eachLock(g, a.node, func(Lock) { own++ }); err != nil || own > 0 {
		return err
	}
	bg, err := s.authorize(tx, back, opSave)
	if err != nil {
		return err
	}
	return s.takePlace(tx, bg, sp, back)
}

// besideNamed is the spot of another name in the same collection.
func (tx *Tx) besideNamed(sp *spot, name string) (*spot, error) {
	up := sp.above()
	dir := up.entry()
	beside := &spot{path: append(slices.Clip(up.path), name), space: up.space, nodes: up.nodes, entries: up.entries}
	e, found, err := tx.lookup(dir.Node, name)
	if found {
		beside.nodes = append(slices.Clip(up.nodes), e.Node)
		beside.entries = append(slices.Clip(up.entries), e)
	}
	return beside, err
}

// takePlace lets two files of one collection change names and contents, so that
// each name keeps its content and the first name gets the second's file.
func (s *Session) takePlace(tx *Tx, g grant, sp, back *spot) error {
	_, dir := sp.parent()
	n, e := sp.entry(), back.entry()
	rev := n.Rev
	if err := s.exchange(tx, g, sp, n, e); err != nil {
		return err
	}
	if _, err := tx.log(sp.space.ID, s.cred.id(), changeRec{op: Updated, node: n.Node, parent: dir.Node, name: e.Name, before: before{how: bySwap, parent: dir.Node, name: n.Name, rev: rev, with: e.Node}}); err != nil {
		return err
	}
	n.Name, e.Name = e.Name, n.Name
	if err := tx.link(g, dir.Node, n); err != nil {
		return err
	}
	if err := tx.link(g, dir.Node, e); err != nil {
		return err
	}
	if err := tx.likeList(g, e.Node, at(sp.space.ID, sp.above().nodes, n.Node)); err != nil {
		return err
	}
	*n = *e
	sp.nodes[len(sp.nodes)-1] = e.Node
	return nil
}

// forgetAsides drops up to n records that are of no use any more, and tells
// whether there may be more.
func (tx *Tx) forgetAsides(g grant, n int) (more bool, err error) {
	var keys [][]byte
	var failed error
	err = scanPrefix(tx.r, []byte{tableAside}, func(k, v []byte) bool {
		var a aside
		if a, failed = decodeAside(v); failed == nil && tx.now.Sub(a.at) >= asideKept {
			keys = append(keys, slices.Clone(k))
		}
		return failed == nil && len(keys) < n
	})
	if err == nil {
		err = failed
	}
	for _, k := range keys {
		if err == nil {
			err = tx.w.Delete(k)
		}
	}
	return len(keys) == n, err
}
