package policy_test

import (
	"maps"
	"slices"
	"testing"

	"davit/policy"
)

// A sight tells of every place what a decision there does, and nothing twice.
func TestSightAgrees(t *testing.T) {
	views := map[policy.View]int{}
	property(t, func(t *testing.T, w *twin) {
		for a, d := range w.survey() {
			if w.model.trashed(a.path) {
				continue
			}
			at := w.place(a.path)
			sight := w.state.Sight(w.asked(a.question), at.Space)
			view := policy.Hidden
			for _, n := range at.Path {
				view = sight.Of(n, view)
			}
			want := policy.Hidden
			switch {
			case d.Shell:
				want = policy.Passage
			case d.Visible:
				want = policy.Plain
			}
			if view != want {
				t.Fatalf("%+v: the sight %v shows %d, a decision %d", a, sight, view, want)
			}
			views[view]++
		}
	})
	for _, v := range []policy.View{policy.Hidden, policy.Passage, policy.Plain} {
		if views[v] == 0 {
			t.Errorf("no place of view %d was looked at: %v", v, views)
		}
	}
}

// Sights are equal when nothing that is seen differs, and Apart names what makes
// the difference.
func TestSightsApart(t *testing.T) {
	w := newOrganisation(t)
	max := policy.Subject{User: w.id("user:max"), Mask: policy.All, Class: policy.Web}
	team := w.id("space:team")
	sight := func() policy.Sight { return w.state.Sight(max, team) }
	before := sight()
	for _, row := range []struct {
		line  string
		apart []string
	}{
		{"acl /team/HR group:staff revoke=write", nil},
		{"acl /room/drafts user:max revoke=all", nil},
		{"acl /team/HR group:staff revoke=all", []string{"/team/HR"}},
		{"acl /team/HR/public/open group:staff allow=level:viewer", []string{"/team/HR", "/team/HR/public", "/team/HR/public/open"}},
	} {
		if err := w.step(row.line); err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, n := range sight().Apart(before) {
			for path, node := range w.nodes {
				if n == node {
					names[path] = true
				}
			}
		}
		if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, row.apart) || (len(row.apart) == 0) != slices.Equal(sight(), before) {
			t.Errorf("%s: apart by %q, want %q", row.line, got, row.apart)
		}
	}
}
