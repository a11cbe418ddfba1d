// Package webpushtest is a push service for tests, with the receivers of its messages:
// it judges each message as a service does and decrypts it as a receiver does.
package webpushtest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Service is a push service over TLS, on loopback.
type Service struct {
	URL   string
	Roots *x509.CertPool
	Now   func() time.Time

	mu     sync.Mutex
	of     map[string]*Receiver
	got    []Message
	answer func(*http.Request) int
	after  string
}

// A Message is one that was taken, as its receiver reads it.
type Message struct {
	To                  string // the path of the receiver
	Body                string
	TTL, Urgency, Topic string
	Key                 string // of the sender, as it is written
}

// A Receiver has a subscription.
type Receiver struct {
	Resource string
	key      *ecdh.PrivateKey
	auth     []byte
}

// Start starts a service that takes what is right.
func Start(t testing.TB) *Service {
	s := &Service{of: map[string]*Receiver{}, Now: time.Now}
	h := httptest.NewTLSServer(s)
	t.Cleanup(h.Close)
	s.URL, s.Roots = h.URL, x509.NewCertPool()
	s.Roots.AddCert(h.Certificate())
	return s
}

// Subscribe makes a receiver.
func (s *Service) Subscribe(name string) *Receiver {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // of a test
	}
	r := &Receiver{Resource: s.URL + "/" + name, key: key, auth: make([]byte, 16)}
	rand.Read(r.auth)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of["/"+name] = r
	return r
}

// PublicKey and Auth are what a sender is told, in base64url.
func (r *Receiver) PublicKey() string { return encode(r.key.PublicKey().Bytes()) }

// Auth is the secret.
func (r *Receiver) Auth() string { return encode(r.auth) }

// Answer has the service answer with another status, 0 for its own; after is its
// Retry-After.
func (s *Service) Answer(after string, status func(*http.Request) int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer, s.after = status, after
}

// Take gives what came since the last time.
func (s *Service) Take() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer != nil {
		if status := s.answer(r); status != 0 {
			if s.after != "" {
				w.Header().Set("Retry-After", s.after)
			}
			w.WriteHeader(status)
			return
		}
	}
	to := s.of[r.URL.Path]
	if to == nil {
		w.WriteHeader(http.StatusGone)
		return
	}
	m, err := s.read(to, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		s.got = append(s.got, Message{To: r.URL.Path, Body: "unfit: " + err.Error()})
		return
	}
	s.got = append(s.got, m)
	w.Header().Set("Location", s.URL+"/m")
	w.WriteHeader(http.StatusCreated)
}

func (s *Service) read(to *Receiver, r *http.Request) (m Message, err error) {
	m = Message{To: r.URL.Path, TTL: r.Header.Get("TTL"), Urgency: r.Header.Get("Urgency"), Topic: r.Header.Get("Topic")}
	if r.Method != "POST" || m.TTL == "" || len(m.Topic) > 32 || r.Header.Get("Content-Encoding") != "aes128gcm" {
		return m, fmt.Errorf("%s with TTL %q, topic %q, encoding %q", r.Method, m.TTL, m.Topic, r.Header.Get("Content-Encoding"))
	}
	if m.Key, err = s.signer(r); err != nil {
		return m, err
	}
	body, err := io.ReadAll(r.Body)
	if err == nil && len(body) > 4096 {
		err = errors.New("more than 4096 bytes")
	}
	if err != nil {
		return m, err
	}
	plain, err := Decrypt(to.key, to.auth, body)
	m.Body = string(plain)
	return m, err
}

// signer checks the token of a request, and gives the key that it is signed with.
func (s *Service) signer(r *http.Request) (string, error) {
	rest, is := strings.CutPrefix(r.Header.Get("Authorization"), "vapid t=")
	token, key, both := strings.Cut(rest, ", k=")
	parts := strings.Split(token, ".")
	if !is || !both || len(parts) != 3 {
		return "", errors.New("no token")
	}
	point, sig, said := decode(key), decode(parts[2]), decode(parts[1])
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil || len(sig) != 64 {
		return "", errors.New("no key or no signature")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return "", errors.New("the signature is wrong")
	}
	var c struct {
		Aud string
		Exp int64
	}
	if err := json.Unmarshal(said, &c); err != nil || c.Aud != s.URL {
		return "", fmt.Errorf("the token is for %q (%v)", c.Aud, err)
	}
	if left := time.Unix(c.Exp, 0).Sub(s.Now()); left <= 0 || left > 24*time.Hour {
		return "", fmt.Errorf("the token counts for %v", left)
	}
	return key, nil
}

// Decrypt reads the content of a message.
func Decrypt(key *ecdh.PrivateKey, auth, body []byte) ([]byte, error) {
	const head = 16 + 4 + 1 + 65
	if len(body) < head || body[20] != 65 || binary.BigEndian.Uint32(body[16:]) < uint32(len(body)-head) {
		return nil, errors.New("the head of the content is wrong")
	}
	sender, err := ecdh.P256().NewPublicKey(body[21:head])
	if err != nil {
		return nil, err
	}
	shared, err := key.ECDH(sender)
	if err != nil {
		return nil, err
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		b, hkdfErr := hkdf.Key(sha256.New, secret, salt, info, n)
		err = errors.Join(err, hkdfErr)
		return b
	}
	ikm := derive(shared, auth, "WebPush: info\x00"+string(key.PublicKey().Bytes())+string(sender.Bytes()), 32)
	block, blockErr := aes.NewCipher(derive(ikm, body[:16], "Content-Encoding: aes128gcm\x00", 16))
	if err = errors.Join(err, blockErr); err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, derive(ikm, body[:16], "Content-Encoding: nonce\x00", 12), body[head:], nil)
	if err != nil {
		return nil, err
	}
	text := strings.TrimRight(string(plain), "\x00")
	if !strings.HasSuffix(text, "\x02") {
		return nil, errors.New("the last record does not end as one")
	}
	return []byte(text[:len(text)-1]), nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(text string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(text)
	return b
}
