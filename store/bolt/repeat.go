package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"go.etcd.io/bbolt"

	"davit/store/engine"
)

// generationTable holds nothing: bbolt counts for each table, and here it counts the
// layers that it holds.
var generationTable = []byte{0}

func setGeneration(tx *bbolt.Tx, generation uint64) error {
	bucket, err := tx.CreateBucketIfNotExists(generationTable)
	if err != nil {
		return err
	}
	return bucket.SetSequence(generation)
}

// generationOf is 0 if there was never a journal.
func generationOf(tx *bbolt.Tx) uint64 {
	if bucket := tx.Bucket(generationTable); bucket != nil {
		return bucket.Sequence()
	}
	return 0
}

// repeat brings into a database what the journal of a process that was killed holds
// beyond it, and removes the journal. All is one transaction: this may be cut off and
// begun again.
func repeat(db *bbolt.DB, room limits) (err error) {
	files, found, err := readJournal(db.Path())
	if err != nil || !found {
		return err
	}
	defer recoverDamage(&err)()
	tx, err := db.Begin(true)
	if err != nil {
		return err
	}
	held := generationOf(tx)
	records, err := beyond(held, files)
	if err == nil && len(records) > 0 {
		err = setGeneration(tx, records[len(records)-1].generation)
	}
	w := &writer{reader{tx: tx}}
	for i := 0; i < len(records) && err == nil; i++ {
		err = w.repeat(records[i].changes)
	}
	if err != nil || len(records) == 0 {
		err = errors.Join(err, tx.Rollback())
	} else {
		err = tx.Commit()
	}
	if err != nil {
		return err
	}
	room.did(didRepeat)
	return removeJournal(db.Path())
}

func readJournal(path string) (files [2][]byte, found bool, err error) {
	for i, name := range journalNames(path) {
		files[i], err = os.ReadFile(name) // nil if there is none
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return files, false, err
		}
		found = found || err == nil
	}
	return files, found, nil
}

type record struct {
	generation, number uint64
	changes            []byte
}

// beyond is what a journal holds beyond a generation, in order. A file that is missing
// is nil.
func beyond(held uint64, files [2][]byte) ([]record, error) {
	for _, file := range files {
		if r, ok := parseRecord(file); ok && r.generation-held+1 > 3 {
			return nil, errors.New("the journal beside it is not that of this database: put both back, or a backup into an empty folder")
		}
	}
	var all []record
	for generation := held + 1; generation <= held+2; generation++ {
		records, whole := parseFile(files[generation%2], generation)
		gap := len(records) > 0 && generation == held+2 && (len(all) == 0 || records[0].number != all[len(all)-1].number+1)
		if !whole || gap {
			return nil, fmt.Errorf("%w: a record of the journal is gone; put a backup into an empty folder", engine.ErrDamaged)
		}
		all = append(all, records...)
	}
	if len(all) > 0 && (files[0] == nil || files[1] == nil) {
		return nil, fmt.Errorf("%w: one of the journal's two files is gone; put it back, or a backup into an empty folder", engine.ErrDamaged)
	}
	return all, nil
}

// parseFile reads the records of a generation, which are the first of a file. One that
// is cut off was never answered, unless others follow it: then the file is not whole.
func parseFile(file []byte, generation uint64) (records []record, whole bool) {
	at := int64(0)
	for at < int64(len(file)) {
		r, ok := parseRecord(file[at:])
		if !ok || r.generation != generation || len(records) > 0 && r.number != records[len(records)-1].number+1 {
			break
		}
		records = append(records, r)
		at += roundUp(recordHead + int64(len(r.changes)))
	}
	for ; at < int64(len(file)); at += pageSize {
		if r, ok := parseRecord(file[at:]); ok && r.generation == generation {
			return records, false
		}
	}
	return records, true
}

func parseRecord(b []byte) (r record, ok bool) {
	if len(b) < recordHead {
		return r, false
	}
	le := binary.LittleEndian
	end := recordHead + uint64(le.Uint32(b[4:]))
	if end > uint64(len(b)) || crc32.Checksum(b[4:end], castagnoli) != le.Uint32(b) {
		return r, false
	}
	return record{le.Uint64(b[8:]), le.Uint64(b[16:]), b[recordHead:end]}, true
}

// repeat makes the changes of one record.
func (w *writer) repeat(changes []byte) error {
	for len(changes) > 0 {
		kind := changes[0]
		key, rest, ok := cutField(changes[1:])
		var sealed []byte
		if ok && kind == changePut {
			sealed, rest, ok = cutField(rest)
		}
		if !ok || kind > changePut || len(key) == 0 {
			return fmt.Errorf("%w: a record of the journal cannot be read", engine.ErrDamaged)
		}
		var err error
		if kind == changePut {
			err = w.put(key, sealed)
		} else {
			err = w.delete(key)
		}
		if err != nil {
			return err
		}
		changes = rest
	}
	return nil
}

// cutField cuts a length and so many bytes off b.
func cutField(b []byte) (field, rest []byte, ok bool) {
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return nil, nil, false
	}
	return b[k : k+int(n)], b[k+int(n):], true
}
