package dav_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"davit/dav/davtest"
)

// racers are how many people do the same at a time.
const racers = 6

// atOnce runs one function for each racer, with chance of its own, and tells the
// seed.
func atOnce(t *testing.T, fn func(n int, r *rand.Rand)) {
	t.Helper()
	seed := rand.Uint64()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the choices are those of seed %d", seed)
		}
	})
	var wg sync.WaitGroup
	for n := range racers {
		wg.Go(func() { fn(n, rand.New(rand.NewPCG(seed, uint64(n)))) })
	}
	wg.Wait()
}

// A download that goes on in parts never puts two versions together: If-Range
// gives the rest of the same one, or the whole of the other.
func TestRangesRacePuts(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.bin", version(0)).Want(t, 201)
	race(2, func() {
		first := mia.Do("GET", "/dav/home/a.bin", "", "Range", "bytes=0-39").Want(t, 206)
		rest := mia.Do("GET", "/dav/home/a.bin", "", "Range", "bytes=40-", "If-Range", first.Header.Get("Etag"))
		got := rest.Body
		switch {
		case rest.Status == 206:
			got = first.Body + rest.Body
		case rest.Status != 200:
			t.Errorf("the rest: %d", rest.Status)
		}
		if !whole(got) {
			t.Errorf("%d: the parts are %d bytes from %.5q to %.5q", rest.Status, len(got), got, got[max(0, len(got)-5):])
		}
	}, func() {
		for n := range 2 * raceRounds {
			mia.Do("PUT", "/dav/home/a.bin", version(n)).Want(t, 204)
		}
	})
}

// A COPY over a file, and a MOVE of a folder over a folder, never leave their
// readers without what both have.
func TestReaderRacesReplacements(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/doc/")
	mia.Do("PUT", "/dav/home/doc/a.bin", version(0)).Want(t, 201)
	mia.Do("PUT", "/dav/home/b.bin", version(0)).Want(t, 201)
	race(2, func() {
		for _, path := range []string{"/dav/home/doc/a.bin", "/dav/home/b.bin"} {
			if r := mia.Do("GET", path, "").Want(t, 200); !whole(r.Body) {
				t.Errorf("a reader of %s got %d bytes beginning with %.10q", path, len(r.Body), r.Body)
			}
		}
		there := multistatus(t, mia.Do("PROPFIND", "/dav/home/", "", "Depth", "infinity"))
		for _, path := range []string{"/dav/home/doc/", "/dav/home/doc/a.bin", "/dav/home/b.bin"} {
			if _, ok := there[path]; !ok {
				t.Errorf("%s is not listed", path)
			}
		}
	}, func() {
		for n := range raceRounds {
			tree(t, mia, "/dav/home/doc.new/")
			mia.Do("PUT", "/dav/home/doc.new/a.bin", version(n)).Want(t, 201)
			mia.Do("COPY", "/dav/home/doc.new/a.bin", "", "Destination", "/dav/home/b.bin").Want(t, 204)
			mia.Do("MOVE", "/dav/home/doc.new", "", "Destination", "/dav/home/doc").Want(t, 204)
		}
	})
}

// Everybody counts one up by reading and by writing what nobody changed since:
// each count that was acknowledged is there at the end.
func TestConditionsRace(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	s.As("mia").Do("PUT", "/dav/home/count.txt", "0").Want(t, 201)
	var counted atomic.Int64
	atOnce(t, func(_ int, r *rand.Rand) {
		mia := s.As("mia")
		for range raceRounds {
			got := mia.Do("GET", "/dav/home/count.txt", "").Want(t, 200)
			n, err := strconv.Atoi(got.Body)
			if err != nil {
				t.Error(err)
				return
			}
			condition, tag := "If-Match", got.Header.Get("Etag")
			if r.IntN(2) == 0 {
				condition, tag = "If", "(["+tag+"])"
			}
			switch put := mia.Do("PUT", "/dav/home/count.txt", strconv.Itoa(n+1), condition, tag); put.Status {
			case 204:
				counted.Add(1)
			case 412:
			default:
				t.Errorf("%s: %d", condition, put.Status)
			}
		}
	})
	s.As("mia").Do("GET", "/dav/home/count.txt", "").Want(t, 200)
	if got := s.As("mia").Do("GET", "/dav/home/count.txt", "").Body; got != strconv.FormatInt(counted.Load(), 10) {
		t.Errorf("%d writes were acknowledged, and the count is %s", counted.Load(), got)
	}
}

// Of many who make the same name, and refuse to replace it, one does.
func TestCreationsRace(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for n := range racers {
		tree(t, mia, fmt.Sprintf("/dav/home/from-%d.txt", n))
	}
	ways := []struct {
		name    string
		refusal int
		send    func(c *davtest.Client, n int, path string) *davtest.Response
	}{
		{"PUT", 412, func(c *davtest.Client, n int, path string) *davtest.Response {
			return c.Do("PUT", path, version(n), "If-None-Match", "*")
		}},
		{"MKCOL", 405, func(c *davtest.Client, _ int, path string) *davtest.Response { return c.Do("MKCOL", path, "") }},
		{"COPY", 412, func(c *davtest.Client, n int, path string) *davtest.Response {
			return c.Do("COPY", fmt.Sprintf("/dav/home/from-%d.txt", n), "", "Destination", path, "Overwrite", "F")
		}},
		{"LOCK", 423, func(c *davtest.Client, _ int, path string) *davtest.Response { return c.Do("LOCK", path, exclusive) }},
		{"MOVE", 412, func(c *davtest.Client, n int, path string) *davtest.Response {
			return c.Do("MOVE", fmt.Sprintf("/dav/home/from-%d.txt", n), "", "Destination", path, "Overwrite", "F")
		}},
	}
	for _, way := range ways {
		var made atomic.Int64
		atOnce(t, func(n int, _ *rand.Rand) {
			switch r := way.send(s.As("mia"), n, "/dav/home/new-"+way.name); r.Status {
			case 201:
				made.Add(1)
			case way.refusal:
			default:
				t.Errorf("%s: %d", way.name, r.Status)
			}
		})
		if made.Load() != 1 {
			t.Errorf("%d made the name by %s", made.Load(), way.name)
		}
	}
}

