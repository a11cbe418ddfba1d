package recur_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// This is a second expansion, written from the text of RFC 5545 alone and as slow as
// that makes it: it looks at every day, hour, minute or second and asks whether the
// rule wants it. It shares nothing with what it judges. A wall is a time.Time in UTC.

type modelRule struct {
	freq                            string
	interval, count                 int
	until                           time.Time // wall or instant
	untilForm                       byte      // 0 none, 'd' a day, 'u' UTC, 'l' local
	wkst                            time.Weekday
	month, monthDay, yearDay, week  []int
	hour, minute, second, positions []int
	day                             []modelDay
}

type modelDay struct {
	n   int
	day time.Weekday
}

var twoLetters = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

const (
	dateLayout = "20060102"
	wallLayout = "20060102T150405"
)

// text writes the rule.
func (r *modelRule) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "FREQ=%s", r.freq)
	if r.interval != 1 {
		fmt.Fprintf(&b, ";INTERVAL=%d", r.interval)
	}
	if r.count > 0 {
		fmt.Fprintf(&b, ";COUNT=%d", r.count)
	}
	switch r.untilForm {
	case 'd':
		b.WriteString(";UNTIL=" + r.until.Format(dateLayout))
	case 'u':
		b.WriteString(";UNTIL=" + r.until.Format(wallLayout) + "Z")
	case 'l':
		b.WriteString(";UNTIL=" + r.until.Format(wallLayout))
	}
	if r.wkst != time.Monday {
		b.WriteString(";WKST=" + twoLetters[r.wkst])
	}
	for _, part := range []struct {
		name string
		list []int
	}{
		{"BYMONTH", r.month}, {"BYMONTHDAY", r.monthDay}, {"BYYEARDAY", r.yearDay}, {"BYWEEKNO", r.week},
		{"BYHOUR", r.hour}, {"BYMINUTE", r.minute}, {"BYSECOND", r.second}, {"BYSETPOS", r.positions},
	} {
		if len(part.list) > 0 {
			fmt.Fprintf(&b, ";%s=%s", part.name, strings.ReplaceAll(strings.Trim(fmt.Sprint(part.list), "[]"), " ", ","))
		}
	}
	for i, d := range r.day {
		b.WriteString([]string{";BYDAY=", ","}[min(i, 1)])
		if d.n != 0 {
			fmt.Fprint(&b, d.n)
		}
		b.WriteString(twoLetters[d.day])
	}
	return b.String()
}

// walls returns what the rule makes from a start on, the start first, up to a horizon.
func (r *modelRule) walls(start, horizon time.Time) []time.Time {
	made := []time.Time{start}
	forEachPeriod(r, start, horizon, func(set []time.Time) bool {
		for _, w := range pickPositions(set, r.positions) {
			if !w.After(start) {
				continue
			}
			if r.count > 0 && len(made) == r.count {
				return false
			}
			if r.untilForm == 'd' && w.Truncate(24*time.Hour).After(r.until) || r.untilForm == 'l' && w.After(r.until) {
				return false
			}
			made = append(made, w)
		}
		return true
	})
	return made
}

func pickPositions(set []time.Time, positions []int) []time.Time {
	if len(positions) == 0 {
		return set
	}
	var picked []time.Time
	for i, w := range set {
		if slices.Contains(positions, i+1) || slices.Contains(positions, i-len(set)) {
			picked = append(picked, w)
		}
	}
	return picked
}

