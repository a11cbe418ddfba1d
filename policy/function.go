package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Functions is a set of the switches of a profile: what its users may use at
// all, whatever lists give them.
type Functions uint64

// The functions, grouped as people see them. Each one binds: what has no effect
// yet has no name yet.
const (
	FilesPersonal     Functions = 1 << iota // the personal drive
	FilesShared                             // every space that is not one's own drive
	FilesUpload                             // new members
	FilesDownload                           // content
	FilesModify                             // new content and properties of what exists
	FilesDelete                             // into the trash
	FilesRestoreTrash                       // out of it
	FilesPurge                              // erase for good
	FilesVersionsRead
	FilesLock      // break somebody else's lock
	SpaceEditOwn   // levels of a space
	SpaceACLManage // entries and cuts
	ShareInternal  // shares with people, also those given before
	ShareLinks     // links, also those made before
	CalPublish     // links of calendars, the same
	CalSubscribe   // calendars that are published elsewhere
	ChanDesktop    // clients of the classes desktop and dav
	ChanMobile     // clients of the class mobile
	ReviewRun      // reviews of the whole policy, for owners and admins
	CalSchedule    // invite people, and answer invitations
	functionsEnd
)

// AllFunctions is every function there is.
const AllFunctions = functionsEnd - 1

var functionNames = [...]string{
	"files.personal", "files.shared-access", "files.upload", "files.download", "files.modify", "files.delete",
	"files.restore-trash", "files.purge", "files.versions-read", "files.lock",
	"space.edit-own", "space.acl-manage", "share.internal", "share.links", "cal.publish", "cal.subscribe",
	"chan.desktop", "chan.mobile", "review.run", "cal.schedule-send",
}

// functionGroups are the names for several functions at once.
var functionGroups = []struct {
	name string
	set  Functions
}{
	{"all", AllFunctions},
	{"files", FilesPersonal | FilesShared | FilesDownload},
	{"write", FilesUpload | FilesModify | FilesDelete | FilesRestoreTrash | FilesPurge | FilesLock},
	{"share", ShareInternal},
	{"links", ShareLinks | CalPublish},
	{"history", FilesVersionsRead},
	{"manage", SpaceEditOwn | SpaceACLManage},
	{"mobile", ChanMobile},
	{"dav", ChanDesktop},
	{"oversight", ReviewRun},
	{"calendar", CalSchedule},
}

// ParseFunctions reads "files,write,chan.mobile", groups and single ones; the empty text is no function.
func ParseFunctions(text string) (Functions, error) {
	var set Functions
	for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		f, err := parseFunction(word)
		if err != nil {
			return 0, err
		}
		set |= f
	}
	return set, nil
}

func parseFunction(word string) (Functions, error) {
	for _, g := range functionGroups {
		if g.name == word {
			return g.set, nil
		}
	}
	if i := slices.Index(functionNames[:], word); i >= 0 {
		return 1 << i, nil
	}
	var groups []string
	for _, g := range functionGroups {
		groups = append(groups, g.name)
	}
	return 0, fmt.Errorf("no function %q (groups: %s; single ones: %s): %w", word,
		strings.Join(groups, " "), strings.Join(functionNames[:], " "), ErrInvalid)
}

// Names lists the set in the order of the constants.
func (f Functions) Names() []string {
	var names []string
	for i, name := range functionNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String is "all", "none" or the names joined by commas.
func (f Functions) String() string {
	switch f & AllFunctions {
	case AllFunctions:
		return "all"
	case 0:
		return "none"
	}
	return strings.Join(f.Names(), ",")
}

// MarshalText writes the names; a file of policy is read by people.
func (f Functions) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText is ParseFunctions, and reads "none".
func (f *Functions) UnmarshalText(b []byte) (err error) {
	*f = 0
	if string(b) != "none" {
		*f, err = ParseFunctions(string(b))
	}
	return err
}

// functionsFor says which rights fall when a function, or all of several, are
// switched off.
var functionsFor = []struct {
	function Functions
	rights   Rights
}{
	{FilesDownload, Read},
	{FilesUpload, Add},
	{FilesModify, Write | Props},
	{FilesDelete, Delete | DeleteOwn},
	{FilesRestoreTrash, Trash},
	{FilesPurge, Purge},
	{FilesVersionsRead, History},
	{FilesLock, BreakLock},
	{SpaceEditOwn, ManageMembers},
	{SpaceACLManage, Manage},
	{ShareInternal | ShareLinks | CalPublish, Reshare},
	{CalSchedule, Schedule},
}

// lets is the ceiling that a profile puts on a space, for a client of a class.
func (p *Profile) lets(sp *Space, owner bool, class Class) Rights {
	if p == nil || p.Functions == nil {
		return All
	}
	on := *p.Functions
	home := FilesShared
	if sp.Kind == Personal && owner {
		home = FilesPersonal
	}
	if on&home == 0 || channels(class)&^on != 0 {
		return 0
	}
	lets := All
	for _, row := range functionsFor {
		if on&row.function == 0 {
			lets &^= row.rights
		}
	}
	return lets
}

// channels are the functions that a client of the class needs. The web is always
// open; a client of unknown class needs what any other does.
func channels(c Class) (need Functions) {
	switch {
	case c&^UnknownClass == 0:
		return ChanMobile | ChanDesktop
	case c&Mobile != 0:
		return ChanMobile
	case c&(Desktop|DAV) != 0:
		return ChanDesktop
	}
	return 0
}
