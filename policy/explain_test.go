package policy_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// checkExplanation is property 14: it counts the held rights again from the steps,
// gifts and cuts of an explanation alone, and follows its chains of memberships.
// The model test asks for one with every asker.
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
	w.checkReasons(w.model.asker(q), path, x)
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
		if !strings.Contains(st.Skipped, "does not hold") {
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

// checkReasons holds what an explanation says beside its steps against the model.
func (w *twin) checkReasons(a *asker, path string, x policy.Explanation) {
	m, way := w.model, w.model.wayTo(a, path)
	kept := -1
	if m.keeps(a, way, path, policy.Manage) {
		kept = way.cut - 1
	}
	if !m.active(a.who, a.now) {
		kept = x.KeepsManage // of a dead account the explanation tells what it would have
	}
	if x.Pinned != way.pinned || x.ReadsAlways != m.readsAlways(a, way, policy.See) || x.KeepsManage != kept {
		w.Fatalf("seed %d: %+v at %s: pinned %v, reads always %v, keeps manage at %d\n%s",
			w.seed, a.question, path, x.Pinned, x.ReadsAlways, x.KeepsManage, w.lines(a.question, path))
	}
	for _, c := range x.Cuts {
		for _, r := range everyRight {
			by := m.cutBy(a.question, spaceOf(path), r.name)
			if c.Rights&r.right != 0 && by != c.By && (by != "" || c.By != policy.CutByCredential) {
				w.Fatalf("seed %d: %+v at %s: %s is cut by %q, not by %q", w.seed, a.question, path, r.name, by, c.By)
			}
		}
	}
	want := map[policy.ID]policy.Rights{}
	for _, sh := range way.shares {
		if way.pinned || a.steady || !slices.Contains(a.mine, sh.to) || m.asleep(sh, spaceOf(path), a.now) != "" {
			continue
		}
		want[w.id(sh.id)] = 0
		for _, r := range everyRight {
			if sh.rights&r.right != 0 && sh.by != a.who && m.holdsRight(m.giver(a, sh.by), path, r.right, []string{a.who, sh.by}) {
				want[w.id(sh.id)] |= r.right
			}
		}
	}
	got := map[policy.ID]policy.Rights{}
	for _, g := range x.Gifts {
		got[g.Share.ID] = g.Granted
		if at := w.place(path).Path[g.Depth]; w.state.Mark(at) == nil || !slices.Contains(w.state.Mark(at).Shares, g.Share) {
			w.Fatalf("seed %d: %+v at %s: no such gift at depth %d: %+v", w.seed, a.question, path, g.Depth, g.Share)
		}
	}
	if !maps.Equal(got, want) {
		w.Fatalf("seed %d: %+v at %s\ngifts %v\nwant  %v\n%s", w.seed, a.question, path, got, want, w.lines(a.question, path))
	}
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
		{"unknown", `acl /team group:staff allow=read deny=see class=unknown
			level team group:staff none`, "max", "/team", "does not hold", "none", ""},
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

// TestExplainUnknown: where it is not known whether a condition holds, its wall
// stands and its allow does not, and the step says so.
func TestExplainUnknown(t *testing.T) {
	w := newOrganisation(t)
	if err := w.step("acl /team group:staff allow=messages deny=write class=dav"); err != nil {
		t.Fatal(err)
	}
	x := w.state.Explain(policy.Subject{User: w.id("user:max"), Mask: policy.All, Class: policy.UnknownClass}, w.place("/team"), policy.Write)
	last := x.Steps[len(x.Steps)-1]
	if x.Held&(policy.Messages|policy.Write) != 0 || x.Held&policy.Read == 0 || !strings.Contains(last.Skipped, "unknown whether its condition holds") {
		t.Errorf("holds %v by the step %+v", x.Held, last)
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
