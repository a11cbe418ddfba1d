package policy

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A Cell is what a user is in a space: the level whose rights are held at its
// root, whether it is pinned there, and whether it holds messages.
type Cell struct {
	Level    string
	Pinned   bool
	Messages bool
}

// Matrix is the cell of every user in every space, rows by users, for accounts
// that ask like in, whose User counts for nothing.
func (s *State) Matrix(in Subject, users, spaces []ID) [][]Cell {
	rows := make([][]Cell, len(users))
	columns := make([]column, len(spaces))
	for i, id := range spaces {
		if sp := s.Space(id); sp != nil {
			columns[i] = column{sp, s.appendWays(nil, []Node{sp.Root})}
		}
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(users)); i = next.Add(1) - 1 {
				sub := in
				sub.User = users[i]
				rows[i] = make([]Cell, len(columns))
				for j, c := range columns {
					rows[i][j] = s.cell(&sub, c)
				}
			}
		})
	}
	workers.Wait()
	return rows
}

// column is a space with what stands at its root.
type column struct {
	space *Space
	ways  []*way
}

func (s *State) cell(sub *Subject, c column) Cell {
	if c.space == nil {
		return Cell{Level: levels[0].name}
	}
	_, pinned := slices.BinarySearch(c.space.Pins, sub.User)
	held := s.held(sub, c.space, c.ways, nil)
	return Cell{ownLabel(c.space, sub.User, held), pinned, held&Messages != 0}
}

// ownLabel is the level of what is held. Of several with the same rights it is
// the one that the user's own line names, before what it adds of messages.
func ownLabel(sp *Space, user ID, held Rights) string {
	level := LevelOf(held)
	rights, _ := LevelRights(level)
	for i := firstOf(sp.Levels, user); i < len(sp.Levels) && sp.Levels[i].Principal == user; i++ {
		base, more := strings.CutSuffix(sp.Levels[i].Level, plusMessages)
		own, err := LevelRights(base)
		if more {
			own |= Messages
		}
		if err == nil && own == rights && !sp.Levels[i].conditional() {
			return base
		}
	}
	return level
}

// plusMessages ends the name of a level with messages besides.
const plusMessages = "+messages"

// CellChange is the change of the user's own level that makes the level and the pin
// of a cell as wanted, for a user who asks like sub; nil when they are so already. A wanted level that
// groups give more than is pinned, wanted so or not. The reason says why no level
// of its own makes the cell.
func (s *State) CellChange(sub Subject, space ID, want Cell) (change Change, reason string) {
	sp := s.Space(space)
	if sp == nil {
		return nil, "there is no such space"
	}
	now := column{sp, s.appendWays(nil, []Node{sp.Root})}
	is := s.cell(&sub, now)
	allow, err := LevelRights(want.Level)
	switch {
	case is.Level == want.Level && is.Pinned == want.Pinned:
		return nil, ""
	case err != nil:
		return nil, err.Error()
	case sp.Owner == sub.User:
		return nil, "the owner's cell is locked: ownership moves by a command of its own"
	}
	entry := Entry{Principal: sub.User, Level: want.Level, Allow: allow}
	for _, pin := range []bool{want.Pinned, true} {
		if s.cell(&sub, now.with(entry, pin)).Level != want.Level {
			continue
		}
		if is.Level == want.Level && is.Pinned == pin {
			return nil, ""
		}
		return SetLevel{Space: space, Entry: entry, Pin: &pin}, ""
	}
	return nil, s.whyNot(&sub, now.with(entry, true), allow)
}

// MessagesChange is the change of the user's own level that switches messages in a
// space on or off for a user who asks like sub, and leaves the level of its cell
// what it is; nil when they are so already. Where groups give them it pins the user
// to the rest. The reason says why it cannot be.
func (s *State) MessagesChange(sub Subject, space ID, on bool) (change Change, reason string) {
	sp := s.Space(space)
	if sp == nil {
		return nil, "there is no such space"
	}
	now := column{sp, s.appendWays(nil, []Node{sp.Root})}
	is := s.cell(&sub, now)
	rights, err := LevelRights(is.Level)
	switch {
	case is.Messages == on:
		return nil, ""
	case err != nil:
		return nil, err.Error()
	case sp.Owner == sub.User:
		return nil, "the owner's cell is locked: ownership moves by a command of its own"
	case !on && rights&Messages != 0:
		return nil, "the level " + is.Level + " has messages; choose one that has none"
	}
	for _, pin := range []bool{is.Pinned, true} {
		for _, entry := range messageLines(sp, sub.User, is.Level, rights, on) {
			if next := s.cell(&sub, now.with(entry, pin)); next.Level == is.Level && next.Messages == on {
				return SetLevel{Space: space, Entry: entry, Pin: &pin}, ""
			}
		}
	}
	if on {
		return nil, s.whyNot(&sub, now.with(Entry{Principal: sub.User, Allow: rights | Messages}, true), rights|Messages)
	}
	return nil, "other lines of the user's own give them"
}

// messageLines are the lines that may switch messages for a user: what its own line
// says but for them, or else the level of its cell.
func messageLines(sp *Space, user ID, level string, rights Rights, on bool) []Entry {
	own := lineOf(sp.Levels, &Entry{Principal: user})
	whole := Entry{Principal: user, Level: level, Allow: rights}
	if !on {
		if name, named := strings.CutSuffix(own.Level, plusMessages); named {
			own.Level = name
		} else if own.Allow&Messages != 0 {
			own.Level = "" // what is left has no name
		}
		own.Allow &^= Messages
		return []Entry{own, whole}
	}
	switch {
	case own.Level != "":
		own.Level += plusMessages
	case own.Allow == 0:
		own.Level = levels[0].name + plusMessages
	}
	own.Allow |= Messages
	whole.Level, whole.Allow = whole.Level+plusMessages, whole.Allow|Messages
	return []Entry{own, whole}
}

// with is the column as it would be with that line and pin of its user.
func (c column) with(e Entry, pin bool) column {
	next := *c.space
	next.setLevels(withEntry(next.Levels, e))
	next.Pins = slices.DeleteFunc(slices.Clone(next.Pins), func(id ID) bool { return id == e.Principal })
	if pin {
		i, _ := slices.BinarySearch(next.Pins, e.Principal)
		next.Pins = slices.Insert(next.Pins, i, e.Principal)
	}
	return column{&next, c.ways}
}

// whyNot names what keeps a pinned level from being what is held.
func (s *State) whyNot(sub *Subject, c column, allow Rights) string {
	tr := &trace{state: s, sub: *sub}
	held := s.held(sub, c.space, c.ways, tr)
	for _, cut := range tr.Cuts {
		if cut.Rights&allow != 0 {
			return "the ceiling " + string(cut.By) + " cuts it"
		}
	}
	if allow&^held != 0 {
		return "a wall keeps it from the user"
	}
	return "other lines of the user's own give more"
}
