// Package davtest starts a whole server in the process of a test: a store in a
// temporary directory, people and spaces in it, and WebDAV on a loopback port.
// A test fails with the first error that the server logs, and when the test ends
// the store is checked.
//
//	s := davtest.Start(t, "mia", "max")
//	s.Space("Team", "user:mia=editor", "user:max=viewer")
//	s.As("mia").Do("PUT", "/dav/Team/plan.txt", "v1").Want(t, 201)
package davtest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"davit/auth"
	"davit/caldav"
	"davit/dav"
	"davit/policy"
	"davit/store"
)

// Password is everybody's. Its hash is the cheapest there may be: signing in is
// not what these tests are about.
const (
	Password     = "correct horse"
	passwordHash = "$argon2id$v=19$m=8,t=1,p=1$ZGF2aXQgdGVzdCBzYWx0IQ$guS1q07uIj//oGsuLM/ERrO5GFmyVicqdP0E8Nle+/0"
)

// A Server is one running server.
type Server struct {
	URL   string
	Dir   string
	Store *store.Store
	Auth  *auth.Service
	// MacFiles counts from the next Restart on.
	MacFiles dav.MacFiles
	// Uploads counts from the next Restart on.
	Uploads dav.Uploads
	// Handler answers in process, for what needs no connection.
	Handler http.Handler
	// AuthOptions are those of Auth from the next Restart on, but for its clock,
	// which is the store's, and for where requests come from.
	AuthOptions auth.Options

	t    testing.TB
	http *httptest.Server
	busy sync.RWMutex // held for reading by each request
}

// Start makes a store with the people and serves it. The first is the owner,
// the others are members.
func Start(t testing.TB, people ...string) *Server {
	return StartWith(t, store.Options{}, people...)
}

// StartWith is Start with options of the store.
func StartWith(t testing.TB, o store.Options, people ...string) *Server {
	t.Helper()
	s := &Server{t: t, Dir: t.TempDir()}
	if err := store.Init(s.Dir, o); err != nil {
		t.Fatal(err)
	}
	s.open(o)
	kind := policy.Owner
	for _, name := range people {
		s.User(name, kind)
		kind = policy.Member
	}
	t.Cleanup(s.close)
	return s
}

// Open serves a data directory that is there.
func Open(t testing.TB, dir string, o store.Options) *Server {
	t.Helper()
	s := &Server{t: t, Dir: dir}
	s.open(o)
	t.Cleanup(s.close)
	return s
}

func (s *Server) open(o store.Options) {
	s.t.Helper()
	log := slog.New(alarm{slog.DiscardHandler, s.t})
	if o.Log == nil {
		o.Log = log
	}
	o.Index, o.Mask, o.Scheduler = caldav.Index, caldav.Mask, caldav.Scheduler{}
	var err error
	if s.Store, err = store.Open(s.Dir, o); err != nil {
		s.t.Fatal(err)
	}
	s.AuthOptions.Now, s.AuthOptions.Remote = o.Clock, remote
	s.Auth = auth.New(s.Store, s.AuthOptions)
	handler := dav.New(dav.Config{Log: log, MacFiles: s.MacFiles, Uploads: s.Uploads, Realms: []dav.Realm{caldav.Realm()}})
	s.Handler = caldav.WellKnown(&auth.Guard{Store: s.Store, Auth: s.Auth, Next: handler, Class: policy.DAV})
	s.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.busy.RLock()
		defer s.busy.RUnlock()
		s.Handler.ServeHTTP(w, r)
	}))
	s.URL = s.http.URL
}

// FromHeader says from which address a request counts as sent; what is no address
// is nowhere.
const FromHeader = "Davtest-From"

func remote(r *http.Request) netip.Addr {
	from := r.Header.Get(FromHeader)
	if from == "" {
		return netip.MustParseAddrPort(r.RemoteAddr).Addr()
	}
	addr, _ := netip.ParseAddr(from)
	return addr
}

// alarm fails the test with what the server logs as an error, such as a panic.
type alarm struct {
	slog.Handler
	t testing.TB
}

func (a alarm) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (a alarm) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(at slog.Attr) bool { text += " " + at.String(); return true })
	a.t.Errorf("the server logged: %.1000s", text)
	return nil
}

// Settle waits until the requests under way are over, also those whose client
// went away.
func (s *Server) Settle() {
	s.busy.Lock()
	defer s.busy.Unlock()
}

// Temps are the files of uploads that are not kept.
func (s *Server) Temps() []string {
	s.t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.Dir, "blobs", "tmp"))
	if err != nil {
		s.t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// Restart closes the server, checks the store and opens both again, at a new
// URL.
func (s *Server) Restart(o store.Options) {
	s.t.Helper()
	s.close()
	s.open(o)
}

// Crash goes on from the data directory as it stands at this moment, at a new
// URL, as if the server had been killed. Whom it was talking to is hung up on.
func (s *Server) Crash(o store.Options) {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(s.Dir)); err != nil {
		s.t.Fatal(err)
	}
	s.http.CloseClientConnections()
	s.close()
	s.Dir = dir
	s.open(o)
}

