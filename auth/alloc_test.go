//go:build !race

package auth

import "testing"

// Not under the race detector, where sync.Pool drops things at random.
func TestRememberedAllocatesNothing(t *testing.T) {
	h := newHouse(t, Options{})
	h.in("mia", miasPassword, office)
	if n := testing.AllocsPerRun(100, func() { h.in("mia", miasPassword, office) }); n > 0 {
		t.Errorf("%v allocations for a remembered credential, want none", n)
	}
}
