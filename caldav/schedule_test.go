package caldav_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// company is a server on which everybody but the last has an address.
func company(t *testing.T, o store.Options, people ...string) *davtest.Server {
	t.Helper()
	s := davtest.StartWith(t, o)
	for i, name := range people {
		u := policy.User{Name: name, Type: policy.Member, Email: name + "@example.com"}
		if i == 0 {
			u.Type = policy.Owner
		}
		if _, err := s.AddUser(u); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// meeting is lena's, with these; further lines follow.
func meeting(uid string, names []string, lines ...string) string {
	return meetingOf("lena", uid, names, lines...)
}

func meetingOf(organizer, uid string, names []string, lines ...string) string {
	all := []string{"ORGANIZER:mailto:" + organizer + "@example.com", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:" + organizer + "@example.com"}
	for _, n := range names {
		if !strings.HasPrefix(n, "/") {
			n = "mailto:" + n + "@example.com"
		}
		all = append(all, "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:"+n)
	}
	if len(lines) == 0 {
		lines = []string{"DTSTART:20260310T090000Z", "DTEND:20260310T100000Z"}
	}
	return event(uid, "Plan", append(all, lines...)...)
}

var hrefs = regexp.MustCompile(`<D:href>([^<]*\.ics)</D:href>`)

// listed are the URLs of the members of a collection.
func listed(t *testing.T, c *davtest.Client, path string) (urls []string) {
	t.Helper()
	for _, m := range hrefs.FindAllStringSubmatch(propfind(c, path, "1", "getetag").Want(t, 207).Body, -1) {
		urls = append(urls, m[1])
	}
	return urls
}

// only is the one member of a collection.
func only(t *testing.T, c *davtest.Client, path string) string {
	t.Helper()
	urls := listed(t, c, path)
	if len(urls) != 1 {
		t.Fatalf("%s has %q", path, urls)
	}
	return urls[0]
}

// content is an object, unfolded.
func content(t *testing.T, c *davtest.Client, url string, texts ...string) *davtest.Response {
	t.Helper()
	r := c.Do("GET", url, "")
	r.Body = strings.ReplaceAll(r.Body, "\r\n ", "")
	return r.Want(t, 200, texts...)
}

func answer(body, name, state string) string {
	return regexp.MustCompile(`(?m)^ATTENDEE[^:\r\n]*:mailto:`+name+`@`).ReplaceAllString(strings.ReplaceAll(body, "\r\n ", ""), "ATTENDEE;PARTSTAT="+state+":mailto:"+name+"@")
}

// An invitation arrives, is answered, is changed and is cancelled.
// RFC 6638, sections 3.2 and 4.1
func TestInvitation(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	const at = "/caldav/lena/calendar/plan.ics"
	r := put(lena, at, meeting("plan", []string{"mia", "max"})).Want(t, 201)
	if r.Header.Get("Etag") != "" || r.Header.Get("Schedule-Tag") == "" {
		t.Errorf("an object that was completed has the headers %v", r.Header)
	}
	content(t, lena, at, "SCHEDULE-STATUS=1.2:mailto:mia@", "SCHEDULE-STATUS=1.2:mailto:max@")
	lines, err := s.Store.Operator().Audit(context.Background(), store.AuditQuery{Limit: 1})
	if err != nil || lines[0].Kind != store.AuditDelivered || lines[0].By.Name != "user:lena" || len(lines[0].Lines) != 2 ||
		lines[0].Lines[0] != "REQUEST about calendar:~lena/calendar/plan.ics to mailto:mia@example.com: 1.2" {
		t.Errorf("the trail says %+v, %v", lines, err)
	}
	message := only(t, mia, "/caldav/mia/inbox/")
	content(t, mia, message, "METHOD:REQUEST", "UID:plan")
	copied := only(t, mia, "/caldav/mia/calendar/")
	got := content(t, mia, copied, "UID:plan", "!METHOD", "!SCHEDULE-STATUS", "NEEDS-ACTION;RSVP=TRUE:mailto:mia@")

	// Mia comes. Max and the organizer's schedule tag are left alone by that.
	before := content(t, lena, at)
	put(mia, copied, answer(got.Body, "mia", "ACCEPTED"), "If-Schedule-Tag-Match", got.Header.Get("Schedule-Tag")).Want(t, 204)
	content(t, mia, copied, "ORGANIZER;SCHEDULE-STATUS=1.2:mailto:lena@")
	after := content(t, lena, at, "PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0", "NEEDS-ACTION;RSVP=TRUE;SCHEDULE-STATUS=1.2:mailto:max@")
	if before.Header.Get("Schedule-Tag") != after.Header.Get("Schedule-Tag") || before.Header.Get("Etag") == after.Header.Get("Etag") {
		t.Errorf("an answer led from %v to %v", before.Header, after.Header)
	}
	content(t, lena, only(t, lena, "/caldav/lena/inbox/"), "METHOD:REPLY", "PARTSTAT=ACCEPTED:mailto:mia@", "!max")

	// Lena has not heard of it and names a place: the answer stays.
	put(lena, at, strings.Replace(meeting("plan", []string{"mia", "max"}), "SUMMARY", "LOCATION:here\r\nSUMMARY", 1),
		"If-Schedule-Tag-Match", before.Header.Get("Schedule-Tag")).Want(t, 204)
	content(t, lena, at, "LOCATION:here", "PARTSTAT=ACCEPTED;RSVP=TRUE;SCHEDULE-STATUS=1.2;X-DAVIT-REPLIED")
	content(t, mia, copied, "LOCATION:here", "PARTSTAT=ACCEPTED", "!X-DAVIT")
	put(lena, at, meeting("plan", []string{"mia"}), "If-Schedule-Tag-Match", `"other"`).Want(t, 412)

	// A new time asks anew.
	put(lena, at, meeting("plan", []string{"mia", "max"}, "DTSTART:20260311T090000Z", "DTEND:20260311T100000Z")).Want(t, 204)
	content(t, mia, copied, "20260311T090000Z", "PARTSTAT=NEEDS-ACTION", "SEQUENCE:1")

	// Max is invited no more, and then nobody is.
	put(lena, at, meeting("plan", []string{"mia"}, "DTSTART:20260311T090000Z", "DTEND:20260311T100000Z", "SEQUENCE:1")).Want(t, 204)
	content(t, max, only(t, max, "/caldav/max/calendar/"), "STATUS:CANCELLED")
	content(t, mia, copied, "!CANCELLED")
	lena.Do("DELETE", at, "").Want(t, 204)
	content(t, mia, copied, "STATUS:CANCELLED")
	mia.Do("DELETE", copied, "").Want(t, 204)
	if messages := listed(t, lena, "/caldav/lena/inbox/"); len(messages) != 1 {
		t.Errorf("who deletes what is cancelled answers: %q", messages)
	}
}

// What is too long to stay in the database by itself does when it is completed.
func TestLongInvitation(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia")
	lena, mia := s.As("lena"), s.As("mia")
	long := meeting("long", []string{"mia"}, "DTSTART:20260310T090000Z", "DESCRIPTION:"+strings.Repeat("word ", 20_000))
	put(lena, "/caldav/lena/calendar/long.ics", long).Want(t, 201)
	content(t, lena, "/caldav/lena/calendar/long.ics", "SCHEDULE-STATUS=1.2:mailto:mia@", strings.Repeat("word ", 20_000))
	copied := only(t, mia, "/caldav/mia/calendar/")
	put(mia, copied, answer(content(t, mia, copied).Body, "mia", "ACCEPTED")).Want(t, 204)
	content(t, lena, "/caldav/lena/calendar/long.ics", "PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0")
	lena.Do("DELETE", "/caldav/lena/calendar/long.ics", "").Want(t, 204)
}

// Answers to one instance are for that instance, and declining by deletion may be
// kept silent. RFC 6638, sections 3.2.2.4 and 8.1
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	const at = "/caldav/lena/calendar/weekly.ics"
	weekly := []string{"DTSTART:20260310T090000Z", "DTEND:20260310T100000Z", "RRULE:FREQ=WEEKLY;COUNT=5"}
	put(lena, at, meeting("weekly", []string{"mia", "max"}, weekly...)).Want(t, 201)
	copied := only(t, max, "/caldav/max/calendar/")
	got := content(t, max, copied)
	instance := regexp.MustCompile(`(?s)BEGIN:VEVENT.*END:VEVENT\r\n`).FindString(got.Body)
	instance = strings.ReplaceAll(answer(instance, "max", "DECLINED"), "RRULE:FREQ=WEEKLY;COUNT=5", "RECURRENCE-ID:20260317T090000Z")
	instance = strings.NewReplacer("DTSTART:20260310", "DTSTART:20260317", "DTEND:20260310", "DTEND:20260317").Replace(instance)
	put(max, copied, strings.Replace(got.Body, "END:VCALENDAR", instance+"END:VCALENDAR", 1)).Want(t, 204)
	content(t, lena, at, "RRULE:FREQ=WEEKLY", "RECURRENCE-ID:20260317T090000Z", "PARTSTAT=DECLINED", "NEEDS-ACTION;RSVP=TRUE;SCHEDULE-STATUS=1.2:mailto:max@")

	mias := only(t, mia, "/caldav/mia/calendar/")
	mia.Do("DELETE", mias, "", "Schedule-Reply", "F").Want(t, 204)
	content(t, lena, at, "NEEDS-ACTION;RSVP=TRUE;SCHEDULE-STATUS=1.2:mailto:mia@")
	max.Do("DELETE", copied, "").Want(t, 204)
	content(t, lena, at, "PARTSTAT=DECLINED;SCHEDULE-STATUS=2.0;X-DAVIT-REPLIED")
}

// What is brought over from another server was told there.
func TestSilentPut(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia")
	put(s.As("lena"), "/caldav/lena/calendar/plan.ics", meeting("plan", []string{"mia"}), "Schedule-Reply", "F").Want(t, 201)
	if got := listed(t, s.As("mia"), "/caldav/mia/calendar/"); len(got) != 0 {
		t.Errorf("mia got %q", got)
	}
	s.As("lena").Do("DELETE", "/caldav/lena/calendar/plan.ics", "", "Schedule-Reply", "F").Want(t, 204)
}

// What is not to be done with a meeting is refused with the precondition.
// RFC 6638, section 3.2.4
func TestScheduleRefusals(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max")
	lena, mia := s.As("lena"), s.As("mia")
	const at = "/caldav/lena/calendar/plan.ics"
	put(lena, at, meeting("plan", []string{"mia"})).Want(t, 201)
	copied := only(t, mia, "/caldav/mia/calendar/")
	got := content(t, mia, copied)
	put(mia, copied, strings.Replace(got.Body, "SUMMARY:Plan", "SUMMARY:Party", 1)).Want(t, 403, "allowed-attendee-scheduling-object-change")
	put(lena, at, strings.ReplaceAll(meeting("plan", []string{"mia"}), "ORGANIZER:mailto:lena", "ORGANIZER:mailto:mia")).Want(t, 403, "allowed-organizer-scheduling-object-change")
	mia.Do("MKCALENDAR", "/caldav/mia/work", "").Want(t, 201)
	put(mia, "/caldav/mia/work/again.ics", got.Body).Want(t, 403, "unique-scheduling-object-resource", copied)
	mia.Do("COPY", copied, "", "Destination", "/caldav/mia/work/again.ics").Want(t, 403, "unique-scheduling-object-resource", copied)
	mia.Do("MOVE", copied, "", "Destination", "/caldav/mia/work/moved.ics").Want(t, 201)
	two := strings.Replace(meeting("two", []string{"mia"}), "END:VCALENDAR", "BEGIN:VEVENT\r\nUID:two\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260310T090000Z\r\nDTSTART:20260310T090000Z\r\n"+
		"ORGANIZER:mailto:max@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR", 1)
	put(lena, "/caldav/lena/calendar/two.ics", two).Want(t, 403, "same-organizer-in-all-components")
	put(lena, "/caldav/lena/calendar/large.ics", meeting("large", []string{"mia"}, "DTSTART:20260310T090000Z", "ATTACH;ENCODING=BASE64;VALUE=BINARY:"+strings.Repeat("A", 2<<20))).
		Want(t, 403, "max-resource-size")
	// The calendar for what arrives stays until there is another one for that.
	lena.Do("DELETE", "/caldav/lena/calendar/", "").Want(t, 403, "default-calendar-needed")
	mia.Do("DELETE", "/caldav/mia/calendar/", "").Want(t, 403, "default-calendar-needed")
	mia.Do("PROPPATCH", "/caldav/mia/inbox/", `<D:propertyupdate`+calendarNS+`><D:set><D:prop><C:schedule-default-calendar-URL><D:href>/caldav/mia/work/</D:href></C:schedule-default-calendar-URL></D:prop></D:set></D:propertyupdate>`).Want(t, 207, "200 OK")
	mia.Do("DELETE", "/caldav/mia/calendar/", "").Want(t, 204)
	put(lena, "/caldav/lena/calendar/next.ics", meeting("next", []string{"mia"})).Want(t, 201)
	if there := listed(t, mia, "/caldav/mia/work/"); len(there) != 2 {
		t.Errorf("without a calendar of that name what arrives goes to %q", there)
	}
	// A meeting stays with whose it is.
	s.Space("Team", "user:lena=editor")
	team := regexp.MustCompile(`/caldav/lena/shared-[a-z0-9]+/`).FindString(propfind(lena, "/caldav/lena/", "1", "displayname").Body)
	lena.Do("MOVE", at, "", "Destination", team+"plan.ics").Want(t, 403, "allowed-organizer-scheduling-object-change")
	lena.Do("COPY", at, "", "Destination", team+"plan.ics").Want(t, 201)
}

// The boxes are the owner's alone, take nothing in from clients and are listed with
// the calendars. RFC 6638, sections 2.1, 2.2 and 9.2
func TestBoxes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := company(t, store.Options{Clock: func() time.Time { return now }}, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	propfind(mia, "/principals/users/mia/", "0", "C:schedule-inbox-URL", "C:schedule-outbox-URL", "C:calendar-user-address-set", "C:calendar-user-type").
		Want(t, 207, "/caldav/mia/inbox/", "/caldav/mia/outbox/", "mailto:mia@example.com", "INDIVIDUAL", "!404")
	propfind(mia, "/caldav/mia/", "1", "resourcetype").Want(t, 207, "<C:schedule-inbox", "<C:schedule-outbox")
	propfind(mia, "/caldav/mia/inbox/", "0", "C:schedule-default-calendar-URL", "supported-report-set", "current-user-privilege-set").
		Want(t, 207, "<D:href>/caldav/mia/calendar/</D:href>", "calendar-multiget", "sync-collection", "schedule-deliver", "!404")
	sync := func(token string) *davtest.Response {
		return mia.Do("REPORT", "/caldav/mia/inbox/", `<sync-collection xmlns="DAV:"><sync-token>`+token+`</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`).Want(t, 207)
	}
	token := func(r *davtest.Response) string {
		return regexp.MustCompile(`sync-token>([^<]+)<`).FindStringSubmatch(r.Body)[1]
	}
	first := token(sync(""))
	put(lena, "/caldav/lena/calendar/a.ics", meeting("a", []string{"mia"})).Want(t, 201)
	message := only(t, mia, "/caldav/mia/inbox/")
	if n, err := s.Store.Reindex(t.Context(), func(fault string) { t.Error(fault) }); err != nil || n != 2 {
		t.Errorf("%d objects indexed anew, %v", n, err)
	}
	changed := sync(first)
	if !strings.Contains(changed.Body, message) {
		t.Errorf("the token of before hears of %s", changed.Body)
	}
	mia.Do("REPORT", "/caldav/mia/inbox/", `<C:calendar-multiget`+calendarNS+`><D:prop><C:calendar-data/></D:prop><D:href>`+message+`</D:href></C:calendar-multiget>`).
		Want(t, 207, "METHOD:REQUEST")
	mia.Do("REPORT", "/caldav/mia/inbox/", `<C:calendar-query`+calendarNS+`><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">`+
		`<C:time-range start="20260310T000000Z" end="20260311T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`, "Depth", "1").Want(t, 207, "METHOD:REQUEST")
	for _, box := range []string{"inbox", "outbox"} {
		put(mia, "/caldav/mia/"+box+"/x.ics", event("x", "x")).Want(t, 403)
		mia.Do("DELETE", "/caldav/mia/"+box+"/", "").Want(t, 403)
		mia.Do("MOVE", "/caldav/mia/"+box+"/", "", "Destination", "/caldav/mia/else/").Want(t, 403)
		mia.Do("MKCALENDAR", "/caldav/mia/"+box+"/x", "").Want(t, 403)
	}
	mia.Do("MOVE", message, "", "Destination", "/caldav/mia/calendar/message.ics").Want(t, 403)
	mia.Do("COPY", message, "", "Destination", "/caldav/mia/calendar/message.ics").Want(t, 403)
	// Who is given all that is mia's is not given her boxes.
	id, _ := s.Store.Policy().ParsePrincipal("user:max")
	rights, _ := policy.LevelRights("editor")
	s.ChangeAt("~mia", func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
		return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: id, Allow: rights}}}, nil
	})
	propfind(max, "/caldav/max/", "1", "displayname").Want(t, 207, "calendar (mia)", "!inbox (mia)")
	for _, p := range []string{"/caldav/mia/inbox/", message} {
		if a, b := max.Do("GET", p, ""), max.Do("GET", "/caldav/mia/none/", ""); a.Status != 404 || a.Body != b.Body {
			t.Errorf("%s answers %d %q", p, a.Status, a.Body)
		}
	}
	// A default of one's own choice.
	mia.Do("MKCALENDAR", "/caldav/mia/work", "").Want(t, 201)
	patch := func(href string) *davtest.Response {
		return mia.Do("PROPPATCH", "/caldav/mia/inbox/", `<D:propertyupdate`+calendarNS+`><D:set><D:prop><C:schedule-default-calendar-URL><D:href>`+href+
			`</D:href></C:schedule-default-calendar-URL></D:prop></D:set></D:propertyupdate>`)
	}
	patch("/caldav/mia/tasks/").Want(t, 403, "valid-schedule-default-calendar-URL")
	patch("/caldav/mia/none/").Want(t, 403, "valid-schedule-default-calendar-URL")
	patch("/caldav/mia/work/").Want(t, 207, "200 OK")
	propfind(mia, "/caldav/mia/inbox/", "0", "C:schedule-default-calendar-URL").Want(t, 207, "<D:href>/caldav/mia/work/</D:href>")
	put(lena, "/caldav/lena/calendar/b.ics", meeting("b", []string{"mia"})).Want(t, 201)
	only(t, mia, "/caldav/mia/work/")
	// What is dismissed is gone, and what lies there long goes by itself.
	mia.Do("DELETE", message, "").Want(t, 204)
	if found, err := s.Store.Check(context.Background()); err != nil || found.Trashed != 0 {
		t.Errorf("what was dismissed lies in the trash: %d, %v", found.Trashed, err)
	}
	second := sync(token(changed))
	if !strings.Contains(second.Body, message) || !strings.Contains(second.Body, "404") {
		t.Errorf("a message that went is told as %s", second.Body)
	}
	now = now.AddDate(0, 0, 29)
	collect(t, s)
	only(t, mia, "/caldav/mia/inbox/")
	now = now.AddDate(0, 0, 2)
	collect(t, s)
	if left := listed(t, mia, "/caldav/mia/inbox/"); len(left) != 0 {
		t.Errorf("after a month there is %q", left)
	}
	only(t, mia, "/caldav/mia/work/")
}

