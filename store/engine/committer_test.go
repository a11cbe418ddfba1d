package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"davit/store/engine"
	"davit/store/engine/enginetest"
)

var errDisk = errors.New("input/output error")

// A line queues closures behind one that holds the committer.
type line struct {
	t       *testing.T
	db      engine.Engine
	release chan struct{}
	wg      sync.WaitGroup
	errs    []*error
}

func newLine(t *testing.T, db engine.Engine) *line {
	l := &line{t: t, db: db, release: make(chan struct{})}
	l.add(engine.Foreground, func(engine.Writer) error {
		<-l.release
		return nil
	})
	return l
}

func (l *line) add(p engine.Priority, fn func(engine.Writer) error) {
	err := new(error)
	l.errs = append(l.errs, err)
	l.wg.Go(func() { *err = l.db.Update(context.Background(), p, fn) })
	synctest.Wait()
}

// run lets the line go and returns the answers, the holder's first.
func (l *line) run() (errs []error) {
	close(l.release)
	l.wg.Wait()
	for _, err := range l.errs {
		errs = append(errs, *err)
	}
	return errs
}

func write(key string, size int) func(engine.Writer) error {
	return func(w engine.Writer) error { return w.Put([]byte(key), make([]byte, size)) }
}

// bubble runs a test with a memory engine inside a synctest bubble.
func bubble(t *testing.T, before func() error, test func(t *testing.T, db *enginetest.Memory)) {
	synctest.Test(t, func(t *testing.T) {
		db := enginetest.NewMemory(before, nil)
		defer db.Close()
		test(t, db)
	})
}

func TestCommitTakesAllWhoWait(t *testing.T) {
	for _, row := range []struct {
		closures, size, commits int
	}{
		{1, 1, 1},
		{255, 1, 1}, // and the holder of the line
		{256, 1, 2},
		{16, 60_000, 1},
		{18, 60_000, 1}, // the 18th finds the batch just below 1 MiB
		{19, 60_000, 2},
	} {
		t.Run(fmt.Sprintf("%d of %d bytes", row.closures, row.size), func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, db *enginetest.Memory) {
				l := newLine(t, db)
				for i := range row.closures {
					l.add(engine.Foreground, write(fmt.Sprintf("a%d", i), row.size))
				}
				l.run()
				if db.Commits() != row.commits {
					t.Errorf("%d commits, want %d", db.Commits(), row.commits)
				}
			})
		})
	}
}

