package dav_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
)

// faces is everything of an answer that its reader can tell apart from another,
// with the asked name left out.
func faces(r *davtest.Response, name string) string {
	var b strings.Builder
	h := r.Header.Clone()
	h.Del("Date")
	h.Write(&b)
	return http.StatusText(r.Status) + "\n" + strings.ReplaceAll(b.String()+r.Body, name, "NAME")
}

// probes are requests that would tell whether something is there. NAME stands
// for what is asked about.
var probes = []struct {
	method, path, body string
	headers            []string
	creates            bool // who may add here is told of a hidden name
}{
	{"GET", "NAME", "", nil, false},
	{"GET", "NAME", "", []string{"If-None-Match", "*"}, false},
	{"GET", "NAME/in.txt", "", nil, false},
	{"HEAD", "NAME", "", nil, false},
	{"OPTIONS", "NAME", "", nil, false},
	{"PROPFIND", "NAME", "", []string{"Depth", "0"}, false},
	{"PROPFIND", "NAME", "", []string{"Depth", "infinity"}, false},
	{"PROPFIND", "NAME/in.txt", "", []string{"Depth", "0"}, false},
	{"PROPPATCH", "NAME", setProp("x", "1"), nil, false},
	{"PROPPATCH", "NAME", `<propertyupdate xmlns="DAV:"><set><prop><getetag>x</getetag></prop></set></propertyupdate>`, nil, false},
	{"ACL", "NAME", `<acl xmlns="DAV:"/>`, nil, false},
	{"ACL", "NAME", `<acl xmlns="DAV:"><ace><principal><self/></principal><grant><privilege><read/></privilege></grant></ace></acl>`, []string{"If-Match", "*"}, false},
	{"REPORT", "NAME", `<expand-property xmlns="DAV:"><property name="owner"><property name="displayname"/></property></expand-property>`, nil, false},
	{"REPORT", "NAME", `<principal-match xmlns="DAV:"><self/></principal-match>`, nil, false},
	{"REPORT", "NAME", `<principal-property-search xmlns="DAV:"><property-search><prop><displayname/></prop><match>m</match></property-search></principal-property-search>`, nil, false},
	{"REPORT", "NAME", `<principal-search-property-set xmlns="DAV:"/>`, nil, false},
	{"REPORT", "NAME", `<acl-principal-prop-set xmlns="DAV:"/>`, nil, false},
	{"REPORT", "NAME/in.txt", `<sync-tree xmlns="DAV:"/>`, nil, false},
	{"REPORT", "NAME", syncBody("", "1", 0), nil, false},
	{"REPORT", "NAME", syncBody("urn:davit:sync:AAAA", "infinite", 1), nil, false},
	{"SEARCH", "NAME", query("", "infinity", ""), nil, false},
	{"SEARCH", "/dav/home/", query("NAME", "infinity", ""), nil, false},
	{"DELETE", "NAME", "", nil, false},
	{"DELETE", "NAME", "", []string{"If-Match", "*"}, false},
	{"DELETE", "NAME/in.txt", "", nil, false},
	{"COPY", "NAME", "", []string{"Destination", "/dav/home/stolen"}, false},
	{"MOVE", "NAME", "", []string{"Destination", "/dav/home/stolen"}, false},
	{"UNLOCK", "NAME", "", []string{"Lock-Token", "<TOKEN>"}, false},
	{"LOCK", "NAME", "", []string{"If", "(<TOKEN>)"}, false}, // a refresh
	{"PUT", "NAME", "x", nil, true},
	{"PUT", "NAME", "x", []string{"If-None-Match", "*"}, true},
	{"PUT", "NAME/new.txt", "x", nil, false},
	{"PUT", "NAME/in.txt", "x", nil, false},
	{"PUT", "NAME/in.txt/deeper", "x", nil, false},
	{"MKCOL", "NAME", "", nil, true},
	{"MKCOL", "NAME/new", "", nil, false},
	{"LOCK", "NAME", exclusive, nil, true},
	{"LOCK", "NAME/new.txt", exclusive, nil, false},
	{"COPY", "/dav/home/mine.txt", "", []string{"Destination", "NAME"}, true},
	{"COPY", "/dav/home/mine.txt", "", []string{"Destination", "NAME", "Overwrite", "F"}, true},
	{"MOVE", "/dav/home/mine.txt", "", []string{"Destination", "NAME"}, true},
	{"MOVE", "/dav/home/mine.txt", "", []string{"Destination", "NAME/new.txt"}, false},
	{"BREW", "NAME", "", nil, false},
}

