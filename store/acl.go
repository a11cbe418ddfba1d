package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"davit/policy"
	"davit/store/engine"
)

// ErrForbidden says that a change of policy is more than the asker may make.
var ErrForbidden = errors.New("more than the asker may give")

// An ACL is the access list that counts at one file or collection.
type ACL struct {
	// Lines are its own first, then what is inherited from near to far.
	Lines []policy.Line
	// Tag changes with the lines, and is no file's ETag.
	Tag string
}

// aclAt is the list at a place.
func aclAt(state *policy.State, at policy.Place) (ACL, error) {
	acl := ACL{Lines: state.Lines(at)}
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

// SetACL replaces the own lines of a file or collection. A lock on it keeps
// others out: RFC 3744, section 7.5.
func (s *Session) SetACL(ctx context.Context, p Path, list NewACL, t Terms) error {
	return s.st.update(ctx, engine.Foreground, func(tx *Tx) error {
		sp, err := tx.resolve(p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opACL)
		if err != nil {
			return err
		}
		acl, err := aclAt(tx.state, sp.place())
		if err != nil {
			return err
		}
		t.Match = func(target *Entry) error { return list.Match(target, acl.Tag) }
		if err := s.judge(tx, sp, t, s.unlockedAt(tx, g, sp.nodes, t)); err != nil {
			return err
		}
		sub := s.subject(tx)
		lines, err := list.Lines(func(k policy.Kind, name string) policy.ID {
			if id := named(tx.state, k, name); tx.state.Knows(sub, id) {
				return id
			}
			return policy.Nobody
		})
		if err != nil {
			return err
		}
		changes := tx.state.Relist(sp.place(), lines)
		if len(changes) == 0 {
			return nil
		}
		return tx.changeBy(sub, changes...)
	})
}

// changeBy applies changes of access lists with the rights of somebody who holds
// manage there: he gives at most what he holds himself, nothing to himself, and
// says nothing of the owner of the space.
func (tx *Tx) changeBy(sub policy.Subject, changes ...policy.Change) error {
	for _, c := range changes {
		set, ok := c.(policy.SetEntry)
		if !ok {
			return fmt.Errorf("%T: %w", c, ErrForbidden)
		}
		who := tx.state.PrincipalName(set.Entry.Principal)
		gives := tx.state.Opens(set) &^ tx.state.Held(sub, set.At)
		switch {
		case set.Entry.Principal == sub.User:
			return fmt.Errorf("a line on oneself: %w", ErrForbidden)
		case set.Entry.Principal == tx.state.Space(set.At.Space).Owner:
			return fmt.Errorf("a line on the owner of the space, %s: %w", who, ErrForbidden)
		case gives != 0:
			return fmt.Errorf("%s for %s: %w", gives, who, ErrForbidden)
		}
	}
	return tx.change(changes...)
}
