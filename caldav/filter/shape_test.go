package filter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/zone"
)

// shaped writes components in a shape, without the frame of the calendar and with bare
// line feeds.
func shaped(t testing.TB, sh Shape, components string) string {
	t.Helper()
	if err := sh.Check(); err != nil {
		t.Fatal(err)
	}
	obj, s := read(t, components)
	out, err := sh.Append(nil, obj, s)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(out), "\n") != strings.Count(string(out), "\r\n") {
		t.Errorf("bare line feeds: %q", out)
	}
	text := strings.ReplaceAll(string(out), "\r\n", "\n")
	text = strings.TrimPrefix(text, "BEGIN:VCALENDAR\n")
	return strings.TrimSuffix(strings.TrimPrefix(text, "VERSION:2.0\n"), "\nEND:VCALENDAR\n")
}

// The series of RFC 4791, appendix B, in the words of this test: two hours past noon
// each day in New York, one of them moved.
const zoned = `BEGIN:VTIMEZONE
TZID:US/Eastern
BEGIN:STANDARD
DTSTART:20001026T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART;TZID=US/Eastern:20060102T120000
DURATION:PT1H
RRULE:FREQ=DAILY;COUNT=5
SUMMARY;X-A="b,c":Event #2
UID:one
BEGIN:VALARM
TRIGGER:-PT5M
END:VALARM
END:VEVENT
BEGIN:VEVENT
DTSTART;TZID=US/Eastern:20060104T140000
DURATION:PT1H
RECURRENCE-ID;TZID=US/Eastern:20060104T120000
SUMMARY:Event #2 bis
UID:one
END:VEVENT`

func days(from, to int) *Range {
	return &Range{time.Date(2006, 1, from, 0, 0, 0, 0, time.UTC), time.Date(2006, 1, to, 0, 0, 0, 0, time.UTC)}
}

