package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"davit/store"
)

func TestInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	d := &desk{t: t, dir: dir}
	if code, _, errs := d.davit("short", "init", "--owner", "ann", "--password-stdin"); code != exitUsage || !strings.Contains(errs, "at least 8 characters") {
		t.Errorf("a short password: exit code %d, %s", code, errs)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a refused init left a directory")
	}
	code, out, errs := d.davit(ownerPassword, "init", "--owner", "ann", "--password-stdin", "--json")
	var got made
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != exitDone || got != (made{dir, "ann"}) {
		t.Errorf("init: exit code %d, %s%s(%v)", code, out, errs, err)
	}
	if code, _, errs := d.davit(ownerPassword, "init"); code != exitConflict || !strings.Contains(errs, "hint: davit serve") {
		t.Errorf("a second init: exit code %d, %s", code, errs)
	}
	if out := d.must("user", "show", "ann"); !strings.Contains(out, "owner") {
		t.Errorf("ann is %s", out)
	}
	d.open(d.check)
}

func TestInitOddOwner(t *testing.T) {
	d := &desk{t: t, dir: filepath.Join(t.TempDir(), "data")}
	code, _, errs := d.davit(ownerPassword, "init", "--owner", "../ann", "--password-stdin")
	if code != exitUsage || !strings.Contains(errs, "hint: the data directory is made") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestInitWithoutOwner(t *testing.T) {
	d := &desk{t: t, dir: filepath.Join(t.TempDir(), "data")}
	if code, out, errs := d.davit("", "init"); code != exitDone {
		t.Fatalf("exit code %d, %s%s", code, out, errs)
	}
	if code, out, _ := d.davit(ownerPassword, "user", "add", "ann", "--type", "owner", "--password-stdin"); code != exitDone {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// TestNoData: what people meet first is said with the next step.
func TestNoData(t *testing.T) {
	d := &desk{t: t, dir: filepath.Join(t.TempDir(), "none")}
	code, _, errs := d.davit("", "user", "list")
	if want := "davit: no data directory of davit at " + d.dir + "\nhint: davit init --data " + d.dir + "\n"; code != exitFailed || errs != want {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

// TestInUse: a process that has the directory and takes no commands is named as
// what stands in the way.
func TestInUse(t *testing.T) {
	d := newDesk(t)
	d.open(func(*store.Store) {
		code, _, errs := d.davit("", "user", "list")
		if code != exitFailed || !strings.Contains(errs, "in use by another davit process") || !strings.Contains(errs, "\nhint: ") {
			t.Errorf("exit code %d, %s", code, errs)
		}
	})
}

// TestDataFromEnvironment cannot run beside others.
func TestDataFromEnvironment(t *testing.T) {
	d := newDesk(t)
	t.Setenv("DAVIT_DATA", d.dir)
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"user", "show", "ann"}, strings.NewReader(""), &out, &errs); code != exitDone {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
	out.Reset()
	run(context.Background(), []string{"user", "list", "--help"}, strings.NewReader(""), &out, &errs)
	if strings.Contains(out.String(), d.dir) {
		t.Errorf("help shows this machine's directory:\n%s", out.String())
	}
}
