package caldav_test

import (
	"testing"

	"davit/dav/davtest"
	"davit/policy"
)

// The calendars of a space go by their names beside the homes, with the lists that
// they have in these.
func TestCalendarsOfSpaces(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=manager")
	mia := s.As("mia")
	mia.Do("MKCALENDAR", "/caldav/.spaces/Team/plans", "").Want(t, 201)
	s.EntryAt("calendar:Team/plans", "user:max", policy.Entry{Allow: policy.See | policy.Read})
	put(mia, "/caldav/.spaces/Team/plans/a.ics", event("a", "Plan")).Want(t, 201)
	for _, p := range []string{"/caldav/.spaces/Team/plans/", "/caldav/.spaces/Team/plans/a.ics"} {
		propfind(mia, p, "0", "acl", "owner", "current-user-privilege-set").Want(t, 207, "/principals/users/max/", "<D:read/>")
	}
	propfind(mia, "/caldav/.spaces/Team/plans/a.ics", "0", "acl").Want(t, 207, "<D:inherited><D:href>/caldav/.spaces/Team/plans/</D:href></D:inherited>")
	propfind(mia, "/caldav/.spaces/Team/plans/", "0", "acl").Want(t, 207, "!<D:inherited><D:href>/caldav/.spaces/Team/plans/")
	max := s.As("max")
	max.Do("GET", "/caldav/.spaces/Team/plans/a.ics", "").Want(t, 200, "Plan")
	propfind(max, "/caldav/.spaces/", "1", "displayname").Want(t, 207, "/caldav/.spaces/Team/")
	propfind(max, "/caldav/.spaces/Team/", "1", "displayname").Want(t, 207, "plans", "!messages")
	mia.Do("COPY", "/caldav/.spaces/Team/plans/a.ics", "", "Destination", "/caldav/mia/calendar/a.ics").Want(t, 201)
	mia.Do("MOVE", "/caldav/.spaces/Team/plans/a.ics", "", "Destination", "/caldav/.spaces/Team/calendar/b.ics").Want(t, 201)
	mia.Do("GET", "/caldav/.spaces/Team/calendar/b.ics", "").Want(t, 200)
	mia.Do("MKCALENDAR", "/caldav/.spaces/Team/inbox", "").Want(t, 403)
	mia.Do("MKCALENDAR", "/caldav/.spaces/Team/plans/inner", "").Want(t, 403)
	mia.Do("DELETE", "/caldav/.spaces/Team/", "").Want(t, 403)
	mia.Do("DELETE", "/caldav/.spaces/", "").Want(t, 403)
	mia.Do("PROPFIND", "/caldav/.spaces/~mia/", "", "Depth", "0").Want(t, 404)
	mia.Do("PROPFIND", "/caldav/.versions/~mia/", "", "Depth", "0").Want(t, 207)
	mia.Do("PROPFIND", "/caldav/.versions/Team/", "", "Depth", "1").Want(t, 207, "plans", "calendar")
	mia.Do("PROPFIND", "/caldav/.versions/~max/", "", "Depth", "0").Want(t, 404)
	mia.Do("PROPFIND", "/caldav/.versions/nowhere/", "", "Depth", "0").Want(t, 404)
}
