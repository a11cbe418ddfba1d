package caldav_test

import (
	"strings"
	"testing"

	"davit/dav/davtest"
)

// component is an object with one component of any kind.
func component(kind, uid string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:" + kind + "\r\nUID:" + uid + "\r\nDTSTAMP:20260101T000000Z\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:" + kind + "\r\nEND:VCALENDAR\r\n"
}

// everyKind makes a calendar that has objects of every kind.
func everyKind(t *testing.T, mia *davtest.Client) {
	t.Helper()
	mia.Do("MKCALENDAR", "/caldav/mia/all/", "").Want(t, 201)
	weekly := event("weekly", "Weekly", "DTSTART;TZID=Europe/Berlin:20260302T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=5", "X-ROOM:North")
	moved := "BEGIN:VEVENT\r\nUID:weekly\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID;TZID=Europe/Berlin:20260316T090000\r\n" +
		"DTSTART;TZID=Europe/Berlin:20260317T150000\r\nDURATION:PT2H\r\nSUMMARY:Moved\r\nEND:VEVENT\r\n"
	for name, body := range map[string]string{
		"weekly": strings.Replace(weekly, "END:VCALENDAR", moved+"END:VCALENDAR", 1),
		"guest": event("guest", "Dinner", "DTSTART:20260305T180000Z", "DTEND:20260305T200000Z", "STATUS:TENTATIVE",
			"ATTENDEE;PARTSTAT=NEEDS-ACTION;CN=Mia:mailto:mia@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:max@example.org",
			"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:soon\r\nTRIGGER:-P1D\r\nEND:VALARM"),
		"day":     event("day", "Holiday", "DTSTART;VALUE=DATE:20260320", "TRANSP:TRANSPARENT"),
		"open":    component("VTODO", "open", "SUMMARY:Tidy up", "DUE:20260306T120000Z", "STATUS:NEEDS-ACTION"),
		"done":    component("VTODO", "done", "SUMMARY:Wash up", "DUE:20260306T120000Z", "COMPLETED:20260305T120000Z", "STATUS:COMPLETED"),
		"undated": component("VTODO", "undated", "SUMMARY:Some day"),
		"journal": component("VJOURNAL", "journal", "DTSTART;VALUE=DATE:20260307", "SUMMARY:Diary"),
		"away": component("VFREEBUSY", "away", "DTSTART:20260309T000000Z", "DTEND:20260310T000000Z",
			"FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260309T100000Z/PT2H,20260309T200000Z/PT1H"),
	} {
		put(mia, "/caldav/mia/all/"+name+".ics", body).Want(t, 201)
	}
}

// asking is a calendar-query for what a filter within VCALENDAR means.
func asking(data, filter string) string {
	return `<C:calendar-query` + calendarNS + `><D:prop><D:getetag/><C:calendar-data>` + data + `</C:calendar-data></D:prop>` +
		`<C:filter><C:comp-filter name="VCALENDAR">` + filter + `</C:comp-filter></C:filter></C:calendar-query>`
}

func span(element, from, to string) string {
	return `<C:` + element + ` start="` + from + `" end="` + to + `"/>`
}

