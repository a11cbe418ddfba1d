package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A calendar that is published elsewhere may be fetched by the server itself. It then
// has what is published there, for whom it is shared with as any calendar, and nobody
// writes into it: what stands in it is its owner's, charged to his drive, and exactly
// what came last.

// Limits of a calendar that is fetched.
const (
	PublishedMax = 5000 // objects of one
	publishSlice = 200  // objects that one transaction looks at
)

// fetchedMark ends the Type of a calendar that the server fetches.
const fetchedMark = ";fetched"

// Fetched tells whether the server itself fetches what stands in a calendar.
func (e *Entry) Fetched() bool {
	return e.Dir && len(e.Type) > len(fetchedMark) && e.Type[len(e.Type)-len(fetchedMark):] == fetchedMark
}

// fetched tells whether the spot is a calendar that the server fetches, or stands in one.
func (sp *spot) fetched() bool {
	return sp.past == nil && len(sp.entries) >= calendarDepth && sp.entries[calendarDepth-1].Fetched()
}

// inFetched tells whether it stands in one.
func (sp *spot) inFetched() bool { return sp.fetched() && len(sp.entries) > calendarDepth }

// readingFetched are the operations on what was fetched.
var readingFetched = []op{opStat, opOpen, opList, opCopy, opLocks, opReadACL, opFreeBusy}

// heldFetched is what is held of a calendar that is fetched, or of something in it, as
// an asker is told it.
func heldFetched(inside bool, e *Entry, held policy.Rights) policy.Rights {
	const writing = policy.Add | policy.Write | policy.Schedule
	switch {
	case inside:
		return held &^ (writing | policy.Props | policy.Delete | policy.DeleteOwn)
	case e.Fetched():
		return held &^ writing
	}
	return held
}

// Fetches tells the same of the policy that the asker meets.
func (s *Session) Fetches(source string) bool { return Fetches(s.policy(), source) }

// Fetches tells whether the server fetches from a URL, webcal being https.
func Fetches(state *policy.State, source string) bool {
	u, err := url.Parse(source)
	if err != nil || !IsSource(source) {
		return false
	}
	if u.Scheme == "webcal" || u.Scheme == "webcals" {
		u.Scheme = "https"
	}
	set := state.Settings()
	return set.Fetches(u)
}

// A Published is a calendar to be fetched, with what is known of the last time.
type Published struct {
	Calendar policy.Node `json:"-"`
	Path     Path        `json:"-"`
	Props    []Prop      `json:"-"` // of the calendar: one of them says where it is published
	// Source is where what stands in it came from, and Tags what that was marked with.
	Source string          `json:"source,omitempty"`
	Tags   json.RawMessage `json:"tags,omitempty"`
	// Next is when it is fetched again, and Every how often.
	Next  time.Time     `json:"next"`
	Every time.Duration `json:"every,omitempty"`
	// Fault is why it was not fetched the last time.
	Fault string `json:"fault,omitempty"`
}

// A PublishedObject is an object that was fetched, under its name.
type PublishedObject struct {
	Name    string
	Content []byte
	Object  Object
}

// The property of a calendar that says where it is published.
const (
	SourceSpace = "http://calendarserver.org/ns/"
	SourceLocal = "source"
)

// sourceChanged has a calendar fetched at once after its source was set.
func (tx *Tx) sourceChanged(e *Entry, patch []Prop) error {
	sets := slices.ContainsFunc(patch, func(p Prop) bool { return p.Space == SourceSpace && p.Local == SourceLocal })
	if !sets || !e.Fetched() {
		return nil
	}
	v, err := tx.r.Get(publishedKey(e.Node))
	if err != nil || v == nil {
		return err
	}
	p, err := decodePublished(publishedKey(e.Node), v)
	if err != nil {
		return err
	}
	p.Next = tx.now
	return keepRecord(tx.w, publishedKey(e.Node), &p)
}

func publishedKey(calendar policy.Node) []byte { return key1(tablePublished, uint64(calendar)) }

// beginPublished has a new calendar fetched at once.
func (tx *Tx) beginPublished(e *Entry) error {
	if !e.Fetched() {
		return nil
	}
	return keepRecord(tx.w, publishedKey(e.Node), &Published{Next: tx.now})
}

// DuePublished are the calendars that are to be fetched now. What is in the trash waits
// for its way back.
func (o *Operator) DuePublished() (due []Published, err error) {
	err = o.st.view(func(tx *Tx) error {
		return scanTable(tx.r, tablePublished, func(k, v []byte) error {
			p, err := decodePublished(k, v)
			if err != nil || p.Next.After(tx.now) {
				return err
			}
			sp, err := tx.publishedAt(p.Calendar)
			if err != nil || sp == nil {
				return err
			}
			p.Path = sp.path
			if p.Props, err = tx.props(housekeeping(tx, p.Calendar), p.Calendar); err == nil {
				due = append(due, p)
			}
			return err
		})
	})
	return due, err
}

func decodePublished(k, v []byte) (p Published, err error) {
	p.Calendar = policy.Node(readKey(k))
	if err = json.Unmarshal(v, &p); err != nil {
		err = fmt.Errorf("what is fetched into %d: %w", p.Calendar, err)
	}
	return p, err
}

