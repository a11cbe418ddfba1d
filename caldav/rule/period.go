package rule

import (
	"math/bits"
	"slices"

	"davit/caldav/ical"
)

// A position numbers the periods of a frequency: years, months since the year 0,
// weeks, days, hours, minutes or seconds since 1970. Periods do not overlap and are
// in order, so a position is all it takes to jump to a date.

// perUnit are the seconds of the periods that all have the same length.
var perUnit = [...]int64{Secondly: 1, Minutely: 60, Hourly: 3600, Daily: ical.Day, Weekly: 7 * ical.Day}

// position returns that of the period that w is in.
func (r *Rule) position(w ical.Wall) int64 {
	switch r.freq {
	case Yearly:
		year, _, _ := ical.Date(w.Day())
		return int64(year)
	case Monthly:
		year, month, _ := ical.Date(w.Day())
		return int64(year)*12 + int64(month) - 1
	case Weekly:
		return ical.FloorDiv(w.Day()-r.weekOffset(), 7)
	}
	return ical.FloorDiv(int64(w), perUnit[r.freq])
}

// weekOffset is a day with which a week begins.
func (r *Rule) weekOffset() int64 { return int64(r.wkst) - 3 } // 1969-12-29 was a Monday

// wall returns the first moment of a period; false behind the last year.
func (r *Rule) wall(position int64) (ical.Wall, bool) {
	var w ical.Wall
	switch r.freq {
	case Yearly:
		if position > ical.YearMax {
			return 0, false
		}
		w = ical.Wall(ical.DayOf(int(position), 1, 1) * ical.Day)
	case Monthly:
		if position >= (ical.YearMax+1)*12 {
			return 0, false
		}
		w = ical.Wall(ical.DayOf(int(position/12), int(position%12)+1, 1) * ical.Day)
	case Weekly:
		w = ical.Wall((position*7 + r.weekOffset()) * ical.Day)
	default:
		if position > int64(ical.WallMax)/perUnit[r.freq] {
			return 0, false
		}
		w = ical.Wall(position * perUnit[r.freq])
	}
	return w, w <= ical.WallMax
}

// days collects the days of a period that match, and tells how many it tried.
func (r *Rule) days(position int64, set *periodSet) (tried int) {
	switch r.freq {
	case Yearly:
		for month := 1; month <= 12; month++ {
			if r.months == 0 || r.months>>month&1 == 1 {
				tried += r.month(int(position), month, set)
			}
		}
		return tried
	case Monthly:
		year, month := int(position/12), int(position%12)+1
		if r.months == 0 || r.months>>month&1 == 1 {
			return r.month(year, month, set)
		}
		return 0
	case Weekly:
		for day := position*7 + r.weekOffset(); tried < 7; day++ {
			tried++
			if r.weekdays>>weekday(day)&1 == 1 && r.matches(day) {
				set.days = append(set.days, day)
			}
		}
		return tried
	case Daily:
		if r.matches(position) {
			set.days = append(set.days, position)
		}
		return 1
	}
	set.base = ical.Wall(position * perUnit[r.freq])
	set.days = append(set.days, 0)
	return 1
}

// month collects the days of a month. Only those are tried that have a weekday and,
// counted from the beginning, a number that the rule names.
func (r *Rule) month(year, month int, set *periodSet) (tried int) {
	length := ical.MonthDays(year, month)
	candidates := uint64(1)<<(length+1) - 2
	if r.monthDays != 0 && r.monthEnds == 0 {
		candidates &= r.monthDays
	}
	before := ical.DayOf(year, month, 1) - 1
	if wanted := r.wanted; wanted != 0 {
		candidates &= monthOf(wanted, weekday(before+1))
	}
	for candidates != 0 {
		dom := bits.TrailingZeros64(candidates)
		candidates &= candidates - 1
		tried++
		if day := before + int64(dom); r.matchesDate(day, year, month, dom) {
			set.days = append(set.days, day)
		}
	}
	return tried
}

// monthOf turns a set of weekdays into the set of the days of a month that have one of
// them, for a month that begins with a weekday.
func monthOf(wanted uint64, first int) uint64 {
	week := (wanted>>first | wanted<<(7-first)) & 0x7f
	return (week | week<<7 | week<<14 | week<<21 | week<<28) << 1
}

// times are the times within a day, or within the period if that is shorter.
func (r *Rule) times() (times []int32) {
	hours, minutes, seconds := r.hours, r.minutes, r.seconds
	if r.freq <= Hourly {
		hours = 1
	}
	if r.freq <= Minutely {
		minutes = 1
	}
	if r.freq == Secondly {
		seconds = 1
	}
	for h := hours; h != 0; h &= h - 1 {
		for m := minutes; m != 0; m &= m - 1 {
			for s := seconds; s != 0; s &= s - 1 {
				times = append(times, int32(bits.TrailingZeros64(h)*3600+bits.TrailingZeros64(m)*60+bits.TrailingZeros64(s)))
			}
		}
	}
	return times
}

// unpickable tells whether every BYSETPOS is beyond the instances that one period can
// have, with so many times a day.
func (r *Rule) unpickable(times int) bool {
	most := times * [...]int{Secondly: 1, Minutely: 1, Hourly: 1, Daily: 1, Weekly: 7, Monthly: 31, Yearly: 366}[r.freq]
	return len(r.positions) > 0 && !slices.ContainsFunc(r.positions, func(p int) bool { return max(p, -p) <= most })
}

// passable returns w if a period below a day that begins there may match, or else a
// later moment before which none does.
func (r *Rule) passable(w ical.Wall) ical.Wall {
	day := w.Day()
	if !r.matches(day) {
		if year, month, _ := ical.Date(day); r.months != 0 && r.months>>month&1 == 0 {
			return ical.Wall((ical.DayOf(year, month, 1) + int64(ical.MonthDays(year, month))) * ical.Day)
		}
		return ical.Wall((day + 1) * ical.Day)
	}
	midnight, clock := w-ical.Wall(w.Clock()), w.Clock()
	if r.hours != 0 && r.hours>>(clock/3600)&1 == 0 {
		return midnight + ical.Wall(following(r.hours, clock/3600, 24)*3600)
	}
	if r.freq < Hourly && r.minutes != 0 && r.minutes>>(clock/60%60)&1 == 0 {
		return w - ical.Wall(clock%3600) + ical.Wall(following(r.minutes, clock/60%60, 60)*60)
	}
	if r.freq == Secondly && r.seconds != 0 && r.seconds>>(clock%60)&1 == 0 {
		return w - ical.Wall(clock%60) + ical.Wall(following(r.seconds, clock%60, 60))
	}
	return w
}

// following returns the next member of a set after n, or most if there is none.
func following(set uint64, n, most int) int64 {
	if rest := set >> (n + 1); rest != 0 {
		return int64(n + 1 + bits.TrailingZeros64(rest))
	}
	return int64(most)
}
