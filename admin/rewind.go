package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"davit/store"
)

// Operations that make a space or folder what it was. They ask in the name of who
// acts, as far as that account may; the operator arranges all of it and reads none.
var (
	PlanRewind = define("rewind.plan", anybody, (*Admin).PlanRewind)
	Rewind     = define("rewind", anybody, (*Admin).Rewind)
)

// Backwards says what is to be what it was when.
type Backwards struct {
	Path    string    `json:"path"` // of the moment
	At      time.Time `json:"at"`
	Partial bool      `json:"partial,omitempty"` // without what cannot be as it was
}

// A Rewound is what it takes, or took, to make something what it was.
type Rewound struct {
	Path  string       `json:"path"`
	At    time.Time    `json:"at"`
	Steps []RewindStep `json:"steps"`
	Lost  []Lost       `json:"lost"`           // what cannot be as it was
	Parts int          `json:"parts"`          // transactions that it took, 0 when nothing was done
	Undo  *time.Time   `json:"undo,omitempty"` // the moment that undoes it
}

// A RewindStep is one thing that is done.
type RewindStep struct {
	Do   string `json:"do"`             // "bring back", "move back", "remove", "restore content"
	Path string `json:"path"`           // where it is afterwards; of what is removed, where it was
	From string `json:"from,omitempty"` // where it was before
}

// A Lost is something that cannot be as it was.
type Lost struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// lostNamed is how many lost things the text of an error names.
const lostNamed = 5

// PlanRewind tells what it takes, and does nothing.
func (a *Admin) PlanRewind(_ context.Context, b Backwards) (Rewound, error) {
	p, err := ParsePath(b.Path)
	if err != nil {
		return Rewound{}, err
	}
	done, err := a.op.PlanRewind(p, b.At)
	return b.told(p, done), b.explained(err, done)
}

// Rewind makes a space or folder what it was: what was made since goes into the
// trash, what was deleted comes back from there, what was moved goes back, and
// files get the versions that they had.
func (a *Admin) Rewind(ctx context.Context, b Backwards) (Rewound, error) {
	p, err := ParsePath(b.Path)
	if err != nil {
		return Rewound{}, err
	}
	var done store.Rewound
	if b.Partial {
		done, err = a.op.RewindPartly(ctx, p, b.At)
	} else {
		done, err = a.op.Rewind(ctx, p, b.At)
	}
	return b.told(p, done), b.explained(err, done)
}

func (b Backwards) told(p store.Path, done store.Rewound) Rewound {
	r := Rewound{Path: p.String(), At: b.At.UTC(), Steps: make([]RewindStep, len(done.Steps)), Lost: make([]Lost, len(done.Lost)), Parts: done.Parts}
	for i, s := range done.Steps {
		step := RewindStep{Do: string(s.Do), Path: s.From.String()}
		if s.Path != nil {
			step.Path = s.Path.String()
		}
		if s.Do == store.RewindBack || s.Do == store.RewindMove {
			step.From = s.From.String()
		}
		r.Steps[i] = step
	}
	for i, l := range done.Lost {
		r.Lost[i] = Lost{l.Path.String(), string(l.Why)}
	}
	if !done.Undo.IsZero() {
		undo := done.Undo.UTC()
		r.Undo = &undo
	}
	return r
}

// explained says of an error what to do about it.
func (b Backwards) explained(err error, done store.Rewound) error {
	var horizon *store.HorizonError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &horizon):
		return notFound("", "%s: %s", b.Path, horizon)
	case errors.Is(err, store.ErrLost):
		var named []string
		for _, l := range done.Lost[:min(lostNamed, len(done.Lost))] {
			named = append(named, fmt.Sprintf("%s: %s", l.Path, l.Why))
		}
		if more := len(done.Lost) - len(named); more > 0 {
			named = append(named, fmt.Sprintf("and %d more", more))
		}
		return conflict("see all of it with --dry-run, or do the rest with --partial", "nothing was done: %s", strings.Join(named, "; "))
	case errors.Is(err, store.ErrNotDir):
		return invalid("davit versions restore "+b.Path+" VERSION", "%s was a file: name a folder or space", clip(b.Path))
	case done.Parts > 0:
		return &Error{Failed, fmt.Sprintf("broken off after %d transactions: %v", done.Parts, err), "the same command does the rest"}
	case tell(err).(*Error).Kind == NotFound && len(done.Steps) == 0:
		return notFound("", "%s: nothing was there then", clip(b.Path))
	}
	return err
}
