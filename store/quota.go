package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"davit/policy"
	"davit/store/engine"
)

// ErrQuota is wrapped by every QuotaError.
var ErrQuota = errors.New("over quota")

// A QuotaError says which limit stands in the way, and how full it is.
type QuotaError struct {
	Node  policy.Node
	Usage policy.Usage
	Need  int64 // bytes that were asked for
	// ID of the decision, once it has left the session.
	ID string
}

func (q *QuotaError) Error() string {
	return fmt.Sprintf("%d bytes do not fit: limit %s, used %d (of these %d in the trash and %d in versions), reserved %d: %v",
		q.Need, q.Usage.Limit, q.Usage.Used(), q.Usage.Trash, q.Usage.Versions, q.Usage.Reserved, ErrQuota)
}

func (q *QuotaError) Unwrap() error { return ErrQuota }

// charge changes the sums of every collection on the way; finish writes them.
func (tx *Tx) charge(way []policy.Node, d sum) {
	if d == (sum{}) {
		return
	}
	if tx.charges == nil {
		tx.charges = map[policy.Node]sum{}
	}
	for _, n := range way {
		tx.charges[n] = tx.charges[n].plus(d)
	}
}

// writeCharges adds the gathered charges to the sums of their collections.
func (tx *Tx) writeCharges() error {
	for n, d := range tx.charges {
		s, err := tx.sumOf(n)
		if err != nil {
			return err
		}
		if err := tx.w.Put(sumKey(n), appendSum(nil, s.plus(d))); err != nil {
			return err
		}
	}
	return nil
}

// ledger holds in memory what is used and reserved at every node that a limit
// may stand on: the roots of spaces and limited folders. A reservation and a
// commit meet under its lock, so that used plus reserved never passes a limit.
type ledger struct {
	sync.Mutex
	accounts map[policy.Node]*account
}

type account struct {
	sum
	reserved int64
}

func (l *ledger) load(r engine.Reader, state *policy.State) error {
	for _, sp := range state.Spaces() {
		for _, n := range append(limitedBelow(state, sp.Root), sp.Root) {
			s, err := (&Tx{r: r}).sumOf(n)
			if err != nil {
				return err
			}
			l.accounts[n] = &account{sum: s}
		}
	}
	return nil
}

// limitedBelow are the nodes that a limit stands on, also in the trash: what comes
// back from there brings its own.
func limitedBelow(state *policy.State, root policy.Node) []policy.Node {
	return slices.DeleteFunc(state.MarkedWithTrash(root), func(n policy.Node) bool { return state.Mark(n).Quota == nil })
}

// settle joins a transaction that was applied: its charges count and its holds
// are over, in one step.
func (l *ledger) settle(adopted map[policy.Node]sum, charges map[policy.Node]sum, holds []*hold) {
	l.Lock()
	defer l.Unlock()
	for n, d := range charges {
		if a := l.accounts[n]; a != nil {
			a.sum = a.sum.plus(d)
		}
	}
	for n, s := range adopted {
		if l.accounts[n] == nil {
			l.accounts[n] = &account{sum: s}
		}
	}
	for _, h := range holds {
		h.end()
	}
}

// forget drops the accounts of collections that are no more.
func (l *ledger) forget(gone []policy.Node) {
	if len(gone) == 0 {
		return
	}
	l.Lock()
	defer l.Unlock()
	for _, n := range gone {
		delete(l.accounts, n)
	}
}

// usage is the state of one limit.
func (l *ledger) usage(q policy.QuotaNode) policy.Usage {
	u := policy.Usage{Limit: q.Limit}
	if a := l.accounts[q.Node]; a != nil {
		u.Live, u.Versions, u.Trash, u.Reserved = a.live, a.versions, a.trash, a.reserved
	}
	return u
}

// A hold is a reservation in every limit on one way. It is grown before bytes
// are taken in, and ends with the commit or with release.
type hold struct {
	ledger *ledger
	limits []policy.QuotaNode
	bytes  int64
	ended  bool
}

// hold begins a reservation of no bytes.
func (l *ledger) hold(limits []policy.QuotaNode) *hold {
	return &hold{ledger: l, limits: limits}
}

// grow reserves up to a total of bytes: everywhere on the way or nowhere. The
// limits may be newer than those that the hold began with.
func (h *hold) grow(limits []policy.QuotaNode, total int64) error {
	l := h.ledger
	l.Lock()
	defer l.Unlock()
	held := h.bytes
	h.set(0)
	for _, q := range limits {
		if u := l.usage(q); !u.Fits(total) {
			h.set(held)
			return &QuotaError{Node: q.Node, Usage: u, Need: total}
		}
	}
	h.limits = limits
	h.set(max(total, 0))
	return nil
}

// set changes what is reserved; the ledger is locked.
func (h *hold) set(bytes int64) {
	for _, q := range h.limits {
		if a := h.ledger.accounts[q.Node]; a != nil {
			a.reserved += bytes - h.bytes
		}
	}
	h.bytes = bytes
}

// end gives the reservation back; the ledger is locked.
func (h *hold) end() {
	if !h.ended {
		h.set(0)
		h.ended = true
	}
}

// release gives back what no commit has settled.
func (h *hold) release() {
	h.ledger.Lock()
	defer h.ledger.Unlock()
	h.end()
}

// Quota is what a collection's properties tell, from the ledger that enforces.
type Quota struct {
	Used      int64 // bytes charged to the tightest limit
	Available int64 // bytes that may still be written
}

// quotaAt is the tightest limit on the way; without one the disk is the limit.
func (tx *Tx) quotaAt(at policy.Place) Quota {
	l := &tx.st.ledger
	l.Lock()
	defer l.Unlock()
	root := l.usage(policy.QuotaNode{Node: at.Path[0], Limit: policy.NoLimit})
	q := Quota{Used: root.Used(), Available: tx.st.diskFree()}
	for _, n := range tx.state.AppendLimits(nil, at) {
		if u := l.usage(n); u.Available() <= q.Available {
			q = Quota{Used: u.Used(), Available: u.Available()}
		}
	}
	return q
}

// diskFree is how much the disk still takes in beyond what is kept free.
func (st *Store) diskFree() int64 {
	free, err := st.files.Free()
	if err != nil {
		st.log.Warn("cannot tell the free space of the disk", "error", err)
		return 0
	}
	return max(0, int64(free)-st.freeMin)
}