// close ends the server and checks what it leaves.
func (s *Server) close() {
	s.t.Helper()
	s.http.Close()
	found, err := s.Store.Check(context.Background())
	if err != nil {
		s.t.Errorf("check: %v", err)
	}
	for _, fault := range found.Faults {
		s.t.Errorf("check: %s", fault)
	}
	if v, err := s.Store.Operator().VerifyAudit(context.Background()); err != nil || v.Fault != "" {
		s.t.Errorf("verify the audit trail: %s (%v)", v.Fault, err)
	}
	if n := s.Store.Reserved(); n != 0 {
		s.t.Errorf("%d bytes are still reserved", n)
	}
	if temps := s.Temps(); len(temps) > 0 {
		s.t.Errorf("temporary files are left: %s", temps)
	}
	if err := s.Store.Close(); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

// User makes an account.
func (s *Server) User(name string, kind policy.Type) policy.User {
	s.t.Helper()
	u, err := s.AddUser(policy.User{Name: name, Type: kind})
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

// AddUser makes an account as it is given, if policy lets it.
func (s *Server) AddUser(u policy.User) (policy.User, error) {
	return s.Store.Operator().AddUser(context.Background(), u, passwordHash)
}

// Group makes a group with members.
func (s *Server) Group(name string, members ...string) {
	s.t.Helper()
	g, err := s.Store.Operator().AddGroup(context.Background(), policy.Group{Name: name})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range members {
		s.Change(func(p *policy.State) ([]policy.Change, error) {
			id, err := p.ParsePrincipal(m)
			return []policy.Change{policy.Join{Group: g.ID, Member: id}}, err
		})
	}
}

// Space makes a group folder with levels such as "group:staff=editor".
func (s *Server) Space(name string, levels ...string) policy.Space {
	s.t.Helper()
	sp, err := s.Store.Operator().AddSpace(context.Background(), policy.Space{Name: name, Kind: policy.GroupFolder, Quota: policy.NoLimit})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, l := range levels {
		who, level, _ := strings.Cut(l, "=")
		s.Level(name, who, level)
	}
	return sp
}

// Level gives a principal its level in a space.
func (s *Server) Level(space, who, level string) {
	s.t.Helper()
	s.Change(func(p *policy.State) ([]policy.Change, error) {
		id, err := p.ParsePrincipal(who)
		rights, err2 := policy.LevelRights(level)
		return []policy.Change{policy.SetLevel{Space: p.SpaceNamed(space).ID,
			Entry: policy.Entry{Principal: id, Level: level, Allow: rights}}}, errors.Join(err, err2)
	})
}

// Entry puts a line into the list of a path such as "/Team/HR".
func (s *Server) Entry(path, who string, e policy.Entry) {
	s.t.Helper()
	s.ChangeAt(path, func(p *policy.State, at policy.Place) ([]policy.Change, error) {
		var err error
		e.Principal, err = p.ParsePrincipal(who)
		return []policy.Change{policy.SetEntry{At: at, Entry: e}}, err
	})
}

// EntryAt is Entry for a calendar, such as "calendar:~mia/calendar".
func (s *Server) EntryAt(calendar, who string, e policy.Entry) {
	s.t.Helper()
	id, err := s.Store.Policy().ParsePrincipal(who)
	if err == nil {
		e.Principal = id
		err = s.Store.Operator().ChangeAt(context.Background(), split(calendar), func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
			return []policy.Change{policy.SetEntry{At: at, Entry: e}}, nil
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Quota limits a space or folder such as "/Team/HR", or a drive such as "~mia".
func (s *Server) Quota(path string, limit policy.Limit) {
	s.t.Helper()
	s.ChangeAt(path, func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
		return []policy.Change{policy.SetQuota{At: at, Limit: &limit}}, nil
	})
}

// Share shares a path such as "/Team/HR" or "~mia/plans" in somebody's name:
// s.Share("mia", "~mia/plans", "user:max", "level:editor").
func (s *Server) Share(by, path, to, rights string) policy.Share {
	s.t.Helper()
	id, err := s.Store.Policy().ParsePrincipal(to)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.give(by, path, policy.Share{To: id}, rights, nil)
}

// A NewLink says what a link is to be; the zero one is a viewer's without end.
type NewLink struct {
	Rights       string // "level:viewer" if empty
	Password     string
	DownloadsMax int64
	Until        int64
}

// Link makes a link in somebody's name and gives its URL, without the slash at
// the end.
func (s *Server) Link(by, path string, n NewLink) (url string, sh policy.Share) {
	s.t.Helper()
	token, l, err := s.Auth.NewLink(context.Background(), n.Password)
	if err != nil {
		s.t.Fatal(err)
	}
	l.DownloadsMax = n.DownloadsMax
	sh = s.give(by, path, policy.Share{Until: n.Until}, cmp.Or(n.Rights, "level:viewer"), &l)
	return strings.TrimSuffix(auth.LinkPath(token), "/"), sh
}

func (s *Server) give(by, path string, sh policy.Share, rights string, l *store.NewLink) policy.Share {
	s.t.Helper()
	giver := policy.Subject{User: s.Store.Policy().UserNamed(by).ID, Mask: policy.All, Class: policy.Web}
	var err error
	if sh.Rights, err = policy.ParseRights(rights); err == nil {
		sh, err = s.Store.Operator().As(giver, "test").Share(context.Background(), split(path), sh, l)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return sh
}

// Unshare ends a share or link.
func (s *Server) Unshare(sh policy.Share) {
	s.t.Helper()
	s.Change(func(*policy.State) ([]policy.Change, error) { return []policy.Change{policy.DropShare{ID: sh.ID}}, nil })
}

func split(path string) store.Path {
	if calendar, is := strings.CutPrefix(path, store.CalendarScheme); is {
		return split(calendar).Calendars()
	}
	return strings.Split(strings.TrimPrefix(path, "/"), "/")
}

// Change changes the policy.
func (s *Server) Change(plan func(*policy.State) ([]policy.Change, error)) {
	s.t.Helper()
	if err := s.Store.Operator().Change(context.Background(), plan); err != nil {
		s.t.Fatal(err)
	}
}

// ChangeAt changes the policy at a path.
func (s *Server) ChangeAt(path string, plan func(*policy.State, policy.Place) ([]policy.Change, error)) {
	s.t.Helper()
	if err := s.Store.Operator().ChangeAt(context.Background(), split(path), plan); err != nil {
		s.t.Fatal(err)
	}
}

// A Client speaks for one person.
type Client struct {
	s      *Server
	user   string
	secret string
	http   *http.Client
}

// As is a client of that person with connections of its own; nobody for "".
func (s *Server) As(user string) *Client {
	return &Client{s, user, Password, &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// AsDevice is As with a new app password.
func (s *Server) AsDevice(user string, d auth.NewDevice) *Client {
	s.t.Helper()
	_, secret, err := s.Auth.AddDevice(context.Background(), s.Store.Policy().UserNamed(user).ID, d)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.AsSecret(user, secret)
}

// AsSecret is As with another secret than Password.
func (s *Server) AsSecret(user, secret string) *Client {
	c := s.As(user)
	c.secret = secret
	return c
}

// A Response is an answer, read whole.
type Response struct {
	Method, Path string
	Status       int
	Header       http.Header
	Body         string
}

// Do sends one request. Headers are names and values in turn; a Destination
// that begins with a slash becomes a URL of the server.
func (c *Client) Do(method, path, body string, headers ...string) *Response {
	c.s.t.Helper()
	req, err := http.NewRequest(method, c.s.URL+path, strings.NewReader(body))
	if err != nil {
		c.s.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		value := headers[i+1]
		if headers[i] == "Destination" && strings.HasPrefix(value, "/") {
			value = c.s.URL + value
		}
		req.Header.Set(headers[i], value)
	}
	return c.Send(req)
}

// Send sends a request made by hand, signed in. A connection that breaks fails
// the test and answers with the status 0; any goroutine may send.
func (c *Client) Send(req *http.Request) *Response {
	c.s.t.Helper()
	if c.user != "" {
		req.SetBasicAuth(c.user, c.secret)
	}
	answer := &Response{Method: req.Method, Path: req.URL.Path}
	resp, err := c.http.Do(req)
	if err != nil {
		c.s.t.Errorf("%s %s as %s: %v", req.Method, req.URL.Path, c.user, err)
		return answer
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.s.t.Errorf("%s %s as %s: %v", req.Method, req.URL.Path, c.user, err)
	}
	answer.Status, answer.Header, answer.Body = resp.StatusCode, resp.Header, string(body)
	return answer
}

// remaining is the time that a lock has left, which runs.
var remaining = regexp.MustCompile(`Second-[0-9]+`)

// Tree is the whole listing of a collection, as text to be compared.
func (c *Client) Tree(path string) string {
	c.s.t.Helper()
	r := c.Do("PROPFIND", path, "", "Depth", "infinity").Want(c.s.t, http.StatusMultiStatus)
	return remaining.ReplaceAllString(r.Body, "Second-N")
}

// Want holds the answer to a status, and its body to texts that must be there,
// or must not when they begin with "!".
func (r *Response) Want(t testing.TB, status int, texts ...string) *Response {
	t.Helper()
	if r.Status != status {
		t.Errorf("%s %s: %d instead of %d\n%s", r.Method, r.Path, r.Status, status, r.Body)
	}
	for _, text := range texts {
		if without, not := strings.CutPrefix(text, "!"); not && strings.Contains(r.Body, without) {
			t.Errorf("%s %s: the answer shows %q\n%s", r.Method, r.Path, without, r.Body)
		} else if !not && !strings.Contains(r.Body, text) {
			t.Errorf("%s %s: the answer lacks %q\n%s", r.Method, r.Path, text, r.Body)
		}
	}
	return r
}
