package dav_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// fill makes n small files in a folder through the store.
func fill(b testing.TB, s *davtest.Server, folder string, n int) {
	b.Helper()
	fillAs(b, s, folder, n, "file-%06d.txt")
}

// fillAs is fill with names of another pattern.
func fillAs(b testing.TB, s *davtest.Server, folder string, n int, name string) {
	b.Helper()
	session := s.Store.Login(store.Credential{User: s.Store.Policy().UserNamed("mia").ID, Mask: policy.All, Class: policy.DAV})
	if _, err := session.Mkdir(context.Background(), store.Path{"~mia", folder}, store.Terms{}); err != nil {
		b.Fatal(err)
	}
	const writers = 32
	failed := make(chan error, writers)
	for w := range writers {
		go func() {
			for i := w; i < n; i += writers {
				u, err := session.Begin(store.Path{"~mia", folder, fmt.Sprintf(name, i)}, -1, store.Terms{})
				if err == nil {
					fmt.Fprintf(u, "content of %d", i)
					_, _, err = u.Commit(context.Background(), store.Meta{})
				}
				if err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range writers {
		if err := <-failed; err != nil {
			b.Fatal(err)
		}
	}
}

func request(b *testing.B, c *http.Client, method, url, body string, headers ...string) int64 {
	b.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.SetBasicAuth("mia", davtest.Password)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		b.Fatalf("%s %s: %d, %v", method, url, resp.StatusCode, err)
	}
	return n
}

func client() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
}

func BenchmarkGet1K(b *testing.B) {
	s := davtest.Start(b, "mia")
	s.As("mia").Do("PUT", "/dav/home/a.txt", strings.Repeat("x", 1024)).Want(b, 201)
	c := client()
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request(b, c, "GET", s.URL+"/dav/home/a.txt", "")
		}
	})
}

// BenchmarkGetByLink is BenchmarkGet1K through a link.
func BenchmarkGetByLink(b *testing.B) {
	s := davtest.Start(b, "mia")
	s.As("mia").Do("PUT", "/dav/home/a.txt", strings.Repeat("x", 1024)).Want(b, 201)
	link, _ := s.Link("mia", "~mia", davtest.NewLink{})
	c := client()
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			request(b, c, "GET", s.URL+link+"/a.txt", "")
		}
	})
}

func BenchmarkPut1K(b *testing.B) {
	s := davtest.Start(b, "mia")
	c := client()
	var n atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			request(b, c, "PUT", fmt.Sprintf("%s/dav/home/f%d.txt", s.URL, i), strings.Repeat(fmt.Sprintf("%08d", i), 128))
		}
	})
}

func BenchmarkPropfind(b *testing.B) {
	s := davtest.Start(b, "mia")
	fill(b, s, "big", 10000)
	c := client()
	for _, bench := range []struct{ name, depth, url, body string }{
		{"depth-0", "0", "/dav/home/big/", ""},
		{"depth-1-of-10000-all", "1", "/dav/home/big/", ""},
		{"depth-1-of-10000-named", "1", "/dav/home/big/", `<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/><getcontenttype/><displayname/><creationdate/><quota-used-bytes/><x:no xmlns:x="urn:x"/></prop></propfind>`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				b.SetBytes(request(b, c, "PROPFIND", s.URL+bench.url, bench.body, "Depth", bench.depth))
			}
		})
	}
}

func BenchmarkTree(b *testing.B) {
	s := davtest.Start(b, "mia")
	fill(b, s, "big", 10000)
	c := client()
	for i := 0; b.Loop(); i++ {
		request(b, c, "COPY", s.URL+"/dav/home/big/", "", "Destination", fmt.Sprintf("%s/dav/home/copy%d/", s.URL, i))
	}
	b.StopTimer()
}

func BenchmarkGet256M(b *testing.B) {
	s := davtest.Start(b, "mia")
	c := client()
	big := bytes.Repeat([]byte("0123456789abcdef"), 16<<20)
	s.As("mia").Do("PUT", "/dav/home/big.bin", string(big)).Want(b, 201)
	b.SetBytes(int64(len(big)))
	for b.Loop() {
		request(b, c, "GET", s.URL+"/dav/home/big.bin", "")
	}
}
func BenchmarkPut256M(b *testing.B) {
	s := davtest.Start(b, "mia")
	c := client()
	big := bytes.Repeat([]byte("0123456789abcdef"), 16<<20)
	b.SetBytes(int64(len(big)))
	for i := 0; b.Loop(); i++ {
		big[0], big[1] = byte(i), byte(i>>8)
		req, _ := http.NewRequest("PUT", s.URL+"/dav/home/big.bin", bytes.NewReader(big))
		req.SetBasicAuth("mia", davtest.Password)
		resp, err := c.Do(req)
		if err != nil || resp.StatusCode > 204 {
			b.Fatal(err, resp)
		}
		resp.Body.Close()
	}
}
