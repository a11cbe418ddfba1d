package policy

// Operates tells whether the subject may ask everything about who may do what:
// the operator, and active owners and admins.
func (s *State) Operates(by Subject) bool {
	if by.User == Nobody {
		return by.Link == Nobody
	}
	u := s.User(by.User)
	return u.ActiveAt(by.Now) && u.Type.above(Manager)
}

// Uses tells whether the profile of the subject lets it use all the functions; the
// operator has no profile.
func (s *State) Uses(by Subject, f Functions) bool {
	if by.User == Nobody {
		return by.Link == Nobody
	}
	u := s.User(by.User)
	return u.ActiveAt(by.Now) && s.Profile(u.Profile).has(f)
}

// LooksAfter tells whether the subject acts on an account in what no change of
// policy is, such as its password: those who may ask everything do, on accounts
// of lower rank.
func (s *State) LooksAfter(by Subject, account ID) bool {
	if !s.Operates(by) {
		return false
	}
	u := s.User(account)
	return by.User == Nobody || u != nil && s.User(by.User).Type.above(u.Type)
}

// Sees tells whether the subject may know that something stands at the place: it
// is seen there, or found by those who put things into a drop box or restore it
// from the trash.
func (s *State) Sees(by Subject, at Place) bool {
	if s.Operates(by) {
		return true
	}
	d := s.Decide(by, at, 0)
	return d.Visible || d.Held&(Add|Manage) != 0
}

// MakesSpaces tells whether accounts of the type have rooms and portals of their
// own.
func (t Type) MakesSpaces() bool { return !Manager.above(t) }
