package dav_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// linked is an office where mia keeps ~mia/plans with a.txt and sub/b.txt, and
// secret.txt beside it.
func linked(t *testing.T, o store.Options) *davtest.Server {
	t.Helper()
	s := davtest.StartWith(t, o, "mia", "max")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/plans/", "/dav/home/plans/a.txt", "/dav/home/plans/sub/", "/dav/home/plans/sub/b.txt", "/dav/home/secret.txt")
	return s
}

// The mount of a link is the shared folder: all that its answers name is below it.
func TestLink(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, _ := s.Link("mia", "~mia/plans", davtest.NewLink{Rights: "level:editor"})
	c := s.As("")
	r := c.Do("PROPFIND", link+"/", "", "Depth", "infinity")
	sameList(t, "the link", hrefs(t, r), []string{link + "/", link + "/a.txt", link + "/sub/", link + "/sub/b.txt"})
	c.Do("PROPFIND", link, `<propfind xmlns="DAV:"><prop><displayname/><current-user-principal/><acl/><owner/></prop></propfind>`, "Depth", "0").
		Want(t, 207, ">plans<", "<D:unauthenticated/>", "!mia")
	if r := c.Do("GET", link+"/sub/b.txt", "").Want(t, 200); r.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Error("a page below a link tells others its URL")
	}
	c.Do("GET", link+"/", "").Want(t, 200, link+"/a.txt", "!mia", "!/dav")
	c.Do("PUT", link+"/new.txt", "new").Want(t, 201)
	c.Do("MKCOL", link+"/dir", "").Want(t, 201)
	c.Do("MOVE", link+"/new.txt", "", "Destination", link+"/dir/moved.txt").Want(t, 201)
	c.Do("COPY", link+"/dir", "", "Destination", link+"/copy").Want(t, 201)
	c.Do("PROPPATCH", link+"/a.txt", setProp("x", "1")).Want(t, 207, "<D:href>"+link+"/a.txt</D:href>")
	token := take(t, c, link+"/a.txt", exclusive)
	c.Do("PUT", link+"/a.txt", "x").Want(t, 423, "<D:href>"+link+"/a.txt</D:href>", "!mia")
	c.Do("PUT", link+"/a.txt", "x", "If", "<"+s.URL+link+"/a.txt> (<"+token+">)").Want(t, 204)
	s.As("mia").Do("PUT", "/dav/home/plans/a.txt", "x", "If", "(<"+token+">)").Want(t, 423) // it is the bearers'
	c.Do("UNLOCK", link+"/a.txt", "", "Lock-Token", "<"+token+">").Want(t, 204)
	c.Do("DELETE", link+"/copy", "").Want(t, 204)
	s.As("mia").Do("GET", "/dav/home/plans/dir/moved.txt", "").Want(t, 200, "new")

	// The shared folder itself is not the bearers' to take away.
	for _, r := range []*davtest.Response{
		c.Do("DELETE", link+"/", ""), c.Do("MOVE", link+"/", "", "Destination", link+"/x"),
		c.Do("COPY", link+"/dir", "", "Destination", link+"/"),
	} {
		r.Want(t, 403)
	}
	c.Do("MKCOL", link+"/", "").Want(t, 405)
}

// A link that only reads refuses the rest, and says so below itself.
func TestLinkRefuses(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, _ := s.Link("mia", "~mia/plans", davtest.NewLink{})
	c := s.As("")
	for _, r := range []struct{ method, path, body string }{
		{"PUT", "/a.txt", "x"}, {"DELETE", "/a.txt", ""}, {"PROPPATCH", "/a.txt", setProp("x", "1")}, {"LOCK", "/a.txt", exclusive},
		{"MOVE", "/a.txt", ""}, {"PUT", "/new.txt", "x"}, {"MKCOL", "/new", ""}, {"ACL", "/a.txt", aclBody()},
	} {
		c.Do(r.method, link+r.path, r.body, "Destination", link+"/c.txt").Want(t, 403, "need-privileges", "<D:href>"+link, "!mia", "!plans")
	}
	s.As("mia").Do("GET", "/dav/home/plans/a.txt", "").Want(t, 200)
}

