package recur

import (
	"iter"
	"math"
	"time"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// An Instance is one occurrence of a component.
type Instance struct {
	// Component has its properties: the component without RECURRENCE-ID, or the
	// override that stands for this instance or for this one and those after it.
	Component *ical.Component
	// ID is the original start, and From and To are the start and the end, in a form
	// that needs no zone: a day, a local time without a zone, or UTC.
	ID, From, To ical.Time
	// Start and End are the same as instants; zero where a component has no time.
	Start, End time.Time

	timing *timing
	free   *freeBusy // of VFREEBUSY only
	wall   ical.Wall // of the start, in the zone of the component
	start  zone.Instant
	end    zone.Instant
}

// A window is a range of time, from from on and before to.
type window struct{ from, to zone.Instant }

// windowOf makes the window of two times, of which a zero one is no limit.
func windowOf(from, to time.Time) window {
	w := window{math.MinInt64, math.MaxInt64}
	if !from.IsZero() {
		w.from = zone.At(from)
	}
	if !to.IsZero() {
		w.to = zone.At(to)
	}
	return w
}

// Between walks the instances that overlap a range of time as RFC 4791, section 9.9,
// says, from from on and before to, in the order of their original starts. A zero
// time is no limit. The last pair has an error where the series takes more than
// InstancesMax, or with what was asked before more than StepsMax.
func (s *Series) Between(from, to time.Time) iter.Seq2[Instance, error] {
	w := windowOf(from, to)
	return func(yield func(Instance, error) bool) {
		n := 0
		err := s.walk(w, nil, func(in *Instance) bool {
			if !overlaps(in, w) {
				return true
			}
			if n++; n > InstancesMax {
				yield(Instance{}, ErrInstances)
				return false
			}
			in.finish()
			return yield(*in, nil)
		})
		if err != nil {
			yield(Instance{}, err)
		}
	}
}

// Overlaps tells whether an instance of a component, which is one of the object's,
// overlaps a range of time. A zero time is no limit.
func (s *Series) Overlaps(c *ical.Component, from, to time.Time) (found bool, err error) {
	w := windowOf(from, to)
	err = s.walk(w, c, func(in *Instance) bool {
		found = overlaps(in, w)
		return !found
	})
	return found, err
}

// walk shows the instances that may overlap a window, of one component or of all with
// nil, until show returns false. Those who show have to judge, and keep nothing that
// they were shown.
func (s *Series) walk(w window, only *ical.Component, show func(*Instance) bool) error {
	if s.undated != nil && (only == nil || only == s.undated.component) && !show(&Instance{timing: s.undated, Component: s.undated.component}) {
		return nil
	}
	for i := range s.busy {
		if fb := &s.busy[i]; (only == nil || only == fb.component) && !show(fb.instance()) {
			return nil
		}
	}
	singles := s.singles
	before := func(k key) bool { // shows the overrides before a key
		for ; len(singles) > 0 && singles[0].key < k; singles = singles[1:] {
			if one := &singles[0]; (only == nil || only == one.component) && !show(s.overriding(one)) {
				return false
			}
		}
		return true
	}
	for i := range s.pieces {
		p := &s.pieces[i]
		if only != nil && only != p.component {
			continue
		}
		more, err := s.walkPiece(p, w, before, show)
		if !more || err != nil {
			return err
		}
	}
	before(keyMax)
	return nil
}

// walkPiece shows the instances of one piece, and calls before with each key.
func (s *Series) walkPiece(p *piece, w window, before func(key) bool, show func(*Instance) bool) (more bool, err error) {
	from, to := p.from, p.to
	ahead, behind := s.margins(p)
	if k := key(w.from); k > -distant {
		from = max(from, k-ahead)
	}
	if k := key(w.to); k < distant {
		to = min(to, k+behind)
	}
	if from >= to {
		return true, nil
	}
	o := s.originals(from, to)
	var in Instance // one for all: who is shown it keeps no hold of it
	for k, ok := o.next(); ok && k < to; k, ok = o.next() {
		if s.replaced[k] {
			continue
		}
		if !before(k) {
			return false, nil
		}
		if in = s.place(p, k); !show(&in) {
			return false, nil
		}
	}
	return true, o.err()
}

// margins tell how far ahead of and behind a window the keys may be whose instances
// overlap it.
func (s *Series) margins(p *piece) (ahead, behind key) {
	length := max(p.length.Length(), s.longest)
	if s.allDay() || p.shift != 0 || p.start.Form == ical.DateForm || p.length.Days != 0 || s.longest != 0 {
		return key(length) + key(p.shift) + slack, slack - key(p.shift)
	}
	return key(length) + 1, 1
}

// place makes the instance of a key in a piece.
func (s *Series) place(p *piece, k key) Instance {
	in := Instance{Component: p.component, ID: s.written(k), timing: p.timing}
	in.wall = s.wallOf(k, p.zone)
	if p.start.Form == ical.DateForm {
		in.wall = ical.Wall(in.wall.Day() * ical.Day)
	}
	in.wall += p.shift
	in.start = zone.Instant(k)
	if p.shift != 0 || s.allDay() || p.start.Form == ical.DateForm {
		in.start = p.zone.Instant(in.wall)
	}
	length := p.length
	if own, ok := s.lengths[k]; ok && p.timing == s.master {
		length = own
	}
	in.end = after(p.zone, in.wall, in.start, length)
	return in
}

// overriding makes the instance of an override.
func (s *Series) overriding(one *single) *Instance {
	in := &Instance{Component: one.component, ID: one.id, timing: one.timing, wall: one.start.Wall}
	in.start = one.zone.Instant(in.wall)
	in.end = after(one.zone, in.wall, in.start, one.length)
	return in
}

// finish fills in what is for others to read.
func (in *Instance) finish() {
	if in.timing == nil || !in.timing.dated {
		return
	}
	in.Start, in.End = in.start.Time(), in.end.Time()
	in.From, in.To = in.written(in.wall, in.start), in.written(in.timing.zone.Wall(in.end), in.end)
	if in.From.Form == ical.DateForm {
		in.To.Wall = ical.Wall(in.To.Wall.Day() * ical.Day)
	}
}

// written returns a moment of the instance in a form that needs no zone.
func (in *Instance) written(w ical.Wall, i zone.Instant) ical.Time {
	switch form := in.timing.start.Form; form {
	case ical.DateForm, ical.Floating:
		return ical.Time{Wall: w, Form: form}
	}
	return ical.Time{Wall: ical.Wall(i), Form: ical.UTC}
}
