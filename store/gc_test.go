package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"davit/policy"
	"davit/store/disk"
	"davit/store/engine"
)

// bigFile is content that lies in a blob file.
var bigFile = text(1, 50_000)

// blobPath is the file of some content in a generation.
func blobPath(content []byte, gen int) string {
	hash := sha256.Sum256(content)
	return fmt.Sprintf("blobs/%02x/%x-%d", hash[0], hash, gen)
}

func (of *office) wantFile(name string, there bool) {
	of.t.Helper()
	if _, err := os.Stat(filepath.Join(of.dir, name)); (err == nil) != there {
		of.t.Errorf("%s is there: %t, want %t", name, !there, there)
	}
}

func (of *office) collect(grace time.Duration) Collected {
	of.t.Helper()
	c, err := of.st.Collect(ctx, grace)
	if err != nil {
		of.t.Errorf("collect: %v", err)
	}
	return c
}

// unuse gives a file other content, so that nobody uses what it had.
func (of *office) unuse(s *Session, p string) {
	of.t.Helper()
	none := policy.DefaultSettings
	none.Versions = 0
	of.change(policy.PutSettings{Settings: none})
	of.put(s, p, nil)
}

func TestCollectWaitsForItsGrace(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
	s := of.as("mia")
	small := text(2, 500)
	of.put(s, "/Team/big", bigFile)
	of.put(s, "/Team/small", small)
	of.unuse(s, "/Team/big")
	of.unuse(s, "/Team/small")
	c.advance(time.Hour - time.Nanosecond)
	if got := of.collect(time.Hour); got != (Collected{}) {
		t.Errorf("collected %+v within the grace time", got)
	}
	of.wantFile(blobPath(bigFile, 0), true)
	c.advance(time.Nanosecond)
	if got, want := of.collect(time.Hour), (Collected{Contents: 2, Files: 1, Bytes: 50_500}); got != want {
		t.Errorf("collected %+v, want %+v", got, want)
	}
	of.wantFile(blobPath(bigFile, 0), false)
	if got := of.collect(0); got != (Collected{}) {
		t.Errorf("collected %+v a second time", got)
	}
	of.clean()
	// The same content again starts anew.
	of.put(s, "/Team/big", bigFile)
	of.wantContent(s, "/Team/big", bigFile)
}

func TestCollectKeepsWhatIsUsedAgain(t *testing.T) {
	for _, row := range []struct {
		name string
		use  func(of *office, s *Session)
	}{
		{"uploaded again", func(of *office, s *Session) { of.put(s, "/Team/again", bigFile) }},
		{"another user of it", func(of *office, s *Session) { of.wantContent(s, "/Team/copy", bigFile) }},
		{"in the trash", func(of *office, s *Session) {
			of.put(s, "/Team/again", bigFile)
			if err := s.Remove(ctx, Path{"Team", "again"}, Terms{}); err != nil {
				of.t.Fatal(err)
			}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClock()
			of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
			s := of.as("mia")
			of.put(s, "/Team/file", bigFile)
			if strings.HasPrefix(row.name, "another") {
				if _, err := s.Copy(ctx, Path{"Team", "file"}, Path{"Team", "copy"}, false, false, Terms{}); err != nil {
					t.Fatal(err)
				}
			}
			of.unuse(s, "/Team/file")
			row.use(of, s)
			c.advance(time.Hour)
			if got := of.collect(time.Hour); got != (Collected{}) {
				t.Errorf("collected %+v", got)
			}
			of.wantFile(blobPath(bigFile, 0), true)
		})
	}
}

// copy copies to a name that is free.
func (of *office) copy(s *Session, from, to string) {
	of.t.Helper()
	if _, err := s.Copy(ctx, split(from), split(to), false, false, Terms{}); err != nil {
		of.t.Fatalf("copy %s: %v", from, err)
	}
}

