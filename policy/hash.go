package policy

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
)

// Hash stands for everything that the state holds, and for nothing of how it
// came to be: two states of the same records have the same hash, whatever the
// order and the number of the changes that made them.
func (s *State) Hash() [32]byte {
	m := s.Model()
	m.Epoch = 0
	h := sha256.New()
	// Records are of strings, numbers and sets with a text: they do encode.
	if err := json.NewEncoder(h).Encode(m); err != nil {
		panic(err)
	}
	return [32]byte(h.Sum(nil))
}

// Model is every record of the state, in the order of IDs; Load makes the state
// of it again.
func (s *State) Model() Model {
	set := s.Settings()
	m := Model{
		Epoch: s.Epoch, Settings: &set,
		Users: records(s.users), Groups: records(s.groups), Profiles: records(s.profiles), Spaces: records(s.spaces),
	}
	for _, n := range ascending(s.ways) {
		if mark := s.Mark(Node(n)); mark != nil {
			m.Marks = append(m.Marks, s.placed(mark))
		}
	}
	return m
}

func ascending[V any](t table[V]) []uint64 {
	keys := make([]uint64, 0, t.n)
	for k := range t.all() {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func records[V any](t table[*V]) []V {
	list := make([]V, 0, t.n)
	for _, k := range ascending(t) {
		rec, _ := t.get(k)
		list = append(list, *rec)
	}
	return list
}

// placed is the mark with the way to it.
func (s *State) placed(mark *Mark) PlacedMark {
	pm := PlacedMark{Mark: *mark}
	for n := mark.Node; n != 0; {
		pm.At.Path = append(pm.At.Path, n)
		w, _ := s.ways.get(uint64(n))
		if up, _ := s.ways.get(uint64(w.parent)); up != nil {
			if _, parked := up.parked.get(uint64(n)); parked {
				pm.Parked = append(pm.Parked, n)
			}
		}
		n = w.parent
	}
	slices.Reverse(pm.At.Path)
	slices.Reverse(pm.Parked)
	pm.At.Space, _ = s.roots.get(uint64(pm.At.Path[0]))
	return pm
}
