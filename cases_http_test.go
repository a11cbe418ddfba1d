package davit_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"davit/auth"
	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// nobody sends a request without a login.
const nobody = "nobody"

// A do is one request.
type do struct {
	Who       string `yaml:"who"`
	Method    string `yaml:"m"`
	At        string `yaml:"at"`
	To        string `yaml:"to"`
	Depth     string `yaml:"depth"`
	Len       *int   `yaml:"len"`
	Chunked   *int   `yaml:"chunked"`
	Overwrite string `yaml:"overwrite"`
	Share     string `yaml:"share"`
	Body      string `yaml:"body"`
	Cred      string `yaml:"cred"`
	Ctx       where  `yaml:"ctx"`
}

// An outcome is what a request is to come to.
type outcome struct {
	Status     words  `yaml:"status"`
	Pre        string `yaml:"pre"`
	Shows      words  `yaml:"shows"`
	Hides      words  `yaml:"hides"`
	ETagHidden bool   `yaml:"etag-hidden"`
	Used       *int64 `yaml:"used"`
	Avail      *int64 `yaml:"avail"`
	SameAs     string `yaml:"same-as"`
}

// Statuses that no answer has.
const (
	statusStarted = "started" // the upload goes on
	statusClosed  = "closed"  // the connection broke
)

// An exchange is a request on its way. What its body says in words changes it
// before it is sent, or says how it is sent.
type exchange struct {
	*run
	do      *do
	client  *davtest.Client
	url     string
	headers []string
	body    string
	size    int // of an upload's body
	// send answers nil with the status of a request that has no answer.
	send func() (*davtest.Response, string, error)
}

// An upload is one whose body is not sent whole yet.
type upload struct {
	conn *davtest.Conn
	rest string
}

// do sends one request and holds the answer against what is wanted.
func (r *run) do(s *step) error {
	var want outcome
	if err := s.wants(&want); err != nil {
		return err
	}
	a, status, err := r.exchange(s.Do)
	if err != nil {
		return err
	}
	if err := errors.Join(want.judge(a, status), r.usage(s.Do, &want)); err != nil {
		return fmt.Errorf("%s %s as %s: %w", s.Do.Method, s.Do.At, s.Do.Who, err)
	}
	if want.SameAs == "" {
		return nil
	}
	return r.sameAs(s.Do, a, want.SameAs)
}

// addressIn are addresses of networks; clients are inside of themselves.
var addressIn = map[policy.Network]string{policy.Outside: "192.0.2.7", 0: "nowhere"}

// exchange sends a request.
func (r *run) exchange(d *do) (*davtest.Response, string, error) {
	if d.Method == "continue" {
		return r.resume(d)
	}
	if strings.HasPrefix(d.At, "/admin/") {
		return r.ask(d)
	}
	x := &exchange{run: r, do: d}
	var err error
	if x.client, err = r.client(d); err != nil {
		return nil, "", err
	}
	if err := methodThere(d.Method); err != nil {
		return nil, "", err
	}
	if x.url, err = r.url(d, d.At); err != nil {
		return nil, "", err
	}
	if err := x.addHeaders(); err != nil {
		return nil, "", err
	}
	x.addBody()
	if x.send == nil {
		x.send = x.sendWhole
	}
	if err := x.heed(d.Body); err != nil {
		return nil, "", err
	}
	if d.Ctx.Now != nil {
		now := r.clock.Swap(*d.Ctx.Now)
		defer r.clock.Store(now)
	}
	a, status, err := x.send()
	if a != nil {
		status = strconv.Itoa(a.Status)
		if token := a.Header.Get("Lock-Token"); token != "" {
			r.tokens[d.At] = token
		}
	}
	return a, status, err
}

// client is the connection of who asks, through the credential of the request.
func (r *run) client(d *do) (*davtest.Client, error) {
	switch {
	case d.Share != "":
		return r.bearer(d.Share), nil
	case d.Who == nobody:
		return r.server.As(""), nil
	case d.Who == "":
		return nil, mistaken("a request of no one")
	}
	name := d.Cred
	if name == "" {
		name = d.Ctx.Cred
	}
	switch {
	case name == "" && d.Ctx.Class != "":
		return r.clientOfClass(d.Who, d.Ctx.Class)
	case name == "":
		return r.server.As(d.Who), nil
	}
	if c := r.devices[d.Who+"/"+name]; c != nil {
		return c, nil
	}
	return nil, mistaken("%s has no app password %q", d.Who, name)
}

