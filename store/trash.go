package store

import (
	"context"
	"encoding/binary"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"davit/policy"
	"davit/store/engine"
)

// trash moves the target out of its collection. It stays charged to where it
// stood, and keeps its entries for those who look into the trash.
func (s *Session) trash(tx *Tx, g grant, sp *spot) error {
	e := sp.entry()
	_, dir := sp.parent()
	size, err := tx.sizeOf(e)
	if err != nil {
		return err
	}
	if err := tx.dropLocks(g, e); err != nil {
		return err
	}
	seq, err := tx.log(sp.space.ID, s.cred.id(), changeRec{op: Removed, node: e.Node, parent: dir.Node, name: e.Name, before: before{how: byTrash}})
	if err != nil {
		return err
	}
	if err := s.bin(tx, g, sp, seq); err != nil {
		return err
	}
	if err := tx.unlink(g, dir.Node, e.Name); err != nil {
		return err
	}
	tx.charge(sp.above().nodes, size.negative().plus(size.binned()))
	if tx.state.OnWay(e.Node) {
		return tx.change(policy.ParkNode{Node: e.Node})
	}
	return nil
}

// bin records that the target lies in the trash of the collection that it stood
// in, under the number of the change that put it there.
func (s *Session) bin(tx *Tx, g grant, sp *spot, seq uint64) error {
	e := sp.entry()
	_, dir := sp.parent()
	rec := trashRec{entry: *e, parent: dir.Node, by: s.cred.id(), at: tx.now.UnixNano()}
	if err := tx.w.Put(trashKey(sp.space.ID, seq), appendTrash(nil, &rec)); err != nil {
		return err
	}
	if err := tx.w.Put(binKey(dir.Node, sp.space.ID, seq), nil); err != nil {
		return err
	}
	return tx.w.Put(nodeKey(e.Node), appendNode(nil, nodeRec{parent: dir.Node, name: e.Name, trash: seq}))
}

// indexTrash tells the collections of a store that was there before they were told
// what lies in their trash.
func (st *Store) indexTrash() error {
	return st.update(context.Background(), engine.Foreground, func(tx *Tx) error {
		known := false
		err := scanPrefix(tx.r, []byte{tableBin}, func(_, _ []byte) bool { known = true; return false })
		if err != nil || known {
			return err
		}
		return scanTable(tx.r, tableTrash, func(k, v []byte) error {
			rec, err := decodeTrash(v)
			if errors.Is(err, engine.ErrDamaged) {
				return nil // told by the check
			} else if err != nil {
				return err
			}
			return tx.w.Put(binKey(rec.parent, policy.ID(binary.BigEndian.Uint64(k[1:])), binary.BigEndian.Uint64(k[9:])), nil)
		})
	})
}

// readBinned reads a record of the trash with its way; nil when the collection
// that it lay in is being erased.
func (tx *Tx) readBinned(in policy.ID, seq uint64, v []byte, ups *upward) (*binned, error) {
	rec, err := decodeTrash(v)
	if err != nil {
		return nil, err
	}
	b := &binned{trashRec: rec, in: in, seq: seq}
	above, names, err := ups.to(tx, rec.parent)
	if err != nil || len(above) == 0 {
		return nil, err
	}
	b.way = append(slices.Clip(above), rec.entry.Node)
	b.names = append(slices.Clip(names), rec.entry.Name)
	if b.space = tx.state.SpaceAt(above[0]); b.space == nil {
		return nil, nil
	}
	if b.names.InCalendars() && len(b.way) > calendarDepth {
		b.calendar, err = tx.calendarTypeOf(housekeeping(tx, b.entry.Node), b.space.ID, b.way[calendarDepth-1])
	}
	return b, err
}

// calendarTypeOf is the Type of a calendar, listed or in the trash of a space.
func (tx *Tx) calendarTypeOf(g grant, space policy.ID, calendar policy.Node) (string, error) {
	rec, err := tx.nodeRec(calendar)
	if err != nil {
		return "", err
	}
	if rec.trash == 0 {
		e, _, err := tx.lookup(rec.parent, rec.name)
		return e.Type, err
	}
	v, err := tx.r.Get(trashKey(space, rec.trash))
	if err != nil || v == nil {
		return "", err
	}
	bin, err := decodeTrash(v)
	return bin.entry.Type, err
}

// upward remembers ways: much in the trash lay in the same collections.
type upward struct {
	ways  map[policy.Node][]policy.Node
	names map[policy.Node]Path
}

