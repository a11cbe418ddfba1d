package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// An AuditQuery chooses lines of the trail; its zero value takes the newest.
type AuditQuery struct {
	After  uint64 // only lines of a higher number
	Before uint64 // only lines of a lower number, 0 for all
	Limit  int    // AuditLimit if 0, at most AuditLimitMax
	Since  time.Time
	Until  time.Time // the first moment no longer
	By     string    // "mia", "user:mia", "operator"
	Text   string    // in what people read of a line, in any case
}

// How many lines one query gives.
const (
	AuditLimit    = 100
	AuditLimitMax = 10_000
)

// auditPage is how many lines are read in one transaction.
const auditPage = 1000

// Audit gives lines of the trail, the newest first.
func (o *Operator) Audit(ctx context.Context, q AuditQuery) ([]AuditLine, error) {
	limit := q.Limit
	if limit == 0 {
		limit = AuditLimit
	}
	if limit < 0 || limit > AuditLimitMax {
		return nil, fmt.Errorf("%d lines at once, the limit is %d: %w", limit, AuditLimitMax, ErrInvalid)
	}
	found := []AuditLine{}
	err := o.eachBack(ctx, q.After, q.Before, nil, func(line *AuditLine) bool {
		if q.takes(line) {
			found = append(found, *line)
		}
		return len(found) < limit
	})
	return found, err
}

// Decision finds the line of a refusal by the ID that its client was told.
func (o *Operator) Decision(ctx context.Context, id string) (found AuditLine, err error) {
	id = strings.ToLower(strings.TrimSpace(id))
	err = o.eachBack(ctx, 0, 0, []byte(`"id":"`+id+`"`), func(line *AuditLine) bool {
		if line.Denial != nil && line.Denial.ID == id {
			found = *line
		}
		// Lines that only count are younger than the one they count for.
		return found.Seq == 0 || found.Denial.What == ""
	})
	if err == nil && found.Seq == 0 {
		err = fmt.Errorf("no decision %q in the audit trail: %w", id, ErrNotFound)
	}
	return found, err
}

