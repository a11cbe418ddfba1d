package policy_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// courts is how many worlds people change themselves in: more of them find more.
var courts = flag.Int("courts", 60, "number of random worlds in which people change the policy")

// actNow is when accounts act: random entries begin and end around it.
const actNow = 2

// acting is an account with its main password, in the office.
func (w *world) acting(who string) policy.Subject {
	return policy.Subject{User: w.id(who), Mask: policy.All, Class: policy.Web, Network: policy.Inside, Now: actNow}
}

// court is a random world in which people change the policy themselves.
type court struct {
	*twin
	calm *policy.State // the state, as if every space were active and nothing were shared
}

func newCourt(t *testing.T, seed uint64) *court {
	c := &court{twin: newTwin(t, 4*seed+seed%3)} // long chains have nothing to add here
	c.rank = func() policy.Rank { return policy.Rank(c.rng.IntN(len(policy.Types))) }
	c.grow(30)
	c.groupManagers()
	// What any new account would hold counts as held.
	for _, plain := range []struct {
		name string
		rank policy.Type
	}{{"user:plain", policy.Member}, {"user:outside", policy.Guest}} {
		c.name(plain.name)
		c.users = append(c.users, plain.name)
		c.model.types[plain.name], c.model.profile[plain.name] = plain.rank, "profile:p"
		c.apply(policy.PutUser{User: c.userRecord(plain.name)})
	}
	for range 3 {
		c.parkNode()
	}
	c.calm = calmed(t, c.state)
	return c
}

// groupManagers gives some groups to people who are no admins.
func (w *twin) groupManagers() {
	for _, g := range w.state.Groups() {
		record := *g
		record.Managers = []policy.ID{w.id(pick(w, w.users)), w.id(pick(w, w.users))}
		slices.Sort(record.Managers)
		record.Managers = slices.Compact(record.Managers)
		w.apply(policy.PutGroup{Group: record})
	}
}

// calmed is a state without the ceilings that whoever manages a space, or all of
// them, puts on and takes off again, and without shares, which give nothing that
// is not somebody's.
func calmed(t *testing.T, s *policy.State) *policy.State {
	t.Helper()
	var changes []policy.Change
	for _, sp := range s.Spaces() {
		next := *sp
		next.State = policy.Active
		changes = append(changes, policy.PutSpace{Space: next})
	}
	for _, sh := range s.Shares() {
		changes = append(changes, policy.DropShare{ID: sh.ID})
	}
	changes = append(changes, policy.PutSettings{Settings: policy.DefaultSettings})
	calm, _, err := s.Apply(changes...)
	if err != nil {
		t.Fatal(err)
	}
	return calm
}

// holdings are rights by path.
type holdings map[string]policy.Rights

// holdings are what an account holds everywhere. Where nothing is marked it holds
// what it holds above.
func (c *court) holdings(s *policy.State, sub policy.Subject) holdings {
	all := holdings{}
	for _, path := range c.model.tree { // parents come before what is in them
		if up := path[:strings.LastIndexByte(path, '/')]; up != "" && s.Mark(c.node(path)) == nil {
			all[path] = all[up]
		} else {
			all[path] = s.Held(sub, c.place(path))
		}
	}
	return all
}

func (h holdings) add(o holdings) {
	for path, r := range o {
		h[path] |= r
	}
}

// orAbove is what is held at each path or somewhere above it.
func (h holdings) orAbove() holdings {
	all := holdings{}
	for path, r := range h {
		for _, up := range prefixes(path)[:strings.Count(path, "/")-1] {
			r |= h[up]
		}
		all[path] = r
	}
	return all
}

// beyond lists where h has more than o.
func (h holdings) beyond(o holdings) (where []string) {
	for path, r := range h {
		if more := r &^ o[path]; more != 0 {
			where = append(where, path+" "+more.String())
		}
	}
	slices.Sort(where)
	return where
}

func rules(s *policy.State, id policy.ID) bool {
	t := s.User(id).Type
	return t == policy.Owner || t == policy.Admin
}

