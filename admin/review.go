package admin

import (
	"context"
	"slices"
	"time"

	"davit/policy"
	"davit/store"
)

// RunReview is the operation that looks through the whole policy.
var RunReview = define("review.run", (*Admin).mayReview, (*Admin).RunReview)

// A Reviewed is what whoever answers for the policy should look at from time to
// time. Every statement comes from the functions that decide requests.
type Reviewed struct {
	Epoch  uint64          `json:"epoch"` // of the policy that was looked through
	At     time.Time       `json:"at"`
	Guests []ReviewedGuest `json:"guests"` // that may sign in
	Links  []ReviewedLink  `json:"links"`  // without an end or a password
	// Unused are grants of which it can be told that nobody makes use of them.
	Unused []ReviewedGrant `json:"unused"`
	Walls  []ReviewedWall  `json:"walls"`
	// Idle are lines without which every decision stays what it is.
	Idle []ReviewedLine `json:"idle"`
	// Untried is how many more lines may be idle and were too many to try.
	Untried int            `json:"untried,omitempty"`
	Soles   []ReviewedSole `json:"sole_managers"`
	// Spare are profiles, groups and roles that nobody uses.
	Spare []ReviewedSpare `json:"spare"`
}

// A ReviewedGuest is a guest and what it reaches.
type ReviewedGuest struct {
	User    string          `json:"user"`
	Expires *time.Time      `json:"expires,omitempty"` // the account
	Places  []ReviewedPlace `json:"places"`
}

// A ReviewedPlace is a place where a guest's rights begin to differ.
type ReviewedPlace struct {
	Path   string        `json:"path"`
	Level  string        `json:"level"`
	Rights policy.Rights `json:"rights"`
	// Until is when nothing is held there any more; nil when time does not end it.
	Until *time.Time `json:"until,omitempty"`
}

// A ReviewedLink is a link that is open longer or wider than others.
type ReviewedLink struct {
	Link
	// Ends is its end, also by the longest life of links; nil for never.
	Ends *time.Time `json:"ends,omitempty"`
}

// A ReviewedLine is a line and the space or folder that it stands at.
type ReviewedLine struct {
	Path string `json:"path"`
	AccessLine
}

// A ReviewedGrant is a line, share or link that nobody makes use of.
type ReviewedGrant struct {
	Line  *ReviewedLine `json:"line,omitempty"`
	Share *Link         `json:"share,omitempty"`
	Why   string        `json:"why"`
}

// A ReviewedWall is a line that denies, and the rank that may lift it.
type ReviewedWall struct {
	ReviewedLine
	Rank policy.Rank `json:"rank"`
}

// A ReviewedSole is a space or group with one account to look after it, or a space
// without any.
type ReviewedSole struct {
	Of      string `json:"of"` // "/Finance", "group:staff"
	Manager string `json:"manager,omitempty"`
}

// A ReviewedSpare is a record that nobody uses.
type ReviewedSpare struct {
	Name string `json:"name"` // "profile:light", "group:staff", "role:clerk"
	Why  string `json:"why"`
}

// mayReview is for owners and admins whose profile lets them.
func (a *Admin) mayReview(n None) error {
	if err := admins(a, n); err != nil {
		return err
	}
	if !a.st.Policy().Uses(a.by, policy.ReviewRun) {
		return refused("davit profile set NAME --functions ...,review.run", "the account's profile does not open reviews")
	}
	return nil
}

// RunReview looks through the policy of this moment, for clients in a browser with
// the main password inside: what such a one does not reach, none does.
func (a *Admin) RunReview(context.Context, None) (Reviewed, error) {
	now := a.st.Now()
	w := &reviewWriter{a: a, state: a.st.Policy(), now: now}
	r := w.state.Review(a.subject(&policy.User{}, policy.Web), w.signsIn)
	if w.err != nil {
		return Reviewed{}, w.err
	}
	if err := w.look(&r); err != nil {
		return Reviewed{}, err
	}
	told := Reviewed{
		Epoch: w.state.Epoch, At: now.UTC(), Untried: r.Untried, Guests: []ReviewedGuest{}, Walls: []ReviewedWall{},
		Links: w.open(r.Links), Unused: w.unused(r.Unused), Idle: w.lines(r.Idle), Soles: w.soles(r.Soles), Spare: w.spare(r.Spare),
	}
	for _, g := range r.Guests {
		told.Guests = append(told.Guests, w.guest(g))
	}
	for i := range r.Walls {
		told.Walls = append(told.Walls, ReviewedWall{w.line(&r.Walls[i]), r.Walls[i].Rank})
	}
	return told, nil
}

// reviewWriter tells a review in names.
type reviewWriter struct {
	a     *Admin
	state *policy.State
	now   time.Time
	paths map[policy.Node]store.Path
	links map[policy.ID]Link // and shares
	err   error              // the first of signsIn
}

