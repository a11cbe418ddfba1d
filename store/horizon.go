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

// forgetChanges shortens the logs of all spaces, in slices.
func (st *Store) forgetChanges(ctx context.Context) error {
	for _, sp := range st.Policy().Spaces() {
		for more := true; more; {
			err := st.update(ctx, engine.Background, func(tx *Tx) (err error) {
				more, err = tx.forgetChanges(sp.ID, collectSlice)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// forgetChanges drops up to n changes that are older than the log remembers, and
// tells whether there may be more.
func (tx *Tx) forgetChanges(space policy.ID, n int) (more bool, err error) {
	var keys [][]byte
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
	if err != nil || len(keys) == 0 {
		return false, err
	}
	for _, k := range keys {
		if err := tx.w.Delete(k); err != nil {
			return false, err
		}
	}
	newest := binary.BigEndian.Uint64(keys[len(keys)-1][9:])
	return len(keys) == n, tx.w.Put(floorKey(space), beUint64(newest))
}
