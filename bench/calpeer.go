package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// calendarPeers are calendar servers that people run today, with a private
// configuration in a folder of the benchmark's own. Their events are laid into
// their storage before they start, which is the fastest way they have.
var calendarPeers = []peer{
	{
		name: "radicale", program: "radicale", args: []string{"--config"}, authenticates: true, durable: true,
		home: "mia/", storage: "files/collection-root/mia/calendar",
		marks: map[string]string{".Radicale.props": `{"tag": "VCALENDAR"}`},
		config: `[server]
hosts = {{.Address}}
max_connections = 100
[auth]
type = htpasswd
htpasswd_filename = {{.Dir}}/accounts
htpasswd_encryption = plain
delay = 0
[rights]
type = owner_only
[storage]
filesystem_folder = {{.Files}}
[logging]
level = error
`,
	},
	{
		name: "xandikos", program: "xandikos", flags: []string{"--autocreate", "--current-user-principal", "/mia/"},
		home: "mia/calendars/", storage: "files/mia/calendars/calendar", git: true,
		marks: map[string]string{".xandikos": "[DEFAULT]\ntype = calendar\n"},
	},
}

// newCalendarPeer is the server that p makes in a folder of its own, with an
// agenda.
func newCalendarPeer(p *peer, dir string, a agenda) *server {
	s := &server{name: p.name, durable: p.durable, files: filepath.Join(dir, "files")}
	if p.authenticates {
		s.user, s.password = "mia", rand.Text()
	}
	s.start = func(ctx context.Context, s *server) error {
		set, err := p.lay(s, dir)
		if err != nil {
			return err
		}
		if err := p.fill(ctx, filepath.Join(dir, p.storage), a); err != nil {
			return err
		}
		program, err := p.path()
		if err != nil {
			return err
		}
		args := p.flags
		if p.config != "" {
			config := filepath.Join(dir, "config")
			if err := errors.Join(p.configure(config, set), p.account(dir, s)); err != nil {
				return err
			}
			args = append(p.args, config)
		} else {
			args = append(args, "-d", set.Files, "-l", set.Host, "-p", set.Port)
		}
		return s.serve(ctx, dir, answering(set.Address), "/"+p.home, program, args...)
	}
	return s
}

// account replaces the line that web servers take by one that Radicale does: the
// cheapest to check there is.
func (p *peer) account(dir string, s *server) error {
	return os.WriteFile(filepath.Join(dir, "accounts"), []byte(s.user+":"+s.password+"\n"), 0o600)
}

// fill lays the events of an agenda into a folder that is a calendar.
func (p *peer) fill(ctx context.Context, dir string, a agenda) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for i := range a.events {
		m := a.meeting(i)
		if err := os.WriteFile(filepath.Join(dir, m.name()), m.text(0), 0o644); err != nil {
			return err
		}
	}
	for name, text := range p.marks {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if !p.git {
		return nil
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", dir}, {"-C", dir, "add", "-A"},
		{"-C", dir, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-q", "-m", fmt.Sprint(a.events, " events")},
	} {
		if err := command(ctx, "", "git", args...); err != nil {
			return err
		}
	}
	return nil
}

// newDavitCalendars is a fresh data directory with one member, who has a home of
// calendars.
func newDavitCalendars(binary, dir string) *server {
	s := newDavit(binary, dir)
	s.again = func(ctx context.Context, s *server) error {
		return s.launch(ctx, dir, "/caldav/"+s.user+"/", binary, "serve", "--data", filepath.Join(dir, "data"))
	}
	return s
}
