package admin

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"net/http"
	"slices"
	"strings"

	"davit/policy"
	"davit/store"
)

// Operations that ask who may do what.
var (
	Explain = define("explain", (*Admin).mayAsk, (*Admin).Explain)
	Can     = define("can", (*Admin).mayAsk, (*Admin).Can)
)

// A Question asks what a user gets.
type Question struct {
	User string `json:"user"`
	// Ask is a method ("PUT") or rights ("read", "read,write", "level:editor").
	Ask  string `json:"ask"`
	Path string `json:"path"`
	To   string `json:"to,omitempty"` // the Destination of COPY and MOVE
	Standpoint
}

// An Answer tells what a user gets, and why.
type Answer struct {
	User    string `json:"user"`
	Ask     string `json:"ask"`
	Path    string `json:"path"`
	To      string `json:"to,omitempty"`
	Allowed bool   `json:"allowed"`
	// Status is what a client gets, as far as rights go; 0 when a right was asked.
	Status int     `json:"status,omitempty"`
	Why    string  `json:"why"` // the deciding line
	Checks []Check `json:"checks,omitempty"`
	// Flips are the smallest steps that would turn the answer.
	Flips []Flip `json:"flips,omitempty"`
	// Stuck: neither one step nor two turn it.
	Stuck bool `json:"stuck,omitempty"`
	// Epoch of the policy that was asked.
	Epoch uint64 `json:"epoch,omitempty"`
}

// A Check is one decision, with everything that went into it.
type Check struct {
	Path    string        `json:"path"` // what is asked of: a path, or the folder it would stand in
	Wanted  policy.Rights `json:"wanted"`
	Held    policy.Rights `json:"held"`
	Visible bool          `json:"visible"`
	// Shell: only the way to something below may be seen.
	Shell   bool `json:"shell,omitempty"`
	Pinned  bool `json:"pinned,omitempty"` // only the user's own entries grant in this space
	Allowed bool `json:"allowed"`
	// Status is what a client gets when this check decides.
	Status   int       `json:"status,omitempty"`
	Why      string    `json:"why"`
	Steps    []Step    `json:"steps"`
	Gifts    []Gift    `json:"gifts,omitempty"`
	Ceilings []Ceiling `json:"ceilings,omitempty"` // that took rights
	Verdicts []Verdict `json:"verdicts"`           // for each wanted right
}

// A Step is one entry that matched the user.
type Step struct {
	Where     string   `json:"where"` // a path, or "level" for a level of the space
	Principal string   `json:"principal"`
	Through   []string `json:"through,omitempty"` // the memberships that lead there
	Level     string   `json:"level,omitempty"`

	Allow  policy.Rights `json:"allow,omitempty"`
	Revoke policy.Rights `json:"revoke,omitempty"`
	Deny   policy.Rights `json:"deny,omitempty"`
	// Counted is what of Allow counted, before walls and ceilings.
	Counted policy.Rights `json:"counted,omitempty"`
	Skipped string        `json:"skipped,omitempty"` // why not all of it did
}

// A Ceiling cuts rights that the lists give.
type Ceiling struct {
	By     policy.Ceiling `json:"by"`
	Rights policy.Rights  `json:"rights"`
}

// A Verdict is what became of one right.
type Verdict struct {
	Right string `json:"right"`
	Held  bool   `json:"held"`
	By    string `json:"by"` // the deciding line
}

// Explain tells what a method or right comes to for a user at a path, and every
// step on the way there.
func (a *Admin) Explain(_ context.Context, q Question) (Answer, error) {
	answer, sub, err := a.explain(q)
	if err != nil {
		return Answer{}, err
	}
	return answer, a.addFlips(&answer, sub)
}

// explain is Explain without what would turn the answer.
func (a *Admin) explain(q Question) (Answer, policy.Subject, error) {
	sub, p, err := a.asker(q)
	if err != nil {
		return Answer{}, sub, err
	}
	answer, err := a.explainTo(q, sub, p)
	return answer, sub, err
}

