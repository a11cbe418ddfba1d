package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// An Account is what signing in has to know of a user.
type Account struct {
	ID     policy.ID
	Name   string
	Active bool
	// Link: not somebody's account but a link, whose bearers sign in.
	Link bool
	// Password is a PHC string, empty while no password has been set.
	Password string
	// Stamp changes with every change of the account: password, state, devices.
	// A verified credential that is remembered holds only while it is the same.
	Stamp   uint64
	Devices []Device
}

// A Device is an app password: a credential for one client of one account,
// that narrows what the account may do and never widens it.
type Device struct {
	ID   uint64 `json:"id"`   // unique within the store
	Name string `json:"name"` // unique within the account, told by its owner
	// Secret is the SHA-256 of the 160 random bits that the client was given.
	Secret   [32]byte     `json:"secret"`
	Class    policy.Class `json:"class"`
	ReadOnly bool         `json:"read_only,omitempty"`
	Spaces   []policy.ID  `json:"spaces,omitempty"` // the only ones that it opens, if there are any
	Created  time.Time    `json:"created"`
	Expires  time.Time    `json:"expires,omitzero"` // zero: never
}

// A Lockout counts failed sign-ins of one account or from one address. It
// survives a restart.
type Lockout struct {
	Failures int       `json:"failures"`
	Last     time.Time `json:"last"`           // of the newest failure
	Until    time.Time `json:"until,omitzero"` // no sign-in is tried before
}

// login is the record behind an Account.
type login struct {
	Password string   `json:"password,omitempty"`
	Devices  []Device `json:"devices,omitempty"`
}

// stamps counts the changes of each account since the start.
type stamps struct {
	sync.RWMutex
	of map[policy.ID]uint64
}

func (s *stamps) get(id policy.ID) uint64 {
	s.RLock()
	defer s.RUnlock()
	return s.of[id]
}

func (s *stamps) bump(id policy.ID) {
	s.Lock()
	defer s.Unlock()
	s.of[id]++
}

// Account finds the account of a login name. There is none for ErrNotFound.
func (st *Store) Account(name string) (Account, error) {
	u := st.Policy().UserNamed(name)
	if u == nil {
		return Account{}, fmt.Errorf("no user %q: %w", name, ErrNotFound)
	}
	// The stamp is read before the record: a change between the two makes it
	// stale, never too new.
	a := Account{ID: u.ID, Name: u.Name, Active: u.ActiveAt(st.clock().Unix()), Stamp: st.stamps.get(u.ID)}
	err := st.db.View(func(r engine.Reader) error {
		l, err := readLogin(r, u.ID)
		a.Password, a.Devices = l.Password, l.Devices
		return err
	})
	return a, err
}

// Stamp tells from memory whether what was verified of an account still holds.
func (st *Store) Stamp(id policy.ID) (stamp uint64, active bool) {
	state, now := st.Policy(), st.clock()
	if u := state.User(id); u != nil {
		return st.stamps.get(id), u.ActiveAt(now.Unix())
	}
	_, live := liveLink(state, id, now)
	return st.stamps.get(id), live
}

func readLogin(r engine.Reader, id policy.ID) (login, error) {
	var l login
	v, err := r.Get(key1(tableLogin, uint64(id)))
	if err != nil || v == nil {
		return l, err
	}
	if err := json.Unmarshal(v, &l); err != nil {
		return l, fmt.Errorf("login record of %d: %w", id, err)
	}
	return l, nil
}

// changeLogin edits the record of an account; its stamp changes with the commit.
func (st *Store) changeLogin(ctx context.Context, id policy.ID, edit func(*Tx, *login) error) error {
	return st.update(ctx, engine.Foreground, func(tx *Tx) error {
		if tx.state.User(id) == nil {
			return fmt.Errorf("no such user: %w", ErrNotFound)
		}
		l, err := readLogin(tx.r, id)
		if err != nil {
			return err
		}
		if err := edit(tx, &l); err != nil {
			return err
		}
		tx.w.OnCommit(func() { st.stamps.bump(id) })
		return keepRecord(tx.w, key1(tableLogin, uint64(id)), &l)
	})
}

