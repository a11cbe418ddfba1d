package policy

import (
	"cmp"
	"iter"
	"slices"
)

// A Review is what whoever answers for a policy looks through from time to time:
// what is open longer or wider than anybody needs, and what is there for nothing.
// What lies in the trash is left out.
type Review struct {
	Guests []GuestReach
	Links  []OpenLink
	Unused []UnusedGrant
	Walls  []LineAt
	// Idle are lines without which every decision stays what it is: for everybody,
	// with every client, now and as long as nothing but the time changes. Each was
	// taken out alone; two that stand for each other are both here. Lines that speak
	// of nobody who is active now are not tried.
	Idle []LineAt
	// Untried is how many more lines may be idle and were not tried, for there are
	// too many.
	Untried int
	Soles   []SoleManager
	Spare   []SpareRecord
}

// A LineAt is a line and where it stands.
type LineAt struct {
	Place
	Entry
	OfSpace bool // a level of the space, above its root
}

// A GuestReach is a guest that may sign in, and where it holds anything.
type GuestReach struct {
	User   ID
	Places []GuestPlace
}

// A GuestPlace is a place where a guest's rights begin to differ.
type GuestPlace struct {
	Reached
	// Until is the first moment at which nothing is held there, in Unix seconds; 0
	// when time alone does not end it.
	Until int64
}

// An OpenLink is a link without an end or without a password.
type OpenLink struct {
	*Share
	Place
	// Ends is when it opens nothing any more, by its own end or the longest life
	// of links, in Unix seconds; 0 for never.
	Ends int64
}

// An UnusedGrant is a line or share that nobody can make use of.
type UnusedGrant struct {
	Line  *LineAt // nil for a share
	Share *Share
	Why   string
}

// A SoleManager is a space or group that only one account can look after, or a
// space that none can: then Manager is Nobody.
type SoleManager struct{ Of, Manager ID }

// A SpareRecord is a profile, group or role that nobody uses.
type SpareRecord struct {
	ID  ID
	Why string
}

// Review looks through the policy for accounts that ask like in, whose User counts
// for nothing. Whether an account has anything to sign in with is not policy's:
// signsIn tells.
func (s *State) Review(in Subject, signsIn func(ID) bool) Review {
	in.User, in.Link = Nobody, Nobody
	v := &reviewer{state: s, in: in, signsIn: signsIn, deserted: map[ID]string{}}
	r := Review{Guests: v.guests(), Links: v.links(), Unused: v.unusedShares(), Soles: v.soles(), Spare: v.spare()}
	idle := newIdleSearch(s, in.Now)
	for l := range v.lines() {
		if l.Deny != 0 {
			r.Walls = append(r.Walls, l)
		}
		switch why := v.unused(&l); {
		case why != "" && (l.Allow != 0 || l.over(in.Now)):
			r.Unused = append(r.Unused, UnusedGrant{Line: &l, Why: why})
		case why == "" && idle.finds(&l):
			r.Idle = append(r.Idle, l)
		}
	}
	r.Untried = idle.untried
	return r
}

// reviewer is a Review under way.
type reviewer struct {
	state    *State
	in       Subject
	signsIn  func(ID) bool
	deserted map[ID]string // by principal: why nobody can use what it is given
}

// lines are all that count somewhere: those of each space, then those below its
// root from the top down.
func (v *reviewer) lines() iter.Seq[LineAt] {
	return func(yield func(LineAt) bool) {
		for _, sp := range v.state.Spaces() {
			if sp.State == Trashed {
				continue
			}
			for _, e := range sp.Levels {
				if !yield(LineAt{rootOf(sp), e, true}) {
					return
				}
			}
			for _, at := range v.state.markedIn(sp) {
				for _, e := range v.state.Mark(last(at)).Entries {
					if !yield(LineAt{at, e, false}) {
						return
					}
				}
			}
		}
	}
}

