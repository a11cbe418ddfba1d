package store

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A retrospect is what a space was at an earlier time, so far as it is not what it
// is: it is read from the log, from the newest line back, and costs what happened
// since. It decides nothing.
//
// It does not tell what went to another space or came from one meanwhile, nor
// rights, properties and locks of that time: no log has them.
type retrospect struct {
	space *policy.Space
	at    time.Time
	now   uint64 // newest change of the space that it was read with
	// was is where each node stood that something happened to since; the zero slot:
	// nowhere in the space.
	was map[policy.Node]slot
	// stood are those of them that stood somewhere, by their names there.
	stood map[policy.Node]map[string]policy.Node
	names map[policy.Node][]string // of stood, in order
	// had are the contents of files that had another one, or may have had.
	had map[policy.Node]whence
	// came are nodes that came from another space: who knows what they were there.
	came map[policy.Node]bool

	again map[whence]whence // contents that came back, by what they had been
	pair  policy.Node       // second file of a swap, whose line comes next
}

// A whence says where to find the content that a file had: a node that has it
// now, for the revision 0, or had it under a revision. No node: the file was empty.
type whence struct {
	node policy.Node
	rev  uint64
}

// untold is the revision of a content of which the line does not tell: no version
// has it.
const untold = ^uint64(0)

// A HorizonError says that the log does not reach back to a moment.
type HorizonError struct {
	Earliest time.Time // that it does reach back to
}

func (e *HorizonError) Error() string {
	return fmt.Sprintf("the changes are known since %s", e.Earliest.UTC().Format(time.RFC3339Nano))
}

func (e *HorizonError) Unwrap() error { return ErrNotFound }

// Limits of looking back.
const (
	// lookBackMax is how many changes of a space are gone through.
	lookBackMax = 1_000_000
	// retrospectsMax and retrospectNodesMax are how many are remembered, and of how
	// many nodes they may tell together.
	retrospectsMax     = 8
	retrospectNodesMax = 250_000
)

// lookBack tells what a space was. A moment that it cannot reach is a
// *HorizonError.
func (tx *Tx) lookBack(space *policy.Space, at time.Time) (*retrospect, error) {
	v, err := tx.r.Get(seqKey(space.ID))
	if err != nil {
		return nil, err
	}
	newest, err := readUint64(v)
	if err != nil {
		return nil, err
	}
	if r := tx.st.retrospects.find(space.ID, at, newest); r != nil {
		return r, nil
	}
	r := &retrospect{space: space, at: at, now: newest, was: map[policy.Node]slot{}, stood: map[policy.Node]map[string]policy.Node{},
		names: map[policy.Node][]string{}, had: map[policy.Node]whence{}, came: map[policy.Node]bool{}, again: map[whence]whence{}}
	if err := r.read(tx); err != nil {
		return nil, err
	}
	r.index()
	tx.st.retrospects.keep(r)
	return r, nil
}

// read takes the lines of the log back, down to the newest of those that had been
// written at the moment.
func (r *retrospect) read(tx *Tx) error {
	floor, err := tx.floor(r.space.ID)
	if err != nil {
		return err
	}
	if earliest, err := tx.horizon(r.space, floor); err != nil || r.at.Before(earliest) {
		return orHorizon(err, earliest)
	}
	for seq := r.now; seq > floor; seq-- {
		v, err := tx.r.Get(changeKey(r.space.ID, seq))
		if err != nil {
			return err
		}
		if v == nil {
			return fmt.Errorf("change %d of space %d is missing: %w", seq, r.space.ID, engine.ErrDamaged)
		}
		c, err := decodeChange(v)
		switch {
		case err != nil:
			return err
		case c.at <= r.at.UnixNano():
			return nil
		case r.now-seq == lookBackMax:
			return &HorizonError{time.Unix(0, c.at)}
		}
		r.undo(&c)
	}
	return nil
}

func orHorizon(err error, earliest time.Time) error {
	if err == nil {
		err = &HorizonError{earliest}
	}
	return err
}

