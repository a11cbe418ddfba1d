package dav_test

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"davit/auth"
	"davit/dav/davtest"
	"davit/policy"
)

// wall is an entry that keeps somebody out of everything here and below.
var wall = policy.Entry{Deny: policy.All}

// office is one folder for two groups: mia in staff edits, max in guests reads,
// ben is in neither.
func office(t *testing.T) *davtest.Server {
	t.Helper()
	s := davtest.Start(t, "mia", "max", "ben")
	s.Group("staff", "user:mia")
	s.Group("guests", "user:max")
	s.Space("Team", "group:staff=editor", "group:guests=viewer")
	tree(t, s.As("mia"), "/dav/Team/a.txt", "/dav/Team/b.txt", "/dav/Team/folder/", "/dav/Team/folder/in.txt")
	return s
}

// RFC 3744, section 7.1.1: a reader hears which privilege is missing, and where.
func TestReadersAreTold(t *testing.T) {
	t.Parallel()
	s := office(t)
	max := s.As("max")
	token := take(t, s.As("mia"), "/dav/Team/b.txt", exclusive)
	tree(t, max, "/dav/home/mine.txt")
	before := max.Tree("/dav/Team/")
	need := func(path, privilege string) string {
		return "<D:resource><D:href>" + path + "</D:href><D:privilege><D:" + privilege + "/></D:privilege></D:resource>"
	}
	for _, r := range []struct {
		method, path, body, to string
		needs                  []string
	}{
		{"PUT", "/dav/Team/a.txt", "x", "", []string{need("/dav/Team/a.txt", "write-content")}},
		{"PUT", "/dav/Team/new.txt", "x", "", []string{need("/dav/Team", "bind")}},
		{"DELETE", "/dav/Team/a.txt", "", "", []string{need("/dav/Team/a.txt", "unbind")}},
		{"DELETE", "/dav/Team/folder/", "", "", []string{need("/dav/Team/folder", "unbind")}},
		{"MKCOL", "/dav/Team/folder/new", "", "", []string{need("/dav/Team/folder", "bind")}},
		{"LOCK", "/dav/Team/a.txt", exclusive, "", []string{need("/dav/Team/a.txt", "write-content")}},
		{"LOCK", "/dav/Team/new.txt", exclusive, "", []string{need("/dav/Team", "bind")}},
		{"UNLOCK", "/dav/Team/b.txt", "", "", []string{need("/dav/Team/b.txt", "unlock")}},
		{"PROPPATCH", "/dav/Team/a.txt", setProp("x", "1"), "", []string{need("/dav/Team/a.txt", "write-properties")}},
		{"MOVE", "/dav/Team/a.txt", "", "/dav/Team/c.txt", []string{need("/dav/Team/a.txt", "unbind")}},
		{"MOVE", "/dav/home/mine.txt", "", "/dav/Team/c.txt", []string{need("/dav/Team", "bind")}},
		{"MOVE", "/dav/home/mine.txt", "", "/dav/Team/a.txt", []string{need("/dav/Team/a.txt", "unbind")}},
		{"COPY", "/dav/Team/a.txt", "", "/dav/Team/c.txt", []string{need("/dav/Team", "bind")}},
		{"COPY", "/dav/home/mine.txt", "", "/dav/Team/a.txt", []string{need("/dav/Team/a.txt", "write-content"), need("/dav/Team/a.txt", "write-properties")}},
	} {
		answer := max.Do(r.method, r.path, r.body, "Destination", r.to, "Lock-Token", "<"+token+">").
			Want(t, 403, append(r.needs, "<D:error ", "<D:need-privileges>")...)
		if n := strings.Count(answer.Body, "<D:resource>"); n != len(r.needs) {
			t.Errorf("%s %s: %d privileges instead of %d\n%s", r.method, r.path, n, len(r.needs), answer.Body)
		}
	}
	if after := max.Tree("/dav/Team/"); after != before {
		t.Errorf("the folder changed to\n%s", after)
	}
	max.Do("GET", "/dav/Team/a.txt", "").Want(t, 200)
	max.Do("COPY", "/dav/Team/a.txt", "", "Destination", "/dav/home/copy.txt").Want(t, 201)
}

