package davit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"davit/admin"
	"davit/policy"
)

// A command is what an operation is called to do the same as a set.
type command func(context.Context, admin.Doer) error

// commands is a part that has commands of its own; all of them do what it plans.
type commands interface {
	commands(*run) ([]command, error)
}

// carry makes the command of an operation and its arguments.
func carry[A, R any](op admin.Op[A, R], args A) command {
	return func(ctx context.Context, door admin.Doer) error {
		_, err := op.Do(ctx, door, args)
		return err
	}
}

// actor is somebody at a command line.
func (r *run) actor(by string) (policy.Subject, error) {
	u, err := r.userNamed(by)
	if err != nil {
		return policy.Subject{}, err
	}
	return policy.Subject{User: u.ID, Mask: policy.All, Class: policy.Web, Network: policy.Inside, Now: r.clock.Load()}, nil
}

// changeAs carries out a change with the rights of somebody: it is put to the
// engine alone, and to the commands of a server. Both have to come to the same.
func (r *run) changeAs(by string, p part) error {
	sub, err := r.actor(by)
	if err != nil {
		return err
	}
	if _, isBulk := p.(bulk); isBulk {
		return r.bulkAs(sub, p)
	}
	c, ok := p.(commands)
	if !ok {
		return notYet(fmt.Sprintf("a %T by others than the operator", p))
	}
	all, err := c.commands(r)
	if err != nil {
		return err
	}
	foretold, judged := r.judged(sub, p)
	door := admin.New(r.server.Store, r.server.Auth).As(by)
	for _, one := range all {
		if err = one(context.Background(), door); err != nil {
			break
		}
	}
	switch got := r.server.Store.Policy(); {
	case foretold == nil && judged == nil:
		return err // it is planned with what a command makes
	case (judged == nil) != (err == nil):
		return mistaken("the engine says %v and the command %v", judged, err)
	case judged == nil && got.Hash() != foretold.Hash():
		return mistaken("the command made another policy than the engine")
	}
	return err
}

// judged is what the engine makes of a plan; nothing of one that only commands
// can make.
func (r *run) judged(sub policy.Subject, p part) (*policy.State, error) {
	if d, ok := p.(interface{ planless() bool }); ok && d.planless() {
		return nil, nil
	}
	changes, err := p.plan(r)
	if err != nil {
		return nil, err
	}
	next, _, err := r.server.Store.Policy().ApplyAs(sub, changes...)
	return next, err
}

// bulkAs makes several changes at once. A refusal names the one it is about.
func (r *run) bulkAs(sub policy.Subject, p part) error {
	changes, err := p.plan(r)
	if err != nil {
		return err
	}
	err = r.server.Store.Operator().As(sub, "case").Change(context.Background(),
		func(*policy.State) ([]policy.Change, error) { return changes, nil })
	var cell *policy.ChangeError
	if err != nil && (!errors.As(err, &cell) || cell.Index >= len(changes)) {
		return mistaken("the refusal names no cell: %v", err)
	}
	return err
}

func (a *aclSet) commands(r *run) ([]command, error) {
	at, err := r.storePath(a.At)
	if err != nil {
		return nil, err
	}
	if a.Clear {
		return []command{carry(admin.ClearAccess, admin.AccessOf{Path: at.String(), Principal: a.Who})}, nil
	}
	n := admin.NewAccess{Path: at.String(), Principal: a.Who, Allow: a.Allow.String(), Revoke: a.Revoke.String(), Deny: a.Deny.String()}
	if n.Class, err = policy.ParseClasses(a.Class.String()); err != nil {
		return nil, mistake{err}
	}
	n.Network, err = policy.ParseNetworks(a.Network.String())
	n.From, n.Until = instant(a.From), instant(a.Until)
	return []command{carry(admin.SetAccess, n)}, err
}

// instant is a time of Unix seconds, nil for 0.
func instant(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	t := time.Unix(seconds, 0)
	return &t
}

