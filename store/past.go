package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/policy"
)

// Three names stand beside the spaces, and no space has them. Below the first lies
// what was deleted, below the second every file is a collection of what it was, and
// below the third each moment has everything as it stood then:
//
//	/.trash/Finance/plan (17).odt
//	/.versions/Finance/2026/plan.odt/version-3
//	/.versions/.trash/Finance/plan (17).odt/version-3
//	/.at/2026-11-22T10:00:00Z/Finance/2026/plan.odt
//
// What was deleted of calendars has a trash of its own, among the calendars, and the
// versions of their objects stand beside those of files; no moment shows either.
const (
	TrashRoot    = ".trash"
	VersionsRoot = ".versions"
	MomentsRoot  = ".at"
)

// IsPast tells whether a path begins with one of the three.
func IsPast[P ~[]string](p P) bool {
	return len(p) > 0 && (p[0] == TrashRoot || p[0] == VersionsRoot || p[0] == MomentsRoot)
}

// realm is the part of the store that a path leads into.
type realm byte

const (
	listed realm = iota
	inTrash
	inVersions
	atMoment
)

// pastNeeds says what an operation needs beyond the listed tree, where a spot is
// what was asked for. An operation that has no row is for nobody.
var pastNeeds = map[spotKind]map[op]policy.Rights{
	trashTop: {opStat: 0, opList: 0, opEmpty: policy.Purge},
	trashItem: {
		opStat: policy.See | policy.Trash, opList: policy.See | policy.Trash,
		opOpen: policy.See | policy.Trash | policy.Read, opCopy: policy.See | policy.Trash | policy.Read,
		opRestore: policy.See | policy.Trash, opErase: policy.See | policy.Trash | policy.Purge,
		// Another place may show it to others than the old one did.
		opRestoreAway: policy.See | policy.Trash | policy.Read,
		opRestoreOut:  policy.See | policy.Trash | policy.Read | policy.Purge,
	},
	versionedDir:  {opStat: 0, opList: 0},
	versionedFile: {opStat: policy.History, opList: policy.History, opEraseVersions: policy.History | policy.Purge},
	versionItem: {
		opStat: policy.History, opOpen: policy.History | policy.Read, opCopy: policy.History | policy.Read,
		opRevert: policy.History, opLabel: policy.History, opEraseVersions: policy.History | policy.Purge,
	},
	// What lies in the trash goes as a whole, and comes back before it is changed.
	binnedFile:    {opStat: policy.History, opList: policy.History},
	binnedVersion: {opStat: policy.History, opOpen: policy.History | policy.Read, opCopy: policy.History | policy.Read},
	momentItem:    {opStat: 0, opList: 0, opOpen: policy.Read, opCopy: policy.Read},
}

// spotKind is what a spot beyond the listed tree is.
type spotKind byte

const (
	trashTop      spotKind = iota + 1 // of a space
	trashItem                         // something deleted, or below it
	versionedDir                      // a collection, listed or in the trash, or a trash, whose files have versions
	versionedFile                     // a listed file as the collection of its versions
	versionItem                       // one of them
	binnedFile                        // a file in the trash as the collection of its versions
	binnedVersion                     // one of them
	momentItem                        // what stood there at a moment
)

// An Origin tells where something in the trash stood, or when content was replaced.
type Origin struct {
	Path Path      // of the old place, or of the file
	At   time.Time // of the deletion, or when it was replaced
	By   policy.ID // who deleted it, or had written it
	// Label of a version, which stays for it; empty for none.
	Label string
}

// past is what a spot beyond the listed tree has more than one within.
type past struct {
	kind  spotKind
	asked Path
	// shown is the entry of a file as a collection, or of a version; nil where it
	// is the node's own.
	shown   *Entry
	version *version
	trash   *trashRec // that the spot is, or is below
	seq     uint64
	space   policy.ID // whose trash holds it
	top     int       // where the deleted node stands in the spot's way
	// look is what the space was at the moment, and asks what it takes to find
	// there what stood there.
	look *retrospect
	asks policy.Rights
}

// realm is the part of the store that the spot is in.
func (sp *spot) realm() realm {
	switch {
	case sp.past == nil:
		return listed
	case sp.past.kind <= trashItem:
		return inTrash
	case sp.past.kind == momentItem:
		return atMoment
	}
	return inVersions
}

