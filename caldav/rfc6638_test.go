package caldav_test

import (
	"regexp"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/store"
)

// cast are the people of one row: lena invites, mia and max are invited.
type cast struct {
	*davtest.Server
	lena, mia, max *davtest.Client
}

// atPlan is where lena keeps her meeting.
const atPlan = "/caldav/lena/calendar/plan.ics"

// invites keeps a meeting of lena's with these lines of attendees, each the parameters
// of its name such as "mia;SCHEDULE-AGENT=NONE".
func (c cast) invites(t *testing.T, attendees []string, lines ...string) *davtest.Response {
	t.Helper()
	t.Helper()
	return put(c.lena, atPlan, planned(attendees, lines...))
}

// planned is lena's meeting, on the tenth unless its lines say another time.
func planned(attendees []string, lines ...string) string {
	all := []string{"ORGANIZER:mailto:lena@example.com", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:lena@example.com"}
	for _, a := range attendees {
		name, params, more := strings.Cut(a, ";")
		if !more {
			params = "PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
		}
		all = append(all, "ATTENDEE;"+params+":mailto:"+name+"@example.com")
	}
	if !strings.Contains(strings.Join(lines, "\n"), "DTSTART") {
		all = append(all, "DTSTART:20260310T090000Z", "DTEND:20260310T100000Z")
	}
	return event("plan", "Plan", append(all, lines...)...)
}

// daily are the lines of a series of five days.
var daily = []string{"DTSTART:20260310T090000Z", "DTEND:20260310T100000Z", "RRULE:FREQ=DAILY;COUNT=5"}

// also puts an instance into an object: the master with another start, an own
// RECURRENCE-ID and no rule, changed.
func also(body, at string, changes ...string) string {
	master := regexp.MustCompile(`(?s)BEGIN:VEVENT.*?END:VEVENT\r\n`).FindString(body)
	one := regexp.MustCompile(`(?m)^(RRULE|EXDATE|RDATE)[^\n]*\n`).ReplaceAllString(master, "")
	one = strings.NewReplacer("DTSTART:20260310", "RECURRENCE-ID:"+at+"T090000Z\r\nDTSTART:"+at, "DTEND:20260310", "DTEND:"+at).Replace(one)
	return strings.Replace(body, "END:VCALENDAR", strings.NewReplacer(changes...).Replace(one)+"END:VCALENDAR", 1)
}

// got are the methods of the messages in an inbox, which it empties.
func got(t *testing.T, c *davtest.Client, name string) string {
	t.Helper()
	var methods []string
	for _, url := range listed(t, c, "/caldav/"+name+"/inbox/") {
		methods = append(methods, regexp.MustCompile(`METHOD:(\w+)`).FindStringSubmatch(content(t, c, url).Body)[1])
		c.Do("DELETE", url, "").Want(t, 204)
	}
	return strings.Join(methods, " ")
}

func wantGot(t *testing.T, c *davtest.Client, name, want string) {
	t.Helper()
	if have := got(t, c, name); have != want {
		t.Errorf("%s got %q instead of %q", name, have, want)
	}
}

// copied is the one object of somebody invited, and its URL.
func copied(t *testing.T, c *davtest.Client, name string) (url string, r *davtest.Response) {
	t.Helper()
	url = only(t, c, "/caldav/"+name+"/calendar/")
	return url, content(t, c, url)
}

// What RFC 6638 says of the organizer's objects, section by section, over HTTP.
func TestRFC6638Organizer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		section string
		play    func(*testing.T, cast)
	}{
		{"3.1, one organizer in all components", func(t *testing.T, c cast) {
			two := also(planned([]string{"mia"}, daily...), "20260311", "ORGANIZER:mailto:lena@example.com\r\n", "")
			put(c.lena, atPlan, two).Want(t, 403, cal("same-organizer-in-all-components"))
			wantGot(t, c.mia, "mia", "")
		}},
		{"3.2.1, the organizer is told nothing of his own", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia"}).Want(t, 201)
			wantGot(t, c.lena, "lena", "")
			content(t, c.lena, atPlan, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:lena@")
		}},
		{"3.2.1, the answer that another way has brought", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia;PARTSTAT=ACCEPTED"}).Want(t, 201)
			content(t, c.lena, atPlan, "PARTSTAT=ACCEPTED;SCHEDULE-STATUS=1.2:mailto:mia@")
		}},
		{"3.2.1.1, SERVER", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia;SCHEDULE-AGENT=SERVER", "max"}).Want(t, 201)
			wantGot(t, c.mia, "mia", "REQUEST")
			wantGot(t, c.max, "max", "REQUEST")
			content(t, c.lena, atPlan, "SCHEDULE-AGENT=SERVER;SCHEDULE-STATUS=1.2:mailto:mia@", "SCHEDULE-STATUS=1.2:mailto:max@")
		}},
		{"3.2.1.1, CLIENT and NONE", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia;SCHEDULE-AGENT=CLIENT", "max;SCHEDULE-AGENT=NONE"}).Want(t, 201)
			wantGot(t, c.mia, "mia", "")
			wantGot(t, c.max, "max", "")
			content(t, c.lena, atPlan, "!SCHEDULE-STATUS")
		}},
		{"3.2.1.2, changed and removed", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia", "max"}).Want(t, 201)
			got(t, c.mia, "mia")
			got(t, c.max, "max")
			c.invites(t, []string{"mia"}, "LOCATION:here").Want(t, 204)
			wantGot(t, c.mia, "mia", "REQUEST")
			wantGot(t, c.max, "max", "CANCEL")
			content(t, c.lena, atPlan, "SCHEDULE-STATUS=1.2:mailto:mia@", "!max")
		}},
		{"3.2.1.2, nothing that matters has changed", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia"}).Want(t, 201)
			got(t, c.mia, "mia")
			c.invites(t, []string{"mia"}, "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM").Want(t, 204)
			wantGot(t, c.mia, "mia", "")
		}},
		{"3.2.1.3, SERVER, CLIENT and NONE", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia", "max;SCHEDULE-AGENT=CLIENT"}).Want(t, 201)
			got(t, c.mia, "mia")
			c.lena.Do("DELETE", atPlan, "").Want(t, 204)
			wantGot(t, c.mia, "mia", "CANCEL")
			wantGot(t, c.max, "max", "")
		}},
		{"3.2.3.1, an event becomes a meeting", func(t *testing.T, c cast) {
			put(c.lena, atPlan, event("plan", "Plan")).Want(t, 201)
			c.invites(t, []string{"mia"}).Want(t, 204)
			wantGot(t, c.mia, "mia", "REQUEST")
		}},
		{"3.2.3.1, a meeting becomes an event", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia"}).Want(t, 201)
			got(t, c.mia, "mia")
			r := put(c.lena, atPlan, event("plan", "Plan")).Want(t, 204)
			if tag := r.Header.Get("Schedule-Tag"); tag != "" {
				t.Errorf("an event has the schedule tag %s", tag)
			}
			wantGot(t, c.mia, "mia", "CANCEL")
			content(t, c.lena, atPlan, "!ORGANIZER", "!CANCELLED")
		}},
		{"3.2.3.2, DELETE of a calendar", func(t *testing.T, c cast) {
			c.lena.Do("MKCALENDAR", "/caldav/lena/work/", "").Want(t, 201)
			put(c.lena, "/caldav/lena/work/plan.ics", strings.ReplaceAll(planned([]string{"mia"}), "20260310", "20990310")).Want(t, 201)
			got(t, c.mia, "mia")
			c.lena.Do("DELETE", "/caldav/lena/work/", "").Want(t, 204)
			wantGot(t, c.mia, "mia", "CANCEL")
		}},
		{"3.2.3.3 and 3.2.3.4, COPY and MOVE between calendars", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia"}).Want(t, 201)
			got(t, c.mia, "mia")
			c.lena.Do("MKCALENDAR", "/caldav/lena/work/", "").Want(t, 201)
			c.lena.Do("COPY", atPlan, "", "Destination", "/caldav/lena/work/plan.ics").Want(t, 403, cal("unique-scheduling-object-resource"), "<D:href>"+atPlan+"</D:href>")
			c.lena.Do("MOVE", atPlan, "", "Destination", "/caldav/lena/work/plan.ics").Want(t, 201)
			wantGot(t, c.mia, "mia", "")
		}},
		{"3.2.4.1, a UID that another calendar has", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia"}).Want(t, 201)
			c.lena.Do("MKCALENDAR", "/caldav/lena/work/", "").Want(t, 201)
			put(c.lena, "/caldav/lena/work/other.ics", planned([]string{"mia"})).Want(t, 403, cal("unique-scheduling-object-resource"), "<D:href>"+atPlan+"</D:href>")
		}},
		{"3.2.4.3, another organizer", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia"}).Want(t, 201)
			body := strings.Replace(planned([]string{"mia"}), "ORGANIZER:mailto:lena", "ORGANIZER:mailto:mia", 1)
			put(c.lena, atPlan, body).Want(t, 403, cal("allowed-organizer-scheduling-object-change"))
		}},
		{"3.2.5, DTSTAMP and SEQUENCE", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia", "max"}, "SEQUENCE:3").Want(t, 201)
			content(t, c.mia, only(t, c.mia, "/caldav/mia/inbox/"), "SEQUENCE:3", "!DTSTAMP:20260101")
			got(t, c.mia, "mia")
			c.invites(t, []string{"mia", "max"}, "SEQUENCE:3", "DTSTART:20260312T090000Z", "DTEND:20260312T100000Z").Want(t, 204)
			content(t, c.mia, only(t, c.mia, "/caldav/mia/inbox/"), "SEQUENCE:4")
			content(t, c.lena, atPlan, "SEQUENCE:4")
			got(t, c.max, "max")
			c.invites(t, []string{"mia"}, "SEQUENCE:4", "DTSTART:20260312T090000Z", "DTEND:20260312T100000Z").Want(t, 204)
			content(t, c.max, only(t, c.max, "/caldav/max/inbox/"), "METHOD:CANCEL", "SEQUENCE:5")
			got(t, c.mia, "mia")
			c.lena.Do("DELETE", atPlan, "").Want(t, 204)
			content(t, c.mia, only(t, c.mia, "/caldav/mia/inbox/"), "METHOD:CANCEL", "SEQUENCE:6")
		}},
		{"3.2.6, invited to one instance only", func(t *testing.T, c cast) {
			body := also(planned([]string{"mia"}, daily...), "20260312", "END:VEVENT", "ATTENDEE:mailto:max@example.com\r\nEND:VEVENT")
			put(c.lena, atPlan, body).Want(t, 201)
			_, r := copied(t, c.max, "max")
			r.Want(t, 200, "RECURRENCE-ID:20260312T090000Z", "!RRULE", "!20260310T")
			content(t, c.max, only(t, c.max, "/caldav/max/inbox/"), "RECURRENCE-ID:20260312T090000Z", "!RRULE", "!20260310T")
		}},
		{"3.2.6, invited to all but one instance", func(t *testing.T, c cast) {
			body := also(planned([]string{"mia", "max"}, daily...), "20260312", "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:max@example.com\r\n", "", "SUMMARY:Plan", "SUMMARY:Secret")
			put(c.lena, atPlan, body).Want(t, 201)
			_, r := copied(t, c.max, "max")
			r.Want(t, 200, "EXDATE:20260312T090000Z", "RRULE", "!RECURRENCE-ID", "!Secret")
			_, r = copied(t, c.mia, "mia")
			r.Want(t, 200, "RECURRENCE-ID:20260312T090000Z", "Secret", "!EXDATE")
		}},
		{"3.2.6, called off for one from one instance on", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia", "max"}, daily...).Want(t, 201)
			got(t, c.max, "max")
			got(t, c.mia, "mia")
			put(c.lena, atPlan, also(planned([]string{"mia", "max"}, daily...), "20260312", "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:max@example.com\r\n", "")).Want(t, 204)
			_, r := copied(t, c.max, "max")
			r.Want(t, 200, "EXDATE:20260312T090000Z", "RRULE", "!STATUS:CANCELLED")
			wantGot(t, c.max, "max", "CANCEL")
		}},
		{"3.2.7 and 7.2, a REQUEST is forced", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia", "max"}).Want(t, 201)
			got(t, c.mia, "mia")
			got(t, c.max, "max")
			c.invites(t, []string{"mia;SCHEDULE-FORCE-SEND=REQUEST", "max"}).Want(t, 204)
			wantGot(t, c.mia, "mia", "REQUEST")
			wantGot(t, c.max, "max", "")
			content(t, c.lena, atPlan, "!FORCE-SEND")
		}},
		{"7.2, what is forced is unknown", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia"}).Want(t, 201)
			got(t, c.mia, "mia")
			c.invites(t, []string{"mia;SCHEDULE-FORCE-SEND=REFRESH"}).Want(t, 204)
			wantGot(t, c.mia, "mia", "")
			content(t, c.lena, atPlan, "SCHEDULE-STATUS=2.3:mailto:mia@", "!FORCE-SEND")
		}},
		{"3.2.8, who has answered is asked anew", func(t *testing.T, c cast) {
			accept := func() {
				at, r := copied(t, c.mia, "mia")
				put(c.mia, at, answer(r.Body, "mia", "ACCEPTED")).Want(t, 204)
			}
			asked := "NEEDS-ACTION;RSVP=TRUE"
			for i, step := range []struct {
				lines []string
				anew  bool
			}{
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20260311T090000Z"}, true},
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20260311T090000Z", "LOCATION:here"}, false},
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260311T090000Z"}, false},
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260311T090000Z,20260312T090000Z"}, false},
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260312T090000Z"}, true},
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=6", "EXDATE:20260312T090000Z"}, true},
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=6", "EXDATE:20260312T090000Z", "RDATE:20260401T090000Z"}, true},
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT2H", "RRULE:FREQ=DAILY;COUNT=6", "EXDATE:20260312T090000Z", "RDATE:20260401T090000Z"}, true},
				{[]string{"DTSTART:20260310T090000Z", "DURATION:PT2H", "RRULE:FREQ=DAILY;UNTIL=20260312T090000Z", "EXDATE:20260312T090000Z"}, true},
				{[]string{"DTSTART:20260310T080000Z", "DURATION:PT2H", "RRULE:FREQ=DAILY;UNTIL=20260312T090000Z", "EXDATE:20260312T080000Z"}, true},
			} {
				params := "mia;PARTSTAT=ACCEPTED;RSVP=TRUE"
				if i == 0 {
					params = "mia"
				}
				c.invites(t, []string{params}, step.lines...)
				r := content(t, c.lena, atPlan)
				if anew := strings.Contains(r.Body, asked); anew != step.anew {
					t.Errorf("step %d, %q: asked anew %t", i, step.lines, anew)
				}
				accept()
			}
		}},
		{"3.2.9, to whom nothing comes", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia", "nobody"}).Want(t, 201)
			content(t, c.lena, atPlan, "SCHEDULE-STATUS=1.2:mailto:mia@", "SCHEDULE-STATUS=5.2:mailto:nobody@")
		}},
		{"7.1, an agent that nobody knows is none", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia;SCHEDULE-AGENT=X-PIGEON"}).Want(t, 201)
			wantGot(t, c.mia, "mia", "")
		}},
		{"7.1 to 7.3, no parameters in messages", func(t *testing.T, c cast) {
			c.invites(t, []string{"mia;SCHEDULE-AGENT=SERVER;SCHEDULE-FORCE-SEND=REQUEST", "max;SCHEDULE-AGENT=CLIENT;SCHEDULE-STATUS=2.0"}).Want(t, 201)
			_, r := copied(t, c.mia, "mia")
			r.Want(t, 200, "!SCHEDULE-")
			content(t, c.mia, only(t, c.mia, "/caldav/mia/inbox/"), "!SCHEDULE-")
			content(t, c.lena, atPlan, "SCHEDULE-AGENT=CLIENT;SCHEDULE-STATUS=2.0:mailto:max@")
		}},
	} {
		t.Run(row.section, func(t *testing.T) {
			t.Parallel()
			row.play(t, newCast(t))
		})
	}
}

