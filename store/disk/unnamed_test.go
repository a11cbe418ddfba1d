package disk

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestUnnamed makes files with and without a name on the way and gives each a
// final one, twice the same.
func TestUnnamed(t *testing.T) {
	for _, row := range []struct {
		name   string
		before func(*FS)
		hidden bool
	}{
		{"as the system can", func(*FS) {}, runtime.GOOS == "linux"},
		{"named", func(f *FS) { f.probe.Do(func() {}) }, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			fsys := New(dir)
			row.before(fsys)
			if err := fsys.Mkdir("tmp"); err != nil {
				t.Fatal(err)
			}
			for _, content := range []string{"first", "second"} {
				file, err := fsys.CreateUnnamed("tmp")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := file.Write([]byte(content)); err != nil {
					t.Fatal(err)
				}
				names := list(t, filepath.Join(dir, "tmp"))
				if row.hidden && !fsys.unnamed {
					t.Skip("this file system gives every file a name")
				}
				if hidden := len(names) == 0; hidden != row.hidden {
					t.Errorf("while being written it is called %v", names)
				}
				if err := file.Place("final"); err != nil {
					t.Fatal(err)
				}
				if err := file.Close(); err != nil {
					t.Fatal(err)
				}
				if got, err := os.ReadFile(filepath.Join(dir, "final")); string(got) != content || err != nil {
					t.Errorf("placed %q, %v", got, err)
				}
			}
			file, err := fsys.CreateUnnamed("tmp")
			if err != nil {
				t.Fatal(err)
			}
			if err := file.Drop(); err != nil {
				t.Error(err)
			}
			if err := file.Close(); err != nil {
				t.Error(err)
			}
			if names := list(t, filepath.Join(dir, "tmp")); len(names) > 0 {
				t.Errorf("%v stayed behind", names)
			}
			if err := fsys.Mkdir("final"); err == nil {
				t.Error("the file is gone")
			}
		})
	}
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestUnnamedIsWatched: the hooks hear of such a file what they hear of others,
// and can keep it from getting its name.
func TestUnnamedIsWatched(t *testing.T) {
	var r Recorder
	lies := func(op Op) error {
		if op.Kind == Rename && op.To == "lost" {
			return Skip
		}
		return nil
	}
	dir := t.TempDir()
	fsys := New(dir, lies, r.Hook)
	file, err := fsys.CreateUnnamed(".")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, to := range []string{"lost", "kept"} {
		if err := file.Place(to); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "lost")); err == nil {
		t.Error("a skipped rename happened")
	}
	ops := r.Ops()
	if len(ops) != 2 || ops[0].Kind != Create || ops[1] != (Op{Kind: Rename, Name: file.Name(), To: "kept"}) {
		t.Errorf("the hooks heard of %v", ops)
	}
}
