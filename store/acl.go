package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"davit/policy"
)

// An ACL is the access list that counts at one file or collection.
type ACL struct {
	// Lines are its own first, then what is inherited from near to far.
	Lines []policy.Line
	// Shares are the shares and links that lead here as well, the nearest first.
	Shares []policy.Gift
	// Tag changes with the lines, and is no file's ETag.
	Tag string
}

// aclAt is the list at a place.
func (tx *Tx) aclAt(at policy.Place) (ACL, error) {
	acl := ACL{Lines: tx.state.Lines(at), Shares: tx.state.SharesOn(at, tx.now.Unix())}
	text, err := json.Marshal(acl.Lines)
	sum := sha256.Sum256(text)
	acl.Tag = `"acl-` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
	return acl, err
}

// Find is the ID of a principal by its name, Nobody for one that the asker may
// not know.
type Find func(k policy.Kind, name string) policy.ID

// A NewACL is what the own lines of a file or collection are to be. Its
// functions are called in the transaction that acts, Match after the right and
// the locks, Lines last.
type NewACL struct {
	// Match judges the target, and the tag of its list, by the preconditions of
	// HTTP.
	Match func(target *Entry, tag string) error
	Lines func(Find) ([]policy.Entry, error)
}

// SetACL replaces the own lines of a file or collection, as far as the asker may
// give and take what changes: *Undelegated. A lock on it keeps others out.
// RFC 3744, section 7.5
func (s *Session) SetACL(ctx context.Context, p Path, list NewACL, t Terms) error {
	return s.relist(ctx, p, t, list.Match, func(_ *Tx, _ []policy.Entry, find Find) ([]policy.Entry, error) { return list.Lines(find) })
}

// relist replaces the own lines of a file or collection by what is made of them.
// match may be nil.
func (s *Session) relist(ctx context.Context, p Path, t Terms, match func(*Entry, string) error,
	remake func(tx *Tx, old []policy.Entry, find Find) ([]policy.Entry, error)) error {
	return s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opACL)
		if err != nil {
			return err
		}
		if match != nil {
			acl, err := tx.aclAt(sp.place())
			if err != nil {
				return err
			}
			t.Match = func(target *Entry) error { return match(target, acl.Tag) }
		}
		if err := s.judge(tx, sp, t, s.unlockedAt(tx, g, sp.nodes, t)); err != nil {
			return err
		}
		lines, err := remake(tx, slices.Clone(tx.linesOn(sp.entry().Node)), s.find(tx))
		if err != nil {
			return err
		}
		changes := tx.state.Relist(sp.place(), lines)
		if len(changes) == 0 {
			return nil
		}
		if err := tx.changeAs(changes...); err != nil {
			return s.undelegated(tx, sp, opACL.needed(), err)
		}
		return nil
	})
}

// find is how the asker finds principals by their names.
func (s *Session) find(tx *Tx) Find {
	sub := s.subject(tx)
	return func(k policy.Kind, name string) policy.ID {
		if id := named(tx.state, k, name); tx.state.Knows(sub, id) {
			return id
		}
		return policy.Nobody
	}
}

// linesOn are the own lines of a node.
func (tx *Tx) linesOn(n policy.Node) []policy.Entry {
	if m := tx.state.Mark(n); m != nil {
		return m.Entries
	}
	return nil
}

// AccessList is the list that counts at a file or collection, for who holds
// read-acl there.
func (s *Session) AccessList(p Path) (ACL, error) {
	var acl ACL
	err := s.view(func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		if _, err := s.authorize(tx, sp, opReadACL); err != nil {
			return err
		}
		acl, err = tx.aclAt(sp.place())
		return err
	})
	return acl, err
}

// Undelegated is the refusal of a change of a list by who may change the list, and
// not so: it wraps policy.ErrForbidden.
type Undelegated struct {
	Err error
	// ID of the decision, once it has left the session.
	ID string

	path    Path
	decided decided
}

func (u *Undelegated) Error() string { return u.Err.Error() }

func (u *Undelegated) Unwrap() error { return u.Err }

// undelegated notes what was decided when policy refuses a change; other errors
// stay what they are.
func (s *Session) undelegated(tx *Tx, sp *spot, held policy.Rights, err error) error {
	if !errors.Is(err, policy.ErrForbidden) {
		return err
	}
	return &Undelegated{Err: err, path: sp.path, decided: s.refused(tx, sp.place(), held, sp.path).decided}
}

func (u *Undelegated) denial() Denial {
	d := u.decided
	return Denial{What: d.x.Wanted.String(), Path: u.path.String(), Node: d.node, Class: d.class, Wanted: d.x.Wanted,
		Reason: u.Error(), Explanation: &d.x}
}
