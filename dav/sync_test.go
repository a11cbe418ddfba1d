package dav_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// syncOnce asks once without a limit and gives what is told, and the token.
func syncOnce(t *testing.T, c *davtest.Client, path, token, level string) (told map[string]string, next string) {
	t.Helper()
	a := readSync(t, c.Do("REPORT", path, syncBody(token, level, 0)).Want(t, 207))
	told = map[string]string{}
	for _, res := range a.Responses {
		told[res.Href] = strings.TrimPrefix(res.Status, "HTTP/1.1 ")
	}
	return told, a.Token
}

// wantSync holds an answer to what is told: "/a" as changed, "-/a" as gone.
func wantSync(t *testing.T, told map[string]string, want ...string) {
	t.Helper()
	left := fmt.Sprint(told)
	for _, href := range want {
		status := ""
		if gone, is := strings.CutPrefix(href, "-"); is {
			href, status = gone, "404 Not Found"
		}
		if got, there := told[href]; !there || got != status {
			t.Errorf("%s is told as %q (%t), not %q, in %s", href, got, there, status, left)
		}
		delete(told, href)
	}
	if len(told) > 0 {
		t.Errorf("also told: %v", told)
	}
}

// RFC 6578, section 3.5: each way to change, one at a time.
func TestSyncChanges(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia := s.As("mia")
	s.Space("Other", "group:staff=editor")
	told, token := syncOnce(t, mia, "/dav/Team/", "", "infinite")
	wantSync(t, told, "/dav/Team/a.txt", "/dav/Team/b.txt", "/dav/Team/folder/", "/dav/Team/folder/in.txt")
	for _, row := range []struct {
		method, path string
		headers      []string
		want         string
	}{
		{"PUT", "/dav/Team/new.txt", nil, "/dav/Team/new.txt"},
		{"PUT", "/dav/Team/a.txt", nil, "/dav/Team/a.txt"},
		{"PUT", "/dav/Team/folder/deep.txt", nil, "/dav/Team/folder/deep.txt"},
		{"PROPPATCH", "/dav/Team/a.txt", nil, "/dav/Team/a.txt"},
		{"PROPPATCH", "/dav/Team/folder", nil, "/dav/Team/folder/"},
		{"MKCOL", "/dav/Team/empty", nil, "/dav/Team/empty/"},
		{"MOVE", "/dav/Team/folder", []string{"Destination", "/dav/Team/empty/moved"}, "-/dav/Team/folder/ /dav/Team/empty/moved/ /dav/Team/empty/moved/in.txt /dav/Team/empty/moved/deep.txt"},
		{"COPY", "/dav/Team/empty/moved", []string{"Destination", "/dav/Team/copy"}, "/dav/Team/copy/ /dav/Team/copy/in.txt /dav/Team/copy/deep.txt"},
		{"DELETE", "/dav/Team/copy", nil, "-/dav/Team/copy/"},
		{"MOVE", "/dav/Team/a.txt", []string{"Destination", "/dav/Team/b.txt"}, "-/dav/Team/a.txt /dav/Team/b.txt"},
		{"MOVE", "/dav/Team/b.txt", []string{"Destination", "/dav/Other/b.txt"}, "-/dav/Team/b.txt"},
		{"MOVE", "/dav/Other/b.txt", []string{"Destination", "/dav/Team/back.txt"}, "/dav/Team/back.txt"},
		{"GET", "/dav/Team/back.txt", nil, ""},
		{"LOCK", "/dav/Team/back.txt", nil, ""},
		{"PUT", "/dav/Other/elsewhere", nil, ""},
		{"DELETE", "/dav/Team/empty/moved/in.txt", nil, "-/dav/Team/empty/moved/in.txt"},
	} {
		body := map[string]string{"PUT": "x", "PROPPATCH": setProp("note", "n"), "LOCK": shared}[row.method]
		if r := mia.Do(row.method, row.path, body, row.headers...); r.Status >= 300 {
			t.Errorf("%s %s: %d", row.method, row.path, r.Status)
		}
		told, token = syncOnce(t, mia, "/dav/Team/", token, "infinite")
		wantSync(t, told, strings.Fields(row.want)...)
	}
}

