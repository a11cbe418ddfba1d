package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// What a soak may take at most.
const (
	soakHeapMax    = 150 << 20 // bytes that live after a collection
	soakTrend      = 5         // collections in a tenth, fewer of which tell of no growth
	soakHeapGrowth = 16 << 20  // bytes by which the end may exceed the beginning
	soakFilesMore  = 4         // descriptors beside those of a server nobody asked yet
	soakIdle       = 40        // goroutines of a server that nobody asks
	// soakQuietMax is how often a server is asked how it is until it has noticed
	// that everybody went away, and has closed what it had open for them: several
	// seconds.
	soakQuietMax = 20_000
)

// soakUsers own the locks; several clients work for each.
var soakUsers = []string{"mia", "max", "nils", "ann"}

// TestSoak lets an office work: everybody lists, reads, edits shared documents
// under a lock, and saves an own one by a temporary file and MOVE; connections
// break in the middle of bodies and of answers, and the server is killed twice. No
// read is empty, mixed or older than what was acknowledged or seen before, no
// listing lacks a document, and at the end memory, descriptors and goroutines are
// where they were.
//
// It is 20 clients for some seconds; DAVIT_SOAK=10m is 200 for ten minutes.
// DAVIT_CRASH_SEED repeats the choices.
func TestSoak(t *testing.T) {
	clients, o := 20, soakEnd{turns: 1500}
	if testing.Short() {
		o.turns = 500
	}
	if text := os.Getenv("DAVIT_SOAK"); text != "" {
		var err error
		if o.duration, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
		clients = 200
	}
	seed := fromEnv(t, "DAVIT_CRASH_SEED", rand.Uint64())
	t.Logf("run again with: DAVIT_CRASH_SEED=%d DAVIT_SOAK=%s", seed, os.Getenv("DAVIT_SOAK"))
	s := newSoak(t, clients, rand.New(rand.NewPCG(seed, 0)))
	idle := s.descriptors()
	s.run(o)
	s.readAll()
	s.davit("check") // beside the server
	s.quiet(idle)
	s.end(syscall.SIGQUIT) // which tells what all goroutines do
	s.davit("check")
	s.flat()
	s.tell()
}

// A soakEnd is when a soak ends: after some turns, or after a time.
type soakEnd struct {
	turns    int
	duration time.Duration
}

// A life is one server between its start and its death.
type life struct {
	url    string
	client *http.Client
	dying  atomic.Bool
	next   chan struct{} // closed when another server is there
}

type soak struct {
	*victim
	life    atomic.Pointer[life]
	soakers []*soaker
	shared  []*document
	turned  chan struct{} // one for each turn
	over    chan struct{}
	began   time.Time
	turns   int
	lives   int

	mu     sync.Mutex
	counts map[string]int // of what was done, by name
}

func newSoak(t *testing.T, clients int, r *rand.Rand) *soak {
	t.Helper()
	s := &soak{victim: newVictim(t, clients), turned: make(chan struct{}), over: make(chan struct{}), counts: map[string]int{}}
	s.env = []string{"GODEBUG=gctrace=1"}
	for _, name := range soakUsers[1:] {
		s.davit("user", "add", name, "--password-stdin")
		s.davit("level", "set", "Team", name, "editor")
	}
	s.begin()
	for i := range clients {
		k := &soaker{soak: s, name: fmt.Sprintf("client %d.", i), user: soakUsers[i%len(soakUsers)],
			rand: rand.New(rand.NewPCG(r.Uint64(), 0)), own: newDocument(fmt.Sprintf("/dav/Team/desks/own-%d.odt", i), i)}
		s.soakers = append(s.soakers, k)
	}
	first := s.soakers[0]
	for _, folder := range []string{"/dav/Team/desks", "/dav/Team/shared"} {
		first.must(errand{method: "MKCOL", path: folder}, 201)
	}
	for i := range max(1, clients/4) {
		s.shared = append(s.shared, newDocument(fmt.Sprintf("/dav/Team/shared/doc-%d.odt", i), clients+i))
	}
	for _, d := range s.documents() {
		v := d.next()
		first.must(errand{method: "PUT", path: d.path, body: d.body(v)}, 201)
		d.saved(v)
	}
	return s
}

// documents are all that have to be there.
func (s *soak) documents() []*document {
	all := slices.Clone(s.shared)
	for _, k := range s.soakers {
		all = append(all, k.own)
	}
	return all
}

// begin starts a server and tells everybody who waits for one.
func (s *soak) begin() {
	s.t.Helper()
	s.start()
	s.noTemps()
	s.lives++
	last := s.life.Swap(&life{url: s.url, client: s.client, next: make(chan struct{})})
	if last != nil {
		close(last.next)
	}
}

