package policy

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
)

// look finds out of the records that differ whose rights may differ, and where.
// It may find too much and never too little: what a field means is told only for
// those that are known not to matter.
func (c *comparison) look() {
	c.before.users.differing(c.after.users, c.user)
	c.before.profiles.differing(c.after.profiles, c.profile)
	c.before.spaces.differing(c.after.spaces, c.space)
	c.before.ways.differing(c.after.ways, c.way)
	c.memberships()
	c.settings()
	c.gifts()
	slices.SortFunc(c.spaces, func(a, b SpaceChange) int { return cmp.Compare(a.Space, b.Space) })
	slices.SortFunc(c.pins, func(a, b PinChange) int {
		return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.User, b.User))
	})
	slices.SortFunc(c.cuts, func(a, b CutChange) int { return comparePlaces(a.Place, b.Place) })
}

func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Space, b.Space), slices.Compare(a.Path, b.Path))
}

func (c *comparison) user(id uint64, old, now *User) {
	if old == now {
		return
	}
	c.drive(c.before, old)
	c.drive(c.after, now)
	if old == nil || now == nil || lawOf(*old) != lawOf(*now) {
		c.anywhere[ID(id)] = true
	}
}

// lawOf is an account without what no decision reads.
func lawOf(u User) User {
	u.Name, u.Email, u.Language, u.Quota, u.Home = "", "", "", nil, Nobody
	return u
}

func (c *comparison) drive(s *State, u *User) {
	if u == nil {
		return
	}
	if home := s.Space(u.Home); home != nil {
		c.limit[home.Root] = true
	}
}

func (c *comparison) profile(id uint64, old, now *Profile) {
	if old == nil || now == nil || old == now {
		return // nobody has a profile that is not there: who had it has another
	}
	a, b := *old, *now
	a.Name, b.Name = "", ""
	quota := a.Quota != b.Quota
	a.Quota, b.Quota = 0, 0
	rights := !reflect.DeepEqual(a, b)
	for _, u := range c.after.users.all() {
		if u.Profile != ID(id) {
			continue
		}
		if quota {
			c.drive(c.after, u)
		}
		if rights {
			c.anywhere[u.ID] = true
		}
	}
}

func (c *comparison) space(id uint64, old, now *Space) {
	if old == now {
		return
	}
	a, b := orZero(old), orZero(now)
	if a.State != b.State {
		c.spaces = append(c.spaces, SpaceChange{ID(id), a.State, b.State})
	}
	root := cmp.Or(b.Root, a.Root)
	c.limit[root] = true
	c.lines(root, a.Levels, b.Levels)
	c.pinned(ID(id), root, a.Pins, b.Pins)
	a.Name, a.Quota, a.Levels, a.Pins = "", 0, nil, nil
	b.Name, b.Quota, b.Levels, b.Pins = "", 0, nil, nil
	if !reflect.DeepEqual(a, b) {
		c.whole(root)
	}
}

func (c *comparison) pinned(space ID, root Node, old, now []ID) {
	turn := func(pins, others []ID, pinned bool) {
		for _, id := range pins {
			if _, both := slices.BinarySearch(others, id); !both {
				c.pins = append(c.pins, PinChange{space, id, pinned})
				c.accounts[id] = true
				c.tops[root] = true
			}
		}
	}
	turn(now, old, true)
	turn(old, now, false)
}

// settings that decisions read change for everybody.
func (c *comparison) settings() {
	a, b := c.before.Settings(), c.after.Settings()
	for _, set := range []*Settings{&a, &b} {
		set.LockoutAfter, set.TrashDays, set.VersionDays, set.Versions = 0, 0, 0, 0
	}
	if reflect.DeepEqual(a, b) {
		return
	}
	for _, s := range []*State{c.before, c.after} {
		for id := range s.users.all() {
			c.anywhere[ID(id)] = true
		}
	}
}

// gifts takes in the places of shares whose givers are no longer what they were.
func (c *comparison) gifts() {
	for _, accounts := range []map[ID]bool{c.accounts, c.anywhere} {
		for id := range accounts {
			for _, s := range []*State{c.before, c.after} {
				gave, _ := s.gave.get(uint64(id))
				for _, at := range gave {
					c.tops[at.node] = true
				}
			}
		}
	}
}

// shares are those that give something else.
func (c *comparison) shares() []ShareChange {
	var all []ShareChange
	for _, sh := range c.before.Shares() {
		change := ShareChange{Share: sh, Before: c.before.gives(sh, c.in)}
		_, change.Place = c.before.Share(sh.ID)
		if now, at := c.after.Share(sh.ID); now != nil {
			change.Share, change.Place, change.After = now, at, c.after.gives(now, c.in)
		}
		if change.Before != change.After {
			all = append(all, change)
		}
	}
	for _, sh := range c.after.Shares() {
		if old, _ := c.before.Share(sh.ID); old != nil {
			continue
		}
		_, at := c.after.Share(sh.ID)
		if gives := c.after.gives(sh, c.in); gives != 0 {
			all = append(all, ShareChange{sh, at, 0, gives})
		}
	}
	slices.SortFunc(all, func(a, b ShareChange) int { return cmp.Compare(a.Share.ID, b.Share.ID) })
	return all
}

