package itip

import (
	"slices"
	"strconv"
	"strings"
)

// answer tells the organizer what an attendee says to his invitation, and refuses
// what is not his to change. RFC 6638, section 3.2.2
func (c Change) answer() (Outcome, error) {
	out := Outcome{Role: Attendee, Object: c.New}
	shown := c.New
	if shown == nil {
		shown = c.Old
	}
	to := shown.OrganizerOf()
	if !shown.organizerServed() {
		return out, nil
	}
	forced := c.New.forced("ORGANIZER", Party{Key(to)}, Reply)
	var said []*component
	switch {
	case c.New == nil:
		said = c.leaving()
	case c.Old == nil:
		said = c.New.said(c.Owner, func(*component) string { return "NEEDS-ACTION" })
	default:
		if err := c.mayAnswer(); err != nil {
			return Outcome{}, err
		}
		c.keepOthers()
		said = c.answered()
	}
	if forced && len(said) == 0 {
		said = c.New.said(c.Owner, func(*component) string { return "" })
	}
	if c.New != nil {
		c.New.dropForce()
	}
	if len(said) > 0 {
		from := strings.TrimSpace(said[0].attendee(c.Owner).prop.Value)
		out.Messages = []Message{{From: from, To: to, Method: Reply, Body: shown.reply(said, c.Owner, stamp(c.Now))}}
	}
	return out, nil
}

// organizerServed tells whether answers are the server's to send.
func (o *Object) organizerServed() bool {
	for _, part := range o.parts() {
		if it := part.first("ORGANIZER"); it != nil {
			return served(it)
		}
	}
	return false
}

// said are the components in which an attendee says something else than before.
func (o *Object) said(who Party, before func(*component) string) (said []*component) {
	for _, part := range o.parts() {
		if it := part.attendee(who); it != nil && it.get("PARTSTAT", "NEEDS-ACTION") != before(part) {
			said = append(said, part)
		}
	}
	return said
}

// answered are the instances to which the attendee has a new answer. To leave one
// out is to decline it.
func (c *Change) answered() []*component {
	said := c.New.said(c.Owner, func(part *component) string {
		was := c.Old.part(c.New.key(part))
		if was == nil {
			was = c.Old.master()
		}
		if was == nil {
			return "NEEDS-ACTION"
		}
		if it := was.attendee(c.Owner); it != nil {
			return it.get("PARTSTAT", "NEEDS-ACTION")
		}
		return "NEEDS-ACTION"
	})
	said = c.withInstances(said)
	left := c.New.exceptions(c.New.master())
	was := c.Old.exceptions(c.Old.master())
	for _, key := range sortedKeys(left) {
		if was[key] || c.New.part(key) != nil {
			continue
		}
		part := c.Old.part(key)
		if part != nil {
			part = part.clone()
		} else {
			part = c.Old.instance(c.Old.master(), key)
		}
		if part == nil || part.attendee(c.Owner) == nil || strings.EqualFold(part.text("STATUS"), "CANCELLED") {
			continue
		}
		part.attendee(c.Owner).param("PARTSTAT", "DECLINED")
		said = append(said, part)
	}
	return said
}

// withInstances adds to an answer to the series those to instances of their own,
// which would else be taken to follow it.
func (c *Change) withInstances(said []*component) []*component {
	if master := c.New.master(); master == nil || !slices.Contains(said, master) {
		return said
	}
	return c.New.said(c.Owner, func(*component) string { return "" })
}