// A hidden thing answers as a missing one, byte for byte, to who may not add
// there: in a space that is closed to ben and behind walls in one that is open.
func TestHiddenIsMissing(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "ben")
	s.Space("Closed", "user:mia=editor")
	s.Space("Open", "user:mia=editor", "user:ben=viewer")
	mia, ben := s.As("mia"), s.As("ben")
	tree(t, mia, "/dav/Closed/hidden/", "/dav/Closed/hidden/in.txt", "/dav/Closed/hidden.txt",
		"/dav/Open/hidden/", "/dav/Open/hidden/in.txt", "/dav/Open/hidden.txt")
	s.Entry("/Open/hidden", "user:ben", wall)
	s.Entry("/Open/hidden.txt", "user:ben", wall)
	tree(t, ben, "/dav/home/mine.txt")
	token := take(t, mia, "/dav/Open/hidden.txt", exclusive)
	before := mia.Tree("/dav/Open/") + mia.Tree("/dav/Closed/")
	for _, name := range []struct{ hidden, missing string }{
		{"/dav/Closed", "/dav/Absent"},
		{"/dav/Closed/hidden", "/dav/Absent/hidden"},
		{"/dav/Closed/hidden.txt", "/dav/Closed/absent.txt"},
		{"/dav/Open/hidden", "/dav/Open/absent"},
		{"/dav/Open/hidden.txt", "/dav/Open/absent.txt"},
	} {
		for _, p := range probes {
			answer := func(name string) string {
				put := strings.NewReplacer("NAME", name, "TOKEN", token)
				headers := make([]string, len(p.headers))
				for i, h := range p.headers {
					headers[i] = put.Replace(h)
				}
				r := ben.Do(p.method, put.Replace(p.path), p.body, headers...)
				if r.Status < 400 && p.method != "OPTIONS" {
					t.Errorf("%s %s: %d", p.method, name, r.Status)
				}
				return faces(r, name)
			}
			if hidden, missing := answer(name.hidden), answer(name.missing); hidden != missing {
				t.Errorf("%s %s %v\nhidden:\n%s\nmissing:\n%s", p.method, name.hidden, p.headers, hidden, missing)
			}
		}
	}
	ben.Do("GET", "/dav/home/mine.txt", "").Want(t, 200)
	if after := mia.Tree("/dav/Open/") + mia.Tree("/dav/Closed/"); after != before {
		t.Errorf("the spaces changed to\n%s", after)
	}
	for _, path := range []string{"/", "/dav/", "/dav/Open/"} {
		ben.Do("PROPFIND", path, "", "Depth", "infinity").Want(t, 207, "!hidden", "!Closed")
		ben.Do("GET", path, "").Want(t, 200, "!hidden", "!Closed")
	}
}

