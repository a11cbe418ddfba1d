package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"davit/policy"
	"davit/store"
)

// Operations on access lists.
var (
	SetAccess   = change("acl.set", (*Admin).SetAccess)
	ShowAccess  = define("acl.show", readers(func(of AccessOf) string { return of.Path }), (*Admin).ShowAccess)
	ClearAccess = change("acl.clear", (*Admin).ClearAccess)
	CutAccess   = change("acl.cut", (*Admin).CutAccess)
	UncutAccess = change("acl.uncut", (*Admin).UncutAccess)
)

// Access is every line that counts at a path: its own, those of the folders
// above and the levels of its space.
type Access struct {
	Path  string       `json:"path"`
	Cut   bool         `json:"cut"` // nothing but walls is inherited into it
	Lines []AccessLine `json:"lines"`
	// Shares are the shares and links there and above: every way in is listed.
	Shares []Link `json:"shares,omitempty"`
	// Notes spell out what a revoke or a wall means.
	Notes []string `json:"notes,omitempty"`
	Epoch uint64   `json:"epoch"` // of the policy it was looked up in
}

// An AccessLine is one entry of a list.
type AccessLine struct {
	Where     string        `json:"where"` // a path, or "level" for a level of the space
	Principal string        `json:"principal"`
	Level     string        `json:"level,omitempty"`
	Allow     policy.Rights `json:"allow,omitempty"`
	Revoke    policy.Rights `json:"revoke,omitempty"`
	Deny      policy.Rights `json:"deny,omitempty"`
	Conditions
}

// NewAccess puts a line into the list of a path. It replaces the line of the
// same principal under the same conditions.
type NewAccess struct {
	Path      string `json:"path"`
	Principal string `json:"principal"`
	Allow     string `json:"allow,omitempty"` // rights: "read,write", "level:editor+share"
	Revoke    string `json:"revoke,omitempty"`
	Deny      string `json:"deny,omitempty"`
	Conditions
}

// An AccessOf names lines: those of a principal at a path, or all for "".
type AccessOf struct {
	Path      string `json:"path"`
	Principal string `json:"principal,omitempty"`
}

// A Located names a file or folder.
type Located struct {
	Path string `json:"path"`
}

// whereLevel is where a line that is a level of the space stands.
const whereLevel = "level"

// SetAccess puts a line into a list.
func (a *Admin) SetAccess(ctx context.Context, n NewAccess) (Access, error) {
	p, err := ParsePath(n.Path)
	if err != nil {
		return Access{}, err
	}
	entry, err := n.entry()
	if err != nil {
		return Access{}, err
	}
	err = a.op.ChangeAt(ctx, p, func(state *policy.State, at policy.Place) ([]policy.Change, error) {
		var err error
		entry.Principal, err = a.findPrincipal(state, n.Principal)
		return []policy.Change{policy.SetEntry{At: at, Entry: entry}}, err
	})
	if err != nil {
		return Access{}, err
	}
	acc, err := a.ShowAccess(ctx, AccessOf{Path: n.Path})
	if err != nil {
		return Access{}, err
	}
	acc.Notes, err = a.notes(p, &entry)
	return acc, err
}

// entry is the line without its principal, which only a policy can tell.
func (n NewAccess) entry() (e policy.Entry, err error) {
	for _, part := range []struct {
		text string
		into *policy.Rights
	}{{n.Allow, &e.Allow}, {n.Revoke, &e.Revoke}, {n.Deny, &e.Deny}} {
		if *part.into, err = policy.ParseRights(part.text); err != nil {
			return e, err
		}
	}
	if e.Allow|e.Revoke|e.Deny == 0 {
		return e, invalid("davit acl clear PATH PRINCIPAL takes lines out", "a line says at least one right to allow, revoke or deny")
	}
	if level, ok := strings.CutPrefix(n.Allow, "level:"); ok {
		e.Level = level
	}
	n.Conditions.of(&e)
	return e, nil
}

// seconds is what an entry keeps of a time.
func seconds(t *time.Time) int64 {
	if t == nil || t.IsZero() {
		return 0
	}
	return t.Unix()
}

// notesMax is how many people a note names.
const notesMax = 20

