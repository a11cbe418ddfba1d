package caldav_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
)

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "8")
	m.Run()
}

// event is an object with a UID; further lines follow its summary.
func event(uid, summary string, lines ...string) string {
	if len(lines) == 0 {
		lines = []string{"DTSTART:20260310T090000Z", "DTEND:20260310T100000Z"}
	}
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:" +
		summary + "\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

const ics = "text/calendar; charset=utf-8"

func put(c *davtest.Client, path, body string, headers ...string) *davtest.Response {
	return c.Do("PUT", path, body, append([]string{"Content-Type", ics}, headers...)...)
}

func propfind(c *davtest.Client, path, depth string, names ...string) *davtest.Response {
	var props strings.Builder
	for _, n := range names {
		fmt.Fprintf(&props, "<%s/>", n)
	}
	return c.Do("PROPFIND", path, `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"><prop>`+
		props.String()+`</prop></propfind>`, "Depth", depth)
}

const calendarNS = ` xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"`

func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	nobody, mia := s.As(""), s.As("mia")
	r := nobody.Do("PROPFIND", "/.well-known/caldav", "")
	if r.Want(t, 301); r.Header.Get("Location") != "/caldav/" {
		t.Errorf("sent to %q", r.Header.Get("Location"))
	}
	nobody.Do("PROPFIND", "/caldav/", "").Want(t, 401)
	for _, p := range []string{"/", "/dav/", "/caldav/", "/caldav/mia/", "/caldav/mia/calendar/", "/principals/users/mia/"} {
		propfind(mia, p, "0", "current-user-principal").Want(t, 207, "<D:href>/principals/users/mia/</D:href>")
		if r := mia.Do("OPTIONS", p, "").Want(t, 200); !strings.Contains(r.Header.Get("Dav"), "calendar-access") {
			t.Errorf("OPTIONS %s tells %q", p, r.Header.Get("Dav"))
		}
	}
	propfind(mia, "/principals/users/mia/", "0", "C:calendar-home-set", "C:calendar-user-address-set", "S:calendar-proxy-read-for").
		Want(t, 207, "<D:href>/caldav/mia/</D:href>", "!404")
	propfind(mia, "/caldav/mia/", "1", "resourcetype", "displayname", "C:supported-calendar-component-set", "S:getctag", "current-user-privilege-set", "owner").
		Want(t, 207, "/caldav/mia/calendar/", "/caldav/mia/tasks/", `name="VTODO"`, "C:calendar", "<D:bind/>")
	mia.Do("PROPFIND", "/caldav/max/", "", "Depth", "0").Want(t, 404)
	mia.Do("PROPFIND", "/caldav/max/calendar/", "", "Depth", "0").Want(t, 404)
	if a, b := mia.Do("PROPFIND", "/caldav/max/", "").Body, mia.Do("PROPFIND", "/caldav/nobody/", "").Body; a != b {
		t.Errorf("a home that is there answers %q, one that is not %q", a, b)
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	body := event("one", "Tea\\, and cake", "DTSTART;TZID=Europe/Berlin:20260310T090000", "X-KEPT;X-P=\"a;b\":as it was")
	created := put(mia, "/caldav/mia/calendar/a.ics", body, "If-None-Match", "*").Want(t, 201)
	got := mia.Do("GET", "/caldav/mia/calendar/a.ics", "").Want(t, 200)
	if got.Body != body || got.Header.Get("Etag") != created.Header.Get("Etag") {
		t.Errorf("came back as %q with ETag %s", got.Body, got.Header.Get("Etag"))
	}
	put(mia, "/caldav/mia/calendar/a.ics", body, "If-None-Match", "*").Want(t, 412)
	put(mia, "/caldav/mia/calendar/a.ics", body, "If-Match", `"other"`).Want(t, 412)
	put(mia, "/caldav/mia/calendar/b.ics", body).Want(t, 409, "no-uid-conflict", "/caldav/mia/calendar/a.ics")
	for name, row := range map[string][2]string{
		"no calendar":     {"hello", "valid-calendar-data"},
		"a method":        {strings.Replace(event("m", "x"), "VERSION", "METHOD:PUBLISH\r\nVERSION", 1), "valid-calendar-object-resource"},
		"two UIDs":        {strings.Replace(event("m", "x"), "END:VCALENDAR", "BEGIN:VEVENT\r\nUID:n\r\nDTSTART:20260101\r\nEND:VEVENT\r\nEND:VCALENDAR", 1), "valid-calendar-object-resource"},
		"a task":          {strings.ReplaceAll(event("m", "x"), "VEVENT", "VTODO"), "supported-calendar-component"},
		"another version": {strings.Replace(event("m", "x"), "2.0", "1.0", 1), "supported-calendar-data"},
	} {
		if r := put(mia, "/caldav/mia/calendar/x.ics", row[0]).Want(t, 403, row[1]); t.Failed() {
			t.Fatalf("%s: %s", name, r.Body)
		}
	}
	mia.Do("PUT", "/caldav/mia/calendar/x.ics", "<a/>", "Content-Type", "text/xml").Want(t, 403, "supported-calendar-data")
	put(mia, "/caldav/mia/x.ics", body).Want(t, 403, "calendar-collection-location-ok")
	put(mia, "/caldav/mia/calendar/large.ics", event("l", strings.Repeat("x", 11<<20))).Want(t, 403, "max-resource-size")
	tag := func() string { return propfind(mia, "/caldav/mia/calendar/", "0", "S:getctag").Want(t, 207).Body }
	before := tag()
	mia.Do("DELETE", "/caldav/mia/calendar/a.ics", "").Want(t, 204)
	if tag() == before {
		t.Error("a removal leaves the tag of the calendar as it was")
	}
	put(mia, "/caldav/mia/calendar/b.ics", body).Want(t, 201) // the trash holds no UID
	mia.Do("GET", "/caldav/mia/calendar/", "").Want(t, 200, "BEGIN:VCALENDAR", "UID:one", "END:VCALENDAR")
	mia.Do("DELETE", "/caldav/mia/", "").Want(t, 403)
	mia.Do("PUT", "/dav/home/%01calendars/calendar/x", "x").Want(t, 400)
	mia.Do("PROPFIND", "/dav/home/", "", "Depth", "infinity").Want(t, 207, "!calendar")
}

// No door to files, present or past, shows what calendars hold.
func TestFilesShowNoCalendars(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/file.txt", "x").Want(t, 201)
	mia.Do("PUT", "/dav/home/gone.txt", "x").Want(t, 201)
	for _, name := range []string{"kept", "gone"} {
		put(mia, "/caldav/mia/calendar/"+name+".ics", event(name, "secret", "CLASS:PRIVATE", "DTSTART:20260310T090000Z")).Want(t, 201)
	}
	put(mia, "/caldav/mia/calendar/kept.ics", event("kept", "other")).Want(t, 204)
	mia.Do("DELETE", "/caldav/mia/calendar/gone.ics", "").Want(t, 204)
	mia.Do("DELETE", "/dav/home/gone.txt", "").Want(t, 204)
	const searching = `<searchrequest xmlns="DAV:"><basicsearch><select><prop><getetag/></prop></select>` +
		`<from><scope><href>/dav/home/</href><depth>infinity</depth></scope></from></basicsearch></searchrequest>`
	for _, r := range []*davtest.Response{
		mia.Do("PROPFIND", "/dav/home/", "", "Depth", "infinity").Want(t, 207, "file.txt"),
		mia.Do("REPORT", "/dav/home/", `<sync-collection xmlns="DAV:"><sync-token/><sync-level>infinite</sync-level><prop><getetag/></prop></sync-collection>`).Want(t, 207, "file.txt"),
		mia.Do("SEARCH", "/dav/home/", searching).Want(t, 207, "file.txt"),
		mia.Do("PROPFIND", "/dav/.trash/home/", "", "Depth", "1").Want(t, 207, "gone"),
		mia.Do("PROPFIND", "/dav/.versions/home/", "", "Depth", "1").Want(t, 207, "file.txt"),
	} {
		if strings.Contains(r.Body, "ics") || strings.Contains(r.Body, "alendar") {
			t.Errorf("a door to files shows %s", r.Body)
		}
	}
	for n := range 20 {
		mia.Do("GET", fmt.Sprintf("/dav/.trash/home/gone%%20(%d).ics", n), "").Want(t, 404)
	}
}

func TestMakingCalendars(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	mia := s.As("mia")
	body := `<C:mkcalendar` + calendarNS + `><D:set><D:prop><D:displayname>Work</D:displayname><A:calendar-color>#112233FF</A:calendar-color>` +
		`<C:calendar-description xml:lang="en">mine</C:calendar-description>` +
		`<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>`
	mia.Do("MKCALENDAR", "/caldav/mia/work", body).Want(t, 201)
	propfind(mia, "/caldav/mia/work/", "0", "displayname", "A:calendar-color", "C:supported-calendar-component-set", "C:calendar-description").
		Want(t, 207, "Work", "#112233FF", `name="VEVENT"`, "!VTODO", "mine", "!404")
	mia.Do("MKCALENDAR", "/caldav/mia/work", "").Want(t, 403, "resource-must-be-null")
	mia.Do("MKCALENDAR", "/caldav/mia/work/inner", "").Want(t, 403, "calendar-collection-location-ok")
	mia.Do("MKCALENDAR", "/caldav/mia/shared-1", "").Want(t, 403, "calendar-collection-location-ok")
	mia.Do("MKCALENDAR", "/caldav/max/work", "").Want(t, 409)
	wrongZone := `<C:mkcalendar` + calendarNS + `><D:set><D:prop><C:calendar-timezone>nonsense</C:calendar-timezone></D:prop></D:set></C:mkcalendar>`
	mia.Do("MKCALENDAR", "/caldav/mia/zone", wrongZone).Want(t, 403, "valid-calendar-data")
	mia.Do("PROPFIND", "/caldav/mia/zone", "").Want(t, 404)
	mkcol := `<D:mkcol` + calendarNS + `><D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Col</D:displayname></D:prop></D:set></D:mkcol>`
	mia.Do("MKCOL", "/caldav/mia/col", mkcol).Want(t, 201)
	propfind(mia, "/caldav/mia/col/", "0", "displayname", "resourcetype").Want(t, 207, "Col", "C:calendar")
	mia.Do("MKCOL", "/caldav/mia/plain", "").Want(t, 403)
	mia.Do("PROPPATCH", "/caldav/mia/col/", `<D:propertyupdate`+calendarNS+`><D:set><D:prop><C:supported-calendar-component-set/></D:prop></D:set></D:propertyupdate>`).
		Want(t, 207, "cannot-modify-protected-property")
	mia.Do("MOVE", "/caldav/mia/col/", "", "Destination", "/caldav/mia/moved/").Want(t, 201)
	mia.Do("DELETE", "/caldav/mia/moved/", "").Want(t, 204)
	mia.Do("PROPFIND", "/caldav/mia/", "", "Depth", "1").Want(t, 207, "!moved", "/work/")
}

// share gives somebody a level on one of lena's calendars.
func share(s *davtest.Server, calendar, who, level string) {
	rights, _ := policy.LevelRights(level)
	s.EntryAt(calendar, who, policy.Entry{Level: level, Allow: rights})
}

func TestSharedCalendars(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "lena", "max", "zoe")
	s.Group("staff", "user:max")
	lena, max, zoe := s.As("lena"), s.As("max"), s.As("zoe")
	put(lena, "/caldav/lena/calendar/a.ics", event("a", "Plan")).Want(t, 201)
	put(lena, "/caldav/lena/calendar/p.ics", event("p", "Doctor", "DTSTART:20260311T090000Z", "CLASS:PRIVATE", "LOCATION:Hospital")).Want(t, 201)
	propfind(max, "/caldav/max/", "1", "displayname").Want(t, 207, "!lena")
	share(s, "calendar:~lena/calendar", "group:staff", "viewer")
	listed := propfind(max, "/caldav/max/", "1", "displayname", "current-user-privilege-set").Want(t, 207, "calendar (lena)", "shared-")
	at := listed.Body[strings.Index(listed.Body, "/caldav/max/shared-"):]
	at = at[:strings.Index(at, "<")]
	max.Do("GET", at+"a.ics", "").Want(t, 200, "Plan")
	max.Do("GET", at+"p.ics", "").Want(t, 200, "SUMMARY:Busy", "!Doctor", "!Hospital")
	max.Do("GET", at+"p.ics", "", "If-None-Match", `"other"`).Want(t, 200, "SUMMARY:Busy", "END:VCALENDAR", "!Hospital")
	max.Do("GET", at+"p.ics", "", "Range", "bytes=0-14").Want(t, 206, "BEGIN:VCALENDAR")
	put(max, at+"p.ics", "", "If-Match", `"other"`, "Prefer", "return=representation").Want(t, 403, "!Hospital")
	max.Do("GET", at, "").Want(t, 200, "Plan", "SUMMARY:Busy", "!Hospital")
	put(max, at+"a.ics", event("a", "Mine")).Want(t, 403, "need-privileges", at+"a.ics")
	max.Do("MKCALENDAR", at+"inner", "").Want(t, 403)
	zoe.Do("PROPFIND", strings.Replace(at, "/max/", "/zoe/", 1), "", "Depth", "0").Want(t, 404)
	max.Do("PROPFIND", "/dav/shared/", "", "Depth", "1").Want(t, 207, "!lena") // there are no files to see
	max.Do("PROPFIND", "/dav/shared/lena/", "", "Depth", "0").Want(t, 404)
	// A name and a colour of one's own.
	patch := `<D:propertyupdate` + calendarNS + `><D:set><D:prop><D:displayname>The boss</D:displayname><A:calendar-color>#FF0000FF</A:calendar-color></D:prop></D:set></D:propertyupdate>`
	max.Do("PROPPATCH", at, patch).Want(t, 207, "200 OK")
	propfind(max, at, "0", "displayname", "A:calendar-color").Want(t, 207, "The boss", "#FF0000FF")
	propfind(max, "/caldav/max/", "1", "displayname").Want(t, 207, "The boss")
	propfind(lena, "/caldav/lena/calendar/", "0", "displayname", "A:calendar-color").Want(t, 207, "!The boss", "!FF0000")
	max.Do("PROPFIND", "/caldav/max/", "", "Depth", "0").Want(t, 207, "!FF0000")
	// The owner renames; the place stays.
	lena.Do("MOVE", "/caldav/lena/calendar/", "", "Destination", "/caldav/lena/renamed/").Want(t, 201)
	max.Do("GET", at+"a.ics", "").Want(t, 200, "Plan")
	share(s, "calendar:~lena/renamed", "group:staff", "editor")
	put(max, at+"a.ics", event("a", "Changed")).Want(t, 204)
	put(max, at+"p.ics", event("p", "Unmasked")).Want(t, 403)
	max.Do("DELETE", at, "").Want(t, 403)
	max.Do("COPY", at+"p.ics", "", "Destination", "/caldav/max/calendar/p.ics").Want(t, 403)
	max.Do("COPY", at+"a.ics", "", "Destination", "/caldav/max/calendar/a.ics").Want(t, 201)
	share(s, "calendar:~lena/renamed", "group:staff", "free-busy")
	propfind(max, "/caldav/max/", "1", "displayname").Want(t, 207, "!lena", "!The boss")
	max.Do("GET", at+"a.ics", "").Want(t, 404)
	busy := `<C:free-busy-query` + calendarNS + `><C:time-range start="20260301T000000Z" end="20260401T000000Z"/></C:free-busy-query>`
	for _, p := range []string{at, "/caldav/lena/renamed/"} {
		max.Do("REPORT", p, busy).Want(t, 200, "FREEBUSY;FBTYPE=BUSY:20260310T090000Z/20260310T100000Z", "!Changed", "!Doctor")
	}
	zoe.Do("REPORT", "/caldav/lena/renamed/", busy).Want(t, 404)
}

