// Package enginetest holds every adapter to the contract of package engine. It
// owns the suite and an adapter in memory; it never looks inside the adapter it
// tests.
//
//	enginetest.Run(t, func(t *testing.T) engine.Engine {
//		db, err := bolt.Open(filepath.Join(t.TempDir(), "meta.db"), bolt.Options{})
//		...
//		return db
//	})
package enginetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"davit/store/engine"
)

var seedFlag = flag.Uint64("engine.seed", 0, "seed of the model test, 0 for a new one")

// errRefused is what the suite's failing closures return.
var errRefused = errors.New("refused on purpose")

// Run opens a fresh, empty engine for each rule of the contract and tests it.
// open closes nothing: Run does.
func Run(t *testing.T, open func(t *testing.T) engine.Engine) {
	rules := []struct {
		name string
		test func(t *testing.T, db engine.Engine)
	}{
		{"Model", testModel},
		{"FailureLeavesNoTrace", testFailure},
		{"Scan", testScan},
		{"ScanWhileChanging", testScanWhileChanging},
		{"Hooks", testHooks},
		{"Concurrent", testConcurrent},
		{"Cancelled", testCancelled},
		{"Limits", testLimits},
		{"Copies", testCopies},
		{"Ended", testEnded},
		{"Snapshot", testSnapshot},
		{"Newest", testNewest},
		{"BackupAndCheck", testBackupAndCheck},
		{"Closed", testClosed},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := open(t)
				defer db.Close()
				rule.test(t, db)
				checkClean(t, db)
			})
		})
	}
}

// Damage tests that a value whose stored bytes changed is reported and never
// served. flip changes a bit of each stored value that contains payload and
// returns the engine to look at, which may be another one than it was given.
func Damage(t *testing.T, open func(t *testing.T) engine.Engine, flip func(t *testing.T, db engine.Engine, payload []byte) engine.Engine) {
	db := open(t)
	put(t, db, "aold", "sound", "abad", "a payload to be damaged", "anew", "sound too")
	db = flip(t, db, []byte("a payload to be damaged"))
	defer db.Close()

	view(t, db, func(r engine.Reader) {
		if got, err := r.Get([]byte("abad")); !errors.Is(err, engine.ErrDamaged) || got != nil {
			t.Errorf("damaged value answered as %q, %v", got, err)
		} else if want := engine.ErrDamaged.Error() + ": table 61 key 626164"; err.Error() != want {
			t.Errorf("got error %q, want %q", err, want)
		}
		if got, err := r.Get([]byte("anew")); string(got) != "sound too" || err != nil {
			t.Errorf("its neighbour answered as %q, %v", got, err)
		}
		err := r.Scan([]byte("a"), []byte("b"), func(key, _ []byte) bool {
			t.Errorf("a scan went past the damaged value, to %q", key)
			return true
		})
		if !errors.Is(err, engine.ErrDamaged) {
			t.Errorf("scan over a damaged value: %v", err)
		}
	})
	if faults := check(t, db); len(faults) != 1 {
		t.Errorf("Check reports %q, want the one damaged value", faults)
	}
}

// testFailure queues closures that fail between others and looks for traces.
func testFailure(t *testing.T, db engine.Engine) {
	fails := func(w engine.Writer) error {
		w.Put([]byte("a1"), []byte("lost"))
		w.Delete([]byte("a0"))
		w.OnApply(func() { t.Error("OnApply of a failed closure ran") })
		w.OnCommit(func() { t.Error("OnCommit of a failed closure ran") })
		return errRefused
	}
	panics := func(w engine.Writer) error {
		w.Put([]byte("a1"), []byte("lost too"))
		panic(errRefused)
	}
	sees := func(want string) func(w engine.Writer) error {
		return func(w engine.Writer) error {
			if got := dump(t, w, "a"); got != want {
				t.Errorf("a closure of the same batch sees %q, want %q", got, want)
			}
			return w.Put([]byte("a2"), []byte("kept"))
		}
	}
	put(t, db, "a0", "old")
	errs := together(t, db, fails, sees("a0=old "), panics, sees("a0=old a2=kept "), fails)
	for i, want := range []error{errRefused, nil, errRefused, nil, errRefused} {
		if !errors.Is(errs[i], want) {
			t.Errorf("closure %d: %v, want %v", i, errs[i], want)
		}
	}
	if panicked, ok := errors.AsType[*engine.PanicError](errs[2]); !ok || panicked.Value != errRefused || len(panicked.Stack) == 0 {
		t.Errorf("a panic became %#v", errs[2])
	}
	wantContent(t, db, "a", "a0=old a2=kept ")
}