// What may be done here is told by the same function that decides it.
func TestPrivilegesInListings(t *testing.T) {
	t.Parallel()
	s := office(t)
	s.Entry("/Team/folder", "group:guests", policy.Entry{Allow: policy.Add})
	privileges := func(user, path string) string {
		t.Helper()
		r := s.As(user).Do("PROPFIND", "/dav/Team/", `<propfind xmlns="DAV:"><prop><current-user-privilege-set/></prop></propfind>`, "Depth", "1")
		return multistatus(t, r)[path].found["current-user-privilege-set"]
	}
	for _, want := range []struct {
		user, path string
		has, lacks []string
	}{
		{"max", "/dav/Team/", []string{"read"}, []string{"bind", "write", "unbind", "write-content"}},
		{"max", "/dav/Team/folder/", []string{"read", "bind"}, []string{"write", "unbind"}},
		{"mia", "/dav/Team/a.txt", []string{"read", "bind", "write", "unbind", "write-content", "write-properties"}, []string{"write-acl", "unlock"}},
	} {
		got := privileges(want.user, want.path)
		for _, p := range want.has {
			if !strings.Contains(got, "<D:"+p+"/>") {
				t.Errorf("%s lacks %s at %s: %s", want.user, p, want.path, got)
			}
		}
		for _, p := range want.lacks {
			if strings.Contains(got, "<D:"+p+"/>") {
				t.Errorf("%s has %s at %s: %s", want.user, p, want.path, got)
			}
		}
	}
	s.As("max").Do("PUT", "/dav/Team/folder/new.txt", "x").Want(t, 201)
}

// A wall in a sub-folder, a revoke, a cut and a shell, seen by listing and by
// asking for each child: they agree.
func TestChildrenAreDecidedOneByOne(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia, max, ben := s.As("mia"), s.As("max"), s.As("ben")
	tree(t, mia, "/dav/Team/walled/", "/dav/Team/walled/w.txt", "/dav/Team/revoked/", "/dav/Team/revoked/r.txt",
		"/dav/Team/cut/", "/dav/Team/cut/c.txt", "/dav/Team/deep/", "/dav/Team/deep/er/", "/dav/Team/deep/er/d.txt", "/dav/Team/deep/other.txt")
	s.Entry("/Team/walled", "group:guests", wall)
	s.Entry("/Team/walled/w.txt", "user:max", policy.Entry{Allow: policy.See | policy.Read}) // lifts no wall
	s.Entry("/Team/revoked", "group:guests", policy.Entry{Revoke: policy.All})
	s.Entry("/Team/revoked/r.txt", "user:max", policy.Entry{Allow: policy.See | policy.Read})
	s.ChangeAt("/Team/cut", func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
		return []policy.Change{policy.SetCut{At: at, On: true}}, nil
	})
	s.Entry("/Team/deep/er", "user:ben", policy.Entry{Allow: policy.See | policy.Read})

	sameList(t, "max", hrefs(t, max.Do("PROPFIND", "/dav/Team/", "", "Depth", "infinity")), []string{"/dav/Team/",
		"/dav/Team/a.txt", "/dav/Team/b.txt", "/dav/Team/deep/", "/dav/Team/deep/er/", "/dav/Team/deep/er/d.txt",
		"/dav/Team/deep/other.txt", "/dav/Team/folder/", "/dav/Team/folder/in.txt", "/dav/Team/revoked/", "/dav/Team/revoked/r.txt"})
	sameList(t, "ben", hrefs(t, ben.Do("PROPFIND", "/dav/Team/", "", "Depth", "infinity")),
		[]string{"/dav/Team/", "/dav/Team/deep/", "/dav/Team/deep/er/", "/dav/Team/deep/er/d.txt"})
	all := hrefs(t, mia.Do("PROPFIND", "/dav/Team/", "", "Depth", "infinity"))
	if len(all) != 13 {
		t.Errorf("mia sees %q", all)
	}
	for _, c := range []*davtest.Client{mia, max, ben} {
		listed := map[string]bool{}
		for _, href := range hrefs(t, c.Do("PROPFIND", "/dav/Team/", "", "Depth", "infinity")) {
			listed[href] = true
		}
		for _, href := range append(all, "/dav/Team/cut/", "/dav/Team/cut/c.txt") {
			want := 404
			if listed[href] {
				want = 207
			}
			c.Do("PROPFIND", href, "", "Depth", "0").Want(t, want)
		}
	}
	// A shell is bare: nothing can be made, read or changed there.
	for _, method := range []string{"PUT", "MKCOL"} {
		ben.Do(method, "/dav/Team/deep/new", "").Want(t, 403)
	}
	ben.Do("PROPPATCH", "/dav/Team/deep", setProp("x", "1")).Want(t, 403)
	ben.Do("GET", "/dav/Team/deep/", "").Want(t, 200, "er/", "!other.txt")
	ben.Do("COPY", "/dav/Team/deep", "", "Destination", "/dav/home/deep").Want(t, 403)
	ben.Do("COPY", "/dav/Team/deep/er", "", "Destination", "/dav/home/er").Want(t, 201)
}

