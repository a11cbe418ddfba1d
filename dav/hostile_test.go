package dav_test

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/dav/wire"
)

// memoryMax is far above what a refusal allocates and far below what reading
// the hostile bodies would.
const memoryMax = 16 << 20

// allocates tells how many bytes the whole process allocated meanwhile.
func allocates(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// xmlMethods read a body as XML.
var xmlMethods = []string{"PROPFIND", "PROPPATCH", "LOCK"}

func TestHostileXML(t *testing.T) {
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a.txt")
	before := mia.Tree("/dav/home/")
	bombs := map[string]string{
		"100,000 nested elements": strings.Repeat("<a>", 100_000),
		"entities": `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` +
			`<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">&b;&b;&b;</x></prop></set></propertyupdate>`,
		"an outside entity":    `<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><propfind xmlns="DAV:"><prop><x>&a;</x></prop></propfind>`,
		"2,000 properties":     `<propfind xmlns="DAV:"><prop>` + strings.Repeat("<getetag/>", 2000) + `</prop></propfind>`,
		"no XML":               "just text",
		"two documents":        exclusive + exclusive,
		"a half":               exclusive[:80],
		"not UTF-8":            strings.Replace(exclusive, "exclusive", "exclu\xffsive", 1),
		"an undeclared prefix": `<propfind xmlns="DAV:"><prop><x:y/></prop></propfind>`,
	}
	for name, body := range bombs {
		for _, method := range xmlMethods {
			used := allocates(func() { mia.Do(method, "/dav/home/a.txt", body).Want(t, 400) })
			if used > memoryMax {
				t.Errorf("%s with %s: %d bytes allocated", method, name, used)
			}
		}
	}
	nothingLeft(t, s, before)
}

// 100 MB of XML that announce themselves are refused before they are read.
func TestAnnouncedXMLIsNotRead(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	for _, method := range xmlMethods {
		s.As("mia").Dial(method, "/dav/home/a.txt", "Content-Length", strconv.Itoa(100<<20)).Answer().Want(t, 413)
	}
}

// 100 MB of XML that do not are refused at the limit.
func TestStreamedXMLStopsAtTheLimit(t *testing.T) {
	s := davtest.Start(t, "mia")
	elements := strings.Repeat("<a>", 1<<14)
	chunk := fmt.Appendf(nil, "%x\r\n%s\r\n", len(elements), elements)
	for _, method := range xmlMethods {
		used := allocates(func() {
			k := s.As("mia").Dial(method, "/dav/home/a.txt", "Transfer-Encoding", "chunked")
			for sent := 0; sent <= wire.BodySizeMax; sent += len(elements) {
				k.Write(chunk)
			}
			k.Answer().Want(t, 413)
			for sent := 0; sent < 100<<20; sent += len(elements) {
				if _, err := k.Write(chunk); err != nil {
					return // hung up on
				}
			}
			t.Errorf("%s: the server read 100 MB", method)
		})
		if used > memoryMax {
			t.Errorf("%s: %d bytes allocated", method, used)
		}
	}
}

// badNames are escaped paths that no method takes.
var badNames = []string{
	"/dav/home/a%00b", "/dav/home/" + strings.Repeat("n", 300), "/dav/home/" + strings.Repeat("%41", 256),
	"/dav/home/../home/a.txt", "/dav/home/./a.txt", "/dav/home/%2e%2e/x", "/dav/home/%2E/x", "/dav/%2e%2e/%2e%2e/etc/passwd",
	"/dav/home/%ff", "/dav/home/%C3", "/dav/home/%ed%a0%80", "/dav/home/a%0Ab", "/dav/home/a%7Fb", "/dav/home/%C2%85",
	"/dav/home/a%2Fb", "/dav%2Fhome/a.txt", "/dav/home/" + strings.Repeat("d/", 2100), "/dav/home/" + strings.Repeat("/long-name", 500),
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a.txt")
	before := mia.Tree("/dav/home/")
	for _, path := range badNames {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "OPTIONS"} {
			k := mia.Dial(method, path, "Destination", "/dav/home/b.txt", "Content-Length", "0", "Lock-Token", "<urn:uuid:0>")
			k.Answer().Want(t, 400)
		}
	}
	nothingLeft(t, s, before)
}

