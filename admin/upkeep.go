package admin

import (
	"context"
	"fmt"
	"time"
)

// Operations on the store itself.
var (
	CheckStore = define("check", operators, (*Admin).CheckStore)
	Collect    = define("gc", operators, (*Admin).Collect)
	Scrub      = define("scrub", operators, (*Admin).Scrub)
)

// Grace is how long content that nobody uses is kept, for an upload under way
// and for whoever restores a backup of the database alone.
const Grace = 24 * time.Hour

// graceMaxSeconds is a hundred years.
const graceMaxSeconds = 100 * 365 * 24 * 60 * 60

// faultsMax is how many faults a report tells; the rest is counted.
const faultsMax = 1000

// Checked is what a check of the store found.
type Checked struct {
	Spaces      int      `json:"spaces"`
	Collections int      `json:"collections"`
	Files       int      `json:"files"`
	Trashed     int      `json:"trashed"`
	Locks       int      `json:"locks"`
	Links       int      `json:"links"`
	Bytes       int64    `json:"bytes"`
	Faults      []string `json:"faults"`
}

// Collection says what a collection of unused content may take.
type Collection struct {
	GraceSeconds int64 `json:"grace_seconds"` // unused for at least so long
}

// Collected is what a collection gave back.
type Collected struct {
	Contents int   `json:"contents"`
	Files    int   `json:"files"`
	Bytes    int64 `json:"bytes"`
}

// Scrubbed is what reading all content found.
type Scrubbed struct {
	Files  int      `json:"files"`
	Bytes  int64    `json:"bytes"`
	Faults []string `json:"faults"`
}

// CheckStore compares everything in the store with everything else; it changes
// nothing.
func (a *Admin) CheckStore(ctx context.Context, _ None) (Checked, error) {
	c, err := a.st.Check(ctx)
	return Checked{
		Spaces: c.Spaces, Collections: c.Collections, Files: c.Files, Trashed: c.Trashed,
		Locks: c.Locks, Links: c.Links, Bytes: c.Bytes, Faults: append([]string{}, c.Faults...),
	}, err
}

// Collect erases content that nobody has used for the grace time.
func (a *Admin) Collect(ctx context.Context, c Collection) (Collected, error) {
	if c.GraceSeconds < 0 || c.GraceSeconds > graceMaxSeconds {
		return Collected{}, invalid("", "a grace time is 0 to %d seconds, not %d", graceMaxSeconds, c.GraceSeconds)
	}
	got, err := a.st.Collect(ctx, time.Duration(c.GraceSeconds)*time.Second)
	return Collected(got), err
}

// Scrub reads all content that is in use and compares it with its checksums.
func (a *Admin) Scrub(ctx context.Context, _ None) (Scrubbed, error) {
	s := Scrubbed{Faults: []string{}}
	more := 0
	var err error
	s.Files, s.Bytes, err = a.st.Scrub(ctx, func(fault string) {
		if len(s.Faults) < faultsMax {
			s.Faults = append(s.Faults, fault)
		} else {
			more++
		}
	})
	if more > 0 {
		s.Faults = append(s.Faults, fmt.Sprintf("and %d more", more))
	}
	return s, err
}
