package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestStalledStream: a client that lets one stream of a connection stand still loses
// it, and keeps the others.
func TestStalledStream(t *testing.T) {
	t.Parallel()
	var log notebook
	ended := make(chan error, 1)
	piece := make([]byte, 1<<20)
	content := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/large" {
			fmt.Fprint(w, r.Proto, " ", r.RemoteAddr)
			return
		}
		for {
			if _, err := w.Write(piece); err != nil {
				ended <- err
				return
			}
		}
	})
	f := &front{content: content, pace: pace{period: 500 * time.Millisecond, least: streamPart}, log: slog.New(slog.NewTextHandler(&log, nil))}
	s := httptest.NewUnstartedServer(f)
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	client := s.Client()
	client.Timeout = patience
	get := func(path string) *http.Response {
		t.Helper()
		r, err := client.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	read := func(r *http.Response) string {
		t.Helper()
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}

	first := read(get("/small"))
	if !strings.HasPrefix(first, "HTTP/2.0 ") {
		t.Fatalf("the server speaks %s", first)
	}
	large := get("/large")
	defer large.Body.Close()
	for range 20 {
		if got := read(get("/small")); got != first {
			t.Fatalf("beside a stream that stands still: %s, before: %s", got, first)
		}
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Fatal("the stream goes on")
	}
	if _, err := io.Copy(io.Discard, large.Body); err == nil {
		t.Error("the stream ended as if it were whole")
	}
	if got := read(get("/small")); got != first {
		t.Errorf("after a stream was ended: %s, before: %s", got, first)
	}
	if told := log.String(); !strings.Contains(told, "stopped reading") {
		t.Errorf("the log: %s", told)
	}
}

// reader is a client of HTTP/2 that takes each part in a time of its own.
type reader struct {
	http.ResponseWriter
	takes    []time.Duration
	took     int
	deadline time.Time
	hungUp   chan struct{}
}

func (r *reader) Write(p []byte) (int, error) {
	r.took++
	select {
	case <-time.After(r.takes[(r.took-1)%len(r.takes)]):
		return len(p), nil
	case <-r.hungUp:
		return 0, os.ErrDeadlineExceeded
	}
}

func (r *reader) SetWriteDeadline(t time.Time) error {
	if r.deadline = t; !t.After(time.Now()) {
		close(r.hungUp)
	}
	return nil
}

// TestStreamPace: each part has its time, however long the whole takes, and whoever
// writes nothing is not ended.
func TestStreamPace(t *testing.T) {
	const least = 4 << 10
	for _, row := range []struct {
		name  string
		takes []time.Duration
		sizes []int
		parts int
		err   error
	}{
		{"at once", []time.Duration{0}, []int{100, streamPart, 10 * streamPart}, 12, nil},
		{"at the least pace", []time.Duration{4 * time.Minute}, []int{10 * streamPart}, 10, nil},
		{"just in time", []time.Duration{5*time.Minute - 1}, []int{streamPart, streamPart}, 2, nil},
		{"too late", []time.Duration{0, 5*time.Minute + 1}, []int{3 * streamPart}, 2, os.ErrDeadlineExceeded},
		{"a little, just in time", []time.Duration{2*time.Minute - 1}, []int{100, 1, 0}, 3, nil},
		{"a little, too late", []time.Duration{2*time.Minute + 1}, []int{100}, 1, os.ErrDeadlineExceeded},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := &reader{takes: row.takes, hungUp: make(chan struct{})}
			s := pace{period: time.Minute, least: least}.stream(client, &http.Request{ProtoMajor: 2}, slog.New(slog.DiscardHandler))
			var err error
			for _, size := range row.sizes {
				n, writeErr := s.Write(make([]byte, size))
				if err = errors.Join(err, writeErr); writeErr == nil && n != size {
					t.Errorf("%s: %d bytes of %d", row.name, n, size)
				}
				time.Sleep(time.Hour) // the server's own time
			}
			if !errors.Is(err, row.err) || client.took != row.parts {
				t.Errorf("%s: %v after %d parts", row.name, err, client.took)
			}
			if s.end(); client.deadline != time.Now().Add(5*time.Minute) {
				t.Errorf("%s: the rest has time until %s", row.name, client.deadline)
			}
		})
	}
}

// TestStreamsOfOthers: HTTP/1, and a server that takes any pace, send as they did.
func TestStreamsOfOthers(t *testing.T) {
	for name, row := range map[string]struct {
		pace  pace
		major int
	}{"HTTP/1": {pace{time.Minute, 1}, 1}, "no period": {pace{0, 1}, 2}, "nothing at least": {pace{time.Minute, 0}, 2}} {
		if s := row.pace.stream(httptest.NewRecorder(), &http.Request{ProtoMajor: row.major}, nil); s != nil {
			t.Errorf("%s: an answer is held to a pace", name)
		}
	}
}
