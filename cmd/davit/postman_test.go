package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"davit/admin"
	"davit/caldav/imip/imiptest"
	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// An outing is a store whose letters go to a mail server of the test, by a clock of
// the test.
type outing struct {
	*davtest.Server
	t       *testing.T
	now     time.Time
	mail    *imiptest.Server
	postman *postman
}

func newOuting(t *testing.T, server *imiptest.Server) *outing {
	o := &outing{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), mail: imiptest.Start(t, server)}
	o.Server = davtest.StartWith(t, store.Options{Clock: func() time.Time { return o.now }})
	if _, err := o.AddUser(policy.User{Name: "lena", Type: policy.Owner, Email: "lena@example.com"}); err != nil {
		t.Fatal(err)
	}
	o.Change(func(p *policy.State) ([]policy.Change, error) {
		set := p.Settings()
		set.MailServer, set.MailFrom, set.MailUser = o.mail.Address, "calendar@example.com", server.User
		return []policy.Change{policy.PutSettings{Settings: set}}, nil
	})
	o.hire()
	return o
}

// hire takes on a postman who remembers nothing.
func (o *outing) hire() {
	o.postman = newPostman(o.Store, "", slog.New(slog.DiscardHandler))
	o.postman.roots, o.postman.password = o.mail.Roots, func() (string, error) { return o.mail.Password, nil }
}

func (o *outing) invite(names ...string) {
	o.t.Helper()
	o.As("lena").Do("PUT", "/caldav/lena/calendar/plan.ics", outsiders(names...), "Content-Type", "text/calendar").Want(o.t, 201)
}

func outsiders(names ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:plan\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Plan\r\n" +
		"DTSTART:20260310T090000Z\r\nDTEND:20260310T100000Z\r\nORGANIZER:mailto:lena@example.com\r\n")
	for _, name := range names {
		b.WriteString("ATTENDEE:mailto:" + name + "@example.org\r\n")
	}
	return b.String() + "END:VEVENT\r\nEND:VCALENDAR\r\n"
}

// status is what lena's object says of somebody.
func (o *outing) status(want string) {
	o.t.Helper()
	o.As("lena").Do("GET", "/caldav/lena/calendar/plan.ics", "").Want(o.t, 200, want)
}

func (o *outing) step(wantRest time.Duration, wantIdle bool) {
	o.t.Helper()
	if rest, idle := o.postman.step(context.Background()); rest != wantRest || idle != wantIdle {
		o.t.Fatalf("rests %v, idle %t, instead of %v and %t", rest, idle, wantRest, wantIdle)
	}
}

// A letter that is put off is tried again, and one that is refused is told.
func TestPostman(t *testing.T) {
	t.Parallel()
	grey := true
	o := newOuting(t, &imiptest.Server{StartTLS: true, User: "davit", Password: "secret", Answer: func(command, line string) string {
		switch {
		case command == "RCPT" && strings.Contains(line, "nobody"):
			return "550 5.1.1 nobody here"
		case command == "RCPT" && strings.Contains(line, "grey") && grey:
			grey = false
			return "451 come back later"
		}
		return ""
	}})
	o.step(idleMax, true)
	o.invite("nobody", "grey", "guest")
	o.step(0, false)
	o.status("SCHEDULE-STATUS=5.1:mailto:nobody@")
	o.step(0, false)
	o.step(0, false)
	o.step(idleMax, true) // one waits for its time
	if got := o.mail.Letters(); len(got) != 1 || got[0].To != "guest@example.org" || !got[0].Secure || got[0].User != "davit" {
		t.Fatalf("%+v", got)
	}
	o.now = o.now.Add(retryFirst)
	o.step(0, false)
	o.step(idleMax, true)
	if got := o.mail.Letters(); len(got) != 2 || got[1].To != "grey@example.org" {
		t.Fatalf("%+v", got)
	}
	o.status("SCHEDULE-STATUS=1.1:mailto:grey@")
}

