package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

const multistatus = `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/">%s</D:multistatus>`

// response is a resource of a listing.
func response(href, props string) string {
	return `<D:response><D:href>` + href + `</D:href><D:propstat><D:prop>` + props + `</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
}

func answer(w http.ResponseWriter, responses ...string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusMultiStatus)
	fmt.Fprintf(w, multistatus, strings.Join(responses, ""))
}

// aCalendar is one called Work at a path.
func aCalendar(path string) string {
	return response(path, `<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Work</D:displayname>`+
		`<A:calendar-color>#112233</A:calendar-color><C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>`)
}

func aFile(path string) string {
	return response(path, `<D:resourcetype/><D:getcontentlength>3</D:getcontentlength><D:getetag>"1"</D:getetag>`)
}

// openAt opens a server that answers so, and tells how often others were asked.
func openAt(t *testing.T, handler http.HandlerFunc) (s *Server, elsewhere *atomic.Int32) {
	t.Helper()
	elsewhere = new(atomic.Int32)
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Other", other.URL)
		handler(w, r)
	}))
	t.Cleanup(other.Close)
	t.Cleanup(there.Close)
	s, err := Open(there.URL+"/", "lena", "secret")
	if err != nil {
		t.Fatal(err)
	}
	return s, elsewhere
}

// A server is found from its root by the principal, whatever redirects lead there.
func TestDiscovery(t *testing.T) {
	s, _ := openAt(t, func(w http.ResponseWriter, r *http.Request) {
		if name, secret, _ := r.BasicAuth(); name != "lena" || secret != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/.well-known/caldav":
			http.Redirect(w, r, "/dav/", http.StatusMovedPermanently)
		case "/dav/":
			if r.Method != "PROPFIND" {
				t.Errorf("a redirect makes %s of PROPFIND", r.Method)
			}
			answer(w, response("/dav/", `<D:current-user-principal><D:href>/p/lena</D:href></D:current-user-principal>`))
		case "/p/lena":
			answer(w, response("/p/lena", `<C:calendar-home-set><D:href>http://other.example/home/</D:href></C:calendar-home-set>`))
		case "/home/":
			answer(w, response("/home/", `<D:resourcetype><D:collection/></D:resourcetype>`), aCalendar("/home/work/"))
		case "/home/work/":
			answer(w, aCalendar("/home/work/"), aFile("/home/work/a.ics"), aFile("/etc/passwd"), aFile("/home/work/../b.ics"), aFile("/home/work/in/c.ics"),
				response("/home/work/untold.ics", `<D:getetag>"2"</D:getetag>`))
		case "/home/work/a.ics":
			fmt.Fprint(w, "a\xff\n")
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	ctx := context.Background()
	calendars, err := s.Calendars(ctx)
	if err != nil || len(calendars) != 1 || fmt.Sprint(calendars[0]) != "{/home/work/ Work #112233 [VEVENT]}" {
		t.Fatalf("calendars %v, %v", calendars, err)
	}
	objects, untold, err := s.Objects(ctx, calendars[0].Path)
	if err != nil || len(objects) != 1 || objects[0] != (Object{"/home/work/a.ics", "1"}) || untold != 1 {
		t.Fatalf("objects %v, %d untold, %v", objects, untold, err)
	}
	if content, err := s.Read(ctx, objects[0]); err != nil || string(content) != "a\xff\n" {
		t.Errorf("it reads %q, %v", content, err)
	}
}

// Whatever a server answers, it is bounded, and nobody else is asked.
func TestHostileServers(t *testing.T) {
	ctx := context.Background()
	list := func(s *Server) error { _, err := s.Calendars(ctx); return err }
	read := func(s *Server) error { _, err := s.Read(ctx, Object{Path: "/a.ics"}); return err }
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		do      func(*Server) error
		want    error
	}{
		"sends to itself without end": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x"+r.URL.Path, 307) }, list, errRedirects},
		"sends to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, w.Header().Get("Other")+"/", 302)
		}, list, ErrElsewhere},
		"sends to a file": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(301)
		}, list, ErrElsewhere},
		"sends an object away": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, w.Header().Get("Other")+"/a", 308) }, read, ErrElsewhere},
		"refuses the password": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401) }, list, ErrLogin},
		"has nothing":          {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }, list, ErrNone},
		"answers no XML":       {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(207); fmt.Fprint(w, "<a><b>&x;") }, list, ErrNone},
		"lists without end":    {func(w http.ResponseWriter, r *http.Request) { answer(w, strings.Repeat(aCalendar("/c/"), 1000)) }, list, ErrTooLarge},
		"nests without end":    {func(w http.ResponseWriter, r *http.Request) { answer(w, strings.Repeat("<a>", 1000)) }, list, ErrTooLarge},
		"refuses without end": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(403)
			fmt.Fprint(w, strings.Repeat("<a>", 1000))
		}, list, ErrTooLarge},
		"has too many calendars": {func(w http.ResponseWriter, r *http.Request) {
			answer(w, strings.Repeat(response("/c/", "<D:resourcetype><C:calendar/></D:resourcetype>"), calendarsMax+1))
		}, list, ErrTooLarge},
		"has an endless object": {func(w http.ResponseWriter, r *http.Request) {
			for range objectMax/1000 + 1 {
				fmt.Fprint(w, strings.Repeat("x", 1000))
			}
		}, read, ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			s, elsewhere := openAt(t, c.handler)
			s.client.most = 256 << 10
			if name == "has an endless object" {
				s.client.most = answerMax
			}
			if err := c.do(s); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if n := elsewhere.Load(); n != 0 {
				t.Errorf("another host was asked %d times", n)
			}
		})
	}
	for _, url := range []string{"", "dav.example.org", "ftp://h/", "http://lena:secret@h/", "file:///etc", "http://"} {
		if _, err := Open(url, "lena", "secret"); err == nil {
			t.Errorf("%q is taken for a URL", url)
		}
	}
}
