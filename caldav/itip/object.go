package itip

import (
	"maps"
	"slices"
	"strings"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// An Object is a calendar object that can be changed: what is not touched stays as
// its client wrote it.
type Object struct {
	calendar component
	zones    *zone.Finder
}

// A component is its properties and components in their order.
type component struct {
	name  string
	items []item
}

// An item is a property with its line, or a component.
type item struct {
	prop ical.Prop
	raw  string // with its line end
	sub  *component
}

// Parse reads an object or a message.
func Parse(content []byte) (*Object, error) {
	decoded, err := ical.Decode(content)
	if err != nil {
		return nil, err
	}
	o := &Object{zones: zone.New(decoded)}
	var open []*component
	for i := range decoded.Lines {
		line := &decoded.Lines[i]
		switch line.Name {
		case "BEGIN":
			c := &o.calendar
			if len(open) > 0 {
				c = &component{}
				parent := open[len(open)-1]
				parent.items = append(parent.items, item{sub: c})
			}
			c.name = line.Component.Name
			open = append(open, c)
		case "END":
			open = open[:len(open)-1]
		default:
			c := open[len(open)-1]
			c.items = append(c.items, item{prop: *line.Prop(), raw: strings.TrimRight(line.Text, "\r\n") + "\r\n"})
		}
	}
	return o, nil
}

// Bytes is the object as iCalendar.
func (o *Object) Bytes() []byte { return o.calendar.append(nil) }

func (c *component) append(dst []byte) []byte {
	dst = append(append(append(dst, "BEGIN:"...), c.name...), "\r\n"...)
	for i := range c.items {
		if sub := c.items[i].sub; sub != nil {
			dst = sub.append(dst)
		} else {
			dst = append(dst, c.items[i].raw...)
		}
	}
	return append(append(append(dst, "END:"...), c.name...), "\r\n"...)
}

// clone is a copy that shares nothing that is changed: parameters are set in maps
// of their own.
func (c *component) clone() *component {
	d := &component{c.name, slices.Clone(c.items)}
	for i := range d.items {
		if sub := d.items[i].sub; sub != nil {
			d.items[i].sub = sub.clone()
		}
	}
	return d
}

func (o *Object) clone() *Object { return &Object{*o.calendar.clone(), o.zones} }

// each gives the properties of a name, to be read or set.
func (c *component) each(name string, fn func(*item)) {
	for i := range c.items {
		if it := &c.items[i]; it.sub == nil && it.prop.Name == name {
			fn(it)
		}
	}
}

// first is the first property of a name, nil for none.
func (c *component) first(name string) (found *item) {
	c.each(name, func(it *item) {
		if found == nil {
			found = it
		}
	})
	return found
}

// text is the value of the first property of a name, empty for none.
func (c *component) text(name string) string {
	if it := c.first(name); it != nil {
		return strings.TrimSpace(it.prop.Value)
	}
	return ""
}

// drop takes away the properties and components of these names.
func (c *component) drop(names ...string) {
	c.items = slices.DeleteFunc(c.items, func(it item) bool {
		if it.sub != nil {
			return slices.Contains(names, it.sub.name)
		}
		return slices.Contains(names, it.prop.Name)
	})
}

// set puts a property in the place of those of its name.
func (c *component) set(name, value string) {
	prop := ical.Prop{Name: name, Params: ical.Params{}, Value: value}
	if it := c.first(name); it != nil {
		it.prop = prop
		it.write()
		return
	}
	c.add(prop)
}

// add puts a property behind the last one.
func (c *component) add(prop ical.Prop) {
	it := item{prop: prop}
	it.write()
	at := 0
	for i := range c.items {
		if c.items[i].sub == nil {
			at = i + 1
		}
	}
	c.items = slices.Insert(c.items, at, it)
}

// quotable takes out of a name or an address what no parameter may have.
// RFC 5545, section 3.2
var quotable = strings.NewReplacer(`"`, "'", "\r", " ", "\n", " ")

// param sets a parameter, or takes it away with an empty value.
func (it *item) param(name, value string) {
	if value == "" && len(it.prop.Params[name]) == 0 {
		return
	}
	if it.prop.Params = maps.Clone(it.prop.Params); it.prop.Params == nil {
		it.prop.Params = ical.Params{}
	}
	if value == "" {
		delete(it.prop.Params, name)
	} else {
		it.prop.Params[name] = []string{quotable.Replace(value)}
	}
	it.write()
}

// get is a parameter in capitals, or what stands for a missing one.
func (it *item) get(name, missing string) string {
	if v := strings.ToUpper(strings.TrimSpace(it.prop.Params.Get(name))); v != "" {
		return v
	}
	return missing
}

// write makes the line of the property anew.
func (it *item) write() {
	it.raw = string(ical.AppendContent(nil, it.prop.Name+ical.ParamText(it.prop.Params)+":"+it.prop.Value))
}

// parts are the components that are scheduled: all but time zones.
func (o *Object) parts() (parts []*component) {
	for i := range o.calendar.items {
		if sub := o.calendar.items[i].sub; sub != nil && (sub.name == "VEVENT" || sub.name == "VTODO" || sub.name == "VJOURNAL") {
			parts = append(parts, sub)
		}
	}
	return parts
}

// master is the component without RECURRENCE-ID, nil for none.
func (o *Object) master() *component { return o.part("") }

// part is the component of a key, nil for none.
func (o *Object) part(key string) *component {
	for _, c := range o.parts() {
		if o.key(c) == key {
			return c
		}
	}
	return nil
}

// addPart puts a component behind the others.
func (o *Object) addPart(c *component) {
	o.calendar.items = append(o.calendar.items, item{sub: c})
}

// dropParts takes away the components that are told to go.
func (o *Object) dropParts(goes func(*component) bool) {
	mine := o.parts()
	o.calendar.items = slices.DeleteFunc(o.calendar.items, func(it item) bool {
		return it.sub != nil && slices.Contains(mine, it.sub) && goes(it.sub)
	})
}

// key names an instance by its original start, however its zone is written; empty
// for the component of the whole series.
func (o *Object) key(c *component) string {
	it := c.first("RECURRENCE-ID")
	if it == nil {
		return ""
	}
	return o.moment(&it.prop)
}

// moment is a time of a property in a form to be compared: of UTC where it has a
// zone.
func (o *Object) moment(p *ical.Prop) string { return o.momentOf(p.Value, p.Params.Get("TZID")) }

func (o *Object) momentOf(value, tzid string) string {
	t, err := ical.ParseTime(value, tzid)
	if err != nil {
		return strings.ToUpper(strings.TrimSpace(value))
	}
	if t.Form == ical.Zoned {
		z, err := o.zones.Find(t.Zone)
		if err != nil {
			return t.String() + " " + t.Zone
		}
		t = ical.Time{Wall: ical.Wall(z.Instant(t.Wall)), Form: ical.UTC}
	}
	return t.String()
}

// exceptions are the instances that the series leaves out.
func (o *Object) exceptions(master *component) map[string]bool {
	keys := map[string]bool{}
	if master != nil {
		master.each("EXDATE", func(it *item) {
			for value := range strings.SplitSeq(it.prop.Value, ",") {
				keys[o.momentOf(value, it.prop.Params.Get("TZID"))] = true
			}
		})
	}
	return keys
}

// except leaves out of the series what another component is an instance of.
func (o *Object) except(master, instance *component) {
	it := instance.first("RECURRENCE-ID")
	if it == nil || o.exceptions(master)[o.key(instance)] {
		return
	}
	prop := ical.Prop{Name: "EXDATE", Params: maps.Clone(it.prop.Params), Value: it.prop.Value}
	delete(prop.Params, "RANGE")
	master.add(prop)
}

// Method is what a message asks for, empty of an object.
func (o *Object) Method() Method { return Method(strings.ToUpper(o.calendar.text("METHOD"))) }

// message is a copy with a METHOD and without what is the sender's alone.
func (o *Object) message(m Method, now string) *Object {
	c := o.clone()
	c.calendar.set("METHOD", string(m))
	for _, part := range c.parts() {
		part.drop("VALARM", "REQUEST-STATUS")
		part.set("DTSTAMP", now)
		for _, name := range []string{"ORGANIZER", "ATTENDEE"} {
			part.each(name, func(it *item) {
				for _, p := range privateParams {
					it.param(p, "")
				}
			})
		}
	}
	return c
}

// replied is when the organizer's object has heard of an attendee, as his DTSTAMP
// told.
const replied = "X-DAVIT-REPLIED"

// privateParams are in no message. RFC 6638, sections 7.1 to 7.3
var privateParams = []string{"SCHEDULE-AGENT", "SCHEDULE-FORCE-SEND", "SCHEDULE-STATUS", replied}

// UID names the object.
func (o *Object) UID() string {
	for _, c := range o.parts() {
		return c.text("UID")
	}
	return ""
}

// Component is what kind of thing the object is about.
func (o *Object) Component() string {
	for _, c := range o.parts() {
		return c.name
	}
	return ""
}

// OrganizerOf is the organizer's address, empty for none.
func (o *Object) OrganizerOf() string {
	for _, c := range o.parts() {
		if a := c.text("ORGANIZER"); a != "" {
			return a
		}
	}
	return ""
}

// attendee is the line of somebody in a component, nil if he is not invited.
func (c *component) attendee(who Party) (found *item) {
	c.each("ATTENDEE", func(it *item) {
		if found == nil && who.Has(it.prop.Value) {
			found = it
		}
	})
	return found
}

// attendees are all who are invited anywhere in the object, by key, each with his
// address as it first stands.
func (o *Object) attendees() (keys []string, address map[string]string) {
	address = map[string]string{}
	if o == nil {
		return nil, address
	}
	for _, c := range o.parts() {
		c.each("ATTENDEE", func(it *item) {
			key := Key(it.prop.Value)
			if _, known := address[key]; !known {
				address[key] = strings.TrimSpace(it.prop.Value)
				keys = append(keys, key)
			}
		})
	}
	return keys, address
}

// RoleOf is what somebody is in the object.
func (o *Object) RoleOf(who Party) Role {
	organizer := o.OrganizerOf()
	if organizer == "" {
		return Nobody
	}
	if who.Has(organizer) {
		return Organizer
	}
	for _, c := range o.parts() {
		if c.attendee(who) != nil {
			return Attendee
		}
	}
	return Nobody
}

// SetStatus notes, where an address stands as what it is to the sender, how the
// message to it went. RFC 6638, section 3.2.9
func (o *Object) SetStatus(sender Role, address, status string) {
	name := "ATTENDEE"
	if sender == Attendee {
		name = "ORGANIZER"
	}
	who := Party{Key(address)}
	for _, c := range o.parts() {
		c.each(name, func(it *item) {
			if who.Has(it.prop.Value) {
				it.param("SCHEDULE-STATUS", status)
			}
		})
	}
}

// Free marks what somebody has declined as no time of his, and gives the object.
func (o *Object) Free(who Party) []byte {
	for _, c := range o.parts() {
		if it := c.attendee(who); it != nil && it.get("PARTSTAT", "NEEDS-ACTION") == "DECLINED" {
			c.set("TRANSP", "TRANSPARENT")
		}
	}
	return o.Bytes()
}

// check refuses what cannot be scheduled.
func (o *Object) check() error {
	first := ""
	for i, c := range o.parts() {
		organizer := Key(c.text("ORGANIZER"))
		if i > 0 && organizer != first {
			return &Error{SameOrganizer, "the components name different organizers"} // RFC 6638, section 3.2.4.2
		}
		first = organizer
	}
	if keys, _ := o.attendees(); len(keys) > AttendeesMax {
		return &Error{TooMany, "the object invites too many people"}
	}
	return nil
}
