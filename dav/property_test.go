package dav_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/store"
)

// A clock stands still until a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now().Truncate(time.Second)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// setProp is the body of a PROPPATCH that sets one property of urn:x.
func setProp(name, value string) string {
	return `<propertyupdate xmlns="DAV:"><set><prop><` + name + ` xmlns="urn:x">` + value + `</` + name + `></prop></set></propertyupdate>`
}

func removeProp(name string) string {
	return `<propertyupdate xmlns="DAV:"><remove><prop><` + name + ` xmlns="urn:x"/></prop></remove></propertyupdate>`
}

// prop is the content of a property of urn:x, absent for none.
func prop(t *testing.T, c *davtest.Client, path, name string) string {
	t.Helper()
	r := c.Do("PROPFIND", path, `<propfind xmlns="DAV:"><prop><`+name+` xmlns="urn:x"/></prop></propfind>`, "Depth", "0")
	for _, res := range multistatus(t, r) {
		if value, ok := res.found["urn:x "+name]; ok {
			return value
		}
	}
	return "absent"
}

func wantProp(t *testing.T, c *davtest.Client, path, name, want string) {
	t.Helper()
	if got := prop(t, c, path, name); got != want {
		t.Errorf("%s of %s is %q instead of %q", name, path, got, want)
	}
}

// RFC 4918, section 4: what a client sets stays, on files and collections.
func TestDeadProperties(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/folder", "").Want(t, 201)
	mia.Do("PUT", "/dav/home/folder/a.txt", "x").Want(t, 201)
	paths := []string{"/dav/home/", "/dav/home/folder/", "/dav/home/folder/a.txt"}
	for _, path := range paths {
		mia.Do("PROPPATCH", path, setProp("colour", "red")).Want(t, 207, `<x:colour xmlns:x="urn:x"/>`, "200 OK")
		mia.Do("PROPPATCH", path, setProp("shape", "<round>yes</round>")).Want(t, 207, "200 OK")
		mia.Do("PROPPATCH", path, setProp("colour", "blue &amp; green")).Want(t, 207, "200 OK")
		mia.Do("PROPPATCH", path, setProp("gone", "x")).Want(t, 207, "200 OK")
		mia.Do("PROPPATCH", path, removeProp("gone")).Want(t, 207, "200 OK")
		mia.Do("PROPPATCH", path, removeProp("never")).Want(t, 207, "200 OK") // RFC 4918, section 14.23
	}
	tag := mia.Do("HEAD", "/dav/home/folder/a.txt", "").Header.Get("Etag")
	mia.Do("PUT", "/dav/home/folder/a.txt", "y", "If-Match", tag).Want(t, 204) // content, not properties, makes the tag
	s.Restart(store.Options{})
	mia = s.As("mia")
	mia.Do("COPY", "/dav/home/folder", "", "Destination", "/dav/home/copy").Want(t, 201)
	mia.Do("MOVE", "/dav/home/folder", "", "Destination", "/dav/home/moved").Want(t, 201)
	paths = []string{"/dav/home/", "/dav/home/copy/", "/dav/home/copy/a.txt", "/dav/home/moved/", "/dav/home/moved/a.txt"}
	for _, path := range paths {
		wantProp(t, mia, path, "colour", "blue &amp; green")
		wantProp(t, mia, path, "gone", "absent")
		if got := prop(t, mia, path, "shape"); !strings.Contains(got, "round") || !strings.Contains(got, ">yes<") {
			t.Errorf("shape of %s is %q", path, got)
		}
	}
	// The copy's are its own.
	mia.Do("PROPPATCH", "/dav/home/copy/a.txt", setProp("colour", "pink")).Want(t, 207)
	wantProp(t, mia, "/dav/home/moved/a.txt", "colour", "blue &amp; green")
	mia.Do("PROPFIND", "/dav/home/moved/a.txt", "", "Depth", "0").Want(t, 207, "blue &amp; green") // in allprop
	mia.Do("PROPFIND", "/dav/home/moved/a.txt", `<propfind xmlns="DAV:"><propname/></propfind>`, "Depth", "0").Want(t, 207, "<x:colour ", "!blue")
	mia.Do("DELETE", "/dav/home/moved/a.txt", "").Want(t, 204)
	mia.Do("PUT", "/dav/home/moved/a.txt", "z").Want(t, 201)
	wantProp(t, mia, "/dav/home/moved/a.txt", "colour", "absent")
}

