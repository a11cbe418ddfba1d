package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/policy"
	"davit/store"
)

var ctx = context.Background()

// A bureau is an Admin over random policies. All bureaus have the same people,
// spaces and folders.
type bureau struct {
	*Admin
	t    *testing.T
	rng  *rand.Rand
	done map[string]int // operations that were accepted, by name
}

var (
	bureauUsers   = []string{"ann", "mia", "Max Weber", "zo\u00eb", "bob", "guest"}
	bureauSpaces  = []string{"Finance", "B\u00f6se Ecke", "a=b", "Hall", "Desk"}
	bureauKinds   = map[string]policy.SpaceKind{"Hall": policy.Room, "Desk": policy.Portal}
	bureauFolders = []string{"/Finance/HR", "/Finance/HR/x y", "/Finance/HR/x", "/Finance/Sales", "/B\u00f6se Ecke/#1", "/a=b/c=d", "~mia/notes", "~Max Weber/a\"b"}
	bureauGroups  = []string{"staff", "hr", "the board", "all"}
)

// newBureau makes the people, spaces and folders, in an order of its own and by a
// text: an empty store takes them from there.
func newBureau(t *testing.T, rng *rand.Rand) *bureau {
	b := &bureau{newAdmin(t), t, rng, map[string]int{}}
	lines := []string{"davit-policy 1"}
	for _, i := range rng.Perm(len(bureauSpaces)) {
		kind := policy.GroupFolder
		if k, other := bureauKinds[bureauSpaces[i]]; other {
			kind = k
		}
		lines = append(lines, fmt.Sprintf("space %q kind=%s owner=ann", bureauSpaces[i], kind))
	}
	for _, i := range rng.Perm(len(bureauUsers)) {
		kind := "member"
		if name := bureauUsers[i]; name == "ann" {
			kind = "owner"
		} else if name == "guest" {
			kind = "guest"
		} else if name == "bob" {
			kind = "manager"
		}
		lines = append(lines, fmt.Sprintf("user %q type=%s", bureauUsers[i], kind))
	}
	b.apply(strings.Join(lines, "\n"))
	for _, folder := range bureauFolders {
		p, err := ParsePath(folder)
		if err != nil {
			t.Fatal(err)
		}
		who := "ann"
		if drive, ok := strings.CutPrefix(p[0], "~"); ok {
			who = drive
		}
		s := b.st.Login(store.Credential{User: b.st.Policy().UserNamed(who).ID, Mask: policy.All, Class: policy.DAV})
		if _, err := s.Mkdir(ctx, p, store.Terms{}); err != nil {
			t.Fatalf("%s: %v", folder, err)
		}
	}
	return b
}

func (b *bureau) apply(text string) PolicyPlan {
	b.t.Helper()
	plan, err := b.ApplyPolicy(ctx, PolicyText{[]byte(text)})
	if err != nil {
		b.t.Fatalf("apply: %v\n%s", err, text)
	}
	return plan
}

func (b *bureau) export() string {
	b.t.Helper()
	got, err := b.ExportPolicy(ctx, None{})
	if err != nil {
		b.t.Fatal(err)
	}
	return string(got.Text)
}

// unremarked is an export without what it counts and leaves out: an apply leaves
// that as it is.
func (b *bureau) unremarked() string {
	b.t.Helper()
	said, _, _ := strings.Cut(b.export(), "\n\n# left out: ")
	return strings.TrimSuffix(said, "\n") + "\n"
}

// settled holds the text to asking for no change.
func (b *bureau) settled(text string) {
	b.t.Helper()
	plan, err := b.PlanPolicy(ctx, PolicyText{[]byte(text)})
	if err != nil || len(plan.Changes)+len(plan.Refused) > 0 {
		b.t.Errorf("still to do: %+v, %v", plan, err)
	}
}

func one[T any](b *bureau, list []T) T { return list[b.rng.IntN(len(list))] }

// maybe is one of the list, or nothing.
func maybe[T any](b *bureau, list []T) *T {
	if b.rng.IntN(3) > 0 {
		return nil
	}
	v := one(b, list)
	return &v
}

func (b *bureau) principal() string {
	return one(b, slices.Concat([]string{"members", "anyone-signed-in", "links", "role:auditor", "role:clerk"},
		prefixed("user:", bureauUsers), prefixed("group:", bureauGroups)))
}

