package auth

import (
	"encoding/base64"
	"net/http"
	"net/netip"
)

// challenge is sent word for word the same for ever: clients file the passwords
// they remember under the realm.
//
// RFC 7617, section 2.1
const challenge = `Basic realm="Davit", charset="UTF-8"`

// headerMax is the longest Authorization field that can hold a name and a secret.
var headerMax = len("Basic ") + base64.StdEncoding.EncodedLen(2*credentialMax+len(":"))

// Challenge asks the client for a name and a password; it goes with a 401.
func Challenge(h http.Header) {
	h.Set("WWW-Authenticate", challenge)
}

// Request identifies by the Authorization field. Whatever is not one well-formed
// Basic credential is ErrLogin and counts as no failure: Office, for one, first
// sends an empty "Bearer" to see what it will be asked for.
func (s *Service) Request(r *http.Request) (Identity, error) {
	name, secret, ok := basicOf(r)
	if !ok {
		return Identity{}, ErrLogin
	}
	return s.Basic(r.Context(), name, secret, s.remote(r))
}

// RequestDevice is Request for where a main password alone opens nothing.
func (s *Service) RequestDevice(r *http.Request) (Identity, error) {
	name, secret, ok := basicOf(r)
	if !ok {
		return Identity{}, ErrLogin
	}
	return s.Device(name, secret)
}

func basicOf(r *http.Request) (name, secret string, ok bool) {
	// RFC 9110, section 5.3: a field that is no list comes once
	fields := r.Header["Authorization"]
	if len(fields) != 1 || len(fields[0]) > headerMax {
		return "", "", false
	}
	return r.BasicAuth()
}

// peer is the other end of the connection, or the zero Addr when that has no
// address, as on a socket in the file system.
func peer(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr()
}
