package policy

import (
	"cmp"
	"slices"
	"strconv"
)

// A Share hands on what its giver holds at a place: to a user, group or role, or
// to the bearers of a link. It gives Rights and, of those, only what the giver
// would get with the same request, along the whole chain of who gave it to whom.
type Share struct {
	ID ID `json:"id"`
	By ID `json:"by"` // the account that gives
	// To is who gets it; the share's own ID makes it a link.
	To     ID     `json:"to"`
	Rights Rights `json:"rights"`
	// Level is the name that Rights was given by, if it was.
	Level string `json:"level,omitempty"`
	Made  int64  `json:"made"`            // Unix seconds
	Until int64  `json:"until,omitempty"` // Unix seconds, the first no longer
	Label string `json:"label,omitempty"`
	// Password: the bearers of the link have to know one.
	Password bool `json:"password,omitempty"`
	// Calendar: the link is of a calendar.
	Calendar bool `json:"calendar,omitempty"`
}

// IsLink tells whether whoever has the link has the share.
func (sh *Share) IsLink() bool { return sh.To == sh.ID }

// function is the one that its giver's profile has to open, now and when it is
// made.
func (sh *Share) function() Functions {
	switch {
	case !sh.IsLink():
		return ShareInternal
	case sh.Calendar:
		return CalPublish
	}
	return ShareLinks
}

const (
	labelMax   = 200
	sharesMax  = 1000 // at one place
	daySeconds = 24 * 60 * 60
)

// unshared are the rights that no share hands on: they are given by lists, where
// everybody sees them.
const unshared = Manage | ManageMembers | ReadACL | Purge | BreakLock

func compareShares(a, b Share) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.ID, b.ID)) }

// Share finds a share or link and its place; nil when there is none, and no
// place while it lies in the trash.
func (s *State) Share(id ID) (*Share, Place) {
	n, ok := s.shares.get(uint64(id))
	if !ok {
		return nil, Place{}
	}
	m := s.Mark(n)
	i := slices.IndexFunc(m.Shares, func(sh Share) bool { return sh.ID == id })
	at, _ := s.placeOf(n)
	return &m.Shares[i], at
}

// Shares lists all shares and links in the order of their IDs.
func (s *State) Shares() []*Share {
	var all []*Share
	for id := range s.shares.all() {
		sh, _ := s.Share(ID(id))
		all = append(all, sh)
	}
	slices.SortFunc(all, byShareID)
	return all
}

func byShareID(a, b *Share) int { return cmp.Compare(a.ID, b.ID) }

// linkName is the name of a link as a principal.
func linkName(id ID) string { return "link:" + strconv.FormatUint(uint64(id), 36) }

// Asleep tells why a share gives nothing now, empty when it gives what its giver
// holds.
func (s *State) Asleep(sh *Share, sp *Space, now int64) string {
	by, set := s.User(sh.By), s.set()
	switch {
	case sh.Until != 0 && now >= sh.Until:
		return "it has expired"
	case !by.ActiveAt(now):
		return "the account that gave it is deactivated"
	case sp.State == Archived || sp.State == Trashed:
		return "the space is " + string(sp.State)
	case sh.IsLink():
		return s.linkAsleep(sh, by, set, now)
	case !s.Profile(by.Profile).has(sh.function()):
		return "the giver's profile does not share with people"
	case !s.mayShareWith(by, sh.To):
		return "sharing with this group is switched off"
	}
	return ""
}

func (s *State) linkAsleep(sh *Share, by *User, set *Settings, now int64) string {
	days := s.LinkDays(by)
	switch {
	case !set.Links:
		return "links are switched off"
	case !s.Profile(by.Profile).has(sh.function()):
		return "the giver's profile does not make links"
	case set.LinkPassword && !sh.Password:
		return "links need a password"
	case days > 0 && now >= sh.Made+days*daySeconds:
		return "it is older than links may be"
	}
	return ""
}

// LinkDays is the longest life of an account's links, 0 for any: the shorter of
// what the settings and its profile say.
func (s *State) LinkDays(by *User) int64 {
	days := s.set().LinkDays
	if p := s.Profile(by.Profile); p != nil && p.LinkDays > 0 && (days == 0 || p.LinkDays < days) {
		return p.LinkDays
	}
	return days
}

