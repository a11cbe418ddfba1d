package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// This file drives the calendar clients that are programs of the command line, and
// holds what the tests of all calendar clients share: mia has calendars, and max a
// share of one of them.

// calendarFile is an event of an hour on 10 March 2026.
func calendarFile(uid, summary string) string { return fmt.Sprintf(eventBody, uid, summary, "") }

// putEvent stores an event as another program would.
func (s *site) putEvent(t *testing.T, calendar, uid, summary string) {
	t.Helper()
	if code, _, text := s.do(t, "PUT", calendar+uid+".ics", calendarFile(uid, summary), "Content-Type", "text/calendar"); code != 201 && code != 204 {
		t.Fatalf("%s puts %s into %s: %d\n%s", s.user, uid, calendar, code, text)
	}
}

// sharedFrom lets max change a calendar of mia's, and tells where he finds it.
func (s *site) sharedFrom(t *testing.T, calendar string) (max *site, url string) {
	t.Helper()
	max = s.colleague(t)
	max.home = t.TempDir()
	s.operate(t, "calendar", "share", "~"+s.user+"/"+calendar, "user:"+max.user, "--level", "editor")
	_, home := max.want(t, 207, "PROPFIND", "/caldav/"+max.user+"/", "", "Depth", "1")
	url = sharedHref.FindString(home)
	if url == "" {
		t.Fatalf("max finds no calendar of mia's\n%s", home)
	}
	return max, url
}

var sharedHref = regexp.MustCompile(`/caldav/max/shared-[0-9a-z]+/`)

// wantEvents holds what a calendar shows of a week around 10 March 2026 to the
// summaries of its events.
func (s *site) wantEvents(t *testing.T, calendar string, want ...string) {
	t.Helper()
	body, _ := namedBody("calendar-query:20260301T000000Z/20260401T000000Z")
	_, found := s.want(t, 207, "REPORT", calendar, body, "Depth", "1")
	got := summaryLine.FindAllString(found, -1)
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], "SUMMARY:")
	}
	if !sameWords(got, want) {
		t.Errorf("%s sees %q in %s instead of %q\n%s", s.user, got, calendar, want, found)
	}
}

var summaryLine = regexp.MustCompile(`SUMMARY:[^\r\n&]*`)

// sameWords tells whether two lists have the same words, in whatever order.
func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// write makes a file and the folders that lead to it.
func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A folderClient is one person's vdirsyncer, khal and todoman: folders of files
// below the home, one for each calendar.
type folderClient struct {
	*site
	dir, config, khal, todoman string
}

// folders configures the three programs.
func (s *site) folders(t *testing.T) *folderClient {
	t.Helper()
	c := &folderClient{site: s, dir: filepath.Join(s.home, "calendars")}
	c.config, c.khal, c.todoman = filepath.Join(s.home, "vdirsyncer.conf"), filepath.Join(s.home, "khal.conf"), filepath.Join(s.home, "todoman.py")
	write(t, c.config, `[general]
status_path = "`+s.home+`/status"
[pair all]
a = "files"
b = "davit"
collections = ["from a", "from b"]
conflict_resolution = "b wins"
[storage files]
type = "filesystem"
path = "`+c.dir+`"
fileext = ".ics"
[storage davit]
type = "caldav"
url = "`+s.url+`"
username = "`+s.user+`"
password = "`+s.password+`"
`)
	write(t, c.khal, `[calendars]
[[all]]
path = `+c.dir+`/*
type = discover
[locale]
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
timeformat = %H:%M
local_timezone = UTC
default_timezone = UTC
`)
	write(t, c.todoman, "path = '"+c.dir+"/*'\ndefault_list = 'tasks'\ncache_path = '"+s.home+"/todoman.db'\n")
	return c
}

// sync brings folders and calendars to the same state, new ones too.
func (c *folderClient) sync(t *testing.T) string {
	t.Helper()
	found := c.run(t, clientCommand{name: "vdirsyncer", args: []string{"-c", c.config, "discover"}, stdin: strings.Repeat("y\n", 20)})
	return found + c.run(t, clientCommand{name: "vdirsyncer", args: []string{"-c", c.config, "sync"}})
}

// wantShown holds what khal shows of 10 March 2026 to the titles of events.
func (c *folderClient) wantShown(t *testing.T, want ...string) {
	t.Helper()
	shown := c.run(t, clientCommand{name: "khal", args: []string{"-c", c.khal, "list", "--day-format", "", "--format", "{title}", "2026-03-10", "1d"}})
	if got := strings.Fields(shown); !sameWords(got, want) {
		t.Errorf("khal shows %s %q instead of %q", c.user, got, want)
	}
}

// one is the only file of a folder.
func (c *folderClient) one(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, folder, "*.ics"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s has %q in %s, %v", c.user, files, folder, err)
	}
	return files[0]
}

