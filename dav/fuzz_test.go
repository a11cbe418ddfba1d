package dav_test

import "testing"

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

// FuzzServe sends one request after another to a world, as bytes: whatever comes,
// its rules hold.
func FuzzServe(f *testing.F) {
	w := newWorld(f)
	for _, seed := range seeds {
		f.Add(seed.method, seed.path, seed.headers, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, headers, body string) {
		if w.fire(t, shot{"mia", method, path, headers, body}) == nil {
			t.Skip("net/http would not let it pass")
		}
	})
}
