package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"davit/policy"
	"davit/store"
)

// TestActing names who acts through both doors, also by a name that is no ASCII.
func TestActing(t *testing.T) {
	ctx := context.Background()
	a, dir := newAdmin(t), shortDir(t)
	a.testUser(t, "Jörg Groß", policy.Admin)
	a.testServe(t, dir)
	c, err := Dial(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, door := range []Doer{a, a.As("jörg groß"), c, c.As("Jörg Groß")} {
		if _, err := AddGroup.Do(ctx, door, Named{[]string{"a", "b", "c", "d"}[i]}); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := ListAudit.Do(ctx, c, AuditQuery{Text: "group"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range lines {
		got = append(got, l.By+": "+strings.Join(l.What, "; "))
	}
	want := []string{"user:Jörg Groß: group d: added", "operator: group c: added", "user:Jörg Groß: group b: added", "operator: group a: added"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the trail is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, door := range []Doer{a.As("bob"), c.As("bob")} {
		if _, err := ListGroups.Do(ctx, door, None{}); kindOf(err) != NotFound {
			t.Errorf("somebody who is not there: %v", err)
		}
	}
}

// TestExplainDecisions shows refusals of each kind as they were decided, after
// everything has changed.
func TestExplainDecisions(t *testing.T) {
	ctx := context.Background()
	a := newAdmin(t)
	mia, max := a.testUser(t, "mia", policy.Member), a.testUser(t, "max", policy.Member)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(second(a.AddSpace(ctx, NewSpace{Name: "Team", Quota: "1KB"})))
	must(second(a.SetLevel(ctx, NewLevel{Space: "Team", Principal: "mia", Level: "manager"})))
	must(second(a.SetLevel(ctx, NewLevel{Space: "Team", Principal: "max", Level: "creator"})))
	as := func(u policy.User) *store.Session {
		return a.st.Login(store.Credential{User: u.ID, Mask: policy.All, Class: policy.DAV, Door: store.Door{Method: "PUT", Path: "/x"}})
	}
	put := func(u policy.User, name string, size int64) error {
		up, err := as(u).Begin(store.Path{"Team", name}, size, store.Terms{})
		if err != nil {
			return err
		}
		defer up.Abort()
		_, _, err = up.Commit(ctx, store.Meta{})
		return err
	}
	for _, name := range []string{"tree", "tree/inner", "hidden"} {
		must(second(as(mia).Mkdir(ctx, append(store.Path{"Team"}, strings.Split(name, "/")...), store.Terms{})))
	}
	must(second(a.SetAccess(ctx, NewAccess{Path: "/Team/tree/inner", Principal: "mia", Deny: "add,delete,delete-own"})))
	must(second(a.SetAccess(ctx, NewAccess{Path: "/Team/hidden", Principal: "max", Deny: "all"})))
	giving := func() error {
		return as(mia).SetACL(ctx, store.Path{"Team", "tree", "inner"}, store.NewACL{
			Match: func(*store.Entry, string) error { return nil },
			Lines: func(store.Find) ([]policy.Entry, error) {
				return []policy.Entry{{Principal: mia.ID, Allow: policy.Read}}, nil
			},
		}, store.Terms{})
	}
	answers := []struct {
		err    error
		status int
		says   []string
	}{
		{as(max).Remove(ctx, store.Path{"Team", "tree"}, store.Terms{}), http.StatusForbidden,
			[]string{"max PUT /Team/tree", "delete: no line gives it", "creator"}},
		{as(mia).Remove(ctx, store.Path{"Team", "tree"}, store.Terms{}), http.StatusForbidden, []string{"mia PUT /Team/tree", "something below is hidden from the user, or kept"}},
		{put(max, "hidden", 0), http.StatusForbidden, []string{"max PUT /Team/hidden", "something stands there that is hidden from the user"}},
		{giving(), http.StatusForbidden, []string{"mia PUT /Team/tree/inner because nobody changes his own rights; ask somebody else who may manager"}},
		{put(mia, "big", 5000), http.StatusInsufficientStorage, []string{"mia PUT /Team", "5000 bytes do not fit under the limit of 1KB at /Team"}},
	}
	must(second(a.SetUser(ctx, EditUser{Name: "max", NewName: new("moritz")})))
	must(second(a.SetLevel(ctx, NewLevel{Space: "Team", Principal: "moritz", Level: "none"})))
	for _, row := range answers {
		id := decisionOf(row.err)
		d, err := a.ExplainDecision(ctx, DecisionID{id})
		if err != nil {
			t.Errorf("%v: %v", row.err, err)
			continue
		}
		told := d.User + " " + d.Ask + " " + d.Path + " because " + d.Why
		for _, c := range d.Checks {
			for _, s := range c.Steps {
				told += " " + s.Level
			}
		}
		for _, text := range row.says {
			if !strings.Contains(told, text) {
				t.Errorf("%v is explained as %q, want %q", row.err, told, text)
			}
		}
		if d.Status != row.status || d.Allowed || d.ID != id {
			t.Errorf("%v is explained as %+v", row.err, d)
		}
	}
}

// decisionOf is the ID that a refusal carries.
func decisionOf(err error) string {
	var refused *store.Refused
	var quota *store.QuotaError
	var undelegated *store.Undelegated
	switch {
	case errors.As(err, &refused):
		return refused.ID
	case errors.As(err, &quota):
		return quota.ID
	case errors.As(err, &undelegated):
		return undelegated.ID
	}
	return ""
}