// A tree with something hidden inside stays whole, and the answer does not say
// what.
func TestTreeWithSomethingHidden(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia := s.As("mia")
	tree(t, mia, "/dav/Team/folder/deep/", "/dav/Team/folder/deep/secret.txt", "/dav/Team/folder/deep/open.txt")
	s.Level("Team", "user:ben", "editor")
	s.Entry("/Team/folder/deep/secret.txt", "user:ben", policy.Entry{Deny: policy.See})
	ben := s.As("ben")
	before := mia.Tree("/dav/Team/")
	for _, r := range []struct{ method, to string }{{"DELETE", ""}, {"MOVE", "/dav/Team/moved"}, {"MOVE", "/dav/home/moved"}} {
		ben.Do(r.method, "/dav/Team/folder", "", "Destination", r.to).Want(t, 403, "!secret", "!deep")
	}
	ben.Do("COPY", "/dav/Team/a.txt", "", "Destination", "/dav/Team/folder").Want(t, 403, "!secret", "!deep")
	if after := mia.Tree("/dav/Team/"); after != before {
		t.Errorf("the folder changed to\n%s", after)
	}
	// COPY leaves out what he may not see.
	ben.Do("COPY", "/dav/Team/folder", "", "Destination", "/dav/Team/copy").Want(t, 201)
	sameList(t, "copy", hrefs(t, mia.Do("PROPFIND", "/dav/Team/copy/", "", "Depth", "infinity")),
		[]string{"/dav/Team/copy/", "/dav/Team/copy/deep/", "/dav/Team/copy/deep/open.txt", "/dav/Team/copy/in.txt"})
	// What cannot be taken away, though it is seen, holds the tree as well.
	s.Entry("/Team/folder/deep/secret.txt", "user:ben", policy.Entry{Deny: policy.Delete})
	ben.Do("GET", "/dav/Team/folder/deep/secret.txt", "").Want(t, 200)
	ben.Do("DELETE", "/dav/Team/folder", "").Want(t, 403)
	// Once it is gone nothing holds the rest.
	mia.Do("DELETE", "/dav/Team/folder/deep/secret.txt", "").Want(t, 204)
	ben.Do("DELETE", "/dav/Team/folder", "").Want(t, 204)
}

// A change of rights counts from the next request, on the same connection.
func TestChangeCountsAtOnce(t *testing.T) {
	t.Parallel()
	s := office(t)
	max := s.As("max")
	connections := 0
	get := func(status int) {
		t.Helper()
		req, err := http.NewRequest("GET", s.URL+"/dav/Team/a.txt", nil)
		if err != nil {
			t.Fatal(err)
		}
		trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
			if !c.Reused {
				connections++
			}
		}}
		max.Send(req.WithContext(httptrace.WithClientTrace(t.Context(), trace))).Want(t, status)
	}
	get(200)
	s.Level("Team", "group:guests", "none")
	get(404)
	s.Level("Team", "user:max", "viewer")
	get(200)
	s.Entry("/Team/a.txt", "group:guests", wall)
	get(404)
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		group, err := p.ParsePrincipal("group:guests")
		return []policy.Change{policy.Leave{Group: group, Member: p.UserNamed("max").ID}}, err
	})
	get(200)
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		u := *p.UserNamed("max")
		u.Inactive = true
		return []policy.Change{policy.PutUser{User: u}}, nil
	})
	get(401)
	if connections != 1 {
		t.Errorf("%d connections were made", connections)
	}
}

// No login: the same 401 for everything, there or not.
func TestWithoutLogin(t *testing.T) {
	t.Parallel()
	s := office(t)
	var first *davtest.Response
	for _, method := range []string{"GET", "PUT", "PROPFIND", "OPTIONS", "DELETE", "BREW"} {
		for _, path := range []string{"/", "/dav/Team/a.txt", "/dav/Team/none.txt", "/dav/None/", "/dav/home/%00"} {
			r := s.As("").Do(method, path, "").Want(t, 401)
			if first == nil {
				first = r
			}
			if r.Header.Get("Www-Authenticate") == "" || r.Body != first.Body {
				t.Errorf("%s %s: %v %s", method, path, r.Header, r.Body)
			}
		}
	}
}

