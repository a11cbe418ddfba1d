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
		if views[v] == 0 && !testing.Short() { // which has too few worlds to ask
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

// A sight lasts until something that counts begins or ends.
func TestSightLasts(t *testing.T) {
	w := newOrganisation(t)
	max := policy.Subject{User: w.id("user:max"), Mask: policy.All, Class: policy.Web}
	see := policy.See
	w.apply(policy.SetEntry{At: w.place("/team/HR"), Entry: policy.Entry{Principal: w.id("group:staff"), Deny: see, From: 100, Until: 200}},
		policy.SetEntry{At: w.place("/team/Common"), Entry: policy.Entry{Principal: w.id("user:mia"), Allow: see, Until: 150}})
	w.apply(policy.SetLevel{Space: w.id("space:room"), Entry: policy.Entry{Principal: w.id("user:max"), Level: "viewer", Allow: rights(t, "level:viewer"), Until: 300}})
	for _, row := range []struct {
		space    string
		from, to int64
		want     bool
	}{
		{"team", 0, 99, true}, {"team", 0, 100, false}, {"team", 100, 199, true}, {"team", 100, 200, false}, {"team", 200, 1000, true},
		{"room", 0, 299, true}, {"room", 299, 300, false},
	} {
		if got := w.state.Lasts(max, w.id("space:"+row.space), row.from, row.to); got != row.want {
			t.Errorf("%s from %d to %d: %t", row.space, row.from, row.to, got)
		}
	}
}
