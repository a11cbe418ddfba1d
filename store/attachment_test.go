package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"davit/policy"
	"davit/store/disk"
)

// naming is the revision of a toy that makes it name attachments and no others, the new
// one besides.
func naming(ids ...string) Revision {
	return func(content []byte, a Attachment) ([]byte, Object, error) {
		var o Object
		if err := json.Unmarshal(content, &o); err != nil {
			return nil, o, err
		}
		if o.Attachments = slices.Clone(ids); a.ID != "" {
			o.Attachments = append(o.Attachments, a.ID)
		}
		next, err := json.Marshal(o)
		return next, o, err
	}
}

// attach gives an object an attachment, beside those that it is to keep.
func (of *office) attach(s *Session, p Path, content []byte, keep ...string) (id string, err error) {
	of.t.Helper()
	u, err := s.BeginAttachment(p, int64(len(content)), Attachment{Name: "plan.txt", Type: "text/plain"}, naming(keep...), Terms{})
	if err != nil {
		return "", err
	}
	if _, err := u.Write(content); err != nil {
		u.Abort()
		return "", err
	}
	_, _, err = u.Commit(ctx, Meta{})
	return u.Attachment().ID, err
}

// read is the content of an attachment as somebody gets it.
func readAttachment(s *Session, id string) ([]byte, error) {
	f, err := s.OpenAttachment(id)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f.Content())
}

func (of *office) wantAttachment(s *Session, id string, want []byte) {
	of.t.Helper()
	got, err := readAttachment(s, id)
	if want == nil && !errors.Is(err, ErrNotFound) || want != nil && (err != nil || !bytes.Equal(got, want)) {
		of.t.Errorf("%s reads %d bytes of attachment %s (%v), want %d", s.UserName(), len(got), id, err, len(want))
	}
}

func toy(uid string, ids ...string) Object {
	return Object{UID: uid, Component: "VEVENT", Extent: day(3, 9, 1), Attachments: ids}
}

