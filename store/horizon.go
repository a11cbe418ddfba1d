package store

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// changesKept is how long a space's log remembers a change. A client that was
// away for longer lists anew.
const changesKept = 90 * 24 * time.Hour

// floor is the newest change of a space that the log has forgotten, 0 for none.
func (tx *Tx) floor(space policy.ID) (uint64, error) {
	v, err := tx.r.Get(floorKey(space))
	if err != nil || v == nil {
		return 0, err
	}
	return readUint64(v)
}

// forgetChanges shortens the logs of all spaces, in slices. Most have nothing to
// forget, and need no turn of the committer.
func (st *Store) forgetChanges(ctx context.Context) error {
	for _, sp := range st.Policy().Spaces() {
		for {
			var old [][]byte
			err := st.view(func(tx *Tx) (err error) {
				old, err = tx.oldChanges(sp.ID, 1)
				return err
			})
			if err == nil && len(old) > 0 {
				err = st.update(ctx, engine.Background, func(tx *Tx) error { return tx.forgetChanges(sp.ID) })
			}
			if err != nil {
				return err
			}
			if len(old) == 0 {
				break
			}
		}
	}
	return nil
}

// forgetChanges drops a slice of the changes that are older than the log
// remembers.
func (tx *Tx) forgetChanges(space policy.ID) error {
	keys, err := tx.oldChanges(space, collectSlice)
	if err != nil || len(keys) == 0 {
		return err
	}
	for _, k := range keys {
		if err := tx.w.Delete(k); err != nil {
			return err
		}
	}
	return tx.w.Put(floorKey(space), beUint64(binary.BigEndian.Uint64(keys[len(keys)-1][9:])))
}

// oldChanges are the keys of the oldest changes that need not be remembered, at
// most n.
func (tx *Tx) oldChanges(space policy.ID, n int) (keys [][]byte, err error) {
	var failed error
	err = scanPrefix(tx.r, key1(tableChange, uint64(space)), func(k, v []byte) bool {
		var rec changeRec
		if rec, failed = decodeChange(v); failed != nil || tx.now.Sub(time.Unix(0, rec.at)) < changesKept {
			return false
		}
		keys = append(keys, slices.Clone(k))
		return len(keys) < n
	})
	if err == nil {
		err = failed
	}
	return keys, err
}
