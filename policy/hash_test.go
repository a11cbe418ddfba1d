package policy_test

import (
	"reflect"
	"slices"
	"testing"

	"davit/policy"
)

// Property 19: the changes of a world, written down and read again, lead from
// the empty state to the same hash; so does what a store keeps of it.
func TestReplay(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		again := new(policy.State)
		for _, changes := range w.log {
			read := make([]policy.Change, len(changes))
			for i, c := range changes {
				text, err := policy.MarshalChange(c)
				if err == nil {
					read[i], err = policy.UnmarshalChange(text)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if again, _, err = again.Apply(read...); err != nil {
				t.Fatalf("replay of %+v: %v", changes, err)
			}
		}
		if again.Hash() != w.state.Hash() || again.Epoch != w.state.Epoch {
			t.Errorf("%d changes replayed lead elsewhere, to epoch %d instead of %d", len(w.log), again.Epoch, w.state.Epoch)
		}
		for what, m := range map[string]policy.Model{"kept": w.records(), "told": w.state.Model()} {
			if loaded, err := policy.Load(m); err != nil || loaded.Hash() != w.state.Hash() {
				t.Errorf("the records that were %s make another state (%v)", what, err)
			}
		}
	})
}

// The order of making leaves no trace.
func TestHashIsOrderFree(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for shuffle := range uint64(2) {
			if w.remade(shuffle).state.Hash() != w.state.Hash() {
				t.Error("made in another order the hash is another one")
			}
		}
	})
}

// What a model holds, the hash tells apart; a field that Model forgets would be
// empty here.
func TestHashTellsEverythingApart(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		m := w.state.Model()
		for i := range reflect.ValueOf(m).NumField() {
			if reflect.ValueOf(m).Field(i).IsZero() {
				t.Errorf("the model of a whole world has no %s", reflect.TypeOf(m).Field(i).Name)
			}
		}
		if !slices.IsSortedFunc(m.Marks, func(a, b policy.PlacedMark) int { return int(a.Mark.Node) - int(b.Mark.Node) }) {
			t.Error("the marks are not in the order of their nodes")
		}
		before := w.state.Hash()
		for _, undo := range w.undoable() {
			if next, _, err := w.state.Apply(undo.do...); err != nil || next.Hash() == before {
				t.Errorf("the hash does not see %+v (%v)", undo.do, err)
			}
		}
	})
}

// Property 17: a change and its inverse restore the hash, for every type of
// change in every world.
func TestInverseRestoresHash(t *testing.T) {
	seen := map[string]bool{}
	property(t, func(t *testing.T, w *twin) {
		before := w.state.Hash()
		for _, u := range w.undoable() {
			next, _, err := w.state.Apply(u.do...)
			if err != nil {
				t.Fatalf("%+v: %v", u.do, err)
			}
			back, _, err := next.Apply(u.undo...)
			if err != nil || back.Hash() != before {
				t.Errorf("%+v\nis not undone by %+v (%v)", u.do, u.undo, err)
			}
			for _, c := range u.do {
				seen[reflect.TypeOf(c).Name()] = true
			}
		}
	})
	for _, name := range changesIn(t) {
		if !seen[name] {
			t.Errorf("no world undid a %s", name)
		}
	}
}

// undo is a set of changes and the one that takes it back.
type undo struct{ do, undo []policy.Change }

// undoable are changes that a world may see next, at least one of each type.
func (w *twin) undoable() []undo {
	all := []undo{w.undoLevel(), w.undoPutGroup(), w.undoPutSpace(), w.undoJoin(), w.undoTransfer(), w.undoSettings(), w.undoShare()}
	all = append(all, w.undoUsers()...)
	all = append(all, w.undoProfiles()...)
	for _, g := range w.state.Groups() {
		all = append(all, undo{
			[]policy.Change{policy.DropGroup{ID: g.ID}},
			append([]policy.Change{policy.PutGroup{Group: *g}}, w.lists(g.ID)...),
		})
	}
	for _, sp := range w.state.Spaces() {
		all = append(all, undo{[]policy.Change{policy.DropSpace{ID: sp.ID}}, []policy.Change{policy.PutSpace{Space: *sp}}})
	}
	for _, pm := range w.state.Model().Marks {
		all = append(all, w.undoMark(pm)...)
	}
	return all
}

func (w *twin) undoUsers() (all []undo) {
	for _, name := range w.users[2:5] {
		u := *w.state.User(w.id(name))
		other := u
		other.Name, other.Email, other.Language, other.Quota = "somebody else", "x@example.org", "fr", new(policy.Limit(5))
		all = append(all, undo{[]policy.Change{policy.PutUser{User: other}}, []policy.Change{policy.PutUser{User: u}}})
		closed := u
		closed.Inactive = true
		all = append(all, undo{
			[]policy.Change{policy.PutUser{User: closed}, policy.DropUser{ID: u.ID}},
			append([]policy.Change{policy.PutUser{User: u}}, w.lists(u.ID)...),
		})
	}
	return all
}

