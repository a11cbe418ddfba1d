package admin

import (
	"context"
	"errors"
	"slices"
	"time"

	"davit/policy"
	"davit/store"
)

// Operations that show who may do what, wholesale. Every line and cell comes
// from the function that decides requests.
var (
	Reach = define("reach", oneself(func(q Asker) string { return q.User }), (*Admin).Reach)
	Who   = define("who", readers(func(q Place) string { return q.Path }), (*Admin).Who)
)

// A Standpoint is what asks in a user's name, and from where.
type Standpoint struct {
	Class policy.Class `json:"class,omitempty"` // one that speaks WebDAV if empty
	// Network that it is in, empty for an unknown one; inside if absent.
	Network *policy.Network `json:"network,omitempty"`
}

// An Asker is a user with the client that asks.
type Asker struct {
	User string `json:"user"`
	Standpoint
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
	sub := a.using(u, q.Standpoint)
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

// using is what a user asks with a client.
func (a *Admin) using(u *policy.User, c Standpoint) policy.Subject {
	sub := a.subject(u, c.Class)
	if c.Network != nil {
		sub.Network = *c.Network
	}
	return sub
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

// A Place asks about one path, for clients of a kind.
type Place struct {
	Path string `json:"path"`
	Standpoint
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
	return a.holders(a.st.Policy(), at, q.Standpoint, a.st.Now()), nil
}

// holders are all who hold something at a place by a policy, at a time; links come
// last.
func (a *Admin) holders(state *policy.State, at policy.Place, c Standpoint, now time.Time) []Holder {
	all := []Holder{}
	for _, u := range state.Users() {
		sub := a.using(u, c)
		sub.Now = now.Unix()
		if state.Held(sub, at) == 0 {
			continue
		}
		x := state.Explain(sub, at, policy.All)
		all = append(all, Holder{u.Name, policy.LevelOf(x.Held), x.Held, through(state, &x)})
	}
	return append(all, a.bearers(state, at, c, now)...)
}
