package dav_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"davit/auth"
	"davit/dav/davtest"
	"davit/policy"
)

// managed is a space that mona manages and olivia owns: mia edits it through
// staff, max reads it.
func managed(t *testing.T) *davtest.Server {
	t.Helper()
	s := davtest.Start(t, "olivia", "mona", "mia", "max", "zoe")
	s.Group("staff", "user:mia")
	s.Group("hr", "user:mia")
	s.Space("Team", "user:mona=manager", "group:staff=editor", "user:max=viewer")
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		sp := *p.SpaceNamed("Team")
		sp.Owner = p.UserNamed("olivia").ID
		return []policy.Change{policy.PutSpace{Space: sp}}, nil
	})
	tree(t, s.As("mona"), "/dav/Team/HR/", "/dav/Team/HR/plan.txt", "/dav/Team/HR/public/")
	return s
}

// aclOf is the property DAV:acl, cut into its aces.
func aclOf(t *testing.T, c *davtest.Client, path string) (aces []string) {
	t.Helper()
	value, ok := find(t, c, path, "<acl/>").found["acl"]
	if !ok {
		t.Errorf("%s tells no access list", path)
	}
	for _, ace := range strings.SplitAfter(value, "</D:ace>") {
		if ace != "" {
			aces = append(aces, ace)
		}
	}
	return aces
}

// ownAces are the aces that a client may send back: RFC 3744, section 8.1.
func ownAces(aces []string) []string {
	return slices.DeleteFunc(slices.Clone(aces), func(ace string) bool {
		return strings.Contains(ace, "<D:inherited>") || strings.Contains(ace, "<D:protected/>")
	})
}

func aclBody(aces ...string) string {
	return `<D:acl xmlns:D="DAV:" xmlns:x="urn:davit">` + strings.Join(aces, "") + `</D:acl>`
}

// ace is a line about a principal: "/principals/..." or the name of an element.
func ace(who, verb string, rest ...string) string {
	if strings.Contains(who, "/") {
		who = "<D:href>" + who + "</D:href>"
	} else {
		who = "<D:" + who + "/>"
	}
	open, privileges, _ := strings.Cut(verb, " ")
	text := "<D:ace><D:principal>" + who + "</D:principal><D:" + open + ">"
	for _, p := range strings.Fields(privileges) {
		text += "<D:privilege><" + p + "/></D:privilege>"
	}
	return text + "</D:" + open + ">" + strings.Join(rest, "") + "</D:ace>"
}

// entries are the lines that stand at a path.
func entries(t *testing.T, s *davtest.Server, path string) (list []policy.Entry) {
	t.Helper()
	s.ChangeAt(path, func(p *policy.State, at policy.Place) ([]policy.Change, error) {
		if m := p.Mark(at.Path[len(at.Path)-1]); m != nil {
			list = m.Entries
		}
		return nil, nil
	})
	return list
}

const (
	staffURL = "/principals/groups/staff/"
	hrURL    = "/principals/groups/hr/"
	maxURL   = "/principals/users/max/"
	zoeURL   = "/principals/users/zoe/"
	monaURL  = "/principals/users/mona/"
)

