package admin

import (
	"slices"
	"strings"

	"davit/policy"
	"davit/store"
)

// A Foretold is what an operation would mean.
type Foretold struct {
	Users  []TouchedUser  `json:"users"` // who gains or loses
	Same   int            `json:"same"`  // accounts that do neither
	Spaces []TouchedSpace `json:"spaces,omitempty"`
	Limits []TouchedLimit `json:"limits,omitempty"`
	Pins   []TouchedPin   `json:"pins,omitempty"`
	Cuts   []TouchedCut   `json:"cuts,omitempty"`
	Shares []TouchedShare `json:"shares,omitempty"`
	// Locks are live ones whose holders may no longer write there.
	Locks int `json:"locks"`
	// Digest stands for the difference: a command that is given it goes through
	// only if it would still make this one.
	Digest string `json:"digest"`
}

// A TouchedUser is everything that one user gains and loses.
type TouchedUser struct {
	User   string         `json:"user"`
	Places []TouchedPlace `json:"places"`
}

// A TouchedPlace is where a user's difference begins or becomes another one; it
// holds for everything below but the deeper places told.
type TouchedPlace struct {
	Path   string        `json:"path"`
	Before policy.Rights `json:"before"`
	After  policy.Rights `json:"after"`
	Gained policy.Rights `json:"gained"`
	Lost   policy.Rights `json:"lost"`
}

// A TouchedSpace is a space whose state changes, that is made or goes.
type TouchedSpace struct {
	Space  string            `json:"space"`
	Before policy.SpaceState `json:"before,omitempty"`
	After  policy.SpaceState `json:"after,omitempty"`
}

// A TouchedLimit is a limit that changes.
type TouchedLimit struct {
	Path   string `json:"path"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Over: more is stored than the new limit allows, and stays.
	Over bool `json:"over,omitempty"`
}

// A TouchedPin is a user who is pinned in a space, or no longer.
type TouchedPin struct {
	Space  string `json:"space"`
	User   string `json:"user"`
	Pinned bool   `json:"pinned"`
}

// A TouchedCut is a folder that is cut, or no longer.
type TouchedCut struct {
	Path string `json:"path"`
	Cut  bool   `json:"cut"`
}

// A TouchedShare is a share or link that gives more or less.
type TouchedShare struct {
	By     string        `json:"by"`
	To     string        `json:"to"` // a principal, "link" for a link
	Path   string        `json:"path"`
	Before policy.Rights `json:"before"`
	After  policy.Rights `json:"after"`
}

// teller gives the records of a difference their names.
type teller struct {
	op            *store.Operator
	before, after *policy.State
	paths         map[policy.Node]store.Path
}

func (t *teller) tell(d policy.Difference) (Foretold, error) {
	var err error
	if t.paths, err = t.op.Paths(nodesOf(d)); err != nil {
		return Foretold{}, err
	}
	told := Foretold{Users: []TouchedUser{}, Same: d.Same}
	for _, u := range d.Users {
		user := TouchedUser{User: t.user(u.User)}
		for _, p := range u.Places {
			user.Places = append(user.Places, TouchedPlace{t.path(p.Place), p.Before, p.After, p.Gained(), p.Lost()})
		}
		told.Users = append(told.Users, user)
	}
	for _, s := range d.Spaces {
		told.Spaces = append(told.Spaces, TouchedSpace{t.space(s.Space), s.Before, s.After})
	}
	if told.Limits, err = t.limits(d.Limits); err != nil {
		return Foretold{}, err
	}
	for _, p := range d.Pins {
		told.Pins = append(told.Pins, TouchedPin{t.space(p.Space), t.user(p.User), p.Pinned})
	}
	for _, c := range d.Cuts {
		told.Cuts = append(told.Cuts, TouchedCut{t.path(c.Place), c.Cut})
	}
	for _, s := range d.Shares {
		told.Shares = append(told.Shares, TouchedShare{t.user(s.Share.By), t.sharee(s.Share), t.path(s.Place), s.Before, s.After})
	}
	slices.SortFunc(told.Users, func(a, b TouchedUser) int { return strings.Compare(a.User, b.User) })
	return told, nil
}

func (t *teller) limits(changes []policy.LimitChange) ([]TouchedLimit, error) {
	nodes := make([]policy.Node, len(changes))
	for i, l := range changes {
		nodes[i] = l.Path[len(l.Path)-1]
	}
	stored, err := t.op.Stored(nodes)
	if err != nil {
		return nil, err
	}
	var told []TouchedLimit
	for i, l := range changes {
		over := l.After != policy.NoLimit && stored[nodes[i]] > int64(l.After)
		told = append(told, TouchedLimit{t.path(l.Place), l.Before.String(), l.After.String(), over})
	}
	return told, nil
}

// nodesOf are the nodes that a difference names.
func nodesOf(d policy.Difference) []policy.Node {
	nodes := map[policy.Node]bool{}
	add := func(at policy.Place) {
		if len(at.Path) > 0 {
			nodes[at.Path[len(at.Path)-1]] = true
		}
	}
	for _, u := range d.Users {
		for _, p := range u.Places {
			add(p.Place)
		}
	}
	for _, l := range d.Limits {
		add(l.Place)
	}
	for _, c := range d.Cuts {
		add(c.Place)
	}
	for _, s := range d.Shares {
		add(s.Place)
	}
	list := make([]policy.Node, 0, len(nodes))
	for n := range nodes {
		list = append(list, n)
	}
	return list
}

// A record has the name of now; one that the operation makes has the name that
// it would get.
func (t *teller) user(id policy.ID) string {
	if u := t.before.User(id); u != nil {
		return u.Name
	}
	if u := t.after.User(id); u != nil {
		return u.Name
	}
	return "?"
}

func (t *teller) space(id policy.ID) string {
	for _, s := range []*policy.State{t.before, t.after} {
		if sp := s.Space(id); sp != nil {
			return store.SpacePath(s, sp)
		}
	}
	return "?"
}

func (t *teller) path(at policy.Place) string {
	if len(at.Path) < 2 {
		return store.Path{t.space(at.Space)}.String()
	}
	if p, ok := t.paths[at.Path[len(at.Path)-1]]; ok {
		return p.String()
	}
	return store.Path{t.space(at.Space), "?"}.String()
}

func (t *teller) sharee(sh *policy.Share) string {
	if sh.IsLink() {
		return "link"
	}
	for _, s := range []*policy.State{t.before, t.after} {
		if name := s.PrincipalName(sh.To); name != "nobody" {
			return name
		}
	}
	return "nobody"
}
