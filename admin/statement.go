package admin

import (
	"slices"
	"strconv"
	"strings"

	"davit/policy"
	"davit/policy/text"
	"davit/store"
)

func reviseSettings(r *revision, s *text.Statement) ([]policy.Change, error) {
	set := r.draft.State().Settings()
	for _, name := range policy.SettingNames() {
		if err := set.Put(name, s.Get(name)); err != nil {
			return nil, err
		}
	}
	return []policy.Change{policy.PutSettings{Settings: set}}, nil
}

func reviseProfile(r *revision, s *text.Statement) ([]policy.Change, error) {
	p := policy.Profile{Quota: policy.NoLimit}
	if was := r.draft.State().ProfileNamed(s.Words[0]); was != nil {
		p = *was
	} else if err := r.newID(&p.ID); err != nil {
		return nil, err
	}
	name, quota, functions, largest := s.Words[0], s.Get("quota"), s.Get("functions"), s.Get("file-max")
	if functions == "none" {
		functions = "" // as commands spell it
	}
	days, err := strconv.ParseInt(s.Get("link-days"), 10, 64)
	if err != nil {
		return nil, err
	}
	err = EditProfile{NewName: &name, Quota: &quota, Functions: &functions, FileMax: &largest, LinkDays: &days}.apply(&p)
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
	u.Inactive, u.Until = s.Get("state") == stateDeactivated, text.ParseMoment(s.Get("expires"))
	if was != nil {
		if handsOver(state, was, u.Type) {
			u.Type = was.Type // until reviseType
		}
		return r.setUser(u)
	}
	r.notes = append(r.notes, s.Subject()+" cannot sign in yet; give it a password: "+strings.Replace(s.Subject(), "user", "davit user passwd", 1))
	return r.draft.NewUser(u)
}

// handsOver tells whether an account owns what its new type may not own.
func handsOver(state *policy.State, u *policy.User, next policy.Type) bool {
	return u.Type.MakesSpaces() && !next.MakesSpaces() && len(ownedBy(state, u.ID, policy.Room, policy.Portal)) > 0
}

// reviseType gives an account its type that could not have it before.
func reviseType(r *revision, s *text.Statement) ([]policy.Change, error) {
	u := *r.draft.State().UserNamed(s.Words[0])
	if next := policy.Type(s.Get("type")); next != u.Type {
		u.Type = next
		return r.setUser(u)
	}
	return nil, nil
}