func collect(t *testing.T, s *davtest.Server) {
	t.Helper()
	if _, err := s.Store.Collect(context.Background(), time.Hour); err != nil {
		t.Fatal(err)
	}
}

// What stands in the way of a receiver is told to the sender, and is no error of
// his. RFC 6638, section 3.2.9
func TestDeliveryStatus(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max", "zoe", "twin", "rob")
	readers, err := s.Store.Operator().AddProfile(context.Background(), policy.Profile{Name: "readers", Quota: policy.NoLimit, Functions: new(policy.AllFunctions &^ policy.FilesUpload)})
	if err != nil {
		t.Fatal(err)
	}
	lena := s.As("lena")
	s.Quota("~mia", 10)
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		max, twin := *p.UserNamed("max"), *p.UserNamed("twin")
		max.Inactive, twin.Email = true, "ZOE@example.com"
		rob := *p.UserNamed("rob")
		rob.Profile = readers.ID
		return []policy.Change{policy.PutUser{User: max}, policy.PutUser{User: twin}, policy.PutUser{User: rob}}, nil
	})
	const at = "/caldav/lena/calendar/plan.ics"
	put(lena, at, meeting("plan", []string{"mia", "max", "zoe", "rob", "outside", "/principals/users/nobody/", "/principals/users/twin/"})).Want(t, 201)
	content(t, lena, at, "SCHEDULE-STATUS=5.3:mailto:rob@", "SCHEDULE-STATUS=5.1:mailto:mia@", "SCHEDULE-STATUS=5.2:mailto:max@", "SCHEDULE-STATUS=5.2:mailto:zoe@",
		"SCHEDULE-STATUS=5.2:mailto:outside@", "SCHEDULE-STATUS=3.7:/principals/users/nobody/", "SCHEDULE-STATUS=1.2:/principals/users/twin/")
	only(t, s.As("twin"), "/caldav/twin/calendar/")
	for _, name := range []string{"mia", "zoe", "rob"} {
		if got := listed(t, s.As(name), "/caldav/"+name+"/calendar/"); len(got) != 0 {
			t.Errorf("%s got %q", name, got)
		}
	}
}

