package zone

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"davit/caldav/ical"
)

// wall reads a local time.
func wall(t testing.TB, s string) ical.Wall {
	t.Helper()
	at, err := ical.ParseTime(s, "")
	if err != nil {
		t.Fatal(err)
	}
	return at.Wall
}

func utcText(i Instant) string { return i.Time().Format("20060102T150405Z") }

// changes are local times around the changes of zones, and the instants they mean:
// RFC 5545, section 3.3.5.
var changes = []struct {
	zone, wall, want string
	gap              bool
}{
	{"America/New_York", "20070311T023000", "20070311T073000Z", true}, // the examples of the RFC
	{"America/New_York", "20071104T013000", "20071104T053000Z", false},
	{"America/New_York", "20260308T015959", "20260308T065959Z", false},
	{"America/New_York", "20260308T020000", "20260308T070000Z", true},
	{"America/New_York", "20260308T030000", "20260308T070000Z", false},
	{"America/New_York", "20261101T020000", "20261101T070000Z", false},
	{"Europe/Berlin", "20260329T023000", "20260329T013000Z", true},
	{"Europe/Berlin", "20261025T015959", "20261024T235959Z", false},
	{"Europe/Berlin", "20261025T020000", "20261025T000000Z", false},
	{"Europe/Berlin", "20261025T025959", "20261025T005959Z", false},
	{"Europe/Berlin", "20261025T030000", "20261025T020000Z", false},
	{"Europe/Dublin", "20260329T013000", "20260329T013000Z", true}, // winter is the exception there
	{"Europe/Dublin", "20261025T013000", "20261025T003000Z", false},
	{"Australia/Lord_Howe", "20261004T021500", "20261003T154500Z", true}, // half an hour
	{"Australia/Lord_Howe", "20260405T014500", "20260404T144500Z", false},
	{"Australia/Lord_Howe", "20260405T020000", "20260404T153000Z", false},
	{"America/Sao_Paulo", "20181104T000000", "20181104T030000Z", true}, // at midnight
	{"America/Sao_Paulo", "20180217T233000", "20180218T013000Z", false},
	{"Pacific/Apia", "20111230T120000", "20111230T220000Z", true}, // a day that was not
	{"Pacific/Apia", "20111231T000000", "20111230T100000Z", false},
	{"Asia/Kathmandu", "20260101T000000", "20251231T181500Z", false},
	{"UTC", "20260101T000000", "20260101T000000Z", false},
	{"GMT-03:30", "20260101T000000", "20260101T033000Z", false},
}

func TestChanges(t *testing.T) {
	for _, c := range changes {
		z, err := Named(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		own := ownOf(t, c.zone, 2005, 2030)
		for _, z := range []*Zone{z, own} {
			if z == nil {
				continue
			}
			i, gap := z.Resolve(wall(t, c.wall))
			if utcText(i) != c.want || gap != c.gap {
				t.Errorf("%s %s: %s, %v", z.Name(), c.wall, utcText(i), gap)
			}
			if back := z.Wall(i); (back == wall(t, c.wall)) == c.gap {
				t.Errorf("%s %s: and back %d", z.Name(), c.wall, back)
			}
		}
	}
}

// Around each new year of a century there is an answer, leap year or not, and it is the
// one that goes back.
func TestNewYears(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Auckland", "Asia/Kolkata"} {
		z, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		for year := 2000; year <= 2100; year++ {
			first := ical.Wall(ical.DayOf(year, 12, 29) * ical.Day)
			for w := first; w < first+5*ical.Day; w += 3600 {
				i, gap := z.Resolve(w)
				if back := z.Wall(i); gap || back != w {
					t.Fatalf("%s: %d is %d, and back %d", name, w, i, back)
				}
				if s := z.rules.segment(i); i < s.start || i >= s.end {
					t.Fatalf("%s: %d is not in its segment %v", name, i, s)
				}
			}
		}
	}
}

// hm writes an offset as a VTIMEZONE does.
func hm(seconds int) string {
	sign := "+"
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	return fmt.Sprintf("%s%02d%02d%02d", sign, seconds/3600, seconds/60%60, seconds%60)
}

