package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// twin is one random world, told to the engine and to the model at once.
type twin struct {
	*world
	rng    *rand.Rand
	model  *model
	users  []string
	groups []string // and roles
	shape  shape
	seed   uint64
}

// shape makes worlds unlike each other, so that every way through the engine is
// taken: long lists against few principals, many groups against short lists, and
// paths deeper than the engine expects.
type shape struct {
	nodes, groups int
	depth         int // of the first folder below the root, filled with a chain
	marked        int // entries go to the first so many nodes
}

var shapes = []shape{
	{nodes: 24, groups: 12, marked: 24},
	{nodes: 12, groups: 4, marked: 2},
	{nodes: 16, groups: 30, marked: 16},
	{nodes: 8, groups: 8, marked: 36, depth: 28},
}

const (
	randomUsers   = 30
	randomEntries = 60
	lastSecond    = 4 // conditions begin and end at 0 to lastSecond
)

func newTwin(t testing.TB, seed uint64) *twin {
	w := &twin{
		world: newWorld(t), rng: rand.New(rand.NewPCG(seed, 0)), seed: seed, shape: shapes[seed%uint64(len(shapes))],
		model: &model{
			types: map[string]policy.Type{}, inactive: map[string]bool{}, members: map[string][]string{},
			spaces: map[string]*modelSpace{}, cuts: map[string]bool{}, trash: map[string]bool{},
		},
	}
	w.apply(policy.PutProfile{Profile: policy.Profile{ID: w.name("profile:p"), Name: "p", Quota: policy.NoLimit}})
	for i := range randomUsers {
		w.addUser(i)
	}
	for i := range w.shape.groups {
		w.addGroup(i)
	}
	for range 3 * w.shape.groups {
		w.join()
	}
	w.addTree("team", policy.GroupFolder)
	w.addTree("portal", policy.Portal)
	w.addTree("home", policy.Personal)
	return w
}

// grow makes n random entries, cuts and pins.
func (w *twin) grow(n int) {
	for range n {
		switch w.rng.IntN(12) {
		case 0, 1:
			w.setLevel()
		case 2:
			w.setCut()
		default:
			w.setEntry()
		}
	}
}

// edit makes one live change of any kind.
func (w *twin) edit() {
	edits := []func(){
		w.setEntry, w.setEntry, w.setEntry, w.clearEntries, w.setLevel, w.setLevel, w.setCut,
		w.join, w.join, w.leave, w.moveNode, w.moveNode, w.parkNode, w.dropNodes, w.addNode,
		w.changeUser, w.dropUser, w.dropGroup, w.changeSpace,
	}
	pick(w, edits)()
}

func pick[T any](w *twin, list []T) T { return list[w.rng.IntN(len(list))] }

func (w *twin) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *twin) userRecord(name string) policy.User {
	return policy.User{
		ID: w.id(name), Name: strings.TrimPrefix(name, "user:"), Type: w.model.types[name],
		Inactive: w.model.inactive[name], Profile: w.id("profile:p"),
	}
}

// addUser makes an account; the first is the owner and stays it.
func (w *twin) addUser(i int) {
	name := fmt.Sprintf("user:u%d", i)
	w.name(name)
	w.users = append(w.users, name)
	w.model.types[name] = policy.Owner
	if i > 0 {
		w.model.types[name] = pick(w, []policy.Type{policy.Admin, policy.Manager, policy.Member, policy.Member, policy.Guest, policy.Guest})
	}
	if i == 1 {
		w.model.types[name] = pick(w, []policy.Type{policy.Admin, policy.Manager})
	}
	w.apply(policy.PutUser{User: w.userRecord(name)})
}

func (w *twin) addGroup(i int) {
	kind := "group"
	if i%4 == 3 {
		kind = "role"
	}
	name := fmt.Sprintf("%s:g%d", kind, i)
	w.groups = append(w.groups, name)
	w.model.members[name] = nil
	w.apply(policy.PutGroup{Group: policy.Group{ID: w.name(name), Name: fmt.Sprintf("g%d", i), Role: kind == "role"}})
}

// addTree makes a space and its nodes. Names are short, so that one is often the
// beginning of another.
func (w *twin) addTree(space string, kind policy.SpaceKind) {
	owner := w.users[1]
	w.addSpace(space, kind, w.id(owner), policy.NoLimit)
	w.model.spaces[space] = &modelSpace{kind: kind, state: policy.Active, owner: owner}
	root := "/" + space
	w.model.tree = append(w.model.tree, root)
	if kind == policy.Personal {
		w.model.setLine(line{at: root, level: true, who: owner, allow: rights(w, "level:manager")})
	}
	path := root
	for range w.shape.depth {
		path += "/d"
		w.model.tree = append(w.model.tree, path)
	}
	for range w.shape.nodes {
		w.addNode()
	}
}

