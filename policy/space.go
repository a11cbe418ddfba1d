package policy

import (
	"slices"
	"strings"
	"time"
)

// A SpaceKind says what a space is for and which levels it admits.
type SpaceKind string

const (
	Personal    SpaceKind = "personal"
	GroupFolder SpaceKind = "group-folder"
	Room        SpaceKind = "room"
	Portal      SpaceKind = "portal"
)

// A SpaceState is a ceiling on everything in a space.
type SpaceState string

const (
	Active   SpaceState = "active"
	Archived SpaceState = "archived" // reading only
	Closed   SpaceState = "closed"   // a portal without its guests
	Trashed  SpaceState = "trashed"
)

// A Space is a tree with members. Its Levels count as entries above its root.
type Space struct {
	ID     ID         `json:"id"`
	Name   string     `json:"name"`
	Kind   SpaceKind  `json:"kind"`
	State  SpaceState `json:"state"`
	Owner  ID         `json:"owner,omitempty"`
	Root   Node       `json:"root"`
	Quota  Limit      `json:"quota"`
	Levels []Entry    `json:"levels,omitempty"` // ascending by principal
	// Template says which levels a room admits; empty for all.
	Template Template `json:"template,omitempty"`
	// Pins are the users for whom only their own level and entries grant here.
	Pins []ID `json:"pins,omitempty"` // ascending
	// OwnHour is how long one may rename, move and delete what one has made here
	// oneself with see and add alone: seconds, an hour if nil.
	OwnHour *int64 `json:"own_hour,omitempty"`
	// TrashDays and VersionDays are how long the trash and old contents are kept here,
	// where that is shorter than in the instance; 0 leaves it to that.
	TrashDays   int64 `json:"trash_days,omitempty"`
	VersionDays int64 `json:"version_days,omitempty"`
	// FileDays is how long a file stays that nobody touches, 0 for ever.
	FileDays int64 `json:"file_days,omitempty"`

	principals []ID // of the levels: what a decision reads of most of them
}

func (sp *Space) setLevels(list []Entry) {
	sp.Levels, sp.principals = list, appendPrincipals(nil, list)
}

// The own hour of a space that sets none, and the longest.
const (
	ownHour    = time.Hour
	ownHourMax = 24 * time.Hour
)

// OwnHour is how long what an account makes in the space stays its own to rename,
// move and delete; what is older, or is exactly that old, no longer is.
func (s *State) OwnHour(space ID) time.Duration {
	sp := s.Space(space)
	switch {
	case sp == nil:
		return 0
	case sp.OwnHour == nil:
		return ownHour
	}
	return time.Duration(*sp.OwnHour) * time.Second
}

// A Template is what a room is for.
type Template string

const (
	PublicRoom    Template = "public"
	FormFilling   Template = "form-filling"
	Collaboration Template = "collaboration"
	DataRoom      Template = "data-room"
)

// templateLevels are the levels that each template admits.
var templateLevels = map[Template][]string{
	PublicRoom:    {"manager", "creator", "viewer"},
	FormFilling:   {"manager", "creator", "filler"},
	Collaboration: {"manager", "creator", "reviser", "viewer"},
	DataRoom:      {"manager", "creator", "reviser", "filler", "viewer"},
}

// checkLevel holds a level against what the kind of the space admits.
func (e *edit) checkLevel(sp *Space, l Entry) error {
	u := e.User(l.Principal)
	switch {
	case l.Allow == 0:
		return nil
	case sp.Kind == Room && l.Allow&(Manage|ManageMembers) != 0 && (u == nil || u.Type == Guest):
		return invalid("a room has no group, guest or link for a manager; name single accounts")
	case sp.Kind == Room && sp.Template != "" && !slices.Contains(templateLevels[sp.Template], l.Level):
		return invalid("no level %q in a room of the template %s (levels: %s)", levelName(l), sp.Template, strings.Join(templateLevels[sp.Template], " "))
	case sp.Kind == Portal && u != nil && u.Type == Guest && l.Allow != levelPortal && l.Allow != levelViewer:
		return invalid("a guest is portal or viewer in a portal, not %s", levelName(l))
	}
	return nil
}

func levelName(l Entry) string {
	if l.Level != "" {
		return l.Level
	}
	return l.Allow.String()
}

func (sp *Space) check() error {
	if _, known := templateLevels[sp.Template]; sp.Template != "" && (!known || sp.Kind != Room) {
		return invalid("no template %q for a %s (templates of rooms: public form-filling collaboration data-room)", sp.Template, sp.Kind)
	}
	if h := sp.OwnHour; h != nil && (*h < 0 || *h > int64(ownHourMax/time.Second)) {
		return invalid("an own hour of %s; the longest is %s", time.Duration(*h)*time.Second, ownHourMax)
	}
	if err := sp.checkKeeping(); err != nil {
		return err
	}
	switch sp.Kind {
	case Personal, GroupFolder, Room, Portal:
	default:
		return invalid("no space kind %q (kinds: personal group-folder room portal)", sp.Kind)
	}
	switch sp.State {
	case Active, Archived, Closed, Trashed:
		return nil
	}
	return invalid("no space state %q (states: active archived closed trashed)", sp.State)
}

// A Place is a node and the way to it.
type Place struct {
	Space ID
	// Path leads from the space's root to the node, both included.
	Path []Node
}
