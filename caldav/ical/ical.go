// Package ical reads iCalendar (RFC 5545) as clients write it: it guards, decodes
// into the object model of go-ical, and judges calendar object resources by RFC
// 4791. What is harmless is accepted; what is not is an [Error] that names its line
// and its precondition. It never changes the bytes of a client, never panics, and
// needs time and memory in proportion to its input.
//
//	obj, err := ical.Decode(body)
//	res, err := obj.Resource("VEVENT", "VTODO")
package ical

import (
	"fmt"
	"strings"
	"unicode/utf8"

	model "github.com/emersion/go-ical"
)

// The object model is go-ical's: names of components, properties and parameters are
// in capitals, values as they stand between colon and line end.
type (
	Component = model.Component
	Prop      = model.Prop
	Props     = model.Props
	Params    = model.Params
)

// Limits of one calendar object. A value may be long (a picture may stand in it), a
// parameter may not.
const (
	SizeMax    = 10 << 20 // bytes of the whole
	LinesMax   = 200_000  // content lines
	ParamsMax  = 64 << 10 // bytes of all parameters of one property
	NameMax    = 255      // bytes of one name
	NestingMax = 8        // components within components, VCALENDAR being the first
)

// A Line is a content line as the client wrote it.
type Line struct {
	// Name is that of the property, in capitals; BEGIN and END for components.
	Name string
	// Text is what was written: folded, with its line end.
	Text string
	// Number is that of its first physical line, from 1.
	Number int
	// Component is the one that the line begins or ends, or whose property it is.
	Component *Component
	// Index says which of the component's properties of that name it is, from 0.
	Index int
}

// An Object is a decoded iCalendar stream: the model, and the lines it came from in
// their order.
type Object struct {
	Calendar *Component
	Lines    []Line
}

// Prop returns the property of a line, nil for BEGIN and END.
func (l *Line) Prop() *Prop {
	if l.Name == "BEGIN" || l.Name == "END" {
		return nil
	}
	return &l.Component.Props[l.Name][l.Index]
}

