package store

import (
	"context"
	"strings"

	"davit/policy"
)

// SharedAs is what the asker is for somebody's calendar.
type SharedAs string

// A calendar of a space is everybody's who sees it, and shared with nobody.
const (
	NotShared SharedAs = ""
	AsOwner   SharedAs = "shared-owner" // and its list names others
	AsSharee  SharedAs = "shared"       // it is somebody else's
)

func (s *Session) sharedAs(tx *Tx, in policy.ID, n policy.Node) SharedAs {
	space := tx.state.Space(in)
	switch {
	case space == nil || space.Kind != policy.Personal:
		return NotShared
	case !s.owns(space):
		return AsSharee
	case len(tx.linesOn(n)) > 0:
		return AsOwner
	}
	return NotShared
}

// A Sharing gives a calendar to whose address it is, or takes it back. It becomes
// lines of the calendar's access list, which is all that sharing a calendar is.
type Sharing struct {
	// Address is in the form in which addresses are compared: "mailto:mia@example.com",
	// or the path of a principal, of a group too.
	Address string
	// Level names the rights; empty takes back all that was given.
	Level string
}

// ShareCalendar carries sharings out, as far as the asker may give and take what they
// are: all of them, or *Undelegated. unknown are the addresses of nobody, which change
// nothing.
func (s *Session) ShareCalendar(ctx context.Context, p Path, list []Sharing, t Terms) (unknown []string, err error) {
	if !p.InCalendars() || len(p) != calendarDepth {
		return nil, ErrMisplaced
	}
	err = s.relist(ctx, p, t, nil, func(tx *Tx, lines []policy.Entry, find Find) ([]policy.Entry, error) {
		unknown = nil
		for i := range list {
			id := s.sharee(tx, list[i].Address, find)
			if id == policy.Nobody {
				unknown = append(unknown, list[i].Address)
				continue
			}
			lines = ungranted(lines, id)
			if list[i].Level == "" {
				continue
			}
			rights, err := policy.LevelRights(list[i].Level)
			if err != nil {
				return nil, err
			}
			lines = granted(lines, policy.Entry{Principal: id, Allow: rights, Level: list[i].Level})
		}
		return lines, nil
	})
	return unknown, err
}

// groupAddress is where the principals of groups have their URLs.
const groupAddress = "/principals/groups/"

// sharee is the user or group of an address, Nobody for one that nobody has. Who sets a
// list is no guest, and knows everybody: nothing is told here that is not his to know.
func (s *Session) sharee(tx *Tx, address string, find Find) policy.ID {
	if name, is := strings.CutPrefix(address, groupAddress); is {
		return find(policy.KindGroup, name)
	}
	return tx.addressed(address).user
}
