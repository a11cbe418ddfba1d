package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"davit/policy"
	"davit/store/engine"
)

// toyIndex reads the calendar objects of these tests: the Object as JSON.
func toyIndex(content []byte, near Span) (o Object, err error) {
	if err := json.Unmarshal(content, &o); err != nil {
		return o, err
	}
	if len(o.Instants) > 0 {
		o.Known = near
		o.Instants = slices.DeleteFunc(o.Instants, func(s Span) bool { return !s.Meets(near) })
	}
	return o, nil
}

// near is what the toys' instants are told of.
var near = Span{yearStart(2024), yearStart(2027)}

func (of *office) putObject(s *Session, p Path, o Object) error {
	of.t.Helper()
	content, err := json.Marshal(o)
	if err != nil {
		of.t.Fatal(err)
	}
	u, err := s.Begin(p, int64(len(content)), Terms{})
	if err != nil {
		return err
	}
	if _, err := u.Write(content); err != nil {
		of.t.Fatal(err)
	}
	if o, err = toyIndex(content, near); err != nil {
		of.t.Fatal(err)
	}
	_, _, err = u.Commit(ctx, Meta{Type: "text/calendar", Object: &o})
	return err
}

// day is a span of hours on a day of 2026, counted from 0.
func day(n, hour, hours int64) Span {
	from := yearStart(2026) + n*daySeconds + hour*3600
	return Span{from, from + hours*3600}
}

func (of *office) found(s *Session, p Path, q Search) (names []string) {
	of.t.Helper()
	list, rest, err := s.Find(p, q)
	if err != nil {
		of.t.Errorf("search of %s: %v", p, err)
	}
	for i := range list {
		of.holdFetched(s, append(slices.Clip(p), list[i].Info.Name), &list[i])
		names = append(names, list[i].Info.Name)
	}
	return append(names, rest...)
}

func (of *office) wantFound(s *Session, p Path, q Search, want ...string) {
	of.t.Helper()
	if got := of.found(s, p, q); !slices.Equal(got, want) {
		of.t.Errorf("%s in %s finds %q, want %q", s.UserName(), p, got, want)
	}
}

func cal(names ...string) Path { return Path(names).Calendars() }

func TestCalendarsFromTheStart(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max", "Team mia=manager max=viewer")
	mia, max := of.as("mia"), of.as("max")
	list, err := mia.Calendars(ctx, Want{})
	var told []string
	for _, c := range list {
		told = append(told, fmt.Sprintf("%s %v own=%t", c.Path, c.Components(), c.Own))
	}
	want := []string{
		"calendar:~mia/calendar [VEVENT] own=true", "calendar:~mia/tasks [VTODO] own=true",
		"calendar:/Team/calendar [VEVENT] own=false", "calendar:/Team/messages [VJOURNAL] own=false",
	}
	if err != nil || !slices.Equal(told, want) {
		t.Errorf("mia sees %q, %v", told, err)
	}
	// Nothing leads from the files to them.
	for p, entries := range map[string]int{"/Team": 0, "~mia": 0} {
		if page, _, err := mia.List(split(p), "", 10, Want{}); err != nil || len(page) != entries {
			t.Errorf("%s lists %v, %v", p, page, err)
		}
	}
	// What its owner removes does not come back.
	if err := mia.Remove(ctx, cal("~mia", "tasks"), Terms{}); err != nil {
		t.Fatal(err)
	}
	if list, err = mia.Calendars(ctx, Want{}); err != nil || len(list) != 3 {
		t.Errorf("after the removal: %v, %v", list, err)
	}
	if list, err = max.Calendars(ctx, Want{}); err != nil || len(list) != 4 {
		t.Errorf("max sees %v, %v", list, err)
	}
	// The message area asks for the right to messages and for no other.
	o := Object{UID: "1", Component: "VJOURNAL", Extent: day(0, 0, 1)}
	if err := of.putObject(max, cal("Team", "messages", "a"), o); kindOf(err) != errRefused {
		t.Errorf("a viewer writes a message: %v", err)
	}
	of.level("Team", "max", "commenter")
	if err := of.putObject(max, cal("Team", "messages", "a"), o); err != nil {
		t.Errorf("a commenter writes a message: %v", err)
	}
	o.Component = "VEVENT"
	if err := of.putObject(max, cal("Team", "calendar", "a"), o); kindOf(err) != errRefused {
		t.Errorf("a commenter writes an event: %v", err)
	}
}

