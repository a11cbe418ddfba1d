package policy_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

// TestFlips holds which steps turn which answers, the smallest first.
func TestFlips(t *testing.T) {
	for _, c := range []struct{ id, steps, who, path, want, flips string }{
		{"nothing gives it", ``, "nils", "/team/Sales", "read",
			`allow user:nils read; user:nils becomes viewer; join group:staff`},
		{"a wall", `acl /team/HR group:contractors deny=read`, "zoe", "/team/HR/salaries.ods", "read",
			`clear group:contractors; leave group:contractors`},
		{"a wall among other things", `acl /team/HR group:contractors allow=see deny=read,write`, "zoe", "/team/HR", "read",
			`line group:contractors see||write; leave group:contractors`},
		{"a revoke", `acl /team/HR group:staff revoke=all`, "max", "/team/HR", "read",
			`allow user:max read; user:max becomes viewer; line group:staff |see,add,write,props,delete,delete-own,share,read-acl,manage,members,history,trash,purge,free-busy,schedule,break-lock,messages|`},
		{"a level", ``, "max", "/room/brief.odt", "write", `allow user:max write; user:max becomes reviser`},
		{"a pin", `level team user:max viewer pin`, "max", "/team/Sales", "write",
			`allow user:max write; user:max becomes reviser; unpin user:max`},
		{"a cut", `cut /team/HR on`, "max", "/team/HR", "read", `allow user:max read; uncut`},
		{"an account", `account max inactive`, "max", "/team/HR", "read", `active user:max`},
		{"an archive", `state room archived`, "mia", "/room/brief.odt", "write", `active space:room`},
		{"a client", `acl /room user:max allow=read class=web`, "max", "/room", "read", `as web; allow user:max read; user:max becomes viewer`},
		{"a time", `acl /team/HR group:staff deny=read until=100`, "max", "/team/HR", "read",
			`at 100; clear group:staff`},
		{"two walls", `acl /team group:contractors deny=read
			acl /team group:staff deny=read`, "zoe", "/team/HR", "read", `clear group:contractors + clear group:staff`},
		{"a ceiling of the type", ``, "gus", "/room", "share", ``},
		{"a drive", ``, "max", "/home-mia/notes.txt", "read",
			`allow user:max read; user:max becomes viewer; user:mia shares see,read,free-busy with user:max`},
		{"a drive whose owner may not share", `acl /home-mia group:hr deny=share`, "max", "/home-mia/notes.txt", "read",
			`allow user:max read; user:max becomes viewer`},
		{"a share that is over", `lend mia group:sales /home-mia/shared until=50`, "max", "/home-mia/shared/plan.odt", "read",
			`allow user:max read; user:max becomes viewer; user:mia shares see,read,free-busy with user:max; user:mia shares see,read with group:sales`},
		{"what is shared", `share mia user:max /home-mia/notes.txt`, "max", "/home-mia/notes.txt", "read", `unshare; deny user:max read`},
		{"what is allowed", ``, "max", "/team/HR", "read", `leave group:staff; deny user:max read; group:staff becomes nothing`},
		{"what is allowed to oneself", ``, "mia", "/room", "write", `user:mia becomes nothing; deny user:mia write`},
	} {
		t.Run(c.id, func(t *testing.T) {
			w := newOrganisation(t)
			for line := range strings.Lines(c.steps) {
				if err := w.step(line); err != nil {
					t.Fatal(err)
				}
			}
			sub := policy.Subject{User: w.id("user:" + c.who), Mask: policy.All, Class: policy.DAV, Now: 50}
			var got []string
			for _, f := range w.state.Flips(sub, w.place(c.path), rights(t, c.want)) {
				got = append(got, w.flipTold(sub, f))
			}
			if text := strings.Join(got, "; "); text != c.flips {
				t.Errorf("got  %s\nwant %s", text, c.flips)
			}
		})
	}
}

