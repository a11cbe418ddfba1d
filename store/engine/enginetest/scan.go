package enginetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"davit/store/engine"
)

// dump writes a table as "key=value " in the order of the scan.
func dump(t *testing.T, r engine.Reader, table string) string {
	t.Helper()
	return dumpRange(t, r, table, string(table[0]+1))
}

func dumpRange(t *testing.T, r engine.Reader, lo, hi string) string {
	t.Helper()
	var out strings.Builder
	err := r.Scan([]byte(lo), []byte(hi), func(key, value []byte) bool {
		fmt.Fprintf(&out, "%s=%s ", key, value)
		return true
	})
	if err != nil {
		t.Errorf("scan %q to %q: %v", lo, hi, err)
	}
	return out.String()
}

func wantDump(t *testing.T, r engine.Reader, table, want string) {
	t.Helper()
	if got := dump(t, r, table); got != want {
		t.Errorf("table %s holds %q, want %q", table, got, want)
	}
}

func wantContent(t *testing.T, db engine.Engine, table, want string) {
	t.Helper()
	view(t, db, func(r engine.Reader) { wantDump(t, r, table, want) })
}

// testScan merges changes of every kind with what is stored.
func testScan(t *testing.T, db engine.Engine) {
	put(t, db, "Z9", "", "b", "0", "b1", "1", "b3", "3", "b5", "5", "c1", "")
	update(t, db, func(w engine.Writer) error {
		put := func(key, value string) { w.Put([]byte(key), []byte(value)) }
		put("b6", "new last")
		put("b3", "changed")
		put("b2", "new")
		put("b4", "new and gone")
		w.Delete([]byte("b4"))
		w.Delete([]byte("b1"))
		put("c0", "another table")
		wantDump(t, w, "b", "b=0 b2=new b3=changed b5=5 b6=new last ")
		for _, row := range []struct{ lo, hi, want string }{
			{"b2", "b5", "b2=new b3=changed "},
			{"b2\x00", "b5\x00", "b3=changed b5=5 "},
			{"b7", "bz", ""},
			{"b5", "b2", ""},
			{"b3", "b3", ""},
			{"x", "y", ""},
		} {
			if got := dumpRange(t, w, row.lo, row.hi); got != row.want {
				t.Errorf("scan %q to %q: %q, want %q", row.lo, row.hi, got, row.want)
			}
		}
		for n, want := range []string{"b", "b2", "b3", "b5", "b6"} {
			var last string
			w.Scan([]byte("b"), []byte("c"), func(key, _ []byte) bool {
				last = string(key)
				n--
				return n >= 0
			})
			if last != want {
				t.Errorf("a scan told to stop at %s stopped at %s", want, last)
			}
		}
		return nil
	})
	wantContent(t, db, "b", "b=0 b2=new b3=changed b5=5 b6=new last ")
	view(t, db, func(r engine.Reader) {
		for _, bounds := range [][2]string{{"", "b"}, {"b", ""}, {"b", "c1"}, {"b", "d"}, {"b", "a"}} {
			if r.Scan([]byte(bounds[0]), []byte(bounds[1]), func(_, _ []byte) bool { return true }) == nil {
				t.Errorf("scan %q leaves its table without an error", bounds)
			}
		}
	})
}

// testScanWhileChanging moves each entry from within the scan that finds it.
func testScanWhileChanging(t *testing.T, db engine.Engine) {
	put(t, db, "a1", "1", "a3", "3")
	update(t, db, func(w engine.Writer) error {
		w.Put([]byte("a2"), []byte("2"))
		var seen []string
		err := w.Scan([]byte("a"), []byte("b"), func(key, value []byte) bool {
			seen = append(seen, string(key))
			w.Put(append([]byte("az"), key...), value)
			w.Put([]byte("a3"), []byte("changed ahead of the scan"))
			w.Delete(key)
			return true
		})
		if want := []string{"a1", "a2", "a3"}; !slices.Equal(seen, want) {
			t.Errorf("scan saw %q, want %q", seen, want)
		}
		return err
	})
	wantContent(t, db, "a", "aza1=1 aza2=2 aza3=3 ")
}

// testModel runs random closures in random groups against plain maps.
func testModel(t *testing.T, db engine.Engine) {
	const groups, closuresMax, stepsMax = 60, 6, 12
	random := newRand(t)
	model := map[string]string{}
	for range groups {
		closures := make([]func(engine.Writer) error, 1+random.IntN(closuresMax))
		fails := make([]bool, len(closures))
		for i := range closures {
			fails[i] = random.IntN(4) == 0
			closures[i] = func(w engine.Writer) error {
				changed := maps.Clone(model)
				for range random.IntN(stepsMax) {
					step(t, random, w, changed)
				}
				if fails[i] {
					return errRefused
				}
				model = changed
				return nil
			}
		}
		for i, err := range together(t, db, closures...) {
			if (err != nil) != fails[i] {
				t.Fatalf("closure: %v, should fail: %t", err, fails[i])
			}
		}
		view(t, db, func(r engine.Reader) { compare(t, r, model, "a", "b") })
		view(t, db, func(r engine.Reader) { compare(t, r, model, "b", "c") })
		if t.Failed() {
			return
		}
	}
}

// step does one random thing to w and model, which agree before and after.
func step(t *testing.T, random *rand.Rand, w engine.Writer, model map[string]string) {
	key := randomKey(random)
	switch random.IntN(6) {
	case 0, 1, 2:
		value := strings.Repeat(string(rune('a'+random.IntN(26))), random.IntN(1500))
		model[key] = value
		if err := w.Put([]byte(key), []byte(value)); err != nil {
			t.Error(err)
		}
	case 3:
		delete(model, key)
		if err := w.Delete([]byte(key)); err != nil {
			t.Error(err)
		}
	case 4:
		want, present := model[key]
		if got, err := w.Get([]byte(key)); string(got) != want || (got != nil) != present || err != nil {
			t.Errorf("get %s: %q, %v, want %q", key, got, err, want)
		}
	case 5:
		other := randomKey(random)
		compare(t, w, model, key, key[:1]+other[1:])
	}
}

// randomKey picks from few keys, so that closures meet.
func randomKey(random *rand.Rand) string {
	return string("ab"[random.IntN(2)]) + fmt.Sprintf("%02d", random.IntN(40))
}

func compare(t *testing.T, r engine.Reader, model map[string]string, lo, hi string) {
	t.Helper()
	var want strings.Builder
	for _, key := range slices.Sorted(maps.Keys(model)) {
		if lo <= key && key < hi {
			fmt.Fprintf(&want, "%s=%s ", key, model[key])
		}
	}
	if got := dumpRange(t, r, lo, hi); got != want.String() {
		t.Errorf("scan %q to %q:\ngot  %q\nwant %q", lo, hi, got, want.String())
	}
}
