package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"davit/policy"
	"davit/store/engine"
)

// The calendars of a space or personal drive stand below its root, in one
// collection whose name no client can say: a name with a control character never
// comes in. A calendar is a collection that says what it takes in, its members
// are files, and so access lists, quotas, locks, the trash and the change log are
// those of all files. Nothing leads from the files to the calendars.

// calendarsName is the name of the collection of calendars.
const calendarsName = "\x01calendars"

// CalendarScheme stands before the path of a calendar where commands spell one:
// no path of a file begins so, since that begins with a slash or with "~".
const CalendarScheme = "calendar:"

// Errors of what goes into calendars.
var (
	// ErrMisplaced: calendars stand among calendars, objects in calendars, and
	// nothing else stands there.
	ErrMisplaced = errors.New("among the calendars stand calendars, in these calendar objects, and nothing else")
	// ErrComponent: the calendar does not take in objects of that kind.
	ErrComponent = errors.New("the calendar takes no objects of this kind")
)

// A UIDError says that an object of the same UID stands in the calendar.
type UIDError struct {
	Path Path // where, nil when the asker may not know
	// Elsewhere: it stands in another calendar of the same owner, and is a meeting,
	// of which nobody has two.
	Elsewhere bool
}

func (e *UIDError) Error() string { return "the calendar has an object of the same UID" }

// Calendars is the path of the calendars in the space or drive that a path
// begins in; what follows leads to one and into it.
func (p Path) Calendars() Path { return slices.Concat(p[:1], Path{calendarsName}, p[1:]) }

// InCalendars tells whether the path leads to the calendars of a space or to
// something there.
func (p Path) InCalendars() bool { return len(p) > 1 && p[1] == calendarsName }

// The kinds of components that calendars take in. RFC 4791, section 5.2.3
var componentKinds = []string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"}

// What the Type of a message area, and of a subscription, ends in.
const (
	messagesMark   = ";messages"
	subscribedMark = ";subscribed"
)

// IsCalendar tells whether the entry is a calendar.
func (e *Entry) IsCalendar() bool { return e.Dir && e.Type != "" && e.Box() == "" }

// Components are the kinds of components that a calendar takes in.
func (e *Entry) Components() []string {
	if !e.IsCalendar() {
		return nil
	}
	kinds, _, _ := strings.Cut(e.Type, ";")
	return strings.Split(kinds, ",")
}

// SourceMax is the longest URL of a subscription, in bytes.
const SourceMax = 2048

// IsSource tells whether a text is the URL of a calendar elsewhere.
func IsSource(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= SourceMax && u.Host != "" && slices.Contains([]string{"http", "https", "webcal", "webcals"}, u.Scheme)
}

// Subscribed tells whether the entry stands for a calendar that is published
// elsewhere: clients read it there, and nothing stands in it here.
func (e *Entry) Subscribed() bool { return e.Dir && strings.HasSuffix(e.Type, subscribedMark) }

// Messages tells whether the entry is the message area of a space, where the
// right to messages stands for all others on content.
func (e *Entry) Messages() bool { return e.Dir && strings.HasSuffix(e.Type, messagesMark) }

// calendarType is the Type of a calendar of these components, all if none is named.
func calendarType(components []string) (string, error) {
	if len(components) == 0 {
		components = componentKinds
	}
	for _, c := range components {
		if !slices.Contains(componentKinds, c) {
			return "", fmt.Errorf("%q: %w", c, ErrComponent)
		}
	}
	return strings.Join(components, ","), nil
}

// calendarDepth is how many entries lead to a calendar: the space's root, the
// calendars, and itself.
const calendarDepth = 3

func (sp *spot) inCalendars() bool { return sp.path.InCalendars() }

// isCalendars tells whether the spot is the collection of calendars itself.
func (sp *spot) isCalendars() bool { return sp.inCalendars() && len(sp.path) == calendarDepth-1 }

// inMessages tells whether the spot is a message area or stands in one.
func (sp *spot) inMessages() bool {
	return len(sp.entries) >= calendarDepth && sp.entries[calendarDepth-1].Messages()
}

