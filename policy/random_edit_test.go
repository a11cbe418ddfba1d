package policy_test

import (
	"fmt"
	"slices"
	"strings"

	"davit/policy"
)

// edits are the kinds of live changes, and how often each is tried.
var edits = []struct {
	what  string
	often int
	make  func(*twin) bool // false when this world has no such change just now
}{
	{"entry", 6, (*twin).setEntry}, {"clear", 2, (*twin).clearEntries}, {"level", 4, (*twin).setLevel}, {"cut", 2, (*twin).setCut},
	{"join", 4, (*twin).join}, {"leave", 2, (*twin).leave}, {"move", 4, (*twin).moveNode}, {"park", 2, (*twin).parkNode},
	{"erase", 2, (*twin).dropNodes}, {"make", 2, (*twin).addNode}, {"account", 3, (*twin).changeUser}, {"drop user", 2, (*twin).dropUser},
	{"drop group", 2, (*twin).dropGroup}, {"space", 2, (*twin).changeSpace}, {"share", 5, (*twin).putShare},
	{"change share", 2, (*twin).changeShare}, {"drop share", 2, (*twin).dropShare}, {"profile", 2, (*twin).changeProfiles},
	{"settings", 2, (*twin).changeSettings}, {"transfer", 1, (*twin).transfer}, {"refused share", 2, (*twin).refusedShare},
}

// edit makes one live change of any kind.
func (w *twin) edit() {
	all := 0
	for _, e := range edits {
		all += e.often
	}
	n := w.rng.IntN(all)
	for _, e := range edits {
		if n -= e.often; n < 0 {
			if e.make(w) {
				w.met["edit "+e.what]++
			}
			return
		}
	}
}

// fits bends a line to what may be said at its place: nothing against a space's
// owner, and what a guest may be in a portal.
func (w *twin) fits(l line) line {
	sp := w.model.spaces[spaceOf(l.at)]
	if l.who == sp.owner {
		l.revoke, l.deny = 0, 0
	}
	if l.level && sp.kind == policy.Portal && w.model.types[l.who] == policy.Guest && l.allow != 0 {
		l.allow = rights(w, "level:portal")
		l.revoke &^= l.allow
	}
	return l
}

// put tells a line to both.
func (w *twin) put(l line) {
	l = w.fits(l)
	w.model.setLine(l)
	if l.level {
		w.apply(policy.SetLevel{Space: w.id("space:" + spaceOf(l.at)), Entry: w.entry(l)})
	} else {
		w.apply(policy.SetEntry{At: w.place(l.at), Entry: w.entry(l)})
	}
}

func (w *twin) setEntry() bool {
	l := w.someLine(w.somewhere())
	if w.chance(10) && len(w.model.lines) > 0 { // say nothing any more
		if old := pick(w, w.model.lines); !old.level && !w.model.trashed(old.at) {
			l = old
			l.allow, l.revoke, l.deny = 0, 0, 0
		}
	}
	w.put(l)
	return true
}

// setLevel gives a level, in one of three cases with or without a pin.
func (w *twin) setLevel() bool {
	space := pick(w, []string{"team", "team", "portal", "home"})
	l := w.someLine("/" + space)
	l.level = true
	sp := w.model.spaces[space]
	if l.who == sp.owner {
		return false
	}
	l = w.fits(l)
	if !strings.HasPrefix(l.who, "user:") || w.chance(66) {
		w.put(l)
		return true
	}
	on := w.chance(70)
	w.model.setLine(l)
	sp.pins = slices.DeleteFunc(sp.pins, func(p string) bool { return p == l.who })
	if on {
		sp.pins = append(sp.pins, l.who)
	}
	w.apply(policy.SetLevel{Space: w.id("space:" + space), Entry: w.entry(l), Pin: &on})
	return true
}

