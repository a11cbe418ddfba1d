package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var tiny = scale{rounds: 1, slice: time.Millisecond, batchesMax: 2, bigSize: 2 << 20,
	tree: layout{"tree", 0, 40}, wide: layout{"wide", 0, 60}, deep: layout{"deep", 3, 10}}

// memoryDir is a temporary folder that is not on a disk, where there is such a
// place: flushing a disk others write to takes seconds.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "davit-bench-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// orderly lets nothing happen beside a MOVE, which the library does in two steps
// that a listing can see between.
func orderly(h http.Handler) http.Handler {
	var mu sync.RWMutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "MOVE" {
			mu.Lock()
			defer mu.Unlock()
		} else {
			mu.RLock()
			defer mu.RUnlock()
		}
		h.ServeHTTP(w, r)
	})
}

// guarded lets mia in and nobody else.
func guarded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "mia" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// serveSite is a site on a server of this process.
func serveSite(t *testing.T, s *server, mount string, h http.Handler) *site {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	s.baseURL, s.child = srv.URL+mount, &child{cmd: &exec.Cmd{Process: self}}
	si, err := newSite(s, tiny)
	if err != nil {
		t.Fatal(err)
	}
	return si
}

// shaped is a site like Davit's: a mount deep down, credentials, no folder to
// write into directly.
func shaped(t *testing.T, wrap func(http.Handler) http.Handler) *site {
	t.Helper()
	dir := memoryDir(t)
	if err := os.MkdirAll(dir+"/dav/Team", 0o700); err != nil {
		t.Fatal(err)
	}
	s := &server{name: "shaped", held: true, user: "mia", password: "secret"}
	return serveSite(t, s, "/dav/Team/", guarded(wrap(orderly(naiveHandler(dir)))))
}

func TestWorkloadsRun(t *testing.T) {
	dir := memoryDir(t)
	plain := serveSite(t, &server{name: "plain", files: dir}, "/", orderly(naiveHandler(dir)))
	m := &meter{dir: memoryDir(t), scale: tiny, rounds: 1, progress: io.Discard}
	for _, w := range workloads(tiny) {
		t.Run(w.name, func(t *testing.T) {
			r, err := m.compare(t.Context(), w, []*site{plain, shaped(t, asIs)})
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range r.records {
				if rec.failed != nil || rec.wrong > 0 || len(rec.samples) != 1 {
					t.Fatalf("%s: %v, %d wrong answers (%s), %d rounds", rec.server.name, rec.failed, rec.wrong, rec.example, len(rec.samples))
				}
				for _, s := range rec.samples {
					if s.operations < 1 || s.elapsed <= 0 {
						t.Errorf("%s: %+v", rec.server.name, s)
					}
				}
			}
		})
	}
}

func asIs(h http.Handler) http.Handler { return h }

// A lie is a server's way to be wrong: it answers a request in the handler's
// place, and may ask the handler.
type lie func(h http.Handler, w http.ResponseWriter, r *http.Request)

// doctored lets the handler answer and then changes what it said.
func doctored(change func(rec *httptest.ResponseRecorder, body []byte) []byte) lie {
	return func(h http.Handler, w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		body := change(rec, rec.Body.Bytes())
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		if rec.Code == http.StatusNoContent {
			w.Header().Del("Content-Length")
		}
		w.WriteHeader(rec.Code)
		w.Write(body)
	}
}

// answers changes the body of an answer.
func answers(change func(body []byte) []byte) lie {
	return doctored(func(_ *httptest.ResponseRecorder, body []byte) []byte { return change(body) })
}

// pretends says it is done and does nothing.
func pretends(status int) lie {
	return func(_ http.Handler, w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
	}
}

func flipped(i func(n int) int) func([]byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		b[i(len(b))] ^= 1
		return b
	}
}

func replaced(old, with string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
}

func middle(n int) int { return n/2 + 1000 }
func last(n int) int   { return n - 1 }

func shorter(b []byte) []byte { return b[:len(b)-1] }

