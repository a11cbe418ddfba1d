package policy

import (
	"cmp"
	"math/bits"
	"reflect"
	"slices"
)

// A Flip turns a decision the other way: by changes of the policy, or by asking
// otherwise under the same one.
type Flip struct {
	Changes []Change
	// Asker is who asks: somebody else than before in class, network, time or
	// credential when there are no changes.
	Asker Subject
	// Accounts is how many the changes concern, 0 for none.
	Accounts int
}

// Bounds of a search for flips.
const (
	flipsMax   = 6  // told of a refusal
	losesMax   = 3  // told of what is allowed
	groupsMax  = 16 // to join, and profiles to get
	momentsMax = 16 // to wait for
	pairsMax   = 600
)

// Flips are the smallest single steps that turn the answer to whether the subject
// holds what it wants at the place, the smallest first. Each was tried. When no
// single one turns a refusal, the answer is the smallest two that do together, if
// there are any.
func (s *State) Flips(sub Subject, at Place, want Rights) []Flip {
	sp := s.Space(at.Space)
	if sp == nil || len(at.Path) == 0 || at.Path[0] != sp.Root || sub.Link != Nobody || s.User(sub.User) == nil {
		return nil
	}
	f := flips{state: s, sub: sub, at: at, want: want, space: sp, ways: s.appendWays(nil, at.Path)}
	f.held = s.Held(sub, at)
	if want&^f.held == 0 {
		f.gone()
		return f.tried(losesMax)
	}
	f.missing = want &^ f.held
	f.asking()
	f.lines()
	f.own()
	f.ended()
	f.shared()
	f.memberships()
	f.ceilings()
	f.inheritance()
	if found := f.tried(flipsMax); len(found) > 0 {
		return found
	}
	return f.pair()
}

// flips is a search under way.
type flips struct {
	state         *State
	sub           Subject
	at            Place
	want          Rights
	held, missing Rights
	space         *Space
	ways          []*way
	candidates    []Flip
}

// try notes a candidate that concerns so many accounts.
func (f *flips) try(accounts int, changes ...Change) {
	if slices.ContainsFunc(f.candidates, func(c Flip) bool { return reflect.DeepEqual(c.Changes, changes) }) {
		return
	}
	f.candidates = append(f.candidates, Flip{Changes: changes, Asker: f.sub, Accounts: accounts})
}

func (f *flips) ask(sub Subject) { f.candidates = append(f.candidates, Flip{Asker: sub}) }

// turns tells whether a candidate turns the answer. A change that policy refuses
// turns nothing.
func (f *flips) turns(c Flip) bool {
	s := f.state
	if len(c.Changes) > 0 {
		next, _, err := s.Apply(c.Changes...)
		if err != nil {
			return false
		}
		s = next
	}
	return (f.want&^s.Held(c.Asker, f.at) == 0) == (f.missing != 0)
}

// tried are the candidates that turn the answer, those that concern the fewest
// first.
func (f *flips) tried(most int) []Flip {
	slices.SortStableFunc(f.candidates, func(a, b Flip) int { return cmp.Compare(a.Accounts, b.Accounts) })
	var found []Flip
	for _, c := range f.candidates {
		if len(found) < most && f.turns(c) {
			found = append(found, c)
		}
	}
	return found
}

// pair is the smallest two candidates that turn the answer together.
func (f *flips) pair() []Flip {
	tries := 0
	for j := range f.candidates {
		for i := range j {
			a, b := f.candidates[i], f.candidates[j]
			if tries++; tries > pairsMax {
				return nil
			}
			both := Flip{Changes: slices.Concat(a.Changes, b.Changes), Asker: b.Asker, Accounts: a.Accounts + b.Accounts}
			if len(a.Changes) == 0 {
				both.Asker = a.Asker
			}
			if f.turns(both) {
				return []Flip{both}
			}
		}
	}
	return nil
}

// asking otherwise: with another client, from another network, later, or without
// the bounds of an app password.
func (f *flips) asking() {
	for _, class := range []Class{Web, Mobile, Desktop, DAV} {
		if sub := f.sub; class != sub.Class {
			sub.Class = class
			f.ask(sub)
		}
	}
	for _, network := range []Network{Inside, Outside} {
		if sub := f.sub; network != sub.Network {
			sub.Network = network
			f.ask(sub)
		}
	}
	if sub := f.sub; sub.Mask != All || len(sub.Spaces) > 0 {
		sub.Mask, sub.Spaces = All, nil
		f.ask(sub)
	}
	for _, moment := range f.moments() {
		sub := f.sub
		sub.Now = moment
		if f.want&^f.state.Held(sub, f.at) == 0 {
			f.ask(sub)
			return
		}
	}
}

// moments are the next ones at which a condition on the way begins or ends.
func (f *flips) moments() []int64 {
	var all []int64
	for i := -1; i < len(f.ways); i++ {
		for _, e := range listAt(f.space, f.ways, i) {
			all = append(all, e.From, e.Until)
		}
	}
	all = slices.DeleteFunc(all, func(t int64) bool { return t <= f.sub.Now })
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), momentsMax)]
}

// mine tells whether a line names the user, directly or not.
func (f *flips) mine(e *Entry) bool { return f.state.isA(f.sub.User, e.Principal) }

// accounts is how many there are in a principal.
func (f *flips) accounts(p ID) int {
	switch {
	case f.state.User(p) != nil:
		return 1
	case f.state.Group(p) != nil:
		return len(f.state.MembersOf(p))
	}
	return f.state.users.n
}

