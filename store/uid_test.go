package store

import (
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// TestUIDList holds the list to looking at one UID after the other.
func TestUIDList(t *testing.T) {
	r := random(t)
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "abAB-\xc3\xa4"[r.IntN(7)]
		}
		return string(b)
	}
	for range 500 {
		l, all := &uidList{}, make([]string, 1+r.IntN(20))
		for i := range all {
			all[i] = text(1 + r.IntN(6))
			l.add([]byte(all[i]), policy.Node(i))
		}
		for range 20 {
			wanted := text(1 + r.IntN(4))
			for _, anyCase := range []bool{false, true} {
				var want []policy.Node
				for i, uid := range all {
					if strings.Contains(uid, wanted) || anyCase && strings.Contains(string(lowerASCII([]byte(uid))), string(lowerASCII([]byte(wanted)))) {
						want = append(want, policy.Node(i))
					}
				}
				if got := l.with(wanted, anyCase); !slices.Equal(got, want) {
					t.Fatalf("%q in %q, any case %t: %v, want %v", wanted, all, anyCase, got, want)
				}
			}
		}
	}
}

// TestUIDsKept: a list that is kept answers until a member of the calendar changes,
// and all lists together stay small.
func TestUIDsKept(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	mia := of.as("mia")
	if err := mia.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	home := cal("~mia", "calendar")
	put := func(name string) {
		t.Helper()
		if err := of.putObject(mia, append(slices.Clip(home), name), Object{UID: name, Component: "VEVENT", Extent: day(3, 9, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	info, err := mia.Stat(home, Want{})
	if err != nil {
		t.Fatal(err)
	}
	of.st.uids.put(info.Node, &uidList{tally: info.Tally})
	of.wantFound(mia, home, Search{UID: "one"}) // by the list, which has nothing
	put("two")
	of.wantFound(mia, home, Search{UID: "one"}, "one")
	of.wantFound(mia, home, Search{UID: "o"}, "one", "two")
	of.wantFound(mia, home, Search{UID: "ONE"})
	of.wantFound(mia, home, Search{UID: "ONE", AnyCase: true}, "one")

	kept := &of.st.uids
	for i := range 10 {
		kept.put(policy.Node(i), &uidList{text: make([]byte, uidsKeptMax/4)})
		if kept.size > uidsKeptMax {
			t.Fatal("the lists take ", kept.size)
		}
	}
	kept.put(100, &uidList{text: make([]byte, uidsKeptMax+1)})
	if kept.get(100, 0) != nil {
		t.Error("a list is kept that is too large")
	}
	sum := 0
	for _, l := range kept.lists {
		sum += l.size()
	}
	if sum != kept.size {
		t.Errorf("the lists take %d, counted as %d", sum, kept.size)
	}
}
