package auth

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"davit/store"
)

func (h *house) failures(n int) {
	h.t.Helper()
	for i := range n {
		h.out("mia", fmt.Sprintf("wrong password %d", i), street)
	}
}

func TestAccountLockGrows(t *testing.T) {
	h := newHouse(t, Options{AddressFailures: 1000})
	h.failures(accountFailures)
	for i, lock := range []time.Duration{
		30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute,
		16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour, time.Hour,
	} {
		h.clock.pass(lock - 1)
		h.restart(Options{AddressFailures: 1000}) // nothing remembered
		h.out("mia", miasPassword, office)        // neither counts nor prolongs
		h.clock.pass(1)
		if l := h.store.lockouts[accountKey(mia)]; h.byAccount.locked(l, h.clock.now()) || l.Failures != accountFailures+i {
			t.Fatalf("lock %d: %+v at %v, want it over", i, l, h.clock.now())
		}
		h.failures(1)
	}
	h.clock.pass(time.Hour)
	h.in("mia", miasPassword, office)
}

func TestFourFailuresDoNotLock(t *testing.T) {
	h := newHouse(t, Options{})
	for range 3 {
		h.failures(accountFailures - 1)
		h.in("mia", miasPassword, office) // clears the count
		if _, left := h.store.lockouts[accountKey(mia)]; left {
			t.Fatal("a success left failures behind")
		}
		h.restart(Options{})
	}
}

func TestFailuresAreForgotten(t *testing.T) {
	h := newHouse(t, Options{})
	h.failures(accountFailures - 1)
	h.clock.pass(forgetAfter + 1)
	h.failures(1)
	if got := h.store.lockouts[accountKey(mia)].Failures; got != 1 {
		t.Fatalf("%d failures a day later, want 1", got)
	}
	h.in("mia", miasPassword, office)
}

func TestLockSurvivesRestart(t *testing.T) {
	h := newHouse(t, Options{})
	h.failures(accountFailures)
	h.restart(Options{})
	h.out("mia", miasPassword, office)
	h.clock.pass(lockFirst)
	h.in("mia", miasPassword, office)
}

func TestUnlock(t *testing.T) {
	for what, unlock := range map[string]func(*house) error{
		"by an admin":       func(h *house) error { return h.Unlock(t.Context(), mia) },
		"by a new password": func(h *house) error { return h.SetPassword(t.Context(), mia, miasPassword) },
	} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t, Options{})
			h.failures(accountFailures)
			h.out("mia", miasPassword, office)
			h.must(unlock(h))
			h.in("mia", miasPassword, office)
		})
	}
}

func TestHoldLocked(t *testing.T) {
	h := newHouse(t, Options{HoldLocked: true})
	h.failures(accountFailures)
	h.clock.pass(30 * forgetAfter)
	h.out("mia", miasPassword, office)
	h.must(h.Unlock(t.Context(), mia))
	h.in("mia", miasPassword, office)
}

// What is known to be right goes on while the main password is locked.
func TestLockSparesDevicesAndTheRemembered(t *testing.T) {
	h := newHouse(t, Options{})
	_, secret := h.device(mia, NewDevice{Name: "phone"})
	h.in("mia", miasPassword, office)
	h.failures(accountFailures)
	h.in("mia", miasPassword, office)
	h.clock.pass(1)
	h.in("mia", secret, office)
	h.restart(Options{})
	h.out("mia", miasPassword, office)
	h.in("mia", secret, street)
}

func TestLockIsOfOneAccount(t *testing.T) {
	h := newHouse(t, Options{})
	h.failures(accountFailures)
	h.in("bob", "bob likes bread", street)
}

// Guesses made at the same moment do not get past the limit together: the right
// one among them counts only while fewer have failed.
func TestParallelGuesses(t *testing.T) {
	h := newHouse(t, Options{})
	h.store.limit = 1
	derive := h.work.derive
	started, failed := make(chan struct{}), make(chan struct{})
	h.work.derive = func(secret string, p phc) []byte {
		if secret == miasPassword {
			close(started)
			<-failed
		}
		return derive(secret, p)
	}
	var wg sync.WaitGroup
	wg.Go(func() { h.out("mia", miasPassword, office) })
	<-started
	h.out("mia", "wrong password", street)
	close(failed)
	wg.Wait()
}