// RFC 3744, section 5: what a resource tells of who may do what there.
func TestAccessProperties(t *testing.T) {
	t.Parallel()
	s := managed(t)
	s.Entry("/Team/HR", "group:staff", policy.Entry{Revoke: policy.Write, Deny: policy.Purge, Class: policy.Mobile, Until: 4e9})
	s.Entry("/Team/HR", "anyone-signed-in", policy.Entry{Allow: policy.See | policy.Read})
	s.Entry("/Team/HR/public", "members", policy.Entry{Allow: policy.Add})
	mona := s.As("mona")
	const inheritedHR, inheritedTeam = `<D:inherited><D:href>/dav/Team/HR/</D:href></D:inherited>`, `<D:inherited><D:href>/dav/Team/</D:href></D:inherited>`
	const when = `<x:class xmlns:x="urn:davit">mobile</x:class><x:until xmlns:x="urn:davit">4000000000</x:until>`
	const revoke = `<x:revoke xmlns:x="urn:davit"><D:privilege><D:write-content/></D:privilege></x:revoke>`
	const purge = `<D:ace><D:principal><D:href>/principals/groups/staff/</D:href></D:principal><D:deny><D:privilege><x:purge xmlns:x="urn:davit"/></D:privilege></D:deny>`
	got := aclOf(t, mona, "/dav/Team/HR/")
	want := []string{
		purge + when + `</D:ace>`,
		ace("authenticated", "grant D:read"),
		`<D:ace><D:principal><D:href>` + staffURL + `</D:href></D:principal><D:grant/>` + revoke + when + `</D:ace>`,
		ace(monaURL, "grant D:all", inheritedTeam),
	}
	sameList(t, "own lines, then levels", got[:4], want)
	if len(got) != 6 || !strings.Contains(got[4]+got[5], inheritedTeam) {
		t.Errorf("the levels: %q", got)
	}
	got = aclOf(t, mona, "/dav/Team/HR/public/")
	sameList(t, "inherited lines", got[:4], []string{
		ace("/principals/members/", "grant D:bind"), ace("authenticated", "grant D:read", inheritedHR),
		purge + when + inheritedHR + `</D:ace>`, `<D:ace><D:principal><D:href>` + staffURL + `</D:href></D:principal><D:grant/>` + revoke + when + inheritedHR + `</D:ace>`,
	})
	if root := aclOf(t, mona, "/dav/Team/"); len(root) != 3 || !strings.Contains(root[0], "<D:protected/>"+inheritedTeam) {
		t.Errorf("levels at the root: %q", root)
	}
	r := find(t, mona, "/dav/Team/HR/plan.txt", `<owner/><group/><acl-restrictions/><inherited-acl-set/><supported-privilege-set/><current-user-privilege-set/>`)
	sameList(t, "owner", refs(r.found["owner"]), []string{"/principals/users/olivia/"})
	if r.found["acl-restrictions"] != "<D:no-invert/><D:deny-before-grant/>" || r.found["inherited-acl-set"] != "" {
		t.Errorf("restrictions: %v", r.found)
	}
	sameList(t, "absent", r.absent, []string{"group"})
	if !strings.HasPrefix(r.found["current-user-privilege-set"], "<D:privilege><D:all/></D:privilege><D:privilege><D:read/>") {
		t.Errorf("a manager's privileges: %s", r.found["current-user-privilege-set"])
	}
	supported := r.found["supported-privilege-set"]
	for _, p := range strings.SplitAfter(r.found["current-user-privilege-set"], "</D:privilege>") {
		if !strings.Contains(supported, "<D:supported-privilege>"+p) {
			t.Errorf("%s is held and not supported", p)
		}
	}
	for _, path := range []string{"/", "/dav/", "/principals/users/mona/"} {
		if r := find(t, mona, path, "<acl/><owner/><acl-restrictions/>"); len(r.absent) != 3 {
			t.Errorf("%s: %v", path, r)
		}
	}
}

// RFC 3744, section 5.5: the list is for who holds read-acl; others are told
// that it is not for them.
func TestWhoReadsTheList(t *testing.T) {
	t.Parallel()
	s := managed(t)
	for _, who := range []string{"mia", "max"} {
		r := s.As(who).Do("PROPFIND", "/dav/Team/HR/", `<propfind xmlns="DAV:"><prop><acl/><acl-etag xmlns="urn:davit"/><displayname/></prop></propfind>`, "Depth", "1").Want(t, 207,
			`<D:acl/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status><D:error><D:need-privileges><D:resource><D:href>/dav/Team/HR/plan.txt</D:href><D:privilege><D:read-acl/>`,
			"<D:displayname>plan.txt</D:displayname>", "!mona", `!"acl-`)
		if strings.Count(r.Body, "403 Forbidden") != 6 {
			t.Errorf("%s: %s", who, r.Body)
		}
		s.As(who).Do("REPORT", "/dav/Team/HR/", `<acl-principal-prop-set xmlns="DAV:"><prop><displayname/></prop></acl-principal-prop-set>`).Want(t, 403, "<D:read-acl/>", "!mona")
	}
	s.Entry("/Team/HR", "user:max", policy.Entry{Allow: policy.ReadACL})
	s.Entry("/Team/HR", "anyone-signed-in", policy.Entry{Allow: policy.See})
	// RFC 3744, section 9.2: every principal that has a URL, once.
	r := s.As("max").Do("REPORT", "/dav/Team/HR/plan.txt", `<acl-principal-prop-set xmlns="DAV:"><prop><displayname/></prop></acl-principal-prop-set>`, "Depth", "0")
	sameList(t, "named", hrefs(t, r), []string{staffURL, maxURL, monaURL})
	s.As("max").Do("REPORT", "/dav/Team/HR/", `<acl-principal-prop-set xmlns="DAV:"/>`, "Depth", "1").Want(t, 400)
	if aces := aclOf(t, s.As("max"), "/dav/Team/HR/plan.txt"); len(aces) != 5 {
		t.Errorf("max reads %q", aces)
	}
}

