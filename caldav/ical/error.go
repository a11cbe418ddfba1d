package ical

import "fmt"

// The preconditions of RFC 4791, section 5.3.2.1, by their names in its namespace.
const (
	ValidCalendarData           = "valid-calendar-data"
	ValidCalendarObjectResource = "valid-calendar-object-resource"
	SupportedCalendarData       = "supported-calendar-data"
	SupportedCalendarComponent  = "supported-calendar-component"
	MaxResourceSize             = "max-resource-size"
	MaxInstances                = "max-instances"
	MinDateTime                 = "min-date-time"
	MaxDateTime                 = "max-date-time"
)

// An Error says what is wrong with a calendar object.
type Error struct {
	Precondition string // the one of RFC 4791, section 5.3.2.1, that is not met
	Line         int    // the physical line, from 1; 0 where no one line is to blame
	Rule         string // where the rule stands; empty where it is a limit of ours
	Reason       string
}

func (e *Error) Error() string {
	text := e.Reason
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	if e.Rule != "" {
		text += " (" + e.Rule + ")"
	}
	return text
}

// Wrong makes an error about a property of c: the i-th of that name.
func (o *Object) Wrong(c *Component, name string, i int, err error) *Error {
	wrong := &Error{Precondition: ValidCalendarData, Reason: fmt.Sprintf("%s: %v", name, err)}
	if cause, ok := err.(*Error); ok {
		*wrong = *cause
		wrong.Reason = name + ": " + cause.Reason
	}
	wrong.Line = o.lineOf(c, name, i)
	return wrong
}
