package store

import (
	"fmt"
	"slices"
	"strings"

	"davit/policy"
)

// A Path names a file or collection from the root of all spaces: the name of a
// space, or "~mia" for a personal drive, and the names below. Names are NFC.
type Path []string

// String is the form that commands take and show: "/Finance/2026", "~mia/notes",
// and of what stands among the calendars "calendar:~mia/work".
func (p Path) String() string {
	if p.InCalendars() {
		return CalendarScheme + append(Path{p[0]}, p[2:]...).String()
	}
	if len(p) == 0 {
		return "/"
	}
	if strings.HasPrefix(p[0], "~") {
		return strings.Join(p, "/")
	}
	return "/" + strings.Join(p, "/")
}

// op is what a request wants to do with one node.
type op string

const (
	opStat     op = "stat"
	opOpen     op = "open"
	opList     op = "list"
	opCreate   op = "create"
	opReplace  op = "replace"
	opProps    op = "props"
	opRemove   op = "remove"
	opTakeOut  op = "move to another space"
	opSave     op = "save over"
	opSetAside op = "set aside"
	opPutBack  op = "put back"
	opCopy     op = "copy"
	opCopyTo   op = "copy over"
	opLock     op = "lock"
	opUnlock   op = "unlock"
	opLocks    op = "locks"
	opShare    op = "share"
	opACL      op = "acl"
	opReadACL  op = "read acl"
	opPush     op = "register for pushes"

	opRestore       op = "restore"
	opRestoreAway   op = "restore to another folder"
	opRestoreOut    op = "restore to another space"
	opErase         op = "erase"
	opEmpty         op = "empty the trash"
	opRevert        op = "restore a version"
	opLabel         op = "label a version"
	opEraseVersions op = "erase versions"
	opRewind        op = "restore the content of a moment"

	opMkCalendar op = "make a calendar"
	opFreeBusy   op = "free-busy"
	opAnswer     op = "answer an invitation"
	opDeliver    op = "deliver"
)

// needs says which rights an operation asks for: on its target, or for opCreate
// on the parent. An operation that is missing here needs every right.
var needs = map[op]policy.Rights{
	opStat:     0, // to be visible is enough: a shell is stated and lists the way down
	opList:     0,
	opLocks:    policy.See,
	opPush:     policy.See,
	opOpen:     policy.Read,
	opCopy:     policy.Read,
	opCreate:   policy.Add,
	opReplace:  policy.Write,
	opSave:     policy.Write,
	opSetAside: policy.Write,
	opPutBack:  policy.Write,
	opCopyTo:   policy.Write | policy.Props,
	opProps:    policy.Props,
	opRemove:   policy.Delete,
	opTakeOut:  policy.Delete,
	opLock:     policy.See | policy.Write, // a lock is told of, and ended, by who sees it
	opUnlock:   policy.See,
	opShare:    policy.Reshare,
	opACL:      policy.Manage,
	opReadACL:  policy.ReadACL,
	opRewind:   policy.Write | policy.History,

	opMkCalendar: policy.Add | policy.Manage,
	opFreeBusy:   policy.FreeBusy,
	opAnswer:     policy.Read,               // of the asker's own line, and of nothing else
	opDeliver:    policy.Add | policy.Write, // that the receiver holds
}

// needed is what the operation needs.
func (o op) needed() policy.Rights {
	if want, listed := needs[o]; listed {
		return want
	}
	return policy.All
}

// ground is what leave for the operation rests on when the rights are there.
func (o op) ground() Ground {
	switch o {
	case opSave, opSetAside, opPutBack:
		return BySaveRule
	case opAnswer:
		return ByAnswer
	}
	return ByRight
}

// A grant is the leave to do one operation on one node in one transaction. Only
// authorize makes one, and nothing reaches content without.
type grant struct {
	tx   *Tx
	op   op
	node policy.Node
	held policy.Rights
}

// child is the grant on a listed member, decided for itself.
func (g grant) child(n policy.Node, held policy.Rights) grant {
	return grant{g.tx, g.op, n, held}
}

// housekeeping is the leave for the store's own work on nodes that no client
// can name: new roots, copies under way, what is erased, and the check.
func housekeeping(tx *Tx, n policy.Node) grant { return grant{tx: tx, op: "housekeeping", node: n} }

