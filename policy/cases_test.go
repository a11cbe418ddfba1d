package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"davit/policy"
)

// organisation is the world that every case starts from.
const organisation = `
	profile standard 1000
	profile light    100
	profile external 0
	user olivia owner   standard
	user adam   admin   standard
	user mona   manager standard
	user mia    member  standard
	user max    member  standard
	user zoe    member  standard
	user nils   member  standard
	user gus    guest   external
	user carl   guest   external
	group group:staff       user:mona user:mia user:max user:zoe
	group group:hr          user:mia
	group group:eu-sales    user:nils
	group group:sales       user:max group:eu-sales
	group group:contractors user:zoe
	group role:auditor
	space team        group-folder quota=10000
	space room        room         owner=mona
	space carl-portal portal       owner=mona
	space home-mia    personal     owner=mia
	space home-max    personal     owner=max
	level team        group:staff editor
	level team        user:mona   manager
	level room        user:mona   manager
	level room        user:mia    editor
	level room        user:gus    viewer
	level carl-portal user:mona   manager
	level carl-portal user:carl   portal
	tree /team/HR/salaries.ods /team/HR/public/handbook.pdf /team/Sales/q1.odt /team/Common/todo.txt
	tree /room/brief.odt /room/drafts/v1.odt /carl-portal/contract.pdf /carl-portal/in
	tree /home-mia/notes.txt /home-mia/shared/plan.odt`

