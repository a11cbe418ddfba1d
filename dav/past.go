package dav

import (
	"slices"

	"davit/dav/wire"
	"davit/store"
)

// What was deleted and what files were before is browsed below two names of the
// mount, which no listing shows: a MOVE from there restores, a COPY takes out, a
// DELETE erases. Below a third one everything is read as it was at a moment.

// beyond are the names at the top of a path that lead out of what is listed: one of
// the three, the moment after the third, and the trash, of which versions are asked
// for. Nothing for any other path.
func beyond[P ~[]string](p P) P {
	switch {
	case !store.IsPast(p):
		return nil
	case len(p) > 1 && (p[0] == store.MomentsRoot || p[0] == store.VersionsRoot && p[1] == store.TrashRoot):
		return p[:2:2]
	}
	return p[:1:1]
}

// isBeyond tells whether the request's URL leads there. Links lead to neither.
func (rq *request) isBeyond() bool {
	return rq.kind != kindPrincipal && rq.mount.root == nil && len(beyond(rq.url)) > 0
}

// placeBeyond tells what a path below one of the three names stands for.
func (rq *request) placeBeyond(p wire.Path) (kind, store.Path) {
	top := beyond(p)
	if top[0] == store.MomentsRoot && len(top) > 1 && !store.IsMoment(top[1]) || len(beyond(p[len(top):])) > 0 {
		return kindItem, nil
	}
	k, path := rq.place(p[len(top):])
	if path == nil {
		return k, nil
	}
	return k, slices.Concat(store.Path(top), path)
}

// pastMethods are those that there are beyond what is listed, versionMethods those of
// the versions of what is listed, which take a label, and momentMethods those at a
// moment, where nothing changes any more.
var (
	pastMethods    = []string{"OPTIONS", "GET", "HEAD", "PROPFIND", "DELETE", "COPY", "MOVE"}
	versionMethods = []string{"OPTIONS", "GET", "HEAD", "PROPFIND", "PROPPATCH", "DELETE", "COPY", "MOVE"}
	momentMethods  = []string{"OPTIONS", "GET", "HEAD", "PROPFIND", "COPY"}
)

// methodsBeyond are those that there are where the request's URL leads.
func (rq *request) methodsBeyond() []string {
	switch {
	case rq.url[0] == store.MomentsRoot:
		return momentMethods
	case rq.url[0] == store.VersionsRoot && len(beyond(rq.url)) == 1:
		return versionMethods
	}
	return pastMethods
}

// thatWere keeps the spaces, or drives, that there were at the moment that the URL
// is in; of any other URL all.
func (rq *request) thatWere(s *store.Session, infos []store.Info) []store.Info {
	top := beyond(rq.url)
	if len(top) == 0 || top[0] != store.MomentsRoot {
		return infos
	}
	return slices.DeleteFunc(infos, func(i store.Info) bool {
		_, err := s.Stat(append(store.Path(top), i.Name), store.Want{})
		return err != nil
	})
}

// The properties that tell of the past.
var (
	originalName = ownName("original-location")
	originalElem = wire.NewElement(originalName)
	deletedName  = ownName("deletion-date")
	deletedElem  = wire.NewElement(deletedName)
	deleterName  = ownName("deleted-by")
	deleterElem  = wire.NewElement(deleterName)
	replacedName = ownName("replacement-date")
	replacedElem = wire.NewElement(replacedName)
	writerName   = ownName("written-by")
	writerElem   = wire.NewElement(writerName)
)

func pastProps() []liveProp {
	deleted := func(m *member) bool { return m.Origin != nil && m.url[0] == store.TrashRoot }
	replaced := func(m *member) bool { return m.Origin != nil && m.url[0] == store.VersionsRoot }
	when := func(e wire.Element) func(*finding, *member) {
		return func(f *finding, m *member) { f.m.RFC3339(e, m.Origin.At) }
	}
	who := func(e wire.Element) func(*finding, *member) {
		return func(f *finding, m *member) { f.m.Text(e, f.rq.nameOf(m.Origin)) }
	}
	return []liveProp{
		{name: originalName, all: true, has: func(m *member) bool { return m.Origin != nil }, write: func(f *finding, m *member) {
			f.m.Href(originalElem, m.prefix, f.rq.urlOf(m.Origin.Path), m.Dir)
		}},
		{name: deletedName, all: true, has: deleted, write: when(deletedElem)},
		{name: deleterName, all: true, has: deleted, write: who(deleterElem)},
		{name: replacedName, all: true, has: replaced, write: when(replacedElem)},
		{name: writerName, all: true, has: replaced, write: who(writerElem)},
		{name: labelName, all: true, has: func(m *member) bool { return m.Origin != nil && m.Origin.Label != "" },
			write: func(f *finding, m *member) { f.m.Text(labelElem, m.Origin.Label) }},
	}
}

// nameOf is the name of who deleted or wrote something, empty for one whom the
// asker may not know.
func (rq *request) nameOf(o *store.Origin) string {
	p, err := rq.session.Principal(o.By)
	if err != nil {
		return ""
	}
	return p.Name
}

// past tells that the member is not in the listed tree.
func (m *member) past() bool { return (m.prefix == Prefix || m.realm) && len(beyond(m.url)) > 0 }

// oldName is the name that something had, of which the trash makes another.
func (m *member) oldName() (string, bool) {
	if m.Origin == nil || m.url[0] != store.TrashRoot {
		return "", false
	}
	return m.Origin.Path[len(m.Origin.Path)-1], true
}
