package policy

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// This file says who may change what lists and spaces give: at most what one holds
// oneself, and never to oneself.

// ErrForbidden is wrapped by the refusal of a change that its maker may not make.
var ErrForbidden = errors.New("not yours to change")

func forbidden(format string, a ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, a...), ErrForbidden)
}

// SelfGrant is how long an admin reads by giving it to itself, in seconds, when
// it names no earlier end.
const SelfGrant = 60 * 60

// stamped is the change as it takes effect: a wall and a cut carry the rank of
// who set them, what an admin gives itself ends soon, a share is from now on.
func (e *edit) stamped(by *Subject, c Change) Change {
	var rank Rank // the operator's
	if u := e.User(by.User); u != nil {
		rank = u.Type.rank()
	}
	switch c := c.(type) {
	case SetEntry:
		var list []Entry
		if m := e.Mark(last(c.At)); m != nil {
			list = m.Entries
		}
		c.Entry = e.stampedEntry(by, rank, list, c.Entry)
		return c
	case SetLevel:
		if sp := e.Space(c.Space); sp != nil {
			c.Entry = e.stampedEntry(by, rank, sp.Levels, c.Entry)
		}
		return c
	case SetCut:
		m := e.Mark(last(c.At))
		switch {
		case !c.On:
			c.Rank = 0
		case m != nil && m.Cut && m.CutRank < rank:
			c.Rank = m.CutRank
		case by.User != Nobody:
			c.Rank = rank
		}
		return c
	case PutShare:
		if by.User != Nobody {
			c.Share.Made = by.Now
		}
		if old, _ := e.Share(c.Share.ID); old != nil && by.User != Nobody {
			c.Share.Made = old.Made // whoever gives it from now on: it does not get younger
		}
		return c
	}
	return c
}

func last(at Place) Node {
	if len(at.Path) == 0 {
		return 0
	}
	return at.Path[len(at.Path)-1]
}

func (e *edit) stampedEntry(by *Subject, rank Rank, list []Entry, en Entry) Entry {
	if en.Deny != 0 {
		if by.User != Nobody {
			en.Rank = rank
		}
		if old := lineOf(list, &en); old.Deny != 0 {
			en.Rank = min(en.Rank, old.Rank)
		}
	} else {
		en.Rank = 0
	}
	if en.Allow != 0 && en.Principal == by.User && e.isAdmin(by) {
		if end := by.Now + SelfGrant; en.Until == 0 || en.Until > end {
			en.Until = end
		}
	}
	return en
}

// lineOf is the line that the entry would replace, an empty one if none.
func lineOf(list []Entry, en *Entry) Entry {
	for _, old := range list {
		if old.sameLine(en) {
			return old
		}
	}
	return Entry{Principal: en.Principal}
}

// checkWhole holds what a set of changes must leave in place.
func (e *edit) checkWhole(before *State, by *Subject) error {
	if err := e.checkOwner(before); err != nil {
		return err
	}
	if err := e.checkHeirs(before); err != nil {
		return err
	}
	if by.User == Nobody || e.isAdmin(by) {
		return nil
	}
	return e.checkManagers(before)
}

// checkOwner keeps the last active owner in place.
func (e *edit) checkOwner(before *State) error {
	lost := false
	for id := range e.delta.Users {
		lost = lost || before.User(id).rules() && !e.User(id).rules()
	}
	if !lost {
		return nil
	}
	for _, u := range e.users.all() {
		if u.rules() {
			return nil
		}
	}
	return invalid("this would leave no active owner; make another account owner first")
}

func (u *User) rules() bool { return u != nil && u.Type == Owner && !u.Inactive && u.Until == 0 }

// checkHeirs: who is no longer of a type that has rooms hands them over.
func (e *edit) checkHeirs(before *State) error {
	for id := range e.delta.Users {
		was, is := before.User(id), e.User(id)
		if was == nil || is == nil || was.Type.rank() > Manager.rank() || is.Type.rank() <= Manager.rank() {
			continue
		}
		for _, sp := range e.spaces.all() {
			if sp.Owner == id && (sp.Kind == Room || sp.Kind == Portal) {
				return invalid("user %q owns the %s %q and a %s owns none; name an heir for it first", is.Name, sp.Kind, sp.Name, is.Type)
			}
		}
	}
	return nil
}

// checkManagers: a space that had somebody to manage it keeps somebody.
func (e *edit) checkManagers(before *State) error {
	for id, sp := range e.delta.Spaces {
		if was := before.Space(id); was != nil && sp != nil && before.managed(was) && !e.managed(sp) {
			return forbidden("this would leave nobody who manages the space %q", sp.Name)
		}
	}
	return nil
}

