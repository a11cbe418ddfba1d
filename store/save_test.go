package store

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"davit/policy"
)

// saveOffice has an editor and two contributors in a space with a document of
// the editor's, more than an hour old, that bears a property and is closed to
// lea.
func saveOffice(t *testing.T) (of *office, mia, max, lea *Session, c *clock) {
	c = newClock()
	of = newOffice(t, Options{Clock: c.Now}, "mia max lea zoe", "Team mia=editor max=contributor lea=contributor zoe=contributor", "Room max=contributor")
	mia, max, lea = of.as("mia"), of.as("max"), of.as("lea")
	of.mkdir(mia, "/Team/dir")
	of.put(mia, "/Team/doc", text(1, 100))
	color := []Prop{{Space: "urn:test", Local: "color", Value: []byte("<x/>")}}
	if err := mia.SetProps(ctx, split("/Team/doc"), color, time.Time{}, Terms{}); err != nil {
		t.Fatal(err)
	}
	of.entry("/Team/doc", policy.Entry{Principal: lea.User(), Deny: policy.All})
	c.advance(2 * time.Hour)
	return of, mia, max, lea, c
}

func (of *office) entry(path string, e policy.Entry) {
	of.t.Helper()
	of.changeAt(path, func(at policy.Place) policy.Change { return policy.SetEntry{At: at, Entry: e} })
}

func move(s *Session, from, to string) error {
	_, err := s.Move(ctx, split(from), split(to), true, Terms{})
	return err
}

func (of *office) move(s *Session, from, to string) {
	of.t.Helper()
	if err := move(s, from, to); err != nil {
		of.t.Fatalf("move %s to %s: %v", from, to, err)
	}
}

// binned reads what lies in the trash of a space, by name.
func (of *office) binned(space string) map[string]trashRec {
	of.t.Helper()
	all := map[string]trashRec{}
	err := of.st.view(func(tx *Tx) error {
		return scanTable(tx.r, tableTrash, func(_, v []byte) error {
			rec, err := decodeTrash(v)
			all[rec.entry.Name] = rec
			return err
		})
	})
	if err != nil {
		of.t.Fatal(err)
	}
	return all
}

// wantBinned holds the trash to one file of that name and content, which only
// those may see who saw the document.
func (of *office) wantBinned(name string, content []byte) {
	of.t.Helper()
	all := of.binned("Team")
	rec, there := all[name]
	if len(all) != 1 || !there {
		of.t.Fatalf("the trash holds %d files, and %s: %t", len(all), name, there)
	}
	var got []byte
	err := of.st.view(func(tx *Tx) (err error) {
		got, _, err = tx.content(housekeeping(tx, rec.entry.Node), &rec.entry)
		return err
	})
	if err != nil || !bytes.Equal(got, content) {
		of.t.Errorf("in the trash are %d bytes, want %d (%v)", len(got), len(content), err)
	}
	mark := of.st.Policy().Mark(rec.entry.Node)
	if mark == nil || len(mark.Entries) != 1 || mark.Entries[0].Deny != policy.All {
		of.t.Errorf("what was kept in the trash has the entries %+v", mark)
	}
}

// wantSaved holds the document to being the file that it was, with new content.
func (of *office) wantSaved(was Info, content []byte) {
	of.t.Helper()
	mia := of.as("mia")
	of.wantContent(mia, "/Team/doc", content)
	is, err := mia.Stat(split("/Team/doc"), Want{Props: true})
	if err != nil || is.Node != was.Node || is.Creator != was.Creator || is.Created != was.Created || len(is.Props) != 1 || is.ETag() == was.ETag() {
		of.t.Errorf("the document was %+v and is %+v (%v)", was, is, err)
	}
	if _, err := of.as("lea").Stat(split("/Team/doc"), Want{}); !errors.Is(err, ErrNotFound) {
		of.t.Errorf("lea, whom it is closed to, finds it: %v", err)
	}
}

func (of *office) stat(s *Session, path string) Info {
	of.t.Helper()
	info, err := s.Stat(split(path), Want{})
	if err != nil {
		of.t.Fatalf("stat %s: %v", path, err)
	}
	return info
}

