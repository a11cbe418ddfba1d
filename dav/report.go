package dav

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// Limits of the answers to reports.
const (
	matchesMax = 500  // principals that a search finds
	expandMax  = 5000 // URLs that an expand-property tells before it follows no more
)

// A reportKind is one report: which resources answer it, and how. An answer gets
// the session of one policy, the resource and the body.
type reportKind struct {
	name   xml.Name
	on     func(*member) bool
	answer func(*request, *store.Session, *member, []byte) error
}

// reports are all there are.
var reports []reportKind

func init() {
	reports = []reportKind{
		{davName("expand-property"), always, expandProperty},
		{davName("principal-match"), collectionOf, principalMatch},
		{davName("principal-property-search"), always, principalSearch},
		{davName("principal-search-property-set"), always, searchProperties},
		{davName("acl-principal-prop-set"), stored, aclPrincipals},
		{davName("sync-collection"), syncable, syncCollection},
	}
}

func collectionOf(m *member) bool { return m.Dir }

// report answers REPORT. RFC 3253, section 3.6
func report(rq *request) error {
	body, err := rq.body()
	if err != nil {
		return err
	}
	name, err := wire.RootName(body)
	if err != nil {
		return err
	}
	s := rq.session.Pinned()
	self, err := rq.self(s, store.Want{})
	if err != nil {
		return err
	}
	for _, r := range rq.h.reports {
		if r.name == name && r.on(&self) {
			return r.answer(rq, s, &self, body)
		}
	}
	return errReport
}

// onlyDepth0 refuses a Depth that the reports of RFC 3744 do not have. Without
// one it is 0. RFC 3253, section 3.6
func (rq *request) onlyDepth0() error {
	depth, err := wire.ParseDepth(rq.r.Header.Get("Depth"))
	if err == nil && depth != wire.DepthAbsent && depth != wire.Depth0 {
		err = errDepth
	}
	return err
}

// writeReports is the content of supported-report-set: what report answers.
// RFC 3253, section 3.1.5
func writeReports(f *finding, m *member) {
	f.m.Append(wire.SupportedReportSet, func(dst []byte) []byte {
		for _, r := range f.rq.h.reports {
			if r.on(m) {
				dst = append(dst, "<D:supported-report><D:report>"...)
				dst = wire.AppendEmpty(dst, r.name)
				dst = append(dst, "</D:report></D:supported-report>"...)
			}
		}
		return dst
	})
}

// listing begins the answer of a report that tells properties of resources.
func (rq *request) listing(s *store.Session, props []xml.Name, asked bool) *finding {
	f := newFinding(rq, s, wire.Propfind{Kind: wire.Props, Props: props}, wire.ParsePrefer(rq.r.Header))
	f.bare = !asked
	f.to(wire.NewMultistatus(rq.w))
	return f
}

// tell answers for one resource: its properties, or that it is there when none
// were asked for.
func (f *finding) tell(m *member) {
	if !f.bare {
		f.write(m)
		return
	}
	f.begin(m)
	f.m.Status(http.StatusOK)
}

// tooMany tells that more was found than is told.
func (f *finding) tooMany(prefix string, url wire.Path) {
	f.m.Response(prefix, url, true)
	f.m.Status(http.StatusInsufficientStorage, dav("number-of-matches-within-limits")...)
}

// searchable are the properties that a search looks into, and what they are for
// a principal; nothing where the asker may not know it.
var searchable = []struct {
	wire.SearchProperty
	text func(*store.Principal) string
}{
	{wire.SearchProperty{Name: displayName, About: "name"}, func(p *store.Principal) string { return p.Name }},
	{wire.SearchProperty{Name: emailName, About: "mail address"}, func(p *store.Principal) string { return p.Email }},
	{wire.SearchProperty{Name: calName("calendar-user-address-set"), About: "address for invitations"}, addressesOf}, // RFC 6638, section 2.4.1
	{wire.SearchProperty{Name: calName("calendar-user-type"), About: "kind of calendar user"}, UserType},             // RFC 6638, section 2.4.2
}

// addressesOf are the calendar user addresses of a principal that the asker may know.
func addressesOf(p *store.Principal) string {
	if p.Kind != policy.KindUser || p.Proxies != "" {
		return ""
	}
	addresses := string(wire.AppendHref(nil, principalPrefix, wire.Path{"users", p.Name}, true))
	if p.Email != "" {
		addresses = "mailto:" + p.Email + "\n" + addresses
	}
	return addresses
}

// UserType is what kind of calendar user a principal is. RFC 5545, section 3.2.3
func UserType(p *store.Principal) string {
	if p.Kind == policy.KindUser {
		return "INDIVIDUAL"
	}
	return "GROUP"
}

// searchProperties answers a principal-search-property-set.
// RFC 3744, section 9.5
func searchProperties(rq *request, _ *store.Session, _ *member, body []byte) error {
	if err := rq.onlyDepth0(); err != nil {
		return err
	}
	if err := wire.Guard(body); err != nil {
		return err
	}
	var props []wire.SearchProperty
	for _, p := range searchable {
		props = append(props, p.SearchProperty)
	}
	answer := wire.AppendSearchProperties(nil, props)
	rq.w.Header().Set("Content-Type", wire.ContentType)
	rq.w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, err := rq.w.Write(answer)
	return err
}

