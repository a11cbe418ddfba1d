package recur_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/zone"
)

// availabilityOf reads components of a VCALENDAR.
func availabilityOf(t *testing.T, body string) (*recur.Availability, error) {
	t.Helper()
	obj, err := ical.Decode([]byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n" + body + "END:VCALENDAR\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	a := new(recur.Availability)
	return a, a.Add(obj, zone.UTC())
}

func told(periods []recur.BusyPeriod) string {
	var b strings.Builder
	for _, p := range periods {
		fmt.Fprintf(&b, "%s %s-%s\n", strings.TrimPrefix(string(p.Busy), "BUSY-"), p.Start.Format("02T15:04"), p.End.Format("02T15:04"))
	}
	return b.String()
}

const (
	// officeHours are nine to five of every weekday in Berlin.
	officeHours = "BEGIN:VAVAILABILITY\r\nUID:office\r\nDTSTAMP:20260101T000000Z\r\nBEGIN:AVAILABLE\r\nUID:days\r\nDTSTAMP:20260101T000000Z\r\n" +
		"DTSTART;TZID=Europe/Berlin:20260302T090000\r\nDTEND;TZID=Europe/Berlin:20260302T170000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY\r\n"
	// leave is a day off, and only afterwards an hour.
	leave = "BEGIN:VAVAILABILITY\r\nUID:leave\r\nDTSTAMP:20260101T000000Z\r\nPRIORITY:1\r\nBUSYTYPE:BUSY\r\nDTSTART:20260310T000000Z\r\nDURATION:P1D\r\n" +
		"BEGIN:AVAILABLE\r\nUID:hour\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260310T200000Z\r\nDURATION:PT1H\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY\r\n"
)

func TestAvailability(t *testing.T) {
	from, to := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC)
	for name, row := range map[string][2]string{
		"nothing said": {"BEGIN:VEVENT\r\nUID:x\r\nDTSTART:20260309T000000Z\r\nDURATION:P1D\r\nEND:VEVENT\r\n", ""},
		"office hours": {officeHours, "UNAVAILABLE 09T00:00-09T08:00\nUNAVAILABLE 09T16:00-10T08:00\nUNAVAILABLE 10T16:00-11T08:00\nUNAVAILABLE 11T16:00-12T00:00\n"},
		"a day off": {officeHours + leave, "UNAVAILABLE 09T00:00-09T08:00\nUNAVAILABLE 09T16:00-10T00:00\nBUSY 10T00:00-10T20:00\nBUSY 10T21:00-11T00:00\n" +
			"UNAVAILABLE 11T00:00-11T08:00\nUNAVAILABLE 11T16:00-12T00:00\n"},
		"one day moved": {strings.Replace(officeHours, "END:AVAILABLE\r\n", "END:AVAILABLE\r\nBEGIN:AVAILABLE\r\nUID:days\r\nDTSTAMP:20260101T000000Z\r\n"+
			"RECURRENCE-ID;TZID=Europe/Berlin:20260310T090000\r\nDTSTART:20260310T120000Z\r\nDURATION:PT1H\r\nEND:AVAILABLE\r\n", 1),
			"UNAVAILABLE 09T00:00-09T08:00\nUNAVAILABLE 09T16:00-10T12:00\nUNAVAILABLE 10T13:00-11T08:00\nUNAVAILABLE 11T16:00-12T00:00\n"},
		"hours outside of it": {"BEGIN:VAVAILABILITY\r\nUID:x\r\nDTSTART:20260309T000000Z\r\nDTEND:20260309T100000Z\r\nBUSYTYPE:BUSY-TENTATIVE\r\nBEGIN:AVAILABLE\r\nUID:y\r\n" +
			"DTSTART:20260309T090000Z\r\nDTEND:20260309T120000Z\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY\r\n", "TENTATIVE 09T00:00-09T09:00\n"},
		"too many hours": {"BEGIN:VAVAILABILITY\r\nUID:x\r\nDTSTART:20260309T000000Z\r\nBEGIN:AVAILABLE\r\nUID:y\r\n" +
			"DTSTART:20260309T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY;INTERVAL=2\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY\r\n", "UNAVAILABLE 09T00:00-12T00:00\n"},
	} {
		a, err := availabilityOf(t, row[0])
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := told(a.Busy(from, to)); got != row[1] {
			t.Errorf("%s:\n%swant\n%s", name, got, row[1])
		}
	}
}

