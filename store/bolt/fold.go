package bolt

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"davit/store/engine"
)

// A backend keeps the newest commits in a layer, durable by the journal, and folds them
// into bbolt many at a time: in the background, when a layer is full or was begun a
// while ago. What a commit costs bbolt, some thirty pages and two flushes, it costs for
// all of them together.
type backend struct {
	bolt   *bbolt.DB
	file   *os.File // bbolt's own
	views  *snapshots
	before func() error
	room   limits

	// mu is held while a batch is open, and by who freezes a layer.
	mu      sync.Mutex
	journal *journal // nil while each commit is folded at once
	commits int
	unsure  bool     // something was put, and not committed
	folding *folding // nil unless one is under way, or failed
	timer   *time.Timer
	closed  bool
}

// A folding is one layer on its way into bbolt.
type folding struct {
	done chan struct{}
	err  error // once that is closed
}

// limits say when layers are folded. Tests make them small.
type limits struct {
	// after is the number of commits that are folded at once: a command makes a few,
	// and needs no journal for that.
	after int
	// layer is the size of a full one, in bytes, and gone the number of deletions that
	// make it full: a lock that comes and goes is one for who looks for locks.
	layer int64
	gone  int
	// rest is how long commits stay in a layer that is not full.
	rest time.Duration
	// journal is what a journal's file begins with, in bytes.
	journal int64
	// step, unless nil, is told what has been made durable.
	step func(what string)
}

// Two layers and their journal are repeated in some 100 ms.
var usualLimits = limits{after: 16, layer: 2 << 20, gone: 512, rest: time.Second, journal: 256 << 10}

// What step is told.
const (
	didFold   = "layer"
	didRepeat = "journal"
)

func (l limits) did(what string) {
	if l.step != nil {
		l.step(what)
	}
}

func newBackend(db *bbolt.DB, file *os.File, before func() error, room limits) *backend {
	return &backend{bolt: db, file: file, before: before, room: room, views: &snapshots{bolt: db, newest: newLayer()}}
}

func (b *backend) View(fn func(engine.Reader) error) error { return b.views.view(fn) }

// Begin implements engine.Backend.
func (b *backend) Begin() (engine.Batch, error) {
	b.mu.Lock()
	err := b.failure()
	var v *view
	if err == nil {
		v, err = b.views.take()
	}
	if err != nil {
		b.mu.Unlock()
		return nil, err
	}
	v.commit++
	v.layers[0] = b.views.newest
	if b.journal != nil {
		b.journal.begin()
	}
	return &batch{view: v, backend: b}, nil
}

// A batch adds nodes that nobody else looks at before they are committed.
type batch struct {
	*view
	backend *backend
	changed bool
	ended   bool
}

func (t *batch) Put(key, sealed []byte) error { return t.change(key, sealed) }

func (t *batch) Delete(key []byte) error { return t.change(key, nil) }

func (t *batch) change(key, sealed []byte) error {
	t.changed = true
	t.layers[0].add(key, sealed, t.commit)
	if j := t.backend.journal; j != nil {
		j.add(key, sealed)
	}
	return nil
}

func (t *batch) Commit() error {
	b := t.backend
	if b.before != nil {
		if err := b.before(); err != nil {
			return err
		}
	}
	defer b.mu.Unlock()
	t.ended = true
	b.views.leave(t.view, true) // a fold may wait for it
	return b.commit(t.commit)
}

func (t *batch) Rollback() error {
	if t.ended {
		return nil
	}
	t.ended = true
	b := t.backend
	defer b.mu.Unlock()
	b.views.leave(t.view, true)
	b.unsure = b.unsure || t.changed
	return nil
}

// commit makes the nodes of a commit durable, and shows them.
func (b *backend) commit(commit uint64) (err error) {
	b.unsure = true
	b.commits++
	if b.journal == nil {
		err = b.through(commit)
	} else if err = b.journal.keep(); err == nil {
		b.views.publish(commit)
		err = b.tend()
	}
	b.unsure = err != nil
	return err
}

