package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	requestTimeout   = 2 * time.Minute // the naive COPY of 10,000 files takes seconds
	readBuffer       = 64 << 10        // also the longest header line
	scratchBuffer    = 256 << 10
	headerLinesMax   = 200
	collectedMax     = 256 << 20 // of an answer kept in memory
	interimMax       = 10        // 1xx answers before the real one
	chunkSizeDigits  = 8
	statusLineMinLen = len("HTTP/1.1 200")
)

// A target is where requests go, taken apart once.
type target struct {
	address string // host:port
	prefix  string // of every path; ends in a slash
	headers string // lines every request carries
}

func newTarget(baseURL, user, password string) (target, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return target{}, err
	}
	t := target{address: u.Host, prefix: u.EscapedPath(), headers: "Host: " + u.Host + "\r\n"}
	if user != "" {
		credentials := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
		t.headers += "Authorization: Basic " + credentials + "\r\n"
	}
	return t, nil
}

// url is the address of a path below the prefix, as Destination wants it.
func (t target) url(path string) string { return "http://" + t.address + t.prefix + path }

// A client is one keep-alive connection that sends one request at a time. It
// writes the bytes of a request itself and reads no more of an answer than the
// checks need, so that the servers, and not it, are what is measured.
type client struct {
	target
	conn    io.ReadWriteCloser // nil: dial with the next request
	in      *bufio.Reader
	out     []byte
	body    bytes.Buffer
	scratch []byte
	// patience is how long an answer may take.
	patience time.Duration
}

func newClient(t target) *client {
	return &client{target: t, patience: requestTimeout, in: bufio.NewReaderSize(nil, readBuffer), scratch: make([]byte, scratchBuffer)}
}

// A request names its path below the target's prefix.
type request struct {
	method, path string
	headers      string // further lines, each ending in CRLF
	body         []byte
	upload       content // sent when body is nil
}

// A response is valid until the client's next request.
type response struct {
	request      string // method and path, for messages
	wanted       []int  // statuses
	status       int
	lockToken    string // with its angle brackets
	contentRange string
	length       int64
	body         []byte // empty when the body went to a sink
}

// ask sends a request and collects the answer, which must have one of the
// statuses.
func (c *client) ask(q request, statuses ...int) (response, error) {
	c.body.Reset()
	r, err := c.stream(q, &limited{&c.body, collectedMax}, statuses...)
	r.body = c.body.Bytes()
	return r, err
}

// stream is ask with the body handed to the sink piece by piece. A body under a
// status that is not wanted is skipped.
func (c *client) stream(q request, sink io.Writer, statuses ...int) (response, error) {
	r := response{request: q.method + " " + q.path, wanted: statuses}
	err := c.send(q)
	if err == nil {
		err = c.receive(&r, sink)
	}
	if err != nil {
		// Nobody knows now where the next answer begins.
		c.close()
		return r, fmt.Errorf("%s: %w", r.request, err)
	}
	return r, r.unwanted()
}

// unwanted is the error for another status than those asked for.
func (r *response) unwanted() error {
	if slices.Contains(r.wanted, r.status) {
		return nil
	}
	return wrong("%s answered %d, not %v", r.request, r.status, r.wanted)
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close() // nothing is lost: the exchange is over or broken
		c.conn = nil
	}
}

