package main

import (
	"context"
	endian "encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"
)

// desktopWithin bounds a whole script, and KIO's programs one by one: they open
// a window to ask what they do not know, and nobody would answer.
const desktopWithin = "60"

// desktop runs a script in a session bus of its own, with the URL of Team as $DAV,
// and ends whatever the script leaves running.
func (s *site) desktop(t *testing.T, dir, script string, bus ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", append(bus, "--", "sh", "-euc", script)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+s.home, "XDG_RUNTIME_DIR="+s.home, "XDG_CONFIG_HOME="+s.home, "LC_ALL=C.UTF-8", "no_proxy=*",
		"DBUS_SESSION_BUS_ADDRESS=", "QT_QPA_PLATFORM=offscreen", "WITHIN="+desktopWithin,
		"DAV=dav://"+strings.TrimPrefix(s.url, "http://")+"/dav/Team", "KDAV="+s.kioURL("/dav/Team"), "DAVIT_USER="+s.user, "DAVIT_PASSWORD="+s.password)
	if err := os.Chmod(s.home, 0o700); err != nil {
		t.Fatal(err)
	}
	// Daemons of the session would keep the pipes open: they get a file.
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its own group, and most often nobody is left
	told, readErr := os.ReadFile(out.Name())
	if err != nil || readErr != nil {
		t.Fatalf("the session: %v, %v\n%s", err, readErr, told)
	}
	return string(told)
}

