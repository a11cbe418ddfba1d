package caldav

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// StreamMax is the longest stream that Split takes, in bytes.
const StreamMax = 512 << 20

// A Part is what a stream of iCalendar has of one UID, as an object of its own.
type Part struct {
	UID  string
	Line int    // the physical line on which it begins, from 1
	Body []byte // with the time zones that it names
	Err  error  // why it is no calendar object
}

// Name is the name of a file for the part, made of its UID.
func (p *Part) Name() string {
	odd := func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '@' || c == '.')
	}
	if len(p.UID) > 100 || strings.ContainsFunc(p.UID, odd) || strings.HasPrefix(p.UID, ".") {
		sum := sha256.Sum256([]byte(p.UID))
		return hex.EncodeToString(sum[:16]) + ".ics"
	}
	return p.UID + ".ics"
}

// Split cuts a stream, such as a calendar that was exported, into its objects: one
// for each UID, in the order in which they begin. What is no object is told with its
// line and stops nothing.
func Split(stream []byte) []Part {
	s := splitter{zones: map[string]string{}, parts: map[string]*piece{}}
	for line := range contentLines(strings.TrimPrefix(string(stream), "\uFEFF")) {
		s.line(line)
	}
	if len(s.open) > 0 {
		s.wrong(s.start, fmt.Errorf("%s has no END", s.open[len(s.open)-1]))
	}
	return s.finish()
}

// rawLine is a content line: as it stands, and unfolded.
type rawLine struct {
	number    int
	raw, text string
}

// contentLines walks a stream. RFC 5545, section 3.1
func contentLines(stream string) iter.Seq[rawLine] {
	return func(yield func(rawLine) bool) {
		var line rawLine
		var text strings.Builder
		number := 0
		for physical := range strings.Lines(stream) {
			number++
			plain := strings.TrimRight(physical, "\r\n")
			if plain != "" && (plain[0] == ' ' || plain[0] == '\t') && line.number > 0 {
				line.raw += plain + "\r\n"
				text.WriteString(plain[1:])
				continue
			}
			line.text = text.String()
			if line.number > 0 && !yield(line) {
				return
			}
			text.Reset()
			text.WriteString(plain)
			line = rawLine{number: number, raw: plain + "\r\n"}
		}
		if line.text = text.String(); line.number > 0 {
			yield(line)
		}
	}
}

// piece is a part being gathered.
type piece struct {
	Part
	text  strings.Builder
	zones []string
}

// splitter gathers the components of a stream.
type splitter struct {
	open  []string // components that are open
	start int      // line of the one within VCALENDAR
	raw   strings.Builder
	uid   string
	tzids []string
	zones map[string]string // TZID -> VTIMEZONE
	parts map[string]*piece
	order []*piece
}

func (s *splitter) wrong(line int, err error) {
	s.order = append(s.order, &piece{Part: Part{Line: line, Err: err}})
}

func (s *splitter) line(l rawLine) {
	name, value, _ := strings.Cut(l.text, ":")
	name = strings.ToUpper(name)
	switch {
	case name == "BEGIN":
		s.open = append(s.open, strings.ToUpper(strings.TrimSpace(value)))
		if len(s.open) == 2 {
			s.start, s.uid, s.tzids = l.number, "", nil
			s.raw.Reset()
		}
	case name == "END" && (len(s.open) == 0 || s.open[len(s.open)-1] != strings.ToUpper(strings.TrimSpace(value))):
		s.wrong(l.number, fmt.Errorf("END:%s closes nothing", strings.TrimSpace(value)))
		return
	}
	if len(s.open) >= 2 {
		s.raw.WriteString(l.raw)
		s.property(name, value, l.text)
	}
	if name == "END" {
		if len(s.open) == 2 {
			s.component(s.open[1])
		}
		s.open = s.open[:len(s.open)-1]
	}
}

// property notes what a line says that splitting needs.
func (s *splitter) property(name, value, text string) {
	base, params, _ := strings.Cut(name, ";")
	if len(s.open) == 2 && (base == "UID" || base == "TZID") {
		s.uid = value
	}
	if i := strings.Index(params, "TZID="); i >= 0 {
		// The name keeps the letters that it has in the text.
		id := text[len(base)+1+i+len("TZID="):]
		if quoted, is := strings.CutPrefix(id, `"`); is {
			id, _, _ = strings.Cut(quoted, `"`)
		} else if end := strings.IndexAny(id, ";:"); end >= 0 {
			id = id[:end]
		}
		if !slices.Contains(s.tzids, id) {
			s.tzids = append(s.tzids, id)
		}
	}
}

// component takes in what has just ended within VCALENDAR.
func (s *splitter) component(kind string) {
	switch {
	case kind == "VTIMEZONE":
		s.zones[s.uid] = s.raw.String()
		return
	case !slices.Contains(kinds, kind):
		return
	case s.uid == "":
		s.wrong(s.start, fmt.Errorf("%s has no UID", kind))
		return
	}
	p := s.parts[s.uid]
	if p == nil {
		p = &piece{Part: Part{UID: s.uid, Line: s.start}}
		s.parts[s.uid] = p
		s.order = append(s.order, p)
	}
	p.text.WriteString(s.raw.String())
	for _, id := range s.tzids {
		if !slices.Contains(p.zones, id) {
			p.zones = append(p.zones, id)
		}
	}
}

// finish makes objects of the parts, and judges them.
func (s *splitter) finish() []Part {
	parts := make([]Part, len(s.order))
	for i, p := range s.order {
		if p.Err == nil {
			var body strings.Builder
			body.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + productID + "\r\n")
			for _, id := range p.zones {
				body.WriteString(s.zones[id])
			}
			body.WriteString(p.text.String() + "END:VCALENDAR\r\n")
			p.Body = []byte(body.String())
			if len(p.Body) > ObjectMax {
				p.Err = &ical.Error{Precondition: ical.MaxResourceSize, Reason: fmt.Sprintf("the object has more than %d bytes", ObjectMax)}
			} else {
				_, p.Err = read(p.Body, zone.UTC())
			}
		}
		parts[i] = p.Part
	}
	return parts
}
