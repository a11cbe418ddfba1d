// Package blob keeps immutable content, each in a file named by its SHA-256 and
// a generation: blobs/ab/<sha256>-<generation>. A name appears only with its
// whole content behind it, and is durable when Keep returns. The package never
// decides which blobs are still needed; the store counts that, and hands out
// the generations, so that a late removal cannot hit content uploaded again.
//
//	temp, err := dir.Create()
//	defer temp.Discard()
//	_, err = io.Copy(temp, body)
//	ref, err := temp.Keep(generation)
package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"davit/store/disk"
)

const root = "blobs"

// TempDir holds what is being received.
const TempDir = root + "/tmp"

// ErrDamaged is wrapped by the error for a blob that is not what its name says.
var ErrDamaged = errors.New("damaged blob")

// A Ref names one blob.
type Ref struct {
	Hash [sha256.Size]byte
	Gen  uint32
	Size int64
}

// String is the name of the blob's file.
func (r Ref) String() string { return fmt.Sprintf("%x-%d", r.Hash, r.Gen) }

// dir is one of 256, made once: a second level, made on demand, costs most
// uploads a further sync, and file systems find a name among 100,000 as fast.
func (r Ref) dir() string { return fmt.Sprintf("%s/%02x", root, r.Hash[0]) }

func (r Ref) path() string { return r.dir() + "/" + r.String() }

// A Dir is the folder of blobs of one data directory. It is safe for use by
// several goroutines.
type Dir struct {
	fs      *disk.FS
	buffers sync.Pool
	lanes   chan *lane // those that are free, nil for one never used
	shared  shared
}

// Open makes the directories where they are missing, and removes
// the temporary files of earlier processes: the caller holds the lock on the
// data directory, so none of them is being written.
func Open(fsys *disk.FS) (*Dir, error) {
	d := &Dir{fs: fsys, buffers: sync.Pool{New: func() any { return new([bufferSize]byte) }}}
	d.lanes = make(chan *lane, lanesMax)
	for range lanesMax {
		d.lanes <- nil
	}
	if err := d.lay(); err != nil {
		return nil, fmt.Errorf("prepare the blob directory: %w", err)
	}
	leftovers, err := fsys.ReadDir(TempDir)
	if err != nil {
		return nil, fmt.Errorf("sweep temporary files: %w", err)
	}
	for _, entry := range leftovers {
		if err := fsys.Remove(path.Join(TempDir, entry.Name())); err != nil {
			return nil, fmt.Errorf("sweep temporary files: %w", err)
		}
	}
	return d, nil
}

// lay syncs also what it finds: the process that made it may have been killed
// before it could.
func (d *Dir) lay() error {
	if err := d.mkdir(root); err != nil {
		return err
	}
	if err := d.fs.SyncDir("."); err != nil {
		return err
	}
	for first := range 256 {
		if err := d.mkdir(fmt.Sprintf("%s/%02x", root, first)); err != nil {
			return err
		}
	}
	if err := d.mkdir(TempDir); err != nil {
		return err
	}
	return d.fs.SyncDir(root)
}

// mkdir is content with a directory that is there.
func (d *Dir) mkdir(name string) error {
	if err := d.fs.Mkdir(name); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Open opens a blob for reading. A blob that is gone is an fs.ErrNotExist; one
// of another length than its Ref says is ErrDamaged. The content is not read
// here: that is Verify.
func (d *Dir) Open(ref Ref) (*os.File, error) {
	file, err := d.fs.Open(ref.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %v is missing: %w", ref, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	info, err := file.Stat()
	if err == nil && info.Size() != ref.Size {
		err = fmt.Errorf("%w: %v has %d bytes, not %d", ErrDamaged, ref, info.Size(), ref.Size)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// Verify reads a blob and compares it with its name.
func (d *Dir) Verify(ref Ref) error {
	file, err := d.Open(ref)
	if err != nil {
		return err
	}
	defer file.Close()
	buffer := d.buffers.Get().(*[bufferSize]byte)
	defer d.buffers.Put(buffer)
	hash := sha256.New()
	// Hidden behind a plain Reader, the file cannot choose a small buffer itself.
	if _, err := io.CopyBuffer(hash, struct{ io.Reader }{file}, buffer[:]); err != nil {
		return fmt.Errorf("read blob %v: %w", ref, err)
	}
	if sum := hash.Sum(nil); [sha256.Size]byte(sum) != ref.Hash {
		return fmt.Errorf("%w: %v has content of hash %x", ErrDamaged, ref, sum)
	}
	return nil
}

// Remove removes a blob; an absent one is no error, since a crash may come
// between the removal and the note of it. The removal is not synced: what
// comes back after a power cut is a blob that nobody refers to.
func (d *Dir) Remove(ref Ref) error {
	defer d.shared.forget(ref)
	if err := d.fs.Remove(ref.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove blob: %w", err)
	}
	return nil
}

// Each calls fn for the blobs in the order of their names, with the time each
// was received, until fn answers false. Files that no blob could be called are
// passed over, and so is a blob removed meanwhile.
func (d *Dir) Each(fn func(ref Ref, received time.Time) bool) error {
	for first := range 256 {
		going, err := d.eachIn(fmt.Sprintf("%s/%02x", root, first), fn)
		if err != nil || !going {
			return err
		}
	}
	return nil
}

func (d *Dir) eachIn(dir string, fn func(Ref, time.Time) bool) (going bool, err error) {
	entries, err := d.fs.ReadDir(dir)
	if err != nil {
		return false, fmt.Errorf("list blobs: %w", err)
	}
	for _, entry := range entries {
		ref, ok := parse(entry.Name())
		if !ok || ref.dir() != dir {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("list blobs: %w", err)
		}
		ref.Size = info.Size()
		if info.Mode().IsRegular() && !fn(ref, info.ModTime()) {
			return false, nil
		}
	}
	return true, nil
}

// parse reads a name as Ref.String writes it, and nothing else.
func parse(name string) (ref Ref, ok bool) {
	hash, gen, _ := strings.Cut(name, "-")
	sum, err := hex.DecodeString(hash)
	if err != nil || len(sum) != sha256.Size {
		return Ref{}, false
	}
	n, err := strconv.ParseUint(gen, 10, 32)
	ref = Ref{Hash: [sha256.Size]byte(sum), Gen: uint32(n)}
	return ref, err == nil && ref.String() == name
}
