package recur

import (
	"errors"
	"time"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// Bounds are what an index keeps of an object: all its instances lie within them. They
// are never too narrow, in whatever zone times without one are read, but may be wider
// than the instances: by a day and a half for such times, or by what is excepted.
type Bounds struct {
	// First is the first moment, zero if there is none before which nothing is.
	First time.Time
	// Last is the last moment, which is still part of the object. It is zero with Open.
	Last time.Time
	// Open tells that there is no end.
	Open bool
	// Never tells that no range of time holds an instance: nothing in it has a time.
	Never bool
}

// floatingSlack is more than two zones are apart, in seconds.
const floatingSlack = 32 * 60 * 60

// Meets tells whether a range of time, from from on and before to, may hold an
// instance. A zero time is no limit.
func (b Bounds) Meets(from, to time.Time) bool {
	return !b.Never && (b.Open || from.IsZero() || !from.After(b.Last)) && (to.IsZero() || b.First.IsZero() || !to.Before(b.First))
}

// Bounds works out the bounds of the series. A rule with COUNT is counted through; the
// error is of type *ical.Error and has the precondition max-instances when that takes
// too much work.
func (s *Series) Bounds() (Bounds, error) {
	h := hull{empty: true}
	if s.undated != nil {
		h.addUndated(s.undated)
	}
	for i := range s.busy {
		h.addBusy(&s.busy[i])
	}
	for i := range s.singles {
		h.add(s.overriding(&s.singles[i]), 0)
	}
	if s.master != nil {
		if err := s.addPieces(&h); err != nil {
			return Bounds{}, &ical.Error{Precondition: ical.MaxInstances, Rule: "RFC 4791, section 5.2.8", Reason: err.Error()}
		}
	}
	b := Bounds{Open: h.open, Never: h.empty && !h.open}
	if !h.empty {
		b.First = h.first.Time()
		if !h.open {
			b.Last = h.last.Time()
		}
	}
	return b, nil
}

// addPieces takes in what the rules and dates make.
func (s *Series) addPieces(h *hull) error {
	last, open, err := s.lastKey()
	if err != nil {
		return err
	}
	for i := range s.pieces {
		p := &s.pieces[i]
		first, last := max(p.from, s.dates[0]), min(last, p.to-1)
		loose := zone.Instant(0)
		if p.shift != 0 || !s.allDay() && (changes(s.master.zone, first) || changes(s.master.zone, last)) {
			loose = slack // the first and the last on the wall may not be so in time
		}
		if first > last && !open {
			continue
		}
		h.addKey(s, p, first, loose)
		h.addKey(s, p, max(first, last), loose)
	}
	for k := range s.lengths {
		h.addKey(s, &s.pieces[0], k, 0)
	}
	h.open = h.open || open
	return nil
}

// lastKey returns a key that none of the series is behind; open where there is none.
func (s *Series) lastKey() (last key, open bool, err error) {
	last = s.dates[len(s.dates)-1]
	for _, r := range s.rules {
		stop, until := ical.WallMax, keyMax
		if t := r.Until(); t != nil {
			stop, until = s.until(*t)
		}
		if r.Count() > 0 {
			it := r.NewIterator(s.master.start.Wall, stop, &s.budget)
			stop = s.master.start.Wall
			if w, ok := it.Last(); ok {
				stop = w
			}
			err = errors.Join(err, it.Err())
		}
		open = open || !r.Finite()
		if r.Finite() {
			last = max(last, min(until, s.wallKey(stop)))
		}
	}
	return last, open, err
}

// wallKey returns the key of a wall of DTSTART's zone.
func (s *Series) wallKey(w ical.Wall) key {
	if s.allDay() {
		return key(w)
	}
	return key(s.master.zone.Instant(w))
}

// A hull is the time around all that was added to it.
type hull struct {
	first, last zone.Instant
	empty, open bool
}

func (h *hull) span(first, last zone.Instant) {
	if h.empty {
		h.first, h.last, h.empty = first, last, false
	}
	h.first, h.last = min(h.first, first), max(h.last, last)
}

// add takes in an instance, and loose seconds around it.
func (h *hull) add(in *Instance, loose zone.Instant) {
	if form := in.timing.start.Form; form == ical.DateForm || form == ical.Floating {
		loose += floatingSlack
	}
	h.span(in.start-loose, max(in.start, in.end)+loose)
}

// addKey takes in the instance of a key in a piece.
func (h *hull) addKey(s *Series, p *piece, k key, loose zone.Instant) {
	in := s.place(p, k)
	h.add(&in, loose)
}

// addUndated takes in a VTODO without a time: the last rows of its table in RFC 4791,
// section 9.9. Other components without one are in no range.
func (h *hull) addUndated(t *timing) {
	if t.component.Name != "VTODO" {
		return
	}
	if t.created != nil {
		h.span(*t.created, *t.created)
	}
	if t.completed != nil {
		h.span(*t.completed, *t.completed)
	}
	h.open = t.completed == nil
}

func (h *hull) addBusy(fb *freeBusy) {
	if fb.bounded {
		h.span(fb.start, fb.end)
		return
	}
	for _, p := range fb.periods {
		h.span(p.start, p.end)
	}
}
