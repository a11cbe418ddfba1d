package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"davit/policy"
	"davit/store/engine"
)

// When a whole calendar goes, those who are invited to what is still to come in it are
// told so, and when it comes back they are invited again. The first of its meetings
// are told of in the transaction of that, and what one transaction does not take in
// slices after it. What is left of them is kept until it is done: a process that ends
// in between goes on with it when contents are collected.

// Limits of one transaction that tells of a calendar.
const (
	noticeSlice   = 50   // meetings told of
	noticeLook    = 2000 // objects looked at
	noticeAccount = 1000 // meetings told of when an account goes, which leaves nothing to go on with
)

// A notice is what has happened to a calendar that is still to be told.
type notice struct {
	Calendar policy.Node `json:"calendar"`
	Back     bool        `json:"back,omitempty"` // it came back; else it went
	By       policy.ID   `json:"by,omitempty"`   // 0 for the operator
	// Held is what who did it held there.
	Held   policy.Rights `json:"held,omitempty"`
	Silent bool          `json:"silent,omitempty"`
	After  string        `json:"after,omitempty"` // the name that was told of last
}

func noticeKey(calendar policy.Node) []byte { return key1(tableNotice, uint64(calendar)) }

// announce tells the first of what a calendar's going or coming back means, and keeps
// what is left. Where an older notice about the calendar was not done yet, this one
// stands for it.
func (s *Session) announce(tx *Tx, n notice) error {
	if tx.st.scheduler == nil {
		return nil
	}
	n.By = s.cred.User
	if s.operates {
		n.Held |= policy.Schedule
	}
	if err := tx.w.Delete(noticeKey(n.Calendar)); err != nil {
		return err
	}
	done, err := tx.tellSome(s, &n, noticeSlice)
	if err != nil || done {
		return err
	}
	return keepRecord(tx.w, noticeKey(n.Calendar), &n)
}

// isCalendar tells whether a spot is a calendar that stands or stood among the others.
func (sp *spot) isCalendar() bool {
	return sp.inCalendars() && len(sp.path) == calendarDepth && sp.missing() == 0 && sp.entry().IsCalendar()
}

// finishNotices tells what is left to tell.
func (st *Store) finishNotices(ctx context.Context) error {
	if st.scheduler == nil {
		return nil
	}
	for {
		n, found, err := st.nextNotice()
		if err != nil || !found {
			return err
		}
		err = st.update(ctx, engine.Background, func(tx *Tx) error { return tx.goOn(n.Calendar) })
		if err != nil {
			return fmt.Errorf("tell of calendar %d: %w", n.Calendar, err)
		}
	}
}

func (st *Store) nextNotice() (n notice, found bool, err error) {
	err = st.view(func(tx *Tx) error {
		var failed error
		err := scanPrefix(tx.r, []byte{tableNotice}, func(_, v []byte) bool {
			failed, found = json.Unmarshal(v, &n), true
			return false
		})
		return firstOf(err, failed)
	})
	return n, found, err
}

// goOn tells some more of a calendar, in the name of who did it.
func (tx *Tx) goOn(calendar policy.Node) error {
	v, err := tx.r.Get(noticeKey(calendar))
	if err != nil || v == nil {
		return err // somebody else was quicker
	}
	var n notice
	if err := json.Unmarshal(v, &n); err != nil {
		return err
	}
	s := &Session{st: tx.st, operates: n.By == policy.Nobody, cred: Credential{User: n.By, Mask: policy.All, Class: policy.Web}}
	tx.by = s.subject(tx)
	done, err := tx.tellSome(s, &n, noticeSlice)
	switch {
	case err != nil:
		return err
	case done:
		return tx.w.Delete(noticeKey(calendar))
	}
	return keepRecord(tx.w, noticeKey(calendar), &n)
}

// tellSome tells of the next meetings of a calendar, at most so many, and whether these
// were the last. What cannot be told stays untold: nobody waits for it.
func (tx *Tx) tellSome(s *Session, n *notice, most int) (done bool, err error) {
	dir, err := tx.collectionOf(n.Calendar)
	if err != nil || dir == nil {
		return true, err
	}
	g := housekeeping(tx, n.Calendar)
	var meetings []Entry
	looked, more := 0, false
	err = tx.children(g, n.Calendar, n.After, func(e *Entry) bool {
		if more = looked == noticeLook || len(meetings) == most; more {
			return false
		}
		looked++
		n.After = e.Name
		if e.Scheduled {
			meetings = append(meetings, *e)
		}
		return true
	})
	for i := 0; i < len(meetings) && err == nil; i++ {
		err = tx.tellOf(s, g.child(meetings[i].Node, n.Held), dir.child(meetings[i]), n)
	}
	return !more, err
}

