package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/policy/text"
)

func newPolicy(g *global) *cobra.Command {
	return noun("policy", "the rules of the whole instance, and the whole policy as text",
		newPolicyShow(g), newPolicySet(g),
		newPolicyExport(g), newPolicyPlan(g), newPolicyApply(g), newPolicyTest(g))
}

// exported is what export answers programs.
type exported struct {
	Text string `json:"text"`
}

func newPolicyExport(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export [FILE]",
		Short: "write the policy of this moment",
		Long: `write the policy of this moment: settings, profiles, groups, roles, accounts,
spaces, levels, access lists, cuts, limits and shares. equal policies give equal
bytes. passwords, devices and links are no part of it.`,
		Example: "  davit policy export office.policy",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		got, err := do(cmd.Context(), g, admin.ExportPolicy, admin.None{})
		if err != nil {
			return err
		}
		if len(args) > 0 {
			if err := os.WriteFile(args[0], got.Text, 0o666); err != nil {
				return fmt.Errorf("write the policy: %w", err)
			}
			return nil
		}
		if g.json {
			return g.print(exported{string(got.Text)}, nil)
		}
		_, err = g.out.Write(got.Text)
		return err
	}
	return cmd
}

func newPolicyPlan(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "show what a file would change, and change nothing",
		Long: `show what a file would change, and change nothing. - reads standard input.

+  comes
-  goes; only a file with the statement complete takes anything away
~  changes
!  apply refuses the file: it is complete and does not mention this`,
		Example: "  davit policy plan office.policy",
	}
	return carries(g, cmd, admin.PlanPolicy, g.policyFile, func(p *printer, plan admin.PolicyPlan) {
		showPlan(p, plan)
		if len(plan.Changes)+len(plan.Refused) == 0 {
			p.line("nothing to do")
		}
	})
}

func newPolicyApply(g *global) *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "make the policy what a file says, all of it or nothing",
		Long: `make the policy what a file says, all of it or nothing. - reads standard input.
the file's assertions are asked of the policy that would be: when one does not
hold, nothing is changed, and the exit code is 4. accounts and spaces are made
and never removed.`,
		Example: "  davit policy apply office.policy --dry-run\n  davit policy apply office.policy",
	}
	changing(g, cmd, admin.ApplyPolicy.Name())
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "do all of it and give it back: what comes out is what apply would say")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := g.policyFile(args)
		if err != nil {
			return err
		}
		if g.foretells != nil {
			return g.foretell(cmd.Context(), admin.ApplyPolicy.Name(), in)
		}
		apply, ended := carryOut[admin.PolicyText, admin.PolicyPlan], "%s made"
		op := admin.ApplyPolicy
		if dryRun {
			apply, op, ended = do, admin.RehearsePolicy, "%s would be made; none is"
		}
		plan, err := apply(cmd.Context(), g, op, in)
		if err != nil {
			return err
		}
		return g.print(plan, func(p *printer) {
			showPlan(p, plan)
			if plan.Assertions > 0 {
				p.line("%s checked", counted(plan.Assertions, "assertion"))
			}
			if len(plan.Changes) == 0 {
				p.line("nothing to do")
				return
			}
			p.line(ended, counted(len(plan.Changes), "change"))
		})
	}
	return cmd
}

func newPolicyTest(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "ask the assertions of a file of the present policy",
		Long: `ask the assertions of a file of the present policy. - reads standard input. exit
code 4 says that one does not hold; what else the file says is not compared.`,
		Example: "  davit policy test office.policy",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := g.policyFile(args)
		if err != nil {
			return err
		}
		got, err := do(cmd.Context(), g, admin.TestPolicy, in)
		if err != nil {
			return err
		}
		err = g.print(got, func(p *printer) {
			for _, f := range got.Failed {
				p.line("%s", f)
			}
			p.line("%s, %d failed", counted(got.Asked, "assertion"), len(got.Failed))
		})
		if err == nil && len(got.Failed) > 0 {
			return answered(exitRefused)
		}
		return err
	}
	return cmd
}

// policyFile reads the text of a policy.
func (g *global) policyFile(args []string) (admin.PolicyText, error) {
	in := g.in
	if args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return admin.PolicyText{}, fmt.Errorf("read the policy: %w", err)
		}
		defer f.Close()
		in = f
	}
	// One byte more than there may be, for the operation to refuse.
	b, err := io.ReadAll(io.LimitReader(in, text.SizeMax+1))
	if err != nil {
		return admin.PolicyText{}, fmt.Errorf("read the policy: %w", err)
	}
	return admin.PolicyText{Text: b}, nil
}

func showPlan(p *printer, plan admin.PolicyPlan) {
	for _, c := range plan.Changes {
		p.line("%s", strings.TrimRight(c.Sign+" "+c.Text+" "+strings.Join(c.Differences, ", "), " "))
	}
	for _, r := range plan.Refused {
		p.line("! %s", r)
	}
	for _, note := range plan.Notes {
		p.line("%s", note)
	}
}
