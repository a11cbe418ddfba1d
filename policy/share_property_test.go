package policy_test

import (
	"slices"
	"testing"

	"davit/policy"
)

// askers are all accounts and links.
func (w *twin) askers() []string {
	all := slices.Clone(w.users)
	for _, sh := range w.model.shares {
		if sh.isLink() {
			all = append(all, sh.id)
		}
	}
	return all
}

// Property 8: a share stays within the sharer's rights, always: what anybody holds
// with it and would not hold without is among its rights, and the sharer would get
// it with the same request.
func TestSharesStayWithin(t *testing.T) {
	given := 0
	property(t, func(t *testing.T, w *twin) {
		for range 20 {
			w.edit()
			w.putShare()
			sh := pick(w, w.model.shares)
			if w.model.trashed(sh.at) {
				continue
			}
			without, _, err := w.state.Apply(policy.DropShare{ID: w.id(sh.id)})
			if err != nil {
				t.Fatal(err)
			}
			q := w.question()
			q.steady = false
			for _, who := range w.askers() {
				q.who = who
				sub := w.asked(q)
				giver := sub
				giver.User, giver.Link, giver.Mask, giver.Spaces = w.id(sh.by), policy.Nobody, policy.All, nil
				for _, path := range w.model.tree {
					at := w.place(path)
					gained := w.state.Held(sub, at) &^ without.Held(sub, at)
					if sh.isLink() && who == sh.id {
						gained = w.state.Held(sub, at) & sh.rights // without the link there is nobody to ask
						gained &^= w.linesOfAllLinks(sub, at)
					}
					if more := gained &^ (sh.rights & w.state.Held(giver, at)); more != 0 {
						t.Fatalf("%+v at %s gets %v by %+v, whose giver holds %v\n%s", q, path, more, sh, w.state.Held(giver, at), w.lines(q, path))
					}
					if gained != 0 {
						given++
						if !below(path, sh.at) {
							t.Fatalf("%+v at %s gets %v by %+v", q, path, gained, sh)
						}
					}
				}
			}
		}
	})
	t.Logf("%d times a share gave something", given)
	if given < worlds(100) {
		t.Error("these worlds are blind")
	}
}

// linesOfAllLinks is what lists, not the share, give a bearer.
func (w *twin) linesOfAllLinks(sub policy.Subject, at policy.Place) policy.Rights {
	var listed policy.Rights
	for _, st := range w.state.Explain(sub, at, 0).Steps {
		listed |= st.Granted
	}
	return listed
}

// Property 6 for shares: one given to a principal changes only who is of it, and
// whom they gave something.
func TestSharesAreLocal(t *testing.T) {
	moved := 0
	property(t, func(t *testing.T, w *twin) {
		if w.shape.depth > 0 {
			return // many paths to survey, and nothing to add
		}
		for range 6 {
			before := w.survey()
			if !w.putShare() {
				continue
			}
			sh, after := w.model.shares[len(w.model.shares)-1], w.survey()
			for a, d := range before {
				if after[a] == d {
					continue
				}
				moved++
				if !slices.Contains(w.model.concerns(a.who), sh.to) || below(sh.at, a.path) == below(a.path, sh.at) && a.path != sh.at {
					t.Errorf("%+v changed %+v from %+v to %+v", sh, a, d, after[a])
				}
			}
		}
	})
	t.Logf("%d answers changed", moved)
	if moved == 0 && !testing.Short() { // which has too few worlds to ask
		t.Error("these worlds are blind")
	}
}

// What is held steadily is held in every context: with any class of client that
// the profile opens, from any network, at any later time while the account lives.
func TestSteadyIsTheLeast(t *testing.T) {
	steadily := 0
	property(t, func(t *testing.T, w *twin) {
		for range 60 {
			q, path := w.question(), pick(w, w.model.tree)
			q.steady, q.class = true, "web"
			at, space := w.place(path), w.model.spaces[spaceOf(path)]
			least := w.state.Held(w.asked(q), at)
			if least != 0 {
				steadily++
			}
			for _, class := range []string{"web", "mobile", "desktop", "dav", "unknown"} {
				for _, network := range []string{"inside", "outside", ""} {
					for now := q.now; now <= lastSecond+2; now++ {
						other := question{who: q.who, mask: q.mask, spaces: q.spaces, class: class, network: network, now: now}
						if w.model.link(q.who) == nil && (!w.model.active(q.who, now) || !w.model.profileLets(other, space, "see")) ||
							w.model.link(q.who) != nil && w.model.cutBy(other, spaceOf(path), "see") == policy.CutByAccount {
							continue
						}
						if held := w.state.Held(w.asked(other), at); least&^held != 0 {
							t.Fatalf("%+v at %s holds %v, and not %v in %+v\n%s", q, path, least, least&^held, other, w.lines(q, path))
						}
					}
				}
			}
		}
	})
	t.Logf("%d times something was held", steadily)
	if steadily < worlds(100) {
		t.Error("these worlds are blind")
	}
}