func (w *twin) undoProfiles() []undo {
	p := *w.state.ProfileNamed("p")
	light := policy.Profile{ID: 1 << 32, Name: "light", Quota: 5, Functions: new(policy.FilesPersonal)}
	// Dropped in the same go as it is made: the world has one profile, which everybody has.
	back := []policy.Change{policy.PutProfile{Profile: p}}
	for _, u := range w.state.Users() {
		back = append(back, policy.PutUser{User: *u})
	}
	return []undo{{
		[]policy.Change{policy.PutProfile{Profile: light}, policy.DropProfile{ID: p.ID, Successor: light.ID}},
		append(back, policy.DropProfile{ID: light.ID}),
	}}
}

func (w *twin) undoLevel() undo {
	sp := w.state.SpaceNamed("team")
	e := policy.Entry{Principal: w.id(w.users[3]), Allow: policy.See, Level: "odd"}
	back := policy.SetLevel{Space: sp.ID, Entry: policy.Entry{Principal: e.Principal}, Pin: new(slices.Contains(sp.Pins, e.Principal))}
	if i := slices.IndexFunc(sp.Levels, func(o policy.Entry) bool {
		return o.Principal == e.Principal && o.Class == 0 && o.From == 0 && o.Until == 0
	}); i >= 0 {
		back.Entry = sp.Levels[i]
	}
	return undo{[]policy.Change{policy.SetLevel{Space: sp.ID, Entry: e, Pin: new(!*back.Pin)}}, []policy.Change{back}}
}

func (w *twin) undoPutGroup() undo {
	g := *w.state.Group(w.id(w.groups[0]))
	other := g
	other.Name = "renamed"
	return undo{[]policy.Change{policy.PutGroup{Group: other}}, []policy.Change{policy.PutGroup{Group: g}}}
}

func (w *twin) undoPutSpace() undo {
	sp := *w.state.SpaceNamed("portal")
	other := sp
	other.Name, other.Quota, other.Owner = "renamed", 77, w.id(w.users[0])
	return undo{[]policy.Change{policy.PutSpace{Space: other}}, []policy.Change{policy.PutSpace{Space: sp}}}
}

func (w *twin) undoTransfer() undo {
	sp := w.state.SpaceNamed("portal")
	to := w.state.User(w.id(w.users[0]))
	change := []policy.Change{policy.TransferSpace{Space: sp.ID, Owner: to.ID}}
	back := []policy.Change{policy.PutSpace{Space: *sp}}
	next, _, err := w.state.Apply(change...)
	if err != nil {
		w.Fatal(err)
	}
	for _, l := range next.Space(sp.ID).Levels {
		silent := l
		silent.Allow, silent.Revoke, silent.Deny = 0, 0, 0
		back = append(back, policy.SetLevel{Space: sp.ID, Entry: silent})
	}
	for _, l := range sp.Levels {
		back = append(back, policy.SetLevel{Space: sp.ID, Entry: l})
	}
	if slices.Contains(sp.Pins, to.ID) {
		back = append(back, policy.SetLevel{Space: sp.ID, Entry: policy.Entry{Principal: to.ID, Class: policy.Web, From: 1}, Pin: new(true)})
	}
	for _, pm := range w.state.Model().Marks {
		for _, e := range pm.Mark.Entries {
			if pm.At.Space == sp.ID && e.Principal == to.ID {
				back = append(back, policy.SetEntry{At: pm.At, Entry: e})
			}
		}
		back = append(back, parked(pm)...)
	}
	return undo{change, back}
}

func (w *twin) undoSettings() undo {
	was := w.state.Settings()
	other := was
	other.Links, other.LinkDays, other.Inside = !was.Links, was.LinkDays+1, nil
	return undo{[]policy.Change{policy.PutSettings{Settings: other}}, []policy.Change{policy.PutSettings{Settings: was}}}
}

// undoShare shares where something is listed already, and at the root.
func (w *twin) undoShare() undo {
	sp := w.state.SpaceNamed("team")
	at := policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}
	link := policy.Share{ID: 1 << 33, By: w.id(w.users[2]), To: 1 << 33, Rights: policy.See | policy.Read}
	gift := policy.Share{ID: 1<<33 + 1, By: w.id(w.users[2]), To: w.id(w.groups[0]), Rights: policy.See}
	return undo{
		[]policy.Change{policy.PutShare{Share: link, At: at}, policy.PutShare{Share: gift, At: at}, policy.DropShare{ID: link.ID}, policy.PutShare{Share: link, At: at}},
		[]policy.Change{policy.DropShare{ID: gift.ID}, policy.DropShare{ID: link.ID}},
	}
}

