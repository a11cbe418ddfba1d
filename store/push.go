package store

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A client may have itself told, through a push service, that something has changed in a
// collection. Its registration is kept until it expires, and is asked again at each
// message whether the client may still know: a message itself says that something
// changed. What is told is what a sync would tell, so that nobody learns of what is
// hidden from him.

// Limits of registrations.
const (
	PushesMax    = 500                 // of one account
	PushLifeMax  = 30 * 24 * time.Hour // which is also the usual one
	pushURLMax   = 2048                // bytes
	pushFaultMax = 200                 // bytes
)

var (
	// ErrNoPush refuses a registration where nothing is pushed to the asker.
	ErrNoPush = errors.New("nothing is pushed of this")
	// ErrPushHost refuses a push service that the settings do not name.
	ErrPushHost = errors.New("the server pushes nothing there: an admin allows it with push-hosts")
)

// A NewPush is what a client asks for.
type NewPush struct {
	Resource  string // the URL of the push service, by which a registration is known again
	PublicKey []byte // for whom messages are encrypted
	Auth      []byte
	Content   bool      // told when members change
	Deep      bool      // and members of members
	Props     bool      // told when the collection's own properties change
	Until     time.Time // zero: as long as it goes
}

// A push is the record of a registration.
type push struct {
	NewPush
	Node    policy.Node  `json:"node"`
	Device  uint64       `json:"device,omitempty"`
	Class   policy.Class `json:"class"`
	Created time.Time    `json:"created"`
	// Told is a sync token of what the client may have been told of.
	Told  string `json:"told"`
	Fault string `json:"fault,omitempty"` // of the last message
}

// A PushID names a registration. Numbers are never given twice.
type PushID struct {
	User   policy.ID
	Number uint64
}

func pushKey(id PushID) []byte {
	return binary.BigEndian.AppendUint64(key1(tablePush, uint64(id.User)), id.Number)
}

func pushID(key []byte) PushID {
	return PushID{policy.ID(readKey(key)), binary.BigEndian.Uint64(key[9:])}
}

// readPush reads a registration, nil if there is none.
func (tx *Tx) readPush(id PushID) (*push, error) {
	v, err := tx.r.Get(pushKey(id))
	if err != nil || v == nil {
		return nil, err
	}
	return decodePush(id, v)
}

func decodePush(id PushID, v []byte) (*push, error) {
	p := new(push)
	if err := json.Unmarshal(v, p); err != nil {
		return nil, fmt.Errorf("push registration %d: %w", id.Number, err)
	}
	return p, nil
}

// MayPush tells whether anything is pushed to the asker.
func (s *Session) MayPush() bool {
	return s != nil && s.cred.User != policy.Nobody && s.trial == nil && len(s.policy().Settings().PushHosts) > 0
}

// PushKey is the public key, an uncompressed point of P-256, by which push services
// know the server again.
func (s *Session) PushKey() []byte { return s.st.sealer.public }

// topic names a collection in messages: to nobody else does it say anything.
func (s *sealer) topic(n policy.Node) string {
	return base64.RawURLEncoding.EncodeToString(s.sum("topic", beUint64(uint64(n)))[:16])
}

// pushTopic is the topic of a collection, empty where nothing is pushed to the asker.
func (s *Session) pushTopic(tx *Tx, e *Entry) string {
	if !e.Dir || !s.MayPush() {
		return ""
	}
	return tx.st.sealer.topic(e.Node)
}

// A Registered is a registration as its client is told it.
type Registered struct {
	Number uint64
	Until  time.Time
	Made   bool // it was not there before
}

// RegisterPush has the asker told of changes in a collection, until a time of at most
// PushLifeMax from now. The same push service registered twice for a collection is one
// registration, with what was asked last.
func (s *Session) RegisterPush(ctx context.Context, p Path, n NewPush, t Terms) (r Registered, err error) {
	err = s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		if _, err := s.authorize(tx, sp, opPush); err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, nil); err != nil {
			return err
		}
		if err := s.pushable(tx, sp, &n); err != nil {
			return err
		}
		rec := &push{NewPush: n, Node: sp.entry().Node, Device: s.cred.Device, Class: s.cred.Class, Created: tx.now}
		if latest := tx.now.Add(PushLifeMax); rec.Until.IsZero() || rec.Until.After(latest) {
			rec.Until = latest
		}
		rec.Until = rec.Until.UTC().Truncate(time.Second)
		r, err = s.putPush(tx, sp, rec)
		return err
	})
	return r, err
}

// pushable refuses what nothing is pushed of, to where, or to whom.
func (s *Session) pushable(tx *Tx, sp *spot, n *NewPush) error {
	u, err := url.Parse(n.Resource)
	set := tx.state.Settings()
	switch {
	case !s.MayPush() || sp.past != nil || !sp.entry().Dir:
		return ErrNoPush
	case err != nil || len(n.Resource) > pushURLMax || !set.Pushes(u):
		return ErrPushHost
	case !n.Until.IsZero() && !n.Until.After(tx.now):
		return fmt.Errorf("the registration ends before it begins: %w", ErrInvalid)
	}
	return nil
}

