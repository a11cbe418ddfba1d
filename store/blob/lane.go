package blob

import "davit/store/disk"

const (
	// laneFrom is the size from which a blob is written in a lane, in bytes; a
	// multiple of disk.DirectSize and of bufferSize.
	laneFrom = 8 << 20
	// pieceSize is what a lane writes at a time, and lanePieces how many of them
	// are on their way at once: one is written, one waits, one is received.
	pieceSize  = 1 << 20
	lanePieces = 3
	// lanesMax bounds the memory, 3 MiB a lane. Who finds none free goes on as
	// small blobs do.
	lanesMax = 4
)

// A lane takes a large blob to the disk: a goroutine writes one piece past the
// system's cache while the next is being received and hashed. A blob's bytes
// need the cache for nothing: they are written once, in order, and synced.
type lane struct {
	free    chan []byte // pieces to receive into
	full    chan []byte // pieces to write
	written chan error  // what came of it, once
	failed  chan error  // holds the first failure for whoever hands over a piece
}

// openLane takes a free lane for the file, nil if there is none.
func (d *Dir) openLane(file *disk.File) *lane {
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
	l.full, l.written, l.failed = make(chan []byte, lanePieces), make(chan error, 1), make(chan error, 1)
	file.Direct()
	go l.write(file)
	return l
}

// write writes what it is handed, until that ends. After a failure it only gives
// the pieces back.
func (l *lane) write(file *disk.File) {
	var failure error
	for piece := range l.full {
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

// next hands a piece over to be written and gives an empty one.
func (l *lane) next(piece []byte) ([]byte, error) {
	l.full <- piece
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
