package policy_test

import (
	"errors"
	"testing"

	"davit/policy"
)

// TestKeeping: a space keeps things for fewer days than the instance, never for more.
func TestKeeping(t *testing.T) {
	w := newOrganisation(t)
	for _, row := range []struct{ instance, space, want int64 }{
		{30, 0, 30}, {30, 7, 7}, {30, 90, 30}, {0, 7, 7}, {0, 0, 0}, {7, 7, 7},
	} {
		set := w.state.Settings()
		set.TrashDays, set.VersionDays = row.instance, row.instance
		sp := *w.state.Space(w.id("space:team"))
		sp.TrashDays, sp.VersionDays, sp.FileDays = row.space, row.space, row.space
		w.apply(policy.PutSettings{Settings: set}, policy.PutSpace{Space: sp})
		if got, want := w.state.Keeping(sp.ID), (policy.Keeping{Trash: row.want, Versions: row.want, Files: row.space}); got != want {
			t.Errorf("%d days in the instance, %d in the space: %+v, want %+v", row.instance, row.space, got, want)
		}
		if got, want := w.state.Keeping(4711), (policy.Keeping{Trash: row.instance, Versions: row.instance}); got != want {
			t.Errorf("of no space: %+v, want %+v", got, want)
		}
	}
}

// TestKeepingIsBounded: also in a drive, which keeps things as the instance does.
func TestKeepingIsBounded(t *testing.T) {
	w := newOrganisation(t)
	fields := map[string]func(*policy.Space) *int64{
		"trash":    func(sp *policy.Space) *int64 { return &sp.TrashDays },
		"versions": func(sp *policy.Space) *int64 { return &sp.VersionDays },
		"files":    func(sp *policy.Space) *int64 { return &sp.FileDays },
	}
	for name, field := range fields {
		for days, ok := range map[int64]bool{-1: false, 0: true, 1: true, 36500: true, 36501: false} {
			sp := *w.state.Space(w.id("space:team"))
			*field(&sp) = days
			if err := w.try(policy.PutSpace{Space: sp}); ok && err != nil || !ok && !errors.Is(err, policy.ErrInvalid) {
				t.Errorf("%s for %d days: %v", name, days, err)
			}
		}
		for _, sp := range w.state.Spaces() {
			if sp.Kind != policy.Personal {
				continue
			}
			drive := *sp
			*field(&drive) = 1
			if err := w.try(policy.PutSpace{Space: drive}); !errors.Is(err, policy.ErrInvalid) {
				t.Errorf("%s of a drive: %v", name, err)
			}
		}
	}
}

// TestKeepingNeedsPurge: fewer days end for ever what is there.
func TestKeepingNeedsPurge(t *testing.T) {
	w := newOrganisation(t)
	sp := *w.state.Space(w.id("space:team"))
	who := policy.Subject{User: w.id("user:max"), Mask: policy.All}
	for _, row := range []struct {
		held policy.Rights
		ok   bool
	}{{policy.See | policy.Manage, false}, {policy.See | policy.Purge, false}, {policy.See | policy.Manage | policy.Purge, true}} {
		w.apply(policy.SetLevel{Space: sp.ID, Entry: policy.Entry{Principal: who.User, Allow: row.held}})
		for name, field := range map[string]func(*policy.Space){
			"trash":    func(sp *policy.Space) { sp.TrashDays = 1 },
			"versions": func(sp *policy.Space) { sp.VersionDays = 1 },
			"files":    func(sp *policy.Space) { sp.FileDays = 1 },
		} {
			next := *w.state.Space(sp.ID)
			field(&next)
			if _, _, err := w.state.ApplyAs(who, policy.PutSpace{Space: next}); row.ok && err != nil || !row.ok && !errors.Is(err, policy.ErrForbidden) {
				t.Errorf("days of %s by who holds %s: %v", name, row.held, err)
			}
		}
	}
	w.apply(policy.SetLevel{Space: sp.ID, Entry: policy.Entry{Principal: who.User, Allow: policy.See | policy.Manage}})
	next := *w.state.Space(sp.ID)
	next.Name = "Crew"
	if _, _, err := w.state.ApplyAs(who, policy.PutSpace{Space: next}); err != nil {
		t.Errorf("another name by who manages: %v", err)
	}
}
