package store

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// holding submits the locks of those tokens.
func holding(tokens ...string) Terms {
	return Terms{Submits: func(l Lock) bool {
		for _, token := range tokens {
			if l.Token == token {
				return true
			}
		}
		return false
	}}
}

// lockOffice has two editors and a manager in a space with a small tree, made by
// plant.
func lockOffice(t *testing.T) (of *office, mia, max, ann *Session, c *clock) {
	c = newClock()
	of = newOffice(t, Options{Clock: c.Now}, "mia max ann", "Team mia=editor max=editor ann=manager")
	mia, max, ann = of.as("mia"), of.as("max"), of.as("ann")
	of.plant(mia, "/Team")
	return of, mia, max, ann, c
}

func (of *office) plant(s *Session, top string) {
	of.t.Helper()
	of.mkdir(s, top+"/dir", top+"/dir/sub")
	of.put(s, top+"/dir/file", text(1, 10))
	of.put(s, top+"/dir/sub/deep", text(1, 10))
}

func (of *office) lock(s *Session, p string, q LockRequest) Lock {
	of.t.Helper()
	l, _, err := s.Lock(ctx, split(p), q, Terms{})
	if err != nil {
		of.t.Fatalf("lock %s: %v", p, err)
	}
	return l
}

func (of *office) wantLocked(what string, err error, locked bool) {
	of.t.Helper()
	if locked && kindOf(err) != errLocked || !locked && err != nil {
		of.t.Errorf("%s: %v, want locked: %t", what, err, locked)
	}
}

func touch(s *Session, p string, t Terms) error {
	u, err := s.Begin(split(p), 1, t)
	if err != nil {
		return err
	}
	if _, err := u.Write([]byte("x")); err != nil {
		u.Abort()
		return err
	}
	_, _, err = u.Commit(ctx, Meta{})
	return err
}

func TestLockLifetime(t *testing.T) {
	of, mia, max, _, c := lockOffice(t)
	l := of.lock(mia, "/Team/dir/file", LockRequest{Timeout: 10 * time.Minute, Owner: []byte("<mia/>")})
	if want := c.Now().Add(10 * time.Minute); !l.Expires.Equal(want) || l.UserName != "mia" || l.Root.String() != "/Team/dir/file" || string(l.Owner) != "<mia/>" {
		t.Errorf("lock %+v, want it until %v", l, want)
	}
	of.wantLocked("another's put", touch(max, "/Team/dir/file", Terms{}), true)
	of.wantLocked("another's put with the token", touch(max, "/Team/dir/file", holding(l.Token)), true)
	of.wantLocked("the own put without the token", touch(mia, "/Team/dir/file", Terms{}), true)
	of.wantLocked("the own put", touch(mia, "/Team/dir/file", holding(l.Token)), false)

	c.advance(9 * time.Minute)
	of.reopen() // locks survive a restart
	mia, max = of.as("mia"), of.as("max")
	of.wantLocked("a put after the restart", touch(max, "/Team/dir/file", Terms{}), true)
	if _, err := max.Refresh(ctx, split("/Team/dir/file"), time.Minute, holding(l.Token)); !errors.Is(err, ErrNoLock) {
		t.Errorf("refreshed by another: %v", err)
	}
	l, err := mia.Refresh(ctx, split("/Team/dir/file"), 20*time.Minute, holding(l.Token))
	if err != nil || !l.Expires.Equal(c.Now().Add(20*time.Minute)) {
		t.Errorf("refreshed: %+v, %v", l, err)
	}
	c.advance(20*time.Minute - time.Nanosecond)
	of.wantLocked("a put in the last moment", touch(max, "/Team/dir/file", Terms{}), true)
	c.advance(time.Nanosecond)
	of.wantLocked("a put after the end", touch(max, "/Team/dir/file", Terms{}), false)
	if _, err := mia.Refresh(ctx, split("/Team/dir/file"), time.Minute, holding(l.Token)); !errors.Is(err, ErrNoLock) {
		t.Errorf("refreshed after its end: %v", err)
	}
	if err := mia.Unlock(ctx, split("/Team/dir/file"), l.Token); !errors.Is(err, ErrNoLock) {
		t.Errorf("unlocked after its end: %v", err)
	}
}