// needs says what an operation needs at the spot; not ok when there is no such
// operation.
func (s *Session) needs(sp *spot, o op) (want policy.Rights, ok bool) {
	if sp.past == nil {
		return s.wanted(sp, o), !sp.inFetched() || slices.Contains(readingFetched, o)
	}
	want, ok = pastNeeds[sp.past.kind][o]
	return s.wantedBeyond(sp, o, want), ok
}

// told is the path as the asker wrote it.
func (sp *spot) told() Path {
	if sp.past != nil {
		return sp.past.asked
	}
	return sp.path
}

// current is the spot of the listed file that a version belongs to.
func (sp *spot) current() *spot {
	file := *sp
	file.past = nil
	return &file
}

// tell is what of the past the asker is told.
func (tx *Tx) tell(g grant, sp *spot) (*Origin, error) {
	switch p := sp.past; {
	case p == nil:
	case p.kind == trashItem:
		names, err := tx.pathOf(g, sp.nodes[p.top])
		return &Origin{Path: append(names, sp.path[p.top+1:]...), At: time.Unix(0, p.trash.at), By: p.trash.by}, err
	case p.version != nil:
		return p.version.origin(sp), nil
	}
	return nil, nil
}

// resolvePast walks a path below one of the three names, as tx.resolve does within
// the listed tree.
func (s *Session) resolvePast(tx *Tx, p Path) (sp *spot, err error) {
	switch {
	case len(p) == 1 || s.cred.Link != policy.Nobody:
		sp = &spot{path: p}
	case p[0] == MomentsRoot:
		sp, err = s.resolveThen(tx, p)
	case p[0] == VersionsRoot:
		sp, err = s.resolveFormer(tx, p)
	default:
		sp, err = s.resolveTrash(tx, p)
	}
	if err == nil && sp.past == nil { // nothing is there, and nothing can be made there
		sp.past = &past{asked: p}
	}
	return sp, err
}

// resolveTrash finds the trash of a space or of its calendars, or something in it.
func (s *Session) resolveTrash(tx *Tx, p Path) (*spot, error) {
	top := 2
	if p[1:].InCalendars() {
		top = 3
	}
	sp, err := tx.resolve(p[1:top])
	if err != nil || sp.missing() > 0 {
		return sp, err
	}
	sp.past = &past{kind: trashTop, asked: p}
	if len(p) == top {
		return sp, nil
	}
	// To whom the trash itself is missing nothing is in it, by no name.
	switch _, err := s.face(tx, sp, 0); {
	case errors.Is(err, ErrNotFound):
		return notBinned(sp, p[top]), nil
	case err != nil:
		return sp, err
	}
	return s.resolveBinned(tx, sp, p[top], p[top+1:])
}

// notBinned is where a trash has nothing of the name.
func notBinned(top *spot, name string) *spot {
	return &spot{path: append(slices.Clip(top.path), name), space: top.space, nodes: top.nodes, entries: top.entries, past: top.past}
}

// IsTrash tells whether the path is that of a trash itself.
func (p Path) IsTrash() bool {
	return len(p) > 1 && p[0] == TrashRoot && (len(p) == 2 || len(p) == 3 && p[1:].InCalendars())
}

// resolveBinned finds something deleted by the name that the trash gives it, or by
// its own: that leads to the newest of the name that the asker may see. Below it the
// way goes on by names.
func (s *Session) resolveBinned(tx *Tx, top *spot, name string, below Path) (*spot, error) {
	found, err := tx.binnedAs(top, name)
	if err == nil && found == nil {
		err = s.eachBinned(tx, top, 0, func(b *binned) bool {
			if b.entry.Name == name {
				found = b
			}
			return true
		})
	}
	if err != nil || found == nil {
		return notBinned(top, name), err
	}
	sp := found.spot()
	sp.past.asked = top.past.asked
	sp.path = append(sp.path, below...)
	return sp, tx.descend(sp)
}

// binned is a record of the trash with the way to its node.
type binned struct {
	trashRec
	in    policy.ID // the space whose trash holds it
	seq   uint64
	space *policy.Space // that it is in by now: what it lay in may have moved
	way   []policy.Node
	names Path // of the way, from the space on
	// calendar is the Type of the calendar that it lay in.
	calendar string
}

// name is what the trash calls it: its own name with the number of the deletion.
// The number stands there always. Whether another deletion has the same name may
// be none of the asker's business, and what a name leads to must not change.
func (b *binned) name() string { return numbered(b.entry.Name, strconv.FormatUint(b.seq, 10)) }

