package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// A server is one side of the comparison. A further peer is one more constructor
// that fills this in.
type server struct {
	name string
	// held servers have to meet the bars and answer right; a yardstick's
	// mistakes are only told.
	held bool
	// durable says that a PUT it has answered survives a power cut.
	durable bool
	// files is the folder whose plain files it serves, so that many can be laid
	// there directly; empty when they have to be PUT.
	files string
	// owner is the user id that these files need to have; 0: the benchmark's.
	owner int

	// start brings the server up and fills in what follows.
	start func(ctx context.Context, s *server) error
	// again starts it over what it held when it was stopped; nil where nobody asks.
	again func(ctx context.Context, s *server) error

	baseURL        string // the collection the workloads write in; ends in a slash
	user, password string // empty user: no credentials are sent
	child          *child
	idleMemory     int64 // bytes resident after the start
}

// newNaive is this very program in its other role.
func newNaive(dir string) *server {
	s := &server{name: "naive", files: filepath.Join(dir, "files")}
	s.start = func(ctx context.Context, s *server) error {
		if err := os.MkdirAll(s.files, 0o700); err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		return s.launch(ctx, dir, "/", self, naiveCommand, "--dir", s.files)
	}
	return s
}

// newDavit is a fresh data directory with one group folder, used by a member who
// is neither its owner nor an administrator: every request passes the policy.
func newDavit(binary, dir string) *server {
	s := &server{name: "davit", held: true, durable: true, user: "mia", password: rand.Text()}
	s.start = func(ctx context.Context, s *server) error {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		data := filepath.Join(dir, "data")
		for _, step := range []struct {
			stdin string
			args  []string
		}{
			{rand.Text(), []string{"init", "--owner", "olivia", "--password-stdin"}},
			{s.password, []string{"user", "add", s.user, "--password-stdin"}},
			{"", []string{"space", "add", "Team", "--kind", "group-folder"}},
			{"", []string{"level", "set", "Team", "user:" + s.user, "editor"}},
		} {
			if err := command(ctx, step.stdin, binary, append(step.args, "--data", data)...); err != nil {
				return err
			}
		}
		return s.again(ctx, s)
	}
	s.again = func(ctx context.Context, s *server) error {
		return s.launch(ctx, dir, "/dav/Team/", binary, "serve", "--data", filepath.Join(dir, "data"))
	}
	return s
}

// launch starts a program that takes the two flags by which Davit and the naive
// server are told where to listen and where to say so.
func (s *server) launch(ctx context.Context, dir, mount, program string, args ...string) error {
	ready := filepath.Join(dir, "ready")
	if err := os.Remove(ready); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	args = append(args, "--listen", "127.0.0.1:0", "--ready-file", ready)
	return s.serve(ctx, dir, inFile(ready), mount, program, args...)
}

// serve starts the program, waits until it listens, and notes what it weighs
// before it has worked.
func (s *server) serve(ctx context.Context, dir string, ready readiness, mount, program string, args ...string) error {
	c, url, err := launch(ctx, filepath.Join(dir, "log"), ready, program, args...)
	if err != nil {
		return err
	}
	s.child, s.baseURL = c, url+mount
	// Where the system does not tell, the figure stays zero and is left out.
	s.idleMemory, _ = residentMemory(c.pid())
	return nil
}
