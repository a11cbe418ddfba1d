package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"davit/policy"
	"davit/store"
)

// Operations on the audit trail, and questions about the past.
var (
	ListAudit       = define("audit.list", admins, (*Admin).ListAudit)
	VerifyAudit     = define("audit.verify", admins, (*Admin).VerifyAudit)
	ExplainDecision = define("explain.decision", admins, (*Admin).ExplainDecision)
	WhoThen         = define("who.then", admins, (*Admin).WhoThen)
)

// An AuditQuery chooses lines of the trail; an empty one takes the newest.
type AuditQuery struct {
	After  uint64     `json:"after,omitempty"`  // only lines of a higher number
	Before uint64     `json:"before,omitempty"` // only lines of a lower number
	Limit  int        `json:"limit,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Until  *time.Time `json:"until,omitempty"` // the first moment no longer
	By     string     `json:"by,omitempty"`    // an account, or operator
	Text   string     `json:"text,omitempty"`  // in what the line says
}

// An AuditLine is one line of the trail.
type AuditLine struct {
	Line  uint64    `json:"line"`
	Kind  string    `json:"kind"` // change, denied, begin
	At    time.Time `json:"at"`
	By    string    `json:"by"`  // "user:mia", "operator"
	Via   string    `json:"via"` // "command line", "PUT /dav/Team/x from 192.0.2.7"
	Epoch uint64    `json:"epoch"`
	What  []string  `json:"what"`
	// Decision is the ID that the client of a refusal was told.
	Decision string `json:"decision,omitempty"`
	// Changes are the same as What for programs.
	Changes []json.RawMessage `json:"changes,omitempty"`
	Seal    string            `json:"seal"`
}

// ListAudit tells lines of the trail, the newest first.
func (a *Admin) ListAudit(ctx context.Context, q AuditQuery) ([]AuditLine, error) {
	chosen := store.AuditQuery{After: q.After, Before: q.Before, Limit: q.Limit, By: q.By, Text: q.Text}
	if q.Since != nil {
		chosen.Since = *q.Since
	}
	if q.Until != nil {
		chosen.Until = *q.Until
	}
	lines, err := a.op.Audit(ctx, chosen)
	if err != nil {
		return nil, err
	}
	shown := make([]AuditLine, len(lines))
	for i := range lines {
		l := &lines[i]
		shown[i] = AuditLine{Line: l.Seq, Kind: string(l.Kind), At: l.At, By: l.By.Name, Via: l.Via, Epoch: l.Epoch,
			What: l.Lines, Changes: l.Changes, Seal: l.Seal.String()}
		if l.Denial != nil {
			shown[i].Decision = l.Denial.ID
		}
	}
	return shown, nil
}

// AuditVerdict is what a verification of the trail found.
type AuditVerdict struct {
	Lines uint64 `json:"lines"`
	Epoch uint64 `json:"epoch"`
	// Seal of the newest line stands for all of the trail.
	Seal   string   `json:"seal"`
	Faults []string `json:"faults"` // the first bad line, if there is one
}

// VerifyAudit reads the whole trail and replays its changes.
func (a *Admin) VerifyAudit(ctx context.Context, _ None) (AuditVerdict, error) {
	v, err := a.op.VerifyAudit(ctx)
	verdict := AuditVerdict{Lines: v.Lines, Epoch: v.Epoch, Seal: v.Seal.String(), Faults: []string{}}
	if v.Fault != "" {
		verdict.Faults = append(verdict.Faults, v.Fault)
	}
	return verdict, err
}

// A DecisionID names a refusal, as its client was told.
type DecisionID struct {
	ID string `json:"id"`
}

// A Decision is a refusal of the past with its explanation as it was kept.
type Decision struct {
	ID    string    `json:"id"`
	Line  uint64    `json:"line"` // of the trail
	At    time.Time `json:"at"`
	Via   string    `json:"via"`
	Epoch uint64    `json:"epoch"` // of the policy that decided
	Answer
}

// ExplainDecision tells why a client was refused, by the policy of that moment.
func (a *Admin) ExplainDecision(ctx context.Context, q DecisionID) (Decision, error) {
	line, err := a.op.Decision(ctx, q.ID)
	if err != nil {
		return Decision{}, err
	}
	d := line.Denial
	told := Decision{ID: d.ID, Line: line.Seq, At: line.At, Via: line.Via, Epoch: line.Epoch, Answer: Answer{
		User: strings.TrimPrefix(line.By.Name, "user:"), Ask: d.What, Path: d.Path, Status: http.StatusForbidden, Why: line.Lines[0],
	}}
	switch {
	case d.Quota != nil:
		told.Status = http.StatusInsufficientStorage
		u := d.Quota.Usage
		told.Why = fmt.Sprintf("%d bytes do not fit under the limit of %s at %s: %d are used, %d of them in the trash, and %d reserved",
			d.Quota.Need, u.Limit, d.Path, u.Used(), u.Trash, u.Reserved)
	case d.Explanation != nil:
		then, err := a.op.PolicyOf(ctx, line.Epoch)
		if err != nil {
			return Decision{}, err
		}
		c, err := checkKept(then.State, d)
		if err != nil {
			return Decision{}, err
		}
		told.Why, told.Checks = c.Why, []Check{c}
	}
	return told, nil
}

// checkKept tells a kept explanation like a fresh one.
func checkKept(then *policy.State, d *store.Denial) (Check, error) {
	p, err := ParsePath(d.Path)
	if err != nil {
		return Check{}, err
	}
	if d.Hidden && len(p) > 1 {
		p = p[:len(p)-1]
	}
	c := checkOf(then, p, d.Wanted, d.Explanation)
	c.Status = http.StatusForbidden
	switch {
	case d.Reason != "":
		c.Allowed, c.Why = false, plain(d.Reason)
	case d.Hidden:
		c.refuse(&store.Refused{})
	case c.Allowed:
		c.refuse(&store.Refused{Denied: policy.Denied{Visible: true}})
	}
	return c, nil
}

// PastPlace asks about one path at a moment of the past: a time, an epoch, or
// the first epoch of its space.
type PastPlace struct {
	Place
	At    *time.Time `json:"at,omitempty"`
	Epoch uint64     `json:"epoch,omitempty"` // 0 for the first, when there is no time
}

// Past is who could reach a path at a moment.
type Past struct {
	Path  string    `json:"path"`
	At    time.Time `json:"at"`
	Epoch uint64    `json:"epoch"`
	// Made tells that the path is younger than the moment.
	Made    *time.Time `json:"made,omitempty"`
	Holders []Holder   `json:"holders"`
}

// WhoThen tells who could reach a path at a moment of the past, by the policy of
// then. The path is the place where it stands today.
func (a *Admin) WhoThen(ctx context.Context, q PastPlace) (Past, error) {
	p, at, e, err := a.place(q.Path)
	if err != nil {
		return Past{}, err
	}
	then, moment, err := a.then(ctx, q, at.Space)
	if err != nil {
		return Past{}, err
	}
	if then.Space(at.Space) == nil {
		return Past{}, notFound("davit who PATH --epoch first", "%s: there was no such space at that time", p)
	}
	past := Past{Path: p.String(), At: moment, Epoch: then.Epoch, Holders: a.holders(then.State, at, q.Standpoint, moment)}
	if e.Created.After(moment) {
		past.Made = &e.Created
	}
	return past, nil
}

// then finds the policy of the moment, and the moment.
func (a *Admin) then(ctx context.Context, q PastPlace, space policy.ID) (then store.Past, moment time.Time, err error) {
	switch {
	case q.At != nil && q.Epoch != 0:
		return then, moment, invalid("", "ask about a time or an epoch, not both")
	case q.At != nil:
		then, err = a.op.PolicyAt(ctx, *q.At)
		return then, *q.At, err
	case q.Epoch != 0:
		then, err = a.op.PolicyOf(ctx, q.Epoch)
	default:
		then, err = a.op.FirstPolicy(ctx, func(state *policy.State) bool { return state.Space(space) != nil })
	}
	return then, then.Since, err
}
