package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/policy"
)

// everything asks for all that changed since a token.
func everything(t testing.TB, s *Session, p Path, since string) SyncPage {
	t.Helper()
	page, err := s.Changes(p, SyncQuery{Since: since, Deep: true, Limit: math.MaxInt})
	if err != nil || page.More {
		t.Fatalf("changes of %s: %v, more %t", p, err, page.More)
	}
	return page
}

// told is a page in short: "a/b", "-c".
func toldBy(page SyncPage) string {
	var names []string
	for _, m := range page.Members {
		name := strings.Join(m.Path, "/")
		if m.Gone {
			name = "-" + name
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func write(t testing.TB, s *Session, p Path, content string) {
	t.Helper()
	u, err := s.Begin(p, int64(len(content)), Terms{})
	if err == nil {
		if _, err = u.Write([]byte(content)); err == nil {
			_, _, err = u.Commit(ctx, Meta{})
		}
	}
	must(t, err)
}

func mkdirs(t testing.TB, s *Session, paths ...Path) {
	t.Helper()
	for _, p := range paths {
		_, err := s.Mkdir(ctx, p, Terms{})
		must(t, err)
	}
}

// What happens to a saved document: it is one change, wherever its content went.
func TestSyncOfSaves(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=contributor")
	mia, team := of.as("mia"), Path{"Team"}
	write(t, mia, Path{"Team", "doc"}, "1")
	token := everything(t, mia, team, "").Token
	for _, row := range []struct {
		name string
		do   func()
		want string
	}{
		{"a temporary file over it", func() {
			write(t, mia, Path{"Team", "tmp"}, "2")
			_, err := mia.Move(ctx, Path{"Team", "tmp"}, Path{"Team", "doc"}, true, Terms{})
			must(t, err)
		}, "doc -tmp"},
		{"moved aside", func() {
			_, err := mia.Move(ctx, Path{"Team", "doc"}, Path{"Team", "doc~"}, false, Terms{})
			must(t, err)
		}, "-doc doc~"},
		{"written anew, and the backup gone", func() {
			write(t, mia, Path{"Team", "doc"}, "3")
			of.level("Team", "mia", "editor")
			must(t, mia.Remove(ctx, Path{"Team", "doc~"}, Terms{}))
		}, "doc -doc~"},
	} {
		row.do()
		page := everything(t, mia, team, token)
		if got := toldBy(page); got != row.want {
			t.Errorf("%s: %q instead of %q", row.name, got, row.want)
		}
		token = page.Token
	}
}

// A collection that was in another space and is back may have changed there, and
// nobody logged it here: then all is told anew.
func TestSyncOfWhatWasAway(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=manager", "Other mia=manager")
	mia, team := of.as("mia"), Path{"Team"}
	mkdirs(t, mia, Path{"Team", "a"}, Path{"Team", "a", "b"})
	write(t, mia, Path{"Team", "a", "x"}, "1")
	token := everything(t, mia, team, "").Token
	move := func(from, to Path) {
		_, err := mia.Move(ctx, from, to, true, Terms{})
		must(t, err)
	}
	move(Path{"Team", "a"}, Path{"Other", "a"})
	move(Path{"Other", "a", "x"}, Path{"Other", "a", "y"})
	if got := toldBy(everything(t, mia, team, token)); got != "-a" {
		t.Errorf("moved away: %q", got)
	}
	move(Path{"Other", "a"}, Path{"Team", "a"})
	if _, err := mia.Changes(team, SyncQuery{Since: token, Deep: true, Limit: 10}); !errors.Is(err, ErrSyncToken) {
		t.Errorf("back again: %v", err)
	}
	if page, err := mia.Changes(team, SyncQuery{Since: token, Limit: 10}); err != nil || toldBy(page) != "a" {
		t.Errorf("back again, without what is below: %q, %v", toldBy(page), err)
	}
}

// A sight with more exceptions than a token holds counts as long as it is the
// same.
func TestSyncOfLongSights(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=manager max=viewer")
	mia, max, team := of.as("mia"), of.as("max"), Path{"Team"}
	var walls []policy.Change
	for i := range tokenSightMax + 1 {
		p := Path{"Team", fmt.Sprint("f", i)}
		mkdirs(t, mia, p)
		at, _, err := of.st.Operator().Place(p)
		must(t, err)
		walls = append(walls, policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("max"), Deny: policy.See}})
	}
	change := func(changes ...policy.Change) {
		t.Helper()
		must(t, of.st.Operator().Change(ctx, func(*policy.State) ([]policy.Change, error) { return changes, nil }))
	}
	change(walls[:tokenSightMax-1]...)
	whole := everything(t, max, team, "")
	change(walls[tokenSightMax-1:]...)
	if got := toldBy(everything(t, max, team, whole.Token)); got != "-f499 -f500" {
		t.Errorf("from a token that holds its sight: %q", got)
	}
	long := everything(t, max, team, "")
	write(t, mia, Path{"Team", "x"}, "1")
	if got := toldBy(everything(t, max, team, long.Token)); got != "x" {
		t.Errorf("while the sight is the same: %q", got)
	}
	change(policy.ClearEntries{Node: walls[0].(policy.SetEntry).At.Path[1]})
	if _, err := max.Changes(team, SyncQuery{Since: long.Token, Deep: true, Limit: 10}); !errors.Is(err, ErrSyncToken) {
		t.Errorf("when it is another: %v", err)
	}
	if len(long.Token) > len(whole.Token) {
		t.Errorf("a token of a longer sight has %d characters, of a shorter one %d", len(long.Token), len(whole.Token))
	}
}

// What came and went between the pages of an answer is told after them.
func TestSyncOfPages(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=manager max=viewer")
	mia, max, team := of.as("mia"), of.as("max"), Path{"Team"}
	for _, name := range []string{"a", "b", "c"} {
		write(t, mia, Path{"Team", name}, name)
	}
	page, err := max.Changes(team, SyncQuery{Limit: 1})
	if err != nil || toldBy(page) != "a" || !page.More {
		t.Fatalf("first page: %q %t %v", toldBy(page), page.More, err)
	}
	// Made and gone between the pages, after the place where they are.
	write(t, mia, Path{"Team", "bb"}, "short")
	second, err := max.Changes(team, SyncQuery{Since: page.Token, Limit: 2})
	if err != nil || toldBy(second) != "b bb" {
		t.Fatalf("second page: %q %v", toldBy(second), err)
	}
	must(t, mia.Remove(ctx, Path{"Team", "bb"}, Terms{}))
	last, err := max.Changes(team, SyncQuery{Since: second.Token, Limit: 2})
	if err != nil || toldBy(last) != "c" || last.More {
		t.Fatalf("last page: %q %v", toldBy(last), err)
	}
	of.level("Team", "mia", "editor") // another policy: what came and went is told all the same
	if got := toldBy(everything(t, max, team, last.Token)); got != "-bb" {
		t.Errorf("after the last page: %q", got)
	}
	// Pages that began for other eyes do not go on.
	of.level("Team", "max", "none")
	if _, err := max.Changes(team, SyncQuery{Since: second.Token, Limit: 2}); !errors.Is(err, ErrNotFound) {
		t.Errorf("hidden: %v", err)
	}
	of.level("Team", "max", "viewer")
	at, _, err := of.st.Operator().Place(Path{"Team", "c"})
	must(t, err)
	must(t, of.st.Operator().Change(ctx, func(*policy.State) ([]policy.Change, error) {
		return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("max"), Deny: policy.See}}}, nil
	}))
	if _, err := max.Changes(team, SyncQuery{Since: second.Token, Limit: 2}); !errors.Is(err, ErrSyncToken) {
		t.Errorf("for other eyes: %v", err)
	}
}

