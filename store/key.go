package store

import (
	"encoding/binary"
	"fmt"

	"davit/policy"
	"davit/store/engine"
)

// The tables, named by a key's first byte.
const (
	tableMeta      = 'm' // format, id allocator, epoch
	tableUser      = 'U' // id -> policy.User
	tableGroup     = 'G' // id -> policy.Group
	tableProfile   = 'P' // id -> policy.Profile
	tableSpace     = 'S' // id -> policy.Space
	tableMark      = 'A' // node -> policy.Mark
	tableLogin     = 'L' // user id -> password and devices
	tableLockout   = 'O' // account or address -> failed sign-ins
	tableLink      = 'k' // link -> its token, password and downloads
	tableToken     = 'h' // hash of a token -> link
	tableSeq       = 's' // space -> newest change
	tableFloor     = 'f' // space -> newest change that the log has forgotten
	tableChange    = 'c' // space, seq -> what changed
	tableEntry     = 'e' // parent, name -> entry: a listing is one scan
	tableNode      = 'n' // node -> parent, name: the way up
	tableSum       = 'd' // collection -> bytes and files below it
	tableTrash     = 't' // space, seq -> entry with its old place
	tableBin       = 'y' // collection, space, seq -> nothing: what lies in its trash
	tableVersion   = 'v' // node, number -> what the file was before
	tableProp      = 'p' // node, name -> dead property
	tableLock      = 'l' // node, token -> lock
	tableInline    = 'i' // hash -> content of small files
	tableBlob      = 'b' // hash -> state of a blob file
	tableRef       = 'r' // hash, node, number of a version or none -> nothing: who uses the content
	tableCopied    = 'R' // node -> hash: the content that it was given of another node
	tableOrphan    = 'o' // hash -> since when nobody may use it
	tableStaged    = 'g' // node -> top of a copy under way, linked nowhere yet
	tableAudit     = 'a' // seq, part -> seal and line of the audit trail
	tableObject    = 'C' // node -> what a calendar object is found by
	tableUID       = 'u' // calendar, UID -> node
	tableSpan      = 'x' // calendar, when -> objects by time; and how often it has changed
	tableResumable = 'w' // id -> an upload over several requests
	tablePart      = 'W' // id, offset -> content that came of it
	tableAside     = 'z' // collection, name -> file that was moved away to be saved anew
	tablePost      = 'q' // number -> message to somebody outside
	tableNotice    = 'N' // calendar -> what is still to be told of its going or coming back
	tablePublished = 'F' // calendar -> what is known of the fetching of what it has
	tableOutlet    = 'K' // link -> its token, sealed, where a calendar is published by it
	tablePush      = 'H' // account, number -> who is told of changes in a collection, and where
	tableLetters   = 'Q' // account -> how many of these it has sent on a day
	tableAttached  = 'J' // node, id -> attachment of a calendar object
	tableHolder    = 'j' // id, node -> nothing: which objects have an attachment
)

var (
	keyFormat   = []byte{tableMeta, 'f'}
	keyIDs      = []byte{tableMeta, 'i'}
	keyEpoch    = []byte{tableMeta, 'e'}
	keySettings = []byte{tableMeta, 's'}
	keyAudit    = []byte{tableMeta, 'a'} // number and seal of the newest audit line
	keySeal     = []byte{tableMeta, 'k'} // key of what is sealed
	keyPost     = []byte{tableMeta, 'q'} // number of the newest message to somebody outside
)

func beUint64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func readUint64(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%d bytes instead of 8: %w", len(b), engine.ErrDamaged)
	}
	return binary.BigEndian.Uint64(b), nil
}

// readKey is the number that a key begins with.
func readKey(key []byte) uint64 { return binary.BigEndian.Uint64(key[1:9]) }

func key1(table byte, n uint64) []byte { return keyRoom(table, n, 0) }

// keyRoom is key1 with room for more bytes.
func keyRoom(table byte, n uint64, more int) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9+more), table), n)
}

func seqKey(space policy.ID) []byte { return key1(tableSeq, uint64(space)) }

