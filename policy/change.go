package policy

import (
	"slices"
)

// A Change is one edit of the policy as data: it can be applied, foretold,
// written down and applied again.
type Change interface {
	apply(*edit) error
	// allow tells whether the account may make the change; nothing that is no
	// operator's is applied without.
	allow(*edit, *Subject) error
}

// Changes. Records are given whole; Put creates or replaces by ID.
type (
	// PutUser creates or replaces an account.
	PutUser struct{ User User }
	// DropUser deletes a deactivated account and takes it out of all lists.
	DropUser struct{ ID ID }
	// PutGroup creates a group or role, or renames it; it keeps its members.
	PutGroup struct{ Group Group }
	// DropGroup deletes a group or role and takes it out of all lists.
	DropGroup struct{ ID ID }
	// Join makes a user or group a member of a group or role.
	Join struct{ Group, Member ID }
	// Leave ends a membership.
	Leave struct{ Group, Member ID }
	// PutProfile creates or replaces a profile.
	PutProfile struct{ Profile Profile }
	// DropProfile deletes a profile; who has it gets the successor, which has to
	// be named as soon as anybody does.
	DropProfile struct{ ID, Successor ID }
	// PutSpace creates a space or replaces all of it but levels and pins.
	PutSpace struct{ Space Space }
	// TransferSpace hands a space over: the new owner becomes its manager, and
	// nothing there is revoked from or denied to it any more; the one before
	// stays what he is.
	TransferSpace struct{ Space, Owner ID }
	// DropSpace forgets a space and its levels. Marks go by DropNodes.
	DropSpace struct{ ID ID }
	// SetLevel gives a principal its level in a space; an entry without rights
	// takes it away. Pin sets or lifts the pin of a user.
	SetLevel struct {
		Space ID
		Entry Entry
		Pin   *bool
	}
	// SetEntry puts a line into the list of a node; an entry without rights
	// takes the line out.
	SetEntry struct {
		At    Place
		Entry Entry
	}
	// ClearEntries takes every line of the principal out, or of all for Nobody.
	ClearEntries struct {
		Node      Node
		Principal ID
	}
	// SetCut stops or restores inheritance at a folder.
	SetCut struct {
		At   Place
		On   bool
		Rank Rank `json:",omitempty"` // of who cuts
	}
	// SetQuota limits a folder; nil takes the limit away.
	SetQuota struct {
		At    Place
		Limit *Limit
	}
	// PutShare gives a share or makes a link, or changes it.
	PutShare struct {
		Share Share
		At    Place
	}
	// DropShare ends a share or link.
	DropShare struct{ ID ID }
	// PutSettings replaces the settings of the instance.
	PutSettings struct{ Settings Settings }
	// MoveNode tells that a node that is OnWay stands at a new place.
	MoveNode struct{ To Place }
	// ParkNode tells that a node that is OnWay was put into the trash: it keeps
	// what it carries and leads nobody there. MoveNode brings it back.
	ParkNode struct{ Node Node }
	// DropNodes forgets the marks of nodes that are gone.
	DropNodes struct{ Nodes []Node }
)

// A Delta holds the records that a set of changes touched, for keeping; nil
// stands for a record that is gone.
type Delta struct {
	Users    map[ID]*User
	Groups   map[ID]*Group
	Profiles map[ID]*Profile
	Spaces   map[ID]*Space
	Marks    map[Node]*Mark
	Settings *Settings // nil when they stay
	// Applied are the changes as they took effect: with the rank of who set a
	// wall and the end of what an admin gave himself.
	Applied []Change
}

// Apply makes the state after the changes of the operator, who may make all of
// them, or an error and no state: all or nothing.
func (s *State) Apply(changes ...Change) (*State, Delta, error) {
	return s.ApplyAs(Subject{}, changes...)
}