// Who was away between two pages, and sees now what he saw before, begins anew: what
// came and went meanwhile is none of his business.
func TestSyncOfPagesApart(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia max", "Team mia=editor max=viewer")
	mia, max, team := of.as("mia"), of.as("max"), Path{"Team"}
	for _, name := range []string{"a", "b", "c"} {
		write(t, mia, Path{"Team", name}, name)
	}
	first, err := max.Changes(team, SyncQuery{Limit: 1})
	must(t, err)
	of.level("Team", "max", "none")
	of.level("Team", "max", "viewer")
	second, err := max.Changes(team, SyncQuery{Since: first.Token, Limit: 1})
	if err != nil || toldBy(second) != "b" {
		t.Fatalf("away while nothing happened: %q %v", toldBy(second), err)
	}
	of.level("Team", "max", "none")
	write(t, mia, Path{"Team", "secret"}, "x")
	must(t, mia.Remove(ctx, Path{"Team", "secret"}, Terms{}))
	of.level("Team", "max", "viewer")
	if page, err := max.Changes(team, SyncQuery{Since: second.Token, Limit: 1}); !errors.Is(err, ErrSyncToken) {
		t.Errorf("away while something happened: %q %v", toldBy(page), err)
	}
}

// What moves out of the way of the pages and back is told whole: the client has it
// nowhere.
func TestSyncOfTheRestless(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	mia, team := of.as("mia"), Path{"Team"}
	mkdirs(t, mia, Path{"Team", "d"})
	for _, p := range []Path{{"Team", "a"}, {"Team", "d", "x"}, {"Team", "e"}} {
		write(t, mia, p, "1")
	}
	move := func(from, to Path) {
		_, err := mia.Move(ctx, from, to, false, Terms{})
		must(t, err)
	}
	page, err := mia.Changes(team, SyncQuery{Deep: true, Limit: 1})
	if err != nil || toldBy(page) != "a" {
		t.Fatalf("first page: %q %v", toldBy(page), err)
	}
	move(Path{"Team", "d"}, Path{"Team", "0"})
	rest := everything(t, mia, team, page.Token)
	if got := toldBy(rest); got != "e" {
		t.Fatalf("the rest: %q", got)
	}
	move(Path{"Team", "0"}, Path{"Team", "d"})
	if got := toldBy(everything(t, mia, team, rest.Token)); got != "-0 d d/x" {
		t.Errorf("back again: %q", got)
	}
}

