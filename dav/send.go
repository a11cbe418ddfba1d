package dav

import (
	"io"
	"net/http"
	"net/netip"
	"os"
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

// send answers with a file, or the ranges of it that are asked for, if the
// conditions of the request hold.
func (rq *request) send(size int64, modified time.Time, file *os.File) {
	section := io.NewSectionReader(file, 0, size)
	http.ServeContent(&pieces{rq.w, rq, file, section}, rq.r, "", modified, section)
}

// pieces writes what it reads from a file in large pieces, where that is faster.
type pieces struct {
	http.ResponseWriter
	*request
	file    *os.File
	section *io.SectionReader // of the file
}

// ReadFrom implements io.ReaderFrom, for http.ServeContent.
func (p *pieces) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*io.LimitedReader)
	if !ok || part.R != p.section { // several ranges, which come through a pipe
		return io.Copy(struct{ io.Writer }{p.ResponseWriter}, r)
	}
	if p.wantsPieces(part.N) {
		select {
		case buffer := <-p.h.senders:
			if buffer == nil {
				buffer = make([]byte, sendSize)
			}
			defer func() { p.h.senders <- buffer }()
			// Hidden, neither end can choose another way.
			return io.CopyBuffer(struct{ io.Writer }{p.ResponseWriter}, struct{ io.Reader }{r}, buffer)
		default:
		}
	}
	return p.bySystem(part.N)
}

// wantsPieces tells whether copying n bytes is the faster way: many of them over
// loopback, where a proxy on this machine sits. The system's own copying from file to
// connection spares the processor a copy, but hands every page over by itself, and the
// other end takes it so.
func (rq *request) wantsPieces(n int64) bool {
	if n < sendSize {
		return false
	}
	addr, err := netip.ParseAddrPort(rq.r.RemoteAddr)
	return err == nil && addr.Addr().IsLoopback()
}

// bySystem has the system send n bytes from where the section stands.
func (p *pieces) bySystem(n int64) (int64, error) {
	at, err := p.section.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	return io.Copy(p.ResponseWriter, &Stretch{p.file, at, n})
}

// A Stretch is the N bytes of a file from At on, as a reader. Several may read one
// file at a time: none of them uses its place.
type Stretch struct {
	File  *os.File
	At, N int64
}

// Read implements io.Reader. A file that ends before is io.ErrUnexpectedEOF.
func (s *Stretch) Read(p []byte) (int, error) {
	if s.N <= 0 {
		return 0, io.EOF
	}
	n, err := s.File.ReadAt(p[:min(int64(len(p)), s.N)], s.At)
	s.At, s.N = s.At+int64(n), s.N-int64(n)
	switch {
	case err != io.EOF:
		return n, err
	case n > 0 || len(p) == 0:
		return n, nil
	}
	return 0, io.ErrUnexpectedEOF
}
