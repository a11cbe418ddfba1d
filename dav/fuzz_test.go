package dav_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
)

// seeds are requests as clients send them, and as nobody should.
var seeds = []struct{ method, path, headers, body string }{
	{"OPTIONS", "*", "", ""},
	{"OPTIONS", "/dav/", "User-Agent: Microsoft-WebDAV-MiniRedir/10.0", ""},
	{"GET", "/dav/home/a.txt", "Range: bytes=0-1,3-\nIf-Range: \"x\"", ""},
	{"GET", "/dav/Team/", "If-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT", ""},
	{"HEAD", "/dav/Team/hidden.txt", "", ""},
	{"PROPFIND", "/", "Depth: 1", ""},
	{"PROPFIND", "/dav", "Depth: infinity\nPrefer: return=minimal, depth-noroot", `<propfind xmlns="DAV:"><propname/></propfind>`},
	{"PROPFIND", "/dav/home/", "Depth: 0\nBrief: t", `<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:lockdiscovery/><x:y xmlns:x="urn:x"/></D:prop></D:propfind>`},
	{"PROPPATCH", "/dav/home/a.txt", "", setProp("colour", "<b xml:lang='de'>&amp;</b>")},
	{"PROPPATCH", "/dav/home/dir/", "If: (Not <DAV:no-lock>)", `<propertyupdate xmlns="DAV:"><set><prop><getlastmodified>Mon, 01 Jan 2001 00:00:00 GMT</getlastmodified></prop></set></propertyupdate>`},
	{"MKCOL", "/dav/home/%C3%A9/", "", ""},
	{"MKCOL", "/dav/home/dir/new", "Content-Type: text/xml", "<x/>"},
	{"PUT", "/dav/home/b.txt", "If-None-Match: *\nX-OC-Mtime: 1000000000\nContent-Type: text/x", "content"},
	{"PUT", "/dav/Team/a.txt", "Transfer-Encoding: chunked", "7\r\ncontent\r\n0\r\n\r\n"},
	{"PUT", "/dav/home/a.txt", "Content-Length: 9999999", "short"},
	{"PUT", "/dav/home/a.txt", "Content-Range: bytes 0-1/2", "xx"},
	{"COPY", "/dav/home/dir", "Destination: http://host/dav/home/dir2\nDepth: 0\nOverwrite: F", ""},
	{"MOVE", "/dav/home/dir", "Destination: /dav/home/dir/in", ""},
	{"MOVE", "/dav/home/a.txt", "Destination: /dav/Team/%61.txt\nIf: </dav/Team> (<urn:x>) (Not [W/\"x\"])", ""},
	{"LOCK", "/dav/home/a.txt", "Depth: infinity\nTimeout: Infinite, Second-4100000000", exclusive},
	{"LOCK", "/dav/home/new", "Timeout: Second-1", shared},
	{"LOCK", "/dav/home/dir", "If: (<urn:uuid:0>)", ""},
	{"UNLOCK", "/dav/home/a.txt", "Lock-Token: <urn:uuid:0>", ""},
	{"DELETE", "/dav/home/dir", "Depth: infinity\nIf-Match: *", ""},
	{"DELETE", "/dav/Team", "If: </dav/None> (<urn:x>)", ""},
	{"ACL", "/dav/home/a.txt", "If-Match: \"x\"", `<D:acl xmlns:D="DAV:"><D:ace><D:principal><D:href>/principals/users/max/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant><until xmlns="urn:davit">9</until></D:ace></D:acl>`},
	{"REPORT", "/dav/home/", "Depth: 0", `<expand-property xmlns="DAV:"><property name="owner"><property name="group-membership"><property name="x" namespace="urn:x"/></property></property></expand-property>`},
	{"REPORT", "/principals/", "", `<principal-property-search xmlns="DAV:" test="anyof"><property-search><prop><displayname/></prop><match>m</match></property-search><prop><acl/></prop></principal-property-search>`},
	{"REPORT", "/dav/", "Brief: t", `<principal-match xmlns="DAV:"><principal-property><owner/></principal-property></principal-match>`},
	{"REPORT", "/dav/home/a.txt", "", `<acl-principal-prop-set xmlns="DAV:"><prop><displayname/></prop></acl-principal-prop-set>`},
	{"REPORT", "/dav/home/", "Depth: 0", syncBody("", "infinite", 2)},
	{"REPORT", "/dav/home/", "If: (<urn:davit:sync:AAAA>)", syncBody("urn:davit:sync:AAAA", "1", 0)},
	{"SEARCH", "/dav/home/", "", query("", "infinity", where("<or>"+test("like", "displayname", "%a_")+test("gt", "getcontentlength", "1")+"</or>"))},
	{"PROPFIND", "/principals/users/max", "Depth: 1", ""},
	{"BREW", "/dav/../etc/passwd", "", "\x00"},
	{"GET", "/dav/home/%2e%2e/%00", "If: (((", ""},
}

// FuzzServe holds the whole handler to never failing by itself, whatever comes:
// no answer of 500, no panic, and a store that is sound at the end.
func FuzzServe(f *testing.F) {
	s := davtest.Start(f, "mia", "max")
	s.Space("Team", "user:mia=contributor", "user:max=editor")
	s.Quota("/Team", 10_000)
	mia, max := s.As("mia"), s.As("max")
	mia.Do("PUT", "/dav/home/a.txt", "content").Want(f, 201)
	mia.Do("MKCOL", "/dav/home/dir", "").Want(f, 201)
	max.Do("PUT", "/dav/Team/a.txt", "content").Want(f, 201)
	max.Do("PUT", "/dav/Team/hidden.txt", "secret content").Want(f, 201)
	s.Entry("/Team/hidden.txt", "user:mia", policy.Entry{Deny: policy.All})
	for _, seed := range seeds {
		f.Add(seed.method, seed.path, seed.headers, seed.body)
	}
	login := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("mia:"+davtest.Password)) + "\r\n"
	f.Fuzz(func(t *testing.T, method, path, headers, body string) {
		length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
		if h := strings.ToLower(headers); strings.Contains(h, "content-length") || strings.Contains(h, "transfer-encoding") {
			length = ""
		}
		text := method + " " + path + " HTTP/1.1\r\nHost: host\r\n" + login + length + strings.ReplaceAll(headers, "\n", "\r\n")
		if headers != "" {
			text += "\r\n"
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + "\r\n" + body)))
		if err != nil {
			t.Skip("net/http would not let it pass")
		}
		r.RemoteAddr = "127.0.0.1:1"
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				t.Errorf("panic: %v", v)
			}
		}()
		w := httptest.NewRecorder()
		s.Handler.ServeHTTP(w, r)
		if w.Code == 500 || w.Code < 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret content") {
			t.Errorf("what is hidden was read\n%s", w.Body)
		}
		if n := s.Store.Reserved(); n != 0 {
			t.Errorf("%d bytes are still reserved", n)
		}
	})
}