// Whatever list the operator made, sending back what it tells changes nothing.
func TestACLRoundTrip(t *testing.T) {
	t.Parallel()
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	s := managed(t)
	mona := s.As("mona")
	people := []string{"user:mia", "user:max", "user:zoe", "group:staff", "group:hr", "members", "anyone-signed-in", "links"}
	for _, path := range []string{"/Team/HR", "/Team/HR/plan.txt", "/Team"} {
		for range 30 {
			e := policy.Entry{Allow: policy.Rights(rng.Uint32()) & policy.All, Revoke: policy.Rights(rng.Uint32()) & policy.All, Deny: policy.Right(1) << rng.IntN(18)}
			e.Revoke &^= e.Allow
			switch rng.IntN(5) {
			case 0:
				e.Allow, e.Class = 0, policy.Classes(2+2*rng.IntN(8))
			case 1:
				e.Revoke, e.Deny, e.From = 0, 0, rng.Int64N(1e9)
			case 2:
				e.Deny, e.Until = 0, 2e9+rng.Int64N(1e9)
			}
			e.Deny &^= policy.See | policy.ReadACL | policy.Manage // mona goes on
			s.Entry(path, people[rng.IntN(len(people))], e)
		}
	}
	for _, path := range []string{"/Team/HR", "/Team/HR/plan.txt", "/Team"} {
		before, epoch := entries(t, s, path), s.Store.Policy().Epoch
		aces := ownAces(aclOf(t, mona, "/dav"+path))
		mona.Do("ACL", "/dav"+path, aclBody(aces...)).Want(t, 200)
		if after := entries(t, s, path); !slices.Equal(after, before) || s.Store.Policy().Epoch != epoch {
			t.Errorf("seed %d, %s: a round trip makes\n%+v\nof\n%+v", seed, path, after, before)
		}
		if len(before) < 20 || len(aces) <= len(before) {
			t.Errorf("%d lines and %d aces are no test", len(before), len(aces))
		}
	}
}

// RFC 3744, section 8.1: the own lines become exactly those of the request, in
// force for the next one.
func TestACLReplacesTheList(t *testing.T) {
	t.Parallel()
	s := managed(t)
	s.Entry("/Team/HR", "group:hr", policy.Entry{Allow: policy.See, Level: "viewer"})
	s.Entry("/Team/HR", "user:max", policy.Entry{Allow: policy.Reshare})
	mona, mia, zoe := s.As("mona"), s.As("mia"), s.As("zoe")
	p := s.Store.Policy()
	zoe.Do("GET", "/dav/Team/HR/plan.txt", "").Want(t, 404)
	mona.Do("ACL", "/dav/Team/HR", aclBody(
		ace(staffURL, "deny D:unbind x:purge"), ace(s.URL+"/principals/users/ZOE", "grant D:read"), ace(zoeURL, "grant D:write-content", "<x:until>4000000000</x:until>"),
		ace(hrURL, "grant x:see", "<x:revoke><D:privilege><D:bind/></D:privilege></x:revoke><other/>"), ace("/principals/members/", "grant x:share"), ace("all", "grant x:history"),
	)).Want(t, 200)
	want := []policy.Entry{
		{Principal: policy.Members, Allow: policy.Reshare}, {Principal: policy.AnyoneSignedIn, Allow: policy.History},
		{Principal: p.UserNamed("zoe").ID, Allow: policy.See | policy.Read}, {Principal: p.UserNamed("zoe").ID, Allow: policy.Write, Until: 4e9},
		{Principal: p.GroupNamed("staff").ID, Deny: policy.Delete | policy.Purge, Rank: 3}, {Principal: p.GroupNamed("hr").ID, Allow: policy.See, Revoke: policy.Add, Level: "viewer"},
	}
	if got := entries(t, s, "/Team/HR"); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	zoe.Do("GET", "/dav/Team/HR/plan.txt", "").Want(t, 200)
	mia.Do("DELETE", "/dav/Team/HR/plan.txt", "").Want(t, 403) // the wall
	mona.Do("ACL", "/dav/Team/HR", aclBody()).Want(t, 200)
	if got := entries(t, s, "/Team/HR"); len(got) > 0 {
		t.Errorf("an empty list leaves %+v", got)
	}
	zoe.Do("GET", "/dav/Team/HR/plan.txt", "").Want(t, 404)
	mia.Do("DELETE", "/dav/Team/HR/plan.txt", "").Want(t, 204)
}

