package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// rounds are samples of one operation each.
func rounds(took ...time.Duration) []sample {
	var all []sample
	for _, d := range took {
		all = append(all, sample{operations: 1, elapsed: d, cpu: d / 2})
	}
	return all
}

const ms = time.Millisecond

func TestRowsCompareMedians(t *testing.T) {
	naive, davit := &server{name: "naive"}, &server{name: "davit", held: true}
	for _, tc := range []struct {
		name         string
		unit         unit
		median       float64
		min, max     float64
		times        float64
		figureToRead string
	}{
		{"time", perMilli, 20, 10, 90, 2, "20.0"},
		{"rate", perSecond, 50, 1000.0 / 90, 100, 2, "50.0"},
		{"bandwidth", bandwidth(1e6), 50, 1000.0 / 90, 100, 2, "50.0"},
	} {
		r := result{
			workload: workload{name: tc.name, unit: tc.unit, bar: bar{naive: 2}},
			records: []*record{
				{server: naive, samples: rounds(40*ms, 40*ms, 40*ms)},
				{server: davit, samples: rounds(90*ms, 20*ms, 10*ms)},
			},
		}
		rows := r.rows(true)
		near := func(a, b float64) bool { return a > b*0.9999 && a < b*1.0001 }
		got := rows[1]
		if !near(got.Median, tc.median) || !near(got.Min, tc.min) || !near(got.Max, tc.max) || !near(got.TimesNaive, tc.times) {
			t.Errorf("%s: %+v", tc.name, got)
		}
		if got.Met != "yes" || got.Operations != 3 || got.CPU != 20000 || got.cells()[3] != tc.figureToRead {
			t.Errorf("%s: %+v", tc.name, got)
		}
		if rows[0].Bar != "" || rows[0].Met != "" || rows[0].TimesNaive != 1 {
			t.Errorf("the yardstick is judged: %+v", rows[0])
		}
	}
}

func TestBarsAreJudged(t *testing.T) {
	for _, tc := range []struct {
		name string
		bar  bar
		row  row
		per  time.Duration
		met  string
	}{
		{"no bar", bar{}, row{TimesNaive: 9}, ms, ""},
		{"reached", bar{naive: 1.2}, row{TimesNaive: 1.2}, ms, "yes"},
		{"missed", bar{naive: 1.2}, row{TimesNaive: 1.19}, ms, "no"},
		{"no yardstick", bar{naive: 1.2}, row{}, ms, ""},
		{"in time", bar{atMost: 2 * ms}, row{}, 2 * ms, "yes"},
		{"late", bar{atMost: 2 * ms}, row{}, 2*ms + 1, "no"},
		{"wrong", bar{atMost: 2 * ms}, row{Wrong: 1}, ms, "no"},
		{"failed", bar{atMost: 2 * ms}, row{Failed: "x"}, ms, "no"},
		{"nothing right", bar{atMost: 2 * ms}, row{}, 0, "no"},
	} {
		if met := tc.bar.judge(tc.row, tc.per); met != tc.met {
			t.Errorf("%s: %q", tc.name, met)
		}
	}
}

// TestBarsBesideApache: a bar set by Apache needs it in the table, and takes the
// one set by naive where it is missing.
func TestBarsBesideApache(t *testing.T) {
	r := result{
		workload: workload{unit: perMilli, bar: bar{naive: 0.4, apache: 1.5}},
		records: []*record{
			{server: &server{name: "naive"}, samples: rounds(10 * ms)},
			{server: &server{name: "davit", held: true}, samples: rounds(20 * ms)},
			{server: &server{name: "apache"}, samples: rounds(24 * ms)},
		},
	}
	if got := r.rows(true)[1]; got.Bar != ">= 1.5 x apache" || got.Met != "no" {
		t.Errorf("1.2 times as fast as Apache: %+v", got)
	}
	r.records[2].samples = rounds(30 * ms)
	if got := r.rows(true)[1]; got.Met != "yes" {
		t.Errorf("1.5 times as fast as Apache: %+v", got)
	}
	r.records = r.records[:2]
	if got := r.rows(true)[1]; got.Bar != ">= 0.4 x naive" || got.Met != "yes" {
		t.Errorf("without Apache: %+v", got)
	}
}

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		of   []time.Duration
		want time.Duration
	}{
		{nil, 0}, {[]time.Duration{3}, 3}, {[]time.Duration{9, 1, 5}, 5}, {[]time.Duration{8, 1, 9, 4}, 6},
	} {
		if got := median(tc.of); got != tc.want {
			t.Errorf("median of %v is %v", tc.of, got)
		}
	}
}

func TestFigure(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 0.01234: "0.0123", 0.5: "0.500", 1: "1.00", 12.34: "12.3", 123.4: "123", 20512.6: "20513",
	} {
		if got := figure(f); got != want {
			t.Errorf("%v: %s", f, got)
		}
	}
}

func TestReportTellsWhatAReaderNeeds(t *testing.T) {
	naive := &server{name: "naive"}
	davit := &server{name: "davit", held: true, durable: true, idleMemory: 30 << 20}
	res := &results{
		servers: []*server{naive, davit},
		absent:  []string{"nginx (nginx is not installed)"},
		floor:   []time.Duration{ms, 2 * ms, 3 * ms},
		peak:    []int64{0, 400 << 20},
		own:     []int64{0, 200 << 20},
		rows: []result{{
			workload: workload{name: "a|b", unit: perMilli, bar: bar{atMost: ms}},
			records: []*record{
				{server: naive, failed: errors.New("no\nluck")},
				{server: davit, samples: rounds(ms), wrong: 2, example: "it lied"},
			},
		}},
	}
	if err := res.verdict(); err == nil || !strings.Contains(err.Error(), "2 wrong answers, first: it lied") ||
		!strings.Contains(err.Error(), "a|b on naive: no\nluck") {
		t.Errorf("verdict: %v", err)
	}
	tolerated := &results{rows: []result{{records: []*record{{server: naive, wrong: 1}}}}}
	if err := tolerated.verdict(); err != nil {
		t.Errorf("the yardstick's mistakes fail the run: %v", err)
	}
	rep := newReport(options{command: "go run ./bench", contest: &fileContest, rounds: 1, scale: full}, res)
	text, page := rep.text(), rep.markdown()
	for _, want := range []string{
		"go run ./bench", "1 round interleaved", "once answered: davit; it does not: naive", "core",
		"davit: 2 wrong answers, first: it lied", "absent: nginx (nginx is not installed)",
	} {
		if !strings.Contains(text, want) || !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s\n%s", want, text, page)
		}
	}
	for _, want := range []string{
		`| a\|b | naive | ms | - | - | - |  |  |  |  |`,
		`| a\|b | davit | ms | 1.00 | 1.00 | 1.00 |  | 500µs | <= 1ms | no |`,
		"| floor: write 1 KiB + fdatasync | this disk | ms | 2.00 | 1.00 | 3.00 |",
		"| memory, idle | davit | MiB | 30.0 | 30.0 | 30.0 |  |  | <= 40 MiB | yes |",
		"| memory, own | davit | MiB | 200 | 200 | 200 |  |  | <= 150 MiB | no |",
		"| memory, peak with the mapped database | davit | MiB | 400 | 400 | 400 |  |  |  |  |",
		"- a|b, naive: failed: no luck\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	if quick := newReport(options{contest: &fileContest, rounds: 1, scale: small}, res); strings.Contains(quick.markdown(), "| no |") {
		t.Errorf("a quick run is judged:\n%s", quick.markdown())
	}
}
