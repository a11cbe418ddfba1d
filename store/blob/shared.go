package blob

import (
	"io"
	"os"
	"sync"
	"time"
)

const (
	// idleFor is how long an open blob waits for its next reader: who reads a file in
	// pieces asks for the next one at once.
	idleFor = time.Second
	// idleMax bounds how many wait.
	idleMax = 64
)

// A Shared is an open blob that several may read at a time, by ReadAt alone.
type Shared struct {
	dir  *shared
	ref  Ref
	file *os.File

	// Under the lock of dir.
	users int
	since time.Time // when the last one left
	gone  bool      // nobody else gets it
}

// File is valid until Close.
func (s *Shared) File() *os.File { return s.file }

// Content reads from the beginning on. It too is valid until Close.
func (s *Shared) Content() *io.SectionReader { return io.NewSectionReader(s.file, 0, s.ref.Size) }

// Share is Open for a reader who can do with a file that others use too.
func (d *Dir) Share(ref Ref) (*Shared, error) {
	if s := d.shared.take(ref); s != nil {
		return s, nil
	}
	file, err := d.Open(ref)
	if err != nil {
		return nil, err
	}
	return d.shared.add(ref, file), nil
}

// Close ends the use of one reader, who calls it once: the others go on.
func (s *Shared) Close() error { return s.dir.leave(s) }

// shared are the open blobs. The zero value has none.
type shared struct {
	mu   sync.Mutex
	open map[Ref]*Shared
	idle int         // of them
	tidy *time.Timer // set while some are idle
}

func (h *shared) take(ref Ref) *Shared {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.open[ref]
	if s == nil {
		return nil
	}
	if s.users == 0 {
		h.idle--
	}
	s.users++
	return s
}

// add lets others find the file too, unless another of the blob is to be found.
func (h *shared) add(ref Ref, file *os.File) *Shared {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &Shared{dir: h, ref: ref, file: file, users: 1}
	if h.open[ref] != nil {
		s.gone = true
		return s
	}
	if h.open == nil {
		h.open = map[Ref]*Shared{}
	}
	h.open[ref] = s
	return s
}

func (h *shared) leave(s *Shared) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	if s.gone {
		return s.file.Close()
	}
	if h.idle == idleMax {
		return h.drop(s)
	}
	h.idle++
	s.since = time.Now()
	if h.tidy == nil {
		h.tidy = time.AfterFunc(idleFor, h.tidyUp)
	}
	return nil
}

// forget has nobody find the blob any more: it is about to be removed, and its room
// is free only when it is closed.
func (h *shared) forget(ref Ref) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.open[ref]
	switch {
	case s == nil:
	case s.users == 0:
		h.idle--
		h.drop(s)
	default:
		s.gone = true
		delete(h.open, ref)
	}
}

// drop closes what nobody uses.
func (h *shared) drop(s *Shared) error {
	delete(h.open, s.ref)
	return s.file.Close()
}

// tidyUp closes what has waited long enough.
func (h *shared) tidyUp() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tidy = nil
	now, next := time.Now(), time.Duration(-1)
	for _, s := range h.open {
		if s.users > 0 {
			continue
		}
		left := idleFor - now.Sub(s.since)
		if left <= 0 {
			h.idle--
			h.drop(s) // it was only read: there is nothing to lose
		} else if next < 0 || left < next {
			next = left
		}
	}
	if next >= 0 {
		h.tidy = time.AfterFunc(next, h.tidyUp)
	}
}
