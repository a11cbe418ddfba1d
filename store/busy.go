package store

import "errors"

// A BusyCalendar is what may make somebody busy: all of one calendar that is in a
// span, to be told as busy time and as nothing else.
type BusyCalendar struct {
	Props    []Prop
	Contents [][]byte
}

// BusyTimes gives the calendars of whose address it is, as far as the asker holds
// free-busy on them. Somebody whom the asker may not know is not found; who gives
// him no busy time is refused with ErrNoBusy. Addresses are all that the person
// has.
func (s *Session) BusyTimes(address string, when Span) (calendars []BusyCalendar, addresses []string, err error) {
	err = s.view(func(tx *Tx) error {
		calendars = nil
		to := tx.addressed(address)
		if !s.knows(tx, to) {
			return ErrNotFound
		}
		addresses = to.addresses
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
			calendars = append(calendars, one)
		}
		if len(calendars) == 0 {
			return ErrNoBusy
		}
		return nil
	})
	return calendars, addresses, err
}

// ErrNoBusy: somebody lets the asker not know when he is busy.
var ErrNoBusy = errors.New("no right to know when somebody is busy")