// spot of the record's node.
func (b *binned) spot() *spot {
	sp := &spot{path: b.names, space: b.space, nodes: b.way, entries: make([]Entry, len(b.way))}
	for i, n := range b.way {
		sp.entries[i] = Entry{Name: b.names[i], Node: n, Dir: true}
	}
	if b.calendar != "" {
		sp.entries[calendarDepth-1].Type = b.calendar
	}
	sp.entries[len(b.way)-1] = b.entry
	sp.past = &past{kind: trashItem, trash: &b.trashRec, seq: b.seq, space: b.in, top: len(b.way) - 1, asks: seesTrash}
	return sp
}

// resolveFormer is resolveVersions, as far as the asker may know of it.
func (s *Session) resolveFormer(tx *Tx, p Path) (*spot, error) {
	sp, err := s.resolveVersions(tx, p)
	if err != nil || !sp.inCalendars() {
		return sp, err
	}
	hidden, err := s.hidesVersions(tx, sp)
	if hidden {
		sp = &spot{path: p}
	}
	return sp, err
}

// hidesVersions tells whether what calendars were is not the asker's to know: of what is
// private, or was, those know no version for whom it is masked. What is left in boxes and
// what the server fetches has none.
func (s *Session) hidesVersions(tx *Tx, sp *spot) (bool, error) {
	if len(sp.entries) < calendarDepth {
		return false, nil
	}
	if top := &sp.entries[calendarDepth-1]; !top.IsCalendar() || top.Fetched() {
		return true, nil
	}
	file := sp.current()
	switch {
	case file.entry().Dir || s.knowsPrivate(sp.space, s.decide(tx, sp.place(), 0).Held):
		return false, nil
	case file.entry().Private || sp.past.version == nil:
		return file.entry().Private, nil
	}
	return tx.wasPrivate(housekeeping(tx, file.entry().Node), sp.past.version)
}

// wasPrivate tells whether a version of a calendar object is one of a private one. What
// cannot be read is taken for one.
func (tx *Tx) wasPrivate(g grant, v *version) (bool, error) {
	content, err := tx.whole(g, &Entry{content: v.content, Size: v.size})
	if err != nil {
		return false, err
	}
	obj, err := tx.st.index(content, Span{})
	return err != nil || obj.Private, nil
}

// resolveVersions walks to a collection, to a file as the collection of its versions,
// or to one of these.
func (s *Session) resolveVersions(tx *Tx, p Path) (*spot, error) {
	of, file, item := p[1:], versionedFile, versionItem
	if of[0] == TrashRoot {
		of, file, item = of[1:], binnedFile, binnedVersion
	}
	if len(of) == 0 || file == binnedFile && of.InCalendars() { // what is deleted of calendars shows none
		return &spot{path: p}, nil
	}
	var sp *spot
	var err error
	if file == binnedFile {
		sp, err = s.resolveTrash(tx, p[1:])
	} else {
		sp, err = tx.resolve(of)
	}
	if err != nil || sp.space == nil || len(sp.nodes) == 0 {
		return sp, err
	}
	if sp.past == nil {
		sp.past = &past{}
	}
	sp.past.asked = p
	if e := sp.entry(); e.Dir {
		sp.past.kind = versionedDir
	} else {
		sp.past.kind = file
		sp.past.shown = &Entry{Name: e.Name, Node: e.Node, Dir: true, Created: e.Created, Modified: e.Modified, Rev: e.Rev, Creator: e.Creator}
		if sp.missing() == 1 {
			return sp, tx.resolveNumbered(sp, item)
		}
	}
	return sp, nil
}

// resolveNumbered finds the version of a file that the last name means.
func (tx *Tx) resolveNumbered(sp *spot, item spotKind) error {
	number, is := strings.CutPrefix(sp.name(), versionPrefix)
	n, err := strconv.Atoi(number)
	if !is || err != nil || n <= 0 || strconv.Itoa(n) != number {
		return nil
	}
	e := &sp.entries[len(sp.entries)-1]
	key := versionKey(e.Node, n)
	b, err := tx.r.Get(key)
	if err != nil || b == nil {
		return err
	}
	v, err := decodeVersion(key, b)
	if err != nil {
		return fmt.Errorf("version %d of %s: %w", n, sp.past.asked, err)
	}
	shown := v.entry(v.name(), e)
	sp.path = sp.path[:len(sp.path)-1]
	sp.past.kind, sp.past.version, sp.past.shown = item, &v, &shown
	return nil
}

