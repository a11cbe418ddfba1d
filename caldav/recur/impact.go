package recur

import (
	"strings"
	"time"

	"davit/caldav/ical"
)

// Impacts tells whether a component has to be known to tell what happens in a range of
// time: one without RECURRENCE-ID always has, an override if its instance is or would
// have been in the range: RFC 4791, section 9.6.6. A zero time is no limit.
func (s *Series) Impacts(c *ical.Component, from, to time.Time) bool {
	for i := range s.singles {
		one := &s.singles[i]
		if one.component != c {
			continue
		}
		w, in, was := windowOf(from, to), s.overriding(one), Instance{}
		if overlaps(in, w) {
			return true
		}
		for j := range s.pieces {
			p := &s.pieces[j]
			if p.component == c {
				if was = s.place(&s.pieces[0], one.key); w.to > min(in.start, was.start) {
					return true // all that follow depend on it
				}
			}
			if p.from <= one.key && one.key < p.to {
				if was = s.place(p, one.key); overlaps(&was, w) {
					return true
				}
			}
		}
		return false
	}
	return true
}

// ValueOverlaps tells whether one of the times of a property is within a range: a
// moment in it, a day or a period that meets it. What is no time is not.
func (s *Series) ValueOverlaps(p *ical.Prop, from, to time.Time) bool {
	w := windowOf(from, to)
	for value := range strings.SplitSeq(p.Value, ",") {
		if in, ok := s.valueSpan(value, p.Params.Get("TZID")); ok && w.spans(&in) {
			return true
		}
	}
	return false
}

// FreeBusyOverlaps tells whether a value of FREEBUSY meets a range.
func (s *Series) FreeBusyOverlaps(value string, from, to time.Time) bool {
	p, err := s.period(value)
	w := windowOf(from, to)
	return err == nil && w.from < p.end && w.to > p.start
}

// valueSpan makes an instance of a value, for its limits.
func (s *Series) valueSpan(value, tzid string) (in Instance, ok bool) {
	if strings.Contains(value, "/") {
		p, err := s.period(value)
		return Instance{start: p.start, end: p.end}, err == nil
	}
	t, err := ical.ParseTime(value, tzid)
	if err != nil {
		return in, false
	}
	z, err := s.zoneOf(t)
	if err != nil {
		return in, false
	}
	in.start = z.Instant(t.Wall)
	in.end = in.start
	if t.Form == ical.DateForm {
		in.end = z.Instant(t.Wall + ical.Day)
	}
	return in, true
}

// InUTC returns the time of a property with a TZID as one of UTC; false if it has none
// or is not one time.
func (s *Series) InUTC(p *ical.Prop) (ical.Time, bool) {
	if p.Params.Get("TZID") == "" {
		return ical.Time{}, false
	}
	t, err := ical.PropTime(p)
	if err != nil || t.Form != ical.Zoned {
		return ical.Time{}, false
	}
	i, err := s.instant(t)
	return ical.Time{Wall: ical.Wall(i), Form: ical.UTC}, err == nil
}
