package store

import (
	"crypto/rand"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"davit/policy"
)

// A party is a calendar user.
type party struct {
	user      policy.ID     // whose it is
	space     *policy.Space // that it is instead
	name      string
	addresses []string // the usual one first
}

// Calendar user addresses begin so, in the form in which they are compared.
const (
	mailAddress = "mailto:"
	// principalAddress is where the principals of users have their URLs.
	principalAddress = "/principals/users/"
	// The address of a space is no mailbox: nothing is ever delivered to that domain.
	spaceAddress, spaceDomain = "mailto:space-", "@davit.invalid" // RFC 2606, section 2
)

// SpaceAddress is the calendar user address of a space, for as long as there is
// one.
func SpaceAddress(id policy.ID) string {
	return spaceAddress + strconv.FormatUint(uint64(id), 36) + spaceDomain
}

// An addressBook tells whose a mail address is, in one state of policy. One that
// several accounts have is nobody's.
type addressBook struct {
	state *policy.State
	users map[string]policy.ID
}

func (st *Store) addressBook(state *policy.State) *addressBook {
	if b := st.addresses.Load(); b != nil && b.state == state {
		return b
	}
	b := &addressBook{state: state, users: map[string]policy.ID{}}
	for _, u := range state.Users() {
		if u.Email == "" {
			continue
		}
		address := mailAddress + strings.ToLower(u.Email)
		if _, twice := b.users[address]; twice {
			b.users[address] = policy.Nobody
		} else {
			b.users[address] = u.ID
		}
	}
	st.addresses.Store(b)
	return b
}

// ownerOf is who a calendar speaks for: the owner of the drive, or the space.
func (tx *Tx) ownerOf(space *policy.Space) party {
	if space.Kind == policy.Personal {
		return tx.partyOf(space.Owner)
	}
	return party{space: space, name: space.Name, addresses: []string{SpaceAddress(space.ID)}}
}

// partyOf is an account as a calendar user.
func (tx *Tx) partyOf(id policy.ID) party {
	u := tx.state.User(id)
	if u == nil {
		return party{addresses: []string{}}
	}
	p := party{user: id, name: u.Name}
	if address := mailAddress + strings.ToLower(u.Email); tx.st.addressBook(tx.state).users[address] == id {
		p.addresses = append(p.addresses, address)
	}
	p.addresses = append(p.addresses, principalAddress+url.PathEscape(u.Name)+"/")
	return p
}

// addressed is who has an address; the zero party for nobody here.
func (tx *Tx) addressed(address string) party {
	if id, is := strings.CutPrefix(address, spaceAddress); is {
		n, err := strconv.ParseUint(strings.TrimSuffix(id, spaceDomain), 36, 64)
		if space := tx.state.Space(policy.ID(n)); err == nil && space != nil && SpaceAddress(space.ID) == address {
			return tx.ownerOf(space)
		}
		return party{}
	}
	if name, is := strings.CutPrefix(address, principalAddress); is {
		if u := tx.state.UserNamed(name); u != nil {
			return tx.partyOf(u.ID)
		}
		return party{}
	}
	if id := tx.st.addressBook(tx.state).users[address]; id != policy.Nobody {
		return tx.partyOf(id)
	}
	return party{}
}

// Addresses are the calendar user addresses of the asker, the usual one first.
func (s *Session) Addresses() []string {
	state := s.policy()
	return (&Tx{st: s.st, state: state}).partyOf(s.cred.User).addresses
}

// knows tells whether the asker may learn that somebody has calendars here.
func (s *Session) knows(tx *Tx, p party) bool {
	switch {
	case s.operates:
		return p.user != policy.Nobody || p.space != nil
	case p.user != policy.Nobody:
		return tx.state.Knows(s.subject(tx), p.user)
	case p.space != nil:
		return tx.state.Decide(s.subject(tx), policy.Place{Space: p.space.ID, Path: []policy.Node{p.space.Root}}, 0).Visible
	}
	return false
}

// send takes a message to whom it is for, and tells how that went. Whoever the
// sender may not know of is somebody outside to him.
func (s *Session) send(tx *Tx, from *spot, sender party, m *ScheduleMessage) (status string, err error) {
	to := tx.addressed(m.To)
	known := s.knows(tx, to)
	if known || m.Method == "REPLY" && (to.user != policy.Nobody || to.space != nil) {
		status, err = tx.deliver(from, sender, to, m)
		if err != nil || known && status != "" || status == statusDelivered {
			return status, err
		}
	}
	return s.sendOut(tx, from, sender, m)
}

