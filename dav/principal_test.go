package dav_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// house is an organisation with guests: gus sees the room, where mona and mia
// are; carl and cora see a portal, where mona is; max is in neither. Olivia owns
// the instance.
func house(t *testing.T) *davtest.Server {
	t.Helper()
	s := davtest.Start(t, "olivia", "mona", "mia", "max")
	for _, guest := range []string{"gus", "carl", "cora"} {
		s.User(guest, policy.Guest)
	}
	s.Group("staff", "user:mona", "user:mia")
	s.Group("all", "group:staff", "user:max")
	s.Group("friends", "user:gus")
	op := s.Store.Operator()
	role, err := op.AddGroup(t.Context(), policy.Group{Name: "auditor", Role: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		mia := *p.UserNamed("mia")
		mia.Email = "mia@example.org"
		return []policy.Change{policy.Join{Group: role.ID, Member: p.UserNamed("max").ID}, policy.PutUser{User: mia}}, nil
	})
	s.Space("Room", "group:staff=editor", "user:gus=viewer")
	if _, err := op.AddSpace(t.Context(), policy.Space{Name: "Portal", Kind: policy.Portal, Quota: policy.NoLimit}); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"user:mona=manager", "user:carl=portal", "user:cora=portal"} {
		who, level, _ := strings.Cut(who, "=")
		s.Level("Portal", who, level)
	}
	return s
}

// find is a PROPFIND of some properties at depth 0.
func find(t *testing.T, c *davtest.Client, path, props string) resource {
	t.Helper()
	for _, res := range multistatus(t, c.Do("PROPFIND", path, `<propfind xmlns="DAV:"><prop>`+props+`</prop></propfind>`, "Depth", "0")) {
		return res
	}
	return resource{}
}

// refs are the hrefs in a property.
func refs(value string) (hrefs []string) {
	for _, part := range strings.Split(value, "<D:href>")[1:] {
		href, _, _ := strings.Cut(part, "</D:href>")
		hrefs = append(hrefs, href)
	}
	return hrefs
}

