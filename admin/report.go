package admin

import (
	"context"
	"errors"
	"path"
	"slices"
	"time"

	"davit/policy"
	"davit/store"
)

// Operations that show who may do what, wholesale. Every line and cell comes
// from the function that decides requests.
var (
	Reach  = define("reach", oneself(func(q Asker) string { return q.User }), (*Admin).Reach)
	Who    = define("who", readers(func(q Place) string { return q.Path }), (*Admin).Who)
	Matrix = define("matrix", admins, (*Admin).Matrix)
)

// An Asker is a user with the client that asks.
type Asker struct {
	User  string       `json:"user"`
	Class policy.Class `json:"class,omitempty"` // one that speaks WebDAV if empty
}

// A Reached is a place where a user's rights begin to differ from those above.
type Reached struct {
	Path   string        `json:"path"`
	Level  string        `json:"level"` // the highest whose rights are all held
	Rights policy.Rights `json:"rights"`
	// Shell: only the way to something below may be seen.
	Shell bool `json:"shell,omitempty"`
	// Through are the principals whose entries count.
	Through []string `json:"through"`
}

// Reach tells everything that one user can reach, and through what.
func (a *Admin) Reach(_ context.Context, q Asker) ([]Reached, error) {
	u, err := findUser(a.st.Policy(), q.User)
	if err != nil {
		return nil, err
	}
	sub := a.subject(u, q.Class)
	places, err := a.op.Reach(sub)
	if err != nil {
		return nil, err
	}
	all := []Reached{}
	for _, r := range places {
		if r.Held == 0 && !r.Shell && !a.operates() {
			continue // hidden from who asks about himself
		}
		x, err := a.op.Explain(r.Path, sub, policy.All)
		if errors.Is(err, store.ErrNotFound) {
			continue // gone since
		}
		if err != nil {
			return nil, err
		}
		all = append(all, Reached{r.Path.String(), policy.LevelOf(r.Held), r.Held, r.Shell, through(a.st.Policy(), &x)})
	}
	return all, nil
}

func (a *Admin) subject(u *policy.User, class policy.Class) policy.Subject {
	if class == 0 {
		class = policy.DAV
	}
	return policy.Subject{User: u.ID, Mask: policy.All, Class: class, Network: policy.Inside, Now: a.st.Now().Unix()}
}

// through lists whose entries gave something that is held.
func through(state *policy.State, x *policy.Explanation) []string {
	names := []string{}
	for _, s := range x.Steps {
		if name := state.PrincipalName(s.Principal); s.Granted&x.Held != 0 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return throughGifts(state, x, names)
}

// A Place asks about one path, for clients of a class.
type Place struct {
	Path  string       `json:"path"`
	Class policy.Class `json:"class,omitempty"`
}

// A Holder is a user who holds something at a path, or a link whose bearers do.
type Holder struct {
	User    string        `json:"user"`
	Level   string        `json:"level"`
	Rights  policy.Rights `json:"rights"`
	Through []string      `json:"through"`
}

// Who tells everybody who can reach one file or folder, and through what.
func (a *Admin) Who(_ context.Context, q Place) ([]Holder, error) {
	p, err := ParsePath(q.Path)
	if err != nil {
		return nil, err
	}
	at, _, err := a.op.Place(p)
	if err != nil {
		return nil, err
	}
	return a.holders(a.st.Policy(), at, q.Class, a.st.Now()), nil
}

// holders are all who hold something at a place by a policy, at a time; links come
// last.
func (a *Admin) holders(state *policy.State, at policy.Place, class policy.Class, now time.Time) []Holder {
	all := []Holder{}
	for _, u := range state.Users() {
		sub := a.subject(u, class)
		sub.Now = now.Unix()
		if state.Held(sub, at) == 0 {
			continue
		}
		x := state.Explain(sub, at, policy.All)
		all = append(all, Holder{u.Name, policy.LevelOf(x.Held), x.Held, through(state, &x)})
	}
	return append(all, a.bearers(state, at, class, now)...)
}

// A Selection chooses rows and columns by patterns such as "fin*"; an empty one
// takes all.
type Selection struct {
	Users  string       `json:"users,omitempty"`
	Spaces string       `json:"spaces,omitempty"`
	Class  policy.Class `json:"class,omitempty"`
}

// A Table is the effective level of every user in every space.
type Table struct {
	Epoch  uint64   `json:"epoch"` // of the policy it was looked up in
	Spaces []string `json:"spaces"`
	Rows   []Row    `json:"rows"`
}

// A Row holds one user's cells, in the order of the spaces.
type Row struct {
	User   string   `json:"user"`
	Levels []string `json:"levels"`
	Pinned []bool   `json:"pinned"`
}

// Matrix tells users by spaces, personal drives left out.
func (a *Admin) Matrix(_ context.Context, sel Selection) (Table, error) {
	for _, pattern := range []string{sel.Users, sel.Spaces} {
		if _, err := path.Match(pattern, ""); err != nil {
			return Table{}, invalid("write names with * and ?", "pattern %q: %v", pattern, err)
		}
	}
	state := a.st.Policy()
	t := Table{Epoch: state.Epoch, Spaces: []string{}, Rows: []Row{}}
	var spaces []*policy.Space
	for _, sp := range state.Spaces() {
		if sp.Kind != policy.Personal && matches(sel.Spaces, sp.Name) {
			spaces = append(spaces, sp)
			t.Spaces = append(t.Spaces, sp.Name)
		}
	}
	for _, u := range state.Users() {
		if matches(sel.Users, u.Name) {
			t.Rows = append(t.Rows, row(state, a.subject(u, sel.Class), u.Name, spaces))
		}
	}
	if len(t.Rows)*len(spaces) > cellsMax {
		return Table{}, invalid("--space GLOB --user GLOB", "%d users by %d spaces are too many cells at once; choose some", len(t.Rows), len(spaces))
	}
	return t, nil
}

// cellsMax bounds one matrix.
const cellsMax = 4 << 20

func row(state *policy.State, sub policy.Subject, name string, spaces []*policy.Space) Row {
	r := Row{User: name, Levels: make([]string, len(spaces)), Pinned: make([]bool, len(spaces))}
	for i, sp := range spaces {
		at := policy.Place{Space: sp.ID, Path: []policy.Node{sp.Root}}
		r.Levels[i] = policy.LevelOf(state.Held(sub, at))
		_, r.Pinned[i] = slices.BinarySearch(sp.Pins, sub.User)
	}
	return r
}

func matches(pattern, name string) bool {
	ok, err := path.Match(policy.Fold(pattern), policy.Fold(name))
	return pattern == "" || ok && err == nil
}