// An attachment is read by who reads its event, is charged where that stands, and goes
// wherever it goes.
func TestAttachments(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max zoe", "Team mia=manager max=viewer zoe=free-busy")
	mia, max, zoe := of.as("mia"), of.as("max"), of.as("zoe")
	must(t, second(mia.Calendars(ctx, Want{})))
	a, b := cal("Team", "calendar", "a"), cal("Team", "calendar", "b")
	must(t, of.putObject(mia, a, toy("a")))
	if _, err := of.attach(max, a, text(1, 100)); kindOf(err) != errRefused {
		t.Errorf("a viewer attaches: %v", err)
	}
	if _, err := of.attach(zoe, a, text(1, 100)); !errors.Is(err, ErrNotFound) {
		t.Errorf("who sees when somebody is busy attaches: %v", err)
	}
	if _, err := of.attach(mia, cal("Team", "calendar", "none"), nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("to nothing something is attached: %v", err)
	}
	of.put(mia, "/Team/file", nil)
	if _, err := of.attach(mia, split("/Team/file"), nil); !errors.Is(err, ErrNoObject) {
		t.Errorf("to a file something is attached: %v", err)
	}
	small, err := of.attach(mia, a, text(1, 100))
	must(t, err)
	large, err := of.attach(mia, a, bigFile, small)
	must(t, err)
	none, err := of.attach(mia, a, nil, small, large)
	must(t, err)
	same, err := of.attach(mia, a, text(1, 100), small, large, none) // of the same bytes
	must(t, err)
	for id, want := range map[string][]byte{small: text(1, 100), large: bigFile, none: {}, same: text(1, 100)} {
		of.wantAttachment(mia, id, want)
		of.wantAttachment(max, id, want)
		of.wantAttachment(zoe, id, nil)
	}
	of.wantAttachment(mia, "AAAAAAAAAAAAAAAAAAAAAAAAAA", nil)
	of.wantAttachment(mia, "nothing", nil)
	if found := of.clean(); found.Attachments != 4 {
		t.Errorf("the check finds %d attachments", found.Attachments)
	}

	// What the event names no more is gone, and of what it never had nothing comes.
	must(t, of.putObject(mia, a, toy("a", large, same, none)))
	of.wantAttachment(mia, small, nil)
	of.wantAttachment(mia, same, text(1, 100))
	for name, ids := range map[string][]string{"gone": {small}, "invented": {"AAAAAAAAAAAAAAAAAAAAAAAAAA"}, "of another server": {"x-1"}} {
		if err := of.putObject(mia, a, toy("a", append(ids, large)...)); !errors.Is(err, ErrNotAttached) {
			t.Errorf("an event names one that is %s: %v", name, err)
		}
	}
	if err := of.putObject(mia, b, toy("b", slices.Repeat([]string{large}, AttachmentsMax+1)...)); !errors.Is(err, ErrAttachments) {
		t.Errorf("an event names too many: %v", err)
	}

	// Another event has it too, where its writer reads it.
	must(t, of.putObject(mia, b, toy("b", large)))
	must(t, second(max.Calendars(ctx, Want{})))
	mine := cal("~max", "calendar", "mine")
	must(t, of.putObject(max, mine, toy("m", same)))
	must(t, second(zoe.Calendars(ctx, Want{})))
	if err := of.putObject(zoe, cal("~zoe", "calendar", "z"), toy("z", same)); !errors.Is(err, ErrNotAttached) {
		t.Errorf("who does not read the event has its attachment: %v", err)
	}
	must(t, mia.Remove(ctx, a, Terms{}))
	of.wantAttachment(mia, large, bigFile)
	of.wantAttachment(mia, same, nil)
	of.wantAttachment(max, same, text(1, 100))
	of.clean()

	// The trash keeps what lies in it, and gives it back; what is erased is gone.
	must(t, mia.Remove(ctx, b, Terms{}))
	of.wantAttachment(mia, large, nil)
	must(t, second(mia.Move(ctx, calendarTrash("Team", "b"), b, false, Terms{})))
	of.wantAttachment(mia, large, bigFile)
	must(t, second(mia.Empty(ctx, calendarTrash("Team"), Terms{})))
	must(t, mia.Remove(ctx, b, Terms{}))
	must(t, second(mia.Empty(ctx, calendarTrash("Team"), Terms{})))
	of.wantAttachment(mia, large, nil)
	of.wantAttachment(max, same, text(1, 100))
	if found := of.clean(); found.Attachments != 1 {
		t.Errorf("the check finds %d attachments", found.Attachments)
	}
	of.collect(0)
	of.wantFile(blobPath(bigFile, 0), false)
	of.clean()
}

// Of a private event nobody reads an attachment but for whom the event is.
func TestAttachmentOfPrivate(t *testing.T) {
	mask := func(b []byte) []byte { return []byte("{}") }
	of := newOffice(t, Options{Index: toyIndex, Mask: mask}, "mia max", "Team mia=manager max=editor")
	mia, max := of.as("mia"), of.as("max")
	must(t, second(mia.Calendars(ctx, Want{})))
	a := cal("Team", "calendar", "a")
	private := toy("a")
	private.Private = true
	must(t, of.putObject(mia, a, private))
	id, err := of.attach(mia, a, text(1, 100))
	must(t, err)
	of.wantAttachment(mia, id, text(1, 100))
	of.wantAttachment(max, id, nil)
	if _, err := of.attach(max, a, nil); kindOf(err) != errRefused {
		t.Errorf("an editor attaches to what is masked: %v", err)
	}
	if err := of.putObject(max, cal("Team", "calendar", "b"), toy("b", id)); !errors.Is(err, ErrNotAttached) {
		t.Errorf("an editor takes what is masked: %v", err)
	}
	must(t, of.putObject(mia, a, toy("a", id)))
	of.wantAttachment(max, id, text(1, 100))
	// An entry on the event hides its attachment at once.
	must(t, of.st.Operator().ChangeAt(ctx, a, func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
		return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("max"), Deny: policy.All}}}, nil
	}))
	of.wantAttachment(max, id, nil)
}