func testHooks(t *testing.T, db engine.Engine) {
	var log []string
	note := func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
	closure := func(name string) func(engine.Writer) error {
		return func(w engine.Writer) error {
			note("run %s", name)
			w.OnApply(func() { note("apply %s, durable %t", name, has(t, db, name)) })
			w.OnCommit(func() { note("commit %s, durable %t", name, has(t, db, name)) })
			return w.Put([]byte(name), nil)
		}
	}
	for _, err := range together(t, db, closure("a1"), closure("a2")) {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{
		"run a1", "apply a1, durable false", "run a2", "apply a2, durable false",
		"commit a1, durable true", "commit a2, durable true",
	}
	if !slices.Equal(log, want) {
		t.Errorf("got  %q\nwant %q", log, want)
	}
}

func testConcurrent(t *testing.T, db engine.Engine) {
	const clients, rounds = 16, 20
	var wg sync.WaitGroup
	for client := range clients {
		wg.Go(func() {
			for round := range rounds {
				err := db.Update(context.Background(), engine.Priority(client%2), func(w engine.Writer) error {
					n, err := w.Get([]byte("a"))
					if err != nil {
						return err
					}
					if err := w.Put(fmt.Appendf(nil, "b%d.%d", client, round), nil); err != nil {
						return err
					}
					return w.Put([]byte("a"), append(slices.Clone(n), 1))
				})
				if err != nil {
					t.Error(err)
				}
				if !has(t, db, fmt.Sprintf("b%d.%d", client, round)) {
					t.Error("an acknowledged change cannot be read")
				}
			}
		})
	}
	wg.Wait()
	view(t, db, func(r engine.Reader) {
		if n, err := r.Get([]byte("a")); len(n) != clients*rounds || err != nil {
			t.Errorf("%d increments counted, want %d (%v)", len(n), clients*rounds, err)
		}
	})
}

// testCancelled cancels one closure in the queue and one that already runs.
func testCancelled(t *testing.T, db engine.Engine) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	running, waiting := make(chan error, 1), make(chan error, 1)
	go func() {
		running <- db.Update(ctx, engine.Foreground, func(w engine.Writer) error {
			<-release
			return w.Put([]byte("a-ran"), nil)
		})
	}()
	synctest.Wait()
	go func() {
		waiting <- db.Update(ctx, engine.Foreground, func(w engine.Writer) error {
			return w.Put([]byte("a-cancelled"), nil)
		})
	}()
	synctest.Wait()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in the queue: %v", err)
	}
	close(release)
	if err := <-running; err != nil {
		t.Errorf("cancelled while running: %v, want the outcome", err)
	}
	if err := db.Update(ctx, engine.Foreground, func(engine.Writer) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	wantContent(t, db, "a", "a-ran= ")
}

