package ical

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	model "github.com/emersion/go-ical"
)

// whole wraps lines in a calendar.
func whole(lines string) string { return "BEGIN:VCALENDAR\r\n" + lines + "\r\nEND:VCALENDAR\r\n" }

func decode(t testing.TB, text string) *Object {
	t.Helper()
	obj, err := Decode([]byte(text))
	if err != nil {
		t.Fatalf("%v in %.200q", err, text)
	}
	return obj
}

// What clients write and harms nobody is read.
func TestDecodeAccepts(t *testing.T) {
	for what, text := range map[string]string{
		"a byte order mark":            "\uFEFF" + whole("BEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT"),
		"bare line feeds":              "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR",
		"small letters":                "begin:vcalendar\nbegin:vevent\nsummary:x\nend:vevent\nend:vcalendar\n",
		"empty lines":                  "\n" + whole("\r\nBEGIN:VEVENT\r\n\r\nSUMMARY:x\r\nEND:VEVENT") + "\n \n\n",
		"folds":                        whole("BEGIN:VEVENT\r\nSUM\r\n MARY\r\n\t:x\r\nEND:VEVENT"),
		"white space at the end":       whole("BEGIN:VEVENT \r\nSUMMARY:x\r\nEND:VEVENT\t"),
		"a component within an event":  whole("BEGIN:VEVENT\r\nSUMMARY:x\r\nBEGIN:X-PART\r\nA:b\r\nEND:X-PART\r\nEND:VEVENT"),
		"parameters without a meaning": whole("BEGIN:VEVENT\r\nSUMMARY;X-A=1,\"2;,:\";X-A=3;LANGUAGE=:x\r\nEND:VEVENT"),
	} {
		obj, err := Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		event := obj.Calendar.Children[0]
		if summary := event.Props.Get("SUMMARY"); event.Name != "VEVENT" || summary == nil || summary.Value != "x" {
			t.Errorf("%s: %+v", what, event)
		}
		written := ""
		for _, line := range obj.Lines {
			written += line.Text
		}
		if squeeze(written) != squeeze(strings.TrimPrefix(text, "\uFEFF")) {
			t.Errorf("%s: the lines are not what was written: %q", what, written)
		}
	}
}

