package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"davit/policy"
	"davit/store/engine"
)

// copySlice is how many nodes one transaction of a copy makes: enough to share the
// cost of its syncs, few enough that others wait some ten milliseconds at most for
// their turn.
const copySlice = 2000

// dropSlice is how many nodes one transaction takes down, behind everybody's
// back: others are to wait a few milliseconds at most.
const dropSlice = 500

// Copy makes a copy of a file, or of a collection with everything below that
// the asker may see and read; the bytes themselves are shared. What stands at
// the target is replaced when overwrite is set, otherwise the answer is
// ErrExists. A shallow copy of a collection is an empty one. A single file that is
// larger than the copier's profile admits refuses the whole.
func (s *Session) Copy(ctx context.Context, from, to Path, overwrite, shallow bool, t Terms) (Placed, error) {
	if placed, done, err := s.copyBack(ctx, from, to, overwrite, t); done {
		return placed, err
	}
	c := &copying{s: s, from: from, to: to, overwrite: overwrite, shallow: shallow, terms: t, hold: s.st.ledger.hold(nil)}
	defer c.hold.release()
	err := s.update(ctx, c.begin)
	if err != nil {
		return Placed{}, err
	}
	for len(c.todo) > 0 && err == nil {
		err = s.update(ctx, c.slice)
	}
	if err == nil && !c.done {
		err = s.update(ctx, c.finish)
	}
	if err != nil {
		if cleanErr := s.st.dropStaged(context.WithoutCancel(ctx), c.top); cleanErr != nil {
			s.st.log.Error("copy given up, its half is left for the next start", "error", cleanErr)
		}
	}
	return c.placed, err
}

// copying is one COPY under way. A collection is built below a top that is
// linked nowhere, slice by slice, and the last transaction decides once more
// and links it: it is there whole or not at all.
type copying struct {
	s                  *Session
	from, to           Path
	overwrite, shallow bool
	terms              Terms

	hold    *hold
	placed  Placed
	done    bool
	top     policy.Node
	todo    []copyDir
	total   sum
	largest int64    // bytes of the largest file so far
	page    []copied // the memory of members
}

// copyDir is a collection whose members are still to be copied.
type copyDir struct {
	src, dst policy.Node
	from     Path          // of the source
	srcWay   []policy.Node // in the source space, src included
	dstWay   []policy.Node // below and with the top
	after    string
	held     policy.Rights
}

// authorizeCopy decides both ends of a COPY. File onto file writes the target.
func (s *Session) authorizeCopy(tx *Tx, src, dst *spot) (g, dg grant, err error) {
	if g, err = s.authorize(tx, src, opCopy); err != nil {
		return g, dg, err
	}
	if dst.missing() == 0 && !dst.entry().Dir && !src.entry().Dir {
		dg, err = s.authorizePut(tx, dst, opCopyTo)
	} else {
		dg, err = s.authorizeOnto(tx, dst, opRemove)
	}
	return g, dg, err
}

// decide is what both the first and the last transaction ask.
func (c *copying) decide(tx *Tx) (src, dst *spot, g, dg grant, err error) {
	s := c.s
	if src, dst, err = s.ends(tx, c.from, c.to); err != nil {
		return
	}
	if g, dg, err = s.authorizeCopy(tx, src, dst); err != nil {
		return
	}
	if err = apartForCopy(src, dst, c.shallow); err == nil {
		err = tx.belongs(g, src.entry(), dst)
	}
	if err == nil {
		err = s.mayStandTwice(tx, g, src, dst)
	}
	if err != nil {
		return
	}
	var locked error
	if dg.op == opCopyTo {
		locked = s.unlockedAt(tx, dg, dst.nodes, c.terms)
	} else {
		locked = s.unlockedOnto(tx, dg, dst, c.terms)
	}
	if err = s.judge(tx, src, c.terms, locked); err != nil {
		return
	}
	if c.placed.Created = dst.missing() == 1; !c.placed.Created && !c.overwrite {
		err = ErrExists
	}
	return
}

