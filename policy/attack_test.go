package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// attacks are ways to more than one holds. The steps come from the operator; then
// who attacks tries his changes one after the other, and one of them is refused.
var attacks = []struct {
	what, steps string
	by          string
	try         func(*world) []policy.Change
	want        error
}{
	{"lifting a wall in front of a folder that is open to others behind it", `
		acl /team/Sales user:max allow=level:manager
		acl /team/Sales group:contractors deny=read rank=member
		acl /team/Sales/board group:staff revoke=all
		acl /team/Sales/board user:max revoke=all
		acl /team/Sales/board user:zoe allow=read`, "max", func(w *world) []policy.Change {
		return []policy.Change{policy.ClearEntries{Node: w.node("/team/Sales"), Principal: w.id("group:contractors")}}
	}, policy.ErrForbidden},
	{"lifting a wall in front of a cut folder that is open to others", `
		acl /team/Sales user:max allow=level:manager
		acl /team/Sales group:contractors deny=read rank=member
		cut /team/Sales/board on
		acl /team/Sales/board user:zoe allow=read`, "max", func(w *world) []policy.Change {
		return []policy.Change{w.line("/team/Sales", "group:contractors", 0)}
	}, policy.ErrForbidden},
	{"unpinning somebody whose groups reach further down", `
		level team user:zoe viewer pin
		cut /team/HR on
		acl /team/HR group:hr allow=read
		join group:hr user:zoe`, "mona", func(w *world) []policy.Change {
		viewer := policy.Entry{Principal: w.id("user:zoe"), Allow: rights(w, "level:viewer"), Level: "viewer"}
		return []policy.Change{policy.SetLevel{Space: w.id("space:team"), Entry: viewer, Pin: new(false)}}
	}, policy.ErrForbidden},
	{"unpinning somebody with whose group more is shared", `
		level team user:zoe viewer pin
		cut /team/HR on
		acl /team/HR user:mia allow=level:editor
		join group:hr user:zoe
		share mia group:hr /team/HR`, "mona", func(w *world) []policy.Change {
		viewer := policy.Entry{Principal: w.id("user:zoe"), Allow: rights(w, "level:viewer"), Level: "viewer"}
		return []policy.Change{policy.SetLevel{Space: w.id("space:team"), Entry: viewer, Pin: new(false)}}
	}, policy.ErrForbidden},
	{"promoting a guest past the ceilings of guests", `
		acl /team/HR user:gus allow=purge
		acl /team/HR user:mona revoke=purge`, "mona", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: w.account("gus", func(u *policy.User) { u.Type = policy.Member })}}
	}, policy.ErrForbidden},
	{"an owner without rights handing them over", `
		space desk group-folder owner=mia`, "mia", func(w *world) []policy.Change {
		return []policy.Change{policy.TransferSpace{Space: w.id("space:desk"), Owner: w.id("user:max")}}
	}, policy.ErrForbidden},
	{"cutting a folder to see what one was taken", `
		level team user:max deposit
		acl /team user:max allow=manage
		acl /team/HR group:staff revoke=all`, "max", func(w *world) []policy.Change {
		return []policy.Change{policy.SetCut{At: w.place("/team/HR"), On: true}}
	}, policy.ErrForbidden},
	{"an admin lifting a cut that keeps him out", `
		join group:staff user:adam
		cut /team/HR on rank=admin`, "adam", func(w *world) []policy.Change {
		return []policy.Change{policy.SetCut{At: w.place("/team/HR")}}
	}, policy.ErrForbidden},
	{"an admin lifting a cut of an owner", `
		cut /team/HR on`, "adam", func(w *world) []policy.Change {
		return []policy.Change{policy.SetCut{At: w.place("/team/HR")}}
	}, policy.ErrForbidden},
	{"lifting a cut below a folder that one does not manage", `
		acl /team/HR user:max allow=level:manager
		cut /team/HR on rank=member
		acl /team/HR user:max allow=level:manager`, "max", func(w *world) []policy.Change {
		return []policy.Change{policy.SetCut{At: w.place("/team/HR")}}
	}, policy.ErrForbidden},
	{"cutting a folder again, by a lower rank, to lift the cut", `
		cut /team/HR on rank=admin`, "mona", func(w *world) []policy.Change {
		at := w.place("/team/HR")
		return []policy.Change{policy.SetCut{At: at, On: true}, policy.SetCut{At: at}}
	}, policy.ErrForbidden},
	{"writing a wall again, by a lower rank, to lift it", `
		acl /team/HR group:contractors deny=read rank=admin`, "mona", func(w *world) []policy.Change {
		wall := policy.Entry{Principal: w.id("group:contractors"), Deny: policy.Read | policy.Write}
		return []policy.Change{policy.SetEntry{At: w.place("/team/HR"), Entry: wall}, w.line("/team/HR", "group:contractors", 0)}
	}, policy.ErrForbidden},
	{"a line under a condition that a nearer one seems to decide", `
		acl /team/Sales user:max allow=level:manager
		acl /team/Sales/board user:max revoke=read
		acl /team/Sales/board group:staff revoke=read
		acl /team/Sales/board user:nils revoke=read class=mobile`, "max", func(w *world) []policy.Change {
		return []policy.Change{w.line("/team/Sales", "user:nils", policy.Read)}
	}, policy.ErrForbidden},
	{"giving what one holds under a condition", `
		acl /team/Sales user:max allow=manage
		acl /team/Sales user:max allow=purge class=web`, "max", func(w *world) []policy.Change {
		return []policy.Change{w.line("/team/Sales", "user:nils", policy.Purge)}
	}, policy.ErrForbidden},
	{"taking a space by writing its record", `
		level room user:mila manager`, "mila", func(w *world) []policy.Change {
		sp := *w.state.SpaceNamed("room")
		sp.Owner = w.id("user:mila")
		return []policy.Change{policy.PutSpace{Space: sp}}
	}, policy.ErrForbidden},
	{"leaving nobody who manages a space", `
		space desk group-folder
		level desk user:zoe manager
		acl /desk user:max allow=members`, "max", func(w *world) []policy.Change {
		return []policy.Change{policy.SetLevel{Space: w.id("space:desk"), Entry: policy.Entry{Principal: w.id("user:zoe")}}}
	}, policy.ErrForbidden},
	{"making a room that others are in already", ``, "mona", func(w *world) []policy.Change {
		room := w.room("user:mona", w.placeless())
		room.Levels = append(room.Levels, policy.Entry{Principal: w.id("user:zoe"), Allow: policy.All})
		return []policy.Change{policy.PutSpace{Space: room}}
	}, policy.ErrForbidden},
	{"an admin opening somebody's drive to somebody", ``, "adam", func(w *world) []policy.Change {
		return []policy.Change{w.line("/home-mia", "user:zoe", policy.Read)}
	}, policy.ErrNotFound},
	{"an admin giving to a group that he is in", `
		join group:staff user:adam`, "adam", func(w *world) []policy.Change {
		return []policy.Change{w.line("/room", "group:staff", policy.Read)}
	}, policy.ErrForbidden},
	{"an admin reading where the settings keep him from it", ``, "adam", func(w *world) []policy.Change {
		return []policy.Change{w.line("/room", "user:adam", policy.Read)}
	}, policy.ErrForbidden},
	{"an admin giving himself more than reading", `
		reads audited`, "adam", func(w *world) []policy.Change {
		return []policy.Change{w.line("/room", "user:adam", policy.Write)}
	}, policy.ErrForbidden},
	{"an admin joining a group that opens what he does not hold", `
		acl /team/HR group:hr allow=read`, "adam", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("group:hr"), Member: w.id("user:adam")}}
	}, policy.ErrForbidden},
	{"an admin leaving the group that a wall names", `
		join group:contractors user:adam
		acl /team/HR group:contractors deny=read`, "adam", func(w *world) []policy.Change {
		return []policy.Change{policy.Leave{Group: w.id("group:contractors"), Member: w.id("user:adam")}}
	}, policy.ErrForbidden},
	{"an admin making a space his own", ``, "adam", func(w *world) []policy.Change {
		return []policy.Change{policy.TransferSpace{Space: w.id("space:team"), Owner: w.id("user:adam")}}
	}, policy.ErrForbidden},
	{"filling a group whose group opens what its manager does not hold", `
		managers group:eu-sales user:max
		acl /team/HR group:sales allow=purge`, "max", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("group:eu-sales"), Member: w.id("user:zoe")}}
	}, policy.ErrForbidden},
	{"filling somebody else's group", ``, "max", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("group:eu-sales"), Member: w.id("user:zoe")}}
	}, policy.ErrForbidden},
	{"giving manage at the root to somebody whom no wall keeps from a cut folder", `
		cut /team/HR on
		acl /team/HR user:mona deny=see`, "mona", func(w *world) []policy.Change {
		return []policy.Change{policy.SetLevel{Space: w.id("space:team"), Entry: policy.Entry{Principal: w.id("user:nils"), Allow: policy.Manage}}}
	}, policy.ErrForbidden},
	{"giving what one does not hold in a folder that lies in the trash", `
		acl /team/Sales user:max allow=level:manager
		acl /team/Sales/board group:staff revoke=all
		acl /team/Sales/board user:max revoke=all
		delete /team/Sales/board`, "max", func(w *world) []policy.Change {
		return []policy.Change{w.line("/team/Sales", "user:nils", policy.Read)}
	}, policy.ErrForbidden},
	{"filling a group whose lines wait in the trash", `
		managers group:hr user:max
		acl /team/HR group:hr allow=purge
		delete /team/HR`, "max", func(w *world) []policy.Change {
		return []policy.Change{policy.Join{Group: w.id("group:hr"), Member: w.id("user:zoe")}}
	}, policy.ErrForbidden},
	{"leaving a group, as its manager, that a wall in the trash names", `
		managers group:contractors user:zoe
		acl /team/HR group:contractors deny=see
		delete /team/HR`, "zoe", func(w *world) []policy.Change {
		return []policy.Change{policy.Leave{Group: w.id("group:contractors"), Member: w.id("user:zoe")}}
	}, policy.ErrForbidden},
	{"an admin opening his own profile", ``, "adam", func(w *world) []policy.Change {
		p := *w.state.ProfileNamed("standard")
		p.Quota = policy.NoLimit
		return []policy.Change{policy.PutProfile{Profile: p}}
	}, policy.ErrForbidden},
	{"an admin dropping his profile for a larger one", `
		profile large 5000`, "adam", func(w *world) []policy.Change {
		return []policy.Change{policy.DropProfile{ID: w.id("profile:standard"), Successor: w.id("profile:large")}}
	}, policy.ErrForbidden},
	{"an admin writing over the wall against himself", `
		reads audited
		acl /team user:adam deny=all until=3602`, "adam", func(w *world) []policy.Change {
		line := policy.Entry{Principal: w.id("user:adam"), Allow: policy.Read, Until: 3602}
		return []policy.Change{policy.SetEntry{At: w.place("/team"), Entry: line}}
	}, policy.ErrForbidden},
	{"an admin clearing the wall against himself", `
		reads audited
		acl /team user:adam deny=all`, "adam", func(w *world) []policy.Change {
		return []policy.Change{policy.ClearEntries{Node: w.node("/team"), Principal: w.id("user:adam")}}
	}, policy.ErrForbidden},
	{"an admin dropping the group that an owner's wall names", `
		acl /team group:contractors deny=all`, "adam", func(w *world) []policy.Change {
		return []policy.Change{policy.DropGroup{ID: w.id("group:contractors")}}
	}, policy.ErrForbidden},
	{"handing a space to somebody whom a higher rank walled off in it", `
		acl /room/drafts user:mila deny=all rank=admin`, "mona", func(w *world) []policy.Change {
		return []policy.Change{policy.TransferSpace{Space: w.id("space:room"), Owner: w.id("user:mila")}}
	}, policy.ErrForbidden},
	{"handing a room to a guest", ``, "mona", func(w *world) []policy.Change {
		return []policy.Change{policy.TransferSpace{Space: w.id("space:room"), Owner: w.id("user:gus")}}
	}, policy.ErrInvalid},
	{"making a room of another space's root", ``, "mona", func(w *world) []policy.Change {
		return []policy.Change{policy.PutSpace{Space: w.room("user:mona", w.node("/team"))}}
	}, policy.ErrInvalid},
	{"making a room of a folder", `
		acl /team/HR group:hr allow=read`, "mona", func(w *world) []policy.Change {
		return []policy.Change{policy.PutSpace{Space: w.room("user:mona", w.node("/team/HR"))}}
	}, policy.ErrInvalid},
	{"naming another's folder as one's own", `
		acl /team/HR group:hr allow=read`, "mia", func(w *world) []policy.Change {
		stolen := w.place("/home-mia")
		stolen.Path = append(stolen.Path, w.node("/team/HR"))
		return []policy.Change{policy.SetEntry{At: stolen, Entry: policy.Entry{Principal: w.id("user:zoe"), Allow: policy.Read}}}
	}, policy.ErrInvalid},
	{"making an account whose home is somebody's drive", ``, "mona", func(w *world) []policy.Change {
		u := w.newcomer(policy.Member)
		u.Home = w.id("space:home-mia")
		return []policy.Change{policy.PutUser{User: u}}
	}, policy.ErrInvalid},
	{"making an account that may store larger files", `
		profile big 1000 file-max=0
		profile-of mona small file-max=10`, "mona", func(w *world) []policy.Change {
		u := w.newcomer(policy.Member)
		u.Profile = w.id("profile:big")
		return []policy.Change{policy.PutUser{User: u}}
	}, policy.ErrForbidden},
	{"a guest making somebody's personal drive", ``, "gus", func(w *world) []policy.Change {
		w.apply(policy.PutUser{User: w.account("zoe", func(u *policy.User) { u.Home = 7001 })})
		sp := policy.Space{ID: 7001, Kind: policy.Personal, State: policy.Active, Owner: w.id("user:zoe"), Root: 7002}
		return []policy.Change{policy.PutSpace{Space: sp}}
	}, policy.ErrForbidden},
	{"a deactivated owner handing his space over", `
		account mona inactive`, "mona", func(w *world) []policy.Change {
		return []policy.Change{policy.TransferSpace{Space: w.id("space:room"), Owner: w.id("user:mila")}}
	}, policy.ErrForbidden},
	{"a deactivated member taking another address", `
		account mia inactive`, "mia", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Email = "mia@example.org" })}}
	}, policy.ErrForbidden},
	{"a manager of a space handing over what another one owns", `
		level room user:mila manager`, "mila", func(w *world) []policy.Change {
		return []policy.Change{policy.TransferSpace{Space: w.id("space:room"), Owner: w.id("user:max")}}
	}, policy.ErrForbidden},
	{"a guest acting while guests are switched off", `
		guests off`, "gus", func(w *world) []policy.Change {
		return []policy.Change{policy.PutUser{User: w.account("gus", func(u *policy.User) { u.Email = "gus@example.org" })}}
	}, policy.ErrForbidden},
	{"sharing a group's folder to get round the sharing of groups", `
		acl /team/Common user:mia allow=level:manager
		sharing none`, "mia", func(w *world) []policy.Change {
		return []policy.Change{w.sharing("user:mia", "group:hr", "/team/Common")}
	}, policy.ErrForbidden},
	{"sharing more than one holds", ``, "gus", func(w *world) []policy.Change {
		return []policy.Change{w.sharing("user:gus", "user:zoe", "/room/brief.odt")}
	}, policy.ErrForbidden},
	{"sharing in somebody else's name", ``, "mona", func(w *world) []policy.Change {
		return []policy.Change{w.sharing("user:mia", "user:zoe", "/room/brief.odt")}
	}, policy.ErrForbidden},
}