func (r *revision) setUser(u policy.User) ([]policy.Change, error) {
	changes, err := r.draft.SetUser(u)
	r.stirred = r.stirred || len(changes) > 1 // its drive too
	return changes, err
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

// reviseManager changes who manages a group. A group is put as a whole, so each
// change goes on from the one before.
func reviseManager(change func([]policy.ID, policy.ID) []policy.ID) func(*revision, *text.Statement) ([]policy.Change, error) {
	return func(r *revision, s *text.Statement) ([]policy.Change, error) {
		state := r.draft.State()
		id, err := findPrincipal(state, s.Words[0])
		if err != nil {
			return nil, err
		}
		user, err := findPrincipal(state, s.Words[1])
		if err != nil {
			return nil, err
		}
		g, begun := r.groups[id]
		if !begun {
			g = *state.Group(id)
		}
		g.Managers = change(g.Managers, user)
		r.groups[id] = g
		return []policy.Change{policy.PutGroup{Group: g}}, nil
	}
}

func withManager(list []policy.ID, id policy.ID) []policy.ID { return append(slices.Clip(list), id) }

func withoutManager(list []policy.ID, id policy.ID) []policy.ID {
	return slices.DeleteFunc(slices.Clone(list), func(m policy.ID) bool { return m == id })
}

func reviseSpace(r *revision, s *text.Statement) ([]policy.Change, error) {
	state := r.draft.State()
	var sp policy.Space
	was := state.SpaceNamed(s.Words[0])
	if was != nil {
		sp = *was
	}
	sp.Name, sp.Kind, sp.State = s.Words[0], policy.SpaceKind(s.Get("kind")), policy.SpaceState(s.Get("state"))
	sp.OwnHour = text.ParseOwnHour(s.Get("own-hour"))
	sp.TrashDays, sp.VersionDays = text.ParseDays(s.Get("trash-days")), text.ParseDays(s.Get("version-days"))
	sp.FileDays = text.ParseDays(s.Get("file-days"))
	var err error
	if sp.Quota, err = policy.ParseLimit(s.Get("quota")); err != nil {
		return nil, err
	}
	var owner *policy.User
	sp.Owner = policy.Nobody
	if name := s.Get("owner"); name != "" {
		if owner, err = findUser(state, name); err != nil {
			return nil, err
		}
		sp.Owner = owner.ID
	}
	template := policy.Template(s.Get("template"))
	if was == nil {
		sp.Template = template
		if rests(sp.State) {
			sp.State = policy.Active // until reviseRest
		}
		return r.draft.NewSpace(sp)
	}
	if sp.Template != template {
		sp.Template = "" // admits every level, until reviseTemplate
	}
	if rests(sp.State) && !rests(was.State) {
		sp.State = was.State // until reviseRest
	}
	put := policy.PutSpace{Space: sp}
	if sp.Owner == was.Owner || !mayOwn(owner) {
		return []policy.Change{put}, nil
	}
	r.stirred = true // the new owner's walls go
	return []policy.Change{policy.TransferSpace{Space: sp.ID, Owner: sp.Owner}, put}, nil
}

// mayOwn tells whether a space can be handed to an account. Others come to own one
// only by what they became since, which the operator can say.
func mayOwn(u *policy.User) bool { return u != nil && !u.Inactive && u.Type != policy.Guest }

// rests tells whether lists in a space of that state change no more.
func rests(state policy.SpaceState) bool { return state == policy.Archived || state == policy.Trashed }

// reviseTemplate gives a room the template that its levels are of now.
func reviseTemplate(r *revision, s *text.Statement) ([]policy.Change, error) {
	sp := *r.draft.State().SpaceNamed(s.Words[0])
	template := policy.Template(s.Get("template"))
	if sp.Template == template {
		return nil, nil
	}
	sp.Template = template
	return []policy.Change{policy.PutSpace{Space: sp}}, nil
}

// reviseRest archives a space, or puts it into the trash, when its lists are done.
func reviseRest(r *revision, s *text.Statement) ([]policy.Change, error) {
	sp := *r.draft.State().SpaceNamed(s.Words[0])
	state := policy.SpaceState(s.Get("state"))
	if sp.State == state {
		return nil, nil
	}
	sp.State = state
	return []policy.Change{policy.PutSpace{Space: sp}}, nil
}

func reviseDrive(r *revision, s *text.Statement) ([]policy.Change, error) {
	return r.setDrive(s.Words[0], policy.SpaceState(s.Get("state")), text.ParseOwnHour(s.Get("own-hour")))
}

func wakeDrive(r *revision, s *text.Statement) ([]policy.Change, error) {
	return r.setDrive(s.Words[0], policy.Active, nil)
}

func (r *revision) setDrive(name string, state policy.SpaceState, hour *int64) ([]policy.Change, error) {
	home, err := findSpace(r.draft.State(), name)
	if err != nil {
		return nil, err
	}
	next := *home
	next.State, next.OwnHour = state, hour
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
	return entryChanges(sp.Levels, e, func(e policy.Entry) policy.Change { return policy.SetLevel{Space: sp.ID, Entry: e} }), nil
}

// entryChanges put a line into a list. A wall does not fall in rank by being
// replaced, so one that does is taken down first.
func entryChanges(list []policy.Entry, e policy.Entry, put func(policy.Entry) policy.Change) []policy.Change {
	none := policy.Entry{Principal: e.Principal, Class: e.Class, Network: e.Network, From: e.From, Until: e.Until}
	for _, old := range list {
		bare := policy.Entry{Principal: old.Principal, Class: old.Class, Network: old.Network, From: old.From, Until: old.Until}
		switch {
		case bare != none:
		case old == e:
			return nil
		case old.Deny != 0 && e.Rank > old.Rank:
			return []policy.Change{put(none), put(e)}
		}
	}
	return []policy.Change{put(e)}
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
	if e.Class, err = policy.ParseClasses(s.Get("class")); err != nil {
		return e, err
	}
	e.Network, err = policy.ParseNetworks(s.Get("network"))
	return e, err
}

func unconditional(e *policy.Entry) bool {
	return e.Class == 0 && e.Network == 0 && e.From == 0 && e.Until == 0
}

// readSets puts what a line takes away into its entry.
func readSets(s *text.Statement, e *policy.Entry) (err error) {
	if e.Revoke, err = policy.ParseRights(s.Get("revoke")); err != nil {
		return err
	}
	if e.Deny, err = policy.ParseRights(s.Get("deny")); err != nil || e.Deny == 0 {
		return err
	}
	return e.Rank.UnmarshalText([]byte(s.Get("rank")))
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
	var list []policy.Entry
	if m := r.draft.State().Mark(at.Path[len(at.Path)-1]); m != nil {
		list = m.Entries
	}
	return entryChanges(list, e, func(e policy.Entry) policy.Change { return policy.SetEntry{At: at, Entry: e} }), nil
}

func dropEntry(r *revision, s *text.Statement) ([]policy.Change, error) {
	at, err := r.place(s.Words[0])
	if err != nil {
		return nil, err
	}
	e, err := r.entry(s)
	return []policy.Change{policy.SetEntry{At: at, Entry: e}}, err
}

func reviseCut(r *revision, s *text.Statement) ([]policy.Change, error) {
	at, err := r.place(s.Words[0])
	if err != nil {
		return nil, err
	}
	c := policy.SetCut{At: at, On: true}
	err = c.Rank.UnmarshalText([]byte(s.Get("rank")))
	return []policy.Change{c}, err
}

func dropCut(r *revision, s *text.Statement) ([]policy.Change, error) {
	at, err := r.place(s.Words[0])
	return []policy.Change{policy.SetCut{At: at}}, err
}