// A file is mounted as a folder that holds it and nothing else.
func TestLinkToFile(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, _ := s.Link("mia", "~mia/plans/a.txt", davtest.NewLink{Rights: "level:editor"})
	s.Entry("~mia", "links", policy.Entry{Allow: policy.All}) // which opens nothing beside it
	c := s.As("")
	for _, depth := range []string{"1", "infinity"} {
		sameList(t, "the link", hrefs(t, c.Do("PROPFIND", link+"/", "", "Depth", depth)), []string{link + "/", link + "/a.txt"})
	}
	c.Do("GET", link+"/", "").Want(t, 200, link+"/a.txt", "!sub", "!mia")
	c.Do("GET", link+"/a.txt", "").Want(t, 200)
	c.Do("PUT", link+"/a.txt", "v2").Want(t, 204)
	c.Do("GET", link+"/sub", "").Want(t, 404)
	c.Do("GET", link+"/sub/b.txt", "").Want(t, 404)
	for _, r := range []*davtest.Response{
		c.Do("PUT", link+"/new.txt", "x"), c.Do("MKCOL", link+"/new", ""), c.Do("PUT", link+"/sub", "x"), c.Do("LOCK", link+"/new.txt", exclusive),
		c.Do("COPY", link+"/a.txt", "", "Destination", link+"/b.txt"), c.Do("MOVE", link+"/a.txt", "", "Destination", link+"/b.txt"),
		c.Do("DELETE", link+"/a.txt", ""), c.Do("DELETE", link+"/", ""),
	} {
		if r.Status != 409 && r.Status != 403 {
			t.Errorf("%s %s: %d\n%s", r.Method, r.Path, r.Status, r.Body)
		}
		r.Want(t, r.Status, "!mia", "!plans")
	}
	s.As("mia").Do("GET", "/dav/home/plans/a.txt", "").Want(t, 200, "v2")
}

// A link that gives nothing answers every method as one that nobody made, byte
// for byte, from the next request on.
func TestDeadLinks(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := linked(t, store.Options{Clock: c.Now})
	s.Space("Team", "user:mia=manager")
	settings := func(change func(*policy.Settings)) func() {
		return func() {
			s.Change(func(p *policy.State) ([]policy.Change, error) {
				set := p.Settings()
				change(&set)
				return []policy.Change{policy.PutSettings{Settings: set}}, nil
			})
		}
	}
	user := func(change func(*policy.User)) func() {
		return func() {
			s.Change(func(p *policy.State) ([]policy.Change, error) {
				mia := *p.UserNamed("mia")
				change(&mia)
				owner := *p.UserNamed("max")
				owner.Type = policy.Owner // mia is the last one otherwise
				return []policy.Change{policy.PutUser{User: owner}, policy.PutUser{User: mia}}, nil
			})
		}
	}
	mia := s.As("mia")
	var sh policy.Share
	for _, row := range []struct {
		name      string
		link      davtest.NewLink
		die, undo func()
	}{
		{"expired", davtest.NewLink{Until: c.Now().Unix() + 10}, func() { c.advance(10 * time.Second) }, nil},
		{"ended", davtest.NewLink{Rights: "level:editor"}, func() { s.Unshare(sh) }, nil},
		{"with a password and ended", davtest.NewLink{Password: "a long password"}, func() { s.Unshare(sh) }, nil},
		{"used up", davtest.NewLink{DownloadsMax: 1}, func() {}, nil}, // by the look below
		{"of a deactivated account", davtest.NewLink{}, user(func(u *policy.User) { u.Inactive = true }), user(func(u *policy.User) { u.Inactive = false })},
		{"of an expired account", davtest.NewLink{}, user(func(u *policy.User) { u.Until = 1 }), user(func(u *policy.User) { u.Until = 0 })},
		{"switched off", davtest.NewLink{}, settings(func(set *policy.Settings) { set.Links = false }), settings(func(set *policy.Settings) { set.Links = true })},
		{"older than may be", davtest.NewLink{}, settings(func(set *policy.Settings) { set.LinkDays = 1; c.advance(24 * time.Hour) }), settings(func(set *policy.Settings) { set.LinkDays = 0 })},
		{"without a password", davtest.NewLink{}, settings(func(set *policy.Settings) { set.LinkPassword = true }), settings(func(set *policy.Settings) { set.LinkPassword = false })},
		{"behind a wall for links", davtest.NewLink{}, func() { s.Entry("~mia", "links", wall) }, func() { s.Entry("~mia", "links", policy.Entry{}) }},
		{"behind a wall for it", davtest.NewLink{}, func() {
			s.ChangeAt("~mia", func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
				return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: sh.ID, Deny: policy.All}}}, nil
			})
		}, func() { s.Unshare(sh) }},
		{"to what is in the trash", davtest.NewLink{}, func() { mia.Do("DELETE", "/dav/home/plans", "").Want(t, 204) }, func() {
			tree(t, mia, "/dav/home/plans/", "/dav/home/plans/a.txt")
		}},
		{"to what went to another space", davtest.NewLink{}, func() { mia.Do("MOVE", "/dav/home/plans", "", "Destination", "/dav/Team/plans").Want(t, 201) }, nil},
	} {
		var link string
		link, sh = s.Link("mia", "~mia/plans", row.link)
		bearer := s.As("")
		if row.link.Password != "" {
			bearer = s.AsSecret("anybody", row.link.Password)
		}
		bearer.Do("GET", link+"/a.txt", "").Want(t, 200)
		row.die()
		for _, client := range []*davtest.Client{bearer, s.As("mia")} {
			sameAsUnknown(t, client, row.name, link)
		}
		if row.undo != nil {
			row.undo()
		}
	}
}

