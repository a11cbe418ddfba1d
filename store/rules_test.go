package store

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"davit/policy"
)

// account edits somebody's account.
func (of *office) account(name string, edit func(*policy.User)) {
	of.t.Helper()
	u := *of.st.Policy().User(of.user(name))
	edit(&u)
	of.change(policy.PutUser{User: u})
}

// TestIdleLocks: a lock whose holder may no longer write stands in nobody's way.
// It is not shown, ends by anybody's UNLOCK, and never comes back beside another.
func TestIdleLocks(t *testing.T) {
	const file = "/Team/dir/file"
	for name, row := range map[string]struct{ lose, regain func(*office) }{
		"deactivated": {
			func(of *office) { of.account("mia", func(u *policy.User) { u.Inactive = true }) },
			func(of *office) { of.account("mia", func(u *policy.User) { u.Inactive = false }) }},
		"expired": {
			func(of *office) { of.account("mia", func(u *policy.User) { u.Until = 1 }) },
			func(of *office) { of.account("mia", func(u *policy.User) { u.Until = 0 }) }},
		"a level less": {func(of *office) { of.level("Team", "mia", "viewer") }, func(of *office) { of.level("Team", "mia", "editor") }},
		"no level":     {func(of *office) { of.level("Team", "mia", "none") }, func(of *office) { of.level("Team", "mia", "editor") }},
		"a wall": {
			func(of *office) {
				of.changeAt("/Team/dir", func(at policy.Place) policy.Change {
					return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("mia"), Deny: policy.Write}}
				})
			},
			func(of *office) {
				of.changeAt("/Team/dir", func(at policy.Place) policy.Change { return policy.ClearEntries{Node: at.Path[1]} })
			}},
	} {
		t.Run(name, func(t *testing.T) {
			of, mia, max, _, _ := lockOffice(t)
			l := of.lock(mia, file, LockRequest{})
			deep := of.lock(mia, "/Team/dir/sub", LockRequest{Infinite: true})
			of.wantLocked("before", touch(max, file, Terms{}), true)
			row.lose(of)
			of.wantLocked("a put", touch(max, file, Terms{}), false)
			of.wantLocked("a put below", touch(max, "/Team/dir/sub/deep", Terms{}), false)
			if info, err := max.Stat(split(file), Want{Locks: true}); err != nil || len(info.Locks) > 0 {
				t.Errorf("shown: %v (%v)", info.Locks, err)
			}
			if err := max.Unlock(ctx, split("/Team/dir/sub/deep"), deep.Token); err != nil {
				t.Errorf("unlock by another: %v", err)
			}
			other := of.lock(max, file, LockRequest{})
			row.regain(of)
			of.wantLocked("the old holder's put", touch(mia, file, holding(l.Token)), true)
			of.wantLocked("the new holder's put", touch(max, file, holding(other.Token)), false)
			of.wantLocked("a put below, unlocked", touch(mia, "/Team/dir/sub/deep", Terms{}), false)
			if found := of.clean(); found.Locks != 1 {
				t.Errorf("%d locks are kept, want one", found.Locks)
			}
		})
	}
}

// TestIdleLockBelow: an idle lock does not stand in the way of a lock on all
// below, nor does it come back below it.
func TestIdleLockBelow(t *testing.T) {
	of, mia, max, _, _ := lockOffice(t)
	l := of.lock(mia, "/Team/dir/sub/deep", LockRequest{})
	of.level("Team", "mia", "viewer")
	all := of.lock(max, "/Team/dir", LockRequest{Infinite: true})
	of.level("Team", "mia", "editor")
	of.wantLocked("the old holder's put", touch(mia, "/Team/dir/sub/deep", holding(l.Token)), true)
	of.wantLocked("the new holder's put", touch(max, "/Team/dir/sub/deep", holding(all.Token)), false)
}

