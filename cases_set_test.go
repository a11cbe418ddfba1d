package davit_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"davit/auth"
	"davit/policy"
	"davit/store"
)

// A set is a change of policy: one of its fields.
type set struct {
	ACL     *aclSet        `yaml:"acl"`
	Group   *groupSet      `yaml:"group"`
	Level   *levelSet      `yaml:"level"`
	Cut     *cutSet        `yaml:"cut"`
	Account *accountSet    `yaml:"account"`
	Profile *profileSet    `yaml:"profile"`
	State   *stateSet      `yaml:"state"`
	Share   *shareSet      `yaml:"share"`
	Unshare *string        `yaml:"unshare"`
	Quota   *quotaSet      `yaml:"quota"`
	Policy  map[string]any `yaml:"policy"`
	Cred    *credSet       `yaml:"cred"`
	Owner   *stateSet      `yaml:"owner"`
	Bulk    []set          `yaml:"bulk"`
}

type (
	aclSet struct {
		At      string `yaml:"at"`
		Who     string `yaml:"who"`
		Allow   words  `yaml:"allow"`
		Revoke  words  `yaml:"revoke"`
		Deny    words  `yaml:"deny"`
		Class   words  `yaml:"class"`
		Network words  `yaml:"network"`
		From    int64  `yaml:"from"`
		Until   int64  `yaml:"until"`
		Clear   bool   `yaml:"clear"`
	}
	groupSet struct {
		Name   string `yaml:"name"`
		Add    words  `yaml:"add"`
		Remove words  `yaml:"remove"`
	}
	levelSet struct {
		Space string  `yaml:"space"`
		Who   string  `yaml:"who"`
		Is    *string `yaml:"is"`
		Pin   *bool   `yaml:"pin"`
	}
	cutSet struct {
		At string `yaml:"at"`
		On *bool  `yaml:"on"`
	}
	accountSet struct {
		User    string      `yaml:"user"`
		Active  *bool       `yaml:"active"`
		Type    policy.Type `yaml:"type"`
		Profile string      `yaml:"profile"`
		Locked  *bool       `yaml:"locked"`
		Create  bool        `yaml:"create"`
		Delete  bool        `yaml:"delete"`
	}
	profileSet struct {
		Name      string   `yaml:"name"`
		Functions []string `yaml:"functions"`
		Quota     string   `yaml:"quota"`
		Delete    bool     `yaml:"delete"`
		MoveTo    string   `yaml:"move-to"`
	}
	// stateSet gives a space its state, or its owner.
	stateSet struct {
		Space string `yaml:"space"`
		Is    string `yaml:"is"`
	}
	quotaSet struct {
		Of    string `yaml:"of"`
		Limit string `yaml:"limit"`
	}
	credSet struct {
		User   string   `yaml:"user"`
		Name   string   `yaml:"name"`
		Scope  words    `yaml:"scope"`
		Spaces []string `yaml:"spaces"`
		Class  words    `yaml:"class"`
		Until  *int64   `yaml:"until"`
		Revoke bool     `yaml:"revoke"`
	}
)

// A part is one kind of set. What it plans can be foretold as well as done.
type part interface {
	plan(*run) ([]policy.Change, error)
}

// A deed is a part that takes more than changes of the policy.
type deed interface {
	// carryOut answers false when the plan says it all.
	carryOut(*run) (done bool, err error)
}

// part is the one field of s that is there.
func (s *set) part() (part, error) {
	all := []struct {
		there bool
		part  part
	}{
		{s.ACL != nil, s.ACL}, {s.Group != nil, s.Group}, {s.Level != nil, s.Level}, {s.Cut != nil, s.Cut},
		{s.Account != nil, s.Account}, {s.Profile != nil, s.Profile}, {s.State != nil, s.State}, {s.Share != nil, s.Share},
		{s.Unshare != nil, unshare{s.Unshare}}, {s.Quota != nil, s.Quota}, {s.Policy != nil, settings(s.Policy)},
		{s.Cred != nil, s.Cred}, {s.Owner != nil, owner{s.Owner}}, {s.Bulk != nil, bulk(s.Bulk)},
	}
	var one part
	for _, p := range all {
		if p.there && one != nil {
			return nil, mistaken("a set of two things")
		}
		if p.there {
			one = p.part
		}
	}
	if one == nil {
		return nil, mistaken("a set of nothing")
	}
	return one, nil
}

