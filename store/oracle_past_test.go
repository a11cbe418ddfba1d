package store

import (
	"bytes"
	"slices"
	"time"

	"davit/policy"
)

// What the oracle says of the trash and of versions.

// oldContent is a version.
type oldContent struct {
	number  int
	content []byte
	at      time.Time
}

// oracleVersions is how many are kept in the play.
const oracleVersions = 3

// retire keeps the content that is about to go, if there is room for it.
func (m *oracle) retire(user string, l *leaf, next []byte, room bool) error {
	n := len(l.old)
	switch {
	case bytes.Equal(l.content, next):
		return nil
	case len(l.content) == 0:
		if n > 0 && bytes.Equal(l.old[n-1].content, next) {
			l.old = l.old[:n-1]
		}
		return nil
	}
	most, loses := 10, l.held(user)&policy.Delete != 0
	if loses {
		most = oracleVersions
	}
	if err := fits(l.way(), int64(len(next))); err != nil && !room && int64(len(next)) > l.gave {
		if loses {
			return nil
		}
		return err
	}
	l.versions++
	l.old = append(l.old, oldContent{l.versions, l.content, m.now})
	for len(l.old) > most {
		began, worst, least := l.made, 0, time.Duration(1<<62)
		for i, o := range l.old[:len(l.old)-1] {
			if stood := o.at.Sub(began); stood < least {
				worst, least = i, stood
			}
			began = o.at
		}
		l.old = slices.Delete(slices.Clone(l.old), worst, worst+1)
	}
	return nil
}

// fit: the oldest versions give way to who might delete the file.
func (m *oracle) fit(user string, l *leaf, growth int64) error {
	err := fits(l.way(), growth)
	l.gave = 0
	if err == nil || l.dir || l.held(user)&policy.Delete == 0 {
		return err
	}
	for i, o := range l.old {
		growth -= int64(len(o.content))
		l.gave += int64(len(o.content))
		if fits(l.way(), growth) == nil {
			l.old = l.old[i+1:]
			return nil
		}
	}
	return err
}

// past is how many bytes the versions have.
func (l *leaf) past() (n int64) {
	for _, o := range l.old {
		n += int64(len(o.content))
	}
	return n
}

// findsIn lists what somebody finds in the trash of a space.
func (m *oracle) findsIn(user, space string) (found []*leaf) {
	var look func(l *leaf)
	look = func(l *leaf) {
		l.each(func(x *leaf) {
			for _, t := range x.trashed {
				const both = policy.See | policy.Trash
				if t.bin == space && t.held(user)&both == both {
					found = append(found, t)
				}
				look(t)
			}
		})
	}
	for _, root := range m.spaces {
		look(root)
	}
	slices.SortFunc(found, func(a, b *leaf) int { return a.when - b.when })
	return found
}

// binned is what a name in the trash of a space stands for, nil for nothing.
func (m *oracle) binned(user, space, name string) *leaf {
	found := m.findsIn(user, space)
	found = slices.DeleteFunc(found, func(l *leaf) bool { return l.gone != name })
	if len(found) == 0 || !m.spaces[space].visible(user) {
		return nil
	}
	return found[len(found)-1]
}

func (l *leaf) takeOut() {
	l.up.trashed = slices.DeleteFunc(l.up.trashed, func(x *leaf) bool { return x == l })
}

func (m *oracle) erase(user, space, name string) error {
	switch l := m.binned(user, space, name); {
	case l == nil:
		return ErrNotFound
	case l.heldBelow(user)&(policy.See|policy.Trash|policy.Purge) != policy.See|policy.Trash|policy.Purge:
		return errRefused
	default:
		l.takeOut()
		return nil
	}
}

// restore: to its old folder with trash alone, elsewhere only what one may read,
// and out of the space only what one may erase.
func (m *oracle) restore(user, space, name string, to Path, overwrite, submits bool) error {
	l := m.binned(user, space, name)
	if l == nil {
		return ErrNotFound
	}
	need := policy.See | policy.Trash
	if len(to) > 1 && l.way()[0] != m.spaces[to[0]] {
		need |= policy.Read | policy.Purge
	} else if len(to) > 1 {
		if dir, missing := m.find(to[:len(to)-1]); missing > 0 || dir != l.up {
			need |= policy.Read
		}
	}
	if need&^l.heldBelow(user) != 0 {
		return errRefused
	}
	to, err := m.mayPutOnto(user, to)
	if err != nil {
		return err
	}
	if err := m.freeOnto(user, to, submits); err != nil {
		return err
	}
	dst, missing := m.find(to)
	if missing == 0 && !overwrite {
		return ErrExists
	}
	dir, _ := m.find(to[:len(to)-1])
	old := l.up.way()
	fresh := slices.DeleteFunc(dir.way(), func(x *leaf) bool { return slices.Contains(old, x) })
	if err := fits(fresh, l.used()); err != nil {
		return err
	}
	if missing == 0 {
		m.drop(dst)
	}
	l.takeOut()
	dir.add(to[len(to)-1], l)
	l.touch(user)
	return nil
}

// revert gives a file the content of a version.
func (m *oracle) revert(user string, p Path, number int, submits bool) error {
	l, _ := m.find(p)
	i := slices.IndexFunc(l.old, func(o oldContent) bool { return o.number == number })
	switch {
	case !l.visible(user):
		return ErrNotFound
	case l.held(user)&policy.History == 0:
		return errRefused
	case i < 0:
		return ErrNotFound
	case l.held(user)&policy.Write == 0:
		return errRefused
	}
	content := l.old[i].content
	if err := m.free(user, l, submits); err != nil {
		return err
	}
	if err := m.fit(user, l, int64(len(content)-len(l.content))); err != nil {
		return err
	}
	if err := m.retire(user, l, content, false); err != nil {
		return err
	}
	l.touch(user)
	l.content = content
	return nil
}
