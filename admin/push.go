package admin

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"davit/store"
)

// Operations on the registrations of clients that are told of changes. Who watches what
// is nobody's business but of who runs the server.
var (
	ListPushes = define("push.list", operators[None], (*Admin).ListPushes)
	DropPush   = define("push.drop", operators[PushNumber], (*Admin).DropPush)
)

// A Push is the registration of a client that is told of changes in a collection.
type Push struct {
	Number  uint64    `json:"number"`
	User    string    `json:"user"`
	Device  string    `json:"device,omitempty"` // the app password, empty for the main one
	Path    string    `json:"path,omitempty"`
	Service string    `json:"service"` // the host; the rest of its URL is the client's secret
	Created time.Time `json:"created"`
	Until   time.Time `json:"until"`
	Fault   string    `json:"fault,omitempty"` // of the last message
}

// A PushNumber names a registration.
type PushNumber struct {
	Number uint64 `json:"number"`
}

// ListPushes tells which clients are told of changes.
func (a *Admin) ListPushes(context.Context, None) ([]Push, error) {
	kept, err := a.op.Pushes()
	state, list := a.st.Policy(), []Push{}
	for i := range kept {
		k := &kept[i]
		p := Push{Number: k.Number, User: strings.TrimPrefix(state.PrincipalName(k.User), "user:"), Device: k.Device, Service: k.Host,
			Created: k.Created, Until: k.Until, Fault: k.Fault}
		if k.Path != nil {
			p.Path = k.Path.String()
		}
		list = append(list, p)
	}
	return list, err
}

// DropPush ends a registration. Its client may register again.
func (a *Admin) DropPush(ctx context.Context, n PushNumber) (None, error) {
	kept, err := a.op.Pushes()
	if err != nil {
		return None{}, err
	}
	err = store.ErrNotFound
	for i := range kept {
		if kept[i].Number == n.Number {
			err = a.op.DropPush(ctx, kept[i].PushID)
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return None{}, notFound("davit push list", "no registration %s", strconv.FormatUint(n.Number, 10))
	}
	return None{}, err
}
