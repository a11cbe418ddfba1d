package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"davit/policy"
)

// To rewind a space or folder is to undo what happened in it since a moment, by the
// means that everybody has: what was made since goes into the trash, what was
// deleted comes back from there, what was moved goes back, and files get the
// content that they had. That is a change like any other, and is undone by
// rewinding to just before it.
//
// A rewind of more steps than one transaction takes is done in several, each of
// which leaves a whole tree that is nearer to the moment. When it breaks off the
// same rewind, asked once more, does the rest.

// ErrLost says that something cannot be as it was, and that nothing was done.
var ErrLost = errors.New("not all of it can be as it was")

var errAimless = errors.New("a rewind comes no nearer to its moment")

// rewindSlice is how many steps one transaction of a rewind takes, and those that
// cannot be done without them.
const rewindSlice = 2000

// A RewindKind is what a step of a rewind does.
type RewindKind string

const (
	RewindBack    RewindKind = "bring back"      // from the trash
	RewindMove    RewindKind = "move back"       // to another name or folder
	RewindRemove  RewindKind = "remove"          // into the trash
	RewindContent RewindKind = "restore content" // that a file had
)

// A RewindStep is one thing to do.
type RewindStep struct {
	Do   RewindKind
	From Path // where it is; of what comes back, where it was deleted
	Path Path // where it was at the moment; nil for what was not
}

// A Lost is something that cannot be as it was.
type Lost struct {
	Path Path // where it was
	Why  Loss
}

// A Loss says why.
type Loss string

const (
	LostErased  Loss = "was erased since"
	LostContent Loss = "its content of then is not kept any more"
	LostAway    Loss = "went to another space, or has been in one since"
	LostFolder  Loss = "the folder that it was in cannot come back"
	LostTaken   Loss = "something else stands at its name"
)

// A Rewound is what a rewind does, or did.
type Rewound struct {
	Steps []RewindStep
	Lost  []Lost
	Parts int       // transactions that it took
	Undo  time.Time // the moment that undoes it, zero when nothing was done
}

// PlanRewind tells what rewinding does, as far as the asker may see it. It judges
// no rights beyond that. The path is that of the moment. A moment that the log does
// not reach is a *HorizonError.
func (s *Session) PlanRewind(p Path, at time.Time) (Rewound, error) {
	var done Rewound
	err := s.view(func(tx *Tx) error {
		plan, err := s.planRewind(tx, p, at)
		if err == nil {
			done = plan.told()
		}
		return err
	})
	return done, err
}

// Rewind makes a space or folder what it was at a moment: all of it, or nothing
// with ErrLost. What is beside the asker's rights refuses the whole.
func (s *Session) Rewind(ctx context.Context, p Path, at time.Time) (Rewound, error) {
	return s.rewind(ctx, p, at, wholly, rewindSlice)
}

// RewindPartly is Rewind that leaves out what cannot be as it was.
func (s *Session) RewindPartly(ctx context.Context, p Path, at time.Time) (Rewound, error) {
	return s.rewind(ctx, p, at, partly, rewindSlice)
}

// extent is how much of a rewind has to be possible.
type extent byte

const (
	wholly extent = iota
	partly
)

// rewind plans outside of the transactions that act, which find there what was read
// of the log unless something happened meanwhile; they plan once more.
func (s *Session) rewind(ctx context.Context, p Path, at time.Time, most extent, slice int) (Rewound, error) {
	done, err := s.PlanRewind(p, at)
	if err == nil && len(done.Lost) > 0 && most == wholly {
		err = ErrLost
	}
	for left := len(done.Steps); err == nil && left > 0; {
		var rest int
		var now time.Time
		err = s.update(ctx, func(tx *Tx) error {
			plan, err := s.planRewind(tx, p, at)
			if err != nil {
				return err
			}
			if len(plan.lost) > 0 && most == wholly {
				return ErrLost
			}
			now = tx.now
			part := plan.part(slice)
			rest = plan.left()
			return plan.carryOut(part)
		})
		if err == nil && rest >= left {
			err = errAimless
		}
		if left = rest; err == nil {
			if done.Parts++; done.Parts == 1 {
				done.Undo = now.Add(-time.Nanosecond)
			}
		}
	}
	return done, err
}

// An undoing is a step with what it is about.
type undoing struct {
	RewindStep
	node    policy.Node
	to      slot
	depth   int // of where it is
	content *version
	binned  bool       // it is to be removed, and in the trash now
	comes   *undoing   // that brings it back from there
	along   []*undoing // what it brings so
	first   []*undoing // what has to be done in the same transaction, or before
	taken   bool       // into a part
}

// places tells whether the step gives something another place.
func (u *undoing) places() bool { return u.Do == RewindBack || u.Do == RewindMove }

