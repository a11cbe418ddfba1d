package dav_test

import (
	"strings"
	"testing"

	"davit/dav/davtest"
)

// tree makes files, and collections where a path ends in a slash.
func tree(t *testing.T, c *davtest.Client, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if strings.HasSuffix(path, "/") {
			c.Do("MKCOL", path, "").Want(t, 201)
		} else {
			c.Do("PUT", path, "content of "+path).Want(t, 201)
		}
	}
}

// RFC 4918, section 9.3
func TestMkcol(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/folder/", "/dav/home/a.txt")
	before := mia.Tree("/dav/home/")
	mia.Do("MKCOL", "/dav/home/folder", "").Want(t, 405)
	mia.Do("MKCOL", "/dav/home/folder/", "").Want(t, 405)
	mia.Do("MKCOL", "/dav/home/a.txt", "").Want(t, 405)
	mia.Do("MKCOL", "/dav/home/a.txt/in", "").Want(t, 409)
	mia.Do("MKCOL", "/dav/home/missing/in", "").Want(t, 409)
	mia.Do("MKCOL", "/dav/home/new", "a body", "Content-Type", "text/plain").Want(t, 415)
	mia.Do("MKCOL", "/dav/home/new", "<unknown/>", "Content-Type", "application/xml").Want(t, 415)
	nothingLeft(t, s, before)
	mia.Do("MKCOL", "/dav/home/new", "").Want(t, 201)
	mia.Do("PROPFIND", "/dav/home/new", "", "Depth", "0").Want(t, 207, "<D:collection/>")
}

// RFC 4918, section 10.6: no header means T.
func TestOverwrite(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, method := range []string{"COPY", "MOVE"} {
		tree(t, mia, "/dav/home/a.txt", "/dav/home/b.txt")
		before := mia.Tree("/dav/home/")
		mia.Do(method, "/dav/home/a.txt", "", "Destination", "/dav/home/b.txt", "Overwrite", "F").Want(t, 412)
		mia.Do(method, "/dav/home/a.txt", "", "Destination", "/dav/home/b.txt", "Overwrite", "X").Want(t, 400)
		nothingLeft(t, s, before)
		mia.Do(method, "/dav/home/a.txt", "", "Destination", "/dav/home/c.txt", "Overwrite", "F").Want(t, 201)
		mia.Do(method, "/dav/home/c.txt", "", "Destination", "/dav/home/b.txt").Want(t, 204)
		mia.Do(method, "/dav/home/b.txt", "", "Destination", "/dav/home/b2.txt", "Overwrite", "T").Want(t, 201)
		mia.Do("GET", "/dav/home/b2.txt", "").Want(t, 200, "content of /dav/home/a.txt")
		for _, path := range []string{"a.txt", "b.txt", "b2.txt", "c.txt"} {
			mia.Do("DELETE", "/dav/home/"+path, "")
		}
	}
}

// What takes a place takes all of it: nothing is merged.
func TestReplaceAFolder(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, method := range []string{"COPY", "MOVE"} {
		tree(t, mia, "/dav/home/new/", "/dav/home/new/n.txt", "/dav/home/old/", "/dav/home/old/o.txt", "/dav/home/file.txt")
		mia.Do(method, "/dav/home/new", "", "Destination", "/dav/home/old").Want(t, 204)
		mia.Do("GET", "/dav/home/old/n.txt", "").Want(t, 200, "content of /dav/home/new/n.txt")
		mia.Do("GET", "/dav/home/old/o.txt", "").Want(t, 404)
		mia.Do(method, "/dav/home/file.txt", "", "Destination", "/dav/home/old").Want(t, 204) // a file over a folder
		mia.Do("GET", "/dav/home/old", "").Want(t, 200, "content of /dav/home/file.txt")
		mia.Do("MKCOL", "/dav/home/dir", "").Want(t, 201)
		mia.Do(method, "/dav/home/dir", "", "Destination", "/dav/home/old").Want(t, 204) // and back
		mia.Do("PROPFIND", "/dav/home/old", "", "Depth", "0").Want(t, 207, "<D:collection/>")
		for _, path := range []string{"new", "old", "file.txt", "dir"} {
			mia.Do("DELETE", "/dav/home/"+path, "")
		}
	}
}