// Attachments are charged to where their event stands, also as it moves and is copied,
// and what has no room changes nothing.
func TestAttachmentQuota(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia", "Team mia=manager", "Room mia=manager")
	of.settings(func(s *policy.Settings) { s.Versions = 0 })
	mia := of.as("mia")
	must(t, second(mia.Calendars(ctx, Want{})))
	a, twin := cal("Team", "calendar", "a"), cal("Room", "calendar", "a")
	must(t, of.putObject(mia, a, toy("a")))
	id, err := of.attach(mia, a, bigFile)
	must(t, err)
	usage := func(path string) int64 {
		return of.st.Operator().Usage(of.nodeAt(path), policy.NoLimit).Used()
	}
	event, err := mia.Stat(a, Want{})
	must(t, err)
	whole := event.Size + int64(len(bigFile))
	used := func(team, room int64) {
		t.Helper()
		if got := [2]int64{usage("/Team"), usage("/Room")}; got != [2]int64{team, room} {
			t.Errorf("used are %v, want %d and %d", got, team, room)
		}
	}
	used(whole, 0)
	must(t, second(mia.Copy(ctx, a, twin, false, false, Terms{})))
	used(whole, whole)
	of.quota("/Room", policy.Limit(whole+100)) // room for what comes in the place of what goes
	must(t, second(mia.Copy(ctx, a, twin, true, false, Terms{})))
	of.quota("/Room", -1)
	used(whole, whole)
	must(t, mia.Remove(ctx, twin, Terms{}))
	used(whole, whole)
	must(t, second(mia.Empty(ctx, calendarTrash("Room"), Terms{})))
	used(whole, 0)
	must(t, second(mia.Move(ctx, a, twin, false, Terms{})))
	used(0, whole)
	of.wantAttachment(mia, id, bigFile)
	of.reopen()
	mia = of.as("mia")
	used(0, whole)
	of.wantAttachment(mia, id, bigFile)

	// A full place takes a new one only for one that goes.
	of.quota("/Room", policy.Limit(whole+100))
	if _, err := of.attach(mia, twin, text(5, 9000), id); !errors.Is(err, ErrQuota) {
		t.Errorf("what has no room is attached: %v", err)
	}
	u, err := mia.BeginAttachment(twin, -1, Attachment{}, naming(id), Terms{})
	must(t, err)
	if _, err := u.Write(text(5, 9000)); !errors.Is(err, ErrQuota) {
		t.Errorf("what was not announced is attached: %v", err)
	}
	u.Abort()
	used(0, whole)
	next, err := of.attach(mia, twin, bigFile[1:])
	must(t, err)
	used(0, whole-1)
	of.wantAttachment(mia, id, nil)
	of.wantAttachment(mia, next, bigFile[1:])
	of.quota("/Team", 1000)
	if _, err := mia.Copy(ctx, twin, a, false, false, Terms{}); !errors.Is(err, ErrQuota) {
		t.Errorf("a copy has room without its attachment: %v", err)
	}
	if _, err := mia.Move(ctx, twin, a, false, Terms{}); !errors.Is(err, ErrQuota) {
		t.Errorf("it moves to where it has no room: %v", err)
	}
	if err := of.putObject(mia, a, toy("b", next)); !errors.Is(err, ErrQuota) {
		t.Errorf("another event has it without room: %v", err)
	}
	if _, err := mia.Detach(ctx, twin, naming(), Terms{}); err != nil {
		t.Error(err)
	}
	event, err = mia.Stat(twin, Want{})
	must(t, err)
	used(0, event.Size)
	of.clean()
}

