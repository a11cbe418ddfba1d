package dav

import (
	"errors"
	"log/slog"
	"sync"

	"davit/store"
)

// Uploads bounds the uploads that are open at a time; zero is no limit.
type Uploads struct {
	PerAccount int // of one account, or through one link
	Open       int // of everybody
}

var (
	errUploads = errors.New("too many uploads at once; wait until some are done")
	errBusy    = errors.New("too many uploads at once on this server; try again")
)

// uploadRetrySeconds is when to try again.
const uploadRetrySeconds = 10

// uploads counts those that are open. Each may hold a temporary file and room
// that others want.
type uploads struct {
	Uploads
	log  *slog.Logger
	mu   sync.Mutex
	open int
	told bool // that there were too many; once, until one of them is done
	by   map[string]*uploader
}

type uploader struct {
	open int
	told bool
}

func newUploads(u Uploads, log *slog.Logger) *uploads {
	return &uploads{Uploads: u, log: log, by: map[string]*uploader{}}
}

// begin counts an upload until end is called.
func (u *uploads) begin(s *store.Session, m *mount) (end func(), err error) {
	key := s.UserName()
	if s.IsLink() {
		key = m.prefix
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	by := u.by[key]
	switch {
	case u.Open > 0 && u.open >= u.Open:
		if !u.told {
			u.log.Warn("an upload was refused, as many are open", "open", u.open)
		}
		u.told = true
		return nil, errBusy
	case u.PerAccount > 0 && by != nil && by.open >= u.PerAccount:
		if !by.told {
			u.log.Warn("an account has too many uploads open", "account", s.UserName(), "link", s.IsLink(), "open", by.open)
		}
		by.told = true
		return nil, errUploads
	case by == nil:
		by = new(uploader)
		u.by[key] = by
	}
	u.open++
	by.open++
	return func() { u.end(key) }, nil
}

func (u *uploads) end(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open--
	u.told = false
	by := u.by[key]
	by.told = false
	if by.open--; by.open == 0 {
		delete(u.by, key)
	}
}
