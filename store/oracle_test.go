package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"davit/policy"
)

// An oracle says what the store should do, from the same rules told once more in
// the plainest way: a tree in memory, walked whole for each question.
type oracle struct {
	spaces map[string]*leaf
	now    time.Time
	locks  []oracleLock
	drops  int // deletions so far
	asides []oracleAside
}

// oracleAside: user has moved a file away from its name in a folder.
type oracleAside struct {
	user, name string
	stood      string // the name that it was set aside under
	dir, file  *leaf
	until      time.Time
}

// leaf is a file or collection.
type leaf struct {
	dir      bool
	content  []byte
	props    map[string]string
	creator  string
	made     time.Time
	touched  bool // by another than the creator
	up       *leaf
	kids     map[string]*leaf
	trashed  []*leaf
	gone     string // the name that it was deleted under
	when     int    // number of the deletion
	bin      string // the space whose trash has it
	old      []oldContent
	versions int   // that were ever made
	gave     int64 // bytes of versions that gave way to the write under way
	limit    int64 // below zero: none
	allow    map[string]policy.Rights
	wall     map[string]policy.Rights
}

type oracleLock struct {
	token, user      string
	on               *leaf
	infinite, shared bool
	until            time.Time
	adds             bool // it was taken with the right to add alone
}

// kept tells whether a lock has not run out; counts, whether its holder may still
// write there, so that it stands in anybody's way.
func (m *oracle) kept(k oracleLock) bool { return k.until.After(m.now) }

func (m *oracle) counts(k oracleLock) bool {
	need := policy.Write
	if k.adds {
		need = policy.Add
	}
	return m.kept(k) && k.on.held(k.user)&need != 0
}

