package davit_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// A world is the organisation that the cases of a file start from.
type world struct {
	Accounts map[string]struct {
		Type    policy.Type `yaml:"type"`
		Profile string      `yaml:"profile"`
	} `yaml:"accounts"`
	Groups   map[string][]string     `yaml:"groups"`
	Roles    map[string][]string     `yaml:"roles"`
	Profiles map[string]worldProfile `yaml:"profiles"`
	Spaces   map[string]worldSpace   `yaml:"spaces"`
	Tree     []string                `yaml:"tree"`
	Policy   map[string]any          `yaml:"policy"`
}

type worldProfile struct {
	Functions []string `yaml:"functions"`
	Quota     string   `yaml:"quota"`
}

type worldSpace struct {
	Kind   policy.SpaceKind  `yaml:"kind"`
	Owner  string            `yaml:"owner"`
	Quota  string            `yaml:"quota"`
	Levels map[string]string `yaml:"levels"`
}

// A template is a world as a data directory, made once for all cases.
type template struct {
	dir   string
	world *world
	// leftOut are the spaces that cannot be made, and why.
	leftOut map[string]notYet
	t       testing.TB
	mu      sync.Mutex
	spare   []string // copies that no case uses now
}

// copy is a data directory with the world. One that a case is done with is used
// again: its many folders take longer to make than all that is in them.
func (w *template) copy() (string, error) {
	dir := w.take()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Remove(p)
	})
	return dir, errors.Join(err, os.CopyFS(dir, os.DirFS(w.dir)))
}

func (w *template) take() (dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.spare)
	if n == 0 {
		return w.t.TempDir()
	}
	dir, w.spare = w.spare[n-1], w.spare[:n-1]
	return dir
}

func (w *template) giveBack(dir string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spare = append(w.spare, dir)
}

// A run is one case under way.
type run struct {
	testing.TB
	*template
	server *davtest.Server
	clock  *atomic.Int64 // Unix seconds
	start  store.Options

	devices map[string]*davtest.Client // app passwords by "user/name"
	uploads map[string]*upload         // under way, by "user path"
	tokens  map[string]string          // of locks, by path
	shares  map[string]*given          // and links, by what the case calls them
	first   uint64                     // epoch of the policy before the first step
}

func newRun(t testing.TB, from *template) *run {
	return &run{
		TB: t, template: from, clock: new(atomic.Int64),
		devices: map[string]*davtest.Client{}, uploads: map[string]*upload{}, tokens: map[string]string{}, shares: map[string]*given{},
	}
}

// options of the store, whose clock is the case's. It begins at 0.
func (r *run) options() store.Options {
	o := r.start
	o.Clock = func() time.Time { return time.Unix(r.clock.Load(), 0) }
	return o
}

// mistake is an error of the case or of its runner: never a refusal.
type mistake struct{ error }

func mistaken(format string, a ...any) error { return mistake{fmt.Errorf(format, a...)} }

// build makes a world.
func build(t *testing.T, w *world) *template {
	t.Helper()
	from := &template{t: t, world: w, leftOut: map[string]notYet{}}
	err := watch(t, func(t testing.TB) error {
		r := newRun(t, from)
		r.server = davtest.StartWith(t, r.options())
		from.dir = r.server.Dir
		for _, part := range []func() error{r.makeProfiles, r.makePeople, r.makeSpaces, r.makePolicy} {
			if err := part(); err != nil {
				return err
			}
		}
		var tree []string
		for _, p := range w.Tree {
			if space, _ := splitPath(p); from.leftOut[space] == "" {
				tree = append(tree, p)
			}
		}
		return r.plant(tree...)
	})
	if err != nil {
		t.Fatalf("make the world: %v", err)
	}
	return from
}

// without notes that the world lacks something the code base cannot express; any
// other error stays one.
func (r *run) without(err error) error {
	var missing notYet
	if errors.As(err, &missing) {
		r.Logf("the world is without %s", string(missing))
		return nil
	}
	return err
}

// change changes the policy as the operator.
func (r *run) change(changes ...policy.Change) error {
	return r.server.Store.Operator().Change(context.Background(), func(*policy.State) ([]policy.Change, error) { return changes, nil })
}

func (r *run) makeProfiles() error {
	for _, name := range slices.Sorted(maps.Keys(r.world.Profiles)) {
		p := r.world.Profiles[name]
		if err := r.putProfile(name, p.Quota, p.Functions); err != nil {
			return err
		}
	}
	return nil
}

// functions reads the functions of a profile.
func (r *run) functions(names []string) (policy.Functions, error) {
	var on policy.Functions
	for _, name := range names {
		f, err := policy.ParseFunctions(name)
		if err != nil {
			return on, mistake{err}
		}
		on |= f
	}
	return on, nil
}

