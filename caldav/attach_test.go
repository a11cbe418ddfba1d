package caldav_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"davit/caldav"
	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// attach posts a file to an event and gives its id and the path of its URL.
func attach(t *testing.T, c *davtest.Client, event, query, body string, headers ...string) (id, at string) {
	t.Helper()
	status := 201
	if strings.Contains(query, "update") {
		status = 204
	}
	r := c.Do("POST", event+"?action=attachment-"+query, body, append([]string{"Content-Type", "text/plain; charset=utf-8",
		"Content-Disposition", `attachment; filename="agenda.txt"`}, headers...)...).Want(t, status)
	u, err := url.Parse(r.Header.Get("Location"))
	if id = r.Header.Get("Cal-Managed-ID"); id == "" || err != nil {
		t.Fatalf("the answer has no attachment: %v", r.Header)
	}
	return id, u.EscapedPath()
}

var attachLine = regexp.MustCompile(`(?m)^ATTACH[^\r\n]*`)

// RFC 8607, sections 3.2 and 6
func TestAttachmentsAreOffered(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	if r := mia.Do("OPTIONS", "/caldav/mia/", "").Want(t, 200); !strings.Contains(r.Header.Get("Dav"), "calendar-managed-attachments,") ||
		strings.Contains(r.Header.Get("Dav"), "no-recurrence") {
		t.Errorf("OPTIONS tells %q", r.Header.Get("Dav"))
	}
	put(mia, "/caldav/mia/calendar/a.ics", event("a", "Plan")).Want(t, 201)
	if r := mia.Do("OPTIONS", "/caldav/mia/calendar/a.ics", "").Want(t, 200); !strings.Contains(r.Header.Get("Allow"), "POST") {
		t.Errorf("OPTIONS of an event allows %q", r.Header.Get("Allow"))
	}
	propfind(mia, "/caldav/mia/calendar/", "0", "C:max-attachment-size", "C:max-attachments-per-resource").
		Want(t, 207, fmt.Sprintf(">%d<", caldav.AttachmentMax), fmt.Sprintf(">%d<", store.AttachmentsMax), "!404")
	propfind(mia, "/caldav/mia/", "0", "C:managed-attachments-server-URL").Want(t, 207, "managed-attachments-server-URL", "200 OK", "!404", "!http")
	propfind(mia, "/caldav/mia/calendar/", "0", "C:managed-attachments-server-URL").Want(t, 207, "404")
	mia.Do("PROPFIND", "/caldav/mia/calendar/", "", "Depth", "0").Want(t, 207, "!max-attachment")
	mia.Do("PROPPATCH", "/caldav/mia/calendar/", `<D:propertyupdate`+calendarNS+`><D:set><D:prop><C:max-attachment-size>1</C:max-attachment-size></D:prop></D:set></D:propertyupdate>`).
		Want(t, 207, "cannot-modify-protected-property")
}

