// Package imiptest is a mail server for tests: it takes letters on a loopback port,
// with STARTTLS and AUTH where a test asks for them, and misbehaves on demand. It
// delivers nothing.
//
//	server := imiptest.Start(t, imiptest.Server{})
//	... send to server.Address ...
//	letters := server.Letters()
package imiptest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Letter is one that the server has taken.
type Letter struct {
	From, To string // of the envelope
	Data     string // with bare line feeds
	Secure   bool   // it came over TLS
	User     string // who proved to send it
}

// What an Answer gives instead of a reply.
const (
	Cut  = "cut"  // the connection ends
	Hang = "hang" // nothing comes until the other side gives up
)

// A Server takes letters. Its exported fields are set before it starts.
type Server struct {
	StartTLS, Implicit bool
	User, Password     string // empty for no AUTH
	// Answer gives the reply to a command ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."
	// at the end of a letter) instead of the usual one, "" for that.
	Answer func(command, line string) string

	Address string // once it has started
	Roots   *x509.CertPool

	config   *tls.Config
	listener net.Listener
	mutex    sync.Mutex
	letters  []Letter
	came     *sync.Cond // of mutex: another letter
	open     map[net.Conn]bool
	sessions sync.WaitGroup
}

// Start runs the server until the test ends.
func Start(t testing.TB, s *Server) *Server {
	t.Helper()
	s.certify(t)
	s.came = sync.NewCond(&s.mutex)
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.Address, s.open = s.listener.Addr().String(), map[net.Conn]bool{}
	s.sessions.Go(s.accept)
	t.Cleanup(s.stop)
	return s
}

// Letters are those that the server has taken so far.
func (s *Server) Letters() []Letter {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.letters)
}

// certify makes a certificate for the loopback address.
func (s *Server) certify(t testing.TB) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(cert)
	s.config = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mutex.Lock()
		s.open[conn] = true
		s.mutex.Unlock()
		s.sessions.Go(func() {
			(&session{server: s, conn: conn}).serve()
			conn.Close()
			s.mutex.Lock()
			delete(s.open, conn)
			s.mutex.Unlock()
		})
	}
}

func (s *Server) stop() {
	s.listener.Close()
	s.mutex.Lock()
	for conn := range s.open {
		conn.Close()
	}
	s.mutex.Unlock()
	s.sessions.Wait()
}

// A session is one connection.
type session struct {
	server *Server
	conn   net.Conn
	text   *textproto.Reader
	secure bool
	letter Letter
}

// reply answers a command, as the test or else as usual, and tells with which digit
// the answer begins; 0 ends the session.
func (c *session) reply(command, line, usual string) (kind byte) {
	if c.server.Answer != nil {
		switch answer := c.server.Answer(command, line); answer {
		case "":
		case Cut:
			return 0
		case Hang:
			// It ends with the other side, or with the test.
			io.Copy(io.Discard, c.conn)
			return 0
		default:
			usual = answer
		}
	}
	if _, err := fmt.Fprintf(c.conn, "%s\r\n", usual); err != nil {
		return 0
	}
	return usual[0]
}

func (c *session) over(conn net.Conn) {
	c.conn, c.text = conn, textproto.NewReader(bufio.NewReader(conn))
}

func (c *session) serve() {
	c.over(c.conn)
	if c.server.Implicit {
		c.over(tls.Server(c.conn, c.server.config))
		c.secure = true
	}
	if c.reply("CONNECT", "", "220 test ready") != '2' {
		return
	}
	for {
		line, err := c.text.ReadLine()
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		verb, _, _ = strings.Cut(verb, ":")
		if !c.command(verb, line) {
			return
		}
	}
}

// command carries one command out; false ends the session.
func (c *session) command(verb, line string) bool {
	switch verb {
	case "EHLO", "HELO":
		return c.reply("EHLO", line, c.extensions()) != 0
	case "STARTTLS":
		if !c.server.StartTLS || c.reply(verb, line, "220 go on") != '2' {
			return false
		}
		c.over(tls.Server(c.conn, c.server.config))
		c.secure = true
		return true
	case "AUTH":
		return c.reply(verb, line, c.auth(line)) != 0
	case "MAIL":
		usual := "250 fine"
		if c.server.User != "" && c.letter.User == "" {
			usual = "530 sign in first"
		}
		c.letter.From = address(line)
		return c.reply(verb, line, usual) != 0
	case "RCPT":
		c.letter.To = address(line)
		return c.reply(verb, line, "250 fine") != 0
	case "DATA":
		return c.data(line)
	case "QUIT":
		c.reply(verb, line, "221 good bye")
		return false
	}
	return c.reply(verb, line, "250 fine") != 0
}

// data takes a letter. One whose answer is cut off has been taken.
func (c *session) data(line string) bool {
	if kind := c.reply("DATA", line, "354 go on"); kind != '3' {
		return kind != 0
	}
	lines, err := c.text.ReadDotLines()
	if err != nil {
		return false
	}
	c.letter.Data, c.letter.Secure = strings.Join(lines, "\n"), c.secure
	kind := c.reply(".", "", "250 taken")
	if kind == '2' || kind == 0 {
		c.take()
	}
	return kind != 0
}

func (c *session) take() {
	c.server.mutex.Lock()
	defer c.server.mutex.Unlock()
	c.server.letters = append(c.server.letters, c.letter)
	c.server.came.Broadcast()
}

func (c *session) extensions() string {
	said := []string{"test"}
	if c.server.StartTLS && !c.secure {
		said = append(said, "STARTTLS")
	}
	if c.server.User != "" {
		said = append(said, "AUTH PLAIN")
	}
	var b strings.Builder
	for i, word := range said {
		sign := "-"
		if i == len(said)-1 {
			sign = " "
		}
		fmt.Fprintf(&b, "250%s%s\r\n", sign, word)
	}
	return strings.TrimSuffix(b.String(), "\r\n")
}

// auth judges AUTH PLAIN.
func (c *session) auth(line string) string {
	words := strings.Fields(line)
	if len(words) != 3 || !strings.EqualFold(words[1], "PLAIN") {
		return "504 only PLAIN"
	}
	secret, err := base64.StdEncoding.DecodeString(words[2])
	if err != nil || string(secret) != "\x00"+c.server.User+"\x00"+c.server.Password {
		return "535 wrong password"
	}
	c.letter.User = c.server.User
	return "235 fine"
}

// address is what stands between the angle brackets.
func address(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	text, _, _ := strings.Cut(rest, ">")
	return text
}
