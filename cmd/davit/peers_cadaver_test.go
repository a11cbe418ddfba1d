package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cadaver puts, gets, locks, edits, copies and moves, and keeps properties.
func cadaver(t *testing.T, s *site) {
	dir := t.TempDir()
	editor := filepath.Join(dir, "editor")
	for name, text := range map[string]string{
		filepath.Join(s.home, ".netrc"): fmt.Sprintf("machine 127.0.0.1 login %s password %q\n", s.user, s.password),
		filepath.Join(dir, "plan.txt"):  "first line\n",
		// The editor adds a line, and meanwhile another program of the same
		// person tries to write. cadaver looks at the file's time, in seconds.
		editor: "#!/bin/sh\necho 'edited line' >> \"$1\"\ntouch -t 203001010000 \"$1\"\n" +
			`curl -s -o /dev/null -w '%{http_code}' -u "$DAVIT_USER" -T "$1" "$DAVIT_FILE" > refused` + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cadaverSession(t, s, clientCommand{
		name: "cadaver", args: []string{s.url + "/dav/home/"}, dir: dir,
		env: []string{"EDITOR=" + editor, "DAVIT_USER=" + s.user + ":" + s.password, "DAVIT_FILE=" + s.url + "/dav/home/papers/plan.txt"},
	})

	if status, err := os.ReadFile(filepath.Join(dir, "refused")); err != nil || string(status) != "423" {
		t.Errorf("a write while the editor was open: %s, %v", status, err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "back.txt"))
	if err != nil || string(got) != "first line\nedited line\n" {
		t.Errorf("get brought %q, %v", got, err)
	}
	if _, text := s.want(t, 200, "GET", "/dav/home/papers/moved.txt", ""); text != string(got) {
		t.Errorf("the server has %q, cadaver got %q", text, got)
	}
	s.want(t, 404, "GET", "/dav/home/papers/copy.txt", "")
	s.want(t, 404, "PROPFIND", "/dav/home/papers/drafts/", "", "Depth", "0")
}

var cadaverPrompt = regexp.MustCompile(`(?m)^dav:\S*> `)

// cadaverSession types the lines and holds the answer to each.
func cadaverSession(t *testing.T, s *site, c clientCommand) {
	t.Helper()
	dialogue := []struct{ line, answer string }{
		{"mkcol papers", "succeeded"},
		{"cd papers", ""},
		{"mkcol drafts", "succeeded"},
		{"put plan.txt", "succeeded"},
		{"ls", "plan.txt"},
		{"lock plan.txt", "succeeded"},
		{"discover plan.txt", "urn:uuid:"},
		{"showlocks", "Scope: exclusive"},
		{"propset plan.txt colour blue", "succeeded"},
		{"propget plan.txt colour", "colour is: blue"},
		{"propset plan.txt colour green", "succeeded"},
		{"propget plan.txt colour", "colour is: green"},
		{"unlock plan.txt", "succeeded"},
		{"discover plan.txt", "no locks found"},
		{"edit plan.txt", "Uploading"},
		{"cat plan.txt", "edited line"},
		{"copy plan.txt copy.txt", "succeeded"},
		{"propget copy.txt colour", "colour is: green"},
		{"propdel plan.txt colour", "succeeded"},
		{"propget plan.txt colour", "404"},
		{"move copy.txt moved.txt", "succeeded"},
		{"propget moved.txt colour", "colour is: green"},
		{"get moved.txt back.txt", "succeeded"},
		{"delete plan.txt", "succeeded"},
		{"rmcol drafts", "succeeded"},
		{"ls", "moved.txt"},
	}
	for _, d := range dialogue {
		c.stdin += d.line + "\n"
	}
	out := s.run(t, c)
	answers := cadaverPrompt.Split(out, -1)
	if len(answers) < len(dialogue)+1 {
		t.Fatalf("cadaver answered %d lines of %d\n%s", len(answers)-1, len(dialogue), out)
	}
	for i, d := range dialogue {
		// The answer may begin with the line that was typed.
		if answer := strings.TrimPrefix(answers[i+1], d.line); !strings.Contains(answer, d.answer) {
			t.Errorf("%s: it does not answer %q\n%s", d.line, d.answer, answer)
		}
	}
}
