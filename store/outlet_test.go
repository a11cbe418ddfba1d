package store

import (
	"testing"
)

// Under another key nobody is told the token of a published calendar, and the link that
// it is of goes on.
func TestPublishedUnderAnotherKey(t *testing.T) {
	of := newOffice(t, Options{}, "mia")
	must(t, of.as("mia").BeginCalendars(ctx))
	calendar := Path{"~mia", "calendar"}.Calendars()
	must(t, of.as("mia").Publish(ctx, calendar, Terms{}))
	told := func() string {
		t.Helper()
		info, err := of.as("mia").Stat(calendar, Want{Published: true})
		must(t, err)
		return info.Published
	}
	token := told()
	of.reopen()
	if got := told(); got == "" || got != token {
		t.Fatalf("over a restart: %q, not %q", got, token)
	}
	must(t, of.st.update(ctx, 0, func(tx *Tx) error { return tx.w.Delete(keySeal) }))
	of.reopen()
	if got := told(); got != "" {
		t.Errorf("told %q under another key", got)
	}
	if _, err := of.st.Link(tokenSum(token)); err != nil {
		t.Errorf("the link: %v", err)
	}
}

// A token that is kept with the link of another opens nothing, and the check tells of
// one that is not its link's.
func TestPublishedTokenOfAnother(t *testing.T) {
	of := newOffice(t, Options{}, "mia")
	must(t, of.as("mia").BeginCalendars(ctx))
	calendar := Path{"~mia", "calendar"}.Calendars()
	must(t, of.as("mia").Publish(ctx, calendar, Terms{}))
	id := of.st.Policy().Shares()[0].ID
	kept := func(use string) {
		must(t, of.st.update(ctx, 0, func(tx *Tx) error { return tx.w.Put(outletKey(id), tx.st.sealer.lock(use, []byte("other"))) }))
	}
	kept(outletUse(id + 1))
	if info, err := of.as("mia").Stat(calendar, Want{Published: true}); err != nil || info.Published != "" {
		t.Errorf("told %q (%v)", info.Published, err)
	}
	kept(outletUse(id))
	found, err := of.st.Check(ctx)
	if must(t, err); len(found.Faults) != 1 {
		t.Errorf("the check found %q", found.Faults)
	}
	must(t, of.as("mia").Unpublish(ctx, calendar, Terms{}))
}
