package policy

import (
	"cmp"
	"slices"
)

// A Subject asks: an account or the bearer of a link, through one credential, in
// one context.
type Subject struct {
	User ID
	Link ID // instead of User
	// Mask is what the credential lets through: All for the main password.
	Mask Rights
	// Spaces are the only ones that the credential opens, if there are any.
	Spaces  []ID
	Class   Class
	Network Network
	Now     int64 // Unix seconds
	// Steady asks what is held in every context: no condition is taken to allow
	// anything, each is taken to forbid, and shares give nothing.
	Steady bool
}

// id is the principal that the subject's own entries name.
func (sub *Subject) id() ID {
	if sub.Link != Nobody {
		return sub.Link
	}
	return sub.User
}

// A Ceiling is what cut a right that the lists give.
type Ceiling string

const (
	CutByAccount    Ceiling = "account"
	CutByProfile    Ceiling = "profile"
	CutByType       Ceiling = "type"
	CutByKind       Ceiling = "space-kind"
	CutByState      Ceiling = "space-state"
	CutByInstance   Ceiling = "instance"
	CutByCredential Ceiling = "credential"
)

// A Decision is the whole answer for one subject at one place.
type Decision struct {
	Wanted Rights
	// Held is every right the subject has here, after the ceilings.
	Held Rights
	// Visible: its name may be told; an invisible place answers as a missing one.
	Visible bool
	// Shell: visible only as the way to something below, without content.
	Shell bool
}

// Allowed tells whether everything wanted is held. In a drop box that may be so
// at an invisible place.
func (d Decision) Allowed() bool { return d.Wanted&^d.Held == 0 }

// Denied is the error for a refused decision.
func (d Decision) Denied() *Denied {
	return &Denied{Missing: d.Wanted &^ d.Held, Visible: d.Visible}
}

// Denied says which rights were missing. Invisible things answer as missing ones.
type Denied struct {
	Missing Rights
	Visible bool
	// Cut names the ceiling when one took the right; empty when no list gave it.
	Cut Ceiling
}

func (d *Denied) Error() string {
	if !d.Visible {
		return "not found"
	}
	if d.Cut != "" {
		return "missing " + d.Missing.String() + " (cut by " + string(d.Cut) + ")"
	}
	return "missing " + d.Missing.String()
}

// Decide answers whether the subject holds every wanted right at the place.
func (s *State) Decide(sub Subject, at Place, want Rights) Decision {
	d := Decision{Wanted: want}
	var stack [24]*way
	sp, ways := s.appendWaysTo(stack[:0], at)
	if sp == nil {
		return d
	}
	granted, walls := s.listed(&sub, sp, ways, nil)
	d.Held = s.bounded(&sub, sp, ways, granted, walls, nil)
	switch {
	case d.Held&See != 0:
		d.Visible = true
	case len(ways) == len(at.Path) && walls&See == 0 && s.leadsTo(&sub, sp, ways, granted, at.Path): // a wall holds below, too
		d.Visible, d.Shell = true, true
	}
	return d
}

// Held is every right that the subject has at the place.
func (s *State) Held(sub Subject, at Place) Rights {
	var stack [24]*way
	sp, ways := s.appendWaysTo(stack[:0], at)
	if sp == nil {
		return 0
	}
	return s.held(&sub, sp, ways, nil)
}

// appendWaysTo gives the space of a place and the ways to it; no space when the
// place does not stand in it.
func (s *State) appendWaysTo(dst []*way, at Place) (*Space, []*way) {
	sp := s.Space(at.Space)
	if sp == nil || len(at.Path) == 0 || at.Path[0] != sp.Root {
		return nil, nil
	}
	return sp, s.appendWays(dst, at.Path)
}

// appendWays looks up the nodes of the path that carry or lead to marks. They
// are the first ones: below a node that leads nowhere nothing is marked.
func (s *State) appendWays(dst []*way, path []Node) []*way {
	for _, n := range path {
		w, ok := s.ways.get(uint64(n))
		if !ok {
			break
		}
		dst = append(dst, w)
	}
	return dst
}

