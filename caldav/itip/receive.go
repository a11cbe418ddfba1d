package itip

import (
	"slices"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/zone"
)

// A Receipt is what a message comes to where it arrives.
type Receipt struct {
	Status string // of its delivery
	// Object is what stands from now on; nil where nothing changes.
	Object *Object
	// Tagged: the receiver's clients have to know of it before they write. An answer
	// of somebody else is no such change. RFC 6638, section 3.2.10
	Tagged bool
}

// stale is the receipt of a message that is older than what it found.
var stale = Receipt{Status: Success}

// Receive works out what a message makes of the object that the receiver has of the
// same UID, nil for none. The sender is who has been proved to send it.
func (m *Message) Receive(have *Object, sender, receiver Party) (Receipt, error) {
	o, err := Parse(m.Body)
	if err != nil {
		return Receipt{}, err
	}
	switch m.Method {
	case Request:
		return o.request(have, sender, receiver), nil
	case Cancel:
		return o.cancelled(have, sender), nil
	case Reply:
		return o.replied(have, sender, receiver), nil
	}
	return Receipt{Status: Rejected}, nil
}

// fits tells whether a message of the organizer is about an object as it stands:
// nobody else changes what one was invited to.
func (o *Object) fits(have *Object, sender Party) bool {
	organizer := o.OrganizerOf()
	return sender.Has(organizer) && (have == nil || Key(have.OrganizerOf()) == Key(organizer))
}

// request takes an invitation in. RFC 6638, section 4.1.1
func (o *Object) request(have *Object, sender, me Party) Receipt {
	if !o.fits(have, sender) || o.RoleOf(me) != Attendee {
		return Receipt{Status: Forbidden}
	}
	next := o.clone()
	next.calendar.drop("METHOD")
	if have == nil {
		return Receipt{Delivered, next, true}
	}
	old, tagged := 0, false
	for _, part := range next.parts() {
		was := have.part(next.key(part))
		if was != nil && older(part, was) {
			old++
		}
		if was == nil {
			was = have.master()
		}
		if was != nil {
			tagged = keepOwn(part, was, me) || next.says(part) != have.says(was) || tagged
		}
	}
	if old > 0 {
		return stale
	}
	if next.master() == nil {
		next.adopt(have)
	}
	next.leaveOut(have, me)
	tagged = tagged || !slices.Equal(sortedKeys(next.instances()), sortedKeys(have.instances()))
	return Receipt{Delivered, next, tagged}
}

// leaveOut keeps out what the receiver has declined by leaving it out.
func (o *Object) leaveOut(have *Object, me Party) {
	master := o.master()
	if master == nil {
		return
	}
	for key := range have.exceptions(have.master()) {
		part := o.part(key)
		if part == nil {
			continue
		}
		if it := part.attendee(me); it != nil && it.get("PARTSTAT", "NEEDS-ACTION") == "DECLINED" {
			o.except(master, part)
			o.dropParts(func(c *component) bool { return c == part })
		}
	}
}

// instances are what a series has of its own or leaves out.
func (o *Object) instances() map[string]bool {
	keys := map[string]bool{}
	for key := range o.exceptions(o.master()) {
		keys["-"+key] = true
	}
	for _, part := range o.parts() {
		keys[o.key(part)] = true
	}
	return keys
}

// adopt takes over what a message about single instances says nothing of.
func (o *Object) adopt(have *Object) {
	mine := o.parts()
	keys := map[string]bool{}
	for _, part := range mine {
		keys[o.key(part)] = true
	}
	merged := have.clone()
	merged.dropParts(func(c *component) bool { return keys[have.key(c)] })
	for _, part := range mine {
		merged.addPart(part)
	}
	*o = *merged
}

// older tells whether a component was made before another. Who is invited again to what
// was called off is by a newer message, whatever its number. RFC 5546, section 2.1.5
func older(c, than *component) bool {
	a, b := number(c.text("SEQUENCE")), number(than.text("SEQUENCE"))
	if a != b && !strings.EqualFold(than.text("STATUS"), "CANCELLED") {
		return a < b
	}
	return made(c).Before(made(than))
}

func made(c *component) time.Time {
	t, err := time.Parse("20060102T150405Z", c.text("DTSTAMP"))
	if err != nil {
		return time.Time{}
	}
	return t
}

// keptOwn are the properties that an attendee has set for himself.
var keptOwn = []string{"TRANSP", "PERCENT-COMPLETE", "COMPLETED", "CATEGORIES"}

// keepOwn keeps in a component that arrives what the receiver has for himself:
// alarms, and his answer unless he is asked anew. It tells whether he is.
func keepOwn(part, was *component, me Party) (asked bool) {
	for _, it := range was.items {
		if it.sub != nil && it.sub.name == "VALARM" {
			part.items = append(part.items, it)
		}
	}
	for _, name := range keptOwn {
		if it := was.first(name); it != nil {
			part.drop(name)
			part.add(it.prop)
		}
	}
	mine, before := part.attendee(me), was.attendee(me)
	if mine == nil || before == nil {
		return true
	}
	if number(part.text("SEQUENCE")) > number(was.text("SEQUENCE")) && mine.get("PARTSTAT", "NEEDS-ACTION") == "NEEDS-ACTION" {
		return true
	}
	mine.param("PARTSTAT", before.prop.Params.Get("PARTSTAT"))
	return false
}