// sameAsUnknown sends every probe to a link and to one that nobody made.
func sameAsUnknown(t *testing.T, c *davtest.Client, what, link string) {
	t.Helper()
	unknown := "/s/" + strings.Repeat("a", 32)
	for _, below := range []string{"", "/", "/a.txt", "/none/a.txt"} {
		for _, p := range probes {
			if p.path != "NAME" {
				continue
			}
			answer := func(link string) string {
				headers := []string{"Destination", link + "/c.txt"}
				for _, h := range p.headers {
					headers = append(headers, strings.ReplaceAll(h, "NAME", link+below))
				}
				r := c.Do(p.method, link+below, p.body, headers...)
				r.Want(t, 404)
				return faces(r, link)
			}
			if dead, missing := answer(link), answer(unknown); dead != missing {
				t.Errorf("%s: %s %s\na link %s answers:\n%s\nan unknown one:\n%s", what, p.method, below, what, dead, missing)
			}
		}
	}
}

// What is no token at all is no link either.
func TestStrangeTokens(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, _ := s.Link("mia", "~mia/plans", davtest.NewLink{})
	token := strings.TrimPrefix(link, "/s/")
	for _, strange := range []string{
		"x", token[:31], token + "a", strings.ToUpper(token), token + "%00", token + "%2F", "%20" + token, token[:31] + "1", "%ff", strings.Repeat("a", 5000),
	} {
		s.As("").Do("GET", "/s/"+strange+"/a.txt", "").Want(t, 404, "!mia")
	}
	s.As("").Do("GET", "/s/"+percent(token)+"/a.txt", "").Want(t, 200) // the same, spelled otherwise
	for _, none := range []string{"/s", "/s/", "//s/" + token + "/a.txt"} {
		s.As("").Do("GET", none, "").Want(t, 401)
		s.As("max").Do("GET", none, "").Want(t, 404)
	}
	s.As("max").Do("GET", link+"/a.txt", "").Want(t, 200) // whoever else he is
}

// percent spells every letter as a code.
func percent(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02x", text[i])
	}
	return b.String()
}

