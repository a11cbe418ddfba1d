package dav_test

import (
	"encoding/xml"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

var syncSeed = flag.Uint64("dav.sync-seed", 0, "run the sync model from this seed")

// A mirror is a client that knows a collection by sync-collection alone.
type mirror struct {
	t       *testing.T
	who     string
	client  *davtest.Client
	root    string // URL, with the slash at the end
	level   string
	token   string
	tree    map[string]string // by URL without the slash at the end: what the resource is
	refused int               // tokens that did not count
	gone    []string          // what the last answers told as removed
}

func newMirror(t *testing.T, s *davtest.Server, who, root, level string) *mirror {
	return &mirror{t: t, who: who, client: s.As(who), root: root, level: level, tree: map[string]string{}}
}

// syncAnswer is a multistatus with a sync token, as XML says it.
type syncAnswer struct {
	Token     string `xml:"DAV: sync-token"`
	Responses []struct {
		Href   string `xml:"DAV: href"`
		Status string `xml:"DAV: status"`
		Props  []struct {
			Status string `xml:"DAV: status"`
			Prop   struct {
				ETag string    `xml:"DAV: getetag"`
				Dir  *struct{} `xml:"DAV: resourcetype>collection"`
				Note string    `xml:"urn:x note"`
			} `xml:"DAV: prop"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
}

func readSync(t *testing.T, r *davtest.Response) (a syncAnswer) {
	t.Helper()
	if err := xml.Unmarshal([]byte(r.Body), &a); err != nil {
		t.Fatalf("%v\n%s", err, r.Body)
	}
	return a
}

const syncProps = `<prop><getetag/><resourcetype/><note xmlns="urn:x"/></prop>`

func syncBody(token, level string, limit int) string {
	body := `<sync-collection xmlns="DAV:"><sync-token>` + token + `</sync-token><sync-level>` + level + `</sync-level>`
	if limit > 0 {
		body += fmt.Sprintf(`<limit><nresults>%d</nresults></limit>`, limit)
	}
	return body + syncProps + `</sync-collection>`
}

// page asks once and takes the answer in. It tells whether there is more to ask
// for, and whether the collection is there at all.
func (m *mirror) page(limit int) (more, there bool) {
	m.t.Helper()
	r := m.client.Do("REPORT", m.root, syncBody(m.token, m.level, limit))
	switch {
	case r.Status == 404, r.Status == 403 && strings.Contains(r.Body, "supported-report"): // hidden, or a file
		return false, false
	case r.Status == 403 && strings.Contains(r.Body, "valid-sync-token") && m.token != "":
		m.refused++
		m.token, m.tree = "", map[string]string{}
		return true, true
	}
	r.Want(m.t, 207)
	a := readSync(m.t, r)
	told := 0
	if told, more = m.take(&a); limit > 0 && told > limit {
		m.t.Errorf("%d members are told, wanted were %d", told, limit)
	}
	if a.Token == "" || more && a.Token == m.token {
		m.t.Errorf("the token after %q is %q", m.token, a.Token)
	}
	m.token = a.Token
	return more, true
}

// take makes the tree what an answer says, and counts the members in it.
func (m *mirror) take(a *syncAnswer) (told int, more bool) {
	seen := map[string]bool{}
	for _, res := range a.Responses {
		href := strings.TrimSuffix(res.Href, "/")
		if seen[href] {
			m.t.Errorf("%s %s is told twice", m.who, href)
		}
		seen[href] = true
		switch {
		case strings.Contains(res.Status, "507"):
			if more = true; href+"/" != m.root {
				m.t.Errorf("507 for %s", href)
			}
			continue
		case strings.Contains(res.Status, "404"):
			if len(res.Props) > 0 || m.token == "" {
				m.t.Errorf("removed: %+v", res)
			}
			m.gone = append(m.gone, href)
			delete(m.tree, href)
			m.drop(href)
		}
		for _, p := range res.Props {
			if strings.Contains(p.Status, "200") {
				m.tree[href] = what(p.Prop.Dir != nil, p.Prop.ETag, p.Prop.Note)
				if p.Prop.Dir == nil {
					m.drop(href)
				}
			}
		}
		told++
	}
	return told, more
}

func what(dir bool, etag, note string) string { return fmt.Sprintf("dir=%t %s %q", dir, etag, note) }

// drop forgets what is below a URL.
func (m *mirror) drop(href string) {
	maps.DeleteFunc(m.tree, func(other, _ string) bool { return strings.HasPrefix(other, href+"/") })
}

// sync asks until nothing is left, doing something between the pages.
func (m *mirror) sync(limit int, between func()) (there bool) {
	m.t.Helper()
	m.gone = nil
	for pages := 0; ; pages++ {
		more, there := m.page(limit)
		if !more || !there || m.t.Failed() {
			return there
		}
		if pages > 10_000 {
			m.t.Fatal("the pages do not end")
		}
		between()
	}
}

// listed is what PROPFIND shows below a URL, nil where there is nothing.
func listed(t *testing.T, c *davtest.Client, root, depth string) map[string]string {
	t.Helper()
	r := c.Do("PROPFIND", root, `<propfind xmlns="DAV:">`+syncProps+`</propfind>`, "Depth", depth)
	if r.Status == 404 {
		return nil
	}
	tree := map[string]string{}
	for _, res := range readSync(t, r.Want(t, 207)).Responses {
		for _, p := range res.Props {
			href := strings.TrimSuffix(res.Href, "/")
			switch {
			case !strings.Contains(p.Status, "200"):
			case href+"/" != root:
				tree[href] = what(p.Prop.Dir != nil, p.Prop.ETag, p.Prop.Note)
			case p.Prop.Dir == nil:
				return nil
			}
		}
	}
	return tree
}

// compare holds the mirror against PROPFIND.
func (m *mirror) compare(there bool) {
	m.t.Helper()
	depth := map[string]string{"1": "1", "infinite": "infinity"}[m.level]
	want := listed(m.t, m.client, m.root, depth)
	if (want != nil) != there {
		m.t.Errorf("%s %s: sync-collection finds it: %t, PROPFIND: %t", m.who, m.root, there, want != nil)
	}
	if there && !maps.Equal(m.tree, want) {
		m.t.Errorf("%s %s at level %s: the mirror has\n%s\nPROPFIND shows\n%s", m.who, m.root, m.level, lines(m.tree), lines(want))
	}
}

func lines(tree map[string]string) string {
	var text strings.Builder
	for _, href := range slices.Sorted(maps.Keys(tree)) {
		fmt.Fprintf(&text, "  %s %s\n", href, tree[href])
	}
	return text.String()
}

// A syncPlay is people who change a folder and its lists, and mirrors of it.
type syncPlay struct {
	t       *testing.T
	rand    *rand.Rand
	s       *davtest.Server
	now     *atomic.Int64
	people  map[string]*davtest.Client
	mirrors []*mirror
	seen    map[string]map[seenName]bool // by person: all that was ever listed, by folder and by URL
	tree    map[string]string            // what the manager saw last
	trace   []string
}

// seenName is a name in a folder, wherever that stood then, or a whole URL in none.
type seenName struct {
	folder policy.Node
	name   string
}

var syncCast = []string{"olga", "mia", "max", "lea", "ben"}

func newSyncPlay(t *testing.T, seed uint64) *syncPlay {
	p := &syncPlay{t: t, rand: rand.New(rand.NewPCG(seed, 0)), now: new(atomic.Int64), people: map[string]*davtest.Client{}, seen: map[string]map[seenName]bool{}}
	p.now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Unix())
	p.s = davtest.StartWith(t, p.options(), syncCast...)
	p.s.Group("staff", "user:mia", "user:lea")
	p.s.Group("guests", "user:max")
	p.s.Space("Team", "user:olga=manager", "group:staff=editor", "group:guests=viewer", "user:lea=contributor")
	p.s.Space("Other", "user:olga=manager", "user:mia=editor")
	p.enter()
	tree(t, p.people["mia"], "/dav/Team/a/", "/dav/Team/a/b/", "/dav/Team/a/b/x", "/dav/Team/c/", "/dav/Team/c/y", "/dav/Team/z")
	for _, who := range syncCast {
		p.mirrors = append(p.mirrors, newMirror(t, p.s, who, "/dav/Team/", "infinite"), newMirror(t, p.s, who, "/dav/Team/a/", "infinite"),
			newMirror(t, p.s, who, "/dav/Team/", "1"))
		p.seen[who] = map[seenName]bool{}
	}
	return p
}

func (p *syncPlay) options() store.Options {
	return store.Options{Clock: func() time.Time { return time.Unix(p.now.Load(), 0) }}
}

func (p *syncPlay) enter() {
	for _, who := range syncCast {
		p.people[who] = p.s.As(who)
	}
	for _, m := range p.mirrors {
		m.client = p.people[m.who]
	}
}

func pickOf[T any](p *syncPlay, list ...T) T { return list[p.rand.IntN(len(list))] }

// path is a name in a folder of the space, there or not.
func (p *syncPlay) path(space string) string {
	folders := []string{"/dav/" + space}
	for href, what := range p.tree {
		if strings.HasPrefix(href, folders[0]+"/") && strings.HasPrefix(what, "dir=true") && strings.Count(href, "/") < 7 {
			folders = append(folders, href)
		}
	}
	slices.Sort(folders)
	return pickOf(p, folders...) + "/" + pickOf(p, "a", "b", "c", "x", "y", "z")
}

// there is something that stands in the folder.
func (p *syncPlay) there(space string) string {
	all := slices.Sorted(maps.Keys(p.tree))
	all = slices.DeleteFunc(all, func(href string) bool { return !strings.HasPrefix(href, "/dav/"+space+"/") })
	if len(all) > 0 && p.rand.IntN(10) > 0 {
		return pickOf(p, all...)
	}
	return p.path(space)
}

// step changes something, or is refused.
func (p *syncPlay) step() {
	if p.s.Store.Policy().SpaceNamed("Team").State != policy.Active && p.rand.IntN(4) == 0 {
		p.state(policy.Active)
	}
	who := pickOf(p, "olga", "mia", "mia", "mia", "lea")
	c, space := p.people[who], pickOf(p, "Team", "Team", "Team", "Team", "Team", "Other")
	note := func(format string, a ...any) { p.trace = append(p.trace, who+" "+fmt.Sprintf(format, a...)) }
	switch n := p.rand.IntN(100); {
	case len(p.tree) > 50:
		who = "olga"
		path := "/dav/" + space + "/" + pickOf(p, "a", "b", "c", "x", "y", "z")
		note("DELETE %s %d", path, p.people[who].Do("DELETE", path, "").Status)
	case n < 22:
		path := p.path(space)
		note("PUT %s %d", path, c.Do("PUT", path, fmt.Sprint(p.rand.IntN(1000))).Status)
	case n < 36:
		path := p.path(space)
		note("MKCOL %s %d", path, c.Do("MKCOL", path, "").Status)
	case n < 46:
		path := p.there(space)
		note("DELETE %s %d", path, c.Do("DELETE", path, "").Status)
	case n < 62:
		from, to := p.there(space), p.path(pickOf(p, "Team", "Team", "Team", "Other"))
		if p.rand.IntN(5) == 0 {
			to = from + "~" // away, so that it is written anew
		}
		note("MOVE %s %s %d", from, to, c.Do("MOVE", from, "", "Destination", to).Status)
	case n < 68:
		from, to := p.there(space), p.path("Team")
		note("COPY %s %s %d", from, to, c.Do("COPY", from, "", "Destination", to).Status)
	case n < 74:
		path := p.there(space)
		note("PROPPATCH %s %d", path, c.Do("PROPPATCH", path, setProp("note", fmt.Sprint(p.rand.IntN(100)))).Status)
	case n < 80:
		path := p.there(space)
		note("PUT over %s %d", path, c.Do("PUT", path, fmt.Sprint(p.rand.IntN(1000))).Status)
	default:
		p.rule()
	}
}

// rule changes who may see what.
func (p *syncPlay) rule() {
	n := p.rand.IntN(100)
	if n < 60 {
		p.entry(p.there(pickOf(p, "Team", "Team", "Team", "Other")))
		return
	}
	switch {
	case n < 70:
		level := pickOf(p, "viewer", "none", "editor")
		p.trace = append(p.trace, "guests become "+level)
		p.s.Level("Team", "group:guests", level)
	case n < 78:
		p.trace = append(p.trace, "ben comes or goes")
		p.s.Change(func(state *policy.State) ([]policy.Change, error) {
			group, ben := state.GroupNamed("staff"), state.UserNamed("ben")
			if slices.Contains(group.Members, ben.ID) {
				return []policy.Change{policy.Leave{Group: group.ID, Member: ben.ID}}, nil
			}
			return []policy.Change{policy.Join{Group: group.ID, Member: ben.ID}}, nil
		})
	case n < 84:
		p.state(pickOf(p, policy.Archived, policy.Trashed))
	default:
		p.trace = append(p.trace, "time passes")
		p.now.Add(1 + p.rand.Int64N(1000))
	}
}

func (p *syncPlay) state(to policy.SpaceState) {
	p.trace = append(p.trace, "Team is "+string(to))
	p.s.Change(func(state *policy.State) ([]policy.Change, error) {
		sp := *state.SpaceNamed("Team")
		sp.State = to
		return []policy.Change{policy.PutSpace{Space: sp}}, nil
	})
}

// entry changes the list of a path.
func (p *syncPlay) entry(path string) {
	at := namesOf(path)
	who := pickOf(p, "group:guests", "group:staff", "user:ben", "user:max", "user:lea")
	see := policy.See | policy.Read
	e := pickOf(p, policy.Entry{Allow: see}, policy.Entry{Revoke: policy.All}, policy.Entry{Deny: policy.All}, policy.Entry{}, policy.Entry{},
		policy.Entry{Allow: see, Until: p.now.Load() + p.rand.Int64N(2000)}, policy.Entry{Deny: see, From: p.now.Load() + p.rand.Int64N(2000)})
	cut := p.rand.IntN(8)
	err := p.s.Store.Operator().ChangeAt(p.t.Context(), at, func(state *policy.State, here policy.Place) ([]policy.Change, error) {
		id, err := state.ParsePrincipal(who)
		if cut < 2 && len(here.Path) > 1 {
			return []policy.Change{policy.SetCut{At: here, On: cut == 0}}, err
		}
		if e.Allow|e.Revoke|e.Deny == 0 {
			return []policy.Change{policy.ClearEntries{Node: here.Path[len(here.Path)-1], Principal: id}}, err
		}
		e.Principal = id
		return []policy.Change{policy.SetEntry{At: here, Entry: e}}, err
	})
	p.trace = append(p.trace, fmt.Sprintf("entry at %s for %s: %+v cut %d (%v)", path, who, e, cut, err))
}

// look notes what everybody sees.
func (p *syncPlay) look() {
	folders := map[string]policy.Node{}
	for who, c := range p.people {
		tree := listed(p.t, c, "/dav/Team/", "infinity")
		for href := range tree {
			p.seen[who][p.named(href, folders)] = true
			p.seen[who][seenName{name: href}] = true
		}
		if who == "olga" {
			p.tree = listed(p.t, c, "/dav/Other/", "infinity")
			maps.Copy(p.tree, tree)
		}
	}
}

// named is what a URL names; folders remembers those that were looked up.
func (p *syncPlay) named(href string, folders map[string]policy.Node) seenName {
	dir, name := path.Split(href)
	n, known := folders[dir]
	if !known {
		if at, _, err := p.s.Store.Operator().Place(namesOf(dir)); err == nil {
			n = at.Path[len(at.Path)-1]
		}
		folders[dir] = n
	}
	return seenName{n, name}
}

// namesOf are the names in a URL below /dav/.
func namesOf(href string) (names store.Path) {
	for name := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(href, "/dav/"), "/"), "/") {
		name, _ = url.PathUnescape(name)
		names = append(names, name)
	}
	return names
}

// catchUp lets one mirror ask, with changes between its pages, and then once more
// without: now it has to be what PROPFIND shows, and it heard no name in a folder that
// its owner never saw there.
func (p *syncPlay) catchUp(m *mirror) {
	limit := p.rand.IntN(6)
	p.trace = append(p.trace, fmt.Sprintf("-- %s syncs %s at level %s by %d", m.who, m.root, m.level, limit))
	busy := 0
	m.sync(limit, func() {
		if busy++; busy < 20 && p.rand.IntN(3) == 0 {
			p.step()
			p.look()
		}
	})
	gone := m.gone
	there := m.sync(p.rand.IntN(4), func() {})
	m.compare(there)
	for _, href := range append(gone, m.gone...) {
		if seen := p.seen[m.who]; !seen[seenName{name: href}] && !seen[p.named(href, map[string]policy.Node{})] {
			p.t.Errorf("%s is told that %s is gone, and never saw it", m.who, href)
		}
	}
}

// TestSyncModel lets people change a folder and its lists while others follow by
// sync-collection alone.
func TestSyncModel(t *testing.T) {
	seeds := []uint64{rand.Uint64(), rand.Uint64()}
	if *syncSeed != 0 {
		seeds = []uint64{*syncSeed}
	}
	steps := 1500
	if testing.Short() {
		steps = 200
	}
	for _, seed := range seeds {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			t.Logf("run again with: -run '^TestSyncModel$' -dav.sync-seed=%d", seed)
			p := newSyncPlay(t, seed)
			for i := range steps {
				p.step()
				p.look()
				if p.rand.IntN(3) == 0 {
					p.catchUp(pickOf(p, p.mirrors...))
				}
				if i%400 == 399 {
					p.s.Restart(p.options())
					p.enter()
				}
				if t.Failed() {
					t.Fatalf("after %d steps:\n%s", i, strings.Join(p.trace[max(0, len(p.trace)-60):], "\n"))
				}
			}
			refused, total := 0, 0
			for _, m := range p.mirrors {
				refused += m.refused
			}
			for _, line := range p.trace {
				if strings.HasPrefix(line, "-- ") {
					total++
				}
			}
			t.Logf("%d of %d syncs began anew", refused, total)
		})
	}
}
