package caldav_test

import (
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/store"
)

// What an object was is listed, read and brought back below .versions, by who holds the
// rights that this takes of files.
func TestVersionsOfObjects(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	const calendar, versions = "/caldav/lena/calendar/", "/caldav/.versions/~lena/calendar/"
	for _, summary := range []string{"First", "Second", "Third"} {
		if r := put(lena, calendar+"a.ics", event("a", summary)); r.Status/100 != 2 {
			t.Fatalf("%d %s", r.Status, r.Body)
		}
	}
	lena.Do("PROPFIND", "/caldav/.versions/~lena/", "", "Depth", "1").Want(t, 207, versions, "!inbox", "!outbox")
	lena.Do("PROPFIND", versions, "", "Depth", "1").Want(t, 207, "a.ics/", "!C:calendar")
	lena.Do("PROPFIND", versions+"a.ics/", "", "Depth", "1").Want(t, 207, "version-1", "version-2", "!version-3", "<D:href>"+calendar+"a.ics</D:href>", "written-by", "lena")
	lena.Do("GET", versions+"a.ics/version-1", "").Want(t, 200, "SUMMARY:First")
	lena.Do("COPY", versions+"a.ics/version-1", "", "Destination", calendar+"b.ics").Want(t, 403)
	lena.Do("COPY", versions+"a.ics/version-1", "", "Destination", calendar+"a.ics", "Overwrite", "F").Want(t, 412)
	lena.Do("COPY", versions+"a.ics/version-1", "", "Destination", calendar+"a.ics").Want(t, 204)
	lena.Do("GET", calendar+"a.ics", "").Want(t, 200, "SUMMARY:First")
	lena.Do("MOVE", versions+"a.ics/version-2", "", "Destination", calendar+"a.ics").Want(t, 204)
	lena.Do("REPORT", calendar, asking("", `<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"><C:text-match>Second</C:text-match></C:prop-filter></C:comp-filter>`), "Depth", "1").Want(t, 207, "a.ics")
	for _, method := range []string{"PUT", "MKCALENDAR", "REPORT", "LOCK"} {
		lena.Do(method, versions+"a.ics/version-1", event("a", "x"), "Content-Type", ics).Want(t, 405)
	}
	const label = `<D:propertyupdate xmlns:D="DAV:" xmlns:d="urn:davit"><D:set><D:prop><d:label>as agreed</d:label></D:prop></D:set></D:propertyupdate>`
	lena.Do("PROPPATCH", versions+"a.ics/version-1", label).Want(t, 207, "200 OK")
	lena.Do("PROPFIND", versions+"a.ics/", `<propfind xmlns="DAV:"><prop><label xmlns="urn:davit"/></prop></propfind>`, "Depth", "1").Want(t, 207, "as agreed")
	lena.Do("PROPFIND", "/caldav/.versions/~lena/inbox/", "", "Depth", "1").Want(t, 404)
	if n, err := s.Store.Reindex(t.Context(), func(fault string) { t.Error(fault) }); err != nil || n == 0 {
		t.Errorf("%d objects, %v", n, err)
	}

	// Who reads the calendar has no history of it; who may write has, and brings back.
	none := func(c *davtest.Client, path string) {
		t.Helper()
		if a, b := c.Do("GET", path, ""), c.Do("GET", versions+"none.ics/version-1", ""); a.Status != 404 || a.Body != b.Body {
			t.Errorf("GET %s answers %d %q, and of nothing %d %q", path, a.Status, a.Body, b.Status, b.Body)
		}
	}
	none(max, versions+"a.ics/version-1")
	share(s, "calendar:~lena/calendar", "user:max", "viewer")
	max.Do("GET", versions+"a.ics/version-1", "").Want(t, 403)
	share(s, "calendar:~lena/calendar", "user:mia", "editor")
	mia.Do("GET", versions+"a.ics/version-1", "").Want(t, 200, "SUMMARY:First")
	mia.Do("COPY", versions+"a.ics/version-1", "", "Destination", calendar+"a.ics").Want(t, 204)

	// Nobody for whom an event is masked knows what it was; what was private stays so.
	put(lena, calendar+"p.ics", event("p", "Doctor", "DTSTART:20260310T090000Z", "CLASS:PRIVATE")).Want(t, 201)
	put(lena, calendar+"p.ics", event("p", "Dentist", "DTSTART:20260310T090000Z", "CLASS:PRIVATE")).Want(t, 204)
	lena.Do("GET", versions+"p.ics/version-1", "").Want(t, 200, "SUMMARY:Doctor")
	mia.Do("PROPFIND", versions, "", "Depth", "1").Want(t, 207, "a.ics", "!p.ics")
	for _, path := range []string{versions + "p.ics/version-1", versions + "p.ics/"} {
		none(mia, path)
	}
	if a, b := mia.Do("COPY", versions+"p.ics/version-1", "", "Destination", calendar+"p.ics"), mia.Do("COPY", versions+"none.ics/version-1", "", "Destination", calendar+"p.ics"); a.Status != 404 || a.Body != b.Body {
		t.Errorf("bringing back what is masked: %d %q", a.Status, a.Body)
	}
	put(lena, calendar+"p.ics", event("p", "Open", "DTSTART:20260310T090000Z")).Want(t, 204)
	put(lena, calendar+"p.ics", event("p", "Wide open", "DTSTART:20260310T090000Z")).Want(t, 204)
	mia.Do("PROPFIND", versions+"p.ics/", "", "Depth", "1").Want(t, 207, "version-3", "!version-1", "!version-2")
	none(mia, versions+"p.ics/version-1")
	mia.Do("GET", versions+"p.ics/version-3", "").Want(t, 200, "SUMMARY:Open")
	lena.Do("DELETE", versions+"p.ics/", "").Want(t, 204)
	none(lena, versions+"p.ics/version-1")
}

// To bring back what a meeting was tells who is invited, as a PUT of it would.
func TestVersionsOfMeetings(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia")
	lena, mia := s.As("lena"), s.As("mia")
	const versions = "/caldav/.versions/~lena/calendar/plan.ics/"
	put(lena, atPlan, planned([]string{"mia"})).Want(t, 201)
	put(lena, atPlan, planned([]string{"mia"}, "DTSTART:20260312T090000Z", "DTEND:20260312T100000Z")).Want(t, 204)
	at, r := copied(t, mia, "mia")
	put(mia, at, answer(r.Body, "mia", "ACCEPTED")).Want(t, 204)
	got(t, mia, "mia")
	back := lena.Do("COPY", versions+"version-1", "", "Destination", atPlan).Want(t, 204)
	sameTag(t, back.Header, content(t, lena, atPlan, "DTSTART:20260310T090000Z", "SEQUENCE:2", "NEEDS-ACTION;RSVP=TRUE;SCHEDULE-STATUS=1.2").Header, true)
	wantGot(t, mia, "mia", "REQUEST")
	content(t, mia, at, "DTSTART:20260310T090000Z", "PARTSTAT=NEEDS-ACTION")

	// To bring back what it was before mia was invited calls it off for her, and what was
	// no meeting at all calls it off too.
	put(lena, atPlan, event("plan", "Alone")).Want(t, 204)
	wantGot(t, mia, "mia", "CANCEL")
	put(lena, atPlan, planned([]string{"mia"})).Want(t, 204)
	wantGot(t, mia, "mia", "REQUEST")
	alone := ""
	for _, name := range strings.Split(lena.Do("PROPFIND", versions, "", "Depth", "1").Want(t, 207).Body, "<D:href>") {
		if url, _, _ := strings.Cut(name, "<"); strings.Contains(url, "/version-") && strings.Contains(lena.Do("GET", url, "").Body, "SUMMARY:Alone") {
			alone = url
		}
	}
	lena.Do("MOVE", alone, "", "Destination", atPlan).Want(t, 204)
	wantGot(t, mia, "mia", "CANCEL")

	// Who is invited brings nothing back that is the organizer's to change.
	put(lena, atPlan, planned([]string{"mia"})).Want(t, 204)
	at, r = copied(t, mia, "mia")
	put(mia, at, answer(r.Body, "mia", "ACCEPTED")).Want(t, 204)
	got(t, lena, "lena")
	mias := strings.Replace(at, "/caldav/mia/", "/caldav/.versions/~mia/", 1) + "/"
	lena.Do("PROPFIND", mias, "", "Depth", "1").Want(t, 404)
	mia.Do("COPY", mias+"version-1", "", "Destination", at).Want(t, 403, "allowed-attendee-scheduling-object-change")
}
