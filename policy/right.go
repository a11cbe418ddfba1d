package policy

import (
	"fmt"
	"math/bits"
	"strings"
)

// Rights is a set of rights; a Right is a set of one.
type (
	Rights uint32
	Right  = Rights
)

const (
	See           Right = 1 << iota // its name stands in listings
	Read                            // its content
	Add                             // new members in a collection
	Write                           // new content of what exists
	Props                           // properties
	Delete                          // any member
	DeleteOwn                       // what the same account created
	Reshare                         // hand on what one holds; spelled "share"
	ReadACL                         // who may do what here
	Manage                          // entries, cut, state, quota of folders
	ManageMembers                   // levels of the space; spelled "members"
	History                         // versions
	Trash                           // list and restore what was deleted
	Purge                           // erase from the trash
	FreeBusy                        // busy times only
	Schedule                        // invitations in a calendar's name
	BreakLock                       // somebody else's lock
	Messages                        // the message area
	rightsEnd
)

// All is every right there is. An operation missing from the store's table of
// needs asks for it.
const All = rightsEnd - 1

// ReadOnly is what a credential made for reading lets through.
const ReadOnly = See | Read | ReadACL | History | FreeBusy

var rightNames = [...]string{
	"see", "read", "add", "write", "props", "delete", "delete-own", "share", "read-acl",
	"manage", "members", "history", "trash", "purge", "free-busy", "schedule", "break-lock", "messages",
}

// Names lists the set in the order of the constants.
func (r Rights) Names() []string {
	names := make([]string, 0, bits.OnesCount32(uint32(r)))
	for i, name := range rightNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String is the names joined by commas, "none" for the empty set.
func (r Rights) String() string {
	switch r {
	case 0:
		return "none"
	case All:
		return "all"
	}
	return strings.Join(r.Names(), ",")
}

// ParseRights reads "read,write", "all", "none", "level:editor" and sums such as
// "level:editor+share".
func ParseRights(text string) (Rights, error) {
	var set Rights
	for _, word := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == '+' || c == ' ' }) {
		r, err := parseRight(word)
		if err != nil {
			return 0, err
		}
		set |= r
	}
	return set, nil
}

func parseRight(word string) (Rights, error) {
	if level, ok := strings.CutPrefix(word, "level:"); ok {
		return LevelRights(level)
	}
	switch word {
	case "all":
		return All, nil
	case "none":
		return 0, nil
	}
	for i, name := range rightNames {
		if name == word {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("no right %q (rights: %s): %w", word, strings.Join(rightNames[:], " "), ErrInvalid)
}

// MarshalText writes the names; a file of policy is read by people.
func (r Rights) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRights.
func (r *Rights) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRights(string(b))
	return err
}