// What the holder of a lock wrote is there until the lock ends, whatever others
// try to do to the file and to the folder that it is in.
func TestLocksRaceWrites(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=editor")
	const file, folder = "/dav/Team/folder/a.txt", "/dav/Team/folder"
	tree(t, s.As("mia"), folder+"/", file, "/dav/Team/other.txt")
	var held, written atomic.Int64
	atOnce(t, func(n int, r *rand.Rand) {
		c := s.As([]string{"mia", "max"}[n%2])
		for range raceRounds {
			if n < 2 {
				if holdAndWrite(t, c, file, fmt.Sprint("of ", n)) {
					held.Add(1)
				}
				continue
			}
			var got *davtest.Response
			switch r.IntN(5) {
			case 0:
				got = c.Do("PUT", file, "of others")
			case 1:
				got = c.Do("COPY", "/dav/Team/other.txt", "", "Destination", file)
			case 2:
				got = c.Do("DELETE", folder, "", "If-Match", `"never"`) // 412 or 423
			case 3:
				away := fmt.Sprintf("/dav/Team/away-%d", n)
				if got = c.Do("MOVE", folder, "", "Destination", away); got.Status == 201 {
					c.Do("MOVE", away, "", "Destination", folder).Want(t, 201)
				}
			case 4:
				got = c.Do("PROPPATCH", file, setProp("x", "1"), "If", "(Not <DAV:no-lock>)")
			}
			switch got.Status {
			case 201, 204, 207:
				written.Add(1)
			case 404, 409, 412, 423: // the folder may be away
			default:
				t.Errorf("%s: %d\n%s", got.Method, got.Status, got.Body)
			}
		}
	})
	if held.Load() == 0 || written.Load() == 0 {
		t.Errorf("%d held the lock and %d wrote without: the test shows nothing", held.Load(), written.Load())
	}
}

// holdAndWrite locks a file if it is there and free, and reads back what it
// writes twice.
func holdAndWrite(t *testing.T, c *davtest.Client, file, content string) bool {
	t.Helper()
	lock := c.Do("LOCK", file, exclusive)
	if lock.Status != http.StatusOK {
		if lock.Status != 423 && lock.Status != 409 && lock.Status != 404 {
			t.Errorf("LOCK: %d", lock.Status)
		}
		return false
	}
	token := lock.Header.Get("Lock-Token")
	c.Do("PUT", file, content, "If", "("+token+")").Want(t, 204)
	for range 2 {
		c.Do("GET", file, "").Want(t, 200, content)
		c.Do("PROPFIND", file, "", "Depth", "0").Want(t, 207, strings.Trim(token, "<>"))
	}
	c.Do("UNLOCK", file, "", "Lock-Token", token).Want(t, 204)
	return true
}

// A PROPPATCH is seen whole, or not yet.
func TestPropertiesRace(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	pair := func(v int) string {
		return fmt.Sprintf(`<propertyupdate xmlns="DAV:" xmlns:x="urn:x"><set><prop><x:one>%d</x:one><x:two>%d</x:two></prop></set></propertyupdate>`, v, v)
	}
	tree(t, mia, "/dav/home/a.txt")
	mia.Do("PROPPATCH", "/dav/home/a.txt", pair(0)).Want(t, 207)
	race(2, func() {
		found := multistatus(t, mia.Do("PROPFIND", "/dav/home/a.txt", "", "Depth", "0"))["/dav/home/a.txt"].found
		if found["urn:x one"] == "" || found["urn:x one"] != found["urn:x two"] {
			t.Errorf("one is %q, two is %q", found["urn:x one"], found["urn:x two"])
		}
	}, func() {
		atOnce(t, func(n int, _ *rand.Rand) {
			for i := range raceRounds {
				s.As("mia").Do("PROPPATCH", "/dav/home/a.txt", pair(n*raceRounds+i)).Want(t, 207, "200 OK")
			}
		})
	})
}

// Uploads that break off are never listed and never read, while others are whole.
func TestListingRacesCutUploads(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/folder/", "/dav/home/folder/old.txt")
	race(2, func() {
		for href, r := range multistatus(t, mia.Do("PROPFIND", "/dav/home/folder/", "", "Depth", "1")) {
			size := r.found["getcontentlength"]
			if strings.Contains(href, "cut") || strings.Contains(href, "whole") && size != strconv.Itoa(large) {
				t.Errorf("%s is listed with %s bytes", href, size)
			}
		}
	}, func() {
		atOnce(t, func(n int, r *rand.Rand) {
			for i := range raceRounds / 2 {
				cut, begun := mia.Upload(fmt.Sprintf("/dav/home/folder/cut-%d-%d.bin", n, i), large)
				if !begun {
					t.Error("refused")
					return
				}
				cut.Say(content("c", r.IntN(large)))
				cut.Reset()
				mia.Do("PUT", fmt.Sprintf("/dav/home/folder/whole-%d-%d.bin", n, i), content("w", large)).Want(t, 201)
			}
		})
	})
	s.Settle()
	mia.Do("PROPFIND", "/dav/home/folder/", "", "Depth", "1").Want(t, 207, "!cut", "old.txt")
}
