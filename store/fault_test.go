package store

import (
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"davit/policy"
	"davit/store/disk"
	"davit/store/engine"
)

// A step is one acknowledged operation of the script.
type step struct {
	name string
	do   func(*Session) error
}

func putStep(p string, content []byte) step {
	return step{fmt.Sprintf("put %d bytes in %s", len(content), p), func(s *Session) error {
		_, _, err := put(s, p, content)
		return err
	}}
}

// script does each kind of change; every step changes what a session sees.
var script = []step{
	putStep("/Team/small", text(1, 100)),
	putStep("/Team/big", bigFile),
	putStep("/Team/big", text(2, 60_000)),
	putStep("/Team/twin", text(2, 60_000)), // known content
	{"mkdir", func(s *Session) error {
		_, err := s.Mkdir(ctx, split("/Team/dir"), Terms{})
		return err
	}},
	putStep("/Team/dir/one", text(3, 10_000)),
	{"mkdir below", func(s *Session) error {
		_, err := s.Mkdir(ctx, split("/Team/dir/sub"), Terms{})
		return err
	}},
	putStep("/Team/dir/sub/two", text(4, 10_000)),
	{"copy a tree", func(s *Session) error {
		_, err := s.Copy(ctx, split("/Team/dir"), split("/Team/copy"), false, false, Terms{})
		return err
	}},
	{"copy a tree over a tree", func(s *Session) error {
		_, err := s.Copy(ctx, split("/Team/dir/sub"), split("/Team/copy"), true, false, Terms{})
		return err
	}},
	{"copy over a file", func(s *Session) error {
		_, err := s.Copy(ctx, split("/Team/big"), split("/Team/small"), true, false, Terms{})
		return err
	}},
	{"move over a file", func(s *Session) error {
		_, err := s.Move(ctx, split("/Team/dir/one"), split("/Team/small"), true, Terms{})
		return err
	}},
	{"move a tree", func(s *Session) error {
		_, err := s.Move(ctx, split("/Team/dir"), split("/Team/copy/dir"), false, Terms{})
		return err
	}},
	{"set a property", func(s *Session) error {
		return s.SetProps(ctx, split("/Team/big"), []Prop{{"urn:test", "color", []byte("blue")}}, time.Time{}, Terms{})
	}},
	{"lock", func(s *Session) error {
		_, _, err := s.Lock(ctx, split("/Team/new"), LockRequest{}, Terms{})
		return err
	}},
	{"remove a tree", func(s *Session) error { return s.Remove(ctx, split("/Team/copy"), Terms{}) }},
}

// TestFailEach breaks each operation on files, and each commit, in turn: what
// was acknowledged stays, the step that failed is done whole or not at all, also
// after opening again, and then the rest of the script goes on.
func TestFailEach(t *testing.T) {
	base, want := rehearse(t)
	for n := 1; ; n++ {
		fault := disk.FailNth(n)
		var armed atomic.Bool
		hook := func(op disk.Op) error {
			if !armed.Load() {
				return nil
			}
			return fault.Hook(op)
		}
		of := officeAt(t, base.restore(t), Options{Hooks: []disk.Hook{hook}})
		armed.Store(true)
		done, err := of.play(script)
		armed.Store(false)
		if !fault.Fired() {
			if err != nil || done != len(script) || n < 40 {
				t.Errorf("with %d operations: %d of %d steps, %v", n-1, done, len(script), err)
			}
			return
		}
		of.afterFault(n, done, err, want)
		of.stop()
		if t.Failed() {
			t.Fatalf("operation %d failed in step %d, %s", n, done+1, script[min(done, len(script)-1)].name)
		}
	}
}

// rehearse makes a data directory to start from, and tells what is seen before
// the script and after each of its steps.
func rehearse(t *testing.T) (base backup, want []map[string]string) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	of.close()
	base = save(t, of.dir)
	of.start()
	for i := range script {
		want = append(want, of.dump(of.as("mia")))
		if _, err := of.play(script[i : i+1]); err != nil {
			t.Fatalf("%s: %v", script[i].name, err)
		}
	}
	want = append(want, of.dump(of.as("mia")))
	of.stop()
	return base, want
}

