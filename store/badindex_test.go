package store

import (
	"slices"
	"testing"

	"davit/policy"
)

// TestBadRecordBreaksNothing: whatever is wrong with one object, the others are found,
// listed, read, synced and counted as busy, and the bad one can be taken away.
func TestBadRecordBreaksNothing(t *testing.T) {
	rubbish := []byte{0xff}
	for _, row := range []struct {
		name   string
		damage func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error
		after  func(tx *Tx, calendar policy.Node) error // what is left of it for the check, nil for nothing
	}{
		{"a time that is none", func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error {
			for k := range rec.spanKeys(calendar, e.Node) {
				if err := tx.w.Put(k, rubbish); err != nil {
					return err
				}
			}
			return nil
		}, nil},
		{"a time that leads nowhere", func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) (err error) {
			for k, v := range rec.spanKeys(calendar, 1<<40) {
				err = firstOf(err, tx.w.Put(k, v))
			}
			return err
		}, func(tx *Tx, calendar policy.Node) (err error) {
			rec := recordOf(&Object{UID: "bad", Extent: day(3, 9, 1)})
			for k := range rec.spanKeys(calendar, 1<<40) {
				err = firstOf(err, tx.w.Delete(k))
			}
			return err
		}},
		{"a UID that leads nowhere", func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error {
			return tx.w.Put(uidKey(calendar, "badly"), beUint64(1<<40))
		}, func(tx *Tx, calendar policy.Node) error { return tx.w.Delete(uidKey(calendar, "badly")) }},
		{"a UID that leads to no number", func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error {
			return tx.w.Put(uidKey(calendar, rec.uid), rubbish)
		}, nil},
		{"a record of rubbish", func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error {
			return tx.w.Put(objectKey(e.Node), rubbish)
		}, nil},
		{"no record", func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error {
			return tx.w.Delete(objectKey(e.Node))
		}, nil},
		{"no content", func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error {
			return tx.w.Delete(hashKey(tableInline, e.content.hash))
		}, nil},
	} {
		for _, way := range []string{"taken away", "written anew"} {
			t.Run(row.name+", "+way, func(t *testing.T) {
				of := newOffice(t, Options{Index: toyIndex}, "mia")
				mia := of.as("mia")
				home := calendarOfThree(of, mia)
				at := append(slices.Clip(home), "bad")
				of.onObject(mia, at, row.damage)
				of.holdOthers(mia, home)
				if way == "written anew" {
					if err := of.putObject(mia, at, Object{UID: "new", Component: "VEVENT", Extent: day(3, 9, 1)}); err != nil {
						t.Fatal(err)
					}
					of.wantFound(mia, home, Search{Span: day(3, 0, 24)}, "bad", "left", "right")
					of.wantFound(mia, home, Search{UID: "new"}, "bad")
				}
				of.bury(mia, at)
				of.wantFound(mia, home, Search{Span: day(3, 0, 24)}, "left", "right")
				of.wantFound(mia, home, Search{UID: "e"}, "left") // of its UIDs nothing is left behind
				if row.after != nil {
					of.onObject(mia, append(slices.Clip(home), "left"), func(tx *Tx, calendar policy.Node, _ *Entry, _ *objectRec) error {
						return row.after(tx, calendar)
					})
				}
			})
		}
	}
}

// bury takes something away for good.
func (of *office) bury(s *Session, p Path) {
	of.t.Helper()
	if err := s.Remove(ctx, p, Terms{}); err != nil {
		of.t.Errorf("%s stays: %v", p, err)
	}
	if _, err := s.Empty(ctx, append(Path{TrashRoot}, p[:2]...), Terms{}); err != nil {
		of.t.Errorf("the trash stays: %v", err)
	}
}

// calendarOfThree has "bad" between two others.
func calendarOfThree(of *office, s *Session) Path {
	of.t.Helper()
	if err := s.BeginCalendars(ctx); err != nil {
		of.t.Fatal(err)
	}
	home := cal("~"+s.UserName(), "calendar")
	for _, name := range []string{"bad", "left", "right"} {
		if err := of.putObject(s, append(slices.Clip(home), name), Object{UID: name, Component: "VEVENT", Extent: day(3, 9, 1)}); err != nil {
			of.t.Fatal(err)
		}
	}
	return home
}

// onObject does something to the records of an object, past all doors.
func (of *office) onObject(s *Session, p Path, do func(tx *Tx, calendar policy.Node, e *Entry, rec *objectRec) error) {
	of.t.Helper()
	err := of.st.update(ctx, 0, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		e := sp.entry()
		rec, err := tx.objectRec(housekeeping(tx, e.Node), e.Node)
		return firstOf(err, do(tx, sp.nodes[len(sp.nodes)-2], e, &rec))
	})
	if err != nil {
		of.t.Fatal(err)
	}
}

// holdOthers asks every door of a calendarOfThree for what is not bad in it.
func (of *office) holdOthers(s *Session, home Path) {
	of.t.Helper()
	has := func(door string, names []string, err error) {
		of.t.Helper()
		if err != nil || !slices.Contains(names, "left") || !slices.Contains(names, "right") {
			of.t.Errorf("%s tells %q, %v", door, names, err)
		}
	}
	for door, q := range map[string]Search{
		"a search by time": {Span: day(3, 0, 24)}, "a search for everything": {Everything: true}, "a search by UID": {UID: "t"},
	} {
		list, _, err := s.Find(home, q)
		var names []string
		for i := range list {
			if list[i].Unread == nil && len(list[i].Content) > 0 {
				names = append(names, list[i].Info.Name)
			}
		}
		has(door, names, err)
	}
	fetched, err := s.Fetch(home, []string{"left", "bad", "right"}, Want{})
	if err != nil || len(fetched) != 3 || fetched[0].Unread != nil || fetched[2].Unread != nil {
		of.t.Errorf("fetched %d, %v", len(fetched), err)
	}
	page, _, err := s.List(home, "", 10, Want{})
	var names []string
	for i := range page {
		names = append(names, page[i].Name)
	}
	has("a listing", names, err)
	synced, err := s.Changes(home, SyncQuery{Limit: 10})
	names = nil
	for i := range synced.Members {
		names = append(names, synced.Members[i].Path[0])
	}
	has("a sync", names, err)
	if busy, err := s.FreeBusy(home, day(3, 0, 24)); err != nil || len(busy.Contents) < 2 {
		of.t.Errorf("busy time is of %d, %v", len(busy.Contents), err)
	}
}
