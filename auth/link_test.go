package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"testing"

	"davit/policy"
	"davit/store"
)

// addLink gives the house a link with a password, or none.
func (h *house) addLink(id policy.ID, password string) (token string) {
	h.t.Helper()
	token, l, err := h.NewLink(context.Background(), password)
	h.must(err)
	if l.Token != sha256.Sum256([]byte(token)) || (l.Password != "") != (password != "") {
		h.t.Errorf("%s is kept as %+v", token, l)
	}
	h.store.mu.Lock()
	defer h.store.mu.Unlock()
	if h.store.links == nil {
		h.store.links = map[[32]byte]policy.ID{}
	}
	h.store.links[l.Token] = id
	h.store.byID[id] = store.Account{ID: id, Link: true, Active: true, Password: l.Password, Stamp: 1000 * uint64(id)}
	return token
}

// bearer asks with the URL of a link, and a password unless it is empty.
func (h *house) bearer(token, name, secret string) (Identity, error) {
	h.t.Helper()
	r, err := http.NewRequest("GET", LinkPath(token)+"a.txt", nil)
	h.must(err)
	r.RemoteAddr = street.String() + ":1"
	if secret != "" {
		r.SetBasicAuth(name, secret)
	}
	found, is := linkToken(r.URL.Path)
	if !is || found != token {
		h.t.Errorf("%s has the token %q", r.URL.Path, found)
	}
	return h.Bearer(r, found)
}

const linkPassword = "what we agreed on"

// TestBearer: the token is all that a link without a password asks for, and one
// with a password asks for that and no name.
func TestBearer(t *testing.T) {
	h := newHouse(t, Options{})
	free, locked := h.addLink(50, ""), h.addLink(51, linkPassword)
	for _, row := range []struct {
		token, name, secret string
		who                 policy.ID
		err                 error
	}{
		{free, "", "", 50, nil},
		{free, "mia", miasPassword, 50, nil},
		{free, "mia", "a wrong password", 50, nil},
		{locked, "", "", 0, ErrLogin},
		{locked, "anybody", linkPassword, 51, nil},
		{locked, "mia", linkPassword, 51, nil},
		{locked, "mia", miasPassword, 0, ErrLogin},
		{locked, locked, "a wrong password", 0, ErrLogin},
		{strings.ToUpper(free), "", "", 0, store.ErrNotFound},
		{free[1:], "", "", 0, store.ErrNotFound},
		{free + "a", "", "", 0, store.ErrNotFound},
		{strings.Repeat("a", tokenLetters), "mia", miasPassword, 0, store.ErrNotFound},
	} {
		who, err := h.bearer(row.token, row.name, row.secret)
		if who.Link != row.who || who.User != policy.Nobody || !errors.Is(err, row.err) {
			t.Errorf("%s with %s %q: %+v, %v", row.token, row.name, row.secret, who, err)
		}
	}
	runs := h.runs.Load()
	if _, err := h.bearer(locked, "anybody", linkPassword); err != nil || h.runs.Load() != runs {
		t.Errorf("a password that was right costs %d computations again (%v)", h.runs.Load()-runs, err)
	}
	h.store.mu.Lock()
	dead := h.store.byID[51]
	dead.Active = false
	h.store.byID[51] = dead
	h.store.mu.Unlock()
	if _, err := h.bearer(locked, "anybody", linkPassword); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a dead link with its password: %v", err)
	}
}

// TestTokenForAName: at the door of accounts the token is a name like any other.
func TestTokenForAName(t *testing.T) {
	h := newHouse(t, Options{})
	free, locked := h.addLink(50, ""), h.addLink(51, linkPassword)
	for _, row := range []struct {
		name, secret string
		link         policy.ID
	}{
		{free, "", 50}, {free, "anything", 50}, {locked, linkPassword, 51}, {locked, "", 0}, {locked, "a wrong password", 0}, {strings.ToUpper(free), "", 0},
	} {
		who, err := h.Basic(context.Background(), row.name, row.secret, street)
		if who.Link != row.link || who.User != policy.Nobody || (err == nil) != (row.link != 0) {
			t.Errorf("%s with %q: %+v, %v", row.name, row.secret, who, err)
		}
	}
	// An account of that very name comes first.
	h.store.mu.Lock()
	mia := h.store.byID[mia]
	mia.ID, mia.Name = 60, free
	h.store.byID[60] = mia
	h.store.mu.Unlock()
	if who, err := h.Basic(context.Background(), free, miasPassword, street); err != nil || who.User != 60 || who.Link != policy.Nobody {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := h.Basic(context.Background(), free, "", street); err != ErrLogin {
		t.Errorf("the link of the name: %v", err)
	}
}

// TestGuessingAtALink locks it as it locks an account, and counts for the address;
// asking for links that are not there counts for nothing.
func TestGuessingAtALink(t *testing.T) {
	h := newHouse(t, Options{})
	locked := h.addLink(51, linkPassword)
	for range 100 {
		if _, err := h.bearer(strings.Repeat("b", tokenLetters), "mia", "x"); !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
	}
	if n := h.store.written(); n != 0 {
		t.Errorf("%d failures are counted of none", n)
	}
	for range accountFailures {
		if _, err := h.bearer(locked, "mia", "a guess"); err != ErrLogin {
			t.Fatal(err)
		}
	}
	if _, err := h.bearer(locked, "mia", linkPassword); err != ErrLogin {
		t.Errorf("a locked link opens: %v", err)
	}
	h.in("mia", miasPassword, office)
	h.clock.pass(lockMax)
	if _, err := h.bearer(locked, "mia", linkPassword); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func TestLinkPaths(t *testing.T) {
	for path, want := range map[string]string{
		"/s/abc": "abc", "/s/abc/": "abc", "/s/abc/d/e": "abc", "/s/": "", "/s": "", "/s//abc": "", "/S/abc": "", "/dav/s/abc": "", "/s/a b/c": "a b",
	} {
		if token, is := linkToken(path); token != want || is != (want != "") {
			t.Errorf("%s has the token %q, %t", path, token, is)
		}
	}
	if got := withoutToken("/s/abc/d e/f"); got != "/s/-/d%20e/f" {
		t.Errorf("without its token: %s", got)
	}
	if token, l, err := newHouse(t, Options{}).NewLink(context.Background(), "short"); !errors.Is(err, ErrPassword) || token != "" || l != (store.NewLink{}) {
		t.Errorf("%q, %+v, %v", token, l, err)
	}
}
