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
				if rights(t, "level:"+cell.Level) != rights(t, "level:"+policy.LevelOf(held)) || cell.Messages != (held&policy.Messages != 0) || cell.Pinned != slices.Contains(sp.Pins, users[i]) {
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

// TestMessagesChange switches messages in random cells: they are on or off
// afterwards, the level is what it was, and a pin comes only where groups give more.
func TestMessagesChange(t *testing.T) {
	met := tally{}
	for i := range worlds(100) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries / 3)
		in := w.asked(question{who: w.users[0], mask: policy.All, class: "web"})
		users, spaces := w.sides()
		for range 40 {
			in.User = pick(w, users)
			space, on := pick(w, spaces), w.chance(50)
			cell := func() policy.Cell { return w.state.Matrix(in, []policy.ID{in.User}, []policy.ID{space})[0][0] }
			before := cell()
			change, reason := w.state.MessagesChange(in, space, on)
			switch {
			case reason != "":
				met["refused"]++
				if before.Messages == on {
					t.Fatalf("seed %d: user %d: %s, and it is so already", w.seed, in.User, reason)
				}
				continue
			case change == nil && before.Messages != on:
				t.Fatalf("seed %d: user %d: nothing to do, and messages are %t", w.seed, in.User, before.Messages)
			case change == nil:
				continue
			}
			if err := w.try(change); err != nil {
				met["not admitted"]++
				continue
			}
			if on {
				met["on"]++
			} else {
				met["off"]++
			}
			got := cell()
			if got.Level != before.Level || got.Messages != on || before.Pinned && !got.Pinned {
				t.Fatalf("seed %d: user %d: messages %t of %+v made %+v by %+v", w.seed, in.User, on, before, got, change)
			}
			if got.Pinned && !before.Pinned {
				met["pinned"]++
			}
		}
	}
	t.Logf("seeds from %d: %v", *seed, met)
	for _, kind := range []string{"on", "off", "pinned", "refused"} {
		if met[kind] == 0 {
			t.Errorf("these worlds are blind: nothing was %s", kind)
		}
	}
}

// TestMessagesReasons: switching messages keeps what the own line says, and what
// cannot be switched says why.
func TestMessagesReasons(t *testing.T) {
	for _, c := range []struct {
		steps, who, space string
		on                bool
		reason, level     string // of the own line
	}{
		{"", "mona", "room", false, "the owner's cell is locked", ""},
		{"level team user:mia commenter", "mia", "room", true, "", "editor+messages"},
		{"level room user:mia commenter", "mia", "room", false, "has messages", ""},
		{"level room user:mia viewer", "mia", "room", true, "", "viewer+messages"},
		{"state room archived", "mia", "room", true, "the ceiling space-state cuts it", ""},
		{"acl /team group:staff deny=messages", "mia", "team", true, "a wall", ""},
		{"acl /team user:mia allow=messages", "mia", "team", false, "other lines", ""},
		{"acl /team group:staff allow=messages", "mia", "team", false, "", "editor"},
		{"", "mia", "team", true, "", "none+messages"},
		{"", "mia", "nowhere", true, "no such space", ""},
	} {
		w := newOrganisation(t)
		if err := w.step(c.steps); err != nil {
			t.Fatal(err)
		}
		sub := policy.Subject{User: w.id("user:" + c.who), Mask: policy.All, Class: policy.Web}
		change, reason := w.state.MessagesChange(sub, w.ids["space:"+c.space], c.on)
		level := ""
		if set, ok := change.(policy.SetLevel); ok {
			level = set.Entry.Level
		}
		if level != c.level || !strings.Contains(reason, c.reason) || (reason == "") != (c.reason == "") {
			t.Errorf("%s, then messages %t of %s: line %q, reason %q, want %q and %q", c.steps, c.on, c.who, level, reason, c.level, c.reason)
		}
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
