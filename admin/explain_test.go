package admin

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// A world has people of every sort, a space to differ about, and a server that
// answers them. Its clock stands still until the test moves it.
type world struct {
	*Admin
	t       *testing.T
	rand    *rand.Rand
	seconds atomic.Int64 // of the clock, which the store reads at any time
	server  *davtest.Server
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rand: rand.New(rand.NewPCG(seed, 1))}
	w.seconds.Store(time.Now().Unix())
	w.server = davtest.StartWith(t, store.Options{Clock: w.clock}, "ann", "mia", "eve")
	w.server.User("bob", policy.Guest)
	w.Admin = New(w.server.Store, w.server.Auth)
	ctx := context.Background()
	w.must(AddGroup.Do(ctx, w, Named{"staff"}))
	w.must(JoinGroup.Do(ctx, w, Membership{"staff", []string{"mia", "eve"}}))
	w.must(AddSpace.Do(ctx, w, NewSpace{Name: "F", Owner: "ann"}))
	w.must(AddSpace.Do(ctx, w, NewSpace{Name: "G", Owner: "ann"}))
	w.must(SetLevel.Do(ctx, w, NewLevel{Space: "F", Principal: "staff", Level: "editor"}))
	w.must(SetLevel.Do(ctx, w, NewLevel{Space: "G", Principal: "members", Level: "contributor"}))
	w.plant()
	return w
}

func (w *world) clock() time.Time { return time.Unix(w.seconds.Load(), 0) }

// plant makes the tree that the test's paths are about, as far as it is gone.
func (w *world) plant() {
	for _, made := range []string{"ann MKCOL /F/a", "ann MKCOL /F/a/b", "ann MKCOL /F/c", "mia PUT /F/a/x", "ann PUT /F/a/b/y", "eve PUT /F/z", "eve PUT /G/z"} {
		words := strings.Fields(made)
		if _, _, err := w.op.Place(w.path(words[2])); err != nil {
			w.send(words[0], words[1], words[2], "")
		}
	}
}

// send makes a request and tells its status.
func (w *world) send(user, method, path, to string) int {
	body := map[string]string{
		"PUT":       "x",
		"LOCK":      `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>`,
		"PROPPATCH": `<propertyupdate xmlns="DAV:"><set><prop><note xmlns="urn:test">x</note></prop></set></propertyupdate>`,
	}[method]
	r := httptest.NewRequest(method, "/dav"+path, strings.NewReader(body))
	r.SetBasicAuth(user, davtest.Password)
	r.Header.Set("Depth", "infinity")
	switch method {
	case "PROPFIND", "LOCK", "PROPPATCH":
		r.Header.Set("Depth", "0")
	case "COPY", "MOVE":
		r.Header.Set("Destination", "http://"+r.Host+"/dav"+to)
	}
	answer := httptest.NewRecorder()
	w.server.Handler.ServeHTTP(answer, r)
	if token := answer.Header().Get("Lock-Token"); token != "" {
		r := httptest.NewRequest("UNLOCK", "/dav"+path, nil)
		r.SetBasicAuth(user, davtest.Password)
		r.Header.Set("Lock-Token", token)
		unlocked := httptest.NewRecorder()
		w.server.Handler.ServeHTTP(unlocked, r)
		if unlocked.Code != http.StatusNoContent {
			w.t.Errorf("%s UNLOCK %s: %d", user, path, unlocked.Code)
		}
	}
	return answer.Code
}

func (w *world) must(_ any, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) path(text string) store.Path {
	p, err := ParsePath(text)
	w.must(nil, err)
	return p
}

func (w *world) pick(from ...string) string { return from[w.rand.IntN(len(from))] }