func TestExpand(t *testing.T) {
	got := shaped(t, Shape{Expand: days(3, 5)}, zoned)
	want := `BEGIN:VEVENT
RECURRENCE-ID:20060103T170000Z
DTSTAMP:20060206T001121Z
DTSTART:20060103T170000Z
DURATION:PT1H
SUMMARY;X-A="b,c":Event #2
UID:one
BEGIN:VALARM
TRIGGER:-PT5M
END:VALARM
END:VEVENT
BEGIN:VEVENT
RECURRENCE-ID:20060104T170000Z
DTSTART:20060104T190000Z
DURATION:PT1H
SUMMARY:Event #2 bis
UID:one
END:VEVENT`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, c := range []struct{ what, components, want string }{
		{"days stay days", "BEGIN:VEVENT\nUID:x\nDTSTART;VALUE=DATE:20060103\nDTEND;VALUE=DATE:20060104\nRRULE:FREQ=DAILY;COUNT=1\nEND:VEVENT",
			"BEGIN:VEVENT\nRECURRENCE-ID;VALUE=DATE:20060103\nUID:x\nDTSTART;VALUE=DATE:20060103\nDTEND;VALUE=DATE:20060104\nEND:VEVENT"},
		{"what floats, floats", "BEGIN:VEVENT\nUID:x\nDTSTART:20060103T100000\nDTEND:20060103T110000\nEND:VEVENT",
			"BEGIN:VEVENT\nUID:x\nDTSTART:20060103T100000\nDTEND:20060103T110000\nEND:VEVENT"},
		{"one event, in UTC", "BEGIN:VEVENT\nUID:x\nDTSTART;TZID=Europe/Berlin:20060103T100000\nDTEND;TZID=US/Eastern:20060103T110000\nX-AT;TZID=Europe/Berlin;X=1:20060103T100000\nEND:VEVENT",
			"BEGIN:VEVENT\nUID:x\nDTSTART:20060103T090000Z\nDTEND:20060103T160000Z\nX-AT;X=1:20060103T090000Z\nEND:VEVENT"},
		{"a nominal length becomes exact", "BEGIN:VEVENT\nUID:x\nDTSTART;TZID=Europe/Berlin:20060103T100000\nDURATION:P1D\nEND:VEVENT",
			"BEGIN:VEVENT\nUID:x\nDTSTART:20060103T090000Z\nDURATION:PT86400S\nEND:VEVENT"},
		{"a period brings its end", "BEGIN:VEVENT\nUID:x\nDTSTART:20050103T100000Z\nRDATE;VALUE=PERIOD:20060103T100000Z/PT2H\nEND:VEVENT",
			"BEGIN:VEVENT\nRECURRENCE-ID:20060103T100000Z\nUID:x\nDTSTART:20060103T100000Z\nDTEND:20060103T120000Z\nEND:VEVENT"},
		{"outside of the range", "BEGIN:VEVENT\nUID:x\nDTSTART:20050103T100000Z\nEND:VEVENT", ""},
		{"a task without a time", "BEGIN:VTODO\nUID:x\nSUMMARY:y\nEND:VTODO", "BEGIN:VTODO\nUID:x\nSUMMARY:y\nEND:VTODO"},
		{"a task that is due", "BEGIN:VTODO\nUID:x\nDTSTART;TZID=Europe/Berlin:20060103T100000\nDUE;TZID=Europe/Berlin:20060103T120000\nRRULE:FREQ=DAILY;COUNT=1\nEND:VTODO",
			"BEGIN:VTODO\nRECURRENCE-ID:20060103T090000Z\nUID:x\nDTSTART:20060103T090000Z\nDUE:20060103T110000Z\nEND:VTODO"},
		{"free-busy", "BEGIN:VFREEBUSY\nUID:x\nDTSTART:20060103T000000Z\nDTEND:20060104T000000Z\nFREEBUSY:20060103T100000Z/PT1H\nEND:VFREEBUSY",
			"BEGIN:VFREEBUSY\nUID:x\nDTSTART:20060103T000000Z\nDTEND:20060104T000000Z\nFREEBUSY:20060103T100000Z/PT1H\nEND:VFREEBUSY"},
	} {
		got := shaped(t, Shape{Expand: days(3, 5)}, c.components)
		if want := c.want; strings.TrimSuffix(got, "END:VCALENDAR\n") != want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.what, got, want)
		}
	}
}

