package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"davit/policy"
	"davit/store/disk"
)

var seedFlag = flag.Uint64("store.seed", 0, "seed of the random tests, 0 for a new one")

// random is the test's own source of chance; its seed is in the log.
func random(t testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("run again with: -run '^%s$' -store.seed=%d", t.Name(), seed)
	return rand.New(rand.NewPCG(seed, 0))
}

var ctx = context.Background()

// A clock stands still until a test moves it. It begins later than any file of
// the test is made, so that nothing is too young to be collected.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now().Add(time.Hour).Truncate(time.Second)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// An office is a store with people and spaces. When its test ends, it is
// checked.
type office struct {
	t    testing.TB
	dir  string
	o    Options
	st   *Store
	open bool
}

// newOffice makes the people, who are members, and the spaces: "Team mia=editor
// max=viewer".
func newOffice(t testing.TB, o Options, people string, spaces ...string) *office {
	t.Helper()
	of := &office{t: t, dir: t.TempDir(), o: o}
	if err := Init(of.dir, Options{Clock: o.Clock}); err != nil {
		t.Fatal(err)
	}
	of.start()
	for name := range strings.FieldsSeq(people) {
		if _, err := of.st.Operator().AddUser(ctx, policy.User{Name: name, Type: policy.Member}, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, space := range spaces {
		words := strings.Fields(space)
		if _, err := of.st.Operator().AddSpace(ctx, policy.Space{Name: words[0], Kind: policy.GroupFolder, Quota: policy.NoLimit}); err != nil {
			t.Fatal(err)
		}
		for _, w := range words[1:] {
			name, level, _ := strings.Cut(w, "=")
			of.level(words[0], name, level)
		}
	}
	t.Cleanup(of.stop)
	return of
}

// officeAt opens an existing directory.
func officeAt(t testing.TB, dir string, o Options) *office {
	t.Helper()
	of := &office{t: t, dir: dir, o: o}
	of.start()
	t.Cleanup(of.stop)
	return of
}

func (of *office) start() {
	of.t.Helper()
	st, err := Open(of.dir, of.o)
	if err != nil {
		of.t.Fatal(err)
	}
	of.st, of.open = st, true
}

// stop checks what is left and closes.
func (of *office) stop() {
	of.t.Helper()
	if of.open {
		of.clean()
		of.close()
	}
}

// close closes without a check.
func (of *office) close() {
	of.t.Helper()
	of.open = false
	if err := of.st.Close(); err != nil {
		of.t.Error(err)
	}
}

func (of *office) reopen() {
	of.t.Helper()
	of.stop()
	of.start()
}

// clean holds the store to having no fault, no reservation and no temporary
// file.
func (of *office) clean() Checked {
	of.t.Helper()
	found, err := of.st.Check(ctx)
	if err != nil {
		of.t.Errorf("check: %v", err)
	}
	for _, fault := range found.Faults {
		of.t.Errorf("check: %s", fault)
	}
	if v, err := of.st.Operator().VerifyAudit(ctx); err != nil || v.Fault != "" {
		of.t.Errorf("verify the audit trail: %s (%v)", v.Fault, err)
	}
	if n := of.st.Reserved(); n != 0 {
		of.t.Errorf("%d bytes are still reserved", n)
	}
	if temps := of.temps(); len(temps) > 0 {
		of.t.Errorf("temporary files are left: %v", temps)
	}
	return found
}

func (of *office) temps() []string {
	of.t.Helper()
	names, err := filepath.Glob(filepath.Join(of.dir, "blobs", "tmp", "*"))
	if err != nil {
		of.t.Fatal(err)
	}
	return names
}

func (of *office) user(name string) policy.ID {
	of.t.Helper()
	u := of.st.Policy().UserNamed(name)
	if u == nil {
		of.t.Fatalf("no user %s", name)
	}
	return u.ID
}

// as is the session of a main password.
func (of *office) as(name string) *Session {
	of.t.Helper()
	return of.st.Login(Credential{User: of.user(name), Mask: policy.All, Class: policy.DAV})
}

func (of *office) change(changes ...policy.Change) {
	of.t.Helper()
	err := of.st.Operator().Change(ctx, func(*policy.State) ([]policy.Change, error) { return changes, nil })
	if err != nil {
		of.t.Fatal(err)
	}
}

func (of *office) changeAt(path string, plan func(policy.Place) policy.Change) {
	of.t.Helper()
	err := of.st.Operator().ChangeAt(ctx, split(path), func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
		return []policy.Change{plan(at)}, nil
	})
	if err != nil {
		of.t.Fatal(err)
	}
}

func (of *office) level(space, name, level string) {
	of.t.Helper()
	rights, err := policy.LevelRights(level)
	if err != nil {
		of.t.Fatal(err)
	}
	of.change(policy.SetLevel{Space: of.st.Policy().SpaceNamed(space).ID,
		Entry: policy.Entry{Principal: of.user(name), Level: level, Allow: rights}})
}

// quota limits a folder; below zero the limit goes.
func (of *office) quota(path string, limit policy.Limit) {
	of.t.Helper()
	of.changeAt(path, func(at policy.Place) policy.Change {
		if limit < 0 {
			return policy.SetQuota{At: at}
		}
		return policy.SetQuota{At: at, Limit: &limit}
	})
}

func (of *office) mkdir(s *Session, paths ...string) {
	of.t.Helper()
	for _, p := range paths {
		if _, err := s.Mkdir(ctx, split(p), Terms{}); err != nil {
			of.t.Fatalf("mkdir %s: %v", p, err)
		}
	}
}

func (of *office) put(s *Session, p string, content []byte) Info {
	of.t.Helper()
	info, _, err := put(s, p, content)
	if err != nil {
		of.t.Fatalf("put %s: %v", p, err)
	}
	return info
}

// put uploads content of announced length.
func put(s *Session, p string, content []byte) (Info, bool, error) {
	u, err := s.Begin(split(p), int64(len(content)), Terms{})
	if err != nil {
		return Info{}, false, err
	}
	if _, err := u.Write(content); err != nil {
		u.Abort()
		return Info{}, false, err
	}
	return u.Commit(ctx, Meta{Type: "text/plain"})
}

// read gives the whole content of a file.
func read(s *Session, p string) ([]byte, error) {
	f, err := s.Open(split(p), Terms{})
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(f.Content())
	return content, errors.Join(err, f.Close())
}

// wantContent reads a file and compares it whole.
func (of *office) wantContent(s *Session, p string, want []byte) {
	of.t.Helper()
	if got, err := read(s, p); err != nil || !bytes.Equal(got, want) {
		of.t.Errorf("%s: %d bytes instead of %d, or others (%v)", p, len(got), len(want), err)
	}
}

// split is the inverse of Path.String.
func split(p string) Path { return strings.Split(strings.TrimPrefix(p, "/"), "/") }

// text is content of some size; the same number gives the same bytes.
func text(n, size int) []byte {
	line := fmt.Appendf(nil, "%d/%d ", n, size)
	return bytes.Repeat(line, size/len(line)+1)[:size]
}

// dump tells all that a session sees, by path: content, properties and locks.
func (of *office) dump(s *Session) map[string]string {
	of.t.Helper()
	all := map[string]string{}
	spaces, err := s.Spaces(Want{})
	if err != nil {
		of.t.Fatal(err)
	}
	for _, sp := range spaces {
		of.dumpBelow(s, Path{sp.Name}, all)
	}
	return all
}

func (of *office) dumpBelow(s *Session, p Path, all map[string]string) {
	of.t.Helper()
	for after, more := "", true; more; {
		var page []Info
		var err error
		if page, more, err = s.List(p, after, 100, Want{Props: true, Locks: true}); err != nil {
			of.t.Fatalf("list %s: %v", p, err)
		}
		for i := range page {
			e := &page[i]
			after = e.Name
			child := append(p[:len(p):len(p)], e.Name)
			all[child.String()] = of.tell(s, child, e)
			if e.Dir {
				of.dumpBelow(s, child, all)
			}
		}
	}
}

func (of *office) tell(s *Session, p Path, e *Info) string {
	of.t.Helper()
	line := "dir"
	if !e.Dir {
		content, err := read(s, p.String())
		if err != nil {
			of.t.Fatalf("read %s: %v", p, err)
		}
		line = fmt.Sprintf("%d bytes %x", len(content), sha256.Sum256(content))
	}
	for _, prop := range e.Props {
		line += fmt.Sprintf(" %s=%s", prop.Local, prop.Value)
	}
	for _, l := range e.Locks {
		line += " locked by " + l.UserName
	}
	return line
}

// skip makes operations of one kind succeed without happening.
func skip(kind disk.Kind) disk.Hook {
	return func(op disk.Op) error {
		if op.Kind == kind {
			return disk.Skip
		}
		return nil
	}
}

// A backup is every file of a data directory that was not open.
type backup struct {
	dir   string
	files map[string][]byte
}

func save(t testing.TB, dir string) backup {
	t.Helper()
	b := backup{dir, map[string][]byte{}}
	b.each(t, func(name string) (err error) {
		b.files[name], err = os.ReadFile(name)
		return err
	})
	return b
}

// restore puts the directory back to what it was. The many directories stay:
// they take longer to make than all else.
func (b backup) restore(t testing.TB) string {
	t.Helper()
	b.each(t, os.Remove)
	for name, content := range b.files {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b.dir
}

func (b backup) each(t testing.TB, fn func(name string) error) {
	t.Helper()
	err := filepath.WalkDir(b.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return fn(name)
	})
	if err != nil {
		t.Fatal(err)
	}
}
