package store

import (
	"errors"

	"davit/policy"
)

// A BusyCalendar is what may make somebody busy: all of one calendar that is in a
// span, to be told as busy time and as nothing else.
type BusyCalendar struct {
	Props    []Prop
	Contents [][]byte
}

// A BusyPerson is what somebody's busy time is worked out of.
type BusyPerson struct {
	Calendars []BusyCalendar
	// Inbox are the properties of the inbox, which may say when its owner can be asked
	// at all.
	Inbox     []Prop
	Addresses []string // all that he has
}

// BusyTimes gives the calendars of whose address it is, as far as the asker holds
// free-busy on them. Somebody whom the asker may not know is not found; who gives
// him no busy time is refused with ErrNoBusy.
func (s *Session) BusyTimes(address string, when Span) (person BusyPerson, err error) {
	err = s.view(func(tx *Tx) error {
		to := tx.addressed(address)
		if !s.knows(tx, to) {
			return ErrNotFound
		}
		person = BusyPerson{Addresses: to.addresses}
		home := to.space
		if home == nil {
			home = tx.homeOf(to.user)
		}
		if home == nil {
			return ErrNoBusy
		}
		list, err := tx.calendarsIn(home)
		if err != nil {
			return err
		}
		for _, sp := range list {
			g, err := s.authorizeFreeBusy(tx, sp)
			if err != nil {
				continue
			}
			one, err := s.busyIn(tx, g, sp, when)
			if err != nil {
				return err
			}
			person.Calendars = append(person.Calendars, one)
		}
		if len(person.Calendars) == 0 {
			return ErrNoBusy
		}
		person.Inbox, err = tx.inboxProps(home)
		return err
	})
	return person, err
}

// inboxProps are the properties of an inbox, for who is told when its owner is busy.
func (tx *Tx) inboxProps(home *policy.Space) ([]Prop, error) {
	box, err := tx.resolve(Path{SpacePath(tx.state, home), calendarsName, Inbox})
	if err != nil || box.missing() > 0 || !box.isBox() {
		return nil, err
	}
	n := box.entry().Node
	return tx.props(housekeeping(tx, n), n)
}

// ErrNoBusy: somebody lets the asker not know when he is busy.
var ErrNoBusy = errors.New("no right to know when somebody is busy")
