package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"davit/policy"
	"davit/store/disk"
	"davit/store/engine"
)

// broken is a body that breaks off after its bytes.
func broken(content []byte) io.Reader {
	return io.MultiReader(bytes.NewReader(content), iotestErr{io.ErrUnexpectedEOF})
}

type iotestErr struct{ err error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.err }

func nothing() {}

// TestUploadGoesOn: what came before a break, and before a restart, counts; the
// whole becomes the file at the end and nothing stands there before.
func TestUploadGoesOn(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia max", "Team mia=editor max=editor")
	mia := of.as("mia")
	content := text(1, 300_000)
	of.quota("/Team", 400_000)
	up, err := mia.BeginResumable(ctx, split("/Team/film"), int64(len(content)), Terms{}, []byte("note"))
	must(t, err)
	got, err := mia.Append(ctx, up.ID, 0, -1, broken(content[:100_000]), nothing)
	if !errors.Is(err, io.ErrUnexpectedEOF) || got.Offset != 100_000 {
		t.Errorf("a break leaves %+v (%v)", got, err)
	}
	if n := of.st.Reserved(); n != int64(len(content)) {
		t.Errorf("%d bytes are reserved", n)
	}
	var full *QuotaError
	if _, _, err := put(of.as("max"), "/Team/other", text(2, 200_000)); !errors.As(err, &full) {
		t.Errorf("the reserved room is given away: %v", err)
	}
	of.close()
	of.start()
	mia = of.as("mia")
	if n := of.st.Reserved(); n != int64(len(content)) {
		t.Errorf("after a restart %d bytes are reserved", n)
	}
	if found, err := of.st.Check(ctx); err != nil || len(found.Faults) > 0 {
		t.Errorf("check in the middle: %v %v", found.Faults, err)
	}
	must(t, second(of.st.Collect(ctx, 0)))
	got, err = mia.Resumable(ctx, up.ID)
	if err != nil || got.Offset != 100_000 || got.Length != int64(len(content)) || string(got.Note) != "note" || got.Complete {
		t.Errorf("after a restart it is %+v (%v)", got, err)
	}
	var off *OffsetError
	if _, err := mia.Append(ctx, up.ID, 5, -1, strings.NewReader("x"), nothing); !errors.As(err, &off) || off.Expected != 100_000 {
		t.Errorf("another offset: %v", err)
	}
	if _, _, err := mia.Finish(ctx, up.ID, Terms{}, Meta{}); !errors.Is(err, ErrShort) {
		t.Errorf("finished too early: %v", err)
	}
	if _, err := mia.Stat(split("/Team/film"), Want{}); err != ErrNotFound {
		t.Errorf("it stands there before it is whole: %v", err)
	}
	got, err = mia.Append(ctx, up.ID, 100_000, -1, bytes.NewReader(content[100_000:]), nothing)
	if err != nil || got.Offset != int64(len(content)) {
		t.Errorf("the rest makes %+v (%v)", got, err)
	}
	info, created, err := mia.Finish(ctx, up.ID, Terms{}, Meta{Type: "video/mp4"})
	if err != nil || !created || info.Type != "video/mp4" {
		t.Errorf("finished as %+v, created %t (%v)", info, created, err)
	}
	of.wantContent(mia, "/Team/film", content)
	if got, err = mia.Resumable(ctx, up.ID); err != nil || !got.Complete {
		t.Errorf("whoever missed the answer is told %+v (%v)", got, err)
	}
	if _, _, err := mia.Finish(ctx, up.ID, Terms{}, Meta{}); !errors.Is(err, ErrCompleted) {
		t.Errorf("finished twice: %v", err)
	}
	c.advance(2 * completeKept)
	must(t, second(of.st.Collect(ctx, 0)))
	if _, err := mia.Resumable(ctx, up.ID); err != ErrNotFound {
		t.Errorf("it is kept for ever: %v", err)
	}
}

