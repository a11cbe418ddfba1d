// Package bolt keeps the store's keys in one bbolt file, a bucket for each
// table, and the newest commits in a layer of memory over it and in a journal
// beside it. It is the only package that knows bbolt, and it never answers for
// what a value means.
//
//	db, err := bolt.Open("meta.db", bolt.Options{OnBroken: stop})
//	defer db.Close()
package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"davit/store/engine"
)

const (
	pageSize    = 4096
	lockTimeout = time.Second

	// mapSize is reserved in the address space at once: bbolt cannot enlarge its
	// map while a reader is at work, and would make the writer wait for it.
	mapSize = 64 << 30
)

// ErrInUse is wrapped by Open while another process has the file.
var ErrInUse = errors.New("is in use by another davit process")

// Options of Open. Zero values are fine.
type Options struct {
	// BeforeCommit runs before each commit and makes it fail with its error, for
	// whoever records the order of disk operations or plants faults in it.
	BeforeCommit func() error
	// OnBroken is called once if the engine breaks: see engine.ErrBroken.
	OnBroken func(error)
}

type database struct {
	*engine.Committer
	backend *backend
}

// Open opens the file at path, or makes it. The pages of an existing file are
// read through first: bbolt would meet a damaged one in a goroutine of its own,
// and take the process down. What the journal of a process that was killed holds is
// brought into the file.
func Open(path string, o Options) (engine.Engine, error) { return open(path, o, usualLimits) }

func open(path string, o Options, room limits) (engine.Engine, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = create(path)
	case err == nil && info.Size() == 0:
		err = fmt.Errorf("open database %s: the file is empty; restore a backup, or remove it to start anew", path)
	case err == nil:
		err = inspect(path)
	}
	if err != nil {
		return nil, err
	}
	db, file, err := openFile(path, writeOptions())
	if err != nil {
		return nil, err
	}
	if err := repeat(db, room); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", path, err), db.Close())
	}
	b := newBackend(db, file, o.BeforeCommit, room)
	return &database{Committer: engine.NewCommitter(b, o.OnBroken), backend: b}, nil
}

func writeOptions() bbolt.Options {
	return bbolt.Options{
		Timeout:         lockTimeout,
		PageSize:        pageSize,
		FreelistType:    bbolt.FreelistMapType,
		NoFreelistSync:  true,
		NoStatistics:    true,
		InitialMmapSize: initialMapSize(runtime.GOOS, strconv.IntSize),
	}
}

// initialMapSize is 0, which means the file's own size, where the map would be
// written to disk (Windows) or not fit (32 bits).
func initialMapSize(system string, bits int) int {
	size := int64(0)
	if system == "linux" && bits == 64 {
		size = mapSize
	}
	return int(size)
}

// openFile opens with bbolt and answers with an error whatever happens in
// there. On an error the file is closed, and so unlocked.
func openFile(path string, o bbolt.Options) (db *bbolt.DB, file *os.File, err error) {
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		var err error
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}
	db, err = openGuarded(path, &o)
	if errors.Is(err, syscall.ENOMEM) && o.InitialMmapSize > 0 {
		// A limit on the address space (ulimit -v) forbids the large map.
		o.InitialMmapSize = 0
		db, err = openGuarded(path, &o)
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		err = fmt.Errorf("%s %w", path, ErrInUse)
	case err != nil:
		err = fmt.Errorf("open database %s: %w", path, err)
	}
	if err != nil && file != nil {
		file.Close() // for the second time, unless bbolt panicked
	}
	return db, file, err
}

func openGuarded(path string, o *bbolt.Options) (db *bbolt.DB, err error) {
	defer recoverDamage(&err)()
	return bbolt.Open(path, 0o600, o)
}

// recoverDamage turns a panic over a damaged page into an error, also that of
// touching memory with no file behind it. Use: defer recoverDamage(&err)().
func recoverDamage(err *error) func() {
	before := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(before)
		if v := recover(); v != nil {
			*err = fmt.Errorf("%w: %v", engine.ErrDamaged, v)
		}
	}
}

// Backup implements engine.Engine. Old pages stay in the file while w takes its
// time, so w should be a file.
func (d *database) Backup(w io.Writer) (n int64, err error) {
	if err = d.Err(); err == nil {
		err = d.backend.fold()
	}
	if err != nil {
		return 0, err
	}
	err = d.backend.bolt.View(func(tx *bbolt.Tx) error {
		n, err = tx.WriteTo(w)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("backup: %w", err)
	}
	return n, nil
}

// Close implements engine.Engine. It waits for those who read. Without an error
// nothing is left of the journal.
func (d *database) Close() error {
	d.Committer.Close()
	return d.backend.close()
}

// A reader is one transaction. Keys are stored whole, with the byte that names
// their table: a scan then hands out what lies in the file, without copying.
type reader struct {
	tx     *bbolt.Tx
	tables []table // few, so a list is quicker than a map
}

type table struct {
	name   byte
	bucket *bbolt.Bucket
}

// bucket is nil for a table that nothing was ever put into.
func (r *reader) bucket(name byte) *bbolt.Bucket {
	for _, t := range r.tables {
		if t.name == name {
			return t.bucket
		}
	}
	bucket := r.tx.Bucket([]byte{name})
	if bucket != nil {
		r.tables = append(r.tables, table{name, bucket})
	}
	return bucket
}

func (r *reader) Get(key []byte) ([]byte, error) {
	bucket := r.bucket(key[0])
	if bucket == nil {
		return nil, nil
	}
	return bucket.Get(key), nil
}

func (r *reader) Scan(lo, hi []byte, fn func(key, value []byte) bool) error {
	bucket := r.bucket(lo[0])
	if bucket == nil {
		return nil
	}
	cursor := bucket.Cursor()
	for key, value := cursor.Seek(lo); key != nil && bytes.Compare(key, hi) < 0; key, value = cursor.Next() {
		if !fn(key, value) {
			break
		}
	}
	return nil
}

// A writer is the transaction that writes. Tables appear with their first key.
type writer struct{ reader }

func (w *writer) put(key, sealed []byte) error {
	bucket := w.bucket(key[0])
	if bucket == nil {
		var err error
		if bucket, err = w.tx.CreateBucket(key[:1]); err != nil {
			return err
		}
		w.tables = append(w.tables, table{key[0], bucket})
	}
	return bucket.Put(key, sealed)
}

func (w *writer) delete(key []byte) error {
	bucket := w.bucket(key[0])
	if bucket == nil {
		return nil
	}
	return bucket.Delete(key)
}