// apartForCopy is apart, but for a copy without members, which may go inside.
func apartForCopy(src, dst *spot, shallow bool) error {
	if shallow && dst.missing() == 1 {
		return nil
	}
	return apart(src, dst)
}

func (c *copying) begin(tx *Tx) error {
	src, dst, g, dg, err := c.decide(tx)
	if err != nil {
		return err
	}
	size, err := tx.sizeOf(src.entry())
	if err != nil {
		return err
	}
	if src.entry().Dir && (c.shallow || src.realm() == atMoment) {
		size = sum{} // what lay there at a moment is counted as it is copied
	}
	if !src.entry().Dir {
		c.largest = src.entry().Size
	}
	if err := admits(c.s.fileMax(tx), c.largest); err != nil {
		return err
	}
	growth := size.live
	if dst.missing() == 0 && !dst.entry().Dir && !src.entry().Dir {
		growth -= dst.entry().weight().live
	}
	if dg.op == opCopyTo {
		err = tx.fit(dg, dst, c.hold, growth)
	} else {
		err = c.hold.grow(tx.state.AppendLimits(nil, policy.Place{Space: dst.space.ID, Path: dst.nodes[:len(dst.path)-1]}), growth)
	}
	if err != nil {
		return err
	}
	if c.done = !src.entry().Dir; c.done {
		tx.holds = append(tx.holds, c.hold)
		err := c.s.copyFile(tx, g, dg, src, dst)
		c.placed.ScheduleTag = dst.scheduleTag()
		return err
	}
	return c.stage(tx, dg, src.entry(), src.nodes, g.held)
}

// stage makes the top of the copy, linked nowhere.
func (c *copying) stage(tx *Tx, dg grant, e *Entry, srcWay []policy.Node, held policy.Rights) error {
	n, err := tx.newNode()
	if err != nil {
		return err
	}
	c.top, c.todo, c.total, c.largest = n, nil, sum{}, 0
	if !c.shallow {
		c.todo = []copyDir{{src: e.Node, from: c.from, dst: n, srcWay: slices.Clone(srcWay), dstWay: []policy.Node{n}, held: held}}
	}
	return tx.w.Put(key1(tableStaged, uint64(n)), beUint64(uint64(tx.now.UnixNano())))
}

// slice copies some members. What it reached is kept for the next slice only
// once the transaction is applied.
func (c *copying) slice(tx *Tx) error {
	todo, total, largest, left := slices.Clone(c.todo), c.total, c.largest, copySlice
	fileMax := c.s.fileMax(tx)
	for left > 0 && len(todo) > 0 {
		dir := todo[len(todo)-1]
		members, more, err := c.members(tx, &dir, left)
		if err != nil {
			return err
		}
		left -= len(members)
		todo = todo[:len(todo)-1]
		if more {
			dir.after = members[len(members)-1].Name
			todo = append(todo, dir)
		}
		for i := range members {
			m := &members[i]
			below, err := c.member(tx, &dir, m)
			if err != nil {
				return err
			}
			if m.Dir {
				todo = append(todo, below)
				continue
			}
			if err := admits(fileMax, m.Size); err != nil {
				return err
			}
			weight := sum{live: m.weight().live, files: 1}
			tx.charge(dir.dstWay, weight)
			total = total.plus(weight)
			largest = max(largest, m.Size)
		}
	}
	tx.w.OnApply(func() { c.todo, c.total, c.largest = todo, total, largest })
	return nil
}

// copied is a member of the source with what the asker holds on it.
type copied struct {
	Entry
	held policy.Rights
}

