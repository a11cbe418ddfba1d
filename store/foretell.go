package store

import (
	"errors"
	"fmt"

	"davit/policy"
)

// ErrForetold ends every change of an operator who foretells.
var ErrForetold = errors.New("foretold and not done")

// Foretelling is the same operator, who changes nothing: what a change would make
// of the policy goes to see, and the change ends with ErrForetold. The policy
// that see gets may hold records that nobody keeps.
func (o *Operator) Foretelling(see func(before, after *policy.State)) *Operator {
	f := *o
	f.see = see
	return &f
}

// foretold ends a change after it was applied.
func (o *Operator) foretold(before *policy.State, tx *Tx) error {
	if o.see == nil {
		return nil
	}
	o.see(before, tx.state)
	return ErrForetold // takes everything back that the change wrote
}

// Paths finds the paths of nodes; one that is gone has none.
func (o *Operator) Paths(nodes []policy.Node) (map[policy.Node]Path, error) {
	paths := make(map[policy.Node]Path, len(nodes))
	err := o.st.view(func(tx *Tx) error {
		for _, n := range nodes {
			p, err := tx.pathOf(housekeeping(tx, n), n)
			if errors.Is(err, ErrNotFound) {
				continue
			} else if err != nil {
				return err
			}
			paths[n] = p
		}
		return nil
	})
	return paths, err
}

// Stored is how many bytes lie in each space or folder, versions and trash
// included.
func (o *Operator) Stored(nodes []policy.Node) (map[policy.Node]int64, error) {
	stored := make(map[policy.Node]int64, len(nodes))
	err := o.st.view(func(tx *Tx) error {
		for _, n := range nodes {
			s, err := tx.sumOf(n)
			if err != nil {
				return err
			}
			stored[n] = s.bytes()
		}
		return nil
	})
	return stored, err
}

// LocksLost counts the live locks whose holders may write before and not after,
// with a client like in.
func (o *Operator) LocksLost(before, after *policy.State, in policy.Subject) (lost int, err error) {
	err = o.st.view(func(tx *Tx) error {
		var locks []Lock
		lost = 0
		if err := tx.eachLock(housekeeping(tx, 0), 0, func(l Lock) { locks = append(locks, l) }); err != nil {
			return err
		}
		for _, l := range locks {
			path, err := way(tx.r, l.Node)
			if err != nil {
				return fmt.Errorf("lock %s: %w", l.Token, err)
			}
			in.User = l.User
			if writes(before, in, path) && !writes(after, in, path) {
				lost++
			}
		}
		return nil
	})
	return lost, err
}

func writes(state *policy.State, sub policy.Subject, path []policy.Node) bool {
	sp := state.SpaceAt(path[0])
	return sp != nil && state.Held(sub, policy.Place{Space: sp.ID, Path: path})&policy.Write != 0
}