// RFC 3744, section 4: principals have a resource type, a URL, memberships and
// other addresses.
func TestPrincipalProperties(t *testing.T) {
	t.Parallel()
	s := house(t)
	mia := s.As("mia")
	const props = `<resourcetype/><displayname/><principal-URL/><alternate-URI-set/><group-membership/><group-member-set/>` +
		`<current-user-principal/><principal-collection-set/><email-address xmlns="http://sabredav.org/ns"/>`
	for _, row := range []struct {
		path, displayname                  string
		membership, members, alternateURIs []string
	}{
		{"/principals/users/mia/", "mia", []string{"/principals/groups/staff/"}, nil, []string{"mailto:mia@example.org"}},
		{"/principals/users/max", "max", []string{"/principals/groups/all/", "/principals/roles/auditor/"}, nil, nil},
		{"/principals/groups/staff/", "staff", []string{"/principals/groups/all/"}, []string{"/principals/users/mona/", "/principals/users/mia/"}, nil},
		{"/principals/groups/all", "all", nil, []string{"/principals/users/max/", "/principals/groups/staff/"}, nil},
		{"/principals/roles/auditor", "auditor", nil, []string{"/principals/users/max/"}, nil},
		{"/principals/members", "members", nil, nil, nil},
	} {
		r := find(t, mia, row.path, props)
		if r.found["resourcetype"] != "<D:collection/><D:principal/>" || r.found["displayname"] != row.displayname {
			t.Errorf("%s: %v", row.path, r.found)
		}
		sameList(t, row.path+" principal-URL", refs(r.found["principal-URL"]), []string{strings.TrimSuffix(row.path, "/") + "/"})
		sameList(t, row.path+" group-membership", refs(r.found["group-membership"]), row.membership)
		sameList(t, row.path+" group-member-set", refs(r.found["group-member-set"]), row.members)
		sameList(t, row.path+" alternate-URI-set", refs(r.found["alternate-URI-set"]), row.alternateURIs)
		sameList(t, row.path+" current-user-principal", refs(r.found["current-user-principal"]), []string{"/principals/users/mia/"})
		sameList(t, row.path+" principal-collection-set", refs(r.found["principal-collection-set"]), []string{"/principals/"})
		if isUser := strings.Contains(row.path, "/users/"); isUser != slices.Contains(r.absent, "group-member-set") && row.displayname != "members" {
			t.Errorf("%s: absent %q", row.path, r.absent)
		}
	}
	for _, path := range []string{"/", "/dav/", "/dav/home/", "/dav/Room/", "/principals/", "/principals/users/"} {
		r := find(t, mia, path, props)
		sameList(t, path, refs(r.found["principal-collection-set"]), []string{"/principals/"})
		if !slices.Contains(r.absent, "principal-URL") || strings.Contains(r.found["resourcetype"], "principal") {
			t.Errorf("%s is no principal: %v", path, r)
		}
	}
	sameList(t, "one level", hrefs(t, mia.Do("PROPFIND", "/principals/", "", "Depth", "1")),
		[]string{"/principals/", "/principals/groups/", "/principals/links/", "/principals/members/", "/principals/roles/", "/principals/users/"})
	if all := hrefs(t, mia.Do("PROPFIND", "/principals", "", "Depth", "infinity")); len(all) != 6+7+3+1+2*4 { // of four who have drives the groups of proxies
		t.Errorf("%d resources: %q", len(all), all)
	}
	// RFC 3744, section 5: none of it is in allprop.
	if r := multistatus(t, mia.Do("PROPFIND", "/dav/Room/", "", "Depth", "0"))["/dav/Room/"]; r.found["owner"] != "" || r.found["supported-privilege-set"] != "" || r.found["acl"] != "" {
		t.Errorf("allprop: %v", r.found)
	}
	mia.Do("GET", "/principals/users/", "").Want(t, 200, "max")
	mia.Do("OPTIONS", "/principals/users/mia/", "").Want(t, 200)
	for method, status := range map[string]int{"PUT": 405, "MKCOL": 405, "DELETE": 403, "PROPPATCH": 403, "LOCK": 405, "ACL": 405, "MOVE": 403} {
		for _, path := range []string{"/principals/users/mia/", "/principals/users/none/"} {
			mia.Do(method, path, setProp("x", "1"), "Destination", "/dav/home/x").Want(t, status)
		}
	}
}

// A mail address is told to its owner and to admins.
func TestMailAddresses(t *testing.T) {
	t.Parallel()
	s := house(t)
	const props = `<alternate-URI-set/><email-address xmlns="http://sabredav.org/ns"/>`
	for who, told := range map[string]bool{"mia": true, "olivia": true, "max": false, "gus": false} {
		r := find(t, s.As(who), "/principals/users/mia/", props)
		if (r.found["http://sabredav.org/ns email-address"] == "mia@example.org") != told || (len(refs(r.found["alternate-URI-set"])) == 1) != told {
			t.Errorf("%s: %v", who, r)
		}
		found := s.As(who).Do("REPORT", "/principals/", search("anyof", "example.org", `<email-address xmlns="http://sabredav.org/ns"/>`)).Want(t, 207)
		if strings.Contains(found.Body, "/users/mia/") != told {
			t.Errorf("%s searches: %s", who, found.Body)
		}
	}
}

// search is a principal-property-search for a text in each property.
func search(test, text string, props ...string) string {
	body := `<principal-property-search xmlns="DAV:" test="` + test + `">`
	for _, p := range props {
		body += `<property-search><prop>` + p + `</prop><match>` + text + `</match></property-search>`
	}
	return body + `<prop><displayname/></prop></principal-property-search>`
}

