package itip

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/caldav/ical"
)

// A Change is what somebody does to an object of a calendar.
type Change struct {
	Old, New *Object // nil where there is none
	// Owner is whose calendar it is, and Address and Name what messages say of him
	// where a client names him in another way.
	Owner         Party
	Address, Name string
	// Actor is who acts, when he is not the owner, and ActorAddress his address.
	Actor        Party
	ActorAddress string
	// Merges: the client has not seen the answers that came since it read the
	// object. RFC 6638, section 3.2.10
	Merges bool
	// Silent: nobody is to be told, but by the organizer of an object that goes. RFC
	// 6638, section 8.1, has this for attendees who delete; what is brought over from
	// another server was told before, too.
	Silent bool
	// Again: the object has come back after it was called off.
	Again bool
	Now   time.Time
}

// An Outcome is what a change comes to.
type Outcome struct {
	Role Role
	// Object is what is kept, nil for what goes.
	Object   *Object
	Messages []Message
}

// Send works out what a change of an object tells to whom. Errors are of type
// *Error, or say why the object cannot be read.
func (c Change) Send() (Outcome, error) {
	var role Role
	switch {
	case c.New != nil:
		if err := c.New.check(); err != nil {
			return Outcome{}, err
		}
		c.actForOwner()
		role = c.New.RoleOf(c.Owner)
		if c.Old != nil {
			was, organizer := c.Old.RoleOf(c.Owner), c.New.OrganizerOf()
			switch {
			case was == Organizer && organizer == "":
				return c.callOff()
			case was != Nobody && Key(c.Old.OrganizerOf()) != Key(organizer):
				return Outcome{}, otherOrganizer(was)
			}
		}
	case c.Old != nil:
		role = c.Old.RoleOf(c.Owner)
	}
	out := Outcome{Object: c.New}
	var err error
	switch role {
	case Organizer:
		out, err = c.organize()
	case Attendee:
		out, err = c.answer()
	}
	if c.Silent && (role == Attendee || c.New != nil) {
		out.Messages = nil
	}
	return out, err
}

// callOff tells those who were invited to what stays as an event with no organizer.
// RFC 6638, section 3.2.3.1
func (c Change) callOff() (Outcome, error) {
	kept := c.New
	c.New = nil
	out, err := c.organize()
	out.Object = kept
	if c.Silent {
		out.Messages = nil
	}
	return out, err
}

// otherOrganizer refuses changing who the organizer is.
func otherOrganizer(was Role) *Error {
	if was == Organizer {
		return &Error{OrganizerChange, "the organizer cannot be another one; cancel the object and make a new one"}
	}
	return &Error{AttendeeChange, "who is invited does not change the organizer"}
}

// actForOwner has an object whose client names the one who acts as the organizer
// name the owner of the calendar, for whom he acts.
func (c *Change) actForOwner() {
	if c.Actor == nil || c.Old != nil && c.Old.RoleOf(c.Owner) == Attendee {
		return
	}
	for _, part := range c.New.parts() {
		part.each("ORGANIZER", func(it *item) {
			if c.Actor.Has(it.prop.Value) {
				it.prop.Value = c.Address
				it.param("CN", c.Name)
			}
			if c.Owner.Has(it.prop.Value) {
				it.param("SENT-BY", c.ActorAddress) // RFC 5545, section 3.2.18
			}
		})
	}
}

// served tells whether messages to and from a line are the server's to send.
// RFC 6638, section 7.1
func served(it *item) bool { return it.get("SCHEDULE-AGENT", "SERVER") == "SERVER" }

// organize tells every attendee what is new for him. RFC 6638, section 3.2.1
func (c Change) organize() (Outcome, error) {
	out := Outcome{Role: Organizer, Object: c.New}
	if c.New != nil {
		c.settle()
	}
	if out.Messages = c.messages(); c.raiseCancelled(out.Messages) {
		out.Messages = c.messages()
	}
	if c.New != nil {
		c.New.dropForce()
	}
	return out, nil
}

// messages are for all who are invited, or were.
func (c Change) messages() (all []Message) {
	now := stamp(c.Now)
	keys, address := c.New.attendees()
	olds, oldAddress := c.Old.attendees()
	for _, key := range olds {
		if address[key] == "" {
			keys = append(keys, key)
			address[key] = oldAddress[key]
		}
	}
	from := c.New.organizer(c.Old)
	for _, key := range keys {
		if slices.Contains(c.Owner, key) {
			continue
		}
		for _, m := range c.tell(Party{key}, now) {
			m.From, m.To = from, address[key]
			all = append(all, m)
		}
	}
	return all
}

