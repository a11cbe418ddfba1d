package caldav_test

import (
	"net/http"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/store"
)

// face is all of an answer that its reader can tell from another, without the name.
func face(r *davtest.Response, name string) string {
	var b strings.Builder
	h := r.Header.Clone()
	h.Del("Date")
	h.Write(&b)
	return http.StatusText(r.Status) + "\n" + strings.ReplaceAll(b.String()+r.Body, name, "NAME")
}

// The home of somebody who shows nothing, his groups of proxies to who may not know
// him, and a calendar that is hidden answer as what is not there, to every method.
func TestHiddenIsMissing(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "olivia", "lena", "max")
	s.Space("Room", "user:olivia=manager", "user:max=viewer")
	lena, max := s.As("lena"), s.As("max")
	put(lena, "/caldav/lena/calendar/plan.ics", event("plan", "Plan")).Want(t, 201)
	lena.Do("MKCALENDAR", "/caldav/lena/secret/", "").Want(t, 201)
	const sharing = `<S:share xmlns:S="http://calendarserver.org/ns/" xmlns:D="DAV:"><S:set><D:href>mailto:max@example.com</D:href><S:read/></S:set></S:share>`
	const members = `<propertyupdate xmlns="DAV:"><set><prop><group-member-set><href>/principals/users/max/</href></group-member-set></prop></set></propertyupdate>`
	compare := func(hidden, missing string) {
		t.Helper()
		for _, method := range []string{"OPTIONS", "GET", "HEAD", "PROPFIND", "PROPPATCH", "REPORT", "POST", "PUT", "DELETE", "MKCALENDAR", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "ACL", "SEARCH"} {
			for _, body := range []string{"", sharing, members, `<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop/></sync-collection>`} {
				headers := []string{"Content-Type", "application/xml", "Depth", "0", "Destination", "/caldav/max/stolen/"}
				a, b := max.Do(method, hidden, body, headers...), max.Do(method, missing, body, headers...)
				if face(a, hidden) != face(b, missing) || a.Status < 400 && method != "OPTIONS" {
					t.Errorf("%s %s %q\nhidden:\n%s\nmissing:\n%s", method, hidden, body, face(a, hidden), face(b, missing))
				}
			}
		}
	}
	compare("/caldav/lena/", "/caldav/none/")
	compare("/caldav/lena/calendar/", "/caldav/lena/absent/")
	compare("/caldav/lena/calendar/", "/caldav/none/calendar/")
	compare("/caldav/LENA/", "/caldav/NONE/")
	id, kept := attach(t, lena, "/caldav/lena/calendar/plan.ics", "add", "x")
	compare(kept, strings.Replace(kept, id, strings.Repeat("A", 26), 1))
	for _, query := range []string{"add", "eat", "remove&managed-id=" + id, "update&managed-id=" + id, "add&rid=M"} {
		compare("/caldav/lena/calendar/plan.ics?action=attachment-"+query, "/caldav/lena/calendar/none.ics?action=attachment-"+query)
	}
	// Where one calendar shows, the others do not.
	share(s, "calendar:~lena/calendar", "user:max", "viewer")
	propfind(max, "/caldav/lena/", "1", "displayname").Want(t, 207, "/caldav/lena/calendar/", "!secret", "!tasks", "!inbox")
	compare("/caldav/lena/secret/", "/caldav/lena/absent/")
	compare("/caldav/LENA/", "/caldav/NONE/")
	share(s, "calendar:~lena/calendar", "user:max", "free-busy")
	compare("/caldav/lena/", "/caldav/none/")
}
