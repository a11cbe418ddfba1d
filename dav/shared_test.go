package dav_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// neighbours are mia, who keeps ~mia/a/b/plans with a.txt and hides the rest, and
// max, nils and the guest gus.
func neighbours(t *testing.T) *davtest.Server {
	t.Helper()
	s := davtest.Start(t, "ann", "mia", "max", "nils")
	s.User("gus", policy.Guest)
	s.Group("staff", "user:max")
	tree(t, s.As("mia"), "/dav/home/a/", "/dav/home/a/secret.txt", "/dav/home/a/b/", "/dav/home/a/b/plans/", "/dav/home/a/b/plans/a.txt")
	return s
}

// What others share of their drives stands below their names, at one URL, with
// the way down to it and nothing beside.
func TestShared(t *testing.T) {
	t.Parallel()
	s := neighbours(t)
	max := s.As("max")
	sameList(t, "before", hrefs(t, max.Do("PROPFIND", "/dav/shared/", "", "Depth", "infinity")), []string{"/dav/shared/"})
	sh := s.Share("mia", "~mia/a/b/plans", "user:max", "level:editor")
	const top = "/dav/shared/mia/a/b/plans/"
	want := []string{"/dav/shared/", "/dav/shared/mia/", "/dav/shared/mia/a/", "/dav/shared/mia/a/b/", top, top + "a.txt"}
	sameList(t, "shared", hrefs(t, max.Do("PROPFIND", "/dav/shared/", "", "Depth", "infinity")), want)
	for _, from := range []string{"/", "/dav/"} {
		if got := hrefs(t, max.Do("PROPFIND", from, "", "Depth", "infinity")); !slices.Contains(got, top+"a.txt") {
			t.Errorf("%s lists %q", from, got)
		}
	}
	max.Do("GET", "/dav/shared/", "").Want(t, 200, `href="/dav/shared/mia/"`)
	max.Do("GET", "/dav/shared/mia/a/secret.txt", "").Want(t, 404)
	max.Do("PUT", top+"a.txt", "of max").Want(t, 204)
	max.Do("PUT", top+"new.txt", "new").Want(t, 201)
	max.Do("MKCOL", top+"dir", "").Want(t, 201)
	max.Do("MOVE", top+"new.txt", "", "Destination", top+"dir/new.txt").Want(t, 201)
	max.Do("COPY", top+"dir", "", "Destination", "/dav/home/copied").Want(t, 201)
	max.Do("MOVE", top+"dir/new.txt", "", "Destination", "/dav/home/moved.txt").Want(t, 201)
	max.Do("COPY", "/dav/home/moved.txt", "", "Destination", top+"back.txt").Want(t, 201)
	max.Do("PUT", "/dav/shared/mia/a/x.txt", "x").Want(t, 403, "<D:href>/dav/shared/mia/a</D:href>")
	s.As("mia").Do("GET", "/dav/home/a/b/plans/a.txt", "").Want(t, 200, "of max")
	token := take(t, max, top+"a.txt", exclusive)
	s.As("mia").Do("PUT", "/dav/home/a/b/plans/a.txt", "x").Want(t, 423, "<D:href>/dav/home/a/b/plans/a.txt</D:href>")
	max.Do("PUT", top+"a.txt", "x", "If", "</dav/shared/mia/a/b/plans/a.txt> (<"+token+">)").Want(t, 204)

	// The end: at once, and with the locks that were taken by it.
	s.Unshare(sh)
	for _, path := range []string{top, top + "a.txt", "/dav/shared/mia/"} {
		max.Do("GET", path, "").Want(t, 404)
		max.Do("PROPFIND", path, "", "Depth", "0").Want(t, 404)
	}
	max.Do("PROPFIND", "/dav/shared/", "", "Depth", "infinity").Want(t, 207, "!mia")
	s.As("mia").Do("PUT", "/dav/home/a/b/plans/a.txt", "x").Want(t, 204)
}

