package store

import (
	"context"
	"fmt"
	"slices"

	"davit/policy"
)

// The proxies of somebody open all of his calendars, and may act for him there.
// Nothing but the access list of the collection of his calendars says who they are:
// whoever a line lets read is a proxy, however the line came there, and to make or
// unmake one is to change the list.

// A Proxy is what proxies may do with somebody's calendars, by the name that
// Apple's calendar server gave to the group of them; empty for nothing.
type Proxy string

// The kinds of proxies. Nobody is of both.
const (
	ReadProxy  Proxy = "calendar-proxy-read"
	WriteProxy Proxy = "calendar-proxy-write"
)

// level is the level that makes a proxy of somebody.
func (k Proxy) level() string {
	if k == WriteProxy {
		return "editor"
	}
	return "viewer"
}

// What proxies hold at least.
const (
	proxyReads  = policy.See | policy.Read
	proxyWrites = proxyReads | policy.Write | policy.Add | policy.Delete
)

// proxyOf is what somebody is who holds these rights on all calendars.
func proxyOf(held policy.Rights) Proxy {
	switch {
	case held&proxyWrites == proxyWrites:
		return WriteProxy
	case held&proxyReads == proxyReads:
		return ReadProxy
	}
	return ""
}

// proxyBy is what the lines of a list make of a principal.
func proxyBy(lines []policy.Entry, id policy.ID) Proxy {
	var allowed policy.Rights
	for i := range lines {
		if lines[i].Principal == id {
			allowed |= lines[i].Allow &^ lines[i].Deny
		}
	}
	return proxyOf(allowed)
}

// proxiesIn are the principals that the lines of a list make proxies of a kind.
func proxiesIn(lines []policy.Entry, k Proxy) (ids []policy.ID) {
	for i := range lines {
		id := lines[i].Principal
		if id != policy.AnyoneSignedIn && !slices.Contains(ids, id) && proxyBy(lines, id) == k {
			ids = append(ids, id)
		}
	}
	return ids
}

// ProxyGroup is the group of those who may act for a user. Somebody whom the asker
// may not know, and who has no drive, has none.
func (s *Session) ProxyGroup(user string, k Proxy) (Principal, error) {
	p, err := s.PrincipalNamed(policy.KindUser, user)
	if err != nil {
		return Principal{}, err
	}
	state := s.policy()
	if u := state.User(p.ID); k != ReadProxy && k != WriteProxy || u == nil || state.Space(u.Home) == nil {
		return Principal{}, fmt.Errorf("no such group of proxies: %w", ErrNotFound)
	}
	return Principal{Name: p.Name, Proxies: k}, nil
}

// ProxiesOf lists the members of a group of proxies, to who may read the list that
// they stand in: ErrNotFound for who sees nothing of it, *Refused for others.
func (s *Session) ProxiesOf(group Principal) (list []Principal, err error) {
	err = s.view(func(tx *Tx) error {
		sp, err := s.resolve(tx, Path{"~" + group.Name}.Calendars())
		if err != nil {
			return err
		}
		if _, err := s.authorize(tx, sp, opReadACL); err != nil {
			return err
		}
		list = s.known(proxiesIn(tx.linesOn(sp.entry().Node), group.Proxies))
		return nil
	})
	return list, err
}

// ActsFor lists the users whose calendars the asker opens as a proxy of a kind, with
// what he holds there now.
func (s *Session) ActsFor(k Proxy) (users []Principal, err error) {
	err = s.view(func(tx *Tx) error {
		users = nil
		for _, space := range tx.state.Drives(s.subject(tx)) {
			sp, err := s.resolve(tx, Path{SpacePath(tx.state, space), calendarsName})
			if err != nil {
				return err
			}
			g, err := s.authorize(tx, sp, opList)
			if err != nil {
				continue // hidden, or there are none
			}
			if proxyOf(g.held) == k && s.isProxy(tx, sp.entry().Node) {
				users = append(users, s.known([]policy.ID{space.Owner})...)
			}
		}
		return nil
	})
	return users, err
}

// isProxy tells whether the list of a collection of calendars names the asker.
func (s *Session) isProxy(tx *Tx, n policy.Node) bool {
	lines := tx.linesOn(n)
	return slices.ContainsFunc(lines, func(e policy.Entry) bool {
		return tx.state.Matches(s.cred.User, e.Principal) && proxyBy(lines, e.Principal) != ""
	})
}

// SetProxies makes exactly these the members of a group of proxies, as far as the
// asker may give and take what that is: *Undelegated. Who was of the other kind is of
// this one then.
func (s *Session) SetProxies(ctx context.Context, group Principal, members func(Find) ([]policy.ID, error)) error {
	if group.Name == s.UserName() {
		if err := s.BeginCalendars(ctx); err != nil {
			return err
		}
	}
	rights, err := policy.LevelRights(group.Proxies.level())
	if err != nil {
		return err
	}
	return s.relist(ctx, Path{"~" + group.Name}.Calendars(), Terms{}, nil, func(tx *Tx, lines []policy.Entry, find Find) ([]policy.Entry, error) {
		wanted, err := members(find)
		if err != nil {
			return nil, err
		}
		was := proxiesIn(lines, group.Proxies)
		for _, id := range was {
			if !slices.Contains(wanted, id) && tx.state.Knows(tx.by, id) {
				lines = ungranted(lines, id)
			}
		}
		for _, id := range wanted {
			if !slices.Contains(was, id) {
				lines = granted(ungranted(lines, id), policy.Entry{Principal: id, Allow: rights, Level: group.Proxies.level()})
			}
		}
		return lines, nil
	})
}

// ungranted are the lines of a list without what they allow a principal: what they
// revoke and deny stays.
func ungranted(lines []policy.Entry, id policy.ID) []policy.Entry {
	for i := range lines {
		if lines[i].Principal == id {
			lines[i].Allow, lines[i].Level = 0, ""
		}
	}
	return lines
}

// granted are the lines of a list with what a new one, without conditions, allows.
func granted(lines []policy.Entry, e policy.Entry) []policy.Entry {
	i := slices.IndexFunc(lines, func(old policy.Entry) bool {
		return old.Principal == e.Principal && old.Class == 0 && old.Network == 0 && old.From == 0 && old.Until == 0
	})
	if i < 0 {
		return append(lines, e)
	}
	lines[i].Allow, lines[i].Level = e.Allow, e.Level
	return lines
}