// RFC 6578, section 3.5.1: gone and made anew under the same name is one change,
// and what was below the old one is gone.
func TestSyncReplaced(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia := s.As("mia")
	_, token := syncOnce(t, mia, "/dav/Team/", "", "infinite")
	mia.Do("DELETE", "/dav/Team/a.txt", "").Want(t, 204)
	mia.Do("PUT", "/dav/Team/a.txt", "anew").Want(t, 201)
	mia.Do("DELETE", "/dav/Team/folder", "").Want(t, 204)
	tree(t, mia, "/dav/Team/folder/", "/dav/Team/folder/other.txt")
	told, token := syncOnce(t, mia, "/dav/Team/", token, "infinite")
	wantSync(t, told, "/dav/Team/a.txt", "/dav/Team/folder/", "-/dav/Team/folder/in.txt", "/dav/Team/folder/other.txt")
	// RFC 6578, section 3.5.2: made and gone since is told as gone.
	mia.Do("PUT", "/dav/Team/short.txt", "x").Want(t, 201)
	mia.Do("DELETE", "/dav/Team/short.txt", "").Want(t, 204)
	told, _ = syncOnce(t, mia, "/dav/Team/", token, "infinite")
	wantSync(t, told, "-/dav/Team/short.txt")
}

// What is hidden is told as gone, what is shown as new; and nobody hears of what
// came and went while it was hidden from him.
func TestSyncHides(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia, max := s.As("mia"), s.As("max")
	tree(t, mia, "/dav/Team/folder/deep/", "/dav/Team/folder/deep/d.txt")
	_, token := syncOnce(t, max, "/dav/Team/", "", "infinite")
	_, mias := syncOnce(t, mia, "/dav/Team/", "", "infinite")

	s.Entry("/Team/folder", "group:guests", wall)
	told, hidden := syncOnce(t, max, "/dav/Team/", token, "infinite")
	wantSync(t, told, "-/dav/Team/folder/")
	told, _ = syncOnce(t, mia, "/dav/Team/", mias, "infinite")
	wantSync(t, told)

	mia.Do("PUT", "/dav/Team/folder/secret.txt", "x").Want(t, 201)
	mia.Do("DELETE", "/dav/Team/folder/secret.txt", "").Want(t, 204)
	told, hidden = syncOnce(t, max, "/dav/Team/", hidden, "infinite")
	wantSync(t, told)
	lift := func(path, who string) {
		s.ChangeAt(path, func(p *policy.State, at policy.Place) ([]policy.Change, error) {
			id, err := p.ParsePrincipal(who)
			return []policy.Change{policy.ClearEntries{Node: at.Path[len(at.Path)-1], Principal: id}}, err
		})
	}
	lift("/Team/folder", "group:guests")
	told, _ = syncOnce(t, max, "/dav/Team/", hidden, "infinite")
	wantSync(t, told, "/dav/Team/folder/", "/dav/Team/folder/in.txt", "/dav/Team/folder/deep/", "/dav/Team/folder/deep/d.txt")
	// From the token before the wall: what he knows is as it was.
	told, token = syncOnce(t, max, "/dav/Team/", token, "infinite")
	wantSync(t, told)

	// A shell is a change of the collection, and shows only the way.
	s.Level("Team", "group:guests", "none")
	s.Entry("/Team/folder/deep", "user:max", policy.Entry{Allow: policy.See | policy.Read})
	told, token = syncOnce(t, max, "/dav/Team/", token, "infinite")
	wantSync(t, told, "-/dav/Team/a.txt", "-/dav/Team/b.txt", "/dav/Team/folder/", "-/dav/Team/folder/in.txt")
	s.Level("Team", "group:guests", "viewer")
	told, _ = syncOnce(t, max, "/dav/Team/", token, "infinite")
	wantSync(t, told, "/dav/Team/a.txt", "/dav/Team/b.txt", "/dav/Team/folder/", "/dav/Team/folder/in.txt")
}

