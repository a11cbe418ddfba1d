package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/auth"
	"davit/caldav"
	"davit/dav"
	"davit/policy"
	"davit/store"
)

const (
	shutdownTimeout = 10 * time.Second
	collectEvery    = time.Hour
)

type serveOptions struct {
	listen, cert, key, readyFile string
	mailPassword                 string // the file that has it
	macFiles                     dav.MacFiles
	behindProxy, logJSON         bool
	limits                       limits
	listening                    func(url string) // called once, if there is one
}

func newServe(g *global) *cobra.Command {
	o := serveOptions{limits: usualLimits}
	var macFiles string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "serve the data directory",
		Long: `serve the data directory until SIGINT or SIGTERM. without TLS it listens on
loopback only, unless a proxy in front of it takes the clients' connections.`,
		Example: `  davit serve
  davit serve --listen :443 --tls-cert cert.pem --tls-key key.pem
  davit serve --listen 10.0.0.5:8080 --behind-proxy`,
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`address` to listen on")
	f.StringVar(&o.cert, "tls-cert", "", "`file` of the certificate and its chain, PEM")
	f.StringVar(&o.key, "tls-key", "", "`file` of the certificate's key, PEM")
	f.BoolVar(&o.behindProxy, "behind-proxy", false, "a proxy speaks TLS to the clients and appends their address to X-Forwarded-For")
	f.StringVar(&o.readyFile, "ready-file", "", "write the base URL to this `file` once the server listens")
	f.StringVar(&macFiles, "mac-files", string(dav.MacKept), "`way` with the files that macOS leaves beside others (._NAME, .DS_Store): kept, hidden from listings, or refused")
	f.IntVar(&o.limits.perAddress, "connections-per-address", usualLimits.perAddress, "`connections` that one address, or one IPv6 network of 64 bits, has open at a time; 0 for any number, which --behind-proxy means too")
	f.IntVar(&o.limits.uploads.PerAccount, "uploads-per-account", usualLimits.uploads.PerAccount, "`uploads` that one account or link has open at a time; 0 for any number")
	f.StringVar(&o.mailPassword, "mail-password-file", "", "`file` whose first line is the password of mail-user; without it the variable DAVIT_MAIL_PASSWORD has it")
	f.BoolVar(&o.logJSON, "log-json", false, "log JSON instead of text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if (o.cert == "") != (o.key == "") {
			return misused(cmd, "--tls-cert and --tls-key go together")
		}
		var err error
		if o.macFiles, err = dav.ParseMacFiles(macFiles); err != nil {
			return misused(cmd, "--mac-files: %v", err)
		}
		if o.limits.perAddress < 0 || o.limits.uploads.PerAccount < 0 {
			return misused(cmd, "a limit is a number from 0 up")
		}
		return runServe(cmd.Context(), g, o)
	}
	return cmd
}

// heapFloor makes the collector wait for a heap worth its while: a small server
// would else collect hundreds of times a second under load. The memory is never
// touched, so it is only reserved.
const heapFloor = 32 << 20

func runServe(ctx context.Context, g *global, o serveOptions) error {
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	log := o.logger(g.err)
	config, err := o.tls()
	if err != nil {
		return err
	}
	if err := o.guarded(config != nil); err != nil {
		return err
	}
	broken := make(chan error, 1)
	st, err := openStore(g.data, store.Options{Log: log, OnBroken: func(err error) { broken <- err }})
	if err != nil {
		return err
	}
	s := newServer(st, &o, log)
	if err = s.listen(g.data, o.listen, config); err == nil {
		if err = o.announce(s.url()); err == nil {
			log.Info("serving", "url", s.url(), "data", g.data)
			if o.listening != nil {
				o.listening(s.url())
			}
			err = s.run(ctx, broken)
		} else {
			s.close()
		}
	}
	return errors.Join(err, st.Close())
}

func (o *serveOptions) logger(w io.Writer) *slog.Logger {
	if o.logJSON {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// tls is the configuration of TLS, nil without a certificate.
func (o *serveOptions) tls() (*tls.Config, error) {
	if o.cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, fmt.Errorf("load the certificate: %w", err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}, nil
}

// guarded refuses to send passwords over a network in the clear.
func (o *serveOptions) guarded(secure bool) error {
	addr, err := net.ResolveTCPAddr("tcp", o.listen)
	if err != nil {
		return &admin.Error{Kind: admin.Invalid, Text: fmt.Sprintf("cannot listen on %q: %v", o.listen, err), Hint: "write HOST:PORT"}
	}
	if secure || o.behindProxy || addr.IP.IsLoopback() {
		return nil
	}
	return &admin.Error{
		Kind: admin.Invalid,
		Text: fmt.Sprintf("%s is reached from other machines, and without TLS passwords would cross the network in the clear", o.listen),
		Hint: "give --tls-cert and --tls-key, or --behind-proxy when a proxy speaks TLS, or listen on 127.0.0.1",
	}
}

// announce writes the base URL to the ready file, whole or not at all.
func (o *serveOptions) announce(url string) error {
	if o.readyFile == "" {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(o.readyFile), ".ready-")
	if err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	_, err = tmp.WriteString(url + "\n")
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), o.readyFile)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("write the ready file: %w", err)
	}
	return nil
}