// A rewinding is a rewind as planned in one transaction.
type rewinding struct {
	*visit
	top   policy.Node
	memo  map[policy.Node]*formerly
	by    map[policy.Node]*undoing // that place or remove a node
	below []*undoing               // of what may come along with something, and was not there
	steps []*undoing
	lost  []Lost
}

// formerly is what is known of a node at the moment.
type formerly struct {
	presence
	path  Path
	in    bool // in what is rewound
	shown bool // to the asker, with all that it was in
	loss  Loss // why it cannot be there again, nor what was in it; "" if it can
}

type presence byte

const (
	unknown presence = iota
	absent
	present
)

// planRewind finds out what has to be done.
func (s *Session) planRewind(tx *Tx, p Path, at time.Time) (*rewinding, error) {
	if len(p) == 0 {
		return nil, ErrReserved
	}
	if at.After(tx.now) {
		return nil, fmt.Errorf("%s has not been yet: %w", at.Format(time.RFC3339), ErrInvalid)
	}
	if space, err := tx.resolve(p[:1]); err == nil && space.missing() == 0 {
		if _, err := s.authorize(tx, space, opStat); err != nil {
			return nil, err
		}
		if _, err := tx.lookBack(space.space, at); err != nil {
			return nil, err
		}
	}
	sp, err := s.resolve(tx, append(Path{MomentsRoot, at.UTC().Format(time.RFC3339Nano)}, p...))
	if err != nil {
		return nil, err
	}
	if _, err := s.authorize(tx, sp, opStat); err != nil {
		return nil, err
	}
	if !sp.entry().Dir {
		return nil, ErrNotDir
	}
	r := &rewinding{visit: &visit{s: s, tx: tx, look: sp.past.look}, top: sp.entry().Node,
		memo: map[policy.Node]*formerly{}, by: map[policy.Node]*undoing{}}
	for _, n := range r.look.nodes() {
		if err := r.consider(n); err != nil {
			return nil, err
		}
	}
	return r, r.arrange()
}

// formerly finds out where a node was, and whether it can be there again.
func (r *rewinding) formerly(n policy.Node) (*formerly, error) {
	if f, known := r.memo[n]; known {
		return f, nil
	}
	f := &formerly{in: n == r.top}
	r.memo[n] = f
	if n == r.look.space.Root {
		f.presence, f.path, f.shown = present, Path{r.tx.spaceName(n)}, true
		return f, nil
	}
	at, moved := r.look.was[n]
	rec, err := r.tx.nodeRec(n)
	gone := errors.Is(err, ErrNotFound)
	switch {
	case err != nil && !gone:
		return nil, err
	case !moved && gone:
		return f, nil
	case !moved:
		at = slot{rec.parent, rec.name}
	}
	if at.dir == 0 || !moved && rec.trash != 0 {
		f.presence = absent
		return f, nil
	}
	return f, r.formerlyIn(f, n, at, gone)
}

// formerlyIn goes on for a node that was at a name.
func (r *rewinding) formerlyIn(f *formerly, n policy.Node, at slot, gone bool) error {
	up, err := r.formerly(at.dir)
	if err != nil {
		return err
	}
	f.presence, f.in, f.loss = up.presence, f.in || up.in, up.loss
	if up.presence != present {
		return nil
	}
	f.path = append(slices.Clip(up.path), at.name)
	sp, err := (*spot)(nil), error(nil)
	if !gone {
		sp, err = r.present(n)
	}
	switch {
	case err != nil:
		return err
	case up.loss != "":
		f.loss = LostFolder
	case gone:
		f.loss = LostErased
	case sp == nil, r.look.came[n]:
		f.loss = LostAway
	}
	if up.shown && sp != nil {
		f.shown, err = r.shows(sp)
	} else if up.shown {
		f.shown, err = r.manages(at.dir)
	}
	return err
}

