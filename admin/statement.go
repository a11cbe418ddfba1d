package admin

import (
	"strings"

	"davit/policy"
	"davit/policy/text"
	"davit/store"
)

func reviseProfile(r *revision, s *text.Statement) ([]policy.Change, error) {
	p := policy.Profile{Quota: policy.NoLimit}
	if was := r.draft.State().ProfileNamed(s.Words[0]); was != nil {
		p = *was
	} else if err := r.newID(&p.ID); err != nil {
		return nil, err
	}
	name, quota, functions := s.Words[0], s.Get("quota"), s.Get("functions")
	if functions == "none" {
		functions = "" // as commands spell it
	}
	err := EditProfile{NewName: &name, Quota: &quota, Functions: &functions}.apply(&p)
	return []policy.Change{policy.PutProfile{Profile: p}}, err
}

func (r *revision) newID(into *policy.ID) (err error) {
	*into, err = r.draft.NewID()
	return err
}

// dropProfile takes a profile away that no account has: each has the one that
// its line says.
func dropProfile(r *revision, s *text.Statement) ([]policy.Change, error) {
	p, err := findProfile(r.draft.State(), s.Words[0])
	if err != nil {
		return nil, err
	}
	return []policy.Change{policy.DropProfile{ID: p.ID}}, nil
}

// standingGroup is the group or role of a statement, nil if there is none.
func standingGroup(state *policy.State, s *text.Statement) *policy.Group {
	if s.Kind == text.Role {
		return state.RoleNamed(s.Words[0])
	}
	return state.GroupNamed(s.Words[0])
}

func reviseGroup(r *revision, s *text.Statement) ([]policy.Change, error) {
	g := policy.Group{Role: s.Kind == text.Role}
	if was := standingGroup(r.draft.State(), s); was != nil {
		g = *was
	} else if err := r.newID(&g.ID); err != nil {
		return nil, err
	}
	g.Name = s.Words[0]
	return []policy.Change{policy.PutGroup{Group: g}}, nil
}

func dropGroup(r *revision, s *text.Statement) ([]policy.Change, error) {
	g := standingGroup(r.draft.State(), s)
	return []policy.Change{policy.DropGroup{ID: g.ID}}, nil
}

func reviseUser(r *revision, s *text.Statement) ([]policy.Change, error) {
	state := r.draft.State()
	name, kind, profile := s.Words[0], policy.Type(s.Get("type")), s.Get("profile")
	email, language, quota := s.Get("email"), s.Get("language"), s.Get("quota")
	edit := EditUser{Profile: &profile, Email: &email, Language: &language, Quota: &quota}
	u := policy.User{Name: name, Type: kind}
	was := state.UserNamed(name)
	if was != nil {
		u = *was
		edit.NewName, edit.Type = &name, &kind
	}
	if err := edit.apply(state, &u); err != nil {
		return nil, err
	}
	u.Inactive = s.Get("state") == stateDeactivated
	if was != nil {
		return putUser(state, was, u), nil
	}
	r.notes = append(r.notes, s.Subject()+" cannot sign in yet; give it a password: "+strings.Replace(s.Subject(), "user", "davit user passwd", 1))
	return r.draft.NewUser(u)
}

func reviseMember(change func(group, member policy.ID) policy.Change) func(*revision, *text.Statement) ([]policy.Change, error) {
	return func(r *revision, s *text.Statement) ([]policy.Change, error) {
		state := r.draft.State()
		group, err := findPrincipal(state, s.Words[0])
		if err != nil {
			return nil, err
		}
		member, err := findPrincipal(state, s.Words[1])
		return []policy.Change{change(group, member)}, err
	}
}

func reviseSpace(r *revision, s *text.Statement) ([]policy.Change, error) {
	state := r.draft.State()
	var sp policy.Space
	was := state.SpaceNamed(s.Words[0])
	if was != nil {
		sp = *was
	}
	sp.Name, sp.Kind, sp.State = s.Words[0], policy.SpaceKind(s.Get("kind")), policy.SpaceState(s.Get("state"))
	var err error
	if sp.Quota, err = policy.ParseLimit(s.Get("quota")); err != nil {
		return nil, err
	}
	sp.Owner = policy.Nobody
	if name := s.Get("owner"); name != "" {
		owner, err := findUser(state, name)
		if err != nil {
			return nil, err
		}
		sp.Owner = owner.ID
	}
	if was == nil {
		return r.draft.NewSpace(sp)
	}
	return []policy.Change{policy.PutSpace{Space: sp}}, nil
}

func reviseDrive(r *revision, s *text.Statement) ([]policy.Change, error) {
	return r.driveState(s.Words[0], policy.SpaceState(s.Get("state")))
}

func wakeDrive(r *revision, s *text.Statement) ([]policy.Change, error) {
	return r.driveState(s.Words[0], policy.Active)
}

func (r *revision) driveState(name string, state policy.SpaceState) ([]policy.Change, error) {
	home, err := findSpace(r.draft.State(), name)
	if err != nil {
		return nil, err
	}
	next := *home
	next.State = state
	return []policy.Change{policy.PutSpace{Space: next}}, nil
}

