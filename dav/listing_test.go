package dav_test

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"davit/dav/davtest"
)

// resource is what a multistatus tells of one href: properties by "space local"
// or, in DAV:, by their local name.
type resource struct {
	found  map[string]string // name to content
	absent []string          // names told to be 404
}

// multistatus reads a 207 answer as a client does.
func multistatus(t *testing.T, r *davtest.Response) map[string]resource {
	t.Helper()
	var body struct {
		Responses []struct {
			Href      string `xml:"DAV: href"`
			Status    string `xml:"DAV: status"`
			Propstats []struct {
				Status string `xml:"DAV: status"`
				Prop   struct {
					Any []struct {
						XMLName xml.Name
						Inner   string `xml:",innerxml"`
					} `xml:",any"`
				} `xml:"DAV: prop"`
			} `xml:"DAV: propstat"`
		} `xml:"DAV: response"`
	}
	if err := xml.Unmarshal([]byte(r.Want(t, 207).Body), &body); err != nil {
		t.Errorf("%s %s: %v\n%s", r.Method, r.Path, err, r.Body)
	}
	all := map[string]resource{}
	for _, resp := range body.Responses {
		if _, twice := all[resp.Href]; twice {
			t.Errorf("%s %s: %s is there twice", r.Method, r.Path, resp.Href)
		}
		if resp.Status != "" {
			t.Errorf("%s %s: %s has the status %s", r.Method, r.Path, resp.Href, resp.Status)
		}
		res := resource{found: map[string]string{}}
		for _, ps := range resp.Propstats {
			for _, p := range ps.Prop.Any {
				name := strings.TrimPrefix(p.XMLName.Space+" "+p.XMLName.Local, "DAV: ")
				if strings.Contains(ps.Status, "200") {
					res.found[name] = p.Inner
				} else {
					res.absent = append(res.absent, name)
				}
			}
		}
		all[resp.Href] = res
	}
	return all
}

// hrefs are those of a listing, in order.
func hrefs(t *testing.T, r *davtest.Response) []string {
	t.Helper()
	return slices.Sorted(maps.Keys(multistatus(t, r)))
}

func sameList(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q\ninstead of %q", what, got, want)
	}
}

// Others save a document by a temporary file and MOVE while somebody lists the
// folder: each listing is whole.
func TestListingWhileOthersSave(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/office", "").Want(t, 201)
	const documents = 20
	path := func(n int) string { return fmt.Sprintf("/dav/home/office/doc-%02d.txt", n) }
	for n := range documents {
		mia.Do("PUT", path(n), "draft").Want(t, 201)
	}
	race(2, func() {
		there := multistatus(t, mia.Do("PROPFIND", "/dav/home/office/", "", "Depth", "1"))
		for n := range documents {
			if there[path(n)].found["getcontentlength"] != "5" {
				t.Errorf("%s is missing or has not 5 bytes: %v", path(n), there[path(n)])
			}
		}
	}, func() {
		for n := range raceRounds {
			tmp := fmt.Sprintf("/dav/home/office/~%d.tmp", n)
			mia.Do("PUT", tmp, "saved").Want(t, 201)
			mia.Do("MOVE", tmp, "", "Destination", path(n%documents)).Want(t, 204)
		}
	})
}

