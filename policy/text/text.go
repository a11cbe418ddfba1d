// Package text is the grammar of a policy as text: lines that people read, keep
// in git and compare. It reads them into statements, writes statements as lines,
// and tells in which words two statements differ. What a statement means for a
// policy is told elsewhere: this package holds no store, no state and does no
// I/O.
//
//	davit-policy 1
//
//	group staff
//	level Finance group:staff editor
//	acl /Finance/HR group:staff deny=write class=mobile
//
// Every statement has one canonical form, so equal policies are equal bytes.
package text

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Version is the newest form of the text that this package reads and writes.
const Version = 1

// What one text may hold.
const (
	SizeMax       = 32 << 20 // bytes
	LineMax       = 32 << 10 // bytes of one line
	StatementsMax = 1 << 20
)

// opening begins the first line.
const opening = "davit-policy"

// A File is a policy, or a part of one, as statements.
type File struct {
	// Complete: what the file does not mention is not there.
	Complete   bool
	Statements []Statement
	// Remarks are written at the end as comments, and not read back.
	Remarks []string
}

// Parse reads a text whole or not at all. Its error is a *Faults.
func Parse(text []byte) (File, error) {
	p := parser{seen: map[string]int{}}
	p.read(text)
	if err := p.faults.Err(); err != nil {
		return File{}, err
	}
	return p.file, nil
}

type parser struct {
	file   File
	seen   map[string]int // the line of a statement, by kind and key
	faults Faults
}

func (p *parser) read(text []byte) {
	if len(text) > SizeMax {
		p.faults.Add(0, "the text has more than %d bytes", SizeMax)
		return
	}
	number := 0
	for raw := range bytes.Lines(text) {
		number++
		line, err := checkLine(string(bytes.TrimSuffix(raw, []byte("\n"))))
		switch {
		case err != nil:
			p.faults.Add(number, "%s", err)
		case number == 1:
			err = checkOpening(line)
			p.faults.note(number, err)
		default:
			p.line(number, line)
		}
		if err != nil && number == 1 || len(p.file.Statements) > StatementsMax {
			break // the rest cannot be judged
		}
	}
	switch {
	case number == 0:
		p.faults.Add(1, "the text is empty; begin it with: %s %d", opening, Version)
	case len(p.file.Statements) > StatementsMax:
		p.faults.Add(number, "more than %d statements", StatementsMax)
	}
}

func checkLine(line string) (string, error) {
	switch {
	case strings.HasPrefix(line, "\ufeff"):
		return "", fmt.Errorf("begins with a byte order mark; save the text as UTF-8 without one")
	case len(line) > LineMax:
		return "", fmt.Errorf("longer than %d bytes", LineMax)
	case !utf8.ValidString(line):
		return "", fmt.Errorf("not valid UTF-8")
	case strings.HasSuffix(line, "\r"):
		return "", fmt.Errorf("ends in CR LF; save the text with LF alone")
	case strings.ContainsFunc(line, func(c rune) bool { return c != '\t' && unicode.IsControl(c) }):
		return "", fmt.Errorf("holds a control character")
	}
	return line, nil
}

func checkOpening(line string) error {
	word, number, _ := strings.Cut(strings.TrimSpace(line), " ")
	version, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
	switch {
	case word != opening || err != nil || version == 0:
		return fmt.Errorf("begin the text with: %s %d", opening, Version)
	case version > Version:
		return fmt.Errorf("%s %d was written by a newer davit; this one reads up to %d", opening, version, Version)
	}
	return nil
}

func (p *parser) line(number int, line string) {
	tokens, err := split(line)
	if err != nil || len(tokens) == 0 {
		p.faults.note(number, err)
		return
	}
	kind := kindNamed(tokens[0])
	if kind == nil {
		p.faults.Add(number, "no statement %q (statements: %s)", clip(tokens[0].text), kindNames())
		return
	}
	s, err := kind.parse(tokens[1:])
	if err != nil {
		p.faults.note(number, err)
		return
	}
	s.Line = number
	id := kind.Name + "\x00" + s.Key()
	if first := p.seen[id]; first != 0 {
		p.faults.Add(number, "%s stands in line %d already", clip(s.Subject()), first)
		return
	}
	p.seen[id] = number
	if kind == Complete {
		p.file.Complete = true
		return
	}
	p.file.Statements = append(p.file.Statements, s)
}

// Format writes a file in its canonical form: kinds in their order, and
// statements of a kind by what they are about.
func Format(f File) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %d\n", opening, Version)
	if f.Complete {
		fmt.Fprintf(&b, "\n%s\n", Complete.Name)
	}
	type keyed struct {
		*Statement
		rank int
		key  string
	}
	lines := make([]keyed, len(f.Statements))
	for i := range f.Statements {
		s := &f.Statements[i]
		lines[i] = keyed{s, slices.Index(Kinds, s.Kind), s.Key()}
	}
	slices.SortStableFunc(lines, func(a, b keyed) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return strings.Compare(a.key, b.key)
	})
	for i, l := range lines {
		if i == 0 || l.rank != lines[i-1].rank {
			b.WriteByte('\n')
		}
		b.WriteString(l.String())
		b.WriteByte('\n')
	}
	for i, remark := range f.Remarks {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "# %s\n", remark)
	}
	return b.Bytes()
}