// held is the one rule, then what shares add, then the ceilings. With a trace it
// also notes every step; it takes the same steps without.
func (s *State) held(sub *Subject, sp *Space, ways []*way, tr *trace) Rights {
	granted, walls := s.listed(sub, sp, ways, tr)
	return s.bounded(sub, sp, ways, granted, walls, tr)
}

// bounded is what is left of what the lists grant: with the gifts, without what
// walls and ceilings take.
func (s *State) bounded(sub *Subject, sp *Space, ways []*way, granted, walls Rights, tr *trace) Rights {
	granted |= s.shared(sub, sp, ways, lastCut(ways), tr)
	return s.ceilings(sub, sp, granted&^walls, tr)
}

// lastCut is the depth of the nearest cut, -1 when nothing is cut.
func lastCut(ways []*way) int {
	for i, w := range slices.Backward(ways) {
		if w.cut {
			return i
		}
	}
	return -1
}

// listed reads the one rule over the levels of the space, which stand above
// ways[0], and the entries on the way down.
func (s *State) listed(sub *Subject, sp *Space, ways []*way, tr *trace) (granted, walls Rights) {
	_, pinned := slices.BinarySearch(sp.Pins, sub.User)
	if pinned {
		tr.pinned()
	}
	cut := lastCut(ways)
	ids, _ := s.closures.get(uint64(sub.id()))
	for i := -1; i < len(ways); i++ {
		g, d := s.level(sub, ids, sp, ways, i, pinned, i < cut, tr)
		granted |= g
		walls |= d
	}
	if cut >= 0 && s.mayManage(sub, sp) {
		// Who manages the space keeps a way into every cut folder.
		above, walled := s.listed(sub, sp, ways[:min(cut, 1)], nil)
		if above&^walled&Manage != 0 {
			granted |= See | ReadACL | Manage
			tr.keepsManage(cut)
		}
	}
	if cut < 0 && s.readsAlways(sub) {
		granted |= levelViewer
		tr.readsAlways()
	}
	return granted, walls
}

// readsAlways: the settings may let admins read whatever is not cut off.
func (s *State) readsAlways(sub *Subject) bool {
	if s.set().AdminReads != ReadsAlways {
		return false
	}
	u := s.User(sub.User)
	return u != nil && u.Type.above(Manager)
}

// mayManage: some account types and profiles never hold manage, whatever a list
// says.
func (s *State) mayManage(sub *Subject, sp *Space) bool {
	u := s.User(sub.User)
	return u != nil && typeLets(u.Type)&s.Profile(u.Profile).lets(sp, sp.Owner == u.ID, sub.Class)&Manage != 0
}

// level gives what the list at level i grants, less what a nearer entry of the
// same principal decides, and the walls that stand there. Nothing is granted
// through a cut, nor to a pinned user by another principal than itself.
func (s *State) level(sub *Subject, ids []ID, sp *Space, ways []*way, i int, pinned, cutOff bool, tr *trace) (granted, walls Rights) {
	named := sp.principals
	if i >= 0 {
		named = ways[i].principals
	}
	m := matching{list: named, ids: ids}
	for j := m.next(); j >= 0; j = m.next() {
		e := &listAt(sp, ways, i)[j]
		allow, _, deny := e.under(sub)
		walls |= deny
		counts := !cutOff && (!pinned || e.Principal == sub.User)
		if !counts {
			allow = 0
		}
		part := allow &^ mentionedBelow(sub, e.Principal, ways, i+1)
		granted |= part
		tr.step(i, e, part, cutOff)
	}
	return granted, walls
}

// mentionedBelow is every right that an entry of p at level from or nearer
// allows or revokes.
func mentionedBelow(sub *Subject, p ID, ways []*way, from int) Rights {
	var said Rights
	for i := from; i < len(ways); i++ {
		named := ways[i].principals
		j, _ := slices.BinarySearch(named, p)
		for ; j < len(named) && named[j] == p; j++ {
			allow, revoke, _ := ways[i].mark.Entries[j].under(sub)
			said |= allow | revoke
		}
	}
	return said
}

