package bolt

import "bytes"

// A view is the state after one commit: what bbolt holds, and the layers of what it
// does not hold yet, the newest first.
type view struct {
	*snapshot
	layers [2]*layer // nil where there is none, or nothing in it
	commit uint64
	epoch  uint64
}

// Get implements engine.Reader.
func (v *view) Get(key []byte) ([]byte, error) {
	for _, l := range v.layers {
		if l == nil {
			continue
		}
		if n := l.get(key, v.commit); n != nil {
			return n.sealed, nil
		}
	}
	return v.snapshot.Get(key)
}

// Scan implements engine.Reader.
func (v *view) Scan(lo, hi []byte, fn func(key, sealed []byte) bool) error {
	var walks [2]walk
	empty := true
	for i, l := range v.layers {
		if l != nil {
			walks[i] = l.walk(lo, hi, v.commit)
			empty = empty && walks[i].at == nil
		}
	}
	if empty {
		return v.snapshot.Scan(lo, hi, fn)
	}
	m := merge{walks: walks[:], fn: fn, going: true}
	err := v.snapshot.Scan(lo, hi, m.below)
	if err == nil {
		m.until(nil)
	}
	return err
}

// A merge shows what the layers say and what bbolt holds as one, in order.
type merge struct {
	walks []walk
	fn    func(key, sealed []byte) bool
	going bool
}

// below shows an entry of bbolt after what comes before it, unless a layer has it too.
func (m *merge) below(key, sealed []byte) bool {
	if hidden := m.until(key); m.going && !hidden {
		m.going = m.fn(key, sealed)
	}
	return m.going
}

// until shows what the layers have up to a key, or all if that is nil, and tells
// whether they have the key itself.
func (m *merge) until(key []byte) (has bool) {
	for m.going {
		n := m.first()
		if n == nil || key != nil && bytes.Compare(n.key, key) > 0 {
			break
		}
		has = key != nil && bytes.Equal(n.key, key)
		for i := range m.walks {
			if w := &m.walks[i]; w.at != nil && bytes.Equal(w.at.key, n.key) {
				w.next()
			}
		}
		if n.sealed != nil {
			m.going = m.fn(n.key, n.sealed)
		}
		if has {
			break
		}
	}
	return has
}

// first is the node with the lowest key, of the newest layer that has it.
func (m *merge) first() *node {
	var first *node
	for i := range m.walks {
		if n := m.walks[i].at; n != nil && (first == nil || bytes.Compare(n.key, first.key) < 0) {
			first = n
		}
	}
	return first
}
