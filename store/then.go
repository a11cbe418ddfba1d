package store

import (
	"errors"
	"slices"
	"time"

	"davit/policy"
)

// What stood somewhere at a moment is shown as far as it is still kept, with the
// content of that time, to who may do with it today what showing takes: it is
// decided where the node is now. In the trash that is what the trash asks, and of
// content that is a version by now, what versions ask. What was erased since, or
// went to another space, is not shown.

// momentForms are the forms in which a path names a moment. The second has no colons,
// which some systems take in no name; a date is when it begins, in UTC.
var momentForms = []string{time.RFC3339Nano, "20060102T150405Z", time.DateOnly}

// IsMoment tells whether a name is one of a moment.
func IsMoment(name string) bool {
	_, is := parseMoment(name)
	return is
}

func parseMoment(name string) (at time.Time, ok bool) {
	for _, form := range momentForms {
		if at, err := time.Parse(form, name); err == nil {
			return at, true
		}
	}
	return at, false
}

// resolveThen walks a path below a moment. What the asker may not see is not there
// on the way either.
func (s *Session) resolveThen(tx *Tx, p Path) (*spot, error) {
	at, is := parseMoment(p[1])
	if len(p) < 3 || !is || at.After(tx.now) {
		return &spot{path: p}, nil
	}
	sp, err := tx.resolve(p[2:3])
	if err != nil || sp.missing() > 0 {
		return sp, err
	}
	look, err := tx.lookBack(sp.space, at)
	if errors.Is(err, ErrNotFound) {
		return &spot{path: p}, nil
	}
	if err != nil {
		return nil, err
	}
	sp.past = &past{kind: momentItem, look: look}
	visit := &visit{s: s, tx: tx, look: look}
	for i, name := range p[3:] {
		var next *spot
		if _, err = s.face(tx, sp, 0); err == nil {
			next, err = visit.member(sp, name)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if next == nil {
			sp.path = append(slices.Clip(sp.path), p[3+i:]...)
			break
		}
		sp = next
	}
	sp.past.asked = p
	return sp, nil
}

// A visit goes through what a space was.
type visit struct {
	s    *Session
	tx   *Tx
	look *retrospect
	ups  upward
	bins map[policy.Node]bool // whether they are in the trash, or in something there
}

// member is the spot of what stood at a name in a collection, nil when nothing did,
// or when it is kept no more.
func (v *visit) member(dir *spot, name string) (*spot, error) {
	n := dir.nodes[len(dir.nodes)-1]
	if name == calendarsName || !dir.entry().Dir {
		return nil, nil
	}
	if m, stood := v.look.stood[n][name]; stood {
		return v.spot(m, name)
	}
	e, found, err := v.tx.lookup(n, name)
	if err != nil || !found || !v.look.stays(e.Node) {
		return nil, err
	}
	return v.below(dir, &e)
}

// below is the spot of a member that has stayed where it was.
func (v *visit) below(dir *spot, e *Entry) (*spot, error) {
	sp := &spot{path: append(slices.Clip(dir.path), e.Name), space: dir.space,
		nodes: append(slices.Clip(dir.nodes), e.Node), entries: append(slices.Clip(dir.entries), *e)}
	sp.past = &past{kind: momentItem, look: v.look, asks: dir.past.asks & seesTrash}
	return v.then(sp, e.Name)
}

// spot is the spot of a node that something happened to, nil for one that is
// nowhere or elsewhere by now.
func (v *visit) spot(n policy.Node, name string) (*spot, error) {
	if v.look.came[n] {
		return nil, nil
	}
	sp, err := v.present(n)
	if err != nil || sp == nil {
		return nil, err
	}
	return v.then(sp, name)
}

// present is the spot of a node where it is, listed or in the trash, as one of
// the moment; nil when it is not in the space, or no more at all.
func (v *visit) present(n policy.Node) (*spot, error) {
	way, names, err := v.ups.to(v.tx, n)
	if err != nil || len(way) == 0 || way[0] != v.look.space.Root {
		return nil, err
	}
	e, found, err := v.tx.entryOf(housekeeping(v.tx, n), v.look.space.ID, n)
	if err != nil || !found {
		return nil, err
	}
	sp := &spot{path: names, space: v.tx.state.SpaceAt(way[0]), nodes: way, entries: make([]Entry, len(way))}
	for i, up := range way {
		sp.entries[i] = Entry{Name: names[i], Node: up, Dir: true}
	}
	sp.entries[len(way)-1] = e
	sp.past = &past{kind: momentItem, look: v.look}
	binned, err := v.binned(way)
	if binned {
		sp.past.asks = seesTrash
	}
	return sp, err
}

// binned tells whether the end of a way is in the trash.
func (v *visit) binned(way []policy.Node) (bool, error) {
	if len(way) == 0 {
		return false, nil
	}
	n := way[len(way)-1]
	if binned, known := v.bins[n]; known {
		return binned, nil
	}
	rec, err := v.tx.nodeRec(n)
	if err != nil {
		return false, err
	}
	binned := rec.trash != 0
	if !binned {
		if binned, err = v.binned(way[:len(way)-1]); err != nil {
			return false, err
		}
	}
	if v.bins == nil {
		v.bins = map[policy.Node]bool{}
	}
	v.bins[n] = binned
	return binned, nil
}

// entryOf is the entry of a node, in its collection or in the trash of a space.
func (tx *Tx) entryOf(g grant, space policy.ID, n policy.Node) (e Entry, found bool, err error) {
	rec, err := tx.nodeRec(n)
	if err != nil {
		return e, false, err
	}
	if rec.trash == 0 {
		return tx.lookup(rec.parent, rec.name)
	}
	v, err := tx.r.Get(trashKey(space, rec.trash))
	if err != nil || v == nil {
		return e, false, err
	}
	t, err := decodeTrash(v)
	return t.entry, true, err
}

// then gives the spot of a node the name and content of the moment; nil where the
// content is kept no more.
func (v *visit) then(sp *spot, name string) (*spot, error) {
	e := *sp.entry()
	e.Name, e.HasProps = name, false // of properties nobody knows what they were
	h, differs := v.look.had[e.Node]
	if differs && !e.Dir {
		c, err := v.tx.contentOf(housekeeping(v.tx, e.Node), v.look.space.ID, h)
		if err != nil || c == nil {
			return nil, err
		}
		if c.content != e.content || c.size != e.Size {
			sp.past.asks |= policy.See | policy.History
		}
		c.become(&e)
	}
	sp.past.shown = &e
	return sp, nil
}

// contentOf finds the content that a file had, nil when it is kept no more.
func (tx *Tx) contentOf(g grant, space policy.ID, h whence) (*version, error) {
	if h.node == 0 {
		return &version{}, nil
	}
	v, err := tx.r.Get(nodeKey(h.node))
	if err != nil || v == nil {
		return nil, err
	}
	e, found, err := tx.entryOf(g, space, h.node)
	if err != nil {
		return nil, err
	}
	if found && (h.rev == 0 || h.rev == e.Rev) {
		return &version{content: e.content, size: e.Size, modified: e.Modified, media: e.Type, rev: e.Rev}, nil
	}
	list, err := tx.versions(g, h.node)
	if i := slices.IndexFunc(list, func(v version) bool { return v.rev == h.rev }); i >= 0 {
		return &list[i], err
	}
	return nil, err
}

// become gives an entry the content of a version.
func (v *version) become(e *Entry) {
	e.content, e.Size, e.kept = v.content, v.size, kept{}
	if v.rev != 0 { // of a file that was empty only that is known
		e.Modified, e.Type, e.Rev = v.modified, v.media, v.rev
	}
}

// each gives the members that a collection had at the moment and the asker may see,
// by name, after one, until fn answers false.
func (v *visit) each(dir *spot, after string, fn func(*spot, policy.Decision) bool) error {
	n := dir.nodes[len(dir.nodes)-1]
	moved := v.look.namesAfter(n, after)
	goOn, failed := true, error(nil)
	show := func(sp *spot, err error) {
		if err == nil && sp != nil {
			var d policy.Decision
			if d, err = v.s.face(v.tx, sp, 0); err == nil {
				goOn = fn(sp, d)
			}
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			failed = err
		}
	}
	until := func(name string) {
		for len(moved) > 0 && (name == "" || moved[0] < name) && goOn && failed == nil {
			if moved[0] != calendarsName {
				show(v.spot(v.look.stood[n][moved[0]], moved[0]))
			}
			moved = moved[1:]
		}
	}
	err := v.tx.children(housekeeping(v.tx, n), n, after, func(e *Entry) bool {
		if until(e.Name); goOn && failed == nil && e.Name != calendarsName && v.look.stays(e.Node) {
			show(v.below(dir, e))
		}
		return goOn && failed == nil
	})
	if err == nil && goOn && failed == nil {
		until("")
	}
	return errors.Join(err, failed)
}

// listThen gives a page of what a collection had at a moment.
func (s *Session) listThen(tx *Tx, dir *spot, after string, n int) (page []Info, more bool, err error) {
	v := &visit{s: s, tx: tx, look: dir.past.look}
	err = v.each(dir, after, func(sp *spot, d policy.Decision) bool {
		if more = len(page) == n; !more {
			page = append(page, Info{Entry: *sp.entry(), Held: d.Held, Shell: d.Held&policy.See == 0, Owner: dir.space.Owner})
		}
		return !more
	})
	return page, more, err
}
