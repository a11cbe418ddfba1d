package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"davit/policy"
	"davit/store"
)

// Operations on operations.
var (
	Foretell = define("foretell", admins, (*Admin).Foretell)
	Review   = define("review", anybody, (*Admin).Review)
)

// A Plan is an operation with its arguments, not carried out.
type Plan struct {
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
	// Class of the clients that are asked about; those that speak WebDAV if empty.
	Class policy.Class `json:"class,omitempty"`
	// Digest of the difference that was reviewed, for Review.
	Digest string `json:"digest,omitempty"`
}

// bytesMax: the plan may be of the longest arguments that there are.
func (Plan) bytesMax() int64 { return PolicyText{}.bytesMax() }

// PlanOf is the plan of an operation with its arguments.
func PlanOf(op string, args any) (Plan, error) {
	text, err := json.Marshal(args)
	return Plan{Op: op, Args: text}, tell(err)
}

// Foretell tells what an operation would mean, and changes nothing.
func (a *Admin) Foretell(ctx context.Context, p Plan) (Foretold, error) {
	told, _, err := a.foretell(ctx, p)
	return told, err
}

// reviewsMax is how often a reviewed operation is compared anew because somebody
// else has changed the policy meanwhile.
const reviewsMax = 5

// Review carries an operation out if it means what was reviewed; its answer is
// that of the operation.
func (a *Admin) Review(ctx context.Context, p Plan) (json.RawMessage, error) {
	if class, _, ok := strings.Cut(p.Digest, "-"); ok {
		var err error
		if p.Class, err = policy.ParseClasses(class); err != nil {
			return nil, invalid("copy it from davit whatif", "digest %q names no kind of client", clip(p.Digest))
		}
	}
	for range reviewsMax {
		told, before, err := a.foretell(ctx, p)
		if err != nil {
			return nil, err
		}
		if told.Digest != p.Digest {
			return nil, conflict("look at it again with davit whatif", "the change would mean something else than what was reviewed: its digest is %s now", told.Digest)
		}
		result, err := a.upon(ctx, p, before)
		if !errors.Is(err, store.ErrEpoch) {
			return result, err
		}
	}
	return nil, conflict("try again", "the policy is being changed by others all the time")
}

// upon carries an operation out upon one policy; store.ErrEpoch when it is
// another one already.
func (a *Admin) upon(ctx context.Context, p Plan, state *policy.State) (json.RawMessage, error) {
	upon := *a
	upon.epoch, upon.op = state.Epoch, a.op.Since(state.Epoch)
	result, err := operations[p.Op].decoded(ctx, &upon, p.Args)
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// foretell runs an operation without effect, and gives the policy that it would
// have changed.
func (a *Admin) foretell(ctx context.Context, p Plan) (Foretold, *policy.State, error) {
	o, known := operations[p.Op]
	switch {
	case !known:
		return Foretold{}, nil, unknown(p.Op)
	case !o.Changes():
		return Foretold{}, nil, invalid("", "%s changes no policy: there is nothing to foretell", strings.ReplaceAll(p.Op, ".", " "))
	}
	before := a.st.Policy()
	after := before
	dry := *a
	dry.op = a.op.Foretelling(func(b, a *policy.State) { before, after = b, a })
	if _, err := o.decoded(ctx, &dry, p.Args); err != nil && !errors.Is(err, store.ErrForetold) {
		return Foretold{}, nil, err
	}
	in := policy.Subject{Mask: policy.All, Class: p.Class, Now: a.st.Now().Unix()}
	if in.Class == 0 {
		in.Class = policy.DAV
	}
	t := teller{op: a.op, before: before, after: after}
	told, err := t.tell(policy.Compare(before, after, in))
	if err != nil {
		return Foretold{}, nil, err
	}
	if told.Digest, err = digest(p.Op, told); err != nil {
		return Foretold{}, nil, err
	}
	if in.Class != policy.DAV {
		told.Digest = in.Class.String() + "-" + told.Digest // Review has to ask for the same clients
	}
	told.Locks, err = a.op.LocksLost(before, after, in)
	return told, before, err
}

// digestSize is how many bytes of a hash make a digest: nobody finds another
// difference with the same one by trying, and people can compare it.
const digestSize = 8

// digest is of what the operation does to anybody or anything, not of how many
// it leaves alone.
func digest(op string, told Foretold) (string, error) {
	told.Same, told.Locks, told.Digest = 0, 0, ""
	told.Limits = slices.Clone(told.Limits)
	for i := range told.Limits {
		told.Limits[i].Over = false
	}
	text, err := json.Marshal(told)
	if err != nil {
		return "", fmt.Errorf("write the difference down: %w", err)
	}
	sum := sha256.Sum256(append([]byte(op+"\n"), text...))
	return hex.EncodeToString(sum[:digestSize]), nil
}
