// Package engine is the contract between the store and the key-value database
// below it, and the two pieces that every database shares: the group committer
// and the checksum on each value. It never opens a file and knows no table.
//
// A key's first byte names its table; a scan stays inside one table. Values are
// at most 64 KiB (larger ones belong into blobs), a transaction changes fewer
// than 1,000 keys unless its operation says why, and a closure given to Update
// may run again, so it must not change anything outside its Writer except
// through OnApply and OnCommit. No closure and no function given to those two
// may call Update, which would wait for itself; View is fine in all of them.
//
//	err := db.Update(ctx, engine.Foreground, func(w engine.Writer) error {
//		return w.Put(key, value)
//	})
package engine

import (
	"context"
	"errors"
	"io"
)

// What one key and one value may hold, in bytes.
const (
	KeySizeMax   = 4 << 10
	ValueSizeMax = 64 << 10
)

// ErrBroken is the answer to everything after a commit failed: whether that
// commit is on disk is unknown, so the process has to stop and open again.
var ErrBroken = errors.New("database outcome unknown after a failed commit; restart the server")

// ErrClosed is the answer to everything after Close.
var ErrClosed = errors.New("database is closed")

// ErrDamaged is wrapped by the error for a value whose checksum does not hold.
var ErrDamaged = errors.New("damaged record")

// A Reader sees one consistent snapshot.
type Reader interface {
	// Get returns nil for an absent key. The bytes are valid until the
	// transaction ends and must not be changed.
	Get(key []byte) ([]byte, error)
	// Scan calls fn for lo <= key < hi in ascending order until fn answers
	// false. lo and hi are in the same table, or hi is the single byte after
	// lo's table, for all of it; the bytes are valid during fn.
	Scan(lo, hi []byte, fn func(key, value []byte) bool) error
}

// A Writer is a Reader that sees its own changes, except that a Scan shows what
// was there when it began. They join the batch only if the closure returns nil.
type Writer interface {
	Reader
	// Put copies key and value.
	Put(key, value []byte) error
	// Delete of an absent key is no error.
	Delete(key []byte) error
	// OnApply runs f in the committer once this closure's changes joined the
	// batch, before the next closure starts. A panic in f breaks the engine,
	// since memory and disk may disagree after it; the same goes for OnCommit.
	OnApply(f func())
	// OnCommit runs f once the batch is durable, before Update returns.
	OnCommit(f func())
}

// Priority orders waiting closures: background work never delays a request.
type Priority int

const (
	Foreground Priority = iota
	Background
)

// An Engine is one open database.
type Engine interface {
	View(fn func(Reader) error) error
	// Update runs fn and returns once its changes are durable, or with fn's
	// error and no change. A context that ends while fn still waits in the
	// queue takes it out; from then on the outcome is awaited.
	Update(ctx context.Context, p Priority, fn func(Writer) error) error
	// Backup writes a consistent copy and returns its length in bytes.
	Backup(w io.Writer) (int64, error)
	// Check reads the whole database and reports each fault of its structure
	// or of a checksum; it does not stop at the first.
	Check(ctx context.Context, report func(fault string)) error
	Close() error
}