func TestAttacks(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.what, func(t *testing.T) {
			w := newOrganisation(t)
			w.apply(policy.PutUser{User: policy.User{ID: w.name("user:mila"), Name: "mila", Type: policy.Manager, Profile: w.id("profile:standard")}})
			for line := range strings.Lines(a.steps) {
				if err := w.step(line); err != nil {
					t.Fatalf("%s: %v", strings.TrimSpace(line), err)
				}
			}
			changes := a.try(w)
			before, was := w.state, w.state.Hash()
			next, _, err := w.state.ApplyAs(w.acting("user:"+a.by), changes...)
			if !errors.Is(err, a.want) || next != nil {
				t.Fatalf("%s may do it: %v", a.by, err)
			}
			if w.state != before || w.state.Hash() != was {
				t.Error("what was refused left something behind")
			}
			if a.want == policy.ErrForbidden {
				w.apply(changes...) // the operator may
			}
		})
	}
}

// line is an entry for one principal.
func (w *world) line(path, who string, allow policy.Rights) policy.SetEntry {
	return policy.SetEntry{At: w.place(path), Entry: policy.Entry{Principal: w.id(who), Allow: allow}}
}

// sharing is a share with reading and writing.
func (w *world) sharing(by, to, path string) policy.PutShare {
	sh := policy.Share{ID: w.name("share:" + path), By: w.id(by), To: w.id(to), Rights: rights(w, "see,read,write"), Made: actNow}
	return policy.PutShare{Share: sh, At: w.place(path)}
}