// TestUploadBelongsToOne: nobody else learns that there is an upload, nor touches
// it; a right that was withdrawn ends it, and cancelling is always possible.
func TestUploadBelongsToOne(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Team mia=editor max=editor")
	mia, max := of.as("mia"), of.as("max")
	up, err := mia.BeginResumable(ctx, split("/Team/doc"), -1, Terms{}, nil)
	must(t, err)
	must(t, second(mia.Append(ctx, up.ID, 0, -1, bytes.NewReader(text(1, 20_000)), nothing)))
	for what, err := range map[string]error{
		"tell":   second(max.Resumable(ctx, up.ID)),
		"append": second(max.Append(ctx, up.ID, 20_000, -1, strings.NewReader("x"), nothing)),
		"cancel": max.Cancel(ctx, up.ID),
		"finish": third(max.Finish(ctx, up.ID, Terms{}, Meta{})),
		"none":   second(mia.Resumable(ctx, "none")),
	} {
		if err != ErrNotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	of.level("Team", "mia", "viewer")
	var refused *Refused
	if _, err := mia.Append(ctx, up.ID, 20_000, -1, strings.NewReader("x"), nothing); !errors.As(err, &refused) {
		t.Errorf("who may not write any more appends: %v", err)
	}
	if _, _, err := mia.Finish(ctx, up.ID, Terms{}, Meta{}); !errors.As(err, &refused) {
		t.Errorf("who may not write any more finishes: %v", err)
	}
	must(t, mia.Cancel(ctx, up.ID))
	if _, err := mia.Resumable(ctx, up.ID); err != ErrNotFound {
		t.Errorf("cancelled, it is there: %v", err)
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }

// TestUploadBounds: the number of uploads of an account, their length and their age
// have limits, and the conditions are judged at the end again.
func TestUploadBounds(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=editor")
	mia := of.as("mia")
	for i := range ResumablesMax {
		must(t, second(mia.BeginResumable(ctx, split(fmt.Sprintf("/Team/%d", i)), 10, Terms{}, nil)))
	}
	if _, err := mia.BeginResumable(ctx, split("/Team/more"), 10, Terms{}, nil); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	c.advance(ResumableKept)
	must(t, second(of.st.Collect(ctx, 0)))
	if n := of.st.Reserved(); n != 0 {
		t.Errorf("%d bytes stay reserved for what has ended", n)
	}
	if _, err := mia.BeginResumable(ctx, split("/Team/doc"), 10, Terms{}, make([]byte, NoteMax+1)); !errors.Is(err, ErrTooMany) {
		t.Errorf("a long note: %v", err)
	}
	must0 := Terms{Match: func(e *Entry) error {
		if e != nil {
			return ErrStale
		}
		return nil
	}}
	up, err := mia.BeginResumable(ctx, split("/Team/doc"), 10, must0, nil)
	must(t, err)
	if _, err := mia.Append(ctx, up.ID, 0, 11, strings.NewReader("x"), nothing); !errors.Is(err, ErrLength) {
		t.Errorf("another length: %v", err)
	}
	if _, err := mia.Append(ctx, up.ID, 0, -1, strings.NewReader("0123456789x"), nothing); !errors.Is(err, ErrOverrun) {
		t.Errorf("too much: %v", err)
	}
	got, err := mia.Append(ctx, up.ID, 0, 10, strings.NewReader("0123456789"), nothing)
	if err != nil || got.Offset != 10 {
		t.Fatalf("all of it: %+v (%v)", got, err)
	}
	of.put(mia, "/Team/doc", []byte("other"))
	if _, _, err := mia.Finish(ctx, up.ID, must0, Meta{}); !errors.Is(err, ErrStale) {
		t.Errorf("finished over what came between: %v", err)
	}
	must(t, mia.Cancel(ctx, up.ID))
	of.wantContent(mia, "/Team/doc", []byte("other"))
}

// TestUploadInterrupts: a request for an upload ends the one that is still sending,
// and finds what came of it.
func TestUploadInterrupts(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	mia := of.as("mia")
	up, err := mia.BeginResumable(ctx, split("/Team/doc"), -1, Terms{}, nil)
	must(t, err)
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := mia.Append(ctx, up.ID, 0, -1, r, func() { r.Close() })
		ended <- err
	}()
	must(t, second(w.Write(text(1, 1000)))) // returns once it was read
	got, err := mia.Resumable(ctx, up.ID)
	if err != nil || got.Offset != 1000 {
		t.Errorf("it is at %d (%v)", got.Offset, err)
	}
	if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the first request ended with %v", err)
	}
	must(t, mia.Cancel(ctx, up.ID))
}

