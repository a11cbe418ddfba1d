package store

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestCrowd lets eight people work at once, each in an own folder of which a map
// tells what must be there, and all in one shared folder, while somebody
// collects. Afterwards the folders are as the maps say and the store is clean.
func TestCrowd(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
	r := random(t)
	rounds := 150
	if testing.Short() {
		rounds = 60
	}
	of.mkdir(of.as("mia"), "/Team/shared")
	workers := make([]*worker, 8)
	for i := range workers {
		workers[i] = &worker{t: t, s: of.as("mia"), rand: rand.New(rand.NewPCG(r.Uint64(), 0)),
			home: fmt.Sprintf("/Team/%d", i), files: map[string][]byte{}}
		of.mkdir(workers[i].s, workers[i].home)
	}
	done := make(chan struct{})
	var crowd, collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			// Content goes 60 collections after its last use: no reader takes longer
			// between its look into the tree and its opening of the file.
			c.advance(time.Minute)
			if _, err := of.st.Collect(ctx, time.Hour); err != nil {
				t.Errorf("collect: %v", err)
			}
		}
	})
	for _, w := range workers {
		crowd.Go(func() {
			for range rounds {
				w.own()
				w.shared()
			}
		})
	}
	crowd.Wait()
	close(done)
	collector.Wait()
	of.reopen()
	for _, w := range workers {
		w.s = of.as("mia")
		w.compare()
	}
}

type worker struct {
	t     *testing.T
	s     *Session
	rand  *rand.Rand
	home  string
	files map[string][]byte // by whole path
}

func (w *worker) name(dir string) string { return fmt.Sprintf("%s/%d", dir, w.rand.IntN(6)) }

// content is drawn from few, so that people upload and drop the same bytes.
func (w *worker) content() []byte {
	return text(w.rand.IntN(3), []int{0, 100, 8192, 8193, 20_000}[w.rand.IntN(5)])
}

// own works where nobody else does: each answer is known beforehand.
func (w *worker) own() {
	from, to := w.name(w.home), w.name(w.home)
	old, there := w.files[from]
	var err error
	switch w.rand.IntN(5) {
	case 0, 1:
		content := w.content()
		_, _, err = put(w.s, to, content)
		w.files[to], there = content, true
	case 2:
		err = w.s.Remove(ctx, split(from), Terms{})
		delete(w.files, from)
	case 3:
		if from == to {
			return
		}
		_, err = w.s.Move(ctx, split(from), split(to), true, Terms{})
		if delete(w.files, from); there {
			w.files[to] = old
		}
	case 4:
		if from == to {
			return
		}
		_, err = w.s.Copy(ctx, split(from), split(to), true, false, Terms{})
		if there {
			w.files[to] = old
		}
	}
	if there != (err == nil) || !there && kindOf(err) != ErrNotFound {
		w.t.Errorf("%s to %s: %v, though it is there: %t", from, to, err, there)
	}
}

// shared works where everybody does: an answer must be one of those that a
// change by somebody else explains, and what is read must be whole.
func (w *worker) shared() {
	from, to := w.name("/Team/shared"), w.name("/Team/shared")
	var err error
	switch w.rand.IntN(6) {
	case 0, 1:
		_, _, err = put(w.s, from, w.content())
	case 2:
		var content []byte
		if content, err = read(w.s, from); err == nil && len(content) > 0 {
			var n, size int
			if k, _ := fmt.Sscanf(string(content), "%d/%d ", &n, &size); k != 2 || !bytes.Equal(content, text(n, size)) {
				w.t.Errorf("%s has %d bytes that nobody wrote", from, len(content))
			}
		}
	case 3:
		err = w.s.Remove(ctx, split(from), Terms{})
	case 4:
		_, err = w.s.Move(ctx, split(from), split(to), true, Terms{})
	case 5:
		_, err = w.s.Copy(ctx, split(from), split(to), true, false, Terms{})
	}
	if err != nil && kindOf(err) != ErrNotFound && kindOf(err) != ErrLoop {
		w.t.Errorf("%s to %s: %v", from, to, err)
	}
}

func (w *worker) compare() {
	w.t.Helper()
	page, more, err := w.s.List(split(w.home), "", 100, Want{})
	if err != nil || more {
		w.t.Fatalf("list %s: %v", w.home, err)
	}
	var listed []string
	for _, e := range page {
		listed = append(listed, w.home+"/"+e.Name)
	}
	if want := slices.Sorted(maps.Keys(w.files)); !slices.Equal(listed, want) {
		w.t.Errorf("%s has %q, want %q", w.home, listed, want)
	}
	for p, want := range w.files {
		if got, err := read(w.s, p); err != nil || !bytes.Equal(got, want) {
			w.t.Errorf("%s: %d bytes instead of %d, or others (%v)", p, len(got), len(want), err)
		}
	}
}
