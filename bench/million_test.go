package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGrowTellsEverything(t *testing.T) {
	binary, notes := fakeDavit(t)
	dir := memoryDir(t)
	page := filepath.Join(notes, "page.md")
	if err := os.WriteFile(page, []byte("before\n<!-- begin scale -->\nstale line\n<!-- end scale -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--scale", "--quick", "--davit", binary, "--dir", dir, "--markdown", page}, &stdout, &stderr)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	text := read(t, page)
	for _, want := range []string{
		"before\n<!-- begin scale -->\nMeasured", "PUT of 60 files of 1 KiB into 1 folder", "until there are 60 in 12 folders",
		"PROPFIND depth 1 of a folder of 60 files", "| MOVE of the folder with all 60 files |", "| start, until it listens |", "<!-- end scale -->\nafter\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "stale line") {
		t.Errorf("the old table is still there:\n%s", text)
	}
	nothingLeft(t, dir, notes)
}

// TestGrowNoticesLoss: a COPY that leaves files out does not pass.
func TestGrowNoticesLoss(t *testing.T) {
	s := shaped(t, asIs)
	g := &growth{census: village, repeat: village.repeat, batch: &batch{site: s, clients: []*client{newClient(s.target)}}}
	for _, step := range []func() error{g.fill, g.multiply} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.list(); err != nil {
		t.Fatal(err)
	}
	if err := remove(g.one(), "all/part-001/"+g.seed.file(5)); err != nil {
		t.Fatal(err)
	}
	if err := g.list(); err == nil {
		t.Error("nobody noticed")
	}
}

func TestPageKeepsItsRest(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	for range 2 {
		if err := intoPage(page, "x", "text\n"); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, page); got != "<!-- begin x -->\ntext\n<!-- end x -->\n" {
		t.Errorf("%q", got)
	}
	if err := os.WriteFile(page, []byte("<!-- begin x -->\nnever closed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := intoPage(page, "x", ""); err == nil {
		t.Error("the rest of a page is lost")
	}
}
