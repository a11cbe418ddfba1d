package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/policy"
	"davit/store/engine"
)

func TestNames(t *testing.T) {
	of := newOffice(t, Options{}, "mia jörg", "Büro jörg=editor")
	s := of.as("jörg")
	// The store compares bytes: names come in one Unicode form, and case counts.
	names := []string{"a", "A", "ä", "Ä", "a b", "a.b", "日本語", "👩‍🚀", "%41", "-", "~", strings.Repeat("n", 255)}
	for i, name := range names {
		of.put(s, "/Büro/"+name, text(i, 50+i))
	}
	slices.Sort(names)
	page, more, err := s.List(split("/Büro"), "", len(names), Want{})
	var listed []string
	for _, e := range page {
		listed = append(listed, e.Name)
	}
	if !slices.Equal(listed, names) || more || err != nil {
		t.Errorf("listed %q, more %t, %v", listed, more, err)
	}
	if !s.OwnPath(split("~JÖRG/x")) || s.OwnPath(split("~mia/x")) || s.OwnPath(split("/Büro")) {
		t.Error("one's own drive is known by its name in any case")
	}
	for p, want := range map[string]Path{"/Finance/2026": {"Finance", "2026"}, "~mia/notes": {"~mia", "notes"}, "/": nil} {
		if want.String() != p {
			t.Errorf("%q is told as %s", []string(want), want)
		}
	}
}

// TestListInPages reads 10,000 entries in pages of every kind of size: each once
// and in order, also past those that the asker may not see.
func TestListInPages(t *testing.T) {
	const entries = 10_000
	of := newOffice(t, Options{}, "mia max", "Team mia=editor max=viewer")
	mia, max := of.as("mia"), of.as("max")
	of.fill(mia, entries)
	hidden := []string{"/Team/00000", "/Team/05000", "/Team/09999"}
	for _, p := range hidden {
		of.changeAt(p, func(at policy.Place) policy.Change {
			return policy.SetEntry{At: at, Entry: policy.Entry{Principal: max.User(), Deny: policy.All}}
		})
	}
	for _, row := range []struct {
		s    *Session
		size int
		want int
	}{{mia, 1000, entries}, {mia, entries, entries}, {mia, 999, entries}, {max, 1000, entries - 3}, {max, entries - 3, entries - 3}} {
		var names []string
		pages := 0
		for after, more := "", true; more; pages++ {
			page, again, err := row.s.List(split("/Team"), after, row.size, Want{})
			if err != nil || again && len(page) != row.size {
				t.Fatalf("page of %d has %d: %v", row.size, len(page), err)
			}
			for _, e := range page {
				names = append(names, e.Name)
			}
			if more = again; more {
				after = page[len(page)-1].Name
			}
		}
		if len(names) != row.want || !slices.IsSorted(names) || len(slices.Compact(names)) != row.want || pages != (row.want+row.size-1)/row.size {
			t.Errorf("%s reads %d names in %d pages of %d, want %d", row.s.UserName(), len(names), pages, row.size, row.want)
		}
	}
}

// fill makes collections in a space, many in each transaction.
func (of *office) fill(s *Session, n int) {
	of.t.Helper()
	for i := 0; i < n; {
		err := of.st.update(ctx, engine.Foreground, func(tx *Tx) error {
			for range min(200, n-i) {
				sp, err := tx.resolve(Path{"Team", fmt.Sprintf("%05d", i)})
				if err != nil {
					return err
				}
				g, err := s.authorizeCreate(tx, sp)
				if err != nil {
					return err
				}
				if _, err := s.mkdir(tx, g, sp); err != nil {
					return err
				}
				i++
			}
			return nil
		})
		if err != nil {
			of.t.Fatal(err)
		}
	}
}

