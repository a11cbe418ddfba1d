package caldav_test

import (
	"fmt"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// sharings posts elements of Apple's sharing to a calendar.
func sharings(c *davtest.Client, calendar string, elements ...string) *davtest.Response {
	return c.Do("POST", calendar, `<S:share xmlns:S="http://calendarserver.org/ns/" xmlns:D="DAV:">`+strings.Join(elements, "")+`</S:share>`, "Content-Type", "application/xml")
}

func setSharing(href, access string) string {
	return "<S:set><D:href>" + href + "</D:href><S:common-name>x</S:common-name><S:" + access + "/></S:set>"
}

func removeSharing(href string) string { return "<S:remove><D:href>" + href + "</D:href></S:remove>" }

// What is shared stands in the home of whom it is shared with at once, and goes at
// once; each of the named is answered for himself.
func TestAppleSharing(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "olivia", "lena", "mia", "max")
	s.Group("staff", "user:max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	const calendar = "/caldav/lena/calendar/"
	put(lena, calendar+"plan.ics", event("plan", "Plan")).Want(t, 201)
	if r := lena.Do("OPTIONS", calendar, ""); !strings.Contains(r.Header.Get("Dav"), "calendarserver-sharing") || !strings.Contains(r.Header.Get("Allow"), "POST") {
		t.Errorf("OPTIONS tells %v", r.Header)
	}
	mine := []string{"resourcetype", "S:invite", "S:allowed-sharing-modes", "invite", "share-access"}
	propfind(lena, calendar, "0", mine...).Want(t, 207, "S:can-be-shared", "<D:not-shared/>", "/principals/users/lena/", "!shared-owner", "!S:user")
	propfind(mia, "/caldav/mia/", "1", "resourcetype").Want(t, 207, "!shared")

	sharings(lena, calendar, setSharing("mailto:MIA@example.com", "read"), setSharing("/principals/groups/staff/", "read-write")).Want(t, 200)
	propfind(lena, calendar, "0", mine...).Want(t, 207, "S:shared-owner", "<D:shared-owner/>", "<D:href>/principals/users/mia/</D:href><S:common-name>mia</S:common-name><S:invite-accepted/><S:access><S:read/></S:access>",
		"/principals/groups/staff/", "<S:read-write/>", "<D:sharee><D:href>/principals/users/mia/</D:href>", "<D:share-access><D:read/></D:share-access>")
	shared := func(c *davtest.Client, name string) string {
		r := propfind(c, "/caldav/"+name+"/", "1", "resourcetype", "S:shared-url").Want(t, 207, "<S:shared xmlns", "<D:href>/caldav/lena/calendar/</D:href>")
		at := r.Body[strings.Index(r.Body, "/caldav/"+name+"/shared-"):]
		return at[:strings.Index(at, "<")]
	}
	at := shared(mia, "mia")
	mia.Do("GET", at+"plan.ics", "").Want(t, 200, "Plan")
	put(mia, at+"new.ics", event("new", "New")).Want(t, 403)
	put(max, shared(max, "max")+"new.ics", event("new", "New")).Want(t, 201)
	propfind(mia, at, "0", mine...).Want(t, 207, "/principals/users/lena/", "<D:share-access><D:read/></D:share-access>", "!staff", "!can-be-shared", "!sharee>")
	sharings(mia, at, setSharing("mailto:max@example.com", "read")).Want(t, 403, "need-privileges")
	sharings(s.As("olivia"), calendar, setSharing("mailto:max@example.com", "read")).Want(t, 404)

	// Whom nobody here knows changes nothing for the others.
	sharings(lena, calendar, setSharing("mailto:mia@example.com", "read-write"), setSharing("mailto:zoe@example.org", "read"), removeSharing("/principals/groups/staff/")).
		Want(t, 207, "<D:href>mailto:zoe@example.org</D:href><D:status>HTTP/1.1 403 Forbidden", "invite-invalid", "<D:href>mailto:mia@example.com</D:href><D:status>HTTP/1.1 200 OK")
	put(mia, at+"new.ics", event("new", "New")).Want(t, 204)
	propfind(max, "/caldav/max/", "1", "resourcetype").Want(t, 207, "!shared-")
	sharings(lena, calendar, removeSharing("mailto:mia@example.com")).Want(t, 200)
	mia.Do("GET", at+"plan.ics", "").Want(t, 404)
	propfind(lena, calendar, "0", mine...).Want(t, 207, "!shared-owner", "<D:not-shared/>")
}

// What says nothing that can be done changes nothing, and what a list says besides
// stays.
func TestSharingRefuses(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "olivia", "lena", "mia")
	lena := s.As("lena")
	const calendar = "/caldav/lena/calendar/"
	propfind(lena, "/caldav/lena/", "1", "resourcetype").Want(t, 207)
	s.EntryAt("calendar:~lena/calendar", "user:mia", policy.Entry{Allow: policy.FreeBusy, Deny: policy.Delete})
	var many []string
	for i := range 201 {
		many = append(many, setSharing(fmt.Sprintf("mailto:p%d@example.com", i), "read"))
	}
	for name, row := range map[string]struct {
		elements []string
		name     string
	}{
		"nobody":      {nil, "valid-request"},
		"no address":  {[]string{"<S:set><S:read/></S:set>"}, "valid-request"},
		"no access":   {[]string{"<S:set><D:href>mailto:mia@example.com</D:href></S:set>"}, "valid-request"},
		"too many":    {many, "valid-request"},
		"the sharer":  {[]string{setSharing("mailto:lena@example.com", "read")}, "no-ace-conflict"},
		"and another": {[]string{setSharing("mailto:mia@example.com", "read"), setSharing("mailto:lena@example.com", "read")}, "no-ace-conflict"},
	} {
		if r := sharings(lena, calendar, row.elements...); r.Status != 403 || !strings.Contains(r.Body, row.name) {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	lena.Do("POST", calendar, `<S:invite-reply xmlns:S="http://calendarserver.org/ns/"/>`, "Content-Type", "text/xml").Want(t, 403, "valid-request")
	lena.Do("POST", calendar, "BEGIN:VCALENDAR", "Content-Type", "text/calendar").Want(t, 405)
	lena.Do("POST", calendar, "<S:share", "Content-Type", "text/xml").Want(t, 400)
	lena.Do("POST", "/caldav/lena/", "<x/>").Want(t, 405)
	lena.Do("POST", calendar+"none.ics", "<x/>").Want(t, 404)
	propfind(lena, calendar, "0", "S:invite").Want(t, 207, "!S:user")
	sharings(lena, calendar, setSharing("mailto:mia@example.com", "read-write")).Want(t, 200)
	propfind(lena, calendar, "0", "acl").Want(t, 207, "<D:deny><D:privilege><D:unbind/>")
}

// Only who may set a list shares, and no guest ever may, whatever its level: so nobody
// learns by sharing who has an address, of which guests know some only.
func TestGuestsShareNothing(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia")
	if _, err := s.AddUser(policy.User{Name: "gast", Type: policy.Guest, Email: "gast@example.com"}); err != nil {
		t.Fatal(err)
	}
	s.Space("Team", "user:lena=viewer", "user:gast=manager")
	gast := s.As("gast")
	at := sharedAt.FindString(propfind(gast, "/caldav/gast/", "1", "displayname").Want(t, 207).Body)
	if at == "" {
		t.Fatal("the guest sees no calendar")
	}
	known := sharings(gast, at, setSharing("mailto:lena@example.com", "read")).Want(t, 403, "need-privileges", "write-acl")
	for _, address := range []string{"mailto:mia@example.com", "mailto:nobody@example.com", "/principals/groups/none/"} {
		if r := sharings(gast, at, setSharing(address, "read")); r.Status != known.Status || r.Body != known.Body {
			t.Errorf("%s: %d %s", address, r.Status, r.Body)
		}
	}
}
