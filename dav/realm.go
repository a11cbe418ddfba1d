package dav

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"

	"davit/dav/wire"
	"davit/store"
)

// A Realm is a part of the URL space in which another package shows what the
// store keeps, such as the calendars. The methods of WebDAV serve it by the paths
// that it gives; what it adds are further methods, properties and reports.
type Realm struct {
	Prefix string // of its URLs: "/caldav"
	// Classes go into the DAV header of every answer, also outside of the realm.
	Classes string
	// Place tells which path of the store a URL below the prefix stands for; stored
	// is false for the realm's own collections, which Self and Members describe.
	Place func(rq *Request, url wire.Path) (p store.Path, stored bool)
	// URL is the inverse of Place, as the asker sees it.
	URL func(rq *Request, p store.Path) wire.Path
	// Self describes one of the realm's own collections, Members what it has.
	Self    func(rq *Request, s *store.Session, url wire.Path, want store.Want) (Member, error)
	Members func(rq *Request, s *store.Session, url wire.Path, want store.Want) ([]Member, error)
	// Dress completes what is told of something in the store.
	Dress func(rq *Request, s *store.Session, m *Member, p store.Path) error
	// Methods take the place of those of WebDAV, within the realm.
	Methods map[string]func(rq *Request) error
	// Inspect judges the whole body of a PUT, which is at most BodyMax bytes long.
	// Only within the realm, and only what it admits is kept.
	Inspect func(rq *Request, body []byte) (*store.Object, error)
	BodyMax int64
	// SetProps carries out a PROPPATCH that sets nothing protected; CheckProp
	// refuses values, or makes them what is kept.
	SetProps  func(rq *Request, props []store.Prop, t store.Terms) error
	CheckProp func(p *wire.PropPatch) *wire.Precondition
	// Holds tells whether something in the store is shown by the realm and not among
	// files. Feed answers GET and HEAD for a link to such a thing, which has no other
	// method; form is what follows the token in the URL, one of Forms or nothing.
	Holds func(p store.Path) bool
	Feed  func(rq *Request, form string) error
	Forms []string
	// Properties and Reports are of every resource that has or answers them.
	Properties []Property
	Reports    []Report
}

// Request is one request, for the methods of a realm.
type Request = request

// Member is a resource as a listing tells of it.
type Member = member

// A Property is computed for the resources that have it.
type Property struct {
	Name xml.Name
	Want store.Want
	// Settable: a value that was set stands in the place of the computed one.
	Settable bool
	Has      func(*Member) bool
	Write    func(*wire.Multistatus, *Member)
	// WriteFor takes the place of Write where who asks makes a difference, or how.
	WriteFor func(*Request, *store.Session, *wire.Multistatus, *Member)
}

// A Report is one that the resources answer for which On holds.
type Report struct {
	Name   xml.Name
	On     func(*Member) bool
	Answer func(rq *Request, s *store.Session, self *Member, body []byte) error
}

// A Violation is a precondition or postcondition that a request breaks.
type Violation struct {
	Status int
	Why    wire.Precondition
	Reason string // for people
}

func (v *Violation) Error() string { return v.Reason }

// NewMember describes a resource of the realm by what the store says of it and
// its URL below the prefix.
func (rq *Request) NewMember(info store.Info, url wire.Path) Member {
	return Member{Info: info, prefix: rq.mount.prefix, url: url, realm: true}
}

// NewCollection describes a collection that only leads to others.
func (rq *Request) NewCollection(s *store.Session, url wire.Path, want store.Want) Member {
	return virtual(s, rq.mount.prefix, url, want)
}

// Session is who asks.
func (rq *Request) Session() *store.Session { return rq.session }

// Context ends with the request.
func (rq *Request) Context() context.Context { return rq.r.Context() }

// HTTP is the request as it came, and where its answer goes.
func (rq *Request) HTTP() (http.ResponseWriter, *http.Request) { return rq.w, rq.r }

// Path is what the request's URL stands for in the store; stored is false for a
// collection of the realm's own.
func (rq *Request) Path() (p store.Path, stored bool) { return rq.path, rq.kind == kindItem }

// URL is the request's path below the prefix.
func (rq *Request) URL() wire.Path { return rq.url }

// Body reads the whole body, which is to be XML.
func (rq *Request) Body() ([]byte, error) { return rq.body() }

// Terms are the request's conditions.
func (rq *Request) Terms() (store.Terms, error) { return rq.terms() }

// Self describes the request's own resource.
func (rq *Request) Self(s *store.Session, want store.Want) (Member, error) { return rq.self(s, want) }

// Find is where another resource of the realm stands, by the URL that a client
// sent: ErrNotFound for what can be nowhere in the store.
func (rq *Request) Find(href string) (url wire.Path, p store.Path, err error) {
	url, err = wire.ParseDestination(href, rq.r.Host, rq.mount.prefix)
	if err != nil {
		return nil, nil, store.ErrNotFound
	}
	k, p := rq.place(url)
	if k != kindItem || p == nil {
		return nil, nil, store.ErrNotFound
	}
	return url, p, nil
}

// Serve answers with the method of WebDAV that a realm's own one stands before.
func (rq *Request) Serve(method string) error { return methods[method](rq) }

// NotAllowed is the answer to a method that is not for the resource.
func (rq *Request) NotAllowed() error { return errMethodNotAllowed }

