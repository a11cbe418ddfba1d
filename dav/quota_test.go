package dav_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// usage is what the properties of a collection tell.
func usage(t *testing.T, c *davtest.Client, path string) (used, available int) {
	t.Helper()
	r := c.Do("PROPFIND", path, `<propfind xmlns="DAV:"><prop><quota-used-bytes/><quota-available-bytes/></prop></propfind>`, "Depth", "0")
	for _, res := range multistatus(t, r) {
		var err error
		if used, err = strconv.Atoi(res.found["quota-used-bytes"]); err != nil {
			t.Errorf("%s: quota-used-bytes: %v", path, err)
		}
		if available, err = strconv.Atoi(res.found["quota-available-bytes"]); err != nil {
			t.Errorf("%s: quota-available-bytes: %v", path, err)
		}
	}
	return used, available
}

func wantUsage(t *testing.T, c *davtest.Client, path string, used, available int) {
	t.Helper()
	if u, a := usage(t, c, path); u != used || a != available {
		t.Errorf("%s: %d used and %d available instead of %d and %d", path, u, a, used, available)
	}
}

// inChunks is a body as it stands on the wire without a length.
func inChunks(body string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) }

// limited is a space with a limit, a folder in it with a smaller one, and a
// space without.
func limited(t *testing.T) (*davtest.Server, *davtest.Client) {
	t.Helper()
	s := davtest.Start(t, "mia")
	s.Space("Team", "user:mia=editor")
	s.Space("Free", "user:mia=editor")
	mia := s.As("mia")
	tree(t, mia, "/dav/Team/folder/", "/dav/Team/folder/sub/", "/dav/Team/other/")
	s.Quota("/Team", 1_000_000)
	s.Quota("/Team/folder", 300_000)
	return s, mia
}

// RFC 4331, section 6: the refusal says which limit and how full it is.
func TestFolderAndSpaceQuota(t *testing.T) {
	t.Parallel()
	_, mia := limited(t)
	mia.Do("PUT", "/dav/Team/folder/sub/a.bin", content("a", 300_001)).Want(t, 507, "<D:quota-not-exceeded/>",
		`>300000</x:limit>`, `>0</x:used>`, `>0</x:reserved>`, `>0</x:in-trash>`)
	mia.Do("PUT", "/dav/Team/folder/sub/a.bin", content("a", 300_000)).Want(t, 201)
	mia.Do("PUT", "/dav/Team/folder/b.txt", "b").Want(t, 507, `>300000</x:limit>`, `>300000</x:used>`)
	mia.Do("PUT", "/dav/Team/b.bin", content("b", 700_001)).Want(t, 507, `>1000000</x:limit>`, `>300000</x:used>`)
	mia.Do("PUT", "/dav/Team/b.bin", content("b", 700_000)).Want(t, 201)
	mia.Do("PUT", "/dav/Team/c.txt", "c").Want(t, 507, `>1000000</x:limit>`)
	mia.Do("PUT", "/dav/Free/c.bin", content("c", 2_000_000)).Want(t, 201)
}

// The numbers that are shown are those that are enforced: what is available
// passes, one byte more does not.
func TestShownQuotaIsEnforced(t *testing.T) {
	t.Parallel()
	_, mia := limited(t)
	wantUsage(t, mia, "/dav/Team/", 0, 1_000_000)
	wantUsage(t, mia, "/dav/Team/folder/", 0, 300_000)
	wantUsage(t, mia, "/dav/Team/folder/sub/", 0, 300_000)
	mia.Do("PUT", "/dav/Team/other/a.bin", content("a", 800_000)).Want(t, 201)
	wantUsage(t, mia, "/dav/Team/", 800_000, 200_000)
	wantUsage(t, mia, "/dav/Team/folder/", 800_000, 200_000) // the space's limit is the tighter one now
	for _, chunked := range []bool{false, true} {
		for _, path := range []string{"/dav/Team/", "/dav/Team/folder/sub/"} {
			_, available := usage(t, mia, path)
			body := content("m", available+1)
			if chunked { // and refused in the middle: its end never comes
				k, _ := mia.Upload(path+"more.bin", -1)
				k.Say(strings.TrimSuffix(inChunks(body+content("m", 1<<19)), "0\r\n\r\n"))
				k.Answer().Want(t, 507)
			} else {
				k, begun := mia.Upload(path+"more.bin", len(body))
				k.Answer().Want(t, 507)
				if begun {
					t.Errorf("%s: %d bytes were asked for with %d available", path, len(body), available)
				}
			}
			mia.Do("PUT", path+"exact.bin", body[1:])
			if _, left := usage(t, mia, path); left != 0 {
				t.Errorf("%s: %d bytes available when full", path, left)
			}
			mia.Do("PUT", path+"one.txt", "1").Want(t, 507)
			mia.Do("PUT", path+"exact.bin", "").Want(t, 204)
		}
	}
	if _, available := usage(t, mia, "/dav/Free/"); available <= 0 {
		t.Errorf("without a limit %d bytes are available", available)
	}
}