// squeeze drops empty lines.
func squeeze(s string) string {
	var kept []string
	for line := range strings.SplitAfterSeq(s, "\n") {
		if strings.TrimSpace(line) != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// A fold may cut a character in two: RFC 5545, section 3.1.
func TestDecodeJoinsCutCharacters(t *testing.T) {
	obj := decode(t, whole("SUMMARY:gr\xc3\r\n \xbcn"))
	if got := obj.Calendar.Props.Get("SUMMARY").Value; got != "grün" {
		t.Errorf("got %q", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	nested := func(n int) string {
		return whole(strings.Repeat("BEGIN:A\r\n", n) + strings.Repeat("END:A\r\n", n))
	}
	if _, err := Decode([]byte(nested(NestingMax - 1))); err != nil {
		t.Errorf("%d components: %v", NestingMax, err)
	}
	for _, c := range []struct {
		text, precondition string
		line               int
	}{
		{"", ValidCalendarData, 0},
		{"BEGIN:VCALENDAR\r\n", ValidCalendarData, 1},
		{"BEGIN:VEVENT\r\nEND:VEVENT", ValidCalendarData, 1},
		{"SUMMARY:x", ValidCalendarData, 1},
		{whole("A:b\r\nno colon"), ValidCalendarData, 3},
		{whole("X;A=b"), ValidCalendarData, 2},
		{whole("X;A"), ValidCalendarData, 2},
		{whole("X;A="), ValidCalendarData, 2},
		{whole("X;A=b,"), ValidCalendarData, 2},
		{whole(`X;A="b`), ValidCalendarData, 2},
		{whole(`X;A="b"c:d`), ValidCalendarData, 2},
		{whole(`X;A="b"`), ValidCalendarData, 2},
		{whole(`X;A=b"c":d`), ValidCalendarData, 2},
		{whole(`X;=b:d`), ValidCalendarData, 2},
		{whole(`;A=b:d`), ValidCalendarData, 2},
		{whole(`:d`), ValidCalendarData, 2},
		{whole(`A B:d`), ValidCalendarData, 2},
		{whole("Ä:d"), ValidCalendarData, 2},
		{whole(strings.Repeat("A", NameMax+1) + ":d"), ValidCalendarData, 2},
		{whole("X;A=" + strings.Repeat("b", ParamsMax) + ":d"), ValidCalendarData, 2},
		{whole("A:b\r\nSUMMARY:\x00"), ValidCalendarData, 3},
		{whole("SUMMARY:\x1b"), ValidCalendarData, 2},
		{whole("SUMMARY:\x7f"), ValidCalendarData, 2},
		{whole("SUMMARY:a\rb"), ValidCalendarData, 2},
		{whole("SUMMARY:\xff"), ValidCalendarData, 2},
		{whole("SUMMARY:\uFFFE"), ValidCalendarData, 2},
		{whole("BEGIN:"), ValidCalendarData, 2},
		{whole("BEGIN:VEVENT"), ValidCalendarData, 3},
		{whole("END:VEVENT"), ValidCalendarData, 2},
		{whole("BEGIN:VEVENT\r\nA:\r\n  b\r\nEND:VTODO"), ValidCalendarData, 5},
		{nested(NestingMax), ValidCalendarData, NestingMax + 1},
		{whole("A:b") + whole("A:b"), ValidCalendarObjectResource, 4},
		{whole("A:b") + "A:b", ValidCalendarData, 4},
		{strings.Repeat("A", SizeMax+1), MaxResourceSize, 0},
		{whole(strings.Repeat("A:\n", LinesMax)), ValidCalendarData, LinesMax + 1},
	} {
		_, err := Decode([]byte(c.text))
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Precondition != c.precondition || wrong.Line != c.line {
			t.Errorf("%.80q: %+v, want line %d, %s", c.text, err, c.line, c.precondition)
		}
	}
}

// What costs other readers minutes is read or refused in time and memory that grow
// with its size, and not faster.
func TestDecodeHostile(t *testing.T) {
	for what, text := range map[string]string{
		"a parameter of a megabyte":     whole("X;A=" + strings.Repeat("b", 1<<20) + ":c"),
		"a quoted one":                  whole(`X;A="` + strings.Repeat("b", 1<<20) + `":c`),
		"a million parameter values":    whole("X;A=" + strings.Repeat("b,", 1<<20) + ":c"),
		"a value of megabytes, folded":  whole("X:" + strings.Repeat("bbbb\r\n ", 1<<20)),
		"10,000 components in another":  whole(strings.Repeat("BEGIN:A\r\n", 10_000) + strings.Repeat("END:A\r\n", 10_000)),
		"components beside one another": whole(strings.Repeat("BEGIN:A\nEND:A\n", SizeMax/14-10)),
		"lines":                         whole(strings.Repeat("A:\n", SizeMax/3-20)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := Decode([]byte(text))
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		// Memory does not depend on the load of the machine, so it is what is held.
		per := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text))
		if per > 16 {
			t.Errorf("%s: %.1f bytes allocated for one read", what, per)
		}
		t.Logf("%s, %d bytes: %v, %.1f bytes for one read: %v", what, len(text), took, per, err)
	}
}

// go-ical reads what Decode has let through to the same model.
func TestDecodeAgrees(t *testing.T) {
	for _, text := range samples(t) {
		agree(t, text)
	}
}

func samples(t testing.TB) (texts []string) {
	files, err := filepath.Glob("testdata/*.ics")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data))
	}
	return texts
}

// agree compares the model with that of go-ical, where go-ical can read the text.
func agree(t testing.TB, text string) {
	t.Helper()
	obj, err := Decode([]byte(text))
	if err != nil || strings.Contains(text, "\uFEFF") {
		return
	}
	peer, err := model.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil || spaced(peer.Component) {
		return
	}
	if got, want := fmt.Sprint(flat(obj.Calendar)), fmt.Sprint(flat(peer.Component)); got != want {
		t.Errorf("%q\n got %s\nwant %s", text, got, want)
	}
}

// spaced tells whether a name has white space around it, which only go-ical keeps.
func spaced(c *Component) bool {
	if c.Name != name(c.Name) || slices.ContainsFunc(c.Children, spaced) {
		return true
	}
	for key, props := range c.Props {
		for _, p := range props {
			for param := range p.Params {
				if param != name(param) {
					return true
				}
			}
		}
		if key != name(key) {
			return true
		}
	}
	return false
}

// flat writes a component without its pointers.
func flat(c *Component) string {
	s := fmt.Sprintf("%s %v", c.Name, c.Props)
	for _, child := range c.Children {
		s += "{" + flat(child) + "}"
	}
	return s
}

