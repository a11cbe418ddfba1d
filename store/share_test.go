package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A neighbourhood is mia, who keeps ~mia/plans/a, and max, who gets something of
// it; both are in Team, which mia manages.
func newNeighbourhood(t *testing.T) (*office, *clock) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia max nils", "Team mia=manager max=editor")
	s := of.as("mia")
	of.mkdir(s, "~mia/plans", "~mia/other", "/Team/open")
	of.put(s, "~mia/plans/a", []byte("a"))
	return of, c
}

func (of *office) share(by, path, to string, rights policy.Rights) policy.Share {
	of.t.Helper()
	sh, err := of.as(by).Share(ctx, split(path), policy.Share{To: of.user(to), Rights: rights})
	if err != nil {
		of.t.Fatal(err)
	}
	return sh
}

// link makes a link whose token is a text.
func (of *office) link(by, path, token string, terms policy.Share, n NewLink) policy.Share {
	of.t.Helper()
	n.Token = sha256.Sum256([]byte(token))
	sh, err := of.as(by).Link(ctx, split(path), terms, n)
	if err != nil {
		of.t.Fatal(err)
	}
	return sh
}

func (of *office) bearer(sh policy.Share) *Session {
	return of.st.Login(Credential{Link: sh.ID, Mask: policy.All, Class: policy.DAV})
}

// records are the link records and tokens that are kept.
func (of *office) records() (links, tokens int) {
	of.t.Helper()
	err := of.st.db.View(func(r engine.Reader) (err error) {
		if links, err = count(r, tableLink); err == nil {
			tokens, err = count(r, tableToken)
		}
		return err
	})
	if err != nil {
		of.t.Fatal(err)
	}
	return links, tokens
}

const reading = policy.See | policy.Read

// TestShareIsDecided: sharing passes the gate like every other operation, and
// policy judges what it gives.
func TestShareIsDecided(t *testing.T) {
	of, _ := newNeighbourhood(t)
	before := of.st.Policy()
	terms := policy.Share{To: of.user("nils"), Rights: reading}
	narrow := of.st.Login(Credential{User: of.user("mia"), Mask: policy.ReadOnly, Class: policy.DAV})
	elsewhere := of.st.Login(Credential{User: of.user("mia"), Mask: policy.All, Class: policy.DAV, Spaces: []policy.ID{of.st.Policy().SpaceNamed("Team").ID}})
	for _, row := range []struct {
		name  string
		s     *Session
		path  string
		terms policy.Share
		want  error
	}{
		{"what is hidden", of.as("max"), "~mia/plans", terms, ErrNotFound},
		{"what is not there", of.as("max"), "~mia/none", terms, ErrNotFound},
		{"without the right", of.as("max"), "/Team/open", terms, new(Refused)},
		{"by a credential that reads", narrow, "~mia/plans", terms, new(Refused)},
		{"by a credential for another space", elsewhere, "~mia/plans", terms, ErrNotFound},
		{"with oneself", of.as("mia"), "~mia/plans", policy.Share{To: of.user("mia"), Rights: reading}, ErrInvalid},
		{"with nobody", of.as("mia"), "~mia/plans", policy.Share{To: 1 << 40, Rights: reading}, ErrNotFound},
		{"nothing", of.as("mia"), "~mia/plans", policy.Share{To: of.user("max")}, ErrInvalid},
		{"what no share gives", of.as("mia"), "~mia/plans", policy.Share{To: of.user("max"), Rights: policy.Manage}, ErrInvalid},
		{"by nobody", of.st.Login(Credential{Mask: policy.All}), "~mia/plans", terms, ErrNotFound},
	} {
		_, err := row.s.Share(ctx, split(row.path), row.terms)
		var refused *Refused
		if _, denied := row.want.(*Refused); denied && !errors.As(err, &refused) || !denied && !errors.Is(err, row.want) {
			t.Errorf("sharing %s: %v instead of %v", row.name, err, row.want)
		}
		if _, err := row.s.Link(ctx, split(row.path), policy.Share{Rights: policy.Manage}, NewLink{}); err == nil {
			t.Errorf("linking %s goes through", row.name)
		}
	}
	if of.st.Policy() != before {
		t.Error("the policy changed")
	}
	if links, tokens := of.records(); links+tokens != 0 {
		t.Errorf("%d links and %d tokens are left", links, tokens)
	}
}