// ApplyAs makes the state after the changes of an account, which may change what
// it has the rank and the rights for: each change is judged by what the ones
// before it left. The zero Subject is the operator. An error is a *ChangeError.
func (s *State) ApplyAs(by Subject, changes ...Change) (*State, Delta, error) {
	e := newEdit(s)
	for i, c := range changes {
		c = e.stamped(&by, c)
		if err := e.make(&by, c); err != nil {
			return nil, Delta{}, &ChangeError{i, err}
		}
		e.delta.Applied = append(e.delta.Applied, c)
	}
	if err := e.checkWhole(s, &by); err != nil {
		return nil, Delta{}, &ChangeError{len(changes) - 1, err}
	}
	e.close()
	next := e.State // a copy: the edit itself is not kept alive
	next.Epoch++
	return &next, e.delta, nil
}

func (e *edit) make(by *Subject, c Change) error {
	if by.User != Nobody || by.Link != Nobody {
		e.close() // it is judged by the memberships of now
		if err := e.mayAct(by, c); err != nil {
			return err
		}
		if err := c.allow(e, by); err != nil {
			return err
		}
	}
	if err := c.apply(e); err != nil {
		return err
	}
	e.dropEnded()
	return nil
}

// A ChangeError tells which of several changes was refused; none was made.
type ChangeError struct {
	Index int
	Err   error
}

func (e *ChangeError) Error() string { return e.Err.Error() }

func (e *ChangeError) Unwrap() error { return e.Err }

// edit is a state being changed. Tables are persistent, so the copy shares all
// with the original.
type edit struct {
	State
	delta Delta
	stale map[ID]bool // principals below which closures have to be made anew
	links map[ID]bool // of a model that is being loaded, where lists come before what they name
	ended map[ID]bool // links that are no principals any more
}

func newEdit(s *State) *edit {
	return &edit{
		State: *s, stale: map[ID]bool{}, ended: map[ID]bool{},
		delta: Delta{
			Users: map[ID]*User{}, Groups: map[ID]*Group{}, Profiles: map[ID]*Profile{},
			Spaces: map[ID]*Space{}, Marks: map[Node]*Mark{},
		},
	}
}

// checkID refuses an ID that is reserved or stands for something else: whoever
// takes it over would take over its entries too.
func (e *edit) checkID(what string, id ID, same bool) error {
	_, share := e.shares.get(uint64(id))
	if taken := share || e.taken(id); id < FirstID || taken && !same {
		return invalid("%s with the ID %d, which is not its own", what, id)
	}
	return nil
}

// rename moves a record's name in the index and refuses one that is taken.
func (e *edit) rename(kind, old, name string, id ID) error {
	if taken := e.find(kind, name); taken != Nobody && taken != id {
		return exists("%s %q", kind, name)
	}
	if old != "" {
		key := nameKey(kind, Fold(old))
		list, _ := e.names.get(key)
		list = slices.DeleteFunc(slices.Clone(list), func(n named) bool { return n.kind == kind && n.id == id })
		e.names = e.names.set(key, list)
	}
	if name != "" {
		folded := Fold(name)
		key := nameKey(kind, folded)
		list, _ := e.names.get(key)
		e.names = e.names.set(key, append(slices.Clone(list), named{kind, folded, id}))
	}
	return nil
}

func (c PutUser) apply(e *edit) error {
	u := c.User
	if err := checkName("user", u.Name); err != nil {
		return err
	}
	if !slices.Contains(Types, u.Type) {
		return invalid("no account type %q (types: owner admin manager member guest)", u.Type)
	}
	if err := e.checkID("user", u.ID, e.User(u.ID) != nil); err != nil {
		return err
	}
	if u.Quota != nil {
		limit := *u.Quota
		u.Quota = &limit
	}
	if e.Profile(u.Profile) == nil {
		return invalid("user %q has no profile", u.Name)
	}
	if home := e.Space(u.Home); home != nil && (home.Kind != Personal || home.Owner != u.ID) {
		return invalid("the space %q is no personal drive of %q", home.Name, u.Name)
	}
	old := ""
	if was := e.User(u.ID); was != nil {
		old = was.Name
	}
	if err := e.rename(nameOfUser, old, u.Name, u.ID); err != nil {
		return err
	}
	e.users = e.users.set(uint64(u.ID), &u)
	e.delta.Users[u.ID] = &u
	e.stale[u.ID] = true
	return nil
}