func firstOf(list []Entry, p ID) int {
	i, _ := slices.BinarySearchFunc(list, p, func(e Entry, p ID) int { return cmp.Compare(e.Principal, p) })
	return i
}

// matching walks a list of principals for those that are among ids. Both are
// ascending; the shorter one leads.
type matching struct {
	list, ids []ID
	i, j      int
}

// next is where the next one stands in the list; -1 when there is none.
func (m *matching) next() int {
	for m.i < len(m.list) && m.j < len(m.ids) {
		switch here, p := m.list[m.i], m.ids[m.j]; {
		case here == p:
			m.i++
			return m.i - 1
		case here < p:
			if len(m.list) > 8*len(m.ids) {
				k, _ := slices.BinarySearch(m.list[m.i:], p)
				m.i += k
			} else {
				m.i++
			}
		default:
			if len(m.ids) > 8*len(m.list) {
				k, _ := slices.BinarySearch(m.ids[m.j:], here)
				m.j += k
			} else {
				m.j++
			}
		}
	}
	return -1
}

// ceilings cut what the lists give.
func (s *State) ceilings(sub *Subject, sp *Space, held Rights, tr *trace) Rights {
	who, profile, alive := s.bearer(sub, sp)
	if !alive {
		tr.cut(CutByAccount, held)
		return 0
	}
	for _, c := range [...]struct {
		by   Ceiling
		lets Rights
	}{
		{CutByType, typeLets(who)},
		{CutByProfile, profile.lets(sp, sp.Owner == sub.User, sub.Class)},
		{CutByKind, kindLets(sp.Kind, who)},
		{CutByState, stateLets(sp.State, who)},
		{CutByInstance, s.set().lets(who, sub)},
		{CutByCredential, sub.lets(sp)},
	} {
		if lost := held &^ c.lets; lost != 0 {
			tr.cut(c.by, lost)
			held &= c.lets
		}
	}
	return held
}

// bearer is the type and profile that the subject meets ceilings with. The
// bearer of a link is a guest without a profile: the giver's own ceilings have
// cut already.
func (s *State) bearer(sub *Subject, sp *Space) (who Type, profile *Profile, alive bool) {
	if sub.Link != Nobody {
		return Guest, nil, s.opens(sub.Link, sp, sub.Now)
	}
	u := s.User(sub.User)
	if !u.ActiveAt(sub.Now) {
		return "", nil, false
	}
	return u.Type, s.Profile(u.Profile), true
}

// opens tells whether a link opens anything in the space: not when it sleeps
// there or where it stands, nor from the trash.
func (s *State) opens(link ID, sp *Space, now int64) bool {
	sh, at := s.Share(link)
	if sh == nil || !sh.IsLink() {
		return false
	}
	own := s.Space(at.Space)
	return own != nil && s.Asleep(sh, own, now) == "" && (own == sp || s.Asleep(sh, sp, now) == "")
}

// lets is the ceiling of the settings.
func (set *Settings) lets(who Type, sub *Subject) Rights {
	if who == Guest && sub.Link == Nobody && !set.Guests {
		return 0
	}
	return All
}

// lets is the ceiling of the credential.
func (sub *Subject) lets(sp *Space) Rights {
	if len(sub.Spaces) > 0 && !slices.Contains(sub.Spaces, sp.ID) {
		return 0
	}
	return sub.Mask
}

func typeLets(t Type) Rights {
	if t == Guest {
		return All &^ (Reshare | Manage | ManageMembers | Purge | BreakLock | ReadACL)
	}
	return All
}

func kindLets(k SpaceKind, t Type) Rights {
	if k == Portal && t == Guest {
		return All &^ (Delete | DeleteOwn | Reshare | Manage | ManageMembers | Purge)
	}
	return All
}

