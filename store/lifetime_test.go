package store

import (
	"fmt"
	"testing"
	"time"

	"davit/policy"
)

// keep gives a space days of its own.
func (of *office) keep(space string, edit func(*policy.Space)) {
	of.t.Helper()
	sp := *of.st.Policy().SpaceNamed(space)
	edit(&sp)
	of.change(policy.PutSpace{Space: sp})
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// TestDaysOfSpaces: a space keeps its trash and versions shorter than the others, not
// longer.
func TestDaysOfSpaces(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor", "Room mia=editor", "Hall mia=editor")
	mia := of.as("mia")
	of.settings(func(s *policy.Settings) { s.TrashDays, s.VersionDays = 30, 40 })
	of.keep("Room", func(sp *policy.Space) { sp.TrashDays, sp.VersionDays = 7, 9 })
	of.keep("Hall", func(sp *policy.Space) { sp.TrashDays, sp.VersionDays = 100, 100 })
	spaces := []string{"Team", "Room", "Hall"}
	for _, space := range spaces {
		of.mkdir(mia, "/"+space+"/dir")
		of.put(mia, "/"+space+"/dir/doc", text(1, 100))
		of.put(mia, "/"+space+"/dir/doc", text(2, 100))
		of.put(mia, "/"+space+"/gone", text(3, 10))
		must(t, remove(mia, "/"+space+"/gone"))
	}
	want := func(space string, versions, deleted bool) {
		t.Helper()
		u := policy.Usage{Live: 100}
		if versions {
			u.Versions = 100
		}
		if deleted {
			u.Trash = 10
		}
		of.wantUsage("/"+space, u)
	}
	for _, row := range []struct {
		after time.Duration
		team  [2]bool // has the version, and what was deleted
		room  [2]bool
	}{
		{days(7) - time.Hour, [2]bool{true, true}, [2]bool{true, true}},
		{2 * time.Hour, [2]bool{true, true}, [2]bool{true, false}},
		{days(2), [2]bool{true, true}, [2]bool{false, false}},
		{days(21), [2]bool{true, false}, [2]bool{false, false}},
		{days(10), [2]bool{false, false}, [2]bool{false, false}},
	} {
		c.advance(row.after)
		of.collect(0)
		want("Team", row.team[0], row.team[1])
		want("Hall", row.team[0], row.team[1])
		want("Room", row.room[0], row.room[1])
	}
	// Where the instance keeps for ever, a space may still have its days.
	of.settings(func(s *policy.Settings) { s.TrashDays, s.VersionDays = 0, 0 })
	for _, space := range spaces {
		of.put(mia, "/"+space+"/dir/doc", text(4, 100))
	}
	c.advance(days(50))
	of.collect(0)
	want("Team", true, false)
	want("Hall", true, false)
	want("Room", false, false)
	// What lies below a deleted folder counts by its space, too.
	of.put(mia, "/Room/dir/doc", text(5, 100))
	must(t, remove(mia, "/Room/dir"))
	of.keep("Room", func(sp *policy.Space) { sp.TrashDays = 0 })
	c.advance(days(10))
	of.collect(0)
	of.wantUsage("/Room", policy.Usage{Trash: 100})
}

// TestLifetime: files that nobody touches go into the trash of their space after its
// days, with their versions.
func TestLifetime(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor", "Room mia=editor")
	mia := of.as("mia")
	of.keep("Room", func(sp *policy.Space) { sp.FileDays = 10 })
	of.mkdir(mia, "/Room/dir")
	of.mkdir(mia, "/Room/other")
	for _, p := range []string{"/Team/old", "/Team/come", "/Room/old", "/Room/dir/old", "/Room/dir/written", "/Room/locked", "/Room/other/renamed"} {
		of.put(mia, p, text(1, 100))
	}
	of.put(mia, "/Room/old", text(2, 100))
	c.advance(days(8))
	of.put(mia, "/Room/dir/written", text(2, 100))
	of.move(mia, "/Team/come", "/Room/come")
	of.move(mia, "/Room/other", "/Room/another")
	// A client says how old what it uploads is: that is no age here.
	must(t, mia.SetProps(ctx, split("/Room/come"), nil, c.Now().Add(-days(1000)), Terms{}))
	c.advance(days(2) - 30*time.Minute)
	of.collect(0)
	of.wantTrash(mia, "Room")
	of.lock(mia, "/Room/locked", LockRequest{Timeout: days(1)})
	c.advance(40 * time.Minute)
	of.collect(0)
	deleted := of.wantTrash(mia, "Room", "/Room/old", "/Room/dir/old")
	of.wantTrash(mia, "Team")
	of.clean()

	// What is taken out again stays for the days from then on.
	of.move(mia, deleted[0], "/Room/old")
	of.wantVersions("/Room/old", text(1, 100))
	c.advance(days(9))
	of.collect(0)
	of.wantListed(mia, "Room", "another/", "dir/", "old")
	of.keep("Room", func(sp *policy.Space) { sp.State = policy.Archived })
	c.advance(days(2))
	of.collect(0)
	of.wantListed(mia, "Room", "another/", "dir/", "old")
	of.keep("Room", func(sp *policy.Space) { sp.State = policy.Active })
	of.collect(0)
	of.wantListed(mia, "Room", "another/", "dir/")
	of.wantListed(mia, "Room/dir")
	of.wantListed(mia, "Team", "old")
	of.wantContent(mia, ".trash/Room/written", text(2, 100))
}

// TestLifetimeBeyondTheLog: what the log has forgotten was not touched for as long as
// it remembers, and the times of a file tell the rest.
func TestLifetimeBeyondTheLog(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Room mia=editor")
	mia := of.as("mia")
	of.keep("Room", func(sp *policy.Space) { sp.FileDays = 200 })
	of.put(mia, "/Room/first", text(1, 100))
	of.put(mia, "/Room/written", text(1, 100))
	c.advance(days(100))
	of.put(mia, "/Room/second", text(2, 100))
	must(t, mia.SetProps(ctx, split("/Room/second"), nil, c.Now().Add(-days(1000)), Terms{}))
	of.put(mia, "/Room/written", text(2, 100))
	c.advance(days(101))
	of.collect(0) // forgets first
	of.collect(0)
	of.wantListed(mia, "Room", "second", "written")
	c.advance(days(100))
	of.collect(0)
	of.wantListed(mia, "Room")
}

// TestLifetimeOfMany: more files and folders than one look takes in.
func TestLifetimeOfMany(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Room mia=editor")
	mia := of.as("mia")
	of.keep("Room", func(sp *policy.Space) { sp.FileDays = 1 })
	of.mkdir(mia, "/Room/dir")
	for i := range expireSlice + 20 {
		of.put(mia, fmt.Sprintf("/Room/dir/%d", i), text(1, 10))
	}
	c.advance(days(2))
	of.collect(0)
	of.wantListed(mia, "Room", "dir/")
	of.wantListed(mia, "Room/dir")
}