// server is one run of serve: the clients' listener, the control socket and what
// goes on in the background.
type server struct {
	st      *store.Store
	admin   *admin.Admin
	http    *http.Server
	front   *front
	clients net.Listener
	control net.Listener
	limits  limits
	postman *postman
	log     *slog.Logger
}

func newServer(st *store.Store, o *serveOptions, log *slog.Logger) *server {
	options, limits := auth.Options{Now: st.Now}, o.limits
	if o.behindProxy {
		options.Remote = lastHop
		limits.perAddress = 0 // all are the proxy's, which has limits of its own
	}
	service := auth.New(st, options)
	config := dav.Config{Log: log, MacFiles: o.macFiles, Uploads: limits.uploads, Realms: []dav.Realm{caldav.Realm()}}
	if o.behindProxy {
		config.Scheme = "https"
	}
	handler := dav.New(config)
	content := caldav.WellKnown(&auth.Guard{Store: st, Auth: service, Next: handler, Class: policy.DAV})
	s := &server{st: st, admin: admin.New(st, service), front: &front{content: content, pace: limits.pace, log: log}, limits: limits,
		postman: newPostman(st, o.mailPassword, log), log: log}
	s.http = &http.Server{
		Handler:           s.front,
		ReadHeaderTimeout: limits.readHeader,
		IdleTimeout:       limits.idle,
		MaxHeaderBytes:    limits.header,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return s
}

// listen opens both doors and answers at neither yet.
func (s *server) listen(data, address string, config *tls.Config) (err error) {
	s.http.TLSConfig = config
	clients, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen for clients: %w", err)
	}
	s.clients = newDoorman(clients, s.limits, s.log)
	if s.control, err = admin.Listen(data); err != nil {
		s.clients.Close()
	}
	return err
}

// url is where clients find the server.
func (s *server) url() string {
	scheme := "http"
	if s.http.TLSConfig != nil {
		scheme = "https"
	}
	return scheme + "://" + s.clients.Addr().String() + "/"
}

func (s *server) close() {
	s.clients.Close()
	s.control.Close()
}

// run serves until ctx ends, and then finishes the requests under way; or until
// the store breaks or a listener fails, which is the error.
func (s *server) run(ctx context.Context, broken <-chan error) error {
	background, stop := context.WithCancel(context.Background())
	failed := make(chan error, 2)
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	memory := time.NewTicker(memoryEvery)
	defer memory.Stop()
	var tasks sync.WaitGroup
	tasks.Go(func() { boundMemory(background, memory.C) })
	tasks.Go(func() { failed <- s.admin.Serve(background, s.control, s.log) })
	tasks.Go(func() { collect(background, s.st, tick.C, s.log) })
	tasks.Go(func() { s.postman.run(background) })
	tasks.Go(func() { newPusher(s.st, s.log).run(background) })
	fetches := time.NewTicker(fetchEvery)
	defer fetches.Stop()
	tasks.Go(func() { newFetcher(s.st, s.log).run(background, fetches.C) })
	tasks.Go(func() { failed <- s.serve() })
	s.front.ready.Store(true)

	var err error
	select {
	case <-ctx.Done():
		s.log.Info("finishing the requests under way", "at_most", shutdownTimeout)
	case cause := <-broken:
		err = fmt.Errorf("the store takes no more changes: %w", cause)
	case cause := <-failed:
		err = fmt.Errorf("serve: %w", cause)
	}
	s.front.ready.Store(false)
	s.shutdown()
	stop()
	tasks.Wait()
	return err
}

func (s *server) serve() error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(s.clients, "", "")
	}
	return s.http.Serve(s.clients)
}

func (s *server) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off", "error", err)
		s.http.Close()
	}
}

// collect has the store erase unused content at every tick.
func collect(ctx context.Context, st *store.Store, tick <-chan time.Time, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		c, err := st.Collect(ctx, admin.Grace)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("erasing unused content failed", "error", err)
		case c.Contents+c.Files > 0:
			log.Info("unused content erased", "contents", c.Contents, "files", c.Files, "bytes", c.Bytes)
		}
	}
}
