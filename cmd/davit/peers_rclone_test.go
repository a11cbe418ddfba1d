package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// rclone makes a command of rclone, which knows the server as :webdav: from its
// environment and has no configuration file.
func (s *site) rclone(t *testing.T, args ...string) clientCommand {
	t.Helper()
	return clientCommand{name: "rclone", args: args, env: s.rcloneEnv(t)}
}

func (s *site) rcloneEnv(t *testing.T) []string {
	t.Helper()
	return s.rcloneAt(t, "/dav/home/")
}

// rcloneAt is the environment in which :webdav: is a folder of the server.
func (s *site) rcloneAt(t *testing.T, folder string) []string {
	t.Helper()
	hidden := s.run(t, clientCommand{name: "rclone", args: []string{"obscure", "-"}, stdin: s.password})
	return []string{
		"RCLONE_CONFIG=" + os.DevNull,
		"RCLONE_WEBDAV_URL=" + s.url + folder,
		"RCLONE_WEBDAV_VENDOR=other",
		"RCLONE_WEBDAV_USER=" + s.user,
		"RCLONE_WEBDAV_PASS=" + strings.TrimSpace(hidden),
		"RCLONE_RETRIES=1", // what fails once has failed
		"RCLONE_LOW_LEVEL_RETRIES=1",
	}
}

// syncFolders are synchronised at the same time, by one rclone each: alone it
// sends a hundred requests a second at most.
var syncFolders = []string{"cmd", "crypto", "internal", "runtime"}

// rcloneSync keeps a tree of 2,000 files the same on both sides.
func rcloneSync(t *testing.T, s *site) {
	tree, back := goSource(t, 500, syncFolders...), t.TempDir()
	oddNames(t, filepath.Join(tree, "crypto", "odd"))

	s.transfer(t, "sync", tree+"/", ":webdav:tree/")
	s.run(t, s.rclone(t, "check", tree, ":webdav:tree"))
	s.transfer(t, "copy", ":webdav:tree/", back+"/")
	sameTree(t, treeSums(t, back), treeSums(t, tree))

	changeTree(t, filepath.Join(tree, "crypto"), "crypto.go", "issue21104_test.go", "aes/aes.go", "des")
	if err := os.Remove(filepath.Join(tree, "runtime", "alg.go")); err != nil {
		t.Fatal(err)
	}
	s.transfer(t, "sync", tree+"/", ":webdav:tree/")
	s.transfer(t, "sync", ":webdav:tree/", back+"/")
	sameTree(t, treeSums(t, back), treeSums(t, tree))
	if again := s.run(t, s.rclone(t, "sync", "-v", tree+"/crypto", ":webdav:tree/crypto")); !strings.Contains(again, "nothing to transfer") {
		t.Errorf("a second sync has something to do\n%s", again)
	}
}

// transfer runs one rclone for each folder, all at once.
func (s *site) transfer(t *testing.T, verb, from, to string) {
	t.Helper()
	var all sync.WaitGroup
	for _, folder := range syncFolders {
		c := s.rclone(t, verb, from+folder, to+folder)
		all.Go(func() {
			if out, err := s.try(t, c); err != nil {
				t.Errorf("rclone %s %s: %v\n%s", verb, folder, err, out)
			}
		})
	}
	if all.Wait(); t.Failed() {
		t.FailNow()
	}
}

