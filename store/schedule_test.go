package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"davit/policy"
	"davit/store/disk"
)

// toyScheduler invites mia and max to whatever is scheduled in the calendars of
// lena, in the words of the object itself.
type toyScheduler struct{}

func (toyScheduler) Send(c ScheduleChange) (Sending, error) {
	s := Sending{Role: AsAttendee}
	said, method := c.New, "REQUEST"
	if said == nil {
		said, method = c.Old, "CANCEL"
	}
	var o Object
	if err := json.Unmarshal(said, &o); err != nil {
		return s, err
	}
	s.UID = o.UID
	if c.Owner[0] != "/principals/users/lena/" {
		return s, nil
	}
	s.Role = AsOrganizer
	for _, name := range []string{"mia", "max"} {
		s.Messages = append(s.Messages, ScheduleMessage{To: "/principals/users/" + name, UID: o.UID, Component: o.Component, Method: method, Body: said})
	}
	if c.New != nil {
		s.Kept = func(status map[string]string) []byte {
			return append(bytes.Clone(c.New), strings.Repeat(" ", len(status))...)
		}
	}
	return s, nil
}

func (toyScheduler) Note([]byte, []string, string, string) ([]byte, error) { return nil, nil }

func (toyScheduler) Receive(m ScheduleMessage, have []byte, _, receiver []string) (Receipt, error) {
	if receiver[0] == "/principals/users/max/" && bytes.Contains(m.Body, []byte("unfit")) {
		return Receipt{statusDelivered, []byte("no object"), true}, nil
	}
	if m.Method == "CANCEL" {
		return Receipt{statusDelivered, append(bytes.Clone(have), '\n'), true}, nil
	}
	return Receipt{statusDelivered, m.Body, true}, nil
}

// putMeeting puts a scheduled object of some bytes.
func (of *office) putMeeting(s *Session, p Path, uid string, size int) error {
	of.t.Helper()
	o := Object{UID: uid, Component: "VEVENT", Extent: day(3, 9, 1), Scheduled: true}
	content, err := json.Marshal(o)
	if err != nil {
		of.t.Fatal(err)
	}
	content = append(content, strings.Repeat(" ", max(0, size-len(content)))...)
	u, err := s.Begin(p, int64(len(content)), Terms{})
	if err != nil {
		return err
	}
	if _, err := u.Write(content); err != nil {
		u.Abort()
		return err
	}
	_, _, err = u.Commit(ctx, Meta{Object: &o, Body: content})
	return err
}

// members counts what a collection has.
func (of *office) members(s *Session, p Path) int {
	of.t.Helper()
	page, _, err := s.List(p, "", 100, Want{})
	if err != nil {
		of.t.Fatal(err)
	}
	return len(page)
}

// TestScheduleFailEach breaks each operation on files, and each commit, while
// somebody invites two others and calls it off: when the store is opened again all
// know of it or nobody does, in calendars and inboxes alike, be it short or long.
func TestScheduleFailEach(t *testing.T) {
	for _, size := range []int{0, madeInlineMax + 1} {
		o := Options{Index: toyIndex, Scheduler: toyScheduler{}}
		of := newOffice(t, o, "lena mia max")
		for _, name := range []string{"lena", "mia", "max"} {
			if err := of.as(name).BeginCalendars(ctx); err != nil {
				t.Fatal(err)
			}
		}
		of.close()
		base := save(t, of.dir)
		of.start()
		of.stop()
		for n, fired := 1, true; fired; n++ {
			fired = scheduleFailing(t, base.restore(t), o, n, size)
		}
	}
}

func scheduleFailing(t *testing.T, dir string, o Options, n, size int) (fired bool) {
	fault := disk.FailNth(n)
	var armed atomic.Bool
	o.Hooks = []disk.Hook{func(op disk.Op) error {
		if !armed.Load() {
			return nil
		}
		return fault.Hook(op)
	}}
	of := officeAt(t, dir, o)
	s, at := of.as("lena"), cal("~lena", "calendar", "plan.ics")
	armed.Store(true)
	err := of.putMeeting(s, at, "plan", size)
	cancelled := err
	if err == nil {
		cancelled = s.Remove(ctx, at, Terms{})
	}
	armed.Store(false)
	of.close()
	of.start()
	defer of.stop()
	hers := of.members(of.as("lena"), cal("~lena", "calendar"))
	for _, name := range []string{"mia", "max"} {
		own, inbox := of.members(of.as(name), cal("~"+name, "calendar")), of.members(of.as(name), cal("~"+name, Inbox))
		switch {
		case err == nil && (own != 1 || inbox == 0), err != nil && own != hers, own > inbox, cancelled == nil && (inbox != 2 || hers != 0):
			t.Errorf("operation %d broke (%v, %v): lena has %d, %s has %d and %d messages", n, err, cancelled, hers, name, own, inbox)
		}
	}
	return fault.Fired()
}

// What a message makes of somebody's object and cannot be kept is no error of the
// sender's, and keeps nobody else from being told.
func TestUnfitForOne(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex, Scheduler: toyScheduler{}}, "lena mia max")
	s := of.as("lena")
	if err := s.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	if err := of.putMeeting(s, cal("~lena", "calendar", "plan.ics"), "unfit", 0); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"mia": 1, "max": 0} {
		for _, dir := range []string{"calendar", Inbox} {
			if n := of.members(of.as(name), cal("~"+name, dir)); n != want {
				t.Errorf("%s of %s has %d", dir, name, n)
			}
		}
	}
	lines, err := of.st.Operator().Audit(ctx, AuditQuery{Limit: 1})
	if err != nil || !slices.Equal(lines[0].Lines, []string{
		"REQUEST about calendar:~lena/calendar/plan.ics to /principals/users/mia: 1.2",
		"REQUEST about calendar:~lena/calendar/plan.ics to /principals/users/max: 5.3"}) {
		t.Errorf("%+v, %v", lines, err)
	}
}

// A drive of before there were boxes gets them, and keeps what it has.
func TestOldDrivesGetBoxes(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	s := of.as("mia")
	if err := s.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(ctx, cal("~mia", "tasks"), Terms{}); err != nil {
		t.Fatal(err)
	}
	err := of.st.update(ctx, 0, func(tx *Tx) error {
		for _, name := range []string{Inbox, Outbox} {
			sp, err := tx.resolve(cal("~mia", name))
			if err != nil {
				return err
			}
			if err := tx.discard(housekeeping(tx, sp.entry().Node), sp.space.ID, policy.Nobody, sp.above().nodes, sp.entry()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	of.reopen()
	s = of.as("mia")
	if list, err := s.Boxes(Want{}); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	if err := s.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	list, err := s.Boxes(Want{})
	if err != nil || len(list) != 2 || list[0].Box() != Inbox || list[1].Box() != Outbox {
		t.Errorf("%v, %v", list, err)
	}
	calendars, err := s.Calendars(ctx, Want{})
	if names := namesOf(calendars); err != nil || !slices.Equal(names, []string{"calendar"}) {
		t.Errorf("%q, %v", names, err)
	}
}

func namesOf(list []Calendar) (names []string) {
	for i := range list {
		names = append(names, list[i].Name)
	}
	return names
}
