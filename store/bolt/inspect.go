package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.etcd.io/bbolt"

	"davit/store/engine"
)

// The page format of bbolt, which is that of its memory: numbers in the byte
// order of the machine. A page has a header (id 8, flags 2, count 2, overflow 4)
// and as many elements; each element says where its key lies, counted from
// itself (branch: pos 4, ksize 4, page 8; leaf: flags 4, pos 4, ksize 4, vsize 4).
const (
	headerSize  = 16
	elementSize = 16
	bucketSize  = 16 // root page 8, sequence 8, then the page itself if root is 0

	branchPage    = 1
	leafPage      = 2
	bucketElement = 1

	firstPage = 2  // behind the two meta pages
	depthMax  = 32 // each level at least doubles the pages
)

var native = binary.NativeEndian

// An inspector reads the pages of one snapshot without bbolt, and so without
// trust in any number it finds. The pages of an open transaction never change.
type inspector struct {
	ctx      context.Context
	file     io.ReaderAt
	pageSize int64
	seen     []bool // by page
	value    func(key, sealed []byte)
	report   func(fault string)
	// What was read and is done with serves again: a large file has a million
	// pages, and new memory costs more than reading them.
	spare   [][]byte
	entries [][]entry
}

// inspect reads the structure of a file that is not open yet.
func inspect(path string) error {
	db, file, err := openFile(path, bbolt.Options{ReadOnly: true, Timeout: lockTimeout, PageSize: pageSize})
	if err != nil {
		return err
	}
	var first error
	err = db.View(func(tx *bbolt.Tx) error {
		return inspectTx(context.Background(), tx, file, nil, func(fault string) {
			if first == nil {
				first = fmt.Errorf("open database %s: %w: %s; restore a backup", path, engine.ErrDamaged, fault)
			}
		})
	})
	return errors.Join(first, err, db.Close())
}

// inspectTx reads all pages of a snapshot. value, unless nil, gets each entry.
func inspectTx(ctx context.Context, tx *bbolt.Tx, file *os.File, value func(key, sealed []byte), report func(string)) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		report(fmt.Sprintf("the file is cut off: it has %d of %d bytes", info.Size(), tx.Size()))
		return nil
	}
	size := int64(tx.DB().Info().PageSize)
	in := &inspector{
		ctx:      ctx,
		file:     file,
		pageSize: size,
		seen:     make([]bool, tx.Size()/size),
		value:    value,
		report:   report,
	}
	in.walk(uint64(tx.Cursor().Bucket().Root()), nil, nil, in.table, 0)
	return ctx.Err()
}

// An entry is an element of a page: of a leaf with a value, of a branch with a
// page below.
type entry struct {
	key, value []byte
	child      uint64
	bucket     bool
}

// walk reads the tree below a page, whose keys have to lie in lo <= key < hi,
// where those are known, and hands each entry to visit.
func (in *inspector) walk(id uint64, lo, hi []byte, visit func(entry), depth int) {
	if in.ctx.Err() != nil {
		return
	}
	if depth > depthMax {
		in.fault(id, "more than %d levels deep", depthMax)
		return
	}
	if page := in.read(id); page != nil {
		in.elements(id, page, lo, hi, visit, depth)
		if int64(len(page)) == in.pageSize {
			in.spare = append(in.spare, page)
		}
	}
}

// elements goes through one page, which may also lie inside a bucket's entry.
func (in *inspector) elements(id uint64, page, lo, hi []byte, visit func(entry), depth int) {
	branch := native.Uint16(page[8:]) == branchPage
	entries, err := parsePage(last(&in.entries), page, branch)
	if err != nil {
		in.fault(id, "%v", err)
		return
	}
	defer func() { in.entries = append(in.entries, entries[:0]) }()
	for i, e := range entries {
		tooLow := bytes.Compare(e.key, lo) < 0 || i > 0 && bytes.Equal(e.key, lo)
		if tooLow || hi != nil && bytes.Compare(e.key, hi) >= 0 {
			in.fault(id, "has key %x out of order", e.key)
			return
		}
		lo = e.key
	}
	for i, e := range entries {
		next := hi
		if i+1 < len(entries) {
			next = entries[i+1].key
		}
		if branch {
			in.walk(e.child, e.key, next, visit, depth+1)
		} else {
			visit(e)
		}
	}
}

