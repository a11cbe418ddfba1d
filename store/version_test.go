package store

import (
	"bytes"
	"testing"
	"time"

	"davit/policy"
)

// wantVersions holds a file to having been these contents, the oldest first.
func (of *office) wantVersions(path string, contents ...[]byte) {
	of.t.Helper()
	n := of.nodeAt(path)
	err := of.st.view(func(tx *Tx) error {
		g := housekeeping(tx, n)
		list, err := tx.versions(g, n)
		if err != nil {
			return err
		}
		if len(list) != len(contents) {
			of.t.Fatalf("%s has %d versions, want %d", path, len(list), len(contents))
		}
		for i := range list {
			e := list[i].entry("", &Entry{Node: n})
			f := File{}
			if f.bytes, f.blob, err = tx.content(g, &e); err != nil {
				return err
			}
			var got bytes.Buffer
			_, err = got.ReadFrom(f.Content())
			f.Close()
			if err != nil || !bytes.Equal(got.Bytes(), contents[i]) {
				of.t.Errorf("version %d of %s has %d bytes, want %d (%v)", list[i].number, path, got.Len(), len(contents[i]), err)
			}
		}
		return nil
	})
	must(of.t, err)
}

func (of *office) nodeAt(path string) policy.Node {
	of.t.Helper()
	at, _, err := of.st.Operator().Place(split(path))
	must(of.t, err)
	return at.Path[len(at.Path)-1]
}

func (of *office) settings(edit func(*policy.Settings)) {
	of.t.Helper()
	set := of.st.Policy().Settings()
	edit(&set)
	of.change(policy.PutSettings{Settings: set})
}

// TestVersions: what is written over is kept, also by a copy, and is charged
// where the file stands.
func TestVersions(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor", "Room mia=editor")
	mia := of.as("mia")
	one, two, three := text(1, 100), bigFile, text(3, 300)
	of.put(mia, "/Team/doc", one)
	of.put(mia, "/Team/doc", one) // the same once more
	of.wantVersions("/Team/doc")
	of.put(mia, "/Team/doc", two)
	of.put(mia, "/Team/other", three)
	must(t, second(mia.Copy(ctx, split("/Team/other"), split("/Team/doc"), true, false, Terms{})))
	of.wantVersions("/Team/doc", one, two)
	of.wantUsage("/Team", policy.Usage{Live: 600, Versions: 100 + int64(len(bigFile))})

	// Copies begin anew, and what is moved keeps its own.
	must(t, second(mia.Copy(ctx, split("/Team/doc"), split("/Team/copy"), false, false, Terms{})))
	of.wantVersions("/Team/copy")
	of.mkdir(mia, "/Team/dir")
	of.move(mia, "/Team/doc", "/Team/dir/doc")
	of.move(mia, "/Team/dir", "/Room/dir")
	of.wantVersions("/Room/dir/doc", one, two)
	of.wantUsage("/Team", policy.Usage{Live: 600})
	of.wantUsage("/Room", policy.Usage{Live: 300, Versions: 100 + int64(len(bigFile))})
	of.reopen()
	must(t, of.as("mia").Remove(ctx, split("/Room/dir"), Terms{}))
	of.wantUsage("/Room", policy.Usage{Trash: 400 + int64(len(bigFile))})
}

func (of *office) wantUsage(path string, want policy.Usage) {
	of.t.Helper()
	want.Limit = policy.NoLimit
	if got := of.st.Operator().Usage(of.nodeAt(path), policy.NoLimit); got != want {
		of.t.Errorf("%s: %+v, want %+v", path, got, want)
	}
}