// TestLockKeepsItsContext: a lock counts as long as a client like the one that
// took it may write.
func TestLockKeepsItsContext(t *testing.T) {
	of, _, max, _, _ := lockOffice(t)
	of.level("Team", "mia", "none")
	of.changeAt("/Team/dir", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("mia"), Allow: policy.All, Class: policy.Mobile, Network: policy.Outside}}
	})
	phone := of.st.Login(Credential{User: of.user("mia"), Mask: policy.All, Class: policy.Mobile, From: netip.MustParseAddr("192.0.2.7")})
	l := of.lock(phone, "/Team/dir/file", LockRequest{})
	of.reopen()
	max = of.as("max")
	of.wantLocked("a put", touch(max, "/Team/dir/file", Terms{}), true)
	of.changeAt("/Team/dir", func(at policy.Place) policy.Change { return policy.ClearEntries{Node: at.Path[1]} })
	of.wantLocked("a put without the entry", touch(max, "/Team/dir/file", holding(l.Token)), false)
}

// TestLockOfDepositor: who may add and not write holds the lock on a name that he
// makes, while he may add.
func TestLockOfDepositor(t *testing.T) {
	of, _, max, _, _ := lockOffice(t)
	of.changeAt("/Team/dir", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("mia"), Revoke: policy.Write}}
	})
	mia := of.as("mia")
	of.lock(mia, "/Team/dir/new", LockRequest{})
	of.wantLocked("a put on the new name", touch(max, "/Team/dir/new", Terms{}), true)
	of.level("Team", "mia", "viewer")
	of.wantLocked("a put once nothing is added", touch(max, "/Team/dir/new", Terms{}), false)
}

// TestFileMax: no upload of the profile's users is larger, announced or not; what
// is there already is moved and read.
func TestFileMax(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	mia := of.as("mia")
	of.put(mia, "/Team/old", text(1, 500))
	standard := *of.st.Policy().ProfileNamed("standard")
	limit := func(max policy.Limit) {
		standard.FileMax = max
		of.change(policy.PutProfile{Profile: standard})
	}
	limit(100)
	write := func(size int64, n int) (refused string, err error) {
		u, err := mia.Begin(split("/Team/new"), size, Terms{})
		if err != nil {
			return "before the body", err
		}
		defer u.Abort()
		if _, err := u.Write(text(2, n)); err != nil {
			return "while it comes", err
		}
		_, _, err = u.Commit(ctx, Meta{})
		return "", err
	}
	var large *FileTooLargeError
	for _, row := range []struct {
		size    int64
		n       int
		refused string
	}{{100, 100, ""}, {101, 101, "before the body"}, {-1, 100, ""}, {-1, 101, "while it comes"}, {0, 0, ""}} {
		if when, err := write(row.size, row.n); when != row.refused || errors.As(err, &large) != (when != "") || when == "" && err != nil {
			t.Errorf("%d bytes, %d announced: %v, refused %q", row.n, row.size, err, when)
		}
	}
	if large.Max != 100 {
		t.Errorf("the refusal says %s", large.Max)
	}
	u, err := mia.Begin(split("/Team/new"), -1, Terms{})
	must(t, err)
	if err := u.Expect(101); !errors.As(err, &large) {
		t.Errorf("foretold: %v", err)
	}
	u.Abort()
	u, err = mia.Begin(split("/Team/new"), 90, Terms{})
	must(t, err)
	must(t, second(u.Write(text(3, 90))))
	limit(80) // in the middle of an upload
	if _, _, err := u.Commit(ctx, Meta{}); !errors.As(err, &large) {
		t.Errorf("at the commit: %v", err)
	}
	must(t, second(mia.Move(ctx, split("/Team/old"), split("/Team/moved"), false, Terms{})))
	of.wantContent(mia, "/Team/moved", text(1, 500))
	limit(0)
	must(t, second(write(500, 500)))
}

