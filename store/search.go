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
	in := s.membersOf(tx, sp, need)
	var nodes []policy.Node
	switch {
	case q.Everything:
	case q.UID != "":
		nodes, err = tx.withUID(g, calendar, q.UID, q.AnyCase)
	default:
		err = tx.inSpan(g, calendar, q.Span, func(h hit) { nodes = append(nodes, h.node) })
	}
	if q.Everything || errors.Is(err, engine.ErrDamaged) { // what the index does not tell any more all may be
		err = tx.children(g, calendar, "", func(e *Entry) bool {
			if e.Indexed {
				in.add(e)
			}
			return true
		})
		return in.found, err
	}
	if err != nil {
		return nil, err
	}
	return in.found, in.addNodes(g, nodes)
}

// members gathers the members of a calendar on which the asker holds a right.
type members struct {
	tx    *Tx
	sub   policy.Subject
	of    *spot
	above policy.Rights // what is held on the calendar
	need  policy.Rights
	found []Info
}

func (s *Session) membersOf(tx *Tx, of *spot, need policy.Rights) members {
	sub := s.subject(tx)
	return members{tx: tx, sub: sub, of: of, above: tx.state.Held(sub, of.place()), need: need}
}

// held is what the asker holds on a member.
func (in *members) held(n policy.Node) policy.Rights {
	if !in.tx.state.OnWay(n) {
		return in.above
	}
	here := in.of.place()
	return in.tx.state.Held(in.sub, at(here.Space, here.Path, n))
}

func (in *members) add(e *Entry) {
	if own := in.held(e.Node); own&in.need == in.need {
		in.found = append(in.found, Info{Entry: *e, Held: in.of.heldOf(e, own), Owner: in.of.space.Owner})
	}
}

// addNodes adds what an index has led to, and sorts all by name.
func (in *members) addNodes(g grant, nodes []policy.Node) error {
	in.found = slices.Grow(in.found, len(nodes))
	for _, n := range nodes {
		e, err := in.tx.memberOf(g, in.of.entry().Node, n)
		switch {
		case errors.Is(err, errAstray):
			continue // an index that is wrong hides nothing that is right
		case err != nil:
			return err
		}
		in.add(&e)
	}
	slices.SortFunc(in.found, func(a, b Info) int { return cmp.Compare(a.Name, b.Name) })
	return nil
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

// whole reads content into memory.
func (tx *Tx) whole(g grant, e *Entry) ([]byte, error) {
	b, f, err := tx.content(g, e)
	if err != nil || f == nil {
		return b, err
	}
	defer f.Close()
	return io.ReadAll(f.Content())
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
