package wire

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got, which has to be good XML, with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if err := Guard([]byte(got)); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n got %s\nwant %s", name, got, want)
	}
}

func TestMultistatusGolden(t *testing.T) {
	var out strings.Builder
	m := NewMultistatus(&out)
	written := time.Date(2026, 6, 1, 8, 5, 9, 0, time.FixedZone("", 2*3600))

	m.Response("/dav", Path{"Finance"}, true)
	m.Raw(ResourceType, "<D:collection/>")
	m.Text(DisplayName, "Finance & <Co>")
	m.Int(QuotaUsed, -1)
	m.Href(CurrentUserPrincipal, "/principals/users", Path{"mia"}, true)

	m.Response("/dav", Path{"Finance", "plan é.txt"}, false)
	m.Group(http.StatusNotFound) // no property: no group
	m.Group(http.StatusOK)
	m.Empty(ResourceType)
	m.Text(GetETag, `"9a0364b9"`)
	m.HTTPTime(GetLastModified, written)
	m.RFC3339(CreationDate, written)
	m.Append(LockDiscovery, func(dst []byte) []byte { return append(dst, "<D:activelock/>"...) })
	m.Prop(xml.Name{Space: `urn:"x"`, Local: "colour"}, "de", []byte(`<b xmlns="urn:b">blau</b>`))
	m.Prop(xml.Name{Local: "plain"}, "", []byte("1"))
	m.Prop(xml.Name{Space: xmlNS, Local: "odd"}, "", nil)
	m.Text(NewElement(xml.Name{Space: NS, Local: "note"}), "tab\tnul\x00")
	m.Group(http.StatusNotFound)
	m.Name(davName("getcontentlanguage"))
	m.Name(xml.Name{Space: "urn:x", Local: "none"})

	m.Response("/dav", Path{"bare"}, false) // nothing at all

	m.Response("/dav", Path{"patched"}, false)
	m.Group(http.StatusFailedDependency)
	m.Name(davName("displayname"))
	m.Group(http.StatusForbidden, Precondition{Name: davName("cannot-modify-protected-property")})
	m.Name(davName("getetag"))

	m.Response("/dav", Path{"next"}, false) // in a group of its own again
	m.Int(GetContentLength, 0)

	m.ResponseHref("/dav/a&b")
	m.Status(http.StatusLocked, Precondition{Name: davName("lock-token-submitted"), Hrefs: []string{"/dav/a"}})
	m.ResponseHref("/dav/gone")
	m.Status(http.StatusNotFound)
	m.SyncToken("urn:davit:sync:7")
	if err := m.End(); err != nil {
		t.Fatal(err)
	}
	golden(t, "multistatus.xml", out.String())
}

func TestMultistatusEmpty(t *testing.T) {
	var out strings.Builder
	if err := NewMultistatus(&out).End(); err != nil {
		t.Fatal(err)
	}
	if err := Guard([]byte(out.String())); err != nil || strings.Contains(out.String(), "response") {
		t.Errorf("%s: %v", out.String(), err)
	}
}

func TestAppendErrorGolden(t *testing.T) {
	got := AppendError(nil,
		Precondition{Name: davName("lock-token-submitted"), Hrefs: []string{"/dav/a", "/dav/b&c"}},
		Precondition{Name: davName("need-privileges"), Privileges: []Privilege{{"/dav/a", davName("write-content")}, {"/dav/", davName("bind")}}},
		Precondition{Name: davName("propfind-finite-depth")},
		Precondition{Name: xml.Name{Space: NS, Local: "reason"}, Text: "the quota of <Finance> is used up"},
	)
	golden(t, "error.xml", string(got))
}

// A short answer is sent whole, with its length; a long one in chunks.
func TestMultistatusOverHTTP(t *testing.T) {
	short := httptest.NewRecorder()
	m := NewMultistatus(short)
	m.Response("", Path{"a"}, false)
	if err := m.End(); err != nil {
		t.Fatal(err)
	}
	length := short.Header().Get("Content-Length")
	if short.Code != 207 || short.Header().Get("Content-Type") != ContentType || length != fmt.Sprint(short.Body.Len()) {
		t.Errorf("short: %d %v for %d bytes", short.Code, short.Header(), short.Body.Len())
	}

	long := httptest.NewRecorder()
	w := &chunks{ResponseWriter: long}
	m = NewMultistatus(w)
	for range 1000 {
		m.Response("", Path{"a"}, false)
		m.Text(DisplayName, strings.Repeat("n", 200))
	}
	m.Response("", Path{"large"}, false)
	for range 1000 {
		m.Text(DisplayName, strings.Repeat("n", 200))
	}
	if err := m.End(); err != nil {
		t.Fatal(err)
	}
	if long.Code != 207 || long.Header().Get("Content-Length") != "" {
		t.Errorf("long: %d %v", long.Code, long.Header())
	}
	for i, size := range w.sizes[:len(w.sizes)-1] {
		if size < chunkSize || size > bufferSize {
			t.Errorf("chunk %d has %d bytes", i, size)
		}
	}
	if err := Guard(long.Body.Bytes()); err != nil {
		t.Error(err)
	}
}

// chunks notes the sizes of writes.
type chunks struct {
	http.ResponseWriter
	sizes []int
}

func (c *chunks) Write(p []byte) (int, error) {
	c.sizes = append(c.sizes, len(p))
	return c.ResponseWriter.Write(p)
}

