package recur

import (
	"math"
	"slices"

	"davit/caldav/ical"
	"davit/caldav/rule"
	"davit/caldav/zone"
)

// slack is more than walls and instants can differ in order near a change of a zone,
// in seconds: what is cut off on the wall is cut off too late by it, and then by the
// instant.
const slack = 2 * ical.Day

// originals walks the keys of a series in order: what rules and dates make, without
// what is excepted. Overrides it knows nothing of.
type originals struct {
	series *Series
	made   []*stream
	except []*stream
	dates  []key
	last   key
}

// originals starts at a key and ends before another.
func (s *Series) originals(from, to key) *originals {
	o := &originals{series: s, last: keyMin}
	if from > keyMin {
		o.last = from - 1
	}
	n, _ := slices.BinarySearch(s.dates, from)
	o.dates = s.dates[n:]
	for _, r := range s.rules {
		o.made = append(o.made, s.stream(r, r.NewIterator, from, to))
	}
	for _, r := range s.except {
		o.except = append(o.except, s.stream(r, r.NewExceptions, from, to))
	}
	return o
}

// next returns the next key; false at the end, or when err has something to say.
func (o *originals) next() (key, bool) {
	for {
		k, found := keyMax, false
		for len(o.dates) > 0 && o.dates[0] <= o.last {
			o.dates = o.dates[1:]
		}
		if len(o.dates) > 0 {
			k, found = o.dates[0], true
		}
		for _, st := range o.made {
			if head, ok := st.beyond(o.last); ok && (!found || head < k) {
				k, found = head, true
			}
		}
		if !found || o.err() != nil {
			return 0, false
		}
		o.last = k
		if !o.excepted(k) {
			return k, true
		}
	}
}

// err tells why there is no next.
func (o *originals) err() error {
	for _, st := range o.made {
		if err := st.it.Err(); err != nil {
			return err
		}
	}
	for _, st := range o.except {
		if err := st.it.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (o *originals) excepted(k key) bool {
	s := o.series
	if s.exdates[k] || len(s.exdays) > 0 && s.exdays[s.wallOf(k, s.master.zone).Day()] {
		return true
	}
	for _, st := range o.except {
		if head, ok := st.beyond(k - 1); ok && head == k {
			return true
		}
	}
	return false
}

// A stream is the keys of one rule in order. A local time that the clock jumps over
// moves behind others that are later on the wall, and waits for its turn.
type stream struct {
	it      *rule.Iterator
	zone    *zone.Zone // nil: the keys are walls
	until   key
	delayed []key
	head    key // of the rest
	open    bool
}

func (s *Series) stream(r *rule.Rule, start func(start, stop ical.Wall, b *rule.Budget) *rule.Iterator, from, to key) *stream {
	st := &stream{until: keyMax, open: true}
	if !s.allDay() {
		st.zone = s.master.zone
	}
	stop := ical.WallMax
	if t := r.Until(); t != nil {
		stop, st.until = s.until(*t)
	}
	if to < distant {
		stop = min(stop, st.wall(to, slack))
	}
	st.it = start(s.master.start.Wall, stop, &s.budget)
	if from > -distant {
		st.it.Seek(st.wall(from, -slack))
	}
	st.advance()
	return st
}

// distant is a key that no time has.
const distant key = math.MaxInt64 / 2

// wall returns the wall of a key, moved by spare if the clock changes near it: then
// what is before it on the wall may not be before it in time.
func (st *stream) wall(k key, spare ical.Wall) ical.Wall {
	if st.zone == nil {
		return ical.Wall(k)
	}
	w := st.zone.Wall(zone.Instant(k))
	if changes(st.zone, k) {
		w += spare
	}
	return w
}

// changes tells whether the clock of a zone changes near a key.
func changes(z *zone.Zone, k key) bool {
	i := zone.Instant(k)
	w := z.Wall(i)
	return z.Wall(i-slack) != w-slack || z.Wall(i+slack) != w+slack
}

// until returns the last wall and the last key of a rule: RFC 5545, section 3.3.10. A
// day is meant to its end.
func (s *Series) until(t ical.Time) (ical.Wall, key) {
	switch {
	case t.Form == ical.DateForm && !s.allDay():
		return t.Wall + ical.Day - 1, keyMax
	case t.Form != ical.UTC, s.allDay(), s.form == ical.Floating:
		return t.Wall, keyMax
	}
	return t.Wall + slack, key(t.Wall)
}

// advance moves the head to the next key that does not wait.
func (st *stream) advance() {
	for st.open {
		var w ical.Wall
		if w, st.open = st.it.Next(); !st.open {
			return
		}
		if st.zone == nil {
			st.head = key(w)
			return
		}
		i, gap := st.zone.Resolve(w)
		k := key(i)
		switch {
		case k > st.until:
		case gap:
			st.delayed = append(st.delayed, k)
		default:
			st.head = k
			return
		}
	}
}

// beyond returns the first key after another and drops those before.
func (st *stream) beyond(last key) (key, bool) {
	for st.open && st.head <= last {
		st.advance()
	}
	for len(st.delayed) > 0 && st.delayed[0] <= last {
		st.delayed = st.delayed[1:]
	}
	switch {
	case len(st.delayed) > 0 && (!st.open || st.delayed[0] < st.head):
		return st.delayed[0], true
	case st.open:
		return st.head, true
	}
	return 0, false
}