func (a *Admin) explainTo(q Question, sub policy.Subject, p store.Path) (Answer, error) {
	if m, ok := methods[q.Ask]; ok {
		return a.explainMethod(q, sub, p, m)
	}
	want, err := policy.ParseRights(q.Ask)
	if err != nil || want == 0 {
		return Answer{}, invalid("methods: "+methodNames(), "no method or right %q", q.Ask)
	}
	return a.explainRight(q, sub, p, want)
}

// Can is the short form of Explain: the same answer without the steps.
func (a *Admin) Can(_ context.Context, q Question) (Answer, error) {
	answer, _, err := a.explain(q)
	answer.Checks = nil
	return answer, err
}

func (a *Admin) asker(q Question) (policy.Subject, store.Path, error) {
	u, err := findUser(a.st.Policy(), q.User)
	if err != nil {
		return policy.Subject{}, nil, err
	}
	p, err := ParsePath(q.Path)
	return a.using(u, q.Standpoint), p, err
}

func (a *Admin) explainRight(q Question, sub policy.Subject, p store.Path, want policy.Rights) (Answer, error) {
	of := p
	_, _, err := a.op.Place(p)
	if errors.Is(err, store.ErrNotFound) && len(p) > 1 {
		of = p[:len(p)-1]
		_, _, err = a.op.Place(of)
	}
	if err != nil {
		return Answer{}, err
	}
	c, err := a.ask(sub, of, want)
	if err != nil {
		return Answer{}, err
	}
	answer := a.answer(q, sub, p, []Check{c})
	answer.Status = 0
	if len(of) < len(p) {
		answer.Why += fmt.Sprintf(" (nothing stands at %s yet; asked of %s)", p, of)
	}
	return answer, nil
}

// answer puts checks together; the last one decides.
func (a *Admin) answer(q Question, sub policy.Subject, p store.Path, checks []Check) Answer {
	state := a.st.Policy()
	u := state.User(sub.User)
	decisive := checks[len(checks)-1]
	answer := Answer{
		Epoch: state.Epoch, Ask: q.Ask, Path: p.String(), To: q.To,
		Allowed: decisive.Allowed, Status: decisive.Status, Why: decisive.Why, Checks: checks,
	}
	if u != nil {
		answer.User = u.Name
	}
	if !u.ActiveAt(sub.Now) {
		answer.Allowed, answer.Status = false, http.StatusUnauthorized
		answer.Why = ceilingTexts[policy.CutByAccount]
	}
	return answer
}

// ask has policy explain one decision about something that exists.
func (a *Admin) ask(sub policy.Subject, p store.Path, want policy.Rights) (Check, error) {
	x, err := a.op.Explain(p, sub, want)
	if err != nil {
		return Check{}, err
	}
	return checkOf(a.st.Policy(), p, x.Wanted, &x), nil
}

// checkOf tells an explanation in the names of a policy.
func checkOf(state *policy.State, p store.Path, want policy.Rights, x *policy.Explanation) Check {
	c := Check{
		Path: p.String(), Wanted: want, Held: x.Held, Visible: x.Visible, Shell: x.Shell, Pinned: x.Pinned,
		Allowed: want&^x.Held == 0, Steps: []Step{}, Verdicts: []Verdict{},
	}
	for i := range x.Steps {
		c.Steps = append(c.Steps, stepShown(state, p, &x.Steps[i]))
	}
	for i := range x.Gifts {
		c.Gifts = append(c.Gifts, giftShown(state, p, &x.Gifts[i]))
	}
	for _, cut := range x.Cuts {
		c.Ceilings = append(c.Ceilings, Ceiling{cut.By, cut.Rights})
	}
	for rest := want; rest != 0; rest &= rest - 1 {
		right := policy.Right(1) << bits.TrailingZeros32(uint32(rest))
		by := decidedBy(&c, x.KeepsManage, right)
		c.Verdicts = append(c.Verdicts, Verdict{right.String(), x.Held&right != 0, by})
	}
	c.Why = c.deciding()
	return c
}

