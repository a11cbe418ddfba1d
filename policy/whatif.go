package policy

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A Difference is what the step from one policy to another means for people,
// and what else differs that they would want to know of.
type Difference struct {
	Users []UserDifference // who gains or loses, ascending
	Same  int              // accounts that do neither
	// Records that a reader knows by name.
	Spaces []SpaceChange
	Limits []LimitChange
	Pins   []PinChange
	Cuts   []CutChange
	Shares []ShareChange // links, too
}

// A UserDifference is everything that one account gains and loses.
type UserDifference struct {
	User   ID
	Places []PlaceDifference // from the top down
}

// A PlaceDifference is a place where an account's difference begins or becomes
// another one. It holds for everything below but the deeper places told.
type PlaceDifference struct {
	Place
	Before, After Rights
}

// Gained are the rights held only afterwards.
func (d *PlaceDifference) Gained() Rights { return d.After &^ d.Before }

// Lost are the rights held only before.
func (d *PlaceDifference) Lost() Rights { return d.Before &^ d.After }

// A SpaceChange is a space whose state differs; an empty state stands for a
// space that is not there.
type SpaceChange struct {
	Space         ID
	Before, After SpaceState
}

// A LimitChange is a limit on a space or folder that differs.
type LimitChange struct {
	Place
	Before, After Limit
}

// A PinChange is a user who is pinned in a space on one side only.
type PinChange struct {
	Space, User ID
	Pinned      bool // afterwards
}

// A CutChange is a folder that is cut on one side only.
type CutChange struct {
	Place
	Cut bool // afterwards
}

// A ShareChange is a share or link that gives something else at its place: what
// its giver holds less, what its own rights or the settings no longer let through.
type ShareChange struct {
	Share *Share // as it is afterwards, or was
	Place
	Before, After Rights
}

// Compare tells the difference between two policies for accounts that ask like
// in, whose User counts for nothing. What lies in the trash on either side is
// left out. The nearer the two are, the less it costs: what one was made of the
// other with Apply shares is passed over.
func Compare(before, after *State, in Subject) Difference {
	c := newComparison(before, after, in)
	c.look()
	var d Difference
	d.Users = c.users()
	known := after.users.n
	for id := range before.users.all() {
		if after.User(ID(id)) == nil {
			known++
		}
	}
	d.Same = known - len(d.Users)
	d.Spaces, d.Limits, d.Pins, d.Cuts, d.Shares = c.spaces, c.limits(), c.pins, c.cuts, c.shares()
	return d
}

// comparison is a Compare under way: what the records that differ touch.
type comparison struct {
	before, after *State
	in            Subject

	principals map[ID]bool   // whose members are looked at in the places below tops
	accounts   map[ID]bool   // who are looked at there by themselves
	anywhere   map[ID]bool   // who are looked at everywhere
	tops       map[Node]bool // at and below which rights may differ
	moved      map[Node]bool // tops that stand elsewhere now

	spaces []SpaceChange
	limit  map[Node]bool // where a limit may differ
	pins   []PinChange
	cuts   []CutChange
}

func newComparison(before, after *State, in Subject) *comparison {
	in.Link = Nobody
	return &comparison{
		before: before, after: after, in: in,
		principals: map[ID]bool{}, accounts: map[ID]bool{}, anywhere: map[ID]bool{},
		tops: map[Node]bool{}, moved: map[Node]bool{}, limit: map[Node]bool{},
	}
}

// users looks at everybody who may gain or lose.
func (c *comparison) users() []UserDifference {
	touched := c.ground(slices.Collect(maps.Keys(c.tops)))
	if len(c.principals) > 0 {
		for _, s := range []*State{c.before, c.after} {
			for id := range s.users.all() {
				ids, _ := s.closures.get(id)
				if slices.ContainsFunc(ids, func(p ID) bool { return c.principals[p] }) {
					c.accounts[ID(id)] = true
				}
			}
		}
	}
	maps.DeleteFunc(c.accounts, func(id ID, _ bool) bool { return c.anywhere[id] })
	all := c.each(c.accounts, touched)
	if len(c.anywhere) > 0 {
		all = append(all, c.each(c.anywhere, c.ground(c.everything()))...)
	}
	slices.SortFunc(all, func(a, b UserDifference) int { return cmp.Compare(a.User, b.User) })
	return all
}

// everything are the roots of all spaces.
func (c *comparison) everything() []Node {
	roots := map[Node]bool{}
	for _, s := range []*State{c.before, c.after} {
		for root := range s.roots.all() {
			roots[Node(root)] = true
		}
	}
	return slices.Collect(maps.Keys(roots))
}

// each compares every account on the ground, several at a time.
func (c *comparison) each(accounts map[ID]bool, g *ground) []UserDifference {
	ids := slices.Sorted(maps.Keys(accounts))
	places := make([][]PlaceDifference, len(ids))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			w := walker{comparison: c, ground: g}
			for i := next.Add(1) - 1; i < int64(len(ids)); i = next.Add(1) - 1 {
				places[i] = w.differences(ids[i])
			}
		})
	}
	workers.Wait()
	var all []UserDifference
	for i, id := range ids {
		if len(places[i]) > 0 {
			all = append(all, UserDifference{id, places[i]})
		}
	}
	return all
}

// A ground is every place where anybody's difference may begin or become
// another one, each before those below it.
type ground struct {
	sites  []site
	named  map[ID][]int // the sites that name a principal
	given  map[ID][]int // the sites where a principal gets shares, for itself and all below
	always []int        // the sites to look at for everybody
}

// A site is a place on the ground.
type site struct {
	at            Place
	before, after sight
	end           int // the first site that does not stand below this one
}

// A sight is what one policy has on the way to a site.
type sight struct {
	space *Space // nil when there is none
	ways  []*way
}

// walker compares one account after the other.
type walker struct {
	*comparison
	ground *ground
	at     []int
	open   []opened
}

// opened is a site on the way down with its difference.
type opened struct {
	end          int
	gained, lost Rights
}

// differences are those of one account. Between the sites that name one of its
// principals nothing begins and nothing ends.
func (w *walker) differences(user ID) []PlaceDifference {
	w.at = append(w.at[:0], w.ground.always...)
	for _, s := range []*State{w.before, w.after} {
		ids, _ := s.closures.get(uint64(user))
		for _, id := range ids {
			w.at = append(w.at, w.ground.named[id]...)
			for _, top := range w.ground.given[id] {
				// Where the giver's rights change is not told by the asker's.
				for i := top; i < w.ground.sites[top].end; i++ {
					w.at = append(w.at, i)
				}
			}
		}
	}
	slices.Sort(w.at)
	w.at = slices.Compact(w.at)
	w.open = w.open[:0]
	sub := w.in
	sub.User = user
	var out []PlaceDifference
	for _, i := range w.at {
		sp := &w.ground.sites[i]
		d := PlaceDifference{sp.at, w.before.heldIn(&sub, sp.before), w.after.heldIn(&sub, sp.after)}
		for len(w.open) > 0 && w.open[len(w.open)-1].end <= i {
			w.open = w.open[:len(w.open)-1]
		}
		var above opened
		if len(w.open) > 0 {
			above = w.open[len(w.open)-1]
		}
		here := opened{sp.end, d.Gained(), d.Lost()}
		if here.gained != above.gained || here.lost != above.lost {
			out = append(out, d)
			w.open = append(w.open, here)
		}
	}
	return out
}

func (s *State) heldIn(sub *Subject, v sight) Rights {
	if v.space == nil {
		return 0
	}
	return s.held(sub, v.space, v.ways, nil)
}