// stores changes what arrives before it is kept.
func stores(change func([]byte) []byte) lie {
	return func(h http.Handler, w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(change(body)))
		h.ServeHTTP(w, r)
	}
}

func copiesInstead(h http.Handler, w http.ResponseWriter, r *http.Request) {
	r.Method = "COPY"
	h.ServeHTTP(w, r)
}

// losesOne copies or moves all but one file.
func losesOne(h http.Handler, w http.ResponseWriter, r *http.Request) {
	h.ServeHTTP(w, r)
	_, path, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Destination"), "http://"), "/")
	again := httptest.NewRequest("DELETE", "/"+path+tiny.tree.file(7), nil)
	h.ServeHTTP(httptest.NewRecorder(), again)
}

// TestLiesAreNoticed is the check of the checks: for each workload, servers that
// answer with the right status and are wrong all the same.
func TestLiesAreNoticed(t *testing.T) {
	treeEntry := regexp.MustCompile(`(?s)<D:response><D:href>[^<]*` + tiny.tree.file(3) + `.*?</D:response>`)
	deepEntry := regexp.MustCompile(`(?s)<D:response><D:href>[^<]*` + tiny.deep.file(11) + `.*?</D:response>`)
	for _, tc := range []struct {
		workload, name string
		methods        string
		lie            lie
	}{
		{"GET 1 KiB", "last bit", "GET", answers(flipped(last))},
		{"GET 1 KiB", "short", "GET", answers(shorter)},
		{"GET 2 MiB", "one bit", "GET", answers(flipped(middle))},
		{"GET 2 MiB", "short", "GET", answers(shorter)},
		{"GET ranges", "last bit", "GET", answers(flipped(last))},
		{"GET ranges", "short", "GET", answers(shorter)},
		{"GET ranges", "other range told", "GET", doctored(func(rec *httptest.ResponseRecorder, b []byte) []byte {
			rec.Header().Set("Content-Range", fmt.Sprintf("bytes 0-65535/%d", tiny.bigSize))
			return b
		})},
		{"PROPFIND depth 0", "size", "PROPFIND", answers(replaced(">1024<", ">1023<"))},
		{"PROPFIND depth 0", "name", "PROPFIND", answers(replaced("/f0", "/f1"))},
		{"PROPFIND depth 1 of 40 files, allprop", "one missing", "PROPFIND",
			answers(func(b []byte) []byte { return treeEntry.ReplaceAll(b, nil) })},
		{"PROPFIND depth 1 of 40 files, a file", "size", "PROPFIND", answers(replaced(">1024<", ">0<"))},
		{"PROPFIND depth 1 of 40 files, a file", "other name", "PROPFIND",
			answers(replaced(tiny.tree.file(0)+"</D:href>", "stray.txt</D:href>"))},
		{"PROPFIND depth 1 of 40 files, a file", "one too many", "PROPFIND",
			answers(replaced("</D:multistatus>", "<D:response><D:href>/x</D:href></D:response></D:multistatus>"))},
		{"PROPFIND depth infinity of 30 files", "one missing", "PROPFIND",
			answers(func(b []byte) []byte { return deepEntry.ReplaceAll(b, nil) })},
		{"PUT 1 KiB, new names, 1 ", "not kept", "PUT", pretends(201)},
		{"PUT 1 KiB, new names, 16", "not kept", "PUT", pretends(201)},
		{"PUT 1 KiB, new names, 16", "one bit", "PUT", stores(flipped(last))},
		{"PUT 1 KiB, new names, 16", "short", "PUT", stores(shorter)},
		{"PUT 2 MiB", "one bit", "PUT", stores(flipped(middle))},
		{"PUT 2 MiB", "short", "PUT", stores(shorter)},
		{"MOVE", "nothing done", "MOVE", pretends(201)},
		{"MOVE", "source stays", "MOVE", copiesInstead},
		{"MOVE", "one lost", "MOVE", losesOne},
		{"COPY", "nothing done", "COPY", pretends(201)},
		{"COPY", "one missing", "COPY", losesOne},
		{"DELETE", "nothing done", "DELETE", pretends(204)},
		{"LOCK", "no token", "LOCK", doctored(func(rec *httptest.ResponseRecorder, b []byte) []byte {
			rec.Header().Del("Lock-Token")
			return b
		})},
		{"LOCK", "nothing locked", "LOCK UNLOCK", func(_ http.Handler, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Lock-Token", "<urn:uuid:0>")
			if r.Method == "UNLOCK" {
				w.WriteHeader(http.StatusNoContent)
			}
		}},
		{"LOCK", "never unlocked", "UNLOCK", pretends(204)},
		{"office", "a save not kept", "PUT", pretends(204)},
		{"office", "temporary file not moved", "MOVE", pretends(204)},
		{"office", "one missing", "PROPFIND", answers(replaced("report-5.odt</D:href>", "stray.odt</D:href>"))},
		{"office", "other bytes", "GET", answers(flipped(last))},
	} {
		t.Run(tc.workload+", "+tc.name, func(t *testing.T) {
			var lying atomic.Bool
			s := shaped(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if lying.Load() && slices.Contains(strings.Fields(tc.methods), r.Method) {
						tc.lie(h, w, r)
						return
					}
					h.ServeHTTP(w, r)
				})
			})
			m := &meter{dir: memoryDir(t), scale: tiny, rounds: 1, progress: io.Discard}
			w := named(t, tc.workload)
			honest, liar := &record{server: s.server}, &record{server: s.server}
			if _, err := m.round(w, s, honest); err != nil || honest.wrong > 0 {
				t.Fatalf("before the lie: %v, %s", err, honest.example)
			}
			lying.Store(true)
			if _, err := m.round(w, s, liar); err == nil && liar.wrong == 0 {
				t.Error("nobody noticed")
			}
		})
	}
}