func (w *twin) setCut() bool {
	path, on := w.somewhere(), w.chance(50)
	w.model.cuts[path] = on
	change := policy.SetCut{At: w.place(path), On: on}
	if w.rank != nil {
		change.Rank = w.rank()
	}
	w.apply(change)
	return true
}

func (w *twin) clearEntries() bool {
	path, who := w.somewhere(), ""
	if w.chance(70) {
		who = w.somebody()
	}
	w.model.clear(path, who)
	c := policy.ClearEntries{Node: w.node(path)}
	if who != "" {
		c.Principal = w.id(who)
	}
	w.apply(c)
	return true
}

// join makes a member, where it closes no circle.
func (w *twin) join() bool {
	group, member := pick(w, w.groups), pick(w, w.users)
	if w.chance(35) {
		member = pick(w, w.groups)
	}
	change := policy.Join{Group: w.id(group), Member: w.id(member)}
	if slices.Contains(w.model.principals(group), member) {
		if err := w.try(change); err == nil {
			w.Fatalf("seed %d: %s joined %s, which it holds", w.seed, member, group)
		}
		w.met["edit refused circle"]++
		return false
	}
	if !slices.Contains(w.model.members[group], member) {
		w.model.members[group] = append(w.model.members[group], member)
	}
	w.apply(change)
	return true
}

func (w *twin) leave() bool {
	group := pick(w, w.groups)
	if len(w.model.members[group]) == 0 {
		return false
	}
	member := pick(w, w.model.members[group])
	w.model.leave(group, member)
	w.apply(policy.Leave{Group: w.id(group), Member: w.id(member)})
	return true
}

// moveNode moves a tree, now and then into another space.
func (w *twin) moveNode() bool {
	from, to := pick(w, w.model.tree), pick(w, w.model.tree)
	if len(w.model.trash) > 0 && w.chance(25) {
		from = pick(w, w.parked())
	}
	if strings.Count(from, "/") == 1 || below(to, from) || w.model.trashed(to) || spaceOf(from) != spaceOf(to) && w.chance(70) {
		return false
	}
	to += fmt.Sprintf("/m%d", len(w.model.tree))
	if slices.Contains(w.model.tree, to) {
		return false
	}
	if spaceOf(from) != spaceOf(to) {
		w.met["edit move to another space"]++
	}
	if w.model.trash[from] {
		w.met["edit restore"]++
	}
	w.place(from)
	w.model.move(from, to)
	if err := w.stepMove(words{plain: []string{from, to}}); err != nil {
		w.Fatal(err)
	}
	return true
}

// parked are the paths that were deleted and lie in the trash, in the order of
// the tree.
func (w *twin) parked() []string {
	return slices.DeleteFunc(slices.Clone(w.model.tree), func(path string) bool { return !w.model.trash[path] })
}

// parkNode deletes a tree into the trash, where it matters to the engine.
func (w *twin) parkNode() bool {
	path := pick(w, w.model.tree)
	if strings.Count(path, "/") == 1 || !w.state.OnWay(w.node(path)) {
		return false
	}
	w.model.trash[path] = true
	if err := w.stepDelete(words{plain: []string{path}}); err != nil {
		w.Fatal(err)
	}
	return true
}

func (w *twin) dropNodes() bool {
	path := pick(w, w.model.tree)
	if strings.Count(path, "/") == 1 || w.chance(50) {
		return false
	}
	w.model.remove(path)
	if err := w.stepErase(words{plain: []string{path}}); err != nil {
		w.Fatal(err)
	}
	return true
}

// changeUser gives another type, profile or end, or closes or opens an account.
func (w *twin) changeUser() bool {
	name := w.users[1+w.rng.IntN(len(w.users)-1)]
	switch w.rng.IntN(4) {
	case 0:
		w.model.inactive[name] = !w.model.inactive[name]
	case 1:
		w.model.until[name] = int64(w.rng.IntN(lastSecond + 1))
	case 2:
		w.model.profile[name] = pick(w, []string{"profile:p", "profile:q", "profile:r"})
	default:
		w.model.types[name] = pick(w, policy.Types)
		if name == w.users[1] { // who owns a portal
			w.model.types[name] = pick(w, []policy.Type{policy.Admin, policy.Manager})
		}
	}
	w.apply(policy.PutUser{User: w.userRecord(name)})
	return true
}

