package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"davit/admin"
	"davit/policy"
)

func newWhatIf(g *global) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use:   "whatif COMMAND...",
		Short: "show what a command would change for whom, and change nothing",
		Long: `show what a command would change for whom, and change nothing: who gains and who
loses what where, how many stay as they are, and what else it touches. COMMAND
is any command that changes who may do what, written as ever. the digest in the
last line stands for the difference: the same command with --digest goes through
only if it would still make this one.`,
		Example: `  davit whatif group join contractors mia
  davit whatif profile set standard --functions files
  davit whatif --class mobile acl cut /Finance/2026`,
	}
	a.classFlag(cmd)
	cmd.Flags().SetInterspersed(false) // what follows the command's name is the command's
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		class, err := policy.ParseClasses(a.class)
		if err != nil {
			return misusedBy(cmd, err)
		}
		inner := *g
		inner.foretells = &class
		root := newRoot(&inner)
		sub, _, err := root.Find(args)
		if err != nil || sub == root {
			return misused(cmd, "no command %q", "davit "+strings.Join(args, " "))
		}
		if sub.Annotations[changes] == "" {
			return misused(cmd, "%s changes no policy: there is nothing to foretell", sub.CommandPath())
		}
		given := []string{}
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if root.PersistentFlags().Lookup(f.Name) != nil {
				given = append(given, "--"+f.Name+"="+f.Value.String())
			}
		})
		root.SetArgs(append(given, args...))
		return root.ExecuteContext(cmd.Context())
	}
	return cmd
}

// changes is the annotation of a command that changes the policy: its operation.
const changes = "changes"

// foretell tells what an operation would mean.
func (g *global) foretell(ctx context.Context, op string, args any) error {
	plan, err := admin.PlanOf(op, args)
	if err != nil {
		return err
	}
	plan.Class = *g.foretells
	told, err := do(ctx, g, admin.Foretell, plan)
	if err != nil {
		return err
	}
	return g.print(told, func(p *printer) { showForetold(p, told) })
}

// reviewed carries out an operation if it still means what was reviewed.
func reviewed[A, R any](ctx context.Context, g *global, op admin.Op[A, R], args A) (result R, err error) {
	plan, err := admin.PlanOf(op.Name(), args)
	if err != nil {
		return result, err
	}
	plan.Digest = g.digest
	text, err := do(ctx, g, admin.Review, plan)
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal(text, &result); err != nil {
		return result, errors.Join(errors.New("the answer cannot be read"), err)
	}
	return result, nil
}

// usersShown is how many users a difference names on a terminal; JSON tells all.
const usersShown = 200

func showForetold(p *printer, told admin.Foretold) {
	if len(told.Users) > 0 {
		p.row("user", "where", "is", "would be")
	}
	for i, u := range told.Users {
		if i == usersShown {
			p.line("and %s more; --json tells all", counted(len(told.Users)-i, "user"))
			break
		}
		for _, at := range u.Places {
			becomes := described(at.After)
			if at.Gained|at.Lost == 0 {
				becomes = "as before"
			}
			p.row(u.User, at.Path, described(at.Before), becomes)
		}
	}
	gain, lose := 0, 0
	for _, u := range told.Users {
		var gained, lost policy.Rights
		for _, at := range u.Places {
			gained |= at.Gained
			lost |= at.Lost
		}
		gain += min(1, int(gained))
		lose += min(1, int(lost))
	}
	p.line("%d gain, %d lose, %s would stay the same", gain, lose, counted(told.Same, "user"))
	showTouched(p, told)
	p.line("digest: %s", told.Digest)
}

// described is a set of rights by the name of a level where one matches:
// "viewer", "editor+share".
func described(r policy.Rights) string {
	level := policy.LevelOf(r)
	rights, err := policy.LevelRights(level)
	switch {
	case err != nil || level == "none" && r != 0:
		return r.String()
	case r == rights:
		return level
	}
	return level + "+" + strings.Join((r&^rights).Names(), "+")
}

// showTouched tells what else a change touches.
func showTouched(p *printer, told admin.Foretold) {
	for _, s := range told.Spaces {
		switch {
		case s.Before == "":
			p.line("space %s would be made", s.Space)
		case s.After == "":
			p.line("space %s would go", s.Space)
		default:
			p.line("space %s: %s would be %s", s.Space, s.Before, s.After)
		}
	}
	for _, l := range told.Limits {
		over := ""
		if l.Over {
			over = ", less than is stored there: nothing is lost, and nothing more fits"
		}
		p.line("limit of %s: %s would be %s%s", l.Path, l.Before, l.After, over)
	}
	for _, pin := range told.Pins {
		word := "unpinned"
		if pin.Pinned {
			word = "pinned"
		}
		p.line("%s would be %s in %s", pin.User, word, pin.Space)
	}
	for _, c := range told.Cuts {
		word := "inherit again"
		if c.Cut {
			word = "be cut: nothing but walls inherited"
		}
		p.line("%s would %s", c.Path, word)
	}
	for _, s := range told.Shares {
		p.line("what %s shares at %s with %s: %s would be %s", s.By, s.Path, s.To, described(s.Before), described(s.After))
	}
	if told.Locks > 0 {
		p.line("%s held by who could write there no longer", counted(told.Locks, "lock"))
	}
}