// A drive that shows nothing answers as that of somebody who does not exist; so
// do the asker's own, which is at home, and a name in other letters.
func TestSharedIsOneURL(t *testing.T) {
	t.Parallel()
	s := neighbours(t)
	s.Share("mia", "~mia/a/b/plans", "user:max", "level:editor")
	max := s.As("max")
	tree(t, max, "/dav/home/mine.txt")
	for _, pair := range [][2]string{
		{"/dav/shared/ann", "/dav/shared/zoe"}, {"/dav/shared/gus", "/dav/shared/zoe"}, {"/dav/shared/max", "/dav/shared/zoe"},
		{"/dav/shared/MIA", "/dav/shared/ZOE"}, {"/dav/shared/ANN", "/dav/shared/ZOE"}, {"/dav/shared/~mia", "/dav/shared/~zoe"},
		{"/dav/shared/mia/a/secret.txt", "/dav/shared/mia/a/absent.txt"}, {"/dav/~mia", "/dav/~zoe"},
	} {
		for _, p := range probes {
			if p.creates && strings.Contains(pair[0], "secret") {
				continue
			}
			answer := func(name string) string {
				headers := make([]string, len(p.headers))
				for i, h := range p.headers {
					headers[i] = strings.ReplaceAll(h, "NAME", name)
				}
				return faces(max.Do(p.method, strings.ReplaceAll(p.path, "NAME", name), p.body, headers...), name)
			}
			if hidden, missing := answer(pair[0]), answer(pair[1]); hidden != missing {
				t.Errorf("%s %s %v\nanswers:\n%s\nand %s:\n%s", p.method, pair[0], p.headers, hidden, pair[1], missing)
			}
		}
	}
}

// A share with a group reaches its members, at the next request after they join;
// one with members no guest; one of a whole drive is the drive.
func TestSharedWithGroups(t *testing.T) {
	t.Parallel()
	s := neighbours(t)
	const path = "/dav/shared/mia/a/b/plans/a.txt"
	s.Share("mia", "~mia/a/b/plans", "group:staff", "level:viewer")
	s.As("max").Do("GET", path, "").Want(t, 200)
	s.As("nils").Do("GET", path, "").Want(t, 404)
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		return []policy.Change{policy.Join{Group: p.GroupNamed("staff").ID, Member: p.UserNamed("nils").ID}}, nil
	})
	s.As("nils").Do("GET", path, "").Want(t, 200)
	s.Share("nils", "~nils", "members", "level:editor")
	s.As("max").Do("PUT", "/dav/shared/nils/x.txt", "x").Want(t, 201)
	s.As("max").Do("PROPFIND", "/dav/shared/nils/", "", "Depth", "1").Want(t, 207, "x.txt")
	s.As("gus").Do("PROPFIND", "/dav/shared/", "", "Depth", "infinity").Want(t, 207, "!nils", "!mia")
	s.Share("mia", "~mia/a/b/plans", "user:gus", "level:editor+share")
	gus := s.As("gus")
	gus.Do("PUT", path, "of gus").Want(t, 204)
	session := s.Store.Login(store.Credential{User: s.Store.Policy().UserNamed("gus").ID, Mask: policy.All, Class: policy.DAV})
	if _, err := session.Share(context.Background(), store.Path{"~mia", "a", "b", "plans"}, policy.Share{To: s.Store.Policy().UserNamed("nils").ID, Rights: policy.See}); err == nil {
		t.Error("a guest shares on")
	}
}

