package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"davit/policy"
)

// wantTrash holds what somebody finds in the trash of a space to the names that
// the files had, in the order of the deletions; it gives their names there.
func (of *office) wantTrash(s *Session, space string, names ...string) (paths []string) {
	of.t.Helper()
	var found []string
	for after, more := "", true; more; {
		var page []Info
		var err error
		if page, more, err = s.List(Path{TrashRoot, space}, after, 1, Want{}); err != nil {
			of.t.Fatal(err)
		}
		for _, info := range page {
			after = info.Name
			found = append(found, info.Origin.Path.String())
			paths = append(paths, Path{TrashRoot, space, info.Name}.String()[1:])
		}
	}
	if !slices.Equal(found, names) {
		of.t.Errorf("the trash of %s shows %q, want %q", space, found, names)
	}
	return paths
}

func remove(s *Session, path string) error { return s.Remove(ctx, split(path), Terms{}) }

// TestTrash: what was deleted is found, read, walked and copied from the trash,
// and goes back to its place with its entries and versions.
func TestTrash(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=editor max=editor")
	mia, max := of.as("mia"), of.as("max")
	of.mkdir(mia, "/Team/dir")
	of.put(mia, "/Team/dir/doc", text(1, 100))
	of.put(mia, "/Team/dir/doc", text(2, 200))
	of.put(mia, "/Team/dir/other", text(3, 50))
	of.entry("/Team/dir", policy.Entry{Principal: max.User(), Allow: policy.Reshare})
	before := of.dump(max)
	must(t, remove(mia, "/Team/dir"))
	of.wantUsage("/Team", policy.Usage{Trash: 350})
	there := of.wantTrash(max, "Team", "/Team/dir")
	of.wantContent(max, there[0]+"/doc", text(2, 200))
	page, _, err := max.List(split(there[0]), "", 9, Want{})
	if err != nil || len(page) != 2 || page[0].Name != "doc" {
		t.Errorf("a deleted folder holds %+v (%v)", page, err)
	}
	must(t, second(max.Copy(ctx, split(there[0]), split("/Team/copy"), false, false, Terms{})))
	of.wantContent(max, "/Team/copy/doc", text(2, 200))
	must(t, remove(max, "/Team/copy"))
	of.wantTrash(max, "Team", "/Team/dir", "/Team/copy")

	must(t, second(max.Move(ctx, split(there[0]), split("/Team/dir"), false, Terms{})))
	of.reopen()
	if after := of.dump(of.as("max")); !slices.Equal(sortedLines(before), sortedLines(after)) {
		t.Errorf("restored\n%v\nof\n%v", after, before)
	}
	of.wantVersions("/Team/dir/doc", text(1, 100))
	of.wantUsage("/Team", policy.Usage{Live: 250, Versions: 100, Trash: 250})
	of.wantTrash(of.as("max"), "Team", "/Team/copy")
}

