package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// thunderbirdWithin bounds each step: a window that asks something would wait for
// ever.
const thunderbirdWithin = time.Minute

// thunderbirdPrefs keep it from asking, from updating itself and from doing work
// that nobody looks at.
const thunderbirdPrefs = `user_pref("marionette.port", %d);
user_pref("app.update.enabled", false);
user_pref("app.update.auto", false);
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("calendar.timezone.local", "UTC");
user_pref("calendar.timezone.useSystemTimezone", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("mail.provider.enabled", false);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mail.winsearch.firstRunDone", true);
user_pref("mailnews.start_page.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "");
user_pref("signon.rememberSignons", true);
`

// A bird is a running Thunderbird and the connection that tells it what to do.
type bird struct {
	conn   net.Conn
	in     *bufio.Reader
	asked  int
	script string
}

// thunderbird finds the calendars by the server's address alone, adds to one,
// changes it, and follows what max does to it.
func thunderbird(t *testing.T, s *site) {
	max, shared := s.sharedFrom(t, "calendar")
	max.putEvent(t, shared, "tea", "Tea")
	b := s.thunderbird(t)
	var found []string
	b.do(t, &found, "discover", s.url, s.user, s.password)
	if want := "[Team calendar messages (Team) tasks]"; fmt.Sprint(found) != want {
		t.Errorf("Thunderbird finds %q instead of %s", found, want)
	}
	shows := func(want ...string) {
		t.Helper()
		var got []string
		waitFor(t, thunderbirdWithin, "Thunderbird to show "+fmt.Sprint(want), func() bool {
			b.do(t, &got, "shown", "calendar")
			return fmt.Sprint(got) == fmt.Sprint(want)
		})
	}
	shows("Tea")
	b.do(t, nil, "add", "calendar", calendarFile("walk", "Walk"))
	max.wantEvents(t, shared, "Tea", "Walk")
	b.do(t, nil, "rename", "calendar", "tea", "Cake")
	max.wantEvents(t, shared, "Cake", "Walk")
	max.putEvent(t, shared, "walk", "Hike")
	max.putEvent(t, shared, "soup", "Soup")
	shows("Cake", "Hike", "Soup")
	b.do(t, nil, "remove", "calendar", "soup")
	max.wantEvents(t, shared, "Cake", "Hike")
	max.want(t, 204, "DELETE", shared+"tea.ics", "")
	shows("Hike")
}

// thunderbird starts the program without a window.
func (s *site) thunderbird(t *testing.T) *bird {
	t.Helper()
	script, err := os.ReadFile("../../testdata/peers/thunderbird.js")
	if err != nil {
		t.Fatal(err)
	}
	address := freePort(t)
	_, port, _ := net.SplitHostPort(address)
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	profile := filepath.Join(s.home, "profile")
	write(t, filepath.Join(profile, "user.js"), fmt.Sprintf(thunderbirdPrefs, n))
	log, err := os.Create(filepath.Join(s.home, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "thunderbird", "--headless", "--no-remote", "--profile", profile, "--marionette", "--remote-allow-system-access")
	cmd.Env = append(os.Environ(), "HOME="+s.home, "MOZ_HEADLESS=1", "MOZ_CRASHREPORTER_DISABLE=1", "LC_ALL=C.UTF-8", "no_proxy=*", "TZ=UTC")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = stopWithin
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		cmd.Wait() // it was killed: what it says does not matter
		if text, err := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("Thunderbird said, %v\n%s", err, withoutGTK.ReplaceAll(text, nil))
		}
	})
	b := &bird{script: string(script)}
	waitFor(t, thunderbirdWithin, "Thunderbird to listen", func() bool {
		b.conn, err = net.DialTimeout("tcp", address, thunderbirdWithin)
		return err == nil
	})
	t.Cleanup(func() { b.conn.Close() })
	b.in = bufio.NewReader(b.conn)
	b.receive(t) // its greeting
	b.command(t, "WebDriver:NewSession", map[string]any{})
	b.command(t, "WebDriver:SetTimeouts", map[string]any{"script": thunderbirdWithin.Milliseconds()})
	b.command(t, "Marionette:SetContext", map[string]any{"value": "chrome"})
	return b
}

// withoutGTK are the lines in which it misses a screen, and empty ones.
var withoutGTK = regexp.MustCompile(`(?m)^(.*G(tk|TK|DK|dk).*)?\n`)

// freePort is an address on loopback that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// do has it take a step of testdata/peers/thunderbird.js.
func (b *bird) do(t *testing.T, into any, step string, args ...any) {
	t.Helper()
	answer := b.command(t, "WebDriver:ExecuteAsyncScript", map[string]any{"script": b.script, "args": append([]any{step}, args...)})
	var outcome struct {
		Value struct {
			Value json.RawMessage
			Error string
		}
	}
	if err := json.Unmarshal(answer, &outcome); err != nil || outcome.Value.Error != "" {
		t.Fatalf("Thunderbird, %s: %s, %v", step, outcome.Value.Error, err)
	}
	if into != nil {
		if err := json.Unmarshal(outcome.Value.Value, into); err != nil {
			t.Fatalf("Thunderbird, %s: %v\n%s", step, err, answer)
		}
	}
}

// command sends one command of the protocol that Thunderbird calls Marionette.
func (b *bird) command(t *testing.T, name string, params map[string]any) json.RawMessage {
	t.Helper()
	b.asked++
	text, err := json.Marshal([]any{0, b.asked, name, params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(b.conn, "%d:%s", len(text), text); err != nil {
		t.Fatal(err)
	}
	var answer [4]json.RawMessage // its kind, the number of the command, an error, the result
	if err := json.Unmarshal(b.receive(t), &answer); err != nil || string(answer[2]) != "null" {
		t.Fatalf("%s: %s, %v", name, answer[2], err)
	}
	return answer[3]
}

// receive reads one message: its length, a colon and that many bytes.
func (b *bird) receive(t *testing.T) []byte {
	t.Helper()
	if err := b.conn.SetDeadline(time.Now().Add(2 * thunderbirdWithin)); err != nil {
		t.Fatal(err)
	}
	length, err := b.in.ReadString(':')
	if err != nil {
		t.Fatalf("Thunderbird has gone: %v", err)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(length, ":"))
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(b.in, text); err != nil {
		t.Fatal(err)
	}
	return text
}
