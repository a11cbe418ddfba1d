package imip_test

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/caldav/imip"
	"davit/caldav/imip/imiptest"
)

const head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n"

// message is one of a single event with these lines.
func message(method string, lines ...string) []byte {
	return []byte(head + "METHOD:" + method + "\r\nBEGIN:VEVENT\r\nUID:plan\r\nDTSTAMP:20260301T120000Z\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
}

var invitation = []string{"SUMMARY:Plan", "LOCATION:Room 1", "ORGANIZER;CN=Lena:mailto:lena@example.com", "ATTENDEE:mailto:guest@example.org",
	"DTSTART;TZID=Europe/Berlin:20260310T090000", "DTEND;TZID=Europe/Berlin:20260310T103000", "DESCRIPTION:Bring\\n.\\nthe plan\\, please"}

func letter(method string, lines ...string) imip.Letter {
	return imip.Letter{Number: 7, Written: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), From: "lena@example.com", FromName: "lena",
		To: "guest@example.org", Method: method, Body: message(method, lines...)}
}

// to sends by a server.
func to(s *imiptest.Server, way imip.TLS) *imip.Server {
	return &imip.Server{Address: s.Address, TLS: way, User: s.User, Password: s.Password, From: "calendar@davit.example", Roots: s.Roots, Timeout: time.Minute}
}

// A received letter, taken apart.
type received struct {
	mail.Header
	words, file, message string
	messageType          string
}

func open(t *testing.T, data string) (r received) {
	t.Helper()
	header, parts, err := imiptest.Letter{Data: data}.Open()
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	for _, p := range parts {
		switch {
		case strings.HasPrefix(p.Type, "text/plain"):
			r.words = strings.ReplaceAll(p.Text, "\r\n", "\n")
		case strings.HasPrefix(p.Type, "text/calendar"):
			r.message, r.messageType = p.Text, p.Type
		case strings.HasPrefix(p.Type, "application/ics"):
			r.file = p.Text
		}
	}
	return r
}

func sent(t *testing.T, s *imiptest.Server, way imip.TLS, l imip.Letter) received {
	t.Helper()
	if err := to(s, way).Send(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	taken := s.Letters()
	if len(taken) == 0 {
		t.Fatal("nothing arrived")
	}
	last := taken[len(taken)-1]
	if last.From != "calendar@davit.example" || last.To != l.To {
		t.Errorf("from %s to %s", last.From, last.To)
	}
	for line := range strings.SplitSeq(last.Data, "\n") {
		if len(line) > 998 || strings.ContainsFunc(line, func(r rune) bool { return r > 126 || r < ' ' && r != '\t' }) { // RFC 5322, section 2.1.1
			t.Errorf("line %q", line)
		}
	}
	return open(t, last.Data)
}

func has(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if inner, not := strings.CutPrefix(w, "!"); not == strings.Contains(text, inner) {
			t.Errorf("want %q of\n%s", w, text)
		}
	}
}

// A letter says the same to people and to programs. RFC 6047, section 2.4
func TestLetter(t *testing.T) {
	t.Parallel()
	s := imiptest.Start(t, &imiptest.Server{StartTLS: true, User: "davit", Password: "secret"})
	l := letter("REQUEST", invitation...)
	r := sent(t, s, imip.StartTLS, l)
	if got := s.Letters()[0]; !got.Secure || got.User != "davit" {
		t.Errorf("secure %t, user %q", got.Secure, got.User)
	}
	for name, want := range map[string]string{"From": `"Lena" <calendar@davit.example>`, "Reply-To": `"Lena" <lena@example.com>`, "To": "<guest@example.org>",
		"Auto-Submitted": "auto-generated", "Subject": "Invitation: Plan", "Date": "Sun, 01 Mar 2026 12:00:00 +0000"} {
		if got := r.Get(name); got != want {
			t.Errorf("%s: %q instead of %q", name, got, want)
		}
	}
	if len(r.Header["Bcc"])+len(r.Header["Cc"]) > 0 {
		t.Errorf("the letter names others: %v", r.Header)
	}
	if want := "text/calendar; method=REQUEST; charset=UTF-8"; r.messageType != want {
		t.Errorf("the message is %s", r.messageType)
	}
	if withoutZones(r.message) != string(l.Body) || r.file != r.message {
		t.Errorf("the message is\n%s\nthe file is\n%s", r.message, r.file)
	}
	has(t, r.words, "Lena invites you to:\n\n  What:    Plan\n  When:    Tuesday, 10 March 2026, 09:00 to 10:30 (Europe/Berlin)\n  Where:   Room 1\n",
		"\nBring\n.\nthe plan, please\n", "!changed", "write to lena@example.com")

	// What is about one thing is one thread, and each letter is another.
	l.Before, l.Number = l.Body, 8
	l.Body = message("REQUEST", append(slices.Clone(invitation[:4]), "DTSTART;TZID=Europe/Berlin:20260311T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=5")...)
	second := sent(t, s, imip.StartTLS, l)
	if r.Get("References") != second.Get("References") || r.Get("References") == "" || r.Get("Message-Id") == second.Get("Message-Id") {
		t.Errorf("%v\n%v", r.Header, second.Header)
	}
	has(t, second.Get("Subject"), "Changed: Plan")
	has(t, second.words, "Lena has changed what you are invited to:", "When:    Wednesday, 11 March 2026, 09:00 to 10:00 (Europe/Berlin)",
		"Repeats: every week on Wednesday, 5 times", "When:    was Tuesday, 10 March 2026, 09:00 to 10:30", "Repeats: was nothing", "!Where:   was")
	// The same letter has the same name, so that who gets it twice can tell.
	if third := sent(t, s, imip.StartTLS, l); third.Get("Message-Id") != second.Get("Message-Id") {
		t.Errorf("a letter that is sent again is called %s, and was %s", third.Get("Message-Id"), second.Get("Message-Id"))
	}
}

