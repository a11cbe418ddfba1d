package dav

import (
	"context"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"davit/dav/wire"
	"davit/store"
)

// x/net/webdav carries out MKCOL, DELETE and UNLOCK: methods that come down to
// one act, which is one transaction here. It is given a file system and a lock
// system made for the one request. Paths, conditions, locks and rights are
// judged by us, and an error of the act has the last word over the status that
// the library makes of it. The other methods are ours whole: the library removes
// the target before a MOVE, copies file by file, empties the file before a PUT,
// opens every file to list it and knows no shared lock.

// errHandled stands for an act that went well or whose error is kept.
var errHandled = os.ErrPermission

// A deed is one act that the library is led to.
type deed struct {
	webdav.FileSystem // panics for what none of the methods calls
	act               func(context.Context) error
	err               error
	done              bool
}

func (d *deed) do(ctx context.Context) error {
	d.done = true
	if d.err = d.act(ctx); d.err != nil {
		return errHandled
	}
	return nil
}

// Mkdir is the act of MKCOL.
func (d *deed) Mkdir(ctx context.Context, _ string, _ os.FileMode) error { return d.do(ctx) }

// RemoveAll is the act of DELETE.
func (d *deed) RemoveAll(ctx context.Context, _ string) error { return d.do(ctx) }

// Stat lets the library go on: whether something exists is found out by the act.
func (d *deed) Stat(context.Context, string) (os.FileInfo, error) {
	return collection{}, nil
}

// collection is all that the library wants to know of a file.
type collection struct{ fs.FileInfo }

func (collection) IsDir() bool { return true }

// Create and Unlock of the lock system: the library frames each act with a lock
// of its own, which the transaction makes needless.
type lockless struct{ webdav.LockSystem }

func (lockless) Create(time.Time, webdav.LockDetails) (string, error) { return "", nil }

func (lockless) Unlock(time.Time, string) error { return nil }

// unlocking is the lock system of an UNLOCK.
type unlocking struct {
	webdav.LockSystem
	deed    *deed
	unlock  func(ctx context.Context, token string) error
	context context.Context
}

func (u unlocking) Unlock(_ time.Time, token string) error {
	u.deed.act = func(ctx context.Context) error { return u.unlock(ctx, token) }
	return u.deed.do(u.context)
}

// verdict drops the body that the library writes and keeps its status.
type verdict struct {
	header http.Header
	status int
}

func (v *verdict) Header() http.Header         { return v.header }
func (v *verdict) Write(p []byte) (int, error) { return len(p), nil }
func (v *verdict) WriteHeader(status int)      { v.status = status }

// carryOut lets the library do the deed and answers with its status.
func (rq *request) carryOut(d *deed, locks webdav.LockSystem) error {
	r := rq.r.Clone(rq.r.Context())
	r.Header.Del("If")                   // judged already, and better
	r.URL = &url.URL{Path: Prefix + "/"} // and the act knows its path
	r.Body, r.ContentLength = http.NoBody, 0
	v := &verdict{header: http.Header{}, status: http.StatusOK}
	(&webdav.Handler{Prefix: Prefix, FileSystem: d, LockSystem: locks}).ServeHTTP(v, r)
	switch {
	case d.err != nil:
		return d.err
	case !d.done:
		return wire.ErrHeader // the library found something it could not read
	}
	rq.w.WriteHeader(v.status)
	return nil
}

// remove answers DELETE. RFC 4918, section 9.6
func remove(rq *request) error {
	if rq.kind != kindItem {
		return store.ErrReserved
	}
	if depth, err := wire.ParseDepth(rq.r.Header.Get("Depth")); err != nil {
		return err
	} else if depth == wire.Depth1 {
		return errDepth
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	act := func(ctx context.Context) error { return rq.session.Remove(ctx, rq.path, t) }
	if rq.isBeyond() && rq.path.IsTrash() { // as a whole
		act = func(ctx context.Context) error {
			_, err := rq.session.Empty(ctx, rq.path, t)
			return err
		}
	}
	return rq.carryOut(&deed{act: act}, lockless{})
}

// unlock answers UNLOCK. RFC 4918, section 9.11
func unlock(rq *request) error {
	if err := rq.item(); err != nil {
		return err
	}
	// The npm package webdav 5.11 sends the token without its brackets.
	if token := rq.r.Header.Get("Lock-Token"); strings.HasPrefix(token, "urn:") {
		rq.r.Header.Set("Lock-Token", "<"+token+">") // RFC 4918, section 10.5
	}
	d := &deed{}
	return rq.carryOut(d, unlocking{deed: d, context: rq.r.Context(), unlock: func(ctx context.Context, token string) error {
		return rq.session.Unlock(ctx, rq.path, token)
	}})
}