// to is the way to a collection with its names, nothing for one that is being
// erased.
func (u *upward) to(tx *Tx, n policy.Node) ([]policy.Node, Path, error) {
	if u.ways == nil {
		u.ways, u.names = map[policy.Node][]policy.Node{}, map[policy.Node]Path{}
	}
	if nodes, known := u.ways[n]; known {
		return nodes, u.names[n], nil
	}
	v, err := tx.r.Get(nodeKey(n))
	if err != nil || v == nil {
		return nil, nil, err
	}
	rec, err := decodeNode(v)
	if err != nil {
		return nil, nil, err
	}
	var nodes []policy.Node
	var names Path
	if rec.parent == 0 {
		nodes, names = []policy.Node{n}, Path{tx.spaceName(n)}
	} else if nodes, names, err = u.to(tx, rec.parent); err != nil || len(nodes) == 0 {
		return nil, nil, err
	} else {
		nodes, names = append(slices.Clip(nodes), n), append(slices.Clip(names), rec.name)
	}
	u.ways[n], u.names[n] = nodes, names
	return nodes, names, nil
}

// binnedAs finds what a trash calls by a name, nil for nothing.
func (tx *Tx) binnedAs(top *spot, name string) (*binned, error) {
	space := top.space
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, part := range []string{stem, name} {
		number, closed := strings.CutSuffix(part, ")")
		open := strings.LastIndexByte(number, '(')
		if !closed || open < 0 {
			continue
		}
		seq, err := strconv.ParseUint(number[open+1:], 10, 64)
		if err != nil {
			continue
		}
		v, err := tx.r.Get(trashKey(space.ID, seq))
		if err != nil {
			return nil, err
		} else if v == nil {
			continue
		}
		b, err := tx.readBinned(space.ID, seq, v, &upward{})
		if err != nil || b != nil && b.name() == name && b.names.InCalendars() == top.inCalendars() {
			return b, err
		}
	}
	return nil, nil
}

// eachBinned gives what lies in a trash and the asker may see, in the order of the
// deletions and from a number on, until fn answers false. What lay in calendars is
// in the trash of these alone: it may be masked, and is no file.
func (s *Session) eachBinned(tx *Tx, top *spot, from uint64, fn func(*binned) bool) error {
	var failed error
	ups := &upward{}
	space := top.space.ID
	err := tx.r.Scan(trashKey(space, from), prefixEnd(key1(tableTrash, uint64(space))), func(k, v []byte) bool {
		var b *binned
		if b, failed = tx.readBinned(space, binary.BigEndian.Uint64(k[9:]), v, ups); failed != nil {
			return false
		}
		if b == nil || b.names.InCalendars() != top.inCalendars() || s.decide(tx, policy.Place{Space: b.space.ID, Path: b.way}, 0).Held&seesTrash != seesTrash {
			return true
		}
		return fn(b)
	})
	if err == nil {
		err = failed
	}
	return err
}