// lines lifts walls and takes back revokes, one line at a time.
func (f *flips) lines() {
	for i := range f.ways {
		for _, e := range listAt(f.space, f.ways, i) {
			if f.mine(&e) && (e.Deny|e.Revoke)&f.missing != 0 {
				n := f.accounts(e.Principal)
				e.Deny &^= f.missing
				e.Revoke &^= f.missing
				f.try(n, f.rewrite(i, e))
			}
		}
	}
}

// rewrite is the change that puts the line into the list at a depth; one that
// says nothing any more goes with all lines of its principal there.
func (f *flips) rewrite(depth int, e Entry) Change {
	node := f.at.Path[depth]
	if e.Allow|e.Revoke|e.Deny == 0 {
		return ClearEntries{Node: node, Principal: e.Principal}
	}
	if rights, err := LevelRights(e.Level); err != nil || rights != e.Allow {
		e.Level = ""
	}
	return SetEntry{At: Place{f.at.Space, f.at.Path[:depth+1]}, Entry: e}
}

// own gives the user the missing rights in the place, or the lowest level that
// has them.
func (f *flips) own() {
	var line Entry
	if m := f.state.Mark(last(f.at)); m != nil {
		line = lineOf(m.Entries, &Entry{Principal: f.sub.User})
	}
	line.Principal = f.sub.User
	line.Allow |= f.missing
	line.Revoke &^= f.missing
	f.try(1, f.rewrite(len(f.at.Path)-1, line))
	for _, l := range levels {
		c := SetLevel{Space: f.space.ID, Entry: Entry{Principal: f.sub.User, Level: l.name, Allow: l.rights}}
		if f.missing&^l.rights == 0 && f.turns(Flip{Changes: []Change{c}, Asker: f.sub}) {
			f.try(1, c)
			return
		}
	}
}

// memberships joins groups that lines name, the smallest first, and leaves those
// that lead to a wall.
func (f *flips) memberships() {
	var join []*Group
	for i := -1; i < len(f.ways); i++ {
		for _, e := range listAt(f.space, f.ways, i) {
			g := f.state.Group(e.Principal)
			switch {
			case g == nil:
			case !f.mine(&e) && e.Allow&f.missing != 0 && !slices.Contains(join, g):
				join = append(join, g)
			case f.mine(&e) && e.Deny&f.missing != 0:
				f.try(1, Leave{Group: f.state.chain(f.sub.User, g.ID)[0], Member: f.sub.User})
			}
		}
	}
	slices.SortStableFunc(join, func(a, b *Group) int { return cmp.Compare(len(a.Members), len(b.Members)) })
	for _, g := range join[:min(len(join), groupsMax)] {
		f.try(1, Join{Group: g.ID, Member: f.sub.User})
	}
}

// ceilings opens what cuts: the account, its profile, the settings, the space.
func (f *flips) ceilings() {
	u := *f.state.User(f.sub.User)
	if open := u; u.Inactive {
		open.Inactive = false
		f.try(1, PutUser{open})
	}
	if lasting := u; u.Until != 0 && u.Until <= f.sub.Now {
		lasting.Until = 0
		f.try(1, PutUser{lasting})
	}
	profiles := f.state.Profiles()
	for _, p := range profiles[:min(len(profiles), groupsMax)] {
		if other := u; p.ID != u.Profile {
			other.Profile = p.ID
			f.try(1, PutUser{other})
		}
	}
	if p := f.state.Profile(u.Profile); p != nil && p.Functions != nil {
		n := 0
		for _, other := range f.state.users.all() {
			if other.Profile == p.ID {
				n++
			}
		}
		for off := AllFunctions &^ *p.Functions; off != 0; off &= off - 1 {
			wider, functions := *p, *p.Functions|1<<bits.TrailingZeros64(uint64(off))
			wider.Functions = &functions
			f.try(n, PutProfile{wider})
		}
	}
	if set := f.state.Settings(); u.Type == Guest && !set.Guests {
		set.Guests = true
		f.try(f.state.users.n, PutSettings{set})
	}
	if f.space.State != Active {
		active := *f.space
		active.State = Active
		f.try(f.state.users.n, PutSpace{active})
	}
}

// inheritance lets in what a pin or a cut keeps out.
func (f *flips) inheritance() {
	if _, pinned := slices.BinarySearch(f.space.Pins, f.sub.User); pinned {
		off := false
		f.try(1, SetLevel{Space: f.space.ID, Entry: lineOf(f.space.Levels, &Entry{Principal: f.sub.User}), Pin: &off})
	}
	if cut := lastCut(f.ways); cut >= 0 {
		f.try(f.state.users.n, SetCut{At: Place{f.at.Space, f.at.Path[:cut+1]}})
	}
}

// gone takes the rights away again: by the lines that give them, by the group
// that leads there, or by a wall for the user alone.
func (f *flips) gone() {
	x := f.state.Explain(f.sub, f.at, f.want)
	f.unshare(x.Gifts)
	for _, st := range x.Steps {
		if st.Granted&f.want == 0 {
			continue
		}
		if len(st.Via) > 0 && st.Via[0] >= FirstID {
			f.try(1, Leave{Group: st.Via[0], Member: f.sub.User})
		}
		n := f.accounts(st.Principal)
		if st.Depth < 0 {
			f.try(n, SetLevel{Space: f.space.ID, Entry: Entry{Principal: st.Principal}})
			continue
		}
		for _, e := range listAt(f.space, f.ways, st.Depth) {
			if e.Principal == st.Principal && e.Allow&f.want != 0 {
				e.Allow &^= f.want
				f.try(n, f.rewrite(st.Depth, e))
			}
		}
	}
	var line Entry
	if m := f.state.Mark(last(f.at)); m != nil {
		line = lineOf(m.Entries, &Entry{Principal: f.sub.User})
	}
	line.Principal = f.sub.User
	line.Deny |= f.want
	f.try(1, f.rewrite(len(f.at.Path)-1, line))
}
