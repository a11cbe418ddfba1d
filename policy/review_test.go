package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// signs is for worlds in which every account has something to sign in with.
func signs(policy.ID) bool { return true }

// contexts are the ways to ask that random worlds tell apart, but for the time.
func contexts() (all []policy.Subject) {
	for _, class := range []policy.Class{0, policy.Web, policy.Mobile, policy.Desktop, policy.DAV} {
		for _, network := range []policy.Network{0, policy.Inside, policy.Outside} {
			all = append(all, policy.Subject{Mask: policy.All, Class: class, Network: network})
		}
	}
	return append(all, policy.Subject{Mask: policy.All, Steady: true})
}

// seconds are the moments from now on at which anything begins or ends in a
// random world.
func (w *twin) seconds(now int64) []int64 {
	var all []int64
	for _, days := range []int64{0, 1, 2, 3, 31, 40, 90} {
		for s := range int64(lastSecond + 2) {
			for _, ago := range []int64{0, 1, 2, 30} {
				if at := (days-ago)*day + s; at >= now {
					all = append(all, at)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// subtree are the nodes of the world at a place and below it.
func (w *twin) subtree(top policy.Place) (all []policy.Place) {
	for path := range w.nodes {
		at := w.place(path)
		if n := len(top.Path); len(at.Path) >= n && slices.Equal(at.Path[:n], top.Path) && !lies(at, w.trash) {
			all = append(all, at)
		}
	}
	return all
}

// without is the policy without a line, nil when it has to stay.
func (w *twin) without(l policy.LineAt) *policy.State {
	e := l.Entry
	e.Allow, e.Revoke, e.Deny, e.Level = 0, 0, 0, ""
	var c policy.Change = policy.SetEntry{At: l.Place, Entry: e}
	if l.OfSpace {
		c = policy.SetLevel{Space: l.Space, Entry: e}
	}
	next, _, err := w.state.Apply(c)
	if err != nil {
		return nil
	}
	return next
}

// turned finds a decision that is another one without the line, "" for none, at
// the moments given.
func (w *twin) turned(l policy.LineAt, next *policy.State, moments []int64) string {
	places := w.subtree(l.Place)
	for _, now := range moments {
		for _, in := range contexts() {
			for _, who := range w.askers() {
				in.User, in.Link, in.Now = w.id(who), policy.Nobody, now
				if strings.HasPrefix(who, "link:") {
					in.User, in.Link = policy.Nobody, in.User
				}
				for _, at := range places {
					if a, b := w.state.Decide(in, at, 0), next.Decide(in, at, 0); a != b {
						return fmt.Sprintf("%s as %+v at %v: %+v, without %+v", who, in, at, a, b)
					}
				}
			}
		}
	}
	return ""
}

// What a review calls idle changes no decision of anybody when it goes; and of
// what it does not call so, each line changes one.
func TestIdleLines(t *testing.T) {
	met := tally{}
	for i := range worlds(20) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries)
		for range 10 {
			w.edit()
		}
		now := int64(w.rng.IntN(lastSecond))
		r := w.state.Review(policy.Subject{Mask: policy.All, Class: policy.Web, Network: policy.Inside, Now: now}, signs)
		if r.Untried > 0 {
			t.Fatalf("seed %d: %d lines were not tried in a small world", w.seed, r.Untried)
		}
		w.checkIdle(r.Idle, now, met)
		w.checkBusy(r, now, met)
	}
	t.Logf("seeds from %d: %v", *seed, met)
	for _, kind := range []string{"idle", "idle level", "idle wall", "idle for links", "idle under a condition", "busy", "busy later"} {
		if met[kind] == 0 && !testing.Short() {
			t.Errorf("these worlds are blind: no line is %s", kind)
		}
	}
}

func (w *twin) checkIdle(idle []policy.LineAt, now int64, met tally) {
	w.Helper()
	moments := w.seconds(now)
	for i, l := range idle {
		met["idle"]++
		for kind, is := range map[string]bool{
			"idle level": l.OfSpace, "idle wall": l.Deny != 0, "idle for links": l.Principal == policy.Links,
			"idle under a condition": l.Class != 0 || l.Network != 0 || l.From != 0 || l.Until != 0,
		} {
			if is {
				met[kind]++
			}
		}
		next := w.without(l)
		if next == nil {
			w.Fatalf("seed %d: %+v is called idle and has to stay", w.seed, l)
		}
		some := []int64{moments[0], pick(w, moments)}
		if i == 0 {
			some = moments[:min(len(moments), lastSecond+2)]
		}
		if why := w.turned(l, next, some); why != "" {
			w.Fatalf("seed %d: %+v is called idle\n%s", w.seed, l, why)
		}
	}
}

// checkBusy samples the lines that are not called idle.
func (w *twin) checkBusy(r policy.Review, now int64, met tally) {
	w.Helper()
	moments := w.seconds(now)
	for _, l := range w.everyLine() {
		is := func(o policy.LineAt) bool {
			return o.Entry == l.Entry && o.Space == l.Space && slices.Equal(o.Path, l.Path) && o.OfSpace == l.OfSpace
		}
		if w.speaksOfNobody(l, now) || slices.ContainsFunc(r.Idle, is) || w.state.Space(l.Space).State != policy.Active || w.chance(50) {
			continue
		}
		next := w.without(l)
		if next == nil {
			continue
		}
		switch {
		case w.turned(l, next, moments[:1]) != "":
			met["busy"]++
		case w.turned(l, next, moments[1:]) != "":
			met["busy later"]++
		default:
			w.Fatalf("seed %d: %+v is not called idle and nothing needs it", w.seed, l)
		}
	}
}

// speaksOfNobody: such lines are told as unused if they give anything, and their
// going is not tried.
func (w *twin) speaksOfNobody(l policy.LineAt, now int64) bool {
	if l.Until != 0 && now >= l.Until {
		return true
	}
	named := w.state.User(l.Principal) != nil || w.state.Group(l.Principal) != nil
	return named && !slices.ContainsFunc(w.state.MembersOf(l.Principal), func(id policy.ID) bool { return w.state.User(id).ActiveAt(now) })
}

// everyLine are the lines of the policy that do not lie in the trash.
func (w *twin) everyLine() (all []policy.LineAt) {
	for _, sp := range w.state.Spaces() {
		for _, e := range sp.Levels {
			all = append(all, policy.LineAt{Place: policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}, Entry: e, OfSpace: true})
		}
	}
	for path := range w.nodes {
		at := w.place(path)
		if m := w.state.Mark(at.Path[len(at.Path)-1]); m != nil && !lies(at, w.trash) {
			for _, e := range m.Entries {
				all = append(all, policy.LineAt{Place: at, Entry: e})
			}
		}
	}
	return all
}

// TestReview tells an organisation what it should look at.
func TestReview(t *testing.T) {
	w := newOrganisation(t)
	for line := range strings.Lines(`
		profile spare 1
		group group:empty
		group role:clerk user:mia
		group group:choir user:mia user:max
		managers group:choir user:mia
		level team group:empty viewer
		level team user:nils none pin
		acl /team user:nils allow=level:viewer until=100
		acl /team/HR group:contractors deny=read rank=admin
		acl /team/HR user:mia deny=purge until=150
		acl /team/Sales user:max allow=read
		acl /carl-portal/in user:carl allow=read,delete until=900
		acl /room/drafts user:carl allow=level:viewer until=900
		share mia user:max /home-mia/notes.txt
		acl /home-mia/notes.txt user:max allow=see,read
		share mia group:empty /home-mia/shared
		account zoe inactive`) {
		if err := w.step(strings.TrimSpace(line)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	w.link("user:mia", "/home-mia/notes.txt", 0, false)
	w.link("user:mia", "/home-mia/shared", 700, true)
	w.link("user:mia", "/home-mia/shared/plan.odt", 800, false)
	set := w.state.Settings()
	set.LinkDays = 0
	w.apply(policy.PutSettings{Settings: set})
	in := policy.Subject{Mask: policy.All, Class: policy.Web, Network: policy.Inside, Now: 200}
	r := w.state.Review(in, func(id policy.ID) bool { return id != w.id("user:gus") })
	got := w.reviewed(r)
	want := `guest carl at /carl-portal level portal until 0
guest carl at /room/drafts level viewer until 900
guest gus at /room level viewer until 0
link at /home-mia/notes.txt ends 0 password false
link at /home-mia/shared/plan.odt ends 800 password false
unused share of mia with group:empty: it has no members
unused group:empty at /team: it has no members
unused user:gus at /room: the account has nothing to sign in with
unused user:nils at /team: it has ended
unused user:mia at /team/HR: it has ended
wall user:mia at /team/HR by owner
wall group:contractors at /team/HR by admin
idle user:carl at /carl-portal/in
idle user:max at /team/Sales
sole team mona
sole room mona
sole carl-portal mona
sole group:choir mia
spare light: no account has it
spare spare: no account has it
spare choir: no level, line or share names it, nor a group that it is in
spare eu-sales: no level, line or share names it, nor a group that it is in
spare hr: no level, line or share names it, nor a group that it is in
spare sales: no level, line or share names it, nor a group that it is in
spare empty: nobody is in it
spare auditor: nobody is in it
spare clerk: no level, line or share names it, nor a group that it is in`
	if diff := differing(strings.Split(want, "\n"), got); len(diff) > 0 {
		t.Errorf("told:\n%s\ndiffering:\n%s", strings.Join(got, "\n"), strings.Join(diff, "\n"))
	}
}

// differing are the lines that stand in one list only.
func differing(want, got []string) (diff []string) {
	for _, line := range want {
		if !slices.Contains(got, line) {
			diff = append(diff, "- "+line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			diff = append(diff, "+ "+line)
		}
	}
	return diff
}

// link makes a link at the moment 0.
func (w *world) link(by, path string, until int64, password bool) {
	w.Helper()
	w.last++
	sh := policy.Share{ID: policy.ID(w.last), To: policy.ID(w.last), By: w.id(by), Rights: policy.See | policy.Read, Until: until, Password: password}
	w.apply(policy.PutShare{Share: sh, At: w.place(path)})
}

// reviewed is a review in the names of a world.
func (w *world) reviewed(r policy.Review) (all []string) {
	say := func(format string, a ...any) { all = append(all, fmt.Sprintf(format, a...)) }
	path := func(at policy.Place) string {
		for path, n := range w.nodes {
			if n == at.Path[len(at.Path)-1] {
				return path
			}
		}
		return "?"
	}
	who := w.state.PrincipalName
	user := func(id policy.ID) string { return strings.TrimPrefix(who(id), "user:") }
	for _, g := range r.Guests {
		for _, p := range g.Places {
			say("guest %s at %s level %s until %d", user(g.User), path(p.Place), policy.LevelOf(p.Held), p.Until)
		}
	}
	for _, l := range r.Links {
		say("link at %s ends %d password %t", path(l.Place), l.Ends, l.Password)
	}
	for _, u := range r.Unused {
		if u.Line != nil {
			say("unused %s at %s: %s", who(u.Line.Principal), path(u.Line.Place), u.Why)
		} else {
			say("unused share of %s with %s: %s", user(u.Share.By), who(u.Share.To), u.Why)
		}
	}
	for _, l := range r.Walls {
		say("wall %s at %s by %s", who(l.Principal), path(l.Place), l.Rank)
	}
	for _, l := range r.Idle {
		say("idle %s at %s", who(l.Principal), path(l.Place))
	}
	for _, s := range r.Soles {
		name := who(s.Of)
		if sp := w.state.Space(s.Of); sp != nil {
			name = sp.Name
		}
		say("sole %s %s", name, user(s.Manager))
	}
	for _, s := range r.Spare {
		name := user(s.ID)
		if p := w.state.Profile(s.ID); p != nil {
			name = p.Name
		} else if g := w.state.Group(s.ID); g != nil {
			name = g.Name
		}
		say("spare %s: %s", name, s.Why)
	}
	return all
}