// TestFileMaxOfCopy: a copy is stored by who makes it. One file in a tree that is
// too large for him refuses the whole; one that he may not read is left out.
func TestFileMaxOfCopy(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=editor max=editor")
	mia := of.as("mia")
	of.mkdir(mia, "/Team/dir", "/Team/dir/deep")
	of.put(mia, "/Team/small", text(1, 100))
	of.put(mia, "/Team/large", text(2, 101))
	of.put(mia, "/Team/dir/a", text(3, 100))
	of.put(mia, "/Team/dir/deep/large", text(4, 101))
	limit := func(max policy.Limit) {
		standard := *of.st.Policy().ProfileNamed("standard")
		standard.FileMax = max
		of.change(policy.PutProfile{Profile: standard})
	}
	limit(100)
	copies := func(from, to string, overwrite, shallow bool) error {
		_, err := mia.Copy(ctx, split(from), split(to), overwrite, shallow, Terms{})
		return err
	}
	for _, row := range []struct {
		from, to string
		shallow  bool
		fits     bool
	}{
		{"/Team/small", "/Team/small2", false, true},
		{"/Team/large", "/Team/large2", false, false},
		{"/Team/large", "/Team/small", false, false},
		{"/Team/dir", "/Team/dir2", false, false},
		{"/Team/dir", "/Team/dir3", true, true},
	} {
		var large *FileTooLargeError
		err := copies(row.from, row.to, true, row.shallow)
		if errors.As(err, &large) == row.fits || row.fits && err != nil {
			t.Errorf("%s to %s: %v", row.from, row.to, err)
		}
	}
	if of.dump(mia)["/Team/dir2"] != "" {
		t.Error("the half of a tree stands there")
	}
	of.wantContent(mia, "/Team/small", text(1, 100))
	of.changeAt("/Team/dir/deep/large", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("mia"), Deny: policy.Read}}
	})
	must(t, copies("/Team/dir", "/Team/dir2", false, false))
	if dump := of.dump(of.as("max")); dump["/Team/dir2/a"] == "" || dump["/Team/dir2/deep/large"] != "" {
		t.Errorf("copied: %v", dump)
	}
	begun := func(s *Session) *copying {
		c := &copying{s: s, from: split("/Team/dir"), to: split("/Team/dir4"), hold: of.st.ledger.hold(nil)}
		must(t, s.update(ctx, c.begin))
		return c
	}
	c, whole := begun(mia), begun(of.as("max"))
	for len(c.todo) > 0 {
		must(t, mia.update(ctx, c.slice))
	}
	limit(99) // in the middle of a copy
	if err := mia.update(ctx, c.finish); !errors.As(err, new(*FileTooLargeError)) {
		t.Errorf("at the end: %v", err)
	}
	if err := whole.s.update(ctx, whole.slice); !errors.As(err, new(*FileTooLargeError)) {
		t.Errorf("on the way: %v", err)
	}
	for _, c := range []*copying{c, whole} {
		c.hold.release()
		must(t, of.st.dropStaged(ctx, c.top))
	}
}

// TestSettingsStay: what an instance is set to survives a restart.
func TestSettingsStay(t *testing.T) {
	of := newOffice(t, Options{}, "mia")
	if got := of.st.Policy().Settings(); !reflect.DeepEqual(got, policy.DefaultSettings) || of.st.LockoutAfter() != policy.DefaultSettings.LockoutAfter {
		t.Errorf("a new store has %+v", got)
	}
	set := policy.DefaultSettings
	set.Links, set.TwoFactor, set.LockoutAfter = false, true, 3
	set.Inside = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	of.change(policy.PutSettings{Settings: set})
	of.reopen()
	if got := of.st.Policy().Settings(); !reflect.DeepEqual(got, set) || of.st.LockoutAfter() != 3 {
		t.Errorf("after a restart %+v, want %+v", got, set)
	}
}

