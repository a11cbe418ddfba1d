package policy_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"davit/policy"
)

// sizes of organisations: the largest is what one installation has to carry.
var sizes = []size{
	{"small", 100, 20, 200},
	{"medium", 10_000, 1_000, 100_000},
	{"large", 100_000, 10_000, 1_000_000},
}

type size struct {
	name                   string
	users, groups, entries int
}

const (
	entriesPerSpace  = 1000 // at most: a space with one marked folder in five
	entriesPerFolder = 5
	groupsPerUser    = 5
	foldersPerFolder = 4
)

// company is a random organisation and the places that questions ask about.
type company struct {
	model  policy.Model
	users  []policy.ID
	groups []policy.ID
	places []policy.Place
	state  *policy.State
}

// newCompany makes an organisation of a size: users in five groups each, every
// tenth group in another, spaces with eight levels and a tree of folders that
// carry entries of groups for the most part.
func newCompany(sz size) *company {
	rng := rand.New(rand.NewPCG(uint64(sz.users), 0))
	c := &company{}
	id := policy.FirstID
	next := func() policy.ID { id++; return id }
	profile := next()
	c.model.Profiles = []policy.Profile{{ID: profile, Name: "standard", Quota: policy.NoLimit}}
	for i := range sz.users {
		u := policy.User{ID: next(), Name: fmt.Sprintf("u%d", i), Type: policy.Member, Profile: profile}
		switch {
		case i == 0:
			u.Type = policy.Owner
		case i%20 == 0:
			u.Type = policy.Guest
		}
		c.model.Users, c.users = append(c.model.Users, u), append(c.users, u.ID)
	}
	for i := range sz.groups {
		g := policy.Group{ID: next(), Name: fmt.Sprintf("g%d", i)}
		for range groupsPerUser * sz.users / sz.groups {
			g.Members = append(g.Members, c.users[rng.IntN(len(c.users))])
		}
		if i%10 == 9 {
			g.Members = append(g.Members, c.groups[rng.IntN(len(c.groups))])
		}
		slices.Sort(g.Members)
		g.Members = slices.Compact(g.Members)
		c.model.Groups, c.groups = append(c.model.Groups, g), append(c.groups, g.ID)
	}
	for left := sz.entries; left > 0; left -= entriesPerSpace {
		c.addSpace(rng, next, min(left, entriesPerSpace))
	}
	return c
}

func (c *company) entry(rng *rand.Rand) policy.Entry {
	e := policy.Entry{Principal: c.groups[rng.IntN(len(c.groups))], Allow: policy.See | policy.Read}
	if rng.IntN(4) == 0 {
		e.Principal = c.users[rng.IntN(len(c.users))]
	}
	switch rng.IntN(8) {
	case 0:
		e.Allow, e.Revoke = 0, policy.Write
	case 1:
		e.Allow, e.Deny = 0, policy.Delete
	case 2:
		e.Class = policy.Web
	case 3:
		e.Until = 1 << 40
	}
	return e
}

func (c *company) addSpace(rng *rand.Rand, next func() policy.ID, entries int) {
	const levels = 8
	root := policy.Node(next())
	sp := policy.Space{
		ID: next(), Name: fmt.Sprintf("s%d", len(c.model.Spaces)), Kind: policy.GroupFolder, State: policy.Active, Root: root, Quota: policy.NoLimit,
	}
	for range levels {
		level := policy.Entry{Principal: c.groups[rng.IntN(len(c.groups))], Allow: policy.See | policy.Read | policy.Write | policy.Delete}
		if !slices.ContainsFunc(sp.Levels, func(e policy.Entry) bool { return e.Principal == level.Principal }) {
			sp.Levels = append(sp.Levels, level)
		}
	}
	slices.SortFunc(sp.Levels, func(a, b policy.Entry) int { return int(a.Principal) - int(b.Principal) })
	c.model.Spaces = append(c.model.Spaces, sp)
	folders := []policy.Place{{Space: sp.ID, Path: []policy.Node{root}}}
	for n := 0; n < entries; n += entriesPerFolder {
		up := folders[max(0, len(folders)-1)/foldersPerFolder]
		at := policy.Place{Space: sp.ID, Path: append(slices.Clone(up.Path), policy.Node(next()))}
		mark := policy.Mark{Node: at.Path[len(at.Path)-1]}
		for len(mark.Entries) < entriesPerFolder {
			e := c.entry(rng)
			if !slices.ContainsFunc(mark.Entries, func(o policy.Entry) bool { return o.Principal == e.Principal }) {
				mark.Entries = append(mark.Entries, e)
			}
		}
		slices.SortFunc(mark.Entries, func(a, b policy.Entry) int { return int(a.Principal) - int(b.Principal) })
		c.model.Marks = append(c.model.Marks, policy.PlacedMark{Mark: mark, At: at})
		folders = append(folders, at)
	}
	for _, at := range folders {
		file := policy.Node(next())
		c.places = append(c.places, policy.Place{Space: at.Space, Path: append(slices.Clone(at.Path), file)})
	}
}

