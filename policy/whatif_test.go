package policy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// standing is where a test has a node, on one side of a change.
type standing map[policy.Node]policy.Place

// listed are all nodes of the world that do not lie in the trash.
func (w *twin) listed() standing {
	all := standing{}
	for path := range w.nodes {
		at := w.place(path)
		if !lies(at, w.trash) {
			all[at.Path[len(at.Path)-1]] = at
		}
	}
	return all
}

// lies tells whether a place is in the trash.
func lies(at policy.Place, trash map[policy.Node]bool) bool {
	return slices.ContainsFunc(at.Path, func(n policy.Node) bool { return trash[n] })
}

// spot is a place on both sides of a change. A policy knows of a move only where
// the node leads to a mark.
type spot struct{ before, after policy.Place }

// carried is a place as a policy has it that does not know the node itself: below
// the lowest node on its way that the policy knows, wherever that stands.
func carried(s *policy.State, at policy.Place, all standing) (policy.Place, bool) {
	for i, n := range slices.Backward(at.Path) {
		if up, stands := all[n]; s.OnWay(n) {
			return policy.Place{Space: up.Space, Path: slices.Concat(up.Path, at.Path[i+1:])}, stands
		}
	}
	return at, len(at.Path) > 0
}

// marked are the places with a mark on one side or the other that lie in no
// trash, and the roots of spaces.
func marked(before, after *policy.State, was, is standing, wasTrash, isTrash map[policy.Node]bool) []spot {
	nodes := map[policy.Node]bool{}
	for _, s := range []*policy.State{before, after} {
		for _, sp := range s.Spaces() {
			nodes[sp.Root] = true
			for _, m := range s.Marked(sp.Root) {
				nodes[m.Node] = true
			}
		}
	}
	var all []spot
	for n := range nodes {
		old, stood := was[n]
		now, stands := is[n]
		switch {
		case !after.OnWay(n):
			now, stands = carried(after, old, is)
			stands = stands && stood && !lies(now, isTrash)
		case !before.OnWay(n):
			old, stood = carried(before, now, was)
			stood = stood && stands && !lies(old, wasTrash)
		}
		if stood && stands {
			all = append(all, spot{old, now})
		}
	}
	return all
}

// Property 15: what-if tells the difference of single checks before and after,
// for every account at every marked place, and tells nothing twice.
func TestCompareAgrees(t *testing.T) {
	var told, silent, deeper int
	for i := range worlds(150) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries)
		for range 10 {
			w.putShare()
		}
		for range 5 {
			before, was, trash := w.state, w.listed(), maps.Clone(w.trash)
			for range 1 + w.rng.IntN(4) {
				pick(w, []func(){w.edit, w.edit, w.edit, w.edit, w.edit, w.edit, w.changeQuota, w.changePin})()
			}
			in := w.asked(question{who: w.users[0], mask: policy.All, now: int64(w.rng.IntN(lastSecond + 1)),
				class: pick(w, []string{"web", "mobile", "unknown", "dav"})})
			d := policy.Compare(before, w.state, in)
			w.checkDifference(before, d, in, marked(before, w.state, was, w.listed(), trash, w.trash))
			switch {
			case len(d.Users) == 0:
				silent++
			default:
				told++
			}
			for _, u := range d.Users {
				deeper += min(1, len(u.Places)-1)
			}
		}
	}
	t.Logf("seeds from %d: %d differences, %d changes that touch nobody, %d accounts with several places", *seed, told, silent, deeper)
	if told < worlds(100) || silent < worlds(50) || deeper < worlds(200) {
		t.Error("these worlds are blind")
	}
}