// RFC 4918, sections 9.8.5 and 9.9.4: refused, and it ends.
func TestFolderIntoItself(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a/", "/dav/home/a/b/", "/dav/home/a/b/c.txt", "/dav/home/ab/")
	before := mia.Tree("/dav/home/")
	for _, method := range []string{"COPY", "MOVE"} {
		for from, to := range map[string]string{
			"/dav/home/a":         "/dav/home/a",
			"/dav/home/a/":        "/dav/home/a/x",
			"/dav/home/a/b":       "/dav/home/a",
			"/dav/home/a/b/c.txt": "/dav/home/a/b/c.txt",
			"/dav/home/ab":        "/dav/home/%61b/",
		} {
			mia.Do(method, from, "", "Destination", to).Want(t, 403)
		}
		mia.Do(method, "/dav/home/a", "", "Destination", "/dav/home/a/b/d").Want(t, 403)
		mia.Do(method, "/dav/home/a/b/c.txt", "", "Destination", "/dav/home/a").Want(t, 403)
	}
	nothingLeft(t, s, before)
	mia.Do("COPY", "/dav/home/a", "", "Destination", "/dav/home/ab/a").Want(t, 201) // begins alike, lies elsewhere
}

// RFC 4918, section 9.8.3
func TestDepthOfTransfers(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a/", "/dav/home/a/in.txt")
	before := mia.Tree("/dav/home/")
	for _, r := range []struct{ method, depth string }{{"COPY", "1"}, {"MOVE", "0"}, {"MOVE", "1"}, {"DELETE", "1"}, {"COPY", "two"}, {"MOVE", "-1"}, {"DELETE", "deep"}} {
		mia.Do(r.method, "/dav/home/a", "", "Destination", "/dav/home/b", "Depth", r.depth).Want(t, 400)
	}
	nothingLeft(t, s, before)
	mia.Do("COPY", "/dav/home/a", "", "Destination", "/dav/home/empty", "Depth", "0").Want(t, 201)
	mia.Do("GET", "/dav/home/empty/in.txt", "").Want(t, 404)
	mia.Do("COPY", "/dav/home/a", "", "Destination", "/dav/home/a/inside", "Depth", "0").Want(t, 201)
	mia.Do("COPY", "/dav/home/a", "", "Destination", "/dav/home/full", "Depth", "infinity").Want(t, 201)
	mia.Do("GET", "/dav/home/full/in.txt", "").Want(t, 200)
}

func TestTransferOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a.txt")
	before := mia.Tree("/dav/home/")
	for _, method := range []string{"COPY", "MOVE"} {
		mia.Do(method, "/dav/home/none.txt", "", "Destination", "/dav/home/b.txt").Want(t, 404)
		mia.Do(method, "/dav/home/a.txt", "", "Destination", "/dav/home/none/b.txt").Want(t, 409)
		mia.Do(method, "/dav/home/a.txt", "", "Destination", "/dav/home/a.txt/b.txt").Want(t, 409)
		mia.Do(method, "/dav/home/a.txt", "", "Destination", "/dav/None/b.txt").Want(t, 409)
	}
	mia.Do("DELETE", "/dav/home/none.txt", "").Want(t, 404)
	nothingLeft(t, s, before)
}