// copyOf is where somebody's own copy of a meeting is.
func (of *office) copyOf(s *Session, uid string) Path {
	of.t.Helper()
	list, _, err := s.List(cal("~"+s.UserName(), "calendar"), "", 100, Want{})
	must(of.t, err)
	for i := range list {
		found := of.found(s, cal("~"+s.UserName(), "calendar"), Search{UID: uid})
		if slices.Contains(found, list[i].Name) {
			return cal("~"+s.UserName(), "calendar", list[i].Name)
		}
	}
	of.t.Fatalf("%s has no copy of %s", s.UserName(), uid)
	return nil
}

// Who is invited reads what the organizer's event has for as long as it has it there.
func TestLentAttachments(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex, Scheduler: toyScheduler{}}, "lena mia max zoe")
	lena, mia, zoe := of.as("lena"), of.as("mia"), of.as("zoe")
	must(t, lena.BeginCalendars(ctx))
	plan := cal("~lena", "calendar", "plan")
	must(t, of.putMeeting(lena, plan, "plan", 0))
	id, err := of.attach(lena, plan, bigFile)
	must(t, err)
	before := of.st.Operator().Usage(of.nodeAt("~mia"), policy.NoLimit).Used()
	of.wantAttachment(mia, id, bigFile)
	of.wantAttachment(zoe, id, nil)
	if before > int64(len(bigFile)) {
		t.Errorf("who is invited pays: %d bytes", before)
	}
	of.clean()
	// In the trash of whose it is nobody reads it, and out of it everybody again.
	must(t, lena.Remove(ctx, plan, Terms{}))
	of.wantAttachment(mia, id, nil)
	must(t, second(lena.Move(ctx, calendarTrash("~lena", "plan"), plan, false, Terms{})))
	of.wantAttachment(mia, id, bigFile)
	// An account that does not count gives nothing.
	of.account("lena", func(u *policy.User) { u.Inactive = true })
	of.wantAttachment(mia, id, nil)
	of.account("lena", func(u *policy.User) { u.Inactive = false })
	of.wantAttachment(mia, id, bigFile)
	// Of another meeting nothing is lent, though it invites her: she reads what she was
	// told of, in the meeting in which she was.
	other := cal("~lena", "calendar", "other")
	must(t, of.putMeeting(lena, other, "other", 0))
	revised, err := lena.Detach(ctx, other, naming(id), Terms{}) // which names it from now on
	must(t, err)
	if revised.Node == 0 {
		t.Error("the revised meeting is none")
	}
	must(t, mia.Remove(ctx, of.copyOf(mia, "other"), Terms{}))
	must(t, lena.Remove(ctx, plan, Terms{}))
	of.wantAttachment(mia, id, nil)
	must(t, second(lena.Move(ctx, calendarTrash("~lena", "plan"), plan, false, Terms{})))
	must(t, lena.Remove(ctx, other, Terms{}))
	of.wantAttachment(mia, id, bigFile)
	// Another event of hers has it for good, and pays for it.
	must(t, of.putObject(mia, cal("~mia", "calendar", "own"), toy("own", id)))
	if _, err := lena.Detach(ctx, plan, naming(), Terms{}); err != nil {
		t.Fatal(err)
	}
	of.wantAttachment(of.as("max"), id, nil)
	of.wantAttachment(lena, id, nil)
	of.wantAttachment(mia, id, bigFile)
	if after := of.st.Operator().Usage(of.nodeAt("~mia"), policy.NoLimit).Used(); after < before+int64(len(bigFile)) {
		t.Errorf("her own costs nothing: %d after %d", after, before)
	}
	of.clean()
}