// All that may be laid over one another, each the most work that it may be, is no
// more work than one series, and nobody is available by it.
func TestHostileAvailability(t *testing.T) {
	const hours = "BEGIN:AVAILABLE\r\nDTSTART:19000101T000000Z\r\nDURATION:PT1S\r\nRRULE:FREQ=SECONDLY;BYMONTHDAY=31;BYDAY=1SU,-1MO\r\nEND:AVAILABLE\r\n"
	one := "BEGIN:VAVAILABILITY\r\nUID:x\r\n" + strings.Repeat(hours, recur.AvailableMax) + "END:VAVAILABILITY\r\n"
	a, err := availabilityOf(t, strings.Repeat(one, recur.AvailabilitiesMax))
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC)
	for range 2 { // a question leaves nothing for the next to pay
		if got := told(a.Busy(from, from.AddDate(3, 0, 0))); got != "UNAVAILABLE 09T00:00-09T00:00\n" {
			t.Errorf("it tells\n%s", got)
		}
	}
}

func TestBeside(t *testing.T) {
	period := func(from, to int, busy recur.Busy) recur.BusyPeriod {
		at := func(hour int) time.Time { return time.Date(2026, 3, 9, hour, 0, 0, 0, time.UTC) }
		return recur.BusyPeriod{Start: at(from), End: at(to), Busy: busy}
	}
	hours := []recur.BusyPeriod{period(0, 8, recur.Unavailable), period(17, 20, recur.Unavailable), period(21, 22, recur.Unavailable)}
	events := []recur.BusyPeriod{period(19, 23, recur.IsBusy), period(2, 3, recur.IsBusy), period(7, 9, recur.Tentative), period(2, 4, recur.Tentative), period(10, 11, recur.IsBusy)}
	const want = "UNAVAILABLE 09T00:00-09T02:00\nUNAVAILABLE 09T04:00-09T07:00\nUNAVAILABLE 09T17:00-09T19:00\n"
	if got := told(recur.Beside(hours, events)); got != want {
		t.Errorf("left is\n%swant\n%s", got, want)
	}
}

func TestAvailabilityRefuses(t *testing.T) {
	one := func(lines string) string {
		return "BEGIN:VAVAILABILITY\r\nUID:x\r\n" + lines + "END:VAVAILABILITY\r\n"
	}
	for name, body := range map[string]string{
		"priority":       one("PRIORITY:10\r\n"),
		"no number":      one("PRIORITY:high\r\n"),
		"backwards":      one("DTSTART:20260310T000000Z\r\nDTEND:20260309T000000Z\r\n"),
		"no beginning":   one("DURATION:P1D\r\n"),
		"hours of never": one("BEGIN:AVAILABLE\r\nUID:y\r\nEND:AVAILABLE\r\n"),
		"a wrong rule":   one("BEGIN:AVAILABLE\r\nUID:y\r\nDTSTART:20260309T000000Z\r\nRRULE:FREQ=NEVER\r\nEND:AVAILABLE\r\n"),
		"too many":       strings.Repeat(one(""), recur.AvailabilitiesMax+1),
		"too many hours": one(strings.Repeat("BEGIN:AVAILABLE\r\nDTSTART:20260309T000000Z\r\nEND:AVAILABLE\r\n", recur.AvailableMax+1)),
	} {
		if _, err := availabilityOf(t, body); err == nil {
			t.Errorf("%s is taken in", name)
		}
	}
}

// The model keeps what it wrote and asks, for every quarter of an hour by itself,
// each component and each of its hours in turn.

type modelHours struct {
	start, length, every int // in quarters from the beginning; every is 0 for once
	count                int // with every
	except               int // which time of them is left out, -1 for none
}