// run works until the end, with a death after a tenth and a fifth of the way.
func (s *soak) run(o soakEnd) {
	s.began = time.Now()
	var crowd sync.WaitGroup
	for _, k := range s.soakers {
		crowd.Go(k.work)
	}
	for deaths := 0; ; {
		<-s.turned
		s.turns++
		way := float64(s.turns) / float64(max(1, o.turns))
		if o.duration > 0 {
			way = float64(time.Since(s.began)) / float64(o.duration)
		}
		if deaths < 2 && way > float64(deaths+1)/10 {
			deaths++
			s.life.Load().dying.Store(true)
			s.kill()
			s.begin()
			s.davit("check")
		}
		if way >= 1 || s.t.Failed() {
			close(s.over)
			break
		}
	}
	crowd.Wait()
}

// readAll reads every document once more.
func (s *soak) readAll() {
	for _, d := range s.documents() {
		s.soakers[0].read(d, wholly)
	}
	s.soakers[0].list("/dav/Team/desks", wholly)
	s.soakers[0].list("/dav/Team/shared", wholly)
}

// descriptors are the files that the server has open, below zero where nobody can
// tell.
func (s *soak) descriptors() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.server.Process.Pid))
	if err != nil {
		return -1
	}
	return len(entries)
}

var memoryLine = regexp.MustCompile(`(?m)^(?:VmHWM|RssAnon|RssFile):.*$`)

// resident is the most memory that the server had at a time, and how much is its
// own now and how much is of files, where the system tells.
func (s *soak) resident() string {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.server.Process.Pid))
	return strings.Join(strings.Fields(strings.Join(memoryLine.FindAllString(string(status), -1), ",")), " ")
}

// quiet hangs up and waits until the server has noticed.
func (s *soak) quiet(idle int) {
	s.t.Helper()
	s.client.CloseIdleConnections()
	s.t.Logf("resident memory: %s", s.resident())
	alone := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range soakQuietMax {
		if s.descriptors() <= idle+soakFilesMore {
			s.t.Logf("descriptors: %d at the beginning, %d at the end", idle, s.descriptors())
			return
		}
		if status, _, _ := get(s.t, alone, s.url+"/healthz"); status != http.StatusOK {
			s.t.Errorf("healthz: %d", status)
		}
	}
	s.t.Errorf("%d descriptors are open, %d were at the beginning", s.descriptors(), idle)
}

// collected finds what lives after each collection, in MB.
var collected = regexp.MustCompile(`(?m)^gc \d+ @.* \d+->\d+->(\d+) MB, .*$`)

// flat holds the last server's memory and goroutines to what they may be.
func (s *soak) flat() {
	s.t.Helper()
	log := s.log.String()
	idle := strings.Count(log, "\ngoroutine ")
	if idle == 0 || idle > soakIdle {
		s.t.Errorf("%d goroutines though nobody asks\n%.20000s", idle, log[max(0, strings.Index(log, "SIGQUIT")):])
	}
	var heap []int
	var worst []string // collections, each with more left than the one before
	for _, m := range collected.FindAllStringSubmatch(log, -1) {
		n, _ := strconv.Atoi(m[1])
		if len(heap) == 0 || n<<20 > slices.Max(heap) {
			worst = append(worst, m[0])
		}
		heap = append(heap, n<<20)
	}
	if len(heap) == 0 {
		s.t.Errorf("the server told of no collection\n%.2000s", log)
		return
	}
	tenth := max(1, len(heap)/10)
	// The first tenth fills caches and connections.
	first, last := heap[min(tenth, len(heap)-1):][:min(tenth, len(heap)-tenth)], heap[len(heap)-tenth:]
	s.t.Logf("%d goroutines at the end; heap after a collection, of %d: %d MiB at most, %d MiB in the second tenth, %d MiB in the last",
		idle, len(heap), slices.Max(heap)>>20, median(first)>>20, median(last)>>20)
	grown := len(last) >= soakTrend && median(last) > median(first)+soakHeapGrowth
	if slices.Max(heap) > soakHeapMax || grown {
		s.t.Errorf("the heap grows:\n%s", strings.Join(worst, "\n"))
	}
}

// median is the upper one; 0 of nothing.
func median(list []int) int {
	if len(list) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(list))[len(list)/2]
}

func (s *soak) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

// tell logs what was done, and wants everything to have happened.
func (s *soak) tell() {
	s.t.Helper()
	took := time.Since(s.began)
	s.t.Logf("%d clients, %d turns in %v: %.0f/s, %d servers: %v", len(s.soakers), s.turns, took.Round(time.Second),
		float64(s.turns)/took.Seconds(), s.lives, s.counts)
	for _, what := range []string{"read", "list", "edit", "save", "locked", "cut in the body", "cut before the answer", "cut in the answer", "died"} {
		if s.counts[what] == 0 && !s.t.Failed() {
			s.t.Errorf("there was no %q: the test shows less than it says", what)
		}
	}
}
