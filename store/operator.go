package store

import (
	"context"
	"fmt"

	"davit/policy"
	"davit/store/engine"
)

// An Operator changes the policy and looks after the store. It comes from the
// control socket or an unlocked data directory and reads no content.
type Operator struct{ st *Store }

// Operator is the operator's way in. Only the packages admin and cmd ask for it.
func (st *Store) Operator() *Operator { return &Operator{st} }

// Change applies what plan makes of the policy of this moment: all or nothing,
// in force for every request that begins after it returns.
func (o *Operator) Change(ctx context.Context, plan func(*policy.State) ([]policy.Change, error)) error {
	return o.change(ctx, func(tx *Tx) ([]policy.Change, error) { return plan(tx.state) })
}

// ChangeAt is Change for one existing file or collection.
func (o *Operator) ChangeAt(ctx context.Context, p Path, plan func(*policy.State, policy.Place) ([]policy.Change, error)) error {
	return o.change(ctx, func(tx *Tx) ([]policy.Change, error) {
		sp, err := tx.resolve(p)
		if err != nil {
			return nil, err
		}
		if sp.missing() > 0 {
			return nil, fmt.Errorf("%s: %w", p, ErrNotFound)
		}
		return plan(tx.state, sp.place())
	})
}

func (o *Operator) change(ctx context.Context, plan func(*Tx) ([]policy.Change, error)) error {
	return o.st.update(ctx, engine.Foreground, func(tx *Tx) error {
		changes, err := plan(tx)
		if err != nil || len(changes) == 0 {
			return err
		}
		return tx.change(changes...)
	})
}

// AddProfile makes a profile.
func (o *Operator) AddProfile(ctx context.Context, p policy.Profile) (policy.Profile, error) {
	err := o.change(ctx, func(tx *Tx) (_ []policy.Change, err error) {
		p.ID, err = tx.newID()
		return []policy.Change{policy.PutProfile{Profile: p}}, err
	})
	return p, err
}

// AddUser makes an account with its password hash, and a personal drive unless
// it is a guest's. Without a profile it gets "standard".
func (o *Operator) AddUser(ctx context.Context, u policy.User, phc string) (policy.User, error) {
	err := o.change(ctx, func(tx *Tx) ([]policy.Change, error) { return tx.newUser(&u, phc) })
	return u, err
}

// newUser makes what AddUser adds, and gives the account its ID.
func (tx *Tx) newUser(u *policy.User, phc string) (_ []policy.Change, err error) {
	if u.Profile == policy.Nobody {
		p := tx.state.ProfileNamed("standard")
		if p == nil {
			return nil, fmt.Errorf("no profile %q; name one: %w", "standard", ErrNotFound)
		}
		u.Profile = p.ID
	}
	if u.ID, err = tx.newID(); err != nil {
		return nil, err
	}
	if err := keepRecord(tx.w, key1(tableLogin, uint64(u.ID)), &login{Password: phc}); err != nil {
		return nil, err
	}
	u.Home = policy.Nobody
	if u.Type == policy.Guest {
		return []policy.Change{policy.PutUser{User: *u}}, nil
	}
	home := policy.Space{Name: "~" + u.Name, Kind: policy.Personal, State: policy.Active, Owner: u.ID, Quota: policy.NoLimit}
	if err := tx.newSpace(&home, u.ID); err != nil {
		return nil, err
	}
	level, err := policy.LevelRights("manager")
	home.Levels = []policy.Entry{{Principal: u.ID, Level: "manager", Allow: level}}
	u.Home = home.ID
	return []policy.Change{policy.PutUser{User: *u}, policy.PutSpace{Space: home}}, err
}

