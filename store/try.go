package store

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"davit/policy"
)

// A Ground is what the gate's leave rests on.
type Ground string

const (
	ByRight     Ground = "right"      // everything wanted is held
	ByDeleteOwn Ground = "delete-own" // the asker made all of it
	ByOwnHour   Ground = "own hour"   // and just now, and nobody else has touched it
	BySaveRule  Ground = "save rule"  // write is held, and this is how editors write
	ByAnswer    Ground = "answer"     // the asker is invited and reads it: only what says whether he comes
)

// A Judgement is one question that the gate put to policy, and what came of it.
type Judgement struct {
	// Path is what was asked of, or would be if it were there: then the
	// explanation is of the last thing on the way that is.
	Path    Path
	At      policy.Place // of the last thing on the way that is there
	Missing int          // names at the end of the path that lead nowhere
	// Explanation is of the place itself, even where the judgement is of all
	// that stands below it too.
	policy.Explanation
	By  Ground // "" when refused
	Err error  // what a client is told; nil when allowed
}

// A Trial is what a request comes to, as far as the gate decides it: locks,
// conditions and quota are not asked.
type Trial struct {
	// Judgements are in the order in which they were made; the last one decides.
	Judgements []Judgement
	// Made: something comes into being where nothing stood, or seems to. A drop box
	// may have given it another name, which is then the end of Renamed.
	Made    bool
	Renamed Path
	// Err is what a client is told; nil when the request is allowed.
	Err error
}

// An Act is a request whose outcome can be asked about.
type Act string

const (
	ActRead       Act = "read"
	ActStat       Act = "stat"
	ActWrite      Act = "write"
	ActMkdir      Act = "make a collection"
	ActMkCalendar Act = "make a calendar"
	ActAttach     Act = "attach"
	ActProps      Act = "set properties"
	ActLock       Act = "lock"
	ActUnlock     Act = "unlock"
	ActRemove     Act = "remove"
	ActCopy       Act = "copy"
	ActMove       Act = "move"
	ActManage     Act = "manage"
)

// acts are the decisions of the operations themselves. The second spot is the
// target of a COPY or MOVE.
var acts = map[Act]func(s *Session, tx *Tx, sp, to *spot) error{
	ActRead:   (*Session).tryRead,
	ActStat:   single(opStat),
	ActProps:  single(opProps),
	ActUnlock: single(opUnlock),
	ActManage: single(opACL),
	ActWrite:  (*Session).tryWrite,
	ActMkdir: func(s *Session, tx *Tx, sp, _ *spot) error {
		_, _, err := s.authorizeMkdir(tx, sp)
		return err
	},
	ActMkCalendar: func(s *Session, tx *Tx, sp, _ *spot) error {
		return verdict(s.authorizeMakeCalendar(tx, sp))
	},
	ActAttach: func(s *Session, tx *Tx, sp, _ *spot) error {
		return verdict(s.authorizeAttach(tx, sp))
	},
	ActLock: func(s *Session, tx *Tx, sp, _ *spot) error {
		return verdict(s.authorizeLock(tx, sp))
	},
	ActRemove: func(s *Session, tx *Tx, sp, _ *spot) error {
		return verdict(s.authorizeTree(tx, sp, opRemove))
	},
	ActCopy: func(s *Session, tx *Tx, sp, to *spot) error {
		_, _, err := s.authorizeCopy(tx, sp, to)
		if err == nil {
			err = apart(sp, to)
		}
		return err
	},
	ActMove: func(s *Session, tx *Tx, sp, to *spot) error {
		_, _, err := s.authorizeMove(tx, sp, to)
		if err == nil {
			err = apart(sp, to)
		}
		return err
	},
}

func single(o op) func(*Session, *Tx, *spot, *spot) error {
	return func(s *Session, tx *Tx, sp, _ *spot) error { return verdict(s.authorize(tx, sp, o)) }
}

func verdict(_ grant, err error) error { return err }

// tryRead: a collection that may not be read is still listed for who may know
// of it.
func (s *Session) tryRead(tx *Tx, sp, _ *spot) error {
	_, err := s.authorize(tx, sp, opOpen)
	var refused *Refused
	if errors.As(err, &refused) && sp.entry().Dir {
		_, err = s.authorize(tx, sp, opList)
	}
	return err
}

// tryWrite: who may not write a meeting that he is invited to may still answer there.
func (s *Session) tryWrite(tx *Tx, sp, _ *spot) error {
	_, refusal := s.authorizeWrite(tx, sp)
	if refusal == nil {
		return nil
	}
	invited, err := s.invitedTo(tx, sp)
	if err != nil {
		return err
	}
	if !invited {
		return refusal
	}
	judged := len(tx.trial.Judgements)
	if _, err := s.authorizeAnswer(tx, sp, refusal); err != nil {
		tx.trial.Judgements = tx.trial.Judgements[:judged] // the refusal to write decides
		return err
	}
	return nil
}

// Try has the gate itself answer what a request would come to, and does nothing
// else. The target is for ActCopy and ActMove.
func (o *Operator) Try(sub policy.Subject, act Act, p, to Path) (t Trial, err error) {
	decide, known := acts[act]
	if !known {
		return t, fmt.Errorf("no act %q: %w", act, ErrInvalid)
	}
	err = o.st.view(func(tx *Tx) error {
		t = Trial{}
		tx.trial, tx.now = &t, time.Unix(sub.Now, 0)
		s := &Session{st: o.st, trial: &sub, cred: Credential{User: sub.User, Link: sub.Link, Mask: sub.Mask, Spaces: sub.Spaces, Class: sub.Class}}
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		end := sp
		if act == ActCopy || act == ActMove {
			if end, err = s.resolve(tx, to); err != nil {
				return err
			}
		}
		asked := end.path
		if t.Err = decide(s, tx, sp, end); !isAnswer(t.Err) {
			return t.Err
		}
		t.Made = end.missing() > 0
		if !slices.Equal(asked, end.path) {
			t.Renamed = end.path
		}
		return nil
	})
	return t, err
}

// isAnswer tells what the gate says to clients from a fault of the store.
func isAnswer(err error) bool {
	var refused *Refused
	if err == nil || errors.As(err, &refused) {
		return true
	}
	for _, answer := range []error{ErrNotFound, ErrNoParent, ErrExists, ErrReserved, ErrIsDir, ErrLoop, ErrMisplaced, ErrNoObject} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// note keeps a judgement when the transaction is a trial.
func (s *Session) note(tx *Tx, sp *spot, d policy.Decision, by Ground, err error) {
	if tx.trial == nil {
		return
	}
	j := Judgement{Path: sp.path, Missing: sp.missing(), By: by, Err: err}
	if err != nil {
		j.By = ""
	}
	want := d.Wanted
	if want == 0 {
		want = policy.See // what needs no right still needs to be visible
	}
	if len(sp.nodes) > 0 {
		j.At = sp.place()
		j.Explanation = tx.state.Explain(s.subject(tx), sp.place(), want)
	}
	j.Wanted = want
	tx.trial.Judgements = append(tx.trial.Judgements, j)
}
