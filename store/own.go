package store

import "davit/policy"

// claim is the ground on which the asker may take away a whole tree, of which he
// holds what the grant says; "" when there is none.
func (s *Session) claim(g grant, sp *spot, o op) (Ground, error) {
	if g.held&policy.See == 0 {
		return "", nil
	}
	if s.wanted(sp, o)&^g.held == 0 {
		return ByRight, nil
	}
	if g.held&policy.DeleteOwn != 0 {
		if own, err := g.tx.all(g, sp.entry(), s.made); own || err != nil {
			return ByDeleteOwn, err
		}
	}
	if g.held&policy.Add != 0 && o != opTakeOut {
		young := func(e *Entry) bool { return s.young(g.tx, sp.space.ID, e) }
		if own, err := g.tx.all(g, sp.entry(), young); own || err != nil {
			return ByOwnHour, err
		}
	}
	return "", nil
}

// made tells whether the asker's account, or the link that he bears, created it.
func (s *Session) made(e *Entry) bool { return e.Creator == s.cred.id() }

// young tells whether the asker's account made it within the space's own hour and
// nobody else has touched it since. A link is borne by many: it has no hour.
func (s *Session) young(tx *Tx, space policy.ID, e *Entry) bool {
	return s.cred.User != policy.Nobody && s.made(e) && !e.Touched && tx.now.Sub(e.Created) < tx.state.OwnHour(space)
}

// touch notes that the asker changes something, which ends the own hour of
// another who made it.
func (s *Session) touch(e *Entry) { e.Touched = e.Touched || !s.made(e) }
