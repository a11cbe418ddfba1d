package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"davit/dav"
	"davit/dav/outward"
	"davit/dav/webpush"
	"davit/policy"
	"davit/store"
)

// Limits of what is pushed.
const (
	// pushDelay is how long a change waits for others of the same kind.
	pushDelay = 2 * time.Second
	// pushEvery is how long a registration is left alone after a message.
	pushEvery = 20 * time.Second
	// A message that a service does not take is tried again after a minute, two, four
	// and so on up to an hour, or when the service says, until pushGiveUp.
	pushGiveUp = 24 * time.Hour
	// pushLife is how long a service keeps a message for who does not fetch it.
	pushLife = 24 * time.Hour
	// pushesAtOnce is how many messages are on their way at a time.
	pushesAtOnce = 8
	// pushTokenMax is the longest sync token that a message has, in bytes.
	pushTokenMax = 1500
)

// A pusher tells the clients that registered for it, through push services, that
// something has changed. What it has still to tell it knows in memory alone: a client
// does not rely on it, and a restart sends nothing twice.
type pusher struct {
	op       *store.Operator
	settings func() policy.Settings
	now      func() time.Time
	log      *slog.Logger
	roots    *x509.CertPool // of the services' certificates; those of the system if nil
	timeout  time.Duration  // of webpush.Sender

	wait map[store.PushID]*pushing
}

// A pushing is what a registration has still to be told, or was told just now.
type pushing struct {
	what     store.Stirred
	at       time.Time // when it is told, or is of no more interest
	since    time.Time // the first try of what waits
	failures int
}

// waits tells whether there is something to tell.
func (p *pushing) waits() bool { return p.what.Content || p.what.Props }

func newPusher(st *store.Store, log *slog.Logger) *pusher {
	return &pusher{op: st.Operator(), settings: func() policy.Settings { return st.Policy().Settings() }, now: st.Now, log: log,
		wait: map[store.PushID]*pushing{}}
}

// run pushes until ctx ends.
func (p *pusher) run(ctx context.Context) {
	for ctx.Err() == nil {
		rest := p.step(ctx)
		timer := time.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-p.op.PushComes():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// step takes in what has happened, tells what is due, and says how long to rest unless
// more happens.
func (p *pusher) step(ctx context.Context) (rest time.Duration) {
	if err := p.gather(); err != nil {
		p.log.Error("reading who is told of changes failed", "error", err)
		return idleMax
	}
	due := p.due()
	if len(due) > 0 {
		p.sendAll(ctx, due)
	}
	return p.rest()
}

// gather takes in what has happened since the last time.
func (p *pusher) gather() error {
	stirred, err := p.op.StirredPushes()
	now := p.now()
	for _, s := range stirred {
		one := p.wait[s.PushID]
		if one == nil {
			one = &pushing{what: store.Stirred{PushID: s.PushID}}
			p.wait[s.PushID] = one
		}
		if !one.waits() {
			one.since, one.at = now, later(one.at, now.Add(pushDelay))
		}
		one.what.Content, one.what.Props = one.what.Content || s.Content, one.what.Props || s.Props
	}
	return err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// due are those whose time has come. Who was left alone for long enough is forgotten.
func (p *pusher) due() (due []*pushing) {
	now := p.now()
	for id, one := range p.wait {
		switch {
		case one.at.After(now):
		case one.waits():
			due = append(due, one)
		default:
			delete(p.wait, id)
		}
	}
	slices.SortFunc(due, func(a, b *pushing) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.what.Number, b.what.Number))
	})
	return due
}

// rest is how long nothing is due.
func (p *pusher) rest() time.Duration {
	rest := idleMax
	for _, one := range p.wait {
		rest = min(rest, one.at.Sub(p.now()))
	}
	return max(rest, 0)
}

// sendAll tells all that are due, some at a time.
func (p *pusher) sendAll(ctx context.Context, due []*pushing) {
	key, err := p.op.PushKey()
	if err != nil {
		p.log.Error("the key for push services is missing", "error", err)
		return
	}
	var tasks sync.WaitGroup
	places := make(chan struct{}, pushesAtOnce)
	for _, one := range due {
		places <- struct{}{}
		tasks.Go(func() {
			defer func() { <-places }()
			if err := p.one(ctx, key, one); err != nil && ctx.Err() == nil {
				p.log.Error("keeping what became of a push failed", "number", one.what.Number, "error", err)
			}
		})
	}
	tasks.Wait()
}

// one tells one registration what it may know, and keeps what became of it.
func (p *pusher) one(ctx context.Context, key *ecdsa.PrivateKey, one *pushing) error {
	push, err := p.op.Push(ctx, one.what)
	switch {
	case errors.Is(err, store.ErrNotFound):
		p.finish(one, 0)
		return nil
	case err != nil:
		p.finish(one, pushEvery)
		return err
	case !push.Content && !push.Props:
		p.finish(one, 0) // nothing that its receiver may know of
		return nil
	}
	err = p.send(ctx, key, &push)
	var fault *webpush.Fault
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		p.finish(one, pushEvery)
		return p.op.PushSent(ctx, push)
	case !errors.As(err, &fault):
		p.finish(one, pushEvery)
		return err
	case fault.Gone():
		p.finish(one, 0)
		p.log.Info("a push service knows a registration no more", "number", push.Number)
		return p.dropped(p.op.DropPush(ctx, push.PushID))
	case fault.Refused() || p.now().Sub(one.since) >= pushGiveUp:
		p.finish(one, pushEvery)
	default:
		p.again(one, fault.After)
	}
	p.log.Warn("a push service does not take a message", "number", push.Number, "error", fault)
	if push.Fault == fault.Text {
		return nil
	}
	return p.op.PushFailed(ctx, push.PushID, fault.Text)
}

// dropped: what is no more needs no dropping.
func (p *pusher) dropped(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// finish is done with what waited, and leaves the registration alone for a while.
func (p *pusher) finish(one *pushing, alone time.Duration) {
	one.what.Content, one.what.Props, one.failures, one.at = false, false, 0, p.now().Add(alone)
}

// again has it tried later, no sooner than the service asks for.
func (p *pusher) again(one *pushing, after time.Duration) {
	one.at = p.now().Add(max(pause(one.failures), min(after, retryMax)))
	one.failures++
}

// send hands a message on.
func (p *pusher) send(ctx context.Context, key *ecdsa.PrivateKey, push *store.Push) error {
	by := webpush.Sender{Key: key, Now: p.now, Timeout: p.timeout, Door: outward.Door{Roots: p.roots,
		Host:    func(u *url.URL) bool { set := p.settings(); return set.Pushes(u) },
		Address: func(a netip.Addr) bool { set := p.settings(); return set.PushesAt(a) }}}
	if set := p.settings(); set.MailFrom != "" {
		by.Contact = "mailto:" + set.MailFrom
	}
	token := push.SyncToken
	if len(token) > pushTokenMax {
		token = ""
	}
	m := webpush.Message{Body: dav.PushMessage(push.Topic, push.Content, push.Props, token), ContentType: `application/xml; charset="utf-8"`, TTL: pushLife, Urgency: "normal", Topic: push.Fold}
	if !push.Content {
		m.Urgency = "low"
	}
	return by.Send(ctx, webpush.Subscription{Resource: push.Resource, PublicKey: push.PublicKey, Auth: push.Auth}, m)
}
