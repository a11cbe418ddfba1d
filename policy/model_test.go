package policy_test

import (
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
	until    map[string]int64         // when accounts expire, if they do
	profile  map[string]string        // of accounts
	profiles map[string]*modelProfile // by "profile:p"
	members  map[string][]string      // direct ones, by "group:staff"
	spaces   map[string]*modelSpace
	settings modelSettings
	lines    []line
	shares   []share
	ended    []string // links that there were
	cuts     map[string]bool
	trash    map[string]bool // paths that were deleted and still lie there
	tree     []string        // every path there is
}

func newModel() *model {
	return &model{
		types: map[string]policy.Type{}, inactive: map[string]bool{}, until: map[string]int64{},
		profile: map[string]string{}, profiles: map[string]*modelProfile{}, members: map[string][]string{},
		spaces: map[string]*modelSpace{}, cuts: map[string]bool{}, trash: map[string]bool{},
		settings: modelSettings{links: true, linkDays: 90, guests: true, sharing: "any", adminReads: "never"},
	}
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
	class, network      []string
	from, until         int64
}

// question is asked by an account or the bearer of a link, through a credential
// in a context.
type question struct {
	who            string // "user:mia" or "link:7"
	mask           policy.Rights
	spaces         string // the only ones of the credential, with commas; empty for all
	class, network string
	now            int64
	// steady asks what is held in every context.
	steady bool
}

