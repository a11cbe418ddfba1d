package policy

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"
)

// table is a persistent map: set and del return a new table that shares all but
// the way to the changed key. Keys that are near each other lie near each other.
type table[V any] struct {
	root *branch[V]
	n    int
}

// branch has a slot for each set bit of the bitmap, in the order of the bits.
type branch[V any] struct {
	bitmap uint64
	slots  []slot[V]
}

// slot holds a value, or the slots of the keys that agree with it so far: then the
// key is their bitmap, so that a search finds the way on where it already reads.
type slot[V any] struct {
	val V // first: one of no size at the end would cost a word
	key uint64
	sub []slot[V]
}

func (s *slot[V]) branch() branch[V] { return branch[V]{s.key, s.sub} }

const tableBits = 6

// tableOf makes a table of all pairs at once, whose keys differ. It reorders them.
func tableOf[V any](pairs []slot[V]) table[V] {
	if len(pairs) == 0 {
		return table[V]{}
	}
	b := branchOf(pairs, 0)
	return table[V]{&b, len(pairs)}
}

func branchOf[V any](pairs []slot[V], depth int) branch[V] {
	digit := func(s *slot[V]) uint64 { return s.key >> (tableBits * depth) & (1<<tableBits - 1) }
	slices.SortFunc(pairs, func(a, b slot[V]) int { return cmp.Compare(digit(&a), digit(&b)) })
	b := branch[V]{}
	for from, to := 0, 0; from < len(pairs); from = to {
		d := digit(&pairs[from])
		for to < len(pairs) && digit(&pairs[to]) == d {
			to++
		}
		b.bitmap |= 1 << d
	}
	b.slots = make([]slot[V], 0, bits.OnesCount64(b.bitmap))
	for from, to := 0, 0; from < len(pairs); from = to {
		for d := digit(&pairs[from]); to < len(pairs) && digit(&pairs[to]) == d; {
			to++
		}
		if to-from == 1 {
			b.slots = append(b.slots, pairs[from])
		} else {
			sub := branchOf(pairs[from:to], depth+1)
			b.slots = append(b.slots, slot[V]{key: sub.bitmap, sub: sub.slots})
		}
	}
	return b
}

func (t table[V]) get(key uint64) (val V, ok bool) {
	if t.root == nil {
		return val, false
	}
	bitmap, slots := t.root.bitmap, t.root.slots
	for rest := key; ; rest >>= tableBits {
		bit := uint64(1) << (rest & (1<<tableBits - 1))
		if bitmap&bit == 0 {
			return val, false
		}
		s := &slots[bits.OnesCount64(bitmap&(bit-1))]
		if s.sub == nil {
			if s.key != key {
				return val, false
			}
			return s.val, true
		}
		bitmap, slots = s.key, s.sub
	}
}

func (t table[V]) set(key uint64, val V) table[V] {
	var b branch[V]
	if t.root != nil {
		b = *t.root
	}
	b, grown := b.with(key, key, 0, val)
	return table[V]{&b, t.n + grown}
}

func (b branch[V]) with(key, rest uint64, depth int, val V) (branch[V], int) {
	bit := uint64(1) << (rest & (1<<tableBits - 1))
	i := bits.OnesCount64(b.bitmap & (bit - 1))
	if b.bitmap&bit == 0 {
		slots := make([]slot[V], len(b.slots)+1)
		copy(slots, b.slots[:i])
		slots[i] = slot[V]{key: key, val: val}
		copy(slots[i+1:], b.slots[i:])
		return branch[V]{b.bitmap | bit, slots}, 1
	}
	slots := append([]slot[V](nil), b.slots...)
	grown := 0
	switch s := &slots[i]; {
	case s.sub != nil:
		var sub branch[V]
		sub, grown = s.branch().with(key, rest>>tableBits, depth+1, val)
		s.key, s.sub = sub.bitmap, sub.slots
	case s.key == key:
		s.val = val
	default:
		var sub branch[V]
		sub, _ = sub.with(s.key, s.key>>(tableBits*(depth+1)), depth+1, s.val)
		sub, grown = sub.with(key, rest>>tableBits, depth+1, val)
		*s = slot[V]{key: sub.bitmap, sub: sub.slots}
	}
	return branch[V]{b.bitmap, slots}, grown
}