// What came with an event of another server, before its ids were read, stays in it.
func TestForeignAttachments(t *testing.T) {
	blind := func(content []byte, near Span) (Object, error) {
		o, err := toyIndex(content, near)
		o.Attachments = nil
		return o, err
	}
	of := newOffice(t, Options{Index: blind}, "mia")
	must(t, of.as("mia").BeginCalendars(ctx))
	a := cal("~mia", "calendar", "a")
	foreign := toy("a", "x-1")
	content, err := json.Marshal(foreign)
	must(t, err)
	u, err := of.as("mia").Begin(a, int64(len(content)), Terms{})
	must(t, err)
	must(t, second(u.Write(content)))
	foreign.Attachments = nil
	_, _, err = u.Commit(ctx, Meta{Object: &foreign})
	must(t, err)
	of.close()
	of.o.Index = toyIndex
	of.start()
	mia := of.as("mia")
	must(t, of.putObject(mia, a, toy("a", "x-1")))
	id, err := of.attach(mia, a, text(1, 10), "x-1")
	must(t, err)
	of.wantAttachment(mia, id, text(1, 10))
	if err := of.putObject(mia, a, toy("a", "x-1", "x-2")); !errors.Is(err, ErrNotAttached) {
		t.Errorf("one more of another server is taken: %v", err)
	}
}

// TestAttachmentDamages: what an object says of its attachments, these, and the ways to
// them are held against each other.
func TestAttachmentDamages(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	mia := of.as("mia")
	must(t, mia.BeginCalendars(ctx))
	a, b := cal("~mia", "calendar", "a"), cal("~mia", "calendar", "b")
	must(t, of.putObject(mia, a, toy("a")))
	must(t, of.putObject(mia, b, toy("b")))
	id, err := of.attach(mia, a, text(1, 100))
	must(t, err)
	info, err := mia.Stat(a, Want{})
	must(t, err)
	other, err := mia.Stat(b, Want{})
	must(t, err)
	of.stop()
	base := save(t, of.dir)
	const absent = "AAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, d := range []damage{
		{"gone", attachedKey(info.Node, id), gone, nil, "names attachment " + id + " and does not have it"},
		{"its sum", attachedKey(info.Node, id), gone, nil, "its attachments are"},
		{"short", attachedKey(info.Node, id), to([]byte{1}), nil, "attachment record"},
		{"of nobody's word", attachedKey(other.Node, absent), nil, appendAttached(nil, &attached{}), "it has attachment " + absent + " and does not name it"},
		{"of nothing", attachedKey(1<<40, absent), nil, appendAttached(nil, &attached{}), "2 attachments, the objects that are there have 1"},
		{"way gone", holderKey(id, info.Node), gone, nil, "it does not know of object"},
		{"way from nothing", holderKey(absent, info.Node), nil, nil, "2 ways from attachments to objects"},
		{"content of another", attachedKey(info.Node, id), to(appendAttached(nil, &attached{number: 1, content: content{where: inline, hash: [32]byte{1}}, Attachment: Attachment{Size: 100}})), nil, "does not have this content"},
	} {
		t.Run(d.name, func(t *testing.T) {
			dir := base.restore(t)
			d.plant(t, dir)
			st, err := Open(dir, Options{Index: toyIndex})
			must(t, err)
			defer st.Close()
			found, err := st.Check(ctx)
			must(t, err)
			if !slices.ContainsFunc(found.Faults, func(f string) bool { return bytes.Contains([]byte(f), []byte(d.want)) }) {
				t.Errorf("nothing says %q: %q", d.want, found.Faults)
			}
		})
	}
}

