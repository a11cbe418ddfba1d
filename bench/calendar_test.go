package main

import (
	"bytes"
	"testing"
	"time"
)

// What a month has is known from the meetings that were put into it.
func TestMonthOfAnAgenda(t *testing.T) {
	a := agenda{start: agendaStart, years: 10, events: 400}
	m := a.meeting(350) // weekly, moved once and left out once
	if m.weeks != 30 || m.moved != 3 || m.left != 5 {
		t.Fatalf("meeting 350 is %+v", m)
	}
	var starts []time.Time
	for start := range m.instances {
		starts = append(starts, start)
	}
	week := func(n int) time.Time { return m.start.AddDate(0, 0, 7*n) }
	if len(starts) != 29 || !starts[0].Equal(m.start) || !starts[3].Equal(week(3).Add(movedBy)) || !starts[5].Equal(week(6)) {
		t.Errorf("its instances are %v", starts)
	}
	text := string(m.text(4))
	for _, want := range []string{"RRULE:FREQ=WEEKLY;COUNT=30\r\n", "EXDATE:" + week(5).Format(icsTime), "RECURRENCE-ID:" + week(3).Format(icsTime), `SUMMARY:Meeting 350\, version 4`} {
		if !bytes.Contains([]byte(text), []byte(want)) {
			t.Errorf("it has no %s\n%s", want, text)
		}
	}
	all := a.between(agendaStart.AddDate(-1, 0, 0), agendaStart.AddDate(20, 0, 0))
	if all.objects != 400 || all.instances != 360+40*30-6 { // six of the series leave one out
		t.Errorf("all of it: %+v", all)
	}
	if none := a.between(agendaStart.AddDate(-2, 0, 0), agendaStart); none.objects != 0 || none.busy != 0 {
		t.Errorf("before it: %+v", none)
	}
}

// Busy time is added up however a server writes the periods.
func TestBusyTime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"FREEBUSY:20260301T090000Z/20260301T110000Z\r\n":                                            2 * time.Hour,
		"FREEBUSY;FBTYPE=BUSY:20260301T090000Z/PT1H,20260301T090000Z/20260301T\r\n 100000Z\r\n":     time.Hour,
		"FREEBUSY;TZID=UTC:20260301T090000Z/PT1H\nFREEBUSY;TZID=UTC:20260302T090000Z/PT1H\nEND:X\n": 2 * time.Hour,
		"DTSTART:20260301T090000Z\r\n":                                                              0,
	} {
		if got := busyTime([]byte(text)); got != want {
			t.Errorf("%q is %v, not %v", text, got, want)
		}
	}
}

func TestSyncTokenOfAnAnswer(t *testing.T) {
	for text, want := range map[string]string{
		"<D:multistatus><D:sync-token>urn:1</D:sync-token>": "urn:1", "<sync-token>a</sync-token>": "a",
		"<ns0:sync-token>b</ns0:sync-token>": "b", "<sync-level>1</sync-level>": "",
	} {
		if got := token([]byte(text)); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}
