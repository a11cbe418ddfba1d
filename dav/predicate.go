package dav

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"davit/dav/wire"
	"davit/policy"
)

// A truth is the answer of a predicate. RFC 5323, section 5.5.1
type truth int

const (
	no truth = iota - 1
	unknown
	yes
)

func truthOf(is bool) truth {
	if is {
		return yes
	}
	return no
}

// kindOfValue is what a property holds.
type kindOfValue uint8

const (
	null kindOfValue = iota // the property is not there, or not for the asker
	words
	number // a length in bytes, or a time in Unix seconds
)

// A value is a property of one resource, to be compared.
type value struct {
	kind   kindOfValue
	text   string
	number int64
}

func textValue(text string) value { return value{kind: words, text: text} }

// compare orders two values; what is null comes before all else.
// RFC 5323, section 5.6
func (v value) compare(other value, caseless bool) int {
	a, b := v.text, other.text
	if caseless {
		a, b = policy.Fold(a), policy.Fold(b)
	}
	return cmp.Or(cmp.Compare(v.kind, other.kind), cmp.Compare(v.number, other.number), strings.Compare(a, b))
}

// A searchedProp is a live property that searches compare.
type searchedProp struct {
	wire.SchemaProperty
	value func(*member) value
	parse func(literal string) (int64, error) // of one that is a number
}

var searchedProps = []searchedProp{
	{wire.SchemaProperty{Name: displayName, Type: "string"}, func(m *member) value { return textValue(m.label()) }, nil},
	{wire.SchemaProperty{Name: davName("getcontenttype"), Type: "string"}, func(m *member) value { return textValue(mediaType(&m.Info)) }, nil},
	{wire.SchemaProperty{Name: davName("getetag"), Type: "string"}, func(m *member) value { return textValue(m.ETag()) }, nil},
	{wire.SchemaProperty{Name: davName("getcontentlength"), Type: "nonNegativeInteger"}, func(m *member) value { return value{kind: number, number: m.Size} }, parseLength},
	{wire.SchemaProperty{Name: davName("getlastmodified"), Type: "dateTime"}, func(m *member) value { return value{kind: number, number: m.Modified.Unix()} }, parseTime},
	{wire.SchemaProperty{Name: davName("creationdate"), Type: "dateTime"}, func(m *member) value { return value{kind: number, number: m.Created.Unix()} }, parseTime},
}

// schema is what a query-schema tells of them.
var schema = func() (props []wire.SchemaProperty) {
	for i := range searchedProps {
		props = append(props, searchedProps[i].SchemaProperty)
	}
	return props
}()

func parseLength(literal string) (int64, error) { return strconv.ParseInt(literal, 10, 64) }

// parseTime reads a time of either form that properties have.
func parseTime(literal string) (int64, error) {
	t, err := time.Parse(time.RFC3339, literal)
	if err != nil {
		t, err = http.ParseTime(literal)
	}
	return t.Unix(), err
}

func searchedNamed(name xml.Name) *searchedProp {
	for i := range searchedProps {
		if searchedProps[i].Name == name {
			return &searchedProps[i]
		}
	}
	return nil
}

// wantProp asks the store for what a property needs.
func (q *searching) wantProp(name xml.Name) {
	if name != (xml.Name{}) && (liveByName[name] == nil || name == displayName) {
		q.want.Props = true
	}
}

// value is a property of a resource, as far as PROPFIND would tell it.
func (q *searching) value(name xml.Name, m *member) value {
	for i := range m.Props {
		if p := &m.Props[i]; propName(p) == name {
			q.steps -= len(p.Value)
			return textValue(wire.InnerText(propValue(p, m)))
		}
	}
	live := liveByName[name]
	if p := searchedNamed(name); p != nil && live.has(m) {
		return p.value(m)
	}
	return value{}
}

// defined tells whether a resource has a property. RFC 5323, section 5.11
func (q *searching) defined(name xml.Name, m *member) bool {
	if live := liveByName[name]; live != nil && live.has(m) && live.needs&^m.Held == 0 {
		return true
	}
	return q.value(name, m).kind != null
}

// holds judges a predicate of a resource.
func (q *searching) holds(p *wire.Predicate, m *member) truth {
	switch p.Kind {
	case wire.And:
		all := yes
		for i := range p.Of {
			all = min(all, q.holds(&p.Of[i], m))
		}
		return all
	case wire.Or:
		any := no
		for i := range p.Of {
			any = max(any, q.holds(&p.Of[i], m))
		}
		return any
	case wire.Not:
		return -q.holds(&p.Of[0], m)
	case wire.IsCollection:
		return truthOf(m.Dir)
	case wire.IsDefined:
		return truthOf(q.defined(p.Prop, m))
	case wire.Like:
		return q.like(p, q.value(p.Prop, m))
	}
	return compared(p, q.value(p.Prop, m))
}

// compared judges a comparison. A literal that is none of the property's type
// makes it unknown. RFC 5323, section 5.5.2
func compared(p *wire.Predicate, v value) truth {
	if v.kind == null {
		return unknown
	}
	want := textValue(p.Literal)
	if v.kind == number {
		n, err := searchedNamed(p.Prop).parse(strings.TrimSpace(p.Literal))
		if err != nil {
			return unknown
		}
		want = value{kind: number, number: n}
	}
	c := v.compare(want, p.Caseless)
	switch p.Kind {
	case wire.Less:
		return truthOf(c < 0)
	case wire.LessOrEqual:
		return truthOf(c <= 0)
	case wire.Greater:
		return truthOf(c > 0)
	case wire.GreaterOrEqual:
		return truthOf(c >= 0)
	}
	return truthOf(c == 0)
}

// like compares a text with a pattern, in which % stands for any text, _ for one
// character and \ takes the meaning from what follows. RFC 5323, section 5.14
func (q *searching) like(p *wire.Predicate, v value) truth {
	if v.kind != words {
		return unknown
	}
	text, pattern := v.text, p.Literal
	if p.Caseless {
		text, pattern = policy.Fold(text), policy.Fold(pattern)
	}
	// The last % takes in one more character each time what follows does not fit.
	rest, again := "", ""
	open := false
	for text != "" {
		if q.steps--; q.steps < 0 {
			return unknown
		}
		if strings.HasPrefix(pattern, "%") {
			pattern = pattern[1:]
			rest, again, open = text, pattern, true
			continue
		}
		if t, p, fits := step(text, pattern); fits {
			text, pattern = t, p
			continue
		}
		if !open {
			return no
		}
		_, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		text, pattern = rest, again
	}
	return truthOf(strings.Trim(pattern, "%") == "")
}

// step takes one character off a text when a pattern begins with it.
func step(text, pattern string) (string, string, bool) {
	if pattern == "" {
		return "", "", false
	}
	want, n := utf8.DecodeRuneInString(pattern)
	got, size := utf8.DecodeRuneInString(text)
	any := want == '_'
	if want == '\\' && len(pattern) > n {
		pattern = pattern[n:]
		want, n = utf8.DecodeRuneInString(pattern)
	}
	return text[size:], pattern[n:], any || got == want
}
