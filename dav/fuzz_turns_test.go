package dav_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// turnsMax is how many requests one input makes.
const turnsMax = 24

// FuzzTurns plays mia, max and a bearer of a link against each other in a world of
// their own: each byte of the input is one choice, so that the fuzzer finds
// sequences and not spellings.
func FuzzTurns(f *testing.F) {
	bodies := capturedBodies(f)
	r := rand.New(rand.NewPCG(1, 2)) // the seeds are the same in every run
	for range 24 {
		seed := make([]byte, turnsMax*8)
		for i := range seed {
			seed[i] = byte(r.UintN(256))
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		p := &player{world: newWorld(t), choices: input, bodies: bodies}
		for range turnsMax {
			if len(p.choices) == 0 || t.Failed() {
				return
			}
			p.turn(t)
		}
	})
}

// capturedBodies are those that clients were seen to send, and some that are
// meant for the methods of these tests.
func capturedBodies(t testing.TB) []string {
	t.Helper()
	bodies := []string{"", "content", content("x", 9000), content("y", 15_000), exclusive, shared, setProp("colour", "red"),
		removeProp("colour"), "<propertyupdate xmlns=\"DAV:\"><set><prop><getetag>x</getetag></prop></set></propertyupdate>",
		syncBody("", "1", 0), syncBody("SYNC", "infinite", 2), syncBody("SYNC", "1", 0)}
	seen := map[string]bool{}
	for _, s := range seeds {
		seen[s.body] = true
		bodies = append(bodies, s.body)
	}
	files, err := filepath.Glob("../testdata/traces/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var r traced
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if !seen[r.Body] {
				seen[r.Body] = true
				bodies = append(bodies, r.Body)
			}
		}
	}
	return bodies
}

// A player makes requests of choices, and remembers what the answers gave it.
type player struct {
	*world
	choices                  []byte
	bodies                   []string
	lock, etag, sync, lastAt string // the newest of each, and the path of the last change
}

func (p *player) choose(n int) int {
	if len(p.choices) == 0 {
		return 0
	}
	c := int(p.choices[0]) % n
	p.choices = p.choices[1:]
	return c
}

func (p *player) oneOf(list ...string) string { return list[p.choose(len(list))] }

// sometimes is true once in n.
func (p *player) sometimes(n int) bool { return p.choose(n) == n-1 }

func (p *player) turn(t *testing.T) {
	if p.sometimes(16) {
		p.clock.advance(20 * time.Minute) // locks end
		p.before = p.picture(t)
	}
	s := shot{who: p.oneOf("mia", "max", "mia", "max", ""), method: p.oneOf("PUT", "LOCK", "MOVE", "COPY", "DELETE", "MKCOL", "UNLOCK", "PROPPATCH",
		"PROPFIND", "PUT", "LOCK", "MOVE", "GET", "HEAD", "OPTIONS", "REPORT", "SEARCH", "ACL", "POST", "TRACE", "BIND", "put")}
	s.path = p.path(s.who)
	s.headers = p.headers(s)
	s.body = p.body(s.method)
	if rec := p.fire(t, s); rec != nil {
		p.remember(s, rec)
	}
}

// path is somewhere in what the actor may or may not see.
func (p *player) path(who string) string {
	if who == "" && !p.sometimes(8) {
		return p.link + p.oneOf("", "/", "/b.txt", "/sub", "/sub/", "/new.txt", "/sub/b.txt", "/%2e%2e/a.txt", "/c")
	}
	if p.lastAt != "" && p.sometimes(3) {
		return p.lastAt
	}
	return p.oneOf("/dav/home/a.txt", "/dav/home/dir", "/dav/home/dir/", "/dav/home/dir/b.txt", "/dav/home/dir/sub", "/dav/home/new", "/dav/home/new/in.txt",
		"/dav/home/given/c.txt", "/dav/home/given", "/dav/shared/max/given/", "/dav/shared/max/given/c.txt", "/dav/shared/max/given/new", "/dav/shared/max", "/dav/shared/",
		"/dav/Team", "/dav/Team/", "/dav/Team/a.txt", "/dav/Team/dir", "/dav/Team/dir/", "/dav/Team/dir/d.txt", "/dav/Team/new.txt", "/dav/Team/new", "/dav/Team/dir/"+unseen,
		"/dav/Team/dir/"+unseen+"/e.txt", "/dav/Vault/", "/dav/Vault/"+unseen+".txt", "/dav/shared/max/"+unseen+".txt", "/dav/home", "/dav/", "/dav", "/", "*",
		"/principals/", "/principals/users/mia/", "/principals/users/nils/", "/dav/home/%C3%A9", "/dav/home/e%CC%81", "/dav/home/a%2Fb", "/dav/home/dir/../a.txt",
		"/dav/home/a.txt/below", "/dav/home//a.txt", "http://host/dav/home/a.txt", "/dav/.trash/", "/dav/.trash/Team/", "/s/none/x", "/dav/home/a.txt?x=%zz", p.link+"/b.txt")
}

