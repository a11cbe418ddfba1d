package policy_test

import (
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// TestExplainAgrees counts the held rights again from the steps and cuts of an
// explanation alone, and follows its chains of memberships.
func TestExplainAgrees(t *testing.T) {
	n := 0
	for i := range worlds(120) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries / 2)
		for range randomEntries / 2 {
			w.edit()
			w.grow(1)
		}
		for range 100 {
			w.checkExplanation(w.question(), pick(w, w.model.tree))
			n++
		}
	}
	t.Logf("%d explanations, seeds from %d", n, *seed)
}

func (w *twin) checkExplanation(q question, path string) {
	w.Helper()
	sub, at, want := w.asked(q), w.place(path), w.someRights()
	x := w.state.Explain(sub, at, want)
	if d := w.state.Decide(sub, at, want); x.Decision != d {
		w.Fatalf("seed %d: %+v at %s: explained %+v, decided %+v", w.seed, q, path, x.Decision, d)
	}
	if got := counted(x); got != x.Held {
		w.Fatalf("seed %d: %+v at %s\nits steps give %v\nit holds        %v\n%+v\n%s",
			w.seed, q, path, got, x.Held, x, w.lines(q, path))
	}
	if x.Pinned != slices.Contains(w.model.spaces[spaceOf(path)].pins, q.who) {
		w.Fatalf("seed %d: %+v at %s: pinned is %v", w.seed, q, path, x.Pinned)
	}
	for _, st := range x.Steps {
		w.checkStep(q, path, st)
	}
	if d := x.Refusal(); d.Cut != "" && !slices.ContainsFunc(x.Cuts, func(c policy.Cut) bool {
		return c.By == d.Cut && c.Rights&d.Missing != 0
	}) {
		w.Fatalf("seed %d: refusal names %q, which cut nothing of %v", w.seed, d.Cut, d.Missing)
	}
}

// counted is what a reader of the explanation gets: all that was granted, less
// the walls, less the cuts.
func counted(x policy.Explanation) policy.Rights {
	var granted, walls policy.Rights
	for _, st := range x.Steps {
		granted |= st.Granted
		if !strings.Contains(st.Skipped, "condition") {
			walls |= st.Deny
		}
	}
	for _, g := range x.Gifts {
		granted |= g.Granted
	}
	if x.KeepsManage >= 0 {
		granted |= policy.See | policy.ReadACL | policy.Manage
	}
	if x.ReadsAlways {
		granted |= policy.See | policy.Read | policy.FreeBusy
	}
	held := granted &^ walls
	for _, c := range x.Cuts {
		held &^= c.Rights
	}
	return held
}

// checkStep looks for the step's line in the model, where the step says it is,
// and for every membership of its chain.
func (w *twin) checkStep(q question, path string, st policy.Step) {
	w.Helper()
	at, level := path, st.Depth < 0
	if ways := prefixes(path); level {
		at = ways[0]
	} else {
		at = ways[st.Depth]
	}
	if !slices.ContainsFunc(w.model.lines, func(l line) bool {
		return l.at == at && l.level == level && w.id(l.who) == st.Principal &&
			l.allow == st.Allow && l.revoke == st.Revoke && l.deny == st.Deny
	}) {
		w.Fatalf("seed %d: no line for step %+v of %s at %s", w.seed, st, q.who, path)
	}
	from, names := q.who, w.names()
	for _, id := range st.Via {
		to := names[id]
		if id < policy.FirstID {
			if !slices.Contains(w.model.principals(from), to) {
				w.Fatalf("seed %d: %s is not %s", w.seed, from, to)
			}
		} else if !slices.Contains(w.model.members[to], from) {
			w.Fatalf("seed %d: %s is not in %s, as the chain %v says", w.seed, from, to, st.Via)
		}
		from = to
	}
	if w.id(from) != st.Principal {
		w.Fatalf("seed %d: the chain of %s to %s ends at %s", w.seed, q.who, names[st.Principal], from)
	}
}

func (w *world) names() map[policy.ID]string {
	names := map[policy.ID]string{}
	for name, id := range w.ids {
		names[id] = name
	}
	return names
}

