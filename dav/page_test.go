package dav_test

import (
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"davit/dav/davtest"
)

var rowName = regexp.MustCompile(`<th scope="row"[^>]*><a href="[^"]*"><bdi>([^<]*)</bdi>`)

// rowNames are the names that a page lists, in its order.
func rowNames(page string) (names []string) {
	for _, m := range rowName.FindAllStringSubmatch(page, -1) {
		names = append(names, m[1])
	}
	return names
}

func TestPageSorts(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/d", "").Want(t, 201)
	for i, name := range []string{"b.txt", "a.txt", "c.txt"} {
		mia.Do("PUT", "/dav/home/"+name, content("x", 3000-i*1000), "X-OC-Mtime", strconv.Itoa(1_000_000_000+i*3600)).Want(t, 201)
	}
	for query, want := range map[string]string{
		"": "a.txt b.txt c.txt d", "?sort=name": "a.txt b.txt c.txt d", "?sort=-name": "d c.txt b.txt a.txt",
		"?sort=size": "d c.txt a.txt b.txt", "?sort=-size": "b.txt a.txt c.txt d",
		"?sort=time": "b.txt a.txt c.txt d", "?sort=-time": "d c.txt a.txt b.txt",
		"?sort=colour": "a.txt b.txt c.txt d", "?sort=%3Cscript%3E": "a.txt b.txt c.txt d",
	} {
		page := mia.Do("GET", "/dav/home/"+query, "").Want(t, 200, `aria-sort="`, "!sort=colour", "4 entries").Body
		if got := strings.Join(rowNames(page), " "); got != want {
			t.Errorf("%s: %s instead of %s", query, got, want)
		}
	}
	mia.Do("GET", "/dav/home/?sort=size", "").Want(t, 200, `aria-sort="ascending"><a href="?sort=-size"`, `<span title="2000 bytes">2.0 kB</span>`,
		`<time datetime="2001-09-09T01:46:40Z">2001-09-09 01:46</time>`, `class="text"`, `class="folder"`)
	mia.Do("GET", "/dav/home/d/", "").Want(t, 200, `<a href="/dav/"><bdi>Files</bdi></a>`, `<a href="/dav/home/"><bdi>home</bdi></a>`, `<li aria-current="page"><bdi>d</bdi>`)
}

// hostileNames would be elements, attributes, scripts or styles.
var hostileNames = []string{
	`<script>alert(1)<`, `"><img src=x onerror=alert(1)>`, `' onclick='alert(1)`, `javascript:alert(1)`, `{{.Script}}`, `</title><script>`,
	"`${alert(1)}`", `a&amp;b&lt;`, "\u202Etxt.exe", `--><script>`, `</style>`, `]]>`, `?sort=size`, `#x`, "%2e%2e", "\u2028", `\`,
}

// Names come out as text and nothing else, and every link leads to its file.
func TestPageEscapesNames(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, name := range hostileNames {
		dir := "/dav/home/" + escapeAll(strings.ReplaceAll(name, "/", "_"))
		mia.Do("MKCOL", dir, "").Want(t, 201)
		mia.Do("PUT", dir+"/"+escapeAll(strings.ReplaceAll(name, "/", "_")), "x").Want(t, 201)
		page := mia.Do("GET", dir+"/", "").Want(t, 200).Body
		if n := strings.Count(page, "<script"); n != 1 {
			t.Errorf("%q: %d scripts\n%s", name, n, page)
		}
		d := xml.NewDecoder(strings.NewReader(page[strings.Index(page, "<main"):strings.Index(page, "<script")]))
		d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
		seen := 0
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v\n%s", name, err, page)
			}
			e, is := token.(xml.StartElement)
			if !is {
				continue
			}
			if !slices.Contains(pageElements, e.Name.Local) {
				t.Errorf("%q makes an element %s", name, e.Name.Local)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "style" || a.Name.Local == "src" {
					t.Errorf("%q makes an attribute %s", name, a.Name.Local)
				}
				if a.Name.Local == "data-rename" {
					seen++
					mia.Do("GET", a.Value, "").Want(t, 200, "x")
				}
			}
		}
		if seen != 1 {
			t.Errorf("%q is linked %d times", name, seen)
		}
	}
	mia.Do("GET", "/dav/home/", "").Want(t, 200)
}

var pageElements = []string{"main", "h1", "bdi", "p", "label", "input", "button", "span", "table", "caption", "thead", "tbody", "tr", "th", "td", "a", "time"}

// escapeAll escapes every byte of a name.
func escapeAll(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		b.WriteString("%" + string("0123456789ABCDEF"[c>>4]) + string("0123456789ABCDEF"[c&15]))
	}
	return b.String()
}

// The page offers what the reader may do, entry by entry.
func TestPageOffersWhatIsHeld(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max", "eva")
	s.Space("Team", "user:mia=manager", "user:max=viewer", "user:eva=editor")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/Team/dir", "").Want(t, 201)
	mia.Do("PUT", "/dav/Team/a.txt", "x").Want(t, 201)
	const add, remove, rename = `id="mkdir"`, `data-delete="/dav/Team/a.txt"`, `data-rename="/dav/Team/dir/"`
	s.As("max").Do("GET", "/dav/Team/", "").Want(t, 200, "a.txt", "!"+add, "!data-add", "!data-delete", "!data-rename")
	s.As("eva").Do("GET", "/dav/Team/", "").Want(t, 200, add, remove, rename)
	mia.Do("GET", "/dav/", "").Want(t, 200, "Team", "!"+add, "!data-delete", "!data-rename")
	link, _ := s.Link("mia", "/Team", davtest.NewLink{})
	s.As("").Do("GET", link+"/", "").Want(t, 200, "a.txt", "Shared with you", "!"+add, "!data-delete", "!/dav/")
	box, _ := s.Link("mia", "/Team", davtest.NewLink{Rights: "level:deposit"})
	s.As("").Do("GET", box+"/", "").Want(t, 200, add, "!a.txt", "0 entries")
}

// The headers keep strangers out of the page and the page out of caches, and HEAD
// tells the same.
func TestPageHeaders(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	page, head := mia.Do("GET", "/dav/home/", "").Want(t, 200), mia.Do("HEAD", "/dav/home/?sort=size", "").Want(t, 200)
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'sha256-", "Cache-Control": "no-store", "Content-Type": "text/html; charset=utf-8",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	} {
		if got := page.Header.Get(name); !strings.HasPrefix(got, want) || got != head.Header.Get(name) {
			t.Errorf("%s: %q, and %q to HEAD", name, got, head.Header.Get(name))
		}
	}
	if csp := page.Header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src 'self'") {
		t.Errorf("the page may run more than its own script: %s", csp)
	}
	s.As("").Do("GET", "/dav/home/", "").Want(t, 401)
	mia.Do("GET", "/dav/none/", "").Want(t, 404)
}
