package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// TestBusyByIndex: what the index knows to be all is not read, everything else is, and
// the rights of each object count for both.
func TestBusyByIndex(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max")
	mia, max := of.as("mia"), of.as("max")
	if err := mia.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	home := cal("~mia", "calendar")
	for _, o := range []Object{
		{UID: "taken", Extent: day(3, 8, 3), Busy: BusyTaken, Taken: day(3, 9, 1)},
		{UID: "tentative", Extent: day(3, 10, 2), Busy: BusyTentative, Taken: day(3, 10, 2)},
		{UID: "free", Extent: day(3, 9, 1), Busy: BusyFree},
		{UID: "meeting", Extent: day(3, 11, 1), Busy: BusyTaken, Taken: day(3, 11, 1), Scheduled: true},
		{UID: "unknown", Extent: day(3, 12, 1)},
		{UID: "weekly", Extent: Span{day(0, 0, 1).From, Always.To}, Instants: []Span{day(3, 13, 1), day(10, 13, 1)}, Busy: BusyTaken, Taken: day(3, 13, 1)},
		{UID: "long", Extent: day(-150, 0, 400*24), Busy: BusyTaken, Taken: day(-150, 0, 400*24)},
		{UID: "hidden", Extent: day(3, 14, 1), Busy: BusyTaken, Taken: day(3, 14, 1)},
		{UID: "elsewhere", Extent: day(30, 14, 1), Busy: BusyTaken, Taken: day(30, 14, 1)},
	} {
		o.Component = "VEVENT"
		if err := of.putObject(mia, append(slices.Clip(home), o.UID), o); err != nil {
			t.Fatal(err)
		}
	}
	for p, e := range map[string]policy.Entry{"": {Allow: policy.FreeBusy}, "hidden": {Deny: policy.FreeBusy}} {
		e.Principal = max.User()
		at := home
		if p != "" {
			at = append(slices.Clip(home), p)
		}
		err := of.st.Operator().ChangeAt(ctx, at, func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
			return []policy.Change{policy.SetEntry{At: at, Entry: e}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(who string, c BusyCalendar, err error, periods ...string) {
		t.Helper()
		var got []string
		for _, p := range c.Periods {
			got = append(got, fmt.Sprintf("%d+%d", (p.From-day(3, 0, 1).From)/3600, (p.To-p.From)/3600)+map[Busy]string{BusyTentative: "?"}[p.Busy])
		}
		for _, content := range c.Contents {
			o, err := toyIndex(content, near)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o.UID)
		}
		slices.Sort(got)
		slices.Sort(periods)
		if err != nil || !slices.Equal(got, periods) {
			t.Errorf("%s: %q, %v; want %q", who, got, err, periods)
		}
	}
	c, err := mia.FreeBusy(home, day(3, 0, 24))
	want("mia", c, err, "9+1", "10+2?", "11+1", "unknown", "weekly", "-3672+9600", "14+1")
	c, err = max.FreeBusy(home, day(3, 0, 24))
	want("max", c, err, "9+1", "10+2?", "11+1", "unknown", "weekly", "-3672+9600")
	person, err := max.BusyTimes(strings.TrimSuffix(mia.Addresses()[0], "/"), day(3, 0, 24))
	if len(person.Calendars) != 1 {
		t.Fatalf("max asks for mia and gets %d calendars, %v", len(person.Calendars), err)
	}
	want("max, of mia", person.Calendars[0], err, "9+1", "10+2?", "meeting", "unknown", "weekly", "-3672+9600")
	contents, err := max.BusyContents(home, day(3, 0, 24))
	want("max, contents", BusyCalendar{Contents: contents}, err, "taken", "tentative", "free", "meeting", "unknown", "weekly", "long")
}

// TestBusyOfOlderRecords: what was kept before the index told how time is taken is
// read, and nothing is wrong with it.
func TestBusyOfOlderRecords(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	mia := of.as("mia")
	home := calendarOfThree(of, mia)
	for _, name := range []string{"left", "right"} {
		of.onObject(mia, append(slices.Clip(home), name), func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error {
			rec.taking = taking{}
			err := tx.w.Put(objectKey(e.Node), appendObject(nil, rec))
			for k, v := range rec.spanKeys(calendar, e.Node) {
				err = firstOf(err, tx.w.Put(k, v))
			}
			return err
		})
	}
	if c, err := mia.FreeBusy(home, day(3, 0, 24)); err != nil || len(c.Periods) != 1 || len(c.Contents) != 2 {
		t.Errorf("%d known and %d read, %v", len(c.Periods), len(c.Contents), err)
	}
}