// collectionOf is the spot of a collection wherever it is, listed or in the trash; nil
// for one that is erased.
func (tx *Tx) collectionOf(n policy.Node) (*spot, error) {
	way, names, err := (&upward{}).to(tx, n)
	if err != nil || len(way) == 0 {
		return nil, err
	}
	sp := &spot{path: slices.Clone(names), nodes: slices.Clone(way), entries: make([]Entry, len(way)), space: tx.state.SpaceAt(way[0])}
	for i := range way {
		sp.entries[i] = Entry{Name: names[i], Node: way[i], Dir: true}
	}
	if sp.space == nil {
		return nil, nil
	}
	return sp, nil
}

// tellOf tells of one meeting, unless it is over.
func (tx *Tx) tellOf(s *Session, g grant, sp *spot, n *notice) error {
	content, err := tx.toCome(g, sp.entry())
	if err != nil || content == nil {
		return err
	}
	c := ScheduleChange{Old: content, Silent: n.Silent}
	if n.Back {
		c = ScheduleChange{New: content, Again: true}
	}
	err = s.tellChange(tx, g, sp, c)
	var twice *UIDError
	var unfit *unfit
	var foreign *NotForOwner
	if errors.As(err, &twice) || errors.As(err, &unfit) || errors.As(err, &foreign) {
		return nil
	}
	return err
}

// tellChange tells of an object that goes or has come back, and keeps in one that is
// there how that went.
func (s *Session) tellChange(tx *Tx, g grant, sp *spot, c ScheduleChange) error {
	kept, err := s.schedule(tx, g, sp, c)
	if err != nil || kept == nil || c.New == nil {
		return err
	}
	obj, err := tx.st.index(kept, Near(tx.now))
	if err != nil {
		return &unfit{err}
	}
	if err := tx.reserve(tx.state.AppendLimits(nil, sp.place()), int64(len(kept))-sp.entry().Size); err != nil {
		return err
	}
	b, err := tx.bodyOf(kept)
	if err != nil {
		return err
	}
	return s.rewrite(tx, g, sp, b, &obj, newTag)
}

// comeBack tells of what has come back out of the trash.
func (s *Session) comeBack(tx *Tx, g grant, sp *spot) error {
	if sp.isCalendar() {
		return s.announce(tx, notice{Calendar: sp.entry().Node, Back: true, Held: g.held})
	}
	return s.reinvite(tx, g, sp)
}

// afterNotice goes on, after a change of a calendar that was made, with what it did not
// tell of yet. What fails here is told later.
func (st *Store) afterNotice(ctx context.Context, p Path, changed error) error {
	if changed == nil && p.InCalendars() && len(p) == calendarDepth {
		if err := st.finishNotices(ctx); err != nil {
			st.log.Warn("telling of a calendar is put off", "error", err)
		}
	}
	return changed
}

// reinvite invites again to a meeting that has come back, unless it is over.
func (s *Session) reinvite(tx *Tx, g grant, sp *spot) error {
	if tx.st.scheduler == nil || !sp.inCalendars() || !sp.entry().Scheduled || sp.inBox() {
		return nil
	}
	content, err := tx.toCome(g, sp.entry())
	if err != nil || content == nil {
		return err
	}
	return s.tellChange(tx, g, sp, ScheduleChange{New: content, Again: true})
}

// toCome is the content of a meeting, nil for one that is over.
func (tx *Tx) toCome(g grant, e *Entry) ([]byte, error) {
	rec, err := tx.objectRec(g, e.Node)
	if err != nil || rec.extent.To <= tx.now.Unix() {
		return nil, err
	}
	return tx.whole(g, e)
}

// farewell tells those who are invited by an account, or have invited it, that it goes.
func (tx *Tx) farewell(o *Operator, home *policy.Space) error {
	if home == nil || tx.st.scheduler == nil {
		return nil
	}
	calendars, err := tx.calendarsIn(home)
	if err != nil {
		return err
	}
	left := noticeAccount
	for _, sp := range calendars {
		n := notice{Calendar: sp.entry().Node, Held: policy.Schedule}
		for done := false; !done && left > 0 && err == nil; left -= noticeSlice {
			done, err = tx.tellSome(o.desk(), &n, noticeSlice)
		}
	}
	return err
}