func prefixed(prefix string, names []string) (all []string) {
	for _, n := range names {
		all = append(all, prefix+n)
	}
	return all
}

func (b *bureau) place() string {
	return one(b, slices.Concat(bureauFolders, prefixed("/", bureauSpaces), []string{"~mia", "~bob"}))
}

func (b *bureau) rights() string {
	if b.rng.IntN(2) == 0 {
		return "level:" + one(b, []string{"editor", "viewer", "editor+share", "free-busy", "manager"})
	}
	return (policy.Rights(b.rng.Uint32()) & policy.All).String()
}

func (b *bureau) conditions() (c Conditions) {
	if b.rng.IntN(3) == 0 {
		c.Class = one(b, []policy.Class{policy.Web, policy.Mobile | policy.DAV, policy.UnknownClass})
	}
	if b.rng.IntN(3) == 0 {
		c.Network = one(b, []policy.Network{policy.Inside, policy.Outside})
	}
	if b.rng.IntN(4) == 0 {
		until := time.Unix(1_900_000_000+b.rng.Int64N(3), 0)
		c.Until = &until
	}
	return c
}

func (b *bureau) line() NewAccess {
	n := NewAccess{Path: b.place(), Principal: b.principal(), Conditions: b.conditions()}
	for _, set := range []*string{&n.Allow, &n.Revoke, &n.Deny} {
		if b.rng.IntN(2) == 0 {
			*set = b.rights()
		}
	}
	return n
}

// actor is the operator, or somebody of the bureau.
func (b *bureau) actor() *Admin {
	if b.rng.IntN(2) == 0 {
		return b.Admin
	}
	a, err := b.As(one(b, bureauUsers)).acting()
	if err != nil {
		return b.Admin
	}
	return a
}

// rank is a type that the user may get here. A guest in a room or portal, or a
// member who owns one, stays from when he was more, and cannot be made anew.
func (b *bureau) rank(user string) *policy.Type {
	switch user {
	case "guest":
		return nil
	case "ann", "bob":
		return maybe(b, policy.Types[:3])
	case "zo\u00eb":
		return maybe(b, policy.Types)
	}
	return maybe(b, policy.Types[:4])
}

func (b *bureau) end() *time.Time {
	return maybe(b, []time.Time{{}, time.Unix(1_900_000_000, 0), time.Unix(2_000_000_000, 0)})
}

// share hands something on that is mostly the giver's to give.
func (b *bureau) share() NewShare {
	place, by := b.place(), "ann"
	if drive, ok := strings.CutPrefix(place, "~"); ok {
		by, _, _ = strings.Cut(drive, "/")
	}
	n := NewShare{Path: place, By: by, To: b.principal(), Rights: one(b, []string{"", "viewer", "editor+share", "read,history"}), Until: b.end()}
	if b.rng.IntN(2) == 0 {
		n.To = one(b, prefixed("user:", bureauUsers))
	}
	if b.rng.IntN(4) == 0 {
		n.Label = one(b, []string{"for \"review\"", "two\nlines", "#1"})
	}
	return n
}

