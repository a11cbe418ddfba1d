package blob_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"davit/store/blob"
	"davit/store/disk"
)

func open(t *testing.T, dir string, hooks ...disk.Hook) *blob.Dir {
	t.Helper()
	fsys := disk.New(dir, hooks...)
	blobs, err := blob.Open(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return blobs
}

// keep stores content as a client's request would.
func keep(blobs *blob.Dir, content string, gen uint32) (blob.Ref, error) {
	temp, err := blobs.Create()
	if err != nil {
		return blob.Ref{}, err
	}
	defer temp.Discard()
	if _, err := io.Copy(temp, strings.NewReader(content)); err != nil {
		return blob.Ref{}, err
	}
	return temp.Keep(gen)
}

func mustKeep(t *testing.T, blobs *blob.Dir, content string, gen uint32) blob.Ref {
	t.Helper()
	ref, err := keep(blobs, content, gen)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// fileOf is where the layout says a blob lies.
func fileOf(dir string, ref blob.Ref) string {
	name := fmt.Sprintf("%x", ref.Hash)
	return filepath.Join(dir, "blobs", name[:2], fmt.Sprintf("%s-%d", name, ref.Gen))
}

func wantNoTemp(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, blob.TempDir))
	if err != nil || len(entries) > 0 {
		t.Errorf("temporary files left: %v %v", entries, err)
	}
}

func TestKeepAndOpen(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir)
	for _, content := range []string{"", "small", strings.Repeat("large ", 200_000)} {
		ref := mustKeep(t, blobs, content, 7)
		if want := (blob.Ref{Hash: sha256.Sum256([]byte(content)), Gen: 7, Size: int64(len(content))}); ref != want {
			t.Errorf("kept as %+v, want %+v", ref, want)
		}
		info, err := os.Stat(fileOf(dir, ref))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o400 {
			t.Errorf("mode %v, want 0400", info.Mode())
		}
		file, err := blobs.Open(ref)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(file)
		if string(got) != content || errors.Join(err, file.Close(), blobs.Verify(ref)) != nil {
			t.Errorf("blob of %d bytes came back as %d, %v", len(content), len(got), err)
		}
	}
	wantNoTemp(t, dir)
}

func TestKeepTwice(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir)
	ref := mustKeep(t, blobs, "content", 1)
	if again := mustKeep(t, blobs, "content", 1); again != ref {
		t.Errorf("kept again as %v, want %v", again, ref)
	}
	other := mustKeep(t, blobs, "content", 2)
	if err := blobs.Remove(ref); err != nil {
		t.Error(err)
	}
	if err := blobs.Verify(other); err != nil {
		t.Errorf("the next generation went with the first: %v", err)
	}
	if _, err := blobs.Open(ref); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("open of a removed blob: %v", err)
	}
	if err := blobs.Remove(ref); err != nil {
		t.Errorf("second removal: %v", err)
	}
}

func TestTempEnds(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir)
	for name, end := range map[string]func(*blob.Temp) error{
		"Keep":    func(temp *blob.Temp) error { _, err := temp.Keep(0); return err },
		"Discard": (*blob.Temp).Discard,
	} {
		temp, err := blobs.Create()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := temp.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
		if hash, size := temp.Sum(); hash != sha256.Sum256([]byte(name)) || size != int64(len(name)) {
			t.Errorf("received %d bytes of hash %x", size, hash)
		}
		if err := end(temp); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := temp.Write([]byte("more")); err == nil {
			t.Errorf("write after %s", name)
		}
		if _, err := temp.Keep(1); err == nil {
			t.Errorf("keep after %s", name)
		}
		if err := temp.Discard(); err != nil {
			t.Errorf("discard after %s: %v", name, err)
		}
	}
	wantNoTemp(t, dir)
	if refs := list(t, blobs); len(refs) != 1 || refs[0].Size != int64(len("Keep")) {
		t.Errorf("blobs %v, want the one that was kept", refs)
	}
}

// TestBrokenUpload ends the source early in the ways a network does.
func TestBrokenUpload(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir)
	for _, want := range []error{io.ErrUnexpectedEOF, syscall.ECONNRESET} {
		temp, err := blobs.Create()
		if err != nil {
			t.Fatal(err)
		}
		source := io.MultiReader(strings.NewReader("half of"), iotest.ErrReader(want))
		if n, err := io.Copy(temp, source); n != 7 || !errors.Is(err, want) {
			t.Errorf("received %d bytes, %v, want 7 and %v", n, err, want)
		}
		if err := temp.Discard(); err != nil {
			t.Error(err)
		}
	}
	wantNoTemp(t, dir)
}