func (s *State) managed(sp *Space) bool {
	return slices.ContainsFunc(sp.Levels, func(l Entry) bool {
		return l.Allow&Manage != 0 && slices.ContainsFunc(s.MembersOf(l.Principal), func(id ID) bool { return !s.User(id).Inactive })
	})
}

// isAdmin: owners and admins look after everything but what is in it.
func (e *edit) isAdmin(by *Subject) bool {
	return e.isOfRank(by) && len(by.Spaces) == 0
}

// isOfRank: a credential for some spaces only is an admin's there.
func (e *edit) isOfRank(by *Subject) bool {
	u := e.User(by.User)
	return u.ActiveAt(by.Now) && u.Type.above(Manager)
}

func (e *edit) onlyAdmins(by *Subject) error {
	if e.isAdmin(by) {
		return nil
	}
	return forbidden("only admins and owners do this")
}

// administers: admins set the lists of every space but of personal drives.
func (e *edit) administers(by *Subject, sp *Space) bool {
	return e.isOfRank(by) && by.lets(sp)&Manage != 0 && (sp.Kind != Personal || e.set().AdminReads == ReadsAlways)
}

// spaceOf is the space of a place that begins at its root, or nil.
func (e *edit) spaceOf(at Place) *Space {
	if sp := e.Space(at.Space); sp != nil && len(at.Path) > 0 && at.Path[0] == sp.Root {
		return sp
	}
	return nil
}

// needs asks for a right at a place. What the asker may not see is not there.
func (e *edit) needs(by *Subject, at Place, want Rights) error {
	sp := e.spaceOf(at)
	if sp == nil {
		return notFound("no such file or folder")
	}
	if e.administers(by, sp) {
		return nil
	}
	d := e.Decide(*by, at, want)
	switch {
	case d.Allowed():
		return nil
	case !d.Visible:
		return notFound("no such file or folder")
	}
	return forbidden("this needs %s there", want)
}

// mayGive holds what somebody hands to a principal against what he holds
// himself. Admins give others what they do not hold; an owner gives his own
// groups too.
func (e *edit) mayGive(by *Subject, at Place, to ID, rights Rights) error {
	own := e.isA(by.User, to)
	if e.administers(by, e.Space(at.Space)) && (!own || e.User(by.User).Type == Owner) {
		return nil
	}
	switch lacking := e.lacks(by, at, to, rights); {
	case lacking == 0:
		return nil
	case own:
		return forbidden("you are in %s and would get %s yourself", e.PrincipalName(to), lacking)
	default:
		return forbidden("you do not hold %s there and everywhere below, at all times; give at most what you hold", lacking)
	}
}

// mayReplace judges one line of a list becoming another.
func (e *edit) mayReplace(by *Subject, at Place, old, line Entry) error {
	sp := e.spaceOf(at)
	if sp == nil {
		return notFound("no such file or folder")
	}
	lifted := old.Deny &^ line.Deny
	switch p := line.Principal; {
	case p == sp.Owner && p != Nobody:
		return forbidden("%s owns the space; ownership moves by its own command", e.PrincipalName(p))
	case p == by.User:
		return e.maySelf(by, old, line)
	case lifted != 0 && e.User(by.User).Type.rank() > old.Rank:
		return forbidden("this wall was set by a higher rank (%s)", old.Rank)
	case lifted != 0 && e.isA(by.User, p):
		return forbidden("you are in %s: somebody else lifts this wall", e.PrincipalName(p))
	}
	if err := e.mayLift(by, at, lifted); err != nil {
		return err
	}
	return e.mayGive(by, at, line.Principal, line.Allow&^old.Allow|old.Revoke&^line.Revoke)
}

// maySelf: nobody changes his own rights, but admins may let themselves read
// where the settings say so.
func (e *edit) maySelf(by *Subject, old, line Entry) error {
	takes := old.Revoke | old.Deny | line.Revoke | line.Deny
	if e.isAdmin(by) && e.set().AdminReads != ReadsNever && takes == 0 && line.Allow&^ReadOnly == 0 {
		return nil
	}
	return forbidden("nobody changes his own rights; ask somebody else who may")
}

// resting: who may do what in an archived space changes after it was restored.
func (e *edit) resting(space ID) error {
	if sp := e.Space(space); sp != nil && (sp.State == Archived || sp.State == Trashed) {
		return forbidden("the space %q is %s; restore it first", sp.Name, sp.State)
	}
	return nil
}

