package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slow makes every computation last until the channel is closed, and keeps count
// of how many are under way.
func (h *house) slow() (release chan struct{}, most *atomic.Int64) {
	release, most = make(chan struct{}), new(atomic.Int64)
	derive := h.work.derive
	var now atomic.Int64
	h.work.derive = func(secret string, p phc) []byte {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-release
		now.Add(-1)
		return derive(secret, p)
	}
	return release, most
}

func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Options{AddressFailures: 1000})
		release, most := h.slow()
		var busy, refused atomic.Int64
		var wg sync.WaitGroup
		const flood = 3 * workWaiting
		for i := range flood {
			wg.Go(func() {
				switch _, err := h.Basic(t.Context(), fmt.Sprint("nobody", i), "wrong password", street); err {
				case ErrBusy:
					busy.Add(1)
				case ErrLogin:
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if err := h.SetPassword(t.Context(), mia, "a boat on the sea"); err != ErrBusy {
			t.Errorf("a new password in the flood: %v, want ErrBusy", err)
		}
		close(release)
		wg.Wait()
		if most.Load() != workAtOnce {
			t.Errorf("%d computations at once, want %d", most.Load(), workAtOnce)
		}
		if want := int64(workAtOnce + workWaiting); refused.Load() != want || busy.Load() != flood-want {
			t.Errorf("%d were tried and %d told to come back, want %d and %d", refused.Load(), busy.Load(), want, flood-want)
		}
		h.in("mia", miasPassword, office)
	})
}

// A flood from one address is cut off once that is locked, also what waits of it.
func TestFloodFromOneAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Options{})
		release, _ := h.slow()
		var wg sync.WaitGroup
		for i := range workWaiting {
			wg.Go(func() { h.out(fmt.Sprint("nobody", i), "wrong password", street) })
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if got := h.runs.Load(); got > addressFailures+workAtOnce-1 {
			t.Errorf("%d computations for a locked address, want about %d", got, addressFailures)
		}
	})
}

// A locked address does not even wait, so it cannot fill the queue.
func TestLockedAddressDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Options{AddressFailures: 1})
		h.out("nobody", "wrong password", street)
		release, _ := h.slow()
		var wg sync.WaitGroup
		for i := range workAtOnce {
			wg.Go(func() { h.out(fmt.Sprint("nobody", i), "wrong password", office) })
		}
		synctest.Wait()
		h.out("mia", miasPassword, street)
		close(release)
		wg.Wait()
	})
}

func TestWaitingObeysTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Options{})
		release, _ := h.slow()
		var wg sync.WaitGroup
		for i := range workAtOnce {
			wg.Go(func() { h.out(fmt.Sprint("nobody", i), "wrong password", street) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Basic(ctx, "mia", miasPassword, office); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if n := h.work.waiting.Load(); n != 0 {
			t.Errorf("%d still wait", n)
		}
		close(release)
		wg.Wait()
		if _, err := h.Basic(ctx, "mia", miasPassword, office); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v although the context is over", err)
		}
	})
}

// Clients open several connections and send the same on each.
func TestOverlappingTriesAreOne(t *testing.T) {
	for secret, want := range map[string]error{miasPassword: nil, "wrong password": ErrLogin} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, Options{})
			release, _ := h.slow()
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					if _, err := h.Basic(t.Context(), "mia", secret, office); err != want {
						t.Errorf("%q: %v, want %v", secret, err, want)
					}
				})
			}
			synctest.Wait()
			close(release)
			wg.Wait()
			if h.runs.Load() != 1 {
				t.Errorf("%q: %d computations, want 1", secret, h.runs.Load())
			}
			if want == ErrLogin && h.store.lockouts[accountKey(mia)].Failures != 1 {
				t.Errorf("%+v, want 1 failure", h.store.lockouts)
			}
			if len(h.overlap.running) != 0 {
				t.Error("a finished try is kept")
			}
		})
	}
}

// Whoever goes ahead and hangs up in the queue leaves the try to the next.
func TestOverlapSurvivesHangingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, Options{})
		release, _ := h.slow()
		var wg sync.WaitGroup
		for i := range workAtOnce {
			wg.Go(func() { h.out(fmt.Sprint("nobody", i), "wrong password", street) })
		}
		synctest.Wait()
		first, hangUp := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := h.Basic(first, "mia", miasPassword, office); !errors.Is(err, context.Canceled) {
				t.Errorf("who hung up got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { h.in("mia", miasPassword, office) })
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Basic(impatient, "mia", miasPassword, office); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who waited for another got %v, want %v", err, context.DeadlineExceeded)
		}
		hangUp()
		synctest.Wait()
		close(release)
		wg.Wait()
	})
}
