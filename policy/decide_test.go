package policy_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// seed moves the random worlds: go test ./policy -seed 1000.
var seed = flag.Uint64("seed", 1, "seed of the first random world")

// worlds is how many random worlds a test makes: fewer with -short.
func worlds(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// TestModel compares the engine with the model over random worlds: half of the
// entries are there before the first question, the rest comes between questions
// as live edits of every kind. It has to reach every branch of the decision by
// itself (TestBranches), and to notice what is wrong there (TestMutants).
func TestModel(t *testing.T) {
	met := tally{}
	for i := range worlds(520) {
		w := newTwin(t, *seed+uint64(i))
		w.met = met
		w.grow(randomEntries / 2)
		w.compare(6)
		for range randomEntries / 2 {
			w.edit()
			w.grow(1)
			w.compare(1)
		}
	}
	t.Logf("seeds from %d: %s", *seed, met)
	if met["decisions"] < worlds(1_000_000) {
		t.Errorf("only %d decisions", met["decisions"])
	}
	for _, e := range edits {
		met.want(t, "edit "+e.what, worlds(100))
	}
	if testing.Short() {
		t.Log("too few worlds with -short to ask that every rare answer is met")
		return
	}
	for _, what := range slices.Sorted(maps.Keys(answersWanted)) {
		met.want(t, what, met["decisions"]/8/answersWanted[what])
	}
}

// answersWanted is what the questions that are looked at closer have to meet, at
// least once in so many.
var answersWanted = map[string]int{
	"allowed": 200, "refused": 200, "shell": 200, "hidden": 200, "lost below": 200,
	"by a link": 100, "by a link, allowed": 2000, "by a share": 200, "by a reshare": 2000, "steady": 50,
	"cut by account": 200, "cut by type": 200, "cut by profile": 200, "cut by space-kind": 2000, "cut by space-state": 400,
	"cut by instance": 500, "cut by credential": 200, "pinned": 2000, "kept way": 2000, "read by an admin": 200,
	"asleep: expired": 5000, "asleep: giver": 4000, "asleep: space": 2000, "asleep: profile": 10000, "asleep: sharing": 5000,
	"asleep: links": 5000, "asleep: profile of links": 40000, "asleep: password": 20000, "asleep: age": 5000,
}

func (met tally) String() string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(met)) {
		fmt.Fprintf(&b, "\n\t%8d %s", met[what], what)
	}
	return b.String()
}

func (met tally) want(t *testing.T, what string, n int) {
	t.Helper()
	if met[what] < max(n, 1) {
		t.Errorf("%q was met %d times, not %d: these worlds are blind", what, met[what], max(n, 1))
	}
}

// compare asks n random askers for everything: what each holds everywhere is found
// out once, by the model, and compared path by path. Of one path in eight it also
// asks what is held on the whole tree, and notes why the answer is what it is.
func (w *twin) compare(n int) {
	for range n {
		q := w.question()
		sub, a := w.asked(q), w.model.asker(q)
		want := w.model.answers(a)
		closer := w.rng.IntN(8)
		for i, path := range w.model.tree {
			w.compareAt(sub, a, path, want)
			if i%8 == closer {
				w.compareBelow(sub, a, path, want)
				w.witness(a, path, want.held[path])
			}
		}
		w.met["decisions"] += len(w.model.tree)
		w.checkExplanation(q, pick(w, w.model.tree))
		w.compareNowhere(sub)
	}
}

// compareNowhere asks at what is no place: nothing is held or seen there.
func (w *twin) compareNowhere(sub policy.Subject) {
	at := w.place(pick(w, w.model.tree))
	nowhere := pick(w, []policy.Place{{}, {Space: at.Space}, {Space: 1 << 40, Path: at.Path}, {Space: at.Space, Path: []policy.Node{1 << 40}}})
	d := w.state.Decide(sub, nowhere, policy.See)
	if d.Held != 0 || d.Visible || w.state.Held(sub, nowhere) != 0 || w.state.HeldBelow(sub, nowhere) != 0 {
		w.Fatalf("seed %d: %+v holds something at %+v: %+v", w.seed, sub, nowhere, d)
	}
	w.met["nowhere"]++
}

func (w *twin) compareAt(sub policy.Subject, a *asker, path string, all answers) {
	want := policy.Decision{Wanted: policy.Right(1) << w.rng.IntN(18), Held: all.held[path], Shell: all.shell[path]}
	want.Visible = want.Shell || want.Held&policy.See != 0
	if got := w.state.Decide(sub, w.place(path), want.Wanted); got != want {
		w.Fatalf("seed %d: %+v at %s\ngot  %+v\nwant %+v\n%s", w.seed, a.question, path, got, want, w.lines(a.question, path))
	}
	if got := w.state.Held(sub, w.place(path)); got != want.Held {
		w.Fatalf("seed %d: %+v at %s holds %v when asked for all, and %v when asked for one", w.seed, a.question, path, got, want.Held)
	}
}

func (w *twin) compareBelow(sub policy.Subject, a *asker, path string, all answers) {
	if got := w.state.HeldBelow(sub, w.place(path)); got != all.below[path] {
		w.Fatalf("seed %d: %+v below %s\ngot  %v\nwant %v\n%s", w.seed, a.question, path, got, all.below[path], w.lines(a.question, path))
	}
	for what, met := range map[string]bool{
		"allowed": all.held[path] != 0, "refused": all.held[path] != policy.All, "lost below": all.below[path] != all.held[path],
		"shell": all.shell[path], "hidden": !all.shell[path] && all.held[path]&policy.See == 0,
	} {
		if met {
			w.met[what]++
		}
	}
}

