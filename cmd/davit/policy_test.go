package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"davit/policy/text"
)

// TestPolicyFiles: an export into a file has the bytes of one that is printed, and
// more than a text may hold is refused like any other wrong text.
func TestPolicyFiles(t *testing.T) {
	d := newDesk(t)
	file := filepath.Join(t.TempDir(), "office.policy")
	if out := d.must("policy", "export", file); out != "" {
		t.Errorf("export printed %q", out)
	}
	written, err := os.ReadFile(file)
	if err != nil || string(written) != d.must("policy", "export") {
		t.Errorf("%q, %v", written, err)
	}
	if out := d.must("policy", "plan", file); out != "nothing to do\n" {
		t.Error(out)
	}
	code, _, errs := d.davit(strings.Repeat("#", text.SizeMax+1), "policy", "apply", "-")
	if code != exitUsage || !strings.Contains(errs, "the text has more than") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