// Decode reads one VCALENDAR. It accepts a byte order mark, bare line feeds, empty
// lines and names in any case. Its errors are of type *Error.
func Decode(data []byte) (*Object, error) {
	if len(data) > SizeMax {
		return nil, &Error{Precondition: MaxResourceSize, Reason: fmt.Sprintf("the object has more than %d bytes", SizeMax)}
	}
	d := decoder{text: strings.TrimPrefix(string(data), "\uFEFF")}
	d.obj.Lines = make([]Line, 0, min(strings.Count(d.text, "\n")+1, LinesMax))
	d.first = make([]Prop, 0, cap(d.obj.Lines))
	for {
		more, err := d.line()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	switch {
	case d.obj.Calendar == nil:
		return nil, d.wrong("RFC 5545, section 3.4", "there is no VCALENDAR")
	case len(d.open) > 0:
		return nil, d.wrong("RFC 5545, section 3.6", "%s has no END", d.open[len(d.open)-1].Name)
	}
	return &d.obj, nil
}

// decoder walks the text line by line.
type decoder struct {
	text   string
	at     int // where the next line begins
	number int // of the line being read, from 1
	next   int // physical lines passed
	obj    Object
	open   []*Component
	first  []Prop // memory of the properties that are the first of their name
}

// wrong makes the error of the line being read.
func (d *decoder) wrong(rule, format string, args ...any) *Error {
	return &Error{Precondition: ValidCalendarData, Line: d.number, Rule: rule, Reason: fmt.Sprintf(format, args...)}
}

// line reads one content line into the object; false at the end.
func (d *decoder) line() (bool, error) {
	raw, content, ok := d.unfold()
	if !ok {
		return false, nil
	}
	if strings.TrimSpace(content) == "" {
		return true, nil
	}
	if len(d.obj.Lines) == LinesMax {
		return false, d.wrong("", "the object has more than %d lines", LinesMax)
	}
	if err := d.characters(content); err != nil {
		return false, err
	}
	prop, err := d.property(content)
	if err != nil {
		return false, err
	}
	line := Line{Name: prop.Name, Text: raw, Number: d.number}
	switch prop.Name {
	case "BEGIN":
		line.Component, err = d.begin(name(prop.Value))
	case "END":
		line.Component, err = d.end(name(prop.Value))
	default:
		if len(d.open) == 0 {
			return false, d.wrong("RFC 5545, section 3.4", "%s stands outside of VCALENDAR", prop.Name)
		}
		line.Component = d.open[len(d.open)-1]
		line.Index = d.add(line.Component, prop)
	}
	if err != nil {
		return false, err
	}
	d.obj.Lines = append(d.obj.Lines, line)
	return true, nil
}

// add gives a component a property, and tells how many of that name it has before.
func (d *decoder) add(c *Component, prop Prop) (index int) {
	list := c.Props[prop.Name]
	if list != nil {
		c.Props[prop.Name] = append(list, prop)
		return len(list)
	}
	n := len(d.first)
	d.first = append(d.first, prop)
	c.Props[prop.Name] = d.first[n : n+1 : n+1] // most names stand once, and need no memory of their own
	return 0
}

// unfold takes the next content line: as it stands, and without its line breaks.
func (d *decoder) unfold() (raw, content string, ok bool) {
	if d.at >= len(d.text) {
		return "", "", false
	}
	d.number = d.next + 1
	start := d.at
	var joined strings.Builder
	for first := true; ; first = false {
		piece := d.text[d.at:]
		end := len(piece)
		if i := strings.IndexByte(piece, '\n'); i >= 0 {
			piece, end = piece[:i], i+1
		}
		piece = strings.TrimSuffix(piece, "\r")
		if !first {
			piece = piece[1:] // the white space that folded it
		}
		d.at += end
		d.next++
		folded := d.at < len(d.text) && (d.text[d.at] == ' ' || d.text[d.at] == '\t') // RFC 5545, section 3.1
		if first && !folded {
			return d.text[start:d.at], piece, true
		}
		joined.WriteString(piece)
		if !folded {
			return d.text[start:d.at], joined.String(), true
		}
	}
}

// characters refuses what neither iCalendar nor the XML of an answer can carry. It
// looks at unfolded lines, for a fold may cut a character in two: RFC 5545, section 3.1.
func (d *decoder) characters(content string) error {
	plain := true
	for i := 0; i < len(content); i++ {
		c := content[i]
		if c < ' ' && c != '\t' || c == 0x7f {
			return d.wrong("RFC 5545, section 3.1", "the line has the control character %#02x", c)
		}
		plain = plain && c < utf8.RuneSelf
	}
	if plain {
		return nil
	}
	if !utf8.ValidString(content) {
		return d.wrong("RFC 5545, section 3.1.4", "the line is not UTF-8")
	}
	if strings.Contains(content, "\uFFFE") || strings.Contains(content, "\uFFFF") {
		return d.wrong("RFC 5545, section 3.1", "the line has a code point that is no character")
	}
	return nil
}

// begin opens a component within the one that is open.
func (d *decoder) begin(kind string) (*Component, error) {
	switch {
	case kind == "":
		return nil, d.wrong("RFC 5545, section 3.6", "BEGIN names no component")
	case len(d.open) == NestingMax:
		return nil, d.wrong("", "more than %d components stand within one another", NestingMax)
	case len(d.open) == 0 && kind != "VCALENDAR":
		return nil, d.wrong("RFC 5545, section 3.4", "%s stands outside of VCALENDAR", kind)
	case len(d.open) == 0 && d.obj.Calendar != nil:
		// RFC 4791, section 4.1
		return nil, &Error{Precondition: ValidCalendarObjectResource, Line: d.number, Rule: "RFC 4791, section 4.1", Reason: "there is a second VCALENDAR"}
	}
	c := model.NewComponent(kind)
	if len(d.open) == 0 {
		d.obj.Calendar = c
	} else {
		parent := d.open[len(d.open)-1]
		parent.Children = append(parent.Children, c)
	}
	d.open = append(d.open, c)
	return c, nil
}

// end closes the component that is open.
func (d *decoder) end(kind string) (*Component, error) {
	last := len(d.open) - 1
	if last < 0 || d.open[last].Name != kind {
		return nil, d.wrong("RFC 5545, section 3.6", "END:%s closes nothing", kind)
	}
	c := d.open[last]
	d.open = d.open[:last]
	return c, nil
}
