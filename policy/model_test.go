package policy_test

import (
	"maps"
	"slices"
	"strings"

	"davit/policy"
)

// model answers the engine's questions the slow and obvious way, sentence by
// sentence: principals are words, places are paths, lists are slices, and each
// right is asked for alone. It shares the names of the rights with the engine
// and nothing else.
type model struct {
	types    map[string]policy.Type // of accounts, by "user:mia"
	inactive map[string]bool
	members  map[string][]string // direct ones, by "group:staff"
	spaces   map[string]*modelSpace
	lines    []line
	cuts     map[string]bool
	trash    map[string]bool // paths that were deleted and still lie there
	tree     []string        // every path there is
}

type modelSpace struct {
	kind  policy.SpaceKind
	state policy.SpaceState
	owner string
	pins  []string
}

// line is one entry of a list: at a path, or a level of the space at its root's
// path.
type line struct {
	at                  string
	level               bool
	who                 string
	allow, revoke, deny policy.Rights
	class               []string
	from, until         int64
}

// question is asked by an account through a credential in a context.
type question struct {
	who   string
	mask  policy.Rights
	class string
	now   int64
}

// principals are the account itself, every group that holds it, directly or
// through others, anyone signed in, and members if it is no guest.
func (m *model) principals(who string) []string {
	mine := []string{who}
	for i := 0; i < len(mine); i++ {
		for group, members := range m.members {
			if slices.Contains(members, mine[i]) && !slices.Contains(mine, group) {
				mine = append(mine, group)
			}
		}
	}
	if t, ok := m.types[who]; ok {
		mine = append(mine, "anyone-signed-in")
		if t != policy.Guest {
			mine = append(mine, "members")
		}
	}
	return mine
}

func spaceOf(path string) string {
	space, _, _ := strings.Cut(path[1:], "/")
	return space
}

// below tells whether path is top or stands anywhere under it.
func below(path, top string) bool {
	return strings.HasPrefix(path, top) && (len(path) == len(top) || path[len(top)] == '/')
}

// depth orders the lists on one way: a level stands above the space's root.
func (l line) depth() int {
	if l.level {
		return 0
	}
	return strings.Count(l.at, "/")
}

// holds tells whether the line's allow, and its revoke and deny, count in the
// context: "an unknown client meets every wall and no conditional allow".
func (l line) holds(q question) (gives, takes bool) {
	switch {
	case q.now < l.from, l.until != 0 && q.now >= l.until:
		return false, false
	case len(l.class) == 0:
		return true, true
	case q.class == "" || q.class == "unknown":
		return false, true
	}
	return slices.Contains(l.class, q.class), slices.Contains(l.class, q.class)
}

// asker is a question with what of the lists speaks of its account in its
// context.
type asker struct {
	question
	mine  []string
	lines []line
}

func (m *model) asker(q question) asker {
	a := asker{question: q, mine: m.principals(q.who)}
	for _, l := range m.lines {
		if !slices.Contains(a.mine, l.who) {
			continue
		}
		gives, takes := l.holds(q)
		if !gives {
			l.allow = 0
		}
		if !takes {
			l.revoke, l.deny = 0, 0
		}
		a.lines = append(a.lines, l)
	}
	return a
}

// way is what stands on the way to one path: the asker's lines and the lowest
// cut.
type way struct {
	mine  []string
	lines []line
	// cut is the depth of the lowest cut folder on the way, 0 without one.
	cut    int
	pinned bool
}

func (m *model) wayTo(a asker, path string) way {
	w := way{mine: a.mine, pinned: slices.Contains(m.spaces[spaceOf(path)].pins, a.who)}
	for _, l := range a.lines {
		if below(path, l.at) {
			w.lines = append(w.lines, l)
		}
	}
	for cut, on := range m.cuts {
		if on && below(path, cut) {
			w.cut = max(w.cut, strings.Count(cut, "/"))
		}
	}
	return w
}

// part: "for right r at path P, the entry of principal p nearest to P that
// mentions r decides p's part". A revoke speaks of what was allowed further up,
// so of two entries at one place the allow has it.
func (w way) part(p string, r policy.Right) bool {
	nearest, has := -1, false
	for _, l := range w.lines {
		if (l.allow|l.revoke)&r == 0 || l.who != p {
			continue
		}
		if l.depth() < w.cut {
			continue // "nothing is inherited from above for anybody"
		}
		switch {
		case l.depth() > nearest:
			nearest, has = l.depth(), l.allow&r != 0
		case l.depth() == nearest:
			has = has || l.allow&r != 0
		}
	}
	return has
}

// grants: "I hold r when some principal of mine has its part and no wall against
// r for any principal of mine stands anywhere on the way".
func (w way) grants(who string, r policy.Right) bool {
	if w.walled(r) {
		return false
	}
	for _, p := range w.mine {
		if w.pinned && p != who {
			continue // "only the user's own level and the user's own entries grant"
		}
		if w.part(p, r) {
			return true
		}
	}
	return false
}

