package admin

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"davit/auth"
	"davit/policy"
	"davit/policy/text"
	"davit/store"
)

// TestClauses: every kind of statement but those about the file itself is tied to
// the policy, in the one order.
func TestClauses(t *testing.T) {
	var tied []*text.Kind
	for _, c := range clauses {
		tied = append(tied, c.kind)
	}
	want := slices.DeleteFunc(slices.Clone(text.Kinds), func(k *text.Kind) bool { return k == text.Complete || k == text.Assert })
	if !slices.Equal(tied, want) {
		t.Errorf("clauses are not in the order of the kinds")
	}
}

// written says where the text has each field of the policy's records. What is not
// named here is lost by an export.
var written = map[reflect.Type]map[string]string{
	reflect.TypeFor[policy.User](): {
		"ID": "the name", "Name": "user NAME", "Type": "type=", "Inactive": "state=", "Profile": "profile=", "Quota": "quota=",
		"Home": "made with the account", "Email": "email=", "Language": "language=", "Until": "expires=",
	},
	reflect.TypeFor[policy.Group]():   {"ID": "the name", "Name": "group NAME", "Role": "role NAME", "Members": "member GROUP PRINCIPAL", "Managers": "manager GROUP USER"},
	reflect.TypeFor[policy.Profile](): {"ID": "the name", "Name": "profile NAME", "Quota": "quota=", "Functions": "functions=", "FileMax": "file-max=", "LinkDays": "link-days="},
	reflect.TypeFor[policy.Space](): {
		"ID": "the name", "Name": "space NAME", "Kind": "kind=", "State": "state=", "Owner": "owner=", "Root": "made with the space",
		"Quota": "quota=", "Levels": "level SPACE PRINCIPAL LEVEL", "Pins": "pin SPACE USER", "Template": "template=", "OwnHour": "own-hour=",
		"TrashDays": "trash-days=", "VersionDays": "version-days=", "FileDays": "file-days=",
	},
	reflect.TypeFor[policy.Mark](): {
		"Node": "the path", "Cut": "cut PATH", "CutRank": "cut PATH rank=", "Quota": "quota PATH SIZE", "Entries": "acl PATH PRINCIPAL", "Shares": "share PATH",
	},
	reflect.TypeFor[policy.Entry](): {
		"Principal": "acl PATH PRINCIPAL", "Allow": "allow=", "Revoke": "revoke=", "Deny": "deny=", "Level": "allow=level:",
		"Class": "class=", "Network": "network=", "From": "from=", "Until": "until=", "Rank": "rank=",
	},
	reflect.TypeFor[policy.Share](): {
		"ID": "the path, by=, to= and number=", "By": "by=", "To": "to=", "Rights": "rights=", "Level": "rights=level:", "Made": "made=", "Until": "until=",
		"Label": "label=", "Password": "of links, which are not written", "Calendar": "the same",
	},
	reflect.TypeFor[policy.Settings](): {
		"Links": "links=", "LinkDays": "link-days=", "LinkPassword": "link-password=", "Guests": "guests=", "Sharing": "sharing=",
		"TwoFactor": "two-factor=", "AdminReads": "admin-reads=", "LockoutAfter": "lockout-after=",
		"TrashDays": "trash-days=", "VersionDays": "version-days=", "Versions": "versions=", "InboxDays": "inbox-days=",
		"MailServer": "mail-server=", "MailTLS": "mail-tls=", "MailUser": "mail-user=", "MailFrom": "mail-from=", "FetchHosts": "fetch-hosts=", "PushHosts": "push-hosts=", "Inside": "inside=",
	},
}

func TestEveryFieldIsWritten(t *testing.T) {
	for record, fields := range written {
		for i := range record.NumField() {
			if name := record.Field(i).Name; record.Field(i).IsExported() && fields[name] == "" {
				t.Errorf("%s.%s has no place in the text of a policy", record, name)
			}
		}
	}
}

// newHouse is a small policy with something of every kind.
func newHouse(t *testing.T) *bureau {
	b := newBureau(t, rand.New(rand.NewPCG(1, 0)))
	b.apply(`davit-policy 1
profile light quota=1GB
group staff
group hr
role auditor
member group:hr group:staff
member group:staff user:mia
level Finance group:hr editor
pin Finance user:bob
acl /Finance/HR group:staff deny=write
cut /Finance/HR/x
quota /Finance/Sales 5GB`)
	return b
}

