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
	for _, pm := range m.Marks {
		if err := e.loadMark(pm); err != nil {
			return nil, fmt.Errorf("load entries of node %d: %w", pm.Mark.Node, err)
		}
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

func (e *edit) loadMark(pm PlacedMark) error {
	if len(pm.At.Path) == 0 || pm.At.Path[len(pm.At.Path)-1] != pm.Mark.Node {
		return invalid("its way leads elsewhere")
	}
	for _, en := range pm.Mark.Entries {
		if err := e.checkEntry(en); err != nil {
			return err
		}
	}
	for _, sh := range pm.Mark.Shares {
		if e.User(sh.By) == nil {
			return notFound("nobody gives the share %d", sh.ID)
		}
		if err := e.checkSharee(sh.To); err != nil && !sh.IsLink() {
			return err
		}
	}
	mark := pm.Mark
	mark.Entries = sortedEntries(mark.Entries)
	mark.Shares = slices.SortedFunc(slices.Values(mark.Shares), compareShares)
	return e.changeMark(pm.At, func(m *Mark) { *m = mark })
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