// steadyOfAll is what those who rule nothing hold at all times, taken together.
func (c *court) steadyOfAll(s *policy.State) holdings {
	all := holdings{}
	for _, u := range s.Users() {
		if !rules(s, u.ID) {
			all.add(c.holdings(s, policy.Subject{User: u.ID, Mask: policy.All, Class: policy.Web, Network: policy.Inside, Now: actNow, Steady: true}))
		}
	}
	return all
}

// act lets somebody try a change; ok when it was accepted.
func (c *court) act(by policy.Subject, change policy.Change) (ok bool) {
	next, _, err := c.state.ApplyAs(by, change)
	_, _, opErr := c.state.Apply(change)
	kind := fmt.Sprintf("%T", change)
	switch {
	case errors.Is(opErr, policy.ErrForbidden):
		c.Fatalf("seed %d: the operator may not %+v: %v", c.seed, change, opErr)
	case err == nil && opErr != nil:
		c.Fatalf("seed %d: %s may %+v and the operator may not: %v", c.seed, c.state.PrincipalName(by.User), change, opErr)
	case err != nil:
		c.met["refused "+kind]++
		return false
	}
	c.met["accepted "+kind]++
	c.state, c.calm = next, calmed(c.TB.(*testing.T), next)
	return true
}

// withWholeRoots is the state as if no root of a space were cut.
func (c *court) withWholeRoots() *policy.State {
	var changes []policy.Change
	for _, sp := range c.calm.Spaces() {
		changes = append(changes, policy.SetCut{At: policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}})
	}
	whole, _, err := c.calm.Apply(changes...)
	if err != nil {
		c.Fatal(err)
	}
	return whole
}

// Property 9: no sequence of accepted changes by people who are no admins gives
// any of them what none of them held, at that place or at one above it.
func TestNobodyGetsMoreThanAnybodyHeld(t *testing.T) {
	met := tally{}
	for i := range worlds(*courts) {
		c := newCourt(t, *seed+uint64(i))
		c.met = met
		held := c.steadyOfAll(c.calm)
		held.add(c.steadyOfAll(c.withWholeRoots())) // levels stand above every place
		for range 120 {
			by := c.somebodyWho(func(id policy.ID) bool { return !rules(c.state, id) })
			before, change := c.state, c.someChange(by)
			if !c.act(c.acting(by), change) {
				continue
			}
			now := c.steadyOfAll(c.calm)
			if more := now.beyond(held.orAbove()); len(more) > 0 {
				c.Fatalf("seed %d: %s (%s) made %T%+v and somebody holds more than anybody did: %v\n%s",
					c.seed, by, before.User(c.id(by)).Type, change, change, more[:min(len(more), 4)], c.whoHolds(strings.Fields(more[0])[0], change))
			}
			held.add(now)
		}
	}
	t.Logf("seeds from %d: %s", *seed, met)
	if testing.Short() {
		return // too few worlds for the rarer changes
	}
	for _, kind := range []string{"SetEntry", "SetLevel", "ClearEntries", "SetCut", "Join", "Leave", "PutUser", "PutSpace", "TransferSpace", "PutShare", "DropShare"} {
		met.want(t, "accepted policy."+kind, *courts/20)
	}
}

// whoHolds tells who holds what at a path, for the message of a failure.
func (c *court) whoHolds(path string, change policy.Change) string {
	var b strings.Builder
	for _, u := range c.calm.Users() {
		sub := policy.Subject{User: u.ID, Mask: policy.All, Class: policy.Web, Network: policy.Inside, Now: actNow, Steady: true}
		if held := c.calm.Held(sub, c.place(path)); held != 0 {
			fmt.Fprintf(&b, "\t%s (%s) holds %s\n", u.Name, u.Type, held)
		}
	}
	text, _ := json.Marshal(change)
	fmt.Fprintf(&b, "\t%s\n", text)
	return b.String()
}

