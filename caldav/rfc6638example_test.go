package caldav_test

import (
	"regexp"
	"strings"
	"testing"

	"davit/store"
)

// montreal is the zone of the examples.
const montreal = "BEGIN:VTIMEZONE\r\nTZID:America/Montreal\r\n" +
	"BEGIN:STANDARD\r\nDTSTART:20071104T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\r\nTZOFFSETFROM:-0400\r\nTZOFFSETTO:-0500\r\nEND:STANDARD\r\n" +
	"BEGIN:DAYLIGHT\r\nDTSTART:20070311T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\r\nTZOFFSETFROM:-0500\r\nTZOFFSETTO:-0400\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

// The examples of RFC 6638, appendix B: a lunch, and a review every day, of cyrus with
// wilfredo and bernard, who are here, and mike, who is not.
func TestRFC6638Examples(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "cyrus", "wilfredo", "bernard")
	cyrus, wilfredo, bernard := s.As("cyrus"), s.As("wilfredo"), s.As("bernard")
	const lunch, review = "/caldav/cyrus/calendar/9263504FD3AD.ics", "/caldav/cyrus/calendar/4FD3AD926350.ics"
	invited := func(names ...string) []string {
		lines := []string{`ORGANIZER;CN="Cyrus D.":mailto:cyrus@example.com`, `ATTENDEE;CN="Cyrus D.";CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED:mailto:cyrus@example.com`}
		for _, n := range names {
			lines = append(lines, `ATTENDEE;CN="`+n+`";CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE:mailto:`+n+"@example.com")
		}
		return lines
	}
	// B.1: who can be reached is told on the lines.
	body := event("9263504FD3AD", "Lunch", append(invited("wilfredo", "bernard", "mike"), "SEQUENCE:0", "DTSTART:20990602T160000Z", "DTEND:20990602T170000Z", "TRANSP:OPAQUE")...)
	put(cyrus, lunch, body, "If-None-Match", "*").Want(t, 201)
	content(t, cyrus, lunch, "RSVP=TRUE;SCHEDULE-STATUS=1.2:mailto:wilfredo@", "RSVP=TRUE;SCHEDULE-STATUS=1.2:mailto:bernard@", "RSVP=TRUE;SCHEDULE-STATUS=5.2:mailto:mike@")
	// B.2: the message, which its reader deletes.
	message := only(t, wilfredo, "/caldav/wilfredo/inbox/")
	content(t, wilfredo, message, "METHOD:REQUEST", "SEQUENCE:0", "SUMMARY:Lunch", "mailto:bernard@", "mailto:mike@", "!SCHEDULE-STATUS")
	wilfredo.Do("DELETE", message, "").Want(t, 204)
	// B.3: he accepts, and sets an alarm.
	at, got := copied(t, wilfredo, "wilfredo")
	alarmed := strings.Replace(answer(got.Body, "wilfredo", "ACCEPTED"), "END:VEVENT", "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\nEND:VEVENT", 1)
	put(wilfredo, at, alarmed, "If-Schedule-Tag-Match", got.Header.Get("Schedule-Tag")).Want(t, 204)
	content(t, wilfredo, at, "ORGANIZER;CN=Cyrus D.;SCHEDULE-STATUS=1.2:mailto:cyrus@", "BEGIN:VALARM", "PARTSTAT=ACCEPTED:mailto:wilfredo@")
	// B.4: the answer arrives.
	message = only(t, cyrus, "/caldav/cyrus/inbox/")
	content(t, cyrus, message, "METHOD:REPLY", "DTSTART:20990602T160000Z", "DTEND:20990602T170000Z", "ORGANIZER", "PARTSTAT=ACCEPTED:mailto:wilfredo@", "!bernard", "!VALARM")
	cyrus.Do("DELETE", message, "").Want(t, 204)
	content(t, cyrus, lunch, "PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;SCHEDULE-STATUS=2.0", "NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE;SCHEDULE-STATUS=1.2:mailto:bernard@", "!VALARM")
	// B.7: bernard declines the second day of a series in a zone.
	daily := event("4FD3AD926350", "Review", append(invited("bernard"), "DTSTART;TZID=America/Montreal:20990601T150000", "DTEND;TZID=America/Montreal:20990601T160000", "RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5")...)
	put(cyrus, review, strings.Replace(daily, "BEGIN:VEVENT", montreal+"BEGIN:VEVENT", 1)).Want(t, 201)
	for _, url := range listed(t, bernard, "/caldav/bernard/calendar/") {
		if r := content(t, bernard, url); strings.Contains(r.Body, "SUMMARY:Review") {
			at, got = url, r
		}
	}
	one := regexp.MustCompile(`(?s)BEGIN:VEVENT.*END:VEVENT\r\n`).FindString(got.Body)
	one = strings.NewReplacer("RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5", "TRANSP:TRANSPARENT",
		"DTSTART;TZID=America/Montreal:20990601", "RECURRENCE-ID;TZID=America/Montreal:20990602T150000\r\nDTSTART;TZID=America/Montreal:20990602",
		"DTEND;TZID=America/Montreal:20990601", "DTEND;TZID=America/Montreal:20990602").Replace(one)
	accepted := answer(got.Body, "bernard", "ACCEPTED")
	both := strings.Replace(accepted, "END:VCALENDAR", answer(one, "bernard", "DECLINED")+"END:VCALENDAR", 1)
	r := put(bernard, at, both, "If-Schedule-Tag-Match", got.Header.Get("Schedule-Tag")).Want(t, 204)
	message = only(t, cyrus, "/caldav/cyrus/inbox/")
	content(t, cyrus, message, "METHOD:REPLY", "TZID:America/Montreal", "RECURRENCE-ID;TZID=America/Montreal:20990602T150000",
		"DTEND;TZID=America/Montreal:20990602T160000", "PARTSTAT=DECLINED:mailto:bernard@")
	cyrus.Do("DELETE", message, "").Want(t, 204)
	content(t, cyrus, review, "RECURRENCE-ID;TZID=America/Montreal:20990602T150000", "PARTSTAT=DECLINED", "PARTSTAT=ACCEPTED;ROLE=REQ-PARTICIPANT;SCHEDULE-STATUS=2.0")
	// B.8: he takes the third day out.
	without := strings.Replace(both, "RRULE:FREQ=DAILY", "EXDATE;TZID=America/Montreal:20990603T150000\r\nRRULE:FREQ=DAILY", 1)
	put(bernard, at, without, "If-Schedule-Tag-Match", r.Header.Get("Schedule-Tag")).Want(t, 204)
	content(t, cyrus, only(t, cyrus, "/caldav/cyrus/inbox/"), "METHOD:REPLY", "RECURRENCE-ID;TZID=America/Montreal:20990603T150000",
		"DTSTART;TZID=America/Montreal:20990603T150000", "PARTSTAT=DECLINED:mailto:bernard@", "!20990602")
	content(t, cyrus, review, "RECURRENCE-ID;TZID=America/Montreal:20990603T150000")
}
