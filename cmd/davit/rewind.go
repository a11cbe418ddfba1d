package main

import (
	"time"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newRestoreTo(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore-to PATH TIME", Short: "make a space or folder what it was at a moment",
		Long: `make a space or folder what it was at a moment. What was made since goes into the
trash, what was deleted comes back from there, what was moved goes back, and files
get the versions that they had. TIME is a date, a date and time, or how long ago:
2027-01-31, 2027-01-31T18:00, 2h, 7d. PATH is that of the moment.

It is one change, or several when there is very much to do, and the command that
undoes it is shown. Rights, properties, locks and calendars stay as they are. When
something cannot be as it was, nothing is done without --partial.`,
		Example: "  davit restore-to /Finance 2h --dry-run\n  davit restore-to /Finance/2026 2026-11-22T10:00\n  davit restore-to '~mia' 7d --as mia",
	}
	var dryRun, partial bool
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be done, and do nothing")
	cmd.Flags().BoolVar(&partial, "partial", false, "leave out what cannot be as it was")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		at, err := pastMoment(args[1], time.Now())
		if err != nil {
			return misusedBy(cmd, err)
		}
		op := admin.Rewind
		if dryRun {
			op = admin.PlanRewind
		}
		done, err := do(cmd.Context(), g, op, admin.Backwards{Path: args[0], At: *at, Partial: partial})
		if err != nil {
			return err
		}
		return g.print(done, func(p *printer) { showRewound(p, done) })
	}
	return cmd
}

func showRewound(p *printer, r admin.Rewound) {
	for _, s := range r.Steps {
		if s.From != "" && s.From != s.Path {
			p.line("%s: %s, now %s", s.Do, s.Path, s.From)
		} else {
			p.line("%s: %s", s.Do, s.Path)
		}
	}
	for _, l := range r.Lost {
		p.line("not as it was: %s: %s", l.Path, l.Why)
	}
	at := r.At.Format(time.RFC3339Nano)
	switch {
	case r.Undo != nil:
		p.line("%s in %s: %s as it was at %s", counted(len(r.Steps), "step"), counted(r.Parts, "transaction"), r.Path, at)
		p.line("to undo it: davit restore-to '%s' %s", r.Path, r.Undo.Format(time.RFC3339Nano))
	case len(r.Steps)+len(r.Lost) == 0:
		p.line("nothing to do: %s is as it was at %s", r.Path, at)
	default:
		p.line("nothing was done; %s would make %s as it was at %s", counted(len(r.Steps), "step"), r.Path, at)
	}
}