// last takes the last of a list, or nil from an empty one.
func last[T any](list *[][]T) []T {
	n := len(*list) - 1
	if n < 0 {
		return nil
	}
	taken := (*list)[n]
	*list = (*list)[:n]
	return taken
}

// parsePage appends the elements of a page to entries.
func parsePage(entries []entry, page []byte, branch bool) ([]entry, error) {
	count := int(native.Uint16(page[10:]))
	if headerSize+count*elementSize > len(page) || branch && count == 0 {
		return nil, fmt.Errorf("cannot hold %d elements", count)
	}
	entries = slices.Grow(entries, count)
	for i := range count {
		var e entry
		var pos, ksize, vsize uint64
		rest := page[headerSize+i*elementSize:]
		if branch {
			pos, ksize = uint64(native.Uint32(rest)), uint64(native.Uint32(rest[4:]))
			e.child = native.Uint64(rest[8:])
		} else {
			e.bucket = native.Uint32(rest)&bucketElement != 0
			pos, ksize = uint64(native.Uint32(rest[4:])), uint64(native.Uint32(rest[8:]))
			vsize = uint64(native.Uint32(rest[12:]))
		}
		if ksize == 0 || pos+ksize+vsize > uint64(len(rest)) {
			return nil, fmt.Errorf("has element %d outside itself", i)
		}
		e.key, e.value = rest[pos:pos+ksize], rest[pos+ksize:pos+ksize+vsize]
		entries = append(entries, e)
	}
	return entries, nil
}

// table visits an entry of the root: each is a bucket named by one byte.
func (in *inspector) table(e entry) {
	if !e.bucket || len(e.key) != 1 || len(e.value) < bucketSize {
		in.report(fmt.Sprintf("entry %x of the root is not a table", e.key))
		return
	}
	lo, visit := e.key, func(inner entry) {
		switch {
		case inner.bucket || inner.key[0] != e.key[0]:
			in.report(fmt.Sprintf("table %x has entry %x, which is not its own", e.key, inner.key))
		case in.value != nil:
			in.value(inner.key, inner.value)
		}
	}
	if root := native.Uint64(e.value); root != 0 {
		in.walk(root, lo, nil, visit, 0)
		return
	}
	page := e.value[bucketSize:]
	if len(page) < headerSize || native.Uint16(page[8:]) != leafPage {
		in.report(fmt.Sprintf("table %x has no page", e.key))
		return
	}
	in.elements(0, page, lo, nil, visit, 0)
}

// read returns a page with all its overflow, nil after reporting why not.
func (in *inspector) read(id uint64) []byte {
	if id < firstPage || id >= uint64(len(in.seen)) {
		in.fault(id, "is outside the file of %d pages", len(in.seen))
		return nil
	}
	page := last(&in.spare)
	if page == nil {
		page = make([]byte, in.pageSize)
	}
	if _, err := in.file.ReadAt(page, int64(id)*in.pageSize); err != nil {
		in.fault(id, "cannot be read: %v", err)
		return nil
	}
	flags, overflow := native.Uint16(page[8:]), uint64(native.Uint32(page[12:]))
	switch {
	case native.Uint64(page) != id:
		in.fault(id, "says that it is page %d", native.Uint64(page))
		return nil
	case flags != branchPage && flags != leafPage:
		in.fault(id, "is of kind %x, not a branch or a leaf", flags)
		return nil
	case id+overflow >= uint64(len(in.seen)):
		in.fault(id, "with %d more is outside the file of %d pages", overflow, len(in.seen))
		return nil
	}
	for i := id; i <= id+overflow; i++ {
		if in.seen[i] {
			in.fault(i, "is used twice")
			return nil
		}
		in.seen[i] = true
	}
	if overflow == 0 {
		return page
	}
	in.spare = append(in.spare, page)
	page = make([]byte, int64(overflow+1)*in.pageSize)
	if _, err := in.file.ReadAt(page, int64(id)*in.pageSize); err != nil {
		in.fault(id, "cannot be read: %v", err)
		return nil
	}
	return page
}

func (in *inspector) fault(id uint64, format string, args ...any) {
	in.report(fmt.Sprintf("page %d ", id) + fmt.Sprintf(format, args...))
}
