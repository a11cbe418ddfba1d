package policy_test

import (
	"errors"
	"slices"
	"testing"

	"davit/policy"
)

func (w *world) asker(name string) policy.Subject {
	return policy.Subject{User: w.id("user:" + name), Mask: policy.All, Class: policy.Web, Network: policy.Inside}
}

func TestStanding(t *testing.T) {
	w := newOrganisation(t)
	people := []string{"olivia", "adam", "mona", "mia", "gus"}
	for _, by := range people {
		sub := w.asker(by)
		if got, want := w.state.Operates(sub), by == "olivia" || by == "adam"; got != want {
			t.Errorf("%s may ask everything: %t", by, got)
		}
		for _, of := range people {
			want := w.state.Operates(sub) && slices.Index(people, by) < slices.Index(people, of)
			if got := w.state.LooksAfter(sub, w.id("user:"+of)); got != want {
				t.Errorf("%s looks after %s: %t", by, of, got)
			}
		}
	}
	if operator := (policy.Subject{}); !w.state.Operates(operator) || !w.state.LooksAfter(operator, w.id("user:olivia")) {
		t.Error("the operator may not do everything")
	}
	if link := (policy.Subject{Link: 4711}); w.state.Operates(link) {
		t.Error("the bearer of a link is taken for the operator")
	}
	w.apply(policy.PutUser{User: w.account("adam", func(u *policy.User) { u.Until = 100 })})
	late := w.asker("adam")
	late.Now = 100
	if w.state.Operates(late) || !w.state.Operates(w.asker("adam")) {
		t.Error("an account that has expired looks after others, or one that has not does not")
	}
}

func TestSees(t *testing.T) {
	w := newOrganisation(t)
	team, brief := w.place("/team/HR"), w.place("/room/brief.odt")
	for _, row := range []struct {
		who  string
		at   policy.Place
		want bool
	}{
		{"max", team, true}, {"nils", team, false}, {"adam", team, true}, {"gus", brief, true}, {"max", brief, false},
	} {
		if got := w.state.Sees(w.asker(row.who), row.at); got != row.want {
			t.Errorf("%s sees %v: %t", row.who, row.at, got)
		}
	}
	room := *w.state.Space(w.id("space:room"))
	room.State = policy.Trashed
	w.apply(policy.PutSpace{Space: room})
	at := policy.Place{Space: room.ID, Path: []policy.Node{room.Root}}
	if !w.state.Sees(w.asker("mona"), at) || w.state.Sees(w.asker("mia"), at) {
		t.Error("a space in the trash is there for who may restore it, and for nobody else")
	}
}

// TestGuestGetsDrive: who makes a guest a member gives it a drive of its own and
// none of somebody else's.
func TestGuestGetsDrive(t *testing.T) {
	w := newOrganisation(t)
	grown := w.account("gus", func(u *policy.User) { u.Type, u.Home = policy.Member, w.id("space:home-mia") })
	if _, _, err := w.state.ApplyAs(w.asker("adam"), policy.PutUser{User: grown}); !errors.Is(err, policy.ErrForbidden) {
		t.Errorf("a drive of somebody else: %v", err)
	}
	grown.Home = 4711
	home := policy.Space{ID: 4711, Name: "~gus", Kind: policy.Personal, State: policy.Active, Owner: grown.ID, Root: 4712, Quota: policy.NoLimit}
	if _, _, err := w.state.ApplyAs(w.asker("mona"), policy.PutUser{User: grown}, policy.PutSpace{Space: home}); err != nil {
		t.Errorf("a new drive: %v", err)
	}
	w.apply(policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Home = w.id("space:home-mia") })})
	own := w.account("mia", func(u *policy.User) { u.Home = 4713 })
	if _, _, err := w.state.ApplyAs(w.asker("adam"), policy.PutUser{User: own}); !errors.Is(err, policy.ErrForbidden) {
		t.Errorf("another drive: %v", err)
	}
}

// TestTemplateOfFullRoom: a template does not come over levels that it lacks.
func TestTemplateOfFullRoom(t *testing.T) {
	w := newOrganisation(t)
	room := *w.state.Space(w.id("space:room")) // with an editor
	room.Template = policy.PublicRoom
	if err := w.try(policy.PutSpace{Space: room}); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("a public room with an editor: %v", err)
	}
	w.apply(policy.SetLevel{Space: room.ID, Entry: policy.Entry{Principal: w.id("user:mia"), Level: "viewer", Allow: rights(t, "level:viewer")}})
	w.apply(policy.PutSpace{Space: room})
}

// TestUses: a function is used by who is active and has a profile with it.
func TestUses(t *testing.T) {
	w := newOrganisation(t)
	on := policy.FilesUpload | policy.ReviewRun
	w.functions(on)
	if !w.state.Uses(w.asker("adam"), on) || w.state.Uses(w.asker("adam"), policy.FilesPurge) {
		t.Error("adam uses something else than his profile says")
	}
	if !w.state.Uses(policy.Subject{}, policy.AllFunctions) || w.state.Uses(policy.Subject{Link: 4711}, on) {
		t.Error("the operator lacks a function, or the bearer of a link has one")
	}
	w.apply(policy.PutUser{User: w.account("adam", func(u *policy.User) { u.Inactive = true })})
	if w.state.Uses(w.asker("adam"), on) {
		t.Error("a deactivated account uses a function")
	}
}