// Nothing leads out of a link: no spelling of a path, no Destination, no If.
func TestLinkDoesNotClimb(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, _ := s.Link("mia", "~mia/plans", davtest.NewLink{Rights: "level:editor"})
	other, _ := s.Link("mia", "~mia/plans/sub", davtest.NewLink{Rights: "level:editor"})
	// What every link may do further up is out of their mounts all the same.
	all := policy.Entry{Allow: policy.All}
	s.Entry("~mia", "links", all)
	c := s.As("")
	for _, path := range []string{
		"/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/%2E%2E%2Fsecret.txt", "/sub/../../secret.txt", "/./../secret.txt",
		"/..;/secret.txt", "/%252e%252e/secret.txt", "/..%c0%afsecret.txt", "//../secret.txt", "/a.txt/../../secret.txt",
		"/~mia/secret.txt", "/dav/home/secret.txt", "/home/secret.txt", "/shared/mia/secret.txt", "/.trash/~mia/secret.txt",
	} {
		for _, method := range []string{"GET", "PROPFIND", "DELETE"} {
			c.Do(method, link+path, "", "Depth", "0").Want(t, 404, "!secret", "!mia")
		}
		if r := c.Do("PUT", link+path, "x"); r.Status != 404 && r.Status != 409 {
			t.Errorf("PUT %s: %d", path, r.Status)
		}
		for _, method := range []string{"COPY", "MOVE"} {
			if r := c.Do(method, link+"/a.txt", "", "Destination", link+path); r.Status < 400 {
				t.Errorf("%s to %s: %d", method, path, r.Status)
			}
		}
	}
	for _, to := range []string{"/dav/home/stolen.txt", "/dav/shared/mia/stolen.txt", "/s/stolen.txt", other + "/stolen.txt", "/stolen.txt", link + "x/stolen.txt"} {
		c.Do("COPY", link+"/a.txt", "", "Destination", to).Want(t, 403)
		c.Do("MOVE", link+"/a.txt", "", "Destination", to).Want(t, 403)
	}
	mia := s.As("mia")
	mia.Do("COPY", "/dav/home/secret.txt", "", "Destination", link+"/secret.txt").Want(t, 403)
	// A lock of somebody else's is not opened through a link, nor by another link.
	token := take(t, mia, "/dav/home/plans/a.txt", exclusive)
	for _, tag := range []string{"", "<" + link + "/a.txt> ", "</dav/home/plans/a.txt> ", "<" + s.URL + link + "/a.txt> "} {
		if r := c.Do("PUT", link+"/a.txt", "x", "If", tag+"(<"+token+">)"); r.Status != 423 && r.Status != 412 {
			t.Errorf("PUT with the token of mia after %q: %d", tag, r.Status)
		}
	}
	mia.Do("UNLOCK", "/dav/home/plans/a.txt", "", "Lock-Token", "<"+token+">").Want(t, 204)
	token = take(t, c, link+"/sub/b.txt", exclusive)
	c.Do("PUT", other+"/b.txt", "x", "If", "(<"+token+">)").Want(t, 423, "<D:href>"+other+"/b.txt</D:href>")
	c.Do("UNLOCK", other+"/b.txt", "", "Lock-Token", "<"+token+">").Want(t, 403)
	mia.Do("GET", "/dav/home/secret.txt", "").Want(t, 200)
}

// A lock above a link's folder stands in the way, and its place is not told.
func TestLockAboveALink(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, _ := s.Link("mia", "~mia/plans/sub", davtest.NewLink{Rights: "level:editor"})
	take(t, s.As("mia"), "/dav/home/plans", exclusive)
	c := s.As("")
	c.Do("PUT", link+"/b.txt", "x").Want(t, 423, "<D:href>"+link+"/</D:href>", "!plans", "!home")
	c.Do("PROPFIND", link+"/", "", "Depth", "1").Want(t, 207, "<D:lockroot><D:href>"+link+"/</D:href>", "!plans", "!home")
}

// A link with a password asks for it, in a realm of its own, and guessing ends as
// guessing at an account does.
func TestLinkPassword(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, _ := s.Link("mia", "~mia/plans", davtest.NewLink{Password: "a long password"})
	for _, c := range []*davtest.Client{s.As(""), s.As("mia"), s.AsSecret("", "x"), s.AsSecret("anybody", "a long passwor")} {
		r := c.Do("GET", link+"/a.txt", "").Want(t, 401)
		if realm := r.Header.Get("Www-Authenticate"); realm != `Basic realm="Davit link", charset="UTF-8"` {
			t.Errorf("it asks with %s", realm)
		}
	}
	for _, name := range []string{"anybody", "mia", strings.TrimPrefix(link, "/s/")} {
		s.AsSecret(name, "a long password").Do("GET", link+"/a.txt", "").Want(t, 200)
	}
	right, wrong := s.AsSecret("anybody", "a long password"), s.AsSecret("anybody", "guess")
	for range s.Store.LockoutAfter() {
		wrong.Do("GET", link+"/a.txt", "").Want(t, 401)
	}
	right.Do("GET", link+"/a.txt", "").Want(t, 200) // remembered from before
	s.Restart(store.Options{})
	right, wrong = s.AsSecret("anybody", "a long password"), s.AsSecret("anybody", "guess")
	if a, b := right.Do("GET", link+"/a.txt", ""), wrong.Do("GET", link+"/a.txt", ""); a.Status != 401 || faces(a, "") != faces(b, "") {
		t.Errorf("while it is locked the right password answers %d:\n%s\nand a wrong one:\n%s", a.Status, faces(a, ""), faces(b, ""))
	}
	s.As("mia").Do("GET", "/dav/home/plans/a.txt", "").Want(t, 200)
}