// raiseCancelled gives a component of which somebody is told that he is not invited
// any more the number under which he is told so: should he be invited again, that has
// to be newer. RFC 5546, section 2.1.4
func (c Change) raiseCancelled(messages []Message) (raised bool) {
	if c.New == nil {
		return false
	}
	for _, m := range messages {
		if m.Method != Cancel {
			continue
		}
		for _, key := range m.gone {
			part, next := c.New.part(key), c.cancelSequence(key)
			if part != nil && number(part.text("SEQUENCE")) < next {
				part.set("SEQUENCE", strconv.Itoa(next))
				raised = true
			}
		}
	}
	return raised
}

// organizer is the organizer's address, of an object or what it was before.
func (o *Object) organizer(old *Object) string {
	if o != nil {
		return o.OrganizerOf()
	}
	return old.OrganizerOf()
}

// serves tells whether messages to an attendee are the server's to send. His lines say
// the same of that everywhere in an object; the first counts. RFC 6638, section 7.1
func (o *Object) serves(who Party) bool {
	for _, c := range o.parts() {
		if it := c.attendee(who); it != nil {
			return served(it)
		}
	}
	return false
}

// forcible are the methods that may be forced on the lines of a property.
var forcible = map[string][]Method{"ORGANIZER": {Reply}, "ATTENDEE": {Request, Cancel}}

// dropForce takes away what counts for one request, and notes what of it is unknown.
// RFC 6638, section 7.2
func (o *Object) dropForce() {
	for _, c := range o.parts() {
		for name, known := range forcible {
			c.each(name, func(it *item) {
				forced := it.get("SCHEDULE-FORCE-SEND", "")
				it.param("SCHEDULE-FORCE-SEND", "")
				if forced != "" && served(it) && !slices.Contains(known, Method(forced)) {
					it.param("SCHEDULE-STATUS", Ignored)
				}
			})
		}
	}
}

// forced tells whether a message of a method is asked for whatever has changed.
func (o *Object) forced(name string, who Party, m Method) (forced bool) {
	if o == nil {
		return false
	}
	for _, c := range o.parts() {
		c.each(name, func(it *item) {
			forced = forced || who.Has(it.prop.Value) && it.get("SCHEDULE-FORCE-SEND", "") == string(m)
		})
	}
	return forced
}

// settle completes the organizer's object: answers that the client did not know of
// stay, a new time asks for new ones, and the sequence tells what is newer.
func (c *Change) settle() {
	if c.Old == nil {
		if c.Again {
			c.New.raise()
		}
		return
	}
	sequence := 0
	for _, part := range c.Old.parts() {
		sequence = max(sequence, number(part.text("SEQUENCE")))
	}
	for _, part := range c.New.parts() {
		key := c.New.key(part)
		was := c.Old.part(key)
		if was == nil {
			was = c.Old.master()
		}
		if was == nil {
			continue
		}
		moved, changed := c.reschedules(part, was)
		if own := c.Old.part(key); own == nil { // an instance that has become one of its own
			start := part.first("DTSTART")
			moved = start != nil && c.New.moment(&start.prop) != key || !c.New.takesAsLong(part, was)
			changed = moved
		}
		c.settlePart(part, was, moved)
		switch is, before := number(part.text("SEQUENCE")), number(was.text("SEQUENCE")); {
		case changed && is <= before:
			part.set("SEQUENCE", strconv.Itoa(sequence+1)) // RFC 5546, section 2.1.4
		case is < before: // a client that has not heard of the last number
			part.set("SEQUENCE", strconv.Itoa(before))
		}
	}
}