// TestCollectFindsCopies: content whose first user has left it stays for as long as
// a copy has it, also the copy of a copy, and goes with the last.
func TestCollectFindsCopies(t *testing.T) {
	of := newOffice(t, Options{Clock: newClock().Now}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.mkdir(s, "/Team/dir")
	of.put(s, "/Team/dir/file", bigFile)
	of.copy(s, "/Team/dir", "/Team/first")
	of.copy(s, "/Team/first", "/Team/second")
	of.unuse(s, "/Team/dir/file")
	for _, left := range []string{"/Team/second/file", "/Team/first/file"} {
		if got := of.collect(0); got != (Collected{}) {
			t.Errorf("collected %+v, %s has it", got, left)
		}
		of.wantContent(s, left, bigFile)
		of.clean()
		of.put(s, left, bigFile) // a copy that was written too
		of.unuse(s, left)
	}
	if got := of.collect(0); got.Contents != 1 {
		t.Errorf("collected %+v, want the one content", got)
	}
	of.clean()
}

// TestCollectBesideCopies: between the look at the copies and the erasing, content
// comes into use and is left by all but a copy, or the only copy leaves it. What
// happened meanwhile is for the next collection.
func TestCollectBesideCopies(t *testing.T) {
	for _, row := range []struct {
		name      string
		meanwhile func(of *office, s *Session)
		then      Collected // of the next collection
	}{
		{"used and copied", func(of *office, s *Session) {
			of.put(s, "/Team/again", text(2, 500))
			of.copy(s, "/Team/again", "/Team/copy")
			of.unuse(s, "/Team/again")
		}, Collected{}},
		{"the copy leaves it", func(of *office, s *Session) { of.unuse(s, "/Team/twin") }, Collected{Contents: 1, Bytes: 500}},
	} {
		t.Run(row.name, func(t *testing.T) {
			of := newOffice(t, Options{Clock: newClock().Now}, "mia", "Team mia=editor")
			s := of.as("mia")
			of.put(s, "/Team/file", text(2, 500))
			if row.then.Contents > 0 {
				of.copy(s, "/Team/file", "/Team/twin")
			}
			of.unuse(s, "/Team/file")
			page, _, err := of.st.orphans(ctx, nil, 0)
			if err != nil || len(page) != 1 {
				t.Fatalf("found %+v, %v", page, err)
			}
			row.meanwhile(of, s)
			var c Collected
			if err := of.st.collectSome(ctx, page, &c); err != nil || c != (Collected{}) {
				t.Errorf("collected %+v, %v", c, err)
			}
			of.clean()
			if got := of.collect(0); got != row.then {
				t.Errorf("collected %+v then, want %+v", got, row.then)
			}
			of.clean()
		})
	}
}

// A gate stops operations on files at a place, until it is opened.
type gate struct {
	mu    sync.Mutex
	kind  disk.Kind
	name  string // of the operation, or the new name of a rename; "" stops nothing
	at    chan struct{}
	leave chan struct{}
}

// close arms the gate for one operation. at is closed when it came; closing
// leave lets it go on.
func (g *gate) close(kind disk.Kind, name string) (at <-chan struct{}, leave chan<- struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.kind, g.name, g.at, g.leave = kind, name, make(chan struct{}), make(chan struct{})
	return g.at, g.leave
}

func (g *gate) Hook(op disk.Op) error {
	g.mu.Lock()
	stop := op.Kind == g.kind && g.name != "" && (op.Name == g.name || op.To == g.name)
	at, leave := g.at, g.leave
	if stop {
		g.name = ""
	}
	g.mu.Unlock()
	if stop {
		close(at)
		<-leave
	}
	return nil
}

// race is an office with a gate between the store and its files.
func race(t *testing.T) (*office, *Session, *gate) {
	g, c := &gate{}, newClock()
	of := newOffice(t, Options{Clock: c.Now, Hooks: []disk.Hook{g.Hook}}, "mia", "Team mia=editor")
	return of, of.as("mia"), g
}

// begun is an upload of content that is all there but for its commit.
func (of *office) begun(s *Session, p string, content []byte) *Upload {
	of.t.Helper()
	u, err := s.Begin(split(p), int64(len(content)), Terms{})
	if err == nil {
		_, err = u.Write(content)
	}
	if err != nil {
		of.t.Fatal(err)
	}
	return u
}

// start commits an upload in the background; wait returns when it is through.
func (of *office) commit(u *Upload) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, _, err := u.Commit(ctx, Meta{}); err != nil {
			of.t.Errorf("commit: %v", err)
		}
	}()
	return func() { <-done }
}

// TestUploadFindsDeadBlob: the content is declared dead, its file is about to
// go, and it is uploaded again: the new file has the next generation.
func TestUploadFindsDeadBlob(t *testing.T) {
	of, s, g := race(t)
	of.put(s, "/Team/file", bigFile)
	of.unuse(s, "/Team/file")
	at, leave := g.close(disk.Remove, blobPath(bigFile, 0))
	var collector sync.WaitGroup
	collector.Go(func() { of.collect(0) })
	<-at
	of.put(s, "/Team/new", bigFile)
	of.wantFile(blobPath(bigFile, 1), true)
	close(leave)
	collector.Wait()
	of.wantFile(blobPath(bigFile, 0), false)
	of.wantContent(s, "/Team/new", bigFile)
	of.reopen()
	of.wantContent(of.as("mia"), "/Team/new", bigFile)
}