// A client that can only be given a name and a password signs in with the token.
func TestTokenAsUserName(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, sh := s.Link("mia", "~mia/plans", davtest.NewLink{})
	locked, lockedShare := s.Link("mia", "~mia/plans", davtest.NewLink{Password: "a long password"})
	token := func(link string) string { return strings.TrimPrefix(link, "/s/") }
	for _, c := range []*davtest.Client{
		s.AsSecret(token(link), ""), s.AsSecret(token(link), "anything"), s.AsSecret(token(locked), "a long password"),
	} {
		sameList(t, "the mount", hrefs(t, c.Do("PROPFIND", "/dav/", "", "Depth", "1")), []string{"/dav/", "/dav/a.txt", "/dav/sub/"})
		sameList(t, "the root", hrefs(t, c.Do("PROPFIND", "/", "", "Depth", "infinity")), []string{"/", "/dav/", "/dav/a.txt", "/dav/sub/", "/dav/sub/b.txt"})
		c.Do("GET", "/dav/a.txt", "").Want(t, 200)
		for _, path := range []string{"/dav/home/secret.txt", "/dav/home/", "/dav/shared/", "/dav/~mia/secret.txt", "/dav/shared/mia/secret.txt"} {
			c.Do("GET", path, "").Want(t, 404)
		}
		c.Do("PROPFIND", "/principals/", "", "Depth", "infinity").Want(t, 207, "!mia", "!max")
	}
	s.AsSecret(token(locked), "guess").Do("GET", "/dav/a.txt", "").Want(t, 401)
	s.Unshare(lockedShare)
	s.AsSecret(token(locked), "a long password").Do("GET", "/dav/a.txt", "").Want(t, 401) // though it is remembered
	s.Unshare(sh)
	dead := s.AsSecret(token(link), "").Do("GET", "/dav/a.txt", "").Want(t, 401)
	if unknown := s.AsSecret("nobody", "").Do("GET", "/dav/a.txt", ""); faces(dead, "") != faces(unknown, "") {
		t.Errorf("a dead link answers\n%s\nan unknown name\n%s", faces(dead, ""), faces(unknown, ""))
	}
}