func reviseLevel(r *revision, s *text.Statement) ([]policy.Change, error) {
	sp, e, err := r.entryOfLevel(s)
	if err != nil {
		return nil, err
	}
	if e.Level, e.Allow, err = text.ParseLevel(s.Words[2]); err != nil {
		return nil, err
	}
	if err := readSets(s, &e); err != nil {
		return nil, err
	}
	if sp.Owner == e.Principal && unconditional(&e) && (e.Level != levelManager || e.Revoke|e.Deny != 0) {
		return nil, ownsAlready(r.draft.State(), sp)
	}
	return []policy.Change{policy.SetLevel{Space: sp.ID, Entry: e}}, nil
}

func ownsAlready(state *policy.State, sp *policy.Space) error {
	return refused("", "%s owns %s and stays its manager", state.PrincipalName(sp.Owner), store.SpacePath(state, sp))
}

func dropLevel(r *revision, s *text.Statement) ([]policy.Change, error) {
	sp, e, err := r.entryOfLevel(s)
	if err != nil {
		return nil, err
	}
	return []policy.Change{policy.SetLevel{Space: sp.ID, Entry: e}}, nil
}

// entryOfLevel is the entry that a level is about, without rights.
func (r *revision) entryOfLevel(s *text.Statement) (*policy.Space, policy.Entry, error) {
	sp, err := findSpace(r.draft.State(), s.Words[0])
	if err != nil {
		return nil, policy.Entry{}, err
	}
	e, err := r.entry(s)
	return sp, e, err
}

// entry is the entry that a line is about, without rights.
func (r *revision) entry(s *text.Statement) (e policy.Entry, err error) {
	if e.Principal, err = findPrincipal(r.draft.State(), s.Words[1]); err != nil {
		return e, err
	}
	e.From, e.Until = text.ParseMoment(s.Get("from")), text.ParseMoment(s.Get("until"))
	e.Class, err = policy.ParseClasses(s.Get("class"))
	return e, err
}

func unconditional(e *policy.Entry) bool { return e.Class == 0 && e.From == 0 && e.Until == 0 }

// readSets puts what a line takes away into its entry.
func readSets(s *text.Statement, e *policy.Entry) (err error) {
	if e.Revoke, err = policy.ParseRights(s.Get("revoke")); err == nil {
		e.Deny, err = policy.ParseRights(s.Get("deny"))
	}
	return err
}

// revisePin sets or lifts pins. The user's own level stays as it is.
func revisePin(on bool) func(*revision, *text.Statement) ([]policy.Change, error) {
	return func(r *revision, s *text.Statement) ([]policy.Change, error) {
		sp, e, err := r.pinned(s)
		return []policy.Change{policy.SetLevel{Space: sp, Entry: e, Pin: &on}}, err
	}
}

// pinned is the space and the present level of the user that a pin is about.
func (r *revision) pinned(s *text.Statement) (policy.ID, policy.Entry, error) {
	state := r.draft.State()
	sp, err := findSpace(state, s.Words[0])
	if err != nil {
		return policy.Nobody, policy.Entry{}, err
	}
	u, err := findUser(state, s.Words[1])
	if err != nil {
		return policy.Nobody, policy.Entry{}, err
	}
	if sp.Owner == u.ID {
		return policy.Nobody, policy.Entry{}, ownsAlready(state, sp)
	}
	for _, e := range sp.Levels {
		if e.Principal == u.ID && unconditional(&e) {
			return sp.ID, e, nil
		}
	}
	return sp.ID, policy.Entry{Principal: u.ID}, nil
}

func reviseQuota(r *revision, s *text.Statement) ([]policy.Change, error) {
	at, err := r.place(s.Words[0])
	if err != nil {
		return nil, err
	}
	limit, err := policy.ParseLimit(s.Words[1])
	return []policy.Change{policy.SetQuota{At: at, Limit: &limit}}, err
}

func dropQuota(r *revision, s *text.Statement) ([]policy.Change, error) {
	at, err := r.place(s.Words[0])
	return []policy.Change{policy.SetQuota{At: at}}, err
}

func reviseEntry(r *revision, s *text.Statement) ([]policy.Change, error) {
	at, err := r.place(s.Words[0])
	if err != nil {
		return nil, err
	}
	e, err := r.entry(s)
	if err != nil {
		return nil, err
	}
	if e.Level, e.Allow, err = text.ParseAllowed(s.Get("allow")); err != nil {
		return nil, err
	}
	if err := readSets(s, &e); err != nil {
		return nil, err
	}
	return []policy.Change{policy.SetEntry{At: at, Entry: e}}, nil
}

func dropEntry(r *revision, s *text.Statement) ([]policy.Change, error) {
	at, err := r.place(s.Words[0])
	if err != nil {
		return nil, err
	}
	e, err := r.entry(s)
	return []policy.Change{policy.SetEntry{At: at, Entry: e}}, err
}

func reviseCut(on bool) func(*revision, *text.Statement) ([]policy.Change, error) {
	return func(r *revision, s *text.Statement) ([]policy.Change, error) {
		at, err := r.place(s.Words[0])
		return []policy.Change{policy.SetCut{At: at, On: on}}, err
	}
}
