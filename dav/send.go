package dav

import (
	"io"
	"net/http"
	"net/netip"
	"time"
)

const (
	// sendSize is what is read from a file before it is sent, in bytes.
	sendSize = 1 << 20
	// sendersMax bounds the memory for that. Who finds none free has the system
	// copy from file to connection by itself, which is slower on loopback and
	// takes no memory.
	sendersMax = 16
)

// senders are the buffers that are free, nil for one never used.
type senders chan []byte

func newSenders() senders {
	s := make(senders, sendersMax)
	for range sendersMax {
		s <- nil
	}
	return s
}

// send answers with content, or the ranges of it that are asked for, if the
// conditions of the request hold.
func (rq *request) send(size int64, modified time.Time, content io.ReadSeeker) {
	w := rq.w
	if rq.wantsPieces(size) {
		select {
		case buffer := <-rq.h.senders:
			if buffer == nil {
				buffer = make([]byte, sendSize)
			}
			defer func() { rq.h.senders <- buffer }()
			w = pieces{w, buffer}
		default:
		}
	}
	http.ServeContent(w, rq.r, "", modified, content)
}

// wantsPieces tells whether copying is the faster way: for large files over
// loopback, where a proxy on this machine sits. The system's own copying from
// file to connection spares the processor a copy, but hands every page over by
// itself, and the other end takes it so.
func (rq *request) wantsPieces(size int64) bool {
	if size < sendSize || rq.r.Header["Range"] != nil {
		return false
	}
	addr, err := netip.ParseAddrPort(rq.r.RemoteAddr)
	return err == nil && addr.Addr().IsLoopback()
}

// pieces writes what it reads from a file in large pieces.
type pieces struct {
	http.ResponseWriter
	buffer []byte
}

// ReadFrom implements io.ReaderFrom, for http.ServeContent.
func (p pieces) ReadFrom(r io.Reader) (int64, error) {
	// Hidden, neither end can choose another way.
	return io.CopyBuffer(struct{ io.Writer }{p.ResponseWriter}, struct{ io.Reader }{r}, p.buffer)
}
