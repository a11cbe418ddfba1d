//go:build !linux

package main

import "davit/dav"

// sendFilePart is what is read and sent at a time, in bytes.
const sendFilePart = 64 << 10

// sendFile sends what is left of the stretch.
func (g *guest) sendFile(s *dav.Stretch) (total int64, err error) {
	buffer := make([]byte, sendFilePart)
	for s.N > 0 {
		n, err := s.Read(buffer)
		if err != nil {
			return total, err
		}
		m, err := g.TCPConn.Write(buffer[:n])
		total += int64(m)
		s.At, s.N = s.At-int64(n-m), s.N+int64(n-m)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
