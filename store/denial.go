package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A Denial is a refusal as the trail keeps it, with everything that went into
// the decision.
type Denial struct {
	// ID is what the client was told. A line of an ID that an earlier line has
	// only counts.
	ID    string       `json:"id"`
	What  string       `json:"what,omitempty"` // the method, or the rights that were wanted
	Path  string       `json:"path,omitempty"` // that was decided on
	Node  policy.Node  `json:"node,omitempty"`
	Class policy.Class `json:"class,omitempty"`

	Wanted  policy.Rights  `json:"wanted,omitempty"`
	Missing policy.Rights  `json:"missing,omitempty"`
	Cut     policy.Ceiling `json:"cut,omitempty"`
	// Hidden: a name was to be made where something stands that the asker may not
	// see.
	Hidden      bool                `json:"hidden,omitempty"`
	Explanation *policy.Explanation `json:"explanation,omitempty"`
	// Reason is why policy refused a change that the right to make changes did not
	// cover.
	Reason string       `json:"reason,omitempty"`
	Quota  *QuotaDenial `json:"quota,omitempty"`
	// More counts refusals alike that have no line of their own.
	More int `json:"more,omitempty"`
}

// A QuotaDenial is a limit that stood in the way.
type QuotaDenial struct {
	Usage policy.Usage `json:"usage"`
	Need  int64        `json:"need"` // bytes
}

// What the trail takes in of refusals. A refusal alike an earlier one, of the
// same account, method and place, within the window shares its line and its ID.
const (
	denialWindow    = time.Minute
	denialsPerUser  = 60 // lines in a window, and one more that counts the rest
	denialWindowMax = 10_000
	denialQueueMax  = 1000
	denialBatch     = 50 // lines in one transaction
	denialIDLength  = 10 // of base32: 50 random bits
)

// decided is what goes into the line of a refusal by rights.
type decided struct {
	node  policy.Node
	class policy.Class
	epoch uint64
	x     policy.Explanation
}

// told gives the error of an operation that was refused the ID of its decision,
// and sees to it that the trail keeps it. Every refusal that leaves a session
// passes here, and no look that an operation only takes in passing.
func (s *Session) told(err error) error {
	if err == nil {
		return nil
	}
	var refused *Refused
	var quota *QuotaError
	var undelegated *Undelegated
	switch {
	case errors.As(err, &refused):
		refused.ID = s.st.deny(s.cred, refused.denial(), refused.decided.epoch)
	case errors.As(err, &undelegated):
		undelegated.ID = s.st.deny(s.cred, undelegated.denial(), undelegated.decided.epoch)
	case errors.As(err, &quota):
		quota.ID = s.st.deny(s.cred, quota.denial(), s.st.Policy().Epoch)
	}
	return err
}

func (r *Refused) denial() Denial {
	d := r.decided
	return Denial{What: d.x.Wanted.String(), Path: r.Path.String(), Node: d.node, Class: d.class, Wanted: d.x.Wanted,
		Missing: r.Missing, Cut: r.Cut, Hidden: !r.Visible, Explanation: &d.x}
}

func (q *QuotaError) denial() Denial {
	return Denial{What: "write", Node: q.Node, Quota: &QuotaDenial{q.Usage, q.Need}}
}

// deny has a refusal written in the background and gives its ID.
func (st *Store) deny(c Credential, d Denial, epoch uint64) string {
	now := st.clock()
	d.What = cmp.Or(c.Door.Method, d.What)
	line := AuditLine{Kind: AuditDenied, At: now, Via: c.Door.String(), Epoch: epoch, Denial: &d,
		By: actorOf(st.Policy(), policy.Subject{User: c.User, Link: c.Link})}
	id, written := st.denials.add(now, refusalKey{c.id(), d.What, d.Node}, line)
	if !written {
		return id
	}
	st.denials.writer(func() {
		if err := st.writeDenials(expiredWindows); err != nil && !errors.Is(err, engine.ErrBroken) {
			st.log.Error("refusals are missing in the audit trail", "error", err)
		}
	})
	return id
}

// denials stand between refusals and the trail: they bound how much of it
// somebody can fill by being refused.
type denials struct {
	sync.Mutex
	windows map[refusalKey]*denialsAlike
	users   map[policy.ID]*denialRate
	queue   []AuditLine
	swept   time.Time
	writing bool // a goroutine is about to empty the queue
	tasks   sync.WaitGroup
	one     sync.Mutex // held by who writes: lines keep their order
}

// refusalKey is what refusals have in common that share a line. One of an
// account alone is for those that are too many to have lines.
type refusalKey struct {
	user policy.ID
	what string
	node policy.Node
}

// denialsAlike are a line and those that share it.
type denialsAlike struct {
	id   string
	from time.Time
	by   Actor
	more int
}

type denialRate struct {
	from  time.Time
	lines int
}

// within tells whether a window that began at from is open. One far in the future,
// of a clock that was set back, is not.
func within(from, now time.Time) bool {
	return now.Sub(from).Abs() < denialWindow
}

