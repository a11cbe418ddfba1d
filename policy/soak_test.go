package policy_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"davit/policy"
)

// soak is how long the policy is changed while it is asked.
var soak = flag.Duration("soak", 300*time.Millisecond, "how long the policy is changed while it is asked")

// epoch is one state and what the model knew when it was made.
type epoch struct {
	state *policy.State
	model *model
	users []string
	ids   map[string]policy.ID
	ways  map[string]policy.Place
}

// TestChangesWhileAsked changes the policy as fast as it goes while every core asks
// it through one pointer. Every answer is that of the model of the same epoch, and
// nobody sees one half of a change: two spaces change together, always.
func TestChangesWhileAsked(t *testing.T) {
	w := newTwin(t, *seed)
	w.grow(randomEntries / 2)
	w.name("user:pair")
	w.model.types["user:pair"], w.model.profile["user:pair"] = policy.Member, "profile:p"
	w.apply(policy.PutUser{User: w.userRecord("user:pair")})
	for _, name := range []string{"left", "right"} {
		w.addSpace(name, policy.GroupFolder, policy.Nobody, policy.NoLimit)
	}
	var now atomic.Pointer[epoch]
	now.Store(w.epoch())
	var over atomic.Bool
	var asked, compared atomic.Int64
	var readers sync.WaitGroup
	for i := range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			r := &reader{T: t, rng: rand.New(rand.NewPCG(*seed, uint64(i)+1))}
			for !over.Load() && !t.Failed() {
				r.read(now.Load())
			}
			asked.Add(r.asked)
			compared.Add(r.compared)
		})
	}
	changes := 0
	for end := time.Now().Add(*soak); time.Now().Before(end) && !t.Failed() || changes < 20; changes++ {
		w.edit()
		w.changePair()
		now.Store(w.epoch())
	}
	over.Store(true)
	readers.Wait()
	t.Logf("seed %d: %d changes, %d questions, %d of them compared with the model", *seed, changes, asked.Load(), compared.Load())
	if asked.Load() == 0 || compared.Load() == 0 {
		t.Error("nobody asked")
	}
}

func (w *twin) epoch() *epoch {
	e := &epoch{state: w.state, model: w.model.clone(), users: slices.Clone(w.users), ids: maps.Clone(w.ids), ways: map[string]policy.Place{}}
	for _, path := range append(slices.Clone(w.model.tree), "/left", "/right") {
		e.ways[path] = w.place(path)
	}
	return e
}

// changePair gives the same level in two spaces, in one change.
func (w *twin) changePair() {
	e := policy.Entry{Principal: w.id("user:pair"), Allow: w.someRights()}
	w.apply(policy.SetLevel{Space: w.id("space:left"), Entry: e}, policy.SetLevel{Space: w.id("space:right"), Entry: e})
}

// reader asks states that others make.
type reader struct {
	*testing.T
	rng             *rand.Rand
	seen            uint64 // the newest epoch
	asked, compared int64
}

func (r *reader) read(e *epoch) {
	if e.state.Epoch < r.seen {
		r.Errorf("epoch %d after %d", e.state.Epoch, r.seen)
	}
	r.seen = e.state.Epoch
	w := &twin{
		world: &world{TB: r.T, state: e.state, ids: e.ids, ways: e.ways}, rng: r.rng, model: e.model, users: e.users,
	}
	pair := policy.Subject{User: w.id("user:pair"), Mask: policy.All, Class: policy.Web, Network: policy.Inside}
	if left, right := e.state.Held(pair, w.place("/left")), e.state.Held(pair, w.place("/right")); left != right {
		r.Errorf("epoch %d: one half of a change: %v and %v", e.state.Epoch, left, right)
	}
	for range 20 {
		q, path := w.question(), pick(w, e.model.tree)
		e.state.Decide(w.asked(q), w.place(path), policy.Read)
		r.asked++
	}
	q, path := w.question(), pick(w, e.model.tree)
	if got, want := e.state.Held(w.asked(q), w.place(path)), e.model.held(e.model.asker(q), path); got != want {
		r.Errorf("epoch %d: %+v at %s holds %v, in the model %v", e.state.Epoch, q, path, got, want)
	}
	r.compared++
}