// A folder that goes, comes and is replaced by a file below a listing of depth
// infinity never spoils the whole of it.
func TestDeepListingWhileFoldersChange(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, path := range []string{"/dav/home/a", "/dav/home/a/b", "/dav/home/z"} {
		mia.Do("MKCOL", path, "").Want(t, 201)
	}
	race(2, func() {
		there := multistatus(t, mia.Do("PROPFIND", "/dav/home/", "", "Depth", "infinity"))
		if _, ok := there["/dav/home/z/"]; !ok {
			t.Errorf("z is missing from %v", there)
		}
	}, func() {
		for range raceRounds {
			mia.Do("PUT", "/dav/home/file", "x").Want(t, 201)
			mia.Do("MOVE", "/dav/home/file", "", "Destination", "/dav/home/a").Want(t, 204)
			mia.Do("DELETE", "/dav/home/a", "").Want(t, 204)
			mia.Do("MKCOL", "/dav/home/a", "").Want(t, 201)
			mia.Do("MKCOL", "/dav/home/a/b", "").Want(t, 201)
		}
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/names", "").Want(t, 201)
	names := []string{
		"with space", "hash#tag", "100%", "a;b", "a+b", "a&b", "it's", `say "hi"`, "<tag>", "Übergröße", "日本語", "\U0001F6A2",
		"a=b,c@d", "~tilde", ".dot", "...", "[br]{ace}", "back\\slash", "q?uestion", "a:b|c*d", "%2F", "\u202Eltr", strings.Repeat("n", 255),
	}
	want := []string{"/dav/home/names/"}
	for i, name := range names {
		path := "/dav/home/names/" + url.PathEscape(name)
		body := fmt.Sprint("content ", i)
		mia.Do("PUT", path, body).Want(t, 201)
		mia.Do("GET", path, "").Want(t, 200, body)
		mia.Do("MOVE", path, "", "Destination", "/dav/home/away").Want(t, 201)
		mia.Do("MOVE", "/dav/home/away", "", "Destination", path).Want(t, 201)
		want = append(want, "/dav/home/names/"+name)
	}
	var got []string
	for _, href := range hrefs(t, mia.Do("PROPFIND", "/dav/home/names/", "", "Depth", "1")) {
		name, err := url.PathUnescape(href)
		if err != nil {
			t.Errorf("%s: %v", href, err)
		}
		mia.Do("HEAD", href, "").Want(t, 200)
		got = append(got, name)
	}
	slices.Sort(want)
	slices.Sort(got)
	sameList(t, "names", got, want)
}

// macOS sends decomposed names; they are the same names.
func TestDecomposedName(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	const composed, decomposed = "/dav/home/caf%C3%A9.txt", "/dav/home/cafe%CC%81.txt"
	mia.Do("PUT", decomposed, "one").Want(t, 201)
	mia.Do("PUT", composed, "two").Want(t, 204)
	mia.Do("GET", decomposed, "").Want(t, 200, "two")
	mia.Do("MOVE", decomposed, "", "Destination", composed).Want(t, 403) // onto itself
	sameList(t, "names", hrefs(t, mia.Do("PROPFIND", "/dav/home/", "", "Depth", "1")), []string{"/dav/home/", composed})
}

// Every spelling of a path is one resource. LibreOffice escapes in lower case
// and more than it has to.
func TestSpellingsOfAPath(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/%C3%A9(1).txt", "one").Want(t, 201)
	for _, path := range []string{"/dav/home/%c3%a9%281%29.txt", "/dav//home/%C3%A9(1).txt", "/%64av/home/%C3%A9(1).txt/", "/dav/home/\u00e9(1).txt"} {
		mia.Do("GET", path, "").Want(t, 200, "one")
	}
	mia.Do("PROPFIND", "/dav/home", "", "Depth", "0").Want(t, 207, "/dav/home/</D:href>") // no redirect
}

// A folder of more than one page is listed whole, at depth 1 and infinity.
func TestListingOfManyPages(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	const files = 1100
	fill(t, s, "many", files)
	mia.Do("MKCOL", "/dav/home/many/zz", "").Want(t, 201)
	mia.Do("PUT", "/dav/home/many/zz/last.txt", "x").Want(t, 201)
	if n := len(hrefs(t, mia.Do("PROPFIND", "/dav/home/many", "", "Depth", "1"))); n != files+2 {
		t.Errorf("%d responses at depth 1", n)
	}
	for _, headers := range [][]string{{"Depth", "infinity"}, nil} { // RFC 4918, section 9.1: infinity is the default
		all := hrefs(t, mia.Do("PROPFIND", "/dav/home", "", headers...))
		if len(all) != files+4 || !slices.Contains(all, "/dav/home/many/zz/last.txt") {
			t.Errorf("%d responses at depth infinity", len(all))
		}
	}
	page := mia.Do("GET", "/dav/home/many/", "").Want(t, 200, "file-000000.txt", "file-001099.txt", "zz/")
	if n := strings.Count(page.Body, "<tr>"); n != files+1 {
		t.Errorf("%d rows", n)
	}
}

// A gauge measures the largest piece in which an answer is sent.
type gauge struct {
	*httptest.ResponseRecorder
	largest int
}

func (g *gauge) Write(p []byte) (int, error) {
	g.largest = max(g.largest, len(p))
	return g.ResponseRecorder.Write(p)
}

// A long listing is sent as it is read, never gathered.
func TestListingIsStreamed(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	fill(t, s, "many", 300)
	for _, depth := range []string{"1", "infinity"} {
		r := httptest.NewRequest("PROPFIND", "/dav/home/many/", nil)
		r.Header.Set("Depth", depth)
		r.SetBasicAuth("mia", davtest.Password)
		g := &gauge{ResponseRecorder: httptest.NewRecorder()}
		s.Handler.ServeHTTP(g, r)
		if g.Code != 207 || g.Body.Len() < 128<<10 || g.largest > 64<<10 {
			t.Errorf("depth %s: %d, %d bytes in pieces of up to %d", depth, g.Code, g.Body.Len(), g.largest)
		}
	}
}

func TestCollectionsForBrowsers(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	s.Space("A & B", "user:mia=editor")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/%3Cscript%3E", "").Want(t, 201)
	for path, member := range map[string]string{
		"/": ">dav<", "/dav": ">home<", "/dav/": ">A &amp; B<", "/dav/shared/": "", "/dav/home": ">&lt;script&gt;<", "/dav/A%20%26%20B": "",
	} {
		mia.Do("GET", path, "").Want(t, 200, member, "!<script>")
		head := mia.Do("HEAD", path, "").Want(t, 200)
		if head.Body != "" || !strings.HasPrefix(head.Header.Get("Content-Type"), "text/html") {
			t.Errorf("HEAD %s: %q, %v", path, head.Body, head.Header)
		}
	}
}

func TestPropfindKinds(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.txt", "12345").Want(t, 201)
	find := func(body string, headers ...string) resource {
		t.Helper()
		r := mia.Do("PROPFIND", "/dav/home/a.txt", `<propfind xmlns="DAV:">`+body+`</propfind>`, append(headers, "Depth", "0")...)
		return multistatus(t, r)["/dav/home/a.txt"]
	}
	if r := find("<allprop/>"); r.found["getcontentlength"] != "5" || r.found["quota-used-bytes"] != "" || len(r.absent) > 0 {
		t.Errorf("allprop: %v", r)
	}
	if r := find("<allprop/><include><current-user-principal/></include>"); !strings.Contains(r.found["current-user-principal"], "/principals/users/mia/") {
		t.Errorf("include: %v", r)
	}
	if r := find("<propname/>"); r.found["getetag"] != "" || len(r.found) < 8 {
		t.Errorf("propname: %v", r)
	}
	r := find(`<prop><getcontentlength/><quota-used-bytes/><none xmlns="urn:x"/></prop>`)
	if r.found["getcontentlength"] != "5" {
		t.Errorf("prop: %v", r)
	}
	sameList(t, "not found", r.absent, []string{"quota-used-bytes", "urn:x none"})
	if r := find(`<prop><getetag/><none xmlns="urn:x"/></prop>`, "Prefer", "return=minimal"); len(r.absent) > 0 || r.found["getetag"] == "" {
		t.Errorf("minimal: %v", r) // RFC 8144, section 2.1
	}
	r2 := mia.Do("PROPFIND", "/dav/home/", "", "Depth", "1", "Prefer", "depth-noroot")
	sameList(t, "noroot", hrefs(t, r2), []string{"/dav/home/a.txt"}) // RFC 8144, section 3
}

// The mount shows one's drive, one's spaces and shared, and every parent of it
// answers: file managers climb up to "/".
func TestMount(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Mine", "user:mia=viewer")
	s.Space("Others", "user:max=viewer")
	mia := s.As("mia")
	sameList(t, "root", hrefs(t, mia.Do("PROPFIND", "/", "", "Depth", "1")), []string{"/", "/dav/"})
	sameList(t, "mount", hrefs(t, mia.Do("PROPFIND", "/dav/", "", "Depth", "1")),
		[]string{"/dav/", "/dav/Mine/", "/dav/home/", "/dav/shared/"})
	sameList(t, "all", hrefs(t, mia.Do("PROPFIND", "/", "", "Depth", "infinity")),
		[]string{"/", "/dav/", "/dav/Mine/", "/dav/home/", "/dav/shared/"})
	for _, path := range []string{"/", "/dav/", "/dav/home/", "/dav/home/none", "/dav/Others/x"} {
		r := mia.Do("OPTIONS", path, "").Want(t, 200)
		if r.Header.Get("Dav") != "1, 2, 3, access-control, extended-mkcol, calendar-access, calendar-auto-schedule, calendar-availability, calendar-managed-attachments, calendar-proxy, calendarserver-sharing" || r.Header.Get("Ms-Author-Via") != "DAV" || !strings.Contains(r.Header.Get("Allow"), "PROPFIND") {
			t.Errorf("OPTIONS %s: %v", path, r.Header)
		}
	}
	mia.Do("GET", "/dav/~max/", "").Want(t, 404)
	mia.Do("GET", "/dav/.trash/nothing/", "").Want(t, 404)
	mia.Do("PROPFIND", "/elsewhere", "").Want(t, 404)
}

func TestMethodsOnTheWrongThing(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/folder", "").Want(t, 201)
	mia.Do("PUT", "/dav/home/a.txt", "x").Want(t, 201)
	before := mia.Tree("/dav/home/")
	for _, r := range []struct {
		method, path string
		status       int
	}{
		{"BREW", "/dav/home/a.txt", 501},
		{"POST", "/dav/home/a.txt", 405},
		{"PUT", "/dav/home/folder", 405},
		{"PUT", "/dav/home/folder/", 405},
		{"PUT", "/dav/home", 405},
		{"PUT", "/dav/", 405},
		{"PUT", "/", 405}, // Thunderbird asks so whether it may write
		{"LOCK", "/dav/", 405},
		{"UNLOCK", "/dav/shared", 405},
		{"MKCOL", "/dav/home", 405},
		{"MKCOL", "/dav/shared", 405},
		{"MKCOL", "/", 405},
		{"MKCOL", "/dav/NewSpace", 403},
		{"DELETE", "/dav/home", 403},
		{"DELETE", "/dav/", 403},
		{"MOVE", "/dav/home", 403},
		{"MOVE", "/dav/shared", 403},
		{"PROPPATCH", "/dav/", 403},
	} {
		answer := mia.Do(r.method, r.path, "", "Destination", "/dav/home/target", "Lock-Token", "<urn:uuid:0>").Want(t, r.status)
		if r.status == 405 && !strings.Contains(answer.Header.Get("Allow"), "PROPFIND") {
			t.Errorf("%s %s: Allow is %q", r.method, r.path, answer.Header.Get("Allow"))
		}
	}
	nothingLeft(t, s, before)
}
