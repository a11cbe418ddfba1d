package store

import (
	"context"
	"slices"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A space may say after how many days a file that nobody touches goes into its
// trash. To write, rename, move or bring it, or a folder that it is in, is to touch
// it: the change log tells of that, and beyond what the log remembers the times of
// the file itself. What is locked waits.

// keptSince is the moment from which on something is kept that stays for some days;
// the zero time if it stays for ever.
func keptSince(now time.Time, days int64) time.Time {
	if days == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, -int(days))
}

// filesSince is keptSince of the files of a space. At rest a space loses none.
func (tx *Tx) filesSince(space *policy.Space) time.Time {
	if space == nil || space.State == policy.Archived || space.State == policy.Trashed {
		return time.Time{}
	}
	return keptSince(tx.now, tx.state.Keeping(space.ID).Files)
}

// aging is a walk through the files of a space.
type aging struct {
	space   policy.ID
	since   time.Time
	touched map[policy.Node]bool // since then
	dirs    []agedDir            // still to be gone through
}

// agedDir is a collection, of whose members those after a name are still to be gone
// through.
type agedDir struct {
	path  Path
	node  policy.Node
	after string
}

// agedFile is a file that was too old when it was looked at.
type agedFile struct {
	path Path
	node policy.Node
	rev  uint64
}

// expireFiles puts the files into the trash that stood untouched for longer than
// their spaces keep them.
func (st *Store) expireFiles(ctx context.Context) error {
	for _, space := range st.Policy().Spaces() {
		a := &aging{space: space.ID}
		if err := st.view(a.begin); err != nil {
			return err
		}
		for len(a.dirs) > 0 {
			var old []agedFile
			err := st.view(func(tx *Tx) (err error) {
				old, err = a.page(tx)
				return err
			})
			for slice := range slices.Chunk(old, expireSlice) {
				if err == nil {
					err = st.update(ctx, engine.Background, func(tx *Tx) error { return a.expire(tx, slice) })
				}
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// begin reads what was touched; a space whose files stay has nothing to go through.
func (a *aging) begin(tx *Tx) error {
	space := tx.state.Space(a.space)
	if a.since = tx.filesSince(space); a.since.IsZero() {
		return nil
	}
	v, err := tx.r.Get(seqKey(a.space))
	if err != nil {
		return err
	}
	newest, err := readUint64(v)
	if err != nil {
		return err
	}
	a.touched = map[policy.Node]bool{}
	for seq := newest; seq > 0 && newest-seq < lookBackMax; seq-- {
		v, err := tx.r.Get(changeKey(a.space, seq))
		if err != nil {
			return err
		}
		if v == nil {
			break // forgotten
		}
		c, err := decodeChange(v)
		if err != nil {
			return err
		}
		if c.at < a.since.UnixNano() {
			break
		}
		a.touched[c.node] = true
	}
	a.dirs = []agedDir{{path: Path{SpacePath(tx.state, space)}, node: space.Root}}
	return nil
}

// page goes through some members of the last collection that is left, and gives the
// files among them that are too old.
func (a *aging) page(tx *Tx) (old []agedFile, err error) {
	dir := a.dirs[len(a.dirs)-1]
	a.dirs = a.dirs[:len(a.dirs)-1]
	n := 0
	var below []agedDir
	err = tx.children(housekeeping(tx, dir.node), dir.node, dir.after, func(e *Entry) bool {
		if n == expireSlice {
			a.dirs = append(a.dirs, dir)
			return false
		}
		n++
		dir.after = e.Name
		at := append(slices.Clip(dir.path), e.Name)
		switch {
		case a.touched[e.Node] || e.Name == calendarsName && len(at) == 2:
		case e.Dir:
			below = append(below, agedDir{path: at, node: e.Node})
		case e.Created.Before(a.since) && e.Modified.Before(a.since):
			old = append(old, agedFile{at, e.Node, e.Rev})
		}
		return true
	})
	a.dirs = append(a.dirs, below...)
	return old, err
}

// expire puts files into the trash that are still as they were when they were looked
// at.
func (a *aging) expire(tx *Tx, list []agedFile) error {
	if tx.filesSince(tx.state.Space(a.space)).IsZero() {
		return nil // it was changed meanwhile
	}
	for _, f := range list {
		sp, err := tx.resolve(f.path)
		if err != nil {
			return err
		}
		if sp.missing() > 0 || sp.entry().Node != f.node || sp.entry().Rev != f.rev {
			continue
		}
		g := housekeeping(tx, f.node)
		locks, err := tx.locksOn(g, sp.nodes)
		if err == nil && len(locks) == 0 {
			err = (&Session{st: tx.st}).trash(tx, g, sp)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