// set changes the policy, or finds the change refused and nothing touched.
func (r *run) set(s *step) error {
	want := "ok"
	if err := s.wants(&want); err != nil {
		return err
	}
	if want != "ok" && want != "refused" {
		return mistaken("want %q of a set; use ok or refused", want)
	}
	before := r.server.Store.Policy()
	err := r.carryOut(s.Set, s.By)
	var (
		missing notYet
		wrong   mistake
	)
	switch {
	case errors.As(err, &missing), errors.As(err, &wrong):
		return err
	case want == "ok":
		return err
	case err == nil:
		return errors.New("the change was accepted")
	case r.server.Store.Policy() != before:
		return fmt.Errorf("the change was refused (%w) and the policy is another", err)
	}
	return nil
}

func (r *run) carryOut(s *set, by string) error {
	p, err := s.part()
	if err != nil {
		return err
	}
	if by != "" && by != "system" {
		return r.changeAs(by, p)
	}
	if d, ok := p.(deed); ok {
		if done, err := d.carryOut(r); done || err != nil {
			return err
		}
	}
	changes, err := p.plan(r)
	if err != nil {
		return err
	}
	return r.change(changes...)
}

type bulk []set

func (b bulk) plan(r *run) (all []policy.Change, err error) {
	for i := range b {
		p, err := b[i].part()
		if err != nil {
			return nil, err
		}
		changes, err := p.plan(r)
		if err != nil {
			return nil, err
		}
		all = append(all, changes...)
	}
	return all, nil
}

func (a *aclSet) plan(r *run) ([]policy.Change, error) {
	at, err := r.place(a.At)
	if err != nil {
		return nil, err
	}
	who, err := r.principal(a.Who)
	if err != nil {
		return nil, err
	}
	if a.Clear {
		return []policy.Change{policy.ClearEntries{Node: at.Path[len(at.Path)-1], Principal: who}}, nil
	}
	allow, err1 := parseRights(a.Allow)
	revoke, err2 := parseRights(a.Revoke)
	deny, err3 := parseRights(a.Deny)
	class, err4 := policy.ParseClasses(a.Class.String())
	network, err5 := policy.ParseNetworks(a.Network.String())
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, mistake{err}
	}
	e := policy.Entry{Principal: who, Allow: allow, Revoke: revoke, Deny: deny, Class: class, Network: network, From: a.From, Until: a.Until}
	return []policy.Change{policy.SetEntry{At: at, Entry: e}}, nil
}

// parseRights reads rights as the cases spell them; a sum after "level:" may be
// joined by commas.
func parseRights(w words) (policy.Rights, error) { return policy.ParseRights(w.String()) }

func (g *groupSet) plan(r *run) ([]policy.Change, error) {
	state := r.server.Store.Policy()
	kind, name, qualified := strings.Cut(g.Name, ":")
	if !qualified {
		kind, name = "", g.Name
	}
	group := state.GroupNamed(name)
	if group == nil || kind == "role" {
		group = state.RoleNamed(name)
	}
	if group == nil {
		return nil, mistaken("no group or role %q", g.Name)
	}
	var changes []policy.Change
	for _, m := range g.Add {
		id, err := r.principal(m)
		if err != nil {
			return nil, err
		}
		changes = append(changes, policy.Join{Group: group.ID, Member: id})
	}
	for _, m := range g.Remove {
		id, err := r.principal(m)
		if err != nil {
			return nil, err
		}
		changes = append(changes, policy.Leave{Group: group.ID, Member: id})
	}
	return changes, nil
}

