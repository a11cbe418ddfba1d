package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"
	"time"

	"davit/store/blob"
	"davit/store/engine"
)

// Collected tells what a collection gave back.
type Collected struct {
	Contents int   // contents that nobody used any more
	Files    int   // blob files removed, those without any record too
	Bytes    int64 // of the removed contents
}

var errCollecting = errors.New("a collection is under way; wait for its end")

const (
	// collectSlice bounds one transaction of the collector.
	collectSlice = 200
	// orphansMax bounds what the collector keeps in mind of the contents that wait.
	orphansMax = 100_000
)

// Collect erases content that nobody has used for longer than the grace time,
// blob files that no record names, left by a crash before a commit, locks that
// have expired, what has lain in the trash or been a version for longer than the
// settings keep it, uploads that nobody has gone on with, originals set aside and never written anew, failed sign-ins of
// addresses long quiet, and changes that every log has kept for long enough. It
// works in slices and gives way to requests. There is one collection at a time: two
// would remove each other's files, and what was uploaded between.
func (st *Store) Collect(ctx context.Context, grace time.Duration) (Collected, error) {
	if !st.collecting.TryLock() {
		return Collected{}, errCollecting
	}
	defer st.collecting.Unlock()
	var c Collected
	if err := errors.Join(st.keepDownloads(ctx), st.forgetLocks(ctx), st.forgetAsides(ctx), st.forgetLockouts(ctx), st.forgetPushes(ctx), st.expire(ctx), st.expireResumables(ctx), st.forgetChanges(ctx), st.buryLeftovers(ctx), st.finishNotices(ctx)); err != nil {
		return c, err
	}
	// An engine that is over and refuses this touches nothing any more.
	defer st.update(context.WithoutCancel(ctx), engine.Background, func(*Tx) error {
		st.touched = nil
		return nil
	})
	for after := []byte{}; after != nil; {
		page, last, err := st.orphans(ctx, after, grace)
		if err != nil {
			return c, err
		}
		for slice := range slices.Chunk(page, collectSlice) {
			if err := st.collectSome(ctx, slice, &c); err != nil {
				return c, err
			}
		}
		after = last
	}
	n, err := st.sweep(ctx, grace)
	c.Files += n
	return c, err
}

func (st *Store) forgetLocks(ctx context.Context) (err error) {
	for more := true; more && err == nil; {
		err = st.update(ctx, engine.Background, func(tx *Tx) (err error) {
			more, err = tx.dropExpired(housekeeping(tx, 0), collectSlice)
			return err
		})
	}
	return err
}

func (st *Store) forgetAsides(ctx context.Context) (err error) {
	for more := true; more && err == nil; {
		err = st.update(ctx, engine.Background, func(tx *Tx) (err error) {
			more, err = tx.forgetAsides(housekeeping(tx, 0), collectSlice)
			return err
		})
	}
	return err
}

// touched are the contents that came into use, or were left by all but copies,
// since the collector began to look for those that nobody uses. Only the committer
// touches it.
type touched map[[32]byte]bool

func (t touched) note(hash [32]byte) {
	if t != nil {
		t[hash] = true
	}
}

// orphan is a content that waits for the collector.
type orphan struct {
	hash   [32]byte
	copied bool // a copy uses it
}

