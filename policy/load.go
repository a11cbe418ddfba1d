package policy

import (
	"fmt"
	"slices"
)

// A Model is every record of a policy, as it was kept.
type Model struct {
	Epoch    uint64
	Users    []User
	Groups   []Group
	Profiles []Profile
	Spaces   []Space
	Marks    []PlacedMark
	Settings *Settings // nil for the default ones
}

// A PlacedMark is a mark with the place of its node.
type PlacedMark struct {
	Mark Mark
	At   Place
	// Parked are the nodes on the way that lie in the trash.
	Parked []Node
}

// Load makes the state of a model. Records that contradict each other are an
// error that names them.
func Load(m Model) (*State, error) {
	e := newEdit(&State{})
	e.links = linksOf(m.Marks)
	if m.Settings != nil {
		if err := (PutSettings{*m.Settings}).apply(e); err != nil {
			return nil, fmt.Errorf("load settings: %w", err)
		}
	}
	for _, p := range m.Profiles {
		if err := (PutProfile{p}).apply(e); err != nil {
			return nil, fmt.Errorf("load profile %q: %w", p.Name, err)
		}
	}
	for _, u := range m.Users {
		if e.User(u.ID) != nil {
			return nil, invalid("load user %q: two of the ID %d", u.Name, u.ID)
		}
		if err := (PutUser{u}).apply(e); err != nil {
			return nil, fmt.Errorf("load user %q: %w", u.Name, err)
		}
	}
	if err := e.loadGroups(m.Groups); err != nil {
		return nil, err
	}
	for _, sp := range m.Spaces {
		if err := (PutSpace{sp}).apply(e); err != nil {
			return nil, fmt.Errorf("load space %q: %w", sp.Name, err)
		}
	}
	if err := e.loadMarks(m.Marks); err != nil {
		return nil, err
	}
	for _, pm := range m.Marks {
		for _, n := range pm.Parked {
			if err := (ParkNode{n}).apply(e); err != nil {
				return nil, fmt.Errorf("load entries of node %d in the trash: %w", n, err)
			}
		}
	}
	e.close()
	state := e.State // a copy: the records are not kept alive by the edit
	state.Epoch = m.Epoch
	return &state, nil
}

// linksOf are the links of a model: lists name them before they are made.
func linksOf(marks []PlacedMark) map[ID]bool {
	links := map[ID]bool{}
	for _, pm := range marks {
		for _, sh := range pm.Mark.Shares {
			if sh.IsLink() {
				links[sh.ID] = true
			}
		}
	}
	return links
}

// loadMarks makes all ways and indexes at once: one by one would copy each table
// as often as there are marks.
func (e *edit) loadMarks(marks []PlacedMark) error {
	b := builder{
		edit: e, ways: map[Node]*way{}, kids: map[Node][]slot[struct{}]{},
		named: map[ID][]placedMention{}, given: map[ID]places{}, gave: map[ID]places{}, shares: map[ID]Node{},
	}
	for i := range marks {
		if err := b.add(&marks[i]); err != nil {
			return fmt.Errorf("load entries of node %d: %w", marks[i].Mark.Node, err)
		}
	}
	for n, kids := range b.kids {
		b.ways[n].kids = tableOf(kids)
	}
	e.ways = tableFrom(b.ways)
	e.named, e.given, e.gave = namingOf(b.named), sortedPlaces(b.given), sortedPlaces(b.gave)
	e.shares = tableFrom(b.shares)
	e.cuts = b.cuts.sorted()
	return nil
}

// A builder gathers what marks leave in the tables.
type builder struct {
	*edit
	ways   map[Node]*way
	kids   map[Node][]slot[struct{}]
	named  map[ID][]placedMention
	given  map[ID]places
	gave   map[ID]places
	shares map[ID]Node
	cuts   places
}

