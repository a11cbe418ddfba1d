package policy

import "slices"

// naming tells where principals are named, by an entry or a share. What names one
// in a space is found with one look: that is asked of each of a subject's
// principals, in every search for what it sees below. It is persistent.
type naming struct {
	below table[table[sites]] // by root, then by principal
	roots table[[]Node]       // by principal: those below which it is named, ascending
}

// sites are the nodes of one space that name a principal, ascending: as a rule
// there is one, which stands in the table itself.
type sites struct {
	first Node
	more  *[]Node
}

// in is what is named in the space of a root, by principal.
func (x naming) in(root Node) table[sites] {
	here, _ := x.below.get(uint64(root))
	return here
}

// at are the places that name a principal, in any space.
func (x naming) at(id ID) (at places) {
	roots, _ := x.roots.get(uint64(id))
	for _, root := range roots {
		at = x.appendIn(at, root, id)
	}
	return at
}

// appendIn appends the places in the space of a root that name a principal.
func (x naming) appendIn(dst places, root Node, id ID) places {
	here, named := x.in(root).get(uint64(id))
	if !named {
		return dst
	}
	for i := range here.count() {
		dst = append(dst, spot{root, here.nth(i)})
	}
	return dst
}

func (x naming) with(id ID, s spot) naming {
	here := x.in(s.root)
	old, named := here.get(uint64(id))
	if !named {
		roots, _ := x.roots.get(uint64(id))
		i, _ := slices.BinarySearch(roots, s.root)
		x.roots = x.roots.set(uint64(id), slices.Insert(slices.Clone(roots), i, s.root))
	}
	x.below = x.below.set(uint64(s.root), here.set(uint64(id), old.with(s.node)))
	return x
}

func (x naming) without(id ID, s spot) naming {
	here := x.in(s.root)
	old, named := here.get(uint64(id))
	if !named {
		return x
	}
	if left, any := old.without(s.node); any {
		x.below = x.below.set(uint64(s.root), here.set(uint64(id), left))
		return x
	}
	if here = here.del(uint64(id)); here.n > 0 {
		x.below = x.below.set(uint64(s.root), here)
	} else {
		x.below = x.below.del(uint64(s.root))
	}
	roots, _ := x.roots.get(uint64(id))
	roots = slices.DeleteFunc(slices.Clone(roots), func(n Node) bool { return n == s.root })
	if len(roots) > 0 {
		x.roots = x.roots.set(uint64(id), roots)
	} else {
		x.roots = x.roots.del(uint64(id))
	}
	return x
}

// namingOf makes it of all places at once.
func namingOf(of map[ID]places) naming {
	x := naming{}
	below := map[Node][]slot[sites]{}
	roots := make(map[ID][]Node, len(of))
	for id, at := range of {
		for at = at.sorted(); len(at) > 0; {
			root, here := at[0].root, at.within(at[0].root)
			below[root] = append(below[root], slot[sites]{key: uint64(id), val: sitesOf(here.appendNodes(nil))})
			roots[id] = append(roots[id], root)
			at = at[len(here):]
		}
		roots[id] = slices.Clip(roots[id])
	}
	tables := make(map[Node]table[sites], len(below))
	for root, named := range below {
		tables[root] = tableOf(named)
	}
	x.below, x.roots = tableFrom(tables), tableFrom(roots)
	return x
}

func sitesOf(nodes []Node) sites {
	at := sites{first: nodes[0]}
	if more := nodes[1:]; len(more) > 0 {
		at.more = &more
	}
	return at
}

func (at sites) count() int {
	switch {
	case at.first == 0:
		return 0
	case at.more == nil:
		return 1
	}
	return 1 + len(*at.more)
}

func (at sites) nth(i int) Node {
	if i == 0 {
		return at.first
	}
	return (*at.more)[i-1]
}

func (at sites) nodes() []Node {
	var list []Node
	for i := range at.count() {
		list = append(list, at.nth(i))
	}
	return list
}

func (at sites) with(n Node) sites {
	list := at.nodes()
	i, there := slices.BinarySearch(list, n)
	if there {
		return at
	}
	return sitesOf(slices.Insert(list, i, n))
}

func (at sites) without(n Node) (left sites, any bool) {
	list := slices.DeleteFunc(at.nodes(), func(o Node) bool { return o == n })
	if len(list) == 0 {
		return sites{}, false
	}
	return sitesOf(list), true
}
