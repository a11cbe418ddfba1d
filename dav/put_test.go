package dav_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
)

// large is more than the store keeps in its database: it goes through a file.
const large = 100_000

func content(letter string, size int) string { return strings.Repeat(letter, size) }

// nothingLeft holds the server to what it held before, with no upload under way.
func nothingLeft(t *testing.T, s *davtest.Server, before string) {
	t.Helper()
	s.Settle()
	if n := s.Store.Reserved(); n != 0 {
		t.Errorf("%d bytes are still reserved", n)
	}
	if temps := s.Temps(); len(temps) > 0 {
		t.Errorf("temporary files are left: %s", temps)
	}
	if after := s.As("mia").Tree("/dav/home/"); after != before {
		t.Errorf("the drive changed from\n%s\nto\n%s", before, after)
	}
}

// RFC 9110, section 13.1
func TestStaleConditionChangesNothing(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	stale := mia.Do("PUT", "/dav/home/a.txt", "one").Want(t, 201).Header.Get("Etag")
	mia.Do("PUT", "/dav/home/a.txt", "two").Want(t, 204)
	mia.Do("PUT", "/dav/home/b.txt", "other").Want(t, 201)
	const patch = `<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x">1</x></prop></set></propertyupdate>`
	const exclusive = `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>`
	before := mia.Tree("/dav/home/")
	for _, r := range []struct{ method, path, body, header, value string }{
		{"PUT", "a.txt", "three", "If-Match", stale},
		{"PUT", "a.txt", "three", "If-None-Match", "*"},
		{"PUT", "a.txt", "three", "If", "([" + stale + "])"},
		{"PUT", "a.txt", "three", "If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT"},
		{"PUT", "new.txt", "three", "If-Match", "*"},
		{"PUT", "new.txt", "three", "If-Match", "nothing"}, // Thunderbird asks so whether it may write
		{"DELETE", "a.txt", "", "If-Match", stale},
		{"DELETE", "a.txt", "", "If", "([" + stale + "])"},
		{"MOVE", "a.txt", "", "If-Match", stale},
		{"COPY", "a.txt", "", "If-Match", stale},
		{"PROPPATCH", "a.txt", patch, "If-Match", stale},
		{"LOCK", "a.txt", exclusive, "If-Match", stale},
		{"MKCOL", "folder", "", "If-Match", "*"},
	} {
		headers := []string{r.header, r.value}
		if r.method == "MOVE" || r.method == "COPY" {
			headers = append(headers, "Destination", "/dav/home/b.txt")
		}
		mia.Do(r.method, "/dav/home/"+r.path, r.body, headers...).Want(t, 412)
	}
	nothingLeft(t, s, before)
	fresh := mia.Do("HEAD", "/dav/home/a.txt", "").Header.Get("Etag")
	mia.Do("PUT", "/dav/home/a.txt", "three", "If-Match", fresh).Want(t, 204)
}

// Each way an upload can break off, over an existing file and of a new one.
func TestUploadCutOff(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	s.Quota("~mia", 10_000_000) // or nothing would be reserved
	mia.Do("PUT", "/dav/home/old.bin", content("o", large)).Want(t, 201)
	before := mia.Tree("/dav/home/")
	for _, name := range []string{"old.bin", "new.bin"} {
		for _, size := range []int{100, large} {
			t.Run(fmt.Sprintf("connection reset/%s/%d", name, size), func(t *testing.T) {
				k, _ := mia.Upload("/dav/home/"+name, large+size)
				if s.Store.Reserved() == 0 {
					t.Error("nothing is reserved")
				}
				k.Say(content("n", size))
				k.Reset()
				nothingLeft(t, s, before)
			})
			t.Run(fmt.Sprintf("Content-Length too long/%s/%d", name, size), func(t *testing.T) {
				k, _ := mia.Upload("/dav/home/"+name, size+1)
				k.Say(content("n", size))
				k.CloseWrite()
				k.Answer().Want(t, 400)
				nothingLeft(t, s, before)
			})
			t.Run(fmt.Sprintf("broken chunk/%s/%d", name, size), func(t *testing.T) {
				k, _ := mia.Upload("/dav/home/"+name, -1)
				k.Say(fmt.Sprintf("%x\r\n%s\r\nno number\r\n", size, content("n", size)))
				k.Answer().Want(t, 400)
				nothingLeft(t, s, before)
			})
			t.Run(fmt.Sprintf("no last chunk/%s/%d", name, size), func(t *testing.T) {
				k, _ := mia.Upload("/dav/home/"+name, -1)
				k.Say(fmt.Sprintf("%x\r\n%s\r\n", size, content("n", size)))
				k.CloseWrite()
				k.Answer().Want(t, 400)
				nothingLeft(t, s, before)
			})
		}
	}
	if got := mia.Do("GET", "/dav/home/old.bin", "").Want(t, 200).Body; got != content("o", large) {
		t.Error("the old content is not whole")
	}
	mia.Do("GET", "/dav/home/new.bin", "").Want(t, 404)
}

