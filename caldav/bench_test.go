//go:build unix

package caldav_test

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"davit/dav/davtest"
)

// benchEvents is how many events the calendar of the benchmarks has, a tenth of
// them weekly.
const benchEvents = 10_000

// processorTime is what this process has used so far: unlike the time that passes it
// does not hang on what else the machine does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func BenchmarkCalendar(b *testing.B) {
	s := davtest.Start(b, "mia")
	mia := s.As("mia")
	for i := range benchEvents {
		lines := []string{fmt.Sprintf("DTSTART:20%02d%02d%02dT%02d0000Z", 22+i%10, 1+i/10%12, 1+i/120%28, i%24), "DURATION:PT1H"}
		if i%10 == 0 {
			lines = append(lines, "RRULE:FREQ=WEEKLY;COUNT=30")
		}
		put(mia, fmt.Sprintf("/caldav/mia/calendar/%d.ics", i), event(fmt.Sprint("uid-", i), fmt.Sprint("Event ", i), lines...))
	}
	for i := range 98 { // with the two that everybody has
		mia.Do("MKCALENDAR", fmt.Sprintf("/caldav/mia/more-%d", i), "").Want(b, 201)
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
		{"uid", "REPORT", "/caldav/mia/calendar/", query("", `<C:prop-filter name="UID"><C:text-match collation="i;octet">uid-7777</C:text-match></C:prop-filter>`)},
		{"multiget 1000", "REPORT", "/caldav/mia/calendar/", `<C:calendar-multiget` + calendarNS + `><D:prop><D:getetag/><C:calendar-data/></D:prop>` + hrefs.String() + `</C:calendar-multiget>`},
		{"free-busy", "REPORT", "/caldav/mia/calendar/", `<C:free-busy-query` + calendarNS + `>` + month + `</C:free-busy-query>`},
		{"etags", "PROPFIND", "/caldav/mia/calendar/", `<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>`},
		{"sync initial", "REPORT", "/caldav/mia/calendar/", `<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`},
		{"home", "PROPFIND", "/caldav/mia/", `<propfind xmlns="DAV:"><prop><displayname/><resourcetype/></prop></propfind>`},
	} {
		b.Run(row.name, func(b *testing.B) {
			answers, answer := 0, new(bytes.Buffer) // grows once: a connection would not grow
			before := processorTime(b)
			for b.Loop() {
				r := httptest.NewRequest(row.method, row.path, strings.NewReader(row.body))
				r.RemoteAddr = "127.0.0.1:1"
				r.Header.Set("Depth", "1")
				r.SetBasicAuth("mia", davtest.Password)
				w := httptest.NewRecorder()
				answer.Reset()
				w.Body = answer
				s.Handler.ServeHTTP(w, r)
				if w.Code != 207 && w.Code != 200 {
					b.Fatalf("%d: %s", w.Code, w.Body)
				}
				answers = bytes.Count(w.Body.Bytes(), []byte("<D:response>"))
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(answers), "resources")
		})
	}
}