func TestCalendarTakesObjects(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max", "Team mia=manager max=editor")
	mia, max := of.as("mia"), of.as("max")
	if _, err := mia.Calendars(ctx, Want{}); err != nil {
		t.Fatal(err)
	}
	event := func(uid string) Object { return Object{UID: uid, Component: "VEVENT", Extent: day(3, 9, 1)} }
	at := cal("~mia", "calendar", "a.ics")
	if err := of.putObject(mia, at, event("one")); err != nil {
		t.Fatal(err)
	}
	if err := of.putObject(mia, at, Object{UID: "one", Component: "VEVENT", Extent: day(3, 9, 2)}); err != nil {
		t.Fatal(err)
	}
	before := append(Path{VersionsRoot}, append(at[:len(at):len(at)], "version-1")...)
	if _, err := max.Open(before, Terms{}); !errors.Is(kindOf(err), ErrNotFound) {
		t.Errorf("max reads what an event of mia's was: %v", err)
	}
	// What it was comes back with what it is found by.
	busy := func(want int) {
		t.Helper()
		if got, err := mia.FreeBusy(cal("~mia", "calendar"), day(3, 10, 1)); err != nil || len(got.Contents) != want {
			t.Errorf("%d events in the second hour, %v", len(got.Contents), err)
		}
	}
	busy(1)
	if _, err := mia.Move(ctx, before, at, true, Terms{}); err != nil {
		t.Errorf("what an event was does not come back: %v", err)
	}
	busy(0)
	var same *UIDError
	if err := of.putObject(mia, cal("~mia", "calendar", "b.ics"), event("one")); !errors.As(err, &same) || same.Path.String() != at.String() {
		t.Errorf("a second object of a UID: %v", err)
	}
	_, _, noObject := put(mia, "/Team/file", nil)
	put(mia, "/Team/gone", nil)
	must(t, mia.Remove(ctx, split("/Team/gone"), Terms{}))
	for what, row := range map[string][2]error{
		"a task among events":       {of.putObject(mia, cal("~mia", "calendar", "t.ics"), Object{UID: "t", Component: "VTODO"}), ErrComponent},
		"an object among files":     {of.putObject(mia, split("/Team/a.ics"), event("x")), ErrMisplaced},
		"a file":                    {noObject, nil},
		"a file in a calendar":      {second(mia.Move(ctx, split("/Team/file"), cal("~mia", "calendar", "f"), true, Terms{})), ErrMisplaced},
		"a copy of a file":          {second(mia.Copy(ctx, split("/Team/file"), cal("~mia", "calendar", "f"), true, false, Terms{})), ErrMisplaced},
		"a file from the trash":     {second(mia.Move(ctx, Path{TrashRoot, "Team", "gone"}, cal("~mia", "calendar", "g"), true, Terms{})), ErrMisplaced},
		"an object among calendars": {of.putObject(mia, cal("~mia", "x.ics"), event("x")), ErrMisplaced},
		"a folder in a calendar":    {second(mia.Mkdir(ctx, cal("~mia", "calendar", "dir"), Terms{})), ErrMisplaced},
		"a folder among calendars":  {second(mia.Mkdir(ctx, cal("~mia", "dir"), Terms{})), ErrMisplaced},
		"a calendar in a calendar":  {mia.MakeCalendar(ctx, cal("~mia", "calendar", "c"), NewCalendar{}, Terms{}), ErrMisplaced},
		"a calendar among files":    {mia.MakeCalendar(ctx, split("~mia/c"), NewCalendar{}, Terms{}), ErrMisplaced},
		"all calendars at once":     {mia.Remove(ctx, Path{"~mia"}.Calendars(), Terms{}), ErrReserved},
		"an editor's new calendar":  {max.MakeCalendar(ctx, cal("Team", "c"), NewCalendar{}, Terms{}), errRefused},
		"an editor's removal":       {max.Remove(ctx, cal("Team", "calendar"), Terms{}), errRefused},
		"somebody else's calendar":  {max.MakeCalendar(ctx, cal("~mia", "c"), NewCalendar{}, Terms{}), ErrNoParent},
	} {
		if !errors.Is(kindOf(row[0]), row[1]) && !errors.Is(row[0], row[1]) {
			t.Errorf("%s: %v, want %v", what, row[0], row[1])
		}
	}
	if _, _, err := mia.Lock(ctx, cal("~mia", "calendar", "new"), LockRequest{}, Terms{}); !errors.Is(err, ErrMisplaced) {
		t.Errorf("a lock makes an empty object: %v", err)
	}
}