func (c *company) load(b *testing.B) *policy.State {
	s, err := policy.Load(c.model)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// companies are made once for all benchmarks of a size.
var companies = map[string]func(*testing.B) *company{}

func init() {
	for _, sz := range sizes {
		var c *company
		companies[sz.name] = func(b *testing.B) *company {
			if c == nil {
				c = newCompany(sz)
				c.state = c.load(b)
			}
			return c
		}
	}
}

// eachSize runs a benchmark in companies of every size.
func eachSize(b *testing.B, run func(*testing.B, *company)) {
	for _, sz := range sizes {
		b.Run(sz.name, func(b *testing.B) {
			if testing.Short() && sz.name == "large" {
				b.Skip("large with -short")
			}
			run(b, companies[sz.name](b))
		})
	}
}

// timed runs what a benchmark measures, and reports the median and the slowest
// in a hundred.
func timed(b *testing.B, run func(i int)) {
	const samples = 1 << 18
	took := make([]time.Duration, 0, samples)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		start := time.Now()
		run(i)
		if d := time.Since(start); len(took) < samples {
			took = append(took, d)
		} else {
			took[i%samples] = d
		}
		i++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
}

// askers are the kinds of questions: of a file by random users ("anyone"), of a
// file by users whom the space's levels name ("member"), and of the root of a
// space by users who see nothing there ("outsider").
var askers = []string{"anyone", "member", "outsider"}

// questions are random ones of a kind, made before the clock runs.
func (c *company) questions(who string) (subs []policy.Subject, places []policy.Place) {
	const questions = 1 << 12
	rng := rand.New(rand.NewPCG(1, 0))
	subs, places = make([]policy.Subject, questions), make([]policy.Place, questions)
	for i := range questions {
		subs[i], places[i] = c.ask(rng, c.state, who)
	}
	return subs, places
}

// BenchmarkDecide asks for one right.
func BenchmarkDecide(b *testing.B) {
	eachSize(b, func(b *testing.B, c *company) {
		for _, who := range askers {
			b.Run(who, func(b *testing.B) {
				subs, places := c.questions(who)
				timed(b, func(i int) { c.state.Decide(subs[i%len(subs)], places[i%len(places)], policy.Read) })
			})
		}
	})
}

// BenchmarkListing decides the members of a folder, as listings do: what nothing is
// marked at or below is held as the folder is.
func BenchmarkListing(b *testing.B) {
	const members = 1000
	eachSize(b, func(b *testing.B, c *company) {
		marked := map[policy.Node][]policy.Node{}
		for _, pm := range c.model.Marks {
			up := pm.At.Path[len(pm.At.Path)-2]
			marked[up] = append(marked[up], pm.Mark.Node)
		}
		subs, places := c.questions("anyone")
		timed(b, func(i int) {
			sub, dir := subs[i%len(subs)], places[i%len(places)]
			dir.Path = dir.Path[: len(dir.Path)-1 : len(dir.Path)-1]
			listed, held := marked[dir.Path[len(dir.Path)-1]], c.state.Held(sub, dir)
			for _, n := range listed {
				if c.state.OnWay(n) {
					held |= c.state.Decide(sub, policy.Place{Space: dir.Space, Path: append(dir.Path, n)}, 0).Held
				}
			}
			for n := policy.Node(len(listed)); n < members; n++ {
				if c.state.OnWay(1<<40 | n*7919%(1<<30)) { // none is
					held |= 1
				}
			}
		})
	})
}

// BenchmarkExplain asks for one right and every step to it.
func BenchmarkExplain(b *testing.B) {
	eachSize(b, func(b *testing.B, c *company) {
		for _, who := range askers {
			b.Run(who, func(b *testing.B) {
				subs, places := c.questions(who)
				timed(b, func(i int) { c.state.Explain(subs[i%len(subs)], places[i%len(places)], policy.Read) })
			})
		}
	})
}

// BenchmarkFlips looks for what would change the answer.
func BenchmarkFlips(b *testing.B) {
	eachSize(b, func(b *testing.B, c *company) {
		for _, who := range askers {
			b.Run(who, func(b *testing.B) {
				subs, places := c.questions(who)
				timed(b, func(i int) { c.state.Flips(subs[i%len(subs)], places[i%len(places)], policy.Reshare) })
			})
		}
	})
}

// BenchmarkReach asks for everything that one user reaches.
func BenchmarkReach(b *testing.B) {
	eachSize(b, func(b *testing.B, c *company) {
		subs, _ := c.questions("anyone")
		timed(b, func(i int) { c.state.Reach(subs[i%len(subs)]) })
	})
}

func (c *company) ask(rng *rand.Rand, s *policy.State, who string) (policy.Subject, policy.Place) {
	sub := policy.Subject{User: c.users[rng.IntN(len(c.users))], Mask: policy.All, Class: policy.Web, Now: 1 << 30}
	at := c.places[rng.IntN(len(c.places))]
	switch who {
	case "member":
		levels := s.Space(at.Space).Levels
		if members := s.MembersOf(levels[rng.IntN(len(levels))].Principal); len(members) > 0 {
			sub.User = members[rng.IntN(len(members))]
		}
	case "outsider":
		at.Path = at.Path[:1]
		for s.Held(sub, at)&policy.See != 0 {
			sub.User = c.users[rng.IntN(len(c.users))]
		}
	}
	return sub, at
}

// BenchmarkChange makes one change and asks one question of the new state.
func BenchmarkChange(b *testing.B) {
	eachSize(b, func(b *testing.B, c *company) {
		for _, kind := range changeKinds {
			b.Run(kind.name, func(b *testing.B) {
				rng := rand.New(rand.NewPCG(2, 0))
				timed(b, func(int) {
					next, _, err := c.state.Apply(kind.make(c, rng)...)
					if err != nil {
						b.Fatal(err)
					}
					sub, at := c.ask(rng, next, "anyone")
					next.Decide(sub, at, policy.Read)
				})
			})
		}
	})
}

var changeKinds = []struct {
	name string
	make func(*company, *rand.Rand) []policy.Change
}{
	{"entry", func(c *company, rng *rand.Rand) []policy.Change {
		return []policy.Change{policy.SetEntry{At: c.places[rng.IntN(len(c.places))], Entry: c.entry(rng)}}
	}},
	{"join", func(c *company, rng *rand.Rand) []policy.Change {
		return []policy.Change{policy.Join{Group: c.groups[rng.IntN(len(c.groups))], Member: c.users[rng.IntN(len(c.users))]}}
	}},
	{"nest", func(c *company, rng *rand.Rand) []policy.Change {
		i := 1 + rng.IntN(len(c.groups)-1) // groups hold only earlier ones, so no circle
		return []policy.Change{policy.Join{Group: c.groups[i], Member: c.groups[rng.IntN(i)]}}
	}},
	{"user", func(c *company, rng *rand.Rand) []policy.Change {
		u := *c.state.User(c.users[1+rng.IntN(len(c.users)-1)])
		u.Inactive = !u.Inactive
		return []policy.Change{policy.PutUser{User: u}}
	}},
	{"drop", func(c *company, rng *rand.Rand) []policy.Change {
		gone := *c.state.User(c.users[1+rng.IntN(len(c.users)-1)])
		gone.Inactive = true
		return []policy.Change{policy.PutUser{User: gone}, policy.DropUser{ID: gone.ID}}
	}},
}

// BenchmarkMatrix asks for a thousand users in a thousand spaces, or as many as
// there are.
func BenchmarkMatrix(b *testing.B) {
	const side = 1000
	eachSize(b, func(b *testing.B, c *company) {
		users := c.users[:min(len(c.users), side)]
		var spaces []policy.ID
		for _, sp := range c.model.Spaces[:min(len(c.model.Spaces), side)] {
			spaces = append(spaces, sp.ID)
		}
		in := policy.Subject{Mask: policy.All, Class: policy.Web, Now: 1 << 30}
		timed(b, func(int) { c.state.Matrix(in, users, spaces) })
		b.ReportMetric(float64(len(users)*len(spaces)), "cells")
	})
}

// BenchmarkWhatIf foretells what a change means: a group that joins another one
// with up to a thousand users, a group that goes, a profile that everybody has,
// and one account that gets another profile.
func BenchmarkWhatIf(b *testing.B) {
	eachSize(b, func(b *testing.B, c *company) {
		for _, kind := range whatIfs {
			b.Run(kind.name, func(b *testing.B) {
				after, _, err := c.state.Apply(kind.make(c)...)
				if err != nil {
					b.Fatal(err)
				}
				in := policy.Subject{Mask: policy.All, Class: policy.Web, Now: 1 << 30}
				touched := 0
				timed(b, func(int) { touched = len(policy.Compare(c.state, after, in).Users) })
				b.ReportMetric(float64(touched), "users")
			})
		}
	})
}

var whatIfs = []struct {
	name string
	make func(*company) []policy.Change
}{
	{"join", func(c *company) (changes []policy.Change) {
		const joining = 1000
		for _, u := range c.users[1:min(len(c.users), joining+1)] {
			changes = append(changes, policy.Join{Group: c.groups[0], Member: u})
		}
		return changes
	}},
	{"group", func(c *company) []policy.Change { return []policy.Change{policy.DropGroup{ID: c.groups[0]}} }},
	{"profile", func(c *company) []policy.Change {
		p, functions := c.model.Profiles[0], policy.AllFunctions&^policy.FilesModify
		p.Functions = &functions
		return []policy.Change{policy.PutProfile{Profile: p}}
	}},
	{"user", func(c *company) []policy.Change {
		u := c.model.Users[7]
		u.Inactive = true
		return []policy.Change{policy.PutUser{User: u}}
	}},
}

// BenchmarkStart loads a policy, and says what an entry costs in memory.
func BenchmarkStart(b *testing.B) {
	eachSize(b, func(b *testing.B, c *company) {
		var s *policy.State
		timed(b, func(int) {
			s = nil
			s = c.load(b)
		})
		with := heap()
		entries := 0
		for _, m := range c.model.Marks {
			entries += len(m.Mark.Entries)
		}
		runtime.KeepAlive(s)
		s = nil
		b.ReportMetric(float64(with-heap())/float64(entries), "B/entry")
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
