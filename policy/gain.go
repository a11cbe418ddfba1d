package policy

import "slices"

// This file measures what a change would open to somebody, so that nobody opens
// what he does not hold himself. It counts what lists may come to give, in any
// context, in cut folders and in the trash.

// kept is what whoever manages a space keeps in its cut folders.
const kept = See | ReadACL | Manage

// mayAct: only living accounts change the policy, by credentials that let them.
func (e *edit) mayAct(by *Subject, c Change) error {
	u, need := e.User(by.User), Manage
	switch c.(type) {
	case PutShare, DropShare:
		need = Reshare
	}
	switch {
	case by.Link != Nobody || u == nil:
		return forbidden("only accounts change the policy")
	case !u.ActiveAt(by.Now):
		return forbidden("the account is deactivated")
	case u.Type == Guest && !e.set().Guests:
		return forbidden("guests are switched off")
	case by.Mask&need == 0:
		return forbidden("the credential lets no %s through", need)
	}
	return nil
}

// holds is what somebody may give of: held in every context, not only in this one.
func (e *edit) holds(by *Subject, sp *Space, ways []*way) Rights {
	steady := *by
	steady.Steady = true
	return e.held(by, sp, ways, nil) & e.held(&steady, sp, ways, nil)
}

// lacks is what of the rights somebody does not hold himself at the place, or
// somewhere below where a line that gives them to the principal would count.
// Whoever is given manage at the root gets into every cut folder, too.
func (e *edit) lacks(by *Subject, at Place, to ID, rights Rights) Rights {
	if rights == 0 {
		return 0
	}
	into := Rights(0)
	if len(at.Path) == 1 && rights&Manage != 0 {
		into = kept
		if m := e.Mark(at.Path[0]); m != nil && m.Cut {
			rights |= kept
		}
	}
	sp, ways := e.Space(at.Space), e.appendWays(nil, at.Path)
	lacking := rights &^ e.holds(by, sp, ways)
	if lacking == 0 && len(ways) == len(at.Path) {
		lacking = e.lacksBelow(by, sp, ways, to, rights, into)
	}
	return lacking
}

func (e *edit) lacksBelow(by *Subject, sp *Space, ways []*way, to ID, rights, into Rights) Rights {
	for w := range e.under(ways[len(ways)-1]) {
		below, rest, heir := append(ways, w), rights, to
		if m := w.mark; m != nil {
			if m.Cut {
				rest, heir = into, Nobody // no nearer line takes that away
			}
			for i := firstOf(m.Entries, heir); i < len(m.Entries) && m.Entries[i].Principal == heir; i++ {
				if en := &m.Entries[i]; !en.conditional() {
					rest &^= en.Allow | en.Revoke
				}
			}
			if lacking := rest &^ e.holds(by, sp, below); lacking != 0 {
				return lacking
			}
		}
		if lacking := e.lacksBelow(by, sp, below, heir, rest, into); lacking != 0 {
			return lacking
		}
	}
	return 0
}

// lacksAnywhere is what of the rights somebody does not hold at the place or
// somewhere below, whatever stands there.
func (e *edit) lacksAnywhere(by *Subject, at Place, rights Rights) Rights {
	if rights == 0 {
		return 0
	}
	sp, ways := e.Space(at.Space), e.appendWays(nil, at.Path)
	if lacking := rights &^ e.holds(by, sp, ways); lacking != 0 || len(ways) < len(at.Path) {
		return lacking
	}
	return e.lacksUnder(by, sp, ways, rights)
}

func (e *edit) lacksUnder(by *Subject, sp *Space, ways []*way, rights Rights) Rights {
	for w := range e.under(ways[len(ways)-1]) {
		below := append(ways, w)
		if w.mark != nil {
			if lacking := rights &^ e.holds(by, sp, below); lacking != 0 {
				return lacking
			}
		}
		if lacking := e.lacksUnder(by, sp, below, rights); lacking != 0 {
			return lacking
		}
	}
	return 0
}

// under gives the ways right below one, those in the trash too: what lies there
// comes back with what was given meanwhile.
func (e *edit) under(w *way) func(func(*way) bool) {
	return func(yield func(*way) bool) {
		for _, kids := range []nodes{w.kids, w.parked} {
			for kid := range kids.all() {
				if below, _ := e.ways.get(kid); !yield(below) {
					return
				}
			}
		}
	}
}

