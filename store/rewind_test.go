package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"davit/policy"
	"davit/store/disk"
)

// lines tell what is below a path, by the path below it: what is a folder, and the
// content of files.
func (of *office) lines(s *Session, p Path) map[string]string {
	of.t.Helper()
	all := map[string]string{}
	var walk func(at Path)
	walk = func(at Path) {
		for after, more := "", true; more; {
			page, again, err := s.List(at, after, 2, Want{})
			if err != nil {
				of.t.Fatalf("list %s: %v", at, err)
			}
			for _, info := range page {
				after = info.Name
				child := append(slices.Clip(at), info.Name)
				name := Path(child[len(p):]).String()
				if info.Dir {
					all[name] = "folder"
					walk(child)
					continue
				}
				content, err := read(s, child.String())
				if err != nil {
					of.t.Fatalf("read %s: %v", child, err)
				}
				all[name] = fmt.Sprintf("%d bytes %x", len(content), sha256.Sum256(content))
			}
			more = again
		}
	}
	walk(p)
	return all
}

// momentPath is a path at a moment.
func momentPath(at time.Time, p string) Path {
	return append(Path{MomentsRoot, at.UTC().Format(time.RFC3339Nano)}, split(p)...)
}

func wantLines(t testing.TB, what string, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s: %s is %q, was %q", what, name, got[name], want[name])
		}
	}
	for name := range got {
		if _, was := want[name]; !was {
			t.Errorf("%s: %s is there, and was not", what, name)
		}
	}
}

// A history does random things in a space and remembers what it was.
type history struct {
	of    *office
	clock *clock
	rand  *rand.Rand
	mia   *Session
	at    []time.Time
	was   []map[string]string
}

func newHistory(t *testing.T) *history {
	c := newClock()
	h := &history{clock: c, rand: random(t), of: newOffice(t, Options{Clock: c.Now}, "mia max", "Team mia=manager max=editor")}
	set := policy.DefaultSettings
	set.Versions, set.TrashDays, set.VersionDays = 1000, 0, 0
	h.of.change(policy.PutSettings{Settings: set})
	h.mia = h.of.as("mia")
	return h
}

// step does something that changes the tree, most of the time.
func (h *history) step() {
	h.clock.advance(time.Second)
	paths := []Path{{"Team"}}
	dirs := []Path{{"Team"}}
	var walk func(at Path)
	walk = func(at Path) {
		page, _, err := h.mia.List(at, "", 100, Want{})
		must(h.of.t, err)
		for _, info := range page {
			child := append(slices.Clip(at), info.Name)
			paths = append(paths, child)
			if info.Dir {
				dirs = append(dirs, child)
				walk(child)
			}
		}
	}
	walk(Path{"Team"})
	fresh := append(slices.Clip(pick(h.rand, dirs)), pick(h.rand, []string{"a", "b", "c", "d"}))
	some := pick(h.rand, paths)
	switch n := h.rand.IntN(100); {
	case n < 30:
		put(h.mia, fresh.String(), text(h.rand.IntN(4), pick(h.rand, []int{0, 1, 100, 9000})))
	case n < 42:
		h.mia.Mkdir(ctx, fresh, Terms{})
	case n < 65:
		h.mia.Move(ctx, some, fresh, h.rand.IntN(2) == 0, Terms{})
	case n < 78:
		h.mia.Remove(ctx, some, Terms{})
	case n < 86:
		h.mia.Copy(ctx, some, fresh, h.rand.IntN(2) == 0, false, Terms{})
	case n < 95:
		page, _, err := h.mia.List(Path{TrashRoot, "Team"}, "", 100, Want{})
		must(h.of.t, err)
		if len(page) == 0 {
			return
		}
		from := Path{TrashRoot, "Team", pick(h.rand, page).Name}
		if inside, _, err := h.mia.List(from, "", 9, Want{}); err == nil && len(inside) > 0 && h.rand.IntN(2) == 0 {
			from = append(from, pick(h.rand, inside).Name)
		}
		h.mia.Move(ctx, from, fresh, h.rand.IntN(2) == 0, Terms{})
	default:
		versions, _, err := h.mia.List(append(Path{VersionsRoot}, some...), "", 9, Want{})
		if err == nil && len(versions) > 0 && versions[0].Origin != nil {
			v := append(append(Path{VersionsRoot}, some...), pick(h.rand, versions).Name)
			h.mia.Move(ctx, v, some, true, Terms{})
		}
	}
}