func named(t *testing.T, prefix string) workload {
	t.Helper()
	for _, w := range workloads(tiny) {
		if strings.HasPrefix(w.name, prefix) {
			return w
		}
	}
	t.Fatalf("no workload begins with %q", prefix)
	return workload{}
}

func TestFailureIsRecorded(t *testing.T) {
	broken := shaped(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	good := shaped(t, asIs)
	m := &meter{dir: memoryDir(t), scale: tiny, rounds: 1, progress: io.Discard}
	r, err := m.compare(t.Context(), named(t, "GET 1 KiB"), []*site{good, broken})
	if err != nil {
		t.Fatal(err)
	}
	if r.records[0].failed != nil || len(r.records[0].samples) != 1 {
		t.Errorf("the good server: %v", r.records[0].failed)
	}
	if r.records[1].failed == nil || len(r.records[1].samples) != 0 {
		t.Errorf("the broken server: %d samples", len(r.records[1].samples))
	}
}

func TestTolerate(t *testing.T) {
	b := &batch{}
	for _, err := range []error{nil, wrong("first"), fmt.Errorf("wrapped: %w", wrong("second"))} {
		if got := b.tolerate(err); got != nil {
			t.Errorf("%v ends the workload", got)
		}
	}
	if b.wrong != 2 || b.example != "first" {
		t.Errorf("%d wrong answers, the first is %q", b.wrong, b.example)
	}
	if err := b.tolerate(io.ErrUnexpectedEOF); err == nil || b.wrong != 2 {
		t.Error("a broken connection is tolerated")
	}
}

func TestCountResponses(t *testing.T) {
	for body, want := range map[string]int{
		"": 0,
		`<D:multistatus><D:response><a/></D:response><D:response></D:response></D:multistatus>`: 2,
		`<response xmlns="DAV:"></response >`:                                                   1,
		`<D:responsedescription>response></D:responsedescription></x:response>`:                 1,
		`</D:response`: 0,
	} {
		if got := countResponses([]byte(body)); got != want {
			t.Errorf("%s: %d", body, got)
		}
	}
}