// clientOfClass gives somebody an app password for a client class.
func (r *run) clientOfClass(who, class string) (*davtest.Client, error) {
	name := "of class " + class
	if r.devices[who+"/"+name] == nil {
		u, err := r.userNamed(who)
		if err != nil {
			return nil, err
		}
		c, err := policy.ParseClasses(class)
		if err != nil {
			return nil, mistake{err}
		}
		if err := r.addDevice(u, auth.NewDevice{Name: name, Class: c}); err != nil {
			return nil, err
		}
	}
	return r.devices[who+"/"+name], nil
}

// url is where somebody finds a logical path.
func (r *run) url(d *do, logical string) (string, error) {
	if d.Share != "" {
		return r.linkURL(d.Share, logical)
	}
	if share, rest, ok := strings.Cut(strings.TrimPrefix(logical, "share:"), "/"); ok && strings.HasPrefix(logical, "share:") {
		return r.shareURL(d.Who, share, rest)
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(logical, "/"), "/")
	first, query, _ := strings.Cut(first, "?")
	if to, ok := elsewhere[first]; ok {
		return to(r, d.Who, rest, query)
	}
	if missing := r.leftOut[first]; missing != "" {
		return "", missing
	}
	u := r.spaceURL(d.Who, first)
	if rest != "" || strings.HasSuffix(logical, "/") && first != "" {
		u += "/" + escape(rest)
	}
	return u, nil
}

// spaceURL is where somebody finds a space.
func (r *run) spaceURL(who, space string) string {
	if w, ok := r.world.Spaces[space]; ok && w.Kind == policy.Personal {
		return driveURL(who, w.Owner)
	}
	if w, ok := r.world.Spaces[space]; ok && w.Kind == calendarKind {
		return "/caldav/" + url.PathEscape(w.Owner) + "/" + url.PathEscape(space)
	}
	return "/dav/" + url.PathEscape(space)
}

// beside is where the trash and the versions of spaces are, for everybody.
func beside(name string) func(*run, string, string, string) (string, error) {
	return func(r *run, who, rest, _ string) (string, error) {
		space, below, _ := strings.Cut(rest, "/")
		return strings.Replace(r.spaceURL(who, space), "/dav/", "/dav/"+name+"/", 1) + "/" + escape(below), nil
	}
}

// principals is where principals stand, for everybody.
func principals(_ *run, _, rest, _ string) (string, error) { return "/principals/" + escape(rest), nil }

