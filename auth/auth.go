// Package auth answers one question: who is asking. It owns passwords, app
// passwords, the memory of verified credentials and the lockout after failures.
//
// It never decides what somebody may do, and it never says why a sign-in was
// refused: an unknown name, a wrong password, a deactivated account and a lock
// cost the same work and get the same ErrLogin.
//
//	s := auth.New(accounts, auth.Options{})
//	who, err := s.Request(r)
//	if errors.Is(err, auth.ErrLogin) {
//		auth.Challenge(w.Header())
//		w.WriteHeader(http.StatusUnauthorized)
//	}
package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"
	"unicode/utf8"

	"davit/policy"
	"davit/store"
)

var (
	// ErrLogin is the one answer to every sign-in that does not succeed.
	ErrLogin = errors.New("sign-in refused: check the name and the password")
	// ErrBusy says that too many passwords are being checked already. Nothing was
	// tried; the client is asked to come back after BusyRetrySeconds.
	ErrBusy = errors.New("too many sign-ins at once: try again in a few seconds")
)

// BusyRetrySeconds is the Retry-After that goes with ErrBusy: the time in which
// a full queue drains, rounded up.
const BusyRetrySeconds = 3

// credentialMax is how many bytes of a name, and of a secret, are looked at.
const credentialMax = 512

// An Identity is who is asking, and through which credential.
type Identity struct {
	User policy.ID
	// Link is that of a bearer, who is nobody by name.
	Link policy.ID
	Name string
	// Device is the app password that was used, 0 for the main password.
	Device uint64
	// Class is what the app password was made for. The main password has none of
	// its own: the door it came through says.
	Class policy.Class
	// ReadOnly is a mask: this credential reads, whatever its account may do.
	ReadOnly bool
	// Spaces are the only ones that this credential opens, if there are any.
	Spaces []policy.ID
}

// id is what the Identity stands for, an account or a link.
func (i Identity) id() policy.ID {
	if i.Link != policy.Nobody {
		return i.Link
	}
	return i.User
}

// Accounts is what auth needs of the store.
type Accounts interface {
	// Account answers store.ErrNotFound when nobody has that name.
	Account(name string) (store.Account, error)
	// Link answers store.ErrNotFound for a token that opens nothing now.
	Link(token [32]byte) (store.Account, error)
	// Stamp is asked on every request and answers from memory.
	Stamp(id policy.ID) (stamp uint64, active bool)
	SetPassword(ctx context.Context, id policy.ID, stored string) error
	// AddDevice gives the device its id, and refuses a name that the account has
	// given to another one.
	AddDevice(ctx context.Context, id policy.ID, d store.Device) (store.Device, error)
	RemoveDevice(ctx context.Context, id policy.ID, device uint64) error
	// Lockout answers the zero Lockout for a key under which nothing is counted.
	Lockout(key string) (store.Lockout, error)
	// SetLockout forgets the key when the Lockout is zero.
	SetLockout(ctx context.Context, key string, l store.Lockout) error
	// LockoutAfter is how many failures lock an account.
	LockoutAfter() int
}

// Options are the choices of an installation; the zero Options are good ones.
type Options struct {
	// Now is the clock, time.Now when nil.
	Now func() time.Time
	// Remote tells where a request comes from. When nil it is the other end of the
	// connection; behind a proxy that is the proxy, and one stranger's failures
	// would lock everybody out.
	Remote func(*http.Request) netip.Addr
	// AddressFailures is how many failures lock an address, 20 when 0.
	AddressFailures int
	// HoldLocked keeps a locked account locked until Unlock.
	HoldLocked bool
}

// A Service identifies. It is safe for concurrent use.
type Service struct {
	accounts Accounts
	now      func() time.Time
	remote   func(*http.Request) netip.Addr
	verified *verified
	work     *work
	overlap  overlap
	// judging orders what is read and written of lockouts, so that two failures
	// at once count as two.
	judging   sync.Mutex
	byAccount rule
	byAddress rule
	familiar  familiar
}

// New makes a Service over accounts.
func New(accounts Accounts, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Remote == nil {
		o.Remote = peer
	}
	if o.AddressFailures <= 0 {
		o.AddressFailures = addressFailures
	}
	return &Service{
		accounts:  accounts,
		now:       o.Now,
		remote:    o.Remote,
		verified:  newVerified(),
		work:      newWork(),
		byAccount: rule{limit: accounts.LockoutAfter, hold: o.HoldLocked},
		byAddress: rule{limit: func() int { return o.AddressFailures }},
	}
}

