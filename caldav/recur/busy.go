package recur

import (
	"iter"
	"slices"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// Busy is how a period is taken, by the names of FBTYPE: RFC 5545, section 3.2.9.
type Busy string

// The kinds of busy time. FREE is none.
const (
	IsBusy      Busy = "BUSY"
	Tentative   Busy = "BUSY-TENTATIVE"
	Unavailable Busy = "BUSY-UNAVAILABLE"
)

// A BusyPeriod is time that is taken, from Start on and before End.
type BusyPeriod struct {
	Start, End time.Time
	Busy       Busy
}

// freeBusy is a VFREEBUSY.
type freeBusy struct {
	component  *ical.Component
	bounded    bool // both DTSTART and DTEND are there
	start, end zone.Instant
	periods    []period
}

type period struct {
	start, end zone.Instant
	busy       Busy // empty: free
}

// freeBusy reads a VFREEBUSY.
func (s *Series) freeBusy(c *ical.Component) (freeBusy, error) {
	fb := freeBusy{component: c}
	start, err := s.moment(c, "DTSTART")
	if err != nil {
		return fb, err
	}
	end, err := s.moment(c, "DTEND")
	if err != nil {
		return fb, err
	}
	if start != nil && end != nil {
		fb.bounded, fb.start, fb.end = true, *start, *end
	}
	for i := range c.Props["FREEBUSY"] {
		p := &c.Props["FREEBUSY"][i]
		busy := Busy(strings.ToUpper(p.Params.Get("FBTYPE")))
		switch busy {
		case "FREE":
			busy = ""
		case Tentative, Unavailable:
		default:
			busy = IsBusy // RFC 5545, section 3.2.9
		}
		for value := range strings.SplitSeq(p.Value, ",") {
			if len(fb.periods) == DatesMax {
				return fb, s.tooMany(c, "FREEBUSY", i, DatesMax)
			}
			one, err := s.period(value)
			if err != nil {
				return fb, s.obj.Wrong(c, "FREEBUSY", i, err)
			}
			one.busy = busy
			fb.periods = append(fb.periods, one)
		}
	}
	return fb, nil
}

func (s *Series) period(value string) (period, error) {
	p, err := ical.ParsePeriod(value, "")
	if err != nil {
		return period{}, err
	}
	start, err := s.instant(p.Start)
	if err != nil {
		return period{}, err
	}
	if p.HasEnd {
		end, err := s.instant(p.End)
		return period{start: start, end: end}, err
	}
	return period{start: start, end: after(s.floating, s.floating.Wall(start), start, p.Duration)}, nil
}

func (fb *freeBusy) instance() *Instance {
	return &Instance{Component: fb.component, timing: &timing{component: fb.component}, free: fb}
}

// Busy walks the time that the events and the free-busy components of an object take
// up within a range, cut to it, in no order: RFC 4791, section 7.10. Transparent and
// cancelled events take none.
func (s *Series) Busy(from, to time.Time) iter.Seq2[BusyPeriod, error] {
	return func(yield func(BusyPeriod, error) bool) {
		w := windowOf(from, to)
		n := 0
		show := func(p period) bool {
			p.start, p.end = max(p.start, w.from), min(p.end, w.to)
			if p.busy == "" || p.start >= p.end {
				return true
			}
			if n++; n > InstancesMax {
				yield(BusyPeriod{}, ErrInstances)
				return false
			}
			return yield(BusyPeriod{p.start.Time(), p.end.Time(), p.busy}, nil)
		}
		err := s.walk(w, nil, func(in *Instance) bool {
			if in.free == nil {
				return show(in.period())
			}
			return !slices.ContainsFunc(in.free.periods, func(p period) bool { return !show(p) })
		})
		if err != nil {
			yield(BusyPeriod{}, err)
		}
	}
}

// period is the time that an instance takes up.
func (in *Instance) period() period {
	p := period{start: in.start, end: in.end, busy: IsBusy}
	switch {
	case in.Component.Name != "VEVENT" || in.timing.transparent || in.timing.status == "CANCELLED":
		p.busy = ""
	case in.timing.status == "TENTATIVE":
		p.busy = Tentative
	}
	return p
}

// MergeBusy sorts periods and joins those of one kind that touch or overlap: RFC 4791,
// section 7.10. It changes what it is given.
func MergeBusy(periods []BusyPeriod) []BusyPeriod {
	slices.SortFunc(periods, func(a, b BusyPeriod) int {
		if c := strings.Compare(string(a.Busy), string(b.Busy)); c != 0 {
			return c
		}
		return a.Start.Compare(b.Start)
	})
	merged := periods[:0]
	for _, p := range periods {
		if n := len(merged) - 1; n >= 0 && merged[n].Busy == p.Busy && !p.Start.After(merged[n].End) {
			if p.End.After(merged[n].End) {
				merged[n].End = p.End
			}
			continue
		}
		merged = append(merged, p)
	}
	slices.SortStableFunc(merged, func(a, b BusyPeriod) int { return a.Start.Compare(b.Start) })
	return merged
}

func upper(c *ical.Component, name string) string {
	if p := c.Props.Get(name); p != nil {
		return strings.ToUpper(strings.TrimSpace(p.Value))
	}
	return ""
}