// An answer that fails before anything was sent leaves the writer untouched.
func TestMultistatusAbort(t *testing.T) {
	w := httptest.NewRecorder()
	m := NewMultistatus(w)
	m.Response("", Path{"a"}, false)
	if m.Abort() {
		t.Error("nothing was sent")
	}
	if m.Response("", Path{"b"}, false); m.End() == nil || m.Abort() || len(w.Header()) > 0 {
		t.Error("used after its end:", w.Header())
	}
	if http.Error(w, "no", 500); w.Code != 500 || w.Body.String() != "no\n" {
		t.Errorf("answer: %d %q", w.Code, w.Body)
	}

	m = NewMultistatus(httptest.NewRecorder())
	m.Response("", Path{"a"}, false)
	m.Text(DisplayName, strings.Repeat("n", chunkSize))
	if !m.Abort() {
		t.Error("a chunk was sent")
	}
}

// A client that went away costs no more than noticing it.
func TestMultistatusWriteError(t *testing.T) {
	w := &broken{}
	m := NewMultistatus(w)
	for range 10 {
		m.Response("", Path{"a"}, false)
		m.Text(DisplayName, strings.Repeat("n", chunkSize))
	}
	if !errors.Is(m.Err(), io.ErrClosedPipe) || !errors.Is(m.End(), io.ErrClosedPipe) || w.calls != 1 {
		t.Errorf("error %v after %d writes", m.Err(), w.calls)
	}
}

type broken struct{ calls int }

func (b *broken) Write([]byte) (int, error) { b.calls++; return 0, io.ErrClosedPipe }

// Two answers written at the same time do not share a buffer, nor does one that
// is misused after its end.
func TestMultistatusBuffers(t *testing.T) {
	var first, second strings.Builder
	a := NewMultistatus(&first)
	a.End()
	b := NewMultistatus(&second)
	b.Response("", Path{"b"}, false)
	a.Response("", Path{"a"}, false)
	a.End()
	if err := b.End(); err != nil || strings.Contains(second.String(), "/a") || !strings.Contains(second.String(), "/b") {
		t.Errorf("second: %s, %v", second.String(), err)
	}
}

func TestAppendText(t *testing.T) {
	for s, want := range map[string]string{
		"":                  "",
		"plain \t\n\"'":     "plain \t\n\"'",
		"a&b<c>d":           "a&amp;b&lt;c&gt;d",
		"]]>":               "]]&gt;",
		"\r":                "&#xD;",
		"é🚢":                "é🚢",
		"a\x00b\x1fc":       "a\uFFFDb\uFFFDc",
		"a\xffb\xc3":        "a\uFFFDb\uFFFD",
		"\xed\xa0\x80":      "\uFFFD\uFFFD\uFFFD",
		"\uFFFD":            "\uFFFD",
		"\uFFFE\uFFFF":      "\uFFFD\uFFFD",
		"\x7f\u0085":        "\x7f\u0085",
		"\U0010FFFF\uE000z": "\U0010FFFF\uE000z",
	} {
		if got := string(AppendText(nil, s)); got != want {
			t.Errorf("AppendText(%q) = %q, want %q", s, got, want)
		}
		got := AppendText([]byte("x"), []byte(s))
		if string(got) != "x"+want {
			t.Errorf("AppendText of bytes %q = %q, want %q", s, got, want)
		}
		if err := Guard([]byte("<a>" + want + "</a>")); err != nil {
			t.Errorf("%q: %v", want, err)
		}
	}
	if got := string(appendAttrValue(nil, "a\"b\tc\n'")); got != "a&quot;b&#x9;c&#xA;'" {
		t.Errorf("attribute: %s", got)
	}
}

func TestAppendTimes(t *testing.T) {
	zone := time.FixedZone("", -5*3600-1800)
	for _, tm := range []time.Time{
		{}, time.Unix(0, 0), monday, time.Date(2026, 12, 31, 23, 59, 59, 999, zone),
		time.Date(2000, 2, 29, 1, 2, 3, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(800, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, want := string(AppendHTTPTime(nil, tm)), tm.UTC().Format(http.TimeFormat); got != want {
			t.Errorf("HTTP time %s, want %s", got, want)
		}
		if got, want := string(AppendRFC3339(nil, tm)), tm.UTC().Format("2006-01-02T15:04:05Z"); got != want {
			t.Errorf("RFC 3339 time %s, want %s", got, want)
		}
	}
}

// listing writes what a file manager asks for of n files.
func listing(w io.Writer, n int) error {
	m := NewMultistatus(w)
	path := Path{"Finance", ""}
	missing := xml.Name{Space: "urn:x", Local: "colour"}
	for i := range n {
		path[1] = names[i%len(names)]
		m.Response("/dav", path, false)
		m.Text(DisplayName, path[1])
		m.Int(GetContentLength, int64(i))
		m.Text(GetETag, `"9a0364b9e99bb480dd25e1f0284c8555"`)
		m.HTTPTime(GetLastModified, monday)
		m.RFC3339(CreationDate, monday)
		m.Empty(ResourceType)
		m.Group(http.StatusNotFound)
		m.Name(missing)
	}
	return m.End()
}

var names = []string{"quarterly report 2026.xlsx", "plan.txt", "Übersicht.odt", "minutes of the meeting & more.docx"}

func TestMultistatusAllocates(t *testing.T) {
	few := testing.AllocsPerRun(10, func() { listing(io.Discard, 10) })
	many := testing.AllocsPerRun(10, func() { listing(io.Discard, 1000) })
	if many > few+5 { // the pool may have been emptied
		t.Errorf("10 entries allocate %v times, 1000 entries %v times", few, many)
	}
}

func BenchmarkMultistatus(b *testing.B) {
	var size count
	if err := listing(&size, 10_000); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := listing(io.Discard, 10_000); err != nil {
			b.Fatal(err)
		}
	}
}

type count int

func (c *count) Write(p []byte) (int, error) { *c += count(len(p)); return len(p), nil }