// deliver leaves a message in the receiver's inbox and does to his object what it
// says. Where his rights, his room or the state of his account do not let him take
// it in, the status says so and nothing is written; it is empty for who has no
// calendars.
func (tx *Tx) deliver(from *spot, sender, to party, m *ScheduleMessage) (status string, err error) {
	home := to.space
	if to.user != policy.Nobody {
		if home = tx.homeOf(to.user); home == nil {
			return "", nil
		}
	}
	d := delivery{to: to, home: home, m: m}
	if err := tx.find(&d); err != nil {
		return refusedDelivery(err)
	}
	if d.object == nil && to.user != policy.Nobody && tx.looksOn(to.user, from) {
		return statusDelivered, nil // he has it before his eyes already
	}
	if d.object == nil && to.user == policy.Nobody {
		return statusRejected, nil // a space is asked, and not invited
	}
	r, obj, err := tx.receive(&d, sender)
	if err != nil || r.Content == nil {
		return r.Status, err
	}
	if err := tx.roomFor(&d, r.Content); err != nil {
		return refusedDelivery(err)
	}
	return r.Status, tx.takeIn(&d, &r, obj)
}

// refusedDelivery is the status of what the receiver's side does not take in, or
// the error that is none of his.
func refusedDelivery(err error) (string, error) {
	switch {
	case errors.Is(err, ErrQuota):
		return statusUnavailable, nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalid):
		return statusRejected, nil
	}
	return "", err
}

// looksOn tells whether somebody reads the calendar in which a meeting stands.
func (tx *Tx) looksOn(user policy.ID, from *spot) bool {
	const reads = policy.See | policy.Read
	sub := policy.Subject{User: user, Mask: policy.All, Class: policy.Web, Now: tx.now.Unix()}
	return tx.state.Held(sub, policy.Place{Space: from.space.ID, Path: from.nodes[:calendarDepth]})&reads == reads
}

// A delivery is a message on its way into somebody's calendars.
type delivery struct {
	to   party
	home *policy.Space
	m    *ScheduleMessage

	object   *spot // of the same UID, nil for none
	calendar *spot // where it stands or is to stand
	g        grant // for the calendar
	inbox    *spot // nil of a space
	inboxG   grant
}

// authorizeDeliver decides a delivery into a collection: what the receiver could
// write there himself. Nobody writes for a space but its members, so its calendar
// takes in answers while it is active.
func (tx *Tx) authorizeDeliver(to party, sp *spot) (grant, error) {
	if sp.missing() > 0 {
		return grant{}, ErrNotFound
	}
	want := needs[opDeliver]
	held := want
	if to.user != policy.Nobody {
		sub := policy.Subject{User: to.user, Mask: policy.All, Class: policy.Web, Now: tx.now.Unix()}
		held = tx.state.Held(sub, sp.place())
	} else if sp.space.State != policy.Active {
		held = 0
	}
	if want&^held != 0 {
		return grant{}, ErrNotFound
	}
	return grant{tx, opDeliver, sp.entry().Node, want}, nil
}

// find looks up where a delivery goes, and decides it.
func (tx *Tx) find(d *delivery) (err error) {
	if d.to.user != policy.Nobody {
		if d.inbox, err = tx.inboxOf(d.home); err != nil {
			return err
		}
		if d.inboxG, err = tx.authorizeDeliver(d.to, d.inbox); err != nil {
			return err
		}
	}
	if d.object, err = tx.objectOf(housekeeping(tx, d.home.Root), d.home, d.m.UID); err != nil {
		return err
	}
	if d.object != nil {
		d.calendar = d.object.above()
	} else if d.calendar, err = tx.calendarFor(d.home, d.m.Component); err != nil {
		return err
	}
	d.g, err = tx.authorizeDeliver(d.to, d.calendar)
	return err
}

// inboxOf is the inbox of a drive, which gets its calendars if it has none yet.
func (tx *Tx) inboxOf(home *policy.Space) (*spot, error) {
	p := Path{SpacePath(tx.state, home), Inbox}.Calendars()
	sp, err := tx.resolve(p)
	if err != nil || sp.missing() == 0 {
		return sp, err
	}
	if err := tx.beginCalendar(home); err != nil {
		return nil, err
	}
	return tx.resolve(p)
}