// subject is who asks, as policy sees it now.
func (s *Session) subject(tx *Tx) policy.Subject {
	if s.trial != nil {
		return *s.trial
	}
	return policy.Subject{
		User: s.cred.User, Link: s.cred.Link, Mask: s.cred.Mask, Spaces: s.cred.Spaces,
		Class: s.cred.Class, Network: tx.state.NetworkOf(s.cred.From), Now: tx.now.Unix(),
	}
}

// spot is what a path leads to.
type spot struct {
	path  Path
	space *policy.Space
	// nodes is the way from the space's root to the deepest node that exists.
	nodes []policy.Node
	// entries are the entries of nodes.
	entries []Entry
	past    *past // nil within the listed tree
	spared  int64 // bytes that versions freed beyond what a write here needs
}

// missing counts the names at the end of the path that lead nowhere.
func (sp *spot) missing() int {
	if sp.space == nil {
		return len(sp.path)
	}
	return len(sp.path) - len(sp.nodes)
}

// entry is the target's; the path must not miss anything.
func (sp *spot) entry() *Entry {
	if sp.past != nil && sp.past.shown != nil {
		return sp.past.shown
	}
	return &sp.entries[len(sp.entries)-1]
}

// parent is the collection that the last name stands in. For a missing target
// it is the last node of the way.
func (sp *spot) parent() (policy.Place, *Entry) {
	n := len(sp.path) - 1
	return policy.Place{Space: sp.space.ID, Path: sp.nodes[:n]}, &sp.entries[n-1]
}

// above is the spot of the collection that the last name stands in.
func (sp *spot) above() *spot {
	n := len(sp.path) - 1
	return &spot{path: sp.path[:n], space: sp.space, nodes: sp.nodes[:n], entries: sp.entries[:n]}
}

func (sp *spot) place() policy.Place {
	return policy.Place{Space: sp.space.ID, Path: sp.nodes}
}

func (sp *spot) name() string { return sp.path[len(sp.path)-1] }

// isRoot tells whether the path names a space itself.
func (sp *spot) isRoot() bool { return len(sp.path) == 1 }

// resolve walks the path as far as it goes. It decides nothing and tells
// nothing: its result is only for authorize.
func (tx *Tx) resolve(p Path) (*spot, error) {
	sp := &spot{path: p}
	if len(p) == 0 {
		return nil, fmt.Errorf("the root of all spaces: %w", ErrReserved)
	}
	if sp.space = tx.spaceOf(p[0]); sp.space == nil {
		return sp, nil
	}
	sp.nodes = make([]policy.Node, 0, len(p))
	sp.entries = make([]Entry, 0, len(p))
	root, found, err := tx.lookup(0, rootName(sp.space.Root))
	if err != nil || !found {
		return sp, err
	}
	sp.nodes, sp.entries = append(sp.nodes, root.Node), append(sp.entries, root)
	return sp, tx.descend(sp)
}

// descend walks on from the deepest node that the spot has reached.
func (tx *Tx) descend(sp *spot) error {
	for dir := sp.entries[len(sp.entries)-1]; dir.Dir && sp.missing() > 0; {
		e, found, err := tx.lookup(dir.Node, sp.path[len(sp.nodes)])
		if err != nil || !found {
			return err
		}
		sp.nodes, sp.entries = append(sp.nodes, e.Node), append(sp.entries, e)
		dir = e
	}
	return nil
}

func (tx *Tx) spaceOf(name string) *policy.Space {
	if user, ok := strings.CutPrefix(name, "~"); ok {
		if u := tx.state.UserNamed(user); u != nil {
			return tx.state.Space(u.Home)
		}
		return nil
	}
	if sp := tx.state.SpaceNamed(name); sp != nil && sp.Name == name {
		return sp
	}
	return nil
}

// lookup is one step of resolve.
func (tx *Tx) lookup(parent policy.Node, name string) (e Entry, found bool, err error) {
	v, err := tx.r.Get(entryKey(parent, name))
	if err != nil || v == nil {
		return e, false, err
	}
	e.Name = name
	if err := decodeEntry(&e, v); err != nil {
		return e, false, fmt.Errorf("%q in %d: %w", name, parent, err)
	}
	return e, true, nil
}