// TestCollectLeavesUploadsAlone: an upload found its content there and relies on
// it; between that and its commit nobody uses the content, and the collector
// comes.
func TestCollectLeavesUploadsAlone(t *testing.T) {
	of, s, _ := race(t)
	of.put(s, "/Team/file", bigFile)
	u := of.begun(s, "/Team/new", bigFile)
	if _, err := u.keep(); err != nil {
		t.Fatal(err)
	}
	of.unuse(s, "/Team/file")
	if got := of.collect(0); got != (Collected{}) {
		t.Errorf("collected %+v under an upload", got)
	}
	of.commit(u)()
	of.wantContent(s, "/Team/new", bigFile)
}

// TestUploadLosesItsBlob: an upload finds its content there just before the
// collector's mark, and commits after it: while the file is still there, or when
// both file and record are gone. It has to notice, and to keep its own bytes.
func TestUploadLosesItsBlob(t *testing.T) {
	for _, buried := range []bool{false, true} {
		of, s, g := race(t)
		of.put(s, "/Team/file", bigFile)
		of.unuse(s, "/Team/file")
		u := of.begun(s, "/Team/new", bigFile)
		found, err := u.keep()
		if err != nil || !found.found {
			t.Fatalf("kept %+v, %v", found, err)
		}
		of.st.landed(u.known) // the collector looked before the upload relied on it
		at, leave := g.close(disk.Remove, blobPath(bigFile, 0))
		var collector sync.WaitGroup
		collector.Go(func() { of.collect(0) })
		<-at
		if buried {
			close(leave)
			collector.Wait()
		}
		of.st.launched(u.known)
		err = of.st.update(ctx, engine.Foreground, func(tx *Tx) error { return second2(u.commit(tx, found, Meta{})) })
		if !errors.Is(err, errDead) {
			t.Errorf("buried %t: linked a dead blob: %v", buried, err)
		}
		of.commit(u)()
		if !buried {
			close(leave)
			collector.Wait()
		}
		of.wantContent(s, "/Team/new", bigFile)
		of.stop()
	}
}

// TestTwoGenerationsAtOnce: one upload meets a dead record and keeps generation
// 1; before its commit the record is forgotten and another upload of the same
// content links generation 0. Both must end with one and the same file.
func TestTwoGenerationsAtOnce(t *testing.T) {
	of, s, g := race(t)
	of.put(s, "/Team/file", bigFile)
	of.unuse(s, "/Team/file")
	atRemove, leaveRemove := g.close(disk.Remove, blobPath(bigFile, 0))
	var collector sync.WaitGroup
	collector.Go(func() { of.collect(0) })
	<-atRemove
	first := of.begun(s, "/Team/first", bigFile)
	atRename, leaveRename := g.close(disk.Rename, blobPath(bigFile, 1))
	wait := of.commit(first)
	<-atRename
	close(leaveRemove)
	collector.Wait()
	of.put(s, "/Team/second", bigFile)
	close(leaveRename)
	wait()
	of.clean()
	of.collect(0)
	of.wantContent(s, "/Team/first", bigFile)
	of.wantContent(s, "/Team/second", bigFile)
}

// stray leaves a blob file without a record, as a crash before the commit does.
func (of *office) stray(content []byte) {
	of.t.Helper()
	temp, err := of.st.blobs.Create()
	if err == nil {
		_, err = temp.Write(content)
	}
	if err == nil {
		_, err = temp.Keep(0)
	}
	if err != nil {
		of.t.Fatal(err)
	}
}

func TestCollectSweepsStrays(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
	of.stray(bigFile)
	if got := of.collect(2 * time.Hour); got.Files != 0 {
		t.Errorf("collected %+v within the grace time", got)
	}
	c.advance(3 * time.Hour)
	if got := of.collect(2 * time.Hour); got != (Collected{Files: 1}) {
		t.Errorf("collected %+v, want the stray file", got)
	}
	of.wantFile(blobPath(bigFile, 0), false)
}

