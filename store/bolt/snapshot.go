package bolt

import (
	"bytes"
	"sync"

	"go.etcd.io/bbolt"

	"davit/store/engine"
)

// idleMax is how many snapshots wait for their next reader: more readers at once
// begin transactions of their own.
const idleMax = 64

// A snapshot is a read transaction that several readers use, one after another, as
// long as nobody begins to write: until then each of them would see the same. Its
// tables stay open, and what is looked for is found without new memory.
type snapshot struct {
	reader
	epoch uint64
	seeks []seek
}

// A seek finds keys of one table.
type seek struct {
	name   byte
	cursor *bbolt.Cursor
}

// Get implements engine.Reader.
func (s *snapshot) Get(key []byte) ([]byte, error) {
	cursor := s.cursor(key[0])
	if cursor == nil {
		return nil, nil
	}
	if found, value := cursor.Seek(key); bytes.Equal(found, key) {
		return value, nil
	}
	return nil, nil
}

// cursor is nil for a table that nothing was ever put into.
func (s *snapshot) cursor(name byte) *bbolt.Cursor {
	for _, at := range s.seeks {
		if at.name == name {
			return at.cursor
		}
	}
	bucket := s.bucket(name)
	if bucket == nil {
		return nil
	}
	s.seeks = append(s.seeks, seek{name, bucket.Cursor()})
	return s.seeks[len(s.seeks)-1].cursor
}

// snapshots hands out views: a snapshot of bbolt each, and the layers over it. While
// bbolt is written to no snapshot waits: bbolt frees no page, and enlarges no map, that
// a transaction of before may look at.
type snapshots struct {
	bolt *bbolt.DB

	mu     sync.Mutex
	idle   []*snapshot
	newest *layer // where commits go
	filled bool   // it has one
	older  *layer // on its way into bbolt, nil if there is none
	commit uint64 // the newest
	// epoch grows whenever a layer comes or goes: a snapshot and layers of one epoch
	// belong together.
	epoch   uint64
	writing bool // or closed

	// looked, unless nil, is told of a look that needs a transaction.
	looked func()
}

// view runs fn on the newest state.
func (p *snapshots) view(fn func(engine.Reader) error) error {
	v, err := p.take()
	if err != nil {
		return err
	}
	whole := false
	defer func() { p.leave(v, whole) }()
	err = fn(v)
	whole = true // a reader that panicked may have met a damaged page
	return err
}

// leave ends the use of a view.
func (p *snapshots) leave(v *view, whole bool) {
	if !whole || !p.keep(v.snapshot) {
		v.tx.Rollback() // of a reader it cannot fail
	}
}

func (p *snapshots) take() (*view, error) {
	for {
		v := p.look()
		if v.snapshot != nil {
			return v, nil
		}
		if p.looked != nil {
			p.looked()
		}
		// Not under the lock: it may wait for the map to be enlarged, and that for a
		// reader who comes to leave.
		tx, err := p.bolt.Begin(false)
		if err != nil {
			return nil, err
		}
		if p.is(v.epoch) {
			v.snapshot = &snapshot{reader: reader{tx: tx}, epoch: v.epoch}
			return v, nil
		}
		tx.Rollback()
	}
}

// look is the newest state, with a snapshot if one waits.
func (p *snapshots) look() *view {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := &view{layers: [2]*layer{nil, p.older}, commit: p.commit, epoch: p.epoch}
	if p.filled {
		v.layers[0] = p.newest
	}
	if n := len(p.idle); n > 0 {
		v.snapshot = p.idle[n-1]
		p.idle = p.idle[:n-1]
	}
	return v
}

func (p *snapshots) is(epoch uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.epoch == epoch
}

// keep lets the snapshot wait for its next reader, unless it may be of before a write.
func (p *snapshots) keep(s *snapshot) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writing || s.epoch != p.epoch || len(p.idle) == idleMax {
		return false
	}
	p.idle = append(p.idle, s)
	return true
}

// publish shows a commit to all who come from now on.
func (p *snapshots) publish(commit uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commit, p.filled = commit, true
}

// begin ends all that wait, and has none wait until the write has ended.
func (p *snapshots) begin() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.writing = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.tx.Rollback()
	}
}

// freeze begins a new layer, and the write of the one that it answers.
func (p *snapshots) freeze() *layer {
	p.begin()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.older, p.newest, p.filled = p.newest, newLayer(), false
	p.epoch++
	return p.older
}

// melt ends a write: bbolt holds what the frozen layer had.
func (p *snapshots) melt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.older, p.writing = nil, false
	p.epoch++
}

// through ends a write of the newest layer itself, with the commit that it brought.
func (p *snapshots) through(commit uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newest, p.commit, p.writing = newLayer(), commit, false
	p.epoch++
}
