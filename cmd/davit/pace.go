package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"
)

// A pace is the least progress that a request's body has to make: a client that
// sends less than least bytes in a period is hung up on. An honest upload over a
// slow line takes as long as it takes; one that stands still does not hold a
// connection and a reservation for ever.
type pace struct {
	period time.Duration // 0: any pace will do
	least  int64         // bytes
}

// keep gives the request with its body held to the pace. The one that came stays
// as it is, like the ResponseWriter: the server looks at its body when it was not
// read, and would else ask a client that waits with Expect: 100-continue for it.
func (p pace) keep(w http.ResponseWriter, r *http.Request, log *slog.Logger) *http.Request {
	if p.period == 0 || r.Body == nil || r.Body == http.NoBody {
		return r
	}
	b := &paced{ReadCloser: r.Body, pace: p, conn: http.NewResponseController(w), log: log, from: r.RemoteAddr}
	b.extend()                         // also for a body that nobody reads but the server, to skip it
	held := r.WithContext(r.Context()) // a shallow copy
	held.Body = b
	return held
}

// paced is a body that is held to a pace.
type paced struct {
	io.ReadCloser
	pace
	conn  *http.ResponseController
	log   *slog.Logger
	from  string
	read  bool
	begun time.Time // of the period
	n     int64     // bytes in it
}

// extend begins a period.
func (b *paced) extend() {
	b.begun, b.n = time.Now(), 0
	b.conn.SetReadDeadline(b.begun.Add(b.period)) // a connection that has no deadlines has its own
}

func (b *paced) Read(p []byte) (int, error) {
	if !b.read { // what came before is the server's own time
		b.read = true
		b.extend()
	}
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		b.log.Warn("hung up on a client whose upload stood still", "remote", b.from, "period", b.period, "bytes", b.n, "least", b.least)
	case err != nil:
		// The deadline would else end the connection while it is answered.
		b.conn.SetReadDeadline(time.Time{})
	case b.n >= b.least && time.Since(b.begun) > b.period/4: // not at each read
		b.extend()
	}
	return n, err
}
