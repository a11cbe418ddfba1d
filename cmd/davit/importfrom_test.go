package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// request sends one request as a user and wants a status.
func (s stage) request(t *testing.T, user string, status int, method, path, body string, headers ...string) string {
	t.Helper()
	c := &talk{t: t, on: s, http: map[string]*http.Client{}, kept: map[string]string{}}
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, everybodysPassword)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	r := c.exchange(user, req)
	if r.status != status {
		t.Fatalf("%s %s as %s: %s", method, path, user, r.text())
	}
	return r.body
}

// operated runs a command of the operator that has to succeed.
func (s stage) operated(t *testing.T, args ...string) string {
	t.Helper()
	code, out := s.davit(everybodysPassword+"\n", args...)
	if code != exitDone {
		t.Fatalf("davit %s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// imports brings calendars from a URL into max's home, and tells what came of it.
func (s stage) imports(t *testing.T, code int, from string, args ...string) (m moved) {
	t.Helper()
	args = append([]string{"calendar", "import-from", from, "--user", "lena", "--to", s.url + "/caldav/max/", "--to-user", "max", "--password-stdin", "--json"}, args...)
	got, out := s.davit(everybodysPassword+"\n"+everybodysPassword+"\n", args...)
	if got != code {
		t.Fatalf("exit %d instead of %d\n%s", got, code, out)
	}
	if start := strings.Index(out, "{"); start >= 0 {
		if err := json.NewDecoder(strings.NewReader(out[start:])).Decode(&m); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	return m
}

// wantMoved holds an import to what it says of each calendar.
func wantMoved(t *testing.T, m moved, want ...string) {
	t.Helper()
	var got []string
	for _, c := range m.Calendars {
		got = append(got, fmt.Sprintf("%s %d %d %d", c.Name, c.Added, c.Changed, c.There))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("it brought %q instead of %q; failed %+v", got, want, m.Failed)
	}
}

// TestImportFrom brings calendars from one home to another over and over: what did
// not change stays, what did comes, nothing is doubled or written over.
func TestImportFrom(t *testing.T) {
	s := inProcess(t)
	for _, name := range []string{"lena", "max"} {
		s.operated(t, "user", "add", name, "--password-stdin")
	}
	const ics = "text/calendar; charset=utf-8"
	put := func(user, path, uid, extra string) {
		t.Helper()
		s.request(t, user, 201, "PUT", path, fmt.Sprintf(eventBody, uid, uid, extra), "Content-Type", ics)
	}
	s.request(t, "lena", 201, "MKCALENDAR", "/caldav/lena/work", `<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><displayname>R &amp; D</displayname>`+
		`<calendar-color xmlns="http://apple.com/ns/ical/">#112233FF</calendar-color><C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set></prop></set></C:mkcalendar>`)
	put("lena", "/caldav/lena/work/a.ics", "a", "X-KEPT:as it was\r\n")
	put("lena", "/caldav/lena/work/odd%20%25%20name.ics", "b", "CLASS:PRIVATE\r\n")
	put("lena", "/caldav/lena/calendar/c.ics", "c", "")
	put("max", "/caldav/max/calendar/mine.ics", "mine", "")

	wantMoved(t, s.imports(t, exitDone, s.url+"/"), "calendar 1 0 0", "tasks 0 0 0", "work 2 0 0")
	if got := s.request(t, "max", 200, "GET", "/caldav/max/work/a.ics", ""); !strings.Contains(got, "X-KEPT:as it was") {
		t.Errorf("it came as %q", got)
	}
	s.request(t, "max", 200, "GET", "/caldav/max/work/odd%20%25%20name.ics", "")
	props := s.request(t, "max", 207, "PROPFIND", "/caldav/max/work/", `<propfind xmlns="DAV:"><prop><displayname/><calendar-color xmlns="http://apple.com/ns/ical/"/></prop></propfind>`, "Depth", "0")
	if !strings.Contains(props, "R &amp; D") || !strings.Contains(props, "#112233FF") {
		t.Errorf("the name and the colour came as %s", props)
	}
	wantMoved(t, s.imports(t, exitDone, s.url+"/caldav/lena/"), "calendar 0 0 1", "tasks 0 0 0", "work 0 0 2")

	// What is new and what has changed comes; what has changed here too does not.
	put("lena", "/caldav/lena/work/new.ics", "new", "")
	for _, name := range []string{"work/a.ics", "calendar/c.ics"} {
		s.request(t, "lena", 204, "PUT", "/caldav/lena/"+name, fmt.Sprintf(eventBody, name[len(name)-5:len(name)-4], "changed there", ""), "Content-Type", ics)
	}
	s.request(t, "max", 204, "PUT", "/caldav/max/calendar/c.ics", fmt.Sprintf(eventBody, "c", "changed here", ""), "Content-Type", ics)
	m := s.imports(t, exitFailed, s.url+"/principals/users/lena/")
	wantMoved(t, m, "calendar 0 0 0", "tasks 0 0 0", "work 1 1 1")
	if len(m.Failed) != 1 || m.Failed[0].Object != "c.ics" || !strings.Contains(m.Failed[0].Reason, "here and there") {
		t.Errorf("failed %+v", m.Failed)
	}
	if got := s.request(t, "max", 200, "GET", "/caldav/max/calendar/c.ics", ""); !strings.Contains(got, "changed here") {
		t.Errorf("it was written over: %q", got)
	}
	wantMoved(t, s.imports(t, exitDone, s.url, "--calendar", "R & D"), "work 0 0 3")
	s.imports(t, exitNotFound, s.url, "--calendar", "none")

	// The same UID under another name is there already; what is refused is told.
	s.request(t, "max", 204, "DELETE", "/caldav/max/work/new.ics", "")
	put("max", "/caldav/max/work/other.ics", "new", "")
	wantMoved(t, s.imports(t, exitDone, s.url, "--calendar", "work"), "work 0 0 3")
	s.operated(t, "quota", "set", "~max", "1KB")
	put("lena", "/caldav/lena/work/large.ics", "large", "X-FILL:"+strings.Repeat("x", 5000)+"\r\n")
	if m := s.imports(t, exitFailed, s.url, "--calendar", "work"); len(m.Calendars) != 1 {
		t.Errorf("beyond the quota: %+v", m)
	}
}

// TestImportInvitesNobody: whoever was invited where a meeting comes from is not
// invited here as well.
func TestImportInvitesNobody(t *testing.T) {
	there, here := inProcess(t), inProcess(t)
	there.operated(t, "user", "add", "lena", "--password-stdin")
	for _, name := range []string{"max", "mia"} {
		here.operated(t, "user", "add", name, "--password-stdin", "--email", name+"@example.com")
	}
	const ics = "text/calendar; charset=utf-8"
	there.request(t, "lena", 201, "PUT", "/caldav/lena/calendar/plan.ics", meetingBody("plan/max/mia", ""), "Content-Type", ics)
	wantMoved(t, here.imports(t, exitDone, there.url), "calendar 1 0 0", "tasks 0 0 0")
	invited := func() bool {
		return strings.Contains(here.request(t, "mia", 207, "PROPFIND", "/caldav/mia/calendar/", "", "Depth", "1"), ".ics")
	}
	if invited() {
		t.Error("mia is invited once more")
	}
	here.request(t, "max", 201, "PUT", "/caldav/max/calendar/next.ics", meetingBody("next/max/mia", ""), "Content-Type", ics)
	if !invited() {
		t.Error("nobody is ever invited here")
	}
}