// witness notes which sentences of the specification the answer hung on.
func (w *twin) witness(a *asker, path string, held policy.Rights) {
	m, way := w.model, w.model.wayTo(a, path)
	note := func(what string, met bool) {
		if met {
			w.met[what]++
		}
	}
	var granted, kept, always, given, regiven policy.Rights
	for _, r := range everyRight {
		switch {
		case way.walled(r.right):
		case way.grants(r.right):
			granted |= r.right
		case m.keeps(a, way, path, r.right):
			kept |= r.right
		case m.readsAlways(a, way, r.right):
			always |= r.right
		case len(way.shares) > 0 && m.given(a, way, path, r.right, []string{a.who}):
			given |= r.right
			if !slices.ContainsFunc(way.shares, func(sh share) bool {
				g := m.giver(a, sh.by)
				own := m.wayTo(g, path)
				return sh.rights&r.right != 0 && slices.Contains(a.mine, sh.to) && own.grants(r.right)
			}) {
				regiven |= r.right
			}
		}
	}
	link := m.link(a.who) != nil
	note("by a link", link)
	note("by a link, allowed", link && held != 0)
	note("by a link that ended", slices.Contains(m.ended, a.who))
	note("by a share", given&held != 0)
	note("by a reshare", regiven&held != 0)
	note("steady", a.steady)
	note("pinned", way.pinned && len(way.lines) > 0)
	note("kept way", kept&held != 0)
	note("read by an admin", always&held != 0)
	all := granted | kept | always | given
	for _, r := range everyRight {
		if all&r.right != 0 && held&r.right == 0 {
			by := m.cutBy(a.question, spaceOf(path), r.name)
			if by == "" {
				by = policy.CutByCredential
			}
			w.met["cut by "+string(by)]++
			break
		}
	}
	for _, sh := range way.shares {
		if slices.Contains(a.mine, sh.to) && !way.pinned {
			if why := m.asleep(sh, spaceOf(path), a.now); why != "" {
				w.met["asleep: "+why]++
			}
		}
	}
}

// TestNowhere asks at places and for subjects that do not exist.
func TestNowhere(t *testing.T) {
	w := newOrganisation(t)
	team, room := w.place("/team/HR"), w.place("/room/brief.odt")
	mia := policy.Subject{User: w.id("user:mia"), Mask: policy.All, Class: policy.Web}
	if w.state.Held(mia, team) == 0 {
		t.Fatal("mia holds nothing in /team/HR: the questions below would show nothing")
	}
	for what, at := range map[string]policy.Place{
		"no space":        {Space: 4711, Path: team.Path},
		"no path":         {Space: team.Space},
		"another's root":  {Space: team.Space, Path: room.Path},
		"not at the root": {Space: team.Space, Path: team.Path[1:]},
	} {
		d := w.state.Decide(mia, at, policy.See)
		if d.Held != 0 || d.Visible || d.Allowed() || w.state.HeldBelow(mia, at) != 0 {
			t.Errorf("%s: %+v", what, d)
		}
	}
	for what, user := range map[string]policy.ID{"nobody": policy.Nobody, "members": policy.Members, "a group": w.id("group:staff")} {
		if held := w.state.Held(policy.Subject{User: user, Mask: policy.All}, team); held != 0 {
			t.Errorf("%s as a subject holds %v", what, held)
		}
	}
}

// TestDenied holds the words and fields of a refusal.
func TestDenied(t *testing.T) {
	w := newOrganisation(t)
	gus := policy.Subject{User: w.id("user:gus"), Mask: policy.All, Class: policy.Web}
	for _, c := range []struct {
		path string
		want policy.Denied
		text string
	}{
		{"/room/brief.odt", policy.Denied{Missing: policy.Write, Visible: true}, "missing write"},
		{"/team/HR", policy.Denied{Missing: policy.Read | policy.Write}, "not found"},
	} {
		d := w.state.Decide(gus, w.place(c.path), policy.Read|policy.Write)
		if d.Allowed() || *d.Denied() != c.want || d.Denied().Error() != c.text {
			t.Errorf("%s: %+v %q", c.path, *d.Denied(), d.Denied())
		}
	}
}

func TestDecideAllocatesNothing(t *testing.T) {
	w := newOrganisation(t)
	for _, step := range []string{
		"acl /team/HR group:staff revoke=all", "acl /team/HR/public group:staff allow=level:viewer", "cut /team/Sales on",
	} {
		if err := w.step(step); err != nil {
			t.Fatal(err)
		}
	}
	for _, user := range []string{"user:mia", "user:mona", "user:gus", "user:nils"} {
		for _, path := range []string{"/team", "/team/HR", "/team/HR/public/handbook.pdf", "/team/Sales/q1.odt", "/room/brief.odt"} {
			sub, at := policy.Subject{User: w.id(user), Mask: policy.All, Class: policy.Web}, w.place(path)
			for what, ask := range map[string]func(){
				"Decide":    func() { w.state.Decide(sub, at, policy.Read) },
				"Held":      func() { w.state.Held(sub, at) },
				"HeldBelow": func() { w.state.HeldBelow(sub, at) },
			} {
				if n := testing.AllocsPerRun(50, ask); n != 0 {
					t.Errorf("%s(%s, %s) allocates %v times", what, user, path, n)
				}
			}
		}
	}
}