func stateLets(st SpaceState, t Type) Rights {
	switch {
	case st == Archived:
		return See | Read | ReadACL | Manage | ManageMembers | History | FreeBusy
	case st == Trashed:
		return Manage // to restore it; nobody sees it
	case st == Closed && t == Guest:
		return 0
	}
	return All
}

// leadsTo tells whether the subject sees anything below the place where the ways
// end: then the place is a shell, a bare collection that lists only the way down.
// The lists grant what is granted there, and no wall hides it.
func (s *State) leadsTo(sub *Subject, sp *Space, ways []*way, granted Rights, path []Node) bool {
	if s.ceilings(sub, sp, See, nil) == 0 {
		return false // they are the same below
	}
	own := [1]ID{sub.id()}
	ids := own[:]
	if _, pinned := slices.BinarySearch(sp.Pins, sub.User); !pinned {
		ids, _ = s.closures.get(uint64(sub.id()))
	}
	named, top := s.named.in(sp.Root), path[len(path)-1]
	if len(ways) == 1 && s.mentioned(ids, named, top) {
		return true
	}
	ids = s.withGivers(ids, sp.Root)
	var cuts places
	if all := s.cuts.within(sp.Root); len(all) > 0 && (granted&Manage != 0 || s.manages(sub, sp, ways)) {
		cuts = all
	}
	// There are two ways to find one: all that names the subject in this space, or
	// all that is marked below. The shorter one is not known beforehand, so below
	// the root the second is tried first and given up when it becomes the longer.
	if len(ways) > 1 {
		budget := len(cuts)
		for _, id := range ids {
			at, _ := named.get(uint64(id))
			budget += at.count()
		}
		if found, done := s.seesBelow(sub, ids, sp, ways, &budget); done {
			return found
		}
	}
	for _, id := range ids {
		at, _ := named.get(uint64(id))
		for i := range at.count() {
			if s.showsBelow(sub, ids, sp, top, at.nth(i).node()) {
				return true
			}
		}
	}
	for _, at := range cuts {
		if s.showsBelow(sub, ids, sp, top, at.node) {
			return true
		}
	}
	return false
}

// mentioned tells whether a mention of one of ids below a root shows its node
// whoever asks and whenever, as nothing on the way there could hide it. That is so
// as a rule, and spares the whole decision.
func (s *State) mentioned(ids []ID, named table[mentions], root Node) bool {
	_, hurdles := s.hurdles.get(uint64(root))
	for _, id := range ids {
		at, _ := named.get(uint64(id))
		for i := range at.count() {
			if m := at.nth(i); m.shows() && (!hurdles || s.openTo(root, m.node())) {
				return true
			}
		}
	}
	return false
}

// openTo tells whether a node below a root is not in the trash, and no wall between
// them hides anything from anybody.
func (s *State) openTo(root, n Node) bool {
	w, _ := s.ways.get(uint64(n))
	for n != root {
		over, _ := s.ways.get(uint64(w.parent))
		if w.hides || over.parked.n > 0 && !over.has(n) {
			return false
		}
		n, w = w.parent, over
	}
	return true
}

// manages tells whether the subject keeps a way into the cut folders of a space:
// by its levels, or by the root where that is not cut itself.
func (s *State) manages(sub *Subject, sp *Space, ways []*way) bool {
	if !s.mayManage(sub, sp) {
		return false
	}
	levels, _ := s.listed(sub, sp, nil, nil)
	root, _ := s.listed(sub, sp, ways[:1], nil)
	return (levels|root)&Manage != 0
}

