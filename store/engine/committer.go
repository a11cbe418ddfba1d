package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// What one commit takes at most: enough to share the cost of its two syncs,
// little enough that the first closure does not wait long for the last.
const (
	commitClosuresMax = 256
	commitBytesMax    = 1 << 20
)

// A Backend is what the Committer needs of a database. Values pass through it
// sealed; a table appears with the first key put into it.
type Backend interface {
	View(fn func(Reader) error) error
	// Begin starts the one transaction that writes.
	Begin() (Batch, error)
}

// A Batch is a transaction that sees what was put into it. It keeps the slices
// it is given, which nobody changes any more.
type Batch interface {
	Reader
	Put(key, sealed []byte) error
	Delete(key []byte) error
	// Commit returns once the changes are durable.
	Commit() error
	// Rollback after a failed Commit may do nothing, but must not wait.
	Rollback() error
}

// A PanicError is the outcome of a closure that panicked; its changes are gone,
// the closures beside it in the batch are not touched.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic in a transaction: %v", e.Value) }

// Unwrap returns the panic's value if that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A Committer runs closures one after another in a goroutine of its own and
// commits them in groups. It never waits for a group to grow: whoever is queued
// when the last commit ends shares the next, so a lone client pays no delay.
type Committer struct {
	backend  Backend
	onBroken func(error)
	wake     chan struct{}
	stopped  chan struct{}

	mu         sync.Mutex
	foreground []*call
	background []*call
	err        error // why nothing more is accepted, nil while open
}

// A call is one Update on its way through the committer.
type call struct {
	fn       func(Writer) error
	done     chan error
	failed   error // the closure's own
	onCommit []func()
}

// NewCommitter starts a committer over b. When a commit fails, onBroken (nil if
// nobody cares) is called once, after everybody who waited has been answered.
func NewCommitter(b Backend, onBroken func(error)) *Committer {
	c := &Committer{
		backend:  b,
		onBroken: onBroken,
		wake:     make(chan struct{}, 1),
		stopped:  make(chan struct{}),
	}
	go c.run()
	return c
}

// View implements Engine.
func (c *Committer) View(fn func(Reader) error) error {
	if err := c.Err(); err != nil {
		return err
	}
	return c.backend.View(func(sealed Reader) error {
		r := &reader{sealed: sealed}
		defer func() { r.ended = true }()
		return fn(r)
	})
}

// Update implements Engine.
func (c *Committer) Update(ctx context.Context, p Priority, fn func(Writer) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cl := &call{fn: fn, done: make(chan error, 1)}
	if err := c.enqueue(cl, p); err != nil {
		return err
	}
	select {
	case err := <-cl.done:
		return err
	case <-ctx.Done():
		if c.withdraw(cl) {
			return ctx.Err()
		}
		return <-cl.done
	}
}

// Err is nil while the engine accepts work, afterwards ErrClosed or the broken
// commit, wrapped in ErrBroken.
func (c *Committer) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close refuses whoever still waits, finishes the commit under way and stops
// the goroutine. A second call does nothing.
func (c *Committer) Close() {
	c.refuse(ErrClosed)
	<-c.stopped
}

func (c *Committer) enqueue(cl *call, p Priority) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if p == Foreground {
		c.foreground = append(c.foreground, cl)
	} else {
		c.background = append(c.background, cl)
	}
	c.signal()
	return nil
}

// withdraw takes a call out of the queue and reports whether it was still there.
func (c *Committer) withdraw(cl *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, queue := range []*[]*call{&c.foreground, &c.background} {
		if i := slices.Index(*queue, cl); i >= 0 {
			*queue = slices.Delete(*queue, i, i+1)
			return true
		}
	}
	return false
}

// refuse answers err to all who wait and all who will come. The first reason
// stays.
func (c *Committer) refuse(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	err = c.err
	waiting := slices.Concat(c.foreground, c.background)
	c.foreground, c.background = nil, nil
	c.signal()
	c.mu.Unlock()
	for _, cl := range waiting {
		cl.done <- err
	}
}

// signal needs no second token: run looks at the whole queue for each one.
func (c *Committer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Committer) run() {
	defer c.stop()
	for c.wait() {
		c.round()
	}
}

