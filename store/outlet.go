package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"

	"davit/policy"
)

// An outlet is a link by which somebody publishes a calendar from his calendar program.
// It is a link like any other, but for its token, which is kept sealed and not only as a
// hash: programs ask for the URL again and again. Without the key that it was sealed
// with it is told to nobody, and the link goes on.

// outletLabel is what lists of links show of one.
const outletLabel = "published"

func outletKey(id policy.ID) []byte { return key1(tableOutlet, uint64(id)) }

// outletUse is what a token is sealed for.
func outletUse(id policy.ID) string { return "link " + strconv.FormatUint(uint64(id), 36) }

// Publish makes a link by which everybody reads a calendar, as far as the asker does,
// for as long as links live. One that gives something already stays; those that do not
// any more end.
func (s *Session) Publish(ctx context.Context, p Path, t Terms) error {
	return s.update(ctx, func(tx *Tx) error {
		sp, g, err := s.publishable(tx, p, t)
		if err != nil {
			return err
		}
		there := false
		err = s.outlets(tx, g, func(sh *policy.Share, _ []byte) error {
			if there = there || tx.state.Asleep(sh, sp.space, tx.now.Unix()) == ""; there {
				return nil
			}
			return tx.changeAs(policy.DropShare{ID: sh.ID})
		})
		if err != nil || there {
			return err
		}
		return s.putOutlet(tx, sp)
	})
}

// putOutlet makes the link.
func (s *Session) putOutlet(tx *Tx, sp *spot) error {
	rights, err := policy.LevelRights("viewer")
	if err != nil {
		return err
	}
	token, sum := NewToken()
	sh, err := tx.newShare(sp, policy.Share{Rights: rights, Level: "viewer", Label: outletLabel}, &NewLink{Token: sum})
	if err != nil {
		return err
	}
	if err := tx.w.Put(outletKey(sh.ID), tx.st.sealer.lock(outletUse(sh.ID), []byte(token))); err != nil {
		return err
	}
	return tx.changeAs(policy.PutShare{Share: sh, At: sp.place()})
}

// Unpublish ends the links by which a calendar is published, as far as the asker may,
// from the next request on.
func (s *Session) Unpublish(ctx context.Context, p Path, t Terms) error {
	return s.update(ctx, func(tx *Tx) error {
		_, g, err := s.publishable(tx, p, t)
		if err != nil {
			return err
		}
		return s.outlets(tx, g, func(sh *policy.Share, _ []byte) error {
			return tx.changeAs(policy.DropShare{ID: sh.ID})
		})
	})
}

// publishable is the spot of a calendar that the asker may publish.
func (s *Session) publishable(tx *Tx, p Path, t Terms) (*spot, grant, error) {
	sp, err := s.resolve(tx, p)
	if err != nil {
		return nil, grant{}, err
	}
	g, err := s.authorize(tx, sp, opShare)
	if err != nil {
		return nil, grant{}, err
	}
	if e := sp.entry(); len(sp.path) != calendarDepth || !e.IsCalendar() || e.Subscribed() {
		return nil, grant{}, fmt.Errorf("%s is published nowhere: %w", p, ErrMisplaced)
	}
	return sp, g, s.judge(tx, sp, t, nil)
}

// outlets gives the links by which a calendar is published and that the asker may end:
// his own, and as who manages the calendar all of them. fn may end the one it is given.
func (s *Session) outlets(tx *Tx, g grant, fn func(sh *policy.Share, sealed []byte) error) error {
	m := tx.state.Mark(g.node)
	if m == nil || g.held&policy.Reshare == 0 {
		return nil
	}
	for i := range m.Shares {
		sh := &m.Shares[i]
		if !sh.IsLink() || sh.By != s.cred.User && g.held&policy.Manage == 0 {
			continue
		}
		sealed, err := tx.r.Get(outletKey(sh.ID))
		if err == nil && sealed != nil {
			err = fn(sh, sealed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// publishedAs is the token of the link by which a calendar is published, empty for
// none that gives anything.
func (s *Session) publishedAs(tx *Tx, g grant, at policy.Place) (token string, err error) {
	space := tx.state.Space(at.Space)
	err = s.outlets(tx, g, func(sh *policy.Share, sealed []byte) error {
		if plain, ours := tx.st.sealer.unlock(outletUse(sh.ID), sealed); ours && tx.state.Asleep(sh, space, tx.now.Unix()) == "" {
			token = string(plain)
		}
		return nil
	})
	return token, err
}

// outletTable: every token that is kept is that of its link.
func (k *checker) outletTable() error {
	return scanTable(k.tx.r, tableOutlet, func(key, v []byte) error {
		id := policy.ID(binary.BigEndian.Uint64(key[1:]))
		l, err := readLink(k.tx.r, id)
		if err != nil {
			return nil // told with the links
		}
		token, ours := k.tx.st.sealer.unlock(outletUse(id), v)
		if l == nil {
			k.faultf("token of link %d, which is none", id)
		} else if ours && tokenSum(string(token)) != l.Token {
			k.faultf("link %d: the token that is kept is of another", id)
		}
		return nil
	})
}
