package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"davit/dav"
)

// A guest is a connection that is counted while it is open, and held to a pace: a
// client that takes less than least bytes of what it asked for in a period is hung up
// on, however long an answer takes in all. All else is the system's own, which sends
// files without copying them.
type guest struct {
	*net.TCPConn
	pace  pace
	log   *slog.Logger
	leave func()
	begun atomic.Int64 // the period, in Unix nanoseconds
	bound atomic.Bool  // by a deadline of somebody else, which counts instead
}

// Close implements net.Conn.
func (g *guest) Close() error {
	defer g.leave()
	return g.TCPConn.Close()
}

// SetWriteDeadline implements net.Conn.
func (g *guest) SetWriteDeadline(t time.Time) error {
	g.bound.Store(!t.IsZero())
	g.begun.Store(0)
	return g.TCPConn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (g *guest) SetDeadline(t time.Time) error {
	return errors.Join(g.TCPConn.SetReadDeadline(t), g.SetWriteDeadline(t))
}

// Write implements net.Conn.
func (g *guest) Write(p []byte) (n int, err error) {
	_, err = g.keepOn(func() (int64, error) {
		m, err := g.TCPConn.Write(p[n:])
		n += m
		return int64(m), err
	})
	return n, err
}

// ReadFrom implements io.ReaderFrom. Of a file only what was sent counts as read: the
// rest can be sent in the next period.
func (g *guest) ReadFrom(r io.Reader) (int64, error) {
	part, ok := r.(*dav.Stretch)
	if !ok {
		return io.Copy(struct{ io.Writer }{g}, r)
	}
	return g.keepOn(func() (int64, error) { return g.sendFile(part) })
}

// keepOn sends, a period at a time, while the client takes what is sent. It ends at
// the second period without progress: the system tells of room only when there is
// much, and an attempt finds the little that a slow client has made.
func (g *guest) keepOn(send func() (int64, error)) (total int64, err error) {
	for idle := 0; ; {
		g.extend()
		n, err := send()
		total += n
		if !errors.Is(err, os.ErrDeadlineExceeded) || g.bound.Load() {
			return total, err
		}
		if idle++; n >= g.pace.least {
			idle = 0
		}
		if idle == 2 {
			g.log.Warn("hung up on a client that stopped reading", "remote", g.RemoteAddr(), "period", g.pace.period, "bytes", n, "least", g.pace.least)
			return total, err
		}
	}
}

// extend begins a period, unless one has just begun.
func (g *guest) extend() {
	if g.pace.period == 0 || g.bound.Load() {
		return
	}
	now := time.Now()
	if now.UnixNano()-g.begun.Load() > int64(g.pace.period/4) {
		g.begun.Store(now.UnixNano())
		g.TCPConn.SetWriteDeadline(now.Add(g.pace.period))
	}
}