// headers are some that the method takes and some that it does not.
func (p *player) headers(s shot) string {
	var lines []string
	if s.method == "MOVE" || s.method == "COPY" {
		lines = append(lines, "Destination: "+p.oneOf("", "http://host", "http://other")+p.path(s.who))
	}
	if s.method == "UNLOCK" {
		lines = append(lines, "Lock-Token: <"+p.lock+">")
	}
	for range p.choose(4) {
		lines = append(lines, p.header(s))
	}
	return strings.Join(lines, "\n")
}

func (p *player) header(s shot) string {
	switch p.choose(17) {
	case 0, 1:
		return "If: (<" + p.lock + ">)"
	case 2:
		return "If: <" + p.path(s.who) + "> " + p.oneOf("(<"+p.lock+">)", "(["+p.etag+"])", "(Not <"+p.lock+">)", "(<"+p.sync+">)")
	case 3:
		return "If: " + p.oneOf("(<"+p.lock+"> ["+p.etag+"])", "(Not <DAV:no-lock>)", "(<"+p.sync+">)", "(["+p.etag+"]) (<"+p.lock+">)", "((", "(<urn:x>)")
	case 4:
		return "If-Match: " + p.oneOf("*", p.etag, `"stale"`, `W/`+p.etag)
	case 5:
		return "If-None-Match: " + p.oneOf("*", p.etag, `"stale"`)
	case 6:
		return p.oneOf("If-Modified-Since: ", "If-Unmodified-Since: ") + p.oneOf("Mon, 01 Jan 2001 00:00:00 GMT", "Mon, 01 Jan 2101 00:00:00 GMT", "never")
	case 7:
		return "Depth: " + p.oneOf("0", "1", "infinity", "Infinity", "2")
	case 8:
		return "Overwrite: " + p.oneOf("F", "T", "x")
	case 9:
		return "Timeout: " + p.oneOf("Second-1", "Infinite, Second-4100000000", "Second-99999999999999999999", "Second--1")
	case 10:
		return "Lock-Token: " + p.oneOf("<"+p.lock+">", p.lock, "<urn:uuid:0>")
	case 11:
		return "Range: " + p.oneOf("bytes=0-1", "bytes=0-0,3-", "bytes=-2", "bytes=9999-", "bytes=1-0") + "\nIf-Range: " + p.oneOf(p.etag, `"x"`)
	case 12:
		return "Content-Range: " + p.oneOf("bytes 0-1/2", "bytes */2", "x")
	case 13:
		return "Prefer: " + p.oneOf("return=minimal", "return=representation", "depth-noroot", ";=,")
	case 14:
		return p.oneOf("Content-Encoding: gzip", "Content-Type: text/xml", "Content-Type: \x80", "X-OC-Mtime: 1000000000", "X-OC-Mtime: -1")
	case 15:
		return p.oneOf("Expect: 100-continue", "Expect: 200-maybe", "X-Expected-Entity-Length: 99999999999", "Brief: t")
	default:
		return p.oneOf("Content-Length: 99999", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked\nX-Expected-Entity-Length: 20000", "Content-Length: 9223372036854775807")
	}
}

// body is mostly one that the method reads, and sometimes damaged.
func (p *player) body(method string) string {
	body := p.bodies[p.choose(len(p.bodies))]
	switch {
	case p.sometimes(3):
	case method == "LOCK":
		body = p.oneOf(exclusive, shared, exclusive, "")
	case method == "PROPPATCH":
		body = p.oneOf(setProp("colour", "red"), removeProp("colour"), setProp("x", content("x", 3000)))
	case method == "PUT":
		body = p.oneOf("content", "", content("x", 9000), content("y", 15_000))
	case method != "REPORT" && method != "SEARCH" && method != "PROPFIND" && method != "ACL":
		body = ""
	}
	body = strings.ReplaceAll(body, "SYNC", p.sync)
	if len(body) > 1 && p.sometimes(8) {
		from := (p.choose(256)<<8 | p.choose(256)) % len(body)
		to := min(len(body), from+p.choose(32))
		body = body[:from] + p.oneOf("", body[from:to]+body[from:to], "<x/>", "&#0;", "\xff", "]]>", `xmlns:D=""`, "DAV:") + body[to:]
	}
	if p.sometimes(16) {
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) // for Transfer-Encoding
	}
	return body
}

var (
	tokenGiven = regexp.MustCompile(`<(urn:uuid:[^>]+)>`)
	syncGiven  = regexp.MustCompile(`urn:davit:sync:[\w-]+`)
)

func (p *player) remember(s shot, rec *httptest.ResponseRecorder) {
	if m := tokenGiven.FindStringSubmatch(rec.Header().Get("Lock-Token")); m != nil {
		p.lock = m[1]
	}
	if tag := rec.Header().Get("Etag"); tag != "" {
		p.etag = tag
	}
	if token := syncGiven.FindString(rec.Body.String()); token != "" {
		p.sync = token
	}
	if rec.Code == 201 || rec.Code == 204 {
		p.lastAt = s.path
	}
}