func TestBadHeaders(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a.txt", "/dav/home/folder/")
	before := mia.Tree("/dav/home/")
	garbage := []string{
		"(", ")", "()", "<", "<>", "(<>)", "([)", "([])", "(<urn:x>", "<urn:x>", "(Not)", "(Not Not <urn:x>)", "nonsense", "(<urn:x>) trailing",
		"(<urn:x>) <urn:y> (<urn:z>)", "((<urn:x>))", "(<a b>)", `(["a)`, strings.Repeat("(<urn:x>)", 2000), strings.Repeat("(", 70_000), ",",
	}
	type wrong struct {
		method, path, header, value string
		status                      int
	}
	wrongs := []wrong{
		{"PROPFIND", "/dav/home/", "Depth", "2", 400},
		{"PROPFIND", "/dav/home/", "Depth", "0,1", 400},
		{"PROPFIND", "/dav/home/", "Depth", "infinite", 400},
		{"LOCK", "/dav/home/folder", "Depth", "1", 400},
		{"LOCK", "/dav/home/folder", "Depth", "x", 400},
		{"DELETE", "/dav/home/folder", "Depth", "0 ", 204}, // a lone file or collection goes whole
		{"COPY", "/dav/home/a.txt", "Overwrite", "X", 400},
		{"MOVE", "/dav/home/a.txt", "Overwrite", "true", 400},
		{"PUT", "/dav/home/a.txt", "If-Match", "", 400},
		{"PUT", "/dav/home/a.txt", "If-Match", `"open`, 400},
		{"DELETE", "/dav/home/a.txt", "If-None-Match", ",,", 400},
		{"UNLOCK", "/dav/home/a.txt", "Lock-Token", "no brackets", 400},
		{"UNLOCK", "/dav/home/a.txt", "Lock-Token", "<>", 409},
	}
	for _, value := range garbage {
		for _, method := range []string{"GET", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "PROPPATCH", "LOCK"} {
			wrongs = append(wrongs, wrong{method, "/dav/home/a.txt", "If", value, 400})
		}
	}
	for _, w := range wrongs {
		body := ""
		switch w.method {
		case "PROPPATCH":
			body = setProp("x", "1")
		case "LOCK":
			body = exclusive
		}
		mia.Do(w.method, w.path, body, "Destination", "/dav/home/b.txt", w.header, w.value).Want(t, w.status)
		if w.status == 204 {
			tree(t, mia, w.path+"/")
			before = mia.Tree("/dav/home/")
		}
	}
	nothingLeft(t, s, before)
}

func TestAbsurdContentLength(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a.txt")
	before := mia.Tree("/dav/home/")
	for length, status := range map[string]int{
		strconv.Itoa(math.MaxInt64): 507, "1152921504606846976": 507,
		"99999999999999999999": 400, "-1": 400, "ten": 400, "0x10": 400, "1, 2": 400,
	} {
		for _, path := range []string{"/dav/home/a.txt", "/dav/home/new.txt"} {
			mia.Dial("PUT", path, "Content-Length", length).Answer().Want(t, status)
		}
	}
	// The usual trick to have two servers read two requests.
	k := mia.Dial("PUT", "/dav/home/new.txt", "Content-Length", "5", "Transfer-Encoding", "chunked", "Transfer-Encoding", "identity")
	if r := k.Answer(); r.Status != 400 && r.Status != 501 {
		t.Errorf("two lengths: %d", r.Status)
	}
	nothingLeft(t, s, before)
}

// A body where none is expected hurts nobody.
func TestUnexpectedBodies(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a.txt")
	body := content("b", 1<<20)
	mia.Do("GET", "/dav/home/a.txt", body).Want(t, 200)
	mia.Do("OPTIONS", "/dav/home/a.txt", body).Want(t, 200)
	mia.Do("COPY", "/dav/home/a.txt", body, "Destination", "/dav/home/b.txt").Want(t, 201)
	mia.Do("MOVE", "/dav/home/b.txt", body, "Destination", "/dav/home/c.txt").Want(t, 201)
	mia.Do("DELETE", "/dav/home/c.txt", body).Want(t, 204)
	mia.Do("BREW", "/dav/home/a.txt", body).Want(t, 501)
	mia.Do("GET", "/dav/home/a.txt", "").Want(t, 200, "content of")
}

// A body of XML that breaks off, or comes in chunks that are none, is its sender's
// fault and no failure of the server.
func TestXMLBreaksOff(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a.txt")
	before := mia.Tree("/dav/home/")
	for _, method := range []string{"PROPFIND", "PROPPATCH", "LOCK", "REPORT", "SEARCH", "ACL"} {
		k := mia.Dial(method, "/dav/home/a.txt", "Transfer-Encoding", "chunked")
		k.Say("zz\r\n<x/>\r\n0\r\n\r\n")
		k.Answer().Want(t, 400)
		k = mia.Dial(method, "/dav/home/a.txt", "Content-Length", "1000")
		k.Say(exclusive)
		k.CloseWrite()
		k.Answer().Want(t, 400)
	}
	nothingLeft(t, s, before)
}

// A client that hangs up while it is answered costs nothing.
func TestClientHangsUp(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/big.bin", content("b", 8<<20)).Want(t, 201)
	fill(t, s, "many", 1100)
	for _, r := range []struct{ method, path string }{{"GET", "/dav/home/big.bin"}, {"PROPFIND", "/dav/home/many"}, {"GET", "/dav/home/many"}} {
		k := mia.Dial(r.method, r.path)
		if _, err := io.CopyN(io.Discard, k, 10); err != nil {
			t.Error(err)
		}
		k.Reset()
	}
	s.Settle()
	mia.Do("GET", "/dav/home/big.bin", "").Want(t, 200)
}