// desktopFiles are what the desktops' clients copy to and fro: plan.txt here, and
// two files of max's there, one of them locked.
func (s *site) desktopFiles(t *testing.T) (max *site, dir, content string) {
	t.Helper()
	dir, content = t.TempDir(), strings.Repeat("a plan of 17 byte", 10_000)
	if err := os.WriteFile(filepath.Join(dir, "plan.txt"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	max = s.colleague(t)
	max.want(t, 201, "PUT", "/dav/Team/theirs.txt", "max's")
	max.want(t, 201, "PUT", "/dav/Team/locked.txt", "max's own")
	max.want(t, 200, "LOCK", "/dav/Team/locked.txt", lockBody, "Timeout", "Second-600")
	return max, dir, content
}

// desktopAfter is what max finds when a desktop's client has copied plan.txt up, made a
// folder, moved the file there, copied the folder and removed what it copied first.
func desktopAfter(t *testing.T, max *site, dir, content string) {
	t.Helper()
	max.wantNames(t, "/dav/Team/", "Gr%C3%BC%C3%9Fe%20%231", "locked.txt", "theirs.txt")
	max.wantNames(t, "/dav/Team/Gr%C3%BC%C3%9Fe%20%231/", "moved%20%26%20100%25.txt")
	max.wantContent(t, "/dav/Team/Gr%C3%BC%C3%9Fe%20%231/moved%20%26%20100%25.txt", content)
	max.wantContent(t, "/dav/Team/theirs.txt", "max's")
	max.wantContent(t, "/dav/Team/locked.txt", "max's own")
	if back, err := os.ReadFile(filepath.Join(dir, "back.txt")); err != nil || string(back) != "max's" {
		t.Errorf("the client got %q, %v", back, err)
	}
}

// gvfs is what Files of GNOME and Thunar of Xfce use. It removes for good: its
// trash is for local files, and the server has one.
func gvfs(t *testing.T, s *site) {
	max, dir, content := s.desktopFiles(t)
	s.operate(t, "quota", "set", "/Team", "1MB")
	out := s.desktop(t, dir, `
		printf '%s\n%s\n' "$DAVIT_USER" "$DAVIT_PASSWORD" | gio mount "$DAV"
		gio list "$DAV"
		gio copy plan.txt "$DAV/plan.txt"
		gio info -f "$DAV"
		gio mkdir "$DAV/Gr%C3%BC%C3%9Fe%20%231"
		gio move "$DAV/plan.txt" "$DAV/Gr%C3%BC%C3%9Fe%20%231/moved%20%26%20100%25.txt"
		gio copy plan.txt "$DAV/again.txt"
		gio rename "$DAV/again.txt" renamed.txt
		gio remove "$DAV/renamed.txt"
		gio copy "$DAV/theirs.txt" back.txt
		! gio trash "$DAV/theirs.txt"
		! gio copy plan.txt "$DAV/locked.txt"
		! gio rename "$DAV/theirs.txt" locked.txt
		gio list "$DAV/Gr%C3%BC%C3%9Fe%20%231"
		gio mount -u "$DAV"`)
	for _, want := range []string{"theirs.txt\n", "moved & 100%.txt\n", "filesystem::size: 1000000\n", "filesystem::used: 170014\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("gio does not show %q\n%s", want, out)
		}
	}
	desktopAfter(t, max, dir, content)
}

// kio is what Dolphin of KDE uses.
func kio(t *testing.T, s *site) {
	max, dir, content := s.desktopFiles(t)
	max.want(t, 201, "MKCOL", "/dav/Team/Gr%C3%BC%C3%9Fe%20%231", "")
	out := s.desktop(t, dir, `
		k() { timeout "$WITHIN" kioclient5 --noninteractive --platform offscreen "$@"; }
		gdbus call --session --dest org.kde.kpasswdserver --object-path /modules/kpasswdserver \
			--method org.kde.KPasswdServer.addAuthInfo '@ay `+s.kioPassword()+`' 'int64 0'
		k ls "$KDAV/"
		k copy "file://$PWD/plan.txt" "$KDAV/plan.txt"
		k move "$KDAV/plan.txt" "$KDAV/Gr%C3%BC%C3%9Fe%20%231/moved%20%26%20100%25.txt"
		k copy "$KDAV/Gr%C3%BC%C3%9Fe%20%231" "$KDAV/copied"
		k ls "$KDAV/copied/"
		k remove "$KDAV/copied"
		k copy "$KDAV/theirs.txt" "file://$PWD/back.txt"
		! k --overwrite copy "file://$PWD/plan.txt" "$KDAV/locked.txt"`, "--config-file="+kioBus(t))
	if !strings.Contains(out, "theirs.txt\n") || !strings.Contains(out, "moved & 100%.txt\n") {
		t.Errorf("kioclient does not list all\n%s", out)
	}
	desktopAfter(t, max, dir, content)
}

func (s *site) kioURL(path string) string {
	return "webdav://" + s.user + "@" + strings.TrimPrefix(s.url, "http://") + path
}

// kioPassword is what KDE's password server keeps once somebody has typed a
// password into its window: a KIO::AuthInfo as Qt writes it, in the notation of D-Bus.
func (s *site) kioPassword() string {
	var b []byte
	sized := func(text []byte) {
		b = append(endian.BigEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	wide := func(text string) {
		var units []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			units = endian.BigEndian.AppendUint16(units, unit)
		}
		sized(units)
	}
	b = append(b, 1) // the version
	sized([]byte(s.kioURL("/")))
	for _, text := range []string{s.user, s.password, "", "", "", "", "Davit", ""} { // the seventh is the realm
		wide(text)
	}
	b = append(b, 1, 0, 0, 1) // by its path; not read-only, not for the wallet, filled in
	sized(nil)                // nothing else
	return "[" + strings.ReplaceAll(fmt.Sprintf("% #x", b), " ", ",") + "]"
}

// kioBus configures a session bus that starts what KIO needs and not KDE's wallet,
// which would ask for a password of its own.
func kioBus(t *testing.T) string {
	t.Helper()
	const installed = "/usr/share/dbus-1/services/"
	dir := t.TempDir()
	for _, name := range []string{"org.kde.kpasswdserver.service", "org.kde.kiod5.service", "org.kde.kcookiejar5.service"} {
		if err := copyFile(installed+name, filepath.Join(dir, name)); err != nil {
			t.Skipf("KIO is not whole: %v", err)
		}
	}
	conf := filepath.Join(dir, "bus.conf")
	text := `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=` + os.TempDir() + `</listen><auth>EXTERNAL</auth><servicedir>` + dir + `</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return conf
}
