package admin

import (
	"context"
	"strings"

	"davit/policy"
	"davit/store"
)

// Operations on spaces.
var (
	AddSpace     = define("space.add", (*Admin).AddSpace)
	ListSpaces   = define("space.list", (*Admin).ListSpaces)
	ShowSpace    = define("space.show", (*Admin).ShowSpace)
	SetSpace     = define("space.set", (*Admin).SetSpace)
	ArchiveSpace = define("space.archive", (*Admin).ArchiveSpace)
	RestoreSpace = define("space.restore", (*Admin).RestoreSpace)
)

// A Space is a tree with members, as an operator sees it: from outside.
type Space struct {
	Name  string            `json:"name"` // as paths begin with it: "Finance", "~mia"
	Kind  policy.SpaceKind  `json:"kind"`
	State policy.SpaceState `json:"state"`
	Owner string            `json:"owner,omitempty"` // a user
	Quota string            `json:"quota"`           // "50GB", "none"
	Used  int64             `json:"used"`            // bytes, trash included
	// Levels are left out of lists.
	Levels []Level `json:"levels,omitempty"`
}

// NewSpace says what a space begins with.
type NewSpace struct {
	Name  string           `json:"name"`
	Kind  policy.SpaceKind `json:"kind,omitempty"`  // group-folder if empty
	Owner string           `json:"owner,omitempty"` // a user, who becomes its manager
	Quota string           `json:"quota,omitempty"` // none if empty
}

// EditSpace says what changes in a space; nil stays as it is.
type EditSpace struct {
	Name    string  `json:"name"`
	NewName *string `json:"new_name,omitempty"`
	Quota   *string `json:"quota,omitempty"`
	Owner   *string `json:"owner,omitempty"` // empty for nobody
}

// Spaces says which ones to list.
type Spaces struct {
	Personal bool `json:"personal,omitempty"` // personal drives too
}

// sharedKinds are the kinds of spaces that are made by themselves.
var sharedKinds = []policy.SpaceKind{policy.GroupFolder, policy.Room, policy.Portal}

// AddSpace makes an empty space.
func (a *Admin) AddSpace(ctx context.Context, n NewSpace) (Space, error) {
	sp := policy.Space{Name: n.Name, Kind: n.Kind, Quota: policy.NoLimit}
	if sp.Kind == "" {
		sp.Kind = policy.GroupFolder
	}
	if err := checkKind(sp.Kind); err != nil {
		return Space{}, err
	}
	if n.Owner != "" {
		owner, err := findUser(a.st.Policy(), n.Owner)
		if err != nil {
			return Space{}, err
		}
		sp.Owner = owner.ID
	}
	if n.Quota != "" {
		var err error
		if sp.Quota, err = policy.ParseLimit(n.Quota); err != nil {
			return Space{}, err
		}
	}
	sp, err := a.op.AddSpace(ctx, sp)
	if err != nil {
		return Space{}, err
	}
	return a.ShowSpace(ctx, Named{sp.Name})
}

func checkKind(kind policy.SpaceKind) error {
	var names []string
	for _, k := range sharedKinds {
		if k == kind {
			return nil
		}
		names = append(names, string(k))
	}
	return invalid("", "no kind %q of space to make (kinds: %s)", kind, strings.Join(names, " "))
}

// ListSpaces tells the spaces by name.
func (a *Admin) ListSpaces(_ context.Context, which Spaces) ([]Space, error) {
	state := a.st.Policy()
	spaces := []Space{}
	for _, sp := range state.Spaces() {
		if sp.Kind != policy.Personal || which.Personal {
			spaces = append(spaces, a.spaceShown(state, sp))
		}
	}
	return spaces, nil
}

// ShowSpace tells one space with its levels.
func (a *Admin) ShowSpace(_ context.Context, n Named) (Space, error) {
	state := a.st.Policy()
	sp, err := findSpace(state, n.Name)
	if err != nil {
		return Space{}, err
	}
	shown := a.spaceShown(state, sp)
	shown.Levels = levelsOf(state, sp)
	return shown, nil
}

// SetSpace changes fields of a space. A new owner becomes its manager; the old
// one keeps the level.
func (a *Admin) SetSpace(ctx context.Context, e EditSpace) (Space, error) {
	if e == (EditSpace{Name: e.Name}) {
		return Space{}, invalid("", "say what to change of space %s", e.Name)
	}
	return a.changeSpace(ctx, e.Name, e.changes)
}

