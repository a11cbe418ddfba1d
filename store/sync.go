package store

import (
	"context"
	"errors"
	"slices"

	"davit/policy"
	"davit/store/engine"
)

// A SyncQuery asks what changed below a collection.
type SyncQuery struct {
	// Since is the token of the answer before; empty for all that is there.
	Since string
	// Deep asks for everything below, not for the members alone.
	Deep bool
	// Limit is how many changes a page has at most.
	Limit int
	Want  Want
	// Old is the members of a page that is not needed any more, whose memory is used.
	Old []Synced
}

// A Synced is one member that is not as the client knows it.
type Synced struct {
	Path Path // below the collection
	// Gone: it is there no more, or no more for the asker. Of the Info it has
	// then only whether it was a collection, as far as that is still known; what
	// was below it is not told one by one.
	Gone bool
	Info
}

// A SyncPage is an answer, or a part of it when there is more; then its token
// asks for what follows.
type SyncPage struct {
	Members []Synced
	Token   string
	More    bool
}

// Changes tells what changed below a collection for the asker since it was given
// a token: what was made, written, moved, taken away, hidden or shown. It costs
// what changed, not what is there. Members come in the order of a walk: each
// before what is below it, those of one collection by name. ErrSyncToken refuses
// a token that tells too little; the caller begins anew without one.
func (s *Session) Changes(p Path, q SyncQuery) (page SyncPage, err error) {
	err = s.view(func(tx *Tx) error {
		if err := tx.between(); err != nil {
			return err
		}
		page, err = s.changes(tx, p, q)
		return err
	})
	if !errors.Is(err, errBetween) {
		return page, err
	}
	// In the committer's turn policy and tree are always of one moment.
	err = s.told(s.st.update(context.Background(), engine.Foreground, func(tx *Tx) (err error) {
		if page, err = s.changes(tx, p, q); err == nil {
			err = errRehearsed
		}
		return err
	}))
	if errors.Is(err, errRehearsed) {
		err = nil
	}
	return page, err
}

// syncedMany is for how many members a page that will be full is laid out at once.
const syncedMany = 1000

func (s *Session) changes(tx *Tx, p Path, q SyncQuery) (page SyncPage, err error) {
	sp, err := s.resolve(tx, p)
	if err != nil {
		return page, err
	}
	g, err := s.authorize(tx, sp, opList)
	if err != nil {
		return page, err
	}
	if !sp.entry().Dir {
		return page, ErrNotDir
	}
	c := &comparison{s: s, tx: tx, sub: s.subject(tx), top: sp, space: sp.space, deep: q.Deep, want: q.Want, left: q.Limit, page: q.Old[:0]}
	if c.token, err = s.openToken(tx, sp, q.Since); err != nil {
		return page, err
	}
	if c.now, err = s.moment(tx, sp.space.ID); err != nil {
		return page, err
	}
	if c.token.base == nil && c.token.goal != nil && cap(c.page) == 0 {
		c.page = make([]Synced, 0, min(q.Limit, syncedMany)) // to who has nothing one full page follows another
	}
	if err := c.run(g, sp); err != nil {
		return page, err
	}
	return SyncPage{Members: c.page, Token: tx.st.sealer.seal(c.next()), More: c.more}, nil
}

// openToken reads a token of the asker for a collection; an empty one is that of
// a client that has nothing.
func (s *Session) openToken(tx *Tx, sp *spot, token string) (*syncToken, error) {
	mine := &syncToken{asker: s.cred.id(), space: sp.space.ID, node: sp.entry().Node}
	if token == "" {
		return mine, nil
	}
	t, err := tx.st.sealer.open(token)
	if err != nil {
		return nil, err
	}
	if t.asker != mine.asker || t.space != mine.space || t.node != mine.node {
		return nil, ErrSyncToken
	}
	return t, nil
}

// moment is the state of a space as the asker sees it now.
func (s *Session) moment(tx *Tx, space policy.ID) (*moment, error) {
	m := &moment{epoch: tx.state.Epoch}
	v, err := tx.r.Get(seqKey(space))
	if err == nil {
		m.seq, err = readUint64(v)
	}
	if err != nil {
		return nil, err
	}
	switch err = tx.between(); {
	case err == nil:
		m.seen = sightedOf(tx.state.Sight(s.subject(tx), space))
	case errors.Is(err, errBetween):
		err = nil // nobody knows what was seen: the token will be refused
	}
	return m, err
}

