package dav_test

import (
	"strings"
	"testing"

	"davit/dav/davtest"
)

const patchColour = `<propertyupdate xmlns="DAV:"><set><prop><colour xmlns="urn:x">red</colour></prop></set></propertyupdate>`

// RFC 7240, section 3; RFC 8144
func TestPreferMinimal(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.txt", "one").Want(t, 201)
	const ask = `<propfind xmlns="DAV:"><prop><getetag/><none xmlns="urn:x"/></prop></propfind>`
	const expand = `<expand-property xmlns="DAV:"><property name="getetag"/><property name="none" namespace="urn:x"/></expand-property>`
	for _, how := range [][]string{{"Prefer", "return=minimal"}, {"Brief", "t"}} {
		for _, c := range []struct {
			method, path, body string
			status             int
			says               []string
		}{
			{"PROPFIND", "a.txt", ask, 207, []string{"getetag", "!404"}},
			{"REPORT", "a.txt", expand, 207, []string{"getetag", "!404"}},
			{"PROPPATCH", "a.txt", patchColour, 200, []string{"!multistatus"}},
			{"MKCOL", "dir-" + how[0], mkcolBody(`<x:colour>red</x:colour>`), 201, []string{"!mkcol"}},
		} {
			r := mia.Do(c.method, "/dav/home/"+c.path, c.body, append(how, "Depth", "0", "Content-Type", xmlType)...).Want(t, c.status, c.says...)
			if got := r.Header.Get("Preference-Applied"); got != "return=minimal" {
				t.Errorf("%s, %s: applied is %q", c.method, how[0], got)
			}
		}
	}
	// What failed is told.
	r := mia.Do("PROPPATCH", "/dav/home/a.txt", strings.ReplaceAll(patchColour, `colour xmlns="urn:x"`, "getetag"), "Prefer", "return=minimal")
	if r.Status == 207 {
		t.Errorf("the test's patch is odd: %s", r.Body)
	}
	mia.Do("PROPPATCH", "/dav/home/a.txt", `<propertyupdate xmlns="DAV:"><set><prop><getetag>x</getetag></prop></set></propertyupdate>`, "Prefer", "return=minimal").
		Want(t, 207, "cannot-modify-protected-property")
	if r := mia.Do("PROPFIND", "/dav/home/none", ask, "Depth", "0", "Prefer", "return=minimal").Want(t, 404); r.Header.Get("Preference-Applied") != "" {
		t.Error("an error honours a preference")
	}
	r = mia.Do("PROPFIND", "/dav/home/", ask, "Depth", "1", "Prefer", "depth-noroot, return=minimal").Want(t, 207, "a.txt", "!<D:href>/dav/home/</D:href>")
	if got := strings.Join(r.Header.Values("Preference-Applied"), ", "); got != "return=minimal, depth-noroot" {
		t.Errorf("applied is %q", got)
	}
}

// RFC 8144, sections 3 and 3.2
func TestPreferRepresentation(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "ben")
	s.Space("Box", "user:mia=manager", "user:ben=deposit")
	mia := s.As("mia")
	put := func(c *davtest.Client, path, body string, status int, headers ...string) *davtest.Response {
		t.Helper()
		return c.Do("PUT", path, body, append(headers, "Prefer", "return=representation", "Content-Type", "text/plain")...).Want(t, status)
	}
	shows := func(r *davtest.Response, body, path string) {
		t.Helper()
		h := r.Header
		if r.Body != body || h.Get("Content-Location") != path || h.Get("Preference-Applied") != "return=representation" || h.Get("Etag") == "" || h.Get("Content-Type") != "text/plain" {
			t.Errorf("%d %q, %v", r.Status, r.Body, h)
		}
	}
	first := put(mia, "/dav/home/a b.txt", "one", 201)
	shows(first, "one", "/dav/home/a%20b.txt")
	shows(put(mia, "/dav/home/a%20b.txt", "two", 200), "two", "/dav/home/a%20b.txt")
	shows(put(mia, "/dav/home/a%20b.txt", "three", 412, "If-Match", first.Header.Get("Etag")), "two", "/dav/home/a%20b.txt")
	shows(put(mia, "/dav/home/a%20b.txt", "three", 412, "If-None-Match", "*"), "two", "/dav/home/a%20b.txt")
	for _, r := range []*davtest.Response{
		put(mia, "/dav/home/none.txt", "x", 412, "If-Match", "*"),
		put(s.As("ben"), "/dav/Box/a.txt", "secret", 201),
		mia.Do("PUT", "/dav/home/a%20b.txt", "four").Want(t, 204),
	} {
		if strings.Contains(r.Body, "secret") || r.Header.Get("Preference-Applied") != "" || r.Header.Get("Content-Location") != "" {
			t.Errorf("%s: %d %q, %v", r.Path, r.Status, r.Body, r.Header)
		}
	}
}

// RFC 9110, sections 13.1.5 and 14
func TestRanges(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, size := range []int{100, large} { // in the database, in a file
		body := content("a", size-10) + "0123456789"
		tag := mia.Do("PUT", "/dav/home/a.txt", body, "Content-Type", "text/plain").Header.Get("Etag")
		get := func(status int, headers ...string) *davtest.Response {
			t.Helper()
			return mia.Do("GET", "/dav/home/a.txt", "", headers...).Want(t, status)
		}
		if r := get(206, "Range", "bytes=-10"); r.Body != "0123456789" || r.Header.Get("Content-Type") != "text/plain" {
			t.Errorf("%q, %v", r.Body, r.Header)
		}
		r := get(206, "Range", "bytes=0-4,-3")
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/byteranges; boundary=") || strings.Count(r.Body, "Content-Range: bytes ") != 2 ||
			!strings.Contains(r.Body, "\r\n\r\naaaaa\r\n") || !strings.Contains(r.Body, "\r\n\r\n789\r\n") {
			t.Errorf("%q, %v", r.Body, r.Header)
		}
		get(206, "Range", "bytes=0-4", "If-Range", tag)
		if r := get(200, "Range", "bytes=0-4", "If-Range", `"other"`); r.Body != body {
			t.Errorf("with another tag: %d bytes", len(r.Body))
		}
		get(200, "Range", "bytes=0-4", "If-Range", "W/"+tag)
		if r := get(416, "Range", "bytes=1000000-"); !strings.HasPrefix(r.Header.Get("Content-Range"), "bytes */") {
			t.Errorf("%v", r.Header)
		}
		get(200, "Range", "lines=1-2")
	}
}
