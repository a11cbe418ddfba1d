package caldav_test

import (
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
)

// synced asks what changed in a calendar since a token, and gives the next one.
func synced(t *testing.T, c *davtest.Client, calendar, token string, want ...string) string {
	t.Helper()
	r := c.Do("REPORT", calendar, `<sync-collection xmlns="DAV:"><sync-token>`+token+`</sync-token><sync-level>1</sync-level>`+
		`<prop><getetag/><getcontenttype/></prop></sync-collection>`).Want(t, 207, want...)
	_, rest, _ := strings.Cut(r.Body, "<D:sync-token>")
	next, _, _ := strings.Cut(rest, "<")
	if next == "" {
		t.Fatalf("no token in %s", r.Body)
	}
	return next
}

// Whoever sees a calendar follows it by sync-collection: lena her own, max the
// same under the name that it has in his home, for as long as he sees it.
func TestSyncOfCalendars(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "lena", "max")
	lena, max := s.As("lena"), s.As("max")
	const own = "/caldav/lena/calendar/"
	put(lena, own+"a.ics", event("a", "Plan")).Want(t, 201)
	put(lena, own+"b.ics", event("b", "Tea")).Want(t, 201)
	token := synced(t, lena, own, "", own+"a.ics", own+"b.ics", "text/calendar; charset=utf-8")
	if at := propfind(lena, own, "0", "sync-token").Want(t, 207); !strings.Contains(at.Body, token) {
		t.Errorf("the calendar tells another token than %s: %s", token, at.Body)
	}

	share(s, "calendar:~lena/calendar", "user:max", "viewer")
	_, shared, _ := strings.Cut(propfind(max, "/caldav/max/", "1", "displayname").Want(t, 207).Body, "/caldav/max/shared-")
	shared, _, _ = strings.Cut("/caldav/max/shared-"+shared, "<")
	his := synced(t, max, shared, "", shared+"a.ics", shared+"b.ics", "!lena")

	put(lena, own+"a.ics", event("a", "Other plan")).Want(t, 204)
	lena.Do("DELETE", own+"b.ics", "").Want(t, 204)
	put(lena, own+"c.ics", event("c", "New")).Want(t, 201)
	token = synced(t, lena, own, token, own+"a.ics", own+"b.ics", "404 Not Found", own+"c.ics")
	his = synced(t, max, shared, his, shared+"a.ics", shared+"b.ics", "404 Not Found", shared+"c.ics")
	synced(t, lena, own, token, "!.ics")

	s.EntryAt("calendar:~lena/calendar", "user:max", policy.Entry{})
	max.Do("REPORT", shared, `<sync-collection xmlns="DAV:"><sync-token>`+his+`</sync-token><sync-level>1</sync-level><prop/></sync-collection>`).Want(t, 404)
	lena.Do("REPORT", own, `<sync-collection xmlns="DAV:"><sync-token>`+his+`</sync-token><sync-level>1</sync-level><prop/></sync-collection>`).Want(t, 403, "valid-sync-token")
}
