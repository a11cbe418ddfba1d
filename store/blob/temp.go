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

// bufferSize is what a Temp collects before it writes: a network gives 4 KiB at
// a time, and each write is a system call.
const bufferSize = 256 << 10

// keptMode lets nobody write to a blob, also by mistake.
const keptMode fs.FileMode = 0o400

var errOver = errors.New("temporary blob was kept or discarded before")

// A Temp is a blob being received. It is for one goroutine. Keep or Discard
// ends it; Discard after Keep does nothing, so it can be deferred.
type Temp struct {
	dir    *Dir
	file   *disk.File
	hash   hash.Hash // of all but what the lane is to hash
	size   int64
	buffer *[bufferSize]byte // nil once the lane has taken over
	piece  []byte            // what was received and not written yet, in the buffer or the lane's
	hashed int               // so many bytes of the piece
	lane   *lane             // nil while the blob is small
	err    error             // the first failed write, or errOver
	there  bool              // whether it has no final name yet
	closed bool
}

// Create starts a blob.
func (d *Dir) Create() (*Temp, error) {
	file, err := d.fs.CreateUnnamed(TempDir)
	if err != nil {
		return nil, fmt.Errorf("receive blob: %w", err)
	}
	t := &Temp{dir: d, file: file, hash: sha256.New(), there: true}
	t.buffer = d.buffers.Get().(*[bufferSize]byte)
	t.piece = t.buffer[:0]
	return t, nil
}

// Write implements io.Writer. After an error, which may be that of an earlier
// piece, nothing more is taken: what is on disk is no longer what was hashed.
func (t *Temp) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		if err := t.makeRoom(); err != nil {
			return n, err
		}
		k := copy(t.room(), p)
		t.took(k)
		n, p = n+k, p[k:]
	}
	return n, t.err
}

// ReadFrom implements io.ReaderFrom.
func (t *Temp) ReadFrom(r io.Reader) (total int64, err error) {
	for {
		if err := t.makeRoom(); err != nil {
			return total, err
		}
		n, err := r.Read(t.room())
		t.took(n)
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// room is where more can be received.
func (t *Temp) room() []byte { return t.piece[len(t.piece):cap(t.piece)] }

// took adds the next n bytes of the room to the blob.
func (t *Temp) took(n int) {
	t.piece = t.piece[:len(t.piece)+n]
	t.size += int64(n)
	if t.lane == nil {
		t.sum()
	}
}

// sum hashes what is not hashed of the piece.
func (t *Temp) sum() {
	t.hash.Write(t.piece[t.hashed:])
	t.hashed = len(t.piece)
}

// makeRoom writes a full piece.
func (t *Temp) makeRoom() error {
	if t.err == nil && len(t.piece) == cap(t.piece) {
		t.err = t.flush()
	}
	return t.err
}

// flush hands what was received to the disk. A blob that turns out to be large
// goes on in a lane, if one is free.
func (t *Temp) flush() (err error) {
	if t.lane != nil {
		t.piece, err = t.lane.next(t.piece, t.hashed)
	} else {
		_, err = t.file.Write(t.piece)
		t.piece = t.piece[:0]
		if t.size >= laneFrom {
			t.enterLane()
		}
	}
	t.hashed = 0
	if err != nil {
		err = fmt.Errorf("receive blob: %w", err)
	}
	return err
}

// enterLane leaves the buffer for a lane's.
func (t *Temp) enterLane() {
	if t.lane = t.dir.openLane(t.file, t.hash); t.lane != nil {
		t.giveBack()
		t.piece = t.lane.first()
	}
}

// giveBack ends the use of the buffer.
func (t *Temp) giveBack() {
	if t.buffer != nil {
		t.dir.buffers.Put(t.buffer)
		t.buffer = nil
	}
}

// Sum returns the SHA-256 of what was received so far, and its length.
func (t *Temp) Sum() (hash [sha256.Size]byte, size int64) {
	if t.lane != nil {
		t.lane.rest()
		t.sum()
	}
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

// seal makes the content durable, with its final mode, before anybody finds it.
func (t *Temp) seal() error {
	if len(t.piece) > 0 {
		if err := t.flush(); err != nil {
			return err
		}
	}
	if err := t.leave(); err != nil {
		return err
	}
	if err := t.file.Chmod(keptMode); err != nil {
		return err
	}
	return t.file.Sync()
}

// place gives the file its name and makes that durable.
func (t *Temp) place(ref Ref) error {
	if err := t.file.Place(ref.path()); err != nil {
		return err
	}
	t.there = false
	return errors.Join(t.dir.fs.SyncDir(ref.dir()), t.close())
}

// leave waits for what is still being written, and gives all memory back.
func (t *Temp) leave() (err error) {
	t.giveBack()
	if t.lane != nil {
		err = t.lane.end(t.piece)
		t.dir.lanes <- t.lane
		t.lane = nil
	}
	t.piece, t.hashed = nil, 0
	return err
}

// Discard lets go of what was received.
func (t *Temp) Discard() error {
	t.err = errOver
	t.leave() // whether all was written is of no interest any more
	err := t.close()
	if !t.there {
		return err
	}
	if removeErr := t.file.Drop(); removeErr != nil {
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
