package auth

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func basic(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

func request(fields ...string) *http.Request {
	r := httptest.NewRequest("PROPFIND", "/dav/", nil)
	r.RemoteAddr = "192.0.2.7:50000"
	for _, f := range fields {
		r.Header.Add("Authorization", f)
	}
	return r
}

func TestRequest(t *testing.T) {
	h := newHouse(t, Options{})
	h.must(h.SetPassword(t.Context(), bob, "brot: gebäck"))
	good := basic("mia:" + miasPassword)
	for _, c := range []struct {
		what   string
		fields []string
		want   string
	}{
		{"nothing", nil, ""},
		{"good", []string{good}, "mia"},
		{"scheme in small letters", []string{"basic" + good[5:]}, "mia"},
		{"UTF-8 and a colon", []string{basic("bob:brot: gebäck")}, "bob"},
		{"Latin-1", []string{basic("bob:brot: geb\xe4ck")}, ""},
		{"an empty Bearer", []string{"Bearer"}, ""},
		{"a Bearer", []string{"Bearer " + good[6:]}, ""},
		{"Negotiate", []string{"Negotiate TlRMTVNTUAAB"}, ""},
		{"empty", []string{""}, ""},
		{"Basic alone", []string{"Basic"}, ""},
		{"no base64", []string{"Basic mia:" + miasPassword}, ""},
		{"a cut base64", []string{strings.TrimRight(good, "=")[:20]}, ""},
		{"no colon", []string{basic("mia")}, ""},
		{"no name", []string{basic(":" + miasPassword)}, ""},
		{"two fields", []string{good, good}, ""},
		{"endless", []string{good + strings.Repeat("A", 1<<20)}, ""},
	} {
		who, err := h.Request(request(c.fields...))
		if c.want == "" && err != ErrLogin || c.want != "" && err != nil || who.Name != c.want {
			t.Errorf("%s: %+v, %v, want %q", c.what, who, err, c.want)
		}
	}
	if len(h.store.lockouts) != 0 {
		t.Errorf("what is no credential was counted: %v", h.store.lockouts)
	}
}

func TestLongestCredentialFits(t *testing.T) {
	h := newHouse(t, Options{})
	half := strings.Repeat("x", credentialMax)
	if _, err := h.Request(request(basic(half + ":" + half))); err != ErrLogin || h.runs.Load() != 1 {
		t.Errorf("%v after %d computations, want one", err, h.runs.Load())
	}
	if _, err := h.Request(request(basic(half + ":x" + half))); err != ErrLogin || h.runs.Load() != 1 {
		t.Errorf("%v after %d computations, want no more", err, h.runs.Load())
	}
}

func TestEndlessFieldIsNotDecoded(t *testing.T) {
	h := newHouse(t, Options{})
	r := request(basic("mia:" + strings.Repeat("x", 1<<20)))
	if n := testing.AllocsPerRun(5, func() { h.Request(r) }); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestRequestAddress(t *testing.T) {
	h := newHouse(t, Options{})
	wrong := basic("nobody:wrong password")
	r := request(wrong)
	r.RemoteAddr = "[2001:db8::1]:443"
	h.Request(r)
	r = request(wrong)
	r.RemoteAddr = "@"
	h.Request(r)
	h.restart(Options{Remote: func(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("X-Real-Ip")) }})
	r = request(wrong)
	r.Header.Set("X-Real-Ip", "198.51.100.9")
	h.Request(r)
	for key, want := range map[string]int{"addr:2001:db8::/64": 1, "addr:198.51.100.9": 1, "addr:192.0.2.7": 0} {
		if got := h.store.lockouts[key].Failures; got != want {
			t.Errorf("%d failures under %s, want %d", got, key, want)
		}
	}
}

func TestChallenge(t *testing.T) {
	header := http.Header{"Www-Authenticate": {"Negotiate"}}
	Challenge(header)
	got := header.Values("WWW-Authenticate")
	if want := `Basic realm="Davit", charset="UTF-8"`; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q alone", got, want)
	}
}
