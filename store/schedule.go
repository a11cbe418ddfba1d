package store

import (
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"davit/policy"
)

// Scheduling tells people of what others do with objects that they are invited to.
// A change of such an object, what follows from it for everybody else, and how that
// went are one transaction. What is said to whom only the Scheduler knows; whose
// calendars an address leads to, and what may be done there, is decided here.

// Errors of scheduling.
var (
	// ErrDefaultCalendar: what arrives needs a calendar.
	ErrDefaultCalendar = errors.New("this calendar takes in what arrives; choose another one for that first")
	// ErrScheduledAway: a meeting stays with whose it is.
	ErrScheduledAway = errors.New("a meeting does not move to the calendars of somebody else; invite from there anew")
)

// A Scheduler knows what calendar objects say to people. Its errors are answers to
// who makes the change.
type Scheduler interface {
	// Send works out what a change of an object tells to whom.
	Send(ScheduleChange) (Sending, error)
	// Receive works out what a message makes of the object that its receiver has,
	// nil for none. Sender and receiver are addresses.
	Receive(m ScheduleMessage, have []byte, sender, receiver []string) (Receipt, error)
	// Note is the object of an owner with how a message to somebody went, nil where it
	// says nothing of him.
	Note(content []byte, owner []string, to, status string) ([]byte, error)
}

// A ScheduleChange is a change of an object.
type ScheduleChange struct {
	Old, New []byte // nil where there is none
	// Owner are the addresses of whose calendar it is, the usual one first.
	Owner     []string
	OwnerName string
	// Actor are those of who acts, when he is not the owner.
	Actor  []string
	Merges bool // see Terms
	Silent bool
	// Again: New has come back after it was called off.
	Again bool
	Now   time.Time
}

// A ScheduleRole is what the owner of a calendar is in an object of it.
type ScheduleRole byte

// The roles.
const (
	NotScheduled ScheduleRole = iota
	AsOrganizer
	AsAttendee
)

// A Sending is what a change comes to.
type Sending struct {
	Role     ScheduleRole
	UID      string
	Messages []ScheduleMessage
	// Kept is the object with how the messages went, by their To; nil when there is
	// nothing to keep.
	Kept func(status map[string]string) []byte
}

// A ScheduleMessage is for one address, in the form in which addresses are
// compared: "mailto:mia@example.com".
type ScheduleMessage struct {
	To, From string
	// UID and Component are those of the object.
	UID, Component string
	Method         string // REQUEST, REPLY or CANCEL
	Body           []byte
	Before         []byte // the object before the change that a request tells of
}

// A Receipt is what a message comes to.
type Receipt struct {
	Status  string // of RFC 6638, section 3.2.9
	Content []byte // what stands from now on, nil where nothing changes
	Tagged  bool   // the receiver's clients have to know of it before they write
}

// The statuses that are known without a look at a message.
const (
	statusSent        = "1.1"
	statusDelivered   = "1.2"
	statusUnknown     = "3.7"
	statusForbidden   = "3.8"
	statusUnavailable = "5.1"
	statusNoService   = "5.2"
	statusRejected    = "5.3"
)

// schedulePut lets others know of an object that is written, and gives what is to
// be kept of it.
func (s *Session) schedulePut(tx *Tx, g grant, sp *spot, b body, m *Meta, t Terms) (body, error) {
	if tx.st.scheduler == nil || m.Object == nil {
		return b, nil
	}
	old, err := tx.scheduled(g, sp)
	if err != nil {
		return b, err
	}
	c := ScheduleChange{Old: old, New: m.Body, Merges: t.Merges, Silent: t.Silent}
	if c.New == nil {
		c.New = b.small
	}
	var kept []byte
	switch {
	case g.op == opAnswer:
		if kept, err = s.answerIn(tx, sp, c); err == nil {
			var obj Object
			obj, err = tx.st.index(kept, Near(tx.now))
			m.Object = &obj
		}
	case old != nil || m.Object.Scheduled:
		kept, err = s.schedule(tx, g, sp, c)
	}
	if err != nil || kept == nil {
		return b, err
	}
	return tx.bodyOf(kept)
}

// madeInlineMax is the largest content that is made in a transaction and kept in
// the database, in bytes.
const madeInlineMax = 32 << 10

