package main

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"davit/dav"
)

// welcome is a guest held to the pace, and its client.
func welcome(t *testing.T, p pace, log io.Writer) (*guest, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := newDoorman(l, limits{pace: p}, slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { d.Close() })
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	client.SetDeadline(time.Now().Add(patience))
	c, err := d.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*guest), client
}

// downloadSize is more than the system keeps for a client that does not read.
const downloadSize = 32 << 20

// download is a file of random content.
func download(t *testing.T) (*os.File, []byte) {
	t.Helper()
	content := make([]byte, downloadSize)
	rand.NewChaCha8([32]byte{1}).Read(content)
	name := filepath.Join(t.TempDir(), "download")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file, content
}

// waysToSend are those of an answer.
func waysToSend(t *testing.T) map[string]func(*guest) (int64, error) {
	file, content := download(t)
	return map[string]func(*guest) (int64, error){
		"bytes": func(g *guest) (int64, error) {
			n, err := g.Write(content)
			return int64(n), err
		},
		"a file": func(g *guest) (int64, error) {
			return g.ReadFrom(&dav.Stretch{File: file, N: downloadSize})
		},
		"a stream": func(g *guest) (int64, error) { return g.ReadFrom(bytes.NewReader(content)) },
	}
}

// TestStalledDownload: a client that stops reading is hung up on, and the log tells.
func TestStalledDownload(t *testing.T) {
	t.Parallel()
	for name, send := range waysToSend(t) {
		var log notebook
		g, _ := welcome(t, pace{period: 20 * time.Millisecond, least: 100}, &log)
		n, err := send(g)
		if !errors.Is(err, os.ErrDeadlineExceeded) || n >= downloadSize || !strings.Contains(log.String(), "stopped reading") {
			t.Errorf("%s: %d bytes were sent, %v; the log: %s", name, n, err, log.String())
		}
	}
}

// TestSlowDownload: a client that begins to read periods later, and any pace being
// good enough, gets the whole as it is.
func TestSlowDownload(t *testing.T) {
	t.Parallel()
	_, content := download(t)
	for name, send := range waysToSend(t) {
		g, client := welcome(t, pace{period: 4 * time.Millisecond}, io.Discard)
		sent := make(chan error, 1)
		go func() {
			_, err := send(g)
			g.Close()
			sent <- err
		}()
		for periods, last := 0, int64(0); periods < 4; runtime.Gosched() {
			if now := g.begun.Load(); now != last {
				periods, last = periods+1, now
			}
		}
		got, err := io.ReadAll(client)
		if sendErr := <-sent; err != nil || sendErr != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes came, %v, %v", name, len(got), err, sendErr)
		}
	}
}

// TestKeepOn: progress in every other period is enough, and whoever sets a deadline
// of his own is not kept waiting beyond it.
func TestKeepOn(t *testing.T) {
	late, other := os.ErrDeadlineExceeded, io.ErrClosedPipe
	type sent struct {
		n   int64
		err error
	}
	for _, row := range []struct {
		name  string
		bound bool
		sends []sent
		total int64
		err   error
	}{
		{"whole", false, []sent{{500, nil}}, 500, nil},
		{"slowly", false, []sent{{5000, late}, {0, late}, {100, late}, {99, late}, {200, late}, {7, nil}}, 5406, nil},
		{"not at all", false, []sent{{0, late}, {0, late}}, 0, late},
		{"too slowly", false, []sent{{100, late}, {99, late}, {99, late}}, 298, late},
		{"broken", false, []sent{{3, other}}, 3, other},
		{"bound", true, []sent{{5000, late}}, 5000, late},
	} {
		g := &guest{TCPConn: &net.TCPConn{}, pace: pace{period: time.Hour, least: 100}, log: slog.New(slog.DiscardHandler)}
		if row.bound {
			g.SetWriteDeadline(time.Now())
		}
		i := 0
		total, err := g.keepOn(func() (int64, error) {
			if i == len(row.sends) {
				t.Fatalf("%s: asked too often", row.name)
			}
			i++
			return row.sends[i-1].n, row.sends[i-1].err
		})
		if total != row.total || err != row.err || i != len(row.sends) {
			t.Errorf("%s: %d bytes in %d, %v", row.name, total, i, err)
		}
	}
}

// TestGuestsOwnDeadline: one that is set and taken away again gives way to the pace.
func TestGuestsOwnDeadline(t *testing.T) {
	t.Parallel()
	g, _ := welcome(t, pace{period: time.Hour, least: 1}, io.Discard)
	g.SetDeadline(time.Now().Add(-time.Second))
	if _, err := g.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline that has passed: %v", err)
	}
	g.SetDeadline(time.Time{})
	if _, err := g.Write([]byte("x")); err != nil || g.begun.Load() == 0 {
		t.Errorf("without it: %v", err)
	}
}

// TestShortFile: of a file that ends too soon the client gets what there is, and the
// sender is told.
func TestShortFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(name, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g, client := welcome(t, pace{}, io.Discard)
	n, err := g.ReadFrom(&dav.Stretch{File: file, At: 4, N: 100})
	g.Close()
	got, readErr := io.ReadAll(client)
	if n != 6 || !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != "456789" || readErr != nil {
		t.Errorf("%d bytes sent, %v; %q came, %v", n, err, got, readErr)
	}
}