// Upload takes the body of the request, of at most max bytes, into an upload that begin
// begins, and keeps it; tooLong is the answer to a longer one.
func (rq *Request) Upload(begin func() (*store.Upload, error), max int64, tooLong error) (store.Info, error) {
	sum, err := rq.announcedSum()
	if err != nil {
		return store.Info{}, err
	}
	info, _, err := rq.receive(begin, &store.Meta{Sum: sum}, func(u *store.Upload) error {
		_, err := u.ReadFrom(http.MaxBytesReader(rq.w, rq.r.Body, max))
		var past *http.MaxBytesError
		if errors.As(err, &past) {
			return tooLong
		}
		return bodyError(err)
	})
	return info, err
}

// Stored answers for a file of the realm that has a new content.
func (rq *Request) Stored(info store.Info, created bool) { rq.stored(info, created, false) }

// SendFile answers GET and HEAD with a file.
func (rq *Request) SendFile(f *store.File) error { return rq.sendFile(f) }

// Protects tells whether a property is computed and not to be set.
func (rq *Request) Protects(name xml.Name) bool { return rq.protects(name) }

// Status answers without more to tell.
func (rq *Request) Status(code int) { rq.w.WriteHeader(code) }

// KeptProp is a property as it is kept.
func KeptProp(p *wire.PropPatch) store.Prop {
	prop := store.Prop{Space: p.Name.Space, Local: p.Name.Local}
	if !p.Remove {
		prop.Value = append(append([]byte(p.Lang), 0), p.Value...)
	}
	return prop
}

// PropValue is the XML of a property that is kept.
func PropValue(p *store.Prop) []byte { return keptValue(p) }

// Listing begins the answer of a report that tells properties of resources, or
// that they are there when none were asked for.
func (rq *Request) Listing(s *store.Session, props []xml.Name, asked bool) *Listing {
	return &Listing{rq.listing(s, props, asked)}
}

// A Listing is the answer of a report, written as it goes.
type Listing struct{ f *finding }

// Want is what a member has to be told with.
func (l *Listing) Want() store.Want { return l.f.want }

// Tell answers for one resource, under the URL that was sent if it is not empty.
func (l *Listing) Tell(m *Member, href string) error {
	l.f.href = href
	l.f.tell(m)
	l.f.href = ""
	return l.f.m.Err()
}

// Missing answers for a URL with a status of its own.
func (l *Listing) Missing(href string, status int, why ...wire.Precondition) {
	l.f.m.ResponseHref(href)
	l.f.m.Status(status, why...)
}

// End completes the answer.
func (l *Listing) End(err error) error { return l.f.end(err) }

// StatusOf is the status that an error answers with.
func (rq *Request) StatusOf(err error) (int, []wire.Precondition) {
	a := rq.answerTo(err)
	return a.status, a.why
}

// SetContent gives a member the content that calendar-data and the like tell.
func (m *Member) SetContent(b []byte) { m.content = b }

// Content is what SetContent gave, nil if nothing.
func (m *Member) Content() []byte { return m.content }

// SetLabel names a member for people, where no one has named it.
func (m *Member) SetLabel(name string) { m.named = name }

// Principal is what the resource stands for, nil for none.
func (m *Member) Principal() *store.Principal { return m.who }

// PrincipalHref is the escaped URL of a principal.
func PrincipalHref(p *store.Principal) string {
	return string(wire.AppendHref(nil, principalPrefix, principalURL(p), true))
}

// Href is the escaped URL of the member.
func (m *Member) Href() string { return m.href() }

// In tells whether the member stands below a prefix.
func (m *Member) In(prefix string) bool { return m.prefix == prefix }

// Names are those of the member's URL below its prefix.
func (m *Member) Names() wire.Path { return m.url }

// live makes the property one of the table.
func (p Property) live() liveProp {
	return liveProp{name: p.Name, want: p.Want, has: p.Has, settable: p.Settable,
		write: func(f *finding, m *member) {
			if p.WriteFor != nil {
				p.WriteFor(f.rq, f.s, f.m, m)
				return
			}
			p.Write(f.m, m)
		}}
}

// extend takes the realms' properties, reports and classes into the handler's.
func (h *Handler) extend() {
	h.props, h.reports, h.classes = liveProps, reports, classes[0]
	for i := range h.realms {
		r := &h.realms[i]
		for _, p := range r.Properties {
			h.props = append(h.props[:len(h.props):len(h.props)], p.live())
		}
		for _, p := range r.Reports {
			h.reports = append(h.reports[:len(h.reports):len(h.reports)], reportKind{p.Name, p.On, p.Answer})
		}
		if r.Classes != "" {
			h.classes += ", " + r.Classes
		}
	}
	h.pushClasses = h.classes + pushClass
	h.byName = map[xml.Name]*liveProp{}
	for i := range h.props {
		h.byName[h.props[i].name] = &h.props[i]
	}
}

// holder finds the realm that shows something in the store, nil for files.
func (h *Handler) holder(p store.Path) *Realm {
	for i := range h.realms {
		if r := &h.realms[i]; r.Holds != nil && r.Holds(p) {
			return r
		}
	}
	return nil
}

// realmOf finds the realm that a URL is in.
func (h *Handler) realmOf(first string) *Realm {
	for i := range h.realms {
		if h.realms[i].Prefix == "/"+first {
			return &h.realms[i]
		}
	}
	return nil
}