func TestPersonalQuota(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max")
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		own, mia := policy.Limit(1000), *p.UserNamed("mia")
		mia.Quota = &own
		profile := *p.Profile(mia.Profile)
		profile.Quota = 2000
		return []policy.Change{policy.PutUser{User: mia}, policy.PutProfile{Profile: profile}}, nil
	})
	for user, limit := range map[string]int{"mia": 1000, "max": 2000} {
		c := s.As(user)
		wantUsage(t, c, "/dav/home/", 0, limit)
		c.Do("PUT", "/dav/home/a.bin", content("a", limit+1)).Want(t, 507, "<D:quota-not-exceeded/>", fmt.Sprintf(">%d</x:limit>", limit))
		c.Do("PUT", "/dav/home/a.bin", content("a", limit)).Want(t, 201)
		wantUsage(t, c, "/dav/home/", limit, 0)
	}
}

// Ten uploads at a time, room for three: three.
func TestTenUploadsAtOnce(t *testing.T) {
	t.Parallel()
	s, mia := limited(t)
	const size = 90_000
	path := func(n int) string { return fmt.Sprintf("/dav/Team/folder/%d.bin", n) }
	var begun []*davtest.Conn
	for n := range 10 {
		k, ok := mia.Upload(path(n), size)
		if ok {
			begun = append(begun, k)
		} else {
			k.Answer().Want(t, 507, ">270000</x:reserved>", ">0</x:used>")
		}
	}
	if len(begun) != 3 || s.Store.Reserved() != 2*3*size { // in the folder and in the space
		t.Errorf("%d uploads began, %d bytes are reserved", len(begun), s.Store.Reserved())
	}
	wantUsage(t, mia, "/dav/Team/folder/", 0, 30_000)
	for _, k := range begun {
		k.Say(content("s", size))
		k.Answer().Want(t, 201)
	}
	wantUsage(t, mia, "/dav/Team/folder/", 270_000, 30_000)
	for _, chunked := range []bool{false, true} {
		for n := range 10 {
			mia.Do("PUT", path(n), "") // gives the room back
		}
		var wg sync.WaitGroup
		var made atomic.Int32
		for n := range 10 {
			wg.Go(func() {
				announced, body := size, content("f", size)
				if chunked {
					announced, body = -1, inChunks(body)
				}
				k, begun := mia.Upload(path(n), announced)
				if begun {
					k.Say(body)
				}
				if status := k.Answer().Status; status == 204 {
					made.Add(1)
				} else if status != 507 {
					t.Errorf("PUT: %d", status)
				}
			})
		}
		wg.Wait()
		// Who does not say how much is coming may stop somebody else and himself.
		if n := made.Load(); n > 3 || n < 3 && !chunked {
			t.Errorf("chunked %t: %d uploads were made", chunked, n)
		}
		wantUsage(t, mia, "/dav/Team/folder/", int(made.Load())*size, 300_000-int(made.Load())*size)
	}
}

// Less always passes, also above a limit that was lowered.
func TestOverwritingWithLess(t *testing.T) {
	t.Parallel()
	s, mia := limited(t)
	mia.Do("PUT", "/dav/Team/folder/a.bin", content("a", 200_000)).Want(t, 201)
	s.Quota("/Team/folder", 50_000)
	wantUsage(t, mia, "/dav/Team/folder/", 200_000, 0)
	mia.Do("PUT", "/dav/Team/folder/a.bin", content("b", 200_000)).Want(t, 204)
	mia.Do("PUT", "/dav/Team/folder/a.bin", content("c", 200_001)).Want(t, 507)
	mia.Do("PUT", "/dav/Team/folder/a.bin", content("d", 150_000)).Want(t, 204)
	mia.Do("PUT", "/dav/Team/folder/b.txt", "x").Want(t, 507)
	k, _ := mia.Upload("/dav/Team/folder/a.bin", -1)
	k.Say(inChunks(content("e", 140_000)))
	k.Answer().Want(t, 204)
	wantUsage(t, mia, "/dav/Team/folder/", 140_000, 0)
	mia.Do("PUT", "/dav/Team/small.bin", content("s", 10)).Want(t, 201)
	mia.Do("COPY", "/dav/Team/small.bin", "", "Destination", "/dav/Team/folder/a.bin").Want(t, 204) // less as well
	wantUsage(t, mia, "/dav/Team/folder/", 10, 49_990)
}

