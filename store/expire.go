package store

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// expireSlice bounds what one transaction of the expiry looks at or erases.
const expireSlice = 100

// expire ends what the settings and the spaces keep no longer: it puts files into the
// trash that nobody touched for too long, erases what was deleted too long ago and
// drops old versions, and takes down the collections among it.
func (st *Store) expire(ctx context.Context) error {
	for _, ended := range []func(context.Context) error{st.expireFiles, st.expireTrash, st.expireVersions} {
		if err := ended(ctx); err != nil {
			return err
		}
	}
	if days := st.Policy().Settings().InboxDays; days > 0 {
		if err := st.expireInboxes(ctx, keptSince(st.clock(), days)); err != nil {
			return err
		}
	}
	return st.takeDown(ctx)
}

// expireTrash erases what was deleted too long ago. The trash of a space is in the
// order of the deletions.
func (st *Store) expireTrash(ctx context.Context) error {
	for _, space := range st.Policy().Spaces() {
		for more := st.Policy().Keeping(space.ID).Trash > 0; more; {
			err := st.update(ctx, engine.Background, func(tx *Tx) (err error) {
				before := keptSince(tx.now, tx.state.Keeping(space.ID).Trash)
				more, err = tx.expireTrash(housekeeping(tx, space.Root), space.ID, before)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (tx *Tx) expireTrash(g grant, space policy.ID, before time.Time) (more bool, err error) {
	var list []*binned
	var failed error
	ups := &upward{}
	err = scanPrefix(tx.r, key1(tableTrash, uint64(space)), func(k, v []byte) bool {
		var b *binned
		b, failed = tx.readBinned(space, binary.BigEndian.Uint64(k[9:]), v, ups)
		if failed != nil || b != nil && b.at >= before.UnixNano() {
			return false
		}
		if b != nil {
			list = append(list, b)
		}
		return len(list) < expireSlice
	})
	if err = errors.Join(err, failed); err != nil {
		return false, err
	}
	for _, b := range list {
		// A collection among them took what lay in its trash along.
		if v, err := tx.r.Get(trashKey(space, b.seq)); err != nil || v == nil {
			continue
		}
		if err := tx.erase(g, b.spot()); err != nil {
			return false, err
		}
	}
	return len(list) == expireSlice, nil
}

// oldVersion names a version.
type oldVersion struct {
	node   policy.Node
	number int
}

// expireVersions drops versions that were replaced too long ago. It looks for them
// outside of the transactions that drop them.
func (st *Store) expireVersions(ctx context.Context) error {
	var before time.Time // the latest moment that any space keeps them from
	for _, space := range st.Policy().Spaces() {
		if since := keptSince(st.clock(), st.Policy().Keeping(space.ID).Versions); since.After(before) {
			before = since
		}
	}
	lo := []byte{tableVersion}
	for lo != nil && !before.IsZero() {
		old, next, err := st.oldVersions(lo, before)
		if err != nil {
			return err
		}
		for slice := range slices.Chunk(old, expireSlice) {
			err := st.update(ctx, engine.Background, func(tx *Tx) error {
				for _, v := range slice {
					if err := tx.expireVersion(housekeeping(tx, v.node), v); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		lo = next
	}
	return nil
}

// versionPageMax is how many versions one look takes in.
const versionPageMax = 1000

// oldVersions finds versions to drop in one page of the table, among those replaced
// before a time, and where the next page begins, nil after the last.
func (st *Store) oldVersions(lo []byte, before time.Time) (old []oldVersion, next []byte, err error) {
	var failed error
	err = st.view(func(tx *Tx) error {
		n, ups := 0, &upward{}
		return tx.r.Scan(lo, prefixEnd([]byte{tableVersion}), func(k, b []byte) bool {
			if n++; n > versionPageMax {
				next = slices.Clone(k)
				return false
			}
			var v version
			if v, failed = decodeVersion(k, b); failed != nil || !v.at.Before(before) {
				return failed == nil
			}
			node, over := policy.Node(binary.BigEndian.Uint64(k[1:])), false
			if over, failed = tx.isOver(&v, node, ups); over {
				old = append(old, oldVersion{node, v.number})
			}
			return failed == nil
		})
	})
	return old, next, errors.Join(err, failed)
}

// isOver tells of a version whether its space keeps it no longer: one without a label
// of a file that is listed, or below a deleted collection. Of a file that lies in the
// trash itself versions go with it.
func (tx *Tx) isOver(v *version, n policy.Node, ups *upward) (bool, error) {
	if v.label != "" {
		return false, nil
	}
	rec, err := tx.nodeRec(n)
	if err != nil || rec.trash != 0 {
		return false, err
	}
	above, _, err := ups.to(tx, rec.parent)
	if err != nil || len(above) == 0 {
		return false, err // it is being taken down
	}
	space := tx.state.SpaceAt(above[0])
	return space != nil && v.at.Before(keptSince(tx.now, tx.state.Keeping(space.ID).Versions)), nil
}

// expireVersion drops one version, unless it is to stay by now.
func (tx *Tx) expireVersion(g grant, old oldVersion) error {
	key := versionKey(old.node, old.number)
	b, err := tx.r.Get(key)
	if err != nil || b == nil {
		return err
	}
	v, err := decodeVersion(key, b)
	if err != nil {
		return err
	}
	if over, err := tx.isOver(&v, old.node, &upward{}); err != nil || !over {
		return err
	}
	rec, err := tx.nodeRec(old.node)
	if err != nil {
		return err
	}
	e, found, err := tx.lookup(rec.parent, rec.name)
	if err != nil || !found || e.Node != old.node {
		return err
	}
	freed, err := tx.eraseVersions(g, &e, []version{v})
	if err != nil {
		return err
	}
	if err := tx.weigh(rec.parent, sum{versions: -freed}, false); err != nil {
		return err
	}
	return tx.put(g, rec.parent, &e)
}
