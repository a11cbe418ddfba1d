package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"davit/admin"
	"davit/store"
)

// serving is a server that a test has started with the serve command.
type serving struct {
	t    *testing.T
	url  string
	stop context.CancelFunc
	code chan int
	log  *bufio.Scanner
}

var servedURL = regexp.MustCompile(`msg=serving url=(\S+)`)

// serve starts the command over a desk and waits until it says where it is.
func serve(t *testing.T, d *desk, args ...string) *serving {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	s := &serving{t: t, stop: stop, code: make(chan int, 1), log: bufio.NewScanner(r)}
	args = append([]string{"--data", d.dir, "serve", "--listen", "127.0.0.1:0"}, args...)
	go func() {
		s.code <- run(ctx, args, strings.NewReader(""), io.Discard, w)
		w.Close()
	}()
	t.Cleanup(stop)
	s.url = servedURL.FindStringSubmatch(s.until("msg=serving"))[1]
	return s
}

// until reads the log up to a line with that text.
func (s *serving) until(text string) string {
	s.t.Helper()
	for s.log.Scan() {
		if strings.Contains(s.log.Text(), text) {
			return s.log.Text()
		}
	}
	s.t.Fatalf("the log ended before %q", text)
	return ""
}

// end waits for the exit code while the log goes on.
func (s *serving) end() int {
	for s.log.Scan() {
	}
	return <-s.code
}

func get(t *testing.T, c *http.Client, url string) (status int, body string, resp *http.Response) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp
}

func TestServe(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ready := filepath.Join(t.TempDir(), "ready")
	s := serve(t, d, "--ready-file", ready)
	if text, err := os.ReadFile(ready); err != nil || string(text) != s.url+"\n" {
		t.Errorf("ready file: %q, %v, want %s", text, err, s.url)
	}
	for path, want := range map[string]string{"healthz": "ok\n", "readyz": "ready\n"} {
		if status, body, _ := get(t, http.DefaultClient, s.url+path); status != http.StatusOK || body != want {
			t.Errorf("GET /%s: %d %q", path, status, body)
		}
	}
	if status, _, resp := get(t, http.DefaultClient, s.url+"dav/"); status != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("without a login: %d", status)
	}
	r, err := http.NewRequest("PROPFIND", s.url+"dav/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("ann", ownerPassword)
	r.Header.Set("Depth", "1")
	if resp, err := http.DefaultClient.Do(r); err != nil || resp.StatusCode != http.StatusMultiStatus {
		t.Errorf("PROPFIND /dav/ by ann: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	if out := d.must("user", "list"); !strings.Contains(out, "ann") {
		t.Errorf("user list beside the server: %s", out)
	}
	if code, _, errs := d.davit("", "serve", "--listen", "127.0.0.1:0"); code != exitFailed || !strings.Contains(errs, "in use by another davit process") {
		t.Errorf("a second server: exit code %d, %s", code, errs)
	}
	s.stop()
	if code := s.end(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(filepath.Join(d.dir, "control.sock")); err == nil {
		t.Error("the control socket is still there")
	}
}

// TestServeFinishes: a signal in the middle of an upload lets it end.
func TestServeFinishes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	s := serve(t, d)
	body, fill := io.Pipe()
	asked := make(chan struct{})
	r, err := http.NewRequest(http.MethodPut, s.url+"dav/home/long.txt", &announced{body, asked})
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("ann", ownerPassword)
	r.Header.Set("Expect", "100-continue") // the body is asked for once the handler reads it
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	status := make(chan int, 1)
	go func() {
		resp, err := client.Do(r)
		if err != nil {
			t.Error(err)
			status <- 0
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	<-asked
	io.WriteString(fill, "first half, ")
	s.stop()
	s.until("finishing the requests under way")
	io.WriteString(fill, "second half")
	fill.Close()
	if got := <-status; got != http.StatusCreated {
		t.Errorf("the upload got %d", got)
	}
	if code := s.end(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// announced tells of its first Read.
type announced struct {
	io.Reader
	read chan struct{}
}

func (a *announced) Read(p []byte) (int, error) {
	if a.read != nil {
		close(a.read)
		a.read = nil
	}
	return a.Reader.Read(p)
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	cert, key, pool := selfSigned(t)
	s := serve(t, newDesk(t), "--tls-cert", cert, "--tls-key", key, "--log-json=false")
	if !strings.HasPrefix(s.url, "https://") {
		t.Errorf("url %s", s.url)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	if status, _, resp := get(t, client, s.url+"healthz"); status != http.StatusOK || resp.ProtoMajor != 2 {
		t.Errorf("status %d over HTTP/%d", status, resp.ProtoMajor)
	}
	old := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	conn, err := tls.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(s.url, "https://"), "/"), old)
	if err == nil {
		conn.Close()
		t.Error("TLS 1.1 was spoken")
	}
	client.CloseIdleConnections()
	s.stop()
	if code := s.end(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (cert, key string, pool *x509.CertPool) {
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	secretDER, err := x509.MarshalECPrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secretDER})
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	if err := errors.Join(os.WriteFile(cert, certPEM, 0o600), os.WriteFile(key, keyPEM, 0o600)); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return cert, key, pool
}

// TestServeRefuses: what would be unsafe or cannot work is refused with the next
// step, before anything listens.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	over, stop := context.WithCancel(context.Background())
	stop() // a server that starts all the same ends at once
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"--listen 0.0.0.0:0", exitUsage, "without TLS passwords would cross the network in the clear\nhint: give --tls-cert"},
		{"--listen :0", exitUsage, "in the clear"},
		{"--listen [::]:0", exitUsage, "in the clear"},
		{"--listen nowhere", exitUsage, "hint: write HOST:PORT"},
		{"--tls-cert cert.pem", exitUsage, "--tls-cert and --tls-key go together"},
		{"--tls-cert none.pem --tls-key none.pem", exitFailed, "load the certificate"},
		{"--listen " + taken.Addr().String(), exitFailed, "listen for clients"},
		{"--listen 127.0.0.1:0 --ready-file " + filepath.Join(d.dir, "none", "ready"), exitFailed, "write the ready file"},
		{"--mac-files gone", exitUsage, "write kept, hidden or refused"},
		{"now", exitUsage, `unexpected argument "now"`},
	} {
		args := append([]string{"--data", d.dir, "serve"}, strings.Fields(c.args)...)
		var errs strings.Builder
		code := run(over, args, strings.NewReader(""), io.Discard, &errs)
		if code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("serve %s: exit code %d, %s", c.args, code, errs.String())
		}
	}
	behind := serveOptions{listen: ":0", behindProxy: true}
	if err := behind.guarded(false); err != nil {
		t.Errorf("behind a proxy: %v", err)
	}
}

