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
// the same 401 for everything, there or not.
type Guard struct {
	Store *store.Store
	Auth  *Service
	Next  SessionHandler
	// Class is what a main password counts as here: the class of the door.
	Class policy.Class
}

func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	identify := g.Auth.Request
	if g.Class != policy.Web && g.Store.Policy().Settings().TwoFactor {
		identify = g.Auth.RequestDevice // these clients ask for no second factor
	}
	id, err := identify(r)
	if err != nil {
		refuse(w, err)
		return
	}
	c := g.credential(id)
	c.From = g.Auth.remote(r)
	c.Door = store.Door{Method: r.Method, Path: r.URL.EscapedPath(), Remote: c.From}
	g.Next.Serve(w, r, g.Store.Login(c))
}

func (g *Guard) credential(id Identity) store.Credential {
	c := store.Credential{User: id.User, Mask: policy.All, Class: id.Class, Spaces: id.Spaces}
	if id.Device == 0 {
		c.Class = g.Class
	}
	if id.ReadOnly {
		c.Mask = policy.ReadOnly
	}
	return c
}

func refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, ErrBusy):
		w.Header().Set("Retry-After", strconv.Itoa(BusyRetrySeconds))
		http.Error(w, ErrBusy.Error(), http.StatusServiceUnavailable)
	case errors.Is(err, ErrLogin):
		Challenge(w.Header())
		http.Error(w, ErrLogin.Error(), http.StatusUnauthorized)
	default:
		http.Error(w, "internal error", http.StatusInternalServerError)
	}
}
