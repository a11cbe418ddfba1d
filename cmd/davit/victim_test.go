package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A victim is one data directory, with mia as editor of Team, and the servers that
// die over it.
type victim struct {
	t       *testing.T
	dir     string
	clients int      // that it is asked by at a time
	env     []string // of the server, beside the test's own
	server  *exec.Cmd
	log     *lockedBuffer
	url     string
	client  *http.Client
}

func newVictim(t *testing.T, clients int) *victim {
	t.Helper()
	v := &victim{t: t, dir: t.TempDir(), clients: clients}
	for _, args := range [][]string{
		{"init", "--owner", "mia", "--password-stdin"},
		{"space", "add", "Team", "--kind", "group-folder"},
		{"level", "set", "Team", "mia", "editor"},
	} {
		v.davit(args...)
	}
	t.Cleanup(v.kill)
	return v
}

// davit runs a command, with everybody's password for the one that asks.
func (v *victim) davit(args ...string) {
	v.t.Helper()
	cmd := exec.Command(binary(v.t), append(args, "--data", v.dir)...)
	cmd.Stdin = strings.NewReader(everybodysPassword + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		v.t.Fatalf("davit %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (v *victim) start() {
	v.t.Helper()
	ready := filepath.Join(v.t.TempDir(), "url")
	v.server = exec.Command(binary(v.t), "serve", "--data", v.dir, "--listen", "127.0.0.1:0", "--ready-file", ready)
	v.server.Env = append(os.Environ(), v.env...)
	v.log = &lockedBuffer{}
	v.server.Stdout, v.server.Stderr = v.log, v.log
	if err := v.server.Start(); err != nil {
		v.t.Fatal(err)
	}
	v.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: v.clients}}
	v.url = awaitURL(v.t, ready, v.log.String)
}

// kill ends the server without a warning, once.
func (v *victim) kill() { v.end(os.Kill) }

// end ends the server by a signal that it does not survive, once.
func (v *victim) end(by os.Signal) {
	if v.server == nil {
		return
	}
	v.server.Process.Signal(by)
	v.server.Wait()
	v.server = nil
	v.client.CloseIdleConnections()
}

// noTemps holds a server that has just started to having swept what the one
// before was writing.
func (v *victim) noTemps() {
	v.t.Helper()
	if temps, err := filepath.Glob(filepath.Join(v.dir, "blobs", "tmp", "*")); err != nil || len(temps) > 0 {
		v.t.Errorf("temporary files are left: %v (%v)", temps, err)
	}
}