// leadsToCalendars tells whether a space that is a shell leads to calendars alone.
func (tx *Tx) leadsToCalendars(sub policy.Subject, sp *spot) (bool, error) {
	e, found, err := tx.lookup(sp.entry().Node, calendarsName)
	return found && tx.state.LeadsOnlyTo(sub, sp.place(), e.Node), err
}

// making is the operation that makes the path's last name.
func (sp *spot) making() op {
	if sp.inCalendars() && len(sp.path) == calendarDepth {
		return opMkCalendar
	}
	return opCreate
}

// contentRights are those that the right to messages stands for in their area.
const contentRights = policy.Read | policy.Write | policy.Add | policy.Props | policy.Delete

// wanted is what the operation needs on a spot. A calendar is made and removed by
// the owner of the drive, and by who manages the space.
func (s *Session) wanted(sp *spot, o op) policy.Rights {
	want := o.needed()
	if !sp.inCalendars() || sp.space == nil {
		return want
	}
	owns := s.owns(sp.space)
	calendar := len(sp.nodes) == calendarDepth && sp.entry().IsCalendar() && sp.missing() == 0
	switch {
	case o == opMkCalendar && owns:
		want &^= policy.Manage
	case calendar && (o == opRemove || o == opTakeOut) && !owns:
		want |= policy.Manage
	case sp.missing() == 0 && sp.entry().Private && !owns && slices.Contains(seeingThrough, o):
		want |= policy.Manage
	}
	return sp.meant(want)
}

// meant is what rights are at the spot: in a message area the right to messages
// stands for those on content.
func (sp *spot) meant(want policy.Rights) policy.Rights {
	if !sp.inMessages() {
		return want
	}
	if content := want & contentIn(sp.entry()); content != 0 {
		return want&^content | policy.Messages
	}
	return want
}

// contentIn are the rights on content of a message area or of something in it. How
// the area itself is called is arranged as of any calendar.
func contentIn(e *Entry) policy.Rights {
	if e.Messages() {
		return contentRights &^ policy.Props
	}
	return contentRights
}

// wantedBeyond is what an operation needs beyond the listed tree, where of a file it
// needs want: of something deleted from a calendar it needs what it would there. A
// private object goes nowhere where the asker would read it.
func (s *Session) wantedBeyond(sp *spot, o op, want policy.Rights) policy.Rights {
	switch {
	case !sp.inCalendars() || sp.missing() > 0:
		return want
	case sp.past.kind != trashItem:
		return sp.meant(want)
	}
	owns := sp.space.Owner != policy.Nobody && sp.space.Owner == s.cred.User
	e := sp.entry()
	if !owns && (e.Private || e.IsCalendar()) && (o == opCopy || o == opRestoreAway || o == opRestoreOut) {
		want |= policy.Manage
	}
	return sp.meant(want)
}

// seeingThrough are the operations on a private object that would let the asker see
// what is masked, or would put the mask in the place of what it hides.
var seeingThrough = []op{opReplace, opCopy, opCopyTo, opTakeOut, opAnswer}

// owns tells whether the space is the asker's.
func (s *Session) owns(space *policy.Space) bool {
	return space.Owner != policy.Nobody && space.Owner == s.cred.User
}

// knowsPrivate tells whether the asker is given private objects whole.
func (s *Session) knowsPrivate(space *policy.Space, held policy.Rights) bool {
	return held&policy.Manage != 0 || s.owns(space)
}

// masked is the content of a private object as those read it for whom it is not.
func (tx *Tx) masked(g grant, e *Entry) ([]byte, error) {
	if tx.st.mask == nil {
		return nil, ErrNotFound
	}
	b, err := tx.whole(g, e)
	if err != nil {
		return nil, err
	}
	return tx.st.mask(b), nil
}

// heldOf is what is held of an entry, that of the spot or a member of it, as an asker is
// told it.
func (sp *spot) heldOf(e *Entry, held policy.Rights) policy.Rights {
	held = heldHere(sp.inMessages() || e.Messages(), e, held)
	return heldFetched(sp.fetched() && !e.Dir, e, held)
}

