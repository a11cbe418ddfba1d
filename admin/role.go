package admin

import (
	"context"
	"strings"

	"davit/policy"
)

// Operations on roles.
var (
	AddRole    = change("role.add", (*Admin).AddRole)
	RemoveRole = change("role.remove", (*Admin).RemoveRole)
	ListRoles  = define("role.list", admins, (*Admin).ListRoles)
	ShowRole   = define("role.show", admins, (*Admin).ShowRole)
	GiveRole   = change("role.give", (*Admin).GiveRole)
	TakeRole   = change("role.take", (*Admin).TakeRole)
)

// A Role gives rights only where an entry or a level names it. Anybody may have
// several, beside the one profile.
type Role struct {
	Name  string   `json:"name"`
	Given []string `json:"given"`           // to, as principals: user:mia, group:staff
	Users []string `json:"users"`           // everybody who has it, directly or not, by name
	Epoch uint64   `json:"epoch,omitempty"` // of the policy it was looked up in; not in lists
}

// A Grant names a role and the principals that get or lose it.
type Grant struct {
	Role string   `json:"role"`
	To   []string `json:"to"`
}

// AddRole makes a role that nobody has.
func (a *Admin) AddRole(ctx context.Context, n Named) (Role, error) {
	g, err := a.op.AddGroup(ctx, policy.Group{Name: n.Name, Role: true})
	if err != nil {
		return Role{}, err
	}
	return roleShown(a.st.Policy(), &g), nil
}

// RemoveRole deletes a role and every line that names it.
func (a *Admin) RemoveRole(ctx context.Context, n Named) (gone Role, err error) {
	err = a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		g, err := a.findRole(state, n.Name)
		if err != nil {
			return nil, err
		}
		gone = roleShown(state, g)
		return []policy.Change{policy.DropGroup{ID: g.ID}}, nil
	})
	return gone, err
}

// ListRoles tells every role by name.
func (a *Admin) ListRoles(context.Context, None) ([]Role, error) {
	state := a.st.Policy()
	roles := []Role{}
	for _, g := range state.Groups() {
		if g.Role {
			roles = append(roles, roleShown(state, g))
		}
	}
	return roles, nil
}

// ShowRole tells one role.
func (a *Admin) ShowRole(_ context.Context, n Named) (Role, error) {
	state := a.st.Policy()
	g, err := findRole(state, n.Name)
	if err != nil {
		return Role{}, err
	}
	shown := roleShown(state, g)
	shown.Epoch = state.Epoch
	return shown, nil
}

// GiveRole gives a role to users and groups: to all of them or none.
func (a *Admin) GiveRole(ctx context.Context, g Grant) (Role, error) {
	if err := a.changeMembers(ctx, a.findRole, g.Role, g.To, join); err != nil {
		return Role{}, err
	}
	return a.ShowRole(ctx, Named{g.Role})
}

// TakeRole takes a role away again: from all of them or none.
func (a *Admin) TakeRole(ctx context.Context, g Grant) (Role, error) {
	if err := a.changeMembers(ctx, a.findRole, g.Role, g.To, leave); err != nil {
		return Role{}, err
	}
	return a.ShowRole(ctx, Named{g.Role})
}

// findRole finds a role by "auditor" or "role:auditor".
func findRole(state *policy.State, name string) (*policy.Group, error) {
	if g := state.RoleNamed(strings.TrimPrefix(name, "role:")); g != nil {
		return g, nil
	}
	return nil, notFound("davit role list", "no role %q", name)
}

// findRole is findRole for who acts: one that he may not know of is none.
func (a *Admin) findRole(state *policy.State, name string) (*policy.Group, error) {
	g, err := findRole(state, name)
	if err == nil && !a.knows(state, g.ID) {
		return nil, notFound("davit role list", "no role %q", name)
	}
	return g, err
}

func roleShown(state *policy.State, g *policy.Group) Role {
	shown := groupShown(state, g)
	return Role{Name: shown.Name, Given: shown.Members, Users: shown.Users}
}
