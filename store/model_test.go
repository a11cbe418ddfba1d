package store

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/policy"
)

// TestModel does thousands of random operations as people with different
// rights, in a store and in the oracle: they must agree on each answer, and
// from time to time on everything that anybody sees.
func TestModel(t *testing.T) {
	operations := 2000
	if testing.Short() {
		operations = 600
	}
	p := newPlay(t)
	for i := range operations {
		p.trace = p.trace[:0]
		if got, want := p.step(); kindOf(got) != want {
			t.Fatalf("operation %d, %s: %v, want %v", i, p.trace, got, want)
		}
		if i%100 == 99 {
			p.compare()
		}
		if i%500 == 499 {
			p.of.reopen()
			p.sessions()
			p.compare()
		}
		if t.Failed() {
			t.Fatalf("after operation %d, %s", i, p.trace)
		}
	}
}

// A play drives a store and an oracle side by side.
type play struct {
	t     *testing.T
	rand  *rand.Rand
	clock *clock
	of    *office
	model *oracle
	as    map[string]*Session
	trace string // of the operation under way
}

var cast = []string{"mia", "max", "lea", "zoe"}

func newPlay(t *testing.T) *play {
	c := newClock()
	p := &play{t: t, rand: random(t), clock: c, as: map[string]*Session{}}
	p.of = newOffice(t, Options{Clock: c.Now}, strings.Join(cast, " "),
		"Team mia=editor max=viewer lea=creator", "Room mia=manager max=editor")
	set := policy.DefaultSettings
	set.Versions = oracleVersions
	p.of.change(policy.PutSettings{Settings: set})
	p.model = &oracle{now: c.Now(), spaces: map[string]*leaf{}}
	for space, levels := range map[string]map[string]string{
		"Team": {"mia": "editor", "max": "viewer", "lea": "creator"},
		"Room": {"mia": "manager", "max": "editor"},
	} {
		root := newLeaf(true, "", c.Now())
		for name, level := range levels {
			root.allow[name], _ = policy.LevelRights(level)
		}
		p.model.spaces[space] = root
	}
	p.sessions()
	return p
}