func (w *world) room(owner string, root policy.Node) policy.Space {
	return policy.Space{
		ID: 8001, Name: "annex", Kind: policy.Room, State: policy.Active, Owner: w.id(owner), Root: root, Quota: policy.NoLimit,
		Levels: []policy.Entry{{Principal: w.id(owner), Allow: policy.All, Level: "manager"}},
	}
}

func (w *world) newcomer(rank policy.Type) policy.User {
	return policy.User{ID: 8002, Name: "newcomer", Type: rank, Profile: w.id("profile:external")}
}

// TestCredentialsNarrowChanges: nobody changes by a credential what it does not
// open, whatever his rank.
func TestCredentialsNarrowChanges(t *testing.T) {
	w := newOrganisation(t)
	w.give("link:1", "user:mia", "", "/room/brief.odt", policy.See|policy.Read)
	w.apply(policy.PutSpace{Space: policy.Space{ID: w.name("space:free"), Name: "free", Kind: policy.GroupFolder, State: policy.Active, Root: w.placeless()}})
	office := func(who string, narrow func(*policy.Subject)) policy.Subject {
		sub := w.acting("user:" + who)
		narrow(&sub)
		return sub
	}
	readOnly := func(sub *policy.Subject) { sub.Mask = policy.ReadOnly }
	forRoom := func(sub *policy.Subject) { sub.Spaces = []policy.ID{w.id("space:room")} }
	mail := func(who string) policy.Change {
		return policy.PutUser{User: w.account(who, func(u *policy.User) { u.Email = who + "@example.org" })}
	}
	for _, row := range []struct {
		what   string
		by     policy.Subject
		change policy.Change
		may    bool
	}{
		{"an admin's level by the main password", office("adam", func(*policy.Subject) {}), w.line("/room", "user:zoe", policy.Read), true},
		{"an admin's line by a password for reading", office("adam", readOnly), w.line("/room", "user:zoe", policy.Read), false},
		{"an admin's line by a password for this space", office("adam", forRoom), w.line("/room", "user:zoe", policy.Read), true},
		{"an admin's line by a password for another space", office("adam", forRoom), w.line("/team", "user:zoe", policy.Read), false},
		{"an admin's group by a password for a space", office("adam", forRoom), policy.PutGroup{Group: policy.Group{ID: 8100, Name: "new"}}, false},
		{"an admin's group by the main password", office("adam", func(*policy.Subject) {}), policy.PutGroup{Group: policy.Group{ID: 8100, Name: "new"}}, true},
		{"the own address by a password for reading", office("mia", readOnly), mail("mia"), false},
		{"the own address by a password for a space", office("mia", forRoom), mail("mia"), false},
		{"the own address", office("mia", func(*policy.Subject) {}), mail("mia"), true},
		{"handing a room over by a password for reading", office("mona", readOnly), policy.DropShare{ID: w.id("link:1")}, false},
		{"ending a link by a password for reading", office("mia", readOnly), policy.DropShare{ID: w.id("link:1")}, false},
		{"ending a link", office("mia", func(*policy.Subject) {}), policy.DropShare{ID: w.id("link:1")}, true},
		{"a link handing over what nobody owns", policy.Subject{Link: w.id("link:1"), Mask: policy.All}, policy.TransferSpace{Space: w.id("space:free"), Owner: w.id("user:mia")}, false},
		{"a link with a new address", policy.Subject{Link: w.id("link:1"), Mask: policy.All}, mail("mia"), false},
		{"nobody known with settings", policy.Subject{User: 1 << 40, Mask: policy.All}, policy.PutSettings{Settings: policy.Settings{AdminReads: policy.ReadsAlways}}, false},
	} {
		_, _, err := w.state.ApplyAs(row.by, row.change)
		if (err == nil) != row.may {
			t.Errorf("%s: %v", row.what, err)
		}
		if row.by.Link != policy.Nobody && !strings.Contains(err.Error(), "only accounts") {
			t.Errorf("%s is told something else: %v", row.what, err)
		}
	}
}