// bureauSteps are the operations that a policy is made with.
var bureauSteps = map[string]func(*bureau) error{
	"group.add": func(b *bureau) error { _, err := b.AddGroup(ctx, Named{one(b, bureauGroups)}); return err },
	"group.remove": func(b *bureau) error {
		if b.rng.IntN(3) > 0 {
			return nil
		}
		_, err := b.RemoveGroup(ctx, Named{one(b, bureauGroups)})
		return err
	},
	"group.join": func(b *bureau) error {
		_, err := b.JoinGroup(ctx, Membership{one(b, bureauGroups), []string{b.principal(), b.principal()}})
		return err
	},
	"group.leave": func(b *bureau) error {
		for _, g := range b.st.Policy().Groups() {
			if !g.Role && len(g.Members) > 0 {
				_, err := b.LeaveGroup(ctx, Membership{g.Name, []string{b.st.Policy().PrincipalName(one(b, g.Members))}})
				return err
			}
		}
		return nil
	},
	"group.set": func(b *bureau) error {
		_, err := b.SetGroup(ctx, EditGroup{Name: one(b, bureauGroups), Managers: &[]string{one(b, bureauUsers), one(b, bureauUsers)}})
		return err
	},
	"policy.set": func(b *bureau) error {
		name := one(b, policy.SettingNames())
		value := one(b, map[string][]string{
			"links": {"on", "off", "on"}, "link-days": {"0", "30"}, "link-password": {"optional", "required"}, "guests": {"on", "off"},
			"sharing": {"any", "any", "own", "none"}, "two-factor": {"off", "required"}, "admin-reads": {"never", "audited", "always"},
			"trash-days": {"0", "30"}, "version-days": {"0", "90"}, "versions": {"0", "100"}, "lockout-after": {"5", "10"}, "inbox-days": {"0", "30"},
			"mail-server": {"none", "smtp.example.org:587"}, "mail-tls": {"starttls", "none"}, "mail-user": {"none", "davit"}, "mail-from": {"none", "c@example.org"},
			"fetch-hosts": {"none", "cal.example.org,http://10.0.0.1:80,10.0.0.0/8"}, "push-hosts": {"none", "push.example.org"}, "inside": {"none", "10.0.0.0/8,2001:db8::/32"},
		}[name])
		_, err := b.SetSettings(ctx, EditSettings{map[string]string{name: value}})
		return err
	},
	"share.add": func(b *bureau) error { _, err := b.AddShare(ctx, b.share()); return err },
	"share.remove": func(b *bureau) error {
		shares, err := b.ListShares(ctx, Which{})
		if err != nil || len(shares) == 0 {
			return errors.Join(err, conflict("", "nothing is shared"))
		}
		_, err = b.RemoveShare(ctx, Named{one(b, shares).ID})
		return err
	},
	"link.add": func(b *bureau) error {
		link, err := b.AddLink(ctx, NewLink{NewShare: b.share()})
		if err != nil {
			return err
		}
		_, err = b.SetAccess(ctx, NewAccess{Path: link.Path, Principal: "link:" + link.ID, Deny: "history"})
		return err
	},
	"role.add": func(b *bureau) error {
		_, err := b.AddRole(ctx, Named{one(b, []string{"auditor", "clerk"})})
		return err
	},
	"role.give": func(b *bureau) error {
		_, err := b.GiveRole(ctx, Grant{one(b, []string{"auditor", "clerk"}), []string{b.principal()}})
		return err
	},
	"profile.add": func(b *bureau) error {
		_, err := b.AddProfile(ctx, EditProfile{Name: one(b, []string{"light", "reader"})})
		return err
	},
	"profile.set": func(b *bureau) error {
		_, err := b.SetProfile(ctx, EditProfile{
			Name: one(b, []string{"light", "standard"}), Quota: maybe(b, []string{"none", "10GB", "7"}),
			Functions: maybe(b, []string{"", "all", "all", "files,write,share", "chan.mobile"}),
			FileMax:   maybe(b, []string{"none", "2GB", "1"}), LinkDays: maybe(b, []int64{0, 7}),
		})
		return err
	},
	"profile.remove": func(b *bureau) error {
		_, err := b.RemoveProfile(ctx, OldProfile{one(b, []string{"light", "reader"}), one(b, []string{"light", "standard"})})
		return err
	},
	"user.set": func(b *bureau) error {
		name := one(b, bureauUsers)
		_, err := b.SetUser(ctx, EditUser{
			Name: name, Type: b.rank(name), Expires: b.end(), Profile: maybe(b, []string{"light", "reader", "standard"}),
			Email: maybe(b, []string{"", "a@b.c"}), Language: maybe(b, []string{"", "en"}), Quota: maybe(b, []string{"none", "profile", "1GB"}),
		})
		return err
	},
	"user.deactivate": func(b *bureau) error { _, err := b.DeactivateUser(ctx, Named{one(b, bureauUsers)}); return err },
	"user.activate":   func(b *bureau) error { _, err := b.ActivateUser(ctx, Named{one(b, bureauUsers)}); return err },
	"space.set": func(b *bureau) error {
		_, err := b.SetSpace(ctx, EditSpace{
			Name: one(b, bureauSpaces[:3]), Quota: maybe(b, []string{"none", "5GB"}), Owner: maybe(b, append([]string{""}, bureauUsers...)),
			OwnHour: maybe(b, []string{"none", "1h", "90s", "24h"}), TrashDays: maybe(b, []string{"none", "7"}),
			VersionDays: maybe(b, []string{"none", "8"}), FileDays: maybe(b, []string{"none", "9"}),
		})
		return err
	},
	"space.set room": func(b *bureau) error {
		_, err := b.SetSpace(ctx, EditSpace{
			Name: one(b, []string{"Hall", "Hall", "Desk"}), Owner: maybe(b, []string{"", "ann", "bob"}),
			Template: maybe(b, []policy.Template{"", policy.PublicRoom, policy.Collaboration}),
		})
		return err
	},
	"space.close": func(b *bureau) error { _, err := b.CloseSpace(ctx, Named{"Desk"}); return err },
	"space.trash": func(b *bureau) error { _, err := b.TrashSpace(ctx, Named{one(b, bureauSpaces)}); return err },
	"space.archive": func(b *bureau) error {
		_, err := b.ArchiveSpace(ctx, Named{one(b, bureauSpaces)})
		return err
	},
	"space.restore": func(b *bureau) error {
		_, err := b.RestoreSpace(ctx, Named{one(b, bureauSpaces)})
		return err
	},
	"level.set": func(b *bureau) error {
		n := NewLevel{
			Space: one(b, append([]string{"~mia", "~zo\u00eb"}, bureauSpaces...)), Principal: b.principal(), Conditions: b.conditions(),
			Level: one(b, []string{"none", "viewer", "editor", "editor+share", "free-busy", "creator", "portal"}),
		}
		if bureauKinds[n.Space] != "" && n.Principal == "user:zo\u00eb" {
			n.Principal = "user:mia"
		}
		if n.Conditions == (Conditions{}) {
			n.Pin = maybe(b, []bool{true, true, false})
		}
		_, err := b.SetLevel(ctx, n)
		return err
	},
	"acl.set": func(b *bureau) error { _, err := b.actor().SetAccess(ctx, b.line()); return err },
	"acl.clear": func(b *bureau) error {
		_, err := b.ClearAccess(ctx, AccessOf{Path: b.place(), Principal: b.principal()})
		return err
	},
	"acl.cut":   func(b *bureau) error { _, err := b.actor().CutAccess(ctx, Located{b.place()}); return err },
	"acl.uncut": func(b *bureau) error { _, err := b.UncutAccess(ctx, Located{b.place()}); return err },
	"policy.apply": func(b *bureau) error {
		_, err := b.ApplyPolicy(ctx, PolicyText{[]byte("davit-policy 1\n" + one(b, bureauLines))})
		return err
	},
	"quota.set": func(b *bureau) error {
		_, err := b.SetQuota(ctx, NewQuota{b.place(), one(b, []string{"none", "3GB", "3000"})})
		return err
	},
}

