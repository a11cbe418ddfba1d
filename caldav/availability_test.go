package caldav_test

import (
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/store"
)

// weekdays is when somebody can be asked: from nine to five, in Berlin.
func weekdays(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VAVAILABILITY\r\nUID:office\r\nDTSTAMP:20260101T000000Z\r\n" + strings.Join(lines, "\r\n") +
		"BEGIN:AVAILABLE\r\nUID:days\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;TZID=Europe/Berlin:20260302T090000\r\nDTEND;TZID=Europe/Berlin:20260302T170000\r\n" +
		"RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY\r\nEND:VCALENDAR\r\n"
}

func setAvailability(c *davtest.Client, inbox, namespace, value string) *davtest.Response {
	return c.Do("PROPPATCH", inbox, `<propertyupdate xmlns="DAV:"><set><prop><calendar-availability xmlns="`+namespace+`">`+value+`</calendar-availability></prop></set></propertyupdate>`)
}

// Who asks when somebody is busy is told when he cannot be asked at all, as far as he
// is told anything. RFC 7953, section 7
func TestAvailability(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max", "zoe")
	mia, max := s.As("mia"), s.As("max")
	ask := func(c *davtest.Client, name string) *davtest.Response {
		return c.Do("POST", "/caldav/"+name+"/outbox/", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:ask\r\nDTSTAMP:20260101T000000Z\r\n"+
			"ORGANIZER:mailto:"+name+"@example.com\r\nATTENDEE:mailto:mia@example.com\r\nDTSTART:20260310T000000Z\r\nDTEND:20260311T000000Z\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n", "Content-Type", "text/calendar")
	}
	if r := mia.Do("OPTIONS", "/caldav/mia/inbox/", ""); !strings.Contains(r.Header.Get("Dav"), "calendar-availability") {
		t.Errorf("OPTIONS tells %q", r.Header.Get("Dav"))
	}
	put(mia, "/caldav/mia/calendar/tea.ics", event("tea", "Tea")).Want(t, 201)
	share(s, "calendar:~mia/calendar", "user:max", "free-busy")
	const caldav, apple = "urn:ietf:params:xml:ns:caldav", "http://calendarserver.org/ns/"
	put(mia, "/caldav/mia/calendar/late.ics", event("late", "Late", "DTSTART:20260310T050000Z", "DTEND:20260310T060000Z")).Want(t, 201)
	const evening = "FBTYPE=BUSY-UNAVAILABLE:20260310T160000Z/20260311T000000Z"
	ask(max, "max").Want(t, 200, "FBTYPE=BUSY:20260310T090000Z/20260310T100000Z", "!UNAVAILABLE")
	setAvailability(mia, "/caldav/mia/inbox/", apple, weekdays()).Want(t, 207, "200 OK")
	ask(max, "max").Want(t, 200, "FBTYPE=BUSY:20260310T090000Z/20260310T100000Z", "FBTYPE=BUSY-UNAVAILABLE:20260310T000000Z/20260310T050000Z",
		"FBTYPE=BUSY:20260310T050000Z/20260310T060000Z", "FBTYPE=BUSY-UNAVAILABLE:20260310T060000Z/20260310T080000Z", evening)
	setAvailability(mia, "/caldav/mia/inbox/", caldav, weekdays("DTSTART:20260401T000000Z\r\n")).Want(t, 207, "200 OK")
	ask(max, "max").Want(t, 200, "!UNAVAILABLE") // the name of the standard comes first
	setAvailability(mia, "/caldav/mia/inbox/", caldav, weekdays()).Want(t, 207, "200 OK")
	ask(max, "max").Want(t, 200, evening)
	propfind(mia, "/caldav/mia/inbox/", "0", "C:calendar-availability").Want(t, 207, "BEGIN:VAVAILABILITY")
	ask(s.As("zoe"), "zoe").Want(t, 200, "3.8", "!UNAVAILABLE")
	setAvailability(max, "/caldav/mia/inbox/", caldav, weekdays()).Want(t, 404)
	for name, value := range map[string]string{
		"no calendar":   "nine to five",
		"an event":      event("x", "x"),
		"beside it":     strings.Replace(weekdays(), "END:VCALENDAR", "BEGIN:VEVENT\r\nUID:x\r\nDTSTART:20260101T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR", 1),
		"nothing":       "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n",
		"a wrong order": weekdays("PRIORITY:11\r\n"),
	} {
		if r := setAvailability(mia, "/caldav/mia/inbox/", caldav, value); r.Status != 207 || !strings.Contains(r.Body, "valid-calendar-data") {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	ask(max, "max").Want(t, 200, evening)
	mia.Do("PROPPATCH", "/caldav/mia/inbox/", `<propertyupdate xmlns="DAV:"><remove><prop><calendar-availability xmlns="`+caldav+`"/><calendar-availability xmlns="`+apple+`"/></prop></remove></propertyupdate>`).Want(t, 207, "200 OK")
	ask(max, "max").Want(t, 200, "!UNAVAILABLE")
}

// What a calendar holds of it counts in the busy time of that calendar.
func TestAvailabilityInCalendars(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	mia, max := s.As("mia"), s.As("max")
	put(mia, "/caldav/mia/calendar/office.ics", weekdays()).Want(t, 403, "supported-calendar-component")
	mia.Do("MKCALENDAR", "/caldav/mia/hours/", "").Want(t, 201)
	propfind(mia, "/caldav/mia/hours/", "0", "C:supported-calendar-component-set").Want(t, 207, `name="VAVAILABILITY"`)
	put(mia, "/caldav/mia/hours/office.ics", weekdays()).Want(t, 201)
	put(mia, "/caldav/mia/hours/wrong.ics", strings.ReplaceAll(weekdays("PRIORITY:x\r\n"), "UID:office", "UID:other")).Want(t, 403, "valid-calendar-data")
	put(mia, "/caldav/mia/hours/later.ics", strings.ReplaceAll(weekdays("DTSTART:20270101T000000Z\r\nPRIORITY:1\r\nBUSYTYPE:BUSY\r\n"), "UID:office", "UID:later")).Want(t, 201)
	mia.Do("GET", "/caldav/mia/hours/office.ics", "").Want(t, 200, "BEGIN:AVAILABLE")
	busy := func(day string) string {
		return `<C:free-busy-query` + calendarNS + `><C:time-range start="` + day + `T000000Z" end="` + day + `T235900Z"/></C:free-busy-query>`
	}
	share(s, "calendar:~mia/hours", "user:max", "free-busy")
	max.Do("REPORT", "/caldav/mia/hours/", busy("20260310")).Want(t, 200, "BUSY-UNAVAILABLE:20260310T000000Z/20260310T080000Z", "BUSY-UNAVAILABLE:20260310T160000Z/", "!office", "!FBTYPE=BUSY:")
	max.Do("REPORT", "/caldav/mia/hours/", busy("20270310")).Want(t, 200, "FBTYPE=BUSY:20270310T000000Z/20270310T080000Z", "!UNAVAILABLE")
	within := func(start, end string) *davtest.Response {
		return mia.Do("REPORT", "/caldav/mia/hours/", `<C:calendar-query`+calendarNS+`><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VAVAILABILITY">`+
			`<C:time-range start="`+start+`" end="`+end+`"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`, "Depth", "1").Want(t, 207)
	}
	within("20260310T000000Z", "20260311T000000Z").Want(t, 207, "office.ics", "!later.ics")
	within("20261231T000000Z", "20270101T000000Z").Want(t, 207, "office.ics", "!later.ics")
	within("20261231T000000Z", "20270101T000001Z").Want(t, 207, "office.ics", "later.ics")
	put(mia, "/caldav/mia/hours/own.ics", strings.ReplaceAll(weekdays("CLASS:PRIVATE\r\nSUMMARY:Clinic\r\nDTSTART:20280101T000000Z\r\n"), "UID:office", "UID:own")).Want(t, 201)
	share(s, "calendar:~mia/hours", "user:max", "viewer")
	max.Do("GET", "/caldav/mia/hours/office.ics", "").Want(t, 200, "BEGIN:AVAILABLE")
	max.Do("GET", "/caldav/mia/hours/own.ics", "").Want(t, 200, "DTSTART:20280101T000000Z", "!Clinic", "!AVAILABLE")
	if n, err := s.Store.Reindex(t.Context(), func(fault string) { t.Error(fault) }); err != nil || n != 3 {
		t.Errorf("%d objects indexed anew, %v", n, err)
	}
}
