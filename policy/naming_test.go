package policy

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNaming holds what edits leave against what is made at once, and both against
// a plain set.
func TestNaming(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	type line struct {
		id ID
		at spot
	}
	set := map[line]bool{} // whether it shows
	var x naming
	for range 5000 {
		l := line{ID(1 + rng.IntN(200)), spot{Node(1 + rng.IntN(5)), Node(100 + rng.IntN(20))}}
		if shows := rng.IntN(2) == 0; rng.IntN(2) == 0 {
			x, set[l] = x.with(l.id, l.at, shows), set[l] || shows
		} else {
			x = x.without(l.id, l.at)
			delete(set, l)
		}
	}
	want, of := map[ID]places{}, map[ID][]placedMention{}
	for _, l := range slices.SortedFunc(maps.Keys(set), func(a, b line) int { return cmp.Or(cmp.Compare(a.id, b.id), compareSpots(a.at, b.at)) }) {
		want[l.id] = append(want[l.id], l.at)
		of[l.id] = append(of[l.id], placedMention{l.at.root, mentionOf(l.at.node, set[l])}, placedMention{l.at.root, mentionOf(l.at.node, false)})
	}
	for what, x := range map[string]naming{"edited": x, "made at once": namingOf(of)} {
		for id := ID(1); id <= 200; id++ {
			if got := x.at(id); !slices.Equal(got, want[id]) {
				t.Errorf("%s: %d is named at %v, want %v", what, id, got, want[id])
			}
			for root := Node(1); root <= 5; root++ {
				if got, want := x.appendIn(nil, root, id), want[id].within(root); !slices.Equal(got, want) {
					t.Errorf("%s: %d is named below %d at %v, want %v", what, id, root, got, want)
				}
				here, _ := x.in(root).get(uint64(id))
				for _, m := range here.list() {
					if got, want := m.shows(), set[line{id, spot{root, m.node()}}]; got != want {
						t.Errorf("%s: whether %d below %d shows itself to %d: %v, want %v", what, m.node(), root, id, got, want)
					}
				}
			}
		}
	}
	for l := range set {
		x = x.without(l.id, l.at)
	}
	if x.roots.n+x.below.n > 0 {
		t.Errorf("of nothing there are %d principals and %d roots left", x.roots.n, x.below.n)
	}
}
