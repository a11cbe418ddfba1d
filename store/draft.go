package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A Survey is one policy together with the tree of the same moment. It lasts as
// long as the function that it was given to.
type Survey struct{ tx *Tx }

// A Draft is a Survey of a policy that is being changed, in steps and as a whole.
type Draft struct{ Survey }

// A Marked is what a file or folder carries of policy, with its path.
type Marked struct {
	Path Path
	At   policy.Place
	Mark policy.Mark
}

// Survey lends a survey of this moment.
func (o *Operator) Survey(ctx context.Context, fn func(Survey) error) error {
	err := o.st.view(func(tx *Tx) error {
		if err := tx.between(); err != nil {
			return err
		}
		return fn(Survey{tx})
	})
	if errors.Is(err, errBetween) {
		// In the committer's turn policy and tree are always of one moment.
		return o.Since(0).Rehearse(ctx, func(d Draft) error { return fn(d.Survey) })
	}
	return err
}

// errBetween: a change of the policy is on the disk and not yet in force.
var errBetween = errors.New("the policy is changing")

// between fails with errBetween when policy and tree are not of one moment.
func (tx *Tx) between() error {
	v, err := tx.r.Get(keyEpoch)
	if err != nil {
		return err
	}
	epoch, err := readUint64(v)
	if err == nil && epoch != tx.state.Epoch {
		err = errBetween
	}
	return err
}

// Revise carries out what fn does to the draft: all of it in one transaction, or
// nothing when fn fails. It takes as many keys as the policy has records: the
// policy as a whole is what is replaced.
func (o *Operator) Revise(ctx context.Context, fn func(Draft) error) error {
	return o.st.update(ctx, engine.Foreground, func(tx *Tx) error {
		before := tx.state
		if err := o.begin(tx); err != nil {
			return err
		}
		if err := fn(Draft{Survey{tx}}); err != nil || tx.state == before {
			return err
		}
		return o.foretold(before, tx)
	})
}

// Rehearse is Revise without a trace: what it finds is what Revise would do now.
func (o *Operator) Rehearse(ctx context.Context, fn func(Draft) error) error {
	err := o.st.update(ctx, engine.Background, func(tx *Tx) error {
		if err := o.begin(tx); err != nil {
			return err
		}
		if err := fn(Draft{Survey{tx}}); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// errRehearsed gives a transaction back.
var errRehearsed = errors.New("a rehearsal is over")

// State is the policy, as far as it is changed.
func (s Survey) State() *policy.State { return s.tx.state }

// Now is the time of the moment.
func (s Survey) Now() time.Time { return s.tx.now }

// Place finds what stands at a path.
func (s Survey) Place(p Path) (policy.Place, error) {
	sp, err := s.tx.resolve(p)
	if err != nil {
		return policy.Place{}, err
	}
	if sp.missing() > 0 {
		return policy.Place{}, fmt.Errorf("%s: %w", p, ErrNotFound)
	}
	return sp.place(), nil
}

// Asleep tells whether a space is a drive that opens for nobody: of an account
// that is deleted, or has become a guest's.
func (s Survey) Asleep(sp *policy.Space) bool {
	owner := s.tx.state.User(sp.Owner)
	return sp.Kind == policy.Personal && (owner == nil || owner.Type == policy.Guest)
}

// Marks gives everything that files and folders carry of policy, and how many
// entries and shares there are beside it that count for nobody: on what lies in
// the trash, and in drives that are asleep.
func (s Survey) Marks() (marks []Marked, asleep int, err error) {
	names := map[policy.Node]string{}
	for _, placed := range s.tx.state.Model().Marks {
		sp := s.tx.state.Space(placed.At.Space)
		if len(placed.Parked) > 0 || s.Asleep(sp) {
			asleep += len(placed.Mark.Entries) + len(placed.Mark.Shares)
			continue
		}
		p := Path{SpacePath(s.tx.state, sp)}
		for _, n := range placed.At.Path[1:] {
			name, known := names[n]
			if !known {
				rec, err := s.tx.nodeRec(n)
				if err != nil {
					return nil, 0, fmt.Errorf("path of a marked folder: %w", err)
				}
				name, names[n] = rec.name, rec.name
			}
			p = append(p, name)
		}
		marks = append(marks, Marked{p, placed.At, placed.Mark})
	}
	return marks, asleep, nil
}

// By is who changes the draft.
func (d Draft) By() policy.Subject { return d.tx.by }

// Change applies changes to the draft, as far as who acts may make them.
func (d Draft) Change(changes ...policy.Change) error {
	if len(changes) == 0 {
		return nil
	}
	return d.tx.changeAs(changes...)
}

// NewID gives an ID that nothing has.
func (d Draft) NewID() (policy.ID, error) { return d.tx.newID() }

// NewUser makes the changes that add an account and its drive. It has no
// password, so nobody signs in to it before it is given one.
func (d Draft) NewUser(u policy.User) ([]policy.Change, error) { return d.tx.newUser(&u, "") }

// SetUser makes the changes that replace an account; its drive follows its name
// and type.
func (d Draft) SetUser(u policy.User) ([]policy.Change, error) { return d.tx.withHome(&u) }

// NewSpace makes the changes that add an empty space; its owner becomes its
// manager.
func (d Draft) NewSpace(sp policy.Space) ([]policy.Change, error) { return d.tx.newShared(&sp) }