type modelAvailability struct {
	from, to       int
	priority, busy int // busy: 1 tentative, 2 unavailable, 3 busy
	hours          []modelHours
}

func (h modelHours) covers(slot int) bool {
	for n := range max(h.count, 1) {
		if start := h.start + n*h.every; n != h.except && start <= slot && slot < start+h.length {
			return true
		}
	}
	return false
}

func modelBusy(all []modelAvailability, slot int) int {
	for priority := 1; priority <= 10; priority++ {
		said, free, busy := false, false, 0
		for _, a := range all {
			if a.priority%10 != priority%10 || slot < a.from || slot >= a.to {
				continue
			}
			said, busy = true, max(busy, a.busy)
			for _, h := range a.hours {
				free = free || h.covers(slot)
			}
		}
		switch {
		case said && free:
			return 0
		case said:
			return busy
		}
	}
	return 0
}

const (
	quarter = 15 * time.Minute
	slots   = 14 * 96
)

func (m *modelAvailability) text(base time.Time) string {
	at := func(slot int) string { return base.Add(time.Duration(slot) * quarter).Format("20060102T150405Z") }
	var b strings.Builder
	fmt.Fprintf(&b, "BEGIN:VAVAILABILITY\r\nUID:a\r\nDTSTART:%s\r\nDTEND:%s\r\nBUSYTYPE:%s\r\n", at(m.from), at(m.to), []string{"", "BUSY-TENTATIVE", "BUSY-UNAVAILABLE", "BUSY"}[m.busy])
	if m.priority > 0 {
		fmt.Fprintf(&b, "PRIORITY:%d\r\n", m.priority)
	}
	for i, h := range m.hours {
		fmt.Fprintf(&b, "BEGIN:AVAILABLE\r\nUID:h%d\r\nDTSTART:%s\r\nDTEND:%s\r\n", i, at(h.start), at(h.start+h.length))
		if h.every > 0 {
			fmt.Fprintf(&b, "RRULE:FREQ=MINUTELY;INTERVAL=%d;COUNT=%d\r\n", 15*h.every, h.count)
		}
		if h.except >= 0 {
			fmt.Fprintf(&b, "EXDATE:%s\r\n", at(h.start+h.except*h.every))
		}
		b.WriteString("END:AVAILABLE\r\n")
	}
	return b.String() + "END:VAVAILABILITY\r\n"
}

func randomAvailability(r *rand.Rand) modelAvailability {
	m := modelAvailability{from: r.IntN(slots), busy: 1 + r.IntN(3), priority: r.IntN(4)}
	m.to = m.from + 1 + r.IntN(slots)
	for range r.IntN(4) {
		h := modelHours{start: r.IntN(slots), length: 1 + r.IntN(48), except: -1}
		if r.IntN(2) == 0 {
			h.every, h.count = 1+r.IntN(192), 2+r.IntN(20)
			if r.IntN(2) == 0 {
				h.except = r.IntN(h.count)
			}
		}
		m.hours = append(m.hours, h)
	}
	return m
}

func TestAvailabilityModel(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 7953))
	base := time.Date(2026, 3, 22, 0, 0, 0, 0, time.UTC)
	names := map[recur.Busy]int{recur.Tentative: 1, recur.Unavailable: 2, recur.IsBusy: 3}
	for range 300 {
		var all []modelAvailability
		text := ""
		for range 1 + r.IntN(5) {
			m := randomAvailability(r)
			all = append(all, m)
			text += m.text(base)
		}
		a, err := availabilityOf(t, text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		got := make([]int, slots)
		for _, p := range a.Busy(base, base.Add(slots*quarter)) {
			for i := int(p.Start.Sub(base) / quarter); i < int(p.End.Sub(base)/quarter); i++ {
				if got[i] != 0 {
					t.Fatalf("slot %d is told twice\n%s", i, text)
				}
				got[i] = names[p.Busy]
			}
		}
		for i := range got {
			if want := modelBusy(all, i); got[i] != want {
				t.Fatalf("slot %d is %d and not %d\n%s", i, got[i], want, text)
			}
		}
	}
}