// forEachPeriod hands over the set of each period that the interval lets through.
func forEachPeriod(r *modelRule, start, horizon time.Time, use func([]time.Time) bool) {
	step := map[string]time.Duration{"HOURLY": time.Hour, "MINUTELY": time.Minute, "SECONDLY": time.Second}[r.freq]
	if step == 0 {
		step = 24 * time.Hour
	}
	var set []time.Time
	last := -1
	first := periodStart(r, start)
	for t := first; ; t = t.Add(step) {
		period := periodNumber(r, first, t)
		if t.After(horizon) && period != last {
			break // the last period is whole: BYSETPOS counts from its end too
		}
		if period != last {
			if last >= 0 && last%r.interval == 0 && !use(set) {
				return
			}
			set, last = nil, period
		}
		if period%r.interval == 0 && wantsDay(r, start, t) {
			set = append(set, timesWithin(r, start, t)...)
		}
	}
	if last%r.interval == 0 {
		use(set)
	}
}

func periodStart(r *modelRule, w time.Time) time.Time {
	y, m, d := w.Date()
	switch r.freq {
	case "YEARLY":
		return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
	case "MONTHLY":
		return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	case "WEEKLY":
		t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		for t.Weekday() != r.wkst {
			t = t.AddDate(0, 0, -1)
		}
		return t
	case "DAILY":
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	case "HOURLY":
		return w.Truncate(time.Hour)
	case "MINUTELY":
		return w.Truncate(time.Minute)
	}
	return w
}

func periodNumber(r *modelRule, first, t time.Time) int {
	switch r.freq {
	case "YEARLY":
		return t.Year() - first.Year()
	case "MONTHLY":
		return (t.Year()-first.Year())*12 + int(t.Month()) - int(first.Month())
	}
	unit := time.Second
	switch r.freq {
	case "WEEKLY":
		unit = 7 * 24 * time.Hour
	case "DAILY":
		unit = 24 * time.Hour
	case "HOURLY":
		unit = time.Hour
	case "MINUTELY":
		unit = time.Minute
	}
	return int(t.Sub(first) / unit)
}

