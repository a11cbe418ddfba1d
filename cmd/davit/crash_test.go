package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	// crashWriters upload at the same time, each in a folder of its own.
	crashWriters = 200
	// crashAnswersMax is how many answers a server gives at most before it is
	// killed.
	crashAnswersMax = 600
	// crashRounds take about 40 seconds; DAVIT_CRASH_ROUNDS asks for others.
	crashRounds = 30
)

// TestCrash kills the server again and again while 200 people write. What was
// acknowledged is there after the next start; what was under way is there whole
// or not at all; nothing else is left. DAVIT_CRASH_SEED repeats a run as far as
// the scheduling of processes does.
func TestCrash(t *testing.T) {
	rounds := crashRounds
	if testing.Short() {
		rounds = 2
	}
	rounds = int(fromEnv(t, "DAVIT_CRASH_ROUNDS", uint64(rounds)))
	seed := fromEnv(t, "DAVIT_CRASH_SEED", rand.Uint64())
	t.Logf("run again with: DAVIT_CRASH_SEED=%d DAVIT_CRASH_ROUNDS=%d", seed, rounds)
	c := newCrash(t, rand.New(rand.NewPCG(seed, 0)))
	for round := range rounds {
		c.write()
		c.start()
		c.verify()
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	c.kill()
	if c.unknown == 0 {
		t.Error("no kill met a request under way: the test shows nothing")
	}
	t.Logf("%d answers, %d requests cut off by %d kills", c.answers, c.unknown, rounds)
}

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A crash is a victim and who writes to it.
type crash struct {
	*victim
	rand    *rand.Rand
	writers []*crashWriter
	answers int // of all servers together
	unknown int // requests whose outcome nobody was told
}

func newCrash(t *testing.T, r *rand.Rand) *crash {
	c := &crash{victim: newVictim(t, crashWriters), rand: r}
	c.start()
	for i := range crashWriters {
		w := &crashWriter{c: c, home: fmt.Sprintf("/dav/Team/%d", i), rand: rand.New(rand.NewPCG(r.Uint64(), 0)), files: files{}}
		for _, name := range []string{"a", "b", "c", "d"} {
			w.names = append(w.names, fmt.Sprintf("%s%d", name, i)) // one trash is for all
		}
		c.writers = append(c.writers, w)
		if status, _, err := c.ask("MKCOL", w.home, nil, ""); status != http.StatusCreated {
			t.Fatalf("MKCOL: %d, %v", status, err)
		}
	}
	return c
}

// ask sends one request. An error means that nobody knows what became of it.
func (c *crash) ask(method, path string, body []byte, destination string) (status int, content []byte, err error) {
	var headers []string
	if destination != "" {
		headers = []string{"Destination", c.url + destination}
	}
	resp, content, err := c.send(method, path, body, headers...)
	if err != nil {
		return 0, nil, err
	}
	return resp.StatusCode, content, nil
}

// write lets everybody write, and kills the server meanwhile.
func (c *crash) write() {
	var steps []func() bool
	for _, w := range c.writers {
		steps = append(steps, w.step)
	}
	c.answers += c.killAmid(c.rand.Int64N(crashAnswersMax), steps)
	for _, w := range c.writers {
		if w.pending != nil {
			c.unknown++
		}
	}
}

// verify reads everything back from a server that has just started, and asks it
// for a check.
func (c *crash) verify() {
	c.t.Helper()
	c.noTemps()
	var crowd sync.WaitGroup
	room := make(chan struct{}, 16)
	for _, w := range c.writers {
		room <- struct{}{}
		crowd.Go(func() {
			w.verify()
			<-room
		})
	}
	crowd.Wait()
	c.davit("check")
}

// A crashBody stands for content: the same numbers make the same bytes.
type crashBody struct{ n, size int }

func (b crashBody) bytes() []byte {
	line := fmt.Appendf(nil, "%d of %d, ", b.n, b.size)
	return bytes.Repeat(line, b.size/len(line)+1)[:b.size]
}

// files are the contents of one folder by name.
type files map[string]crashBody

// A crashWriter knows what its folder holds: the files as of the last answer,
// and, while a request is under way, the files as they will be after it.
type crashWriter struct {
	c              *crash
	home           string
	rand           *rand.Rand
	names          []string
	files, pending files
	// trash is what was deleted from the folder, the newest last.
	trash, pendingTrash map[string][]crashBody
}

// step sends one request, and answers false when it was cut off.
func (w *crashWriter) step() bool {
	name, other := w.names[w.rand.IntN(4)], w.names[w.rand.IntN(4)]
	body, there := w.files[name]
	next, trash := maps.Clone(w.files), maps.Clone(w.trash)
	if trash == nil {
		trash = map[string][]crashBody{}
	}
	method, at, content, to := "PUT", w.home+"/"+name, []byte(nil), ""
	switch n := w.rand.IntN(10); {
	case n < 2 && there && name != other:
		if over, taken := next[other]; taken {
			trash[other] = append(slices.Clip(trash[other]), over)
		}
		method, to, next[other] = "MOVE", w.home+"/"+other, body
		delete(next, name)
	case n < 3 && there && name != other:
		method, to, next[other] = "COPY", w.home+"/"+other, body
	case n < 4 && there:
		method = "DELETE"
		delete(next, name)
		trash[name] = append(slices.Clip(trash[name]), body)
	case n < 6 && !there && len(trash[name]) > 0:
		newest := len(trash[name]) - 1
		method, at, to, next[name] = "MOVE", "/dav/.trash/Team/"+name, w.home+"/"+name, trash[name][newest]
		trash[name] = trash[name][:newest]
	default:
		size := []int{0, 100, 8192, 8193, 50_000, 300_000}[w.rand.IntN(6)]
		// One in four contents has been uploaded before.
		next[name] = crashBody{w.rand.IntN([]int{10, 1 << 30, 1 << 30, 1 << 30}[w.rand.IntN(4)]), size}
		content = next[name].bytes()
	}
	w.pending, w.pendingTrash = next, trash
	status, _, err := w.c.ask(method, at, content, to)
	if err != nil {
		return false
	}
	if status != http.StatusCreated && status != http.StatusNoContent {
		w.c.t.Errorf("%s %s: %d", method, at, status)
	}
	w.files, w.trash, w.pending = next, trash, nil
	return true
}

// verify holds the folder to be as of the last answer, or as after the request
// that got none.
func (w *crashWriter) verify() {
	seen, err := w.read()
	if err != nil {
		w.c.t.Errorf("%s: %v", w.home, err)
		return
	}
	if !w.files.like(seen) && !(w.pending != nil && w.pending.like(seen)) {
		w.c.t.Errorf("%s holds %s, acknowledged was %v, under way %v", w.home, told(seen), w.files, w.pending)
	}
	if !w.files.like(seen) {
		w.files, w.trash = w.pending, w.pendingTrash
	}
	w.pending = nil
}

// read gives the hashes of what the folder holds.
func (w *crashWriter) read() (map[string][32]byte, error) {
	seen := map[string][32]byte{}
	for _, name := range w.names {
		status, content, err := w.c.ask("GET", w.home+"/"+name, nil, "")
		switch {
		case err != nil:
			return nil, err
		case status == http.StatusOK:
			seen[name] = sha256.Sum256(content)
		case status != http.StatusNotFound:
			return nil, errors.New(http.StatusText(status))
		}
	}
	return seen, nil
}

// like tells whether the files have exactly these hashes.
func (f files) like(seen map[string][32]byte) bool {
	return maps.EqualFunc(f, seen, func(b crashBody, hash [32]byte) bool { return sha256.Sum256(b.bytes()) == hash })
}

func told(seen map[string][32]byte) string {
	var parts []string
	for name, hash := range seen {
		parts = append(parts, fmt.Sprintf("%s=%x", name, hash[:4]))
	}
	return strings.Join(parts, " ")
}