// horizon is the earliest moment that the log of a space tells of: when the space
// was made, or how long changes are kept where some were forgotten.
func (tx *Tx) horizon(space *policy.Space, floor uint64) (time.Time, error) {
	if floor > 0 {
		return tx.now.Add(-changesKept), nil
	}
	root, _, err := tx.lookup(0, rootName(space.Root))
	return root.Created, err
}

// undo takes one line back.
func (r *retrospect) undo(c *changeRec) {
	switch c.op {
	case Created:
		r.was[c.node] = slot{}
		if c.before.how == byRestore && c.before.trash == 0 { // it lay below something deleted
			r.was[c.node] = slot{c.before.parent, c.before.name}
		}
	case Arrived:
		r.was[c.node], r.came[c.node] = slot{}, true
	case Removed:
		r.was[c.node] = slot{c.parent, c.name}
	case Updated:
		r.undoContent(c)
	}
}

// whence is the content that a node has, as far as the lines are taken back.
func (r *retrospect) whence(n policy.Node) whence {
	if h, known := r.had[n]; known {
		return h
	}
	return whence{node: n}
}

func (r *retrospect) undoContent(c *changeRec) {
	n := c.node
	after := r.whence(n)
	if c.before.again != 0 {
		r.again[whence{n, c.before.again}] = after
	}
	switch c.before.how {
	case byPatch, byRewriting:
	case byFilling:
		r.had[n] = whence{}
	case bySwap:
		r.was[n] = slot{c.before.parent, c.before.name}
		other := c.before.with
		if r.pair == n { // its content went back with the other's
			r.pair = 0
			return
		}
		r.had[n], r.had[other], r.pair = r.whence(other), after, other
	default:
		h := whence{n, c.before.rev}
		if c.before.rev == 0 {
			h.rev = untold
		}
		if same, came := r.again[h]; came {
			h = same
		}
		r.had[n] = h
	}
}

// stays tells whether nothing happened to a node's place since.
func (r *retrospect) stays(n policy.Node) bool { _, moved := r.was[n]; return !moved }

// index finds what stood where by its name.
func (r *retrospect) index() {
	for n, at := range r.was {
		if at.dir == 0 {
			continue
		}
		if r.stood[at.dir] == nil {
			r.stood[at.dir] = map[string]policy.Node{}
		}
		r.stood[at.dir][at.name] = n
	}
	for dir, names := range r.stood {
		r.names[dir] = slices.Sorted(maps.Keys(names))
	}
	r.again = nil
}

// namesAfter are those at which something stood in a collection that does not stand
// there, or may not, after one, in order.
func (r *retrospect) namesAfter(dir policy.Node, after string) []string {
	names := r.names[dir]
	i, found := slices.BinarySearch(names, after)
	if found {
		i++
	}
	return names[i:]
}

// nodes are those that are not as they were, or may not be.
func (r *retrospect) nodes() []policy.Node {
	nodes := slices.AppendSeq(slices.Collect(maps.Keys(r.was)), maps.Keys(r.had))
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// retrospects remembers some: a client asks for many things of one moment.
type retrospects struct {
	sync.Mutex
	list []*retrospect // the last used at the end
}

// find gives what was read of a space with the newest change that it has.
func (rs *retrospects) find(space policy.ID, at time.Time, newest uint64) *retrospect {
	rs.Lock()
	defer rs.Unlock()
	i := slices.IndexFunc(rs.list, func(r *retrospect) bool { return r.space.ID == space && r.at.Equal(at) && r.now == newest })
	if i < 0 {
		return nil
	}
	r := rs.list[i]
	rs.list = append(slices.Delete(rs.list, i, i+1), r)
	return r
}

func (rs *retrospects) keep(r *retrospect) {
	rs.Lock()
	defer rs.Unlock()
	rs.list = slices.DeleteFunc(rs.list, func(old *retrospect) bool {
		return old.space.ID == r.space.ID && old.now < r.now // nobody finds it any more
	})
	rs.list = append(rs.list, r)
	nodes := 0
	for i := len(rs.list) - 1; i >= 0; i-- {
		if nodes += len(rs.list[i].was) + len(rs.list[i].had); nodes > retrospectNodesMax || len(rs.list)-i > retrospectsMax {
			rs.list = slices.Delete(rs.list, 0, i+1)
			return
		}
	}
}
