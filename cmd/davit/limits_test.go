package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"davit/store"
)

// patience is how long a test waits for what does not come.
const patience = 30 * time.Second

// hangsUp sends text and returns all that the server says until it hangs up.
func hangsUp(t *testing.T, address, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, text)
	said, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the server holds on to who sent %.40q", text)
	}
	return string(said)
}

// TestConnectionLimits: who is slow, idle or long-winded does not hold a
// connection.
func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	const moment = 20 * time.Millisecond
	for _, c := range []struct {
		name   string
		limits limits
		send   string
		says   string
	}{
		{"half a head", limits{readHeader: moment}, "GET /healthz HTTP/1.1\r\nHo", ""},
		{"idle", limits{idle: moment}, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "200 OK"},
		{"a long head", limits{header: 1 << 10}, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", "431"},
		{"half a body", limits{pace: pace{period: moment, least: 100}}, "PUT /dav/home/a HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nbegin", "401"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.open(func(st *store.Store) {
				s := newServer(st, &serveOptions{limits: c.limits}, slog.New(slog.DiscardHandler))
				if err := s.listen(d.dir, "127.0.0.1:0", nil); err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- s.run(ctx, nil) }()
				said := hangsUp(t, s.clients.Addr().String(), c.send)
				if !strings.Contains(said, c.says) {
					t.Errorf("the server says %q", said)
				}
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A notebook is a log that may be read while it is written.
type notebook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notebook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

// TestStalledUpload: a body that stands still ends its request and its
// connection, and the log tells.
func TestStalledUpload(t *testing.T) {
	t.Parallel()
	var log notebook
	_, address := pipeServer(t, &front{
		pace: pace{period: 20 * time.Millisecond, least: 100},
		log:  slog.New(slog.NewTextHandler(&log, nil)),
		content: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); errors.Is(err, os.ErrDeadlineExceeded) {
				w.WriteHeader(http.StatusRequestTimeout)
			}
		}),
	})
	said := hangsUp(t, strings.TrimPrefix(address, "http://"), "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nbegin")
	if !strings.Contains(said, "408 ") || !strings.Contains(log.String(), "stood still") {
		t.Errorf("the server says %q and logs %q", said, log.String())
	}
}

// wire is a body that comes in pieces of a size, one each gap, and the deadline
// of the connection that it comes by.
type wire struct {
	http.ResponseWriter
	left, piece int
	gap         time.Duration
	deadline    time.Time
}

func (w *wire) SetReadDeadline(t time.Time) error {
	w.deadline = t
	return nil
}

func (w *wire) Read(p []byte) (int, error) {
	if w.left == 0 {
		return 0, io.EOF
	}
	if !w.deadline.IsZero() && time.Now().Add(w.gap).After(w.deadline) {
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(w.gap)
	n := min(len(p), w.piece, w.left)
	w.left -= n
	return n, nil
}

func (w *wire) Close() error { return nil }

// TestPace: an upload that takes hours at a low rate is let go on, and one below
// the least progress is not, however it divides its bytes.
func TestPace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		piece int
		gap   time.Duration
		ends  error
	}{
		{"steady", 200, time.Second, nil},
		{"in bursts", 4000, 40 * time.Second, nil},
		{"a byte now and then", 1, 10 * time.Second, os.ErrDeadlineExceeded},
		{"nothing for long", 100_000, 2 * time.Minute, os.ErrDeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{left: 1_000_000, piece: c.piece, gap: c.gap}
				r := pace{period: time.Minute, least: 1000}.keep(w, &http.Request{Body: w}, slog.New(slog.DiscardHandler))
				_, err := io.Copy(io.Discard, r.Body)
				if !errors.Is(err, c.ends) {
					t.Errorf("%v instead of %v, with %d bytes to come", err, c.ends, w.left)
				}
				if err == nil && !w.deadline.IsZero() {
					t.Error("the deadline outlives the body")
				}
			})
		})
	}
}

// A client that waits to be asked for its body (litmus does) is told what it needs
// to know instead, where nobody reads one.
func TestUnreadBodyIsNotAskedFor(t *testing.T) {
	t.Parallel()
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	server := httptest.NewServer(&front{content: refuse, pace: pace{period: time.Minute, least: 1000}, log: slog.New(slog.DiscardHandler)})
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(patience))
	io.WriteString(conn, "PUT /dav/x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 401 ") {
		t.Errorf("the answer begins with %q, %v", line, err)
	}
}

// TestDoorman: one address has no more connections than it may, all together no
// more than the server takes, a connection that closes makes room, and the log
// is told once a minute.
func TestDoorman(t *testing.T) {
	t.Parallel()
	for _, lim := range []limits{{perAddress: 2}, {open: 2}} {
		var log notebook
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		d := newDoorman(l, lim, slog.New(slog.NewTextHandler(&log, nil)))
		d.now = func() time.Time { return now }
		in := make(chan net.Conn)
		go func() {
			defer close(in)
			for {
				c, err := d.Accept()
				if err != nil {
					return
				}
				in <- c
			}
		}()
		dial := func() net.Conn {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(patience))
			t.Cleanup(func() { c.Close() })
			return c
		}
		dial()
		first := <-in
		dial()
		<-in
		turnedAway := func() {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return // so soon
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			if _, err = c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%+v: one too many is let in", lim)
			}
		}
		for range 3 {
			turnedAway()
		}
		if n := strings.Count(log.String(), "turned away"); n != 1 {
			t.Errorf("the log is told %d times: %s", n, log.String())
		}
		d.mu.Lock()
		now = now.Add(toldEvery)
		d.mu.Unlock()
		turnedAway()
		if !strings.Contains(log.String(), "turned_away=3") {
			t.Errorf("the log does not tell of all: %s", log.String())
		}
		first.Close()
		first.Close() // counts once
		dial()
		<-in
		turnedAway()
		if _, sends := first.(io.ReaderFrom); !sends {
			t.Error("files are not sent by the system's own means")
		}
		l.Close()
		<-in
	}
}

func TestHousehold(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:80":              "192.0.2.7/32",
		"[::ffff:192.0.2.7]:80":     "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":         "fe80::/64",
	} {
		ap, err := net.ResolveTCPAddr("tcp", strings.Replace(address, "%eth0", "", 1))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(address, "%") {
			ap.Zone = "eth0"
		}
		if got := household(ap).String(); got != want {
			t.Errorf("%s counts as %s instead of %s", address, got, want)
		}
	}
}
