package main

import (
	"cmp"
	"errors"
	"io"
	"os"
	"syscall"

	"davit/dav"
)

// sendFileMax is how much the system is asked to send at a time, in bytes.
const sendFileMax = 4 << 20

// sendFile has the system send what is left of the stretch, waiting while the
// connection takes no more.
func (g *guest) sendFile(s *dav.Stretch) (n int64, err error) {
	raw, err := g.SyscallConn()
	if err != nil {
		return 0, err
	}
	before, failed := s.N, error(nil)
	err = raw.Write(func(to uintptr) (done bool) {
		for s.N > 0 {
			n, err := syscall.Sendfile(int(to), int(s.File.Fd()), &s.At, int(min(s.N, sendFileMax)))
			s.N -= int64(max(n, 0))
			switch {
			case err == nil && n == 0:
				failed = io.ErrUnexpectedEOF
				return true
			case errors.Is(err, syscall.EAGAIN):
				return false
			case err != nil && !errors.Is(err, syscall.EINTR):
				failed = os.NewSyscallError("sendfile", err)
				return true
			}
		}
		return true
	})
	return before - s.N, cmp.Or(err, failed)
}