func (h *history) remember() {
	h.at = append(h.at, h.clock.Now())
	h.was = append(h.was, h.of.lines(h.mia, Path{"Team"}))
}

// folder rewinds a folder that was there at some moment, as far as that goes.
func (h *history) folder(t *testing.T) {
	t.Helper()
	i := h.rand.IntN(len(h.at))
	var folders []string
	for name, line := range h.was[i] {
		if line == "folder" {
			folders = append(folders, name)
		}
	}
	if len(folders) == 0 {
		return
	}
	slices.Sort(folders)
	h.clock.advance(time.Second)
	name := pick(h.rand, folders)
	want := map[string]string{}
	for at, line := range h.was[i] {
		if below, is := strings.CutPrefix(at, name+"/"); is {
			want["/"+below] = line
		}
	}
	p := append(Path{"Team"}, split(name)...)
	then, err := h.mia.Stat(momentPath(h.at[i], p.String()), Want{})
	must(t, err)
	done, err := h.mia.rewind(ctx, p, h.at[i], wholly, pick(h.rand, []int{1, 3, rewindSlice}))
	what := fmt.Sprintf("folder %s back to moment %d of %d", p, i, len(h.at))
	if errors.Is(err, ErrLost) {
		for _, l := range done.Lost {
			if l.Why != LostFolder && l.Why != LostTaken {
				t.Errorf("%s: %v", what, l)
			}
		}
	} else if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if now, err := h.mia.Stat(p, Want{}); err == nil && now.Node == then.Node { // unless what it is in has another name
		wantLines(t, what, h.of.lines(h.mia, p), want)
	}
	h.of.clean()
	h.remember()
}