// TestShareBy: what the terms say of the giver, the time and the ID does not count.
func TestShareBy(t *testing.T) {
	of, c := newNeighbourhood(t)
	sh, err := of.as("mia").Share(ctx, split("~mia/plans"), policy.Share{ID: 20, By: of.user("max"), Made: 1, To: of.user("nils"), Rights: reading})
	if err != nil || sh.By != of.user("mia") || sh.Made != c.Now().Unix() || sh.ID == 20 {
		t.Errorf("%+v (%v)", sh, err)
	}
	as := of.st.Operator().As(policy.Subject{User: of.user("mia"), Mask: policy.All, Class: policy.Web}, "test")
	if sh, err = as.Share(ctx, split("~mia/plans"), policy.Share{By: of.user("max"), To: of.user("nils"), Rights: reading}, nil); err != nil || sh.By != of.user("mia") {
		t.Errorf("%+v (%v)", sh, err)
	}
	if _, err := of.st.Operator().Share(ctx, split("~mia/plans"), policy.Share{By: of.user("mia"), To: of.user("nils"), Rights: reading}, nil); err == nil {
		t.Error("the operator shares in nobody's name")
	}
}

// TestLinkLife: a link without an end gets the longest life there is.
func TestLinkLife(t *testing.T) {
	of, c := newNeighbourhood(t)
	const day = 24 * 60 * 60
	now := c.Now().Unix()
	for i, row := range []struct{ settings, profile, until, want int64 }{
		{90, 0, 0, now + 90*day}, {0, 0, 0, 0}, {0, 7, 0, now + 7*day}, {30, 7, 0, now + 7*day}, {30, 0, now + 5, now + 5},
	} {
		set := policy.DefaultSettings
		set.LinkDays = row.settings
		profile := *of.st.Policy().ProfileNamed("standard")
		profile.LinkDays = row.profile
		of.change(policy.PutSettings{Settings: set}, policy.PutProfile{Profile: profile})
		sh := of.link("mia", "~mia/plans", fmt.Sprint(i), policy.Share{Rights: reading, Until: row.until}, NewLink{})
		if sh.Until != row.want {
			t.Errorf("%+v: it ends at %d", row, sh.Until)
		}
		if sh := of.share("mia", "~mia/plans", "max", reading); sh.Until != 0 {
			t.Errorf("%+v: a share with somebody ends at %d", row, sh.Until)
		}
	}
	of.link("mia", "~mia/plans", "twice", policy.Share{Rights: reading}, NewLink{})
	if _, err := of.as("mia").Link(ctx, split("~mia/plans"), policy.Share{Rights: reading}, NewLink{Token: sha256.Sum256([]byte("twice"))}); !errors.Is(err, ErrExists) {
		t.Errorf("a token twice: %v", err)
	}
}

// TestLinkRecordsGo: whatever ends a link takes its token along, in the same
// transaction.
func TestLinkRecordsGo(t *testing.T) {
	for name, end := range map[string]func(*office, policy.Share){
		"unshared by its giver": func(of *office, sh policy.Share) { must(of.t, of.as("mia").Unshare(ctx, sh.ID)) },
		"ended by the operator": func(of *office, sh policy.Share) { of.change(policy.DropShare{ID: sh.ID}) },
		"moved to another space": func(of *office, _ policy.Share) {
			_, err := of.as("mia").Move(ctx, split("~mia/plans"), split("/Team/plans"), false, Terms{})
			must(of.t, err)
		},
		"its node is forgotten": func(of *office, sh policy.Share) {
			_, at := of.st.Policy().Share(sh.ID)
			of.change(policy.DropNodes{Nodes: at.Path[1:]})
		},
		"its giver is deleted": func(of *office, _ policy.Share) {
			mia := *of.st.Policy().User(of.user("mia"))
			mia.Inactive = true
			of.change(policy.PutUser{User: mia})
			must(of.t, of.st.Operator().RemoveUser(ctx, mia.ID, policy.Nobody))
		},
	} {
		t.Run(name, func(t *testing.T) {
			of, _ := newNeighbourhood(t)
			sh := of.link("mia", "~mia/plans", "token", policy.Share{Rights: reading}, NewLink{})
			bearer := of.bearer(sh)
			if _, err := of.st.Link(sha256.Sum256([]byte("token"))); err != nil {
				t.Fatal(err)
			}
			end(of, sh)
			if links, tokens := of.records(); links+tokens != 0 {
				t.Errorf("%d links and %d tokens are left", links, tokens)
			}
			if _, err := of.st.Link(sha256.Sum256([]byte("token"))); !errors.Is(err, ErrNotFound) {
				t.Errorf("the token answers %v", err)
			}
			if _, _, err := bearer.Root(); !errors.Is(err, ErrNotFound) {
				t.Errorf("its bearer finds the root: %v", err)
			}
			of.reopen()
		})
	}
}