// gives is what a share hands on at its place: to the bearer of a link, or to
// somebody whom no ceiling cuts.
func (s *State) gives(sh *Share, in Subject) Rights {
	_, at := s.Share(sh.ID)
	sp := s.Space(at.Space)
	if sp == nil || s.Asleep(sh, sp, in.Now) != "" {
		return 0
	}
	in.User, in.Link = sh.By, Nobody
	if sh.IsLink() {
		in.User, in.Link = Nobody, sh.ID
	}
	return sh.Rights & s.Held(in, at)
}

// lines takes in whom the lines name that stand at the node on one side only.
func (c *comparison) lines(n Node, old, now []Entry) {
	for _, pair := range [2][2][]Entry{{old, now}, {now, old}} {
		for i := range pair[0] {
			e := &pair[0][i]
			j := firstOf(pair[1], e.Principal)
			for j < len(pair[1]) && pair[1][j].Principal == e.Principal && *e != pair[1][j] {
				j++
			}
			if j == len(pair[1]) || pair[1][j].Principal != e.Principal {
				c.principals[e.Principal] = true
				c.tops[n] = true
			}
		}
	}
}

func (c *comparison) way(key uint64, old, now *way) {
	n := Node(key)
	a, b := orZero(old), orZero(now)
	if old != nil && now != nil && a.parent != b.parent {
		c.moved[n] = true
		c.whole(n)
	}
	if a.mark != b.mark {
		c.mark(n, a.mark, b.mark)
	}
}

func (c *comparison) mark(n Node, old, now *Mark) {
	a, b := orZero(old), orZero(now)
	c.lines(n, a.Entries, b.Entries)
	if a.Quota != nil || b.Quota != nil {
		c.limit[n] = true
	}
	if at, ok := c.placeOf(n); ok && a.Cut != b.Cut {
		c.cuts = append(c.cuts, CutChange{at, b.Cut})
	}
	a.Node, a.Entries, a.Quota = 0, nil, nil
	b.Node, b.Entries, b.Quota = 0, nil, nil
	if !reflect.DeepEqual(a, b) {
		c.whole(n)
	}
}

// memberships takes in who is no longer what he was, and every place that names
// what he is no longer or has become.
func (c *comparison) memberships() {
	turned := map[ID]bool{}
	c.before.closures.differing(c.after.closures, func(user uint64, old, now []ID) {
		if c.before.User(ID(user)) == nil && c.after.User(ID(user)) == nil {
			return // the bearers of a link
		}
		for _, id := range slices.Concat(old, now) {
			_, was := slices.BinarySearch(old, id)
			if _, is := slices.BinarySearch(now, id); was != is {
				turned[id] = true
				c.accounts[ID(user)] = true
			}
		}
	})
	if len(turned) == 0 {
		return
	}
	for _, s := range []*State{c.before, c.after} {
		for id := range turned {
			for _, at := range s.named.at(id) {
				c.tops[at.node] = true
			}
		}
		for _, sp := range s.spaces.all() {
			if slices.ContainsFunc(sp.Levels, func(e Entry) bool { return turned[e.Principal] }) {
				c.tops[sp.Root] = true
			}
		}
	}
}

// whole takes in everybody whom anything names on the way to the node or below.
func (c *comparison) whole(n Node) {
	c.tops[n] = true
	c.readers()
	for _, s := range []*State{c.before, c.after} {
		for _, m := range s.Marked(n) {
			c.names(m)
		}
		path, _ := s.pathTo(n)
		for _, up := range path {
			c.names(s.Mark(up))
		}
		if sp := s.SpaceAt(path[0]); sp != nil {
			for _, e := range sp.Levels {
				c.principals[e.Principal] = true
			}
		}
	}
}

func (c *comparison) names(m *Mark) {
	if m == nil {
		return
	}
	for _, e := range m.Entries {
		c.principals[e.Principal] = true
	}
}

// readers takes in the admins where they read without any line.
func (c *comparison) readers() {
	if !c.readAlways() {
		return
	}
	for _, s := range []*State{c.before, c.after} {
		for _, u := range s.users.all() {
			if u.Type.above(Manager) {
				c.accounts[u.ID] = true
			}
		}
	}
}

// readAlways tells whether admins read without any line on one side.
func (c *comparison) readAlways() bool {
	return c.before.set().AdminReads == ReadsAlways || c.after.set().AdminReads == ReadsAlways
}

// placeOf is where a node stands afterwards, or stood if policy knows it no
// longer; false for one in the trash.
func (c *comparison) placeOf(n Node) (Place, bool) {
	path, listed := c.after.pathTo(n)
	if !c.after.OnWay(n) {
		path, listed = c.before.pathTo(n)
	}
	sp := c.after.SpaceAt(path[0])
	if sp == nil {
		sp = c.before.SpaceAt(path[0])
	}
	if sp == nil {
		return Place{}, false
	}
	return Place{sp.ID, path}, listed
}