// stop also runs when a closure ends the goroutine itself (runtime.Goexit, as
// a failing test does).
func (c *Committer) stop() {
	close(c.stopped)
	if err := c.Err(); c.onBroken != nil && errors.Is(err, ErrBroken) {
		c.onBroken(err)
	}
}

// wait blocks until there is work, or answers false when there will be none.
func (c *Committer) wait() bool {
	for {
		c.mu.Lock()
		work, err := len(c.foreground)+len(c.background) > 0, c.err
		c.mu.Unlock()
		if work || err != nil {
			return err == nil
		}
		<-c.wake
	}
}

// next takes one more call for b, nil when b should be committed. A request
// waits for at most one background closure that started while it could have.
func (c *Committer) next(b *batch) *call {
	if b.ran == commitClosuresMax || b.size >= commitBytesMax {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case len(c.foreground) > 0:
		b.foreground = true
		return shift(&c.foreground)
	case len(c.background) > 0 && !(b.foreground && b.background):
		b.background = true
		return shift(&c.background)
	}
	return nil
}

func shift(queue *[]*call) *call {
	first := (*queue)[0]
	(*queue)[0] = nil // the array lives on under the rest of the queue
	*queue = (*queue)[1:]
	return first
}

// A batch is one transaction of the backend and the calls that share it.
type batch struct {
	tx         Batch
	calls      []*call // to be answered when it ends
	ran        int
	size       int
	changed    bool
	foreground bool
	background bool
}

// round runs one batch. Whatever goes wrong outside a closure breaks the
// engine: OnApply may have told the rest of the program of changes that are not
// on disk, and after a failed sync nobody knows what is.
func (c *Committer) round() {
	b := &batch{}
	cause := errors.New("a closure ended the committer's goroutine")
	defer func() {
		if cause != nil {
			cause = fmt.Errorf("%w: %w", ErrBroken, cause)
			b.abandon()
			c.refuse(cause)
		}
		for _, cl := range b.calls {
			if cause != nil {
				cl.failed = cause
			}
			cl.done <- cl.failed
		}
	}()
	cause = guard(func() error {
		if err := c.fill(b); err != nil {
			return err
		}
		return b.settle()
	})
}

// fill runs closures until the batch is full or nobody waits. All are answered
// after the commit, also those that failed: why they did may be a change of this
// batch that no View shows yet and that may never come to be. Only a failure
// with no change before it is answered at once.
func (c *Committer) fill(b *batch) error {
	for cl := c.next(b); cl != nil; cl = c.next(b) {
		b.ran++
		b.calls = append(b.calls, cl)
		if b.tx == nil {
			tx, err := c.backend.Begin()
			if err != nil {
				return fmt.Errorf("begin: %w", err)
			}
			b.tx = tx
		}
		if err := b.run(cl); err != nil {
			return err
		}
		if cl.failed != nil && !b.changed {
			b.calls = b.calls[:len(b.calls)-1]
			cl.done <- cl.failed
		}
	}
	return nil
}

// run runs one closure and lets its changes join the batch, unless it fails. The
// error it returns is one of the batch.
func (b *batch) run(cl *call) error {
	w := newOverlay(b.tx)
	cl.failed = guard(func() error { return cl.fn(w) })
	w.batch.ended = true
	if cl.failed != nil {
		return nil
	}
	if err := w.apply(b.tx); err != nil {
		return err
	}
	b.size += w.size
	b.changed = b.changed || len(w.order) > 0
	cl.onCommit = w.onCommit
	for _, f := range w.onApply {
		f()
	}
	return nil
}

// settle makes the batch durable and says so to whoever asked for it.
func (b *batch) settle() error {
	if b.tx == nil {
		return nil
	}
	end, act := b.tx.Rollback, "rollback"
	if b.changed {
		end, act = b.tx.Commit, "commit"
	}
	if err := end(); err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	for _, cl := range b.calls {
		for _, f := range cl.onCommit {
			f()
		}
	}
	return nil
}

// abandon ends the transaction of a broken batch. Its error has nothing to add
// to the one that broke it.
func (b *batch) abandon() {
	if b.tx != nil {
		_ = guard(b.tx.Rollback)
	}
}

// guard turns a panic of fn into a PanicError.
func guard(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}