// TestBearerIsConfined: a link's session resolves nothing but what it shares, in
// every operation, whatever lists give to all links.
func TestBearerIsConfined(t *testing.T) {
	of, _ := newNeighbourhood(t)
	sh := of.link("mia", "~mia/plans", "token", policy.Share{Rights: reading | policy.Add | policy.Write | policy.Props | policy.Delete}, NewLink{})
	of.changeAt("~mia", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: policy.Links, Allow: policy.All}}
	})
	of.put(of.as("mia"), "~mia/other/x", []byte("x"))
	s := of.bearer(sh)
	for _, p := range []string{"~mia", "~mia/other", "~mia/other/x", "~mia/none", "/Team", "/Team/open", "/None"} {
		path := split(p)
		look := func(err error) {
			t.Helper()
			var refused *Refused
			if err == nil || errors.As(err, &refused) {
				t.Errorf("%s: %v", p, err)
			}
		}
		_, err := s.Stat(path, Want{})
		look(err)
		_, _, err = s.List(path, "", 10, Want{})
		look(err)
		_, err = s.Open(path, Terms{})
		look(err)
		_, err = s.Mkdir(ctx, append(path, "new"), Terms{})
		look(err)
		_, err = s.Begin(append(path, "new"), 1, Terms{})
		look(err)
		look(s.Remove(ctx, path, Terms{}))
		look(s.SetProps(ctx, path, nil, time.Time{}, Terms{}))
		_, _, err = s.Lock(ctx, path, LockRequest{}, Terms{})
		look(err)
		look(s.Unlock(ctx, path, "urn:uuid:x"))
		_, err = s.Refresh(ctx, path, 0, Terms{})
		look(err)
		_, err = s.Copy(ctx, split("~mia/plans/a"), append(path, "copy"), true, false, Terms{})
		look(err)
		_, err = s.Move(ctx, split("~mia/plans/a"), append(path, "moved"), true, Terms{})
		look(err)
		_, err = s.Copy(ctx, path, split("~mia/plans/copy"), true, false, Terms{})
		look(err)
		_, err = s.Share(ctx, path, policy.Share{To: of.user("max"), Rights: reading})
		look(err)
		look(s.SetACL(ctx, path, NewACL{}, Terms{}))
		_, err = s.SharesAt(path)
		look(err)
	}
	if _, err := s.Share(ctx, split("~mia/plans"), policy.Share{To: of.user("max"), Rights: reading}); err == nil {
		t.Error("a bearer shares on")
	}
	if spaces, err := s.Spaces(Want{}); len(spaces) > 0 || err != nil {
		t.Errorf("a bearer sees spaces %v (%v)", spaces, err)
	}
	if drives, err := s.Drives(Want{}); len(drives) > 0 || err != nil {
		t.Errorf("a bearer sees drives %v (%v)", drives, err)
	}
	if _, err := s.Stat(split("~mia/plans/a"), Want{}); err != nil {
		t.Error(err)
	}
}

// TestUnshare: the giver, who got it and who manages the place end a share, and
// no other.
func TestUnshare(t *testing.T) {
	of, _ := newNeighbourhood(t)
	for _, row := range []struct {
		who  string
		ends bool
	}{{"nils", false}, {"max", true}, {"mia", true}} {
		sh := of.share("mia", "~mia/plans", "max", reading)
		if err := of.as(row.who).Unshare(ctx, sh.ID); (err == nil) != row.ends {
			t.Errorf("%s ends it: %v", row.who, err)
		}
		if got, _ := of.st.Policy().Share(sh.ID); (got == nil) != row.ends {
			t.Errorf("%s: the share is %v", row.who, got)
		}
	}
	sh := of.share("mia", "~mia/plans", "max", reading)
	narrow := of.st.Login(Credential{User: of.user("mia"), Mask: policy.ReadOnly, Class: policy.DAV})
	if err := narrow.Unshare(ctx, sh.ID); !errors.Is(err, policy.ErrForbidden) {
		t.Errorf("a credential that reads ends it: %v", err)
	}
	link := of.link("mia", "~mia/plans", "token", policy.Share{Rights: reading}, NewLink{})
	for _, id := range []policy.ID{sh.ID, link.ID} {
		if err := of.bearer(link).Unshare(ctx, id); err == nil {
			t.Error("a bearer ends a share")
		}
	}
}

