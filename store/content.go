package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"davit/policy"
	"davit/store/engine"
)

// blobRec is what the database knows of a blob file.
type blobRec struct {
	gen  uint32
	dead bool // nobody uses it and its file is about to go
	size int64
}

func readBlob(r engine.Reader, hash [32]byte) (rec blobRec, found bool, err error) {
	v, err := r.Get(hashKey(tableBlob, hash))
	if err != nil || v == nil {
		return rec, false, err
	}
	rec, err = decodeBlob(v)
	return rec, true, err
}

func appendBlob(b []byte, rec blobRec) []byte {
	var dead byte
	if rec.dead {
		dead = 1
	}
	b = append(b, dead)
	b = binary.AppendUvarint(b, uint64(rec.gen))
	return binary.AppendUvarint(b, uint64(rec.size))
}

func decodeBlob(v []byte) (blobRec, error) {
	d := decoder{b: v}
	rec := blobRec{dead: d.byte() == 1, gen: uint32(d.uvarint()), size: int64(d.uvarint())}
	return rec, d.done("blob")
}

// use records that a node has the content. A blob that died since it was found
// or kept, or of which another upload's generation came first, is errDead.
func (tx *Tx) use(g grant, b body, n policy.Node) error { return tx.useAs(g, b, refKey(b.hash, n)) }

// useAs is use under another reference than that of a file itself.
func (tx *Tx) useAs(g grant, b body, ref []byte) error {
	switch b.where {
	case nowhere:
		return nil
	case inline:
		key := hashKey(tableInline, b.hash)
		v, err := tx.r.Get(key)
		if err != nil {
			return err
		}
		if v == nil {
			if err := tx.w.Put(key, b.small); err != nil {
				return err
			}
		}
	case blobFile:
		rec, found, err := readBlob(tx.r, b.hash)
		switch {
		case err != nil:
			return err
		case !found && b.found, found && !rec.dead && rec.gen != b.gen, found && rec.dead && b.gen <= rec.gen:
			return fmt.Errorf("blob %x generation %d: %w", b.hash[:8], b.gen, errDead)
		case !found || rec.dead:
			if err := tx.w.Put(hashKey(tableBlob, b.hash), appendBlob(nil, blobRec{gen: b.gen, size: b.size})); err != nil {
				return err
			}
		}
	}
	tx.st.touched.note(b.hash)
	return tx.w.Put(ref, nil)
}

// share records that another node has the content of a live entry too.
func (tx *Tx) share(g grant, c content, n policy.Node) error {
	if c.where == nowhere {
		return nil
	}
	return tx.w.Put(copiedKey(n), c.hash[:])
}

// disuse takes a node's use of content away, but for its versions. Content that
// nobody uses any more waits for the collector.
func (tx *Tx) disuse(g grant, c content, n policy.Node) error {
	if c.where == nowhere {
		return nil
	}
	copied, err := tx.r.Get(copiedKey(n))
	if err == nil && bytes.Equal(copied, c.hash[:]) {
		err = tx.w.Delete(copiedKey(n))
	}
	if err != nil {
		return err
	}
	return tx.release(g, c.hash, refKey(c.hash, n)) // a copy that was written with what it had has both
}

// release takes one reference away, of a file or of a version. Content that is
// left to copies at most waits for the collector, who looks for those.
func (tx *Tx) release(g grant, hash [32]byte, ref []byte) error {
	if err := tx.w.Delete(ref); err != nil {
		return err
	}
	used, err := inUse(tx.r, hash)
	if err != nil || used {
		return err
	}
	tx.st.touched.note(hash)
	return tx.w.Put(hashKey(tableOrphan, hash), binary.AppendVarint(nil, tx.now.UnixNano()))
}

// inUse tells whether anything but a copy uses the content.
func inUse(r engine.Reader, hash [32]byte) (used bool, err error) {
	err = scanPrefix(r, hashKey(tableRef, hash), func(_, _ []byte) bool {
		used = true
		return false
	})
	return used, err
}

// launched and landed frame the time in which an upload relies on a blob that
// it has not linked yet: the collector leaves it alone.
func (st *Store) launched(hash [32]byte) {
	st.inflight.Lock()
	defer st.inflight.Unlock()
	st.inflight.hashes[hash]++
}

func (st *Store) landed(hash [32]byte) {
	st.inflight.Lock()
	defer st.inflight.Unlock()
	if st.inflight.hashes[hash]--; st.inflight.hashes[hash] == 0 {
		delete(st.inflight.hashes, hash)
	}
}

// unlessInFlight runs fn while no upload can begin to rely on the blob, and not
// at all when one does.
func (st *Store) unlessInFlight(hash [32]byte, fn func() error) (ran bool, err error) {
	st.inflight.Lock()
	defer st.inflight.Unlock()
	if st.inflight.hashes[hash] > 0 {
		return false, nil
	}
	return true, fn()
}

func (st *Store) inFlight(hash [32]byte) bool {
	st.inflight.Lock()
	defer st.inflight.Unlock()
	return st.inflight.hashes[hash] > 0
}