func (c DropUser) apply(e *edit) error {
	u := e.User(c.ID)
	switch {
	case u == nil:
		return notFound("no such user")
	case !u.Inactive:
		return invalid("user %q is active; deactivate the account before deleting it", u.Name)
	}
	for _, sp := range e.spaces.all() {
		if sp.Owner == c.ID && sp.Kind != Personal {
			return invalid("user %q owns the space %q; hand it over first", u.Name, sp.Name)
		}
	}
	e.dropFromLists(c.ID)
	if err := e.rename(nameOfUser, u.Name, "", u.ID); err != nil {
		return err
	}
	e.users = e.users.del(uint64(c.ID))
	e.closures = e.closures.del(uint64(c.ID))
	e.delta.Users[c.ID] = nil
	return nil
}

func (c PutGroup) apply(e *edit) error {
	g := c.Group
	kind := nameOfGroup
	if g.Role {
		kind = nameOfRole
	}
	if err := checkName(kind, g.Name); err != nil {
		return err
	}
	if err := e.checkID(kind, g.ID, e.Group(g.ID) != nil); err != nil {
		return err
	}
	old := ""
	g.Members = nil
	g.Managers = slices.Compact(slices.Sorted(slices.Values(g.Managers)))
	for _, id := range g.Managers {
		if e.User(id) == nil {
			return notFound("no such user to manage %s %q", kind, g.Name)
		}
	}
	if was := e.Group(g.ID); was != nil {
		if was.Role != g.Role {
			return invalid("a group does not become a role")
		}
		old, g.Members = was.Name, was.Members
	}
	if err := e.rename(kind, old, g.Name, g.ID); err != nil {
		return err
	}
	e.setGroup(&g)
	return nil
}

func (e *edit) setGroup(g *Group) {
	e.groups = e.groups.set(uint64(g.ID), g)
	e.delta.Groups[g.ID] = g
}

func (e *edit) setMembers(g *Group, members []ID) {
	next := *g
	next.Members = members
	e.setGroup(&next)
}

func (c DropGroup) apply(e *edit) error {
	g := e.Group(c.ID)
	if g == nil {
		return notFound("no such group")
	}
	for _, m := range g.Members {
		in := slices.DeleteFunc(slices.Clone(e.GroupsOf(m)), func(id ID) bool { return id == g.ID })
		e.in = e.in.set(uint64(m), in)
		e.stale[m] = true
	}
	e.dropFromLists(g.ID)
	kind := nameOfGroup
	if g.Role {
		kind = nameOfRole
	}
	if err := e.rename(kind, g.Name, "", g.ID); err != nil {
		return err
	}
	e.groups = e.groups.del(uint64(g.ID))
	e.delta.Groups[g.ID] = nil
	return nil
}

func (c Join) apply(e *edit) error {
	g := e.Group(c.Group)
	switch {
	case g == nil:
		return notFound("no such group")
	case e.User(c.Member) == nil && e.Group(c.Member) == nil:
		return notFound("no such member")
	case slices.Contains(e.ancestors(c.Group), c.Member) || c.Group == c.Member:
		return invalid("%s cannot join %s: it contains it already", e.PrincipalName(c.Member), e.PrincipalName(c.Group))
	}
	i, member := slices.BinarySearch(g.Members, c.Member)
	if member {
		return nil
	}
	e.setMembers(g, slices.Insert(slices.Clone(g.Members), i, c.Member))
	in := e.GroupsOf(c.Member)
	j, _ := slices.BinarySearch(in, c.Group)
	e.in = e.in.set(uint64(c.Member), slices.Insert(slices.Clone(in), j, c.Group))
	e.stale[c.Member] = true
	return nil
}

