package itip

import (
	"fmt"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

func instantOf(t ical.Time) zone.Instant { return zone.Instant(t.Wall) }

// length is how long a component takes; ok is false where it does not say.
func (o *Object) length(c *component) (d ical.Duration, ok bool) {
	if it := c.first("DURATION"); it != nil {
		d, err := ical.ParseDuration(it.prop.Value)
		return d, err == nil
	}
	start, end := c.first("DTSTART"), c.first("DTEND")
	if end == nil {
		end = c.first("DUE")
	}
	if start == nil || end == nil {
		return d, false
	}
	from, err := ical.PropTime(&start.prop)
	to, err2 := ical.PropTime(&end.prop)
	if err != nil || err2 != nil {
		return d, false
	}
	if from.Form == ical.DateForm {
		return ical.Duration{Days: int64(to.Wall-from.Wall) / ical.Day}, true
	}
	return ical.Duration{Seconds: int64(o.instant(to) - o.instant(from))}, true
}

// durationText writes a length; a negative one, which only nonsense has, as none.
func durationText(d ical.Duration) string {
	switch {
	case d.Negative():
		return "PT0S"
	case d.Seconds == 0:
		return fmt.Sprintf("P%dD", d.Days)
	case d.Days == 0:
		return fmt.Sprintf("PT%dS", d.Seconds)
	}
	return fmt.Sprintf("P%dDT%dS", d.Days, d.Seconds)
}

// instant is the moment of a time; one of an unknown zone is read as if it were
// UTC.
func (o *Object) instant(t ical.Time) zone.Instant {
	if t.Form == ical.Zoned {
		if z, err := o.zones.Find(t.Zone); err == nil {
			return z.Instant(t.Wall)
		}
	}
	return instantOf(t)
}

// takesAsLong tells whether two components are of the same length.
func (o *Object) takesAsLong(c, other *component) bool {
	a, okA := o.length(c)
	b, okB := o.length(other)
	return okA == okB && a.Length() == b.Length()
}
