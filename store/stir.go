package store

import (
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// What changes is noted in memory once it is durable, where somebody has registered for
// pushes, and looked into by who sends them: a writer waits for none of it. A crash
// forgets it, as pushes are no more than a hint.

// stirsMax is how many places are noted at a time. Of what comes beyond them it is known
// only that something did.
const stirsMax = 10_000

// A stir is a change that somebody may want to be told of.
type stir struct {
	in    policy.Node // the collection whose members changed
	of    policy.Node // the node whose properties changed, 0 for none
	quiet Quiet
}

// Quiet names registrations that are not told of a change: of an account, which knows
// of it already, and nobody else's.
type Quiet struct {
	User policy.ID
	// Numbers are those of its registrations, each between commas, or QuietAll.
	Numbers string
}

// QuietAll stands for all registrations of an account.
const QuietAll = "*"

// QuietExcept is a Quiet of some registrations of the asker's.
func (s *Session) QuietExcept(numbers []uint64) Quiet {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = strconv.FormatUint(n, 10)
	}
	slices.Sort(words)
	return Quiet{s.cred.User, "," + strings.Join(words, ",") + ","}
}

// QuietToAll is a Quiet of all the asker's registrations.
func (s *Session) QuietToAll() Quiet { return Quiet{s.cred.User, QuietAll} }

// Quietly is the same session, whose changes these registrations are not told of.
func (s *Session) Quietly(q Quiet) *Session {
	quiet := *s
	quiet.quiet = q
	return &quiet
}

func (q *Quiet) has(id PushID) bool {
	return q.User == id.User && q.User != policy.Nobody &&
		(q.Numbers == QuietAll || strings.Contains(q.Numbers, ","+strconv.FormatUint(id.Number, 10)+","))
}

// pushes are the registrations by what they are for, and what has happened there.
type pushes struct {
	mu      sync.Mutex
	of      map[PushID]policy.Node
	by      map[policy.Node][]PushID
	stirred map[stir]struct{}
	flood   bool // more was stirred than was noted
	bell    bell
}

func newPushes() *pushes {
	return &pushes{of: map[PushID]policy.Node{}, by: map[policy.Node][]PushID{}, stirred: map[stir]struct{}{}, bell: make(bell, 1)}
}

func (p *pushes) add(id PushID, n policy.Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.of[id]; !known {
		p.of[id], p.by[n] = n, append(p.by[n], id)
	}
}

func (p *pushes) drop(id PushID, n policy.Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.of, id)
	p.by[n] = slices.DeleteFunc(p.by[n], func(other PushID) bool { return other == id })
	if len(p.by[n]) == 0 {
		delete(p.by, n)
	}
}

func (p *pushes) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.of) > 0
}

func (p *pushes) on(n policy.Node) []PushID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.by[n])
}

func (p *pushes) all() map[PushID]policy.Node {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[PushID]policy.Node, len(p.of))
	for id, n := range p.of {
		all[id] = n
	}
	return all
}

// note takes in what a transaction has stirred.
func (p *pushes) note(stirs []stir) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range stirs {
		if len(p.stirred) == stirsMax {
			p.flood = true
			break
		}
		p.stirred[s] = struct{}{}
	}
	p.bell.ring()
}

// take gives what was noted since the last time.
func (p *pushes) take() (stirred map[stir]struct{}, flood bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	stirred, flood = p.stirred, p.flood
	p.stirred, p.flood = map[stir]struct{}{}, false
	return stirred, flood
}

// stir notes a change of a node in a collection, for when it is durable.
func (tx *Tx) stir(c *changeRec) {
	if !tx.st.pushes.any() {
		return
	}
	s := stir{in: c.parent, quiet: tx.quiet}
	if c.before.how == byPatch {
		s.of = c.node
	}
	if tx.stirs == nil {
		tx.w.OnCommit(func() { tx.st.pushes.note(tx.stirs) })
	}
	tx.stirs = append(tx.stirs, s)
}