// What came and went while a line for a time hid the place is told to nobody from
// whom it was hidden, though the policy is the same before, then and after.
func TestSyncOfHiddenTimes(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia max", "Team mia=editor max=viewer")
	mia, max, team := of.as("mia"), of.as("max"), Path{"Team"}
	mkdirs(t, mia, Path{"Team", "HR"})
	at, _, err := of.st.Operator().Place(Path{"Team", "HR"})
	must(t, err)
	wall := policy.Entry{Principal: of.user("max"), Deny: policy.See, From: c.Now().Add(time.Hour).Unix(), Until: c.Now().Add(3 * time.Hour).Unix()}
	must(t, of.st.Operator().Change(ctx, func(*policy.State) ([]policy.Change, error) {
		return []policy.Change{policy.SetEntry{At: at, Entry: wall}}, nil
	}))
	short := func(name string) {
		t.Helper()
		write(t, mia, Path{"Team", "HR", name}, "x")
		must(t, mia.Remove(ctx, Path{"Team", "HR", name}, Terms{}))
	}
	token, mias := everything(t, max, team, "").Token, everything(t, mia, team, "").Token
	short("before")
	if got := toldBy(everything(t, max, team, token)); got != "-HR/before" {
		t.Errorf("before the wall: %q", got)
	}
	c.advance(2 * time.Hour)
	short("secret")
	if got := toldBy(everything(t, max, team, token)); got != "-HR" {
		t.Errorf("behind the wall: %q", got)
	}
	c.advance(2 * time.Hour)
	if got := toldBy(everything(t, max, team, token)); got != "" {
		t.Errorf("after the wall: %q", got)
	}
	if got := toldBy(everything(t, mia, team, mias)); got != "-HR/before -HR/secret" {
		t.Errorf("whom it does not name: %q", got)
	}
}

