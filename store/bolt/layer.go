package bolt

import (
	"bytes"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"sync/atomic"
)

// A layer holds the newest changes, in the order of keys, over what bbolt holds: it is
// a skip list that one goroutine adds to while others read. Nothing is taken out: each
// commit adds nodes of its own number, and a reader passes over those that are newer
// than what it looks at.
type layer struct {
	head node
	size int64 // in memory, about
	gone int   // nodes of deleted keys, which a walk goes through in vain

	// Most keys that are looked for are not here, which a bit of their hash tells.
	seed   maphash.Seed
	filter [filterBits / 64]atomic.Uint64
	tables [256]atomic.Bool // with a node
}

const (
	filterBits = 1 << 18 // 32 KiB; some 10,000 nodes before a layer goes
	heightMax  = 12      // each level has a quarter of the nodes
	nodeSize   = 96      // of memory, about
)

// A node is what one commit made of a key.
type node struct {
	key    []byte
	commit uint64
	sealed []byte // nil if the key was deleted
	next   []atomic.Pointer[node]
}

func newLayer() *layer {
	return &layer{head: node{next: make([]atomic.Pointer[node], heightMax)}, seed: maphash.MakeSeed()}
}

// before orders nodes by key, and those of a key the newest first.
func (n *node) before(key []byte, commit uint64) bool {
	if c := bytes.Compare(n.key, key); c != 0 {
		return c < 0
	}
	return n.commit > commit
}

// seek is the first node that is not before that of the key and commit, nil for none.
func (l *layer) seek(key []byte, commit uint64) *node {
	at := &l.head
	for level := heightMax - 1; level >= 0; level-- {
		for next := at.next[level].Load(); next != nil && next.before(key, commit); next = at.next[level].Load() {
			at = next
		}
	}
	return at.next[0].Load()
}

// get is the node of a key as of a commit, nil if there is none.
func (l *layer) get(key []byte, commit uint64) *node {
	if !l.tables[key[0]].Load() {
		return nil
	}
	bit := l.bit(key)
	if l.filter[bit/64].Load()&(1<<(bit%64)) == 0 {
		return nil
	}
	if n := l.seek(key, commit); n != nil && bytes.Equal(n.key, key) {
		return n
	}
	return nil
}

func (l *layer) bit(key []byte) uint64 { return maphash.Bytes(l.seed, key) % filterBits }

// add makes a node. Key and value are kept as they are.
func (l *layer) add(key, sealed []byte, commit uint64) {
	var above [heightMax]*node
	at := &l.head
	for level := heightMax - 1; level >= 0; level-- {
		for next := at.next[level].Load(); next != nil && next.before(key, commit); next = at.next[level].Load() {
			at = next
		}
		above[level] = at
	}
	l.size += int64(len(key) + len(sealed) + nodeSize)
	if sealed == nil {
		l.gone++
	}
	if same := at.next[0].Load(); same != nil && same.commit == commit && bytes.Equal(same.key, key) {
		same.sealed = sealed // nobody reads what is not committed
		return
	}
	height := 1
	for r := rand.Uint32(); height < heightMax && r&3 == 0; r >>= 2 {
		height++
	}
	n := &node{key: key, commit: commit, sealed: sealed, next: make([]atomic.Pointer[node], height)}
	for level := range height {
		n.next[level].Store(above[level].next[level].Load())
	}
	// Whoever finds the node has to find its bits.
	bit := l.bit(key)
	l.filter[bit/64].Or(1 << (bit % 64))
	l.tables[key[0]].Store(true)
	for level := range height {
		above[level].next[level].Store(n)
	}
}

// A walk goes through the nodes of a range as of a commit, one for each key.
type walk struct {
	layer  *layer
	at     *node
	commit uint64
	hi     []byte
}

// walk starts at lo. Its end is before hi.
func (l *layer) walk(lo, hi []byte, commit uint64) walk {
	if !l.tables[lo[0]].Load() {
		return walk{}
	}
	w := walk{layer: l, at: l.seek(lo, commit), commit: commit, hi: hi}
	w.settle()
	return w
}

// all walks through everything.
func (l *layer) all() walk {
	return walk{layer: l, at: l.head.next[0].Load(), commit: math.MaxUint64}
}

// settle passes over what is newer than the walk may show, and ends it behind hi.
func (w *walk) settle() {
	for w.at != nil && w.at.commit > w.commit {
		w.at = w.at.next[0].Load()
	}
	if w.at != nil && w.hi != nil && bytes.Compare(w.at.key, w.hi) >= 0 {
		w.at = nil
	}
}

// next goes on to the next key. A key may have been written a thousand times, and more
// than a few nodes of one are not looked at.
func (w *walk) next() {
	key := w.at.key
	for range 8 {
		if w.at = w.at.next[0].Load(); w.at == nil || !bytes.Equal(w.at.key, key) {
			break
		}
	}
	if w.at != nil && bytes.Equal(w.at.key, key) {
		w.at = w.layer.seek(key, 0)
	}
	w.settle()
}
