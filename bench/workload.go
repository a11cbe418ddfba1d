package main

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// A workload is one kind of work, done on each server in turn. A round of it is
// some batches; of a batch only run is timed.
type workload struct {
	name        string
	connections int
	batches     int // in a round, unless it takes long
	unit        unit
	bar         bar

	// prepare lays out what the batch needs; nil: nothing.
	prepare func(*batch) error
	// run works until b.until, or does the one thing the batch is for, and
	// answers how many operations were answered right.
	run func(*batch) (int, error)
	// check looks at what run left behind, and clears it away; nil: every
	// answer told all there was to know.
	check func(*batch) error
}

// A unit is how a workload's speed is told.
type unit struct {
	name   string
	slower bool // a larger figure is worse
	// figure makes it from the time one operation took.
	figure func(perOperation time.Duration) float64
}

var (
	perSecond = unit{"/s", false, func(d time.Duration) float64 { return 1 / d.Seconds() }}
	perMilli  = unit{"ms", true, func(d time.Duration) float64 { return d.Seconds() * 1e3 }}
)

// bandwidth tells operations that move so many bytes each.
func bandwidth(bytes int64) unit {
	return unit{"MB/s", false, func(d time.Duration) float64 { return float64(bytes) / 1e6 / d.Seconds() }}
}

// A bar is what a held server has to reach; the zero bar asks nothing.
type bar struct {
	naive  float64       // at least so many times as fast as naive
	apache float64       // or, when that was measured beside it, as Apache
	atMost time.Duration // for one operation
	// processor is atMost of the server's processor time, however long it waits.
	processor time.Duration
}

func (b bar) String() string {
	switch {
	case b.apache > 0:
		return fmt.Sprintf(">= %.3g x apache", b.apache)
	case b.naive > 0:
		return fmt.Sprintf(">= %.3g x naive", b.naive)
	case b.atMost > 0:
		return fmt.Sprintf("<= %v", b.atMost)
	case b.processor > 0:
		return fmt.Sprintf("<= %v CPU", b.processor)
	}
	return ""
}

// A scale says how much is done. Bars are judged at full scale only.
type scale struct {
	rounds     int // unless the command line says otherwise
	slice      time.Duration
	batchesMax int
	tree       layout // one folder, as large as people make them
	wide       layout // one folder that is too large
	deep       layout // to be listed with all of its folders
	agenda     agenda // of --calendar
	bigSize    int64
	judged     bool
}

const roundsMax = 1000

var (
	full = scale{rounds: 5, slice: time.Second, batchesMax: 100, bigSize: 256 << 20, judged: true,
		tree: layout{"tree", 0, 10_000}, wide: layout{"wide", 0, 100_000}, deep: layout{"deep", 20, 1000}, agenda: fullAgenda}
	small = scale{rounds: 2, slice: 50 * time.Millisecond, batchesMax: 1, bigSize: 8 << 20,
		tree: layout{"tree", 0, 300}, wide: layout{"wide", 0, 600}, deep: layout{"deep", 4, 50}, agenda: smallAgenda}
)

// A site is what one server holds while the workloads use it.
type site struct {
	*server
	target
	scale scale

	fixtures map[string]bool   // those that stand
	tops     map[string]string // where each layout is now
	serial   int               // makes names that are used once
	reports  []content         // what each office user's document holds
	saves    []int             // how often each of them has saved
	token    string            // by which the calendar tells what has changed
}

func newSite(s *server, sc scale) (*site, error) {
	t, err := newTarget(s.baseURL, s.user, s.password)
	return &site{server: s, target: t, scale: sc, fixtures: map[string]bool{}, tops: map[string]string{}}, err
}

// fresh is a name nobody has used on this server.
func (s *site) fresh(stem string) string {
	return fmt.Sprintf("%s-%04d", stem, s.turn())
}

// turn is a number nobody has used on this server.
func (s *site) turn() int {
	s.serial++
	return s.serial
}

// A batch is one run of a workload on one site.
type batch struct {
	*site
	clients []*client
	until   time.Time
	name    string   // what prepare chose for run and check to share
	answer  response // the last one, for check to look into off the clock
	made    []int    // how many operations each client did, when parallel ran

	mu      sync.Mutex
	wrong   int
	example string // the first wrong answer
}

// one is the client for whatever is not done in parallel.
func (b *batch) one() *client { return b.clients[0] }

// tolerate counts a wrong answer and passes every other error on.
func (b *batch) tolerate(err error) error {
	if w := (*wrongAnswer)(nil); !errors.As(err, &w) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wrong++; b.wrong == 1 {
		b.example = err.Error()
	}
	return nil
}

// parallel lets each client repeat the operation until the batch's time is up,
// at least once, and counts those that went right.
func (b *batch) parallel(operation func(c *client, worker, i int) error) (int, error) {
	right := make([]int, len(b.clients))
	errs := make([]error, len(b.clients))
	b.made = make([]int, len(b.clients))
	var wg sync.WaitGroup
	for worker, c := range b.clients {
		wg.Go(func() {
			for i := 0; i == 0 || time.Now().Before(b.until); i++ {
				err := operation(c, worker, i)
				if err == nil {
					right[worker]++
				} else if err = b.tolerate(err); err != nil {
					errs[worker] = err
					return
				}
				b.made[worker]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range right {
		total += n
	}
	return total, errors.Join(errs...)
}

// single is the count for a run that does one thing.
func single(err error) (int, error) {
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// workloads are all there are, in the order they run: first what only reads.
func workloads(s scale) []workload {
	var all []workload
	all = append(all, downloads(s)...)
	all = append(all, listings(s)...)
	all = append(all, uploads(s)...)
	all = append(all, trees(s)...)
	return append(all, lockPair(), officeTurn())
}
