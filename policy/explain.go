package policy

// An Explanation is every step of one decision. Nothing is cut short: what was
// skipped is there too, with the reason.
type Explanation struct {
	Decision
	Steps []Step
	Gifts []Gift
	Cuts  []Cut
	// Pinned: only the user's own level and entries grant in this space.
	Pinned bool
	// KeepsManage is the depth of the cut folder that a manager of the space
	// keeps a way into, -1 when there is none.
	KeepsManage int
	// ReadsAlways: the settings let admins read here.
	ReadsAlways bool
}

// A Gift is a share on the way that reached the subject.
type Gift struct {
	// Depth is 0 for the space's root, and so on down the place's path.
	Depth int
	Share Share
	// Granted is what of its rights its giver holds, before walls and ceilings.
	Granted Rights
}

// A Step is one entry that matched a principal of the subject.
type Step struct {
	// Depth is -1 for a level of the space, 0 for its root, and so on down the
	// place's path.
	Depth     int
	Principal ID
	// Via leads from the user to the principal: the groups between, the
	// principal last. Empty for the user's own entries.
	Via                 []ID
	Level               string
	Allow, Revoke, Deny Rights
	// Granted is what of Allow counted in the end, before walls and ceilings.
	Granted Rights
	Skipped string // why the entry, or its allow, did not count
}

// A Cut is a ceiling that took rights.
type Cut struct {
	By     Ceiling
	Rights Rights
}

// trace collects an Explanation; a nil trace collects nothing.
type trace struct {
	Explanation
	state *State
	sub   Subject
}

func (t *trace) pinned() {
	if t != nil {
		t.Pinned = true
	}
}

func (t *trace) keepsManage(depth int) {
	if t != nil {
		t.KeepsManage = depth
	}
}

func (t *trace) readsAlways() {
	if t != nil {
		t.ReadsAlways = true
	}
}

func (t *trace) gift(depth int, sh *Share, granted Rights) {
	if t != nil {
		t.Gifts = append(t.Gifts, Gift{depth, *sh, granted})
	}
}

func (t *trace) cut(by Ceiling, lost Rights) {
	if t != nil && lost != 0 {
		t.Cuts = append(t.Cuts, Cut{by, lost})
	}
}

func (t *trace) step(depth int, e *Entry, part Rights, cutOff bool) {
	if t == nil {
		return
	}
	allow, revoke, deny := e.under(&t.sub)
	st := Step{
		Depth: depth, Principal: e.Principal, Via: t.state.chain(t.sub.id(), e.Principal), Level: e.Level,
		Allow: e.Allow, Revoke: e.Revoke, Deny: e.Deny, Granted: part,
	}
	switch {
	case allow|revoke|deny == 0:
		st.Skipped = "its condition (client class, network or time) does not hold"
	case cutOff && e.Allow|e.Revoke != 0:
		st.Skipped = "a folder further down is cut: nothing is inherited into it"
	case t.Pinned && e.Principal != t.sub.id() && e.Allow|e.Revoke != 0:
		st.Skipped = "the user's level is pinned here: only own entries grant"
	case allow != e.Allow:
		st.Skipped = "it is unknown whether its condition holds: it takes and does not give"
	case part != e.Allow:
		st.Skipped = "a nearer entry of the same principal decides the rest"
	}
	t.Steps = append(t.Steps, st)
}

// Explain decides like Decide and tells how.
func (s *State) Explain(sub Subject, at Place, want Rights) Explanation {
	tr := &trace{Explanation: Explanation{KeepsManage: -1}, state: s, sub: sub}
	tr.Decision = s.Decide(sub, at, want)
	if sp := s.Space(at.Space); sp != nil && len(at.Path) > 0 && at.Path[0] == sp.Root {
		s.held(&sub, sp, s.appendWays(nil, at.Path), tr)
	}
	return tr.Explanation
}

// Refusal is the error for the explained decision, with the ceiling that cut.
func (x Explanation) Refusal() *Denied {
	d := x.Denied()
	for _, c := range x.Cuts {
		if c.Rights&d.Missing != 0 {
			d.Cut = c.By
			break
		}
	}
	return d
}

// chain is the shortest way of memberships from the user to the principal.
func (s *State) chain(user, principal ID) []ID {
	if user == principal {
		return nil
	}
	if principal < FirstID {
		return []ID{principal}
	}
	from := map[ID]ID{user: Nobody}
	for queue := []ID{user}; len(queue) > 0; queue = queue[1:] {
		for _, g := range s.GroupsOf(queue[0]) {
			if _, seen := from[g]; !seen {
				from[g] = queue[0]
				queue = append(queue, g)
			}
		}
	}
	var up []ID
	for at := principal; at != user && at != Nobody; at = from[at] {
		up = append([]ID{at}, up...)
	}
	return up
}
