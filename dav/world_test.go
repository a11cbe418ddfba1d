package dav_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// A world is a small organisation under fire: whatever is sent to it, each answer
// is held to what must always be true. Its clock stands still, so that nothing
// changes by itself.
type world struct {
	*davtest.Server
	clock *clock
	link  string // to ~mia/dir, for editors

	before string // the picture after the last request
}

// unseen is part of the names that nobody in the fire may see, and secret stands
// in the contents.
const (
	unseen = "unseen-4f1c"
	secret = "secret content"
)

// newWorld makes the people mia and max, who act, and nils, who keeps what they
// may not see.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{clock: newClock()}
	w.Server = davtest.StartWith(t, store.Options{Clock: w.clock.Now}, "mia", "max", "nils")
	w.Space("Team", "user:mia=contributor", "user:max=editor", "user:nils=manager")
	w.Space("Vault", "user:nils=manager")
	w.Quota("/Team", 20_000)
	mia, max, nils := w.As("mia"), w.As("max"), w.As("nils")
	for _, f := range []struct {
		who  *davtest.Client
		path string
	}{
		{mia, "/dav/home/a.txt"}, {mia, "/dav/home/dir/"}, {mia, "/dav/home/dir/b.txt"}, {mia, "/dav/home/dir/sub/"},
		{max, "/dav/home/given/"}, {max, "/dav/home/given/c.txt"}, {max, "/dav/home/" + unseen + ".txt"},
		{max, "/dav/Team/a.txt"}, {max, "/dav/Team/dir/"}, {max, "/dav/Team/dir/d.txt"},
		{nils, "/dav/Vault/" + unseen + ".txt"}, {nils, "/dav/Team/dir/" + unseen + "/"}, {nils, "/dav/Team/dir/" + unseen + "/e.txt"},
	} {
		if dir := strings.TrimSuffix(f.path, "/"); dir != f.path {
			f.who.Do("MKCOL", dir, "").Want(t, 201)
			continue
		}
		content := "content"
		if strings.Contains(f.path, unseen) {
			content = secret
		}
		f.who.Do("PUT", f.path, content).Want(t, 201)
	}
	for _, who := range []string{"user:mia", "user:max"} {
		w.Entry("/Team/dir/"+unseen, who, policy.Entry{Deny: policy.All})
	}
	// What max keeps for himself is not told to mia by what he shares with her.
	w.Share("max", "~max/given", "user:mia", "level:editor")
	w.link, _ = w.Link("mia", "~mia/dir", davtest.NewLink{Rights: "level:editor"})
	w.before = w.picture(t)
	return w
}

// picture tells everything that a change would change: the tree as its keeper sees
// it, with sizes, properties, locks, sums and how far the change log went, and
// which policy it is.
func (w *world) picture(t testing.TB) string {
	t.Helper()
	p := w.Store.Policy()
	var b strings.Builder
	fmt.Fprintf(&b, "policy %d\n", p.Epoch)
	for _, name := range []string{"mia", "max", "nils"} {
		s := w.Store.Login(store.Credential{User: p.UserNamed(name).ID, Mask: policy.All, Class: policy.DAV})
		spaces, err := s.Spaces(everything)
		if err != nil {
			t.Error(err)
		}
		for i := range spaces {
			top := store.Path{spaces[i].Name}
			fmt.Fprintf(&b, "%s %s %s\n", name, top, told(&spaces[i]))
			below(t, s, top, &b)
		}
	}
	return b.String()
}

var everything = store.Want{Quota: true, Locks: true, Props: true, Sync: true}

func below(t testing.TB, s *store.Session, dir store.Path, b *strings.Builder) {
	for after, more := "", true; more; {
		var page []store.Info
		var err error
		if page, more, err = s.List(dir, after, 100, everything); err != nil {
			if !errors.Is(err, store.ErrNotFound) { // the way to something is no list
				t.Errorf("list %s: %v", dir, err)
			}
			return
		}
		for i := range page {
			after = page[i].Name
			child := append(slices.Clip(dir), after)
			fmt.Fprintf(b, "%s %s\n", child, told(&page[i]))
			if page[i].Dir {
				below(t, s, child, b)
			}
		}
	}
}

