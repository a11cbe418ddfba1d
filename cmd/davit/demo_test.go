package main

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemo: the demo shows its commands, serves what they made, and tells each
// system how to mount it.
func TestDemo(t *testing.T) {
	dir, ready := t.TempDir(), filepath.Join(t.TempDir(), "url")
	ctx, stop := context.WithCancel(context.Background())
	var out, log lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"demo", "--data", dir, "--listen", "127.0.0.1:0", "--ready-file", ready}, strings.NewReader(""), &out, &log)
	}()
	url := awaitURL(t, ready, log.String)
	for _, row := range []struct {
		user, method, path string
		status             int
	}{
		{"mia", "PUT", "/dav/Finance/plan.txt", 201},
		{"max", "GET", "/dav/Finance/plan.txt", 200},
		{"max", "PUT", "/dav/Finance/plan.txt", 403},
		{"max", "PUT", "/dav/Team/plan.txt", 201},
		{"nils", "GET", "/dav/Team/plan.txt", 404},
		{"nils", "PUT", "/dav/home/plan.txt", 201},
	} {
		req, err := http.NewRequest(row.method, url+row.path, strings.NewReader("v1"))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(row.user, demoPassword)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != row.status {
			t.Errorf("%s %s %s: %d instead of %d", row.user, row.method, row.path, resp.StatusCode, row.status)
		}
	}
	stop()
	if code := <-ended; code != exitDone {
		t.Errorf("exit %d\n%s", code, log.String())
	}
	for _, text := range []string{"$ davit init --owner olivia", "$ davit level set Finance group:staff viewer",
		url + "/dav/", "Windows ", "macOS ", "GNOME ", "KDE ", "davfs2 ", "rclone ", demoPassword} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("the demo does not tell %q\n%s", text, out.String())
		}
	}
}

func TestDemoStaysAtHome(t *testing.T) {
	var out bytes.Buffer
	if code := run(context.Background(), []string{"demo", "--data", t.TempDir(), "--listen", ":8080"}, strings.NewReader(""), &out, &out); code != exitUsage || !strings.Contains(out.String(), "loopback only") {
		t.Errorf("exit %d\n%s", code, out.String())
	}
}
