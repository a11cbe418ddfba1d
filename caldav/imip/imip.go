// Package imip carries messages of scheduling to people outside by mail (RFC 6047): it
// writes the letter, with the message for programs and its meaning in words, and hands
// it to a mail server. It keeps nothing, tries once, and tells whether trying again
// makes sense. It knows no accounts, decides nothing and reads no mail.
//
//	server := imip.Server{Address: "smtp.example.org:587", From: "calendar@example.org"}
//	err := server.Send(ctx, imip.Letter{To: "guest@example.com", Method: "REQUEST", Body: message})
package imip

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// A Letter is a message of scheduling with where it goes.
type Letter struct {
	Number  uint64 // of the letter: a second try is the same letter
	Written time.Time
	// From and To are plain mail addresses; FromName is how people call the sender.
	From, FromName, To string
	Method             string // REQUEST, REPLY or CANCEL
	Body               []byte // text/calendar
	// Before is what the object was, nil for a new one. Of it only what the letter's
	// receiver was invited to is told.
	Before []byte
}

// TLS says how the connection is kept private.
type TLS byte

// The ways. A server without STARTTLS gets no letter by the first.
const (
	StartTLS TLS = iota
	Implicit
	Plain
)

// A Server takes letters on.
type Server struct {
	Address string // HOST:PORT
	TLS     TLS
	// User is empty where the server asks for nobody. A password goes over TLS only,
	// or not as such.
	User, Password string
	From           string // the mail address that letters come from
	// Timeout is for all up to the letter, and again for the letter; TimeoutUsual if 0.
	Timeout time.Duration
	Roots   *x509.CertPool // of certificates; those of the system if nil
}

// TimeoutUsual is how long a server may take.
const TimeoutUsual = time.Minute

// A Fault is why a letter was not taken.
type Fault struct {
	Kind FaultKind
	Text string // what the server said
}

// A FaultKind says what can be done.
type FaultKind byte

// The kinds of faults.
const (
	Unreachable FaultKind = iota // no letter goes now
	Deferred                     // this one may go later
	Refused                      // this one never goes
)

func (f *Fault) Error() string { return f.Text }

// faultTextMax is how much is kept of what a server says, in bytes.
const faultTextMax = 500

func fault(kind FaultKind, text string) *Fault {
	return &Fault{kind, clip(oneLine(text), faultTextMax)}
}

// Send hands a letter on. Without an error the server has taken it; an error is a
// *Fault. When the answer of the server is lost the letter may have been taken, and is
// known by its Message-ID when it is sent again.
func (s *Server) Send(ctx context.Context, l Letter) error {
	m, err := s.compose(l)
	if err != nil {
		return fault(Refused, err.Error())
	}
	line := &line{server: s, conn: make(chan net.Conn, 1)}
	defer line.close()
	client, err := s.client(line)
	if err != nil {
		return fault(Unreachable, err.Error())
	}
	stop := context.AfterFunc(ctx, line.close)
	defer stop()
	if err := client.DialWithContext(ctx); err != nil {
		return fault(Unreachable, err.Error())
	}
	err = client.Send(m)
	if m.IsDelivered() { // whatever happens behind it
		client.Close()
		return nil
	}
	return sendFault(err)
}

// sendFault tells what came in the way of one letter. Only what a server says for good
// of the receiver or the content is for good: when it refuses the sender, or does not
// finish what it says, the next try may go.
func sendFault(err error) *Fault {
	var failed *mail.SendError
	if !errors.As(err, &failed) {
		return fault(Unreachable, fmt.Sprint(err))
	}
	code := failed.ErrorCode()
	switch failed.Reason {
	case mail.ErrSMTPRcptTo, mail.ErrSMTPData, mail.ErrSMTPDataClose:
		switch {
		case code >= 500:
			return fault(Refused, failed.Error())
		case code >= 400:
			return fault(Deferred, failed.Error())
		}
	case mail.ErrGetSender, mail.ErrGetRcpts:
		return fault(Refused, failed.Error())
	}
	return fault(Unreachable, failed.Error())
}

// authTypes are the ways to prove who sends, the best first.
var authTypes = []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthCramMD5, mail.SMTPAuthPlain, mail.SMTPAuthLogin}

// client is the library's client for one letter.
func (s *Server) client(line *line) (*mail.Client, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	line.config = &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = TimeoutUsual
	}
	options := []mail.Option{mail.WithPort(number), mail.WithTimeout(timeout), mail.WithTLSConfig(line.config), mail.WithDialContextFunc(line.dial),
		mail.WithoutNoop(), mail.WithoutSMTPUTF8()}
	switch s.TLS {
	case Implicit:
		options = append(options, mail.WithSSL())
	case Plain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if s.User != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(authTypes...), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	return mail.NewClient(host, options...)
}

// A line is the connection that carries a letter. The library leaves it open when the
// server does not answer as it should.
type line struct {
	server *Server
	config *tls.Config
	conn   chan net.Conn
}

// dial connects, with TLS at once where that is the way.
func (l *line) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	if l.server.TLS == Implicit {
		conn, err = (&tls.Dialer{Config: l.config}).DialContext(ctx, network, address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
	}
	if err == nil {
		l.conn <- conn
	}
	return conn, err
}

// close ends the connection, if there is one.
func (l *line) close() {
	select {
	case conn := <-l.conn:
		conn.Close()
	default:
	}
}

// id is a name for a Message-ID, the same for the same parts, at the domain of the
// sender.
func (s *Server) id(parts ...[]byte) string {
	h := sha256.New()
	for _, part := range parts {
		binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
		h.Write(part)
	}
	_, domain, _ := strings.Cut(s.From, "@")
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:20])) + "@" + domain
}
