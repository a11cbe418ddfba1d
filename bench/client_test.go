package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// scripted answers the requests on each connection with the given bytes, in
// turn, and closes after the last. It reports each request it could read.
func scripted(t *testing.T, answers ...string) (target, <-chan *http.Request) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	seen := make(chan *http.Request, 10)
	go func() {
		for len(answers) > 0 {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(conn)
			for len(answers) > 0 {
				r, err := http.ReadRequest(in)
				if err != nil {
					break
				}
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				seen <- r
				io.WriteString(conn, answers[0])
				last := strings.Contains(answers[0], "close")
				answers = answers[1:]
				if last {
					break
				}
			}
			conn.Close()
		}
	}()
	to, err := newTarget("http://"+l.Addr().String()+"/dav/Team/", "mia", "secret")
	if err != nil {
		t.Fatal(err)
	}
	return to, seen
}

func TestClientReadsAnswers(t *testing.T) {
	for _, tc := range []struct{ name, answer, body string }{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"},
		{"odd case", "HTTP/1.1 200 OK\r\ncontent-LENGTH:5\r\n\r\nhello", "hello"},
		{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", "hello"},
		{"trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nDigest: x\r\n\r\n", "hello"},
		{"interim", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"},
		{"closing", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", "hi"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			to, _ := scripted(t, tc.answer, "HTTP/1.1 204 No Content\r\n\r\n")
			c := newClient(to)
			defer c.close()
			r, err := c.ask(request{method: "GET", path: "x"}, 200)
			if err != nil || string(r.body) != tc.body || r.length != int64(len(tc.body)) {
				t.Fatalf("%q, %d, %v", r.body, r.length, err)
			}
			if _, err := c.ask(request{method: "DELETE", path: "x"}, 204); err != nil {
				t.Fatalf("the next request: %v", err)
			}
		})
	}
}

func TestClientRefusesBrokenAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tc := range []struct{ name, answer, want string }{
		{"no HTTP", "SSH-2.0-OpenSSH\r\n", "not a status line"},
		{"no status", "HTTP/1.1 abc Yes\r\n\r\n", "not a status"},
		{"short body", ok + "X: close\r\nContent-Length: 9\r\n\r\nhello", "EOF"},
		{"negative length", ok + "Content-Length: -1\r\n\r\n", "not a length"},
		{"no length", ok + "X: close\r\n\r\nhello", "does not say how long"},
		{"no colon", ok + "Content-Length 5\r\n\r\nhello", "not a header line"},
		{"long line", ok + "X: " + strings.Repeat("x", readBuffer) + "\r\n\r\n", "buffer full"},
		{"many lines", ok + strings.Repeat("X: y\r\n", headerLinesMax+1) + "Content-Length: 0\r\n\r\n", "header lines"},
		{"many trailers", ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: y\r\n", headerLinesMax+1), "trailer lines"},
		{"chunk not hex", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "not the size of a chunk"},
		{"chunk too large", ok + "Transfer-Encoding: chunked\r\n\r\n111111111\r\nhello", "not the size of a chunk"},
		{"chunk overruns", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", "does not end where it says"},
		{"interim for ever", strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", interimMax), "only interim answers"},
		{"nothing, then end", "close", "EOF"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			to, _ := scripted(t, tc.answer)
			c := newClient(to)
			defer c.close()
			_, err := c.ask(request{method: "GET", path: "x"}, 200)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, not one that says %q", err, tc.want)
			}
			if w := (*wrongAnswer)(nil); errors.As(err, &w) {
				t.Fatalf("%v is told as a wrong answer, not as a broken connection", err)
			}
			if c.conn != nil {
				t.Error("the connection is kept")
			}
		})
	}
}

func TestClientSendsRequests(t *testing.T) {
	const empty = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
	to, seen := scripted(t, empty, empty, empty)
	c := newClient(to)
	defer c.close()
	large := contentOf("large", 3*blockSize+7)
	for _, q := range []struct {
		request
		body []byte
	}{
		{request{method: "PUT", path: "a", upload: large}, large.bytes()},
		{request{method: "LOCK", path: "a", headers: "Depth: 0\r\n", body: []byte("<x/>")}, []byte("<x/>")},
		{request{method: "PUT", path: "empty"}, nil},
	} {
		if _, err := c.ask(q.request, 201); err != nil {
			t.Fatal(err)
		}
		r := <-seen
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		switch {
		case r.Method != q.method || r.URL.Path != "/dav/Team/"+q.path:
			t.Errorf("%s %s arrived as %s %s", q.method, q.path, r.Method, r.URL.Path)
		case user != "mia" || password != "secret" || r.Host != to.address:
			t.Errorf("arrived from %q with %q at %q", user, password, r.Host)
		case !bytes.Equal(body, q.body) || r.ContentLength != int64(len(q.body)):
			t.Errorf("%s: a body of %d bytes arrived as %d", q.method, len(q.body), len(body))
		case q.headers != "" && r.Header.Get("Depth") != "0":
			t.Errorf("%s: headers are missing: %v", q.method, r.Header)
		}
	}
}

func TestUnwantedStatusIsAWrongAnswer(t *testing.T) {
	to, _ := scripted(t, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	c := newClient(to)
	defer c.close()
	v := &verifier{content: contentOf("x", 4)}
	_, err := c.stream(request{method: "GET", path: "x"}, v, 200)
	if w := (*wrongAnswer)(nil); !errors.As(err, &w) || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
	if _, err := c.ask(request{method: "GET", path: "x"}, 200); err != nil {
		t.Errorf("the connection is not good any more: %v", err)
	}
}

func TestClientGivesUpOnSilence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the system takes connections; nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	to, err := newTarget("http://"+l.Addr().String()+"/", "", "")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(to)
	c.patience = 20 * time.Millisecond
	if _, err := c.ask(request{method: "GET", path: "x"}, 200); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
