// Package disk is the only door from the blobs to the file system. It owns one
// directory and tells every change of it to hooks before it happens, so that a
// test can record the order of operations, break the n-th of them, or play a
// disk that lies. It never decides what to write or when to sync.
//
//	fsys := disk.New(dataDir, recorder.Hook)
//	f, err := fsys.CreateTemp("blobs/tmp")
package disk

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"
)

const (
	dirMode  fs.FileMode = 0o700
	tempMode fs.FileMode = 0o600
)

// An FS is one directory. Names in it are slash-separated and relative, and
// name nothing outside it.
type FS struct {
	root  string
	hooks []Hook

	probe   sync.Once
	unnamed bool // whether files can be made without a name, known after the probe
}

// New roots a file system at a directory, which it does not touch yet. Each
// change passes the hooks in their order; a later one does not hear of what an
// earlier refused.
func New(dir string, hooks ...Hook) *FS { return &FS{root: dir, hooks: hooks} }

// Mkdir makes one directory; an existing one is an fs.ErrExist.
func (f *FS) Mkdir(name string) error {
	full, err := f.full(name)
	if err != nil {
		return err
	}
	return f.do(Op{Kind: Mkdir, Name: name}, func() error { return os.Mkdir(full, dirMode) })
}

// CreateTemp makes a file of a new random name in dir, open for writing.
func (f *FS) CreateTemp(dir string) (*File, error) {
	name := path.Join(dir, rand.Text())
	full, err := f.full(name)
	if err != nil {
		return nil, err
	}
	// Skip has no meaning here: without a file there is nothing to hand out.
	if err := f.Note(Op{Kind: Create, Name: name}); err != nil {
		return nil, &fs.PathError{Op: Create.String(), Path: name, Err: err}
	}
	file, err := os.OpenFile(full, os.O_RDWR|os.O_CREATE|os.O_EXCL, tempMode)
	if err != nil {
		return nil, err
	}
	return &File{fs: f, file: file, name: name}, nil
}

// CreateUnnamed is CreateTemp without a name on the disk, where the file system
// can: nothing is left of it when the process dies, and the directory is not
// written to for it. Place gives the file the name that it is to have, Drop ends
// it without one.
func (f *FS) CreateUnnamed(dir string) (*File, error) {
	name := path.Join(dir, rand.Text())
	full, err := f.full(name)
	if err != nil {
		return nil, err
	}
	f.probe.Do(func() { f.unnamed = canLink(filepath.Dir(full), full) })
	if !f.unnamed {
		return f.CreateTemp(dir)
	}
	if err := f.Note(Op{Kind: Create, Name: name}); err != nil {
		return nil, &fs.PathError{Op: Create.String(), Path: name, Err: err}
	}
	file, err := openUnnamed(filepath.Dir(full), full)
	if err != nil {
		return nil, err
	}
	return &File{fs: f, file: file, name: name, unnamed: true}, nil
}

// canLink makes a file without a name and gives it one, which not every file
// system can, and no process without /proc.
func canLink(dir, full string) bool {
	file, err := openUnnamed(dir, full)
	if err != nil {
		return false
	}
	defer file.Close()
	return linkUnnamed(file, full) == nil && os.Remove(full) == nil
}

// Open opens a file for reading. It is the plain *os.File, which the network
// can send without copying.
func (f *FS) Open(name string) (*os.File, error) {
	full, err := f.full(name)
	if err != nil {
		return nil, err
	}
	return openPlain(full)
}

// Rename moves a file, replacing what has the name. It is durable only after
// SyncDir of the new directory.
func (f *FS) Rename(from, to string) error {
	fullFrom, err := f.full(from)
	if err != nil {
		return err
	}
	fullTo, err := f.full(to)
	if err != nil {
		return err
	}
	return f.do(Op{Kind: Rename, Name: from, To: to}, func() error { return os.Rename(fullFrom, fullTo) })
}

// Remove removes a file or an empty directory.
func (f *FS) Remove(name string) error {
	full, err := f.full(name)
	if err != nil {
		return err
	}
	return f.do(Op{Kind: Remove, Name: name}, func() error { return os.Remove(full) })
}

// SyncDir makes the names in a directory durable: those of new and renamed
// files and of new directories.
func (f *FS) SyncDir(name string) error {
	full, err := f.full(name)
	if err != nil {
		return err
	}
	return f.do(Op{Kind: SyncDir, Name: name}, func() error {
		dir, err := os.Open(full)
		if err != nil {
			return err
		}
		return errors.Join(dir.Sync(), dir.Close())
	})
}

// ReadDir lists a directory, sorted by name.
func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	full, err := f.full(name)
	if err != nil {
		return nil, err
	}
	return os.ReadDir(full)
}

// Free returns how many bytes an ordinary user may still write to the volume.
func (f *FS) Free() (int64, error) { return free(f.root) }