// cases are steps, executed in order; each step sees every one before it.
var cases = []struct{ id, shows, steps string }{
	{"base-01", "nothing granted, nothing held", `
		can nils /team no=see,read,add`},
	{"base-02", "a level given to a group reaches its members at every depth", `
		can max /team/HR/public/handbook.pdf yes=see,read,write,delete no=manage,members,share`},
	{"base-03", "two sources add up: staff editor plus own manager level", `
		can mona /team/Sales yes=read,write,manage,members`},
	{"base-05", "nested groups count: eu-sales is in sales", `
		level team group:sales viewer
		can nils /team/Sales/q1.odt yes=see,read no=write`},
	{"base-07", "a role stacks like a group, more than one per user", `
		level room role:auditor viewer
		join role:auditor user:max
		can max /room/brief.odt yes=read no=write`},

	{"acl-03", "the same entries in the other order of making: the same answers", `
		acl /team/HR group:hr allow=level:editor
		acl /team/HR group:staff revoke=all
		can mia /team/HR/salaries.ods yes=read,write
		can max /team/HR/salaries.ods no=see,read`},
	{"acl-04", "group revoked, one of its members allowed by name on the same folder: the name holds", `
		acl /team/Sales group:staff revoke=all
		acl /team/Sales user:max allow=level:editor
		can max /team/Sales/q1.odt yes=read,write
		can mia /team/Sales/q1.odt no=see,read`},
	{"acl-05", "revoking one group leaves what another group of the same user inherits", `
		level team group:hr viewer
		acl /team/Common group:staff revoke=all
		can mia /team/Common/todo.txt yes=see,read no=write
		can max /team/Common/todo.txt no=see,read`},
	{"acl-07", "re-opening below a revoked folder for the same group", `
		acl /team/HR group:staff revoke=all
		acl /team/HR/public group:staff allow=level:viewer
		can max /team/HR/public/handbook.pdf yes=see,read no=write,delete
		can max /team/HR/salaries.ods no=see,read`},
	{"acl-08", "the way to a re-opened folder is a shell", `
		acl /team/HR group:staff revoke=all
		acl /team/HR/public group:staff allow=level:viewer
		sees max /team/HR shell
		sees max /team/HR/public open
		sees max /team/HR/salaries.ods hidden
		can max /team/HR no=see,add`},
	{"acl-09", "a wall beats an allow by another group", `
		acl /team/Sales group:contractors deny=all
		can zoe /team/Sales/q1.odt no=see,read
		can max /team/Sales/q1.odt yes=read`},
	{"acl-10", "a wall cannot be opened further down, not even by name", `
		acl /team group:contractors deny=read,write
		acl /team/Sales user:zoe allow=level:editor
		can zoe /team/Sales/q1.odt yes=see no=read,write`},
	{"acl-11", "a wall lifts when the person leaves the walled group", `
		acl /team group:contractors deny=all
		can zoe /team/Sales no=see
		leave group:contractors user:zoe
		can zoe /team/Sales yes=see,read,write`},
	{"acl-12", "joining one more group takes nothing away unless that group is walled", `
		acl /team/Common group:hr revoke=all
		join group:hr user:max
		can max /team/Common/todo.txt yes=read,write`},
	{"acl-14", "one right at a time: write revoked, the rest kept", `
		acl /team/Common group:staff revoke=write,delete
		can max /team/Common/todo.txt yes=see,read,add,props no=write,delete`},
	{"acl-15", "an entry on a file counts for that file only", `
		acl /team/Common/todo.txt user:nils allow=level:viewer
		can nils /team/Common/todo.txt yes=see,read
		can nils /team/Common no=read,add
		can nils /team/Common/todo.txt2 no=see`},
	{"acl-16", "a path whose name merely begins alike is not below", `
		acl /team/HR group:staff deny=all
		can max /team/HRX/a yes=read`},
	{"acl-17", "lists move with the folder, none left behind", `
		acl /team/Sales group:contractors deny=all
		move /team/Sales /team/Verkauf
		sees zoe /team/Verkauf hidden
		tree /team/Sales
		sees zoe /team/Sales open`},
	{"acl-19", "deleted and made again: the old list does not come back", `
		acl /team/Common/todo.txt user:nils allow=level:viewer
		erase /team/Common/todo.txt
		tree /team/Common/todo.txt
		can nils /team/Common/todo.txt no=see,read`},
	{"acl-24", "a tree with something hidden inside is not deletable as a whole", `
		acl /team/HR/salaries.ods group:staff revoke=all
		whole max /team/HR no=delete
		whole max /team/Sales yes=delete`},
	{"hide-10", "what lies in the trash keeps its lists, and leads nobody there", `
		acl /team/HR/salaries.ods group:staff revoke=all
		acl /team/HR/salaries.ods user:nils allow=level:viewer
		sees nils /team/HR shell
		whole mia /team/HR no=read
		delete /team/HR/salaries.ods
		can max /team/HR/salaries.ods no=see
		can nils /team/HR/salaries.ods yes=see
		sees nils /team/HR hidden
		whole mia /team/HR yes=read
		move /team/HR/salaries.ods /team/HR/salaries.ods
		can max /team/HR/salaries.ods no=see
		sees nils /team/HR shell
		whole mia /team/HR no=read`},
	{"hide-01", "a hidden folder is absent, its neighbours are not", `
		acl /team/HR group:staff revoke=all
		sees max /team open
		sees max /team/HR hidden
		sees max /team/Common open`},
	{"hide-06", "free-busy alone shows nothing", `
		acl /home-mia user:max allow=free-busy
		can max /home-mia yes=free-busy no=see,read
		sees max /home-mia hidden
		can zoe /home-mia no=free-busy`},

	{"prof-06", "a deactivated account holds nothing", `
		account mia inactive
		can mia /team/Common/todo.txt no=see,read`},
	{"prof-07", "reactivated: everything as it was", `
		account mia inactive
		account mia active
		can mia /team/Common/todo.txt yes=read,write`},
	{"prof-10", "the last owner can neither be demoted, deactivated nor deleted", `
		refused account olivia member
		refused account olivia inactive
		refused drop user:olivia
		account mia owner
		account olivia member`},

	{"ctx-01", "web only: the mobile client sees nothing of that space", `
		acl /team user:max deny=all class=mobile
		can max /team/Common yes=read class=web
		can max /team/Common no=see,read class=mobile`},
	{"ctx-02", "mobile only", `
		level team group:staff none
		acl /team user:max allow=level:editor class=mobile
		can max /team/Common yes=read class=mobile
		can max /team/Common no=see class=desktop`},
	{"ctx-04", "an unknown client counts as the most restricted class that any rule names", `
		acl /team group:staff deny=write class=dav
		can max /team/Common yes=write class=web
		can max /team/Common no=write class=unknown`},
	{"ctx-05", "an allow with an end: over on the second", `
		acl /room user:max allow=level:viewer until=1000
		can max /room yes=read now=999
		can max /room no=see,read now=1000`},

	{"portal-01", "a client edits and deposits, never deletes", `
		can carl /carl-portal/contract.pdf yes=see,read,write,add no=delete,purge,share,manage
		acl /carl-portal user:carl allow=all
		can carl /carl-portal/contract.pdf yes=write no=delete,delete-own,share,manage,members,purge`},
	{"portal-03", "box unticked: read-only, no deposit", `
		level carl-portal user:carl viewer
		can carl /carl-portal/in yes=read no=add,write`},
	{"portal-05", "close the portal: the client is out; open again gives the same back", `
		state carl-portal closed
		can carl /carl-portal no=see,read,add
		can mona /carl-portal yes=read,manage
		state carl-portal active
		can carl /carl-portal yes=see,read,add`},
	{"room-01", "archived: members keep reading, nobody writes, managers can restore", `
		state room archived
		can mia /room/brief.odt yes=see,read no=write,add,delete,props,share
		can mona /room/brief.odt yes=see,read,manage no=write,add
		state room active
		can mia /room/brief.odt yes=write`},
	{"room-04", "a trashed space is gone for its members", `
		state room trashed
		can mia /room no=see,read
		can gus /room no=see`},
	{"room-09", "the right to messages is a column of its own", `
		acl /room user:mia allow=messages
		can mia /room yes=messages
		acl /room user:mia deny=messages
		can mia /room yes=read,write no=messages`},

	{"adm-01", "the matrix shows effective levels", `
		shows mona team=manager room=manager carl-portal=manager
		shows mia  team=editor  room=editor  carl-portal=none
		shows max  team=editor  room=none    carl-portal=none
		shows gus  team=none    room=viewer  carl-portal=none
		shows carl team=none    room=none    carl-portal=portal`},
	{"adm-02", "the context is part of the question", `
		acl /room user:mia deny=all class=mobile
		shows mia room=none   class=mobile
		shows mia room=editor class=web`},
	{"adm-04", "joining a walled group takes what the wall names", `
		join group:contractors user:max
		can max /team/Common yes=read,write
		acl /team group:contractors deny=write
		can max /team/Common yes=read no=write
		can mia /team/Common yes=write`},

	{"pin-01", "a pinned cell is the user's level there, whatever the groups give", `
		level team user:max viewer pin
		can max /team/Sales/q1.odt yes=see,read no=write,add,delete
		can zoe /team/Sales/q1.odt yes=write,delete`},
	{"pin-02", "unpinned: the sum is back", `
		level team user:max viewer pin
		level team user:max viewer unpin
		can max /team/Sales/q1.odt yes=read,write,delete`},
	{"pin-03", "a pin does not lift a wall on one of the user's groups", `
		acl /team/Sales group:contractors deny=write
		level team user:zoe manager pin
		can zoe /team/Sales/q1.odt yes=read,manage no=write`},
	{"pin-04", "below a pin the user's own entries still count", `
		level team user:max viewer pin
		acl /team/Sales user:max allow=level:editor
		can max /team/Sales/q1.odt yes=write,delete
		can max /team/Common/todo.txt no=write`},
	{"cut-01", "a cut folder inherits from nobody; who is listed there gets in", `
		cut /team/HR on
		acl /team/HR group:hr allow=level:editor
		can mia /team/HR/salaries.ods yes=read,write
		can max /team/HR/salaries.ods no=see,read`},
	{"cut-02", "a group added to the space later does not get in either", `
		cut /team/HR on
		level team group:sales editor
		can nils /team/HR/salaries.ods no=see,read
		can nils /team/Sales/q1.odt yes=read,write`},
	{"cut-03", "who manages the space keeps a way in, without the content; a wall holds", `
		cut /team/HR on
		can mona /team/HR/salaries.ods yes=see,read-acl,manage no=read,write
		acl /team user:mona deny=see
		can mona /team/HR/salaries.ods yes=manage no=see
		cut /team/HR off
		can mona /team/HR/salaries.ods yes=read,write no=see`},
	{"cut-04", "a cut folder is not out of reach of its managers behind a folder they do not see", `
		acl /team/HR group:staff revoke=see
		acl /team/HR user:mona revoke=see
		cut /team/HR/public on
		can mona /team/HR/public yes=see
		sees mona /team/HR shell`},
	{"cut-05", "a guest never holds manage, so it keeps no way into a cut folder", `
		level team user:gus manager
		cut /team/Common on
		can gus /team no=manage
		can gus /team/Common no=see
		sees gus /team/Common hidden`},
	{"own-01", "a creator deletes what it made, and nothing else", `
		level room user:max creator
		can max /room/brief.odt yes=read,write,delete-own no=delete`},
	{"own-02", "a reviser edits what is there and creates nothing", `
		level room user:max reviser
		can max /room/brief.odt yes=read,write,history no=add,delete,delete-own`},
}

