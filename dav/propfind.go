package dav

import (
	"encoding/xml"
	"errors"
	"iter"
	"net/http"
	"slices"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// propfind answers PROPFIND in constant memory: pages are read and written one
// after the other. RFC 4918, section 9.1
func propfind(rq *request) error {
	depth, err := wire.ParseDepth(rq.r.Header.Get("Depth"))
	if err != nil {
		return err
	}
	if depth == wire.DepthAbsent {
		depth = wire.DepthInfinity // RFC 4918, section 9.1
	}
	body, err := rq.body()
	if err != nil {
		return err
	}
	find, err := rq.h.propfinds.Parse(body)
	if err != nil {
		return err
	}
	prefer := wire.ParsePrefer(rq.r.Header)
	s := rq.session.Pinned()
	f := newFinding(rq, s, find, prefer)
	self, err := rq.self(s, f.want)
	if err != nil {
		return err
	}
	f.to(wire.NewMultistatus(rq.w))
	if prefer.NoRoot && depth != wire.Depth0 { // RFC 8144, section 4
		rq.applied(depthNoRoot)
	} else {
		f.write(&self)
	}
	if depth != wire.Depth0 && self.Dir {
		err = f.list(rq.pages(s, f.want), s, depth == wire.DepthInfinity)
	}
	return f.end(err)
}

// end completes the answer, or breaks it off when that is all that is left.
func (f *finding) end(err error) error {
	if err == nil {
		err = f.m.End()
	}
	if err == nil {
		return nil
	}
	if f.m.Abort() {
		f.rq.h.log.Warn("listing broke off", "path", loggedPath(f.rq.r), "error", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// finding is one PROPFIND, or a report that answers like one, at work.
type finding struct {
	rq      *request
	s       *store.Session // of one policy
	m       *wire.Multistatus
	kind    wire.FindKind
	minimal bool // RFC 8144, section 2.1: what is not found is not told
	want    store.Want
	live    []*liveProp // of the request, nil where the name is a dead property's
	names   []xml.Name
	missing []int
	refused []int
	people  map[policy.ID][]store.Principal // looked up so far
	expand  map[xml.Name]*finding           // of a report that follows what properties name
	room    *int                            // for further URLs in such a report
	visit   func(*member) error             // is shown the members that list goes through
	bare    bool                            // no properties were asked for
	href    string                          // of the next resource, as it was sent; empty for its own
}

func newFinding(rq *request, s *store.Session, find wire.Propfind, prefer wire.Preferences) *finding {
	f := &finding{rq: rq, s: s, kind: find.Kind, minimal: prefer.Minimal}
	if f.minimal {
		rq.applied(returnMinimal)
	}
	f.visit = func(m *member) error {
		f.tell(m)
		return nil
	}
	if find.Kind != wire.Props {
		for i := range rq.h.props {
			if p := &rq.h.props[i]; p.all {
				f.add(p.name)
			}
		}
		f.want.Props = true
	}
	f.names, f.live = slices.Grow(f.names, len(find.Props)), slices.Grow(f.live, len(find.Props))
	for _, name := range find.Props {
		if !slices.Contains(f.names, name) {
			f.add(name)
		}
	}
	return f
}

func (f *finding) add(name xml.Name) {
	p := f.rq.h.byName[name]
	f.names, f.live = append(f.names, name), append(f.live, p)
	if p == nil || p.settable {
		f.want.Props = true
	}
	if p != nil {
		f.want.Quota = f.want.Quota || p.want.Quota
		f.want.Locks = f.want.Locks || p.want.Locks
		f.want.ACL = f.want.ACL || p.want.ACL
		f.want.Sync = f.want.Sync || p.want.Sync
		f.want.Push = f.want.Push || p.want.Push
		f.want.Published = f.want.Published || p.want.Published
	}
}

// to sets what is written to.
func (f *finding) to(m *wire.Multistatus) {
	f.m = m
	for _, sub := range f.expand {
		sub.to(m)
	}
}

// list goes through the members of a collection, and with deep through everything
// below them.
func (f *finding) list(pages iter.Seq2[[]member, error], s *store.Session, deep bool) error {
	for page, err := range pages {
		if err != nil {
			return err
		}
		for i := range page {
			m := &page[i]
			if err := f.visit(m); err != nil {
				return err
			}
			if err := f.m.Err(); err != nil {
				return err
			}
			if !deep || !m.Dir {
				continue
			}
			err := f.list(f.below(m, s), s, true)
			if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrNotDir) {
				return err // what went away meanwhile, or became a file, has no members to list
			}
		}
	}
	return nil
}

// below gives the members of a listed collection.
func (f *finding) below(m *member, s *store.Session) iter.Seq2[[]member, error] {
	sub := *f.rq
	sub.url = m.url
	switch m.prefix {
	case "": // the mount, listed by the root
		sub.url = nil
		sub.kind, sub.path = sub.place(sub.url)
	case principalPrefix:
		sub.kind = kindPrincipal
	default:
		sub.kind, sub.path = sub.place(sub.url)
	}
	return sub.pages(s, f.want)
}

// begin begins the answer for one resource.
func (f *finding) begin(m *member) {
	if f.href != "" {
		f.m.ResponseHref(f.href)
		return
	}
	f.m.Response(m.prefix, m.url, m.Dir)
}

// write answers for one resource.
func (f *finding) write(m *member) {
	f.begin(m)
	if f.kind == wire.PropName {
		f.writeNames(m)
		return
	}
	f.missing, f.refused = f.missing[:0], f.refused[:0]
	for i, p := range f.live {
		switch {
		case p == nil && f.writeDead(f.names[i], m):
		case p != nil && p.has(m) && p.needs&^m.Held != 0:
			f.refused = append(f.refused, i)
		case p == nil || !f.writeLive(p, m):
			f.missing = append(f.missing, i)
		}
	}
	if f.kind == wire.AllProp {
		for i := range m.Props {
			if name := propName(&m.Props[i]); !slices.Contains(f.names, name) {
				f.m.Prop(name, propLang(&m.Props[i]), propValue(&m.Props[i], m))
			}
		}
	}
	for _, i := range f.refused {
		f.m.Group(http.StatusForbidden, needPrivileges(m.href(), f.live[i].needs)) // RFC 3744, section 5.5
		f.m.Name(f.names[i])
	}
	if f.kind == wire.AllProp || f.minimal {
		return
	}
	f.m.Group(http.StatusNotFound)
	for _, i := range f.missing {
		f.m.Name(f.names[i])
	}
}

func (f *finding) writeLive(p *liveProp, m *member) bool {
	if p.settable && f.writeDead(p.name, m) {
		return true
	}
	if !p.has(m) {
		return false
	}
	p.write(f, m)
	return true
}

func (f *finding) writeDead(name xml.Name, m *member) bool {
	for i := range m.Props {
		if p := &m.Props[i]; p.Local == name.Local && p.Space == name.Space {
			f.m.Prop(name, propLang(p), propValue(p, m))
			return true
		}
	}
	return false
}

func (f *finding) writeNames(m *member) {
	for i := range f.rq.h.props {
		if p := &f.rq.h.props[i]; p.has(m) {
			f.m.Name(p.name)
		}
	}
	for i := range m.Props {
		if p := f.rq.h.byName[propName(&m.Props[i])]; p == nil {
			f.m.Name(propName(&m.Props[i]))
		}
	}
}
