package auth

import (
	"context"
	"errors"
	"net/netip"
	"sync"
)

// A try is one secret for one name from one place.
type try struct {
	key  digest
	from netip.Prefix
}

// overlap merges the same try made several times at once. Clients open many
// connections and send their password on each: that is one computation, and if
// the password is wrong it is one failure.
type overlap struct {
	mu      sync.Mutex
	running map[try]*outcome
}

type outcome struct {
	done chan struct{}
	who  Identity
	err  error
}

// join calls f, or waits for the call that is running for the same try.
func (o *overlap) join(ctx context.Context, t try, f func() (Identity, error)) (Identity, error) {
	for {
		out, mine := o.claim(t)
		if mine {
			defer o.finish(t, out)
			out.who, out.err = f()
			return out.who, out.err
		}
		select {
		case <-ctx.Done():
			return Identity{}, ctx.Err()
		case <-out.done:
		}
		// Whoever went ahead and hung up while waiting has tried nothing.
		if !errors.Is(out.err, context.Canceled) && !errors.Is(out.err, context.DeadlineExceeded) {
			return out.who, out.err
		}
	}
}

// claim answers the running call, or a new one that is the caller's to finish.
func (o *overlap) claim(t try) (out *outcome, mine bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if out, ok := o.running[t]; ok {
		return out, false
	}
	if o.running == nil {
		o.running = make(map[try]*outcome)
	}
	// What the others hear if f does not return.
	out = &outcome{done: make(chan struct{}), err: ErrLogin}
	o.running[t] = out
	return out, true
}

func (o *overlap) finish(t try, out *outcome) {
	o.mu.Lock()
	delete(o.running, t)
	o.mu.Unlock()
	close(out.done)
}
