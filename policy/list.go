package policy

import "slices"

// A Line is an entry of the list that counts at a place, and where it stands.
type Line struct {
	Entry
	// Depth is -1 for a level of the space, 0 for its root, and so on down the
	// place's path.
	Depth int
}

// Lines is the access list that counts at a place: its own lines, then those of
// the collections above it, the nearest first, then the levels of the space. Of
// a line above a cut only what passes the cut is there: its wall, and the way in
// that who manages the space keeps.
func (s *State) Lines(at Place) []Line {
	sp := s.Space(at.Space)
	if sp == nil || len(at.Path) == 0 || at.Path[0] != sp.Root {
		return nil
	}
	ways := s.appendWays(nil, at.Path)
	cut := lastCut(ways)
	var lines []Line
	for depth := len(ways) - 1; depth >= -1; depth-- {
		for _, e := range listAt(sp, ways, depth) {
			if depth < cut {
				e = pastCut(e, depth < min(cut, 1))
			}
			if e.Allow|e.Revoke|e.Deny != 0 {
				lines = append(lines, Line{Entry: e, Depth: depth})
			}
		}
	}
	return lines
}

// pastCut is what is left of an entry above a cut. The lists of the space itself
// tell who manages it.
func pastCut(e Entry, ofSpace bool) Entry {
	manages := ofSpace && e.Allow&Manage != 0
	e.Level, e.Allow, e.Revoke = "", 0, 0
	if manages {
		e.Allow = See | ReadACL | Manage
	}
	return e
}

// Relist gives the changes that make lines the own list of a place. Lines of one
// principal under the same conditions become one; a line that says what it said
// before is left alone.
func (s *State) Relist(at Place, lines []Entry) []Change {
	if len(at.Path) == 0 {
		return nil
	}
	var old []Entry
	if m := s.Mark(at.Path[len(at.Path)-1]); m != nil {
		old = m.Entries
	}
	var changes []Change
	lines = merged(lines)
	for _, e := range old {
		if !slices.ContainsFunc(lines, func(n Entry) bool { return n.sameLine(&e) }) {
			e.Allow, e.Revoke, e.Deny, e.Level = 0, 0, 0, ""
			changes = append(changes, SetEntry{At: at, Entry: e})
		}
	}
	for _, e := range lines {
		i := slices.IndexFunc(old, func(o Entry) bool { return o.sameLine(&e) })
		if i >= 0 && old[i].Allow == e.Allow {
			if old[i].Revoke == e.Revoke && old[i].Deny == e.Deny {
				continue
			}
			e.Level = old[i].Level
		}
		changes = append(changes, SetEntry{At: at, Entry: e})
	}
	return changes
}

// merged puts lines of one principal under the same conditions together, and
// leaves out those that say nothing.
func merged(lines []Entry) []Entry {
	var out []Entry
	for _, e := range lines {
		if e.Allow|e.Revoke|e.Deny == 0 {
			continue
		}
		if i := slices.IndexFunc(out, func(o Entry) bool { return o.sameLine(&e) }); i >= 0 {
			out[i].Allow |= e.Allow
			out[i].Revoke |= e.Revoke
			out[i].Deny |= e.Deny
		} else {
			out = append(out, e)
		}
	}
	return out
}

// listAt is the list at level i: the levels of the space above the ways, or the
// entries at one of them.
func listAt(sp *Space, ways []*way, i int) []Entry {
	switch {
	case i < 0:
		return sp.Levels
	case ways[i].mark == nil:
		return nil
	}
	return ways[i].mark.Entries
}
