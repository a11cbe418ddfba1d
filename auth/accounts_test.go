package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"davit/policy"
	"davit/store"
)

var (
	office = netip.MustParseAddr("192.0.2.7")
	street = netip.MustParseAddr("198.51.100.9")
)

var errDisk = errors.New("the disk broke")

var _ Accounts = (*store.Store)(nil)

// accounts is the store as auth sees it, in memory.
type accounts struct {
	mu       sync.Mutex
	byID     map[policy.ID]store.Account
	links    map[[32]byte]policy.ID // by token
	lockouts map[string]store.Lockout
	limit    int // of failures
	writes   int // calls of SetLockout
	// breaks is how many reads and writes go well before one fails; none does
	// while it is negative.
	breaks int
}

// fault is the error of the call that breaks.
func (a *accounts) fault() error {
	a.breaks--
	if a.breaks == -1 {
		return errDisk
	}
	return nil
}

func (a *accounts) Account(name string) (store.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.fault(); err != nil {
		return store.Account{}, err
	}
	for _, account := range a.byID {
		if strings.EqualFold(account.Name, name) {
			account.Devices = slices.Clone(account.Devices)
			return account, nil
		}
	}
	return store.Account{}, store.ErrNotFound
}

func (a *accounts) Link(token [32]byte) (store.Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.fault(); err != nil {
		return store.Account{}, err
	}
	account := a.byID[a.links[token]]
	if !account.Active {
		return store.Account{}, store.ErrNotFound
	}
	return account, nil
}

func (a *accounts) Stamp(id policy.ID) (uint64, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	account := a.byID[id]
	return account.Stamp, account.Active
}

// change edits one account and gives it a new stamp.
func (a *accounts) change(id policy.ID, edit func(*store.Account) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	account, ok := a.byID[id]
	if !ok {
		return store.ErrNotFound
	}
	if err := edit(&account); err != nil {
		return err
	}
	account.Stamp++
	a.byID[id] = account
	return nil
}

func (a *accounts) SetPassword(ctx context.Context, id policy.ID, stored string) error {
	return a.change(id, func(account *store.Account) error {
		account.Password = stored
		return ctx.Err()
	})
}

func (a *accounts) AddDevice(ctx context.Context, id policy.ID, d store.Device) (store.Device, error) {
	err := a.change(id, func(account *store.Account) error {
		if slices.ContainsFunc(account.Devices, func(o store.Device) bool { return o.Name == d.Name }) {
			return store.ErrExists
		}
		d.ID = account.Stamp + 1
		account.Devices = append(slices.Clone(account.Devices), d)
		return ctx.Err()
	})
	return d, err
}

func (a *accounts) RemoveDevice(ctx context.Context, id policy.ID, device uint64) error {
	return a.change(id, func(account *store.Account) error {
		account.Devices = slices.DeleteFunc(slices.Clone(account.Devices), func(d store.Device) bool { return d.ID == device })
		return ctx.Err()
	})
}

// accountFailures lock an account of these tests.
const accountFailures = 5

func (a *accounts) LockoutAfter() int { return a.limit }

func (a *accounts) Lockout(key string) (store.Lockout, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.fault(); err != nil {
		return store.Lockout{}, err
	}
	return a.lockouts[key], nil
}

func (a *accounts) SetLockout(ctx context.Context, key string, l store.Lockout) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := errors.Join(a.fault(), ctx.Err()); err != nil {
		return err
	}
	a.writes++
	if l == (store.Lockout{}) {
		delete(a.lockouts, key)
		return nil
	}
	a.lockouts[key] = l
	return nil
}

func (a *accounts) written() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.writes
}

// clock is a time that only moves when told.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock() *clock {
	c := &clock{}
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	c.at.Store(&start)
	return c
}

func (c *clock) now() time.Time { return *c.at.Load() }

func (c *clock) pass(d time.Duration) {
	t := c.now().Add(d)
	c.at.Store(&t)
}

const (
	mia policy.ID = 10 + iota
	bob
	ann
	pat
)

const miasPassword = "a boat on the lake"

// house is a Service whose hashes are cheap and counted, with four accounts: mia
// and bob have passwords, ann is deactivated, pat has no password yet.
type house struct {
	*Service
	t     testing.TB
	store *accounts
	clock *clock
	runs  *atomic.Int64
}

func newHouse(t testing.TB, o Options) *house {
	t.Helper()
	a := &accounts{byID: map[policy.ID]store.Account{}, lockouts: map[string]store.Lockout{}, limit: accountFailures, breaks: -1}
	h := &house{t: t, store: a, clock: newClock(), runs: new(atomic.Int64)}
	h.restart(o)
	for id, name := range map[policy.ID]string{mia: "mia", bob: "bob", ann: "ann", pat: "pat"} {
		a.byID[id] = store.Account{ID: id, Name: name, Active: true, Stamp: 100 * uint64(id)}
	}
	for id, secret := range map[policy.ID]string{mia: miasPassword, bob: "bob likes bread", ann: "ann was here"} {
		h.must(h.SetPassword(t.Context(), id, secret))
	}
	h.must(a.change(ann, func(account *store.Account) error { account.Active = false; return nil }))
	h.runs.Store(0)
	a.writes = 0
	return h
}

// restart makes a new Service over the same store.
func (h *house) restart(o Options) {
	o.Now = h.clock.now
	h.Service = New(h.store, o)
	h.work.derive = func(secret string, p phc) []byte {
		h.runs.Add(1)
		sum := sha256.Sum256(append([]byte(secret), p.salt...))
		return sum[:]
	}
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) in(name, secret string, from netip.Addr) {
	h.t.Helper()
	if _, err := h.Basic(h.t.Context(), name, secret, from); err != nil {
		h.t.Errorf("%s from %s: %v, want to be let in", name, from, err)
	}
}

func (h *house) out(name, secret string, from netip.Addr) {
	h.t.Helper()
	if who, err := h.Basic(h.t.Context(), name, secret, from); err != ErrLogin || !reflect.DeepEqual(who, Identity{}) {
		h.t.Errorf("%s from %s: %+v, %v, want ErrLogin", name, from, who, err)
	}
}

// device makes an app password and answers its secret.
func (h *house) device(id policy.ID, n NewDevice) (store.Device, string) {
	h.t.Helper()
	d, secret, err := h.AddDevice(h.t.Context(), id, n)
	h.must(err)
	return d, secret
}
