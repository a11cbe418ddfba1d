package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"davit/policy"
)

// LockMax is the longest that a lock lives without being refreshed.
const LockMax = time.Hour

// locksPerNode bounds the shared locks on one file.
const locksPerNode = 100

// A Lock is a write lock, RFC 4918, section 6.
type Lock struct {
	Token    string // a urn:uuid
	Node     policy.Node
	User     policy.ID // or link
	UserName string
	Owner    []byte // XML that the client gave, to be shown to others
	Infinite bool   // covers everything below
	Shared   bool
	Expires  time.Time
	Root     Path // where the lock was taken, as of now
	// Class and Network are those of the client that took it.
	Class   policy.Class
	Network policy.Network
	// Adds: its holder had the right to add here and none to write.
	Adds bool
}

// LockedError names the locks that stand in the way.
type LockedError struct{ Locks []Lock }

func (l *LockedError) Error() string { return fmt.Sprintf("locked at %s", l.Locks[0].Root) }

// ErrNoLock says that a token names no lock here.
var ErrNoLock = errors.New("no such lock here")

// Flags of a lock as it is kept.
const (
	lockInfinite byte = 1 << iota
	lockShared
	lockAdds
	lockContext // class and network follow
)

func appendLock(b []byte, l *Lock) []byte {
	flags := lockContext
	for _, f := range []struct {
		set bool
		bit byte
	}{{l.Infinite, lockInfinite}, {l.Shared, lockShared}, {l.Adds, lockAdds}} {
		if f.set {
			flags |= f.bit
		}
	}
	b = append(b, flags, byte(l.Class), byte(l.Network))
	b = binary.AppendUvarint(b, uint64(l.User))
	b = binary.AppendVarint(b, l.Expires.UnixNano())
	return append(b, l.Owner...)
}

func decodeLock(k, v []byte) (Lock, error) {
	d := decoder{b: v}
	flags := d.byte()
	l := Lock{
		Node: policy.Node(binary.BigEndian.Uint64(k[1:9])), Token: string(k[9:]),
		Infinite: flags&lockInfinite != 0, Shared: flags&lockShared != 0, Adds: flags&lockAdds != 0,
		Class: policy.DAV, Network: policy.Inside,
	}
	if flags&lockContext != 0 {
		l.Class, l.Network = policy.Class(d.byte()), policy.Network(d.byte())
	}
	l.User, l.Expires = policy.ID(d.uvarint()), time.Unix(0, d.varint())
	l.Owner = slices.Clone(d.b)
	d.b = nil
	return l, d.done("lock")
}

// counts tells whether a lock stands in anybody's way: its holder may still write
// there, through a client like the one that took it.
func (tx *Tx) counts(l *Lock) (bool, error) {
	up, err := way(tx.r, l.Node)
	if err != nil {
		return false, err
	}
	space := tx.state.SpaceAt(up[0])
	if space == nil {
		return false, nil
	}
	need := policy.Write
	if l.Adds {
		need = policy.Add
	}
	holder := policy.Subject{User: l.User, Mask: policy.All, Class: l.Class, Network: l.Network, Now: tx.now.Unix()}
	if tx.state.User(l.User) == nil {
		holder.User, holder.Link = policy.Nobody, l.User
	}
	return tx.state.Held(holder, policy.Place{Space: space.ID, Path: up})&need != 0, nil
}

// eachLock scans the locks of one node that count, or of all nodes for 0.
func (tx *Tx) eachLock(g grant, n policy.Node, fn func(Lock)) error {
	var failed error
	err := tx.eachKept(g, n, func(l Lock) {
		counts, err := tx.counts(&l)
		failed = errors.Join(failed, err)
		if counts {
			fn(l)
		}
	})
	return errors.Join(err, failed)
}

