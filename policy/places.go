package policy

import (
	"cmp"
	"slices"
)

// places are nodes, those of one space beside each other: a persistent set whose
// change costs a copy of it. Shares of one principal and cuts are few.
type places []spot

type spot struct{ root, node Node }

func compareSpots(a, b spot) int {
	return cmp.Or(cmp.Compare(a.root, b.root), cmp.Compare(a.node, b.node))
}

// within are the places below one root.
func (p places) within(root Node) places {
	p = p[p.before(root):]
	few := 1 // as a rule, and what lies beyond them is far away in memory
	for few < len(p) && p[few].root == root {
		few *= 2
	}
	p = p[:min(few, len(p))]
	return p[:p.before(root+1)]
}

// before is how many of the places stand below a root of a lower number.
func (p places) before(root Node) int {
	from, to := 0, len(p)
	for from < to {
		if mid := (from + to) / 2; p[mid].root < root {
			from = mid + 1
		} else {
			to = mid
		}
	}
	return from
}

func (p places) with(s spot) places {
	i, there := slices.BinarySearchFunc(p, s, compareSpots)
	if there {
		return p
	}
	out := make(places, len(p)+1)
	copy(out, p[:i])
	out[i] = s
	copy(out[i+1:], p[i:])
	return out
}

func (p places) without(s spot) places {
	i, there := slices.BinarySearchFunc(p, s, compareSpots)
	if !there {
		return p
	}
	return slices.Concat(p[:i], p[i+1:])
}

// sorted puts places that were gathered in any order into theirs.
func (p places) sorted() places {
	slices.SortFunc(p, compareSpots)
	return slices.Clip(slices.Compact(p))
}

func withSpot(index table[places], id ID, s spot) table[places] {
	at, _ := index.get(uint64(id))
	return index.set(uint64(id), at.with(s))
}

func withoutSpot(index table[places], id ID, s spot) table[places] {
	at, ok := index.get(uint64(id))
	if !ok {
		return index
	}
	if at = at.without(s); len(at) == 0 {
		return index.del(uint64(id))
	}
	return index.set(uint64(id), at)
}

func (p places) appendNodes(dst []Node) []Node {
	for _, s := range p {
		dst = append(dst, s.node)
	}
	return dst
}
