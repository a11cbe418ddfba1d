package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Class is what kind of client a credential was made for. It belongs to the
// credential; a user agent only informs.
type Class uint8

const (
	UnknownClass Class = 1 << iota
	Web
	Mobile
	Desktop
	DAV
)

// Classes is a set of them; the empty set in an entry means any.
type Classes = Class

var classNames = []string{"unknown", "web", "mobile", "desktop", "dav"}

// ParseClasses reads "web,mobile"; the empty text is the empty set.
func ParseClasses(text string) (Classes, error) {
	var set Classes
	for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		i := slices.Index(classNames, word)
		if i < 0 {
			return 0, fmt.Errorf("no client class %q (classes: %s): %w", word, strings.Join(classNames, " "), ErrInvalid)
		}
		set |= 1 << i
	}
	return set, nil
}

// String is the names joined by commas.
func (c Class) String() string {
	var names []string
	for i, name := range classNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// MarshalText writes the names.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText is ParseClasses.
func (c *Class) UnmarshalText(b []byte) (err error) {
	*c, err = ParseClasses(string(b))
	return err
}

// A Network is where a request comes from, as the settings of the instance tell
// inside from outside; zero is unknown.
type Network uint8

const (
	Inside Network = 1 << iota
	Outside
)

// Networks is a set of them; the empty set in an entry means any.
type Networks = Network

var networkNames = []string{"inside", "outside"}

// ParseNetworks reads "inside" or "outside"; the empty text is the empty set.
func ParseNetworks(text string) (Networks, error) {
	var set Networks
	for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return c == ',' || c == ' ' }) {
		i := slices.Index(networkNames, word)
		if i < 0 {
			return 0, fmt.Errorf("no network %q (networks: %s): %w", word, strings.Join(networkNames, " "), ErrInvalid)
		}
		set |= 1 << i
	}
	return set, nil
}

// String is the names joined by commas.
func (n Network) String() string {
	var names []string
	for i, name := range networkNames {
		if n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// MarshalText writes the names.
func (n Network) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText is ParseNetworks.
func (n *Network) UnmarshalText(b []byte) (err error) {
	*n, err = ParseNetworks(string(b))
	return err
}

// An Entry is one line of an access list, or a level of a space.
type Entry struct {
	Principal ID `json:"principal"`
	// Allow: the principal has them here and below. Revoke: it no longer has
	// through itself what it was allowed further up. Deny, a wall: nobody matched
	// by the principal has them here or below, whatever stands further down.
	Allow  Rights `json:"allow,omitempty"`
	Revoke Rights `json:"revoke,omitempty"`
	Deny   Rights `json:"deny,omitempty"`
	// Rank is the rank of who set Deny: only that rank or one above lifts it.
	Rank Rank `json:"rank,omitempty"`
	// Class, Network, From and Until are conditions; where one does not hold the
	// entry is as if absent.
	Class   Classes  `json:"class,omitempty"`
	Network Networks `json:"network,omitempty"`
	From    int64    `json:"from,omitempty"`  // Unix seconds, the first
	Until   int64    `json:"until,omitempty"` // Unix seconds, the first no longer
	// Level is the name that Allow was given by, if it was.
	Level string `json:"level,omitempty"`
}

// under gives the parts of e that count in the subject's context. Where it is
// unknown whether a condition holds, walls and revokes count and allows do not.
func (e *Entry) under(sub *Subject) (allow, revoke, deny Rights) {
	class, network := sub.Class&^UnknownClass, sub.Network
	switch {
	case !e.conditional():
		return e.Allow, e.Revoke, e.Deny
	case e.Until != 0 && sub.Now >= e.Until:
		return 0, 0, 0
	case sub.Steady:
		return 0, e.Revoke, e.Deny
	case sub.Now < e.From,
		e.Class != 0 && class != 0 && e.Class&class == 0,
		e.Network != 0 && network != 0 && e.Network&network == 0:
		return 0, 0, 0
	case e.Class != 0 && class == 0, e.Network != 0 && network == 0:
		return 0, e.Revoke, e.Deny
	}
	return e.Allow, e.Revoke, e.Deny
}

func (e *Entry) conditional() bool {
	return e.Class != 0 || e.Network != 0 || e.From != 0 || e.Until != 0
}

// sameLine tells whether two entries stand for one line of a list: a later one
// replaces an earlier one of the same principal under the same conditions.
func (e *Entry) sameLine(o *Entry) bool { return compareEntries(*e, *o) == 0 }

func compareEntries(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Network, b.Network), cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until))
}

func (e *Entry) check() error {
	switch {
	case e.Allow&e.Revoke != 0:
		return invalid("%s both allowed and revoked in one entry", e.Allow&e.Revoke)
	case (e.Allow|e.Revoke|e.Deny)&^All != 0:
		return invalid("entry with unknown rights")
	case e.Until != 0 && e.Until <= e.From:
		return invalid("entry that ends before it begins")
	}
	return nil
}

// withEntry returns the list with e in its place; an entry that says nothing
// removes its line.
func withEntry(list []Entry, e Entry) []Entry {
	out := make([]Entry, 0, len(list)+1)
	for _, old := range list {
		if !old.sameLine(&e) {
			out = append(out, old)
		}
	}
	if e.Allow|e.Revoke|e.Deny != 0 {
		i, _ := slices.BinarySearchFunc(out, e, compareEntries)
		out = slices.Insert(out, i, e)
	}
	return out
}

// sortedEntries is a list of its own in the order that decisions read.
func sortedEntries(list []Entry) []Entry {
	return slices.SortedFunc(slices.Values(list), compareEntries)
}

// withoutPrincipal returns the list without any line of p.
func withoutPrincipal(list []Entry, p ID) []Entry {
	return slices.DeleteFunc(slices.Clone(list), func(e Entry) bool { return e.Principal == p })
}

// A Mark is what a folder or file carries of policy: entries, a cut, a quota,
// shares.
type Mark struct {
	Node Node `json:"node"`
	// Cut: nothing is inherited from above for anybody but walls.
	Cut bool `json:"cut,omitempty"`
	// CutRank is the rank of who cut: only that rank or one above lifts it.
	CutRank Rank    `json:"cut_rank,omitempty"`
	Quota   *Limit  `json:"quota,omitempty"`
	Entries []Entry `json:"entries,omitempty"` // ascending by principal
	Shares  []Share `json:"shares,omitempty"`  // ascending by whom they are given to
}

func (m *Mark) empty() bool {
	return !m.Cut && m.Quota == nil && len(m.Entries) == 0 && len(m.Shares) == 0
}