// members reads the next members that the asker may see and read.
func (c *copying) members(tx *Tx, dir *copyDir, n int) (page []copied, more bool, err error) {
	if c.from[0] == MomentsRoot {
		return c.membersThen(tx, dir, n)
	}
	page = c.page[:0]
	defer func() { c.page = page }()
	src := tx.state.SpaceAt(dir.srcWay[0])
	if src == nil {
		return nil, false, ErrNotFound
	}
	sub := c.s.subject(tx)
	err = tx.children(housekeeping(tx, dir.src), dir.src, dir.after, func(e *Entry) bool {
		if e.Name == calendarsName {
			return true // a copy of the files has no calendars
		}
		if len(page) == n {
			more = true
			return false
		}
		held := dir.held
		if tx.state.OnWay(e.Node) {
			held = tx.state.Held(sub, at(src.ID, dir.srcWay, e.Node))
		}
		readable := !e.Private || c.s.knowsPrivate(src, held)
		if readable && held&(policy.See|policy.Read) == policy.See|policy.Read {
			page = append(page, copied{*e, held})
		}
		return true
	})
	return page, more, err
}

// membersThen reads the next members that a collection had at a moment and the
// asker may see and read.
func (c *copying) membersThen(tx *Tx, dir *copyDir, n int) (page []copied, more bool, err error) {
	sp, err := c.s.resolve(tx, dir.from)
	if err == nil && (sp.missing() > 0 || sp.entry().Node != dir.src) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, false, err
	}
	const reads = policy.See | policy.Read
	v := &visit{s: c.s, tx: tx, look: sp.past.look}
	err = v.each(sp, dir.after, func(m *spot, d policy.Decision) bool {
		if more = len(page) == n; more {
			return false
		}
		if d.Held&reads == reads {
			page = append(page, copied{*m.entry(), d.Held})
		}
		return true
	})
	return page, more, err
}

// member puts the copy of one member below its new collection.
func (c *copying) member(tx *Tx, dir *copyDir, m *copied) (copyDir, error) {
	g := housekeeping(tx, dir.dst)
	n, err := tx.newNode()
	if err != nil {
		return copyDir{}, err
	}
	e := c.s.duplicate(tx, &m.Entry, n)
	if err := tx.copyObject(g, &m.Entry, n); err != nil {
		return copyDir{}, err
	}
	if err := tx.copyAttachments(g, &m.Entry, nil, &e); err != nil {
		return copyDir{}, err
	}
	if err := tx.link(g, dir.dst, &e); err != nil {
		return copyDir{}, err
	}
	if err := tx.share(g, e.content, n); err != nil {
		return copyDir{}, err
	}
	if err := tx.copyProps(g, &m.Entry, n); err != nil {
		return copyDir{}, err
	}
	below := copyDir{src: m.Node, dst: n, held: m.held}
	if m.Dir {
		below.from = append(slices.Clip(dir.from), m.Name)
		below.srcWay = append(slices.Clone(dir.srcWay), m.Node)
		below.dstWay = append(slices.Clone(dir.dstWay), n)
	}
	return below, nil
}

// duplicate is the entry of a copy: the content and its date stay, the rest is
// the copier's.
func (s *Session) duplicate(tx *Tx, e *Entry, n policy.Node) Entry {
	d := *e
	d.Node, d.Created, d.Creator, d.Touched, d.kept, d.attached = n, tx.now, s.cred.id(), false, kept{}, attachedSum{}
	return d
}

// finish decides once more and links the copy in.
func (c *copying) finish(tx *Tx) error {
	src, dst, g, dg, err := c.decide(tx)
	if err != nil {
		return err
	}
	if err := admits(c.s.fileMax(tx), c.largest); err != nil {
		return err // the profile has changed meanwhile
	}
	parent := dst.nodes[:len(dst.path)-1]
	if err := c.hold.grow(tx.state.AppendLimits(nil, policy.Place{Space: dst.space.ID, Path: parent}), c.total.live); err != nil {
		return err
	}
	tx.holds = append(tx.holds, c.hold)
	if dst.missing() == 0 {
		if err := c.s.trash(tx, dg, dst); err != nil {
			return err
		}
	}
	e := c.s.duplicate(tx, src.entry(), c.top)
	e.Name = dst.name()
	if err := tx.copyProps(g, src.entry(), c.top); err != nil {
		return err
	}
	if e.Rev, err = tx.log(dst.space.ID, c.s.cred.id(), making(c.top, parent[len(parent)-1], e.Name)); err != nil {
		return err
	}
	if err := tx.link(dg, parent[len(parent)-1], &e); err != nil {
		return err
	}
	tx.charge(parent, c.total)
	return tx.w.Delete(key1(tableStaged, uint64(c.top)))
}

