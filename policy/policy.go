// Package policy decides who may do what. It owns principals, spaces, levels,
// access entries and quota limits, and answers every question from one
// immutable State. It does no I/O, reads no clock and knows no names of files:
// time, client class and the way from a space's root to a node are arguments.
//
// The one rule: for right r at a node, the entry of principal p nearest to the
// node that mentions r decides p's part. A subject holds r when some principal
// of its has its part and no wall against r for any principal of its stands
// anywhere on the way. Then the ceilings cut.
//
//	d := state.Decide(policy.Subject{User: mia, Mask: policy.All}, place, policy.Read)
//	if !d.Allowed() {
//		return d.Denied()
//	}
package policy

import (
	"errors"
	"fmt"
)

// An ID names a user, group, role or space. It is never used again, so a new
// account of an old name gets nothing that the old one had.
type ID uint64

// Principals that exist without a record. Stored IDs begin at FirstID.
const (
	Nobody         ID = 0
	Members        ID = 1 // every active user that is no guest
	AnyoneSignedIn ID = 2 // every active user
	Links          ID = 3 // every bearer of a link
	FirstID        ID = 16
)

// A Node names a file or folder. It keeps its Node when it moves.
type Node uint64

// Sentinels that callers act on; the wrapping error says what was asked.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrInvalid  = errors.New("invalid")
)

func notFound(format string, a ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, a...), ErrNotFound)
}

func exists(format string, a ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, a...), ErrExists)
}

func invalid(format string, a ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, a...), ErrInvalid)
}