// TestEmptyIsNoVersion: clients empty a file before they write it, or make it
// empty to lock it.
func TestEmptyIsNoVersion(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	mia := of.as("mia")
	one, two := text(1, 100), text(2, 100)
	of.put(mia, "/Team/doc", nil)
	of.put(mia, "/Team/doc", one)
	of.wantVersions("/Team/doc")
	of.put(mia, "/Team/doc", nil)
	of.wantVersions("/Team/doc", one)
	of.put(mia, "/Team/doc", two)
	of.wantVersions("/Team/doc", one)
	of.put(mia, "/Team/doc", nil)
	of.put(mia, "/Team/doc", two) // what it was before it was emptied
	of.wantVersions("/Team/doc", one)
	of.put(mia, "/Team/doc", nil)
	must(t, second(mia.Copy(ctx, split(".versions/Team/doc/version-3"), split("/Team/doc"), true, false, Terms{})))
	of.wantVersions("/Team/doc", one) // and by giving it back
	of.wantUsage("/Team", policy.Usage{Live: 100, Versions: 100})
}

// TestVersionsGiveWay: in a full place, to who might delete the file.
func TestVersionsGiveWay(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=editor max=contributor")
	mia, max := of.as("mia"), of.as("max")
	of.quota("/Team", 1000)
	for i := range 3 {
		of.put(mia, "/Team/doc", text(i, 300))
	}
	of.wantVersions("/Team/doc", text(0, 300), text(1, 300))
	of.put(mia, "/Team/doc", text(3, 500)) // needs 200 and has 100
	of.wantVersions("/Team/doc", text(1, 300))
	of.put(mia, "/Team/doc", nil) // as a client does that empties a file first
	if _, _, err := put(max, "/Team/doc", text(4, 500)); kindOf(err) != ErrQuota {
		t.Errorf("versions gave way to who may not delete: %v", err)
	}
	of.put(mia, "/Team/doc", text(4, 900))
	of.wantVersions("/Team/doc")
	of.put(mia, "/Team/doc", text(5, 50))
	of.put(mia, "/Team/doc", text(6, 80)) // what gives way makes room for what this replaces
	of.wantVersions("/Team/doc", text(4, 900))
	of.put(mia, "/Team/doc", text(7, 120))
	of.wantVersions("/Team/doc", text(6, 80))
	if _, _, err := put(mia, "/Team/doc", text(5, 1001)); kindOf(err) != ErrQuota {
		t.Errorf("over the limit: %v", err)
	}
}

// TestThinning: over the number that is kept, what stood for the shortest time
// goes; who may not delete pushes nothing out, and meets the limit instead.
func TestThinning(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia max", "Team mia=editor max=contributor")
	mia, max := of.as("mia"), of.as("max")
	of.settings(func(s *policy.Settings) { s.Versions = 2 })
	for i, stood := range []time.Duration{time.Hour, time.Minute, time.Second, time.Hour, 0} {
		of.put(mia, "/Team/doc", text(i, 100))
		c.advance(stood)
	}
	of.wantVersions("/Team/doc", text(0, 100), text(3, 100))
	of.settings(func(s *policy.Settings) { s.Versions = 0 })
	of.put(mia, "/Team/doc", text(5, 100))
	of.wantVersions("/Team/doc", text(0, 100), text(3, 100))
	of.put(max, "/Team/doc", text(6, 100)) // who does not lose what was there
	of.wantVersions("/Team/doc", text(0, 100), text(3, 100), text(5, 100))

	of.quota("/Team", 450)
	if _, _, err := put(max, "/Team/doc", text(7, 100)); kindOf(err) != ErrQuota {
		t.Errorf("written where the old content has no room: %v", err)
	}
	of.settings(func(s *policy.Settings) { s.Versions = 9 })
	of.put(mia, "/Team/doc", text(8, 100)) // who might delete it first
	of.wantVersions("/Team/doc", text(0, 100), text(3, 100), text(5, 100))
	of.quota("/Team", 500)
	of.put(max, "/Team/doc", text(9, 100))
	of.wantVersions("/Team/doc", text(0, 100), text(3, 100), text(5, 100), text(8, 100))
}
