package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// What df shows of a quota in bytes.
const (
	driveQuota    = 50 << 20
	davfsRounding = 8 // KiB: davfs2 counts in blocks of 4, used and free apart
)

// davfs2 mounts the drive in the kernel: files by name, locks, and df.
func davfs2(t *testing.T, s *site) {
	needsFUSE(t)
	if os.Geteuid() != 0 {
		t.Skip("only root mounts with davfs2")
	}
	t.Log("left out: listing a folder and appending to a file, which davfs2 1.6.1 cannot do on recent kernels (seen on 6.18) with any server")
	s.operate(t, "quota", "set", "~"+s.user, strconv.Itoa(driveQuota))
	tree := goSource(t, 20, "encoding")
	want := treeSums(t, tree)

	mnt, unmount := s.davfs(t)
	for name := range want {
		if err := copyFile(filepath.Join(tree, name), filepath.Join(mnt, "tree", name)); err != nil {
			t.Fatal(err)
		}
	}
	davfsLocks(t, s, mnt)
	davfsNames(t, mnt)
	unmount()
	if status, _, _ := s.do(t, "PUT", "/dav/home/minutes.txt", "unlocked again\n"); status != 204 {
		t.Errorf("a write after the file was closed: %d", status)
	}

	mnt, unmount = s.davfs(t)
	for name, sum := range want {
		if got := fileSum(t, filepath.Join(mnt, "tree", name)); got != sum {
			t.Errorf("%s came back with other content", name)
		}
	}
	davfsQuota(t, s, mnt)
	unmount()
}

// davfsQuota: df shows the quota as the size of the disk.
func davfsQuota(t *testing.T, s *site, mnt string) {
	t.Helper()
	const blocks = driveQuota / 1024
	var device string
	var total, used, free int
	out := s.run(t, clientCommand{name: "df", args: []string{"-Pk", mnt}})
	_, line, _ := strings.Cut(out, "\n")
	if n, err := fmt.Sscan(line, &device, &total, &used, &free); n < 4 {
		t.Fatalf("df: %v\n%s", err, out)
	}
	if total < blocks-davfsRounding || total > blocks || used == 0 || used+free > total {
		t.Errorf("df of a drive with a quota of %d blocks:\n%s", blocks, out)
	}
}

// davfsLocks: a file that is open for writing is locked for other programs, and
// one that another program locked cannot be opened for writing.
func davfsLocks(t *testing.T, s *site, mnt string) {
	t.Helper()
	f, err := os.Create(filepath.Join(mnt, "minutes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if status, _, _ := s.do(t, "PUT", "/dav/home/minutes.txt", "mine"); status != 423 {
		t.Errorf("a write by another program while the file is open: %d", status)
	}
	if _, err := f.WriteString("minutes\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, arrivesWithin, "the upload", func() bool {
		_, _, body := s.do(t, "GET", "/dav/home/minutes.txt", "")
		return body == "minutes\n"
	})

	s.want(t, 201, "PUT", "/dav/home/taken.txt", "theirs")
	s.want(t, 200, "LOCK", "/dav/home/taken.txt", lockBody, "Timeout", "Second-600")
	if f, err := os.OpenFile(filepath.Join(mnt, "taken.txt"), os.O_WRONLY|os.O_TRUNC, 0); err == nil {
		f.Close()
		t.Error("a file that another program locked opens for writing")
	}
	if _, body := s.want(t, 200, "GET", "/dav/home/taken.txt", ""); body != "theirs" {
		t.Errorf("a locked file was changed to %q", body)
	}
}

// davfsNames renames and removes by name.
func davfsNames(t *testing.T, mnt string) {
	t.Helper()
	at := func(name string) string { return filepath.Join(mnt, name) }
	for _, step := range []error{
		os.Mkdir(at("plans"), 0o755),
		os.WriteFile(at("plans/a.txt"), []byte("a"), 0o644),
		os.Rename(at("plans/a.txt"), at("plans/b.txt")),
		os.Rename(at("plans"), at("archive")),
		os.Remove(at("archive/b.txt")),
		os.Remove(at("archive")),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	if _, err := os.Stat(at("archive")); !os.IsNotExist(err) {
		t.Errorf("a removed folder: %v", err)
	}
}

func fileSum(t *testing.T, path string) string {
	t.Helper()
	for _, sum := range treeSums(t, path) {
		return sum
	}
	return ""
}

// davfs mounts the drive until the test ends or unmount is called.
func (s *site) davfs(t *testing.T) (dir string, unmount func()) {
	t.Helper()
	dir = t.TempDir()
	conf, secrets, cache := filepath.Join(s.home, "davfs2.conf"), filepath.Join(s.home, "secrets"), t.TempDir()
	daemonOwns(t, cache)
	for name, text := range map[string]string{
		conf:    fmt.Sprintf("cache_dir %s\nsecrets %s\nask_auth 0\nuse_locks 1\ndelay_upload 0\n", cache, secrets),
		secrets: fmt.Sprintf("%s/dav/home/ %s %q\n", s.url, s.user, s.password),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unmount = sync.OnceFunc(func() {
		if !mounted(t, dir) {
			return
		}
		if out, err := s.try(t, clientCommand{name: "umount", args: []string{dir}}); err != nil {
			t.Errorf("unmount: %v\n%s", err, out)
		}
	})
	t.Cleanup(unmount)
	out := s.run(t, clientCommand{name: "mount.davfs", args: []string{s.url + "/dav/home/", dir, "-o", "conf=" + conf}})
	if !mounted(t, dir) {
		t.Fatalf("mount.davfs ended and nothing is mounted\n%s", out)
	}
	return dir, unmount
}

// daemonOwns lets the account that davfs2 runs as write into a folder.
func daemonOwns(t *testing.T, dir string) {
	t.Helper()
	group, err := user.LookupGroup("davfs2")
	if err != nil {
		t.Skipf("davfs2 has no account: %v", err)
	}
	id, err := strconv.Atoi(strings.TrimSpace(group.Gid))
	if err == nil {
		// A test's temporary folders stand in one that is closed to others.
		err = errors.Join(os.Chown(dir, -1, id), os.Chmod(dir, 0o775), os.Chmod(filepath.Dir(dir), 0o711))
	}
	if err != nil {
		t.Fatal(err)
	}
}