// The log forgets in slices and Check follows.
func TestForgetChanges(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
	mia := of.as("mia")
	const many = collectSlice + 50
	for i := range many {
		mkdirs(t, mia, Path{"Team", fmt.Sprint(i)})
	}
	token := everything(t, mia, Path{"Team"}, "").Token
	c.advance(changesKept - time.Hour)
	write(t, mia, Path{"Team", "new"}, "x")
	newer := everything(t, mia, Path{"Team"}, "").Token
	c.advance(2 * time.Hour)
	write(t, mia, Path{"Team", "newer"}, "x")
	_, err := of.st.Collect(ctx, time.Hour)
	must(t, err)
	of.clean()
	space := of.st.Policy().SpaceNamed("Team").ID
	var floor uint64
	must(t, of.st.view(func(tx *Tx) (err error) { floor, err = tx.floor(space); return err }))
	if floor != many {
		t.Errorf("the log forgot up to %d instead of %d", floor, many)
	}
	// The state of the newest forgotten change is the oldest that is known.
	if got := toldBy(everything(t, mia, Path{"Team"}, token)); got != "new newer" {
		t.Errorf("since the newest forgotten change: %q", got)
	}
	if got := toldBy(everything(t, mia, Path{"Team"}, newer)); got != "newer" {
		t.Errorf("since a change that is kept: %q", got)
	}
	must(t, of.st.update(ctx, 0, func(tx *Tx) error { return tx.w.Put(floorKey(space), beUint64(many-1)) }))
	found, err := of.st.Check(ctx)
	must(t, err)
	if !slices.ContainsFunc(found.Faults, func(f string) bool { return strings.Contains(f, "is followed by") }) {
		t.Errorf("a gap behind what is forgotten went unseen: %q", found.Faults)
	}
	must(t, of.st.update(ctx, 0, func(tx *Tx) error { return tx.w.Put(floorKey(space), beUint64(many)) }))
}

// A store that was there before its tokens gets a key, and keeps it.
func TestSealKey(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	token := everything(t, of.as("mia"), Path{"Team"}, "").Token
	must(t, of.st.update(ctx, 0, func(tx *Tx) error { return tx.w.Delete(keySeal) }))
	of.reopen()
	if _, err := of.as("mia").Changes(Path{"Team"}, SyncQuery{Since: token}); !errors.Is(err, ErrSyncToken) {
		t.Errorf("a token of the lost key: %v", err)
	}
	token = everything(t, of.as("mia"), Path{"Team"}, "").Token
	of.reopen()
	if got := toldBy(everything(t, of.as("mia"), Path{"Team"}, token)); got != "" {
		t.Errorf("over a restart: %q", got)
	}
}

// One change in a folder of many, and the first page of all of them.
func BenchmarkChanges(b *testing.B) {
	const files = 100_000
	of := newOffice(b, Options{}, "mia", "Team mia=editor")
	mia, team := of.as("mia"), Path{"Team"}
	sow(b, of, team, files)
	token := everything(b, mia, team, "").Token
	write(b, mia, Path{"Team", "one"}, "x")
	for _, bench := range []struct {
		name  string
		query SyncQuery
		want  int
	}{
		{"one of 100000", SyncQuery{Since: token, Deep: true, Limit: 1000}, 1},
		{"first 1000 of 100000", SyncQuery{Deep: true, Limit: 1000}, 1000},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, err := mia.Changes(team, bench.query)
				if err != nil || len(page.Members) != bench.want {
					b.Fatalf("%d members, %v", len(page.Members), err)
				}
			}
		})
	}
}

// sow makes many empty files in a folder, some in each transaction.
func sow(b testing.TB, of *office, dir Path, n int) {
	b.Helper()
	s := of.as("mia")
	for from := 0; from < n; from += 1000 {
		must(b, s.update(ctx, func(tx *Tx) error {
			for i := from; i < min(n, from+1000); i++ {
				sp, err := s.resolve(tx, append(slices.Clone(dir), fmt.Sprintf("file-%06d", i)))
				if err != nil {
					return err
				}
				g, err := s.authorizeWrite(tx, sp)
				if err != nil {
					return err
				}
				if err := s.createEmpty(tx, g, sp); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}
