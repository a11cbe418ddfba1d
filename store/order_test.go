package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"davit/store/blob"
	"davit/store/disk"
)

// TestOrder records the script and what the collector does after it: each blob
// is durable, with its name, before the commit that refers to it.
func TestOrder(t *testing.T) {
	if problems := recorded(t, nil, script); len(problems) > 0 {
		t.Errorf("problems:\n%s", strings.Join(problems, "\n"))
	}
}

// recorded plays steps over hooks and tells what disk.Order thinks of them.
func recorded(t *testing.T, after func(*office, *disk.Recorder), steps []step, faults ...disk.Hook) []string {
	t.Helper()
	var r disk.Recorder
	of := newOffice(t, Options{Hooks: append(faults, r.Hook)}, "mia", "Team mia=editor")
	if _, err := of.play(steps); err != nil {
		t.Fatal(err)
	}
	if after != nil {
		after(of, &r)
	}
	of.collect(0)
	return disk.Order(r.Ops(), blob.TempDir)
}

// TestOrderSeesFaults plants the faults that lose data on a power cut, though
// no kill of the process shows them.
func TestOrderSeesFaults(t *testing.T) {
	t.Run("blob not synced", func(t *testing.T) {
		wantProblem(t, recorded(t, nil, script, skip(disk.Sync)), "renamed before its content is synced")
	})
	t.Run("directory not synced", func(t *testing.T) {
		wantProblem(t, recorded(t, nil, script, skip(disk.SyncDir)), "is synced, which names")
	})
	t.Run("metadata before blob", func(t *testing.T) {
		l := &late{}
		onePut := []step{putStep("/Team/big", bigFile)}
		after := func(of *office, r *disk.Recorder) {
			if err := l.release(of.dir, r); err != nil {
				t.Fatal(err)
			}
		}
		wantProblem(t, recorded(t, after, onePut, l.Hook), "without a commit after the rename")
	})
}

func wantProblem(t *testing.T, problems []string, want string) {
	t.Helper()
	if !strings.Contains(strings.Join(problems, "\n"), want) {
		t.Errorf("the fault goes unseen: %q", problems)
	}
}

// late holds the naming of a blob back until it is released. The file that was to
// get the name may be gone by then, since it had none: its content is written
// anew.
type late struct {
	mu   sync.Mutex
	held []disk.Op
}

func (l *late) Hook(op disk.Op) error {
	if op.Kind != disk.Rename {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = append(l.held, op)
	return disk.Skip
}

func (l *late) release(dir string, r *disk.Recorder) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, op := range l.held {
		errs = append(errs, os.WriteFile(filepath.Join(dir, op.To), bigFile, 0o400), r.Hook(op))
	}
	return errors.Join(errs...)
}
