package dav

import (
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// written notes how an answer came: by Write, or from a file that the system
// could send by itself.
type written struct {
	*httptest.ResponseRecorder
	largest  int // bytes of one Write
	bySystem int64
}

func (w *written) Write(p []byte) (int, error) {
	w.largest = max(w.largest, len(p))
	return w.ResponseRecorder.Write(p)
}

func (w *written) ReadFrom(r io.Reader) (int64, error) {
	if part, ok := r.(*Stretch); ok {
		w.bySystem += part.N
	}
	return io.Copy(w.ResponseRecorder, r)
}

// TestWaysToSend: every way sends the bytes that were asked for; in pieces what is
// large and stays on this machine.
func TestWaysToSend(t *testing.T) {
	const size = 3 * sendSize
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i >> 8 * (1 + i))
	}
	name := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		remote, ranges string
		from, n        int
		largest        int // 0: by the system
	}{
		{"127.0.0.1:9", "", 0, size, sendSize},
		{"[::1]:9", "", 0, size, sendSize},
		{"[::ffff:127.0.0.1]:9", "", 0, size, sendSize},
		{"192.0.2.1:9", "", 0, size, 0},
		{"[2001:db8::1]:9", "", 0, size, 0},
		{"@", "", 0, size, 0}, // a Unix socket
		{"127.0.0.1:9", "bytes=70000-135535", 70_000, 65_536, 0},
		{"127.0.0.1:9", "bytes=-9", size - 9, 9, 0},
		{"127.0.0.1:9", "bytes=9-1048583", 9, sendSize - 1, 0},
		{"127.0.0.1:9", "bytes=9-1048584", 9, sendSize, sendSize},
		{"192.0.2.1:9", "bytes=9-1048584", 9, sendSize, 0},
	} {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		w := &written{ResponseRecorder: httptest.NewRecorder()}
		rq := &request{h: New(Config{}), w: w, r: httptest.NewRequest("GET", "/", nil)}
		rq.r.RemoteAddr = row.remote
		if row.ranges != "" {
			rq.r.Header.Set("Range", row.ranges)
		}
		rq.send(size, time.Time{}, file)
		file.Close()
		if !bytes.Equal(w.Body.Bytes(), content[row.from:][:row.n]) {
			t.Errorf("%+v: %d other bytes came", row, w.Body.Len())
		}
		if by := w.bySystem; w.largest != row.largest && row.largest > 0 || (by > 0) != (row.largest == 0) {
			t.Errorf("%+v: at most %d at once, %d by the system", row, w.largest, by)
		}
	}
}

// digits is a file of ten bytes.
func digits(t *testing.T) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// TestSeveralRanges: each part is what it says.
func TestSeveralRanges(t *testing.T) {
	file := digits(t)
	rec := httptest.NewRecorder()
	rq := &request{h: New(Config{}), w: rec, r: httptest.NewRequest("GET", "/", nil)}
	rq.r.Header.Set("Range", "bytes=1-2,7-9")
	rq.send(10, time.Time{}, file)
	if body := rec.Body.String(); rec.Code != 206 || !strings.Contains(body, "\r\n\r\n12\r\n") || !strings.Contains(body, "\r\n\r\n789\r\n") {
		t.Errorf("%d with %q", rec.Code, body)
	}
}

// TestLargeDownloads: more at once than there are buffers, none of them empty,
// each whole, and the buffers come back.
func TestLargeDownloads(t *testing.T) {
	h := New(Config{})
	name := filepath.Join(t.TempDir(), "large")
	content := bytes.Repeat([]byte("0123456789abcdef"), sendSize/8)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range sendersMax + 4 {
		wg.Go(func() {
			file, err := os.Open(name)
			if err != nil {
				t.Error(err)
				return
			}
			defer file.Close()
			rec := httptest.NewRecorder()
			rq := &request{h: h, w: rec, r: httptest.NewRequest("GET", "/", nil)}
			rq.r.RemoteAddr = "127.0.0.1:9"
			rq.send(int64(len(content)), time.Time{}, file)
			if !bytes.Equal(rec.Body.Bytes(), content) {
				t.Errorf("%d bytes came of %d", rec.Body.Len(), len(content))
			}
		})
	}
	wg.Wait()
	if len(h.senders) != sendersMax {
		t.Errorf("%d buffers of %d came back", len(h.senders), sendersMax)
	}
}

// TestStretch: readers of one file do not disturb each other, and a file that ends too
// soon is an error.
func TestStretch(t *testing.T) {
	file := digits(t)
	left, right, short := &Stretch{file, 0, 5}, &Stretch{file, 5, 5}, &Stretch{file, 8, 3}
	var got [2]string
	for range 5 {
		for i, s := range []*Stretch{left, right} {
			var b [1]byte
			if n, err := s.Read(b[:]); n != 1 || err != nil {
				t.Fatalf("read %d, %v", n, err)
			}
			got[i] += string(b[:])
		}
	}
	if got != [2]string{"01234", "56789"} {
		t.Errorf("read %q", got)
	}
	if n, err := left.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
	if all, err := io.ReadAll(short); string(all) != "89" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("of a short file: %q, %v", all, err)
	}
}
