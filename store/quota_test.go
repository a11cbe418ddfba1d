package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"davit/policy"
)

// TestLedgerNeverPassesALimit lets sixteen people write, overwrite, move, copy
// and give up below two limits, one inside the other, while somebody looks at
// every instant; afterwards the ledger equals the sums, which the check tells.
func TestLedgerNeverPassesALimit(t *testing.T) {
	const outer, inner = 400_000, 150_000
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.mkdir(s, "/Team/inner")
	of.quota("/Team/inner", inner)
	team := *of.st.Policy().SpaceNamed("Team")
	team.Quota = outer
	of.change(policy.PutSpace{Space: team})
	sub, err := s.Stat(split("/Team/inner"), Want{})
	if err != nil {
		t.Fatal(err)
	}
	look := of.watch(map[policy.Node]int64{team.Root: outer, sub.Node: inner})
	r := random(t)
	var crowd sync.WaitGroup
	var refused, done atomic.Int64
	for i := range 16 {
		w := &worker{t: t, s: s, rand: rand.New(rand.NewPCG(r.Uint64(), 0))}
		crowd.Go(func() {
			for range 60 {
				switch err := w.spend(i); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, ErrQuota):
					refused.Add(1)
				case kindOf(err) != ErrNotFound && kindOf(err) != ErrLoop:
					t.Errorf("worker %d: %v", i, err)
				}
			}
		})
	}
	crowd.Wait()
	if looks := look(); looks < 100 || refused.Load() < 50 || done.Load() < 50 {
		t.Errorf("%d operations done, %d refused, %d looks: the test shows nothing", done.Load(), refused.Load(), looks)
	}
}

// watch samples the ledger under its lock, as often as it gets it, until look is
// called.
func (of *office) watch(limits map[policy.Node]int64) (look func() int) {
	stop, looks := make(chan struct{}), 0
	var watcher sync.WaitGroup
	watcher.Go(func() {
		l := &of.st.ledger
		for ; ; looks++ {
			select {
			case <-stop:
				return
			default:
			}
			l.Lock()
			for n, limit := range limits {
				if a := l.accounts[n]; a.live < 0 || a.versions < 0 || a.trash < 0 || a.reserved < 0 || a.bytes()+a.reserved > limit {
					of.t.Errorf("node %d: %+v against a limit of %d", n, *a, limit)
				}
			}
			l.Unlock()
		}
	})
	return func() int {
		close(stop)
		watcher.Wait()
		return looks
	}
}

// spend does one operation that needs room, in files of its own and of all.
func (w *worker) spend(i int) error {
	dir := []string{"/Team", "/Team/inner"}[w.rand.IntN(2)]
	mine, all := fmt.Sprintf("%s/%d", dir, i), fmt.Sprintf("%s/all", dir)
	size := w.rand.IntN(30_000)
	switch w.rand.IntN(6) {
	case 0:
		return second(w.s.Move(ctx, split(mine), split("/Team/inner/moved"), true, Terms{}))
	case 1:
		return second(w.s.Copy(ctx, split(all), split(mine), true, false, Terms{}))
	case 2: // given up
		u, err := w.s.Begin(split(mine), int64(size), Terms{})
		if err == nil {
			u.Abort()
		}
		return err
	case 3: // of unannounced length
		u, err := w.s.Begin(split(mine), -1, Terms{})
		if err != nil {
			return err
		}
		if _, err := u.Write(text(i, size)); err != nil {
			u.Abort()
			return err
		}
		return second2(u.Commit(ctx, Meta{}))
	}
	return second2(put(w.s, all, text(i, size)))
}

func second2[T, U any](_ T, _ U, err error) error { return err }