// flipTold is a flip in the words of the test.
func (w *world) flipTold(sub policy.Subject, f policy.Flip) string {
	var words []string
	switch {
	case f.Asker.Class != sub.Class:
		words = append(words, "as "+f.Asker.Class.String())
	case f.Asker.Now != sub.Now:
		words = append(words, fmt.Sprint("at ", f.Asker.Now))
	case f.Asker.Network != sub.Network:
		words = append(words, "from "+f.Asker.Network.String())
	}
	for _, c := range f.Changes {
		words = append(words, w.changeTold(c))
	}
	return strings.Join(words, " + ")
}

func (w *world) changeTold(c policy.Change) string {
	names := w.names()
	switch c := c.(type) {
	case policy.SetEntry:
		e := c.Entry
		switch {
		case e.Revoke|e.Deny == 0 && w.state.User(e.Principal) != nil:
			return "allow " + names[e.Principal] + " " + e.Allow.String()
		case e.Allow|e.Revoke == 0:
			return "deny " + names[e.Principal] + " " + e.Deny.String()
		}
		text := func(r policy.Rights) string { return strings.TrimPrefix(r.String(), "none") }
		return "line " + names[e.Principal] + " " + text(e.Allow) + "|" + text(e.Revoke) + "|" + text(e.Deny)
	case policy.ClearEntries:
		return "clear " + names[c.Principal]
	case policy.SetLevel:
		if c.Pin != nil {
			return "unpin " + names[c.Entry.Principal]
		}
		return names[c.Entry.Principal] + " becomes " + strings.TrimSpace("nothing "[min(8, 8*len(c.Entry.Level)):]+c.Entry.Level)
	case policy.Join:
		return "join " + names[c.Group]
	case policy.Leave:
		return "leave " + names[c.Group]
	case policy.PutShare:
		return names[c.Share.By] + " shares " + c.Share.Rights.String() + " with " + names[c.Share.To]
	case policy.DropShare:
		return "unshare"
	case policy.SetCut:
		return "uncut"
	case policy.PutUser:
		if !c.User.Inactive && w.state.User(c.User.ID).Inactive {
			return "active " + names[c.User.ID]
		}
		return names[c.User.ID] + " gets " + names[c.User.Profile]
	case policy.PutSpace:
		return string(c.Space.State) + " " + names[c.Space.ID]
	case policy.PutProfile:
		return names[c.Profile.ID] + " with " + c.Profile.Functions.String()
	}
	return fmt.Sprintf("%T", c)
}

// TestFlipsTurn: in random worlds, every flip turns the answer when it is really
// made, and they come in the order of how many accounts they concern.
func TestFlipsTurn(t *testing.T) {
	var refused, allowed, found, none int
	for i := range worlds(60) {
		w := newTwin(t, *seed+uint64(i))
		w.grow(randomEntries)
		for range 8 {
			w.edit()
		}
		for range 30 {
			q := w.question()
			sub, at, want := w.asked(q), w.place(pick(w, w.model.tree)), policy.Right(1)<<w.rng.IntN(18)
			before := w.state.Held(sub, at)&want != 0
			if before {
				allowed++
			} else {
				refused++
			}
			flips := w.state.Flips(sub, at, want)
			if len(flips) == 0 {
				none++
			}
			for _, f := range flips {
				after := w.state
				if len(f.Changes) > 0 {
					var err error
					if after, _, err = after.Apply(f.Changes...); err != nil {
						t.Fatalf("seed %d: %+v: %v", w.seed, f, err)
					}
				} else if reflect.DeepEqual(f.Asker, sub) {
					t.Fatalf("seed %d: a flip of nothing", w.seed)
				}
				if found++; after.Held(f.Asker, at)&want != 0 == before {
					t.Fatalf("seed %d: %+v at %v for %v turns nothing: %+v", w.seed, q, at, want, f)
				}
			}
			if !slices.IsSortedFunc(flips, func(a, b policy.Flip) int { return a.Accounts - b.Accounts }) {
				t.Fatalf("seed %d: out of order: %+v", w.seed, flips)
			}
		}
	}
	t.Logf("seeds from %d: %d refused, %d allowed, %d flips, %d answers without", *seed, refused, allowed, found, none)
	if refused < worlds(300) || allowed < worlds(100) || found < worlds(1500) {
		t.Error("these worlds are blind")
	}
}
