package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// curl sends conditions, ranges, bodies of unknown length and Expect, with a
// file of some megabytes: the server's own binary.
func curl(t *testing.T, s *site) {
	program := binary(t)
	big, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	file := s.url + "/dav/home/davit"
	if code := s.curl(t, nil, "-T", program, file).status; code != "201" {
		t.Fatalf("upload: %s", code)
	}
	curlConditions(t, s, file)
	curlLocks(t, s)
	curlRanges(t, s, file, big)
	curlBodies(t, s, program, big)
}

// A curlAnswer is what curl tells of one request.
type curlAnswer struct {
	status   string
	uploaded string // bytes of body sent
	body     []byte
	header   http.Header
	trace    string
}

// curl sends one request as mia.
func (s *site) curl(t *testing.T, stdin []byte, args ...string) curlAnswer {
	t.Helper()
	dir := t.TempDir()
	head, body := filepath.Join(dir, "head"), filepath.Join(dir, "body")
	args = append([]string{"-sv", "--max-time", "60", "-u", s.user + ":" + s.password,
		"-D", head, "-o", body, "-w", `\nstatus=%{http_code} uploaded=%{size_upload}\n`}, args...)
	out := s.run(t, clientCommand{name: "curl", args: args, stdin: string(stdin)})
	_, told, _ := strings.Cut(out, "\nstatus=")
	a := curlAnswer{header: http.Header{}, trace: out}
	a.status, told, _ = strings.Cut(told, " uploaded=")
	a.uploaded, _, _ = strings.Cut(told, "\n")
	a.body, _ = os.ReadFile(body) // an answer without a body leaves no file
	lines, err := os.ReadFile(head)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(lines), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			a.header.Set(name, value)
		}
	}
	return a
}

// wantCurl sends one request and holds its answer to a status.
func (s *site) wantCurl(t *testing.T, status string, args ...string) curlAnswer {
	t.Helper()
	a := s.curl(t, nil, args...)
	if a.status != status {
		t.Errorf("curl %s: %s instead of %s\n%s", strings.Join(args, " "), a.status, status, a.trace)
	}
	return a
}

