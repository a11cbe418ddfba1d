package policy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"davit/policy"
)

// ranks is what each type of account may do: its row in the table of account types
// and actions, one cell for each of owner, admin, manager, member and guest. Y is
// yes, N no, o only for who manages the room in question, and n not even then.
var ranks = []struct {
	row   int
	what  string
	cells string
	do    func(*bench) []policy.Change // tried by the account
}{
	{3, "see own rooms", "Y Y Y N N", func(b *bench) []policy.Change { return []policy.Change{b.ownRoom()} }},
	{5, "create and edit rooms", "Y Y Y N N", func(b *bench) []policy.Change {
		return []policy.Change{b.ownRoom(), b.space("own", func(sp *policy.Space) { sp.Name = "renamed" })}
	}},
	{8, "own room: invite, set and change levels, remove", "Y Y Y N N", func(b *bench) []policy.Change {
		return append([]policy.Change{b.ownRoom()}, b.levels("own")...)
	}},
	{9, "archive own rooms", "Y Y Y N N", func(b *bench) []policy.Change {
		return []policy.Change{b.ownRoom(), b.space("own", in(policy.Archived))}
	}},
	{10, "others' rooms: invite, set levels, remove", "Y Y o N N", func(b *bench) []policy.Change { return b.levels("others") }},
	{11, "archive others' rooms", "Y Y o N N", func(b *bench) []policy.Change {
		return []policy.Change{b.space("others", in(policy.Archived))}
	}},
	{18, "archive: invite", "N N n n N", func(b *bench) []policy.Change { return b.levels("archived")[:1] }},
	{18, "archive: take a level away", "N N n n N", func(b *bench) []policy.Change {
		return []policy.Change{policy.SetLevel{Space: b.id("space:archived"), Entry: policy.Entry{Principal: b.id("user:zoe")}}}
	}},
	{18, "archive: edit the room", "N N n n N", func(b *bench) []policy.Change {
		return []policy.Change{b.space("archived", func(sp *policy.Space) { sp.Name = "renamed" })}
	}},
	{19, "restore others' archived rooms", "Y Y o N N", func(b *bench) []policy.Change {
		return []policy.Change{b.space("archived", in(policy.Active))}
	}},
	{19, "delete others' archived rooms", "Y Y N N N", func(b *bench) []policy.Change {
		return []policy.Change{b.space("archived", in(policy.Trashed)), policy.DropSpace{ID: b.id("space:archived")}}
	}},
	{19, "delete a room that is not in the trash", "N N n n N", func(b *bench) []policy.Change {
		return []policy.Change{policy.DropSpace{ID: b.id("space:others")}}
	}},
	{20, "restore own archived rooms", "Y Y Y N N", func(b *bench) []policy.Change {
		return []policy.Change{b.ownRoom(), b.space("own", in(policy.Archived)), b.space("own", in(policy.Active))}
	}},
	{20, "delete own archived rooms", "Y Y Y N N", func(b *bench) []policy.Change {
		return []policy.Change{b.ownRoom(), b.space("own", in(policy.Archived)), b.space("own", in(policy.Trashed))}
	}},
	{22, "invite an admin", "Y N N N N", invited(policy.Admin)},
	{23, "invite a manager", "Y Y N N N", invited(policy.Manager)},
	{24, "invite a member", "Y Y Y N N", invited(policy.Member)},
	{25, "invite a guest", "Y Y Y N N", invited(policy.Guest)},
	{26, "promote to admin", "Y N N N N", typed("mila", policy.Admin)},
	{27, "promote to manager", "Y Y N N N", typed("max", policy.Manager)},
	{28, "promote to member", "Y Y Y N N", typed("carl", policy.Member)},
	{29, "demote an admin to manager", "Y N N N N", typed("anna", policy.Manager)},
	{29, "demote a manager to member", "Y Y N N N", typed("mila", policy.Member)},
	{30, "deactivate an admin", "Y N N N N", closed("anna")},
	{31, "deactivate a manager", "Y Y N N N", closed("mila")},
	{32, "deactivate a member", "Y Y N N N", closed("max")},
	{33, "deactivate a guest", "Y Y N N N", closed("carl")},
	{34, "edit users", "Y Y N N N", edited("zoe")},
	{34, "edit admins", "Y N N N N", edited("anna")},
	{34, "remove users after their deactivation", "Y Y N N N", removed("gone-member")},
	{34, "remove admins after their deactivation", "Y N N N N", removed("gone-admin")},
	{34, "remove users without", "N N N N N", removed("zoe")},
	{35, "settings of own rooms", "Y Y Y N N", func(b *bench) []policy.Change {
		return []policy.Change{
			b.ownRoom(), b.space("own", func(sp *policy.Space) { sp.Template = policy.Collaboration }),
			policy.SetQuota{At: b.place("/own/folder"), Limit: new(policy.Limit(10))},
		}
	}},
	{37, "settings of the instance", "Y Y N N N", func(b *bench) []policy.Change {
		set := b.state.Settings()
		set.Sharing = policy.ShareOwn
		return []policy.Change{policy.PutSettings{Settings: set}}
	}},
	{37, "groups and their members", "Y Y N N N", func(b *bench) []policy.Change {
		return []policy.Change{
			policy.PutGroup{Group: policy.Group{ID: 9200, Name: "new"}}, policy.Join{Group: 9200, Member: b.id("user:zoe")},
			policy.Leave{Group: 9200, Member: b.id("user:zoe")}, policy.DropGroup{ID: 9200},
		}
	}},
	{37, "profiles", "Y Y N N N", func(b *bench) []policy.Change {
		return []policy.Change{policy.PutProfile{Profile: policy.Profile{ID: 9300, Name: "new"}}, policy.DropProfile{ID: 9300}}
	}},
	{37, "quotas of spaces", "Y Y n n N", func(b *bench) []policy.Change {
		return []policy.Change{b.space("others", func(sp *policy.Space) { sp.Quota = 5 })}
	}},
	{37, "whether admins read content", "Y N N N N", func(b *bench) []policy.Change {
		set := b.state.Settings()
		set.AdminReads = policy.ReadsAudited
		return []policy.Change{policy.PutSettings{Settings: set}}
	}},
	{37, "where letters are sent by", "Y N N N N", func(b *bench) []policy.Change {
		set := b.state.Settings()
		set.MailServer = "smtp.example.org:587"
		return []policy.Change{policy.PutSettings{Settings: set}}
	}},
	{37, "where calendars are fetched from", "Y Y N N N", func(b *bench) []policy.Change {
		set := b.state.Settings()
		set.FetchHosts = []string{"cal.example.org"}
		return []policy.Change{policy.PutSettings{Settings: set}}
	}},
	{31, "hand somebody's room over", "Y Y N N N", func(b *bench) []policy.Change {
		return []policy.Change{policy.TransferSpace{Space: b.id("space:others"), Owner: b.id("user:mara")}}
	}},
	// "Nobody changes the owner's type or state; nobody changes his own."
	{0, "demote the owner", "N N N N N", typed("olivia", policy.Admin)},
	{0, "deactivate the owner", "N N N N N", closed("olivia")},
	{0, "one's own rank", "N N N N N", func(b *bench) []policy.Change {
		if b.who == "olivia" {
			return typed(b.who, policy.Admin)(b)
		}
		return typed(b.who, policy.Owner)(b)
	}},
	{0, "one's own end", "N N N N N", func(b *bench) []policy.Change {
		return []policy.Change{policy.PutUser{User: b.account(b.who, func(u *policy.User) { u.Until = 1 << 40 })}}
	}},
	{0, "one's own level", "N N N N N", func(b *bench) []policy.Change {
		return []policy.Change{policy.SetLevel{Space: b.id("space:others"), Entry: policy.Entry{Principal: b.id("user:" + b.who), Allow: policy.All, Level: "manager"}}}
	}},
	{0, "one's own address", "Y Y Y Y Y", func(b *bench) []policy.Change {
		return []policy.Change{policy.PutUser{User: b.account(b.who, func(u *policy.User) { u.Email, u.Language = "me@example.org", "de" })}}
	}},
}

