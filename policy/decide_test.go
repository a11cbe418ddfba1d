package policy_test

import (
	"flag"
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
// as live edits of every kind.
func TestModel(t *testing.T) {
	var asked tally
	for i := range worlds(400) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries / 2)
		w.compare(&asked, 60)
		for range randomEntries / 2 {
			w.edit()
			w.grow(1)
			w.compare(&asked, 8)
		}
	}
	t.Logf("seeds from %d: %+v", *seed, asked)
	if asked.Decisions < worlds(100_000) {
		t.Errorf("only %d decisions", asked.Decisions)
	}
	for what, n := range map[string]int{
		"allowed": asked.Allowed, "refused": asked.Refused, "shells": asked.Shells, "hidden": asked.Hidden, "lost below": asked.LostBelow,
	} {
		if n < asked.Decisions/200 {
			t.Errorf("only %d of %d decisions were %s: these worlds are blind", n, asked.Decisions, what)
		}
	}
}

// tally counts what the questions met.
type tally struct{ Decisions, Allowed, Refused, Shells, Hidden, Trees, LostBelow int }

// compare asks n random questions.
func (w *twin) compare(asked *tally, n int) {
	w.Helper()
	for range n {
		q, path := w.question(), pick(w, w.model.tree)
		if w.chance(30) {
			path = w.somewhere()
		}
		a := w.model.asker(q)
		want := policy.Decision{Wanted: w.someRights(), Held: w.model.held(a, path)}
		want.Shell = want.Held&policy.See == 0 && w.model.shell(a, path)
		want.Visible = want.Held&policy.See != 0 || want.Shell

		sub, at := w.asked(q), w.place(path)
		got := w.state.Decide(sub, at, want.Wanted)
		if got != want || w.state.Held(sub, at) != want.Held {
			w.Fatalf("seed %d: %+v at %s\ngot  %+v\nwant %+v\n%s", w.seed, q, path, got, want, w.lines(q, path))
		}
		asked.count(got)
		if w.chance(20) { // the model looks at every path below, one by one
			below := w.model.heldBelow(a, path)
			if got := w.state.HeldBelow(sub, at); got != below {
				w.Fatalf("seed %d: %+v below %s\ngot  %v\nwant %v\n%s", w.seed, q, path, got, below, w.lines(q, path))
			}
			asked.Trees++
			if below != want.Held {
				asked.LostBelow++
			}
		}
	}
}

func (a *tally) count(d policy.Decision) {
	a.Decisions++
	if d.Allowed() {
		a.Allowed++
	} else {
		a.Refused++
	}
	if d.Shell {
		a.Shells++
	}
	if !d.Visible {
		a.Hidden++
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
