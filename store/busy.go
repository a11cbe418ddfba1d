package store

import (
	"encoding/binary"
	"errors"

	"davit/policy"
	"davit/store/engine"
)

// A BusyCalendar is what may make somebody busy: all of one calendar that is in a
// span, to be told as busy time and as nothing else.
type BusyCalendar struct {
	Props []Prop
	// Periods are when objects take time of which that much is known.
	Periods []BusyPeriod
	// Contents are of the other objects.
	Contents [][]byte
}

// A BusyPeriod is time that one object takes.
type BusyPeriod struct {
	Span
	Busy Busy // BusyTaken or BusyTentative
}

// Busy is how an object takes time.
type Busy byte

const (
	BusyUnknown Busy = iota // only its content tells
	BusyFree                // it takes none
	BusyTaken
	BusyTentative
	busyEnd
)

// taking is what the index tells of how an object takes time. What was written before
// that was told is unknown.
type taking struct {
	busy      Busy
	scheduled bool // and an answer to it may say otherwise
	period    Span // within the extent
}

// takenScheduled stands beside Busy in a record.
const takenScheduled = 1 << 2

func takingOf(o *Object) (t taking) {
	switch o.Busy {
	case BusyTaken, BusyTentative:
		t.period = o.Taken
	case BusyFree:
		t.period = o.Extent
	default:
		return t
	}
	t.busy, t.scheduled = o.Busy, o.Scheduled
	return t
}

// known tells whether the content has nothing to add.
func (t taking) known() bool { return t.busy != BusyUnknown }

// knownOfAll is known whoever's calendar it stands in.
func (t taking) knownOfAll() bool { return t.known() && !t.scheduled }

func (t taking) append(b []byte, extent Span) []byte {
	if !t.known() {
		return b
	}
	how := byte(t.busy)
	if t.scheduled {
		how |= takenScheduled
	}
	b = binary.AppendVarint(append(b, how), t.period.From-extent.From)
	return binary.AppendVarint(b, t.period.To-extent.To)
}

// taking is what is left of a record.
func (d *decoder) taking(extent Span) (t taking) {
	if len(d.b) == 0 {
		return t
	}
	how := d.byte()
	t.busy, t.scheduled = Busy(how&^takenScheduled), how&takenScheduled != 0
	t.period = Span{extent.From + d.varint(), extent.To + d.varint()}
	d.bad = d.bad || !t.known() || t.busy >= busyEnd
	return t
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
			one, err := s.busyIn(tx, g, sp, when, taking.knownOfAll)
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

// FreeBusy gives what of a calendar may make somebody busy within a span, to be told
// as busy time and as nothing else: it needs the right to free-busy alone, on the
// calendar and on each object.
func (s *Session) FreeBusy(p Path, when Span) (BusyCalendar, error) {
	return s.busy(p, when, taking.known)
}

// BusyContents is FreeBusy with the content of every object.
func (s *Session) BusyContents(p Path, when Span) ([][]byte, error) {
	c, err := s.busy(p, when, func(taking) bool { return false })
	return c.Contents, err
}

func (s *Session) busy(p Path, when Span, known func(taking) bool) (c BusyCalendar, err error) {
	err = s.view(func(tx *Tx) error {
		sp, err := s.calendar(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorizeFreeBusy(tx, sp)
		if err != nil {
			return err
		}
		c, err = s.busyIn(tx, g, sp, when, known)
		return err
	})
	return c, err
}

// busyIn gathers what may make somebody busy in one calendar. An object is read where
// what the index tells of it is not known to be all.
func (s *Session) busyIn(tx *Tx, g grant, sp *spot, when Span, known func(taking) bool) (c BusyCalendar, err error) {
	calendar := sp.entry().Node
	if sp.entry().HasProps {
		if c.Props, err = tx.props(g, calendar); err != nil {
			return c, err
		}
	}
	in := s.membersOf(tx, sp, policy.FreeBusy)
	var unknown []policy.Node
	err = tx.inSpan(g, calendar, when, func(h hit) {
		switch {
		case !known(h.taking):
			unknown = append(unknown, h.node)
		case h.taking.busy != BusyFree && in.held(h.node)&in.need == in.need && tx.isMember(calendar, h.node):
			c.Periods = append(c.Periods, BusyPeriod{h.taking.period, h.taking.busy})
		}
	})
	switch {
	case errors.Is(err, engine.ErrDamaged):
		c.Periods = nil
		in.found, err = s.search(tx, g, sp, Search{Everything: true}, policy.FreeBusy)
	case err == nil:
		err = in.addNodes(g, unknown)
	}
	for i := range in.found {
		// What is damaged keeps nobody from knowing of the rest.
		if b, unread := tx.whole(g, &in.found[i].Entry); unread == nil {
			c.Contents = append(c.Contents, b)
		}
	}
	return c, err
}

// isMember tells whether a node stands in a collection: an index may be wrong.
func (tx *Tx) isMember(dir, n policy.Node) bool {
	rec, err := tx.nodeRec(n)
	return err == nil && rec.parent == dir
}

// authorizeFreeBusy decides reading busy time, for which a calendar need not be
// visible: to who may only read that it is there under its own name.
func (s *Session) authorizeFreeBusy(tx *Tx, sp *spot) (grant, error) {
	g, err := s.authorize(tx, sp, opFreeBusy)
	if !errors.Is(err, ErrNotFound) {
		return g, err
	}
	held := tx.state.Held(s.subject(tx), sp.place())
	if held&policy.FreeBusy == 0 {
		return grant{}, err
	}
	return grant{tx, opFreeBusy, sp.entry().Node, held}, nil
}