// Somebody may take no meeting over by knowing its UID.
func TestForeignUID(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	put(lena, "/caldav/lena/calendar/plan.ics", meeting("plan", []string{"mia"})).Want(t, 201)
	put(mia, "/caldav/mia/calendar/own.ics", event("own", "Secret")).Want(t, 201)
	for _, uid := range []string{"plan", "own"} {
		at := "/caldav/max/calendar/" + uid + ".ics"
		put(max, at, meetingOf("max", uid, []string{"mia"}, "DTSTART:20270310T090000Z")).Want(t, 201)
		content(t, max, at, "SCHEDULE-STATUS=3.8:mailto:mia@")
		max.Do("DELETE", at, "").Want(t, 204)
	}
	for _, url := range listed(t, mia, "/caldav/mia/calendar/") {
		content(t, mia, url, "!20270310", "!CANCELLED")
	}
	// An answer in somebody else's name is none.
	put(max, "/caldav/max/calendar/x.ics", answer(meeting("plan", []string{"mia", "max"}), "max", "ACCEPTED")).Want(t, 201)
	content(t, max, "/caldav/max/calendar/x.ics", "ORGANIZER;SCHEDULE-STATUS=3.8:mailto:lena@")
	content(t, lena, "/caldav/lena/calendar/plan.ics", "!max")
}