// bodyOf is content that is made in a transaction. The few that are large go into
// files of their own while all others wait, which the limit on what is scheduled
// keeps short; what a transaction that fails has left is swept like the file of an
// upload that broke off.
func (tx *Tx) bodyOf(b []byte) (body, error) {
	made := body{content: content{where: inline, hash: sha256.Sum256(b)}, size: int64(len(b)), small: b}
	if len(b) <= madeInlineMax {
		return made, nil
	}
	made.where, made.small = blobFile, nil
	rec, found, err := readBlob(tx.r, made.hash)
	if made.gen = rec.gen; err != nil || found && !rec.dead {
		made.found = true
		return made, err
	}
	if found {
		made.gen++ // the file of the dead one may be unlinked at any moment
	}
	temp, err := tx.st.blobs.Create()
	if err != nil {
		return body{}, diskFull(err)
	}
	if _, err = temp.Write(b); err == nil {
		_, err = temp.Keep(made.gen)
	}
	if err != nil {
		temp.Discard()
	}
	return made, diskFull(err)
}

// scheduled is the content of what stands at a spot, nil for what is not
// scheduled.
func (tx *Tx) scheduled(g grant, sp *spot) ([]byte, error) {
	if sp.missing() > 0 || !sp.entry().Scheduled || sp.inBox() || !sp.inCalendars() {
		return nil, nil
	}
	return tx.whole(g, sp.entry())
}

// schedule lets others know of a change, and gives what is to be kept; nil is for
// what stays as it was sent.
func (s *Session) schedule(tx *Tx, g grant, sp *spot, c ScheduleChange) ([]byte, error) {
	owner := tx.ownerOf(sp.space)
	c.Owner, c.OwnerName, c.Now = owner.addresses, owner.name, tx.now
	own := s.owns(sp.space)
	if !own {
		c.Actor = tx.partyOf(s.cred.User).addresses
	}
	out, err := tx.st.scheduler.Send(c)
	if err != nil {
		return nil, &unfit{err}
	}
	if out.Role == NotScheduled {
		return nil, nil
	}
	if c.New != nil {
		if err := tx.once(g, sp, out.UID); err != nil {
			return nil, err
		}
	}
	status := map[string]string{}
	for i := range out.Messages {
		m := &out.Messages[i]
		m.Before = c.Old
		switch {
		case g.held&policy.Schedule != 0:
			if status[m.To], err = s.send(tx, sp, owner, m); err != nil {
				return nil, err
			}
		case own:
			status[m.To] = statusForbidden
		default:
			return nil, &NotForOwner{Outbox: sp.outbox(), Replies: m.Method == "REPLY"}
		}
	}
	if err := tx.recordDeliveries(sp, out.Messages, status); err != nil || out.Kept == nil {
		return nil, err
	}
	return out.Kept(status), nil
}

// NotForOwner refuses who may write in somebody else's calendar, and not schedule, to
// tell people anything in the owner's name.
type NotForOwner struct {
	Outbox  Path // the owner's, or the calendar of a space, which has none
	Replies bool // it is an answer, and no invitation
}

func (n *NotForOwner) Error() string {
	return "to invite, or to answer, in the name of a calendar's owner needs the right to schedule there"
}

// outbox is the path of what stands for the sending of messages from a calendar.
func (sp *spot) outbox() Path {
	if sp.space.Kind != policy.Personal {
		return sp.path[:calendarDepth]
	}
	return append(slices.Clone(sp.path[:calendarDepth-1]), Outbox)
}

// unfit is the error of an object of which nothing can be told.
type unfit struct{ error }

func (u *unfit) Unwrap() error { return u.error }

// unschedule lets others know of an object that goes.
func (s *Session) unschedule(tx *Tx, g grant, sp *spot, t Terms) error {
	if tx.st.scheduler == nil || sp.past != nil {
		return nil
	}
	if sp.isCalendar() {
		return s.announce(tx, notice{Calendar: sp.entry().Node, Held: g.held, Silent: t.Silent})
	}
	old, err := tx.scheduled(g, sp)
	if err != nil || old == nil {
		return err
	}
	_, err = s.schedule(tx, g, sp, ScheduleChange{Old: old, Silent: t.Silent})
	return err
}

// once refuses a second object of one meeting among the calendars of somebody.
// RFC 6638, section 3.2.4.1
func (tx *Tx) once(g grant, sp *spot, uid string) error {
	_, dir := sp.parent()
	other, err := tx.objectOf(g, sp.space, uid)
	if err != nil || other == nil || other.above().entry().Node == dir.Node {
		return err
	}
	conflict := &UIDError{Elsewhere: true}
	if tx.state.Decide(tx.by, other.place(), 0).Visible {
		conflict.Path = other.path
	}
	return conflict
}