// withGivers adds the principals of everybody who gave to one of them in a space,
// or in any for 0, directly or through others: below a share one sees what its
// giver sees, where the lists name only the giver. They are ascending.
func (s *State) withGivers(ids []ID, root Node) []ID {
	all := slices.Clip(ids)
	for i := 0; i < len(all); i++ {
		at, _ := s.given.get(uint64(all[i]))
		if root != 0 {
			at = at.within(root)
		}
		for _, here := range at {
			for _, sh := range s.Mark(here.node).Shares {
				if sh.To == all[i] && !slices.Contains(all, sh.By) {
					theirs, _ := s.closures.get(uint64(sh.By))
					all = append(all, theirs...)
				}
			}
		}
	}
	if len(all) > len(ids) {
		slices.Sort(all)
		all = slices.Compact(all)
	}
	return all
}

// seesBelow looks at what is marked below the last way, at most budget nodes;
// done tells whether that was enough.
func (s *State) seesBelow(sub *Subject, ids []ID, sp *Space, ways []*way, budget *int) (found, done bool) {
	for kid := range ways[len(ways)-1].kids.all() {
		if *budget--; *budget < 0 {
			return false, false
		}
		w, _ := s.ways.get(kid)
		below := append(ways, w)
		if w.mayShow(sub, ids) && s.held(sub, sp, below, nil)&See != 0 {
			return true, true
		}
		if found, done := s.seesBelow(sub, ids, sp, below, budget); found || !done {
			return found, done
		}
	}
	return false, true
}

// mayShow: whoever sees nothing above may see here, by an entry of one of ids, by
// a share, or because who manages the space keeps a way into a cut folder.
func (w *way) mayShow(sub *Subject, ids []ID) bool {
	if w.cut || w.shares && slices.ContainsFunc(w.mark.Shares, func(sh Share) bool { return sh.Rights&See != 0 }) {
		return true
	}
	m := matching{list: w.principals, ids: ids}
	for i := m.next(); i >= 0; i = m.next() {
		if allow, _, _ := w.mark.Entries[i].under(sub); allow&See != 0 {
			return true
		}
	}
	return false
}

// showsBelow tells whether the subject sees a node, if it stands below the top,
// which it does not see itself.
func (s *State) showsBelow(sub *Subject, ids []ID, sp *Space, top, n Node) bool {
	w, _ := s.ways.get(uint64(n))
	if !w.mayShow(sub, ids) {
		return false
	}
	var stack [24]*way
	ways, ok := s.waysFrom(stack[:0], top, n, w)
	return ok && s.held(sub, sp, ways, nil)&See != 0
}

// waysFrom gives the ways from the root to the node, whose way is w, when it is
// the top or stands below it and nothing between lies in the trash.
func (s *State) waysFrom(dst []*way, top, n Node, w *way) (ways []*way, below bool) {
	for {
		dst = append(dst, w)
		below = below || n == top
		if w.parent == 0 {
			slices.Reverse(dst)
			return dst, below
		}
		over, ok := s.ways.get(uint64(w.parent))
		if !ok || !below && over.parked.n > 0 && !over.has(n) {
			return nil, false
		}
		n, w = w.parent, over
	}
}

func (w *way) has(kid Node) bool { _, ok := w.kids.get(uint64(kid)); return ok }

// HeldBelow is what the subject holds at the place and at everything below it:
// the rights that it may use on the whole tree.
func (s *State) HeldBelow(sub Subject, at Place) Rights {
	sp := s.Space(at.Space)
	if sp == nil || len(at.Path) == 0 || at.Path[0] != sp.Root {
		return 0
	}
	var stack [24]*way
	ways := s.appendWays(stack[:0], at.Path)
	held := s.held(&sub, sp, ways, nil)
	if len(ways) == len(at.Path) {
		held &= s.heldUnder(&sub, sp, ways)
	}
	return held
}

func (s *State) heldUnder(sub *Subject, sp *Space, ways []*way) Rights {
	held := All
	for kid := range ways[len(ways)-1].kids.all() {
		w, _ := s.ways.get(kid)
		below := append(ways, w)
		if w.mark != nil && (w.mark.Cut || len(w.mark.Entries)+len(w.mark.Shares) > 0) {
			held &= s.held(sub, sp, below, nil)
		}
		held &= s.heldUnder(sub, sp, below)
	}
	return held
}