// eachKept scans the locks that have not expired, also those that do not count.
func (tx *Tx) eachKept(g grant, n policy.Node, fn func(Lock)) error {
	if tx.st.lockCount.Load() == 0 {
		return nil
	}
	prefix := []byte{tableLock}
	if n != 0 {
		prefix = key1(tableLock, uint64(n))
	}
	var failed error
	err := scanPrefix(tx.r, prefix, func(k, v []byte) bool {
		l, err := decodeLock(k, v)
		if err != nil {
			failed = err
			return false
		}
		if l.Expires.After(tx.now) {
			fn(l)
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return err
}

// dropIdle ends the locks that do not count on a way and, for a lock on all
// below, there: the new lock takes their place, and none comes back to life
// beside it when its holder gets the right back.
func (tx *Tx) dropIdle(g grant, over []policy.Node, infinite bool) error {
	var idle []Lock
	var failed error
	each := func(n policy.Node) error {
		return tx.eachKept(g, n, func(l Lock) {
			up, err := way(tx.r, l.Node)
			counts, err2 := tx.counts(&l)
			failed = errors.Join(failed, err, err2)
			if !counts && (n != 0 || slices.Contains(up, over[len(over)-1])) {
				idle = append(idle, l)
			}
		})
	}
	nodes := over
	if infinite {
		nodes = append(slices.Clip(over[:len(over)-1]), 0)
	}
	for _, n := range nodes {
		if err := errors.Join(each(n), failed); err != nil {
			return err
		}
	}
	for _, l := range idle {
		if err := tx.dropLock(g, l); err != nil {
			return err
		}
	}
	return nil
}

// locksOn are the locks that cover the last node of the way: its own and the
// infinite ones above.
func (tx *Tx) locksOn(g grant, way []policy.Node) ([]Lock, error) {
	return tx.covering(g, way, len(way)-1)
}

// locksOver are the locks that cover a new name below the last node.
func (tx *Tx) locksOver(g grant, way []policy.Node) ([]Lock, error) {
	return tx.covering(g, way, len(way))
}

func (tx *Tx) covering(g grant, way []policy.Node, own int) ([]Lock, error) {
	if tx.st.lockCount.Load() == 0 {
		return nil, nil
	}
	var locks []Lock
	for i, n := range way {
		err := tx.eachLock(g, n, func(l Lock) {
			if i == own || l.Infinite {
				locks = append(locks, l)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return locks, tx.name(g, locks)
}

// locksBelow are the locks rooted below a collection.
func (tx *Tx) locksBelow(g grant, dir policy.Node) ([]Lock, error) {
	var below []Lock
	var failed error
	err := tx.eachLock(g, 0, func(l Lock) {
		up, err := way(tx.r, l.Node)
		if err != nil {
			failed = err
			return
		}
		if l.Node != dir && slices.Contains(up, dir) {
			below = append(below, l)
		}
	})
	return below, errors.Join(err, failed, tx.name(g, below))
}

// name fills in what is looked up rather than kept: names change.
func (tx *Tx) name(g grant, locks []Lock) (err error) {
	for i := range locks {
		l := &locks[i]
		if u := tx.state.User(l.User); u != nil {
			l.UserName = u.Name
		} else if sh, _ := tx.state.Share(l.User); sh != nil {
			l.UserName = tx.state.PrincipalName(sh.ID)
		}
		if l.Root, err = tx.pathOf(g, l.Node); err != nil {
			return err
		}
	}
	return nil
}

// unlocked refuses unless, of the locks that cover one resource, the request
// submits one that is the asker's own.
func (s *Session) unlocked(locks []Lock, t Terms) error {
	if len(locks) == 0 {
		return nil
	}
	for _, l := range locks {
		if l.User == s.cred.id() && t.Submits != nil && t.Submits(l) {
			return nil
		}
	}
	return &LockedError{locks}
}

// unlockedAt refuses a change of the content or properties of a node.
func (s *Session) unlockedAt(tx *Tx, g grant, way []policy.Node, t Terms) error {
	locks, err := tx.locksOn(g, way)
	if err != nil {
		return err
	}
	return s.unlocked(locks, t)
}

// unlockedTree refuses taking a node away from where it stands: by locks on the
// collection it stands in, on itself and on anything below.
// RFC 4918, section 7.4
func (s *Session) unlockedTree(tx *Tx, g grant, way []policy.Node, t Terms) error {
	if err := s.unlockedAt(tx, g, way[:len(way)-1], t); err != nil {
		return err
	}
	if err := s.unlockedAt(tx, g, way, t); err != nil {
		return err
	}
	below, err := tx.locksBelow(g, way[len(way)-1])
	if err != nil {
		return err
	}
	for _, l := range below {
		if err := s.unlocked([]Lock{l}, t); err != nil {
			return err
		}
	}
	return nil
}

// LockRequest is what a client asks for.
type LockRequest struct {
	Owner    []byte
	Infinite bool
	Shared   bool
	Timeout  time.Duration // bounded by LockMax
}

// Lock takes a lock. On a name that does not exist it makes an empty file, and
// created tells so.
func (s *Session) Lock(ctx context.Context, p Path, q LockRequest, t Terms) (l Lock, created bool, err error) {
	err = s.update(ctx, func(tx *Tx) error {
		created = false
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorizeLock(tx, sp)
		if err != nil {
			return err
		}
		var locked error
		if created = g.op == opCreate; created {
			locked = s.unlockedAt(tx, g, sp.nodes, t)
		}
		if locked == nil {
			locked = s.noConflict(tx, g, sp, q)
		}
		if err := s.judge(tx, sp, t, locked); err != nil {
			return err
		}
		if created {
			if err := s.createEmpty(tx, g, sp); err != nil {
				return err
			}
		}
		l = s.newLock(tx, g, sp.entry().Node, q)
		if err := tx.dropIdle(g, sp.nodes, q.Infinite); err != nil {
			return err
		}
		if err := tx.keepLock(g, &l); err != nil {
			return err
		}
		tx.w.OnApply(func() { s.st.lockCount.Add(1) })
		one := []Lock{l}
		err = tx.name(g, one)
		l = one[0]
		return err
	})
	return l, created, err
}

func (s *Session) newLock(tx *Tx, g grant, n policy.Node, q LockRequest) Lock {
	sub := s.subject(tx)
	return Lock{
		Token: "urn:uuid:" + uuid.NewString(), Node: n, User: s.cred.id(), Owner: q.Owner,
		Infinite: q.Infinite, Shared: q.Shared, Expires: tx.now.Add(bounded(q.Timeout)),
		Class: sub.Class, Network: sub.Network, Adds: g.held&policy.Write == 0,
	}
}

// authorizeLock decides locking a file or collection, or a name that is not
// there yet. In a drop box a name is neither locked nor told to be free.
func (s *Session) authorizeLock(tx *Tx, sp *spot) (grant, error) {
	if s.inDropBox(tx, sp) && (sp.missing() > 0 || s.droppedOn(tx, sp)) {
		s.note(tx, sp, policy.Decision{Wanted: opLock.needed()}, "", ErrNotFound)
		return grant{}, ErrNotFound
	}
	g, err := s.authorizePut(tx, sp, opLock)
	if err == nil && sp.missing() == 0 && sp.isRoot() {
		err = ErrReserved
	}
	return g, err
}

func bounded(d time.Duration) time.Duration {
	if d <= 0 || d > LockMax {
		return LockMax
	}
	return d
}

func (tx *Tx) keepLock(g grant, l *Lock) error {
	return tx.w.Put(lockKey(l.Node, l.Token), appendLock(nil, l))
}

// noConflict holds a new lock against the ones that stand, also over a name that
// is still to be made: an exclusive one suffers no other, a shared one no
// exclusive one. RFC 4918, section 6.1
func (s *Session) noConflict(tx *Tx, g grant, sp *spot, q LockRequest) error {
	cover := tx.locksOn
	if sp.missing() > 0 {
		cover = tx.locksOver
	}
	locks, err := cover(g, sp.nodes)
	if err != nil {
		return err
	}
	if q.Infinite && sp.missing() == 0 {
		below, err := tx.locksBelow(g, sp.entry().Node)
		if err != nil {
			return err
		}
		locks = append(locks, below...)
	}
	if len(locks) >= locksPerNode {
		return fmt.Errorf("%d locks here already: %w", len(locks), ErrTooMany)
	}
	for _, l := range locks {
		if l.Shared && q.Shared {
			continue
		}
		if err := s.discreet(tx, sp, &l); err != nil {
			return err
		}
		return &LockedError{[]Lock{l}}
	}
	return nil
}

// discreet lets a lock on something that is hidden from the asker stand where
// he asked: its own root would tell a name.
func (s *Session) discreet(tx *Tx, sp *spot, l *Lock) error {
	up, err := way(tx.r, l.Node)
	if err != nil {
		return err
	}
	if !tx.state.Decide(s.subject(tx), policy.Place{Space: sp.space.ID, Path: up}, 0).Visible {
		l.Root = sp.path
	}
	return nil
}

// Refresh lets the asker's submitted lock on the path live on.
func (s *Session) Refresh(ctx context.Context, p Path, timeout time.Duration, t Terms) (l Lock, err error) {
	err = s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opLock)
		if err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, nil); err != nil {
			return err
		}
		locks, err := tx.locksOn(g, sp.nodes)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(locks, func(l Lock) bool { return l.User == s.cred.id() && t.Submits != nil && t.Submits(l) })
		if i < 0 {
			return ErrNoLock // RFC 4918, section 9.10.2
		}
		l = locks[i]
		l.Expires = tx.now.Add(bounded(timeout))
		return tx.keepLock(g, &l)
	})
	return l, err
}

// Unlock ends the lock with that token, which covers the path: one's own, or
// another's with break-lock, or one that does not count any more.
func (s *Session) Unlock(ctx context.Context, p Path, token string) error {
	return s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opUnlock)
		if err != nil {
			return err
		}
		l, counts, err := tx.lockNamed(g, sp.nodes, token)
		if err != nil {
			return err
		}
		if counts {
			if err := s.mayBreak(tx, sp, l); err != nil {
				return err
			}
		}
		return tx.dropLock(g, l)
	})
}