// The order is right, lock, precondition, quota.
func TestOrderOfRefusals(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max", "ben")
	s.Space("Team", "user:mia=editor", "user:max=editor", "user:ben=viewer")
	mia := s.As("mia")
	tree(t, mia, "/dav/Team/a.txt", "/dav/Team/free.txt", "/dav/home/big.txt")
	mia.Do("PUT", "/dav/home/big.txt", content("b", large)).Want(t, 204)
	tree(t, s.As("max"), "/dav/home/big.txt")
	s.As("max").Do("PUT", "/dav/home/big.txt", content("b", large)).Want(t, 204)
	tree(t, s.As("ben"), "/dav/home/big.txt")
	token := take(t, mia, "/dav/Team/a.txt", exclusive)
	s.Quota("/Team", 100)
	body := content("b", large)
	const stale = `"stale"`
	before := mia.Tree("/dav/Team/")
	for _, r := range []struct {
		who     string
		headers []string
		status  int
	}{
		{"ben", []string{"If-Match", stale}, 403},
		{"ben", []string{"If", "(<" + token + ">)"}, 403},
		{"max", []string{"If-Match", stale}, 423},
		{"max", nil, 423},
		{"mia", []string{"If-Match", stale}, 423},
		{"mia", []string{"If", "(<" + token + ">)", "If-Match", stale}, 412},
		{"mia", []string{"If", "(<" + token + `> ["stale"])`}, 412},
		{"mia", []string{"If", "(<" + token + ">)"}, 507},
	} {
		t.Run(fmt.Sprint(r.who, r.headers), func(t *testing.T) {
			c := s.As(r.who)
			c.Do("PUT", "/dav/Team/a.txt", body, r.headers...).Want(t, r.status)
			over := append([]string{"Destination", "/dav/Team/a.txt"}, r.headers...)
			for i, h := range over { // the token is the target's, the conditions the source's
				if h == "If" {
					over[i+1] = strings.Replace(over[i+1], "(", "</dav/Team/a.txt> (", 1)
				}
			}
			c.Do("COPY", "/dav/home/big.txt", "", over...).Want(t, r.status)
			c.Do("MOVE", "/dav/home/big.txt", "", over...).Want(t, r.status)
			if r.status != 507 {
				c.Do("DELETE", "/dav/Team/a.txt", "", r.headers...).Want(t, r.status)
				c.Do("PROPPATCH", "/dav/Team/a.txt", setProp("x", "1"), r.headers...).Want(t, r.status)
			}
			if r.status == 403 || r.status == 423 {
				c.Do("LOCK", "/dav/Team/a.txt", exclusive, r.headers...).Want(t, r.status)
			}
		})
	}
	if after := mia.Tree("/dav/Team/"); after != before {
		t.Errorf("the folder changed to\n%s", after)
	}
}

// A right that is lost in the middle of an upload is missing at its end.
func TestRightLostDuringUpload(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia := s.As("mia")
	for _, size := range []int{100, large} {
		for name, lost := range map[string]struct {
			level       string
			over, fresh int
		}{
			"reader":   {"viewer", 403, 403},
			"outsider": {"none", 409, 409}, // as for any creation where nothing is seen
		} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				s.Level("Team", "group:staff", "editor")
				before := mia.Tree("/dav/Team/")
				over, _ := mia.Upload("/dav/Team/a.txt", size)
				fresh, _ := mia.Upload("/dav/Team/new.txt", -1)
				over.Say(content("n", size-1))
				fresh.Say(fmt.Sprintf("%x\r\n%s\r\n", size, content("n", size)))
				s.Level("Team", "group:staff", lost.level)
				over.Say("n")
				fresh.Say("0\r\n\r\n")
				over.Answer().Want(t, lost.over)
				fresh.Answer().Want(t, lost.fresh)
				s.Settle()
				if n := s.Store.Reserved(); n != 0 || len(s.Temps()) > 0 {
					t.Errorf("%d bytes reserved, temporary files %s", n, s.Temps())
				}
				s.Level("Team", "group:staff", "editor")
				if after := mia.Tree("/dav/Team/"); after != before {
					t.Errorf("the folder changed to\n%s", after)
				}
			})
		}
	}
}

