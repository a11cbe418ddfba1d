package policy

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Knows tells whether the asker may learn that a user, group or role exists.
// Who is no guest knows all of them. A guest knows itself, no group, and the
// people it meets: those who see the root of a space that it sees the root of.
// In a portal guests do not meet each other.
func (s *State) Knows(asker Subject, other ID) bool {
	u := s.User(asker.User)
	switch {
	case !u.ActiveAt(asker.Now):
		return false
	case u.Type != Guest:
		return other == Members || other == AnyoneSignedIn || other == Links || s.User(other) != nil || s.Group(other) != nil
	case other == asker.User:
		return true
	}
	for sp := range s.meetings(asker) {
		if s.attends(sp, other, asker.Now) {
			return true
		}
	}
	return false
}

// KnownUsers lists the accounts that the asker knows, by name. For a guest it
// asks no more people than the lists of its spaces name.
func (s *State) KnownUsers(asker Subject) []*User {
	u := s.User(asker.User)
	switch {
	case !u.ActiveAt(asker.Now):
		return nil
	case u.Type != Guest:
		return s.Users()
	}
	known := map[ID]*User{u.ID: u}
	for sp := range s.meetings(asker) {
		for id := range s.invited(sp) {
			if known[id] == nil && s.attends(sp, id, asker.Now) {
				known[id] = s.User(id)
			}
		}
	}
	return slices.SortedFunc(maps.Values(known), func(a, b *User) int { return strings.Compare(a.Name, b.Name) })
}

// KnownGroups lists the groups and roles that the asker knows, by name.
func (s *State) KnownGroups(asker Subject) []*Group {
	if u := s.User(asker.User); !u.ActiveAt(asker.Now) || u.Type == Guest {
		return nil
	}
	return s.Groups()
}

// Matches tells whether a user is the principal: itself, or through memberships.
func (s *State) Matches(user, principal ID) bool {
	ids, _ := s.closures.get(uint64(user))
	_, found := slices.BinarySearch(ids, principal)
	return found
}

// meetings are the spaces whose root a guest sees.
func (s *State) meetings(guest Subject) iter.Seq[*Space] {
	return func(yield func(*Space) bool) {
		for _, sp := range s.spaces.all() {
			if s.Held(guest, rootOf(sp))&See != 0 && !yield(sp) {
				return
			}
		}
	}
}

func rootOf(sp *Space) Place { return Place{Space: sp.ID, Path: []Node{sp.Root}} }

// attends tells whether a guest meets somebody in a space. That counts with the
// other's main password in a browser: whom a guest knows does not depend on the
// client that the other uses.
func (s *State) attends(sp *Space, other ID, now int64) bool {
	o := s.User(other)
	if o == nil || sp.Kind == Portal && o.Type == Guest {
		return false
	}
	return s.Held(Subject{User: other, Mask: All, Class: Web, Now: now}, rootOf(sp))&See != 0
}

// invited are the users that the lists at a space's root may let see it: by the
// right, or because who manages a space sees into it though it is cut.
func (s *State) invited(sp *Space) iter.Seq[ID] {
	var named []ID
	add := func(list []Entry) {
		for _, e := range list {
			if e.Allow&(See|Manage) != 0 {
				named = append(named, e.Principal)
			}
		}
	}
	add(sp.Levels)
	if m := s.Mark(sp.Root); m != nil {
		add(m.Entries)
		for _, sh := range m.Shares {
			named = append(named, sh.To)
		}
	}
	if s.set().AdminReads == ReadsAlways {
		named = append(named, Members)
	}
	return func(yield func(ID) bool) {
		for _, p := range named {
			for id := range s.everyoneIn(p) {
				if !yield(id) {
					return
				}
			}
		}
	}
}

// everyoneIn are the users that a principal matches, and may be some more.
func (s *State) everyoneIn(principal ID) iter.Seq[ID] {
	if principal != Members && principal != AnyoneSignedIn {
		return slices.Values(s.MembersOf(principal))
	}
	return func(yield func(ID) bool) {
		for id := range s.users.all() {
			if !yield(ID(id)) {
				return
			}
		}
	}
}
