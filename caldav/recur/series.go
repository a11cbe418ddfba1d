// Package recur says when the components of a calendar object take place: it lays
// the rules, dates, exceptions and overrides of RFC 5545 over zones, and judges by
// the tables of RFC 4791, section 9.9, what overlaps a range of time. It reads and
// never writes; no object makes it work longer than its limits.
//
//	s, err := recur.New(obj, zone.UTC())
//	for in, err := range s.Between(from, to) { ... }
package recur

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"davit/caldav/ical"
	"davit/caldav/rule"
	"davit/caldav/zone"
)

// Limits of one object, and of what is asked about it.
const (
	DatesMax     = 20_000  // values of RDATE, of EXDATE, and of FREEBUSY
	RulesMax     = 100     // of one component
	OverridesMax = 5_000   // components with RECURRENCE-ID
	InstancesMax = 20_000  // of one answer
	StepsMax     = 400_000 // of work for all that one Series is asked, see rule.Budget: some 40 ms
)

// ErrInstances says that a question has more instances for an answer than InstancesMax.
var ErrInstances = errors.New("the recurrence has too many instances")

// A Series is a calendar object on the line of time. It may be used by one goroutine
// at a time.
type Series struct {
	kind     string
	floating *zone.Zone
	finder   *zone.Finder
	obj      *ical.Object

	// What the component without RECURRENCE-ID says; nothing where there is none.
	master  *timing
	form    ical.Form // of DTSTART, and of the keys
	rules   []*rule.Rule
	except  []*rule.Rule
	dates   []key // of DTSTART and RDATE, in order
	lengths map[key]ical.Duration
	longest int64 // the most that one of lengths takes, in seconds
	exdates map[key]bool
	exdays  map[int64]bool

	pieces   []piece // of the rules: the master, then those with THISANDFUTURE
	singles  []single
	replaced map[key]bool
	busy     []freeBusy // of VFREEBUSY, and of VAVAILABILITY what it is about
	undated  *timing    // a VTODO or VJOURNAL without a time
	budget   rule.Budget
}

// A key names an instance by its original start: the wall of an all-day series, the
// instant of any other. RECURRENCE-ID and EXDATE mean keys.
type key int64

const (
	keyMin key = math.MinInt64
	keyMax key = math.MaxInt64
)

// A piece is a stretch of the keys whose instances follow one component.
type piece struct {
	*timing
	from, to key       // from on, before to
	shift    ical.Wall // how far THISANDFUTURE moves them
}

// A single is an override of one instance.
type single struct {
	*timing
	key key
	id  ical.Time
}

// New makes the series of an object. Times in no zone, and days, are read in
// floating. Errors are of type *ical.Error.
func New(obj *ical.Object, floating *zone.Zone) (*Series, error) {
	s := &Series{floating: floating, finder: zone.New(obj), obj: obj, form: ical.UTC, budget: rule.Budget{Steps: StepsMax}}
	var master *ical.Component
	var overrides []*ical.Component
	for _, c := range obj.Calendar.Children {
		switch c.Name {
		case "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY", "AVAILABLE":
		default:
			continue
		}
		if s.kind != "" && s.kind != c.Name {
			return nil, &ical.Error{Precondition: ical.ValidCalendarObjectResource, Rule: "RFC 4791, section 4.1", Reason: c.Name + " stands beside " + s.kind}
		}
		s.kind = c.Name
		switch {
		case c.Name == "VFREEBUSY":
			fb, err := s.freeBusy(c)
			if err != nil {
				return nil, err
			}
			s.busy = append(s.busy, fb)
		case c.Name == "VAVAILABILITY":
			in, err := s.extent(c)
			if err != nil {
				return nil, err
			}
			s.busy = append(s.busy, freeBusy{component: c, bounded: true, start: in.from, end: in.to})
		case c.Props.Get("RECURRENCE-ID") != nil && len(overrides) == OverridesMax:
			return nil, s.tooMany(c, "RECURRENCE-ID", 0, OverridesMax)
		case c.Props.Get("RECURRENCE-ID") != nil:
			overrides = append(overrides, c)
		case master != nil:
			return nil, &ical.Error{Precondition: ical.ValidCalendarObjectResource, Rule: "RFC 4791, section 4.1", Reason: "two components without RECURRENCE-ID have the same UID"}
		default:
			master = c
		}
	}
	if master != nil {
		if err := s.setMaster(master); err != nil {
			return nil, err
		}
	}
	for _, c := range overrides {
		if err := s.override(c); err != nil {
			return nil, err
		}
	}
	s.arrange()
	return s, nil
}

