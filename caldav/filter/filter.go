// Package filter answers which calendar objects a calendar-query means (RFC 4791,
// section 9.7) and gives an object the shape that calendar-data asks for (section
// 9.6): some of its components and properties, expanded, or limited to a range. It
// works on decoded objects; it parses no XML and knows no store.
//
//	ok, err := query.Match(obj, series)
//	body, err := shape.Append(nil, obj, series)
package filter

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/caldav/recur"
)

// Limits of one filter.
const (
	TermsMax = 100     // comp-, prop- and param-filters in all
	DepthMax = 5       // comp-filters within one another
	TextMax  = 4 << 10 // bytes of one text-match
	SeenMax  = 1 << 20 // bytes of a text that are looked at
)

// A Range is a time-range, from From on and before To: RFC 4791, section 9.9. A zero
// time is no limit.
type Range struct{ From, To time.Time }

// A Comp is a comp-filter: RFC 4791, section 9.7.1. Names are in capitals.
type Comp struct {
	Name         string
	IsNotDefined bool // no such component may be there; nothing else counts
	Range        *Range
	Props        []Prop
	Comps        []Comp
}

// A Prop is a prop-filter: RFC 4791, section 9.7.2.
type Prop struct {
	Name         string
	IsNotDefined bool
	Range        *Range
	Text         *Text
	Params       []Param
}

// A Param is a param-filter: RFC 4791, section 9.7.3.
type Param struct {
	Name         string
	IsNotDefined bool
	Text         *Text
}

// A Text is a text-match: RFC 4791, section 9.7.5. It looks for Value anywhere in the
// text.
type Text struct {
	Value     string
	Collation Collation
	Negate    bool
}

// An Error says what is wrong with a filter, by a precondition of RFC 4791, section 7.8.
type Error struct {
	Precondition string // valid-filter, supported-filter or supported-collation
	Reason       string
}

func (e *Error) Error() string { return e.Reason }

// Check judges a filter before it is used. Errors are of type *Error.
func (f *Comp) Check() error {
	if f.Name != "VCALENDAR" {
		return invalid("the filter has to begin with VCALENDAR") // RFC 4791, section 9.7
	}
	terms := 0
	return f.check(1, &terms)
}

func invalid(format string, args ...any) *Error {
	return &Error{"valid-filter", fmt.Sprintf(format, args...)}
}

// ranged are the components that the tables of RFC 4791, section 9.9, know, and that of
// RFC 7953.
var ranged = []string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VALARM", "VAVAILABILITY"}

func (f *Comp) check(depth int, terms *int) error {
	if *terms++; depth > DepthMax || *terms > TermsMax {
		return &Error{"supported-filter", "the filter has too many parts"}
	}
	if f.Name == "" {
		return invalid("a comp-filter has no name")
	}
	if f.Range != nil && !slices.Contains(ranged, f.Name) {
		return &Error{"supported-filter", fmt.Sprintf("%s has no time-range", f.Name)}
	}
	if err := f.Range.check(); err != nil {
		return err
	}
	for i := range f.Props {
		if err := f.Props[i].check(terms); err != nil {
			return err
		}
	}
	for i := range f.Comps {
		if err := f.Comps[i].check(depth+1, terms); err != nil {
			return err
		}
	}
	return nil
}

func (f *Prop) check(terms *int) error {
	if *terms += 1 + len(f.Params); *terms > TermsMax {
		return &Error{"supported-filter", "the filter has too many parts"}
	}
	if f.Name == "" {
		return invalid("a prop-filter has no name")
	}
	if err := f.Range.check(); err != nil {
		return err
	}
	if err := f.Text.check(); err != nil {
		return err
	}
	for _, p := range f.Params {
		if p.Name == "" {
			return invalid("a param-filter has no name")
		}
		if err := p.Text.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Range) check() error {
	if r != nil && !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return invalid("a time-range ends before it begins") // RFC 4791, section 9.9
	}
	return nil
}

// Match tells whether an object is meant. An error is one of the series: it takes too
// much work, or an alarm of it cannot be read.
func (f *Comp) Match(obj *ical.Object, s *recur.Series) (bool, error) {
	m := matcher{s}
	if obj.Calendar.Name != f.Name {
		return f.IsNotDefined, nil
	}
	return m.comp(f, obj.Calendar, nil)
}

type matcher struct{ series *recur.Series }

// comp matches one component: what costs least is asked first.
func (m matcher) comp(f *Comp, c, parent *ical.Component) (bool, error) {
	if f.IsNotDefined {
		return false, nil
	}
	for i := range f.Props {
		if !m.props(&f.Props[i], c) {
			return false, nil
		}
	}
	for i := range f.Comps {
		if ok, err := m.children(&f.Comps[i], c); !ok || err != nil {
			return false, err
		}
	}
	switch {
	case f.Range == nil:
		return true, nil
	case c.Name == "VALARM":
		return m.series.AlarmOverlaps(c, parent, f.Range.From, f.Range.To)
	}
	return m.series.Overlaps(c, f.Range.From, f.Range.To)
}

// children tells whether one of the components within c matches.
func (m matcher) children(f *Comp, c *ical.Component) (bool, error) {
	for _, child := range c.Children {
		if child.Name != f.Name {
			continue
		}
		if f.IsNotDefined {
			return false, nil
		}
		if ok, err := m.comp(f, child, c); ok || err != nil {
			return ok, err
		}
	}
	return f.IsNotDefined, nil
}

// props tells whether one of the properties of that name matches.
func (m matcher) props(f *Prop, c *ical.Component) bool {
	list := c.Props[f.Name]
	if f.IsNotDefined || len(list) == 0 {
		return f.IsNotDefined && len(list) == 0
	}
	return slices.ContainsFunc(list, func(p ical.Prop) bool {
		return (f.Range == nil || m.series.ValueOverlaps(&p, f.Range.From, f.Range.To)) &&
			(f.Text == nil || f.Text.matches(unescape(p.Value))) &&
			!slices.ContainsFunc(f.Params, func(param Param) bool { return !param.matches(&p) })
	})
}

func (f *Param) matches(p *ical.Prop) bool {
	values, defined := p.Params[f.Name]
	if f.IsNotDefined || !defined {
		return f.IsNotDefined && !defined
	}
	return f.Text == nil || slices.ContainsFunc(values, func(v string) bool { return f.Text.matches(careted.Replace(v)) })
}

// careted undoes what keeps quotes and line ends out of parameters: RFC 6868.
var careted = strings.NewReplacer("^n", "\n", "^^", "^", "^'", `"`)

// escaped undoes what keeps line ends and separators out of texts: RFC 5545, section
// 3.3.11.
var escaped = strings.NewReplacer(`\\`, `\`, `\,`, ",", `\;`, ";", `\n`, "\n", `\N`, "\n")

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return escaped.Replace(s)
}
