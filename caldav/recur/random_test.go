package recur_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/zone"
)

var seedFlag = flag.Uint64("seed", 0, "of the random series; 0 takes one from the clock")

// modelSeries is a random object, and the text of it.
type modelSeries struct {
	kind      byte // 'd' days, 'f' floating, 'u' UTC, 'z' zoned
	loc       *time.Location
	tzid      string
	own       string // a VTIMEZONE
	start     time.Time
	length    time.Duration
	nominal   int // days of a DURATION, instead of length
	rules     []*modelRule
	except    *modelRule
	dates     []time.Time // walls
	periods   map[time.Time]time.Duration
	exdates   []time.Time
	overrides []modelOverride
	horizon   time.Time
}

type modelOverride struct {
	id, start time.Time // walls
	length    time.Duration
	range_    bool
}

// modelInstance is what has to come out; id is an instant, or a day.
type modelInstance struct{ id, start, end time.Time }

// brief tells whether the series is worked out for days only, not for months.
func (m *modelSeries) brief() bool { return m.horizon.Sub(m.start) < 72*time.Hour }

func (m *modelSeries) instant(w time.Time) time.Time {
	if m.kind == 'u' {
		return w
	}
	return instantOf(w, m.loc)
}

// id is the key of a wall.
func (m *modelSeries) id(w time.Time) time.Time {
	if m.kind == 'd' {
		return w
	}
	return m.instant(w)
}

// wallOf is the wall of an id.
func (m *modelSeries) wallOf(id time.Time) time.Time {
	if m.kind == 'd' || m.kind == 'u' {
		return id
	}
	_, offset := id.In(m.loc).Zone()
	return id.Add(time.Duration(offset) * time.Second)
}

func (m *modelSeries) end(wall, start time.Time, length time.Duration, nominal int) time.Time {
	if m.kind == 'd' {
		return m.instant(wall.AddDate(0, 0, int(length/(24*time.Hour))))
	}
	if nominal > 0 {
		start = m.instant(wall.AddDate(0, 0, nominal))
	}
	return start.Add(length)
}

// ids returns the original starts, in order.
func (m *modelSeries) ids() []time.Time {
	set := map[time.Time]bool{}
	for _, r := range m.rules {
		for _, w := range r.walls(m.start, m.horizon) {
			id := m.id(w)
			if r.untilForm != 'u' || !id.After(r.until) || w.Equal(m.start) {
				set[id] = true
			}
		}
	}
	set[m.id(m.start)] = true
	for _, w := range m.dates {
		set[m.id(w)] = true
	}
	if m.except != nil {
		for i, w := range m.except.walls(m.start, m.horizon) {
			if i > 0 || m.except.matches(m.start) {
				delete(set, m.id(w))
			}
		}
	}
	for _, w := range m.exdates {
		delete(set, m.id(w))
	}
	var ids []time.Time
	for id := range set {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, time.Time.Compare)
	return ids
}

// matches tells whether a start is one that its own rule makes.
func (r *modelRule) matches(start time.Time) (found bool) {
	forEachPeriod(r, start, start.AddDate(1, 0, 8), func(set []time.Time) bool {
		found = slices.ContainsFunc(pickPositions(set, r.positions), start.Equal)
		return false
	})
	return found
}

// instances returns all that the series makes.
func (m *modelSeries) instances() (all []modelInstance) {
	for _, id := range m.ids() {
		if slices.ContainsFunc(m.overrides, func(o modelOverride) bool { return m.id(o.id).Equal(id) }) {
			continue
		}
		wall, start, length, nominal := m.wallOf(id), id, m.length, m.nominal
		if m.kind == 'd' {
			start = m.instant(id)
		}
		var governing *modelOverride
		for i, o := range m.overrides {
			if o.range_ && m.id(o.id).Before(id) && (governing == nil || m.id(governing.id).Before(m.id(o.id))) {
				governing = &m.overrides[i]
			}
		}
		switch own, ok := m.periods[id]; {
		case governing != nil:
			if shift := governing.start.Sub(m.wallOf(m.id(governing.id))); shift != 0 {
				wall = wall.Add(shift)
				start = m.instant(wall)
			}
			length, nominal = governing.length, 0
		case ok:
			length, nominal = own, 0
		}
		all = append(all, modelInstance{id, start, m.end(wall, start, length, nominal)})
	}
	for _, o := range m.overrides {
		start := m.instant(o.start)
		all = append(all, modelInstance{m.id(o.id), start, m.end(o.start, start, o.length, 0)})
	}
	slices.SortFunc(all, func(a, b modelInstance) int { return a.id.Compare(b.id) })
	return all
}