func (w *twin) checkDifference(before *policy.State, d policy.Difference, in policy.Subject, places []spot) {
	w.Helper()
	told := map[policy.ID]map[policy.Node]policy.PlaceDifference{}
	for _, u := range d.Users {
		told[u.User] = map[policy.Node]policy.PlaceDifference{}
		for _, p := range u.Places {
			told[u.User][p.Path[len(p.Path)-1]] = p
		}
	}
	accounts := map[policy.ID]bool{}
	for _, s := range []*policy.State{before, w.state} {
		for _, u := range s.Users() {
			accounts[u.ID] = true
		}
	}
	if d.Same != len(accounts)-len(d.Users) {
		w.Fatalf("seed %d: %d stay the same and %d differ of %d", w.seed, d.Same, len(d.Users), len(accounts))
	}
	for user := range accounts {
		sub := in
		sub.User = user
		for _, at := range places {
			held, holds := before.Held(sub, at.before), w.state.Held(sub, at.after)
			if got := nearest(told[user], at.after.Path); got.Gained() != holds&^held || got.Lost() != held&^holds {
				w.Fatalf("seed %d: user %d at %v in %v\ntold  gains %v, loses %v\nholds %v before, %v after",
					w.seed, user, at, w.state.Space(at.after.Space), got.Gained(), got.Lost(), held, holds)
			}
		}
		for _, p := range told[user] {
			if above := nearest(told[user], p.Path[:len(p.Path)-1]); above.Gained() == p.Gained() && above.Lost() == p.Lost() {
				w.Fatalf("seed %d: user %d: %+v is told already by %+v", w.seed, user, p, above)
			}
		}
	}
}

// changePin pins an account that has no level, or lifts a pin and the level.
func (w *twin) changePin() {
	on := w.chance(60)
	w.apply(policy.SetLevel{Space: w.id("space:team"), Entry: policy.Entry{Principal: w.id(pick(w, w.users))}, Pin: &on})
}

func (w *twin) changeQuota() {
	limit := policy.Limit(w.rng.IntN(3))
	w.apply(policy.SetQuota{At: w.place(w.somewhere()), Limit: &limit})
}

// nearest is the difference told of the lowest place on a way.
func nearest(told map[policy.Node]policy.PlaceDifference, path []policy.Node) policy.PlaceDifference {
	for _, n := range slices.Backward(path) {
		if p, ok := told[n]; ok {
			return p
		}
	}
	return policy.PlaceDifference{}
}

