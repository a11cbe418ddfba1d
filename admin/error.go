package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"davit/auth"
	"davit/policy"
	"davit/store"
)

// A Kind says what a caller can make of an Error.
type Kind string

// Kinds of errors.
const (
	NotFound Kind = "not found" // what was named does not exist
	Conflict Kind = "conflict"  // it exists already, or its state forbids
	Refused  Kind = "refused"   // a rule about who may do what forbids
	Invalid  Kind = "invalid"   // what was asked makes no sense
	Failed   Kind = "failed"    // everything else
)

// An Error is how every operation fails, the same through both doors.
type Error struct {
	Kind Kind   `json:"kind"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"` // the next step, if there is one
}

func (e *Error) Error() string { return e.Text }

func notFound(hint, format string, a ...any) *Error {
	return &Error{NotFound, fmt.Sprintf(format, a...), hint}
}

func conflict(hint, format string, a ...any) *Error {
	return &Error{Conflict, fmt.Sprintf(format, a...), hint}
}

func refused(hint, format string, a ...any) *Error {
	return &Error{Refused, fmt.Sprintf(format, a...), hint}
}

func invalid(hint, format string, a ...any) *Error {
	return &Error{Invalid, fmt.Sprintf(format, a...), hint}
}

// kinds maps the errors of the layers below; the first that fits counts.
var kinds = []struct {
	is   error
	kind Kind
}{
	{store.ErrNotFound, NotFound},
	{store.ErrExists, Conflict},
	{store.ErrNoParent, Conflict},
	{store.ErrQuota, Conflict},
	{store.ErrTooMany, Conflict},
	{store.ErrEpoch, Conflict},
	{policy.ErrForbidden, Refused},
	{store.ErrInvalid, Invalid},
	{store.ErrReserved, Invalid},
	{store.ErrMisplaced, Invalid},
	{store.ErrComponent, Invalid},
	{auth.ErrPassword, Invalid},
	{auth.ErrDevice, Invalid},
	{policy.ErrForbidden, Refused},
	{context.Canceled, Failed},
}

// tell makes the Error of an error, nil for none.
func tell(err error) error {
	if err == nil {
		return nil
	}
	var told *Error
	if errors.As(err, &told) {
		return told
	}
	var denied *store.Refused
	if errors.As(err, &denied) {
		return &Error{Kind: Refused, Text: plain(err.Error())}
	}
	var sameUID *store.UIDError
	if errors.As(err, &sameUID) {
		return &Error{Kind: Conflict, Text: err.Error()}
	}
	for _, k := range kinds {
		if errors.Is(err, k.is) {
			return &Error{Kind: k.kind, Text: plain(err.Error())}
		}
	}
	return &Error{Kind: Failed, Text: err.Error()}
}

// plain takes away the sentinel's words where the text says it all.
func plain(text string) string {
	text = strings.TrimSuffix(text, ": "+policy.ErrInvalid.Error())
	text = strings.TrimSuffix(text, ": "+policy.ErrForbidden.Error())
	short := strings.TrimSuffix(text, ": "+policy.ErrNotFound.Error())
	if strings.HasPrefix(short, "no ") || strings.Contains(short, " is not ") {
		return short
	}
	return text
}