func (l *levelSet) plan(r *run) ([]policy.Change, error) {
	sp, err := r.spaceNamed(l.Space)
	if err != nil {
		return nil, err
	}
	who, err := r.principal(l.Who)
	if err != nil {
		return nil, err
	}
	e := policy.Entry{Principal: who}
	if l.Is == nil { // the pin alone
		if i := slices.IndexFunc(sp.Levels, func(e policy.Entry) bool { return e.Principal == who }); i >= 0 {
			e = sp.Levels[i]
		}
	} else if e = levelEntry(who, *l.Is); e.Allow == 0 && *l.Is != "none" {
		return nil, mistaken("no level %q", *l.Is)
	}
	return []policy.Change{policy.SetLevel{Space: sp.ID, Entry: e, Pin: l.Pin}}, nil
}

// spaceNamed is space for a name that has to stand for one.
func (r *run) spaceNamed(name string) (*policy.Space, error) {
	if missing := r.leftOut[name]; missing != "" {
		return nil, missing
	}
	if sp := r.space(name); sp != nil {
		return sp, nil
	}
	return nil, mistaken("no space %q", name)
}

func (c *cutSet) plan(r *run) ([]policy.Change, error) {
	at, err := r.place(c.At)
	return []policy.Change{policy.SetCut{At: at, On: c.On == nil || *c.On}}, err
}

func (r *run) userNamed(name string) (*policy.User, error) {
	if u := r.server.Store.Policy().UserNamed(strings.TrimPrefix(name, "user:")); u != nil {
		return u, nil
	}
	return nil, mistaken("no user %q", name)
}

func (a *accountSet) plan(r *run) ([]policy.Change, error) {
	if a.Create || a.Delete || a.Locked != nil {
		return nil, mistaken("that account change is for a set of its own")
	}
	was, err := r.userNamed(a.User)
	if err != nil {
		return nil, err
	}
	u := *was
	if a.Active != nil {
		u.Inactive = !*a.Active
	}
	if a.Type != "" {
		u.Type = a.Type
	}
	if a.Profile != "" {
		p := r.server.Store.Policy().ProfileNamed(a.Profile)
		if p == nil {
			return nil, mistaken("no profile %q", a.Profile)
		}
		u.Profile = p.ID
	}
	return []policy.Change{policy.PutUser{User: u}}, nil
}

func (a *accountSet) carryOut(r *run) (bool, error) {
	switch {
	case a.Create:
		kind := a.Type
		if kind == "" {
			kind = policy.Member
		}
		return true, r.addUser(a.User, kind, a.Profile)
	case a.Delete:
		u, err := r.userNamed(a.User)
		if err != nil {
			return true, err
		}
		return true, r.server.Store.Operator().RemoveUser(context.Background(), u.ID, policy.Nobody)
	case a.Locked != nil:
		u, err := r.userNamed(a.User)
		if err != nil {
			return true, err
		}
		return true, r.lockOut(u, *a.Locked)
	}
	return false, nil
}

// stranger is where nobody of the cases signs in from: an address for
// documentation, RFC 5737.
var stranger = netip.MustParseAddr("192.0.2.1")

// lockOut locks an account as guesses from elsewhere do, or unlocks it.
func (r *run) lockOut(u *policy.User, locked bool) error {
	if !locked {
		return r.server.Auth.Unlock(context.Background(), u.ID)
	}
	for range r.server.Store.LockoutAfter() {
		if _, err := r.server.Auth.Basic(context.Background(), u.Name, "a bad guess", stranger); !errors.Is(err, auth.ErrLogin) {
			return mistaken("a bad password answers %v", err)
		}
	}
	return nil
}

func (p *profileSet) plan(r *run) ([]policy.Change, error) {
	return nil, mistaken("a change of a profile is for a set of its own")
}

func (p *profileSet) carryOut(r *run) (bool, error) {
	if p.Delete {
		return true, r.dropProfile(p.Name, p.MoveTo)
	}
	return true, r.putProfile(p.Name, p.Quota, p.Functions)
}

