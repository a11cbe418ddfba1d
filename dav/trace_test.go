package dav_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"davit/dav/davtest"
)

// A traced request is one that a real client sent to another server.
type traced struct {
	Method, URI string
	Status      int // that it was answered with
	Headers     map[string]string
	Anonymous   bool
	Body        string
	Size        int // of a body that was not kept
}

// TestTraces sends every shape of request that some clients were seen to send,
// and wants the class of answer that they went on from.
func TestTraces(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/traces/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := davtest.Start(t, "mia", "max")
			s.Space("Team", "user:mia=editor", "user:max=editor")
			lines := bufio.NewScanner(bytes.NewReader(text))
			for n := 1; lines.Scan(); n++ {
				var r traced
				if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
					t.Fatalf("line %d: %v", n, err)
				}
				replay(t, s, &r, n)
			}
		})
	}
}

// tracedHost and tracedTop are what the traces call the server and the folder.
const (
	tracedHost = "http://dav.example.test"
	tracedTop  = "/dav/Team"
)

// replay sends the request in a folder of its own.
func replay(t *testing.T, s *davtest.Server, r *traced, n int) {
	t.Helper()
	mia, top := s.As("mia"), fmt.Sprintf("%s/%d", tracedTop, n)
	mia.Do("MKCOL", top, "").Want(t, 201)
	here := strings.NewReplacer(tracedHost, s.URL, tracedTop, top)
	r.URI = here.Replace(r.URI)
	for name, value := range r.Headers {
		r.Headers[name] = here.Replace(value)
	}
	tracedStage{t, s, mia, r, n}.arrange()
	if r.Body == "" && r.Method == "PUT" {
		r.Body = content("x", r.Size)
	}
	var headers []string
	for name, value := range r.Headers {
		headers = append(headers, name, value)
	}
	client := mia
	switch {
	case r.Anonymous:
		client = s.As("")
	case r.Status == 401:
		client = s.AsSecret("mia", "wrong")
	}
	got := client.Do(r.Method, r.URI, r.Body, headers...)
	if got.Status/100 != r.Status/100 || got.Status > 299 && got.Status != r.Status {
		t.Errorf("line %d: %s %s %v: %d instead of %d\n%s", n, r.Method, r.URI, r.Headers, got.Status, r.Status, got.Body)
	}
	if got.Status == 207 {
		multistatus(t, got)
	}
	if r.Method == "OPTIONS" && got.Status == 200 && !strings.HasPrefix(got.Header.Get("Dav"), "1, 2") {
		t.Errorf("line %d: OPTIONS promises %q", n, got.Header.Get("Dav"))
	}
}

// A tracedStage makes the world what a request met.
type tracedStage struct {
	t   *testing.T
	s   *davtest.Server
	mia *davtest.Client
	r   *traced
	n   int // its line
}

// tokenSent finds the token of a lock in If and Lock-Token.
var tokenSent = regexp.MustCompile(`^((?:<[^>]*> )?\(?<)[^>]*(>\)?)$`)

func (g tracedStage) arrange() {
	g.t.Helper()
	r := g.r
	switch fresh := r.Method == "MKCOL" || r.Status == 201 && (r.Method == "PUT" || r.Method == "LOCK"); {
	case r.Status == 401 || r.Anonymous:
		return
	case fresh && strings.HasSuffix(r.URI, fmt.Sprintf("/%d/", g.n)):
		g.mia.Do("DELETE", r.URI, "").Want(g.t, 204) // the folder itself is what the client makes
	case fresh || r.Status == 404:
		g.make(path.Dir(strings.TrimSuffix(r.URI, "/")) + "/")
	default:
		g.make(r.URI)
	}
	if to, is := strings.CutPrefix(r.Headers["Destination"], g.s.URL); is && r.Status == 204 {
		g.make(to)
	} else if is {
		g.make(path.Dir(strings.TrimSuffix(to, "/")) + "/")
	}
	if r.Status == 423 {
		take(g.t, g.s.As("max"), r.URI, exclusive)
	}
	for _, name := range []string{"If", "Lock-Token"} {
		if sent := r.Headers[name]; sent != "" {
			r.Headers[name] = tokenSent.ReplaceAllString(sent, "${1}"+take(g.t, g.mia, r.URI, exclusive)+"${2}")
			// davfs2 1.6.1 leaves this out once LOCK has made the file: its own
			// test makes files.
			delete(r.Headers, "If-None-Match")
		}
	}
	for _, name := range []string{"If-Match", "If-None-Match"} {
		if strings.HasPrefix(r.Headers[name], `"`) {
			r.Headers[name] = g.mia.Do("HEAD", r.URI, "").Want(g.t, 200).Header.Get("Etag")
		}
	}
}

// make makes a file, or a collection if the URL ends in a slash or has no dot, with
// what is above it.
func (g tracedStage) make(url string) {
	g.t.Helper()
	if strings.Count(strings.Trim(url, "/"), "/") < 3 {
		return // the folder that is there, or one above it
	}
	clean := strings.TrimSuffix(url, "/")
	g.make(path.Dir(clean) + "/")
	if clean != url || !strings.Contains(path.Base(url), ".") {
		if got := g.mia.Do("MKCOL", clean, "").Status; got != 201 && got != 405 {
			g.t.Errorf("MKCOL %s: %d", clean, got)
		}
		return
	}
	if got := g.mia.Do("PUT", url, "what was there").Status; got != 201 && got != 204 {
		g.t.Errorf("PUT %s: %d", url, got)
	}
}