func sortedKeys(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for key := range set {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// leaving declines whatever is not cancelled or declined already.
func (c *Change) leaving() (said []*component) {
	for _, part := range c.Old.clone().parts() {
		it := part.attendee(c.Owner)
		if it == nil || strings.EqualFold(part.text("STATUS"), "CANCELLED") || it.get("PARTSTAT", "NEEDS-ACTION") == "DECLINED" {
			continue
		}
		it.param("PARTSTAT", "DECLINED")
		said = append(said, part)
	}
	return said
}

// keepOthers keeps what others have answered, which an attendee's client may not
// have heard yet.
func (c *Change) keepOthers() {
	for _, part := range c.New.parts() {
		was := c.Old.part(c.New.key(part))
		if was == nil {
			was = c.Old.master()
		}
		if was == nil {
			continue
		}
		part.each("ATTENDEE", func(it *item) {
			if before := was.attendee(Party{Key(it.prop.Value)}); before != nil && !c.Owner.Has(it.prop.Value) {
				it.param("PARTSTAT", before.prop.Params.Get("PARTSTAT"))
			}
		})
	}
}

// mayAnswer refuses changes that are the organizer's. RFC 6638, section 3.2.2.1
func (c *Change) mayAnswer() error {
	olds := map[string]*component{}
	for _, part := range c.Old.parts() {
		olds[c.Old.key(part)] = part
	}
	left := c.New.exceptions(c.New.master())
	for _, part := range c.New.parts() {
		key := c.New.key(part)
		was, known := olds[key]
		delete(olds, key)
		if !known {
			if key == "" || olds[""] == nil && c.Old.master() == nil {
				return &Error{AttendeeChange, "an attendee adds no instances"}
			}
			if was = c.Old.instance(c.Old.master(), key); was == nil || !c.Old.has(key) {
				return &Error{AttendeeChange, "there is no such instance"}
			}
			if !c.Old.takesAsLong(was, part) {
				return &Error{AttendeeChange, "an attendee does not change times"}
			}
		}
		if reason := c.differs(was, part, !known); reason != "" {
			return &Error{AttendeeChange, reason}
		}
	}
	for key := range olds {
		if key == "" || !left[key] && c.Old.master() == nil {
			return &Error{AttendeeChange, "an attendee takes nothing away; delete the whole, or leave an instance out"}
		}
	}
	for key := range c.Old.exceptions(c.Old.master()) {
		if !left[key] {
			return &Error{AttendeeChange, "an attendee brings no instance back"}
		}
	}
	return nil
}

// free are the properties that an attendee has for himself.
var free = []string{"DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "TRANSP", "PERCENT-COMPLETE", "COMPLETED", "EXDATE", "REQUEST-STATUS",
	"CATEGORIES", "CLASS", "COMMENT", "ACKNOWLEDGED"}

// differs names what an attendee has changed that is not his. Of an instance that
// has become one of its own the length may be written in another way.
func (c *Change) differs(was, is *component, own bool) string {
	skip := free
	if own {
		skip = append(slices.Clone(free), "DTEND", "DURATION", "DUE")
	}
	before, after := facts(c.Old, was, skip), facts(c.New, is, skip)
	for name, text := range before {
		if after[name] != text {
			return "an attendee does not change " + name
		}
	}
	for name := range after {
		if _, had := before[name]; !had {
			return "an attendee does not add " + name
		}
	}
	return ""
}

// facts are what a component says by the names of its properties.
func facts(o *Object, c *component, skip []string) map[string]string {
	all := map[string][]string{}
	for i := range c.items {
		it := &c.items[i]
		name := it.prop.Name
		switch {
		case it.sub != nil, slices.Contains(skip, name), strings.HasPrefix(name, "X-"):
		case name == "ATTENDEE", name == "ORGANIZER":
			all[name] = append(all[name], Key(it.prop.Value))
		default:
			if meaning := o.meaning(it); meaning != "" {
				all[name] = append(all[name], meaning)
			}
		}
	}
	said := map[string]string{}
	for name, values := range all {
		slices.Sort(values)
		said[name] = strings.Join(values, "\n")
	}
	return said
}

// toldBack are the properties of an answer.
var toldBack = []string{"UID", "DTSTART", "DTEND", "DURATION", "DUE", "RECURRENCE-ID", "SEQUENCE", "SUMMARY", "ORGANIZER", "COMMENT",
	"PERCENT-COMPLETE", "COMPLETED"}

// reply is the body of an answer: the components with nobody else in them.
// RFC 5546, section 3.2.3
func (o *Object) reply(said []*component, who Party, now string) []byte {
	r := &Object{component{name: "VCALENDAR"}, o.zones}
	r.calendar.set("VERSION", "2.0")
	r.calendar.set("PRODID", productID)
	for i := range o.calendar.items {
		if sub := o.calendar.items[i].sub; sub != nil && sub.name == "VTIMEZONE" {
			r.addPart(sub)
		}
	}
	for _, part := range said {
		answer := &component{name: part.name}
		for _, name := range toldBack {
			part.each(name, func(it *item) { answer.items = append(answer.items, *it) })
		}
		answer.add(part.attendee(who).prop)
		if answer.text("SEQUENCE") == "" {
			answer.set("SEQUENCE", strconv.Itoa(0))
		}
		r.addPart(answer)
	}
	return r.message(Reply, now).Bytes()
}

// productID is what writes answers.
const productID = "-//davit//scheduling//EN"
