package dav_test

import (
	"strings"
	"testing"

	"davit/dav/davtest"
)

const xmlType = "application/xml; charset=utf-8"

func mkcolBody(props string) string {
	return `<D:mkcol xmlns:D="DAV:" xmlns:x="urn:x"><D:set><D:prop>` + props + `</D:prop></D:set></D:mkcol>`
}

// RFC 5689
func TestExtendedMkcol(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	const folder = `<D:resourcetype><D:collection/></D:resourcetype>`
	mia.Do("MKCOL", "/dav/home/a", mkcolBody(folder+`<x:colour>red</x:colour><D:displayname>A</D:displayname>`), "Content-Type", xmlType).Want(t, 201)
	mia.Do("PROPFIND", "/dav/home/a/", "", "Depth", "0").Want(t, 207, ">red<", ">A<", "<D:collection/>")
	mia.Do("MKCOL", "/dav/home/typed", mkcolBody(folder), "Content-Type", "text/xml").Want(t, 201)
	mia.Do("MKCOL", "/dav/home/plain", mkcolBody(""), "Content-Type", "text/xml").Want(t, 201)
	mia.Do("MKCOL", "/dav/home/unsaid", mkcolBody(`<x:colour>red</x:colour>`), "Content-Type", "text/xml").Want(t, 201)
	mia.Do("MKCOL", "/dav/home/empty", "", "Content-Type", "text/xml").Want(t, 201)
	before := mia.Tree("/dav/home/")
	for _, c := range []struct {
		name, props string
		status      int
		says        []string
	}{
		{"a/", `<x:colour>red</x:colour>`, 405, nil},
		{"none/a", `<x:colour>red</x:colour>`, 409, nil},
		{"b", `<D:resourcetype><D:collection/><x:special/></D:resourcetype><x:colour>red</x:colour>`, 403,
			[]string{"<D:mkcol-response", "<D:valid-resourcetype/>", "403 Forbidden", "424 Failed Dependency", "colour", "</D:mkcol-response>"}},
		{"b", `<D:resourcetype/>`, 403, []string{"<D:valid-resourcetype/>", "!424"}},
		{"b", folder + `<D:getetag>"x"</D:getetag>`, 403, []string{"<D:cannot-modify-protected-property/>", "<D:getetag/>", "424 Failed Dependency", "<D:resourcetype/>", "!valid-resourcetype"}},
		{"b", `<x:colour>` + strings.Repeat("r", 40_000) + `</x:colour>`, 507, nil},
	} {
		r := mia.Do("MKCOL", "/dav/home/"+c.name, mkcolBody(c.props), "Content-Type", xmlType).Want(t, c.status, c.says...)
		if strings.Contains(r.Body, "D:response>") {
			t.Errorf("an answer for one resource names it: %s", r.Body)
		}
	}
	mia.Do("MKCOL", "/dav/home/b", `<D:mkcalendar xmlns:D="DAV:"/>`, "Content-Type", xmlType).Want(t, 415)
	mia.Do("MKCOL", "/dav/home/b", "<D:mkcol", "Content-Type", xmlType).Want(t, 400)
	mia.Do("MKCOL", "/dav/home/b", mkcolBody(folder)).Want(t, 415)
	if after := mia.Tree("/dav/home/"); after != before {
		t.Errorf("what failed left something: %s", after)
	}
	if classes := mia.Do("OPTIONS", "/dav/home/", "").Header.Get("Dav"); !strings.Contains(classes, "extended-mkcol") {
		t.Errorf("OPTIONS tells of %q", classes)
	}
}

// Properties take the right to set them, also on what one makes; and in a drop
// box the answer is the same whether the name is taken or not.
func TestExtendedMkcolAsksForBoth(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max", "ben")
	s.Space("Box", "user:mia=manager", "user:max=viewer", "user:ben=deposit")
	mia, max, ben := s.As("mia"), s.As("max"), s.As("ben")
	mia.Do("MKCOL", "/dav/Box/taken", "").Want(t, 201)
	body := mkcolBody(`<x:colour>red</x:colour>`)
	max.Do("MKCOL", "/dav/Box/new", body, "Content-Type", xmlType).Want(t, 403)
	one := ben.Do("MKCOL", "/dav/Box/new", body, "Content-Type", xmlType).Want(t, 403)
	other := ben.Do("MKCOL", "/dav/Box/taken", body, "Content-Type", xmlType).Want(t, 403)
	id := one.Header.Get("Davit-Decision")
	if id == "" || strings.ReplaceAll(other.Body, other.Header.Get("Davit-Decision"), id) != one.Body {
		t.Errorf("a name is told: %s\n%s", one.Body, other.Body)
	}
	mia.Do("PROPFIND", "/dav/Box/", "", "Depth", "1").Want(t, 207, "!new", "!colour")
}
