package store

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"davit/policy"
)

// pushOffice is an office where mia's phone watches a folder.
func pushOffice(t *testing.T) (*office, Registered) {
	clock := newClock()
	of := newOffice(t, Options{Clock: clock.Now}, "mia max", "Team mia=viewer max=editor")
	set := of.st.Policy().Settings()
	set.PushHosts = []string{"push.example.org"}
	of.change(policy.PutSettings{Settings: set})
	r, err := of.as("mia").RegisterPush(ctx, Path{"Team"}, NewPush{Resource: "https://push.example.org/a", Content: true}, Terms{})
	must(t, err)
	return of, r
}

func (of *office) stirred() []Stirred {
	of.t.Helper()
	list, err := of.st.Operator().StirredPushes()
	must(of.t, err)
	return list
}

// Of more changes than are noted it is known that something changed, and everybody is
// looked at.
func TestManyStirs(t *testing.T) {
	of, _ := pushOffice(t)
	many := make([]stir, stirsMax+1)
	for i := range many {
		many[i].in = policy.Node(1_000_000 + i)
	}
	of.st.pushes.note(many[:stirsMax])
	if got := of.stirred(); len(got) != 0 {
		t.Errorf("stirred elsewhere: %+v", got)
	}
	of.st.pushes.note(many)
	got := of.stirred()
	if len(got) != 1 || !got[0].Content {
		t.Fatalf("of too many: %+v", got)
	}
	// Nothing changed for mia all the same, and nothing is told.
	if p, err := of.st.Operator().Push(ctx, got[0]); err != nil || p.Content || p.Props {
		t.Errorf("%+v (%v)", p, err)
	}
	if got := of.stirred(); len(got) != 0 {
		t.Errorf("stirred twice: %+v", got)
	}
}

// A change that fails stirs nothing, and one that is made is told until it was sent.
func TestStirs(t *testing.T) {
	of, r := pushOffice(t)
	if err := of.as("mia").Remove(ctx, Path{"Team", "none"}, Terms{}); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if _, _, err := put(of.as("mia"), "/Team/a", []byte("x")); err == nil {
		t.Fatal("a viewer writes")
	}
	if got := of.stirred(); len(got) != 0 {
		t.Errorf("stirred by what was refused: %+v", got)
	}
	of.put(of.as("max"), "/Team/a", []byte("x"))
	got := of.stirred()
	if len(got) != 1 || got[0].Number != r.Number {
		t.Fatalf("%+v", got)
	}
	push := func() Push {
		t.Helper()
		p, err := of.st.Operator().Push(ctx, got[0])
		must(t, err)
		return p
	}
	p := push()
	if !p.Content || !push().Content {
		t.Error("what was not sent is told once")
	}
	must(t, of.st.Operator().PushSent(ctx, p))
	if push().Content {
		t.Error("what was sent is told again")
	}
	of.reopen()
	if push().Content {
		t.Error("what was sent is told again after a restart")
	}
	of.put(of.as("max"), "/Team/b", []byte("x"))
	of.reopen() // which forgets what was stirred, and not what was told
	_, err := of.as("mia").RegisterPush(ctx, Path{"Team"}, NewPush{Resource: "https://push.example.org/a", Content: true}, Terms{})
	must(t, err)
	if !push().Content {
		t.Error("what came before a restart is not told, having registered again")
	}
}

// A registration counts for who made it, and a number for nobody else.
func TestPushOfAnother(t *testing.T) {
	of, r := pushOffice(t)
	if err := of.as("max").UnregisterPush(ctx, r.Number); !errors.Is(err, ErrNotFound) {
		t.Errorf("max ends mia's: %v", err)
	}
	q := of.as("max").QuietExcept([]uint64{r.Number})
	mia := PushID{of.user("mia"), r.Number}
	all := of.as("mia").QuietToAll()
	some := of.as("mia").QuietExcept([]uint64{1, r.Number})
	other := of.as("mia").QuietExcept([]uint64{r.Number * 10, r.Number / 10})
	if q.has(mia) || !all.has(mia) || !some.has(mia) || other.has(mia) || (&Quiet{}).has(PushID{Number: 1}) {
		t.Error("who is not told is another's to say")
	}
	// As many as there may be, and each of them once.
	must(t, of.st.update(ctx, 0, func(tx *Tx) error {
		for i := 1; i < PushesMax; i++ {
			s := of.as("mia")
			sp, err := s.resolve(tx, Path{"Team"})
			if err != nil {
				return err
			}
			for range 1 + 1/i { // the first one twice
				rec := &push{NewPush: NewPush{Resource: "https://push.example.org/" + strconv.Itoa(i), Props: true}, Node: sp.entry().Node}
				if _, err := s.putPush(tx, sp, rec); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	if _, err := of.as("mia").RegisterPush(ctx, Path{"Team"}, NewPush{Resource: "https://push.example.org/more", Props: true, Until: time.Time{}}, Terms{}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
}