// through commits past the journal, and makes one when it is time.
func (b *backend) through(commit uint64) error {
	generation := uint64(0)
	if b.commits == b.room.after {
		generation = rand.Uint64N(1<<63) + 1
	}
	b.views.begin()
	if err := b.write(b.views.newest, generation); err != nil {
		return err
	}
	b.views.through(commit)
	if generation > 0 {
		// Whoever gets none, on a full disk, goes on as before.
		b.journal, _ = startJournal(b.bolt.Path(), generation+1, b.room.journal)
	}
	return nil
}

// tend sees to it that layers do not grow for ever.
func (b *backend) tend() error {
	err := b.failure()
	full := b.full()
	if err == nil && b.folding != nil && full > 1 {
		<-b.folding.done // the disk is slower than those who write
		err = b.failure()
	}
	switch {
	case err != nil:
		return err
	case full > 0 && b.folding == nil:
		return b.freeze()
	case b.timer == nil:
		b.timer = time.AfterFunc(b.room.rest, b.rested)
	}
	return nil
}

// full is how many times as much as a layer should have the newest has, or its records.
func (b *backend) full() int64 {
	l := b.views.newest
	return max(l.size/b.room.layer, b.journal.at/2/b.room.layer, int64(l.gone/b.room.gone))
}

// rested folds what is in a layer for long enough.
func (b *backend) rested() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = nil
	if b.closed || b.unsure || b.failure() != nil {
		return // and whoever comes next is told
	}
	if b.views.newest.size == 0 {
		return // a fold came first; a generation without records would be a gap
	}
	if b.folding != nil {
		b.timer = time.AfterFunc(b.room.rest, b.rested)
		return
	}
	_ = b.freeze()
}

// failure is why the last fold failed, nil also while one is under way.
func (b *backend) failure() error {
	if b.folding == nil {
		return nil
	}
	select {
	case <-b.folding.done:
		if b.folding.err != nil {
			return b.folding.err
		}
		b.folding = nil
	default:
	}
	return nil
}

// freeze begins a layer and a file of the journal, and folds those before.
func (b *backend) freeze() error {
	generation := b.journal.generation
	if err := b.journal.turn(); err != nil {
		b.unsure = true
		return err
	}
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	l := b.views.freeze()
	f := &folding{done: make(chan struct{})}
	b.folding = f
	go func() {
		defer close(f.done)
		if f.err = b.write(l, generation); f.err == nil {
			b.views.melt()
		}
	}()
	return nil
}

// fold brings all that was committed into bbolt.
func (b *backend) fold() error {
	b.mu.Lock()
	for b.folding != nil {
		f := b.folding
		b.mu.Unlock()
		<-f.done
		b.mu.Lock()
		if err := b.failure(); err != nil {
			b.mu.Unlock()
			return err
		}
	}
	defer b.mu.Unlock()
	if b.views.newest.size == 0 || b.unsure {
		return nil
	}
	if err := b.freeze(); err != nil {
		return err
	}
	f := b.folding
	b.mu.Unlock()
	<-f.done
	b.mu.Lock()
	return f.err
}

// write brings a layer into bbolt, with the generation of the journal that has the
// same, 0 for none.
func (b *backend) write(l *layer, generation uint64) (err error) {
	defer recoverDamage(&err)()
	tx, err := b.bolt.Begin(true)
	if err != nil {
		return err
	}
	w := &writer{reader{tx: tx}}
	for at := l.all(); at.at != nil && err == nil; at.next() {
		if n := at.at; n.sealed == nil {
			err = w.delete(n.key)
		} else {
			err = w.put(n.key, n.sealed)
		}
	}
	if err == nil && generation > 0 {
		err = setGeneration(tx, generation)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	b.room.did(didFold)
	return nil
}

// close folds what there is, and ends. After a failure all stays as it is, for the
// next process to look at.
func (b *backend) close() error {
	b.mu.Lock()
	unsure, again := b.unsure, b.closed
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
	b.mu.Unlock()
	if again {
		return nil
	}
	err := b.fold()
	b.views.begin()
	if b.journal != nil {
		err = errors.Join(err, b.journal.close())
		if err == nil && !unsure {
			err = removeJournal(b.bolt.Path())
		}
	}
	return errors.Join(err, b.bolt.Close())
}
