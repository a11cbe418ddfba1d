package rule

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"

	"davit/caldav/ical"
)

var seedFlag = flag.Uint64("seed", 0, "of the random rules; 0 takes one from the clock")

// wall reads a local time.
func wall(t testing.TB, s string) ical.Wall {
	t.Helper()
	at, err := ical.ParseTime(s, "")
	if err != nil {
		t.Fatal(err)
	}
	return at.Wall
}

func parse(t testing.TB, text string) *Rule {
	t.Helper()
	r, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

// plenty is a budget that no test of what is right needs.
func plenty() *Budget { return &Budget{1_000_000} }

// taken takes instances from an iterator, at most so many.
func taken(it *Iterator, most int) string {
	var texts []string
	for len(texts) < most {
		w, ok := it.Next()
		if !ok {
			break
		}
		texts = append(texts, ical.Time{Wall: w, Form: ical.Floating}.String())
	}
	return strings.Join(texts, " ")
}

func TestParseAccepts(t *testing.T) {
	for text, same := range map[string]string{
		"freq=weekly;byday=mo,-1fr":        "FREQ=WEEKLY;BYDAY=MO,FR",
		"FREQ=DAILY;":                      "FREQ=DAILY",
		";INTERVAL=01;FREQ=DAILY":          "FREQ=DAILY",
		"FREQ=MONTHLY;BYDAY=+1MO":          "FREQ=MONTHLY;BYDAY=1MO",
		"FREQ=DAILY;BYSECOND=60":           "FREQ=DAILY;BYSECOND=59",
		"FREQ=DAILY;RSCALE=GREGORIAN":      "FREQ=DAILY",
		"FREQ=MONTHLY;SKIP=OMIT":           "FREQ=MONTHLY",
		"FREQ=DAILY;X-OURS=1":              "FREQ=DAILY",
		" FREQ=DAILY ":                     "FREQ=DAILY",
		"FREQ=YEARLY;BYWEEKNO=1;BYDAY=2MO": "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO",
	} {
		start := wall(t, "20260105T100000")
		got := taken(parse(t, text).NewIterator(start, ical.WallMax, plenty()), 10)
		if want := taken(parse(t, same).NewIterator(start, ical.WallMax, plenty()), 10); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "COUNT=3", "FREQ=NEVER", "FREQ=", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1", "FREQ=DAILY;COUNT=x",
		"FREQ=DAILY;COUNT=99999999999", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY;UNTIL=00000101", "FREQ=DAILY;WKST=XX", "FREQ=DAILY;FREQ=WEEKLY", "FREQ=DAILY;BYEASTER=1",
		"FREQ=DAILY;BYHOUR=24", "FREQ=DAILY;BYHOUR=-1", "FREQ=DAILY;BYMINUTE=60", "FREQ=DAILY;BYSECOND=61", "FREQ=DAILY;BYMONTH=0", "FREQ=DAILY;BYMONTH=13",
		"FREQ=MONTHLY;BYMONTHDAY=0", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTHDAY=-32", "FREQ=MONTHLY;BYMONTHDAY=", "FREQ=YEARLY;BYYEARDAY=367", "FREQ=YEARLY;BYYEARDAY=0",
		"FREQ=YEARLY;BYWEEKNO=54", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYDAY=54MO", "FREQ=MONTHLY;BYDAY=M", "FREQ=MONTHLY;BYDAY=1", "FREQ=MONTHLY;BYSETPOS=0;BYDAY=MO",
		"FREQ=MONTHLY;SKIP=BACKWARD", "FREQ=MONTHLY;RSCALE=CHINESE", "FREQ=DAILY;NONSENSE", "FREQ=DAILY;" + strings.Repeat("X", TextMax),
		"FREQ=YEARLY;BYYEARDAY=-9223372036854775808",
	} {
		if r, err := Parse(text); err == nil {
			t.Errorf("%.60s is %+v", text, r)
		}
	}
}

// Rules whose parts work together in ways that are easy to get wrong.
func TestIterate(t *testing.T) {
	for _, c := range []struct{ start, rule, want string }{
		{"20260105T100000", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;COUNT=3", "20260105T100000 20261228T100000 20321227T100000"},
		{"20240101T000000", "FREQ=YEARLY;BYWEEKNO=1;COUNT=4", "20240101T000000 20241230T000000 20251229T000000 20270104T000000"},
		{"20260101T000000", "FREQ=YEARLY;BYWEEKNO=-1;WKST=SU;BYDAY=SU;COUNT=3", "20260101T000000 20261227T000000 20271226T000000"},
		{"20260101T000000", "FREQ=YEARLY;BYDAY=-1SU;COUNT=3", "20260101T000000 20261227T000000 20271226T000000"},
		{"20260101T000000", "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3,10;COUNT=4", "20260101T000000 20260329T000000 20261025T000000 20270328T000000"},
		{"20240101T000000", "FREQ=YEARLY;BYYEARDAY=-1,366;COUNT=4", "20240101T000000 20241231T000000 20251231T000000 20261231T000000"},
		{"20240131T000000", "FREQ=MONTHLY;COUNT=4", "20240131T000000 20240331T000000 20240531T000000 20240731T000000"},
		{"20240229T000000", "FREQ=YEARLY;COUNT=3", "20240229T000000 20280229T000000 20320229T000000"},
		{"20960229T000000", "FREQ=YEARLY;COUNT=2", "20960229T000000 21040229T000000"},
		{"20260101T100000", "FREQ=DAILY;BYHOUR=9,17;BYMINUTE=30;BYSETPOS=-1;COUNT=3", "20260101T100000 20260101T173000 20260102T173000"},
		{"20260101T100000", "FREQ=HOURLY;BYMINUTE=0,15,30;BYSETPOS=2;COUNT=3", "20260101T100000 20260101T101500 20260101T111500"},
		{"20260101T100000", "FREQ=HOURLY;INTERVAL=7;BYDAY=MO;COUNT=3", "20260101T100000 20260105T050000 20260105T120000"},
		{"20260101T100000", "FREQ=SECONDLY;INTERVAL=7;BYMINUTE=30;BYHOUR=3;COUNT=3", "20260101T100000 20260102T033000 20260102T033007"},
		{"20260101T100000", "FREQ=MINUTELY;INTERVAL=1440;COUNT=3", "20260101T100000 20260102T100000 20260103T100000"},
		{"20260101T100000", "FREQ=SECONDLY;BYSECOND=7,3;COUNT=4", "20260101T100000 20260101T100003 20260101T100007 20260101T100103"},
		{"20260101T100000", "FREQ=WEEKLY;INTERVAL=2;WKST=FR;BYDAY=TH,FR;COUNT=4", "20260101T100000 20260109T100000 20260115T100000 20260123T100000"},
		{"20260107T100000", "FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=1;COUNT=3", "20260107T100000 20260112T100000 20260119T100000"},
		{"20260101T100000", "FREQ=DAILY;COUNT=1", "20260101T100000"},
		{"20260101T100000", "FREQ=WEEKLY;BYDAY=MO;COUNT=1", "20260101T100000"},
		{"99991230T100000", "FREQ=DAILY", "99991230T100000 99991231T100000"},
		{"99991101T100000", "FREQ=MONTHLY", "99991101T100000 99991201T100000"},
		{"99991231T230000", "FREQ=HOURLY", "99991231T230000"},
		{"00010101T000000", "FREQ=YEARLY;INTERVAL=2147483647", "00010101T000000"},
	} {
		it := parse(t, c.rule).NewIterator(wall(t, c.start), ical.WallMax, plenty())
		if got := taken(it, 5); !strings.HasPrefix(got+" ", c.want+" ") || strings.Contains(c.rule, "COUNT") && got != c.want || it.Err() != nil {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
}

// An exception is only what matches.
func TestExceptions(t *testing.T) {
	it := parse(t, "FREQ=WEEKLY;BYDAY=MO").NewExceptions(wall(t, "20260101T100000"), ical.WallMax, plenty())
	if got := taken(it, 2); got != "20260105T100000 20260112T100000" {
		t.Errorf("got %s", got)
	}
}

func TestStop(t *testing.T) {
	r := parse(t, "FREQ=DAILY;COUNT=5")
	if got := taken(r.NewIterator(wall(t, "20260101T100000"), wall(t, "20260102T100000"), plenty()), 9); got != "20260101T100000 20260102T100000" {
		t.Errorf("got %s", got)
	}
	if got := taken(r.NewIterator(wall(t, "20260101T100000"), wall(t, "20251231T100000"), plenty()), 9); got != "" {
		t.Errorf("stopped before it starts: %s", got)
	}
	if last, ok := r.NewIterator(wall(t, "20260101T100000"), wall(t, "20260104T090000"), plenty()).Last(); !ok || last != wall(t, "20260103T100000") {
		t.Errorf("the last is %d, %v", last, ok)
	}
}

// Steps are spent on what is looked at, so that nothing goes on for long.
func TestBudget(t *testing.T) {
	for _, text := range []string{"FREQ=SECONDLY;BYHOUR=1;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31", "FREQ=SECONDLY;COUNT=100000000;BYDAY=MO", "FREQ=WEEKLY;COUNT=100;BYDAY=MO;BYMONTH=2;BYMONTHDAY=30"} {
		b := &Budget{10_000}
		it := parse(t, text).NewIterator(wall(t, "20260101T100000"), ical.WallMax, b)
		it.Seek(wall(t, "90000101T000000"))
		n := 0
		for _, ok := it.Next(); ok; _, ok = it.Next() {
			n++
		}
		if !errors.Is(it.Err(), ErrBudget) || n > 10_000 {
			t.Errorf("%s: %d instances, %v, %d left", text, n, it.Err(), b.Steps)
		}
	}
}

// To begin costs too, or many overrides of a rule would be free.
func TestBudgetOfBeginning(t *testing.T) {
	r := parse(t, "FREQ=DAILY")
	b := &Budget{1000}
	n := 0
	for b.Steps > 0 {
		if n++; n > 1000 {
			t.Fatal("it is free")
		}
		r.NewIterator(wall(t, "20260101T100000"), ical.WallMax, b)
	}
	it := r.NewIterator(wall(t, "20260101T100000"), ical.WallMax, b)
	if _, ok := it.Next(); it.Err() == nil {
		t.Errorf("%v without an error", ok)
	}
}

// random makes a rule whose parts go with its frequency and mean the same to the peer,
// which never ends where a rule below days matches nothing.
func random(d *rand.Rand) string {
	freq := freqs[int(Hourly)+d.IntN(5)]
	days := freq != "HOURLY"
	text := "FREQ=" + freq
	numbers := func(name string, least, most int, negative bool) {
		var items []string
		for range 1 + d.IntN(3) {
			n := least + d.IntN(most-least+1)
			if negative && d.IntN(3) == 0 {
				n = -n
			}
			if item := fmt.Sprint(n); !slices.Contains(items, item) { // the peer makes as many as are named
				items = append(items, item)
			}
		}
		text += ";" + name + "=" + strings.Join(items, ",")
	}
	maybe := func(n int) bool { return d.IntN(n) == 0 }
	if maybe(2) {
		text += fmt.Sprintf(";INTERVAL=%d", 1+d.IntN(6))
	}
	if maybe(3) {
		text += ";WKST=" + weekdays[d.IntN(7)]
	}
	if days && maybe(3) {
		numbers("BYMONTH", 1, 12, false)
	}
	if days && freq != "WEEKLY" && maybe(4) {
		numbers("BYMONTHDAY", 1, 28, true)
	}
	weeks := freq == "YEARLY" && maybe(5)
	if days && maybe(2) || weeks {
		day := weekdays[d.IntN(7)]
		if freq == "MONTHLY" && maybe(2) {
			day = fmt.Sprint(1+d.IntN(4)) + day
		}
		text += ";BYDAY=" + day
	}
	if weeks {
		numbers("BYWEEKNO", 2, 51, false)
	}
	if days && maybe(4) {
		numbers("BYHOUR", 0, 23, false)
	}
	if maybe(6) {
		numbers("BYMINUTE", 0, 59, false)
	}
	return text
}

// What another library makes of a rule, on the wall, is what is made here; and an
// iterator that jumps finds what one that walks does.
func TestPeerAndSeek(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	d := rand.New(rand.NewPCG(seed, 0))
	rules := 3000
	if testing.Short() {
		rules = 300
	}
	for range rules {
		text := random(d)
		start := time.Date(2020, time.Month(1+d.IntN(12)), 1+d.IntN(28), d.IntN(24), d.IntN(60), 0, 0, time.UTC)
		option, err := rrule.StrToROption(text)
		if err != nil {
			t.Fatal(err)
		}
		option.Dtstart = start
		option.Until = start.AddDate(1, 6, 0)
		peer, err := rrule.NewRRule(*option)
		if err != nil {
			t.Fatal(err)
		}
		var want []ical.Wall
		next := peer.Iterator()
		for at, ok := next(); ok && len(want) < 300; at, ok = next() {
			want = append(want, ical.Wall(at.Unix()))
		}
		compare(t, d, text, ical.Wall(start.Unix()), ical.Wall(option.Until.Unix()), want)
	}
}

func compare(t *testing.T, d *rand.Rand, text string, start, stop ical.Wall, want []ical.Wall) {
	t.Helper()
	r := parse(t, text)
	it := r.NewExceptions(start, stop, plenty())
	var got []ical.Wall
	for w, ok := it.Next(); ok && len(got) < 300; w, ok = it.Next() {
		got = append(got, w)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s from %d to %d\n got %v\nwant %v", text, start, stop, got, want)
	}
	if len(got) == 0 {
		return
	}
	counted := parse(t, text+fmt.Sprintf(";COUNT=%d", len(got)))
	if last, ok := counted.NewExceptions(start, stop, plenty()).Last(); !ok || last != got[len(got)-1] {
		t.Fatalf("%s: the last of %d is %d, %v, not %d", text, len(got), last, ok, got[len(got)-1])
	}
	at := d.IntN(len(got))
	for _, r := range []*Rule{r, counted} {
		it := r.NewExceptions(start, stop, plenty())
		if at > 0 {
			it.Seek(got[d.IntN(at)]) // a jump may follow a jump
		}
		to := got[at]
		if at > 0 && d.IntN(2) == 0 {
			to = got[at-1] + 1
		}
		it.Seek(to)
		if w, ok := it.Next(); !ok || w != got[at] {
			t.Fatalf("%s: jumped to %d, not %d", text, w, got[at])
		}
	}
}

// FuzzRule holds an iterator to its budget, its order and its jumps.
func FuzzRule(f *testing.F) {
	for _, text := range []string{"FREQ=DAILY;COUNT=10", "FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO;BYSETPOS=-1", "FREQ=SECONDLY;INTERVAL=7;BYHOUR=3,4", "FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20300101T000000Z", "FREQ=WEEKLY;WKST=SU;BYYEARDAY=366"} {
		f.Add(text, int64(1_767_225_600), int64(100_000))
	}
	f.Fuzz(func(t *testing.T, text string, start, ahead int64) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		from := max(ical.WallMin, ical.Wall(start%int64(ical.WallMax)))
		b := &Budget{20_000}
		it := r.NewIterator(from, ical.WallMax, b)
		last := ical.WallMin - 1
		for n := 0; n < 500; n++ {
			w, ok := it.Next()
			if !ok {
				break
			}
			if w <= last || w < from {
				t.Fatalf("%s: %d comes after %d", text, w, last)
			}
			last = w
		}
		if b.Steps < -20_000 {
			t.Fatalf("%s: %d steps too many", text, -b.Steps)
		}
		if last < from {
			return
		}
		jump := r.NewIterator(from, ical.WallMax, &Budget{2_000_000})
		jump.Seek(last)
		if w, ok := jump.Next(); !ok && jump.Err() == nil || ok && w != last {
			t.Fatalf("%s: jumped to %d, not %d", text, w, last)
		}
		far := r.NewIterator(from, ical.WallMax, &Budget{20_000})
		far.Seek(from + ical.Wall(max(0, ahead)%int64(ical.WallMax)))
		far.Next()
	})
}