// mayShareWith: the settings may keep people from sharing with groups, or with
// any but those of their own.
func (s *State) mayShareWith(by *User, to ID) bool {
	isUser := s.User(to) != nil
	own := func(id ID) bool { return id >= FirstID && s.isA(by.ID, id) }
	switch s.set().Sharing {
	case ShareNone:
		return isUser
	case ShareOwn:
		if isUser {
			theirs, _ := s.closures.get(uint64(to))
			return slices.ContainsFunc(theirs, own)
		}
		return own(to) && s.Group(to) != nil
	}
	return true
}

// isA tells whether the principal is one of the user's.
func (s *State) isA(user, principal ID) bool {
	ids, _ := s.closures.get(uint64(user))
	_, is := slices.BinarySearch(ids, principal)
	return is
}

func (p *Profile) has(f Functions) bool { return p == nil || p.Functions == nil || *p.Functions&f == f }

// A gift is one share on the way to a place that reaches the asker, directly or
// through others.
type gift struct {
	share *Share
	giver int // index into givers
	to    int // index into givers: whom it reaches
}

// A giver is somebody on a chain of shares. The first is the asker.
type giver struct {
	sub     Subject
	granted Rights // by lists
	walls   Rights
	held    Rights // after walls and ceilings: grows until it is steady
}

// shared is what shares on the way give the subject, before its own walls and
// ceilings. A chain of shares gives what all its givers hold; one that leads back
// to itself gives nothing.
func (s *State) shared(sub *Subject, sp *Space, ways []*way, cut int, tr *trace) Rights {
	if sub.Steady || !carriesShares(ways, max(cut, 0)) {
		return 0
	}
	givers, gifts := s.gifts(sub, sp, ways, cut)
	for grown := true; grown; {
		grown = false
		for _, g := range gifts {
			to, from := &givers[g.to], &givers[g.giver]
			to.granted |= g.share.Rights & from.held
			if g.to == 0 {
				continue
			}
			held := s.ceilings(&to.sub, sp, to.granted&^to.walls, nil)
			grown = grown || held != to.held
			to.held = held
		}
	}
	for _, g := range gifts {
		if g.to == 0 {
			tr.gift(depthOf(ways, g.share), g.share, g.share.Rights&givers[g.giver].held)
		}
	}
	return givers[0].granted
}

func carriesShares(ways []*way, from int) bool {
	for i := from; i < len(ways); i++ {
		if ways[i].shares {
			return true
		}
	}
	return false
}

func depthOf(ways []*way, sh *Share) int {
	return slices.IndexFunc(ways, func(w *way) bool {
		return w.shares && slices.ContainsFunc(w.mark.Shares, func(o Share) bool { return o.ID == sh.ID })
	})
}

// gifts follows the shares that reach the subject back to those who gave them.
// What every giver holds by lists is read once.
func (s *State) gifts(sub *Subject, sp *Space, ways []*way, cut int) (givers []giver, gifts []gift) {
	givers = append(givers, giver{sub: *sub})
	for to := 0; to < len(givers); to++ {
		if _, pinned := slices.BinarySearch(sp.Pins, givers[to].sub.User); pinned {
			continue
		}
		for i := max(cut, 0); i < len(ways); i++ {
			if !ways[i].shares {
				continue
			}
			for j := range ways[i].mark.Shares {
				sh := &ways[i].mark.Shares[j]
				if !s.reaches(sh, &givers[to].sub) || s.Asleep(sh, sp, sub.Now) != "" {
					continue
				}
				from := slices.IndexFunc(givers, func(g giver) bool { return g.sub.User == sh.By && g.sub.Link == Nobody })
				if from < 0 {
					from = len(givers)
					givers = append(givers, s.newGiver(sub, sh.By, sp, ways))
				}
				gifts = append(gifts, gift{sh, from, to})
			}
		}
	}
	return givers, gifts
}

// reaches tells whether a share is given to one of the subject's principals.
func (s *State) reaches(sh *Share, sub *Subject) bool {
	if sub.Link != Nobody {
		return sh.ID == sub.Link
	}
	return !sh.IsLink() && s.isA(sub.User, sh.To)
}

// newGiver: a giver holds what the same request would get from it.
func (s *State) newGiver(sub *Subject, by ID, sp *Space, ways []*way) giver {
	g := giver{sub: Subject{User: by, Mask: All, Class: sub.Class, Network: sub.Network, Now: sub.Now}}
	g.granted, g.walls = s.listed(&g.sub, sp, ways, nil)
	g.held = s.ceilings(&g.sub, sp, g.granted&^g.walls, nil)
	return g
}

