package main

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

// A peer is a server that people mount today, run with a private configuration
// in a folder of the benchmark's own. None of them makes an upload durable.
type peer struct {
	name, program string
	module        string // file that a package of its own brings; empty: none
	config        string // template over a setting
	args          []string
	authenticates bool // asks for Basic credentials, as Davit does

	// Of calendar servers.
	flags   []string          // instead of a configuration
	home    string            // path of the home of the calendars
	storage string            // folder of the large calendar, below the server's own
	marks   map[string]string // files that make a folder a calendar
	git     bool              // what is stored is what git has
	durable bool              // a PUT that it has answered survives a power cut
}

// daemons is where Debian keeps what an ordinary PATH does not find.
const daemons = "/usr/sbin"

// peers are all there are. Each is configured as its own pages advise for
// WebDAV; what its defaults are in Debian stays so.
var peers = []peer{
	{
		name: "apache", program: "apache2", module: "/usr/lib/apache2/modules/mod_dav_fs.so",
		args: []string{"-DFOREGROUND", "-f"}, authenticates: true,
		config: `ServerRoot {{.Dir}}
ServerName localhost
Listen {{.Address}}
PidFile {{.Dir}}/pid
DefaultRuntimeDir {{.Dir}}
ErrorLog {{.Dir}}/errors
LogLevel error
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
TypesConfig /dev/null
{{if .Account}}User {{.Account}}
{{end}}KeepAlive On
MaxKeepAliveRequests 0
DavLockDB {{.Dir}}/locks/db
DocumentRoot {{.Files}}
<Directory {{.Files}}>
	Dav On
	DavDepthInfinity On
	AllowOverride None
	AuthType Basic
	AuthName files
	AuthBasicProvider file
	AuthUserFile {{.Dir}}/accounts
	Require valid-user
</Directory>
`,
	},
	{
		name: "nginx", program: "nginx", module: "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so",
		args: []string{"-e", "stderr", "-c"},
		config: `daemon off;
{{if .Account}}user root;
{{end}}worker_processes auto;
pid {{.Dir}}/pid;
error_log stderr error;
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
events {}
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_requests 100000000;
	client_max_body_size 0;
	client_body_temp_path {{.Dir}}/bodies;
	proxy_temp_path {{.Dir}}/unused;
	fastcgi_temp_path {{.Dir}}/unused;
	uwsgi_temp_path {{.Dir}}/unused;
	scgi_temp_path {{.Dir}}/unused;
	dav_ext_lock_zone zone=locks:10m;
	server {
		listen {{.Address}};
		root {{.Files}};
		dav_methods PUT DELETE MKCOL COPY MOVE;
		dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
		dav_ext_lock zone=locks;
	}
}
`,
	},
	{
		name: "lighttpd", program: "lighttpd", module: "/usr/lib/lighttpd/mod_webdav.so",
		args: []string{"-D", "-f"},
		config: `server.modules = ( "mod_webdav" )
server.document-root = "{{.Files}}"
server.bind = "{{.Host}}"
server.port = {{.Port}}
server.errorlog = "{{.Dir}}/errors"
server.max-keep-alive-requests = 100000000
server.upload-dirs = ( "{{.Dir}}" )
webdav.activate = "enable"
webdav.sqlite-db-name = "{{.Dir}}/locks.db"
`,
	},
}

// A setting is what a peer's configuration is filled in with.
type setting struct {
	Dir, Files          string
	Address, Host, Port string
	// Account is whom a server that will not serve as root serves as.
	Account string
}

// apacheAccount is what Debian has web servers run as.
const apacheAccount = "www-data"

// usualPeers names the peers that a contest is mostly about.
const usualPeers = "usual"

// peersNamed reads a list of names with commas, or none, or usualPeers.
func (c *contest) peersNamed(list string) (named []*peer, err error) {
	switch list {
	case "none":
		return nil, nil
	case usualPeers:
		list = c.beside
	}
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(c.peers, func(p peer) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no server is called %q", name)
		}
		named = append(named, &c.peers[i])
	}
	return named, nil
}

// installed parts the peers that can run here from what others lack.
func installed(all []*peer) (here []*peer, absent []string) {
	for _, p := range all {
		if err := p.missing(); err != nil {
			absent = append(absent, fmt.Sprintf("%s (%v)", p.name, err))
		} else {
			here = append(here, p)
		}
	}
	return here, absent
}

// missing says what a peer lacks here, nothing when it can run.
func (p *peer) missing() error {
	if _, err := p.path(); err != nil {
		return fmt.Errorf("%s is not installed", p.program)
	}
	if _, err := os.Stat(p.module); p.module != "" && err != nil {
		return fmt.Errorf("%s has no %s", p.program, filepath.Base(p.module))
	}
	return nil
}

func (p *peer) path() (string, error) {
	if found, err := exec.LookPath(p.program); err == nil {
		return found, nil
	}
	return exec.LookPath(filepath.Join(daemons, p.program))
}

// newPeer is the server that p makes in a folder of its own.
func newPeer(p *peer, dir string) *server {
	s := &server{name: p.name, files: filepath.Join(dir, "files")}
	if p.authenticates {
		s.user, s.password = "mia", rand.Text()
	}
	s.start = func(ctx context.Context, s *server) error {
		set, err := p.lay(s, dir)
		if err != nil {
			return err
		}
		config := filepath.Join(dir, "config")
		if err := p.configure(config, set); err != nil {
			return err
		}
		program, err := p.path()
		if err != nil {
			return err
		}
		return s.serve(ctx, dir, answering(set.Address), "/", program, append(p.args, config)...)
	}
	return s
}

// lay makes the folders that the configuration names, and gives them to the
// account that the server takes on.
func (p *peer) lay(s *server, dir string) (setting, error) {
	set := setting{Dir: dir, Files: s.files}
	for _, d := range []string{dir, s.files, filepath.Join(dir, "locks")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return set, err
		}
	}
	var err error
	if set.Address, err = freeAddress(); err != nil {
		return set, err
	}
	if set.Host, set.Port, err = net.SplitHostPort(set.Address); err != nil {
		return set, err
	}
	if p.authenticates {
		// The cheapest form that the server takes: it checks it at each request.
		sum := sha1.Sum([]byte(s.password))
		line := s.user + ":{SHA}" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"
		if err := os.WriteFile(filepath.Join(dir, "accounts"), []byte(line), 0o644); err != nil {
			return set, err
		}
	}
	if os.Getuid() != 0 {
		return set, nil
	}
	return set, p.hand(s, &set)
}

// hand gives a server started by root what it writes to as somebody else.
func (p *peer) hand(s *server, set *setting) error {
	set.Account = "root"
	if p.name != "apache" {
		return nil
	}
	set.Account = apacheAccount
	u, err := user.Lookup(apacheAccount)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	s.owner = uid
	return errors.Join(
		os.Chmod(filepath.Dir(set.Dir), 0o711), // the way to its own folder
		os.Chown(s.files, uid, -1), os.Chown(filepath.Join(set.Dir, "locks"), uid, -1))
}

func (p *peer) configure(name string, set setting) error {
	t, err := template.New(p.name).Parse(p.config)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := t.Execute(&text, set); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text.String()), 0o644)
}

// freeAddress is one on loopback that nobody listens on now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// answering waits for a server that takes connections at the address.
func answering(address string) readiness {
	return func() (string, error) {
		conn, err := net.DialTimeout("tcp", address, startTimeout)
		if err != nil {
			return "", nil // not yet
		}
		return "http://" + address, conn.Close()
	}
}
