package filter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/rule"
	"davit/caldav/zone"
)

// read decodes components and makes their series.
func read(t testing.TB, components string) (*ical.Object, *recur.Series) {
	t.Helper()
	obj, err := ical.Decode([]byte("BEGIN:VCALENDAR\nVERSION:2.0\n" + strings.TrimSpace(components) + "\nEND:VCALENDAR\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := recur.New(obj, zone.UTC())
	if err != nil {
		t.Fatal(err)
	}
	return obj, s
}

// hours is a range of 2 January 2026, from an hour on and before another.
func hours(from, to int) *Range {
	at := func(hour int) time.Time { return time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC) }
	return &Range{at(from), at(to)}
}

const meeting = `
BEGIN:VEVENT
UID:meeting
DTSTART:20260101T100000Z
DURATION:PT1H
RRULE:FREQ=DAILY
SUMMARY:Über den Plan\, heute
CATEGORIES:Work,Plan
LAST-MODIFIED:20260102T080000Z
ATTENDEE;PARTSTAT=NEEDS-ACTION;CN="Meier, ^'Mia^'":mailto:mia@example.com
ATTENDEE;PARTSTAT=ACCEPTED:mailto:max@example.com
BEGIN:VALARM
TRIGGER:-PT2H
ACTION:DISPLAY
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:meeting
RECURRENCE-ID:20260102T100000Z
DTSTART:20260102T150000Z
DURATION:PT1H
SUMMARY:Moved
STATUS:TENTATIVE
END:VEVENT`

// in asks for an event with one property.
func in(p Prop) Comp { return Comp{Name: "VEVENT", Props: []Prop{p}} }

func text(value string, c Collation, negate bool) *Text { return &Text{value, c, negate} }

func TestMatch(t *testing.T) {
	obj, s := read(t, meeting)
	for _, c := range []struct {
		what string
		comp Comp
		want bool
	}{
		{"there is an event", Comp{Name: "VEVENT"}, true},
		{"there is no task", Comp{Name: "VTODO"}, false},
		{"no event", Comp{Name: "VEVENT", IsNotDefined: true}, false},
		{"no task", Comp{Name: "VTODO", IsNotDefined: true}, true},

		{"an hour of the override", Comp{Name: "VEVENT", Range: hours(15, 16)}, true},
		{"the hour it was moved from", Comp{Name: "VEVENT", Range: hours(10, 11)}, false},
		{"an hour of the series, years later", Comp{Name: "VEVENT", Range: &Range{From: time.Date(2046, 1, 1, 10, 30, 0, 0, time.UTC), To: time.Date(2046, 1, 1, 10, 45, 0, 0, time.UTC)}}, true},
		{"range and property, of one component", Comp{Name: "VEVENT", Range: hours(15, 16), Props: []Prop{{Name: "STATUS"}}}, true},
		{"range and property, of two", Comp{Name: "VEVENT", Range: hours(15, 16), Props: []Prop{{Name: "CATEGORIES"}}}, false},

		{"a property", in(Prop{Name: "CATEGORIES"}), true},
		{"no such property", in(Prop{Name: "LOCATION"}), false},
		{"one without the property", in(Prop{Name: "STATUS", IsNotDefined: true}), true},
		{"none without the property", in(Prop{Name: "UID", IsNotDefined: true}), false},

		{"a text", in(Prop{Name: "SUMMARY", Text: text("plan", "", false)}), true},
		{"a text with a comma", in(Prop{Name: "SUMMARY", Text: text("Plan, heute", Octet, false)}), true},
		{"by octets", in(Prop{Name: "SUMMARY", Text: text("plan", Octet, false)}), false},
		{"by ASCII", in(Prop{Name: "SUMMARY", Text: text("über", ASCIICasemap, false)}), false},
		{"by Unicode", in(Prop{Name: "SUMMARY", Text: text("über", UnicodeCasemap, false)}), true},
		{"by Unicode, composed otherwise", in(Prop{Name: "SUMMARY", Text: text("U\u0308BER", UnicodeCasemap, false)}), true},
		{"the default", in(Prop{Name: "SUMMARY", Text: text("PLAN", "default", false)}), true},
		{"not a text", in(Prop{Name: "SUMMARY", Text: text("plan", "", true)}), true}, // of the override
		{"not a text that all have", in(Prop{Name: "UID", Text: text("meet", "", true)}), false},
		{"the second of a name", in(Prop{Name: "ATTENDEE", Text: text("MAX@", "", false)}), true},

		{"a parameter", in(Prop{Name: "ATTENDEE", Params: []Param{{Name: "PARTSTAT"}}}), true},
		{"a parameter of the same property", in(Prop{Name: "ATTENDEE", Text: text("mia", "", false), Params: []Param{{Name: "PARTSTAT", Text: text("needs", "", false)}}}), true},
		{"a parameter of another", in(Prop{Name: "ATTENDEE", Text: text("max", "", false), Params: []Param{{Name: "PARTSTAT", Text: text("needs", "", false)}}}), false},
		{"a property without the parameter", in(Prop{Name: "ATTENDEE", Params: []Param{{Name: "CN", IsNotDefined: true}}}), true},
		{"no property without the parameter", in(Prop{Name: "ATTENDEE", Params: []Param{{Name: "PARTSTAT", IsNotDefined: true}}}), false},
		{"a quoted parameter", in(Prop{Name: "ATTENDEE", Params: []Param{{Name: "CN", Text: text(`meier, "mia"`, "", false)}}}), true},
		{"not a parameter", in(Prop{Name: "ATTENDEE", Params: []Param{{Name: "PARTSTAT", Text: text("a", "", true)}}}), false},

		{"a time of a property", in(Prop{Name: "LAST-MODIFIED", Range: hours(8, 9)}), true},
		{"another time", in(Prop{Name: "LAST-MODIFIED", Range: hours(9, 10)}), false},
		{"a time of what has none", in(Prop{Name: "SUMMARY", Range: hours(0, 24)}), false},

		{"an alarm", Comp{Name: "VEVENT", Comps: []Comp{{Name: "VALARM", Range: hours(33, 34)}}}, false},
		{"an alarm two hours before", Comp{Name: "VEVENT", Comps: []Comp{{Name: "VALARM", Range: hours(32, 33)}}}, true},
		{"one without alarm", Comp{Name: "VEVENT", Comps: []Comp{{Name: "VALARM", IsNotDefined: true}}}, true},
		{"an alarm by its property", Comp{Name: "VEVENT", Comps: []Comp{{Name: "VALARM", Props: []Prop{{Name: "ACTION", Text: text("email", "", false)}}}}}, false},
	} {
		f := Comp{Name: "VCALENDAR", Comps: []Comp{c.comp}}
		if err := f.Check(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if got, err := f.Match(obj, s); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.what, got, err)
		}
	}
	if got, err := (&Comp{Name: "VCALENDAR", Props: []Prop{{Name: "VERSION"}}}).Match(obj, s); err != nil || !got {
		t.Errorf("the calendar alone: %v, %v", got, err)
	}
}