// dropUser deletes an account after closing it, in one change. The first owner of
// the spaces stays; what others own is handed over before.
func (w *twin) dropUser() bool {
	if len(w.users) < 20 {
		return false
	}
	i := 2 + w.rng.IntN(len(w.users)-2)
	name := w.users[i]
	for _, space := range []string{"team", "portal"} {
		if w.model.spaces[space].owner == name {
			return false
		}
	}
	w.model.inactive[name] = true
	closed := w.userRecord(name)
	w.users = slices.Delete(w.users, i, i+1)
	w.model.drop(name)
	w.apply(policy.PutUser{User: closed}, policy.DropUser{ID: closed.ID})
	return true
}

func (w *twin) dropGroup() bool {
	if len(w.groups) < 4 || w.chance(50) {
		return false
	}
	i := w.rng.IntN(len(w.groups))
	name := w.groups[i]
	w.groups = slices.Delete(w.groups, i, i+1)
	w.model.drop(name)
	w.apply(policy.DropGroup{ID: w.id(name)})
	return true
}

func (w *twin) changeSpace() bool {
	name := pick(w, []string{"team", "portal", "home"})
	sp := w.model.spaces[name]
	sp.state = pick(w, []policy.SpaceState{policy.Active, policy.Active, policy.Active, policy.Active, policy.Active, policy.Archived, policy.Closed, policy.Trashed})
	next := *w.state.Space(w.id("space:" + name))
	next.State, next.Levels, next.Pins = sp.state, nil, nil
	w.apply(policy.PutSpace{Space: next})
	return true
}

// transfer hands a space back and forth between two accounts: "the new owner
// becomes its manager".
func (w *twin) transfer() bool {
	sp := w.model.spaces["team"]
	to := pick(w, w.users[:2])
	if w.model.inactive[to] {
		return false
	}
	sp.owner = to
	sp.pins = slices.DeleteFunc(sp.pins, func(p string) bool { return p == to })
	w.model.lines = slices.DeleteFunc(w.model.lines, func(l line) bool { return l.level && l.at == "/team" && l.who == to })
	w.model.setLine(line{at: "/team", level: true, who: to, allow: rights(w, "level:manager")})
	w.model.unwall("/team", to)
	w.apply(policy.TransferSpace{Space: w.id("space:team"), Owner: w.id(to)})
	return true
}

// putShare gives a share or makes a link.
func (w *twin) putShare() bool {
	sh := w.someShare()
	if w.chance(25) {
		sh.to, sh.password, sh.calendar = "", w.chance(50), w.chance(50)
	}
	if sh.to == sh.by {
		return false
	}
	sh.id = fmt.Sprintf("share:%d", w.last)
	if sh.to == "" {
		sh.id = fmt.Sprintf("link:%d", w.last)
		sh.to = sh.id
	}
	w.name(sh.id)
	w.model.putShare(sh)
	w.apply(policy.PutShare{Share: w.shareRecord(sh), At: w.place(sh.at)})
	return true
}

// someStanding is a share that does not lie in the trash.
func (w *twin) someStanding() (share, bool) {
	if len(w.model.shares) == 0 {
		return share{}, false
	}
	sh := pick(w, w.model.shares)
	return sh, !w.model.trashed(sh.at)
}