// face is what the asker may know of a target: nothing of one that is missing or
// hidden.
func (s *Session) face(tx *Tx, sp *spot, want policy.Rights) (policy.Decision, error) {
	if sp.missing() > 0 {
		return policy.Decision{Wanted: want}, s.faceMissing(tx, sp)
	}
	d := s.decide(tx, sp.place(), want)
	if sp.past != nil && sp.past.asks != 0 {
		// The trash shows to who may look into it, and what files were to who may
		// look into their history: others find nothing there.
		if d.Visible = d.Held&sp.past.asks == sp.past.asks; !d.Visible {
			return d, ErrNotFound
		}
		return d, nil
	}
	// A drop box lets itself be found by those who may put into it.
	d.Visible = d.Visible || sp.past == nil && sp.entry().Dir && d.Held&policy.Add != 0
	if d.Shell && sp.isRoot() {
		// Calendars have doors of their own: among the files they show nothing.
		only, err := tx.leadsToCalendars(s.subject(tx), sp)
		if err != nil {
			return d, err
		}
		d.Visible = !only
	}
	if !d.Visible || sp.inBox() && !s.owns(sp.space) {
		return d, ErrNotFound
	}
	return d, nil
}

// faceMissing is what the asker may know of something that is not there. Which
// versions a file has is told to who may look into its history.
func (s *Session) faceMissing(tx *Tx, sp *spot) error {
	if sp.past == nil || sp.past.kind != versionedFile && sp.past.kind != binnedFile {
		return ErrNotFound
	}
	file := *sp
	file.path = sp.path[:len(sp.nodes)]
	if _, err := s.authorize(tx, &file, opList); err != nil {
		return err
	}
	return ErrNotFound
}

// seesTrash is held by who finds something in the trash.
const seesTrash = policy.See | policy.Trash

// decide asks policy. The operator, who acts for nobody, arranges everything and
// reads nothing.
func (s *Session) decide(tx *Tx, at policy.Place, want policy.Rights) policy.Decision {
	if s.operates {
		return policy.Decision{Wanted: want, Held: arranges, Visible: true}
	}
	return tx.state.Decide(s.subject(tx), at, want)
}

// arranges is what the operator holds.
const arranges = policy.All &^ policy.Read

// heldBelow is what the asker holds on the whole of a tree.
func (s *Session) heldBelow(tx *Tx, at policy.Place) policy.Rights {
	if s.operates {
		return arranges
	}
	return tx.state.HeldBelow(s.subject(tx), at)
}

// authorize decides an operation on a target that has to exist.
func (s *Session) authorize(tx *Tx, sp *spot, o op) (grant, error) {
	want, known := s.needs(sp, o)
	d, err := s.face(tx, sp, want)
	switch {
	case err == nil && !known:
		err = ErrReserved
	case err == nil && !d.Allowed():
		err = s.refuse(tx, sp.place(), d.Wanted, sp.told())
	}
	s.note(tx, sp, d, o.ground(), err)
	if err != nil {
		return grant{}, err
	}
	return grant{tx, o, sp.entry().Node, d.Held}, nil
}

// mayAdd decides a new member of the collection that the path's last name
// stands in.
func (s *Session) mayAdd(tx *Tx, sp *spot) (grant, error) {
	o := sp.making()
	if sp.past != nil || sp.isRoot() {
		s.note(tx, sp, policy.Decision{Wanted: o.needed()}, "", ErrReserved)
		return grant{}, ErrReserved
	}
	if sp.missing() > 1 || !sp.above().entry().Dir {
		s.note(tx, sp, policy.Decision{Wanted: o.needed()}, "", ErrNoParent)
		return grant{}, ErrNoParent
	}
	dir := sp.above()
	d, err := s.face(tx, dir, s.wanted(dir, o))
	switch {
	case err == ErrNotFound:
		err = ErrNoParent
	case err == nil && !d.Allowed():
		err = s.refuse(tx, dir.place(), d.Wanted, dir.path)
	case err == nil && len(dir.entries) == calendarDepth && dir.entry().Fetched():
		err = ErrReserved
	}
	s.note(tx, dir, d, ByRight, err)
	if err != nil {
		return grant{}, err
	}
	return grant{tx, opCreate, dir.entry().Node, d.Held}, nil
}

