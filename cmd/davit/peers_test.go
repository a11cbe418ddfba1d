package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Bounds on what a test waits for.
const (
	readyWithin   = 30 * time.Second
	stopWithin    = 30 * time.Second
	commandWithin = 3 * time.Minute
	arrivesWithin = time.Minute
	pollEvery     = 20 * time.Millisecond
)

// TestPeers drives the programs that people really have against the built binary,
// each against a server of its own, whose store is checked at the end. One that
// is not installed is skipped by name; testdata/peers/install.sh installs them.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("real clients take a minute or two")
	}
	for _, peer := range []struct {
		name  string
		needs []string // programs
		drive func(*testing.T, *site)
	}{
		{"rclone sync", []string{"rclone"}, rcloneSync},
		{"rclone mount", []string{"rclone", "fusermount3"}, rcloneMount},
		{"rclone mount of a moment", []string{"rclone", "fusermount3"}, rcloneMoment},
		{"davfs2", []string{"mount.davfs", "umount"}, davfs2},
		{"litmus", []string{"litmus"}, litmus},
		{"cadaver", []string{"cadaver", "curl"}, cadaver},
		{"curl", []string{"curl"}, curl},
		{"gvfs", []string{"dbus-run-session", "gio", "/usr/lib/gvfs/gvfsd-dav"}, gvfs},
		{"KIO", []string{"dbus-run-session", "gdbus", "kioclient5"}, kio},
		{"LibreOffice", []string{"soffice", "/usr/bin/python3"}, libreOffice},
		{"npm webdav", []string{"node"}, npmWebdav},
		{"Radicale", []string{"radicale"}, radicale},
		{"vdirsyncer", []string{"vdirsyncer", "khal", "todoman"}, vdirsyncer},
		{"calcurse", []string{"calcurse", "calcurse-caldav"}, calcurse},
		{"python caldav", []string{"/usr/bin/python3"}, pythonCaldav},
		{"npm tsdav", []string{"node"}, npmTsdav},
		{"Thunderbird", []string{"thunderbird"}, thunderbird},
		{"Evolution", []string{"dbus-run-session", "/usr/libexec/evolution-calendar-factory", "/usr/bin/python3"}, evolution},
	} {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			for _, program := range peer.needs {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("%s is not installed", program)
				}
			}
			peer.drive(t, newSite(t))
		})
	}
}

// A site is a running server where mia, its owner, has a drive and is an editor
// of the group folder Team.
type site struct {
	stage
	user, password string
	home           string // what clients take for the home directory
}

// newSite starts a server for one test.
func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{builtBinary(t), "mia", everybodysPassword, t.TempDir()}
	s.operate(t, "user", "add", s.user, "--type", "owner", "--password-stdin")
	s.operate(t, "space", "add", "Team", "--kind", "group-folder")
	s.operate(t, "level", "set", "Team", s.user, "editor")
	return s
}

// colleague is max, another editor of Team: what he sees is what was stored.
func (s *site) colleague(t *testing.T) *site {
	t.Helper()
	max := &site{s.stage, "max", s.password, s.home}
	s.operate(t, "user", "add", max.user, "--password-stdin")
	s.operate(t, "level", "set", "Team", max.user, "editor")
	return max
}

// wantNames holds the members of a collection to their hrefs' last parts.
func (s *site) wantNames(t *testing.T, path string, want ...string) {
	t.Helper()
	_, body := s.want(t, 207, "PROPFIND", path, "", "Depth", "1")
	var got []string
	for _, m := range hrefBelow.FindAllStringSubmatch(body, -1) {
		if below := strings.Trim(strings.TrimPrefix(m[1], path), "/"); below != "" {
			got = append(got, below)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s sees %q in %s instead of %q", s.user, got, path, want)
	}
}

var hrefBelow = regexp.MustCompile(`<D:response><D:href>([^<]*)</D:href>`)

// wantContent holds a file to its content.
func (s *site) wantContent(t *testing.T, path, content string) {
	t.Helper()
	if _, body := s.want(t, 200, "GET", path, ""); body != content {
		t.Errorf("%s reads %d other bytes in %s instead of %d", s.user, len(body), path, len(content))
	}
}

// operate runs a command of the operator, who types the password when asked.
func (s *site) operate(t *testing.T, args ...string) {
	t.Helper()
	if code, out := s.davit(s.password+"\n", args...); code != exitDone {
		t.Fatalf("davit %s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
}

// A clientCommand is one run of a client.
type clientCommand struct {
	name  string
	args  []string
	dir   string
	env   []string
	stdin string
}

// run carries out a command with an empty home directory and returns what it
// printed on both streams. It must succeed.
func (s *site) run(t *testing.T, c clientCommand) string {
	t.Helper()
	out, err := s.try(t, c)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(c.name), strings.Join(c.args, " "), err, out)
	}
	return out
}

// try is run for a command that may fail.
func (s *site) try(t *testing.T, c clientCommand) (string, error) {
	// Not the test's own context: cleanups run commands too.
	ctx, cancel := context.WithTimeout(context.Background(), commandWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.name, c.args...)
	cmd.Dir, cmd.Stdin = c.dir, strings.NewReader(c.stdin)
	cmd.Env = append(append(os.Environ(), "HOME="+s.home, "LC_ALL=C.UTF-8", "no_proxy=*"), c.env...)
	cmd.WaitDelay = stopWithin
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// do sends one request as a second program of mia's.
func (s *site) do(t *testing.T, method, path, body string, headers ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	req.SetBasicAuth(s.user, s.password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// want sends one request and holds its answer to a status.
func (s *site) want(t *testing.T, status int, method, path, body string, headers ...string) (http.Header, string) {
	t.Helper()
	got, head, text := s.do(t, method, path, body, headers...)
	if got != status {
		t.Fatalf("%s %s: %d instead of %d\n%s", method, path, got, status, text)
	}
	return head, text
}

// lockBody asks for an exclusive lock.
const lockBody = `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>` +
	`<D:locktype><D:write/></D:locktype><D:owner>another program</D:owner></D:lockinfo>`

// waitFor polls until done says so, or the test has failed.
func waitFor(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(within); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s in vain", within, what)
		}
	}
}

// mountTable is where Linux tells what is mounted.
const mountTable = "/proc/self/mountinfo"

// mounted tells whether a file system is mounted on a folder.
func mounted(t *testing.T, dir string) bool {
	t.Helper()
	table, err := os.ReadFile(mountTable)
	if err != nil {
		t.Error(err)
	}
	return strings.Contains(string(table), " "+dir+" ")
}

// needsFUSE skips where the kernel mounts nothing for us.
func needsFUSE(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(mountTable); err != nil {
		t.Skipf("nothing tells what is mounted here: %v", err)
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	f.Close()
}
