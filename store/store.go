// Package store keeps everything: the tree of files, their content, locks,
// properties, accounts and the policy, in one bbolt file and a folder of blobs.
// It is the gate: content is reached only through a Session, and every
// operation of a Session resolves its path, asks policy and acts inside one
// transaction. It speaks no HTTP, no XML and no iCalendar.
//
// An answer without an error means that the change survives a power cut: the
// blob is synced, its directory is synced, and then the metadata.
//
//	s := st.Login(store.Credential{User: mia, Mask: policy.All})
//	f, err := s.Open(store.Path{"Finance", "plan.odt"}, store.Terms{})
package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"davit/policy"
	"davit/store/blob"
	"davit/store/bolt"
	"davit/store/disk"
	"davit/store/engine"
)

// Format is the version of the data directory that this program writes. A newer
// one is refused, and an older one is raised when it is opened: from 2 on copies have
// references of their own, and who does not know them would erase what only copies use;
// from 3 on calendar objects have attachments, their index tells how they take time, and
// versions carry labels, which who does not know them would not keep them for; from 4 on
// the newest commits may lie in a journal, which who does not know it would pass over.
const Format = 4

// Errors that callers act on. The wrapping error says what was asked.
var (
	ErrNotFound  = policy.ErrNotFound
	ErrExists    = policy.ErrExists
	ErrInvalid   = policy.ErrInvalid
	ErrNoParent  = errors.New("the parent collection is missing")
	ErrNotDir    = errors.New("not a collection")
	ErrIsDir     = errors.New("a collection")
	ErrLoop      = errors.New("a collection cannot go into itself")
	ErrReserved  = errors.New("the root of a space is changed by its own commands")
	ErrStale     = errors.New("a condition of the request does not hold")
	ErrUnchanged = errors.New("unchanged since the condition")
	ErrDiskFull  = errors.New("the server's disk is full")
	ErrEpoch     = errors.New("the policy has changed meanwhile")
	ErrTooMany   = errors.New("more than the store takes at once")
	ErrInUse     = bolt.ErrInUse
	ErrNoStore   = errors.New("no data directory of davit; make one with: davit init --data DIR")
)

// Options of an open store. The zero value serves.
type Options struct {
	Log *slog.Logger
	// Clock is asked for every time that is kept or compared; time.Now if nil.
	Clock func() time.Time
	// Hooks pass every operation on files; tests record and fail them.
	Hooks []disk.Hook
	// FreeMin is kept free on the disk, so that deleting always works; 64 MiB if 0.
	FreeMin int64
	// OnBroken is called once when a commit failed and the process has to end.
	OnBroken func(error)
	// Index tells what a calendar object is found by, from its content: the check
	// and the rebuilding of the index ask. Instants are told within near.
	Index func(content []byte, near Span) (Object, error)
	// Mask takes from a private calendar object what is not for everybody who may
	// read; without it they read nothing.
	Mask func(content []byte) []byte
	// Scheduler knows what calendar objects say to people; without it nobody is
	// told of anything.
	Scheduler Scheduler
}

// A Store is one open data directory. It is safe for concurrent use.
type Store struct {
	dir   string
	db    engine.Engine
	files *disk.FS
	blobs *blob.Dir
	log   *slog.Logger
	clock func() time.Time
	index func(content []byte, near Span) (Object, error)
	mask  func(content []byte) []byte

	scheduler Scheduler
	letters   bell // rings when mail waits
	pushes    *pushes
	addresses atomic.Pointer[addressBook]

	state  atomic.Pointer[policy.State] // durable
	next   *policy.State                // with the batch under way; the committer's alone
	ids    allocator
	ledger ledger
	stamps stamps
	sealer sealer

	retrospects retrospects
	resumes     resumes

	denials   denials
	lockCount atomic.Int64 // records in the lock table, expired ones too
	downloads downloads
	freeMin   int64
	// calendars are the spaces that are known to have a collection of calendars.
	calendars sync.Map
	uids      uids

	collecting sync.Mutex // held by the one collection that runs
	touched    touched
	inflight   struct {
		sync.Mutex
		hashes map[[32]byte]int
	}
}

// Init makes a new data directory with the profile "standard" and no account,
// and finishes one that was begun.
func Init(dir string, o Options) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	st, err := open(dir, o)
	if err != nil {
		return err
	}
	err = st.update(context.Background(), engine.Foreground, func(tx *Tx) error {
		v, err := tx.r.Get(keyFormat)
		if err != nil {
			return err
		}
		if v != nil {
			return fmt.Errorf("%s holds a store already: %w", dir, ErrExists)
		}
		if err := tx.w.Put(keyFormat, binary.BigEndian.AppendUint32(nil, Format)); err != nil {
			return err
		}
		id, err := tx.newID()
		if err != nil {
			return err
		}
		if err := tx.newSealKey(); err != nil {
			return err
		}
		tx.via = commandLine
		return tx.change(policy.PutProfile{Profile: policy.Profile{ID: id, Name: "standard", Quota: policy.NoLimit}})
	})
	return errors.Join(err, st.Close())
}

