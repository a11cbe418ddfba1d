package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// UIDSizeMax is the longest UID of a calendar object, in bytes.
const UIDSizeMax = 1024

// An Object is what the store keeps of a calendar object to find it by, in the
// transaction of its content. It is told, and never read from the content here.
type Object struct {
	UID       string // one in each calendar
	Component string // one of componentKinds
	// Extent is when anything of it may be: all time for one without an end or a
	// beginning, nothing when no range of time can find it.
	Extent Span
	// Known is when Instants tells all that there is; elsewhere in its extent it
	// may be at any time. One that does not recur is known nowhere and is taken to
	// fill its extent.
	Known    Span
	Instants []Span
	// Busy is how it takes time, and Taken when, where that is known of one that does
	// not recur.
	Busy    Busy
	Taken   Span
	Private bool // see Entry.Private
	// Scheduled: it names an organizer.
	Scheduled bool
	// Attachments are the ids of those that it names, each once.
	Attachments []string
}

// A Span is a stretch of time in Unix seconds, without its end. What has no
// length, an instant, is a span of one second.
type Span struct{ From, To int64 }

// Always is all the time that a Span can tell.
var Always = Span{math.MinInt64, math.MaxInt64}

// Near is the time for which the instants of what recurs are worked out: the year
// before, this one and three more.
func Near(now time.Time) Span {
	year := int32(now.UTC().Year())
	return Span{yearStart(year - 1), yearStart(year + 4)}
}

// Meets tells whether two spans have a second in common.
func (s Span) Meets(o Span) bool {
	return s.From < o.To && o.From < s.To && s.From < s.To && o.From < o.To
}

// within is the part of the span that is in another.
func (s Span) within(o Span) Span { return Span{max(s.From, o.From), min(s.To, o.To)} }

// check refuses an Object that no index can hold.
func (o *Object) check() error {
	if o.UID == "" || len(o.UID) > UIDSizeMax {
		return fmt.Errorf("a UID of %d bytes; one has to have 1 to %d: %w", len(o.UID), UIDSizeMax, ErrInvalid)
	}
	return nil
}

// objectRec is an Object as it is kept: its instants by days.
type objectRec struct {
	uid, component string
	extent, known  Span
	years          []yearDays
	taking         taking // of one that does not recur
}

func recordOf(o *Object) objectRec {
	rec := objectRec{uid: o.UID, component: o.Component, extent: o.Extent, known: o.Known}
	if o.Known.From < o.Known.To {
		rec.years = daysOf(o.Instants, o.Known)
	} else {
		rec.taking = takingOf(o)
	}
	return rec
}

func appendObject(b []byte, o *objectRec) []byte {
	for _, text := range []string{o.uid, o.component} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	b = appendSpan(appendSpan(b, o.extent), o.known)
	b = binary.AppendUvarint(b, uint64(len(o.years)))
	for i := range o.years {
		b = binary.AppendVarint(b, int64(o.years[i].year))
		b = append(b, o.years[i].days[:]...)
	}
	return o.taking.append(b, o.extent)
}

func decodeObject(v []byte) (o objectRec, err error) {
	d := decoder{b: v}
	o.uid, o.component = d.text(), d.text()
	o.extent, o.known = d.span(), d.span()
	for range min(d.uvarint(), uint64(len(v))) {
		y := yearDays{year: int32(d.varint())}
		copy(y.days[:], d.take(len(y.days)))
		o.years = append(o.years, y)
	}
	o.taking = d.taking(o.extent)
	return o, d.done("object")
}

func appendSpan(b []byte, s Span) []byte {
	return binary.AppendVarint(binary.AppendVarint(b, s.From), s.To)
}

func (d *decoder) span() Span { return Span{d.varint(), d.varint()} }

func objectKey(n policy.Node) []byte { return key1(tableObject, uint64(n)) }

func uidKey(calendar policy.Node, uid string) []byte {
	return append(key1(tableUID, uint64(calendar)), uid...)
}

// keepObject writes what a node is found by; nothing for nil.
func (tx *Tx) keepObject(g grant, n policy.Node, o *Object) error {
	if o == nil {
		return nil
	}
	if err := o.check(); err != nil {
		return err
	}
	rec := recordOf(o)
	return tx.w.Put(objectKey(n), appendObject(nil, &rec))
}

// objectRec reads what a node is found by.
func (tx *Tx) objectRec(g grant, n policy.Node) (objectRec, error) {
	v, err := tx.r.Get(objectKey(n))
	if err != nil {
		return objectRec{}, err
	}
	return decodeObject(v)
}

// object is what a copy of an entry is found by, nil for what is no object.
func (tx *Tx) object(g grant, e *Entry) (*Object, error) {
	if !e.Indexed {
		return nil, nil
	}
	rec, err := tx.objectRec(g, e.Node)
	if err != nil {
		return nil, err
	}
	o := &Object{UID: rec.uid, Component: rec.component, Extent: rec.extent, Known: rec.known, Busy: rec.taking.busy, Taken: rec.taking.period, Private: e.Private, Scheduled: e.Scheduled}
	for i := range rec.years {
		o.Instants = rec.years[i].appendSpans(o.Instants)
	}
	if e.attached.count > 0 {
		list, err := tx.attachments(g, e.Node)
		if err != nil {
			return nil, err
		}
		for i := range list {
			o.Attachments = append(o.Attachments, list[i].ID)
		}
	}
	return o, nil
}

