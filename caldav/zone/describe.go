package zone

import (
	"fmt"

	"davit/caldav/ical"
)

// A turn is a moment at which the clock of a zone is set.
type turn struct {
	wall          ical.Wall // what it showed
	before, after int64     // offsets
	year, month   int
	day, weekday  int // of the month; 0 is a Monday
}

// weekdays are those of BYDAY, from Monday on.
var weekdays = [7]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

// AppendComponent appends a VTIMEZONE that says what the zone says from one moment to
// another, under a TZID. What happens every year up to the end goes on behind it.
// RFC 5545, section 3.6.5
func (z *Zone) AppendComponent(dst []byte, tzid string, from, to Instant) []byte {
	dst = ical.AppendContent(append(dst, "BEGIN:VTIMEZONE\r\n"...), "TZID:"+tzid)
	first := z.segment(from)
	dst = appendObservance(dst, ical.Wall(int64(from)+first.offset), first.offset, first.offset, "")
	turns := z.turns(from, to)
	told := make([]bool, len(turns))
	for i := range turns {
		if told[i] {
			continue
		}
		year, _, _ := ical.Date(z.Wall(to).Day())
		rule, same := yearly(turns, i, year)
		for _, n := range same {
			told[n] = true
		}
		dst = appendObservance(dst, turns[i].wall, turns[i].before, turns[i].after, rule)
	}
	return append(dst, "END:VTIMEZONE\r\n"...)
}

// turns are those from one moment to another, the first one not counted.
func (z *Zone) turns(from, to Instant) (list []turn) {
	for s := z.segment(from); s.end < to; {
		next := z.segment(s.end)
		t := turn{wall: ical.Wall(int64(s.end) + s.offset), before: s.offset, after: next.offset}
		t.year, t.month, t.day = ical.Date(t.wall.Day())
		t.weekday = int((t.wall.Day()%7 + 10) % 7) // 1970-01-01 was a Thursday
		if t.after != t.before {
			list = append(list, t)
		}
		s = next
	}
	return list
}

// yearly is the rule by which a turn happens in each year from its own to the last, and
// which turns these are; empty for none. A last year that is not told whole may lack it.
func yearly(turns []turn, first, last int) (rule string, same []int) {
	f := turns[first]
	nth, fromEnd, year := (f.day-1)/7+1, true, f.year
	for i := first; i < len(turns); i++ {
		t := turns[i]
		if t.before != f.before || t.after != f.after || t.month != f.month || t.weekday != f.weekday || t.wall.Clock() != f.wall.Clock() || t.year != year {
			continue
		}
		if (t.day-1)/7+1 != nth {
			nth = 0
		}
		fromEnd = fromEnd && t.day+7 > ical.MonthDays(t.year, t.month)
		year++
		same = append(same, i)
	}
	switch {
	case year < last || len(same) < 2:
		return "", nil
	case nth > 0 && nth < 5:
		return fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=%d%s", f.month, nth, weekdays[f.weekday]), same
	case fromEnd:
		return fmt.Sprintf("FREQ=YEARLY;BYMONTH=%d;BYDAY=-1%s", f.month, weekdays[f.weekday]), same
	}
	return "", nil
}

// appendObservance appends what holds from a wall on: the clock that is ahead of the
// one before is that of summer.
func appendObservance(dst []byte, start ical.Wall, before, after int64, rule string) []byte {
	kind := "STANDARD"
	if after > before {
		kind = "DAYLIGHT"
	}
	dst = append(append(append(dst, "BEGIN:"...), kind...), "\r\nDTSTART:"...)
	dst = append(ical.Time{Wall: start, Form: ical.Floating}.Append(dst), "\r\nTZOFFSETFROM:"...)
	dst = append(appendOffset(dst, before), "\r\nTZOFFSETTO:"...)
	dst = append(appendOffset(dst, after), "\r\n"...)
	if rule != "" {
		dst = append(append(append(dst, "RRULE:"...), rule...), "\r\n"...)
	}
	return append(append(append(dst, "END:"...), kind...), "\r\n"...)
}

// appendOffset writes a UTC-OFFSET. RFC 5545, section 3.3.14
func appendOffset(dst []byte, seconds int64) []byte {
	sign := byte('+')
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	dst = fmt.Appendf(append(dst, sign), "%02d%02d", seconds/3600, seconds/60%60)
	if seconds%60 != 0 {
		dst = fmt.Appendf(dst, "%02d", seconds%60)
	}
	return dst
}
