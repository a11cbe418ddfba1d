package policy

import (
	"slices"
)

func (c SetEntry) apply(e *edit) error {
	if err := e.checkEntry(c.Entry); err != nil {
		return err
	}
	if sp := e.Space(c.At.Space); sp != nil && sp.Owner != Nobody && sp.Owner == c.Entry.Principal && c.Entry.Revoke|c.Entry.Deny != 0 {
		return invalid("%s owns the space: nothing is revoked from or denied to an owner", e.PrincipalName(sp.Owner))
	}
	return e.changeMark(c.At, func(m *Mark) { m.Entries = withEntry(m.Entries, c.Entry) })
}

func (c ClearEntries) apply(e *edit) error {
	m := e.Mark(c.Node)
	if m == nil {
		return nil
	}
	next := *m
	if c.Principal == Nobody {
		next.Entries = nil
	} else {
		next.Entries = withoutPrincipal(m.Entries, c.Principal)
	}
	e.setMark(&next)
	return nil
}

func (c SetCut) apply(e *edit) error {
	return e.changeMark(c.At, func(m *Mark) { m.Cut, m.CutRank = c.On, c.Rank })
}

func (c SetQuota) apply(e *edit) error {
	limit := c.Limit
	if limit != nil {
		own := *limit
		limit = &own
	}
	return e.changeMark(c.At, func(m *Mark) { m.Quota = limit })
}

func (c MoveNode) apply(e *edit) error {
	if len(c.To.Path) < 2 {
		return invalid("a space's root does not move")
	}
	n := c.To.Path[len(c.To.Path)-1]
	w, ok := e.ways.get(uint64(n))
	if !ok {
		return nil
	}
	from, to := e.rootOf(n), c.To.Path[0]
	elsewhere := from != to
	if elsewhere {
		if _, hurdles := e.hurdles.get(uint64(from)); hurdles {
			e.hurdle(to)
		}
		e.endShares(n)
		e.eachMark(n, func(m *Mark) { e.index(m, &Mark{Node: m.Node}) })
	}
	if w, ok = e.ways.get(uint64(n)); !ok {
		return nil
	}
	e.unhook(n, w.parent)
	e.hook(c.To.Path)
	if elsewhere {
		e.eachMark(n, func(m *Mark) { e.index(nil, m) })
	}
	return nil
}

// eachMark gives the marks at a node and below it, also in the trash there.
func (e *edit) eachMark(n Node, fn func(*Mark)) {
	w, ok := e.ways.get(uint64(n))
	if !ok {
		return
	}
	if w.mark != nil {
		fn(w.mark)
	}
	for _, kids := range []nodes{w.kids, w.parked} {
		for kid := range kids.all() {
			e.eachMark(Node(kid), fn)
		}
	}
}

func (e *edit) rootOf(n Node) Node {
	for {
		w, ok := e.ways.get(uint64(n))
		if !ok || w.parent == 0 {
			return n
		}
		n = w.parent
	}
}

func (c ParkNode) apply(e *edit) error {
	w, ok := e.ways.get(uint64(c.Node))
	if !ok || w.parent == 0 {
		return invalid("only what stands in a space goes into the trash")
	}
	up, _ := e.ways.get(uint64(w.parent))
	next := *up
	next.kids = up.kids.del(uint64(c.Node))
	next.parked = up.parked.set(uint64(c.Node), struct{}{})
	e.ways = e.ways.set(uint64(w.parent), &next)
	e.hurdle(e.rootOf(c.Node))
	return nil
}

// hurdle notes that not everything below a root may be open. That is kept when the
// hurdle is gone: then it costs a look.
func (e *edit) hurdle(root Node) { e.hurdles = e.hurdles.set(uint64(root), struct{}{}) }

func (c DropNodes) apply(e *edit) error {
	for _, n := range c.Nodes {
		if m := e.Mark(n); m != nil {
			e.setMark(&Mark{Node: n})
		}
	}
	return nil
}

// changeMark edits the mark of a place, making it and the way to it when it is
// the first thing there.
func (e *edit) changeMark(at Place, change func(*Mark)) error {
	sp := e.Space(at.Space)
	if sp == nil || len(at.Path) == 0 || at.Path[0] != sp.Root {
		return invalid("not a place in a space")
	}
	for i, up := range at.Path[:len(at.Path)-1] {
		if w, _ := e.ways.get(uint64(at.Path[i+1])); w != nil && w.parent != up {
			return invalid("the place is another by now")
		}
	}
	n := at.Path[len(at.Path)-1]
	next := Mark{Node: n}
	if m := e.Mark(n); m != nil {
		next = *m
	}
	change(&next)
	if !next.empty() {
		e.hook(at.Path)
	}
	e.setMark(&next)
	return nil
}

func (e *edit) setMark(m *Mark) {
	w, ok := e.ways.get(uint64(m.Node))
	if !ok {
		return
	}
	next := *w
	e.noteEnded(w.mark, m)
	e.index(w.mark, m)
	next.setMark(m)
	if next.hides {
		e.hurdle(e.rootOf(m.Node))
	}
	e.delta.Marks[m.Node] = m
	if m.empty() {
		next.setMark(nil)
		e.delta.Marks[m.Node] = nil
	}
	e.ways = e.ways.set(uint64(m.Node), &next)
	if next.idle() {
		e.ways = e.ways.del(uint64(m.Node))
		e.unhook(m.Node, next.parent)
	}
}

