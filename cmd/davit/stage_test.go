package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// inProcess is a stage whose server and commands run in the test itself.
func inProcess(t *testing.T) stage {
	t.Helper()
	dir := t.TempDir()
	davit := func(stdin string, args ...string) (int, string) {
		var out bytes.Buffer
		code := run(context.Background(), append(args, "--data", dir), strings.NewReader(stdin), &out, &out)
		return code, out.String()
	}
	mustInit(t, davit)
	ctx, stop := context.WithCancel(context.Background())
	var log lockedBuffer
	ended := make(chan int, 1)
	ready := filepath.Join(t.TempDir(), "url")
	go func() {
		ended <- run(ctx, []string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--ready-file", ready}, strings.NewReader(""), &log, &log)
	}()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitDone {
			t.Errorf("serve: exit %d\n%s", code, log.String())
		}
		mustCheck(t, davit)
	})
	return stage{awaitURL(t, ready, log.String), davit}
}

// builtBinary is a stage of processes: the program as it is shipped.
func builtBinary(t *testing.T) stage {
	t.Helper()
	binary, dir := binary(t), t.TempDir()
	davit := func(stdin string, args ...string) (int, string) {
		cmd := exec.Command(binary, append(args, "--data", dir)...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	mustInit(t, davit)
	ready := filepath.Join(t.TempDir(), "url")
	server := exec.Command(binary, "serve", "--data", dir, "--listen", "127.0.0.1:0", "--ready-file", ready)
	var log lockedBuffer
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Signal(syscall.SIGTERM)
		if err := server.Wait(); err != nil {
			t.Errorf("serve: %v\n%s", err, log.String())
		}
		mustCheck(t, davit)
	})
	return stage{awaitURL(t, ready, log.String), davit}
}

func mustInit(t *testing.T, davit func(string, ...string) (int, string)) {
	t.Helper()
	if code, out := davit("", "init"); code != exitDone {
		t.Fatalf("init: exit %d\n%s", code, out)
	}
}

func mustCheck(t *testing.T, davit func(string, ...string) (int, string)) {
	t.Helper()
	if code, out := davit("", "check"); code != exitDone {
		t.Errorf("check: exit %d\n%s", code, out)
	}
}

// awaitURL waits for the ready file of a server.
func awaitURL(t *testing.T, file string, log func() string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if url, err := os.ReadFile(file); err == nil {
			return strings.TrimRight(strings.TrimSpace(string(url)), "/")
		}
	}
	t.Fatalf("the server does not listen\n%s", log())
	return ""
}

var built struct {
	sync.Once
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.path != "" {
		os.RemoveAll(filepath.Dir(built.path))
	}
	os.Exit(code)
}

// binary is davit, built once for all tests of the package.
func binary(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "davit-test-")
		if err != nil {
			built.err = err
			return
		}
		built.path = filepath.Join(dir, "davit")
		out, err := exec.Command("go", "build", "-o", built.path, ".").CombinedOutput()
		if err != nil {
			built.err = errors.New(string(out))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// lockedBuffer takes what several goroutines print.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