// receive asks what the message makes of the object, and what that is found by. A
// message that makes nothing of it that may be kept is rejected: it is not the
// sender's fault what it met.
func (tx *Tx) receive(d *delivery, sender party) (r Receipt, obj *Object, err error) {
	var have []byte
	if d.object != nil {
		if have, err = tx.whole(d.g, d.object.entry()); err != nil {
			return r, nil, err
		}
	}
	r, wrong := tx.st.scheduler.Receive(*d.m, have, sender.addresses, d.to.addresses)
	if wrong == nil && r.Content != nil {
		var o Object
		o, wrong = tx.st.index(r.Content, Near(tx.now))
		obj = &o
	}
	if wrong != nil {
		return Receipt{Status: statusRejected}, nil, nil
	}
	return r, obj, nil
}

// roomFor reserves what a delivery adds, before anything of it is written.
func (tx *Tx) roomFor(d *delivery, content []byte) error {
	growth := int64(len(content))
	if d.object != nil {
		growth -= d.object.entry().Size
	}
	if d.inbox != nil {
		if err := tx.reserve(tx.state.AppendLimits(nil, d.inbox.place()), int64(len(d.m.Body))); err != nil {
			return err
		}
	}
	return tx.reserve(tx.state.AppendLimits(nil, d.calendar.place()), growth)
}

// takeIn writes the object and leaves the message in the inbox, in the receiver's
// name.
func (tx *Tx) takeIn(d *delivery, r *Receipt, obj *Object) error {
	s := &Session{st: tx.st, cred: Credential{User: d.to.user}}
	content, err := tx.bodyOf(r.Content)
	if err != nil {
		return err
	}
	switch {
	case d.object == nil:
		err = s.leave(tx, d.g, d.calendar, content, obj)
	case r.Tagged:
		err = s.rewrite(tx, d.g, d.object, content, obj, newTag)
	default:
		err = s.rewrite(tx, d.g, d.object, content, obj, sameTag)
	}
	if err != nil || d.inbox == nil {
		return err
	}
	message, err := tx.bodyOf(d.m.Body)
	if err != nil {
		return err
	}
	return s.leave(tx, d.inboxG, d.inbox, message, nil)
}

// leave makes a new member of a collection, under a name that nothing has.
func (s *Session) leave(tx *Tx, g grant, dir *spot, b body, obj *Object) error {
	name := strings.ToLower(rand.Text()) + ".ics"
	sp := &spot{path: append(dir.path[:len(dir.path):len(dir.path)], name), space: dir.space, nodes: dir.nodes, entries: dir.entries}
	return s.create(tx, g, sp, b, Meta{Type: "text/calendar; charset=utf-8", Object: obj})
}

// A tagging says whether a new content changes the schedule tag.
type tagging byte

const (
	newTag tagging = iota
	sameTag
)

// rewrite gives an object a content that no client wrote. What stood there is kept
// in no version.
func (s *Session) rewrite(tx *Tx, g grant, sp *spot, b body, obj *Object, tag tagging) error {
	e := sp.entry()
	if e.content == b.content {
		return nil
	}
	_, dir := sp.parent()
	if err := s.keepAttachments(tx, g, sp.above().nodes, e, e, obj); err != nil {
		return err
	}
	seq, err := tx.log(sp.space.ID, s.cred.id(), changeRec{op: Updated, node: e.Node, parent: dir.Node, name: e.Name, before: before{how: byReplacement, rev: e.Rev}})
	if err != nil {
		return err
	}
	if err := tx.use(g, b, e.Node); err != nil {
		return err
	}
	if err := tx.disuse(g, e.content, e.Node); err != nil {
		return err
	}
	tx.charge(sp.above().nodes, sum{live: b.size - e.Size})
	e.Size, e.content, e.Modified, e.Rev = b.size, b.content, tx.now, max(seq, e.Rev+1)
	if err := tx.reindex(g, dir.Node, e, obj); err != nil {
		return err
	}
	if tag == newTag {
		e.Tagged = e.Rev
	}
	return tx.put(g, dir.Node, e)
}