func (c *client) send(q request) error {
	if c.conn == nil {
		conn, err := dial(c.address, c.patience)
		if err != nil {
			return err
		}
		c.conn = conn
		c.in.Reset(conn)
	}
	length := int64(len(q.body))
	if q.body == nil {
		length = q.upload.size
	}
	b := append(c.out[:0], q.method...)
	b = append(b, ' ')
	b = append(b, c.prefix...)
	b = append(b, q.path...)
	b = append(b, " HTTP/1.1\r\n"...)
	b = append(b, c.headers...)
	b = append(b, q.headers...)
	if length > 0 || q.method == "PUT" {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	b = append(b, q.body...)
	c.out = b
	if _, err := c.conn.Write(b); err != nil {
		return err
	}
	if q.body == nil && length > 0 {
		_, err := q.upload.WriteTo(c.conn)
		return err
	}
	return nil
}

// framing is how an answer's body ends.
type framing struct {
	length  int64 // -1: not told
	chunked bool
	closing bool // the connection ends with it
}

func (c *client) receive(r *response, sink io.Writer) error {
	var f framing
	for range interimMax {
		var err error
		if f, err = c.readHead(r); err != nil {
			return err
		}
		if r.status >= 200 {
			break
		}
	}
	if r.unwanted() != nil {
		sink = io.Discard
	}
	var err error
	switch {
	case r.status < 200:
		return errors.New("only interim answers came")
	case r.status == 204 || r.status == 304: // RFC 9112, section 6.3
	case f.chunked:
		err = c.readChunks(r, sink)
	case f.length >= 0:
		err = c.readBody(r, f.length, sink)
	default:
		return errors.New("the answer does not say how long it is")
	}
	if err == nil && f.closing {
		c.close()
	}
	return err
}

func (c *client) readHead(r *response) (framing, error) {
	f := framing{length: -1}
	line, err := c.readLine()
	if err != nil {
		return f, err
	}
	if len(line) < statusLineMinLen || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return f, fmt.Errorf("not a status line of HTTP/1.1 or 1.0: %.40q", line)
	}
	f.closing = line[len("HTTP/1.")] == '0' // RFC 9112, section 9.3
	if r.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return f, fmt.Errorf("not a status: %.40q", line)
	}
	for range headerLinesMax {
		line, err := c.readLine()
		if err != nil || len(line) == 0 {
			return f, err
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return f, fmt.Errorf("not a header line: %.40q", line)
		}
		if err := f.note(r, name, bytes.TrimSpace(value)); err != nil {
			return f, err
		}
	}
	return f, fmt.Errorf("more than %d header lines", headerLinesMax)
}

// note keeps the few headers that matter. The length of a name is compared
// first, since most lines go no further.
func (f *framing) note(r *response, name, value []byte) (err error) {
	is := func(s string) bool { return len(name) == len(s) && strings.EqualFold(string(name), s) }
	switch {
	case is("Content-Length"):
		f.length, err = strconv.ParseInt(string(value), 10, 64)
		if err != nil || f.length < 0 {
			return fmt.Errorf("not a length: %.40q", value)
		}
	case is("Transfer-Encoding"):
		f.chunked = bytes.EqualFold(value, []byte("chunked"))
	case is("Connection"):
		f.closing = f.closing && !bytes.EqualFold(value, []byte("keep-alive")) || bytes.EqualFold(value, []byte("close"))
	case is("Lock-Token"):
		r.lockToken = string(value)
	case is("Content-Range"):
		r.contentRange = string(value)
	}
	return nil
}

// readLine is valid until the next read.
func (c *client) readLine() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

func (c *client) readBody(r *response, n int64, sink io.Writer) error {
	for n > 0 {
		piece, err := c.piece(n)
		if len(piece) > 0 {
			if _, err := sink.Write(piece); err != nil {
				return err
			}
		}
		n -= int64(len(piece))
		r.length += int64(len(piece))
		if err != nil && n > 0 {
			return err
		}
	}
	return nil
}

// piece is some of the next n bytes, valid until the next read: those that came
// with what was read before, where they lie.
func (c *client) piece(n int64) ([]byte, error) {
	if waiting := int64(c.in.Buffered()); waiting > 0 {
		p, err := c.in.Peek(int(min(n, waiting)))
		c.in.Discard(len(p))
		return p, err
	}
	m, err := c.in.Read(c.scratch[:min(n, int64(len(c.scratch)))])
	return c.scratch[:m], err
}

func (c *client) readChunks(r *response, sink io.Writer) error {
	for {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		digits, _, _ := bytes.Cut(line, []byte(";"))
		digits = bytes.TrimSpace(digits)
		n, err := strconv.ParseInt(string(digits), 16, 64)
		if err != nil || n < 0 || len(digits) > chunkSizeDigits {
			return fmt.Errorf("not the size of a chunk: %.40q", line)
		}
		if n == 0 {
			break
		}
		if err := c.readBody(r, n, sink); err != nil {
			return err
		}
		if line, err := c.readLine(); err != nil || len(line) > 0 {
			return errors.Join(err, errors.New("a chunk does not end where it says"))
		}
	}
	for range headerLinesMax { // the trailer
		if line, err := c.readLine(); err != nil || len(line) == 0 {
			return err
		}
	}
	return fmt.Errorf("more than %d trailer lines", headerLinesMax)
}

// limited refuses to collect more than it has left.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("answer over %d bytes", collectedMax)
	}
	return l.w.Write(p)
}
