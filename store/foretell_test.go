package store

import (
	"errors"
	"testing"

	"davit/policy"
)

// TestForetelling: a foretold change hands over both policies and leaves the
// store as it was, records and all.
func TestForetelling(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=editor")
	was := of.st.Policy()
	var before, after *policy.State
	op := of.st.Operator().Foretelling(func(b, a *policy.State) { before, after = b, a })
	for what, do := range map[string]func() error{
		"user": func() error {
			_, err := op.AddUser(ctx, policy.User{Name: "zoe", Type: policy.Member}, "")
			return err
		},
		"space": func() error {
			_, err := op.AddSpace(ctx, policy.Space{Name: "New", Kind: policy.Room, Quota: policy.NoLimit})
			return err
		},
		"group": func() error {
			_, err := op.AddGroup(ctx, policy.Group{Name: "new"})
			return err
		},
		"change": func() error {
			return op.Change(ctx, func(s *policy.State) ([]policy.Change, error) {
				return []policy.Change{policy.SetLevel{Space: s.SpaceNamed("Team").ID, Entry: policy.Entry{Principal: s.UserNamed("max").ID, Allow: policy.See}}}, nil
			})
		},
		"change at": func() error {
			return op.ChangeAt(ctx, split("/Team"), func(s *policy.State, at policy.Place) ([]policy.Change, error) {
				return []policy.Change{policy.SetCut{At: at, On: true}}, nil
			})
		},
	} {
		err := do()
		if !errors.Is(err, ErrForetold) || before != was || after == nil || after == was {
			t.Errorf("%s: %v, from %p to %p, the policy is %p", what, err, before, after, was)
		}
		after = nil
	}
	if of.st.Policy() != was {
		t.Error("the policy has changed")
	}
	of.reopen()
	if s := of.st.Policy(); s.Epoch != was.Epoch || s.UserNamed("zoe") != nil || s.SpaceNamed("New") != nil {
		t.Errorf("something was kept: epoch %d, want %d", s.Epoch, was.Epoch)
	}
}

// TestForetellingFailure: what is refused is refused the same, and what changes
// nothing is foretold by nobody.
func TestForetellingFailure(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	op := of.st.Operator().Foretelling(func(_, _ *policy.State) { t.Error("foretold") })
	if _, err := op.AddSpace(ctx, policy.Space{Name: "Team", Kind: policy.Room}); !errors.Is(err, ErrExists) {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := op.Change(ctx, func(*policy.State) ([]policy.Change, error) { return nil, nil }); err != nil {
		t.Errorf("no change: %v", err)
	}
}

// TestLocksLost counts locks whose holders lose the right to write, and names
// places by their paths.
func TestLocksLost(t *testing.T) {
	of, mia, max, _, _ := lockOffice(t)
	of.lock(mia, "/Team/dir/file", LockRequest{})
	of.lock(max, "/Team/dir/sub", LockRequest{Infinite: true})
	var before, after *policy.State
	var dir policy.Place
	op := of.st.Operator().Foretelling(func(b, a *policy.State) { before, after = b, a })
	err := op.ChangeAt(ctx, split("/Team/dir/sub"), func(s *policy.State, at policy.Place) ([]policy.Change, error) {
		dir = at
		return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: s.UserNamed("max").ID, Deny: policy.Write}}}, nil
	})
	if !errors.Is(err, ErrForetold) {
		t.Fatal(err)
	}
	in := policy.Subject{Mask: policy.All, Class: policy.DAV}
	for _, c := range []struct {
		before, after *policy.State
		want          int
	}{{before, after, 1}, {before, before, 0}, {after, before, 0}} {
		if n, err := op.LocksLost(c.before, c.after, in); n != c.want || err != nil {
			t.Errorf("%d locks lost, %v, want %d", n, err, c.want)
		}
	}
	sub := dir.Path[len(dir.Path)-1]
	paths, err := op.Paths([]policy.Node{dir.Path[0], sub, 1 << 40})
	if err != nil || len(paths) != 2 || paths[dir.Path[0]].String() != "/Team" || paths[sub].String() != "/Team/dir/sub" {
		t.Errorf("paths %v, %v", paths, err)
	}
}