// Each method has its words.
func TestWords(t *testing.T) {
	t.Parallel()
	s := imiptest.Start(t, &imiptest.Server{})
	base := invitation[:4]
	for name, row := range map[string]struct {
		letter imip.Letter
		has    []string
	}{
		"called off": {letter("CANCEL", invitation...), []string{"Lena calls off:", "What:    Plan", "!buttons"}},
		"accepted": {letter("REPLY", "SUMMARY:Plan", "ORGANIZER:mailto:out@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:lena@example.com", "DTSTART:20260310T090000Z"),
			[]string{"lena accepts your invitation:", "Tuesday, 10 March 2026, 09:00 (UTC)"}},
		"all day": {letter("REQUEST", append(slices.Clone(base), "DTSTART;VALUE=DATE:20260310")...), []string{"When:    Tuesday, 10 March 2026, all day\n"}},
		"three days": {letter("REQUEST", append(slices.Clone(base), "DTSTART;VALUE=DATE:20260310", "DTEND;VALUE=DATE:20260313")...),
			[]string{"When:    Tuesday, 10 March 2026 to Thursday, 12 March 2026, all day\n"}},
		"over night": {letter("REQUEST", append(slices.Clone(base), "DTSTART:20260310T220000", "DTEND:20260311T010000")...),
			[]string{"Tuesday, 10 March 2026, 22:00 to Wednesday, 11 March 2026, 01:00\n"}},
		"over a change of the clock": {letter("REQUEST", append(slices.Clone(base), "DTSTART;TZID=Europe/Berlin:20260329T010000", "DURATION:PT2H")...),
			[]string{"01:00 to 04:00 (Europe/Berlin)"}},
		"two zones": {letter("REQUEST", append(slices.Clone(base), "DTSTART;TZID=Europe/Berlin:20260310T090000", "DTEND;TZID=Europe/London:20260310T100000")...),
			[]string{"09:00 (Europe/Berlin) to Tuesday, 10 March 2026, 10:00 (Europe/London)"}},
		"a strange rule": {letter("REQUEST", append(slices.Clone(invitation), "RRULE:FREQ=MONTHLY;BYDAY=2TU;BYSETPOS=1")...), []string{"Repeats: yes; the calendar shows when"}},
		"every other day": {letter("REQUEST", append(slices.Clone(invitation), "RRULE:FREQ=DAILY;INTERVAL=2;UNTIL=20260401T000000Z")...),
			[]string{"Repeats: every 2 days, until Wednesday, 1 April 2026"}},
		"a task":  {letter("REQUEST", append(slices.Clone(base), "DUE:20260310T090000Z")...), []string{"When:    due Tuesday, 10 March 2026, 09:00 (UTC)"}},
		"nothing": {letter("REQUEST", "ORGANIZER:mailto:lena@example.com"), []string{"lena invites you to:"}},
	} {
		t.Run(name, func(t *testing.T) { has(t, sent(t, s, imip.Plain, row.letter).words, row.has...) })
	}
	// What somebody was not invited to before is not told by what has changed.
	secret := letter("REQUEST", invitation...)
	secret.Before = message("REQUEST", "SUMMARY:Merger with Acme", "ORGANIZER:mailto:lena@example.com", "ATTENDEE:mailto:other@example.org", "DTSTART:20260101T000000Z")
	has(t, sent(t, s, imip.Plain, secret).words, "!Acme", "!January", "invites you to:")
	// A space has no mailbox: who acts for it gets what is written back.
	team := letter("REQUEST", "SUMMARY:Plan", `ORGANIZER;CN=Team;SENT-BY="mailto:max@example.com":mailto:space-x@davit.invalid`, "ATTENDEE:mailto:guest@example.org", "DTSTART:20260310T090000Z")
	team.From = "space-x@davit.invalid"
	if got := sent(t, s, imip.Plain, team).Get("Reply-To"); got != `"Team" <max@example.com>` {
		t.Errorf("a space is answered at %s", got)
	}
}

