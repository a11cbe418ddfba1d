package policy_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// asking is one question of a survey.
type asking struct {
	question
	path string
}

// survey is the answer to every account and link at every path, in a context where unknown
// clients and all conditions of the random worlds have their part.
type survey map[asking]policy.Decision

func (w *twin) survey() survey {
	s := survey{}
	for i, who := range w.askers() {
		q := question{
			who: who, mask: policy.All, now: int64(i % (lastSecond + 1)),
			class: []string{"web", "mobile", "unknown"}[i%3], network: []string{"inside", "outside", "inside", ""}[i%4],
		}
		for _, path := range w.model.tree {
			s[asking{q, path}] = w.state.Decide(w.asked(q), w.place(path), 0)
		}
	}
	return s
}

// lowered lists where somebody lost a right, or sight, from s to after.
func (s survey) lowered(after survey, may func(asking, policy.Rights) bool) []string {
	var lost []string
	for a, before := range s {
		now, asked := after[a]
		gone := before.Held &^ now.Held
		if asked && (gone != 0 || before.Visible && !now.Visible) && !may(a, gone) {
			lost = append(lost, fmt.Sprintf("%+v lost %v, visible %v before and %v after", a, gone, before.Visible, now.Visible))
		}
	}
	return lost
}

func never(asking, policy.Rights) bool { return false }

// property runs a check in a number of random worlds, each with a past.
func property(t *testing.T, check func(*testing.T, *twin)) {
	for i := range worlds(10) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries)
		for range 10 {
			w.edit()
		}
		check(t, w)
		if t.Failed() {
			t.Fatalf("seed %d", w.seed)
		}
	}
}

func report(t *testing.T, what string, lines []string) {
	t.Helper()
	if len(lines) > 0 {
		t.Errorf("%s:\n%s", what, strings.Join(lines[:min(4, len(lines))], "\n"))
	}
}

// Property 1: nothing granted, nothing held.
func TestDefaultDeny(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for _, l := range slices.Clone(w.model.lines) {
			if sp := w.model.spaces[spaceOf(l.at)]; l.level && sp.kind == policy.Personal && l.who == sp.owner {
				continue // the owner of a personal drive keeps its level
			}
			l.allow, l.revoke, l.deny = 0, 0, 0
			w.put(l)
		}
		w.endShares()
		w.apply(policy.PutSettings{Settings: policy.DefaultSettings})
		for a, d := range w.survey() {
			if owner := w.model.spaces["home"].owner; (d.Held != 0 || d.Visible) && (a.who != owner || spaceOf(a.path) != "home") {
				t.Errorf("%+v without any entry: %+v", a, d)
			}
		}
	})
}

// endShares ends them all.
func (w *twin) endShares() {
	for _, sh := range w.model.shares {
		w.apply(policy.DropShare{ID: w.id(sh.id)})
	}
	w.model.endShares(func(share) bool { return true })
}

// Property 2: the order in which entries and memberships were made does not matter.
func TestOrderFree(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		want := w.survey()
		for shuffle := range uint64(2) {
			if got := w.remade(shuffle).survey(); !maps.Equal(got, want) {
				report(t, "lost by another order", want.lowered(got, never))
				report(t, "gained by another order", got.lowered(want, never))
				t.Error("the order of making counts")
			}
		}
	})
}

// remade is a world of the same records, made in another order.
func (w *twin) remade(shuffle uint64) *twin {
	again := *w.world
	m := again.records()
	var changes, owned []policy.Change
	for i, g := range m.Groups {
		for _, member := range g.Members {
			changes = append(changes, policy.Join{Group: g.ID, Member: member})
		}
		m.Groups[i].Members = nil
	}
	for i := range m.Spaces {
		sp := &m.Spaces[i]
		sp.Levels = slices.DeleteFunc(slices.Clone(sp.Levels), func(l policy.Entry) bool {
			return sp.Kind != policy.Personal || l.Principal != sp.Owner
		})
		if sp.Kind != policy.Personal { // who owns it may have been denied something before
			owned = append(owned, policy.PutSpace{Space: *sp})
			sp.Owner = policy.Nobody
		}
	}
	m.Marks = nil
	state, err := policy.Load(m)
	if err != nil {
		w.Fatal(err)
	}
	again.state = state
	for _, l := range w.model.lines {
		switch {
		case !l.level:
			changes = append(changes, policy.SetEntry{At: w.place(l.at), Entry: w.entry(l)})
		case w.model.spaces[spaceOf(l.at)].owner != l.who || w.model.spaces[spaceOf(l.at)].kind != policy.Personal:
			e := w.entry(l)
			for _, kept := range w.state.Space(w.id("space:" + spaceOf(l.at))).Levels {
				if kept.Principal == e.Principal && kept.Allow == e.Allow {
					e.Level = kept.Level // the model knows no names of levels
				}
			}
			changes = append(changes, policy.SetLevel{Space: w.id("space:" + spaceOf(l.at)), Entry: e})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(w.model.cuts)) {
		changes = append(changes, policy.SetCut{At: w.place(path), On: w.model.cuts[path]})
	}
	var shares []policy.Change // come first: lines name links
	for _, sh := range w.model.shares {
		shares = append(shares, policy.PutShare{Share: w.shareRecord(sh), At: w.place(sh.at)})
	}
	rng := rand.New(rand.NewPCG(w.seed, shuffle))
	for _, made := range [][]policy.Change{shares, changes, owned} {
		rng.Shuffle(len(made), func(i, j int) { made[i], made[j] = made[j], made[i] })
		again.apply(made...)
	}
	for path := range w.model.trash {
		if n := w.node(path); again.state.OnWay(n) {
			again.apply(policy.ParkNode{Node: n})
		}
	}
	next := *w
	next.world = &again
	return &next
}

// changed is the line at a place under conditions as it is, or empty.
func (w *twin) changed(l line) line {
	for _, old := range w.model.lines {
		if old.at == l.at && old.level == l.level && old.who == l.who && old.from == l.from && old.until == l.until &&
			slices.Equal(old.class, l.class) {
			return old
		}
	}
	l.allow, l.revoke, l.deny = 0, 0, 0
	return l
}

// Property 3: adding an allow lowers nobody.
func TestAllowMonotone(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for range 3 {
			before, more := w.survey(), w.someLine(w.somewhere())
			l := w.changed(more)
			l.allow |= w.someRights() &^ l.revoke
			w.put(l)
			report(t, fmt.Sprintf("allowing %+v", l), before.lowered(w.survey(), never))
		}
	})
}

