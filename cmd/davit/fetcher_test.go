package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"davit/admin"
	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// A publisher serves a calendar, under a tag that changes with it.
type publisher struct {
	sync.Mutex
	url     string
	content string
	status  int
	asked   int // times that it gave the whole
}

func publish(t *testing.T) *publisher {
	p := &publisher{status: 200}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Lock()
		defer p.Unlock()
		tag := fmt.Sprintf(`"%d"`, len(p.content))
		switch {
		case p.status != 200:
			w.WriteHeader(p.status)
		case r.Header.Get("If-None-Match") == tag:
			w.WriteHeader(304)
		default:
			p.asked++
			w.Header().Set("ETag", tag)
			fmt.Fprint(w, p.content)
		}
	}))
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *publisher) set(status int, content string) {
	p.Lock()
	defer p.Unlock()
	p.status, p.content = status, content
}

// published is a calendar of these events.
func published(more string, uids ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n" + more)
	for _, uid := range uids {
		uid, summary, _ := strings.Cut(uid, "=")
		b.WriteString("BEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260310T090000Z\r\nSUMMARY:" + summary +
			"\r\nORGANIZER:mailto:boss@example.org\r\nATTENDEE:mailto:mia@example.com\r\nEND:VEVENT\r\n")
	}
	return b.String() + "END:VCALENDAR\r\n"
}

func holidaysOf(url string) string {
	return `<D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"><D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype>` +
		`<S:source><D:href>` + url + `</D:href></S:source></D:prop></D:set></D:mkcol>`
}

