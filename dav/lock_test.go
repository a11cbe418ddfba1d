package dav_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// exclusive and shared are the bodies of a LOCK.
const (
	exclusive = `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>`
	shared    = `<lockinfo xmlns="DAV:"><lockscope><shared/></lockscope><locktype><write/></locktype></lockinfo>`
)

var tokenForm = regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`) // RFC 4918, section 6.5

// take locks a path and gives the token.
func take(t *testing.T, c *davtest.Client, path, body string, headers ...string) string {
	t.Helper()
	r := c.Do("LOCK", path, body, headers...)
	if r.Status != 200 && r.Status != 201 {
		t.Fatalf("LOCK %s: %d\n%s", path, r.Status, r.Body)
	}
	token := strings.Trim(r.Header.Get("Lock-Token"), "<>")
	if !tokenForm.MatchString(token) || !strings.Contains(r.Body, "<D:locktoken><D:href>"+token+"</D:href>") {
		t.Errorf("LOCK %s: token %q\n%s", path, token, r.Body)
	}
	return token
}

func locksOf(t *testing.T, c *davtest.Client, path string) string {
	t.Helper()
	r := c.Do("PROPFIND", path, `<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>`, "Depth", "0")
	for _, res := range multistatus(t, r) {
		return res.found["lockdiscovery"]
	}
	return ""
}

// RFC 4918, section 7: what a lock keeps from everybody who does not send it.
func TestExclusiveLock(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	mia, max := s.As("mia"), s.As("max")
	mia.Do("PUT", "/dav/Team/a.txt", "one").Want(t, 201)
	mia.Do("PUT", "/dav/Team/b.txt", "other").Want(t, 201)
	token := take(t, mia, "/dav/Team/a.txt", exclusive)
	before := mia.Tree("/dav/Team/")
	for _, c := range []*davtest.Client{mia, max} {
		c.Do("PUT", "/dav/Team/a.txt", "two").Want(t, 423, "<D:lock-token-submitted><D:href>/dav/Team/a.txt</D:href>")
		c.Do("PROPPATCH", "/dav/Team/a.txt", setProp("x", "1")).Want(t, 423)
		c.Do("DELETE", "/dav/Team/a.txt", "").Want(t, 423)
		c.Do("MOVE", "/dav/Team/a.txt", "", "Destination", "/dav/Team/c.txt").Want(t, 423)
		c.Do("MOVE", "/dav/Team/b.txt", "", "Destination", "/dav/Team/a.txt").Want(t, 423)
		c.Do("COPY", "/dav/Team/b.txt", "", "Destination", "/dav/Team/a.txt").Want(t, 423)
		c.Do("LOCK", "/dav/Team/a.txt", exclusive).Want(t, 423, "<D:no-conflicting-lock><D:href>/dav/Team/a.txt</D:href>")
		c.Do("LOCK", "/dav/Team/a.txt", shared).Want(t, 423)
		c.Do("GET", "/dav/Team/a.txt", "").Want(t, 200, "one")
		c.Do("COPY", "/dav/Team/a.txt", "", "Destination", "/dav/home/copy.txt").Want(t, 201)
	}
	if after := mia.Tree("/dav/Team/"); after != before {
		t.Errorf("the folder changed to\n%s", after)
	}
	mia.Do("PUT", "/dav/Team/a.txt", "two", "If", "(<"+token+">)").Want(t, 204)
	mia.Do("PUT", "/dav/Team/a.txt", "two", "If", "<"+s.URL+"/dav/Team/a.txt> (<"+token+">)").Want(t, 204) // davfs2 tags
	mia.Do("PROPPATCH", "/dav/Team/a.txt", setProp("x", "1"), "If", "(<"+token+">)").Want(t, 207)
	mia.Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "<"+token+">").Want(t, 204)
	max.Do("PUT", "/dav/Team/a.txt", "three").Want(t, 204)
}

// A lock cannot be talked away.
func TestLockBypass(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=manager")
	mia, max := s.As("mia"), s.As("max")
	mia.Do("PUT", "/dav/Team/a.txt", "one").Want(t, 201)
	mia.Do("PUT", "/dav/Team/b.txt", "one").Want(t, 201)
	token := take(t, mia, "/dav/Team/a.txt", exclusive)
	other := take(t, mia, "/dav/Team/b.txt", exclusive)
	etag := mia.Do("HEAD", "/dav/Team/a.txt", "").Header.Get("Etag")
	before := mia.Tree("/dav/Team/")
	for _, condition := range []string{
		"(<DAV:no-lock>) (Not <DAV:no-lock>)",
		"(Not <DAV:no-lock>)",
		"([" + etag + "])",
		"(<urn:uuid:00000000-0000-0000-0000-000000000000>) ([" + etag + "])",
		"(<" + other + ">)",
		"(<" + other + ">) (Not <DAV:no-lock>)",
		"</dav/Team/b.txt> (<" + token + ">)", // the right token for another resource
		"</dav/Team/b.txt> (<" + token + ">) (Not <DAV:no-lock>)",
		"</dav/Team/b.txt> (<" + other + ">)",
		"<" + s.URL + "/dav/Team/> (Not <" + token + ">)",
		"<http://elsewhere.example/dav/Team/a.txt> (<" + token + ">) (Not <DAV:no-lock>)",
	} {
		for _, method := range []string{"PUT", "DELETE", "PROPPATCH"} {
			if r := mia.Do(method, "/dav/Team/a.txt", setProp("x", "1"), "If", condition); r.Status != 412 && r.Status != 423 {
				t.Errorf("%s with If: %s: %d", method, condition, r.Status)
			}
		}
	}
	// The token is bound to the user, whatever level the other one has.
	max.Do("PUT", "/dav/Team/a.txt", "two", "If", "(<"+token+">)").Want(t, 423)
	max.Do("LOCK", "/dav/Team/a.txt", "", "If", "(<"+token+">)").Want(t, 412)
	if after := mia.Tree("/dav/Team/"); after != before {
		t.Errorf("the folder changed to\n%s", after)
	}
}

// Only the holder unlocks, or who has the right to break locks.
func TestUnlock(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max", "ben")
	s.Space("Team", "user:mia=editor", "user:max=editor", "user:ben=manager")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/Team/a.txt", "one").Want(t, 201)
	mia.Do("PUT", "/dav/Team/b.txt", "one").Want(t, 201)
	token := take(t, mia, "/dav/Team/a.txt", exclusive)
	s.As("max").Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "<"+token+">").Want(t, 403, "<D:unlock/>")
	mia.Do("UNLOCK", "/dav/Team/b.txt", "", "Lock-Token", "<"+token+">").Want(t, 409, "<D:lock-token-matches-request-uri/>")
	mia.Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "<urn:uuid:no>").Want(t, 409)
	mia.Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "nonsense").Want(t, 400)
	mia.Do("UNLOCK", "/dav/Team/a.txt", "").Want(t, 400)
	s.As("ben").Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "<"+token+">").Want(t, 204)
	token = take(t, mia, "/dav/Team/b.txt", exclusive)
	mia.Do("UNLOCK", "/dav/Team/b.txt", "", "Lock-Token", token).Want(t, 204) // as npm webdav 5.11 does
	mia.Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "<"+token+">").Want(t, 409)
}

// Breaking a lock takes the right at its root, which may stand above the path.
func TestBreakLockFromBelow(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	mia, max := s.As("mia"), s.As("max")
	tree(t, mia, "/dav/Team/a/", "/dav/Team/a/b/", "/dav/Team/a/b/c.txt")
	s.Entry("/Team/a/b", "user:max", policy.Entry{Allow: policy.BreakLock})
	token := take(t, mia, "/dav/Team/a", exclusive)
	max.Do("UNLOCK", "/dav/Team/a/b/c.txt", "", "Lock-Token", "<"+token+">").Want(t, 403, "<D:href>/dav/Team/a</D:href>", "<D:unlock/>")
	mia.Do("UNLOCK", "/dav/Team/a/b/c.txt", "", "Lock-Token", "<"+token+">").Want(t, 204) // RFC 4918, section 9.11: any resource in its scope
	token = take(t, mia, "/dav/Team/a/b", exclusive)
	max.Do("UNLOCK", "/dav/Team/a/b/c.txt", "", "Lock-Token", "<"+token+">").Want(t, 204)
}

func TestSharedLocks(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	mia, max := s.As("mia"), s.As("max")
	mia.Do("PUT", "/dav/Team/a.txt", "one").Want(t, 201)
	first := take(t, mia, "/dav/Team/a.txt", shared)
	second := take(t, max, "/dav/Team/a.txt", shared)
	mia.Do("LOCK", "/dav/Team/a.txt", exclusive).Want(t, 423)
	if locks := locksOf(t, max, "/dav/Team/a.txt"); !strings.Contains(locks, first) || !strings.Contains(locks, second) || strings.Contains(locks, "exclusive") {
		t.Errorf("lockdiscovery: %s", locks)
	}
	mia.Do("PUT", "/dav/Team/a.txt", "two").Want(t, 423)
	mia.Do("PUT", "/dav/Team/a.txt", "two", "If", "(<"+second+">)").Want(t, 423)
	mia.Do("PUT", "/dav/Team/a.txt", "two", "If", "(<"+first+">)").Want(t, 204) // RFC 4918, section 6.2: one of them is enough
	mia.Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "<"+first+">").Want(t, 204)
	mia.Do("PUT", "/dav/Team/a.txt", "three").Want(t, 423)
	max.Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "<"+second+">").Want(t, 204)
	mia.Do("PUT", "/dav/Team/a.txt", "three").Want(t, 204)
}

// RFC 4918, sections 7.4 and 9.10.3
func TestLockDepth(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	mia, max := s.As("mia"), s.As("max")
	for _, path := range []string{"/dav/Team/zero", "/dav/Team/zero/in", "/dav/Team/deep", "/dav/Team/deep/in"} {
		mia.Do("MKCOL", path, "").Want(t, 201)
		mia.Do("PUT", path+"/a.txt", "one").Want(t, 201)
	}
	mia.Do("LOCK", "/dav/Team/zero", exclusive, "Depth", "1").Want(t, 400)
	zero := take(t, mia, "/dav/Team/zero", exclusive, "Depth", "0")
	max.Do("PUT", "/dav/Team/zero/a.txt", "two").Want(t, 204)
	max.Do("PUT", "/dav/Team/zero/new.txt", "new").Want(t, 423, "/dav/Team/zero<") // a member more
	max.Do("DELETE", "/dav/Team/zero/a.txt", "").Want(t, 423)                      // a member less
	max.Do("MKCOL", "/dav/Team/zero/sub", "").Want(t, 423)
	max.Do("LOCK", "/dav/Team/zero/new.txt", exclusive).Want(t, 423)
	max.Do("PUT", "/dav/Team/zero/in/new.txt", "new").Want(t, 201)
	mia.Do("PUT", "/dav/Team/zero/new.txt", "new", "If", "(<"+zero+">)").Want(t, 412) // the new name has no such state
	mia.Do("PUT", "/dav/Team/zero/new.txt", "new", "If", "</dav/Team/zero> (<"+zero+">)").Want(t, 201)

	deep := take(t, mia, "/dav/Team/deep", exclusive)
	max.Do("PUT", "/dav/Team/deep/in/a.txt", "two").Want(t, 423, "<D:href>/dav/Team/deep</D:href>")
	max.Do("PUT", "/dav/Team/deep/in/new.txt", "two").Want(t, 423)
	max.Do("LOCK", "/dav/Team/deep/in/a.txt", exclusive).Want(t, 423)
	mia.Do("PUT", "/dav/Team/deep/in/a.txt", "two", "If", "(<"+deep+">)").Want(t, 204)
	mia.Do("PUT", "/dav/Team/deep/in/new.txt", "two", "If", "(<"+deep+">)").Want(t, 201)
	if locks := locksOf(t, max, "/dav/Team/deep/in/new.txt"); !strings.Contains(locks, "<D:lockroot><D:href>/dav/Team/deep</D:href>") ||
		!strings.Contains(locks, "<D:depth>infinity</D:depth>") {
		t.Errorf("lockdiscovery: %s", locks)
	}
	// A lock below stands in the way of one on everything.
	take(t, max, "/dav/Team/zero/in/a.txt", exclusive)
	mia.Do("UNLOCK", "/dav/Team/zero", "", "Lock-Token", "<"+zero+">").Want(t, 204)
	mia.Do("LOCK", "/dav/Team/zero", exclusive).Want(t, 423, "/dav/Team/zero/in/a.txt")
	mia.Do("LOCK", "/dav/Team/zero", exclusive, "Depth", "0").Want(t, 200)
}

// LibreOffice locks a name before it is there: it becomes an empty file.
// RFC 4918, section 7.3
func TestLockOnUnmappedName(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	r := mia.Do("LOCK", "/dav/home/new.odt", exclusive).Want(t, 201)
	token := r.Header.Get("Lock-Token")
	if got := mia.Do("GET", "/dav/home/new.odt", "").Want(t, 200); got.Body != "" || got.Header.Get("Etag") == "" {
		t.Errorf("%q, %v", got.Body, got.Header)
	}
	mia.Do("HEAD", "/dav/home/new.odt", "").Want(t, 200)
	mia.Do("PUT", "/dav/home/new.odt", "text").Want(t, 423)
	mia.Do("PUT", "/dav/home/new.odt", "text", "If", "("+token+")").Want(t, 204)
	mia.Do("LOCK", "/dav/home/missing/new.odt", exclusive).Want(t, 409)
	mia.Do("UNLOCK", "/dav/home/new.odt", "", "Lock-Token", token).Want(t, 204)
	mia.Do("GET", "/dav/home/new.odt", "").Want(t, 200, "text")
}

// RFC 4918, section 10.7: every wish gets an answer, and none is granted for ever.
func TestTimeout(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for wish, want := range map[string]string{
		"":                             "Second-3600",
		"Infinite":                     "Second-3600",
		"Infinite, Second-4100000000":  "Second-3600",
		"Second-4100000000, Infinite":  "Second-3600",
		"Second-60":                    "Second-60",
		"Second-99999999999999999999":  "Second-3600",
		"Second--5":                    "Second-3600",
		"Extend, Second-600, Infinite": "Second-600",
		"Second-0":                     "Second-3600",
		"soon":                         "Second-3600",
	} {
		r := mia.Do("LOCK", "/dav/home/a.txt", exclusive, "Timeout", wish)
		if !strings.Contains(r.Body, "<D:timeout>"+want+"</D:timeout>") {
			t.Errorf("Timeout: %s: %d\n%s", wish, r.Status, r.Body)
		}
		mia.Do("UNLOCK", "/dav/home/a.txt", "", "Lock-Token", r.Header.Get("Lock-Token")).Want(t, 204)
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/folder", "").Want(t, 201)
	token := take(t, mia, "/dav/home/folder", exclusive, "Timeout", "Second-60")
	r := mia.Do("LOCK", "/dav/home/folder", "", "If", "(<"+token+">)", "Timeout", "Second-600").
		Want(t, 200, "<D:timeout>Second-600</D:timeout>", token)
	if r.Header.Get("Lock-Token") != "" { // RFC 4918, section 9.10.2
		t.Errorf("a refresh answers Lock-Token: %v", r.Header)
	}
	// From any resource that the lock covers.
	mia.Do("PUT", "/dav/home/folder/a.txt", "x", "If", "(<"+token+">)").Want(t, 201)
	mia.Do("LOCK", "/dav/home/folder/a.txt", "", "If", "(<"+token+">)").Want(t, 200, token, "<D:lockroot><D:href>/dav/home/folder</D:href>")
	mia.Do("LOCK", "/dav/home/folder", "").Want(t, 412)
	mia.Do("LOCK", "/dav/home/folder", "", "If", "(<urn:uuid:no>)").Want(t, 412)
	mia.Do("LOCK", "/dav/home/none", "", "If", "(<"+token+">)").Want(t, 404)
}

// A lock that its client forgot ends by itself.
func TestLockExpires(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := davtest.StartWith(t, store.Options{Clock: clock.Now}, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	token := take(t, s.As("mia"), "/dav/Team/a.txt", exclusive, "Timeout", "Second-60")
	clock.advance(59 * time.Second)
	s.As("max").Do("PUT", "/dav/Team/a.txt", "x").Want(t, 423)
	clock.advance(time.Second)
	s.As("max").Do("PUT", "/dav/Team/a.txt", "x").Want(t, 204)
	if locks := locksOf(t, s.As("max"), "/dav/Team/a.txt"); locks != "" {
		t.Errorf("lockdiscovery: %s", locks)
	}
	s.As("mia").Do("PUT", "/dav/Team/a.txt", "y", "If", "(<"+token+">)").Want(t, 412)
	take(t, s.As("max"), "/dav/Team/a.txt", exclusive)
}

func TestLockDiscovery(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=viewer")
	const owner = `<owner><href>mailto:mia@example.org</href> &amp; Office</owner>`
	mia := s.As("mia")
	token := take(t, mia, "/dav/Team/a.txt", strings.Replace(exclusive, "</lockinfo>", owner+"</lockinfo>", 1), "Depth", "0")
	take(t, mia, "/dav/Team/b.txt", exclusive)
	locks := locksOf(t, s.As("max"), "/dav/Team/a.txt")
	for _, part := range []string{"<D:locktype><D:write/></D:locktype>", "<D:lockscope><D:exclusive/></D:lockscope>", "<D:depth>0</D:depth>",
		"mailto:mia@example.org", " &amp; Office", "<D:timeout>Second-", token, "<D:lockroot><D:href>/dav/Team/a.txt</D:href></D:lockroot>"} {
		if !strings.Contains(locks, part) {
			t.Errorf("lockdiscovery lacks %s\n%s", part, locks)
		}
	}
	// A colleague reads who has it, though the client did not say.
	if locks := locksOf(t, s.As("max"), "/dav/Team/b.txt"); !strings.Contains(locks, "<D:owner>mia</D:owner>") {
		t.Errorf("lockdiscovery: %s", locks)
	}
}

func TestLocksOverRestart(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	token := take(t, s.As("mia"), "/dav/Team/a.txt", exclusive)
	s.Restart(store.Options{})
	s.As("max").Do("PUT", "/dav/Team/a.txt", "x").Want(t, 423)
	s.As("mia").Do("PUT", "/dav/Team/a.txt", "x", "If", "(<"+token+">)").Want(t, 204)
	s.As("mia").Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", "<"+token+">").Want(t, 204)
	s.Restart(store.Options{})
	s.As("max").Do("PUT", "/dav/Team/a.txt", "y").Want(t, 204)
}

// A resource that goes away or moves takes no lock along.
// RFC 4918, sections 7.5, 9.6 and 9.9
func TestLocksEndWithTheResource(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, end := range []func(condition string){
		func(c string) { mia.Do("DELETE", "/dav/home/a/f.txt", "", "If", c).Want(t, 204) },
		func(c string) {
			mia.Do("MOVE", "/dav/home/a/f.txt", "", "Destination", "/dav/home/g.txt", "If", c).Want(t, 201)
		},
		func(c string) {
			mia.Do("MOVE", "/dav/home/a", "", "Destination", "/dav/home/b", "If", "</dav/home/a/f.txt> "+c).Want(t, 201)
		},
	} {
		mia.Do("MKCOL", "/dav/home/a", "")
		token := take(t, mia, "/dav/home/a/f.txt", exclusive)
		end("(<" + token + ">)")
		mia.Do("MKCOL", "/dav/home/a", "")
		mia.Do("PUT", "/dav/home/a/f.txt", "again").Want(t, 201)
	}
	mia.Do("PUT", "/dav/home/g.txt", "x").Want(t, 204)
	mia.Do("PUT", "/dav/home/b/f.txt", "x").Want(t, 204)
}

// A folder that holds somebody's locked file stays whole.
func TestFolderWithALockedFile(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	mia, max := s.As("mia"), s.As("max")
	mia.Do("MKCOL", "/dav/Team/a", "").Want(t, 201)
	mia.Do("MKCOL", "/dav/Team/a/b", "").Want(t, 201)
	mia.Do("PUT", "/dav/Team/other.txt", "x").Want(t, 201)
	take(t, mia, "/dav/Team/a/b/locked.txt", exclusive)
	before := mia.Tree("/dav/Team/")
	max.Do("DELETE", "/dav/Team/a", "").Want(t, 423, "/dav/Team/a/b/locked.txt")
	max.Do("MOVE", "/dav/Team/a", "", "Destination", "/dav/Team/c").Want(t, 423, "/dav/Team/a/b/locked.txt")
	max.Do("MOVE", "/dav/Team/other.txt", "", "Destination", "/dav/Team/a").Want(t, 423)
	max.Do("COPY", "/dav/Team/other.txt", "", "Destination", "/dav/Team/a").Want(t, 423)
	if after := mia.Tree("/dav/Team/"); after != before {
		t.Errorf("the folder changed to\n%s", after)
	}
}

// The save sequence of Office on Windows: MOVE needs only the tokens of what is
// locked.
func TestMoveOfALockedTemporaryFile(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/plan.docx", "old").Want(t, 201)
	original := take(t, mia, "/dav/home/plan.docx", exclusive)
	mia.Do("PUT", "/dav/home/~tmp.docx", "new").Want(t, 201)
	mia.Do("UNLOCK", "/dav/home/plan.docx", "", "Lock-Token", "<"+original+">").Want(t, 204)
	tmp := take(t, mia, "/dav/home/~tmp.docx", exclusive)
	mia.Do("MOVE", "/dav/home/~tmp.docx", "", "Destination", "/dav/home/plan.docx").Want(t, 423)
	mia.Do("MOVE", "/dav/home/~tmp.docx", "", "Destination", "/dav/home/plan.docx", "If", "(<"+tmp+">)").Want(t, 204)
	mia.Do("GET", "/dav/home/plan.docx", "").Want(t, 200, "new")
}

func TestLockBodies(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("LOCK", "/dav/home/a.txt", "<lockinfo").Want(t, 400)
	mia.Do("LOCK", "/dav/home/a.txt", strings.Replace(exclusive, "write", "read", 2)).Want(t, 400)
	mia.Do("LOCK", "/dav/home/a.txt", `<lockinfo xmlns="DAV:"/>`).Want(t, 400)
	mia.Do("GET", "/dav/home/a.txt", "").Want(t, 404)
	mia.Do("LOCK", "/dav/home/a.txt", exclusive, "Content-Type", "text/plain").Want(t, 201) // npm webdav
	mia.Do("LOCK", "/dav/home", exclusive).Want(t, 403)
}
