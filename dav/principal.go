package dav

import (
	"encoding/xml"
	"iter"
	"slices"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// principalPrefix is where principals stand: RFC 3744, section 2. One that the
// asker may not know answers as one that does not exist.
const principalPrefix = "/principals"

// usersName is the collection of the principals of users.
const usersName = "users"

// principalKinds are the collections of principals, and builtIn the principals
// that stand beside them.
var (
	principalKinds = []struct {
		name string
		kind policy.Kind
	}{{usersName, policy.KindUser}, {"groups", policy.KindGroup}, {"roles", policy.KindRole}}
	builtIn = []struct {
		name string
		id   policy.ID
	}{{"members", policy.Members}, {"links", policy.Links}}
)

func kindNamed(name string) (policy.Kind, bool) {
	for _, k := range principalKinds {
		if k.name == name {
			return k.kind, true
		}
	}
	return "", false
}

func builtInNamed(name string) policy.ID {
	for _, b := range builtIn {
		if b.name == name {
			return b.id
		}
	}
	return policy.Nobody
}

// principalURL is the path of one below principalPrefix.
func principalURL(p *store.Principal) wire.Path {
	if p.Proxies != "" {
		return wire.Path{usersName, p.Name, string(p.Proxies)}
	}
	for _, k := range principalKinds {
		if k.kind == p.Kind {
			return wire.Path{k.name, p.Name}
		}
	}
	return wire.Path{p.Name}
}

// principalAt describes what a path below principalPrefix names.
func principalAt(s *store.Session, url wire.Path) (member, error) {
	var p store.Principal
	err := error(store.ErrNotFound)
	switch len(url) {
	case 0:
		return principals(url), nil
	case 1:
		if _, ok := kindNamed(url[0]); ok {
			return principals(url), nil
		}
		p, err = s.Principal(builtInNamed(url[0]))
	case 2:
		if kind, ok := kindNamed(url[0]); ok {
			p, err = s.PrincipalNamed(kind, url[1])
		}
	case proxyDepth:
		if url[0] == usersName {
			p, err = s.ProxyGroup(url[1], store.Proxy(url[2]))
		}
	}
	if err != nil {
		return member{}, err
	}
	return principal(&p), nil
}

// principals is a collection of principals.
func principals(url wire.Path) member {
	return member{
		Info:   store.Info{Entry: store.Entry{Dir: true}, Held: policy.See | policy.Read},
		prefix: principalPrefix, url: url, virtual: true,
	}
}

// principal is the resource that stands for one.
func principal(p *store.Principal) member {
	m := principals(principalURL(p))
	m.who = p
	return m
}

// principalPages gives the members of a collection of principals, page by page.
// Below a user stand the groups of his proxies, below others nothing.
func principalPages(s *store.Session, url wire.Path) iter.Seq2[[]member, error] {
	switch len(url) {
	case 0:
		var page []member
		for _, k := range principalKinds {
			page = append(page, principals(wire.Path{k.name}))
		}
		for _, b := range builtIn {
			if p, err := s.Principal(b.id); err == nil {
				page = append(page, principal(&p))
			}
		}
		return onePage(page, nil)
	case 1:
		kind, ok := kindNamed(url[0])
		if !ok {
			break
		}
		return func(yield func([]member, error) bool) {
			page := make([]member, 0, pageSize)
			for some := range slices.Chunk(s.Principals(kind), pageSize) {
				page = page[:0]
				for i := range some {
					page = append(page, principal(&some[i]))
				}
				if !yield(page, nil) {
					return
				}
			}
		}
	case 2:
		return onePage(proxyGroups(s, url), nil)
	}
	return onePage(nil, nil)
}

// emailName is where clients look for a mail address to search for.
var emailName = xml.Name{Space: "http://sabredav.org/ns", Local: "email-address"}

var emailAddress = wire.NewElement(emailName)

// principalProps are the properties of principals, and those of other resources
// that name some.
func principalProps() []liveProp {
	return []liveProp{
		refsProp("owner", wire.Owner, stored, func(f *finding, m *member) []wire.Path { return f.urls(f.known(m.Owner)...) }),
		currentPrincipal(),
		refsProp("principal-collection-set", wire.PrincipalCollections, always, func(*finding, *member) []wire.Path { return []wire.Path{{}} }),
		refsProp("principal-URL", wire.PrincipalURL, isPrincipal, func(_ *finding, m *member) []wire.Path { return []wire.Path{m.url} }),
		refsProp("group-member-set", wire.GroupMembers, isGroup, func(f *finding, m *member) []wire.Path { return f.urls(f.membersOf(m)...) }),
		refsProp("group-membership", wire.GroupMembership, isPrincipal, func(f *finding, m *member) []wire.Path { return f.urls(f.groupsOf(m)...) }),
		{name: davName("alternate-URI-set"), has: isPrincipal, write: func(f *finding, m *member) {
			f.m.Append(wire.AlternateURIs, func(dst []byte) []byte { return appendMailto(dst, m.who) })
		}},
		{name: emailName, has: hasEmail, write: func(f *finding, m *member) { f.m.Text(emailAddress, m.who.Email) }},
	}
}

// currentPrincipal is who asks. The bearer of a link is nobody who has a URL.
// RFC 5397, section 3
func currentPrincipal() liveProp {
	p := refsProp("current-user-principal", wire.CurrentUserPrincipal, always, func(f *finding, _ *member) []wire.Path {
		if f.s.IsLink() {
			return nil
		}
		return []wire.Path{{"users", f.s.UserName()}}
	})
	write := p.write
	p.write = func(f *finding, m *member) {
		if f.s.IsLink() {
			f.m.Raw(wire.CurrentUserPrincipal, "<D:unauthenticated/>")
			return
		}
		write(f, m)
	}
	return p
}

// refsProp is a property that names principals, or none when there are none that
// the asker may know.
func refsProp(name string, e wire.Element, has func(*member) bool, refs func(*finding, *member) []wire.Path) liveProp {
	p := liveProp{name: davName(name), has: has, refs: refs}
	p.write = func(f *finding, m *member) { f.writeRefs(p.name, e, refs(f, m)) }
	return p
}

func isPrincipal(m *member) bool { return m.who != nil }
func isGroup(m *member) bool {
	return m.who != nil && (m.who.Kind == policy.KindGroup || m.who.Kind == policy.KindRole || m.who.Proxies != "")
}
func hasEmail(m *member) bool { return m.who != nil && m.who.Email != "" }

func appendMailto(dst []byte, p *store.Principal) []byte {
	if p.Email == "" {
		return dst
	}
	return wire.AppendElement(dst, davName("href"), "mailto:"+p.Email)
}

// everyPrincipal gives the principals at a path and below it.
func everyPrincipal(s *store.Session, url wire.Path) iter.Seq[member] {
	return func(yield func(member) bool) {
		m, err := principalAt(s, url)
		if err != nil {
			return
		}
		if m.who != nil { // proxies are not looked for
			yield(m)
			return
		}
		for page := range principalPages(s, url) {
			for _, m := range page {
				if m.who != nil {
					if !yield(m) {
						return
					}
					continue
				}
				for deeper := range everyPrincipal(s, m.url) {
					if !yield(deeper) {
						return
					}
				}
			}
		}
	}
}

// known looks a principal up once: none when the asker may not know it.
func (f *finding) known(id policy.ID) []store.Principal {
	if id == policy.Nobody {
		return nil
	}
	people, found := f.people[id]
	if !found {
		if p, err := f.s.Principal(id); err == nil {
			people = []store.Principal{p}
		}
		if f.people == nil {
			f.people = map[policy.ID][]store.Principal{}
		}
		f.people[id] = people
	}
	return people
}

func (f *finding) urls(people ...store.Principal) []wire.Path {
	urls := make([]wire.Path, len(people))
	for i := range people {
		urls[i] = principalURL(&people[i])
	}
	return urls
}
