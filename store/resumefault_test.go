package store

import (
	"bytes"
	"slices"
	"sync/atomic"
	"testing"

	"davit/store/disk"
	"davit/store/engine"
)

// uploading is a client whose upload comes in parts, and who goes on after a break
// where it is told that the upload is.
type uploading struct {
	t     *testing.T
	path  string
	parts [][]byte
	id    string
	told  int64 // bytes that it was told are kept
}

func (u *uploading) whole() []byte { return slices.Concat(u.parts...) }

// goOn does what is left, until something fails.
func (u *uploading) goOn(s *Session) error {
	whole := u.whole()
	if u.id == "" {
		up, err := s.BeginResumable(ctx, split(u.path), int64(len(whole)), Terms{}, nil)
		if err != nil {
			return err
		}
		u.id = up.ID
	}
	at, err := s.Resumable(ctx, u.id)
	if err == nil && at.Offset < u.told {
		u.t.Errorf("of %d bytes that were told to be kept %d are", u.told, at.Offset)
	}
	for err == nil && at.Offset < int64(len(whole)) {
		at, err = s.Append(ctx, u.id, at.Offset, -1, bytes.NewReader(whole[at.Offset:u.end(at.Offset)]), nothing)
		if err == nil {
			u.told = at.Offset
		}
	}
	if err == nil && !at.Complete {
		_, _, err = s.Finish(ctx, u.id, Terms{}, Meta{})
	}
	return err
}

// end is that of the part in which a byte lies.
func (u *uploading) end(offset int64) (end int64) {
	for _, part := range u.parts {
		if end += int64(len(part)); end > offset {
			break
		}
	}
	return end
}

// TestUploadFailEach breaks each operation on files, and each commit, while an
// upload comes in parts to take the place of a file: what its client was told to be
// kept is, the file is the old or the new one whole, also after opening again, the
// client goes on to the end, and nothing is left of it when its time is over.
func TestUploadFailEach(t *testing.T) {
	was := text(9, 30_000)
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	of.put(of.as("mia"), "/Team/film", was)
	of.close()
	base := save(t, of.dir)
	of.start()
	of.stop()
	for n := 1; !t.Failed(); n++ {
		fault, c := disk.FailNth(n), newClock()
		var armed atomic.Bool
		hook := func(op disk.Op) error {
			if !armed.Load() {
				return nil
			}
			return fault.Hook(op)
		}
		of := officeAt(t, base.restore(t), Options{Clock: c.Now, Hooks: []disk.Hook{hook}})
		// Small, large, known, and small again.
		u := &uploading{t: t, path: "/Team/film", parts: [][]byte{text(1, 100), text(2, 20_000), text(2, 20_000), text(3, 200)}}
		armed.Store(true)
		err := u.goOn(of.as("mia"))
		armed.Store(false)
		if fault.Fired() {
			of.close()
			of.start()
			of.clean()
			now, readErr := read(of.as("mia"), "/Team/film")
			if readErr != nil || !bytes.Equal(now, u.whole()) && (err == nil || !bytes.Equal(now, was)) {
				t.Errorf("fault %d (%v): %d bytes are there, %v", n, err, len(now), readErr)
			}
			if err := u.goOn(of.as("mia")); err != nil {
				t.Errorf("fault %d: going on: %v", n, err)
			}
		}
		of.wantContent(of.as("mia"), "/Team/film", u.whole())
		c.advance(2 * ResumableKept)
		of.collect(0)
		of.wantNoUploads()
		of.stop()
		if !fault.Fired() {
			if err != nil || n < 20 {
				t.Errorf("%d operations, %v", n-1, err)
			}
			return
		}
	}
}

// wantNoUploads: no upload is under way, and nothing is reserved for one.
func (of *office) wantNoUploads() {
	of.t.Helper()
	err := of.st.db.View(func(r engine.Reader) error {
		for _, table := range []byte{tableResumable, tablePart} {
			if n, err := count(r, table); err != nil || n > 0 {
				of.t.Errorf("%d records are left in table %c (%v)", n, table, err)
			}
		}
		return nil
	})
	if err != nil || of.st.Reserved() != 0 {
		of.t.Errorf("%d bytes are reserved (%v)", of.st.Reserved(), err)
	}
}
