package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"davit/policy"
	"davit/store/engine"
)

func resumableKey(id string) []byte { return append([]byte{tableResumable}, id...) }

func partPrefix(g grant, id string) []byte { return append([]byte{tablePart}, id...) }

func partKey(g grant, id string, at int64) []byte {
	return binary.BigEndian.AppendUint64(partPrefix(g, id), uint64(at))
}

// appendPart encodes where the bytes of a part are.
func appendPart(b []byte, p body) []byte {
	b = append(b, byte(p.where))
	b = appendContent(b, p.content)
	return binary.AppendUvarint(b, uint64(p.size))
}

func decodePart(v []byte) (body, error) {
	d := decoder{b: v}
	p := body{content: content{where: place(d.byte())}}
	d.content(&p.content)
	p.size = int64(d.uvarint())
	return p, d.done("part of an upload")
}

// addPart makes an upload longer by a part.
func (tx *Tx) addPart(g grant, id string, rec *resumable, b body) error {
	if err := tx.use(g, b, rec.Node); err != nil {
		return err
	}
	if err := tx.w.Put(partKey(g, id, rec.Offset), appendPart(nil, b)); err != nil {
		return err
	}
	rec.Offset, rec.Parts, rec.Seen = rec.Offset+b.size, rec.Parts+1, tx.now
	return nil
}

// openPart opens the part at an offset, and tells its size.
func (tx *Tx) openPart(g grant, id string, rec *resumable, at int64) (io.ReadCloser, int64, error) {
	v, err := tx.r.Get(partKey(g, id, at))
	if err != nil {
		return nil, 0, err
	}
	b, err := decodePart(v)
	if err != nil {
		return nil, 0, err
	}
	small, file, err := tx.content(g, &Entry{Node: rec.Node, Size: b.size, content: b.content})
	if file != nil {
		return struct {
			io.Reader
			io.Closer
		}{file.Content(), file}, b.size, err
	}
	return io.NopCloser(bytes.NewReader(small)), b.size, err
}

// readResumable reads the record of an upload, nil for none.
func readResumable(r engine.Reader, id string) (*resumable, error) {
	v, err := r.Get(resumableKey(id))
	if err != nil || v == nil {
		return nil, err
	}
	rec := new(resumable)
	if err := json.Unmarshal(v, rec); err != nil {
		return nil, fmt.Errorf("upload %s: %w", id, err)
	}
	return rec, nil
}

func eachResumable(r engine.Reader, fn func(id string, rec *resumable)) error {
	return scanTable(r, tableResumable, func(k, v []byte) error {
		rec := new(resumable)
		if err := json.Unmarshal(v, rec); err != nil {
			return fmt.Errorf("upload %s: %w", k[1:], err)
		}
		fn(string(k[1:]), rec)
		return nil
	})
}

// resumes are the uploads that go on over several requests: one request at a time
// has its turn at each, and a new one ends the one before.
type resumes struct {
	sync.Mutex
	of map[string]*resuming
}

type resuming struct {
	owner     policy.ID
	complete  bool
	room      room
	turn      chan struct{} // has a token while a request has its turn
	interrupt func()        // of that request
}

// A room is what is reserved for an upload across its requests.
type room struct {
	hold *hold
	old  int64 // bytes of the file that give way
}

// reserve makes the room as large as total bytes need, a step ahead where there is.
func (r *room) reserve(total int64) error {
	growth := total - r.old
	if growth <= r.hold.bytes {
		return nil
	}
	if r.hold.grow(r.hold.limits, growth+reserveStep) == nil {
		return nil
	}
	return r.hold.grow(r.hold.limits, growth)
}

// yield gives the room up for another reservation of the same bytes, and tells how
// many the file has.
func (r *room) yield() (total int64) {
	total = r.hold.bytes + r.old
	r.hold.grow(r.hold.limits, 0)
	return total
}

// add takes over what an upload has reserved.
func (rs *resumes) add(id string, owner policy.ID, u *Upload) error {
	rs.Lock()
	defer rs.Unlock()
	n := 0
	for _, r := range rs.of {
		if r.owner == owner && !r.complete {
			n++
		}
	}
	if n >= ResumablesMax {
		return fmt.Errorf("%d uploads are begun and not finished, the limit is %d; finish or cancel some: %w", n, ResumablesMax, ErrTooMany)
	}
	rs.of[id] = &resuming{owner: owner, room: room{u.hold, u.old}, turn: make(chan struct{}, 1)}
	return nil
}

// finish notes that an upload is complete: it counts no more.
func (rs *resumes) finish(id string) {
	rs.Lock()
	defer rs.Unlock()
	if r := rs.of[id]; r != nil {
		r.complete = true
	}
}

// drop ends what is reserved for an upload that is no more.
func (rs *resumes) drop(id string) {
	rs.Lock()
	defer rs.Unlock()
	if r := rs.of[id]; r != nil {
		r.room.hold.release()
		delete(rs.of, id)
	}
}

// hold is the room of an upload whose turn the caller has.
func (rs *resumes) hold(id string) *room {
	rs.Lock()
	defer rs.Unlock()
	if r := rs.of[id]; r != nil {
		return &r.room
	}
	return &room{hold: (&ledger{accounts: map[policy.Node]*account{}}).hold(nil)}
}

// enter waits for the turn at an upload, and interrupts whoever has it. Whoever
// has it then is interrupted by the function given.
func (rs *resumes) enter(ctx context.Context, id string, interrupt func()) (end func(), err error) {
	rs.Lock()
	r := rs.of[id]
	if r == nil {
		rs.Unlock()
		return nil, ErrNotFound
	}
	if r.interrupt != nil {
		r.interrupt()
	}
	rs.Unlock()
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	rs.Lock()
	defer rs.Unlock()
	r.interrupt = interrupt
	return func() {
		rs.Lock()
		defer rs.Unlock()
		r.interrupt = nil
		<-r.turn
	}, nil
}

// busy tells whether a request has its turn at an upload.
func (rs *resumes) busy(id string) bool {
	rs.Lock()
	defer rs.Unlock()
	r := rs.of[id]
	return r != nil && len(r.turn) > 0
}

// loadResumes reserves the room of the uploads that were begun before the start, as
// far as there is room.
func (st *Store) loadResumes() error {
	return st.view(func(tx *Tx) error {
		var failed error
		err := eachResumable(tx.r, func(id string, rec *resumable) {
			sp, err := tx.resolve(rec.Path)
			if err != nil {
				failed = err
				return
			}
			r := &resuming{owner: rec.Owner, complete: rec.Complete, room: room{hold: st.ledger.hold(nil)}, turn: make(chan struct{}, 1)}
			if st.resumes.of[id] = r; sp.space != nil && len(sp.nodes) > 0 && !rec.Complete && !rec.Ended {
				limits := tx.state.AppendLimits(nil, sp.place())
				if sp.missing() == 0 {
					r.room.old = sp.entry().Size
				}
				r.room.hold.limits = limits
				if err := r.room.hold.grow(limits, max(rec.Length, rec.Offset)-r.room.old); err != nil {
					st.log.Info("an upload goes on without reserved room", "path", rec.Path.String(), "error", err)
				}
			}
		})
		if err == nil {
			err = failed
		}
		return err
	})
}