// prop writes a property with a time.
func (m *modelSeries) prop(name string, params string, walls ...time.Time) string {
	var values []string
	for _, w := range walls {
		switch m.kind {
		case 'd':
			values = append(values, w.Format(dateLayout))
		case 'u':
			values = append(values, w.Format(wallLayout)+"Z")
		default:
			values = append(values, w.Format(wallLayout))
		}
	}
	switch m.kind {
	case 'd':
		params += ";VALUE=DATE"
	case 'z':
		params += ";TZID=" + m.tzid
	}
	return name + params + ":" + strings.Join(values, ",") + "\n"
}

// text writes the object.
func (m *modelSeries) text() string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\nVERSION:2.0\n" + m.own + "BEGIN:VEVENT\nUID:x\n")
	b.WriteString(m.prop("DTSTART", "", m.start))
	switch {
	case m.kind == 'd':
		b.WriteString(m.prop("DTEND", "", m.start.Add(m.length)))
	case m.nominal > 0:
		fmt.Fprintf(&b, "DURATION:P%dDT%dS\n", m.nominal, int(m.length.Seconds()))
	default:
		b.WriteString("DTEND:" + m.instant(m.start).Add(m.length).UTC().Format(wallLayout) + "Z\n")
		if m.kind == 'f' { // its end has to float too: in exact seconds it is the duration that is meant
			s := b.String()
			b.Reset()
			b.WriteString(s[:strings.LastIndex(s, "DTEND")])
			fmt.Fprintf(&b, "DURATION:PT%dS\n", int(m.length.Seconds()))
		}
	}
	for _, r := range m.rules {
		b.WriteString("RRULE:" + r.text() + "\n")
	}
	if m.except != nil {
		b.WriteString("EXRULE:" + m.except.text() + "\n")
	}
	for _, w := range m.dates {
		if length, ok := m.periods[m.id(w)]; ok {
			line := m.prop("RDATE", ";VALUE=PERIOD", w)
			b.WriteString(fmt.Sprintf("%s/PT%dS\n", strings.TrimSpace(line), int(length.Seconds())))
		} else {
			b.WriteString(m.prop("RDATE", "", w))
		}
	}
	if len(m.exdates) > 0 {
		b.WriteString(m.prop("EXDATE", "", m.exdates...))
	}
	b.WriteString("END:VEVENT\n")
	for _, o := range m.overrides {
		b.WriteString("BEGIN:VEVENT\nUID:x\n")
		b.WriteString(m.prop("RECURRENCE-ID", []string{"", ";RANGE=THISANDFUTURE"}[toInt(o.range_)], o.id))
		b.WriteString(m.prop("DTSTART", "", o.start))
		if m.kind == 'd' {
			b.WriteString(m.prop("DTEND", "", o.start.Add(o.length)))
		} else {
			fmt.Fprintf(&b, "DURATION:PT%dS\n", int(o.length.Seconds()))
		}
		b.WriteString("END:VEVENT\n")
	}
	b.WriteString("END:VCALENDAR\n")
	return b.String()
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A dice makes random series.
type dice struct{ *rand.Rand }

func (d dice) one(n int) bool { return d.IntN(n) == 0 }

// some returns up to most numbers between two, and their negatives if there may be such.
func (d dice) some(most, least, last int, negative bool) (list []int) {
	for range 1 + d.IntN(most) {
		n := least + d.IntN(last-least+1)
		if negative && d.one(3) {
			n = -n
		}
		list = append(list, n)
	}
	return list
}

