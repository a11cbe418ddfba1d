package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// give makes a share of the organisation's world, or a link for no receiver.
func (w *world) give(name, by, to, path string, what policy.Rights) {
	w.Helper()
	sh := policy.Share{ID: w.name(name), By: w.id(by), Rights: what}
	if sh.To = sh.ID; to != "" {
		sh.To = w.id(to)
	}
	w.apply(policy.PutShare{Share: sh, At: w.place(path)})
}

// TestShareLeadsDown: where a giver sees only something deeper, so does who got
// it, and both the way there and the reach tell so. Many other marks are around,
// so that the engine looks at what names people instead.
func TestShareLeadsDown(t *testing.T) {
	w := newOrganisation(t)
	for _, step := range []string{
		"acl /room/drafts user:max allow=read", "acl /room/drafts/v1.odt user:max allow=level:viewer", "level room user:mia none",
	} {
		if err := w.step(step); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"/room/a", "/room/b", "/room/drafts/a", "/room/drafts/b", "/room/drafts/c"} {
		w.apply(policy.SetEntry{At: w.place(other), Entry: policy.Entry{Principal: w.id("role:auditor"), Allow: policy.See}})
	}
	w.give("share:1", "user:max", "user:mia", "/room/drafts", policy.See|policy.Read)
	w.give("share:2", "user:mia", "user:zoe", "/room/drafts", policy.See|policy.Read)
	for _, who := range []string{"max", "mia", "zoe"} {
		for _, line := range []string{"sees " + who + " /room shell", "sees " + who + " /room/drafts shell", "sees " + who + " /room/drafts/v1.odt open"} {
			if err := w.step(line); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		sub := policy.Subject{User: w.id("user:" + who), Mask: policy.All, Class: policy.Web}
		if !slices.ContainsFunc(w.state.Reach(sub), func(r policy.Reached) bool {
			return r.Path[len(r.Path)-1] == w.node("/room/drafts/v1.odt") && r.Held&policy.See != 0
		}) {
			t.Errorf("the reach of %s leaves the file out: %+v", who, w.state.Reach(sub))
		}
	}
}

// TestLinkLeavesLists: what names a link ends with it, however it ends, and what
// is kept can be loaded again, before and after.
func TestLinkLeavesLists(t *testing.T) {
	for what, end := range map[string]func(*world) policy.Change{
		"dropped":           func(w *world) policy.Change { return policy.DropShare{ID: w.id("link:1")} },
		"its file is gone":  func(w *world) policy.Change { return policy.DropNodes{Nodes: []policy.Node{w.node("/room/brief.odt")}} },
		"its giver is gone": func(w *world) policy.Change { return policy.DropUser{ID: w.id("user:mia")} },
		"its file left the space": func(w *world) policy.Change {
			w.rename("/room/brief.odt", "/team/brief.odt")
			return policy.MoveNode{To: w.place("/team/brief.odt")}
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := newOrganisation(t)
			w.give("link:1", "user:mia", "", "/room/brief.odt", policy.See|policy.Read)
			w.apply(
				policy.SetEntry{At: w.place("/room"), Entry: policy.Entry{Principal: w.id("link:1"), Allow: policy.See}},
				policy.SetLevel{Space: w.id("space:room"), Entry: policy.Entry{Principal: w.id("link:1"), Allow: policy.FreeBusy}},
				policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Inactive = true })},
			)
			if _, err := policy.Load(reread(t, w.records())); err != nil {
				t.Errorf("with the link: %v", err)
			}
			w.apply(end(w))
			if m := w.state.Mark(w.node("/room")); m != nil {
				t.Errorf("the folder still lists %+v", m.Entries)
			}
			levels := w.state.SpaceNamed("room").Levels
			if slices.ContainsFunc(levels, func(l policy.Entry) bool { return l.Principal == w.id("link:1") }) {
				t.Errorf("the space still lists %+v", levels)
			}
			if _, err := policy.Load(reread(t, w.records())); err != nil {
				t.Errorf("without the link: %v", err)
			}
		})
	}
}

// TestListsNameNoShare: a share with people is no principal.
func TestListsNameNoShare(t *testing.T) {
	w := newOrganisation(t)
	w.give("share:1", "user:mia", "user:zoe", "/room/brief.odt", policy.See|policy.Read)
	line := policy.SetEntry{At: w.place("/room"), Entry: policy.Entry{Principal: w.id("share:1"), Allow: policy.See}}
	if err := w.try(line); err == nil {
		t.Error("a list names a share")
	}
}

// TestNoManageNoWay: whose profile opens no lists keeps no way into a cut folder.
func TestNoManageNoWay(t *testing.T) {
	w := newOrganisation(t)
	if err := w.step("cut /team/HR on"); err != nil {
		t.Fatal(err)
	}
	if held := w.held("mona", "/team/HR", policy.Web); held&policy.See == 0 {
		t.Fatalf("mona holds %v: the question below would show nothing", held)
	}
	w.functions(policy.AllFunctions &^ policy.SpaceACLManage)
	if held := w.held("mona", "/team/HR", policy.Web); held != 0 {
		t.Errorf("mona holds %v", held)
	}
}

// TestLinkSleepsEverywhere: a link that sleeps where it stands, or lies in the
// trash, opens nothing that a list gives to all links.
func TestLinkSleepsEverywhere(t *testing.T) {
	for _, step := range []string{"delete /room/brief.odt", "state room archived", "account mia inactive", "cut /room on"} {
		w := newOrganisation(t)
		w.give("link:1", "user:mia", "", "/room/brief.odt", policy.See|policy.Read)
		w.apply(policy.SetEntry{At: w.place("/team/Common"), Entry: policy.Entry{Principal: policy.Links, Allow: policy.Read}})
		bearer, at := policy.Subject{Link: w.id("link:1"), Mask: policy.All, Class: policy.Web}, w.place("/team/Common")
		if held := w.state.Held(bearer, at); held != policy.Read {
			t.Fatalf("the bearer holds %v: the question below would show nothing", held)
		}
		if err := w.step(step); err != nil {
			t.Fatal(err)
		}
		if held := w.state.Held(bearer, at); (held != 0) != strings.HasPrefix(step, "cut") {
			t.Errorf("%s: the bearer holds %v elsewhere", step, held)
		}
	}
}

// TestSharesMax: one place has room for so many shares and no more; a change of one
// of them still finds it.
func TestSharesMax(t *testing.T) {
	w := newOrganisation(t)
	at := w.place("/room/brief.odt")
	var all []policy.Change
	for range 1000 {
		id := w.name("share")
		all = append(all, policy.PutShare{At: at, Share: policy.Share{ID: id, By: w.id("user:mia"), To: id, Rights: policy.Read}})
	}
	w.apply(all...)
	w.apply(all[500])
	if err := w.try(policy.PutShare{At: at, Share: policy.Share{ID: w.name("share"), By: w.id("user:mia"), To: w.id("user:zoe"), Rights: policy.Read}}); err == nil {
		t.Error("one more than a thousand")
	}
}

// TestOnlyLinksAreOfCalendars: with people a calendar is shared by its list.
func TestOnlyLinksAreOfCalendars(t *testing.T) {
	w := newOrganisation(t)
	put := w.sharing("user:mia", "user:zoe", "/room/brief.odt")
	put.Share.Calendar = true
	if _, _, err := w.state.Apply(put); !errors.Is(err, policy.ErrInvalid) || !strings.Contains(err.Error(), "only a link") {
		t.Error(err)
	}
}