func (c SetLevel) allow(e *edit, by *Subject) error {
	sp := e.Space(c.Space)
	if sp == nil {
		return notFound("no such space")
	}
	at := Place{Space: sp.ID, Path: []Node{sp.Root}}
	if err := e.needs(by, at, ManageMembers); err != nil && !(c.Entry.Principal == by.User && e.isAdmin(by)) {
		return err
	}
	if err := e.resting(sp.ID); err != nil && c.Entry.Principal != by.User {
		return err
	}
	if c.Entry.Principal == by.User && c.Pin != nil {
		return forbidden("nobody changes his own rights; ask somebody else who may")
	}
	if _, pinned := slices.BinarySearch(sp.Pins, c.Entry.Principal); pinned && c.Pin != nil && !*c.Pin {
		if err := e.mayUnpin(by, sp, c.Entry.Principal); err != nil {
			return err
		}
	}
	return e.mayReplace(by, at, lineOf(sp.Levels, &c.Entry), c.Entry)
}

func (c SetEntry) allow(e *edit, by *Subject) error {
	if err := e.needs(by, c.At, Manage); err != nil && !(c.Entry.Principal == by.User && e.isAdmin(by)) {
		return err
	}
	if err := e.resting(c.At.Space); err != nil && c.Entry.Principal != by.User {
		return err
	}
	var list []Entry
	if m := e.Mark(last(c.At)); m != nil {
		list = m.Entries
	}
	return e.mayReplace(by, c.At, lineOf(list, &c.Entry), c.Entry)
}

func (c ClearEntries) allow(e *edit, by *Subject) error {
	m := e.Mark(c.Node)
	if m == nil {
		return nil
	}
	at, ok := e.placeOf(c.Node)
	if !ok {
		return notFound("no such file or folder")
	}
	if err := cmp.Or(e.needs(by, at, Manage), e.resting(at.Space)); err != nil {
		return err
	}
	for _, old := range m.Entries {
		if c.Principal != Nobody && old.Principal != c.Principal {
			continue
		}
		if err := e.mayReplace(by, at, old, Entry{Principal: old.Principal}); err != nil {
			return err
		}
	}
	return nil
}

func (c SetCut) allow(e *edit, by *Subject) error {
	if err := cmp.Or(e.needs(by, c.At, Manage), e.resting(c.At.Space)); err != nil {
		return err
	}
	m := e.Mark(last(c.At))
	switch is := m != nil && m.Cut; {
	case is == c.On:
		return nil
	case c.On:
		return e.mayCut(by, c.At)
	case e.User(by.User).Type.rank() > m.CutRank:
		return forbidden("this cut was made by a higher rank (%s)", m.CutRank)
	}
	return e.mayUncut(by, c.At)
}

func (c SetQuota) allow(e *edit, by *Subject) error {
	if len(c.At.Path) < 2 {
		return e.onlyAdmins(by)
	}
	return cmp.Or(e.needs(by, c.At, Manage), e.resting(c.At.Space))
}

func (c PutSpace) allow(e *edit, by *Subject) error {
	was := e.Space(c.Space.ID)
	if was == nil {
		return e.mayMakeSpace(by, &c.Space)
	}
	at := Place{Space: was.ID, Path: []Node{was.Root}}
	restored := c.Space
	restored.State, restored.Pins = was.State, was.Pins
	restored.setLevels(was.Levels)
	switch resting := e.resting(was.ID); {
	case c.Space.Owner != was.Owner:
		return forbidden("ownership moves by its own command")
	case resting != nil && !reflect.DeepEqual(restored, *was):
		return resting
	case was.Kind == Personal && c.Space.State == Trashed && e.User(was.Owner) == nil:
		return e.onlyAdmins(by) // the drive of a deleted account
	case c.Space.Quota != was.Quota || was.Kind == Personal:
		return e.onlyAdmins(by)
	case e.isAdmin(by):
		return nil
	}
	want := Manage
	if !c.Space.keepsLike(was) {
		want |= Purge // fewer days end for ever what is kept
	}
	if e.Held(*by, at)&want == want {
		return nil
	}
	return e.needs(by, at, want)
}

