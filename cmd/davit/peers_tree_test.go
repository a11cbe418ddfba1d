package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// goSource copies the first files of some folders of the Go source tree, each
// into a folder of the same name, and returns where they are.
func goSource(t *testing.T, perFolder int, folders ...string) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatalf("go env GOROOT: %v", err)
	}
	to := t.TempDir()
	for _, folder := range folders {
		src := filepath.Join(strings.TrimSpace(string(root)), "src", folder)
		n := 0
		err := filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			if n++; n > perFolder {
				return fs.SkipAll
			}
			below, err := filepath.Rel(src, path)
			if err != nil {
				return err
			}
			return copyFile(path, filepath.Join(to, folder, below))
		})
		if err != nil {
			t.Fatal(err)
		}
		if n < perFolder {
			t.Skipf("the Go source tree is not here: %s has %d files, not %d", src, n, perFolder)
		}
	}
	return to
}

// copyFile makes the folders it needs.
func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}

// changeTree edits a tree as people do: it appends to a file, makes one, removes one,
// renames one, and moves a whole folder.
func changeTree(t *testing.T, tree string, appendTo, remove, rename, moveFolder string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(tree, filepath.FromSlash(name)) }
	f, err := os.OpenFile(at(appendTo), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("\n// one more line\n")
		err = errors.Join(err, f.Close())
	}
	for _, step := range []error{
		err,
		os.WriteFile(at("new.txt"), []byte("new\n"), 0o644),
		os.Remove(at(remove)),
		os.Rename(at(rename), at(rename)+".renamed"),
		os.Rename(at(moveFolder), at("moved")),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
}

// treeSums are the hashes of all files below a folder, by path.
func treeSums(t *testing.T, tree string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		below, err := filepath.Rel(tree, path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		hash := sha256.New()
		if _, err := io.Copy(hash, f); err != nil {
			return err
		}
		found[filepath.ToSlash(below)] = hex.EncodeToString(hash.Sum(nil))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sameTree holds one tree to another.
func sameTree(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, sum := range want {
		if got[name] == "" {
			t.Errorf("%s is missing", name)
		} else if got[name] != sum {
			t.Errorf("%s has other content", name)
		}
	}
	for name := range got {
		if want[name] == "" {
			t.Errorf("%s should not be there", name)
		}
	}
	if len(want) == 0 {
		t.Error("there is nothing to compare")
	}
}
