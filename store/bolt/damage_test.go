package bolt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"davit/store/bolt"
	"davit/store/engine"
)

var seedFlag = flag.Uint64("bolt.seed", 0, "seed of the damage tests, 0 for a new one")

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
	used := usedBytes(whole)
	for _, size := range []int{1, 100, 4095, 4096, 8191, 8192, 8193, 16384, used / 2, used - 4096, used - 1} {
		want := path
		if size >= 8192 { // both meta pages are there
			want = path + ": damaged record: the file is cut off"
		}
		write(t, path, whole[:size])
		if reports, _ := examine(t, path, content); len(reports) != 1 || !strings.Contains(reports[0], want) {
			t.Errorf("cut to %d of %d bytes: %q, want %s", size, used, reports, want)
		}
	}
	write(t, path, whole[:used])
	if reports, gone := examine(t, path, content); len(reports) > 0 || gone > 0 {
		t.Errorf("cut behind its last page: %q, %d keys gone", reports, gone)
	}
}

// newestMeta returns the meta page of the last commit, without its header: the
// root page is at byte 16, the number of pages at 40, the transaction at 48.
func newestMeta(file []byte) []byte {
	first, second := file[16:4096], file[4096+16:8192]
	if binary.NativeEndian.Uint64(second[48:]) > binary.NativeEndian.Uint64(first[48:]) {
		return second
	}
	return first
}

func usedBytes(file []byte) int {
	return int(binary.NativeEndian.Uint64(newestMeta(file)[40:])) * 4096
}

// TestDamagedNumbers breaks one rule of the page format at a time. The root is
// a leaf with the tables b, c, s (inside the root) and t; b has a branch page.
func TestDamagedNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	content := filled(t, path)
	whole := read(t, path)
	native := binary.NativeEndian
	pageAt := func(file []byte, id uint64) []byte { return file[id*4096 : (id+1)*4096] }
	for _, row := range []struct {
		want   string
		damage func(root, branch, leaf []byte)
	}{
		{"", func(_, _, _ []byte) {}},
		{"is outside the file of", func(_, branch, _ []byte) { native.PutUint64(branch[16+8:], 1<<40) }},
		{"is used twice", func(_, branch, _ []byte) { copy(branch[16+8:], branch[:8]) }},
		{"is of kind 10, not", func(_, _, leaf []byte) { native.PutUint16(leaf[8:], 16) }},
		{"says that it is page 77", func(_, _, leaf []byte) { native.PutUint64(leaf, 77) }},
		{"with 4000000000 more is outside", func(_, _, leaf []byte) { native.PutUint32(leaf[12:], 4e9) }},
		{"cannot hold 65535 elements", func(_, _, leaf []byte) { native.PutUint16(leaf[10:], 65535) }},
		{"cannot hold 0 elements", func(_, branch, _ []byte) { native.PutUint16(branch[10:], 0) }},
		{"has element 0 outside itself", func(_, _, leaf []byte) { native.PutUint32(leaf[16+4:], 4e9) }},
		{"has element 1 outside itself", func(_, _, leaf []byte) { native.PutUint32(leaf[32+8:], 0) }},
		{"out of order", func(_, _, leaf []byte) { copy(leaf[16:32], leaf[32:48]) }},
		{"is not its own", func(_, _, leaf []byte) { native.PutUint32(leaf[16:], 1) }},
		{"entry 63 of the root is not a table", func(root, _, _ []byte) { native.PutUint32(root[32:], 0) }},
		{"table 73 has no page", func(root, _, _ []byte) { native.PutUint32(root[48+12:], 20) }},
	} {
		file := slices.Clone(whole[:usedBytes(whole)])
		root := pageAt(file, native.Uint64(newestMeta(file)[16:]))
		position := 16 + native.Uint32(root[16+4:]) + native.Uint32(root[16+8:])
		branch := pageAt(file, native.Uint64(root[position:]))
		leaf := pageAt(file, native.Uint64(branch[16+8:]))
		row.damage(root, branch, leaf)
		write(t, path, file)
		reports, _ := examine(t, path, content)
		if got := strings.Join(reports, "; "); !strings.Contains(got, row.want) || row.want == "" && got != "" {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

// TestPagesOverlap lets each page claim the next one too.
func TestPagesOverlap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	content := filled(t, path)
	whole := read(t, path)
	used := usedBytes(whole)
	twice := 0
	for page := 8192; page < used; page += 4096 {
		damaged := slices.Clone(whole[:used])
		binary.NativeEndian.PutUint32(damaged[page+12:], 1)
		write(t, path, damaged)
		reports, _ := examine(t, path, content)
		twice += strings.Count(strings.Join(reports, "\n"), "is used twice")
	}
	if twice < 5 {
		t.Errorf("%d pages found to be used twice, want more", twice)
	}
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
	used := usedBytes(whole)
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
