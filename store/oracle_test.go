package store

import (
	"errors"
	"maps"
	"slices"
	"time"

	"davit/policy"
)

// An oracle says what the store should do, from the same rules told once more in
// the plainest way: a tree in memory, walked whole for each question.
type oracle struct {
	spaces map[string]*leaf
	now    time.Time
	locks  []oracleLock
}

// leaf is a file or collection.
type leaf struct {
	dir     bool
	content []byte
	props   map[string]string
	creator string
	up      *leaf
	kids    map[string]*leaf
	trashed []*leaf
	limit   int64 // below zero: none
	allow   map[string]policy.Rights
	wall    map[string]policy.Rights
}

type oracleLock struct {
	token, user      string
	on               *leaf
	infinite, shared bool
	until            time.Time
}

func newLeaf(dir bool, creator string) *leaf {
	return &leaf{dir: dir, creator: creator, limit: -1, props: map[string]string{}, kids: map[string]*leaf{},
		allow: map[string]policy.Rights{}, wall: map[string]policy.Rights{}}
}

// errRefused and errLocked stand for the store's error types.
var (
	errRefused = errors.New("refused")
	errLocked  = errors.New("locked")
)

// kindOf reduces an error of the store to what callers act on.
func kindOf(err error) error {
	var refused *Refused
	var locked *LockedError
	switch {
	case errors.As(err, &refused):
		return errRefused
	case errors.As(err, &locked):
		return errLocked
	}
	for _, kind := range []error{ErrNotFound, ErrExists, ErrNoParent, ErrNotDir, ErrIsDir, ErrLoop, ErrReserved, ErrQuota, ErrNoLock, ErrTooMany} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return err
}

// find walks a path: the deepest leaf and how many names lead nowhere.
func (m *oracle) find(p Path) (deepest *leaf, missing int) {
	deepest = m.spaces[p[0]]
	for i, name := range p[1:] {
		kid := deepest.kids[name]
		if kid == nil {
			return deepest, len(p) - 1 - i
		}
		deepest = kid
	}
	return deepest, 0
}

// way leads from the space down to the leaf.
func (l *leaf) way() (way []*leaf) {
	for ; l != nil; l = l.up {
		way = append(way, l)
	}
	slices.Reverse(way)
	return way
}

// each visits what is listed below, the leaf first.
func (l *leaf) each(fn func(*leaf)) {
	fn(l)
	for _, kid := range l.kids {
		kid.each(fn)
	}
}

// path names a leaf that is listed.
func (l *leaf) path(m *oracle) (p Path) {
	for ; l.up != nil; l = l.up {
		p = append(p, l.name())
	}
	for name, root := range m.spaces {
		if root == l {
			p = append(p, name)
		}
	}
	slices.Reverse(p)
	return p
}

func (l *leaf) below(top *leaf) bool { return slices.Contains(l.way(), top) }

// live and used are bytes: of what is listed, and with what lies in the trash.
func (l *leaf) live() (n int64) {
	l.each(func(x *leaf) { n += int64(len(x.content)) })
	return n
}

func (l *leaf) used() (n int64) {
	l.each(func(x *leaf) {
		n += int64(len(x.content))
		for _, t := range x.trashed {
			n += t.used()
		}
	})
	return n
}

// held is the one rule of policy for lists that never revoke.
func (l *leaf) held(user string) (held policy.Rights) {
	var walls policy.Rights
	for _, x := range l.way() {
		held |= x.allow[user]
		walls |= x.wall[user]
	}
	return held &^ walls
}

func (l *leaf) heldBelow(user string) policy.Rights {
	held := policy.All
	l.each(func(x *leaf) { held &= x.held(user) })
	return held
}

// visible: seen itself, or the way to something that an entry shows.
func (l *leaf) visible(user string) (visible bool) {
	l.each(func(x *leaf) {
		entry := x == l || x.allow[user]&policy.See != 0
		visible = visible || entry && x.held(user)&policy.See != 0
	})
	return visible
}

// may decides rights on something that is there.
func (m *oracle) may(user string, p Path, want policy.Rights) error {
	l, missing := m.find(p)
	switch held := l.held(user); {
	case missing > 0:
		return ErrNotFound
	case !l.visible(user) && !(l.dir && held&policy.Add != 0):
		return ErrNotFound
	case want&^held != 0:
		return errRefused
	}
	return nil
}

func (m *oracle) mayAdd(user string, p Path) error {
	if len(p) == 1 {
		return ErrReserved
	}
	dir, missing := m.find(p[:len(p)-1])
	switch {
	case missing > 0, !dir.dir, !dir.visible(user) && dir.held(user)&policy.Add == 0:
		return ErrNoParent
	case dir.held(user)&policy.Add == 0:
		return errRefused
	}
	return nil
}

func (m *oracle) exists(p Path) bool {
	_, missing := m.find(p)
	return missing == 0
}

// mayCreate: something that is there all the same is hidden from the asker.
func (m *oracle) mayCreate(user string, p Path) error {
	if err := m.mayAdd(user, p); err != nil {
		return err
	}
	if m.exists(p) {
		return errRefused
	}
	return nil
}

