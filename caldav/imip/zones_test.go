package imip_test

import (
	"regexp"
	"strings"
	"testing"

	"davit/caldav/imip"
	"davit/caldav/imip/imiptest"
)

// withoutZones is a message without the zones in it.
func withoutZones(message string) string {
	return regexp.MustCompile(`(?s)BEGIN:VTIMEZONE.*END:VTIMEZONE\r\n`).ReplaceAllString(message, "")
}

// A letter brings the zones that its times are in, though the client sent none.
func TestLetterBringsZones(t *testing.T) {
	t.Parallel()
	s := imiptest.Start(t, &imiptest.Server{})
	got := sent(t, s, imip.Plain, letter("REQUEST", append(invitation, "RRULE:FREQ=WEEKLY", "EXDATE;TZID=America/New_York:20260317T040000,20260324T040000")...))
	has(t, got.message, "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n", "TZID:America/New_York\r\n", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
		"DTSTART;TZID=Europe/Berlin:20260310T090000\r\n", "METHOD:REQUEST")
	if n := strings.Count(got.message, "BEGIN:VTIMEZONE"); n != 2 || got.file != got.message {
		t.Errorf("%d zones in\n%s", n, got.message)
	}
	if before, _, _ := strings.Cut(got.message, "BEGIN:VEVENT"); !strings.Contains(before, "END:VTIMEZONE") {
		t.Errorf("the zones stand behind what they are for:\n%s", got.message)
	}

	// What the client sent is what it says; what nobody knows stays as it is; times of
	// UTC need none.
	own := letter("REQUEST", "ORGANIZER:mailto:lena@example.com", "ATTENDEE:mailto:guest@example.org", "DTSTART;TZID=Own:20260310T090000", "DTEND;TZID=Nowhere:20260310T100000")
	own.Body = []byte(strings.Replace(string(own.Body), "BEGIN:VEVENT", "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0300\r\nTZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT", 1))
	if got := sent(t, s, imip.Plain, own); got.message != string(own.Body) {
		t.Errorf("a letter with its zone became\n%s", got.message)
	}
	utc := letter("CANCEL", "ORGANIZER:mailto:lena@example.com", "ATTENDEE:mailto:guest@example.org", "DTSTART:20260310T090000Z")
	if got := sent(t, s, imip.Plain, utc); got.message != string(utc.Body) {
		t.Errorf("a letter of UTC became\n%s", got.message)
	}
}