func (e *edit) mayMakeSpace(by *Subject, sp *Space) error {
	maker := e.User(by.User)
	onlyOwner := !slices.ContainsFunc(sp.Levels, func(l Entry) bool { return l.Principal != sp.Owner })
	switch {
	case !onlyOwner || len(sp.Pins) > 0:
		return forbidden("a new space has its owner for the only member")
	case sp.Kind == Personal:
		u := e.User(sp.Owner)
		if u == nil || u.Home != sp.ID || u != maker && !maker.Type.above(u.Type) {
			return forbidden("a personal drive comes with its account")
		}
		return nil
	case maker.Type.above(Manager):
		return nil
	case maker.Type == Manager && (sp.Kind == Room || sp.Kind == Portal) && sp.Owner == maker.ID && sp.Quota < 0:
		return nil
	case maker.Type == Manager:
		return forbidden("a manager makes rooms and portals of his own, without a quota")
	}
	return forbidden("a %s makes no spaces", maker.Type)
}

func (c TransferSpace) allow(e *edit, by *Subject) error {
	sp := e.Space(c.Space)
	switch {
	case sp == nil:
		return notFound("no such space")
	case c.Owner == by.User:
		return forbidden("nobody makes himself the owner of a space")
	case e.isAdmin(by):
		return nil
	case sp.Owner != by.User:
		return forbidden("only the owner of a space and admins hand it over")
	}
	rank, walled := e.User(by.User).Type.rank(), false
	e.linesOf(c.Owner, func(at Place, en *Entry) {
		walled = walled || at.Space == sp.ID && en.Deny != 0 && en.Rank < rank
	})
	if walled {
		return forbidden("a higher rank set a wall against %s here, which would end; an admin hands the space over", e.PrincipalName(c.Owner))
	}
	if lacking := e.lacksAnywhere(by, Place{Space: sp.ID, Path: []Node{sp.Root}}, levelManager); lacking != 0 {
		return forbidden("the new owner would get %s, which you do not hold everywhere in the space; an admin hands it over", lacking)
	}
	return nil
}

func (c DropSpace) allow(e *edit, by *Subject) error {
	if sp := e.Space(c.ID); sp != nil && sp.State != Trashed {
		return forbidden("only a space in the trash is deleted")
	}
	return e.onlyAdmins(by)
}

func (c PutShare) allow(e *edit, by *Subject) error {
	sh, giver := c.Share, e.User(c.Share.By)
	if old, at := e.Share(sh.ID); old != nil {
		if err := e.mayChangeShare(by, old, at, &sh); err != nil {
			return err
		}
	}
	if sh.By != by.User {
		return forbidden("everybody shares for himself")
	}
	if err := e.needsOwn(by, c.At, Reshare|sh.Rights); err != nil {
		return err
	}
	set, now, days := e.set(), by.Now, e.LinkDays(giver)
	switch {
	case !e.Profile(giver.Profile).has(sh.function()):
		return forbidden("your profile does not open %s", sh.function())
	case sh.IsLink() && !set.Links:
		return forbidden("links are switched off")
	case sh.IsLink() && set.LinkPassword && !sh.Password:
		return forbidden("links need a password here")
	case sh.IsLink() && days > 0 && sh.Until > now+days*daySeconds:
		return forbidden("a link lives at most %d days here", days)
	case !sh.IsLink() && !e.mayShareWith(giver, sh.To):
		return forbidden("sharing with %s is switched off", e.PrincipalName(sh.To))
	}
	return nil
}

// needsOwn is needs without the shortcut of admins: nobody shares what he does
// not hold.
func (e *edit) needsOwn(by *Subject, at Place, want Rights) error {
	d := e.Decide(*by, at, want)
	switch {
	case d.Allowed():
		return nil
	case !d.Visible:
		return notFound("no such file or folder")
	}
	return forbidden("you do not hold %s there; share at most what you hold", want&^d.Held)
}

// mayChangeShare: the giver changes a share, and whoever manages the place
// adopts it.
func (e *edit) mayChangeShare(by *Subject, old *Share, at Place, sh *Share) error {
	switch {
	case old.By == by.User && old.To == sh.To && old.Made == sh.Made:
		return nil
	case old.By == by.User:
		return forbidden("a share stays with whom it was given to; end it and make another")
	case sh.By == by.User:
		return e.needs(by, at, Manage)
	}
	return forbidden("only its giver changes a share")
}

func (c DropShare) allow(e *edit, by *Subject) error {
	sh, at := e.Share(c.ID)
	switch {
	case sh == nil:
		return notFound("no such share")
	case sh.By == by.User || sh.To == by.User || e.isAdmin(by):
		return nil
	}
	return e.needs(by, at, Manage)
}

// What becomes of marks when content moves is decided with the content.

func (MoveNode) allow(*edit, *Subject) error { return errContent }

func (ParkNode) allow(*edit, *Subject) error { return errContent }

func (DropNodes) allow(*edit, *Subject) error { return errContent }

var errContent = forbidden("this follows a change of content")
