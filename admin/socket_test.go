package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var quiet = slog.New(slog.DiscardHandler)

// serve answers on the control socket of dir until the test ends.
func (a *Admin) testServe(t *testing.T, dir string) {
	t.Helper()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, l, quiet) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if _, err := os.Lstat(filepath.Join(dir, socketName)); err == nil {
			t.Error("the socket is still there")
		}
	})
}

// TestSocket speaks over it from directories with short and with long names,
// where a dead server left its own.
func TestSocket(t *testing.T) {
	for name, dir := range map[string]string{
		"short": shortDir(t),
		"long":  filepath.Join(t.TempDir(), strings.Repeat("long/", 40), strings.Repeat("x", 200)),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			stale(t, dir)
			if _, err := Dial(context.Background(), dir); !errors.Is(err, ErrNoServer) {
				t.Errorf("a dead server: %v", err)
			}
			newAdmin(t).testServe(t, dir)
			c, err := Dial(context.Background(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if g, err := AddGroup.Do(context.Background(), c, Named{"staff"}); err != nil || g.Name != "staff" {
				t.Errorf("%+v, %v", g, err)
			}
			closedTo(t, dir, 0o700)
			closedTo(t, filepath.Join(dir, socketName), 0o600)
		})
	}
}

func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if len(filepath.Join(dir, socketName)) > socketPathMax {
		t.Skip("the temporary directory has a long name")
	}
	return dir
}

// stale leaves a socket that nobody listens on.
func stale(t *testing.T, dir string) {
	t.Helper()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.(*listener).Listener.Close(); err != nil {
		t.Fatal(err)
	}
}

func closedTo(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != mode {
		t.Errorf("%s: %v, %v, want %v", filepath.Base(path), info.Mode(), err, mode)
	}
}

func TestNoServer(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), strings.Repeat("none/", 40))} {
		if _, err := Dial(context.Background(), dir); !errors.Is(err, ErrNoServer) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestServeFails: a listener that dies is an error, an end that was asked for is
// none.
func TestServeFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := newAdmin(t).Serve(context.Background(), l, quiet); err == nil {
		t.Error("no error")
	}
}

// TestWire sends what no Client would.
func TestWire(t *testing.T) {
	a := newAdmin(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"POST", "/op/user.list", `{}`, http.StatusOK, `[]`},
		{"POST", "/op/group.add", `{"name":"staff"}`, http.StatusOK, `"name":"staff"`},
		{"POST", "/op/group.add", `{"name":"staff"}`, http.StatusConflict, `"kind":"conflict"`},
		{"POST", "/op/group.add", `{"name":"a","id":7}`, http.StatusBadRequest, `unknown field \"id\"`},
		{"POST", "/op/group.add", ``, http.StatusBadRequest, `"kind":"invalid"`},
		{"POST", "/op/group.add", `[`, http.StatusBadRequest, `"kind":"invalid"`},
		{"POST", "/op/group.add", `{"name":"` + strings.Repeat("x", bodyMax) + `"}`, http.StatusBadRequest, "arguments of more than"},
		{"POST", "/op/group.show", `{"name":"none"}`, http.StatusNotFound, `"hint":"davit group list"`},
		{"POST", "/op/user.set", `{"name":"x"}`, http.StatusBadRequest, "say what to change"},
		{"POST", "/op/none", `{}`, http.StatusNotFound, "no operation"},
		{"GET", "/op/user.list", ``, http.StatusBadRequest, "takes POST"},
		{"POST", "/user.list", `{}`, http.StatusBadRequest, "takes POST"},
	} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, w.Code, w.Body, c.status, c.says)
		}
	}
}

// TestOddServer: an answer of something that is no davit is an error, and none
// that names a result.
func TestOddServer(t *testing.T) {
	for status, body := range map[int]string{200: "<html>", 404: "not found", 500: `{"error":null}`, 502: `{}`} {
		resp := &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader(body))}
		var u User
		if err := decode(resp, &u); err == nil || kindOf(err) != "" {
			t.Errorf("%d %s: %v", status, body, err)
		}
	}
}