// limits are those that differ indeed, by place.
func (c *comparison) limits() []LimitChange {
	var all []LimitChange
	for n := range c.limit {
		at, ok := c.placeOf(n)
		old, now := c.before.limitAt(n), c.after.limitAt(n)
		if ok && old != now {
			all = append(all, LimitChange{at, old, now})
		}
	}
	slices.SortFunc(all, func(a, b LimitChange) int { return comparePlaces(a.Place, b.Place) })
	return all
}

// limitAt is the limit that stands on a node itself.
func (s *State) limitAt(n Node) Limit {
	limit := NoLimit
	if sp := s.SpaceAt(n); sp != nil {
		limit = s.limitOf(sp)
	}
	if m := s.Mark(n); m != nil && m.Quota != nil && *m.Quota >= 0 && (limit < 0 || *m.Quota < limit) {
		limit = *m.Quota
	}
	return limit
}

// ground lays out the nodes and everything below them that is marked on either
// side.
func (c *comparison) ground(tops []Node) *ground {
	g := &ground{named: map[ID][]int{}, given: map[ID][]int{}}
	within := map[Node]bool{}
	for _, n := range tops {
		within[n] = true
	}
	var roots []Place
	for _, n := range tops {
		at, ok := c.placeOf(n)
		if ok && !slices.ContainsFunc(at.Path[:len(at.Path)-1], func(up Node) bool { return within[up] }) {
			roots = append(roots, at)
		}
	}
	slices.SortFunc(roots, comparePlaces)
	for _, at := range roots {
		before, ok := c.before.sight(at)
		after, stands := c.after.sight(at)
		if ok && stands {
			top := len(g.sites)
			c.spread(g, at, before, after)
			for _, w := range slices.Concat(before.ways, after.ways) {
				c.give(g, w.mark, top)
			}
		}
	}
	return g
}

// give notes who gets shares of a mark, from a site on.
func (c *comparison) give(g *ground, m *Mark, i int) {
	if m == nil {
		return
	}
	for j := range m.Shares {
		to := m.Shares[j].To
		c.principals[to] = true
		if list := g.given[to]; len(list) == 0 || list[len(list)-1] != i {
			g.given[to] = append(list, i)
		}
	}
}

// sight is what a policy has on the way to a place, or to where it has the node
// itself; false if that lies in the trash.
func (s *State) sight(at Place) (sight, bool) {
	path := at.Path
	if n := path[len(path)-1]; s.OnWay(n) {
		var listed bool
		if path, listed = s.pathTo(n); !listed {
			return sight{}, false
		}
	}
	return sight{s.SpaceAt(path[0]), s.appendWays(nil, path)}, true
}

// spread appends a place and what is marked below it.
func (c *comparison) spread(g *ground, at Place, before, after sight) {
	i := len(g.sites)
	g.sites = append(g.sites, site{at: at, before: before, after: after})
	c.enter(g, i)
	for _, kid := range c.kids(at.Path[len(at.Path)-1]) {
		below := Place{at.Space, append(slices.Clip(at.Path), kid)}
		was, ok := c.before.below(before, below)
		is, stands := c.after.below(after, below)
		if ok && stands {
			c.spread(g, below, was, is)
		}
	}
	g.sites[i].end = len(g.sites)
}

// kids are the nodes below another one, in order: those of the policy afterwards,
// and those that it knows no longer.
func (c *comparison) kids(n Node) []Node {
	kids := map[Node]bool{}
	if w, ok := c.after.ways.get(uint64(n)); ok {
		for kid := range w.kids.all() {
			kids[Node(kid)] = true
		}
	}
	if w, ok := c.before.ways.get(uint64(n)); ok {
		for kid := range w.kids.all() {
			if !c.after.OnWay(Node(kid)) {
				kids[Node(kid)] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(kids))
}

// below is sight one step further down from where it was taken.
func (s *State) below(v sight, at Place) (sight, bool) {
	n := at.Path[len(at.Path)-1]
	w, ok := s.ways.get(uint64(n))
	switch {
	case !ok:
		return v, true
	case w.parent != at.Path[len(at.Path)-2]:
		return s.sight(at)
	}
	if up, _ := s.ways.get(uint64(w.parent)); up == nil || !up.has(n) {
		return v, false
	}
	return sight{v.space, append(slices.Clip(v.ways), w)}, true
}

// enter notes for whom a site has to be looked at.
func (c *comparison) enter(g *ground, i int) {
	sp := &g.sites[i]
	n := sp.at.Path[len(sp.at.Path)-1]
	always := c.moved[n]
	note := func(entries []Entry) {
		for _, e := range entries {
			if list := g.named[e.Principal]; len(list) == 0 || list[len(list)-1] != i {
				g.named[e.Principal] = append(list, i)
			}
		}
	}
	for _, s := range []*State{c.before, c.after} {
		if space := s.SpaceAt(n); space != nil {
			note(space.Levels)
			always = always || c.readAlways()
		}
		if m := s.Mark(n); m != nil {
			note(m.Entries)
			c.give(g, m, i)
			always = always || m.Cut
		}
	}
	if always {
		g.always = append(g.always, i)
	}
}
