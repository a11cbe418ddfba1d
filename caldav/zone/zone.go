// Package zone tells what a local time means: it finds the rules behind a TZID (in
// the object's own VTIMEZONE, then by name) and maps between the clock on the wall
// and instants as RFC 5545, section 3.3.5, says. It never looks at the zone of the
// machine it runs on.
//
//	z, err := zone.New(obj).Find("Europe/Paris")
//	instant := z.Instant(wall)
package zone

import (
	"math"
	"time"

	"davit/caldav/ical"
)

// An Instant is a moment in the seconds since 1970 of UTC.
type Instant int64

// Time returns the instant as the standard library has it, in UTC.
func (i Instant) Time() time.Time { return time.Unix(int64(i), 0).UTC() }

// At returns the instant of a time, rounded down to the second.
func At(t time.Time) Instant { return Instant(t.Unix()) }

// A Zone maps between walls and instants. It may be used by one goroutine at a time.
type Zone struct {
	name  string
	rules rules
	last  segment // the one that answered last: walks through time ask near it again
}

// rules say which offset holds when.
type rules interface {
	// segment returns the stretch of time with one offset that an instant is in.
	segment(Instant) segment
}

// A segment is the time from start on and before end, with one offset: what the wall
// is ahead of UTC, in seconds.
type segment struct {
	start, end Instant
	offset     int64
}

// always is the segment of a zone whose offset never changes.
func always(offset int64) segment { return segment{math.MinInt64, math.MaxInt64, offset} }

// fixed is a zone with one offset.
type fixed int64

func (f fixed) segment(Instant) segment { return always(int64(f)) }

// UTC returns the zone of times with a Z. It may be shared: it has nothing to remember.
func UTC() *Zone { return offset("UTC", 0) }

func offset(name string, seconds int64) *Zone {
	return &Zone{name: name, rules: fixed(seconds), last: always(seconds)}
}

// located is a zone of the time zone database.
type located struct{ loc *time.Location }

func (l located) segment(i Instant) segment {
	t := time.Unix(int64(i), 0).In(l.loc)
	_, offset := t.Zone()
	s := always(int64(offset))
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.start = At(start)
	}
	if !end.IsZero() {
		s.end = At(end)
	}
	// Behind the listed changes ZoneBounds ends leap years a day early, and on their
	// last day it tells an end that has passed.
	for s.end <= i {
		s.end += ical.Day
	}
	return s
}

// In returns the zone of a location.
func In(loc *time.Location) *Zone { return &Zone{name: loc.String(), rules: located{loc}} }

// Name returns the name under which the zone was found: one of the time zone
// database, or the TZID of a VTIMEZONE.
func (z *Zone) Name() string { return z.name }

func (z *Zone) segment(i Instant) segment {
	if i < z.last.start || i >= z.last.end {
		z.last = z.rules.segment(i)
	}
	return z.last
}

// Wall returns what the clock shows at an instant.
func (z *Zone) Wall(i Instant) ical.Wall { return ical.Wall(int64(i) + z.segment(i).offset) }

// offsetMax is more than any zone was ever ahead of or behind UTC, in seconds.
const offsetMax = 26 * 60 * 60

// Instant returns the moment that a local time names. One that the clock shows twice
// is the first; one that it jumps over is read with the offset before the gap: RFC
// 5545, section 3.3.5.
func (z *Zone) Instant(w ical.Wall) Instant {
	i, _ := z.Resolve(w)
	return i
}

// Resolve is Instant, and tells whether the clock jumps over the local time.
func (z *Zone) Resolve(w ical.Wall) (i Instant, gap bool) {
	// Well within the segment that answered last no change is near.
	if i := Instant(int64(w) - z.last.offset); i >= add(z.last.start, offsetMax) && i < add(z.last.end, -offsetMax) {
		return i, false
	}
	before := z.segment(Instant(int64(w) - offsetMax))
	for s := before; ; s = z.segment(s.end) {
		i := Instant(int64(w) - s.offset)
		if i < s.start {
			return Instant(int64(w) - before.offset), true
		}
		if i < s.end {
			return i, false
		}
		before = s
	}
}

// add moves an instant unless it stands for no limit.
func add(i Instant, seconds int64) Instant {
	if i == math.MinInt64 || i == math.MaxInt64 {
		return i
	}
	return i + Instant(seconds)
}