// PushComes is received from when something was stirred since the last time.
func (o *Operator) PushComes() <-chan struct{} { return o.st.pushes.bell }

// A Stirred is a registration that may have something to be told.
type Stirred struct {
	PushID
	Content, Props bool
}

// errNotPusher: pushes are sent for nobody in particular.
var errNotPusher = errors.New("pushes are sent by the server itself")

// StirredPushes are the registrations where something has happened since the last time.
// Whether its receiver may know, Push tells.
func (o *Operator) StirredPushes() (list []Stirred, err error) {
	if o.by.User != policy.Nobody {
		return nil, errNotPusher
	}
	stirred, flood := o.st.pushes.take()
	told := map[PushID]*Stirred{}
	tell := func(id PushID, content, props bool) {
		if told[id] == nil {
			told[id] = &Stirred{PushID: id}
		}
		told[id].Content, told[id].Props = told[id].Content || content, told[id].Props || props
	}
	err = o.st.view(func(tx *Tx) error {
		if flood {
			for id := range o.st.pushes.all() {
				tell(id, true, true)
			}
		}
		ups := upward{}
		for s := range stirred {
			if err := tx.stirredBy(&s, &ups, tell); err != nil {
				return err
			}
		}
		return nil
	})
	for _, s := range told {
		list = append(list, *s)
	}
	return list, err
}

// stirredBy finds the registrations that a change is of.
func (tx *Tx) stirredBy(s *stir, ups *upward, tell func(id PushID, content, props bool)) error {
	way, _, err := ups.to(tx, s.in)
	if err != nil {
		return err
	}
	for _, n := range way {
		for _, id := range tx.st.pushes.on(n) {
			rec, err := tx.readPush(id)
			if err != nil {
				return err
			}
			if rec != nil && rec.Content && (n == s.in || rec.Deep) && !s.quiet.has(id) {
				tell(id, true, false)
			}
		}
	}
	for _, id := range tx.st.pushes.on(s.of) {
		if !s.quiet.has(id) {
			tell(id, false, true)
		}
	}
	return nil
}

// A Push is what a registration is told, and where.
type Push struct {
	PushID
	Resource        string
	PublicKey, Auth []byte
	Topic           string // of the collection
	Fold            string // one for all messages of the registration that say the same
	Content, Props  bool   // what has changed; nothing: there is nothing to tell
	SyncToken       string
	Fault           string // of the last message
}

// Push is what a registration is to be told now of what was stirred there, as far as its
// receiver may know. ErrNotFound for one that is no more.
func (o *Operator) Push(ctx context.Context, s Stirred) (p Push, err error) {
	var as *Session
	var at Path
	var rec *push
	var dead bool
	err = o.st.view(func(tx *Tx) (err error) {
		if rec, err = tx.readPush(s.PushID); err != nil || rec == nil {
			return firstOf(err, ErrNotFound)
		}
		if as, dead, err = tx.receiver(s.PushID, rec); err != nil {
			return err
		}
		dead = dead || !tx.now.Before(rec.Until)
		set := tx.state.Settings()
		if set.TwoFactor && rec.Device == 0 && rec.Class != policy.Web {
			as = nil
		}
		if u, wrong := url.Parse(rec.Resource); wrong != nil || !set.Pushes(u) {
			as = nil
		}
		sp, err := tx.collectionOf(rec.Node)
		if err == nil && sp != nil {
			at = sp.path
		}
		return err
	})
	if err != nil {
		return Push{}, err
	}
	if dead {
		return Push{}, firstOf(o.DropPush(ctx, s.PushID), ErrNotFound)
	}
	p = Push{PushID: s.PushID, Resource: rec.Resource, PublicKey: rec.PublicKey, Auth: rec.Auth, Fault: rec.Fault}
	if as == nil || at == nil {
		return p, nil
	}
	return p, as.pushOf(at, rec, s, &p)
}