// signsIn tells whether an account has a password, or a device that has not
// expired.
func (w *reviewWriter) signsIn(id policy.ID) bool {
	account, err := w.a.st.Account(w.state.User(id).Name)
	if err != nil && w.err == nil {
		w.err = err
	}
	return account.Password != "" || slices.ContainsFunc(account.Devices, func(d store.Device) bool {
		return d.Expires.IsZero() || w.now.Before(d.Expires)
	})
}

// look finds the paths of everything that a review tells, and the shares.
func (w *reviewWriter) look(r *policy.Review) (err error) {
	var nodes []policy.Node
	add := func(at policy.Place) { nodes = append(nodes, at.Path[len(at.Path)-1]) }
	for _, g := range r.Guests {
		for _, p := range g.Places {
			add(p.Place)
		}
	}
	for _, lines := range [][]policy.LineAt{r.Walls, r.Idle} {
		for i := range lines {
			add(lines[i].Place)
		}
	}
	for _, u := range r.Unused {
		if u.Line != nil {
			add(u.Line.Place)
		}
	}
	if w.paths, err = w.a.op.Paths(nodes); err != nil {
		return err
	}
	shared, err := w.a.op.Shares(func(*policy.State, *policy.Share) bool { return true })
	w.links = make(map[policy.ID]Link, len(shared))
	for i := range shared {
		w.links[shared[i].ID] = linkShown(w.state, &shared[i])
	}
	return err
}

func (w *reviewWriter) path(at policy.Place) string { return w.paths[at.Path[len(at.Path)-1]].String() }

func (w *reviewWriter) guest(g policy.GuestReach) ReviewedGuest {
	u := w.state.User(g.User)
	told := ReviewedGuest{User: u.Name, Expires: moment(u.Until), Places: []ReviewedPlace{}}
	for _, p := range g.Places {
		told.Places = append(told.Places, ReviewedPlace{w.path(p.Place), policy.LevelOf(p.Held), p.Held, moment(p.Until)})
	}
	return told
}

func (w *reviewWriter) open(links []policy.OpenLink) []ReviewedLink {
	told := []ReviewedLink{}
	for _, l := range links {
		if shown, there := w.links[l.Share.ID]; there {
			told = append(told, ReviewedLink{shown, moment(l.Ends)})
		}
	}
	return told
}

// unused adds the links that nobody has downloaded by to what policy can tell.
func (w *reviewWriter) unused(grants []policy.UnusedGrant) []ReviewedGrant {
	told := []ReviewedGrant{}
	asleep := map[policy.ID]bool{}
	for _, u := range grants {
		if u.Line != nil {
			line := w.line(u.Line)
			told = append(told, ReviewedGrant{Line: &line, Why: u.Why})
			continue
		}
		asleep[u.Share.ID] = true
		if shown, there := w.links[u.Share.ID]; there {
			told = append(told, ReviewedGrant{Share: &shown, Why: u.Why})
		}
	}
	for _, sh := range w.state.Shares() {
		shown, there := w.links[sh.ID]
		if there && sh.IsLink() && !asleep[sh.ID] && sh.Rights&policy.Read != 0 && shown.Downloads == 0 && shown.Path != "" {
			told = append(told, ReviewedGrant{Share: &shown, Why: "nothing was downloaded by it yet"})
		}
	}
	return told
}

func (w *reviewWriter) lines(lines []policy.LineAt) []ReviewedLine {
	told := []ReviewedLine{}
	for i := range lines {
		told = append(told, w.line(&lines[i]))
	}
	return told
}

func (w *reviewWriter) line(l *policy.LineAt) ReviewedLine {
	path := w.path(l.Place)
	where := path
	if l.OfSpace {
		where = whereLevel
	}
	return ReviewedLine{path, lineShown(w.state, where, &l.Entry)}
}

func (w *reviewWriter) soles(soles []policy.SoleManager) []ReviewedSole {
	told := []ReviewedSole{}
	for _, s := range soles {
		one := ReviewedSole{Of: w.state.PrincipalName(s.Of)}
		if sp := w.state.Space(s.Of); sp != nil {
			one.Of = store.Path{store.SpacePath(w.state, sp)}.String()
		}
		if s.Manager != policy.Nobody {
			one.Manager = w.state.User(s.Manager).Name
		}
		told = append(told, one)
	}
	return told
}

func (w *reviewWriter) spare(spare []policy.SpareRecord) []ReviewedSpare {
	told := []ReviewedSpare{}
	for _, s := range spare {
		name := w.state.PrincipalName(s.ID)
		if p := w.state.Profile(s.ID); p != nil {
			name = "profile:" + p.Name
		}
		told = append(told, ReviewedSpare{name, s.Why})
	}
	return told
}
