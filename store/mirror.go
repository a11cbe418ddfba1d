package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"davit/policy"
)

// changesMax is how many changes are gone through for one answer. Whoever missed
// more is sent to list anew, which streams.
const changesMax = 100_000

// A mirror is what a space was when a client was told of it, so far as it is not
// what it is: it is read from the log of what happened since.
type mirror struct {
	base  *moment
	first map[policy.Node]slot // where each node stood that something happened to; the zero slot: nowhere
	fresh map[policy.Node]bool // made, written or put in its place since
	// stood are the nodes that stood at a name or, as far as the client may know
	// of it, came there since.
	stood map[policy.Node]map[string][]policy.Node
	// touched are the names to look at: where something happened, and the way
	// down to there.
	touched map[policy.Node]map[string]bool
	// away are nodes that came from another space: nobody logged here what happened
	// below them before.
	away map[policy.Node]bool
	// restless are nodes that moved while the client was told page by page.
	restless map[policy.Node]bool
	way      []policy.Node // from the root to the collection that was asked for
}

// slot is a name in a collection.
type slot struct {
	dir  policy.Node
	name string
}

// readMirror reads the log since the token. The way leads to the collection now.
func (c *comparison) readMirror(way []policy.Node) (*mirror, error) {
	base := c.token.base
	floor, err := c.tx.floor(c.space.ID)
	if err != nil {
		return nil, err
	}
	if base.seq < floor || base.seq > c.now.seq || c.now.seq-base.seq > changesMax {
		return nil, ErrSyncToken
	}
	if !base.seen.known {
		// Of a sight that is only summed nobody knows what it showed.
		if !base.seen.is(&c.now.seen) {
			return nil, ErrSyncToken
		}
		own := *base
		own.seen = c.now.seen
		base = &own
	}
	p := &mirror{base: base, first: map[policy.Node]slot{}, fresh: map[policy.Node]bool{},
		stood: map[policy.Node]map[string][]policy.Node{}, touched: map[policy.Node]map[string]bool{},
		away: map[policy.Node]bool{}, restless: map[policy.Node]bool{}}
	if err := c.readLog(p); err != nil {
		return nil, err
	}
	for _, n := range base.seen.list.Apart(c.now.seen.list) {
		if err := p.touchNode(c.tx, n); err != nil {
			return nil, err
		}
	}
	if err := p.leadDown(c.tx); err != nil {
		return nil, err
	}
	p.way, err = p.wayThen(c.tx, way[len(way)-1])
	return p, err
}

// readLog notes what happened since the token.
//
// What came and went meanwhile is told as gone, since the client may have seen it
// in a listing: RFC 6578, section 3.5.2. But what came while the asker may have
// seen less than now is told to nobody, unless pages told it.
func (c *comparison) readLog(p *mirror) error {
	lasts, err := c.lasted(p.base.epoch, p.base.seq)
	if err != nil {
		return err
	}
	var failed error
	err = c.tx.r.Scan(changeKey(c.space.ID, p.base.seq+1), changeKey(c.space.ID, c.now.seq+1), func(k, v []byte) bool {
		var rec changeRec
		if rec, failed = decodeChange(v); failed != nil {
			return false
		}
		seq := binary.BigEndian.Uint64(k[9:])
		p.take(seq, &rec, lasts || seq <= p.base.until)
		return true
	})
	if err == nil {
		err = failed
	}
	return err
}

// lasted tells whether the asker has seen since an epoch, at each change after one,
// what it sees now.
func (c *comparison) lasted(epoch, seq uint64) (bool, error) {
	if epoch != c.now.epoch || seq >= c.now.seq {
		return seq >= c.now.seq, nil
	}
	v, err := c.tx.r.Get(changeKey(c.space.ID, seq+1))
	if err != nil || v == nil {
		return false, err
	}
	rec, err := decodeChange(v)
	return c.tx.state.Lasts(c.sub, c.space.ID, time.Unix(0, rec.at).Unix(), c.tx.now.Unix()), err
}

// take notes one change, those of a node from the oldest on.
func (p *mirror) take(seq uint64, rec *changeRec, known bool) {
	here := slot{rec.parent, rec.name}
	p.touch(here)
	came := rec.op == Created || rec.op == Arrived
	if rec.op == Arrived {
		p.away[rec.node] = true
	}
	left, leaves := rec.left()
	if leaves {
		p.touch(left)
	}
	if _, before := p.first[rec.node]; !before {
		switch {
		case leaves:
			p.first[rec.node] = left
			p.stand(rec.node, left)
		case came:
			p.first[rec.node] = slot{}
		default:
			p.first[rec.node] = here
			p.stand(rec.node, here)
		}
	}
	if (rec.op != Updated || leaves) && seq <= p.base.until {
		p.restless[rec.node] = true
	}
	if rec.op != Removed {
		p.fresh[rec.node] = true
	}
	if (came || leaves) && known {
		p.stand(rec.node, here)
	}
}

// left is the place that a change took a node away from without a line of its own
// for that: by a swap of two files, or from below something in the trash.
func (c *changeRec) left() (at slot, is bool) {
	is = c.before.how == bySwap && c.before.name != c.name || c.before.how == byRestore && c.before.trash == 0
	return slot{c.before.parent, c.before.name}, is
}

func (p *mirror) stand(n policy.Node, at slot) {
	if p.stood[at.dir] == nil {
		p.stood[at.dir] = map[string][]policy.Node{}
	}
	if nodes := p.stood[at.dir][at.name]; !slices.Contains(nodes, n) {
		p.stood[at.dir][at.name] = append(nodes, n)
	}
}