// objectOf finds the scheduled object of a UID among the calendars of a space, nil
// for none.
func (tx *Tx) objectOf(g grant, space *policy.Space, uid string) (*spot, error) {
	calendars, err := tx.calendarsIn(space)
	if err != nil {
		return nil, err
	}
	for _, dir := range calendars {
		v, err := tx.r.Get(uidKey(dir.entry().Node, uid))
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		n, err := readUint64(v)
		if err != nil {
			return nil, err
		}
		e, err := tx.memberOf(g, dir.entry().Node, policy.Node(n))
		if err != nil {
			return nil, err
		}
		return dir.child(e), nil
	}
	return nil, nil
}

// child is the spot of a member of the collection at a spot.
func (sp *spot) child(e Entry) *spot {
	return &spot{path: append(slices.Clip(sp.path), e.Name), space: sp.space,
		nodes: append(slices.Clip(sp.nodes), e.Node), entries: append(slices.Clip(sp.entries), e)}
}

// authorizeAnswer decides, after the refusal of a write, whether the asker may at
// least answer: who reads a meeting in the calendar of its organizer has no copy of
// his own, and says there whether he comes.
func (s *Session) authorizeAnswer(tx *Tx, sp *spot, refusal error) (grant, error) {
	var refused *Refused
	if !errors.As(refusal, &refused) || sp.missing() > 0 || !sp.inCalendars() || !sp.entry().Scheduled || s.cred.User == policy.Nobody {
		return grant{}, refusal
	}
	g, err := s.authorize(tx, sp, opAnswer)
	if err != nil {
		return grant{}, refusal
	}
	return g, nil
}

// invitedTo tells whether the asker is invited to the meeting at a spot, as whoever
// reads it can see.
func (s *Session) invitedTo(tx *Tx, sp *spot) (bool, error) {
	if sp.missing() > 0 {
		return false, nil
	}
	return tx.invites(housekeeping(tx, sp.entry().Node), sp, tx.partyOf(s.cred.User))
}

// invites tells whether what stands at a spot invites somebody.
func (tx *Tx) invites(g grant, sp *spot, who party) (bool, error) {
	if tx.st.scheduler == nil {
		return false, nil
	}
	content, err := tx.scheduled(g, sp)
	if err != nil || content == nil {
		return false, err
	}
	out, err := tx.st.scheduler.Send(ScheduleChange{Old: content, New: content, Owner: who.addresses, Now: tx.now})
	return err == nil && out.Role == AsAttendee, nil
}

// answerIn makes of what an attendee writes over the organizer's own object the
// answer that it says, and of that what the object becomes. Anything else in it is
// refused as a write.
func (s *Session) answerIn(tx *Tx, sp *spot, c ScheduleChange) ([]byte, error) {
	me, owner := tx.partyOf(s.cred.User).addresses, tx.ownerOf(sp.space).addresses
	c.Owner, c.Now = me, tx.now
	out, err := tx.st.scheduler.Send(c)
	if err != nil || out.Role != AsAttendee {
		return nil, verdict(s.authorizeWrite(tx, sp))
	}
	content := c.Old
	for _, m := range out.Messages {
		r, err := tx.st.scheduler.Receive(m, content, me, owner)
		if err != nil {
			return nil, err
		}
		if r.Content == nil {
			return nil, verdict(s.authorizeWrite(tx, sp))
		}
		content = r.Content
	}
	return content, nil
}

// mayLeave refuses moving a meeting out of the calendars of whom it is scheduled
// for.
func (s *Session) mayLeave(tx *Tx, g grant, src, dst *spot) error {
	if src.space == dst.space || tx.st.scheduler == nil {
		return nil
	}
	content, err := tx.scheduled(g, src)
	if err != nil || content == nil {
		return err
	}
	out, err := tx.st.scheduler.Send(ScheduleChange{Old: content, New: content, Owner: tx.ownerOf(src.space).addresses, Now: tx.now})
	if err != nil || out.Role == NotScheduled {
		return err
	}
	return ErrScheduledAway
}

// mayStandTwice refuses a copy of a meeting for whom it is scheduled already.
func (s *Session) mayStandTwice(tx *Tx, g grant, src, dst *spot) error {
	if tx.st.scheduler == nil || !dst.inCalendars() {
		return nil
	}
	content, err := tx.scheduled(g, src)
	if err != nil || content == nil {
		return err
	}
	out, err := tx.st.scheduler.Send(ScheduleChange{Old: content, New: content, Owner: tx.ownerOf(dst.space).addresses, Now: tx.now})
	if err != nil || out.Role == NotScheduled {
		return err
	}
	return tx.once(g, dst, out.UID)
}
