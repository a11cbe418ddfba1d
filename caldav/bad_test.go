package caldav_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// putBad puts an object past all that would refuse it, as a program might that wrote
// to the store before the rule was there.
func putBad(t *testing.T, s *davtest.Server, user, name, content string) {
	t.Helper()
	account := s.Store.Policy().UserNamed(user)
	session := s.Store.Login(store.Credential{User: account.ID, Mask: policy.All})
	u, err := session.Begin(store.Path{"~" + user, "calendar", name}.Calendars(), int64(len(content)), store.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC).Unix()
	_, _, err = u.Commit(context.Background(), store.Meta{Type: "text/calendar", Object: &store.Object{
		UID: "bad", Component: "VEVENT", Extent: store.Span{From: from, To: from + 3600}}})
	if err != nil {
		t.Fatal(err)
	}
}

// One object that is none stops nothing: every door tells of those beside it, and the
// bad one is given as it is, or passed over where its meaning is asked for.
func TestBadObjectAtEveryDoor(t *testing.T) {
	t.Parallel()
	const calendar = "/caldav/mia/calendar/"
	const month = `<C:time-range start="20260301T000000Z" end="20260401T000000Z"/>`
	const busy = "FREEBUSY;FBTYPE=BUSY:20260311T090000Z/20260311T100000Z"
	for name, content := range map[string]string{
		"no text":       "\x00\xff\x00",
		"not iCalendar": "hello",
		"cut off":       strings.TrimSuffix(event("bad", "Bad"), "END:VEVENT\r\nEND:VCALENDAR\r\n"),
		"a wrong time":  event("bad", "Bad", "DTSTART:never"),
		"a wrong rule":  event("bad", "Bad", "DTSTART:20260310T090000Z", "RRULE:FREQ=SOMETIMES"),
		"no zone":       event("bad", "Bad", "DTSTART;TZID=Moon/Base:20260310T090000"),
	} {
		t.Run(name, func(t *testing.T) {
			s := davtest.Start(t, "mia", "max")
			mia, max := s.As("mia"), s.As("max")
			put(mia, calendar+"good.ics", event("good", "Good", "DTSTART:20260311T090000Z", "DURATION:PT1H")).Want(t, 201)
			putBad(t, s, "mia", "bad.ics", content)
			share(s, "calendar:~mia/calendar", "user:max", "viewer")
			report := func(c *davtest.Client, path, body string) *davtest.Response {
				return c.Do("REPORT", path, body, "Depth", "1")
			}

			propfind(mia, calendar, "1", "getetag").Want(t, 207, "good.ics", "bad.ics")
			synced(t, mia, calendar, "", "good.ics", "bad.ics")
			report(mia, calendar, queryFor(month)).Want(t, 207, "SUMMARY:Good", "!bad.ics")
			report(mia, calendar, queryFor(`<C:prop-filter name="SUMMARY"><C:text-match>o</C:text-match></C:prop-filter>`)).Want(t, 207, "SUMMARY:Good", "!bad.ics")
			report(mia, calendar, queryFor(`<C:prop-filter name="UID"><C:text-match>d</C:text-match></C:prop-filter>`)).Want(t, 207, "SUMMARY:Good", "!bad.ics")
			report(mia, calendar, `<C:calendar-multiget`+calendarNS+`><D:prop><D:getetag/></D:prop><D:href>`+calendar+`good.ics</D:href><D:href>`+calendar+`bad.ics</D:href></C:calendar-multiget>`).
				Want(t, 207, "good.ics", "bad.ics")
			report(mia, calendar, `<C:calendar-multiget`+calendarNS+`><D:prop><C:calendar-data><C:expand start="20260301T000000Z" end="20260401T000000Z"/></C:calendar-data></D:prop><D:href>`+
				calendar+`bad.ics</D:href><D:href>`+calendar+`good.ics</D:href></C:calendar-multiget>`).Want(t, 207, "SUMMARY:Good", "507 Insufficient Storage")
			report(mia, calendar, `<C:free-busy-query`+calendarNS+`>`+month+`</C:free-busy-query>`).Want(t, 200, busy)
			mia.Do("GET", calendar+"bad.ics", "").Want(t, 200)
			mia.Do("GET", calendar, "").Want(t, 200, "UID:good", "END:VCALENDAR")
			mia.Do("GET", calendar+"?freebusy&start=20260301T000000Z&end=20260401T000000Z", "").Want(t, 200, busy)

			_, shared, _ := strings.Cut(propfind(max, "/caldav/max/", "1", "displayname").Want(t, 207).Body, "/caldav/max/shared-")
			shared, _, _ = strings.Cut("/caldav/max/shared-"+shared, "<")
			report(max, shared, queryFor(month)).Want(t, 207, "SUMMARY:Good", "!bad.ics")
			question := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:q\r\nDTSTAMP:20260101T000000Z\r\n" +
				"DTSTART:20260301T000000Z\r\nDTEND:20260401T000000Z\r\nORGANIZER:/principals/users/max/\r\nATTENDEE:/principals/users/mia/\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
			max.Do("POST", "/caldav/max/outbox/", question, "Content-Type", ics).Want(t, 200, "20260311T090000Z/20260311T100000Z")

			gives := func(level string) {
				rights, err := policy.ParseRights("level:" + level)
				if err != nil {
					t.Fatal(err)
				}
				s.EntryAt("calendar:~mia/calendar", "user:max", policy.Entry{Allow: rights})
			}
			gives("viewer+share")
			link, _ := s.Link("max", "calendar:~mia/calendar", davtest.NewLink{})
			s.As("").Do("GET", link+".ics", "").Want(t, 200, "SUMMARY:Good", "END:VCALENDAR")
			s.As("").Do("GET", link+".ifb?start=20260301T000000Z&end=20260401T000000Z", "").Want(t, 200, busy)
			gives("free-busy")
			s.As("").Do("GET", link+".ics", "").Want(t, 200, "UID:good", "SUMMARY:Busy", "!SUMMARY:Good", "END:VCALENDAR")

			put(mia, calendar+"other.ics", event("other", "Other")).Want(t, 201)
			mia.Do("COPY", calendar, "", "Destination", "/caldav/mia/copy/").Want(t, 201)
			propfind(mia, "/caldav/mia/copy/", "1", "getetag").Want(t, 207, "bad.ics", "good.ics", "other.ics")
			for _, p := range []string{calendar + "bad.ics", "/caldav/mia/copy/bad.ics"} {
				mia.Do("DELETE", p, "").Want(t, 204)
			}
			mia.Do("DELETE", "/caldav/.trash/~mia/", "").Want(t, 204)
		})
	}
}

