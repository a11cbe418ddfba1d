package dav

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"slices"
	"time"

	"davit/dav/wire"
	"davit/store"
)

// A dead property is kept as its language, a zero byte and its XML.

func propName(p *store.Prop) xml.Name { return xml.Name{Space: p.Space, Local: p.Local} }

func propLang(p *store.Prop) string {
	lang, _, _ := bytes.Cut(p.Value, []byte{0})
	return string(lang)
}

// propValue is the XML of a property of a member. The time that Windows keeps
// is the member's own, which changes when others write: Explorer (WebClient 10)
// would go on showing its copy of what was there before.
func propValue(p *store.Prop, m *member) []byte {
	value := keptValue(p)
	if propName(p) == win32Modified {
		if _, is := clockTime(string(value)); is {
			return wire.AppendHTTPTime(nil, m.Modified)
		}
	}
	return value
}

// keptValue is the XML of a property as it was set.
func keptValue(p *store.Prop) []byte {
	_, value, _ := bytes.Cut(p.Value, []byte{0})
	return value
}

// win32Modified is the time of the last write as Windows keeps it.
var win32Modified = xml.Name{Space: "urn:schemas-microsoft-com:", Local: "Win32LastModifiedTime"}

// proppatch answers PROPPATCH: all instructions or none.
// RFC 4918, section 9.2
func proppatch(rq *request) error {
	switch {
	case rq.kind == kindPrincipal && len(rq.url) == proxyDepth:
		return setProxies(rq)
	case rq.kind != kindItem:
		return store.ErrReserved
	case rq.isBeyond():
		return labelVersion(rq)
	}
	patch, err := rq.propertyUpdate()
	if err != nil {
		return err
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	todo := rq.readPatch(patch)
	if len(todo.protected) > 0 {
		// The right and the lock are asked first, then nothing is done.
		if err := rq.session.SetProps(rq.r.Context(), rq.path, nil, time.Time{}, t); err != nil {
			return err
		}
		return rq.patched(patch, todo.protected)
	}
	if realm := rq.mount.realm; realm != nil {
		err = realm.SetProps(rq, todo.props, t)
	} else {
		err = rq.session.SetProps(rq.r.Context(), rq.path, todo.props, todo.modified, t)
	}
	if err != nil {
		return err
	}
	return rq.patchedAll(patch)
}

// patchedAll answers for properties that are all set.
func (rq *request) patchedAll(patch []wire.PropPatch) error {
	if wire.ParsePrefer(rq.r.Header).Minimal { // RFC 8144, section 2.2
		rq.applied(returnMinimal)
		rq.w.WriteHeader(http.StatusOK)
		return nil
	}
	return rq.patched(patch, nil)
}

// refusedProps are properties that a request may not set, and why.
type refusedProps map[xml.Name]wire.Precondition

// protects tells whether a property is computed and not to be set.
func (rq *request) protects(name xml.Name) bool {
	p := rq.h.byName[name]
	return p != nil && !p.settable
}

// fileTime is the modification time that Windows or a file manager sets.
func fileTime(p *wire.PropPatch) (time.Time, bool) {
	if p.Remove || p.Name != davName("getlastmodified") && p.Name != win32Modified {
		return time.Time{}, false
	}
	return clockTime(p.Text())
}

// clockTime reads a date that a file may have.
func clockTime(text string) (time.Time, bool) {
	t, err := http.ParseTime(text)
	return t, err == nil && t.Year() > 1970 && t.Year() < 2200
}

// patched answers for each property. RFC 4918, section 9.2.1
func (rq *request) patched(patch []wire.PropPatch, protected refusedProps) error {
	m := wire.NewMultistatus(rq.w)
	m.Response(rq.mount.prefix, rq.url, rq.slash) // clients look for the URL they sent
	told := map[xml.Name]bool{}
	names := func(of func(wire.Precondition, bool) bool) {
		for _, p := range patch {
			if why, refused := protected[p.Name]; of(why, refused) && !told[p.Name] {
				told[p.Name] = true
				m.Name(p.Name)
			}
		}
	}
	var reasons []xml.Name
	for _, p := range patch {
		why, refused := protected[p.Name]
		if refused && !slices.Contains(reasons, why.Name) {
			reasons = append(reasons, why.Name)
			m.Group(http.StatusForbidden, why)
			names(func(w wire.Precondition, refused bool) bool { return refused && w.Name == why.Name })
		}
	}
	if len(protected) > 0 {
		m.Group(http.StatusFailedDependency)
	}
	names(func(_ wire.Precondition, refused bool) bool { return !refused })
	return m.End()
}

// propertyUpdate reads the body of a PROPPATCH.
func (rq *request) propertyUpdate() ([]wire.PropPatch, error) {
	body, err := rq.body()
	if err != nil {
		return nil, err
	}
	return wire.ParsePropertyUpdate(body)
}
