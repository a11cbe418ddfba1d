package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// Messages of scheduling to people who have no account wait here, durably, for
// whoever carries mail. A message is there from the moment in which the change that
// it tells of is made, and goes once it is known to be somewhere else, or nowhere.

// Limits of mail; what is beyond them is not sent, and its sender is told so.
const (
	PostMax      = 100_000 // letters that wait
	LettersADay  = 1000    // that one account sends, by days of UTC
	beforeMax    = 64 << 10
	lettersShown = 1000
)

// A Letter is a message to somebody outside.
type Letter struct {
	Number uint64 `json:"-"`
	// From and To are mail addresses. From is a person's or a space's, and FromName
	// its name.
	From     string `json:"from"`
	FromName string `json:"from_name,omitempty"`
	To       string `json:"to"`
	Method   string `json:"method"`
	Body     []byte `json:"body"` // text/calendar
	// Before is the object as it was before the change that the letter tells of; nil
	// of a new one, and of one that is too large to be told apart.
	Before []byte `json:"before,omitempty"`
	// Space and UID name the object, among the calendars of who sends it.
	Space   policy.ID `json:"space,omitempty"`
	UID     string    `json:"uid,omitempty"`
	Written time.Time `json:"written"`
	// After is when it is to be sent, or tried again.
	After time.Time `json:"after"`
	Tries int       `json:"tries,omitempty"`
	// Fault is what came of the last try.
	Fault string `json:"fault,omitempty"`
}

// A thread is what letters have in common that must arrive in their order.
type thread struct {
	space   policy.ID
	uid, to string
}

func (l *Letter) thread() thread { return thread{l.Space, l.UID, l.To} }

func postKey(number uint64) []byte { return key1(tablePost, number) }

// sendOut has a message for somebody outside sent by mail, if that is done here.
func (s *Session) sendOut(tx *Tx, at *spot, sender party, m *ScheduleMessage) (status string, err error) {
	to, is := strings.CutPrefix(m.To, mailAddress)
	from, mailed := strings.CutPrefix(m.From, mailAddress)
	set := tx.state.Settings()
	switch {
	case !is || !policy.IsMailAddress(to):
		return statusUnknown, nil
	case !set.CarriesMail() || !mailed || !policy.IsMailAddress(from):
		return statusNoService, nil
	}
	number, full, err := tx.nextLetter()
	if err == nil && !full {
		full, err = tx.spendLetter(s.cred.id())
	}
	if err != nil || full {
		return statusUnavailable, err
	}
	l := Letter{From: from, FromName: sender.name, To: to, Method: m.Method, Body: m.Body, Space: at.space.ID, UID: m.UID, Written: tx.now, After: tx.now}
	if len(m.Before) <= beforeMax {
		l.Before = m.Before
	}
	tx.w.OnCommit(tx.st.letters.ring)
	return statusSent, keepRecord(tx.w, postKey(number), &l)
}

// nextLetter numbers a letter; full tells that too many wait.
func (tx *Tx) nextLetter() (number uint64, full bool, err error) {
	v, err := tx.r.Get(keyPost)
	if err != nil {
		return 0, false, err
	}
	if v != nil {
		if number, err = readUint64(v); err != nil {
			return 0, false, err
		}
	}
	number++
	oldest := number
	err = scanPrefix(tx.r, []byte{tablePost}, func(k, _ []byte) bool {
		oldest = binary.BigEndian.Uint64(k[1:])
		return false
	})
	if full = number-oldest >= PostMax; full || err != nil {
		return 0, full, err
	}
	return number, false, tx.w.Put(keyPost, beUint64(number))
}

// letterDay is how many letters an account has sent on a day.
type letterDay struct {
	Day     int64 `json:"day"` // since 1970
	Letters int   `json:"letters"`
}

// spendLetter counts a letter of an account; spent tells that it has sent its share
// of the day. The operator's are not counted.
func (tx *Tx) spendLetter(by policy.ID) (spent bool, err error) {
	if by == policy.Nobody {
		return false, nil
	}
	var d letterDay
	v, err := tx.r.Get(key1(tableLetters, uint64(by)))
	if err == nil && v != nil {
		err = json.Unmarshal(v, &d)
	}
	if err != nil {
		return false, fmt.Errorf("letters of account %d: %w", by, err)
	}
	const day = 24 * 60 * 60
	if today := tx.now.Unix() / day; d.Day != today {
		d = letterDay{Day: today}
	}
	if d.Letters >= LettersADay {
		return true, nil
	}
	d.Letters++
	return false, keepRecord(tx.w, key1(tableLetters, uint64(by)), &d)
}

// A bell tells one listener that something has come.
type bell chan struct{}

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default: // it has rung already
	}
}

// errNotCarrier: mail is carried for nobody in particular.
var errNotCarrier = errors.New("mail is carried by the server itself")

// LetterComes is received from when letters have come since the last time.
func (o *Operator) LetterComes() <-chan struct{} { return o.st.letters }

// eachLetter gives the letters that wait, the oldest first, until fn answers false.
func (o *Operator) eachLetter(fn func(*Tx, *Letter) bool) error {
	if o.by.User != policy.Nobody {
		return errNotCarrier
	}
	return o.st.view(func(tx *Tx) error {
		return tx.lettersFrom(0, func(l *Letter) bool { return fn(tx, l) })
	})
}