func newCast(t *testing.T) cast {
	t.Helper()
	s := company(t, store.Options{}, "lena", "mia", "max")
	return cast{s, s.As("lena"), s.As("mia"), s.As("max")}
}

// Who sends messages to an attendee is the table of RFC 6638, section 3.2.1.2.
func TestRFC6638Agents(t *testing.T) {
	t.Parallel()
	const gone = "<Removed>"
	want := map[[2]string]string{
		{gone, "SERVER"}: "REQUEST", {"SERVER", gone}: "CANCEL", {"SERVER", "SERVER"}: "", {"SERVER", "CLIENT"}: "CANCEL", {"SERVER", "NONE"}: "CANCEL",
		{"CLIENT", "SERVER"}: "REQUEST", {"NONE", "SERVER"}: "REQUEST",
	}
	agents := []string{gone, "SERVER", "CLIENT", "NONE"}
	for _, before := range agents {
		for _, after := range agents {
			t.Run(before+" "+after, func(t *testing.T) {
				t.Parallel()
				c := newCast(t)
				with := func(agent string) []string {
					if agent == gone {
						return []string{"max"}
					}
					return []string{"max", "mia;SCHEDULE-AGENT=" + agent}
				}
				c.invites(t, with(before)).Want(t, 201)
				got(t, c.mia, "mia")
				c.invites(t, with(after)).Want(t, 204)
				wantGot(t, c.mia, "mia", want[[2]string{before, after}])
			})
		}
	}
}