// SetPassword keeps a new password hash.
func (st *Store) SetPassword(ctx context.Context, id policy.ID, phc string) error {
	return st.changeLogin(ctx, id, func(tx *Tx, l *login) error {
		l.Password = phc
		return tx.dropPushes(id, func(p *push) bool { return p.Device == 0 })
	})
}

// DeviceMax is how many app passwords an account may have.
const DeviceMax = 100

// AddDevice keeps a new app password and gives it its ID. ErrExists if the name
// is taken.
func (st *Store) AddDevice(ctx context.Context, id policy.ID, d Device) (Device, error) {
	err := st.changeLogin(ctx, id, func(tx *Tx, l *login) error {
		if slices.ContainsFunc(l.Devices, func(o Device) bool { return o.Name == d.Name }) {
			return fmt.Errorf("device %q: %w", d.Name, ErrExists)
		}
		if len(l.Devices) >= DeviceMax {
			return fmt.Errorf("an account has at most %d devices: %w", DeviceMax, ErrTooMany)
		}
		var err error
		d.ID, err = st.ids.take(tx.w)
		l.Devices = append(l.Devices, d)
		return err
	})
	return d, err
}

// RemoveDevice ends an app password from the next request on.
func (st *Store) RemoveDevice(ctx context.Context, id policy.ID, device uint64) error {
	return st.changeLogin(ctx, id, func(tx *Tx, l *login) error {
		n := len(l.Devices)
		l.Devices = slices.DeleteFunc(l.Devices, func(d Device) bool { return d.ID == device })
		if len(l.Devices) == n {
			return fmt.Errorf("no such device: %w", ErrNotFound)
		}
		return tx.dropPushes(id, func(p *push) bool { return p.Device == device })
	})
}

// LockoutAfter is how many failures lock an account, by the settings of now.
func (st *Store) LockoutAfter() int { return st.Policy().Settings().LockoutAfter }

func lockoutKey(key string) []byte { return append([]byte{tableLockout}, key...) }

// Lockout reads what is counted under a key, the zero value if nothing is.
func (st *Store) Lockout(key string) (l Lockout, err error) {
	err = st.db.View(func(r engine.Reader) error {
		v, err := r.Get(lockoutKey(key))
		if err != nil || v == nil {
			return err
		}
		return json.Unmarshal(v, &l)
	})
	return l, err
}

// SetLockout keeps what is counted; the zero value takes it away.
func (st *Store) SetLockout(ctx context.Context, key string, l Lockout) error {
	return st.db.Update(ctx, engine.Foreground, func(w engine.Writer) error {
		if l == (Lockout{}) {
			return w.Delete(lockoutKey(key))
		}
		return keepRecord(w, lockoutKey(key), &l)
	})
}

// lockoutAge is after how long a failure from an address is forgotten.
const lockoutAge = 24 * time.Hour

// forgetLockouts takes away what is counted of addresses that have been quiet:
// there is no end of addresses. What is counted of accounts stays.
func (st *Store) forgetLockouts(ctx context.Context) (err error) {
	for more := true; more && err == nil; {
		err = st.update(ctx, engine.Background, func(tx *Tx) error {
			var quiet [][]byte
			err := scanTable(tx.r, tableLockout, func(k, v []byte) error {
				var l Lockout
				if err := json.Unmarshal(v, &l); err != nil {
					return err
				}
				if bytes.HasPrefix(k[1:], []byte("addr:")) && tx.now.Sub(l.Last) > lockoutAge && tx.now.After(l.Until) && len(quiet) < collectSlice {
					quiet = append(quiet, bytes.Clone(k))
				}
				return nil
			})
			for _, k := range quiet {
				err = errors.Join(err, tx.w.Delete(k))
			}
			more = len(quiet) == collectSlice
			return err
		})
	}
	return err
}
