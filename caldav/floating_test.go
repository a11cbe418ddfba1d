package caldav_test

import (
	"testing"

	"davit/dav/davtest"
	"davit/store"
)

// Busy time at a time without a zone is that of the calendar's zone, by each door that
// tells it. RFC 4791, sections 5.2.2 and 7.10
func TestBusyTimeInTheZoneOfTheCalendar(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia")
	lena, mia := s.As("lena"), s.As("mia")
	const calendar = "/caldav/lena/calendar/"
	put(lena, calendar+"day.ics", event("day", "Day off", "DTSTART;VALUE=DATE:20260320")).Want(t, 201)
	put(lena, calendar+"tea.ics", event("tea", "Tea", "DTSTART:20260310T090000", "DURATION:PT1H")).Want(t, 201)
	share(s, "calendar:~lena/calendar", "user:mia", "free-busy")
	query := func(c *davtest.Client, texts ...string) {
		t.Helper()
		c.Do("REPORT", calendar, `<C:free-busy-query`+calendarNS+`>`+span("time-range", "20260301T000000Z", "20260401T000000Z")+`</C:free-busy-query>`, "Depth", "1").Want(t, 200, texts...)
	}
	posted := func(texts ...string) {
		t.Helper()
		mia.Do("POST", "/caldav/mia/outbox/", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:ask\r\nDTSTAMP:20260101T000000Z\r\n"+
			"DTSTART:20260301T000000Z\r\nDTEND:20260401T000000Z\r\nORGANIZER:mailto:mia@example.com\r\nATTENDEE:mailto:lena@example.com\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n",
			"Content-Type", "text/calendar").Want(t, 200, texts...)
	}
	utc := []string{"20260310T090000Z/20260310T100000Z", "20260320T000000Z/20260321T000000Z"}
	query(lena, utc...)
	posted(utc...)
	lena.Do("PROPPATCH", calendar, `<D:propertyupdate`+calendarNS+`><D:set><D:prop><C:calendar-timezone>BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
`+westernZone+`END:VCALENDAR
</C:calendar-timezone></D:prop></D:set></D:propertyupdate>`).Want(t, 207, "200 OK")
	west := []string{"20260310T170000Z/20260310T180000Z", "20260320T080000Z/20260321T080000Z"}
	query(lena, west...)
	query(mia, west...)
	posted(west...)
}
