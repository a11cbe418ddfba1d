package store_test

import (
	"context"
	"testing"
	"time"

	"davit/store"
)

// TestQuietAddressesAreForgotten: what is counted of addresses ends a day after
// the last failure, what is counted of accounts does not, nor a lock in force.
func TestQuietAddressesAreForgotten(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	if err := store.Init(dir, store.Options{}); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(dir, store.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	old, long := now.Add(-25*time.Hour), now.Add(time.Hour)
	for key, l := range map[string]store.Lockout{
		"addr:10.0.0.1": {Failures: 3, Last: old},
		"addr:10.0.0.2": {Failures: 3, Last: now},
		"addr:10.0.0.3": {Failures: 30, Last: old, Until: long},
		"account:17":    {Failures: 9, Last: old},
	} {
		if err := st.SetLockout(context.Background(), key, l); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Collect(context.Background(), time.Hour); err != nil {
		t.Fatal(err)
	}
	for key, kept := range map[string]bool{"addr:10.0.0.1": false, "addr:10.0.0.2": true, "addr:10.0.0.3": true, "account:17": true} {
		if l, err := st.Lockout(key); err != nil || (l.Failures > 0) != kept {
			t.Errorf("%s: %+v, %v", key, l, err)
		}
	}
	if found, err := st.Check(context.Background()); err != nil || len(found.Faults) > 0 {
		t.Errorf("%v, %v", found.Faults, err)
	}
}