// touch notes a name to look at, and tells whether it is a new one.
func (p *mirror) touch(at slot) bool {
	names := p.touched[at.dir]
	if names == nil {
		names = map[string]bool{}
		p.touched[at.dir] = names
	}
	was := names[at.name]
	names[at.name] = true
	return !was
}

// touchNode notes where a node stands, if it is listed anywhere.
func (p *mirror) touchNode(tx *Tx, n policy.Node) error {
	rec, err := tx.nodeRec(n)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil && rec.trash == 0 && rec.parent != 0 {
		p.touch(slot{rec.parent, rec.name})
	}
	return err
}

// leadDown notes the way from the root to every name that was noted.
func (p *mirror) leadDown(tx *Tx) error {
	for _, n := range slices.Collect(maps.Keys(p.touched)) {
		for n != 0 {
			rec, err := tx.nodeRec(n)
			if errors.Is(err, ErrNotFound) || err == nil && rec.trash != 0 {
				break // what is not listed is found from where it stood
			}
			if err != nil {
				return err
			}
			if rec.parent == 0 || !p.touch(slot{rec.parent, rec.name}) {
				break
			}
			n = rec.parent
		}
	}
	return nil
}

// wayThen is the way to a collection as it was.
func (p *mirror) wayThen(tx *Tx, n policy.Node) (up []policy.Node, err error) {
	for n != 0 {
		up = append(up, n)
		at, moved := p.first[n]
		switch {
		case moved && at.dir == 0 || len(up) > depthMax:
			return nil, ErrSyncToken // it was not in the space
		case moved:
			n = at.dir
		default:
			rec, err := tx.nodeRec(n)
			if err != nil {
				return nil, fmt.Errorf("way to a collection as it was: %w", err)
			}
			n = rec.parent
		}
	}
	slices.Reverse(up)
	return up, nil
}

// view is how the client saw the collection that was asked for.
func (p *mirror) view() policy.View {
	v := policy.Hidden
	for _, n := range p.way {
		v = p.base.seen.list.Of(n, v)
	}
	return v
}

// touchedIn are the names to look at in a collection, from one on, in order.
func (p *mirror) touchedIn(dir policy.Node, from string) []string {
	names := make([]string, 0, len(p.touched[dir]))
	for name := range p.touched[dir] {
		if name >= from {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// stayed tells whether nothing happened to a node's place since.
func (p *mirror) stayed(n policy.Node) bool { _, moved := p.first[n]; return !moved }

// stayedAt tells whether a client that was told page by page has the node at that
// place for certain.
func (p *mirror) stayedAt(n policy.Node, at slot) bool {
	first, moved := p.first[n]
	return !moved || first == at && !p.restless[n]
}

// stoodAt are those that the client may know at a name in collections that it
// knew at one path.
func (c *comparison) stoodAt(olds []old, name string) (stood []old, err error) {
	for _, dir := range olds {
		nodes := slices.Clone(c.mirror.stood[dir.node][name])
		e, found, err := c.tx.member(housekeeping(c.tx, dir.node), dir.node, name)
		if err != nil {
			return nil, err
		}
		if found && c.mirror.stayed(e.Node) {
			nodes = append(nodes, e.Node)
		}
		for _, n := range nodes {
			one := old{n, c.mirror.base.seen.list.Of(n, dir.view), dir.sure && c.mirror.stayedAt(n, slot{dir.node, name})}
			if one.view != policy.Hidden && !slices.Contains(stood, one) {
				stood = append(stood, one)
			}
		}
	}
	return stood, nil
}

// allNames are the names in a collection, and those that the client may know in
// others that it knew at the same path, from one on, in order.
func (c *comparison) allNames(dir collectionNow, olds []old, from string) ([]string, error) {
	names := map[string]bool{}
	gather := func(g grant, n policy.Node) error {
		return c.tx.children(g, n, "", func(e *Entry) bool {
			if e.Name >= from {
				names[e.Name] = true
			}
			return true
		})
	}
	if err := gather(dir.g, dir.g.node); err != nil {
		return nil, err
	}
	for _, o := range olds {
		if o.node != dir.g.node {
			if err := c.inSpace(o.node); err != nil {
				return nil, err
			}
			if err := gather(housekeeping(c.tx, o.node), o.node); err != nil {
				return nil, err
			}
		}
		for name := range c.mirror.stood[o.node] {
			if name >= from {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// inSpace refuses the token when what was in a collection is not known any more:
// it was erased, or has another space's log.
func (c *comparison) inSpace(n policy.Node) error {
	up, err := way(c.tx.r, n)
	if err != nil || up[0] != c.space.Root || c.mirror.away[n] {
		return ErrSyncToken
	}
	return nil
}

// member is one member of a collection.
func (tx *Tx) member(g grant, dir policy.Node, name string) (e Entry, found bool, err error) {
	return tx.lookup(dir, name)
}

// wasDir tells whether a node that is not listed where it was is a collection, as
// far as that is known.
func (tx *Tx) wasDir(g grant, space policy.ID, n policy.Node) (bool, error) {
	rec, err := tx.nodeRec(n)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if rec.trash == 0 {
		e, _, err := tx.lookup(rec.parent, rec.name)
		return e.Dir, err
	}
	v, err := tx.r.Get(trashKey(space, rec.trash))
	if err != nil || v == nil {
		return false, err
	}
	t, err := decodeTrash(v)
	return t.entry.Dir, err
}