// Property 4: revoke, deny and ceilings raise nobody.
func TestLimitsRaiseNobody(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for range 3 {
			before, more := w.survey(), w.someLine(w.somewhere())
			l := w.changed(more)
			l.revoke |= w.someRights() &^ l.allow
			l.deny |= w.someRights()
			w.put(l)
			report(t, fmt.Sprintf("revoking and denying %+v", l), w.survey().lowered(before, never))
		}
		before := w.survey()
		sp := *w.state.Space(w.id("space:team"))
		if sp.State = policy.Archived; w.model.spaces["team"].state == policy.Active {
			w.apply(policy.PutSpace{Space: sp})
			report(t, "archiving", w.survey().lowered(before, never))
		}
		sp.State = policy.Trashed
		w.apply(policy.PutSpace{Space: sp})
		report(t, "trashing", w.survey().lowered(before, never))
		who := pick(w, w.users[1:])
		w.model.inactive[who] = true
		w.apply(policy.PutUser{User: w.userRecord(who)})
		report(t, "deactivating", w.survey().lowered(before, never))
	})
}

// A credential narrows, never widens.
func TestMaskNarrows(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for range 200 {
			q, at := w.question(), w.place(pick(w, w.model.tree))
			q.mask = policy.All
			whole := w.state.Held(w.asked(q), at)
			q.mask = w.someRights()
			if got := w.state.Held(w.asked(q), at); got&^(whole&q.mask) != 0 {
				t.Errorf("%+v: %v of %v", q, got, whole)
			}
		}
	})
}

// Property 5: joining a group lowers nobody but through a wall that names the
// group, or a group that holds it.
func TestJoinMonotone(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for range 3 {
			before := w.survey()
			group, member := pick(w, w.groups), pick(w, slices.Concat(w.users, w.groups))
			gained := w.model.principals(group)
			if slices.Contains(gained, member) {
				continue
			}
			w.model.members[group] = append(w.model.members[group], member)
			w.apply(policy.Join{Group: w.id(group), Member: w.id(member)})
			walled := func(a asking, lost policy.Rights) bool {
				for _, l := range w.model.lines {
					if slices.Contains(gained, l.who) && below(a.path, l.at) {
						lost &^= l.deny
					}
				}
				// Only held rights are looked at here: a wall deeper down takes the
				// sight of a shell as well.
				return lost == 0
			}
			report(t, member+" joining "+group, before.lowered(w.survey(), walled))
		}
	})
}

// concerns are the principals whose entries an account's answers hang on: its own,
// and those of everybody who gave to one of them, directly or through others.
func (m *model) concerns(who string) []string {
	all := m.principals(who)
	for i := 0; i < len(all); i++ {
		for _, sh := range m.shares {
			if sh.to == all[i] && !slices.Contains(all, sh.by) {
				all = append(all, m.principals(sh.by)...)
			}
		}
	}
	return all
}

// Property 6: an entry of a principal changes only the users in it, and shares and
// links of users in it.
func TestLocality(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for range 3 {
			before, l := w.survey(), w.someLine(w.somewhere())
			w.put(l)
			after := w.survey()
			for a, d := range before {
				if after[a] != d && !slices.Contains(w.model.concerns(a.who), l.who) {
					t.Errorf("%+v changed %+v from %+v to %+v", l, a, d, after[a])
				}
			}
		}
	})
}

// Property 7: no entry below restores what a wall took.
func TestWallsHold(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		wall := line{at: w.somewhere(), who: pick(w, w.groups), deny: policy.See | w.someRights()}
		w.put(wall)
		for range 10 {
			l := w.someLine(w.somewhere())
			if l.at == wall.at || !below(l.at, wall.at) {
				l.at = wall.at + "/x"
				l.allow = policy.All
				l.revoke = 0
			}
			w.put(l)
		}
		w.model.tree = append(w.model.tree, wall.at+"/x", wall.at+"/x/y")
		for a, d := range w.survey() {
			if below(a.path, wall.at) && d.Held&wall.deny != 0 && slices.Contains(w.model.principals(a.who), wall.who) {
				t.Errorf("%+v holds %v behind the wall %+v", a, d.Held, wall)
			}
		}
	})
}

// Property 18: renaming changes no decision.
func TestRenamingChangesNothing(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		before := w.survey()
		for i, name := range w.users {
			u := w.userRecord(name)
			u.Name = fmt.Sprintf("renamed %d", i)
			w.apply(policy.PutUser{User: u})
		}
		for i, name := range w.groups {
			g := *w.state.Group(w.id(name))
			g.Name, g.Members = fmt.Sprintf("renamed %d", i), nil
			w.apply(policy.PutGroup{Group: g})
		}
		sp := *w.state.Space(w.id("space:team"))
		sp.Name, sp.Levels = "renamed", nil
		w.apply(policy.PutSpace{Space: sp})
		after := w.survey()
		report(t, "lost by a name", before.lowered(after, never))
		report(t, "gained by a name", after.lowered(before, never))
	})
}