// Never to oneself: whatever somebody changes, he holds nowhere more than before,
// in no context, whatever the ranks. Owners are above this: they may give to groups
// that they are in.
func TestNobodyRaisesHimself(t *testing.T) {
	met := tally{}
	for i := range worlds(*courts) {
		c := newCourt(t, *seed+1_000_000+uint64(i))
		c.met = met
		for range 120 {
			by := c.somebodyWho(func(id policy.ID) bool { return c.state.User(id).Type != policy.Owner })
			subs := c.contexts(by)
			calm, change := c.calm, c.someChange(by)
			if !c.act(c.acting(by), change) {
				continue
			}
			for _, sub := range subs {
				before, now := c.holdings(calm, sub), c.holdings(c.calm, sub)
				if cut, is := change.(policy.SetCut); is && !cut.On {
					if len(cut.At.Path) == 1 {
						continue // what the levels give stands above every place
					}
					before = before.orAbove() // what it holds above flows in again
				}
				if more := now.beyond(before); len(more) > 0 {
					c.Fatalf("seed %d: %s (%s) made %T%+v and got, in %+v: %v\n%s", c.seed, by, c.state.User(c.id(by)).Type, change, change, sub,
						more[:min(len(more), 4)], c.whoHolds(strings.Fields(more[0])[0], change))
				}
			}
		}
	}
	t.Logf("seeds from %d: %s", *seed, met)
	if testing.Short() {
		return // too few worlds for the rarer changes
	}
	for _, kind := range []string{"SetEntry", "SetLevel", "ClearEntries", "SetCut", "Join", "Leave", "PutUser", "PutSpace", "TransferSpace", "PutProfile", "DropProfile", "PutGroup", "DropGroup", "PutSettings"} {
		met.want(t, "accepted policy."+kind, *courts/20)
	}
}

// contexts are some that an account may ask in.
func (c *court) contexts(who string) []policy.Subject {
	office := c.acting(who)
	steady, away, later := office, office, office
	steady.Steady = true
	away.Class, away.Network = policy.UnknownClass, 0
	later.Class, later.Network, later.Now = policy.Mobile, policy.Outside, actNow+1
	return []policy.Subject{office, steady, away, later}
}

// somebodyWho is some account of which something holds, more often one that
// manages some place.
func (c *court) somebodyWho(is func(policy.ID) bool) string {
	manages := c.chance(80)
	for range 200 {
		who := pick(c.twin, c.users)
		id := c.id(who)
		if !is(id) || c.state.User(id).Inactive {
			continue
		}
		if !manages || c.state.Held(c.acting(who), c.place(pick(c.twin, c.model.tree)))&policy.Manage != 0 {
			return who
		}
	}
	for _, who := range c.users {
		if is(c.id(who)) {
			return who
		}
	}
	c.Fatalf("seed %d: nobody is left", c.seed)
	return ""
}

// whereManaged is some path, more often one that the account manages.
func (c *court) whereManaged(who string) string {
	for range 10 {
		path := pick(c.twin, c.model.tree)
		if c.state.Held(c.acting(who), c.place(path))&policy.Manage != 0 {
			return path
		}
	}
	return pick(c.twin, c.model.tree)
}

// someChange is one that somebody may try, mostly near what he may do.
func (c *court) someChange(by string) policy.Change {
	kinds := []func(string) policy.Change{
		c.trySetEntry, c.trySetEntry, c.trySetEntry, c.trySetEntry, c.tryAgain, c.tryAgain, c.tryAgain, c.trySetLevel, c.trySetLevel, c.trySetLevel, c.tryClear, c.tryCut, c.tryCut,
		c.tryMembership, c.tryMembership, c.tryUser, c.tryUser, c.trySpace, c.tryTransfer, c.tryShare, c.tryShare, c.tryRecords,
	}
	return pick(c.twin, kinds)(by)
}

// tryLine is a line with mostly such rights as its maker holds there.
func (c *court) tryLine(by, path string) policy.Entry {
	e := c.entry(c.someLine(path))
	if c.chance(75) {
		held := c.state.Held(c.acting(by), c.place(path))
		e.Allow &= held
		e.Deny &= held
	}
	if c.chance(50) {
		e.Class, e.Network, e.From, e.Until = 0, 0, 0, 0
	}
	if c.chance(15) {
		e.Principal = c.id(by)
	}
	if c.chance(20) {
		e.Principal = pick(c.twin, c.state.Users()).ID
	}
	return e
}