// TestExplain holds what each kind of skipped step and cut is called.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		id, steps, who, path string
		skipped              string // some step is, for this
		held                 string // what is held in the end
		cut                  policy.Ceiling
	}{
		{"counts", ``, "max", "/team/Sales", "", "level:editor", ""},
		{"nearer", `acl /team/Sales group:staff revoke=write`, "max", "/team/Sales", "nearer entry", "see,read,add,props,delete,delete-own,history,trash,free-busy,schedule", ""},
		{"condition", `acl /team group:sales allow=read class=mobile
			level team group:staff none`, "max", "/team", "condition", "none", ""},
		{"cut", `cut /team/HR on`, "max", "/team/HR", "cut", "none", ""},
		{"cut and wall under a condition", `acl /team group:staff allow=read deny=see class=mobile
			level team group:staff none
			cut /team/HR on
			acl /team/HR group:staff allow=see`, "max", "/team/HR", "condition", "see", ""},
		{"root cut", `cut /team on`, "mona", "/team", "cut", "see,read-acl,manage", ""},
		{"pin", `level team user:max viewer pin`, "max", "/team", "pinned", "level:viewer", ""},
		{"account", `account max inactive`, "max", "/team", "", "none", policy.CutByAccount},
		{"type", `level team user:gus manager`, "gus", "/team", "", "level:editor+messages", policy.CutByType},
		{"space kind", `acl /carl-portal user:carl allow=delete`, "carl", "/carl-portal", "", "level:portal", policy.CutByKind},
		{"space state", `state room archived`, "mia", "/room", "", "see,read,history,free-busy", policy.CutByState},
	} {
		t.Run(c.id, func(t *testing.T) {
			w := newOrganisation(t)
			for line := range strings.Lines(c.steps) {
				if err := w.step(line); err != nil {
					t.Fatal(err)
				}
			}
			sub := policy.Subject{User: w.id("user:" + c.who), Mask: policy.All, Class: policy.Web}
			x := w.state.Explain(sub, w.place(c.path), policy.All)
			if want := rights(t, c.held); x.Held != want || counted(x) != want {
				t.Errorf("holds %v, its steps give %v, want %v", x.Held, counted(x), want)
			}
			if !slices.ContainsFunc(x.Steps, func(st policy.Step) bool {
				return (c.skipped == "") == (st.Skipped == "") && strings.Contains(st.Skipped, c.skipped)
			}) {
				t.Errorf("want a step skipped for %q: %+v", c.skipped, x.Steps)
			}
			if c.cut != "" && x.Refusal().Cut != c.cut {
				t.Errorf("cut by %q, want %q", x.Refusal().Cut, c.cut)
			}
		})
	}
}

// TestExplainCredential: what a narrow credential takes is named so.
func TestExplainCredential(t *testing.T) {
	w := newOrganisation(t)
	sub := policy.Subject{User: w.id("user:mia"), Mask: policy.ReadOnly, Class: policy.Web}
	x := w.state.Explain(sub, w.place("/team/Sales"), policy.Write)
	if d := x.Refusal(); x.Allowed() || d.Cut != policy.CutByCredential || d.Error() != "missing write (cut by credential)" {
		t.Errorf("got %q, %+v", d, x)
	}
}

// TestVia holds the chains of memberships, the shortest of several.
func TestVia(t *testing.T) {
	w := newOrganisation(t)
	for _, step := range []string{"level team group:sales viewer", "level team members viewer", "level team user:nils deposit"} {
		if err := w.step(step); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string][]string{"members": {"members"}, "user:nils": nil, "group:sales": {"group:eu-sales", "group:sales"}}
	check := func() {
		t.Helper()
		names := w.names()
		x := w.state.Explain(policy.Subject{User: w.id("user:nils"), Mask: policy.All}, w.place("/team"), policy.Read)
		if len(x.Steps) != len(want) {
			t.Errorf("%d steps, want %d: %+v", len(x.Steps), len(want), x.Steps)
		}
		for _, st := range x.Steps {
			var via []string
			for _, id := range st.Via {
				via = append(via, names[id])
			}
			if !slices.Equal(via, want[names[st.Principal]]) {
				t.Errorf("%s via %v, want %v", names[st.Principal], via, want[names[st.Principal]])
			}
		}
	}
	check()
	w.apply(policy.Join{Group: w.id("group:sales"), Member: w.id("user:nils")})
	want["group:sales"] = []string{"group:sales"}
	check()
}