// An attachment comes, changes and goes by POST. RFC 8607, sections 3.3 to 3.6
func TestAttachments(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	const at = "/caldav/mia/calendar/a.ics"
	created := put(mia, at, event("a", "Plan")).Want(t, 201)
	id, where := attach(t, mia, at, "add", "the agenda")
	got := content(t, mia, at, "SUMMARY:Plan", "ATTACH;FILENAME=agenda.txt;FMTTYPE=text/plain;MANAGED-ID="+id+";SIZE=10:http://", where)
	if got.Header.Get("Etag") == created.Header.Get("Etag") {
		t.Error("the event has its old tag")
	}
	r := mia.Do("GET", where, "").Want(t, 200, "the agenda")
	for name, want := range map[string]string{"Content-Type": "text/plain", "Content-Disposition": "attachment; filename=agenda.txt", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "sandbox", "Cache-Control": "private, no-cache", "Content-Length": "10"} {
		if r.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, r.Header.Get(name), want)
		}
	}
	mia.Do("GET", where, "", "Range", "bytes=4-6").Want(t, 206, "age", "!agenda")
	mia.Do("GET", where, "", "If-None-Match", r.Header.Get("Etag")).Want(t, 304)
	mia.Do("HEAD", where, "").Want(t, 200)

	// With the event in the answer.
	r = mia.Do("POST", at+"?action=attachment-add", "%PDF", "Content-Type", "application/pdf", "Prefer", "return=representation",
		"Content-Disposition", `attachment; filename*=UTF-8''b%C3%BCro%2C%20%22x%22.pdf`).Want(t, 201, "BEGIN:VCALENDAR", "UID:a")
	r.Body = strings.ReplaceAll(r.Body, "\r\n ", "")
	r.Want(t, 201, `FILENAME="büro, 'x'.pdf"`, "FMTTYPE=application/pdf", "SIZE=4", "MANAGED-ID="+r.Header.Get("Cal-Managed-ID"), "MANAGED-ID="+id)
	if r.Header.Get("Preference-Applied") != "return=representation" || r.Header.Get("Content-Location") != at || r.Header.Get("Etag") == "" {
		t.Errorf("the answer with the event has %v", r.Header)
	}
	second, _ := r.Header.Get("Cal-Managed-ID"), 0
	location, err := url.Parse(r.Header.Get("Location"))
	if err != nil || !strings.HasSuffix(location.Path, `/büro, "x".pdf`) {
		t.Errorf("it is at %s, %v", location, err)
	}
	mia.Do("GET", location.EscapedPath(), "").Want(t, 200, "%PDF")

	// Another content has another id and URL; the old one is gone.
	next, elsewhere := attach(t, mia, at, "update&managed-id="+id, "longer agenda")
	if next == id || elsewhere == where {
		t.Error("another content has the same id")
	}
	content(t, mia, at, "MANAGED-ID="+next+";SIZE=13", "!"+id, second)
	mia.Do("GET", where, "").Want(t, 404)
	mia.Do("GET", elsewhere, "").Want(t, 200, "longer agenda")

	// And away with it.
	r = mia.Do("POST", at+"?action=attachment-remove&managed-id="+next, "", "Prefer", "return=representation").Want(t, 200, "UID:a", "!"+next)
	if r.Header.Get("Cal-Managed-ID") != "" {
		t.Error("what is gone has an id in the answer")
	}
	mia.Do("POST", at+"?action=attachment-remove&managed-id="+second, "").Want(t, 204)
	content(t, mia, at, "!ATTACH")
	mia.Do("GET", elsewhere, "").Want(t, 404)

	// Nothing else is done at the URL of an attachment.
	_, where = attach(t, mia, at, "add", "x")
	for method, status := range map[string]int{"PUT": 409, "DELETE": 404, "PROPFIND": 404, "POST": 404, "MKCOL": 409, "LOCK": 404} {
		if r := mia.Do(method, where, ""); r.Status != status {
			t.Errorf("%s of an attachment: %d", method, r.Status)
		}
	}
	mia.Do("COPY", where, "", "Destination", s.URL+"/caldav/mia/calendar/copy.ics").Want(t, 404)
	mia.Do("PROPFIND", "/caldav/.attachments/", "", "Depth", "1").Want(t, 404)
	mia.Do("GET", where, "").Want(t, 200, "x")
}