// RFC 6578, section 3.2: a token counts for whom it was made, where it was made.
func TestSyncTokens(t *testing.T) {
	t.Parallel()
	s, other := office(t), office(t)
	mia, max := s.As("mia"), s.As("max")
	_, token := syncOnce(t, mia, "/dav/Team/", "", "1")
	_, maxs := syncOnce(t, max, "/dav/Team/", "", "1")
	_, folders := syncOnce(t, mia, "/dav/Team/folder/", "", "1")
	_, foreign := syncOnce(t, other.As("mia"), "/dav/Team/", "", "1")
	flipped := []byte(token)
	flipped[len(flipped)-5] ^= 1
	for what, bad := range map[string]string{
		"max's": maxs, "the folder's": folders, "another store's": foreign, "a changed one": string(flipped), "a short one": token[:40],
		"a long one": token + strings.Repeat("A", 100_000), "nothing of ours": "http://example.com/1", "no base64": store.SyncPrefix + "!", "empty": store.SyncPrefix,
	} {
		for _, level := range []string{"1", "infinite"} {
			r := mia.Do("REPORT", "/dav/Team/", syncBody(bad, level, 0))
			if r.Status != 403 || !strings.Contains(r.Body, "<D:valid-sync-token/>") {
				t.Errorf("%s: %d %s", what, r.Status, r.Body)
			}
		}
	}
	// Equal states give equal tokens, over a restart too.
	s.Restart(store.Options{})
	mia = s.As("mia")
	told, again := syncOnce(t, mia, "/dav/Team/", token, "1")
	if wantSync(t, told); again != token {
		t.Errorf("nothing happened, and %s became %s", token, again)
	}
	r := mia.Do("PROPFIND", "/dav/Team/", `<propfind xmlns="DAV:"><prop><sync-token/><supported-report-set/></prop></propfind>`, "Depth", "0").Want(t, 207, "<D:sync-collection/>")
	if !strings.Contains(r.Body, "<D:sync-token>"+token+"</D:sync-token>") {
		t.Errorf("PROPFIND tells another token than %s: %s", token, r.Body)
	}
	mia.Do("PROPFIND", "/dav/Team/", "", "Depth", "1").Want(t, 207, "!sync-token")
	for _, path := range []string{"/", "/dav/", "/dav/shared/", "/principals/", "/dav/Team/a.txt"} {
		mia.Do("REPORT", path, syncBody("", "1", 0)).Want(t, 403, "<D:supported-report/>")
		mia.Do("PROPFIND", path, `<propfind xmlns="DAV:"><prop><sync-token/><supported-report-set/></prop></propfind>`, "Depth", "0").Want(t, 207, "!sync-collection", "!urn:davit:sync")
	}
}

