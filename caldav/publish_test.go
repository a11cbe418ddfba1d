package caldav_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"davit/auth"
	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

func publishing(c *davtest.Client, calendar, what string, headers ...string) *davtest.Response {
	return c.Do("POST", calendar, `<S:`+what+`-calendar xmlns:S="http://calendarserver.org/ns/"/>`, append([]string{"Content-Type", "application/xml"}, headers...)...)
}

var publishedAt = regexp.MustCompile(`<x:publish-url[^>]*><D:href>([^<]+)</D:href>`)

// urlOf is the path of the URL at which the asker is told that a calendar is published.
func urlOf(t *testing.T, c *davtest.Client, s *davtest.Server, calendar string) string {
	t.Helper()
	r := propfind(c, calendar, "0", "S:publish-url").Want(t, 207)
	found := publishedAt.FindStringSubmatch(r.Body)
	if found == nil {
		r.Want(t, 207, "404 Not Found")
		return ""
	}
	path, ours := strings.CutPrefix(found[1], s.URL+"/")
	if !ours {
		t.Fatalf("the URL is %s", found[1])
	}
	return "/" + path
}

// A calendar is published for whoever has the URL, which is told again and again to who
// may end that and to nobody else, and the end counts at once.
func TestPublish(t *testing.T) {
	t.Parallel()
	s := company(t, store.Options{}, "olivia", "lena", "mia", "max", "nils")
	lena, mia, max, nobody := s.As("lena"), s.As("mia"), s.As("max"), s.As("")
	const calendar = "/caldav/lena/calendar/"
	put(lena, calendar+"plan.ics", event("plan", "Plan")).Want(t, 201)
	for who, level := range map[string]string{"mia": "editor", "max": "manager"} {
		rights, err := policy.ParseRights("level:" + level)
		if err != nil {
			t.Fatal(err)
		}
		s.EntryAt("calendar:~lena/calendar", "user:"+who, policy.Entry{Allow: rights})
	}
	propfind(lena, calendar, "0", "S:allowed-sharing-modes").Want(t, 207, "<S:can-be-shared", "<S:can-be-published")
	propfind(mia, calendar, "0", "S:allowed-sharing-modes").Want(t, 207, "!can-be")
	if at := urlOf(t, lena, s, calendar); at != "" {
		t.Errorf("unpublished at %s", at)
	}
	publishing(lena, calendar, "publish", "If-Match", `"other"`).Want(t, 412)
	publishing(lena, calendar, "publish").Want(t, 202)
	at := urlOf(t, lena, s, calendar)
	if !strings.HasSuffix(at, ".ics") {
		t.Fatalf("published at %q", at)
	}
	nobody.Do("GET", at, "").Want(t, 200, "SUMMARY:Plan")
	publishing(lena, calendar, "publish").Want(t, 202)
	if again := urlOf(t, lena, s, calendar); again != at {
		t.Errorf("published twice: %s and %s", at, again)
	}
	propfind(lena, "/caldav/lena/", "1", "S:publish-url").Want(t, 207, s.URL+at)

	// Who writes there publishes nothing and is told nothing; who manages is and does.
	publishing(mia, calendar, "publish").Want(t, 403, "need-privileges")
	publishing(mia, calendar, "unpublish").Want(t, 403, "need-privileges")
	if got := urlOf(t, mia, s, calendar); got != "" {
		t.Errorf("mia is told %s", got)
	}
	if got := urlOf(t, s.AsDevice("lena", auth.NewDevice{Name: "phone", Class: policy.Mobile, ReadOnly: true}), s, calendar); got != "" {
		t.Errorf("lena's password for reading is told %s", got)
	}
	if got := urlOf(t, max, s, calendar); got != at {
		t.Errorf("who manages is told %q", got)
	}
	if hidden, none := publishing(s.As("nils"), calendar, "publish").Want(t, 404), publishing(s.As("nils"), "/caldav/lena/none/", "publish"); hidden.Body != none.Body {
		t.Errorf("hidden: %q, missing: %q", hidden.Body, none.Body)
	}
	publishing(max, calendar, "unpublish").Want(t, 200)
	nobody.Do("GET", at, "").Want(t, 404)
	publishing(lena, calendar, "unpublish").Want(t, 200)

	// A sharer who may hand on and not manage has a link of his own.
	s.EntryAt("calendar:~lena/calendar", "user:mia", policy.Entry{Allow: policy.See | policy.Read | policy.FreeBusy | policy.Reshare})
	publishing(lena, calendar, "publish").Want(t, 202)
	if got := urlOf(t, mia, s, calendar); got != "" {
		t.Errorf("mia is told %s of lena's link", got)
	}
	publishing(mia, calendar, "publish").Want(t, 202)
	hers, his := urlOf(t, mia, s, calendar), urlOf(t, lena, s, calendar)
	if hers == "" || his == "" {
		t.Fatalf("mia is told %q, lena %q", hers, his)
	}
	publishing(mia, calendar, "unpublish").Want(t, 200)
	nobody.Do("GET", hers, "").Want(t, 404)
	if still := urlOf(t, lena, s, calendar); still == "" || still == hers {
		t.Errorf("lena is told %q after mia ended hers", still)
	}
}

// Publishing is bounded like links: by the settings, by the profile and in time.
func TestPublishBounds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := company(t, store.Options{Clock: func() time.Time { return now }}, "olivia", "lena")
	lena, nobody := s.As("lena"), s.As("")
	const calendar = "/caldav/lena/calendar/"
	put(lena, calendar+"plan.ics", event("plan", "Plan")).Want(t, 201)
	publishing(lena, calendar, "publish").Want(t, 202)
	first := urlOf(t, lena, s, calendar)
	set := func(edit func(*policy.Settings)) {
		s.Change(func(p *policy.State) ([]policy.Change, error) {
			set := p.Settings()
			edit(&set)
			return []policy.Change{policy.PutSettings{Settings: set}}, nil
		})
	}
	for name, edit := range map[string]func(*policy.Settings, bool){
		"links":         func(s *policy.Settings, on bool) { s.Links = !on },
		"link-password": func(s *policy.Settings, on bool) { s.LinkPassword = on },
	} {
		set(func(s *policy.Settings) { edit(s, true) })
		if got := urlOf(t, lena, s, calendar); got != "" {
			t.Errorf("%s: told %s", name, got)
		}
		publishing(lena, calendar, "publish").Want(t, 403, "can-be-published", "x:reason")
		set(func(s *policy.Settings) { edit(s, false) })
	}
	if got := urlOf(t, lena, s, calendar); got != first {
		t.Errorf("after it all told %q, not %s", got, first)
	}
	now = now.Add(91 * 24 * time.Hour)
	if got := urlOf(t, lena, s, calendar); got != "" {
		t.Errorf("told %s, which has ended", got)
	}
	publishing(lena, calendar, "publish").Want(t, 202)
	second := urlOf(t, lena, s, calendar)
	if second == "" || second == first {
		t.Errorf("published anew at %q", second)
	}
	nobody.Do("GET", first, "").Want(t, 404)
	nobody.Do("GET", second, "").Want(t, 200, "Plan")
	if links := s.Store.Policy().Shares(); len(links) != 1 {
		t.Errorf("%d links are left", len(links))
	}
	s.Restart(store.Options{Clock: func() time.Time { return now }})
	if got := urlOf(t, s.As("lena"), s, calendar); got != second {
		t.Errorf("after a restart told %q", got)
	}
}
