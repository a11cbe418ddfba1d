package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"davit/policy"
)

// Operations on groups.
var (
	AddGroup    = change("group.add", (*Admin).AddGroup)
	SetGroup    = change("group.set", (*Admin).SetGroup)
	RemoveGroup = change("group.remove", (*Admin).RemoveGroup)
	ListGroups  = define("group.list", admins, (*Admin).ListGroups)
	ShowGroup   = define("group.show", (*Admin).mayShowGroup, (*Admin).ShowGroup)
	JoinGroup   = change("group.join", (*Admin).JoinGroup)
	LeaveGroup  = change("group.leave", (*Admin).LeaveGroup)
)

// A Group is a set of users and groups.
type Group struct {
	Name    string   `json:"name"`
	Members []string `json:"members"` // as principals: user:mia, group:staff
	Users   []string `json:"users"`   // everybody in it, directly or not, by name
	Groups  []string `json:"groups"`  // that hold it directly
	// Managers may add to it and take from it, by name.
	Managers []string `json:"managers,omitempty"`
	Epoch    uint64   `json:"epoch,omitempty"` // of the policy it was looked up in; not in lists
}

// EditGroup says what changes in a group; nil stays as it is.
type EditGroup struct {
	Name     string    `json:"name"`
	NewName  *string   `json:"new_name,omitempty"`
	Managers *[]string `json:"managers,omitempty"` // users, instead of those before
}

// A Membership names principals in, or for, a group.
type Membership struct {
	Group   string   `json:"group"`
	Members []string `json:"members"`
}

// AddGroup makes a group without members.
func (a *Admin) AddGroup(ctx context.Context, n Named) (Group, error) {
	g, err := a.op.AddGroup(ctx, policy.Group{Name: n.Name})
	if err != nil {
		return Group{}, err
	}
	return groupShown(a.st.Policy(), &g), nil
}

// SetGroup changes the name or the managers of a group.
func (a *Admin) SetGroup(ctx context.Context, e EditGroup) (Group, error) {
	if e.NewName == nil && e.Managers == nil {
		return Group{}, invalid("", "say what to change of group %s", e.Name)
	}
	var next policy.Group
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		g, err := a.findGroup(state, e.Name)
		if err != nil {
			return nil, err
		}
		next = *g
		if e.NewName != nil {
			next.Name = *e.NewName
		}
		if e.Managers != nil {
			next.Managers = nil
			for _, name := range *e.Managers {
				u, err := a.findUser(state, name)
				if err != nil {
					return nil, err
				}
				next.Managers = append(next.Managers, u.ID)
			}
		}
		return []policy.Change{policy.PutGroup{Group: next}}, nil
	})
	if err != nil {
		return Group{}, err
	}
	return a.ShowGroup(ctx, Named{next.Name})
}

// RemoveGroup deletes a group and every line that names it.
func (a *Admin) RemoveGroup(ctx context.Context, n Named) (gone Group, err error) {
	err = a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		g, err := a.findGroup(state, n.Name)
		if err != nil {
			return nil, err
		}
		gone = groupShown(state, g)
		return []policy.Change{policy.DropGroup{ID: g.ID}}, nil
	})
	return gone, err
}

// ListGroups tells every group by name.
func (a *Admin) ListGroups(context.Context, None) ([]Group, error) {
	state := a.st.Policy()
	groups := []Group{}
	for _, g := range state.Groups() {
		if !g.Role {
			groups = append(groups, groupShown(state, g))
		}
	}
	return groups, nil
}

// ShowGroup tells one group.
func (a *Admin) ShowGroup(_ context.Context, n Named) (Group, error) {
	state := a.st.Policy()
	g, err := findGroup(state, n.Name)
	if err != nil {
		return Group{}, err
	}
	shown := groupShown(state, g)
	shown.Epoch = state.Epoch
	return shown, nil
}

// JoinGroup makes principals members: all of them or none.
func (a *Admin) JoinGroup(ctx context.Context, m Membership) (Group, error) {
	if err := a.changeMembers(ctx, a.findGroup, m.Group, m.Members, join); err != nil {
		return Group{}, err
	}
	return a.ShowGroup(ctx, Named{m.Group})
}

