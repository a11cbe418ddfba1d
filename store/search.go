package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"davit/policy"
	"davit/store/engine"
)

// A Search says which objects of a calendar are wanted: everything, else those that
// have a text in their UID, else those that may be somewhere within a span.
type Search struct {
	Everything bool
	UID        string // a part of it; empty for a search by time
	AnyCase    bool   // letters of ASCII in UID stand for both of their cases
	Span       Span
}

// Find finds objects of a calendar, by name, as far as the asker sees them. It may
// give objects that are not in the span, and leaves out none that is. The first ones
// come with what Fetch gives of them, as many as one Fetch would; rest names the
// others.
func (s *Session) Find(p Path, q Search) (first []Fetched, rest []string, err error) {
	err = s.view(func(tx *Tx) error {
		first, rest = nil, nil
		sp, err := s.calendar(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opList)
		if err != nil {
			return err
		}
		found, err := s.search(tx, g, sp, q, policy.See)
		if err != nil {
			return err
		}
		first = s.fetchFound(tx, g, sp, found)
		for i := len(first); i < len(found); i++ {
			rest = append(rest, found[i].Name)
		}
		return nil
	})
	return first, rest, err
}

// foundMax is how many objects a search gives with what is in them.
const foundMax = 1000

// fetchFound reads the first of the objects that a search has found. Each is decided:
// who holds the right to read needs not be asked for again.
func (s *Session) fetchFound(tx *Tx, g grant, calendar *spot, found []Info) (list []Fetched) {
	list = make([]Fetched, 0, min(len(found), foundMax))
	for size := 0; size < fetchMax && len(list) < cap(list); {
		f := Fetched{Info: found[len(list)]}
		if f.Info.Held&policy.Read != 0 {
			f.Content, f.Unread = s.read(tx, g.child(f.Info.Node, f.Info.Held), calendar.space, &f.Info.Entry)
		} else if sp, err := s.under(tx, calendar, f.Info.Name); err != nil {
			f.Unread = err
		} else {
			_, f.Unread = s.authorize(tx, sp, opOpen)
		}
		list, size = append(list, f), size+len(f.Content)
	}
	return list
}

// calendar resolves the path of a calendar. What is none is not told from what is
// not there, before anything is decided.
func (s *Session) calendar(tx *Tx, p Path) (*spot, error) {
	sp, err := s.resolve(tx, p)
	if err == nil && (sp.missing() > 0 || !sp.entry().IsCalendar()) {
		err = ErrNotFound
	}
	return sp, err
}