// westernZone is eight hours behind UTC.
const westernZone = "BEGIN:VTIMEZONE\nTZID:West\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:-0800\nTZOFFSETTO:-0800\nEND:STANDARD\nEND:VTIMEZONE\n"

func TestReports(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	put(mia, "/caldav/mia/calendar/w.ics", event("w", "Weekly", "DTSTART:20260302T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")).Want(t, 201)
	put(mia, "/caldav/mia/calendar/s.ics", event("s", "Single")).Want(t, 201)
	put(mia, "/caldav/mia/calendar/d.ics", event("d", "Day", "DTSTART;VALUE=DATE:20260501")).Want(t, 201)
	query := func(data, filter string) *davtest.Response {
		return mia.Do("REPORT", "/caldav/mia/calendar/", `<C:calendar-query`+calendarNS+`><D:prop><D:getetag/><C:calendar-data>`+data+`</C:calendar-data></D:prop>`+
			`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">`+filter+`</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`, "Depth", "1")
	}
	query("", `<C:time-range start="20260310T000000Z" end="20260311T000000Z"/>`).Want(t, 207, "s.ics", "SUMMARY:Single", "!w.ics", "!d.ics")
	query("", `<C:time-range start="20560301T000000Z" end="20560308T000000Z"/>`).Want(t, 207, "w.ics", "RRULE", "!s.ics")
	query("", `<C:time-range start="20260430T230000Z" end="20260501T010000Z"/>`).Want(t, 207, "d.ics", "!w.ics")
	query(`<C:expand start="20260309T000000Z" end="20260310T000000Z"/>`, `<C:time-range start="20260309T000000Z" end="20260310T000000Z"/>`).
		Want(t, 207, "RECURRENCE-ID:20260309T090000Z", "!RRULE")
	query("", `<C:prop-filter name="UID"><C:text-match collation="i;octet">w</C:text-match></C:prop-filter>`).Want(t, 207, "w.ics", "!s.ics")
	query("", `<C:prop-filter name="SUMMARY"><C:text-match>SING</C:text-match></C:prop-filter>`).Want(t, 207, "s.ics", "!w.ics")
	// Days are those of the zone that is asked for: far west one goes on when the next
	// has begun in UTC.
	put(mia, "/caldav/mia/calendar/r.ics", event("r", "Rent", "DTSTART;VALUE=DATE:20260302", "RRULE:FREQ=MONTHLY")).Want(t, 201)
	late := `<C:time-range start="20260303T010000Z" end="20260303T020000Z"/>`
	query("", late).Want(t, 207, "!r.ics")
	mia.Do("REPORT", "/caldav/mia/calendar/", `<C:calendar-query`+calendarNS+`><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR">`+
		`<C:comp-filter name="VEVENT">`+late+`</C:comp-filter></C:comp-filter></C:filter><C:timezone>BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
`+westernZone+`END:VCALENDAR
</C:timezone></C:calendar-query>`, "Depth", "1").Want(t, 207, "r.ics")
	query("", `<C:time-range start="2026"/>`).Want(t, 403, "valid-filter")
	mia.Do("REPORT", "/caldav/mia/calendar/", `<C:calendar-multiget`+calendarNS+`><D:prop><D:getetag/><C:calendar-data/></D:prop>`+
		`<D:href>/caldav/mia/calendar/s.ics</D:href><D:href>/caldav/mia/calendar/gone.ics</D:href><D:href>/dav/home/</D:href></C:calendar-multiget>`).
		Want(t, 207, "SUMMARY:Single", "<D:href>/caldav/mia/calendar/gone.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status>")
}
