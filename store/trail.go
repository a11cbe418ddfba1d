package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// An AuditLine is one line of the audit trail: a change of policy, a refusal, or
// what was delivered into the calendars of others.
// Lines are numbered without a gap and each holds the seal of the one before, so
// none can be taken out, put in or changed unseen.
type AuditLine struct {
	Seq  uint64    `json:"seq"`
	Kind AuditKind `json:"kind"`
	At   time.Time `json:"at"`
	By   Actor     `json:"by"`
	Via  string    `json:"via"` // the door: "command line", or "PUT /dav/Team/x from 192.0.2.7"
	// Epoch of the policy: after a change, or by which was refused.
	Epoch uint64 `json:"epoch"`
	// Changes are as policy.MarshalChange writes them, Lines are the same for people.
	Changes []json.RawMessage `json:"changes,omitempty"`
	Lines   []string          `json:"lines"`
	// Begin is the whole policy, in a store that was there before its trail.
	Begin  *policy.Model `json:"begin,omitempty"`
	Denial *Denial       `json:"denial,omitempty"`
	Prev   Seal          `json:"prev"`
	// Seal is the SHA-256 of all of the above as it is kept.
	Seal Seal `json:"-"`
}

// An AuditKind says what a line of the trail is about.
type AuditKind string

const (
	AuditBegin  AuditKind = "begin"
	AuditChange AuditKind = "change"
	AuditDenied AuditKind = "denied"
	// AuditDelivered tells of messages of scheduling, which are written in the name of
	// those who get them.
	AuditDelivered AuditKind = "delivered"
)

// A Seal stands for one line of the trail and all before it.
type Seal [sha256.Size]byte