// A limit that is set in the middle of an upload counts at its end.
func TestLimitSetDuringUpload(t *testing.T) {
	t.Parallel()
	s, mia := limited(t)
	k, _ := mia.Upload("/dav/Team/folder/a.bin", 200_000)
	s.Quota("/Team/folder", 100_000)
	k.Say(content("a", 200_000))
	k.Answer().Want(t, 507, ">100000</x:limit>")
	s.Settle()
	wantUsage(t, mia, "/dav/Team/folder/", 0, 100_000)
	k, _ = mia.Upload("/dav/Team/other/a.bin", 200_000)
	s.Quota("/Team/other", 100_000) // there was none when it began
	k.Say(content("a", 200_000))
	k.Answer().Want(t, 507, ">100000</x:limit>")
	mia.Do("GET", "/dav/Team/other/a.bin", "").Want(t, 404)
}

// Within one limit MOVE is free, however full; into another it is charged.
func TestMoveAndQuota(t *testing.T) {
	t.Parallel()
	s, mia := limited(t)
	tree(t, mia, "/dav/Team/folder/in/", "/dav/Free/out/")
	mia.Do("PUT", "/dav/Team/folder/in/a.bin", content("a", 300_000)).Want(t, 201)
	mia.Do("PUT", "/dav/Team/other/b.bin", content("b", 700_000)).Want(t, 201) // all full
	mia.Do("PUT", "/dav/Free/out/c.bin", content("c", 200_000)).Want(t, 201)
	mia.Do("MOVE", "/dav/Team/folder/in", "", "Destination", "/dav/Team/folder/sub/in").Want(t, 201)
	mia.Do("MOVE", "/dav/Free/out", "", "Destination", "/dav/Team/out").Want(t, 507, ">1000000</x:limit>")
	mia.Do("MOVE", "/dav/Team/other/b.bin", "", "Destination", "/dav/Team/folder/b.bin").Want(t, 507, ">300000</x:limit>")
	mia.Do("MOVE", "/dav/Team/folder/sub/in/a.bin", "", "Destination", "/dav/Team/other/a.bin").Want(t, 201) // out of the folder
	wantUsage(t, mia, "/dav/Team/", 1_000_000, 0)
	s.Quota("/Team/folder", policy.NoLimit)
	mia.Do("MOVE", "/dav/Team/other/b.bin", "", "Destination", "/dav/Free/b.bin").Want(t, 201)
	wantUsage(t, mia, "/dav/Team/", 300_000, 700_000)
	mia.Do("MOVE", "/dav/Free/out", "", "Destination", "/dav/Team/out").Want(t, 201)
	wantUsage(t, mia, "/dav/Team/", 500_000, 500_000)
}

// A copy of a tree is charged before it is made.
func TestCopyAndQuota(t *testing.T) {
	t.Parallel()
	s, mia := limited(t)
	tree(t, mia, "/dav/Free/tree/", "/dav/Free/tree/sub/")
	for n := range 4 {
		mia.Do("PUT", fmt.Sprintf("/dav/Free/tree/sub/%d.bin", n), content("a", 100_000)).Want(t, 201)
	}
	before := mia.Tree("/dav/Team/")
	mia.Do("COPY", "/dav/Free/tree", "", "Destination", "/dav/Team/folder/tree").Want(t, 507, ">300000</x:limit>", ">0</x:used>")
	mia.Do("COPY", "/dav/Free/tree/sub/0.bin", "", "Destination", "/dav/Team/folder/0.bin").Want(t, 201)
	mia.Do("DELETE", "/dav/Team/folder/0.bin", "").Want(t, 204)
	if after := mia.Tree("/dav/Team/"); after != before || s.Store.Reserved() != 0 {
		t.Errorf("%d bytes reserved, the space changed to\n%s", s.Store.Reserved(), after)
	}
	mia.Do("COPY", "/dav/Free/tree", "", "Destination", "/dav/Team/tree").Want(t, 201)
	wantUsage(t, mia, "/dav/Team/", 500_000, 500_000) // with what is in the trash
	mia.Do("COPY", "/dav/Team/tree", "", "Destination", "/dav/Team/again").Want(t, 201)
	mia.Do("COPY", "/dav/Team/tree", "", "Destination", "/dav/Team/again").Want(t, 507, ">100000</x:in-trash>")
	mia.Do("COPY", "/dav/Team/tree", "", "Destination", "/dav/Team/shallow", "Depth", "0").Want(t, 201)
	wantUsage(t, mia, "/dav/Team/", 900_000, 100_000)
}

