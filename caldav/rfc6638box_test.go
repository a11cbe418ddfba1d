package caldav_test

import (
	"net/http"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/store"
)

// cal is how an element of CalDAV begins in an answer.
func cal(name string) string { return ":" + name + ` xmlns` }

// sameTag holds the schedule tag of an answer against another.
func sameTag(t *testing.T, a, b http.Header, same bool) {
	t.Helper()
	x, y := a.Get("Schedule-Tag"), b.Get("Schedule-Tag")
	if x == "" || y == "" || (x == y) != same {
		t.Errorf("the schedule tags are %q and %q", x, y)
	}
}

// What RFC 6638 says of conflicts: sections 3.2.10, 8.2, 8.3 and 9.3.
func TestRFC6638Tags(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	const match = "If-Schedule-Tag-Match"
	first := c.invites(t, []string{"mia", "max"}).Want(t, 201)
	sameTag(t, first.Header, content(t, c.lena, atPlan).Header, true)
	sameTag(t, first.Header, c.lena.Do("HEAD", atPlan, "").Want(t, 200).Header, true)
	tag := first.Header.Get("Schedule-Tag")
	propfind(c.lena, atPlan, "0", "C:schedule-tag").Want(t, 207, `xmlns:x="urn:ietf:params:xml:ns:caldav">`+tag+"</x:schedule-tag>")
	c.lena.Do("PROPFIND", atPlan, `<propfind xmlns="DAV:"><allprop/></propfind>`, "Depth", "0").Want(t, 207, "!schedule-tag")
	c.lena.Do("PROPPATCH", atPlan, `<D:propertyupdate`+calendarNS+`><D:set><D:prop><C:schedule-tag>"1"</C:schedule-tag></D:prop></D:set></D:propertyupdate>`).
		Want(t, 207, "cannot-modify-protected-property")

	// An answer changes the organizer's tag not; the attendee's own PUT changes his.
	at, mias := copied(t, c.mia, "mia")
	answered := put(c.mia, at, answer(mias.Body, "mia", "ACCEPTED"), match, mias.Header.Get("Schedule-Tag")).Want(t, 204)
	sameTag(t, mias.Header, answered.Header, false)
	sameTag(t, first.Header, content(t, c.lena, atPlan).Header, true)
	put(c.mia, at, answer(mias.Body, "mia", "DECLINED"), match, mias.Header.Get("Schedule-Tag")).Want(t, 412)

	// What the organizer's client has not heard is merged, whatever it writes of it.
	second := put(c.lena, atPlan, planned([]string{"mia", "max"}, "LOCATION:here"), match, tag).Want(t, 204)
	sameTag(t, first.Header, second.Header, false)
	content(t, c.lena, atPlan, "PARTSTAT=ACCEPTED", "LOCATION:here")
	_, moved := copied(t, c.mia, "mia")
	sameTag(t, answered.Header, moved.Header, false)

	// With another tag nothing is done, whatever the method.
	for _, method := range []string{"PUT", "DELETE", "COPY", "MOVE"} {
		c.lena.Do(method, atPlan, planned([]string{"mia"}), "Content-Type", ics, "Destination", "/caldav/lena/calendar/other.ics", match, tag).Want(t, 412)
	}
	put(c.lena, "/caldav/lena/calendar/none.ics", event("none", "x"), match, tag).Want(t, 412)
	put(c.lena, "/caldav/lena/calendar/plain.ics", event("plain", "x")).Want(t, 201)
	put(c.lena, "/caldav/lena/calendar/plain.ics", event("plain", "y"), match, tag).Want(t, 412)

	// MOVE tells the tag of what it made, which is a new one; COPY of a meeting makes
	// a plain event elsewhere and has none to tell.
	there := c.lena.Do("MOVE", atPlan, "", "Destination", "/caldav/lena/calendar/moved.ics", match, second.Header.Get("Schedule-Tag")).Want(t, 201)
	sameTag(t, second.Header, there.Header, false)
	sameTag(t, there.Header, content(t, c.lena, "/caldav/lena/calendar/moved.ics").Header, true)
	c.Space("Team", "user:lena=editor")
	team := sharedAt.FindString(propfind(c.lena, "/caldav/lena/", "1", "displayname").Body)
	copied := c.lena.Do("COPY", "/caldav/lena/calendar/moved.ics", "", "Destination", team+"copy.ics", match, there.Header.Get("Schedule-Tag")).Want(t, 201)
	sameTag(t, copied.Header, content(t, c.lena, team+"copy.ics").Header, true)
	c.lena.Do("DELETE", "/caldav/lena/calendar/moved.ics", "", match, there.Header.Get("Schedule-Tag")).Want(t, 204)
}