// index keeps where each principal is named and what is cut: the only places
// where rights differ from those above.
func (e *edit) index(old, m *Mark) {
	at := spot{e.rootOf(m.Node), m.Node}
	if old != nil {
		for _, en := range old.Entries {
			e.named = e.named.without(en.Principal, at)
		}
		for _, sh := range old.Shares {
			e.unindexShare(&sh, at)
		}
	}
	for _, en := range m.Entries {
		e.named = e.named.with(en.Principal, at, en.shows())
	}
	for _, sh := range m.Shares {
		e.indexShare(&sh, at)
	}
	if m.Cut {
		e.cuts = e.cuts.with(at)
	} else {
		e.cuts = e.cuts.without(at)
	}
}

func (e *edit) indexShare(sh *Share, at spot) {
	e.shares = e.shares.set(uint64(sh.ID), at.node)
	e.named = e.named.with(sh.To, at, false)
	e.given = withSpot(e.given, sh.To, at)
	e.gave = withSpot(e.gave, sh.By, at)
	if sh.IsLink() {
		e.closures = e.closures.set(uint64(sh.ID), []ID{Links, sh.ID})
	}
}

func (e *edit) unindexShare(sh *Share, at spot) {
	e.shares = e.shares.del(uint64(sh.ID))
	e.named = e.named.without(sh.To, at)
	e.given = withoutSpot(e.given, sh.To, at)
	e.gave = withoutSpot(e.gave, sh.By, at)
	if sh.IsLink() {
		e.closures = e.closures.del(uint64(sh.ID))
	}
}

// hook makes every node of the path a way and the child of the one before it.
func (e *edit) hook(path []Node) {
	for i, n := range path {
		var parent Node
		if i > 0 {
			parent = path[i-1]
		}
		w, ok := e.ways.get(uint64(n))
		if ok && w.parent == parent && i > 0 && e.hasKid(parent, n) {
			continue
		}
		next := way{}
		if ok {
			next = *w
		}
		next.parent = parent
		e.ways = e.ways.set(uint64(n), &next)
		if i > 0 {
			e.addKid(parent, n)
		}
	}
}

func (e *edit) hasKid(parent, n Node) bool {
	w, _ := e.ways.get(uint64(parent))
	if w == nil {
		return false
	}
	_, has := w.kids.get(uint64(n))
	_, parked := w.parked.get(uint64(n))
	return has || parked
}

func (e *edit) addKid(parent, n Node) {
	w, _ := e.ways.get(uint64(parent))
	next := *w
	next.kids = w.kids.set(uint64(n), struct{}{})
	e.ways = e.ways.set(uint64(parent), &next)
}

// unhook takes n from the children of parent, and every way that then leads
// nowhere from its own.
func (e *edit) unhook(n, parent Node) {
	w, ok := e.ways.get(uint64(parent))
	if !ok {
		return
	}
	next := *w
	next.kids, next.parked = w.kids.del(uint64(n)), w.parked.del(uint64(n))
	if next.idle() {
		e.ways = e.ways.del(uint64(parent))
		e.unhook(parent, next.parent)
		return
	}
	e.ways = e.ways.set(uint64(parent), &next)
}

// dropFromLists takes a principal out of every group, level, pin and entry.
func (e *edit) dropFromLists(id ID) {
	for _, g := range slices.Clone(e.GroupsOf(id)) {
		grp := e.Group(g)
		e.setMembers(grp, slices.DeleteFunc(slices.Clone(grp.Members), func(m ID) bool { return m == id }))
	}
	e.in = e.in.del(uint64(id))
	for _, g := range e.groups.all() {
		if _, manages := slices.BinarySearch(g.Managers, id); manages {
			next := *e.Group(g.ID)
			next.Managers = slices.DeleteFunc(slices.Clone(g.Managers), func(m ID) bool { return m == id })
			e.setGroup(&next)
		}
	}
	named := func(list []Entry) bool {
		i := firstOf(list, id)
		return i < len(list) && list[i].Principal == id
	}
	for _, sp := range e.spaces.all() {
		if _, pinned := slices.BinarySearch(sp.Pins, id); pinned || named(sp.Levels) {
			next := *sp
			next.Levels = withoutPrincipal(sp.Levels, id)
			next.Pins = slices.DeleteFunc(slices.Clone(sp.Pins), func(p ID) bool { return p == id })
			e.setSpace(&next)
		}
	}
	for _, s := range e.named.at(id) {
		next := *e.Mark(s.node)
		next.Entries = withoutPrincipal(next.Entries, id)
		next.Shares = slices.DeleteFunc(slices.Clone(next.Shares), func(sh Share) bool { return sh.To == id })
		e.setMark(&next)
	}
	gave, _ := e.gave.get(uint64(id))
	for _, s := range gave {
		e.dropShares(s.node, func(sh *Share) bool { return sh.By == id })
	}
}

// close makes the closures anew of every user below a changed principal.
func (e *edit) close() {
	done := map[ID]bool{}
	var down func(ID)
	down = func(id ID) {
		if done[id] {
			return
		}
		done[id] = true
		if g := e.Group(id); g != nil {
			for _, m := range g.Members {
				down(m)
			}
		} else if u := e.User(id); u != nil {
			e.closures = e.closures.set(uint64(id), e.closure(u))
		}
	}
	for id := range e.stale {
		down(id)
	}
	clear(e.stale)
}

func (e *edit) closure(u *User) []ID {
	ids := append(e.ancestors(u.ID), u.ID, AnyoneSignedIn)
	if u.Type != Guest {
		ids = append(ids, Members)
	}
	slices.Sort(ids)
	return slices.Clip(ids)
}