// search finds the objects on which the asker holds a right.
func (s *Session) search(tx *Tx, g grant, sp *spot, q Search, need policy.Rights) (found []Info, err error) {
	calendar := sp.entry().Node
	sub, here := s.subject(tx), sp.place()
	held := tx.state.Held(sub, here)
	add := func(e *Entry) {
		own := held
		if tx.state.OnWay(e.Node) {
			own = tx.state.Held(sub, at(here.Space, here.Path, e.Node))
		}
		if own&need == need {
			found = append(found, Info{Entry: *e, Held: sp.heldOf(e, own), Owner: sp.space.Owner})
		}
	}
	var nodes []policy.Node
	switch {
	case q.Everything:
	case q.UID != "":
		nodes, err = tx.withUID(g, calendar, q.UID, q.AnyCase)
	default:
		err = tx.inSpan(g, calendar, q.Span, func(n policy.Node) { nodes = append(nodes, n) })
	}
	if q.Everything || errors.Is(err, engine.ErrDamaged) { // what the index does not tell any more all may be
		err = tx.children(g, calendar, "", func(e *Entry) bool {
			if e.Indexed {
				add(e)
			}
			return true
		})
		return found, err
	}
	if err != nil {
		return nil, err
	}
	found = make([]Info, 0, len(nodes))
	for _, n := range nodes {
		e, err := tx.memberOf(g, calendar, n)
		switch {
		case errors.Is(err, errAstray):
			continue // an index that is wrong hides nothing that is right
		case err != nil:
			return nil, err
		}
		add(&e)
	}
	slices.SortFunc(found, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

// errAstray: the index of a calendar leads to what does not stand there.
var errAstray = fmt.Errorf("it does not stand there: %w", engine.ErrDamaged)

// memberOf is the entry of a node that a collection is known to have.
func (tx *Tx) memberOf(g grant, dir, n policy.Node) (Entry, error) {
	rec, err := tx.nodeRec(n)
	if errors.Is(err, ErrNotFound) {
		return Entry{}, errAstray
	} else if err != nil {
		return Entry{}, err
	}
	e, found, err := tx.lookup(dir, rec.name)
	if err == nil && (!found || e.Node != n || rec.parent != dir) {
		err = errAstray
	}
	return e, err
}

// FreeBusy gives the content of every object of a calendar that may make somebody
// busy within a span, to be told as busy time and as nothing else: it needs the
// right to free-busy alone, on the calendar and on each object.
func (s *Session) FreeBusy(p Path, when Span) (busy BusyCalendar, err error) {
	err = s.view(func(tx *Tx) error {
		sp, err := s.calendar(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorizeFreeBusy(tx, sp)
		if err != nil {
			return err
		}
		busy, err = s.busyIn(tx, g, sp, when)
		return err
	})
	return busy, err
}

// busyIn gathers what may make somebody busy in one calendar.
func (s *Session) busyIn(tx *Tx, g grant, sp *spot, when Span) (c BusyCalendar, err error) {
	if sp.entry().HasProps {
		if c.Props, err = tx.props(g, sp.entry().Node); err != nil {
			return c, err
		}
	}
	found, err := s.search(tx, g, sp, Search{Span: when}, policy.FreeBusy)
	for i := range found {
		if err == nil {
			// What is damaged keeps nobody from knowing of the rest.
			if b, unread := tx.whole(g, &found[i].Entry); unread == nil {
				c.Contents = append(c.Contents, b)
			}
		}
	}
	return c, err
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

// whole reads content into memory.
func (tx *Tx) whole(g grant, e *Entry) ([]byte, error) {
	b, f, err := tx.content(g, e)
	if err != nil || f == nil {
		return b, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// reindexSlice is how many objects one transaction of a rebuilding takes.
const reindexSlice = 100

// Reindex works out anew what every calendar object is found by, with the instants
// of these years, and tells how many there are. An object that cannot be read
// keeps what it has, and is reported.
func (st *Store) Reindex(ctx context.Context, report func(fault string)) (objects int, err error) {
	if st.index == nil {
		return 0, errors.New("this program does not know how to read calendar objects")
	}
	for _, sp := range st.Policy().Spaces() {
		n, err := st.reindexSpace(ctx, sp, Near(st.clock()), report)
		objects += n
		if err != nil {
			return objects, err
		}
	}
	return objects, nil
}

func (st *Store) reindexSpace(ctx context.Context, sp *policy.Space, near Span, report func(string)) (objects int, err error) {
	var calendars []Entry
	err = st.view(func(tx *Tx) error {
		all, found, err := tx.lookup(sp.Root, calendarsName)
		if err != nil || !found {
			return err
		}
		return tx.children(housekeeping(tx, all.Node), all.Node, "", func(e *Entry) bool {
			if e.IsCalendar() {
				calendars = append(calendars, *e)
			}
			return true
		})
	})
	for i := range calendars {
		for after, more := "", true; more && err == nil; {
			err = st.update(ctx, engine.Background, func(tx *Tx) error {
				var n int
				after, n, more, err = tx.reindexSome(&calendars[i], after, near, report)
				tx.w.OnApply(func() { objects += n })
				return err
			})
		}
	}
	return objects, err
}

// reindexSome works on the members of a calendar after a name.
func (tx *Tx) reindexSome(calendar *Entry, after string, near Span, report func(string)) (last string, n int, more bool, err error) {
	g := housekeeping(tx, calendar.Node)
	var members []Entry
	err = tx.children(g, calendar.Node, after, func(e *Entry) bool {
		if more = len(members) == reindexSlice; !more {
			members = append(members, *e)
		}
		return !more
	})
	for i := range members {
		if err != nil {
			break
		}
		e := &members[i]
		last = e.Name
		var content []byte
		if content, err = tx.whole(g, e); err != nil {
			break
		}
		obj, indexErr := tx.st.index(content, near)
		if indexErr != nil {
			report(fmt.Sprintf("object %q of calendar %q: %v", e.Name, calendar.Name, indexErr))
			continue
		}
		if err = tx.reindex(g, calendar.Node, e, &obj); err == nil {
			err = tx.put(g, calendar.Node, e)
		}
		n++
	}
	return last, n, more, err
}