func (c Leave) apply(e *edit) error {
	g := e.Group(c.Group)
	if g == nil {
		return notFound("no such group")
	}
	i, member := slices.BinarySearch(g.Members, c.Member)
	if !member {
		return notFound("%s is not in %s", e.PrincipalName(c.Member), e.PrincipalName(c.Group))
	}
	e.setMembers(g, slices.Delete(slices.Clone(g.Members), i, i+1))
	in := slices.DeleteFunc(slices.Clone(e.GroupsOf(c.Member)), func(id ID) bool { return id == c.Group })
	e.in = e.in.set(uint64(c.Member), in)
	e.stale[c.Member] = true
	return nil
}

// ancestors are all groups that hold the principal, directly or through others.
func (e *edit) ancestors(id ID) []ID {
	var up []ID
	var climb func(ID)
	climb = func(id ID) {
		for _, g := range e.GroupsOf(id) {
			if !slices.Contains(up, g) {
				up = append(up, g)
				climb(g)
			}
		}
	}
	climb(id)
	return up
}

func (c PutProfile) apply(e *edit) error {
	p := c.Profile
	if err := checkName("profile", p.Name); err != nil {
		return err
	}
	if err := e.checkID("profile", p.ID, e.Profile(p.ID) != nil); err != nil {
		return err
	}
	old := ""
	if was := e.Profile(p.ID); was != nil {
		old = was.Name
	}
	if err := e.rename(nameOfProfile, old, p.Name, p.ID); err != nil {
		return err
	}
	if p.Functions != nil {
		functions := *p.Functions
		p.Functions = &functions
	}
	e.profiles = e.profiles.set(uint64(p.ID), &p)
	e.delta.Profiles[p.ID] = &p
	return nil
}

func (c DropProfile) apply(e *edit) error {
	p := e.Profile(c.ID)
	if p == nil {
		return notFound("no such profile")
	}
	for _, u := range e.users.all() {
		if u.Profile != c.ID {
			continue
		}
		if c.Successor == c.ID || e.Profile(c.Successor) == nil {
			return invalid("profile %q is in use; name the one that its users get", p.Name)
		}
		next := *u
		next.Profile = c.Successor
		if err := (PutUser{next}).apply(e); err != nil {
			return err
		}
	}
	if err := e.rename(nameOfProfile, p.Name, "", p.ID); err != nil {
		return err
	}
	e.profiles = e.profiles.del(uint64(c.ID))
	e.delta.Profiles[c.ID] = nil
	return nil
}

func (c PutSpace) apply(e *edit) error {
	sp := c.Space
	was := e.Space(sp.ID)
	if err := e.checkID("space", sp.ID, was != nil); err != nil {
		return err
	}
	if err := sp.check(); err != nil {
		return err
	}
	old := ""
	if was != nil {
		sp.Levels, sp.Pins, old = was.Levels, was.Pins, was.Name
		if was.Kind != sp.Kind || was.Root != sp.Root {
			return invalid("space %q: kind and root do not change", was.Name)
		}
	} else if _, taken := e.roots.get(uint64(sp.Root)); taken || e.rootOf(sp.Root) != sp.Root {
		return invalid("space %q: its root stands somewhere else already", sp.Name)
	}
	if was == nil || was.Template != sp.Template {
		if err := e.checkLevels(&sp); err != nil {
			return err
		}
	}
	if sp.OwnHour != nil {
		hour := *sp.OwnHour
		sp.OwnHour = &hour
	}
	if sp.Kind != Personal {
		if err := checkSpaceName(sp.Name); err != nil {
			return err
		}
		if err := e.rename(nameOfSpace, old, sp.Name, sp.ID); err != nil {
			return err
		}
	}
	e.setSpace(&sp)
	return nil
}

// checkLevels holds the levels that a space begins with, and makes them its own.
func (e *edit) checkLevels(sp *Space) error {
	sp.Levels, sp.Pins = sortedEntries(sp.Levels), slices.Sorted(slices.Values(sp.Pins))
	for _, l := range sp.Levels {
		if err := e.checkEntry(l); err != nil {
			return err
		}
		if err := e.checkLevel(sp, l); err != nil {
			return err
		}
	}
	return nil
}