func TestReadDuringUpload(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, size := range []int{100, large} {
		mia.Do("PUT", "/dav/home/a.bin", content("o", size))
		before := mia.Tree("/dav/home/")
		k, _ := mia.Upload("/dav/home/a.bin", 2*size)
		k.Say(content("n", size))
		if got := mia.Do("GET", "/dav/home/a.bin", "").Want(t, 200).Body; got != content("o", size) {
			t.Errorf("during the upload of %d bytes: %d bytes, %.10q", 2*size, len(got), got)
		}
		if during := mia.Tree("/dav/home/"); during != before {
			t.Errorf("during the upload the listing is\n%s", during)
		}
		k.Say(content("n", size))
		k.Answer().Want(t, 204)
		if got := mia.Do("GET", "/dav/home/a.bin", "").Want(t, 200).Body; got != content("n", 2*size) {
			t.Errorf("after it: %d bytes, %.10q", len(got), got)
		}
	}
}

// whole tells whether the content is one of those that race writes: all of it
// the same letter, with the length that goes with the letter.
func whole(body string) bool {
	return body != "" && body == version(int(body[0]-'a'))
}

// version is content that its first letter foretells: small and large in turn.
func version(n int) string {
	n %= 26
	return content(string(rune('a'+n)), 50+n+n%2*large)
}

const raceRounds = 20

// race runs the work beside readers who go on until it is over.
func race(readers int, read, work func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for {
				read()
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	work()
	close(done)
	wg.Wait()
}

func TestReaderRacesPuts(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.bin", version(0)).Want(t, 201)
	var mu sync.Mutex
	tagged := map[string]string{}
	race(2, func() {
		r := mia.Do("GET", "/dav/home/a.bin", "").Want(t, 200)
		if !whole(r.Body) {
			t.Errorf("a reader got %d bytes beginning with %.10q", len(r.Body), r.Body)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if tag := r.Header.Get("Etag"); tagged[tag] != "" && tagged[tag] != r.Body[:1] {
			t.Errorf("the tag %s stands for %q and %q", tag, tagged[tag], r.Body[:1])
		} else {
			tagged[tag] = r.Body[:1]
		}
	}, func() {
		for n := range raceRounds {
			mia.Do("PUT", "/dav/home/a.bin", version(n)).Want(t, 204)
		}
	})
}

// An editor that saves by a temporary file and MOVE never leaves its readers
// without the document.
func TestReaderRacesMoves(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/doc.bin", version(0)).Want(t, 201)
	race(2, func() {
		if r := mia.Do("GET", "/dav/home/doc.bin", "").Want(t, 200); !whole(r.Body) {
			t.Errorf("a reader got %d bytes beginning with %.10q", len(r.Body), r.Body)
		}
	}, func() {
		for n := range raceRounds {
			mia.Do("PUT", "/dav/home/doc.tmp", version(n)).Want(t, 201)
			mia.Do("MOVE", "/dav/home/doc.tmp", "", "Destination", "/dav/home/doc.bin").Want(t, 204)
		}
	})
}

func TestTwoPutsOfOneName(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, size := range []int{100, large} {
		path := fmt.Sprintf("/dav/home/%d.bin", size)
		first, _ := mia.Upload(path, size)
		second, _ := mia.Upload(path, size)
		first.Say(content("a", size/2))
		second.Say(content("b", size))
		second.Answer().Want(t, 201)
		first.Say(content("a", size-size/2))
		first.Answer().Want(t, 204)
		if got := mia.Do("GET", path, "").Want(t, 200).Body; got != content("a", size) {
			t.Errorf("the last commit is not what is read: %d bytes, %.10q", len(got), got)
		}
	}
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if r := mia.Do("PUT", "/dav/home/at-once.bin", version(n)); r.Status != 201 && r.Status != 204 {
				t.Errorf("PUT: %d", r.Status)
			}
		})
	}
	wg.Wait()
	if got := mia.Do("GET", "/dav/home/at-once.bin", "").Want(t, 200).Body; !whole(got) {
		t.Errorf("eight at once: %d bytes, %.10q", len(got), got)
	}
}

