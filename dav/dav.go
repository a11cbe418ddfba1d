// Package dav answers WebDAV: RFC 4918 classes 1, 2 and 3, with quota and access
// control, for the files that the store keeps and for principals. It parses, judges what a
// request alone can tell, hands the rest to one operation of a store.Session and
// turns its result into an answer. It decides nothing and touches no database.
//
//	h := dav.New(dav.Config{Log: log})
//	h.Serve(w, r, session)
package dav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"davit/dav/wire"
	"davit/store"
)

// Prefix is where files are mounted.
const Prefix = "/dav"

// Config of a Handler.
type Config struct {
	Log      *slog.Logger
	MacFiles MacFiles
	Realms   []Realm
	Uploads  Uploads
	// Scheme of the URLs that clients use, where that is not the one of the
	// connection: "https" behind a proxy that speaks TLS to them.
	Scheme string
}

// A Handler answers WebDAV for everybody; each request brings its session.
type Handler struct {
	log       *slog.Logger
	macFiles  MacFiles
	scheme    string
	propfinds wire.Propfinds
	senders   senders
	realms    []Realm
	// props, reports and classes are all there are, the realms' too.
	props   []liveProp
	byName  map[xml.Name]*liveProp
	reports []reportKind
	classes string
	// pushClasses are classes where something is pushed.
	pushClasses string
	uploads     *uploads
}

// New makes a Handler.
func New(c Config) *Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{log: c.Log, macFiles: c.MacFiles, scheme: c.Scheme, senders: newSenders(), realms: c.Realms, uploads: newUploads(c.Uploads, c.Log)}
	h.extend()
	return h
}

// method answers one request, or gives the error to answer with.
type method func(*request) error

var methods map[string]method

func init() {
	methods = map[string]method{
		"OPTIONS": options, "GET": get, "HEAD": get, "PUT": put, "PROPFIND": propfind, "PROPPATCH": proppatch,
		"MKCOL": mkcol, "DELETE": remove, "COPY": copyTo, "MOVE": move, "LOCK": lock, "UNLOCK": unlock,
		"ACL": acl, "REPORT": report, "SEARCH": search, "PATCH": patch, "POST": post,
	}
}

// Serve answers one request of a signed-in client.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, s *store.Session) {
	defer h.rescue(w, r)
	w.Header()["Dav"] = []string{h.classes}
	w.Header()["Ms-Author-Via"] = authorVia // Office opens read-only without it
	if s.MayPush() {
		w.Header()["Dav"] = []string{h.pushClasses}
	}
	rq := &request{h: h, w: w, r: r, session: quietly(r, s), mount: mount{prefix: Prefix}}
	err := rq.locate()
	if err == nil {
		err = rq.refuseMacFile()
	}
	if err == nil {
		m, known := methods[r.Method]
		if realm := rq.mount.realm; realm != nil && realm.Methods[r.Method] != nil {
			m, known = realm.Methods[r.Method], true
		}
		switch {
		case !known:
			err = errUnknownMethod
		case rq.kind == kindFeed:
			err = rq.feed()
		case rq.kind == kindUpload && rq.r.Method != "OPTIONS":
			err = rq.upload()
		case rq.kind == kindPush && rq.r.Method != "OPTIONS":
			err = rq.registration()
		case rq.isBeyond() && !slices.Contains(rq.methodsBeyond(), r.Method):
			err = errMethodNotAllowed // the same for what is not there
		default:
			err = m(rq)
		}
	}
	if err != nil {
		rq.answer(err)
	}
}

var (
	classes   = []string{"1, 2, 3, access-control, extended-mkcol"} // RFC 4918, section 10.1; RFC 3744, section 7.2; RFC 5689, section 3.1
	authorVia = []string{"DAV"}
)

// rescue answers for a broken invariant of our own.
func (h *Handler) rescue(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	h.log.Error("panic", "method", r.Method, "path", loggedPath(r), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	http.Error(w, "internal error", http.StatusInternalServerError)
}

// kind is what a URL names: the collections that only lead to others, or
// something in a space.
type kind int

const (
	kindRoot      kind = iota // "/"
	kindMount                 // "/dav/", or the top of a link to a file
	kindShared                // "/dav/shared/"
	kindPrincipal             // "/principals/" and what stands there
	kindRealm                 // a realm's own collections
	kindUpload                // an upload over several requests
	kindPush                  // a registration for pushes
	kindItem                  // what the store keeps
	kindFeed                  // a link to something in a realm
)

// A request is one request with what its URL names.
type request struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	session *store.Session
	kind    kind
	mount   mount
	url     wire.Path  // below the mount, or of a principal below its own
	slash   bool       // the URL ends in one
	path    store.Path // of an item
}

