package policy

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
)

// State is one whole policy, immutable: every answer taken from the same State
// agrees with every other. A change makes a new one with Apply.
type State struct {
	// Epoch counts the changes since the beginning.
	Epoch uint64

	users    table[*User]
	groups   table[*Group]
	profiles table[*Profile]
	spaces   table[*Space]
	roots    table[ID]      // the space of a root
	ways     table[*way]    // by node
	names    table[[]named] // by hash of kind and folded name
	named    naming         // where principals have an entry or share
	hurdles  nodes          // the roots below which a wall may hide something, or something may lie in the trash
	cuts     places         // the cut nodes
	shares   table[Node]    // by share: where it is given
	given    table[places]  // by principal: the nodes with a share to it
	gave     table[places]  // by giver: the nodes with a share of it
	levelled table[places]  // by principal: the roots of others' drives where it has a level
	in       table[[]ID]    // the groups that hold a principal directly
	closures table[[]ID]    // every principal that a user or link is, ascending
	settings *Settings      // nil for the default ones
}

// way is a node that carries a mark or leads to one. What every decision reads of
// a mark stands in the way itself, in its first bytes and its last: a check costs
// the lines of memory that it fetches, and most levels match nobody.
type way struct {
	principals []ID // of the mark's entries
	cut        bool // the mark's
	shares     bool // whether the mark has any
	hides      bool // whether an entry of the mark is a wall that hides
	mark       *Mark
	parent     Node  // 0 at a space's root
	parked     nodes // kids in the trash
	kids       nodes
	few        [6]ID // holds the principals when they are no more
}

func (w *way) setMark(m *Mark) {
	w.mark, w.principals, w.cut, w.shares, w.hides = m, nil, false, false, false
	if m != nil {
		w.principals = appendPrincipals(w.few[:0:len(w.few)], m.Entries)
		w.cut, w.shares = m.Cut, len(m.Shares) > 0
		w.hides = slices.ContainsFunc(m.Entries, func(e Entry) bool { return e.Deny&See != 0 })
	}
}

func appendPrincipals(dst []ID, list []Entry) []ID {
	for i := range list {
		dst = append(dst, list[i].Principal)
	}
	return dst
}

// nodes is a persistent set.
type nodes = table[struct{}]

// idle: the way neither carries nor leads to anything.
func (w *way) idle() bool { return w.mark == nil && w.kids.n == 0 && w.parked.n == 0 }

type named struct {
	kind, name string
	id         ID
}

// Kinds of names; each kind has its own.
const (
	nameOfUser    = "user"
	nameOfGroup   = "group"
	nameOfRole    = "role"
	nameOfProfile = "profile"
	nameOfSpace   = "space"
)

var nameSeed = maphash.MakeSeed()

func nameKey(kind, folded string) uint64 { return maphash.String(nameSeed, kind+":"+folded) }

func (s *State) find(kind, name string) ID {
	folded := Fold(name)
	list, _ := s.names.get(nameKey(kind, folded))
	for _, n := range list {
		if n.kind == kind && n.name == folded {
			return n.id
		}
	}
	return Nobody
}

// User is the account of that ID, or nil. What the lookups return is shared and
// must not be changed.
func (s *State) User(id ID) *User { u, _ := s.users.get(uint64(id)); return u }

// Group is the group or role of that ID, or nil.
func (s *State) Group(id ID) *Group { g, _ := s.groups.get(uint64(id)); return g }

// Profile is the profile of that ID, or nil.
func (s *State) Profile(id ID) *Profile { p, _ := s.profiles.get(uint64(id)); return p }

// Space is the space of that ID, or nil.
func (s *State) Space(id ID) *Space { sp, _ := s.spaces.get(uint64(id)); return sp }

// SpaceAt is the space whose root the node is, or nil.
func (s *State) SpaceAt(root Node) *Space { id, _ := s.roots.get(uint64(root)); return s.Space(id) }

// UserNamed finds an account by its name in any case or Unicode form, or nil.
func (s *State) UserNamed(name string) *User { return s.User(s.find(nameOfUser, name)) }

// GroupNamed finds a group, or nil.
func (s *State) GroupNamed(name string) *Group { return s.Group(s.find(nameOfGroup, name)) }

// RoleNamed finds a role, or nil.
func (s *State) RoleNamed(name string) *Group { return s.Group(s.find(nameOfRole, name)) }

// ProfileNamed finds a profile, or nil.
func (s *State) ProfileNamed(name string) *Profile { return s.Profile(s.find(nameOfProfile, name)) }

// SpaceNamed finds a space other than a personal drive, or nil.
func (s *State) SpaceNamed(name string) *Space { return s.Space(s.find(nameOfSpace, name)) }

