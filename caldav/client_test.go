package caldav_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"
	"github.com/emersion/go-webdav"
	client "github.com/emersion/go-webdav/caldav"

	"davit/dav/davtest"
)

// TestIndependentClient walks from the server's address to events and back with a
// client that was written for others.
func TestIndependentClient(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	ctx := context.Background()
	signed := webdav.HTTPClientWithBasicAuth(http.DefaultClient, "mia", davtest.Password)
	c, err := client.NewClient(signed, s.URL)
	if err != nil {
		t.Fatal(err)
	}
	principal, err := c.FindCurrentUserPrincipal(ctx)
	if err != nil || principal != "/principals/users/mia/" {
		t.Fatalf("principal %q, %v", principal, err)
	}
	home, err := c.FindCalendarHomeSet(ctx, principal)
	if err != nil || home != "/caldav/mia/" {
		t.Fatalf("home %q, %v", home, err)
	}
	calendars, err := c.FindCalendars(ctx, home)
	if err != nil || len(calendars) != 2 || calendars[0].Path != "/caldav/mia/calendar/" || calendars[0].MaxResourceSize == 0 ||
		strings.Join(calendars[0].SupportedComponentSet, " ") != "VEVENT" {
		t.Fatalf("calendars %+v, %v", calendars, err)
	}
	cal, err := ical.NewDecoder(strings.NewReader(event("one", "Tea"))).Decode()
	if err != nil {
		t.Fatal(err)
	}
	put, err := c.PutCalendarObject(ctx, "/caldav/mia/calendar/one.ics", cal)
	if err != nil || put.ETag == "" {
		t.Fatalf("put %+v, %v", put, err)
	}
	got, err := c.GetCalendarObject(ctx, "/caldav/mia/calendar/one.ics")
	if err != nil || got.ETag != put.ETag {
		t.Fatalf("got %+v, %v", got, err)
	}
	whole := client.CalendarCompRequest{Name: "VCALENDAR", AllProps: true, AllComps: true}
	query := func(day int) []client.CalendarObject {
		from := time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC)
		found, err := c.QueryCalendar(ctx, "/caldav/mia/calendar/", &client.CalendarQuery{CompRequest: whole,
			CompFilter: client.CompFilter{Name: "VCALENDAR", Comps: []client.CompFilter{{Name: "VEVENT", Start: from, End: from.AddDate(0, 0, 1)}}}})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := query(10); len(found) != 1 || found[0].ETag != put.ETag || found[0].Data.Events()[0].Props.Get("SUMMARY").Value != "Tea" {
		t.Errorf("the day of the event has %+v", found)
	}
	if found := query(11); len(found) != 0 {
		t.Errorf("the day after has %+v", found)
	}
	all, err := c.MultiGetCalendar(ctx, "/caldav/mia/calendar/", &client.CalendarMultiGet{Paths: []string{"/caldav/mia/calendar/one.ics"}, CompRequest: whole})
	if err != nil || len(all) != 1 {
		t.Errorf("multiget %+v, %v", all, err)
	}
}