func (w *twin) addNode() {
	path := pick(w, w.model.tree) + "/" + pick(w, []string{"a", "ab", "b"})
	if !slices.Contains(w.model.tree, path) && strings.Count(path, "/") < 36 {
		w.model.tree = append(w.model.tree, path)
	}
}

// somewhere is a path that may carry entries in this shape of world. Nothing is
// changed in the trash.
func (w *twin) somewhere() string {
	for {
		path := w.model.tree[w.rng.IntN(min(w.shape.marked, len(w.model.tree)))]
		if !w.model.trashed(path) {
			return path
		}
	}
}

func (w *twin) somebody() string {
	switch w.rng.IntN(12) {
	case 0, 1:
		return pick(w, []string{"members", "anyone-signed-in", "links"})
	case 2, 3, 4:
		return pick(w, w.users)
	}
	return pick(w, slices.Concat(w.groups, w.users[:3]))
}

func (w *twin) someRights() policy.Rights {
	switch w.rng.IntN(6) {
	case 0, 1:
		return rights(w, "level:"+pick(w, policy.LevelNames()))
	case 2:
		return policy.See | policy.Right(1)<<w.rng.IntN(18)
	case 3:
		return policy.Right(1) << w.rng.IntN(18)
	case 4:
		return policy.Manage
	}
	return policy.Rights(w.rng.Uint32()) & policy.All
}

// someLine is a line with something to say, often under a condition.
func (w *twin) someLine(at string) line {
	l := line{at: at, who: w.somebody()}
	switch w.rng.IntN(9) {
	case 0:
		l.revoke = w.someRights()
	case 1:
		l.deny = w.someRights() & w.someRights()
	case 2:
		l.allow, l.revoke, l.deny = w.someRights(), w.someRights(), policy.Right(1)<<w.rng.IntN(18)
		l.revoke &^= l.allow
	default:
		l.allow = w.someRights()
	}
	if w.chance(25) {
		for _, c := range []string{"web", "mobile", "desktop", "dav"} {
			if w.chance(40) {
				l.class = append(l.class, c)
			}
		}
	}
	if w.chance(25) {
		l.from, l.until = int64(w.rng.IntN(lastSecond)), int64(w.rng.IntN(lastSecond+1))
		if l.until <= l.from {
			l.until = 0
		}
	}
	return l
}