// add counts a refusal and gives its ID; written tells whether there is a line of
// it to be written.
func (d *denials) add(now time.Time, key refusalKey, line AuditLine) (id string, written bool) {
	d.Lock()
	defer d.Unlock()
	if w := d.windows[key]; w != nil && within(w.from, now) {
		w.more++
		return w.id, false
	}
	if !d.admits(key, now) {
		key = refusalKey{user: key.user}
		if w := d.windows[key]; w != nil && within(w.from, now) {
			w.more++
			return w.id, false
		}
		line.Denial = &Denial{}
		line.Lines = []string{"refusals of " + line.By.Name + " are only counted for the rest of this minute"}
	}
	w := &denialsAlike{id: newDenialID(), from: now, by: line.By}
	line.Denial.ID = w.id
	if old := d.windows[key]; old != nil {
		line.Denial.More = old.more
	}
	d.windows[key] = w
	if len(d.queue) == denialQueueMax {
		w.more = line.Denial.More + 1 // the disk does not keep up
		return w.id, false
	}
	d.queue = append(d.queue, line)
	return w.id, true
}

// admits counts a line of an account, unless there are too many.
func (d *denials) admits(key refusalKey, now time.Time) bool {
	r := d.users[key.user]
	if r == nil || !within(r.from, now) {
		r = &denialRate{from: now}
		d.users[key.user] = r
	}
	if r.lines == denialsPerUser || len(d.windows) >= denialWindowMax {
		return false
	}
	r.lines++
	return true
}

func newDenialID() string { return strings.ToLower(rand.Text()[:denialIDLength]) }

// writer starts write in the background, again and again until the queue is
// empty, unless it is under way.
func (d *denials) writer(write func()) {
	d.Lock()
	defer d.Unlock()
	if d.writing {
		return
	}
	d.writing = true
	d.tasks.Go(func() {
		for d.left() {
			write()
		}
	})
}

func (d *denials) left() bool {
	d.Lock()
	defer d.Unlock()
	d.writing = len(d.queue) > 0
	return d.writing
}

// Which windows are closed, and their counts written, when the queue is.
func expiredWindows(w *denialsAlike, now time.Time) bool { return !within(w.from, now) }

func allWindows(*denialsAlike, time.Time) bool { return true }

// take empties the queue and closes windows; what they counted makes one line
// for each account.
func (d *denials) take(now time.Time, closes func(*denialsAlike, time.Time) bool) []AuditLine {
	d.Lock()
	defer d.Unlock()
	lines := d.queue
	d.queue = nil
	if within(d.swept, now) && !closes(&denialsAlike{from: now}, now) {
		return lines
	}
	d.swept = now
	counts := map[policy.ID]*AuditLine{}
	for key, w := range d.windows {
		if !closes(w, now) {
			continue
		}
		delete(d.windows, key)
		if w.more == 0 {
			continue
		}
		if counts[key.user] == nil {
			counts[key.user] = &AuditLine{Kind: AuditDenied, At: now, By: w.by, Via: Door{}.String(), Denial: &Denial{ID: w.id}}
		}
		counts[key.user].Denial.More += w.more
	}
	for id, r := range d.users {
		if !within(r.from, now) {
			delete(d.users, id)
		}
	}
	for _, line := range counts {
		line.Lines = []string{fmt.Sprintf("refused like before: %d more", line.Denial.More)}
		lines = append(lines, *line)
	}
	return lines
}

// writeDenials writes what waits, and the counts of the windows that it closes.
func (st *Store) writeDenials(closes func(*denialsAlike, time.Time) bool) error {
	st.denials.one.Lock()
	defer st.denials.one.Unlock()
	lines := st.denials.take(st.clock(), closes)
	for len(lines) > 0 {
		n := min(len(lines), denialBatch)
		err := st.update(context.Background(), engine.Background, func(tx *Tx) error {
			for i := range n {
				if err := tx.deny(lines[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// deny writes the line of a refusal.
func (tx *Tx) deny(line AuditLine) error {
	if line.Epoch == 0 {
		line.Epoch = tx.state.Epoch
	}
	d := *line.Denial
	line.Denial = &d
	if d.Path == "" && d.Node != 0 {
		d.Path = tx.placeName(policy.Place{Path: []policy.Node{d.Node}})
	}
	if line.Lines == nil {
		line.Lines = []string{d.text()}
	}
	return tx.appendLine(&line)
}

// text is the refusal in one line.
func (d *Denial) text() string {
	text := "refused " + d.What + " " + d.Path + ": "
	switch {
	case d.Quota != nil:
		u := d.Quota.Usage
		text += fmt.Sprintf("over the quota of %s, %d bytes used and %d reserved, %d asked", u.Limit, u.Used(), u.Reserved, d.Quota.Need)
	case d.Reason != "":
		text += d.Reason
	case d.Hidden:
		text += "the name is taken by something hidden"
	default:
		text += (&policy.Denied{Missing: d.Missing, Cut: d.Cut, Visible: true}).Error()
	}
	if d.More > 0 {
		text += fmt.Sprintf(" (and %d more like it before)", d.More)
	}
	return text
}