func tableFrom[K ~uint64, V any](records map[K]V) table[V] {
	pairs := make([]slot[V], 0, len(records))
	for k, v := range records {
		pairs = append(pairs, slot[V]{val: v, key: uint64(k)})
	}
	return tableOf(pairs)
}

func sortedPlaces(of map[ID]places) table[places] {
	for id, at := range of {
		of[id] = at.sorted()
	}
	return tableFrom(of)
}

func (b *builder) add(pm *PlacedMark) error {
	path := pm.At.Path
	sp := b.Space(pm.At.Space)
	switch {
	case len(path) == 0 || path[len(path)-1] != pm.Mark.Node:
		return invalid("its way leads elsewhere")
	case sp == nil || path[0] != sp.Root:
		return invalid("not a place in a space")
	case pm.Mark.empty():
		return nil
	}
	mark := pm.Mark
	mark.Entries = sortedEntries(mark.Entries)
	for i := range mark.Entries {
		if err := b.checkEntry(mark.Entries[i]); err != nil {
			return err
		}
		mark.Entries[i].Level = internLevel(mark.Entries[i].Level)
	}
	if err := b.hook(path); err != nil {
		return err
	}
	w := b.ways[mark.Node]
	if w.mark != nil {
		return invalid("two of them")
	}
	w.setMark(&mark)
	if w.hides {
		b.hurdle(path[0])
	}
	return b.index(&mark, spot{path[0], mark.Node})
}

func (b *builder) hook(path []Node) error {
	for i, n := range path {
		var parent Node
		if i > 0 {
			parent = path[i-1]
		}
		w := b.ways[n]
		switch {
		case w == nil:
			b.ways[n] = &way{parent: parent}
			if i > 0 {
				b.kids[parent] = append(b.kids[parent], slot[struct{}]{key: uint64(n)})
			}
		case w.parent != parent:
			return invalid("node %d stands at two places", n)
		}
	}
	return nil
}

func (b *builder) index(m *Mark, at spot) error {
	for _, en := range m.Entries {
		b.named[en.Principal] = append(b.named[en.Principal], placedMention{at.root, mentionOf(at.node, en.shows())})
	}
	if m.Cut {
		b.cuts = append(b.cuts, at)
	}
	m.Shares = slices.SortedFunc(slices.Values(m.Shares), compareShares)
	for i := range m.Shares {
		sh := &m.Shares[i]
		if _, twice := b.shares[sh.ID]; twice {
			return invalid("two shares of the ID %d", sh.ID)
		}
		if err := b.checkShare(sh); err != nil {
			return err
		}
		b.shares[sh.ID] = at.node
		b.named[sh.To] = append(b.named[sh.To], placedMention{at.root, mentionOf(at.node, false)})
		b.given[sh.To] = append(b.given[sh.To], at)
		b.gave[sh.By] = append(b.gave[sh.By], at)
		if sh.IsLink() {
			b.closures = b.closures.set(uint64(sh.ID), []ID{Links, sh.ID})
		}
	}
	return nil
}

// loadGroups makes the groups first and then fills them: a member may stand in
// the model after its group.
func (e *edit) loadGroups(groups []Group) error {
	for _, g := range groups {
		if err := (PutGroup{g}).apply(e); err != nil {
			return fmt.Errorf("load group %q: %w", g.Name, err)
		}
	}
	for _, g := range groups {
		g.Members = slices.Compact(slices.Sorted(slices.Values(g.Members)))
		for _, m := range g.Members {
			if e.User(m) == nil && e.Group(m) == nil {
				return notFound("load members of group %q: no such member (%d)", g.Name, m)
			}
			in := append(slices.Clip(e.GroupsOf(m)), g.ID)
			slices.Sort(in)
			e.in = e.in.set(uint64(m), in)
			e.stale[m] = true
		}
		e.setGroup(&g)
	}
	for _, g := range groups {
		if slices.Contains(e.ancestors(g.ID), g.ID) {
			return invalid("load group %q: it contains itself", g.Name)
		}
	}
	return nil
}
