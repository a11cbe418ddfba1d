package recur

import (
	"davit/caldav/ical"
	"davit/caldav/zone"
)

// utc may be shared by goroutines: it remembers nothing.
var utc = zone.UTC()

// timing is when one component takes place, as its properties say.
type timing struct {
	component *ical.Component
	start     ical.Time // DTSTART, or else DUE
	zone      *zone.Zone
	length    ical.Duration

	dated       bool // start is there
	started     bool // DTSTART is there
	ended       bool // DTEND or DUE is there
	lasting     bool // DURATION is there
	completed   *zone.Instant
	created     *zone.Instant
	transparent bool // of VEVENT: takes up no time
	status      string
}

// timing reads a component. An override without DTSTART starts when the instance did
// that it overrides.
func (s *Series) timing(c *ical.Component, id *ical.Time) (*timing, error) {
	t := &timing{component: c, zone: s.floating, status: upper(c, "STATUS"), transparent: upper(c, "TRANSP") == "TRANSPARENT"}
	start, err := s.time(c, "DTSTART")
	if err != nil {
		return nil, err
	}
	var end *ical.Time
	if c.Name != "VJOURNAL" {
		if end, err = s.time(c, endName(c)); err != nil {
			return nil, err
		}
	}
	t.started, t.ended = start != nil, end != nil
	if start == nil && end == nil {
		start = id
	}
	if start == nil {
		start = end
	}
	if start != nil {
		t.start, t.dated = *start, true
		if t.zone, err = s.zoneOf(t.start); err != nil {
			return nil, s.obj.Wrong(c, "DTSTART", 0, err)
		}
	}
	if err := s.setLength(t, end); err != nil {
		return nil, err
	}
	if c.Name == "VTODO" {
		if t.completed, err = s.moment(c, "COMPLETED"); err != nil {
			return nil, err
		}
		t.created, err = s.moment(c, "CREATED")
	}
	return t, err
}

// setLength works out how long the component takes. What ends before it begins takes
// no time; a day takes one at least, except where it is due.
func (s *Series) setLength(t *timing, end *ical.Time) (err error) {
	c := t.component
	p := c.Props.Get("DURATION")
	switch {
	case end != nil && t.started:
		if t.length, err = s.between(t.start, *end); err != nil {
			return s.obj.Wrong(c, endName(c), 0, err)
		}
	case end == nil && p != nil && c.Name != "VJOURNAL":
		if t.length, err = ical.ParseDuration(p.Value); err != nil {
			return s.obj.Wrong(c, "DURATION", 0, err)
		}
		t.lasting = true
	}
	if t.length.Negative() {
		t.length = ical.Duration{}
	}
	if t.start.Form == ical.DateForm && t.length.Length() == 0 && c.Name != "VTODO" {
		t.length.Days = 1 // RFC 5545, section 3.6.1
	}
	return nil
}

// endName is the property that ends a component.
func endName(c *ical.Component) string {
	if c.Name == "VTODO" {
		return "DUE"
	}
	return "DTEND"
}

// time reads a property that may be missing. One without a value counts as missing.
func (s *Series) time(c *ical.Component, name string) (*ical.Time, error) {
	p := c.Props.Get(name)
	if p == nil || p.Value == "" {
		return nil, nil
	}
	t, err := ical.PropTime(p)
	if err != nil {
		return nil, s.obj.Wrong(c, name, 0, err)
	}
	return &t, nil
}

// moment reads a property that may be missing as an instant.
func (s *Series) moment(c *ical.Component, name string) (*zone.Instant, error) {
	t, err := s.time(c, name)
	if t == nil || err != nil {
		return nil, err
	}
	i, err := s.instant(*t)
	if err != nil {
		return nil, s.obj.Wrong(c, name, 0, err)
	}
	return &i, nil
}

// between returns how long it is from one time to another: in days if both are days,
// or else exact, for the same exact duration applies to all instances: RFC 5545,
// section 3.8.5.3.
func (s *Series) between(start, end ical.Time) (ical.Duration, error) {
	if start.Form == ical.DateForm && end.Form == ical.DateForm {
		return ical.Duration{Days: end.Wall.Day() - start.Wall.Day()}, nil
	}
	from, err := s.instant(start)
	if err != nil {
		return ical.Duration{}, err
	}
	to, err := s.instant(end)
	return ical.Duration{Seconds: int64(to - from)}, err
}

// after returns the end of a duration that begins at a wall, which is the instant
// start in its zone. Days are nominal: RFC 5545, section 3.3.6.
func after(z *zone.Zone, w ical.Wall, start zone.Instant, d ical.Duration) zone.Instant {
	if d.Days != 0 {
		start = z.Instant(w + ical.Wall(d.Days*ical.Day))
	}
	return start + zone.Instant(d.Seconds)
}
