package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A report is a run in figures, as --json prints it.
type report struct {
	Command string    `json:"command"`
	Time    time.Time `json:"time"`
	Go      string    `json:"go"`
	System  string    `json:"system"`
	Cores   int       `json:"cores"`
	Rounds  int       `json:"rounds"`
	Quick   bool      `json:"quick"` // the figures mean nothing
	Rows    []row     `json:"rows"`
	Notes   []string  `json:"notes"` // about the servers
	// Yardstick is the server that the others are compared with.
	Yardstick string   `json:"yardstick"`
	Durable   []string `json:"durable"` // servers whose PUT is on the disk when answered
	Lazy      []string `json:"lazy"`    // those whose is not
	Absent    []string `json:"absent,omitempty"`
}

// A row is one workload on one server, or one other figure about a server.
type row struct {
	Workload   string  `json:"workload"`
	Server     string  `json:"server"`
	Unit       string  `json:"unit"`
	Median     float64 `json:"median"`
	Min        float64 `json:"min"`
	Max        float64 `json:"max"`
	TimesNaive float64 `json:"timesNaive,omitempty"` // how many times as fast
	CPU        float64 `json:"cpuMicroseconds,omitempty"`
	Operations int     `json:"operations,omitempty"`
	Bar        string  `json:"bar,omitempty"`
	Met        string  `json:"met,omitempty"` // yes, no, or empty: not judged
	Wrong      int     `json:"wrong,omitempty"`
	FirstWrong string  `json:"firstWrong,omitempty"`
	Failed     string  `json:"failed,omitempty"`
}

// Bars for memory, in MiB.
const (
	idleMemoryMax = 40
	peakMemoryMax = 150
)

func newReport(o options, res *results) report {
	rep := report{
		Command: o.command, Time: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(),
		Rounds: o.rounds, Quick: !o.scale.judged, Absent: res.absent, Notes: o.contest.notes, Yardstick: res.servers[0].name,
	}
	for _, s := range res.servers {
		if s.durable {
			rep.Durable = append(rep.Durable, s.name)
		} else {
			rep.Lazy = append(rep.Lazy, s.name)
		}
	}
	for _, r := range res.rows {
		rep.Rows = append(rep.Rows, r.rows(o.scale.judged)...)
	}
	floor := row{Workload: "floor: write 1 KiB + fdatasync", Server: "this disk", Unit: perMilli.name}
	floor.spread(res.floor, perMilli)
	rep.Rows = append(rep.Rows, floor)
	for i, s := range res.servers {
		rep.Rows = append(rep.Rows,
			memoryRow("memory, idle", s, s.idleMemory, idleMemoryMax, o.scale.judged),
			memoryRow("memory, own", s, res.own[i], peakMemoryMax, o.scale.judged),
			memoryRow("memory, peak with the mapped database", s, res.peak[i], 0, false))
	}
	return rep
}

// rows compares each server's median with the first one's.
func (r result) rows(judged bool) []row {
	var rows []row
	var medians []time.Duration
	var yardstick float64
	for i, rec := range r.records {
		out := row{
			Workload: r.workload.name, Server: rec.server.name, Unit: r.workload.unit.name,
			Wrong: rec.wrong, FirstWrong: rec.example,
		}
		if rec.failed != nil {
			out.Failed = rec.failed.Error()
		}
		var per []time.Duration
		var cpu time.Duration
		for _, s := range rec.samples {
			if s.operations > 0 {
				per = append(per, s.elapsed/time.Duration(s.operations))
				cpu += s.cpu
				out.Operations += s.operations
			}
		}
		if len(per) > 0 {
			out.spread(per, r.workload.unit)
			out.CPU = float64(cpu.Microseconds()) / float64(out.Operations)
			if i == 0 {
				yardstick = out.Median
			}
			out.TimesNaive = times(r.workload.unit, out.Median, yardstick)
		}
		rows, medians = append(rows, out), append(medians, median(per))
	}
	bar := r.workload.bar.beside(rows)
	for i, rec := range r.records {
		if rec.server.held {
			rows[i].Bar = bar.String()
			if judged {
				rows[i].Met = bar.judge(rows[i], medians[i])
			}
		}
	}
	return rows
}

// beside is the bar that counts beside those servers: without Apache's figure a
// bar set by it is the one set by naive's.
func (b bar) beside(rows []row) bar {
	for _, r := range rows {
		if r.Server == "apache" && r.TimesNaive > 0 && b.apache > 0 {
			return bar{naive: b.apache * r.TimesNaive, apache: b.apache}
		}
	}
	b.apache = 0
	return b
}

// spread fills in the median and the extremes of the times.
func (r *row) spread(per []time.Duration, u unit) {
	r.Median = u.figure(median(per))
	r.Min, r.Max = u.figure(slices.Min(per)), u.figure(slices.Max(per))
	if r.Min > r.Max {
		r.Min, r.Max = r.Max, r.Min
	}
}

// times is how many times as fast as the yardstick, which may be missing.
func times(u unit, figure, yardstick float64) float64 {
	switch {
	case yardstick == 0:
		return 0
	case u.slower:
		return yardstick / figure
	}
	return figure / yardstick
}