func testLimits(t *testing.T, db engine.Engine) {
	longest := slices.Repeat([]byte("k"), engine.KeySizeMax)
	largest := slices.Repeat([]byte("v"), engine.ValueSizeMax)
	update(t, db, func(w engine.Writer) error {
		for name, err := range map[string]error{
			"empty key":    w.Put(nil, nil),
			"long key":     w.Put(append(slices.Clone(longest), 'k'), nil),
			"long value":   w.Put([]byte("a"), append(slices.Clone(largest), 'v')),
			"delete of ''": w.Delete(nil),
		} {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
		}
		return errors.Join(w.Put(longest, largest), w.Put([]byte("a"), nil))
	})
	view(t, db, func(r engine.Reader) {
		if got, err := r.Get(longest); !slices.Equal(got, largest) || err != nil {
			t.Errorf("the largest value came back as %d bytes, %v", len(got), err)
		}
		if got, err := r.Get([]byte("a")); got == nil || len(got) != 0 || err != nil {
			t.Errorf("an empty value came back as %v, %v, want present and empty", got, err)
		}
		if _, err := r.Get(nil); err == nil {
			t.Error("get of an empty key: no error")
		}
	})
}

// testCopies changes what it gave to Put, afterwards.
func testCopies(t *testing.T, db engine.Engine) {
	key, value := []byte("a-key"), []byte("value")
	update(t, db, func(w engine.Writer) error {
		err := w.Put(key, value)
		copy(key, "b-yek")
		copy(value, "VALUE")
		wantDump(t, w, "a", "a-key=value ")
		return err
	})
	copy(key, "c-kye")
	wantContent(t, db, "a", "a-key=value ")
	wantContent(t, db, "b", "")
}

// testEnded keeps transactions too long.
func testEnded(t *testing.T, db engine.Engine) {
	put(t, db, "a", "1")
	var lateReader engine.Reader
	var lateWriter engine.Writer
	view(t, db, func(r engine.Reader) { lateReader = r })
	update(t, db, func(w engine.Writer) error {
		lateWriter = w
		return w.Put([]byte("a"), []byte("2"))
	})
	for _, r := range []engine.Reader{lateReader, lateWriter} {
		if got, err := r.Get([]byte("a")); err == nil || got != nil {
			t.Errorf("%T kept too long answers %q, %v", r, got, err)
		}
		if err := r.Scan([]byte("a"), []byte("b"), func(_, _ []byte) bool { return true }); err == nil {
			t.Errorf("%T kept too long scans", r)
		}
	}
	if lateWriter.Put([]byte("a"), nil) == nil || lateWriter.Delete([]byte("a")) == nil {
		t.Error("a Writer kept too long writes")
	}
}

// testSnapshot commits in the middle of a View.
func testSnapshot(t *testing.T, db engine.Engine) {
	put(t, db, "a1", "old", "a2", "old")
	view(t, db, func(r engine.Reader) {
		wantDump(t, r, "a", "a1=old a2=old ")
		put(t, db, "a1", "new", "a2", "new", "a3", "new")
		wantDump(t, r, "a", "a1=old a2=old ")
	})
	wantContent(t, db, "a", "a1=new a2=new a3=new ")
}

// testNewest has views begin and end before, during and after a change: whoever
// begins once it is answered sees it.
func testNewest(t *testing.T, db engine.Engine) {
	const begins, ends = 3, 3 // before the change, during it, after it
	for begin := range begins {
		for end := begin; end < ends; end++ {
			name := fmt.Sprintf("a%d%d", begin, end)
			release, ended := make(chan struct{}), make(chan struct{})
			look := func() {
				began := make(chan struct{})
				go func() {
					defer close(ended)
					view(t, db, func(r engine.Reader) {
						value, err := r.Get([]byte(name))
						if err != nil || (value != nil) != (begin == 2) {
							t.Errorf("begun in step %d: %q, %v", begin, value, err)
						}
						close(began)
						<-release
					})
				}()
				<-began
			}
			step := func(now int) {
				if begin == now {
					look()
				}
				if end == now {
					close(release)
					<-ended
				}
			}
			step(0)
			update(t, db, func(w engine.Writer) error {
				step(1)
				return w.Put([]byte(name), []byte("new"))
			})
			if end < 2 && !has(t, db, name) {
				t.Errorf("a view begun in step %d and ended in step %d hides the change", begin, end)
			}
			step(2)
			if !has(t, db, name) {
				t.Errorf("a view begun in step %d and ended after the change hides it", begin)
			}
		}
	}
}