// RFC 3744, section 9.4: caseless parts of names, below the URL or everywhere.
func TestPrincipalSearch(t *testing.T) {
	t.Parallel()
	s := house(t)
	const name, unknown = "<displayname/>", `<phone xmlns="urn:x"/>`
	everywhere := func(body string) string {
		return strings.Replace(body, "</principal-property-search>", "<apply-to-principal-collection-set/></principal-property-search>", 1)
	}
	for _, row := range []struct {
		who, path, body string
		want            []string // names, in order
	}{
		{"max", "/principals/", search("", "M", name), []string{"max", "members", "mia", "mona"}},
		{"max", "/principals/users/", search("", "m", name), []string{"max", "mia", "mona"}},
		{"max", "/principals/groups/", search("", "a", name), []string{"all", "staff"}},
		{"max", "/principals/users/mia/", search("", "", name), []string{"mia"}},
		{"max", "/dav/", search("", "m", name), nil},
		{"max", "/dav/", everywhere(search("", "aUDit", name)), []string{"auditor"}},
		{"max", "/principals/", search("", "m", name, unknown), nil},
		{"max", "/principals/", search("anyof", "mo", unknown, name), []string{"mona"}},
		{"max", "/principals/", search("", "nobody has this name", name), nil},
		{"gus", "/principals/", search("", "m", name), []string{"mia", "mona"}},
		{"gus", "/principals/", search("", "", name), []string{"gus", "mia", "mona"}},
		{"gus", "/principals/groups/", search("", "", name), nil},
		{"carl", "/principals/", search("", "", name), []string{"carl", "mona"}},
		{"gus", "/dav/Room/", everywhere(search("", "c", name)), nil},
	} {
		t.Run(row.who+row.path+row.body, func(t *testing.T) {
			var names []string
			for _, r := range multistatus(t, s.As(row.who).Do("REPORT", row.path, row.body)) {
				names = append(names, r.found["displayname"])
			}
			slices.Sort(names)
			sameList(t, "found", names, row.want)
		})
	}
	max := s.As("max")
	bare := strings.Replace(search("", "mia", name), "<prop><displayname/></prop></principal", "</principal", 1)
	max.Do("REPORT", "/principals/", bare).Want(t, 207, "<D:href>/principals/users/mia/</D:href><D:status>HTTP/1.1 200 OK</D:status>")
	max.Do("REPORT", "/principals/", search("", "m", name), "Depth", "1").Want(t, 400)
	max.Do("REPORT", "/principals/", `<principal-property-search xmlns="DAV:"/>`).Want(t, 400)
	r := max.Do("REPORT", "/principals/", `<principal-search-property-set xmlns="DAV:"/>`, "Depth", "0").Want(t, 200) // RFC 3744, section 9.5
	if !strings.Contains(r.Body, `<D:prop><D:displayname/></D:prop><D:description xml:lang="en">`) {
		t.Errorf("what can be searched: %s", r.Body)
	}
}

// More than a search may find is told to be more: RFC 3744, section 9.4.
func TestPrincipalSearchHasALimit(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	const most = 500
	for i := range most - 2 { // beside mia and members
		s.Group(fmt.Sprintf("many%d", i))
	}
	mia := s.As("mia")
	r := mia.Do("REPORT", "/principals/", search("", "m", "<displayname/>")).Want(t, 207, "!number-of-matches")
	if n := strings.Count(r.Body, "<D:response>"); n != most {
		t.Errorf("%d are found", n)
	}
	s.Group("more")
	r = mia.Do("REPORT", "/principals/", search("", "m", "<displayname/>")).Want(t, 207,
		"<D:href>/principals/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status><D:error><D:number-of-matches-within-limits/></D:error>")
	if n := strings.Count(r.Body, "<D:response>"); n != most+1 {
		t.Errorf("%d are told", n)
	}
}