// putProfile makes or changes a profile; what is empty is left as it is.
func (r *run) putProfile(name, quota string, functions []string) error {
	p := policy.Profile{Name: name, Quota: policy.NoLimit}
	was := r.server.Store.Policy().ProfileNamed(name)
	if was != nil {
		p = *was
	}
	if quota != "" {
		limit, err := policy.ParseLimit(quota)
		if err != nil {
			return mistake{err}
		}
		p.Quota = limit
	}
	if functions != nil {
		on, err := r.functions(functions)
		if err != nil {
			return err
		}
		p.Functions = &on
	}
	if was != nil {
		return r.change(policy.PutProfile{Profile: p})
	}
	_, err := r.server.Store.Operator().AddProfile(context.Background(), p)
	return err
}

func (r *run) makePeople() error {
	for _, name := range slices.Sorted(maps.Keys(r.world.Accounts)) {
		a := r.world.Accounts[name]
		if err := r.addUser(name, a.Type, a.Profile); err != nil {
			return err
		}
	}
	for name := range r.world.Groups {
		if _, err := r.server.Store.Operator().AddGroup(context.Background(), policy.Group{Name: name}); err != nil {
			return err
		}
	}
	for name := range r.world.Roles {
		if _, err := r.server.Store.Operator().AddGroup(context.Background(), policy.Group{Name: name, Role: true}); err != nil {
			return err
		}
	}
	return errors.Join(r.fill(r.world.Groups, r.server.Store.Policy().GroupNamed), r.fill(r.world.Roles, r.server.Store.Policy().RoleNamed))
}

