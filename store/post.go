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
// it tells of is made.

// PostMax is how many messages wait at most; further ones cannot be delivered.
const PostMax = 100_000

// A Letter is a message to somebody outside.
type Letter struct {
	Number uint64 `json:"-"`
	// From and To are mail addresses. From is a person's or a space's, and FromName
	// its name.
	From     string    `json:"from"`
	FromName string    `json:"from_name,omitempty"`
	To       string    `json:"to"`
	Method   string    `json:"method"`
	Body     []byte    `json:"body"` // text/calendar
	Written  time.Time `json:"written"`
	// After is when it is to be sent, or tried again.
	After time.Time `json:"after"`
	Tries int       `json:"tries,omitempty"`
	// Fault is what came of the last try.
	Fault string `json:"fault,omitempty"`
}

func postKey(number uint64) []byte { return key1(tablePost, number) }

// sendOut has a message for somebody outside sent by mail, if that is done here.
func (tx *Tx) sendOut(sender party, m *ScheduleMessage) (status string, err error) {
	to, is := strings.CutPrefix(m.To, mailAddress)
	switch {
	case !is:
		return statusUnknown, nil
	case !tx.st.post():
		return statusNoService, nil
	}
	number, full, err := tx.nextLetter()
	if err != nil || full {
		return statusUnavailable, err
	}
	from, _ := strings.CutPrefix(m.From, mailAddress)
	v, err := json.Marshal(&Letter{From: from, FromName: sender.name, To: to, Method: m.Method, Body: m.Body, Written: tx.now, After: tx.now})
	if err != nil {
		return "", err
	}
	return statusSent, tx.w.Put(postKey(number), v)
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

// errNotCarrier: mail is carried for nobody in particular.
var errNotCarrier = errors.New("mail is carried by the server itself")

// NextLetter is the oldest letter that is to be sent now; found is false when there
// is none.
func (o *Operator) NextLetter() (l Letter, found bool, err error) {
	if o.by.User != policy.Nobody {
		return l, false, errNotCarrier
	}
	err = o.st.view(func(tx *Tx) error {
		var failed error
		err := scanPrefix(tx.r, []byte{tablePost}, func(k, v []byte) bool {
			var one Letter
			if failed = json.Unmarshal(v, &one); failed != nil {
				return false
			}
			one.Number = binary.BigEndian.Uint64(k[1:])
			if found = !one.After.After(tx.now); found {
				l = one
			}
			return !found
		})
		return firstOf(err, failed)
	})
	return l, found, err
}

// LetterSent takes away a letter that has been handed on.
func (o *Operator) LetterSent(ctx context.Context, number uint64) error {
	return o.letter(ctx, number, func(*Letter) (waits bool) { return false })
}

// LetterFailed has a letter tried again, from a time on.
func (o *Operator) LetterFailed(ctx context.Context, number uint64, fault string, after time.Time) error {
	return o.letter(ctx, number, func(l *Letter) (waits bool) {
		l.Tries, l.Fault, l.After = l.Tries+1, fault, after
		return true
	})
}

// letter changes a letter, or takes it away when it waits no more.
func (o *Operator) letter(ctx context.Context, number uint64, change func(*Letter) (waits bool)) error {
	if o.by.User != policy.Nobody {
		return errNotCarrier
	}
	return o.st.update(ctx, engine.Background, func(tx *Tx) error {
		v, err := tx.r.Get(postKey(number))
		if err != nil {
			return err
		}
		if v == nil {
			return fmt.Errorf("letter %d: %w", number, ErrNotFound)
		}
		var l Letter
		if err := json.Unmarshal(v, &l); err != nil {
			return fmt.Errorf("letter %d: %w", number, err)
		}
		if !change(&l) {
			return tx.w.Delete(postKey(number))
		}
		if v, err = json.Marshal(&l); err != nil {
			return err
		}
		return tx.w.Put(postKey(number), v)
	})
}