// TestWrongTexts: what is wrong with a text is told with its line, and nothing of
// it is carried out.
func TestWrongTexts(t *testing.T) {
	b := newHouse(t)
	before, epoch := b.export(), b.st.Policy().Epoch
	for _, c := range []struct {
		lines, want string
		kind        Kind
	}{
		{"group x\ngrup y", `line 3: no statement "grup"`, Invalid},
		{"group x\r", "line 2: ends in CR LF", Invalid},
		{"group \xff", "line 2: not valid UTF-8", Invalid},
		{"group x\nlevel Finance user:max editor", `line 3: no principal "user:max"`, Invalid},
		{"group x\nlevel Nowhere members editor", `line 3: no space "Nowhere"`, Invalid},
		{"group x\nacl /Finance/None members allow=read", "line 3: /Finance/None: not found", Invalid},
		{"group x\nacl ~guest members allow=read", "line 3: user guest has no personal drive", Invalid},
		{"group x\nquota /Finance/None 1GB\ncut /Nowhere", "line 3: /Finance/None: not found", Invalid},
		{"group x\nmember group:staff group:hr", "line 3: group:hr cannot join group:staff: it contains it already", Invalid},
		{"group a\ngroup b\nmember group:a group:b\nmember group:b group:a", "line 5: group:a cannot join group:b", Invalid},
		{"group x\nmember group:x group:x", "line 3: group:x cannot join group:x", Invalid},
		{"group x\nacl /Finance members allow=read revoke=read", "line 3: read both allowed and revoked in one entry", Invalid},
		{"group x\nacl /Finance members allow=read from=2030-01-02T00:00:00Z until=2030-01-01T00:00:00Z", "line 3: entry that ends before it begins", Invalid},
		{"group x\nsettings link-days=9999", "line 3: links live 1 to 3650 days", Invalid},
		{"group x\nprofile light file-max=0", "line 3: a profile whose users store no file at all", Invalid},
		{"group x\nspace Finance own-hour=25h", "line 3: an own hour of 25h0m0s", Invalid},
		{"group x\nspace Finance template=public", "line 3: no template \"public\" for a group-folder", Invalid},
		{"group x\nshare /Finance by=ann to=user:ann rights=read", "line 3: nobody shares with himself", Invalid},
		{"group x\nshare /Finance by=max to=user:ann rights=read", "line 3: no user \"max\"", Invalid},
		{"group x\nmanager group:staff user:max", "line 3: no principal \"user:max\"", Invalid},
		{wholeBut(before, settingsLine(before)), "settings are not in the file, which is complete", Conflict},
		{"group x\nuser mia profile=none", `line 3: no profile "none"`, Invalid},
		{"group x\nuser mia email=mia", `line 3: mail address "mia"`, Invalid},
		{"group x\nuser mia language=?", `line 3: language "?"`, Invalid},
		{"group x\nuser new\nuser \"~\"", `line 4: user name "~": use letters`, Invalid},
		{"group x\nuser ann type=admin", "line 3: this would leave no active owner", Invalid},
		{"group x\nuser ann state=deactivated", "line 3: this would leave no active owner", Invalid},
		{"group x\nspace home", `line 3: space name "home" is reserved`, Invalid},
		{"group x\nspace Finance kind=room", `line 3: space "Finance": kind and root do not change`, Invalid},
		{"group x\nspace New owner=max", `line 3: no user "max"`, Invalid},
		{"group x\nlevel Finance user:ann viewer", "line 3: user:ann owns Finance and stays its manager", Invalid},
		{"level Finance user:mia viewer\nspace Finance owner=mia", "line 2: user:mia owns Finance and stays its manager", Invalid},
		{"pin Finance user:ann", "line 2: user:ann owns Finance", Invalid},
		{"level ~mia user:mia viewer", "line 2: user:mia owns ~mia", Invalid},
		{"drive ~guest state=archived", "line 2: user guest has no personal drive", Invalid},
		{"group x\nassert mia must write /Finance/HR\nassert mia must not see /Finance", "line 3: assert mia must write /Finance/HR: write: denied to group:staff", Refused},
		{"assert mia must not see,write /Finance", "line 2: assert mia must not see,write /Finance: see: allowed to group:hr by its level editor (through group:staff > group:hr)", Refused},
		{"complete\nuser ann type=owner", "user bob is not in the file, which is complete", Conflict},
		{wholeBut(before, "group hr"), "group:hr is not in the file, which is complete", Invalid},
		{wholeBut(before, "profile standard functions=all quota=none"), "profile:standard is not in the file", Invalid},
		{wholeBut(before, `space "a=b" kind=group-folder owner=ann`), `space "a=b" is not in the file, which is complete: take it in, or remove it by its own command`, Conflict},
	} {
		in := PolicyText{[]byte("davit-policy 1\n" + c.lines)}
		for name, apply := range map[string]func(PolicyText) error{
			"apply":    func(in PolicyText) error { _, err := b.ApplyPolicy(ctx, in); return err },
			"rehearse": func(in PolicyText) error { _, err := b.RehearsePolicy(ctx, in); return err },
		} {
			if err := apply(in); kindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s %.300q: %s %v, want %s %s", name, c.lines, kindOf(err), err, c.kind, c.want)
			}
		}
		if c.kind == Invalid {
			if _, err := b.PlanPolicy(ctx, in); kindOf(err) != Invalid {
				t.Errorf("plan %.300q: %v", c.lines, err)
			}
		}
	}
	if b.st.Policy().Epoch != epoch || b.export() != before {
		t.Error("a refused text changed the policy")
	}
}