// escape makes a URL of names, and leaves one that is spelled as a URL already.
func escape(names string) string {
	if strings.Contains(names, "%") {
		return names
	}
	parts := strings.Split(names, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func (x *exchange) header(name, value string) { x.headers = append(x.headers, name, value) }

func (x *exchange) addHeaders() error {
	d := x.do
	if d.Depth != "" {
		x.header("Depth", d.Depth)
	}
	if d.Overwrite != "" {
		x.header("Overwrite", d.Overwrite)
	}
	network, err := d.Ctx.network()
	if err != nil {
		return err
	}
	if from := addressIn[network]; from != "" {
		x.header(davtest.FromHeader, from)
	}
	if d.To != "" {
		to, err := x.run.url(d, d.To)
		if err != nil {
			return err
		}
		x.header("Destination", to)
	}
	if d.Method == "UNLOCK" && x.tokens[d.At] != "" {
		x.header("Lock-Token", x.tokens[d.At])
	}
	return nil
}

// Bodies of requests that say nothing about theirs.
const (
	lockBody = `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>`
	propBody = `<propertyupdate xmlns="DAV:"><set><prop><note xmlns="urn:case">note</note></prop></set></propertyupdate>`
)

func (x *exchange) addBody() {
	d := x.do
	switch d.Method {
	case "LOCK":
		x.body = lockBody
	case "PROPPATCH":
		x.body = propBody
	case "PUT":
		x.size = 1
		if d.Len != nil {
			x.size = *d.Len
		}
		if d.Chunked != nil {
			x.size = *d.Chunked
		}
		x.send = x.sendUpload
	}
}

func (x *exchange) sendWhole() (*davtest.Response, string, error) {
	return x.client.Do(x.do.Method, x.url, x.body, x.headers...), "", nil
}

// begin sends the head of an upload and waits until its body is asked for.
func (x *exchange) begin() (conn *davtest.Conn, begun bool) {
	size := x.size
	if x.do.Chunked != nil {
		size = -1
	}
	return x.client.Upload(x.url, size, x.headers...)
}

// uploadMax is the longest body that is sent. A longer one can be announced, and
// refused.
const uploadMax = 64 << 20

// onTheWire is the body of an upload with a length, or in one chunk.
func (x *exchange) onTheWire() string {
	if x.size > uploadMax {
		x.Fatalf("a body of %d bytes was asked for; the longest sent is %d", x.size, uploadMax)
	}
	body := strings.Repeat("x", x.size)
	switch {
	case x.do.Chunked == nil:
		return body
	case body == "":
		return "0\r\n\r\n"
	}
	return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
}

func (x *exchange) sendUpload() (*davtest.Response, string, error) {
	conn, begun := x.begin()
	if begun {
		conn.Say(x.onTheWire())
	}
	defer conn.Close()
	return conn.Answer(), "", nil
}

// sendPart sends the first n bytes of a body, and nothing after.
func (x *exchange) sendPart(n int) (conn *davtest.Conn, rest string, refused *davtest.Response) {
	conn, begun := x.begin()
	if !begun {
		return nil, "", conn.Answer()
	}
	wire := x.onTheWire()
	n = min(n, len(wire))
	conn.Say(wire[:n])
	return conn, wire[n:], nil
}

// resume sends what is left of an upload.
func (r *run) resume(d *do) (*davtest.Response, string, error) {
	up := r.uploads[d.Who+" "+d.At]
	if up == nil {
		return nil, "", mistaken("%s has no upload to %s under way", d.Who, d.At)
	}
	delete(r.uploads, d.Who+" "+d.At)
	defer up.conn.Close()
	up.conn.Say(up.rest)
	a := up.conn.Answer()
	return a, strconv.Itoa(a.Status), nil
}

// judge holds an answer against what is wanted, a nil one by its status alone.
func (o *outcome) judge(a *davtest.Response, status string) error {
	body := ""
	if a != nil {
		body = a.Body
	}
	if len(o.Status) == 0 && (a == nil || a.Status >= 400) || len(o.Status) > 0 && !slices.Contains(o.Status, status) {
		return fmt.Errorf("%s instead of %s: %.300s", status, o.Status, body)
	}
	if a == nil {
		return nil
	}
	text := told(a)
	for _, name := range o.Shows {
		if !strings.Contains(text, name) {
			return fmt.Errorf("the answer does not show %q: %.2000s", name, text)
		}
	}
	for _, name := range o.Hides {
		if strings.Contains(text, name) {
			return fmt.Errorf("the answer shows %q: %.2000s", name, text)
		}
	}
	if o.Pre != "" && !slices.Contains(elements(body, inError), o.Pre) {
		return fmt.Errorf("no precondition %s: %s", o.Pre, body)
	}
	if o.ETagHidden && (a.Header.Get("ETag") != "" || len(elements(body, named("getetag"))) > 0) {
		return fmt.Errorf("the answer has an ETag: %s", text)
	}
	return nil
}

// usage asks what is used and available at a collection, or at the one that the
// request's path stands in.
func (r *run) usage(d *do, want *outcome) error {
	if want.Used == nil && want.Avail == nil {
		return nil
	}
	ask := *d
	ask.Method, ask.Depth, ask.Body = "PROPFIND", "0", "DAV:quota-used-bytes; DAV:quota-available-bytes"
	switch d.Method {
	case "PROPFIND", "MKCOL":
	default:
		ask.At = path.Dir(path.Clean(d.At))
	}
	a, status, err := r.exchange(&ask)
	if err != nil {
		return err
	}
	if a == nil || a.Status != http.StatusMultiStatus {
		return fmt.Errorf("%s instead of an answer about quota", status)
	}
	return errors.Join(holds(a.Body, "quota-used-bytes", want.Used), holds(a.Body, "quota-available-bytes", want.Avail))
}

func holds(body, property string, want *int64) error {
	if want == nil {
		return nil
	}
	got := elements(body, named(property))
	if len(got) == 0 || got[0] != strconv.FormatInt(*want, 10) {
		return fmt.Errorf("%s is %v instead of %d", property, got, *want)
	}
	return nil
}

// told is all that an answer says, escaped names in plain letters too.
func told(a *davtest.Response) string {
	var t strings.Builder
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		fmt.Fprintf(&t, "%s: %s\n", name, strings.Join(a.Header[name], ", "))
	}
	t.WriteString(a.Body)
	return t.String() + "\n" + escaped.ReplaceAllStringFunc(t.String(), func(code string) string {
		plain, _ := url.PathUnescape(code)
		return plain
	})
}

var escaped = regexp.MustCompile(`(%[0-9A-Fa-f]{2})+`)

// A reader of XML picks what it is after from an element and its parent.
type picker func(name, parent xml.Name, text string) (string, bool)

// inError picks the names of the preconditions in a DAV:error.
func inError(name, parent xml.Name, _ string) (string, bool) {
	return name.Local, parent == xml.Name{Space: "DAV:", Local: "error"}
}

// named picks the text of elements with a name in DAV:, when they have one.
func named(local string) picker {
	return func(name, _ xml.Name, text string) (string, bool) {
		return text, text != "" && name == xml.Name{Space: "DAV:", Local: local}
	}
}

// elements reads XML as far as it goes.
func elements(body string, pick picker) (found []string) {
	d := xml.NewDecoder(strings.NewReader(body))
	open := []xml.Name{{}}
	text := ""
	for {
		token, err := d.Token()
		if err != nil {
			return found
		}
		switch e := token.(type) {
		case xml.StartElement:
			open, text = append(open, e.Name), ""
		case xml.CharData:
			text += string(e)
		case xml.EndElement:
			open = open[:len(open)-1]
			if v, ok := pick(e.Name, open[len(open)-1], strings.TrimSpace(text)); ok {
				found = append(found, v)
			}
			text = ""
		}
	}
}

// sameAs sends the request to another path, which does not exist: the answers
// have to be the same, byte for byte, but for their date.
func (r *run) sameAs(d *do, a *davtest.Response, other string) error {
	twin := *d
	twin.At = other
	if id, ok := strings.CutPrefix(other, "link:"); ok {
		twin.Share, twin.At = id, d.At
	}
	b, _, err := r.exchange(&twin)
	if err != nil {
		return err
	}
	if a == nil || b == nil {
		return mistaken("no answers to compare")
	}
	a.Header.Del("Date")
	b.Header.Del("Date")
	if a.Status != b.Status || told(a) != told(b) {
		return fmt.Errorf("%s %s answers %d and %q, %s answers %d and %q", d.Method, d.At, a.Status, told(a), other, b.Status, told(b))
	}
	return nil
}

// braces is a range of numbers in a path: "/team/p{1..10}" is ten paths.
var braces = regexp.MustCompile(`\{(\d+)\.\.(\d+)\}`)

func spread(d *do) ([]*do, error) {
	m := braces.FindStringSubmatch(d.At)
	if m == nil {
		return []*do{d}, nil
	}
	from, _ := strconv.Atoi(m[1])
	to, _ := strconv.Atoi(m[2])
	const most = 1000
	if to < from || to-from >= most {
		return nil, mistaken("%s is no range", m[0])
	}
	var all []*do
	for i := from; i <= to; i++ {
		one := *d
		one.At = strings.Replace(d.At, m[0], strconv.Itoa(i), 1)
		all = append(all, &one)
	}
	return all, nil
}

// par sends requests at the same moment and counts how many succeed.
func (r *run) par(s *step) error {
	var want struct {
		OK      int `yaml:"ok"`
		Refused int `yaml:"refused"`
	}
	if err := s.wants(&want); err != nil {
		return err
	}
	var all []*do
	for i := range s.Par {
		if s.Par[i].Do == nil {
			return mistaken("only requests are sent at the same moment")
		}
		some, err := spread(s.Par[i].Do)
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	ok, refused, err := r.atOnce(all)
	if err != nil {
		return err
	}
	if ok != want.OK || refused != want.Refused {
		return fmt.Errorf("%d went through and %d were refused instead of %d and %d", ok, refused, want.OK, want.Refused)
	}
	return nil
}

func (r *run) atOnce(all []*do) (ok, refused int, err error) {
	var (
		mu   sync.Mutex
		over sync.WaitGroup
	)
	start := make(chan struct{})
	for _, d := range all {
		lane := *r // what a request learns is its own
		lane.devices, lane.uploads, lane.tokens = maps.Clone(r.devices), map[string]*upload{}, map[string]string{}
		over.Go(func() {
			<-start
			a, _, failed := lane.exchange(d)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case failed != nil:
				err = errors.Join(err, failed)
			case a != nil && a.Status >= 200 && a.Status < 300:
				ok++
			case a != nil && a.Status >= 400 && a.Status != http.StatusInternalServerError:
				refused++
			}
		})
	}
	close(start)
	over.Wait()
	return ok, refused, err
}

// lacking lists the paths that the steps name and the tree has not: all but
// those that a step itself makes or takes away.
func (r *run) lacking(steps []step) (lack []string) {
	own := map[string]bool{}
	need := func(p string) {
		p = path.Clean("/" + p)
		space, _ := splitPath(p)
		if sp, ok := r.world.Spaces[space]; !ok || sp.Kind == "" || r.leftOut[space] != "" || slices.Contains(lack, p) {
			return
		}
		for up := p; up != "/"; up = path.Dir(up) {
			if own[up] {
				return
			}
		}
		if _, err := r.place(p); errors.As(err, new(mistake)) {
			lack = append(lack, p)
		}
	}
	for i := range steps {
		for _, s := range append([]step{steps[i]}, steps[i].Par...) {
			if s.Set != nil {
				for _, p := range s.Set.paths() {
					need(p)
				}
			}
			if s.Do != nil && s.Do.Share == "" {
				s.Do.names(need, own, s.wantsMissingParent())
			}
		}
	}
	return lack
}

// paths are those that a set names.
func (s *set) paths() (all []string) {
	if s.ACL != nil {
		all = append(all, s.ACL.At)
	}
	if s.Cut != nil {
		all = append(all, s.Cut.At)
	}
	if s.Share != nil {
		all = append(all, s.Share.At)
	}
	if s.Quota != nil && strings.HasPrefix(s.Quota.Of, "/") {
		all = append(all, s.Quota.Of)
	}
	for i := range s.Bulk {
		all = append(all, s.Bulk[i].paths()...)
	}
	return all
}

// wantsMissingParent: a 409 comes from a parent that is not there.
func (s *step) wantsMissingParent() bool {
	var want outcome
	return s.wants(&want) == nil && slices.Contains(want.Status, strconv.Itoa(http.StatusConflict))
}

// names tells which paths a request needs, and which it makes or takes away.
func (d *do) names(need func(string), own map[string]bool, noParent bool) {
	at, to := unescaped(d.At), unescaped(d.To)
	switch d.Method {
	case "PUT", "MKCOL", "LOCK", "MKCALENDAR":
		if !noParent {
			need(path.Dir(at))
		}
		own[at] = true
		return
	}
	need(at)
	switch d.Method {
	case "DELETE", "MOVE":
		own[at] = true
	}
	if to != "" {
		if !noParent {
			need(path.Dir(to))
		}
		own[to] = true
	}
}

func unescaped(p string) string {
	if p == "" {
		return ""
	}
	if plain, err := url.PathUnescape(p); err == nil {
		p = plain
	}
	return path.Clean("/" + p)
}

// etag is the current one of a file, whoever asks.
func (r *run) etag(p string) (string, error) {
	at, err := r.storePath(p)
	if err != nil {
		return "", err
	}
	_, e, err := r.server.Store.Operator().Place(at)
	if errors.Is(err, store.ErrNotFound) {
		return "", mistake{err}
	}
	return e.ETag(), err
}