func (c *court) trySetEntry(by string) policy.Change {
	path := c.whereManaged(by)
	return policy.SetEntry{At: c.place(path), Entry: c.tryLine(by, path)}
}

// tryAgain changes a line that is there: takes parts of it out.
func (c *court) tryAgain(by string) policy.Change {
	for range 20 {
		path := c.whereManaged(by)
		if m := c.state.Mark(c.node(path)); m != nil && len(m.Entries) > 0 {
			e := pick(c.twin, m.Entries)
			e.Allow &= c.someRights()
			e.Revoke &= c.someRights()
			e.Deny &= c.someRights()
			return policy.SetEntry{At: c.place(path), Entry: e}
		}
	}
	sp := c.state.Space(c.id("space:" + pick(c.twin, []string{"team", "portal", "home"})))
	if len(sp.Levels) == 0 {
		return c.trySetEntry(by)
	}
	e := pick(c.twin, sp.Levels)
	e.Revoke, e.Deny = 0, 0
	return policy.SetLevel{Space: sp.ID, Entry: e}
}

func (c *court) trySetLevel(by string) policy.Change {
	space := pick(c.twin, []string{"team", "team", "portal", "home"})
	change := policy.SetLevel{Space: c.id("space:" + space), Entry: c.tryLine(by, "/"+space)}
	if sp := c.state.Space(change.Space); len(sp.Pins) > 0 && c.chance(30) {
		change.Entry.Principal = pick(c.twin, sp.Pins)
	}
	if c.state.User(change.Entry.Principal) != nil && c.chance(50) {
		change.Pin = new(c.chance(40))
	}
	return change
}

func (c *court) tryClear(by string) policy.Change {
	path := c.whereManaged(by)
	change := policy.ClearEntries{Node: c.node(path)}
	if m := c.state.Mark(change.Node); m != nil && len(m.Entries) > 0 && c.chance(80) {
		change.Principal = pick(c.twin, m.Entries).Principal
	}
	return change
}

func (c *court) tryCut(by string) policy.Change {
	path := c.whereManaged(by)
	for range 10 {
		if other := c.whereManaged(by); c.state.Mark(c.node(other)) != nil && c.state.Mark(c.node(other)).Cut {
			path = other
		}
	}
	return policy.SetCut{At: c.place(path), On: c.chance(50)}
}

func (c *court) tryMembership(by string) policy.Change {
	group := pick(c.twin, c.state.Groups())
	for range 20 {
		if other := pick(c.twin, c.state.Groups()); slices.Contains(other.Managers, c.id(by)) {
			group = other
		}
	}
	if len(group.Members) > 0 && c.chance(40) {
		return policy.Leave{Group: group.ID, Member: pick(c.twin, group.Members)}
	}
	return policy.Join{Group: group.ID, Member: c.id(pick(c.twin, slices.Concat(c.users, c.groups, []string{by})))}
}

// tryUser makes an account, promotes one, or touches one's own or another's.
func (c *court) tryUser(by string) policy.Change {
	u := *c.state.User(c.id(pick(c.twin, c.users)))
	switch c.rng.IntN(4) {
	case 0:
		c.last++
		name := fmt.Sprintf("user:n%d", c.last)
		c.name(name)
		u = policy.User{ID: c.id(name), Name: name[5:], Type: pick(c.twin, policy.Types[2:]), Profile: u.Profile}
		c.users = append(c.users, name)
		if _, _, err := c.state.ApplyAs(c.acting(by), policy.PutUser{User: u}); err != nil {
			c.users = c.users[:len(c.users)-1]
		}
	case 1:
		u = *c.state.User(c.id(by))
		u.Email, u.Type = "new@example.org", pick(c.twin, []policy.Type{u.Type, u.Type, policy.Admin})
	default:
		guests := slices.DeleteFunc(c.state.Users(), func(u *policy.User) bool { return u.Type != policy.Guest })
		if len(guests) > 0 {
			u = *pick(c.twin, guests)
		}
		u.Type = pick(c.twin, []policy.Type{policy.Member, policy.Member, policy.Manager})
	}
	return policy.PutUser{User: u}
}

