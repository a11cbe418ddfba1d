package disk_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"davit/store/disk"
)

func open(t *testing.T, hooks ...disk.Hook) (*disk.FS, string) {
	t.Helper()
	dir := t.TempDir()
	return disk.New(dir, hooks...), dir
}

// work does one of each change and stops at the first that fails.
func work(f *disk.FS) error {
	if err := f.Mkdir("tmp"); err != nil {
		return err
	}
	file, err := f.CreateTemp("tmp")
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write([]byte("con")); err != nil {
		return err
	}
	if _, err := file.ReadFrom(strings.NewReader("tent")); err != nil {
		return err
	}
	steps := []func() error{
		func() error { return file.Chmod(0o400) },
		file.Sync,
		func() error { return f.Rename(file.Name(), "kept") },
		func() error { return f.SyncDir(".") },
		func() error { return f.Note(disk.Op{Kind: disk.Commit}) },
		func() error { return f.Remove("kept") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func kinds(ops []disk.Op) (kinds []disk.Kind) {
	for _, op := range ops {
		kinds = append(kinds, op.Kind)
	}
	return kinds
}

func TestEachChangePassesTheHooks(t *testing.T) {
	var r disk.Recorder
	f, _ := open(t, r.Hook)
	if err := work(f); err != nil {
		t.Fatal(err)
	}
	want := []disk.Kind{
		disk.Mkdir, disk.Create, disk.Write, disk.Write, disk.Chmod, disk.Sync,
		disk.Rename, disk.SyncDir, disk.Commit, disk.Remove,
	}
	if got := kinds(r.Ops()); !slices.Equal(got, want) {
		t.Errorf("recorded %v, want %v", got, want)
	}
	if op := r.Ops()[2]; op.N != 3 {
		t.Errorf("the first write has length %d, want 3", op.N)
	}
}

// TestFailNth breaks each operation in turn: it must not have happened, and
// none after it.
func TestFailNth(t *testing.T) {
	for n := 1; ; n++ {
		fault := disk.FailNth(n)
		var r disk.Recorder
		f, dir := open(t, fault.Hook, r.Hook)
		err := work(f)
		if !fault.Fired() {
			if err != nil || n != 11 {
				t.Errorf("run %d without a fault: %v, want 10 runs with one", n, err)
			}
			return
		}
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "planted fault") {
			t.Errorf("fault %d: %v", n, err)
		}
		if len(r.Ops()) != n-1 {
			t.Errorf("fault %d: %d operations went through", n, len(r.Ops()))
		}
		if _, err := os.Stat(filepath.Join(dir, "kept")); (err == nil) != (n >= 8) {
			t.Errorf("fault %d: final name there: %t", n, err == nil)
		}
		if err := f.Mkdir("after"); err != nil {
			t.Errorf("fault %d came a second time: %v", n, err)
		}
	}
}

func TestSkipLies(t *testing.T) {
	for _, kind := range []disk.Kind{disk.Mkdir, disk.Write, disk.Chmod, disk.Sync, disk.Rename, disk.Remove, disk.SyncDir} {
		var armed bool
		f, dir := open(t, func(op disk.Op) error {
			if armed && op.Kind == kind {
				return disk.Skip
			}
			return nil
		})
		file, err := f.CreateTemp(".")
		if err != nil {
			t.Fatal(err)
		}
		armed = true
		n, err := file.Write([]byte("abc"))
		m, copyErr := file.ReadFrom(strings.NewReader("defg"))
		if n != 3 || m != 4 {
			t.Errorf("%v skipped: %d and %d bytes written", kind, n, m)
		}
		err = errors.Join(err, copyErr, f.Mkdir("dir"), file.Chmod(0o400), file.Sync(), f.SyncDir("."), file.Close())
		content, _ := os.ReadFile(filepath.Join(dir, file.Name()))
		info, _ := os.Stat(filepath.Join(dir, file.Name()))
		err = errors.Join(err, f.Rename(file.Name(), "final"), f.Remove(map[bool]string{true: file.Name(), false: "final"}[kind == disk.Rename]))
		if err != nil {
			t.Errorf("%v skipped: %v", kind, err)
		}
		_, dirErr := os.Stat(filepath.Join(dir, "dir"))
		_, finalErr := os.Stat(filepath.Join(dir, "final"))
		for what, lied := range map[disk.Kind]bool{
			disk.Mkdir:  dirErr != nil,
			disk.Write:  len(content) == 0,
			disk.Chmod:  info.Mode() != 0o400,
			disk.Remove: finalErr == nil,
		} {
			if lied != (what == kind) {
				t.Errorf("with %v skipped, %v did not happen: %t", kind, what, lied)
			}
		}
	}
}

func TestNamesStayInside(t *testing.T) {
	f, _ := open(t)
	for _, name := range []string{"", "/etc", "../x", "a/../../x", "a//b", "a/./b", "a/"} {
		_, openErr := f.Open(name)
		_, listErr := f.ReadDir(name)
		_, tempErr := f.CreateTemp("../" + name)
		for what, err := range map[string]error{
			"open": openErr, "list": listErr, "create": tempErr, "mkdir": f.Mkdir(name), "remove": f.Remove(name),
			"from": f.Rename(name, "b"), "to": f.Rename("b", name), "sync": f.SyncDir(name),
		} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
}

func TestReadAndFree(t *testing.T) {
	f, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := f.Open("file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got, err := io.ReadAll(file); string(got) != "content" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if entries, err := f.ReadDir("."); len(entries) != 1 || entries[0].Name() != "file" || err != nil {
		t.Errorf("listed %v, %v", entries, err)
	}
	if n, err := f.Free(); n <= 0 || err != nil {
		t.Errorf("free: %d, %v", n, err)
	}
	if _, err := disk.New(filepath.Join(dir, "absent")).Free(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("free space of an absent directory: %v", err)
	}
}

// TestOrder reads records as a person would write them.
func TestOrder(t *testing.T) {
	for _, row := range []struct{ name, record, want string }{
		{"in order", "create tmp/1, write tmp/1, sync tmp/1, rename tmp/1 a/x, syncdir a, commit", ""},
		{"new directory", "mkdir a/b, create tmp/1, sync tmp/1, rename tmp/1 a/b/x, syncdir a/b, syncdir a, commit", ""},
		{"two in one commit", "create tmp/1, sync tmp/1, rename tmp/1 x, create tmp/2, sync tmp/2, rename tmp/2 y, syncdir ., commit", ""},
		{"given up", "create tmp/1, write tmp/1, remove tmp/1, commit", ""},
		{"not synced", "create tmp/1, write tmp/1, rename tmp/1 a/x, syncdir a, commit", "operation 3: a/x is renamed before its content is synced"},
		{"synced too early", "create tmp/1, sync tmp/1, write tmp/1, rename tmp/1 a/x, syncdir a, commit", "operation 4: a/x is renamed before its content is synced"},
		{"directory not synced", "create tmp/1, sync tmp/1, rename tmp/1 a/x, commit", "operation 4: commit before a is synced, which names x"},
		{"directory synced too early", "create tmp/1, sync tmp/1, syncdir a, rename tmp/1 a/x, commit", "operation 5: commit before a is synced, which names x"},
		{"parent not synced", "mkdir a/b, syncdir a/b, commit", "operation 3: commit before a is synced, which names b"},
		{"written after", "create tmp/1, sync tmp/1, rename tmp/1 a/x, write tmp/1, syncdir a, commit", "operation 4: a/x is written to after its rename"},
		{"committed too early", "commit, create tmp/1, sync tmp/1, rename tmp/1 a/x, syncdir a", "operation 5: the record ends without a commit after the rename to a/x"},
		{"removed again", "create tmp/1, sync tmp/1, rename tmp/1 a/x, remove a/x", ""},
		{"created outside", "create a/x, commit", "operation 1: a/x is created outside tmp"},
		{"each commit anew", "mkdir a, commit, mkdir b, commit", "operation 2: commit before . is synced, which names a; operation 4: commit before . is synced, which names b"},
	} {
		if got := strings.Join(disk.Order(parse(t, row.record), "tmp"), "; "); got != row.want {
			t.Errorf("%s:\ngot  %s\nwant %s", row.name, got, row.want)
		}
	}
}

func parse(t *testing.T, record string) (ops []disk.Op) {
	for entry := range strings.SplitSeq(record, ", ") {
		words := append(strings.Fields(entry), "", "")
		op := disk.Op{Kind: disk.Mkdir, Name: words[1], To: words[2]}
		for op.Kind.String() != words[0] {
			if op.Kind++; op.Kind > disk.Commit {
				t.Fatalf("no operation %q", words[0])
			}
		}
		ops = append(ops, op)
	}
	return ops
}

func TestOpText(t *testing.T) {
	var out bytes.Buffer
	for _, op := range []disk.Op{{Kind: disk.Rename, Name: "a", To: "b"}, {Kind: disk.Commit}, {Kind: disk.Sync, Name: "a"}, {Kind: 99}} {
		out.WriteString(op.String() + "|")
	}
	if want := "rename a to b|commit|sync a|kind 99 |"; out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
}