// heldHere is what is held of an entry as an asker is told it: in a message area
// the right to messages is the right to content.
func heldHere(messages bool, e *Entry, held policy.Rights) policy.Rights {
	switch {
	case !messages:
		return held
	case held&policy.Messages != 0:
		return held | contentIn(e)
	}
	return held &^ contentIn(e)
}

// admits refuses what does not belong where the spot's last name stands.
func (sp *spot) admits(obj *Object) error {
	_, dir := sp.parent()
	switch {
	case !sp.inCalendars() && obj == nil:
		return nil
	case !dir.IsCalendar() || dir.Subscribed() || dir.Fetched() || obj == nil:
		return ErrMisplaced
	case !slices.Contains(dir.Components(), obj.Component):
		return ErrComponent
	}
	return nil
}

// belongs refuses an entry at a place that is not for such: see ErrMisplaced.
func (tx *Tx) belongs(g grant, e *Entry, dst *spot) error {
	if dst.isRoot() || len(dst.nodes) < len(dst.path)-1 {
		return nil // refused for another reason
	}
	if e.IsCalendar() || e.Dir && dst.inCalendars() {
		if e.IsCalendar() && dst.making() == opMkCalendar {
			return nil
		}
		return ErrMisplaced
	}
	obj, err := tx.object(g, e)
	if err != nil {
		return err
	}
	return dst.admits(obj)
}

// A NewCalendar says what a calendar is to be.
type NewCalendar struct {
	Components []string // that it takes in; all if empty
	Props      []Prop
	Subscribed bool // see Entry.Subscribed
	Fetched    bool // see Entry.Fetched
}

// typ is the Type of the calendar.
func (c *NewCalendar) typ() (string, error) {
	typ, err := calendarType(c.Components)
	if c.Subscribed {
		typ += subscribedMark
	}
	if c.Fetched {
		typ += fetchedMark
	}
	return typ, err
}

// MakeCalendar makes a calendar with its properties, or nothing.
// RFC 4791, section 5.3.1
func (s *Session) MakeCalendar(ctx context.Context, p Path, c NewCalendar, t Terms) error {
	typ, err := c.typ()
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorizeMakeCalendar(tx, sp)
		if err == nil && (c.Subscribed || c.Fetched) {
			err = s.maySubscribe(tx, sp)
		}
		if err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, s.unlockedAt(tx, g, sp.nodes, t)); err != nil {
			return err
		}
		e, err := s.mkcollection(tx, g, sp, typ)
		if err != nil {
			return err
		}
		sp.nodes, sp.entries = append(sp.nodes, e.Node), append(sp.entries, e)
		if err := tx.beginPublished(&e); err != nil {
			return err
		}
		return s.setProps(tx, g, sp, c.Props, e.Modified)
	})
}

// authorizeMakeCalendar decides making a calendar.
func (s *Session) authorizeMakeCalendar(tx *Tx, sp *spot) (g grant, err error) {
	if sp.missing() == 0 {
		if d, err := s.face(tx, sp, 0); err == nil {
			s.note(tx, sp, d, "", ErrExists)
			return g, ErrExists
		}
	}
	if g, err = s.authorizeCreate(tx, sp); err == nil && sp.making() != opMkCalendar {
		err = ErrMisplaced
	}
	return g, err
}

// maySubscribe refuses a subscription that the asker's profile does not open.
func (s *Session) maySubscribe(tx *Tx, sp *spot) error {
	if tx.state.Uses(s.subject(tx), policy.CalSubscribe) {
		return nil
	}
	r := s.refused(tx, sp.above().place(), policy.Add, sp.path)
	r.Denied = policy.Denied{Missing: policy.Add, Visible: true, Cut: policy.CutByProfile}
	return r
}

// A starter is a calendar that is there from the start.
type starter struct{ name, typ string }

// starters are the calendars that a space or personal drive begins with.
func starters(sp *policy.Space) []starter {
	if sp.Kind == policy.Personal {
		return []starter{{"calendar", "VEVENT"}, {"tasks", "VTODO"}, {Inbox, boxMark + Inbox}, {Outbox, boxMark + Outbox}}
	}
	return []starter{{"calendar", "VEVENT"}, {"messages", "VJOURNAL" + messagesMark}}
}