// A token that is older than the log is refused; younger ones go on.
func TestSyncHorizon(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := davtest.StartWith(t, store.Options{Clock: func() time.Time { return now }}, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a", "/dav/home/b")
	_, old := syncOnce(t, mia, "/dav/home/", "", "1")
	mia.Do("DELETE", "/dav/home/a", "").Want(t, 204)
	now = now.Add(60 * 24 * time.Hour)
	_, young := syncOnce(t, mia, "/dav/home/", "", "1")
	mia.Do("DELETE", "/dav/home/b", "").Want(t, 204)
	now = now.Add(60 * 24 * time.Hour)
	if _, err := s.Store.Collect(context.Background(), time.Hour); err != nil {
		t.Fatal(err)
	}
	mia.Do("REPORT", "/dav/home/", syncBody(old, "1", 0)).Want(t, 403, "<D:valid-sync-token/>")
	told, _ := syncOnce(t, mia, "/dav/home/", young, "1")
	wantSync(t, told, "-/dav/home/b")
}

// RFC 6578, section 5: a token is a condition that nothing has changed.
func TestSyncTokenInIf(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia, max := s.As("mia"), s.As("max")
	_, token := syncOnce(t, mia, "/dav/Team/", "", "infinite")
	_, maxs := syncOnce(t, max, "/dav/Team/", "", "infinite")
	of := func(token string) []string { return []string{"If", "</dav/Team/> (<" + token + ">)"} }
	mia.Do("PUT", "/dav/home/x", "x").Want(t, 201)
	mia.Do("PUT", "/dav/Team/a.txt", "1", of(maxs)...).Want(t, 412)
	mia.Do("PUT", "/dav/Team/a.txt", "1", of(token+"A")...).Want(t, 412)
	mia.Do("PUT", "/dav/Team/a.txt", "1", of(token)...).Want(t, 204)
	mia.Do("PUT", "/dav/Team/a.txt", "2", of(token)...).Want(t, 412)
	mia.Do("PUT", "/dav/Team/a.txt", "2", "If", "</dav/Team/> (Not <"+token+">)").Want(t, 204)
	_, token = syncOnce(t, mia, "/dav/Team/", "", "1")
	mia.Do("DELETE", "/dav/Team/folder", "", "If", "(<"+token+">)").Want(t, 412) // of another collection
	_, token = syncOnce(t, mia, "/dav/Team/folder/", "", "1")
	mia.Do("DELETE", "/dav/Team/folder", "", "If", "(<"+token+">)").Want(t, 204)
}

// RFC 6578, sections 3.3, 3.6 and 3.7
func TestSyncRequests(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia := s.As("mia")
	const noLevel = `<sync-collection xmlns="DAV:"><sync-token/><prop><getetag/></prop></sync-collection>`
	for _, row := range []struct {
		body   string
		depth  string
		status int
	}{
		{syncBody("", "1", 0), "0", 207}, {syncBody("", "1", 0), "1", 207}, {syncBody("", "infinite", 0), "1", 207}, {syncBody("", "1", 0), "infinity", 400},
		{noLevel, "", 400}, {noLevel, "0", 400}, {noLevel, "1", 207}, {noLevel, "infinity", 207},
		{syncBody("", "2", 0), "", 400}, {syncBody("", "", 0), "", 400},
		{`<sync-collection xmlns="DAV:"><sync-level>1</sync-level></sync-collection>`, "", 400},
		{`<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><limit><nresults>x</nresults></limit><prop/></sync-collection>`, "", 400},
		{`<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><limit/><prop/></sync-collection>`, "", 400},
		{`<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><limit><nresults>99999999999999999999</nresults></limit><prop/></sync-collection>`, "", 207},
	} {
		headers := []string{}
		if row.depth != "" {
			headers = append(headers, "Depth", row.depth)
		}
		if r := mia.Do("REPORT", "/dav/Team/", row.body, headers...); r.Status != row.status {
			t.Errorf("%s at depth %q: %d instead of %d", row.body, row.depth, r.Status, row.status)
		}
	}
	none := mia.Do("REPORT", "/dav/Team/", strings.Replace(syncBody("", "1", 1), "<nresults>1", "<nresults>0", 1)).Want(t, 207, "507", "number-of-matches-within-limits", "!a.txt")
	if a := readSync(t, none); len(a.Responses) != 1 || a.Token == "" {
		t.Errorf("none wanted: %+v", a)
	}
	// Members come as PROPFIND tells them, with what they lack.
	mia.Do("REPORT", "/dav/Team/", strings.Replace(syncBody("", "1", 0), "<getetag/>", "<getetag/><getcontentlength/><lockdiscovery/>", 1)).
		Want(t, 207, "<D:getcontentlength>26</D:getcontentlength>", "<D:lockdiscovery/>", "HTTP/1.1 404")
}

// More changes than one page of the store, told in one answer.
func TestSyncManyPages(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	_, token := syncOnce(t, mia, "/dav/home/", "", "infinite")
	fill(t, s, "many", 2500)
	for _, since := range []string{"", token} {
		if told, _ := syncOnce(t, mia, "/dav/home/", since, "infinite"); len(told) != 2501 {
			t.Errorf("%d members are told", len(told))
		}
	}
}

// The bearer of a link follows what it shares, with tokens of its own.
func TestSyncOfLink(t *testing.T) {
	t.Parallel()
	s := office(t)
	mia, nobody := s.As("mia"), s.As("")
	s.Level("Team", "user:mia", "manager")
	url, sh := s.Link("mia", "/Team/folder", davtest.NewLink{})
	told, token := syncOnce(t, nobody, url+"/", "", "infinite")
	wantSync(t, told, url+"/in.txt")
	_, mias := syncOnce(t, mia, "/dav/Team/folder/", "", "infinite")
	nobody.Do("REPORT", url+"/", syncBody(mias, "infinite", 0)).Want(t, 403, "<D:valid-sync-token/>")
	mia.Do("MOVE", "/dav/Team/folder/in.txt", "", "Destination", "/dav/Team/folder/out.txt").Want(t, 201)
	mia.Do("PUT", "/dav/Team/beside.txt", "x").Want(t, 201)
	told, token = syncOnce(t, nobody, url+"/", token, "infinite")
	wantSync(t, told, "-"+url+"/in.txt", url+"/out.txt")
	nobody.Do("SEARCH", url+"/", query("", "infinity", where(test("like", "displayname", "%.txt")))).Want(t, 207, url+"/out.txt", "!beside")
	nobody.Do("SEARCH", url+"/", query("/dav/Team/", "infinity", "")).Want(t, 409, "search-scope-valid")
	s.Unshare(sh)
	nobody.Do("REPORT", url+"/", syncBody(token, "infinite", 0)).Want(t, 404)
}
