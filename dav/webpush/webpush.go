// Package webpush hands messages to push services: RFC 8030, encrypted for their
// receivers by RFC 8291 and signed by RFC 8292. Its caller says which services may be
// asked. It keeps nothing, tries nothing again and knows nothing of this server.
//
//	s := webpush.Sender{Door: door, Key: key}
//	err := s.Send(ctx, webpush.Subscription{Resource: url, PublicKey: p256dh, Auth: secret}, webpush.Message{Body: body, TTL: time.Hour})
package webpush

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"davit/dav/outward"
)

// TimeoutUsual is how long a service has for the whole of one message.
const TimeoutUsual = 10 * time.Second

// answerMax is how much of an answer is read.
const answerMax = 4 << 10

// A Subscription is where messages for one receiver go, and for whom they are encrypted.
type Subscription struct {
	Resource  string // the URL of the push resource
	PublicKey []byte // of the receiver: a point of P-256, uncompressed
	Auth      []byte // the secret of the receiver
}

// A Message is what a service is to deliver.
type Message struct {
	Body        []byte // at most BodyMax bytes
	ContentType string // of the body, before it is encrypted
	TTL         time.Duration
	Urgency     string // "very-low", "low", "normal" or "high"; RFC 8030, section 5.3
	// Topic has an undelivered message replaced by the next one of the same, up to 32
	// characters of base64url; empty for none. RFC 8030, section 5.4
	Topic string
}

// A Sender hands messages to services.
type Sender struct {
	outward.Door
	Key     *ecdsa.PrivateKey // of P-256, by which services know the server again
	Contact string            // a URI under which services find who runs it, or empty
	Now     func() time.Time
	Timeout time.Duration // TimeoutUsual if 0
}

// A Fault is why a service did not take a message.
type Fault struct {
	Status int // of the answer, 0 for none
	// After is how long the service asks to be left alone, 0 if it does not say.
	After time.Duration
	Text  string
}

func (f *Fault) Error() string { return f.Text }

// Gone tells whether there is no such subscription any more. RFC 8030, section 7.3
func (f *Fault) Gone() bool { return f.Status == http.StatusNotFound || f.Status == http.StatusGone }

// Refused tells whether the same message will not be taken later either.
func (f *Fault) Refused() bool {
	return f.Status >= 300 && f.Status < 500 && f.Status != http.StatusRequestTimeout && f.Status != http.StatusTooManyRequests
}

// Send hands a message on. Its error is a *Fault, or the context's.
func (s Sender) Send(ctx context.Context, to Subscription, m Message) error {
	u, err := url.Parse(to.Resource)
	if err != nil || !s.Opens(u) {
		return &Fault{Text: outward.ErrHost.Error()}
	}
	body, err := encrypt(to, m.Body)
	if err != nil {
		return &Fault{Status: http.StatusBadRequest, Text: err.Error()}
	}
	within, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, TimeoutUsual))
	defer cancel()
	r, err := http.NewRequestWithContext(within, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return &Fault{Status: http.StatusBadRequest, Text: "the push resource is no URL"}
	}
	if err := s.sign(r); err != nil {
		return &Fault{Text: err.Error()}
	}
	m.describe(r.Header)
	client := s.Client()
	defer client.CloseIdleConnections()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &Fault{Text: outward.Plainly(err).Error()}
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, answerMax)) // what it says is for nobody
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return &Fault{Status: resp.StatusCode, After: retryAfter(resp.Header.Get("Retry-After"), s.Now()), Text: fmt.Sprintf("the push service answers %d", resp.StatusCode)}
}

// describe sets the fields that say how a message is delivered.
func (m *Message) describe(h http.Header) {
	h.Set("User-Agent", "davit")
	h.Set("Content-Type", m.ContentType)
	h.Set("Content-Encoding", "aes128gcm")                        // RFC 8291, section 4
	h.Set("TTL", strconv.FormatInt(int64(m.TTL/time.Second), 10)) // RFC 8030, section 5.2
	for name, v := range map[string]string{"Urgency": m.Urgency, "Topic": m.Topic} {
		if v != "" {
			h.Set(name, v)
		}
	}
}

// retryAfter reads how long to wait: seconds, or until a date. RFC 9110, section 10.2.3
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

var errTooLong = errors.New("the message is longer than push services take")
