package policy

import "slices"

// This file says who may change accounts, groups, profiles and the settings.

// handsOut are the account types that each type may give.
var handsOut = map[Type][]Type{
	Owner:   {Owner, Admin, Manager, Member, Guest},
	Admin:   {Manager, Member, Guest},
	Manager: {Member, Guest},
}

func (c PutUser) allow(e *edit, by *Subject) error {
	maker, was := e.User(by.User), e.User(c.User.ID)
	if len(by.Spaces) > 0 {
		return forbidden("the credential is for spaces only")
	}
	if was == nil {
		return e.mayMake(maker, &c.User)
	}
	own := *was
	own.Email, own.Language = c.User.Email, c.User.Language
	switch {
	case same(own, c.User) && was.ID == maker.ID:
		return nil
	case was.ID == maker.ID:
		return forbidden("nobody changes his own rank, state, profile or quota")
	case !maker.Type.above(was.Type):
		return forbidden("%s is of the same rank or a higher one", e.PrincipalName(was.ID))
	case c.User.Home != was.Home && (was.Home != Nobody || e.Space(c.User.Home) != nil):
		return forbidden("a personal drive stays its user's")
	case c.User.Type != was.Type && !slices.Contains(handsOut[maker.Type], c.User.Type):
		return forbidden("the rank %s makes nobody %s", maker.Type, c.User.Type)
	}
	if e.isAdmin(by) {
		return nil
	}
	promoted := *was
	promoted.Type, promoted.Home = Member, c.User.Home
	if was.Type == Guest && same(promoted, c.User) {
		return e.mayPromote(by, was)
	}
	return forbidden("only admins and owners change accounts")
}

func same(a, b User) bool {
	quota := a.Quota == b.Quota || a.Quota != nil && b.Quota != nil && *a.Quota == *b.Quota
	a.Quota, b.Quota = nil, nil
	return quota && a == b
}

// mayMake judges a new account.
func (e *edit) mayMake(maker, u *User) error {
	switch {
	case !slices.Contains(handsOut[maker.Type], u.Type):
		return forbidden("the rank %s makes no account of type %s", maker.Type, u.Type)
	case u.Type == Guest && !e.set().Guests:
		return forbidden("guests are switched off")
	case maker.Type.above(Manager):
		return nil
	case u.Quota != nil || !e.Profile(maker.Profile).covers(e.Profile(u.Profile)):
		return forbidden("the rank %s gives no profile with more than the own", maker.Type)
	}
	return nil
}

// covers tells whether the other profile opens nothing that p does not.
func (p *Profile) covers(o *Profile) bool {
	if p == nil || o == nil {
		return o == nil
	}
	mine, theirs := AllFunctions, AllFunctions
	if p.Functions != nil {
		mine = *p.Functions
	}
	if o.Functions != nil {
		theirs = *o.Functions
	}
	within := func(limit, other int64) bool { return limit == 0 || other != 0 && other <= limit } // 0 for any
	return theirs&^mine == 0 && (p.Quota < 0 || o.Quota >= 0 && o.Quota <= p.Quota) &&
		within(int64(p.FileMax), int64(o.FileMax)) && within(p.LinkDays, o.LinkDays)
}

func (c DropUser) allow(e *edit, by *Subject) error {
	if err := e.onlyAdmins(by); err != nil {
		return err
	}
	if u := e.User(c.ID); u != nil && !e.User(by.User).Type.above(u.Type) {
		return forbidden("%s is of the same rank or a higher one", e.PrincipalName(c.ID))
	}
	return nil
}

func (c PutGroup) allow(e *edit, by *Subject) error { return e.onlyAdmins(by) }

func (c DropGroup) allow(e *edit, by *Subject) error {
	if err := e.onlyAdmins(by); err != nil {
		return err
	}
	rank := e.User(by.User).Type.rank()
	if e.lineNames(c.ID, func(en *Entry) bool { return en.Deny != 0 && en.Rank < rank }) {
		return forbidden("a higher rank set a wall against %s, which would end with it", e.PrincipalName(c.ID))
	}
	return e.mayLeave(by, by.User, c.ID)
}

// mayLeave: whoever leaves a group that a wall names gets past the wall, so
// nobody does it for himself.
func (e *edit) mayLeave(by *Subject, member, group ID) error {
	if !e.contains(member, by.User) || !e.isA(by.User, group) {
		return nil
	}
	for _, g := range append(e.ancestors(group), group) {
		if e.lineNames(g, func(en *Entry) bool { return en.Deny != 0 }) {
			return forbidden("a wall stands against %s, and you are in it: somebody else takes you out", e.PrincipalName(g))
		}
	}
	return nil
}

// contains tells whether the principal is the user or a group that the user is in.
func (e *edit) contains(principal, user ID) bool { return principal == user || e.isA(user, principal) }