// syncToken is the token of a collection as it is now: who lists it after having
// been given the token can go on from there.
func (s *Session) syncToken(tx *Tx, space policy.ID, dir policy.Node) (string, error) {
	m := tx.moments[space]
	if m == nil {
		var err error
		if m, err = s.moment(tx, space); err != nil {
			return "", err
		}
		if tx.moments == nil {
			tx.moments = map[policy.ID]*moment{}
		}
		tx.moments[space] = m
	}
	return tx.st.sealer.seal(&syncToken{asker: s.cred.id(), space: space, node: dir, base: m}), nil
}

// comparedMax is how many changes a condition of a request looks at.
const comparedMax = 1000

// unchanged tells whether nothing has changed for the asker below what stands at
// a spot since a token of it. RFC 6578, section 5
func (s *Session) unchanged(tx *Tx, g grant, sp *spot, token string) bool {
	if !sp.entry().Dir {
		return false
	}
	t, err := s.openToken(tx, sp, token)
	if err != nil || t.base == nil || t.goal != nil {
		return false
	}
	c := &comparison{s: s, tx: tx, sub: s.subject(tx), space: sp.space, deep: true, token: t}
	if c.now, err = s.moment(tx, sp.space.ID); err != nil || c.now.seq-t.base.seq > comparedMax {
		return false
	}
	return c.run(g, sp) == nil && !c.more
}

// A comparison holds a collection against what a client has of it, and gathers
// what differs. It walks only where something happened.
type comparison struct {
	s     *Session
	tx    *Tx
	sub   policy.Subject
	top   *spot // the collection that was asked for
	space *policy.Space
	deep  bool
	want  Want

	token  *syncToken
	now    *moment
	mirror *mirror // nil for a client that has nothing

	left int
	page []Synced
	more bool // something is left: the walk is over
	last Path // that was told, or was told before
}

// An old is a node that the client knows at some path, as it was shown there.
type old struct {
	node policy.Node
	view policy.View
	// sure: it has it, with all that was below. Otherwise it may have any of that.
	sure bool
}

func (c *comparison) run(g grant, sp *spot) error {
	t := c.token
	if t.goal != nil {
		// The pages of one answer are all told to the same eyes, which were open all
		// the time: what came and went between two pages is told as gone.
		same := t.goal.seen.is(&c.now.seen) && t.goal.seq <= c.now.seq
		if same {
			var err error
			if same, err = c.lasted(t.goal.epoch, max(t.goal.seq, t.goal.until)); err != nil {
				return err
			}
		}
		if !same {
			return ErrSyncToken
		}
		c.last = t.after
	}
	var olds []old
	if t.base != nil {
		var err error
		if c.mirror, err = c.readMirror(sp.nodes); err != nil {
			return err
		}
		if v := c.mirror.view(); v != policy.Hidden {
			olds = []old{{t.node, v, true}}
		}
	}
	now := policy.Hidden
	for _, n := range sp.nodes {
		now = c.now.seen.list.Of(n, now)
	}
	return c.members(collectionNow{g, sp.place(), nil, now}, olds, t.after)
}

// next is the token of the page that was gathered.
func (c *comparison) next() *syncToken {
	t := *c.token
	if t.goal == nil {
		t.goal = c.now
	}
	goal := *t.goal
	if goal.epoch = c.now.epoch; c.now.seq > goal.seq {
		goal.until = c.now.seq
	}
	if c.more {
		t.goal, t.after = &goal, c.last
		return &t
	}
	t.base, t.goal, t.after = &goal, nil, nil
	return &t
}

// collectionNow is a collection of the walk, as it stands.
type collectionNow struct {
	g     grant
	place policy.Place
	path  Path // below the collection that was asked for
	view  policy.View
}