// What RFC 4791 says of the reports, section by section, over HTTP.
func TestRFC4791Reports(t *testing.T) {
	t.Parallel()
	mia := davtest.Start(t, "mia").As("mia")
	everyKind(t, mia)
	in := func(kind, inner string) string {
		return `<C:comp-filter name="` + kind + `">` + inner + `</C:comp-filter>`
	}
	prop := func(name, inner string) string {
		return `<C:prop-filter name="` + name + `">` + inner + `</C:prop-filter>`
	}
	march := span("time-range", "20260301T000000Z", "20260401T000000Z")
	third := span("time-range", "20260316T000000Z", "20260318T000000Z")
	for _, row := range []struct {
		section, data, filter string
		status                int
		want                  []string
	}{
		{"7.5.1, unknown collation", "", in("VEVENT", prop("SUMMARY", `<C:text-match collation="i;klingon">x</C:text-match>`)), 403, []string{"supported-collation"}},
		{"7.6, some properties", `<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="SUMMARY"/><C:prop name="UID" novalue="yes"/></C:comp></C:comp>`,
			in("VEVENT", march), 207, []string{"SUMMARY:Dinner", "UID:&#xD;", "!DTSTART", "!PRODID", "!VALARM"}},
		{"7.8.1, by time", "", in("VEVENT", third), 207, []string{"weekly.ics", "SUMMARY:Moved", "!guest.ics", "!day.ics"}},
		{"7.8.2, limited recurrence", span("limit-recurrence-set", "20260301T000000Z", "20260304T000000Z"), in("VEVENT", march), 207, []string{"SUMMARY:Weekly", "RRULE", "!SUMMARY:Moved"}},
		{"7.8.3, expanded", span("expand", "20260316T000000Z", "20260318T000000Z"), in("VEVENT", third), 207,
			[]string{"RECURRENCE-ID:20260316T080000Z", "DTSTART:20260317T140000Z", "!RRULE", "!TZID", "!SUMMARY:Weekly"}},
		{"7.8.4, limited busy time", span("limit-freebusy-set", "20260309T000000Z", "20260309T130000Z"),
			in("VFREEBUSY", span("time-range", "20260309T000000Z", "20260309T130000Z")), 207, []string{"20260309T100000Z/PT2H", "!20260309T200000Z"}},
		{"7.8.5, by an alarm", "", in("VEVENT", in("VALARM", span("time-range", "20260304T170000Z", "20260304T190000Z"))), 207, []string{"guest.ics", "!weekly.ics"}},
		{"7.8.5, by no alarm then", "", in("VEVENT", in("VALARM", span("time-range", "20260305T170000Z", "20260305T190000Z"))), 207, []string{"!.ics"}},
		{"7.8.6, by UID", "", in("VEVENT", prop("UID", `<C:text-match collation="i;octet">guest</C:text-match>`)), 207, []string{"guest.ics", "!weekly.ics"}},
		{"7.8.7, by PARTSTAT", "", in("VEVENT", prop("ATTENDEE", `<C:text-match>mailto:mia@example.org</C:text-match><C:param-filter name="PARTSTAT"><C:text-match>needs-action</C:text-match></C:param-filter>`)),
			207, []string{"guest.ics", "!weekly.ics"}},
		{"7.8.7, of one and the same line", "", in("VEVENT", prop("ATTENDEE", `<C:text-match>mailto:max@example.org</C:text-match><C:param-filter name="PARTSTAT"><C:text-match>NEEDS-ACTION</C:text-match></C:param-filter>`)),
			207, []string{"!.ics"}},
		{"7.8.8, events only", "", in("VEVENT", ""), 207, []string{"weekly.ics", "guest.ics", "day.ics", "!open.ics", "!journal.ics", "!away.ics"}},
		{"7.8.9, what is to be done", "", in("VTODO", prop("COMPLETED", `<C:is-not-defined/>`)+prop("STATUS", `<C:text-match negate-condition="yes">CANCELLED</C:text-match>`)),
			207, []string{"open.ics", "!done.ics", "!undated.ics", "!weekly.ics"}},
		{"7.8.10, an unknown component", "", in("X-THING", march), 403, []string{"supported-filter"}},
		{"9.7.1, no such component", "", in("VEVENT", in("VALARM", `<C:is-not-defined/>`)), 207, []string{"weekly.ics", "day.ics", "!guest.ics"}},
		{"9.7.2, a property of a program's own", "", in("VEVENT", prop("X-ROOM", `<C:text-match>nor</C:text-match>`)), 207, []string{"weekly.ics", "!guest.ics"}},
		{"9.7.2, a property within a time", "", in("VTODO", prop("COMPLETED", span("time-range", "20260305T000000Z", "20260306T000000Z"))), 207, []string{"done.ics", "!open.ics"}},
		{"9.7.3, a parameter that is not there", "", in("VEVENT", prop("ATTENDEE", `<C:param-filter name="CN"><C:is-not-defined/></C:param-filter>`)), 207, []string{"guest.ics", "!weekly.ics"}},
		{"9.7.3, a parameter that all have", "", in("VEVENT", prop("ATTENDEE", `<C:param-filter name="PARTSTAT"><C:is-not-defined/></C:param-filter>`)), 207, []string{"!.ics"}},
		{"9.9, a task without a time is always", "", in("VTODO", span("time-range", "20990101T000000Z", "20990102T000000Z")), 207, []string{"undated.ics", "!open.ics", "!done.ics"}},
		{"9.9, a day", "", in("VJOURNAL", span("time-range", "20260307T120000Z", "20260307T130000Z")), 207, []string{"journal.ics"}},
		{"9.9, no end", "", in("VEVENT", `<C:time-range start="20260325T000000Z"/>`), 207, []string{"weekly.ics", "!guest.ics", "!day.ics"}},
		{"9.9, no beginning", "", in("VEVENT", `<C:time-range end="20260303T000000Z"/>`), 207, []string{"weekly.ics", "!guest.ics"}},
		{"9.9, neither", "", in("VEVENT", `<C:time-range/>`), 403, []string{"valid-filter"}},
		{"9.9, backwards", "", in("VEVENT", span("time-range", "20260401T000000Z", "20260301T000000Z")), 403, []string{"valid-filter"}},
		{"9.9, not in UTC", "", in("VEVENT", span("time-range", "20260301T000000", "20260401T000000")), 403, []string{"valid-filter"}},
		{"9.6, another form", "", "", 207, []string{"weekly.ics", "open.ics", "journal.ics", "away.ics"}},
	} {
		t.Run(row.section, func(t *testing.T) {
			mia.Do("REPORT", "/caldav/mia/all/", asking(row.data, row.filter), "Depth", "1").Want(t, row.status, row.want...)
		})
	}
}