func (g *groupSet) commands(r *run) ([]command, error) {
	var all []command
	kind, name, _ := strings.Cut(g.Name, ":")
	state := r.server.Store.Policy()
	if role := kind == "role" || state.GroupNamed(g.Name) == nil && state.RoleNamed(g.Name) != nil; role {
		if name == "" {
			name = g.Name
		}
		return append(all, carry(admin.GiveRole, admin.Grant{Role: name, To: g.Add}), carry(admin.TakeRole, admin.Grant{Role: name, To: g.Remove})), nil
	}
	if len(g.Add) > 0 {
		all = append(all, carry(admin.JoinGroup, admin.Membership{Group: g.Name, Members: g.Add}))
	}
	if len(g.Remove) > 0 {
		all = append(all, carry(admin.LeaveGroup, admin.Membership{Group: g.Name, Members: g.Remove}))
	}
	return all, nil
}

func (l *levelSet) commands(r *run) ([]command, error) {
	sp, err := r.storePath("/" + l.Space)
	if err != nil {
		return nil, err
	}
	n := admin.NewLevel{Space: sp.String(), Principal: l.Who, Pin: l.Pin}
	if l.Is == nil {
		return nil, notYet("a pin alone by others than the operator")
	}
	n.Level = *l.Is
	return []command{carry(admin.SetLevel, n)}, nil
}

func (c *cutSet) commands(r *run) ([]command, error) {
	at, err := r.storePath(c.At)
	if err != nil {
		return nil, err
	}
	op := admin.CutAccess
	if c.On != nil && !*c.On {
		op = admin.UncutAccess
	}
	return []command{carry(op, admin.Located{Path: at.String()})}, nil
}

func (a *accountSet) commands(*run) ([]command, error) {
	var all []command
	edit := admin.EditUser{Name: a.User}
	switch {
	case a.Create:
		kind := a.Type
		return []command{carry(admin.AddUser, admin.NewUser{Name: a.User, Type: kind, Profile: a.Profile, Password: "correct horse"})}, nil
	case a.Delete:
		return []command{carry(admin.DeleteUser, admin.OldUser{Name: a.User})}, nil
	case a.Locked != nil && !*a.Locked:
		return []command{carry(admin.UnlockUser, admin.Named{Name: a.User})}, nil
	case a.Active != nil && *a.Active:
		all = append(all, carry(admin.ActivateUser, admin.Named{Name: a.User}))
	case a.Active != nil:
		all = append(all, carry(admin.DeactivateUser, admin.Named{Name: a.User}))
	}
	if a.Type != "" {
		edit.Type = &a.Type
	}
	if a.Profile != "" {
		edit.Profile = &a.Profile
	}
	if edit.Type != nil || edit.Profile != nil {
		all = append(all, carry(admin.SetUser, edit))
	}
	return all, nil
}

// planless: what makes IDs, or no change of policy at all, is the command's own.
func (a *accountSet) planless() bool { return a.Create || a.Delete || a.Locked != nil }

func (p *profileSet) commands(*run) ([]command, error) {
	if p.Delete {
		return []command{carry(admin.RemoveProfile, admin.OldProfile{Name: p.Name, ReplaceWith: p.MoveTo})}, nil
	}
	edit := admin.EditProfile{Name: p.Name}
	if p.Quota != "" {
		edit.Quota = &p.Quota
	}
	if p.Functions != nil {
		functions := strings.Join(p.Functions, ",")
		edit.Functions = &functions
	}
	return []command{carry(admin.SetProfile, edit)}, nil
}

func (p *profileSet) planless() bool { return true }

func (s *stateSet) commands(r *run) ([]command, error) {
	sp, err := r.spaceNamed(s.Space)
	if err != nil {
		return nil, err
	}
	ops := map[policy.SpaceState]admin.Op[admin.Named, admin.Space]{
		policy.Archived: admin.ArchiveSpace, policy.Trashed: admin.TrashSpace, policy.Closed: admin.CloseSpace, policy.Active: admin.RestoreSpace,
	}
	op, known := ops[policy.SpaceState(s.Is)]
	if !known {
		return nil, mistaken("no state %q", s.Is)
	}
	if sp.State == policy.Closed && s.Is == string(policy.Active) {
		op = admin.OpenSpace
	}
	return []command{carry(op, admin.Named{Name: sp.Name})}, nil
}

