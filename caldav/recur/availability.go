package recur

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/caldav/rule"
	"davit/caldav/zone"
)

// Limits of what says when somebody can be asked at all.
const (
	AvailabilitiesMax = 100 // VAVAILABILITY components that are laid over one another
	AvailableMax      = 100 // series of AVAILABLE in one of them
)

// An Availability is when somebody can be asked at all: the VAVAILABILITY components
// of one or more objects, laid over one another. Its zero value says nothing. It may be
// used by one goroutine at a time. RFC 7953, section 3.1
type Availability struct{ parts []available }

// available is one VAVAILABILITY.
type available struct {
	in   window // that it says something about
	busy Busy   // where none of the series is
	rank int    // by its PRIORITY: a lower one counts before a higher one
	free []*Series
}

// rankLast is the rank of what has no PRIORITY. RFC 7953, section 3.1
const rankLast = 10

// Add takes in the VAVAILABILITY components of an object. Times in no zone are read in
// floating. Errors are of type *ical.Error, and leave what was taken in before.
func (a *Availability) Add(obj *ical.Object, floating *zone.Zone) error {
	var zones []*ical.Component
	for _, c := range obj.Calendar.Children {
		if c.Name == "VTIMEZONE" {
			zones = append(zones, c)
		}
	}
	parts := slices.Clip(a.parts)
	reader := &Series{floating: floating, finder: zone.New(obj), obj: obj}
	for _, c := range obj.Calendar.Children {
		if c.Name != "VAVAILABILITY" {
			continue
		}
		if len(parts) == AvailabilitiesMax {
			return reader.tooMany(c, "BEGIN", 0, AvailabilitiesMax)
		}
		part, err := reader.available(c, zones)
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	a.parts = parts
	return nil
}

// available reads one VAVAILABILITY.
func (s *Series) available(c *ical.Component, zones []*ical.Component) (part available, err error) {
	part = available{busy: busyType(c), rank: rankLast}
	if p := c.Props.Get("PRIORITY"); p != nil {
		n, err := strconv.Atoi(strings.TrimSpace(p.Value))
		if err != nil || n < 0 || n > 9 {
			return part, s.obj.Wrong(c, "PRIORITY", 0, fmt.Errorf("it is no number from 0 to 9"))
		}
		if n > 0 {
			part.rank = n
		}
	}
	if part.in, err = s.extent(c); err != nil {
		return part, err
	}
	groups, err := s.availableGroups(c)
	if err != nil {
		return part, err
	}
	for _, group := range groups {
		one := &ical.Object{Calendar: &ical.Component{Name: "VCALENDAR", Props: s.obj.Calendar.Props, Children: slices.Concat(zones, group)}, Lines: s.obj.Lines}
		series, err := New(one, s.floating)
		if err != nil {
			return part, err
		}
		part.free = append(part.free, series)
	}
	return part, nil
}

// busyType is how somebody is busy where he is not available. What is not known here
// counts as what is said by nothing. RFC 7953, section 3.2
func busyType(c *ical.Component) Busy {
	switch b := Busy(upper(c, "BUSYTYPE")); b {
	case IsBusy, Tentative:
		return b
	}
	return Unavailable
}

// extent is the time about which a VAVAILABILITY says something.
func (s *Series) extent(c *ical.Component) (window, error) {
	w := window{math.MinInt64, math.MaxInt64}
	t, err := s.timing(c, nil)
	if err != nil {
		return w, err
	}
	end, err := s.moment(c, "DTEND")
	if err != nil {
		return w, err
	}
	if t.started {
		if w.from, err = s.instant(t.start); err != nil {
			return w, s.obj.Wrong(c, "DTSTART", 0, err)
		}
	}
	switch {
	case end != nil:
		w.to = *end
	case t.lasting && t.started:
		w.to = after(t.zone, t.start.Wall, w.from, t.length)
	case t.lasting:
		return w, s.obj.Wrong(c, "DURATION", 0, fmt.Errorf("there is no DTSTART that it begins at"))
	}
	if w.to <= w.from {
		return w, s.obj.Wrong(c, "DTSTART", 0, fmt.Errorf("it ends before it begins"))
	}
	return w, nil
}

// availableGroups are the AVAILABLE components, those of one UID together.
func (s *Series) availableGroups(c *ical.Component) (groups [][]*ical.Component, err error) {
	byUID := map[string]int{}
	for _, kid := range c.Children {
		if kid.Name != "AVAILABLE" {
			continue
		}
		if kid.Props.Get("DTSTART") == nil && kid.Props.Get("RECURRENCE-ID") == nil {
			return nil, s.obj.Wrong(kid, "BEGIN", 0, fmt.Errorf("AVAILABLE has no DTSTART"))
		}
		uid := kid.Props.Get("UID")
		if uid != nil {
			if i, found := byUID[uid.Value]; found {
				groups[i] = append(groups[i], kid)
				continue
			}
			byUID[uid.Value] = len(groups)
		}
		if len(groups) == AvailableMax {
			return nil, s.tooMany(kid, "BEGIN", 0, AvailableMax)
		}
		groups = append(groups, []*ical.Component{kid})
	}
	return groups, nil
}

// Extent is the time about which anything is said; zero times are no limits, and with
// nothing said both are the beginning of the year 1970.
func (a *Availability) Extent() (from, to time.Time) {
	if len(a.parts) == 0 {
		return time.Unix(0, 0), time.Unix(0, 0)
	}
	w := a.parts[0].in
	for i := range a.parts {
		w.from, w.to = min(w.from, a.parts[i].in.from), max(w.to, a.parts[i].in.to)
	}
	if w.from > math.MinInt64 {
		from = w.from.Time()
	}
	if w.to < math.MaxInt64 {
		to = w.to.Time()
	}
	return from, to
}

// An edge is where a VAVAILABILITY begins or ends to say something, or to be available.
type edge struct {
	at        zone.Instant
	part      int
	available bool
	step      int // 1 at a beginning, -1 at an end
}

// Beside gives what is left of periods where others, which need no order, stand over
// them: both are told then, and no time twice. It changes what it is given.
func Beside(periods, others []BusyPeriod) []BusyPeriod {
	slices.SortFunc(others, func(a, b BusyPeriod) int { return a.Start.Compare(b.Start) })
	var left []BusyPeriod
	for _, p := range periods {
		for _, o := range others {
			if !o.Start.Before(p.End) {
				break
			}
			if !o.End.After(p.Start) {
				continue
			}
			if o.Start.After(p.Start) {
				left = append(left, BusyPeriod{p.Start, o.Start, p.Busy})
			}
			p.Start = o.End
		}
		if p.Start.Before(p.End) {
			left = append(left, p)
		}
	}
	return left
}

// Busy is when somebody is not to be asked within a range, from from on and before
// to, in order. Of what overlaps the highest PRIORITY counts; among equals somebody
// is available where any of them says so, and else busy in the strongest way. By
// hours that take more than InstancesMax or StepsMax nobody is available.
// RFC 7953, sections 4 and 5
func (a *Availability) Busy(from, to time.Time) []BusyPeriod {
	w := windowOf(from, to)
	a.share()
	var edges []edge
	for i := range a.parts {
		edges = a.parts[i].appendEdges(edges, i, w)
	}
	slices.SortFunc(edges, func(x, y edge) int {
		switch {
		case x.at < y.at:
			return -1
		case x.at > y.at:
			return 1
		}
		return 0
	})
	says, free := make([]int, len(a.parts)), make([]int, len(a.parts))
	var periods []BusyPeriod
	for i, e := range edges {
		if e.available {
			free[e.part] += e.step
		} else {
			says[e.part] += e.step
		}
		if i+1 < len(edges) && edges[i+1].at > e.at {
			if busy := a.busyWhere(says, free); busy != "" {
				periods = append(periods, BusyPeriod{e.at.Time(), edges[i+1].at.Time(), busy})
			}
		}
	}
	return MergeBusy(periods)
}

// share gives all series the work of one.
func (a *Availability) share() {
	n := 0
	for i := range a.parts {
		n += len(a.parts[i].free)
	}
	for i := range a.parts {
		for _, s := range a.parts[i].free {
			s.budget = rule.Budget{Steps: StepsMax / int64(n)}
		}
	}
}

// edgesMax is how many edges one question may have.
const edgesMax = 2 * (InstancesMax + AvailabilitiesMax)

// strength orders the ways of being busy.
var strength = map[Busy]int{Tentative: 1, Unavailable: 2, IsBusy: 3}

// busyWhere is how somebody is busy where these parts say something, and where these
// of them are free; empty for not at all.
func (a *Availability) busyWhere(says, free []int) (busy Busy) {
	best := rankLast + 1
	for i := range a.parts {
		p := &a.parts[i]
		if says[i] == 0 || p.rank > best {
			continue
		}
		higher := p.rank < best
		switch {
		case higher && free[i] > 0:
			busy = ""
		case higher:
			busy = p.busy
		case free[i] > 0:
			busy = ""
		case busy != "" && strength[p.busy] > strength[busy]:
			busy = p.busy
		}
		best = p.rank
	}
	return busy
}

// appendEdges adds the edges of a part within a window.
func (p *available) appendEdges(edges []edge, i int, w window) []edge {
	w = window{max(w.from, p.in.from), min(w.to, p.in.to)}
	if w.from >= w.to {
		return edges
	}
	edges = append(edges, edge{w.from, i, false, 1}, edge{w.to, i, false, -1})
	said := len(edges)
	for _, s := range p.free {
		err := s.walk(w, nil, func(in *Instance) bool {
			if start, end := max(in.start, w.from), min(in.end, w.to); start < end {
				edges = append(edges, edge{start, i, true, 1}, edge{end, i, true, -1})
			}
			return len(edges) <= edgesMax
		})
		if err != nil || len(edges) > edgesMax {
			return edges[:said]
		}
	}
	return edges
}