// ownOf makes a VTIMEZONE that tells the changes of a location, one by one; nil for
// names that are no location.
func ownOf(t testing.TB, name string, first, last int) *Zone {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	at := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC).In(loc)
	_, from := at.Zone()
	text := fmt.Sprintf("BEGIN:STANDARD\nDTSTART:19000101T000000\nTZOFFSETFROM:%s\nTZOFFSETTO:%[1]s\nEND:STANDARD\n", hm(from))
	for {
		_, next := at.ZoneBounds()
		if next.IsZero() || next.Year() > last {
			break
		}
		_, to := next.Zone()
		start := next.UTC().Add(time.Duration(from) * time.Second).Format("20060102T150405")
		text += fmt.Sprintf("BEGIN:STANDARD\nDTSTART:%s\nTZOFFSETFROM:%s\nTZOFFSETTO:%s\nEND:STANDARD\n", start, hm(from), hm(to))
		at, from = next, to
	}
	return find(t, "Own", "BEGIN:VTIMEZONE\nTZID:Own\n"+text+"END:VTIMEZONE\n")
}

// find decodes a component and finds a zone in it.
func find(t testing.TB, tzid, components string) *Zone {
	t.Helper()
	obj, err := ical.Decode([]byte("BEGIN:VCALENDAR\n" + components + "END:VCALENDAR\n"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := New(obj).Find(tzid)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// part writes a part of a VTIMEZONE.
func part(kind, start, from, to, more string) string {
	return "BEGIN:" + kind + "\nDTSTART:" + start + "\nTZOFFSETFROM:" + from + "\nTZOFFSETTO:" + to + "\n" + more + "\nEND:" + kind + "\n"
}

// ruled are VTIMEZONEs as clients send them, and the location they describe from a
// year on.
var ruled = []struct {
	location    string
	first, last int
	parts       string
}{
	{"Europe/Berlin", 1997, 2037, part("DAYLIGHT", "19700329T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU") +
		part("STANDARD", "19701025T030000", "+0200", "+0100", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU")},
	{"America/New_York", 1988, 2037, part("DAYLIGHT", "19870405T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z") +
		part("DAYLIGHT", "20070311T020000", "-0500", "-0400", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU") +
		part("STANDARD", "19671029T020000", "-0400", "-0500", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z") +
		part("STANDARD", "20071104T020000", "-0400", "-0500", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU")},
	// A rule that ends with the onset that its UNTIL names, in UTC, and one with it.
	{"Europe/Berlin", 1997, 2037, part("DAYLIGHT", "19700329T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20100328T010000Z") +
		part("DAYLIGHT", "20110327T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU") +
		part("STANDARD", "19701025T030000", "+0200", "+0100", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU")},
	// As Outlook writes it, from 1601 on.
	{"Europe/Paris", 1997, 2037, part("STANDARD", "16010101T030000", "+0200", "+0100", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10") +
		part("DAYLIGHT", "16010101T020000", "+0100", "+0200", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3")},
	{"Europe/Dublin", 1997, 2037, part("STANDARD", "19710328T010000", "+0000", "+0100", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU") +
		part("DAYLIGHT", "19711031T020000", "+0100", "+0000", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU")},
	{"Australia/Lord_Howe", 2008, 2037, part("STANDARD", "20080406T020000", "+1100", "+1030", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU") +
		part("DAYLIGHT", "20081005T020000", "+1030", "+1100", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU")},
	{"Asia/Kolkata", 1970, 2037, part("STANDARD", "19700101T000000", "+0530", "+0530", "")},
	{"America/Sao_Paulo", 2014, 2017, part("STANDARD", "20140216T000000", "-0200", "-0300", "RDATE:20150222T000000,20160221T000000\nRDATE:20170219T000000") +
		part("DAYLIGHT", "20131020T000000", "-0300", "-0200", "RDATE:20141019T000000,20151018T000000,20161016T000000,20171015T000000")},
}

// A VTIMEZONE and the location it describes mean the same, hour by hour and whichever
// way one walks through it.
func TestOwnRules(t *testing.T) {
	for _, r := range ruled {
		own := find(t, "Own", "BEGIN:VTIMEZONE\nTZID:Own\n"+r.parts+"END:VTIMEZONE\n")
		loc, err := time.LoadLocation(r.location)
		if err != nil {
			t.Fatal(err)
		}
		peer := In(loc)
		first, last := ical.DayOf(r.first, 3, 1)*24, ical.DayOf(r.last, 12, 1)*24
		step := int64(1)
		if testing.Short() {
			step = 5
		}
		for n := int64(0); n < last-first; n += step {
			hour := first + n
			if n%1000 == 0 {
				hour = last - n
			}
			w := ical.Wall(hour*3600 + 900)
			if got, want := own.Instant(w), peer.Instant(w); got != want {
				t.Fatalf("%s: %d is %s, want %s", r.location, w, utcText(got), utcText(want))
			}
			if got, want := own.Wall(Instant(w)), peer.Wall(Instant(w)); got != want {
				t.Fatalf("%s: at %d the wall is %d, want %d", r.location, w, got, want)
			}
		}
	}
}

// Before its first onset a VTIMEZONE has the offset that its first part comes from.
func TestOwnBeforeItBegins(t *testing.T) {
	own := find(t, "Own", "BEGIN:VTIMEZONE\nTZID:Own\n"+part("STANDARD", "20000101T000000", "+0300", "+0500", "")+"END:VTIMEZONE\n")
	if got := utcText(own.Instant(wall(t, "19990101T000000"))); got != "19981231T210000Z" {
		t.Errorf("before: %s", got)
	}
	if got := utcText(own.Instant(wall(t, "20000201T000000"))); got != "20000131T190000Z" {
		t.Errorf("after: %s", got)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"Europe/Paris":   "Europe/Paris",
		`"Europe/Paris"`: "Europe/Paris",
		" Europe/Paris ": "Europe/Paris",
		"/freeassociation.sourceforge.net/Europe/Paris":                          "Europe/Paris",
		"/freeassociation.sourceforge.net/Tzfile/America/Argentina/Buenos_Aires": "America/Argentina/Buenos_Aires",
		"/citadel.org/20250101_1/America/New_York":                               "America/New_York",
		"/mozilla.org/20070129_1/Europe/Berlin":                                  "Europe/Berlin",
		"/Europe/Paris":                                                          "Europe/Paris",
		"W. Europe Standard Time":                                                "Europe/Berlin",
		"w. europe standard time":                                                "Europe/Berlin",
		"Romance Standard Time":                                                  "Europe/Paris",
		"Eastern Standard Time":                                                  "America/New_York",
		"tzone://Microsoft/Utc":                                                  "Utc",
		"tzone://Microsoft/GMT+2":                                                "GMT+2",
		"UTC":                                                                    "UTC",
		"Etc/GMT+5":                                                              "Etc/GMT+5",
		"EST5EDT":                                                                "EST5EDT",
		"GMT+1":                                                                  "GMT+1",
		"UTC+5:30":                                                               "UTC+5:30",
		"GMT-0330":                                                               "GMT-0330",
		"US/Eastern":                                                             "US/Eastern",
		"America/Argentina/ComodRivadavia":                                       "America/Argentina/ComodRivadavia",
	} {
		z, err := Named(name)
		if err != nil || z.Name() != want {
			t.Errorf("%q: %v, %v", name, z, err)
		}
	}
	for _, name := range []string{"", "Local", "local", "/x/Local", "Nowhere/City", "../../etc/passwd", "/etc/passwd", "Europe", "Europe/", "GMT+25", "GMT+1:75", "UTC1", "GMT+", "Customized Time Zone", "\x00", "Europe/Pariß", strings.Repeat("a/", NameMax), "."} {
		if z, err := Named(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v, %v", name, z, err)
		}
	}
	if z, err := Named("UTC+5:30"); err != nil || z.Instant(0) != -19800 {
		t.Errorf("UTC+5:30: %v", err)
	}
}

// The zone of the machine never answers, whatever it is called.
func TestNeverTheMachine(t *testing.T) {
	saved := time.Local
	t.Cleanup(func() { time.Local = saved })
	time.Local = time.FixedZone("Here", 4711)
	for _, name := range []string{"Local", "Here", "LOCAL", "/a/Local"} {
		if z, err := Named(name); err == nil {
			t.Errorf("%s is %v", name, z)
		}
	}
}

func TestWindowsNames(t *testing.T) {
	if len(windows) < 130 {
		t.Errorf("there are %d", len(windows))
	}
	for name, loc := range windows {
		if _, err := time.LoadLocation(loc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name != strings.ToLower(name) {
			t.Errorf("%s is not in small letters", name)
		}
	}
}

// The object's own rules come before its names, and names help where it has none.
func TestFind(t *testing.T) {
	rules := part("STANDARD", "19700101T000000", "+0700", "+0700", "")
	for what, c := range map[string]struct{ tzid, zone, want string }{
		"its own before the name":       {"Europe/Paris", "TZID:Europe/Paris\n" + rules, "20251231T170000Z"},
		"its own, under any name":       {"Where I live", "TZID:Where I live\n" + rules, "20251231T170000Z"},
		"a place without rules":         {"Mine", "TZID:Mine\nX-LIC-LOCATION:Asia/Kolkata\n", "20251231T183000Z"},
		"rules before the place":        {"Mine", "TZID:Mine\nX-LIC-LOCATION:Asia/Kolkata\n" + rules, "20251231T170000Z"},
		"rules that cannot be read":     {"Europe/Paris", "TZID:Europe/Paris\n" + strings.Replace(rules, "TZOFFSETTO:+0700", "TZOFFSETTO:east", 1), "20251231T230000Z"},
		"a rule that cannot be read":    {"Europe/Paris", "TZID:Europe/Paris\n" + part("STANDARD", "19700101T000000", "+0700", "+0700", "RRULE:FREQ=NEVER"), "20251231T230000Z"},
		"one that is not used":          {"Asia/Kolkata", "TZID:Mine\n" + rules, "20251231T183000Z"},
		"one that has no name":          {"Asia/Kolkata", rules, "20251231T183000Z"},
		"too many parts to be followed": {"Asia/Kolkata", "TZID:Asia/Kolkata\n" + strings.Repeat(rules, ObservancesMax+1), "20251231T183000Z"},
	} {
		z := find(t, c.tzid, "BEGIN:VTIMEZONE\n"+c.zone+"END:VTIMEZONE\n")
		if got := utcText(z.Instant(wall(t, "20260101T000000"))); got != c.want {
			t.Errorf("%s: %s", what, got)
		}
	}
	if _, err := New(nil).Find("Nowhere"); !errors.Is(err, ErrUnknown) {
		t.Errorf("without an object: %v", err)
	}
	many := New(nil)
	for n := range ZonesMax {
		if _, err := many.Find(fmt.Sprintf("GMT+%02d%02d", n/60, n%60)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := many.Find("Europe/Paris"); !errors.Is(err, ErrUnknown) {
		t.Errorf("one more than %d: %v", ZonesMax, err)
	}
}

// A VTIMEZONE that changes every second runs out of its budget and keeps an offset.
func TestOwnHostile(t *testing.T) {
	for _, rule := range []string{"FREQ=SECONDLY", "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;COUNT=2000000000;BYMONTHDAY=-31;BYMONTH=2", "FREQ=MINUTELY;BYSETPOS=-1"} {
		z := find(t, "Own", "BEGIN:VTIMEZONE\nTZID:Own\n"+part("STANDARD", "00010101T000000", "+0100", "+0200", "RRULE:"+rule)+"END:VTIMEZONE\n")
		rules := z.rules.(*own)
		for year := 1; year < 9990; year += 10 {
			z.Instant(ical.Wall(ical.DayOf(year, 6, 1) * ical.Day))
		}
		if left := rules.budget.Steps; left < -20_000 {
			t.Errorf("%s: %d steps too many", rule, -left)
		}
	}
}

// FuzzOwn holds a VTIMEZONE to answering, and to going there and back.
func FuzzOwn(f *testing.F) {
	for _, r := range ruled {
		f.Add(r.parts, int64(1_700_000_000))
	}
	f.Add(part("STANDARD", "20000101T000000", "+0300", "-2359", "RRULE:FREQ=HOURLY;COUNT=9"), int64(946_700_000))
	f.Fuzz(func(t *testing.T, parts string, at int64) {
		obj, err := ical.Decode([]byte("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:UTC\n" + parts + "\nEND:VTIMEZONE\nEND:VCALENDAR\n"))
		if err != nil {
			return
		}
		z, err := New(obj).Find("UTC")
		if err != nil {
			return
		}
		w := ical.Wall(at % int64(ical.WallMax))
		i, gap := z.Resolve(w)
		if _, own := z.rules.(*own); !own {
			return
		}
		if back := z.Wall(i); !gap && back != w {
			t.Errorf("%d is %d is %d", w, i, back)
		}
	})
}

func BenchmarkInstant(b *testing.B) {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	z := In(loc)
	for n := int64(0); b.Loop(); n++ {
		z.Instant(ical.Wall(n % 10_000 * ical.Day))
	}
}

func BenchmarkOwnInstant(b *testing.B) {
	z := find(b, "Own", "BEGIN:VTIMEZONE\nTZID:Own\n"+ruled[0].parts+"END:VTIMEZONE\n")
	for n := int64(0); b.Loop(); n++ {
		z.Instant(ical.Wall((n%10_000 + 10_000) * ical.Day))
	}
}