func TestResource(t *testing.T) {
	event := func(lines ...string) string {
		return "BEGIN:VEVENT\r\nDTSTART:20260101T000000Z\r\n" + strings.Join(append(lines, "END:VEVENT"), "\r\n")
	}
	for _, c := range []struct{ text, precondition string }{
		{event("UID:a"), ""},
		{"BEGIN:VTIMEZONE\r\nTZID:x\r\nEND:VTIMEZONE\r\n" + event("UID:a") + "\r\nBEGIN:X-THING\r\nEND:X-THING", ""},
		{event("UID:a") + "\r\n" + event("UID:a", "RECURRENCE-ID:20260101T000000Z"), ""},
		{event("UID:a", "RECURRENCE-ID:20260101T000000Z") + "\r\n" + event("UID:a", "RECURRENCE-ID:20260201T000000Z"), ""},
		{"BEGIN:VTODO\r\nUID:a\r\nEND:VTODO", ""},
		{"VERSION:2.0\r\n" + event("UID:a"), ""},
		{"VERSION:1.0\r\n" + event("UID:a"), SupportedCalendarData},
		{"METHOD:REQUEST\r\n" + event("UID:a"), ValidCalendarObjectResource},
		{event("UID:a") + "\r\n" + event("UID:a"), ValidCalendarObjectResource},
		{event("UID:a") + "\r\n" + event("UID:b", "RECURRENCE-ID:20260101T000000Z"), ValidCalendarObjectResource},
		{event(), ValidCalendarObjectResource},
		{event("UID:"), ValidCalendarObjectResource},
		{event("UID:a", "UID:a"), ValidCalendarObjectResource},
		{event("UID:a") + "\r\nBEGIN:VTODO\r\nUID:a\r\nEND:VTODO", ValidCalendarObjectResource},
		{"BEGIN:VTIMEZONE\r\nTZID:x\r\nEND:VTIMEZONE", ValidCalendarObjectResource},
		{"BEGIN:VEVENT\r\nUID:a\r\nEND:VEVENT", ValidCalendarData},
		{"BEGIN:VJOURNAL\r\nUID:a\r\nEND:VJOURNAL", SupportedCalendarComponent},
	} {
		res, err := decode(t, whole(c.text)).Resource("VEVENT", "VTODO")
		var wrong *Error
		switch {
		case c.precondition == "" && (err != nil || res.UID != "a"):
			t.Errorf("%q: %+v, %v", c.text, res, err)
		case c.precondition != "" && (!errors.As(err, &wrong) || wrong.Precondition != c.precondition || wrong.Line == 0 || wrong.Rule == ""):
			t.Errorf("%q: %+v, want %s", c.text, err, c.precondition)
		}
	}
}

func TestErrorText(t *testing.T) {
	_, err := Decode([]byte(whole("X;A=b")))
	if want := "line 2: the line has no colon (RFC 5545, section 3.1)"; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestParseTime(t *testing.T) {
	for _, c := range []struct {
		value, tzid string
		want        Time
	}{
		{"20260722", "", Time{20656 * Day, DateForm, ""}},
		{"20260722", "Europe/Paris", Time{20656 * Day, DateForm, ""}},
		{"20260722T010203", "", Time{20656*Day + 3723, Floating, ""}},
		{"20260722T010203Z", "Europe/Paris", Time{20656*Day + 3723, UTC, ""}},
		{"20260722t010203z", "", Time{20656*Day + 3723, UTC, ""}},
		{" 20260722T010260 ", "Europe/Paris", Time{20656*Day + 3779, Zoned, "Europe/Paris"}},
		{"00010101", "", Time{WallMin, DateForm, ""}},
		{"99991231T235959", "", Time{WallMax, Floating, ""}},
		{"20240229", "", Time{19782 * Day, DateForm, ""}},
	} {
		got, err := ParseTime(c.value, c.tzid)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.value, got, err)
		}
	}
	for _, bad := range []string{"", "2026", "20260722T", "20260722T0102", "20260722T240000", "20260722T016000", "20260722T010261", "20230229", "20260732", "20261301", "20260001", "2026-07-22", "20260722 010203", "2026072xT010203", "+0260722", "20260722T010203ZZ"} {
		if got, err := ParseTime(bad, ""); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
	var wrong *Error
	if _, err := ParseTime("00000101", ""); !errors.As(err, &wrong) || wrong.Precondition != MinDateTime {
		t.Errorf("the year 0: %v", err)
	}
}