// Basic identifies by a name and a secret, which is the main password or one of
// the app passwords, sent from remote. It answers ErrLogin, ErrBusy, or what the
// context or the store had to say.
func (s *Service) Basic(ctx context.Context, name, secret string, remote netip.Addr) (Identity, error) {
	if name == "" || !legible(name) || !legible(secret) {
		return Identity{}, ErrLogin
	}
	key := s.verified.key(name, secret)
	if c, ok := s.verified.get(key, s.now()); ok && s.holds(c) {
		return c.Identity, nil
	}
	if bits, ok := parseDevice(secret); ok {
		return s.byDevice(name, bits, key)
	}
	from := neighbourhood(remote)
	return s.overlap.join(ctx, try{key, from}, func() (Identity, error) {
		return s.byPassword(ctx, name, secret, key, from)
	})
}

// Device is Basic for where a main password alone opens nothing. It is not even
// looked at: neither the answer nor its time tells whether it is the right one.
func (s *Service) Device(name, secret string) (Identity, error) {
	bits, ok := parseDevice(secret)
	if name == "" || !legible(name) || !ok {
		return Identity{}, ErrLogin
	}
	key := s.verified.key(name, secret)
	if c, ok := s.verified.get(key, s.now()); ok && c.Device != 0 && s.holds(c) {
		return c.Identity, nil
	}
	return s.byDevice(name, bits, key)
}

// holds tells whether the account is still as it was when c was verified.
func (s *Service) holds(c credential) bool {
	stamp, active := s.accounts.Stamp(c.id())
	return active && stamp == c.stamp
}

// byDevice identifies by an app password. It asks for no lock and counts no
// failure: 160 random bits are not guessed, and a phone that still sends a
// removed one must not lock its owner out.
func (s *Service) byDevice(name string, bits deviceBits, key digest) (Identity, error) {
	account, err := s.lookup(name)
	if err != nil {
		return Identity{}, err
	}
	now := s.now()
	d, ok := findDevice(account.Devices, bits)
	if !ok || !account.Active || expired(d, now) {
		return Identity{}, ErrLogin
	}
	who := Identity{User: account.ID, Name: account.Name, Device: d.ID, Class: d.Class, ReadOnly: d.ReadOnly, Spaces: d.Spaces}
	s.verified.put(key, credential{who, account.Stamp, rememberUntil(now, d.Expires)}, now)
	return who, nil
}

// byPassword identifies by the main password.
func (s *Service) byPassword(ctx context.Context, name, secret string, key digest, from netip.Prefix) (Identity, error) {
	// Asked before the queue too, so that a locked address cannot fill it.
	if account, err := s.admit(name, from); err != nil {
		return Identity{}, err
	} else if open(account) {
		return identity(account), nil
	}
	leave, err := s.work.enter(ctx)
	if err != nil {
		return Identity{}, err
	}
	defer leave()
	account, err := s.admit(name, from)
	if err != nil {
		return Identity{}, err
	}
	right, err := s.work.matches(account.Password, secret)
	if err != nil {
		return Identity{}, fmt.Errorf("account %s: %w", account.Name, err)
	}
	if account, err = s.judge(ctx, name, account, right, from); err != nil {
		return Identity{}, err
	}
	who, now := identity(account), s.now()
	s.verified.put(key, credential{who, account.Stamp, rememberUntil(now, time.Time{})}, now)
	return who, nil
}

// lookup finds the account, or the link whose token is the name, or the zero
// Account, which is inactive and has no password: an unknown name takes the way
// of every other failure.
func (s *Service) lookup(name string) (store.Account, error) {
	account, err := s.accounts.Account(name)
	if errors.Is(err, store.ErrNotFound) {
		account, err = s.link(name)
	}
	if errors.Is(err, store.ErrNotFound) {
		return store.Account{}, nil
	}
	return account, err
}

// identity is who signed in with a password.
func identity(a store.Account) Identity {
	if a.Link {
		return Identity{Link: a.ID}
	}
	return Identity{User: a.ID, Name: a.Name}
}

// legible tells whether t can be a name or a secret at all.
func legible(t string) bool {
	if len(t) > credentialMax || !utf8.ValidString(t) {
		return false
	}
	for i := range len(t) {
		if t[i] < 0x20 || t[i] == 0x7f { // RFC 7617, section 2: no control characters
			return false
		}
	}
	return true
}