// Each precondition has its element. RFC 8607, section 3.11
func TestAttachmentPreconditions(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	const at = "/caldav/mia/calendar/a.ics"
	etag := put(mia, at, event("a", "Plan", "DTSTART:20260310T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5")).Want(t, 201).Header.Get("Etag")
	put(mia, "/caldav/mia/calendar/b.ics", event("b", "Single")).Want(t, 201)
	for query, element := range map[string]string{
		"":                      "valid-action",
		"action=":               "valid-action",
		"action=attachment-eat": "valid-action",
		"action=attachment-add&action=attachment-remove":             "valid-action",
		"action=attachment-add&managed-id=X":                         "valid-managed-id",
		"action=attachment-update":                                   "valid-managed-id",
		"action=attachment-update&managed-id=X":                      "valid-managed-id",
		"action=attachment-remove":                                   "valid-managed-id",
		"action=attachment-remove&managed-id=X":                      "valid-managed-id",
		"action=attachment-remove&managed-id=X&managed-id=Y":         "valid-managed-id",
		"action=attachment-update&managed-id=X&rid=M":                "valid-rid",
		"action=attachment-add&rid=":                                 "valid-rid",
		"action=attachment-add&rid=tomorrow":                         "valid-rid",
		"action=attachment-add&rid=20260310T091500Z":                 "valid-rid", // no instance
		"action=attachment-add&rid=20260315T090000Z":                 "valid-rid", // after the last
		"action=attachment-add&rid=M,20260320T090000Z":               "valid-rid",
		"action=attachment-remove&managed-id=X&rid=20260311T090000Z": "valid-managed-id",
		"action=attachment-add&rid=" + strings.Repeat("M,", 200):     "valid-rid",
	} {
		mia.Do("POST", at+"?"+query, "x").Want(t, 403, `<x:`+element+` xmlns:x="urn:ietf:params:xml:ns:caldav"/>`)
	}
	mia.Do("POST", "/caldav/mia/calendar/b.ics?action=attachment-add&rid=20260310T090000Z", "x").Want(t, 403, "valid-rid")
	mia.Do("POST", "/caldav/mia/calendar/none.ics?action=attachment-add", "x").Want(t, 404)
	mia.Do("POST", "/caldav/mia/calendar/?action=attachment-add", "x").Want(t, 405)
	mia.Do("POST", at+"?action=attachment-add", "x", "If-Match", `"other"`).Want(t, 412)
	mia.Do("POST", at+"?action=attachment-add", "x", "Content-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:").Want(t, 400)
	if got := content(t, mia, at, "!ATTACH").Header.Get("Etag"); got != etag {
		t.Errorf("what was refused changed the event: %s after %s", got, etag)
	}
	id, _ := attach(t, mia, at, "add", "x", "If-Match", etag)

	// A PUT names what the event has, and what another event has that its writer reads.
	body := content(t, mia, at).Body
	put(mia, at, body).Want(t, 204)
	put(mia, at, strings.Replace(body, id, strings.Repeat("A", 26), 1)).Want(t, 403, "valid-managed-id-parameter")
	put(mia, "/caldav/mia/calendar/c.ics", strings.ReplaceAll(body, "UID:a", "UID:c")).Want(t, 201)
	put(mia, at, event("a", "Plan")).Want(t, 204)
	content(t, mia, "/caldav/mia/calendar/c.ics", id)
	mia.Do("GET", "/caldav/.attachments/"+id, "").Want(t, 200, "x")

	lines := make([]string, store.AttachmentsMax+1)
	for i := range lines {
		lines[i] = fmt.Sprintf("ATTACH;MANAGED-ID=%d:http://x/", i)
	}
	put(mia, "/caldav/mia/calendar/d.ics", event("d", "Many", append(lines, "DTSTART:20260310T090000Z")...)).Want(t, 403, "max-attachments-per-resource")
}

// The largest attachment is that, whether its size is told or not; the largest number
// of them holds for POST.
func TestAttachmentLimits(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	const at = "/caldav/mia/calendar/a.ics"
	put(mia, at, event("a", "Plan")).Want(t, 201)
	r, err := http.NewRequest("POST", s.URL+at+"?action=attachment-add", &zeros{n: caldav.AttachmentMax + 1})
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("mia", davtest.Password)
	r.ContentLength = caldav.AttachmentMax + 1
	for _, length := range []int64{caldav.AttachmentMax + 1, -1} {
		r.ContentLength, r.Body = length, &zeros{n: caldav.AttachmentMax + 1}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		body.ReadFrom(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 403 || !strings.Contains(body.String(), "max-attachment-size") {
			t.Errorf("announced as %d bytes: %d %s", length, resp.StatusCode, &body)
		}
	}
	for range store.AttachmentsMax {
		attach(t, mia, at, "add", "x")
	}
	mia.Do("POST", at+"?action=attachment-add", "x").Want(t, 403, "max-attachments-per-resource")
	id := regexp.MustCompile(`MANAGED-ID=([A-Z2-7]+)`).FindStringSubmatch(content(t, mia, at).Body)[1]
	attach(t, mia, at, "update&managed-id="+id, "y")

	// No room: 507 before anything changes.
	s.Quota("~mia", 3000000)
	mia.Do("POST", at+"?action=attachment-update&managed-id="+id, "x").Want(t, 403, "valid-managed-id")
	id = regexp.MustCompile(`MANAGED-ID=([A-Z2-7]+)`).FindStringSubmatch(content(t, mia, at).Body)[1]
	mia.Do("POST", at+"?action=attachment-update&managed-id="+id, strings.Repeat("x", 4000000)).Want(t, 507, "quota-not-exceeded")
	content(t, mia, at, id)
}

// zeros is a body of so many bytes.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	clear(p[:n])
	z.n -= n
	return int(n), nil
}

func (z *zeros) Close() error { return nil }

