package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"davit/policy"
)

// drives names those that something names the user in, and holds the list to
// what single questions answer: a drive that is missing shows nothing.
func (w *world) drives(user string) []string {
	w.Helper()
	sub := policy.Subject{User: w.id(user), Mask: policy.All, Class: policy.Web}
	listed := w.state.Drives(sub)
	names := []string{}
	for _, sp := range listed {
		names = append(names, sp.Name)
	}
	for _, sp := range w.state.Spaces() {
		d := w.state.Decide(sub, policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}, 0)
		others := sp.Kind == policy.Personal && sp.Owner != sub.User
		if (d.Visible || d.Held != 0) && others && !slices.Contains(listed, sp) {
			w.Errorf("%s sees %s, which is not among %v", user, sp.Name, names)
		}
		if slices.Contains(listed, sp) && !others {
			w.Errorf("%s is no drive of somebody else's", sp.Name)
		}
	}
	return names
}

func (w *world) wantDrives(user string, want ...string) {
	w.Helper()
	if got := w.drives(user); !slices.Equal(got, want) {
		w.Errorf("%s is named in %v instead of %v", user, got, want)
	}
}

func (w *world) share(name, by, at, to string, set func(*policy.Share)) error {
	sh := policy.Share{ID: w.name(name), By: w.id(by), To: w.id(to), Rights: rights(w, "level:viewer")}
	if set != nil {
		set(&sh)
	}
	return w.try(policy.PutShare{Share: sh, At: w.place(at)})
}