func (c *court) trySpace(by string) policy.Change {
	if c.chance(50) {
		sp := *c.state.Space(c.id("space:" + pick(c.twin, []string{"team", "portal", "home"})))
		sp.State = pick(c.twin, []policy.SpaceState{policy.Active, policy.Archived, policy.Closed, policy.Trashed})
		return policy.PutSpace{Space: sp}
	}
	c.last += 2
	me := c.id(by)
	sp := policy.Space{
		ID: policy.ID(c.last), Name: fmt.Sprintf("room %d", c.last), Kind: policy.Room, State: policy.Active, Owner: me,
		Root: policy.Node(c.last - 1), Quota: policy.NoLimit, Levels: []policy.Entry{{Principal: me, Allow: policy.All}},
	}
	if c.chance(30) {
		sp.Root = c.node(pick(c.twin, c.model.tree))
	}
	return policy.PutSpace{Space: sp}
}

func (c *court) tryTransfer(by string) policy.Change {
	space := c.id("space:" + pick(c.twin, []string{"team", "portal", "home"}))
	for _, sp := range c.state.Spaces() {
		if sp.Owner == c.id(by) && sp.Kind != policy.Personal {
			space = sp.ID
		}
	}
	heir := pick(c.twin, c.state.Users())
	for range 3 { // most who cannot own one are no question
		if heir.Inactive || heir.Type == policy.Guest || heir.ID == c.id(by) {
			heir = pick(c.twin, c.state.Users())
		}
	}
	return policy.TransferSpace{Space: space, Owner: heir.ID}
}

func (c *court) tryShare(by string) policy.Change {
	if all := c.state.Shares(); len(all) > 0 && c.chance(40) {
		return policy.DropShare{ID: pick(c.twin, all).ID}
	}
	sh := c.shareRecord(share{id: by, by: by, to: pick(c.twin, c.users), rights: policy.See | c.someRights()&^(policy.Manage|policy.ManageMembers|policy.ReadACL|policy.Purge|policy.BreakLock)})
	c.last++
	sh.ID = policy.ID(c.last)
	at := c.place(c.whereManaged(by))
	if c.chance(60) {
		sh.Rights = policy.See | sh.Rights&c.state.Held(c.acting(by), at)
	}
	if c.chance(30) {
		sh.To = sh.ID
	}
	return policy.PutShare{Share: sh, At: at}
}

// tryRecords changes what only admins do.
func (c *court) tryRecords(by string) policy.Change {
	me := c.state.User(c.id(by))
	mine := *c.state.Profile(me.Profile)
	switch c.rng.IntN(6) {
	case 0:
		all := policy.AllFunctions
		mine.Functions = &all
		return policy.PutProfile{Profile: mine}
	case 1:
		f := policy.Functions(c.rng.Uint64()) & policy.AllFunctions
		mine.Functions = &f
		return policy.PutProfile{Profile: mine}
	case 2:
		return policy.DropProfile{ID: mine.ID, Successor: c.id(pick(c.twin, []string{"profile:p", "profile:q", "profile:r"}))}
	case 3:
		g := *pick(c.twin, c.state.Groups())
		g.Managers = append(slices.Clone(g.Managers), me.ID)
		slices.Sort(g.Managers)
		g.Managers = slices.Compact(g.Managers)
		return policy.PutGroup{Group: g}
	case 4:
		set := c.state.Settings()
		set.AdminReads, set.Guests = pick(c.twin, []policy.AdminReads{policy.ReadsNever, policy.ReadsAlways}), c.chance(50)
		return policy.PutSettings{Settings: set}
	}
	if len(c.state.Groups()) == 1 {
		return policy.Leave{}
	}
	g := pick(c.twin, c.state.Groups())
	if _, _, err := c.state.ApplyAs(c.acting(by), policy.DropGroup{ID: g.ID}); err == nil {
		names := c.names()
		c.groups = slices.DeleteFunc(c.groups, func(name string) bool { return name == names[g.ID] })
	}
	return policy.DropGroup{ID: g.ID}
}