func TestLockTimeoutIsBounded(t *testing.T) {
	of, mia, _, _, c := lockOffice(t)
	for asked, want := range map[time.Duration]time.Duration{0: LockMax, -1: LockMax, time.Second: time.Second, 100 * time.Hour: LockMax} {
		l := of.lock(mia, "/Team/dir/file", LockRequest{Timeout: asked, Shared: true})
		if got := l.Expires.Sub(c.Now()); got != want {
			t.Errorf("asked for %v, got %v, want %v", asked, got, want)
		}
	}
}

// TestExpiredLocksGo: a client that never unlocks leaves no records for ever.
func TestExpiredLocksGo(t *testing.T) {
	of, mia, _, _, c := lockOffice(t)
	for range 3 {
		of.lock(mia, "/Team/dir/file", LockRequest{Timeout: time.Minute})
		c.advance(time.Minute)
	}
	kept := of.lock(mia, "/Team/dir/file", LockRequest{})
	of.collect(time.Hour)
	if found := of.clean(); found.Locks != 1 {
		t.Errorf("%d locks are kept, want the live one", found.Locks)
	}
	if err := mia.Unlock(ctx, split("/Team/dir/file"), kept.Token); err != nil {
		t.Errorf("unlock: %v", err)
	}
}

// TestLockConflicts: of any two exclusive or mixed locks whose reach meets, the
// second is refused. RFC 4918, section 6.1
func TestLockConflicts(t *testing.T) {
	const above, at, below = "/dir", "/dir/sub", "/dir/sub/deep"
	of, mia, max, _, _ := lockOffice(t)
	for i, row := range []struct {
		first, second             string
		firstDeep, secondDeep     bool
		firstShared, secondShared bool
		locked                    bool
	}{
		{at, at, false, false, false, false, true},
		{at, at, false, false, true, false, true},
		{at, at, false, false, false, true, true},
		{at, at, false, false, true, true, false},
		{at, at, true, true, true, true, false},
		{above, at, false, false, false, false, false},
		{above, at, true, false, false, false, true},
		{above, at, true, false, true, true, false},
		{above, below, true, false, false, true, true},
		{below, at, false, false, false, false, false},
		{below, at, false, true, false, false, true},
		{below, above, false, true, true, true, false},
		{below, above, false, true, true, false, true},
		{at, "/dir/file", true, true, false, false, false},
	} {
		top := fmt.Sprintf("/Team/%d", i)
		of.mkdir(mia, top)
		of.plant(mia, top)
		of.lock(mia, top+row.first, LockRequest{Infinite: row.firstDeep, Shared: row.firstShared})
		_, _, err := max.Lock(ctx, split(top+row.second), LockRequest{Infinite: row.secondDeep, Shared: row.secondShared}, Terms{})
		of.wantLocked(fmt.Sprintf("%+v", row), err, row.locked)
	}
}

// TestLockReach: what a lock on a collection guards. RFC 4918, section 7.4
func TestLockReach(t *testing.T) {
	of, mia, max, _, _ := lockOffice(t)
	for i, row := range []struct {
		name          string
		do            func(s *Session, top string) error
		shallow, deep bool // whether such a lock on the collection forbids it
	}{
		{"new content of a member", func(s *Session, top string) error { return touch(s, top+"/dir/file", Terms{}) }, false, true},
		{"new content further down", func(s *Session, top string) error { return touch(s, top+"/dir/sub/deep", Terms{}) }, false, true},
		{"a new member", func(s *Session, top string) error { return touch(s, top+"/dir/new", Terms{}) }, true, true},
		{"a new collection", func(s *Session, top string) error { return second(s.Mkdir(ctx, split(top+"/dir/new"), Terms{})) }, true, true},
		{"a new member further down", func(s *Session, top string) error { return touch(s, top+"/dir/sub/new", Terms{}) }, false, true},
		{"taking a member out", func(s *Session, top string) error { return s.Remove(ctx, split(top+"/dir/file"), Terms{}) }, true, true},
		{"moving a member away", func(s *Session, top string) error {
			return second(s.Move(ctx, split(top+"/dir/file"), split(top+"/moved"), false, Terms{}))
		}, true, true},
		{"copying into it", func(s *Session, top string) error {
			return second(s.Copy(ctx, split(top+"/dir/file"), split(top+"/dir/copy"), false, false, Terms{}))
		}, true, true},
		{"copying it", func(s *Session, top string) error {
			return second(s.Copy(ctx, split(top+"/dir"), split(top+"/copy"), false, false, Terms{}))
		}, false, false},
		{"its properties", func(s *Session, top string) error {
			return s.SetProps(ctx, split(top+"/dir"), []Prop{{"a", "b", []byte("c")}}, time.Time{}, Terms{})
		}, true, true},
		{"removing it", func(s *Session, top string) error { return s.Remove(ctx, split(top+"/dir"), Terms{}) }, true, true},
		{"something beside", func(s *Session, top string) error { return touch(s, top+"/beside", Terms{}) }, false, false},
		{"reading", func(s *Session, top string) error { return second(read(s, top+"/dir/file")) }, false, false},
	} {
		for _, deep := range []bool{false, true} {
			top := fmt.Sprintf("/Team/%d-%t", i, deep)
			of.mkdir(mia, top)
			of.plant(mia, top)
			of.lock(mia, top+"/dir", LockRequest{Infinite: deep})
			locked := deep && row.deep || !deep && row.shallow
			of.wantLocked(fmt.Sprintf("%s under a lock with infinite depth %t", row.name, deep), row.do(max, top), locked)
		}
	}
}

