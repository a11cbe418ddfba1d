package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"davit/store/bolt"
	"davit/store/engine"
	"davit/store/engine/enginetest"
)

func openJournaled(t testing.TB, path string, layer int64, step func(string)) engine.Engine {
	t.Helper()
	db, err := bolt.OpenWithJournal(path, layer, step)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestContractWithLayers(t *testing.T) {
	for _, layer := range []int64{300, 1 << 20} {
		enginetest.Run(t, func(t *testing.T) engine.Engine {
			return openJournaled(t, filepath.Join(t.TempDir(), "meta.db"), layer, nil)
		})
	}
}

// An image is what lies on a disk: a database, and the two files of its journal, nil if
// there are none.
type image struct {
	data    []byte
	journal [2][]byte
}

func look(t *testing.T, path string) (i image) {
	t.Helper()
	i.data = read(t, path)
	i.data = i.data[:min(len(i.data), 2<<20)] // the rest of what the file may grow to is empty
	for k, name := range bolt.JournalNames(path) {
		if _, err := os.Stat(name); err == nil {
			i.journal[k] = read(t, name)
		}
	}
	return i
}

func (i image) lay(t *testing.T, path string) {
	t.Helper()
	write(t, path, i.data)
	for k, name := range bolt.JournalNames(path) {
		if i.journal[k] != nil {
			write(t, name, i.journal[k])
		}
	}
}

const (
	sector   = 512
	pageSize = 4096
)

// mix takes each sector from one of two contents: what a system may have written of a
// file by the time the power fails.
func mix(r *rand.Rand, a, b []byte) []byte {
	if len(a) < len(b) {
		a, b = b, a
	}
	mixed := bytes.Clone(a)
	for at := 0; at < len(mixed); at += sector {
		if r.IntN(2) == 0 {
			clear(mixed[at:min(at+sector, len(mixed))])
			if at < len(b) {
				copy(mixed[at:min(at+sector, len(mixed))], b[at:])
			}
		}
	}
	return mixed
}

// mixPages is mix while bbolt commits: it writes its meta pages, the first two, once all
// others are durable.
func mixPages(r *rand.Rand, before, after []byte) []byte {
	mixed := mix(r, before, after)
	copy(mixed, before[:2*pageSize])
	return mixed
}

// A run is a database under a workload, and what is known of its disk.
type run struct {
	*testing.T
	r      *rand.Rand
	path   string
	db     engine.Engine
	folded []byte            // the database before the fold under way
	before image             // as of the newest answered commit
	model  map[string]string // likewise
	since  int               // bytes committed since the fold under way began
	times  int               // and in so many commits

	// A fold has committed and is held back, so that the journal has two layers.
	armed   atomic.Bool
	held    bool
	reached chan struct{}
	goOn    chan struct{}
}

const layer = 16 << 10

func newRun(t *testing.T, seed uint64) *run {
	u := &run{T: t, r: rand.New(rand.NewPCG(seed, 0)), path: filepath.Join(t.TempDir(), "meta.db")}
	u.model = map[string]string{}
	u.reached, u.goOn = make(chan struct{}), make(chan struct{})
	u.db = openJournaled(t, u.path, layer, func(what string) {
		if what == bolt.DidFold && u.armed.Load() {
			u.reached <- struct{}{}
			<-u.goOn
		}
	})
	return u
}

// changes are what the next commit does: a value for each key, "" to delete it.
func (u *run) changes() (changes map[string]string, size int) {
	changes = map[string]string{}
	for range 1 + u.r.IntN(8) {
		key := string("abc"[u.r.IntN(3)]) + strconv.Itoa(u.r.IntN(150))
		switch u.r.IntN(60) {
		case 0:
			changes[key] = strings.Repeat("long ", 10_000)
		case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20:
			changes[key] = ""
		default:
			changes[key] = strings.Repeat(strconv.Itoa(u.r.IntN(1000))+" ", 1+u.r.IntN(100))
		}
		size += 200 + len(changes[key])
	}
	return changes, size
}

// commit makes some changes and tells what there is after them.
func (u *run) commit() map[string]string {
	u.Helper()
	changes, size := u.changes()
	// A full layer, or one of many records, waits for the one before.
	if u.held && (u.since+size > layer || u.times == 10 || u.r.IntN(6) == 0) {
		u.release()
	}
	u.since += size
	u.times++
	next := maps.Clone(u.model)
	err := u.db.Update(context.Background(), engine.Foreground, func(w engine.Writer) error {
		for key, value := range changes {
			var err error
			if value == "" {
				delete(next, key)
				err = w.Delete([]byte(key))
			} else {
				next[key] = value
				err = w.Put([]byte(key), []byte(value))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		u.Fatal(err)
	}
	return next
}

// hold waits for a fold to have committed, if one is under way.
func (u *run) hold() {
	if !u.held && bolt.Folding(u.db) {
		<-u.reached
		u.held, u.since, u.times = true, 0, 0
	}
}

// release lets the fold go on to its end.
func (u *run) release() {
	if u.held {
		u.goOn <- struct{}{}
		bolt.Folded(u.db)
		u.held, u.folded = false, read(u.T, u.path)[:len(u.folded)]
	}
}

// cut is a disk after the power failed during the commit that led from before to after,
// and whether that commit has to be there.
func (u *run) cut(heldBefore bool, after image) (i image, must bool) {
	i = after
	if u.held {
		switch u.r.IntN(3) {
		case 0:
			i.data = u.folded
		case 1:
			i.data = mixPages(u.r, u.folded, after.data)
		}
	}
	if u.held && !heldBefore {
		return i, true // the fold began after this commit
	}
	switch u.r.IntN(3) {
	case 0:
		i.journal = u.before.journal
		return i, false
	case 1:
		for k := range i.journal {
			i.journal[k] = mix(u.r, u.before.journal[k], after.journal[k])
		}
		return i, false
	}
	return i, true
}

// check opens a disk, and compares it with a state before a commit and one after.
func (u *run) check(i image, before, after map[string]string, must bool) {
	u.Helper()
	path := filepath.Join(u.TempDir(), "meta.db")
	i.lay(u.T, path)
	if u.r.IntN(3) == 0 {
		path = u.cutAgain(path, i)
	}
	db := openJournaled(u.T, path, layer, nil)
	defer db.Close()
	found := content(u.T, db)
	if !maps.Equal(found, after) && (must || !maps.Equal(found, before)) {
		u.Fatalf("%d keys after a power cut are neither the %d of before nor the %d of after a commit (which must be there: %t)", len(found), len(before), len(after), must)
	}
	if err := db.Check(u.Context(), func(fault string) { u.Error(fault) }); err != nil {
		u.Error(err)
	}
	put(u.T, db, "z", "value")
	if got, err := get(u.T, db, "z"); got != "value" || err != nil {
		u.Errorf("a commit after the cut: %q, %v", got, err)
	}
}

// cutAgain opens what lies at path, fails the power a second time while the journal is
// repeated, and tells where that disk lies.
func (u *run) cutAgain(path string, i image) string {
	u.Helper()
	again := path + "-again"
	db := openJournaled(u.T, path, layer, func(what string) {
		if what == bolt.DidRepeat {
			repeated := look(u.T, path)
			if u.r.IntN(2) == 0 {
				repeated.data = mixPages(u.r, i.data, repeated.data)
			}
			repeated.lay(u.T, again)
		}
	})
	if err := db.Close(); err != nil {
		u.Error(err)
	}
	if _, err := os.Stat(again); err != nil { // there was nothing to repeat
		return path
	}
	return again
}

func content(t *testing.T, db engine.Engine) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := db.View(func(r engine.Reader) error {
		for table := byte('a'); table <= 'c'; table++ {
			last := ""
			err := r.Scan([]byte{table}, []byte{table + 1}, func(key, value []byte) bool {
				if got, err := r.Get(key); !bytes.Equal(got, value) || err != nil || string(key) <= last {
					t.Errorf("%s after %q is %q in a scan, and %q, %v alone", key, last, value, got, err)
				}
				last = string(key)
				all[last] = string(value)
				return true
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPowerCut fails the power during commits, while layers are folded, and while a
// journal is repeated: whatever of the unsynced pages and sectors is on the disk, no
// answered commit is lost and nothing is damaged.
func TestPowerCut(t *testing.T) {
	seeds := 4
	if testing.Short() {
		seeds = 2
	}
	for range seeds {
		seed := rand.Uint64()
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			powerCuts(t, seed)
		})
	}
}

func powerCuts(t *testing.T, seed uint64) {
	u := newRun(t, seed)
	u.model = u.commit() // without a journal
	u.armed.Store(true)
	u.before = look(t, u.path)
	u.folded = u.before.data
	both := 0
	for range 80 {
		next := u.commit()
		heldBefore := u.held
		u.hold()
		after := look(t, u.path)
		if u.held && heldBefore {
			both++
		}
		if found := content(t, u.db); !maps.Equal(found, next) {
			t.Fatalf("%d keys, want %d", len(found), len(next))
		}
		if u.r.IntN(2) == 0 {
			i, must := u.cut(heldBefore, after)
			u.check(i, u.model, next, must)
		}
		u.before, u.model = after, next
	}
	u.release()
	u.armed.Store(false)
	if err := u.db.Check(t.Context(), func(fault string) { t.Error(fault) }); err != nil {
		t.Error(err)
	}
	u.model = u.commit()
	if err := u.db.Close(); err != nil {
		t.Error(err)
	}
	if both < 5 {
		t.Errorf("the journal had two layers after %d commits: too few for this test", both)
	}
	end := look(t, u.path)
	if end.journal[0] != nil || end.journal[1] != nil {
		t.Error("a journal is left after the end")
	}
	u.check(end, u.model, u.model, true)
}

// TestOneState begins to read, and before there is a transaction for it somebody else
// commits and folds: what is read is of one state.
func TestOneState(t *testing.T) {
	for _, melted := range []bool{false, true} {
		reached, goOn, armed := make(chan struct{}), make(chan struct{}), atomic.Bool{}
		db := openJournaled(t, filepath.Join(t.TempDir(), "meta.db"), 1<<20, func(what string) {
			if what == bolt.DidFold && armed.Load() {
				close(reached)
				<-goOn
			}
		})
		put(t, db, "b", "before")
		if err := bolt.Fold(db); err != nil {
			t.Error(err)
		}
		put(t, db, "a", "before") // in a layer, and the other in the database
		folded := make(chan error, 1)
		bolt.Looked(db, func() {
			bolt.Looked(db, nil)
			put(t, db, "a", "after")
			put(t, db, "b", "after")
			armed.Store(!melted)
			go func() { folded <- bolt.Fold(db) }()
			if melted {
				folded <- <-folded
			} else {
				<-reached
			}
		})
		err := db.View(func(engine.Reader) error { // with the transaction that waits
			return db.View(func(r engine.Reader) error {
				a, _ := r.Get([]byte("a"))
				b, _ := r.Get([]byte("b"))
				if len(a) == 0 || !bytes.Equal(a, b) {
					t.Errorf("a is of %s and b of %s", a, b)
				}
				return nil
			})
		})
		close(goOn)
		if err := errors.Join(err, <-folded, db.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestRest: what was committed is folded a while later, with nobody asking.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "meta.db")
		db, err := bolt.Rest(path, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		put(t, db, "a", "the first")
		for _, value := range []string{"the second", "the third"} {
			put(t, db, "a", value)
			time.Sleep(59 * time.Second)
			synctest.Wait()
			if bytes.Contains(read(t, path), []byte(value)) {
				t.Errorf("%s was folded at once", value)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if !bytes.Contains(read(t, path), []byte(value)) {
				t.Errorf("%s was not folded in a minute", value)
			}
		}
	})
}

// TestRestOfNothing: a layer that was folded for another reason is not folded again,
// which would leave a generation without records.
func TestRestOfNothing(t *testing.T) {
	db := openJournaled(t, filepath.Join(t.TempDir(), "meta.db"), 1<<20, nil)
	defer db.Close()
	put(t, db, "a1", "value")
	put(t, db, "a2", "value")
	first := bolt.Rested(db)
	bolt.Folded(db)
	if second := bolt.Rested(db); second != first {
		t.Errorf("generation %d after %d, and there was nothing to fold", second, first)
	}
}

// killed is the path of a database that a process left with a layer that was being
// folded, of more than ten commits, and five newer commits. Its keys are b0, b1, ...
func killed(t *testing.T) (path string, keys int) {
	t.Helper()
	dir := t.TempDir()
	reached, goOn := make(chan struct{}), make(chan struct{})
	armed := false
	db := openJournaled(t, filepath.Join(dir, "meta.db"), 10<<10, func(what string) {
		if what == bolt.DidFold && armed {
			close(reached)
			<-goOn
			armed = false
		}
	})
	put(t, db, "b0", "value")
	armed = true
	before := look(t, filepath.Join(dir, "meta.db"))
	for keys = 1; !bolt.Folding(db); keys++ {
		put(t, db, fmt.Sprintf("b%d", keys), strings.Repeat("value ", 100))
	}
	<-reached
	for range 5 {
		put(t, db, fmt.Sprintf("b%d", keys), "value")
		keys++
	}
	left := look(t, filepath.Join(dir, "meta.db"))
	close(goOn)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	path = filepath.Join(dir, "left.db")
	image{before.data, left.journal}.lay(t, path)
	return path, keys
}

// olderFirst are the files of a journal, that of the layer being folded first: it has
// more records.
func olderFirst(t *testing.T, path string) [2]string {
	names := bolt.JournalNames(path)
	if len(bytes.TrimRight(read(t, names[0]), "\x00")) < len(bytes.TrimRight(read(t, names[1]), "\x00")) {
		names[0], names[1] = names[1], names[0]
	}
	return names
}

func TestDamagedJournal(t *testing.T) {
	const older, newer = 0, 1
	rot := func(file, record int) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			name := olderFirst(t, path)[file]
			content := read(t, name)
			if record < 0 {
				record += (len(bytes.TrimRight(content, "\x00")) + pageSize - 1) / pageSize
			}
			content[record*pageSize+30] ^= 1
			write(t, name, content)
		}
	}
	remove := func(file int) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.Remove(olderFirst(t, path)[file]); err != nil {
				t.Fatal(err)
			}
		}
	}
	const gone = "a record of the journal is gone; put a backup"
	for name, row := range map[string]struct {
		hurt func(t *testing.T, path string)
		want string // in the error
		lost int    // or so many of the newest commits
	}{
		"as it was":               {func(*testing.T, string) {}, "", 0},
		"a record":                {rot(older, 2), gone, 0},
		"the first record":        {rot(older, 0), gone, 0},
		"last of the older":       {rot(older, -1), gone, 0},
		"a newer record":          {rot(newer, 2), gone, 0},
		"the first newer record":  {rot(newer, 0), gone, 0},
		"the last record":         {rot(newer, -1), "", 1}, // as if it was never written whole
		"the older file gone":     {remove(older), gone, 0},
		"the newer file gone":     {remove(newer), "one of the journal's two files is gone", 0},
		"the older file is empty": {func(t *testing.T, path string) { write(t, olderFirst(t, path)[0], nil) }, gone, 0},
		"database gone":           {func(t *testing.T, path string) { os.Remove(path) }, "is gone, and its journal is there: put the database back", 0},
		"another database": {func(t *testing.T, path string) {
			other, _ := killed(t)
			write(t, path, read(t, other))
		}, "is not that of this database", 0},
		"a database that never had one": {func(t *testing.T, path string) {
			db := open(t, path+"-new", bolt.Options{})
			put(t, db, "b", "value")
			if err := errors.Join(db.Close(), os.Rename(path+"-new", path)); err != nil {
				t.Error(err)
			}
		}, "is not that of this database", 0},
	} {
		t.Run(name, func(t *testing.T) {
			path, keys := killed(t)
			row.hurt(t, path)
			was, _ := os.ReadFile(path)
			db, err := bolt.Open(path, bolt.Options{})
			if row.want != "" {
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("got %v, want %s", err, row.want)
				}
				if is, _ := os.ReadFile(path); !bytes.Equal(is, was) {
					t.Error("the refused database was changed")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if found := content(t, db); len(found) != keys-row.lost {
				t.Errorf("%d keys were repeated, want %d", len(found), keys-row.lost)
			}
			for _, name := range bolt.JournalNames(path) {
				if _, err := os.Stat(name); err == nil {
					t.Errorf("%s is still there", name)
				}
			}
		})
	}
}

// TestJournalFails lets a record fail: the engine is broken, and the commit is not
// there when it opens again.
func TestJournalFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	db := openJournaled(t, path, 1<<20, nil)
	put(t, db, "a1", "value")
	put(t, db, "a2", "value")
	if err := bolt.LoseJournal(db); err != nil {
		t.Fatal(err)
	}
	err := db.Update(context.Background(), engine.Foreground, func(w engine.Writer) error { return w.Put([]byte("a3"), []byte("value")) })
	if !errors.Is(err, engine.ErrBroken) {
		t.Errorf("a commit without a record: %v", err)
	}
	db.Close() // its files for the second time
	db = openJournaled(t, path, 1<<20, nil)
	defer db.Close()
	if found := content(t, db); len(found) != 2 {
		t.Errorf("after opening again: %v", found)
	}
}

// TestFoldFails lets a fold fail: whoever commits next is told, and all that was
// answered is there when it opens again.
func TestFoldFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	db := openJournaled(t, path, 4<<10, nil)
	put(t, db, "a", "value")
	if err := bolt.LoseData(db); err != nil {
		t.Fatal(err)
	}
	answered, broken := 1, false
	for i := 0; !broken && i < 100; i++ {
		err := db.Update(context.Background(), engine.Foreground, func(w engine.Writer) error {
			return w.Put(fmt.Appendf(nil, "a%d", i), []byte(strings.Repeat("value ", 100)))
		})
		if broken = errors.Is(err, engine.ErrBroken); !broken {
			answered++
		}
		bolt.Folded(db)
	}
	if !broken {
		t.Error("nobody was told of a fold that failed")
	}
	db.Close() // the database's file for the second time
	db = openJournaled(t, path, 1<<20, nil)
	defer db.Close()
	if found := content(t, db); len(found) != answered {
		t.Errorf("%d keys after opening again, want %d", len(found), answered)
	}
}

// TestNoJournal goes on by bbolt alone where a journal cannot be made.
func TestNoJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	db := openJournaled(t, path, 1<<20, nil)
	if err := os.MkdirAll(filepath.Join(bolt.JournalNames(path)[1], "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, db, "a1", "value")
	put(t, db, "a2", "a second value")
	if bolt.Journaled(db) || !bytes.Contains(read(t, path), []byte("a second value")) {
		t.Error("a commit without a journal is not in the database")
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// TestInUseWithJournal leaves the files of a running process as they are.
func TestInUseWithJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	db := openJournaled(t, path, 1<<20, nil)
	defer db.Close()
	put(t, db, "a1", "value")
	put(t, db, "a2", "value")
	was := look(t, path)
	_, err := bolt.Open(path, bolt.Options{})
	if want := path + " is in use by another davit process"; !errors.Is(err, bolt.ErrInUse) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	is := look(t, path)
	if !bytes.Equal(is.data, was.data) || !bytes.Equal(is.journal[0], was.journal[0]) || !bytes.Equal(is.journal[1], was.journal[1]) {
		t.Error("the second process changed the files of the first")
	}
}
