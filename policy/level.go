package policy

import (
	"fmt"
	"slices"
	"strings"
)

const (
	levelViewer      = See | Read | FreeBusy
	levelPortal      = levelViewer | Add | Write | Props
	levelContributor = levelPortal | History
	levelEditor      = levelContributor | Delete | DeleteOwn | Trash | Schedule
	levelManager     = levelEditor | Reshare | ReadACL | Manage | ManageMembers | Purge | BreakLock | Messages
)

// levels are the named sets, lowest first.
var levels = []struct {
	name   string
	rights Rights
}{
	{"none", 0},
	{"free-busy", FreeBusy},
	{"deposit", Add},
	{"viewer", levelViewer},
	{"commenter", levelViewer | Messages},
	{"reviewer", levelViewer | Messages},
	{"filler", levelViewer | Messages},
	{"reviser", levelViewer | Write | Props | History},
	{"portal", levelPortal},
	{"contributor", levelContributor},
	{"creator", levelContributor | DeleteOwn | Trash},
	{"editor", levelEditor},
	{"manager", levelManager},
}

// LevelRights is the set that a level names.
func LevelRights(name string) (Rights, error) {
	for _, l := range levels {
		if l.name == name {
			return l.rights, nil
		}
	}
	return 0, fmt.Errorf("no level %q (levels: %s): %w", name, strings.Join(LevelNames(), " "), ErrInvalid)
}

// LevelNames lists the levels, lowest first.
func LevelNames() []string {
	names := make([]string, len(levels))
	for i, l := range levels {
		names[i] = l.name
	}
	return names
}

// LevelOf is the highest level whose rights are all held: what a matrix shows.
func LevelOf(held Rights) string {
	for _, l := range slices.Backward(levels) {
		if l.rights&^held == 0 && !(l.rights == 0 && l.name != "none") {
			return l.name
		}
	}
	return "none"
}

// internLevel is the same text, of the memory that all entries of the level share.
func internLevel(name string) string {
	for _, l := range levels {
		if l.name == name {
			return l.name
		}
	}
	return name
}