// Who may add beside something hidden cannot have its name. That it is taken is
// all that the refusal tells.
func TestCreatingOntoAHiddenName(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "ben")
	s.Space("Open", "user:mia=editor", "user:ben=editor")
	mia, ben := s.As("mia"), s.As("ben")
	tree(t, mia, "/dav/Open/hidden/", "/dav/Open/hidden/in.txt", "/dav/Open/hidden.txt")
	s.Entry("/Open/hidden", "user:ben", wall)
	s.Entry("/Open/hidden.txt", "user:ben", wall)
	before := mia.Tree("/dav/Open/")
	for _, name := range []string{"/dav/Open/hidden", "/dav/Open/hidden.txt"} {
		for _, p := range probes {
			if !p.creates {
				continue
			}
			ben.Do("PUT", "/dav/home/mine.txt", "x")
			headers := make([]string, len(p.headers))
			for i, h := range p.headers {
				headers[i] = strings.ReplaceAll(h, "NAME", name)
			}
			ben.Do(p.method, strings.ReplaceAll(p.path, "NAME", name), p.body, headers...).Want(t, 403, "!need-privileges", "!hidden")
		}
	}
	if after := mia.Tree("/dav/Open/"); after != before {
		t.Errorf("the space changed to\n%s", after)
	}
}

// Conditions cannot be used to ask about what is hidden: guessing its tag or its
// lock right answers as guessing wrong, and "Not" does not help.
func TestConditionsTellNothingHidden(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "ben")
	s.Space("Open", "user:mia=editor", "user:ben=editor")
	s.Space("Closed", "user:mia=editor")
	mia, ben := s.As("mia"), s.As("ben")
	tree(t, mia, "/dav/Open/hidden.txt", "/dav/Open/dir/", "/dav/Open/dir/hidden.txt", "/dav/Closed/hidden.txt")
	tree(t, ben, "/dav/Open/mine.txt")
	s.Entry("/Open/hidden.txt", "user:ben", wall)
	s.Entry("/Open/dir/hidden.txt", "user:ben", wall)
	above := take(t, ben, "/dav/Open/dir", exclusive) // covers what he sees and what he does not
	locks := map[string]string{"/dav/Closed": "urn:uuid:none", "/dav/Open/dir/hidden.txt": "urn:uuid:none",
		"/dav/Open/hidden.txt": take(t, mia, "/dav/Open/hidden.txt", exclusive), "/dav/Closed/hidden.txt": take(t, mia, "/dav/Closed/hidden.txt", exclusive)}
	for _, name := range []struct{ hidden, missing string }{
		{"/dav/Open/hidden.txt", "/dav/Open/absent.txt"},
		{"/dav/Open/dir/hidden.txt", "/dav/Open/dir/absent.txt"},
		{"/dav/Closed/hidden.txt", "/dav/Closed/absent.txt"},
		{"/dav/Closed/hidden.txt", "/dav/Absent/hidden.txt"},
		{"/dav/Closed", "/dav/Absent"},
	} {
		tag := mia.Do("HEAD", name.hidden, "").Want(t, 200).Header.Get("Etag")
		for _, condition := range []string{"<" + locks[name.hidden] + ">", "<" + above + ">", "[" + cmp.Or(tag, `""`) + "]", `["guess"]`} {
			for _, form := range []string{"<NAME> (COND)", "<NAME> (Not COND)", "<NAME> (COND) (Not COND)", "<" + s.URL + "NAME> (COND)"} {
				answer := func(name string) string {
					condition := strings.NewReplacer("NAME", name, "COND", condition).Replace(form)
					return faces(ben.Do("GET", "/dav/Open/mine.txt", "", "If", condition), name) +
						faces(ben.Do("PUT", "/dav/home/x.txt", "x", "If", condition, "If-Match", `"never"`), name)
				}
				if hidden, missing := answer(name.hidden), answer(name.missing); hidden != missing {
					t.Errorf("If: %s with %s about %s\nhidden:\n%s\nmissing:\n%s", form, condition, name.hidden, hidden, missing)
				}
			}
		}
	}
}

