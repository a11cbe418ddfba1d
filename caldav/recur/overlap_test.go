package recur_test

import (
	"strings"
	"testing"

	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/zone"
)

// rows are those of the tables of RFC 4791, section 9.9: a component, and ranges of
// hours of 1 January 2026 that touch it (+) and that just do not (-). An hour left out
// is no limit.
var rows = []struct{ component, lines, touched, missed string }{
	// VEVENT: an end, a duration, a duration of nothing, a time, a day.
	{"VEVENT", "DTSTART:H10\nDTEND:H12", "9-11 10-12 11-13 11-11:30 -11 11- 9-13 -", "8-10 12-13 -10 12-"},
	{"VEVENT", "DTSTART:H10\nDURATION:PT2H", "9-11 11-13", "8-10 12-13"},
	{"VEVENT", "DTSTART:H10\nDURATION:PT0S", "10-11 9-11", "9-10 11-12"},
	{"VEVENT", "DTSTART:H10", "10-11 9-11 -11 10-", "9-10 11-12 -10 10:01-"},
	{"VEVENT", "DTSTART;VALUE=DATE:20260101", "0-1 23-24 23- -1", "24-25 -0 24-"},
	{"VEVENT", "SUMMARY:never", "", "0-24 - -1 1-"},
	// VTODO: the eight rows.
	{"VTODO", "DTSTART:H10\nDURATION:PT2H", "12-13 9-11 10-10:30 9-10:30", "8-10 12:01-13"},
	{"VTODO", "DTSTART:H10\nDUE:H12", "11-13 9-11 10-12", "8-10 12-13"},
	{"VTODO", "DTSTART:H10\nDUE:H10", "10-11 9-10", "8-9 10:01-11"},
	{"VTODO", "DTSTART:H10", "10-11 9-11", "9-10 10:01-11"},
	{"VTODO", "DUE:H10", "9-10 9-11", "10-11 8-9"},
	{"VTODO", "COMPLETED:H12\nCREATED:H10", "10-11 9-10 12-13 11-12 9-13", "8-9 12:01-13"},
	{"VTODO", "COMPLETED:H12", "12-13 11-12", "8-11 12:01-13"},
	{"VTODO", "CREATED:H10", "9-11 23-24 10:01-11", "8-10 8-9"},
	{"VTODO", "SUMMARY:always", "0-1 - 23-", ""},
	// VJOURNAL: a time, a day, neither.
	{"VJOURNAL", "DTSTART:H10", "10-11 9-11", "9-10 11-12"},
	{"VJOURNAL", "DTSTART;VALUE=DATE:20260101", "0-1 23-24", "24-25 -0"},
	{"VJOURNAL", "SUMMARY:never", "", "0-24 -"},
	{"VJOURNAL", "DTSTART:H10\nDURATION:PT2H", "10-11", "11-12"},
	// VFREEBUSY: both limits, periods, neither.
	{"VFREEBUSY", "DTSTART:H10\nDTEND:H12", "9-11 12-13 11-13", "8-10 12:01-13"},
	{"VFREEBUSY", "FREEBUSY:H10/PT1H,H14/H15", "9-11 14-15 10:30-14:30", "8-10 11-14 15-16"},
	{"VFREEBUSY", "SUMMARY:never", "", "0-24 -"},
}

// alarms are VALARMs of an event from ten to twelve.
var alarms = []struct{ lines, touched, missed string }{
	{"TRIGGER:-PT1H", "9-10 8-10 9-9:01", "10-11 8-9 9:01-13"},
	{"TRIGGER;RELATED=START:PT1H", "11-12", "10-11 12-13"},
	{"TRIGGER;RELATED=END:PT1H", "13-14", "9-13 14-15"},
	{"TRIGGER;RELATED=END:-PT30M", "11-12", "9-11 12-15"},
	{"TRIGGER;VALUE=DATE-TIME:H20", "20-21 -", "8-20 21-22"},
	{"TRIGGER:-PT1H\nREPEAT:2\nDURATION:PT10M", "9-9:05 9:10-9:11 9:20-9:25 9:05-9:15", "9:21-10 9:01-9:10 8-9"},
	{"TRIGGER:-PT1H\nREPEAT:2", "9-10", "9:01-10"},
	{"TRIGGER:-PT1H\nREPEAT:1\nDURATION:P1D", "9-10 33-34", "10-33 34-"},
	{"TRIGGER:-P1D", "-0", "0-24"},
	{"ACTION:DISPLAY", "", "- 0-24"},
}

// hour writes an hour of the day as "20260101T100000Z"; 24 and more are days later.
func hour(t testing.TB, text string) string {
	if text == "" {
		return ""
	}
	h, m, _ := strings.Cut(text, ":")
	n := 0
	for _, c := range h {
		n = n*10 + int(c-'0')
	}
	return "202601" + two(1+n/24) + "T" + two(n%24) + (m + "00")[:2] + "00Z"
}