func TestExpandLimits(t *testing.T) {
	obj, s := read(t, "BEGIN:VEVENT\nUID:x\nDTSTART:20060101T000000Z\nRRULE:FREQ=MINUTELY\nDESCRIPTION:"+strings.Repeat("long", 2000)+"\nEND:VEVENT")
	out, err := (&Shape{Expand: days(1, 9)}).Append(nil, obj, s)
	if !errors.Is(err, recur.ErrInstances) || len(out) > ExpandedMax+20_000 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestLimitRecurrence(t *testing.T) {
	const future = "\nBEGIN:VEVENT\nUID:one\nDTSTART:20060105T200000Z\nRECURRENCE-ID;RANGE=THISANDFUTURE:20060105T170000Z\nEND:VEVENT"
	for _, c := range []struct {
		what     string
		from, to int
		want     []string
	}{
		{"where the moved one was and is", 4, 5, []string{"RRULE", "bis"}},
		{"elsewhere", 2, 4, []string{"RRULE"}},
		{"behind this and future", 20, 21, []string{"RRULE", "THISANDFUTURE"}},
	} {
		got := shaped(t, Shape{LimitRecurrence: days(c.from, c.to)}, zoned+future)
		for _, mark := range []string{"RRULE", "bis", "THISANDFUTURE"} {
			if strings.Contains(got, mark) != strings.Contains(strings.Join(c.want, " "), mark) {
				t.Errorf("%s: %s in\n%s", c.what, mark, got)
			}
		}
		if !strings.Contains(got, "VTIMEZONE") {
			t.Errorf("%s: the zone is gone", c.what)
		}
	}
	moved := "BEGIN:VEVENT\nUID:x\nDTSTART:20060103T100000Z\nRRULE:FREQ=DAILY\nEND:VEVENT\nBEGIN:VEVENT\nUID:x\nRECURRENCE-ID:20060104T100000Z\nDTSTART:20060120T100000Z\nEND:VEVENT"
	for day, want := range map[int]int{4: 2, 5: 1, 20: 2} {
		if got := strings.Count(shaped(t, Shape{LimitRecurrence: days(day, day+1)}, moved), "BEGIN:VEVENT"); got != want {
			t.Errorf("on the %d.: %d components", day, got)
		}
	}
}

func TestLimitFreeBusy(t *testing.T) {
	got := shaped(t, Shape{LimitFreeBusy: days(3, 4)}, "BEGIN:VFREEBUSY\nUID:x\nFREEBUSY;FBTYPE=BUSY:20060102T100000Z/PT1H,20060103T100000Z/PT1H,20060103T230000Z/P1D\nFREEBUSY:20060105T000000Z/PT1H\nEND:VFREEBUSY")
	if want := "BEGIN:VFREEBUSY\nUID:x\nFREEBUSY;FBTYPE=BUSY:20060103T100000Z/PT1H,20060103T230000Z/P1D\nEND:VFREEBUSY"; got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestSelect(t *testing.T) {
	for _, c := range []struct {
		what string
		sel  Selection
		want string
	}{
		{"nothing but the frame", Selection{Name: "VCALENDAR"}, "END:VCALENDAR\n"},
		{"everything", Selection{Name: "VCALENDAR", AllProps: true, AllComps: true}, "VERSION:2.0\n" + zoned},
		{"some of the events", Selection{Name: "VCALENDAR", Comps: []Selection{{Name: "VEVENT", Props: []SelectedProp{{Name: "UID"}, {Name: "SUMMARY", NoValue: true}}}}},
			"BEGIN:VEVENT\nSUMMARY;X-A=\"b,c\":\nUID:one\nEND:VEVENT\nBEGIN:VEVENT\nSUMMARY:\nUID:one\nEND:VEVENT"},
		{"what is within", Selection{Name: "VCALENDAR", Comps: []Selection{{Name: "VEVENT", AllComps: true}}},
			"BEGIN:VEVENT\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\nEND:VEVENT\nBEGIN:VEVENT\nEND:VEVENT"},
	} {
		sh := Shape{Select: &c.sel}
		obj, s := read(t, zoned)
		out, err := sh.Append([]byte("before"), obj, s)
		if err != nil || sh.Check() != nil {
			t.Fatal(err)
		}
		got := strings.TrimPrefix(strings.ReplaceAll(string(out), "\r\n", "\n"), "beforeBEGIN:VCALENDAR\n")
		if got = strings.TrimSuffix(got, "\nEND:VCALENDAR\n"); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.what, got, c.want)
		}
	}
	sh := Shape{Select: &Selection{Name: "VCALENDAR", Comps: []Selection{{Name: "VEVENT", Props: []SelectedProp{{Name: "DTSTART"}, {Name: "RECURRENCE-ID", NoValue: true}}}}}, Expand: days(4, 5)}
	if got := shaped(t, sh, zoned); got != "BEGIN:VEVENT\nRECURRENCE-ID:\nDTSTART:20060104T190000Z\nEND:VEVENT" {
		t.Errorf("expanded: got\n%s", got)
	}
}