// lockNamed finds the lock with a token that covers the last node of the way.
func (tx *Tx) lockNamed(g grant, way []policy.Node, token string) (found Lock, counts bool, err error) {
	for i, n := range way {
		err := tx.eachKept(g, n, func(l Lock) {
			if l.Token == token && (l.Infinite || i == len(way)-1) {
				found = l
			}
		})
		if err != nil {
			return found, false, err
		}
	}
	if found.Token == "" {
		return found, false, ErrNoLock
	}
	one := []Lock{found}
	if err := tx.name(g, one); err != nil {
		return found, false, err
	}
	counts, err = tx.counts(&found)
	return one[0], counts, err
}

// mayBreak decides ending a lock: one's own, or another's with the right at its
// root, which may stand above the path.
func (s *Session) mayBreak(tx *Tx, sp *spot, l Lock) error {
	if l.User == s.cred.id() {
		return nil
	}
	up, err := way(tx.r, l.Node)
	if err != nil {
		return err
	}
	root := policy.Place{Space: sp.space.ID, Path: up}
	if !tx.state.Decide(s.subject(tx), root, policy.BreakLock).Allowed() {
		return s.refuse(tx, root, policy.BreakLock, l.Root)
	}
	return nil
}

func (tx *Tx) dropLock(g grant, l Lock) error {
	tx.w.OnApply(func() { tx.st.lockCount.Add(-1) })
	return tx.w.Delete(lockKey(l.Node, l.Token))
}

