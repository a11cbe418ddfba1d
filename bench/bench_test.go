package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test binary be the naive server, as the benchmark's own is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == naiveCommand {
		main()
	}
	os.Exit(m.Run())
}

// fakeDavit is a program with Davit's command line and the naive server inside.
// It writes its arguments, what it reads and its process id into a folder.
func fakeDavit(t *testing.T) (binary, notes string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	notes = t.TempDir()
	binary = filepath.Join(notes, "davit")
	script := fmt.Sprintf(`#!/bin/sh
echo "$@" >> %[1]s/arguments
if [ "$1" != serve ]; then
	case "$*" in *--password-stdin*) cat >> %[1]s/passwords ;; esac
	exit 0
fi
echo $$ > %[1]s/pid
mkdir -p "$3/dav/Team"
exec %[2]s naive --dir "$3" --listen "$5" --ready-file "$7"
`, notes, self)
	if err := os.WriteFile(binary, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return binary, notes
}

func TestBenchComparesTwoServers(t *testing.T) {
	binary, notes := fakeDavit(t)
	dir := memoryDir(t)
	page := filepath.Join(notes, "page.md")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{
		"--davit", binary, "--peers", "none", "--dir", dir, "--quick", "--rounds", "1",
		"--only", "^GET 1 KiB|^LOCK", "--json", "--markdown", page,
	}, &stdout, &stderr)
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	var rep report
	if err := json.Unmarshal(stdout.Bytes(), &rep); err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, r := range rep.Rows {
		if r.Operations > 0 {
			got[r.Server]++
		}
	}
	if got["naive"] != 2 || got["davit"] != 2 {
		t.Errorf("rows by server: %v", got)
	}
	if text, err := os.ReadFile(page); err != nil || !bytes.Contains(text, []byte("| GET 1 KiB, 16 connections | davit |")) {
		t.Errorf("%v\n%s", err, text)
	}
	arguments := read(t, filepath.Join(notes, "arguments"))
	for _, want := range []string{"init --owner olivia", "user add mia", "space add Team --kind group-folder", "level set Team user:mia editor", "serve"} {
		if !strings.Contains(arguments, want) {
			t.Errorf("%q is missing in\n%s", want, arguments)
		}
	}
	for password := range strings.Lines(read(t, filepath.Join(notes, "passwords"))) {
		if strings.Contains(arguments, strings.TrimSpace(password)) {
			t.Error("a password is in the arguments")
		}
	}
	nothingLeft(t, dir, notes)
}

// cancelling is a progress writer that interrupts as soon as a round is told.
type cancelling struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("round 1")) {
		c.cancel()
	}
	return c.Buffer.Write(p)
}

func TestInterruptLeavesNothing(t *testing.T) {
	binary, notes := fakeDavit(t)
	dir := memoryDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stderr := &cancelling{cancel: cancel}
	var stdout bytes.Buffer
	code := run(ctx, []string{"--davit", binary, "--peers", "none", "--dir", dir, "--quick", "--rounds", "500", "--only", "GET 1 KiB"}, &stdout, stderr)
	if code != exitFailed || stdout.Len() > 0 {
		t.Errorf("exit code %d, %s", code, stdout.String())
	}
	if !strings.Contains(stderr.String(), "canceled") {
		t.Errorf("the reason is not told: %s", stderr.String())
	}
	nothingLeft(t, dir, notes)
}

func TestServerThatDoesNotStart(t *testing.T) {
	binary, notes := fakeDavit(t)
	dir := memoryDir(t)
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n[ \"$1\" != serve ] || { echo $$ > "+notes+"/pid; echo no port left >&2; exit 3; }\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--davit", binary, "--peers", "none", "--dir", dir, "--quick"}, &stdout, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "start davit: it ended before it listened: exit status 3\nno port left") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	nothingLeft(t, dir, notes)
}

// nothingLeft looks for data and for the process that served it.
func nothingLeft(t *testing.T, dir, notes string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v stayed behind, %v", left, err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, filepath.Join(notes, "pid"))))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := os.FindProcess(pid); err == nil && !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		t.Errorf("process %d is still there", pid)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--rounds", "-1"}, {"--rounds", "1001"}, {"--only", "("}, {"--peers", "nosuch"}, {"--peers", ""}, {"extra"}, {"--nosuch"}, {naiveCommand}, {naiveCommand, "--nosuch"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != exitUsage || stderr.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != exitDone || !strings.Contains(stderr.String(), "--davit none") && !strings.Contains(stderr.String(), "-davit") {
		t.Errorf("help: exit code %d, %q", code, stderr.String())
	}
	if code := run(t.Context(), []string{"--only", "nothing like it"}, &stdout, &stderr); code != exitFailed {
		t.Errorf("no workload: exit code %d", code)
	}
}