// oddNames makes files whose names servers get wrong.
func oddNames(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"a b.txt", "100%.txt", "%41.txt", "what?.txt", "#1.txt", "a;b=c.txt", "Q&A.txt", "x+y.txt", "<tag>.txt",
		`"quoted".txt`, "it's.txt", "[1](2){3}.txt", "Grüße.txt", "日本語.txt", "🚢.txt", "back\\slash.txt", "co:lon.txt", "~mia", ".hidden",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// rcloneMount copies a tree into a mount, works on it there, and copies it out
// of a second mount that has nothing in its cache.
func rcloneMount(t *testing.T, s *site) {
	needsFUSE(t)
	tree := goSource(t, 150, "encoding", "image")
	mnt, unmount := s.mount(t)
	if err := os.CopyFS(filepath.Join(mnt, "tree"), os.DirFS(tree)); err != nil {
		t.Fatal(err)
	}
	for _, side := range []string{tree, filepath.Join(mnt, "tree")} {
		changeTree(t, side, "encoding/encoding.go", "encoding/gob/doc.go", "encoding/csv/reader.go", "image/color")
	}
	want := treeSums(t, tree)
	waitFor(t, arrivesWithin, "the last upload", func() bool { return s.has(t, "/dav/home/tree/", want) })
	unmount()

	mnt, unmount = s.mount(t)
	out := t.TempDir()
	if err := os.CopyFS(filepath.Join(out, "tree"), os.DirFS(filepath.Join(mnt, "tree"))); err != nil {
		t.Fatal(err)
	}
	unmount()
	sameTree(t, treeSums(t, filepath.Join(out, "tree")), want)
}

// rcloneMoment mounts the drive as it was, for reading.
func rcloneMoment(t *testing.T, s *site) {
	needsFUSE(t)
	put := func(path, content string, status int) {
		t.Helper()
		if got, _, body := s.do(t, "PUT", "/dav/home/"+path, content); got != status {
			t.Fatalf("PUT %s: %d\n%s", path, got, body)
		}
	}
	put("plan.txt", "as it was", 201)
	put("gone.txt", "there then", 201)
	moment := "/dav/.at/" + time.Now().UTC().Format(time.RFC3339Nano) + "/home/"
	put("plan.txt", "written over", 204)
	put("later.txt", "not yet there", 201)
	if status, _, _ := s.do(t, "DELETE", "/dav/home/gone.txt", ""); status != 204 {
		t.Fatalf("DELETE: %d", status)
	}

	mnt, unmount := s.mountAt(t, moment, "--read-only")
	want := map[string]string{"plan.txt": "as it was", "gone.txt": "there then"}
	entries, err := os.ReadDir(mnt)
	if err != nil || len(entries) != len(want) {
		t.Errorf("the moment has %v (%v)", entries, err)
	}
	for name, content := range want {
		if got, err := os.ReadFile(filepath.Join(mnt, name)); err != nil || string(got) != content {
			t.Errorf("%s was %q (%v)", name, got, err)
		}
	}
	if err := os.WriteFile(filepath.Join(mnt, "new.txt"), nil, 0o644); !errors.Is(err, syscall.EROFS) {
		t.Errorf("a new file at a moment that is over: %v", err)
	}
	unmount()

	// Nor does the server let a client change it that does not know better.
	remove := s.rclone(t, "deletefile", ":webdav:plan.txt")
	remove.env = s.rcloneAt(t, moment)
	if out, err := s.try(t, remove); err == nil {
		t.Errorf("a file was deleted at a moment that is over\n%s", out)
	}
	if status, _, body := s.do(t, "GET", moment+"plan.txt", ""); status != 200 || body != "as it was" {
		t.Errorf("afterwards it is %q (%d)", body, status)
	}
}

// has tells whether the server holds these files; it stops at the first it does
// not.
func (s *site) has(t *testing.T, folder string, want map[string]string) bool {
	t.Helper()
	for name, sum := range want {
		status, _, body := s.do(t, "GET", folder+(&url.URL{Path: name}).EscapedPath(), "")
		hash := sha256.Sum256([]byte(body))
		if status != 200 || hex.EncodeToString(hash[:]) != sum {
			return false
		}
	}
	return true
}

// mount mounts the drive until the test ends or unmount is called.
func (s *site) mount(t *testing.T) (dir string, unmount func()) {
	t.Helper()
	return s.mountAt(t, "/dav/home/", "--vfs-cache-mode", "writes", "--vfs-write-back", "0s")
}

// mountAt mounts a folder of the server.
func (s *site) mountAt(t *testing.T, folder string, flags ...string) (dir string, unmount func()) {
	t.Helper()
	dir = t.TempDir()
	var log bytes.Buffer
	flags = append([]string{"mount", ":webdav:", dir, "--cache-dir", t.TempDir(), "--dir-cache-time", "1s"}, flags...)
	cmd := exec.Command("rclone", flags...)
	cmd.Env = append(append(os.Environ(), "HOME="+s.home, "no_proxy=*"), s.rcloneAt(t, folder)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	unmount = sync.OnceFunc(func() {
		if mounted(t, dir) {
			if out, err := s.try(t, clientCommand{name: "fusermount3", args: []string{"-u", dir}}); err != nil {
				t.Errorf("unmount: %v\n%s", err, out)
			}
		}
		select {
		case <-ended:
		case <-time.After(stopWithin):
			cmd.Process.Kill()
			<-ended
			t.Errorf("rclone mount did not end within %s\n%s", stopWithin, &log)
		}
	})
	t.Cleanup(unmount)
	waitFor(t, readyWithin, "the mount", func() bool {
		select {
		case <-ended:
			t.Fatalf("rclone mount ended\n%s", &log)
		default:
		}
		return mounted(t, dir)
	})
	return dir, unmount
}
