package filter

import (
	"slices"
	"strings"

	"davit/caldav/ical"
	"davit/caldav/recur"
)

// A Shape is what a calendar-data element asks for: RFC 4791, section 9.6. What it
// leaves alone comes out as the client wrote it, in its order.
type Shape struct {
	Select *Selection // nil: everything
	// Expand asks for the instances within a range instead of the rules that make
	// them. Its range has two limits, and no other is given beside it.
	Expand *Range
	// LimitRecurrence leaves out the overrides that say nothing about a range.
	LimitRecurrence *Range
	// LimitFreeBusy leaves out the values of FREEBUSY outside of a range.
	LimitFreeBusy *Range
}

// A Selection is a CALDAV:comp element: the part of a component that is asked for.
type Selection struct {
	Name     string
	AllProps bool
	Props    []SelectedProp
	AllComps bool
	Comps    []Selection
}

// A SelectedProp is a CALDAV:prop element. With NoValue its value is left out.
type SelectedProp struct {
	Name    string
	NoValue bool
}

// Check judges a shape before it is used. Errors are of type *Error.
func (sh *Shape) Check() error {
	if sh.Select != nil {
		terms := 0
		if err := sh.Select.check(1, &terms); err != nil {
			return err
		}
		if sh.Select.Name != "VCALENDAR" {
			return invalid("the selection has to begin with VCALENDAR")
		}
	}
	if sh.Expand != nil && sh.LimitRecurrence != nil {
		return invalid("expand and limit-recurrence-set exclude each other") // RFC 4791, section 9.6
	}
	for _, r := range []*Range{sh.Expand, sh.LimitRecurrence, sh.LimitFreeBusy} {
		if r != nil && (r.From.IsZero() || r.To.IsZero()) {
			return invalid("the range of calendar-data needs a start and an end") // RFC 4791, section 9.6.5
		}
		if err := r.check(); err != nil {
			return err
		}
	}
	return nil
}

func (sel *Selection) check(depth int, terms *int) error {
	if *terms += 1 + len(sel.Props); depth > DepthMax || *terms > TermsMax {
		return &Error{"supported-filter", "the selection has too many parts"}
	}
	for i := range sel.Comps {
		if err := sel.Comps[i].check(depth+1, terms); err != nil {
			return err
		}
	}
	return nil
}

// component returns the selection within a component of that name; false if none of it
// is asked for. A nil selection asks for everything.
func (sel *Selection) component(name string) (*Selection, bool) {
	if sel == nil {
		return nil, true
	}
	if i := slices.IndexFunc(sel.Comps, func(s Selection) bool { return s.Name == name }); i >= 0 {
		return &sel.Comps[i], true
	}
	return nil, sel.AllComps
}

// property tells whether a property is asked for, and whether without its value.
func (sel *Selection) property(name string) (asked, noValue bool) {
	if sel == nil {
		return true, false
	}
	if i := slices.IndexFunc(sel.Props, func(p SelectedProp) bool { return p.Name == name }); i >= 0 {
		return true, sel.Props[i].NoValue
	}
	return sel.AllProps, false
}

// Append writes an object in its shape behind dst. An error is one of the series,
// which takes too much work or has too many instances.
func (sh *Shape) Append(dst []byte, obj *ical.Object, s *recur.Series) ([]byte, error) {
	w := writer{out: dst, shape: sh, series: s, obj: obj}
	selection := sh.Select
	if selection != nil && selection.Name != obj.Calendar.Name {
		return dst, nil
	}
	err := w.calendar(selection)
	return w.out, err
}

// writer writes one object line by line.
type writer struct {
	out    []byte
	shape  *Shape
	series *recur.Series
	obj    *ical.Object
	made   []byte // memory of a line of our own
}

// calendar writes the whole.
func (w *writer) calendar(sel *Selection) error {
	expanded := false
	for at := 0; at < len(w.obj.Lines); at++ {
		line := &w.obj.Lines[at]
		if line.Name != "BEGIN" || line.Component == w.obj.Calendar {
			w.line(line, sel)
			continue
		}
		end := w.behind(at)
		inner, asked := sel.component(line.Component.Name)
		scheduled := line.Component.Name == w.series.Kind()
		switch {
		case !asked:
		case w.shape.Expand != nil && scheduled:
			if !expanded {
				expanded = true
				if err := w.expand(inner); err != nil {
					return err
				}
			}
		case w.shape.Expand != nil && line.Component.Name == "VTIMEZONE": // RFC 4791, section 9.6.5
		default:
			if limit := w.shape.LimitRecurrence; limit == nil || !scheduled || w.series.Impacts(line.Component, limit.From, limit.To) {
				w.component(at, end, inner)
			}
		}
		at = end - 1
	}
	return nil
}

// behind returns the place behind the component that begins at a line.
func (w *writer) behind(at int) int {
	c := w.obj.Lines[at].Component
	for at++; w.obj.Lines[at].Name != "END" || w.obj.Lines[at].Component != c; at++ {
	}
	return at + 1
}

// component writes the lines of a component and of those within it.
func (w *writer) component(at, end int, sel *Selection) {
	c := w.obj.Lines[at].Component
	for ; at < end; at++ {
		line := &w.obj.Lines[at]
		if line.Component == c {
			w.line(line, sel)
			continue
		}
		after := w.behind(at)
		if inner, asked := sel.component(line.Component.Name); asked {
			w.component(at, after, inner)
		}
		at = after - 1
	}
}

// line writes a line as it stands, if it is asked for.
func (w *writer) line(line *ical.Line, sel *Selection) {
	if line.Name == "BEGIN" || line.Name == "END" {
		w.raw(line)
		return
	}
	asked, noValue := sel.property(line.Name)
	switch {
	case !asked:
	case noValue:
		w.content(line.Name + ical.ParamText(line.Prop().Params) + ":")
	case w.shape.LimitFreeBusy != nil && line.Name == "FREEBUSY":
		w.freeBusy(line.Prop())
	default:
		w.raw(line)
	}
}

// freeBusy writes the values of FREEBUSY that meet the range: RFC 4791, section 9.6.7.
func (w *writer) freeBusy(p *ical.Prop) {
	var kept []string
	for value := range strings.SplitSeq(p.Value, ",") {
		if w.series.FreeBusyOverlaps(value, w.shape.LimitFreeBusy.From, w.shape.LimitFreeBusy.To) {
			kept = append(kept, value)
		}
	}
	if len(kept) > 0 {
		w.content(p.Name + ical.ParamText(p.Params) + ":" + strings.Join(kept, ","))
	}
}

// raw writes a line as the client did, but for bare line feeds.
func (w *writer) raw(line *ical.Line) {
	if strings.Count(line.Text, "\n") == strings.Count(line.Text, "\r\n") && strings.HasSuffix(line.Text, "\n") {
		w.out = append(w.out, line.Text...)
		return
	}
	for text := range strings.Lines(line.Text) {
		w.out = append(w.out, strings.TrimRight(text, "\r\n")...)
		w.out = append(w.out, "\r\n"...)
	}
}
