package engine

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
)

// An overlay is the Writer of one closure: its changes lie in memory over a
// batch that other closures share, and reach it only through apply.
type overlay struct {
	batch    reader
	changes  map[string]*change
	order    []*change // the first of them, tidy many, in the order of keys
	tidy     int
	size     int // bytes of keys and values to be applied
	memory   slab
	onApply  []func()
	onCommit []func()
}

// A change is the last thing said about a key. sealed is nil for a deletion and
// is replaced, never overwritten: earlier answers point into it.
type change struct {
	key, sealed []byte
}

func newOverlay(b Batch) *overlay {
	return &overlay{batch: reader{sealed: b}, changes: map[string]*change{}}
}

func (o *overlay) Get(key []byte) ([]byte, error) {
	c := o.changes[string(key)]
	if c == nil || o.batch.ended {
		return o.batch.Get(key)
	}
	if c.sealed == nil {
		return nil, nil
	}
	return payload(c.sealed), nil
}

func (o *overlay) Scan(lo, hi []byte, fn func(key, value []byte) bool) error {
	own := o.between(lo, hi)
	if len(own) == 0 {
		return o.batch.Scan(lo, hi, fn)
	}
	going := true
	// emit shows the first of our own changes, unless it is a deletion.
	emit := func() {
		c := own[0]
		own = own[1:]
		if c.sealed != nil {
			going = fn(c.key, payload(c.sealed))
		}
	}
	err := o.batch.Scan(lo, hi, func(key, value []byte) bool {
		for going && len(own) > 0 && bytes.Compare(own[0].key, key) < 0 {
			emit()
		}
		switch {
		case !going:
		case len(own) > 0 && bytes.Equal(own[0].key, key):
			emit()
		default:
			going = fn(key, value)
		}
		return going
	})
	for err == nil && going && len(own) > 0 {
		emit()
	}
	return err
}

// between copies the changes in a range, so that fn may change more of them.
func (o *overlay) between(lo, hi []byte) []change {
	o.sort()
	from := sort.Search(len(o.order), func(i int) bool { return bytes.Compare(o.order[i].key, lo) >= 0 })
	var own []change
	for _, c := range o.order[from:] {
		if bytes.Compare(c.key, hi) >= 0 {
			break
		}
		own = append(own, *c)
	}
	return own
}

// sort puts the newest changes among those that are in order: a closure that looks
// after every change it makes would else sort all of them each time.
func (o *overlay) sort() {
	newest := slices.Clone(o.order[o.tidy:])
	slices.SortFunc(newest, func(a, b *change) int { return bytes.Compare(a.key, b.key) })
	i, j := o.tidy-1, len(newest)-1
	for to := len(o.order) - 1; j >= 0; to-- {
		if i >= 0 && bytes.Compare(o.order[i].key, newest[j].key) > 0 {
			o.order[to] = o.order[i]
			i--
		} else {
			o.order[to] = newest[j]
			j--
		}
	}
	o.tidy = len(o.order)
}

func (o *overlay) Put(key, value []byte) error {
	if len(value) > ValueSizeMax {
		return fmt.Errorf("value of %d bytes for %s: store more than %d as a blob", len(value), keyName(key), ValueSizeMax)
	}
	return o.set(key, seal(o.memory.take(len(value)+sealOverhead), key, value))
}

func (o *overlay) Delete(key []byte) error { return o.set(key, nil) }

func (o *overlay) set(key, sealed []byte) error {
	if o.batch.ended {
		return errEnded
	}
	if err := checkKey(key); err != nil {
		return err
	}
	c := o.changes[string(key)]
	if c == nil {
		c = &change{key: append(o.memory.take(len(key)), key...)}
		o.changes[string(key)] = c
		o.order = append(o.order, c)
		o.size += len(key)
	}
	o.size += len(sealed) - len(c.sealed)
	c.sealed = sealed
	return nil
}

func (o *overlay) OnApply(f func()) { o.onApply = append(o.onApply, f) }

func (o *overlay) OnCommit(f func()) { o.onCommit = append(o.onCommit, f) }

// A slab gives out small pieces of larger ones: the keys and values of one
// closure are many and die together.
type slab []byte

// slabSize is what a slab asks for once a closure has shown that it makes more
// than a few changes, in bytes.
const slabSize = 16 << 10

// take is an empty slice with room for n bytes and not one more.
func (s *slab) take(n int) []byte {
	if n > cap(*s)-len(*s) {
		*s = make([]byte, 0, max(n, min(slabSize, max(512, 4*cap(*s)))))
	}
	from := len(*s)
	*s = (*s)[:from+n]
	return (*s)[from : from : from+n]
}

// apply moves the changes into the batch, in the order of keys, which is the
// order a tree likes best.
func (o *overlay) apply(b Batch) error {
	o.sort()
	for _, c := range o.order {
		var err error
		if c.sealed == nil {
			err = b.Delete(c.key)
		} else {
			err = b.Put(c.key, c.sealed)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", keyName(c.key), err)
		}
	}
	return nil
}
