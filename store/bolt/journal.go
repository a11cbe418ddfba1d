package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
)

// A journal makes commits durable with one write each, of what they put and delete,
// at the end of a file whose room is there already. It has two files, for the layer
// that grows and the one that is being folded, and turns to the other with each new
// layer, whose number is the generation of the records there. bbolt keeps that of the
// last layer it holds: the next one or two are what a process that was killed leaves
// to be repeated. Repeating what was folded already would change nothing.
//
// A file holds records, each from a page of its own on, so that a write which a crash
// cuts off hurts no other:
//
//	record: CRC-32C 4 | length of the changes 4 | generation 8 | number 8 | changes
//	change: 1 | length of the key | key | length of the value | value
//	        0 | length of the key | key
//
// Numbers are little-endian, lengths in a change unsigned varints. Records are numbered
// through all generations. The first generation is a random number, so that a journal
// does not fit a database that it does not belong to.
type journal struct {
	files      [2]*os.File // by generation; a write is durable when it returns
	sizes      [2]int64
	first      int64 // the size of a new file
	generation uint64
	number     uint64 // of the last record
	at         int64  // where the next one goes
	record     []byte // of the open batch
}

const (
	recordHead = 4 + 4 + 8 + 8
	recordKept = 1 << 20 // of memory, for the next

	changeDelete = 0
	changePut    = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journalNames are the files of the journal beside a database.
func journalNames(path string) [2]string {
	return [2]string{path + ".journal-0", path + ".journal-1"}
}

// startJournal makes the files of a journal beside a database.
func startJournal(path string, generation uint64, first int64) (*journal, error) {
	j := &journal{generation: generation, first: first}
	var err error
	for i, name := range journalNames(path) {
		if err == nil {
			j.files[i], err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC|durably, 0o600)
		}
		if err == nil {
			err = j.grow(i, first)
		}
	}
	if err == nil {
		err = syncDir(path)
	}
	if err != nil {
		return nil, errors.Join(err, j.close(), removeJournal(path))
	}
	return j, nil
}

// begin starts the record of a batch.
func (j *journal) begin() {
	if cap(j.record) > recordKept {
		j.record = nil
	}
	j.record = append(j.record[:0], make([]byte, recordHead)...)
}

// add adds a change to it. Without a value it deletes.
func (j *journal) add(key, sealed []byte) {
	kind := byte(changePut)
	if sealed == nil {
		kind = changeDelete
	}
	j.record = append(j.record, kind)
	j.record = binary.AppendUvarint(j.record, uint64(len(key)))
	j.record = append(j.record, key...)
	if sealed != nil {
		j.record = binary.AppendUvarint(j.record, uint64(len(sealed)))
		j.record = append(j.record, sealed...)
	}
}

// keep makes the record durable. After an error nobody knows whether it is.
func (j *journal) keep() error {
	changes := len(j.record) - recordHead
	n := roundUp(int64(len(j.record)))
	file := int(j.generation % 2)
	if j.at+n > j.sizes[file] {
		// A record is written where there is something: otherwise each would have to
		// make its own length durable.
		if err := j.grow(file, max(j.at+n, 2*j.sizes[file])); err != nil {
			return err
		}
	}
	j.number++
	le := binary.LittleEndian
	le.PutUint32(j.record[4:], uint32(changes))
	le.PutUint64(j.record[8:], j.generation)
	le.PutUint64(j.record[16:], j.number)
	le.PutUint32(j.record, crc32.Checksum(j.record[4:], castagnoli))
	j.record = append(j.record, make([]byte, n-int64(len(j.record)))...)
	if _, err := j.files[file].WriteAt(j.record, j.at); err != nil {
		return err
	}
	j.at += n
	return flush(j.files[file])
}

func (j *journal) grow(file int, size int64) error {
	if _, err := j.files[file].WriteAt(make([]byte, size-j.sizes[file]), j.sizes[file]); err != nil {
		return err
	}
	j.sizes[file] = size
	return nil
}

// turn begins the next generation, in the other file, which has to be folded. What a
// large commit needed is given back.
func (j *journal) turn() error {
	j.generation++
	j.at = 0
	file := int(j.generation % 2)
	if j.sizes[file] <= 64*j.first {
		return nil
	}
	j.sizes[file] = j.first
	return j.files[file].Truncate(j.first)
}

func (j *journal) close() (err error) {
	for _, file := range j.files {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}
	return err
}

// removeJournal removes the journal of a database that holds all of it.
func removeJournal(path string) error {
	for _, name := range journalNames(path) {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the journal: %w", err)
		}
	}
	return syncDir(path)
}

func roundUp(n int64) int64 { return (n + pageSize - 1) / pageSize * pageSize }
