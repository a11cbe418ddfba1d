package policy

import "slices"

// triesMax is how many comparisons a search for idle lines makes at most.
const triesMax = 20_000

// An idleSearch finds lines without which every decision stays what it is. Each is
// taken out of the policy and the two policies are compared, for every way to ask
// that conditions in the space tell apart.
type idleSearch struct {
	state   *State
	now     int64
	asks    map[ID][]Subject // by space
	links   []*Share
	tries   int
	untried int
}

func newIdleSearch(s *State, now int64) *idleSearch {
	links := slices.DeleteFunc(s.Shares(), func(sh *Share) bool { return !sh.IsLink() })
	return &idleSearch{state: s, now: now, asks: map[ID][]Subject{}, links: links}
}

// finds tells whether a line is idle. In a space at rest nothing is: what its
// lines give counts again when it wakes.
func (f *idleSearch) finds(l *LineAt) bool {
	sp := f.state.Space(l.Space)
	if sp.State != Active || f.matters(sp, l) {
		return false
	}
	asks := f.asksIn(sp)
	if f.tries += len(asks); f.tries > triesMax {
		f.untried++
		return false
	}
	next, _, err := f.state.Apply(l.dropped())
	if err != nil {
		return false // policy keeps it
	}
	return !slices.ContainsFunc(asks, func(in Subject) bool {
		c := newComparison(f.state, next, in)
		c.look()
		return len(c.users()) > 0 || f.matterToLinks(next, l, in)
	})
}

// dropped is the change that takes a line out.
func (l *LineAt) dropped() Change {
	e := l.Entry
	e.Allow, e.Revoke, e.Deny, e.Level = 0, 0, 0, ""
	if l.OfSpace {
		return SetLevel{Space: l.Space, Entry: e}
	}
	return SetEntry{At: l.Place, Entry: e}
}

// matters tells at little cost that a line is not idle: somebody whom it names
// holds something else where it stands.
func (f *idleSearch) matters(sp *Space, l *LineAt) bool {
	sub := Subject{Mask: All, Class: Web, Network: Inside, Now: max(f.now, l.From)}
	if l.Class != 0 {
		sub.Class = l.Class & -l.Class
	}
	if l.Network != 0 {
		sub.Network = l.Network & -l.Network
	}
	with := sight{sp, f.state.appendWays(nil, l.Path)}
	less := with.without(l)
	for sub.User = range f.state.everyoneIn(l.Principal) {
		if f.state.heldIn(&sub, with) != f.state.heldIn(&sub, less) {
			return true
		}
	}
	return false
}

// without is what stands on the way without one line.
func (v sight) without(l *LineAt) sight {
	gone := func(list []Entry) []Entry {
		return slices.DeleteFunc(slices.Clone(list), func(e Entry) bool { return e.sameLine(&l.Entry) })
	}
	if l.OfSpace {
		space := *v.space
		space.setLevels(gone(space.Levels))
		return sight{&space, v.ways}
	}
	ways := slices.Clone(v.ways)
	here := *ways[len(ways)-1]
	mark := *here.mark
	mark.Entries = gone(mark.Entries)
	here.setMark(&mark)
	ways[len(ways)-1] = &here
	return sight{v.space, ways}
}

// asksIn are the ways to ask that something in a space tells apart.
func (f *idleSearch) asksIn(sp *Space) []Subject {
	if asks, known := f.asks[sp.ID]; known {
		return asks
	}
	var t turns
	lines := slices.Clone(sp.Levels)
	for _, m := range f.state.Marked(sp.Root) {
		lines = append(lines, m.Entries...)
		t.ofShares(f.state, m.Shares)
	}
	t.of(lines)
	classes, networks := []Class{Web}, []Network{Inside}
	if f.channelled() || slices.ContainsFunc(lines, func(e Entry) bool { return e.Class != 0 }) {
		classes = []Class{UnknownClass, Web, Mobile, Desktop, DAV}
	}
	if slices.ContainsFunc(lines, func(e Entry) bool { return e.Network != 0 }) {
		networks = []Network{0, Inside, Outside}
	}
	var asks []Subject
	for _, now := range append([]int64{f.now}, t.after(f.now)...) {
		asks = append(asks, Subject{Mask: All, Now: now, Steady: true})
		for _, class := range classes {
			for _, network := range networks {
				asks = append(asks, Subject{Mask: All, Class: class, Network: network, Now: now})
			}
		}
	}
	f.asks[sp.ID] = asks
	return asks
}

// channelled tells whether some profile opens more to one class of clients than to
// another.
func (f *idleSearch) channelled() bool {
	for _, p := range f.state.profiles.all() {
		if !p.has(ChanDesktop | ChanMobile) {
			return true
		}
	}
	return false
}

// matterToLinks tells whether the bearers of some link hold something else without
// the line, there or below. A comparison tells of accounts: who bears a link gets
// less than its giver only by lines that name links.
func (f *idleSearch) matterToLinks(next *State, l *LineAt, in Subject) bool {
	for _, sh := range f.links {
		if ids, _ := f.state.closures.get(uint64(sh.ID)); !slices.Contains(ids, l.Principal) {
			continue
		}
		in.User, in.Link = Nobody, sh.ID
		for _, at := range f.below(l.Place) {
			if f.state.Held(in, at) != next.Held(in, at) {
				return true
			}
		}
	}
	return false
}

// below are the marked places at another one and below it.
func (f *idleSearch) below(top Place) []Place {
	all := []Place{top}
	for _, m := range f.state.Marked(last(top)) {
		if at, ok := f.state.placeOf(m.Node); ok {
			all = append(all, at)
		}
	}
	return all
}
