package main

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// streamPart is how much of an answer is given to HTTP/2 at a time: one frame.
const streamPart = 16 << 10

// A stream is an answer over HTTP/2 that is held to a pace. There the connection goes
// on while a client lets one stream stand still, so that its guest sees nothing: the
// flow control of the stream keeps the writer waiting. A part that the client does not
// take in the time that it has at the least pace, and a period, ends the stream; the
// others go on.
type stream struct {
	http.ResponseWriter
	pace
	conn  *http.ResponseController
	log   *slog.Logger
	from  string
	watch *time.Timer

	mu    sync.Mutex
	until time.Time // the part under way has time, zero if none is
}

// stream holds the answer to a request over HTTP/2 to the pace; nil where there is
// nothing to hold. The caller ends it when the answer is given.
func (p pace) stream(w http.ResponseWriter, r *http.Request, log *slog.Logger) *stream {
	if r.ProtoMajor != 2 || p.period == 0 || p.least == 0 {
		return nil
	}
	s := &stream{ResponseWriter: w, pace: p, conn: http.NewResponseController(w), log: log, from: r.RemoteAddr}
	s.watch = time.AfterFunc(time.Hour, s.look)
	s.watch.Stop()
	return s
}

// Unwrap lets a ResponseController find what else the answer can do.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Write implements http.ResponseWriter.
func (s *stream) Write(p []byte) (n int, err error) {
	for {
		part := p[n:min(n+streamPart, len(p))]
		s.begin(len(part))
		m, err := s.ResponseWriter.Write(part)
		s.rest()
		if n += m; err != nil || n >= len(p) {
			return n, err
		}
	}
}

// patience is how long a part may take.
func (s *stream) patience(size int) time.Duration {
	return s.period * time.Duration(1+(int64(size)+s.least-1)/s.least)
}

func (s *stream) begin(size int) {
	wait := s.patience(max(size, 1))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Now().Add(wait)
	s.watch.Reset(wait)
}

func (s *stream) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Time{}
	s.watch.Stop()
}

// look ends the stream when a part has had its time.
func (s *stream) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until.IsZero() || time.Now().Before(s.until) {
		return // another part is under way by now, or none
	}
	s.log.Warn("ended the stream of a client that stopped reading", "remote", s.from, "period", s.period, "least", s.least)
	s.conn.SetWriteDeadline(time.Now())
}

// end bounds the sending of what the server itself still holds of the answer.
func (s *stream) end() { s.conn.SetWriteDeadline(time.Now().Add(s.patience(streamPart))) }