// TestSaveOver: the target of a save stays the file that it was, for who writes
// without delete, and its lock stays on it.
func TestSaveOver(t *testing.T) {
	for _, size := range []int{0, 100, 20_000} {
		of, mia, max, _, _ := saveOffice(t)
		was := of.stat(mia, "/Team/doc")
		of.put(max, "/Team/tmp", text(2, size))
		of.entry("/Team/tmp", policy.Entry{Principal: max.User(), Allow: policy.Reshare})
		l := of.lock(max, "/Team/doc", LockRequest{})
		if _, err := max.Move(ctx, split("/Team/tmp"), split("/Team/doc"), true, Terms{}); kindOf(err) != errLocked {
			t.Errorf("saved over a lock: %v", err)
		}
		placed, err := max.Move(ctx, split("/Team/tmp"), split("/Team/doc"), true, holding(l.Token))
		if placed.Created || err != nil {
			t.Fatalf("created %t, %v", placed.Created, err)
		}
		of.wantSaved(was, text(2, size))
		of.wantVersions("/Team/doc", text(1, 100))
		if _, err := max.Stat(split("/Team/tmp"), Want{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("the temporary file: %v", err)
		}
		if _, _, err := put(mia, "/Team/doc", nil); kindOf(err) != errLocked {
			t.Errorf("the lock went with the save: %v", err)
		}
	}
}

// TestSaveThroughAFolder is how macOS saves.
func TestSaveThroughAFolder(t *testing.T) {
	of, mia, max, _, _ := saveOffice(t)
	was := of.stat(mia, "/Team/doc")
	of.mkdir(max, "/Team/doc.sb-1")
	of.put(max, "/Team/doc.sb-1/doc", text(2, 30))
	of.move(max, "/Team/doc.sb-1/doc", "/Team/doc")
	if err := max.Remove(ctx, split("/Team/doc.sb-1"), Terms{}); err != nil {
		t.Error(err)
	}
	of.wantSaved(was, text(2, 30))
	of.wantVersions("/Team/doc", text(1, 100))
}

// TestSaveAside moves the original away first: with the new file written to the
// name, locked there first, or moved there.
func TestSaveAside(t *testing.T) {
	for _, way := range []struct {
		name, backup string
		write        func(of *office, s *Session)
	}{
		{"vim", "/Team/doc~", func(of *office, s *Session) { of.put(s, "/Team/doc", text(2, 30)) }},
		{"davfs2", "/Team/DOC.BAK", func(of *office, s *Session) {
			l := of.lock(s, "/Team/doc", LockRequest{})
			if err := touch(s, "/Team/doc", holding(l.Token)); err != nil {
				of.t.Fatal(err)
			}
			if err := s.Unlock(ctx, split("/Team/doc"), l.Token); err != nil {
				of.t.Fatal(err)
			}
			of.put(s, "/Team/doc", text(2, 30))
		}},
		{"Word", "/Team/~WRL0001.tmp", func(of *office, s *Session) {
			of.put(s, "/Team/~WRD0002.tmp", text(2, 30))
			of.move(s, "/Team/~WRD0002.tmp", "/Team/doc")
		}},
		{"macOS", "/Team/doc.sb-12ab", func(of *office, s *Session) { of.put(s, "/Team/doc", text(2, 30)) }},
	} {
		t.Run(way.name, func(t *testing.T) {
			of, mia, max, lea, _ := saveOffice(t)
			was := of.stat(mia, "/Team/doc")
			of.move(max, "/Team/doc", way.backup)
			if err := max.Remove(ctx, split(way.backup), Terms{}); kindOf(err) != errRefused {
				t.Fatalf("the only copy was deleted: %v", err)
			}
			way.write(of, max)
			of.wantSaved(was, text(2, 30))
			of.wantContent(mia, way.backup, text(1, 100))
			if _, err := lea.Stat(split(way.backup), Want{}); !errors.Is(err, ErrNotFound) {
				t.Errorf("lea finds the backup: %v", err)
			}
			if err := max.Remove(ctx, split(way.backup), Terms{}); err != nil {
				t.Fatal(err)
			}
			of.wantBinned(split(way.backup)[1], text(1, 100))
		})
	}
}

// TestSaveGivenUp: what was set aside goes back, by anybody who may write it, or
// stays where it is, whole.
func TestSaveGivenUp(t *testing.T) {
	of, mia, max, _, c := saveOffice(t)
	was := of.stat(mia, "/Team/doc")
	of.move(max, "/Team/doc", "/Team/doc~")
	if err := move(max, "/Team/doc~", "/Team/other"); kindOf(err) != errRefused {
		t.Errorf("moved to a name that it did not have: %v", err)
	}
	of.move(max, "/Team/doc~", "/Team/doc")
	if is := of.stat(mia, "/Team/doc"); is.Node != was.Node || is.Rev != was.Rev {
		t.Errorf("put back: %+v", is)
	}

	of.move(max, "/Team/doc", "/Team/doc~")
	c.advance(time.Hour)
	if err := move(max, "/Team/doc~", "/Team/doc"); kindOf(err) != errRefused {
		t.Errorf("put back after an hour: %v", err)
	}
	of.put(max, "/Team/doc", text(2, 30))
	if is := of.stat(mia, "/Team/doc~"); is.Node != was.Node || of.stat(mia, "/Team/doc").Node == was.Node {
		t.Errorf("came back after an hour: %+v", is)
	}
	if err := max.Remove(ctx, split("/Team/doc~"), Terms{}); kindOf(err) != errRefused {
		t.Errorf("the old file deleted: %v", err)
	}
	c.advance(asideKept)
	of.collect(0)
	n := 0
	if err := of.st.view(func(tx *Tx) (err error) { n, err = count(tx.r, tableAside); return err }); err != nil || n != 0 {
		t.Errorf("%d records of what was set aside are left (%v)", n, err)
	}
}

// TestAsideStays: what was set aside does not come back for another's file, for a
// folder, over a lock on it, or when something else has its name.
func TestAsideStays(t *testing.T) {
	for what, instead := range map[string]func(of *office, max *Session){
		"another's file": func(of *office, _ *Session) { of.put(of.as("zoe"), "/Team/doc", text(2, 30)) },
		"a folder":       func(of *office, max *Session) { of.mkdir(max, "/Team/doc") },
		"a lock": func(of *office, max *Session) {
			of.lock(of.as("mia"), "/Team/doc~", LockRequest{})
			of.put(max, "/Team/doc", text(2, 30))
		},
		"an editor's move": func(of *office, max *Session) {
			of.move(of.as("mia"), "/Team/doc~", "/Team/dir/doc~")
			other := of.put(max, "/Team/doc~", text(3, 30))
			of.put(max, "/Team/doc", text(2, 30))
			if of.stat(max, "/Team/doc~").Node != other.Node {
				t.Error("what only has the name came back")
			}
		},
		"a wall": func(of *office, max *Session) {
			of.entry("/Team/doc~", policy.Entry{Principal: max.User(), Deny: policy.Write})
			of.put(max, "/Team/doc", text(2, 30))
		},
		"an older file": func(of *office, max *Session) {
			of.level("Team", "max", "creator")
			of.move(max, "/Team/old", "/Team/doc")
		},
	} {
		of, mia, max, _, c := saveOffice(t)
		was := of.stat(mia, "/Team/doc")
		of.put(max, "/Team/old", text(2, 30))
		c.advance(time.Hour)
		of.move(max, "/Team/doc", "/Team/doc~")
		instead(of, max)
		if is := of.stat(mia, "/Team/doc"); is.Node == was.Node {
			t.Errorf("%s: it came back", what)
		}
	}
}

// TestSaveIsNoWayAround: what looks like a save and is not.
func TestSaveIsNoWayAround(t *testing.T) {
	for _, row := range []struct {
		what     string
		from, to string
		prepare  func(of *office, max *Session, c *clock)
	}{
		{"a temporary of somebody else's", "/Team/tmp", "/Team/doc", func(of *office, _ *Session, _ *clock) {
			of.put(of.as("mia"), "/Team/tmp", text(2, 30))
		}},
		{"one that somebody else wrote to", "/Team/tmp", "/Team/doc", func(of *office, max *Session, _ *clock) {
			of.put(max, "/Team/tmp", text(2, 30))
			of.put(of.as("mia"), "/Team/tmp", text(2, 40))
		}},
		{"one in another folder", "/Team/dir/tmp", "/Team/doc", func(of *office, max *Session, _ *clock) {
			of.put(max, "/Team/dir/tmp", text(2, 30))
		}},
		{"one from another space", "/Room/tmp", "/Team/doc", func(of *office, max *Session, _ *clock) {
			of.put(max, "/Room/tmp", text(2, 30))
		}},
		{"one that is an hour old", "/Team/tmp", "/Team/doc", func(of *office, max *Session, c *clock) {
			of.put(max, "/Team/tmp", text(2, 30))
			c.advance(time.Hour)
		}},
		{"one in a folder that is an hour old", "/Team/mine/tmp", "/Team/doc", func(of *office, max *Session, c *clock) {
			of.mkdir(max, "/Team/mine")
			c.advance(time.Hour)
			of.put(max, "/Team/mine/tmp", text(2, 30))
		}},
		{"over a hidden file", "/Team/tmp", "/Team/doc", func(of *office, max *Session, _ *clock) {
			of.put(max, "/Team/tmp", text(2, 30))
			of.entry("/Team/doc", policy.Entry{Principal: max.User(), Deny: policy.See})
		}},
		{"over a file that may not be written", "/Team/tmp", "/Team/doc", func(of *office, max *Session, _ *clock) {
			of.put(max, "/Team/tmp", text(2, 30))
			of.entry("/Team/doc", policy.Entry{Principal: max.User(), Deny: policy.Write})
		}},
		{"over a folder", "/Team/tmp", "/Team/dir", func(of *office, max *Session, _ *clock) {
			of.put(max, "/Team/tmp", text(2, 30))
		}},
		{"a folder over a file", "/Team/new", "/Team/doc", func(of *office, max *Session, _ *clock) {
			of.mkdir(max, "/Team/new")
		}},
		{"in an archived space", "/Team/tmp", "/Team/doc", func(of *office, max *Session, _ *clock) {
			of.put(max, "/Team/tmp", text(2, 30))
			of.archive("Team")
		}},
		{"where the own hour is none", "/Team/tmp", "/Team/doc", func(of *office, max *Session, _ *clock) {
			of.put(max, "/Team/tmp", text(2, 30))
			of.ownHour("Team", 0)
		}},
		{"away to another name", "/Team/doc", "/Team/other", nil},
		{"away to another folder", "/Team/doc", "/Team/dir/doc~", nil},
		{"away to another space", "/Team/doc", "/Room/doc~", nil},
		{"a folder away", "/Team/dir", "/Team/dir~", nil},
		{"away over another's backup", "/Team/doc", "/Team/doc~", func(of *office, _ *Session, _ *clock) {
			of.put(of.as("mia"), "/Team/doc~", text(2, 30))
		}},
		{"away without write", "/Team/doc", "/Team/doc~", func(of *office, max *Session, _ *clock) {
			of.entry("/Team/doc", policy.Entry{Principal: max.User(), Deny: policy.Write})
		}},
	} {
		of, mia, max, _, c := saveOffice(t)
		if row.prepare != nil {
			row.prepare(of, max, c)
		}
		before := of.dump(mia)
		if err := move(max, row.from, row.to); kindOf(err) != errRefused {
			t.Errorf("%s: %v", row.what, err)
		}
		if after := of.dump(mia); !slices.Equal(sortedLines(before), sortedLines(after)) {
			t.Errorf("%s: it changed\n%v\nto\n%v", row.what, before, after)
		}
	}
}

func sortedLines(dump map[string]string) (lines []string) {
	for p, line := range dump {
		lines = append(lines, p+" "+line)
	}
	slices.Sort(lines)
	return lines
}

func (of *office) archive(space string) {
	of.t.Helper()
	sp := *of.st.Policy().SpaceNamed(space)
	sp.State = policy.Archived
	of.change(policy.PutSpace{Space: sp})
}

func (of *office) ownHour(space string, seconds int64) {
	of.t.Helper()
	sp := *of.st.Policy().SpaceNamed(space)
	sp.OwnHour, sp.State = &seconds, policy.Active
	of.change(policy.PutSpace{Space: sp})
}
