package auth

import (
	"context"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"davit/policy"
	"davit/store"
)

const (
	addressFailures = 20 // lock an address
	lockFirst       = 30 * time.Second
	lockMax         = time.Hour
	lockDoublings   = 7 // from lockFirst past lockMax
	// forgetAfter is how long a failure counts, and how long a place stays
	// familiar.
	forgetAfter = 24 * time.Hour
	// ipv6Site is how much of an IPv6 address tells one customer from another.
	ipv6Site = 64
	// placesMax bounds how many familiar places are kept.
	placesMax = 16 << 10
)

// Unlock lets the account sign in again at once. Whether the caller may do that
// is decided elsewhere.
func (s *Service) Unlock(ctx context.Context, id policy.ID) error {
	s.judging.Lock()
	defer s.judging.Unlock()
	return s.accounts.SetLockout(ctx, accountKey(id), store.Lockout{})
}

// admit finds the account for a try from there, and refuses while that address is
// locked, which depends on no name and therefore tells nothing about one.
func (s *Service) admit(name string, from netip.Prefix) (store.Account, error) {
	account, err := s.lookup(name)
	if err != nil {
		return store.Account{}, err
	}
	now := s.now()
	if !from.IsValid() || s.familiar.has(place{account.ID, from}, now) {
		return account, nil
	}
	l, err := s.accounts.Lockout(addressKey(from))
	if err != nil {
		return store.Account{}, err
	}
	if s.byAddress.locked(l, now) {
		return store.Account{}, ErrLogin
	}
	return account, nil
}

// judge ends a try of the main password, after the work was done: right tells
// whether the secret fitted. Only here a lock of the account is looked at, so a
// locked account costs as much as any; and it is looked at last, so of many tries
// at once no more than the limit learn anything. It answers the account as it is
// now.
func (s *Service) judge(ctx context.Context, name string, tried store.Account, right bool, from netip.Prefix) (store.Account, error) {
	// A client that hangs up must not keep its failure from being counted.
	ctx = context.WithoutCancel(ctx)
	s.judging.Lock()
	defer s.judging.Unlock()

	account, err := s.admit(name, from)
	if err != nil {
		return store.Account{}, err
	}
	l, err := s.accounts.Lockout(accountKey(tried.ID))
	if err != nil {
		return store.Account{}, err
	}
	now := s.now()
	same := account.ID == tried.ID && account.Password == tried.Password
	if !right || !same || !account.Active || s.byAccount.locked(l, now) {
		return store.Account{}, s.refuse(ctx, l, place{tried.ID, from}, now)
	}
	if l != (store.Lockout{}) {
		if err := s.accounts.SetLockout(ctx, accountKey(account.ID), store.Lockout{}); err != nil {
			return store.Account{}, err
		}
	}
	s.familiar.add(place{account.ID, from}, now)
	return account, nil
}

// refuse counts a failure, l being the account's lockout so far. Unknown names
// are all counted under account 0, which locks nobody, and a locked account is
// written unchanged: every failure costs the same writes.
func (s *Service) refuse(ctx context.Context, l store.Lockout, at place, now time.Time) error {
	if err := s.accounts.SetLockout(ctx, accountKey(at.account), s.byAccount.failed(l, now)); err != nil {
		return err
	}
	if !at.from.IsValid() || s.familiar.has(at, now) {
		return ErrLogin
	}
	key := addressKey(at.from)
	l, err := s.accounts.Lockout(key)
	if err != nil {
		return err
	}
	if err := s.accounts.SetLockout(ctx, key, s.byAddress.failed(l, now)); err != nil {
		return err
	}
	return ErrLogin
}

// A rule says when failures become a lock.
type rule struct {
	limit func() int
	hold  bool // until somebody unlocks
}

func (r rule) locked(l store.Lockout, now time.Time) bool {
	if r.hold {
		return l.Failures >= r.limit()
	}
	// A lock longer than any was set by a clock that went wrong.
	left := l.Until.Sub(now)
	return left > 0 && left <= lockMax
}

// failed is l after one more failure. Tries during a lock neither count nor
// prolong it.
func (r rule) failed(l store.Lockout, now time.Time) store.Lockout {
	if r.locked(l, now) {
		return l
	}
	if now.Sub(l.Last) > forgetAfter {
		l = store.Lockout{}
	}
	l.Failures++
	l.Last = now
	l.Until = time.Time{}
	if over := l.Failures - r.limit(); over >= 0 {
		l.Until = now.Add(min(lockFirst<<min(over, lockDoublings), lockMax))
	}
	return l
}

func accountKey(id policy.ID) string {
	return "account:" + strconv.FormatUint(uint64(id), 10)
}

func addressKey(from netip.Prefix) string {
	if from.Addr().Is4() {
		return "addr:" + from.Addr().String()
	}
	return "addr:" + from.String()
}

// neighbourhood is what of an address is counted together: IPv4 alone, IPv6 by
// site, since one customer has all addresses of that. It is invalid for no
// address.
func neighbourhood(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := a.BitLen()
	if a.Is6() {
		bits = ipv6Site
	}
	p, _ := a.Prefix(bits) // which fails only for other numbers of bits
	return p
}

// A place is an account at an address.
type place struct {
	account policy.ID
	from    netip.Prefix
}

// familiar remembers from where accounts have signed in. The lock of an address
// does not count for them there: one forgotten phone in an office, or one
// colleague's guessing, must not lock out everybody behind the same address.
type familiar struct {
	mu     sync.Mutex
	places map[place]time.Time
}

func (f *familiar) has(p place, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, ok := f.places[p]
	return ok && now.Sub(last) < forgetAfter
}

func (f *familiar) add(p place, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.places == nil {
		f.places = make(map[place]time.Time)
	}
	for old := range f.places {
		if len(f.places) < placesMax {
			break
		}
		delete(f.places, old)
	}
	f.places[p] = now
}