// principalSearch answers a principal-property-search. RFC 3744, section 9.4
func principalSearch(rq *request, s *store.Session, self *member, body []byte) error {
	if err := rq.onlyDepth0(); err != nil {
		return err
	}
	search, err := wire.ParsePrincipalSearch(body)
	if err != nil {
		return err
	}
	var below wire.Path
	if !search.Everywhere {
		below = self.url
		if self.prefix != principalPrefix {
			return rq.listing(s, search.Props, search.Asked).end(nil) // no principals stand among files
		}
	}
	f := rq.listing(s, search.Props, search.Asked)
	found := 0
	for m := range everyPrincipal(s, below) {
		if !finds(&search, m.who) {
			continue
		}
		if found++; found > matchesMax {
			f.tooMany(self.prefix, self.url)
			break
		}
		f.tell(&m)
	}
	return f.end(f.m.Err())
}

// finds tells whether a search finds a principal. A property that cannot be
// searched matches nothing. RFC 3744, section 9.4
func finds(search *wire.PrincipalSearch, p *store.Principal) bool {
	one := func(s wire.PropertySearch) bool {
		want := policy.Fold(s.Match)
		return !slices.ContainsFunc(s.Props, func(name xml.Name) bool {
			return !slices.ContainsFunc(searchable, func(by struct {
				wire.SearchProperty
				text func(*store.Principal) string
			}) bool {
				text := by.text(p)
				return by.Name == name && text != "" && strings.Contains(policy.Fold(text), want)
			})
		})
	}
	if search.Any {
		return slices.ContainsFunc(search.Searches, one)
	}
	return !slices.ContainsFunc(search.Searches, func(s wire.PropertySearch) bool { return !one(s) })
}

// principalMatch answers a principal-match: the members of a collection that are
// the asker, or that have a property which names the asker.
// RFC 3744, section 9.3
func principalMatch(rq *request, s *store.Session, self *member, body []byte) error {
	if err := rq.onlyDepth0(); err != nil {
		return err
	}
	match, err := wire.ParsePrincipalMatch(body)
	if err != nil {
		return err
	}
	f := rq.listing(s, match.Props, match.Asked)
	if match.Property == (xml.Name{}) {
		if self.prefix == principalPrefix {
			for m := range everyPrincipal(s, self.url) {
				if s.Is(*m.who) {
					f.tell(&m)
				}
			}
		}
		return f.end(f.m.Err())
	}
	p := rq.h.byName[match.Property]
	if p == nil || p.refs == nil {
		return f.end(nil)
	}
	f.visit = func(m *member) error {
		if p.has(m) && f.namesAsker(p.refs(f, m)) {
			f.tell(m)
		}
		return nil
	}
	return f.end(f.list(rq.pages(s, f.want), s, true))
}

// namesAsker tells whether one of the URLs stands for who asks.
func (f *finding) namesAsker(urls []wire.Path) bool {
	return slices.ContainsFunc(urls, func(url wire.Path) bool {
		m, err := principalAt(f.s, url)
		return err == nil && m.who != nil && f.s.Is(*m.who)
	})
}

// aclPrincipals answers an acl-principal-prop-set: each principal that the
// access list names, once. RFC 3744, section 9.2
func aclPrincipals(rq *request, s *store.Session, _ *member, body []byte) error {
	if err := rq.onlyDepth0(); err != nil {
		return err
	}
	names, asked, err := wire.ParseReportProps(body, davName("acl-principal-prop-set"))
	if err != nil {
		return err
	}
	acl, err := s.AccessList(rq.path)
	if err != nil {
		return err
	}
	f := rq.listing(s, names, asked)
	told := map[policy.ID]bool{policy.AnyoneSignedIn: true} // which has no URL
	for _, l := range acl.Lines {
		if told[l.Principal] {
			continue
		}
		told[l.Principal] = true
		for _, who := range f.known(l.Principal) {
			m := principal(&who)
			f.tell(&m)
		}
	}
	return f.end(f.m.Err())
}

// expandProperty answers an expand-property: in the properties that name
// principals, what is told of these stands in place of their URLs.
// RFC 3253, section 3.8
func expandProperty(rq *request, s *store.Session, _ *member, body []byte) error {
	if err := rq.onlyDepth0(); err != nil {
		return err
	}
	props, err := wire.ParseExpandProperty(body)
	if err != nil {
		return err
	}
	room := expandMax
	f := expansion(rq, s, props, &room)
	self, err := rq.self(s, f.want)
	if err != nil {
		return err
	}
	f.to(wire.NewMultistatus(rq.w))
	f.write(&self)
	return f.end(f.m.Err())
}

func expansion(rq *request, s *store.Session, props []wire.Expansion, room *int) *finding {
	find := wire.Propfind{Kind: wire.Props}
	inner := map[xml.Name]*finding{}
	for _, p := range props {
		find.Props = append(find.Props, p.Name)
		if len(p.Props) > 0 {
			inner[p.Name] = expansion(rq, s, p.Props, room)
		}
	}
	f := newFinding(rq, s, find, wire.ParsePrefer(rq.r.Header))
	f.expand, f.room = inner, room
	return f
}

// writeRefs writes a property that names principals: their URLs, or in an
// expand-property what is told of them.
func (f *finding) writeRefs(name xml.Name, e wire.Element, urls []wire.Path) {
	if f.room != nil {
		*f.room -= len(urls)
	}
	sub := f.expand[name]
	if sub == nil {
		f.m.Append(e, func(dst []byte) []byte {
			for _, url := range urls {
				dst = wire.AppendHrefElement(dst, principalPrefix, url, true)
			}
			return dst
		})
		return
	}
	f.m.Nested(e, func() {
		for _, url := range urls {
			sub.follow(url)
		}
	})
}

// follow tells about the principal that a property names.
func (f *finding) follow(url wire.Path) {
	if *f.room < 0 {
		f.tooMany(principalPrefix, url)
		return
	}
	m, err := principalAt(f.s, url)
	if err != nil {
		f.m.Response(principalPrefix, url, true)
		f.m.Status(http.StatusNotFound)
		return
	}
	f.write(&m)
}