func (m *oracle) mayPut(user string, p Path, replace policy.Rights) error {
	if m.exists(p) {
		if err := m.may(user, p, replace); err != ErrNotFound {
			return err
		}
	}
	return m.mayCreate(user, p)
}

func (m *oracle) mayTake(user string, p Path) error {
	if err := m.may(user, p, 0); err != nil {
		return err
	}
	l, _ := m.find(p)
	if len(p) == 1 {
		return ErrReserved
	}
	held := l.heldBelow(user)
	if held&policy.Delete != 0 && held&policy.See != 0 {
		return nil
	}
	own := held&policy.DeleteOwn != 0
	l.each(func(x *leaf) { own = own && x.creator == user })
	if own {
		return nil
	}
	return errRefused
}

func (m *oracle) mayPutOnto(user string, p Path) error {
	if m.exists(p) {
		err := m.mayTake(user, p)
		if err == ErrNotFound {
			return m.mayCreate(user, p)
		} else if err != nil {
			return err
		}
	}
	return m.mayAdd(user, p)
}

// covering are the locks on one leaf: its own and the infinite ones above.
func (m *oracle) covering(l *leaf) (locks []oracleLock) {
	for _, lock := range m.locks {
		if lock.until.After(m.now) && (lock.on == l || lock.infinite && l.below(lock.on)) {
			locks = append(locks, lock)
		}
	}
	return locks
}

func (m *oracle) under(l *leaf) (locks []oracleLock) {
	for _, lock := range m.locks {
		if lock.until.After(m.now) && lock.on != l && lock.on.below(l) {
			locks = append(locks, lock)
		}
	}
	return locks
}

// free tells whether the asker may change the leaf; submits: the request names
// every lock of the asker's.
func (m *oracle) free(user string, l *leaf, submits bool) error {
	return freeOf(m.covering(l), user, submits)
}

func freeOf(locks []oracleLock, user string, submits bool) error {
	own := submits && slices.ContainsFunc(locks, func(l oracleLock) bool { return l.user == user })
	if len(locks) > 0 && !own {
		return errLocked
	}
	return nil
}

func (m *oracle) freeTree(user string, l *leaf, submits bool) error {
	err := m.free(user, l.up, submits)
	if err == nil {
		err = m.free(user, l, submits)
	}
	for _, lock := range m.under(l) {
		if err == nil {
			err = freeOf([]oracleLock{lock}, user, submits)
		}
	}
	return err
}

func (m *oracle) freeOnto(user string, p Path, submits bool) error {
	l, missing := m.find(p)
	if missing == 0 {
		return m.freeTree(user, l, submits)
	}
	return m.free(user, l, submits)
}

// fits holds growth against the limits on a way.
func fits(way []*leaf, growth int64) error {
	for _, l := range way {
		if l.limit >= 0 && growth > 0 && growth > max(0, l.limit-l.used()) {
			return ErrQuota
		}
	}
	return nil
}

func (m *oracle) mkdir(user string, p Path, submits bool) error {
	if m.exists(p) && m.may(user, p, 0) == nil {
		return ErrExists
	}
	if err := m.mayCreate(user, p); err != nil {
		return err
	}
	dir, _ := m.find(p)
	if err := m.free(user, dir, submits); err != nil {
		return err
	}
	dir.add(p[len(p)-1], newLeaf(true, user))
	return nil
}

func (l *leaf) add(name string, kid *leaf) {
	l.kids[name], kid.up = kid, l
}

func (l *leaf) name() string {
	for name, kid := range l.up.kids {
		if kid == l {
			return name
		}
	}
	return ""
}

func (m *oracle) put(user string, p Path, content []byte, submits bool) error {
	if err := m.mayPut(user, p, policy.Write); err != nil {
		return err
	}
	l, missing := m.find(p)
	if missing == 0 && l.dir {
		return ErrIsDir
	}
	if err := m.free(user, l, submits); err != nil {
		return err
	}
	if err := fits(l.way(), int64(len(content)-len(l.content))); err != nil {
		return err
	}
	if missing > 0 {
		file := newLeaf(false, user)
		l.add(p[len(p)-1], file)
		l = file
	}
	l.content = content
	return nil
}

// drop puts a leaf into the trash of its collection.
func (m *oracle) drop(l *leaf) {
	m.locks = slices.DeleteFunc(m.locks, func(k oracleLock) bool { return k.on.below(l) })
	delete(l.up.kids, l.name())
	l.up.trashed = append(l.up.trashed, l)
}

func (m *oracle) remove(user string, p Path, submits bool) error {
	if err := m.mayTake(user, p); err != nil {
		return err
	}
	l, _ := m.find(p)
	if err := m.freeTree(user, l, submits); err != nil {
		return err
	}
	m.drop(l)
	return nil
}