// RFC 3744, section 8.1.1: each precondition has its element, and a refused list
// changes nothing.
func TestACLPreconditions(t *testing.T) {
	t.Parallel()
	s := managed(t)
	s.Entry("/Team/HR", "user:max", policy.Entry{Allow: policy.Reshare})
	before, epoch := entries(t, s, "/Team/HR"), s.Store.Policy().Epoch
	mona := s.As("mona")
	ok := ace(zoeURL, "grant D:read")
	for _, row := range []struct{ body, element string }{
		{aclBody(ok, ace(maxURL, "grant D:read", "<D:protected/>")), "no-protected-ace-conflict"},
		{aclBody(ok, ace(maxURL, "grant D:read", "<D:inherited><D:href>/dav/Team/</D:href></D:inherited>")), "no-inherited-ace-conflict"},
		{aclBody(`<D:ace><D:invert><D:principal><D:all/></D:principal></D:invert><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>`), "no-invert"},
		{aclBody(ok, ace(maxURL, "deny D:read")), "deny-before-grant"},
		{aclBody(ace(maxURL, "grant D:fly")), "not-supported-privilege"},
		{aclBody(ace(maxURL, "deny x:fly")), "not-supported-privilege"},
		{aclBody(ace("/principals/users/nobody/", "grant D:read")), "recognized-principal"},
		{aclBody(ace("/principals/users/", "grant D:read")), "recognized-principal"},
		{aclBody(ace("/principals/friends/max/", "grant D:read")), "recognized-principal"},
		{aclBody(ace("/dav/Team/HR/", "grant D:read")), "recognized-principal"},
		{aclBody(ace("http://other.example/principals/users/max/", "grant D:read")), "recognized-principal"},
		{aclBody(ace("mailto:max@example.org/", "grant D:read")), "recognized-principal"},
		{aclBody(ace("unauthenticated", "grant D:read")), "allowed-principal"},
		{aclBody(ace("self", "grant D:read")), "allowed-principal"},
		{aclBody(ace("property", "grant D:read")), "allowed-principal"},
		{aclBody(ace(maxURL, "grant D:read", "<x:weather>fine</x:weather>")), "no-ace-conflict"},
		{aclBody(ace(maxURL, "grant D:read", "<x:allow>all</x:allow>")), "no-ace-conflict"},
		{aclBody(ace(maxURL, "grant D:read", "<x:Deny>all</x:Deny>")), "no-ace-conflict"},
		{aclBody(ace(maxURL, "grant D:read", "<x:rank>9</x:rank>")), "no-ace-conflict"},
		{aclBody(ace(maxURL, "grant D:read", "<x:class>fridge</x:class>")), "no-ace-conflict"},
		{aclBody(ace(maxURL, "grant D:read", "<x:until>soon</x:until>")), "no-ace-conflict"},
		{aclBody(ace(maxURL, "grant D:read", "<x:from>9</x:from><x:until>8</x:until>")), "no-ace-conflict"},
		{aclBody(ace(maxURL, "grant D:read", "<x:revoke><D:privilege><D:read/></D:privilege></x:revoke>")), "no-ace-conflict"},
		{aclBody(slices.Repeat([]string{ok}, 1001)...), "limited-number-of-aces"},
	} {
		r := mona.Do("ACL", "/dav/Team/HR", row.body).Want(t, 403, `<D:error xmlns:D="DAV:"><D:`+row.element+`/></D:error>`)
		if after := entries(t, s, "/Team/HR"); !slices.Equal(after, before) || s.Store.Policy().Epoch != epoch {
			t.Fatalf("%s: %d, and the list became %+v", row.element, r.Status, after)
		}
	}
	mona.Do("ACL", "/dav/Team/HR", aclBody(ace(monaURL, "grant x:share"))).Want(t, 403, "<D:no-ace-conflict/>", "his own rights")
	mona.Do("ACL", "/dav/Team/HR", aclBody(ace("/principals/users/olivia/", "deny D:read"))).Want(t, 403, "<D:no-ace-conflict/>", "user:olivia")
	for _, body := range []string{"", "<a/>", `<propfind xmlns="DAV:"/>`, aclBody("<D:ace/>"), aclBody(ace(maxURL, "grant"))} {
		mona.Do("ACL", "/dav/Team/HR", body).Want(t, 400)
	}
	for _, path := range []string{"/", "/dav/", "/dav/shared/", "/principals/users/mona/"} {
		if allow := mona.Do("ACL", path, aclBody()).Want(t, 405).Header.Get("Allow"); strings.Contains(allow, "ACL") {
			t.Errorf("%s allows %s", path, allow)
		}
	}
	if allow := mona.Do("OPTIONS", "/dav/Team/HR", "").Header.Get("Allow"); !strings.Contains(allow, "ACL") || !strings.Contains(allow, "REPORT") {
		t.Errorf("a folder allows %s", allow)
	}
}

