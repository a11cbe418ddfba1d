// Package outward asks other servers over HTTP, for who says which hosts and which
// addresses may be asked: no other is, whatever a redirect or a name server says. It
// keeps nothing and knows nothing of what is asked.
//
//	client := outward.Door{Host: allowed, Address: public}.Client()
package outward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
)

// RedirectsMax is how many redirects one request follows.
const RedirectsMax = 5

// headMax is how many bytes the head of an answer has.
const headMax = 64 << 10

// A Door leads to what may be asked. Nothing may by the zero value.
type Door struct {
	// Host tells whether a URL, which is http or https, may be asked.
	Host func(*url.URL) bool
	// Address tells whether a connection may be made to an address: the one that is
	// connected to, after its name is looked up.
	Address func(netip.Addr) bool
	Roots   *x509.CertPool // of certificates; those of the system if nil
	// Resolver looks names up; the usual one if nil.
	Resolver *net.Resolver
}

// Errors of what may not be asked, and of what does not answer.
var (
	ErrHost    = errors.New("the host may not be asked")
	ErrAddress = errors.New("the address is not one of the internet")
	ErrTooLong = errors.New("the server there takes too long")
)

// Opens tells whether a URL may be asked.
func (d Door) Opens(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && d.Host != nil && d.Host(u)
}

// Client asks what may be asked, and follows redirects to that, by no proxy and with
// no cookies. Its caller closes the connections that it leaves.
func (d Door) Client() *http.Client {
	dialer := &net.Dialer{Resolver: d.Resolver, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || d.Address == nil || !d.Address(at.Addr().Unmap().WithZone("")) {
			return ErrAddress
		}
		return nil
	}}
	return &http.Client{
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: d.Roots, MinVersion: tls.VersionTLS12},
			DisableKeepAlives: true, MaxResponseHeaderBytes: headMax, ForceAttemptHTTP2: true},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			switch {
			case len(via) > RedirectsMax:
				return fmt.Errorf("more than %d redirects", RedirectsMax)
			case !d.Opens(r.URL):
				return ErrHost
			}
			r.Header.Del("Referer")
			return nil
		},
	}
}

// Plainly is an error of a request without the URL, which may hold a secret.
func Plainly(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	for _, plain := range []error{ErrHost, ErrAddress} {
		if errors.Is(err, plain) {
			return plain
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return ErrTooLong
	}
	return err
}