// Downloads are counted before they leave, and end the link at their number.
func TestDownloads(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	s.As("mia").Do("PUT", "/dav/home/plans/big.bin", content("x", large)).Want(t, 201)
	counted := func(sh policy.Share) int64 {
		t.Helper()
		list, err := s.Store.Operator().Shares(func(_ *policy.State, o *policy.Share) bool { return o.ID == sh.ID })
		if err != nil || len(list) != 1 {
			t.Fatalf("%v %v", list, err)
		}
		return list[0].Downloads
	}
	c := s.As("")
	link, sh := s.Link("mia", "~mia/plans", davtest.NewLink{DownloadsMax: 3})
	etag := c.Do("HEAD", link+"/a.txt", "").Want(t, 200).Header.Get("Etag")
	c.Do("PROPFIND", link+"/", "", "Depth", "infinity").Want(t, 207)
	c.Do("GET", link+"/", "").Want(t, 200)
	c.Do("GET", link+"/none.txt", "").Want(t, 404)
	c.Do("GET", link+"/a.txt", "", "If-None-Match", etag).Want(t, 304)
	c.Do("GET", link+"/a.txt", "", "If-Match", `"other"`).Want(t, 412)
	if n := counted(sh); n != 0 {
		t.Errorf("%d are counted of none", n)
	}
	for i, part := range []string{"bytes=1-", "bytes=-1", ""} { // a part of it would be a download for nothing
		r := c.Do("GET", link+"/big.bin", "", "Range", part)
		if r.Want(t, 200); len(r.Body) != large {
			t.Errorf("%s gives %d bytes", part, len(r.Body))
		}
		if n := counted(sh); n != int64(i+1) {
			t.Errorf("%d are counted of %d", n, i+1)
		}
	}
	sameAsUnknown(t, c, "used up", link)

	free, sh := s.Link("mia", "~mia/plans", davtest.NewLink{})
	c.Do("GET", free+"/big.bin", "").Want(t, 200)
	c.Do("GET", free+"/big.bin", "", "Range", "bytes=0-9").Want(t, 206)
	c.Do("GET", free+"/big.bin", "", "Range", "bytes=10-").Want(t, 206) // it goes on
	s.As("mia").Do("GET", "/dav/home/plans/big.bin", "").Want(t, 200)
	if n := counted(sh); n != 2 {
		t.Errorf("%d are counted of 2", n)
	}
	s.Restart(store.Options{})
	if n := counted(sh); n != 2 {
		t.Errorf("%d are counted of 2 after a restart", n)
	}
	s.As("").Do("GET", free+"/a.txt", "").Want(t, 200)
	if _, err := s.Store.Collect(context.Background(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if n := counted(sh); n != 3 {
		t.Errorf("%d are counted of 3", n)
	}
}

// Of many downloads at once no more go through than the link allows.
func TestDownloadsAtOnce(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	const most, asked = 5, 20
	link, _ := s.Link("mia", "~mia/plans", davtest.NewLink{DownloadsMax: most})
	var through atomic.Int64
	var all sync.WaitGroup
	for range asked {
		c := s.As("")
		all.Go(func() {
			switch r := c.Do("GET", link+"/a.txt", ""); r.Status {
			case http.StatusOK:
				through.Add(1)
			case http.StatusNotFound:
			default:
				t.Errorf("%d", r.Status)
			}
		})
	}
	all.Wait()
	if n := through.Load(); n != most {
		t.Errorf("%d went through instead of %d", n, most)
	}
}

// A drop box takes in and tells nothing.
func TestDepositLink(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, _ := s.Link("mia", "~mia/plans", davtest.NewLink{Rights: "level:deposit"})
	c := s.As("")
	c.Do("PUT", link+"/in.txt", "x").Want(t, 201)
	for _, name := range []string{"in.txt", "a.txt", "sub/b.txt", "none.txt"} {
		c.Do("GET", link+"/"+name, "").Want(t, 404)
		c.Do("PROPFIND", link+"/"+name, "", "Depth", "0").Want(t, 404)
		c.Do("DELETE", link+"/"+name, "").Want(t, 404)
		c.Do("COPY", link+"/"+name, "", "Destination", link+"/out.txt").Want(t, 404)
	}
	c.Do("PROPFIND", link+"/", "", "Depth", "infinity").Want(t, 207, "!in.txt", "!a.txt", "!sub", "!mia")
	c.Do("GET", link+"/", "").Want(t, 200, "!in.txt", "!a.txt")
	s.As("mia").Do("GET", "/dav/home/plans/in.txt", "").Want(t, 200)
}

// A link ends in the middle of an upload: nothing of it is kept.
func TestLinkEndsDuringUpload(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, sh := s.Link("mia", "~mia/plans", davtest.NewLink{Rights: "level:editor"})
	up, begun := s.As("").Upload(link+"/late.txt", large)
	if !begun {
		t.Fatal("refused")
	}
	defer up.Close()
	up.Say(content("x", large/2))
	s.Unshare(sh)
	up.Say(content("x", large-large/2))
	up.Answer().Want(t, 404)
	s.As("mia").Do("GET", "/dav/home/plans/late.txt", "").Want(t, 404)
}

// A lock taken through a link stands in nobody's way once the link is over.
func TestLinkEndsWithItsLocks(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, sh := s.Link("mia", "~mia/plans", davtest.NewLink{Rights: "level:editor"})
	token := take(t, s.As(""), link+"/a.txt", exclusive)
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/plans/a.txt", "x").Want(t, 423, "<D:href>/dav/home/plans/a.txt</D:href>")
	s.Unshare(sh)
	mia.Do("PUT", "/dav/home/plans/a.txt", "x").Want(t, 204)
	s.As("").Do("UNLOCK", link+"/a.txt", "", "Lock-Token", "<"+token+">").Want(t, 404)
}

// No token stands in the audit trail: who reads it does not come in by it.
func TestTokensStayOutOfTheTrail(t *testing.T) {
	t.Parallel()
	s := linked(t, store.Options{})
	link, sh := s.Link("mia", "~mia/plans", davtest.NewLink{})
	token := strings.TrimPrefix(link, "/s/")
	s.As("").Do("PUT", link+"/a.txt", "x").Want(t, 403)
	s.As("").Do("PUT", "/s/"+percent(token)+"/b%20c", "x").Want(t, 403)
	s.Restart(store.Options{}) // which writes what waits
	lines, err := s.Store.Operator().Audit(context.Background(), store.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, l := range lines {
		text := fmt.Sprint(l.Via, l.Lines, l.By)
		if plain, _ := url.PathUnescape(text); strings.Contains(text, token) || strings.Contains(plain, token) {
			t.Errorf("the trail tells the token: %s", text)
		}
		if l.Kind == store.AuditDenied && l.By.Name == "link:"+strconv.FormatUint(uint64(sh.ID), 36) && strings.HasPrefix(l.Via, "PUT /s/-/") {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d refusals of the link are in the trail instead of 2: %+v", refused, lines)
	}
}