// What is not asked to change comes out as it came in, folds and all.
func TestUntouched(t *testing.T) {
	text := "BEGIN:VCALENDAR\r\nx-first:1\r\nBEGIN:VEVENT\r\nUID:x\r\nDTSTART:20060103T100000Z\r\nsummary;b=2;a=1:fol\r\n ded\r\nBEGIN:X-PART\r\nA:b\r\nEND:X-PART\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	obj, err := ical.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := recur.New(obj, zone.UTC())
	if err != nil {
		t.Fatal(err)
	}
	if out, err := new(Shape).Append(nil, obj, s); err != nil || string(out) != text {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestFolding(t *testing.T) {
	for n := range 200 {
		w := writer{}
		content := "X:" + strings.Repeat("ü", n) + strings.Repeat("b", n%3)
		w.content(content)
		for line := range strings.SplitSeq(strings.TrimSuffix(string(w.out), "\r\n"), "\r\n") {
			if len(line) > 75 || strings.Contains(line, "\uFFFD") || strings.ToValidUTF8(line, "") != line {
				t.Errorf("%d: the line %q", n, line)
			}
		}
		if back := strings.ReplaceAll(string(w.out), "\r\n ", ""); back != content+"\r\n" {
			t.Errorf("%d: got %q", n, back)
		}
	}
}

func TestShapeRefuses(t *testing.T) {
	deep := Selection{Name: "VALARM"}
	for range DepthMax {
		deep = Selection{Name: "VCALENDAR", Comps: []Selection{deep}}
	}
	for what, sh := range map[string]Shape{
		"no calendar":      {Select: &Selection{Name: "VEVENT"}},
		"too deep":         {Select: &deep},
		"too many":         {Select: &Selection{Name: "VCALENDAR", Props: make([]SelectedProp, TermsMax)}},
		"half a range":     {Expand: &Range{From: time.Unix(1, 0)}},
		"an empty range":   {LimitFreeBusy: days(3, 3)},
		"the other way":    {LimitRecurrence: days(4, 3)},
		"two at one time":  {Expand: days(3, 4), LimitRecurrence: days(3, 4)},
		"the whole, twice": {Expand: &Range{}},
	} {
		var wrong *Error
		if err := sh.Check(); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// FuzzShape holds whatever comes out to being an object again, and an expanded one to
// its range and to making no further instances.
func FuzzShape(f *testing.F) {
	f.Add(zoned, uint8(3), true)
	f.Add(strings.TrimSpace(meeting), uint8(20), false)
	f.Add("BEGIN:VTODO\nUID:ü\nDUE;VALUE=DATE;X=\",\":20060103\nRRULE:FREQ=DAILY\nEND:VTODO", uint8(1), true)
	f.Fuzz(func(t *testing.T, components string, day uint8, expand bool) {
		obj, err := ical.Decode([]byte("BEGIN:VCALENDAR\n" + components + "\nEND:VCALENDAR\n"))
		if err != nil {
			return
		}
		s, err := recur.New(obj, zone.UTC())
		if err != nil {
			return
		}
		sh := Shape{LimitRecurrence: days(int(day), int(day)+9), LimitFreeBusy: days(int(day), int(day)+9)}
		if expand {
			sh = Shape{Expand: days(int(day), int(day)+9)}
		}
		out, err := sh.Append(nil, obj, s)
		if err != nil {
			return
		}
		again, err := ical.Decode(out)
		if err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		match := Comp{Name: "VCALENDAR", Comps: []Comp{{Name: "VEVENT", Range: days(int(day), int(day)+9), Props: []Prop{{Name: "SUMMARY", Text: text("e", UnicodeCasemap, true)}}}}}
		if _, err := match.Match(obj, s); err != nil {
			return
		}
		for _, c := range again.Calendar.Children {
			if expand && c.Name == s.Kind() && len(c.Props["RRULE"])+len(c.Props["RDATE"])+len(c.Props["EXDATE"])+len(c.Props["EXRULE"]) > 0 {
				if c.Props.Get("DTSTART") != nil && c.Name != "VFREEBUSY" {
					t.Fatalf("it recurs: %q", out)
				}
			}
		}
	})
}

func BenchmarkMatchMonth(b *testing.B) {
	obj, s := read(b, zoned)
	f := Comp{Name: "VCALENDAR", Comps: []Comp{{Name: "VEVENT", Range: days(1, 31)}}}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := f.Match(obj, s); !ok || err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExpandMonth(b *testing.B) {
	obj, s := read(b, zoned)
	sh := Shape{Expand: days(1, 31)}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if out, err = sh.Append(out[:0], obj, s); err != nil {
			b.Fatal(err)
		}
	}
}
