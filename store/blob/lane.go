package blob

import (
	"hash"
	"sync"

	"davit/store/disk"
)

const (
	// laneFrom is the size from which a blob is written in a lane, in bytes; a
	// multiple of disk.DirectSize and of bufferSize.
	laneFrom = 8 << 20
	// pieceSize is what a lane writes at a time, and lanePieces how many of them
	// are on their way at once: one is received, one is hashed, one is written, and
	// one waits for the slowest of these.
	pieceSize  = 1 << 20
	lanePieces = 4
	// lanesMax bounds the memory, 4 MiB a lane. Who finds none free goes on as
	// small blobs do.
	lanesMax = 4
)

// A lane takes a large blob to the disk: while one piece is being received, one
// goroutine hashes the piece before it, and another writes the one before that, past
// the system's cache. A blob's bytes need the cache for nothing: they are written
// once, in order, and synced.
type lane struct {
	free    chan []byte // pieces to receive into
	full    chan load   // pieces to hash
	hashed  chan []byte // pieces to write
	hashing sync.WaitGroup
	written chan error // what came of it, once
	failed  chan error // holds the first failure for whoever hands over a piece
}

// A load is a piece whose first bytes may have been hashed before.
type load struct {
	piece []byte
	done  int
}

// openLane takes a free lane for the file, nil if there is none. It goes on with the
// hash, which is nobody else's but between rest and next.
func (d *Dir) openLane(file *disk.File, sum hash.Hash) *lane {
	var l *lane
	select {
	case l = <-d.lanes:
	default:
		return nil
	}
	if l == nil { // one that was never used
		l = &lane{free: make(chan []byte, lanePieces)}
		for range lanePieces {
			l.free <- make([]byte, 0, pieceSize)
		}
	}
	l.full, l.hashed = make(chan load, lanePieces), make(chan []byte, lanePieces)
	l.written, l.failed = make(chan error, 1), make(chan error, 1)
	file.Direct()
	go l.hash(sum)
	go l.write(file)
	return l
}

// hash hashes what it is handed, until that ends.
func (l *lane) hash(sum hash.Hash) {
	for it := range l.full {
		sum.Write(it.piece[it.done:])
		l.hashing.Done()
		l.hashed <- it.piece
	}
	close(l.hashed)
}

// write writes what it is handed, until that ends. After a failure it only gives
// the pieces back.
func (l *lane) write(file *disk.File) {
	var failure error
	for piece := range l.hashed {
		if failure == nil {
			if _, failure = file.Write(piece); failure != nil {
				l.failed <- failure
			}
		}
		l.free <- piece[:0]
	}
	l.written <- failure
}

// first is a piece to begin with.
func (l *lane) first() []byte { return <-l.free }

// rest waits until everything handed over is hashed.
func (l *lane) rest() { l.hashing.Wait() }

// next hands a piece over, of which the first bytes are hashed, and gives an empty
// one.
func (l *lane) next(piece []byte, done int) ([]byte, error) {
	l.hashing.Add(1)
	l.full <- load{piece, done}
	empty := <-l.free
	select {
	case err := <-l.failed:
		return empty, err
	default:
		return empty, nil
	}
}

// end waits until everything handed over is written. The piece that was being
// received is for the lane's next user.
func (l *lane) end(piece []byte) error {
	close(l.full)
	l.free <- piece[:0]
	return <-l.written
}
