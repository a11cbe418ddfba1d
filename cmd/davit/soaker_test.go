package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A document is known by its versions: who may write it takes the next number, and
// the content tells which it is.
type document struct {
	path string
	id   int

	mu    sync.Mutex
	sent  int   // the newest version that anybody sent
	floor int   // the newest that was acknowledged or seen: none older may be read
	torn  []int // sent in part, never to be seen
}

// versionsMax of one document keep the numbers of two apart.
const versionsMax = 1_000_000

// Sizes on both sides of what is kept in the database.
var documentSizes = []int{100, 8192, 8193, 24 << 10, 100_000}

func newDocument(path string, id int) *document { return &document{path: path, id: id} }

func (d *document) body(v int) string {
	return string(crashBody{d.id*versionsMax + v, documentSizes[v%len(documentSizes)]}.bytes())
}

func (d *document) next() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sent++
	return d.sent
}

func (d *document) saved(v int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.floor = max(d.floor, v)
}

func (d *document) tear(v int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.torn = append(d.torn, v)
}

func (d *document) oldest() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.floor
}

// seen holds what was read to being one version, whole, no older than when the
// reading began.
func (d *document) seen(content string, oldest int) error {
	var b crashBody
	fmt.Sscanf(content, "%d of %d, ", &b.n, &b.size)
	v := b.n - d.id*versionsMax
	if b.size <= 0 || b.size > slices.Max(documentSizes) || content != string(b.bytes()) {
		return fmt.Errorf("%d bytes that nobody wrote, beginning with %.30q", len(content), content)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if v < oldest || v > d.sent || slices.Contains(d.torn, v) {
		return fmt.Errorf("version %d, and %d was there already, %d is the newest; broken off were %v", v, oldest, d.sent, d.torn)
	}
	d.floor = max(d.floor, v)
	return nil
}

// A cut is where a connection breaks.
type cut int

const (
	wholly cut = iota
	inBody
	beforeAnswer
	inAnswer
)

// A soaker is one client at work.
type soaker struct {
	*soak
	name, user string // the name ends in a full stop, so that none begins another
	rand       *rand.Rand
	own        *document
}

func (k *soaker) work() {
	for {
		k.turn()
		select {
		case k.turned <- struct{}{}:
		case <-k.over:
			return
		}
	}
}

// sometimes cuts one request in eight.
func (k *soaker) sometimes(c cut) cut {
	if k.rand.IntN(8) == 0 {
		return c
	}
	return wholly
}

func (k *soaker) turn() {
	shared := k.shared[k.rand.IntN(len(k.shared))]
	others := k.soakers[k.rand.IntN(len(k.soakers))].own
	switch k.rand.IntN(8) {
	case 0:
		k.list([]string{"/dav/Team/desks", "/dav/Team/shared"}[k.rand.IntN(2)], k.sometimes(inAnswer))
	case 1, 2:
		k.read(shared, k.sometimes(inAnswer))
	case 3:
		k.read(others, k.sometimes(inAnswer))
	case 4, 5:
		k.save()
	default:
		k.edit(shared)
	}
}

// An errand is one request and how far it gets.
type errand struct {
	method, path, body string
	headers            []string // names and values in turn
	cut                cut
}

// An outcome is an answer, read whole. The status is 0 when the connection was cut,
// on purpose or by the death of the server.
type outcome struct {
	status int
	header http.Header
	body   string
}

var errCut = errors.New("cut")

// tornBody ends before it is whole.
type tornBody struct{ io.Reader }

func (b tornBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errCut
	}
	return n, err
}

// ask sends one request. When the server has died it waits for the next one, and
// the request is not repeated.
func (k *soaker) ask(a errand) outcome {
	l := k.life.Load()
	ctx, hangUp := context.WithCancel(context.Background())
	defer hangUp()
	if a.cut == beforeAnswer {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { hangUp() }})
	}
	got, err := k.send(ctx, l, a)
	switch {
	case err == nil:
		return got
	case l.dying.Load():
		k.did("died")
		<-l.next
	case a.cut == wholly:
		k.t.Errorf("%s %s by %s: %v", a.method, a.path, k.name, err)
	default:
		k.did([]string{inBody: "cut in the body", beforeAnswer: "cut before the answer", inAnswer: "cut in the answer"}[a.cut])
	}
	return outcome{}
}

// torn gives each request a connection of its own.
var torn = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func (k *soaker) send(ctx context.Context, l *life, a errand) (outcome, error) {
	var body io.Reader = strings.NewReader(a.body)
	if a.cut == inBody {
		body = tornBody{strings.NewReader(a.body[:len(a.body)/2])}
	}
	req, err := http.NewRequestWithContext(ctx, a.method, l.url+a.path, body)
	if err != nil {
		return outcome{}, err
	}
	req.ContentLength = int64(len(a.body))
	req.SetBasicAuth(k.user, everybodysPassword)
	for i := 0; i < len(a.headers); i += 2 {
		req.Header.Set(a.headers[i], strings.ReplaceAll(a.headers[i+1], "SERVER", l.url))
	}
	client := l.client
	if a.cut != wholly {
		client = torn // whoever came next on the same connection would be cut as well
	}
	resp, err := client.Do(req)
	if err != nil {
		return outcome{}, err
	}
	defer resp.Body.Close()
	if a.cut == inAnswer {
		_, err = io.CopyN(io.Discard, resp.Body, 10)
		return outcome{}, errors.Join(errCut, err)
	}
	text, err := io.ReadAll(resp.Body)
	return outcome{resp.StatusCode, resp.Header, string(text)}, err
}

