package disk

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
)

// A Kind says what an Op does.
type Kind int

// The kinds of changes.
const (
	Mkdir Kind = iota
	Create
	Write
	Sync
	Chmod
	Rename
	Remove
	SyncDir
	Commit // of the database, told through FS.Note
)

var kindNames = [...]string{"mkdir", "create", "write", "sync", "chmod", "rename", "remove", "syncdir", "commit"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindNames[k]
}

// An Op is one change, about to happen. To is the new name of a Rename, N the
// length of a Write (-1 when nobody knows) or the mode of a Chmod.
type Op struct {
	Kind     Kind
	Name, To string
	N        int64
}

func (o Op) String() string {
	switch {
	case o.Kind == Commit:
		return "commit"
	case o.To != "":
		return fmt.Sprintf("%v %s to %s", o.Kind, o.Name, o.To)
	}
	return fmt.Sprintf("%v %s", o.Kind, o.Name)
}

// A Hook hears of each change before it happens and stops it with an error. It
// may be called by several goroutines at once.
type Hook func(Op) error

// Skip, answered by a Hook, makes the operation not happen and yet succeed, as
// on a disk that lies.
var Skip = errors.New("operation skipped by a hook")

// A Recorder keeps what happened. Its Hook belongs behind the others, which
// then keep from it what they refuse or skip; an operation that the system
// refuses is in the record all the same. It grows without limit: use it in
// tests.
type Recorder struct {
	mu  sync.Mutex
	ops []Op
}

// Hook records an operation.
func (r *Recorder) Hook(op Op) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, op)
	return nil
}

// Ops returns the record so far.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ops)
}

// A Fault fails one operation, as a disk with one bad moment does.
type Fault struct {
	mu   sync.Mutex
	left int
	hit  bool
}

// FailNth makes a Fault for the n-th operation, counted from 1. Run a test for
// n = 1, 2, ... until Fired says that a run was over before.
func FailNth(n int) *Fault { return &Fault{left: n} }

// Hook counts an operation and fails the n-th with EIO.
func (f *Fault) Hook(op Op) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left--
	if f.left != 0 {
		return nil
	}
	f.hit = true
	return fmt.Errorf("planted fault in %v: %w", op, syscall.EIO)
}

// Fired tells whether the n-th operation was reached.
func (f *Fault) Fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hit
}
