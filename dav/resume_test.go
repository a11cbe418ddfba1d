package dav_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/store"
)

// wantUpload holds an upload to how far it is.
func wantUpload(t *testing.T, who *davtest.Client, url string, offset int, complete string) *davtest.Response {
	t.Helper()
	r := who.Do("HEAD", url, "").Want(t, 204)
	if got := r.Header.Get("Upload-Offset"); got != strconv.Itoa(offset) {
		t.Errorf("%s is at %q, want %d", url, got, offset)
	}
	if got := r.Header.Get("Upload-Complete"); got != complete {
		t.Errorf("%s is complete: %q, want %s", url, got, complete)
	}
	if r.Header.Get("Cache-Control") != "no-store" || !strings.Contains(r.Header.Get("Upload-Limit"), "max-age=") {
		t.Errorf("%s tells %v", url, r.Header)
	}
	return r
}

// part appends to an upload.
func part(who *davtest.Client, url, offset, complete, content string) *davtest.Response {
	return who.Do("PATCH", url, content, "Content-Type", "application/partial-upload", "Upload-Offset", offset, "Upload-Complete", complete)
}

// A PUT that breaks off goes on where its interim answer says, also after the
// server was killed, and ends like the PUT would have.
func TestUploadGoesOn(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	k := mia.Dial("PUT", "/dav/home/film.txt", "Content-Length", "10", "Upload-Complete", "?1", "Upload-Draft-Interop-Version", "8", "X-Oc-Mtime", "1000000000")
	first := k.Answer().Want(t, 104)
	url := first.Header.Get("Location")
	if !strings.HasPrefix(url, "/dav/.upload/") || first.Header.Get("Upload-Draft-Interop-Version") != "8" || first.Header.Get("Upload-Limit") == "" {
		t.Fatalf("the interim answer tells %v", first.Header)
	}
	k.Say("01234")
	if err := k.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if r := k.Answer().Want(t, 400); r.Header.Get("Location") != url {
		t.Errorf("the answer tells another place: %v", r.Header)
	}
	if r := wantUpload(t, mia, url, 5, "?0"); r.Header.Get("Upload-Length") != "10" {
		t.Errorf("it tells %v", r.Header)
	}
	s.Crash(store.Options{})
	mia = s.As("mia")
	wantUpload(t, mia, url, 5, "?0")
	mia.Do("GET", "/dav/home/film.txt", "").Want(t, 404)

	r := part(mia, url, "3", "?1", "3456789").Want(t, 409)
	var problem struct {
		Type     string
		Expected int `json:"expected-offset"`
		Provided int `json:"provided-offset"`
	}
	if err := json.Unmarshal([]byte(r.Body), &problem); err != nil || problem.Expected != 5 || problem.Provided != 3 ||
		problem.Type != "https://iana.org/assignments/http-problem-types#mismatching-upload-offset" || r.Header.Get("Upload-Offset") != "5" ||
		r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("another offset: %s %v", r.Body, r.Header)
	}
	if r := part(mia, url, "5", "?0", "567").Want(t, 204); r.Header.Get("Upload-Complete") != "?0" || r.Header.Get("Upload-Offset") != "8" {
		t.Errorf("a part is answered with %v", r.Header)
	}
	r = part(mia, url, "8", "?1", "89").Want(t, 201)
	if r.Header.Get("Upload-Complete") != "?1" || r.Header.Get("Etag") == "" || r.Header.Get("X-Oc-Mtime") != "accepted" {
		t.Errorf("the last part is answered with %v", r.Header)
	}
	mia.Do("GET", "/dav/home/film.txt", "").Want(t, 200, "0123456789")
	wantUpload(t, mia, url, 10, "?1")
	part(mia, url, "10", "?1", "").Want(t, 400, "completed-upload")
	part(mia, url, "10", "?1", "x").Want(t, 400, "inconsistent-upload-length")
}