func (e EditSpace) changes(state *policy.State, sp policy.Space) ([]policy.Change, error) {
	if sp.Kind == policy.Personal {
		return nil, invalid("davit user set NAME --quota SIZE, or --name NEW",
			"%s is a personal drive: its name, owner and quota are its user's", store.SpacePath(state, &sp))
	}
	var changes []policy.Change
	if e.NewName != nil {
		sp.Name = *e.NewName
	}
	if e.Quota != nil {
		var err error
		if sp.Quota, err = policy.ParseLimit(*e.Quota); err != nil {
			return nil, err
		}
	}
	if e.Owner != nil {
		sp.Owner = policy.Nobody
	}
	if e.Owner != nil && *e.Owner != "" {
		owner, err := findUser(state, *e.Owner)
		if err != nil {
			return nil, err
		}
		rights, err := policy.LevelRights(levelManager)
		if err != nil {
			return nil, err
		}
		sp.Owner = owner.ID
		manager := policy.Entry{Principal: owner.ID, Level: levelManager, Allow: rights}
		changes = append(changes, policy.SetLevel{Space: sp.ID, Entry: manager})
	}
	return append(changes, policy.PutSpace{Space: sp}), nil
}

// ArchiveSpace leaves a space to be read only.
func (a *Admin) ArchiveSpace(ctx context.Context, n Named) (Space, error) {
	return a.changeSpace(ctx, n.Name, func(_ *policy.State, sp policy.Space) ([]policy.Change, error) {
		if sp.State == policy.Trashed {
			return nil, conflict("davit space restore "+sp.Name, "space %s is in the trash", sp.Name)
		}
		sp.State = policy.Archived
		return []policy.Change{policy.PutSpace{Space: sp}}, nil
	})
}

// RestoreSpace makes an archived space active again.
func (a *Admin) RestoreSpace(ctx context.Context, n Named) (Space, error) {
	return a.changeSpace(ctx, n.Name, func(_ *policy.State, sp policy.Space) ([]policy.Change, error) {
		sp.State = policy.Active
		return []policy.Change{policy.PutSpace{Space: sp}}, nil
	})
}

// changeSpace changes a space in one transaction.
func (a *Admin) changeSpace(ctx context.Context, name string, plan func(*policy.State, policy.Space) ([]policy.Change, error)) (Space, error) {
	var id policy.ID
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		sp, err := findSpace(state, name)
		if err != nil {
			return nil, err
		}
		id = sp.ID
		return plan(state, *sp)
	})
	if err != nil {
		return Space{}, err
	}
	state := a.st.Policy()
	sp := state.Space(id)
	if sp == nil {
		return Space{}, notFound("", "space %s is gone", name)
	}
	return a.spaceShown(state, sp), nil
}

// findSpace finds a space by "Finance", "/Finance" or "~mia".
func findSpace(state *policy.State, name string) (*policy.Space, error) {
	if user, ok := strings.CutPrefix(name, "~"); ok {
		u, err := findUser(state, user)
		if err != nil {
			return nil, err
		}
		if home := state.Space(u.Home); home != nil {
			return home, nil
		}
		return nil, notFound("", "user %s has no personal drive", u.Name)
	}
	if sp := state.SpaceNamed(strings.TrimPrefix(name, "/")); sp != nil {
		return sp, nil
	}
	return nil, notFound("davit space list", "no space %q", name)
}

func (a *Admin) spaceShown(state *policy.State, sp *policy.Space) Space {
	limit := policy.NoLimit
	at := policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}
	for _, q := range state.AppendLimits(nil, at) {
		limit = smaller(limit, q.Limit)
	}
	shown := Space{
		Name: store.SpacePath(state, sp), Kind: sp.Kind, State: sp.State,
		Quota: limit.String(), Used: a.op.Usage(sp.Root, limit).Used(),
	}
	if owner := state.User(sp.Owner); owner != nil {
		shown.Owner = owner.Name
	}
	return shown
}

// smaller is the tighter of two limits.
func smaller(a, b policy.Limit) policy.Limit {
	if a == policy.NoLimit || b != policy.NoLimit && b < a {
		return b
	}
	return a
}