// want asks for an answer that is one of some; ok is false when there was none.
func (k *soaker) want(a errand, statuses ...int) (got outcome, ok bool) {
	got = k.ask(a)
	if got.status != 0 && !slices.Contains(statuses, got.status) {
		k.t.Errorf("%s %s by %s: %d instead of %d\n%.1000s", a.method, a.path, k.name, got.status, statuses, got.body)
	}
	return got, got.status != 0
}

// must repeats a request until there is an answer.
func (k *soaker) must(a errand, statuses ...int) outcome {
	for {
		got, ok := k.want(a, statuses...)
		if ok || k.t.Failed() {
			return got
		}
		a.cut = wholly
	}
}

func (k *soaker) read(d *document, c cut) {
	oldest := d.oldest()
	got, ok := k.want(errand{method: "GET", path: d.path, cut: c}, 200)
	if !ok {
		return
	}
	if err := d.seen(got.body, oldest); err != nil {
		k.t.Errorf("GET %s: %v", d.path, err)
	}
	k.did("read")
}

// list holds a listing to showing every document of the folder, none empty.
func (k *soaker) list(folder string, c cut) {
	got, ok := k.want(errand{method: "PROPFIND", path: folder, headers: []string{"Depth", "1"}, cut: c}, 207)
	if !ok {
		return
	}
	var listing struct {
		Responses []struct {
			Href string `xml:"DAV: href"`
			Size int    `xml:"DAV: propstat>prop>getcontentlength"`
		} `xml:"DAV: response"`
	}
	if err := xml.Unmarshal([]byte(got.body), &listing); err != nil {
		k.t.Errorf("PROPFIND %s: %v\n%.1000s", folder, err, got.body)
	}
	sizes := map[string]int{}
	for _, r := range listing.Responses {
		sizes[r.Href] = r.Size
	}
	for _, d := range k.documents() {
		if strings.HasPrefix(d.path, folder+"/") && !slices.Contains(documentSizes, sizes[d.path]) {
			k.t.Errorf("PROPFIND %s: %s is not there, or has %d bytes", folder, d.path, sizes[d.path])
		}
	}
	k.did("list")
}

// save writes the own document by a temporary file and MOVE. A MOVE that nobody
// answered is sent again: either of the two has moved the file.
func (k *soaker) save() {
	v := k.own.next()
	temp := fmt.Sprintf("%s.%d.tmp", k.own.path, v)
	put := errand{method: "PUT", path: temp, body: k.own.body(v), cut: k.sometimes(inBody)}
	if _, ok := k.want(put, 201); !ok {
		if put.cut == inBody {
			k.must(errand{method: "HEAD", path: temp}, 404) // nothing of it is there
		}
		put.cut = wholly
		k.must(put, 201, 204)
	}
	move := errand{method: "MOVE", path: temp, headers: []string{"Destination", "SERVER" + k.own.path}, cut: k.sometimes(beforeAnswer)}
	if _, ok := k.want(move, 204); !ok {
		move.cut = wholly
		k.must(move, 204, 404)
	}
	k.own.saved(v)
	k.did("save")
}

const soakLock = `<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>%s</owner></lockinfo>`

// edit writes a shared document under a lock. What broke off ends with the lock,
// so that nothing of it can come late.
func (k *soaker) edit(d *document) {
	got, ok := k.want(errand{method: "LOCK", path: d.path, body: fmt.Sprintf(soakLock, k.name), headers: []string{"Timeout", "Second-3600"}}, 200, 423)
	if got.status == 423 {
		k.did("locked")
		return
	}
	held := []string{"If", "(" + got.header.Get("Lock-Token") + ")"}
	defer k.unlock(d)
	if !ok || got.status != 200 {
		return
	}
	oldest, v := d.oldest(), d.next()
	c := k.sometimes(inBody)
	if c == inBody {
		d.tear(v)
	}
	if _, ok := k.want(errand{method: "PUT", path: d.path, body: d.body(v), headers: held, cut: c}, 204); !ok {
		return
	}
	d.saved(max(v, oldest))
	patch := fmt.Sprintf(`<propertyupdate xmlns="DAV:"><set><prop><version xmlns="urn:soak">%d</version></prop></set></propertyupdate>`, v)
	if got, ok := k.want(errand{method: "PROPPATCH", path: d.path, body: patch, headers: held}, 207); ok && !strings.Contains(got.body, "200 OK") {
		k.t.Errorf("PROPPATCH %s: %s", d.path, got.body)
	}
	k.did("edit")
}

var heldLock = regexp.MustCompile(`<D:activelock>.*?</D:activelock>`)

var lockToken = regexp.MustCompile(`<D:locktoken><D:href>([^<]+)</D:href>`)

// unlock gives back the client's own lock, which may have been taken by a request
// that nobody answered: what the document says counts.
func (k *soaker) unlock(d *document) {
	discover := errand{method: "PROPFIND", path: d.path, body: `<propfind xmlns="DAV:"><prop><lockdiscovery/></prop></propfind>`, headers: []string{"Depth", "0"}}
	for _, l := range heldLock.FindAllString(k.must(discover, 207).body, -1) {
		if !strings.Contains(l, k.name) {
			continue
		}
		if token := lockToken.FindStringSubmatch(l); token == nil {
			k.t.Errorf("%s: its own lock is not told to %s: %s", d.path, k.name, l)
		} else {
			k.must(errand{method: "UNLOCK", path: d.path, headers: []string{"Lock-Token", "<" + token[1] + ">"}}, 204, 409)
		}
	}
}
