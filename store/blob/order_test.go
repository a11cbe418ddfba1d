package blob_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"davit/store/blob"
	"davit/store/disk"
)

// skip plays a disk that lies about one kind of operation on names that contain
// a part.
func skip(kind disk.Kind, part string) disk.Hook {
	return func(op disk.Op) error {
		if op.Kind == kind && strings.Contains(op.Name, part) {
			return disk.Skip
		}
		return nil
	}
}

// record opens a directory, keeps two blobs with a commit after each, or before
// it, and returns what Order thinks of it.
func record(t *testing.T, commitFirst bool, faults ...disk.Hook) []string {
	t.Helper()
	var r disk.Recorder
	fsys := disk.New(t.TempDir(), append(faults, r.Hook)...)
	blobs, err := blob.Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"first", "second", "first"} {
		steps := []func() error{
			func() error { _, err := keep(blobs, content, 1); return err },
			func() error { return fsys.Note(disk.Op{Kind: disk.Commit}) },
		}
		if commitFirst {
			steps[0], steps[1] = steps[1], steps[0]
		}
		for _, step := range steps {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return disk.Order(r.Ops(), blob.TempDir)
}

func TestOrderHolds(t *testing.T) {
	if problems := record(t, false); len(problems) > 0 {
		t.Errorf("problems:\n%s", strings.Join(problems, "\n"))
	}
}

// TestOrderSeesFaults plants each fault and wants it found.
func TestOrderSeesFaults(t *testing.T) {
	shelf := "blobs/a7" // of the SHA-256 of "first"
	for _, row := range []struct {
		name        string
		commitFirst bool
		fault       disk.Hook
		want        string
	}{
		{"blob not synced", false, skip(disk.Sync, ""), "renamed before its content is synced"},
		{"directory not synced", false, skip(disk.SyncDir, shelf), "commit before " + shelf + " is synced"},
		{"first level not synced", false, func(op disk.Op) error {
			if op.Kind == disk.SyncDir && op.Name == "blobs" {
				return disk.Skip
			}
			return nil
		}, "commit before blobs is synced, which names 00"},
		{"commit before blob", true, nil, "without a commit after the rename"},
	} {
		var faults []disk.Hook
		if row.fault != nil {
			faults = append(faults, row.fault)
		}
		problems := strings.Join(record(t, row.commitFirst, faults...), "\n")
		if !strings.Contains(problems, row.want) {
			t.Errorf("%s: not seen, only %q", row.name, problems)
		}
	}
}

// TestKeepFailNth breaks each operation of keeping a blob: there is a whole blob
// or none, and no temporary file after Discard.
func TestKeepFailNth(t *testing.T) {
	const content = "content"
	dir := t.TempDir()
	open(t, dir)
	for n := 1; ; n++ {
		fault := disk.FailNth(n)
		armed := false
		blobs := open(t, dir, func(op disk.Op) error {
			if armed {
				return fault.Hook(op)
			}
			return nil
		})
		armed = true
		_, keepErr := keep(blobs, content, 1)
		armed = false
		if fault.Fired() != errors.Is(keepErr, syscall.EIO) {
			t.Errorf("fault %d fired: %t, answer %v", n, fault.Fired(), keepErr)
		}
		wantNoTemp(t, dir)
		refs := list(t, blobs)
		if len(refs) > 1 || keepErr == nil && len(refs) != 1 || len(filesUnder(t, dir)) != len(refs) {
			t.Errorf("fault %d leaves %v in %q", n, refs, filesUnder(t, dir))
		}
		for _, ref := range refs {
			if err := blobs.Verify(ref); err != nil || ref.Size != int64(len(content)) {
				t.Errorf("fault %d leaves a blob of %d bytes, %v", n, ref.Size, err)
			}
		}
		// What was left must not stand in the way of the next attempt.
		ref := mustKeep(t, blobs, content, 1)
		if err := errors.Join(blobs.Verify(ref), blobs.Remove(ref)); err != nil {
			t.Errorf("after fault %d: %v", n, err)
		}
		if !fault.Fired() {
			if n != 7 {
				t.Errorf("%d operations could be broken, want 6", n-1)
			}
			return
		}
	}
}

// TestOpenFailNth breaks the first and the last operations of making a
// directory, and one between: the next opening completes it.
func TestOpenFailNth(t *testing.T) {
	const operations = 260
	for _, n := range []int{1, 2, 3, 100, operations - 1, operations} {
		dir := t.TempDir()
		fault := disk.FailNth(n)
		fsys := disk.New(dir, fault.Hook)
		if _, err := blob.Open(fsys); !errors.Is(err, syscall.EIO) {
			t.Errorf("fault %d fired: %t, answer %v", n, fault.Fired(), err)
		}
		var r disk.Recorder
		open(t, dir, r.Hook)
		if len(r.Ops()) != operations {
			t.Errorf("opening takes %d operations, want %d", len(r.Ops()), operations)
		}
		if problems := disk.Order(append(r.Ops(), disk.Op{Kind: disk.Commit}), blob.TempDir); len(problems) > 0 {
			t.Errorf("after fault %d: %q", n, problems)
		}
	}
}

func filesUnder(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
