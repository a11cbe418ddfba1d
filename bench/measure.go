package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A sample is one server's round of one workload.
type sample struct {
	operations   int
	elapsed, cpu time.Duration
}

// A record is all of one server's rounds of one workload.
type record struct {
	server  *server
	samples []sample
	wrong   int    // answers
	example string // the first of them
	failed  error  // why there are no more samples
}

// A result is one workload on all servers.
type result struct {
	workload workload
	records  []*record // the yardstick first
}

// results are a whole run.
type results struct {
	servers []*server
	absent  []string // peers that could not be started, with the reason
	rows    []result
	floor   []time.Duration // median durable write, taken before each workload
	peak    []int64         // bytes, by server; 0 where the system does not tell
	own     []int64         // the same without mapped files, seen after a workload
}

// A meter runs workloads in turn on each server.
type meter struct {
	dir      string
	scale    scale
	rounds   int
	progress io.Writer
}

// measure runs everything. A workload that fails on a server is recorded and
// does not keep the others from running.
func (m *meter) measure(ctx context.Context, chosen []workload, servers []*server) (*results, error) {
	res := &results{servers: servers, peak: make([]int64, len(servers)), own: make([]int64, len(servers))}
	sites := make([]*site, len(servers))
	for i, s := range servers {
		var err error
		if sites[i], err = newSite(s, m.scale); err != nil {
			return nil, err
		}
	}
	for i, w := range chosen {
		fmt.Fprintf(m.progress, "[%d/%d] %s\n", i+1, len(chosen), w.name)
		cost, err := durableWrite(m.dir, m.scale.slice/5)
		if err != nil {
			return nil, err
		}
		res.floor = append(res.floor, cost)
		r, err := m.compare(ctx, w, sites)
		if err != nil {
			return nil, err
		}
		res.rows = append(res.rows, r)
		for i, s := range servers {
			own, _ := ownMemory(s.child.pid())
			res.own[i] = max(res.own[i], own)
		}
	}
	for i, s := range servers {
		res.peak[i], _ = peakMemory(s.child.pid()) // zero stands for unknown
	}
	return res, nil
}

// compare warms each server up and then lets them take turns, changing who
// begins, so that whatever drifts on the machine drifts for all.
func (m *meter) compare(ctx context.Context, w workload, sites []*site) (result, error) {
	r := result{workload: w}
	for _, s := range sites {
		r.records = append(r.records, &record{server: s.server})
	}
	for round := range m.rounds + 1 {
		order := slices.Clone(sites)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, s := range order {
			rec := r.records[slices.Index(sites, s)]
			if rec.failed != nil {
				continue
			}
			got, err := m.round(w, s, rec)
			if ctx.Err() != nil {
				return r, context.Cause(ctx)
			}
			if err := settle(m.dir); err != nil {
				return r, err
			}
			if err != nil {
				rec.failed = err
				fmt.Fprintf(m.progress, "  %s failed: %v\n", s.name, err)
				continue
			}
			if round == 0 {
				continue // the warm-up
			}
			rec.samples = append(rec.samples, got)
			fmt.Fprintf(m.progress, "  round %d of %d: %-8s %s\n", round, m.rounds, s.name, w.unit.of(got))
		}
	}
	return r, nil
}

// roundMax ends a round early, in slices: what takes the naive server seconds
// need not be repeated as often as what takes another one milliseconds.
const roundMax = 3

// round does a workload's batches once, over connections of its own.
func (m *meter) round(w workload, s *site, rec *record) (sample, error) {
	var sum sample
	clients := make([]*client, w.connections)
	for i := range clients {
		clients[i] = newClient(s.target)
		defer clients[i].close()
	}
	began := time.Now()
	for i := range min(w.batches, m.scale.batchesMax) {
		if i > 0 && time.Since(began) > roundMax*m.scale.slice {
			break
		}
		b := &batch{site: s, clients: clients}
		got, err := m.batch(w, b)
		if b.wrong > 0 && rec.wrong == 0 {
			rec.example = b.example
		}
		rec.wrong += b.wrong
		if err != nil {
			return sum, err
		}
		sum.operations += got.operations
		sum.elapsed += got.elapsed
		sum.cpu += got.cpu
	}
	return sum, nil
}

// batch times run alone.
func (m *meter) batch(w workload, b *batch) (sample, error) {
	if w.prepare != nil {
		if err := w.prepare(b); err != nil {
			return sample{}, err // without its files there is nothing to measure
		}
	}
	pid := b.child.pid()
	before, cpuErr := cpuTime(pid)
	start := time.Now()
	b.until = start.Add(m.scale.slice)
	n, err := w.run(b)
	got := sample{operations: n, elapsed: time.Since(start)}
	if after, err := cpuTime(pid); err == nil && cpuErr == nil {
		got.cpu = after - before
	}
	if err := b.tolerate(err); err != nil {
		return got, err
	}
	if w.check != nil {
		if err := b.tolerate(w.check(b)); err != nil {
			return got, err
		}
	}
	return got, nil
}

// of tells a sample in the unit.
func (u unit) of(s sample) string {
	if s.operations == 0 {
		return "no right answer"
	}
	return figure(u.figure(s.elapsed/time.Duration(s.operations))) + " " + u.name
}

// verdict is an error when a held server answered wrong, or could not finish a
// workload, or the yardstick could not. A bar that is missed is a figure, and
// what another server cannot do is its own affair.
func (r *results) verdict() error {
	var errs []error
	for _, row := range r.rows {
		for i, rec := range row.records {
			if rec.failed != nil && (rec.server.held || i == 0) {
				errs = append(errs, fmt.Errorf("%s on %s: %w", row.workload.name, rec.server.name, rec.failed))
			} else if rec.server.held && rec.wrong > 0 {
				errs = append(errs, fmt.Errorf("%s on %s: %d wrong answers, first: %s",
					row.workload.name, rec.server.name, rec.wrong, rec.example))
			}
		}
	}
	return errors.Join(errs...)
}

const (
	floorWritesMin = 5
	floorWritesMax = 500
)

// durableWrite is the median time of appending 1 KiB to a file and making it
// durable: what any server has to pay for a durable answer on this disk, unless
// it lets several share one.
func durableWrite(dir string, slice time.Duration) (median time.Duration, err error) {
	f, err := os.Create(filepath.Join(dir, "floor"))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	data := contentOf("floor", fileSize).bytes()
	var took []time.Duration
	until := time.Now().Add(slice)
	for len(took) < floorWritesMin || (len(took) < floorWritesMax && time.Now().Before(until)) {
		start := time.Now()
		if _, err := f.Write(data); err != nil {
			return 0, err
		}
		if err := syncData(f); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
