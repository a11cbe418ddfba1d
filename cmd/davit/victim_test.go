package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
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

// send sends a request of mia's. An error means that nobody knows what became of
// it.
func (v *victim) send(method, path string, body []byte, headers ...string) (*http.Response, []byte, error) {
	req, err := http.NewRequest(method, v.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.SetBasicAuth("mia", everybodysPassword)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return resp, content, err
}

// killAmid has everybody take steps, each of which is a request, until the server
// has given some number of answers, and kills it in the middle of the next ones. A
// step answers false when it was cut off. It tells how many were not.
func (v *victim) killAmid(last int64, steps []func() bool) int {
	v.t.Helper()
	var answers atomic.Int64
	var killing sync.Once
	dead := make(chan struct{})
	var crowd sync.WaitGroup
	for _, step := range steps {
		crowd.Go(func() {
			for step() {
				if answers.Add(1) > last {
					killing.Do(func() {
						v.server.Process.Kill()
						close(dead)
					})
				}
			}
		})
	}
	crowd.Wait()
	select {
	case <-dead:
	default:
		v.t.Errorf("the server died by itself\n%s", v.log)
	}
	v.kill()
	return int(answers.Load())
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