// While the server takes nothing the pauses grow, no letter stands in the way of the
// others, and after two days they have not been delivered.
func TestPostmanGivesUp(t *testing.T) {
	t.Parallel()
	o := newOuting(t, &imiptest.Server{StartTLS: true, Answer: func(command, _ string) string {
		if command == "MAIL" {
			return "550 I do not know you"
		}
		return ""
	}})
	o.invite("one", "two")
	var asked []string
	begun := o.now
	for o.now.Sub(begun) < giveUpAfter {
		l, then, found, err := o.postman.op.NextLetter()
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			o.now = then
			continue
		}
		asked = append(asked, l.To)
		rest, _ := o.postman.step(context.Background())
		if want := pause(len(asked) - 1); rest != want {
			t.Fatalf("rests %v after %d failures instead of %v", rest, len(asked), want)
		}
		o.now = o.now.Add(rest)
	}
	if text := strings.Join(asked, " "); len(asked) < 40 || len(asked) > 60 || strings.Count(text, "one") < 20 || strings.Count(text, "two") < 20 {
		t.Errorf("asked %d times: %s", len(asked), text)
	}
	for range 2 {
		o.postman.step(context.Background())
		o.now = o.now.Add(retryMax)
	}
	o.status("SCHEDULE-STATUS=5.1:mailto:one@")
	o.status("SCHEDULE-STATUS=5.1:mailto:two@")
	o.step(idleMax, true)
}

// A process that ends between the answer of the mail server and what it keeps of that
// loses no letter: it is sent once more, and known by its Message-ID.
func TestPostmanDies(t *testing.T) {
	t.Parallel()
	o := newOuting(t, &imiptest.Server{StartTLS: true})
	o.invite("guest")
	set := o.Store.Policy().Settings()
	l, _, _, err := o.postman.op.NextLetter()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.postman.send(context.Background(), &set, &l); err != nil {
		t.Fatal(err)
	}
	o.Restart(store.Options{Clock: func() time.Time { return o.now }})
	o.hire()
	o.step(0, false)
	o.step(idleMax, true)
	got := o.mail.Letters()
	if len(got) != 2 || messageID(t, got[0]) != messageID(t, got[1]) || messageID(t, got[0]) == "" {
		t.Errorf("%d letters", len(got))
	}
}

func messageID(t *testing.T, l imiptest.Letter) string {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(l.Data))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header.Get("Message-Id")
}

// A minute has so many letters.
func TestPostmanPaces(t *testing.T) {
	t.Parallel()
	o := newOuting(t, &imiptest.Server{StartTLS: true})
	var names []string
	for i := range lettersAMinute + 5 {
		names = append(names, fmt.Sprintf("guest%d", i))
	}
	o.invite(names...)
	for range lettersAMinute - 1 {
		o.step(0, false)
	}
	o.now = o.now.Add(10 * time.Second)
	o.step(50*time.Second, false)
	o.now = o.now.Add(50 * time.Second)
	o.step(0, false)
}

func TestMailPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if _, err := mailPassword(file); err == nil {
		t.Error("there is no file")
	}
	for text, want := range map[string]string{"secret\nmore": "secret", "secret\r\n": "secret", "se cret": "se cret", "": ""} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := mailPassword(file); got != want || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), passwordLineMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mailPassword(file); err == nil {
		t.Error("a password of any length")
	}
	t.Setenv(mailPasswordVariable, "other")
	if got, err := mailPassword(""); got != "other" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// Lena invites somebody outside over the served calendar; he gets the letter, and
// another one when she calls the meeting off.
func TestServeMail(t *testing.T) {
	t.Parallel()
	server := imiptest.Start(t, &imiptest.Server{})
	d := newDesk(t)
	d.must("user", "set", "ann", "--email", "lena@example.com")
	d.must("policy", "set", "mail-server="+server.Address, "mail-tls=none", "mail-from=calendar@example.com")
	s := serve(t, d)
	send := func(method, body string, want int) {
		t.Helper()
		r, err := http.NewRequest(method, s.url+"caldav/ann/calendar/plan.ics", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("ann", ownerPassword)
		r.Header.Set("Content-Type", "text/calendar")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Fatalf("%s: %s", method, resp.Status)
		}
		s.until("a letter was sent")
	}
	send("PUT", outsiders("guest"), 201)
	send("DELETE", "", 204)
	got := server.Letters()
	if len(got) != 2 || got[0].To != "guest@example.org" || !strings.Contains(got[0].Data, "Subject: Invitation: Plan") || !strings.Contains(got[1].Data, "Subject: Called off: Plan") {
		t.Errorf("%+v", got)
	}
	var left admin.Mail
	if err := json.Unmarshal([]byte(d.must("mail", "list", "--json")), &left); err != nil || len(left.Letters) > 0 {
		t.Errorf("%+v wait, %v", left, err)
	}
	s.stop()
	if code := s.end(); code != exitDone {
		t.Errorf("exit %d", code)
	}
}
