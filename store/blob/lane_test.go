package blob_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"

	"davit/store/blob"
	"davit/store/disk"
)

// large is content of n bytes that no other test has.
func large(n int) []byte {
	content := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(content)
	return content
}

// onEach runs a test on the disk and in memory, where files cannot pass the
// cache by.
func onEach(t *testing.T, test func(t *testing.T, dir string)) {
	t.Run("disk", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("memory", func(t *testing.T) {
		dir, err := os.MkdirTemp("/dev/shm", "blob-")
		if err != nil {
			t.Skip("no file system in memory")
		}
		defer os.RemoveAll(dir)
		test(t, dir)
	})
}

// TestLargeBlobs receives more large blobs at once than there are lanes, of
// lengths around every step, in pieces that fit nothing.
func TestLargeBlobs(t *testing.T) {
	onEach(t, func(t *testing.T, dir string) {
		blobs := open(t, dir)
		var wg sync.WaitGroup
		for _, n := range []int{8<<20 - 1, 8 << 20, 8<<20 + 1, 9 << 20, 9<<20 + 4096, 12<<20 + 17} {
			wg.Go(func() {
				temp, err := blobs.Create()
				if err != nil {
					t.Error(err)
					return
				}
				defer temp.Discard()
				content := large(n)
				if n%2 == 0 {
					_, err = temp.ReadFrom(iotest.HalfReader(bytes.NewReader(content)))
				} else {
					_, err = temp.Write(content)
				}
				ref, keepErr := temp.Keep(1)
				if err := errors.Join(err, keepErr, blobs.Verify(ref)); err != nil || ref.Size != int64(n) {
					t.Errorf("%d bytes: kept %d, %v", n, ref.Size, err)
				}
			})
		}
		wg.Wait()
		wantNoTemp(t, dir)
	})
}

// TestSumOnTheWay asks for the sum of a large blob again and again while it is being
// received: it is that of what came so far.
func TestSumOnTheWay(t *testing.T) {
	onEach(t, func(t *testing.T, dir string) {
		blobs := open(t, dir)
		temp, err := blobs.Create()
		if err != nil {
			t.Fatal(err)
		}
		defer temp.Discard()
		content, at := large(14<<20+5), 0
		for _, n := range []int{8<<20 - 3, 3, 100, 1<<20 - 100, 1<<20 + 1, 0, 2<<20 - 7, 1 << 20, 5, 1<<20 + 6} {
			if _, err := temp.Write(content[at : at+n]); err != nil {
				t.Fatal(err)
			}
			at += n
			if hash, size := temp.Sum(); hash != sha256.Sum256(content[:at]) || size != int64(at) {
				t.Errorf("after %d bytes, %d of them at once: sum %x of %d bytes", at, n, hash, size)
			}
		}
		if at != len(content) {
			t.Fatalf("the pieces make %d bytes of %d", at, len(content))
		}
		ref, err := temp.Keep(1)
		if err := errors.Join(err, blobs.Verify(ref)); err != nil || ref.Size != int64(at) {
			t.Errorf("kept %d bytes, %v", ref.Size, err)
		}
	})
}

// TestLanesAreGivenBack uses up more lanes than there are, one after another, by
// blobs that end in each way.
func TestLanesAreGivenBack(t *testing.T) {
	dir := t.TempDir()
	var r disk.Recorder
	blobs := open(t, dir, r.Hook)
	content := large(9<<20 + 5)
	for i := range 6 {
		temp, err := blobs.Create()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := temp.Write(content); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			if _, err := temp.Keep(uint32(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := temp.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	pieces := 0
	for _, op := range r.Ops() {
		if op.Kind == disk.Write && op.N == 1<<20 {
			pieces++
		}
	}
	if pieces != 6 {
		t.Errorf("%d pieces went through a lane, want one of each blob", pieces)
	}
}

// TestLaneFails fails each write of a large blob: it is not kept, whichever
// piece is missing.
func TestLaneFails(t *testing.T) {
	content := large(12<<20 + 17)
	for _, n := range []int64{8 << 20, 9 << 20, 11 << 20, 12 << 20} {
		t.Run(fmt.Sprint("from byte ", n), func(t *testing.T) {
			var mu sync.Mutex
			var written int64
			full := func(op disk.Op) error {
				mu.Lock()
				defer mu.Unlock()
				if op.Kind != disk.Write {
					return nil
				}
				if written += op.N; written > n {
					return syscall.ENOSPC
				}
				return nil
			}
			dir := t.TempDir()
			blobs := open(t, dir, full)
			temp, err := blobs.Create()
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(temp, bytes.NewReader(content))
			if err == nil {
				_, err = temp.Keep(1)
			}
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "blob") {
				t.Errorf("got %v, want a full disk", err)
			}
			if _, err := temp.Keep(1); err == nil {
				t.Error("the blob is kept all the same")
			}
			temp.Discard()
			wantNoTemp(t, dir)
			if refs := list(t, blobs); len(refs) > 0 {
				t.Errorf("blobs %v", refs)
			}
		})
	}
}

var _ io.ReaderFrom = (*blob.Temp)(nil)