func TestForegroundFirst(t *testing.T) {
	bubble(t, nil, func(t *testing.T, db *enginetest.Memory) {
		var log []string
		note := func(entry string) func(engine.Writer) error {
			return func(w engine.Writer) error {
				log = append(log, entry)
				w.OnCommit(func() { log = append(log, "committed") })
				return w.Put([]byte("a"), nil)
			}
		}
		l := newLine(t, db)
		l.add(engine.Background, note("b1"))
		l.add(engine.Background, note("b2"))
		l.add(engine.Background, note("b3"))
		l.add(engine.Foreground, note("f1"))
		l.add(engine.Foreground, note("f2"))
		l.run()
		want := "f1 f2 b1 committed committed committed b2 b3 committed committed"
		if got := strings.Join(log, " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// TestAnswerAfterCommit stops a commit in the middle: nobody may have his answer
// by then but a closure that failed before anything was changed. One that failed
// later may have failed because of the change, which no View shows yet.
func TestAnswerAfterCommit(t *testing.T) {
	disk := make(chan struct{})
	before := func() error {
		<-disk
		return nil
	}
	synctest.Test(t, func(t *testing.T) {
		disk = make(chan struct{})
		db := enginetest.NewMemory(before, nil)
		defer db.Close()
		var mu sync.Mutex
		answered := map[string]error{}
		l := newLine(t, db)
		start := func(name string, fn func(engine.Writer) error) {
			l.wg.Go(func() {
				err := db.Update(context.Background(), engine.Foreground, fn)
				mu.Lock()
				defer mu.Unlock()
				answered[name] = err
			})
			synctest.Wait()
		}
		fail := func(engine.Writer) error { return errDisk }
		start("fails first", fail)
		start("writes", write("a", 1))
		start("only reads", func(w engine.Writer) error { _, err := w.Get([]byte("a")); return err })
		start("fails later", fail)
		close(l.release)
		synctest.Wait()
		if mu.Lock(); len(answered) != 1 || answered["fails first"] != errDisk {
			t.Errorf("answers before the commit ended: %v", answered)
		}
		mu.Unlock()
		close(disk)
		l.wg.Wait()
		if len(answered) != 4 || answered["writes"] != nil || answered["only reads"] != nil || answered["fails later"] != errDisk {
			t.Errorf("answers: %v", answered)
		}
	})
}

func TestNothingWrittenNoCommit(t *testing.T) {
	bubble(t, nil, func(t *testing.T, db *enginetest.Memory) {
		l := newLine(t, db)
		l.add(engine.Foreground, func(w engine.Writer) error { return errors.Join(w.Put([]byte("a"), nil), errDisk) })
		told := false
		l.add(engine.Foreground, func(w engine.Writer) error {
			w.OnCommit(func() { told = true })
			return nil
		})
		if errs := l.run(); errs[1] == nil || errs[2] != nil || !told || db.Commits() != 0 {
			t.Errorf("answers %v, told %t, %d commits, want 0", errs, told, db.Commits())
		}
	})
}

// TestBroken breaks an engine in each way there is, with one closure before the
// fault in the same batch, one in the queue and one that comes later.
func TestBroken(t *testing.T) {
	for _, row := range []struct {
		name   string
		before func() error
		fault  func(engine.Writer) error
		cause  string
	}{
		{"commit fails", func() error { return errDisk }, write("a", 1), "commit: input/output error"},
		{"commit panics", func() error { panic(errDisk) }, write("a", 1), "panic in a transaction: input/output error"},
		{"OnApply panics", nil, func(w engine.Writer) error {
			w.OnApply(func() { panic(errDisk) })
			return nil
		}, "panic in a transaction: input/output error"},
		{"OnCommit panics", nil, func(w engine.Writer) error {
			w.OnCommit(func() { panic(errDisk) })
			return nil
		}, "panic in a transaction: input/output error"},
		{"closure ends the goroutine", nil, func(engine.Writer) error {
			runtime.Goexit()
			return nil
		}, "a closure ended the committer's goroutine"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []error
				db := enginetest.NewMemory(row.before, func(err error) { told = append(told, err) })
				l := newLine(t, db)
				l.add(engine.Foreground, write("a-beside", 1))
				l.add(engine.Foreground, row.fault)
				for range 256 { // more than one batch takes
					l.add(engine.Background, write("a-waiting", 1))
				}
				errs := l.run()
				errs = append(errs,
					db.Update(context.Background(), engine.Foreground, write("a-later", 1)),
					db.View(func(engine.Reader) error { return nil }))
				synctest.Wait()
				db.Close()
				want := engine.ErrBroken.Error() + ": " + row.cause
				for i, err := range append(errs, told...) {
					if !errors.Is(err, engine.ErrBroken) || err.Error() != want {
						t.Fatalf("answer %d of %d: %v, want %s", i, len(errs), err, want)
					}
				}
				if len(told) != 1 {
					t.Errorf("OnBroken was called %d times, want 1", len(told))
				}
			})
		})
	}
}

// A refusing backend has no transaction to give.
type refusing struct{ engine.Backend }

func (refusing) Begin() (engine.Batch, error) { return nil, errDisk }

func TestBrokenBegin(t *testing.T) {
	c := engine.NewCommitter(refusing{}, nil)
	defer c.Close()
	err := c.Update(context.Background(), engine.Foreground, write("a", 1))
	if !errors.Is(err, engine.ErrBroken) || !errors.Is(err, errDisk) {
		t.Errorf("got %v, want broken by %v", err, errDisk)
	}
}

func TestViewInsideUpdate(t *testing.T) {
	bubble(t, nil, func(t *testing.T, db *enginetest.Memory) {
		err := db.Update(t.Context(), engine.Foreground, func(w engine.Writer) error {
			if err := w.Put([]byte("a"), nil); err != nil {
				return err
			}
			return db.View(func(r engine.Reader) error {
				if got, err := r.Get([]byte("a")); got != nil || err != nil {
					t.Errorf("a View sees what is not committed: %v, %v", got, err)
				}
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
}