// bureauLines are what no other operation says, as text.
var bureauLines = []string{
	"level Finance group:staff viewer class=web", "level Finance members none deny=purge,share until=2031-01-01T00:00:00Z",
	"level a=b role:auditor see,read revoke=free-busy", "level ~bob user:mia commenter from=2020-01-01T00:00:00Z",
	"space Finance state=closed", "space a=b state=trashed", "drive ~bob state=archived",
	"member group:hr group:staff", "member group:staff group:all", "member group:all user:mia",
	"user MIA language=de", "group Staff", "profile Light", "drive ~bob own-hour=5m", "drive ~mia own-hour=none",
	"acl /Finance/HR group:staff deny=write rank=manager", "acl /Finance/HR group:staff deny=write", "level Finance group:hr viewer deny=purge rank=admin",
	"cut /Finance/HR rank=guest", "cut /Finance/HR", "manager role:auditor user:mia", "manager group:hr user:bob\nmanager group:hr user:ann",
	"share /Finance/Sales by=ann to=members rights=level:viewer\nshare /Finance/Sales by=ann to=members number=2 rights=history",
	"share /Finance/Sales by=ann to=members rights=level:editor until=2031-01-01T00:00:00Z made=2020-01-01T00:00:00Z label=old",
}

// live carries n random operations out; those that make no sense are refused.
func (b *bureau) live(n int) {
	names := make([]string, 0, len(bureauSteps))
	for name := range bureauSteps {
		names = append(names, name)
	}
	slices.Sort(names)
	names = append(names, "acl.set", "acl.set", "acl.set", "level.set", "group.join", "group.add", "group.add", "policy.apply", "policy.apply",
		"share.add", "share.add", "share.add", "space.restore", "space.restore")
	for range n {
		name := one(b, names)
		switch err := tell(bureauSteps[name](b)); {
		case err == nil:
			b.done[name]++
		case kindOf(err) == Failed:
			b.t.Fatalf("%s: %v", name, err)
		}
	}
}