// relent begins the policy anew with a level for everybody.
func (w *world) relent() string {
	ctx := context.Background()
	for _, at := range []string{"/F", "/F/a", "/F/a/b", "/F/a/x", "/F/a/b/y", "/F/c"} {
		ClearAccess.Do(ctx, w, AccessOf{Path: at})
		UncutAccess.Do(ctx, w, Located{at})
	}
	RestoreSpace.Do(ctx, w, Named{"F"})
	said := "anew:"
	for _, who := range []string{"ann", "mia", "eve", "bob", "group:staff", "members"} {
		level, pin := "none", false
		switch who {
		case "ann":
			level = "manager"
		case "group:staff":
			level = w.pick("portal", "contributor", "creator", "editor")
		case "bob":
			level = w.pick("deposit", "contributor")
		}
		SetLevel.Do(ctx, w, NewLevel{Space: "F", Principal: who, Level: level})
		SetLevel.Do(ctx, w, NewLevel{Space: "F", Principal: who, Level: level, Pin: &pin}) // refused for groups
		said += " " + who + "=" + level
	}
	return said
}

// change edits the policy at random; what policy refuses is left out.
func (w *world) change() string {
	ctx := context.Background()
	at := w.pick("/F", "/F/a", "/F/a/b", "/F/a/x", "/F/a/b/y", "/F/c")
	who := w.pick("ann", "mia", "eve", "bob", "group:staff", "members")
	rights := w.pick("see", "read", "add", "write,props", "delete", "see,delete-own", "level:contributor", "level:editor", "manage", "all")
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

// TestExplainAgrees: whatever the policy, the explanation tells the status that
// the server then gives, for every method and user, at things that are there,
// hidden or missing, young or old, one's own or another's.
func TestExplainAgrees(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const changes, questions = 80, 50
	w := newWorld(t, seed)
	var history []string
	note := func(format string, a ...any) { history = append(history, fmt.Sprintf(format, a...)) }
	statuses, grounds := map[int]int{}, map[string]int{}
	for i := range changes {
		if i%4 == 0 {
			note("%s", w.relent())
		} else {
			note("%s", w.change())
		}
		for range questions {
			if w.rand.IntN(8) == 0 {
				w.seconds.Add(int64(w.rand.IntN(30)) * 60)
			}
			user := w.pick("ann", "mia", "eve", "bob")
			method := w.pick("GET", "HEAD", "PROPFIND", "PUT", "PUT", "MKCOL", "LOCK", "PROPPATCH", "DELETE", "COPY", "MOVE", "MOVE", "MOVE")
			path := w.pick("/F", "/F/a", "/F/a/x", "/F/a/x~", "/F/a/b", "/F/a/b/y", "/F/z", "/F/c", "/F/a/new", "/F/a/new.tmp", "/F/new", "/G/z")
			to := ""
			if method == "COPY" || method == "MOVE" {
				to = w.pick("/F", "/F/a/x", "/F/a/x~", "/F/z", "/F/z.bak", "/F/c", "/F/c/new", "/F/a/new", "/F/a/b/new", "/F/a/b/y", "/G/z", "/G/new")
			}
			answer, err := w.Explain(context.Background(), Question{User: user, Ask: method, Path: path, To: to})
			note("%s %s %s %s: explained %d (%s)", user, method, path, to, answer.Status, answer.Why)
			got := w.send(user, method, path, to)
			agree := got == answer.Status && answer.Allowed == (got < 400)
			if kindOf(err) == NotFound { // paths that lead nowhere are no question of rights
				agree = got == http.StatusNotFound || got == http.StatusConflict
			}
			if !agree {
				t.Fatalf("seed %d: the server says %d after\n%s\n%v", seed, got, strings.Join(history[max(0, len(history)-60):], "\n"), err)
			}
			statuses[got]++
			for _, c := range answer.Checks {
				if ground, _, _ := strings.Cut(c.Why, ":"); c.Allowed {
					grounds[ground]++
				}
			}
		}
		w.plant()
	}
	for _, status := range []int{200, 201, 204, 207, 403, 404, 405, 409} {
		if statuses[status] == 0 {
			t.Errorf("seed %d: nothing got %d: %v", seed, status, statuses)
		}
	}
	for _, ground := range []string{"delete-own", "own hour", "save rule", "add", "write"} {
		if grounds[ground] == 0 {
			t.Errorf("seed %d: nothing rested on %s: %v", seed, ground, grounds)
		}
	}
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