// copyFile copies one file: onto a file its content and properties change and
// it stays the file that it is.
func (s *Session) copyFile(tx *Tx, g, dg grant, src, dst *spot) error {
	e := src.entry()
	if dst.missing() == 0 && !dst.entry().Dir {
		if err := s.unschedule(tx, dg, dst, Terms{}); err != nil {
			return err
		}
		old := dst.entry()
		b := body{content: e.content, size: e.Size}
		if err := tx.dropProps(dg, old); err != nil {
			return err
		}
		old.HasProps = e.HasProps
		if err := tx.copyProps(g, e, old.Node); err != nil {
			return err
		}
		if err := tx.dropAttachments(dg, dst.above().nodes, old); err != nil {
			return err
		}
		if err := tx.copyAttachments(g, e, dst.above().nodes, old); err != nil {
			return err
		}
		obj, err := tx.object(g, e)
		if err != nil {
			return err
		}
		return s.replace(tx, dg, dst, b, Meta{Type: e.Type, Modified: e.Modified, Object: obj})
	}
	parent := dst.nodes[:len(dst.path)-1]
	if dst.missing() == 0 {
		if err := s.trash(tx, dg, dst); err != nil {
			return err
		}
	}
	n, err := tx.newNode()
	if err != nil {
		return err
	}
	d := s.duplicate(tx, e, n)
	d.Name = dst.name()
	if d.Rev, err = tx.log(dst.space.ID, s.cred.id(), making(n, parent[len(parent)-1], d.Name)); err != nil {
		return err
	}
	if d.Scheduled {
		d.Tagged = d.Rev
	}
	if err := tx.copyObject(g, e, n); err != nil {
		return err
	}
	if err := tx.copyAttachments(g, e, nil, &d); err != nil {
		return err
	}
	if err := tx.link(dg, parent[len(parent)-1], &d); err != nil {
		return err
	}
	if err := tx.share(dg, d.content, n); err != nil {
		return err
	}
	if err := tx.copyProps(g, e, n); err != nil {
		return err
	}
	tx.charge(parent, d.weight())
	dst.nodes, dst.entries = append(slices.Clip(parent), n), append(slices.Clip(dst.entries[:len(parent)]), d)
	return nil
}

