package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"davit/policy"
)

// A lifted is something on its way from one place to another: it is taken out
// before anything is put in, so that names may be exchanged and folders turned
// inside out.
type lifted struct {
	*undoing
	g    grant
	src  *spot
	size sum
	was  before
}

// carryOut does steps: it decides all that is taken away, takes it away, puts it
// where it was, and then gives files their contents.
func (r *rewinding) carryOut(part []*undoing) error {
	var lifts []*lifted
	for _, u := range part {
		if u.Do == RewindContent || u.comes != nil {
			continue
		}
		l, err := r.mayLift(u)
		if err != nil {
			return u.failed(err)
		}
		lifts = append(lifts, l)
	}
	// What lies deeper goes first: then each weighs what it holds itself.
	slices.SortStableFunc(lifts, func(a, b *lifted) int { return cmp.Compare(b.depth, a.depth) })
	for _, l := range lifts {
		if err := r.lift(l); err != nil {
			return l.failed(err)
		}
	}
	slices.SortStableFunc(lifts, func(a, b *lifted) int { return cmp.Compare(len(a.Path), len(b.Path)) })
	for _, l := range lifts {
		if !l.places() {
			continue
		}
		if err := r.setDown(l); err != nil {
			return l.failed(err)
		}
		for _, u := range l.along {
			if !u.taken {
				continue
			}
			if err := r.takeAway(u); err != nil {
				return u.failed(err)
			}
		}
	}
	for _, u := range part {
		if u.Do == RewindContent {
			if err := r.giveContent(u); err != nil {
				return u.failed(err)
			}
		}
	}
	return nil
}

// failed says of an error which step met it, unless it says so itself.
func (u *undoing) failed(err error) error {
	var refused *Refused
	if errors.As(err, &refused) {
		return err
	}
	p := u.Path
	if p == nil {
		p = u.From
	}
	return fmt.Errorf("%s %s: %w", u.Do, p, err)
}

// mayLift decides taking something out of its place.
func (r *rewinding) mayLift(u *undoing) (*lifted, error) {
	l := &lifted{undoing: u}
	var err error
	if u.Do == RewindBack {
		if l.src, err = r.tx.binnedSpot(housekeeping(r.tx, u.node), r.look.space.ID, u.node); err == nil {
			l.g, err = r.s.authorizeBinned(r.tx, l.src, r.restoring(l))
		}
		return l, err
	}
	if l.src, err = r.tx.resolve(u.From); err != nil {
		return l, err
	}
	if l.g, err = r.s.authorizeTree(r.tx, l.src, opRemove); err == nil {
		err = r.s.unlockedTree(r.tx, l.g, l.src.nodes, Terms{})
	}
	return l, err
}

// restoring is what bringing something back asks. The operator reads nothing and
// chooses no place: it is where it was.
func (r *rewinding) restoring(l *lifted) op {
	if !r.s.operates && l.to.dir != l.src.nodes[len(l.src.nodes)-2] {
		return opRestoreAway
	}
	return opRestore
}

// binnedSpot is the spot of a node in the trash of a space, or below what lies
// there.
func (tx *Tx) binnedSpot(g grant, space policy.ID, n policy.Node) (*spot, error) {
	var below []string
	for {
		rec, err := tx.nodeRec(n)
		if err != nil {
			return nil, err
		}
		if rec.trash == 0 {
			below = append(below, rec.name)
			n = rec.parent
			continue
		}
		v, err := tx.r.Get(trashKey(space, rec.trash))
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, ErrNotFound
		}
		b, err := tx.readBinned(space, rec.trash, v, &upward{})
		if err != nil || b == nil {
			return nil, cmp.Or(err, ErrNotFound)
		}
		sp := b.spot()
		slices.Reverse(below)
		sp.past.asked = slices.Concat(Path{TrashRoot, b.names[0], b.name()}, below)
		sp.path = append(sp.path, below...)
		return sp, tx.descend(sp)
	}
}

// lift takes something out of its place, or puts it into the trash.
func (r *rewinding) lift(l *lifted) (err error) {
	switch l.Do {
	case RewindRemove:
		return r.s.trash(r.tx, l.g, l.src)
	case RewindMove:
		if l.size, err = r.tx.sizeOf(l.src.entry()); err == nil {
			l.was, err = r.s.depart(r.tx, l.g, l.src, l.size)
		}
		return err
	}
	if l.size, err = r.tx.sizeOf(l.src.entry()); err != nil {
		return err
	}
	l.was = before{how: byRestore, parent: l.src.nodes[len(l.src.nodes)-2], name: l.src.entry().Name}
	if l.src.wasDeleted() {
		l.was.trash = l.src.past.seq
	}
	return r.tx.takeOut(l.g, l.src)
}

// setDown puts something where it was.
func (r *rewinding) setDown(l *lifted) error {
	dir, err := r.tx.listedSpot(l.g, l.to.dir)
	if err != nil {
		return err
	}
	dst, err := r.tx.resolve(append(slices.Clip(dir.path), l.to.name))
	if err != nil {
		return err
	}
	dg, err := r.s.authorizeCreate(r.tx, dst)
	if err == nil {
		err = r.tx.belongs(l.g, l.src.entry(), dst)
	}
	if err == nil {
		err = r.s.unlockedAt(r.tx, dg, dst.nodes, Terms{})
	}
	if err == nil {
		err = r.tx.room(dst, l.src.above().nodes, dst.nodes, l.size.bytes())
	}
	if err != nil {
		return err
	}
	return r.s.arrive(r.tx, dg, dst.space, dst, *l.src.entry(), l.size, l.was)
}

// takeAway removes what has come back along with something else.
func (r *rewinding) takeAway(u *undoing) error {
	sp, err := r.tx.listedSpot(housekeeping(r.tx, u.node), u.node)
	if err != nil {
		return err
	}
	g, err := r.s.authorizeTree(r.tx, sp, opRemove)
	if err != nil {
		return err
	}
	return r.s.trash(r.tx, g, sp)
}

// listedSpot is the spot of a node that is listed.
func (tx *Tx) listedSpot(g grant, n policy.Node) (*spot, error) {
	p, err := tx.pathOf(g, n)
	if err != nil {
		return nil, err
	}
	sp, err := tx.resolve(p)
	if err == nil && (sp.missing() > 0 || sp.entry().Node != n) {
		err = ErrNotFound
	}
	return sp, err
}

// giveContent gives a file the content that it had.
func (r *rewinding) giveContent(u *undoing) error {
	sp, err := r.tx.listedSpot(housekeeping(r.tx, u.node), u.node)
	if err != nil {
		return err
	}
	g, err := r.s.authorize(r.tx, sp, opRewind)
	if err == nil {
		err = r.s.unlockedAt(r.tx, g, sp.nodes, Terms{})
	}
	if err != nil {
		return err
	}
	b, m := u.content.again()
	return r.s.giveBack(r.tx, g, sp, b, m)
}