// play does steps until one fails.
func (of *office) play(steps []step) (done int, err error) {
	s := of.as("mia")
	for done < len(steps) && err == nil {
		if err = steps[done].do(s); err == nil {
			done++
		}
	}
	return done, err
}

// afterFault looks at the store that met the fault, opens it again, and lets
// the script go on.
func (of *office) afterFault(n, done int, failed error, want []map[string]string) {
	of.t.Helper()
	if failed == nil {
		of.wantSeen(n, want[len(script)]) // the fault was in clearing up
		of.close()
		of.start()
		return
	}
	if errors.Is(failed, engine.ErrBroken) {
		if _, err := of.as("mia").Stat(split("/Team"), Want{}); !errors.Is(err, engine.ErrBroken) {
			of.t.Errorf("a broken store answers: %v", err)
		}
	} else {
		of.wantSeen(n, want[done])
		of.clean()
	}
	of.close()
	of.start()
	of.clean()
	if seen := of.dump(of.as("mia")); maps.Equal(seen, want[done+1]) {
		done++
	} else if !maps.Equal(seen, want[done]) {
		of.t.Errorf("fault %d: after opening again there is\n%v\nneither before nor after the step:\n%v\n%v", n, seen, want[done], want[done+1])
	}
	if more, err := of.play(script[done:]); err != nil {
		of.t.Errorf("fault %d: going on with %s: %v", n, script[done+more].name, err)
	}
	of.wantSeen(n, want[len(script)])
}

func (of *office) wantSeen(n int, want map[string]string) {
	of.t.Helper()
	if seen := of.dump(of.as("mia")); !maps.Equal(seen, want) {
		of.t.Errorf("fault %d: there is\n%v\nwant\n%v", n, seen, want)
	}
}

// TestBrokenOnce: a failed commit ends the store for everybody, and tells so
// once.
func TestBrokenOnce(t *testing.T) {
	fault := disk.FailNth(1)
	var armed atomic.Bool
	told := make(chan error, 2)
	of := newOffice(t, Options{OnBroken: func(err error) { told <- err }, Hooks: []disk.Hook{func(op disk.Op) error {
		if op.Kind != disk.Commit || !armed.Load() {
			return nil
		}
		return fault.Hook(op)
	}}}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.put(s, "/Team/kept", bigFile)
	u := of.begun(s, "/Team/waiting", text(2, 100))
	armed.Store(true)
	_, _, err := put(s, "/Team/lost", text(3, 100))
	_, _, waiting := u.Commit(ctx, Meta{})
	for what, err := range map[string]error{
		"the change": err, "the one after it": waiting, "a read": second(read(s, "/Team/kept")),
		"a change of policy": of.st.Operator().Change(ctx, func(*policy.State) ([]policy.Change, error) { return nil, nil }),
	} {
		if !errors.Is(err, engine.ErrBroken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	of.close()
	if err := <-told; !errors.Is(err, engine.ErrBroken) || len(told) > 0 {
		t.Errorf("told %v, and %d times more", err, len(told))
	}
	of.start()
	of.wantContent(of.as("mia"), "/Team/kept", bigFile)
	if _, err := of.as("mia").Stat(split("/Team/lost"), Want{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("the change that failed: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestInitFailEach breaks operations of making a data directory, the last ones
// too: the next attempt makes it.
func TestInitFailEach(t *testing.T) {
	var r disk.Recorder
	if err := Init(t.TempDir(), Options{Hooks: []disk.Hook{r.Hook}}); err != nil {
		t.Fatal(err)
	}
	last := len(r.Ops())
	for _, n := range []int{1, 2, last / 2, last - 1, last} {
		dir := t.TempDir()
		fault := disk.FailNth(n)
		if err := Init(dir, Options{Hooks: []disk.Hook{fault.Hook}}); err == nil || !fault.Fired() {
			t.Errorf("fault %d of %d fired: %t, answer %v", n, last, fault.Fired(), err)
		}
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrNoStore) {
			t.Errorf("after fault %d it opens: %v", n, err)
		}
		if err := Init(dir, Options{}); err != nil {
			t.Errorf("after fault %d: %v", n, err)
		}
		if of := officeAt(t, dir, Options{}); of.st.Policy().ProfileNamed("standard") == nil {
			t.Errorf("after fault %d there is no profile", n)
		}
	}
}
