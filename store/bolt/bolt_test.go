package bolt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"davit/store/bolt"
	"davit/store/disk"
	"davit/store/engine"
	"davit/store/engine/enginetest"
)

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
	told := make(chan error, 2)
	o := bolt.Options{
		BeforeCommit: func() error { return fsys.Note(disk.Op{Kind: disk.Commit}) },
		OnBroken:     func(err error) { told <- err },
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
	if err := db.Close(); err != nil || len(r.Ops()) != 2 {
		t.Errorf("close: %v, %d commits", err, len(r.Ops()))
	}
	if err := <-told; !errors.Is(err, engine.ErrBroken) || len(told) > 0 { // it may come after the end
		t.Errorf("told: %v, and %d times more", err, len(told))
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
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
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
