package caldav

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/caldav/filter"
	"davit/caldav/recur"
	"davit/caldav/zone"
	"davit/store"
)

// TestTakenIsBusyTime: what the index says of how an event takes time is what reading
// it says, in any range and for whoever reads it.
func TestTakenIsBusyTime(t *testing.T) {
	const seed, events = 7, 4000
	r := rand.New(rand.NewPCG(seed, 4791))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var floatings []*zone.Zone
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York"} {
		z, err := zone.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		floatings = append(floatings, z)
	}
	met := map[store.Busy]int{}
	for i := range events {
		day := 1 + r.IntN(28)
		at := func(hour int) string {
			return fmt.Sprintf("2026%02d%02dT%02d%02d00", 3, day, hour, 15*r.IntN(4))
		}
		zoned := pick(":%sZ", ";TZID=Europe/Berlin:%s", ";TZID=Europe/Berlin:%s", ":%s")
		lines := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", fmt.Sprintf("UID:%d", i), "DTSTAMP:20260101T000000Z"}
		if r.IntN(8) == 0 {
			lines = append(lines, fmt.Sprintf("DTSTART;VALUE=DATE:202603%02d", day))
		} else {
			lines = append(lines, "DTSTART"+fmt.Sprintf(zoned, at(r.IntN(12))))
			lines = append(lines, pick("DTEND"+fmt.Sprintf(zoned, at(12+r.IntN(12))), "DURATION:PT90M", "DURATION:P1D", "X-NO:end"))
		}
		lines = append(lines, pick("TRANSP:OPAQUE", "TRANSP:OPAQUE", "TRANSP:TRANSPARENT"), pick("STATUS:CONFIRMED", "STATUS:TENTATIVE", "STATUS:CANCELLED", "X-NO:status"))
		if r.IntN(8) == 0 {
			lines = append(lines, pick("RRULE:FREQ=DAILY;COUNT=3", "RDATE:20260401T100000Z"))
		}
		lines = append(lines, "BEGIN:VALARM", "ACTION:AUDIO", "TRIGGER:"+pick("-P1D", "-PT15M", "PT1H"), "END:VALARM", "END:VEVENT", "END:VCALENDAR", "")
		if r.IntN(8) == 0 { // an invitation to one instance more
			lines = append(lines[:len(lines)-3], "RECURRENCE-ID:20260301T080000Z", "END:VEVENT", "BEGIN:VEVENT", lines[4], lines[5],
				"DTSTART:20260302T080000Z", "DTEND:20260302T090000Z", "RECURRENCE-ID:20260302T080000Z", "END:VEVENT", "END:VCALENDAR", "")
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "RRULE") || strings.HasPrefix(l, "RDATE") })
		}
		content := []byte(strings.Join(lines, "\r\n"))
		o, err := Index(content, store.Near(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)))
		if err != nil {
			t.Fatalf("%v\n%s", err, content)
		}
		met[o.Busy]++
		if o.Busy == store.BusyUnknown {
			continue
		}
		for _, floating := range floatings {
			from := time.Date(2026, 2, 27, r.IntN(800), 0, 0, 0, time.UTC)
			within := &filter.Range{From: from, To: from.Add(time.Duration(1+r.IntN(100)) * time.Hour)}
			known, told := busyList{within: within}, busyList{within: within}
			if o.Busy != store.BusyFree && o.Extent.Meets(spanOf(within)) {
				known.addPeriods([]store.BusyPeriod{{Span: o.Taken, Busy: o.Busy}})
			}
			e, err := read(content, floating)
			if err != nil {
				t.Fatal(err)
			}
			for p, err := range e.series.Busy(within.From, within.To) {
				if err != nil {
					t.Fatal(err)
				}
				told.periods = append(told.periods, p)
			}
			same := func(a, b recur.BusyPeriod) bool {
				return a.Start.Equal(b.Start) && a.End.Equal(b.End) && a.Busy == b.Busy
			}
			if got, want := known.all(), told.all(); !slices.EqualFunc(got, want, same) {
				t.Fatalf("within %v the index tells %v, the content %v\n%s", within, got, want, content)
			}
		}
	}
	for _, busy := range []store.Busy{store.BusyUnknown, store.BusyFree, store.BusyTaken, store.BusyTentative} {
		if met[busy] < events/20 {
			t.Errorf("of %d events %d take time as %d: too few", events, met[busy], busy)
		}
	}
}
