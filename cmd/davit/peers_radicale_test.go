package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// radicale brings calendars from a server that others wrote.
func radicale(t *testing.T, s *site) {
	dir := t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := free.Addr().String()
	free.Close()
	config := filepath.Join(dir, "config")
	settings := "[server]\nhosts = " + host + "\n[auth]\ntype = none\n[storage]\nfilesystem_folder = " + dir + "/store\n"
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	server := exec.Command("radicale", "--config", config)
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	ask := func(method, path, body string) int {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+host+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("lena", everybodysPassword)
		req.Header.Set("Content-Type", "text/calendar")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for deadline := time.Now().Add(readyWithin); ask("OPTIONS", "/", "") == 0; time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			t.Fatalf("Radicale does not listen\n%s", log.String())
		}
	}
	if code := ask("MKCALENDAR", "/lena/plans/", `<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop><displayname>Plans</displayname>`+
		`<calendar-color xmlns="http://apple.com/ns/ical/">#445566ff</calendar-color></prop></set></C:mkcalendar>`); code != http.StatusCreated {
		t.Fatalf("MKCALENDAR: %d\n%s", code, log.String())
	}
	for _, uid := range []string{"one", "two"} {
		if code := ask("PUT", "/lena/plans/"+uid+".ics", fmt.Sprintf(eventBody, uid, uid, "")); code != http.StatusCreated {
			t.Fatalf("PUT: %d\n%s", code, log.String())
		}
	}
	s.operate(t, "user", "add", "max", "--password-stdin")
	wantMoved(t, s.imports(t, exitDone, "http://"+host+"/"), "plans 2 0 0")
	if got := s.request(t, "max", 200, "GET", "/caldav/max/plans/one.ics", ""); !strings.Contains(got, "SUMMARY:one") {
		t.Errorf("it came as %q", got)
	}
	props := s.request(t, "max", 207, "PROPFIND", "/caldav/max/plans/", `<propfind xmlns="DAV:"><prop><displayname/><calendar-color xmlns="http://apple.com/ns/ical/"/></prop></propfind>`, "Depth", "0")
	if !strings.Contains(props, "Plans") || !strings.Contains(props, "#445566ff") {
		t.Errorf("the name and the colour came as %s", props)
	}
	if code := ask("PUT", "/lena/plans/one.ics", fmt.Sprintf(eventBody, "one", "changed", "")); code != http.StatusCreated && code != http.StatusNoContent {
		t.Fatalf("PUT: %d\n%s", code, log.String())
	}
	wantMoved(t, s.imports(t, exitDone, "http://"+host+"/lena/"), "plans 0 1 1")
	wantMoved(t, s.imports(t, exitDone, "http://"+host+"/lena/plans/"), "plans 0 0 2")
}
