package dav

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"davit/dav/webpush"
	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// Clients are told by push services that something has changed in a collection, where
// they register for that: draft-bitfire-webdav-push-00. What changed they find out by
// sync-collection.

// pushesName is the name in the mount below which registrations stand.
const pushesName = ".push"

// pushMethods are those of a registration.
var pushMethods = []string{"OPTIONS", "DELETE"}

// pushClass is told where anything is pushed.
const pushClass = ", webdav-push"

// dontNotify names registrations that are not told of what a request does.
const dontNotify = "Push-Dont-Notify"

var (
	pushTransports = wire.NewElement(wire.PushName("transports"))
	pushTopic      = wire.NewElement(wire.PushName("topic"))
	pushTriggers   = wire.NewElement(wire.PushName("supported-triggers"))
)

// supportedTriggers: what a sync tells of, and the properties of the collection itself.
const supportedTriggers = `<P:content-update xmlns:P="` + wire.Push + `"><D:sync-level>infinite</D:sync-level></P:content-update>` +
	`<P:property-update xmlns:P="` + wire.Push + `"><D:depth>0</D:depth></P:property-update>`

// pushProps are the properties of collections of which something is pushed to the asker.
func pushProps() []liveProp {
	pushed := func(m *member) bool { return m.Topic != "" && syncable(m) }
	want := store.Want{Push: true}
	return []liveProp{
		{name: wire.PushName("transports"), want: want, has: pushed, write: func(f *finding, _ *member) {
			key := base64.RawURLEncoding.EncodeToString(f.s.PushKey())
			f.m.Raw(pushTransports, `<P:web-push xmlns:P="`+wire.Push+`"><P:vapid-public-key type="p256ecdsa">`+key+`</P:vapid-public-key></P:web-push>`)
		}},
		{name: wire.PushName("topic"), want: want, has: pushed, write: func(f *finding, m *member) { f.m.Text(pushTopic, m.Topic) }},
		{name: wire.PushName("supported-triggers"), want: want, has: pushed, write: func(f *finding, _ *member) { f.m.Raw(pushTriggers, supportedTriggers) }},
	}
}

// post answers POST on a collection, to which nothing but a registration is posted.
func post(rq *request) error {
	if err := rq.item(); err != nil {
		return err
	}
	if !rq.bringsXML() {
		return errMethodNotAllowed
	}
	body, err := rq.body()
	if err != nil {
		return err
	}
	root, err := wire.ParseTree(body)
	if err != nil {
		return err
	}
	if !IsRegistration(root) {
		return errMethodNotAllowed
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	return rq.Register(root, t)
}

func (rq *request) bringsXML() bool {
	kind, _, _ := strings.Cut(rq.r.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/xml" || kind == "text/xml"
}

// BringsXML tells whether the request says that its body is XML.
func (rq *Request) BringsXML() bool { return rq.bringsXML() }

// IsRegistration tells whether what is posted registers for pushes.
func IsRegistration(root *wire.Node) bool { return root.Name == wire.PushName("push-register") }

// Register answers the POST of a registration on a collection in the store.
func (rq *Request) Register(root *wire.Node, t store.Terms) error {
	asked, err := wire.ParsePush(root)
	if err != nil {
		return pushViolation(err)
	}
	if err := webpush.CheckKeys(asked.PublicKey, asked.Auth); err != nil {
		return pushViolation(fmt.Errorf("%w: %w", wire.ErrSubscription, err))
	}
	r, err := rq.session.RegisterPush(rq.r.Context(), rq.path, store.NewPush{Resource: asked.Resource, PublicKey: asked.PublicKey, Auth: asked.Auth,
		Content: asked.Content, Deep: asked.Deep, Props: asked.Props, Until: asked.Expires}, t)
	if err != nil {
		return pushViolation(err)
	}
	h := rq.w.Header()
	h.Set("Location", rq.absolute(Prefix+"/"+pushesName+"/"+strconv.FormatUint(r.Number, 10)))
	h.Set("Expires", r.Until.Format(http.TimeFormat))
	status := http.StatusNoContent
	if r.Made {
		status = http.StatusCreated
	}
	rq.w.WriteHeader(status)
	return nil
}

// pushViolation is the precondition that an error stands for, or the error.
func pushViolation(err error) error {
	for _, row := range []struct {
		err  error
		name string
	}{
		{wire.ErrTriggers, "no-supported-trigger"}, {wire.ErrSubscription, "invalid-subscription"},
		{store.ErrPushHost, "invalid-subscription"}, {policy.ErrInvalid, "invalid-subscription"}, {store.ErrNoPush, "push-not-available"},
	} {
		if errors.Is(err, row.err) {
			return &Violation{Status: http.StatusForbidden, Why: wire.Precondition{Name: wire.PushName(row.name)}, Reason: err.Error()}
		}
	}
	return err
}

// PushMessage is what a client is told of a collection. The token is left out when it
// is empty.
func PushMessage(topic string, content, props bool, token string) []byte {
	return wire.AppendPushMessage(nil, topic, content, props, token)
}

// registration answers for one.
func (rq *request) registration() error {
	if rq.r.Method != "DELETE" {
		return errMethodNotAllowed
	}
	number, is := registrationNumber(rq.url)
	if !is {
		return store.ErrNotFound
	}
	if err := rq.session.UnregisterPush(rq.r.Context(), number); err != nil {
		return err
	}
	rq.w.WriteHeader(http.StatusNoContent)
	return nil
}

// registrationNumber reads the path of one below the mount.
func registrationNumber(p wire.Path) (number uint64, is bool) {
	if len(p) != 2 || p[0] != pushesName {
		return 0, false
	}
	number, err := strconv.ParseUint(p[1], 10, 64)
	return number, err == nil && strconv.FormatUint(number, 10) == p[1]
}

// quietly is the session of a request, whose changes the registrations that it names
// are not told of.
func quietly(r *http.Request, s *store.Session) *store.Session {
	fields := r.Header[dontNotify]
	if len(fields) == 0 {
		return s
	}
	urls, all := wire.ParsePushDontNotify(fields)
	if all {
		return s.Quietly(s.QuietToAll())
	}
	var numbers []uint64
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil {
			continue
		}
		p, _, err := wire.ParsePath(u.EscapedPath())
		if err != nil || len(p) == 0 || "/"+p[0] != Prefix {
			continue
		}
		if number, is := registrationNumber(p[1:]); is {
			numbers = append(numbers, number)
		}
	}
	return s.Quietly(s.QuietExcept(numbers))
}