// Nobody hands on more than he got, nor after it was taken from him.
func TestReshare(t *testing.T) {
	t.Parallel()
	s := neighbours(t)
	ctx := context.Background()
	state := s.Store.Policy
	as := func(name string) *store.Session {
		return s.Store.Login(store.Credential{User: state().UserNamed(name).ID, Mask: policy.All, Class: policy.DAV})
	}
	plans := store.Path{"~mia", "a", "b", "plans"}
	terms := func(to, rights string) policy.Share {
		r, err := policy.ParseRights(rights)
		if err != nil {
			t.Fatal(err)
		}
		return policy.Share{To: state().UserNamed(to).ID, Rights: r}
	}
	first, err := as("mia").Share(ctx, plans, terms("max", "see,read,share"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := as("max").Share(ctx, plans, terms("nils", "see,read,write")); !errors.Is(err, policy.ErrForbidden) {
		t.Errorf("max hands on what he did not get: %v", err)
	}
	if _, err := as("max").Share(ctx, plans[:2], terms("nils", "see")); err == nil {
		t.Error("max hands on the way to what he got")
	}
	if _, err := as("max").Share(ctx, append(plans, "a.txt"), terms("nils", "see,read")); err != nil {
		t.Errorf("max does not hand on a part: %v", err)
	}
	nils := s.As("nils")
	const path = "/dav/shared/mia/a/b/plans/a.txt"
	nils.Do("GET", path, "").Want(t, 200)
	nils.Do("GET", "/dav/shared/mia/a/b/plans/", "").Want(t, 200) // the way
	s.Unshare(first)
	nils.Do("GET", path, "").Want(t, 404)
	var refused *store.Refused
	for _, p := range []store.Path{plans, {"~mia", "none"}} {
		if _, err := as("max").Share(ctx, p, terms("nils", "see")); !errors.Is(err, store.ErrNotFound) || errors.As(err, &refused) {
			t.Errorf("sharing %s, which max does not see: %v", p, err)
		}
	}
}

// An upload into somebody's folder is charged to the owner, and refused at its end
// when the share is over by then.
func TestSharedUpload(t *testing.T) {
	t.Parallel()
	s := neighbours(t)
	const top = "/dav/shared/mia/a/b/plans/"
	sh := s.Share("mia", "~mia/a/b/plans", "user:max", "level:editor")
	s.Quota("~mia", 2*large)
	max := s.As("max")
	max.Do("PUT", top+"big.bin", content("x", large)).Want(t, 201)
	max.Do("PUT", top+"more.bin", content("y", large)).Want(t, 507, "quota-not-exceeded")
	up, begun := max.Upload(top+"late.bin", large/2)
	if !begun {
		t.Fatal("refused")
	}
	defer up.Close()
	up.Say(content("x", large/4))
	s.Unshare(sh)
	up.Say(content("x", large/2-large/4))
	if r := up.Answer(); r.Status != 404 && r.Status != 409 {
		t.Errorf("the upload ends with %d", r.Status)
	}
	s.As("mia").Do("GET", "/dav/home/a/b/plans/late.bin", "").Want(t, 404)
	if used := find(t, max, "/dav/home/", "<quota-used-bytes/>").found["quota-used-bytes"]; used != "0" {
		t.Errorf("%s bytes are charged to max", used)
	}
}

// The access list of a folder tells every share and link that leads to it.
func TestSharesInACL(t *testing.T) {
	t.Parallel()
	s := neighbours(t)
	s.Share("mia", "~mia/a/b/plans", "group:staff", "see,read")
	s.Link("mia", "~mia/a", davtest.NewLink{})
	mia := s.As("mia")
	const plans = "/dav/home/a/b/plans/"
	aces := aclOf(t, mia, plans)
	if own := ownAces(aces); len(own) > 0 {
		t.Errorf("a client would send back %q", own)
	}
	for _, part := range []string{"/principals/groups/staff/", "<D:protected/>", `:share xmlns:x="urn:davit">`} {
		if !strings.Contains(aces[0], part) || strings.Contains(aces[0], "inherited") {
			t.Errorf("the first line lacks %s:\n%s", part, aces[0])
		}
	}
	all := strings.Join(aclOf(t, mia, plans), "\n")
	if !strings.Contains(all, "<D:unauthenticated/>") || !strings.Contains(all, "<D:protected/><D:inherited><D:href>/dav/home/a/</D:href></D:inherited>") {
		t.Errorf("the link above is not told:\n%s", all)
	}
	// What is told of others' drives stands where they are.
	s.Entry("~mia/a/b", "user:max", policy.Entry{Allow: policy.See | policy.Read | policy.ReadACL})
	all = strings.Join(aclOf(t, s.As("max"), "/dav/shared/mia/a/b/plans/"), "\n")
	for _, href := range []string{"/dav/shared/mia/a/b/", "/dav/shared/mia/a/", "/dav/shared/mia/"} {
		if !strings.Contains(all, "<D:inherited><D:href>"+href+"</D:href></D:inherited>") {
			t.Errorf("nothing is inherited from %s:\n%s", href, all)
		}
	}
	if strings.Contains(all, "<D:href>/dav/shared/</D:href>") {
		t.Errorf("something is inherited from above the drive:\n%s", all)
	}
	// The list is put back without what is protected.
	mia.Do("ACL", plans, aclBody()).Want(t, 200)
	s.As("max").Do("GET", "/dav/shared/mia/a/b/plans/a.txt", "").Want(t, 200)
}
