package policy_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"davit/policy"
)

// refusals are changes that Apply must not accept in the organisation's world.
var refusals = []struct {
	what string
	make func(*world) []policy.Change
	want error
}{
	{"a group in itself", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("group:hr"), Member: w.id("group:hr")}}
	}, policy.ErrInvalid},
	{"a circle of two", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("group:eu-sales"), Member: w.id("group:sales")}}
	}, policy.ErrInvalid},
	{"a circle of three, closed in one go", func(w *world) []policy.Change {
		return []policy.Change{
			policy.Join{Group: w.id("group:eu-sales"), Member: w.id("group:hr")},
			policy.Join{Group: w.id("group:hr"), Member: w.id("group:sales")},
		}
	}, policy.ErrInvalid},
	{"joining no group", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("user:mia"), Member: w.id("user:max")}}
	}, policy.ErrNotFound},
	{"an unknown member", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("group:hr"), Member: 4711}}
	}, policy.ErrNotFound},
	{"everybody as a member", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("group:hr"), Member: policy.Members}}
	}, policy.ErrNotFound},
	{"leaving a group one is not in", func(w *world) []policy.Change {
		return []policy.Change{policy.Leave{Group: w.id("group:hr"), Member: w.id("user:max")}}
	}, policy.ErrNotFound},
	{"leaving no group", func(w *world) []policy.Change {
		return []policy.Change{policy.Leave{Group: 4711, Member: w.id("user:max")}}
	}, policy.ErrNotFound},

	{"the last owner deactivated", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: w.account("olivia", func(u *policy.User) { u.Inactive = true })}}
	}, policy.ErrInvalid},
	{"the last owner demoted", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: w.account("olivia", func(u *policy.User) { u.Type = policy.Admin })}}
	}, policy.ErrInvalid},
	{"the last owner deactivated and deleted in one go", func(w *world) []policy.Change {
		return []policy.Change{
			policy.PutUser{User: w.account("olivia", func(u *policy.User) { u.Inactive = true })},
			policy.DropUser{ID: w.id("user:olivia")},
		}
	}, policy.ErrInvalid},
	{"an active user deleted", func(w *world) []policy.Change {
		return []policy.Change{policy.DropUser{ID: w.id("user:mia")}}
	}, policy.ErrInvalid},
	{"the owner of a room deleted", func(w *world) []policy.Change {
		return []policy.Change{
			policy.PutUser{User: w.account("mona", func(u *policy.User) { u.Inactive = true })},
			policy.DropUser{ID: w.id("user:mona")},
		}
	}, policy.ErrInvalid},
	{"an unknown user deleted", func(w *world) []policy.Change {
		return []policy.Change{policy.DropUser{ID: 4711}}
	}, policy.ErrNotFound},
	{"an unknown group deleted", func(w *world) []policy.Change {
		return []policy.Change{policy.DropGroup{ID: w.id("user:mia")}}
	}, policy.ErrNotFound},
	{"an unknown space dropped", func(w *world) []policy.Change {
		return []policy.Change{policy.DropSpace{ID: 4711}}
	}, policy.ErrNotFound},
	{"an account of no type", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Type = "king" })}}
	}, policy.ErrInvalid},
	{"an account without a profile", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Profile = policy.Nobody })}}
	}, policy.ErrInvalid},
	{"an account with the ID of a group", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: policy.User{
			ID: w.id("group:hr"), Name: "new", Type: policy.Member, Profile: w.id("profile:standard"),
		}}}
	}, policy.ErrInvalid},
	{"an account with the ID of all members", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: policy.User{
			ID: policy.Members, Name: "new", Type: policy.Member, Profile: w.id("profile:standard"),
		}}}
	}, policy.ErrInvalid},
	{"a group with the ID of an account", func(w *world) []policy.Change {
		return []policy.Change{policy.PutGroup{Group: policy.Group{ID: w.id("user:mia"), Name: "new"}}}
	}, policy.ErrInvalid},
	{"a group made a role", func(w *world) []policy.Change {
		return []policy.Change{policy.PutGroup{Group: policy.Group{ID: w.id("group:hr"), Name: "hr", Role: true}}}
	}, policy.ErrInvalid},

	{"an entry for nobody", entryChange(policy.Entry{Allow: policy.Read}), policy.ErrNotFound},
	{"an entry for an unknown principal", entryChange(policy.Entry{Principal: 4711, Allow: policy.Read}), policy.ErrNotFound},
	{"an entry for a reserved ID", entryChange(policy.Entry{Principal: policy.FirstID - 1, Allow: policy.Read}), policy.ErrNotFound},
	{"allowed and revoked at once", entryChange(policy.Entry{Principal: policy.Members, Allow: policy.Read | policy.Write, Revoke: policy.Write}), policy.ErrInvalid},
	{"rights that do not exist", entryChange(policy.Entry{Principal: policy.Members, Deny: policy.All + 1}), policy.ErrInvalid},
	{"an end before the beginning", entryChange(policy.Entry{Principal: policy.Members, Allow: policy.Read, From: 2, Until: 2}), policy.ErrInvalid},
	{"an entry in no space", func(w *world) []policy.Change {
		return []policy.Change{policy.SetEntry{Entry: policy.Entry{Principal: policy.Members, Allow: policy.Read}}}
	}, policy.ErrInvalid},
	{"an entry beside the space's tree", func(w *world) []policy.Change {
		at := w.place("/team/HR")
		at.Space = w.id("space:room")
		return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: policy.Members, Allow: policy.Read}}}
	}, policy.ErrInvalid},
	{"a level in no space", func(w *world) []policy.Change {
		return []policy.Change{policy.SetLevel{Space: 4711, Entry: policy.Entry{Principal: policy.Members, Allow: policy.Read}}}
	}, policy.ErrNotFound},
	{"a level for an unknown principal", func(w *world) []policy.Change {
		return []policy.Change{policy.SetLevel{Space: w.id("space:team"), Entry: policy.Entry{Principal: 4711, Allow: policy.Read}}}
	}, policy.ErrNotFound},
	{"a group pinned", func(w *world) []policy.Change {
		e := policy.Entry{Principal: w.id("group:hr"), Allow: policy.Read}
		return []policy.Change{policy.SetLevel{Space: w.id("space:team"), Entry: e, Pin: new(true)}}
	}, policy.ErrInvalid},
	{"the owner of a personal drive without its level", func(w *world) []policy.Change {
		return []policy.Change{policy.SetLevel{Space: w.id("space:home-mia"), Entry: policy.Entry{Principal: w.id("user:mia")}}}
	}, policy.ErrInvalid},
	{"a space of no kind", spaceChange(func(sp *policy.Space) { sp.Kind = "cupboard" }), policy.ErrInvalid},
	{"a space in no state", spaceChange(func(sp *policy.Space) { sp.State = "asleep" }), policy.ErrInvalid},
	{"a space that changes its kind", func(w *world) []policy.Change {
		sp := *w.state.Space(w.id("space:team"))
		sp.Kind = policy.Room
		return []policy.Change{policy.PutSpace{Space: sp}}
	}, policy.ErrInvalid},
	{"a space that changes its root", func(w *world) []policy.Change {
		sp := *w.state.Space(w.id("space:team"))
		sp.Root++
		return []policy.Change{policy.PutSpace{Space: sp}}
	}, policy.ErrInvalid},
	{"a root that moves", func(w *world) []policy.Change {
		return []policy.Change{policy.MoveNode{To: w.place("/team")}}
	}, policy.ErrInvalid},
	{"a root in the trash", func(w *world) []policy.Change {
		return []policy.Change{policy.ParkNode{Node: w.node("/team")}}
	}, policy.ErrInvalid},
}