// lineNames tells whether a line of any list names the principal and says so.
func (e *edit) lineNames(p ID, says func(*Entry) bool) bool {
	found := false
	e.linesOf(p, func(_ Place, en *Entry) { found = found || says(en) })
	return found
}

// linesOf gives every line that names a principal, with its place; those in the
// trash too, which may come out of it again.
func (e *edit) linesOf(p ID, each func(Place, *Entry)) {
	for _, sp := range e.spaces.all() {
		for i := firstOf(sp.Levels, p); i < len(sp.Levels) && sp.Levels[i].Principal == p; i++ {
			each(Place{Space: sp.ID, Path: []Node{sp.Root}}, &sp.Levels[i])
		}
	}
	for _, s := range e.named.at(p) {
		place, ok := e.wayOf(s.node)
		if !ok {
			continue
		}
		list := e.Mark(s.node).Entries
		for i := firstOf(list, p); i < len(list) && list[i].Principal == p; i++ {
			each(place, &list[i])
		}
	}
}

func (c Join) allow(e *edit, by *Subject) error {
	g := e.Group(c.Group)
	if g == nil {
		return notFound("no such group")
	}
	if e.isAdmin(by) {
		if !e.contains(c.Member, by.User) {
			return nil
		}
		return e.mayJoin(by, c)
	}
	if _, manages := slices.BinarySearch(g.Managers, by.User); !manages {
		return forbidden("only admins, owners and the managers of %s add to it", e.PrincipalName(g.ID))
	}
	if e.contains(c.Member, by.User) {
		return forbidden("nobody adds himself to a group")
	}
	return e.mayJoin(by, c)
}

// mayJoin asks, for every line that names the group or one that holds it, for
// what the member would get by it and has not got already.
func (e *edit) mayJoin(by *Subject, c Join) error {
	for _, g := range append(e.ancestors(c.Group), c.Group) {
		if e.User(c.Member) != nil && e.isA(c.Member, g) {
			continue
		}
		refused := false
		e.linesOf(g, func(at Place, en *Entry) {
			if en.Allow == 0 {
				return
			}
			refused = refused || e.needs(by, at, Manage) != nil || e.lacks(by, at, g, en.Allow) != 0
		})
		if refused {
			return forbidden("%s would get by %s what you cannot give", e.PrincipalName(c.Member), e.PrincipalName(g))
		}
		if e.sharedWith(g, e.named.at(g)) {
			return forbidden("something is shared with %s: an admin adds to it", e.PrincipalName(g))
		}
	}
	return nil
}

func (e *edit) sharedWith(to ID, at places) bool {
	return slices.ContainsFunc(at, func(s spot) bool {
		return slices.ContainsFunc(e.Mark(s.node).Shares, func(sh Share) bool { return sh.To == to })
	})
}

func (c Leave) allow(e *edit, by *Subject) error {
	g := e.Group(c.Group)
	if g == nil {
		return notFound("no such group")
	}
	if _, manages := slices.BinarySearch(g.Managers, by.User); !manages && !e.isAdmin(by) {
		return forbidden("only admins, owners and the managers of %s take out of it", e.PrincipalName(g.ID))
	}
	if e.isAdmin(by) {
		return e.mayLeave(by, c.Member, c.Group)
	}
	for _, up := range append(e.ancestors(c.Group), c.Group) {
		if e.lineNames(up, func(en *Entry) bool { return en.Deny != 0 }) {
			return forbidden("a wall stands against %s: an admin takes out of it", e.PrincipalName(up))
		}
	}
	return nil
}

func (c PutProfile) allow(e *edit, by *Subject) error {
	return e.mayReprofile(by, c.Profile.ID, &c.Profile)
}

func (c DropProfile) allow(e *edit, by *Subject) error {
	return e.mayReprofile(by, c.ID, e.Profile(c.Successor))
}

// mayReprofile: an admin opens nothing to himself by the profile that he has.
func (e *edit) mayReprofile(by *Subject, id ID, next *Profile) error {
	if err := e.onlyAdmins(by); err != nil {
		return err
	}
	u := e.User(by.User)
	if u.Type != Owner && u.Profile == id && next != nil && !e.Profile(id).covers(next) {
		return forbidden("this is your own profile: an owner opens more by it")
	}
	return nil
}

func (c PutSettings) allow(e *edit, by *Subject) error {
	if err := e.onlyAdmins(by); err != nil {
		return err
	}
	if c.Settings.AdminReads != e.set().AdminReads && e.User(by.User).Type != Owner {
		return forbidden("only an owner says whether admins read content")
	}
	if c.Settings.mailbox() != e.set().mailbox() && e.User(by.User).Type != Owner {
		return forbidden("only an owner says which server gets the letters, and the password with which they are sent")
	}
	return nil
}