// notes spell out the negative words of a line: whom a revoke leaves in, and
// that a wall knows no exception.
func (a *Admin) notes(p store.Path, e *policy.Entry) ([]string, error) {
	at, _, err := a.op.Place(p)
	if err != nil {
		return nil, err
	}
	state := a.st.Policy()
	who := state.PrincipalName(e.Principal)
	var notes []string
	if e.Revoke != 0 {
		note := fmt.Sprintf("revoke: %s no longer gets %s here through %s", who, e.Revoke, who)
		if in := a.stillIn(state, at, e); len(in) > 0 {
			note += "; still in: " + strings.Join(in, ", ")
		}
		notes = append(notes, note)
	}
	if e.Deny != 0 {
		whom := "nobody in " + who + " ever"
		if state.User(e.Principal) != nil {
			whom = who + " never"
		}
		notes = append(notes, fmt.Sprintf("deny: %s gets %s, here or below", whom, e.Deny))
	}
	return notes, nil
}

// stillIn names those of a revoked principal who hold some of the rights through
// another one.
func (a *Admin) stillIn(state *policy.State, at policy.Place, e *policy.Entry) []string {
	var in []string
	for _, id := range state.MembersOf(e.Principal) {
		sub := a.subject(state.User(id), policy.DAV)
		x := state.Explain(sub, at, e.Revoke)
		i := slices.IndexFunc(x.Steps, func(s policy.Step) bool { return s.Granted&e.Revoke&x.Held != 0 })
		if i < 0 {
			continue
		}
		if len(in) == notesMax {
			return append(in, "and more")
		}
		in = append(in, fmt.Sprintf("%s (through %s)", state.User(id).Name, state.PrincipalName(x.Steps[i].Principal)))
	}
	return in
}

// ShowAccess tells every line that counts at a path, from the space down, of one
// principal or of all.
func (a *Admin) ShowAccess(_ context.Context, of AccessOf) (Access, error) {
	p, at, _, err := a.place(of.Path)
	if err != nil {
		return Access{}, err
	}
	state := a.st.Policy()
	only := policy.Nobody
	if of.Principal != "" {
		if only, err = a.findPrincipal(state, of.Principal); err != nil {
			return Access{}, err
		}
	}
	acc := Access{Path: p.String(), Lines: []AccessLine{}, Epoch: state.Epoch}
	add := func(where string, entries []policy.Entry) {
		for i := range entries {
			if e := &entries[i]; only == policy.Nobody || e.Principal == only {
				acc.Lines = append(acc.Lines, lineShown(state, where, e))
			}
		}
	}
	if sp := state.Space(at.Space); sp != nil {
		add(whereLevel, sp.Levels)
	}
	for i, n := range at.Path {
		acc.Cut = false
		if m := state.Mark(n); m != nil {
			add(p[:i+1].String(), m.Entries)
			acc.Cut = m.Cut
		}
	}
	if only == policy.Nobody {
		acc.Shares, err = a.sharesOn(at)
	}
	return acc, err
}

func lineShown(state *policy.State, where string, e *policy.Entry) AccessLine {
	return AccessLine{
		Where: where, Principal: state.PrincipalName(e.Principal), Level: e.Level,
		Allow: e.Allow, Revoke: e.Revoke, Deny: e.Deny, Conditions: conditionsOf(e),
	}
}

// ClearAccess takes lines out of the list of a path.
func (a *Admin) ClearAccess(ctx context.Context, of AccessOf) (Access, error) {
	return a.changeAccess(ctx, of.Path, func(state *policy.State, at policy.Place) (policy.Change, error) {
		who := policy.Nobody
		if of.Principal != "" {
			var err error
			if who, err = a.findPrincipal(state, of.Principal); err != nil {
				return nil, err
			}
		}
		return policy.ClearEntries{Node: at.Path[len(at.Path)-1], Principal: who}, nil
	})
}

// CutAccess stops inheritance at a folder, for everything but walls.
func (a *Admin) CutAccess(ctx context.Context, l Located) (Access, error) {
	return a.changeAccess(ctx, l.Path, func(_ *policy.State, at policy.Place) (policy.Change, error) {
		return policy.SetCut{At: at, On: true}, nil
	})
}

// UncutAccess lets a folder inherit again.
func (a *Admin) UncutAccess(ctx context.Context, l Located) (Access, error) {
	return a.changeAccess(ctx, l.Path, func(_ *policy.State, at policy.Place) (policy.Change, error) {
		return policy.SetCut{At: at}, nil
	})
}

func (a *Admin) changeAccess(ctx context.Context, path string, plan func(*policy.State, policy.Place) (policy.Change, error)) (Access, error) {
	p, err := ParsePath(path)
	if err != nil {
		return Access{}, err
	}
	err = a.op.ChangeAt(ctx, p, func(state *policy.State, at policy.Place) ([]policy.Change, error) {
		c, err := plan(state, at)
		return []policy.Change{c}, err
	})
	if err != nil {
		return Access{}, err
	}
	return a.ShowAccess(ctx, AccessOf{Path: path})
}
