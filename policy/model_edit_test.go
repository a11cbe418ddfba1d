package policy_test

import (
	"maps"
	"slices"
)

// setLine replaces the line of the same principal, place and conditions; one
// that says nothing takes it away.
func (m *model) setLine(l line) {
	m.lines = slices.DeleteFunc(m.lines, func(old line) bool { return old.sameLine(l) })
	if l.allow|l.revoke|l.deny != 0 {
		m.lines = append(m.lines, l)
	}
}

func (l line) sameLine(o line) bool {
	return l.at == o.at && l.level == o.level && l.who == o.who && slices.Equal(l.class, o.class) &&
		slices.Equal(l.network, o.network) && l.from == o.from && l.until == o.until
}

// clear takes every line of the principal at the path, or every line there for
// the empty name.
func (m *model) clear(path, who string) {
	m.lines = slices.DeleteFunc(m.lines, func(l line) bool {
		return !l.level && l.at == path && (who == "" || l.who == who)
	})
}

// drop forgets a principal.
func (m *model) drop(who string) {
	delete(m.types, who)
	delete(m.members, who)
	for group := range m.members {
		m.leave(group, who)
	}
	for _, sp := range m.spaces {
		sp.pins = slices.DeleteFunc(sp.pins, func(p string) bool { return p == who })
	}
	m.lines = slices.DeleteFunc(m.lines, func(l line) bool { return l.who == who })
	m.endShares(func(sh share) bool { return sh.by == who || sh.to == who })
}

func (m *model) leave(group, who string) {
	m.members[group] = slices.DeleteFunc(m.members[group], func(p string) bool { return p == who })
}

// putShare replaces the share of the same name.
func (m *model) putShare(sh share) {
	m.shares = slices.DeleteFunc(m.shares, func(old share) bool { return old.id == sh.id })
	m.shares = append(m.shares, sh)
}

// endShares ends some of them; what names a link ends with it.
func (m *model) endShares(which func(share) bool) {
	for _, gone := range m.shares {
		if which(gone) && gone.isLink() {
			m.ended = append(m.ended, gone.id)
			m.lines = slices.DeleteFunc(m.lines, func(l line) bool { return l.who == gone.id })
		}
	}
	m.shares = slices.DeleteFunc(m.shares, which)
}

// move gives everything at and below a path its new one, out of the trash. A
// share "follows its folder inside a space and ends when the folder leaves it".
func (m *model) move(from, to string) {
	renamed := func(path string) string {
		if below(path, from) {
			return to + path[len(from):]
		}
		return path
	}
	if spaceOf(from) != spaceOf(to) {
		m.endShares(func(sh share) bool { return below(sh.at, from) })
	}
	for i := range m.lines {
		if !m.lines[i].level {
			m.lines[i].at = renamed(m.lines[i].at)
		}
	}
	for i := range m.shares {
		m.shares[i].at = renamed(m.shares[i].at)
	}
	for i := range m.tree {
		m.tree[i] = renamed(m.tree[i])
	}
	delete(m.trash, from)
	m.cuts = renamedKeys(m.cuts, renamed)
	m.trash = renamedKeys(m.trash, renamed)
}

func renamedKeys(old map[string]bool, renamed func(string) string) map[string]bool {
	moved := map[string]bool{}
	for path, on := range old {
		moved[renamed(path)] = on
	}
	return moved
}

// remove forgets everything at and below a path.
func (m *model) remove(path string) {
	m.tree = slices.DeleteFunc(m.tree, func(p string) bool { return below(p, path) })
	m.lines = slices.DeleteFunc(m.lines, func(l line) bool { return !l.level && below(l.at, path) })
	m.endShares(func(sh share) bool { return below(sh.at, path) })
	gone := func(p string, _ bool) bool { return below(p, path) }
	maps.DeleteFunc(m.cuts, gone)
	maps.DeleteFunc(m.trash, gone)
}

// clone is a copy that later edits of m leave alone.
func (m *model) clone() *model {
	c := *m
	c.types, c.inactive, c.until = maps.Clone(m.types), maps.Clone(m.inactive), maps.Clone(m.until)
	c.profile, c.profiles = maps.Clone(m.profile), maps.Clone(m.profiles)
	c.members, c.spaces = map[string][]string{}, map[string]*modelSpace{}
	for group, members := range m.members {
		c.members[group] = slices.Clone(members)
	}
	for name, sp := range m.spaces {
		own := *sp
		own.pins = slices.Clone(sp.pins)
		c.spaces[name] = &own
	}
	c.lines, c.shares, c.tree = slices.Clone(m.lines), slices.Clone(m.shares), slices.Clone(m.tree)
	c.ended = slices.Clone(m.ended)
	c.cuts, c.trash = maps.Clone(m.cuts), maps.Clone(m.trash)
	return &c
}