// TestPolicyCountsAtOnce: each change is in force for the next operation of a
// session that was there before, except of a pinned one's reading.
func TestPolicyCountsAtOnce(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=manager max=editor")
	s := of.as("max")
	of.put(s, "/Team/file", text(1, 10))
	pinned := s.Pinned()
	u := of.begun(s, "/Team/file", text(2, 20))
	of.level("Team", "max", "viewer")
	if _, _, err := put(s, "/Team/new", nil); kindOf(err) != errRefused {
		t.Errorf("a viewer adds: %v", err)
	}
	if _, _, err := u.Commit(ctx, Meta{}); kindOf(err) != errRefused {
		t.Errorf("the upload that began as an editor's: %v", err)
	}
	of.wantContent(s, "/Team/file", text(1, 10))
	of.level("Team", "max", "none")
	if _, err := s.Stat(split("/Team"), Want{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("without a level: %v", err)
	}
	if page, _, err := pinned.List(split("/Team"), "", 10, Want{}); err != nil || len(page) != 1 {
		t.Errorf("the walk that began before: %d entries, %v", len(page), err)
	}
	if _, _, err := put(pinned, "/Team/new", nil); err == nil {
		t.Error("the walk's session writes under an old policy")
	}
	of.level("Team", "max", "editor")
	user := *of.st.Policy().UserNamed("max")
	user.Inactive = true
	of.change(policy.PutUser{User: user})
	if _, err := read(s, "/Team/file"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a closed account reads: %v", err)
	}
	if spaces, err := s.Spaces(Want{}); err != nil || len(spaces) > 0 {
		t.Errorf("a closed account sees %v, %v", spaces, err)
	}
}

func TestMaskNarrows(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	of.put(of.as("mia"), "/Team/file", text(1, 10))
	s := of.st.Login(Credential{User: of.user("mia"), Mask: policy.ReadOnly, Class: policy.Mobile})
	of.wantContent(s, "/Team/file", text(1, 10))
	if _, _, err := put(s, "/Team/file", nil); kindOf(err) != errRefused {
		t.Errorf("written with a credential for reading: %v", err)
	}
	nobody := of.st.Login(Credential{Mask: policy.All})
	if _, err := nobody.Stat(split("/Team"), Want{}); !errors.Is(err, ErrNotFound) || nobody.UserName() != "" {
		t.Errorf("nobody: %v", err)
	}
}

func TestReadersKeepWhatTheyOpened(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
	s := of.as("mia")
	for _, old := range [][]byte{bigFile, text(1, 100)} {
		of.put(s, "/Team/file", old)
		f, err := s.Open(split("/Team/file"), Terms{})
		if err != nil {
			t.Fatal(err)
		}
		of.put(s, "/Team/file", text(2, 30_000))
		if err := s.Remove(ctx, split("/Team/file"), Terms{}); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Hour)
		of.collect(0)
		content := make([]byte, len(old)+1)
		n, _ := f.Content().Read(content)
		if string(content[:n]) != string(old) {
			t.Errorf("%d bytes of what was opened, want %d", n, len(old))
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestETags: every write gives another one, also of the same bytes and after a
// move between spaces, and none comes back.
func TestETags(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor", "Room mia=editor")
	s := of.as("mia")
	seen := map[string]string{}
	note := func(what, p string) {
		t.Helper()
		info, err := s.Stat(split(p), Want{})
		if err != nil {
			t.Fatal(err)
		}
		tag := info.ETag()
		if was, twice := seen[tag]; twice || len(tag) < 5 {
			t.Errorf("%s has the ETag %s of %s", what, tag, was)
		}
		seen[tag] = what
	}
	for i := range 3 {
		of.put(s, "/Team/file", text(1, 10))
		note(fmt.Sprintf("write %d", i), "/Team/file")
	}
	err := errors.Join(
		second(s.Copy(ctx, split("/Team/file"), split("/Team/copy"), false, false, Terms{})),
		second(s.Move(ctx, split("/Team/file"), split("/Room/file"), false, Terms{})))
	if err != nil {
		t.Fatal(err)
	}
	note("the copy", "/Team/copy")
	of.put(s, "/Room/file", text(1, 10))
	note("the write after a move", "/Room/file")
	if err := s.Remove(ctx, split("/Team/copy"), Terms{}); err != nil {
		t.Fatal(err)
	}
	of.put(s, "/Team/copy", text(1, 10))
	note("the new file of an old name", "/Team/copy")
}

// TestCopyTakesWhatIsRead leaves out what the copier may not see, or sees and
// may not read, and all that is below.
func TestCopyTakesWhatIsRead(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=editor max=editor")
	mia, max := of.as("mia"), of.as("max")
	for _, dir := range []string{"/Team/dir", "/Team/dir/open", "/Team/dir/unseen", "/Team/dir/unread"} {
		of.mkdir(mia, dir)
		of.put(mia, dir+"/file", text(1, 10))
	}
	for p, deny := range map[string]policy.Rights{"/Team/dir/unseen": policy.All, "/Team/dir/unread": policy.Read} {
		of.changeAt(p, func(at policy.Place) policy.Change {
			return policy.SetEntry{At: at, Entry: policy.Entry{Principal: max.User(), Deny: deny}}
		})
	}
	if _, err := max.Copy(ctx, split("/Team/dir"), split("/Team/copy"), false, false, Terms{}); err != nil {
		t.Fatal(err)
	}
	var copied []string
	for p := range of.dump(mia) {
		if strings.HasPrefix(p, "/Team/copy/") {
			copied = append(copied, p)
		}
	}
	slices.Sort(copied)
	if want := []string{"/Team/copy/file", "/Team/copy/open", "/Team/copy/open/file"}; !slices.Equal(copied, want) {
		t.Errorf("copied %q, want %q", copied, want)
	}
}

// TestTermsAreJudgedInTheTransaction: the condition holds at the beginning of an
// upload and no longer at its commit.
func TestTermsAreJudgedInTheTransaction(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	before := of.put(s, "/Team/file", text(1, 10))
	matches := Terms{Match: func(e *Entry) error {
		if e == nil || e.ETag() != before.ETag() {
			return ErrStale
		}
		return nil
	}}
	u, err := s.Begin(split("/Team/file"), 0, matches)
	if err != nil {
		t.Fatal(err)
	}
	of.put(s, "/Team/file", text(2, 20))
	if _, _, err := u.Commit(ctx, Meta{}); !errors.Is(err, ErrStale) {
		t.Errorf("committed over another's write: %v", err)
	}
	for what, err := range map[string]error{
		"begin":  second(s.Begin(split("/Team/file"), 0, matches)),
		"open":   second(s.Open(split("/Team/file"), matches)),
		"remove": s.Remove(ctx, split("/Team/file"), matches),
		"move":   second(s.Move(ctx, split("/Team/file"), split("/Team/b"), false, matches)),
		"copy":   second(s.Copy(ctx, split("/Team/file"), split("/Team/b"), false, false, matches)),
		"mkdir":  second(s.Mkdir(ctx, split("/Team/b"), matches)),
		"props":  s.SetProps(ctx, split("/Team/file"), nil, time.Time{}, matches),
		"lock":   second2(s.Lock(ctx, split("/Team/file"), LockRequest{}, matches)),
	} {
		if !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v", what, err)
		}
	}
	of.wantContent(s, "/Team/file", text(2, 20))
}

func TestPropertiesAreBounded(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	set := func(props ...Prop) error { return s.SetProps(ctx, split("/Team"), props, time.Time{}, Terms{}) }
	if err := set(Prop{"a", "fits", make([]byte, PropSizeMax-20)}, Prop{"a", "large", make([]byte, PropSizeMax)}); !errors.Is(err, ErrTooMany) {
		t.Errorf("a property that is too large: %v", err)
	}
	var many []Prop
	for i := range PropCountMax + 1 {
		many = append(many, Prop{"a", fmt.Sprint(i), []byte("x")})
	}
	if err := set(many...); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many properties: %v", err)
	}
	info, err := s.Stat(split("/Team"), Want{Props: true})
	if err != nil || len(info.Props) > 0 || info.HasProps {
		t.Errorf("of what was refused there is %v (%v)", info.Props, err)
	}
	if err := set(many[:PropCountMax]...); err != nil {
		t.Error(err)
	}
}

// TestStamps: what was remembered of an account ends with each change of it, and
// of no other.
func TestStamps(t *testing.T) {
	of := newOffice(t, Options{}, "mia max")
	mia := of.user("mia")
	other, _ := of.st.Stamp(of.user("max"))
	var device Device
	user := *of.st.Policy().User(mia)
	for _, change := range []struct {
		name string
		do   func() error
	}{
		{"password", func() error { return of.st.SetPassword(ctx, mia, "phc") }},
		{"device", func() (err error) { device, err = of.st.AddDevice(ctx, mia, Device{Name: "phone"}); return err }},
		{"device gone", func() error { return of.st.RemoveDevice(ctx, mia, device.ID) }},
		{"closed", func() error {
			user.Inactive = true
			return of.st.Operator().Change(ctx, func(*policy.State) ([]policy.Change, error) {
				return []policy.Change{policy.PutUser{User: user}}, nil
			})
		}},
	} {
		before, _ := of.st.Stamp(mia)
		if err := change.do(); err != nil {
			t.Fatalf("%s: %v", change.name, err)
		}
		account, err := of.st.Account("MIA")
		if after, active := of.st.Stamp(mia); after == before || account.Stamp != after || account.Active != active || err != nil {
			t.Errorf("%s: stamp %d before, %d after, the account has %d (%v)", change.name, before, after, account.Stamp, err)
		}
	}
	if after, active := of.st.Stamp(of.user("max")); after != other || !active {
		t.Errorf("another's stamp was %d and is %d", other, after)
	}
	if _, active := of.st.Stamp(mia); active {
		t.Error("a closed account is active")
	}
	for name, err := range map[string]error{
		"no such account":   second(of.st.Account("zoe")),
		"no such user":      of.st.SetPassword(ctx, 1<<40, "phc"),
		"no such device":    of.st.RemoveDevice(ctx, mia, device.ID),
		"no user to give a": second(of.st.AddDevice(ctx, 1<<40, Device{})),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDevicesAreBounded(t *testing.T) {
	of := newOffice(t, Options{}, "mia")
	mia := of.user("mia")
	ids := map[uint64]bool{}
	for i := range DeviceMax {
		d, err := of.st.AddDevice(ctx, mia, Device{Name: fmt.Sprint(i)})
		if err != nil || ids[d.ID] {
			t.Fatalf("device %d: %+v, %v", i, d, err)
		}
		ids[d.ID] = true
	}
	if _, err := of.st.AddDevice(ctx, mia, Device{Name: "7"}); !errors.Is(err, ErrExists) {
		t.Errorf("a name a second time: %v", err)
	}
	if _, err := of.st.AddDevice(ctx, mia, Device{Name: "more"}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}

// TestDeepCopyIsTakenDown gives a copy up whose collections lie deeper than one
// transaction of the taking down erases.
func TestDeepCopyIsTakenDown(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.sink(s, copySlice+20)
	c := &copying{s: s, from: Path{"Team", "d"}, to: Path{"Team", "copy"}, hold: of.st.ledger.hold(nil)}
	for _, transaction := range []func(*Tx) error{c.begin, c.slice, c.slice} {
		if err := of.st.update(ctx, engine.Foreground, transaction); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.todo) > 0 {
		t.Fatal("the copy has not come to its deepest collection")
	}
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := of.st.dropStaged(limited, c.top); err != nil {
		t.Error(err)
	}
	c.hold.release()
}

// sink makes collections in a space, each in the one before.
func (of *office) sink(s *Session, n int) {
	of.t.Helper()
	err := of.st.update(ctx, engine.Foreground, func(tx *Tx) error {
		sp, err := tx.resolve(Path{"Team", "d"})
		if err != nil {
			return err
		}
		g, err := s.authorizeCreate(tx, sp)
		if err != nil {
			return err
		}
		for range n {
			e, err := s.mkdir(tx, g, sp)
			if err != nil {
				return err
			}
			sp.nodes, sp.entries, sp.path = append(sp.nodes, e.Node), append(sp.entries, e), append(sp.path, "d")
		}
		return nil
	})
	if err != nil {
		of.t.Fatal(err)
	}
}
