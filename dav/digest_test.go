package dav_test

import (
	"crypto/sha256"
	"testing"

	"davit/dav/davtest"
	"davit/dav/wire"
)

func digest(body string) string { return string(wire.AppendDigest(nil, sha256.Sum256([]byte(body)))) }

// RFC 9530
func TestDigests(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "ben")
	s.Space("Box", "user:mia=manager", "user:ben=deposit")
	mia := s.As("mia")
	const path = "/dav/home/a.bin"
	mia.Do("PUT", path, "old").Want(t, 201)
	for _, body := range []string{"", content("a", 100), content("a", large)} { // nowhere, in the database, in a file
		before := mia.Tree("/dav/home/")
		for _, field := range []string{"Content-Digest", "Repr-Digest"} {
			mia.Do("PUT", path, body, field, digest(body+"x")).Want(t, 400)
			mia.Do("PUT", "/dav/home/new.bin", body, field, "sha-256=:AAAA:").Want(t, 400)
		}
		mia.Do("PUT", path, body, "Content-Digest", digest(body), "Repr-Digest", digest("x")).Want(t, 400)
		nothingLeft(t, s, before)
		r := mia.Do("PUT", path, body, "Content-Digest", digest(body), "Repr-Digest", "sha-512=:AAAA:", "Want-Repr-Digest", "sha-256=5").Want(t, 204)
		if got := r.Header.Get("Repr-Digest"); got != digest(body) {
			t.Errorf("PUT of %d bytes tells %q", len(body), got)
		}
		for _, method := range []string{"GET", "HEAD"} {
			h := mia.Do(method, path, "", "Want-Repr-Digest", "sha-256=1", "Want-Content-Digest", "sha-512=3, sha-256=1").Want(t, 200).Header
			if h.Get("Repr-Digest") != digest(body) || h.Get("Content-Digest") != digest(body) {
				t.Errorf("%s of %d bytes tells %v", method, len(body), h)
			}
			if h = mia.Do(method, path, "").Header; h.Get("Repr-Digest")+h.Get("Content-Digest") != "" {
				t.Errorf("%s tells what nobody asked: %v", method, h)
			}
		}
	}
	h := mia.Do("GET", path, "", "Range", "bytes=0-9", "Want-Repr-Digest", "sha-256=1", "Want-Content-Digest", "sha-256=1").Want(t, 206).Header
	if h.Get("Repr-Digest") != digest(content("a", large)) || h.Get("Content-Digest") != "" {
		t.Errorf("a range tells %v", h)
	}
	// Where nothing stands for who put it, nothing is told of it.
	if h := s.As("ben").Do("PUT", "/dav/Box/a", "x", "Want-Repr-Digest", "sha-256=1").Want(t, 201).Header; h.Get("Repr-Digest") != "" {
		t.Errorf("a drop box tells %v", h)
	}
}
