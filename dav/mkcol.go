package dav

import (
	"context"
	"encoding/xml"
	"errors"
	"mime"
	"net/http"
	"time"

	"davit/dav/wire"
	"davit/store"
)

// mkcol answers MKCOL, plain (RFC 4918, section 9.3) or extended with properties
// that the collection has from the beginning (RFC 5689).
func mkcol(rq *request) error {
	if rq.kind != kindItem {
		return store.ErrExists
	}
	patch, err := rq.mkcolBody()
	if err != nil {
		return err
	}
	todo := rq.readPatch(patch)
	// Given with the collection, its type is no protected property.
	delete(todo.protected, resourceType)
	invalid := !onlyCollection(patch)
	if invalid || len(todo.protected) > 0 {
		return rq.mkcolFailed(patch, todo.protected, invalid)
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	act := func(ctx context.Context) error {
		_, err := rq.session.Mkdir(ctx, rq.path, t)
		return err
	}
	if len(todo.props) > 0 || !todo.modified.IsZero() {
		act = func(ctx context.Context) error {
			return rq.session.MkdirWith(ctx, rq.path, todo.props, todo.modified, t)
		}
	}
	if patch != nil && wire.ParsePrefer(rq.r.Header).Minimal {
		rq.applied(returnMinimal) // RFC 8144, section 2.3
	}
	return rq.carryOut(&deed{act: act}, lockless{})
}

var resourceType = davName("resourcetype")

// mkcolBody reads what the new collection is to have, nil without a body.
func (rq *request) mkcolBody() ([]wire.PropPatch, error) {
	if kind, _, _ := mime.ParseMediaType(rq.r.Header.Get("Content-Type")); kind != "application/xml" && kind != "text/xml" {
		if n, err := rq.r.Body.Read(make([]byte, 1)); n > 0 {
			return nil, errMediaType
		} else if err != nil && rq.r.Context().Err() != nil {
			return nil, err
		}
		return nil, nil
	}
	body, err := rq.body()
	if err != nil || len(body) == 0 {
		return nil, err
	}
	patch, err := wire.ParseMkcol(body, davName("mkcol"))
	if errors.Is(err, wire.ErrRoot) {
		return nil, errMediaType // RFC 4918, section 9.3.1
	}
	return patch, err
}

// onlyCollection: the types that are asked for, if any, make an ordinary
// collection, the only one that there is here.
func onlyCollection(patch []wire.PropPatch) bool {
	for _, p := range patch {
		if p.Name != resourceType {
			continue
		}
		if names := wire.InnerNames(p.Value); len(names) != 1 || names[0] != davName("collection") {
			return false
		}
	}
	return true
}

// mkcolFailed tells which properties stood in the way of all.
// RFC 5689, section 3
func (rq *request) mkcolFailed(patch []wire.PropPatch, protected refusedProps, invalid bool) error {
	m := wire.NewMkcolResponse(rq.w, http.StatusForbidden)
	told := map[xml.Name]bool{}
	names := func(which func(xml.Name) bool) {
		for _, p := range patch {
			if !told[p.Name] && which(p.Name) {
				told[p.Name] = true
				m.Name(p.Name)
			}
		}
	}
	if invalid {
		m.Group(http.StatusForbidden, dav("valid-resourcetype")...) // RFC 5689, section 3.3
		names(func(n xml.Name) bool { return n == resourceType })
	}
	m.Group(http.StatusForbidden, dav("cannot-modify-protected-property")...)
	names(func(n xml.Name) bool { _, is := protected[n]; return is })
	m.Group(http.StatusFailedDependency)
	names(func(xml.Name) bool { return true })
	return m.End()
}

// patching is what a list of instructions comes down to.
type patching struct {
	props     []store.Prop
	modified  time.Time // zero: it stays
	protected refusedProps
}

// readPatch tells dead properties, times and what nobody sets from each other.
func (rq *request) readPatch(patch []wire.PropPatch) patching {
	todo := patching{props: make([]store.Prop, 0, len(patch)), protected: refusedProps{}}
	realm := rq.mount.realm
	for _, p := range patch {
		if realm != nil && !p.Remove {
			if why := realm.CheckProp(&p); why != nil {
				todo.protected[p.Name] = *why
				continue
			}
		}
		when, isTime := fileTime(&p)
		switch {
		case isTime && p.Name.Space == wire.DAV:
			todo.modified = when
			continue
		case isTime:
			todo.modified = when
		case rq.protects(p.Name):
			todo.protected[p.Name] = dav("cannot-modify-protected-property")[0]
			continue
		}
		todo.props = append(todo.props, KeptProp(&p))
	}
	return todo
}