// dropStaged takes down a copy that was given up, or a collection that was erased
// from the trash, in slices.
func (st *Store) dropStaged(ctx context.Context, top policy.Node) error {
	for done := false; !done; {
		err := st.update(ctx, engine.Background, func(tx *Tx) (err error) {
			left := dropSlice
			done, err = tx.dropSome(housekeeping(tx, top), []policy.Node{top}, &left)
			if err == nil && done {
				err = tx.w.Delete(key1(tableStaged, uint64(top)))
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("take down %d: %w", top, err)
		}
	}
	return nil
}

// dropSome erases nodes below the last collection of a way that is linked nowhere,
// listed ones and those in the trash, the deepest first, while any are left to the
// transaction. It tells whether nothing is left but the collection itself, whose
// own records it then erases too.
func (tx *Tx) dropSome(g grant, way []policy.Node, left *int) (done bool, err error) {
	dir := way[len(way)-1]
	members, err := tx.someMembers(g, dir, *left)
	if err != nil {
		return false, err
	}
	for i := range members {
		m := &members[i]
		if m.Dir {
			if done, err := tx.dropSome(g, append(slices.Clip(way), m.Node), left); err != nil || !done {
				return false, err
			}
		}
		if err := tx.dropMember(g, way, m); err != nil {
			return false, err
		}
		if *left--; *left == 0 {
			return false, nil
		}
	}
	delete(tx.charges, dir)
	tx.gone = append(tx.gone, dir)
	if err := tx.w.Delete(tallyKey(dir)); err != nil {
		return false, err
	}
	return true, tx.w.Delete(sumKey(dir))
}

// doomed is a member of a collection that is taken down: listed, or in its trash
// under the record.
type doomed struct {
	Entry
	trash, bin []byte // keys
}

// someMembers reads the first members of a collection, with what lies in its
// trash.
func (tx *Tx) someMembers(g grant, dir policy.Node, most int) (members []doomed, err error) {
	err = tx.children(g, dir, "", func(e *Entry) bool {
		members = append(members, doomed{Entry: *e})
		return len(members) < most
	})
	if err != nil || len(members) >= most {
		return members, err
	}
	var bins [][]byte
	err = scanPrefix(tx.r, key1(tableBin, uint64(dir)), func(k, _ []byte) bool {
		bins = append(bins, slices.Clone(k))
		return len(members)+len(bins) < most
	})
	for _, bin := range bins {
		if err != nil {
			return nil, err
		}
		m := doomed{trash: append([]byte{tableTrash}, bin[9:]...), bin: bin}
		var v []byte
		if v, err = tx.r.Get(m.trash); err != nil {
			return nil, err
		}
		var rec trashRec
		rec, err = decodeTrash(v)
		m.Entry = rec.entry
		members = append(members, m)
	}
	return members, err
}

// dropMember erases a member that has nothing below it any more.
func (tx *Tx) dropMember(g grant, way []policy.Node, m *doomed) error {
	size := sum{}
	if !m.Dir {
		size = m.weight()
	}
	if m.bin == nil {
		tx.charge(way, size.negative())
		return tx.eraseListed(g, way[len(way)-1], &m.Entry)
	}
	tx.charge(way, size.binned().negative())
	if err := tx.w.Delete(m.trash); err != nil {
		return err
	}
	if err := tx.w.Delete(m.bin); err != nil {
		return err
	}
	return tx.eraseRecords(g, &m.Entry)
}

// eraseListed removes every record of one node that has nothing below it.
func (tx *Tx) eraseListed(g grant, parent policy.Node, e *Entry) error {
	// An object leaves its calendar by what it is found by.
	if err := tx.unlink(g, parent, e.Name); err != nil {
		return err
	}
	return tx.eraseRecords(g, e)
}

// eraseRecords removes what belongs to one node alone.
func (tx *Tx) eraseRecords(g grant, e *Entry) error {
	if err := tx.disuse(g, e.content, e.Node); err != nil {
		return err
	}
	if e.kept.count > 0 {
		list, err := tx.versions(g, e.Node)
		if err != nil {
			return err
		}
		if _, err := tx.eraseVersions(g, e, list); err != nil {
			return err
		}
	}
	if err := errors.Join(tx.dropProps(g, e), tx.dropAttachments(g, nil, e)); err != nil {
		return err
	}
	if e.Fetched() {
		if err := tx.w.Delete(publishedKey(e.Node)); err != nil {
			return err
		}
	}
	if e.Dir {
		if err := tx.dropPushesOn(e.Node); err != nil {
			return err
		}
	}
	if err := tx.w.Delete(nodeKey(e.Node)); err != nil || !e.Indexed {
		return err
	}
	return tx.dropObject(g, e.Node)
}

// finishCopies takes down the copies that a crash left half done.
func (st *Store) finishCopies() error {
	var tops []policy.Node
	err := st.db.View(func(r engine.Reader) error {
		return scanPrefix(r, []byte{tableStaged}, func(k, _ []byte) bool {
			tops = append(tops, policy.Node(binary.BigEndian.Uint64(k[1:])))
			return true
		})
	})
	for _, top := range tops {
		err = errors.Join(err, st.dropStaged(context.Background(), top))
	}
	return err
}