// What RFC 6638 says of boxes, busy time and properties, section by section.
func TestRFC6638Boxes(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	put(lena, atPlan, planned([]string{"mia", "max"})).Want(t, 201)
	put(lena, atPlan, planned([]string{"mia", "max"}, "LOCATION:here")).Want(t, 204)
	share(s, "calendar:~mia/calendar", "user:lena", "free-busy")
	share(s, "calendar:~lena/calendar", "user:max", "creator")
	const (
		inbox, outbox, principal = "/caldav/mia/inbox/", "/caldav/mia/outbox/", "/principals/users/mia/"
		lenas                    = "/caldav/lena/outbox/"
		allprop                  = `<propfind xmlns="DAV:"><allprop/></propfind>`
	)
	names := func(names ...string) string {
		return `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><` + strings.Join(names, "/><") + `/></prop></propfind>`
	}
	question := func(lines ...string) string {
		all := append([]string{"UID:ask", "DTSTAMP:20260101T000000Z", "DTSTART:20260310T000000Z", "DTEND:20260312T000000Z",
			"ORGANIZER:mailto:lena@example.com", "ATTENDEE:mailto:mia@example.com"}, lines...)
		return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\n" + strings.Join(all, "\r\n") + "\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
	}
	without := func(line string) string { return strings.Replace(question(), line+"\r\n", "", 1) }
	setDefault := func(inner string) string {
		return `<D:propertyupdate` + calendarNS + `><D:set><D:prop><C:schedule-default-calendar-URL>` + inner + `</C:schedule-default-calendar-URL></D:prop></D:set></D:propertyupdate>`
	}
	setTransp := func(inner string) string {
		return `<D:propertyupdate` + calendarNS + `><D:set><D:prop><C:schedule-calendar-transp>` + inner + `</C:schedule-calendar-transp></D:prop></D:set></D:propertyupdate>`
	}
	shared := sharedAt.FindString(propfind(max, "/caldav/max/", "1", "displayname").Body)
	search := func(prop, text string) string {
		return `<D:principal-property-search` + calendarNS + `><D:property-search><D:prop><C:` + prop + `/></D:prop><D:match>` + text + `</D:match></D:property-search><D:prop><D:displayname/></D:prop></D:principal-property-search>`
	}
	zero := []string{"Depth", "0"}
	text := []string{"Content-Type", "text/calendar"}
	for _, row := range []struct {
		section            string
		as                 *davtest.Client
		method, path, body string
		headers            []string
		status             int
		want               []string
	}{
		{"2, no boxes by clients", mia, "MKCALENDAR", "/caldav/mia/inbox/", "", nil, 403, nil},
		{"2, none away by clients", mia, "DELETE", outbox, "", nil, 403, nil},
		{"2.1, the type of the outbox", mia, "PROPFIND", outbox, names("resourcetype"), zero, 207, []string{"<D:collection/>", "<C:schedule-outbox", "!C:calendar"}},
		{"2.1, what it takes", mia, "PROPFIND", outbox, names("C:supported-calendar-component-set", "C:supported-calendar-data", "C:max-resource-size", "C:max-attendees-per-instance"), zero,
			207, []string{`name="VFREEBUSY"`, "262144", "500", "!404"}},
		{"2.1.1 and 2.2.1, by name", mia, "PROPFIND", principal, names("C:schedule-outbox-URL", "C:schedule-inbox-URL"), zero, 207, []string{outbox, inbox}},
		{"2.1.1 and 2.2.1 and 2.4, not in allprop", mia, "PROPFIND", principal, allprop, zero, 207, []string{"!schedule-", "!calendar-user-"}},
		{"2.2, the type of the inbox", mia, "PROPFIND", inbox, names("resourcetype"), zero, 207, []string{"<D:collection/>", "<C:schedule-inbox", "!C:calendar"}},
		{"2.2, what it takes", mia, "PROPFIND", inbox, names("C:supported-calendar-component-set", "C:supported-calendar-data", "C:max-resource-size", "C:max-attendees-per-instance"), zero,
			207, []string{`name="VEVENT"`, `name="VTODO"`, "1048576", "500", "!404"}},
		{"2.2, no collections", mia, "MKCOL", inbox + "x/", "", nil, 403, nil},
		{"2.2, several of one UID", mia, "REPORT", inbox, asking("", `<C:comp-filter name="VEVENT"><C:prop-filter name="UID"><C:text-match>plan</C:text-match></C:prop-filter></C:comp-filter>`), []string{"Depth", "1"},
			207, []string{"LOCATION:here", "METHOD:REQUEST"}},
		{"2.3, no busy time", mia, "REPORT", inbox, `<C:free-busy-query` + calendarNS + `>` + span("time-range", "20260301T000000Z", "20260401T000000Z") + `</C:free-busy-query>`, []string{"Depth", "1"}, 403, []string{"supported-report"}},
		{"2.4.1, addresses", mia, "PROPFIND", principal, names("C:calendar-user-address-set"), zero, 207, []string{"<D:href>mailto:mia@example.com</D:href>", "<D:href>/principals/users/mia/</D:href>"}},
		{"2.4.1, searched by who may know them", lena, "REPORT", "/principals/", search("calendar-user-address-set", "mailto:max@"), zero, 207, []string{"/principals/users/max/", "!/lena/"}},
		{"2.4.1, searched by who may not", mia, "REPORT", "/principals/", search("calendar-user-address-set", "mailto:"), zero, 207, []string{"/principals/users/mia/", "!/max/"}},
		{"2.4.1, searched by the URL", mia, "REPORT", "/principals/", search("calendar-user-address-set", "/users/max/"), zero, 207, []string{"/principals/users/max/", "!/lena/"}},
		{"2.4.2, a type", mia, "PROPFIND", principal, names("C:calendar-user-type"), zero, 207, []string{"INDIVIDUAL"}},
		{"2.4.2, searched", mia, "REPORT", "/principals/", search("calendar-user-type", "INDIVIDUAL"), zero, 207, []string{"/principals/users/max/", "!/groups/"}},
		{"2.4, what is searched", mia, "REPORT", "/principals/", `<principal-search-property-set xmlns="DAV:"/>`, zero, 200, []string{"calendar-user-address-set", "calendar-user-type"}},
		{"4.3.1.1, the default calendar goes", mia, "DELETE", "/caldav/mia/calendar/", "", nil, 403, []string{cal("default-calendar-needed")}},
		{"4.3.1.1, the property goes", mia, "PROPPATCH", inbox, `<D:propertyupdate` + calendarNS + `><D:remove><D:prop><C:schedule-default-calendar-URL/></D:prop></D:remove></D:propertyupdate>`, nil, 403, []string{cal("default-calendar-needed")}},
		{"4.3.1.2, no calendar", mia, "PROPPATCH", inbox, setDefault("<D:href>/caldav/mia/</D:href>"), nil, 403, []string{cal("valid-schedule-default-calendar-URL")}},
		{"4.3.1.2, none of one's own", mia, "PROPPATCH", inbox, setDefault("<D:href>/caldav/lena/calendar/</D:href>"), nil, 403, []string{cal("valid-schedule-default-calendar-URL")}},
		{"4.3.1.2, no URL", mia, "PROPPATCH", inbox, setDefault(""), nil, 403, []string{cal("valid-schedule-default-calendar-URL")}},
		{"5, asked and answered", lena, "POST", lenas, question("ATTENDEE:mailto:nobody@example.com", "ATTENDEE:mailto:max@example.com"), text, 200, []string{
			"<C:schedule-response", "<C:response><C:recipient><D:href>mailto:mia@example.com</D:href></C:recipient><C:request-status>2.0;Success</C:request-status><C:calendar-data>BEGIN:VCALENDAR",
			"METHOD:REPLY", "UID:ask", "ORGANIZER:mailto:lena@example.com", "FREEBUSY;FBTYPE=BUSY:20260310T090000Z/20260310T100000Z",
			"<D:href>mailto:nobody@example.com</D:href></C:recipient><C:request-status>3.7;", "<D:href>mailto:max@example.com</D:href></C:recipient><C:request-status>3.8;"}},
		{"5.1, no such outbox", mia, "POST", lenas, question(), text, 404, nil},
		{"5.2, another form", lena, "POST", lenas, question(), []string{"Content-Type", "text/plain"}, 403, []string{cal("supported-calendar-data")}},
		{"5.2, no iCalendar", lena, "POST", lenas, "x", text, 403, []string{cal("valid-calendar-data")}},
		{"5.2, too large", lena, "POST", lenas, strings.Repeat("x", 300<<10), text, 403, []string{cal("max-resource-size")}},
		{"5.2.1, no METHOD", lena, "POST", lenas, without("METHOD:REQUEST"), text, 400, []string{cal("valid-scheduling-message")}},
		{"5.2.1, an event", lena, "POST", lenas, strings.ReplaceAll(question(), "VFREEBUSY", "VEVENT"), text, 400, []string{cal("valid-scheduling-message")}},
		{"5.2.1, no DTSTART", lena, "POST", lenas, without("DTSTART:20260310T000000Z"), text, 400, []string{cal("valid-scheduling-message")}},
		{"5.2.1, no DTEND", lena, "POST", lenas, without("DTEND:20260312T000000Z"), text, 400, []string{cal("valid-scheduling-message")}},
		{"5.2.1, nobody", lena, "POST", lenas, without("ATTENDEE:mailto:mia@example.com"), text, 400, []string{cal("valid-scheduling-message")}},
		{"5.2.1, no UID", lena, "POST", lenas, without("UID:ask"), text, 400, []string{cal("valid-scheduling-message")}},
		{"5.2.2, no ORGANIZER", lena, "POST", lenas, without("ORGANIZER:mailto:lena@example.com"), text, 403, []string{cal("valid-organizer")}},
		{"5.2.2, another ORGANIZER", lena, "POST", lenas, strings.Replace(question(), "ORGANIZER:mailto:lena", "ORGANIZER:mailto:max", 1), text, 403, []string{cal("valid-organizer")}},
		{"6.1, of the inbox", mia, "PROPFIND", inbox, names("supported-privilege-set"), zero, 207, []string{"schedule-deliver xmlns", "schedule-deliver-invite", "schedule-deliver-reply", "schedule-query-freebusy", "!abstract"}},
		{"6.2, of the outbox", mia, "PROPFIND", outbox, names("supported-privilege-set"), zero, 207, []string{"schedule-send xmlns", "schedule-send-invite", "schedule-send-reply", "schedule-send-freebusy", "!abstract"}},
		{"6.3, held as a whole", mia, "PROPFIND", outbox, names("current-user-privilege-set"), zero, 207, []string{"schedule-send xmlns", "schedule-send-invite", "schedule-send-reply", "schedule-send-freebusy"}},
		{"6.2.2 and B.6, in the name of somebody else", max, "PUT", shared + "new.ics", planned([]string{"mia"}), []string{"Content-Type", ics}, 403,
			[]string{"<D:need-privileges><D:resource><D:href>/caldav/lena/outbox/</D:href><D:privilege><x:schedule-send-invite xmlns"}},
		{"9.1, the default", mia, "PROPFIND", "/caldav/mia/calendar/", names("C:schedule-calendar-transp"), zero, 207, []string{"<C:opaque"}},
		{"9.1, not in allprop", mia, "PROPFIND", "/caldav/mia/calendar/", allprop, zero, 207, []string{"!schedule-calendar-transp"}},
		{"9.1, neither", mia, "PROPPATCH", "/caldav/mia/calendar/", setTransp("<C:glass/>"), nil, 207, []string{"403"}},
		{"9.1, transparent", mia, "PROPPATCH", "/caldav/mia/calendar/", setTransp("<C:transparent/>"), nil, 207, []string{"200 OK"}},
		{"9.1, of no busy time", lena, "POST", lenas, question(), text, 200, []string{"2.0;Success", "!FREEBUSY;"}},
		{"9.1, opaque", mia, "PROPPATCH", "/caldav/mia/calendar/", setTransp("<C:opaque/>"), nil, 207, []string{"200 OK"}},
		{"9.1, of busy time", lena, "POST", lenas, question(), text, 200, []string{"FREEBUSY;"}},
		{"9.2, told", mia, "PROPFIND", inbox, names("C:schedule-default-calendar-URL"), zero, 207, []string{"<D:href>/caldav/mia/calendar/</D:href>"}},
		{"9.2, another one", mia, "MKCALENDAR", "/caldav/mia/work/", "", nil, 201, nil},
		{"9.2, set", mia, "PROPPATCH", inbox, setDefault("<D:href>/caldav/mia/work/</D:href>"), nil, 207, []string{"200 OK"}},
		{"9.2, told again", mia, "PROPFIND", inbox, names("C:schedule-default-calendar-URL"), zero, 207, []string{"<D:href>/caldav/mia/work/</D:href>"}},
		{"4.3, the new default stays", mia, "DELETE", "/caldav/mia/work/", "", nil, 403, []string{cal("default-calendar-needed")}},
		{"4.3, the old one may go", mia, "DELETE", "/caldav/mia/calendar/", "", nil, 204, nil},
	} {
		t.Run(row.section, func(t *testing.T) {
			row.as.Do(row.method, row.path, row.body, row.headers...).Want(t, row.status, row.want...)
		})
	}
	if classes := mia.Do("OPTIONS", inbox, "").Want(t, 200).Header.Get("Dav"); !strings.Contains(classes, "calendar-auto-schedule") { // RFC 6638, section 2
		t.Errorf("the classes are %s", classes)
	}
}
