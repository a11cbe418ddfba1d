package main

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// evolution drives evolution-data-server, with which Calendar of GNOME and
// Evolution keep their calendars, in a session of its own.
func evolution(t *testing.T, s *site) {
	if out, err := s.try(t, clientCommand{name: "/usr/bin/python3", args: []string{"-c", "import gi; gi.require_version('ECal', '2.0')"}}); err != nil {
		t.Skipf("the library of evolution-data-server is not installed: %v\n%s", err, out)
	}
	max, shared := s.sharedFrom(t, "calendar")
	max.putEvent(t, shared, "tea", "Tea")
	do := s.evolution(t, "/caldav/mia/calendar/")
	do("shown", "Tea")
	_, event, _ := strings.Cut(calendarFile("walk", "Walk"), "BEGIN:VEVENT")
	do("add", "BEGIN:VEVENT"+strings.TrimSuffix(event, "END:VCALENDAR\r\n"))
	max.wantEvents(t, shared, "Tea", "Walk")
	do("rename", "tea", "Cake")
	max.wantEvents(t, shared, "Cake", "Walk")
	max.putEvent(t, shared, "soup", "Soup")
	max.want(t, 204, "DELETE", shared+"tea.ics", "")
	do("shown", "Soup", "Walk")
	do("remove", "soup")
	max.wantEvents(t, shared, "Walk")
}

// evolution starts the script and gives what has it take a step.
func (s *site) evolution(t *testing.T, calendar string) func(step string, args ...string) {
	t.Helper()
	script, err := filepath.Abs("../../testdata/peers/evolution.py")
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.home, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(s.home, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dbus-run-session", "--", "/usr/bin/python3", script, host, port, s.user, s.password, calendar)
	cmd.Env = append(os.Environ(), "HOME="+s.home, "XDG_RUNTIME_DIR="+s.home, "XDG_CONFIG_HOME="+s.home+"/config", "XDG_DATA_HOME="+s.home+"/data",
		"XDG_CACHE_HOME="+s.home+"/cache", "DBUS_SESSION_BUS_ADDRESS=", "LC_ALL=C.UTF-8", "TZ=UTC", "no_proxy=*", "GIO_USE_VFS=local", "GSETTINGS_BACKEND=memory")
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	to, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its own group: the session's daemons too
	late := time.AfterFunc(arrivesWithin, end)
	t.Cleanup(func() {
		late.Stop()
		end()
		cmd.Wait() // it was killed: what it says does not matter
		log.Close()
		if text, err := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("evolution-data-server said, %v\n%s", err, text)
		}
	})
	answers := bufio.NewScanner(from)
	return func(step string, args ...string) {
		t.Helper()
		line, err := json.Marshal(append([]string{step}, args...))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(append(line, '\n')); err != nil || !answers.Scan() {
			t.Fatalf("%s: no answer, %v", line, err)
		}
	}
}