// versionPrefix begins the names of versions.
const versionPrefix = "version-"

func (v *version) name() string { return versionPrefix + strconv.Itoa(v.number) }

func (v *version) origin(of *spot) *Origin { return &Origin{of.path, v.at, v.author, v.label} }

// pastInfo is what the asker may know of a spot beyond the listed tree.
func (tx *Tx) pastInfo(g grant, sp *spot) (info Info, err error) {
	info = Info{Entry: *sp.entry(), Held: g.held, Shell: g.held&policy.See == 0, Owner: sp.space.Owner}
	if sp.isRoot() || sp.past.kind == trashTop {
		info.Name = tx.spaceName(sp.nodes[0])
	}
	info.Origin, err = tx.tell(g, sp)
	return info, err
}

// listPast gives a page of a collection beyond the listed tree.
func (s *Session) listPast(tx *Tx, g grant, sp *spot, after string, n int) (page []Info, more bool, err error) {
	switch sp.past.kind {
	case trashTop:
		return s.listTrash(tx, g, sp, after, n)
	case versionedFile, binnedFile:
		return s.listVersions(tx, g, sp, after, n)
	case versionedDir:
		return s.listVersioned(tx, g, sp, after, n)
	case momentItem:
		return s.listThen(tx, sp, after, n)
	}
	return s.list(tx, g, sp, nil, after, n, Want{})
}

// listVersioned gives a page of a collection, or of a trash, in which every file is
// the collection of its versions.
func (s *Session) listVersioned(tx *Tx, g grant, sp *spot, after string, n int) (page []Info, more bool, err error) {
	if sp.past.trash == nil && sp.past.asked[1] == TrashRoot {
		page, more, err = s.listTrash(tx, g, sp, after, n)
	} else {
		page, more, err = s.list(tx, g, sp, nil, after, n, Want{})
	}
	for i := range page {
		page[i].Dir, page[i].Size, page[i].Type, page[i].Origin = true, 0, "", nil
	}
	return page, more, err
}

// shows tells whether a collection lists a visible member to who holds rights on
// it.
func (sp *spot) shows(e *Entry, held policy.Rights) bool {
	switch {
	case sp.past == nil:
		return true
	case held&sp.past.asks != sp.past.asks:
		return false
	case sp.realm() == inTrash:
		return true
	}
	return e.Dir && e.Box() == "" && !e.Fetched() || !e.Dir && held&policy.History != 0
}

// lists is shows, for an asker to whom what was private may be none of his business.
func (s *Session) lists(sp *spot, e *Entry, held policy.Rights) bool {
	masked := e.Private && sp.past != nil && sp.past.kind == versionedDir && !s.knowsPrivate(sp.space, held)
	return !masked && sp.shows(e, held)
}

// listVersions gives a page of the versions of a file, by their names.
func (s *Session) listVersions(tx *Tx, g grant, sp *spot, after string, n int) (page []Info, more bool, err error) {
	list, err := tx.versions(g, g.node)
	if err != nil {
		return nil, false, err
	}
	masks := sp.inCalendars() && !s.knowsPrivate(sp.space, g.held)
	for i := range list {
		v := &list[i]
		if number, _ := strconv.Atoi(strings.TrimPrefix(after, versionPrefix)); v.number <= number {
			continue
		}
		if masks {
			if private, err := tx.wasPrivate(g, v); err != nil {
				return nil, false, err
			} else if private {
				continue
			}
		}
		if more = len(page) == n; more {
			break
		}
		page = append(page, Info{Entry: v.entry(v.name(), sp.entry()), Held: g.held, Owner: sp.space.Owner, Origin: v.origin(sp)})
	}
	return page, more, nil
}

// erasePast erases something in the trash, all versions of a file, or one.
func (s *Session) erasePast(tx *Tx, sp *spot, t Terms) error {
	if sp.realm() == inTrash {
		g, err := s.authorizeBinned(tx, sp, opErase)
		if err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, nil); err != nil {
			return err
		}
		return tx.erase(g, sp)
	}
	g, err := s.authorize(tx, sp, opEraseVersions)
	if err != nil {
		return err
	}
	file := sp.current()
	if err := s.judge(tx, sp, t, s.unlockedAt(tx, g, file.nodes, t)); err != nil {
		return err
	}
	list := []version{}
	if sp.past.version != nil {
		list = append(list, *sp.past.version)
	} else if list, err = tx.versions(g, g.node); err != nil {
		return err
	}
	if err := tx.dropVersions(g, file, list); err != nil {
		return err
	}
	_, dir := file.parent()
	return tx.put(g, dir.Node, file.entry())
}