// RemoveUser deletes a deactivated account. Its personal drive goes to the
// trashed spaces, unread and unlost.
func (o *Operator) RemoveUser(ctx context.Context, id policy.ID) error {
	return o.change(ctx, func(tx *Tx) ([]policy.Change, error) {
		u := tx.state.User(id)
		if u == nil {
			return nil, fmt.Errorf("no such user: %w", ErrNotFound)
		}
		changes := []policy.Change{policy.DropUser{ID: id}}
		if home := tx.state.Space(u.Home); home != nil {
			gone := *home
			gone.State = policy.Trashed
			changes = append(changes, policy.PutSpace{Space: gone})
		}
		return changes, tx.w.Delete(key1(tableLogin, uint64(id)))
	})
}

// AddGroup makes a group or role without members.
func (o *Operator) AddGroup(ctx context.Context, g policy.Group) (policy.Group, error) {
	err := o.change(ctx, func(tx *Tx) (_ []policy.Change, err error) {
		g.ID, err = tx.newID()
		return []policy.Change{policy.PutGroup{Group: g}}, err
	})
	return g, err
}

// AddSpace makes an empty space. Its owner becomes its manager.
func (o *Operator) AddSpace(ctx context.Context, sp policy.Space) (policy.Space, error) {
	err := o.change(ctx, func(tx *Tx) ([]policy.Change, error) {
		sp.State = policy.Active
		return tx.newShared(&sp)
	})
	return sp, err
}

// newShared makes what AddSpace adds, and gives the space its ID and root.
func (tx *Tx) newShared(sp *policy.Space) ([]policy.Change, error) {
	sp.Levels = nil
	if err := tx.newSpace(sp, sp.Owner); err != nil {
		return nil, err
	}
	if sp.Owner != policy.Nobody {
		level, err := policy.LevelRights("manager")
		if err != nil {
			return nil, err
		}
		sp.Levels = []policy.Entry{{Principal: sp.Owner, Level: "manager", Allow: level}}
	}
	return []policy.Change{policy.PutSpace{Space: *sp}}, nil
}

func (tx *Tx) newID() (policy.ID, error) {
	id, err := tx.st.ids.take(tx.w)
	return policy.ID(id), err
}

// newSpace gives a space its ID and its root.
func (tx *Tx) newSpace(sp *policy.Space, creator policy.ID) (err error) {
	if sp.ID, err = tx.newID(); err != nil {
		return err
	}
	if sp.Root, err = tx.newNode(); err != nil {
		return err
	}
	e := Entry{Name: rootName(sp.Root), Node: sp.Root, Dir: true, Created: tx.now, Modified: tx.now, Creator: creator}
	if err := tx.link(housekeeping(tx, sp.Root), 0, &e); err != nil {
		return err
	}
	return tx.w.Put(seqKey(sp.ID), beUint64(0))
}

// Explain answers what an account may do at a path, step by step. What does not
// exist yet is asked of the collection it would stand in.
func (o *Operator) Explain(p Path, sub policy.Subject, want policy.Rights) (x policy.Explanation, err error) {
	err = o.st.view(func(tx *Tx) error {
		sp, err := tx.resolve(p)
		if err != nil {
			return err
		}
		if sp.space == nil || len(sp.nodes) == 0 || sp.missing() > 1 {
			return fmt.Errorf("%s: %w", p, ErrNotFound)
		}
		x = tx.state.Explain(sub, sp.place(), want)
		return nil
	})
	return x, err
}

// Place finds a file or collection for a question about it.
func (o *Operator) Place(p Path) (at policy.Place, e Entry, err error) {
	err = o.st.view(func(tx *Tx) error {
		sp, err := tx.resolve(p)
		if err != nil {
			return err
		}
		if sp.missing() > 0 {
			return fmt.Errorf("%s: %w", p, ErrNotFound)
		}
		at, e = sp.place(), *sp.entry()
		return nil
	})
	return at, e, err
}

// Usage is the state of the limit on a space or folder, from the ledger that
// enforces it.
func (o *Operator) Usage(n policy.Node, l policy.Limit) policy.Usage {
	ledger := &o.st.ledger
	ledger.Lock()
	defer ledger.Unlock()
	return ledger.usage(policy.QuotaNode{Node: n, Limit: l})
}
