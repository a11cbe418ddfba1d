package policy

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A Type is the rank of an account. Lower numbers act on higher ones.
type Type string

const (
	Owner   Type = "owner"
	Admin   Type = "admin"
	Manager Type = "manager"
	Member  Type = "member"
	Guest   Type = "guest"
)

// Types lists the account types, highest rank first.
var Types = []Type{Owner, Admin, Manager, Member, Guest}

// A User is an account as far as decisions go. Passwords are none of policy's.
type User struct {
	ID       ID     `json:"id"`
	Name     string `json:"name"`
	Type     Type   `json:"type"`
	Inactive bool   `json:"inactive,omitempty"`
	// Until is when the account expires, in Unix seconds; 0 for never.
	Until   int64 `json:"until,omitempty"`
	Profile ID    `json:"profile"`
	// Quota is the limit of the personal drive when it differs from the
	// profile's.
	Quota *Limit `json:"quota,omitempty"`
	// Home is the personal drive; guests have none.
	Home     ID     `json:"home,omitempty"`
	Email    string `json:"email,omitempty"`
	Language string `json:"language,omitempty"`
}

// ActiveAt tells whether the account opens anything at a moment in Unix seconds.
func (u *User) ActiveAt(now int64) bool {
	return u != nil && !u.Inactive && (u.Until == 0 || now < u.Until)
}

// A Rank is the place of an account type in Types. Who stands higher has the
// lower one; an owner's, and the operator's, is 0.
type Rank uint8

// rank of a type; one that is none ranks lowest.
func (t Type) rank() Rank {
	if i := slices.Index(Types, t); i >= 0 {
		return Rank(i)
	}
	return Rank(len(Types))
}

// String is the name of the type.
func (r Rank) String() string {
	if int(r) < len(Types) {
		return string(Types[r])
	}
	return "none"
}

// MarshalText writes the name.
func (r Rank) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the name.
func (r *Rank) UnmarshalText(b []byte) error {
	*r = Type(b).rank()
	if int(*r) == len(Types) {
		return invalid("no account type %q", b)
	}
	return nil
}

// above tells whether t acts on accounts of the other type.
func (t Type) above(o Type) bool { return t.rank() < o.rank() }

// A Group holds users and groups; a role is a group that admins give and that
// carries rights only where an entry names it.
type Group struct {
	ID      ID     `json:"id"`
	Name    string `json:"name"`
	Role    bool   `json:"role,omitempty"`
	Members []ID   `json:"members,omitempty"` // ascending
	// Managers are the users who may add to the group and take from it, as long
	// as that gives nobody more than they could give themselves.
	Managers []ID `json:"managers,omitempty"` // ascending
}

// A Profile is what accounts of one kind have in common.
type Profile struct {
	ID    ID     `json:"id"`
	Name  string `json:"name"`
	Quota Limit  `json:"quota"` // of the personal drive
	// Functions are what its users may use; nil for all.
	Functions *Functions `json:"functions,omitempty"`
	// FileMax is the largest file that its users may store, 0 for any size.
	FileMax Limit `json:"file_max,omitempty"`
	// LinkDays is the longest life of their links, 0 for what the settings say.
	LinkDays int64 `json:"link_days,omitempty"`
}

// Kind of principal, as commands spell it before the colon.
type Kind string

const (
	KindUser  Kind = "user"
	KindGroup Kind = "group"
	KindRole  Kind = "role"
)

// NameMax is the longest name of a principal, space or profile, in bytes.
const NameMax = 128

// Fold is the form in which names are compared: two names that fold alike are
// the same name.
func Fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// checkName holds for principals and profiles: they stand in paths, entries and
// lists of commands.
func checkName(what, name string) error {
	if name == "" || len(name) > NameMax || !utf8.ValidString(name) {
		return invalid("%s name %q: use 1 to %d bytes of UTF-8", what, name, NameMax)
	}
	for i, c := range name {
		if unicode.IsLetter(c) || unicode.IsDigit(c) || i > 0 && (unicode.IsMark(c) || strings.ContainsRune("._-@ ", c)) {
			continue
		}
		return invalid("%s name %q: use letters, digits and . _ - @, beginning with a letter or digit", what, name)
	}
	if strings.HasSuffix(name, " ") {
		return invalid("%s name %q ends in a space", what, name)
	}
	return nil
}

// checkSpaceName holds for spaces, which stand as folders in the mount.
func checkSpaceName(name string) error {
	folded := Fold(name)
	switch {
	case name == "" || len(name) > NameMax || !utf8.ValidString(name):
		return invalid("space name %q: use 1 to %d bytes of UTF-8", name, NameMax)
	case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~"):
		return invalid("space name %q begins with a reserved character", name)
	case folded == "home" || folded == "shared":
		return invalid("space name %q is reserved", name)
	case strings.ContainsFunc(name, func(c rune) bool { return c == '/' || unicode.IsControl(c) }):
		return invalid("space name %q: no slash, no control character", name)
	case strings.TrimSpace(name) != name:
		return invalid("space name %q begins or ends with a space", name)
	}
	return nil
}