func TestHold(t *testing.T) {
	l := &ledger{accounts: map[policy.Node]*account{1: {sum: sum{live: 10, trash: 20}}, 2: {sum: sum{live: 5}}}}
	both := []policy.QuotaNode{{Node: 1, Limit: 100}, {Node: 2, Limit: 50}}
	want := func(what string, one, two int64) {
		t.Helper()
		if l.accounts[1].reserved != one || l.accounts[2].reserved != two {
			t.Errorf("%s: %d and %d are reserved, want %d and %d", what, l.accounts[1].reserved, l.accounts[2].reserved, one, two)
		}
	}
	h := l.hold(both)
	for _, step := range []struct {
		bytes    int64
		fits     bool
		one, two int64
	}{{30, true, 30, 30}, {45, true, 45, 45}, {46, false, 45, 45}, {-7, true, 0, 0}, {45, true, 45, 45}, {math.MaxInt64, false, 45, 45}} {
		if err := h.grow(both, step.bytes); (err == nil) != step.fits {
			t.Errorf("grown to %d: %v", step.bytes, err)
		}
		want(fmt.Sprintf("grown to %d", step.bytes), step.one, step.two)
	}
	var q *QuotaError
	if err := l.hold(both).grow(both, 1); !errors.As(err, &q) || q.Node != 2 || q.Need != 1 || q.Usage.Reserved != 45 {
		t.Errorf("a second hold: %+v", err)
	}
	// Another policy by the time of the commit: the limit on 2 is gone.
	if err := h.grow(both[:1], 70); err != nil {
		t.Error(err)
	}
	want("with one limit", 70, 0)
	l.settle(nil, map[policy.Node]sum{1: {live: 70}}, []*hold{h})
	want("settled", 0, 0)
	if l.accounts[1].live != 80 {
		t.Errorf("charged %d, want 80", l.accounts[1].live)
	}
	h.release()
	want("released after the end", 0, 0)
}

func TestUploadsReserve(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.put(s, "/Team/old", text(1, 600))
	of.quota("/Team", 1000)
	begin := func(p string, size int64) *Upload {
		t.Helper()
		u, err := s.Begin(split(p), size, Terms{})
		if err != nil {
			t.Fatalf("begin %s with %d bytes: %v", p, size, err)
		}
		return u
	}
	want := func(what string, n int64) {
		t.Helper()
		if got := of.st.Reserved(); got != n {
			t.Errorf("%s: %d bytes are reserved, want %d", what, got, n)
		}
	}
	first := begin("/Team/first", 300)
	want("one upload", 300)
	over := begin("/Team/old", 700) // 100 more than it has
	want("and one over a file", 400)
	if _, err := s.Begin(split("/Team/third"), 1, Terms{}); !errors.Is(err, ErrQuota) {
		t.Errorf("a byte too many: %v", err)
	}
	less := begin("/Team/old", 5)
	want("less than there is needs nothing", 400)
	less.Abort()
	over.Abort()
	want("given up", 300)
	unknown := begin("/Team/unknown", -1)
	if _, err := unknown.Write(text(1, 100)); err != nil {
		t.Errorf("100 bytes that fit: %v", err)
	}
	want("as far as it came", 400)
	if _, err := unknown.Write([]byte("x")); !errors.Is(err, ErrQuota) {
		t.Errorf("the byte after the last that fits: %v", err)
	}
	unknown.Abort()
	if _, err := first.Write(text(1, 301)); !errors.Is(err, ErrShort) {
		t.Errorf("more than announced: %v", err)
	}
	if _, _, err := first.Commit(ctx, Meta{}); !errors.Is(err, ErrShort) {
		t.Errorf("less than announced: %v", err)
	}
	want("all over", 0)
}

// TestPersonalLimits: the user's own limit, else the profile's, unless the drive
// has one.
func TestPersonalLimits(t *testing.T) {
	limit := func(n policy.Limit) *policy.Limit { return &n }
	of := newOffice(t, Options{}, "mia")
	profile := *of.st.Policy().ProfileNamed("standard")
	mia := *of.st.Policy().UserNamed("mia")
	home := *of.st.Policy().Space(mia.Home)
	s := of.as("mia")
	for _, row := range []struct {
		profile policy.Limit
		own     *policy.Limit
		drive   policy.Limit
		want    int64 // below zero: no limit
	}{
		{policy.NoLimit, nil, policy.NoLimit, -1},
		{1000, nil, policy.NoLimit, 1000},
		{1000, limit(2000), policy.NoLimit, 2000},
		{1000, limit(policy.NoLimit), policy.NoLimit, -1},
		{1000, limit(2000), 500, 500},
		{1000, nil, 0, 0},
	} {
		profile.Quota, mia.Quota, home.Quota = row.profile, row.own, row.drive
		of.change(policy.PutProfile{Profile: profile}, policy.PutUser{User: mia}, policy.PutSpace{Space: home})
		for _, size := range []int64{0, row.want, row.want + 1, 5000} {
			u, err := s.Begin(split("~mia/file"), size, Terms{})
			if err == nil {
				u.Abort()
			}
			if fits := row.want < 0 || size <= row.want; fits != (err == nil) || err != nil && !errors.Is(err, ErrQuota) {
				t.Errorf("%+v: %d bytes: %v", row, size, err)
			}
		}
	}
}