// wayOf is the place of a marked node, be it in the trash or not; false when its
// space is gone.
func (e *edit) wayOf(n Node) (Place, bool) {
	var at Place
	for up := n; up != 0; {
		w, ok := e.ways.get(uint64(up))
		if !ok {
			return at, false
		}
		at.Path = append(at.Path, up)
		up = w.parent
	}
	slices.Reverse(at.Path)
	sp := e.SpaceAt(at.Path[0])
	if sp == nil {
		return at, false
	}
	at.Space = sp.ID
	return at, true
}

// mayLift judges the end of a wall: it opens whatever lists give behind it, however
// far down and to whomever.
func (e *edit) mayLift(by *Subject, at Place, lifted Rights) error {
	if e.administers(by, e.Space(at.Space)) {
		return nil
	}
	if lacking := e.lacksAnywhere(by, at, lifted); lacking != 0 {
		return forbidden("behind this wall is %s that you do not hold", lacking)
	}
	return nil
}

// mayUnpin: without the pin the user gets again what groups and shares give, which
// whoever lifts it has to hold.
func (e *edit) mayUnpin(by *Subject, sp *Space, user ID) error {
	if e.administers(by, sp) {
		return nil
	}
	mine, _ := e.closures.get(uint64(user))
	for _, p := range mine {
		if p == user {
			continue
		}
		opens := false
		e.linesOf(p, func(at Place, en *Entry) {
			opens = opens || at.Space == sp.ID && e.lacks(by, at, p, en.Allow) != 0
		})
		if opens || e.sharesIn(sp, p) {
			return forbidden("without the pin %s would get by %s what you cannot give", e.PrincipalName(user), e.PrincipalName(p))
		}
	}
	return nil
}

// sharesIn tells whether something in the space is shared with the principal.
func (e *edit) sharesIn(sp *Space, to ID) bool {
	for id := range e.shares.all() {
		sh, at := e.Share(ID(id))
		if sh.To == to && (at.Space == sp.ID || at.Space == Nobody) {
			return true
		}
	}
	return false
}

// mayPromote: a guest that becomes a member gets past the ceilings of guests,
// wherever lists give it more already.
func (e *edit) mayPromote(by *Subject, guest *User) error {
	if !e.set().Guests {
		return forbidden("guests are switched off")
	}
	mine, _ := e.closures.get(uint64(guest.ID))
	for _, p := range mine {
		opens := false
		e.linesOf(p, func(at Place, en *Entry) {
			cut := All &^ (typeLets(Guest) & kindLets(e.Space(at.Space).Kind, Guest))
			opens = opens || e.lacks(by, at, p, en.Allow&cut) != 0
		})
		if opens {
			return forbidden("as a member %s would get by %s what you cannot give", e.PrincipalName(guest.ID), e.PrincipalName(p))
		}
	}
	return nil
}

// mayCut: whoever manages the space keeps a way into the cut folder, also where
// something took it from him.
func (e *edit) mayCut(by *Subject, at Place) error {
	sp, lacking := e.Space(at.Space), e.lacks(by, at, Nobody, kept)
	switch {
	case lacking == 0:
		return nil
	case e.administers(by, sp) && e.listedFor(by, sp, at.Path[:1])&Manage == 0:
		return nil
	}
	return forbidden("who manages the space would get %s, which you do not hold there and everywhere below", lacking)
}

// mayUncut: what is held above flows in again. Who manages both sides may have
// that; an admin opens nothing to himself.
func (e *edit) mayUncut(by *Subject, at Place) error {
	sp, over := e.Space(at.Space), at.Path[:len(at.Path)-1]
	manages := e.Held(*by, at)
	if len(over) > 0 {
		above := Place{Space: at.Space, Path: over}
		if err := e.needs(by, above, Manage); err != nil {
			return err
		}
		manages &= e.Held(*by, above)
	}
	switch {
	case manages&Manage != 0, e.User(by.User).Type == Owner, e.lacks(by, at, Nobody, e.listedFor(by, sp, over)) == 0:
		return nil
	}
	return forbidden("the folder would open to you; somebody else lifts this cut")
}

// listedFor is all that any line above the root or on a way gives one of somebody's
// principals, in whatever context.
func (e *edit) listedFor(by *Subject, sp *Space, path []Node) (rights Rights) {
	ways := e.appendWays(nil, path)
	for i := -1; i < len(ways); i++ {
		for _, en := range listAt(sp, ways, i) {
			if e.isA(by.User, en.Principal) {
				rights |= en.Allow
			}
		}
	}
	return rights
}