// TestAttachmentFailEach breaks each operation on files, and each commit, in turn: an
// attachment and the word of its event come and go together.
func TestAttachmentFailEach(t *testing.T) {
	o := Options{Index: toyIndex}
	of := newOffice(t, o, "mia")
	must(t, of.as("mia").BeginCalendars(ctx))
	a, b := cal("~mia", "calendar", "a"), cal("~mia", "calendar", "b")
	must(t, of.putObject(of.as("mia"), a, toy("a")))
	of.stop()
	base := save(t, of.dir)
	var first, next string // ids
	steps := []struct {
		found int // attachments, once it is done
		do    func(of *office, s *Session) error
	}{
		{1, func(of *office, s *Session) (err error) { first, err = of.attach(s, a, bigFile); return err }},
		{2, func(of *office, s *Session) (err error) { next, err = of.attach(s, a, text(1, 100), first); return err }},
		{4, func(of *office, s *Session) error { return of.putObject(s, b, toy("b", first, next)) }},
		{3, func(of *office, s *Session) error { return second(s.Detach(ctx, a, naming(next), Terms{})) }},
		{3, func(of *office, s *Session) error { return s.Remove(ctx, b, Terms{}) }},
		{1, func(of *office, s *Session) error { return second(s.Empty(ctx, calendarTrash("~mia"), Terms{})) }},
	}
	for n := 1; ; n++ {
		fault := disk.FailNth(n)
		var armed atomic.Bool
		o.Hooks = []disk.Hook{func(op disk.Op) error {
			if !armed.Load() {
				return nil
			}
			return fault.Hook(op)
		}}
		of := officeAt(t, base.restore(t), o)
		s := of.as("mia")
		armed.Store(true)
		done := 0
		for done < len(steps) && steps[done].do(of, s) == nil {
			done++
		}
		armed.Store(false)
		if !fault.Fired() {
			if done != len(steps) || n < len(steps) {
				t.Errorf("with %d operations: %d of %d steps", n-1, done, len(steps))
			}
			return
		}
		of.close()
		of.start()
		before, after := 0, steps[min(done, len(steps)-1)].found
		if done > 0 {
			before = steps[done-1].found
		}
		if found := of.clean().Attachments; found != before && found != after {
			t.Errorf("%d attachments, neither as before the step (%d) nor as after it (%d)", found, before, after)
		}
		of.stop()
		if t.Failed() {
			t.Fatalf("operation %d failed after %d steps", n, done)
		}
	}
}

// wantTwin: the one thing that stands in the way of a copy is an earlier one.
func wantTwin(t *testing.T, err error) {
	t.Helper()
	var same *UIDError
	if !errors.As(err, &same) {
		t.Fatal(err)
	}
}

// TestAttachmentModel does random things to events with attachments, and holds who
// reads what, and what is paid, against a plain map.
func TestAttachmentModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	of := newOffice(t, Options{Index: toyIndex}, "mia max", "Team mia=manager max=viewer", "Room mia=manager")
	of.settings(func(s *policy.Settings) { s.Versions = 0 })
	mia, max := of.as("mia"), of.as("max")
	must(t, second(mia.Calendars(ctx, Want{})))
	contents := map[string][]byte{} // of ids
	events := map[string][]string{} // what they name, by their paths
	binned := map[string][]string{} // in the trash, likewise
	paths := []string{"Team/1", "Team/2", "Team/3", "Room/1", "Room/2"}
	at := func(p string) Path { return cal(p[:4], "calendar", p[5:]) }
	var ids []string
	for range 300 {
		p, q := paths[random.IntN(len(paths))], paths[random.IntN(len(paths))]
		names, there := events[p]
		_, taken := events[q]
		uid := p + fmt.Sprint(random.Uint64())
		switch random.IntN(8) {
		case 0:
			if !there {
				must(t, of.putObject(mia, at(p), toy(uid)))
				events[p] = nil
			}
		case 1, 2:
			if there {
				content := text(random.IntN(5), 10+random.IntN(3)*9000)
				id, err := of.attach(mia, at(p), content, names...)
				must(t, err)
				contents[id], ids = content, append(ids, id)
				events[p] = append(slices.Clip(names), id)
			}
		case 3:
			if there && len(names) > 0 {
				events[p] = slices.Delete(slices.Clone(names), 0, 1)
				must(t, second(mia.Detach(ctx, at(p), naming(events[p]...), Terms{})))
			}
		case 4: // another event names one
			if there && len(ids) > 0 {
				id := ids[random.IntN(len(ids))]
				listed := slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(events[p], id) })
				err := of.putObject(mia, at(p), toy(uid, id))
				if (err == nil) != listed {
					t.Fatalf("an event names %s, which another one names=%t: %v", id, listed, err)
				}
				if err == nil {
					events[p] = []string{id}
				}
			}
		case 5:
			if there && !taken {
				if _, err := mia.Move(ctx, at(p), at(q), false, Terms{}); err == nil {
					events[q] = names
					delete(events, p)
				} else {
					wantTwin(t, err)
				}
			}
		case 6:
			if there && p != q && p[:4] != q[:4] {
				if _, err := mia.Copy(ctx, at(p), at(q), true, false, Terms{}); err == nil {
					events[q] = names
				} else {
					wantTwin(t, err)
				}
			}
		case 7:
			if there {
				must(t, mia.Remove(ctx, at(p), Terms{}))
				binned[p+uid] = names
				delete(events, p)
			}
		}
	}
	for _, id := range ids {
		var mine, his []byte
		for p, names := range events {
			if slices.Contains(names, id) {
				mine = contents[id]
				if p[:4] == "Team" {
					his = contents[id]
				}
			}
		}
		of.wantAttachment(mia, id, mine)
		of.wantAttachment(max, id, his)
	}
	held := 0
	for _, all := range []map[string][]string{events, binned} {
		for _, names := range all {
			held += len(names)
		}
	}
	if found := of.clean(); found.Attachments != held {
		t.Errorf("%d attachments are kept, want %d", found.Attachments, held)
	}
}

