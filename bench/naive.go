package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/webdav"
)

// naiveCommand as the first argument makes this program the naive server.
const naiveCommand = "naive"

// naiveHeaderTimeout bounds how long a connection may take to say what it wants.
const naiveHeaderTimeout = 30 * time.Second

// serveNaive is the yardstick: the library's handler over a plain folder, with
// locks in memory, no accounts, no policy and nothing made durable. Each
// workload is compared with it because anybody can have it in twenty lines.
func serveNaive(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench "+naiveCommand, flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("dir", "", "`folder` to serve")
	listen := flags.String("listen", "127.0.0.1:0", "`address` to listen on")
	ready := flags.String("ready-file", "", "`file` that gets the URL once the server listens")
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	if *dir == "" {
		fmt.Fprintln(stderr, "bench naive: give the folder to serve with --dir")
		return errUsage
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: naiveHandler(*dir), ReadHeaderTimeout: naiveHeaderTimeout}
	defer context.AfterFunc(ctx, func() { srv.Close() })()
	if *ready != "" {
		if err := announce(*ready, "http://"+l.Addr().String()); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func naiveHandler(dir string) http.Handler {
	return &webdav.Handler{FileSystem: webdav.Dir(dir), LockSystem: webdav.NewMemLS()}
}

// announce writes the ready file in one step, so that nobody reads half a URL.
func announce(name, url string) error {
	if err := os.WriteFile(name+".new", []byte(url+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