// TestServeBroken: a store that takes no more changes ends the process.
func TestServeBroken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.open(func(st *store.Store) {
		s := newServer(st, &serveOptions{}, slog.New(slog.DiscardHandler))
		if err := s.listen(d.dir, "127.0.0.1:0", nil); err != nil {
			t.Fatal(err)
		}
		broken := make(chan error, 1)
		broken <- errors.New("the disk is gone")
		err := s.run(context.Background(), broken)
		var text bytes.Buffer
		if code := report(&text, err); code != exitFailed || text.String() != "davit: the store takes no more changes: the disk is gone\n" {
			t.Errorf("exit code %d, %s", code, text.String())
		}
	})
}

// TestNotReady: before it serves, and while it ends, a server says so.
func TestNotReady(t *testing.T) {
	front := &front{content: http.NotFoundHandler()}
	c, address := pipeServer(t, front)
	if status, _, _ := get(t, c, address+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("GET /readyz: %d", status)
	}
	if status, _, _ := get(t, c, address+"/healthz"); status != http.StatusOK {
		t.Errorf("GET /healthz: %d", status)
	}
}

// TestFrontHidesNothing: content sees the path as it came and a ResponseWriter
// that sends files by the system's own means.
func TestFrontHidesNothing(t *testing.T) {
	var path string
	var direct bool
	c, address := pipeServer(t, &front{content: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		_, direct = w.(io.ReaderFrom)
	})})
	const odd = "/dav//a/%2e%2e/b%2Fc/"
	if _, _, resp := get(t, c, address+odd); path != odd || !direct || resp.Request.URL.EscapedPath() != odd {
		t.Errorf("path %q, ReaderFrom %t, redirected to %s", path, direct, resp.Request.URL)
	}
}

func pipeServer(t *testing.T, h http.Handler) (*http.Client, string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://" + l.Addr().String()
}

func TestLastHop(t *testing.T) {
	for _, c := range []struct {
		fields []string
		want   string
	}{
		{nil, "192.0.2.1"},
		{[]string{"198.51.100.7"}, "198.51.100.7"},
		{[]string{"10.0.0.1, 198.51.100.7"}, "198.51.100.7"},
		{[]string{"10.0.0.1", "203.0.113.9 , 198.51.100.7 "}, "198.51.100.7"},
		{[]string{"198.51.100.7:4711"}, "198.51.100.7"},
		{[]string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{[]string{"[2001:db8::1]"}, "2001:db8::1"},
		{[]string{"198.51.100.7, unknown"}, "192.0.2.1"},
		{[]string{""}, "192.0.2.1"},
	} {
		r := &http.Request{RemoteAddr: "192.0.2.1:5000", Header: http.Header{"X-Forwarded-For": c.fields}}
		if got := lastHop(r); got.String() != c.want {
			t.Errorf("%q: %s, want %s", c.fields, got, c.want)
		}
	}
	if got := lastHop(&http.Request{RemoteAddr: "@"}); got.IsValid() {
		t.Errorf("no address: %s", got)
	}
}

// TestCollectTick: unused content goes at the next tick once its grace is over.
func TestCollectTick(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if code, _, errs := d.davit("", "policy", "set", "versions=0"); code != exitDone {
		t.Fatal(errs)
	}
	if text := d.as("ann", "put", "~ann/a.txt", "old"); text != "" {
		t.Fatal(text)
	}
	if text := d.as("ann", "put", "~ann/a.txt", "new"); text != "" {
		t.Fatal(text)
	}
	later := func() time.Time { return time.Now().Add(admin.Grace + time.Hour) }
	st, err := store.Open(d.dir, store.Options{Clock: later})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	tick := make(chan time.Time)
	var log bytes.Buffer
	done := make(chan struct{})
	go func() {
		collect(ctx, st, tick, slog.New(slog.NewTextHandler(&log, nil)))
		close(done)
	}()
	tick <- time.Time{}
	tick <- time.Time{} // taken when the first is done
	stop()
	<-done
	if n := strings.Count(log.String(), "unused content erased"); n != 1 || !strings.Contains(log.String(), "contents=1") {
		t.Errorf("the log says:\n%s", log.String())
	}
	if err := st.Close(); err != nil {
		t.Error(err)
	}
}
