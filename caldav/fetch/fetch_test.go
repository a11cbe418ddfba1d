package fetch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"davit/caldav/fetch"
	"davit/dav/outward"
	"davit/policy"
)

// from lets a fetcher ask one server, as settings say it.
func from(hosts ...string) fetch.Fetcher {
	set := policy.DefaultSettings
	set.FetchHosts = hosts
	return fetch.Fetcher{Door: outward.Door{Host: set.Fetches, Address: set.FetchesAt}, Timeout: time.Minute}
}

func TestGet(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(304)
			return
		}
		w.Header().Set("ETag", `"one"`)
		w.Write([]byte("BEGIN"))
	}))
	t.Cleanup(s.Close)
	f := from(s.URL, "127.0.0.1/32")
	got, err := f.Get(context.Background(), s.URL+"/a.ics", fetch.Tags{})
	if err != nil || string(got.Content) != "BEGIN" || got.ETag != `"one"` {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := f.Get(context.Background(), s.URL+"/a.ics", got.Tags); err != nil || !again.Unchanged {
		t.Errorf("%+v, %v", again, err)
	}
}

// Nothing is asked that may not be: neither a host that is not listed nor an address
// inside, by whichever way it is named.
func TestGuard(t *testing.T) {
	t.Parallel()
	asked := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(inside.Close)
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}))
	t.Cleanup(outside.Close)
	get := func(f fetch.Fetcher, source string) error {
		_, err := f.Get(context.Background(), source, fetch.Tags{})
		return err
	}
	listed := from(outside.URL, "127.0.0.1/32")
	for name, row := range map[string]struct {
		by     fetch.Fetcher
		source string
		want   error
	}{
		"nothing listed":            {from(), inside.URL, fetch.ErrHost},
		"no fetcher":                {fetch.Fetcher{}, inside.URL, fetch.ErrHost},
		"another host":              {listed, inside.URL, fetch.ErrHost},
		"an address inside":         {from(inside.URL), inside.URL, fetch.ErrAddress},
		"a name of one":             {from("http://localhost" + port), "http://localhost" + port + "/", fetch.ErrAddress},
		"the metadata of a cloud":   {from("http://169.254.169.254"), "http://169.254.169.254/latest", fetch.ErrAddress},
		"in another spelling":       {from("http://[::ffff:127.0.0.1]" + port), "http://[::ffff:127.0.0.1]" + port + "/", fetch.ErrAddress},
		"by a redirect":             {listed, outside.URL + "/?to=" + url.QueryEscape(inside.URL), fetch.ErrHost},
		"by a redirect to a scheme": {listed, outside.URL + "/?to=file:///etc/passwd", fetch.ErrHost},
		"with a password":           {listed, strings.Replace(outside.URL, "//", "//a:b@", 1), fetch.ErrHost},
		"a file":                    {listed, "file:///etc/passwd", fetch.ErrHost},
		"webcal is https":           {listed, strings.Replace(outside.URL, "http", "webcal", 1), nil},
		"endless redirects":         {listed, outside.URL + "/?to=/", nil},
	} {
		err := get(row.by, row.source)
		if err == nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked {
		t.Error("the server inside was asked")
	}
}

// A name that leads elsewhere once it has been looked at opens nothing: the address is
// judged that is connected to.
func TestRebinding(t *testing.T) {
	t.Parallel()
	asked := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(inside.Close)
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	answers := 0
	f := from("http://cal.example.org" + port)
	public := f.Address
	f.Address = func(a netip.Addr) bool { answers++; return public(a) }
	f.Resolver = rebinding(t)
	if _, err := f.Get(context.Background(), "http://cal.example.org"+port+"/", fetch.Tags{}); !errors.Is(err, fetch.ErrAddress) {
		t.Error(err)
	}
	if asked > 0 || answers == 0 {
		t.Errorf("asked %d times, %d addresses judged", asked, answers)
	}
	f.Address = func(netip.Addr) bool { return true } // the name does lead there
	if _, err := f.Get(context.Background(), "http://cal.example.org"+port+"/", fetch.Tags{}); err != nil || asked != 1 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}

// rebinding is a resolver that gives every name the loopback address.
func rebinding(t *testing.T) *net.Resolver {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			q := bytes.Clone(buf[:n])
			end := 12 + bytes.IndexByte(q[12:], 0) + 5 // the question
			a := append(q[:end:end], 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
			a[2], a[3], a[7], a[11] = 0x81, 0x80, 1, 0
			if q[end-3] != 1 { // not for IPv4
				a, a[7] = a[:end], 0
			}
			conn.WriteTo(a, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// What comes is bounded, also when it is packed, and so is the time that it takes.
func TestLimits(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			w.Write(bytes.Repeat([]byte("x"), fetch.BytesMax+1))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(make([]byte, 3*fetch.BytesMax))
			z.Close()
		case "/never":
			<-release
		case "/secret":
			w.Header().Set("ETag", strings.Repeat("e", 2000))
		default:
			w.WriteHeader(410)
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(release) })
	f := from(strings.TrimPrefix(s.URL, "https://"), "127.0.0.1/32")
	get := func(path string) (fetch.Got, error) {
		return f.Get(context.Background(), strings.Replace(s.URL, "https", "webcal", 1)+path, fetch.Tags{})
	}
	if _, err := get("/long"); err == nil || errors.Is(err, fetch.ErrTooMuch) {
		t.Errorf("a certificate of nobody: %v", err)
	}
	f.Roots = x509.NewCertPool()
	f.Roots.AddCert(s.Certificate())
	for _, path := range []string{"/long", "/bomb"} {
		if _, err := get(path); !errors.Is(err, fetch.ErrTooMuch) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := get("/gone?secret=1"); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "410") {
		t.Error(err)
	}
	if got, err := get("/secret"); err != nil || got.ETag != "" {
		t.Errorf("a tag of %d bytes, %v", len(got.ETag), err)
	}
	f.Timeout = 50 * time.Millisecond
	if _, err := get("/never"); err == nil {
		t.Error("it waits for ever")
	}
}