// Content that is lost ends no answer about the rest: its own URL tells that it is not
// to be had.
func TestLostContentAtEveryDoor(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	const calendar = "/caldav/mia/calendar/"
	put(mia, calendar+"good.ics", event("good", "Good", "DTSTART:20260311T090000Z", "DURATION:PT1H")).Want(t, 201)
	put(mia, calendar+"lost.ics", event("lost", "Lost", "DTSTART:20260310T090000Z", "X-LONG:"+strings.Repeat("x", 20<<10))).Want(t, 201)
	blobs, err := filepath.Glob(filepath.Join(s.Dir, "blobs", "??", "*-*"))
	if err != nil || len(blobs) != 1 {
		t.Fatalf("the long object is in %q, %v", blobs, err)
	}
	if err := os.Rename(blobs[0], blobs[0]+".away"); err != nil {
		t.Fatal(err)
	}
	const month = `<C:time-range start="20260301T000000Z" end="20260401T000000Z"/>`
	report := func(body string) *davtest.Response { return mia.Do("REPORT", calendar, body, "Depth", "1") }
	report(queryFor(month)).Want(t, 207, "SUMMARY:Good")
	report(`<C:free-busy-query`+calendarNS+`>`+month+`</C:free-busy-query>`).Want(t, 200, "20260311T090000Z/20260311T100000Z")
	report(`<C:calendar-multiget`+calendarNS+`><D:prop><C:calendar-data/></D:prop><D:href>`+calendar+`lost.ics</D:href><D:href>`+calendar+`good.ics</D:href></C:calendar-multiget>`).
		Want(t, 207, "SUMMARY:Good", "lost.ics</D:href><D:status>HTTP/1.1 500 Internal Server Error")
	mia.Do("GET", calendar, "").Want(t, 200, "UID:good", "END:VCALENDAR")
	if err := os.Rename(blobs[0]+".away", blobs[0]); err != nil {
		t.Fatal(err)
	}
	report(queryFor(month)).Want(t, 207, "SUMMARY:Lost")
}
