package enginetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"

	"davit/store/engine"
)

// Memory is an Engine that keeps everything in maps: the second adapter under
// the suite, and a fast one for tests that do not care for disks. Its tables
// are copied for each commit, so it suits thousands of keys, not millions.
type Memory struct {
	*engine.Committer
	backend *memoryBackend
}

// NewMemory opens an empty one. beforeCommit, when not nil, runs before each
// commit and fails it with its error.
func NewMemory(beforeCommit func() error, onBroken func(error)) *Memory {
	b := &memoryBackend{values: map[string][]byte{}, before: beforeCommit}
	return &Memory{Committer: engine.NewCommitter(b, onBroken), backend: b}
}

// Commits counts the commits that succeeded.
func (m *Memory) Commits() int {
	m.backend.mu.Lock()
	defer m.backend.mu.Unlock()
	return m.backend.commits
}

// Flip changes one bit of each stored value that contains payload, and returns
// how many there were.
func (m *Memory) Flip(payload []byte) int {
	m.backend.mu.Lock()
	defer m.backend.mu.Unlock()
	hits := 0
	for key, sealed := range m.backend.values {
		if i := bytes.Index(sealed, payload); i >= 0 {
			damaged := bytes.Clone(sealed)
			damaged[i] ^= 1
			m.backend.values[key] = damaged
			hits++
		}
	}
	return hits
}

// Backup writes each key and sealed value, with their lengths before them.
func (m *Memory) Backup(w io.Writer) (n int64, err error) {
	if err := m.Err(); err != nil {
		return 0, err
	}
	var out []byte
	values := m.backend.snapshot()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		out = binary.AppendUvarint(out, uint64(len(key)))
		out = append(out, key...)
		out = binary.AppendUvarint(out, uint64(len(values[key])))
		out = append(out, values[key]...)
	}
	written, err := w.Write(out)
	return int64(written), err
}

// Check implements engine.Engine.
func (m *Memory) Check(ctx context.Context, report func(fault string)) error {
	if err := m.Err(); err != nil {
		return err
	}
	values := m.backend.snapshot()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, err := engine.Unseal([]byte(key), values[key]); err != nil {
			report(err.Error())
		}
	}
	return ctx.Err()
}

// Close implements engine.Engine.
func (m *Memory) Close() error {
	m.Committer.Close()
	return nil
}

type memoryBackend struct {
	mu      sync.Mutex
	values  map[string][]byte // replaced by each commit, never changed
	commits int
	before  func() error
}

func (b *memoryBackend) snapshot() map[string][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.values
}

func (b *memoryBackend) View(fn func(engine.Reader) error) error {
	return fn(memoryReader(b.snapshot()))
}

func (b *memoryBackend) Begin() (engine.Batch, error) {
	return &memoryBatch{memoryReader: maps.Clone(b.snapshot()), backend: b}, nil
}

type memoryReader map[string][]byte

func (r memoryReader) Get(key []byte) ([]byte, error) { return r[string(key)], nil }

func (r memoryReader) Scan(lo, hi []byte, fn func(key, value []byte) bool) error {
	for _, key := range slices.Sorted(maps.Keys(r)) {
		if key >= string(lo) && key < string(hi) && !fn([]byte(key), r[key]) {
			break
		}
	}
	return nil
}

type memoryBatch struct {
	memoryReader
	backend *memoryBackend
	ended   bool
}

func (b *memoryBatch) Put(key, sealed []byte) error {
	b.memoryReader[string(key)] = sealed
	return nil
}

func (b *memoryBatch) Delete(key []byte) error {
	delete(b.memoryReader, string(key))
	return nil
}

func (b *memoryBatch) Commit() error {
	if b.ended {
		return errors.New("commit of a transaction that ended")
	}
	if b.backend.before != nil {
		if err := b.backend.before(); err != nil {
			return err
		}
	}
	b.ended = true
	b.backend.mu.Lock()
	defer b.backend.mu.Unlock()
	b.backend.values = b.memoryReader
	b.backend.commits++
	return nil
}

func (b *memoryBatch) Rollback() error {
	b.ended = true
	return nil
}
