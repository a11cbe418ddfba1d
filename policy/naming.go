package policy

import (
	"cmp"
	"slices"
)

// naming tells where principals are named, by an entry or a share. What names one
// in a space is found with one look: that is asked of each of a subject's
// principals, in every search for what it sees below. It is persistent.
type naming struct {
	below table[table[mentions]] // by root, then by principal
	roots table[[]Node]          // by principal: those below which it is named, ascending
}

// A mention is a node that names a principal, and whether that alone shows it: an
// entry there allows see in every context.
type mention uint64

func mentionOf(n Node, shows bool) mention {
	if shows {
		return mention(n)<<1 | 1
	}
	return mention(n) << 1
}

func (at mention) node() Node  { return Node(at >> 1) }
func (at mention) shows() bool { return at&1 != 0 }

// shows tells whether an entry shows its node to the principal in every context,
// where no wall stands on the way.
func (e *Entry) shows() bool { return e.Allow&See != 0 && !e.conditional() }

// mentions are those of one principal in one space, ascending by node: as a rule
// there is one, which stands in the table itself.
type mentions struct {
	first mention
	more  *[]mention
}

// in is what is named in the space of a root, by principal.
func (x naming) in(root Node) table[mentions] {
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
		dst = append(dst, spot{root, here.nth(i).node()})
	}
	return dst
}

// with has a principal named at a place, which shows it if this or another line
// there does.
func (x naming) with(id ID, s spot, shows bool) naming {
	here := x.in(s.root)
	old, named := here.get(uint64(id))
	if !named {
		roots, _ := x.roots.get(uint64(id))
		i, _ := slices.BinarySearch(roots, s.root)
		x.roots = x.roots.set(uint64(id), slices.Insert(slices.Clone(roots), i, s.root))
	}
	x.below = x.below.set(uint64(s.root), here.set(uint64(id), old.with(mentionOf(s.node, shows))))
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

// placedMention is a mention below a root.
type placedMention struct {
	root Node
	mention
}

// namingOf makes it of all mentions at once, which it reorders.
func namingOf(of map[ID][]placedMention) naming {
	x := naming{}
	below := map[Node][]slot[mentions]{}
	roots := make(map[ID][]Node, len(of))
	for id, all := range of {
		slices.SortFunc(all, func(a, b placedMention) int {
			return cmp.Or(cmp.Compare(a.root, b.root), cmp.Compare(a.mention, b.mention))
		})
		for len(all) > 0 {
			root, list := all[0].root, make([]mention, 0, 1)
			for ; len(all) > 0 && all[0].root == root; all = all[1:] {
				if last := len(list) - 1; last >= 0 && list[last].node() == all[0].node() {
					list[last] |= all[0].mention
				} else {
					list = append(list, all[0].mention)
				}
			}
			below[root] = append(below[root], slot[mentions]{key: uint64(id), val: mentionsOf(list)})
			roots[id] = append(roots[id], root)
		}
		roots[id] = slices.Clip(roots[id])
	}
	tables := make(map[Node]table[mentions], len(below))
	for root, named := range below {
		tables[root] = tableOf(named)
	}
	x.below, x.roots = tableFrom(tables), tableFrom(roots)
	return x
}

func mentionsOf(list []mention) mentions {
	at := mentions{first: list[0]}
	if more := list[1:]; len(more) > 0 {
		at.more = &more
	}
	return at
}

func (at mentions) count() int {
	switch {
	case at.first == 0:
		return 0
	case at.more == nil:
		return 1
	}
	return 1 + len(*at.more)
}

func (at mentions) nth(i int) mention {
	if i == 0 {
		return at.first
	}
	return (*at.more)[i-1]
}

func (at mentions) list() []mention {
	var list []mention
	for i := range at.count() {
		list = append(list, at.nth(i))
	}
	return list
}

func (at mentions) find(n Node) (list []mention, i int, there bool) {
	list = at.list()
	i, there = slices.BinarySearchFunc(list, n, func(m mention, n Node) int { return cmp.Compare(m.node(), n) })
	return list, i, there
}

func (at mentions) with(m mention) mentions {
	list, i, there := at.find(m.node())
	if !there {
		list = slices.Insert(list, i, m)
	}
	list[i] |= m
	return mentionsOf(list)
}

func (at mentions) without(n Node) (left mentions, any bool) {
	list, i, there := at.find(n)
	if there {
		list = slices.Delete(list, i, i+1)
	}
	if len(list) == 0 {
		return mentions{}, false
	}
	return mentionsOf(list), true
}
