package blob

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"davit/store/disk"
)

// bufferSize is what Temp.ReadFrom collects before it writes: a network gives
// 4 KiB at a time, and each write is a system call.
const bufferSize = 256 << 10

// keptMode lets nobody write to a blob, also by mistake.
const keptMode fs.FileMode = 0o400

var errOver = errors.New("temporary blob was kept or discarded before")

// A Temp is a blob being received. It is for one goroutine. Keep or Discard
// ends it; Discard after Keep does nothing, so it can be deferred.
type Temp struct {
	dir    *Dir
	file   *disk.File
	hash   hash.Hash
	size   int64
	err    error // the first failed write, or errOver
	there  bool  // whether the temporary name still is
	closed bool
}

// Create starts a blob.
func (d *Dir) Create() (*Temp, error) {
	file, err := d.fs.CreateTemp(TempDir)
	if err != nil {
		return nil, fmt.Errorf("receive blob: %w", err)
	}
	return &Temp{dir: d, file: file, hash: sha256.New(), there: true}, nil
}

// Write implements io.Writer. After an error nothing more is taken: what is on
// disk is no longer what was hashed.
func (t *Temp) Write(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.file.Write(p)
	t.hash.Write(p[:n])
	t.size += int64(n)
	if err != nil {
		t.err = fmt.Errorf("receive blob: %w", err)
	}
	return n, t.err
}

// ReadFrom implements io.ReaderFrom and writes in large pieces.
func (t *Temp) ReadFrom(r io.Reader) (total int64, err error) {
	buffer := t.dir.buffers.Get().(*[bufferSize]byte)
	defer t.dir.buffers.Put(buffer)
	for {
		n, readErr := fill(r, buffer[:])
		if n > 0 {
			written, err := t.Write(buffer[:n])
			total += int64(written)
			if err != nil {
				return total, err
			}
		}
		if readErr == io.EOF {
			return total, nil
		}
		if readErr != nil {
			return total, readErr
		}
	}
}

// fill reads until p is full or r ends. io.ReadFull would answer the same error
// for a body that ended and for one that broke off.
func fill(r io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	return n, err
}

// Sum returns the SHA-256 of what was received so far, and its length.
func (t *Temp) Sum() (hash [sha256.Size]byte, size int64) {
	return [sha256.Size]byte(t.hash.Sum(nil)), t.size
}

// Keep gives the content its final name and makes both durable. A blob of that
// name is replaced by its equal. After an error the name may be there, with the
// whole content behind it, but nothing should refer to it.
func (t *Temp) Keep(gen uint32) (Ref, error) {
	if t.err != nil {
		return Ref{}, t.err
	}
	t.err = errOver
	hash, size := t.Sum()
	ref := Ref{Hash: hash, Gen: gen, Size: size}
	if err := t.seal(); err != nil {
		return Ref{}, fmt.Errorf("keep blob %v: %w", ref, err)
	}
	if err := t.place(ref); err != nil {
		return Ref{}, fmt.Errorf("keep blob %v: %w", ref, err)
	}
	return ref, nil
}

// seal makes the content durable, with its final mode, under the temporary name.
func (t *Temp) seal() error {
	if err := t.file.Chmod(keptMode); err != nil {
		return err
	}
	if err := t.file.Sync(); err != nil {
		return err
	}
	return t.close()
}

// place renames the file and makes the name durable.
func (t *Temp) place(ref Ref) error {
	if err := t.dir.fs.Rename(t.file.Name(), ref.path()); err != nil {
		return err
	}
	t.there = false
	return t.dir.fs.SyncDir(ref.dir())
}

// Discard removes the temporary file.
func (t *Temp) Discard() error {
	t.err = errOver
	err := t.close()
	if !t.there {
		return err
	}
	if removeErr := t.dir.fs.Remove(t.file.Name()); removeErr != nil {
		return errors.Join(err, fmt.Errorf("discard blob: %w", removeErr))
	}
	t.there = false
	return err
}

func (t *Temp) close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	return t.file.Close()
}
