package bolt

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

// TestLayer compares a layer, as of each commit, with maps.
func TestLayer(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	l := newLayer()
	states := []map[string]string{{}} // by commit; "" for a key that was deleted
	for commit := uint64(1); commit <= 60; commit++ {
		state := maps.Clone(states[commit-1])
		for range r.IntN(20) {
			key := fmt.Sprintf("%c%d", 'a'+r.IntN(2), r.IntN(40))
			value := fmt.Sprint("value ", r.IntN(1000))
			if r.IntN(4) == 0 {
				l.add([]byte(key), nil, commit)
				value = ""
			} else {
				l.add([]byte(key), []byte(value), commit)
			}
			state[key] = value
		}
		states = append(states, state)
	}
	for commit, state := range states {
		for i := range 80 {
			key := fmt.Sprintf("%c%d", 'a'+i%2, i/2)
			value, there := state[key]
			n := l.get([]byte(key), uint64(commit))
			if (n != nil) != there || there && string(n.sealed) != value {
				t.Errorf("seed %d: %s as of commit %d is %v, want %q", seed, key, commit, n, value)
			}
		}
		lo, hi := fmt.Sprint("a", r.IntN(40)), fmt.Sprint("b", r.IntN(40))
		var want, got []string
		for _, key := range slices.Sorted(maps.Keys(state)) {
			if lo <= key && key < hi {
				want = append(want, key+"="+state[key])
			}
		}
		for w := l.walk([]byte(lo), []byte(hi), uint64(commit)); w.at != nil; w.next() {
			got = append(got, string(w.at.key)+"="+string(w.at.sealed))
		}
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: %s to %s as of commit %d is %q, want %q", seed, lo, hi, commit, got, want)
		}
	}
	if n := l.get([]byte("c"), 100); n != nil {
		t.Errorf("found %q, which is not there", n.key)
	}
}

// TestLayerBeside has readers of finished commits walk while others are added.
func TestLayerBeside(t *testing.T) {
	const commits, keys = 300, 20
	l := newLayer()
	var readers sync.WaitGroup
	for commit := uint64(1); commit <= commits; commit++ {
		for k := range keys {
			l.add(fmt.Appendf(nil, "k%02d", k), fmt.Appendf(nil, "%d", commit), commit)
		}
		if commit%30 > 0 {
			continue
		}
		readers.Go(func() {
			for range 20 {
				found := 0
				for w := l.walk([]byte("k"), []byte("l"), commit); w.at != nil; w.next() {
					found++
					if want := fmt.Appendf(nil, "%d", commit); !bytes.Equal(w.at.sealed, want) {
						t.Errorf("%s is of commit %s, want %d", w.at.key, w.at.sealed, commit)
					}
				}
				if n := l.get([]byte("k07"), commit); found != keys || n == nil || n.commit != commit {
					t.Errorf("%d keys as of commit %d, k07 is %v", found, commit, n)
				}
			}
		})
	}
	readers.Wait()
}