// walled tells whether a wall against r stands on the way.
func (w way) walled(r policy.Right) bool {
	return slices.ContainsFunc(w.lines, func(l line) bool { return l.deny&r != 0 })
}

// manages: who holds manage on the space, by its levels and what stands at its
// root. Where the root itself is the cut folder, the levels alone are above it.
func (m *model) manages(a asker, path string, cut int) bool {
	root := "/" + spaceOf(path)
	w := m.wayTo(a, root)
	if cut == 1 {
		w.cut = 0
		w.lines = slices.DeleteFunc(w.lines, func(l line) bool { return !l.level })
	}
	held := w.grants(a.who, policy.Manage) ||
		w.cut > 0 && !w.walled(policy.Manage) && m.manages(a, path, w.cut)
	return held && m.accountLets(a.who, root, policy.Manage)
}

// holdsRight is the one rule and then the ceilings, for one right.
func (m *model) holdsRight(a asker, w way, path string, r policy.Right) bool {
	held := w.grants(a.who, r)
	if w.cut > 0 && (policy.See|policy.ReadACL|policy.Manage)&r != 0 && !w.walled(r) && m.manages(a, path, w.cut) {
		// "Who holds manage on the space keeps see, read-acl and manage on the
		// folder, so no folder is ever out of reach."
		held = true
	}
	return held && m.accountLets(a.who, path, r) && a.mask&r != 0
}

// accountLets is the ceilings of section 2 that say something of the account and
// the space: state, type, space kind, space state.
func (m *model) accountLets(who, path string, r policy.Right) bool {
	t, known := m.types[who]
	if !known || m.inactive[who] {
		return false
	}
	sp := m.spaces[spaceOf(path)]
	guest := t == policy.Guest
	switch {
	case guest && named(r, "share", "manage", "members", "purge", "break-lock", "read-acl"):
		return false
	case guest && sp.kind == policy.Portal && named(r, "delete", "delete-own", "share", "manage", "members", "purge"):
		return false
	}
	switch sp.state {
	case policy.Archived:
		return named(r, "see", "read", "history", "free-busy", "read-acl", "manage", "members")
	case policy.Closed:
		return !guest
	case policy.Trashed:
		return named(r, "manage") // to restore it
	}
	return true
}

func named(r policy.Right, names ...string) bool { return slices.Contains(names, r.String()) }

// held is every right the asker holds at the path.
func (m *model) held(a asker, path string) policy.Rights {
	var held policy.Rights
	w := m.wayTo(a, path)
	if len(w.lines) == 0 {
		return 0 // nothing granted, nothing held
	}
	for r := policy.See; r&policy.All != 0; r <<= 1 {
		if m.holdsRight(a, w, path, r) {
			held |= r
		}
	}
	return held
}

// shell: "whoever holds see on something deep sees its ancestors as bare
// collections".
func (m *model) shell(a asker, path string) bool {
	for _, deep := range m.tree {
		if deep != path && m.leads(path, deep) && m.holdsRight(a, m.wayTo(a, deep), deep, policy.See) {
			return true
		}
	}
	return false
}

// leads tells whether a path stands at or under top, and not in its trash.
func (m *model) leads(top, path string) bool {
	if !below(path, top) {
		return false
	}
	for t := range m.trash {
		if t != top && below(t, top) && below(path, t) {
			return false
		}
	}
	return true
}

// trashed tells whether a path lies in the trash.
func (m *model) trashed(path string) bool {
	for t := range m.trash {
		if below(path, t) {
			return true
		}
	}
	return false
}

// heldBelow is what the asker holds at the path and everywhere under it.
func (m *model) heldBelow(a asker, path string) policy.Rights {
	held := policy.All
	for _, p := range m.tree {
		if m.leads(path, p) {
			held &= m.held(a, p)
		}
	}
	return held
}

// setLine replaces the line of the same principal, place and conditions; one
// that says nothing takes it away.
func (m *model) setLine(l line) {
	m.lines = slices.DeleteFunc(m.lines, func(old line) bool {
		return old.at == l.at && old.level == l.level && old.who == l.who && slices.Equal(old.class, l.class) &&
			old.from == l.from && old.until == l.until
	})
	if l.allow|l.revoke|l.deny != 0 {
		m.lines = append(m.lines, l)
	}
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
}

func (m *model) leave(group, who string) {
	m.members[group] = slices.DeleteFunc(m.members[group], func(p string) bool { return p == who })
}

// move gives everything at and below a path its new one, out of the trash.
func (m *model) move(from, to string) {
	renamed := func(path string) string {
		if below(path, from) {
			return to + path[len(from):]
		}
		return path
	}
	for i := range m.lines {
		if !m.lines[i].level {
			m.lines[i].at = renamed(m.lines[i].at)
		}
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
	gone := func(p string, _ bool) bool { return below(p, path) }
	maps.DeleteFunc(m.cuts, gone)
	maps.DeleteFunc(m.trash, gone)
}
