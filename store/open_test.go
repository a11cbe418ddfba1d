package store

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"davit/policy"
	"davit/store/bolt"
	"davit/store/engine"
)

var releaseFlag = flag.Bool("store.release", false, "write the data directory of this format into testdata")

func TestOpenRefuses(t *testing.T) {
	newer := binary.BigEndian.AppendUint32(nil, Format+1)
	for _, row := range []struct {
		name string
		make func(t *testing.T, dir string)
		want string
		is   error
	}{
		{"no directory", func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }, "make one with: davit init", ErrNoStore},
		{"an empty directory", func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			must(t, os.Mkdir(dir, 0o700))
		}, "make one with: davit init", ErrNoStore},
		{"a database of no bytes", func(t *testing.T, dir string) {
			must(t, os.Truncate(filepath.Join(dir, "meta.db"), 0))
		}, "the file is empty; restore a backup", nil},
		{"garbage", func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "meta.db"), bytes.Repeat([]byte("garbage "), 10_000), 0o600))
		}, "open database", nil},
		{"a database cut in half", func(t *testing.T, dir string) {
			must(t, os.Truncate(filepath.Join(dir, "meta.db"), 8192))
		}, "open database", nil},
		{"a directory in its place", func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "meta.db")))
			must(t, os.Mkdir(filepath.Join(dir, "meta.db"), 0o700))
		}, "meta.db", nil},
		{"a newer format", func(t *testing.T, dir string) {
			d := damage{key: keyFormat, edit: to(newer)}
			d.plant(t, dir)
		}, fmt.Sprintf("has format %d, this davit knows up to %d; use a newer davit", Format+1, Format), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			must(t, Init(dir, Options{}))
			row.make(t, dir)
			st, err := Open(dir, Options{})
			if err == nil {
				st.Close()
				t.Fatal("it opens")
			}
			if text := err.Error(); !strings.Contains(text, row.want) || strings.Contains(text, "\n") || row.is != nil && !errors.Is(err, row.is) {
				t.Errorf("told: %s\nwant: %s", text, row.want)
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneProcess(t *testing.T) {
	of := newOffice(t, Options{}, "mia")
	if _, err := Open(of.dir, Options{}); !errors.Is(err, bolt.ErrInUse) || !strings.Contains(err.Error(), "in use by another davit process") {
		t.Errorf("opened a second time: %v", err)
	}
	if err := Init(of.dir, Options{}); err == nil {
		t.Error("made anew while it is open")
	}
	of.clean()
}

func TestInitKeepsWhatIsThere(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	of.put(of.as("mia"), "/Team/file", bigFile)
	of.stop()
	if err := Init(of.dir, Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("made anew: %v", err)
	}
	of.start()
	of.wantContent(of.as("mia"), "/Team/file", bigFile)
}

// TestHalfACopyGoes: the process ended between the slices of a copy; the next
// one takes down what there is.
func TestHalfACopyGoes(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.mkdir(s, "/Team/dir", "/Team/dir/sub")
	of.put(s, "/Team/dir/sub/big", bigFile)
	of.put(s, "/Team/dir/small", text(1, 10))
	must(t, s.SetProps(ctx, split("/Team/dir/sub"), []Prop{{"a", "b", []byte("c")}}, time.Time{}, Terms{}))
	before := of.dump(s)
	c := &copying{s: s, from: split("/Team/dir"), to: split("/Team/copy"), hold: of.st.ledger.hold(nil)}
	for _, transaction := range []func(*Tx) error{c.begin, c.slice} {
		must(t, of.st.update(ctx, engine.Foreground, transaction))
	}
	of.close()
	of.start()
	of.wantSeen(0, before)
	err := of.st.db.View(func(r engine.Reader) error {
		n, err := count(r, tableStaged)
		if n != 0 {
			t.Errorf("%d copies are under way after the start", n)
		}
		return err
	})
	must(t, err)
	must(t, of.as("mia").Remove(ctx, split("/Team/dir"), Terms{}))
}

// TestTemporaryFilesGo: what an upload left that never ended, where files cannot
// be made without a name.
func TestTemporaryFilesGo(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	of.close()
	must(t, os.WriteFile(filepath.Join(of.dir, "blobs", "tmp", "left"), bigFile, 0o600))
	of.start()
	of.clean()
}

// TestReleases opens the data directory of each release: it is clean, and what
// was put into it then is there now.
func TestReleases(t *testing.T) {
	if *releaseFlag {
		release(t)
	}
	archives, err := filepath.Glob("testdata/format-*.tar.gz")
	if err != nil || len(archives) < Format {
		t.Fatalf("%d archives for %d formats (%v)", len(archives), Format, err)
	}
	for _, archive := range archives {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			of := officeAt(t, unpack(t, archive), Options{Index: toyIndex})
			s := of.as("mia")
			of.wantContent(s, "/Team/dir/big", bigFile)
			of.wantContent(s, "/Team/dir/small", text(1, 100))
			info, err := s.Stat(split("/Team/dir"), Want{Props: true, Quota: true})
			if err != nil || len(info.Props) != 1 || string(info.Props[0].Value) != "blue" || info.Quota.Used != 50_100 {
				t.Errorf("the collection is %+v (%v)", info, err)
			}
			files, attachments := 5, 1
			switch archive {
			case "testdata/format-1.tar.gz":
				files, attachments = 3, 0 // without a copy
			case "testdata/format-2.tar.gz":
				files, attachments = 4, 0 // without an event
			}
			if found := of.clean(); found.Trashed != 1 || found.Files != files || found.Locks != 1 || found.Attachments != attachments {
				t.Errorf("found %+v", found)
			}
			must(t, of.st.view(func(tx *Tx) error {
				v, err := tx.r.Get(keyFormat)
				if err == nil && binary.BigEndian.Uint32(v) != Format {
					t.Errorf("it has format %d after it was opened", binary.BigEndian.Uint32(v))
				}
				return err
			}))
			if _, err := of.as("max").Stat(split("/Team/dir"), Want{}); !errors.Is(err, ErrNotFound) {
				t.Errorf("the wall is gone: %v", err)
			}
			if a, err := of.st.Account("mia"); err != nil || a.Password != "phc" || len(a.Devices) != 1 {
				t.Errorf("the account is %+v (%v)", a, err)
			}
			if archive >= "testdata/format-3.tar.gz" {
				of.wantLabels(s, "/Team/twin", "as signed")
			}
			of.put(s, "/Team/dir/new", text(5, 20_000))
		})
	}
}