// Single instances of a series have attachments of their own.
// RFC 8607, section 3.3.2
func TestAttachmentsOfInstances(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	const at = "/caldav/mia/calendar/a.ics"
	put(mia, at, event("a", "Plan", "DTSTART;TZID=Europe/Berlin:20260310T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5")).Want(t, 201)
	parts := func() []string { return strings.Split(content(t, mia, at).Body, "BEGIN:VEVENT")[1:] }
	has := func(id string, want ...bool) {
		t.Helper()
		got := parts()
		if len(got) != len(want) {
			t.Fatalf("%d components, want %d", len(got), len(want))
		}
		for i := range want {
			if strings.Contains(got[i], id) != want[i] {
				t.Errorf("component %d names %s: %t", i, id, !want[i])
			}
		}
	}
	one, _ := attach(t, mia, at, "add&rid=20260311T080000Z", "of one day")
	has(one, false, true)
	if p := parts()[1]; !strings.Contains(p, "RECURRENCE-ID;TZID=Europe/Berlin:20260311T090000") || strings.Contains(p, "RRULE") || !strings.Contains(p, "SUMMARY:Plan") {
		t.Errorf("the instance is %s", p)
	}
	master, _ := attach(t, mia, at, "add&rid=M", "of the series")
	has(master, true, false)
	both, _ := attach(t, mia, at, "add&rid=M,20260311T090000", "of both") // local time of the series
	has(both, true, true)
	all, _ := attach(t, mia, at, "add", "of all")
	has(all, true, true)
	// An instance without what the series has.
	mia.Do("POST", at+"?action=attachment-remove&managed-id="+all+"&rid=20260312T080000Z", "").Want(t, 204)
	has(all, true, true, false)
	mia.Do("POST", at+"?action=attachment-remove&managed-id="+one+"&rid=M", "").Want(t, 403, "valid-managed-id")
	next, _ := attach(t, mia, at, "update&managed-id="+both, "anew")
	has(both, false, false, false)
	has(next, true, true, true)
	mia.Do("POST", at+"?action=attachment-remove&managed-id="+all, "").Want(t, 204)
	has(all, false, false, false)
	mia.Do("GET", "/caldav/.attachments/"+all+"/agenda.txt", "").Want(t, 404)
	mia.Do("GET", "/caldav/.attachments/"+next+"/agenda.txt", "").Want(t, 200, "anew")
	mia.Do("REPORT", "/caldav/mia/calendar/", `<C:calendar-query`+calendarNS+`><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20260312T000000Z" end="20260313T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`, "Depth", "1").
		Want(t, 207, "a.ics")
}

// Who reads the event reads its attachments, and nobody else; what is hidden is
// missing. RFC 8607, section 3.12.2
func TestWhoReadsAttachments(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "lena", "mia", "max", "zoe")
	lena, mia, max, zoe := s.As("lena"), s.As("mia"), s.As("max"), s.As("zoe")
	const at = "/caldav/lena/calendar/plan.ics"
	put(lena, at, event("plan", "Plan")).Want(t, 201)
	_, where := attach(t, lena, at, "add", "the agenda")
	missing := mia.Do("GET", "/caldav/.attachments/"+strings.Repeat("A", 26)+"/agenda.txt", "").Want(t, 404).Body
	hidden := func(c *davtest.Client) {
		t.Helper()
		if r := c.Do("GET", where, "").Want(t, 404); r.Body != missing {
			t.Errorf("a hidden attachment answers %q, a missing one %q", r.Body, missing)
		}
		c.Do("POST", at+"?action=attachment-add", "x").Want(t, 404)
	}
	hidden(mia)
	s.As("").Do("GET", where, "").Want(t, 401)
	rights := func(level string) policy.Rights {
		r, err := policy.LevelRights(level)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	s.EntryAt("calendar:~lena/calendar", "user:mia", policy.Entry{Allow: rights("viewer")})
	s.EntryAt("calendar:~lena/calendar", "user:max", policy.Entry{Allow: rights("editor")})
	s.EntryAt("calendar:~lena/calendar", "user:zoe", policy.Entry{Allow: rights("free-busy")})
	mia.Do("GET", where, "").Want(t, 200, "the agenda")
	mia.Do("POST", at+"?action=attachment-add", "x").Want(t, 403, "need-privileges", "write-content")
	zoe.Do("GET", where, "").Want(t, 404)
	attach(t, max, at, "add", "minutes")
	// A link to the calendar gives its events, and no attachments.
	link, _ := s.Link("lena", "calendar:~lena/calendar", davtest.NewLink{})
	s.As("").Do("GET", link+".ics", "").Want(t, 200, "ATTACH")
	// Private from now on, and seen as busy.
	body := content(t, lena, at).Body
	put(lena, at, strings.Replace(body, "SUMMARY", "CLASS:PRIVATE\r\nSUMMARY", 1)).Want(t, 204)
	if r := mia.Do("GET", where, "").Want(t, 404); r.Body != missing {
		t.Errorf("a masked attachment answers %q", r.Body)
	}
	content(t, mia, at, "SUMMARY:Busy", "!ATTACH")
	max.Do("GET", where, "").Want(t, 404)
	max.Do("POST", at+"?action=attachment-add", "x").Want(t, 403)
	lena.Do("GET", where, "").Want(t, 200, "the agenda")
	// Without the share it is not there at all.
	put(lena, at, body).Want(t, 204)
	mia.Do("GET", where, "").Want(t, 200)
	s.EntryAt("calendar:~lena/calendar", "user:mia", policy.Entry{})
	hidden(mia)
}

