package auth

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"davit/store"
)

func TestMainPassword(t *testing.T) {
	h := newHouse(t, Options{})
	who, err := h.Basic(t.Context(), "MIA", miasPassword, office)
	if want := (Identity{User: mia, Name: "mia"}); err != nil || !reflect.DeepEqual(who, want) {
		t.Fatalf("got %+v, %v, want %+v", who, err, want)
	}
}

// Whoever asks from outside cannot tell why: the same error, the same
// computations, the same writes.
func TestRefusalsAreAlike(t *testing.T) {
	for _, c := range []struct{ why, name, secret string }{
		{"unknown", "nobody", miasPassword},
		{"wrong", "mia", "a boat on the sea"},
		{"deactivated", "ann", "ann was here"},
		{"no password yet", "pat", ""},
		{"locked", "bob", "bob likes bread"},
	} {
		t.Run(c.why, func(t *testing.T) {
			h := newHouse(t, Options{})
			for range accountFailures {
				h.out("bob", "bob likes beer", street)
			}
			runs, writes := h.runs.Load(), h.store.written()
			h.out(c.name, c.secret, office)
			if got := h.runs.Load() - runs; got != 1 {
				t.Errorf("%d computations, want 1", got)
			}
			if got := h.store.written() - writes; got != 2 {
				t.Errorf("%d writes, want 2", got)
			}
		})
	}
}

func TestIllegible(t *testing.T) {
	h := newHouse(t, Options{})
	long := strings.Repeat("x", credentialMax)
	for name, secret := range map[string]string{
		"":          miasPassword,
		"mia\x00":   miasPassword,
		"mia\x7f":   miasPassword,
		"m\xeca":    miasPassword,
		"mia":       "tab\tbed password",
		long + "x":  miasPassword,
		"mia ":      long + "x",
		"caf\xe9 m": "\xff\xfe",
	} {
		h.out(name, secret, office)
	}
	if h.runs.Load() != 0 || h.store.written() != 0 {
		t.Errorf("%d computations and %d writes, want none", h.runs.Load(), h.store.written())
	}
	h.out(long, long, office)
	if h.runs.Load() != 1 {
		t.Error("the longest name and secret were not tried")
	}
}

func TestDamagedHashIsTold(t *testing.T) {
	h := newHouse(t, Options{})
	h.must(h.store.SetPassword(t.Context(), mia, "$argon2id$v=19$m=4294967295,t=2,p=1$c29tc2FsdA$nf65EOgLrQMR"))
	_, err := h.Basic(t.Context(), "mia", miasPassword, office)
	if !errors.Is(err, errHash) || !strings.Contains(err.Error(), "mia") {
		t.Fatalf("got %v, want %v naming mia", err, errHash)
	}
}

// The account changes while the password is being checked.
func TestChangeMeanwhile(t *testing.T) {
	edit := func(f func(*store.Account)) func(*house) {
		return func(h *house) {
			h.must(h.store.change(mia, func(a *store.Account) error { f(a); return nil }))
		}
	}
	for _, c := range []struct {
		what   string
		change func(*house)
		want   error
	}{
		{"another password", edit(func(a *store.Account) { a.Password += "x" }), ErrLogin},
		{"deactivated", edit(func(a *store.Account) { a.Active = false }), ErrLogin},
		{"renamed", edit(func(a *store.Account) { a.Name = "maria" }), ErrLogin},
		{"another account", func(h *house) {
			account := h.store.byID[mia]
			delete(h.store.byID, mia)
			account.ID = 99
			h.store.byID[99] = account
		}, ErrLogin},
		{"a new device", edit(func(*store.Account) {}), nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			h := newHouse(t, Options{})
			derive := h.work.derive
			h.work.derive = func(secret string, p phc) []byte {
				c.change(h)
				return derive(secret, p)
			}
			if _, err := h.Basic(t.Context(), "mia", miasPassword, office); err != c.want {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
}

// Break the n-th call of the store, for n = 1, 2, ... until a sign-in meets none:
// whatever breaks lets nobody in, and a failure that could not be counted is not
// answered as one, or guessing would be free on a broken disk.
func TestBrokenStore(t *testing.T) {
	for _, c := range []struct {
		what, secret string
		want         error
	}{{"right", miasPassword, nil}, {"wrong", "wrong password", ErrLogin}} {
		met := 0
		for n := 0; ; n++ {
			h := newHouse(t, Options{})
			h.failures(1) // for a success to have something to clear
			h.store.breaks = n
			_, err := h.Basic(t.Context(), "mia", c.secret, office)
			if h.store.breaks >= 0 {
				if err != c.want {
					t.Errorf("%s, nothing broken: %v, want %v", c.what, err, c.want)
				}
				break
			}
			if met++; !errors.Is(err, errDisk) {
				t.Errorf("%s, call %d broken: %v, want %v", c.what, n+1, err, errDisk)
			}
		}
		if met < 6 {
			t.Errorf("%s: only %d calls were broken", c.what, met)
		}
	}
	h := newHouse(t, Options{})
	_, secret := h.device(mia, NewDevice{Name: "phone"})
	h.store.breaks = 0
	if _, err := h.Basic(t.Context(), "mia", secret, office); !errors.Is(err, errDisk) {
		t.Errorf("app password: %v, want %v", err, errDisk)
	}
}

func TestHangingUpStillCounts(t *testing.T) {
	h := newHouse(t, Options{})
	derive := h.work.derive
	for range accountFailures {
		ctx, hangUp := context.WithCancel(t.Context())
		h.work.derive = func(secret string, p phc) []byte {
			hangUp()
			return derive(secret, p)
		}
		if _, err := h.Basic(ctx, "mia", "wrong password", street); err != ErrLogin {
			t.Fatal(err)
		}
	}
	h.work.derive = derive
	h.out("mia", miasPassword, office)
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	h := newHouse(t, Options{AddressFailures: 1000})
	h.store.limit = 1000
	d, secret := h.device(mia, NewDevice{Name: "phone"})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				switch i % 4 {
				case 0:
					h.in("mia", miasPassword, office)
				case 1:
					if who, err := h.Basic(t.Context(), "mia", secret, street); err != nil || who.Device != d.ID {
						t.Errorf("app password: %+v, %v", who, err)
					}
				case 2:
					h.out("bob", "bob likes beer", street)
				case 3:
					if err := errors.Join(h.Unlock(t.Context(), bob), h.store.change(mia, func(*store.Account) error { return nil })); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}