// Users lists the accounts by name.
func (s *State) Users() []*User {
	return sorted(s.users, func(u *User) string { return u.Name })
}

// Groups lists groups and roles by name.
func (s *State) Groups() []*Group {
	return sorted(s.groups, func(g *Group) string { return g.Name })
}

// Profiles lists the profiles by name.
func (s *State) Profiles() []*Profile {
	return sorted(s.profiles, func(p *Profile) string { return p.Name })
}

// Spaces lists the spaces by name, personal drives too.
func (s *State) Spaces() []*Space {
	return sorted(s.spaces, func(sp *Space) string { return sp.Name })
}

func sorted[V any](t table[*V], name func(*V) string) []*V {
	out := make([]*V, 0, t.n)
	for _, v := range t.all() {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b *V) int { return strings.Compare(name(a), name(b)) })
	return out
}

// Mark is what the node carries, or nil.
func (s *State) Mark(n Node) *Mark {
	w, _ := s.ways.get(uint64(n))
	if w == nil {
		return nil
	}
	return w.mark
}

// Marked lists the marks at the node and below it.
func (s *State) Marked(n Node) []*Mark {
	w, _ := s.ways.get(uint64(n))
	if w == nil {
		return nil
	}
	var out []*Mark
	if w.mark != nil {
		out = append(out, w.mark)
	}
	for kid := range w.kids.all() {
		out = append(out, s.Marked(Node(kid))...)
	}
	return out
}

// MarkedWithTrash lists the nodes that carry a mark, at the node and below it, with
// those in the trash there.
func (s *State) MarkedWithTrash(n Node) (marked []Node) {
	w, _ := s.ways.get(uint64(n))
	if w == nil {
		return nil
	}
	if w.mark != nil {
		marked = append(marked, n)
	}
	for _, kids := range []nodes{w.kids, w.parked} {
		for kid := range kids.all() {
			marked = append(marked, s.MarkedWithTrash(Node(kid))...)
		}
	}
	return marked
}

// OnWay tells whether the node carries a mark or leads to one: a MOVE of it has
// to be told with MoveNode.
func (s *State) OnWay(n Node) bool { _, ok := s.ways.get(uint64(n)); return ok }

// MembersOf lists the members of a group, directly or through others, users only.
func (s *State) MembersOf(id ID) []ID {
	seen := map[ID]bool{}
	var users []ID
	var down func(ID)
	down = func(id ID) {
		if seen[id] {
			return
		}
		seen[id] = true
		if g := s.Group(id); g != nil {
			for _, m := range g.Members {
				down(m)
			}
		} else if s.User(id) != nil {
			users = append(users, id)
		}
	}
	down(id)
	slices.Sort(users)
	return users
}

// GroupsOf lists the groups and roles that hold the principal directly.
func (s *State) GroupsOf(id ID) []ID { ids, _ := s.in.get(uint64(id)); return ids }

// PrincipalName is the name as commands spell it: "user:mia", "members".
func (s *State) PrincipalName(id ID) string {
	switch id {
	case Members:
		return "members"
	case AnyoneSignedIn:
		return "anyone-signed-in"
	case Links:
		return "links"
	}
	if u := s.User(id); u != nil {
		return "user:" + u.Name
	}
	if g := s.Group(id); g != nil {
		if g.Role {
			return "role:" + g.Name
		}
		return "group:" + g.Name
	}
	if _, ok := s.shares.get(uint64(id)); ok {
		return linkName(id)
	}
	return "nobody"
}

// ParsePrincipal reads what PrincipalName writes. A name without a kind is a
// user's, or a group's when there is no such user.
func (s *State) ParsePrincipal(text string) (ID, error) {
	kind, name, qualified := strings.Cut(text, ":")
	switch {
	case text == "members":
		return Members, nil
	case text == "anyone-signed-in":
		return AnyoneSignedIn, nil
	case text == "links":
		return Links, nil
	case !qualified:
		if id := s.find(nameOfUser, text); id != Nobody {
			return id, nil
		}
		kind, name = nameOfGroup, text
	}
	if kind == nameOfUser || kind == nameOfGroup || kind == nameOfRole {
		if id := s.find(kind, name); id != Nobody {
			return id, nil
		}
	}
	if n, err := strconv.ParseUint(name, 36, 64); err == nil && kind == "link" {
		if sh, _ := s.Share(ID(n)); sh != nil && sh.IsLink() {
			return sh.ID, nil
		}
	}
	return Nobody, notFound("no principal %q (write user:NAME, group:NAME, role:NAME, members, anyone-signed-in or links)", text)
}