// Note passes the hooks for an operation that somebody else performs, as the
// commit of the database beside the files. It returns what a hook says, even
// Skip.
func (f *FS) Note(op Op) error {
	for _, hook := range f.hooks {
		if err := hook(op); err != nil {
			return err
		}
	}
	return nil
}

// do performs one operation if the hooks let it pass.
func (f *FS) do(op Op, act func() error) error {
	pass, err := f.pass(op)
	if err != nil || !pass {
		return err
	}
	return act()
}

// pass asks the hooks: an operation neither passed nor failed is to be skipped.
func (f *FS) pass(op Op) (bool, error) {
	switch err := f.Note(op); {
	case err == nil:
		return true, nil
	case errors.Is(err, Skip):
		return false, nil
	default:
		return false, &fs.PathError{Op: op.Kind.String(), Path: op.Name, Err: err}
	}
}

func (f *FS) full(name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: "resolve", Path: name, Err: fs.ErrInvalid}
	}
	return filepath.Join(f.root, filepath.FromSlash(name)), nil
}

// A File is a new file being written. It keeps the name it was created with,
// also after a Rename.
type File struct {
	fs      *FS
	file    *os.File
	name    string
	written int64 // bytes
	handed  int64 // of these, handed to the disk
	direct  bool
	unnamed bool
}

// handOver is how much of a file is written before the disk is asked to begin
// with it: a large file then does not wait for all of it at its Sync.
const handOver = 8 << 20

// Name returns the name it was created with, relative to its FS.
func (f *File) Name() string { return f.name }

// Write implements io.Writer.
func (f *File) Write(p []byte) (int, error) {
	pass, err := f.fs.pass(Op{Kind: Write, Name: f.name, N: int64(len(p))})
	if err != nil {
		return 0, err
	}
	if !pass {
		return len(p), nil
	}
	n, err := f.write(p)
	if f.written += int64(n); f.written-f.handed >= handOver {
		beginWriting(f.file, f.handed, f.written-f.handed)
		f.handed = f.written
	}
	return n, err
}

// DirectSize is what pieces written after Direct, and the length of what was
// written before it, are a multiple of.
const DirectSize = 4096

// Direct lets what is written from now on go to the disk at once, past the
// system's cache: nothing is copied there, nothing else is pushed out of it, and
// Sync has little left to wait for. Whatever cannot be written that way, on this
// file system or from that memory, goes through the cache as before.
func (f *File) Direct() { f.direct = setDirect(f.file) == nil }

// write falls back to the cache when a direct write is refused, as the last piece
// of a file is, which ends anywhere.
func (f *File) write(p []byte) (int, error) {
	if f.direct && len(p)%DirectSize != 0 {
		if err := f.endDirect(); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(p)
	if !f.direct || n > 0 || !errors.Is(err, syscall.EINVAL) {
		return n, err
	}
	if err := f.endDirect(); err != nil {
		return 0, err
	}
	return f.file.Write(p)
}

func (f *File) endDirect() error {
	f.direct = false
	return clearDirect(f.file)
}

// ReadFrom implements io.ReaderFrom: the system may copy from file to file by
// itself. The hooks see it as one Write of unknown length.
func (f *File) ReadFrom(r io.Reader) (int64, error) {
	pass, err := f.fs.pass(Op{Kind: Write, Name: f.name, N: -1})
	if err != nil {
		return 0, err
	}
	if !pass {
		return io.Copy(io.Discard, r)
	}
	return f.file.ReadFrom(r)
}

// Sync makes the content and the mode durable, not the name: that is SyncDir's.
func (f *File) Sync() error {
	return f.fs.do(Op{Kind: Sync, Name: f.name}, f.file.Sync)
}

// Chmod changes the mode.
func (f *File) Chmod(mode fs.FileMode) error {
	return f.fs.do(Op{Kind: Chmod, Name: f.name, N: int64(mode)}, func() error { return f.file.Chmod(mode) })
}

// Place gives the file another name, replacing what has it. Like a Rename it is
// durable only after SyncDir of the new directory.
func (f *File) Place(to string) error {
	if !f.unnamed {
		return f.fs.Rename(f.name, to)
	}
	full, err := f.fs.full(to)
	if err != nil {
		return err
	}
	return f.fs.do(Op{Kind: Rename, Name: f.name, To: to}, func() error {
		err := linkUnnamed(f.file, full)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		// A first name must be free: it gets the one it would have had.
		own, err := f.fs.full(f.name)
		if err == nil {
			err = linkUnnamed(f.file, own)
		}
		if err == nil {
			err = os.Rename(own, full)
		}
		return err
	})
}

// Drop takes away the name that CreateUnnamed had to give.
func (f *File) Drop() error {
	if f.unnamed {
		return nil
	}
	return f.fs.Remove(f.name)
}

// Close closes the file and makes nothing durable.
func (f *File) Close() error { return f.file.Close() }