// receiver is the session in which messages of a registration are decided: of its
// account, by its credential as that is now, from no network, since nobody knows where
// the client is when it gets them. dead tells that its credential is no more.
func (tx *Tx) receiver(id PushID, rec *push) (s *Session, dead bool, err error) {
	c := Credential{User: id.User, Device: rec.Device, Class: rec.Class, Mask: policy.All, From: netip.Addr{}}
	if rec.Device == 0 {
		return &Session{st: tx.st, cred: c}, false, nil
	}
	l, err := readLogin(tx.r, id.User)
	if err != nil {
		return nil, false, err
	}
	i := slices.IndexFunc(l.Devices, func(d Device) bool { return d.ID == rec.Device })
	if i < 0 || !l.Devices[i].Expires.IsZero() && !tx.now.Before(l.Devices[i].Expires) {
		return nil, true, nil
	}
	c.Spaces, c.Class = l.Devices[i].Spaces, l.Devices[i].Class
	if l.Devices[i].ReadOnly {
		c.Mask = policy.ReadOnly
	}
	return &Session{st: tx.st, cred: c}, false, nil
}

// putPush keeps a registration, in the place of one of the same push service for the
// same collection.
func (s *Session) putPush(tx *Tx, sp *spot, rec *push) (r Registered, err error) {
	id, count := PushID{User: s.cred.User}, 0
	err = tx.eachPush(key1(tablePush, uint64(s.cred.User)), func(old PushID, have *push) error {
		if count++; have.Node == rec.Node && have.Resource == rec.Resource {
			id, rec.Created, rec.Told = old, have.Created, have.Told // what waits is still told
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	r = Registered{Until: rec.Until, Made: id.Number == 0}
	if r.Made {
		if count >= PushesMax {
			return r, fmt.Errorf("an account has at most %d push registrations: %w", PushesMax, ErrTooMany)
		}
		if id.Number, err = tx.st.ids.take(tx.w); err != nil {
			return r, err
		}
	}
	as, dead, err := tx.receiver(id, rec)
	if err != nil || dead {
		return r, firstOf(err, ErrNoPush)
	}
	if _, err := as.authorize(tx, sp, opPush); err != nil {
		return r, ErrNoPush // it depends on where the client is
	}
	if r.Made {
		if rec.Told, err = as.syncToken(tx, sp.space.ID, rec.Node); err != nil {
			return r, err
		}
	}
	tx.w.OnCommit(func() { tx.st.pushes.add(id, rec.Node) })
	r.Number = id.Number
	return r, keepRecord(tx.w, pushKey(id), rec)
}

// UnregisterPush ends one of the asker's own registrations, which takes no right:
// ErrNotFound for what is none.
func (s *Session) UnregisterPush(ctx context.Context, number uint64) error {
	return s.st.dropPush(ctx, PushID{s.cred.User, number})
}

func (st *Store) dropPush(ctx context.Context, id PushID) error {
	return st.update(ctx, engine.Foreground, func(tx *Tx) error {
		rec, err := tx.readPush(id)
		if err == nil && (rec == nil || !tx.now.Before(rec.Until)) {
			err = fmt.Errorf("push registration %d: %w", id.Number, ErrNotFound)
		}
		if err != nil {
			return err
		}
		return tx.dropPush(id, rec.Node)
	})
}

func (tx *Tx) dropPush(id PushID, n policy.Node) error {
	tx.w.OnCommit(func() { tx.st.pushes.drop(id, n) })
	return tx.w.Delete(pushKey(id))
}

// eachPush gives the registrations under a prefix of keys; fn may drop the one it is
// given.
func (tx *Tx) eachPush(prefix []byte, fn func(PushID, *push) error) error {
	all := map[PushID]*push{}
	var failed error
	err := scanPrefix(tx.r, prefix, func(k, v []byte) bool {
		id := pushID(k)
		all[id], failed = decodePush(id, v)
		return failed == nil
	})
	if err = firstOf(err, failed); err != nil {
		return err
	}
	for _, id := range slices.SortedFunc(maps.Keys(all), func(a, b PushID) int { return slices.Compare(pushKey(a), pushKey(b)) }) {
		if err := fn(id, all[id]); err != nil {
			return err
		}
	}
	return nil
}

// dropPushes ends the registrations of an account that are gone by what happened to
// it: all for nil.
func (tx *Tx) dropPushes(user policy.ID, gone func(*push) bool) error {
	return tx.eachPush(key1(tablePush, uint64(user)), func(id PushID, rec *push) error {
		if gone != nil && !gone(rec) {
			return nil
		}
		return tx.dropPush(id, rec.Node)
	})
}

// dropPushesOn ends the registrations on a collection that is erased.
func (tx *Tx) dropPushesOn(n policy.Node) error {
	for _, id := range tx.st.pushes.on(n) {
		if err := tx.dropPush(id, n); err != nil {
			return err
		}
	}
	return nil
}

// forgetPushes takes away registrations that have expired.
func (st *Store) forgetPushes(ctx context.Context) error {
	if !st.pushes.any() {
		return nil
	}
	return st.update(ctx, engine.Background, func(tx *Tx) error {
		return tx.eachPush([]byte{tablePush}, func(id PushID, rec *push) error {
			if tx.now.Before(rec.Until) {
				return nil
			}
			return tx.dropPush(id, rec.Node)
		})
	})
}

// loadPushes counts the registrations at the start.
func (st *Store) loadPushes() error {
	return st.view(func(tx *Tx) error {
		return tx.eachPush([]byte{tablePush}, func(id PushID, rec *push) error {
			st.pushes.add(id, rec.Node)
			return nil
		})
	})
}

// pushTable: every registration is of an account that is there.
func (k *checker) pushTable() error {
	return k.tx.eachPush([]byte{tablePush}, func(id PushID, _ *push) error {
		if k.tx.state.User(id.User) == nil {
			k.faultf("push registration %d of %d, who is no user", id.Number, id.User)
		}
		return nil
	})
}
