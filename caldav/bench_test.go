package caldav_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"davit/dav/davtest"
)

// benchEvents is how many events the calendar of the benchmarks has, a tenth of
// them weekly.
const benchEvents = 2000

func BenchmarkCalendar(b *testing.B) {
	s := davtest.Start(b, "mia")
	mia := s.As("mia")
	for i := range benchEvents {
		lines := []string{fmt.Sprintf("DTSTART:20%02d%02d%02dT%02d0000Z", 22+i%5, 1+i/5%12, 1+i/60%28, i%24), "DURATION:PT1H"}
		if i%10 == 0 {
			lines = append(lines, "RRULE:FREQ=WEEKLY;COUNT=30")
		}
		put(mia, fmt.Sprintf("/caldav/mia/calendar/%d.ics", i), event(fmt.Sprint("uid-", i), fmt.Sprint("Event ", i), lines...))
	}
	const month = `<C:time-range start="20260301T000000Z" end="20260401T000000Z"/>`
	query := func(data, filter string) string {
		return `<C:calendar-query` + calendarNS + `><D:prop><D:getetag/><C:calendar-data>` + data + `</C:calendar-data></D:prop>` +
			`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">` + filter + `</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
	}
	var hrefs strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&hrefs, "<D:href>/caldav/mia/calendar/%d.ics</D:href>", i)
	}
	for _, row := range []struct{ name, method, path, body string }{
		{"get", "GET", "/caldav/mia/calendar/7.ics", ""},
		{"month", "REPORT", "/caldav/mia/calendar/", query("", month)},
		{"month expanded", "REPORT", "/caldav/mia/calendar/", query(`<C:expand start="20260301T000000Z" end="20260401T000000Z"/>`, month)},
		{"uid", "REPORT", "/caldav/mia/calendar/", query("", `<C:prop-filter name="UID"><C:text-match collation="i;octet">uid-77</C:text-match></C:prop-filter>`)},
		{"multiget 1000", "REPORT", "/caldav/mia/calendar/", `<C:calendar-multiget` + calendarNS + `><D:prop><D:getetag/><C:calendar-data/></D:prop>` + hrefs.String() + `</C:calendar-multiget>`},
		{"free-busy", "REPORT", "/caldav/mia/calendar/", `<C:free-busy-query` + calendarNS + `>` + month + `</C:free-busy-query>`},
		{"etags", "PROPFIND", "/caldav/mia/calendar/", `<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>`},
		{"home", "PROPFIND", "/caldav/mia/", `<propfind xmlns="DAV:"><prop><displayname/><resourcetype/></prop></propfind>`},
	} {
		b.Run(row.name, func(b *testing.B) {
			answers := 0
			for b.Loop() {
				r := httptest.NewRequest(row.method, row.path, strings.NewReader(row.body))
				r.RemoteAddr = "127.0.0.1:1"
				r.Header.Set("Depth", "1")
				r.SetBasicAuth("mia", davtest.Password)
				w := httptest.NewRecorder()
				s.Handler.ServeHTTP(w, r)
				if w.Code != 207 && w.Code != 200 {
					b.Fatalf("%d: %s", w.Code, w.Body)
				}
				answers = strings.Count(w.Body.String(), "<D:response>")
			}
			b.ReportMetric(float64(answers), "resources")
		})
	}
}
