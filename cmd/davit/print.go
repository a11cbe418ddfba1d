package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"davit/policy"
)

// print shows a result: as JSON for programs, by text for people.
func (g *global) print(result any, text func(*printer)) error {
	if g.json {
		e := json.NewEncoder(g.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(result)
	}
	p := &printer{w: tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)}
	text(p)
	if err := p.w.Flush(); err != nil {
		return err
	}
	return p.err
}

// printer writes lines and aligned columns.
type printer struct {
	w   *tabwriter.Writer
	err error
}

// line writes one line of text.
func (p *printer) line(format string, a ...any) { p.put(fmt.Sprintf(format, a...)) }

// row writes one line of columns; an empty one is a dash.
func (p *printer) row(columns ...string) {
	for i, c := range columns {
		if c == "" {
			columns[i] = "-"
		}
	}
	p.put(strings.Join(columns, "\t"))
}

// field writes one name and value, unless the value is empty.
func (p *printer) field(name, value string) {
	if value != "" {
		p.put(name + "\t" + value)
	}
}

func (p *printer) put(line string) {
	if _, err := fmt.Fprintln(p.w, line); err != nil && p.err == nil {
		p.err = err
	}
}

// size is a number of bytes for people: "1.5 MB".
func size(bytes int64) string {
	const (
		step  = 1000
		round = step - 0.05 // is shown as a whole step
		units = "KMGTPE"
	)
	if bytes < step {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	value, unit := float64(bytes)/step, 0
	for value >= round && unit < len(units)-1 {
		value /= step
		unit++
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit:unit+1] + "B"
}

// counted is a number and what it counts: "1 file", "2 files".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// rights is a set as people write it, empty for none.
func rights(r policy.Rights) string {
	if r == 0 {
		return ""
	}
	return r.String()
}

// list joins names.
func list(names []string) string { return strings.Join(names, ", ") }

// momentForm is how people read a time, in their own zone.
const momentForm = "2006-01-02 15:04"

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.Local().Format(momentForm)
}

// momentForms are how people write one.
var momentForms = []string{time.DateOnly, "2006-01-02T15:04", time.RFC3339}

// parseMoment reads a date, a date and time, or how long from now: "90d", "12h".
func parseMoment(text string, now time.Time) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			t := now.AddDate(0, 0, int(n))
			return &t, nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		t := now.Add(d)
		return &t, nil
	}
	for _, form := range momentForms {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return &t, nil
		}
	}
	return nil, fmt.Errorf("no time %q: write 2027-01-31, 2027-01-31T18:00, or 90d from now", text)
}