// moveBack gives a file the content of one of its versions, which is none
// afterwards; the content that the file had becomes one.
func (s *Session) moveBack(tx *Tx, src, dst *spot, overwrite bool, t Terms) error {
	g, err := s.authorizeRevert(tx, src, dst, overwrite, t)
	if err != nil {
		return err
	}
	v := *src.past.version
	b, m, err := s.former(tx, g, dst, &v, t)
	if err != nil {
		return err
	}
	if err := tx.dropVersions(g, dst, []version{v}); err != nil {
		return err
	}
	return s.giveBack(tx, g, dst, b, m)
}

// copyBack is a COPY of a version over its own file, which leaves the file its
// properties; done is false for any other.
func (s *Session) copyBack(ctx context.Context, from, to Path, overwrite bool, t Terms) (placed Placed, done bool, err error) {
	if len(from) == 0 || from[0] != VersionsRoot {
		return placed, false, nil
	}
	err = s.update(ctx, func(tx *Tx) error {
		src, dst, err := s.ends(tx, from, to)
		if err != nil || !src.isVersionOf(dst) {
			done = err != nil
			return err
		}
		done = true
		g, err := s.authorizeRevert(tx, src, dst, overwrite, t)
		if err != nil {
			return err
		}
		b, m, err := s.former(tx, g, dst, src.past.version, t)
		if err != nil {
			return err
		}
		err = s.giveBack(tx, g, dst, b, m)
		placed.ScheduleTag = dst.scheduleTag()
		return err
	})
	return placed, done, err
}

// former is what giving a file the content of a version writes. To a calendar that is
// as if a client had put it: people are told, and their answers asked anew.
func (s *Session) former(tx *Tx, g grant, file *spot, v *version, t Terms) (body, Meta, error) {
	b, m := v.again()
	if !file.inCalendars() {
		return b, m, nil
	}
	var err error
	if m.Body, err = tx.whole(g, &Entry{content: v.content, Size: v.size}); err != nil {
		return b, m, err
	}
	obj, err := tx.st.index(m.Body, Near(tx.now))
	if err != nil {
		return b, m, ErrReserved // it was let in by other rules
	}
	m.Object, m.Modified = &obj, tx.now
	if err := file.admits(m.Object); err != nil {
		return b, m, err
	}
	b, err = s.schedulePut(tx, g, file, b, &m, t)
	return b, m, err
}

// isVersionOf tells whether the spot is a version of the listed file at another.
func (sp *spot) isVersionOf(file *spot) bool {
	return sp.past != nil && sp.past.kind == versionItem && file.past == nil && file.missing() == 0 &&
		file.entry().Node == sp.entry().Node
}

// authorizeRevert decides giving a file the content of one of its versions: that
// is writing it, for who may look into its history.
func (s *Session) authorizeRevert(tx *Tx, src, dst *spot, overwrite bool, t Terms) (grant, error) {
	if _, err := s.authorize(tx, src, opRevert); err != nil {
		return grant{}, err
	}
	if !src.isVersionOf(dst) {
		return grant{}, ErrReserved
	}
	g, err := s.authorize(tx, dst, opReplace)
	if err != nil {
		return g, err
	}
	if err := s.judge(tx, src, t, s.unlockedAt(tx, g, dst.nodes, t)); err != nil {
		return g, err
	}
	if !overwrite {
		return g, ErrExists
	}
	return g, nil
}

// again is a version as it is written once more.
func (v *version) again() (body, Meta) {
	return body{content: v.content, size: v.size, found: true, again: v.rev}, Meta{Type: v.media, Modified: v.modified}
}

// giveBack writes what a file was to it.
func (s *Session) giveBack(tx *Tx, g grant, file *spot, b body, m Meta) error {
	h := tx.st.ledger.hold(nil)
	tx.holds, tx.own = append(tx.holds, h), append(tx.own, h)
	if err := tx.fit(g, file, h, b.size-file.entry().Size); err != nil {
		return err
	}
	return s.replace(tx, g, file, b, m)
}
