package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// Property 13: every cell is what a single check says.
func TestMatrixAgrees(t *testing.T) {
	for i := range worlds(60) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries)
		in := w.asked(question{who: w.users[0], mask: policy.All, class: pick(w, []string{"web", "mobile", "unknown"})})
		users, spaces := w.sides()
		for i, row := range w.state.Matrix(in, users, spaces) {
			in.User = users[i]
			for j, cell := range row {
				sp := w.state.Space(spaces[j])
				held := w.state.Held(in, policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}})
				if rights(t, "level:"+cell.Level) != rights(t, "level:"+policy.LevelOf(held)) || cell.Pinned != slices.Contains(sp.Pins, users[i]) {
					t.Fatalf("seed %d: user %d in %s: %+v, holds %v, pins %v", w.seed, users[i], sp.Name, cell, held, sp.Pins)
				}
			}
		}
	}
}

// sides are the users and spaces of the world that no drive is.
func (w *twin) sides() (users, spaces []policy.ID) {
	for _, name := range w.users {
		users = append(users, w.id(name))
	}
	return users, []policy.ID{w.id("space:team"), w.id("space:portal")}
}

// TestCellChange fills matrices with random levels: what could be made is there
// afterwards, cell by cell, and made again changes nothing. What could not be
// made has a reason.
func TestCellChange(t *testing.T) {
	var made, pinned, refused int
	for i := range worlds(100) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries / 3)
		in := w.asked(question{who: w.users[0], mask: policy.All, class: "web"})
		users, spaces := w.sides()
		for range 40 {
			in.User = pick(w, users)
			space := pick(w, spaces)
			want := policy.Cell{Level: pick(w, policy.LevelNames()), Pinned: w.chance(30)}
			cell := func() policy.Cell { return w.state.Matrix(in, []policy.ID{in.User}, []policy.ID{space})[0][0] }
			before := cell()
			change, reason := w.state.CellChange(in, space, want)
			if reason != "" {
				refused++
				continue
			}
			if change != nil {
				if err := w.try(change); err != nil {
					continue // a level that this kind of space does not admit
				}
				made++
			}
			got := cell()
			if got.Level != want.Level || want.Pinned && !got.Pinned {
				t.Fatalf("seed %d: user %d: want %+v, got %+v by %+v", w.seed, in.User, want, got, change)
			}
			if !want.Pinned && got.Pinned {
				pinned++
				off := false
				own := policy.Entry{Principal: in.User, Level: want.Level, Allow: rights(t, "level:"+want.Level)}
				loose, _, err := w.state.Apply(policy.SetLevel{Space: space, Entry: own, Pin: &off})
				if err != nil || loose.Matrix(in, []policy.ID{in.User}, []policy.ID{space})[0][0].Level == want.Level {
					t.Fatalf("seed %d: user %d: pinned for nothing: %+v from %+v, %v", w.seed, in.User, got, before, err)
				}
			}
			for _, again := range []policy.Cell{want, got} {
				if change, reason := w.state.CellChange(in, space, again); change != nil || reason != "" {
					t.Fatalf("seed %d: user %d: %+v made twice: %+v %s", w.seed, in.User, again, change, reason)
				}
			}
		}
	}
	t.Logf("seeds from %d: %d made, %d pinned unasked, %d refused", *seed, made, pinned, refused)
	if made < worlds(1000) || pinned < worlds(30) || refused < worlds(200) {
		t.Error("these worlds are blind")
	}
}

// TestCellReasons: a cell that cannot be made says what is in the way.
func TestCellReasons(t *testing.T) {
	for _, c := range []struct{ steps, who, space, level, reason string }{
		{"", "mona", "room", "viewer", "the owner's cell is locked"},
		{"", "gus", "room", "manager", "the ceiling type cuts it"},
		{"state room archived", "max", "room", "editor", "the ceiling space-state cuts it"},
		{"acl /team group:staff deny=write", "mia", "team", "manager", "a wall"},
		{"acl /team user:mia allow=all", "mia", "team", "viewer", "other lines"},
		{"", "mia", "nowhere", "viewer", "no such space"},
		{"", "mia", "team", "boss", "no level"},
		{"", "mia", "team", "viewer", ""},
	} {
		t.Run(fmt.Sprintf("%s in %s", c.who, c.space), func(t *testing.T) {
			w := newOrganisation(t)
			if err := w.step(c.steps); err != nil {
				t.Fatal(err)
			}
			sub := policy.Subject{User: w.id("user:" + c.who), Mask: policy.All, Class: policy.Web}
			_, reason := w.state.CellChange(sub, w.ids["space:"+c.space], policy.Cell{Level: c.level})
			if !strings.Contains(reason, c.reason) || (reason == "") != (c.reason == "") {
				t.Errorf("reason %q, want %q", reason, c.reason)
			}
		})
	}
}
