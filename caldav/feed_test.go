package caldav_test

import (
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
)

// What a link to a calendar gives follows what its giver holds, and an entry on a
// single event, at the next request.
func TestFeedFollowsItsGiver(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "lena", "max")
	put(s.As("lena"), "/caldav/lena/calendar/a.ics", event("a", "Plan")).Want(t, 201)
	put(s.As("lena"), "/caldav/lena/calendar/free.ics", event("f", "Free", "DTSTART:20260312T090000Z", "TRANSP:TRANSPARENT")).Want(t, 201)
	put(s.As("lena"), "/caldav/lena/calendar/off.ics", event("o", "Off", "DTSTART:20260313T090000Z", "STATUS:CANCELLED")).Want(t, 201)
	gives := func(level string) {
		rights, err := policy.ParseRights("level:" + level)
		if err != nil {
			t.Fatal(err)
		}
		s.EntryAt("calendar:~lena/calendar", "user:max", policy.Entry{Allow: rights})
	}
	gives("viewer+share")
	link, _ := s.Link("max", "calendar:~lena/calendar", davtest.NewLink{})
	c := s.As("")
	first := c.Do("GET", link+".ics", "").Want(t, 200, "SUMMARY:Plan", "SUMMARY:Free")
	tag := first.Header.Get("Etag")
	c.Do("GET", link+".ics", "", "If-None-Match", `"other", W/`+tag).Want(t, 304)
	c.Do("GET", link+".ics", "", "If-None-Match", "*").Want(t, 304)
	c.Do("GET", link+".ics", "", "If-Match", `"other"`).Want(t, 412)
	gives("free-busy")
	// What he may know now is told, though no event has changed.
	c.Do("GET", link+".ics", "", "If-None-Match", tag).Want(t, 200, "SUMMARY:Busy", "UID:a", "!Plan", "!UID:f", "!UID:o")
	c.Do("GET", link+".ifb?start=20260301T000000Z&end=20260401T000000Z", "").Want(t, 200, "20260310T090000Z/20260310T100000Z", "!20260312", "!20260313")
	gives("deposit")
	c.Do("GET", link+".ics", "").Want(t, 404)
	unknown := c.Do("GET", "/s/unknown.ics", "")
	if r := c.Do("GET", link+".ics", ""); r.Body != unknown.Body || r.Header.Get("Etag") != "" {
		t.Errorf("a link that gives nothing answers %+v", r)
	}
}

// A limited link counts what it hands out, and a request that it refuses is none.
func TestFeedCounts(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "lena")
	put(s.As("lena"), "/caldav/lena/calendar/a.ics", event("a", "Plan")).Want(t, 201)
	link, sh := s.Link("lena", "calendar:~lena/calendar", davtest.NewLink{DownloadsMax: 2, Until: time.Now().Add(time.Hour).Unix()})
	c := s.As("")
	c.Do("GET", link+".ifb?start=never", "").Want(t, 400)
	tag := c.Do("HEAD", link+".ics", "").Want(t, 200).Header.Get("Etag")
	c.Do("GET", link+".ics", "", "If-None-Match", tag).Want(t, 304)
	c.Do("GET", link+".ifb", "").Want(t, 200, "VFREEBUSY")
	c.Do("GET", link+".ics", "", "Range", "bytes=0-3").Want(t, 200, "SUMMARY:Plan", "END:VCALENDAR")
	c.Do("GET", link+".ics", "").Want(t, 404)
	s.Unshare(sh)
	c.Do("GET", link+".ics", "").Want(t, 404)
}