// Open opens the data directory. A second process that tries is refused.
func Open(dir string, o Options) (*Store, error) {
	if _, err := os.Stat(filepath.Join(dir, "meta.db")); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoStore)
	}
	st, err := open(dir, o)
	if err != nil {
		return nil, err
	}
	err = st.load()
	if err == nil {
		err = st.loadSealer()
	}
	if err == nil {
		err = st.beginTrail()
	}
	if err == nil {
		err = st.indexTrash()
	}
	if err == nil {
		err = st.raise()
	}
	if err == nil {
		err = st.finishCopies()
	}
	if err == nil {
		err = st.loadResumes()
	}
	if err == nil {
		err = st.loadPushes()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), st.Close())
	}
	return st, nil
}

// raise marks the data directory as one that older programs do not know.
func (st *Store) raise() error {
	return st.update(context.Background(), engine.Foreground, func(tx *Tx) error {
		v, err := tx.r.Get(keyFormat)
		if err != nil || binary.BigEndian.Uint32(v) == Format {
			return err
		}
		return tx.w.Put(keyFormat, binary.BigEndian.AppendUint32(nil, Format))
	})
}

func open(dir string, o Options) (*Store, error) {
	st := &Store{dir: dir, log: o.Log, clock: o.Clock, freeMin: o.FreeMin, index: o.Index, mask: o.Mask, scheduler: o.Scheduler}
	st.letters, st.pushes = make(bell, 1), newPushes()
	if st.log == nil {
		st.log = slog.New(slog.DiscardHandler)
	}
	if st.clock == nil {
		st.clock = time.Now
	}
	if st.freeMin == 0 {
		st.freeMin = 64 << 20
	}
	st.inflight.hashes = map[[32]byte]int{}
	st.ledger.accounts = map[policy.Node]*account{}
	st.stamps.of = map[policy.ID]uint64{}
	st.downloads.of = map[policy.ID]int64{}
	st.resumes.of = map[string]*resuming{}
	st.denials.windows, st.denials.users = map[refusalKey]*denialsAlike{}, map[policy.ID]*denialRate{}
	empty, err := policy.Load(policy.Model{})
	if err != nil {
		return nil, err
	}
	st.state.Store(empty)
	st.next = empty
	st.files = disk.New(dir, o.Hooks...)
	st.db, err = bolt.Open(filepath.Join(dir, "meta.db"), bolt.Options{
		BeforeCommit: func() error { return st.files.Note(disk.Op{Kind: disk.Commit}) },
		OnBroken:     o.OnBroken,
	})
	if err != nil {
		return nil, err
	}
	if st.blobs, err = blob.Open(st.files); err != nil {
		return nil, errors.Join(err, st.db.Close())
	}
	return st, nil
}

// Close ends the store. Sessions and uploads must be over.
func (st *Store) Close() error {
	st.denials.tasks.Wait()
	err := st.writeDenials(allWindows)
	if errors.Is(err, engine.ErrBroken) || errors.Is(err, engine.ErrClosed) {
		err = nil // whoever met that has been told
	}
	return errors.Join(err, st.keepDownloads(context.Background()), st.db.Close())
}

// Now is the store's clock.
func (st *Store) Now() time.Time { return st.clock() }

// Policy is the policy as of the newest answered change.
func (st *Store) Policy() *policy.State { return st.state.Load() }

// load reads what stays in memory: the policy, the ledger, the counters.
func (st *Store) load() error {
	return st.db.View(func(r engine.Reader) error {
		v, err := r.Get(keyFormat)
		switch {
		case err != nil:
			return err
		case v == nil:
			return fmt.Errorf("begun and not finished: %w", ErrNoStore)
		case len(v) != 4:
			return fmt.Errorf("no format in the store: %w", engine.ErrDamaged)
		case binary.BigEndian.Uint32(v) > Format:
			return fmt.Errorf("the data directory has format %d, this davit knows up to %d; use a newer davit", binary.BigEndian.Uint32(v), Format)
		}
		state, err := loadPolicy(r)
		if err != nil {
			return err
		}
		st.state.Store(state)
		st.next = state
		if err := st.ids.load(r); err != nil {
			return err
		}
		n, err := count(r, tableLock)
		if err != nil {
			return err
		}
		st.lockCount.Store(int64(n))
		return st.ledger.load(r, state)
	})
}

// update runs fn as one durable transaction.
func (st *Store) update(ctx context.Context, p engine.Priority, fn func(*Tx) error) error {
	return st.db.Update(ctx, p, func(w engine.Writer) error {
		tx := &Tx{st: st, r: w, w: w, state: st.next, now: st.clock()}
		err := fn(tx)
		if err == nil {
			err = tx.finish()
		}
		if err != nil {
			for _, h := range tx.own {
				h.release()
			}
		}
		return err
	})
}

// view runs fn over one snapshot.
func (st *Store) view(fn func(*Tx) error) error {
	return st.db.View(func(r engine.Reader) error {
		// The policy is taken after the snapshot: nothing written under a newer
		// policy is read under an older one.
		return fn(&Tx{st: st, r: r, state: st.state.Load(), now: st.clock()})
	})
}
