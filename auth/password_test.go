package auth

import (
	"errors"
	"strings"
	"testing"
)

func TestPasswordRules(t *testing.T) {
	for secret, want := range map[string]string{
		"1234567":                  "at least 8",
		"12345678":                 "",
		"üüüüüüü":                  "at least 8", // 14 bytes
		strings.Repeat("🚣", 128):   "",
		strings.Repeat("x", 129):   "at most 128",
		strings.Repeat("x", 1<<20): "at most 128",
		"pass\xffword":             "UTF-8",
		"pass\nword":               "control",
		deviceBits{}.String():      "app password",
		"correct horse battery":    "",
	} {
		err := CheckPassword(secret)
		switch {
		case want == "" && err != nil:
			t.Errorf("%.40q: %v", secret, err)
		case want != "" && (!errors.Is(err, ErrPassword) || !strings.Contains(err.Error(), want)):
			t.Errorf("%.40q: %v, want %q", secret, err, want)
		}
	}
}

func TestSetPasswordChecks(t *testing.T) {
	h := newHouse(t, Options{})
	if err := h.SetPassword(t.Context(), mia, "short"); !errors.Is(err, ErrPassword) {
		t.Fatalf("got %v, want %v", err, ErrPassword)
	}
	h.in("mia", miasPassword, office)
}

// Nothing is cut: the 129th byte of a long password counts.
func TestLongPasswordCountsWhole(t *testing.T) {
	h := newHouse(t, Options{})
	long := strings.Repeat("ü", passwordMax)
	h.must(h.SetPassword(t.Context(), mia, long))
	h.out("mia", long[:len(long)-2]+"ö", office)
	h.in("mia", long, office)
}

// With the computation that is not replaced.
func TestArgon2(t *testing.T) {
	w := newWork()
	// from the reference implementation's own tests
	const vector = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	for secret, want := range map[string]bool{"password": true, "Password": false} {
		if got, err := w.matches(vector, secret); err != nil || got != want {
			t.Errorf("%q matches: %v, %v, want %v", secret, got, err, want)
		}
	}
	stored := w.hash(miasPassword).String()
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("stored as %q", stored)
	}
	if ok, err := w.matches(stored, miasPassword); err != nil || !ok {
		t.Errorf("a new password does not match itself: %v", err)
	}
	if ok, err := w.matches("", miasPassword); err != nil || ok {
		t.Errorf("no password matches: %v, %v", ok, err)
	}
}