// TestLockBelow guards the tree above it from being taken away.
func TestLockBelow(t *testing.T) {
	of, mia, max, _, _ := lockOffice(t)
	l := of.lock(mia, "/Team/dir/sub/deep", LockRequest{})
	of.wantLocked("removing the tree", max.Remove(ctx, split("/Team/dir"), Terms{}), true)
	_, err := max.Move(ctx, split("/Team/dir"), split("/Team/moved"), false, Terms{})
	of.wantLocked("moving the tree", err, true)
	if _, err = mia.Move(ctx, split("/Team/dir"), split("/Team/moved"), false, holding(l.Token)); err != nil {
		t.Errorf("moved by the lock's owner: %v", err)
	}
	// A resource that moves takes no lock along. RFC 4918, section 7.6
	of.wantLocked("a put after the move", touch(max, "/Team/moved/sub/deep", Terms{}), false)
	if found := of.clean(); found.Locks != 0 {
		t.Errorf("%d locks are left", found.Locks)
	}
}

func TestLockOfNothingMakesAFile(t *testing.T) {
	of, mia, max, _, _ := lockOffice(t)
	l, created, err := mia.Lock(ctx, split("/Team/new"), LockRequest{}, Terms{})
	if err != nil || !created {
		t.Fatalf("created %t, %v", created, err)
	}
	of.wantContent(max, "/Team/new", nil)
	of.wantLocked("another's put", touch(max, "/Team/new", Terms{}), true)
	if err := mia.Remove(ctx, split("/Team/new"), holding(l.Token)); err != nil {
		t.Error(err)
	}
	of.lock(max, "/Team/new", LockRequest{})
	deep := of.lock(mia, "/Team/dir", LockRequest{Infinite: true})
	_, _, err = mia.Lock(ctx, split("/Team/dir/new"), LockRequest{}, holding(deep.Token))
	of.wantLocked("an exclusive lock below an exclusive one", err, true)
	if _, err := mia.Stat(split("/Team/dir/new"), Want{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("the refused lock made a file: %v", err)
	}
}

func TestUnlock(t *testing.T) {
	of, mia, max, ann, _ := lockOffice(t)
	l := of.lock(mia, "/Team/dir", LockRequest{Infinite: true})
	for _, row := range []struct {
		who   string
		s     *Session
		at    string
		token string
		want  error
	}{
		{"nobody's token", mia, "/Team/dir", "urn:uuid:none", ErrNoLock},
		{"beside the lock", mia, "/Team", l.Token, ErrNoLock},
		{"another", max, "/Team/dir", l.Token, errRefused},
		{"its owner, at a member", mia, "/Team/dir/sub/deep", l.Token, nil},
		{"its owner a second time", mia, "/Team/dir", l.Token, ErrNoLock},
	} {
		if err := row.s.Unlock(ctx, split(row.at), row.token); kindOf(err) != row.want {
			t.Errorf("%s: %v, want %v", row.who, err, row.want)
		}
	}
	l = of.lock(mia, "/Team/dir", LockRequest{})
	if err := ann.Unlock(ctx, split("/Team/dir"), l.Token); err != nil {
		t.Errorf("broken by a manager: %v", err)
	}
}

func TestLocksAreBounded(t *testing.T) {
	of, mia, _, _, _ := lockOffice(t)
	for range locksPerNode {
		of.lock(mia, "/Team/dir/file", LockRequest{Shared: true})
	}
	if _, _, err := mia.Lock(ctx, split("/Team/dir/file"), LockRequest{Shared: true}, Terms{}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}