// A copy over a file takes that file's properties away.
func TestCopyOverReplacesProperties(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.txt", "a").Want(t, 201)
	mia.Do("PUT", "/dav/home/b.txt", "b").Want(t, 201)
	mia.Do("PROPPATCH", "/dav/home/a.txt", setProp("of-a", "1")).Want(t, 207)
	mia.Do("PROPPATCH", "/dav/home/b.txt", setProp("of-b", "1")).Want(t, 207)
	mia.Do("COPY", "/dav/home/a.txt", "", "Destination", "/dav/home/b.txt").Want(t, 204)
	wantProp(t, mia, "/dav/home/b.txt", "of-a", "1")
	wantProp(t, mia, "/dav/home/b.txt", "of-b", "absent")
}

// RFC 4918, section 9.2: in the order of the document, and all or nothing.
func TestPropPatchIsOne(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.txt", "a").Want(t, 201)
	patch := func(inside string) *davtest.Response {
		return mia.Do("PROPPATCH", "/dav/home/a.txt", `<D:propertyupdate xmlns:D="DAV:" xmlns="urn:x">`+inside+`</D:propertyupdate>`)
	}
	patch(`<D:set><D:prop><a>1</a><b>1</b></D:prop></D:set><D:remove><D:prop><a/></D:prop></D:remove><D:set><D:prop><b>2</b></D:prop></D:set>`).Want(t, 207)
	wantProp(t, mia, "/dav/home/a.txt", "a", "absent")
	wantProp(t, mia, "/dav/home/a.txt", "b", "2")
	for _, protected := range []string{"getetag", "getcontentlength", "resourcetype", "lockdiscovery", "quota-used-bytes", "current-user-privilege-set"} {
		patch(`<D:set><D:prop><b>3</b><D:`+protected+`>x</D:`+protected+`></D:prop></D:set>`).
			Want(t, 207, "403 Forbidden", "<D:cannot-modify-protected-property/>", "424 Failed Dependency")
	}
	wantProp(t, mia, "/dav/home/a.txt", "b", "2")
	patch(`<D:set><D:prop><D:displayname>A plan</D:displayname></D:prop></D:set>`).Want(t, 207, "200 OK")
	mia.Do("PROPFIND", "/dav/home/a.txt", "", "Depth", "0").Want(t, 207, "A plan</D:displayname>")
	patch(`<D:set xml:lang="de"><D:prop><title>Plan</title></D:prop></D:set>`).Want(t, 207)
	mia.Do("PROPFIND", "/dav/home/a.txt", "", "Depth", "0").Want(t, 207, `xml:lang="de"`)
}

// Too large or too many: 507, and nothing of it is kept.
func TestPropertyLimits(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.txt", "a").Want(t, 201)
	mia.Do("PROPPATCH", "/dav/home/a.txt", setProp("fits", content("v", store.PropSizeMax-100))).Want(t, 207, "200 OK")
	before := mia.Tree("/dav/home/")
	mia.Do("PROPPATCH", "/dav/home/a.txt", setProp("large", content("v", store.PropSizeMax))).Want(t, 507)
	mia.Do("PROPPATCH", "/dav/home/a.txt", setProp(content("n", store.PropSizeMax), "v")).Want(t, 507)
	var many strings.Builder
	for n := range store.PropCountMax {
		fmt.Fprintf(&many, `<p%d xmlns="urn:x">%d</p%d>`, n, n, n)
	}
	body := `<propertyupdate xmlns="DAV:"><set><prop>` + many.String() + `</prop></set></propertyupdate>`
	mia.Do("PROPPATCH", "/dav/home/a.txt", body).Want(t, 507)
	nothingLeft(t, s, before)
	mia.Do("PROPPATCH", "/dav/home/a.txt", removeProp("fits")).Want(t, 207)
	mia.Do("PROPPATCH", "/dav/home/a.txt", body).Want(t, 207, "200 OK")
}