// undoJoin joins and leaves, of which one is undone by the other.
func (w *twin) undoJoin() undo {
	fresh := policy.Group{ID: 1 << 32, Name: "fresh"}
	join := policy.Join{Group: fresh.ID, Member: w.id(w.users[4])}
	leave := policy.Leave(join)
	return undo{
		[]policy.Change{policy.PutGroup{Group: fresh}, join, leave, join},
		[]policy.Change{leave, policy.DropGroup{ID: fresh.ID}},
	}
}

// lists puts a principal back into everything that names it, and gives what it
// gave and got again.
func (w *twin) lists(id policy.ID) []policy.Change {
	return append(w.shares(func(sh policy.Share) bool { return sh.By == id || sh.To == id }), w.naming(id)...)
}

// naming are the memberships and lines of a principal.
func (w *twin) naming(id policy.ID) (back []policy.Change) {
	for _, g := range w.state.GroupsOf(id) {
		back = append(back, policy.Join{Group: g, Member: id})
	}
	if g := w.state.Group(id); g != nil {
		for _, m := range g.Members {
			back = append(back, policy.Join{Group: id, Member: m})
		}
	}
	for _, sp := range w.state.Spaces() {
		for _, e := range sp.Levels {
			if e.Principal == id {
				back = append(back, policy.SetLevel{Space: sp.ID, Entry: e})
			}
		}
		if slices.Contains(sp.Pins, id) {
			back = append(back, policy.SetLevel{Space: sp.ID, Entry: policy.Entry{Principal: id, Class: policy.Web, From: 1}, Pin: new(true)})
		}
	}
	for _, pm := range w.state.Model().Marks {
		for _, e := range pm.Mark.Entries {
			if e.Principal == id {
				back = append(back, policy.SetEntry{At: pm.At, Entry: e})
			}
		}
		back = append(back, parked(pm)...)
	}
	return back
}

// shares gives shares again that ended, and puts their links back into all lists.
func (w *twin) shares(ended func(policy.Share) bool) (back []policy.Change) {
	var links []policy.ID
	for _, pm := range w.state.Model().Marks {
		for _, sh := range pm.Mark.Shares {
			if !ended(sh) {
				continue
			}
			back = append(back, policy.PutShare{Share: sh, At: pm.At})
			if sh.IsLink() {
				links = append(links, sh.ID)
			}
		}
		back = append(back, parked(pm)...)
	}
	for _, id := range links {
		back = append(back, w.naming(id)...)
	}
	return back
}

func parked(pm policy.PlacedMark) (changes []policy.Change) {
	for _, n := range pm.Parked {
		changes = append(changes, policy.ParkNode{Node: n})
	}
	return changes
}

// restored makes a mark anew.
func restored(pm policy.PlacedMark) []policy.Change {
	changes := []policy.Change{policy.SetCut{At: pm.At, On: pm.Mark.Cut}, policy.SetQuota{At: pm.At, Limit: pm.Mark.Quota}}
	for _, e := range pm.Mark.Entries {
		changes = append(changes, policy.SetEntry{At: pm.At, Entry: e})
	}
	return append(changes, parked(pm)...)
}

func (w *twin) undoMark(pm policy.PlacedMark) []undo {
	ended := func(sh policy.Share) bool {
		return slices.ContainsFunc(pm.Mark.Shares, func(o policy.Share) bool { return o.ID == sh.ID })
	}
	n, back := pm.Mark.Node, append(w.shares(ended), restored(pm)...)
	all := []undo{
		{[]policy.Change{policy.DropNodes{Nodes: []policy.Node{n}}}, back},
		{[]policy.Change{policy.SetCut{At: pm.At, On: !pm.Mark.Cut}}, back},
		{[]policy.Change{policy.SetQuota{At: pm.At, Limit: new(policy.Limit(123))}}, back},
	}
	if len(pm.Mark.Entries) > 0 {
		e := pm.Mark.Entries[0]
		silent := e
		silent.Allow, silent.Revoke, silent.Deny = 0, 0, 0
		all = append(all,
			undo{[]policy.Change{policy.ClearEntries{Node: n, Principal: e.Principal}}, back},
			undo{[]policy.Change{policy.SetEntry{At: pm.At, Entry: silent}}, back})
	}
	if len(pm.At.Path) < 2 || len(pm.Parked) > 0 {
		return all
	}
	elsewhere := policy.Place{Space: pm.At.Space, Path: []policy.Node{pm.At.Path[0], 1 << 40, n}}
	return append(all,
		undo{[]policy.Change{policy.MoveNode{To: elsewhere}}, []policy.Change{policy.MoveNode{To: pm.At}}},
		undo{[]policy.Change{policy.ParkNode{Node: n}}, []policy.Change{policy.MoveNode{To: pm.At}}})
}
