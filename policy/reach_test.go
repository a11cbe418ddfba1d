package policy_test

import (
	"slices"
	"testing"

	"davit/policy"
)

// Property 13: what reach tells agrees with single checks, place by place, and
// it tells no place that is like the one above.
func TestReachAgrees(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for a, d := range w.survey() {
			sub, at := w.asked(a.question), w.place(a.path)
			told := map[policy.Node]policy.Reached{}
			for _, r := range w.state.Reach(sub) {
				told[r.Path[len(r.Path)-1]] = r
			}
			var held policy.Rights
			for _, n := range at.Path {
				if r, ok := told[n]; ok {
					held = r.Held
				}
			}
			if !w.model.trashed(a.path) && held != d.Held {
				t.Fatalf("%+v: reach tells %s, a check %s", a, held, d.Held)
			}
		}
	})
}

func TestReach(t *testing.T) {
	w := newOrganisation(t)
	for _, line := range []string{
		"acl /team/HR group:staff revoke=all",
		"acl /team/HR/public group:staff allow=level:viewer",
		"acl /room/drafts user:max allow=read",
	} {
		if err := w.step(line); err != nil {
			t.Fatal(err)
		}
	}
	names := map[policy.Node]string{}
	for path, n := range w.nodes {
		names[n] = path
	}
	var got []string
	for _, r := range w.state.Reach(policy.Subject{User: w.id("user:max"), Mask: policy.All, Class: policy.Web}) {
		line := names[r.Path[len(r.Path)-1]] + " " + policy.LevelOf(r.Held)
		if r.Shell {
			line += " shell"
		}
		got = append(got, line)
	}
	want := []string{"/team editor", "/team/HR none shell", "/team/HR/public viewer", "/room/drafts none", "/home-max manager"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