func testBackupAndCheck(t *testing.T, db engine.Engine) {
	for i := range 300 {
		put(t, db, fmt.Sprintf("a%03d", i), fmt.Sprintf("%0200d", i))
	}
	var out counter
	n, err := db.Backup(&out)
	if err != nil || n != int64(out) || n < 300*200 {
		t.Errorf("Backup: %d bytes reported, %d written, %v", n, out, err)
	}
	if _, err := db.Backup(failing{}); err == nil {
		t.Error("Backup to a failing writer: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Check(ctx, func(string) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Check with a cancelled context: %v", err)
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errRefused }

// testClosed closes an engine that has work in its queue.
func testClosed(t *testing.T, db engine.Engine) {
	release := make(chan struct{})
	results := [2]chan error{make(chan error, 1), make(chan error, 1)}
	for _, result := range results {
		go func() {
			result <- db.Update(context.Background(), engine.Foreground, func(w engine.Writer) error {
				<-release
				return w.Put([]byte("a"), nil)
			})
		}()
		synctest.Wait()
	}
	closed := make(chan error, 1)
	go func() { closed <- db.Close() }()
	if err := <-results[1]; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("waiting closure: %v", err)
	}
	close(release)
	if err := <-results[0]; err != nil {
		t.Errorf("running closure: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	for name, err := range map[string]error{
		"View":   db.View(func(engine.Reader) error { return nil }),
		"Update": db.Update(context.Background(), engine.Foreground, func(engine.Writer) error { return nil }),
		"Check":  db.Check(context.Background(), func(string) {}),
		"Backup": func() error { _, err := db.Backup(new(counter)); return err }(),
	} {
		if !errors.Is(err, engine.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// newRand prints its seed, so that a failure can be run again.
func newRand(t *testing.T) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with -engine.seed=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// together holds the committer until all the closures wait, in this order.
func together(t *testing.T, db engine.Engine, closures ...func(engine.Writer) error) []error {
	t.Helper()
	release := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		update(t, db, func(engine.Writer) error {
			<-release
			return nil
		})
	})
	synctest.Wait()
	errs := make([]error, len(closures))
	for i, closure := range closures {
		wg.Go(func() { errs[i] = db.Update(context.Background(), engine.Foreground, closure) })
		synctest.Wait()
	}
	close(release)
	wg.Wait()
	return errs
}

func update(t *testing.T, db engine.Engine, fn func(engine.Writer) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := db.Update(ctx, engine.Foreground, fn); err != nil {
		t.Error(err)
	}
}

func put(t *testing.T, db engine.Engine, keysAndValues ...string) {
	t.Helper()
	update(t, db, func(w engine.Writer) error {
		for pair := range slices.Chunk(keysAndValues, 2) {
			if err := w.Put([]byte(pair[0]), []byte(pair[1])); err != nil {
				return err
			}
		}
		return nil
	})
}

func view(t *testing.T, db engine.Engine, fn func(engine.Reader)) {
	t.Helper()
	err := db.View(func(r engine.Reader) error {
		fn(r)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func has(t *testing.T, db engine.Engine, key string) (found bool) {
	t.Helper()
	view(t, db, func(r engine.Reader) {
		value, err := r.Get([]byte(key))
		found = value != nil && err == nil
	})
	return found
}

func check(t *testing.T, db engine.Engine) (faults []string) {
	t.Helper()
	if err := db.Check(context.Background(), func(f string) { faults = append(faults, f) }); err != nil {
		t.Errorf("check: %v", err)
	}
	return faults
}

func checkClean(t *testing.T, db engine.Engine) {
	t.Helper()
	if err := db.View(func(engine.Reader) error { return nil }); errors.Is(err, engine.ErrClosed) {
		return
	}
	if faults := check(t, db); len(faults) > 0 {
		t.Errorf("check after the test: %q", faults)
	}
}
