package dav

import (
	"cmp"
	"errors"
	"iter"
	"net/url"
	"slices"

	"davit/dav/wire"
	"davit/store"
)

// Limits of a search. One that reaches them says so in its answer.
const (
	scannedMax = 100_000    // resources that are looked at
	orderedMax = 1000       // results that are sorted
	stepsMax   = 50_000_000 // bytes of properties and steps of comparing with patterns
)

// The one grammar that is understood, as OPTIONS and properties tell it.
var grammars = []string{"<DAV:basicsearch>"} // RFC 5323, section 3.2

const queryGrammars = "<D:supported-query-grammar><D:grammar><D:basicsearch/></D:grammar></D:supported-query-grammar>"

// searched: what a search may start from.
func searched(m *member) bool { return m.Dir && m.prefix != principalPrefix }

var (
	errEnough  = errors.New("all that was asked for is found")
	errScanned = errors.New("the search has looked at more than it may")
)

// A searching is one SEARCH at work: a listing of the scope of which only what
// the query finds is told. What a listing hides no search finds.
type searching struct {
	*finding
	query   *wire.Search
	scanned int
	steps   int // that are left
	found   []result
	told    int
	cut     bool // more was found than is sorted
}

// result is a member that was found, when the results are sorted.
type result struct {
	member
	keys []value
}

// search answers SEARCH. RFC 5323, section 2
func search(rq *request) error {
	if rq.kind == kindPrincipal {
		return errMethodNotAllowed
	}
	body, err := rq.body()
	if err != nil {
		return err
	}
	query, err := wire.ParseSearch(body)
	if err != nil {
		return err
	}
	s := rq.session.Pinned()
	arbiter, err := rq.self(s, store.Want{})
	if err != nil {
		return err
	}
	scope, err := rq.scope(query.Scope)
	if err != nil {
		return err
	}
	q := newSearching(scope, s, &query)
	self, err := scope.self(s, q.want)
	if errors.Is(err, store.ErrNotFound) {
		return wire.ErrScope // hidden or missing: nobody is told which
	} else if err != nil {
		return err
	}
	q.to(wire.NewMultistatus(rq.w))
	if query.Schema {
		q.m.Response(self.prefix, self.url, self.Dir)
		q.m.QuerySchema(200, schema)
		return q.end(nil)
	}
	err = q.run(&self, scope.pages(s, q.want))
	if err == nil || errors.Is(err, errEnough) || errors.Is(err, errScanned) {
		if q.sorted(); q.cut || errors.Is(err, errScanned) {
			q.tooMany(arbiter.prefix, arbiter.url) // RFC 5323, section 2.3.2
		}
		err = q.m.Err()
	}
	return q.end(err)
}

func newSearching(scope *request, s *store.Session, query *wire.Search) *searching {
	q := &searching{finding: newFinding(scope, s, query.Select, wire.ParsePrefer(scope.r.Header)), query: query, steps: stepsMax}
	q.visit = q.look
	q.wantFor(query.Where)
	for _, o := range query.Orders {
		q.wantProp(o.Prop)
	}
	return q
}

// scope is the request that a scope stands for: something in the same mount.
// RFC 5323, section 5.4.1
func (rq *request) scope(href string) (*request, error) {
	ref, err := url.Parse(href)
	if err != nil {
		return nil, wire.ErrScope
	}
	full := rq.r.URL.ResolveReference(ref)
	if ref.Host == "" {
		full.Scheme, full.Host = "", ""
	}
	full.RawQuery, full.Fragment = "", ""
	p, err := wire.ParseDestination(full.String(), rq.r.Host, rq.mount.prefix)
	if err != nil {
		return nil, wire.ErrScope
	}
	sub := *rq
	sub.url = p
	if sub.kind, sub.path = rq.place(p); sub.kind == kindItem && sub.path == nil {
		return nil, wire.ErrScope
	}
	return &sub, nil
}

// wantFor asks the store for what a predicate looks at.
func (q *searching) wantFor(p *wire.Predicate) {
	if p == nil {
		return
	}
	q.wantProp(p.Prop)
	for i := range p.Of {
		q.wantFor(&p.Of[i])
	}
}

// run looks at the scope and at what is below it.
func (q *searching) run(self *member, pages iter.Seq2[[]member, error]) error {
	if err := q.look(self); err != nil || q.query.Depth == wire.Depth0 || !self.Dir {
		return err
	}
	return q.list(pages, q.s, q.query.Depth == wire.DepthInfinity)
}

// look tests one resource, and tells it or keeps it to be sorted.
func (q *searching) look(m *member) error {
	limit := q.query.Limit
	if limit == 0 || limit > 0 && q.told == limit && len(q.query.Orders) == 0 {
		return errEnough
	}
	if q.scanned++; q.scanned > scannedMax {
		return errScanned
	}
	found := q.query.Where == nil || q.holds(q.query.Where, m) == yes
	switch {
	case q.steps < 0:
		return errScanned
	case !found:
		return nil
	case len(q.query.Orders) == 0:
		q.told++
		q.write(m)
		return nil
	}
	return q.keep(m)
}

// keep takes a result in at its place among those found so far, of which the last
// is dropped when there are more than wanted. RFC 5323, section 5.17.1
func (q *searching) keep(m *member) error {
	r := result{member: *m, keys: make([]value, len(q.query.Orders))}
	r.url = slices.Clone(m.url) // which stands in a block of the whole page's
	for i, o := range q.query.Orders {
		r.keys[i] = q.value(o.Prop, m)
	}
	at, _ := slices.BinarySearchFunc(q.found, r, func(a, b result) int { return cmp.Or(q.compare(&a, &b), -1) })
	q.found = slices.Insert(q.found, at, r)
	most := orderedMax
	if limit := q.query.Limit; limit >= 0 && limit < most {
		most = limit
	} else if len(q.found) > most {
		q.cut = true
	}
	q.found = q.found[:min(len(q.found), most)]
	return nil
}

// compare orders two results. RFC 5323, section 5.6
func (q *searching) compare(a, b *result) int {
	for i, o := range q.query.Orders {
		c := a.keys[i].compare(b.keys[i], o.Caseless)
		if o.Descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// sorted tells the results that were kept.
func (q *searching) sorted() {
	for i := range q.found {
		q.write(&q.found[i].member)
	}
}
