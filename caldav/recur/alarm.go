package recur

import (
	"math"
	"strconv"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// trigger is when an alarm goes off: RFC 5545, section 3.8.6.3.
type trigger struct {
	at       zone.Instant // absolute
	absolute bool
	fromEnd  bool
	offset   ical.Duration
	repeat   int64         // times more
	every    ical.Duration // between them
}

// AlarmOverlaps tells whether a VALARM of a component goes off within a range of time,
// for the first time or again, for any of the component's instances: RFC 4791, section
// 9.9. A zero time is no limit.
func (s *Series) AlarmOverlaps(alarm, c *ical.Component, from, to time.Time) (found bool, err error) {
	tr, err := s.trigger(alarm)
	if tr == nil || err != nil {
		return false, err
	}
	w := windowOf(from, to)
	if tr.absolute {
		return tr.within(w, tr.at), nil
	}
	err = s.walk(w.widened(tr.reach()), c, func(in *Instance) bool {
		if in.timing.dated {
			found = tr.within(w, tr.of(in))
		}
		return !found
	})
	return found, err
}

// trigger reads an alarm; nil if it says not when.
func (s *Series) trigger(alarm *ical.Component) (tr *trigger, err error) {
	p := alarm.Props.Get("TRIGGER")
	if p == nil {
		return nil, nil
	}
	tr = &trigger{fromEnd: strings.EqualFold(p.Params.Get("RELATED"), "END")}
	if t, err := ical.PropTime(p); err == nil {
		tr.absolute = true
		if tr.at, err = s.instant(t); err != nil {
			return nil, s.obj.Wrong(alarm, "TRIGGER", 0, err)
		}
	} else if tr.offset, err = ical.ParseDuration(p.Value); err != nil {
		return nil, s.obj.Wrong(alarm, "TRIGGER", 0, err)
	}
	repeat, every := alarm.Props.Get("REPEAT"), alarm.Props.Get("DURATION")
	if repeat == nil || every == nil {
		return tr, nil
	}
	if tr.every, err = ical.ParseDuration(every.Value); err != nil {
		return nil, s.obj.Wrong(alarm, "DURATION", 0, err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(repeat.Value), 10, 32)
	if err != nil {
		return nil, s.obj.Wrong(alarm, "REPEAT", 0, err)
	}
	if n > 0 && tr.every.Length() > 0 {
		tr.repeat = min(n, ical.DurationMax/tr.every.Length())
	}
	return tr, nil
}

// of returns when the alarm of an instance goes off first.
func (tr *trigger) of(in *Instance) zone.Instant {
	if tr.fromEnd {
		return after(in.timing.zone, in.timing.zone.Wall(in.end), in.end, tr.offset)
	}
	return after(in.timing.zone, in.wall, in.start, tr.offset)
}

// within tells whether one of the times of an alarm that goes off first at an instant
// is in a window: (start <= trigger-time) AND (end > trigger-time).
func (tr *trigger) within(w window, first zone.Instant) bool {
	if first >= w.from {
		return first < w.to
	}
	every := tr.every.Length()
	if tr.repeat == 0 {
		return false
	}
	n := -ical.FloorDiv(-int64(w.from-first), every) // the first repetition that is not before the window
	return n <= tr.repeat && first+zone.Instant(n*every) < w.to
}

// reach returns how long before and after an instance its alarm may go off.
func (tr *trigger) reach() (before, after int64) {
	offset := tr.offset.Length()
	return max(0, -offset) + slack, max(0, offset) + tr.repeat*tr.every.Length() + slack
}

// widened moves the limits so that it holds all instances with alarms in the window.
func (w window) widened(before, after int64) window {
	if w.from > math.MinInt64+4*ical.DurationMax {
		w.from -= zone.Instant(after)
	}
	if w.to < math.MaxInt64-4*ical.DurationMax {
		w.to += zone.Instant(before)
	}
	return w
}