// TestTrashIsFoundByWhoSawIt: others find nothing, under no name.
func TestTrashIsFoundByWhoSawIt(t *testing.T) {
	of := newOffice(t, Options{}, "mia max lea zoe", "Team mia=editor max=editor lea=contributor")
	mia, max, lea := of.as("mia"), of.as("max"), of.as("lea")
	of.mkdir(mia, "/Team/HR")
	of.put(mia, "/Team/HR/pay", text(1, 100))
	of.put(mia, "/Team/open", text(2, 100))
	of.entry("/Team/HR", policy.Entry{Principal: max.User(), Deny: policy.See})
	must(t, remove(mia, "/Team/HR/pay"))
	must(t, remove(mia, "/Team/open"))
	there := of.wantTrash(mia, "Team", "/Team/HR/pay", "/Team/open")
	of.wantTrash(max, "Team", "/Team/open")
	of.wantTrash(lea, "Team") // who holds no trash
	for _, p := range []string{there[0], ".trash/Team/pay", ".trash/Team/nothing", ".trash/Team/nothing (1)", ".trash/Nowhere", ".trash"} {
		for what, err := range map[string]error{
			"stat":    second(max.Stat(split(p), Want{})),
			"open":    second(max.Open(split(p), Terms{})),
			"copy":    second(max.Copy(ctx, split(p), split("/Team/copy"), false, false, Terms{})),
			"restore": move(max, p, "/Team/pay"),
			"erase":   remove(max, p),
		} {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("max, %s %s: %v", what, p, err)
			}
		}
	}
	// To whom the space is missing its trash is, though something in it names her.
	zoe := of.as("zoe")
	of.mkdir(mia, "/Team/side")
	of.entry("/Team/side", policy.Entry{Principal: zoe.User(), Allow: policy.See | policy.Trash | policy.Read})
	of.put(mia, "/Team/side/note", text(3, 100))
	must(t, remove(mia, "/Team/side/note"))
	note := of.wantTrash(zoe, "Team", "/Team/side/note")[0]
	must(t, remove(mia, "/Team/side"))
	for _, p := range []string{".trash/Team", note, ".trash/Team/note", ".trash/Team/side"} {
		for what, err := range map[string]error{
			"stat": second(zoe.Stat(split(p), Want{})), "open": second(zoe.Open(split(p), Terms{})), "erase": remove(zoe, p),
		} {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("zoe, to whom the space is missing, %s %s: %v", what, p, err)
			}
		}
	}
	of.wantTrash(mia, "Team", "/Team/HR/pay", "/Team/open", "/Team/side/note", "/Team/side")
	// What lies there is not written, locked, listed by an ACL or shared.
	for what, err := range map[string]error{
		"put":       second2(put(mia, there[1], nil)),
		"put below": second2(put(mia, ".trash/Team/new", nil)),
		"mkdir":     second(mia.Mkdir(ctx, split(there[1]+"/x"), Terms{})),
		"props":     mia.SetProps(ctx, split(there[1]), []Prop{{"urn:test", "a", []byte("b")}}, time.Time{}, Terms{}),
		"lock":      second2(mia.Lock(ctx, split(there[1]), LockRequest{}, Terms{})),
		"move in":   move(mia, "/Team/HR", ".trash/Team/HR"),
		"copy in":   second(mia.Copy(ctx, split("/Team/HR"), split(there[1]), true, false, Terms{})),
	} {
		if !errors.Is(err, ErrReserved) {
			t.Errorf("%s in the trash: %v", what, err)
		}
	}
	if err := remove(mia, there[0]); kindOf(err) != errRefused {
		t.Errorf("erased without purge: %v", err)
	}
	if _, err := mia.Empty(ctx, Path{TrashRoot, "Team"}, Terms{}); kindOf(err) != errRefused {
		t.Errorf("emptied without purge: %v", err)
	}
}

// TestRestoring: names that are taken, other places, parts of a folder, and what
// lay in one that went as well.
func TestRestoring(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=editor max=editor", "Room mia=manager")
	mia, max := of.as("mia"), of.as("max")
	of.mkdir(mia, "/Team/dir", "/Team/dir/sub", "/Team/else")
	for i, p := range []string{"/Team/dir/a", "/Team/dir/b", "/Team/dir/sub/c"} {
		of.put(mia, p, text(i, 100))
	}
	must(t, remove(mia, "/Team/dir/a"))
	must(t, remove(mia, "/Team/dir"))
	there := of.wantTrash(mia, "Team", "/Team/dir/a", "/Team/dir")
	if err := move(mia, there[0], "/Team/dir/a"); !errors.Is(err, ErrNoParent) {
		t.Errorf("to a folder that is gone: %v", err)
	}
	of.move(mia, there[0], "/Team/else/a")
	of.move(mia, there[1]+"/sub", "/Team/sub")
	of.wantContent(mia, "/Team/sub/c", text(2, 100))
	of.wantUsage("/Team", policy.Usage{Live: 200, Trash: 100})
	of.put(mia, "/Team/b", text(9, 10))
	if placed, err := mia.Move(ctx, split(there[1]+"/b"), split("/Team/b"), false, Terms{}); placed.Created || !errors.Is(err, ErrExists) {
		t.Errorf("onto a name that is taken: %v", err)
	}
	of.move(mia, there[1]+"/b", "/Team/b") // what stood there goes into the trash
	of.wantContent(mia, "/Team/b", text(1, 100))
	there = of.wantTrash(mia, "Team", "/Team/dir", "/Team/b")

	of.entry("/Team/else", policy.Entry{Principal: max.User(), Deny: policy.Read})
	must(t, remove(mia, "/Team/else/a"))
	there = of.wantTrash(max, "Team", "/Team/dir", "/Team/b", "/Team/else/a")
	if err := move(max, there[2], "/Team/mine"); kindOf(err) != errRefused {
		t.Errorf("max restores what he may not read to where he might: %v", err)
	}
	of.move(max, there[2], "/Team/else/a")
	if err := move(mia, there[1], "/Room/b"); kindOf(err) != errRefused {
		t.Errorf("to another space, without purge: %v", err)
	}
	of.level("Team", "mia", "manager")
	of.move(mia, there[1], "/Room/b")
	of.wantTrash(mia, "Team", "/Team/dir")
}

