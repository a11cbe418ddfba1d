package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"davit/store/engine"
)

// freeCheckMax is the largest file whose list of free pages is checked: that
// stops all writing, about a millisecond for each of these megabytes. The list
// is in memory only and made anew at each opening.
const freeCheckMax = 16 << 20

// Check implements engine.Engine. It reads a snapshot of its own, page by page,
// and never disturbs the server beside it.
func (d *database) Check(ctx context.Context, report func(fault string)) error {
	if err := d.Err(); err != nil {
		return err
	}
	if err := d.backend.fold(); err != nil {
		return err
	}
	clean := true
	fault := func(text string) {
		clean = false
		report(text)
	}
	var size int64
	err := d.backend.bolt.View(func(tx *bbolt.Tx) error {
		size = tx.Size()
		return inspectTx(ctx, tx, d.backend.file, func(key, sealed []byte) {
			if _, err := engine.Unseal(key, sealed); err != nil {
				fault(err.Error())
			}
		}, fault)
	})
	if err != nil || !clean || size > freeCheckMax {
		return err
	}
	return d.checkFreePages(report)
}

// checkFreePages lets bbolt compare its tree with its list of free pages. It
// needs the writer's transaction, since the list belongs to the writer.
func (d *database) checkFreePages(report func(fault string)) error {
	tx, err := d.backend.bolt.Begin(true)
	if err != nil {
		return err
	}
	for fault := range tx.Check() {
		report(fault.Error())
	}
	return tx.Rollback()
}
