package filter

import (
	"fmt"

	"davit/caldav/ical"
	"davit/caldav/recur"
)

// Limits of one object that is expanded.
const (
	ExpandedMax      = 20 << 20  // bytes of all instances
	ExpandedLinesMax = 1_000_000 // lines of all instances, asked for or not
)

// expand writes the instances within the range, with times in UTC and nothing that
// makes further ones: RFC 4791, section 9.6.5.
func (w *writer) expand(sel *Selection) error {
	places := map[*ical.Component]int{}
	for at, line := range w.obj.Lines {
		if line.Name == "BEGIN" {
			places[line.Component] = at
		}
	}
	start, lines := len(w.out), 0
	for in, err := range w.series.Between(w.shape.Expand.From, w.shape.Expand.To) {
		if err != nil {
			return err
		}
		at := places[in.Component]
		end := w.behind(at)
		if lines += end - at; lines > ExpandedLinesMax || len(w.out)-start > ExpandedMax {
			return recur.ErrInstances
		}
		w.instance(at, end, &in, sel)
	}
	return nil
}

// instance writes one instance from the lines of its component.
func (w *writer) instance(at, end int, in *recur.Instance, sel *Selection) {
	if in.Start.IsZero() { // it has no time to be written anew
		w.component(at, end, sel)
		return
	}
	for ; at < end; at++ {
		line := &w.obj.Lines[at]
		switch {
		case line.Component != in.Component:
			after := w.behind(at)
			if inner, asked := sel.component(line.Component.Name); asked {
				w.component(at, after, inner)
			}
			at = after - 1
		case line.Name == "BEGIN":
			w.raw(line)
			if w.series.Recurs() {
				w.synthetic(sel, "RECURRENCE-ID", nil, in.ID)
			}
		case line.Name == "END":
			w.raw(line)
		default:
			w.instanceLine(line, in, sel)
		}
	}
}

// instanceLine writes a property as it is for one instance.
func (w *writer) instanceLine(line *ical.Line, in *recur.Instance, sel *Selection) {
	p := line.Prop()
	timed := in.From.Form != ical.DateForm
	switch line.Name {
	case "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID":
	case "DTSTART":
		w.synthetic(sel, line.Name, p.Params, in.From, "TZID", "VALUE")
		if bare(in.Component) && timed && in.End.After(in.Start) { // a PERIOD of RDATE has given it an end
			w.synthetic(sel, "DTEND", nil, in.To)
		}
	case "DTEND", "DUE":
		w.synthetic(sel, line.Name, p.Params, in.To, "TZID", "VALUE")
	case "DURATION":
		exact := ical.Duration{Seconds: int64(in.End.Sub(in.Start).Seconds())}
		asked, noValue := sel.property(line.Name)
		if d, err := ical.ParseDuration(p.Value); asked && !noValue && timed && (err != nil || d != exact) {
			w.content(fmt.Sprintf("DURATION%s:PT%dS", ical.ParamText(p.Params), exact.Seconds)) // days would be nominal
			return
		}
		w.line(line, sel)
	default:
		if utc, ok := w.series.InUTC(p); ok {
			w.synthetic(sel, line.Name, p.Params, utc, "TZID")
			return
		}
		w.line(line, sel)
	}
}

// bare tells whether a component names no end.
func bare(c *ical.Component) bool {
	return len(c.Props["DTEND"])+len(c.Props["DUE"])+len(c.Props["DURATION"]) == 0
}

// synthetic writes a time in the place of another, whose parameters it has but for
// some, if it is asked for.
func (w *writer) synthetic(sel *Selection, name string, params ical.Params, t ical.Time, without ...string) {
	asked, noValue := sel.property(name)
	if !asked {
		return
	}
	line := ical.AppendParams(append(w.made[:0], name...), params, without...)
	if t.Form == ical.DateForm {
		line = append(line, ";VALUE=DATE"...)
	}
	line = append(line, ':')
	if !noValue {
		line = t.Append(line)
	}
	w.made = line
	w.out = ical.AppendContent(w.out, line)
}

// content writes a line of our own.
func (w *writer) content(s string) { w.out = ical.AppendContent(w.out, s) }
