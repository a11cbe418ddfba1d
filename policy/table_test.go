package policy

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTable compares the persistent map with a Go map; what an older version
// held stays.
func TestTable(t *testing.T) {
	const rounds, steps = 20, 2000
	for seed := range uint64(rounds) {
		rng := rand.New(rand.NewPCG(seed, 0))
		key := keys(seed)
		var now table[int]
		want := map[uint64]int{}
		type version struct {
			table table[int]
			want  map[uint64]int
		}
		var old []version
		for i := range steps {
			k := key(rng)
			if rng.IntN(3) > 0 {
				now = now.set(k, i)
				want[k] = i
			} else {
				now = now.del(k)
				delete(want, k)
			}
			if i%250 == 0 {
				old = append(old, version{now, maps.Clone(want)})
			}
		}
		for k := range maps.Clone(want) {
			if rng.IntN(2) == 0 {
				now = now.del(k)
				delete(want, k)
			}
		}
		for _, v := range append(old, version{now, want}) {
			if got := maps.Collect(v.table.all()); !maps.Equal(got, v.want) || v.table.n != len(v.want) {
				t.Fatalf("seed %d: the table holds %d pairs and counts %d, want %d", seed, len(got), v.table.n, len(v.want))
			}
			for range 200 {
				k := key(rng)
				got, ok := v.table.get(k)
				if want, there := v.want[k]; ok != there || got != want {
					t.Fatalf("seed %d: get(%#x) = %d, %v, want %d, %v", seed, k, got, ok, want, there)
				}
			}
		}
	}
}

// keys gives keys that stand close together, that differ in the last bits only,
// or anything.
func keys(seed uint64) func(*rand.Rand) uint64 {
	switch seed % 3 {
	case 0:
		return func(rng *rand.Rand) uint64 { return rng.Uint64N(500) }
	case 1:
		return func(rng *rand.Rand) uint64 { return 42 | rng.Uint64N(400)<<55 }
	}
	return func(rng *rand.Rand) uint64 { return rng.Uint64() >> rng.UintN(64) }
}

// TestTableEmptied: what is all deleted is empty again, and stays usable.
func TestTableEmptied(t *testing.T) {
	var full table[string]
	for k := range uint64(1000) {
		full = full.set(k<<40, "x")
	}
	empty := full
	for k := range uint64(1000) {
		empty = empty.del(k << 40)
		if _, ok := empty.get(k << 40); ok {
			t.Fatalf("%d is still there", k)
		}
	}
	if empty.root != nil || empty.n != 0 || full.n != 1000 {
		t.Errorf("emptied: %d pairs, root %v; before: %d", empty.n, empty.root, full.n)
	}
	if v, ok := empty.del(7).set(7, "y").get(7); !ok || v != "y" {
		t.Errorf("an emptied table gives %q, %v", v, ok)
	}
}

// TestTableStops: a loop over all may break.
func TestTableStops(t *testing.T) {
	var full table[int]
	for k := range uint64(300) {
		full = full.set(k, 0)
	}
	n := 0
	for range full.all() {
		if n++; n == 5 {
			break
		}
	}
	if n != 5 {
		t.Errorf("%d pairs before the break", n)
	}
}

// TestTableDiffering compares versions of a table, near and far, also with one
// of another past.
func TestTableDiffering(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		key := keys(seed)
		var versions []table[int]
		var now table[int]
		for i := range 400 {
			if k := key(rng); rng.IntN(3) > 0 {
				now = now.set(k, rng.IntN(5))
			} else {
				now = now.del(k)
			}
			if i%40 == 0 {
				versions = append(versions, now)
			}
		}
		var remade table[int]
		for k, v := range now.all() {
			remade = remade.set(k, v)
		}
		versions = append(versions, now, remade, table[int]{})
		for _, a := range versions {
			for _, b := range versions {
				if got, want := differences(t, a, b), missed(a, b); !maps.Equal(got, want) {
					t.Fatalf("seed %d: %d differences, want %d", seed, len(got), len(want))
				}
			}
		}
		calls := 0
		now.differing(now.set(key(rng), 7), func(uint64, int, int) { calls++ })
		if calls > 64 {
			t.Errorf("seed %d: one change made %d calls", seed, calls)
		}
	}
}

// differences are the pairs of values that differ, by key.
func differences(t *testing.T, a, b table[int]) map[uint64][2]int {
	t.Helper()
	got := map[uint64][2]int{}
	seen := map[uint64]bool{}
	a.differing(b, func(key uint64, old, now int) {
		if seen[key] {
			t.Fatalf("key %#x told twice", key)
		}
		seen[key] = true
		if old != now {
			got[key] = [2]int{old, now}
		}
	})
	return got
}

// missed are the same, by looking at every key.
func missed(a, b table[int]) map[uint64][2]int {
	want := map[uint64][2]int{}
	for k, v := range a.all() {
		if w, _ := b.get(k); w != v {
			want[k] = [2]int{v, w}
		}
	}
	for k, w := range b.all() {
		if v, _ := a.get(k); w != v {
			want[k] = [2]int{v, w}
		}
	}
	return want
}

// TestTableOf: a table made at once is the one made pair by pair, and goes on
// from there.
func TestTableOf(t *testing.T) {
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 1))
		key := keys(seed)
		want := map[uint64]int{}
		for i := range rng.IntN(500) {
			want[key(rng)] = i
		}
		now := tableFrom(want)
		for i := range 200 {
			k := key(rng)
			if rng.IntN(2) == 0 {
				now = now.set(k, i)
				want[k] = i
			} else {
				now = now.del(k)
				delete(want, k)
			}
		}
		if got := maps.Collect(now.all()); !maps.Equal(got, want) || now.n != len(want) {
			t.Fatalf("seed %d: %d pairs, counted %d, want %d", seed, len(got), now.n, len(want))
		}
		for k, v := range want {
			if got, ok := now.get(k); !ok || got != v {
				t.Fatalf("seed %d: get(%#x) = %d, %v, want %d", seed, k, got, ok, v)
			}
		}
	}
}

// TestPlaces compares the sorted places with a set.
func TestPlaces(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 0))
	var p places
	want := map[spot]bool{}
	for range 2000 {
		s := spot{Node(rng.IntN(5)), Node(rng.IntN(40))}
		before := slices.Clone(p)
		old := p
		if rng.IntN(2) == 0 {
			p, want[s] = p.with(s), true
		} else {
			p = p.without(s)
			delete(want, s)
		}
		if !slices.Equal(old, before) {
			t.Fatal("an older version changed")
		}
		for root := range Node(6) {
			here := slices.Clone(p.within(root))
			for s := range want {
				if s.root == root && !slices.Contains(here, s) {
					t.Fatalf("%v is missing", s)
				}
			}
			if slices.ContainsFunc(here, func(s spot) bool { return s.root != root || !want[s] }) {
				t.Fatalf("%v holds too much for root %d", here, root)
			}
		}
	}
}
