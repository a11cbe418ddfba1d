package store

import (
	"errors"

	"davit/policy"
)

// Reached is a place in a user's reach, by its path.
type Reached struct {
	Path  Path
	Held  policy.Rights
	Shell bool
}

// Reach is everything that the subject can reach, of one policy: the spaces, and
// the places in them where its rights differ from those above.
func (o *Operator) Reach(sub policy.Subject) ([]Reached, error) {
	var all []Reached
	err := o.st.view(func(tx *Tx) error {
		all = nil
		for _, r := range tx.state.Reach(sub) {
			n := r.Path[len(r.Path)-1]
			p, err := tx.pathOf(housekeeping(tx, n), n)
			if errors.Is(err, ErrNotFound) {
				continue // made since the snapshot was taken
			} else if err != nil {
				return err
			}
			all = append(all, Reached{p, r.Held, r.Shell})
		}
		return nil
	})
	return all, err
}
