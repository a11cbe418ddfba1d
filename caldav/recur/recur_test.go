package recur_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/rule"
	"davit/caldav/zone"
)

// starts lists what a series makes in a range, as "ID>start+length" where the start is
// not the ID, or else "ID+length".
func starts(t testing.TB, s *recur.Series, from, to string) string {
	t.Helper()
	var list []string
	for in, err := range s.Between(moment(t, from), moment(t, to)) {
		if err != nil {
			t.Fatal(err)
		}
		text := in.ID.String()
		if in.From != in.ID {
			text += ">" + in.From.String()
		}
		if length := in.End.Sub(in.Start); length != 0 {
			text += "+" + strings.TrimSuffix(strings.TrimSuffix(length.String(), "0s"), "0m")
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

func TestBetween(t *testing.T) {
	for _, c := range []struct{ what, event, from, to, want string }{
		{"one event", "DTSTART:20260101T100000Z\nDTEND:20260101T110000Z", "", "", "20260101T100000Z+1h"},
		{"an event without an end takes no time", "DTSTART:20260101T100000Z", "", "", "20260101T100000Z"},
		{"a day without an end takes a day", "DTSTART;VALUE=DATE:20260101", "", "", "20260101+24h"},
		{"a day that ends on itself takes a day", "DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260101", "", "", "20260101+24h"},
		{"VALUE=DATE may be forgotten", "DTSTART:20260101\nDTEND:20260103", "", "", "20260101+48h"},
		{"an end before the start", "DTSTART:20260101T100000Z\nDTEND:20260101T090000Z", "", "", "20260101T100000Z"},
		{"an end in another zone", "DTSTART;TZID=Europe/Berlin:20260101T100000\nDTEND;TZID=America/New_York:20260101T060000", "", "", "20260101T090000Z+2h"},
		{"a floating time", "DTSTART:20260101T100000\nDURATION:PT1H", "", "", "20260101T100000+1h"},
		{"an exact length across a change", "DTSTART;TZID=Europe/Berlin:20260328T120000\nDTEND;TZID=Europe/Berlin:20260329T120000\nRRULE:FREQ=DAILY;COUNT=2", "", "", "20260328T110000Z+23h 20260329T100000Z+23h"},
		{"a nominal length across a change", "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D\nRRULE:FREQ=DAILY;COUNT=2", "", "", "20260328T110000Z+23h 20260329T100000Z+24h"},
		{"24 hours are exact", "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:PT24H\nRRULE:FREQ=DAILY;COUNT=2", "", "", "20260328T110000Z+24h 20260329T100000Z+24h"},
		{"a start that the rule does not make counts", "DTSTART:20260101T100000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3", "", "", "20260101T100000Z 20260105T100000Z 20260112T100000Z"},
		{"several rules", "DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=2\nRRULE:FREQ=WEEKLY;COUNT=2", "", "", "20260101T100000Z 20260102T100000Z 20260108T100000Z"},
		{"dates of their own", "DTSTART:20260101T100000Z\nRDATE:20260105T100000Z,20260103T110000Z\nRDATE:20260101T100000Z", "", "", "20260101T100000Z 20260103T110000Z 20260105T100000Z"},
		{"periods", "DTSTART:20260101T100000Z\nDTEND:20260101T110000Z\nRDATE;VALUE=PERIOD:20260102T100000Z/PT3H,20260103T100000Z/20260103T140000Z", "", "", "20260101T100000Z+1h 20260102T100000Z+3h 20260103T100000Z+4h"},
		{"a long period is found from its end", "DTSTART:20260101T100000Z\nRDATE;VALUE=PERIOD:20260102T100000Z/P30D\nRRULE:FREQ=YEARLY", "20260130T000000Z", "20260131T000000Z", "20260102T100000Z+720h"},
		{"exceptions", "DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=6\nEXDATE:20260102T100000Z,20260104T100000Z\nEXDATE;TZID=Europe/Berlin:20260105T110000", "", "", "20260101T100000Z 20260103T100000Z 20260106T100000Z"},
		{"the start may be excepted, and counts", "DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260101T100000Z", "", "", "20260102T100000Z"},
		{"a day excepts what is on it", "DTSTART;TZID=America/New_York:20260101T220000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260102", "", "", "20260102T030000Z 20260104T030000Z"},
		{"a time without a zone excepts in that of the start", "DTSTART;TZID=Europe/Berlin:20260101T100000\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260102T100000", "", "", "20260101T090000Z"},
		{"a time excepts a day", "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=2\nEXDATE:20260102T000000Z", "", "", "20260101+24h"},
		{"a rule of exceptions", "DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=8\nEXRULE:FREQ=WEEKLY;BYDAY=SA,SU", "", "", "20260101T100000Z 20260102T100000Z 20260105T100000Z 20260106T100000Z 20260107T100000Z 20260108T100000Z"},
		{"UNTIL as a day is to its end", "DTSTART;TZID=America/New_York:20260101T220000\nRRULE:FREQ=DAILY;UNTIL=20260102", "", "", "20260102T030000Z 20260103T030000Z"},
		{"UNTIL as a time ends days", "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;UNTIL=20260102T000000Z", "", "", "20260101+24h 20260102+24h"},
		{"UNTIL in local time", "DTSTART;TZID=Europe/Berlin:20260101T100000\nRRULE:FREQ=DAILY;UNTIL=20260102T100000", "", "", "20260101T090000Z 20260102T090000Z"},
		{"UNTIL within the hour that comes twice", "DTSTART;TZID=Europe/Berlin:20261025T020000\nRRULE:FREQ=MINUTELY;INTERVAL=15;UNTIL=20261025T001500Z", "", "", "20261025T000000Z 20261025T001500Z"},
		{"a local time in the gap", "DTSTART;TZID=Europe/Berlin:20260328T023000\nRRULE:FREQ=DAILY;COUNT=3", "", "", "20260328T013000Z 20260329T013000Z 20260330T003000Z"},
		{"hours across the gap do not repeat", "DTSTART;TZID=Europe/Berlin:20260329T010000\nRRULE:FREQ=HOURLY;COUNT=4", "", "", "20260329T000000Z 20260329T010000Z 20260329T020000Z"},
		{"half hours across the gap are in order", "DTSTART;TZID=Europe/Berlin:20260329T013000\nRRULE:FREQ=MINUTELY;INTERVAL=30;COUNT=6", "", "", "20260329T003000Z 20260329T010000Z 20260329T013000Z 20260329T020000Z"},
		{"what the gap moves behind others stays in order", "DTSTART;TZID=Europe/Berlin:20260329T013000\nRRULE:FREQ=MINUTELY;INTERVAL=45;COUNT=4", "", "", "20260329T003000Z 20260329T010000Z 20260329T011500Z 20260329T014500Z"},
		{"an hour that comes twice is the first", "DTSTART;TZID=Europe/Berlin:20261024T023000\nRRULE:FREQ=DAILY;COUNT=3", "", "", "20261024T003000Z 20261025T003000Z 20261026T013000Z"},
		{"a range that begins behind the gap", "DTSTART;TZID=Europe/Berlin:20260320T023000\nRRULE:FREQ=DAILY", "20260329T011500Z", "20260329T014500Z", "20260329T013000Z"},
		{"a range that ends in the second of two hours", "DTSTART;TZID=Europe/Berlin:20261020T023000\nRRULE:FREQ=DAILY", "20261025T000000Z", "20261025T011000Z", "20261025T003000Z"},
		{"small letters", "DTSTART;TZID=Europe/Berlin:20260101t100000\nRRULE:freq=daily;count=2;byday=th,fr", "", "", "20260101T090000Z 20260102T090000Z"},
		{"decades after the start", "DTSTART;TZID=America/New_York:19800101T090000\nRRULE:FREQ=DAILY;INTERVAL=3", "20600101T000000Z", "20600106T000000Z", "20600101T140000Z 20600104T140000Z"},
		{"far behind, counted", "DTSTART:19800101T090000Z\nRRULE:FREQ=DAILY;COUNT=20000", "20341001T000000Z", "", "20341001T090000Z 20341002T090000Z 20341003T090000Z"},
		{"it overlaps from before the range", "DTSTART:20260101T200000Z\nDURATION:PT8H\nRRULE:FREQ=DAILY", "20260103T030000Z", "20260103T040000Z", "20260102T200000Z+8h"},
		{"the last year", "DTSTART:99981231T100000Z\nRRULE:FREQ=YEARLY", "", "", "99981231T100000Z 99991231T100000Z"},
		{"29 February", "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY;COUNT=2", "", "", "20240229+24h 20280229+24h"},
	} {
		if got := starts(t, series(t, object(t, c.event)), c.from, c.to); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
	}
}

// event writes a component that starts at a time of 1 January 2026 and takes an hour.
func event(lines string) string { return "BEGIN:VEVENT\nUID:x\n" + lines + "\nEND:VEVENT\n" }

const daily = "DTSTART:20260101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=5"

func TestOverrides(t *testing.T) {
	for _, c := range []struct{ what, components, from, to, want string }{
		{"moved", event(daily) + event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20260102T120000Z\nDURATION:PT2H"), "", "",
			"20260101T100000Z+1h 20260102T100000Z>20260102T120000Z+2h 20260103T100000Z+1h 20260104T100000Z+1h 20260105T100000Z+1h"},
		{"moved into the range", event(daily) + event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20260204T120000Z"), "20260201T000000Z", "", "20260102T100000Z>20260204T120000Z"},
		{"moved out of the range", event(daily) + event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20260204T120000Z"), "20260102T000000Z", "20260103T000000Z", ""},
		{"named in another zone", event(daily) + event("RECURRENCE-ID;TZID=Europe/Berlin:20260105T110000\nDTSTART:20260108T100000Z"), "20260105T000000Z", "", "20260105T100000Z>20260108T100000Z"},
		{"named by its day", event(daily) + event("RECURRENCE-ID;VALUE=DATE:20260105\nDTSTART:20260108T100000Z"), "20260105T000000Z", "", "20260105T100000Z>20260108T100000Z"},
		{"of none that the rule makes", event(daily) + event("RECURRENCE-ID:20270101T100000Z\nDTSTART:20270101T100000Z"), "20260105T000000Z", "", "20260105T100000Z+1h 20270101T100000Z"},
		{"without a master", event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20260102T120000Z") + event("RECURRENCE-ID:20260101T100000Z\nDTSTART:20260101T120000Z"), "", "", "20260101T100000Z>20260101T120000Z 20260102T100000Z>20260102T120000Z"},
		{"days without a master", event("RECURRENCE-ID;VALUE=DATE:20260102\nDTSTART;VALUE=DATE:20260103"), "", "", "20260102>20260103+24h"},
		{"this and future", event(daily) + event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260103T100000Z\nDTSTART:20260103T123000Z\nDURATION:PT2H"), "", "",
			"20260101T100000Z+1h 20260102T100000Z+1h 20260103T100000Z>20260103T123000Z+2h 20260104T100000Z>20260104T123000Z+2h 20260105T100000Z>20260105T123000Z+2h"},
		{"this and future, twice", event(daily) + event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260104T100000Z\nDTSTART:20260104T090000Z") + event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260102T100000Z\nDTSTART:20260102T123000Z"), "", "",
			"20260101T100000Z+1h 20260102T100000Z>20260102T123000Z 20260103T100000Z>20260103T123000Z 20260104T100000Z>20260104T090000Z 20260105T100000Z>20260105T090000Z"},
		{"one within the future", event(daily) + event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260103T100000Z\nDTSTART:20260103T123000Z") + event("RECURRENCE-ID:20260104T100000Z\nDTSTART:20260104T080000Z"), "20260103T000000Z", "",
			"20260103T100000Z>20260103T123000Z 20260104T100000Z>20260104T080000Z 20260105T100000Z>20260105T123000Z"},
		{"a future moved by weeks is found", event("DTSTART:20260101T100000Z\nRRULE:FREQ=YEARLY") + event("RECURRENCE-ID;RANGE=THISANDFUTURE:20270101T100000Z\nDTSTART:20270601T100000Z"), "20300601T000000Z", "20300602T000000Z",
			"20300101T100000Z>20300601T100000Z"},
		{"a future keeps its wall across a change", event("DTSTART;TZID=Europe/Berlin:20260327T100000\nRRULE:FREQ=DAILY;COUNT=4") + event("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260328T100000\nDTSTART;TZID=Europe/Berlin:20260328T110000"), "", "",
			"20260327T090000Z 20260328T090000Z>20260328T100000Z 20260329T080000Z>20260329T090000Z 20260330T080000Z>20260330T090000Z"},
		{"times become days", event(daily) + event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260104T100000Z\nDTSTART;VALUE=DATE:20260106"), "20260104T000000Z", "", "20260104T100000Z>20260106+24h 20260105T100000Z>20260107+24h"},
	} {
		s := series(t, objectOf(t, c.components))
		if got := starts(t, s, c.from, c.to); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
		if !s.Recurs() {
			t.Errorf("%s: does not recur", c.what)
		}
	}
}

// Days and times without a zone are read in the zone that the caller names.
func TestFloating(t *testing.T) {
	berlin, err := zone.Named("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ event, start, end string }{
		{"DTSTART;VALUE=DATE:20260701", "20260630T220000Z", "20260701T220000Z"},
		{"DTSTART:20260701T100000\nDTEND:20260701T110000", "20260701T080000Z", "20260701T090000Z"},
		{"DTSTART;VALUE=DATE:20260329", "20260328T230000Z", "20260329T220000Z"},
	} {
		s, err := recur.New(object(t, c.event), berlin)
		if err != nil {
			t.Fatal(err)
		}
		for in := range s.Between(time.Time{}, time.Time{}) {
			if !in.Start.Equal(moment(t, c.start)) || !in.End.Equal(moment(t, c.end)) {
				t.Errorf("%s: %v to %v", c.event, in.Start, in.End)
			}
		}
		bounds, err := s.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		for _, hours := range []time.Duration{-14, 14} { // a day on the far sides of the world
			if at := moment(t, c.start).Add(hours * time.Hour); !bounds.Meets(at, at.Add(time.Second)) {
				t.Errorf("%s: %v is not within %v", c.event, at, bounds)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		lines, precondition string
		line                int
	}{
		{"DTSTART:soon", ical.ValidCalendarData, 5},
		{"DTSTART:00000101", ical.MinDateTime, 5},
		{"DTSTART;TZID=Nowhere:20260101T100000", ical.ValidCalendarData, 5},
		{"DTSTART:20260101T100000Z\nDTEND:late", ical.ValidCalendarData, 6},
		{"DTSTART:20260101T100000Z\nDURATION:long", ical.ValidCalendarData, 6},
		{"DTSTART:20260101T100000Z\nRRULE:FREQ=NEVER", ical.ValidCalendarData, 6},
		{"DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY;COUNT=-1", ical.ValidCalendarData, 7},
		{"DTSTART:20260101T100000Z\nRDATE:20260101T100000Z,x", ical.ValidCalendarData, 6},
		{"DTSTART:20260101T100000Z\nRDATE;VALUE=PERIOD:20260101T100000Z/-PT1H", ical.ValidCalendarData, 6},
		{"DTSTART:20260101T100000Z\nEXDATE;TZID=Nowhere:20260101T100000", ical.ValidCalendarData, 6},
		{"DTSTART:20260101T100000Z\nRECURRENCE-ID:x", ical.ValidCalendarData, 6},
		{"DTSTART:20260101T100000Z\nRDATE:" + strings.Repeat("20260101T100000Z,", recur.DatesMax+1), ical.MaxInstances, 6},
		{daily + "\nEND:VEVENT\n" + strings.Repeat("BEGIN:VEVENT\nRECURRENCE-ID:20260101T100000Z\nEND:VEVENT\n", recur.OverridesMax+1) + "BEGIN:VEVENT", ical.MaxInstances, 10 + 3*recur.OverridesMax},
		{"DTSTART:20260101T100000Z\n" + strings.Repeat("RRULE:FREQ=DAILY\n", recur.RulesMax+1), ical.MaxInstances, 6 + recur.RulesMax},
	} {
		_, err := recur.New(object(t, c.lines), zone.UTC())
		var wrong *ical.Error
		if !errors.As(err, &wrong) || wrong.Precondition != c.precondition || wrong.Line != c.line {
			t.Errorf("%.60q: %+v", c.lines, err)
		}
	}
	for _, components := range []string{event(daily) + event(daily), event(daily) + "BEGIN:VTODO\nUID:x\nEND:VTODO"} {
		_, err := recur.New(objectOf(t, components), zone.UTC())
		var wrong *ical.Error
		if !errors.As(err, &wrong) || wrong.Precondition != ical.ValidCalendarObjectResource {
			t.Errorf("%.60q: %v", components, err)
		}
	}
}

// What would take ages ends with an error, or with what there is, after a number of
// steps that is bounded.
func TestHostile(t *testing.T) {
	for _, c := range []struct {
		text     string
		from, to string
		want     error
	}{
		{"FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "", "", nil},
		{"FREQ=SECONDLY;BYMONTHDAY=30;BYMONTH=2;COUNT=10", "", "20900101T000000Z", nil},
		{"FREQ=SECONDLY;BYYEARDAY=366;BYMONTH=2", "", "", nil},
		{"FREQ=HOURLY;BYYEARDAY=-366", "", "", rule.ErrBudget},
		{"FREQ=SECONDLY", "", "", recur.ErrInstances},
		{"FREQ=SECONDLY;COUNT=2000000000", "20900101T000000Z", "", rule.ErrBudget},
		{"FREQ=MINUTELY;BYSECOND=59;BYHOUR=3;INTERVAL=7919", "20900101T000000Z", "20900102T000000Z", nil},
		{"FREQ=DAILY;BYMONTHDAY=30;BYMONTH=2", "", "", rule.ErrBudget},
		{"FREQ=DAILY;BYSETPOS=366", "", "", nil},
		{"FREQ=YEARLY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=" + upTo(59) + ";BYSECOND=" + upTo(59) + ";BYDAY=MO,TU,WE,TH,FR,SA,SU", "20900101T000000Z", "20900101T010000Z", nil},
	} {
		s := series(t, object(t, "DTSTART:20260101T100000Z\nRRULE:"+c.text))
		var failed error
		n := 0
		for _, err := range s.Between(moment(t, c.from), moment(t, c.to)) {
			failed = err
			n++
		}
		if !errors.Is(failed, c.want) || n > recur.InstancesMax+1 {
			t.Errorf("%.60s: %d instances, %v", c.text, n, failed)
		}
	}
}

// upTo lists the numbers from 0 on.
func upTo(n int) string {
	var list []string
	for i := range n + 1 {
		list = append(list, strconv.Itoa(i))
	}
	return strings.Join(list, ",")
}

// An iteration ends as soon as its reader has enough.
func TestBetweenStops(t *testing.T) {
	s := series(t, objectOf(t, event(daily)+event("RECURRENCE-ID:20260103T100000Z\nDTSTART:20260103T120000Z")))
	for stop := 1; stop <= 5; stop++ {
		n := 0
		for range s.Between(time.Time{}, time.Time{}) {
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("%d, not %d", n, stop)
		}
	}
}

func TestOverlapsComponent(t *testing.T) {
	obj := objectOf(t, event("DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY")+event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20260202T120000Z")+event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260105T100000Z\nDTSTART:20260105T120000Z"))
	s := series(t, obj)
	master, moved, future := obj.Calendar.Children[0], obj.Calendar.Children[1], obj.Calendar.Children[2]
	for _, c := range []struct {
		what     string
		c        *ical.Component
		from, to string
		want     bool
	}{
		{"the master on its first day", master, "20260101T000000Z", "20260102T000000Z", true},
		{"the master where one was moved away", master, "20260102T000000Z", "20260103T000000Z", false},
		{"the master in the future of another", master, "20260105T000000Z", "", false},
		{"what was moved, where it was", moved, "20260102T000000Z", "20260103T000000Z", false},
		{"what was moved, where it is", moved, "20260202T000000Z", "20260203T000000Z", true},
		{"the future, on its first day", future, "20260105T000000Z", "20260106T000000Z", true},
		{"the future, in twenty years", future, "20460105T113000Z", "20460105T123000Z", true},
		{"the future, at the old time", future, "20460105T093000Z", "20460105T103000Z", false},
		{"the future, before it", future, "", "20260105T000000Z", false},
	} {
		if got, err := s.Overlaps(c.c, moment(t, c.from), moment(t, c.to)); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.what, got, err)
		}
	}
}

func TestBounds(t *testing.T) {
	for _, c := range []struct{ components, first, last string }{
		{event("DTSTART:20260101T100000Z\nDTEND:20260101T110000Z"), "20260101T100000Z", "20260101T110000Z"},
		{event(daily), "20260101T100000Z", "20260105T110000Z"},
		{event("DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY"), "20260101T100000Z", "open"},
		{event("DTSTART:20260101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20260105T100000Z"), "20260101T100000Z", "20260105T110000Z"},
		{event("DTSTART:20260101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3;UNTIL=20260102T100000Z"), "20260101T100000Z", "20260102T110000Z"},
		{event("DTSTART:20260101T100000Z\nRDATE;VALUE=PERIOD:20260103T100000Z/P9D\nRDATE:20260105T100000Z"), "20260101T100000Z", "20260112T100000Z"},
		{event("DTSTART:20260110T100000Z\nRDATE:20260105T100000Z"), "20260105T100000Z", "20260110T100000Z"},
		{event(daily) + event("RECURRENCE-ID:20260103T100000Z\nDTSTART:20251201T100000Z\nDURATION:PT1H") + event("RECURRENCE-ID:20260104T100000Z\nDTSTART:20260201T100000Z\nDURATION:PT1H"), "20251201T100000Z", "20260201T110000Z"},
		{event("RECURRENCE-ID:20260103T100000Z\nDTSTART:20260104T100000Z"), "20260104T100000Z", "20260104T100000Z"},
		{"BEGIN:VTODO\nUID:x\nEND:VTODO", "", "open"},
		{"BEGIN:VTODO\nUID:x\nCREATED:20260101T000000Z\nEND:VTODO", "20260101T000000Z", "open"},
		{"BEGIN:VTODO\nUID:x\nCREATED:20260101T000000Z\nCOMPLETED:20260201T000000Z\nEND:VTODO", "20260101T000000Z", "20260201T000000Z"},
		{"BEGIN:VTODO\nUID:x\nDUE:20260101T000000Z\nEND:VTODO", "20260101T000000Z", "20260101T000000Z"},
		{"BEGIN:VJOURNAL\nUID:x\nEND:VJOURNAL", "", "never"},
		{"BEGIN:VFREEBUSY\nUID:x\nDTSTART:20260101T000000Z\nDTEND:20260102T000000Z\nEND:VFREEBUSY", "20260101T000000Z", "20260102T000000Z"},
		{"BEGIN:VFREEBUSY\nUID:x\nFREEBUSY:20260101T000000Z/PT1H,20260201T000000Z/PT1H\nEND:VFREEBUSY", "20260101T000000Z", "20260201T010000Z"},
		{"BEGIN:VFREEBUSY\nUID:x\nEND:VFREEBUSY", "", "never"},
		{"BEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE", "", "never"},
	} {
		b, err := series(t, objectOf(t, c.components)).Bounds()
		if err != nil {
			t.Fatal(err)
		}
		last := b.Last.Format("20060102T150405Z")
		switch {
		case b.Never:
			last = "never"
		case b.Open:
			last = "open"
		}
		if !b.First.Equal(moment(t, c.first)) || last != c.last {
			t.Errorf("%s\n%v", c.components, b)
		}
	}
	for _, text := range []string{ // the last on the wall, and the first, that are not so in time
		"DTSTART;TZID=Europe/Berlin:20260329T013000\nRRULE:FREQ=MINUTELY;INTERVAL=45;COUNT=3",
		"DTSTART;TZID=Europe/Berlin:20260329T023000\nRRULE:FREQ=MINUTELY;INTERVAL=30;COUNT=2",
	} {
		s := series(t, object(t, text))
		b, err := s.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		for in, err := range s.Between(time.Time{}, time.Time{}) {
			if err != nil || !b.Meets(in.Start, in.Start.Add(time.Second)) {
				t.Errorf("%s: %v is not within %v, %v", text, in.Start, b, err)
			}
		}
	}
	_, err := series(t, object(t, "DTSTART:20260101T100000Z\nRRULE:FREQ=SECONDLY;COUNT=2000000000")).Bounds()
	var wrong *ical.Error
	if !errors.As(err, &wrong) || wrong.Precondition != ical.MaxInstances {
		t.Errorf("too many: %v", err)
	}
}

func TestBusy(t *testing.T) {
	busy := func(components, from, to string) string {
		var list []recur.BusyPeriod
		for p, err := range series(t, objectOf(t, components)).Busy(moment(t, from), moment(t, to)) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, p)
		}
		var texts []string
		for _, p := range recur.MergeBusy(list) {
			texts = append(texts, p.Start.Format("0102T15")+"-"+p.End.Format("0102T15")+" "+string(p.Busy))
		}
		return strings.Join(texts, ", ")
	}
	const hour = "DTSTART:20260101T100000Z\nDURATION:PT1H\n"
	for _, c := range []struct{ components, from, to, want string }{
		{event(hour), "", "", "0101T10-0101T11 BUSY"},
		{event(hour + "STATUS:TENTATIVE"), "", "", "0101T10-0101T11 BUSY-TENTATIVE"},
		{event(hour + "STATUS:confirmed"), "", "", "0101T10-0101T11 BUSY"},
		{event(hour + "STATUS:CANCELLED"), "", "", ""},
		{event(hour + "TRANSP:TRANSPARENT"), "", "", ""},
		{event("DTSTART:20260101T100000Z"), "", "", ""},
		{event("DTSTART;VALUE=DATE:20260101"), "", "", "0101T00-0102T00 BUSY"},
		{event("DTSTART:20260101T100000Z\nDURATION:PT8H"), "20260101T120000Z", "20260101T150000Z", "0101T12-0101T15 BUSY"},
		{event(hour + "RRULE:FREQ=HOURLY;COUNT=4"), "", "", "0101T10-0101T14 BUSY"},
		{event(daily) + event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20260102T120000Z\nDURATION:PT1H\nSTATUS:TENTATIVE"), "20260102T000000Z", "20260103T000000Z", "0102T12-0102T13 BUSY-TENTATIVE"},
		{"BEGIN:VTODO\nUID:x\nDTSTART:20260101T100000Z\nDURATION:PT1H\nEND:VTODO", "", "", ""},
		{"BEGIN:VFREEBUSY\nUID:x\nFREEBUSY:20260101T000000Z/PT1H,20260101T010000Z/PT1H\nFREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260101T010000Z/20260101T050000Z\nFREEBUSY;FBTYPE=FREE:20260103T000000Z/PT1H\nEND:VFREEBUSY", "", "", "0101T00-0101T02 BUSY, 0101T01-0101T05 BUSY-UNAVAILABLE"},
	} {
		if got := busy(c.components, c.from, c.to); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.components, got, c.want)
		}
	}
	n := 0
	for range series(t, object(t, daily)).Busy(time.Time{}, time.Time{}) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("it did not stop")
	}
}

// FuzzSeries holds every question to answering within its limits, and the answers to
// one another.
func FuzzSeries(f *testing.F) {
	f.Add("DTSTART;TZID=Europe/Berlin:20260329T013000\nRRULE:FREQ=MINUTELY;INTERVAL=30;COUNT=60", int64(1_774_700_000), int64(90_000))
	f.Add("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYWEEKNO=-1,1;BYSETPOS=2,-1\nEXDATE:20270101\nRDATE:20260707", int64(1_774_700_000), int64(90_000_000))
	f.Add("DTSTART:20260101T100000Z\nDURATION:P1DT1H\nRRULE:FREQ=MONTHLY;BYDAY=-1FR,2MO;UNTIL=20300101\nEXRULE:FREQ=YEARLY\nEND:VEVENT\nBEGIN:VEVENT\nUID:x\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260130T100000Z\nDTSTART:20260202T100000Z", int64(1_800_000_000), int64(9_000_000))
	f.Add("DTSTART:20260101T100000Z\nRDATE;VALUE=PERIOD:20260101T100000Z/P9D\nRRULE:FREQ=SECONDLY;BYHOUR=3", int64(1_800_000_000), int64(90_000))
	f.Fuzz(func(t *testing.T, lines string, from, length int64) {
		obj, err := ical.Decode([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:x\n" + lines + "\nEND:VEVENT\nEND:VCALENDAR\n"))
		if err != nil {
			return
		}
		s, err := recur.New(obj, zone.UTC())
		if err != nil {
			var wrong *ical.Error
			if !errors.As(err, &wrong) || wrong.Precondition == "" {
				t.Fatal(err)
			}
			return
		}
		start := time.Unix(from%4_000_000_000, 0).UTC()
		end := start.Add(time.Duration(max(0, length)%200_000_000) * time.Second)
		bounds, err := s.Bounds()
		if err != nil {
			return
		}
		n := 0
		for in, err := range s.Between(start, end) {
			if err != nil {
				return
			}
			if n++; n > 20 {
				break
			}
			if !bounds.Meets(start, end) || in.End.Before(in.Start) {
				t.Fatalf("%v to %v with the bounds %v", in.Start, in.End, bounds)
			}
			if found, err := s.Overlaps(in.Component, start, end); err == nil && !found {
				t.Fatalf("%v is not found again", in.ID)
			}
		}
	})
}

// Benchmarks tell the cost of questions; those of series start thirty years before.
func BenchmarkNew(b *testing.B) {
	obj := object(b, "DTSTART;TZID=Europe/Berlin:19960101T090000\nDTEND;TZID=Europe/Berlin:19960101T100000\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE\nEXDATE;TZID=Europe/Berlin:20260105T090000")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := recur.New(obj, zone.UTC()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMonth(b *testing.B) {
	for name, rule := range map[string]string{
		"weekly": "FREQ=WEEKLY;BYDAY=MO,WE", "daily": "FREQ=DAILY", "monthly": "FREQ=MONTHLY;BYDAY=2TU", "yearly": "FREQ=YEARLY", "hourly": "FREQ=HOURLY;INTERVAL=6",
		"counted": "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=5000", "last workday": "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "minutely": "FREQ=MINUTELY;INTERVAL=1440",
	} {
		b.Run(name, func(b *testing.B) {
			obj := object(b, "DTSTART;TZID=Europe/Berlin:19960101T090000\nDURATION:PT1H\nRRULE:"+rule)
			from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range series(b, obj).Between(from, from.AddDate(0, 1, 0)) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkSeek asks for the first instance after twenty years.
func BenchmarkSeek(b *testing.B) {
	for name, rule := range map[string]string{"weekly": "FREQ=WEEKLY", "yearly": "FREQ=YEARLY;BYDAY=20MO", "secondly": "FREQ=SECONDLY;INTERVAL=61", "counted": "FREQ=DAILY;COUNT=10000"} {
		b.Run(name, func(b *testing.B) {
			obj := object(b, "DTSTART;TZID=Europe/Berlin:20060101T090000\nRRULE:"+rule)
			from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range series(b, obj).Between(from, time.Time{}) {
					if err != nil {
						b.Fatal(err)
					}
					break
				}
			}
		})
	}
}