// TestLargeWrites reads from a source that gives one byte at a time.
func TestLargeWrites(t *testing.T) {
	var r disk.Recorder
	blobs := open(t, t.TempDir(), r.Hook)
	temp, err := blobs.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer temp.Discard()
	content := bytes.Repeat([]byte("0123456789"), 60_000)
	if _, err := io.Copy(temp, iotest.OneByteReader(bytes.NewReader(content))); err != nil {
		t.Fatal(err)
	}
	writes := slices.DeleteFunc(r.Ops(), func(op disk.Op) bool { return op.Kind != disk.Write })
	for _, op := range writes[:len(writes)-1] {
		if op.N < 64<<10 {
			t.Errorf("a write of %d bytes, want at least 64 KiB", op.N)
		}
	}
	if hash, _ := temp.Sum(); hash != sha256.Sum256(content) {
		t.Error("the hash is not that of the content")
	}
}

func TestDamageIsSeen(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir)
	change := func(ref blob.Ref, content string) {
		t.Helper()
		if err := errors.Join(os.Remove(fileOf(dir, ref)), os.WriteFile(fileOf(dir, ref), []byte(content), 0o400)); err != nil {
			t.Fatal(err)
		}
	}
	ref := mustKeep(t, blobs, "content", 1)
	change(ref, "c0ntent")
	if err := blobs.Verify(ref); !errors.Is(err, blob.ErrDamaged) {
		t.Errorf("changed content: %v", err)
	}
	change(ref, "cont")
	if err := blobs.Verify(ref); !errors.Is(err, blob.ErrDamaged) {
		t.Errorf("verify of a short file: %v", err)
	}
	if _, err := blobs.Open(ref); !errors.Is(err, blob.ErrDamaged) {
		t.Errorf("open of a short file: %v", err)
	}
}

func list(t *testing.T, blobs *blob.Dir) (refs []blob.Ref) {
	t.Helper()
	err := blobs.Each(func(ref blob.Ref, received time.Time) bool {
		if time.Since(received).Abs() > time.Hour {
			t.Errorf("%v received at %v", ref, received)
		}
		refs = append(refs, ref)
		return true
	})
	if err != nil {
		t.Error(err)
	}
	return refs
}

func TestEach(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir)
	var want []blob.Ref
	for i := range 20 {
		want = append(want, mustKeep(t, blobs, fmt.Sprint(i), uint32(i)))
	}
	slices.SortFunc(want, func(a, b blob.Ref) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	home := filepath.Dir(fileOf(dir, want[0]))
	name := filepath.Base(fileOf(dir, want[0]))
	for _, stray := range []string{"README", name + "x", "0" + name, strings.ToUpper(name), name[:64], name[:64] + "-007", name[:64] + "-4294967296"} {
		if err := os.WriteFile(filepath.Join(home, stray), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	misplaced := filepath.Join(filepath.Dir(fileOf(dir, want[1])), name)
	if err := errors.Join(os.WriteFile(misplaced, nil, 0o600), os.Mkdir(filepath.Join(home, name[:64]+"-99"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if got := list(t, blobs); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	calls := 0
	if err := blobs.Each(func(blob.Ref, time.Time) bool { calls++; return calls < 3 }); err != nil || calls != 3 {
		t.Errorf("told to stop at 3, Each called %d times, %v", calls, err)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir)
	ref := mustKeep(t, blobs, "content", 1)
	temp, err := blobs.Create()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := temp.Write([]byte("lost with its process")); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	wantNoTemp(t, dir)
	if err := again.Verify(ref); err != nil {
		t.Error(err)
	}
}

// TestConcurrent keeps the same few contents from many goroutines.
func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	blobs := open(t, dir)
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := range 6 {
				ref, err := keep(blobs, fmt.Sprint((client+i)%5), 1)
				if err == nil {
					err = blobs.Verify(ref)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(list(t, blobs)); n != 5 {
		t.Errorf("%d blobs, want 5", n)
	}
	wantNoTemp(t, dir)
}

func BenchmarkKeep(b *testing.B) {
	for _, size := range []int{16 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			fsys := disk.New(b.TempDir())
			blobs, err := blob.Open(fsys)
			if err != nil {
				b.Fatal(err)
			}
			content := make([]byte, size)
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				copy(content, fmt.Sprint(i))
				if _, err := keep(blobs, string(content), 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