// RFC 3744, section 9.3: the principals that one is, and what one owns.
func TestPrincipalMatch(t *testing.T) {
	t.Parallel()
	s := house(t)
	mia := s.As("mia")
	tree(t, mia, "/dav/home/a/", "/dav/home/a/b.txt", "/dav/Room/c.txt")
	const self, owner = `<principal-match xmlns="DAV:"><self/></principal-match>`,
		`<principal-match xmlns="DAV:"><principal-property><owner/></principal-property><prop><displayname/></prop></principal-match>`
	match := func(path, body string) []string {
		t.Helper()
		return refs(mia.Do("REPORT", path, body).Want(t, 207).Body)
	}
	sameList(t, "self", match("/principals/", self), []string{"/principals/users/mia/", "/principals/groups/all/", "/principals/groups/staff/", "/principals/members/"})
	sameList(t, "self in groups", match("/principals/groups/", self), []string{"/principals/groups/all/", "/principals/groups/staff/"})
	sameList(t, "a group", match("/principals/groups/staff/", self), []string{"/principals/groups/staff/"})
	sameList(t, "another user", match("/principals/users/max/", self), nil)
	sameList(t, "files", match("/dav/", self), nil)
	sameList(t, "own files", match("/dav/", owner), []string{"/dav/home/", "/dav/home/a/", "/dav/home/a/b.txt"})
	sameList(t, "files of nobody", match("/dav/Room/", owner), nil)
	sameList(t, "in groups with me", match("/principals/users/", strings.Replace(owner, "owner", "group-membership", 1)),
		[]string{"/principals/users/max/", "/principals/users/mia/", "/principals/users/mona/"})
	sameList(t, "no such property", match("/dav/", strings.Replace(owner, "owner", "getetag", 1)), nil)
	mia.Do("REPORT", "/dav/home/a/b.txt", self).Want(t, 403, "<D:supported-report/>")
	mia.Do("REPORT", "/dav/", self, "Depth", "infinity").Want(t, 400)
}