// publishedAt is the spot of a calendar that is fetched, nil while it is in the trash or
// its space is out of use.
func (tx *Tx) publishedAt(n policy.Node) (*spot, error) {
	v, err := tx.r.Get(nodeKey(n))
	if err != nil || v == nil {
		return nil, err
	}
	p, err := tx.pathOf(housekeeping(tx, n), n)
	if err != nil {
		return nil, err
	}
	sp, err := tx.resolve(p)
	if err != nil || sp.missing() > 0 || sp.entry().Node != n || !sp.entry().Fetched() || sp.space.State != policy.Active {
		return nil, err
	}
	return sp, nil
}

// KeepPublished keeps what was fetched, or that nothing was: with objects a calendar
// has exactly these from then on. A calendar that goes meanwhile is left alone. What has
// no room leaves what was there before it, and is the fault that is kept.
func (o *Operator) KeepPublished(ctx context.Context, p Published, objects []PublishedObject) error {
	if o.by.User != policy.Nobody {
		return errNotCarrier
	}
	if objects != nil {
		err := o.st.publish(ctx, p.Calendar, objects)
		switch {
		case errors.Is(err, ErrQuota):
			p.Fault, p.Tags = "there is no room for it", nil
		case err != nil:
			return err
		}
	}
	return o.st.update(ctx, engine.Background, func(tx *Tx) error {
		if v, err := tx.r.Get(publishedKey(p.Calendar)); err != nil || v == nil {
			return err
		}
		return keepRecord(tx.w, publishedKey(p.Calendar), &p)
	})
}

// publish makes a calendar what was fetched, in slices: first what is new or different,
// then what is there no more.
func (st *Store) publish(ctx context.Context, calendar policy.Node, objects []PublishedObject) error {
	if len(objects) > PublishedMax {
		return fmt.Errorf("%d objects: %w", len(objects), ErrTooMany)
	}
	there := map[string]bool{}
	for slice := range slices.Chunk(objects, publishSlice) {
		for i := range slice {
			there[slice[i].Name] = true
		}
	}
	for after, more := "", true; more; {
		err := st.update(ctx, engine.Background, func(tx *Tx) (err error) {
			after, more, err = tx.unpublish(calendar, after, there)
			return err
		})
		if err != nil {
			return err
		}
	}
	for slice := range slices.Chunk(objects, publishSlice) {
		err := st.update(ctx, engine.Background, func(tx *Tx) error {
			dir, err := tx.publishedAt(calendar)
			for i := 0; i < len(slice) && dir != nil && err == nil; i++ {
				err = tx.publishOne(housekeeping(tx, calendar), dir, &slice[i])
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// publishOne makes or changes one object, or leaves it as it is.
func (tx *Tx) publishOne(g grant, dir *spot, o *PublishedObject) error {
	b, err := tx.bodyOf(o.Content)
	if err != nil {
		return err
	}
	s := &Session{st: tx.st, cred: Credential{User: dir.space.Owner}}
	e, there, err := tx.lookup(dir.entry().Node, o.Name)
	if err != nil {
		return err
	}
	growth := b.size
	if there {
		if e.content.hash == b.hash {
			return nil
		}
		growth -= e.Size
	}
	if err := tx.reserve(tx.state.AppendLimits(nil, dir.place()), growth); err != nil {
		return err
	}
	if there {
		return s.rewrite(tx, g, dir.child(e), b, &o.Object, sameTag)
	}
	sp := &spot{path: append(slices.Clip(dir.path), o.Name), space: dir.space, nodes: slices.Clip(dir.nodes), entries: slices.Clip(dir.entries)}
	return s.create(tx, g, sp, b, Meta{Type: "text/calendar; charset=utf-8", Object: &o.Object})
}

// unpublish erases, from a name on, what is published no more; after is the last name
// that was looked at.
func (tx *Tx) unpublish(calendar policy.Node, after string, there map[string]bool) (last string, more bool, err error) {
	dir, err := tx.publishedAt(calendar)
	if err != nil || dir == nil {
		return after, false, err
	}
	var gone []Entry
	g, looked := housekeeping(tx, calendar), 0
	err = tx.children(g, calendar, after, func(e *Entry) bool {
		if more = looked == publishSlice; more {
			return false
		}
		looked, after = looked+1, e.Name
		if !there[e.Name] {
			gone = append(gone, *e)
		}
		return true
	})
	for i := 0; i < len(gone) && err == nil; i++ {
		if err = tx.dropLocks(g, &gone[i]); err == nil {
			err = tx.discard(g, dir.space.ID, dir.space.Owner, dir.nodes, &gone[i])
		}
	}
	return after, more, err
}

// FaultOf is why a calendar was not fetched the last time, empty for none.
func (o *Operator) FaultOf(calendar policy.Node) (fault string, err error) {
	err = o.st.view(func(tx *Tx) error {
		v, err := tx.r.Get(publishedKey(calendar))
		if err != nil || v == nil {
			return err
		}
		p, err := decodePublished(publishedKey(calendar), v)
		fault = p.Fault
		return err
	})
	return fault, err
}