// What RFC 6638 says of the objects of those who are invited.
func TestRFC6638Attendee(t *testing.T) {
	t.Parallel()
	change := func(pairs ...string) func(string) string {
		return func(body string) string { return strings.NewReplacer(pairs...).Replace(body) }
	}
	declined := func(body string) string { return answer(body, "mia", "DECLINED") }
	alarm := "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n"
	const end = "END:VEVENT"
	forbidden := cal("allowed-attendee-scheduling-object-change")
	for _, row := range []struct {
		section string
		change  func(string) string
		status  int
		want    string // of the refusal
		reply   string // what lena gets, empty for nothing
	}{
		{"3.2.2.1, 1, PARTSTAT", func(b string) string { return answer(b, "mia", "ACCEPTED") }, 204, "", "PARTSTAT=ACCEPTED"},
		{"3.2.2.1, 1, another's PARTSTAT is not his", func(b string) string { return answer(b, "max", "ACCEPTED") }, 204, "", ""},
		{"3.2.2.1, 2, TRANSP", change(end, "TRANSP:TRANSPARENT\r\n"+end), 204, "", ""},
		{"3.2.2.1, 3, PERCENT-COMPLETE", change(end, "PERCENT-COMPLETE:50\r\n"+end), 204, "", ""},
		{"3.2.2.1, 4, COMPLETED", change(end, "COMPLETED:20260310T100000Z\r\n"+end), 204, "", ""},
		{"3.2.2.1, 5, VALARM", change(end, alarm+end), 204, "", ""},
		{"3.2.2.1, 6, CALSCALE", change("VERSION:2.0", "VERSION:2.0\r\nCALSCALE:GREGORIAN"), 204, "", ""},
		{"3.2.2.1, 7, PRODID", change("PRODID:-//test//EN", "PRODID:-//other//EN"), 204, "", ""},
		{"3.2.2.1, 8, EXDATE", change(end, "EXDATE:20260311T090000Z\r\n"+end), 204, "", "RECURRENCE-ID:20260311T090000Z"},
		{"3.2.2.1, 9, stamps", change("DTSTAMP:2026", "CREATED:20260101T000000Z\r\nLAST-MODIFIED:20260102T000000Z\r\nDTSTAMP:2025"), 204, "", ""},
		{"3.2.2.1, 10, the state of who is invited by a client", change("ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:max", "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;SCHEDULE-AGENT=CLIENT;SCHEDULE-STATUS=2.0:mailto:max"), 204, "", ""},
		{"3.2.2.1, 11, an instance of his own", func(b string) string { return declined(also(b, "20260312")) }, 204, "", "PARTSTAT=DECLINED"},
		{"3.2.2.1, SUMMARY", change("SUMMARY:Plan", "SUMMARY:Party"), 403, forbidden, ""},
		{"3.2.2.1, LOCATION", change(end, "LOCATION:here\r\n"+end), 403, forbidden, ""},
		{"3.2.2.1, DTSTART", change("DTSTART:20260310T09", "DTSTART:20260310T08"), 403, forbidden, ""},
		{"3.2.2.1, DTEND", change("DTEND:20260310T10", "DTEND:20260310T11"), 403, forbidden, ""},
		{"3.2.2.1, RRULE", change("COUNT=5", "COUNT=9"), 403, forbidden, ""},
		{"3.2.2.1, another who is invited", change(end, "ATTENDEE:mailto:new@example.com\r\n"+end), 403, forbidden, ""},
		{"3.2.2.1, an instance that is none", func(b string) string { return also(b, "20260512") }, 403, forbidden, ""},
		{"3.2.2.1, an instance at another time", func(b string) string {
			return also(b, "20260312", "DTSTART:20260312T09", "DTSTART:20260312T07", "DTEND:20260312T10", "DTEND:20260312T08")
		}, 403, forbidden, ""},
		{"3.2.2.1, another organizer", change("ORGANIZER:mailto:lena", "ORGANIZER:mailto:max"), 403, forbidden, ""},
		{"3.2.2.1, no organizer", change("ORGANIZER:mailto:lena@example.com\r\n", ""), 403, forbidden, ""},
		{"7.1, he answers by himself", func(b string) string {
			return strings.Replace(answer(b, "mia", "ACCEPTED"), "ORGANIZER:", "ORGANIZER;SCHEDULE-AGENT=CLIENT:", 1)
		}, 204, "", ""},
		{"7.2, an answer is forced", change("ORGANIZER:", "ORGANIZER;SCHEDULE-FORCE-SEND=REPLY:"), 204, "", "PARTSTAT=NEEDS-ACTION"},
	} {
		t.Run(row.section, func(t *testing.T) {
			t.Parallel()
			c := newCast(t)
			c.invites(t, []string{"mia", "max"}, daily...).Want(t, 201)
			at, r := copied(t, c.mia, "mia")
			if row.want != "" {
				put(c.mia, at, row.change(r.Body)).Want(t, row.status, row.want)
			} else {
				put(c.mia, at, row.change(r.Body)).Want(t, row.status)
				content(t, c.mia, at, "!FORCE-SEND")
			}
			if row.reply == "" {
				wantGot(t, c.lena, "lena", "")
				content(t, c.mia, at, "!ORGANIZER;SCHEDULE-STATUS")
				return
			}
			content(t, c.lena, only(t, c.lena, "/caldav/lena/inbox/"), "METHOD:REPLY", row.reply, "mailto:mia@", "!max@", "!SCHEDULE-")
			content(t, c.mia, at, "ORGANIZER;SCHEDULE-STATUS=1.2:mailto:lena@") // RFC 6638, section 7.3
		})
	}
}