// TestCompare holds who gains and loses what where, and what else a step touches.
func TestCompare(t *testing.T) {
	w := newOrganisation(t)
	for _, name := range []string{"mia", "max"} {
		u := *w.state.User(w.id("user:" + name))
		u.Home = w.id("space:home-" + name)
		w.apply(policy.PutUser{User: u})
	}
	before := w.state
	for _, line := range []string{
		"leave group:staff user:max", "join group:sales user:zoe", "state room archived", "level team user:mia viewer pin",
		"cut /team/HR on", "acl /team/HR group:hr allow=read", "acl /team/HR/public group:sales allow=level:viewer",
	} {
		if err := w.step(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	limit := policy.Limit(5)
	w.apply(policy.SetQuota{At: w.place("/team/Sales"), Limit: &limit})
	standard := *w.state.Profile(w.id("profile:standard"))
	standard.Quota = 77
	w.apply(policy.PutProfile{Profile: standard})
	d := policy.Compare(before, w.state, policy.Subject{Mask: policy.All, Class: policy.Web})
	want := []string{
		"limit /home-max 1KB 77B", "limit /home-mia 1KB 77B", "limit /team/Sales none 5B",
		"space:room active archived", "pin space:team user:mia true", "cut /team/HR true", "4 the same",
		"user:max /team +none -see,read,add,write,props,delete,delete-own,history,trash,free-busy,schedule",
		"user:max /team/HR/public +none -add,write,props,delete,delete-own,history,trash,schedule",
		"user:mia /room +none -add,write,props,delete,delete-own,trash,schedule",
		"user:mia /team +none -add,write,props,delete,delete-own,history,trash,schedule",
		"user:mia /team/HR +none -see,read,add,write,props,delete,delete-own,history,trash,free-busy,schedule",
		"user:mona /room +none -add,write,props,delete,delete-own,share,trash,purge,schedule,break-lock,messages",
		"user:mona /team/HR +none -read,add,write,props,delete,delete-own,share,members,history,trash,purge,free-busy,schedule,break-lock,messages",
		"user:nils /team/HR/public +see,read,free-busy -none",
		"user:zoe /team/HR +none -see,read,add,write,props,delete,delete-own,history,trash,free-busy,schedule",
		"user:zoe /team/HR/public +none -add,write,props,delete,delete-own,history,trash,schedule",
	}
	got := w.differenceTold(d)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// differenceTold is a difference in the words of the test.
func (w *world) differenceTold(d policy.Difference) []string {
	names, paths := w.names(), map[policy.Node]string{}
	for path, n := range w.nodes {
		paths[n] = path
	}
	path := func(at policy.Place) string { return paths[at.Path[len(at.Path)-1]] }
	lines := []string{fmt.Sprint(d.Same, " the same")}
	for _, u := range d.Users {
		for _, p := range u.Places {
			lines = append(lines, fmt.Sprintf("%s %s +%v -%v", names[u.User], path(p.Place), p.Gained(), p.Lost()))
		}
	}
	for _, s := range d.Spaces {
		lines = append(lines, fmt.Sprintf("%s %s %s", names[s.Space], s.Before, s.After))
	}
	for _, l := range d.Limits {
		lines = append(lines, fmt.Sprintf("limit %s %s %s", path(l.Place), l.Before, l.After))
	}
	for _, p := range d.Pins {
		lines = append(lines, fmt.Sprintf("pin %s %s %v", names[p.Space], names[p.User], p.Pinned))
	}
	for _, c := range d.Cuts {
		lines = append(lines, fmt.Sprintf("cut %s %v", path(c.Place), c.Cut))
	}
	return lines
}

// TestCompareReaders: admins who read everything lose it in a folder that is cut
// and in a space that is trashed, where nothing names them.
func TestCompareReaders(t *testing.T) {
	w := newOrganisation(t)
	w.apply(policy.PutSettings{Settings: func() policy.Settings {
		set := w.state.Settings()
		set.AdminReads = policy.ReadsAlways
		return set
	}()})
	before := w.state
	for _, line := range []string{"cut /team/Common on", "state carl-portal trashed"} {
		if err := w.step(line); err != nil {
			t.Fatal(err)
		}
	}
	got := w.differenceTold(policy.Compare(before, w.state, policy.Subject{Mask: policy.All, Class: policy.Web}))
	for _, who := range []string{"olivia", "adam"} {
		for _, path := range []string{"/team/Common", "/carl-portal"} {
			if line := "user:" + who + " " + path + " +none -see,read,free-busy"; !slices.Contains(got, line) {
				t.Errorf("no line %q in\n%s", line, strings.Join(got, "\n"))
			}
		}
	}
}

// TestCompareNothing: a policy does not differ from itself, nor by what no
// decision reads.
func TestCompareNothing(t *testing.T) {
	w := newOrganisation(t)
	in := policy.Subject{Mask: policy.All, Class: policy.Web}
	before := w.state
	mia := *before.User(w.id("user:mia"))
	mia.Email, mia.Name = "mia@example.org", "mia.rossi"
	w.apply(policy.PutUser{User: mia})
	for _, after := range []*policy.State{before, w.state} {
		d := policy.Compare(before, after, in)
		if n := len(before.Users()); d.Same != n || len(d.Users)+len(d.Spaces)+len(d.Limits)+len(d.Pins)+len(d.Cuts) != 0 {
			t.Errorf("%+v of %d accounts", d, n)
		}
	}
}

// TestCompareStrangers: two policies that share nothing are compared all the
// same.
func TestCompareStrangers(t *testing.T) {
	w := newTwin(t, *seed)
	w.grow(randomEntries)
	in := w.asked(question{who: w.users[0], mask: policy.All, class: "web"})
	again, err := policy.Load(w.records())
	if err != nil {
		t.Fatal(err)
	}
	if d := policy.Compare(w.state, again, in); len(d.Users)+len(d.Limits)+len(d.Pins)+len(d.Cuts) != 0 {
		t.Errorf("the same records: %+v", d)
	}
	empty := new(policy.State)
	d := policy.Compare(empty, w.state, in)
	back := policy.Compare(w.state, empty, in)
	if len(d.Users) == 0 || len(d.Users) != len(back.Users) {
		t.Errorf("%d gain all they have and %d lose it", len(d.Users), len(back.Users))
	}
}
