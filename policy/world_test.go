package policy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// world is a state whose records a test calls by name and path. Paths begin with
// the space's name; a node that a path lacks is made when it is first called.
type world struct {
	testing.TB
	state *policy.State
	ids   map[string]policy.ID   // "user:mia", "group:staff", "profile:light", "space:team"
	nodes map[string]policy.Node // by path
	trash map[policy.Node]bool
	ways  map[string]policy.Place // by path, as long as nothing moves
	last  uint64
	kept  kept
	log   [][]policy.Change // what was accepted, in order
}

func newWorld(t testing.TB) *world {
	return &world{
		TB: t, state: new(policy.State), kept: newKept(), last: uint64(policy.FirstID),
		nodes: map[string]policy.Node{}, ways: map[string]policy.Place{}, trash: map[policy.Node]bool{},
		ids: map[string]policy.ID{"members": policy.Members, "anyone-signed-in": policy.AnyoneSignedIn, "links": policy.Links},
	}
}

// name gives a new record its ID.
func (w *world) name(name string) policy.ID {
	w.last++
	w.ids[name] = policy.ID(w.last)
	return w.ids[name]
}

func (w *world) id(name string) policy.ID {
	w.Helper()
	id, ok := w.ids[name]
	if !ok {
		w.Fatalf("the test names %q, which it never made", name)
	}
	return id
}

// try applies changes and keeps what they touched.
func (w *world) try(changes ...policy.Change) error {
	next, delta, err := w.state.Apply(changes...)
	if err != nil {
		return err
	}
	w.state = next
	w.kept.take(delta)
	w.log = append(w.log, changes)
	return nil
}

// apply is try for changes that have to be accepted.
func (w *world) apply(changes ...policy.Change) {
	w.Helper()
	if err := w.try(changes...); err != nil {
		w.Fatalf("apply %+v: %v", changes, err)
	}
}

// place is the way to a path.
func (w *world) place(path string) policy.Place {
	if at, known := w.ways[path]; known {
		return at
	}
	w.Helper()
	space, _, _ := strings.Cut(path[1:], "/")
	at := policy.Place{Space: w.id("space:" + space)}
	for _, p := range prefixes(path) {
		n, ok := w.nodes[p]
		if !ok {
			w.last++
			n = policy.Node(w.last)
			w.nodes[p] = n
		}
		at.Path = append(at.Path, n)
	}
	at.Path = slices.Clip(at.Path)
	w.ways[path] = at
	return at
}

// node is the node of a path.
func (w *world) node(path string) policy.Node {
	at := w.place(path)
	return at.Path[len(at.Path)-1]
}

// prefixes lists "/a", "/a/b", "/a/b/c" for "/a/b/c".
func prefixes(path string) []string {
	var all []string
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			all = append(all, path[:i])
		}
	}
	return append(all, path)
}

// addSpace makes a space; a personal drive has its owner for a manager.
func (w *world) addSpace(name string, kind policy.SpaceKind, owner policy.ID, quota policy.Limit) {
	w.Helper()
	sp := policy.Space{ID: w.name("space:" + name), Name: name, Kind: kind, State: policy.Active, Owner: owner, Quota: quota}
	sp.Root = w.place("/" + name).Path[0]
	if kind == policy.Personal {
		sp.Levels = []policy.Entry{{Principal: owner, Allow: rights(w, "level:manager"), Level: "manager"}}
	}
	w.apply(policy.PutSpace{Space: sp})
}

func rights(t testing.TB, text string) policy.Rights {
	t.Helper()
	r, err := policy.ParseRights(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// kept is what a store would have written down: the records of every delta.
type kept struct {
	users    map[policy.ID]*policy.User
	groups   map[policy.ID]*policy.Group
	profiles map[policy.ID]*policy.Profile
	spaces   map[policy.ID]*policy.Space
	marks    map[policy.Node]*policy.Mark
	settings *policy.Settings
}

func newKept() kept {
	return kept{
		map[policy.ID]*policy.User{}, map[policy.ID]*policy.Group{}, map[policy.ID]*policy.Profile{},
		map[policy.ID]*policy.Space{}, map[policy.Node]*policy.Mark{}, nil,
	}
}

func (k *kept) take(d policy.Delta) {
	keep(k.users, d.Users)
	keep(k.groups, d.Groups)
	keep(k.profiles, d.Profiles)
	keep(k.spaces, d.Spaces)
	keep(k.marks, d.Marks)
	if d.Settings != nil {
		k.settings = d.Settings
	}
}

func keep[K comparable, V any](records, touched map[K]*V) {
	for k, v := range touched {
		if v == nil {
			delete(records, k)
		} else {
			records[k] = v
		}
	}
}

// records is what Load gets at the next start; the places come from the tree, as a
// store has them.
func (w *world) records() policy.Model {
	m := policy.Model{Epoch: w.state.Epoch, Settings: w.kept.settings}
	for _, id := range slices.Sorted(maps.Keys(w.kept.users)) {
		m.Users = append(m.Users, *w.kept.users[id])
	}
	for _, id := range slices.Sorted(maps.Keys(w.kept.groups)) {
		m.Groups = append(m.Groups, *w.kept.groups[id])
	}
	for _, id := range slices.Sorted(maps.Keys(w.kept.profiles)) {
		m.Profiles = append(m.Profiles, *w.kept.profiles[id])
	}
	for _, id := range slices.Sorted(maps.Keys(w.kept.spaces)) {
		m.Spaces = append(m.Spaces, *w.kept.spaces[id])
	}
	for _, path := range slices.Sorted(maps.Keys(w.nodes)) {
		n := w.nodes[path]
		mark := w.kept.marks[n]
		if mark == nil {
			continue
		}
		placed := policy.PlacedMark{Mark: *mark, At: w.place(path)}
		for _, up := range placed.At.Path {
			if w.trash[up] {
				placed.Parked = append(placed.Parked, up)
			}
		}
		m.Marks = append(m.Marks, placed)
	}
	return m
}
