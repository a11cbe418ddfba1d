package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"davit/policy"
	"davit/store/bolt"
	"davit/store/disk"
	"davit/store/engine"
)

// trail is every line, the oldest first.
func (of *office) trail() []AuditLine {
	of.t.Helper()
	lines, err := of.st.Operator().Audit(ctx, AuditQuery{Limit: AuditLimitMax})
	if err != nil {
		of.t.Fatal(err)
	}
	slices.Reverse(lines)
	return lines
}

// by is a session with a door.
func (of *office) by(name, method, path string) *Session {
	of.t.Helper()
	door := Door{Method: method, Path: path, Remote: netip.MustParseAddr("192.0.2.7")}
	return of.st.Login(Credential{User: of.user(name), Mask: policy.All, Class: policy.DAV, Door: door})
}

// TestTrail follows what people and the operator do: each change of policy is one
// line that says who, by which door and what of what.
func TestTrail(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	s := of.as("mia")
	of.mkdir(s, "/Team/dir", "/Team/plain", "/Team/dest", "/Team/dest/dir")
	op := of.st.Operator()
	mia := policy.Subject{User: of.user("mia"), Mask: policy.All}
	of.quota("/Team/dir", 5000)
	of.quota("/Team/dest/dir", 6000)
	of.changeAt("/Team/dest", func(at policy.Place) policy.Change {
		return policy.SetEntry{At: at, Entry: policy.Entry{Principal: mia.User, Allow: policy.All}}
	})
	for _, err := range []error{
		op.As(mia, "portal").Change(ctx, func(state *policy.State) ([]policy.Change, error) {
			u := *state.User(mia.User)
			u.Email = "mia@example.org"
			return []policy.Change{policy.PutUser{User: u}}, nil
		}),
		second(of.by("mia", "MOVE", "/dav/Team/plain").Move(ctx, split("/Team/plain"), split("/Team/moved"), false, Terms{})),
		op.Change(ctx, func(*policy.State) ([]policy.Change, error) { return nil, nil }),
		second(of.by("mia", "MOVE", "/dav/Team/dir").Move(ctx, split("/Team/dir"), split("/Team/dest/dir"), true, Terms{})),
		of.by("mia", "DELETE", "/dav/Team/dest").Remove(ctx, split("/Team/dest"), Terms{}),
	} {
		must(t, err)
	}
	var got []string
	lines := of.trail()
	for i, l := range lines {
		got = append(got, fmt.Sprintf("%d %s, %s: %s", l.Epoch, l.By.Name, l.Via, strings.Join(l.Lines, "; ")))
		if l.Seq != uint64(i+1) || l.Kind != AuditChange || len(l.Changes) != len(l.Lines) || i > 0 && l.Prev != lines[i-1].Seal {
			t.Errorf("line %d is %+v", i+1, l)
		}
	}
	want := []string{
		"1 operator, command line: profile standard: added, quota none",
		"2 operator, command line: user mia: added, type member, profile standard; " +
			"space ~mia: added, kind personal, state active, owner user:mia, quota none, user:mia manager",
		"3 operator, command line: space Team: added, kind group-folder, state active, quota none",
		"4 operator, command line: level Team user:mia: none -> editor",
		"5 operator, command line: quota /Team/dir: none -> 5KB",
		"6 operator, command line: quota /Team/dest/dir: none -> 6KB",
		"7 operator, command line: acl /Team/dest user:mia: none -> +all",
		"8 user:mia, portal: user mia: email none -> mia@example.org",
		"9 user:mia, MOVE /dav/Team/dir from 192.0.2.7: /Team/dest/dir: into the trash with what it carries",
		"10 user:mia, MOVE /dav/Team/dir from 192.0.2.7: /Team/dest/dir: moved here with what it carries, from /Team",
		"11 user:mia, DELETE /dav/Team/dest from 192.0.2.7: /Team/dest: into the trash with what it carries",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the trail is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	v, err := op.VerifyAudit(ctx)
	if err != nil || v != (AuditVerdict{Lines: 11, Seal: lines[10].Seal, Epoch: 11}) {
		t.Errorf("verified: %+v (%v)", v, err)
	}
}

func TestDoors(t *testing.T) {
	remote := netip.MustParseAddr("2001:db8::1")
	for door, want := range map[Door]string{
		{}:                                "server",
		commandLine:                       "command line",
		{"PUT", "/dav/a%20b", remote}:     "PUT /dav/a%20b from 2001:db8::1",
		{"GET", "/dav/x", netip.Addr{}}:   "GET /dav/x",
		{"PUT", "/" + long(5000), remote}: "PUT /" + long(doorPathMax-1) + " from 2001:db8::1",
	} {
		if door.String() != want {
			t.Errorf("%+v is told as %s", door, door)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestAuditQueries(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia max")
	start := c.Now()
	for i := range 6 {
		c.advance(time.Hour)
		by := policy.Subject{User: of.user([]string{"mia", "max"}[i%2]), Mask: policy.All}
		if i == 5 {
			by.User = policy.Nobody
		}
		err := of.st.Operator().As(by, "portal").Change(ctx, func(state *policy.State) ([]policy.Change, error) {
			text := fmt.Sprintf("Büro %d", i)
			if by.User == policy.Nobody {
				return []policy.Change{policy.PutGroup{Group: policy.Group{ID: 100, Name: text}}}, nil
			}
			u := *state.User(by.User) // everybody changes his own address
			u.Email = text
			return []policy.Change{policy.PutUser{User: u}}, nil
		})
		must(t, err)
	}
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	for _, row := range []struct {
		q    AuditQuery
		want []uint64
	}{
		{AuditQuery{Limit: 3}, []uint64{9, 8, 7}},
		{AuditQuery{Limit: 3, Before: 7}, []uint64{6, 5, 4}},
		{AuditQuery{After: 6}, []uint64{9, 8, 7}},
		{AuditQuery{Before: 2}, []uint64{1}},
		{AuditQuery{Since: hour(2), Until: hour(4)}, []uint64{6, 5}},
		{AuditQuery{By: "mia"}, []uint64{8, 6, 4}},
		{AuditQuery{By: "user:MAX"}, []uint64{7, 5}},
		{AuditQuery{By: "operator", Since: hour(1)}, []uint64{9}},
		{AuditQuery{By: "bob"}, nil},
		{AuditQuery{Text: "bÜRO 3"}, []uint64{7}},
		{AuditQuery{Text: "PORTAL", Limit: 1}, []uint64{9}},
		{AuditQuery{Text: "büro", By: "max", Limit: 1}, []uint64{7}},
	} {
		lines, err := of.st.Operator().Audit(ctx, row.q)
		var got []uint64
		for _, l := range lines {
			got = append(got, l.Seq)
		}
		if err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%+v gives %v, want %v (%v)", row.q, got, row.want, err)
		}
	}
	for _, limit := range []int{-1, AuditLimitMax + 1} {
		if _, err := of.st.Operator().Audit(ctx, AuditQuery{Limit: limit}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%d lines: %v", limit, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := of.st.Operator().Audit(ended, AuditQuery{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a list that nobody waits for: %v", err)
	}
}

// TestThePast asks what mia held at each moment, also over a clock that was set
// back.
func TestThePast(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team")
	op, team := of.st.Operator(), of.st.Policy().SpaceNamed("Team")
	at := policy.Place{Space: team.ID, Path: []policy.Node{team.Root}}
	holds := func(p Past) string {
		return policy.LevelOf(p.Held(policy.Subject{User: of.user("mia"), Mask: policy.All, Class: policy.DAV}, at))
	}
	levels := []string{"viewer", "editor", "none", "manager"}
	hours := []time.Duration{1, 1, -5, 1}
	var times []time.Time
	first := of.st.Policy().Epoch
	for i, level := range levels {
		c.advance(hours[i] * time.Hour)
		of.level("Team", "mia", level)
		times = append(times, c.Now())
	}
	for i, level := range levels {
		p, err := op.PolicyOf(ctx, first+1+uint64(i))
		if err != nil || holds(p) != level || !p.Since.Equal(times[i]) || p.Epoch != first+1+uint64(i) {
			t.Errorf("epoch %d: %s since %s (%v)", p.Epoch, holds(p), p.Since, err)
		}
	}
	for when, want := range map[time.Time]string{
		times[3]: "manager", times[2]: "none", times[2].Add(time.Minute): "none",
		times[1]:                      "manager", // set after a time that the clock came to again
		times[3].Add(100 * time.Hour): "manager",
	} {
		if p, err := op.PolicyAt(ctx, when); err != nil || holds(p) != want {
			t.Errorf("at %s: %s instead of %s (%v)", when, holds(p), want, err)
		}
	}
	p, err := op.FirstPolicy(ctx, func(s *policy.State) bool { return s.Space(team.ID) != nil })
	if err != nil || p.Epoch != 3 {
		t.Errorf("the space began with epoch %d (%v)", p.Epoch, err)
	}
	for what, err := range map[string]error{
		"before everything": second(op.PolicyAt(ctx, times[0].Add(-100*time.Hour))),
		"a later epoch":     second(op.PolicyOf(ctx, 4711)),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestLongLine: a change of thousands of parts is one line, in several records.
func TestLongLine(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	err := of.st.Operator().change(ctx, func(tx *Tx) (changes []policy.Change, err error) {
		for i := 0; i < 2000 && err == nil; i++ {
			g := policy.Group{Name: fmt.Sprintf("group %d", i)}
			g.ID, err = tx.newID()
			changes = append(changes, policy.PutGroup{Group: g})
		}
		return changes, err
	})
	must(t, err)
	lines := of.trail()
	if last := lines[len(lines)-1]; len(last.Changes) != 2000 || last.Lines[1999] != "group group 1999: added" {
		t.Errorf("the line holds %d changes", len(last.Changes))
	}
	of.level("Team", "mia", "viewer")
	of.reopen()
}

// TestTrailOfLengths writes lines whose records are full to a byte or nearly so.
func TestTrailOfLengths(t *testing.T) {
	of := newOffice(t, Options{}, "")
	size := func(lines ...string) int {
		text, err := json.Marshal(AuditLine{Kind: AuditDenied, Denial: &Denial{}, Lines: lines})
		must(t, err)
		return sha256.Size + len(text)
	}
	for _, n := range []int{auditPartSize - 1, auditPartSize, auditPartSize + 1, 2 * auditPartSize} {
		line := AuditLine{Kind: AuditDenied, Denial: &Denial{}}
		line.Lines = []string{long(n - size(""))}
		err := of.st.update(ctx, engine.Foreground, func(tx *Tx) error {
			if err := tx.appendLine(&line); err != nil {
				return err
			}
			seal, kept, err := keptLine(tx.r, line.Seq)
			if len(kept)+len(seal) < n || !bytes.Contains(kept, []byte(line.Lines[0])) {
				t.Errorf("a line of %d bytes is read as %d", n, len(kept)+len(seal))
			}
			return err
		})
		must(t, err)
	}
}

// TestTrailOfAnOlderStore: a store that has none begins its trail with the policy
// that it holds, and goes on from there.
func TestTrailOfAnOlderStore(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	of.mkdir(of.as("mia"), "/Team/dir")
	of.quota("/Team/dir", 1000)
	hash, epoch := of.st.Policy().Hash(), of.st.Policy().Epoch
	of.stop()
	plant(t, of.dir, func(w engine.Writer) error {
		var keys [][]byte
		err := scanPrefix(w, []byte{tableAudit}, func(k, _ []byte) bool { keys = append(keys, bytes.Clone(k)); return true })
		for _, k := range append(keys, keyAudit) {
			err = errors.Join(err, w.Delete(k))
		}
		return err
	})
	of.start()
	of.level("Team", "mia", "viewer")
	of.reopen()
	lines := of.trail()
	if len(lines) != 2 || lines[0].Kind != AuditBegin || lines[0].Epoch != epoch || lines[1].Epoch != epoch+1 {
		t.Fatalf("the trail is %+v", lines)
	}
	if p, err := of.st.Operator().PolicyOf(ctx, epoch); err != nil || p.Hash() != hash {
		t.Errorf("it begins with another policy (%v)", err)
	}
	if _, err := of.st.Operator().PolicyOf(ctx, epoch-1); !errors.Is(err, ErrNotFound) {
		t.Errorf("the time before: %v", err)
	}
}

// plant changes the database of a store that is not open.
func plant(t *testing.T, dir string, change func(engine.Writer) error) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, "meta.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	must(t, errors.Join(db.Update(ctx, engine.Foreground, change), db.Close()))
}

// TestTrailSees damages a trail in each way: the check and the verification name
// the line.
func TestTrailSees(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=editor")
	of.mkdir(of.as("mia"), "/Team/dir")
	of.changeAt("/Team/dir", func(at policy.Place) policy.Change { return policy.SetCut{At: at, On: true} })
	of.level("Team", "max", "viewer")
	of.stop()
	intact := save(t, of.dir)
	rewrite := func(w engine.Writer, seq uint64, change func(text []byte) []byte) error {
		_, text, err := keptLine(w, seq)
		text = change(bytes.Clone(text))
		seal := sha256.Sum256(text)
		return errors.Join(err, w.Put(auditKey(seq, 0), append(seal[:], text...)))
	}
	swap := func(old, new string) func([]byte) []byte {
		return func(text []byte) []byte { return bytes.Replace(text, []byte(old), []byte(new), 1) }
	}
	for _, row := range []struct {
		name   string
		change func(engine.Writer) error
		want   string
		// silent: the lines agree with each other; only their replay tells.
		silent bool
	}{
		{name: "a flipped byte", want: "audit line 3 was changed: its seal is not that of its text", change: func(w engine.Writer) error {
			v, err := w.Get(auditKey(3, 0))
			v = bytes.Clone(v)
			v[len(v)/2] ^= 1
			return errors.Join(err, w.Put(auditKey(3, 0), v))
		}},
		{name: "a removed line", want: "audit line 3 is missing", change: func(w engine.Writer) error { return w.Delete(auditKey(3, 0)) }},
		{name: "a removed last line", want: "audit line 7 is missing", change: func(w engine.Writer) error { return w.Delete(auditKey(7, 0)) }},
		{name: "a swapped pair", want: "audit line 3 says that it is line 4", change: func(w engine.Writer) error {
			a, err := w.Get(auditKey(3, 0))
			a = bytes.Clone(a)
			b, berr := w.Get(auditKey(4, 0))
			return errors.Join(err, berr, w.Put(auditKey(3, 0), bytes.Clone(b)), w.Put(auditKey(4, 0), a))
		}},
		{name: "an edited text, sealed anew", want: "audit line 4 does not follow from the line before", change: func(w engine.Writer) error {
			return rewrite(w, 3, swap("operator", "somebody"))
		}},
		{name: "the last text edited, sealed anew", want: "audit line 7 was the last one, and is another now", change: func(w engine.Writer) error {
			return rewrite(w, 7, swap("viewer", "editor"))
		}},
		{name: "no text", want: "audit line 2 cannot be read", change: func(w engine.Writer) error {
			return rewrite(w, 2, func([]byte) []byte { return []byte("{") })
		}},
		{name: "an unknown kind", want: `audit line 2 is of the unknown kind "whim"`, change: func(w engine.Writer) error {
			return rewrite(w, 2, swap(`"change"`, `"whim"`))
		}},
		{name: "a second beginning", want: "audit line 2 begins a trail that has begun", change: func(w engine.Writer) error {
			return rewrite(w, 2, swap(`"change"`, `"begin"`))
		}},
		{name: "an epoch left out", want: "audit line 2 made epoch 5 out of epoch 1", change: func(w engine.Writer) error {
			return rewrite(w, 2, swap(`"epoch":2`, `"epoch":5`))
		}},
		{name: "a line after the end", want: "audit line 8 stands after the end", change: func(w engine.Writer) error {
			return w.Put(auditKey(9, 0), []byte("x"))
		}},
		{name: "an end before the end", want: "audit line 6 was the last one", change: func(w engine.Writer) error {
			v, err := w.Get(keyAudit)
			return errors.Join(err, w.Put(keyAudit, append(beUint64(6), v[8:]...)))
		}},
		{name: "the whole end cut off", want: "it leads to epoch 6, the policy is of epoch 7", change: func(w engine.Writer) error {
			v, err := w.Get(auditKey(6, 0))
			return errors.Join(err, w.Delete(auditKey(7, 0)), w.Put(keyAudit, append(beUint64(6), v[:32]...)))
		}},
		{name: "a short end", want: "end of the audit trail: 9 bytes", change: func(w engine.Writer) error { return w.Put(keyAudit, make([]byte, 9)) }},
		{name: "policy changed past it", want: "do not lead to the policy that is in force", silent: true, change: func(w engine.Writer) error {
			return scanPrefix(w, []byte{tableMark}, func(k, v []byte) bool {
				return w.Put(bytes.Clone(k), bytes.Replace(v, []byte(`"cut":true`), []byte(`"quota":5000`), 1)) != nil
			})
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := intact.restore(t)
			plant(t, dir, row.change)
			st, err := Open(dir, Options{})
			if err != nil {
				if !strings.Contains(err.Error(), row.want) {
					t.Error(err)
				}
				return
			}
			defer st.Close()
			v, err := st.Operator().VerifyAudit(ctx)
			if err != nil || !strings.Contains(v.Fault, row.want) {
				t.Errorf("verified: %+v (%v)\nwant %s", v, err, row.want)
			}
			found, err := st.Check(ctx)
			if told := strings.Contains(strings.Join(found.Faults, "\n"), row.want); err != nil || told == row.silent {
				t.Errorf("checked: %q (%v)\nwant %s", found.Faults, err, row.want)
			}
		})
	}
}

// TestChangeAndLineAreOne breaks each operation on files below a change of
// policy: after opening again both are there or neither.
func TestChangeAndLineAreOne(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
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
		_, err := of.st.Operator().AddGroup(ctx, policy.Group{Name: "staff"})
		armed.Store(false)
		of.close()
		of.start()
		of.clean()
		lines, made := of.trail(), of.st.Policy().GroupNamed("staff") != nil
		if written := lines[len(lines)-1].Lines[0] == "group staff: added"; written != made || err == nil && !made {
			t.Errorf("fault %d (%v): the group is there: %t, its line: %t", n, err, made, written)
		}
		of.stop()
		if !fault.Fired() {
			if n < 2 {
				t.Error("nothing was broken")
			}
			return
		}
	}
}

func BenchmarkChange(b *testing.B) {
	of := newOffice(b, Options{}, "mia", "Team mia=editor")
	team, mia := of.st.Policy().SpaceNamed("Team").ID, of.user("mia")
	sets := []policy.Change{
		policy.SetLevel{Space: team, Entry: policy.Entry{Principal: mia, Allow: policy.See, Level: "viewer"}},
		policy.SetLevel{Space: team, Entry: policy.Entry{Principal: mia, Allow: policy.All, Level: "manager"}},
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		of.change(sets[i%2])
	}
}