// A lock that another took in the middle of an upload is met at its end, and so
// is a condition that has become stale.
func TestLockAndConditionDuringUpload(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia := s.As("mia")
	s.Level("Team", "group:guests", "editor")
	tag := mia.Do("HEAD", "/dav/Team/a.txt", "").Header.Get("Etag")
	locked, _ := mia.Upload("/dav/Team/b.txt", 3)
	stale, _ := mia.Upload("/dav/Team/a.txt", 3, "If-Match", tag)
	taken, _ := mia.Upload("/dav/Team/new.txt", 3, "If-None-Match", "*")
	take(t, s.As("max"), "/dav/Team/b.txt", exclusive)
	s.As("max").Do("PUT", "/dav/Team/a.txt", "max's").Want(t, 204)
	s.As("max").Do("PUT", "/dav/Team/new.txt", "max's").Want(t, 201)
	for k, status := range map[*davtest.Conn]int{locked: 423, stale: 412, taken: 412} {
		k.Say("mia")
		k.Answer().Want(t, status)
	}
	mia.Do("GET", "/dav/Team/a.txt", "").Want(t, 200, "max's")
	mia.Do("GET", "/dav/Team/new.txt", "").Want(t, 200, "max's")
}

// Entries stay with what they were set on: they follow MOVE, do not come along
// with COPY and do not come back with a name.
func TestEntriesFollowTheNode(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia, max := s.As("mia"), s.As("max")
	s.Entry("/Team/folder", "group:guests", wall)
	s.Entry("/Team/a.txt", "group:guests", policy.Entry{Allow: policy.Write})
	max.Do("GET", "/dav/Team/folder/in.txt", "").Want(t, 404)

	mia.Do("MOVE", "/dav/Team/folder", "", "Destination", "/dav/Team/renamed").Want(t, 201)
	max.Do("GET", "/dav/Team/renamed/in.txt", "").Want(t, 404)
	mia.Do("MOVE", "/dav/Team/a.txt", "", "Destination", "/dav/Team/renamed.txt").Want(t, 201)
	max.Do("PUT", "/dav/Team/renamed.txt", "max's").Want(t, 204)

	mia.Do("COPY", "/dav/Team/renamed", "", "Destination", "/dav/Team/copy").Want(t, 201)
	max.Do("GET", "/dav/Team/copy/in.txt", "").Want(t, 200)
	mia.Do("COPY", "/dav/Team/renamed.txt", "", "Destination", "/dav/Team/copy.txt").Want(t, 201)
	max.Do("PUT", "/dav/Team/copy.txt", "max's").Want(t, 403)

	mia.Do("DELETE", "/dav/Team/renamed", "").Want(t, 204)
	tree(t, mia, "/dav/Team/renamed/", "/dav/Team/renamed/in.txt")
	max.Do("GET", "/dav/Team/renamed/in.txt", "").Want(t, 200)
	mia.Do("DELETE", "/dav/Team/renamed.txt", "").Want(t, 204)
	tree(t, mia, "/dav/Team/renamed.txt")
	max.Do("PUT", "/dav/Team/renamed.txt", "max's").Want(t, 403)

	s.Space("Free", "group:staff=editor", "group:guests=viewer")
	s.Entry("/Team/copy", "group:guests", wall)
	mia.Do("MOVE", "/dav/Team/copy", "", "Destination", "/dav/Free/copy").Want(t, 201)
	max.Do("GET", "/dav/Free/copy/in.txt", "").Want(t, 404)
	sameList(t, "max in Free", hrefs(t, max.Do("PROPFIND", "/dav/Free/", "", "Depth", "1")), []string{"/dav/Free/"})

	// What is moved over an entry's bearer takes its place, not its entries; a
	// file that is written or copied over stays what it is.
	s.Entry("/Team/b.txt", "group:guests", policy.Entry{Allow: policy.Write})
	mia.Do("COPY", "/dav/Team/copy.txt", "", "Destination", "/dav/Team/b.txt").Want(t, 204)
	max.Do("PUT", "/dav/Team/b.txt", "max's").Want(t, 204)
	mia.Do("MOVE", "/dav/Team/copy.txt", "", "Destination", "/dav/Team/b.txt").Want(t, 204)
	max.Do("PUT", "/dav/Team/b.txt", "max's").Want(t, 403)
}