// wholeBut is an exported policy without its first line and another one.
func wholeBut(export, line string) string {
	_, rest, _ := strings.Cut(export, "\n")
	return strings.Replace(rest, "\n"+line+"\n", "\n", 1)
}

// settingsLine is that of an export.
func settingsLine(export string) string {
	_, rest, _ := strings.Cut(export, "\nsettings ")
	line, _, _ := strings.Cut(rest, "\n")
	return "settings " + line
}

// TestPlanSays: each kind of change in its words; planning and rehearsing change
// nothing.
func TestPlanSays(t *testing.T) {
	b := newHouse(t)
	before := b.export()
	whole := before
	for _, change := range [][2]string{
		{"profile light functions=all quota=1GB", "profile light functions=files,dav quota=2GB"},
		{"user mia type=member profile=standard", "user mia type=admin profile=light email=mia@example.org"},
		{"level Finance group:hr editor", "level Finance group:hr viewer"},
		{"acl /Finance/HR group:staff deny=write\n", "acl /Finance/HR group:staff revoke=write class=web\n"},
		{"pin Finance user:bob\n", "space New\n"},
		{"role auditor\n", ""},
	} {
		if !strings.Contains(whole, change[0]) {
			t.Fatalf("no %q in\n%s", change[0], whole)
		}
		whole = strings.Replace(whole, change[0], change[1], 1)
	}
	plan, err := b.PlanPolicy(ctx, PolicyText{[]byte(whole)})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, c := range plan.Changes {
		told = append(told, c.Sign+" "+c.Text+" "+strings.Join(c.Differences, ", "))
		if (c.Line == 0) != (c.Sign == "-") {
			t.Errorf("line %d of %s %s", c.Line, c.Sign, c.Text)
		}
	}
	want := []string{
		"~ profile light functions all -> files.personal,files.shared-access,files.download,chan.desktop, quota 1GB -> 2GB",
		"- role auditor ",
		"~ user mia type member -> admin, profile standard -> light, email (nothing) -> mia@example.org",
		"+ space New kind=group-folder ",
		"~ level Finance group:hr level editor -> viewer",
		"- pin Finance user:bob ",
		"+ acl /Finance/HR group:staff revoke=write class=web ",
		"- acl /Finance/HR group:staff deny=write ",
	}
	if !slices.Equal(told, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
	rehearsed, err := b.RehearsePolicy(ctx, PolicyText{[]byte(whole)})
	if err != nil || !reflect.DeepEqual(rehearsed, plan) {
		t.Errorf("rehearsed %+v, %v", rehearsed, err)
	}
	if b.export() != before {
		t.Error("a plan changed the policy")
	}
	if applied := b.apply(whole); !reflect.DeepEqual(applied, plan) {
		t.Errorf("applied %+v", applied)
	}
	b.settled(whole)
}

// TestPartialText: without the word complete nothing is taken away, and a record
// keeps what its line does not say.
func TestPartialText(t *testing.T) {
	b := newHouse(t)
	if _, err := b.SetUser(ctx, EditUser{Name: "mia", Email: new("mia@example.org"), Quota: new("3GB")}); err != nil {
		t.Fatal(err)
	}
	before := b.export()
	b.apply("davit-policy 1\nuser mia language=de quota=profile\nspace Finance quota=7GB\nlevel Finance user:bob viewer")
	after := b.export()
	gone, came := without(strings.Split(before, "\n"), strings.Split(after, "\n")), without(strings.Split(after, "\n"), strings.Split(before, "\n"))
	want := []string{
		"user mia type=member profile=standard email=mia@example.org language=de",
		"space Finance kind=group-folder owner=ann quota=7GB", "level Finance user:bob viewer",
	}
	if len(gone) != 2 || !slices.Equal(came, want) || !strings.Contains(after, "pin Finance user:bob") {
		t.Errorf("gone %q\ncame %q", gone, came)
	}
}

// TestSmallPrint holds what one statement must not do to what another says.
func TestSmallPrint(t *testing.T) {
	b := newHouse(t)
	b.apply("davit-policy 1\nlevel Finance user:bob viewer\nlevel Finance user:mia creator\nprofile light functions=none\nuser MIA")
	b.apply("davit-policy 1\npin Finance user:mia")
	got := b.export()
	for _, line := range []string{
		"level Finance user:bob viewer", "level Finance user:MIA creator", "pin Finance user:bob", "pin Finance user:MIA",
		"profile light functions=none quota=1GB",
	} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
	b.apply(strings.Replace(got, "pin Finance user:MIA\n", "", 1))
	if without(strings.Split(got, "\n"), strings.Split(b.export(), "\n"))[0] != "pin Finance user:MIA" || !strings.Contains(b.export(), "user:MIA creator") {
		t.Errorf("after the pin went:\n%s", b.export())
	}
	mia := b.st.Policy().UserNamed("mia")
	if home := b.st.Policy().Space(mia.Home); home.Name != "~MIA" {
		t.Errorf("the drive of MIA is called %s", home.Name)
	}
}

// TestRunAgain: a transaction that runs again judges a file by what stands then.
func TestRunAgain(t *testing.T) {
	b := newHouse(t)
	file, err := text.Parse([]byte("davit-policy 1\nuser mia language=de"))
	if err != nil {
		t.Fatal(err)
	}
	var plans [2]PolicyPlan
	for i := range plans {
		b.apply(fmt.Sprintf("davit-policy 1\nuser mia email=mia@%d.example.org", i))
		if err := b.op.Rehearse(ctx, func(d store.Draft) (err error) { plans[i], err = revise(d, file); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(plans[0], plans[1]) {
		t.Errorf("%+v\nand then %+v", plans[0], plans[1])
	}
}

// TestOwnerByText: who comes to own a space by its line is its manager.
func TestOwnerByText(t *testing.T) {
	b := newHouse(t)
	plan := b.apply("davit-policy 1\nspace Finance owner=mia\nspace Hall kind=room owner=bob\nlevel Hall user:bob manager")
	if len(plan.Changes) != 4 {
		t.Errorf("%+v", plan.Changes)
	}
	got := b.export()
	for _, line := range []string{"level Finance user:mia manager", "level Finance user:ann manager", "level Hall user:bob manager"} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
	b.apply(strings.Replace(got, "level Finance user:mia manager\n", "", 1)) // it goes without saying
	if b.export() != got {
		t.Errorf("the owner's level went:\n%s", b.export())
	}
}

// TestNewAccountByText: nobody signs in to an account that a text made, until it
// is given a password.
func TestNewAccountByText(t *testing.T) {
	b := newHouse(t)
	plan := b.apply("davit-policy 1\nuser \"new hire\" type=manager quota=2GB")
	if want := []string{`user "new hire" cannot sign in yet; give it a password: davit user passwd "new hire"`}; !slices.Equal(plan.Notes, want) {
		t.Errorf("notes %q", plan.Notes)
	}
	for _, secret := range []string{"", "new hire", "password"} {
		if _, err := b.auth.Basic(ctx, "new hire", secret, netip.Addr{}); !errors.Is(err, auth.ErrLogin) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if _, err := b.SetPassword(ctx, NewPassword{"new hire", "correct horse"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.auth.Basic(ctx, "new hire", "correct horse", netip.Addr{}); err != nil {
		t.Error(err)
	}
	b.apply("davit-policy 1\nuser \"new hire\" state=deactivated")
	if _, err := b.auth.Basic(ctx, "new hire", "correct horse", netip.Addr{}); !errors.Is(err, auth.ErrLogin) {
		t.Errorf("deactivated: %v", err)
	}
}

// TestExportLeavesOut: what lies in the trash is counted, not written.
func TestExportLeavesOut(t *testing.T) {
	b := newHouse(t)
	b.apply("davit-policy 1\nacl /Finance/Sales members allow=read\nacl /Finance/Sales user:mia deny=read")
	s := b.st.Login(store.Credential{User: b.st.Policy().UserNamed("ann").ID, Mask: policy.All, Class: policy.DAV})
	if err := s.Remove(ctx, store.Path{"Finance", "Sales"}, store.Terms{}); err != nil {
		t.Fatal(err)
	}
	got := b.export()
	if strings.Contains(got, "Sales") || !strings.HasSuffix(got, "\n\n# left out: what lies in the trash and in drives of deleted accounts and guests (entries and shares: 2)\n") {
		t.Error(got)
	}
	b.settled(got)
}

// TestLinksStay: a text neither has links nor ends them, and the lines that name
// one stay with it.
func TestLinksStay(t *testing.T) {
	b := newHouse(t)
	link, err := b.AddLink(ctx, NewLink{NewShare: NewShare{Path: "/Finance/Sales", By: "ann"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.SetAccess(ctx, NewAccess{Path: "/Finance/Sales", Principal: "link:" + link.ID, Deny: "history"}); err != nil {
		t.Fatal(err)
	}
	got := b.export()
	if strings.Contains(got, "link:") || !strings.HasSuffix(got, "\n\n# left out: links, whose tokens are secret (links: 1; lines that name one: 1)\n") {
		t.Error(got)
	}
	b.settled(got)
	b.apply(strings.Replace(got, "pin Finance user:bob\n", "", 1))
	if again := b.export(); again != strings.Replace(got, "pin Finance user:bob\n\n", "", 1) {
		t.Errorf("after a complete file:\n%s", again)
	}
	links, err := b.ListLinks(ctx, Which{})
	if err != nil || len(links) != 1 {
		t.Errorf("links %+v, %v", links, err)
	}
}

// TestSharesByText: a share is known by place, giver and sharee, keeps its age,
// and of several each has its number.
func TestSharesByText(t *testing.T) {
	b := newHouse(t)
	const two = `davit-policy 1
share /Finance/Sales by=ann to=user:mia number=2 rights=see label=second made=2026-01-02T00:00:00Z
share /Finance/Sales by=ann to=user:mia rights=level:viewer made=2026-01-02T00:00:00Z`
	b.apply(two)
	b.settled(two)
	before := b.st.Policy().Shares()
	if len(before) != 2 || before[0].Level != "viewer" || before[1].Label != "second" || before[0].Made != before[1].Made {
		t.Fatalf("shares %+v %+v", before[0], before[1])
	}
	const edited = "davit-policy 1\nshare /finance/Sales by=ANN to=user:mia rights=level:editor"
	b.apply(edited)
	b.settled(edited)
	if sh := b.st.Policy().Shares()[0]; sh.ID != before[0].ID || sh.Level != "editor" || sh.Made != before[0].Made {
		t.Errorf("changed into %+v", sh)
	}
	got := b.export()
	b.apply(strings.Replace(got, "share /Finance/Sales by=ann to=user:mia rights=level:editor made=2026-01-02T00:00:00Z\n", "", 1))
	if left := b.st.Policy().Shares(); len(left) != 1 || left[0].ID != before[1].ID {
		t.Errorf("left %+v", left)
	}
}

// TestRanksByText: the operator gives walls and cuts the rank that a text says,
// higher or lower than before.
func TestRanksByText(t *testing.T) {
	b := newHouse(t)
	for _, rank := range []string{"manager", "guest", "owner", "admin"} {
		text := fmt.Sprintf("davit-policy 1\nacl /Finance/HR group:staff deny=write rank=%[1]s\nlevel Finance group:hr editor deny=purge rank=%[1]s\ncut /Finance/HR/x rank=%[1]s", rank)
		if plan := b.apply(text); len(plan.Changes) != 3 {
			t.Errorf("%s: %+v", rank, plan.Changes)
		}
		b.settled(text)
		sp := b.st.Policy().SpaceNamed("Finance")
		if i := slices.IndexFunc(sp.Levels, func(e policy.Entry) bool { return e.Deny != 0 }); i < 0 || sp.Levels[i].Rank.String() != rank {
			t.Errorf("%s: levels %+v", rank, sp.Levels)
		}
	}
}

// TestRoomsByText: who hands a room over may lose rank in the same text, and a
// template may come with the levels that it admits.
func TestRoomsByText(t *testing.T) {
	b := newHouse(t)
	b.apply(`davit-policy 1
user "Max Weber" type=manager
space Hall owner="Max Weber"
level Hall user:mia viewer
level Hall user:zoë viewer
acl /Hall user:bob deny=read`)
	const next = `davit-policy 1
user "Max Weber" type=member
user bob type=guest
user mia type=manager
space Hall owner=mia template=form-filling state=archived
level Hall user:mia manager
level Hall user:bob filler
level Hall user:zoë creator
level Hall members filler class=web`
	b.apply(next)
	b.settled(next)
	hall := b.st.Policy().SpaceNamed("Hall")
	if u := b.st.Policy().User(hall.Owner); u.Name != "mia" || hall.Template != policy.FormFilling || hall.State != policy.Archived {
		t.Errorf("hall %+v", hall)
	}
	if _, err := b.ApplyPolicy(ctx, PolicyText{[]byte("davit-policy 1\nuser mia type=member")}); kindOf(err) != Invalid || !strings.Contains(err.Error(), "line 2: user \"mia\" owns the room \"Hall\"") {
		t.Errorf("a member with a room: %v", err)
	}
	// A new owner's walls go, unless the text says them: then it is refused.
	b.apply("davit-policy 1\nspace Hall owner=bob state=active\nuser bob type=manager\nuser mia type=member")
	if m := b.st.Policy().Mark(hall.Root); m != nil {
		t.Errorf("the owner's wall stands: %+v", m)
	}
	b.apply("davit-policy 1\nacl /Hall user:ann deny=read")
	refused := "davit-policy 1\nspace Hall owner=ann\nacl /Hall user:ann deny=read"
	if _, err := b.ApplyPolicy(ctx, PolicyText{[]byte(refused)}); kindOf(err) != Invalid || !strings.Contains(err.Error(), "line 3: user:ann owns the space") {
		t.Errorf("an owner behind a wall: %v", err)
	}
}

// TestDriveWakes: what a drive carried when its account became a guest's comes back
// with the drive, and is held against the text like all else.
func TestDriveWakes(t *testing.T) {
	b := newHouse(t)
	before := b.export()
	b.apply("davit-policy 1\nlevel ~zoë user:mia viewer\nacl ~zoë user:mia allow=history\nshare ~zoë by=zoë to=user:mia rights=read")
	b.apply("davit-policy 1\nuser zoë type=guest")
	if got := b.export(); strings.Contains(got, "~zoë") || !strings.Contains(got, "(entries and shares: 2)") {
		t.Errorf("asleep:\n%s", got)
	}
	b.apply(before)
	if got := b.export(); got != before {
		t.Errorf("%s\nwant\n%s", got, before)
	}
}

// TestApplyInSomebodysName: each change of a text is judged as if the account made
// it by its command, the line is told, and the trail has the name.
func TestApplyInSomebodysName(t *testing.T) {
	b := newHouse(t)
	b.testUser(t, "adam", policy.Admin)
	for _, wall := range []string{"acl /Finance/Sales group:hr deny=read", "cut /Finance/Sales rank=manager"} {
		b.apply("davit-policy 1\n" + wall)
	}
	before, epoch := b.export(), b.st.Policy().Epoch
	door := b.As("adam")
	for lines, want := range map[string]string{
		"group crew\nuser ann email=ann@example.org":                       "line 3: user:ann is of the same rank or a higher one",
		"group crew\nuser adam type=owner":                                 "line 3: nobody changes his own rank",
		"user new type=admin":                                              "line 2: the rank admin makes no account of type admin",
		"settings admin-reads=always":                                      "line 2: only an owner says",
		"acl /Finance/Sales group:hr deny=write":                           "line 2: this wall was set by a higher rank (owner)",
		"level Finance user:adam editor":                                   "line 2: nobody changes his own rights",
		"space Finance owner=adam":                                         "line 2: nobody makes himself the owner",
		"share /Finance/HR by=ann to=user:mia rights=read":                 "line 2: everybody shares for himself",
		"group crew\nmember group:crew user:mia\nspace Finance owner=\"\"": "line 4: ownership moves by its own command",
	} {
		for _, op := range []Op[PolicyText, PolicyPlan]{ApplyPolicy, RehearsePolicy, PlanPolicy} {
			if _, err := op.Do(ctx, door, PolicyText{[]byte("davit-policy 1\n" + lines)}); kindOf(err) != Refused || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %q: %s %v, want %s", op.name, lines, kindOf(err), err, want)
			}
		}
	}
	if b.export() != before || b.st.Policy().Epoch != epoch {
		t.Error("a refused text changed the policy")
	}
	if _, err := ApplyPolicy.Do(ctx, b.As("mia"), PolicyText{[]byte("davit-policy 1\nassert mia must read /Finance")}); kindOf(err) != Refused {
		t.Errorf("a member learns from a text: %v", err)
	}
	const may = `davit-policy 1
group crew
member group:crew user:mia
user new
space Finance owner=mia
space Shelf state=archived
level Shelf group:crew viewer
space Desk state=archived
level Desk group:crew viewer
level Finance group:crew viewer deny=purge
acl /Finance/HR group:staff deny=write,delete
cut /Finance/Sales
settings link-days=30`
	if _, err := ApplyPolicy.Do(ctx, door.Since(epoch-1), PolicyText{[]byte(may)}); kindOf(err) != Conflict {
		t.Errorf("of another epoch: %v", err)
	}
	if _, err := ApplyPolicy.Do(ctx, door.Since(epoch), PolicyText{[]byte(may)}); err != nil {
		t.Fatal(err)
	}
	if plan, err := PlanPolicy.Do(ctx, door, PolicyText{[]byte(may)}); err != nil || len(plan.Changes) > 0 {
		t.Errorf("still to do: %+v, %v", plan, err)
	}
	got := b.export()
	for _, line := range []string{"level Finance group:crew viewer deny=purge rank=admin", "acl /Finance/HR group:staff deny=write,delete", "cut /Finance/Sales rank=manager"} {
		if !strings.Contains(got, "\n"+line+"\n") {
			t.Errorf("no %s in\n%s", line, got)
		}
	}
	if plan, err := ApplyPolicy.Do(ctx, door, PolicyText{[]byte(got)}); err != nil || len(plan.Changes) > 0 {
		t.Errorf("an export makes %+v, %v", plan, err)
	}
	trail, err := ListAudit.Do(ctx, b.Admin, AuditQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, l := range trail {
		if l.Epoch > epoch {
			if made++; l.By != "user:adam" {
				t.Errorf("line %d is of %s", l.Line, l.By)
			}
		}
	}
	if now := b.st.Policy().Epoch; made != int(now-epoch) || made == 0 {
		t.Errorf("%d lines for epochs %d to %d", made, epoch, now)
	}
}

// TestOwnHourOfAll: what a text leaves out is what policy does.
func TestOwnHourOfAll(t *testing.T) {
	b := newHouse(t)
	if hour := text.Hours(b.st.Policy().OwnHour(b.st.Policy().SpaceNamed("Finance").ID)); hour != text.OwnHour(nil) {
		t.Errorf("policy has an own hour of %s, a text of %s", hour, text.OwnHour(nil))
	}
}

// TestAssertions asks each of the present policy.
func TestAssertions(t *testing.T) {
	b := newHouse(t)
	b.apply("davit-policy 1\nacl /Finance/Sales user:zo\u00eb allow=read,see class=web until=2030-01-01T00:00:00Z")
	for _, c := range []struct{ assert, why string }{
		{"mia must level:editor /Finance", ""},
		{"MIA must see,read /finance/HR", ""},
		{"mia must not write /Finance/HR", ""},
		{"mia must not level:editor,share /Finance/HR", ""},
		{"mia must level:editor /Finance/HR", "write: denied to group:staff at /Finance/HR"},
		{"mia must read,write /Finance/HR", "write: denied to group:staff"},
		{"mia must not share,read /Finance/HR", "read: allowed to group:hr by its level editor"},
		{"zo\u00eb must read /Finance/Sales", "its condition (client class, network or time) does not hold"},
		{"zo\u00eb must read /Finance/Sales class=web at=2029-01-01T00:00:00Z", ""},
		{"zo\u00eb must not read /Finance/Sales class=web at=2031-01-01T00:00:00Z", ""},
		{"zo\u00eb must see /Finance/Sales network=outside class=web", ""},
		{"max must not read /Finance", `no user "max"`},
		{"mia must not read /Finance/Old", "/Finance/Old: not found"},
		{"mia must not read /Nowhere", `no space "Nowhere"`},
	} {
		got, err := b.TestPolicy(ctx, PolicyText{[]byte("davit-policy 1\n# rules\nassert " + c.assert)})
		if err != nil || got.Asked != 1 || (len(got.Failed) == 1) != (c.why != "") {
			t.Errorf("%s: %+v, %v", c.assert, got, err)
			continue
		}
		if c.why != "" && (got.Failed[0].Line != 3 || !strings.Contains(got.Failed[0].Why, c.why)) {
			t.Errorf("%s: %+v", c.assert, got.Failed[0])
		}
	}
	// Those of an applied text are asked of what would be.
	plan := b.apply("davit-policy 1\nspace Hall\nlevel Hall user:mia viewer\nassert mia must read /Hall\nassert bob must not see /Hall")
	if plan.Assertions != 2 {
		t.Errorf("%+v", plan)
	}
}

// TestLargeText goes through the control socket, where other arguments are small,
// byte for byte.
func TestLargeText(t *testing.T) {
	b := newHouse(t)
	dir := shortDir(t)
	b.testServe(t, dir)
	c, err := Dial(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	comment := "# " + strings.Repeat("\u00e9", 1000) + "\n"
	in := "davit-policy 1\n" + strings.Repeat(comment, 2*bodyMax/len(comment))
	if plan, err := PlanPolicy.Do(ctx, c, PolicyText{[]byte(in + "group x\n")}); err != nil || len(plan.Changes) != 1 {
		t.Errorf("%+v, %v", plan, err)
	}
	if _, err := PlanPolicy.Do(ctx, c, PolicyText{[]byte("davit-policy 1\ngroup \xff")}); kindOf(err) != Invalid || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("other bytes arrive: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, socketName)); err != nil {
		t.Error(err)
	}
}

// BenchmarkPolicyText writes down and plans the policy of a large office.
func BenchmarkPolicyText(b *testing.B) {
	for _, size := range []struct{ users, groups, entries int }{{100, 10, 1000}, {10_000, 1000, 100_000}} {
		b.Run(fmt.Sprintf("users=%d/groups=%d/entries=%d", size.users, size.groups, size.entries), func(b *testing.B) {
			a := newLargeAdmin(b, size.users, size.groups, size.entries)
			got, err := a.ExportPolicy(ctx, None{})
			if err != nil {
				b.Fatal(err)
			}
			b.Run("export", func(b *testing.B) {
				for b.Loop() {
					if _, err := a.ExportPolicy(ctx, None{}); err != nil {
						b.Fatal(err)
					}
				}
			})
			changed := PolicyText{[]byte(strings.Replace(string(got.Text), "editor", "viewer", 100))}
			b.Run("plan", func(b *testing.B) {
				for b.Loop() {
					if plan, err := a.PlanPolicy(ctx, changed); err != nil || len(plan.Changes) == 0 {
						b.Fatal(plan, err)
					}
				}
			})
		})
	}
}

// newLargeAdmin is an Admin over a store with that many records, made by a text.
func newLargeAdmin(b *testing.B, users, groups, entries int) *Admin {
	a := newAdmin(b)
	var lines strings.Builder
	lines.WriteString("davit-policy 1\n")
	for i := range users {
		fmt.Fprintf(&lines, "user u%d\nmember group:g%d user:u%d\n", i, i%groups, i)
	}
	for i := range groups {
		fmt.Fprintf(&lines, "group g%d\nspace S%d owner=u0\nlevel S%d group:g%d editor\n", i, i, i, i)
	}
	base := lines.String()
	if _, err := a.ApplyPolicy(ctx, PolicyText{[]byte(base)}); err != nil {
		b.Fatal(err)
	}
	s := a.st.Login(store.Credential{User: a.st.Policy().UserNamed("u0").ID, Mask: policy.All, Class: policy.DAV})
	lines.Reset()
	lines.WriteString("davit-policy 1\n")
	const folders = 10 // in each space
	perFolder := max(1, entries/groups/folders)
	for i := range groups {
		for j := range folders {
			folder := store.Path{fmt.Sprintf("S%d", i), fmt.Sprintf("folder %d", j)}
			if _, err := s.Mkdir(ctx, folder, store.Terms{}); err != nil {
				b.Fatal(err)
			}
			for k := range perFolder {
				fmt.Fprintf(&lines, "acl %q user:u%d allow=level:editor\n", folder, (i+7*j+13*k)%users)
			}
		}
	}
	if _, err := a.ApplyPolicy(ctx, PolicyText{[]byte(lines.String())}); err != nil {
		b.Fatal(err)
	}
	return a
}
