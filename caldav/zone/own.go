package zone

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"davit/caldav/ical"
	"davit/caldav/rule"
)

// Limits of VTIMEZONEs.
const (
	ObservancesMax = 500     // STANDARD and DAYLIGHT parts, with their RDATEs
	budgetSteps    = 500_000 // of all looks into those of one object; behind them offsets stay as they are
)

// own is the rules of a VTIMEZONE: RFC 5545, section 3.6.5. Only the years asked for
// are worked out.
type own struct {
	observances []observance
	before      int64 // the offset before the first onset
	changes     []change
	from, to    Instant // changes is whole between them
	budget      *rule.Budget
}

// An observance is a STANDARD or DAYLIGHT part, whose walls are read with the offset
// before it.
type observance struct {
	start    ical.Wall
	rules    []*rule.Rule
	dates    []ical.Wall
	from, to int64 // TZOFFSETFROM and TZOFFSETTO
}

// A change is the moment from which on an offset holds.
type change struct {
	at     Instant
	offset int64
}

// parse reads a VTIMEZONE; nil if there is no rule that can be followed.
func parse(c *ical.Component, b *rule.Budget) *own {
	o := &own{budget: b}
	parts := 0
	for _, part := range c.Children {
		if part.Name != "STANDARD" && part.Name != "DAYLIGHT" {
			continue
		}
		ob, ok := parseObservance(part)
		parts += 1 + len(ob.dates) + len(ob.rules)
		if !ok || parts > ObservancesMax {
			return nil
		}
		o.observances = append(o.observances, ob)
	}
	if len(o.observances) == 0 {
		return nil
	}
	first := slices.MinFunc(o.observances, func(a, b observance) int { return cmp.Compare(a.onset(a.start), b.onset(b.start)) })
	o.before = first.from
	return o
}

func parseObservance(c *ical.Component) (ob observance, ok bool) {
	start, err := ical.ParseTime(value(c, "DTSTART"), "")
	if err != nil {
		return ob, false
	}
	from, okFrom := parseOffset(value(c, "TZOFFSETFROM"))
	to, okTo := parseOffset(value(c, "TZOFFSETTO"))
	if !okTo {
		return ob, false
	}
	if !okFrom {
		from = to
	}
	ob = observance{start: start.Wall, from: from, to: to}
	for _, p := range c.Props["RRULE"] {
		r, err := rule.Parse(p.Value)
		if err != nil {
			return ob, false
		}
		ob.rules = append(ob.rules, r)
	}
	for _, p := range c.Props["RDATE"] {
		for value := range strings.SplitSeq(p.Value, ",") {
			date, _, _ := strings.Cut(value, "/")
			t, err := ical.ParseTime(date, "")
			if err != nil {
				return ob, false
			}
			ob.dates = append(ob.dates, t.Wall)
		}
	}
	return ob, true
}

func value(c *ical.Component, name string) string {
	if p := c.Props.Get(name); p != nil {
		return p.Value
	}
	return ""
}

// parseOffset reads a UTC-OFFSET: RFC 5545, section 3.3.14.
func parseOffset(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if s == "" || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	offset, ok := clock(s[1:])
	if s[0] == '-' {
		offset = -offset
	}
	return offset, ok
}

// onset is the instant of a wall of the observance.
func (ob *observance) onset(w ical.Wall) Instant { return Instant(int64(w) - ob.from) }

// stretch is how much more is worked out at once than was asked for, in seconds, to
// both sides.
const stretch = 2 * 366 * ical.Day

func (o *own) segment(i Instant) segment {
	if o.changes == nil || i < o.from || i >= o.to {
		o.load(i)
	}
	n, _ := slices.BinarySearchFunc(o.changes, i, func(c change, i Instant) int {
		if c.at <= i {
			return -1
		}
		return 1
	})
	s := segment{o.from, o.to, o.changes[n-1].offset}
	s.start = max(s.start, o.changes[n-1].at)
	if n < len(o.changes) {
		s.end = o.changes[n].at
	}
	return s
}

// load works out the changes around an instant.
func (o *own) load(i Instant) {
	o.from, o.to = i-stretch, i+stretch
	last := change{math.MinInt64, o.before}
	o.changes = nil
	for n := range o.observances {
		ob := &o.observances[n]
		if at, ok := ob.lastBefore(o.from, o.budget); ok && at >= last.at {
			last = change{at, ob.to}
		}
		o.changes = ob.between(o.from, o.to, o.budget, o.changes)
	}
	slices.SortStableFunc(o.changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	o.changes = slices.Insert(o.changes, 0, change{math.MinInt64, last.offset})
}

// between adds the onsets from one instant on and before another.
func (ob *observance) between(from, to Instant, b *rule.Budget, changes []change) []change {
	add := func(w ical.Wall) {
		if at := ob.onset(w); at >= from && at < to {
			changes = append(changes, change{at, ob.to})
		}
	}
	if len(ob.rules) == 0 {
		add(ob.start)
	}
	for _, w := range ob.dates {
		add(w)
	}
	stop := ical.Wall(int64(to) + ob.from)
	for _, r := range ob.rules {
		it := r.NewIterator(ob.start, min(stop, ob.until(r)), b)
		it.Seek(ical.Wall(int64(from) + ob.from))
		for w, ok := it.Next(); ok; w, ok = it.Next() {
			add(w)
		}
	}
	return changes
}

// until is the wall of the last onset that a rule allows: its UNTIL is in UTC.
func (ob *observance) until(r *rule.Rule) ical.Wall {
	t := r.Until()
	switch {
	case t == nil:
		return ical.WallMax
	case t.Form == ical.UTC:
		return ical.Wall(int64(t.Wall) + ob.from)
	}
	return t.Wall
}

// lastBefore returns the last onset before an instant. It looks back in steps that
// grow, for most rules are yearly.
func (ob *observance) lastBefore(i Instant, b *rule.Budget) (last Instant, ok bool) {
	note := func(w ical.Wall) {
		if at := ob.onset(w); at < i && (!ok || at > last) {
			last, ok = at, true
		}
	}
	note(ob.start)
	for _, w := range ob.dates {
		note(w)
	}
	for _, r := range ob.rules {
		stop := min(ical.Wall(int64(i)+ob.from)-1, ob.until(r))
		for back := ical.Wall(400 * ical.Day); stop > ob.start; back *= 8 {
			it := r.NewIterator(ob.start, stop, b)
			it.Seek(stop - back)
			any := false
			for w, more := it.Next(); more; w, more = it.Next() {
				note(w)
				any = true
			}
			if any || stop-back <= ob.start || it.Err() != nil {
				break
			}
		}
	}
	return last, ok
}
