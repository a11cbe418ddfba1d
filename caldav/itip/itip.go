// Package itip is the scheduling of calendar objects between people (RFC 5546 as RFC
// 6638 uses it): what a change of an object has to tell to whom, and what a message
// makes of the receiver's object. It knows no accounts, no clocks and no server:
// addresses and the time come with the questions, and nothing is sent.
//
//	out, err := itip.Change{Old: old, New: obj, Owner: itip.Party{itip.Key("mailto:lena@example.com")}, Now: now}.Send()
//	got, err := itip.Message{...}.Receive(have, me)
package itip

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of what is scheduled.
const (
	SizeMax      = 1 << 20 // bytes of an object that messages are made of
	AttendeesMax = 500     // different ones of one object
)

// A Method says what a message asks for. RFC 5546, section 1.4
type Method string

// The methods that are sent and taken in.
const (
	Request Method = "REQUEST"
	Reply   Method = "REPLY"
	Cancel  Method = "CANCEL"
)

// A Message goes from one calendar user to another.
type Message struct {
	From, To string // addresses as the object writes them
	Method   Method
	Body     []byte // a VCALENDAR with its METHOD

	gone []string // the keys of what a cancellation is of
}

// A Role is what somebody is in an object.
type Role byte

// The roles. An object in which its owner has none is not scheduled.
const (
	Nobody Role = iota
	Organizer
	Attendee
)

// The delivery statuses of RFC 6638, section 3.2.9.
const (
	Sent        = "1.1" // nothing is known of its arrival
	Delivered   = "1.2"
	Success     = "2.0"
	Ignored     = "2.3" // a parameter of the object says nothing that is known
	Unknown     = "3.7" // no such calendar user
	Forbidden   = "3.8" // the sender lacks the right
	Unavailable = "5.1" // it could not be delivered now
	NoService   = "5.2" // there is no way to deliver it
	Rejected    = "5.3" // the receiver's calendars do not take it
)

// An Error is a precondition of RFC 6638 that a change breaks.
type Error struct {
	Precondition string // its element in the namespace of CalDAV
	Reason       string
}

func (e *Error) Error() string { return e.Reason }

// The preconditions of RFC 6638, section 3.2.4, and of RFC 4791, section 5.2.9.
const (
	SameOrganizer   = "same-organizer-in-all-components"
	OrganizerChange = "allowed-organizer-scheduling-object-change"
	AttendeeChange  = "allowed-attendee-scheduling-object-change"
	TooMany         = "max-attendees-per-instance"
)

// Key is an address in the form in which addresses are compared: a mail address
// whatever its case, a URL by its path.
func Key(address string) string {
	a := strings.TrimSpace(address)
	if rest, is := cutFold(a, "mailto:"); is {
		return "mailto:" + strings.ToLower(strings.TrimSpace(rest))
	}
	u, err := url.Parse(a)
	switch {
	case err != nil:
		return strings.ToLower(a)
	case u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "" && strings.HasPrefix(u.Path, "/"):
		return strings.TrimRight(u.Path, "/")
	}
	return strings.ToLower(a)
}

// cutFold is strings.CutPrefix in any case.
func cutFold(s, prefix string) (rest string, is bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// A Party is one calendar user: the keys of its addresses.
type Party []string

// Has tells whether an address is one of the party's.
func (p Party) Has(address string) bool { return slices.Contains(p, Key(address)) }

// stamp is a moment as DTSTAMP writes it.
func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }
