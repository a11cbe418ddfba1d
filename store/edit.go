package store

import (
	"context"
	"slices"
	"time"

	"davit/policy"
)

// Mkdir makes a collection.
func (s *Session) Mkdir(ctx context.Context, p Path, t Terms) (info Info, err error) {
	err = s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, there, err := s.authorizeMkdir(tx, sp)
		if err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, s.unlockedAt(tx, g, sp.nodes, t)); err != nil {
			return err
		}
		info.Held = g.held
		if sp.inCalendars() {
			return ErrMisplaced
		}
		if there != nil {
			info.Entry = *there
			return nil
		}
		info.Entry, err = s.mkdir(tx, g, sp)
		return err
	})
	return info, err
}

// MkdirWith makes a collection with properties, both or neither. It takes the
// right to set them besides, which is asked of the collection above: a new one
// has no entries of its own, and in a drop box nothing shows whether the name is
// taken.
func (s *Session) MkdirWith(ctx context.Context, p Path, props []Prop, modified time.Time, t Terms) error {
	return s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, there, err := s.authorizeMkdir(tx, sp)
		if err != nil {
			return err
		}
		if _, err := s.authorize(tx, sp.above(), opProps); err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, s.unlockedAt(tx, g, sp.nodes, t)); err != nil || there != nil {
			return err
		}
		e, err := s.mkdir(tx, g, sp)
		if err != nil {
			return err
		}
		sp.nodes, sp.entries = append(sp.nodes, e.Node), append(sp.entries, e)
		return s.setProps(tx, g, sp, props, modified)
	})
}

// authorizeMkdir decides making a collection. In a drop box one that is there
// already, and takes in what the asker brings, is as good as made.
func (s *Session) authorizeMkdir(tx *Tx, sp *spot) (g grant, there *Entry, err error) {
	if sp.missing() == 0 {
		d, err := s.face(tx, sp, 0)
		switch dropped := s.droppedOn(tx, sp); {
		case err == nil && dropped:
			there = sp.entry()
			sp.vacate()
		case err == nil:
			s.note(tx, sp, d, "", ErrExists)
			return grant{}, nil, ErrExists
		}
	}
	g, err = s.authorizeCreate(tx, sp)
	return g, there, err
}

func (s *Session) mkdir(tx *Tx, g grant, sp *spot) (Entry, error) {
	return s.mkcollection(tx, g, sp, "")
}

// mkcollection makes the last name of the path a collection, of a type if it is
// a calendar.
func (s *Session) mkcollection(tx *Tx, g grant, sp *spot, typ string) (Entry, error) {
	n, err := tx.newNode()
	if err != nil {
		return Entry{}, err
	}
	parent := sp.nodes[len(sp.nodes)-1]
	seq, err := tx.log(sp.space.ID, s.cred.id(), making(n, parent, sp.name()))
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Name: sp.name(), Node: n, Dir: true, Type: typ, Created: tx.now, Modified: tx.now, Rev: seq, Creator: s.cred.id()}
	return e, tx.link(g, parent, &e)
}

// Remove takes a file or a whole collection into the trash, in one step. What lies
// there already, and versions, it erases.
func (s *Session) Remove(ctx context.Context, p Path, t Terms) error {
	err := s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		if sp.past != nil {
			return s.erasePast(tx, sp, t)
		}
		g, err := s.authorizeTree(tx, sp, opRemove)
		if err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, s.unlockedTree(tx, g, sp.nodes, t)); err != nil {
			return err
		}
		if sp.inBox() {
			return s.dismiss(tx, g, sp)
		}
		if err := s.needed(tx, sp); err != nil {
			return err
		}
		if err := s.unschedule(tx, g, sp, t); err != nil {
			return err
		}
		return s.trash(tx, g, sp)
	})
	return s.st.afterNotice(ctx, p, err)
}

// Move gives a file or collection another place or name: one write whatever it
// holds. What stands there is replaced, and goes into the trash, when overwrite
// is set; otherwise the answer is ErrExists.
func (s *Session) Move(ctx context.Context, from, to Path, overwrite bool, t Terms) (placed Placed, err error) {
	err = s.update(ctx, func(tx *Tx) error {
		src, dst, err := s.ends(tx, from, to)
		if err != nil {
			return err
		}
		defer func() { placed.ScheduleTag = dst.scheduleTag() }()
		switch src.realm() {
		case inTrash:
			placed.Created, err = s.restore(tx, src, dst, overwrite, t)
			return err
		case inVersions:
			return s.moveBack(tx, src, dst, overwrite, t)
		}
		g, dg, err := s.authorizeMove(tx, src, dst)
		if err != nil {
			return err
		}
		if err := apart(src, dst); err != nil {
			return err
		}
		if err := tx.belongs(g, src.entry(), dst); err != nil {
			return err
		}
		if err := s.mayLeave(tx, g, src, dst); err != nil {
			return err
		}
		locked := s.unlockedTree(tx, g, src.nodes, t)
		if locked == nil {
			locked = s.unlockedOnto(tx, dg, dst, t)
		}
		if err := s.judge(tx, src, t, locked); err != nil {
			return err
		}
		placed.Created = dst.missing() == 1
		if !placed.Created && !overwrite {
			return ErrExists
		}
		if !placed.Created {
			if err := s.unschedule(tx, dg, dst, t); err != nil {
				return err
			}
		}
		switch {
		case dg.op == opSave:
			return s.saveOver(tx, g, dg, src, dst)
		case g.op == opSetAside:
			return s.setAside(tx, g, dg, src, dst)
		}
		return s.move(tx, g, dg, src, dst)
	})
	return placed, s.st.afterNotice(ctx, to, err)
}

// Placed is what MOVE and COPY have put at a place.
type Placed struct {
	Created     bool   // nothing stood there
	ScheduleTag string // empty for what is not scheduled
}

// scheduleTag is that of what stands at a spot, empty where nothing scheduled does.
func (sp *spot) scheduleTag() string {
	if sp.missing() > 0 || sp.past != nil {
		return ""
	}
	return sp.entry().ScheduleTag()
}

// ends resolves both ends of a MOVE or COPY.
func (s *Session) ends(tx *Tx, from, to Path) (src, dst *spot, err error) {
	if src, err = s.resolve(tx, from); err != nil {
		return nil, nil, err
	}
	dst, err = s.resolve(tx, to)
	return src, dst, err
}

// apart refuses a target inside its source, and one that would replace a
// collection that the source stands in.
func apart(src, dst *spot) error {
	if dst.missing() == 0 && slices.Contains(src.nodes, dst.entry().Node) ||
		slices.Contains(dst.nodes, src.entry().Node) {
		return ErrLoop
	}
	return nil
}

// authorizeOnto decides putting something at a place: making the name, and when
// something visible stands there also taking that away.
func (s *Session) authorizeOnto(tx *Tx, dst *spot, o op) (grant, error) {
	if dst.missing() == 0 && !s.droppedOn(tx, dst) {
		switch _, err := s.authorizeTree(tx, dst, o); err {
		case nil:
			return s.mayAdd(tx, dst)
		case ErrNotFound:
		default:
			return grant{}, err
		}
	}
	return s.authorizeCreate(tx, dst)
}

func (s *Session) unlockedOnto(tx *Tx, g grant, dst *spot, t Terms) error {
	if dst.missing() == 0 {
		return s.unlockedTree(tx, g, dst.nodes, t)
	}
	return s.unlockedAt(tx, g, dst.nodes, t)
}

func (s *Session) move(tx *Tx, g, dg grant, src, dst *spot) error {
	e := *src.entry()
	size, err := tx.sizeOf(&e)
	if err != nil {
		return err
	}
	oldWay := src.nodes[:len(src.nodes)-1]
	newWay := dst.nodes[:len(dst.path)-1]
	if err := tx.room(dst, oldWay, newWay, size.bytes()); err != nil {
		return err
	}
	if dst.missing() == 0 {
		if err := s.trash(tx, dg, dst); err != nil {
			return err
		}
	}
	was, err := s.depart(tx, g, src, size)
	if err != nil {
		return err
	}
	if err := s.arrive(tx, dg, src.space, dst, e, size, was); err != nil {
		return err
	}
	return s.bringBack(tx, dg, dst)
}

// depart takes something listed, of a size, out of its place; it stands nowhere
// then.
func (s *Session) depart(tx *Tx, g grant, src *spot, size sum) (before, error) {
	e, oldWay := src.entry(), src.above().nodes
	from := oldWay[len(oldWay)-1]
	if err := tx.dropLocks(g, e); err != nil {
		return before{}, err
	}
	if _, err := tx.log(src.space.ID, s.cred.id(), changeRec{op: Removed, node: e.Node, parent: from, name: e.Name, before: before{how: byMove}}); err != nil {
		return before{}, err
	}
	if err := tx.unlink(g, from, e.Name); err != nil {
		return before{}, err
	}
	tx.charge(oldWay, size.negative())
	return before{how: byMove, parent: from, name: e.Name}, nil
}

// arrive puts something that stands nowhere, and was in a space before, at a place
// that is free by now.
func (s *Session) arrive(tx *Tx, dg grant, from *policy.Space, dst *spot, e Entry, size sum, was before) error {
	way := dst.nodes[:len(dst.path)-1]
	e.Name = dst.name()
	s.touch(&e)
	came := Created
	if from != dst.space {
		came = Arrived
	}
	seq, err := tx.log(dst.space.ID, s.cred.id(), changeRec{op: came, node: e.Node, parent: way[len(way)-1], name: e.Name, before: was})
	if err != nil {
		return err
	}
	if e.Scheduled {
		e.Tagged = max(seq, e.Tagged+1) // RFC 6638, section 3.2.10
	}
	if err := tx.link(dg, way[len(way)-1], &e); err != nil {
		return err
	}
	tx.charge(way, size)
	if tx.state.OnWay(e.Node) {
		if err := tx.change(policy.MoveNode{To: at(dst.space.ID, way, e.Node)}); err != nil {
			return err
		}
	}
	dst.nodes = append(slices.Clip(way), e.Node)
	dst.entries = append(slices.Clip(dst.entries[:len(way)]), e)
	return nil
}

// room reserves bytes in the limits on the new way that do not stand on the old
// one: within one limit a MOVE charges nothing.
func (tx *Tx) room(dst *spot, oldWay, newWay []policy.Node, bytes int64) error {
	limits := tx.state.AppendLimits(nil, policy.Place{Space: dst.space.ID, Path: newWay})
	limits = slices.DeleteFunc(limits, func(q policy.QuotaNode) bool { return slices.Contains(oldWay, q.Node) })
	return tx.reserve(limits, bytes)
}

// reserve holds bytes until the transaction is applied or given up.
func (tx *Tx) reserve(limits []policy.QuotaNode, bytes int64) error {
	h := tx.st.ledger.hold(limits)
	if err := h.grow(limits, bytes); err != nil {
		return err
	}
	tx.holds = append(tx.holds, h)
	tx.own = append(tx.own, h)
	return nil
}