// pushOf looks, as the receiver, for what there is to tell.
func (s *Session) pushOf(at Path, rec *push, stirred Stirred, p *Push) error {
	info, err := s.Stat(at, Want{Sync: true})
	if errors.Is(err, ErrNotFound) || err == nil && (info.Node != rec.Node || info.Shell) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Topic, p.SyncToken = s.st.sealer.topic(rec.Node), info.SyncToken
	p.Props = stirred.Props && rec.Props
	if stirred.Content && rec.Content {
		page, err := s.Changes(at, SyncQuery{Since: rec.Told, Deep: rec.Deep, Limit: 1})
		if err != nil && !errors.Is(err, ErrSyncToken) {
			return err
		}
		p.Content = err != nil || len(page.Members) > 0 || page.More
	}
	kinds := fmt.Sprintf("%t %t %d", p.Content, p.Props, p.Number)
	p.Fold = base64.RawURLEncoding.EncodeToString(s.st.sealer.sum("fold", []byte(kinds))[:16])
	return nil
}

// PushSent keeps that a registration was told what a sync from the token on will not
// tell again.
func (o *Operator) PushSent(ctx context.Context, p Push) error {
	return o.editPush(ctx, p.PushID, func(rec *push) {
		rec.Fault = ""
		if p.Content {
			rec.Told = p.SyncToken
		}
	})
}

// PushFailed keeps why a registration could not be told.
func (o *Operator) PushFailed(ctx context.Context, id PushID, fault string) error {
	return o.editPush(ctx, id, func(rec *push) { rec.Fault = fault[:min(len(fault), pushFaultMax)] })
}

func (o *Operator) editPush(ctx context.Context, id PushID, edit func(*push)) error {
	if o.by.User != policy.Nobody {
		return errNotPusher
	}
	return o.st.update(ctx, engine.Background, func(tx *Tx) error {
		rec, err := tx.readPush(id)
		if err != nil || rec == nil {
			return err
		}
		edit(rec)
		return keepRecord(tx.w, pushKey(id), rec)
	})
}

// DropPush ends a registration: ErrNotFound for what is none.
func (o *Operator) DropPush(ctx context.Context, id PushID) error {
	if o.by.User != policy.Nobody {
		return errNotPusher
	}
	return o.st.update(ctx, engine.Background, func(tx *Tx) error {
		rec, err := tx.readPush(id)
		if err != nil || rec == nil {
			return firstOf(err, ErrNotFound)
		}
		return tx.dropPush(id, rec.Node)
	})
}

// A KeptPush is a registration as who runs the server sees it.
type KeptPush struct {
	PushID
	Path    Path // empty for what is erased just now
	Device  string
	Host    string // of the push service; the rest of its URL is the client's secret
	Created time.Time
	Until   time.Time
	Fault   string
}

// Pushes lists the registrations, by account.
func (o *Operator) Pushes() (list []KeptPush, err error) {
	if o.by.User != policy.Nobody {
		return nil, errNotPusher
	}
	err = o.st.view(func(tx *Tx) error {
		return tx.eachPush([]byte{tablePush}, func(id PushID, rec *push) error {
			k := KeptPush{PushID: id, Created: rec.Created, Until: rec.Until, Fault: rec.Fault}
			if u, err := url.Parse(rec.Resource); err == nil {
				k.Host = u.Host
			}
			l, err := readLogin(tx.r, id.User)
			if err != nil {
				return err
			}
			for _, d := range l.Devices {
				if d.ID == rec.Device {
					k.Device = d.Name
				}
			}
			sp, err := tx.collectionOf(rec.Node)
			if err == nil && sp != nil {
				k.Path = sp.path
			}
			list = append(list, k)
			return err
		})
	})
	return list, err
}

// PushKey is what messages are signed with.
func (o *Operator) PushKey() (*ecdsa.PrivateKey, error) {
	if o.by.User != policy.Nobody {
		return nil, errNotPusher
	}
	return o.st.sealer.vapid, nil
}