// apart: neither end may lie in the other, unless a copy without members goes
// to a free name.
func (m *oracle) apart(src *leaf, to Path, shallow bool) error {
	dst, missing := m.find(to)
	if missing == 0 && src.below(dst) || dst.below(src) && !(shallow && missing > 0) {
		return ErrLoop
	}
	return nil
}

func (m *oracle) move(user string, from, to Path, overwrite, submits bool) error {
	if err := m.mayTake(user, from); err != nil {
		return err
	}
	if err := m.mayPutOnto(user, to); err != nil {
		return err
	}
	src, _ := m.find(from)
	if err := m.apart(src, to, false); err != nil {
		return err
	}
	if err := m.freeTree(user, src, submits); err != nil {
		return err
	}
	if err := m.freeOnto(user, to, submits); err != nil {
		return err
	}
	if m.exists(to) && !overwrite {
		return ErrExists
	}
	dir, _ := m.find(to[:len(to)-1])
	old := src.up.way()
	fresh := slices.DeleteFunc(dir.way(), func(l *leaf) bool { return slices.Contains(old, l) })
	if err := fits(fresh, src.used()); err != nil {
		return err
	}
	if dst, missing := m.find(to); missing == 0 {
		m.drop(dst)
	}
	m.locks = slices.DeleteFunc(m.locks, func(k oracleLock) bool { return k.on.below(src) })
	delete(src.up.kids, src.name())
	dir.add(to[len(to)-1], src)
	return nil
}

func (m *oracle) copy(user string, from, to Path, overwrite, shallow, submits bool) error {
	if err := m.may(user, from, policy.Read); err != nil {
		return err
	}
	src, _ := m.find(from)
	dst, missing := m.find(to)
	over := missing == 0 && !dst.dir && !src.dir
	may, free := m.mayPutOnto(user, to), m.freeOnto
	if over {
		may = m.mayPut(user, to, policy.Write|policy.Props)
		free = func(user string, _ Path, submits bool) error { return m.free(user, dst, submits) }
	}
	if may != nil {
		return may
	}
	if err := m.apart(src, to, shallow); err != nil {
		return err
	}
	if err := free(user, to, submits); err != nil {
		return err
	}
	if missing == 0 && !overwrite {
		return ErrExists
	}
	growth := src.live()
	if shallow && src.dir {
		growth = 0
	}
	dir, _ := m.find(to[:len(to)-1])
	if over {
		growth -= int64(len(dst.content))
	}
	if err := fits(dir.way(), growth); err != nil {
		return err
	}
	if over {
		dst.content, dst.props = src.content, maps.Clone(src.props)
		return nil
	}
	// The copy is made before the target goes: it may hold the source's space.
	twin := src.twin(user, shallow)
	if missing == 0 {
		m.drop(dst)
	}
	dir.add(to[len(to)-1], twin)
	return nil
}

// twin is a copy with all that the copier may see and read.
func (l *leaf) twin(user string, shallow bool) *leaf {
	t := newLeaf(l.dir, user)
	t.content, t.props = l.content, maps.Clone(l.props)
	for name, kid := range l.kids {
		if !shallow && kid.held(user)&(policy.See|policy.Read) == policy.See|policy.Read {
			t.add(name, kid.twin(user, false))
		}
	}
	return t
}

func (m *oracle) setProp(user string, p Path, name, value string, submits bool) error {
	if err := m.may(user, p, policy.Props); err != nil {
		return err
	}
	l, _ := m.find(p)
	if err := m.free(user, l, submits); err != nil {
		return err
	}
	if l.props[name] = value; value == "" {
		delete(l.props, name)
	}
	return nil
}

// lock gives the locked leaf; the store names the token.
func (m *oracle) lock(user string, p Path, infinite, shared, submits bool) (*leaf, error) {
	if err := m.mayPut(user, p, policy.Write); err != nil {
		return nil, err
	}
	l, missing := m.find(p)
	if len(p) == 1 {
		return nil, ErrReserved
	}
	if missing > 0 {
		if err := m.free(user, l, submits); err != nil {
			return nil, err
		}
	}
	locks := m.covering(l)
	if missing > 0 {
		locks = slices.DeleteFunc(locks, func(k oracleLock) bool { return !k.infinite })
	}
	if infinite && missing == 0 {
		locks = append(locks, m.under(l)...)
	}
	if slices.ContainsFunc(locks, func(k oracleLock) bool { return !k.shared || !shared }) {
		return nil, errLocked
	}
	if missing > 0 {
		file := newLeaf(false, user)
		l.add(p[len(p)-1], file)
		l = file
	}
	return l, nil
}

func (m *oracle) unlock(user string, p Path, token string) error {
	if err := m.may(user, p, policy.See); err != nil {
		return err
	}
	l, _ := m.find(p)
	locks := m.covering(l)
	i := slices.IndexFunc(locks, func(k oracleLock) bool { return k.token == token })
	switch {
	case i < 0:
		return ErrNoLock
	case locks[i].user != user && l.held(user)&policy.BreakLock == 0:
		return errRefused
	}
	m.locks = slices.DeleteFunc(m.locks, func(k oracleLock) bool { return k.token == token })
	return nil
}
