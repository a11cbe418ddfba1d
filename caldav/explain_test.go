package caldav_test

import (
	"context"
	"strings"
	"testing"

	"davit/admin"
	"davit/auth"
	"davit/store"
)

// What explain says of a PUT by who only reads a meeting is what the gate does: the
// answer of who is invited is taken, and nothing of anybody else's.
func TestExplainAnswers(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max", "zoe")
	s.Space("Team", "user:lena=editor", "user:mia=viewer", "user:max=viewer", "user:zoe=free-busy")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	at := sharedAt.FindString(propfind(lena, "/caldav/lena/", "1", "displayname").Want(t, 207).Body) + "plan.ics"
	put(lena, at, meeting("plan", []string{"mia", "zoe"})).Want(t, 201)
	kept := content(t, lena, at).Body
	door := admin.New(s.Store, auth.New(s.Store, auth.Options{Now: s.Store.Now}))
	for user, want := range map[string]struct {
		status int
		why    string
	}{"mia": {204, "an answer alone is taken"}, "max": {403, ""}, "zoe": {409, ""}, "lena": {204, ""}} {
		a, err := admin.Explain.Do(context.Background(), door, admin.Question{User: user, Ask: "PUT", Path: "calendar:/Team/calendar/plan.ics"})
		if err != nil || a.Status != want.status || a.Allowed != (want.status == 204) || !strings.Contains(a.Why, want.why) {
			t.Errorf("%s: %d, %q, %v", user, a.Status, a.Why, err)
		}
		if user != "mia" && strings.Contains(a.Why, "answer alone") {
			t.Errorf("%s may answer by %q", user, a.Why)
		}
	}
	put(mia, strings.Replace(at, "/lena/", "/mia/", 1), answer(kept, "mia", "ACCEPTED")).Want(t, 204)
	put(max, strings.Replace(at, "/lena/", "/max/", 1), answer(kept, "mia", "ACCEPTED")).Want(t, 403)
}