// shows tells whether the asker may see something where it is.
func (r *rewinding) shows(sp *spot) (bool, error) {
	_, err := r.s.face(r.tx, sp, 0)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// manages tells whether the asker may know what was in a collection and is there
// no more, which had entries that are no more either.
func (r *rewinding) manages(dir policy.Node) (bool, error) {
	sp, err := r.present(dir)
	if err != nil || sp == nil {
		return r.s.operates, err
	}
	return r.s.decide(r.tx, sp.place(), 0).Held&policy.Manage != 0, nil
}

// consider finds the steps for one node.
func (r *rewinding) consider(n policy.Node) error {
	was, err := r.formerly(n)
	if err != nil || was.path.InCalendars() {
		return err
	}
	is, err := r.spotNow(n)
	if err != nil || is != nil && is.inCalendars() {
		return err
	}
	here := is != nil && is.past.asks == 0 && slices.Contains(is.nodes, r.top) // listed in what is rewound
	switch {
	case was.presence == absent && is != nil:
		return r.remove(n, is, here)
	case was.presence != present || !was.shown || !was.in && is == nil:
		return nil
	case !was.in && !here:
		return r.placeOut(n, was, is)
	case was.loss != "":
		r.lose(was, was.loss)
		return nil
	}
	if err := r.place(n, was, is); err != nil {
		return err
	}
	if !was.in || is.entry().Dir {
		return nil
	}
	return r.refill(n, was, is)
}

// spotNow is the spot of a node where it is, nil for one that is gone.
func (r *rewinding) spotNow(n policy.Node) (*spot, error) {
	if v, err := r.tx.r.Get(nodeKey(n)); err != nil || v == nil {
		return nil, err
	}
	return r.present(n)
}

// remove finds the step that takes away what was not there.
func (r *rewinding) remove(n policy.Node, is *spot, here bool) error {
	if seen, err := r.shows(is); err != nil || !seen {
		return err
	}
	u := &undoing{RewindStep: RewindStep{Do: RewindRemove, From: is.path}, node: n, depth: len(is.nodes)}
	if here {
		r.by[n] = u
	} else {
		u.binned = is.past.asks != 0
		r.below = append(r.below, u)
	}
	return nil
}

func (r *rewinding) lose(was *formerly, why Loss) {
	r.lost = append(r.lost, Lost{was.path, why})
}

// place finds the step that puts a node to where it was, if it is elsewhere.
func (r *rewinding) place(n policy.Node, was *formerly, is *spot) error {
	u, err := r.placing(n, was, is)
	if u != nil {
		r.by[n] = u
	}
	return err
}

// placeOut is place for something that was beside what is rewound and is not in
// it, should it come along.
func (r *rewinding) placeOut(n policy.Node, was *formerly, is *spot) error {
	if was.loss != "" {
		return nil
	}
	u, err := r.placing(n, was, is)
	if u != nil {
		r.below = append(r.below, u)
	}
	return err
}

func (r *rewinding) placing(n policy.Node, was *formerly, is *spot) (*undoing, error) {
	at, moved := r.look.was[n]
	rec, err := r.tx.nodeRec(n)
	if err != nil || !moved || rec == (nodeRec{parent: at.dir, name: at.name}) {
		return nil, err
	}
	u := &undoing{RewindStep: RewindStep{Do: RewindMove, From: is.path, Path: was.path}, node: n, to: at, depth: len(is.nodes)}
	if is.past.asks != 0 {
		u.Do = RewindBack
	}
	return u, nil
}

// refill finds the step that gives a file the content that it had.
func (r *rewinding) refill(n policy.Node, was *formerly, is *spot) error {
	h, differs := r.look.had[n]
	if !differs {
		return nil
	}
	c, err := r.tx.contentOf(housekeeping(r.tx, n), r.look.space.ID, h)
	if err != nil {
		return err
	}
	if c == nil {
		r.lose(was, LostContent)
		return nil
	}
	if e := is.entry(); c.content != e.content || c.size != e.Size {
		if h.node != n {
			c.rev = 0 // of another file
		}
		r.steps = append(r.steps, &undoing{RewindStep: RewindStep{Do: RewindContent, From: is.path, Path: was.path}, node: n, content: c})
	}
	return nil
}

// arrange puts the steps into their order, and finds which ones need others.
func (r *rewinding) arrange() error {
	contents := r.steps
	slices.SortFunc(contents, func(a, b *undoing) int { return slices.Compare(a.Path, b.Path) })
	r.steps = nil
	if err := r.comeAlong(); err != nil {
		return err
	}
	for n, u := range r.by {
		done, err := r.goesAlong(n, u)
		if err != nil {
			return err
		}
		if !done {
			r.steps = append(r.steps, u)
		}
	}
	slices.SortFunc(r.steps, func(a, b *undoing) int {
		return cmp.Or(cmp.Compare(len(a.Path), len(b.Path)), slices.Compare(a.Path, b.Path), slices.Compare(a.From, b.From))
	})
	for again := true; again; {
		var err error
		if again, err = r.dropBlocked(); err != nil {
			return err
		}
	}
	for _, u := range r.steps {
		if err := r.link(u); err != nil {
			return err
		}
	}
	for _, u := range contents {
		comes, err := r.comes(u.node)
		if err != nil {
			return err
		}
		if comes {
			r.steps = append(r.steps, u)
		}
	}
	slices.SortFunc(r.lost, func(a, b Lost) int { return slices.Compare(a.Path, b.Path) })
	return nil
}

// comeAlong finds what would come with what it lies in, from the trash or from
// beside what is rewound, and was not there: it is removed, of what comes from the
// trash afterwards, or goes to where it was.
func (r *rewinding) comeAlong() error {
	slices.SortFunc(r.below, func(a, b *undoing) int { return cmp.Compare(a.depth, b.depth) })
	for _, u := range r.below {
		for n := u.node; n != 0; {
			rec, err := r.tx.nodeRec(n)
			if err != nil {
				return err
			}
			if rec.trash != 0 {
				break
			}
			n = rec.parent
			if over := r.by[n]; over != nil {
				if over.places() && r.memo[n].in {
					r.by[u.node] = u
				}
				if r.by[u.node] != nil && u.binned {
					u.comes = over
					u.first, over.along = append(u.first, over), append(over.along, u)
				}
				break
			}
		}
	}
	return nil
}

// goesAlong tells whether what is to be removed goes with what it is in.
func (r *rewinding) goesAlong(n policy.Node, u *undoing) (bool, error) {
	if u.Do != RewindRemove {
		return false, nil
	}
	way, _, err := r.ups.to(r.tx, n)
	for i := len(way) - 2; i >= 0; i-- {
		if over := r.by[way[i]]; over != nil {
			return over.Do == RewindRemove, err
		}
	}
	return false, err
}

// dropBlocked takes out the steps to places that are taken, or in collections that
// are not there and do not come.
func (r *rewinding) dropBlocked() (some bool, err error) {
	r.steps = slices.DeleteFunc(r.steps, func(u *undoing) bool {
		if err != nil || !u.places() {
			return u.comes != nil && r.by[u.comes.node] == nil
		}
		var why Loss
		if why, err = r.blocked(u); why != "" {
			r.lost = append(r.lost, Lost{u.Path, why})
			delete(r.by, u.node)
			some = true
		}
		return why != ""
	})
	return some, err
}

func (r *rewinding) blocked(u *undoing) (Loss, error) {
	e, found, err := r.occupant(u)
	if err != nil {
		return "", err
	}
	if by := r.by[e.Node]; found && by == nil {
		return LostTaken, nil
	}
	if comes, err := r.comes(u.to.dir); err != nil || !comes {
		return LostFolder, err
	}
	return "", nil
}

// comes tells whether a node is listed in the space once all is done.
func (r *rewinding) comes(n policy.Node) (bool, error) {
	for n != r.look.space.Root {
		if by := r.by[n]; by != nil && by.places() {
			return true, nil
		}
		rec, err := r.tx.nodeRec(n)
		if errors.Is(err, ErrNotFound) || err == nil && (rec.trash != 0 || rec.parent == 0) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		n = rec.parent
	}
	return true, nil
}

// occupant is what stands where a step puts something.
func (r *rewinding) occupant(u *undoing) (e Entry, found bool, err error) {
	e, found, err = r.tx.member(housekeeping(r.tx, u.to.dir), u.to.dir, u.to.name)
	return e, found && e.Node != u.node, err
}

// link finds what has to be done with a step: what makes room for it, what brings
// the collection that it goes to, and what has to be out of what is removed.
func (r *rewinding) link(u *undoing) error {
	if u.places() {
		e, found, err := r.occupant(u)
		if err != nil {
			return err
		}
		if found {
			u.first = append(u.first, r.by[e.Node])
		}
		for dir := u.to.dir; dir != 0 && dir != r.look.space.Root; {
			if by := r.by[dir]; by != nil && by.places() {
				u.first = append(u.first, by)
				break
			}
			rec, err := r.tx.nodeRec(dir)
			if err != nil {
				return err
			}
			dir = rec.parent
		}
	}
	way, _, err := r.ups.to(r.tx, u.node)
	for _, n := range way[:max(0, len(way)-1)] {
		if over := r.by[n]; over != nil && over.Do == RewindRemove {
			over.first = append(over.first, u)
		}
	}
	return err
}

// part takes the next steps, and those that cannot be done without them.
func (r *rewinding) part(most int) (part []*undoing) {
	var take func(u *undoing)
	take = func(u *undoing) {
		if u.taken {
			return
		}
		u.taken = true
		for _, f := range u.first {
			take(f)
		}
		part = append(part, u)
	}
	for _, u := range r.steps {
		if len(part) >= most {
			break
		}
		take(u)
	}
	return part
}

// left counts the steps that no part has taken.
func (r *rewinding) left() (n int) {
	for _, u := range r.steps {
		if !u.taken {
			n++
		}
	}
	return n
}

func (r *rewinding) told() Rewound {
	done := Rewound{Lost: r.lost}
	for _, u := range r.steps {
		done.Steps = append(done.Steps, u.RewindStep)
	}
	return done
}