// TestErasing: what is erased is charged to nobody at once, and the collector
// takes the rest down.
func TestErasing(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=manager")
	mia := of.as("mia")
	of.mkdir(mia, "/Team/dir", "/Team/dir/sub")
	for i := range 20 {
		of.put(mia, fmt.Sprintf("/Team/dir/sub/%d", i), text(i, 100))
		of.put(mia, fmt.Sprintf("/Team/dir/sub/%d", i), text(i+1, 100))
	}
	of.put(mia, "/Team/doc", bigFile)
	of.quota("/Team/dir/sub", 100_000)
	for _, p := range []string{"/Team/dir/sub/3", "/Team/dir/sub", "/Team/dir", "/Team/doc"} {
		must(t, remove(mia, p))
	}
	there := of.wantTrash(mia, "Team", "/Team/dir/sub/3", "/Team/dir/sub", "/Team/dir", "/Team/doc")
	must(t, remove(mia, there[2]))
	of.wantTrash(mia, "Team", "/Team/doc")
	of.wantUsage("/Team", policy.Usage{Trash: int64(len(bigFile))})
	of.clean() // on the way
	of.collect(0)
	found := of.clean()
	if found.Collections != 2 || found.Trashed != 1 {
		t.Errorf("after the collection there are %+v", found)
	}
	for range 3 {
		of.put(mia, "/Team/again", nil)
		must(t, remove(mia, "/Team/again"))
	}
	if n, err := mia.Empty(ctx, Path{TrashRoot, "Team"}, Terms{}); n != 4 || err != nil {
		t.Errorf("%d deletions erased (%v)", n, err)
	}
	of.wantTrash(mia, "Team")
	of.wantUsage("/Team", policy.Usage{})
}

// TestTrashExpires: the settings say how long the trash and versions are kept.
func TestTrashExpires(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
	mia := of.as("mia")
	day := 24 * time.Hour
	of.mkdir(mia, "/Team/dir")
	for i := range 3 {
		of.put(mia, "/Team/doc", text(i, 100))
		of.put(mia, "/Team/dir/doc", text(i, 100))
		c.advance(40 * day)
	}
	of.settings(func(s *policy.Settings) { s.TrashDays, s.VersionDays = 0, 0 })
	must(t, remove(mia, "/Team/dir"))
	of.collect(0)
	of.wantVersions("/Team/doc", text(0, 100), text(1, 100))
	of.settings(func(s *policy.Settings) { s.TrashDays, s.VersionDays = 30, 50 })
	of.collect(0)
	of.wantVersions("/Team/doc", text(1, 100))
	of.wantUsage("/Team", policy.Usage{Live: 100, Versions: 100, Trash: 200})
	c.advance(30*day - time.Second)
	of.collect(0)
	of.wantTrash(mia, "Team", "/Team/dir")
	c.advance(2 * time.Second)
	of.collect(0)
	of.wantTrash(mia, "Team")
	of.wantUsage("/Team", policy.Usage{Live: 100})
}

