package store

import (
	"fmt"

	"davit/policy"
)

// A Principal is a user, group or role as the asker may know it. The built-in
// ones have no kind: "members", "links", "anyone-signed-in".
type Principal struct {
	ID   policy.ID
	Kind policy.Kind
	Name string
	// Proxies is set of the group of those who may act for the user of that Name,
	// which is nobody by itself.
	Proxies Proxy
	// Email is told to its owner and to admins only.
	Email string
}

// policy is the state that answers about principals, which stand in no
// transaction.
func (s *Session) policy() *policy.State {
	if s.pinned != nil {
		return s.pinned
	}
	return s.st.Policy()
}

// asker is who asks about principals, now.
func (s *Session) asker(state *policy.State) policy.Subject {
	return s.subject(&Tx{st: s.st, state: state, now: s.st.clock()})
}

// PrincipalNamed finds one by its name. One that the asker may not know is not
// found.
func (s *Session) PrincipalNamed(k policy.Kind, name string) (Principal, error) {
	return s.Principal(named(s.policy(), k, name))
}

// named is the ID that a kind and name stand for, Nobody for none.
func named(state *policy.State, k policy.Kind, name string) policy.ID {
	switch k {
	case policy.KindUser:
		if u := state.UserNamed(name); u != nil {
			return u.ID
		}
	case policy.KindGroup:
		if g := state.GroupNamed(name); g != nil {
			return g.ID
		}
	case policy.KindRole:
		if g := state.RoleNamed(name); g != nil {
			return g.ID
		}
	}
	return policy.Nobody
}

// Principal is the one of that ID. One that the asker may not know is not found.
func (s *Session) Principal(id policy.ID) (Principal, error) {
	state := s.policy()
	if !state.Knows(s.asker(state), id) {
		return Principal{}, fmt.Errorf("no such principal: %w", ErrNotFound)
	}
	return s.principal(state, id), nil
}

// principal tells about one that the asker knows.
func (s *Session) principal(state *policy.State, id policy.ID) Principal {
	p := Principal{ID: id}
	if u := state.User(id); u != nil {
		p.Kind, p.Name = policy.KindUser, u.Name
		if me := state.User(s.cred.User); id == s.cred.User || me != nil && (me.Type == policy.Owner || me.Type == policy.Admin) {
			p.Email = u.Email
		}
		return p
	}
	if g := state.Group(id); g != nil {
		p.Kind, p.Name = policy.KindGroup, g.Name
		if g.Role {
			p.Kind = policy.KindRole
		}
		return p
	}
	p.Name = state.PrincipalName(id)
	return p
}

// Principals lists those of one kind that the asker may know, by name.
func (s *Session) Principals(k policy.Kind) []Principal {
	state := s.policy()
	var list []Principal
	if k == policy.KindUser {
		for _, u := range state.KnownUsers(s.asker(state)) {
			list = append(list, s.principal(state, u.ID))
		}
		return list
	}
	for _, g := range state.KnownGroups(s.asker(state)) {
		if g.Role == (k == policy.KindRole) {
			list = append(list, s.principal(state, g.ID))
		}
	}
	return list
}

// MembersOf lists the direct members of a group that the asker may know.
func (s *Session) MembersOf(p Principal) []Principal {
	if g := s.policy().Group(p.ID); g != nil {
		return s.known(g.Members)
	}
	return nil
}

// GroupsOf lists the groups and roles that hold a principal directly and that
// the asker may know.
func (s *Session) GroupsOf(p Principal) []Principal {
	return s.known(s.policy().GroupsOf(p.ID))
}

func (s *Session) known(ids []policy.ID) []Principal {
	state := s.policy()
	asker := s.asker(state)
	var list []Principal
	for _, id := range ids {
		if state.Knows(asker, id) {
			list = append(list, s.principal(state, id))
		}
	}
	return list
}

// Is tells whether the asker is that principal: itself, or through memberships. In
// a group of proxies nobody is for what is not about calendars.
func (s *Session) Is(p Principal) bool { return s.policy().Matches(s.cred.User, p.ID) }