func (c PutShare) apply(e *edit) error {
	sh := c.Share
	if err := e.checkShare(&sh); err != nil {
		return err
	}
	if n, ok := e.shares.get(uint64(sh.ID)); ok && (len(c.At.Path) == 0 || c.At.Path[len(c.At.Path)-1] != n) {
		return invalid("a share stays at its place")
	}
	full := false
	err := e.changeMark(c.At, func(m *Mark) {
		m.Shares = slices.DeleteFunc(slices.Clone(m.Shares), func(o Share) bool { return o.ID == sh.ID })
		full = len(m.Shares) >= sharesMax
		i, _ := slices.BinarySearchFunc(m.Shares, sh, compareShares)
		m.Shares = slices.Insert(m.Shares, i, sh)
	})
	if err == nil && full {
		return invalid("at most %d shares at one place; share with a group", sharesMax)
	}
	return err
}

func (e *edit) checkShare(sh *Share) error {
	switch {
	case sh.ID < FirstID || e.taken(sh.ID):
		return invalid("share with the ID %d, which is not its own", sh.ID)
	case e.User(sh.By) == nil:
		return notFound("nobody gives this share")
	case sh.Rights == 0 || sh.Rights&^All != 0:
		return invalid("a share says at least one right")
	case sh.Rights&unshared != 0:
		return invalid("%s cannot be shared; put it into the list of the folder", sh.Rights&unshared)
	case sh.Until != 0 && sh.Until <= sh.Made:
		return invalid("a share that ends before it begins")
	case len(sh.Label) > labelMax:
		return invalid("label of more than %d bytes", labelMax)
	case sh.To == sh.By:
		return invalid("nobody shares with himself")
	case sh.IsLink():
		return nil
	case sh.Password:
		return invalid("only a link has a password")
	case sh.Calendar:
		return invalid("only a link is of a calendar; with people it is shared by its list")
	}
	return e.checkSharee(sh.To)
}

func (e *edit) checkSharee(to ID) error {
	if to == Members || e.User(to) != nil || e.Group(to) != nil {
		return nil
	}
	return notFound("no such user or group to share with")
}

// taken: an ID that stands for something that is no share.
func (e *edit) taken(id ID) bool {
	return e.User(id) != nil || e.Group(id) != nil || e.Profile(id) != nil || e.Space(id) != nil
}

func (c DropShare) apply(e *edit) error {
	n, ok := e.shares.get(uint64(c.ID))
	if !ok {
		return notFound("no such share")
	}
	e.dropShares(n, func(sh *Share) bool { return sh.ID == c.ID })
	return nil
}

func (e *edit) dropShares(n Node, gone func(*Share) bool) {
	m := e.Mark(n)
	if m == nil || len(m.Shares) == 0 {
		return
	}
	next := *m
	next.Shares = slices.DeleteFunc(slices.Clone(m.Shares), func(sh Share) bool { return gone(&sh) })
	if len(next.Shares) < len(m.Shares) {
		e.setMark(&next)
	}
}

// noteEnded remembers the links that a mark loses.
func (e *edit) noteEnded(old, m *Mark) {
	if old == nil {
		return
	}
	for i := range old.Shares {
		id := old.Shares[i].ID
		if old.Shares[i].IsLink() && !slices.ContainsFunc(m.Shares, func(sh Share) bool { return sh.ID == id }) {
			e.ended[id] = true
		}
	}
}

// dropEnded takes links that have ended out of all lists: nobody is one of them
// any more, and a list that names nobody is not read again.
func (e *edit) dropEnded() {
	if len(e.ended) == 0 {
		return
	}
	gone := func(en Entry) bool { return e.ended[en.Principal] }
	for _, sp := range e.spaces.all() {
		if slices.ContainsFunc(sp.Levels, gone) {
			next := *sp
			next.Levels = slices.DeleteFunc(slices.Clone(sp.Levels), gone)
			e.setSpace(&next)
		}
	}
	for id := range e.ended {
		for _, s := range e.named.at(id) {
			next := *e.Mark(s.node)
			next.Entries = withoutPrincipal(next.Entries, id)
			e.setMark(&next)
		}
	}
	clear(e.ended)
}

// endShares: a share does not follow its folder into another space.
func (e *edit) endShares(n Node) {
	e.dropShares(n, func(*Share) bool { return true })
	w, ok := e.ways.get(uint64(n))
	if !ok {
		return
	}
	for _, kids := range []nodes{w.kids, w.parked} {
		for kid := range kids.all() {
			e.endShares(Node(kid))
		}
	}
}