func (w *twin) entry(l line) policy.Entry {
	class, err := policy.ParseClasses(strings.Join(l.class, ","))
	if err != nil {
		w.Fatal(err)
	}
	return policy.Entry{
		Principal: w.id(l.who), Allow: l.allow, Revoke: l.revoke, Deny: l.deny, Class: class, From: l.from, Until: l.until,
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

func (w *twin) setEntry() {
	l := w.someLine(w.somewhere())
	if w.chance(10) && len(w.model.lines) > 0 { // say nothing any more
		if old := pick(w, w.model.lines); !old.level && !w.model.trashed(old.at) {
			l = old
			l.allow, l.revoke, l.deny = 0, 0, 0
		}
	}
	w.put(l)
}

// setLevel gives a level, in one of three cases with or without a pin.
func (w *twin) setLevel() {
	space := pick(w, []string{"team", "team", "portal", "home"})
	l := w.someLine("/" + space)
	l.level = true
	sp := w.model.spaces[space]
	if l.who == sp.owner {
		return
	}
	l = w.fits(l)
	if !strings.HasPrefix(l.who, "user:") || w.chance(66) {
		w.put(l)
		return
	}
	on := w.chance(70)
	w.model.setLine(l)
	sp.pins = slices.DeleteFunc(sp.pins, func(p string) bool { return p == l.who })
	if on {
		sp.pins = append(sp.pins, l.who)
	}
	w.apply(policy.SetLevel{Space: w.id("space:" + space), Entry: w.entry(l), Pin: &on})
}

func (w *twin) setCut() {
	path, on := w.somewhere(), w.chance(50)
	w.model.cuts[path] = on
	w.apply(policy.SetCut{At: w.place(path), On: on})
}

func (w *twin) clearEntries() {
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
}

// join makes a member, where it closes no circle.
func (w *twin) join() {
	group, member := pick(w, w.groups), pick(w, w.users)
	if w.chance(35) {
		member = pick(w, w.groups)
	}
	change := policy.Join{Group: w.id(group), Member: w.id(member)}
	if slices.Contains(w.model.principals(group), member) {
		if err := w.try(change); err == nil {
			w.Fatalf("seed %d: %s joined %s, which it holds", w.seed, member, group)
		}
		return
	}
	if !slices.Contains(w.model.members[group], member) {
		w.model.members[group] = append(w.model.members[group], member)
	}
	w.apply(change)
}

func (w *twin) leave() {
	group := pick(w, w.groups)
	if len(w.model.members[group]) == 0 {
		return
	}
	member := pick(w, w.model.members[group])
	w.model.leave(group, member)
	w.apply(policy.Leave{Group: w.id(group), Member: w.id(member)})
}

// moveNode moves a tree, now and then into another space.
func (w *twin) moveNode() {
	from, to := pick(w, w.model.tree), pick(w, w.model.tree)
	if strings.Count(from, "/") == 1 || below(to, from) || w.model.trashed(to) || spaceOf(from) != spaceOf(to) && w.chance(70) {
		return
	}
	to += fmt.Sprintf("/m%d", len(w.model.tree))
	if slices.Contains(w.model.tree, to) {
		return
	}
	w.place(from)
	w.model.move(from, to)
	if err := w.stepMove(words{plain: []string{from, to}}); err != nil {
		w.Fatal(err)
	}
}

// parkNode deletes a tree into the trash, where it matters to the engine.
func (w *twin) parkNode() {
	path := pick(w, w.model.tree)
	if strings.Count(path, "/") == 1 || !w.state.OnWay(w.node(path)) {
		return
	}
	w.model.trash[path] = true
	if err := w.stepDelete(words{plain: []string{path}}); err != nil {
		w.Fatal(err)
	}
}

func (w *twin) dropNodes() {
	path := pick(w, w.model.tree)
	if strings.Count(path, "/") == 1 || w.chance(50) {
		return
	}
	w.model.remove(path)
	if err := w.stepErase(words{plain: []string{path}}); err != nil {
		w.Fatal(err)
	}
}

// changeUser gives another type, or closes or opens an account.
func (w *twin) changeUser() {
	name := w.users[1+w.rng.IntN(len(w.users)-1)]
	if w.chance(50) {
		w.model.inactive[name] = !w.model.inactive[name]
	} else {
		w.model.types[name] = pick(w, policy.Types)
		if name == w.users[1] { // who owns a portal
			w.model.types[name] = pick(w, []policy.Type{policy.Admin, policy.Manager})
		}
	}
	w.apply(policy.PutUser{User: w.userRecord(name)})
}

// dropUser deletes an account after closing it, in one change. The owner of the
// personal drive stays.
func (w *twin) dropUser() {
	if len(w.users) < 20 {
		return
	}
	i := 2 + w.rng.IntN(len(w.users)-2)
	name := w.users[i]
	w.model.inactive[name] = true
	closed := w.userRecord(name)
	w.users = slices.Delete(w.users, i, i+1)
	w.model.drop(name)
	w.apply(policy.PutUser{User: closed}, policy.DropUser{ID: closed.ID})
}

func (w *twin) dropGroup() {
	if len(w.groups) < 4 || w.chance(50) {
		return
	}
	i := w.rng.IntN(len(w.groups))
	name := w.groups[i]
	w.groups = slices.Delete(w.groups, i, i+1)
	w.model.drop(name)
	w.apply(policy.DropGroup{ID: w.id(name)})
}

func (w *twin) changeSpace() {
	name := pick(w, []string{"team", "portal", "home"})
	sp := w.model.spaces[name]
	sp.state = pick(w, []policy.SpaceState{policy.Active, policy.Active, policy.Active, policy.Active, policy.Active, policy.Archived, policy.Closed, policy.Trashed})
	next := *w.state.Space(w.id("space:" + name))
	next.State, next.Levels, next.Pins = sp.state, nil, nil
	w.apply(policy.PutSpace{Space: next})
}

// question is a random one: any account, credential, class and second.
func (w *twin) question() question {
	q := question{
		who: pick(w, w.users), mask: policy.All, now: int64(w.rng.IntN(lastSecond + 2)),
		class: pick(w, []string{"web", "web", "mobile", "desktop", "dav", "unknown", ""}),
	}
	if w.chance(15) {
		q.mask = policy.ReadOnly
	}
	return q
}

func (w *twin) asked(q question) policy.Subject {
	class, err := policy.ParseClasses(q.class)
	if err != nil {
		w.Fatal(err)
	}
	return policy.Subject{User: w.id(q.who), Mask: q.mask, Class: class, Now: q.now}
}

// lines prints what the model knows that may matter at a path.
func (w *twin) lines(q question, path string) string {
	var b strings.Builder
	mine := w.model.principals(q.who)
	fmt.Fprintf(&b, "%s (%s) is %v; space %+v\n", q.who, w.model.types[q.who], mine, *w.model.spaces[spaceOf(path)])
	for _, l := range w.model.lines {
		if (below(path, l.at) || below(l.at, path)) && slices.Contains(mine, l.who) {
			fmt.Fprintf(&b, "\t%s level=%v %s allow=%v revoke=%v deny=%v class=%v from=%d until=%d\n",
				l.at, l.level, l.who, l.allow, l.revoke, l.deny, l.class, l.from, l.until)
		}
	}
	for cut, on := range w.model.cuts {
		if on && (below(path, cut) || below(cut, path)) {
			fmt.Fprintf(&b, "\tcut %s\n", cut)
		}
	}
	return b.String()
}
