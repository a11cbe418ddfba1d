package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// What the lines at a place say is what is held there: read by the one rule,
// before the ceilings, where no cut stands on the way and nobody is pinned.
func TestLinesAgree(t *testing.T) {
	property(t, func(t *testing.T, w *twin) {
		for a, d := range w.survey() {
			asker := w.model.asker(a.question)
			way := w.model.wayTo(asker, a.path)
			if way.cut > 0 || way.pinned || w.model.trashed(a.path) {
				continue
			}
			var want policy.Rights
			for r := policy.See; r&policy.All != 0; r <<= 1 {
				if way.grants(r) && !way.walled(r) {
					want |= r
				}
			}
			if got := w.read(w.state.Lines(w.place(a.path)), asker); got != want {
				t.Errorf("%+v: the lines say %s, the rule %s (held %s)", a, got, want, d.Held)
			}
		}
	})
}

// read is the one rule over a list that begins with what is nearest.
func (w *twin) read(lines []policy.Line, a *asker) (held policy.Rights) {
	said := map[policy.ID]policy.Rights{}
	walls := policy.Rights(0)
	for i := 0; i < len(lines); {
		level := lines[i].Depth
		here := map[policy.ID][2]policy.Rights{}
		for ; i < len(lines) && lines[i].Depth == level; i++ {
			l := w.inWords(lines[i])
			if !slices.Contains(a.mine, l.who) {
				continue
			}
			gives, takes := l.holds(a.question)
			part := here[lines[i].Principal]
			if gives {
				part[0] |= l.allow
			}
			if takes {
				part[1] |= l.revoke
				walls |= l.deny
			}
			here[lines[i].Principal] = part
		}
		for p, part := range here {
			held |= part[0] &^ said[p]
			said[p] |= part[0] | part[1]
		}
	}
	return held &^ walls
}

func (w *twin) inWords(e policy.Line) line {
	l := line{allow: e.Allow, revoke: e.Revoke, deny: e.Deny, from: e.From, until: e.Until}
	for name, id := range w.ids {
		if id == e.Principal {
			l.who = name
		}
	}
	if e.Class != 0 {
		l.class = strings.Split(e.Class.String(), ",")
	}
	if e.Network != 0 {
		l.network = strings.Split(e.Network.String(), ",")
	}
	return l
}

// Below a cut the lines above it are walls, and the way in of who manages the
// space.
func TestLinesPastACut(t *testing.T) {
	w := newOrganisation(t)
	for _, step := range []string{
		"acl /team group:staff allow=read revoke=write deny=purge",
		"acl /team/HR group:hr allow=level:editor",
		"acl /team/HR/public group:sales allow=level:viewer",
		"cut /team/HR on",
	} {
		if err := w.step(step); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"2 group:sales allow=see,read,free-busy revoke=none deny=none",
		"1 group:hr allow=see,read,add,write,props,delete,delete-own,history,trash,free-busy,schedule revoke=none deny=none",
		"0 group:staff allow=none revoke=none deny=purge",
		"-1 user:mona allow=see,read-acl,manage revoke=none deny=none",
	}
	if got := w.told("/team/HR/public"); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, step := range []string{"cut /team/HR/public on", "acl /team/HR group:hr allow=manage"} {
		if err := w.step(step); err != nil {
			t.Fatal(err)
		}
	}
	want = slices.Delete(want, 1, 2) // a folder's manager is not the space's
	if got := w.told("/team/HR/public"); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := w.told("/team"); len(got) != 3 {
		t.Errorf("above the cut: %q", got)
	}
	if got := w.state.Lines(policy.Place{}); got != nil {
		t.Errorf("nowhere: %v", got)
	}
}

func (w *world) told(path string) (told []string) {
	for _, l := range w.state.Lines(w.place(path)) {
		told = append(told, fmt.Sprintf("%d %s allow=%s revoke=%s deny=%s", l.Depth, w.state.PrincipalName(l.Principal), l.Allow, l.Revoke, l.Deny))
	}
	return told
}

// Relisting makes the list that is wanted, whatever stood there, and a list that
// is the same changes nothing.
func TestRelist(t *testing.T) {
	rng := rand.New(rand.NewPCG(*seed, 1))
	property(t, func(t *testing.T, w *twin) {
		for range 10 {
			path := w.somewhere()
			at := w.place(path)
			same := entriesAt(w.state, at)
			if changes := w.state.Relist(at, same); len(changes) > 0 {
				t.Errorf("%s: the same list changes %+v", path, changes)
			}
			var wanted []policy.Entry
			for _, e := range same {
				if rng.IntN(2) == 0 {
					wanted = append(wanted, e)
				}
			}
			for range rng.IntN(4) {
				e := w.entry(w.fits(w.someLine(path)))
				says := e.Allow|e.Revoke|e.Deny != 0
				if says && !slices.ContainsFunc(wanted, func(o policy.Entry) bool {
					return o.Principal == e.Principal && o.Class == e.Class && o.Network == e.Network && o.From == e.From && o.Until == e.Until
				}) {
					wanted = append(wanted, e)
				}
			}
			changes := w.state.Relist(at, wanted)
			next, _, err := w.state.Apply(changes...)
			if err != nil {
				t.Fatalf("%s: %+v: %v", path, changes, err)
			}
			if got := entriesAt(next, at); !sameRights(got, wanted) {
				t.Errorf("%s: got  %+v\nwant %+v", path, got, wanted)
			}
		}
	})
}

func entriesAt(s *policy.State, at policy.Place) []policy.Entry {
	if m := s.Mark(at.Path[len(at.Path)-1]); m != nil {
		return m.Entries
	}
	return nil
}

// sameRights holds two lists against each other, line by line in any order.
func sameRights(a, b []policy.Entry) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(e policy.Entry) bool {
		return !slices.ContainsFunc(b, func(o policy.Entry) bool {
			e.Level, o.Level = "", ""
			return e == o
		})
	})
}

// A line of two parts is one line; what says what it said keeps its name.
func TestRelistKeepsNames(t *testing.T) {
	w := newOrganisation(t)
	at := w.place("/team/HR")
	viewer := rights(t, "level:viewer")
	mia, max := w.id("user:mia"), w.id("user:max")
	w.apply(policy.SetEntry{At: at, Entry: policy.Entry{Principal: mia, Allow: viewer, Level: "viewer"}})
	got := w.state.Relist(at, []policy.Entry{
		{Principal: mia, Deny: policy.Purge}, {Principal: mia, Allow: viewer}, {Principal: max, Allow: policy.Read}, {Principal: max, Allow: policy.See, Deny: policy.Purge},
	})
	want := []policy.Change{
		policy.SetEntry{At: at, Entry: policy.Entry{Principal: mia, Allow: viewer, Deny: policy.Purge, Level: "viewer"}},
		policy.SetEntry{At: at, Entry: policy.Entry{Principal: max, Allow: policy.See | policy.Read, Deny: policy.Purge}},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := w.state.Relist(at, nil); fmt.Sprint(got) != fmt.Sprint([]policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: mia}}}) {
		t.Errorf("to nothing: %+v", got)
	}
}
