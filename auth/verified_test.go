package auth

import (
	"net/http"
	"testing"
	"time"

	"davit/store"
)

func TestRemembered(t *testing.T) {
	h := newHouse(t, Options{})
	h.in("mia", miasPassword, office)
	h.clock.pass(rememberFor - 1)
	h.in("mia", miasPassword, street)
	if h.runs.Load() != 1 {
		t.Fatalf("%d computations, want 1", h.runs.Load())
	}
	h.clock.pass(1)
	h.in("mia", miasPassword, office)
	if h.runs.Load() != 2 {
		t.Fatalf("%d computations after %v, want 2", h.runs.Load(), rememberFor)
	}
	h.out("mia", miasPassword+" ", office)
	h.out("mia ", miasPassword, office)
}

// Every change of an account counts from the next request.
func TestChangeEndsTheRemembered(t *testing.T) {
	for what, change := range map[string]func(*house) error{
		"password": func(h *house) error { return h.SetPassword(t.Context(), mia, "a boat on the sea") },
		"state": func(h *house) error {
			return h.store.change(mia, func(a *store.Account) error { a.Active = false; return nil })
		},
		// The store keeps states elsewhere than credentials: the stamp may stay.
		"state alone": func(h *house) error {
			account := h.store.byID[mia]
			account.Active = false
			h.store.byID[mia] = account
			return nil
		},
		"not there": func(h *house) error { delete(h.store.byID, mia); return nil },
		// A new account of the old name is somebody else.
		"successor": func(h *house) error {
			h.store.byID[99] = store.Account{ID: 99, Name: "mia", Active: true, Stamp: h.store.byID[mia].Stamp}
			delete(h.store.byID, mia)
			return nil
		},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHouse(t, Options{})
			h.in("mia", miasPassword, office)
			h.must(change(h))
			h.out("mia", miasPassword, office)
		})
	}
}

func TestOtherChangesVerifyAgain(t *testing.T) {
	h := newHouse(t, Options{})
	h.in("mia", miasPassword, office)
	h.must(h.store.change(mia, func(*store.Account) error { return nil }))
	for range 2 {
		h.in("mia", miasPassword, office)
	}
	if h.runs.Load() != 2 {
		t.Errorf("%d computations, want 2: one before the change and one after", h.runs.Load())
	}
}

func TestKey(t *testing.T) {
	v := newVerified()
	key := v.key("mia", "boat")
	for _, other := range [][2]string{{"mi", "aboat"}, {"miab", "oat"}, {"mia", "boa"}, {"", "miaboat"}} {
		if v.key(other[0], other[1]) == key {
			t.Errorf("%q has the key of another credential", other)
		}
	}
	if v.key("mia", "boat") != key {
		t.Error("one credential has two keys")
	}
	if newVerified().key("mia", "boat") == key {
		t.Error("another process makes the same keys")
	}
}

func TestVerifiedIsBounded(t *testing.T) {
	v := newVerified()
	now := newClock().now()
	later := now.Add(rememberFor)
	for i := range 2 * verifiedMax {
		v.put(digest{byte(i), byte(i >> 8), byte(i >> 16)}, credential{until: later}, now)
	}
	for i := range v.shards {
		if n := len(v.shards[i].entries); n > shardMax || n < shardKept {
			t.Fatalf("a shard keeps %d, want %d to %d", n, shardKept, shardMax)
		}
	}
}

func TestWhatIsOverMakesRoomFirst(t *testing.T) {
	v := newVerified()
	now := newClock().now()
	later := now.Add(rememberFor)
	for i := range shardMax {
		until := later
		if i%2 == 0 {
			until = now
		}
		v.put(digest{0, byte(i), byte(i >> 8)}, credential{until: until}, now)
	}
	v.put(digest{0, 0, 0xff}, credential{until: later}, now)
	if got, want := len(v.shards[0].entries), shardMax/2+1; got != want {
		t.Errorf("%d left of a shard half of which was over, want %d", got, want)
	}
}

func BenchmarkBasicCached(b *testing.B) {
	s, _ := benchService(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Basic(b.Context(), "mia", miasPassword, office); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkRequestCached(b *testing.B) {
	s, r := benchService(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Request(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkArgon2(b *testing.B) {
	w := newWork()
	for b.Loop() {
		w.derive(miasPassword, w.decoy)
	}
}

// benchService has verified mia's password already.
func benchService(b *testing.B) (*Service, *http.Request) {
	h := newHouse(b, Options{})
	h.Service.now = time.Now
	r, err := http.NewRequestWithContext(b.Context(), "PROPFIND", "/dav/", nil)
	h.must(err)
	r.RemoteAddr = "192.0.2.7:50000"
	r.SetBasicAuth("mia", miasPassword)
	_, err = h.Request(r)
	h.must(err)
	return h.Service, r
}
