package admin

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/policy"
	"davit/store"
)

// A world has people of every sort and a space to differ about.
type world struct {
	*Admin
	t     *testing.T
	rand  *rand.Rand
	users []policy.User
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{Admin: newAdmin(t), t: t, rand: rand.New(rand.NewPCG(seed, 1))}
	ctx := context.Background()
	for _, u := range []struct {
		name string
		kind policy.Type
	}{{"ann", policy.Owner}, {"mia", policy.Member}, {"eve", policy.Member}, {"bob", policy.Guest}} {
		w.users = append(w.users, w.testUser(t, u.name, u.kind))
	}
	w.must(AddGroup.Do(ctx, w, Named{"staff"}))
	w.must(JoinGroup.Do(ctx, w, Membership{"staff", []string{"mia", "eve"}}))
	w.must(AddSpace.Do(ctx, w, NewSpace{Name: "F", Owner: "ann"}))
	w.must(SetLevel.Do(ctx, w, NewLevel{Space: "F", Principal: "staff", Level: "editor"}))
	for _, dir := range []string{"/F/a", "/F/a/b", "/F/c"} {
		w.must(w.session("ann").Mkdir(ctx, w.path(dir), store.Terms{}))
	}
	for file, user := range map[string]string{"/F/a/x": "mia", "/F/a/b/y": "ann", "/F/z": "eve"} {
		u, err := w.session(user).Begin(w.path(file), 1, store.Terms{})
		if err != nil {
			t.Fatal(err)
		}
		w.must(u.Write([]byte("x")))
		_, _, err = u.Commit(ctx, store.Meta{})
		w.must(nil, err)
	}
	return w
}

func (w *world) must(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) session(name string) *store.Session {
	u := w.st.Policy().UserNamed(name)
	return w.st.Login(store.Credential{User: u.ID, Mask: policy.All, Class: policy.DAV})
}

func (w *world) path(text string) store.Path {
	p, err := ParsePath(text)
	w.must(nil, err)
	return p
}

func (w *world) pick(from ...string) string { return from[w.rand.IntN(len(from))] }

// change edits the policy at random; what policy refuses is left out.
func (w *world) change() string {
	ctx := context.Background()
	at := w.pick("/F", "/F/a", "/F/a/b", "/F/a/x", "/F/a/b/y", "/F/c")
	who := w.pick("ann", "mia", "eve", "bob", "group:staff", "members")
	rights := w.pick("see", "read", "add", "write,props", "delete", "see,delete-own", "level:editor", "manage", "all")
	switch w.rand.IntN(9) {
	case 0, 1, 2:
		SetAccess.Do(ctx, w, NewAccess{Path: at, Principal: who, Allow: rights})
		return fmt.Sprintf("allow %s %s at %s", who, rights, at)
	case 3:
		SetAccess.Do(ctx, w, NewAccess{Path: at, Principal: who, Revoke: rights})
		return fmt.Sprintf("revoke %s %s at %s", who, rights, at)
	case 4:
		SetAccess.Do(ctx, w, NewAccess{Path: at, Principal: who, Deny: rights})
		return fmt.Sprintf("deny %s %s at %s", who, rights, at)
	case 5:
		ClearAccess.Do(ctx, w, AccessOf{Path: at})
		return "clear " + at
	case 6:
		if w.rand.IntN(2) == 0 {
			UncutAccess.Do(ctx, w, Located{at})
			return "uncut " + at
		}
		CutAccess.Do(ctx, w, Located{at})
		return "cut " + at
	case 7:
		level, pin := w.pick(policy.LevelNames()...), w.rand.IntN(2) == 0
		SetLevel.Do(ctx, w, NewLevel{Space: "F", Principal: who, Level: level, Pin: &pin})
		return fmt.Sprintf("level of %s: %s, pin %t", who, level, pin)
	}
	if w.rand.IntN(3) == 0 {
		ArchiveSpace.Do(ctx, w, Named{"F"})
		return "archive"
	}
	RestoreSpace.Do(ctx, w, Named{"F"})
	return "restore"
}