// principals are the account itself, every group that holds it, directly or
// through others, anyone signed in, and members if it is no guest; or the link
// and all links.
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
	if m.link(who) != nil {
		mine = append(mine, "links")
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

func (l line) conditional() bool {
	return len(l.class) > 0 || len(l.network) > 0 || l.from != 0 || l.until != 0
}

// holds tells whether the line's allow, and its revoke and deny, count in the
// context: "an unknown client meets every wall and no conditional allow". What is
// held in every context is not held by a condition, and every wall that may yet
// stand stands.
func (l line) holds(q question) (gives, takes bool) {
	switch {
	case l.until != 0 && q.now >= l.until:
		return false, false
	case q.steady:
		return !l.conditional(), true
	case q.now < l.from:
		return false, false
	}
	class, known := meets(l.class, q.class)
	network, placed := meets(l.network, q.network)
	if known && !class || placed && !network {
		return false, false
	}
	return class && network, true
}

// meets tells whether a condition holds, and whether that is known at all.
func meets(condition []string, value string) (holds, known bool) {
	switch {
	case len(condition) == 0:
		return true, true
	case value == "" || value == "unknown":
		return false, false
	}
	return slices.Contains(condition, value), true
}

// asker is a question with what of the lists speaks of its account in its
// context.
type asker struct {
	question
	mine  []string
	lines []line
	// What was found out already: the ways, the ceilings of each space, and those
	// who gave a share, asked for the same.
	ways   map[string]*way
	lets   map[string]policy.Rights
	givers map[string]*asker
}

func (m *model) asker(q question) *asker {
	a := &asker{
		question: q, mine: m.principals(q.who),
		ways: map[string]*way{}, lets: map[string]policy.Rights{}, givers: map[string]*asker{},
	}
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

// way is what stands on the way to one path: the asker's lines, all shares and
// the lowest cut.
type way struct {
	who    string
	lines  []line
	shares []share
	// cut is the depth of the lowest cut folder on the way, 0 without one.
	cut    int
	pinned bool
}

func (m *model) wayTo(a *asker, path string) *way {
	if w := a.ways[path]; w != nil {
		return w
	}
	w := &way{who: a.who, pinned: slices.Contains(m.spaces[spaceOf(path)].pins, a.who)}
	for i := range a.lines {
		if below(path, a.lines[i].at) {
			w.lines = append(w.lines, a.lines[i])
		}
	}
	for cut, on := range m.cuts {
		if on && below(path, cut) {
			w.cut = max(w.cut, strings.Count(cut, "/"))
		}
	}
	for _, sh := range m.shares {
		if below(path, sh.at) && strings.Count(sh.at, "/") >= w.cut {
			w.shares = append(w.shares, sh)
		}
	}
	a.ways[path] = w
	return w
}

// part: "for right r at path P, the entry of principal p nearest to P that
// mentions r decides p's part". A revoke speaks of what was allowed further up,
// so of two entries at one place the allow has it.
func (w *way) part(p string, r policy.Right) bool {
	nearest, has := -1, false
	for i := range w.lines {
		l := &w.lines[i]
		if (l.allow|l.revoke)&r == 0 || l.who != p {
			continue
		}
		depth := l.depth()
		if depth < w.cut {
			continue // "nothing is inherited from above for anybody"
		}
		switch {
		case depth > nearest:
			nearest, has = depth, l.allow&r != 0
		case depth == nearest:
			has = has || l.allow&r != 0
		}
	}
	return has
}

// grants: "I hold r when some principal of mine has its part", the walls aside.
func (w *way) grants(r policy.Right) bool {
	for i := range w.lines {
		l := &w.lines[i]
		if l.allow&r == 0 || w.pinned && l.who != w.who {
			continue // "only the user's own level and the user's own entries grant"
		}
		if w.part(l.who, r) {
			return true
		}
	}
	return false
}

// walled: "and no wall against r for any principal of mine stands anywhere on the
// way".
func (w *way) walled(r policy.Right) bool {
	return slices.ContainsFunc(w.lines, func(l line) bool { return l.deny&r != 0 })
}

// manages: who holds manage on the space, by its levels and what stands at its
// root. Where the root itself is the cut folder, the levels alone are above it.
func (m *model) manages(a *asker, path string, cut int) bool {
	space := spaceOf(path)
	w := *m.wayTo(a, "/"+space)
	if cut == 1 {
		w.cut = 0
		w.lines = slices.DeleteFunc(slices.Clone(w.lines), func(l line) bool { return !l.level })
	}
	if w.walled(policy.Manage) || m.cutBy(a.question, space, "manage") != "" {
		return false
	}
	return w.grants(policy.Manage) || w.cut > 0 && m.manages(a, path, w.cut)
}

// keeps: "who holds manage on the space keeps see, read-acl and manage on the
// folder, so no folder is ever out of reach".
func (m *model) keeps(a *asker, w *way, path string, r policy.Right) bool {
	return w.cut > 0 && (policy.See|policy.ReadACL|policy.Manage)&r != 0 && m.manages(a, path, w.cut)
}

// readsAlways: the instance lets admins read what nobody cut off.
func (m *model) readsAlways(a *asker, w *way, r policy.Right) bool {
	t := m.types[a.who]
	return m.settings.adminReads == "always" && w.cut == 0 && (t == policy.Owner || t == policy.Admin) &&
		(policy.See|policy.Read|policy.FreeBusy)&r != 0
}

// holdsRight is the one rule, then what shares add, then the ceilings, for one
// right. Chain is who gave it to whom, up to the asker.
func (m *model) holdsRight(a *asker, path string, r policy.Right, chain []string) bool {
	w := m.wayTo(a, path)
	granted := w.grants(r) || m.keeps(a, w, path, r) || m.readsAlways(a, w, r) || m.given(a, w, path, r, chain)
	return granted && !w.walled(r) && m.ceilings(a, path)&r != 0
}

// everyRight is every right, one by one, with its name.
var everyRight = func() (all []struct {
	right policy.Right
	name  string
}) {
	for r := policy.See; r&policy.All != 0; r <<= 1 {
		all = append(all, struct {
			right policy.Right
			name  string
		}{r, r.String()})
	}
	return all
}()

// held is every right the asker holds at the path.
func (m *model) held(a *asker, path string) policy.Rights {
	var held policy.Rights
	if w := m.wayTo(a, path); len(w.lines)+len(w.shares) == 0 && !m.readsAlways(a, w, policy.See) {
		return 0 // nothing granted, nothing held
	}
	for _, r := range everyRight {
		if m.holdsRight(a, path, r.right, []string{a.who}) {
			held |= r.right
		}
	}
	return held
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

// answers are what one asker holds everywhere.
type answers struct {
	held map[string]policy.Rights
	// shell: "whoever holds see on something deep sees its ancestors as bare
	// collections".
	shell map[string]bool
	// below is what is held at the path and everywhere under it.
	below map[string]policy.Rights
}

func (m *model) answers(a *asker) answers {
	all := answers{map[string]policy.Rights{}, map[string]bool{}, map[string]policy.Rights{}}
	for _, path := range m.tree {
		all.held[path], all.below[path] = m.held(a, path), policy.All
	}
	for _, path := range m.tree {
		for _, top := range m.over(path) {
			all.below[top] &= all.held[path]
			if top != path && all.held[path]&policy.See != 0 {
				all.shell[top] = true
			}
		}
	}
	for path, held := range all.held {
		if held&policy.See != 0 {
			delete(all.shell, path)
		}
	}
	return all
}

// over lists the paths that a path stands at or under, from itself up to where
// the trash begins.
func (m *model) over(path string) []string {
	var tops []string
	for path != "" {
		tops = append(tops, path)
		if m.trash[path] {
			break
		}
		path = path[:strings.LastIndexByte(path, '/')]
	}
	return tops
}

// unwall: nothing is revoked from or denied to who owns the space.
func (m *model) unwall(root, owner string) {
	for i := range m.lines {
		if l := &m.lines[i]; l.who == owner && below(l.at, root) {
			l.revoke, l.deny = 0, 0
		}
	}
	m.lines = slices.DeleteFunc(m.lines, func(l line) bool { return l.allow|l.revoke|l.deny == 0 })
}
