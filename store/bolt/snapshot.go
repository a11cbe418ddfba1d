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

// snapshots hands them out. While somebody writes none waits: bbolt frees no page,
// and enlarges no map, that a transaction of before may look at.
type snapshots struct {
	bolt *bbolt.DB

	mu      sync.Mutex
	idle    []*snapshot
	epoch   uint64 // grows with the end of every write
	writing bool   // or closed
}

// view runs fn on the newest state.
func (p *snapshots) view(fn func(engine.Reader) error) error {
	s, err := p.take()
	if err != nil {
		return err
	}
	whole := false
	defer func() {
		if !whole || !p.keep(s) {
			s.tx.Rollback() // of a reader it cannot fail
		}
	}()
	err = fn(s)
	whole = true // a reader that panicked may have met a damaged page
	return err
}

func (p *snapshots) take() (*snapshot, error) {
	p.mu.Lock()
	epoch := p.epoch
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	tx, err := p.bolt.Begin(false)
	if err != nil {
		return nil, err
	}
	return &snapshot{reader: reader{tx: tx}, epoch: epoch}, nil
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

// end lets snapshots wait again: those that are taken from now on.
func (p *snapshots) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
	p.writing = false
}