// TestUploadOfManyParts: parts of any size make the file, and equal ones too.
func TestUploadOfManyParts(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	mia, r := of.as("mia"), random(t)
	up, err := mia.BeginResumable(ctx, split("~mia/doc"), -1, Terms{}, nil)
	must(t, err)
	var want []byte
	for range 40 {
		part := text(r.IntN(2), pick(r, []int{0, 1, 100, 8192, 8193, 50_000}))
		got, err := mia.Append(ctx, up.ID, int64(len(want)), -1, bytes.NewReader(part), nothing)
		if want = append(want, part...); err != nil || got.Offset != int64(len(want)) {
			t.Fatalf("at %d, want %d (%v)", got.Offset, len(want), err)
		}
	}
	must(t, third(mia.Finish(ctx, up.ID, Terms{}, Meta{Modified: time.Unix(1, 0)})))
	of.wantContent(mia, "~mia/doc", want)
	if u := of.st.Operator().Usage(of.st.Policy().Space(of.st.Policy().User(mia.User()).Home).Root, policy.NoLimit); u.Used() != int64(len(want)) {
		t.Errorf("%d bytes are used", u.Used())
	}
}

// TestUploadOfEqualParts: while equal parts go in slices, what is left of them is
// used.
func TestUploadOfEqualParts(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	mia := of.as("mia")
	up, err := mia.BeginResumable(ctx, split("/Team/doc"), -1, Terms{}, nil)
	must(t, err)
	var want []byte
	for i := range partSlice + 2 {
		part := text(1, 100)
		if i == 1 {
			part = text(2, 100)
		}
		must(t, second(mia.Append(ctx, up.ID, int64(len(want)), -1, bytes.NewReader(part), nothing)))
		want = append(want, part...)
	}
	slice := func() (more bool) {
		t.Helper()
		must(t, of.st.update(ctx, engine.Foreground, func(tx *Tx) (err error) {
			if err = tx.completeResumable(up.ID); err == nil {
				more, err = tx.dropParts(housekeeping(tx, 0), up.ID)
			}
			return err
		}))
		return more
	}
	if !slice() {
		t.Error("all parts went at once")
	}
	of.clean()
	if slice() {
		t.Error("there is more of what is gone")
	}
	of.collect(0)
	of.wantUsage("/Team", policy.Usage{})
}

// TestFinishTellsOfTheFile: that its parts could not be dropped is no failure of an
// upload that has become a file.
func TestFinishTellsOfTheFile(t *testing.T) {
	var commits atomic.Int64 // that are still done, from when on it counts
	commits.Store(1 << 40)
	hook := func(op disk.Op) error {
		if op.Kind == disk.Commit && commits.Add(-1) < 0 {
			return errors.New("the disk is gone")
		}
		return nil
	}
	of := newOffice(t, Options{Hooks: []disk.Hook{hook}}, "mia", "Team mia=editor")
	mia := of.as("mia")
	up, err := mia.BeginResumable(ctx, split("/Team/doc"), 100, Terms{}, nil)
	must(t, err)
	must(t, second(mia.Append(ctx, up.ID, 0, -1, bytes.NewReader(text(1, 100)), nothing)))
	commits.Store(1)
	info, created, err := mia.Finish(ctx, up.ID, Terms{}, Meta{})
	if err != nil || !created || info.Size != 100 {
		t.Errorf("the upload is %+v, created %t (%v)", info.Entry, created, err)
	}
	commits.Store(1 << 40)
	of.close()
	of.start()
	of.wantContent(of.as("mia"), "/Team/doc", text(1, 100))
	of.collect(0)
	of.clean()
	if at, err := of.as("mia").Resumable(ctx, up.ID); err != nil || !at.Complete {
		t.Errorf("the upload is told as %+v (%v)", at, err)
	}
}