// locate reads the URL.
func (rq *request) locate() error {
	escaped := rq.r.URL.EscapedPath()
	if escaped == "*" && rq.r.Method == "OPTIONS" { // RFC 9110, section 9.3.7
		return nil
	}
	p, slash, err := wire.ParsePath(escaped)
	switch {
	case err != nil && inLink(escaped):
		return store.ErrNotFound // where nothing has such a name
	case err != nil:
		return err
	case len(p) == 0:
		rq.kind = kindRoot
		if rq.session.IsLink() {
			return rq.mountLink(Prefix)
		}
	case "/"+p[0] == principalPrefix:
		rq.kind, rq.url, rq.slash = kindPrincipal, p[1:], slash
	default:
		if rq.url, err = rq.findMount(p); err != nil {
			return err
		}
		rq.slash = slash
		if rq.kind != kindFeed {
			rq.kind, rq.path = rq.place(rq.url)
		}
	}
	if rq.kind == kindItem && rq.path == nil {
		return store.ErrNotFound
	}
	return nil
}

// destination reads the Destination header of COPY and MOVE.
func (rq *request) destination() (store.Path, error) {
	k, path, err := rq.below(rq.r.Header.Get("Destination"))
	if err == nil && (k != kindItem || path == nil) {
		err = store.ErrReserved
	}
	return path, err
}

// item refuses methods that need something in the store.
func (rq *request) item() error {
	if rq.kind != kindItem {
		return errMethodNotAllowed
	}
	return nil
}

// body reads a whole body of XML. One that announces too much is not read, and a
// client that goes on past the limit is hung up on.
func (rq *request) body() ([]byte, error) {
	if rq.r.ContentLength > wire.BodySizeMax {
		return nil, wire.ErrTooLarge
	}
	body, err := wire.ReadBody(http.MaxBytesReader(rq.w, rq.r.Body, wire.BodySizeMax), wire.BodySizeMax)
	if err != nil && !errors.Is(err, wire.ErrTooLarge) {
		err = errors.Join(errBroken, err)
	}
	return body, err
}

// terms are the request's conditions, for the transaction that acts.
func (rq *request) terms() (store.Terms, error) {
	cond, err := wire.ParseConditions(rq.r.Header)
	if err != nil {
		return store.Terms{}, err
	}
	if rq.r.Method == "GET" || rq.r.Method == "HEAD" {
		cond = wire.Conditions{} // http.ServeContent judges these, with ranges
	}
	head, err := wire.ParseIf(rq.r.Header["If"])
	if err != nil {
		return store.Terms{}, err
	}
	return store.Terms{
		Submits: func(l store.Lock) bool {
			return slices.Contains(head.TokensFor(func(res string) bool { return rq.covers(l, res) }), l.Token)
		},
		If: func(target *store.Entry, look store.Look) error { return rq.holds(head, target, look) },
		Match: func(target *store.Entry) error {
			if err := scheduleMatches(rq.r.Header, target); err != nil {
				return err
			}
			return matches(cond, false, target)
		},
		Silent: strings.EqualFold(rq.r.Header.Get("Schedule-Reply"), "F"), // RFC 6638, section 8.1
		Merges: rq.r.Header.Get(ifScheduleTag) != "",
		Synced: slices.DeleteFunc(head.Tokens(), func(token string) bool { return !strings.HasPrefix(token, store.SyncPrefix) }),
	}, nil
}

// covers tells whether a resource tag names something that the lock covers: a
// token sent for another resource opens nothing here.
func (rq *request) covers(l store.Lock, resource string) bool {
	k, path, err := rq.below(resource)
	return err == nil && k == kindItem && wire.Path(path).Within(wire.Path(l.Root))
}

func (rq *request) holds(head wire.If, target *store.Entry, look store.Look) error {
	if !head.Eval("", func(res string) wire.State { return rq.state(res, target, look) }) {
		return store.ErrStale // RFC 4918, section 10.4.1
	}
	return nil
}

func matches(cond wire.Conditions, safe bool, target *store.Entry) error {
	exists, etag := target != nil, ""
	var modified time.Time
	if exists {
		etag, modified = target.ETag(), target.Modified
	}
	switch cond.Check(safe, exists, etag, modified) {
	case wire.NotModified:
		return store.ErrUnchanged
	case wire.Failed:
		return store.ErrStale
	}
	return nil
}

// state is what an If header may know of a resource; "" is the request's own.
func (rq *request) state(resource string, target *store.Entry, look store.Look) wire.State {
	path := rq.path
	if resource != "" {
		var k kind
		var err error
		if k, path, err = rq.below(resource); err != nil || k != kindItem || path == nil {
			return wire.State{}
		}
	}
	e, tokens := look(path)
	if resource == "" {
		e = target
	}
	if e == nil {
		return wire.State{Tokens: tokens}
	}
	return wire.State{ETag: e.ETag(), Tokens: tokens}
}