// The trash counts, and the refusal tells how much it holds.
func TestTrashCounts(t *testing.T) {
	t.Parallel()
	_, mia := limited(t)
	mia.Do("PUT", "/dav/Team/folder/a.bin", content("a", 200_000)).Want(t, 201)
	mia.Do("DELETE", "/dav/Team/folder/a.bin", "").Want(t, 204)
	wantUsage(t, mia, "/dav/Team/folder/", 200_000, 100_000)
	mia.Do("PUT", "/dav/Team/folder/b.bin", content("b", 100_001)).Want(t, 507, ">200000</x:used>", ">200000</x:in-trash>")
	mia.Do("PUT", "/dav/Team/folder/b.bin", content("b", 100_000)).Want(t, 201)
}

// What adds no bytes passes on a full space: an office can lock, a folder can be
// made, an empty file can be put.
func TestFullSpace(t *testing.T) {
	t.Parallel()
	s, mia := limited(t)
	mia.Do("PUT", "/dav/Team/a.bin", content("a", 1_000_000)).Want(t, 201)
	take(t, mia, "/dav/Team/unmapped.txt", exclusive)
	mia.Do("MKCOL", "/dav/Team/new", "").Want(t, 201)
	mia.Do("PUT", "/dav/Team/empty.txt", "").Want(t, 201)
	mia.Do("PROPPATCH", "/dav/Team/a.bin", setProp("x", "1")).Want(t, 207)
	mia.Do("COPY", "/dav/Team/empty.txt", "", "Destination", "/dav/Team/empty2.txt").Want(t, 201)
	mia.Do("PUT", "/dav/Team/empty.txt", "x").Want(t, 507)
	s.Restart(store.Options{})
	mia = s.As("mia")
	mia.Do("PUT", "/dav/Team/empty.txt", "x").Want(t, 507) // the numbers are kept
	wantUsage(t, mia, "/dav/Team/", 1_000_000, 0)
}

// RFC 4331, section 6: a full disk is another answer than a full quota.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := davtest.StartWith(t, store.Options{FreeMin: 1 << 60}, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a.bin", content("a", large)).Want(t, 507, "<D:sufficient-disk-space/>", "!quota-not-exceeded")
	k, _ := mia.Upload("/dav/home/a.bin", -1)
	k.Say(inChunks(content("a", large)))
	k.Answer().Want(t, 507, "<D:sufficient-disk-space/>")
	mia.Do("PUT", "/dav/home/empty.txt", "").Want(t, 201)
	mia.Do("DELETE", "/dav/home/empty.txt", "").Want(t, 204)
	wantUsage(t, mia, "/dav/home/", 0, 0)
	if temps := s.Temps(); len(temps) > 0 {
		t.Errorf("temporary files are left: %s", temps)
	}
}

// TestForetoldLength: Finder sends chunks and foretells their sum; what will not
// fit is refused before a byte of it is read, and a lie costs nothing.
func TestForetoldLength(t *testing.T) {
	s := davtest.Start(t, "mia")
	s.Quota("~mia", 1000)
	mia := s.As("mia")
	put := func(path, body, foretold string) *davtest.Response {
		req, err := http.NewRequest("PUT", s.URL+path, struct{ io.Reader }{strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Expected-Entity-Length", foretold)
		return mia.Send(req)
	}
	put("/dav/home/big.bin", "x", "1001").Want(t, 507, "quota-not-exceeded")
	mia.Do("GET", "/dav/home/big.bin", "").Want(t, 404)
	put("/dav/home/fits.bin", strings.Repeat("x", 900), "900").Want(t, 201)
	put("/dav/home/less.bin", "x", "99").Want(t, 201)
	put("/dav/home/more.bin", strings.Repeat("x", 200), "10").Want(t, 507)
	put("/dav/home/odd.bin", "x", "-5").Want(t, 201)
	put("/dav/home/full.bin", strings.Repeat("x", 98), "98").Want(t, 201)
	put("/dav/home/over.bin", "x", "").Want(t, 507)
}