// TestQuotaTellsWhatItEnforces: a file of exactly the available bytes passes and
// one more does not, whatever limit is the tightest.
func TestQuotaTellsWhatItEnforces(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.settings(func(set *policy.Settings) { set.Versions = 0 })
	of.mkdir(s, "/Team/in", "/Team/in/deep")
	of.put(s, "/Team/beside", text(1, 300))
	of.put(s, "/Team/in/thrown", text(1, 200))
	if err := s.Remove(ctx, split("/Team/in/thrown"), Terms{}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		team, in, deep  policy.Limit
		used, available int64
	}{
		{1000, -1, -1, 500, 500},
		{1000, 600, -1, 200, 400},
		{1000, 900, -1, 500, 500},
		{1000, 600, 100, 0, 100},
		{1000, 200, 100, 200, 0},
		{400, 600, -1, 500, 0}, // above its limit already
	} {
		of.quota("/Team", row.team)
		of.quota("/Team/in", row.in)
		of.quota("/Team/in/deep", row.deep)
		info, err := s.Stat(split("/Team/in/deep"), Want{Quota: true})
		if err != nil || info.Quota != (Quota{row.used, row.available}) {
			t.Errorf("%+v: told %+v (%v)", row, info.Quota, err)
		}
		if _, _, err := put(s, "/Team/in/deep/file", text(1, int(row.available)+1)); !errors.Is(err, ErrQuota) {
			t.Errorf("%+v: one byte more: %v", row, err)
		}
		of.put(s, "/Team/in/deep/file", text(1, int(row.available)))
		of.put(s, "/Team/in/deep/file", nil)
	}
}

// TestCopyNeedsRoom: also the copy of a file that was asked for without its
// members, of which it has none.
func TestCopyNeedsRoom(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.mkdir(s, "/Team/dir")
	of.put(s, "/Team/file", text(1, 600))
	of.put(s, "/Team/dir/file", text(1, 300))
	of.quota("/Team", 1000)
	for _, row := range []struct {
		from, to string
		shallow  bool
		want     error
	}{
		{"/Team/file", "/Team/copy", false, ErrQuota},
		{"/Team/file", "/Team/copy", true, ErrQuota},
		{"/Team/file", "/Team/dir/file", false, ErrQuota},
		{"/Team/dir", "/Team/copy", false, ErrQuota},
		{"/Team/dir", "/Team/copy", true, nil},
		{"/Team/dir/file", "/Team/file", false, nil},
		{"/Team/file", "/Team/copy/file", false, nil},
	} {
		if _, err := s.Copy(ctx, split(row.from), split(row.to), true, row.shallow, Terms{}); kindOf(err) != row.want {
			t.Errorf("copy %s to %s, shallow %t: %v, want %v", row.from, row.to, row.shallow, err, row.want)
		}
	}
}

// TestLimitsFollowTheirFolder: a limited folder that moves brings its account
// along, and its limit holds after a restart.
func TestLimitsFollowTheirFolder(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor", "Room mia=editor")
	s := of.as("mia")
	of.mkdir(s, "/Team/dir")
	of.put(s, "/Team/dir/file", text(1, 600))
	of.quota("/Team/dir", 1000)
	if _, err := s.Move(ctx, split("/Team/dir"), split("/Room/dir"), false, Terms{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := put(s, "/Room/dir/more", text(1, 401)); !errors.Is(err, ErrQuota) {
			t.Errorf("a byte too many: %v", err)
		}
		of.put(s, "/Room/dir/more", text(1, 400))
		of.put(s, "/Room/dir/more", nil)
		of.reopen()
		s = of.as("mia")
	}
	// Also when it lay in the trash meanwhile.
	must(t, remove(s, "/Room/dir"))
	of.reopen()
	s = of.as("mia")
	of.move(s, ".trash/Room/dir", "/Room/back")
	if _, _, err := put(s, "/Room/back/more", text(1, 401)); !errors.Is(err, ErrQuota) {
		t.Errorf("a byte too many, after the trash: %v", err)
	}
}

func TestDiskFull(t *testing.T) {
	of := newOffice(t, Options{FreeMin: math.MaxInt64}, "mia", "Team mia=editor")
	s := of.as("mia")
	if _, _, err := put(s, "/Team/file", text(1, 1)); !errors.Is(err, ErrDiskFull) {
		t.Errorf("a byte of announced length: %v", err)
	}
	u, err := s.Begin(split("/Team/file"), -1, Terms{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write(bigFile); !errors.Is(err, ErrDiskFull) {
		t.Errorf("of unannounced length: %v", err)
	}
	u.Abort()
	of.put(s, "/Team/empty", nil)
	if err := s.Remove(ctx, split("/Team/empty"), Terms{}); err != nil {
		t.Errorf("deleting on a full disk: %v", err)
	}
}
