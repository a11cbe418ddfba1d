package dav

import (
	"bytes"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPiecesWriteLarge(t *testing.T) {
	rec := httptest.NewRecorder()
	content := strings.Repeat("0123456789", 30)
	n, err := pieces{rec, make([]byte, 64)}.ReadFrom(io.LimitReader(strings.NewReader(content), 299))
	if n != 299 || err != nil || rec.Body.String() != content[:299] {
		t.Errorf("sent %d of %d bytes, %v", n, len(content), err)
	}
}

func TestWhoWantsPieces(t *testing.T) {
	for _, row := range []struct {
		remote, ranges string
		size           int64
		want           bool
	}{
		{"127.0.0.1:9", "", sendSize, true},
		{"[::1]:9", "", sendSize, true},
		{"[::ffff:127.0.0.1]:9", "", sendSize, true},
		{"127.0.0.1:9", "", sendSize - 1, false},
		{"127.0.0.1:9", "bytes=0-9", sendSize, false},
		{"192.0.2.1:9", "", sendSize, false},
		{"[2001:db8::1]:9", "", sendSize, false},
		{"@", "", sendSize, false}, // a Unix socket
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = row.remote
		if row.ranges != "" {
			r.Header.Set("Range", row.ranges)
		}
		if got := (&request{r: r}).wantsPieces(row.size); got != row.want {
			t.Errorf("%+v: %v", row, got)
		}
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