// changeShare gives a share other rights, another end, receiver or giver.
func (w *twin) changeShare() bool {
	sh, ok := w.someStanding()
	other := w.someShare()
	if !ok {
		return false
	}
	switch {
	case w.chance(30):
		sh.by = other.by
	case w.chance(30) && !sh.isLink():
		sh.to = other.to
	default:
		sh.rights, sh.made, sh.until = other.rights, other.made, other.until
	}
	if sh.to == sh.by {
		return false
	}
	w.model.putShare(sh)
	w.apply(policy.PutShare{Share: w.shareRecord(sh), At: w.place(sh.at)})
	return true
}

func (w *twin) dropShare() bool {
	sh, ok := w.someStanding()
	if !ok {
		return false
	}
	w.model.endShares(func(o share) bool { return o.id == sh.id })
	w.apply(policy.DropShare{ID: w.id(sh.id)})
	return true
}

// refusedShare tries one that cannot be, and the state stays the same.
func (w *twin) refusedShare() bool {
	sh := w.someShare()
	if sh.to == sh.by {
		return false
	}
	w.last++
	record := w.shareRecord(share{id: sh.by, by: sh.by, to: sh.to, rights: sh.rights, made: sh.made, until: sh.until})
	record.ID = policy.ID(w.last)
	at := w.place(sh.at)
	wrong := pick(w, []func(){
		func() { record.ID = w.id(pick(w, w.users)) },
		func() { record.ID = w.id("space:team") },
		func() { record.ID = policy.FirstID - 1 },
		func() { record.By = 1 << 50 },
		func() { record.To = 1 << 50 },
		func() { record.To = policy.AnyoneSignedIn },
		func() { record.To = record.By },
		func() { record.Rights = 0 },
		func() { record.Rights |= policy.All + 1 },
		func() { record.Rights |= pick(w, []policy.Right{policy.Manage, policy.ReadACL, policy.Purge}) },
		func() { record.Made, record.Until = 2, 1 },
		func() { record.Label = strings.Repeat("x", 201) },
		func() { record.Password = true },
		func() { at.Path = nil },
		func() { at = w.place("/home"); at.Space = w.id("space:team") },
		func() {
			if sh, ok := w.someStanding(); ok {
				record.ID, at = w.id(sh.id), w.place(sh.at+"/elsewhere")
			} else {
				record.ID = 0
			}
		},
	})
	wrong()
	before := w.state
	if err := w.try(policy.PutShare{Share: record, At: at}); err == nil || w.state != before {
		w.Fatalf("seed %d: %+v at %v was accepted", w.seed, record, at)
	}
	if err := w.try(policy.DropShare{ID: 1 << 50}); err == nil || w.state != before {
		w.Fatalf("seed %d: no share was dropped", w.seed)
	}
	return true
}

// functions are the names of all of them.
var functions = policy.AllFunctions.Names()

func (w *twin) changeProfiles() bool {
	name := pick(w, []string{"profile:p", "profile:q", "profile:r"})
	p := &modelProfile{linkDays: pick(w, []int64{0, 0, 1, 3, 40})}
	if w.chance(70) {
		for _, f := range functions {
			if w.chance(88) {
				p.functions = append(p.functions, f)
			}
		}
	}
	w.model.profiles[name] = p
	w.apply(policy.PutProfile{Profile: w.profileRecord(name)})
	return true
}

func (w *twin) changeSettings() bool {
	set := modelSettings{
		links: w.chance(85), linkDays: pick(w, []int64{0, 1, 2, 31, 90}), linkPassword: w.chance(20), guests: w.chance(80),
		sharing: pick(w, []string{"any", "any", "own", "none"}), adminReads: pick(w, []string{"never", "audited", "always"}),
	}
	w.model.settings = set
	record := w.state.Settings()
	record.Links, record.LinkDays, record.LinkPassword, record.Guests = set.links, set.linkDays, set.linkPassword, set.guests
	record.Sharing, record.AdminReads = policy.Sharing(set.sharing), policy.AdminReads(set.adminReads)
	w.apply(policy.PutSettings{Settings: record})
	return true
}
