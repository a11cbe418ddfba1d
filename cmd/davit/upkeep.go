package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newCheck(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "compare everything in the store with everything else",
		Long: `compare everything in the store with everything else. it changes nothing and may
run beside requests; exit code 1 says that there are faults. with --repair what
calendar objects are found by is worked out anew from them before.`,
	}
	repair := cmd.Flags().Bool("repair", false, "work out anew what can be, first")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *repair {
			r, err := do(cmd.Context(), g, admin.ReindexCalendars, admin.None{})
			if err != nil {
				return err
			}
			for _, fault := range r.Faults {
				fmt.Fprintln(cmd.ErrOrStderr(), fault)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s worked out anew\n", counted(r.Objects, "calendar object"))
		}
		c, err := do(cmd.Context(), g, admin.CheckStore, admin.None{})
		if err != nil {
			return err
		}
		err = g.print(c, func(p *printer) {
			p.line("%s, %s, %s, %s, %s: %s", counted(c.Spaces, "space"), counted(c.Collections, "folder"),
				counted(c.Files, "file"), counted(c.Locks, "lock"), counted(c.Links, "link"), size(c.Bytes))
			showFaults(p, c.Faults)
		})
		return faulty(err, c.Faults)
	}
	return cmd
}

func newScrub(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scrub",
		Short: "read all content and compare it with its checksums",
		Long:  "read all content that is in use and compare it with its checksums; exit code 1 says that some has changed.",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := do(cmd.Context(), g, admin.Scrub, admin.None{})
		if err != nil {
			return err
		}
		err = g.print(s, func(p *printer) {
			p.line("%s read: %s", counted(s.Files, "file"), size(s.Bytes))
			showFaults(p, s.Faults)
		})
		return faulty(err, s.Faults)
	}
	return cmd
}

func showFaults(p *printer, faults []string) {
	if len(faults) == 0 {
		p.line("no faults")
	}
	for _, fault := range faults {
		p.line("fault: %s", fault)
	}
}

// faulty is the exit code of a report that was printed.
func faulty(err error, faults []string) error {
	if err == nil && len(faults) > 0 {
		return answered(exitFailed)
	}
	return err
}

func newCollect(g *global) *cobra.Command {
	var grace time.Duration
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "erase content that nobody uses any more",
		Long:  "erase content that nobody uses any more. a running server does so each hour by itself.",
	}
	cmd.Flags().DurationVar(&grace, "grace", admin.Grace, "unused for at least so `long`")
	read := func([]string) (admin.Collection, error) {
		return admin.Collection{GraceSeconds: int64(grace / time.Second)}, nil
	}
	return carries(g, cmd, admin.Collect, read, func(p *printer, c admin.Collected) {
		p.line("%s erased, %s removed: %s", counted(c.Contents, "content"), counted(c.Files, "file"), size(c.Bytes))
	})
}