// rename gives the event of a file another summary.
func rename(t *testing.T, file, summary string) {
	t.Helper()
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, summaryLine.ReplaceAllString(string(old), "SUMMARY:"+summary))
}

// vdirsyncer makes a calendar, and khal an event in it. Changes, a conflict and a
// removal reach the other person's folders, and todoman's task the server.
func vdirsyncer(t *testing.T, s *site) {
	mia := s.folders(t)
	write(t, filepath.Join(mia.dir, "work", ".keep"), "")
	mia.sync(t)
	const work = "/caldav/mia/work/"
	s.want(t, 207, "PROPFIND", work, "", "Depth", "0")
	mia.run(t, clientCommand{name: "khal", args: []string{"-c", mia.khal, "new", "-a", "work", "2026-03-10", "09:00", "10:00", "Tea"}})
	mia.sync(t)
	colleague, shared := s.sharedFrom(t, "work")
	colleague.wantEvents(t, shared, "Tea")

	max := colleague.folders(t)
	folder := filepath.Base(shared)
	max.sync(t)
	max.wantShown(t, "Tea")
	rename(t, max.one(t, folder), "Cake")
	max.sync(t)
	mia.sync(t)
	mia.wantShown(t, "Cake")

	rename(t, mia.one(t, "work"), "Coffee")
	rename(t, max.one(t, folder), "Soup")
	max.sync(t)
	mia.sync(t)
	mia.wantShown(t, "Soup")
	s.wantEvents(t, work, "Soup")

	soup := mia.one(t, "work")
	colleague.putEvent(t, shared, "walk", "Walk")
	mia.sync(t) // of a folder that lost all its files it would rather ask
	if err := os.Remove(soup); err != nil {
		t.Fatal(err)
	}
	mia.sync(t)
	max.sync(t)
	mia.wantShown(t, "Walk")
	max.wantShown(t, "Walk")
	colleague.wantEvents(t, shared, "Walk")

	mia.run(t, clientCommand{name: "todoman", args: []string{"--config", mia.todoman, "new", "-l", "tasks", "Milk"}})
	mia.sync(t)
	_, tasks := s.want(t, 200, "GET", "/caldav/mia/tasks/", "")
	if !strings.Contains(tasks, "BEGIN:VTODO") || !strings.Contains(tasks, "SUMMARY:Milk") {
		t.Errorf("todoman's task is not there\n%s", tasks)
	}
	mia.run(t, clientCommand{name: "todoman", args: []string{"--config", mia.todoman, "done", "1"}})
	mia.sync(t)
	if _, tasks := s.want(t, 200, "GET", "/caldav/mia/tasks/", ""); !strings.Contains(tasks, "STATUS:COMPLETED") {
		t.Errorf("what todoman did is not there\n%s", tasks)
	}
}

// calcurse keeps its appointments in one file, and calcurse-caldav brings that and
// one calendar to the same state.
func calcurse(t *testing.T, s *site) {
	const calendar = "/caldav/mia/calendar/"
	s.putEvent(t, calendar, "tea", "Tea")
	write(t, filepath.Join(s.home, ".config/calcurse/caldav/config"), `[General]
Binary = calcurse
Hostname = `+strings.TrimPrefix(s.url, "http://")+`
Path = `+calendar+`
AuthMethod = basic
HTTPS = No
InsecureSSL = No
DryRun = No
Verbose = Yes
[Auth]
Username = `+s.user+`
Password = `+s.password+`
`)
	program, err := exec.LookPath("calcurse-caldav")
	if err != nil {
		t.Fatal(err)
	}
	sync := func(args ...string) string {
		return s.run(t, clientCommand{name: "/usr/bin/python3", args: append([]string{program}, args...), env: []string{"CALCURSE_CALDAV_PASSWORD=" + s.password}})
	}
	shown := func() string {
		return s.run(t, clientCommand{name: "calcurse", args: []string{"--input-datefmt", "4", "-Q", "--from", "2026-03-01", "--days", "31"}})
	}
	sync("--init", "keep-remote")
	if got := shown(); !strings.Contains(got, "Tea") {
		t.Errorf("calcurse shows\n%s", got)
	}
	walk := filepath.Join(s.home, "walk.ics")
	write(t, walk, calendarFile("walk", "Walk"))
	s.run(t, clientCommand{name: "calcurse", args: []string{"-i", walk}})
	sync()
	max, shared := s.sharedFrom(t, "calendar")
	max.wantEvents(t, shared, "Tea", "Walk")

	max.putEvent(t, shared, "tea", "Cake")
	sync()
	if got := shown(); !strings.Contains(got, "Cake") || strings.Contains(got, "Tea") {
		t.Errorf("after max's change calcurse shows\n%s", got)
	}
	s.run(t, clientCommand{name: "calcurse", args: []string{"-P", "--filter-pattern", "Walk"}})
	sync()
	max.wantEvents(t, shared, "Cake")
}