// What RFC 4791 says of collections and objects, section by section, over HTTP.
func TestRFC4791Resources(t *testing.T) {
	t.Parallel()
	mia := davtest.Start(t, "mia").As("mia")
	everyKind(t, mia)
	const all = "/caldav/mia/all/"
	multiget := func(hrefs ...string) string {
		return `<C:calendar-multiget` + calendarNS + `><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>` + strings.Join(hrefs, "</D:href><D:href>") + `</D:href></C:calendar-multiget>`
	}
	for _, row := range []struct {
		section, method, path, body string
		headers                     []string
		status                      int
		want                        []string
	}{
		{"5.2.4, the forms", "PROPFIND", all, `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:supported-calendar-data/></prop></propfind>`, []string{"Depth", "0"}, 207, []string{`content-type="text/calendar"`, `version="2.0"`, "!404"}},
		{"5.2.5, the largest", "PROPFIND", all, `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:max-resource-size/></prop></propfind>`, []string{"Depth", "0"}, 207, []string{"10485760"}},
		{"5.2, nothing of it in allprop", "PROPFIND", all, `<propfind xmlns="DAV:"><allprop/></propfind>`, []string{"Depth", "0"}, 207, []string{"!max-resource-size", "!supported-calendar-data"}},
		{"5.3.1, a name that is there", "MKCALENDAR", all, "", nil, 403, []string{"resource-must-be-null"}},
		{"5.3.1, no parent", "MKCALENDAR", "/caldav/mia/none/work/", "", nil, 409, nil},
		{"5.3.2, an object over another", "PUT", all + "guest.ics", event("other", "x"), []string{"Content-Type", ics, "If-None-Match", "*"}, 412, nil},
		{"5.3.2.1, the UID of another", "PUT", all + "new.ics", event("guest", "x"), []string{"Content-Type", ics}, 409, []string{"no-uid-conflict", all + "guest.ics"}},
		{"5.3.2.1, a form that is not kept", "PUT", all + "new.ics", "{}", []string{"Content-Type", "application/calendar+json"}, 403, []string{"supported-calendar-data"}},
		{"7.5.1, the collations", "PROPFIND", all, `<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:supported-collation-set/></prop></propfind>`, []string{"Depth", "0"}, 207, []string{"i;ascii-casemap", "i;octet"}},
		{"7, the reports", "PROPFIND", all, `<propfind xmlns="DAV:"><prop><supported-report-set/></prop></propfind>`, []string{"Depth", "0"}, 207, []string{"calendar-query", "calendar-multiget", "free-busy-query", "sync-collection"}},
		{"7.8, of one object", "REPORT", all + "guest.ics", asking("", ""), []string{"Depth", "0"}, 403, []string{"supported-report"}},
		{"7.9, URLs of any form", "REPORT", all, multiget(all+"%67uest.ics", all+"none.ics", "/elsewhere/x.ics"), nil, 207, []string{"SUMMARY:Dinner", all + "none.ics</D:href><D:status>HTTP/1.1 404", "/elsewhere/x.ics</D:href><D:status>HTTP/1.1 404"}},
		{"7.9, from the home", "REPORT", "/caldav/mia/", multiget(all + "guest.ics"), nil, 207, []string{"SUMMARY:Dinner"}},
		{"7.10, busy time", "REPORT", all, `<C:free-busy-query` + calendarNS + `>` + span("time-range", "20260301T000000Z", "20260401T000000Z") + `</C:free-busy-query>`, []string{"Depth", "1"}, 200,
			[]string{"FREEBUSY;FBTYPE=BUSY:20260302T080000Z/20260302T090000Z", "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260305T180000Z/20260305T200000Z", "FREEBUSY;FBTYPE=BUSY:20260317T140000Z/20260317T160000Z",
				"FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260309T100000Z/20260309T120000Z", "!20260316T080000Z", "!20260320", "!Dinner", "!METHOD"}},
		{"7.10, without an end", "REPORT", all, `<C:free-busy-query` + calendarNS + `><C:time-range start="20260301T000000Z"/></C:free-busy-query>`, []string{"Depth", "1"}, 403, []string{"valid-filter"}},
		{"5.3.4, moved", "MOVE", all + "guest.ics", "", []string{"Destination", "/caldav/mia/calendar/guest.ics"}, 201, nil},
		{"5.3.4, a task where none is taken", "COPY", all + "open.ics", "", []string{"Destination", "/caldav/mia/calendar/open.ics"}, 403, []string{"supported-calendar-component"}},
		{"5.3.4, copied beside itself", "COPY", all + "day.ics", "", []string{"Destination", all + "again.ics"}, 409, []string{"no-uid-conflict"}},
	} {
		t.Run(row.section, func(t *testing.T) {
			mia.Do(row.method, row.path, row.body, row.headers...).Want(t, row.status, row.want...)
		})
	}
}