// raise makes an object newer than what was said of it.
func (o *Object) raise() {
	for _, part := range o.parts() {
		part.set("SEQUENCE", strconv.Itoa(number(part.text("SEQUENCE"))+1)) // RFC 5546, section 2.1.4
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// settlePart sets how far attendees have answered.
func (c *Change) settlePart(part, was *component, moved bool) {
	part.each("ATTENDEE", func(it *item) {
		before := was.attendee(Party{Key(it.prop.Value)})
		if before == nil || c.Owner.Has(it.prop.Value) {
			return
		}
		it.param(replied, before.prop.Params.Get(replied))
		switch {
		case moved && served(it):
			it.param("PARTSTAT", "NEEDS-ACTION") // RFC 6638, section 3.2.8
		case c.Merges:
			it.param("PARTSTAT", before.prop.Params.Get("PARTSTAT"))
			it.param("SCHEDULE-STATUS", before.prop.Params.Get("SCHEDULE-STATUS"))
		}
	})
}

// tell is what one attendee is told: a request with all that he is invited to, or
// that he is not any more, or both.
func (c Change) tell(who Party, now string) (messages []Message) {
	was, is := c.Old.viewOf(who), c.New.viewOf(who)
	forced := c.New.forced("ATTENDEE", who, Request)
	gone := c.gone(&was, &is)
	if is.object != nil && (forced || c.news(&was, &is, gone)) {
		messages = append(messages, Message{Method: Request, Body: is.object.message(Request, now).Bytes()})
		if was.whole == is.whole {
			return messages // what is gone of the series, it leaves out
		}
	}
	if len(gone) == 0 && c.New.forced("ATTENDEE", who, Cancel) {
		gone = was.keys()
	}
	if len(gone) > 0 && was.object != nil {
		cancel := Message{Method: Cancel, Body: c.cancel(&was, who, gone, now), gone: gone}
		messages = slices.Insert(messages, 0, cancel)
	}
	return messages
}

// gone are the instances to which somebody was invited and is not any more; "" for
// the series.
func (c Change) gone(was, is *view) (gone []string) {
	if was.object == nil {
		return nil
	}
	if was.whole && !is.whole {
		return []string{""}
	}
	if was.whole {
		for key := range is.without {
			if !was.without[key] {
				gone = append(gone, key)
			}
		}
		slices.Sort(gone)
		return gone
	}
	for _, key := range was.keys() {
		if is.whole && !is.without[key] || is.object != nil && is.object.part(key) != nil {
			continue
		}
		gone = append(gone, key)
	}
	return gone
}

// news tells whether a view says something that the one before did not, beside
// what is gone.
func (c Change) news(was, is *view, gone []string) bool {
	if was.object == nil || was.whole != is.whole {
		return true
	}
	for key := range was.without {
		if !is.without[key] {
			return true
		}
	}
	keys := map[string]bool{}
	for _, v := range []*view{was, is} {
		for _, key := range v.keys() {
			if !slices.Contains(gone, key) {
				keys[key] = true
			}
		}
	}
	for key := range keys {
		a, b := was.object.part(key), is.object.part(key)
		if a == nil || b == nil || was.object.says(a) != is.object.says(b) {
			return true
		}
	}
	return false
}

// cancel is the body of a cancellation: who is not invited any more, to what.
// RFC 5546, section 3.2.5
func (c Change) cancel(was *view, who Party, gone []string, now string) []byte {
	o := was.object.message(Cancel, now)
	master := o.master()
	parts := map[string]*component{}
	for _, part := range o.parts() {
		parts[o.key(part)] = part
	}
	o.dropParts(func(*component) bool { return true })
	for _, key := range gone {
		part := parts[key]
		if part == nil {
			if part = o.instance(master, key); part == nil {
				continue
			}
		}
		part = part.clone()
		part.set("STATUS", "CANCELLED")
		part.set("SEQUENCE", strconv.Itoa(c.cancelSequence(key)))
		mine := *part.attendee(who)
		part.drop("ATTENDEE")
		mine.param("PARTSTAT", "")
		part.add(mine.prop)
		o.addPart(part)
	}
	return o.Bytes()
}

// cancelSequence is the number of a cancellation: newer than what was said before, and
// no older than what the organizer has now. RFC 5546, sections 2.1.4 and 3.2.5
func (c Change) cancelSequence(key string) int {
	return max(c.Old.sequence(key)+1, c.New.sequence(key))
}

// sequence is that of an instance, of its own or of the series.
func (o *Object) sequence(key string) int {
	if o == nil {
		return 0
	}
	part := o.part(key)
	if part == nil {
		part = o.master()
	}
	if part == nil {
		return 0
	}
	return number(part.text("SEQUENCE"))
}

// instance makes one instance of a series a component of its own, from its
// original start in the form of a key; nil when it can be none.
func (o *Object) instance(master *component, key string) *component {
	if master == nil {
		return nil
	}
	start := master.first("DTSTART")
	at, err := ical.ParseTime(key, "")
	if start == nil || err != nil {
		return nil
	}
	part := master.clone()
	begins := ical.Prop{Params: maps.Clone(start.prop.Params), Value: at.String()}
	if tzid := start.prop.Params.Get("TZID"); tzid != "" && at.Form == ical.UTC {
		z, err := o.zones.Find(tzid)
		if err != nil {
			return nil
		}
		begins.Value = strings.TrimSuffix(ical.Time{Wall: z.Wall(instantOf(at)), Form: ical.Floating}.String(), "Z")
	}
	part.drop("RRULE", "RDATE", "EXDATE", "EXRULE", "DTEND", "DUE", "DURATION", "RECURRENCE-ID")
	id := begins
	id.Name, begins.Name = "RECURRENCE-ID", "DTSTART"
	part.drop("DTSTART")
	part.add(id)
	part.add(begins)
	if length, ok := o.length(master); ok {
		part.add(ical.Prop{Name: "DURATION", Params: ical.Params{}, Value: durationText(length)})
	}
	return part
}
