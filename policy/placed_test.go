package policy_test

import (
	"cmp"
	"reflect"
	"slices"
	"testing"

	"davit/policy"
)

// TestPlacedMarks: what a state tells of its marks is what Load gets of the same
// lists, those in the trash too.
func TestPlacedMarks(t *testing.T) {
	parked := 0
	property(t, func(t *testing.T, w *twin) {
		for range 10 {
			w.edit()
		}
		want, got := w.records().Marks, slices.Collect(w.state.PlacedMarks())
		for _, marks := range [][]policy.PlacedMark{want, got} {
			slices.SortFunc(marks, func(a, b policy.PlacedMark) int { return cmp.Compare(a.Mark.Node, b.Mark.Node) })
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d marks %+v\nwant %d %+v", len(got), got, len(want), want)
		}
		for _, m := range got {
			parked += len(m.Parked)
		}
		for range w.state.PlacedMarks() {
			break // whoever has seen enough stops
		}
	})
	if parked == 0 {
		t.Error("nothing was ever in the trash")
	}
}
