package admin

import (
	"context"
	"slices"
	"testing"

	"davit/policy"
	"davit/store"
)

// TestSharesOfOthers: who may not know of a share gets what one that never was
// gets, by its very ID; who gave it, got it or looks after all of them does not.
func TestSharesOfOthers(t *testing.T) {
	ctx := context.Background()
	a, named := permitWorld(t)
	share, link := named.Replace("SHARE-max"), named.Replace("LINK-max")
	mia := a.As("mia")
	for what, one := range map[string]func(id string) error{
		"share.remove": func(id string) error { return second(RemoveShare.Do(ctx, mia, Named{id})) },
		"link.remove":  func(id string) error { return second(RemoveLink.Do(ctx, mia, Named{id})) },
		"share.adopt":  func(id string) error { return second(AdoptShare.Do(ctx, mia, Adoption{ID: id})) },
	} {
		missing := one("zz")
		for _, id := range []string{share, link, "link:" + link} {
			err := one(id)
			if kindOf(err) != NotFound || len(err.Error())-len(id) != len(missing.Error())-len("zz") {
				t.Errorf("%s of %s: %v, of none: %v", what, id, err, missing)
			}
		}
	}
	for _, which := range []Which{{}, {By: "max"}, {To: "gus"}, {Path: "/Team/dir"}} {
		if _, err := ListShares.Do(ctx, mia, which); err == nil {
			t.Errorf("mia is told %+v", which)
		}
		if _, err := ListLinks.Do(ctx, mia, which); err == nil {
			t.Errorf("mia is told the links of %+v", which)
		}
	}
	for _, row := range []struct {
		as    string
		which Which
		n     int
	}{
		{"max", Which{By: "max"}, 1}, {"gus", Which{To: "gus"}, 2}, {"max", Which{Path: "/Team"}, 1}, {"adam", Which{}, 2}, {"", Which{}, 2},
		{"", Which{By: "max", To: "gus", Path: "/Team"}, 1}, {"", Which{By: "max", Path: "~mia"}, 0},
	} {
		shares, err := ListShares.Do(ctx, a.As(row.as), row.which)
		if err != nil || len(shares) != row.n || row.n == 1 && shares[0].ID != share {
			t.Errorf("%q is told %+v of %+v (%v)", row.as, shares, row.which, err)
		}
	}
	for _, kind := range []func() error{
		func() error { return second(RemoveShare.Do(ctx, a, Named{link})) },
		func() error { return second(RemoveLink.Do(ctx, a, Named{share})) },
	} {
		if err := kind(); kindOf(err) != NotFound {
			t.Errorf("the other kind is removed: %v", err)
		}
	}
	if _, err := RemoveShare.Do(ctx, a.As("gus"), Named{share}); err != nil {
		t.Errorf("gus does not give it back: %v", err)
	}
	if _, err := RemoveLink.Do(ctx, a.As("adam"), Named{"link:" + link}); err != nil {
		t.Errorf("an admin does not end it: %v", err)
	}
}

// TestSharedRights: whoever writes or reads may also see; a drop box may not.
func TestSharedRights(t *testing.T) {
	for text, want := range map[string]struct {
		level  string
		rights policy.Rights
	}{
		"":                {"viewer", policy.See | policy.Read | policy.FreeBusy},
		"deposit":         {"deposit", policy.Add},
		"level:deposit":   {"deposit", policy.Add},
		"viewer+share":    {"viewer+share", policy.See | policy.Read | policy.FreeBusy | policy.Reshare},
		"level:none+read": {"none+read", policy.Read},
		"read,write":      {"", policy.See | policy.Read | policy.Write},
		"add":             {"", policy.Add},
		"free-busy":       {"free-busy", policy.FreeBusy},
		"add,props":       {"", policy.See | policy.Add | policy.Props},
	} {
		level, rights, err := parseShared(text)
		if err != nil || level != want.level || rights != want.rights {
			t.Errorf("%q: %q %s (%v)", text, level, rights, err)
		}
	}
	for _, text := range []string{"captain", "viewer+captain", "read,fly", "level:"} {
		if level, rights, err := parseShared(text); err == nil && rights != 0 {
			t.Errorf("%q: %q %s", text, level, rights)
		}
	}
}

// TestGifts: a right that comes by a share is told with its giver, and one that
// the giver has lost with that.
func TestGifts(t *testing.T) {
	ctx := context.Background()
	a, named := permitWorld(t)
	if _, err := RemoveShare.Do(ctx, a, Named{named.Replace("SHARE-mia")}); err != nil {
		t.Fatal(err)
	}
	for _, n := range []NewShare{
		{Path: "~mia/dir", By: "mia", To: "group:staff", Rights: "viewer+share"}, {Path: "~mia/dir", By: "max", To: "gus", Rights: "viewer"},
	} {
		if _, err := AddShare.Do(ctx, a, n); err != nil {
			t.Fatal(err)
		}
	}
	why := func(user, right string) string {
		t.Helper()
		answer, err := Explain.Do(ctx, a, Question{User: user, Ask: right, Path: "~mia/dir"})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Why
	}
	for _, row := range []struct{ user, right, want string }{
		{"max", "read", "read: shared by user:mia with group:staff at ~mia/dir"},
		{"gus", "read", "read: shared by user:max with user:gus at ~mia/dir"},
		{"gus", "write", "write: no line gives it"},
	} {
		if got := why(row.user, row.right); got != row.want {
			t.Errorf("%s %s: %s", row.user, row.right, got)
		}
	}
	holders, err := Who.Do(ctx, a, Place{Path: "~mia/dir"})
	if err != nil || !slices.ContainsFunc(holders, func(h Holder) bool { return h.User == "gus" && slices.Equal(h.Through, []string{"share of user:max"}) }) {
		t.Errorf("who can reach it: %+v (%v)", holders, err)
	}
	if _, err := LeaveGroup.Do(ctx, a, Membership{Group: "staff", Members: []string{"max"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := why("gus", "read"), "read: shared by user:max with user:gus at ~mia/dir, who does not hold it any more"; got != want {
		t.Errorf("after the giver lost it: %s", got)
	}
	if held := a.st.Policy().Held(policy.Subject{User: a.st.Policy().UserNamed("gus").ID, Mask: policy.All, Class: policy.DAV}, place(t, a)); held != 0 {
		t.Errorf("gus holds %s", held)
	}
}

func place(t *testing.T, a *Admin) policy.Place {
	t.Helper()
	at, _, err := a.op.Place(store.Path{"~mia", "dir"})
	if err != nil {
		t.Fatal(err)
	}
	return at
}