// MarshalText writes hexadecimal digits.
func (s Seal) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Seal) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(s)) {
		return fmt.Errorf("a seal of %d digits instead of %d", len(text), hex.EncodedLen(len(s)))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// String is the seal in hexadecimal digits.
func (s Seal) String() string { return hex.EncodeToString(s[:]) }

// An Actor is who did something, under the name of that time.
type Actor struct {
	ID   policy.ID `json:"id,omitempty"` // 0 for the operator
	Name string    `json:"name"`         // "user:mia", "link:3f", "operator"
}

// OperatorName is the name of an Actor that is no account.
const OperatorName = "operator"

func actorOf(state *policy.State, sub policy.Subject) Actor {
	switch {
	case sub.Link != policy.Nobody:
		return Actor{sub.Link, state.PrincipalName(sub.Link)}
	case sub.User != policy.Nobody:
		return Actor{sub.User, state.PrincipalName(sub.User)}
	}
	return Actor{Name: OperatorName}
}

// A Door is the way by which somebody came in, for the trail.
type Door struct {
	Method string // of a request; or the whole name of a door that is none
	Path   string // escaped
	Remote netip.Addr
}

// doorPathMax is how much of a path is kept of a door, in bytes.
const doorPathMax = 1024

func (d Door) String() string {
	text := d.Method
	if text == "" {
		text = "server"
	}
	if d.Path != "" {
		text += " " + d.Path[:min(len(d.Path), doorPathMax)]
	}
	if d.Remote.IsValid() {
		text += " from " + d.Remote.String()
	}
	return text
}

// commandLine is the operator's door.
var commandLine = Door{Method: "command line"}

// auditPartSize is how much of a line one record holds: a line that fills it may
// go on in the next.
const auditPartSize = 48 << 10

func auditKey(seq uint64, part int) []byte {
	return binary.BigEndian.AppendUint16(key1(tableAudit, seq), uint16(part))
}

// trailHead is where the trail ends.
type trailHead struct {
	seq  uint64
	seal Seal
}

func readHead(r engine.Reader) (h trailHead, err error) {
	v, err := r.Get(keyAudit)
	if err != nil || v == nil {
		return h, err
	}
	if len(v) != 8+len(h.seal) {
		return h, fmt.Errorf("end of the audit trail: %d bytes instead of %d: %w", len(v), 8+len(h.seal), engine.ErrDamaged)
	}
	return trailHead{binary.BigEndian.Uint64(v), Seal(v[8:])}, nil
}

// record writes the line of a change of policy into its transaction.
func (tx *Tx) record(before *policy.State, changes []policy.Change) error {
	line := AuditLine{Kind: AuditChange, At: tx.now, By: actorOf(before, tx.by), Via: tx.via.String(), Epoch: tx.state.Epoch}
	for _, c := range changes {
		data, err := policy.MarshalChange(c)
		if err != nil {
			return err
		}
		line.Changes = append(line.Changes, data)
		line.Lines = append(line.Lines, policy.Describe(before, tx.state, c, tx.placeName))
	}
	return tx.appendLine(&line)
}

// recordDeliveries writes the line of the messages that a change of an object has
// sent, with how each went.
func (tx *Tx) recordDeliveries(sp *spot, messages []ScheduleMessage, status map[string]string) error {
	if len(messages) == 0 {
		return nil
	}
	lines := make([]string, len(messages))
	for i := range messages {
		m := &messages[i]
		lines[i] = fmt.Sprintf("%s about %s to %s: %s", m.Method, sp.path, m.To, status[m.To])
	}
	return tx.recordDelivered(lines...)
}

// recordDelivered writes the line of what became of messages.
func (tx *Tx) recordDelivered(lines ...string) error {
	return tx.appendLine(&AuditLine{Kind: AuditDelivered, At: tx.now, By: actorOf(tx.state, tx.by), Via: tx.via.String(), Epoch: tx.state.Epoch, Lines: lines})
}

// placeName is the path of a place for people.
func (tx *Tx) placeName(at policy.Place) string {
	n := at.Path[len(at.Path)-1]
	p, err := tx.pathOf(housekeeping(tx, n), n)
	if err != nil {
		return fmt.Sprintf("node %d", n)
	}
	return p.String()
}

// appendLine puts a line at the end of the trail.
func (tx *Tx) appendLine(line *AuditLine) error {
	head, err := readHead(tx.w)
	if err != nil {
		return err
	}
	line.Seq, line.Prev, line.At = head.seq+1, head.seal, line.At.UTC()
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	line.Seal = sha256.Sum256(text)
	kept := append(line.Seal[:], text...)
	for part := 0; len(kept) > 0; part++ {
		n := min(len(kept), auditPartSize)
		if err := tx.w.Put(auditKey(line.Seq, part), kept[:n]); err != nil {
			return err
		}
		kept = kept[n:]
	}
	return tx.w.Put(keyAudit, append(beUint64(line.Seq), line.Seal[:]...))
}

// keptLine reads what is kept of a line: its seal and its text, nil when there is
// none.
func keptLine(r engine.Reader, seq uint64) (seal Seal, text []byte, err error) {
	var kept []byte
	for part := 0; ; part++ {
		v, err := r.Get(auditKey(seq, part))
		if err != nil {
			return seal, nil, err
		}
		kept = append(kept, v...)
		if len(v) < auditPartSize {
			break
		}
	}
	if len(kept) < len(seal) {
		return seal, nil, nil
	}
	return Seal(kept[:len(seal)]), kept[len(seal):], nil
}

// readLine reads a line and trusts it.
func readLine(r engine.Reader, seq uint64) (*AuditLine, error) {
	seal, text, err := keptLine(r, seq)
	if err != nil {
		return nil, fmt.Errorf("audit line %d: %w", seq, err)
	}
	return parseLine(seq, seal, text)
}

func parseLine(seq uint64, seal Seal, text []byte) (*AuditLine, error) {
	line := &AuditLine{Seal: seal}
	if err := json.Unmarshal(text, line); err != nil {
		return nil, fmt.Errorf("audit line %d: %w: %w", seq, err, engine.ErrDamaged)
	}
	return line, nil
}

// beginTrail writes the first line of a store that was there before its trail.
func (st *Store) beginTrail() error {
	return st.update(context.Background(), engine.Foreground, func(tx *Tx) error {
		head, err := readHead(tx.r)
		if err != nil || head.seq > 0 || tx.state.Epoch == 0 {
			return err
		}
		model := tx.state.Model()
		return tx.appendLine(&AuditLine{Kind: AuditBegin, At: tx.now, By: actorOf(tx.state, tx.by), Via: tx.via.String(),
			Epoch: tx.state.Epoch, Begin: &model, Lines: []string{"the policy as it was found when the trail began"}})
	})
}

// A chain holds the lines of a trail against each other, from the first on.
type chain struct {
	r     engine.Reader
	seq   uint64 // of the line before
	prev  Seal
	torn  bool   // the line before cannot be read: nothing tells what follows from it
	epoch uint64 // of the newest change
}

// next reads the next line and says what is wrong with it.
func (c *chain) next() (*AuditLine, error) {
	c.seq++
	seal, text, err := keptLine(c.r, c.seq)
	prev, torn := c.prev, c.torn
	c.prev, c.torn = seal, err != nil || text == nil
	line := &AuditLine{Seal: seal}
	switch {
	case err != nil:
		return nil, c.wrong("cannot be read: %v", err)
	case text == nil:
		return nil, c.wrong("is missing")
	case sha256.Sum256(text) != seal:
		return nil, c.wrong("was changed: its seal is not that of its text")
	}
	if err := json.Unmarshal(text, line); err != nil {
		return nil, c.wrong("cannot be read: %v", err)
	}
	switch {
	case line.Seq != c.seq:
		return nil, c.wrong("says that it is line %d", line.Seq)
	case line.Prev != prev && !torn:
		return nil, c.wrong("does not follow from the line before: one of the two was changed")
	}
	return line, c.count(line)
}

// count holds the epochs against each other: each change makes one.
func (c *chain) count(line *AuditLine) error {
	before := c.epoch
	switch line.Kind {
	case AuditDenied, AuditDelivered:
		return nil
	case AuditChange:
		if c.epoch = line.Epoch; line.Epoch != before+1 && !c.torn {
			return c.wrong("made epoch %d out of epoch %d", line.Epoch, before)
		}
	case AuditBegin:
		if c.epoch = line.Epoch; c.seq != 1 {
			return c.wrong("begins a trail that has begun")
		}
	default:
		return c.wrong("is of the unknown kind %q; it may be a newer davit's", line.Kind)
	}
	return nil
}

// end holds the last line against what is kept of the end, and of the policy.
func (c *chain) end(head trailHead, epoch uint64) error {
	switch {
	case c.prev != head.seal:
		return c.wrong("was the last one, and is another now")
	case c.epoch != epoch:
		return fmt.Errorf("audit trail: it leads to epoch %d, the policy is of epoch %d", c.epoch, epoch)
	}
	var past bool
	err := c.r.Scan(auditKey(c.seq+1, 0), prefixEnd([]byte{tableAudit}), func(_, _ []byte) bool { past = true; return false })
	if err == nil && past {
		c.seq++
		err = c.wrong("stands after the end")
	}
	return err
}

func (c *chain) wrong(format string, a ...any) error {
	return fmt.Errorf("audit line %d %s", c.seq, fmt.Sprintf(format, a...))
}