// TestObjectsAreFoundWhereTheyStand follows objects through COPY, MOVE, removal
// and new content.
func TestObjectsAreFoundWhereTheyStand(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	mia := of.as("mia")
	if err := mia.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	home, other := cal("~mia", "calendar"), cal("~mia", "other")
	if err := mia.MakeCalendar(ctx, other, NewCalendar{Components: []string{"VEVENT"}}, Terms{}); err != nil {
		t.Fatal(err)
	}
	in := func(p Path, name string) Path { return append(slices.Clip(p), name) }
	weekly := Object{UID: "w", Component: "VEVENT", Extent: Span{day(0, 9, 1).From, Always.To}}
	for n := int64(0); n < 60; n += 7 {
		weekly.Instants = append(weekly.Instants, day(n, 9, 1))
	}
	for name, o := range map[string]Object{"w": weekly, "s": {UID: "s", Component: "VEVENT", Extent: day(3, 9, 1)}} {
		if err := of.putObject(mia, in(home, name), o); err != nil {
			t.Fatal(err)
		}
	}
	third := Search{Span: day(3, 0, 24)}
	of.wantFound(mia, home, third, "s")
	of.wantFound(mia, home, Search{Span: day(7, 0, 24)}, "w")
	of.wantFound(mia, home, Search{Span: Span{yearStart(2060), yearStart(2060) + 1}}, "w") // nobody has worked it out
	of.wantFound(mia, home, Search{UID: "s"}, "s")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(mia.Copy(ctx, in(home, "s"), in(other, "s2"), false, false, Terms{}))
	of.wantFound(mia, other, third, "s2")
	if _, err := mia.Move(ctx, in(home, "s"), in(other, "s3"), false, Terms{}); !errors.As(err, new(*UIDError)) {
		t.Errorf("a MOVE beside the same UID: %v", err)
	}
	must(mia.Move(ctx, in(home, "s"), in(other, "s2"), true, Terms{}))
	of.wantFound(mia, home, third)
	of.wantFound(mia, other, third, "s2")
	must(mia.Copy(ctx, other, cal("~mia", "copy"), false, false, Terms{}))
	of.wantFound(mia, cal("~mia", "copy"), third, "s2")
	must(nil, of.putObject(mia, in(other, "s2"), Object{UID: "new", Component: "VEVENT", Extent: day(5, 9, 1)}))
	of.wantFound(mia, other, third)
	of.wantFound(mia, other, Search{UID: "s"})
	must(nil, mia.Remove(ctx, in(other, "s2"), Terms{}))
	must(nil, of.putObject(mia, in(other, "again"), Object{UID: "new", Component: "VEVENT", Extent: day(5, 9, 1)})) // the trash holds no UID
	must(mia.Move(ctx, other, cal("~mia", "renamed"), false, Terms{}))
	of.wantFound(mia, cal("~mia", "renamed"), Search{UID: "new"}, "again")
	n, err := of.st.Reindex(ctx, func(fault string) { t.Error(fault) })
	if err != nil || n != 3 {
		t.Errorf("%d objects indexed anew, %v", n, err)
	}
	of.wantFound(mia, home, Search{Span: day(14, 9, 1)}, "w")
}