var sharedAt = regexp.MustCompile(`/caldav/[a-z]+/shared-[a-z0-9]+/`)

// From the calendar of a space the space invites, by whom it lets; its members have
// the meeting before their eyes, and answer there.
func TestSpaceInvites(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max", "zoe", "rita")
	s.Space("Team", "user:lena=editor", "user:mia=viewer", "user:rita=reviser")
	lena, mia, max, rita := s.As("lena"), s.As("mia"), s.As("max"), s.As("rita")
	team := func(c *davtest.Client, name string) string {
		r := propfind(c, "/caldav/"+name+"/", "1", "displayname", "C:calendar-user-address-set").Want(t, 207, "mailto:space-")
		return sharedAt.FindString(r.Body)
	}
	at := team(lena, "lena") + "plan.ics"
	put(lena, at, meeting("plan", []string{"mia", "max"})).Want(t, 201)
	address := s.Store.Policy().SpaceNamed("Team").ID
	kept := content(t, lena, at, `ORGANIZER;CN=Team;SENT-BY="mailto:lena@example.com":`+store.SpaceAddress(address), "SCHEDULE-STATUS=1.2:mailto:mia@", "SCHEDULE-STATUS=1.2:mailto:max@")
	if got := listed(t, mia, "/caldav/mia/calendar/"); len(got) != 0 {
		t.Errorf("who sees the meeting has a copy too: %q", got)
	}
	// Mia, who may only read there, answers there, and changes nothing else.
	mias := team(mia, "mia") + "plan.ics"
	put(mia, mias, answer(kept.Body, "max", "DECLINED")).Want(t, 204)
	put(mia, mias, strings.Replace(answer(kept.Body, "mia", "ACCEPTED"), "SUMMARY:Plan", "SUMMARY:Party", 1)).Want(t, 403, "need-privileges")
	put(mia, mias, answer(kept.Body, "mia", "ACCEPTED")).Want(t, 204)
	after := content(t, lena, at, "PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0", "SUMMARY:Plan", "!DECLINED")
	if kept.Header.Get("Schedule-Tag") != after.Header.Get("Schedule-Tag") {
		t.Errorf("an answer changed the schedule tag")
	}
	mia.Do("DELETE", mias, "").Want(t, 403)
	put(mia, team(mia, "mia")+"new.ics", meeting("new", []string{"max"})).Want(t, 403)
	// Max, who does not see it, has a copy, and his answer comes back to the space.
	copied := only(t, max, "/caldav/max/calendar/")
	put(max, copied, answer(content(t, max, copied).Body, "max", "TENTATIVE")).Want(t, 204)
	content(t, lena, at, "PARTSTAT=TENTATIVE;SCHEDULE-STATUS=2.0")
	// Rita writes there, and does not schedule.
	put(rita, team(rita, "rita")+"plan.ics", strings.Replace(after.Body, "DTSTART:20260310", "DTSTART:20260309", 1)).Want(t, 403, "need-privileges", "schedule-send-invite")
	// From her own calendar lena's friend with leave to schedule invites as lena.
	share(s, "calendar:~lena/calendar", "user:zoe", "editor")
	zoe := s.As("zoe")
	hers := sharedAt.FindString(regexp.MustCompile(`(?s)calendar \(lena\).*`).FindString(reverseResponses(propfind(zoe, "/caldav/zoe/", "1", "displayname").Body)))
	put(zoe, hers+"hers.ics", meetingOf("zoe", "hers", []string{"max"})).Want(t, 201)
	content(t, lena, "/caldav/lena/calendar/hers.ics", `SENT-BY="mailto:zoe@example.com":mailto:lena@example.com`)
	lena.Do("DELETE", at, "").Want(t, 204)
	content(t, max, copied, "STATUS:CANCELLED")
}

