package policy_test

import (
	"errors"
	"testing"
	"time"

	"davit/policy"
)

// TestOwnHour: an hour unless the space sets another, up to a day, or none.
func TestOwnHour(t *testing.T) {
	w := newOrganisation(t)
	space := func() policy.Space { return *w.state.Space(w.id("space:team")) }
	if got := w.state.OwnHour(w.id("space:team")); got != time.Hour {
		t.Errorf("unset, it is %s", got)
	}
	if got := w.state.OwnHour(4711); got != 0 {
		t.Errorf("of no space, it is %s", got)
	}
	for seconds, ok := range map[int64]bool{-1: false, 0: true, 1: true, 24 * 60 * 60: true, 24*60*60 + 1: false} {
		sp := space()
		sp.OwnHour = &seconds
		err := w.try(policy.PutSpace{Space: sp})
		if ok && err != nil || !ok && !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%d seconds: %v", seconds, err)
		}
		if got := w.state.OwnHour(sp.ID); ok && got != time.Duration(seconds)*time.Second {
			t.Errorf("%d seconds became %s", seconds, got)
		}
	}
	hour := int64(60)
	sp := space()
	sp.OwnHour = &hour
	w.apply(policy.PutSpace{Space: sp})
	if hour = 7200; w.state.OwnHour(sp.ID) != time.Minute {
		t.Error("the state keeps what its caller holds")
	}
	sp.OwnHour = nil
	if w.apply(policy.PutSpace{Space: sp}); w.state.OwnHour(sp.ID) != time.Hour {
		t.Error("it cannot be unset")
	}
}
