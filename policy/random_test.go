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
	met    tally              // kinds of edits and answers
	rank   func() policy.Rank // of who sets walls and cuts; nil for the operator
}

// tally counts what random worlds met, by name.
type tally map[string]int

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
		model: newModel(), met: tally{},
	}
	for _, name := range []string{"p", "q", "r"} {
		w.name("profile:" + name)
		w.model.profiles["profile:"+name] = &modelProfile{}
		w.apply(policy.PutProfile{Profile: w.profileRecord("profile:" + name)})
	}
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
	for _, l := range []line{{at: "/team", who: "members"}, {at: "/portal", who: pick(w, w.groups)}, {at: "/home", who: pick(w, w.users[2:])}} {
		if w.chance(70) {
			l.level, l.allow = true, w.someRights()|policy.See
			w.put(l)
		}
	}
	return w
}

// grow makes n random entries, cuts, pins and shares.
func (w *twin) grow(n int) {
	for range n {
		switch w.rng.IntN(14) {
		case 0, 1:
			w.setLevel()
		case 2:
			w.setCut()
		case 3, 4:
			w.putShare()
		default:
			w.setEntry()
		}
	}
}

func pick[T any](w *twin, list []T) T { return list[w.rng.IntN(len(list))] }

func (w *twin) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *twin) userRecord(name string) policy.User {
	return policy.User{
		ID: w.id(name), Name: strings.TrimPrefix(name, "user:"), Type: w.model.types[name],
		Inactive: w.model.inactive[name], Until: w.model.until[name], Profile: w.id(w.model.profile[name]),
	}
}

func (w *twin) profileRecord(name string) policy.Profile {
	p := w.model.profiles[name]
	record := policy.Profile{ID: w.id(name), Name: strings.TrimPrefix(name, "profile:"), Quota: policy.NoLimit, LinkDays: p.linkDays}
	if p.functions != nil {
		f, err := policy.ParseFunctions(strings.Join(p.functions, ","))
		if err != nil {
			w.Fatal(err)
		}
		record.Functions = &f
	}
	return record
}

