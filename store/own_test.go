package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"

	"davit/policy"
)

// TestOwnHour: what one has just made may be renamed, moved and deleted by who
// may see and add; what is older, or was another's for a moment, may not.
func TestOwnHour(t *testing.T) {
	of, mia, max, _, c := saveOffice(t)
	n := 0
	for _, row := range []struct {
		what    string
		prepare func(of *office, top string, c *clock)
		allowed bool
	}{
		{"just made", func(*office, string, *clock) {}, true},
		{"a second short of an hour", func(_ *office, _ string, c *clock) { c.advance(time.Hour - time.Second) }, true},
		{"an hour and a second", func(_ *office, _ string, c *clock) { c.advance(time.Hour + time.Second) }, false},
		{"in a space with a longer hour", func(of *office, _ string, c *clock) {
			of.ownHour("Team", 2*60*60)
			c.advance(time.Hour + time.Second)
		}, true},
		{"in a space with none", func(of *office, top string, _ *clock) { of.ownHour("Team", 0) }, false},
		{"with another's file inside", func(of *office, top string, _ *clock) { of.put(of.as("mia"), top+"/new/sub/theirs", nil) }, false},
		{"with a file inside that another wrote to", func(of *office, top string, _ *clock) {
			of.put(of.as("mia"), top+"/new/sub/file", text(2, 20))
		}, false},
		{"with a file inside whose properties another set", func(of *office, top string, _ *clock) {
			if err := of.as("mia").SetProps(ctx, split(top+"/new/sub/file"), nil, time.Time{}, Terms{}); err != nil {
				of.t.Fatal(err)
			}
		}, false},
		{"with a file inside that another renamed", func(of *office, top string, _ *clock) {
			of.move(of.as("mia"), top+"/new/sub/file", top+"/new/sub/other")
		}, false},
		{"with a file inside that another copied over", func(of *office, top string, _ *clock) {
			mia := of.as("mia")
			of.put(mia, "~mia/x", text(2, 20))
			if _, err := mia.Copy(ctx, split("~mia/x"), split(top+"/new/sub/file"), true, false, Terms{}); err != nil {
				of.t.Fatal(err)
			}
		}, false},
		{"with something hidden inside", func(of *office, top string, _ *clock) {
			of.entry(top+"/new/sub/file", policy.Entry{Principal: of.user("max"), Deny: policy.See})
		}, false},
		{"with something inside where one may not add", func(of *office, top string, _ *clock) {
			of.entry(top+"/new/sub", policy.Entry{Principal: of.user("max"), Deny: policy.Add})
		}, false},
		{"in an archived space", func(of *office, top string, _ *clock) { of.archive("Team") }, false},
		{"as a viewer", func(of *office, top string, _ *clock) { of.level("Team", "max", "viewer") }, false},
		{"as who may see and add and nothing else", func(of *office, top string, _ *clock) {
			of.level("Team", "max", "none")
			of.entry("/Team", policy.Entry{Principal: of.user("max"), Allow: policy.See | policy.Add})
		}, true},
	} {
		for act, do := range map[string]func(s *Session, top string) error{
			"remove": func(s *Session, top string) error { return s.Remove(ctx, split(top+"/new"), Terms{}) },
			"rename": func(s *Session, top string) error { return move(s, top+"/new", top+"/named") },
			"move":   func(s *Session, top string) error { return move(s, top+"/new", "/Team/dir/"+top[len("/Team/"):]) },
		} {
			n++
			top := fmt.Sprintf("/Team/%d", n)
			of.mkdir(mia, top)
			of.mkdir(max, top+"/new", top+"/new/sub")
			of.put(max, top+"/new/sub/file", text(1, 10))
			row.prepare(of, top, c)
			if err := do(max, top); row.allowed && err != nil || !row.allowed && kindOf(err) != errRefused {
				t.Errorf("%s of what is %s: %v", act, row.what, err)
			}
			of.ownHour("Team", 60*60)
			of.level("Team", "max", "contributor")
			of.entry("/Team", policy.Entry{Principal: max.User()})
		}
	}
}