// An invitation brings its attachments: who is invited reads them, and gets what is new
// and what is gone. RFC 8607, section 3.12.6
func TestAttachmentsOfMeetings(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "lena", "mia", "max")
	lena, mia, max := s.As("lena"), s.As("mia"), s.As("max")
	const at = "/caldav/lena/calendar/plan.ics"
	put(lena, at, meeting("plan", []string{"mia"})).Want(t, 201)
	copied := only(t, mia, "/caldav/mia/calendar/")
	id, where := attach(t, lena, at, "add", "the agenda")
	got := content(t, mia, copied, "MANAGED-ID="+id, where)
	mia.Do("GET", where, "").Want(t, 200, "the agenda")
	max.Do("GET", where, "").Want(t, 404)
	// She answers with it in her event, and changes nothing of it.
	put(mia, copied, answer(got.Body, "mia", "ACCEPTED")).Want(t, 204)
	content(t, lena, at, "PARTSTAT=ACCEPTED", id)
	mia.Do("POST", copied+"?action=attachment-add", "x").Want(t, 403, "allowed-attendee-scheduling-object-change")
	mia.Do("POST", copied+"?action=attachment-remove&managed-id="+id, "").Want(t, 403, "allowed-attendee-scheduling-object-change")
	// What is removed is gone for her too.
	again, elsewhere := attach(t, lena, at, "update&managed-id="+id, "another")
	mia.Do("GET", where, "").Want(t, 404)
	mia.Do("GET", elsewhere, "").Want(t, 200, "another")
	lena.Do("POST", at+"?action=attachment-remove&managed-id="+again, "").Want(t, 204)
	content(t, mia, copied, "!ATTACH")
	mia.Do("GET", elsewhere, "").Want(t, 404)
	// Who is not invited any more reads nothing.
	_, where = attach(t, lena, at, "add", "last")
	mia.Do("GET", where, "").Want(t, 200, "last")
	put(lena, at, meeting("plan", []string{"max"}, "DTSTART:20260310T090000Z", "DTEND:20260310T100000Z", attachLine.FindString(content(t, lena, at).Body))).Want(t, 204)
	max.Do("GET", where, "").Want(t, 200, "last")
	content(t, mia, copied, "STATUS:CANCELLED", where)
	mia.Do("GET", where, "").Want(t, 404)
}

// An event of another server names nothing that is kept there once it is brought over.
// RFC 8607, section 3.12.7
func TestUnmanaged(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 80)
	body := event("a", "Plan", "DTSTART:20260310T090000Z", `ATTACH;MANAGED-ID=7;FMTTYPE=text/plain;FILENAME="a, b":https://cal.example/`+long, "ATTACH:https://cal.example/b")
	got := strings.ReplaceAll(string(caldav.Unmanaged([]byte(body))), "\r\n ", "")
	want := event("a", "Plan", "DTSTART:20260310T090000Z", `ATTACH;FILENAME="a, b";FMTTYPE=text/plain:https://cal.example/`+long, "ATTACH:https://cal.example/b")
	if got != want {
		t.Errorf("it becomes\n%s", got)
	}
	for _, same := range []string{event("a", "Plan"), "no calendar"} {
		if got := string(caldav.Unmanaged([]byte(same))); got != same {
			t.Errorf("%q becomes %q", same, got)
		}
	}
	s := davtest.Start(t, "mia")
	put(s.As("mia"), "/caldav/mia/calendar/a.ics", body).Want(t, 403, "valid-managed-id-parameter")
	put(s.As("mia"), "/caldav/mia/calendar/a.ics", got).Want(t, 201)
	p, err := caldav.Publish([]byte(body), s.Store.Now())
	if err != nil || len(p.Objects) != 1 || len(p.Objects[0].Object.Attachments) != 0 {
		t.Errorf("fetched, it is %+v, %v", p, err)
	}
}