func TestCases(t *testing.T) {
	for _, c := range cases {
		t.Run(c.id, func(t *testing.T) {
			w := newOrganisation(t)
			for line := range strings.Lines(c.steps) {
				if err := w.step(line); err != nil {
					t.Errorf("%s\n%s: %v", c.shows, strings.TrimSpace(line), err)
				}
			}
		})
	}
}

func newOrganisation(t testing.TB) *world {
	w := newWorld(t)
	for line := range strings.Lines(organisation) {
		if err := w.step(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return w
}

// words are the parts of a step: what stands alone, and name=value.
type words struct {
	plain []string
	opt   map[string]string
}

var verbs = map[string]func(*world, words) error{
	"profile": (*world).stepProfile, "user": (*world).stepUser, "group": (*world).stepGroup, "space": (*world).stepSpace,
	"tree": (*world).stepTree, "move": (*world).stepMove, "delete": (*world).stepDelete, "erase": (*world).stepErase,
	"level": (*world).stepLevel, "acl": (*world).stepACL, "cut": (*world).stepCut, "state": (*world).stepState,
	"join": (*world).stepJoin, "leave": (*world).stepLeave, "account": (*world).stepAccount, "drop": (*world).stepDrop,
	"managers": (*world).stepManagers, "reads": (*world).stepReads, "guests": (*world).stepGuests, "sharing": (*world).stepSharing,
	"profile-of": (*world).stepProfileOf, "share": (*world).stepShare, "lend": (*world).stepLend,
	"can": (*world).stepCan, "whole": (*world).stepWhole, "sees": (*world).stepSees, "shows": (*world).stepShows,
}

// step does one line: a change, or a question with its answer.
func (w *world) step(line string) error {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil
	}
	if fields[0] == "refused" {
		before := w.state
		err := w.step(strings.Join(fields[1:], " "))
		if !errors.Is(err, policy.ErrInvalid) || w.state != before {
			return fmt.Errorf("want a refusal, got %v", err)
		}
		return nil
	}
	a := words{opt: map[string]string{}}
	for _, f := range fields[1:] {
		if k, v, ok := strings.Cut(f, "="); ok {
			a.opt[k] = v
		} else {
			a.plain = append(a.plain, f)
		}
	}
	do := verbs[fields[0]]
	if do == nil {
		return fmt.Errorf("no verb %q", fields[0])
	}
	return do(w, a)
}

func (w *world) stepProfile(a words) error {
	quota, err := policy.ParseLimit(a.plain[1])
	if err != nil {
		return err
	}
	p := policy.Profile{ID: w.name("profile:" + a.plain[0]), Name: a.plain[0], Quota: quota}
	if a.opt["file-max"] != "" {
		if p.FileMax, err = policy.ParseLimit(a.opt["file-max"]); err != nil {
			return err
		}
	}
	return w.try(policy.PutProfile{Profile: p})
}

// stepProfileOf gives a user a new profile of its own, like the one before but for
// the size of files.
func (w *world) stepProfileOf(a words) error {
	u := *w.state.User(w.id("user:" + a.plain[0]))
	p := *w.state.Profile(u.Profile)
	limit, err := policy.ParseLimit(a.opt["file-max"])
	if err != nil {
		return err
	}
	p.ID, p.Name, p.FileMax = w.name("profile:"+a.plain[1]), a.plain[1], limit
	u.Profile = p.ID
	return w.try(policy.PutProfile{Profile: p}, policy.PutUser{User: u})
}

func (w *world) stepManagers(a words) error {
	g := *w.state.Group(w.id(a.plain[0]))
	g.Managers = nil
	for _, name := range a.plain[1:] {
		g.Managers = append(g.Managers, w.id(name))
	}
	slices.Sort(g.Managers)
	return w.try(policy.PutGroup{Group: g})
}

func (w *world) settings(change func(*policy.Settings)) error {
	set := w.state.Settings()
	change(&set)
	return w.try(policy.PutSettings{Settings: set})
}

// stepShare shares for reading.
func (w *world) stepShare(a words) error {
	w.last++
	sh := policy.Share{ID: policy.ID(w.last), By: w.id("user:" + a.plain[0]), To: w.id(a.plain[1]), Rights: policy.See | policy.Read}
	return w.try(policy.PutShare{Share: sh, At: w.place(a.plain[2])})
}

// stepLend shares for reading until some second.
func (w *world) stepLend(a words) error {
	until, err := strconv.ParseInt(a.opt["until"], 10, 64)
	if err != nil {
		return err
	}
	w.last++
	sh := policy.Share{ID: policy.ID(w.last), By: w.id("user:" + a.plain[0]), To: w.id(a.plain[1]), Rights: policy.See | policy.Read, Until: until}
	return w.try(policy.PutShare{Share: sh, At: w.place(a.plain[2])})
}

func (w *world) stepReads(a words) error {
	return w.settings(func(set *policy.Settings) { set.AdminReads = policy.AdminReads(a.plain[0]) })
}

func (w *world) stepGuests(a words) error {
	return w.settings(func(set *policy.Settings) { set.Guests = a.plain[0] == "on" })
}

func (w *world) stepSharing(a words) error {
	return w.settings(func(set *policy.Settings) { set.Sharing = policy.Sharing(a.plain[0]) })
}

func (w *world) stepUser(a words) error {
	name := a.plain[0]
	u := policy.User{ID: w.name("user:" + name), Name: name, Type: policy.Type(a.plain[1]), Profile: w.id("profile:" + a.plain[2])}
	return w.try(policy.PutUser{User: u})
}

func (w *world) stepGroup(a words) error {
	kind, name, _ := strings.Cut(a.plain[0], ":")
	g := policy.Group{ID: w.name(a.plain[0]), Name: name, Role: kind == "role"}
	changes := []policy.Change{policy.PutGroup{Group: g}}
	for _, member := range a.plain[1:] {
		changes = append(changes, policy.Join{Group: g.ID, Member: w.id(member)})
	}
	return w.try(changes...)
}

func (w *world) stepSpace(a words) error {
	quota, owner := policy.NoLimit, policy.Nobody
	if a.opt["quota"] != "" {
		var err error
		if quota, err = policy.ParseLimit(a.opt["quota"]); err != nil {
			return err
		}
	}
	if a.opt["owner"] != "" {
		owner = w.id("user:" + a.opt["owner"])
	}
	w.addSpace(a.plain[0], policy.SpaceKind(a.plain[1]), owner, quota)
	return nil
}

func (w *world) stepTree(a words) error {
	for _, path := range a.plain {
		w.place(path)
	}
	return nil
}

func (w *world) stepMove(a words) error {
	w.rename(a.plain[0], a.plain[1])
	delete(w.trash, w.node(a.plain[1]))
	return w.try(policy.MoveNode{To: w.place(a.plain[1])})
}

// stepDelete puts a node into the trash.
func (w *world) stepDelete(a words) error {
	n := w.node(a.plain[0])
	if !w.state.OnWay(n) {
		return nil
	}
	w.trash[n] = true
	return w.try(policy.ParkNode{Node: n})
}

// rename moves a path and all below it in the tree of names.
func (w *world) rename(from, to string) {
	clear(w.ways)
	moved := map[string]policy.Node{}
	for path, n := range w.nodes {
		if below(path, from) {
			delete(w.nodes, path)
			moved[to+path[len(from):]] = n
		}
	}
	for path, n := range moved {
		w.nodes[path] = n
	}
}

func (w *world) stepErase(a words) error {
	clear(w.ways)
	var gone []policy.Node
	for path, n := range w.nodes {
		if below(path, a.plain[0]) {
			gone = append(gone, n)
			delete(w.nodes, path)
		}
	}
	slices.Sort(gone)
	return w.try(policy.DropNodes{Nodes: gone})
}

func (w *world) stepLevel(a words) error {
	allow, err := policy.LevelRights(a.plain[2])
	if err != nil {
		return err
	}
	set := policy.SetLevel{
		Space: w.id("space:" + a.plain[0]),
		Entry: policy.Entry{Principal: w.id(a.plain[1]), Allow: allow, Level: a.plain[2]},
	}
	if len(a.plain) > 3 {
		set.Pin = new(a.plain[3] == "pin")
	}
	return w.try(set)
}

func (w *world) stepACL(a words) error {
	e := policy.Entry{Principal: w.id(a.plain[1])}
	var errs [5]error
	e.Allow, errs[0] = policy.ParseRights(a.opt["allow"])
	e.Revoke, errs[1] = policy.ParseRights(a.opt["revoke"])
	e.Deny, errs[2] = policy.ParseRights(a.opt["deny"])
	e.Class, errs[3] = policy.ParseClasses(a.opt["class"])
	if a.opt["until"] != "" {
		e.Until, errs[4] = strconv.ParseInt(a.opt["until"], 10, 64)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	if rank := a.opt["rank"]; rank != "" {
		if err := e.Rank.UnmarshalText([]byte(rank)); err != nil {
			return err
		}
	}
	return w.try(policy.SetEntry{At: w.place(a.plain[0]), Entry: e})
}

func (w *world) stepCut(a words) error {
	change := policy.SetCut{At: w.place(a.plain[0]), On: a.plain[1] == "on"}
	if rank := a.opt["rank"]; rank != "" {
		if err := change.Rank.UnmarshalText([]byte(rank)); err != nil {
			return err
		}
	}
	return w.try(change)
}

func (w *world) stepState(a words) error {
	sp := *w.state.Space(w.id("space:" + a.plain[0]))
	sp.State = policy.SpaceState(a.plain[1])
	return w.try(policy.PutSpace{Space: sp})
}

func (w *world) stepJoin(a words) error {
	return w.try(policy.Join{Group: w.id(a.plain[0]), Member: w.id(a.plain[1])})
}

func (w *world) stepLeave(a words) error {
	return w.try(policy.Leave{Group: w.id(a.plain[0]), Member: w.id(a.plain[1])})
}

func (w *world) stepAccount(a words) error {
	u := *w.state.User(w.id("user:" + a.plain[0]))
	switch what := a.plain[1]; what {
	case "active", "inactive":
		u.Inactive = what == "inactive"
	default:
		u.Type = policy.Type(what)
	}
	return w.try(policy.PutUser{User: u})
}

func (w *world) stepDrop(a words) error {
	return w.try(policy.DropUser{ID: w.id(a.plain[0])})
}

func (w *world) subject(a words) (policy.Subject, error) {
	sub := policy.Subject{User: w.id("user:" + a.plain[0]), Mask: policy.All, Class: policy.Web}
	var err error
	if a.opt["class"] != "" {
		sub.Class, err = policy.ParseClasses(a.opt["class"])
	}
	if a.opt["now"] != "" && err == nil {
		sub.Now, err = strconv.ParseInt(a.opt["now"], 10, 64)
	}
	return sub, err
}

func (w *world) stepCan(a words) error {
	sub, err := w.subject(a)
	if err != nil {
		return err
	}
	return agree(w.state.Held(sub, w.place(a.plain[1])), a)
}

// stepWhole asks for rights on everything from a place down.
func (w *world) stepWhole(a words) error {
	sub, err := w.subject(a)
	if err != nil {
		return err
	}
	return agree(w.state.HeldBelow(sub, w.place(a.plain[1])), a)
}

// agree tells whether held has every right of yes and none of no.
func agree(held policy.Rights, a words) error {
	yes, err := policy.ParseRights(a.opt["yes"])
	if err != nil {
		return err
	}
	no, err := policy.ParseRights(a.opt["no"])
	if err != nil {
		return err
	}
	if missing := yes &^ held; missing != 0 {
		return fmt.Errorf("lacks %v, holds %v", missing, held)
	}
	if extra := no & held; extra != 0 {
		return fmt.Errorf("must not hold %v", extra)
	}
	return nil
}

func (w *world) stepSees(a words) error {
	sub, err := w.subject(a)
	if err != nil {
		return err
	}
	d := w.state.Decide(sub, w.place(a.plain[1]), policy.See)
	got := "hidden"
	switch {
	case d.Shell:
		got = "shell"
	case d.Visible:
		got = "open"
	}
	if got != a.plain[2] {
		return fmt.Errorf("it is %s", got)
	}
	return nil
}

// stepShows compares a row of the matrix.
func (w *world) stepShows(a words) error {
	sub, err := w.subject(a)
	if err != nil {
		return err
	}
	for space, want := range a.opt {
		if space == "class" {
			continue
		}
		if got := policy.LevelOf(w.state.Held(sub, w.place("/"+space))); got != want {
			return fmt.Errorf("%s shows %s", space, got)
		}
	}
	return nil
}
