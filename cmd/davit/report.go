package main

import (
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/policy"
)

// asking is the client that a question is about.
type asking struct{ class, network string }

func (a *asking) flags(cmd *cobra.Command) {
	a.classFlag(cmd)
	cmd.Flags().StringVar(&a.network, "network", policy.Inside.String(), "`where` the client is: inside, outside, unknown")
}

// classFlag is for questions about clients anywhere.
func (a *asking) classFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.class, "class", policy.DAV.String(), "`kind` of client that asks: web, mobile, desktop, dav, unknown")
}

func (a *asking) client(cmd *cobra.Command) (c admin.Standpoint, err error) {
	if c.Class, err = policy.ParseClasses(a.class); err != nil {
		return c, misusedBy(cmd, err)
	}
	network, err := policy.ParseNetworks(strings.TrimPrefix(a.network, "unknown"))
	if err != nil {
		return c, misusedBy(cmd, err)
	}
	c.Network = &network
	return c, nil
}

func newReach(g *global) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use:   "reach USER",
		Short: "show everything that a user can reach, and through what",
		Long: `show everything that a user can reach, and through what: the spaces, and the
places in them where the rights differ from those above.`,
		Example: "  davit reach mia",
	}
	a.flags(cmd)
	read := func(args []string) (q admin.Asker, err error) {
		q.User = args[0]
		q.Standpoint, err = a.client(cmd)
		return q, err
	}
	return carries(g, cmd, admin.Reach, read, func(p *printer, all []admin.Reached) {
		p.row("path", "level", "rights", "through")
		for _, r := range all {
			level := r.Level
			if r.Shell {
				level = "way only"
			}
			p.row(r.Path, level, r.Rights.String(), list(r.Through))
		}
	})
}

func newWho(g *global) *cobra.Command {
	var a asking
	var then past
	cmd := &cobra.Command{
		Use:   "who PATH",
		Short: "show everybody who can reach a file or folder, and through what",
		Long: `show everybody who can reach a file or folder, and through what. with --at or
--epoch it is answered by the policy of that moment, out of the audit trail, for
the place where the path stands today.`,
		Example: "  davit who /Finance/2026\n  davit who /Finance/2026 --at 2027-01-31\n  davit who /Finance --epoch first",
	}
	a.flags(cmd)
	then.flags(cmd)
	read := func(args []string) (q admin.Place, err error) {
		q.Path = args[0]
		q.Standpoint, err = a.client(cmd)
		return q, err
	}
	now := carries(g, cmd, admin.Who, read, showHolders).RunE
	before := carries(g, cmd, admin.WhoThen, func(args []string) (q admin.PastPlace, err error) {
		if q.Place, err = read(args); err == nil {
			err = then.read(cmd, &q)
		}
		return q, err
	}, showPast).RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if then.asked() {
			return before(cmd, args)
		}
		return now(cmd, args)
	}
	return cmd
}

func showHolders(p *printer, all []admin.Holder) {
	p.row("user", "level", "rights", "through")
	for _, h := range all {
		p.row(h.User, h.Level, h.Rights.String(), list(h.Through))
	}
}
