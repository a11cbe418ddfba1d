package dav

import (
	"errors"
	"math"
	"net/http"
	"slices"

	"davit/dav/wire"
	"davit/store"
)

// syncable: a collection that the store keeps, with a log of what happens in it.
func syncable(m *member) bool { return m.Dir && !m.virtual }

// syncCollection answers a sync-collection: what changed in a collection since a
// token, page by page and in constant memory. A change of policy counts within
// the answer too. RFC 6578, section 3.2
func syncCollection(rq *request, s *store.Session, self *member, body []byte) error {
	depth, err := wire.ParseDepth(rq.r.Header.Get("Depth"))
	if err != nil {
		return err
	}
	sync, err := wire.ParseSync(body)
	if err != nil {
		return err
	}
	switch {
	case sync.Level == wire.DepthAbsent && (depth == wire.Depth1 || depth == wire.DepthInfinity):
		sync.Level = depth // as before there was an RFC: section 3.3 names the level
	case sync.Level == wire.DepthAbsent, depth != wire.DepthAbsent && depth != wire.Depth0 && depth != wire.Depth1:
		return errDepth
	}
	f := rq.listing(s, sync.Props, true)
	q := store.SyncQuery{Since: sync.Token, Deep: sync.Level == wire.DepthInfinity, Want: f.want}
	m := member{prefix: self.prefix, realm: self.realm, url: slices.Clone(self.url)} // each in turn
	left := sync.Limit
	if left < 0 {
		left = math.MaxInt
	}
	for told := 0; ; told++ {
		q.Limit = min(left, pageSize)
		page, err := rq.session.Changes(rq.path, q)
		if err != nil && (told == 0 || !errors.Is(err, store.ErrSyncToken)) {
			return f.end(err)
		}
		if err != nil { // what may be seen has changed meanwhile: the token will say so
			page = store.SyncPage{Token: q.Since, More: true}
			left = 0
		}
		for i := range page.Members {
			f.sync(&m, len(self.url), &page.Members[i])
		}
		left -= len(page.Members)
		q.Since, q.Old = page.Token, page.Members
		if err := f.m.Err(); err != nil || !page.More || left == 0 {
			return f.synced(self, page, err)
		}
	}
}

// sync answers for one member that changed, in the memory of m, whose URL begins with
// so many names of the collection.
func (f *finding) sync(m *member, names int, s *store.Synced) {
	if slices.ContainsFunc(s.Path, f.rq.hides) {
		return
	}
	m.Info, m.url = s.Info, append(m.url[:names], s.Path...)
	if s.Gone {
		f.m.Response(m.prefix, m.url, m.Dir)
		f.m.Status(http.StatusNotFound) // RFC 6578, section 3.5.2
		return
	}
	f.write(m)
}

// synced ends the answer with its token. When there is more, the answer for the
// collection itself says so. RFC 6578, section 3.6
func (f *finding) synced(self *member, page store.SyncPage, err error) error {
	if err == nil && page.More {
		f.tooMany(self.prefix, self.url)
	}
	f.m.SyncToken(page.Token)
	return f.end(err)
}
