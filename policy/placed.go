package policy

import (
	"iter"
	"slices"
)

// PlacedMarks gives every mark with its place, also in the trash: what Load makes
// the same lists of. The order is none that is promised.
func (s *State) PlacedMarks() iter.Seq[PlacedMark] {
	return func(yield func(PlacedMark) bool) {
		for _, sp := range s.spaces.all() {
			root := PlacedMark{At: Place{sp.ID, []Node{sp.Root}}}
			if !s.placed(root, yield) {
				return
			}
		}
	}
}

// placed gives the marks at the place of at and below it.
func (s *State) placed(at PlacedMark, yield func(PlacedMark) bool) bool {
	n := at.At.Path[len(at.At.Path)-1]
	w, _ := s.ways.get(uint64(n))
	if w == nil {
		return true
	}
	if w.mark != nil {
		at.Mark = *w.mark
		if !yield(at) {
			return false
		}
	}
	for kid := range w.kids.all() {
		if !s.placed(PlacedMark{At: at.At.with(Node(kid)), Parked: at.Parked}, yield) {
			return false
		}
	}
	for kid := range w.parked.all() {
		parked := append(slices.Clip(at.Parked), Node(kid))
		if !s.placed(PlacedMark{At: at.At.with(Node(kid)), Parked: parked}, yield) {
			return false
		}
	}
	return true
}

// with is the place of a member of this one.
func (p Place) with(kid Node) Place {
	return Place{p.Space, append(slices.Clip(p.Path), kid)}
}