var modelZones = []string{"America/New_York", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Asia/Beirut"}

func (d dice) freq() string {
	switch n := d.IntN(1000); {
	case n < 230:
		return "DAILY"
	case n < 470:
		return "WEEKLY"
	case n < 730:
		return "MONTHLY"
	case n < 970:
		return "YEARLY"
	case n < 990:
		return "HOURLY"
	case n < 997:
		return "MINUTELY"
	}
	return "SECONDLY"
}

// rule makes a rule whose parts go with its frequency.
func (d dice) rule(freq string, start time.Time, days bool) *modelRule {
	r := &modelRule{freq: freq, interval: 1, wkst: time.Monday}
	if d.one(2) {
		r.interval = 1 + d.IntN(5)
	}
	switch freq { // or else they make more than one answer may have
	case "SECONDLY":
		r.interval = 60 + d.IntN(4000)
	case "MINUTELY":
		r.interval = 1 + d.IntN(60)
	}
	if d.one(3) {
		r.wkst = time.Weekday(d.IntN(7))
	}
	if d.one(3) {
		r.month = d.some(4, 1, 12, false)
	}
	if freq != "WEEKLY" && d.one(4) {
		r.monthDay = d.some(4, 1, 31, true)
	}
	if freq == "YEARLY" && d.one(5) {
		r.yearDay = d.some(5, 1, 366, true)
	}
	if freq == "YEARLY" && d.one(4) {
		r.week = d.some(3, 1, 53, true)
	}
	if d.one(2) {
		for range 1 + d.IntN(3) {
			day := modelDay{day: time.Weekday(d.IntN(7))}
			if freq == "MONTHLY" && d.one(2) {
				day.n = d.some(1, 1, 5, true)[0]
			} else if freq == "YEARLY" && d.one(2) {
				day.n = d.some(1, 1, 53, true)[0]
			}
			r.day = append(r.day, day)
		}
	}
	if !days {
		d.clock(r)
	}
	if len(r.month)+len(r.monthDay)+len(r.yearDay)+len(r.week)+len(r.day)+len(r.hour)+len(r.minute)+len(r.second) > 0 && d.one(4) {
		r.positions = d.some(3, 1, 5, true)
	}
	return r
}

func (d dice) clock(r *modelRule) {
	if d.one(5) {
		r.hour = d.some(3, 0, 23, false)
	}
	if d.one(8) {
		r.minute = d.some(3, 0, 59, false)
	}
	if d.one(12) {
		r.second = d.some(2, 0, 59, false)
	}
}

// series makes a random series.
func (d dice) series() *modelSeries {
	m := &modelSeries{periods: map[time.Time]time.Duration{}}
	m.kind = "ddffuuzzzzzz"[d.IntN(12)]
	m.loc = location(modelZones[d.IntN(len(modelZones))])
	m.tzid = m.loc.String()
	if m.kind == 'z' && d.one(3) {
		m.tzid = "Own " + strings.ReplaceAll(m.tzid, "/", " ")
		m.own = ownZone(m.tzid, m.loc)
	}
	freq := d.freq()
	days := 2
	if slices.Contains([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, freq) {
		days = map[string]int{"DAILY": 200, "WEEKLY": 500, "MONTHLY": 900, "YEARLY": 1800}[freq]
	} else if m.kind == 'd' {
		m.kind = 'z'
	}
	m.start = time.Date(2009+d.IntN(10), time.Month(1+d.IntN(12)), 1+d.IntN(31), 0, 0, 0, 0, time.UTC)
	if d.one(5) { // near a change of many zones
		m.start = []time.Time{time.Date(2011, 12, 29, 0, 0, 0, 0, time.UTC), time.Date(2013, 3, 30, 0, 0, 0, 0, time.UTC), time.Date(2014, 10, 25, 0, 0, 0, 0, time.UTC), time.Date(2016, 4, 2, 0, 0, 0, 0, time.UTC), time.Date(2015, 11, 1, 0, 0, 0, 0, time.UTC)}[d.IntN(5)]
	}
	m.horizon = m.start.AddDate(0, 0, days)
	if m.kind != 'd' {
		m.start = m.start.Add(time.Duration(d.IntN(96)) * 15 * time.Minute)
		if d.one(3) {
			m.start = m.start.Truncate(24 * time.Hour).Add(time.Duration(d.IntN(4*60)) * time.Minute)
		}
	}
	m.length = time.Duration(d.IntN(8)*30) * time.Minute
	if m.kind == 'd' {
		m.length = time.Duration(1+d.IntN(4)) * 24 * time.Hour
	} else if d.one(4) {
		m.nominal = 1 + d.IntN(3)
	}
	for range 1 + toInt(d.one(8)) {
		r := d.rule(freq, m.start, m.kind == 'd')
		d.limit(r, m)
		m.rules = append(m.rules, r)
	}
	d.dates(m)
	return m
}

// limit gives a rule an end.
func (d dice) limit(r *modelRule, m *modelSeries) {
	switch d.IntN(4) {
	case 0:
		r.count = 1 + d.IntN(30)
	case 1:
		at := m.start.Add(time.Duration(d.Int64N(int64(m.horizon.Sub(m.start))))).Truncate(time.Minute)
		switch {
		case m.kind == 'd' || d.one(4):
			r.until, r.untilForm = at.Truncate(24*time.Hour), 'd'
		case m.kind == 'f':
			r.until, r.untilForm = at, 'l'
		default:
			r.until, r.untilForm = m.instant(at), 'u'
		}
	}
}

// dates adds RDATE, EXDATE, EXRULE and overrides.
func (d dice) dates(m *modelSeries) {
	any := func() time.Time {
		w := m.start.AddDate(0, 0, d.IntN(int(m.horizon.Sub(m.start).Hours())/24))
		if m.kind != 'd' && d.one(2) {
			w = w.Add(time.Duration(d.IntN(48)) * 30 * time.Minute)
		}
		return w
	}
	if d.one(3) {
		for range 1 + d.IntN(3) {
			w := any()
			m.dates = append(m.dates, w)
			if m.kind != 'd' && d.one(3) {
				m.periods[m.id(w)] = time.Duration(1+d.IntN(600)) * time.Minute
			}
		}
	}
	if d.one(12) {
		m.except = d.rule([]string{"DAILY", "WEEKLY", "MONTHLY"}[d.IntN(3)], m.start, m.kind == 'd')
	}
	excepted, overridden := d.one(2), d.one(3)
	if !excepted && !overridden {
		return
	}
	ids := m.ids()
	if len(ids) == 0 {
		return
	}
	if excepted {
		for range 1 + d.IntN(4) {
			m.exdates = append(m.exdates, m.wallOf(ids[d.IntN(len(ids))]))
		}
		m.exdates = slices.DeleteFunc(m.exdates, func(w time.Time) bool { return !m.wallOf(m.id(w)).Equal(w) })
	}
	if overridden {
		for range 1 + d.IntN(3) {
			d.override(m, ids[d.IntN(len(ids))])
		}
	}
}

func (d dice) override(m *modelSeries, id time.Time) {
	o := modelOverride{id: m.wallOf(id), length: time.Duration(1+d.IntN(20)) * 30 * time.Minute, range_: d.one(3)}
	if !m.id(o.id).Equal(id) || slices.ContainsFunc(m.overrides, func(p modelOverride) bool { return p.id.Equal(o.id) }) {
		return // the second of two equal walls has no name
	}
	far := 100 // half hours
	if m.brief() {
		far = 20
	}
	o.start = o.id.Add(time.Duration(d.IntN(2*far)-far) * 30 * time.Minute)
	if m.kind == 'd' {
		o.start, o.length = o.id.AddDate(0, 0, d.IntN(7)-3), time.Duration(1+d.IntN(3))*24*time.Hour
	}
	m.overrides = append(m.overrides, o)
}

func location(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return loc
}

// ownZone writes the changes of a location from 2005 to 2025 as a VTIMEZONE.
func ownZone(tzid string, loc *time.Location) string {
	hm := func(seconds int) string {
		sign := "+"
		if seconds < 0 {
			sign, seconds = "-", -seconds
		}
		return fmt.Sprintf("%s%02d%02d", sign, seconds/3600, seconds/60%60)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "BEGIN:VTIMEZONE\nTZID:%s\n", tzid)
	at := time.Date(2005, 1, 1, 0, 0, 0, 0, time.UTC).In(loc)
	_, from := at.Zone()
	fmt.Fprintf(&b, "BEGIN:STANDARD\nDTSTART:20000101T000000\nTZOFFSETFROM:%s\nTZOFFSETTO:%s\nEND:STANDARD\n", hm(from), hm(from))
	for {
		_, next := at.ZoneBounds()
		if next.IsZero() || next.Year() > 2025 {
			break
		}
		_, to := next.Zone()
		wall := next.UTC().Add(time.Duration(from) * time.Second)
		fmt.Fprintf(&b, "BEGIN:DAYLIGHT\nDTSTART:%s\nTZOFFSETFROM:%s\nTZOFFSETTO:%s\nEND:DAYLIGHT\n", wall.Format(wallLayout), hm(from), hm(to))
		at, from = next, to
	}
	b.WriteString("END:VTIMEZONE\n")
	return b.String()
}

// compare asks the series for a range and holds the answer against the model.
func (m *modelSeries) compare(d dice, all []modelInstance) error {
	obj, err := ical.Decode([]byte(m.text()))
	if err != nil {
		return err
	}
	s, err := recur.New(obj, zone.In(m.loc))
	if err != nil {
		return err
	}
	last := m.horizon.AddDate(0, 0, -12)
	from := m.start.Add(-48*time.Hour + time.Duration(d.Int64N(int64(m.horizon.Sub(m.start)+96*time.Hour))))
	to := from.Add(time.Duration(d.Int64N(int64(m.horizon.Sub(m.start)))))
	from, to = from.Truncate(time.Second), to.Truncate(time.Second)
	if m.brief() {
		last = m.horizon.Add(-27 * time.Hour)
	}
	if to.After(last) {
		to = last
	}
	if d.one(3) {
		from = time.Time{}
	}
	bounds := recur.Bounds{Open: true}
	if d.one(4) {
		if bounds, err = m.bounds(obj); err != nil {
			return err
		}
	}
	var want []modelInstance
	for _, in := range all {
		if !bounds.Meets(in.start, in.end.Add(time.Second)) {
			return fmt.Errorf("%v is not within the bounds %v", in, bounds)
		}
		if meets := !in.end.Equal(in.start) && in.end.After(from) && in.start.Before(to); meets || in.end.Equal(in.start) && !in.start.Before(from) && in.start.Before(to) {
			want = append(want, in)
		}
	}
	var got []modelInstance
	for in, err := range s.Between(from, to) {
		if err != nil {
			return err
		}
		id := time.Unix(int64(in.ID.Wall), 0).UTC()
		if m.kind == 'f' {
			id = instantOf(id, m.loc)
		}
		got = append(got, modelInstance{id, in.Start, in.End})
	}
	same := slices.EqualFunc(got, want, func(a, b modelInstance) bool {
		return a.id.Equal(b.id) && a.start.Equal(b.start) && a.end.Equal(b.end)
	})
	if !same {
		return fmt.Errorf("from %v to %v in %v\n got %v\nwant %v", from, to, m.loc, short(got), short(want))
	}
	return nil
}

// bounds asks a series of its own, for it may spend all that a series has.
func (m *modelSeries) bounds(obj *ical.Object) (recur.Bounds, error) {
	s, err := recur.New(obj, zone.In(m.loc))
	if err != nil {
		return recur.Bounds{}, err
	}
	bounds, err := s.Bounds()
	if refused := new(ical.Error); errors.As(err, &refused) && refused.Precondition == ical.MaxInstances {
		return recur.Bounds{Open: true}, nil // it has a COUNT that it does not reach for ages
	}
	return bounds, err
}

func short(list []modelInstance) (text []string) {
	for _, in := range list {
		text = append(text, fmt.Sprintf("%s:%s+%v", in.id.UTC().Format(wallLayout), in.start.UTC().Format(wallLayout), in.end.Sub(in.start)))
	}
	return text
}

// TestModel holds random series against the model.
func TestModel(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	series := 100_000
	if testing.Short() {
		series = 4_000
	}
	if raced {
		series /= 10 // what takes turns is the same
	}
	const shards = 8
	for shard := range shards {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			d := dice{rand.New(rand.NewPCG(seed, uint64(shard)))}
			failed := 0
			for range series / shards {
				m := d.series()
				if err := m.compare(d, m.instances()); err != nil {
					t.Errorf("%v\n%s", err, strings.Replace(m.text(), m.own, "", 1))
					if failed++; failed == 3 {
						return
					}
				}
			}
		})
	}
}