func TestMatchTellsCost(t *testing.T) {
	obj, s := read(t, "BEGIN:VEVENT\nUID:x\nDTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY;COUNT=2000000000\nEND:VEVENT")
	f := Comp{Name: "VCALENDAR", Comps: []Comp{{Name: "VEVENT", Range: &Range{From: time.Date(2070, 1, 1, 0, 0, 0, 0, time.UTC)}}}}
	if _, err := f.Match(obj, s); !errors.Is(err, rule.ErrBudget) {
		t.Errorf("got %v", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	deep := Comp{Name: "VALARM"}
	for range DepthMax {
		deep = Comp{Name: "VEVENT", Comps: []Comp{deep}}
	}
	within := func(c Comp) Comp { return Comp{Name: "VCALENDAR", Comps: []Comp{c}} }
	for _, c := range []struct {
		filter Comp
		want   string
	}{
		{Comp{Name: "VEVENT"}, "valid-filter"},
		{within(Comp{}), "valid-filter"},
		{within(in(Prop{})), "valid-filter"},
		{within(in(Prop{Name: "UID", Params: []Param{{}}})), "valid-filter"},
		{within(Comp{Name: "VEVENT", Range: hours(2, 2)}), "valid-filter"},
		{within(in(Prop{Name: "UID", Range: hours(2, 1)})), "valid-filter"},
		{within(Comp{Name: "VTIMEZONE", Range: hours(1, 2)}), "supported-filter"},
		{Comp{Name: "VCALENDAR", Range: hours(1, 2)}, "supported-filter"},
		{within(in(Prop{Name: "UID", Text: text("x", "i;klingon", false)})), "supported-collation"},
		{within(in(Prop{Name: "UID", Params: []Param{{Name: "X", Text: text("x", "i;klingon", false)}}})), "supported-collation"},
		{within(in(Prop{Name: "UID", Text: text(strings.Repeat("x", TextMax+1), "", false)})), "supported-filter"},
		{within(deep), "supported-filter"},
		{Comp{Name: "VCALENDAR", Comps: make([]Comp, 1)}, "valid-filter"},
		{within(Comp{Name: "VEVENT", Props: manyProps()}), "supported-filter"},
		{within(in(Prop{Name: "UID", Params: make([]Param, TermsMax)})), "supported-filter"},
	} {
		var wrong *Error
		if err := c.filter.Check(); !errors.As(err, &wrong) || wrong.Precondition != c.want {
			t.Errorf("%+.80v: %v, want %s", c.filter, err, c.want)
		}
	}
}

func manyProps() (props []Prop) {
	for range TermsMax {
		props = append(props, Prop{Name: "UID"})
	}
	return props
}

// BenchmarkQueryObject is what one object costs a query that has found its bytes.
func BenchmarkQueryObject(b *testing.B) {
	text := []byte("BEGIN:VCALENDAR\nVERSION:2.0\n" + zoned + "\nEND:VCALENDAR\n")
	f := Comp{Name: "VCALENDAR", Comps: []Comp{{Name: "VEVENT", Range: days(1, 31)}}}
	b.ReportAllocs()
	for b.Loop() {
		obj, err := ical.Decode(text)
		if err != nil {
			b.Fatal(err)
		}
		s, err := recur.New(obj, zone.UTC())
		if err != nil {
			b.Fatal(err)
		}
		if ok, err := f.Match(obj, s); !ok || err != nil {
			b.Fatal(err)
		}
	}
}
