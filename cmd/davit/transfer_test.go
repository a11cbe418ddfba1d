package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportAndExport moves a calendar out of a server and into it again, through
// the door of its user.
func TestImportAndExport(t *testing.T) {
	on := inProcess(t)
	run := func(want int, args ...string) string {
		t.Helper()
		code, output := on.davit(everybodysPassword+"\n", args...)
		if code != want {
			t.Fatalf("davit %s: exit %d instead of %d\n%s", strings.Join(args, " "), code, want, output)
		}
		return output
	}
	run(0, "user", "add", "mia", "--password-stdin")
	file := filepath.Join(t.TempDir(), "old.ics")
	event := func(uid, start string) string {
		return "BEGIN:VEVENT\nUID:" + uid + "\nDTSTART:" + start + "\nSUMMARY:" + uid + "\nEND:VEVENT\n"
	}
	stream := "BEGIN:VCALENDAR\nVERSION:2.0\n" + event("a", "20260310T090000Z") + event("bad", "soon") + event("b/c", "20260311") + "END:VCALENDAR\n"
	if err := os.WriteFile(file, []byte(stream), 0o600); err != nil {
		t.Fatal(err)
	}
	calendar := on.url + "/caldav/mia/calendar"
	as := []string{"--user", "mia", "--password-stdin"}
	out := run(1, append([]string{"calendar", "import", calendar, file}, as...)...)
	if !strings.Contains(out, "2 added, 0 there already, 1 not taken") || !strings.Contains(out, "line 8: ") {
		t.Errorf("import: %s", out)
	}
	out = run(1, append([]string{"calendar", "import", calendar, file}, as...)...)
	if !strings.Contains(out, "0 added, 2 there already, 1 not taken") {
		t.Errorf("import again: %s", out)
	}
	out = run(0, append([]string{"calendar", "export", calendar}, as...)...)
	if strings.Count(out, "BEGIN:VEVENT") != 2 || !strings.Contains(out, "UID:b/c") {
		t.Errorf("export: %s", out)
	}
	run(4, "calendar", "export", calendar, "--user", "nobody", "--password-stdin")
	run(3, append([]string{"calendar", "export", on.url + "/caldav/mia/none"}, as...)...)
	run(2, append([]string{"calendar", "export", "mia"}, as...)...)
	run(2, "calendar", "export", calendar)
}
