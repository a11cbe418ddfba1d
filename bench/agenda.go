package main

import (
	"fmt"
	"strings"
	"time"
)

// An agenda is what the calendar of --calendar holds: made from the numbers of its
// events alone, so that what every server has to answer is known without asking
// one.
type agenda struct {
	start     time.Time
	years     int // over which the events are spread
	events    int // one in ten recurs
	calendars int // in the home, beside the large one
	fetched   int // by one multiget
}

var (
	fullAgenda  = agenda{start: agendaStart, years: 10, events: 10_000, calendars: 100, fetched: 1000}
	smallAgenda = agenda{start: agendaStart, years: 10, events: 300, calendars: 8, fetched: 50}
	agendaStart = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
)

// The month that is asked for.
var (
	monthFrom = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	monthTo   = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
)

const icsTime = "20060102T150405Z"

// A meeting is an event of the agenda: once, or every week.
type meeting struct {
	number int
	start  time.Time
	weeks  int // instances; 1: it does not recur
	moved  int // the instance that takes place two hours later; 0: none
	left   int // the instance that does not take place; 0: none
}

// meetingLength is how long each instance lasts.
const meetingLength = time.Hour

// movedBy is how much later a moved instance is.
const movedBy = 2 * time.Hour

func (a agenda) meeting(i int) meeting {
	slots := a.years * 365 * 24
	m := meeting{number: i, start: a.start.Add(time.Duration(i*7919%slots) * time.Hour), weeks: 1}
	if i%10 == 0 {
		m.weeks = 30
		if i%50 == 0 {
			m.moved = 3
		}
		if i%70 == 0 {
			m.left = 5
		}
	}
	return m
}

func (m meeting) uid() string  { return fmt.Sprintf("event-%05d", m.number) }
func (m meeting) name() string { return m.uid() + ".ics" }

// instances are when it takes place.
func (m meeting) instances(yield func(start time.Time) bool) {
	for i := range m.weeks {
		at := m.start.AddDate(0, 0, 7*i)
		switch {
		case i > 0 && i == m.left:
			continue
		case i > 0 && i == m.moved:
			at = at.Add(movedBy)
		}
		if !yield(at) {
			return
		}
	}
}

// text is the meeting as iCalendar; the version makes it another one.
func (m meeting) text(version int) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	event := func(start time.Time) {
		line("BEGIN:VEVENT")
		line("UID:%s", m.uid())
		line("DTSTAMP:20260101T000000Z")
		line("DTSTART:%s", start.Format(icsTime))
		line("DTEND:%s", start.Add(meetingLength).Format(icsTime))
		line("SUMMARY:Meeting %d\\, version %d", m.number, version)
		line("DESCRIPTION:What was decided last time\\, who does it until when\\, and what is")
		line("  left over for this meeting. Bring your notes.")
		line("LOCATION:Room %d", m.number%40)
		line("ORGANIZER;CN=Mia:mailto:mia@example.org")
		line("CATEGORIES:work,plans")
		line("STATUS:CONFIRMED")
	}
	line("BEGIN:VCALENDAR")
	line("VERSION:2.0")
	line("PRODID:-//bench//EN")
	event(m.start)
	if m.weeks > 1 {
		line("RRULE:FREQ=WEEKLY;COUNT=%d", m.weeks)
	}
	if m.left > 0 {
		line("EXDATE:%s", m.start.AddDate(0, 0, 7*m.left).Format(icsTime))
	}
	line("END:VEVENT")
	if m.moved > 0 {
		at := m.start.AddDate(0, 0, 7*m.moved)
		event(at.Add(movedBy))
		line("RECURRENCE-ID:%s", at.Format(icsTime))
		line("END:VEVENT")
	}
	line("END:VCALENDAR")
	return []byte(b.String())
}

// A month is what the agenda has in a stretch of time.
type month struct {
	objects, instances int
	busy               time.Duration // what overlaps counted once
	one                string        // the name of one of the objects
}

// between looks at every instance there is.
func (a agenda) between(from, to time.Time) (m month) {
	hours := map[time.Time]bool{} // everything begins and ends at full hours
	for i := range a.events {
		one := a.meeting(i)
		before := m.instances
		for start := range one.instances {
			if start.Before(to) && start.Add(meetingLength).After(from) {
				m.instances++
				hours[start] = true
			}
		}
		if m.instances > before {
			m.objects++
			m.one = one.name()
		}
	}
	m.busy = time.Duration(len(hours)) * meetingLength
	return m
}