// lettersFrom gives the letters from a number on, until fn answers false.
func (tx *Tx) lettersFrom(number uint64, fn func(*Letter) bool) error {
	var failed error
	err := tx.r.Scan(postKey(number), prefixEnd([]byte{tablePost}), func(k, v []byte) bool {
		l := Letter{Number: binary.BigEndian.Uint64(k[1:])}
		if failed = json.Unmarshal(v, &l); failed != nil {
			failed = fmt.Errorf("letter %d: %w", l.Number, failed)
			return false
		}
		return fn(&l)
	})
	return firstOf(err, failed)
}

// Letters are those that wait, the oldest first; more tells that these are not all.
func (o *Operator) Letters() (list []Letter, more bool, err error) {
	err = o.eachLetter(func(_ *Tx, l *Letter) bool {
		if more = len(list) == lettersShown; !more {
			list = append(list, *l)
		}
		return !more
	})
	return list, more, err
}

// NextLetter is the oldest letter that is to be sent now; found is false when there
// is none, and then is when the first one is to be, zero if none waits. One that
// has an older one to the same person about the same thing before it waits for that.
func (o *Operator) NextLetter() (l Letter, then time.Time, found bool, err error) {
	before := map[thread]bool{}
	err = o.eachLetter(func(tx *Tx, one *Letter) bool {
		switch waits := one.After.After(tx.now); {
		case before[one.thread()]:
		case !waits:
			l, found = *one, true
		default:
			before[one.thread()] = true
			if then.IsZero() || one.After.Before(then) {
				then = one.After
			}
		}
		return !found
	})
	return l, then, found, err
}

// LetterSent takes away a letter that has been handed on.
func (o *Operator) LetterSent(ctx context.Context, number uint64) error {
	return o.letter(ctx, number, func(tx *Tx, l *Letter) error {
		return tx.closeLetter(l, "taken by the mail server")
	})
}

// LetterFailed has a letter tried again, from a time on.
func (o *Operator) LetterFailed(ctx context.Context, number uint64, fault string, after time.Time) error {
	return o.letter(ctx, number, func(tx *Tx, l *Letter) error {
		l.Tries, l.Fault, l.After = l.Tries+1, fault, after
		return keepRecord(tx.w, postKey(number), l)
	})
}

// RetryLetter has a letter sent at once.
func (o *Operator) RetryLetter(ctx context.Context, number uint64) error {
	return o.letter(ctx, number, func(tx *Tx, l *Letter) error {
		l.After = tx.now
		tx.w.OnCommit(tx.st.letters.ring)
		return keepRecord(tx.w, postKey(number), l)
	})
}

// LetterRefused takes away a letter that cannot be delivered, and tells who sent it
// in the object that it is about.
func (o *Operator) LetterRefused(ctx context.Context, number uint64, fault string) error {
	return o.letter(ctx, number, func(tx *Tx, l *Letter) error {
		if err := tx.closeLetter(l, "not delivered: "+fault); err != nil {
			return err
		}
		return tx.noteUndelivered(l)
	})
}

// letter changes a letter that waits.
func (o *Operator) letter(ctx context.Context, number uint64, change func(*Tx, *Letter) error) error {
	if o.by.User != policy.Nobody {
		return errNotCarrier
	}
	return o.st.update(ctx, engine.Background, func(tx *Tx) error {
		v, err := tx.r.Get(postKey(number))
		if err != nil {
			return err
		}
		l := Letter{Number: number}
		if v == nil {
			return fmt.Errorf("letter %d: %w", number, ErrNotFound)
		}
		if err := json.Unmarshal(v, &l); err != nil {
			return fmt.Errorf("letter %d: %w", number, err)
		}
		return change(tx, &l)
	})
}

// mailDoor is by which letters leave.
var mailDoor = Door{Method: "mail"}

// closeLetter takes a letter away, and keeps in the trail what became of it.
func (tx *Tx) closeLetter(l *Letter, end string) error {
	if err := tx.w.Delete(postKey(l.Number)); err != nil {
		return err
	}
	tx.via = mailDoor
	return tx.recordDelivered(fmt.Sprintf("%s from %s to %s: %s", l.Method, l.From, l.To, end))
}

// noteUndelivered has the object of the sender say that a letter did not arrive,
// unless another one to the same person is still to be sent. RFC 6638, section 3.2.9
func (tx *Tx) noteUndelivered(l *Letter) error {
	later := false
	err := tx.lettersFrom(l.Number+1, func(other *Letter) bool {
		later = other.thread() == l.thread()
		return !later
	})
	space := tx.state.Space(l.Space)
	if err != nil || later || space == nil || tx.st.scheduler == nil {
		return err
	}
	g := housekeeping(tx, space.Root)
	sp, err := tx.objectOf(g, space, l.UID)
	if err != nil || sp == nil {
		return err
	}
	have, err := tx.whole(g, sp.entry())
	if err != nil {
		return err
	}
	content, wrong := tx.st.scheduler.Note(have, tx.ownerOf(space).addresses, mailAddress+l.To, statusUnavailable)
	if wrong != nil || content == nil {
		return nil // it says nothing of that person any more
	}
	obj, wrong := tx.st.index(content, Near(tx.now))
	if wrong != nil {
		return nil
	}
	if err := tx.reserve(tx.state.AppendLimits(nil, sp.place()), int64(len(content))-sp.entry().Size); err != nil {
		return nil // a full place keeps what it has; the trail tells of it
	}
	b, err := tx.bodyOf(content)
	if err != nil {
		return err
	}
	return (&Session{st: tx.st}).rewrite(tx, g, sp, b, &obj, sameTag)
}
