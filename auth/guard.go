package auth

import (
	"errors"
	"net/http"
	"strconv"

	"davit/policy"
	"davit/store"
)

// A SessionHandler answers a request for somebody who has signed in.
type SessionHandler interface {
	Serve(http.ResponseWriter, *http.Request, *store.Session)
}

// Guard stands before every handler of content: who cannot be identified gets
// the same 401 for everything, there or not. The bearers of links are identified
// by the URL, and need nothing else unless the link has a password.
type Guard struct {
	Store *store.Store
	Auth  *Service
	Next  SessionHandler
	// Class is what a main password counts as here: the class of the door.
	Class policy.Class
}

func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if token, is := linkToken(r.URL.Path); is {
		g.serveLink(w, r, token)
		return
	}
	identify := g.Auth.Request
	if g.Class != policy.Web && g.Store.Policy().Settings().TwoFactor {
		identify = g.Auth.RequestDevice // these clients ask for no second factor
	}
	id, err := identify(r)
	if err != nil {
		refuse(w, err, Challenge)
		return
	}
	g.serve(w, r, id, r.URL.EscapedPath())
}

// serve hands the request on with a session. The path is what the audit trail is
// told of the door.
func (g *Guard) serve(w http.ResponseWriter, r *http.Request, id Identity, path string) {
	c := g.credential(id)
	c.From = g.Auth.remote(r)
	c.Door = store.Door{Method: r.Method, Path: path, Remote: c.From}
	g.Next.Serve(w, r, g.Store.Login(c))
}

// serveLink answers below /s/TOKEN/. A dead link, an unknown one and one whose
// giver has nothing to give any more are the same: a session of nobody's, which
// finds nothing there.
func (g *Guard) serveLink(w http.ResponseWriter, r *http.Request, token string) {
	id, err := g.Auth.Bearer(r, token)
	switch {
	case errors.Is(err, store.ErrNotFound):
		g.Next.Serve(w, r, g.Store.Login(store.Credential{}))
	case err != nil:
		refuse(w, err, challengeBearer)
	default:
		g.serve(w, r, id, withoutToken(r.URL.Path))
	}
}

func (g *Guard) credential(id Identity) store.Credential {
	c := store.Credential{User: id.User, Link: id.Link, Mask: policy.All, Device: id.Device, Class: id.Class, Spaces: id.Spaces}
	if id.Device == 0 {
		c.Class = g.Class
	}
	if id.ReadOnly {
		c.Mask = policy.ReadOnly
	}
	return c
}

func refuse(w http.ResponseWriter, err error, challenge func(http.Header)) {
	switch {
	case errors.Is(err, ErrBusy):
		w.Header().Set("Retry-After", strconv.Itoa(BusyRetrySeconds))
		http.Error(w, ErrBusy.Error(), http.StatusServiceUnavailable)
	case errors.Is(err, ErrLogin):
		challenge(w.Header())
		http.Error(w, ErrLogin.Error(), http.StatusUnauthorized)
	default:
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}
