package store

import (
	"context"
	"fmt"

	"davit/policy"
)

// A Feed is a calendar as the bearers of a link get it: to read and to do nothing
// else with.
type Feed struct {
	Path Path
	// Busy: nothing but busy time is for them.
	Busy bool
	// Version changes with what they may get.
	Version string

	count counter
}

// Feed is the calendar that the link of the session shares. ErrNotFound for a link
// of something else.
func (s *Session) Feed() (f Feed, err error) {
	err = s.view(func(tx *Tx) error {
		sp, err := s.linked(tx)
		if err != nil {
			return err
		}
		if len(sp.path) != calendarDepth || !sp.inCalendars() || sp.missing() > 0 {
			return ErrNotFound
		}
		g, err := s.authorize(tx, sp, opOpen)
		if err != nil {
			g, err = s.authorizeFreeBusy(tx, sp)
		}
		if err != nil {
			return err
		}
		f.Path, f.Busy = sp.path, g.op == opFreeBusy
		if f.Version, err = tx.version(g, sp.entry().Node); err != nil {
			return err
		}
		f.count, err = s.counter(tx)
		return err
	})
	return f, err
}

// version is another one after each change of a calendar's members, and of the
// policy.
func (tx *Tx) version(g grant, calendar policy.Node) (string, error) {
	tally, err := tx.tallyOf(calendar)
	return fmt.Sprintf("%x-%x-%x", calendar, tally, tx.state.Epoch), err
}

// Limited tells whether the link ends after some downloads.
func (f *Feed) Limited() bool { return f.count.limited }

// Count counts a download: see File.Count.
func (f *Feed) Count(ctx context.Context) error { return f.count.one(ctx) }
