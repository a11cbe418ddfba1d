package ical

import (
	"fmt"
	"slices"
	"strings"
)

// A Resource is what a calendar object resource is about: RFC 4791, section 4.1.
type Resource struct {
	UID       string
	Component string // VEVENT, VTODO, VJOURNAL or VFREEBUSY
}

// Resource judges a decoded object as one that a calendar may hold: one UID, one kind
// of component beside VTIMEZONE and one of those that are supported, no METHOD, and
// at most one component without RECURRENCE-ID. Its errors are of type *Error.
func (o *Object) Resource(supported ...string) (Resource, error) {
	if o.Calendar.Props.Get("METHOD") != nil {
		return Resource{}, o.unfit(o.Calendar, "METHOD", "a stored object has no METHOD")
	}
	return o.Message(supported...)
}

// Message is Resource for a message of scheduling, which has a METHOD.
func (o *Object) Message(supported ...string) (Resource, error) {
	var res Resource
	if v := o.Calendar.Props.Get("VERSION"); v != nil && strings.TrimSpace(v.Value) != "2.0" {
		wrong := o.unfit(o.Calendar, "VERSION", "the version is not 2.0")
		wrong.Precondition = SupportedCalendarData
		return res, wrong
	}
	masters := 0
	for _, c := range o.Calendar.Children {
		if c.Name == "VTIMEZONE" || strings.HasPrefix(c.Name, "X-") {
			continue
		}
		if err := o.member(c, &res, supported); err != nil {
			return Resource{}, err
		}
		if c.Props.Get("RECURRENCE-ID") == nil && c.Name != "VFREEBUSY" {
			masters++
		}
		if masters > 1 {
			return Resource{}, o.unfit(c, "BEGIN", "two components without RECURRENCE-ID have the same UID")
		}
	}
	if res.Component == "" {
		return Resource{}, o.unfit(o.Calendar, "BEGIN", "there is no component but time zones")
	}
	return res, nil
}

// member judges one component beside those before it.
func (o *Object) member(c *Component, res *Resource, supported []string) error {
	if res.Component != "" && res.Component != c.Name {
		return o.unfit(c, "BEGIN", fmt.Sprintf("%s stands beside %s", clip(c.Name), res.Component))
	}
	if !slices.Contains(supported, c.Name) {
		wrong := o.unfit(c, "BEGIN", fmt.Sprintf("%s is not kept here", clip(c.Name)))
		wrong.Precondition, wrong.Rule = SupportedCalendarComponent, "RFC 4791, section 5.2.3"
		return wrong
	}
	uids := c.Props["UID"]
	if len(uids) != 1 || uids[0].Value == "" {
		return o.unfit(c, "BEGIN", "it has to have one UID")
	}
	if res.UID != "" && res.UID != uids[0].Value {
		return o.unfit(c, "UID", "the components have different UIDs")
	}
	if c.Name == "VEVENT" && c.Props.Get("DTSTART") == nil {
		wrong := o.unfit(c, "BEGIN", "the event has no DTSTART")
		wrong.Precondition, wrong.Rule = ValidCalendarData, "RFC 5545, section 3.6.1"
		return wrong
	}
	res.UID, res.Component = uids[0].Value, c.Name
	return nil
}

// unfit makes the error that o is no calendar object resource, because of c.
func (o *Object) unfit(c *Component, name, reason string) *Error {
	wrong := &Error{Precondition: ValidCalendarObjectResource, Rule: "RFC 4791, section 4.1", Reason: reason}
	wrong.Line = o.lineOf(c, name, 0)
	return wrong
}

// lineOf finds the number of a line, 0 if there is none.
func (o *Object) lineOf(c *Component, name string, i int) int {
	for _, line := range o.Lines {
		if line.Component == c && line.Name == name && line.Index == i {
			return line.Number
		}
	}
	return 0
}
