package policy

import (
	"cmp"
	"slices"
)

// Reached is a place where a subject's rights begin to differ from those above
// it, and hold for everything below but the deeper places.
type Reached struct {
	Place
	Held Rights
	// Shell: only the way to something below may be seen.
	Shell bool
}

// Reach is everything that the subject can reach: the roots of spaces where it
// holds anything or sees a way down, and below them every place where it holds
// something else than in the collection above. Ordered by space, and from the
// top down.
func (s *State) Reach(sub Subject) []Reached {
	var all []Reached
	for _, sp := range s.spaces.all() {
		at := Place{Space: sp.ID, Path: []Node{sp.Root}}
		if d := s.Decide(sub, at, 0); d.Held != 0 || d.Visible {
			all = append(all, Reached{at, d.Held, d.Shell})
		}
	}
	seen := map[Node]bool{}
	for _, n := range s.differing(&sub, 0) {
		if seen[n] {
			continue
		}
		seen[n] = true
		at, ok := s.placeOf(n)
		if !ok || len(at.Path) == 1 {
			continue
		}
		above := Place{Space: at.Space, Path: at.Path[:len(at.Path)-1]}
		if s.Held(sub, at) != s.Held(sub, above) {
			d := s.Decide(sub, at, 0)
			all = append(all, Reached{at, d.Held, d.Shell})
		}
	}
	slices.SortStableFunc(all, func(a, b Reached) int {
		return cmp.Or(cmp.Compare(a.Space, b.Space), slices.Compare(a.Path, b.Path))
	})
	return all
}

// differing are the nodes where the subject's rights may differ from those
// above: what names one of its principals, or one of somebody who gave to it, and
// what is cut. Below one root, or everywhere for 0.
func (s *State) differing(sub *Subject, root Node) []Node {
	ids, _ := s.closures.get(uint64(sub.id()))
	at := s.cuts
	if root != 0 {
		at = at.within(root)
	}
	out := at.appendNodes(nil)
	for _, id := range s.withGivers(ids, root) {
		if root != 0 {
			at = s.named.appendIn(at[:0:0], root, id)
		} else {
			at = s.named.at(id)
		}
		out = at.appendNodes(out)
	}
	return out
}

// placeOf is the place of a marked node; false for one in the trash.
func (s *State) placeOf(n Node) (Place, bool) {
	path, listed := s.pathTo(n)
	sp := s.SpaceAt(path[0])
	if sp == nil || !listed {
		return Place{}, false
	}
	return Place{sp.ID, path}, s.OnWay(n)
}

// pathTo leads from the root to a node on the way to a mark, for any other it is
// the node alone; listed tells whether nothing on it lies in the trash.
func (s *State) pathTo(n Node) (path []Node, listed bool) {
	listed = true
	for {
		path = append(path, n)
		w, ok := s.ways.get(uint64(n))
		if !ok || w.parent == 0 {
			slices.Reverse(path)
			return path, listed
		}
		over, _ := s.ways.get(uint64(w.parent))
		listed = listed && over != nil && over.has(n)
		n = w.parent
	}
}

// LeadsOnlyTo tells whether a place that the subject sees as a shell leads to
// nothing but what is at one node right below it.
func (s *State) LeadsOnlyTo(sub Subject, at Place, only Node) bool {
	w, ok := s.ways.get(uint64(at.Path[len(at.Path)-1]))
	if !ok {
		return false
	}
	for kid := range w.kids.all() {
		below := Place{Space: at.Space, Path: append(slices.Clip(at.Path), Node(kid))}
		if Node(kid) != only && s.Decide(sub, below, 0).Visible {
			return false
		}
	}
	return true
}