// told is all of an Info but the room on the disk, which others use up.
func told(info *store.Info) string {
	still := *info
	still.Quota.Available = 0
	return fmt.Sprintf("%+v", still)
}

// A shot is one request as bytes.
type shot struct {
	who                         string // "" for nobody
	method, path, headers, body string // headers are lines
}

// request is what net/http makes of the shot, nil when it would not let it pass.
func (s shot) request() *http.Request {
	var b strings.Builder
	b.WriteString(s.method + " " + s.path + " HTTP/1.1\r\nHost: host\r\n")
	if s.who != "" {
		b.WriteString("Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(s.who+":"+davtest.Password)) + "\r\n")
	}
	if h := strings.ToLower(s.headers); !strings.Contains(h, "content-length") && !strings.Contains(h, "transfer-encoding") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(s.body))
	}
	for line := range strings.SplitSeq(s.headers, "\n") {
		if line != "" {
			b.WriteString(line + "\r\n")
		}
	}
	b.WriteString("\r\n" + s.body)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(b.String())))
	if err != nil {
		return nil
	}
	r.RemoteAddr = "127.0.0.1:1"
	return r
}

// fire sends a shot and holds the answer and what it left to the rules; nil when
// no server would have seen it.
func (w *world) fire(t testing.TB, s shot) *httptest.ResponseRecorder {
	t.Helper()
	r := s.request()
	if r == nil {
		return nil
	}
	rec := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				t.Errorf("%+v\npanic: %v", s, v)
			}
		}()
		w.Handler.ServeHTTP(rec, r)
	}()
	for _, wrong := range w.judge(t, s, rec) {
		t.Errorf("%+v\n%s\nanswer: %d %v\n%.3000s", s, wrong, rec.Code, rec.Header(), rec.Body)
	}
	return rec
}

// changing are the methods that may leave anything behind.
var changing = []string{"PUT", "PROPPATCH", "MKCOL", "DELETE", "COPY", "MOVE", "LOCK", "UNLOCK", "ACL"}

// judge names the rules that an answer breaks.
func (w *world) judge(t testing.TB, s shot, rec *httptest.ResponseRecorder) (wrong []string) {
	t.Helper()
	if rec.Code == http.StatusInternalServerError || rec.Code < 200 {
		wrong = append(wrong, "the server failed by itself")
	}
	said := fmt.Sprint(rec.Header()) + rec.Body.String()
	if strings.Contains(said, secret) {
		wrong = append(wrong, "what is hidden was read")
	}
	// max keeps one of the names for himself, and who asks by name knows it.
	if s.who != "max" && !strings.Contains(s.path+s.headers+s.body, "unseen") && strings.Contains(said, unseen) {
		wrong = append(wrong, "what is hidden was named")
	}
	if err := wellFormed(rec); err != nil {
		wrong = append(wrong, err.Error())
	}
	if n := w.Store.Reserved(); n != 0 {
		wrong = append(wrong, fmt.Sprintf("%d bytes are still reserved", n))
	}
	after := w.picture(t)
	if after != w.before && !(succeeded(rec) && slices.Contains(changing, s.method)) {
		wrong = append(wrong, "something changed:\n"+difference(w.before, after))
	}
	w.before = after
	return wrong
}

// succeeded tells whether the answer says that all was done. A PROPPATCH is done
// whole or not at all.
func succeeded(rec *httptest.ResponseRecorder) bool {
	return rec.Code < 300 && (rec.Code != 207 || strings.Contains(rec.Body.String(), "200 OK"))
}

// wellFormed reads an answer of XML to its end, and what it names.
func wellFormed(rec *httptest.ResponseRecorder) error {
	if !strings.Contains(rec.Header().Get("Content-Type"), "xml") || rec.Header().Get("Etag") != "" {
		return nil // no answer of ours, or a file's own content
	}
	d := xml.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
	href := false
	for {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("no XML: %w", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			href = token.Name == xml.Name{Space: "DAV:", Local: "href"}
		case xml.EndElement:
			href = false
		case xml.CharData:
			if _, err := url.Parse(string(token)); href && err != nil {
				return fmt.Errorf("no href: %w", err)
			}
		}
	}
}

// difference are the lines that only one of two pictures has.
func difference(before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	var b strings.Builder
	for _, line := range old {
		if !slices.Contains(now, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range now {
		if !slices.Contains(old, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}
