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
	for _, sp := range s.Spaces() {
		at := Place{Space: sp.ID, Path: []Node{sp.Root}}
		if d := s.Decide(sub, at, 0); d.Held != 0 || d.Visible {
			all = append(all, Reached{at, d.Held, d.Shell})
		}
	}
	seen := map[Node]bool{}
	for _, n := range s.differing(&sub) {
		at, ok := s.placeOf(n)
		if !ok || seen[n] || len(at.Path) == 1 {
			continue
		}
		seen[n] = true
		d := s.Decide(sub, at, 0)
		above := Place{Space: at.Space, Path: at.Path[:len(at.Path)-1]}
		if d.Held != s.Held(sub, above) {
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
// what is cut.
func (s *State) differing(sub *Subject) []Node {
	ids, _ := s.closures.get(uint64(sub.id()))
	var out []Node
	for _, id := range s.withGivers(ids, 0) {
		at, _ := s.named.get(uint64(id))
		out = at.appendNodes(out)
	}
	return s.cuts.appendNodes(out)
}

// placeOf is the place of a marked node; false for one in the trash.
func (s *State) placeOf(n Node) (Place, bool) {
	var at Place
	for up := n; up != 0; {
		w, ok := s.ways.get(uint64(up))
		if !ok {
			return at, false
		}
		if w.parent != 0 {
			if over, _ := s.ways.get(uint64(w.parent)); over == nil || !over.has(up) {
				return at, false
			}
		}
		at.Path = append(at.Path, up)
		up = w.parent
	}
	slices.Reverse(at.Path)
	sp := s.SpaceAt(at.Path[0])
	if sp == nil {
		return at, false
	}
	at.Space = sp.ID
	return at, true
}
