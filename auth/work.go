package auth

import (
	"context"
	"sync/atomic"
)

const (
	// workAtOnce bounds the memory of passwords being checked: 19 MiB each.
	workAtOnce = 2
	// workWaiting bounds who waits for that; at 45 ms each the last of them waits
	// less than BusyRetrySeconds.
	workWaiting = 64
)

// work is the costly part of checking passwords, done by few at a time so that a
// flood of bad sign-ins takes neither all memory nor all processors.
type work struct {
	slots   chan struct{}
	waiting atomic.Int64
	// derive is argon2id; tests count here.
	derive func(secret string, h phc) []byte
	// decoy is what an account without a password is checked against: the same
	// cost, and no secret that fits.
	decoy phc
}

func newWork() *work {
	return &work{
		slots:  make(chan struct{}, workAtOnce),
		derive: argon2id,
		decoy:  phc{current, random(saltSize), random(sumSize)},
	}
}

// enter waits for a turn, until the context ends; leave gives it back.
func (w *work) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	leave = func() { <-w.slots }
	select {
	case w.slots <- struct{}{}:
		return leave, nil
	default:
	}
	defer w.waiting.Add(-1)
	if w.waiting.Add(1) > workWaiting {
		return nil, ErrBusy
	}
	select {
	case w.slots <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// matches tells whether secret is the one behind what is stored. It does the work of one
// computation also when there is nothing to compare with.
func (w *work) matches(stored, secret string) (bool, error) {
	h := w.decoy
	if stored != "" {
		var err error
		if h, err = parsePHC(stored); err != nil {
			return false, err
		}
	}
	return equal(w.derive(secret, h), h.sum) && stored != "", nil
}

// hash makes the stored form of a new password.
func (w *work) hash(secret string) phc {
	h := phc{current, random(saltSize), make([]byte, sumSize)}
	h.sum = w.derive(secret, h)
	return h
}
