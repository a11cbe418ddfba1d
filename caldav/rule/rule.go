// Package rule expands recurrence rules (RFC 5545, section 3.3.10) on the clock of a
// wall: it knows dates and local times, but no zones, no properties and no instants,
// which package recur lays over it. An [Iterator] jumps to any date at once and
// spends from a [Budget], so that no rule costs more than its caller allows.
package rule

import (
	"davit/caldav/ical"
)

// Freq is the frequency of a rule.
type Freq uint8

// The frequencies, the shortest first.
const (
	Secondly Freq = iota
	Minutely
	Hourly
	Daily
	Weekly
	Monthly
	Yearly
)

// A Rule is a parsed RRULE or EXRULE. It is not changed once made.
type Rule struct {
	freq     Freq
	interval int64
	count    int64 // 0: none
	until    *ical.Time
	wkst     int // 0 is Monday

	// Sets are bits: bit n stands for n. Of the signed ones, the second counts from
	// the end.
	seconds, minutes, hours uint64
	months                  uint64
	monthDays, monthEnds    uint64
	weeks, weekEnds         uint64
	yearDays, yearEnds      *[6]uint64
	weekdays                uint64 // bit 0 is Monday
	nth                     []nthDay
	positions               []int

	wanted uint64 // the weekdays of weekdays and nth together
}

// nthDay is a BYDAY with a number, such as -1FR.
type nthDay struct{ n, weekday int }

// Count returns how many instances the rule makes, 0 for no limit.
func (r *Rule) Count() int64 { return r.count }

// Until returns the last moment of the rule as it is written, nil for none.
func (r *Rule) Until() *ical.Time { return r.until }

// Finite tells whether the rule names an end.
func (r *Rule) Finite() bool { return r.count > 0 || r.until != nil }

// byDay tells whether any part chooses days of a month or a year.
func (r *Rule) byDay() bool {
	return r.monthDays|r.monthEnds|r.weeks|r.weekEnds|r.weekdays != 0 || r.yearDays != nil || len(r.nth) > 0
}

// derived completes the rule from the start of the series: what the rule does not
// say, DTSTART does.
func (r *Rule) derived(start ical.Wall) *Rule {
	d := *r
	clock := start.Clock()
	if d.freq > Secondly && d.seconds == 0 {
		d.seconds = 1 << (clock % 60)
	}
	if d.freq > Minutely && d.minutes == 0 {
		d.minutes = 1 << (clock / 60 % 60)
	}
	if d.freq > Hourly && d.hours == 0 {
		d.hours = 1 << (clock / 3600)
	}
	_, month, day := ical.Date(start.Day())
	switch {
	case d.freq == Weekly && d.weekdays == 0:
		d.weekdays = 1 << weekday(start.Day())
	case d.freq == Monthly && !d.byDay():
		d.monthDays = 1 << day
	case d.freq == Yearly && !d.byDay():
		d.monthDays = 1 << day
		if d.months == 0 {
			d.months = 1 << month
		}
	case d.freq == Yearly && d.weeks|d.weekEnds != 0 && d.weekdays == 0 && d.monthDays|d.monthEnds == 0 && d.yearDays == nil:
		d.weekdays = 1 << weekday(start.Day())
	}
	d.wanted = d.weekdays
	for _, nth := range d.nth {
		d.wanted |= 1 << nth.weekday
	}
	return &d
}

// weekday returns 0 for a Monday.
func weekday(day int64) int { return int(day + 3 - 7*ical.FloorDiv(day+3, 7)) }

// matches tells whether a day passes every part that chooses days.
func (r *Rule) matches(day int64) bool {
	if r.months == 0 && !r.byDay() {
		return true
	}
	year, month, dom := ical.Date(day)
	return r.matchesDate(day, year, month, dom)
}

// matchesDate is matches for a day whose date is known.
func (r *Rule) matchesDate(day int64, year, month, dom int) bool {
	if r.months != 0 && r.months>>month&1 == 0 {
		return false
	}
	length := ical.MonthDays(year, month)
	if r.monthDays|r.monthEnds != 0 && (r.monthDays>>dom|r.monthEnds>>(length-dom+1))&1 == 0 {
		return false
	}
	yearLength, yearDay := 365, int(day-ical.DayOf(year, 1, 1))+1
	if ical.Leap(year) {
		yearLength++
	}
	if r.yearDays != nil && !bit(r.yearDays, yearDay) && !bit(r.yearEnds, yearLength-yearDay+1) {
		return false
	}
	if r.weeks|r.weekEnds != 0 {
		week, weeks := r.week(day)
		if (r.weeks>>week|r.weekEnds>>(weeks-week+1))&1 == 0 {
			return false
		}
	}
	if r.weekdays == 0 && len(r.nth) == 0 {
		return true
	}
	wd := weekday(day)
	if r.weekdays>>wd&1 == 1 {
		return true
	}
	// The number counts within the month, and within the year only where a YEARLY
	// rule names no month.
	at, of := dom, length
	if r.freq == Yearly && r.months == 0 {
		at, of = yearDay, yearLength
	}
	for _, nth := range r.nth {
		if nth.weekday == wd && (nth.n == (at-1)/7+1 || nth.n == -((of-at)/7+1)) {
			return true
		}
	}
	return false
}

func bit(set *[6]uint64, n int) bool { return set[n/64]>>(n%64)&1 == 1 }

// week returns the number of the week that a day is in, and how many weeks the year
// of that week has. Week 1 is the first with four days in its year.
func (r *Rule) week(day int64) (week, weeks int) {
	fourth := day - int64((weekday(day)-r.wkst+7)%7) + 3 // the week is of the year that this day is in
	year, _, _ := ical.Date(fourth)
	yearDay := int(fourth - ical.DayOf(year, 1, 1))
	left := int(ical.DayOf(year+1, 1, 1)-fourth) - 1
	return yearDay/7 + 1, yearDay/7 + 1 + left/7
}
