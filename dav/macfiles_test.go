package dav_test

import (
	"strings"
	"testing"

	"davit/dav"
	"davit/dav/davtest"
	"davit/store"
)

// macNames are some that macOS gives, as they stand in URLs.
var macNames = []string{"._plan.txt", ".DS_Store", ".metadata_never_index", ".Spotlight-V100", "._."}

// likeMacNames are people's own.
var likeMacNames = []string{".profile", "_.txt", "DS_Store", "plan._txt", ".ds_store.txt", ".DS_Store.bak"}

// withMacFiles starts a server where mia has such files, and files of like names.
func withMacFiles(t *testing.T, way dav.MacFiles) (*davtest.Server, *davtest.Client) {
	t.Helper()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("MKCOL", "/dav/home/dir", "").Want(t, 201)
	for _, name := range append(macNames, likeMacNames...) {
		mia.Do("PUT", "/dav/home/dir/"+name, name).Want(t, 201)
	}
	s.MacFiles = way
	s.Restart(store.Options{})
	return s, s.As("mia")
}

// wantListed holds every way of listing to what it should show.
func wantListed(t *testing.T, mia *davtest.Client, names []string, shown bool) {
	t.Helper()
	for _, depth := range []string{"1", "infinity"} {
		found := multistatus(t, mia.Do("PROPFIND", "/dav/home/dir/", "", "Depth", depth))
		for _, name := range names {
			if _, is := found["/dav/home/dir/"+name]; is != shown {
				t.Errorf("depth %s shows %s: %v", depth, name, is)
			}
		}
	}
	const syncing = `<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`
	const searching = `<D:searchrequest xmlns:D="DAV:"><D:basicsearch><D:select><D:prop><D:getetag/></D:prop></D:select>` +
		`<D:from><D:scope><D:href>/dav/home/dir/</D:href><D:depth>1</D:depth></D:scope></D:from></D:basicsearch></D:searchrequest>`
	for method, body := range map[string]string{"REPORT": syncing, "SEARCH": searching} {
		answer := mia.Do(method, "/dav/home/dir/", body).Want(t, 207).Body
		for _, name := range names {
			if strings.Contains(answer, "/"+name+"<") != shown {
				t.Errorf("%s shows %s: %v", method, name, !shown)
			}
		}
	}
	page := mia.Do("GET", "/dav/home/dir/", "").Want(t, 200).Body
	for _, name := range names {
		if strings.Contains(page, `/`+name+`"`) != shown {
			t.Errorf("the page shows %s: %v", name, !shown)
		}
	}
}

func TestMacFilesKept(t *testing.T) {
	t.Parallel()
	for _, way := range []dav.MacFiles{"", dav.MacKept} {
		_, mia := withMacFiles(t, way)
		wantListed(t, mia, append(macNames, likeMacNames...), true)
		mia.Do("PUT", "/dav/home/dir/._other", "x").Want(t, 201)
	}
}

// Hidden files are written, read, moved and deleted by name, with their folder
// too, and count; no listing shows them.
func TestMacFilesHidden(t *testing.T) {
	t.Parallel()
	_, mia := withMacFiles(t, dav.MacHidden)
	wantListed(t, mia, macNames, false)
	wantListed(t, mia, likeMacNames, true)
	mia.Do("PUT", "/dav/home/dir/._new", "new").Want(t, 201)
	mia.Do("GET", "/dav/home/dir/._new", "").Want(t, 200, "new")
	mia.Do("PROPFIND", "/dav/home/dir/._new", "", "Depth", "0").Want(t, 207, "/dav/home/dir/._new<")
	mia.Do("MOVE", "/dav/home/dir/._new", "", "Destination", "/dav/home/dir/seen").Want(t, 201)
	wantListed(t, mia, []string{"seen"}, true)
	mia.Do("DELETE", "/dav/home/dir/.DS_Store", "").Want(t, 204)
	mia.Do("MOVE", "/dav/home/dir", "", "Destination", "/dav/home/moved").Want(t, 201)
	mia.Do("GET", "/dav/home/moved/._plan.txt", "").Want(t, 200, "._plan.txt")
	mia.Do("DELETE", "/dav/home/moved", "").Want(t, 204)
}

// A page of nothing but hidden files does not end a listing.
func TestMacFilesHiddenFillAPage(t *testing.T) {
	t.Parallel()
	s, mia := withMacFiles(t, dav.MacHidden)
	mia.Do("DELETE", "/dav/home/dir", "").Want(t, 204)
	fillAs(t, s, "dir", 1010, "._%06d") // more than are read at a time
	mia.Do("PUT", "/dav/home/dir/zebra", "z").Want(t, 201)
	wantListed(t, mia, []string{"zebra"}, true)
	wantListed(t, mia, []string{"._000000", "._001009"}, false)
}

// Refused files are made by no method, and what is there stays. The audit trail
// has nothing of it: macOS would fill it.
func TestMacFilesRefused(t *testing.T) {
	t.Parallel()
	s, mia := withMacFiles(t, dav.MacRefused)
	wantListed(t, mia, append(macNames, likeMacNames...), true)
	before := s.As("mia").Tree("/dav/home/")
	k, begun := mia.Upload("/dav/home/dir/._new", large)
	if begun {
		k.Reset()
		t.Fatal("the body was asked for")
	}
	if got := k.Answer().Status; got != 403 {
		t.Errorf("an upload: %d", got)
	}
	for _, r := range []struct{ method, path, destination string }{
		{"PUT", "._plan.txt", ""}, {"PUT", ".DS_Store", ""}, {"MKCOL", ".TemporaryItems", ""}, {"LOCK", "._new", ""},
		{"COPY", "_.txt", "._copy"}, {"MOVE", "_.txt", ".DS_Store"}, {"MOVE", "._plan.txt", "._moved"},
	} {
		mia.Do(r.method, "/dav/home/dir/"+r.path, "", "Destination", "/dav/home/dir/"+r.destination).Want(t, 403, "!decision")
	}
	nothingLeft(t, s, before)
	if lines, err := s.Store.Operator().Audit(t.Context(), store.AuditQuery{By: "mia"}); err != nil || len(lines) > 0 {
		t.Errorf("the audit trail has %d lines of it, %v", len(lines), err)
	}
	mia.Do("GET", "/dav/home/dir/._plan.txt", "").Want(t, 200, "._plan.txt")
	mia.Do("MOVE", "/dav/home/dir/._plan.txt", "", "Destination", "/dav/home/dir/plan.txt").Want(t, 201)
	mia.Do("DELETE", "/dav/home/dir/.DS_Store", "").Want(t, 204)
	for _, name := range likeMacNames {
		mia.Do("PUT", "/dav/home/dir/"+name, "again").Want(t, 204)
	}
	mia.Do("MOVE", "/dav/home/dir/_.txt", "", "Destination", "nonsense").Want(t, 400)
}

func TestParseMacFiles(t *testing.T) {
	for _, text := range []string{"kept", "hidden", "refused"} {
		if way, err := dav.ParseMacFiles(text); err != nil || string(way) != text {
			t.Errorf("%s: %q, %v", text, way, err)
		}
	}
	for _, text := range []string{"", "Kept", "gone"} {
		if _, err := dav.ParseMacFiles(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