func two(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

// hours puts the times into lines.
func hours(t testing.TB, lines string) string {
	for n := range 24 {
		lines = strings.ReplaceAll(lines, "H"+two(n), hour(t, two(n)))
	}
	return lines
}

// ranges asks about each range.
func ranges(t *testing.T, what, list string, want bool, ask func(from, to string) (bool, error)) {
	t.Helper()
	for text := range strings.FieldsSeq(list) {
		from, to, _ := strings.Cut(text, "-")
		if got, err := ask(hour(t, from), hour(t, to)); err != nil || got != want {
			t.Errorf("%s\n%s: %v, %v", what, text, got, err)
		}
	}
}

func TestOverlapTables(t *testing.T) {
	for _, r := range rows {
		text := hours(t, "BEGIN:"+r.component+"\nUID:x\n"+r.lines+"\nEND:"+r.component)
		obj := objectOf(t, text)
		s := series(t, obj)
		bounds, err := s.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		component := obj.Calendar.Children[0]
		ask := func(from, to string) (bool, error) {
			found, err := s.Overlaps(component, moment(t, from), moment(t, to))
			if found && !bounds.Meets(moment(t, from), moment(t, to)) {
				t.Errorf("%s: %s-%s is not within %v", text, from, to, bounds)
			}
			n := 0
			for range s.Between(moment(t, from), moment(t, to)) {
				n++
			}
			if (n == 1) != found {
				t.Errorf("%s: %s-%s has %d instances, and overlaps: %v", text, from, to, n, found)
			}
			return found, err
		}
		ranges(t, text, r.touched, true, ask)
		ranges(t, text, r.missed, false, ask)
	}
}

func TestAlarmTable(t *testing.T) {
	for _, a := range alarms {
		text := hours(t, "BEGIN:VEVENT\nUID:x\nDTSTART:H10\nDTEND:H12\nBEGIN:VALARM\n"+a.lines+"\nEND:VALARM\nEND:VEVENT")
		obj := objectOf(t, text)
		s := series(t, obj)
		component := obj.Calendar.Children[0]
		ask := func(from, to string) (bool, error) {
			return s.AlarmOverlaps(component.Children[0], component, moment(t, from), moment(t, to))
		}
		ranges(t, text, a.touched, true, ask)
		ranges(t, text, a.missed, false, ask)
	}
}

// Each instance has its alarm, however far it goes off from it; days are nominal.
func TestAlarmsOfSeries(t *testing.T) {
	for _, c := range []struct {
		event, alarm, from, to string
		want                   bool
	}{
		{"DTSTART:20200101T100000Z\nRRULE:FREQ=YEARLY", "TRIGGER:-P30D", "20301202T100000Z", "20301202T100001Z", true},
		{"DTSTART:20200101T100000Z\nRRULE:FREQ=YEARLY", "TRIGGER:-P30D", "20301202T100001Z", "20311202T100000Z", false},
		{"DTSTART:20200101T100000Z\nRRULE:FREQ=YEARLY", "TRIGGER:P30D\nREPEAT:4\nDURATION:P30D", "20300531T100000Z", "20300531T100001Z", true},
		{"DTSTART;TZID=Europe/Berlin:20260329T100000", "TRIGGER:-P1D", "20260328T090000Z", "20260328T090001Z", true},
		{"DTSTART;TZID=Europe/Berlin:20260329T100000", "TRIGGER:-PT24H", "20260328T080000Z", "20260328T080001Z", true},
		{"RECURRENCE-ID:20260101T100000Z\nDTSTART:20260201T100000Z", "TRIGGER:-PT1H", "20260201T090000Z", "20260201T090001Z", true},
	} {
		obj := objectOf(t, event(c.event+"\nBEGIN:VALARM\n"+c.alarm+"\nEND:VALARM"))
		component := obj.Calendar.Children[0]
		got, err := series(t, obj).AlarmOverlaps(component.Children[0], component, moment(t, c.from), moment(t, c.to))
		if err != nil || got != c.want {
			t.Errorf("%s, %s: %v, %v", c.event, c.alarm, got, err)
		}
	}
	for _, bad := range []string{"TRIGGER:x", "TRIGGER:-PT1H\nREPEAT:x\nDURATION:PT1H", "TRIGGER:-PT1H\nREPEAT:1\nDURATION:x", "TRIGGER;TZID=Nowhere:20260101T000000"} {
		obj := objectOf(t, event("DTSTART:20260101T100000Z\nBEGIN:VALARM\n"+bad+"\nEND:VALARM"))
		component := obj.Calendar.Children[0]
		s, err := recur.New(obj, zone.UTC())
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.AlarmOverlaps(component.Children[0], component, moment(t, ""), moment(t, ""))
		if wrong, ok := err.(*ical.Error); !ok || wrong.Line == 0 {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