// judge says whether a row meets the bar. Wrong answers never do; without the
// yardstick a ratio cannot be judged.
func (b bar) judge(r row, per time.Duration) string {
	var met bool
	switch {
	case b == bar{}:
		return ""
	case r.Failed != "" || r.Wrong > 0 || per == 0:
		met = false
	case b.processor > 0:
		met = r.CPU <= float64(b.processor.Microseconds())
	case b.naive > 0 && r.TimesNaive == 0:
		return ""
	case b.naive > 0:
		met = r.TimesNaive >= b.naive
	default:
		met = per <= b.atMost
	}
	return yesNo(met)
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// median of an even number is the mean of the middle two; of none it is zero.
func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	d = slices.Sorted(slices.Values(d))
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}

func memoryRow(name string, s *server, bytes int64, barMiB float64, judged bool) row {
	mib := float64(bytes) / (1 << 20)
	r := row{Workload: name, Server: s.name, Unit: "MiB", Median: mib, Min: mib, Max: mib}
	if s.held && barMiB > 0 {
		r.Bar = fmt.Sprintf("<= %.0f MiB", barMiB)
		if judged && bytes > 0 {
			r.Met = yesNo(mib <= barMiB)
		}
	}
	return r
}

// publish prints the report and writes the file that was asked for.
func publish(rep report, o options, stdout io.Writer) error {
	if o.markdown != "" {
		if err := intoPage(o.markdown, o.contest.place, rep.markdown()); err != nil {
			return err
		}
	}
	if o.json {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(rep)
	}
	_, err := io.WriteString(stdout, rep.text())
	return err
}

// intoPage puts text into its place in a page, between two comments of that
// name, or at the end of a page that has no such place.
func intoPage(name, place, text string) error {
	begin, end := "<!-- begin "+place+" -->\n", "<!-- end "+place+" -->\n"
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	before, rest, found := strings.Cut(string(old), begin)
	_, after, closed := strings.Cut(rest, end)
	if found && !closed {
		return fmt.Errorf("%s: %q has no end", name, strings.TrimSpace(begin))
	}
	return os.WriteFile(name, []byte(before+begin+text+end+after), 0o644)
}

// columns are the heads of the cells.
func (rep report) columns() []string {
	return []string{"workload", "server", "unit", "median", "min", "max", "x " + rep.Yardstick, "CPU/op", "bar", "met"}
}

// cells are a row as people read it.
func (r row) cells() []string {
	c := []string{r.Workload, r.Server, r.Unit, "-", "-", "-", "", "", r.Bar, r.Met}
	if r.Median > 0 {
		c[3], c[4], c[5] = figure(r.Median), figure(r.Min), figure(r.Max)
	}
	if r.TimesNaive > 0 {
		c[6] = figure(r.TimesNaive)
	}
	if r.CPU > 0 {
		c[7] = time.Duration(r.CPU * float64(time.Microsecond)).Round(time.Microsecond).String()
	}
	return c
}

// figure gives three digits, and all of those before the point.
func figure(f float64) string {
	if f == 0 || math.IsInf(f, 0) {
		return fmt.Sprint(f)
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(f)))))
	return fmt.Sprintf("%.*f", digits, f)
}

// notes are what a reader of the table has to know.
func (rep report) notes() []string {
	notes := []string{fmt.Sprintf("command: %s; %s; %s, %s; %s interleaved after a warm-up", rep.Command, rep.Go,
		rep.System, plural(rep.Cores, "core"), plural(rep.Rounds, "round"))}
	if rep.Quick {
		notes = append(notes, "--quick: a smoke test, bars are not judged and figures mean nothing")
	}
	notes = append(notes,
		fmt.Sprintf("x %[1]s: how many times as fast as %[1]s, from the medians; CPU/op: the user and system time of the server's processes", rep.Yardstick))
	notes = append(append(notes, rep.Notes...), "a PUT survives a power cut once answered: "+list(rep.Durable)+"; it does not: "+list(rep.Lazy))
	if len(rep.Absent) > 0 {
		notes = append(notes, "absent: "+list(rep.Absent))
	}
	for _, r := range rep.Rows {
		if r.Wrong > 0 {
			notes = append(notes, fmt.Sprintf("%s, %s: %s, first: %s", r.Workload, r.Server, plural(r.Wrong, "wrong answer"), r.FirstWrong))
		}
		if r.Failed != "" {
			notes = append(notes, fmt.Sprintf("%s, %s: failed: %s", r.Workload, r.Server, r.Failed))
		}
	}
	return notes
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// text is the table for a terminal.
func (rep report) text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(rep.columns(), "\t"))
	for _, r := range rep.Rows {
		fmt.Fprintln(w, strings.Join(r.cells(), "\t"))
	}
	w.Flush() // into memory: it cannot fail
	b.WriteByte('\n')
	for _, n := range rep.notes() {
		fmt.Fprintln(&b, n)
	}
	return b.String()
}

// markdown is the same for a page.
func (rep report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s.\n\n| %s |\n|%s\n", rep.Time.Format(time.DateOnly), strings.Join(rep.columns(), " | "),
		strings.Repeat("---|", len(rep.columns())))
	escape := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, r := range rep.Rows {
		cells := r.cells()
		for i := range cells {
			cells[i] = escape.Replace(cells[i])
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	b.WriteByte('\n')
	for _, n := range rep.notes() {
		fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(n, "\n", " "))
	}
	return b.String()
}
