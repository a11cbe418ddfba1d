package imip

import (
	"bytes"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail"

	"davit/caldav/ical"
)

// Bounds of what a letter says in words, in bytes. The message for programs is whole.
const (
	subjectMax = 150
	nameMax    = 100
	lineMax    = 500
	notesMax   = 4000
	partsMax   = 10 // components that are told of
)

// errMethod: nothing else is sent to people.
var errMethod = errors.New("only REQUEST, REPLY and CANCEL are sent by mail")

// compose writes the letter: its meaning in words, the message as the alternative that
// programs take, and once more as a file for those that look for one.
// RFC 6047, section 2.4
func (s *Server) compose(l Letter) (*mail.Msg, error) {
	if l.Method != "REQUEST" && l.Method != "REPLY" && l.Method != "CANCEL" {
		return nil, errMethod
	}
	l.Body = outward(l.Body)
	told, err := tell(l)
	if err != nil {
		return nil, err
	}
	if !isMailbox(l.To) || !isMailbox(told.replyTo) {
		return nil, fmt.Errorf("%q or %q is no mail address", l.To, told.replyTo)
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent())
	m.FromMailAddress(&netmail.Address{Name: told.sender, Address: s.From})
	m.ToMailAddress(&netmail.Address{Address: l.To})
	m.ReplyToMailAddress(&netmail.Address{Name: told.sender, Address: told.replyTo})
	m.Subject(told.subject)
	m.SetDateWithValue(l.Written)
	m.SetMessageIDWithValue(s.id(fmt.Append(nil, l.Number, l.Written.UnixNano()), []byte(l.To), l.Body))
	// What is about one thing stands together, though its first letter is unknown.
	thread := "<" + s.id([]byte(told.uid), []byte(l.From)) + ">"
	m.SetGenHeader(mail.HeaderInReplyTo, thread)
	m.SetGenHeader(mail.HeaderReferences, thread)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5
	m.SetBodyString(mail.TypeTextPlain, told.text)
	body := withZones(l.Body, l.Written)
	m.AddAlternativeString(mail.ContentType("text/calendar; method="+l.Method), string(body), mail.WithPartEncoding(mail.EncodingB64))
	err = m.AttachReader("invite.ics", bytes.NewReader(body), mail.WithFileContentType("application/ics"))
	return m, err
}

// outward is a message without the attachments that the server keeps, which nobody
// reads who has no account here.
func outward(body []byte) []byte {
	obj, err := ical.Decode(body)
	if err != nil {
		return body
	}
	out := make([]byte, 0, len(body))
	for i := range obj.Lines {
		line := &obj.Lines[i]
		if line.Name != "ATTACH" || line.Prop().Params.Get("MANAGED-ID") == "" {
			out = append(out, line.Text...)
		}
	}
	return out
}

// A telling is what a letter says to people.
type telling struct {
	uid, sender, replyTo string
	subject, text        string
}

// tell says what a letter means.
func tell(l Letter) (t telling, err error) {
	now, err := read(l.Body)
	if err != nil {
		return t, err
	}
	if len(now.parts) == 0 {
		return t, errors.New("the message is about nothing")
	}
	first := now.parts[0]
	t.uid = plain(first, "UID")
	t.sender, t.replyTo = now.party(l)
	var b strings.Builder
	verb, subject := now.deed(l)
	what := clip(plain(first, "SUMMARY"), lineMax)
	if what == "" {
		what = "(without a title)"
	}
	t.subject = clip(subject+": "+what, subjectMax)
	fmt.Fprintf(&b, "%s %s\n\n", t.sender, verb)
	for i, part := range now.parts {
		if i == partsMax {
			fmt.Fprintf(&b, "And %d more; the calendar shows them all.\n\n", len(now.parts)-i)
			break
		}
		now.facts(part).write(&b)
	}
	if l.Method == "REQUEST" {
		writeChanges(&b, now, l)
	}
	if notes := clip(clean(text(first, "DESCRIPTION"), true), notesMax); notes != "" && l.Method != "REPLY" {
		fmt.Fprintf(&b, "%s\n\n", notes)
	}
	b.WriteString(now.hint(l, t.replyTo))
	t.text = b.String()
	return t, nil
}