func (o owner) commands(r *run) ([]command, error) {
	sp, err := r.spaceNamed(o.Space)
	if err != nil {
		return nil, err
	}
	return []command{carry(admin.TransferSpace, admin.Handover{Space: sp.Name, Owner: strings.TrimPrefix(o.Is, "user:")})}, nil
}

func (q *quotaSet) commands(r *run) ([]command, error) {
	p := q.Of
	if name, ok := strings.CutPrefix(q.Of, "space:"); ok {
		p = "/" + name
	}
	if name, ok := strings.CutPrefix(q.Of, "user:"); ok {
		return []command{carry(admin.SetUser, admin.EditUser{Name: name, Quota: &q.Limit})}, nil
	}
	at, err := r.storePath(p)
	return []command{carry(admin.SetQuota, admin.NewQuota{Path: at.String(), Limit: q.Limit})}, err
}

func (c *credSet) commands(r *run) ([]command, error) {
	if c.Revoke {
		return []command{carry(admin.RemoveDevice, admin.DeviceOf{User: c.User, Name: c.Name})}, nil
	}
	return []command{func(ctx context.Context, door admin.Doer) error {
		n := admin.NewDevice{User: c.User, Name: c.Name, Class: policy.DAV}
		d, err := c.device(r)
		if err != nil {
			return err
		}
		n.Class, n.ReadOnly = d.Class, d.ReadOnly
		for _, name := range c.Spaces {
			at, err := r.storePath("/" + name)
			if err != nil {
				return err
			}
			n.Spaces = append(n.Spaces, at.String())
		}
		made, err := admin.AddDevice.Do(ctx, door, n)
		if err == nil {
			r.devices[made.User+"/"+made.Name] = r.server.AsSecret(made.User, made.Secret)
		}
		return err
	}}, nil
}

func (c *credSet) planless() bool { return true }

// settingNames are the cases' own names of settings.
var settingNames = map[string]string{
	"admin-reads-content": "admin-reads", "link-max-days": "link-days", "group-shares": "sharing",
}

// settingName is what the commands call a setting.
func settingName(name string) string {
	if known, ok := settingNames[name]; ok {
		return known
	}
	return name
}

func (s settings) plan(r *run) ([]policy.Change, error) {
	set := r.server.Store.Policy().Settings()
	var changes []policy.Change
	for name, value := range s {
		if name == "group-managers" {
			more, err := r.planManagers(value)
			if err != nil {
				return nil, err
			}
			changes = append(changes, more...)
			continue
		}
		if name = settingName(name); !slices.Contains(policy.SettingNames(), name) {
			return nil, notYet("the instance policy " + name)
		}
		if err := set.Put(name, settingText(value)); err != nil {
			return nil, mistake{err}
		}
	}
	if len(changes) < len(s) {
		changes = append(changes, policy.PutSettings{Settings: set})
	}
	return changes, nil
}

// settingText is a value as people write it: YAML takes on for true.
func settingText(value any) string {
	switch value {
	case true:
		return "on"
	case false:
		return "off"
	}
	return fmt.Sprint(value)
}

// planManagers reads {GROUP: [USER, ...], ...}.
func (r *run) planManagers(value any) (changes []policy.Change, err error) {
	groups, ok := value.(map[string]any)
	if !ok {
		return nil, mistaken("group-managers is %v", value)
	}
	for name, list := range groups {
		g := r.server.Store.Policy().GroupNamed(name)
		names, ok := list.([]any)
		if g == nil || !ok {
			return nil, mistaken("group-managers of %s are %v", name, list)
		}
		next := *g
		next.Managers = nil
		for _, one := range names {
			u, err := r.userNamed(fmt.Sprint(one))
			if err != nil {
				return nil, err
			}
			next.Managers = append(next.Managers, u.ID)
		}
		changes = append(changes, policy.PutGroup{Group: next})
	}
	return changes, nil
}

func (s settings) commands(*run) ([]command, error) {
	e := admin.EditSettings{Values: map[string]string{}}
	for name, value := range s {
		if name == "group-managers" {
			return nil, notYet("managers of groups by others than the operator")
		}
		e.Values[settingName(name)] = settingText(value)
	}
	return []command{carry(admin.SetSettings, e)}, nil
}