// Who sees an event without reading it is refused, unless he reads another event that
// has the attachment. The bearer of a link is told of none.
func TestAttachmentOfSeveral(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia max", "Team mia=manager max=viewer", "Room mia=manager max=viewer")
	mia, max := of.as("mia"), of.as("max")
	must(t, second(mia.Calendars(ctx, Want{})))
	a, b := cal("Team", "calendar", "a"), cal("Room", "calendar", "b")
	must(t, of.putObject(mia, a, toy("a")))
	id, err := of.attach(mia, a, text(1, 100))
	must(t, err)
	wall := func(p Path, rights policy.Rights) {
		t.Helper()
		must(t, of.st.Operator().ChangeAt(ctx, p, func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
			return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("max"), Deny: rights}}}, nil
		}))
	}
	wall(a, policy.Read)
	if _, err := max.OpenAttachment(id); kindOf(err) != errRefused {
		t.Errorf("who sees the event and does not read it: %v", err)
	}
	must(t, of.putObject(mia, b, toy("b", id)))
	of.wantAttachment(max, id, text(1, 100))
	wall(b, policy.All)
	if _, err := max.OpenAttachment(id); kindOf(err) != errRefused {
		t.Errorf("another event is hidden from him: %v", err)
	}
	wall(a, policy.All)
	of.wantAttachment(max, id, nil)

	link, err := mia.Link(ctx, cal("Team", "calendar"), policy.Share{Rights: policy.See | policy.Read}, NewLink{Token: [32]byte{7}})
	must(t, err)
	if content, err := of.bearer(link).Open(a, Terms{}); err != nil {
		t.Errorf("the bearer of the link does not read the event: %v", err)
	} else {
		must(t, content.Close())
	}
	if _, err := of.bearer(link).OpenAttachment(id); !errors.Is(err, ErrNotFound) {
		t.Errorf("the bearer of a link reads the attachment: %v", err)
	}
}