func entryChange(e policy.Entry) func(*world) []policy.Change {
	return func(w *world) []policy.Change {
		return []policy.Change{policy.SetEntry{At: w.place("/team/HR"), Entry: e}}
	}
}

// spaceChange makes a new space that is right but for one thing.
func spaceChange(wrong func(*policy.Space)) func(*world) []policy.Change {
	return func(w *world) []policy.Change {
		sp := policy.Space{
			ID: 9001, Name: "new", Kind: policy.Room, State: policy.Active, Root: 9002, Quota: policy.NoLimit,
		}
		wrong(&sp)
		return []policy.Change{policy.PutSpace{Space: sp}}
	}
}

// account is a user's record with one thing changed.
func (w *world) account(name string, change func(*policy.User)) policy.User {
	u := *w.state.User(w.id("user:" + name))
	change(&u)
	return u
}

// TestApplyRefuses applies each wrong change behind a right one: the right one
// leaves no trace.
func TestApplyRefuses(t *testing.T) {
	for _, c := range refusals {
		t.Run(c.what, func(t *testing.T) {
			w := newOrganisation(t)
			before := w.answers()
			good := policy.SetEntry{At: w.place("/team"), Entry: policy.Entry{Principal: policy.Members, Deny: policy.All}}
			if _, _, err := w.state.Apply(good); err != nil {
				t.Fatal(err)
			}
			state, delta, err := w.state.Apply(slices.Insert(c.make(w), 0, policy.Change(good))...)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want one that is %q", err, c.want)
			}
			if err != nil && (state != nil || delta.Marks != nil) {
				t.Error("an error and a state")
			}
			if err != nil && (strings.HasSuffix(err.Error(), ".") || strings.ToLower(err.Error()[:1]) != err.Error()[:1]) {
				t.Errorf("%q: lowercase, no full stop", err)
			}
			if !slices.Equal(before, w.answers()) {
				t.Error("the old state answers otherwise")
			}
		})
	}
}