// A creator takes away what is his own, and no folder that holds others' files.
func TestCreatorsDeleteTheirOwn(t *testing.T) {
	t.Parallel()
	s := office(t)
	s.Level("Team", "user:ben", "creator")
	mia, ben := s.As("mia"), s.As("ben")
	tree(t, ben, "/dav/Team/ben/", "/dav/Team/ben/own.txt", "/dav/Team/own.txt")
	ben.Do("DELETE", "/dav/Team/a.txt", "").Want(t, 403)
	ben.Do("MOVE", "/dav/Team/a.txt", "", "Destination", "/dav/Team/stolen.txt").Want(t, 403)
	tree(t, mia, "/dav/Team/mias/", "/dav/Team/mias/x.txt")
	ben.Do("MOVE", "/dav/Team/own.txt", "", "Destination", "/dav/Team/mias/x.txt").Want(t, 403) // over another's, elsewhere
	ben.Do("MOVE", "/dav/Team/own.txt", "", "Destination", "/dav/Team/ben/own2.txt").Want(t, 201)
	tree(t, mia, "/dav/Team/ben/mias.txt")
	ben.Do("DELETE", "/dav/Team/ben", "").Want(t, 403)
	ben.Do("DELETE", "/dav/Team/ben/own.txt", "").Want(t, 204)
	mia.Do("DELETE", "/dav/Team/ben/mias.txt", "").Want(t, 204)
	s.Entry("/Team/ben/own2.txt", "user:ben", policy.Entry{Deny: policy.See}) // his, but hidden from him
	ben.Do("DELETE", "/dav/Team/ben", "").Want(t, 403, "!own2")
	mia.Do("DELETE", "/dav/Team/ben/own2.txt", "").Want(t, 204)
	ben.Do("DELETE", "/dav/Team/ben", "").Want(t, 204)
}

// An app password for reading narrows what the account may.
func TestReadOnlyDevice(t *testing.T) {
	t.Parallel()
	s := office(t)
	phone := s.AsDevice("mia", auth.NewDevice{Name: "phone", Class: policy.Mobile, ReadOnly: true})
	phone.Do("GET", "/dav/Team/a.txt", "").Want(t, 200)
	phone.Do("PROPFIND", "/dav/Team/", "", "Depth", "1").Want(t, 207, "a.txt")
	phone.Do("PUT", "/dav/Team/a.txt", "x").Want(t, 403, "<D:write-content/>")
	phone.Do("PUT", "/dav/home/new.txt", "x").Want(t, 403, "<D:bind/>")
	phone.Do("DELETE", "/dav/Team/a.txt", "").Want(t, 403)
	phone.Do("LOCK", "/dav/Team/a.txt", exclusive).Want(t, 403)
	phone.Do("COPY", "/dav/Team/a.txt", "", "Destination", "/dav/Team/c.txt").Want(t, 403)
	s.AsDevice("mia", auth.NewDevice{Name: "laptop", Class: policy.Desktop}).Do("PUT", "/dav/Team/a.txt", "x").Want(t, 204)
	// An entry for one class of client does not help another.
	s.Entry("/Team/folder", "user:ben", policy.Entry{Allow: policy.See | policy.Read, Class: policy.Mobile})
	s.As("ben").Do("GET", "/dav/Team/folder/in.txt", "").Want(t, 404)
	s.AsDevice("ben", auth.NewDevice{Name: "phone", Class: policy.Mobile}).Do("GET", "/dav/Team/folder/in.txt", "").Want(t, 200)
}

// An archived space is for reading.
func TestArchivedSpace(t *testing.T) {
	t.Parallel()
	s := office(t)
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		sp := *p.SpaceNamed("Team")
		sp.State = policy.Archived
		return []policy.Change{policy.PutSpace{Space: sp}}, nil
	})
	mia := s.As("mia")
	mia.Do("GET", "/dav/Team/a.txt", "").Want(t, 200)
	mia.Do("COPY", "/dav/Team/a.txt", "", "Destination", "/dav/home/a.txt").Want(t, 201)
	mia.Do("PUT", "/dav/Team/a.txt", "x").Want(t, 403, "<D:need-privileges>", `<x:archived xmlns:x="urn:davit"/>`)
	mia.Do("PUT", "/dav/Team/new.txt", "x").Want(t, 403, "archived")
	mia.Do("DELETE", "/dav/Team/folder", "").Want(t, 403, "archived")
}
