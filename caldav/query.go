package caldav

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"davit/caldav/filter"
	"davit/dav/wire"
)

// This file reads what reports say in XML. RFC 4791, sections 9.6 to 9.9

// unfit is the answer to a filter or a shape that cannot be used.
func unfit(err error) error {
	var wrong *filter.Error
	if errors.As(err, &wrong) {
		return violation(http.StatusForbidden, wrong.Precondition, wrong.Reason)
	}
	return err
}

func filterOf(n *wire.Node) (*filter.Comp, error) {
	var top *wire.Node
	if n != nil {
		top = n.Kid(calName("comp-filter"))
	}
	if top == nil {
		return nil, violation(http.StatusForbidden, "valid-filter", "a calendar-query needs a filter with a comp-filter")
	}
	f, err := compOf(top)
	if err != nil {
		return nil, err
	}
	if err := f.Check(); err != nil {
		return nil, unfit(err)
	}
	return &f, nil
}

func compOf(n *wire.Node) (c filter.Comp, err error) {
	c = filter.Comp{Name: strings.ToUpper(n.Attr("name")), IsNotDefined: n.Kid(calName("is-not-defined")) != nil}
	if c.Range, err = rangeOf(n.Kid(calName("time-range"))); err != nil {
		return c, err
	}
	for i := range n.Kids {
		switch kid := &n.Kids[i]; kid.Name {
		case calName("comp-filter"):
			inner, err := compOf(kid)
			if err != nil {
				return c, err
			}
			c.Comps = append(c.Comps, inner)
		case calName("prop-filter"):
			p, err := propOf(kid)
			if err != nil {
				return c, err
			}
			c.Props = append(c.Props, p)
		}
	}
	return c, nil
}

func propOf(n *wire.Node) (p filter.Prop, err error) {
	p = filter.Prop{Name: strings.ToUpper(n.Attr("name")), IsNotDefined: n.Kid(calName("is-not-defined")) != nil, Text: textOf(n)}
	for i := range n.Kids {
		if kid := &n.Kids[i]; kid.Name == calName("param-filter") {
			p.Params = append(p.Params, filter.Param{Name: strings.ToUpper(kid.Attr("name")),
				IsNotDefined: kid.Kid(calName("is-not-defined")) != nil, Text: textOf(kid)})
		}
	}
	p.Range, err = rangeOf(n.Kid(calName("time-range")))
	return p, err
}

// textOf is the text-match within an element, nil for none.
func textOf(n *wire.Node) *filter.Text {
	t := n.Kid(calName("text-match"))
	if t == nil {
		return nil
	}
	return &filter.Text{Value: t.Text, Collation: filter.Collation(t.Attr("collation")), Negate: strings.EqualFold(t.Attr("negate-condition"), "yes")}
}

// rangeOf reads a range of time, nil for none. RFC 4791, section 9.9
func rangeOf(n *wire.Node) (*filter.Range, error) {
	if n == nil {
		return nil, nil
	}
	var r filter.Range
	for name, limit := range map[string]*time.Time{"start": &r.From, "end": &r.To} {
		text := n.Attr(name)
		if text == "" {
			continue
		}
		t, err := time.Parse(utcForm, text)
		if err != nil {
			return nil, violation(http.StatusForbidden, "valid-filter", "a time-range has its limits in UTC: "+utcForm)
		}
		*limit = t
	}
	if r.From.IsZero() && r.To.IsZero() {
		return nil, violation(http.StatusForbidden, "valid-filter", "a time-range needs a start or an end")
	}
	if !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To) {
		return nil, violation(http.StatusForbidden, "valid-filter", "a time-range ends before it begins")
	}
	return &r, nil
}

// shapeOf reads a calendar-data element, nil when it asks for the whole object.
func shapeOf(n *wire.Node) (*filter.Shape, error) {
	if t := n.Attr("content-type"); t != "" && !strings.EqualFold(t, "text/calendar") {
		return nil, violation(http.StatusForbidden, "supported-calendar-data", "only text/calendar is given")
	}
	if v := n.Attr("version"); v != "" && v != "2.0" {
		return nil, violation(http.StatusForbidden, "supported-calendar-data", "only iCalendar 2.0 is given")
	}
	var sh filter.Shape
	var err error
	for name, r := range map[string]**filter.Range{
		"expand": &sh.Expand, "limit-recurrence-set": &sh.LimitRecurrence, "limit-freebusy-set": &sh.LimitFreeBusy,
	} {
		if *r, err = rangeOf(n.Kid(calName(name))); err != nil {
			return nil, err
		}
	}
	if comp := n.Kid(calName("comp")); comp != nil {
		sel := selectionOf(comp)
		sh.Select = &sel
	}
	if sh == (filter.Shape{}) {
		return nil, nil
	}
	if err := sh.Check(); err != nil {
		return nil, unfit(err)
	}
	return &sh, nil
}

func selectionOf(n *wire.Node) filter.Selection {
	s := filter.Selection{Name: strings.ToUpper(n.Attr("name")),
		AllProps: n.Kid(calName("allprop")) != nil, AllComps: n.Kid(calName("allcomp")) != nil}
	for i := range n.Kids {
		switch kid := &n.Kids[i]; kid.Name {
		case calName("comp"):
			s.Comps = append(s.Comps, selectionOf(kid))
		case calName("prop"):
			s.Props = append(s.Props, filter.SelectedProp{Name: strings.ToUpper(kid.Attr("name")), NoValue: strings.EqualFold(kid.Attr("novalue"), "yes")})
		}
	}
	return s
}