// What stands in the way below a tree is not named to who may not see it.
func TestHiddenLocksAreNotNamed(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "ben")
	s.Space("Open", "user:mia=editor", "user:ben=editor")
	mia, ben := s.As("mia"), s.As("ben")
	tree(t, mia, "/dav/Open/dir/", "/dav/Open/dir/secret.txt", "/dav/Open/dir/open.txt")
	s.Entry("/Open/dir/secret.txt", "user:ben", wall)
	take(t, mia, "/dav/Open/dir/secret.txt", exclusive)
	ben.Do("LOCK", "/dav/Open/dir", exclusive).Want(t, 423, "!secret")
	ben.Do("DELETE", "/dav/Open/dir", "").Want(t, 403, "!secret")
	ben.Do("PROPFIND", "/dav/Open/dir", "", "Depth", "infinity").Want(t, 207, "!secret", "open.txt")
	// A lock that stands above a folder he was let into, in a space that is closed.
	s.Space("Closed", "user:mia=editor")
	tree(t, mia, "/dav/Closed/private/", "/dav/Closed/private/shared/", "/dav/Closed/private/shared/a.txt")
	s.Entry("/Closed/private/shared", "user:ben", policy.Entry{Allow: policy.See | policy.Read | policy.Write})
	take(t, mia, "/dav/Closed/private", exclusive)
	ben.Do("PUT", "/dav/Closed/private/shared/a.txt", "x").Want(t, 423)
}

// A drop box takes files in and shows none. One of a name that is taken gets a
// number: nothing is lost.
func TestDropBox(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "ben", "max")
	s.Space("Box", "user:mia=editor", "user:ben=deposit", "user:max=deposit")
	mia, ben, max := s.As("mia"), s.As("ben"), s.As("max")
	tree(t, ben, "/dav/home/a.pdf", "/dav/home/Photos/", "/dav/home/Photos/1.jpg")
	ben.Do("PUT", "/dav/Box/a.pdf", "one").Want(t, 201)
	ben.Do("PUT", "/dav/Box/big.bin", content("b", large)).Want(t, 201)
	ben.Do("PUT", "/dav/Box/a.pdf", "two").Want(t, 201)
	max.Do("PUT", "/dav/Box/a.pdf", "three", "If-None-Match", "*").Want(t, 201)
	ben.Do("COPY", "/dav/home/a.pdf", "", "Destination", "/dav/Box/a.pdf", "Overwrite", "F").Want(t, 201)
	ben.Do("MOVE", "/dav/home/a.pdf", "", "Destination", "/dav/Box/a.pdf").Want(t, 201)
	for _, method := range []string{"GET", "HEAD", "DELETE", "PROPFIND"} {
		ben.Do(method, "/dav/Box/a.pdf", "").Want(t, 404)
	}
	ben.Do("LOCK", "/dav/Box/a.pdf", exclusive).Want(t, 404)
	ben.Do("PROPPATCH", "/dav/Box/a.pdf", setProp("x", "1")).Want(t, 404)
	// A folder that is there already takes in what another one of its name brings.
	for _, c := range []*davtest.Client{ben, max} {
		c.Do("MKCOL", "/dav/Box/Photos", "").Want(t, 201)
		c.Do("PUT", "/dav/Box/Photos/1.jpg", "x").Want(t, 201)
	}
	ben.Do("COPY", "/dav/home/Photos", "", "Destination", "/dav/Box/Holiday").Want(t, 201)
	ben.Do("MKCOL", "/dav/Box/a.pdf", "").Want(t, 201)
	sameList(t, "box", hrefs(t, ben.Do("PROPFIND", "/dav/Box/", "", "Depth", "infinity")), []string{"/dav/Box/"})
	sameList(t, "what is in it", hrefs(t, mia.Do("PROPFIND", "/dav/Box/", "", "Depth", "infinity")), []string{
		"/dav/Box/", "/dav/Box/Holiday/", "/dav/Box/Holiday/1.jpg", "/dav/Box/Photos/", "/dav/Box/Photos/1%20(2).jpg", "/dav/Box/Photos/1.jpg",
		"/dav/Box/a%20(2).pdf", "/dav/Box/a%20(3).pdf", "/dav/Box/a%20(4).pdf", "/dav/Box/a%20(5).pdf", "/dav/Box/a%20(6).pdf/",
		"/dav/Box/a.pdf", "/dav/Box/big.bin"})
	mia.Do("GET", "/dav/Box/a.pdf", "").Want(t, 200, "one")
	mia.Do("GET", "/dav/Box/a%20(2).pdf", "").Want(t, 200, "two")
	mia.Do("GET", "/dav/Box/a%20(3).pdf", "").Want(t, 200, "three")
}