// begun tells whether a space has its collection of calendars.
func (tx *Tx) begun(sp *policy.Space) (bool, error) {
	if _, known := tx.st.calendars.Load(sp.ID); known {
		return true, nil
	}
	top, found, err := tx.lookup(sp.Root, calendarsName)
	if found && sp.Kind == policy.Personal { // one of before there were boxes gets them
		_, found, err = tx.lookup(top.Node, Outbox)
	}
	// It never goes while the space is there; what a transaction has only just made
	// is not there for others yet, and may never be.
	if found && tx.w == nil {
		tx.st.calendars.Store(sp.ID, true)
	}
	return found, err
}

// beginCalendars makes the collections of calendars of active spaces that have
// none yet, with what these begin with. Nobody is asked: it is the space that has
// them, and who may see them is decided like everything.
func (st *Store) beginCalendars(ctx context.Context, spaces []*policy.Space) error {
	if len(spaces) == 0 {
		return nil
	}
	return st.update(ctx, engine.Foreground, func(tx *Tx) error {
		for _, sp := range spaces {
			sp = tx.state.Space(sp.ID)
			if sp == nil || sp.State != policy.Active {
				continue
			}
			if has, err := tx.begun(sp); err != nil {
				return err
			} else if has {
				continue
			}
			if err := tx.beginCalendar(sp); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *Tx) beginCalendar(sp *policy.Space) error {
	s := &Session{st: tx.st, cred: Credential{User: sp.Owner}}
	root, found, err := tx.lookup(0, rootName(sp.Root))
	if err != nil || !found {
		return err
	}
	top, there, err := tx.lookup(root.Node, calendarsName)
	if err == nil && !there {
		all := &spot{path: Path{"", calendarsName}, space: sp, nodes: []policy.Node{root.Node}, entries: []Entry{root}}
		top, err = s.mkcollection(tx, housekeeping(tx, root.Node), all, "")
	}
	if err != nil {
		return err
	}
	for _, c := range starters(sp) {
		if there && !strings.HasPrefix(c.typ, boxMark) {
			continue // whether it is there is up to its owner
		}
		one := &spot{path: Path{"", calendarsName, c.name}, space: sp,
			nodes: []policy.Node{root.Node, top.Node}, entries: []Entry{root, top}}
		if _, err := s.mkcollection(tx, housekeeping(tx, top.Node), one, c.typ); err != nil {
			return err
		}
	}
	return nil
}

// BeginCalendars makes the calendars of the asker's own drive when it has none
// yet.
func (s *Session) BeginCalendars(ctx context.Context) error {
	return s.begin(ctx, func(tx *Tx) *policy.Space {
		if u := tx.state.User(s.cred.User); u != nil {
			return tx.state.Space(u.Home)
		}
		return nil
	})
}

// BeginCalendarsOf makes the calendars of a space that the asker sees when it has
// none yet.
func (s *Session) BeginCalendarsOf(ctx context.Context, name string) error {
	return s.begin(ctx, func(tx *Tx) *policy.Space {
		sp := tx.spaceOf(name)
		if sp != nil && !tx.state.Decide(s.subject(tx), policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}, 0).Visible {
			sp = nil
		}
		return sp
	})
}

func (s *Session) begin(ctx context.Context, of func(*Tx) *policy.Space) error {
	var lacking []*policy.Space
	err := s.st.view(func(tx *Tx) (err error) {
		lacking, err = tx.lackingCalendars(of(tx))
		return err
	})
	if err != nil {
		return err
	}
	return s.st.beginCalendars(ctx, lacking)
}

// lackingCalendars are those of the spaces that have no calendars and may get
// them.
func (tx *Tx) lackingCalendars(spaces ...*policy.Space) (lacking []*policy.Space, err error) {
	for _, sp := range spaces {
		if sp == nil || sp.State != policy.Active {
			continue
		}
		has, err := tx.begun(sp)
		if err != nil {
			return nil, err
		}
		if !has {
			lacking = append(lacking, sp)
		}
	}
	return lacking, nil
}

// A Calendar is one as the asker may know it.
type Calendar struct {
	Info
	Path Path
	// Own: it stands in the asker's own drive.
	Own bool
	// Of is the space or drive that has it, as paths begin: "Finance", "~mia".
	Of string
}

// Calendars lists every calendar that the asker sees: those of the own drive
// first, by name, then those of others' drives and of spaces. Spaces that have no
// calendars yet get theirs.
func (s *Session) Calendars(ctx context.Context, want Want) (list []Calendar, err error) {
	var lacking []*policy.Space
	look := func() error {
		return s.view(func(tx *Tx) error {
			list, lacking = nil, nil
			spaces := s.calendarSpaces(tx)
			if lacking, err = tx.lackingCalendars(spaces...); err != nil {
				return err
			}
			for _, sp := range spaces {
				if list, err = s.appendCalendars(tx, list, sp, want); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := look(); err != nil || len(lacking) == 0 {
		return list, err
	}
	if err := s.st.beginCalendars(ctx, lacking); err != nil {
		return nil, err
	}
	return list, look()
}

// CalendarsOf lists the calendars that the asker sees of one space or drive, by the
// name that its paths begin with.
func (s *Session) CalendarsOf(name string, want Want) (list []Calendar, err error) {
	err = s.view(func(tx *Tx) error {
		space := tx.spaceOf(name)
		if space == nil {
			return ErrNotFound
		}
		list, err = s.appendCalendars(tx, nil, space, want)
		return err
	})
	return list, err
}

// calendarSpaces are the spaces in which the asker may see calendars, the own
// drive first.
func (s *Session) calendarSpaces(tx *Tx) (spaces []*policy.Space) {
	u := tx.state.User(s.cred.User)
	if u == nil {
		return nil
	}
	if home := tx.state.Space(u.Home); home != nil {
		spaces = append(spaces, home)
	}
	sub := s.subject(tx)
	spaces = append(spaces, tx.state.Drives(sub)...)
	for _, sp := range tx.state.Spaces() {
		if sp.Kind != policy.Personal && tx.state.Decide(sub, policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}, 0).Visible {
			spaces = append(spaces, sp)
		}
	}
	return spaces
}

// appendCalendars adds the calendars of one space that the asker sees.
func (s *Session) appendCalendars(tx *Tx, list []Calendar, space *policy.Space, want Want) ([]Calendar, error) {
	top := SpacePath(tx.state, space)
	sp, err := s.resolve(tx, Path{top, calendarsName})
	if err != nil {
		return list, err
	}
	g, err := s.authorize(tx, sp, opList)
	if errors.Is(err, ErrNotFound) {
		return list, nil
	} else if err != nil {
		return list, err
	}
	page, _, err := s.list(tx, g, sp, nil, "", CalendarsMax, want)
	for _, info := range page {
		if info.Box() != "" {
			continue
		}
		list = append(list, Calendar{Info: info, Path: append(slices.Clip(sp.path), info.Name),
			Own: space.Owner == s.cred.User && space.Kind == policy.Personal, Of: top})
	}
	return list, err
}

// CalendarsMax is how many calendars of one space are listed.
const CalendarsMax = 10_000

// CalendarAt is the path of the calendar of others that is a node. One that is
// none, is gone or stands in the asker's own drive is not found; whether the asker
// may know of it is decided by what is asked of the path.
func (s *Session) CalendarAt(n policy.Node) (p Path, err error) {
	err = s.st.view(func(tx *Tx) error {
		g := housekeeping(tx, n)
		if p, err = tx.pathOf(g, n); err != nil {
			return err
		}
		if len(p) != calendarDepth || !p.InCalendars() || s.OwnPath(p) {
			return ErrNotFound
		}
		sp, err := tx.resolve(p)
		if err == nil && (sp.missing() > 0 || sp.entry().Node != n) {
			err = ErrNotFound
		}
		return err
	})
	return p, err
}