// A guest learns nothing of people whom he may not know: inviting them, answering
// them, and asking for their address is like doing so with nobody.
func TestGuestsInviteWhomTheyKnow(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max")
	if _, err := s.AddUser(policy.User{Name: "gast", Type: policy.Guest, Email: "gast@example.com"}); err != nil {
		t.Fatal(err)
	}
	s.Space("Team", "user:lena=viewer", "user:gast=editor")
	gast := s.As("gast")
	at := sharedAt.FindString(propfind(gast, "/caldav/gast/", "1", "displayname").Want(t, 207, "!inbox").Body)
	put(gast, at+"plan.ics", meetingOf("gast", "plan", []string{"lena", "mia", "nobody"})).Want(t, 201)
	content(t, gast, at+"plan.ics", "SCHEDULE-STATUS=1.2:mailto:lena@", "SCHEDULE-STATUS=5.2:mailto:mia@", "SCHEDULE-STATUS=5.2:mailto:nobody@")
	if got := listed(t, s.As("mia"), "/caldav/mia/inbox/"); len(got) != 0 {
		t.Errorf("mia got %q", got)
	}
	team := s.Store.Policy().SpaceNamed("Team")
	for _, organizer := range []string{"mia", "nobody"} {
		body := strings.ReplaceAll(meetingOf(organizer, organizer, nil), "END:VEVENT", "ATTENDEE;PARTSTAT=ACCEPTED:"+store.SpaceAddress(team.ID)+"\r\nEND:VEVENT")
		put(gast, at+organizer+".ics", body).Want(t, 201)
		content(t, gast, at+organizer+".ics", "ORGANIZER;SCHEDULE-STATUS=5.2:mailto:"+organizer)
	}
}

