package auth

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"davit/policy"
	"davit/store"
)

func TestDevice(t *testing.T) {
	h := newHouse(t, Options{})
	d, secret := h.device(mia, NewDevice{Name: " Mia's phone ", Class: policy.Mobile, ReadOnly: true, Spaces: []policy.ID{20, 30}})
	if !regexp.MustCompile(`^davit(-[a-z2-7]{4}){8}$`).MatchString(secret) {
		t.Fatalf("app password has the shape of %q", secret)
	}
	bits, _ := parseDevice(secret)
	want := store.Device{ID: d.ID, Name: "Mia's phone", Secret: sha256.Sum256(bits[:]), Class: policy.Mobile, ReadOnly: true, Spaces: []policy.ID{20, 30}, Created: h.clock.now()}
	if !reflect.DeepEqual(d, want) {
		t.Fatalf("stored %+v, want %+v", d, want)
	}
	for _, typed := range []string{
		secret,
		strings.ToUpper(secret),
		strings.ReplaceAll(secret, "-", ""),
		strings.ToUpper(secret[:20]) + "--" + secret[20:] + "-",
	} {
		who, err := h.Basic(t.Context(), "mia", typed, office)
		if want := (Identity{User: mia, Name: "mia", Device: d.ID, Class: policy.Mobile, ReadOnly: true, Spaces: d.Spaces}); err != nil || !reflect.DeepEqual(who, want) {
			t.Errorf("%q: got %+v, %v, want %+v", typed, who, err, want)
		}
	}
	if h.runs.Load() != 0 {
		t.Error("an app password cost a computation")
	}
	h.out("bob", secret, office)
	h.out("nobody", secret, office)
}

func TestTheRightDeviceOfMany(t *testing.T) {
	h := newHouse(t, Options{})
	secrets := map[uint64]string{}
	for _, name := range []string{"phone", "laptop", "printer"} {
		d, secret := h.device(mia, NewDevice{Name: name})
		secrets[d.ID] = secret
	}
	for id, secret := range secrets {
		if who, err := h.Basic(t.Context(), "mia", secret, office); err != nil || who.Device != id {
			t.Errorf("got %+v, %v, want device %d", who, err, id)
		}
	}
}

func TestDeviceEnds(t *testing.T) {
	for what, end := range map[string]func(*house, store.Device) error{
		"removed": func(h *house, d store.Device) error { return h.RemoveDevice(t.Context(), mia, d.ID) },
		"expired": func(h *house, _ store.Device) error { h.clock.pass(1); return nil },
		"deactivated": func(h *house, _ store.Device) error {
			return h.store.change(mia, func(a *store.Account) error { a.Active = false; return nil })
		},
	} {
		for _, remembered := range []bool{true, false} {
			t.Run(what, func(t *testing.T) {
				h := newHouse(t, Options{})
				d, secret := h.device(mia, NewDevice{Name: "phone", Expires: h.clock.now().Add(time.Minute)})
				h.clock.pass(time.Minute - 1)
				h.in("mia", secret, office)
				if !remembered {
					h.restart(Options{})
				}
				h.must(end(h, d))
				h.out("mia", secret, office)
			})
		}
	}
}

// A phone that still sends a removed app password locks nobody out.
func TestWrongDeviceCountsNothing(t *testing.T) {
	h := newHouse(t, Options{})
	d, secret := h.device(mia, NewDevice{Name: "phone"})
	h.must(h.RemoveDevice(t.Context(), mia, d.ID))
	writes := h.store.written()
	for range 2 * addressFailures {
		h.out("mia", secret, office)
	}
	if h.store.written() != writes {
		t.Error("failures of an app password were counted")
	}
	h.in("mia", miasPassword, office)
}

func TestDeviceRules(t *testing.T) {
	h := newHouse(t, Options{})
	now := h.clock.now()
	for _, c := range []struct {
		what string
		n    NewDevice
		want error
	}{
		{"no name", NewDevice{}, ErrDevice},
		{"a blank name", NewDevice{Name: " \t"}, ErrDevice},
		{"64 characters", NewDevice{Name: strings.Repeat("ü", 64)}, nil},
		{"65 characters", NewDevice{Name: strings.Repeat("u", 65)}, ErrDevice},
		{"a line end", NewDevice{Name: "my\nphone"}, ErrDevice},
		{"not UTF-8", NewDevice{Name: "my\xffphone"}, ErrDevice},
		{"over already", NewDevice{Name: "a", Expires: now}, ErrDevice},
		{"over soon", NewDevice{Name: "a", Expires: now.Add(1)}, nil},
		{"a name taken", NewDevice{Name: "a "}, store.ErrExists},
	} {
		d, secret, err := h.AddDevice(t.Context(), mia, c.n)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		if (err == nil) != (secret != "") || (err == nil) != (d.ID != 0) {
			t.Errorf("%s: device %+v with error %v", c.what, d, err)
		}
	}
}

func TestParseDevice(t *testing.T) {
	good := deviceBits([]byte("twenty bytes of bits")).String()
	for text, want := range map[string]bool{
		good:                               true,
		"-" + good:                         true,
		good[1:]:                           false,
		good[:len(good)-1]:                 false,
		good + "a":                         false,
		"":                                 false,
		"davit-":                           false,
		strings.Repeat("-", 500):           false,
		strings.Replace(good, "d", "e", 1): false,
		good[:len(good)-1] + "1":           false,
		good[:len(good)-1] + "\n":          false,
		good[:len(good)-1] + " ":           false,
		strings.Repeat("davit-abcd", 4):    false,
	} {
		if _, got := parseDevice(text); got != want {
			t.Errorf("%q is an app password: %v, want %v", text, got, want)
		}
	}
}

func FuzzParseDevice(f *testing.F) {
	f.Add(deviceBits{}.String())
	f.Add(strings.ToUpper(deviceBits([]byte("twenty bytes of bits")).String()))
	f.Add("davitabcdefghijklmnopqrstuvwxyz234567")
	f.Fuzz(func(t *testing.T, text string) {
		bits, ok := parseDevice(text)
		if !ok {
			return
		}
		again := bits.String()
		if back, ok := parseDevice(again); !ok || !bytes.Equal(back[:], bits[:]) {
			t.Fatalf("%q reads as %q, which reads differently", text, again)
		}
		plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
		if plain(text) != plain(again) {
			t.Fatalf("%q was taken for %q", text, again)
		}
	})
}

// Where a second factor is asked for, the main password opens nothing, is not
// looked at and costs nothing; app passwords go on.
func TestDeviceAlone(t *testing.T) {
	h := newHouse(t, Options{})
	_, secret := h.device(mia, NewDevice{Name: "laptop"})
	_, other := h.device(bob, NewDevice{Name: "laptop"})
	h.in("mia", miasPassword, office) // remembered from before
	runs := h.runs.Load()
	for range accountFailures + 1 {
		for _, wrong := range []string{miasPassword, "not it", "", other} {
			if who, err := h.Device("mia", wrong); err != ErrLogin || !reflect.DeepEqual(who, Identity{}) {
				t.Errorf("%q alone: %+v, %v", wrong, who, err)
			}
		}
	}
	if h.runs.Load() != runs || h.store.written() != 0 {
		t.Error("a password that opens nothing was computed or counted")
	}
	for range 2 { // found, then remembered
		if who, err := h.Device("mia", secret); err != nil || who.User != mia {
			t.Errorf("the app password: %+v, %v", who, err)
		}
	}
}