// TestListsOfShares: everybody sees what he gave and got, and who reads the lists
// of a place all that is shared there.
func TestListsOfShares(t *testing.T) {
	of, c := newNeighbourhood(t)
	one := of.share("mia", "~mia/plans", "max", reading)
	two := of.share("mia", "/Team/open", "nils", reading)
	link := of.link("mia", "~mia/plans", "token", policy.Share{Rights: reading}, NewLink{DownloadsMax: 3})
	want := func(what string, got []Shared, err error, lines ...string) {
		t.Helper()
		var told []string
		for _, sh := range got {
			told = append(told, strings.TrimSpace(fmt.Sprintf("%d %s %s", sh.ID-one.ID, sh.Path, sh.Asleep)))
		}
		if err != nil || !slices.Equal(told, lines) {
			t.Errorf("%s: %q instead of %q (%v)", what, told, lines, err)
		}
	}
	id := func(sh policy.Share) string { return fmt.Sprint(sh.ID - one.ID) }
	got, err := of.as("mia").Given()
	want("given by mia", got, err, id(one)+" ~mia/plans", id(two)+" /Team/open", id(link)+" ~mia/plans")
	if got[2].DownloadsMax != 3 {
		t.Errorf("the link allows %d downloads", got[2].DownloadsMax)
	}
	got, err = of.as("max").Given()
	want("given by max", got, err)
	got, err = of.as("max").Received()
	want("received by max", got, err, id(one)+" ~mia/plans")
	got, err = of.as("mia").SharesAt(split("~mia/plans/a"))
	want("at a file of mia's, to mia", got, err, id(one)+" ~mia/plans", id(link)+" ~mia/plans")
	got, err = of.as("max").SharesAt(split("~mia/plans/a"))
	want("at a file of mia's, to max", got, err)
	if _, err = of.as("nils").SharesAt(split("~mia/plans/a")); !errors.Is(err, ErrNotFound) {
		t.Errorf("at a file of mia's, to nils: %v", err)
	}
	// What max sees anyway tells of no share that is over.
	over, err := of.as("mia").Share(ctx, split("/Team/open"), policy.Share{To: of.user("max"), Rights: reading, Until: c.Now().Unix() + 60})
	must(t, err)
	got, err = of.as("max").Received()
	want("received by max", got, err, id(one)+" ~mia/plans", id(over)+" /Team/open")
	c.advance(time.Minute)
	got, err = of.as("max").Received()
	want("received by max, a minute later", got, err, id(one)+" ~mia/plans")
	must(t, of.as("mia").Unshare(ctx, over.ID))

	must(t, of.as("mia").Remove(ctx, split("~mia/plans"), Terms{}))
	got, err = of.as("mia").Given()
	want("given by mia, in the trash", got, err, id(one)+" / "+asleepInTrash, id(two)+" /Team/open", id(link)+" / "+asleepInTrash)
	got, err = of.as("max").Received()
	want("received by max, in the trash", got, err)
	gone := *of.st.Policy().SpaceNamed("Team")
	gone.State = policy.Archived
	of.change(policy.PutSpace{Space: gone})
	got, err = of.as("nils").Received()
	want("received by nils of an archived space", got, err)
}

// TestCountedDownloads: what links without a limit handed out is kept when the
// store is closed, and a limit is kept at once.
func TestCountedDownloads(t *testing.T) {
	of, _ := newNeighbourhood(t)
	free := of.link("mia", "~mia/plans", "free", policy.Share{Rights: reading}, NewLink{})
	limited := of.link("mia", "~mia/plans", "limited", policy.Share{Rights: reading}, NewLink{DownloadsMax: 2})
	download := func(sh policy.Share) error {
		f, err := of.bearer(sh).Open(split("~mia/plans/a"), Terms{})
		if err != nil {
			return err
		}
		return errors.Join(f.Count(ctx), f.Close())
	}
	for range 3 {
		must(t, download(free))
	}
	must(t, download(limited))
	of.close() // without the rest of the test's care
	of.start()
	must(t, download(limited))
	if err := download(limited); !errors.Is(err, ErrNotFound) {
		t.Errorf("a third download of two: %v", err)
	}
	list, err := of.as("mia").Given()
	if err != nil || len(list) != 2 || list[0].Downloads != 3 || list[1].Downloads != 2 || list[1].Asleep == "" {
		t.Errorf("counted are %+v (%v)", list, err)
	}
	f, err := of.as("mia").Open(split("~mia/plans/a"), Terms{})
	must(t, err)
	if must(t, errors.Join(f.Count(ctx), f.Close())); f.Limited() {
		t.Error("mia's own download is limited")
	}
}