// An upload is begun without content, answers like nothing for everybody else, and
// is cancelled by its beginner.
func TestUploadOfOne(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	mia, max := s.As("mia"), s.As("max")
	begin := func(headers ...string) *davtest.Response {
		return mia.Do("PUT", "/dav/home/a.txt", "", append([]string{"Upload-Complete", "?0"}, headers...)...)
	}
	url := begin("Upload-Length", "4").Want(t, 201).Header.Get("Location")
	wantUpload(t, mia, url, 0, "?0")
	for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
		none := max.Do(method, "/dav/.upload/NONE", "").Want(t, 404)
		if r := max.Do(method, url, "").Want(t, 404); r.Body != none.Body {
			t.Errorf("%s of another's answers %q, of none %q", method, r.Body, none.Body)
		}
	}
	for _, method := range []string{"GET", "PUT", "PROPFIND", "MKCOL"} {
		if r := mia.Do(method, url, "").Want(t, 405); r.Header.Get("Allow") != "OPTIONS, HEAD, PATCH, DELETE" {
			t.Errorf("%s: Allow: %s", method, r.Header.Get("Allow"))
		}
	}
	mia.Do("PATCH", "/dav/home/a.txt", "x").Want(t, 405)
	mia.Do("PATCH", url, "01", "Upload-Offset", "0", "Upload-Complete", "?0").Want(t, 415)
	part(mia, url, "", "?0", "01").Want(t, 400)
	part(mia, url, "0", "yes", "01").Want(t, 400)
	part(mia, url, "0", "?0", "01").Want(t, 204)
	part(mia, url, "2", "?1", "2").Want(t, 400, "inconsistent-upload-length") // 3 bytes of 4
	wantUpload(t, mia, url, 2, "?0")
	mia.Do("DELETE", url, "").Want(t, 204)
	mia.Do("HEAD", url, "").Want(t, 404)
	mia.Do("GET", "/dav/home/a.txt", "").Want(t, 404)

	// Too much ends it.
	url = begin("Upload-Length", "4").Want(t, 201).Header.Get("Location")
	part(mia, url, "0", "?0", "01234").Want(t, 400, "inconsistent-upload-length")
	mia.Do("HEAD", url, "").Want(t, 404)
	mia.Do("PUT", "/dav/home/a.txt", "0123", "Upload-Complete", "?1", "Upload-Length", "5").Want(t, 400, "inconsistent-upload-length")

	r := mia.Do("OPTIONS", "/dav/home/a.txt", "").Want(t, 200)
	if r.Header.Get("Accept-Patch") != "application/partial-upload" || r.Header.Get("Upload-Limit") == "" {
		t.Errorf("OPTIONS tells %v", r.Header)
	}
	// A whole one without a break is a PUT.
	if r := mia.Do("PUT", "/dav/home/a.txt", "0123", "Upload-Complete", "?1").Want(t, 201); r.Header.Get("Location") != "" || r.Header.Get("Upload-Complete") != "?1" {
		t.Errorf("a whole upload is answered with %v", r.Header)
	}
	// What nobody knows the place of is not kept.
	k := mia.Dial("PUT", "/dav/home/b.txt", "Content-Length", "10", "Upload-Complete", "?1")
	k.Say("01234")
	if err := k.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	k.Answer().Want(t, 400)
	if n := s.Store.Reserved(); n != 0 {
		t.Errorf("%d bytes are reserved", n)
	}
}

// Rights, conditions, locks and quota count at the end as they do at the beginning.
func TestUploadIsDecidedTwice(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	s.Quota("/Team", 1000)
	mia, max := s.As("mia"), s.As("max")
	begin := func(headers ...string) string {
		t.Helper()
		return mia.Do("PUT", "/dav/Team/a.txt", "", append([]string{"Upload-Complete", "?0"}, headers...)...).Want(t, 201).Header.Get("Location")
	}
	mia.Do("PUT", "/dav/Team/a.txt", "", "Upload-Complete", "?0", "Upload-Length", "1001").Want(t, 507)
	url := begin("Upload-Length", "900")
	max.Do("PUT", "/dav/Team/b.txt", strings.Repeat("x", 200)).Want(t, 507)
	mia.Do("DELETE", url, "").Want(t, 204)

	url = begin("If-None-Match", "*")
	max.Do("PUT", "/dav/Team/a.txt", "between").Want(t, 201)
	r := part(mia, url, "0", "?1", "mine").Want(t, 412)
	if r.Header.Get("Upload-Complete") != "?1" {
		t.Errorf("the answer of the file is told as %v", r.Header)
	}
	mia.Do("HEAD", url, "").Want(t, 404)
	mia.Do("PUT", "/dav/Team/a.txt", "", "Upload-Complete", "?0", "If-None-Match", "*").Want(t, 412)

	url = begin()
	token := max.Do("LOCK", "/dav/Team/a.txt", `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>`).Want(t, 200).Header.Get("Lock-Token")
	part(mia, url, "0", "?1", "mine").Want(t, 423)
	max.Do("UNLOCK", "/dav/Team/a.txt", "", "Lock-Token", token).Want(t, 204)

	url = begin()
	s.Level("Team", "user:mia", "viewer")
	part(mia, url, "0", "?1", "mine").Want(t, 403)
	mia.Do("DELETE", url, "").Want(t, 204)
	max.Do("GET", "/dav/Team/a.txt", "").Want(t, 200, "between")
	s.Level("Team", "user:mia", "editor")

	url = begin("Repr-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:") // of nothing
	part(mia, url, "0", "?1", "mine").Want(t, 400)
	max.Do("GET", "/dav/Team/a.txt", "").Want(t, 200, "between")
}