// Kind returns the name of the components; empty where there is none with a time.
func (s *Series) Kind() string { return s.kind }

// Recurs tells whether the object may have more than one instance.
func (s *Series) Recurs() bool { return len(s.rules) > 0 || len(s.dates) > 1 || len(s.singles) > 0 }

// allDay tells whether the keys are days.
func (s *Series) allDay() bool { return s.form == ical.DateForm }

// setMaster reads the component without RECURRENCE-ID.
func (s *Series) setMaster(c *ical.Component) error {
	t, err := s.timing(c, nil)
	if err != nil {
		return err
	}
	if !t.dated {
		s.undated = t
		return nil
	}
	s.master, s.form = t, t.start.Form
	if s.rules, err = s.parseRules(c, "RRULE"); err != nil {
		return err
	}
	if s.except, err = s.parseRules(c, "EXRULE"); err != nil {
		return err
	}
	start, _ := s.key(t.start)
	s.dates = []key{start}
	if err := s.each(c, "RDATE", s.addDate); err != nil {
		return err
	}
	slices.Sort(s.dates)
	s.dates = slices.Compact(s.dates)
	return s.each(c, "EXDATE", s.addException)
}

func (s *Series) parseRules(c *ical.Component, name string) (rules []*rule.Rule, err error) {
	for i, p := range c.Props[name] {
		if i == RulesMax {
			return nil, s.tooMany(c, name, i, RulesMax)
		}
		r, err := rule.Parse(p.Value)
		if err != nil {
			return nil, s.obj.Wrong(c, name, i, err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// each reads the lists of values that a property may have, and appear with often.
func (s *Series) each(c *ical.Component, name string, add func(value, tzid string) error) error {
	n := 0
	for i := range c.Props[name] {
		p := &c.Props[name][i]
		for value := range strings.SplitSeq(p.Value, ",") {
			if strings.TrimSpace(value) == "" {
				continue
			}
			if n++; n > DatesMax {
				return s.tooMany(c, name, i, DatesMax)
			}
			if err := add(value, p.Params.Get("TZID")); err != nil {
				return s.obj.Wrong(c, name, i, err)
			}
		}
	}
	return nil
}

func (s *Series) tooMany(c *ical.Component, name string, i, most int) error {
	wrong := s.obj.Wrong(c, name, i, fmt.Errorf("there are more than %d", most))
	wrong.Precondition = ical.MaxInstances
	return wrong
}

// addDate takes in a value of RDATE.
func (s *Series) addDate(value, tzid string) error {
	if !strings.Contains(value, "/") {
		t, err := ical.ParseTime(value, tzid)
		if err != nil {
			return err
		}
		k, err := s.key(t)
		s.dates = append(s.dates, k)
		return err
	}
	p, err := ical.ParsePeriod(value, tzid)
	if err != nil {
		return err
	}
	k, err := s.key(p.Start)
	if err != nil {
		return err
	}
	length := p.Duration
	if p.HasEnd {
		if length, err = s.between(p.Start, p.End); err != nil {
			return err
		}
	}
	s.dates = append(s.dates, k)
	if s.lengths == nil {
		s.lengths = map[key]ical.Duration{}
	}
	s.lengths[k] = length
	s.longest = max(s.longest, length.Length())
	return nil
}

// addException takes in a value of EXDATE. A day excepts every instance on it.
func (s *Series) addException(value, tzid string) error {
	t, err := ical.ParseTime(value, tzid)
	if err != nil {
		return err
	}
	if t.Form == ical.DateForm && !s.allDay() {
		if s.exdays == nil {
			s.exdays = map[int64]bool{}
		}
		s.exdays[t.Wall.Day()] = true
		return nil
	}
	k, err := s.key(t)
	if s.exdates == nil {
		s.exdates = map[key]bool{}
	}
	s.exdates[k] = true
	return err
}

// key returns the key that a time names in this series. A time of another form than
// DTSTART's is taken as it was meant: a day for the midnight of the series, a time
// without a zone for one in the zone of DTSTART.
func (s *Series) key(t ical.Time) (key, error) {
	if s.allDay() {
		return key(t.Wall.Day() * ical.Day), nil
	}
	z := s.floating
	if s.master != nil && (t.Form == ical.Floating || t.Form == ical.DateForm) {
		z = s.master.zone
	} else {
		var err error
		if z, err = s.zoneOf(t); err != nil {
			return 0, err
		}
	}
	return key(z.Instant(t.Wall)), nil
}

// zoneOf finds the zone that a time is written in.
func (s *Series) zoneOf(t ical.Time) (*zone.Zone, error) {
	switch t.Form {
	case ical.UTC:
		return utc, nil
	case ical.Zoned:
		return s.finder.Find(t.Zone)
	}
	return s.floating, nil
}

// instant returns the moment of a time.
func (s *Series) instant(t ical.Time) (zone.Instant, error) {
	z, err := s.zoneOf(t)
	if err != nil {
		return 0, err
	}
	return z.Instant(t.Wall), nil
}

// wallOf returns the wall of a key in a zone.
func (s *Series) wallOf(k key, z *zone.Zone) ical.Wall {
	if s.allDay() {
		return ical.Wall(k)
	}
	return z.Wall(zone.Instant(k))
}

// override reads a component with RECURRENCE-ID.
func (s *Series) override(c *ical.Component) error {
	p := c.Props.Get("RECURRENCE-ID")
	id, err := ical.PropTime(p)
	if err != nil {
		return s.obj.Wrong(c, "RECURRENCE-ID", 0, err)
	}
	if s.master == nil && len(s.singles) == 0 {
		s.form = id.Form
	}
	k, err := s.key(id)
	if err != nil {
		return s.obj.Wrong(c, "RECURRENCE-ID", 0, err)
	}
	t, err := s.timing(c, &id)
	if err != nil {
		return err
	}
	if id.Form == ical.DateForm && s.master != nil && !s.allDay() {
		k = s.onDay(k)
	}
	s.singles = append(s.singles, single{t, k, s.written(k)})
	if s.replaced == nil {
		s.replaced = map[key]bool{}
	}
	s.replaced[k] = true
	if strings.EqualFold(p.Params.Get("RANGE"), "THISANDFUTURE") && s.master != nil {
		w := s.wallOf(k, t.zone)
		if t.start.Form == ical.DateForm {
			w = ical.Wall(w.Day() * ical.Day)
		}
		s.pieces = append(s.pieces, piece{timing: t, from: k + 1, to: keyMax, shift: t.start.Wall - w})
	}
	return nil
}

// onDay returns the key of the instance on the day that begins with a key, for
// clients that name it by its date; the key itself where there is none.
func (s *Series) onDay(k key) key {
	o := s.originals(k, k+ical.Day)
	if on, ok := o.next(); ok && on < k+ical.Day {
		return on
	}
	return k
}

// arrange puts pieces and overrides in order.
func (s *Series) arrange() {
	slices.SortStableFunc(s.singles, func(a, b single) int { return cmp.Compare(a.key, b.key) })
	if s.master == nil {
		return
	}
	slices.SortStableFunc(s.pieces, func(a, b piece) int { return cmp.Compare(a.from, b.from) })
	s.pieces = slices.Insert(s.pieces, 0, piece{timing: s.master, from: keyMin, to: keyMax})
	for i := range s.pieces[1:] {
		s.pieces[i].to = s.pieces[i+1].from
	}
}

// written returns a key in the form that a RECURRENCE-ID of the series has when no
// zone goes with it: a day, a local time without a zone, or UTC.
func (s *Series) written(k key) ical.Time {
	switch {
	case s.allDay():
		return ical.Time{Wall: ical.Wall(k), Form: ical.DateForm}
	case s.form == ical.Floating:
		return ical.Time{Wall: s.floating.Wall(zone.Instant(k)), Form: ical.Floating}
	}
	return ical.Time{Wall: ical.Wall(k), Form: ical.UTC}
}

// Original tells whether a time, written as a RECURRENCE-ID may be, is the original
// start of an instance, and gives it in a form that needs no zone.
func (s *Series) Original(t ical.Time) (id ical.Time, has bool, err error) {
	k, err := s.key(t)
	if err != nil {
		return id, false, err
	}
	if s.replaced[k] {
		return s.written(k), true, nil
	}
	if s.master == nil || !s.Recurs() {
		return id, false, nil
	}
	o := s.originals(k, k+1)
	on, ok := o.next()
	return s.written(k), ok && on == k, o.err()
}
