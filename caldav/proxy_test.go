package caldav_test

import (
	"slices"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// setProxies is what a client sends to make these the members of a group of proxies.
func setProxies(c *davtest.Client, group string, members ...string) *davtest.Response {
	var hrefs strings.Builder
	for _, m := range members {
		hrefs.WriteString("<href>" + m + "</href>")
	}
	return c.Do("PROPPATCH", group, `<propertyupdate xmlns="DAV:"><set><prop><group-member-set>`+hrefs.String()+`</group-member-set></prop></set></propertyupdate>`)
}

const (
	lenasReaders = "/principals/users/lena/calendar-proxy-read/"
	lenasWriters = "/principals/users/lena/calendar-proxy-write/"
)

// Who is made a proxy opens the home of the other and all that is in it, as far as
// the list says and no longer.
func TestProxies(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "olivia", "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	put(lena, "/caldav/lena/calendar/plan.ics", event("plan", "Plan")).Want(t, 201)
	put(lena, "/caldav/lena/calendar/doctor.ics", event("doctor", "Doctor", "CLASS:PRIVATE", "DTSTART:20260310T090000Z")).Want(t, 201)
	if r := mia.Do("OPTIONS", "/principals/users/lena/", ""); !strings.Contains(r.Header.Get("Dav"), "calendar-proxy") {
		t.Errorf("OPTIONS tells %q", r.Header.Get("Dav"))
	}
	mia.Do("PROPFIND", "/caldav/lena/", "", "Depth", "1").Want(t, 404)
	propfind(lena, "/principals/users/lena/", "1", "resourcetype").Want(t, 207, lenasReaders, lenasWriters, "calendar-proxy-read xmlns")

	setProxies(lena, lenasReaders, "/principals/users/mia/").Want(t, 207, "<D:href>"+lenasReaders+"</D:href>", "200 OK")
	propfind(lena, lenasReaders, "0", "group-member-set").Want(t, 207, "<D:group-member-set><D:href>/principals/users/mia/</D:href>")
	propfind(mia, lenasReaders, "0", "group-member-set").Want(t, 207, "!/principals/users/mia/")
	propfind(max, "/principals/users/mia/", "0", "S:calendar-proxy-read-for", "group-membership").Want(t, 207, "!lena")
	propfind(mia, "/principals/users/mia/", "0", "S:calendar-proxy-read-for", "S:calendar-proxy-write-for", "group-membership").
		Want(t, 207, "<D:href>/principals/users/lena/</D:href></x:calendar-proxy-read-for>", "<D:group-membership><D:href>"+lenasReaders+"</D:href>", "!"+lenasWriters)
	mia.Do("REPORT", "/principals/users/mia/", `<expand-property xmlns="DAV:"><property name="calendar-proxy-read-for" namespace="http://calendarserver.org/ns/">`+
		`<property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav"/></property></expand-property>`).Want(t, 207, "<D:href>/caldav/lena/</D:href>")
	propfind(mia, "/caldav/lena/", "1", "resourcetype", "displayname", "current-user-privilege-set").
		Want(t, 207, "/caldav/lena/calendar/", "/caldav/lena/tasks/", "!inbox", "!outbox", "!<D:write-content/>")
	mia.Do("GET", "/caldav/lena/calendar/plan.ics", "").Want(t, 200, "SUMMARY:Plan")
	mia.Do("GET", "/caldav/lena/calendar/doctor.ics", "").Want(t, 200, "SUMMARY:Busy", "!Doctor")
	put(mia, "/caldav/lena/calendar/new.ics", event("new", "New")).Want(t, 403)
	propfind(mia, "/principals/users/max/", "0", "S:calendar-proxy-read-for", "group-membership").Want(t, 207, "!lena")
	max.Do("PROPFIND", "/caldav/lena/", "", "Depth", "1").Want(t, 404)
	max.Do("DELETE", "/caldav/lena/", "").Want(t, 404)

	// Of both groups nobody is: the last word counts.
	setProxies(lena, lenasWriters, "/principals/users/mia/").Want(t, 207, "200 OK")
	propfind(lena, lenasReaders, "0", "group-member-set").Want(t, 207, "!mia")
	propfind(mia, "/principals/users/mia/", "0", "S:calendar-proxy-write-for").Want(t, 207, "/principals/users/lena/")
	put(mia, "/caldav/lena/calendar/new.ics", event("new", "New")).Want(t, 201)
	put(mia, "/caldav/lena/calendar/meet.ics", meetingOf("lena", "meet", []string{"max"})).Want(t, 201)
	content(t, max, only(t, max, "/caldav/max/inbox/"), "SENT-BY=\"mailto:mia@example.com\"", "ORGANIZER")
	for _, method := range []string{"DELETE", "MKCALENDAR", "PROPPATCH"} {
		body := ""
		if method == "PROPPATCH" {
			body = `<propertyupdate xmlns="DAV:"><set><prop><x xmlns="y"/></prop></set></propertyupdate>`
		}
		if r := mia.Do(method, "/caldav/lena/", body); r.Status/100 != 4 {
			t.Errorf("%s of the home of somebody else: %d", method, r.Status)
		}
	}
	mia.Do("MKCALENDAR", "/caldav/lena/own/", "").Want(t, 403)
	mia.Do("PROPFIND", "/caldav/lena/inbox/", "", "Depth", "0").Want(t, 404)

	setProxies(lena, lenasWriters).Want(t, 207, "200 OK")
	mia.Do("PROPFIND", "/caldav/lena/", "", "Depth", "1").Want(t, 404)
	mia.Do("GET", "/caldav/lena/calendar/plan.ics", "").Want(t, 404)
	propfind(mia, "/principals/users/mia/", "0", "S:calendar-proxy-write-for").Want(t, 207, "!lena")
}

// Nobody makes himself a proxy, or others where he does not manage; what else a list
// says of somebody stays.
func TestWhoMakesProxies(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "olivia", "lena", "mia", "max")
	lena, mia := s.As("lena"), s.As("mia")
	propfind(lena, "/caldav/lena/", "0", "resourcetype").Want(t, 207)
	setProxies(mia, lenasReaders, "/principals/users/mia/").Want(t, 404)
	setProxies(lena, lenasReaders, "/principals/users/max/").Want(t, 207)
	s.As("max").Do("PROPFIND", "/caldav/lena/", "", "Depth", "0").Want(t, 207)
	setProxies(s.As("max"), lenasReaders, "/principals/users/mia/").Want(t, 403, "need-privileges", "<D:href>/caldav/lena</D:href>")
	setProxies(lena, lenasReaders, "/principals/users/lena/").Want(t, 403, "no-ace-conflict")
	setProxies(lena, lenasReaders, slices.Repeat([]string{"/principals/users/mia/"}, 201)...).Want(t, 403, "limited-number-of-aces")
	setProxies(lena, lenasReaders, "/principals/users/zoe/").Want(t, 403, "recognized-principal")
	setProxies(lena, "/principals/users/lena/calendar-proxy-all/", "/principals/users/mia/").Want(t, 404)
	setProxies(lena, "/principals/users/zoe/calendar-proxy-read/", "/principals/users/mia/").Want(t, 404)
	setProxies(lena, "/principals/groups/lena/calendar-proxy-read/", "/principals/users/mia/").Want(t, 404)
	lena.Do("PROPPATCH", lenasReaders, `<propertyupdate xmlns="DAV:"><set><prop><displayname>x</displayname></prop></set></propertyupdate>`).
		Want(t, 207, "403 Forbidden", "cannot-modify-protected-property")
	propfind(lena, lenasReaders, "0", "group-member-set").Want(t, 207, "/principals/users/max/")

	// A line that was written elsewhere makes a proxy, and what it denies stays.
	s.EntryAt("calendar:~lena", "user:mia", policy.Entry{Allow: policy.See | policy.Read, Deny: policy.Delete})
	propfind(lena, lenasReaders, "0", "group-member-set").Want(t, 207, "/principals/users/mia/", "/principals/users/max/")
	setProxies(lena, lenasReaders, "/principals/users/max/").Want(t, 207)
	mia.Do("PROPFIND", "/caldav/lena/", "", "Depth", "0").Want(t, 404)
	setProxies(lena, lenasWriters, "/principals/users/mia/").Want(t, 207)
	put(mia, "/caldav/lena/calendar/a.ics", event("a", "A")).Want(t, 201)
	propfind(lena, "/caldav/lena/", "0", "acl").Want(t, 207, "<D:deny><D:privilege><D:unbind/>")
}
