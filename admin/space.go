package admin

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/policy"
	"davit/policy/text"
	"davit/store"
)

// Operations on spaces.
var (
	AddSpace      = change("space.add", (*Admin).AddSpace)
	ListSpaces    = define("space.list", admins, (*Admin).ListSpaces)
	ShowSpace     = define("space.show", readers(namedSpace), (*Admin).ShowSpace)
	SetSpace      = change("space.set", (*Admin).SetSpace)
	TransferSpace = change("space.transfer", (*Admin).TransferSpace)
	ArchiveSpace  = change("space.archive", (*Admin).ArchiveSpace)
	RestoreSpace  = change("space.restore", (*Admin).RestoreSpace)
	CloseSpace    = change("space.close", (*Admin).CloseSpace)
	OpenSpace     = change("space.open", (*Admin).OpenSpace)
	TrashSpace    = change("space.trash", (*Admin).TrashSpace)
)

// A Space is a tree with members, as an operator sees it: from outside.
type Space struct {
	Name  string            `json:"name"` // as paths begin with it: "Finance", "~mia"
	Kind  policy.SpaceKind  `json:"kind"`
	State policy.SpaceState `json:"state"`
	Owner string            `json:"owner,omitempty"` // a user
	Quota string            `json:"quota"`           // "50GB", "none"
	Used  int64             `json:"used"`            // bytes, trash included
	// Template says which levels a room admits; empty for all.
	Template policy.Template `json:"template,omitempty"`
	// OwnHour is how long one renames, moves and deletes what one has just made
	// there oneself: "1h", "30m", "none".
	OwnHour string `json:"own_hour"`
	// TrashDays and VersionDays are how long it keeps what was deleted and what files
	// were, at most as long as the instance does; FileDays how long a file that nobody
	// touches. 0 is for ever.
	TrashDays   int64 `json:"trash_days"`
	VersionDays int64 `json:"version_days"`
	FileDays    int64 `json:"file_days"`
	// Levels, and the epoch of the policy they were looked up in, are left out of
	// lists.
	Levels []Level `json:"levels,omitempty"`
	Epoch  uint64  `json:"epoch,omitempty"`
}

// NewSpace says what a space begins with.
type NewSpace struct {
	Name  string           `json:"name"`
	Kind  policy.SpaceKind `json:"kind,omitempty"`  // group-folder if empty
	Owner string           `json:"owner,omitempty"` // a user, who becomes its manager
	Quota string           `json:"quota,omitempty"` // none if empty
	// Template of a room; empty for a custom one.
	Template policy.Template `json:"template,omitempty"`
}

// EditSpace says what changes in a space; nil stays as it is.
type EditSpace struct {
	Name    string  `json:"name"`
	NewName *string `json:"new_name,omitempty"`
	Quota   *string `json:"quota,omitempty"`
	Owner   *string `json:"owner,omitempty"` // empty for nobody
	// Template of a room; empty for one that admits every level.
	Template *policy.Template `json:"template,omitempty"`
	OwnHour  *string          `json:"own_hour,omitempty"` // "1h", "30m", "none"
	// Days: a number, or "none" for those of the instance, and of files for ever.
	TrashDays   *string `json:"trash_days,omitempty"`
	VersionDays *string `json:"version_days,omitempty"`
	FileDays    *string `json:"file_days,omitempty"`
}

// A Handover names a space and its new owner.
type Handover struct {
	Space string `json:"space"`
	Owner string `json:"owner"`
}

// Spaces says which ones to list.
type Spaces struct {
	Personal bool `json:"personal,omitempty"` // personal drives too
}

// sharedKinds are the kinds of spaces that are made by themselves.
var sharedKinds = []policy.SpaceKind{policy.GroupFolder, policy.Room, policy.Portal}

