package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"davit/policy"
)

const daySeconds = 24 * 60 * 60

// Share hands on what the asker holds at a path, to the principal that the terms
// name: at most what it holds, and no longer than it does.
func (s *Session) Share(ctx context.Context, p Path, terms policy.Share) (policy.Share, error) {
	return s.give(ctx, p, terms, nil)
}

// Link is Share with whoever has the link's token.
func (s *Session) Link(ctx context.Context, p Path, terms policy.Share, l NewLink) (policy.Share, error) {
	return s.give(ctx, p, terms, &l)
}

func (s *Session) give(ctx context.Context, p Path, terms policy.Share, l *NewLink) (sh policy.Share, err error) {
	err = s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		if _, err := s.authorize(tx, sp, opShare); err != nil {
			return err
		}
		if sh, err = tx.newShare(sp, terms, l); err != nil {
			return err
		}
		return tx.changeAs(policy.PutShare{Share: sh, At: sp.place()})
	})
	return sh, err
}

// newShare is a share of who acts that begins now, with its record when it is a
// link. A link ends when the longest life of links does, unless it names an end
// of its own.
func (tx *Tx) newShare(sp *spot, sh policy.Share, l *NewLink) (policy.Share, error) {
	id, err := tx.newID()
	if err != nil {
		return sh, err
	}
	sh.ID, sh.By, sh.Made = id, tx.by.User, tx.now.Unix()
	if l == nil {
		return sh, nil
	}
	sh.To, sh.Password, sh.Calendar = id, l.Password != "", sp.inCalendars()
	if u := tx.state.User(sh.By); u != nil && sh.Until == 0 {
		if days := tx.state.LinkDays(u); days > 0 {
			sh.Until = sh.Made + days*daySeconds
		}
	}
	return sh, tx.putLink(id, l)
}

// Unshare ends a share or link: one's own, one given to oneself, or one at a
// place that one manages.
func (s *Session) Unshare(ctx context.Context, id policy.ID) error {
	return s.update(ctx, func(tx *Tx) error {
		if s.cred.Mask&policy.Reshare == 0 {
			return fmt.Errorf("this password does not share: %w", policy.ErrForbidden)
		}
		return tx.changeAs(policy.DropShare{ID: id})
	})
}

// A Shared is a share or link as it stands.
type Shared struct {
	policy.Share
	Path Path // empty while it lies in the trash, or is hidden from the asker
	// Asleep tells why it gives nothing now, empty when it gives what its giver
	// holds.
	Asleep                  string
	DownloadsMax, Downloads int64 // of a link
}

// asleepInTrash is why a share of something deleted gives nothing.
const asleepInTrash = "it lies in the trash"

// sharedAt tells about a share without its path.
func (tx *Tx) sharedAt(sh *policy.Share, at policy.Place) (Shared, error) {
	shared := Shared{Share: *sh, Asleep: asleepInTrash}
	if sp := tx.state.Space(at.Space); sp != nil {
		shared.Asleep = tx.state.Asleep(sh, sp, tx.now.Unix())
	}
	if !sh.IsLink() {
		return shared, nil
	}
	l, err := readLink(tx.r, sh.ID)
	if err != nil || l == nil {
		return shared, err
	}
	shared.DownloadsMax, shared.Downloads = l.DownloadsMax, l.downloads+tx.st.downloads.get(sh.ID)
	if shared.Asleep == "" && l.usedUp() {
		shared.Asleep = "all its downloads are used up"
	}
	return shared, nil
}

// Given lists what the asker shares.
func (s *Session) Given() ([]Shared, error) {
	var list []Shared
	err := s.view(func(tx *Tx) error {
		list = nil
		for _, sh := range tx.state.SharesBy(s.cred.User) {
			shared, err := s.shared(tx, sh)
			if err != nil {
				return err
			}
			list = append(list, shared)
		}
		return nil
	})
	return list, err
}

// Received lists what is shared with the asker and gives something now.
func (s *Session) Received() ([]Shared, error) {
	var list []Shared
	err := s.view(func(tx *Tx) error {
		list = nil
		for _, sh := range tx.state.SharesTo(s.cred.User) {
			shared, err := s.shared(tx, sh)
			if err != nil {
				return err
			}
			if shared.Path != nil && shared.Asleep == "" {
				list = append(list, shared)
			}
		}
		return nil
	})
	return list, err
}

// shared tells about a share, with its path when the asker sees the place.
func (s *Session) shared(tx *Tx, sh *policy.Share) (Shared, error) {
	_, at := tx.state.Share(sh.ID)
	shared, err := tx.sharedAt(sh, at)
	if err != nil || len(at.Path) == 0 {
		return shared, err
	}
	n := at.Path[len(at.Path)-1]
	p, err := tx.pathOf(housekeeping(tx, n), n)
	if err != nil {
		return shared, err
	}
	sp, err := s.resolve(tx, p)
	if err == nil {
		_, err = s.authorize(tx, sp, opStat)
	}
	if errors.Is(err, ErrNotFound) {
		return shared, nil
	}
	shared.Path = p
	return shared, err
}