func (e *edit) setSpace(sp *Space) {
	sp.setLevels(sp.Levels)
	e.indexLevels(e.Space(sp.ID), sp)
	e.spaces = e.spaces.set(uint64(sp.ID), sp)
	e.roots = e.roots.set(uint64(sp.Root), sp.ID)
	e.delta.Spaces[sp.ID] = sp
}

func (c DropSpace) apply(e *edit) error {
	sp := e.Space(c.ID)
	if sp == nil {
		return notFound("no such space")
	}
	if sp.Kind != Personal {
		if err := e.rename(nameOfSpace, sp.Name, "", sp.ID); err != nil {
			return err
		}
	}
	e.indexLevels(sp, nil)
	e.spaces = e.spaces.del(uint64(c.ID))
	e.roots = e.roots.del(uint64(sp.Root))
	e.delta.Spaces[c.ID] = nil
	return nil
}

func (c SetLevel) apply(e *edit) error {
	sp := e.Space(c.Space)
	if sp == nil {
		return notFound("no such space")
	}
	if err := e.checkEntry(c.Entry); err != nil {
		return err
	}
	if sp.Kind == Personal && c.Entry.Principal == sp.Owner {
		return invalid("the owner of a personal drive keeps its level")
	}
	if err := e.checkLevel(sp, c.Entry); err != nil {
		return err
	}
	next := *sp
	next.Levels = withEntry(sp.Levels, c.Entry)
	if c.Pin != nil {
		if e.User(c.Entry.Principal) == nil {
			return invalid("only a user's level can be pinned")
		}
		next.Pins = slices.DeleteFunc(slices.Clone(sp.Pins), func(id ID) bool { return id == c.Entry.Principal })
		if *c.Pin {
			i, _ := slices.BinarySearch(next.Pins, c.Entry.Principal)
			next.Pins = slices.Insert(next.Pins, i, c.Entry.Principal)
		}
	}
	e.setSpace(&next)
	return nil
}

func (e *edit) checkEntry(en Entry) error {
	builtIn := en.Principal == Members || en.Principal == AnyoneSignedIn || en.Principal == Links
	if !builtIn && e.User(en.Principal) == nil && e.Group(en.Principal) == nil && !e.isLink(en.Principal) {
		return notFound("no such principal")
	}
	return en.check()
}

func (e *edit) isLink(id ID) bool {
	sh, _ := e.Share(id)
	return sh != nil && sh.IsLink() || e.links[id]
}

func (c TransferSpace) apply(e *edit) error {
	sp, to := e.Space(c.Space), e.User(c.Owner)
	switch {
	case sp == nil:
		return notFound("no such space")
	case to == nil:
		return notFound("no such user")
	case sp.Kind == Personal:
		return invalid("a personal drive stays its user's")
	case to.Inactive || to.Type == Guest:
		return invalid("%s cannot own a space: the account is a guest's or deactivated", e.PrincipalName(c.Owner))
	}
	next := *sp
	next.Owner = c.Owner
	next.Levels = withEntry(withoutPrincipal(sp.Levels, c.Owner), Entry{Principal: c.Owner, Level: "manager", Allow: levelManager})
	next.Pins = slices.DeleteFunc(slices.Clone(sp.Pins), func(id ID) bool { return id == c.Owner })
	e.setSpace(&next)
	e.unwall(sp.Root, c.Owner)
	return nil
}

// unwall takes out of a space what is revoked from and denied to its owner.
func (e *edit) unwall(root Node, owner ID) {
	for _, here := range e.named.appendIn(nil, root, owner) {
		next := *e.Mark(here.node)
		next.Entries = nil
		for _, en := range e.Mark(here.node).Entries {
			if en.Principal == owner {
				en.Revoke, en.Deny, en.Rank = 0, 0, 0
			}
			if en.Allow|en.Revoke|en.Deny != 0 {
				next.Entries = append(next.Entries, en)
			}
		}
		e.setMark(&next)
	}
}
