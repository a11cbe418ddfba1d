package policy

import (
	"slices"
	"strings"
)

// Drives are the personal drives of others in which something names the subject:
// a level, an entry, a share. What it sees of each is still to be decided. Its
// cost follows what names the subject, not how many accounts there are.
func (s *State) Drives(sub Subject) []*Space {
	if s.readsAlways(&sub) {
		return slices.DeleteFunc(s.Spaces(), func(sp *Space) bool { return !s.othersDrive(sp, &sub) })
	}
	ids, _ := s.closures.get(uint64(sub.id()))
	found := map[*Space]bool{}
	for _, id := range ids {
		inside, _ := s.named.roots.get(uint64(id))
		above, _ := s.levelled.get(uint64(id))
		for _, root := range above.appendNodes(slices.Clip(inside)) { // a level stands at the root
			if sp := s.SpaceAt(root); sp != nil && s.othersDrive(sp, &sub) {
				found[sp] = true
			}
		}
	}
	drives := make([]*Space, 0, len(found))
	for sp := range found {
		drives = append(drives, sp)
	}
	slices.SortFunc(drives, func(a, b *Space) int { return strings.Compare(a.Name, b.Name) })
	return drives
}

// othersDrive: of a person who still has an account.
func (s *State) othersDrive(sp *Space, sub *Subject) bool {
	return sp.Kind == Personal && sp.Owner != sub.User && s.User(sp.Owner) != nil
}

// indexLevels keeps in which personal drives others have a level: shares apart,
// few have any.
func (e *edit) indexLevels(old, sp *Space) {
	if old != nil && old.Kind == Personal {
		for _, l := range old.Levels {
			e.levelled = withoutSpot(e.levelled, l.Principal, spot{old.Root, old.Root})
		}
	}
	if sp == nil || sp.Kind != Personal {
		return
	}
	for _, l := range sp.Levels {
		if l.Principal != sp.Owner {
			e.levelled = withSpot(e.levelled, l.Principal, spot{sp.Root, sp.Root})
		}
	}
}

// SharesBy lists what an account shares, links too, in the order of their IDs.
func (s *State) SharesBy(user ID) []*Share {
	at, _ := s.gave.get(uint64(user))
	return s.sharesAt(at, nil, func(sh *Share) bool { return sh.By == user })
}

// SharesTo lists what is shared with an account, itself or a group it is in, in
// the order of their IDs. Some may be asleep.
func (s *State) SharesTo(user ID) []*Share {
	var list []*Share
	ids, _ := s.closures.get(uint64(user))
	for _, id := range ids {
		list = s.sharesAt(s.named.at(id), list, func(sh *Share) bool { return sh.To == id })
	}
	slices.SortFunc(list, byShareID)
	return list
}

func (s *State) sharesAt(at places, list []*Share, is func(*Share) bool) []*Share {
	for _, p := range at {
		m := s.Mark(p.node)
		for i := range m.Shares {
			if is(&m.Shares[i]) {
				list = append(list, &m.Shares[i])
			}
		}
	}
	slices.SortFunc(list, byShareID)
	return list
}

// SharesOn lists the shares and links that give something at a place now, with
// where each stands, the nearest first. None is inherited into a cut folder.
func (s *State) SharesOn(at Place, now int64) []Gift {
	sp := s.Space(at.Space)
	if sp == nil || len(at.Path) == 0 || at.Path[0] != sp.Root {
		return nil
	}
	ways := s.appendWays(nil, at.Path)
	var list []Gift
	for depth := len(ways) - 1; depth >= max(lastCut(ways), 0); depth-- {
		if !ways[depth].shares {
			continue
		}
		for _, sh := range ways[depth].mark.Shares {
			if s.Asleep(&sh, sp, now) == "" {
				list = append(list, Gift{Depth: depth, Share: sh})
			}
		}
	}
	return list
}
