package dav

import (
	"iter"
	"slices"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// pageSize is how many entries one transaction of a listing reads.
const pageSize = 1000

// member is an entry with its URL.
type member struct {
	store.Info
	prefix  string
	url     wire.Path
	virtual bool             // a collection that only leads to others
	who     *store.Principal // that the resource is, nil for none
	named   string           // for people, where no property names it
	content []byte           // where it is told with the properties
	realm   bool             // it stands in a realm
}

// href is the escaped URL of the member.
func (m *member) href() string { return string(wire.AppendHref(nil, m.prefix, m.url, m.Dir)) }

// self describes the request's own resource.
func (rq *request) self(s *store.Session, want store.Want) (member, error) {
	switch rq.kind {
	case kindRoot:
		return virtual(s, "", nil, want), nil
	case kindMount, kindShared:
		return virtual(s, rq.mount.prefix, rq.url, want), nil
	case kindPrincipal:
		return principalAt(s, rq.url)
	case kindRealm:
		return rq.mount.realm.Self(rq, s, rq.url, want)
	}
	info, err := s.Stat(rq.path, want)
	m := member{Info: info, prefix: rq.mount.prefix, url: rq.url, realm: rq.mount.realm != nil}
	if err == nil && rq.mount.realm != nil {
		err = rq.mount.realm.Dress(rq, s, &m, rq.path)
	}
	return m, err
}

// virtual is a collection that only leads to others. Systems that mount it show
// its room as the drive's, so it tells that of the asker's own drive.
func virtual(s *store.Session, prefix string, url wire.Path, want store.Want) member {
	m := member{Info: store.Info{Entry: store.Entry{Dir: true}, Held: policy.See | policy.Read}, prefix: prefix, url: url, virtual: true}
	if want.Quota {
		if home, err := s.Stat(store.Path{"~" + s.UserName()}, store.Want{Quota: true}); err == nil {
			m.Quota = home.Quota
		}
	}
	return m
}

// pages gives the members of the request's collection, page by page. No
// transaction is open while a page is used.
func (rq *request) pages(s *store.Session, want store.Want) iter.Seq2[[]member, error] {
	switch rq.kind {
	case kindRoot:
		return onePage([]member{virtual(s, "", wire.Path{Prefix[1:]}, want)}, nil)
	case kindShared:
		return onePage(rq.drives(s, want))
	case kindMount:
		if rq.mount.lone != "" {
			return onePage(rq.loneFile(s, want))
		}
		return onePage(rq.tops(s, want))
	case kindPrincipal:
		return principalPages(s, rq.url)
	case kindRealm:
		return onePage(rq.mount.realm.Members(rq, s, rq.url, want))
	}
	return rq.itemPages(s, want)
}

func onePage(page []member, err error) iter.Seq2[[]member, error] {
	return func(yield func([]member, error) bool) { yield(page, err) }
}

// tops are the members of the mount: home, the spaces and shared.
func (rq *request) tops(s *store.Session, want store.Want) ([]member, error) {
	infos, err := s.Spaces(want)
	if err != nil {
		return nil, err
	}
	infos = rq.thatWere(s, infos)
	tops := make([]member, 0, len(infos)+1)
	for _, info := range infos {
		tops = append(tops, member{Info: info, prefix: Prefix, url: slices.Concat(beyond(rq.url), rq.urlOf(store.Path{info.Name}))})
	}
	return append(tops, virtual(s, Prefix, append(beyond(rq.url), sharedName), want)), nil
}

// itemPages gives the members of a collection in the store.
func (rq *request) itemPages(s *store.Session, want store.Want) iter.Seq2[[]member, error] {
	p, url := rq.path, rq.url
	return func(yield func([]member, error) bool) {
		after := ""
		var kept []store.Info
		for {
			infos, more, err := s.ListInto(kept, p, after, pageSize, want)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(infos) > 0 {
				after = infos[len(infos)-1].Name
			}
			kept = infos
			infos = rq.withoutMacFiles(infos)
			page := make([]member, len(infos))
			// One block holds the names of the URLs of a page.
			names := make([]string, (len(url)+1)*len(infos))
			for i := range infos {
				u := names[i*(len(url)+1) : (i+1)*(len(url)+1)]
				copy(u, url)
				u[len(url)] = infos[i].Name
				page[i] = member{Info: infos[i], prefix: rq.mount.prefix, url: u, realm: rq.mount.realm != nil}
			}
			if !yield(page, nil) || !more {
				return
			}
		}
	}
}