// TestFreeBusyAlone: who holds free-busy and nothing else gets busy time of a
// calendar that it does not see.
func TestFreeBusyAlone(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max")
	mia, max := of.as("mia"), of.as("max")
	if err := mia.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	home := cal("~mia", "calendar")
	if err := of.putObject(mia, append(slices.Clip(home), "a"), Object{UID: "1", Component: "VEVENT", Extent: day(3, 9, 1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := max.FreeBusy(home, day(3, 0, 24)); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody gave max anything: %v", err)
	}
	err := of.st.Operator().ChangeAt(ctx, home, func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
		return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: max.User(), Allow: policy.FreeBusy}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := max.FreeBusy(home, day(3, 0, 24)); err != nil || len(got.Contents) != 1 {
		t.Errorf("busy %v, %v", got, err)
	}
	if got, err := max.FreeBusy(home, day(4, 0, 24)); err != nil || len(got.Contents) != 0 {
		t.Errorf("busy the day after %v, %v", got, err)
	}
	if _, err := max.Stat(home, Want{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("the calendar shows itself: %v", err)
	}
}

// TestSearchByTime holds the index against all objects, one by one.
func TestSearchByTime(t *testing.T) {
	r := random(t)
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	mia := of.as("mia")
	if err := mia.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	home := cal("~mia", "calendar")
	all := map[string]Object{}
	rounds := 300
	if testing.Short() {
		rounds = 120
	}
	for i := range rounds {
		name := fmt.Sprint("o", r.IntN(60))
		if _, there := all[name]; there && r.IntN(4) == 0 {
			if err := mia.Remove(ctx, append(slices.Clip(home), name), Terms{}); err != nil {
				t.Fatal(err)
			}
			delete(all, name)
			continue
		}
		o := randomObject(r, name)
		if err := of.putObject(mia, append(slices.Clip(home), name), o); err != nil {
			t.Fatal(err)
		}
		all[name] = o
		if i%10 == 9 {
			for range 20 {
				of.holdSearch(mia, home, all, randomSpan(r))
			}
		}
	}
}

// holdSearch: what happens once is found exactly, what recurs where it is known to
// the day, and nothing is missed.
func (of *office) holdSearch(s *Session, home Path, all map[string]Object, when Span) {
	of.t.Helper()
	found := of.found(s, home, Search{Span: when})
	wide := when // to whole days
	if wide.From != Always.From {
		wide.From -= mod(wide.From, daySeconds)
	}
	if wide.To != Always.To {
		wide.To += daySeconds - 1 - mod(wide.To-1, daySeconds)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		o, has := all[name], slices.Contains(found, name)
		is := slices.ContainsFunc(o.Instants, func(i Span) bool { return i.Meets(when) })
		may := slices.ContainsFunc(o.Instants, func(i Span) bool { return i.Meets(wide) }) ||
			o.Extent.within(wide).Meets(Span{Always.From, near.From}) || o.Extent.within(wide).Meets(Span{near.To, Always.To})
		if len(o.Instants) == 0 {
			is, may = o.Extent.Meets(when), o.Extent.Meets(when)
		}
		if is && !has || has && !may {
			of.t.Fatalf("search of %v: %s found=%t is=%t may=%t: %+v", when, name, has, is, may, o)
		}
	}
	if len(slices.Compact(slices.Clone(found))) != len(found) {
		of.t.Fatalf("search of %v finds some twice: %q", when, found)
	}
}

func randomSpan(r *rand.Rand) Span {
	from := yearStart(2022) + r.Int64N(7*366*daySeconds)
	switch r.IntN(8) {
	case 0:
		return Span{Always.From, from}
	case 1:
		return Span{from, Always.To}
	}
	return Span{from, from + 1 + r.Int64N([]int64{3600, 40 * daySeconds, 900 * daySeconds}[r.IntN(3)])}
}

func randomObject(r *rand.Rand, uid string) Object {
	o := Object{UID: uid, Component: "VEVENT", Extent: randomSpan(r)}
	switch r.IntN(6) {
	case 0:
		o.Extent = Span{} // no time finds it
	case 1, 2, 3:
		from := max(o.Extent.From, yearStart(2022))
		o.Extent.From = from
		for at := from; at < o.Extent.To && len(o.Instants) < 100; at += 1 + r.Int64N(30*daySeconds) {
			o.Instants = append(o.Instants, Span{at, min(at+1+r.Int64N(3*daySeconds), o.Extent.To)})
		}
	}
	return o
}

// TestCheckSeesTheIndex damages the index in each of its tables.
func TestCheckSeesTheIndex(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	mia := of.as("mia")
	if err := mia.BeginCalendars(ctx); err != nil {
		t.Fatal(err)
	}
	home := cal("~mia", "calendar")
	if err := of.putObject(mia, append(slices.Clip(home), "a"), Object{UID: "1", Component: "VEVENT", Extent: day(3, 9, 1)}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []byte{tableObject, tableUID, tableSpan} {
		for _, damage := range []func(tx *Tx, k, v []byte) error{
			func(tx *Tx, k, v []byte) error { return tx.w.Delete(k) },
			func(tx *Tx, k, v []byte) error { k = slices.Clone(k); k[8]++; return tx.w.Put(k, v) },
		} {
			var key, value []byte
			err := of.st.update(ctx, 0, func(tx *Tx) error {
				err := scanPrefix(tx.r, []byte{table}, func(k, v []byte) bool {
					key, value = slices.Clone(k), slices.Clone(v)
					return len(k) == len(tallyKey(0)) && table == tableSpan
				})
				return firstOf(err, damage(tx, key, value))
			})
			if err != nil {
				t.Fatal(err)
			}
			if found, err := of.st.Check(ctx); err != nil || len(found.Faults) == 0 {
				t.Errorf("damage in table %c went unseen: %v", table, err)
			}
			err = of.st.update(ctx, 0, func(tx *Tx) error {
				other := slices.Clone(key)
				other[8]++
				return firstOf(tx.w.Delete(other), tx.w.Put(key, value))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPrivateObjectsAreMasked: who may read and neither owns nor manages is given
// what the mask leaves, and cannot carry off or overwrite what it hides.
func TestPrivateObjectsAreMasked(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex, Mask: func([]byte) []byte { return []byte("busy") }}, "mia max")
	mia, max := of.as("mia"), of.as("max")
	for _, s := range []*Session{mia, max} {
		if err := s.BeginCalendars(ctx); err != nil {
			t.Fatal(err)
		}
	}
	at := cal("~mia", "calendar", "p")
	if err := of.putObject(mia, at, Object{UID: "1", Component: "VEVENT", Extent: day(3, 9, 1), Private: true}); err != nil {
		t.Fatal(err)
	}
	editor, _ := policy.LevelRights("editor")
	err := of.st.Operator().ChangeAt(ctx, at[:3], func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
		return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: max.User(), Allow: editor}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(s *Session) string {
		f, err := s.Open(at, Terms{})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return string(f.Bytes())
	}
	if masked, whole := read(max), read(mia); masked != "busy" || whole == "busy" {
		t.Errorf("max reads %q, mia %q", masked, whole)
	}
	for what, err := range map[string]error{
		"a copy":   second(max.Copy(ctx, at, cal("~max", "calendar", "p"), false, false, Terms{})),
		"a move":   second(max.Move(ctx, at, cal("~max", "calendar", "p"), false, Terms{})),
		"a change": of.putObject(max, at, Object{UID: "1", Component: "VEVENT"}),
	} {
		if kindOf(err) != errRefused {
			t.Errorf("%s of what is masked: %v", what, err)
		}
	}
	if err := max.MakeCalendar(ctx, cal("~max", "all"), NewCalendar{}, Terms{}); err != nil {
		t.Fatal(err)
	}
	if _, err := max.Copy(ctx, at[:3], cal("~max", "all"), true, false, Terms{}); err != nil {
		t.Fatal(err)
	}
	of.wantFound(max, cal("~max", "all"), Search{Span: Always})
}

// What a transaction has made is not there for others before it is committed, and
// not at all when it is not.
func TestCalendarsThatWereNotBegun(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	failure := errors.New("the disk is full")
	err := of.st.update(ctx, engine.Foreground, func(tx *Tx) error {
		space := tx.state.Space(tx.state.UserNamed("mia").Home)
		if err := tx.beginCalendar(space); err != nil {
			return err
		}
		if has, err := tx.begun(space); !has || err != nil {
			t.Errorf("within the transaction: %v, %v", has, err)
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Fatal(err)
	}
	if list, err := of.as("mia").Calendars(ctx, Want{}); err != nil || len(list) != 2 {
		t.Errorf("mia sees %v, %v", list, err)
	}
}