// members compares the members of a collection with those that the client may
// know. When it is told page by page, all up to the one that begins the way after
// were told.
func (c *comparison) members(dir collectionNow, olds []old, after Path) error {
	first := ""
	if len(after) > 0 {
		first = after[0]
	}
	switch {
	case len(olds) == 0:
		return c.newMembers(dir, after)
	case len(olds) == 1 && olds[0] == old{dir.g.node, dir.view, true}:
		for _, name := range c.mirror.touchedIn(dir.g.node, first) {
			if err := c.touched(dir, olds, name, after); err != nil || c.more {
				return err
			}
		}
		return nil
	}
	names, err := c.allNames(dir, olds, first)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := c.touched(dir, olds, name, after); err != nil || c.more {
			return err
		}
	}
	return nil
}

// newMembers tells everything in a collection that the client does not have.
func (c *comparison) newMembers(dir collectionNow, after Path) error {
	from, failed := "", error(nil)
	if len(after) > 0 {
		from = after[0]
		e, found, err := c.tx.member(dir.g, dir.g.node, from)
		if err != nil {
			return err
		}
		if found {
			if err := c.member(dir, from, &e, nil, after); err != nil || c.more {
				return err
			}
		}
	}
	err := c.tx.children(dir.g, dir.g.node, from, func(e *Entry) bool {
		failed = c.member(dir, e.Name, e, nil, nil)
		return failed == nil && !c.more
	})
	if err == nil {
		err = failed
	}
	return err
}

// touched compares what stands at a name with what stood there.
func (c *comparison) touched(dir collectionNow, olds []old, name string, after Path) error {
	var here *Entry
	e, found, err := c.tx.member(dir.g, dir.g.node, name)
	if err != nil {
		return err
	}
	if found {
		here = &e
	}
	stood, err := c.stoodAt(olds, name)
	if err != nil {
		return err
	}
	if len(after) == 0 || after[0] != name {
		after = nil
	}
	return c.member(dir, name, here, stood, after)
}

// member compares one member, nil where nothing stands, with those that the
// client may know at its name. With a way after it was told before, and so was
// what is below it up to there.
func (c *comparison) member(dir collectionNow, name string, e *Entry, stood []old, after Path) error {
	if name == calendarsName {
		return nil // calendars have doors of their own
	}
	below := collectionNow{path: append(slices.Clip(dir.path), name)}
	if e != nil {
		d := c.s.sees(c.tx, dir.g, dir.place, e.Node)
		below.view = viewOf(d)
		below.g = dir.g.child(e.Node, d.Held)
		if !plain(e, c.want) {
			below.place = at(dir.place.Space, dir.place.Path, e.Node)
		}
	}
	seen := below.view != policy.Hidden
	same := seen && len(stood) == 1 && stood[0] == old{e.Node, below.view, true}
	if len(after) == 0 {
		if err := c.tell(below, e, stood, same); err != nil || c.more {
			return err
		}
	} else {
		after = after[1:]
	}
	if !seen || !e.Dir || !c.deep {
		return nil
	}
	if c.mirror != nil && c.mirror.away[e.Node] && slices.ContainsFunc(stood, func(o old) bool { return o.node == e.Node }) {
		return ErrSyncToken
	}
	return c.members(below, stood, after)
}

// tell puts a member on the page when the client does not have it as it is.
func (c *comparison) tell(m collectionNow, e *Entry, stood []old, same bool) error {
	seen := m.view != policy.Hidden
	if !seen && len(stood) == 0 || same && !c.mirror.fresh[e.Node] {
		return nil
	}
	if c.more = c.left == 0; c.more {
		return nil
	}
	c.left--
	told := Synced{Path: m.path, Gone: !seen}
	var err error
	switch {
	case seen && plain(e, c.want):
		told.Info = Info{Entry: *e, Held: m.g.held, Owner: c.space.Owner, Shell: m.view == policy.Passage}
	case seen:
		told.Info, err = c.s.info(c.tx, m.g, m.place, e, c.want)
	case e != nil:
		told.Dir = e.Dir
	default:
		told.Dir, err = c.tx.wasDir(housekeeping(c.tx, stood[0].node), c.space.ID, stood[0].node)
	}
	if seen {
		told.Held = c.top.heldOf(e, told.Held)
	}
	c.page, c.last = append(c.page, told), m.path
	return err
}

func viewOf(d policy.Decision) policy.View {
	switch {
	case d.Shell:
		return policy.Passage
	case d.Visible:
		return policy.Plain
	}
	return policy.Hidden
}
