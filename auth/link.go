package auth

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"

	"davit/store"
)

// A token is 160 random bits, as lower-case letters and digits: it stands in a
// URL, or is typed as a user name.
const tokenLetters = deviceLetters

// linkPrefix is where the links are: /s/TOKEN/...
const linkPrefix = "/s/"

// NewLink makes a token, and what the store keeps of it and of the password, if
// there is one. The token is answered this once; afterwards nobody can tell it.
func (s *Service) NewLink(ctx context.Context, password string) (token string, l store.NewLink, err error) {
	if password != "" {
		if l.Password, err = s.Hash(ctx, password); err != nil {
			return "", store.NewLink{}, err
		}
	}
	token, l.Token = store.NewToken()
	return token, l, nil
}

// LinkPath is the path of a link's URL.
func LinkPath(token string) string { return linkPrefix + token + "/" }

// CalendarLinkPath is the path of the URL of a link to a calendar, by whose end
// the programs that subscribe know what they get.
func CalendarLinkPath(token string) string { return linkPrefix + token + ".ics" }

// linkToken finds the token in the path of a URL that is below a link. What stands
// behind a dot says in which form the link is asked for.
func linkToken(path string) (token string, is bool) {
	rest, is := strings.CutPrefix(path, linkPrefix)
	token, _, _ = strings.Cut(rest, "/")
	token, _, _ = strings.Cut(token, ".")
	return token, is && token != ""
}

// withoutToken is the path of a URL below a link for eyes that must not use it.
func withoutToken(path string) string {
	token, _ := linkToken(path)
	below := url.URL{Path: path[len(linkPrefix)+len(token):]}
	return linkPrefix + "-" + below.EscapedPath()
}

// link finds the link of a token. It asks for no lock and counts no failure, as
// with app passwords: 160 random bits are not guessed, and a client that keeps
// asking for a link that has ended must not lock its neighbours out.
func (s *Service) link(token string) (store.Account, error) {
	if len(token) != tokenLetters || strings.Trim(token, deviceAlphabet) != "" {
		return store.Account{}, store.ErrNotFound
	}
	account, err := s.accounts.Link(sha256.Sum256([]byte(token)))
	account.Name = token
	return account, err
}

// open tells whether the account is that of a link without a password.
func open(a store.Account) bool { return a.Link && a.Active && a.Password == "" }

// Bearer identifies the bearer of a link by the token of its URL, and by the
// password that the link may have: the name sent along with that says nothing.
// The error is store.ErrNotFound for a dead link, and ErrLogin for a living one
// without its password.
func (s *Service) Bearer(r *http.Request, token string) (Identity, error) {
	account, err := s.link(token)
	if err != nil {
		return Identity{}, err
	}
	if open(account) {
		return identity(account), nil
	}
	_, secret, ok := basicOf(r)
	if !ok {
		return Identity{}, ErrLogin
	}
	return s.Basic(r.Context(), token, secret, s.remote(r))
}

// challengeBearer asks for the password of a link. The realm is another than that
// of accounts: no client sends the password of the one to the other.
func challengeBearer(h http.Header) {
	h.Set("WWW-Authenticate", `Basic realm="Davit link", charset="UTF-8"`)
}
