package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"davit/caldav/imip"
	"davit/policy"
	"davit/store"
)

// Limits of the mail that a server sends.
const (
	lettersAMinute = 30
	// A letter that nobody takes is tried again after a minute, two, four and so on up
	// to retryMax, until giveUpAfter.
	retryFirst  = time.Minute
	retryMax    = time.Hour
	giveUpAfter = 48 * time.Hour
	// idleMax is how long an idle postman does not look for a change of settings.
	idleMax = time.Minute
)

// mailPasswordVariable has the password for the mail server where no file has it.
const mailPasswordVariable = "DAVIT_MAIL_PASSWORD"

// A postman hands the letters of a store on to its mail server, one after the other
// and the oldest first. What it does is kept after it is done: a letter whose end it
// does not live to keep is sent once more, under the same Message-ID.
type postman struct {
	op       *store.Operator
	settings func() policy.Settings
	now      func() time.Time
	password func() (string, error)
	log      *slog.Logger
	roots    *x509.CertPool // of the mail server's certificate; those of the system if nil
	timeout  time.Duration  // of imip.Server

	failures int // of the server, one after the other
	minute   time.Time
	tried    int // letters since then
}

func newPostman(st *store.Store, passwordFile string, log *slog.Logger) *postman {
	return &postman{op: st.Operator(), settings: func() policy.Settings { return st.Policy().Settings() }, now: st.Now,
		password: func() (string, error) { return mailPassword(passwordFile) }, log: log}
}

// mailPassword reads the password anew for each letter, so that it can be changed.
func mailPassword(file string) (string, error) {
	if file == "" {
		return os.Getenv(mailPasswordVariable), nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("the password for the mail server: %w", err)
	}
	if len(text) > passwordLineMax {
		return "", fmt.Errorf("the password for the mail server in %s is longer than %d bytes", file, passwordLineMax)
	}
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	return string(bytes.TrimRight(line, "\r")), nil
}

// run carries letters until ctx ends.
func (p *postman) run(ctx context.Context) {
	for ctx.Err() == nil {
		rest, idle := p.step(ctx)
		var comes <-chan struct{}
		if idle {
			comes = p.op.LetterComes()
		}
		timer := time.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-comes:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// step carries one letter, and tells how long to rest; when idle, no longer than until
// another one comes.
func (p *postman) step(ctx context.Context) (rest time.Duration, idle bool) {
	set := p.settings()
	if !set.CarriesMail() {
		return idleMax, true
	}
	l, then, found, err := p.op.NextLetter()
	switch {
	case err != nil:
		p.log.Error("reading the letters that wait failed", "error", err)
		return idleMax, false
	case !found && then.IsZero():
		return idleMax, true
	case !found:
		return min(idleMax, max(then.Sub(p.now()), time.Second)), true
	}
	err = p.send(ctx, &set, &l)
	if ctx.Err() != nil {
		return 0, false // it was cut off, and is the next one's
	}
	rest = p.pace()
	var f *imip.Fault
	switch {
	case err == nil:
		p.failures = 0
		err = p.op.LetterSent(ctx, l.Number)
		p.log.Info("a letter was sent", "number", l.Number, "to", l.To, "method", l.Method)
	case errors.As(err, &f) && f.Kind != imip.Unreachable:
		p.failures = 0
		err = p.failed(ctx, &l, f, 0)
	default:
		p.log.Warn("the mail server takes no letters", "server", set.MailServer, "error", err)
		rest = pause(p.failures)
		p.failures++
		err = p.failed(ctx, &l, &imip.Fault{Kind: imip.Unreachable, Text: err.Error()}, rest)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) { // dropped meanwhile
		p.log.Error("what became of a letter could not be kept", "number", l.Number, "error", err)
		return idleMax, false
	}
	return rest, false
}

// pace counts a letter, and is how long to rest so that a minute has not too many.
func (p *postman) pace() time.Duration {
	if now := p.now(); now.Sub(p.minute) >= time.Minute || now.Before(p.minute) {
		p.minute, p.tried = now, 0
	}
	if p.tried++; p.tried < lettersAMinute {
		return 0
	}
	return p.minute.Add(time.Minute).Sub(p.now())
}

// failed keeps that a letter was not taken: to be tried again, or never. When none can
// be sent for a while it lets the others go first then.
func (p *postman) failed(ctx context.Context, l *store.Letter, f *imip.Fault, rest time.Duration) error {
	if f.Kind != imip.Refused && p.now().Sub(l.Written) < giveUpAfter {
		return p.op.LetterFailed(ctx, l.Number, f.Text, p.now().Add(rest+pause(l.Tries)))
	}
	p.log.Warn("a letter cannot be delivered", "number", l.Number, "to", l.To, "error", f.Text)
	return p.op.LetterRefused(ctx, l.Number, f.Text)
}

// pause is how long to wait after so many failures before.
func pause(failures int) time.Duration {
	const doublingsMax = 6 // beyond it the longest pause is reached
	return min(retryFirst<<min(failures, doublingsMax), retryMax)
}

// mailTLS are the ways of policy as imip has them.
var mailTLS = map[policy.MailTLS]imip.TLS{policy.MailStartTLS: imip.StartTLS, policy.MailImplicit: imip.Implicit, policy.MailPlain: imip.Plain}

// send hands one letter on.
func (p *postman) send(ctx context.Context, set *policy.Settings, l *store.Letter) error {
	server := imip.Server{Address: set.MailServer, TLS: mailTLS[set.MailTLS], User: set.MailUser, From: set.MailFrom, Timeout: p.timeout, Roots: p.roots}
	if server.User != "" {
		var err error
		if server.Password, err = p.password(); err != nil {
			return err
		}
	}
	return server.Send(ctx, imip.Letter{Number: l.Number, Written: l.Written, From: l.From, FromName: l.FromName, To: l.To,
		Method: l.Method, Body: l.Body, Before: l.Before})
}