// LeaveGroup ends memberships: all of them or none.
func (a *Admin) LeaveGroup(ctx context.Context, m Membership) (Group, error) {
	if err := a.changeMembers(ctx, a.findGroup, m.Group, m.Members, leave); err != nil {
		return Group{}, err
	}
	return a.ShowGroup(ctx, Named{m.Group})
}

func join(group, member policy.ID) policy.Change { return policy.Join{Group: group, Member: member} }

func leave(group, member policy.ID) policy.Change { return policy.Leave{Group: group, Member: member} }

// changeMembers changes who is in the group or role that find finds.
func (a *Admin) changeMembers(ctx context.Context, find func(*policy.State, string) (*policy.Group, error), name string,
	members []string, change func(group, member policy.ID) policy.Change) error {
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		g, err := find(state, name)
		if err != nil {
			return nil, err
		}
		var changes []policy.Change
		for _, member := range members {
			id, err := a.findPrincipal(state, member)
			if err != nil {
				return nil, err
			}
			of := state.Group(id)
			switch {
			case state.User(id) == nil && of == nil:
				return nil, invalid("", "%s is everybody of a kind and joins no group", member)
			case of != nil && of.Role:
				return nil, invalid("davit role give "+of.Name+" PRINCIPAL", "%s is a role: it is given, and joins nothing", member)
			}
			changes = append(changes, change(g.ID, id))
		}
		return changes, nil
	})
	return naming(err, members)
}

// naming says which of several changes was refused, by their names.
func naming(err error, names []string) error {
	var refused *policy.ChangeError
	if len(names) > 1 && errors.As(err, &refused) && refused.Index < len(names) {
		return fmt.Errorf("%s: %w", names[refused.Index], err)
	}
	return err
}

// findGroup finds a group by "staff" or "group:staff".
func findGroup(state *policy.State, name string) (*policy.Group, error) {
	if g := state.GroupNamed(strings.TrimPrefix(name, "group:")); g != nil {
		return g, nil
	}
	return nil, notFound("davit group list", "no group %q", name)
}

// findGroup is findGroup for who acts: besides owners and admins, those who
// manage a group or are in it are told of it, if they may know any.
func (a *Admin) findGroup(state *policy.State, name string) (*policy.Group, error) {
	g, err := findGroup(state, name)
	if err != nil || state.Operates(a.by) {
		return g, err
	}
	if !a.knows(state, g.ID) || !slices.Contains(g.Managers, a.by.User) && !slices.Contains(state.MembersOf(g.ID), a.by.User) {
		return nil, notFound("davit group list", "no group %q", name)
	}
	return g, nil
}

// findPrincipal finds whom an entry, a level or a membership names.
func findPrincipal(state *policy.State, name string) (policy.ID, error) {
	id, err := state.ParsePrincipal(name)
	if err != nil {
		return id, noPrincipal(name)
	}
	return id, nil
}

// findPrincipal is findPrincipal for who acts: one that he may not know of is none.
func (a *Admin) findPrincipal(state *policy.State, name string) (policy.ID, error) {
	id, err := findPrincipal(state, name)
	if err == nil && !a.knows(state, id) {
		return policy.Nobody, noPrincipal(name)
	}
	return id, err
}

func noPrincipal(name string) error {
	return notFound("write user:NAME, group:NAME, role:NAME, members or anyone-signed-in", "no principal %q", name)
}

func groupShown(state *policy.State, g *policy.Group) Group {
	shown := Group{Name: g.Name, Members: principals(state, g.Members), Users: []string{}, Groups: principals(state, state.GroupsOf(g.ID))}
	for _, id := range state.MembersOf(g.ID) {
		shown.Users = append(shown.Users, state.User(id).Name)
	}
	for _, id := range g.Managers {
		shown.Managers = append(shown.Managers, state.User(id).Name)
	}
	slices.Sort(shown.Managers)
	return shown
}
