package store

import (
	"fmt"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A Tx is one transaction over the tree with the policy that it is decided by.
type Tx struct {
	st    *Store
	r     engine.Reader
	w     engine.Writer // nil in a view
	state *policy.State
	now   time.Time
	by    policy.Subject // who acts; nobody for the operator and the server
	via   Door
	trial *Trial // gathers the judgements when nothing is to be done

	changed *policy.State // set by change, published with the commit
	charges map[policy.Node]sum
	seqs    map[policy.ID]uint64  // the newest change of spaces changed here
	holds   []*hold               // over once this is applied
	own     []*hold               // made in here: given back when this fails
	adopt   []policy.Node         // where a limit may stand from now on
	gone    []policy.Node         // collections that are no more
	stirs   []stir                // what is noted with the commit
	quiet   Quiet                 // who is not told of it
	moments map[policy.ID]*moment // of spaces, for the session whose view this is
}

// change applies what follows from a change of content, which was decided with
// it.
func (tx *Tx) change(changes ...policy.Change) error { return tx.apply(policy.Subject{}, changes) }

// changeAs applies changes of policy as far as who acts may make them.
func (tx *Tx) changeAs(changes ...policy.Change) error { return tx.apply(tx.by, changes) }

// apply applies policy changes, keeps their records and writes their line of the
// audit trail. Nothing else changes policy.
func (tx *Tx) apply(by policy.Subject, changes []policy.Change) error {
	before := tx.state
	next, delta, err := before.ApplyAs(by, changes...)
	if err != nil {
		return err
	}
	tx.state, tx.changed = next, next
	if err := tx.keep(next.Epoch, delta); err != nil {
		return err
	}
	if err := tx.endShares(before, delta); err != nil {
		return err
	}
	return tx.record(before, delta.Applied)
}

// finish writes what was gathered and joins memory to the batch.
func (tx *Tx) finish() error {
	for space, seq := range tx.seqs {
		if err := tx.w.Put(seqKey(space), beUint64(seq)); err != nil {
			return err
		}
	}
	if err := tx.writeCharges(); err != nil {
		return err
	}
	adopted := map[policy.Node]sum{}
	for _, n := range tx.adopt {
		s, err := tx.sumOf(n)
		if err != nil {
			return err
		}
		adopted[n] = s
	}
	st, changed, charges, holds, gone := tx.st, tx.changed, tx.charges, tx.holds, tx.gone
	tx.w.OnApply(func() {
		st.ledger.settle(adopted, charges, holds)
		st.ledger.forget(gone)
		if changed != nil {
			st.next = changed
		}
	})
	if changed != nil {
		tx.w.OnCommit(func() { st.state.Store(changed) })
	}
	return nil
}

// nextSeq numbers a change of a space. The number is given in the transaction
// that makes the change, so numbers become visible in their order.
func (tx *Tx) nextSeq(space policy.ID) (uint64, error) {
	if tx.seqs == nil {
		tx.seqs = map[policy.ID]uint64{}
	}
	seq, ok := tx.seqs[space]
	if !ok {
		v, err := tx.r.Get(seqKey(space))
		if err != nil {
			return 0, err
		}
		if v != nil {
			if seq, err = readUint64(v); err != nil {
				return 0, fmt.Errorf("sequence of space %d: %w", space, err)
			}
		}
	}
	seq++
	tx.seqs[space] = seq
	return seq, nil
}