// hint says what the receiver does with the letter.
func (o *object) hint(l Letter, replyTo string) string {
	switch l.Method {
	case "REQUEST":
		return "Most mail programs show buttons to accept or decline. You can also write to " + replyTo + ".\n"
	case "CANCEL":
		return "If it stands in your calendar, open the attached file to take it out.\n"
	}
	return "Open the attached file to note the answer in your calendar.\n"
}

// spaceDomain is that of calendar users who are no people and have no mailbox.
const spaceDomain = "@davit.invalid" // RFC 2606, section 2

// party is who sends, and to whom one writes back: a space is answered through who
// acted for it.
func (o *object) party(l Letter) (name, replyTo string) {
	name, replyTo = l.FromName, l.From
	property := "ORGANIZER"
	if l.Method == "REPLY" {
		property = "ATTENDEE"
	}
	if p := o.parts[0].Props.Get(property); p != nil {
		if cn := p.Params.Get("CN"); cn != "" {
			name = cn
		}
		if by, is := mailto(p.Params.Get("SENT-BY")); is && strings.HasSuffix(replyTo, spaceDomain) {
			replyTo = by
		}
	}
	if name = clip(clean(name, false), nameMax); name == "" {
		name = replyTo
	}
	return name, replyTo
}

// mailto is the address of a calendar user, if it is that of a mailbox.
func mailto(address string) (mailbox string, is bool) {
	const scheme = "mailto:"
	address = strings.TrimSpace(address)
	if len(address) < len(scheme) || !strings.EqualFold(address[:len(scheme)], scheme) {
		return "", false
	}
	mailbox = address[len(scheme):]
	return mailbox, isMailbox(mailbox)
}

// isMailbox tells whether a text is an address as it stands between angle brackets.
func isMailbox(text string) bool {
	parsed, err := netmail.ParseAddress(text)
	return err == nil && parsed.Address == text && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`<>()[],;:\"`, r)
	})
}

// answers are the answers in words.
var answers = map[string][2]string{
	"ACCEPTED": {"accepts your invitation:", "Accepted"}, "DECLINED": {"declines your invitation:", "Declined"},
	"TENTATIVE": {"may come:", "Tentative"},
}

// deed says what the sender does, and how the subject begins.
func (o *object) deed(l Letter) (verb, subject string) {
	switch l.Method {
	case "CANCEL":
		return "calls off:", "Called off"
	case "REPLY":
		if p := o.parts[0].Props.Get("ATTENDEE"); p != nil {
			if a, known := answers[strings.ToUpper(p.Params.Get("PARTSTAT"))]; known {
				return a[0], a[1]
			}
		}
		return "answers your invitation:", "Answer"
	}
	if before, err := read(l.Before); err == nil && before.invited(l.To) {
		return "has changed what you are invited to:", "Changed"
	}
	return "invites you to:", "Invitation"
}

// text is a property as people read it, empty for none.
func text(c *ical.Component, name string) string {
	p := c.Props.Get(name)
	if p == nil {
		return ""
	}
	return unescape.Replace(p.Value)
}

// plain is text on one line.
func plain(c *ical.Component, name string) string { return clean(text(c, name), false) }

// unescape reads TEXT. RFC 5545, section 3.3.11
var unescape = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";")

// clean takes out what is no letter of any script: controls, and marks that turn the
// direction of what is around them. Line ends stay where there may be lines. What only
// looks encoded is read by nobody as if it were.
func clean(s string, lines bool) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines:
			return r
		case r == '\n', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.TrimSpace(strings.ReplaceAll(s, "=?", "= ?")) // RFC 2047, section 2
}

func oneLine(s string) string { return clean(s, false) }

// clip shortens a text to so many bytes.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