// TestSweepAgainstUpload: a stray file is about to be removed when an upload of
// the same content puts its own under that very name.
func TestSweepAgainstUpload(t *testing.T) {
	of, s, g := race(t)
	of.stray(bigFile)
	u := of.begun(s, "/Team/new", bigFile)
	atRemove, leaveRemove := g.close(disk.Remove, blobPath(bigFile, 0))
	var collector sync.WaitGroup
	collector.Go(func() { of.collect(0) })
	<-atRemove
	shelf := filepath.ToSlash(filepath.Dir(blobPath(bigFile, 0)))
	atSync, leaveSync := g.close(disk.SyncDir, shelf)
	wait := of.commit(u)
	// Where the sweep does not hold uploads back, let this one get its name
	// before the removal.
	if of.st.inflight.TryLock() {
		of.st.inflight.Unlock()
		<-atSync
	}
	close(leaveRemove)
	collector.Wait()
	close(leaveSync)
	wait()
	of.wantContent(s, "/Team/new", bigFile)
}

// TestCollectTwiceAtOnce: a second collection could finish what the first is
// about to do, and the first would then remove a new file of the same name.
func TestCollectTwiceAtOnce(t *testing.T) {
	of, s, g := race(t)
	of.put(s, "/Team/file", bigFile)
	of.unuse(s, "/Team/file")
	at, leave := g.close(disk.Remove, blobPath(bigFile, 0))
	var collector sync.WaitGroup
	collector.Go(func() { of.collect(0) })
	<-at
	if _, err := of.st.Collect(ctx, 0); err == nil {
		t.Error("a second collection went on beside the first")
	}
	of.put(s, "/Team/new", bigFile)
	close(leave)
	collector.Wait()
	of.wantContent(s, "/Team/new", bigFile)
}

// TestDeadRecordsAreFinished: a crash comes after the mark and before the
// removal of the file, or after it; the next process finishes what was begun.
func TestDeadRecordsAreFinished(t *testing.T) {
	// A collection commits the mark, removes the file and commits that it forgot.
	for name, operation := range map[string]int{"file not removed": 2, "record not forgotten": 3} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			var fault *disk.Fault
			of := newOffice(t, Options{Clock: c.Now, Hooks: []disk.Hook{func(op disk.Op) error {
				if fault == nil {
					return nil
				}
				return fault.Hook(op)
			}}}, "mia", "Team mia=editor")
			s := of.as("mia")
			of.put(s, "/Team/file", bigFile)
			of.unuse(s, "/Team/file")
			fault = disk.FailNth(operation)
			if _, err := of.st.Collect(ctx, 0); !errors.Is(err, syscall.EIO) {
				t.Fatalf("the collection was not cut off: %v", err)
			}
			of.close()
			of.start()
			if rec := of.blobRecord(bigFile); rec == nil || !rec.dead {
				t.Fatalf("after the crash the record is %+v, want a dead one", rec)
			}
			of.collect(0)
			if rec := of.blobRecord(bigFile); rec != nil {
				t.Errorf("the record is still there: %+v", rec)
			}
			of.wantFile(blobPath(bigFile, 0), false)
		})
	}
}

// blobRecord is what the database knows of the blob with that content.
func (of *office) blobRecord(content []byte) (rec *blobRec) {
	of.t.Helper()
	err := of.st.db.View(func(r engine.Reader) error {
		found, ok, err := readBlob(r, sha256.Sum256(content))
		if ok {
			rec = &found
		}
		return err
	})
	if err != nil {
		of.t.Fatal(err)
	}
	return rec
}

// TestScrub changes one byte of a blob, and takes another away.
func TestScrub(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	other := text(2, 70_000)
	of.put(s, "/Team/one", bigFile)
	of.put(s, "/Team/two", other)
	of.put(s, "/Team/three", text(3, 9_000))
	scrub := func() (faults []string) {
		files, bytes, err := of.st.Scrub(ctx, func(fault string) { faults = append(faults, fault) })
		if err != nil || files != 3 || bytes != 129_000 {
			t.Errorf("scrubbed %d files of %d bytes (%v)", files, bytes, err)
		}
		return faults
	}
	if faults := scrub(); len(faults) > 0 {
		t.Errorf("faults in whole blobs: %q", faults)
	}
	damaged := bytes.Clone(bigFile)
	damaged[30_000] ^= 1
	name := filepath.Join(of.dir, blobPath(bigFile, 0))
	err := errors.Join(os.Chmod(name, 0o600), os.WriteFile(name, damaged, 0o600), os.Remove(filepath.Join(of.dir, blobPath(other, 0))))
	if err != nil {
		t.Fatal(err)
	}
	faults := scrub()
	for _, want := range []string{fmt.Sprintf("%x", sha256.Sum256(bigFile)), fmt.Sprintf("%x-0 is missing", sha256.Sum256(other))} {
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, want) }) {
			t.Errorf("no fault names %q: %q", want, faults)
		}
	}
	if len(faults) != 2 {
		t.Errorf("faults: %q, want two", faults)
	}
	of.close()
}
