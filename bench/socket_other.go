//go:build !unix

package main

import (
	"io"
	"net"
	"time"
)

// dial leaves the waiting to the network poller, which takes more of the processor:
// the figures are further from those of the servers alone.
func dial(address string, patience time.Duration) (io.ReadWriteCloser, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	return patient{conn, patience}, nil
}

// A patient connection lets nothing take longer than its patience.
type patient struct {
	net.Conn
	patience time.Duration
}

func (p patient) Read(b []byte) (int, error) {
	p.SetReadDeadline(time.Now().Add(p.patience)) // what is wrong with the connection, Read says
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	p.SetWriteDeadline(time.Now().Add(p.patience))
	return p.Conn.Write(b)
}
