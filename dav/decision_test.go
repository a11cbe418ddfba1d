package dav_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// TestDecisions: every refusal by rights or quota carries its decision's ID, in a
// header and in its body, under which the trail has it; nothing else does.
func TestDecisions(t *testing.T) {
	t.Parallel()
	s := office(t)
	s.Entry("/Team/b.txt", "user:max", wall)
	s.Entry("/Team", "user:max", policy.Entry{Allow: policy.See | policy.Add})
	tree(t, s.As("mia"), "/dav/Team/full/")
	s.Quota("/Team/full", 5)
	for _, r := range []struct {
		user, method, path, body string
		status                   int
		where                    string // the trail's path; empty for what nobody decided
	}{
		{"max", "PUT", "/dav/Team/a.txt", "x", 403, "/Team/a.txt"},
		{"max", "DELETE", "/dav/Team/a.txt", "", 403, "/Team/a.txt"},
		{"max", "PROPPATCH", "/dav/Team/a.txt", setProp("x", "1"), 403, "/Team/a.txt"},
		{"max", "MOVE", "/dav/Team/a.txt", "", 403, "/Team/a.txt"},
		{"max", "LOCK", "/dav/Team/a.txt", exclusive, 403, "/Team/a.txt"},
		{"max", "PUT", "/dav/Team/b.txt", "x", 403, "/Team/b.txt"}, // hidden
		{"mia", "PUT", "/dav/Team/full/x", "too much", 507, "/Team/full"},
		{"max", "REPORT", "/dav/Team/a.txt", `<acl-principal-prop-set xmlns="DAV:"/>`, 403, "/Team/a.txt"},
		{"mia", "ACL", "/dav/Team/full/", aclBody(ace("/principals/users/mia/", "grant D:read")), 403, "/Team/full"},
		{"max", "GET", "/dav/Team/b.txt", "", 404, ""}, // hidden
		{"max", "GET", "/dav/Team/none", "", 404, ""},
		{"ben", "GET", "/dav/Team/a.txt", "", 404, ""},
		{"ben", "PUT", "/dav/Team/x", "x", 409, ""},
		{"mia", "DELETE", "/dav/Team/", "", 403, ""}, // by its own commands
	} {
		answer := s.As(r.user).Do(r.method, r.path, r.body, "Destination", "/dav/Team/c.txt")
		answer.Want(t, r.status)
		if r.where != "" {
			checkDecision(t, s, answer, r.where)
		} else if id := answer.Header.Get("Davit-Decision"); id != "" || strings.Contains(answer.Body, "decision-id") {
			t.Errorf("%s %s carries the decision %q\n%s", r.method, r.path, id, answer.Body)
		}
	}
}

func checkDecision(t *testing.T, s *davtest.Server, answer *davtest.Response, where string) {
	t.Helper()
	id := answer.Header.Get("Davit-Decision")
	answer.Want(t, answer.Status, "<D:error ", `decision-id xmlns:x="urn:davit">`+id+"<")
	line, err := s.Store.Operator().Decision(context.Background(), id)
	if errors.Is(err, store.ErrNotFound) || id == "" {
		t.Errorf("%s %s: no decision %q in the trail", answer.Method, answer.Path, id)
	} else if err != nil {
		t.Error(err)
	} else if d := line.Denial; d.What != answer.Method || d.Path != where || !strings.HasPrefix(line.Via, answer.Method+" "+answer.Path+" from 127.0.0.1") {
		t.Errorf("%s %s is kept as %+v by %q", answer.Method, answer.Path, d, line.Via)
	}
}