// fill makes the memberships, once everybody is there.
func (r *run) fill(groups map[string][]string, find func(string) *policy.Group) error {
	for name, members := range groups {
		for _, m := range members {
			id, err := r.principal(m)
			if err != nil {
				return err
			}
			if err := r.change(policy.Join{Group: find(name).ID, Member: id}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) addUser(name string, kind policy.Type, profile string) error {
	p := r.server.Store.Policy().ProfileNamed(profile)
	if p == nil && profile != "" {
		return mistaken("no profile %q", profile)
	}
	u := policy.User{Name: name, Type: kind}
	if p != nil {
		u.Profile = p.ID
	}
	_, err := r.server.AddUser(u)
	return err
}

func (r *run) makeSpaces() error {
	for _, name := range slices.Sorted(maps.Keys(r.world.Spaces)) {
		sp := r.world.Spaces[name]
		err := spaceKind(sp.Kind)
		var missing notYet
		if errors.As(err, &missing) {
			r.leftOut[name] = missing
		}
		if err != nil {
			if err := r.without(err); err != nil {
				return err
			}
			continue
		}
		if err := r.makeSpace(name, sp); err != nil {
			return fmt.Errorf("space %s: %w", name, err)
		}
	}
	return nil
}

func (r *run) makeSpace(name string, w worldSpace) error {
	quota := policy.NoLimit
	if w.Quota != "" {
		limit, err := policy.ParseLimit(w.Quota)
		if err != nil {
			return err
		}
		quota = limit
	}
	if w.Kind == calendarKind {
		return r.makeCalendar(name, w)
	}
	var owner policy.ID
	if w.Owner != "" {
		u := r.server.Store.Policy().UserNamed(w.Owner)
		if u == nil {
			return mistaken("no user %q", w.Owner)
		}
		owner = u.ID
	}
	if w.Kind != policy.Personal {
		sp := policy.Space{Name: name, Kind: w.Kind, Owner: owner, Quota: quota}
		if _, err := r.server.Store.Operator().AddSpace(context.Background(), sp); err != nil {
			return err
		}
	} else if w.Quota != "" {
		if err := r.change(policy.PutSpace{Space: withQuota(r.space(name), quota)}); err != nil {
			return err
		}
	}
	return r.makeLevels(name, owner, w)
}

// makeLevels gives a space the levels that are written and no others: one that
// an owner gets by itself is taken back.
func (r *run) makeLevels(name string, owner policy.ID, w worldSpace) error {
	sp := r.space(name)
	if sp == nil {
		return mistaken("no space %q", name)
	}
	if w.Kind != policy.Personal && owner != policy.Nobody && w.Levels["user:"+w.Owner] == "" {
		if err := r.change(policy.SetLevel{Space: sp.ID, Entry: policy.Entry{Principal: owner}}); err != nil {
			return err
		}
	}
	for who, level := range w.Levels {
		id, err := r.principal(who)
		if err != nil {
			return err
		}
		if w.Kind == policy.Personal && id == owner && level == "manager" {
			continue // by nature
		}
		if err := r.change(policy.SetLevel{Space: sp.ID, Entry: levelEntry(id, level)}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) makePolicy() error {
	if len(r.world.Policy) == 0 {
		return nil
	}
	changes, err := settings(r.world.Policy).plan(r)
	if err != nil {
		return err
	}
	return r.change(changes...)
}

// levelEntry is the entry of a level, or of a sum such as "editor+share".
func levelEntry(who policy.ID, level string) policy.Entry {
	e := policy.Entry{Principal: who, Level: level}
	e.Allow, _ = policy.ParseRights("level:" + level)
	return e
}

func withQuota(sp *policy.Space, limit policy.Limit) policy.Space {
	next := *sp
	next.Quota = limit
	return next
}

// space finds a space by its name in the cases, where a personal drive has one
// too; nil if there is none.
func (r *run) space(name string) *policy.Space {
	state := r.server.Store.Policy()
	if w, ok := r.world.Spaces[name]; ok && (w.Kind == policy.Personal || w.Kind == calendarKind) {
		if u := state.UserNamed(w.Owner); u != nil {
			return state.Space(u.Home)
		}
		return nil
	}
	return state.SpaceNamed(name)
}

// splitPath is "/team/HR/x" in its space and the rest, "team" and "HR/x".
func splitPath(p string) (space, rest string) {
	space, rest, _ = strings.Cut(strings.Trim(path.Clean("/"+p), "/"), "/")
	return space, rest
}

// storePath is the path in the store of one in the cases.
func (r *run) storePath(p string) (store.Path, error) {
	space, rest := splitPath(p)
	if missing := r.leftOut[space]; missing != "" {
		return nil, missing
	}
	sp := r.space(space)
	if sp == nil {
		return nil, mistaken("no space %q", space)
	}
	at := store.Path{store.SpacePath(r.server.Store.Policy(), sp)}
	if rest != "" {
		at = append(at, strings.Split(rest, "/")...)
	}
	if r.world.Spaces[space].Kind == calendarKind {
		at = slices.Insert(at, 1, space).Calendars()
	}
	return at, nil
}

// place finds what stands at a path.
func (r *run) place(p string) (policy.Place, error) {
	at, err := r.storePath(p)
	if err != nil {
		return policy.Place{}, err
	}
	place, _, err := r.server.Store.Operator().Place(at)
	if err != nil {
		return policy.Place{}, mistake{err}
	}
	return place, nil
}

// principal finds a principal as the cases spell it.
func (r *run) principal(who string) (policy.ID, error) {
	if strings.HasPrefix(who, "link:") {
		return r.linkNamed(who)
	}
	id, err := r.server.Store.Policy().ParsePrincipal(who)
	if err != nil {
		return policy.Nobody, mistake{err}
	}
	return id, nil
}

// plant makes files of one byte and, for names without an extension or with a
// slash behind, folders, with what leads there. A helper account does it that
// is gone afterwards, with every right it had.
func (r *run) plant(paths ...string) error {
	if len(paths) == 0 {
		return nil
	}
	return r.asHelper(paths, func(s *store.Session) error {
		for _, p := range paths {
			at, err := r.storePath(p)
			if err != nil {
				return err
			}
			file := path.Ext(p) != "" && !strings.HasSuffix(p, "/")
			if err := plantOne(s, at, file); err != nil {
				return fmt.Errorf("%s: %w", p, err)
			}
		}
		return nil
	})
}

func plantOne(s *store.Session, at store.Path, file bool) error {
	if at.InCalendars() {
		return plantObject(s, at)
	}
	dirs := len(at)
	if file {
		dirs--
	}
	for i := 2; i <= dirs; i++ {
		if _, err := s.Mkdir(context.Background(), at[:i], store.Terms{}); err != nil && !errors.Is(err, store.ErrExists) {
			return err
		}
	}
	if !file || dirs == 0 {
		return nil
	}
	return putFile(s, at, "x")
}

func putFile(s *store.Session, at store.Path, content string) error {
	up, err := s.Begin(at, int64(len(content)), store.Terms{})
	if err != nil {
		return err
	}
	if _, err := up.Write([]byte(content)); err != nil {
		up.Abort()
		return err
	}
	_, _, err = up.Commit(context.Background(), store.Meta{})
	return err
}

// asHelper lends a guest account, which needs no drive and is no member, the
// highest level in the spaces of the paths.
func (r *run) asHelper(paths []string, work func(*store.Session) error) error {
	const name = "helper-of-the-test"
	profiles := r.server.Store.Policy().Profiles()
	if err := r.addUser(name, policy.Guest, profiles[0].Name); err != nil {
		return err
	}
	helper := *r.server.Store.Policy().UserNamed(name)
	for _, p := range paths {
		space, _ := splitPath(p)
		if missing := r.leftOut[space]; missing != "" {
			return missing
		}
		sp := r.space(space)
		if sp == nil {
			return mistaken("no space %q", space)
		}
		root := policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}
		if err := r.change(policy.SetEntry{At: root, Entry: levelEntry(helper.ID, "manager")}); err != nil {
			return err
		}
	}
	err := work(r.server.Store.Login(store.Credential{User: helper.ID, Mask: policy.All, Class: policy.Web}))
	helper.Inactive = true
	return errors.Join(err, r.change(policy.PutUser{User: helper}),
		r.server.Store.Operator().RemoveUser(context.Background(), helper.ID, policy.Nobody))
}