func TestParseDuration(t *testing.T) {
	for value, want := range map[string]Duration{
		"P1D": {1, 0}, "PT1H": {0, 3600}, "P2W": {14, 0}, "P1W2D": {9, 0}, "P1DT2H3M4S": {1, 7384}, "-PT15M": {0, -900}, "+PT0S": {0, 0}, "pt30s": {0, 30}, "-P1DT1S": {-1, -1}, "PT90M": {0, 5400},
	} {
		if got, err := ParseDuration(value); err != nil || got != want {
			t.Errorf("%s: %+v, %v", value, got, err)
		}
	}
	for _, bad := range []string{"", "P", "PT", "P1", "1D", "P1H", "PT1D", "P1D2W", "PT1S1H", "P1DT", "P-1D", "P1D1D", "--PT1S", "P9999999999D", "P999999999D", "PT1.5S", "P1T1H"} {
		if got, err := ParseDuration(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

func TestParsePeriod(t *testing.T) {
	end, err := ParsePeriod("20260101T000000Z/20260101T010000Z", "")
	if err != nil || !end.HasEnd || end.End.Wall-end.Start.Wall != 3600 {
		t.Errorf("%+v, %v", end, err)
	}
	length, err := ParsePeriod("20260101T000000/PT2H", "Europe/Paris")
	if err != nil || length.HasEnd || length.Duration.Seconds != 7200 || length.Start.Zone != "Europe/Paris" {
		t.Errorf("%+v, %v", length, err)
	}
	for _, bad := range []string{"20260101T000000Z", "/", "x/PT1H", "20260101T000000Z/-PT1H", "20260101T000000Z/x"} {
		if got, err := ParsePeriod(bad, ""); err == nil {
			t.Errorf("%q is %+v", bad, got)
		}
	}
}

// Every day of the years that a DATE can write is the day after the one before, and
// goes there and back.
func TestDates(t *testing.T) {
	first := YearMin
	if testing.Short() {
		first = YearMax - 800
	}
	day := DayOf(first, 1, 1)
	for year := first; year <= YearMax; year++ {
		for month := 1; month <= 12; month++ {
			for dom := 1; dom <= MonthDays(year, month); dom++ {
				if DayOf(year, month, dom) != day {
					t.Fatalf("%d-%d-%d is day %d, not %d", year, month, dom, DayOf(year, month, dom), day)
				}
				if y, m, d := Date(day); y != year || m != month || d != dom {
					t.Fatalf("day %d is %d-%d-%d, not %d-%d-%d", day, y, m, d, year, month, dom)
				}
				day++
			}
		}
	}
	if day != WallMax.Day()+1 || DayOf(1970, 1, 1) != 0 || WallMin.Day() != -719162 {
		t.Errorf("it ends with %d", day)
	}
}

func TestLineProp(t *testing.T) {
	obj := decode(t, whole("A:1\r\nBEGIN:VEVENT\r\nA:2\r\nB:3\r\nA:4\r\nEND:VEVENT"))
	var values []string
	for _, line := range obj.Lines {
		if p := line.Prop(); p != nil {
			values = append(values, p.Value)
		}
	}
	if !reflect.DeepEqual(values, []string{"1", "2", "3", "4"}) {
		t.Errorf("got %v", values)
	}
	if wrong := obj.Wrong(obj.Calendar.Children[0], "A", 1, errors.New("no")); wrong.Line != 6 || wrong.Error() != "line 6: A: no" {
		t.Errorf("got %v", wrong)
	}
}

// FuzzDecode holds the guard: whatever comes, it answers, and what it lets through
// go-ical reads alike.
func FuzzDecode(f *testing.F) {
	for _, text := range samples(f) {
		f.Add([]byte(text))
	}
	f.Add([]byte("BEGIN:VCALENDAR\nX;A=\"b\"c:d\nEND:VCALENDAR"))
	f.Add([]byte("begin:vcalendar\n\n x;a=b\r\n ,c:d\rEND:VCALENDAR"))
	f.Fuzz(func(t *testing.T, data []byte) {
		obj, err := Decode(data)
		var wrong *Error
		if err != nil {
			if !errors.As(err, &wrong) || wrong.Precondition == "" || obj != nil {
				t.Fatalf("%v, %v", obj, err)
			}
			return
		}
		if _, err := obj.Resource("VEVENT"); err != nil && !errors.As(err, &wrong) {
			t.Fatal(err)
		}
		safely(func() { agree(t, string(data)) })
	})
}

// safely runs what may panic in go-ical.
func safely(run func()) {
	defer func() { _ = recover() }()
	run()
}

// FuzzValue holds the readers of values to answering, and to reading what they write.
func FuzzValue(f *testing.F) {
	for _, s := range []string{"20260722T010203Z", "00010101", "P1W2DT3H4M5S", "-PT15M", "20260101T000000Z/PT1H"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseTime(s, ""); err == nil {
			if again, err := ParseTime(v.String(), ""); err != nil || again != v {
				t.Errorf("%q is %v and then %v, %v", s, v, again, err)
			}
		}
		if d, err := ParseDuration(s); err == nil && (d.Length() > DurationMax || d.Length() < -DurationMax) {
			t.Errorf("%q is %v", s, d)
		}
		_, _ = ParsePeriod(s, "x")
	})
}

func BenchmarkDecode(b *testing.B) {
	text, err := os.ReadFile("testdata/meeting.ics")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeGoICal(b *testing.B) {
	text, err := os.ReadFile("testdata/meeting.ics")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := model.NewDecoder(strings.NewReader(string(text))).Decode(); err != nil {
			b.Fatal(err)
		}
	}
}
