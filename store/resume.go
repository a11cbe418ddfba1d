package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// An upload that is interrupted goes on where it was, also after a restart. What
// came is kept in parts, each of which is durable before it is told of; the last
// transaction decides again, and makes the parts a file whole or not at all. Until
// then nothing of it stands anywhere: it is charged to nobody, and its room is
// reserved at the length that was announced, or else at what has come.

// Limits of resumable uploads.
const (
	// ResumableKept is how long one is kept after its last part, and completeKept how
	// long it tells that it is complete.
	ResumableKept = 3 * 24 * time.Hour
	completeKept  = time.Hour
	// ResumablesMax is how many an account may have begun and not finished.
	ResumablesMax = 64
	// NoteMax is how many bytes a caller may keep with one.
	NoteMax = 8 << 10

	partMax   = 64 << 20 // bytes of a part: what a crash can cost
	partsMax  = 10_000
	partSlice = 500 // that are dropped in one transaction
)

// Errors of resumable uploads that callers act on.
var (
	ErrLength    = errors.New("the length of the upload is not the one announced")
	ErrOverrun   = errors.New("more comes than the length announced")
	ErrCompleted = errors.New("the upload is complete")
)

// An OffsetError says that a request does not go on where the upload is.
type OffsetError struct{ Expected, Provided int64 }

func (e *OffsetError) Error() string {
	return fmt.Sprintf("the upload is at offset %d, not %d", e.Expected, e.Provided)
}

// A Resumable is an upload over several requests, as it is.
type Resumable struct {
	ID       string
	Path     Path
	Length   int64 // announced, -1 if not
	Offset   int64 // bytes that are durable
	Complete bool
	Note     []byte        // what its beginner keeps with it
	Left     time.Duration // that it is kept
	// SizeMax is the largest file that the asker stores, 0 for any.
	SizeMax int64
}

// resumable is the record of one.
type resumable struct {
	Owner    policy.ID
	Node     policy.Node // that refers to the contents of the parts; it stands nowhere
	Path     Path
	Length   int64
	Offset   int64
	Parts    int
	Complete bool
	Ended    bool // it is taken down, and there for nobody any more
	Note     []byte
	Seen     time.Time // when the last part came
}

func (rec *resumable) told(id string, now time.Time) Resumable {
	return Resumable{ID: id, Path: rec.Path, Length: rec.Length, Offset: rec.Offset, Complete: rec.Complete, Note: rec.Note, Left: rec.until().Sub(now)}
}

func (rec *resumable) until() time.Time {
	if rec.Complete {
		return rec.Seen.Add(completeKept)
	}
	return rec.Seen.Add(ResumableKept)
}

// resumable reads the record of an upload of the session's account. Nobody else
// learns that it is there.
func (s *Session) resumable(tx *Tx, id string) (*resumable, error) {
	rec, err := readResumable(tx.r, id)
	if err == nil && !rec.is(s.cred.User) {
		return nil, ErrNotFound
	}
	return rec, err
}

// is tells whether there is such an upload, for its account.
func (rec *resumable) is(owner policy.ID) bool {
	return rec != nil && !rec.Ended && owner != policy.Nobody && rec.Owner == owner
}

// BeginResumable decides an upload of length bytes, -1 if unknown, as Begin does,
// and reserves its room.
func (s *Session) BeginResumable(ctx context.Context, p Path, length int64, t Terms, note []byte) (Resumable, error) {
	if len(note) > NoteMax {
		return Resumable{}, fmt.Errorf("%d bytes are kept with an upload, the limit is %d: %w", len(note), NoteMax, ErrTooMany)
	}
	if s.cred.User == policy.Nobody {
		return Resumable{}, ErrReserved // a link is borne by many
	}
	u, err := s.Begin(p, length, t)
	if err != nil {
		return Resumable{}, err
	}
	id := rand.Text()
	if err := s.st.resumes.add(id, s.cred.User, u); err != nil {
		u.Abort()
		return Resumable{}, err
	}
	rec := &resumable{Owner: s.cred.User, Path: p, Length: length, Note: note}
	err = s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		if _, err := s.mayPut(tx, sp, t); err != nil {
			return err
		}
		if rec.Node, err = tx.newNode(); err != nil {
			return err
		}
		rec.Seen = tx.now
		return keepRecord(tx.w, resumableKey(id), rec)
	})
	if err != nil {
		s.st.resumes.drop(id)
		return Resumable{}, err
	}
	told := rec.told(id, rec.Seen)
	told.SizeMax = int64(u.fileMax)
	return told, nil
}

