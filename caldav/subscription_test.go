package caldav_test

import (
	"context"
	"strings"
	"testing"

	"davit/admin"
	"davit/dav/davtest"
	"davit/policy"
)

// subscription is the body of an extended MKCOL, as clients send it.
func subscription(kinds, props string) string {
	return `<D:mkcol` + calendarNS + ` xmlns:S="http://calendarserver.org/ns/"><D:set><D:prop><D:resourcetype><D:collection/>` + kinds +
		`</D:resourcetype><D:displayname>Holidays</D:displayname>` + props + `</D:prop></D:set></D:mkcol>`
}

const holidays = `<S:source><D:href>webcal://cal.example.org/holidays.ics?a=1&amp;b=2</D:href></S:source>`

// A subscription is kept for its reader's programs, which read it where it is
// published; nothing stands in it here.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	mia := s.As("mia")
	mia.Do("MKCOL", "/caldav/mia/holidays", subscription("<S:subscribed/>", holidays)).Want(t, 201)
	propfind(mia, "/caldav/mia/", "1", "resourcetype", "displayname", "S:source", "C:supported-calendar-component-set").
		Want(t, 207, "S:subscribed", "Holidays", "webcal://cal.example.org/holidays.ics?a=1&amp;b=2")
	alone := propfind(mia, "/caldav/mia/holidays/", "0", "resourcetype", "S:source", "S:getctag")
	if alone.Want(t, 207, "S:subscribed", "!C:calendar", "404 Not Found"); strings.Contains(alone.Body, "getctag>") {
		t.Errorf("it has a tag of what is not in it: %s", alone.Body)
	}
	put(mia, "/caldav/mia/holidays/a.ics", event("a", "Mine")).Want(t, 403, "calendar-collection-location-ok")
	put(mia, "/caldav/mia/calendar/a.ics", event("a", "Mine")).Want(t, 201)
	for _, method := range []string{"MOVE", "COPY"} {
		mia.Do(method, "/caldav/mia/calendar/a.ics", "", "Destination", "/caldav/mia/holidays/a.ics").Want(t, 403)
	}
	mia.Do("REPORT", "/caldav/mia/holidays/", `<C:calendar-query`+calendarNS+`><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>`).Want(t, 403, "supported-report")
	patch := func(value string) string {
		return `<D:propertyupdate` + calendarNS + ` xmlns:S="http://calendarserver.org/ns/"><D:set><D:prop><S:source>` + value + `</S:source></D:prop></D:set></D:propertyupdate>`
	}
	mia.Do("PROPPATCH", "/caldav/mia/holidays/", patch("<D:href>https://other.example.org/h.ics</D:href>")).Want(t, 207, "200 OK")
	list, err := admin.ListCalendars.Do(context.Background(), admin.New(s.Store, s.Auth), admin.Named{Name: "mia"})
	if err != nil || len(list) != 3 || list[1].Source != "https://other.example.org/h.ics" {
		t.Errorf("listed %+v, %v", list, err)
	}
	for name, body := range map[string]string{
		"without a source":          subscription("<S:subscribed/>", ""),
		"a calendar with a source":  subscription("<C:calendar/>", holidays),
		"both":                      subscription("<C:calendar/><S:subscribed/>", holidays),
		"of a file":                 subscription("<S:subscribed/>", strings.ReplaceAll(holidays, "webcal:", "file:")),
		"of nothing":                subscription("<S:subscribed/>", "<S:source/>"),
		"of a long URL":             subscription("<S:subscribed/>", strings.ReplaceAll(holidays, "holidays", strings.Repeat("h", 3000))),
		"a source that is no URL":   subscription("<S:subscribed/>", "<S:source><D:href>here</D:href></S:source>"),
		"two sources, one of which": subscription("<S:subscribed/>", "<S:source><D:href>http://h/</D:href><D:href>http://i/</D:href></S:source>"),
	} {
		if r := mia.Do("MKCOL", "/caldav/mia/wrong", body); r.Status != 403 {
			t.Errorf("%s: %d %s", name, r.Status, r.Body)
		}
	}
	mia.Do("PROPFIND", "/caldav/mia/wrong", "").Want(t, 404)
	added, err := admin.AddCalendar.Do(context.Background(), admin.New(s.Store, s.Auth), admin.NewCalendar{Path: "~mia/feed", Source: "https://h/?a=1&b=<2>"})
	if err != nil || added.Source == "" {
		t.Errorf("added %+v, %v", added, err)
	}
	propfind(mia, "/caldav/mia/feed/", "0", "S:source", "resourcetype").Want(t, 207, "https://h/?a=1&amp;b=&lt;2&gt;</D:href>", "S:subscribed")
	if _, err := admin.AddCalendar.Do(context.Background(), admin.New(s.Store, s.Auth), admin.NewCalendar{Path: "~mia/file", Source: "file:///etc/passwd"}); err == nil {
		t.Error("a file is subscribed to")
	}
	// It is shared, and removed, as any calendar.
	share(s, "calendar:~mia/holidays", "user:max", "viewer")
	propfind(s.As("max"), "/caldav/max/", "1", "resourcetype", "S:source").Want(t, 207, "S:subscribed", "other.example.org")
	mia.Do("DELETE", "/caldav/mia/holidays/", "").Want(t, 204)
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		standard := *p.ProfileNamed("standard")
		on := policy.AllFunctions &^ policy.CalSubscribe
		standard.Functions = &on
		return []policy.Change{policy.PutProfile{Profile: standard}}, nil
	})
	mia.Do("MKCOL", "/caldav/mia/again", subscription("<S:subscribed/>", holidays)).Want(t, 403)
	mia.Do("MKCALENDAR", "/caldav/mia/own", "").Want(t, 201)
}
