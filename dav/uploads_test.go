package dav_test

import (
	"testing"

	"davit/dav"
	"davit/dav/davtest"
	"davit/store"
)

// One account cannot take all the room for uploads, and all together no more
// than there is; what ends, well or not, makes room.
func TestOpenUploads(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia", "max", "eva")
	s.Uploads = dav.Uploads{PerAccount: 1, Open: 2}
	s.Restart(store.Options{})
	mia, max, eva := s.As("mia"), s.As("max"), s.As("eva")
	k, begun := mia.Upload("/dav/home/a.txt", 2)
	if !begun {
		t.Fatal("the first upload was refused")
	}
	if r := mia.Do("PUT", "/dav/home/b.txt", "x").Want(t, 429); r.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
	m, _ := max.Upload("/dav/home/a.txt", 2)
	if r := eva.Do("PUT", "/dav/home/a.txt", "x").Want(t, 503); r.Header.Get("Retry-After") == "" {
		t.Error("nothing says when to try again")
	}
	mia.Do("GET", "/dav/home/b.txt", "").Want(t, 404)
	m.Reset()
	k.Say("ok")
	k.Answer().Want(t, 201)
	s.Settle()
	for _, who := range []*davtest.Client{mia, max, eva} {
		who.Do("PUT", "/dav/home/c.txt", "x").Want(t, 201)
	}
}