// Resumable tells how far an upload is. A request that is still sending to it is
// interrupted, and what came of it counts.
func (s *Session) Resumable(ctx context.Context, id string) (told Resumable, err error) {
	if _, err := s.peekResumable(id); err != nil {
		return Resumable{}, err
	}
	end, err := s.st.resumes.enter(ctx, id, func() {})
	if err != nil {
		return Resumable{}, err
	}
	defer end()
	return s.peekResumable(id)
}

func (s *Session) peekResumable(id string) (told Resumable, err error) {
	err = s.view(func(tx *Tx) error {
		rec, err := s.resumable(tx, id)
		if err != nil {
			return err
		}
		told, told.SizeMax = rec.told(id, tx.now), int64(s.fileMax(tx))
		if rec.Complete {
			return nil
		}
		return s.mayGoOn(tx, rec)
	})
	return told, err
}

// mayGoOn decides the upload's file once more: rights that were withdrawn end it.
func (s *Session) mayGoOn(tx *Tx, rec *resumable) error {
	sp, err := s.resolve(tx, rec.Path)
	if err == nil {
		_, err = s.authorizeWrite(tx, sp)
	}
	return err
}

// Append takes in what follows the offset, of an upload whose length is known from
// now on unless it is -1. What came before an error is kept: it tells how far the
// upload is in any case. Another request for the same upload calls interrupt.
func (s *Session) Append(ctx context.Context, id string, offset, length int64, r io.Reader, interrupt func()) (told Resumable, err error) {
	if told, err = s.peekResumable(id); err != nil {
		return told, err
	}
	end, err := s.st.resumes.enter(ctx, id, interrupt)
	if err != nil {
		return told, err
	}
	defer end()
	// What has come is kept also when nobody waits for the answer any more.
	ctx = context.WithoutCancel(ctx)
	if told, err = s.openAppend(ctx, id, offset, length); err != nil {
		return told, err
	}
	in := &appending{s: s, id: id, r: r, at: told.Offset, length: told.Length, max: told.SizeMax, room: s.st.resumes.hold(id)}
	for more := true; more; {
		var b body
		part := &Upload{s: s, size: partMax, hold: s.st.ledger.hold(nil)}
		_, err = part.ReadFrom(io.LimitReader(in, partMax))
		more = err == nil && part.n == partMax
		if part.n > 0 {
			var kept Resumable
			kept, b, err = s.keepPart(ctx, id, part, err)
			if kept.ID != "" {
				kept.SizeMax = told.SizeMax
				told = kept
			}
		}
		part.Abort()
		if err != nil || b.size == 0 && part.n > 0 {
			break
		}
	}
	return told, err
}

// openAppend judges where a request goes on and what length it announces.
func (s *Session) openAppend(ctx context.Context, id string, offset, length int64) (told Resumable, err error) {
	err = s.update(ctx, func(tx *Tx) error {
		rec, err := s.resumable(tx, id)
		if err != nil {
			return err
		}
		told, told.SizeMax = rec.told(id, tx.now), int64(s.fileMax(tx))
		switch {
		case rec.Complete && length > rec.Offset:
			return ErrLength
		case rec.Complete:
			return ErrCompleted
		case offset != rec.Offset:
			return &OffsetError{rec.Offset, offset}
		case rec.Parts >= partsMax:
			return fmt.Errorf("an upload of %d parts: %w", rec.Parts, ErrTooMany)
		case length < 0 || length == rec.Length:
			return nil
		case rec.Length >= 0 || length < rec.Offset:
			return ErrLength
		}
		if err := admits(s.fileMax(tx), length); err != nil {
			return err
		}
		if err := s.st.resumes.hold(id).reserve(length); err != nil {
			return err
		}
		rec.Length, told.Length = length, length
		return keepRecord(tx.w, resumableKey(id), rec)
	})
	return told, err
}