// answers is what everybody holds everywhere, in a fixed order.
func (w *world) answers() []policy.Rights {
	var all []policy.Rights
	for _, u := range w.state.Users() {
		for _, path := range w.paths() {
			all = append(all, w.state.Held(policy.Subject{User: u.ID, Mask: policy.All, Class: policy.Web}, w.place(path)))
		}
	}
	return all
}

func (w *world) paths() []string {
	paths := make([]string, 0, len(w.nodes))
	for path := range w.nodes {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// TestDelta: a change touches the records it names, all of them and no other.
func TestDelta(t *testing.T) {
	w := newOrganisation(t)
	for _, step := range []string{"acl /team/HR user:zoe allow=read", "level room user:zoe viewer pin", "account zoe inactive"} {
		if err := w.step(step); err != nil {
			t.Fatal(err)
		}
	}
	zoe := w.id("user:zoe")
	next, d, err := w.state.Apply(policy.DropUser{ID: zoe})
	if err != nil {
		t.Fatal(err)
	}
	if groups := next.GroupsOf(zoe); len(groups) != 0 {
		t.Errorf("nobody is still in %v", groups)
	}
	if u, has := d.Users[zoe]; !has || u != nil || len(d.Users) != 1 {
		t.Errorf("users of the delta: %v", d.Users)
	}
	if m, has := d.Marks[w.node("/team/HR")]; !has || m != nil || len(d.Marks) != 1 {
		t.Errorf("marks of the delta: %v", d.Marks)
	}
	if sp := d.Spaces[w.id("space:room")]; sp == nil || len(sp.Levels) != 3 || len(sp.Pins) != 0 || len(d.Spaces) != 1 {
		t.Errorf("spaces of the delta: %+v", d.Spaces)
	}
	if g := d.Groups[w.id("group:contractors")]; g == nil || len(g.Members) != 0 || len(d.Groups) != 2 {
		t.Errorf("groups of the delta: %+v", d.Groups)
	}
	if len(d.Profiles) != 0 {
		t.Errorf("profiles of the delta: %+v", d.Profiles)
	}
}

// TestEpoch counts every accepted change once.
func TestEpoch(t *testing.T) {
	w := newOrganisation(t)
	was := w.state.Epoch
	w.apply(policy.SetCut{At: w.place("/team/HR"), On: true}, policy.SetCut{At: w.place("/team/Sales"), On: true})
	if w.state.Epoch != was+1 {
		t.Errorf("epoch %d after %d", w.state.Epoch, was)
	}
}

// TestNames: one name, one account, in whatever case and Unicode form; a renamed
// record keeps its ID and frees its name.
func TestNames(t *testing.T) {
	w := newOrganisation(t)
	mia := w.account("mia", func(u *policy.User) { u.Name = "Zoë" })
	for _, taken := range []string{"max", "MAX"} {
		taker := w.account("mia", func(u *policy.User) { u.Name = taken })
		if err := w.try(policy.PutUser{User: taker}); !errors.Is(err, policy.ErrExists) {
			t.Errorf("second user %q: %v", taken, err)
		}
	}
	w.apply(policy.PutUser{User: mia})
	for _, spelling := range []string{"Zoë", "zoë", "ZOË", "ZOE\u0308", "zoe\u0308"} {
		if u := w.state.UserNamed(spelling); u == nil || u.ID != mia.ID {
			t.Errorf("%q is %v", spelling, u)
		}
	}
	if w.state.UserNamed("mia") != nil {
		t.Error("the old name still finds somebody")
	}
	again := mia
	again.Name = "ZOË"
	w.apply(policy.PutUser{User: again}) // a new case of one's own name

	newcomer := w.account("mia", func(u *policy.User) { u.ID, u.Name = 9000, "mia" })
	w.apply(policy.PutUser{User: newcomer})
	w.ids["user:newcomer"] = newcomer.ID
	for _, step := range []string{
		"can mia /team/HR yes=read,write", "can newcomer /team/HR no=see,read", "can newcomer /home-mia no=see,read",
	} {
		if err := w.step(step); err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
}

// TestNamesOfKinds: each kind of record has names of its own, and a deleted
// record leaves its name.
func TestNamesOfKinds(t *testing.T) {
	w := newOrganisation(t)
	w.apply(
		policy.PutGroup{Group: policy.Group{ID: w.name("group:mia"), Name: "mia"}},
		policy.PutGroup{Group: policy.Group{ID: w.name("role:mia"), Name: "mia", Role: true}},
		policy.PutProfile{Profile: policy.Profile{ID: w.name("profile:mia"), Name: "mia"}},
	)
	w.addSpace("mia", policy.Room, policy.Nobody, policy.NoLimit)
	s := w.state
	if s.UserNamed("mia").ID != w.id("user:mia") || s.GroupNamed("mia").ID != w.id("group:mia") || s.RoleNamed("mia").ID != w.id("role:mia") ||
		s.ProfileNamed("mia").ID != w.id("profile:mia") || s.SpaceNamed("mia").ID != w.id("space:mia") {
		t.Error("a name of one kind finds another")
	}
	if err := w.try(policy.PutGroup{Group: policy.Group{ID: 9000, Name: "HR"}}); !errors.Is(err, policy.ErrExists) {
		t.Errorf("second group hr: %v", err)
	}
	w.apply(policy.DropGroup{ID: w.id("group:mia")}, policy.DropSpace{ID: w.id("space:mia")})
	if w.state.GroupNamed("mia") != nil || w.state.SpaceNamed("mia") != nil || w.state.RoleNamed("mia") == nil {
		t.Error("a deleted record keeps its name, or took another's")
	}
	w.apply(policy.PutGroup{Group: policy.Group{ID: w.name("group:mia"), Name: "mia"}})
}

// TestLists holds what the listings of a state say.
func TestLists(t *testing.T) {
	w := newOrganisation(t)
	var users, groups, spaces, profiles []string
	for _, u := range w.state.Users() {
		users = append(users, u.Name)
	}
	for _, g := range w.state.Groups() {
		groups = append(groups, g.Name)
	}
	for _, sp := range w.state.Spaces() {
		spaces = append(spaces, sp.Name)
	}
	for _, p := range w.state.Profiles() {
		profiles = append(profiles, p.Name)
	}
	for got, want := range map[string]string{
		strings.Join(users, " "):    "adam carl gus max mia mona nils olivia zoe",
		strings.Join(groups, " "):   "auditor contractors eu-sales hr sales staff",
		strings.Join(spaces, " "):   "carl-portal home-max home-mia room team",
		strings.Join(profiles, " "): "external light standard",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	members := w.state.MembersOf(w.id("group:sales"))
	want := []policy.ID{w.id("user:max"), w.id("user:nils")}
	if !slices.Equal(members, want) {
		t.Errorf("members of sales: %v, want %v", members, want)
	}
	if got := w.state.GroupsOf(w.id("group:eu-sales")); !slices.Equal(got, []policy.ID{w.id("group:sales")}) {
		t.Errorf("groups of eu-sales: %v", got)
	}
}

// TestMarks: a node is on a way as long as it carries something or leads to it.
func TestMarks(t *testing.T) {
	w := newOrganisation(t)
	deep, mid := w.node("/team/HR/public/handbook.pdf"), w.node("/team/HR")
	steps := []struct {
		step     string
		deep     bool
		below    int
		midOnWay bool
	}{
		{"acl /team/HR/public/handbook.pdf user:nils allow=read", true, 1, true},
		{"acl /team/HR user:nils allow=read class=mobile", true, 2, true},
		{"acl /team/HR/public/handbook.pdf user:nils", false, 1, true},
		{"cut /team/HR/public/handbook.pdf on", true, 2, true},
		{"acl /team/HR user:nils class=mobile", true, 1, true},
		{"erase /team/HR/public", false, 0, false},
	}
	for _, c := range steps {
		if err := w.step(c.step); err != nil {
			t.Fatal(err)
		}
		got := w.state.Marked(w.node("/team"))
		if (w.state.Mark(deep) != nil) != c.deep || len(got) != c.below || w.state.OnWay(mid) != c.midOnWay {
			t.Errorf("%s: mark %v, %d marks below /team, /team/HR on the way: %v", c.step, w.state.Mark(deep), len(got), w.state.OnWay(mid))
		}
	}
}

// TestLoad: after any edits, the records of all deltas make the same state.
func TestLoad(t *testing.T) {
	for i := range worlds(60) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries / 2)
		for range 60 {
			w.edit()
		}
		loaded, err := policy.Load(reread(t, w.records()))
		if err != nil {
			t.Fatalf("seed %d: %v", w.seed, err)
		}
		if loaded.Epoch != w.state.Epoch {
			t.Errorf("seed %d: epoch %d, want %d", w.seed, loaded.Epoch, w.state.Epoch)
		}
		for range 300 {
			q, path := w.question(), pick(w, w.model.tree)
			sub, at := w.asked(q), w.place(path)
			got, want := loaded.Explain(sub, at, policy.Read), w.state.Explain(sub, at, policy.Read)
			if !reflect.DeepEqual(got, want) || loaded.HeldBelow(sub, at) != w.state.HeldBelow(sub, at) {
				t.Fatalf("seed %d: %+v at %s\nloaded %+v\nlive   %+v", w.seed, q, path, got, want)
			}
		}
		if got, want := written(t, loaded), written(t, w.state); got != want {
			t.Fatalf("seed %d: loaded\n%s\nlive\n%s", w.seed, got, want)
		}
	}
}

// written is every record of a state but the marks.
func written(t *testing.T, s *policy.State) string {
	t.Helper()
	text, err := json.Marshal([]any{s.Users(), s.Groups(), s.Profiles(), s.Spaces()})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// reread sends a model through its written form.
func reread(t *testing.T, m policy.Model) policy.Model {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var again policy.Model
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	return again
}

// TestLoadRefuses: records that contradict each other are an error that names
// them.
func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct {
		what  string
		spoil func(*policy.Model)
		names string
	}{
		{"two users of one name", func(m *policy.Model) { m.Users[1].Name = m.Users[0].Name }, "user"},
		{"two users of one ID", func(m *policy.Model) { m.Users[1].ID = m.Users[0].ID }, "user"},
		{"a user without a profile", func(m *policy.Model) { m.Profiles = nil }, "user"},
		{"a member that is not there", func(m *policy.Model) { m.Groups[0].Members = []policy.ID{4711} }, "group"},
		{"a circle of groups", func(m *policy.Model) {
			m.Groups[0].Members, m.Groups[1].Members = []policy.ID{m.Groups[1].ID}, []policy.ID{m.Groups[0].ID}
		}, "group"},
		{"a level of nobody", func(m *policy.Model) { m.Spaces[0].Levels = []policy.Entry{{Principal: 4711, Allow: policy.Read}} }, "space"},
		{"a space with a reserved name", func(m *policy.Model) {
			i := slices.IndexFunc(m.Spaces, func(sp policy.Space) bool { return sp.Kind != policy.Personal })
			m.Spaces[i].Name = "shared"
		}, "space"},
		{"entries without a space", func(m *policy.Model) { m.Marks[0].At.Space = 4711 }, "node"},
		{"entries of another node", func(m *policy.Model) { m.Marks[0].Mark.Node++ }, "node"},
		{"an entry of nobody", func(m *policy.Model) { m.Marks[0].Mark.Entries[0].Principal = 4711 }, "node"},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newOrganisation(t)
			if err := w.step("acl /team/HR group:staff revoke=all"); err != nil {
				t.Fatal(err)
			}
			m := reread(t, w.records())
			if _, err := policy.Load(m); err != nil {
				t.Fatal(err)
			}
			c.spoil(&m)
			if _, err := policy.Load(m); err == nil || !strings.Contains(err.Error(), c.names) {
				t.Errorf("error %v, want one that names a %s", err, c.names)
			}
		})
	}
}