func (p *play) sessions() {
	for _, name := range cast {
		p.as[name] = p.of.as(name)
	}
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// path leads to something that is there; fresh in a hundred paths end in another
// name, which may be there too, and a few lead nowhere.
func (p *play) path(fresh int) Path {
	space := pick(p.rand, []string{"Team", "Team", "Room"})
	at, way := p.model.spaces[space], Path{space}
	for len(at.kids) > 0 && len(way) < 6 && p.rand.IntN(5) > 0 {
		name := pick(p.rand, slices.Sorted(maps.Keys(at.kids)))
		at, way = at.kids[name], append(way, name)
	}
	switch n := p.rand.IntN(100); {
	case n < fresh && !at.dir:
		way = way[:len(way)-1]
		fallthrough
	case n < fresh:
		way = append(way, pick(p.rand, []string{"a", "b", "c", "a~", "b~", "d.txt", "Ärger ☂", "e f"}))
	case n >= 98:
		way = append(way, "nowhere", "else")[:len(way)+1+n-98]
	}
	return way
}

// terms submit every lock of the asker's, or none.
func (p *play) terms(user string, submits bool) Terms {
	return Terms{Submits: func(l Lock) bool { return submits && l.UserName == user }}
}

// step does one operation on both sides.
func (p *play) step() (got, want error) {
	user := pick(p.rand, []string{"mia", "mia", "mia", "lea", "lea", "max", "zoe"})
	submits := p.rand.IntN(2) == 0
	what := p.rand.IntN(100)
	at := p.path(map[bool]int{true: 70, false: 10}[what < 50])
	if what < 12 && len(p.model.asides) > 0 {
		user, at = p.again()
	}
	s, terms := p.as[user], p.terms(user, submits)
	note := func(format string, a ...any) {
		p.trace = fmt.Sprintf("%s %s %s submits=%t", user, fmt.Sprintf(format, a...), at, submits)
	}
	switch n := what; {
	case n < 35:
		content := text(p.rand.IntN(3), pick(p.rand, []int{0, 1, 100, 8191, 8192, 8193, 100_000}))
		note("put %d bytes", len(content))
		return p.upload(s, at, content, terms), p.model.put(user, at, content, submits)
	case n < 50:
		note("mkdir")
		_, got = s.Mkdir(ctx, at, terms)
		return got, p.model.mkdir(user, at, submits)
	case n < 53:
		return p.unearth(user, at, submits)
	case n < 57:
		note("remove")
		return s.Remove(ctx, at, terms), p.model.remove(user, at, submits)
	case n < 66:
		to, over := p.path(60), p.rand.IntN(2) == 0
		if l, missing := p.model.find(at); missing == 0 && p.rand.IntN(2) == 0 {
			to, over = p.beside(at, l), true
		}
		note("move to %s overwrite=%t from", to, over)
		_, got = s.Move(ctx, at, to, over, terms)
		return got, p.model.move(user, at, to, over, submits)
	case n < 76:
		to, over, shallow := p.path(60), p.rand.IntN(2) == 0, p.rand.IntN(5) == 0
		note("copy to %s overwrite=%t shallow=%t from", to, over, shallow)
		_, got = s.Copy(ctx, at, to, over, shallow, terms)
		return got, p.model.copy(user, at, to, over, shallow, submits)
	case n < 83:
		name, value := pick(p.rand, []string{"color", "tag"}), pick(p.rand, []string{"", "<x/>", "<y>1</y>"})
		note("property %s=%s of", name, value)
		prop := Prop{Space: "urn:test", Local: name}
		if value != "" {
			prop.Value = []byte(value)
		}
		return s.SetProps(ctx, at, []Prop{prop}, time.Time{}, terms), p.model.setProp(user, at, name, value, submits)
	case n < 88:
		note("lock")
		return p.lock(user, at, terms, submits)
	case n < 92:
		note("unlock")
		token := "urn:uuid:none"
		if len(p.model.locks) > 0 && p.rand.IntN(4) > 0 {
			l := pick(p.rand, p.model.locks)
			if token = l.token; p.rand.IntN(2) == 0 {
				at, user = l.on.path(p.model), l.user
				s = p.as[user]
			}
		}
		return s.Unlock(ctx, at, token), p.model.unlock(user, at, token)
	case n < 96:
		p.clock.advance(time.Duration(p.rand.IntN(20)) * time.Minute)
		p.model.now = p.clock.Now()
		note("collect")
		_, got = p.of.st.Collect(ctx, time.Duration(p.rand.IntN(2))*time.Hour)
		p.model.locks = slices.DeleteFunc(p.model.locks, func(k oracleLock) bool { return !p.model.counts(k) })
		return got, nil
	}
	note("change policy")
	p.policy(user, at)
	return nil, nil
}

// unearth does something to the trash, or to a version.
func (p *play) unearth(user string, at Path, submits bool) (got, want error) {
	s, terms := p.as[user], p.terms(user, submits)
	if l, missing := p.model.find(at); missing == 0 && !l.dir && p.rand.IntN(2) == 0 {
		number := 1 + p.rand.IntN(l.versions+1)
		p.trace = fmt.Sprintf("%s gives %s its version %d submits=%t", user, at, number, submits)
		_, got = s.Copy(ctx, slices.Concat(Path{VersionsRoot}, at, Path{fmt.Sprintf("version-%d", number)}), at, true, false, terms)
		return got, p.model.revert(user, at, number, submits)
	}
	space, name := pick(p.rand, []string{"Team", "Room"}), "a"
	if found := p.model.findsIn("mia", space); len(found) > 0 {
		l := pick(p.rand, found)
		name = l.gone
		if back := append(l.up.path(p.model), name); p.rand.IntN(2) == 0 && p.model.exists(back[:len(back)-1]) {
			at = back
		}
	}
	from := Path{TrashRoot, space, name}
	if p.rand.IntN(3) == 0 {
		p.trace = fmt.Sprintf("%s erases %s", user, from)
		return s.Remove(ctx, from, terms), p.model.erase(user, space, name)
	}
	over := p.rand.IntN(2) == 0
	p.trace = fmt.Sprintf("%s restores %s to %s overwrite=%t submits=%t", user, from, at, over, submits)
	_, got = s.Move(ctx, from, at, over, terms)
	return got, p.model.restore(user, space, name, at, over, submits)
}

// compareTrash holds what each person finds in the trash against the oracle.
func (p *play) compareTrash() {
	p.t.Helper()
	for _, user := range cast {
		for _, space := range slices.Sorted(maps.Keys(p.model.spaces)) {
			if !p.model.spaces[space].visible(user) {
				continue
			}
			var names []string
			for after, more := "", true; more; {
				page, again, err := p.as[user].List(Path{TrashRoot, space}, after, 3, Want{})
				if err != nil {
					p.t.Fatalf("%s lists the trash of %s: %v", user, space, err)
				}
				for _, info := range page {
					after = info.Name
					names = append(names, info.Origin.Path[len(info.Origin.Path)-1])
				}
				more = again
			}
			var want []string
			for _, l := range p.model.findsIn(user, space) {
				want = append(want, l.gone)
			}
			if !slices.Equal(names, want) {
				p.t.Errorf("%s finds %q in the trash of %s, want %q", user, names, space, want)
			}
		}
	}
}

// again is a file that was moved away, as whoever did is about to save it.
func (p *play) again() (user string, at Path) {
	a := pick(p.rand, p.model.asides)
	if user = a.user; p.rand.IntN(6) == 0 {
		user = pick(p.rand, cast)
	}
	return user, append(a.dir.path(p.model), a.name)
}

// beside is where an editor moves a file to: the name of a backup, or that of a
// file in the same folder or above it.
func (p *play) beside(at Path, l *leaf) Path {
	to := slices.Clone(at)
	if len(at) == 1 || p.rand.IntN(3) == 0 {
		to[len(to)-1] += "~"
		return to
	}
	dir := l.up
	if dir.up != nil && p.rand.IntN(3) == 0 {
		dir, to = dir.up, to[:len(to)-1]
	}
	to[len(to)-1] = pick(p.rand, slices.Sorted(maps.Keys(dir.kids)))
	return to
}

// upload announces the length or not, and comes in pieces.
func (p *play) upload(s *Session, at Path, content []byte, t Terms) error {
	size := int64(-1)
	if p.rand.IntN(2) == 0 {
		size = int64(len(content))
	}
	u, err := s.Begin(at, size, t)
	if err != nil {
		return err
	}
	if p.rand.IntN(20) == 0 {
		// Given up in the middle; then the whole of it once more.
		if _, err := u.Write(content[:len(content)/2]); err != nil && kindOf(err) != ErrQuota {
			p.t.Error(err)
		}
		u.Abort()
		return p.upload(s, at, content, t)
	}
	pieces := struct{ io.Reader }{bytes.NewReader(content)}
	if _, err := io.CopyBuffer(struct{ io.Writer }{u}, pieces, make([]byte, 1+p.rand.IntN(40_000))); err != nil {
		u.Abort()
		return err
	}
	_, _, err = u.Commit(ctx, Meta{})
	return err
}

func (p *play) lock(user string, at Path, t Terms, submits bool) (got, want error) {
	q := LockRequest{Infinite: p.rand.IntN(2) == 0, Shared: p.rand.IntN(2) == 0, Timeout: 30 * time.Minute}
	l, _, got := p.as[user].Lock(ctx, at, q, t)
	on, want := p.model.lock(user, at, q.Infinite, q.Shared, submits)
	if want == nil {
		p.model.dropIdle(on, q.Infinite)
		p.model.locks = append(p.model.locks, oracleLock{l.Token, user, on, q.Infinite, q.Shared, p.model.now.Add(30 * time.Minute), l.Adds})
	}
	return got, want
}

// policy changes an entry, a wall or, of a collection, a limit at something that
// is there.
func (p *play) policy(user string, at Path) {
	l, missing := p.model.find(at)
	what := p.rand.IntN(6)
	if missing > 0 || what < 2 && !l.dir {
		return
	}
	if what < 2 {
		limit := policy.NoLimit
		if p.rand.IntN(3) > 0 {
			limit = policy.Limit(p.rand.Int64N(600_000))
		}
		p.trace += fmt.Sprintf(" limit %d", limit)
		p.of.quota(at.String(), limit)
		l.limit = int64(limit)
		return
	}
	if len(at) == 1 {
		return // the oracle keeps the levels of a space at its root
	}
	entry := policy.Entry{}
	switch what {
	case 2, 3:
		entry.Allow, _ = policy.LevelRights(pick(p.rand, []string{"none", "deposit", "viewer", "contributor", "editor"}))
	case 4:
		entry.Deny = pick(p.rand, []policy.Rights{policy.All, policy.Delete, policy.Write, policy.Read})
	}
	p.trace += fmt.Sprintf(" entry for %s: %+v", user, entry)
	entry.Principal = p.of.user(user)
	p.of.changeAt(at.String(), func(at policy.Place) policy.Change { return policy.SetEntry{At: at, Entry: entry} })
	l.allow[user], l.wall[user] = entry.Allow, entry.Deny
}

// compare holds all that each person sees against the oracle, then the sums and
// the store's own check.
func (p *play) compare() {
	p.t.Helper()
	for _, user := range cast {
		for _, space := range slices.Sorted(maps.Keys(p.model.spaces)) {
			root := p.model.spaces[space]
			if root.visible(user) {
				p.compareBelow(user, Path{space}, root)
			} else if _, err := p.as[user].Stat(Path{space}, Want{}); kindOf(err) != ErrNotFound {
				p.t.Errorf("%s stats %s: %v", user, space, err)
			}
		}
	}
	p.compareTrash()
	if err := p.of.st.takeDown(ctx); err != nil {
		p.t.Fatal(err)
	}
	found := p.of.clean()
	var bytes int64
	trashed := 0
	for _, root := range p.model.spaces {
		bytes += root.used()
		trashed += root.trashedBelow()
	}
	if found.Bytes != bytes || found.Trashed != trashed {
		p.t.Errorf("check counts %d bytes and %d in the trash, want %d and %d", found.Bytes, found.Trashed, bytes, trashed)
	}
}

func (l *leaf) trashedBelow() (n int) {
	l.each(func(x *leaf) {
		for _, t := range x.trashed {
			n += 1 + t.trashedBelow()
		}
	})
	return n
}

func (p *play) compareBelow(user string, at Path, dir *leaf) {
	p.t.Helper()
	if u := p.of.st.Operator().Usage(p.nodeOf(at), policy.NoLimit); dir.limit >= 0 && u.Used() != dir.used() {
		p.t.Errorf("%s: %d bytes are used, want %d", at, u.Used(), dir.used())
	}
	var names []string
	for name, kid := range dir.kids {
		if kid.visible(user) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var listed []string
	for after, more := "", true; more; {
		var page []Info
		var err error
		if page, more, err = p.as[user].List(at, after, 1+p.rand.IntN(4), Want{Props: true, Locks: true}); err != nil {
			p.t.Fatalf("%s lists %s: %v", user, at, err)
		}
		for i := range page {
			after = page[i].Name
			listed = append(listed, after)
			if kid := dir.kids[after]; kid != nil {
				p.compareOne(user, append(at[:len(at):len(at)], after), &page[i], kid)
			}
		}
	}
	if !slices.Equal(listed, names) {
		p.t.Fatalf("%s lists %q in %s, want %q", user, listed, at, names)
	}
}

func (p *play) nodeOf(at Path) policy.Node {
	p.t.Helper()
	place, _, err := p.of.st.Operator().Place(at)
	if err != nil {
		p.t.Fatal(err)
	}
	return place.Path[len(place.Path)-1]
}

func (p *play) compareOne(user string, at Path, got *Info, want *leaf) {
	p.t.Helper()
	shell := want.held(user)&policy.See == 0
	if got.Dir != want.dir || got.Size != int64(len(want.content)) || got.Shell != shell || got.Held != want.held(user) ||
		p.of.st.Policy().User(got.Creator).Name != want.creator {
		p.t.Errorf("%s: %s sees %+v, want %d bytes by %s, shell %t, held %v", at, user, got, len(want.content), want.creator, shell, want.held(user))
	}
	props := map[string]string{}
	for _, prop := range got.Props {
		props[prop.Local] = string(prop.Value)
	}
	if !shell && !maps.Equal(props, want.props) {
		p.t.Errorf("%s: %s reads properties %v, want %v", at, user, props, want.props)
	}
	var locks, wanted []string
	for _, l := range got.Locks {
		locks = append(locks, l.Token)
	}
	for _, l := range p.model.covering(want) {
		wanted = append(wanted, l.token)
	}
	slices.Sort(locks)
	slices.Sort(wanted)
	if !shell && !slices.Equal(locks, wanted) { // a shell tells nothing of what is here
		p.t.Errorf("%s: %s sees locks %v, want %v", at, user, locks, wanted)
	}
	if want.dir {
		p.compareBelow(user, at, want)
		return
	}
	versions, err := p.of.st.Operator().Versions(at)
	if err != nil || !slices.EqualFunc(versions, want.old, func(v Info, o oldContent) bool {
		return v.Name == fmt.Sprintf("version-%d", o.number) && v.Size == int64(len(o.content))
	}) {
		p.t.Errorf("%s has the versions %+v, want %d (%v)", at, versions, len(want.old), err)
	}
	content, err := read(p.as[user], at.String())
	if may := p.model.may(user, at, policy.Read); kindOf(err) != may || err == nil && !bytes.Equal(content, want.content) {
		p.t.Errorf("%s: %s reads %d bytes (%v), want %d (%v)", at, user, len(content), err, len(want.content), may)
	}
}