// markedIn are the places of a space that carry marks, from the top down.
func (s *State) markedIn(sp *Space) []Place {
	var all []Place
	for _, m := range s.Marked(sp.Root) {
		if at, ok := s.placeOf(m.Node); ok {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, comparePlaces)
	return all
}

func (v *reviewer) guests() []GuestReach {
	var all []GuestReach
	for _, u := range v.state.Users() {
		if u.Type != Guest || !u.ActiveAt(v.in.Now) {
			continue
		}
		sub := v.in
		sub.User = u.ID
		guest := GuestReach{User: u.ID}
		for _, r := range v.state.Reach(sub) {
			if r.Held != 0 {
				guest.Places = append(guest.Places, GuestPlace{r, v.state.endOf(sub, r.Place)})
			}
		}
		all = append(all, guest)
	}
	return all
}

// endOf is the first moment at which the subject holds nothing at a place, 0 for
// none.
func (s *State) endOf(sub Subject, at Place) int64 {
	var t turns
	t = append(t, s.User(sub.User).Until)
	t.on(s, s.Space(at.Space), s.appendWays(nil, at.Path))
	for _, sub.Now = range t.after(sub.Now) {
		if s.Held(sub, at) == 0 {
			return sub.Now
		}
	}
	return 0
}

// turns are moments at which something begins or ends.
type turns []int64

// on takes in whatever stands on a way.
func (t *turns) on(s *State, sp *Space, ways []*way) {
	t.of(sp.Levels)
	for _, w := range ways {
		if w.mark != nil {
			t.of(w.mark.Entries)
			t.ofShares(s, w.mark.Shares)
		}
	}
}

func (t *turns) of(list []Entry) {
	for i := range list {
		*t = append(*t, list[i].From, list[i].Until)
	}
}

// ofShares takes in the ends of shares, and those of who gives them.
func (t *turns) ofShares(s *State, list []Share) {
	for i := range list {
		sh := &list[i]
		*t = append(*t, sh.Until)
		by := s.User(sh.By)
		if by == nil {
			continue
		}
		*t = append(*t, by.Until)
		if sh.IsLink() {
			*t = append(*t, s.linkEnd(sh))
		}
	}
}

// after are those later than now, in order.
func (t turns) after(now int64) []int64 {
	later := slices.DeleteFunc(slices.Clone(t), func(at int64) bool { return at <= now })
	slices.Sort(later)
	return slices.Compact(later)
}

// linkEnd is when a link opens nothing any more, 0 for never.
func (s *State) linkEnd(sh *Share) int64 {
	end := sh.Until
	if days := s.LinkDays(s.User(sh.By)); days > 0 && (end == 0 || sh.Made+days*daySeconds < end) {
		end = sh.Made + days*daySeconds
	}
	return end
}

func (v *reviewer) links() []OpenLink {
	var all []OpenLink
	for _, sh := range v.state.Shares() {
		if !sh.IsLink() || v.asleep(sh) != "" {
			continue
		}
		_, at := v.state.Share(sh.ID)
		if end := v.state.linkEnd(sh); end == 0 || !sh.Password {
			all = append(all, OpenLink{sh, at, end})
		}
	}
	return all
}

// asleep tells why a share gives nothing; the trash is a reason too.
func (v *reviewer) asleep(sh *Share) string {
	_, at := v.state.Share(sh.ID)
	sp := v.state.Space(at.Space)
	if sp == nil {
		return "it lies in the trash"
	}
	return v.state.Asleep(sh, sp, v.in.Now)
}

func (v *reviewer) unusedShares() []UnusedGrant {
	var all []UnusedGrant
	for _, sh := range v.state.Shares() {
		if _, at := v.state.Share(sh.ID); at.Space == Nobody {
			continue
		}
		why := v.asleep(sh)
		if why == "" && !sh.IsLink() {
			why = v.desertedBy(sh.To)
		}
		if why != "" {
			all = append(all, UnusedGrant{Share: sh, Why: why})
		}
	}
	return all
}

// unused tells why a line speaks of nobody now; empty when it speaks of somebody,
// and for that of a drive's owner, which stays.
func (v *reviewer) unused(l *LineAt) string {
	switch sp := v.state.Space(l.Space); {
	case l.OfSpace && sp.Kind == Personal && sp.Owner == l.Principal:
		return ""
	case l.over(v.in.Now):
		return "it has ended"
	}
	return v.desertedBy(l.Principal)
}

// over tells whether the time of a line has passed.
func (l *LineAt) over(now int64) bool { return l.Until != 0 && now >= l.Until }

// desertedBy tells why nobody acts as a principal; empty when somebody can.
func (v *reviewer) desertedBy(p ID) string {
	why, known := v.deserted[p]
	if !known {
		why = v.whyDeserted(p)
		v.deserted[p] = why
	}
	return why
}

func (v *reviewer) whyDeserted(p ID) string {
	if p < FirstID || v.state.User(p) == nil && v.state.Group(p) == nil {
		return "" // a link, or whoever signs in
	}
	members := v.state.MembersOf(p)
	active := slices.DeleteFunc(slices.Clone(members), func(id ID) bool { return !v.state.User(id).ActiveAt(v.in.Now) })
	switch {
	case slices.ContainsFunc(active, v.signsIn):
		return ""
	case len(active) > 0 && v.state.User(p) != nil:
		return "the account has nothing to sign in with"
	case len(active) > 0:
		return "no member has anything to sign in with"
	case v.state.User(p) != nil:
		return "the account is deactivated or has expired"
	case len(members) == 0:
		return "it has no members"
	}
	return "no member is active"
}

func (v *reviewer) soles() []SoleManager {
	var all []SoleManager
	for _, sp := range v.state.Spaces() {
		if sp.Kind == Personal || sp.State == Trashed {
			continue
		}
		if managers := v.managers(sp); len(managers) < 2 {
			all = append(all, SoleManager{sp.ID, firstOr(managers, Nobody)})
		}
	}
	for _, g := range v.state.Groups() {
		active := slices.DeleteFunc(slices.Clone(g.Managers), func(id ID) bool { return !v.state.User(id).ActiveAt(v.in.Now) })
		if len(active) == 1 {
			all = append(all, SoleManager{g.ID, active[0]})
		}
	}
	return all
}

func firstOr[T any](list []T, none T) T {
	if len(list) > 0 {
		return list[0]
	}
	return none
}

// managers are up to two accounts that hold manage at the root of a space.
func (v *reviewer) managers(sp *Space) []ID {
	var found []ID
	lists := [][]Entry{sp.Levels}
	if m := v.state.Mark(sp.Root); m != nil {
		lists = append(lists, m.Entries)
	}
	for _, list := range lists {
		for i := range list {
			if list[i].Allow&Manage == 0 {
				continue
			}
			for id := range v.state.everyoneIn(list[i].Principal) {
				sub := v.in
				sub.User = id
				if !slices.Contains(found, id) && v.state.Held(sub, rootOf(sp))&Manage != 0 {
					if found = append(found, id); len(found) == 2 {
						return found
					}
				}
			}
		}
	}
	return found
}

func (v *reviewer) spare() []SpareRecord {
	var all []SpareRecord
	profiles := map[ID]bool{}
	for _, u := range v.state.users.all() {
		profiles[u.Profile] = true
	}
	for _, p := range v.state.Profiles() {
		if !profiles[p.ID] {
			all = append(all, SpareRecord{p.ID, "no account has it"})
		}
	}
	named := v.namedGroups()
	for _, g := range v.state.Groups() {
		switch {
		case len(v.state.MembersOf(g.ID)) == 0:
			all = append(all, SpareRecord{g.ID, "nobody is in it"})
		case !named[g.ID] && v.state.set().Sharing != ShareOwn: // which asks for groups in common
			all = append(all, SpareRecord{g.ID, "no level, line or share names it, nor a group that it is in"})
		}
	}
	slices.SortStableFunc(all, func(a, b SpareRecord) int {
		return cmp.Compare(kindRank(v.state, a.ID), kindRank(v.state, b.ID))
	})
	return all
}

// kindRank puts profiles before groups, and groups before roles.
func kindRank(s *State, id ID) int {
	switch g := s.Group(id); {
	case g == nil:
		return 0
	case g.Role:
		return 2
	}
	return 1
}

// namedGroups are the groups that a list or share names, and all in them.
func (v *reviewer) namedGroups() map[ID]bool {
	named := map[ID]bool{}
	var down func(ID)
	down = func(id ID) {
		g := v.state.Group(id)
		if g == nil || named[id] {
			return
		}
		named[id] = true
		for _, m := range g.Members {
			down(m)
		}
	}
	for _, sp := range v.state.spaces.all() {
		for i := range sp.Levels {
			down(sp.Levels[i].Principal)
		}
	}
	for id := range v.state.named.roots.all() {
		down(ID(id))
	}
	return named
}