// dropProfile deletes a profile; its users get the one named.
func (r *run) dropProfile(name, successor string) error {
	state := r.server.Store.Policy()
	p := state.ProfileNamed(name)
	if p == nil {
		return mistaken("no profile %q", name)
	}
	change := policy.DropProfile{ID: p.ID}
	if successor != "" {
		next := state.ProfileNamed(successor)
		if next == nil {
			return mistaken("no profile %q", successor)
		}
		change.Successor = next.ID
	}
	return r.change(change)
}

func (s *stateSet) plan(r *run) ([]policy.Change, error) {
	sp, err := r.spaceNamed(s.Space)
	if err != nil {
		return nil, err
	}
	next := *sp
	next.State = policy.SpaceState(s.Is)
	return []policy.Change{policy.PutSpace{Space: next}}, nil
}

// owner hands a space over; who owns it is its manager.
type owner struct{ *stateSet }

func (o owner) plan(r *run) ([]policy.Change, error) {
	sp, err := r.spaceNamed(o.Space)
	if err != nil {
		return nil, err
	}
	u, err := r.userNamed(o.Is)
	if err != nil {
		return nil, err
	}
	return []policy.Change{policy.TransferSpace{Space: sp.ID, Owner: u.ID}}, nil
}

func (q *quotaSet) plan(r *run) ([]policy.Change, error) {
	limit, err := policy.ParseLimit(q.Limit)
	if err != nil {
		return nil, mistake{err}
	}
	if name, ok := strings.CutPrefix(q.Of, "space:"); ok {
		sp, err := r.spaceNamed(name)
		if err != nil {
			return nil, err
		}
		return []policy.Change{policy.PutSpace{Space: withQuota(sp, limit)}}, nil
	}
	if strings.HasPrefix(q.Of, "user:") {
		u, err := r.userNamed(q.Of)
		if err != nil {
			return nil, err
		}
		next := *u
		next.Quota = &limit
		return []policy.Change{policy.PutUser{User: next}}, nil
	}
	at, err := r.place(q.Of)
	return []policy.Change{policy.SetQuota{At: at, Limit: &limit}}, err
}

func (c *credSet) plan(*run) ([]policy.Change, error) {
	return nil, mistaken("an app password is for a set of its own")
}

func (c *credSet) carryOut(r *run) (bool, error) {
	u, err := r.userNamed(c.User)
	if err != nil {
		return true, err
	}
	if c.Revoke {
		d, err := r.device(c.User, c.Name)
		if err != nil {
			return true, err
		}
		return true, r.server.Auth.RemoveDevice(context.Background(), u.ID, d.ID)
	}
	d, err := c.device(r)
	if err != nil {
		return true, err
	}
	return true, r.addDevice(u, d)
}

// device is the app password to be made.
func (c *credSet) device(r *run) (d auth.NewDevice, err error) {
	d = auth.NewDevice{Name: c.Name, Class: policy.DAV}
	if d.ReadOnly, err = credential(c.Scope); err != nil {
		return d, err
	}
	for _, name := range c.Spaces {
		sp, err := r.spaceNamed(name)
		if err != nil {
			return d, err
		}
		d.Spaces = append(d.Spaces, sp.ID)
	}
	if c.Class != nil {
		if d.Class, err = policy.ParseClasses(c.Class.String()); err != nil {
			return d, mistake{err}
		}
	}
	if c.Until != nil {
		d.Expires = time.Unix(*c.Until, 0)
	}
	return d, nil
}

// device finds an app password.
func (r *run) device(who, name string) (store.Device, error) {
	account, err := r.server.Store.Account(who)
	if err != nil {
		return store.Device{}, mistake{err}
	}
	for _, d := range account.Devices {
		if d.Name == name {
			return d, nil
		}
	}
	return store.Device{}, mistaken("%s has no app password %q", who, name)
}

func (r *run) addDevice(u *policy.User, d auth.NewDevice) error {
	_, secret, err := r.server.Auth.AddDevice(context.Background(), u.ID, d)
	if err != nil {
		return err
	}
	r.devices[u.Name+"/"+d.Name] = r.server.AsSecret(u.Name, secret)
	return nil
}

type settings map[string]any
