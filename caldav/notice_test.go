package caldav_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"davit/admin"
	"davit/auth"
	"davit/dav/davtest"
	"davit/store"
	"davit/store/disk"
)

var trashed = regexp.MustCompile(`/caldav/\.trash/[^<]*\d+\)[^<]*`)

// states counts the meetings of somebody's calendar by whether they are called off.
func states(t *testing.T, c *davtest.Client, url string) (on, off int) {
	t.Helper()
	for _, at := range listed(t, c, url) {
		if strings.Contains(c.Do("GET", at, "").Want(t, 200).Body, "STATUS:CANCELLED") {
			off++
		} else {
			on++
		}
	}
	return on, off
}

// Deleting a whole calendar calls off what is still to come in it, for everybody and
// however much that is; bringing it back invites again.
func TestCalendarGoesAndComesBack(t *testing.T) {
	t.Parallel()
	s, _ := mailing(t, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	lena.Do("MKCALENDAR", "/caldav/lena/work", "").Want(t, 201)
	const meetings = 60 // more than one transaction tells of
	for i := range meetings {
		uid := fmt.Sprintf("m%02d", i)
		put(lena, "/caldav/lena/work/"+uid+".ics", meeting(uid, []string{"mia"})).Want(t, 201)
	}
	put(lena, "/caldav/lena/work/old.ics", meeting("old", []string{"mia", "guest"}, "DTSTART:20250310T090000Z", "DTEND:20250310T100000Z")).Want(t, 201)
	put(lena, "/caldav/lena/work/out.ics", meeting("out", []string{"guest"})).Want(t, 201)
	put(max, "/caldav/max/calendar/his.ics", meetingOf("max", "his", []string{"lena"})).Want(t, 201)
	lena.Do("MOVE", only(t, lena, "/caldav/lena/calendar/"), "", "Destination", s.URL+"/caldav/lena/work/his.ics").Want(t, 201)
	put(lena, "/caldav/lena/work/his.ics", answer(content(t, lena, "/caldav/lena/work/his.ics").Body, "lena", "ACCEPTED")).Want(t, 204)
	put(lena, "/caldav/lena/work/plain.ics", event("plain", "Dentist")).Want(t, 201)

	lena.Do("DELETE", "/caldav/lena/work/", "").Want(t, 204)
	if on, off := states(t, mia, "/caldav/mia/calendar/"); on != 1 || off != meetings {
		t.Errorf("mia has %d meetings and %d that are called off", on, off)
	}
	content(t, max, "/caldav/max/calendar/his.ics", "PARTSTAT=DECLINED")
	if got := fmt.Sprint(waiting(t, s)); got != "[REQUEST guest@example.com REQUEST guest@example.com CANCEL guest@example.com]" {
		t.Errorf("letters: %s", got)
	}

	back := trashed.FindString(propfind(lena, "/caldav/.trash/~lena/", "1", "displayname").Want(t, 207).Body)
	lena.Do("MOVE", back, "", "Destination", s.URL+"/caldav/lena/work/").Want(t, 201)
	if on, off := states(t, mia, "/caldav/mia/calendar/"); on != 1+meetings || off != 0 {
		t.Errorf("mia has %d meetings again and %d that are called off", on, off)
	}
	content(t, max, "/caldav/max/calendar/his.ics", "PARTSTAT=ACCEPTED")
	content(t, lena, "/caldav/lena/work/m00.ics", "SEQUENCE:1", "SCHEDULE-STATUS=1.2")
	content(t, lena, "/caldav/lena/work/old.ics", "!SEQUENCE:1")
	if got := waiting(t, s); len(got) != 4 || got[3] != "REQUEST guest@example.com" {
		t.Errorf("letters: %q", got)
	}
}

// One meeting that comes back invites again, too.
func TestMeetingComesBack(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia")
	lena, mia := s.As("lena"), s.As("mia")
	const at = "/caldav/lena/calendar/plan.ics"
	put(lena, at, meeting("plan", []string{"mia"}, future...)).Want(t, 201)
	hers := only(t, mia, "/caldav/mia/calendar/")
	put(mia, hers, answer(content(t, mia, hers).Body, "mia", "ACCEPTED")).Want(t, 204)
	lena.Do("DELETE", at, "").Want(t, 204)
	content(t, mia, hers, "STATUS:CANCELLED")
	back := trashed.FindString(propfind(lena, "/caldav/.trash/~lena/", "1", "displayname").Want(t, 207).Body)
	lena.Do("MOVE", back, "", "Destination", s.URL+at).Want(t, 201)
	content(t, mia, hers, "!STATUS:CANCELLED", "PARTSTAT=ACCEPTED:mailto:mia@", "SEQUENCE:1")
	content(t, lena, at, "PARTSTAT=ACCEPTED")
}

// The operator's ways out call off as well, and what a process did not come to tell is
// told when contents are collected.
func TestOperatorCallsOff(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	cuts := false
	s := company(t, store.Options{Hooks: []disk.Hook{func(op disk.Op) error {
		if cuts && op.Kind == disk.Commit {
			stop() // this commit is carried out, and no further one
		}
		return nil
	}}}, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	lena.Do("MKCALENDAR", "/caldav/lena/work", "").Want(t, 201)
	const meetings = 120
	for i := range meetings {
		uid := fmt.Sprintf("m%03d", i)
		put(lena, "/caldav/lena/work/"+uid+".ics", meeting(uid, []string{"mia"}, future...)).Want(t, 201)
	}
	door := admin.New(s.Store, auth.New(s.Store, auth.Options{Now: s.Store.Now}))
	cuts = true
	if _, err := admin.RemoveCalendar.Do(ctx, door, admin.Located{Path: "~lena/work"}); err != nil {
		t.Fatal(err)
	}
	cuts = false
	if on, off := states(t, mia, "/caldav/mia/calendar/"); on == 0 || off == 0 {
		t.Errorf("with the calendar %d meetings were called off, and %d were not: there is nothing left to go on with", off, on)
	}
	collect(t, s)
	if on, off := states(t, mia, "/caldav/mia/calendar/"); on != 0 || off != meetings {
		t.Errorf("mia has %d meetings and %d that are called off", on, off)
	}
	put(max, "/caldav/max/calendar/his.ics", meetingOf("max", "his", []string{"lena"}, future...)).Want(t, 201)
	for _, step := range []func() error{
		func() error {
			_, err := admin.DeactivateUser.Do(context.Background(), door, admin.Named{Name: "max"})
			return err
		},
		func() error {
			_, err := admin.DeleteUser.Do(context.Background(), door, admin.OldUser{Name: "max"})
			return err
		},
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	content(t, lena, only(t, lena, "/caldav/lena/calendar/"), "STATUS:CANCELLED")
}

var (
	year   = time.Now().UTC().Year() + 1
	future = []string{fmt.Sprintf("DTSTART:%d0310T090000Z", year), fmt.Sprintf("DTEND:%d0310T100000Z", year)}
)