// SharesAt lists the shares and links on a path, from the space down: all to who
// may read the access list there, to others those that they gave.
func (s *Session) SharesAt(p Path) ([]Shared, error) {
	var list []Shared
	err := s.view(func(tx *Tx) error {
		list = nil
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		if _, err := s.authorize(tx, sp, opStat); err != nil {
			return err
		}
		for i, n := range sp.nodes {
			m := tx.state.Mark(n)
			if m == nil {
				continue
			}
			at := policy.Place{Space: sp.space.ID, Path: sp.nodes[:i+1]}
			reads := tx.state.Decide(s.subject(tx), at, policy.ReadACL).Allowed()
			for j := range m.Shares {
				if sh := &m.Shares[j]; reads || sh.By == s.cred.User {
					shared, err := tx.sharedAt(sh, at)
					if err != nil {
						return err
					}
					shared.Path = sp.path[:i+1]
					list = append(list, shared)
				}
			}
		}
		return nil
	})
	return list, err
}

// Drive is the path of the personal drive that people know by its owner's name,
// spelled as the owner spells it. A name of nobody's, in other letters or the
// asker's own, which is the home, leads nowhere.
func (s *Session) Drive(name string) Path {
	if u := s.st.Policy().UserNamed(name); u != nil && (u.Name != name || u.ID == s.cred.User) {
		return Path{"~"}
	}
	return Path{"~" + name}
}

// Drives lists the personal drives of others in which the asker sees anything.
func (s *Session) Drives(want Want) ([]Info, error) {
	var infos []Info
	err := s.view(func(tx *Tx) error {
		infos = nil
		for _, space := range tx.state.Drives(s.subject(tx)) {
			info, err := s.top(tx, space, want)
			if err == ErrNotFound {
				continue
			} else if err != nil {
				return err
			}
			infos = append(infos, info)
		}
		return nil
	})
	return infos, err
}

// Share makes a share of the account in whose name the operator acts, or a link
// when it is given one; what the account may not share is refused.
func (o *Operator) Share(ctx context.Context, p Path, terms policy.Share, l *NewLink) (sh policy.Share, err error) {
	err = o.change(ctx, func(tx *Tx) ([]policy.Change, error) {
		sp, err := tx.known(p)
		if err != nil {
			return nil, err
		}
		sh, err = tx.newShare(sp, terms, l)
		return []policy.Change{policy.PutShare{Share: sh, At: sp.place()}}, err
	})
	return sh, err
}

// Adopt makes a share that of the account in whose name the operator acts, which
// has to manage the place and to hold what is shared.
func (o *Operator) Adopt(ctx context.Context, id policy.ID) error {
	return o.change(ctx, func(tx *Tx) ([]policy.Change, error) {
		sh, at := tx.state.Share(id)
		if sh == nil {
			return nil, fmt.Errorf("no such share: %w", ErrNotFound)
		}
		next := *sh
		next.By = tx.by.User
		return []policy.Change{policy.PutShare{Share: next, At: at}}, nil
	})
}

// Shares lists the shares and links that are wanted, in the order of their IDs.
func (o *Operator) Shares(wanted func(*policy.State, *policy.Share) bool) ([]Shared, error) {
	var list []Shared
	err := o.st.view(func(tx *Tx) error {
		list = nil
		for _, sh := range tx.state.Shares() {
			if !wanted(tx.state, sh) {
				continue
			}
			_, at := tx.state.Share(sh.ID)
			shared, err := tx.sharedAt(sh, at)
			if err == nil && len(at.Path) > 0 {
				n := at.Path[len(at.Path)-1]
				shared.Path, err = tx.pathOf(housekeeping(tx, n), n)
			}
			if err != nil {
				return err
			}
			list = append(list, shared)
		}
		return nil
	})
	return list, err
}

// endShares takes away what hung on shares that a change ended, whatever ended
// them: the tokens of links, and the locks of those who lost the right. None of
// these comes back to life with the next share.
func (tx *Tx) endShares(before *policy.State, d policy.Delta) error {
	for n, m := range d.Marks {
		was := before.Mark(n)
		if was == nil {
			continue
		}
		ended := slices.DeleteFunc(slices.Clone(was.Shares), func(sh policy.Share) bool {
			return m != nil && slices.ContainsFunc(m.Shares, func(o policy.Share) bool { return o.ID == sh.ID })
		})
		for i := range ended {
			if err := tx.dropLink(ended[i].ID); err != nil {
				return err
			}
		}
		if len(ended) == 0 || tx.st.lockCount.Load() == 0 {
			continue
		}
		up, err := way(tx.r, n)
		if err != nil {
			return err
		}
		if err := tx.dropIdle(housekeeping(tx, n), up, true); err != nil {
			return err
		}
	}
	return nil
}