// cancelled takes a cancellation in: the whole is marked, an instance is left out
// of its series. RFC 6638, section 4.1.1
func (o *Object) cancelled(have *Object, sender Party) Receipt {
	if !o.fits(have, sender) {
		return Receipt{Status: Forbidden}
	}
	if have == nil {
		return Receipt{Status: Delivered}
	}
	next, changed := have.clone(), false
	for _, part := range o.parts() {
		key := o.key(part)
		master, was := next.master(), next.part(key)
		if was != nil && number(part.text("SEQUENCE")) < number(was.text("SEQUENCE")) {
			continue
		}
		changed = true
		switch {
		case key == "":
			for _, one := range next.parts() {
				one.set("STATUS", "CANCELLED")
				one.set("SEQUENCE", part.text("SEQUENCE"))
			}
		case master == nil && was != nil:
			was.set("STATUS", "CANCELLED")
			was.set("SEQUENCE", part.text("SEQUENCE"))
		case master != nil && next.has(key):
			if was == nil {
				was = part
			}
			next.except(master, was)
			next.dropParts(func(c *component) bool { return c == was })
		}
	}
	if !changed {
		return stale
	}
	return Receipt{Delivered, next, true}
}

// has tells whether an object has an instance of that key, as one of its own or by
// its rules.
func (o *Object) has(key string) bool {
	if o.part(key) != nil {
		return true
	}
	decoded, err := ical.Decode(o.Bytes())
	if err != nil {
		return false
	}
	series, err := recur.New(decoded, zone.UTC())
	if err != nil {
		return false
	}
	at, err := ical.ParseTime(key, "")
	if err != nil {
		return false
	}
	moment := instantOf(at).Time()
	const around = 48 * time.Hour // no key is further from its instance, whatever its zone
	for in, err := range series.Between(moment.Add(-around), moment.Add(around)) {
		if err != nil {
			return false
		}
		if in.ID.String() == key {
			return true
		}
	}
	return false
}

// replied takes an answer in: it is the attendee's own, and for the instances that
// it names. RFC 6638, section 4.1.2
func (o *Object) replied(have *Object, sender, me Party) Receipt {
	if have == nil || have.RoleOf(me) != Organizer {
		return Receipt{Status: Rejected}
	}
	next, changed, theirs := have.clone(), false, false
	for _, answer := range o.parts() {
		said := answer.attendee(sender)
		if said == nil {
			continue
		}
		part := next.answeredPart(o.key(answer), sender)
		if part == nil {
			continue
		}
		theirs = true
		if number(answer.text("SEQUENCE")) < number(part.text("SEQUENCE")) && o.when(answer, wholeTimes...) != next.when(part, wholeTimes...) {
			continue // to what was at another time
		}
		mine, when := part.attendee(sender), answer.text("DTSTAMP")
		if heard := mine.prop.Params.Get(replied); heard != withSeries && when < heard {
			continue
		}
		changed = true
		mine.answer(said, when)
		switch key := o.key(answer); {
		case key == "":
			next.answerInstances(sender, said)
		case next.part(key) == nil:
			next.addPart(part)
		}
	}
	switch {
	case !theirs:
		return Receipt{Status: Forbidden}
	case !changed:
		return stale
	}
	return Receipt{Status: Delivered, Object: next}
}

// withSeries stands for the moment of an answer on the lines of an instance that
// the answer of somebody else has made one of its own: the others' answers to the
// series still count for it.
const withSeries = "SERIES"

// answer notes on a line what its attendee says.
func (it *item) answer(said *item, when string) {
	it.param("PARTSTAT", said.get("PARTSTAT", "NEEDS-ACTION"))
	it.param("RSVP", "")
	it.param("SCHEDULE-STATUS", Success)
	it.param(replied, when)
}

// answerInstances notes an answer to the series on the instances that follow it.
func (o *Object) answerInstances(who Party, said *item) {
	for _, part := range o.parts() {
		if it := part.attendee(who); it != nil && it.prop.Params.Get(replied) == withSeries {
			it.answer(said, withSeries)
		}
	}
}

// answeredPart is the component that an answer is for: an instance that has been
// none of its own becomes one, so that the others keep theirs. nil when the
// answer is for something that the object does not have, or is not asked of its
// sender.
func (o *Object) answeredPart(key string, sender Party) *component {
	part := o.part(key)
	if part == nil && key != "" && o.has(key) {
		if part = o.instance(o.master(), key); part != nil {
			part.each("ATTENDEE", func(it *item) { it.param(replied, withSeries) })
		}
	}
	if part == nil || part.attendee(sender) == nil || strings.EqualFold(part.text("STATUS"), "CANCELLED") {
		return nil
	}
	return part
}