// authorizeCreate decides making a new name. When something stands there it is
// hidden from the asker: who looks into the collection is refused without a word
// why, and a drop box takes the name with a number.
func (s *Session) authorizeCreate(tx *Tx, sp *spot) (grant, error) {
	g, err := s.mayAdd(tx, sp)
	switch {
	case err != nil:
		return grant{}, err
	case sp.missing() > 0:
		return g, nil
	case g.held&policy.See != 0:
		place, _ := sp.parent()
		err = s.refused(tx, place, s.wanted(sp.above(), opCreate), sp.path)
		s.note(tx, sp, policy.Decision{}, "", err)
		return grant{}, err
	}
	return g, tx.takeFreeName(g, sp)
}

// authorizePut decides create-or-replace: the store learns which before it asks.
func (s *Session) authorizePut(tx *Tx, sp *spot, replace op) (grant, error) {
	if sp.missing() == 0 && !s.droppedOn(tx, sp) {
		g, err := s.authorize(tx, sp, replace)
		if err != ErrNotFound {
			return g, err
		}
	}
	return s.authorizeCreate(tx, sp)
}

// authorizeTree decides taking away a node and everything below it: all or
// nothing. Without the right on the whole, what one created oneself may go with
// delete-own, and within the own hour also without; but not to another space.
func (s *Session) authorizeTree(tx *Tx, sp *spot, o op) (grant, error) {
	d, err := s.face(tx, sp, s.wanted(sp, o))
	var by Ground
	switch {
	case err != nil:
	case sp.past != nil || sp.isRoot() || s.isShared(tx, sp.entry().Node) || sp.isCalendars() || sp.isBox() || sp.inFetched():
		err = ErrReserved
	default:
		here := d.Held
		d.Held = s.heldBelow(tx, sp.place())
		if by, err = s.claim(grant{tx, opStat, sp.entry().Node, d.Held}, sp, o); err != nil || by != "" {
			break
		}
		want := d.Wanted
		if here&want == want {
			want |= policy.See // something below is hidden or kept from the asker
		}
		err = s.refuse(tx, sp.place(), want, sp.path)
	}
	s.note(tx, sp, d, by, err)
	if err != nil {
		return grant{}, err
	}
	return grant{tx, o, sp.entry().Node, d.Held}, nil
}

// authorizeBinned decides something in the trash with everything below it, all or
// nothing.
func (s *Session) authorizeBinned(tx *Tx, sp *spot, o op) (grant, error) {
	want, known := s.needs(sp, o)
	d, err := s.face(tx, sp, want)
	switch {
	case err != nil:
	case !known:
		err = ErrReserved
	default:
		d.Held = s.heldBelow(tx, sp.place())
		if !d.Allowed() {
			err = s.refuse(tx, sp.place(), d.Wanted, sp.told())
		}
	}
	s.note(tx, sp, d, ByRight, err)
	if err != nil {
		return grant{}, err
	}
	return grant{tx, o, sp.entry().Node, d.Held}, nil
}

// Refused is a refusal of something visible, for the answer and the log.
type Refused struct {
	policy.Denied
	Path  Path
	State policy.SpaceState // of the space
	// ID of the decision, once it has left the session.
	ID string

	decided decided
}

func (r *Refused) Error() string { return fmt.Sprintf("%s: %s", r.Path, r.Denied.Error()) }

func (s *Session) refuse(tx *Tx, at policy.Place, want policy.Rights, p Path) error {
	r := s.refused(tx, at, want, p)
	r.Denied = *r.decided.x.Refusal()
	r.Visible = true
	if r.Cut == "" && slices.ContainsFunc(r.decided.x.Cuts, func(c policy.Cut) bool { return c.By == policy.CutByState }) {
		r.Cut = policy.CutByState // what one has just made is held by add, which the state took
	}
	if r.Missing == 0 {
		r.Missing = want &^ policy.See
	}
	r.State = tx.state.Space(at.Space).State
	return r
}

// refused is a refusal that says no more than that.
func (s *Session) refused(tx *Tx, at policy.Place, want policy.Rights, p Path) *Refused {
	x := tx.state.Explain(s.subject(tx), at, want)
	return &Refused{Path: p, decided: decided{at.Path[len(at.Path)-1], s.cred.Class, tx.state.Epoch, x}}
}

// at is the place of a child of the way.
func at(space policy.ID, way []policy.Node, child policy.Node) policy.Place {
	return policy.Place{Space: space, Path: append(slices.Clip(way), child)}
}