func (t table[V]) del(key uint64) table[V] {
	if t.root == nil {
		return t
	}
	switch b, shrunk := t.root.without(key, key); {
	case shrunk == 0:
		return t
	case b.bitmap == 0:
		return table[V]{}
	default:
		return table[V]{&b, t.n - shrunk}
	}
}

func (b branch[V]) without(key, rest uint64) (branch[V], int) {
	bit := uint64(1) << (rest & (1<<tableBits - 1))
	if b.bitmap&bit == 0 {
		return b, 0
	}
	i := bits.OnesCount64(b.bitmap & (bit - 1))
	s := &b.slots[i]
	if s.sub != nil {
		sub, shrunk := s.branch().without(key, rest>>tableBits)
		if shrunk == 0 {
			return b, 0
		}
		if sub.bitmap != 0 {
			slots := append([]slot[V](nil), b.slots...)
			slots[i].key, slots[i].sub = sub.bitmap, sub.slots
			return branch[V]{b.bitmap, slots}, 1
		}
	} else if s.key != key {
		return b, 0
	}
	slots := append(append([]slot[V](nil), b.slots[:i]...), b.slots[i+1:]...)
	return branch[V]{b.bitmap &^ bit, slots}, 1
}

// all gives every pair in no promised order.
func (t table[V]) all() iter.Seq2[uint64, V] {
	return func(yield func(uint64, V) bool) {
		if t.root != nil {
			each(t.root.slots, yield)
		}
	}
}

func each[V any](slots []slot[V], yield func(uint64, V) bool) bool {
	for i := range slots {
		s := &slots[i]
		if s.sub != nil {
			if !each(s.sub, yield) {
				return false
			}
		} else if !yield(s.key, s.val) {
			return false
		}
	}
	return true
}

// differing gives every key whose slot the tables do not share, with its value
// in each, the zero value where it has none. What they share is passed over: the
// cost is that of the changes between two versions, not that of their size.
func (t table[V]) differing(o table[V], visit func(key uint64, old, now V)) {
	var a, b branch[V]
	if t.root != nil {
		a = *t.root
	}
	if o.root != nil {
		b = *o.root
	}
	a.differing(b, visit)
}

func (b branch[V]) differing(o branch[V], visit func(key uint64, old, now V)) {
	if len(b.slots) > 0 && len(o.slots) > 0 && &b.slots[0] == &o.slots[0] {
		return
	}
	for bits := b.bitmap | o.bitmap; bits != 0; bits &= bits - 1 {
		old, now := b.slot(bits&-bits), o.slot(bits&-bits)
		if old != nil && now != nil && old.sub != nil && now.sub != nil {
			old.branch().differing(now.branch(), visit)
			continue
		}
		var none V
		for key, val := range old.all() {
			other, _ := now.find(key)
			visit(key, val, other)
		}
		for key, val := range now.all() {
			if _, both := old.find(key); !both {
				visit(key, none, val)
			}
		}
	}
}

// slot is the one of that bit, or nil.
func (b branch[V]) slot(bit uint64) *slot[V] {
	if b.bitmap&bit == 0 {
		return nil
	}
	return &b.slots[bits.OnesCount64(b.bitmap&(bit-1))]
}

// all gives what the slot holds: nothing, one pair or those of a branch.
func (s *slot[V]) all() iter.Seq2[uint64, V] {
	return func(yield func(uint64, V) bool) {
		switch {
		case s == nil:
		case s.sub != nil:
			each(s.sub, yield)
		default:
			yield(s.key, s.val)
		}
	}
}

func (s *slot[V]) find(key uint64) (val V, ok bool) {
	for k, v := range s.all() {
		if k == key {
			return v, true
		}
	}
	return val, false
}