// TestStatesDoNotChange reads old states while new ones are made of them.
func TestStatesDoNotChange(t *testing.T) {
	w := newTwin(t, *seed)
	w.grow(randomEntries)
	type past struct {
		state *policy.State
		sub   policy.Subject
		at    policy.Place
		held  policy.Rights
	}
	var pasts []past
	var readers sync.WaitGroup
	for range 200 {
		sub, at := w.asked(w.question()), w.place(pick(w, w.model.tree))
		p := past{w.state, sub, at, w.state.Held(sub, at)}
		pasts = append(pasts, p)
		readers.Go(func() {
			for range 20 {
				if p.state.Held(p.sub, p.at) != p.held {
					t.Errorf("epoch %d answers otherwise while a change is made", p.state.Epoch)
				}
			}
		})
		w.edit()
	}
	readers.Wait()
	for _, p := range pasts {
		if p.state.Held(p.sub, p.at) != p.held {
			t.Errorf("epoch %d answers otherwise", p.state.Epoch)
		}
	}
}

// TestStateKeepsNothingOfItsCaller: what a caller does to a record after Apply
// does not reach the state.
func TestStateKeepsNothingOfItsCaller(t *testing.T) {
	w := newOrganisation(t)
	limit := policy.Limit(10)
	members := []policy.Entry{{Principal: policy.Members, Allow: policy.Read}}
	sp := policy.Space{ID: 9000, Name: "new", Kind: policy.Room, State: policy.Active, Root: 9001, Quota: policy.NoLimit, Levels: members}
	w.apply(
		policy.SetQuota{At: w.place("/team/HR"), Limit: &limit},
		policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Quota = &limit })},
		policy.PutSpace{Space: sp},
	)
	limit = 99
	members[0].Allow = policy.All
	if got := *w.state.Mark(w.node("/team/HR")).Quota; got != 10 {
		t.Errorf("the folder's limit became %v", got)
	}
	if got := *w.state.User(w.id("user:mia")).Quota; got != 10 {
		t.Errorf("the user's limit became %v", got)
	}
	sub := policy.Subject{User: w.id("user:max"), Mask: policy.All}
	if got := w.state.Held(sub, policy.Place{Space: 9000, Path: []policy.Node{9001}}); got != policy.Read {
		t.Errorf("max holds %v in the new space", got)
	}
}