// wantsDay tests the parts that speak of days.
func wantsDay(r *modelRule, start, t time.Time) bool {
	months, monthDays, days := r.month, r.monthDay, r.day
	silent := len(r.monthDay)+len(r.yearDay)+len(r.week)+len(r.day) == 0
	switch {
	case r.freq == "YEARLY" && silent:
		monthDays = []int{start.Day()}
		if len(months) == 0 {
			months = []int{int(start.Month())}
		}
	case r.freq == "MONTHLY" && silent:
		monthDays = []int{start.Day()}
	case r.freq == "WEEKLY" && len(days) == 0, r.freq == "YEARLY" && len(r.week) > 0 && len(r.monthDay)+len(r.yearDay)+len(r.day) == 0:
		days = []modelDay{{0, start.Weekday()}}
	}
	if len(months) > 0 && !slices.Contains(months, int(t.Month())) {
		return false
	}
	monthLength := time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	yearLength := time.Date(t.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
	if len(monthDays) > 0 && !eitherEnd(monthDays, t.Day(), monthLength) {
		return false
	}
	if len(r.yearDay) > 0 && !eitherEnd(r.yearDay, t.YearDay(), yearLength) {
		return false
	}
	if len(r.week) > 0 {
		if n, of := weekNumber(t, r.wkst); !eitherEnd(r.week, n, of) {
			return false
		}
	}
	return len(days) == 0 || slices.ContainsFunc(days, func(d modelDay) bool { return nthOf(r, d, t, monthLength, yearLength) })
}

// eitherEnd tells whether the list has the number n of so many, counted from the front
// or the back.
func eitherEnd(list []int, n, of int) bool {
	return slices.Contains(list, n) || slices.Contains(list, n-of-1)
}

// nthOf tells whether t is such a day, by walking to both ends of its month or year.
func nthOf(r *modelRule, d modelDay, t time.Time, monthLength, yearLength int) bool {
	if t.Weekday() != d.day {
		return false
	}
	at, of := t.Day(), monthLength
	if r.freq == "YEARLY" && len(r.month) == 0 {
		at, of = t.YearDay(), yearLength
	}
	if d.n == 0 || r.freq != "YEARLY" && r.freq != "MONTHLY" || r.freq == "YEARLY" && len(r.week) > 0 {
		return true
	}
	n := 0
	for i := at; i >= 1; i -= 7 {
		n++
	}
	back := 0
	for i := at; i <= of; i += 7 {
		back++
	}
	return d.n == n || d.n == -back
}

// weekNumber numbers weeks from the first that has four days in its year.
func weekNumber(t time.Time, wkst time.Weekday) (n, of int) {
	year := t.Year()
	switch {
	case t.Before(weekOne(year, wkst)):
		year--
	case !t.Before(weekOne(year+1, wkst)):
		year++
	}
	first, next := weekOne(year, wkst), weekOne(year+1, wkst)
	return int(t.Sub(first).Hours())/(7*24) + 1, int(next.Sub(first).Hours()) / (7 * 24)
}

func weekOne(year int, wkst time.Weekday) time.Time {
	t := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	days := 1
	for t.AddDate(0, 0, days).Weekday() != wkst {
		days++
	}
	if days < 4 { // of the week that January 1 is in, in this year
		return t.AddDate(0, 0, days)
	}
	return t.AddDate(0, 0, days-7)
}

// timesWithin returns the times of a day, or of a shorter period, that the rule wants.
func timesWithin(r *modelRule, start, t time.Time) (times []time.Time) {
	choose := func(list []int, of, now, least int, fixed bool) []int {
		switch {
		case fixed && (len(list) == 0 || slices.Contains(list, now)):
			return []int{now}
		case fixed:
			return nil
		case len(list) == 0:
			return []int{least}
		}
		sorted := slices.Compact(slices.Sorted(slices.Values(list)))
		return slices.DeleteFunc(sorted, func(n int) bool { return n >= of })
	}
	below := slices.Index([]string{"HOURLY", "MINUTELY", "SECONDLY"}, r.freq) + 1
	for _, h := range choose(r.hour, 24, t.Hour(), start.Hour(), below >= 1) {
		for _, m := range choose(r.minute, 60, t.Minute(), start.Minute(), below >= 2) {
			for _, s := range choose(r.second, 60, t.Second(), start.Second(), below >= 3) {
				times = append(times, time.Date(t.Year(), t.Month(), t.Day(), h, m, s, 0, time.UTC))
			}
		}
	}
	return times
}

// instantOf reads a wall in a location: the first of two, and before a gap the offset
// that held until then. It tries every offset that the location has near the wall.
func instantOf(w time.Time, loc *time.Location) time.Time {
	_, long := w.Add(-40 * time.Hour).In(loc).Zone()
	if _, soon := w.Add(40 * time.Hour).In(loc).Zone(); soon == long {
		return w.Add(-time.Duration(long) * time.Second) // no location changes and changes back in a week
	}
	var offsets []time.Duration // in the order of time
	for at := w.Add(-40 * time.Hour); at.Before(w.Add(40 * time.Hour)); at = at.Add(time.Hour) {
		_, seconds := at.In(loc).Zone()
		if offset := time.Duration(seconds) * time.Second; len(offsets) == 0 || offsets[len(offsets)-1] != offset {
			offsets = append(offsets, offset)
		}
	}
	var found []time.Time
	for _, offset := range offsets {
		at := w.Add(-offset)
		if _, seconds := at.In(loc).Zone(); time.Duration(seconds)*time.Second == offset {
			found = append(found, at)
		}
	}
	if len(found) > 0 {
		return slices.MinFunc(found, time.Time.Compare)
	}
	// A gap: it lies where two offsets that follow one another leave the wall out.
	for i, offset := range offsets[:len(offsets)-1] {
		before, after := w.Add(-offset), w.Add(-offsets[i+1])
		_, late := before.In(loc).Zone()
		_, early := after.In(loc).Zone()
		if time.Duration(late)*time.Second == offsets[i+1] && time.Duration(early)*time.Second == offset {
			return before
		}
	}
	panic(fmt.Sprintf("no offset for %v in %v", w, loc))
}
