package davit_test

import (
	"davit/policy"
)

// This file holds what the cases ask for and the code base cannot express. Each
// function stands for one feature and is replaced when that is there.

// spaceKind tells whether spaces of a kind can be made.
func spaceKind(k policy.SpaceKind) error {
	switch k {
	case policy.Personal, policy.GroupFolder, policy.Room, policy.Portal, calendarKind:
		return nil
	}
	return notYet(string(k) + " spaces")
}

// credential tells what an app password is narrowed to.
func credential(scope words) (readOnly bool, err error) {
	switch s := scope.String(); s {
	case "", "all", "full":
		return false, nil
	case "read", "read-only":
		return true, nil
	default:
		return false, notYet("app passwords with the scope " + s)
	}
}

// elsewhere are the logical paths that stand outside the spaces: where somebody
// finds what is below them.
var elsewhere = map[string]func(r *run, who, rest, query string) (string, error){
	"principals": principals,
	"trash":      beside(".trash"),
	"versions":   beside(".versions"),
	"calendars":  calendarHomes,
	"outbox":     outbox,
	"invite":     nowhere("invites"), // /i/TOKEN
}

func nowhere(what string) func(*run, string, string, string) (string, error) {
	return func(*run, string, string, string) (string, error) { return "", notYet(what) }
}

// reportThere tells whether the server answers a report.
func reportThere(name string) error {
	switch name {
	case "principal-property-search", "sync-collection", "sync-collection-since", "free-busy-query":
		return nil
	}
	return notYet("the report " + name)
}

// methodThere tells whether the server knows a method at all.
func methodThere(m string) error {
	switch m {
	case "VERSION-CONTROL":
		return notYet("the method " + m)
	}
	return nil
}