// AddSpace makes an empty space. Who is no owner or admin makes it for himself.
func (a *Admin) AddSpace(ctx context.Context, n NewSpace) (Space, error) {
	sp := policy.Space{Name: n.Name, Kind: n.Kind, Quota: policy.NoLimit, Template: n.Template}
	if sp.Kind == "" {
		sp.Kind = policy.GroupFolder
	}
	if err := checkKind(sp.Kind); err != nil {
		return Space{}, err
	}
	if n.Owner != "" {
		owner, err := a.findUser(a.st.Policy(), n.Owner)
		if err != nil {
			return Space{}, err
		}
		sp.Owner = owner.ID
	} else if !a.operates() {
		sp.Owner = a.by.User
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
	shown.Levels, shown.Epoch = levelsOf(state, sp), state.Epoch
	return shown, nil
}

// SetSpace changes fields of a space. A new owner becomes its manager; the old
// one keeps the level.
func (a *Admin) SetSpace(ctx context.Context, e EditSpace) (Space, error) {
	if e == (EditSpace{Name: e.Name}) {
		return Space{}, invalid("", "say what to change of space %s", e.Name)
	}
	return a.changeSpace(ctx, e.Name, func(state *policy.State, sp policy.Space) ([]policy.Change, error) {
		if e.Owner != nil && *e.Owner != "" {
			if _, err := a.findUser(state, *e.Owner); err != nil {
				return nil, err
			}
		}
		return e.changes(state, sp)
	})
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
	if e.Template != nil {
		sp.Template = *e.Template
	}
	if e.OwnHour != nil {
		seconds, err := parseOwnHour(*e.OwnHour)
		if err != nil {
			return nil, err
		}
		sp.OwnHour = &seconds
	}
	if err := e.keep(state, &sp); err != nil {
		return nil, err
	}
	if e.Owner != nil && *e.Owner == "" {
		sp.Owner = policy.Nobody
	} else if e.Owner != nil {
		c, err := handover(state, &sp, *e.Owner)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
		if rest := e; (EditSpace{Name: rest.Name, Owner: rest.Owner}) == rest {
			return changes, nil
		}
		sp.Owner = c.Owner
	}
	return append(changes, policy.PutSpace{Space: sp}), nil
}

// keep takes the days of a space in. More than the instance keeps are refused: they
// would count for nothing.
func (e EditSpace) keep(state *policy.State, sp *policy.Space) error {
	set := state.Settings()
	for _, d := range []struct {
		said    *string
		setting string
		most    int64
		into    *int64
	}{
		{e.TrashDays, "trash-days", set.TrashDays, &sp.TrashDays},
		{e.VersionDays, "version-days", set.VersionDays, &sp.VersionDays},
		{e.FileDays, "", 0, &sp.FileDays},
	} {
		switch {
		case d.said == nil:
			continue
		case *d.said == noDays:
			*d.into = 0
			continue
		}
		n, err := strconv.ParseInt(*d.said, 10, 64)
		if err != nil || n < 1 {
			return invalid(`write a number of days, or "none"`, "%q is no number of days", clip(*d.said))
		}
		if d.most > 0 && n > d.most {
			return invalid(fmt.Sprintf("davit policy set %s=%d", d.setting, n), "the instance keeps them for %d days", d.most)
		}
		*d.into = n
	}
	return nil
}

// noDays is said for the days of the instance.
const noDays = "none"

// noHour is the own hour of a space in which what one makes is at once like
// everything else.
const noHour = "none"

// parseOwnHour reads a time such as "30m", to the second; policy bounds it.
func parseOwnHour(text string) (seconds int64, err error) {
	if text == noHour {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Second != 0 {
		return 0, invalid(`write "30m", "2h" or "none"`, "%q is no time in hours, minutes and seconds", text)
	}
	return int64(d / time.Second), nil
}

// handover is the change that makes somebody the owner of a space.
func handover(state *policy.State, sp *policy.Space, to string) (policy.TransferSpace, error) {
	owner, err := findUser(state, to)
	if err != nil {
		return policy.TransferSpace{}, err
	}
	return policy.TransferSpace{Space: sp.ID, Owner: owner.ID}, nil
}

// TransferSpace hands a space to a new owner, who becomes its manager; the one
// before keeps the level.
func (a *Admin) TransferSpace(ctx context.Context, h Handover) (Space, error) {
	return a.changeSpace(ctx, h.Space, func(state *policy.State, sp policy.Space) ([]policy.Change, error) {
		if _, err := a.findUser(state, h.Owner); err != nil {
			return nil, err
		}
		c, err := handover(state, &sp, h.Owner)
		return []policy.Change{c}, err
	})
}

// ArchiveSpace leaves a space to be read only.
func (a *Admin) ArchiveSpace(ctx context.Context, n Named) (Space, error) {
	return a.enter(ctx, n.Name, policy.Archived, policy.Active, policy.Closed, policy.Archived)
}

// RestoreSpace makes an archived or trashed space active again.
func (a *Admin) RestoreSpace(ctx context.Context, n Named) (Space, error) {
	return a.enter(ctx, n.Name, policy.Active, policy.Archived, policy.Trashed, policy.Active)
}

// CloseSpace keeps the guests of a portal out.
func (a *Admin) CloseSpace(ctx context.Context, n Named) (Space, error) {
	return a.enter(ctx, n.Name, policy.Closed, policy.Active, policy.Closed)
}

// OpenSpace lets the guests of a closed portal in again.
func (a *Admin) OpenSpace(ctx context.Context, n Named) (Space, error) {
	return a.enter(ctx, n.Name, policy.Active, policy.Closed, policy.Active)
}

// TrashSpace takes a space away from everybody until it is restored.
func (a *Admin) TrashSpace(ctx context.Context, n Named) (Space, error) {
	return a.enter(ctx, n.Name, policy.Trashed, policy.Active, policy.Archived, policy.Closed, policy.Trashed)
}

// enter gives a space another state, which it enters from some only.
func (a *Admin) enter(ctx context.Context, name string, next policy.SpaceState, from ...policy.SpaceState) (Space, error) {
	return a.changeSpace(ctx, name, func(state *policy.State, sp policy.Space) ([]policy.Change, error) {
		path := store.SpacePath(state, &sp)
		switch {
		case sp.Kind == policy.Personal:
			return nil, invalid("davit user deactivate NAME", "%s is a personal drive: it goes and comes with its account", path)
		case next == policy.Closed && sp.Kind != policy.Portal:
			return nil, invalid(fmt.Sprintf("davit space archive %q", path), "%s is no portal: only a portal is closed to its guests", path)
		case !slices.Contains(from, sp.State):
			return nil, conflict(fmt.Sprintf("davit space %s %q", wayOut[sp.State], path), "space %s is %s", path, sp.State)
		}
		sp.State = next
		return []policy.Change{policy.PutSpace{Space: sp}}, nil
	})
}

// wayOut is the verb that leads out of a state.
var wayOut = map[policy.SpaceState]string{
	policy.Active: "archive", policy.Archived: "restore", policy.Trashed: "restore", policy.Closed: "open",
}

// changeSpace changes a space in one transaction.
func (a *Admin) changeSpace(ctx context.Context, name string, plan func(*policy.State, policy.Space) ([]policy.Change, error)) (Space, error) {
	var id policy.ID
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		sp, err := a.findSpace(state, name)
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
	return nil, noSpace(name)
}

// findSpace is findSpace for who acts: a space that he may not know of is none.
func (a *Admin) findSpace(state *policy.State, name string) (*policy.Space, error) {
	sp, err := findSpace(state, name)
	if err == nil && !state.Sees(a.by, policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}) {
		return nil, noSpace(name)
	}
	return sp, err
}

// noSpace is the answer for a name that no space has.
func noSpace(name string) error {
	if user, ok := strings.CutPrefix(name, "~"); ok {
		return notFound("davit user list", "no user %q", user)
	}
	return notFound("davit space list", "no space %q", name)
}

func (a *Admin) spaceShown(state *policy.State, sp *policy.Space) Space {
	limit, keeps := policy.NoLimit, state.Keeping(sp.ID)
	at := policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}
	for _, q := range state.AppendLimits(nil, at) {
		limit = smaller(limit, q.Limit)
	}
	shown := Space{
		Name: store.SpacePath(state, sp), Kind: sp.Kind, State: sp.State,
		Quota: limit.String(), Used: a.op.Usage(sp.Root, limit).Used(), Template: sp.Template, OwnHour: text.Hours(state.OwnHour(sp.ID)),
		TrashDays: keeps.Trash, VersionDays: keeps.Versions, FileDays: keeps.Files,
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
