package caldav_test

import (
	"fmt"
	"strings"
	"testing"

	"davit/dav/davtest"
)

// TestHostileBodies: what no client of good will sends is refused by its
// precondition, and leaves the calendar as it was.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	put(mia, "/caldav/mia/calendar/good.ics", event("good", "Good")).Want(t, 201)
	for name, body := range map[string]string{
		"empty":             "",
		"nested":            "BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:VEVENT\r\n", 10_000),
		"no end":            strings.TrimSuffix(event("x", "x"), "END:VCALENDAR\r\n"),
		"two calendars":     event("x", "x") + event("x", "x"),
		"a zero byte":       event("x", "a\x00b"),
		"no UTF-8":          event("x", "\xff\xfe"),
		"a long parameter":  event("x", "x", "DTSTART:20260101T000000Z", "X-A;P="+strings.Repeat("p", 1<<20)+":v"),
		"a long UID":        event(strings.Repeat("u", 5000), "x"),
		"no time":           event("x", "x", "DESCRIPTION:never"),
		"an endless search": event("x", "x", "DTSTART:20260101T000000Z", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;COUNT=5"),
		"a wrong rule":      event("x", "x", "DTSTART:20260101T000000Z", "RRULE:FREQ=SOMETIMES"),
		"an unknown zone":   event("x", "x", "DTSTART;TZID=Moon/Base:20260101T000000"),
	} {
		r := put(mia, "/caldav/mia/calendar/x.ics", body)
		if name == "an endless search" { // which has an instance, and costs nothing to look for others
			r.Want(t, 201)
			mia.Do("DELETE", "/caldav/mia/calendar/x.ics", "").Want(t, 204)
			continue
		}
		if r.Status != 403 || !strings.Contains(r.Body, "urn:ietf:params:xml:ns:caldav") {
			t.Errorf("%s: %d %.300s", name, r.Status, r.Body)
		}
	}
	propfind(mia, "/caldav/mia/calendar/", "1", "getetag").Want(t, 207, "good.ics", "!x.ics")
	deep := strings.Repeat(`<C:comp-filter name="VEVENT">`, 40) + strings.Repeat(`</C:comp-filter>`, 40)
	for name, body := range map[string]string{
		"deep": `<C:filter><C:comp-filter name="VCALENDAR">` + deep + `</C:comp-filter></C:filter>`,
		"wide": `<C:filter><C:comp-filter name="VCALENDAR">` + strings.Repeat(`<C:comp-filter name="VEVENT"/>`, 2000) + `</C:comp-filter></C:filter>`,
		"none": `<C:filter/>`,
	} {
		r := mia.Do("REPORT", "/caldav/mia/calendar/", `<C:calendar-query`+calendarNS+`><D:prop><D:getetag/></D:prop>`+body+`</C:calendar-query>`, "Depth", "1")
		if r.Status != 403 {
			t.Errorf("a filter that is %s: %d %.300s", name, r.Status, r.Body)
		}
	}
	// Series that take much work stop nothing: they are told one by one.
	put(mia, "/caldav/mia/calendar/much.ics", event("much", "Much", "DTSTART:20260101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY")).Want(t, 201)
	mia.Do("REPORT", "/caldav/mia/calendar/", fmt.Sprintf(`<C:calendar-query%s><D:prop><C:calendar-data><C:expand start="20260101T000000Z" end="20270101T000000Z"/></C:calendar-data></D:prop>`+
		`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260101T000000Z" end="20270101T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`, calendarNS), "Depth", "1").
		Want(t, 207, "max-instances", "SUMMARY:Good")
}
