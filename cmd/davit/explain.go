package main

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
)

type explainOptions struct {
	asking
	to string
}

func (o *explainOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.to, "to", "", "destination `path` of COPY and MOVE")
	o.asking.flags(cmd)
}

func (o *explainOptions) question(cmd *cobra.Command, args []string) (admin.Question, error) {
	client, err := o.client(cmd)
	return admin.Question{User: args[0], Ask: args[1], Path: args[2], To: o.to, Standpoint: client}, err
}

func newCan(g *global) *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "can USER RIGHT PATH",
		Short: "say whether a user holds a right at a path, or may use a method there",
		Long: `say whether a user holds a right at a path, or may use a method there, and why.
exit code 0 is yes, 4 is no.`,
		Example: "  davit can mia write /Finance/2026\n  davit can mia MOVE /Finance/a.txt --to /Finance/b.txt",
	}
	o.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q, err := o.question(cmd, args)
		if err != nil {
			return err
		}
		answer, err := do(cmd.Context(), g, admin.Can, q)
		if err != nil {
			return err
		}
		word := "no"
		if answer.Allowed {
			word = "yes"
		}
		err = g.print(answer, func(p *printer) { p.line("%s: %s", word, answer.Why) })
		if err == nil && !answer.Allowed {
			return answered(exitRefused)
		}
		return err
	}
	return cmd
}

func newExplain(g *global) *cobra.Command {
	var o explainOptions
	var id string
	cmd := &cobra.Command{
		Use:   "explain [USER] [METHOD] [PATH]",
		Short: "show step by step what a request of a user comes to",
		Long: `show step by step what a request of a user comes to: every line that names the
user or a group of the user's, what counted and why not, the ceilings, the line
that decides and the status a client gets. METHOD is one of WebDAV's, or a right.
locks, conditions and quota are judged after the rights and are not asked here.
--id shows instead why a client was refused, as it was decided then: the ID
stands in the answer that the client got and in davit audit list.`,
		Example: "  davit explain mia PUT /Finance/2026/plan.odt\n  davit explain mia read /Finance --json\n  davit explain --id 5jq2kzt7ab",
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&id, "id", "", "`decision` by which a client was refused")
	fresh := carries(g, cmd, admin.Explain, func(args []string) (admin.Question, error) { return o.question(cmd, args) }, showAnswer).RunE
	kept := carries(g, cmd, admin.ExplainDecision, func([]string) (admin.DecisionID, error) { return admin.DecisionID{ID: id}, nil }, showDecision).RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case id != "" && len(args) > 0:
			return misused(cmd, "--id names a decision, which has its own user, method and path")
		case id != "":
			return kept(cmd, args)
		case len(args) < 3:
			return misused(cmd, "missing %s", []string{"USER", "METHOD", "PATH"}[len(args)])
		}
		return fresh(cmd, args)
	}
	return cmd
}

func showDecision(p *printer, d admin.Decision) {
	p.line("decision %s, %s, epoch %d, %s", d.ID, moment(&d.At), d.Epoch, d.Via)
	showAnswer(p, d.Answer)
}

func showAnswer(p *printer, a admin.Answer) {
	word := "refused"
	if a.Allowed {
		word = "allowed"
	}
	what := a.User + " " + a.Ask + " " + a.Path
	if a.To != "" {
		what += " to " + a.To
	}
	if a.Status != 0 {
		word += ", a client gets " + strconv.Itoa(a.Status) + " " + http.StatusText(a.Status)
	}
	p.line("%s: %s", what, word)
	p.line("because %s", a.Why)
	for i := range a.Checks {
		p.line("")
		showCheck(p, &a.Checks[i])
	}
	showFlips(p, a)
}

// showFlips tells what would turn the answer, with the commands to type.
func showFlips(p *printer, a admin.Answer) {
	switch {
	case a.Stuck:
		p.line("\nneither one step nor two would change it")
		return
	case len(a.Flips) == 0:
		return
	case a.Allowed:
		p.line("\nwould take it away:")
	case len(a.Flips[0].Commands) > 1 || len(a.Flips[0].Commands) == 1 && a.Flips[0].Otherwise != "":
		p.line("\nno single step would change it; these together would:")
	default:
		p.line("\nwould change it:")
	}
	for _, f := range a.Flips {
		if f.Otherwise != "" {
			p.line("  to ask %s", f.Otherwise)
		}
		for _, command := range f.Commands {
			concerns := ""
			if f.Accounts > 1 {
				concerns = "  # concerns " + counted(f.Accounts, "user")
			}
			p.line("  %s%s", command, concerns)
		}
	}
}

func showCheck(p *printer, c *admin.Check) {
	held := rights(c.Held)
	if held == "" {
		held = "nothing"
	}
	p.line("asked of %s", c.Path)
	p.line("wanted: %s", c.Wanted)
	p.line("held: %s", held)
	switch {
	case c.Shell:
		p.line("visible as the way to something below, without content")
	case !c.Visible:
		p.line("hidden")
	}
	if c.Pinned {
		p.line("pinned: only the user's own level and lines give anything in this space")
	}
	if len(c.Steps) == 0 {
		p.line("no line names the user or a group of the user's")
	} else {
		p.row("where", "principal", "through", "line", "counted", "left out because")
	}
	for i := range c.Steps {
		s := &c.Steps[i]
		through := ""
		if len(s.Through) > 1 {
			through = strings.Join(s.Through, " > ")
		}
		p.row(s.Where, s.Principal, through, lineOf(s), countedOf(s), s.Skipped)
	}
	for i := range c.Gifts {
		g := &c.Gifts[i]
		p.line("share %s: %s gives %s %s at %s, of which he holds %s", g.ID, g.By, g.To, g.Rights, g.Where, g.Counted)
	}
	for _, ceiling := range c.Ceilings {
		p.line("the ceiling %s took %s", ceiling.By, ceiling.Rights)
	}
	for _, v := range c.Verdicts {
		word := "missing"
		if v.Held {
			word = "held"
		}
		p.line("%s is %s: %s", v.Right, word, v.By)
	}
	if c.Allowed && c.Wanted&^c.Held != 0 {
		p.line("allowed all the same, because %s", c.Why)
	}
}

// lineOf is an entry as acl set takes it.
func lineOf(s *admin.Step) string {
	var parts []string
	switch {
	case s.Level != "":
		parts = append(parts, "allow level:"+s.Level)
	case s.Allow != 0:
		parts = append(parts, "allow "+s.Allow.String())
	}
	if s.Revoke != 0 {
		parts = append(parts, "revoke "+s.Revoke.String())
	}
	if s.Deny != 0 {
		parts = append(parts, "deny "+s.Deny.String())
	}
	return strings.Join(parts, ", ")
}

func countedOf(s *admin.Step) string {
	switch {
	case s.Allow == 0:
		return ""
	case s.Counted == s.Allow:
		return "all of it"
	case s.Counted == 0:
		return "nothing"
	}
	return s.Counted.String()
}