// eachBack calls fn for lines that hold the text, the newest first, until it
// answers false. Refusals that were not written yet come in before.
func (o *Operator) eachBack(ctx context.Context, after, before uint64, holding []byte, fn func(*AuditLine) bool) error {
	if err := o.st.writeDenials(expiredWindows); err != nil {
		return err
	}
	head, err := o.head()
	if err != nil {
		return err
	}
	seq := head.seq
	if before > 0 {
		seq = min(seq, before-1)
	}
	for more := true; more && seq > after; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := o.st.db.View(func(r engine.Reader) error {
			for range auditPage {
				if seq <= after || !more {
					break
				}
				seal, text, err := keptLine(r, seq)
				if err != nil {
					return fmt.Errorf("audit line %d: %w", seq, err)
				}
				if bytes.Contains(text, holding) {
					line, err := parseLine(seq, seal, text)
					if err != nil {
						return err
					}
					more = fn(line)
				}
				seq--
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *Operator) head() (h trailHead, err error) {
	err = o.st.db.View(func(r engine.Reader) error {
		h, err = readHead(r)
		return err
	})
	return h, err
}

func (q *AuditQuery) takes(line *AuditLine) bool {
	return (q.Since.IsZero() || !line.At.Before(q.Since)) &&
		(q.Until.IsZero() || line.At.Before(q.Until)) &&
		(q.By == "" || line.By.is(q.By)) &&
		(q.Text == "" || line.says(q.Text))
}

func (a Actor) is(name string) bool {
	if !strings.Contains(name, ":") && name != OperatorName {
		name = "user:" + name
	}
	return policy.Fold(a.Name) == policy.Fold(name)
}

func (l *AuditLine) says(text string) bool {
	shown := append(slices.Clone(l.Lines), l.Via)
	return slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(policy.Fold(s), policy.Fold(text)) })
}

// An AuditVerdict is what a verification of the trail found.
type AuditVerdict struct {
	Lines uint64
	// Seal of the newest line: who notes it elsewhere can prove later that the
	// trail up to here is the same.
	Seal  Seal
	Epoch uint64
	Fault string // about the first bad line, empty if there is none
}

// VerifyAudit reads the whole trail: every line has to follow from the one
// before, and all changes together have to lead from the empty policy to the one
// in force.
func (o *Operator) VerifyAudit(ctx context.Context) (v AuditVerdict, err error) {
	if err := o.st.writeDenials(expiredWindows); err != nil {
		return v, err
	}
	err = o.st.db.View(func(r engine.Reader) error {
		head, err := readHead(r)
		if err != nil {
			return err
		}
		v = AuditVerdict{Lines: head.seq, Seal: head.seal}
		state, err := loadPolicy(r)
		if err != nil {
			return err
		}
		v.Epoch = state.Epoch
		fault := replayed(ctx, r, head, state)
		if errors.Is(fault, context.Canceled) || errors.Is(fault, context.DeadlineExceeded) {
			return fault
		}
		if fault != nil {
			v.Fault = fault.Error()
		}
		return nil
	})
	return v, err
}

// replayed says which line is the first bad one, if any.
func replayed(ctx context.Context, r engine.Reader, head trailHead, present *policy.State) error {
	c, past := chain{r: r}, new(policy.State)
	for c.seq < head.seq {
		line, err := c.next()
		if err == nil {
			past, err = line.replay(past)
		}
		if err == nil && c.seq%auditPage == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	if err := c.end(head, present.Epoch); err != nil {
		return err
	}
	if past.Hash() != present.Hash() {
		return errors.New("audit trail: its changes do not lead to the policy that is in force")
	}
	return nil
}

// replay makes of the policy before the line the one after it.
func (l *AuditLine) replay(state *policy.State) (*policy.State, error) {
	switch l.Kind {
	case AuditBegin:
		if l.Begin == nil {
			return nil, fmt.Errorf("audit line %d begins with no policy", l.Seq)
		}
		return policy.Load(*l.Begin)
	case AuditDenied, AuditDelivered:
		return state, nil
	}
	changes := make([]policy.Change, len(l.Changes))
	for i, data := range l.Changes {
		var err error
		if changes[i], err = policy.UnmarshalChange(data); err != nil {
			return nil, fmt.Errorf("audit line %d: %w", l.Seq, err)
		}
	}
	next, _, err := state.Apply(changes...)
	if err != nil {
		return nil, fmt.Errorf("audit line %d does not apply to the policy before it: %w", l.Seq, err)
	}
	return next, nil
}

// A Past is a policy of the past with the moment from which it was in force.
type Past struct {
	*policy.State
	Since time.Time
}

// PolicyAt is the policy as it was at a time: after the last change that was made
// no later. ErrNotFound if there was none yet.
func (o *Operator) PolicyAt(ctx context.Context, at time.Time) (Past, error) {
	var last Past
	err := o.past(ctx, func(p Past) bool {
		// A clock may have been set back: the trail's order counts.
		if !p.Since.After(at) {
			last = p
		}
		return true
	})
	if err == nil && last.State == nil {
		err = fmt.Errorf("the audit trail has no policy of %s yet: %w", at.UTC().Format(time.RFC3339), ErrNotFound)
	}
	return last, err
}

// PolicyOf is the policy of an epoch.
func (o *Operator) PolicyOf(ctx context.Context, epoch uint64) (Past, error) {
	p, err := o.FirstPolicy(ctx, func(state *policy.State) bool { return state.Epoch >= epoch })
	if err == nil && p.Epoch > epoch {
		err = fmt.Errorf("the audit trail begins at epoch %d: %w", p.Epoch, ErrNotFound)
	}
	return p, err
}

// FirstPolicy is the earliest policy that answers to a description, ErrNotFound
// if none does.
func (o *Operator) FirstPolicy(ctx context.Context, is func(*policy.State) bool) (Past, error) {
	var first Past
	err := o.past(ctx, func(p Past) bool {
		if is(p.State) {
			first = p
		}
		return first.State == nil
	})
	if err == nil && first.State == nil {
		err = fmt.Errorf("the audit trail has no such policy: %w", ErrNotFound)
	}
	return first, err
}

// past replays the trail from its beginning and shows each policy, until fn
// answers false.
func (o *Operator) past(ctx context.Context, fn func(Past) bool) error {
	head, err := o.head()
	if err != nil {
		return err
	}
	state := new(policy.State)
	for seq, more := uint64(1), true; more && seq <= head.seq; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := o.st.db.View(func(r engine.Reader) error {
			for range auditPage {
				if seq > head.seq || !more {
					break
				}
				line, err := readLine(r, seq)
				if err != nil {
					return err
				}
				if state, err = line.replay(state); err != nil {
					return err
				}
				if line.Kind != AuditDenied && line.Kind != AuditDelivered {
					more = fn(Past{state, line.At})
				}
				seq++
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
