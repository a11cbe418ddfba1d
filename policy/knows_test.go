package policy_test

import (
	"slices"
	"testing"

	"davit/policy"
)

// meets reads the rule in words: a guest knows itself and the people of the
// spaces whose root both see, but in a portal no other guest.
func (w *twin) meets(q question, other string) bool {
	m := w.model
	ends, expires := m.until[q.who]
	if _, account := m.types[q.who]; !account || m.inactive[q.who] || expires && ends != 0 && q.now >= ends {
		return false
	}
	if m.types[q.who] != policy.Guest || q.who == other {
		return true
	}
	sees := func(q question, root string) bool {
		a := m.asker(q)
		return m.holdsRight(a, root, policy.See, nil)
	}
	for name, sp := range m.spaces {
		if sp.kind == policy.Portal && m.types[other] == policy.Guest {
			continue
		}
		if sees(q, "/"+name) && sees(question{who: other, mask: policy.All, class: "web", now: q.now}, "/"+name) {
			return true
		}
	}
	return false
}

// A guest knows whom it meets and nobody else, others know everybody; a listing
// agrees with single questions.
func TestKnowsAgrees(t *testing.T) {
	known, unknown, portal := 0, 0, 0
	property(t, func(t *testing.T, w *twin) {
		for range 20 {
			q := w.question()
			sub := w.asked(q)
			listed := w.state.KnownUsers(sub)
			for _, other := range w.users {
				want := w.meets(q, other)
				if got := w.state.Knows(sub, w.id(other)); got != want {
					t.Errorf("%+v knows %s: %t instead of %t", q, other, got, want)
				}
				if slices.Contains(listed, w.state.User(w.id(other))) != want {
					t.Errorf("%+v lists %s: %t instead of %t", q, other, !want, want)
				}
				if w.model.types[q.who] != policy.Guest || q.who == other {
					continue
				}
				if want {
					known++
				} else {
					unknown++
				}
				if w.model.types[other] == policy.Guest && want {
					portal++
				}
			}
			open := w.model.types[q.who] != policy.Guest && w.state.User(w.id(q.who)).ActiveAt(q.now)
			for _, g := range w.groups {
				if got := w.state.Knows(sub, w.id(g)); got != (open && w.state.Group(w.id(g)) != nil) {
					t.Errorf("%+v knows %s: %t", q, g, got)
				}
			}
			if len(w.state.KnownGroups(sub)) > 0 != open {
				t.Errorf("%+v lists %d groups", q, len(w.state.KnownGroups(sub)))
			}
		}
	})
	if known == 0 || unknown == 0 || portal == 0 {
		t.Errorf("the worlds are blind: %d meetings, %d strangers, %d meetings of guests", known, unknown, portal)
	}
}

// What stands for no account and no group is known to nobody.
func TestKnowsNobody(t *testing.T) {
	w := newOrganisation(t)
	asker := policy.Subject{User: w.id("user:mia"), Mask: policy.All, Class: policy.Web}
	for _, id := range []policy.ID{policy.Nobody, w.id("space:team"), w.id("profile:standard"), 1 << 40} {
		if w.state.Knows(asker, id) {
			t.Errorf("%d is known", id)
		}
	}
	if !w.state.Knows(asker, policy.Members) || w.state.Knows(policy.Subject{User: w.id("user:gus")}, policy.Members) {
		t.Error("members are a group")
	}
	if w.state.Knows(policy.Subject{}, w.id("user:mia")) || w.state.KnownUsers(policy.Subject{}) != nil || w.state.KnownGroups(policy.Subject{}) != nil {
		t.Error("nobody knows somebody")
	}
	if err := w.step("account mia inactive"); err != nil {
		t.Fatal(err)
	}
	if w.state.Knows(asker, asker.User) || w.state.KnownUsers(asker) != nil {
		t.Error("a closed account knows somebody")
	}
}

// Who manages a space sees into it though it is cut, and is met there.
func TestKnowsManagersOfCutSpaces(t *testing.T) {
	w := newOrganisation(t)
	guest := policy.Subject{User: w.id("user:gus"), Mask: policy.All, Class: policy.Web}
	max := w.id("user:max")
	w.apply(
		policy.SetLevel{Space: w.id("space:room"), Entry: policy.Entry{Principal: max, Allow: policy.Manage}},
		policy.SetCut{At: w.place("/room"), On: true},
		policy.SetEntry{At: w.place("/room"), Entry: policy.Entry{Principal: guest.User, Allow: policy.See}},
	)
	if !w.state.Knows(guest, max) || !slices.Contains(w.state.KnownUsers(guest), w.state.User(max)) {
		t.Error("a manager goes unseen")
	}
}
