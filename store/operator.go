package store

import (
	"context"
	"fmt"

	"davit/policy"
	"davit/store/engine"
)

// An Operator changes the policy and looks after the store. It comes from the
// control socket or an unlocked data directory and reads no content.
type Operator struct {
	st    *Store
	by    policy.Subject
	via   Door
	epoch uint64 // of the policy that changes are made for, 0 for any
	// see gets what changes would make of the policy, which are then not made.
	see func(before, after *policy.State)
}

// Operator is the operator's way in. Only the packages admin and cmd ask for it.
func (st *Store) Operator() *Operator { return &Operator{st: st, via: commandLine} }

// As is the operator acting in somebody's name, by a door. The zero Subject is
// the operator as such.
func (o *Operator) As(by policy.Subject, via string) *Operator {
	as := *o
	as.by, as.via = by, Door{Method: via}
	return &as
}

// Since is the operator making changes for the policy of an epoch: once another
// is in force they are refused with ErrEpoch. 0 is for any.
func (o *Operator) Since(epoch uint64) *Operator {
	since := *o
	since.epoch = epoch
	return &since
}

// Change applies what plan makes of the policy of this moment: all or nothing,
// in force for every request that begins after it returns.
func (o *Operator) Change(ctx context.Context, plan func(*policy.State) ([]policy.Change, error)) error {
	return o.change(ctx, func(tx *Tx) ([]policy.Change, error) { return plan(tx.state) })
}

// ChangeAt is Change for one existing file or collection.
func (o *Operator) ChangeAt(ctx context.Context, p Path, plan func(*policy.State, policy.Place) ([]policy.Change, error)) error {
	return o.change(ctx, func(tx *Tx) ([]policy.Change, error) {
		sp, err := tx.known(p)
		if err != nil {
			return nil, err
		}
		return plan(tx.state, sp.place())
	})
}

// known finds what stands at a path, as far as who acts may know of it.
func (tx *Tx) known(p Path) (*spot, error) {
	sp, err := tx.resolve(p)
	if err == nil && (sp.missing() > 0 || !tx.state.Sees(tx.by, sp.place())) {
		err = fmt.Errorf("%s: %w", p, ErrNotFound)
	}
	return sp, err
}

func (o *Operator) change(ctx context.Context, plan func(*Tx) ([]policy.Change, error)) error {
	return o.st.update(ctx, engine.Foreground, func(tx *Tx) error {
		before := tx.state
		if err := o.begin(tx); err != nil {
			return err
		}
		changes, err := plan(tx)
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := tx.changeAs(changes...); err != nil {
			return err
		}
		return o.foretold(before, tx)
	})
}

// begin makes a transaction the operator's, and refuses one for a policy that is
// no more.
func (o *Operator) begin(tx *Tx) error {
	tx.by, tx.via = o.by, o.via
	if o.by.User != policy.Nobody {
		tx.by.Now = tx.now.Unix()
	}
	if now := tx.state.Epoch; o.epoch != 0 && o.epoch != now {
		return fmt.Errorf("%w: it is of epoch %d now and was looked at in epoch %d", ErrEpoch, now, o.epoch)
	}
	return nil
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
	return tx.withHome(u)
}

// withHome is an account with its personal drive, which everybody but a guest
// has. A guest's, from when it was none, lies among the spaces in the trash.
func (tx *Tx) withHome(u *policy.User) ([]policy.Change, error) {
	old := tx.state.Space(u.Home)
	if old == nil && u.Type == policy.Guest {
		return []policy.Change{policy.PutUser{User: *u}}, nil
	}
	var home policy.Space
	if old != nil {
		home = *old
	} else {
		level, err := policy.LevelRights("manager")
		if err != nil {
			return nil, err
		}
		home = policy.Space{Kind: policy.Personal, Owner: u.ID, Quota: policy.NoLimit}
		if err := tx.newSpace(&home, u.ID); err != nil {
			return nil, err
		}
		home.Levels = []policy.Entry{{Principal: u.ID, Level: "manager", Allow: level}}
	}
	u.Home, home.Name = home.ID, "~"+u.Name
	switch {
	case u.Type == policy.Guest:
		home.State = policy.Trashed
	case old == nil || old.State == policy.Trashed:
		home.State = policy.Active
	}
	changes := []policy.Change{policy.PutUser{User: *u}}
	if old == nil || old.Name != home.Name || old.State != home.State {
		changes = append(changes, policy.PutSpace{Space: home})
	}
	return changes, nil
}

// ChangeUser replaces an account with what plan makes of it, after the other
// changes that plan makes. The personal drive follows its name and type.
func (o *Operator) ChangeUser(ctx context.Context, plan func(*policy.State) (policy.User, []policy.Change, error)) error {
	return o.change(ctx, func(tx *Tx) ([]policy.Change, error) {
		u, before, err := plan(tx.state)
		if err != nil {
			return nil, err
		}
		changes, err := tx.withHome(&u)
		return append(before, changes...), err
	})
}

// RemoveUser deletes a deactivated account. The heir gets the spaces that it
// owns. Its personal drive goes to the trashed spaces, unread and unlost.
func (o *Operator) RemoveUser(ctx context.Context, id, heir policy.ID) error {
	return o.change(ctx, func(tx *Tx) ([]policy.Change, error) {
		u := tx.state.User(id)
		if u == nil {
			return nil, fmt.Errorf("no such user: %w", ErrNotFound)
		}
		var changes []policy.Change
		for _, sp := range tx.state.Spaces() {
			if sp.Owner == id && sp.Kind != policy.Personal && heir != policy.Nobody {
				changes = append(changes, policy.TransferSpace{Space: sp.ID, Owner: heir})
			}
		}
		changes = append(changes, policy.DropUser{ID: id})
		if err := tx.farewell(o, tx.state.Space(u.Home)); err != nil {
			return nil, err
		}
		if home := tx.state.Space(u.Home); home != nil && home.State != policy.Trashed {
			gone := *home
			gone.State = policy.Trashed
			changes = append(changes, policy.PutSpace{Space: gone})
		}
		if err := tx.w.Delete(key1(tableLetters, uint64(id))); err != nil {
			return nil, err
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
// exist yet is asked of the collection it would stand in. The rights wanted are
// told as the gate asks for them there.
func (o *Operator) Explain(p Path, sub policy.Subject, want policy.Rights) (x policy.Explanation, err error) {
	err = o.st.view(func(tx *Tx) error {
		sp, err := tx.resolve(p)
		if err != nil {
			return err
		}
		if sp.space == nil || len(sp.nodes) == 0 || sp.missing() > 1 {
			return fmt.Errorf("%s: %w", p, ErrNotFound)
		}
		here := *sp
		here.path = sp.path[:len(sp.nodes)]
		x = tx.state.Explain(sub, sp.place(), here.meant(want))
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