// deciding is the line that decides the check: of the first right that is
// missing, or of the first at all.
func (c *Check) deciding() string {
	for _, v := range c.Verdicts {
		if !v.Held {
			return v.Right + ": " + v.By
		}
	}
	if len(c.Verdicts) == 0 {
		return ""
	}
	return c.Verdicts[0].Right + ": " + c.Verdicts[0].By
}

func stepShown(state *policy.State, p store.Path, s *policy.Step) Step {
	shown := Step{
		Where: whereLevel, Principal: state.PrincipalName(s.Principal), Level: s.Level,
		Allow: s.Allow, Revoke: s.Revoke, Deny: s.Deny, Counted: s.Granted, Skipped: s.Skipped,
	}
	if s.Depth >= 0 {
		shown.Where = p[:min(s.Depth+1, len(p))].String()
	}
	for _, id := range s.Via {
		shown.Through = append(shown.Through, state.PrincipalName(id))
	}
	return shown
}

// ceilingTexts say what each ceiling means to a reader.
var ceilingTexts = map[policy.Ceiling]string{
	policy.CutByAccount:    "the account is deactivated or has expired",
	policy.CutByType:       "the account's type never has it",
	policy.CutByProfile:    "the account's profile does not open it",
	policy.CutByKind:       "this kind of space never gives it to guests",
	policy.CutByState:      "the space's state forbids it",
	policy.CutByInstance:   "the settings of the instance switch it off",
	policy.CutByCredential: "the credential does not let it through",
}

// decidedBy is the line that decides one right. What some step counted and no
// ceiling took, yet is not held, a wall took.
func decidedBy(c *Check, keepsManage int, right policy.Right) string {
	last := func(says func(*Step) bool) *Step {
		for i := range slices.Backward(c.Steps) {
			if says(&c.Steps[i]) {
				return &c.Steps[i]
			}
		}
		return nil
	}
	for _, cut := range c.Ceilings {
		if cut.Rights&right != 0 {
			return "cut by the ceiling " + string(cut.By) + ": " + ceilingTexts[cut.By]
		}
	}
	counted := last(func(s *Step) bool { return s.Counted&right != 0 })
	kept := keepsManage >= 0 && right&(policy.See|policy.ReadACL|policy.Manage) != 0
	gift := c.giftOf(right)
	switch wall := last(func(s *Step) bool { return s.Deny&right != 0 }); {
	case (counted != nil || kept || gift != nil) && c.Held&right == 0 && wall != nil:
		return "denied to " + wall.name() + ", a wall that nothing below lifts"
	case counted != nil:
		return "allowed to " + counted.name()
	case kept && c.Held&right != 0:
		return "kept by who manages the space, in every folder that is cut"
	case gift != nil:
		return gift.name()
	}
	if g := c.notGiven(right); g != nil {
		return g.name() + ", who does not hold it any more"
	}
	if s := last(func(s *Step) bool { return s.Revoke&right != 0 && s.Skipped == "" }); s != nil {
		return "revoked from " + s.name() + ", and nothing else gives it"
	}
	if s := last(func(s *Step) bool { return s.Allow&right != 0 }); s != nil {
		return "allowed to " + s.name() + ", which does not count: " + s.Skipped
	}
	return "no line gives it"
}

// name says whose entry it is, where, and how the user comes to it.
func (s *Step) name() string {
	name := s.Principal
	if s.Where == whereLevel {
		name += " by its level"
		if s.Level != "" {
			name += " " + s.Level
		}
	} else {
		name += " at " + s.Where
	}
	if len(s.Through) > 1 {
		name += " (through " + strings.Join(s.Through, " > ") + ")"
	}
	return name
}