// dropLocks ends every lock on a node and below it: a resource that goes away
// or moves takes no lock with it. RFC 4918, sections 7.6 and 9.6
func (tx *Tx) dropLocks(g grant, e *Entry) error {
	scope := e.Node
	if e.Dir {
		scope = 0
	}
	var locks []Lock
	var failed error
	err := tx.eachKept(g, scope, func(l Lock) {
		up, err := way(tx.r, l.Node)
		failed = errors.Join(failed, err)
		if slices.Contains(up, e.Node) {
			locks = append(locks, l)
		}
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	for _, l := range locks {
		if err := tx.dropLock(g, l); err != nil {
			return err
		}
	}
	return nil
}

// dropExpired forgets up to n locks that nobody refreshed in time or whose holder
// lost the right, and tells whether there may be more.
func (tx *Tx) dropExpired(g grant, n int) (more bool, err error) {
	var expired []Lock
	var failed error
	err = scanPrefix(tx.r, []byte{tableLock}, func(k, v []byte) bool {
		l, err := decodeLock(k, v)
		if err != nil {
			failed = err
			return false
		}
		counts, err := tx.counts(&l)
		failed = errors.Join(failed, err)
		if !counts || !l.Expires.After(tx.now) {
			expired = append(expired, l)
		}
		return len(expired) < n
	})
	if err := errors.Join(err, failed); err != nil {
		return false, err
	}
	for _, l := range expired {
		if err := tx.dropLock(g, l); err != nil {
			return false, err
		}
	}
	return len(expired) == n, nil
}