func floorKey(space policy.ID) []byte { return key1(tableFloor, uint64(space)) }

func changeKey(space policy.ID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(key1(tableChange, uint64(space)), seq)
}

func trashKey(space policy.ID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(key1(tableTrash, uint64(space)), seq)
}

func binKey(parent policy.Node, space policy.ID, seq uint64) []byte {
	k := binary.BigEndian.AppendUint64(key1(tableBin, uint64(parent)), uint64(space))
	return binary.BigEndian.AppendUint64(k, seq)
}

func versionKey(n policy.Node, number int) []byte {
	return binary.BigEndian.AppendUint64(key1(tableVersion, uint64(n)), uint64(number))
}

func nodeKey(n policy.Node) []byte { return key1(tableNode, uint64(n)) }

func sumKey(n policy.Node) []byte { return key1(tableSum, uint64(n)) }

func entryKey(parent policy.Node, name string) []byte {
	return append(keyRoom(tableEntry, uint64(parent), len(name)+1), name...) // and what a scan begins after
}

func asideKey(parent policy.Node, name string) []byte {
	return append(key1(tableAside, uint64(parent)), name...)
}

func propKey(n policy.Node, space, local string) []byte {
	k := append(key1(tableProp, uint64(n)), space...)
	return append(append(k, 0), local...)
}

func lockKey(n policy.Node, token string) []byte {
	return append(key1(tableLock, uint64(n)), token...)
}

func hashKey(table byte, hash [32]byte) []byte {
	return append([]byte{table}, hash[:]...)
}

func refKey(hash [32]byte, n policy.Node) []byte {
	return binary.BigEndian.AppendUint64(hashKey(tableRef, hash), uint64(n))
}

// versionRefKey is the reference of a version, beside that of the file itself.
func versionRefKey(hash [32]byte, n policy.Node, number int) []byte {
	return binary.BigEndian.AppendUint64(refKey(hash, n), uint64(number))
}

// copiedKey is the reference of a copy. A folder's copy puts its references beside
// each other here; kept by hash they would lie on every page of that table.
func copiedKey(n policy.Node) []byte { return key1(tableCopied, uint64(n)) }

// prefixEnd is the first key after all that begin with the prefix.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// scanPrefix calls fn for every key with the prefix until it answers false.
func scanPrefix(r engine.Reader, prefix []byte, fn func(k, v []byte) bool) error {
	return r.Scan(prefix, prefixEnd(prefix), fn)
}

// scanTable decodes every value of a table with fn and stops at its error.
func scanTable(r engine.Reader, table byte, fn func(k, v []byte) error) error {
	var failed error
	err := scanPrefix(r, []byte{table}, func(k, v []byte) bool {
		failed = fn(k, v)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return err
}

func count(r engine.Reader, table byte) (int, error) {
	n := 0
	err := scanPrefix(r, []byte{table}, func(_, _ []byte) bool { n++; return true })
	return n, err
}

// allocator hands out ids for principals, spaces and nodes, never one twice. It
// takes them from the store in blocks, so a crash skips some.
type allocator struct{ next uint64 }

const idBlock = 1000

func (a *allocator) load(r engine.Reader) error {
	a.next = uint64(policy.FirstID)
	v, err := r.Get(keyIDs)
	if err == nil && v != nil {
		a.next, err = readUint64(v)
	}
	return err
}

// take gives the next id. It runs in the committer alone. The stored mark is
// beyond every id given; a closure that fails takes its mark with it, and then
// the next one sets it again.
func (a *allocator) take(w engine.Writer) (uint64, error) {
	v, err := w.Get(keyIDs)
	if err != nil {
		return 0, err
	}
	var mark uint64
	if v != nil {
		if mark, err = readUint64(v); err != nil {
			return 0, err
		}
	}
	a.next = max(a.next, uint64(policy.FirstID))
	if a.next >= mark {
		if err := w.Put(keyIDs, beUint64(a.next+idBlock)); err != nil {
			return 0, err
		}
	}
	a.next++
	return a.next - 1, nil
}