// Who may change a list, and what he may give: at most what he holds there.
func TestWhoChangesTheList(t *testing.T) {
	t.Parallel()
	s := managed(t)
	mona, mia := s.As("mona"), s.As("mia")
	tree(t, mona, "/dav/Team/hidden/")
	s.Entry("/Team/hidden", "group:staff", wall)
	read := aclBody(ace(zoeURL, "grant D:read"))
	mia.Do("ACL", "/dav/Team/HR/", read).Want(t, 403, "<D:need-privileges><D:resource><D:href>/dav/Team/HR</D:href><D:privilege><D:write-acl/></D:privilege></D:resource></D:need-privileges>")
	hidden, missing := mia.Do("ACL", "/dav/Team/hidden", read).Want(t, 404), mia.Do("ACL", "/dav/Team/absent", read).Want(t, 404)
	if faces(hidden, "hidden") != faces(missing, "absent") {
		t.Errorf("hidden:\n%s\nmissing:\n%s", faces(hidden, "hidden"), faces(missing, "absent"))
	}
	mona.Do("ACL", "/dav/Team/none", read).Want(t, 404)
	s.As("").Do("ACL", "/dav/Team/HR", read).Want(t, 401)

	// Mia manages HR and holds neither purge nor break-lock there.
	s.Entry("/Team/HR", "user:mia", policy.Entry{Allow: policy.Manage | policy.ReadACL})
	s.Entry("/Team/HR", "user:max", policy.Entry{Deny: policy.Purge})
	s.Entry("/Team/HR", "members", policy.Entry{Revoke: policy.BreakLock})
	own := ownAces(aclOf(t, mia, "/dav/Team/HR/"))
	with := func(more ...string) string { return aclBody(slices.Concat(own[:1], more, own[1:])...) }
	mia.Do("ACL", "/dav/Team/HR", with(ace(zoeURL, "grant D:read D:write"))).Want(t, 200)
	for _, refused := range []string{
		with(ace(zoeURL, "grant x:purge")), with(ace(zoeURL, "grant D:all")),
		with(ace("/principals/users/mia/", "grant D:read")),
		aclBody(own[1:]...), // the wall is gone
		aclBody(slices.DeleteFunc(slices.Clone(own), func(ace string) bool { return strings.Contains(ace, "revoke") })...),
		aclBody(slices.DeleteFunc(slices.Clone(own), func(ace string) bool { return strings.Contains(ace, "/mia/") })...),
	} {
		mia.Do("ACL", "/dav/Team/HR", refused).Want(t, 403, "<D:no-ace-conflict/>")
	}
	mona.Do("ACL", "/dav/Team/HR", aclBody(slices.Concat([]string{ace(staffURL, "deny x:purge")}, own)...)).Want(t, 200)

	phone := s.AsDevice("mona", auth.NewDevice{Name: "phone", Class: policy.Mobile, ReadOnly: true})
	phone.Do("ACL", "/dav/Team/HR", read).Want(t, 403, "<D:write-acl/>")
	s.Level("Team", "user:mona", "none")
	mona.Do("ACL", "/dav/Team/HR", read).Want(t, 404)
}