// try sends a request as far as its rights go: its conditions never hold, and
// are judged right after.
func (w *world) try(s *store.Session, method, path, to string) error {
	ctx := context.Background()
	never := store.Terms{If: func(*store.Entry, store.Look) error { return store.ErrStale }}
	p := w.path(path)
	switch method {
	case "GET":
		_, err := s.Open(p, never)
		return err
	case "PROPFIND":
		_, err := s.Stat(p, store.Want{})
		return err
	case "PUT":
		_, err := s.Begin(p, 1, never)
		return err
	case "MKCOL":
		_, err := s.Mkdir(ctx, p, never)
		return err
	case "LOCK":
		_, _, err := s.Lock(ctx, p, store.LockRequest{Timeout: time.Minute}, never)
		return err
	case "PROPPATCH":
		return s.SetProps(ctx, p, nil, time.Time{}, never)
	case "DELETE":
		return s.Remove(ctx, p, never)
	case "COPY":
		_, err := s.Copy(ctx, p, w.path(to), true, false, never)
		return err
	}
	_, err := s.Move(ctx, p, w.path(to), true, never)
	return err
}

// statusOf is what a client gets for the error of a try; 200 stands for every
// success.
func statusOf(method string, err error) int {
	var refused *store.Refused
	switch {
	case err == nil, errors.Is(err, store.ErrStale), errors.Is(err, store.ErrIsDir), errors.Is(err, store.ErrLoop):
		return http.StatusOK // the rights are there
	case errors.As(err, &refused), errors.Is(err, store.ErrReserved):
		return http.StatusForbidden
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, store.ErrNoParent):
		return http.StatusConflict
	case errors.Is(err, store.ErrExists) && method == "MKCOL":
		return http.StatusMethodNotAllowed
	}
	return http.StatusInternalServerError
}

// TestExplainAgrees: whatever the policy, the explanation says what the store
// does, for every method and user, at things that are there, hidden or missing.
func TestExplainAgrees(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	const changes, questions = 150, 50
	w := newWorld(t, seed)
	var history []string
	seen := map[int]int{}
	for range changes {
		history = append(history, w.change())
		for range questions {
			user := w.users[w.rand.IntN(len(w.users))].Name
			method := w.pick("GET", "PROPFIND", "PUT", "MKCOL", "LOCK", "PROPPATCH", "DELETE", "COPY", "MOVE")
			path := w.pick("/F", "/F/a", "/F/a/x", "/F/a/b", "/F/a/b/y", "/F/z", "/F/c", "/F/a/new", "/F/new")
			to := ""
			if method == "COPY" || method == "MOVE" {
				to = w.pick("/F", "/F/a/x", "/F/z", "/F/c", "/F/c/new", "/F/a/b/new", "/F/a/b/y")
			}
			want := statusOf(method, w.try(w.session(user), method, path, to))
			answer, err := w.Explain(context.Background(), Question{User: user, Ask: method, Path: path, To: to})
			got := answer.Status
			if answer.Allowed {
				got = http.StatusOK
			}
			seen[want]++
			if err == nil && undecided(answer) {
				continue
			}
			if err != nil || got != want {
				t.Fatalf("seed %d, after\n%s\n%s %s %s %s: explained %d (%s, %v), the store says %d",
					seed, strings.Join(history, "\n"), user, method, path, to, answer.Status, answer.Why, err, want)
			}
		}
	}
	for _, status := range []int{200, 403, 404, 405, 409} {
		if seen[status] == 0 {
			t.Errorf("seed %d: nothing got %d: %v", seed, status, seen)
		}
	}
}

// undecided: who made everything in a collection the operator cannot see, and
// the explanation says so.
func undecided(a Answer) bool {
	decisive := a.Checks[slices.IndexFunc(a.Checks, func(c Check) bool { return c.Why == a.Why })]
	collection := slices.Contains([]string{"/F", "/F/a", "/F/a/b", "/F/c"}, decisive.Path)
	return collection && strings.Contains(a.Why, "if the same account made everything in it")
}

// TestExplainMissing: what has no folder to stand in is no question of rights.
func TestExplainMissing(t *testing.T) {
	w := newWorld(t, 1)
	for _, path := range []string{"/None", "/None/a", "/F/none/a", "/F/z/a"} {
		if a, err := w.Explain(context.Background(), Question{User: "ann", Ask: "PUT", Path: path}); kindOf(tell(err)) != NotFound {
			t.Errorf("%s: %+v, %v", path, a, err)
		}
	}
}