// RFC 3253, section 3.8: what a property names stands in place of its URL.
func TestExpandProperty(t *testing.T) {
	t.Parallel()
	s := house(t)
	mia := s.As("mia")
	expand := func(c *davtest.Client, path, props string) string {
		t.Helper()
		r := c.Do("REPORT", path, `<expand-property xmlns="DAV:">`+props+`</expand-property>`).Want(t, 207)
		return strings.ReplaceAll(r.Body, "\n", "")
	}
	got := expand(mia, "/dav/home/", `<property name="current-user-principal"><property name="group-membership"><property name="displayname"/></property></property><property name="owner"/>`)
	const want = `<D:response><D:href>/dav/home/</D:href><D:propstat><D:prop><D:current-user-principal>` +
		`<D:response><D:href>/principals/users/mia/</D:href><D:propstat><D:prop><D:group-membership>` +
		`<D:response><D:href>/principals/groups/staff/</D:href><D:propstat><D:prop><D:displayname>staff</D:displayname></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>` +
		`</D:group-membership></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:current-user-principal>` +
		`<D:owner><D:href>/principals/users/mia/</D:href></D:owner></D:prop>`
	if !strings.Contains(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := expand(s.As("gus"), "/principals/users/gus/", `<property name="group-membership"><property name="displayname"/></property>`); !strings.Contains(got, "<D:group-membership></D:group-membership>") {
		t.Errorf("a guest: %s", got)
	}
	// A group of many that are in groups of many is followed so far and no further.
	for i := range 80 {
		s.Group(fmt.Sprintf("crowd%d", i), "user:mia", "user:max")
	}
	loop := `<property name="group-membership"><property name="group-member-set"><property name="group-membership"><property name="displayname"/></property></property></property>`
	got = expand(mia, "/principals/users/mia/", loop)
	if n := strings.Count(got, "<D:response>"); !strings.Contains(got, "<D:number-of-matches-within-limits/>") || n > 20_000 {
		t.Errorf("%d resources are told", n)
	}
}

// RFC 3253, sections 3.1.5 and 3.6: a resource answers the reports that it says
// it has, and no other.
func TestSupportedReports(t *testing.T) {
	t.Parallel()
	s := house(t)
	mona := s.As("mona")
	tree(t, mona, "/dav/Portal/f.txt")
	bodies := map[string]string{
		"expand-property": "", "principal-match": "<self/>", "principal-search-property-set": "", "acl-principal-prop-set": "<prop><displayname/></prop>",
		"principal-property-search": "<property-search><prop><displayname/></prop><match>x</match></property-search>",
		"sync-tree":                 "", "version-tree": "",
	}
	for _, path := range []string{"/", "/dav/", "/dav/shared/", "/dav/Portal/", "/dav/Portal/f.txt", "/principals/", "/principals/users/", "/principals/users/mona/"} {
		said := find(t, mona, path, "<supported-report-set/>").found["supported-report-set"]
		for name, body := range bodies {
			r := mona.Do("REPORT", path, `<`+name+` xmlns="DAV:">`+body+`</`+name+`>`)
			if answers := r.Status == 207 || r.Status == 200; answers != strings.Contains(said, "<D:"+name+"/>") {
				t.Errorf("%s on %s: %d, and it said %s", name, path, r.Status, said)
			} else if !answers {
				r.Want(t, 403, "<D:error", "<D:supported-report/>")
			}
		}
	}
	mona.Do("REPORT", "/dav/Portal/", "").Want(t, 400)
	mona.Do("REPORT", "/dav/Portal/", "<acl").Want(t, 400)
}

// A guest cannot tell somebody it may not know from nobody, by any request.
func TestHiddenPrincipalsAreMissing(t *testing.T) {
	t.Parallel()
	s := house(t)
	tree(t, s.As("mia"), "/dav/Room/f.txt")
	gus := s.As("gus")
	bodies := []string{
		"", search("", "", "<displayname/>"), `<principal-match xmlns="DAV:"><self/></principal-match>`, `<principal-search-property-set xmlns="DAV:"/>`,
		`<expand-property xmlns="DAV:"><property name="principal-URL"><property name="displayname"/></property></expand-property>`,
		`<acl-principal-prop-set xmlns="DAV:"><prop><displayname/></prop></acl-principal-prop-set>`,
	}
	for hidden, missing := range map[string]string{
		"/principals/users/max": "/principals/users/nil", "/principals/users/max/": "/principals/users/nil/", "/principals/groups/staff": "/principals/groups/stuff",
		"/principals/roles/auditor": "/principals/roles/auditer", "/principals/users/cora/x": "/principals/users/dora/x",
		"/principals/users/max/calendar-proxy-read/": "/principals/users/nil/calendar-proxy-read/", "/principals/members": "/principals/numbers",
	} {
		for _, method := range []string{"PROPFIND", "REPORT", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "LOCK", "ACL", "PROPPATCH", "MKCOL"} {
			for _, body := range bodies {
				a, b := gus.Do(method, hidden, body, "Depth", "0"), gus.Do(method, missing, body, "Depth", "0")
				if faces(a, hidden) != faces(b, missing) || a.Status < 400 && method != "OPTIONS" {
					t.Errorf("%s %s %s\nhidden:\n%s\nmissing:\n%s", method, hidden, body, faces(a, hidden), faces(b, missing))
				}
			}
		}
	}
	for _, path := range []string{"/principals/", "/principals/users/"} {
		gus.Do("PROPFIND", path, "", "Depth", "infinity").Want(t, 207, "/users/gus/", "/users/mia/", "/users/mona/", "!max", "!carl", "!cora", "!staff", "!auditor")
	}
	s.As("carl").Do("PROPFIND", "/principals/", "", "Depth", "infinity").Want(t, 207, "/users/carl/", "/users/mona/", "!cora", "!gus", "!mia")
	// Whom it may not know does not show where it is named, either.
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		sp := *p.SpaceNamed("Room")
		sp.Owner = p.UserNamed("max").ID
		return []policy.Change{policy.PutSpace{Space: sp}}, nil
	})
	if r := find(t, gus, "/dav/Room/f.txt", "<owner/>"); r.found["owner"] != "" {
		t.Errorf("gus learns the owner: %v", r)
	}
	if r := find(t, s.As("mia"), "/dav/Room/f.txt", "<owner/>"); !slices.Equal(refs(r.found["owner"]), []string{"/principals/users/max/"}) {
		t.Errorf("mia learns of the owner: %v", r)
	}
	// The store itself keeps them apart, for the asker's own sake.
	session := s.Store.Login(store.Credential{User: s.Store.Policy().UserNamed("gus").ID, Mask: policy.All, Class: policy.DAV})
	if _, err := session.PrincipalNamed(policy.KindUser, "max"); err == nil {
		t.Error("a session finds max")
	}
}