// RFC 3744, section 7.5: somebody else's lock keeps the list; and the order is
// right, lock, condition, then what the list says.
func TestACLAndLocks(t *testing.T) {
	t.Parallel()
	s := managed(t)
	s.Level("Team", "user:max", "manager")
	mona, max := s.As("mona"), s.As("max")
	token := take(t, mona, "/dav/Team/HR", exclusive)
	const stale = `"stale"`
	bad := aclBody(ace("self", "grant D:read"))
	s.As("zoe").Do("ACL", "/dav/Team/HR", bad, "If-Match", stale).Want(t, 404)
	s.As("mia").Do("ACL", "/dav/Team/HR", bad, "If-Match", stale).Want(t, 403, "write-acl")
	for _, path := range []string{"/dav/Team/HR", "/dav/Team/HR/plan.txt"} {
		max.Do("ACL", path, bad, "If-Match", stale).Want(t, 423, "lock-token-submitted")
		max.Do("ACL", path, bad, "If", "(<"+token+">)").Want(t, 423)
		mona.Do("ACL", path, aclBody()).Want(t, 423)
		mona.Do("ACL", path, bad, "If", "(<"+token+">)", "If-Match", stale).Want(t, 412)
		mona.Do("ACL", path, bad, "If", "(<"+token+`> ["stale"])`).Want(t, 412)
		mona.Do("ACL", path, bad, "If", "(<"+token+">)").Want(t, 403, "allowed-principal")
		mona.Do("ACL", path, aclBody(ace(zoeURL, "grant D:read")), "If", "(<"+token+">)").Want(t, 200)
	}
}

// A list that somebody else changed meanwhile is not overwritten: If-Match takes
// the tag of the list, and of a file its ETag too.
func TestACLLostUpdate(t *testing.T) {
	t.Parallel()
	s := managed(t)
	mona := s.As("mona")
	tag := func(path string) string {
		t.Helper()
		return find(t, mona, path, `<acl-etag xmlns="urn:davit"/>`).found["urn:davit acl-etag"]
	}
	for _, path := range []string{"/dav/Team/HR/", "/dav/Team/HR/plan.txt"} {
		first := tag(path)
		if first != tag(path) || !strings.HasPrefix(first, `"acl-`) {
			t.Errorf("%s: tags %s and %s", path, first, tag(path))
		}
		mona.Do("ACL", path, aclBody(ace(zoeURL, "grant D:read")), "If-Match", first).Want(t, 200)
		second := tag(path)
		mona.Do("ACL", path, aclBody(), "If-Match", first).Want(t, 412)
		mona.Do("ACL", path, aclBody(), "If-Match", `"stale"`).Want(t, 412)
		mona.Do("ACL", path, aclBody(), "If-None-Match", second).Want(t, 412)
		mona.Do("ACL", path, aclBody(), "If-None-Match", "*").Want(t, 412)
		if second == first || second != tag(path) {
			t.Errorf("%s: tags %s, %s, %s", path, first, second, tag(path))
		}
		mona.Do("ACL", path, aclBody(), "If-Match", "*", "If-None-Match", first+`, "x"`).Want(t, 200)
		if tag(path) != first {
			t.Errorf("%s: the same list has the tags %s and %s", path, first, tag(path))
		}
	}
	etag := mona.Do("HEAD", "/dav/Team/HR/plan.txt", "").Header.Get("Etag")
	mona.Do("ACL", "/dav/Team/HR/plan.txt", aclBody(ace(zoeURL, "grant D:read")), "If-Match", etag).Want(t, 200)
	if after := mona.Do("HEAD", "/dav/Team/HR/plan.txt", "").Header.Get("Etag"); after != etag {
		t.Errorf("the ETag of a file changes with its list: %s, %s", etag, after)
	}
	// A line above counts here, and so does a cut.
	before := tag("/dav/Team/HR/plan.txt")
	s.Level("Team", "user:zoe", "viewer")
	between := tag("/dav/Team/HR/plan.txt")
	s.ChangeAt("/Team/HR", func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
		return []policy.Change{policy.SetCut{At: at, On: true}}, nil
	})
	if after := tag("/dav/Team/HR/plan.txt"); before == between || between == after {
		t.Errorf("tags %s, %s, %s", before, between, after)
	}
	// A change elsewhere refuses nobody.
	last := tag("/dav/Team/HR/plan.txt")
	s.Entry("/Team/HR/public", "user:zoe", policy.Entry{Allow: policy.Add})
	mona.Do("ACL", "/dav/Team/HR/plan.txt", aclBody(), "If-Match", last).Want(t, 200)
}
