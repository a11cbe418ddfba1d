package davtest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for an answer that does not come.
const patience = 30 * time.Second

// A Conn is a connection on which a test sends the body of one request by hand,
// slowly, wrongly or in part.
type Conn struct {
	*net.TCPConn
	t   testing.TB
	req *http.Request
	in  *bufio.Reader
}

// Dial opens a connection and sends the head of a request, signed in as the
// client is.
func (c *Client) Dial(method, path string, headers ...string) *Conn {
	c.s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.s.URL, "http://"))
	if err != nil {
		c.s.t.Fatal(err)
	}
	c.s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	req, err := http.NewRequest(method, c.s.URL+path, nil)
	if err != nil {
		c.s.t.Fatal(err)
	}
	k := &Conn{conn.(*net.TCPConn), c.s.t, req, bufio.NewReader(conn)}
	k.Say(method + " " + path + " HTTP/1.1\r\nHost: " + req.Host + "\r\n")
	if c.user != "" {
		req.SetBasicAuth(c.user, c.secret)
		k.Say("Authorization: " + req.Header.Get("Authorization") + "\r\n")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		k.Say(headers[i] + ": " + headers[i+1] + "\r\n")
	}
	k.Say("\r\n")
	return k
}

// Upload begins a PUT of size bytes, in chunks if size is negative, and returns
// when the server asks for the body or, with begun false, has refused it.
func (c *Client) Upload(path string, size int, headers ...string) (k *Conn, begun bool) {
	c.s.t.Helper()
	length := []string{"Transfer-Encoding", "chunked"}
	if size >= 0 {
		length = []string{"Content-Length", strconv.Itoa(size)}
	}
	k = c.Dial("PUT", path, slices.Concat(length, []string{"Expect", "100-continue"}, headers)...)
	line, err := k.in.Peek(len("HTTP/1.1 100"))
	if err != nil {
		c.s.t.Fatal(err)
	}
	if string(line) != "HTTP/1.1 100" {
		return k, false
	}
	for range 2 { // the status line and the empty one
		if _, err := k.in.ReadString('\n'); err != nil {
			c.s.t.Fatal(err)
		}
	}
	return k, true
}

// Say sends text as it is. A server that has refused may have hung up already:
// Answer tells.
func (k *Conn) Say(text string) { io.WriteString(k, text) }

// Reset breaks the connection as when a cable is pulled.
func (k *Conn) Reset() {
	k.SetLinger(0)
	k.Close()
}

// Answer reads the answer.
func (k *Conn) Answer() *Response {
	k.t.Helper()
	answer := &Response{Method: k.req.Method, Path: k.req.URL.Path}
	resp, err := http.ReadResponse(k.in, k.req)
	if err != nil {
		k.t.Errorf("%s %s: %v", k.req.Method, k.req.URL.Path, err)
		return answer
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		k.t.Errorf("%s %s: %v", k.req.Method, k.req.URL.Path, err)
	}
	answer.Status, answer.Header, answer.Body = resp.StatusCode, resp.Header, string(body)
	return answer
}
