package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// socketName is the control socket in the data directory.
	socketName = "control.sock"
	// socketPathMax is the longest path that every system binds a socket to, in
	// bytes.
	socketPathMax = 100

	opPrefix          = "/op/"
	asHeader          = "Davit-As"    // the account that acts
	epochHeader       = "Davit-Epoch" // of the policy that a change is made for
	bodyMax           = 1 << 20       // bytes of arguments that name no limit of their own
	answerMax         = 64 << 20      // bytes of an answer
	headerMax         = 16 << 10
	readHeaderTimeout = 10 * time.Second
)

// ErrNoServer is wrapped by Dial when no server runs over the data directory.
var ErrNoServer = errors.New("no running server")

// Listen opens the control socket of a data directory. The caller has the store
// open, which one process at a time can: a socket that is there already was left
// by a server that is gone.
func Listen(dir string) (net.Listener, error) {
	// Only the account that runs the server may get near the socket, also in the
	// moment before its own mode is set.
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, fmt.Errorf("close the data directory to others: %w", err)
	}
	real := filepath.Join(dir, socketName)
	if err := os.Remove(real); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("replace the control socket: %w", err)
	}
	var l *net.UnixListener
	err := near(dir, func(path string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // it knows the socket by a name that is gone
	if err := os.Chmod(real, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &listener{l, real}, nil
}

// listener takes its socket with it.
type listener struct {
	net.Listener
	path string
}

func (l *listener) Close() error {
	err := l.Listener.Close()
	if gone := os.Remove(l.path); err == nil && !errors.Is(gone, fs.ErrNotExist) {
		err = gone
	}
	return err
}

// near calls use with a path to the socket that is short enough for the system,
// by way of a link that lasts as long as the call.
func near(dir string, use func(path string) error) error {
	path := filepath.Join(dir, socketName)
	if len(path) <= socketPathMax {
		return use(path)
	}
	whole, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "davit-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	link := filepath.Join(tmp, "d")
	if err := os.Symlink(whole, link); err != nil {
		return err
	}
	return use(filepath.Join(link, socketName))
}

// Serve answers operations on the control socket until ctx ends; it closes l.
func (a *Admin) Serve(ctx context.Context, l net.Listener, log *slog.Logger) error {
	// No ReadTimeout: it would end the context of an operation that takes long.
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: readHeaderTimeout,
		MaxHeaderBytes:    headerMax,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	err := server.Serve(l)
	if ctx.Err() != nil && errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return errors.Join(err, l.Close())
}

// ServeHTTP answers POST /op/NAME: arguments in, result or error out, as JSON.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, opPrefix)
	o, known := operations[name]
	var result any
	err := error(unknown(name))
	switch {
	case !ok || r.Method != http.MethodPost:
		err = invalid("", "the control socket takes POST %sNAME", opPrefix)
	case known:
		result, err = a.served(w, r, o)
	}
	answer(w, result, tell(err))
}

func (a *Admin) served(w http.ResponseWriter, r *http.Request, o operation) (any, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, o.argsMax()))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, invalid("", "arguments of more than %d bytes", o.argsMax())
	case err != nil:
		return nil, fmt.Errorf("read arguments: %w", err)
	}
	var epoch uint64
	if text := r.Header.Get(epochHeader); text != "" {
		if epoch, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, invalid("", "%s %q is no number", epochHeader, clip(text))
		}
	}
	if a, err = a.As(r.Header.Get(asHeader)).Since(epoch).acting(); err != nil {
		return nil, err
	}
	return o.decoded(r.Context(), a, body)
}

// failure is the body of an answer that is no result.
type failure struct {
	Error *Error `json:"error"`
}

// statuses are for whoever reads the socket without this package.
var statuses = map[Kind]int{
	NotFound: http.StatusNotFound,
	Conflict: http.StatusConflict,
	Refused:  http.StatusForbidden,
	Invalid:  http.StatusBadRequest,
	Failed:   http.StatusInternalServerError,
}

func answer(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	var told *Error
	if errors.As(err, &told) {
		status, result = statuses[told.Kind], failure{told}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(result) // an error here is a caller who has gone
}

// A Client carries out operations through the control socket of a server.
type Client struct {
	http  http.Client
	as    string
	epoch uint64
}

// As is the same Client acting as an account, or as the operator for "".
func (c *Client) As(user string) *Client { return &Client{c.http, user, c.epoch} }

// Since is the same Client making changes only while the policy is still of that
// epoch; 0 is for any.
func (c *Client) Since(epoch uint64) *Client { return &Client{c.http, c.as, epoch} }

// Dial finds the server that runs over a data directory. The error wraps
// ErrNoServer when there is none.
func Dial(ctx context.Context, dir string) (*Client, error) {
	dial := func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
		err = near(dir, func(path string) (err error) {
			conn, err = new(net.Dialer).DialContext(ctx, "unix", path)
			return err
		})
		return conn, err
	}
	conn, err := dial(ctx, "", "")
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("%s: %w", dir, ErrNoServer)
	case err != nil:
		return nil, fmt.Errorf("speak to the running server: %w", err)
	}
	conn.Close()
	return &Client{http: http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}}, nil
}

// Do implements Doer.
func (c *Client) Do(ctx context.Context, op string, args, result any) error {
	body, err := json.Marshal(args)
	if err != nil {
		return tell(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://davit"+opPrefix+op, strings.NewReader(string(body)))
	if err != nil {
		return tell(err)
	}
	if c.as != "" {
		r.Header.Set(asHeader, c.as)
	}
	if c.epoch != 0 {
		r.Header.Set(epochHeader, strconv.FormatUint(c.epoch, 10))
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return tell(fmt.Errorf("speak to the running server: %w", err))
	}
	defer resp.Body.Close()
	return tell(decode(resp, result))
}

func decode(resp *http.Response, result any) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerMax+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the server's answer: %w", err)
	case len(text) > answerMax:
		return fmt.Errorf("the server's answer is longer than %d bytes", answerMax)
	case resp.StatusCode == http.StatusOK:
		err = json.Unmarshal(text, result)
	default:
		var f failure
		if err = json.Unmarshal(text, &f); err == nil && f.Error != nil {
			return f.Error
		}
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server's answer (%s) cannot be read: %v", resp.Status, err)
	}
	return nil
}