func curlConditions(t *testing.T, s *site, file string) {
	t.Helper()
	head := s.wantCurl(t, "200", "-I", file).header
	etag, modified := head.Get("Etag"), head.Get("Last-Modified")
	small := filepath.Join(t.TempDir(), "small")
	if err := os.WriteFile(small, []byte("small\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const stale = `If-Match: "stale"`
	s.wantCurl(t, "304", "-H", "If-None-Match: "+etag, file)
	s.wantCurl(t, "304", "-z", modified, file)
	s.wantCurl(t, "200", "-z", "Mon, 01 Jan 2001 00:00:00 GMT", "-I", file)
	s.wantCurl(t, "412", "-H", stale, "-T", small, file)
	s.wantCurl(t, "412", "-H", "If-None-Match: *", "-T", small, file)
	s.wantCurl(t, "412", "-H", stale, "-X", "DELETE", file)
	s.wantCurl(t, "412", "-H", stale, "-X", "MOVE", "-H", "Destination: "+file+".moved", file)
	s.wantCurl(t, "404", "-H", "If-None-Match: *", "-I", file+".moved")
	if now := s.wantCurl(t, "200", "-I", file).header.Get("Etag"); now != etag {
		t.Errorf("refused requests changed the ETag from %s to %s", etag, now)
	}
	s.wantCurl(t, "201", "-H", "If-None-Match: *", "-T", small, file+".new")
	put := s.wantCurl(t, "204", "-H", "If-Match: *", "-T", small, file+".new").header.Get("Etag")
	if got := s.wantCurl(t, "200", "-I", file+".new").header.Get("Etag"); got != put || got == "" || strings.HasPrefix(got, "W/") {
		t.Errorf("ETag %s after PUT said %s", got, put)
	}
	s.wantCurl(t, "204", "-H", "If-Match: "+put, "-X", "DELETE", file+".new")
}

// curlLocks: an If header that does not hold is told first, then the lock, then
// the preconditions of HTTP.
// RFC 4918, section 10.4.1
// RFC 9110, section 13.2.1
func curlLocks(t *testing.T, s *site) {
	t.Helper()
	file := s.url + "/dav/home/locked.txt"
	token := s.wantCurl(t, "201", "-X", "LOCK", "-H", "Content-Type: text/xml", "-d", lockBody, file).header.Get("Lock-Token")
	s.wantCurl(t, "423", "-X", "PUT", "-d", "x", file)
	s.wantCurl(t, "423", "-X", "PUT", "-d", "x", "-H", `If-Match: "stale"`, file)
	s.wantCurl(t, "412", "-X", "PUT", "-d", "x", "-H", `If: (<DAV:no-lock>)`, file)
	s.wantCurl(t, "412", "-X", "PUT", "-d", "x", "-H", `If: (`+token+` ["stale"])`, file)
	s.wantCurl(t, "412", "-X", "PUT", "-d", "x", "-H", `If: (`+token+`)`, "-H", `If-Match: "stale"`, file)
	s.wantCurl(t, "204", "-X", "PUT", "-d", "x", "-H", `If: (`+token+`)`, file)
	s.wantCurl(t, "204", "-X", "UNLOCK", "-H", "Lock-Token: "+token, file)
}

func curlRanges(t *testing.T, s *site, file string, big []byte) {
	t.Helper()
	n := len(big)
	for r, want := range map[string][]byte{
		"0-99": big[:100], "1000-": big[1000:], "-100": big[n-100:], "0-0": big[:1],
		"1048576-2097151": big[1048576:2097152],
	} {
		a := s.wantCurl(t, "206", "-r", r, file)
		if !bytes.Equal(a.body, want) {
			t.Errorf("range %s: %d other bytes", r, len(a.body))
		}
	}
	several := s.wantCurl(t, "206", "-r", "0-9,100-109", file)
	if !strings.HasPrefix(several.header.Get("Content-Type"), "multipart/byteranges") ||
		!bytes.Contains(several.body, big[:10]) || !bytes.Contains(several.body, big[100:110]) {
		t.Errorf("two ranges came as %s", several.header.Get("Content-Type"))
	}
	s.wantCurl(t, "416", "-r", "999999999999-", file)
	etag := several.header.Get("Etag")
	s.wantCurl(t, "206", "-r", "0-9", "-H", "If-Range: "+etag, file)
	if a := s.wantCurl(t, "200", "-r", "0-9", "-H", `If-Range: "stale"`, file); !bytes.Equal(a.body, big) {
		t.Errorf("If-Range with a stale tag: %d bytes instead of all", len(a.body))
	}
	curlResume(t, s, file, big)
	if a := s.curl(t, big[:100], "-X", "PUT", "-H", "Content-Range: bytes 0-99/100", "--data-binary", "@-", file); a.status < "400" {
		t.Errorf("PUT with Content-Range: %s", a.status)
	}
	if a := s.wantCurl(t, "200", file); !bytes.Equal(a.body, big) {
		t.Error("PUT with Content-Range changed the file")
	}
}

// curlResume goes on with a download that was cut off.
func curlResume(t *testing.T, s *site, file string, big []byte) {
	t.Helper()
	part := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(part, big[:len(big)/3], 0o644); err != nil {
		t.Fatal(err)
	}
	s.run(t, clientCommand{name: "curl", args: []string{"-sS", "-f", "-u", s.user + ":" + s.password, "-C", "-", "-o", part, file}})
	if got, err := os.ReadFile(part); err != nil || !bytes.Equal(got, big) {
		t.Errorf("a resumed download has %d bytes of %d, %v", len(got), len(big), err)
	}
}

func curlBodies(t *testing.T, s *site, program string, big []byte) {
	t.Helper()
	file := s.url + "/dav/home/streamed"
	if a := s.curl(t, big, "-T", "-", file); a.status != "201" || !strings.Contains(a.trace, "> Transfer-Encoding: chunked") {
		t.Errorf("a chunked upload: %s\n%s", a.status, a.trace)
	}
	if a := s.wantCurl(t, "200", file); !bytes.Equal(a.body, big) {
		t.Errorf("a chunked upload came back with %d other bytes", len(a.body))
	}
	if a := s.wantCurl(t, "204", "-H", "Expect: 100-continue", "-T", program, file); !strings.Contains(a.trace, "< HTTP/1.1 100 Continue") {
		t.Errorf("an upload that asks first gets no 100\n%s", a.trace)
	}
	// Refused before the body is sent.
	for status, args := range map[string][]string{
		"412": {"-H", `If-Match: "stale"`, file},
		"409": {s.url + "/dav/home/missing/folder/file"},
		"401": {"-u", s.user + ":wrong", file},
	} {
		a := s.wantCurl(t, status, append([]string{"-H", "Expect: 100-continue", "--expect100-timeout", "30", "-T", program}, args...)...)
		if a.uploaded != "0" {
			t.Errorf("%s after %s bytes of body", status, a.uploaded)
		}
	}
}
