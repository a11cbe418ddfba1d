package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"davit/policy"
	"davit/store"
)

// Operations on the levels of a space.
var (
	SetLevel   = change("level.set", (*Admin).SetLevel)
	ListLevels = define("level.list", readers(namedSpace), (*Admin).ListLevels)
)

const (
	levelManager = "manager"
	levelNone    = "none"
)

// A Level is what a principal is in a space.
type Level struct {
	Space     string        `json:"space"`
	Principal string        `json:"principal"`
	Level     string        `json:"level"` // "editor", "editor+share"; "none" for a pin alone
	Rights    policy.Rights `json:"rights"`
	Pinned    bool          `json:"pinned,omitempty"` // groups give this user nothing here
	Conditions
}

// Levels are who is what in a space.
type Levels struct {
	Space  string  `json:"space"`
	Levels []Level `json:"levels"`
	Epoch  uint64  `json:"epoch"` // of the policy they were looked up in
}

// Conditions say when an entry counts; where one does not hold, the entry is as
// if absent.
type Conditions struct {
	Class   policy.Classes  `json:"class,omitempty"`
	Network policy.Networks `json:"network,omitempty"`
	From    *time.Time      `json:"from,omitempty"`
	Until   *time.Time      `json:"until,omitempty"` // the first moment no longer
}

// of puts the conditions into an entry.
func (c Conditions) of(e *policy.Entry) {
	e.Class, e.Network, e.From, e.Until = c.Class, c.Network, seconds(c.From), seconds(c.Until)
}

// NewLevel gives a principal a level in a space.
type NewLevel struct {
	Space     string `json:"space"`
	Principal string `json:"principal"`
	Level     string `json:"level"` // none takes it away
	Pin       *bool  `json:"pin,omitempty"`
	Conditions
}

// SetLevel gives, changes or takes away a level. None without conditions takes
// away every level of the principal; what an admin gives itself takes the place
// of what it gave itself before.
func (a *Admin) SetLevel(ctx context.Context, n NewLevel) (Level, error) {
	var space, who policy.ID
	err := a.op.Change(ctx, func(state *policy.State) ([]policy.Change, error) {
		sp, err := a.findSpace(state, n.Space)
		if err != nil {
			return nil, err
		}
		id, err := a.findPrincipal(state, n.Principal)
		if err != nil {
			return nil, err
		}
		if sp.Owner == id && id != policy.Nobody {
			return nil, refused(ownerHint(state, sp), "%s owns %s and stays its manager", state.PrincipalName(id), store.SpacePath(state, sp))
		}
		space, who = sp.ID, id
		return a.levelChanges(n, sp, id)
	})
	if err != nil {
		return Level{}, err
	}
	return levelNow(a.st.Policy(), space, who, n), nil
}

func (a *Admin) levelChanges(n NewLevel, sp *policy.Space, id policy.ID) ([]policy.Change, error) {
	rights, err := parseLevel(n.Level)
	if err != nil {
		return nil, err
	}
	entry := policy.Entry{Principal: id, Level: n.Level, Allow: rights}
	n.Conditions.of(&entry)
	var changes []policy.Change
	if (rights == 0 && n.Conditions == Conditions{}) || id == a.by.User {
		for _, old := range sp.Levels {
			if old.Principal == id {
				old.Level, old.Allow, old.Revoke, old.Deny = "", 0, 0, 0
				changes = append(changes, policy.SetLevel{Space: sp.ID, Entry: old})
			}
		}
	}
	if len(changes) > 0 && rights == 0 && n.Pin == nil {
		return changes, nil
	}
	return append(changes, policy.SetLevel{Space: sp.ID, Entry: entry, Pin: n.Pin}), nil
}

// levelNow is the level that was set, with the end that an admin's own has got.
func levelNow(state *policy.State, space, who policy.ID, n NewLevel) Level {
	sp := state.Space(space)
	if sp == nil {
		return Level{Space: n.Space, Principal: n.Principal, Level: levelNone}
	}
	set := policy.Entry{Principal: who, Level: levelNone}
	for _, l := range sp.Levels {
		if l.Principal == who && l.Level == n.Level && l.Class == n.Class && l.Network == n.Network && l.From == seconds(n.From) {
			set = l
			if l.Until == seconds(n.Until) {
				break
			}
		}
	}
	return levelShown(state, sp, &set)
}

func ownerHint(state *policy.State, sp *policy.Space) string {
	if sp.Kind == policy.Personal {
		return ""
	}
	return fmt.Sprintf("davit space transfer %q NAME", store.SpacePath(state, sp))
}

// parseLevel reads a level, alone or with rights: "editor+share".
func parseLevel(text string) (policy.Rights, error) {
	level, more, _ := strings.Cut(text, "+")
	rights, err := policy.LevelRights(level)
	if err != nil {
		return 0, err
	}
	besides, err := policy.ParseRights(more)
	return rights | besides, err
}

// ListLevels tells who is what in a space.
func (a *Admin) ListLevels(_ context.Context, n Named) (Levels, error) {
	state := a.st.Policy()
	sp, err := findSpace(state, n.Name)
	if err != nil {
		return Levels{}, err
	}
	return Levels{store.SpacePath(state, sp), levelsOf(state, sp), state.Epoch}, nil
}

// levelsOf tells the levels of a space, and the users who are only pinned there.
func levelsOf(state *policy.State, sp *policy.Space) []Level {
	levels := []Level{}
	named := map[policy.ID]bool{}
	for i := range sp.Levels {
		levels = append(levels, levelShown(state, sp, &sp.Levels[i]))
		named[sp.Levels[i].Principal] = true
	}
	for _, id := range sp.Pins {
		if !named[id] {
			levels = append(levels, levelShown(state, sp, &policy.Entry{Principal: id, Level: levelNone}))
		}
	}
	slices.SortStableFunc(levels, func(a, b Level) int { return strings.Compare(a.Principal, b.Principal) })
	return levels
}

func levelShown(state *policy.State, sp *policy.Space, e *policy.Entry) Level {
	name := e.Level
	if name == "" {
		name = e.Allow.String()
	}
	_, pinned := slices.BinarySearch(sp.Pins, e.Principal)
	return Level{
		Space: store.SpacePath(state, sp), Principal: state.PrincipalName(e.Principal),
		Level: name, Rights: e.Allow, Pinned: pinned, Conditions: conditionsOf(e),
	}
}

func conditionsOf(e *policy.Entry) Conditions {
	return Conditions{e.Class, e.Network, moment(e.From), moment(e.Until)}
}

// moment is the time of Unix seconds, nil for none.
func moment(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	t := time.Unix(seconds, 0).UTC()
	return &t
}