// release packs a data directory with something of everything.
func release(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max", "Team mia=editor max=viewer")
	s := of.as("mia")
	of.mkdir(s, "/Team/dir")
	of.quota("/Team/dir", 1_000_000)
	of.changeAt("/Team/dir", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("max"), Deny: policy.All}}
	})
	of.put(s, "/Team/dir/big", bigFile)
	of.put(s, "/Team/dir/small", text(1, 100))
	of.copy(s, "/Team/dir/small", "/Team/twin")
	of.put(s, "/Team/twin", text(3, 30))
	must(t, s.Label(ctx, split(".versions/Team/twin/version-1"), "as signed", Terms{}))
	of.put(s, "/Team/thrown", text(2, 200))
	must(t, s.Remove(ctx, split("/Team/thrown"), Terms{}))
	must(t, s.SetProps(ctx, split("/Team/dir"), []Prop{{"urn:test", "color", []byte("blue")}}, time.Time{}, Terms{}))
	of.lock(s, "/Team/dir/small", LockRequest{})
	must(t, s.BeginCalendars(ctx))
	event := cal("~mia", "calendar", "event")
	must(t, of.putObject(s, event, toy("event")))
	must(t, second(of.attach(s, event, bigFile)))
	must(t, of.st.SetPassword(ctx, of.user("mia"), "phc"))
	must(t, second(of.st.AddDevice(ctx, of.user("mia"), Device{Name: "phone"})))
	must(t, of.st.SetLockout(ctx, "mia", Lockout{Failures: 2}))
	of.stop()
	must(t, pack(of.dir, fmt.Sprintf("testdata/format-%d.tar.gz", Format)))
}

// pack leaves empty directories out: the next opening makes them.
func pack(dir, archive string) error {
	out, err := os.Create(archive)
	if err != nil {
		return err
	}
	zip := gzip.NewWriter(out)
	tw := tar.NewWriter(zip)
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err == nil {
			err = tw.WriteHeader(&tar.Header{Name: filepath.ToSlash(rel), Mode: 0o600, Size: int64(len(content))})
		}
		if err == nil {
			_, err = tw.Write(content)
		}
		return err
	})
	return errors.Join(err, tw.Close(), zip.Close(), out.Close())
}

func unpack(t *testing.T, archive string) (dir string) {
	t.Helper()
	in, err := os.Open(archive)
	must(t, err)
	defer in.Close()
	zip, err := gzip.NewReader(in)
	must(t, err)
	dir = t.TempDir()
	tr := tar.NewReader(zip)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return dir
		}
		must(t, err)
		name := filepath.Join(dir, filepath.FromSlash(h.Name))
		must(t, os.MkdirAll(filepath.Dir(name), 0o700))
		content, err := io.ReadAll(tr)
		must(t, err)
		must(t, os.WriteFile(name, content, 0o600))
	}
}