// TestVersionsAreFiles: below their root they are listed, read, copied, restored
// and erased, by who may look into the history.
func TestVersionsAreFiles(t *testing.T) {
	of := newOffice(t, Options{}, "mia max lea", "Team mia=manager max=viewer lea=editor")
	mia, max, lea := of.as("mia"), of.as("max"), of.as("lea")
	of.mkdir(mia, "/Team/dir")
	for i := range 4 {
		of.put([]*Session{mia, lea}[i%2], "/Team/dir/doc", text(i, 100+i))
	}
	page, _, err := mia.List(split(".versions/Team/dir"), "", 9, Want{})
	if err != nil || len(page) != 1 || !page[0].Dir {
		t.Fatalf("the folder holds %+v (%v)", page, err)
	}
	if page, _, err = mia.List(split(".versions/Team/dir"), "", 9, Want{}); err != nil {
		t.Fatal(err)
	}
	page, more, err := mia.List(split(".versions/Team/dir/doc"), "version-1", 1, Want{})
	if err != nil || !more || page[0].Name != "version-2" || page[0].Creator != lea.User() || page[0].Size != 101 {
		t.Errorf("the second version: %+v, more %t (%v)", page, more, err)
	}
	of.wantContent(lea, ".versions/Team/dir/doc/version-2", text(1, 101))
	if _, err := max.Stat(split(".versions/Team/dir/doc"), Want{}); kindOf(err) != errRefused {
		t.Errorf("max, who holds no history: %v", err)
	}
	// Who writes and has no right to the history learns nothing of it.
	of.entry("/Team/dir", policy.Entry{Principal: max.User(), Allow: policy.Write | policy.Props})
	for _, version := range []string{"version-1", "version-9"} {
		from := split(".versions/Team/dir/doc/" + version)
		if _, err := max.Copy(ctx, from, split("/Team/dir/doc"), true, false, Terms{}); kindOf(err) != errRefused {
			t.Errorf("max, who writes, restores %s: %v", version, err)
		}
	}
	of.entry("/Team/dir", policy.Entry{Principal: max.User(), Deny: policy.See})
	for _, p := range []string{"doc", "doc/version-1", "doc/version-9", "nothing"} {
		if _, err := max.Stat(split(".versions/Team/dir/"+p), Want{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("max, to whom %s is hidden: %v", p, err)
		}
	}

	must(t, lea.SetProps(ctx, split("/Team/dir/doc"), []Prop{{"urn:test", "a", []byte("b")}}, time.Time{}, Terms{}))
	must(t, second(lea.Copy(ctx, split(".versions/Team/dir/doc/version-1"), split("/Team/dir/doc"), true, false, Terms{})))
	of.wantContent(mia, "/Team/dir/doc", text(0, 100))
	of.wantVersions("/Team/dir/doc", text(0, 100), text(1, 101), text(2, 102), text(3, 103))
	of.move(lea, ".versions/Team/dir/doc/version-3", "/Team/dir/doc")
	of.wantVersions("/Team/dir/doc", text(0, 100), text(1, 101), text(3, 103), text(0, 100))
	if info, err := lea.Stat(split("/Team/dir/doc"), Want{Props: true}); err != nil || len(info.Props) != 1 || info.Size != 102 {
		t.Errorf("restored: %+v (%v)", info, err)
	}
	must(t, second(lea.Copy(ctx, split(".versions/Team/dir/doc/version-2"), split("/Team/dir/old"), false, false, Terms{})))
	of.wantContent(lea, "/Team/dir/old", text(1, 101))
	for what, err := range map[string]error{
		"a version to another name": move(lea, ".versions/Team/dir/doc/version-2", "/Team/dir/x"),
		"all versions":              move(lea, ".versions/Team/dir/doc", "/Team/dir/x"),
		"a copy of all":             second(lea.Copy(ctx, split(".versions/Team/dir/doc"), split("/Team/x"), false, false, Terms{})),
		"a folder":                  remove(lea, ".versions/Team/dir"),
	} {
		if !errors.Is(err, ErrReserved) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := remove(lea, ".versions/Team/dir/doc/version-2"); kindOf(err) != errRefused {
		t.Errorf("erased without purge: %v", err)
	}
	must(t, remove(mia, ".versions/Team/dir/doc/version-2"))
	of.wantVersions("/Team/dir/doc", text(0, 100), text(3, 103), text(0, 100))
	must(t, remove(mia, ".versions/Team/dir/doc"))
	of.wantVersions("/Team/dir/doc")
}

// TestVersionsInTrash: what a deleted file was before is listed and read, by who finds
// the file in the trash and may look into its history, and changes only with it.
func TestVersionsInTrash(t *testing.T) {
	of := newOffice(t, Options{}, "mia max lea zoe", "Team mia=manager max=viewer lea=editor zoe=reviser")
	mia, max, lea, zoe := of.as("mia"), of.as("max"), of.as("lea"), of.as("zoe")
	of.entry("/Team", policy.Entry{Principal: max.User(), Allow: policy.Trash})
	of.mkdir(mia, "/Team/dir")
	of.mkdir(mia, "/Team/dir/apart")
	of.entry("/Team/dir/apart", policy.Entry{Principal: lea.User(), Deny: policy.Trash})
	for i := range 3 {
		of.put(lea, "/Team/dir/doc", text(i, 100+i))
		of.put(lea, "/Team/note", text(i, 10+i))
	}
	must(t, remove(mia, "/Team/note"))
	must(t, remove(mia, "/Team/dir"))
	of.wantUsage("/Team", policy.Usage{Trash: 102 + 201 + 12 + 21})

	of.wantListed(mia, ".versions/.trash/Team", "note (9)/", "dir (10)/")
	of.wantListed(max, ".versions/.trash/Team", "dir (10)/") // who holds no history finds folders alone
	of.wantListed(lea, ".versions/.trash/Team/note", "version-1", "version-2")
	of.wantListed(lea, ".versions/.trash/Team/dir (10)", "doc/")
	of.wantListed(max, ".versions/.trash/Team/dir", "apart/")
	of.wantListed(lea, ".versions/.trash/Team/dir/doc", "version-1", "version-2")
	of.wantContent(lea, ".versions/.trash/Team/note (9)/version-2", text(1, 11))
	of.wantContent(lea, ".versions/.trash/Team/dir/doc/version-1", text(0, 100))
	must(t, second(lea.Copy(ctx, split(".versions/.trash/Team/dir/doc/version-1"), split("/Team/old"), false, false, Terms{})))
	of.wantContent(lea, "/Team/old", text(0, 100))

	for _, p := range []string{"note", "note (9)/version-1", "dir/doc", "dir/doc/version-1", "dir/doc/version-9"} {
		if _, err := max.Stat(split(".versions/.trash/Team/"+p), Want{}); kindOf(err) != errRefused {
			t.Errorf("max, who holds no history, at %s: %v", p, err)
		}
		if _, err := zoe.Stat(split(".versions/.trash/Team/"+p), Want{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("zoe, who finds nothing in the trash, at %s: %v", p, err)
		}
	}
	for _, p := range []string{"nothing", "dir/nothing", "note/version-3", "note/version-1/x", "note/x"} {
		if _, err := mia.Stat(split(".versions/.trash/Team/"+p), Want{}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", p, err)
		}
	}
	for what, err := range map[string]error{
		"a version given back":  move(mia, ".versions/.trash/Team/note/version-1", "/Team/note"),
		"a version by itself":   remove(mia, ".versions/.trash/Team/note/version-1"),
		"all versions":          remove(mia, ".versions/.trash/Team/dir/doc"),
		"the trash of versions": remove(mia, ".versions/.trash/Team"),
		"emptied":               second(mia.Empty(ctx, split(".versions/.trash/Team"), Terms{})),
	} {
		if !errors.Is(err, ErrReserved) {
			t.Errorf("%s: %v", what, err)
		}
	}
	of.move(mia, ".trash/Team/note", "/Team/note")
	of.wantVersions("/Team/note", text(0, 10), text(1, 11))
	must(t, remove(mia, ".trash/Team/dir"))
	of.wantListed(mia, ".versions/.trash/Team")
	of.wantUsage("/Team", policy.Usage{Live: 12 + 100, Versions: 21})
}

// wantListed holds a listing to its names, of which those of collections end with a
// slash.
func (of *office) wantListed(s *Session, path string, names ...string) {
	of.t.Helper()
	var got []string
	for after, more := "", true; more; {
		var page []Info
		var err error
		page, more, err = s.List(split(path), after, 1, Want{})
		must(of.t, err)
		for _, info := range page {
			if after = info.Name; info.Dir {
				info.Name += "/"
			}
			got = append(got, info.Name)
		}
	}
	if !slices.Equal(got, names) {
		of.t.Errorf("%s lists %q, want %q", path, got, names)
	}
}