// reverseResponses puts the URL of each response behind its name.
func reverseResponses(body string) string {
	return regexp.MustCompile(`(?s)<D:href>([^<]*)</D:href>(.*?)</D:response>`).ReplaceAllString(body, "$2 $1")
}

// Without the right to schedule an object is kept and nobody is told.
func TestWithoutSchedule(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia")
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		profile := *p.ProfileNamed("standard")
		profile.Functions = new(policy.AllFunctions &^ policy.CalSchedule)
		return []policy.Change{policy.PutProfile{Profile: profile}}, nil
	})
	put(s.As("lena"), "/caldav/lena/calendar/plan.ics", meeting("plan", []string{"mia"})).Want(t, 201)
	content(t, s.As("lena"), "/caldav/lena/calendar/plan.ics", "SCHEDULE-STATUS=3.8:mailto:mia@")
	if got := listed(t, s.As("mia"), "/caldav/mia/calendar/"); len(got) != 0 {
		t.Errorf("mia got %q", got)
	}
}

// Busy time is told to who may know it, and nothing else. RFC 6638, section 5
func TestBusyTimes(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max", "zoe")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	ask := func(c *davtest.Client, path, organizer string, names ...string) *davtest.Response {
		var people strings.Builder
		for _, n := range names {
			fmt.Fprintf(&people, "ATTENDEE:mailto:%s@example.com\r\n", n)
		}
		return c.Do("POST", path, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nUID:ask\r\nDTSTAMP:20260101T000000Z\r\n"+
			"ORGANIZER:mailto:"+organizer+"@example.com\r\n"+people.String()+"DTSTART:20260310T000000Z\r\nDTEND:20260312T000000Z\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n", "Content-Type", "text/calendar")
	}
	put(mia, "/caldav/mia/calendar/private.ics", event("private", "Doctor", "CLASS:PRIVATE", "DTSTART:20260310T090000Z", "DTEND:20260310T100000Z")).Want(t, 201)
	put(lena, "/caldav/lena/calendar/plan.ics", meeting("plan", []string{"mia"}, "DTSTART:20260310T120000Z", "DTEND:20260310T130000Z")).Want(t, 201)
	share(s, "calendar:~mia/calendar", "user:max", "free-busy")
	const outbox = "/caldav/max/outbox/"
	if allow := max.Do("OPTIONS", outbox, "").Want(t, 200).Header.Get("Allow"); !strings.Contains(allow, "POST") {
		t.Errorf("the outbox allows %s", allow)
	}
	ask(max, outbox, "max", "mia", "lena", "nobody").Want(t, 200, "mailto:mia@example.com</D:href></C:recipient><C:request-status>2.0;Success", "METHOD:REPLY",
		"FBTYPE=BUSY:20260310T090000Z/20260310T100000Z", "20260310T120000Z/20260310T130000Z", "!Doctor",
		"mailto:lena@example.com</D:href></C:recipient><C:request-status>3.8", "mailto:nobody@example.com</D:href></C:recipient><C:request-status>3.7")
	// What is declined takes no time, and neither does a calendar that says so.
	for _, url := range listed(t, mia, "/caldav/mia/calendar/") {
		if got := content(t, mia, url); strings.Contains(got.Body, "UID:plan") {
			put(mia, url, answer(got.Body, "mia", "DECLINED")).Want(t, 204)
		}
	}
	ask(max, outbox, "max", "mia").Want(t, 200, "20260310T090000Z", "!20260310T120000Z/")
	mia.Do("PROPPATCH", "/caldav/mia/calendar/", `<D:propertyupdate`+calendarNS+`><D:set><D:prop><C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp></D:prop></D:set></D:propertyupdate>`).Want(t, 207)
	ask(max, outbox, "max", "mia").Want(t, 200, "2.0;Success", "!FREEBUSY;")
	ask(max, outbox, "lena", "mia").Want(t, 403, "valid-organizer")
	ask(max, outbox, "max").Want(t, 400, "valid-scheduling-message")
	ask(max, "/caldav/max/inbox/", "max", "mia").Want(t, 405)
	ask(max, "/caldav/max/calendar/", "max", "mia").Want(t, 405)
	ask(max, "/caldav/mia/outbox/", "max", "mia").Want(t, 404)
	max.Do("POST", outbox, meetingOf("max", "x", []string{"mia"}), "Content-Type", "text/calendar").Want(t, 400, "valid-scheduling-message")
	max.Do("POST", outbox, "x", "Content-Type", "text/plain").Want(t, 403, "supported-calendar-data")
	max.Do("POST", outbox, strings.Repeat("x", 300<<10), "Content-Type", "text/calendar").Want(t, 403, "max-resource-size")
	// A guest knows nobody who is not in a space with him.
	if _, err := s.AddUser(policy.User{Name: "guest", Type: policy.Guest, Email: "guest@example.com"}); err != nil {
		t.Fatal(err)
	}
	s.As("guest").Do("POST", "/caldav/guest/outbox/", "").Want(t, 404)
}