// keepPart makes a part durable and then the upload longer by it. It passes on the
// error that ended the part, if there was one.
func (s *Session) keepPart(ctx context.Context, id string, part *Upload, broken error) (told Resumable, b body, err error) {
	for range 3 {
		if b, err = part.keep(); err != nil {
			return told, b, errors.Join(broken, diskFull(err))
		}
		err = s.update(ctx, func(tx *Tx) error {
			rec, err := s.resumable(tx, id)
			if err != nil {
				return err
			}
			if err := s.mayGoOn(tx, rec); err != nil {
				return err
			}
			if err := tx.addPart(housekeeping(tx, rec.Node), id, rec, b); err != nil {
				return err
			}
			told = rec.told(id, tx.now)
			return keepRecord(tx.w, resumableKey(id), rec)
		})
		if !errors.Is(err, errDead) {
			break
		}
	}
	if err != nil {
		told = Resumable{}
	}
	return told, b, errors.Join(broken, err)
}

// An appending admits what comes of a request: no more than was announced, than the
// uploader's profile lets him store, and than there is room for.
type appending struct {
	s      *Session
	id     string
	r      io.Reader
	at     int64
	length int64
	max    int64
	room   *room
}

func (a *appending) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	a.at += int64(n)
	switch {
	case a.length >= 0 && a.at > a.length:
		return 0, ErrOverrun
	case a.max > 0 && a.at > a.max:
		return 0, &FileTooLargeError{policy.Limit(a.max)}
	case a.length < 0:
		if refused := a.room.reserve(a.at); refused != nil {
			return 0, a.s.told(refused)
		}
	}
	return n, err
}

// Finish makes what has come a file, as Commit does. The upload stays, complete,
// for whoever did not hear the answer.
func (s *Session) Finish(ctx context.Context, id string, t Terms, m Meta) (info Info, created bool, err error) {
	told, err := s.peekResumable(id)
	if err != nil {
		return info, false, err
	}
	end, err := s.st.resumes.enter(ctx, id, func() {})
	if err != nil {
		return info, false, err
	}
	defer end()
	if told, err = s.peekResumable(id); err != nil {
		return info, false, err
	}
	switch {
	case told.Complete:
		return info, false, ErrCompleted
	case told.Length >= 0 && told.Offset != told.Length:
		return info, false, fmt.Errorf("%d bytes of %d: %w", told.Offset, told.Length, ErrShort)
	}
	hold := s.st.resumes.hold(id)
	reserved := hold.yield() // to the upload that it becomes
	u, err := s.Begin(told.Path, told.Offset, t)
	if err == nil {
		err = s.assemble(u, id)
	}
	if err == nil {
		u.then = func(tx *Tx) error { return tx.completeResumable(id) }
		info, created, err = u.Commit(ctx, m)
	}
	if err != nil {
		hold.reserve(reserved) // as far as there is room; the next commit decides again
		return info, created, err
	}
	s.st.resumes.finish(id)
	if err := s.st.dropParts(context.WithoutCancel(ctx), id); err != nil {
		// The file is there, and durable: that is the answer. The next collection
		// drops what is left.
		s.st.log.Error("an upload is complete, and its parts are left for the next collection", "upload", id, "error", err)
	}
	return info, created, nil
}

// assemble reads the parts into the upload.
func (s *Session) assemble(u *Upload, id string) error {
	for at := int64(0); at < u.size; {
		content, size, err := s.part(id, at)
		if err == nil {
			_, err = u.ReadFrom(content)
			err = errors.Join(err, content.Close())
		}
		if err != nil {
			u.Abort()
			return err
		}
		at += size
	}
	return nil
}

// part opens the part at an offset.
func (s *Session) part(id string, at int64) (content io.ReadCloser, size int64, err error) {
	err = s.view(func(tx *Tx) error {
		rec, err := s.resumable(tx, id)
		if err != nil {
			return err
		}
		if err := s.mayGoOn(tx, rec); err != nil {
			return err
		}
		content, size, err = tx.openPart(housekeeping(tx, rec.Node), id, rec, at)
		return err
	})
	return content, size, err
}

