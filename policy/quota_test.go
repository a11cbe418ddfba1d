package policy_test

import (
	"math"
	"slices"
	"testing"

	"davit/policy"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		usage     policy.Usage
		available int64
	}{
		{policy.Usage{Limit: 100}, 100},
		{policy.Usage{Limit: 100, Live: 30, Trash: 20, Reserved: 10}, 40},
		{policy.Usage{Limit: 100, Live: 60, Trash: 20, Reserved: 20}, 0},
		{policy.Usage{Limit: 100, Live: 30, Versions: 25, Trash: 20, Reserved: 10}, 15},
		{policy.Usage{Limit: 10, Live: 60}, 0}, // the limit was lowered
		{policy.Usage{Limit: 0}, 0},
		{policy.Usage{Limit: policy.NoLimit, Live: 60}, math.MaxInt64},
	} {
		if got := c.usage.Available(); got != c.available {
			t.Errorf("%+v: %d available, want %d", c.usage, got, c.available)
		}
		for growth, want := range map[int64]bool{
			math.MinInt64: true, -1: true, 0: true, c.available: true, 1: c.available >= 1, math.MaxInt64: c.available == math.MaxInt64,
		} {
			if got := c.usage.Fits(growth); got != want {
				t.Errorf("%+v: growth of %d fits: %v", c.usage, growth, got)
			}
		}
		if c.available < math.MaxInt64 && c.usage.Fits(c.available+1) {
			t.Errorf("%+v: one byte too many fits", c.usage)
		}
	}
}

// TestAppendLimits: every limit on the way, from the space down, and no other.
func TestAppendLimits(t *testing.T) {
	w := newOrganisation(t)
	limit := func(path string, l policy.Limit) policy.Change {
		return policy.SetQuota{At: w.place(path), Limit: &l}
	}
	w.apply(limit("/team/HR", 500), limit("/team/HR/public/handbook.pdf", 50), limit("/team/Sales", policy.NoLimit))
	type node struct {
		path  string
		limit policy.Limit
	}
	for _, c := range []struct {
		path string
		want []node
	}{
		{"/team", []node{{"/team", 10000}}},
		{"/team/HR/salaries.ods", []node{{"/team", 10000}, {"/team/HR", 500}}},
		{"/team/HR/public/handbook.pdf", []node{{"/team", 10000}, {"/team/HR", 500}, {"/team/HR/public/handbook.pdf", 50}}},
		{"/team/HRX", []node{{"/team", 10000}}},
		{"/team/Sales/q1.odt", []node{{"/team", 10000}}},
		{"/room/brief.odt", nil},
	} {
		var want []policy.QuotaNode
		for _, n := range c.want {
			want = append(want, policy.QuotaNode{Node: w.node(n.path), Limit: n.limit})
		}
		if got := w.state.AppendLimits(nil, w.place(c.path)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", c.path, got, want)
		}
	}
	if got := w.state.AppendLimits(nil, policy.Place{Space: 4711, Path: []policy.Node{1}}); got != nil {
		t.Errorf("limits of no space: %v", got)
	}
	w.apply(policy.SetQuota{At: w.place("/team/HR")})
	if got := w.state.AppendLimits(nil, w.place("/team/HR")); len(got) != 1 {
		t.Errorf("a limit taken away still counts: %v", got)
	}
}

// TestPersonalLimit: a personal drive has its user's own limit, else the
// profile's, at the next question.
func TestPersonalLimit(t *testing.T) {
	w := newOrganisation(t)
	check := func(what string, want policy.Limit) {
		t.Helper()
		got := w.state.AppendLimits(nil, w.place("/home-mia/notes.txt"))
		if want == policy.NoLimit {
			if len(got) != 0 {
				t.Errorf("%s: %v, want no limit", what, got)
			}
		} else if len(got) != 1 || got[0].Limit != want || got[0].Node != w.node("/home-mia") {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("profile standard", 1000)
	standard := *w.state.Profile(w.id("profile:standard"))
	standard.Quota = 2000
	w.apply(policy.PutProfile{Profile: standard})
	check("profile edited", 2000)
	w.apply(policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Profile = w.id("profile:light") })})
	check("profile light", 100)
	w.apply(policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Quota = new(policy.Limit(7)) })})
	check("own limit", 7)
	w.apply(policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Quota = new(policy.NoLimit) })})
	check("own limit none", policy.NoLimit)
}
