package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"davit/policy"
)

// calendarTrash is the trash of somebody's or a space's calendars, or something in
// it.
func calendarTrash(of string, names ...string) Path {
	return slices.Concat(Path{TrashRoot}, Path{of}.Calendars(), names)
}

// wantDeleted holds what somebody finds there to the names that it had.
func (of *office) wantDeleted(s *Session, space string, names ...string) (there []Path) {
	of.t.Helper()
	var found []string
	for after, more := "", true; more; {
		page, again, err := s.List(calendarTrash(space), after, 1, Want{})
		if err != nil {
			of.t.Fatal(err)
		}
		for _, info := range page {
			after = info.Name
			found = append(found, info.Origin.Path.String())
			there = append(there, calendarTrash(space, info.Name))
		}
		more = again
	}
	if !slices.Equal(found, names) {
		of.t.Errorf("%s finds %q in the trash of the calendars of %s, want %q", s.UserName(), found, space, names)
	}
	return there
}

// TestCalendarTrash: what was deleted of calendars is apart from what was deleted of
// files, and comes back under its UID when that is free.
func TestCalendarTrash(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max")
	mia, max := of.as("mia"), of.as("max")
	must(t, mia.BeginCalendars(ctx))
	event := Object{UID: "one", Component: "VEVENT", Extent: day(3, 9, 1)}
	home, a := cal("~mia", "calendar"), cal("~mia", "calendar", "a")
	must(t, of.putObject(mia, a, event))
	of.put(mia, "~mia/file", text(1, 10))
	must(t, remove(mia, "~mia/file"))
	must(t, mia.Remove(ctx, a, Terms{}))
	of.wantTrash(mia, "~mia", "~mia/file")
	there := of.wantDeleted(mia, "~mia", "calendar:~mia/calendar/a")
	for _, name := range []string{"a", there[0][3]} {
		if _, err := mia.Stat(Path{TrashRoot, "~mia", name}, Want{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("the trash of the files leads to an event as %s: %v", name, err)
		}
	}
	if _, err := mia.Stat(calendarTrash("~mia", "file"), Want{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("the trash of the calendars leads to a file: %v", err)
	}
	if _, err := max.Stat(calendarTrash("~mia"), Want{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("max knows of the trash of mia's calendars: %v", err)
	}
	// Another event of the UID came meanwhile.
	must(t, of.putObject(mia, cal("~mia", "calendar", "b"), event))
	if _, err := mia.Move(ctx, there[0], a, false, Terms{}); !errors.As(err, new(*UIDError)) {
		t.Errorf("two of one UID: %v", err)
	}
	if _, err := mia.Move(ctx, there[0], Path{"~mia", "a"}, false, Terms{}); !errors.Is(err, ErrMisplaced) {
		t.Errorf("an event among the files: %v", err)
	}
	must(t, mia.Remove(ctx, cal("~mia", "calendar", "b"), Terms{}))
	must(t, second(mia.Move(ctx, there[0], a, false, Terms{})))
	of.wantFound(mia, home, Search{Span: day(3, 0, 24)}, "a")
	of.wantDeleted(mia, "~mia", "calendar:~mia/calendar/b")
	if n, err := mia.Empty(ctx, calendarTrash("~mia"), Terms{}); n != 1 || err != nil {
		t.Errorf("emptied of %d, %v", n, err)
	}
	of.wantFound(mia, home, Search{UID: "one"}, "a")
}

// TestDeletedCalendar: it goes and comes back with what it holds, single events come
// back out of it, and at last it is taken down.
func TestDeletedCalendar(t *testing.T) {
	clock := newClock()
	of := newOffice(t, Options{Index: toyIndex, Clock: clock.Now}, "mia")
	mia := of.as("mia")
	must(t, mia.BeginCalendars(ctx))
	work := cal("~mia", "work")
	must(t, mia.MakeCalendar(ctx, work, NewCalendar{Components: []string{"VEVENT"}}, Terms{}))
	for _, uid := range []string{"x", "y", "z"} {
		must(t, of.putObject(mia, append(slices.Clip(work), uid), Object{UID: uid, Component: "VEVENT", Extent: day(3, 9, 1)}))
	}
	must(t, mia.Remove(ctx, append(slices.Clip(work), "z"), Terms{}))
	must(t, mia.Remove(ctx, work, Terms{}))
	there := of.wantDeleted(mia, "~mia", "calendar:~mia/work/z", "calendar:~mia/work")
	must(t, second(mia.Move(ctx, append(there[1], "x"), cal("~mia", "calendar", "x"), false, Terms{})))
	of.wantFound(mia, cal("~mia", "calendar"), Search{UID: "x"}, "x")
	must(t, second(mia.Move(ctx, there[0], cal("~mia", "calendar", "z"), false, Terms{})))
	must(t, second(mia.Move(ctx, of.wantDeleted(mia, "~mia", "calendar:~mia/work")[0], work, false, Terms{})))
	of.wantFound(mia, work, Search{Everything: true}, "y")
	must(t, mia.Remove(ctx, work, Terms{}))
	clock.advance(31 * 24 * time.Hour)
	if _, err := of.st.Collect(ctx, 0); err != nil {
		t.Fatal(err)
	}
	of.wantDeleted(mia, "~mia")
	of.reopen()
	of.wantFound(of.as("mia"), cal("~mia", "calendar"), Search{Everything: true}, "x", "z")
}

// TestMaskedInTheTrash: what is masked in a calendar is masked in its trash, and
// leads nowhere where it would not be.
func TestMaskedInTheTrash(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex, Mask: func([]byte) []byte { return []byte("busy") }}, "mia max", "Team mia=manager max=editor")
	mia, max := of.as("mia"), of.as("max")
	if _, err := max.Calendars(ctx, Want{}); err != nil {
		t.Fatal(err)
	}
	at := cal("Team", "calendar", "p")
	must(t, of.putObject(mia, at, Object{UID: "p", Component: "VEVENT", Extent: day(3, 9, 1), Private: true}))
	must(t, mia.Remove(ctx, at, Terms{}))
	there := of.wantDeleted(max, "Team", "calendar:/Team/calendar/p")[0]
	f, err := max.Open(there, Terms{})
	if err != nil || string(f.Bytes()) != "busy" {
		t.Fatalf("max reads %q, %v", f.Bytes(), err)
	}
	f.Close()
	must(t, mia.MakeCalendar(ctx, cal("Team", "other"), NewCalendar{}, Terms{}))
	for what, err := range map[string]error{
		"to a calendar of his own":   second(max.Move(ctx, there, cal("~max", "calendar", "p"), false, Terms{})),
		"to another of the space":    second(max.Move(ctx, there, cal("Team", "other", "p"), false, Terms{})),
		"copied to one of his own":   second(max.Copy(ctx, there, cal("~max", "calendar", "p"), false, false, Terms{})),
		"copied to one of the space": second(max.Copy(ctx, there, cal("Team", "other", "p"), false, false, Terms{})),
	} {
		if kindOf(err) != errRefused {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, second(max.Move(ctx, there, at, false, Terms{})))
	if f, err = mia.Open(at, Terms{}); err != nil || string(f.Bytes()) == "busy" {
		t.Errorf("mia reads %q, %v", f.Bytes(), err)
	}
	f.Close()
	// A whole calendar leaves its space only by who manages that.
	must(t, mia.Remove(ctx, cal("Team", "calendar"), Terms{}))
	of.changeAt("/Team", func(p policy.Place) policy.Change {
		return policy.SetEntry{At: p, Entry: policy.Entry{Principal: max.User(), Allow: policy.Purge}}
	})
	deleted := of.wantDeleted(max, "Team", "calendar:/Team/calendar")[0]
	if err := second(max.Move(ctx, deleted, cal("~max", "taken"), false, Terms{})); kindOf(err) != errRefused {
		t.Errorf("an editor takes a deleted calendar along: %v", err)
	}
	if f, err = max.Open(append(deleted, "p"), Terms{}); err != nil || string(f.Bytes()) != "busy" {
		t.Errorf("in a deleted calendar max reads %q, %v", f.Bytes(), err)
	}
	f.Close()
}

// TestMessagesSynced: who syncs a message area is told of what he holds there as in a
// listing.
func TestMessagesSynced(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max", "Team mia=manager max=editor")
	mia, max := of.as("mia"), of.as("max")
	must(t, second(mia.Calendars(ctx, Want{})))
	area := cal("Team", "messages")
	must(t, of.putObject(mia, append(slices.Clip(area), "m"), Object{UID: "m", Component: "VJOURNAL", Extent: day(3, 9, 1)}))
	for _, s := range []*Session{mia, max} {
		listed, _, err := s.List(area, "", 9, Want{})
		must(t, err)
		if synced := everything(t, s, area, "").Members; len(synced) != 1 || len(listed) != 1 || synced[0].Held != listed[0].Held {
			t.Errorf("%s is told %+v by a sync, %+v by a listing", s.UserName(), synced, listed)
		}
	}
}

// TestMessagesInTheTrash: a message is read, and comes back, by the right to
// messages, in the trash as before.
func TestMessagesInTheTrash(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max", "Team mia=manager max=editor")
	mia, max := of.as("mia"), of.as("max")
	if _, err := mia.Calendars(ctx, Want{}); err != nil {
		t.Fatal(err)
	}
	at := cal("Team", "messages", "m")
	must(t, of.putObject(mia, at, Object{UID: "m", Component: "VJOURNAL", Extent: day(3, 9, 1)}))
	must(t, mia.Remove(ctx, at, Terms{}))
	there := of.wantDeleted(max, "Team", "calendar:/Team/messages/m")[0]
	if _, err := max.Open(there, Terms{}); kindOf(err) != errRefused {
		t.Errorf("an editor without the right reads a deleted message: %v", err)
	}
	if err := second(max.Move(ctx, there, at, false, Terms{})); kindOf(err) != errRefused {
		t.Errorf("and restores it: %v", err)
	}
	of.changeAt("/Team", func(p policy.Place) policy.Change {
		return policy.SetEntry{At: p, Entry: policy.Entry{Principal: max.User(), Allow: policy.Messages}}
	})
	f, err := max.Open(there, Terms{})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	must(t, second(max.Move(ctx, there, at, false, Terms{})))
	of.wantFound(mia, cal("Team", "messages"), Search{UID: "m"}, "m")
	of.changeAt("/Team", func(p policy.Place) policy.Change {
		return policy.SetEntry{At: p, Entry: policy.Entry{Principal: max.User(), Deny: policy.Trash}}
	})
	must(t, mia.Remove(ctx, at, Terms{}))
	of.wantDeleted(max, "Team")
}