// TestOwnAccountStays: whoever reaches for more himself is told that, and not what
// is said of others.
func TestOwnAccountStays(t *testing.T) {
	w := newOrganisation(t)
	for _, who := range []string{"adam", "mona", "mia"} {
		raised := policy.PutUser{User: w.account(who, func(u *policy.User) { u.Quota = new(policy.NoLimit) })}
		_, _, err := w.state.ApplyAs(w.acting("user:"+who), raised)
		if !errors.Is(err, policy.ErrForbidden) || !strings.Contains(err.Error(), "nobody changes his own rank") {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// placeless is a node that stands nowhere yet.
func (w *world) placeless() policy.Node {
	w.last++
	return policy.Node(w.last)
}

// TestBadPlaces: a change at no place is refused to everybody, and panics for
// nobody.
func TestBadPlaces(t *testing.T) {
	w := newOrganisation(t)
	w.apply(
		policy.PutSettings{Settings: func() policy.Settings { s := w.state.Settings(); s.AdminReads = policy.ReadsAudited; return s }()},
		policy.Join{Group: w.id("group:staff"), Member: w.id("user:adam")},
	)
	team := w.place("/team/HR")
	for what, at := range map[string]policy.Place{
		"nowhere": {}, "no space": {Space: 4711, Path: team.Path}, "no path": {Space: team.Space}, "not at the root": {Space: team.Space, Path: team.Path[1:]},
	} {
		for _, who := range []string{"olivia", "adam", "mona", "gus"} {
			for _, change := range []policy.Change{
				policy.SetEntry{At: at, Entry: policy.Entry{Principal: w.id("user:" + who), Allow: policy.Read}},
				policy.SetEntry{At: at, Entry: policy.Entry{Principal: w.id("group:staff"), Allow: policy.Read}},
				policy.SetEntry{At: at, Entry: policy.Entry{Principal: w.id("user:zoe"), Deny: policy.Read}},
				policy.SetCut{At: at, On: true}, policy.SetCut{At: at}, policy.SetQuota{At: at},
				policy.SetLevel{Space: 4711, Entry: policy.Entry{Principal: w.id("user:" + who), Allow: policy.Read}},
				policy.PutShare{At: at, Share: policy.Share{ID: 9001, By: w.id("user:" + who), To: w.id("user:zoe"), Rights: policy.Read}},
				policy.TransferSpace{Space: 4711, Owner: w.id("user:mona")}, policy.DropShare{ID: 4711}, policy.DropSpace{ID: 4711},
				policy.Join{Group: 4711, Member: w.id("user:zoe")}, policy.Leave{Group: 4711, Member: w.id("user:zoe")}, policy.DropGroup{ID: 4711},
				policy.DropUser{ID: 4711}, policy.DropProfile{ID: 4711}, policy.PutUser{}, policy.PutGroup{}, policy.PutSpace{}, policy.PutProfile{}, policy.PutSettings{},
			} {
				if _, _, err := w.state.ApplyAs(w.acting("user:"+who), change); err == nil {
					t.Errorf("%s: %s may %T%+v", what, who, change, change)
				}
			}
		}
	}
}

// TestSelfGrantEnds: what an admin gives itself ends within the hour, also where
// admins read anyway, and its links and shares do not get younger.
func TestSelfGrantEnds(t *testing.T) {
	for _, reads := range []string{"audited", "always"} {
		w := newOrganisation(t)
		if err := w.step("reads " + reads); err != nil {
			t.Fatal(err)
		}
		at := w.place("/team/HR")
		next, _, err := w.state.ApplyAs(w.acting("user:adam"), w.line("/team/HR", "user:adam", rights(t, "level:viewer")))
		if err != nil {
			t.Fatal(err)
		}
		lines := next.Mark(at.Path[len(at.Path)-1]).Entries
		if !slices.ContainsFunc(lines, func(e policy.Entry) bool { return e.Until == actNow+policy.SelfGrant }) {
			t.Errorf("%s: %+v", reads, lines)
		}
	}
}

// TestSharesKeepTheirAge: a share begins when it is made, and neither a change nor
// an adoption makes it younger.
func TestSharesKeepTheirAge(t *testing.T) {
	w := newOrganisation(t)
	by := w.acting("user:mia")
	link := policy.Share{ID: w.name("link:1"), By: by.User, To: w.id("link:1"), Rights: policy.See | policy.Read, Made: 1 << 40}
	adopted := link
	adopted.By = w.id("user:mona")
	w.apply(policy.SetEntry{At: w.place("/room/brief.odt"), Entry: policy.Entry{Principal: by.User, Allow: policy.Reshare}})
	later := by
	later.Now += 1000
	for _, step := range []struct {
		by    policy.Subject
		share policy.Share
	}{{by, link}, {later, link}, {w.acting("user:mona"), adopted}} {
		next, _, err := w.state.ApplyAs(step.by, policy.PutShare{Share: step.share, At: w.place("/room/brief.odt")})
		if err != nil {
			t.Fatal(err)
		}
		w.state = next
		if sh, _ := next.Share(link.ID); sh.Made != actNow || sh.By != step.share.By {
			t.Errorf("%+v", sh)
		}
	}
}