// bench is a world in which one account tries things.
type bench struct {
	*world
	who string
}

// newBench has one account of each type to act, others to act on, and rooms that
// are not theirs; in those, everybody has the level.
func newBench(t *testing.T, who, level string) *bench {
	w := newOrganisation(t)
	steps := `
		profile wide none
		user anna admin   wide
		user mila manager external
		user mara manager external
		user gone-member member external
		user gone-admin  admin  external
		account gone-member inactive
		account gone-admin  inactive
		space others   room owner=mara
		space archived room owner=mara
		level others   user:mara manager
		level archived user:mara manager
		level others   user:` + who + ` ` + level + `
		level archived user:` + who + ` ` + level + `
		level archived user:zoe    viewer
		state archived archived`
	for line := range strings.Lines(steps) {
		if err := w.step(line); err != nil {
			t.Fatalf("%s: %v", strings.TrimSpace(line), err)
		}
	}
	return &bench{w, who}
}

func (b *bench) ownRoom() policy.Change {
	me := b.id("user:" + b.who)
	return policy.PutSpace{Space: policy.Space{
		ID: b.named("space:own"), Name: "own", Kind: policy.Room, State: policy.Active, Owner: me, Root: b.place("/own").Path[0],
		Quota: policy.NoLimit, Levels: []policy.Entry{{Principal: me, Allow: policy.All, Level: "manager"}},
	}}
}