// orphans reads contents that have waited for the grace time, in one snapshot with
// all copies: what no copy had then, none has until somebody touches it. last is the
// newest mark read, nil after the end.
func (st *Store) orphans(ctx context.Context, after []byte, grace time.Duration) (page []orphan, last []byte, err error) {
	err = st.update(ctx, engine.Background, func(*Tx) error {
		st.touched = touched{}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = st.view(func(tx *Tx) error {
		at := map[string]int{}
		lo := append([]byte{tableOrphan}, after...)
		err := tx.r.Scan(lo, prefixEnd([]byte{tableOrphan}), func(k, v []byte) bool {
			since, n := binary.Varint(v)
			if n > 0 && tx.now.Sub(time.Unix(0, since)) >= grace {
				at[string(k[1:])] = len(page)
				page = append(page, orphan{hash: [32]byte(k[1:])})
			}
			if len(page) < orphansMax {
				return true
			}
			last = append(bytes.Clone(k[1:]), 0)
			return false
		})
		if err != nil || len(page) == 0 {
			return err
		}
		return scanPrefix(tx.r, []byte{tableCopied}, func(_, v []byte) bool {
			if i, waits := at[string(v)]; waits {
				page[i].copied = true
			}
			return true
		})
	})
	return page, last, err
}

// collectSome erases contents that nobody uses, and forgets of the others that they
// wait.
func (st *Store) collectSome(ctx context.Context, slice []orphan, c *Collected) error {
	var dead []blob.Ref
	err := st.update(ctx, engine.Background, func(tx *Tx) error {
		var found Collected
		dead = nil
		for _, o := range slice {
			ref, err := tx.collect(o, &found)
			if err != nil {
				return err
			}
			if ref != nil {
				dead = append(dead, *ref)
			}
		}
		tx.w.OnApply(func() { c.Contents, c.Bytes = c.Contents+found.Contents, c.Bytes+found.Bytes })
		return nil
	})
	if err != nil {
		return err
	}
	c.Files += len(dead)
	return st.bury(ctx, dead)
}

// collect erases a small content, or declares a blob dead, unless it is used. What
// was touched since it was found waits for the next collection.
func (tx *Tx) collect(o orphan, c *Collected) (dead *blob.Ref, err error) {
	if tx.st.touched[o.hash] {
		return nil, nil
	}
	used, err := inUse(tx.r, o.hash)
	if err != nil {
		return nil, err
	}
	used = used || o.copied
	rec, isBlob, err := readBlob(tx.r, o.hash)
	if err != nil || isBlob && !used && tx.st.inFlight(o.hash) {
		return nil, err
	}
	if err := tx.w.Delete(hashKey(tableOrphan, o.hash)); err != nil || used {
		return nil, err
	}
	c.Contents++
	v, err := tx.r.Get(hashKey(tableInline, o.hash))
	if err != nil {
		return nil, err
	}
	c.Bytes += int64(len(v))
	if err := tx.w.Delete(hashKey(tableInline, o.hash)); err != nil || !isBlob {
		return nil, err
	}
	c.Bytes += rec.size
	rec.dead = true
	return &blob.Ref{Hash: o.hash, Gen: rec.gen, Size: rec.size}, tx.w.Put(hashKey(tableBlob, o.hash), appendBlob(nil, rec))
}

// bury unlinks the files of dead blobs and then forgets them. A new upload of
// the same content takes the next generation, so its file is never the one that
// goes.
func (st *Store) bury(ctx context.Context, dead []blob.Ref) error {
	for _, ref := range dead {
		if err := st.blobs.Remove(ref); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if len(dead) == 0 {
		return nil
	}
	return st.update(ctx, engine.Background, func(tx *Tx) error {
		for _, ref := range dead {
			rec, found, err := readBlob(tx.r, ref.Hash)
			if err != nil {
				return err
			}
			if found && rec.dead && rec.gen == ref.Gen {
				if err := tx.w.Delete(hashKey(tableBlob, ref.Hash)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// buryLeftovers finishes what a crash in bury left.
func (st *Store) buryLeftovers(ctx context.Context) error {
	var after []byte
	for {
		refs, last, err := st.blobPage(after, func(rec blobRec) bool { return rec.dead })
		if err != nil || last == nil {
			return err
		}
		if err := st.bury(ctx, refs); err != nil {
			return err
		}
		after = last
	}
}

// sweep removes old blob files that no live record names.
func (st *Store) sweep(ctx context.Context, grace time.Duration) (int, error) {
	var stray []blob.Ref
	err := st.blobs.Each(func(ref blob.Ref, made time.Time) bool {
		if st.clock().Sub(made) >= grace && !st.inFlight(ref.Hash) {
			stray = append(stray, ref)
		}
		return ctx.Err() == nil
	})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, ref := range stray {
		var gone bool
		err := st.update(ctx, engine.Background, func(tx *Tx) error {
			rec, found, err := readBlob(tx.r, ref.Hash)
			if gone = false; err != nil || found && rec.gen == ref.Gen {
				return err
			}
			// Removed inside the transaction: no upload can commit a use of this
			// very file meanwhile.
			gone, err = st.unlessInFlight(ref.Hash, func() error { return st.blobs.Remove(ref) })
			return err
		})
		if err != nil {
			return n, err
		}
		if gone {
			n++
		}
	}
	return n, nil
}

// Scrub reads every blob that is in use and reports those whose bytes have
// changed. It opens no transaction while it reads.
func (st *Store) Scrub(ctx context.Context, report func(fault string)) (files int, bytes int64, err error) {
	var after []byte
	for {
		refs, last, err := st.blobPage(after, func(rec blobRec) bool { return !rec.dead })
		if err != nil || last == nil {
			return files, bytes, err
		}
		for _, ref := range refs {
			if err := ctx.Err(); err != nil {
				return files, bytes, err
			}
			if err := st.blobs.Verify(ref); err != nil {
				report(err.Error())
			}
			files++
			bytes += ref.Size
		}
		after = last
	}
}

// blobPageMax bounds what one look at the records of blobs takes.
const blobPageMax = 1000

// blobPage reads some records after a key and gives the wanted ones. last is the
// newest key read, nil after the end.
func (st *Store) blobPage(after []byte, want func(blobRec) bool) (refs []blob.Ref, last []byte, err error) {
	lo := []byte{tableBlob}
	if after != nil {
		lo = append(bytes.Clone(after), 0)
	}
	var failed error
	err = st.db.View(func(r engine.Reader) error {
		n := 0
		return r.Scan(lo, prefixEnd([]byte{tableBlob}), func(k, v []byte) bool {
			rec, err := decodeBlob(v)
			if err != nil {
				failed = err
				return false
			}
			last = bytes.Clone(k)
			if want(rec) {
				refs = append(refs, blob.Ref{Hash: [32]byte(k[1:33]), Gen: rec.gen, Size: rec.size})
			}
			n++
			return n < blobPageMax
		})
	})
	return refs, last, errors.Join(err, failed)
}