// copyObject keeps for a copy what its original is found by.
func (tx *Tx) copyObject(g grant, from *Entry, to policy.Node) error {
	o, err := tx.object(g, from)
	if err != nil {
		return err
	}
	return tx.keepObject(g, to, o)
}

func (tx *Tx) dropObject(g grant, n policy.Node) error { return tx.w.Delete(objectKey(n)) }

// reindex has an object of a calendar found by what its new content says.
func (tx *Tx) reindex(g grant, calendar policy.Node, e *Entry, o *Object) error {
	if o == nil {
		return nil
	}
	if e.Indexed {
		if err := tx.leave(g, calendar, e.Node); err != nil {
			return err
		}
	}
	e.Indexed, e.Private = true, o.Private
	if e.Scheduled = o.Scheduled; !e.Scheduled {
		e.Tagged = 0
	}
	if err := tx.keepObject(g, e.Node, o); err != nil {
		return err
	}
	return tx.enter(g, calendar, e.Node)
}

// enter lets an object be found in a calendar. A calendar has one of each UID.
// RFC 4791, section 5.3.2.1
func (tx *Tx) enter(g grant, calendar, n policy.Node) error {
	rec, err := tx.objectRec(g, n)
	if err != nil {
		return err
	}
	key := uidKey(calendar, rec.uid)
	v, err := tx.r.Get(key)
	if err != nil {
		return err
	}
	if v != nil {
		other, err := readUint64(v)
		if err != nil {
			return err
		}
		return tx.sameUID(g, calendar, policy.Node(other))
	}
	if err := tx.w.Put(key, beUint64(uint64(n))); err != nil {
		return err
	}
	for k, v := range rec.spanKeys(calendar, n) {
		if err := tx.w.Put(k, v); err != nil {
			return err
		}
	}
	return tx.tally(calendar)
}

// leave takes an object out of what a calendar is searched by.
func (tx *Tx) leave(g grant, calendar, n policy.Node) error {
	rec, err := tx.objectRec(g, n)
	if errors.Is(err, engine.ErrDamaged) {
		return tx.leaveUnknown(g, calendar, n)
	} else if err != nil {
		return err
	}
	if err := tx.w.Delete(uidKey(calendar, rec.uid)); err != nil {
		return err
	}
	for k := range rec.spanKeys(calendar, n) {
		if err := tx.w.Delete(k); err != nil {
			return err
		}
	}
	return tx.tally(calendar)
}

// leaveUnknown is leave for an object of which nobody knows any more what it is found
// by: so that it can be taken away, or written anew, everything that leads to it goes.
func (tx *Tx) leaveUnknown(g grant, calendar, n policy.Node) error {
	var keys [][]byte
	err := scanPrefix(tx.r, uidKey(calendar, ""), func(k, v []byte) bool {
		if bytes.Equal(v, beUint64(uint64(n))) {
			keys = append(keys, bytes.Clone(k))
		}
		return true
	})
	if err != nil {
		return err
	}
	err = scanPrefix(tx.r, key1(tableSpan, uint64(calendar)), func(k, _ []byte) bool {
		if len(k) == len(spanKey(0, 0, 0, 0)) && nodeIn(k) == n {
			keys = append(keys, bytes.Clone(k))
		}
		return true
	})
	for _, k := range keys {
		err = firstOf(err, tx.w.Delete(k))
	}
	return firstOf(err, tx.tally(calendar))
}

// sameUID is the error about an object that has the UID already, which is told to
// who sees it.
func (tx *Tx) sameUID(g grant, calendar, other policy.Node) error {
	conflict := &UIDError{}
	up, err := way(tx.r, other)
	if err != nil || !slices.Contains(up, calendar) {
		return errors.Join(conflict, err)
	}
	space := tx.state.SpaceAt(up[0])
	if space == nil || !tx.state.Decide(tx.by, policy.Place{Space: space.ID, Path: up}, 0).Visible {
		return conflict
	}
	if conflict.Path, err = tx.pathOf(g, other); err != nil {
		return err
	}
	return conflict
}

func tallyKey(calendar policy.Node) []byte {
	return append(key1(tableSpan, uint64(calendar)), spanTally)
}

// tally counts the changes of a calendar's members.
func (tx *Tx) tally(calendar policy.Node) error {
	n, err := tx.tallyOf(calendar)
	if err != nil {
		return err
	}
	return tx.w.Put(tallyKey(calendar), beUint64(n+1))
}

func (tx *Tx) tallyOf(calendar policy.Node) (uint64, error) {
	v, err := tx.r.Get(tallyKey(calendar))
	if err != nil || v == nil {
		return 0, err
	}
	return readUint64(v)
}
