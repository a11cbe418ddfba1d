package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"davit/policy"
	"davit/policy/text"
	"davit/store"
)

// Operations on the whole policy as text.
var (
	ExportPolicy   = define("policy.export", admins, (*Admin).ExportPolicy)
	PlanPolicy     = define("policy.plan", admins, (*Admin).PlanPolicy)
	RehearsePolicy = define("policy.rehearse", admins, (*Admin).RehearsePolicy)
	ApplyPolicy    = change("policy.apply", (*Admin).ApplyPolicy)
	TestPolicy     = define("policy.test", admins, (*Admin).TestPolicy)
)

// A PolicyText is a policy as text, byte for byte.
type PolicyText struct {
	Text []byte `json:"text"`
}

// bytesMax is what a text takes on the control socket, where it is base64.
func (PolicyText) bytesMax() int64 { return text.SizeMax/3*4 + bodyMax }

// A PolicyPlan is what a text makes of the policy.
type PolicyPlan struct {
	Changes []PolicyEdit `json:"changes"`
	// Refused: a complete text that does not mention them is not carried out.
	Refused []string `json:"refused,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	// Assertions is how many of the text were asked, and hold.
	Assertions int `json:"assertions,omitempty"`
}

// A PolicyEdit is one difference between the policy and a text.
type PolicyEdit struct {
	Sign string `json:"sign"` // "+" comes, "-" goes, "~" changes
	Text string `json:"text"`
	// Differences are what a change changes: "quota 10GB -> 20GB".
	Differences []string `json:"differences,omitempty"`
	Line        int      `json:"line,omitempty"` // of the text
}

// Assertions are what became of those of a text.
type Assertions struct {
	Asked  int               `json:"asked"`
	Failed []FailedAssertion `json:"failed"`
}

// A FailedAssertion is one that does not hold.
type FailedAssertion struct {
	Line int    `json:"line"`
	Text string `json:"text"`
	Why  string `json:"why"`
}

// ExportPolicy writes the policy of this moment: equal policies give equal bytes,
// in whatever order they were made. Passwords and devices are none of policy's,
// and a link is the secret in its URL.
func (a *Admin) ExportPolicy(ctx context.Context, _ None) (PolicyText, error) {
	var out []byte
	err := a.op.Survey(ctx, func(sv store.Survey) error {
		s, err := stand(sv)
		if err != nil {
			return err
		}
		out = text.Format(text.File{Complete: true, Statements: s.statements(), Remarks: s.remarks()})
		return nil
	})
	if err == nil && len(out) > text.SizeMax {
		err = conflict("", "the policy as text has %d bytes, and %d is what can be read back", len(out), text.SizeMax)
	}
	return PolicyText{out}, err
}

// PlanPolicy tells what a text would change, and changes nothing.
func (a *Admin) PlanPolicy(ctx context.Context, t PolicyText) (PolicyPlan, error) {
	file, err := parsePolicy(t)
	if err != nil {
		return PolicyPlan{}, err
	}
	var plan PolicyPlan
	err = a.op.Rehearse(ctx, func(d store.Draft) (err error) {
		plan, err = revise(d, file)
		return wrong(err)
	})
	return plan, err
}

// RehearsePolicy does all that ApplyPolicy does, and gives it back.
func (a *Admin) RehearsePolicy(ctx context.Context, t PolicyText) (PolicyPlan, error) {
	return a.applyPolicy(ctx, t, a.op.Rehearse)
}

// ApplyPolicy makes the policy what a text says: all of it at once, or nothing.
// Its assertions are asked of the policy that would be, before it comes into
// force.
func (a *Admin) ApplyPolicy(ctx context.Context, t PolicyText) (PolicyPlan, error) {
	if err := allowed(a, admins, t); err != nil {
		return PolicyPlan{}, err // before anything is told of the policy
	}
	return a.applyPolicy(ctx, t, a.op.Revise)
}

func (a *Admin) applyPolicy(ctx context.Context, t PolicyText, carry func(context.Context, func(store.Draft) error) error) (PolicyPlan, error) {
	file, err := parsePolicy(t)
	if err != nil {
		return PolicyPlan{}, err
	}
	var plan PolicyPlan
	err = carry(ctx, func(d store.Draft) (err error) {
		if plan, err = revise(d, file); err != nil {
			return wrong(err)
		}
		if len(plan.Refused) > 0 {
			return conflict("davit policy export writes them; without the word complete a file removes nothing", "%s", strings.Join(plan.Refused, "\n"))
		}
		asserted := a.assertAll(d.Survey, file)
		if plan.Assertions = asserted.Asked; len(asserted.Failed) > 0 {
			return refused("", "%s", asserted)
		}
		return nil
	})
	return plan, err
}

// TestPolicy asks the assertions of a text of the present policy, and reads the
// rest only for faults.
func (a *Admin) TestPolicy(ctx context.Context, t PolicyText) (Assertions, error) {
	file, err := parsePolicy(t)
	if err != nil {
		return Assertions{}, err
	}
	var asserted Assertions
	err = a.op.Survey(ctx, func(sv store.Survey) error {
		asserted = a.assertAll(sv, file)
		return nil
	})
	return asserted, err
}

func parsePolicy(t PolicyText) (text.File, error) {
	file, err := text.Parse(t.Text)
	return file, wrong(err)
}

// wrong is the error for faults of a text.
func wrong(err error) error {
	if faults, ok := errors.AsType[*text.Faults](err); ok {
		return invalid("", "%s", faults)
	}
	return err
}

// String is one failed assertion a line.
func (t Assertions) String() string {
	var lines []string
	for _, f := range t.Failed {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// String is the assertion with its line and the reason.
func (f FailedAssertion) String() string {
	return fmt.Sprintf("line %d: %s: %s", f.Line, f.Text, f.Why)
}

// assertAll asks every assertion of a file.
func (a *Admin) assertAll(sv store.Survey, file text.File) Assertions {
	asserted := Assertions{Failed: []FailedAssertion{}}
	for i := range file.Statements {
		s := &file.Statements[i]
		if s.Kind != text.Assert {
			continue
		}
		asserted.Asked++
		if why := a.assert(sv, s); why != "" {
			asserted.Failed = append(asserted.Failed, FailedAssertion{s.Line, s.String(), why})
		}
	}
	return asserted
}

// assert tells why an assertion does not hold, nothing if it does. One about
// nobody or nowhere cannot hold.
func (a *Admin) assert(sv store.Survey, s *text.Statement) (why string) {
	state := sv.State()
	u, err := findUser(state, s.Words[0])
	if err != nil {
		return err.Error()
	}
	p, at, err := placeOf(sv, s.Words[4])
	if err != nil {
		return plain(err.Error())
	}
	class, err := policy.ParseClasses(s.Get("class"))
	if err != nil {
		return plain(err.Error())
	}
	sub := a.subject(u, class)
	if from, err := policy.ParseNetworks(s.Get("network")); err == nil && from != 0 {
		sub.Network = from
	}
	if at := text.ParseMoment(s.Get("at")); at != 0 {
		sub.Now = at
	}
	must := s.Words[2] == ""
	for item := range strings.SplitSeq(s.Words[3], ",") {
		want, err := policy.ParseRights(item)
		if err != nil {
			return plain(err.Error())
		}
		if x := state.Explain(sub, at, want); x.Allowed() != must {
			return checkOf(state, p, want, &x).Why
		}
	}
	return ""
}