// Explorer fails the copy when one of these is refused. It sends them with the
// lock's token.
func TestWindowsAttributes(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	token := take(t, mia, "/dav/home/a.txt", exclusive)
	const body = `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>` +
		`<Z:Win32CreationTime>Wed, 01 Jan 2020 10:00:00 GMT</Z:Win32CreationTime>` +
		`<Z:Win32LastAccessTime>Thu, 02 Jan 2020 10:00:00 GMT</Z:Win32LastAccessTime>` +
		`<Z:Win32LastModifiedTime>Fri, 03 Jan 2020 10:00:00 GMT</Z:Win32LastModifiedTime>` +
		`<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>`
	mia.Do("PROPPATCH", "/dav/home/a.txt", body, "If", "(<"+token+">)").Want(t, 207, "200 OK", "!403", "!424")
	s.Restart(store.Options{})
	mia = s.As("mia")
	res := multistatus(t, mia.Do("PROPFIND", "/dav/home/a.txt", "", "Depth", "0"))["/dav/home/a.txt"]
	for name, want := range map[string]string{
		"urn:schemas-microsoft-com: Win32CreationTime":     "Wed, 01 Jan 2020 10:00:00 GMT",
		"urn:schemas-microsoft-com: Win32LastAccessTime":   "Thu, 02 Jan 2020 10:00:00 GMT",
		"urn:schemas-microsoft-com: Win32LastModifiedTime": "Fri, 03 Jan 2020 10:00:00 GMT",
		"urn:schemas-microsoft-com: Win32FileAttributes":   "00000020",
		"getlastmodified": "Fri, 03 Jan 2020 10:00:00 GMT",
	} {
		if res.found[name] != want {
			t.Errorf("%s is %q", name, res.found[name])
		}
	}
	if got := mia.Do("HEAD", "/dav/home/a.txt", "").Header.Get("Last-Modified"); got != "Fri, 03 Jan 2020 10:00:00 GMT" {
		t.Errorf("Last-Modified %q", got)
	}
	mia.Do("PUT", "/dav/home/a.txt", "by another", "If", "(<"+token+">)").Want(t, 204)
	mia.Do("PROPFIND", "/dav/home/a.txt", "", "Depth", "0").
		Want(t, 207, "Wed, 01 Jan 2020 10:00:00 GMT</x:Win32CreationTime>", "!Fri, 03 Jan 2020 10:00:00 GMT")
}

// touch and rsync on a mount of macOS set the time in DAV's own property.
func TestSetLastModified(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.txt", "a").Want(t, 201)
	patch := func(value string) *davtest.Response {
		return mia.Do("PROPPATCH", "/dav/home/a.txt", `<propertyupdate xmlns="DAV:"><set><prop><getlastmodified>`+value+`</getlastmodified></prop></set></propertyupdate>`)
	}
	patch("Fri, 03 Jan 2020 10:00:00 GMT").Want(t, 207, "200 OK")
	if got := mia.Do("HEAD", "/dav/home/a.txt", "").Header.Get("Last-Modified"); got != "Fri, 03 Jan 2020 10:00:00 GMT" {
		t.Errorf("Last-Modified %q", got)
	}
	patch("yesterday").Want(t, 207, "403 Forbidden")
	mia.Do("PUT", "/dav/home/a.txt", "b").Want(t, 204)
	if got := mia.Do("HEAD", "/dav/home/a.txt", "").Header.Get("Last-Modified"); strings.Contains(got, "2020") {
		t.Errorf("a write left Last-Modified at %q", got)
	}
}

// TestPropPatchNamesTheURL: the answer names a collection as the client did.
func TestPropPatchNamesTheURL(t *testing.T) {
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/dir", "").Want(t, 201)
	const patch = `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:a xmlns:x="urn:x">1</x:a></D:prop></D:set></D:propertyupdate>`
	mia.Do("PROPPATCH", "/dav/home/dir/", patch).Want(t, 207, "<D:href>/dav/home/dir/</D:href>")
	mia.Do("PROPPATCH", "/dav/home/dir", patch).Want(t, 207, "<D:href>/dav/home/dir</D:href>")
}

// TestAllowOfACollection: what a PUT on a collection is told to use is not PUT.
func TestAllowOfACollection(t *testing.T) {
	s := davtest.Start(t, "mia")
	r := s.As("mia").Do("PUT", "/dav/home/", "x").Want(t, 405)
	if allow := r.Header.Get("Allow"); strings.Contains(allow, "PUT") || !strings.Contains(allow, "MKCOL") {
		t.Errorf("Allow: %s", allow)
	}
}