// portrait is the policy as every other operation tells it, in sorted lines.
func (b *bureau) portrait() []string {
	b.t.Helper()
	var lines []string
	add := func(v any, err error) {
		text, failed := json.Marshal(v)
		if err != nil || failed != nil {
			b.t.Fatal(err, failed)
		}
		lines = append(lines, string(text))
	}
	set, err := b.ShowSettings(ctx, None{})
	add(set.Settings, err)
	shares, err := b.ListShares(ctx, Which{})
	for _, sh := range shares {
		sh.ID, sh.Label = "", printable(sh.Label)
		add(sh, err)
	}
	add(b.ListUsers(ctx, None{}))
	add(b.ListProfiles(ctx, None{}))
	roles, err := b.ListRoles(ctx, None{})
	for _, r := range roles {
		slices.Sort(r.Users) // they come in the order of their making
	}
	add(roles, err)
	state := b.st.Policy()
	awake := func(name string) bool {
		u := state.UserNamed(strings.TrimPrefix(name, "~"))
		return name[0] != '~' || u.Type != policy.Guest
	}
	spaces, err := b.ListSpaces(ctx, Spaces{Personal: true})
	add(slices.DeleteFunc(spaces, func(sp Space) bool { return !awake(sp.Name) }), err)
	for _, g := range state.Groups() {
		if !g.Role {
			shown, err := b.ShowGroup(ctx, Named{g.Name})
			slices.Sort(shown.Users)
			shown.Epoch = 0
			add(shown, err)
		}
	}
	for _, sp := range state.Spaces() {
		if path := store.SpacePath(state, sp); awake(path) {
			shown, err := b.ListLevels(ctx, Named{path})
			shown.Epoch = 0
			add(shown, err)
		}
	}
	for _, path := range slices.Concat(bureauFolders, prefixed("/", bureauSpaces)) {
		shown, err := b.ShowAccess(ctx, AccessOf{Path: path})
		for _, l := range shown.Lines {
			if !strings.HasPrefix(l.Principal, "link:") {
				add(l, nil)
			}
		}
		add(fmt.Sprint(path, shown.Cut), err)
		add(b.ShowQuota(ctx, Located{path}))
	}
	slices.Sort(lines)
	return lines
}

// without lists the lines of a that are not in b.
func without(a, b []string) (only []string) {
	for _, line := range a {
		if i := slices.Index(b, line); i >= 0 {
			b = slices.Delete(slices.Clone(b), i, i+1)
		} else {
			only = append(only, line)
		}
	}
	return only
}

// shuffled is a text with its lines in another order.
func (b *bureau) shuffled(text string) string {
	opening, rest, _ := strings.Cut(text, "\n")
	lines := strings.Split(rest, "\n")
	b.rng.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return opening + "\n" + strings.Join(lines, "\n")
}

// TestPolicyTextIsThePolicy: a policy written down and applied elsewhere is the
// same policy, over whatever stood there and in whatever order the lines come;
// then nothing is left to do.
func TestPolicyTextIsThePolicy(t *testing.T) {
	rounds := uint64(5)
	if testing.Short() {
		rounds = 3
	}
	done := map[string]int{}
	for seed := range rounds {
		seed += *firstSeed
		t.Run(fmt.Sprintf("-admin.seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			a := newBureau(t, rng)
			a.live(150)
			want := a.unremarked()
			a.settled(want)
			a.settled(a.shuffled(want))

			fresh := newBureau(t, rng)
			fresh.apply(fresh.shuffled(want))
			used := newBureau(t, rng)
			used.live(150)
			used.apply(used.shuffled(want))
			for name, b := range map[string]*bureau{"a fresh store": fresh, "a used store": used} {
				got, told := b.portrait(), a.portrait()
				if more, less := without(got, told), without(told, got); len(more)+len(less) > 0 {
					t.Errorf("%s tells\n%s\nwant\n%s", name, strings.Join(more, "\n"), strings.Join(less, "\n"))
				}
				if got := b.unremarked(); got != want {
					t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
				}
				b.settled(want)
			}
			for _, b := range []*bureau{a, used} {
				for name, n := range b.done {
					done[name] += n
				}
			}
		})
	}
	for name := range bureauSteps {
		if done[name] == 0 && !testing.Short() {
			t.Errorf("%s was never accepted", name)
		}
	}
}
