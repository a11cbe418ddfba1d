package wire

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Push is the namespace of draft-bitfire-webdav-push-00.
const Push = "https://bitfire.at/webdav-push"

// PushName is a name of it.
func PushName(local string) xml.Name { return xml.Name{Space: Push, Local: local} }

// A PushRegister is what a client asks for to be told of changes.
type PushRegister struct {
	Resource  string // the URL of its push service
	PublicKey []byte // for whom messages are encrypted; as it was sent
	Auth      []byte
	Content   bool // told when members change
	Deep      bool // also of members of members
	Props     bool // told when the collection's own properties change
	Expires   time.Time
}

// Errors of a push-register.
var (
	ErrSubscription = errors.New("no subscription that can be pushed to")
	ErrTriggers     = errors.New("nothing that is pushed is asked for")
)

// pushSecretMax bounds what is decoded, in characters.
const pushSecretMax = 200

// ParsePush reads a push-register. What is asked for and not offered is left out, or
// taken as the least that is; ErrSubscription and ErrTriggers refuse what is left with
// nothing.
func ParsePush(root *Node) (p PushRegister, err error) {
	sub := root.Kid(PushName("subscription"))
	if sub != nil {
		sub = sub.Kid(PushName("web-push-subscription"))
	}
	if sub == nil {
		return p, fmt.Errorf("%w: web-push-subscription is missing", ErrSubscription)
	}
	if err := p.subscription(sub); err != nil {
		return p, err
	}
	if e := root.Kid(PushName("expires")); e != nil {
		if p.Expires, err = http.ParseTime(strings.TrimSpace(e.Text)); err != nil {
			return p, fmt.Errorf("%w: expires is a date as in HTTP", ErrSubscription)
		}
	}
	trigger := root.Kid(PushName("trigger"))
	if trigger == nil {
		return p, ErrTriggers
	}
	if content := trigger.Kid(PushName("content-update")); content != nil {
		level := content.Kid(xml.Name{Space: DAV, Local: "sync-level"})
		p.Content, p.Deep = true, level != nil && strings.HasPrefix(strings.TrimSpace(level.Text), "infinit")
	}
	p.Props = trigger.Kid(PushName("property-update")) != nil
	if !p.Content && !p.Props {
		return p, ErrTriggers
	}
	return p, nil
}

func (p *PushRegister) subscription(sub *Node) error {
	text := func(name string) string {
		if kid := sub.Kid(PushName(name)); kid != nil {
			return strings.TrimSpace(kid.Text)
		}
		return ""
	}
	p.Resource = text("push-resource")
	if u, err := url.Parse(p.Resource); err != nil || u.Host == "" || u.Fragment != "" {
		return fmt.Errorf("%w: push-resource is a whole URL", ErrSubscription)
	}
	if encoding := text("content-encoding"); encoding != "" && encoding != "aes128gcm" {
		return fmt.Errorf("%w: messages are encoded as aes128gcm", ErrSubscription)
	}
	key := sub.Kid(PushName("subscription-public-key"))
	if key == nil || key.Attr("type") != "p256dh" {
		return fmt.Errorf("%w: subscription-public-key has the type p256dh", ErrSubscription)
	}
	for name, into := range map[string]*[]byte{"subscription-public-key": &p.PublicKey, "auth-secret": &p.Auth} {
		word := strings.TrimRight(text(name), "=")
		var err error
		if *into, err = base64.RawURLEncoding.DecodeString(word); err != nil || len(word) > pushSecretMax {
			return fmt.Errorf("%w: %s is base64url", ErrSubscription, name)
		}
	}
	return nil
}

// pushQuietMax is how many registrations one request names.
const pushQuietMax = 100

// ParsePushDontNotify reads the URLs of the registrations that are not to be told of
// what a request does; all stands for every one of the client's. What is no list of
// quoted URLs names none.
func ParsePushDontNotify(fields []string) (urls []string, all bool) {
	for word := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		word = strings.TrimSpace(word)
		if word == "*" {
			return nil, true
		}
		inner, quoted := strings.CutPrefix(word, `"`)
		if inner, closed := strings.CutSuffix(inner, `"`); quoted && closed && len(urls) < pushQuietMax {
			urls = append(urls, inner)
		}
	}
	return urls, false
}

// AppendPushMessage appends what a client is told: the topic of a collection, and
// whether members or properties have changed. The token is left out when it is empty.
func AppendPushMessage(dst []byte, topic string, content, props bool, token string) []byte {
	dst = append(dst, prolog+`<P:push-message xmlns:P="`+Push+`" xmlns:D="DAV:"><P:topic>`...)
	dst = append(AppendText(dst, topic), "</P:topic>"...)
	if content {
		dst = append(dst, "<P:content-update>"...)
		if token != "" {
			dst = append(AppendText(append(dst, "<D:sync-token>"...), token), "</D:sync-token>"...)
		}
		dst = append(dst, "</P:content-update>"...)
	}
	if props {
		dst = append(dst, "<P:property-update/>"...)
	}
	return append(dst, "</P:push-message>\n"...)
}