// listTrash gives a page of the trash of a space, in the order of the deletions.
func (s *Session) listTrash(tx *Tx, g grant, sp *spot, after string, n int) (page []Info, more bool, err error) {
	var from uint64
	if after != "" {
		last, err := tx.binnedAs(sp, after)
		if err != nil || last == nil {
			return nil, false, err // it went meanwhile
		}
		from = last.seq + 1
	}
	var failed error
	err = s.eachBinned(tx, sp, from, func(b *binned) bool {
		at := b.spot()
		held := s.decide(tx, at.place(), 0).Held
		if !sp.shows(&b.entry, held) {
			return true
		}
		if more = len(page) == n; more {
			return false
		}
		at.entries[len(at.entries)-1].Name = b.name()
		var info Info
		info, failed = tx.pastInfo(g.child(b.entry.Node, held), at)
		page = append(page, info)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return page, more, err
}

// restore takes something out of the trash and puts it at a place.
func (s *Session) restore(tx *Tx, src, dst *spot, overwrite bool, t Terms) (created bool, err error) {
	g, err := s.authorizeBinned(tx, src, restoring(src, dst))
	if err != nil {
		return false, err
	}
	dg, err := s.authorizeOnto(tx, dst, opRemove)
	if err == nil {
		err = tx.belongs(g, src.entry(), dst)
	}
	if err != nil {
		return false, err
	}
	if err := s.judge(tx, src, t, s.unlockedOnto(tx, dg, dst, t)); err != nil {
		return false, err
	}
	if created = dst.missing() == 1; !created && !overwrite {
		return false, ErrExists
	}
	e := *src.entry()
	size, err := tx.sizeOf(&e)
	if err != nil {
		return false, err
	}
	if err := tx.room(dst, src.above().nodes, dst.nodes[:len(dst.path)-1], size.bytes()); err != nil {
		return false, err
	}
	if !created {
		if err := s.trash(tx, dg, dst); err != nil {
			return false, err
		}
	}
	if err := tx.takeOut(g, src); err != nil {
		return false, err
	}
	was := before{how: byRestore, parent: src.nodes[len(src.nodes)-2], name: e.Name}
	if src.wasDeleted() {
		was.trash = src.past.seq
	}
	if err := s.arrive(tx, dg, src.space, dst, e, size, was); err != nil {
		return created, err
	}
	return created, s.comeBack(tx, dg, dst)
}

// restoring is how far from its old place something is restored to.
func restoring(src, dst *spot) op {
	switch {
	case src.missing() > 0 || dst.isRoot():
		return opRestore
	case src.space != dst.space:
		return opRestoreOut
	case dst.missing() > 1 || dst.nodes[len(dst.path)-2] != src.nodes[len(src.nodes)-2]:
		return opRestoreAway
	}
	return opRestore
}

// wasDeleted tells what was deleted itself from what only lies below it.
func (sp *spot) wasDeleted() bool { return len(sp.nodes)-1 == sp.past.top }

// takeOut takes something out of the trash; it stands nowhere then.
func (tx *Tx) takeOut(g grant, sp *spot) error {
	e, parent := sp.entry(), sp.nodes[len(sp.nodes)-2]
	size, err := tx.sizeOf(e)
	if err != nil {
		return err
	}
	whole := sp.wasDeleted()
	if err := tx.weigh(parent, size.negative(), whole); err != nil {
		return err
	}
	if !whole {
		return tx.unlink(g, parent, e.Name)
	}
	if err := tx.w.Delete(trashKey(sp.past.space, sp.past.seq)); err != nil {
		return err
	}
	return tx.w.Delete(binKey(parent, sp.past.space, sp.past.seq))
}

// weigh changes the sums from a collection up, where what lies in the trash of
// one counts as trash in it and above.
func (tx *Tx) weigh(dir policy.Node, d sum, trashed bool) error {
	for dir != 0 {
		if trashed {
			d = d.binned()
		}
		tx.charge([]policy.Node{dir}, d)
		rec, err := tx.nodeRec(dir)
		if err != nil {
			return err
		}
		dir, trashed = rec.parent, trashed || rec.trash != 0
	}
	return nil
}

// erase ends something in the trash for ever: it is charged to nobody and stands
// nowhere from now on, and what a collection held is taken down afterwards.
func (tx *Tx) erase(g grant, sp *spot) error {
	e := *sp.entry()
	if err := tx.takeOut(g, sp); err != nil {
		return err
	}
	if tx.state.OnWay(e.Node) {
		if err := tx.change(policy.DropNodes{Nodes: tx.state.MarkedWithTrash(e.Node)}); err != nil {
			return err
		}
	}
	if err := tx.eraseRecords(g, &e); err != nil || !e.Dir {
		return err
	}
	return tx.w.Put(key1(tableStaged, uint64(e.Node)), erased)
}

// erased marks the top of a collection that is taken down, in the table of copies
// under way. What a copy has there is when it began.
var erased = []byte{}

// takeDown takes down what was erased, in slices.
func (st *Store) takeDown(ctx context.Context) error {
	var tops []policy.Node
	err := st.db.View(func(r engine.Reader) error {
		return scanPrefix(r, []byte{tableStaged}, func(k, v []byte) bool {
			if len(v) == len(erased) {
				tops = append(tops, policy.Node(binary.BigEndian.Uint64(k[1:])))
			}
			return true
		})
	})
	for _, top := range tops {
		if err == nil {
			err = st.dropStaged(ctx, top)
		}
	}
	return err
}

// emptySlice is how many records of the trash one transaction erases.
const emptySlice = 100

// Empty erases what lies in a trash and the asker may erase, and
// tells how many files and collections that were.
func (s *Session) Empty(ctx context.Context, p Path, t Terms) (erased int, err error) {
	var after uint64
	for more := true; more; {
		var n int
		err := s.update(ctx, func(tx *Tx) error {
			sp, err := s.resolve(tx, p)
			if err != nil {
				return err
			}
			g, err := s.authorize(tx, sp, opEmpty)
			if err != nil {
				return err
			}
			if err := s.judge(tx, sp, t, nil); err != nil {
				return err
			}
			var list []*binned
			more = false
			err = s.eachBinned(tx, sp, after, func(b *binned) bool {
				more = len(list) == emptySlice
				if !more {
					list = append(list, b)
				}
				return !more
			})
			if err != nil {
				return err
			}
			n, err = s.eraseAll(tx, g, list)
			if len(list) > 0 {
				after = list[len(list)-1].seq + 1
			}
			return err
		})
		if err != nil {
			return erased, err
		}
		erased += n
	}
	return erased, nil
}

// eraseAll erases those of the list that the asker may erase as a whole.
func (s *Session) eraseAll(tx *Tx, g grant, list []*binned) (n int, err error) {
	for _, b := range list {
		sp := b.spot()
		if s.heldBelow(tx, sp.place())&policy.Purge == 0 {
			continue
		}
		if err := tx.erase(g.child(b.entry.Node, g.held), sp); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