func TestDrives(t *testing.T) {
	w := newOrganisation(t)
	w.wantDrives("user:max")
	for _, share := range []struct{ name, to string }{{"s1", "user:max"}, {"s2", "group:hr"}, {"s3", "members"}} {
		if err := w.share(share.name, "user:mia", "/home-mia/shared", share.to, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.wantDrives("user:max", "home-mia")
	w.wantDrives("user:mia")
	w.wantDrives("user:gus")
	w.apply(policy.DropShare{ID: w.id("s1")})
	w.wantDrives("user:max", "home-mia") // through members
	w.apply(policy.DropShare{ID: w.id("s3")})
	w.wantDrives("user:max")

	level := policy.SetLevel{Space: w.id("space:home-mia"), Entry: policy.Entry{Principal: w.id("user:max"), Allow: policy.Read | policy.See}}
	w.apply(level)
	w.wantDrives("user:max", "home-mia")
	level.Entry.Allow = 0
	w.apply(level)
	w.wantDrives("user:max")

	entry := policy.SetEntry{At: w.place("/home-max/deep/deeper"), Entry: policy.Entry{Principal: w.id("user:gus"), Allow: policy.See}}
	w.apply(entry)
	w.wantDrives("user:gus", "home-max")
	w.apply(policy.SetEntry{At: w.place("/team/HR"), Entry: policy.Entry{Principal: w.id("user:gus"), Allow: policy.See}})
	w.wantDrives("user:gus", "home-max")

	set := policy.DefaultSettings
	set.AdminReads = policy.ReadsAlways
	w.apply(policy.PutSettings{Settings: set})
	w.wantDrives("user:adam", "home-max", "home-mia")
}

func TestSharesOf(t *testing.T) {
	w := newOrganisation(t)
	list := func(shares []*policy.Share) (ids []policy.ID) {
		for _, sh := range shares {
			ids = append(ids, sh.ID)
		}
		return ids
	}
	give := func(name, at, to string, set func(*policy.Share)) policy.ID {
		t.Helper()
		if err := w.share(name, "user:mia", at, to, set); err != nil {
			t.Fatal(err)
		}
		return w.id(name)
	}
	toMax := give("s1", "/home-mia/shared", "user:max", nil)
	toStaff := give("s2", "/home-mia", "group:staff", nil)
	toMax2 := give("s3", "/home-mia/shared", "user:max", nil)
	link := give("s4", "/home-mia", "user:max", func(sh *policy.Share) { sh.To = sh.ID })
	if got, want := list(w.state.SharesBy(w.id("user:mia"))), []policy.ID{toMax, toStaff, toMax2, link}; !slices.Equal(got, want) {
		t.Errorf("mia shares %v instead of %v", got, want)
	}
	if got, want := list(w.state.SharesTo(w.id("user:max"))), []policy.ID{toMax, toStaff, toMax2}; !slices.Equal(got, want) {
		t.Errorf("max has got %v instead of %v", got, want)
	}
	if got := w.state.SharesBy(w.id("user:max")); got != nil {
		t.Errorf("max shares %v", got)
	}
}

// TestLinkDays: the shorter of what settings and profile say bounds a link, when
// it is made and as long as it lives.
func TestLinkDays(t *testing.T) {
	const day = 24 * 60 * 60
	for i, row := range []struct{ settings, profile, want int64 }{
		{0, 0, 0}, {30, 0, 30}, {0, 7, 7}, {30, 7, 7}, {7, 30, 7},
	} {
		w := newOrganisation(t)
		set := policy.DefaultSettings
		set.LinkDays = row.settings
		mia := *w.state.User(w.id("user:mia"))
		profile := *w.state.Profile(mia.Profile)
		profile.LinkDays = row.profile
		w.apply(policy.PutSettings{Settings: set}, policy.PutProfile{Profile: profile})
		if got := w.state.LinkDays(&mia); got != row.want {
			t.Errorf("%+v: %d days", row, got)
		}
		link := func(until int64) error {
			id := w.name(fmt.Sprint("link", i, until))
			_, _, err := w.state.ApplyAs(policy.Subject{User: mia.ID, Mask: policy.All, Class: policy.Web}, policy.PutShare{
				At:    w.place("/home-mia/shared"),
				Share: policy.Share{ID: id, By: mia.ID, To: id, Rights: policy.See | policy.Read, Until: until},
			})
			return err
		}
		longest := row.want * day
		if row.want == 0 {
			longest = 10_000 * day
		}
		if err := link(longest); err != nil {
			t.Errorf("%+v: %v", row, err)
		}
		if err := link(longest + 1); row.want != 0 && err == nil {
			t.Errorf("%+v: a longer link is made", row)
		}
	}
}

// TestEndedLinkIsNamedNowhere: what names a link goes with it, however it ends;
// the records can be loaded again.
func TestEndedLinkIsNamedNowhere(t *testing.T) {
	for name, end := range map[string]func(*world, policy.ID) []policy.Change{
		"its end": func(_ *world, link policy.ID) []policy.Change { return []policy.Change{policy.DropShare{ID: link}} },
		"its node": func(w *world, _ policy.ID) []policy.Change {
			return []policy.Change{policy.DropNodes{Nodes: []policy.Node{w.node("/home-mia/shared")}}}
		},
		"its giver": func(w *world, _ policy.ID) []policy.Change {
			mia := *w.state.User(w.id("user:mia"))
			mia.Inactive = true
			return []policy.Change{policy.PutUser{User: mia}, policy.DropUser{ID: mia.ID}}
		},
	} {
		w := newOrganisation(t)
		if err := w.share("link", "user:mia", "/home-mia/shared", "user:max", func(sh *policy.Share) { sh.To = sh.ID }); err != nil {
			t.Fatal(err)
		}
		link := w.id("link")
		wall := policy.Entry{Principal: link, Deny: policy.Read}
		w.apply(
			policy.SetEntry{At: w.place("/home-mia/shared"), Entry: wall},
			policy.SetEntry{At: w.place("/home-mia/shared/deep"), Entry: wall},
			policy.SetLevel{Space: w.id("space:team"), Entry: policy.Entry{Principal: link, Allow: policy.See}},
		)
		if _, err := policy.Load(w.records()); err != nil {
			t.Errorf("%s: before: %v", name, err)
		}
		w.apply(end(w, link)...)
		if _, err := policy.Load(w.records()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if m := w.state.Mark(w.node("/home-mia/shared/deep")); m != nil {
			t.Errorf("%s: a list still names the link: %+v", name, m)
		}
	}
}

func TestSharesOn(t *testing.T) {
	w := newOrganisation(t)
	for _, give := range []struct{ name, at, to string }{
		{"top", "/home-mia", "user:max"}, {"near", "/home-mia/shared", "group:staff"}, {"below", "/home-mia/shared/deep", "user:max"},
	} {
		if err := w.share(give.name, "user:mia", give.at, give.to, nil); err != nil {
			t.Fatal(err)
		}
	}
	over := func(sh *policy.Share) { sh.Until = 100 }
	if err := w.share("over", "user:mia", "/home-mia/shared", "user:max", over); err != nil {
		t.Fatal(err)
	}
	want := func(when int64, path string, names ...string) {
		t.Helper()
		var got []string
		for _, g := range w.state.SharesOn(w.place(path), when) {
			for name, id := range w.ids {
				if id == g.Share.ID {
					got = append(got, fmt.Sprint(name, " ", g.Depth))
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, names) {
			t.Errorf("on %s are %q instead of %q", path, got, names)
		}
	}
	want(0, "/home-mia/shared/file", "near 1", "over 1", "top 0")
	want(100, "/home-mia/shared/file", "near 1", "top 0")
	want(0, "/home-mia", "top 0")
	want(0, "/home-mia/other", "top 0")
	want(0, "/home-max")
	w.apply(policy.SetCut{At: w.place("/home-mia/shared"), On: true})
	want(100, "/home-mia/shared/file", "near 1")
}
