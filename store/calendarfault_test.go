package store

import (
	"slices"
	"sync/atomic"
	"testing"

	"davit/store/disk"
)

// TestCalendarFailEach breaks each operation on files, and each commit, while
// objects come, move and go: whatever was reached, the index agrees with the objects
// when the store is opened again, and what was acknowledged is found.
func TestCalendarFailEach(t *testing.T) {
	o := Options{Index: toyIndex}
	of := newOffice(t, o, "mia")
	of.close()
	base := save(t, of.dir)
	of.start()
	at := func(name string) Path { return cal("~mia", "calendar", name) }
	object := func(uid string) Object { return Object{UID: uid, Component: "VEVENT", Extent: day(3, 9, 1)} }
	steps := []struct {
		found []string // once it is done
		do    func(of *office, s *Session) error
	}{
		{nil, func(_ *office, s *Session) error { return s.BeginCalendars(ctx) }},
		{[]string{"a"}, func(of *office, s *Session) error { return of.putObject(s, at("a"), object("1")) }},
		{[]string{"a", "b"}, func(of *office, s *Session) error { return of.putObject(s, at("b"), object("2")) }},
		{[]string{"b", "c"}, func(_ *office, s *Session) error { return second(s.Move(ctx, at("a"), at("c"), false, Terms{})) }},
		{[]string{"c"}, func(_ *office, s *Session) error { return s.Remove(ctx, at("b"), Terms{}) }},
	}
	of.stop()
	for n := 1; ; n++ {
		fault := disk.FailNth(n)
		var armed atomic.Bool
		o.Hooks = []disk.Hook{func(op disk.Op) error {
			if !armed.Load() {
				return nil
			}
			return fault.Hook(op)
		}}
		of := officeAt(t, base.restore(t), o)
		s := of.as("mia")
		armed.Store(true)
		done := 0
		for done < len(steps) && steps[done].do(of, s) == nil {
			done++
		}
		armed.Store(false)
		if !fault.Fired() {
			if done != len(steps) || n < len(steps) {
				t.Errorf("with %d operations: %d of %d steps", n-1, done, len(steps))
			}
			return
		}
		of.close()
		of.start()
		if done > 0 { // the step that failed is done whole or not at all
			found := of.found(of.as("mia"), cal("~mia", "calendar"), Search{Span: day(3, 0, 24)})
			if next := min(done, len(steps)-1); !slices.Equal(found, steps[done-1].found) && !slices.Equal(found, steps[next].found) {
				t.Errorf("found %q, neither as before the step %q nor as after it %q", found, steps[done-1].found, steps[next].found)
			}
		}
		of.stop()
		if t.Failed() {
			t.Fatalf("operation %d failed after %d steps", n, done)
		}
	}
}
