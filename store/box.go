package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// Beside the calendars of a drive stand two boxes: the inbox, where messages of
// scheduling are left for the owner's clients, and the outbox, which only takes
// questions and keeps nothing. They are the owner's alone, whatever is shared with
// others. What lies in the inbox is charged to the drive like all that is in it.

// The names of the boxes among the calendars. No calendar is called so.
const (
	Inbox  = "inbox"
	Outbox = "outbox"
)

// boxMark begins the Type of a box.
const boxMark = ";"

// Box is which of the boxes an entry is, empty for none.
func (e *Entry) Box() string {
	name, is := strings.CutPrefix(e.Type, boxMark)
	if !is || !e.Dir {
		return ""
	}
	return name
}

// inBox tells whether the spot is a box, or stands in one.
func (sp *spot) inBox() bool {
	return sp.past == nil && sp.inCalendars() && len(sp.entries) >= calendarDepth && sp.entries[calendarDepth-1].Box() != ""
}

// isBox tells whether the spot is a box itself.
func (sp *spot) isBox() bool { return sp.inBox() && len(sp.path) == calendarDepth }

// Boxes are those of the asker's own drive; none for who has no drive.
func (s *Session) Boxes(want Want) (list []Info, err error) {
	for _, name := range []string{Inbox, Outbox} {
		info, err := s.Stat(Path{"~" + s.UserName(), name}.Calendars(), want)
		if err == ErrNotFound {
			continue
		} else if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

// dismiss takes a message out of the inbox. It leaves nothing in the trash.
func (s *Session) dismiss(tx *Tx, g grant, sp *spot) error {
	e := sp.entry()
	if err := tx.dropLocks(g, e); err != nil {
		return err
	}
	return tx.discard(g, sp.space.ID, s.cred.id(), sp.above().nodes, e)
}

// discard erases a member of a box, of which the way is given.
func (tx *Tx) discard(g grant, space, actor policy.ID, way []policy.Node, e *Entry) error {
	size, err := tx.sizeOf(e)
	if err != nil {
		return err
	}
	dir := way[len(way)-1]
	if _, err := tx.log(space, actor, changeRec{op: Removed, node: e.Node, parent: dir, name: e.Name, before: before{how: byTrash}}); err != nil {
		return err
	}
	tx.charge(way, size.negative())
	if err := tx.eraseListed(g, dir, e); err != nil || !tx.state.OnWay(e.Node) {
		return err
	}
	return tx.change(policy.DropNodes{Nodes: []policy.Node{e.Node}})
}

// expireInboxes erases messages that came before a time.
func (st *Store) expireInboxes(ctx context.Context, before time.Time) error {
	for _, sp := range st.Policy().Spaces() {
		if sp.Kind != policy.Personal {
			continue
		}
		for more := true; more; {
			var old []Entry
			err := st.view(func(tx *Tx) (err error) {
				_, old, err = tx.oldMessages(sp, before)
				return err
			})
			if err == nil && len(old) > 0 {
				err = st.update(ctx, engine.Background, func(tx *Tx) error { return tx.expireInbox(sp, before) })
			}
			if err != nil {
				return err
			}
			more = len(old) == expireSlice
		}
	}
	return nil
}

// oldMessages finds messages of an inbox that came before a time, at most as many
// as one transaction takes, and the way to them.
func (tx *Tx) oldMessages(sp *policy.Space, before time.Time) (way []policy.Node, old []Entry, err error) {
	box, err := tx.resolve(Path{SpacePath(tx.state, sp), calendarsName, Inbox})
	if err != nil || box.missing() > 0 || !box.isBox() {
		return nil, nil, err
	}
	err = tx.children(housekeeping(tx, box.entry().Node), box.entry().Node, "", func(e *Entry) bool {
		if e.Created.Before(before) {
			old = append(old, *e)
		}
		return len(old) < expireSlice
	})
	return slices.Clone(box.nodes), old, err
}

func (tx *Tx) expireInbox(sp *policy.Space, before time.Time) error {
	way, old, err := tx.oldMessages(sp, before)
	if err != nil {
		return err
	}
	for i := range old {
		g := housekeeping(tx, old[i].Node)
		if err := tx.dropLocks(g, &old[i]); err != nil {
			return err
		}
		if err := tx.discard(g, sp.ID, policy.Nobody, way, &old[i]); err != nil {
			return err
		}
	}
	return nil
}

// The property of an inbox that names the calendar for what arrives, by its node.
// It is no property for clients.
const (
	DefaultSpace = "inbox:"
	defaultName  = "default-calendar"
)

func defaultProp(n policy.Node) Prop {
	return Prop{Space: DefaultSpace, Local: defaultName, Value: strconv.AppendUint([]byte{0}, uint64(n), 36)}
}

// chosenDefault is the node that the property names, 0 for none.
func (tx *Tx) chosenDefault(g grant, box *spot) (policy.Node, error) {
	if box.missing() > 0 {
		return 0, nil
	}
	v, err := tx.r.Get(propKey(box.entry().Node, DefaultSpace, defaultName))
	if err != nil || len(v) == 0 {
		return 0, err
	}
	n, err := strconv.ParseUint(string(v[1:]), 36, 64)
	return policy.Node(n), err
}

// DefaultCalendar is the calendar that takes in what arrives for the asker.
func (s *Session) DefaultCalendar() (p Path, err error) {
	err = s.view(func(tx *Tx) error {
		home := tx.homeOf(s.cred.User)
		if home == nil {
			return ErrNotFound
		}
		sp, err := tx.calendarFor(home, "VEVENT")
		if err == nil {
			p = sp.path
			_, err = s.authorize(tx, sp, opStat)
		}
		return err
	})
	return p, err
}

// SetDefaultCalendar has a calendar of the own drive take in what arrives.
func (s *Session) SetDefaultCalendar(ctx context.Context, p Path, t Terms) error {
	return s.update(ctx, func(tx *Tx) error {
		box, err := s.resolve(tx, Path{"~" + s.UserName(), Inbox}.Calendars())
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, box, opProps)
		if err != nil {
			return err
		}
		if err := s.judge(tx, box, t, s.unlockedAt(tx, g, box.nodes, t)); err != nil {
			return err
		}
		sp, err := s.calendar(tx, p)
		if err != nil {
			return err
		}
		if _, err := s.authorize(tx, sp, opStat); err != nil {
			return err
		}
		if !s.OwnPath(p) || !slices.Contains(sp.entry().Components(), "VEVENT") {
			return ErrComponent
		}
		return s.setProps(tx, g, box, []Prop{defaultProp(sp.entry().Node)}, box.entry().Modified)
	})
}

// homeOf is the drive of an account that is in use, nil for none.
func (tx *Tx) homeOf(user policy.ID) *policy.Space {
	u := tx.state.User(user)
	if !u.ActiveAt(tx.now.Unix()) {
		return nil
	}
	home := tx.state.Space(u.Home)
	if home == nil || home.State != policy.Active {
		return nil
	}
	return home
}

// calendarFor is the calendar of a drive that takes in what arrives of a kind: the
// one that its owner chose, the one called "calendar", or the first that does.
func (tx *Tx) calendarFor(home *policy.Space, component string) (*spot, error) {
	calendars, err := tx.calendarsIn(home)
	if err != nil {
		return nil, err
	}
	box, err := tx.resolve(Path{SpacePath(tx.state, home), calendarsName, Inbox})
	if err != nil {
		return nil, err
	}
	chosen, err := tx.chosenDefault(housekeeping(tx, home.Root), box)
	if err != nil {
		return nil, err
	}
	var best *spot
	for _, sp := range calendars {
		e := sp.entry()
		if !slices.Contains(e.Components(), component) {
			continue
		}
		if e.Node == chosen {
			return sp, nil
		}
		if best == nil || e.Name == "calendar" {
			best = sp
		}
	}
	if best == nil {
		return nil, ErrNotFound
	}
	return best, nil
}

// calendarsIn are the calendars of a space, whoever may see them.
func (tx *Tx) calendarsIn(space *policy.Space) (list []*spot, err error) {
	top, err := tx.resolve(Path{SpacePath(tx.state, space), calendarsName})
	if err != nil || top.missing() > 0 {
		return nil, err
	}
	err = tx.children(housekeeping(tx, top.entry().Node), top.entry().Node, "", func(e *Entry) bool {
		if e.IsCalendar() {
			list = append(list, &spot{path: append(slices.Clip(top.path), e.Name), space: space,
				nodes: append(slices.Clip(top.nodes), e.Node), entries: append(slices.Clip(top.entries), *e)})
		}
		return len(list) < CalendarsMax
	})
	return list, err
}

// needed refuses removing the calendar that takes in what arrives: its owner chooses
// another one first. The operator, who chooses nothing for people, leaves one that takes
// events. RFC 6638, section 4.3
func (s *Session) needed(tx *Tx, sp *spot) error {
	if !sp.inCalendars() || len(sp.path) != calendarDepth || sp.space.Kind != policy.Personal || !slices.Contains(sp.entry().Components(), "VEVENT") {
		return nil
	}
	if s.operates {
		return tx.lastOfItsKind(sp)
	}
	taking, err := tx.calendarFor(sp.space, "VEVENT")
	if err == nil && taking.entry().Node == sp.entry().Node {
		err = ErrDefaultCalendar
	}
	return err
}

// lastOfItsKind refuses removing the only calendar of a drive that takes events.
func (tx *Tx) lastOfItsKind(sp *spot) error {
	calendars, err := tx.calendarsIn(sp.space)
	if err != nil {
		return err
	}
	for _, other := range calendars {
		if other.entry().Node != sp.entry().Node && slices.Contains(other.entry().Components(), "VEVENT") {
			return nil
		}
	}
	return ErrDefaultCalendar
}