// TestPastAsItWas: a random history is shown as it was at every moment, and comes
// back as it was, in one part or in many, and then forth again.
func TestPastAsItWas(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 6
	}
	h := newHistory(t)
	for round := range rounds {
		for range 12 {
			h.step()
			h.remember()
		}
		for i, at := range h.at {
			wantLines(t, fmt.Sprintf("round %d, moment %d", round, i), h.of.lines(h.mia, momentPath(at, "Team")), h.was[i])
		}
		h.folder(t)
		i := h.rand.IntN(len(h.at))
		h.clock.advance(time.Second)
		before := h.of.lines(h.mia, Path{"Team"})
		h.remember()
		slice := pick(h.rand, []int{1, 3, rewindSlice})
		by := h.mia
		if h.rand.IntN(2) == 0 {
			by = h.of.st.Operator().desk()
		}
		h.clock.advance(time.Second)
		done, err := by.rewind(ctx, Path{"Team"}, h.at[i], wholly, slice)
		if err != nil {
			t.Fatalf("round %d, back to moment %d of %d: %v\n%+v", round, i, len(h.at), err, done)
		}
		wantLines(t, fmt.Sprintf("round %d, back to moment %d in %d parts", round, i, done.Parts), h.of.lines(h.mia, Path{"Team"}), h.was[i])
		h.of.clean()
		if plan, err := h.mia.PlanRewind(Path{"Team"}, h.at[i]); err != nil || len(plan.Steps)+len(plan.Lost) > 0 {
			t.Errorf("round %d: afterwards there is left %+v (%v)", round, plan, err)
		}
		h.remember()
		if done.Parts > 0 && h.rand.IntN(2) == 0 {
			h.clock.advance(time.Second)
			must(t, second(h.mia.Rewind(ctx, Path{"Team"}, done.Undo)))
			wantLines(t, fmt.Sprintf("round %d, undone", round), h.of.lines(h.mia, Path{"Team"}), before)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// timeline is a space whose clock each step of a test moves on.
func timeline(t *testing.T, spaces ...string) (of *office, c *clock, now func() time.Time) {
	c = newClock()
	of = newOffice(t, Options{Clock: c.Now}, "mia max lea", spaces...)
	return of, c, func() time.Time {
		c.advance(time.Minute)
		at := c.Now()
		c.advance(time.Minute)
		return at
	}
}

// TestPastOfSavedFiles: what editors and systems do to save a file, emptying it
// first or changing names, is taken back to the content of each moment.
func TestPastOfSavedFiles(t *testing.T) {
	of, _, now := timeline(t, "Team mia=editor max=editor")
	max := of.as("max")
	of.entry("/Team", policy.Entry{Principal: max.User(), Deny: policy.Delete})
	var at []time.Time
	var was []map[string]string
	for _, step := range []func(){
		func() { of.put(max, "/Team/doc", text(1, 50)) },
		func() { of.put(max, "/Team/doc", nil) },
		func() { of.put(max, "/Team/doc", text(1, 50)) }, // the version goes
		func() { of.put(max, "/Team/doc", text(2, 60)) },
		func() { of.put(max, "/Team/doc", text(2, 60)) }, // the same again
		func() { of.move(max, "/Team/doc", "/Team/doc~") },
		func() { of.put(max, "/Team/doc", text(3, 70)) }, // the original comes back for it
		func() { of.put(max, "/Team/doc", text(4, 80)) },
		func() { of.put(max, "/Team/new", text(5, 90)) },
		func() { of.move(max, "/Team/new", "/Team/doc") },
		func() { of.move(max, ".versions/Team/doc/version-2", "/Team/doc") },
		func() { of.put(max, "/Team/twice", text(6, 10)) },
		func() { of.put(max, "/Team/twice", text(7, 20)) },
		func() { of.put(max, "/Team/twice", text(6, 10)) },
		func() { of.put(max, "/Team/twice", nil) },
		func() { of.move(max, ".versions/Team/twice/version-1", "/Team/twice") }, // and not the third, which is equal
	} {
		step()
		at, was = append(at, now()), append(was, of.lines(max, Path{"Team"}))
	}
	for i := range at {
		if i == 8 {
			delete(was[i], "/new") // it is no more: its content is the document's
		}
		wantLines(t, fmt.Sprintf("after step %d", i+1), of.lines(max, momentPath(at[i], "Team")), was[i])
	}
}

// TestRewindTellsWhatIsLost: what was erased, or is kept no more, is named, and
// nothing is done before somebody has said that the rest will do.
func TestRewindTellsWhatIsLost(t *testing.T) {
	of, _, now := timeline(t, "Team mia=manager", "Other mia=manager")
	mia := of.as("mia")
	of.mkdir(mia, "/Team/dir", "/Team/dir/in", "/Team/away")
	for _, p := range []string{"/Team/erased", "/Team/doc", "/Team/dir/in/file", "/Team/away/file", "/Team/left"} {
		of.put(mia, p, text(1, 50))
	}
	at := now()
	before := of.lines(mia, Path{"Team"})
	must(t, remove(mia, "/Team/erased"))
	must(t, remove(mia, ".trash/Team/erased"))
	of.move(mia, "/Team/dir/in/file", "/Team/file")
	must(t, remove(mia, "/Team/dir"))
	must(t, remove(mia, ".trash/Team/dir"))
	of.put(mia, "/Team/doc", text(2, 50))
	must(t, remove(mia, ".versions/Team/doc"))
	of.move(mia, "/Team/away", "/Other/away")
	of.move(mia, "/Team/left", "/Team/right")
	of.put(mia, "/Team/new", text(3, 50))
	want := []Lost{
		{split("/Team/away"), LostAway}, {split("/Team/dir"), LostErased},
		{split("/Team/doc"), LostContent}, {split("/Team/erased"), LostErased},
	}
	here := of.lines(mia, Path{"Team"})
	done, err := mia.Rewind(ctx, Path{"Team"}, at)
	if !errors.Is(err, ErrLost) || !reflect.DeepEqual(done.Lost, want) {
		t.Errorf("lost are %v (%v), want %v", done.Lost, err, want)
	}
	wantLines(t, "refused", of.lines(mia, Path{"Team"}), here)
	must(t, second(mia.RewindPartly(ctx, Path{"Team"}, at)))
	for _, p := range []string{"/erased", "/dir", "/dir/in", "/dir/in/file", "/away", "/away/file"} {
		delete(before, p)
	}
	before["/doc"], before["/file"] = here["/doc"], here["/file"]
	wantLines(t, "in part", of.lines(mia, Path{"Team"}), before)
	if done, err := mia.Rewind(ctx, Path{"Team"}, at); !errors.Is(err, ErrLost) || len(done.Steps) > 0 {
		t.Errorf("with nothing left to do it is %+v (%v)", done, err)
	}
	delete(before, "/doc")
	delete(before, "/file")
	wantLines(t, "shown", of.lines(mia, momentPath(at, "Team")), before)
}

// TestHorizon: beyond what the log tells there is an error that names the earliest
// moment, and nothing is shown.
func TestHorizon(t *testing.T) {
	of, c, now := timeline(t, "Team mia=manager")
	mia := of.as("mia")
	begin := c.Now()
	horizon := func(at time.Time) *HorizonError {
		t.Helper()
		var h *HorizonError
		if _, err := mia.PlanRewind(Path{"Team"}, at); err != nil && !errors.As(err, &h) {
			t.Fatalf("rewind to %v: %v", at, err)
		}
		_, err := mia.Stat(momentPath(at, "Team"), Want{})
		if (err != nil) != (h != nil) {
			t.Errorf("%v is shown as %v and rewound as %v", at, err, h)
		}
		return h
	}
	if h := horizon(begin.Add(-time.Second)); h == nil || !h.Earliest.Equal(begin) {
		t.Errorf("before the space was made: %v, want %v", h, begin)
	}
	of.put(mia, "/Team/doc", text(1, 50))
	old := now()
	if h := horizon(old); h != nil {
		t.Error(h)
	}
	c.advance(changesKept)
	must(t, of.st.forgetChanges(ctx))
	if h := horizon(old.Add(-time.Hour)); h == nil || !h.Earliest.Equal(c.Now().Add(-changesKept)) {
		t.Errorf("a forgotten moment: %v", h)
	}
	if h := horizon(c.Now().Add(-changesKept)); h != nil {
		t.Error(h)
	}
	if _, err := mia.PlanRewind(Path{"Team"}, c.Now().Add(time.Second)); !errors.Is(err, ErrInvalid) {
		t.Errorf("the future is %v", err)
	}
	if _, err := mia.Stat(momentPath(c.Now().Add(time.Second), "Team"), Want{}); err != ErrNotFound {
		t.Errorf("the future is shown: %v", err)
	}
}

// TestPastIsDecidedToday: nobody finds at a moment what he may not see now, not
// under its name of then, nor what a file was without a right to its history, nor
// what is in a trash that he may not look into.
func TestPastIsDecidedToday(t *testing.T) {
	of, _, now := timeline(t, "Team mia=manager max=editor lea=viewer")
	mia, max, lea := of.as("mia"), of.as("max"), of.as("lea")
	of.mkdir(mia, "/Team/HR")
	of.put(mia, "/Team/HR/pay", text(1, 50))
	of.put(mia, "/Team/HR/memo", text(6, 50))
	of.put(mia, "/Team/open", text(2, 50))
	of.put(mia, "/Team/plan", text(3, 50))
	of.put(mia, "/Team/doc", text(4, 50))
	at := now()
	of.move(mia, "/Team/open", "/Team/HR/closed")
	of.move(mia, "/Team/HR/memo", "/Team/memo") // where all see it, and not where it came from
	of.put(mia, "/Team/plan", text(5, 50))
	must(t, remove(mia, "/Team/doc"))
	of.entry("/Team/HR", policy.Entry{Principal: max.User(), Deny: policy.See})
	of.entry("/Team/HR", policy.Entry{Principal: lea.User(), Deny: policy.See})
	names := func(s *Session) []string { return slices.Sorted(maps.Keys(of.lines(s, momentPath(at, "Team")))) }
	if got := names(mia); !slices.Equal(got, []string{"/HR", "/HR/memo", "/HR/pay", "/doc", "/open", "/plan"}) {
		t.Errorf("mia finds %q", got)
	}
	if got := names(max); !slices.Equal(got, []string{"/doc", "/plan"}) {
		t.Errorf("max finds %q", got)
	}
	if got := names(lea); len(got) != 0 {
		t.Errorf("lea finds %q", got)
	}
	for _, p := range []string{"Team/HR", "Team/HR/pay", "Team/HR/memo", "Team/open", "Team/nothing"} {
		if _, err := max.Open(momentPath(at, p), Terms{}); err != ErrNotFound {
			t.Errorf("max opens %s: %v", p, err)
		}
	}
	for _, p := range []string{"Team/plan", "Team/doc"} {
		if _, err := lea.Open(momentPath(at, p), Terms{}); err != ErrNotFound {
			t.Errorf("lea opens %s: %v", p, err)
		}
	}
	// Nothing there can be changed.
	plan := momentPath(at, "Team/plan")
	for what, err := range map[string]error{
		"remove": mia.Remove(ctx, plan, Terms{}),
		"move":   second(mia.Move(ctx, plan, split("/Team/x"), true, Terms{})),
		"put":    second(mia.Begin(plan, 1, Terms{})),
		"mkdir":  second(mia.Mkdir(ctx, momentPath(at, "Team/x"), Terms{})),
		"props":  mia.SetProps(ctx, plan, []Prop{{"urn:x", "a", []byte("b")}}, time.Time{}, Terms{}),
		"into":   second(mia.Move(ctx, split("/Team/plan"), momentPath(at, "Team/x"), true, Terms{})),
	} {
		if !errors.Is(err, ErrReserved) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, second(max.Copy(ctx, momentPath(at, "Team"), split("~max/then"), false, false, Terms{})))
	wantLines(t, "copied out", of.lines(max, split("~max/then")), of.lines(max, momentPath(at, "Team")))
}

// TestRewindTakesRights: who may not do a step does none, and who sees less rewinds
// less.
func TestRewindTakesRights(t *testing.T) {
	of, c, now := timeline(t, "Team mia=manager max=editor lea=contributor")
	mia, max, lea := of.as("mia"), of.as("max"), of.as("lea")
	of.mkdir(mia, "/Team/HR")
	of.put(mia, "/Team/HR/pay", text(1, 50))
	of.put(mia, "/Team/plan", text(2, 50))
	at := now()
	of.put(mia, "/Team/HR/pay", text(3, 50))
	of.put(mia, "/Team/plan", text(4, 50))
	of.put(mia, "/Team/new", text(5, 50))
	of.entry("/Team/HR", policy.Entry{Principal: max.User(), Deny: policy.See})
	c.advance(time.Hour)
	before := of.dump(mia)
	var refused *Refused
	if _, err := lea.Rewind(ctx, Path{"Team"}, at); !errors.As(err, &refused) {
		t.Errorf("lea rewinds: %v", err)
	}
	if after := of.dump(mia); !maps.Equal(before, after) {
		t.Errorf("a refusal left %v", after)
	}
	lock(t, of, mia, "/Team/plan")
	var locked *LockedError
	if _, err := max.Rewind(ctx, Path{"Team"}, at); !errors.As(err, &locked) {
		t.Errorf("max rewinds what is locked: %v", err)
	}
	c.advance(time.Hour)
	done, err := max.Rewind(ctx, Path{"Team"}, at)
	if err != nil || len(done.Steps) != 2 {
		t.Errorf("max rewinds %+v (%v)", done, err)
	}
	of.wantContent(mia, "/Team/HR/pay", text(3, 50))
	of.wantContent(mia, "/Team/plan", text(2, 50))
	done, err = of.st.Operator().desk().Rewind(ctx, split("/Team/HR"), at)
	if err != nil || len(done.Steps) != 1 {
		t.Errorf("the operator rewinds %+v (%v)", done, err)
	}
	of.wantContent(mia, "/Team/HR/pay", text(1, 50))
}

func lock(t *testing.T, of *office, s *Session, p string) {
	t.Helper()
	must(t, second(func() (Lock, error) {
		l, _, err := s.Lock(ctx, split(p), LockRequest{Timeout: time.Minute}, Terms{})
		return l, err
	}()))
}

// TestRewindOfFolder: a folder that was deleted comes back to its moment; beside it
// nothing changes but what had come from there.
func TestRewindOfFolder(t *testing.T) {
	of, _, now := timeline(t, "Team mia=manager")
	mia := of.as("mia")
	of.mkdir(mia, "/Team/a", "/Team/a/b", "/Team/c")
	of.put(mia, "/Team/a/b/one", text(1, 50))
	of.put(mia, "/Team/a/two", text(2, 50))
	of.put(mia, "/Team/c/three", text(3, 50))
	of.entry("/Team/a", policy.Entry{Principal: of.user("max"), Allow: policy.See | policy.Read})
	at := now()
	was := of.lines(mia, split("/Team/a"))
	of.move(mia, "/Team/a/two", "/Team/c/two")
	of.move(mia, "/Team/c/three", "/Team/a/b/three")
	of.put(mia, "/Team/c/new", text(4, 50))
	of.put(mia, "/Team/a/b/new", text(5, 50))
	must(t, remove(mia, "/Team/a"))
	of.put(mia, "/Team/a", text(6, 50))
	must(t, remove(mia, "/Team/a"))
	must(t, second(mia.Rewind(ctx, split("/Team/a"), at)))
	wantLines(t, "the folder", of.lines(mia, split("/Team/a")), was)
	if got := slices.Sorted(maps.Keys(of.lines(mia, split("/Team/c")))); !slices.Equal(got, []string{"/new", "/three"}) {
		t.Errorf("beside it stand %q", got)
	}
	of.wantContent(of.as("max"), "/Team/a/b/one", text(1, 50))
}

// TestFailEachOfRewind breaks each operation on files of a rewind in turn: it is
// done whole or not at all.
func TestFailEachOfRewind(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=manager")
	mia := of.as("mia")
	of.mkdir(mia, "/Team/dir")
	of.put(mia, "/Team/dir/doc", text(1, 60_000))
	of.put(mia, "/Team/plan", text(2, 50))
	was := of.dump(mia)
	at := of.st.Now()
	of.put(mia, "/Team/dir/doc", text(3, 70_000))
	must(t, remove(mia, "/Team/plan"))
	of.move(mia, "/Team/dir", "/Team/plan")
	of.put(mia, "/Team/dir", text(4, 50))
	is := of.dump(mia)
	of.stop()
	base := save(t, of.dir)
	for n := 1; ; n++ {
		fault := disk.FailNth(n)
		var armed atomic.Bool
		of := officeAt(t, base.restore(t), Options{Hooks: []disk.Hook{func(op disk.Op) error {
			if !armed.Load() {
				return nil
			}
			return fault.Hook(op)
		}}})
		armed.Store(true)
		_, err := of.as("mia").Rewind(ctx, Path{"Team"}, at)
		armed.Store(false)
		of.close()
		of.start()
		got := of.dump(of.as("mia"))
		if !maps.Equal(got, was) && (err == nil || !maps.Equal(got, is)) {
			t.Fatalf("operation %d failed (%v) and left %v", n, err, sortedLines(got))
		}
		of.stop()
		if !fault.Fired() {
			if n == 1 || err != nil {
				t.Errorf("%d operations (%v)", n-1, err)
			}
			return
		}
	}
}

// TestRewindOfFolderAlone: what comes back into a folder from beside it leaves
// behind what it got there.
func TestRewindOfFolderAlone(t *testing.T) {
	of, _, now := timeline(t, "Team mia=manager")
	mia := of.as("mia")
	of.mkdir(mia, "/Team/top", "/Team/top/in")
	of.put(mia, "/Team/top/in/old", text(1, 50))
	of.put(mia, "/Team/side", text(2, 50))
	at := now()
	of.move(mia, "/Team/top/in", "/Team/out")
	of.put(mia, "/Team/out/new", text(3, 50))
	of.mkdir(mia, "/Team/out/dir")
	of.put(mia, "/Team/out/dir/new", text(4, 50))
	of.move(mia, "/Team/side", "/Team/out/side")
	now()
	done, err := mia.Rewind(ctx, Path{"Team", "top"}, at)
	must(t, err)
	if done.Parts != 1 {
		t.Errorf("in %d parts", done.Parts)
	}
	got := slices.Sorted(maps.Keys(of.lines(mia, Path{"Team"})))
	if want := []string{"/side", "/top", "/top/in", "/top/in/old"}; !slices.Equal(got, want) {
		t.Errorf("left %q, want %q", got, want)
	}
	of.clean()
}