func TestAddressLock(t *testing.T) {
	h := newHouse(t, Options{})
	_, secret := h.device(mia, NewDevice{Name: "phone"})
	for i := range addressFailures {
		h.out(fmt.Sprintf("nobody-%d", i), "wrong password", office)
	}
	runs, writes := h.runs.Load(), h.store.written()
	h.out("mia", miasPassword, office)
	h.out("nobody", miasPassword, office)
	if h.runs.Load() != runs || h.store.written() != writes {
		t.Error("a locked address still costs work")
	}
	h.in("mia", secret, office)
	h.in("mia", miasPassword, street)
	h.restart(Options{})
	h.out("bob", "bob likes bread", office)
	h.clock.pass(lockFirst)
	h.in("bob", "bob likes bread", office)
	if h.store.lockouts["addr:192.0.2.7"].Failures != addressFailures {
		t.Error("a success of one account cleared what was counted of the address")
	}
}

// An office is one address: who signed in from there today is not locked out by
// what others do there, and still is by failures of the own account.
func TestFamiliarPlace(t *testing.T) {
	h := newHouse(t, Options{})
	h.in("mia", miasPassword, office)
	for i := range addressFailures {
		h.out(fmt.Sprintf("nobody-%d", i), "wrong password", office)
	}
	h.clock.pass(rememberFor)
	for range 4 { // until the address is locked for an hour
		h.out("nobody", "wrong password", office)
		h.clock.pass(rememberFor)
	}
	h.out("nobody", "wrong password", office)
	h.out("bob", "bob likes bread", office)
	h.in("mia", miasPassword, office)
	h.clock.pass(rememberFor)
	failures := h.store.lockouts["addr:192.0.2.7"].Failures
	for i := range accountFailures {
		h.out("mia", fmt.Sprint("wrong password", i), office)
	}
	h.out("mia", miasPassword, office)
	if got := h.store.lockouts["addr:192.0.2.7"].Failures; got != failures {
		t.Errorf("the address has %d failures, want %d as before mia's own", got, failures)
	}
}

func TestFamiliarityEnds(t *testing.T) {
	var f familiar
	now := newClock().now()
	at := place{mia, neighbourhood(office)}
	f.add(at, now)
	if !f.has(at, now.Add(forgetAfter-1)) || f.has(at, now.Add(forgetAfter)) {
		t.Error("a place stays familiar for a day, no shorter and no longer")
	}
	for i := range placesMax + 10 {
		f.add(place{bob, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32)}, now)
	}
	if len(f.places) != placesMax {
		t.Errorf("%d places kept, want %d", len(f.places), placesMax)
	}
}

func TestNeighbourhood(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":               "addr:192.0.2.7",
		"::ffff:192.0.2.7":        "addr:192.0.2.7",
		"2001:db8:1:2:3:4:5:6":    "addr:2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1":    "addr:2001:db8:1:2::/64",
		"2001:db8:1:3::1":         "addr:2001:db8:1:3::/64",
		"fe80::1%eth0":            "addr:fe80::/64",
		"255.255.255.255":         "addr:255.255.255.255",
		"0.0.0.0":                 "addr:0.0.0.0",
		"::1":                     "addr:::/64",
		"::ffff:0:192.0.2.7%zone": "addr:::/64",
	} {
		if got := addressKey(neighbourhood(netip.MustParseAddr(addr))); got != want {
			t.Errorf("%s is counted under %q, want %q", addr, got, want)
		}
	}
	if neighbourhood(netip.Addr{}).IsValid() {
		t.Error("no address has a neighbourhood")
	}
}

// Without an address, failures count by account alone.
func TestNoAddress(t *testing.T) {
	h := newHouse(t, Options{AddressFailures: 1})
	h.out("nobody", "wrong password", netip.Addr{})
	none := addressKey(netip.Prefix{})
	if l := h.store.lockouts[none]; l.Failures != 0 {
		t.Errorf("%+v counted of no address", l)
	}
	h.store.lockouts[none] = store.Lockout{Failures: 1, Until: h.clock.now().Add(lockMax)}
	h.in("mia", miasPassword, netip.Addr{})
	for range accountFailures {
		h.out("bob", "bob likes beer", netip.Addr{})
	}
	h.out("bob", "bob likes bread", netip.Addr{})
}

// A lock set while the clock stood years ahead is none.
func TestLockFromTheFuture(t *testing.T) {
	h := newHouse(t, Options{})
	now := h.clock.now()
	h.store.lockouts[accountKey(mia)] = store.Lockout{Failures: 9, Last: now.AddDate(3, 0, 0), Until: now.AddDate(3, 0, 1)}
	h.in("mia", miasPassword, office)
}