// What lies in the trash for too long ends with what it has, and the collector gives
// back what that took.
func TestAttachmentsExpire(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Index: toyIndex, Clock: c.Now}, "mia")
	mia := of.as("mia")
	must(t, mia.BeginCalendars(ctx))
	a := cal("~mia", "calendar", "a")
	must(t, of.putObject(mia, a, toy("a")))
	must(t, second(of.attach(mia, a, bigFile)))
	must(t, mia.Remove(ctx, a, Terms{}))
	c.advance(29 * 24 * time.Hour)
	of.collect(time.Hour)
	if found := of.clean(); found.Attachments != 1 {
		t.Errorf("after 29 days: %d attachments", found.Attachments)
	}
	c.advance(2 * 24 * time.Hour)
	of.collect(time.Hour)
	c.advance(2 * time.Hour)
	if got := of.collect(time.Hour); got.Files != 1 || got.Bytes < int64(len(bigFile)) {
		t.Errorf("the collector gives back %+v", got)
	}
	if found := of.clean(); found.Attachments != 0 {
		t.Errorf("after 31 days: %d attachments", found.Attachments)
	}
	of.wantFile(blobPath(bigFile, 0), false)
	if used := of.st.Operator().Usage(of.nodeAt("~mia"), policy.NoLimit).Used(); used != 0 {
		t.Errorf("%d bytes are charged for what is gone", used)
	}
}

// A profile bounds attachments as it bounds files.
func TestAttachmentOfProfile(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia")
	mia := of.as("mia")
	must(t, mia.BeginCalendars(ctx))
	a := cal("~mia", "calendar", "a")
	must(t, of.putObject(mia, a, toy("a")))
	u, err := mia.BeginAttachment(a, 9000, Attachment{}, naming(), Terms{})
	must(t, err)
	must(t, second(u.Write(text(1, 9000))))
	p := *of.st.Policy().Profile(of.st.Policy().User(of.user("mia")).Profile)
	p.FileMax = 8000
	of.change(policy.PutProfile{Profile: p})
	var large *FileTooLargeError
	if _, _, err := u.Commit(ctx, Meta{}); !errors.As(err, &large) {
		t.Errorf("what is too large by now is attached: %v", err)
	}
	if _, err := of.attach(mia, a, text(1, 9000)); !errors.As(err, &large) {
		t.Errorf("what is too large is attached: %v", err)
	}
	must(t, second(of.attach(mia, a, text(1, 7000))))
}

// A whole calendar is copied, goes and is erased with what its events have.
func TestAttachmentsOfCalendars(t *testing.T) {
	of := newOffice(t, Options{Index: toyIndex}, "mia", "Team mia=manager", "Room mia=manager")
	mia := of.as("mia")
	must(t, second(mia.Calendars(ctx, Want{})))
	a := cal("Team", "calendar", "a")
	must(t, of.putObject(mia, a, toy("a")))
	id, err := of.attach(mia, a, bigFile)
	must(t, err)
	must(t, second(mia.Copy(ctx, cal("Team", "calendar"), cal("Room", "twin"), false, false, Terms{})))
	info, err := mia.Stat(a, Want{})
	must(t, err)
	whole := info.Size + int64(len(bigFile))
	if used := of.st.Operator().Usage(of.nodeAt("/Room"), policy.NoLimit).Used(); used != whole {
		t.Errorf("the copy is charged as %d, want %d", used, whole)
	}
	if found := of.clean(); found.Attachments != 2 {
		t.Errorf("the check finds %d attachments", found.Attachments)
	}
	must(t, mia.Remove(ctx, a, Terms{}))
	of.wantAttachment(mia, id, bigFile)
	must(t, mia.Remove(ctx, cal("Room", "twin"), Terms{}))
	of.wantAttachment(mia, id, nil)
	must(t, second(mia.Empty(ctx, calendarTrash("Room"), Terms{})))
	of.collect(0)
	if used := of.st.Operator().Usage(of.nodeAt("/Room"), policy.NoLimit).Used(); used != 0 {
		t.Errorf("%d bytes are charged for what is gone", used)
	}
	if found := of.clean(); found.Attachments != 1 {
		t.Errorf("the check finds %d attachments", found.Attachments)
	}
}
