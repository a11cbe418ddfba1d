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

// expire ends what the settings keep no longer: it erases what was deleted too
// long ago and drops old versions, and takes down the collections among it.
func (st *Store) expire(ctx context.Context) error {
	set := st.Policy().Settings()
	if set.TrashDays > 0 {
		if err := st.expireTrash(ctx, st.clock().AddDate(0, 0, -int(set.TrashDays))); err != nil {
			return err
		}
	}
	if set.VersionDays > 0 {
		if err := st.expireVersions(ctx, st.clock().AddDate(0, 0, -int(set.VersionDays))); err != nil {
			return err
		}
	}
	if set.InboxDays > 0 {
		if err := st.expireInboxes(ctx, st.clock().AddDate(0, 0, -int(set.InboxDays))); err != nil {
			return err
		}
	}
	return st.takeDown(ctx)
}

// expireTrash erases what was deleted before a time. The trash of a space is in
// the order of the deletions.
func (st *Store) expireTrash(ctx context.Context, before time.Time) error {
	for _, space := range st.Policy().Spaces() {
		for more := true; more; {
			err := st.update(ctx, engine.Background, func(tx *Tx) (err error) {
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

// expireVersions drops versions that were replaced before a time. It looks for
// them outside of the transactions that drop them.
func (st *Store) expireVersions(ctx context.Context, before time.Time) error {
	lo := []byte{tableVersion}
	for lo != nil {
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

// oldVersions finds old versions in one page of the table, and where the next one
// begins, nil after the last.
func (st *Store) oldVersions(lo []byte, before time.Time) (old []oldVersion, next []byte, err error) {
	var failed error
	err = st.db.View(func(r engine.Reader) error {
		n := 0
		return r.Scan(lo, prefixEnd([]byte{tableVersion}), func(k, b []byte) bool {
			if n++; n > versionPageMax {
				next = slices.Clone(k)
				return false
			}
			var v version
			v, failed = decodeVersion(k, b)
			if failed == nil && v.label == "" && v.at.Before(before) {
				old = append(old, oldVersion{policy.Node(binary.BigEndian.Uint64(k[1:])), v.number})
			}
			return failed == nil
		})
	})
	return old, next, errors.Join(err, failed)
}

// expireVersion drops one version of a file that is listed, or below a deleted
// collection. Of a file that lies in the trash itself versions go with it.
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
	rec, err := tx.nodeRec(old.node)
	if err != nil || rec.trash != 0 || v.label != "" {
		return err
	}
	e, found, err := tx.lookup(rec.parent, rec.name)
	if err != nil || !found || e.Node != old.node {
		return err
	}
	above, _, err := (&upward{}).to(tx, rec.parent)
	if err != nil || above == nil {
		return err // it is being taken down
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
