package dav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// Below the principal of a user stand two groups: who reads his calendars, and who
// acts for him there, as Apple's calendar server has them. Their members are set by
// PROPPATCH and are lines of an access list, which the store keeps.

// proxyDepth is how many names lead to such a group: users, NAME, its own.
const proxyDepth = 3

// proxiesMax is how many members of such a group one request names.
const proxiesMax = 200

// proxyGroups are the groups that stand below the principal of a user.
func proxyGroups(s *store.Session, user wire.Path) (groups []member) {
	if user[0] != usersName {
		return nil
	}
	for _, k := range []store.Proxy{store.ReadProxy, store.WriteProxy} {
		if p, err := s.ProxyGroup(user[1], k); err == nil {
			groups = append(groups, principal(&p))
		}
	}
	return groups
}

// membersOf are the members of a group. Of proxies they are told to who may read
// the list, and to nobody else.
func (f *finding) membersOf(m *member) []store.Principal {
	if m.who.Proxies == "" {
		return f.s.MembersOf(*m.who)
	}
	list, err := f.s.ProxiesOf(*m.who)
	if err != nil {
		return nil
	}
	return list
}

// groupsOf are the groups that a principal is in. For whom somebody acts is told to
// himself.
func (f *finding) groupsOf(m *member) []store.Principal {
	if m.who.Proxies != "" {
		return nil
	}
	groups := f.s.GroupsOf(*m.who)
	for _, k := range []store.Proxy{store.ReadProxy, store.WriteProxy} {
		for _, p := range f.actsFor(m, k) {
			groups = append(groups, store.Principal{Name: p.Name, Proxies: k})
		}
	}
	return groups
}

// actsFor are the users for whom the principal is a proxy, if it is who asks.
func (f *finding) actsFor(m *member, k store.Proxy) []store.Principal {
	if m.who.Kind != policy.KindUser || m.who.Name != f.s.UserName() {
		return nil
	}
	users, err := f.s.ActsFor(k)
	if err != nil {
		return nil
	}
	return users
}

// proxyProps lead from a proxy to those for whom he acts.
func proxyProps() (props []liveProp) {
	for _, k := range []store.Proxy{store.ReadProxy, store.WriteProxy} {
		name := xml.Name{Space: calendarServer, Local: string(k) + "-for"}
		e := wire.NewElement(name)
		refs := func(f *finding, m *member) []wire.Path { return f.urls(f.actsFor(m, k)...) }
		props = append(props, liveProp{name: name, refs: refs,
			has:   func(m *member) bool { return m.who != nil && m.who.Kind == policy.KindUser },
			write: func(f *finding, m *member) { f.writeRefs(name, e, refs(f, m)) }})
	}
	return props
}

var memberSet = davName("group-member-set")

// setProxies answers PROPPATCH on a group of proxies, of which nothing but the
// members is set.
func setProxies(rq *request) error {
	patch, err := rq.propertyUpdate()
	if err != nil {
		return err
	}
	group, err := rq.session.ProxyGroup(rq.url[1], store.Proxy(rq.url[2]))
	if err != nil || rq.url[0] != usersName {
		return store.ErrNotFound
	}
	protected := refusedProps{}
	var members []wire.Node
	for i := range patch {
		if patch[i].Name != memberSet || patch[i].Remove {
			protected[patch[i].Name] = wire.Precondition{Name: davName("cannot-modify-protected-property")}
			continue
		}
		if members, err = wire.ParseFragment(patch[i].Value); err != nil {
			return err
		}
	}
	if len(protected) == 0 {
		err = rq.session.SetProxies(rq.r.Context(), group, func(find store.Find) ([]policy.ID, error) { return rq.proxies(members, find) })
	}
	switch {
	case errors.Is(err, store.ErrInvalid):
		return errors.Join(violated("no-ace-conflict"), err)
	case err != nil:
		if realm := rq.h.holder(store.Path{"~" + group.Name}.Calendars()); realm != nil { // whose URLs the refusal names
			rq.mount = mount{prefix: realm.Prefix, realm: realm}
		}
		return err
	}
	rq.mount.prefix = principalPrefix
	if len(protected) > 0 {
		return rq.patched(patch, protected)
	}
	return rq.patchedAll(patch)
}

// proxies finds the principals that the value of group-member-set names.
func (rq *request) proxies(members []wire.Node, find store.Find) (ids []policy.ID, err error) {
	if len(members) > proxiesMax {
		return nil, fmt.Errorf("more than %d proxies; name a group: %w", proxiesMax, wire.ErrACEs)
	}
	for i := range members {
		if members[i].Name != davName("href") {
			return nil, violated("recognized-principal")
		}
		id, err := rq.principalOf(wire.ACEPrincipal{Kind: "href", Href: strings.TrimSpace(members[i].Text)}, find)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