// TestCredentialNarrows: the network of a client and the spaces of its credential
// count at its next request, and what they close is not there.
func TestCredentialNarrows(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor", "Board mia=editor")
	of.put(of.as("mia"), "/Team/a", text(1, 10))
	of.put(of.as("mia"), "/Board/b", text(1, 10))
	of.changeAt("/Board", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("mia"), Deny: policy.All, Network: policy.Outside}}
	})
	login := func(addr string, spaces ...string) *Session {
		c := Credential{User: of.user("mia"), Mask: policy.All, Class: policy.DAV}
		c.From, _ = netip.ParseAddr(addr)
		for _, name := range spaces {
			c.Spaces = append(c.Spaces, of.st.Policy().SpaceNamed(name).ID)
		}
		return of.st.Login(c)
	}
	for _, row := range []struct {
		s           *Session
		team, board bool
		spaces      int
	}{
		{login("10.1.2.3"), true, true, 3},
		{login("::ffff:10.1.2.3"), true, true, 3},
		{login("192.0.2.7"), true, false, 2},
		{login("nowhere"), true, false, 2},
		{login("10.1.2.3", "Board"), false, true, 1},
		{login("192.0.2.7", "Board"), false, false, 0},
	} {
		for p, want := range map[string]bool{"/Team/a": row.team, "/Board/b": row.board} {
			if err := second(row.s.Stat(split(p), Want{})); want && err != nil || !want && !errors.Is(err, ErrNotFound) {
				t.Errorf("%+v at %s: %v", row.s.cred, p, err)
			}
		}
		if infos, err := row.s.Spaces(Want{}); err != nil || len(infos) != row.spaces {
			t.Errorf("%+v lists %d spaces (%v), want %d", row.s.cred, len(infos), err, row.spaces)
		}
	}
	outside := login("192.0.2.7")
	set := policy.DefaultSettings
	set.Inside = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	of.change(policy.PutSettings{Settings: set})
	if err := second(outside.Stat(split("/Board/b"), Want{})); err != nil {
		t.Errorf("a network that is inside now: %v", err)
	}
}

// TestExpiry: an account that ends opens nothing from that second on, also not
// through what was verified before.
func TestExpiry(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
	end := c.Now().Add(time.Minute)
	of.account("mia", func(u *policy.User) { u.Until = end.Unix() })
	mia := of.as("mia")
	for _, active := range []bool{true, false} {
		account, err := of.st.Account("mia")
		_, still := of.st.Stamp(of.user("mia"))
		if err != nil || account.Active != active || still != active {
			t.Errorf("active %t and %t (%v), want %t", account.Active, still, err, active)
		}
		if err := second(mia.Stat(split("/Team"), Want{})); (err == nil) != active {
			t.Errorf("an open session: %v, want it to go on: %t", err, active)
		}
		c.advance(time.Minute)
	}
}

// TestHeirs: who is deleted leaves what was owned to the heir, or is not deleted.
func TestHeirs(t *testing.T) {
	of := newOffice(t, Options{}, "mia max")
	team, err := of.st.Operator().AddSpace(ctx, policy.Space{Name: "Team", Kind: policy.Room, Owner: of.user("mia"), Quota: policy.NoLimit})
	must(t, err)
	mia, max := of.user("mia"), of.user("max")
	home := of.st.Policy().User(mia).Home
	of.account("mia", func(u *policy.User) { u.Inactive = true })
	if err := of.st.Operator().RemoveUser(ctx, mia, policy.Nobody); !errors.Is(err, ErrInvalid) {
		t.Errorf("without an heir: %v", err)
	}
	must(t, of.st.Operator().RemoveUser(ctx, mia, max))
	state := of.st.Policy()
	if sp := state.Space(team.ID); sp.Owner != max || state.Space(home).State != policy.Trashed || state.User(mia) != nil {
		t.Errorf("left: %+v and %+v", sp, state.Space(home))
	}
}
