package policy

import "time"

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
	// Pins are the users for whom only their own level and entries grant here.
	Pins []ID `json:"pins,omitempty"` // ascending
	// OwnHour is how long one may rename, move and delete what one has made here
	// oneself with see and add alone: seconds, an hour if nil.
	OwnHour *int64 `json:"own_hour,omitempty"`
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

func (sp *Space) check() error {
	if h := sp.OwnHour; h != nil && (*h < 0 || *h > int64(ownHourMax/time.Second)) {
		return invalid("an own hour of %d seconds; it goes from 0 to %d", *h, int64(ownHourMax/time.Second))
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
