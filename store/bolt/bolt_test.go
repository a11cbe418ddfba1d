package bolt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"davit/store/bolt"
	"davit/store/disk"
	"davit/store/engine"
	"davit/store/engine/enginetest"
)

var seedFlag = flag.Uint64("bolt.seed", 0, "seed of the damage test, 0 for a new one")

func open(t testing.TB, path string, o bolt.Options) engine.Engine {
	t.Helper()
	db, err := bolt.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func openNew(t *testing.T) engine.Engine {
	return open(t, filepath.Join(t.TempDir(), "meta.db"), bolt.Options{})
}

func put(t testing.TB, db engine.Engine, key, value string) {
	t.Helper()
	err := db.Update(context.Background(), engine.Foreground, func(w engine.Writer) error {
		return w.Put([]byte(key), []byte(value))
	})
	if err != nil {
		t.Error(err)
	}
}

func get(t testing.TB, db engine.Engine, key string) (value string, err error) {
	t.Helper()
	err = db.View(func(r engine.Reader) error {
		got, err := r.Get([]byte(key))
		value = string(got)
		return err
	})
	return value, err
}

func TestContract(t *testing.T) { enginetest.Run(t, openNew) }

func TestContractDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	openHere := func(t *testing.T) engine.Engine { return open(t, path, bolt.Options{}) }
	enginetest.Damage(t, openHere, func(t *testing.T, db engine.Engine, payload []byte) engine.Engine {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		content := read(t, path)
		hits := bytes.Count(content, payload)
		write(t, path, bytes.ReplaceAll(content, payload, append([]byte{payload[0] ^ 1}, payload[1:]...)))
		if hits == 0 {
			t.Fatal("nothing to damage")
		}
		return openHere(t)
	})
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "meta.db")
	leftover := path + ".new-123"
	write(t, leftover, []byte("of a process that was killed"))
	for i := range 3 {
		db := open(t, path, bolt.Options{})
		for j := range i {
			if got, err := get(t, db, fmt.Sprintf("a%d", j)); got != "value" || err != nil {
				t.Errorf("opening %d: a%d is %q, %v", i, j, got, err)
			}
		}
		put(t, db, fmt.Sprintf("a%d", i), "value")
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 || err != nil {
		t.Errorf("the directory holds %v, %v, want the database", entries, err)
	}
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	db := open(t, path, bolt.Options{})
	_, err := bolt.Open(path, bolt.Options{})
	if want := path + " is in use by another davit process"; !errors.Is(err, bolt.ErrInUse) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if err := open(t, path, bolt.Options{}).Close(); err != nil {
		t.Error(err)
	}
}

func TestCreateFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	write(t, file, nil)
	for name, path := range map[string]string{
		"absent directory": filepath.Join(dir, "absent", "meta.db"),
		"below a file":     filepath.Join(file, "meta.db"),
		"a directory":      dir,
		"an empty file":    file,
	} {
		if db, err := bolt.Open(path, bolt.Options{}); err == nil {
			db.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

// filled writes a database whose tree has branches, overflow pages, a table on
// its own page and one inside the root, in a single commit, and returns what it
// holds.
func filled(t *testing.T, path string) map[string]string {
	t.Helper()
	content := map[string]string{"s": "one small table", "t" + strings.Repeat("k", 1000): "a long key"}
	for i := range 200 {
		content[fmt.Sprintf("b%04d", i)] = strings.Repeat(fmt.Sprintf("%04d", i), 40)
	}
	content["c-large"] = strings.Repeat("large", 4000)
	db := open(t, path, bolt.Options{})
	err := db.Update(context.Background(), engine.Foreground, func(w engine.Writer) error {
		for key, value := range content {
			if err := w.Put([]byte(key), []byte(value)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return content
}

// examine opens a damaged file and returns what was reported, and how many keys
// are gone without a report. It fails the test over a wrong value.
func examine(t *testing.T, path string, content map[string]string) (reports []string, gone int) {
	t.Helper()
	db, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return []string{err.Error()}, 0
	}
	defer db.Close()
	if err := db.Check(context.Background(), func(fault string) { reports = append(reports, fault) }); err != nil {
		t.Errorf("check: %v", err)
	}
	for key, want := range content {
		got, err := get(t, db, key)
		switch {
		case err != nil && !errors.Is(err, engine.ErrDamaged):
			t.Errorf("get %.20q: %v", key, err)
		case err == nil && got == "":
			gone++
		case err == nil && got != want:
			t.Errorf("get %.20q: wrong value %.20q", key, got)
		}
	}
	return reports, gone
}

func TestCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	content := filled(t, path)
	whole := read(t, path)
	used := int(binary.NativeEndian.Uint64(whole[newestMeta(whole)+16+40:])) * 4096
	for _, size := range []int{1, 100, 4095, 4096, 8191, 8192, 8193, 16384, used / 2, used - 4096, used - 1} {
		write(t, path, whole[:size])
		if reports, _ := examine(t, path, content); len(reports) != 1 || !strings.Contains(reports[0], path) {
			t.Errorf("cut to %d of %d bytes: %q, want an error that names the file", size, used, reports)
		}
	}
	write(t, path, whole[:used])
	if reports, gone := examine(t, path, content); len(reports) > 0 || gone > 0 {
		t.Errorf("cut behind its last page: %q, %d keys gone", reports, gone)
	}
}

// newestMeta is where the meta page of the last commit begins.
func newestMeta(file []byte) int {
	txid := func(page int) uint64 { return binary.NativeEndian.Uint64(file[page*4096+16+48:]) }
	if txid(1) > txid(0) {
		return 4096
	}
	return 0
}

func TestGarbage(t *testing.T) {
	seed := newSeed(t)
	random := rand.NewChaCha8([32]byte(binary.LittleEndian.AppendUint64(make([]byte, 24), seed)))
	path := filepath.Join(t.TempDir(), "meta.db")
	filled(t, path)
	for _, from := range []int{0, 8192} { // all, or all but the meta pages
		garbage := read(t, path)
		random.Read(garbage[from:])
		write(t, path, garbage)
		if db, err := bolt.Open(path, bolt.Options{}); err == nil {
			db.Close()
			t.Errorf("garbage from byte %d opened", from)
		}
	}
}

func newSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with -bolt.seed=%d", seed)
	return seed
}

// TestFlippedBytes flips one byte at a time, half of them in the numbers that
// hold the tree together: it is reported, or does not matter, and no value is
// ever wrong. What nobody can see is a count that is lower than it was: bbolt
// has no checksum on pages.
func TestFlippedBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(newSeed(t), 0))
	path := filepath.Join(t.TempDir(), "meta.db")
	content := filled(t, path)
	whole := read(t, path)
	used := int(binary.NativeEndian.Uint64(whole[newestMeta(whole)+16+40:])) * 4096
	whole = whole[:used]
	seen := 0
	for i := range 200 {
		at := 8192 + random.IntN(used-8192)
		if i%2 == 0 {
			at = 8192 + random.IntN((used-8192)/4096)*4096 + random.IntN(16*6)
		}
		damaged := slices.Clone(whole)
		damaged[at] ^= byte(1 + random.IntN(255))
		write(t, path, damaged)
		reports, gone := examine(t, path, content)
		if inCount := at%4096 == 10 || at%4096 == 11; gone > 0 && len(reports) == 0 && !inCount {
			t.Errorf("byte %d of page %d: %d keys are gone and nothing is reported", at%4096, at/4096, gone)
		}
		if len(reports) > 0 {
			seen++
		}
		if t.Failed() {
			return
		}
	}
	if seen < 50 {
		t.Errorf("only %d of 200 flips reported", seen)
	}
}

func TestBackupOpens(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "meta.db")
	content := filled(t, path)
	db := open(t, path, bolt.Options{})
	defer db.Close()
	var out bytes.Buffer
	n, err := db.Backup(&out)
	if err != nil || n != int64(out.Len()) {
		t.Fatalf("backup of %d bytes, %d written, %v", n, out.Len(), err)
	}
	put(t, db, "a-later", "value")
	copied := filepath.Join(dir, "copy.db")
	write(t, copied, out.Bytes())
	if reports, gone := examine(t, copied, content); len(reports) > 0 || gone > 0 {
		t.Errorf("the backup: %q, %d keys gone", reports, gone)
	}
}

// TestBeforeCommit counts commits through the hooks of the disk, and fails one.
func TestBeforeCommit(t *testing.T) {
	dir := t.TempDir()
	var r disk.Recorder
	fault := disk.FailNth(3)
	fsys := disk.New(dir, fault.Hook, r.Hook)
	var told atomic.Int32
	o := bolt.Options{
		BeforeCommit: func() error { return fsys.Note(disk.Op{Kind: disk.Commit}) },
		OnBroken:     func(error) { told.Add(1) },
	}
	path := filepath.Join(dir, "meta.db")
	db := open(t, path, o)
	put(t, db, "a", "1")
	put(t, db, "a", "2")
	err := db.Update(context.Background(), engine.Foreground, func(w engine.Writer) error { return w.Put([]byte("a"), []byte("3")) })
	if !errors.Is(err, engine.ErrBroken) || !strings.Contains(err.Error(), "planted fault in commit") {
		t.Errorf("failed commit: %v", err)
	}
	if _, err := get(t, db, "a"); !errors.Is(err, engine.ErrBroken) {
		t.Errorf("read of a broken engine: %v", err)
	}
	if _, err := db.Backup(new(bytes.Buffer)); !errors.Is(err, engine.ErrBroken) {
		t.Errorf("backup of a broken engine: %v", err)
	}
	if err := db.Close(); err != nil || told.Load() != 1 || len(r.Ops()) != 2 {
		t.Errorf("close: %v, told %d times, %d commits", err, told.Load(), len(r.Ops()))
	}
	db = open(t, path, bolt.Options{})
	defer db.Close()
	if got, err := get(t, db, "a"); got != "2" || err != nil {
		t.Errorf("after opening again: %q, %v, want 2", got, err)
	}
}

// TestReaderDoesNotStopWriter grows the file far beyond its first map while one
// reader stays where it is.
func TestReaderDoesNotStopWriter(t *testing.T) {
	db := openNew(t)
	defer db.Close()
	put(t, db, "a", "old")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := db.View(func(r engine.Reader) error {
		grown := make(chan error, 1)
		go func() {
			grown <- db.Update(ctx, engine.Foreground, func(w engine.Writer) error {
				for i := range 100 {
					if err := w.Put(fmt.Appendf(nil, "a%d", i), make([]byte, engine.ValueSizeMax)); err != nil {
						return err
					}
				}
				return nil
			})
		}()
		select {
		case err := <-grown:
			return err
		case <-ctx.Done():
			return errors.New("the writer waits for the reader")
		}
	})
	if err != nil {
		t.Error(err)
	}
}