// A copy is another file: what is written to one is not read from the other.
func TestCopyIsApart(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for _, size := range []int{10, large} {
		original := content("o", size)
		mia.Do("PUT", "/dav/home/a.bin", original)
		mia.Do("COPY", "/dav/home/a.bin", "", "Destination", "/dav/home/b.bin")
		mia.Do("PUT", "/dav/home/a.bin", content("n", size)).Want(t, 204)
		if got := mia.Do("GET", "/dav/home/b.bin", "").Want(t, 200).Body; got != original {
			t.Errorf("the copy of %d bytes reads %.10q", size, got)
		}
		mia.Do("DELETE", "/dav/home/a.bin", "").Want(t, 204)
		if got := mia.Do("GET", "/dav/home/b.bin", "").Want(t, 200).Body; got != original {
			t.Errorf("without the original, the copy of %d bytes reads %.10q", size, got)
		}
	}
}

// Between spaces, and into and out of the own drive.
func TestTransferBetweenSpaces(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	s.Space("Here", "user:mia=editor")
	s.Space("There", "user:mia=editor")
	mia := s.As("mia")
	tree(t, mia, "/dav/Here/a/", "/dav/Here/a/in.txt")
	mia.Do("MOVE", "/dav/Here/a", "", "Destination", "/dav/There/a").Want(t, 201)
	mia.Do("COPY", "/dav/There/a", "", "Destination", "/dav/home/a").Want(t, 201)
	mia.Do("MOVE", "/dav/home/a/in.txt", "", "Destination", "/dav/Here/in.txt").Want(t, 201)
	mia.Do("GET", "/dav/Here/a/in.txt", "").Want(t, 404)
	mia.Do("GET", "/dav/There/a/in.txt", "").Want(t, 200, "content of /dav/Here/a/in.txt")
	mia.Do("PUT", "/dav/Here/in.txt", "again").Want(t, 204)
	mia.Do("GET", "/dav/Here/in.txt", "").Want(t, 200, "again")
}

// Destination as clients write it: absolute, a bare path, with the scheme that
// a proxy ended, or not readable.
func TestDestination(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a.txt")
	host := strings.TrimPrefix(s.URL, "http://")
	for _, to := range []string{"https://" + host + "/dav/home/b.txt", s.URL + "/dav/home/%62.txt"} {
		mia.Do("COPY", "/dav/home/a.txt", "", "Destination", to)
		mia.Do("DELETE", "/dav/home/b.txt", "").Want(t, 204)
	}
	k := mia.Dial("COPY", "/dav/home/a.txt", "Destination", "/dav/home/b.txt") // sync clients send the path alone
	k.Answer().Want(t, 201)
	before := mia.Tree("/dav/home/")
	for to, status := range map[string]int{
		"":                                                 400,
		"http://elsewhere.example/dav/x":                   502,
		"ftp://" + host + "/dav/home/x":                    502,
		"http:///dav/home/x":                               400,
		"http://[::1":                                      400,
		s.URL + "/elsewhere/x":                             403,
		s.URL + "/":                                        403,
		s.URL + "/dav":                                     403,
		s.URL + "/dav/":                                    403,
		s.URL + "/dav/home":                                403,
		s.URL + "/dav/shared":                              403,
		s.URL + "/dav/shared/x":                            403,
		s.URL + "/dav/NewSpace":                            403,
		s.URL + "/dav/.trash/x":                            403,
		s.URL + "/dav/home/../home/x":                      400,
		s.URL + "/dav/home/%2e%2e/x":                       400,
		s.URL + "/dav/home/a%00b":                          400,
		s.URL + "/dav/home/x%2Fy":                          400,
		s.URL + "/dav/home/%zz":                            400,
		s.URL + "/dav/home/%ff":                            400,
		s.URL + "/dav/home/x?y":                            400,
		s.URL + "/dav/home/x#y":                            400,
		s.URL + "/dav/home/" + strings.Repeat("n", 256):    400,
		s.URL + "/dav/home/" + strings.Repeat("n/", 3000):  400,
		s.URL + "/dav/home/" + strings.Repeat("n", 50_000): 400,
	} {
		mia.Do("COPY", "/dav/home/a.txt", "", "Destination", to).Want(t, status)
		mia.Do("MOVE", "/dav/home/a.txt", "", "Destination", to).Want(t, status)
	}
	nothingLeft(t, s, before)
}