// addUser makes an account; the first is the owner and stays it.
func (w *twin) addUser(i int) {
	name := fmt.Sprintf("user:u%d", i)
	w.name(name)
	w.users = append(w.users, name)
	w.model.types[name], w.model.profile[name] = policy.Owner, "profile:p"
	if i > 0 {
		w.model.types[name] = pick(w, []policy.Type{policy.Admin, policy.Manager, policy.Member, policy.Member, policy.Guest, policy.Guest})
		w.model.profile[name] = pick(w, []string{"profile:p", "profile:p", "profile:q", "profile:r"})
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

func (w *twin) addNode() bool {
	path := pick(w, w.model.tree) + "/" + pick(w, []string{"a", "ab", "b"})
	if slices.Contains(w.model.tree, path) || strings.Count(path, "/") >= 36 {
		return false
	}
	w.model.tree = append(w.model.tree, path)
	return true
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

// somewhereBelow is such a path at or under another.
func (w *twin) somewhereBelow(top string) string {
	var paths []string
	for i, path := range w.model.tree {
		if below(path, top) && (i < w.shape.marked || path == top) && !w.model.trashed(path) {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return w.somewhere()
	}
	return pick(w, paths)
}

func (w *twin) somebody() string {
	switch w.rng.IntN(14) {
	case 0, 1:
		return pick(w, []string{"members", "anyone-signed-in", "links"})
	case 2, 3, 4:
		return pick(w, w.users)
	case 5:
		if link := w.someLink(); link != "" {
			return link
		}
	}
	return pick(w, slices.Concat(w.groups, w.users[:3]))
}

// someLink is one of the links there are, if there are any.
func (w *twin) someLink() string {
	var links []string
	for _, sh := range w.model.shares {
		if sh.isLink() {
			links = append(links, sh.id)
		}
	}
	if len(links) == 0 {
		return ""
	}
	return pick(w, links)
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
		l.class = w.someOf("unknown", "web", "mobile", "desktop", "dav")
	}
	if w.chance(20) {
		l.network = w.someOf("inside", "outside")
	}
	if w.chance(25) {
		l.from, l.until = int64(w.rng.IntN(lastSecond)), int64(w.rng.IntN(lastSecond+1))
		if l.until <= l.from {
			l.until = 0
		}
	}
	return l
}

// someOf are some of the words, in their order.
func (w *twin) someOf(words ...string) (some []string) {
	for _, word := range words {
		if w.chance(40) {
			some = append(some, word)
		}
	}
	return some
}

func (w *twin) entry(l line) policy.Entry {
	class, err := policy.ParseClasses(strings.Join(l.class, ","))
	if err != nil {
		w.Fatal(err)
	}
	network, err := policy.ParseNetworks(strings.Join(l.network, ","))
	if err != nil {
		w.Fatal(err)
	}
	var rank policy.Rank
	if w.rank != nil && l.deny != 0 {
		rank = w.rank()
	}
	return policy.Entry{
		Rank: rank, Principal: w.id(l.who), Allow: l.allow, Revoke: l.revoke, Deny: l.deny,
		Class: class, Network: network, From: l.from, Until: l.until,
	}
}

// someShare hands on something; often what was handed to its giver, so that
// chains and circles come about.
func (w *twin) someShare() share {
	sh := share{at: w.somewhere(), by: pick(w, w.users), rights: w.someRights(), made: int64(w.rng.IntN(lastSecond))}
	if w.chance(40) {
		sh.by = w.model.spaces[spaceOf(sh.at)].owner
	}
	sh.to = pick(w, slices.Concat(w.groups, w.users, []string{"members"}))
	if len(w.model.shares) > 0 && w.chance(60) {
		from := pick(w, w.model.shares)
		if who := w.oneOf(from.to); who != "" {
			sh.by, sh.at, sh.rights = who, w.somewhereBelow(from.at), from.rights|sh.rights
		}
		if w.chance(25) {
			sh.to = pick(w, w.model.shares).by
		}
	}
	sh.rights = sh.rights&^(policy.Manage|policy.ManageMembers|policy.ReadACL|policy.Purge|policy.BreakLock) | policy.See
	sh.made -= pick(w, []int64{0, 0, 1, 2, 30}) * day
	if w.chance(20) {
		sh.until = 1 + int64(w.rng.IntN(lastSecond))
		sh.made = min(sh.made, sh.until-1)
	}
	return sh
}

// oneOf is some account of a principal, empty when there is none.
func (w *twin) oneOf(principal string) string {
	for range 8 {
		if who := pick(w, w.users); slices.Contains(w.model.principals(who), principal) {
			return who
		}
	}
	return ""
}

func (w *twin) shareRecord(sh share) policy.Share {
	record := policy.Share{
		ID: w.id(sh.id), By: w.id(sh.by), To: w.id(sh.to), Rights: sh.rights,
		Made: sh.made, Until: sh.until, Password: sh.password, Calendar: sh.calendar,
	}
	return record
}

// question is a random one: any account or link, credential and context.
func (w *twin) question() question {
	q := question{
		who: pick(w, w.users), mask: policy.All, now: int64(w.rng.IntN(lastSecond + 2)),
		class:   pick(w, []string{"web", "web", "mobile", "desktop", "dav", "unknown", ""}),
		network: pick(w, []string{"inside", "inside", "outside", ""}),
		steady:  w.chance(6),
	}
	if len(w.model.lines) > 0 && w.chance(50) { // somebody whom a line speaks of
		if who := w.oneOf(pick(w, w.model.lines).who); who != "" {
			q.who = who
		}
	}
	if link := w.someLink(); link != "" && w.chance(12) {
		q.who = link
	}
	if len(w.model.ended) > 0 && w.chance(2) {
		q.who = pick(w, w.model.ended)
	}
	switch w.rng.IntN(20) {
	case 0, 1:
		q.mask = policy.ReadOnly
	case 2:
		q.mask = w.someRights()
	case 3, 4:
		q.spaces = pick(w, []string{"team", "team,portal", "home"})
	}
	return q
}

func (w *twin) asked(q question) policy.Subject {
	class, err := policy.ParseClasses(q.class)
	if err != nil {
		w.Fatal(err)
	}
	network, err := policy.ParseNetworks(q.network)
	if err != nil {
		w.Fatal(err)
	}
	sub := policy.Subject{User: w.id(q.who), Mask: q.mask, Class: class, Network: network, Now: q.now, Steady: q.steady}
	if strings.HasPrefix(q.who, "link:") {
		sub.User, sub.Link = policy.Nobody, sub.User
	}
	if q.spaces != "" {
		for name := range strings.SplitSeq(q.spaces, ",") {
			sub.Spaces = append(sub.Spaces, w.id("space:"+name))
		}
	}
	return sub
}

// lines prints what the model knows that may matter at a path.
func (w *twin) lines(q question, path string) string {
	var b strings.Builder
	mine := w.model.principals(q.who)
	fmt.Fprintf(&b, "%s (%s) is %v; space %+v; settings %+v\n",
		q.who, w.model.types[q.who], mine, *w.model.spaces[spaceOf(path)], w.model.settings)
	for who, name := range w.model.profile {
		if who == q.who || slices.ContainsFunc(w.model.shares, func(sh share) bool { return sh.by == who }) {
			fmt.Fprintf(&b, "\t%s %s inactive=%v until=%d %s %+v\n", who, w.model.types[who], w.model.inactive[who], w.model.until[who], name, *w.model.profiles[name])
		}
	}
	for _, l := range w.model.lines {
		if below(path, l.at) || below(l.at, path) {
			fmt.Fprintf(&b, "\t%s level=%v %s allow=%v revoke=%v deny=%v class=%v network=%v from=%d until=%d\n",
				l.at, l.level, l.who, l.allow, l.revoke, l.deny, l.class, l.network, l.from, l.until)
		}
	}
	for _, sh := range w.model.shares {
		fmt.Fprintf(&b, "\t%+v\n", sh)
	}
	for cut, on := range w.model.cuts {
		if on && (below(path, cut) || below(cut, path)) {
			fmt.Fprintf(&b, "\tcut %s\n", cut)
		}
	}
	return b.String()
}