// TestOwnHourEnds at the border of the space and on top of what is another's,
// and is nobody's who is not signed in.
func TestOwnHourEnds(t *testing.T) {
	of, _, max, _, _ := saveOffice(t)
	of.put(max, "/Team/new", text(1, 10))
	for _, to := range []string{"/Room/new", "/Nowhere/new", "~max/new", "/Team/doc/x", "/Team/dir"} {
		if err := move(max, "/Team/new", to); err == nil {
			t.Errorf("moved to %s", to)
		}
	}
	of.put(max, "/Team/newer", text(2, 10))
	of.move(max, "/Team/new", "/Team/newer") // over what is as much one's own
	of.wantContent(max, "/Team/newer", text(1, 10))
	nobody := of.st.Login(Credential{Mask: policy.All})
	err := of.st.view(func(tx *Tx) error {
		if nobody.young(tx, tx.state.SpaceNamed("Team").ID, &Entry{Created: tx.now}) {
			t.Error("what nobody made is nobody's own")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	// A copy is the copier's, as new as it is, whoever had his hands on the original.
	of.put(max, "/Team/doc", text(2, 10))
	if _, err := max.Copy(ctx, split("/Team/doc"), split("/Team/copy"), false, false, Terms{}); err != nil {
		t.Fatal(err)
	}
	if err := max.Remove(ctx, split("/Team/copy"), Terms{}); err != nil {
		t.Errorf("one's own copy: %v", err)
	}
}

// TestOldEntriesDecode: an entry that was written before there was an own hour
// is read as it was, touched by nobody.
func TestOldEntriesDecode(t *testing.T) {
	// A text file of 5 bytes with properties, node 1007, made and changed by 1001.
	old, err := hex.DecodeString("0201ef0705" + "80a0cfc0f8cbdf8f31" + "80a0cfc0f8cbdf8f31" + "03" + "e907" + "0a746578742f706c61696e" +
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" + "00")
	if err != nil {
		t.Fatal(err)
	}
	var e Entry
	if err := decodeEntry(&e, old); err != nil {
		t.Fatal(err)
	}
	if e.Node != 1007 || e.Size != 5 || e.Creator != 1001 || e.Type != "text/plain" || !e.HasProps || e.Dir || e.Touched {
		t.Errorf("read as %+v", e)
	}
	if again := appendEntry(nil, &e); string(again) != string(old) {
		t.Errorf("written as %x", again)
	}
	e.Touched = true
	var back Entry
	if err := decodeEntry(&back, appendEntry(nil, &e)); err != nil || back != e {
		t.Errorf("%+v came back as %+v (%v)", e, back, err)
	}
}

// TestTryChangesNothing, and knows no act that there is not.
func TestTryChangesNothing(t *testing.T) {
	of, mia, max, _, c := saveOffice(t)
	of.put(max, "/Team/tmp", text(2, 30))
	before := sortedLines(of.dump(mia))
	sub := policy.Subject{User: max.User(), Mask: policy.All, Class: policy.DAV, Now: c.Now().Unix()}
	op := of.st.Operator()
	for act := range acts {
		if _, err := op.Try(sub, act, split("/Team/tmp"), split("/Team/doc")); err != nil {
			t.Errorf("%s: %v", act, err)
		}
	}
	trial, err := op.Try(sub, ActMove, split("/Team/tmp"), split("/Team/doc"))
	if err != nil || trial.Err != nil || trial.Made || len(trial.Judgements) != 2 ||
		trial.Judgements[0].By != ByOwnHour || trial.Judgements[1].By != BySaveRule {
		t.Errorf("a save: %+v, %v", trial, err)
	}
	if after := sortedLines(of.dump(mia)); len(after) != len(before) {
		t.Errorf("trying changed\n%v\nto\n%v", before, after)
	}
	if _, err := op.Try(sub, "fly", split("/Team"), nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("an unknown act: %v", err)
	}
}