func TestPutAnswers(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	created := mia.Do("PUT", "/dav/home/a.txt", "one").Want(t, 201)
	replaced := mia.Do("PUT", "/dav/home/a.txt", "two").Want(t, 204)
	again := mia.Do("PUT", "/dav/home/a.txt", "two").Want(t, 204)
	mia.Do("PUT", "/dav/home/missing/a.txt", "x").Want(t, 409) // RFC 4918, section 9.7.1
	mia.Do("PUT", "/dav/home/a.txt/b.txt", "x").Want(t, 409)
	tags := map[string]bool{}
	for _, r := range []*davtest.Response{created, replaced, again} {
		tag := r.Header.Get("Etag")
		if tags[tag] || !strings.HasPrefix(tag, `"`) {
			t.Errorf("the entity tag %s is weak or was there before", tag)
		}
		tags[tag] = true
	}
	last := again.Header.Get("Etag")
	for _, method := range []string{"GET", "HEAD"} {
		if tag := mia.Do(method, "/dav/home/a.txt", "").Want(t, 200).Header.Get("Etag"); tag != last {
			t.Errorf("PUT answered %s, %s answers %s", last, method, tag)
		}
	}
	mia.Do("PROPFIND", "/dav/home/a.txt", "", "Depth", "0").Want(t, 207, "<D:getetag>"+last+"</D:getetag>")
	mia.Do("GET", "/dav/home/a.txt", "", "If-None-Match", last).Want(t, 304)
	mia.Do("GET", "/dav/home/a.txt", "", "Range", "bytes=1-1", "If-Range", last).Want(t, 206, "w", "!two")
}

// RFC 9110, section 14.5
func TestPutOfARange(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.txt", "0123456789").Want(t, 201)
	before := mia.Tree("/dav/home/")
	mia.Do("PUT", "/dav/home/a.txt", "xx", "Content-Range", "bytes 2-3/10").Want(t, 400, "without Content-Range")
	mia.Do("PUT", "/dav/home/new.txt", "xx", "Content-Range", "nonsense").Want(t, 400)
	nothingLeft(t, s, before)
}

// What a client tells beside the bytes is told again.
func TestPutKeepsTypeAndTime(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.x", "one", "Content-Type", "application/x-thing", "X-OC-Mtime", "1000000000").Want(t, 201)
	r := mia.Do("GET", "/dav/home/a.x", "").Want(t, 200, "one")
	if got := r.Header.Get("Content-Type"); got != "application/x-thing" {
		t.Errorf("Content-Type %q", got)
	}
	if got := r.Header.Get("Last-Modified"); got != "Sun, 09 Sep 2001 01:46:40 GMT" {
		t.Errorf("Last-Modified %q", got)
	}
	mia.Do("PUT", "/dav/home/b.pdf", "x", "Content-Type", "application/octet-stream", "X-OC-Mtime", "soon").Want(t, 201)
	r = mia.Do("GET", "/dav/home/b.pdf", "")
	if got := r.Header.Get("Content-Type"); got != "application/pdf" {
		t.Errorf("Content-Type %q", got)
	}
	if r.Header.Get("Content-Security-Policy") != "sandbox" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a page could run here: %v", r.Header)
	}
}

// Who may not write hears it before sending the body.
func TestRefusedBeforeTheBody(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=viewer")
	k, begun := s.As("max").Upload("/dav/Team/a.bin", 1<<40)
	if begun {
		t.Error("the server asked for the body")
	}
	k.Answer().Want(t, 403, "<D:need-privileges>")
}

// A profile may bound the size of files: a longer one is refused before its body
// when the length is known, else where it runs over, and the answer says what
// the bound is.
func TestFileSizeOfProfile(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	s.Change(func(state *policy.State) ([]policy.Change, error) {
		p := *state.ProfileNamed("standard")
		p.FileMax = large
		return []policy.Change{policy.PutProfile{Profile: p}}, nil
	})
	before := mia.Tree("/dav/home/")
	const says = `<x:max-file-size xmlns:x="urn:davit">100000</x:max-file-size>`
	k, begun := mia.Upload("/dav/home/a.bin", large+1)
	if begun {
		t.Error("the body of a file that is too large was asked for")
	}
	if a := k.Answer().Want(t, 413); !strings.Contains(a.Body, says) {
		t.Errorf("the refusal says %s", a.Body)
	}
	k, begun = mia.Upload("/dav/home/a.bin", -1)
	if !begun {
		t.Fatal("the body of an unknown length was not asked for")
	}
	k.Say(inChunks(content("a", large+1)))
	if a := k.Answer().Want(t, 413); !strings.Contains(a.Body, says) {
		t.Errorf("the refusal in the middle says %s", a.Body)
	}
	nothingLeft(t, s, before)
	mia.Do("PUT", "/dav/home/a.bin", content("a", large)).Want(t, 201)
}