// Whatever is put into a drop box, a name that is taken answers as a fresh one,
// byte for byte; also in one that is the way to something which may be seen.
func TestDropBoxTellsNoNames(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "ben")
	mia, ben := s.As("mia"), s.As("ben")
	for _, box := range []string{"Box", "Hall"} {
		s.Space(box, "user:mia=editor", "user:ben=deposit")
		dir := "/dav/" + box + "/"
		tree(t, mia, dir+"taken", dir+"locked", dir+"folder/", dir+"closed/", dir+"open/")
		s.Entry("/"+box+"/closed", "user:ben", wall)
		if box == "Hall" {
			s.Entry("/Hall/open", "user:ben", policy.Entry{Allow: policy.See | policy.Read})
		}
		token := take(t, mia, dir+"locked", exclusive)
		tag := mia.Do("HEAD", dir+"taken", "").Want(t, 200).Header.Get("Etag")
		fresh := 0
		for _, taken := range []string{"taken", "locked", "folder", "closed"} {
			for _, d := range drops {
				if taken == "folder" && d.method == "LOCK" && d.body == "" {
					continue // one may find out that a folder takes things in
				}
				put := strings.NewReplacer("TOKEN", token, "TAG", tag)
				answer := func(name string) string {
					var headers []string
					for _, h := range d.headers {
						headers = append(headers, put.Replace(h))
					}
					url := dir + name
					if d.method == "COPY" || d.method == "MOVE" {
						ben.Do("PUT", "/dav/home/mine", "m")
						url, headers = "/dav/home/mine", append(headers, "Destination", url)
					}
					return faces(ben.Do(d.method, url, d.body, headers...), name)
				}
				fresh++
				if a, b := answer(taken), answer(fmt.Sprintf("fresh%d", fresh)); a != b {
					t.Errorf("%s %s %v in %s\ntaken:\n%s\nfresh:\n%s", d.method, taken, d.headers, box, a, b)
				}
			}
		}
		if now := mia.Do("HEAD", dir+"taken", "").Want(t, 200).Header.Get("Etag"); now != tag {
			t.Errorf("what was there changed from %s to %s", tag, now)
		}
	}
}

// drops are the ways to put something into a drop box.
var drops = []struct {
	method, body string
	headers      []string
}{
	{"PUT", "x", nil},
	{"PUT", "", nil},
	{"PUT", content("b", large), nil},
	{"PUT", "x", []string{"If-None-Match", "*"}},
	{"PUT", "x", []string{"If-Match", "*"}},
	{"PUT", "x", []string{"If-Match", "TAG"}},
	{"PUT", "x", []string{"If", "([TAG])"}},
	{"PUT", "x", []string{"If", "(<TOKEN>)"}},
	{"PUT", "x", []string{"If", "(Not <TOKEN>)"}},
	{"MKCOL", "", nil},
	{"MKCOL", "", []string{"If-Match", "*"}},
	{"MKCOL", "", []string{"If", "(<TOKEN>)"}},
	{"LOCK", exclusive, nil},
	{"LOCK", "", []string{"If", "(<TOKEN>)"}},
	{"COPY", "", nil},
	{"COPY", "", []string{"Overwrite", "F"}},
	{"MOVE", "", nil},
	{"MOVE", "", []string{"Overwrite", "F"}},
}
