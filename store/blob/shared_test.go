package blob_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"davit/store/blob"
)

// share opens a blob for one reader.
func share(t *testing.T, blobs *blob.Dir, ref blob.Ref) *blob.Shared {
	t.Helper()
	s, err := blobs.Share(ref)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantShared reads all of an open blob.
func wantShared(t *testing.T, s *blob.Shared, want string) {
	t.Helper()
	if got, err := io.ReadAll(s.Content()); err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

// isOpen tells whether a file can still be read.
func isOpen(f *os.File) bool {
	_, err := f.ReadAt(make([]byte, 1), 0)
	return !errors.Is(err, os.ErrClosed)
}

// TestShared: readers at a time, and those who come soon after, use one file; when
// nobody has come for a while it is closed.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blobs := open(t, t.TempDir())
		ref := mustKeep(t, blobs, "content", 1)
		first, second := share(t, blobs, ref), share(t, blobs, ref)
		file := first.File()
		if second.File() != file {
			t.Error("two readers at a time have two files")
		}
		first.Close()
		time.Sleep(time.Minute)
		wantShared(t, second, "content")
		second.Close()
		time.Sleep(900 * time.Millisecond)
		third := share(t, blobs, ref)
		if third.File() != file {
			t.Error("who comes soon after has another file")
		}
		time.Sleep(time.Minute)
		wantShared(t, third, "content")
		third.Close()
		time.Sleep(900 * time.Millisecond)
		if !isOpen(file) {
			t.Error("closed too soon")
		}
		time.Sleep(200 * time.Millisecond)
		if isOpen(file) {
			t.Error("open though nobody has come for longer than a second")
		}
		fourth := share(t, blobs, ref)
		wantShared(t, fourth, "content")
		fourth.Close()
	})
}

// TestSharedRemoved: who reads a blob reads all of it, also when it is removed
// meanwhile; nobody finds it any more, and nothing of it stays open.
func TestSharedRemoved(t *testing.T) {
	blobs := open(t, t.TempDir())
	used, idle := mustKeep(t, blobs, "used", 1), mustKeep(t, blobs, "idle", 1)
	reader, gone := share(t, blobs, used), share(t, blobs, idle)
	gone.Close()
	for _, ref := range []blob.Ref{used, idle} {
		if err := blobs.Remove(ref); err != nil {
			t.Fatal(err)
		}
		if _, err := blobs.Share(ref); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v, though it was removed", ref, err)
		}
	}
	if isOpen(gone.File()) {
		t.Error("a removed blob that nobody reads is open")
	}
	wantShared(t, reader, "used")
	again := share(t, blobs, mustKeep(t, blobs, "used", 1))
	if again.File() == reader.File() {
		t.Error("the removed file is found again")
	}
	reader.Close()
	if isOpen(reader.File()) {
		t.Error("a removed blob is open after its last reader")
	}
	wantShared(t, again, "used")
	again.Close()
}

// TestSharedAreFew: so many wait for their next reader, and no more.
func TestSharedAreFew(t *testing.T) {
	const most = 64
	blobs := open(t, t.TempDir())
	var all []*blob.Shared
	for i := range most + 3 {
		all = append(all, share(t, blobs, mustKeep(t, blobs, fmt.Sprint("content ", i), 1)))
	}
	var files []*os.File
	for _, s := range all {
		files = append(files, s.File())
		s.Close()
	}
	if shut := slices.IndexFunc(files, func(f *os.File) bool { return !isOpen(f) }); shut != most {
		t.Errorf("%d wait, want %d", shut, most)
	}
}

// TestSharedByMany has readers and a remover of few blobs: each reader has the whole
// content or none.
func TestSharedByMany(t *testing.T) {
	blobs := open(t, t.TempDir())
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 300 {
				content := fmt.Sprint("content ", (worker+i)%5)
				ref := mustKeep(t, blobs, content, 1)
				if i%7 == worker%7 {
					blobs.Remove(ref)
				}
				s, err := blobs.Share(ref)
				if errors.Is(err, fs.ErrNotExist) {
					continue // somebody removed it
				}
				if err != nil {
					t.Error(err)
					return
				}
				wantShared(t, s, content)
				s.Close()
			}
		})
	}
	wg.Wait()
}