// Whatever stands in an object puts no line into the head of a letter, and nothing
// that people are shown turns around what stands beside it.
func TestNothingGetsIntoTheHead(t *testing.T) {
	t.Parallel()
	s := imiptest.Start(t, &imiptest.Server{})
	for _, name := range []string{"x\\nBcc: evil@example.net", "x^nBcc: evil@example.net", "Ünïcödé 会议", strings.Repeat("long ", 1000), strings.Repeat("界", 1000),
		"=?utf-8?q?x=0D=0ABcc:_evil?=", "a\u202eb\u2066c", "\"<evil@example.net>\"", "a\tb\u0085c\u2028d", "=\u202e?utf-8?q?x=0D=0ABcc:_evil?="} {
		l := letter("REQUEST", "SUMMARY:"+name, "ORGANIZER;CN=\""+strings.ReplaceAll(name, `"`, "'")+"\":mailto:lena@example.com", "ATTENDEE:mailto:guest@example.org", "DTSTART:20260310T090000Z", "LOCATION:"+name)
		l.FromName = name + "\r\nBcc: evil@example.net"
		r := sent(t, s, imip.Plain, l)
		if len(r.Header["Bcc"]) > 0 || len(r.Header["To"]) != 1 {
			t.Errorf("%q: %v", name, r.Header)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(r.Get("Subject"))
		if err != nil || len(subject) > 200 || strings.ContainsAny(subject, "\u202e\u2066\r\n") {
			t.Errorf("%q: subject %q, %v", name, subject, err)
		}
		from, err := r.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Address != "calendar@davit.example" {
			t.Errorf("%q: from %v, %v", name, from, err)
		}
		back, err := r.AddressList("Reply-To")
		if err != nil || len(back) != 1 || back[0].Address != "lena@example.com" {
			t.Errorf("%q: reply to %v, %v", name, back, err)
		}
		has(t, r.words, "!\u202e", "!\u2066")
	}
	for _, address := range []string{"guest@example.org>\r\nRCPT TO:<evil@example.net", "guest@example.org\r\nDATA", ""} {
		l := letter("REQUEST", invitation...)
		l.To = address
		before := len(s.Letters())
		err := to(s, imip.Plain).Send(context.Background(), l)
		if err == nil || len(s.Letters()) != before {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// What a server says tells whether to try again. RFC 5321, section 4.2.1
func TestFaults(t *testing.T) {
	t.Parallel()
	at := func(command, reply string) func(string, string) string {
		return func(c, _ string) string {
			if c == command {
				return reply
			}
			return ""
		}
	}
	for name, row := range map[string]struct {
		server *imiptest.Server
		way    imip.TLS
		change func(*imip.Server)
		want   imip.FaultKind
	}{
		"no such person":       {server: &imiptest.Server{Answer: at("RCPT", "550 5.1.1 nobody here")}, way: imip.Plain, want: imip.Refused},
		"grey":                 {server: &imiptest.Server{Answer: at("RCPT", "451 later")}, way: imip.Plain, want: imip.Deferred},
		"no content like that": {server: &imiptest.Server{Answer: at("DATA", "554 no")}, way: imip.Plain, want: imip.Refused},
		"refused at its end":   {server: &imiptest.Server{Answer: at(".", "552 too large")}, way: imip.Plain, want: imip.Refused},
		"full":                 {server: &imiptest.Server{Answer: at(".", "452 full")}, way: imip.Plain, want: imip.Deferred},
		"not this sender":      {server: &imiptest.Server{Answer: at("MAIL", "550 who are you")}, way: imip.Plain, want: imip.Unreachable},
		"closed":               {server: &imiptest.Server{Answer: at("CONNECT", "554 closed")}, way: imip.Plain, want: imip.Unreachable},
		"cut in the middle":    {server: &imiptest.Server{Answer: at("DATA", imiptest.Cut)}, way: imip.Plain, want: imip.Unreachable},
		"never answers":        {server: &imiptest.Server{Answer: at("CONNECT", imiptest.Hang)}, way: imip.Plain, change: impatient, want: imip.Unreachable},
		"stops answering":      {server: &imiptest.Server{Answer: at("RCPT", imiptest.Hang)}, way: imip.Plain, change: impatient, want: imip.Unreachable},
		"no STARTTLS":          {server: &imiptest.Server{}, way: imip.StartTLS, want: imip.Unreachable},
		"a false certificate":  {server: &imiptest.Server{StartTLS: true}, change: func(s *imip.Server) { s.Roots = nil }, want: imip.Unreachable},
		"a wrong password":     {server: &imiptest.Server{StartTLS: true, User: "davit", Password: "x"}, change: func(s *imip.Server) { s.Password = "y" }, want: imip.Unreachable},
		"a password in clear":  {server: &imiptest.Server{User: "davit", Password: "x"}, way: imip.Plain, change: notLocal, want: imip.Unreachable},
		"nobody there":         {server: &imiptest.Server{}, change: func(s *imip.Server) { s.Address = "127.0.0.1:1" }, want: imip.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := imiptest.Start(t, row.server)
			by := to(s, row.way)
			if row.change != nil {
				row.change(by)
			}
			err := by.Send(context.Background(), letter("REQUEST", invitation...))
			var f *imip.Fault
			if !errors.As(err, &f) || f.Kind != row.want || f.Text == "" {
				t.Errorf("%#v", err)
			}
			if len(s.Letters()) > 0 {
				t.Errorf("it was taken")
			}
		})
	}
}

func impatient(s *imip.Server) { s.Timeout = 50 * time.Millisecond }

// notLocal is for a server that is not on the same machine by its name.
func notLocal(s *imip.Server) { s.Address = strings.Replace(s.Address, "127.0.0.1", "0.0.0.0", 1) }

// A letter whose answer is lost has been taken, and goes once more under its name.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	cut := true
	s := imiptest.Start(t, &imiptest.Server{Implicit: true, User: "davit", Password: "x", Answer: func(command, _ string) string {
		if command == "." && cut {
			cut = false
			return imiptest.Cut
		}
		return ""
	}})
	l := letter("REQUEST", invitation...)
	if err := to(s, imip.Implicit).Send(context.Background(), l); err == nil {
		t.Fatal("the answer was cut off, and it counts as taken")
	}
	second := sent(t, s, imip.Implicit, l)
	taken := s.Letters()
	if len(taken) != 2 || open(t, taken[0].Data).Get("Message-Id") != second.Get("Message-Id") {
		t.Errorf("%d letters", len(taken))
	}
}

// Who stops the server does not wait for a mail server.
func TestStopped(t *testing.T) {
	t.Parallel()
	hangs := make(chan struct{})
	s := imiptest.Start(t, &imiptest.Server{Answer: func(command, _ string) string {
		if command == "RCPT" {
			close(hangs)
			return imiptest.Hang
		}
		return ""
	}})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- to(s, imip.Plain).Send(ctx, letter("REQUEST", invitation...)) }()
	<-hangs
	stop()
	if err := <-done; err == nil {
		t.Error("it was taken")
	}
}

// FuzzLetter holds that whatever is sent is a letter with one head.
func FuzzLetter(f *testing.F) {
	f.Add("Plan", "Lena", "20260310T090000Z", "FREQ=DAILY")
	f.Fuzz(func(t *testing.T, summary, name, start, rule string) {
		body := message("REQUEST", "SUMMARY:"+summary, "ORGANIZER;CN="+name+":mailto:lena@example.com", "DTSTART:"+start, "RRULE:"+rule)
		b, err := imip.Written(imip.Letter{From: "lena@example.com", FromName: name, To: "guest@example.org", Method: "REQUEST", Body: body}, "calendar@davit.example")
		if err != nil {
			return
		}
		m, err := mail.ReadMessage(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for key := range m.Header {
			if !slices.Contains([]string{"From", "To", "Reply-To", "Subject", "Date", "Message-Id", "In-Reply-To", "References", "Auto-Submitted", "Mime-Version", "Content-Type"}, key) {
				t.Errorf("a header %q", key)
			}
		}
	})
}

// A letter names no attachment that nobody outside can read, and those that all can.
func TestLetterKeepsAttachmentsBack(t *testing.T) {
	t.Parallel()
	s := imiptest.Start(t, &imiptest.Server{StartTLS: true, User: "davit", Password: "secret"})
	kept := "ATTACH;MANAGED-ID=X;FILENAME=agenda.txt:https://davit.example/caldav/.attachments/X/agenda.txt"
	open := "ATTACH:https://example.org/open"
	r := sent(t, s, imip.StartTLS, letter("REQUEST", append(slices.Clone(invitation), kept, open)...))
	if want := string(message("REQUEST", append(slices.Clone(invitation), open)...)); withoutZones(r.message) != want || r.file != r.message {
		t.Errorf("the message is\n%s\nthe file is\n%s", r.message, r.file)
	}
}