// A calendar that is published elsewhere is fetched from where an admin lets it be, is
// what was there last, and is read by whom it is shared with and written by nobody.
func TestFetcher(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := davtest.StartWith(t, store.Options{Clock: func() time.Time { return now }}, "mia", "max")
	mia, max, elsewhere := s.As("mia"), s.As("max"), publish(t)
	fetcher := newFetcher(s.Store, slog.New(slog.DiscardHandler))
	allow := func(hosts ...string) {
		s.Change(func(p *policy.State) ([]policy.Change, error) {
			set := p.Settings()
			set.FetchHosts = hosts
			return []policy.Change{policy.PutSettings{Settings: set}}, nil
		})
	}
	fault := func(want string) {
		t.Helper()
		list, err := admin.ListCalendars.Do(context.Background(), admin.New(s.Store, s.Auth), admin.Named{Name: "mia"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.Fetched && (c.Fault == "") != (want == "") || !strings.Contains(c.Fault, want) && c.Fetched {
				t.Errorf("the fault of %s is %q instead of %q", c.Path, c.Fault, want)
			}
		}
	}
	const at = "/caldav/mia/holidays/"
	elsewhere.set(200, published("REFRESH-INTERVAL;VALUE=DURATION:PT1M\r\n", "a=One", "b=Two"))
	mia.Do("MKCOL", at, holidaysOf(elsewhere.url+"/h.ics")).Want(t, 403, "valid-resourcetype")
	allow(elsewhere.url, "127.0.0.1/32")
	mia.Do("MKCOL", at, holidaysOf(elsewhere.url+"/h.ics")).Want(t, 201)
	fetcher.round(context.Background())
	fault("")
	mia.Do("GET", at+"a.ics", "").Want(t, 200, "SUMMARY:One", "!ORGANIZER")
	mia.Do("PROPFIND", at, `<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/><D:current-user-privilege-set/></D:prop></D:propfind>`, "Depth", "1").
		Want(t, 207, "C:calendar", "b.ics", "<D:read/>", "!<D:bind/>", "!<D:write-content/>")

	// Nobody writes there, and nobody is told of what stands there.
	for _, r := range []*davtest.Response{
		mia.Do("PUT", at+"a.ics", published("", "a=Mine"), "Content-Type", "text/calendar"),
		mia.Do("PUT", at+"c.ics", published("", "c=Mine"), "Content-Type", "text/calendar"),
		mia.Do("DELETE", at+"a.ics", ""),
		mia.Do("MOVE", at+"a.ics", "", "Destination", s.URL+"/caldav/mia/calendar/a.ics"),
		mia.Do("PROPPATCH", at+"a.ics", `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><X xmlns="x">1</X></D:prop></D:set></D:propertyupdate>`),
	} {
		if r.Status != 403 {
			t.Errorf("%d %s", r.Status, r.Body)
		}
	}
	mia.Do("COPY", at+"a.ics", "", "Destination", s.URL+"/caldav/mia/calendar/a.ics").Want(t, 201)

	// It is asked again when it says, and no sooner than there is sense in it.
	round := func(later time.Duration) {
		now = now.Add(later)
		fetcher.round(context.Background())
	}
	round(5 * time.Minute)
	if elsewhere.asked != 1 {
		t.Errorf("asked %d times within five minutes", elsewhere.asked)
	}
	round(15 * time.Minute) // unchanged
	elsewhere.set(200, published("", "b=Another", "c=Three"))
	round(15 * time.Minute)
	if elsewhere.asked != 2 {
		t.Errorf("asked for the whole %d times", elsewhere.asked)
	}
	mia.Do("GET", at+"a.ics", "").Want(t, 404)
	mia.Do("GET", at+"b.ics", "").Want(t, 200, "SUMMARY:Another")
	mia.Do("GET", at+"c.ics", "").Want(t, 200, "SUMMARY:Three")

	// Another source counts at once, whenever the old one was to be asked again.
	other := publish(t)
	other.set(200, published("", "b=Another", "c=From the other"))
	allow(elsewhere.url, other.url, "127.0.0.1/32")
	source := func(url string) {
		mia.Do("PROPPATCH", at, `<D:propertyupdate xmlns:D="DAV:" xmlns:S="http://calendarserver.org/ns/"><D:set><D:prop><S:source><D:href>`+url+`</D:href></S:source></D:prop></D:set></D:propertyupdate>`).Want(t, 207, "200 OK")
		round(0)
	}
	source(other.url + "/h.ics")
	mia.Do("GET", at+"c.ics", "").Want(t, 200, "SUMMARY:From the other")
	mia.Do("PROPPATCH", at, `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>Days</D:displayname></D:prop></D:set></D:propertyupdate>`).Want(t, 207, "200 OK")
	asked := other.asked
	if round(0); other.asked != asked {
		t.Error("another name has it fetched again")
	}
	source(elsewhere.url + "/h.ics")
	allow(elsewhere.url, "127.0.0.1/32")

	// What goes wrong is told to the owner, and takes nothing away.
	for _, row := range []struct {
		status        int
		content, want string
	}{
		{410, "", "410"},
		{200, "<html>sign in</html>", "no calendar"},
		{200, published(strings.Repeat("X-A:"+strings.Repeat("x", 1000)+"\r\n", 11000)), "more than"},
	} {
		elsewhere.set(row.status, row.content)
		round(7 * time.Hour)
		fault(row.want)
		mia.Do("GET", at+"b.ics", "").Want(t, 200)
	}
	elsewhere.set(200, published("", "d=Four", "e\r\nDTSTART:nonsense=Five"))
	allow("cal.example.org")
	round(7 * time.Hour)
	fault("admin allows")
	allow(elsewhere.url)
	round(7 * time.Hour)
	fault("not one of the internet")
	allow(elsewhere.url, "127.0.0.1/32")
	round(7 * time.Hour)
	fault("")
	mia.Do("GET", at+"d.ics", "").Want(t, 200)
	mia.Do("GET", at+"b.ics", "").Want(t, 404)

	// It is shared as any calendar, charged to its owner, and rests in the trash.
	if _, err := admin.ShareCalendar.Do(context.Background(), admin.New(s.Store, s.Auth), admin.CalendarShare{Path: "~mia/holidays", To: "user:max", Level: "editor"}); err != nil {
		t.Fatal(err)
	}
	max.Do("GET", "/caldav/mia/holidays/d.ics", "").Want(t, 200, "SUMMARY:Four")
	max.Do("PUT", "/caldav/mia/holidays/d.ics", published("", "d=His"), "Content-Type", "text/calendar").Want(t, 403)
	s.Quota("~mia", 1)
	elsewhere.set(200, published("", "d=Four", "f=Six"))
	round(7 * time.Hour)
	fault("no room")
	s.Quota("~mia", policy.NoLimit)
	mia.Do("DELETE", at, "").Want(t, 204)
	round(7 * time.Hour)
	asked = elsewhere.asked
	round(7 * time.Hour)
	if elsewhere.asked != asked {
		t.Error("what lies in the trash is fetched")
	}
}
