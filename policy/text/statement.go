package text

import (
	"fmt"
	"slices"
	"strings"
)

// A Statement is one line: a kind, its words and its options.
type Statement struct {
	Line   int // where it was read, 0 if it was not
	Kind   *Kind
	Words  []string // as many as the kind has; an optional one may be empty
	values []value  // by the kind's options
}

// A value is what an option says, if it is written at all.
type value struct {
	text  string
	given bool
}

// Get is what the option says, or what it says when it is not written. It panics
// for an option that the kind does not have.
func (s *Statement) Get(option string) string {
	i := s.Kind.option(option)
	if v := s.values[i]; v.given {
		return v.text
	}
	return s.Kind.Options[i].Default
}

// With is the statement with an option; an empty value is not written.
func (s Statement) With(option, text string) Statement {
	if text == "" {
		return s
	}
	s.values = slices.Clone(s.values)
	s.values[s.Kind.option(option)] = value{text, true}
	return s
}

// Without is the statement as if the option were not written.
func (s Statement) Without(option string) Statement {
	s.values = slices.Clone(s.values)
	s.values[s.Kind.option(option)] = value{}
	return s
}

// Keep takes over from an older statement about the same what this one does not
// write.
func (s Statement) Keep(was *Statement) Statement {
	s.values = slices.Clone(s.values)
	for i, v := range s.values {
		if !v.given && !s.Kind.Options[i].Key {
			s.values[i] = was.values[i]
		}
	}
	return s
}

// Key is the same for statements of a kind about the same thing, and sorts a
// folder before what lies in it.
func (s *Statement) Key() string {
	var b strings.Builder
	for i, w := range s.Kind.Words {
		if w.names() {
			b.WriteString(strings.ReplaceAll(w.Type.folded(s.Words[i]), "/", "\x01"))
			b.WriteByte(0)
		}
	}
	for i, o := range s.Kind.Options {
		if o.Key {
			b.WriteString(o.Type.folded(s.values[i].text))
			b.WriteByte(0)
		}
	}
	return b.String()
}

// Principals are whom the statement names, as in group:staff.
func (s *Statement) Principals() []string {
	var all []string
	for i, w := range s.Kind.Words {
		if w.Type.principal {
			all = append(all, s.Words[i])
		}
	}
	for i, o := range s.Kind.Options {
		if o.Type.principal {
			all = append(all, s.effective(i))
		}
	}
	return all
}

// Subject is what the statement is about, without what it says.
func (s *Statement) Subject() string {
	return s.line(func(w Word) bool { return w.names() }, func(o Option, _ value) bool { return o.Key })
}

// String is the canonical line.
func (s *Statement) String() string {
	return s.line(func(Word) bool { return true }, func(o Option, v value) bool {
		return o.Always || v.given && v.text != o.Default
	})
}

func (s *Statement) line(word func(Word) bool, option func(Option, value) bool) string {
	var b strings.Builder
	b.WriteString(s.Kind.Name)
	for i, w := range s.Kind.Words {
		if text := s.Words[i]; word(w) && !(w.Optional && text == "") {
			b.WriteByte(' ')
			b.WriteString(quote(text))
		}
	}
	for i, o := range s.Kind.Options {
		text := s.Get(o.Name)
		if option(o, s.values[i]) && !(o.Key && text == "") {
			b.WriteString(" " + o.Name + "=" + quoteValue(text))
		}
	}
	return b.String()
}

// Differences tells in which words and options the statement says something else
// than an older one about the same.
func (s *Statement) Differences(was *Statement) []string {
	var all []string
	for i, w := range s.Kind.Words {
		same := w.Type.folded(s.Words[i]) == w.Type.folded(was.Words[i])
		if w.Declares {
			same = s.Words[i] == was.Words[i]
		}
		if !same {
			all = append(all, change(strings.ToLower(w.Name), was.Words[i], s.Words[i]))
		}
	}
	for i, o := range s.Kind.Options {
		from, to := was.effective(i), s.effective(i)
		if o.Type.folded(from) != o.Type.folded(to) {
			all = append(all, change(o.Name, from, to))
		}
	}
	return all
}

func (s *Statement) effective(option int) string { return s.Get(s.Kind.Options[option].Name) }

func change(what, from, to string) string {
	shown := func(text string) string {
		if text == "" {
			return "(nothing)"
		}
		return quoteValue(text)
	}
	return fmt.Sprintf("%s %s -> %s", what, shown(from), shown(to))
}