func newLeaf(dir bool, creator string, made time.Time) *leaf {
	return &leaf{dir: dir, creator: creator, made: made, limit: -1, props: map[string]string{}, kids: map[string]*leaf{},
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
		n += int64(len(x.content)) + x.past()
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

// boxed: the last name stands in a folder that the asker puts into unseeing.
func (m *oracle) boxed(user string, p Path) bool {
	dir, missing := m.find(p[:len(p)-1])
	return missing == 0 && dir.dir && dir.held(user)&policy.Add != 0 && dir.held(user)&policy.See == 0
}

// dropped: and what stands there is out of the asker's sight.
func (m *oracle) dropped(user string, p Path) bool {
	l, missing := m.find(p)
	return missing == 0 && len(p) > 1 && m.boxed(user, p) && !l.visible(user)
}

// mayCreate: something that is there all the same is hidden from the asker. A
// drop box gives another name instead of refusing.
func (m *oracle) mayCreate(user string, p Path) (Path, error) {
	if err := m.mayAdd(user, p); err != nil {
		return p, err
	}
	free := slices.Clone(p)
	for i := 2; m.exists(free); i++ {
		if !m.boxed(user, p) {
			return p, errRefused
		}
		stem, ext, dotted := strings.Cut(p[len(p)-1], ".")
		if dotted {
			ext = "." + ext
		}
		free[len(p)-1] = fmt.Sprintf("%s (%d)%s", stem, i, ext)
	}
	return free, nil
}

func (m *oracle) mayPut(user string, p Path, replace policy.Rights) (Path, error) {
	if m.exists(p) && !m.dropped(user, p) {
		if err := m.may(user, p, replace); err != ErrNotFound {
			return p, err
		}
	}
	return m.mayCreate(user, p)
}

// young: the asker's own, not an hour old, and nobody else's hand was on it.
func (m *oracle) young(user string, l *leaf) bool {
	return l.creator == user && !l.touched && l.made.Add(time.Hour).After(m.now)
}

func (l *leaf) touch(user string) { l.touched = l.touched || l.creator != user }

// mayTake decides taking a tree away; within its space that goes by the own hour
// too.
func (m *oracle) mayTake(user string, p Path, within bool) error {
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
	own, young := true, within
	l.each(func(x *leaf) { own, young = own && x.creator == user, young && m.young(user, x) })
	if held&policy.See != 0 && (own && held&policy.DeleteOwn != 0 || young && held&policy.Add != 0) {
		return nil
	}
	return errRefused
}

func (m *oracle) mayPutOnto(user string, p Path) (Path, error) {
	if m.exists(p) && !m.dropped(user, p) {
		err := m.mayTake(user, p, true)
		if err == ErrNotFound {
			return m.mayCreate(user, p)
		} else if err != nil {
			return p, err
		}
		return p, m.mayAdd(user, p)
	}
	return m.mayCreate(user, p)
}

func (l *leaf) onlyWritten(user string) bool {
	held := l.held(user)
	return held&policy.See != 0 && held&policy.Write != 0 && held&policy.Delete == 0
}

// The ways in which a MOVE is done.
const (
	moveWhole = "whole"
	moveSave  = "save"
	moveAside = "aside"
)

// mayMove decides a MOVE, and how it is done.
func (m *oracle) mayMove(user string, from, to Path) (how string, end Path, err error) {
	src, missing := m.find(from)
	dst, free := m.find(to)
	if missing > 0 {
		return "", to, ErrNotFound
	}
	if free == 0 && m.saves(user, src, dst) {
		if err := m.mayTake(user, from, true); err != nil {
			return "", to, err
		}
		return moveSave, to, m.may(user, to, policy.Write)
	}
	how = moveWhole
	dir, _ := m.find(to[:max(1, len(to)-1)])
	if src.up != nil && len(to) > 1 && free <= 1 && !src.dir && src.up == dir && src.onlyWritten(user) {
		back := slices.ContainsFunc(m.asides, func(a oracleAside) bool {
			return a.dir == dir && a.name == to[len(to)-1] && a.file == src && a.until.After(m.now)
		})
		if strings.HasSuffix(to[len(to)-1], "~") {
			how, back = moveAside, true
		} else {
			back = back && free == 1
		}
		if back {
			end, err = m.mayPutOnto(user, to)
			return how, end, err
		}
	}
	if err := m.mayTake(user, from, from[0] == to[0]); err != nil {
		return how, to, err
	}
	end, err = m.mayPutOnto(user, to)
	return how, end, err
}

// saves: a file that the asker has just made comes over another in its folder,
// which the asker may write and not delete; its own folder may be as new and
// stand there too.
func (m *oracle) saves(user string, src, dst *leaf) bool {
	if src.dir || dst.dir || src == dst || !m.young(user, src) || !dst.onlyWritten(user) {
		return false
	}
	return src.up == dst.up || src.up.up == dst.up && m.young(user, src.up)
}

// covering are the locks on one leaf: its own and the infinite ones above.
func (m *oracle) covering(l *leaf) (locks []oracleLock) {
	for _, lock := range m.locks {
		if m.counts(lock) && (lock.on == l || lock.infinite && l.below(lock.on)) {
			locks = append(locks, lock)
		}
	}
	return locks
}

func (m *oracle) under(l *leaf) (locks []oracleLock) {
	for _, lock := range m.locks {
		if m.counts(lock) && lock.on != l && lock.on.below(l) {
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
	taken := m.exists(p) && m.may(user, p, 0) == nil
	if taken && !m.dropped(user, p) {
		return ErrExists
	}
	free, err := m.mayCreate(user, p)
	if err != nil {
		return err
	}
	dir, _ := m.find(p[:len(p)-1])
	if err := m.free(user, dir, submits); err != nil || taken {
		return err
	}
	p = free
	dir.add(p[len(p)-1], newLeaf(true, user, m.now))
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
	p, err := m.mayPut(user, p, policy.Write)
	if err != nil {
		return err
	}
	l, missing := m.find(p)
	if missing == 0 && l.dir {
		return ErrIsDir
	}
	if err := m.free(user, l, submits); err != nil {
		return err
	}
	if err := m.fit(user, l, int64(len(content)-len(l.content))); err != nil {
		return err
	}
	if missing > 0 {
		file := newLeaf(false, user, m.now)
		l.add(p[len(p)-1], file)
		file.content = content
		m.bringBack(user, file)
		return nil
	}
	if err := m.retire(user, l, content, false); err != nil {
		return err
	}
	l.touch(user)
	l.content = content
	return nil
}

// bringBack: a new file has the name from which its maker has set one aside.
func (m *oracle) bringBack(user string, file *leaf) {
	i := slices.IndexFunc(m.asides, func(a oracleAside) bool {
		return a.dir == file.up && a.name == file.name() && a.until.After(m.now)
	})
	if i < 0 {
		return
	}
	a := m.asides[i]
	m.asides = slices.Delete(m.asides, i, i+1)
	locked := slices.ContainsFunc(m.locks, func(k oracleLock) bool { return k.on == a.file && m.counts(k) })
	name := file.name()
	if a.user != user || file.dir || !m.young(user, file) || a.file == file || a.file.up != a.dir || a.dir.kids[a.file.name()] != a.file ||
		a.stood != a.file.name() || !a.file.onlyWritten(user) || locked {
		return
	}
	back := a.file.name()
	a.file.content, file.content = file.content, a.file.content
	a.dir.add(name, a.file)
	a.dir.add(back, file)
	file.allow, file.wall = maps.Clone(a.file.allow), maps.Clone(a.file.wall)
	a.file.touch(user)
}

// drop puts a leaf into the trash of its collection.
func (m *oracle) drop(l *leaf) {
	m.locks = slices.DeleteFunc(m.locks, func(k oracleLock) bool { return k.on.below(l) })
	m.drops++
	l.gone, l.when, l.bin = l.name(), m.drops, l.path(m)[0]
	delete(l.up.kids, l.name())
	l.up.trashed = append(l.up.trashed, l)
}

func (m *oracle) remove(user string, p Path, submits bool) error {
	if err := m.mayTake(user, p, true); err != nil {
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
	how, to, err := m.mayMove(user, from, to)
	if err != nil {
		return err
	}
	src, _ := m.find(from)
	if err := m.apart(src, to, false); err != nil {
		return err
	}
	if err := m.freeTree(user, src, submits); err != nil {
		return err
	}
	dst, missing := m.find(to)
	if how == moveSave {
		err = m.free(user, dst, submits)
	} else {
		err = m.freeOnto(user, to, submits)
	}
	if err != nil {
		return err
	}
	if missing == 0 && !overwrite {
		return ErrExists
	}
	if how == moveSave {
		return m.saveOver(user, src, dst)
	}
	dir, _ := m.find(to[:len(to)-1])
	old := src.up.way()
	fresh := slices.DeleteFunc(dir.way(), func(l *leaf) bool { return slices.Contains(old, l) })
	if err := fits(fresh, src.used()); err != nil {
		return err
	}
	if missing == 0 {
		m.drop(dst)
	}
	m.locks = slices.DeleteFunc(m.locks, func(k oracleLock) bool { return k.on.below(src) })
	if how == moveAside {
		m.asides = slices.DeleteFunc(m.asides, func(a oracleAside) bool { return a.dir == dir && a.name == src.name() })
		m.asides = append(m.asides, oracleAside{user, src.name(), to[len(to)-1], dir, src, m.now.Add(time.Hour)})
	}
	delete(src.up.kids, src.name())
	dir.add(to[len(to)-1], src)
	src.touch(user)
	m.bringBack(user, src)
	return nil
}

// saveOver: the target stays what it is and gets the new content; the old is kept
// as a version.
func (m *oracle) saveOver(user string, src, dst *leaf) error {
	err := m.retire(user, dst, src.content, true)
	dst.content = src.content
	dst.touch(user)
	m.drop(src)
	src.up.trashed = slices.DeleteFunc(src.up.trashed, func(l *leaf) bool { return l == src })
	return err
}

func (m *oracle) copy(user string, from, to Path, overwrite, shallow, submits bool) error {
	if err := m.may(user, from, policy.Read); err != nil {
		return err
	}
	src, _ := m.find(from)
	dst, missing := m.find(to)
	over := missing == 0 && !dst.dir && !src.dir
	decide, free := m.mayPutOnto, m.freeOnto
	if over {
		decide = func(user string, p Path) (Path, error) { return m.mayPut(user, p, policy.Write|policy.Props) }
		free = func(user string, _ Path, submits bool) error { return m.free(user, dst, submits) }
	}
	end, err := decide(user, to)
	if err != nil {
		return err
	}
	if !slices.Equal(end, to) {
		over, free = false, m.freeOnto
	}
	to = end
	dst, missing = m.find(to)
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
	if over {
		err = m.fit(user, dst, growth)
	} else {
		err = fits(dir.way(), growth)
	}
	if err != nil {
		return err
	}
	if over {
		if err := m.retire(user, dst, src.content, false); err != nil {
			return err
		}
		dst.touch(user)
		dst.content, dst.props = src.content, maps.Clone(src.props)
		return nil
	}
	// The copy is made before the target goes: it may hold the source's space.
	twin := src.twin(user, m.now, shallow)
	if missing == 0 {
		m.drop(dst)
	}
	dir.add(to[len(to)-1], twin)
	return nil
}

// twin is a copy with all that the copier may see and read.
func (l *leaf) twin(user string, now time.Time, shallow bool) *leaf {
	t := newLeaf(l.dir, user, now)
	t.content, t.props = l.content, maps.Clone(l.props)
	for name, kid := range l.kids {
		if !shallow && kid.held(user)&(policy.See|policy.Read) == policy.See|policy.Read {
			t.add(name, kid.twin(user, now, false))
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
	l.touch(user)
	if l.props[name] = value; value == "" {
		delete(l.props, name)
	}
	return nil
}

// lock gives the locked leaf; the store names the token.
func (m *oracle) lock(user string, p Path, infinite, shared, submits bool) (*leaf, error) {
	if len(p) > 1 && m.boxed(user, p) && (!m.exists(p) || m.dropped(user, p)) {
		return nil, ErrNotFound
	}
	p, err := m.mayPut(user, p, policy.See|policy.Write)
	if err != nil {
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
		file := newLeaf(false, user, m.now)
		l.add(p[len(p)-1], file)
		name := p[len(p)-1]
		m.bringBack(user, file)
		l = file.up.kids[name]
	}
	return l, nil
}

func (m *oracle) unlock(user string, p Path, token string) error {
	if err := m.may(user, p, policy.See); err != nil {
		return err
	}
	l, _ := m.find(p)
	i := slices.IndexFunc(m.locks, func(k oracleLock) bool {
		return m.kept(k) && k.token == token && (k.on == l || k.infinite && l.below(k.on))
	})
	switch {
	case i < 0:
		return ErrNoLock
	case m.counts(m.locks[i]) && m.locks[i].user != user && l.held(user)&policy.BreakLock == 0:
		return errRefused
	}
	m.locks = slices.DeleteFunc(m.locks, func(k oracleLock) bool { return k.token == token })
	return nil
}

// dropIdle ends the locks that do not count where a new one is taken.
func (m *oracle) dropIdle(l *leaf, infinite bool) {
	m.locks = slices.DeleteFunc(m.locks, func(k oracleLock) bool {
		return !m.counts(k) && (l.below(k.on) || infinite && k.on.below(l))
	})
}
