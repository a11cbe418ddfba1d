package store

import (
	"errors"
	"testing"

	"davit/policy"
)

// TestDraftIsWhole: what is done to a draft counts together, and a rehearsal or a
// failure leaves nothing, neither in the policy nor in the tree.
func TestDraftIsWhole(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=manager")
	before := of.st.Policy()
	make := func(d Draft) error {
		changes, err := d.NewSpace(policy.Space{Name: "Hall", Kind: policy.Room, State: policy.Active, Owner: of.user("mia"), Quota: policy.NoLimit})
		if err != nil {
			return err
		}
		if err := d.Change(changes...); err != nil {
			return err
		}
		at, err := d.Place(Path{"Hall"})
		if err != nil || len(at.Path) != 1 || d.State().SpaceAt(at.Path[0]) == nil {
			t.Errorf("the new space is not in the draft: %v, %v", at, err)
		}
		return d.Change(policy.SetCut{At: at, On: true})
	}
	broken := errors.New("no")
	if err := of.st.Operator().Rehearse(ctx, make); err != nil {
		t.Error(err)
	}
	if err := of.st.Operator().Revise(ctx, func(d Draft) error { return errors.Join(make(d), broken) }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if of.st.Policy() != before {
		t.Error("a draft that was given back is in force")
	}
	of.clean()
	if err := of.st.Operator().Revise(ctx, make); err != nil {
		t.Error(err)
	}
	of.reopen()
	if sp := of.st.Policy().SpaceNamed("Hall"); sp == nil || !of.st.Policy().Mark(sp.Root).Cut {
		t.Errorf("space %+v", sp)
	}
}

// TestSurveyIsOfOneMoment: between the commit of a change and its coming into
// force, a survey waits instead of telling old names with new entries.
func TestSurveyIsOfOneMoment(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=manager")
	old := of.st.Policy()
	of.level("Team", "mia", "viewer")
	now := of.st.Policy()
	of.st.state.Store(old)
	defer of.st.state.Store(now)
	err := of.st.Operator().Survey(ctx, func(s Survey) error {
		if s.State().Epoch != now.Epoch {
			t.Errorf("epoch %d, want %d", s.State().Epoch, now.Epoch)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestMarks names what carries entries, and counts those that are asleep.
func TestMarks(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=manager")
	for _, dir := range []string{"/Team/a", "/Team/a/b", "/Team/old", "~max/notes"} {
		s := of.as("mia")
		if dir[0] == '~' {
			s = of.as("max")
		}
		if _, err := s.Mkdir(ctx, split(dir), Terms{}); err != nil {
			t.Fatal(err)
		}
		of.changeAt(dir, func(at policy.Place) policy.Change {
			return policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("mia"), Allow: policy.See}}
		})
	}
	count := func() (paths map[string]int, asleep int) {
		paths = map[string]int{}
		err := of.st.Operator().Survey(ctx, func(s Survey) error {
			marks, n, err := s.Marks()
			for _, m := range marks {
				paths[m.Path.String()] = len(m.At.Path)
			}
			asleep = n
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return paths, asleep
	}
	if paths, asleep := count(); len(paths) != 4 || paths["/Team/a/b"] != 3 || paths["~max/notes"] != 2 || asleep != 0 {
		t.Errorf("marks %v, %d asleep", paths, asleep)
	}
	if err := of.as("mia").Remove(ctx, split("/Team/old"), Terms{}); err != nil {
		t.Fatal(err)
	}
	u := *of.st.Policy().User(of.user("max"))
	u.Inactive = true
	of.change(policy.PutUser{User: u})
	if err := of.st.Operator().RemoveUser(ctx, u.ID, policy.Nobody); err != nil {
		t.Fatal(err)
	}
	if paths, asleep := count(); len(paths) != 2 || asleep != 2 {
		t.Errorf("marks %v, %d asleep", paths, asleep)
	}
}