// named is the ID of a name, made when it is new.
func (b *bench) named(name string) policy.ID {
	if id, ok := b.ids[name]; ok {
		return id
	}
	return b.name(name)
}

// space changes one that exists, or the room that is made just before.
func (b *bench) space(name string, change func(*policy.Space)) policy.Change {
	var sp policy.Space
	if was := b.state.Space(b.named("space:" + name)); was != nil {
		sp = *was
	} else {
		sp = b.ownRoom().(policy.PutSpace).Space
	}
	sp.Levels = nil
	change(&sp)
	return policy.PutSpace{Space: sp}
}

func in(state policy.SpaceState) func(*policy.Space) {
	return func(sp *policy.Space) { sp.State = state }
}

// levels invites somebody to a room, changes the level and removes it again.
func (b *bench) levels(room string) (changes []policy.Change) {
	for _, level := range []string{"viewer", "creator", "none"} {
		r, err := policy.LevelRights(level)
		if err != nil {
			b.Fatal(err)
		}
		e := policy.Entry{Principal: b.id("user:zoe"), Allow: r, Level: level}
		changes = append(changes, policy.SetLevel{Space: b.named("space:" + room), Entry: e})
	}
	return changes
}

func invited(rank policy.Type) func(*bench) []policy.Change {
	return func(b *bench) []policy.Change { return []policy.Change{policy.PutUser{User: b.newcomer(rank)}} }
}

func changed(who string, change func(*policy.User)) func(*bench) []policy.Change {
	return func(b *bench) []policy.Change { return []policy.Change{policy.PutUser{User: b.account(who, change)}} }
}

func typed(who string, rank policy.Type) func(*bench) []policy.Change {
	return changed(who, func(u *policy.User) { u.Type = rank })
}

func closed(who string) func(*bench) []policy.Change {
	return changed(who, func(u *policy.User) { u.Inactive = true })
}

func edited(who string) func(*bench) []policy.Change {
	return changed(who, func(u *policy.User) { u.Name = "renamed"; u.Quota = new(policy.Limit(7)) })
}

func removed(who string) func(*bench) []policy.Change {
	return func(b *bench) []policy.Change { return []policy.Change{policy.DropUser{ID: b.id("user:" + who)}} }
}

// actors are one account of each type, in the order of the cells.
var actors = []string{"olivia", "adam", "mona", "mia", "gus"}

// TestRanks tries every cell. A room that is not one's own is tried with an
// ordinary level there, and where the cell says o or n with the manager's too.
func TestRanks(t *testing.T) {
	for _, r := range ranks {
		cells := strings.Fields(r.cells)
		for i, who := range actors {
			t.Run(fmt.Sprintf("%d %s/%s", r.row, r.what, who), func(t *testing.T) {
				tryCell(t, who, "viewer", r.do, cells[i] == "Y")
				if cells[i] == "o" || cells[i] == "n" {
					tryCell(t, who, "manager", r.do, cells[i] == "o")
				}
			})
		}
	}
}

func tryCell(t *testing.T, who, level string, do func(*bench) []policy.Change, may bool) {
	t.Helper()
	b := newBench(t, who, level)
	changes, was := do(b), b.state.Hash()
	next, _, err := b.state.ApplyAs(b.acting("user:"+who), changes...)
	switch {
	case may && err != nil:
		t.Errorf("%s, %s there: %v", who, level, err)
	case !may && err == nil:
		t.Errorf("%s, %s there, may do it", who, level)
	case !may && !errors.Is(err, policy.ErrForbidden) && !errors.Is(err, policy.ErrInvalid) && !errors.Is(err, policy.ErrNotFound):
		t.Errorf("%s, %s there: %v", who, level, err)
	case b.state.Hash() != was || (err == nil) != (next != nil):
		t.Errorf("%s left something behind", who)
	}
}

// TestRanksSee is rows 2 and 4: who knows of which rooms.
func TestRanksSee(t *testing.T) {
	for i, who := range actors {
		b := newBench(t, who, "viewer")
		me := b.acting("user:" + who)
		if all := []bool{true, true, false, false, false}[i]; b.state.Sees(me, b.place("/carl-portal")) != (all || who == "mona") {
			t.Errorf("%s sees rooms of strangers: %v", who, !all)
		}
		for _, room := range []string{"/others", "/archived"} {
			if !b.state.Decide(me, b.place(room), policy.See).Visible {
				t.Errorf("%s does not see %s", who, room)
			}
		}
	}
}