// Cancel ends an upload; a request that is still sending to it is interrupted.
func (s *Session) Cancel(ctx context.Context, id string) error {
	if _, err := s.st.ownResumable(s.cred.User, id); err != nil {
		return err
	}
	end, err := s.st.resumes.enter(ctx, id, func() {})
	if err != nil {
		return err
	}
	defer end()
	return s.st.dropResumable(context.WithoutCancel(ctx), id)
}

// ownResumable finds an upload of an account, who may always let go of it.
func (st *Store) ownResumable(owner policy.ID, id string) (rec *resumable, err error) {
	err = st.db.View(func(r engine.Reader) error {
		rec, err = readResumable(r, id)
		return err
	})
	if err == nil && !rec.is(owner) {
		err = ErrNotFound
	}
	return rec, err
}

// completeResumable notes that an upload has become a file.
func (tx *Tx) completeResumable(id string) error {
	rec, err := readResumable(tx.r, id)
	if err != nil || rec == nil {
		return errors.Join(err, ErrNotFound)
	}
	rec.Complete, rec.Seen, rec.Note = true, tx.now, nil
	return keepRecord(tx.w, resumableKey(id), rec)
}

// dropParts gives back the parts of an upload, in slices.
func (st *Store) dropParts(ctx context.Context, id string) error {
	for more := true; more; {
		err := st.update(ctx, engine.Foreground, func(tx *Tx) (err error) {
			more, err = tx.dropParts(housekeeping(tx, 0), id)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) dropParts(g grant, id string) (more bool, err error) {
	rec, err := readResumable(tx.r, id)
	if err != nil || rec == nil {
		return false, err
	}
	var keys [][]byte
	var failed error
	dropped, stay := map[content]bool{}, map[content]bool{}
	err = scanPrefix(tx.r, partPrefix(g, id), func(k, v []byte) bool {
		var b body
		if b, failed = decodePart(v); len(keys) < partSlice {
			keys, dropped[b.content] = append(keys, slices.Clone(k)), true
		} else {
			stay[b.content] = true
		}
		return failed == nil
	})
	if err = errors.Join(err, failed); err != nil {
		return false, err
	}
	for _, k := range keys {
		if err := tx.w.Delete(k); err != nil {
			return false, err
		}
	}
	for c := range dropped {
		if stay[c] {
			continue // equal parts have one reference, which goes with the last of them
		}
		if err := tx.disuse(g, c, rec.Node); err != nil {
			return false, err
		}
	}
	return len(stay) > 0, nil
}

// dropResumable ends an upload with everything that came of it.
func (st *Store) dropResumable(ctx context.Context, id string) error {
	err := st.update(ctx, engine.Foreground, func(tx *Tx) error {
		rec, err := readResumable(tx.r, id)
		if err != nil || rec == nil {
			return err
		}
		rec.Ended = true
		return keepRecord(tx.w, resumableKey(id), rec)
	})
	if err == nil {
		err = st.dropParts(ctx, id)
	}
	if err == nil {
		err = st.update(ctx, engine.Foreground, func(tx *Tx) error { return tx.w.Delete(resumableKey(id)) })
	}
	if err == nil {
		st.resumes.drop(id)
	}
	return err
}

// expireResumables ends the uploads that nobody has gone on with for too long, and
// drops what a crash has left of those that are complete.
func (st *Store) expireResumables(ctx context.Context) error {
	var old, complete []string
	err := st.db.View(func(r engine.Reader) error {
		return eachResumable(r, func(id string, rec *resumable) {
			switch {
			case rec.Ended, !st.clock().Before(rec.until()):
				old = append(old, id)
			case rec.Complete:
				complete = append(complete, id)
			}
		})
	})
	for _, id := range complete {
		if err == nil {
			err = st.dropParts(ctx, id)
		}
	}
	for _, id := range old {
		if err == nil && !st.resumes.busy(id) {
			err = st.dropResumable(ctx, id)
		}
	}
	return err
}