func TestNeedsRehash(t *testing.T) {
	salt, sum := random(saltSize), random(sumSize)
	for what, c := range map[string]struct {
		stored string
		want   bool
	}{
		"as now":         {phc{current, salt, sum}.String(), false},
		"cheaper":        {phc{cost{current.memory / 2, current.passes, current.lanes}, salt, sum}.String(), true},
		"a shorter salt": {phc{current, salt[:8], sum}.String(), true},
		"a shorter sum":  {phc{current, salt, sum[:16]}.String(), true},
		"damaged":        {"plain text", true},
	} {
		if got := NeedsRehash(c.stored); got != c.want {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

// Where no password is stored nothing matches, not even what fits the decoy.
func TestDecoyNeverMatches(t *testing.T) {
	w := newWork()
	w.derive = func(_ string, p phc) []byte { return p.sum }
	if ok, err := w.matches("", miasPassword); err != nil || ok {
		t.Errorf("got %v, %v", ok, err)
	}
}

func TestSaltsDiffer(t *testing.T) {
	h := newHouse(t, Options{})
	first, second := h.work.hash(miasPassword).String(), h.work.hash(miasPassword).String()
	if first == second {
		t.Errorf("the same password is stored as the same text %q", first)
	}
}

const (
	okSalt = "c29tZXNhbHQ"
	okSum  = "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)

func TestParsePHC(t *testing.T) {
	phcOf := func(cost, salt, sum string) string { return "$argon2id$v=19$" + cost + "$" + salt + "$" + sum }
	for text, want := range map[string]bool{
		phcOf("m=19456,t=2,p=1", okSalt, okSum):                        true,
		phcOf("m=131072,t=16,p=16", okSalt, okSum):                     true,
		phcOf("m=131073,t=2,p=1", okSalt, okSum):                       false,
		phcOf("m=4294967295,t=2,p=1", okSalt, okSum):                   false,
		phcOf("m=99999999999999999999,t=2,p=1", okSalt, okSum):         false,
		phcOf("m=19456,t=17,p=1", okSalt, okSum):                       false,
		phcOf("m=19456,t=2,p=17", okSalt, okSum):                       false,
		phcOf("m=19456,t=2,p=257", okSalt, okSum):                      false,
		phcOf("m=19456,t=0,p=1", okSalt, okSum):                        false,
		phcOf("m=19456,t=2,p=0", okSalt, okSum):                        false,
		phcOf("m=0,t=2,p=1", okSalt, okSum):                            false,
		phcOf("m=8,t=1,p=1", okSalt, okSum):                            true,
		phcOf("m=15,t=1,p=2", okSalt, okSum):                           false,
		phcOf("m=019456,t=2,p=1", okSalt, okSum):                       false,
		phcOf("m=+19456,t=2,p=1", okSalt, okSum):                       false,
		phcOf("m=,t=2,p=1", okSalt, okSum):                             false,
		phcOf("t=2,m=19456,p=1", okSalt, okSum):                        false,
		phcOf("m=19456,t=2,p=1,k=1", okSalt, okSum):                    false,
		phcOf("m=19456,t=2", okSalt, okSum):                            false,
		phcOf("m=19456,t=2,p=1", "", okSum):                            false,
		phcOf("m=19456,t=2,p=1", okSalt, ""):                           false,
		phcOf("m=19456,t=2,p=1", "c2hvcnQ", okSum):                     false,
		phcOf("m=19456,t=2,p=1", strings.Repeat("abcd", 22), okSum):    false,
		phcOf("m=19456,t=2,p=1", okSalt, "c2hvcnQ"):                    false,
		phcOf("m=19456,t=2,p=1", okSalt, strings.Repeat("abcd", 22)):   false,
		phcOf("m=19456,t=2,p=1", okSalt+"==", okSum):                   false,
		phcOf("m=19456,t=2,p=1", "c29tZXNhbHR", okSum):                 false, // a stray bit
		phcOf("m=19456,t=2,p=1", "c29t\nZXNhbHQ", okSum):               false,
		phcOf("m=19456,t=2,p=1", okSalt, okSum) + "$":                  false,
		"x" + phcOf("m=19456,t=2,p=1", okSalt, okSum):                  false,
		"$argon2i$v=19$m=19456,t=2,p=1$" + okSalt + "$" + okSum:        false,
		"$argon2id$v=16$m=19456,t=2,p=1$" + okSalt + "$" + okSum:       false,
		"$argon2id$m=19456,t=2,p=1$" + okSalt + "$" + okSum:            false,
		"$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy": false,
		"": false,
	} {
		h, err := parsePHC(text)
		if (err == nil) != want {
			t.Errorf("%q: %v, want readable: %v", text, err, want)
		}
		if err == nil && h.String() != text {
			t.Errorf("%q is written back as %q", text, h)
		}
	}
}

func TestLongPHCIsNotLookedAt(t *testing.T) {
	long := strings.Repeat("$", 1<<20)
	if n := testing.AllocsPerRun(5, func() { parsePHC(long) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$" + okSalt + "$" + okSum)
	f.Add("$argon2id$v=19$m=4294967295,t=4294967295,p=255$" + okSalt + "$" + okSum)
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parsePHC(text)
		if err != nil {
			return
		}
		if h.memory > memoryMax || h.passes > passesMax || h.lanes > lanesMax || h.passes == 0 || h.lanes == 0 {
			t.Fatalf("%q asks for too much or nothing: %+v", text, h.cost)
		}
		if len(h.salt) > saltMax || len(h.sum) > sumMax || len(h.sum) < sumMin {
			t.Fatalf("%q has a salt of %d and a sum of %d bytes", text, len(h.salt), len(h.sum))
		}
		if h.String() != text {
			t.Fatalf("%q is written back as %q", text, h)
		}
	})
}
