package main

import (
	"time"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newShare(g *global) *cobra.Command {
	return noun("share", "what people share with people: at most what they hold, and no longer",
		newShareAdd(g),
		newShareList(g),
		carries(g, &cobra.Command{Use: "remove ID", Short: "end a share, from the next request on"}, admin.RemoveShare, named,
			func(p *printer, s admin.Share) { p.line("share %s of %s ended", s.ID, s.Path) }),
		newShareAdopt(g),
	)
}

// shareOptions are what a share and a link have in common.
type shareOptions struct{ by, rights, until, label string }

func (o *shareOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.by, "by", "", "`user` who shares; may share what he could over a connection")
	f.StringVar(&o.rights, "rights", "viewer", "a level, `rights`, or both: editor; read,write; level:editor+share")
	f.StringVar(&o.until, "until", "", "`time` of its end: 2027-01-31, 2027-01-31T18:00, 90d")
	f.StringVar(&o.label, "label", "", "`text` to tell it by")
}

func (o *shareOptions) read(cmd *cobra.Command, args []string) (admin.NewShare, error) {
	n := admin.NewShare{Path: args[0], By: o.by, Rights: o.rights, Label: o.label}
	var err error
	if n.Until, err = parseMoment(o.until, time.Now()); err != nil {
		return n, misusedBy(cmd, err)
	}
	return n, nil
}

func newShareAdd(g *global) *cobra.Command {
	var o shareOptions
	var to string
	cmd := &cobra.Command{
		Use:   "add PATH",
		Short: "share a file or folder with a user, group or role",
		Long: `share a file or folder with a user, group or role. it gives at most what the
user who shares holds there, at every request anew. others find what is shared
of a personal drive in /dav/shared/, below the name of its owner.`,
		Example: `  davit share add '~mia/plans' --by mia --to max --rights editor
  davit share add /Finance/2026 --by mia --to group:audit --until 90d`,
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "", "`principal` to share with: max, group:staff, role:clerk, members")
	return carries(g, cmd, admin.AddShare, func(args []string) (admin.NewShare, error) {
		if to == "" {
			return admin.NewShare{}, misused(cmd, "say with --to whom to share with")
		}
		n, err := o.read(cmd, args)
		n.To = to
		return n, err
	}, func(p *printer, s admin.Share) {
		p.line("share %s: %s gives %s %s at %s", s.ID, s.By, s.To, gives(s.Level, s.Rights.String()), s.Path)
		if s.Asleep != "" {
			p.line("it gives nothing now: %s", s.Asleep)
		}
	})
}

func newShareList(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list shares, and why those that give nothing do",
		Example: `  davit share list --to max
  davit share list --path /Finance`,
	}
	which := whichShares(cmd)
	cmd.Flags().StringVar(&which.To, "to", "", "what this `principal` gets; a user also through groups")
	return carries(g, cmd, admin.ListShares, which.read, func(p *printer, shares []admin.Share) {
		p.row("id", "path", "by", "to", "rights", "until", "label", "asleep")
		for _, s := range shares {
			p.row(s.ID, s.Path, s.By, s.To, gives(s.Level, s.Rights.String()), moment(s.Until), s.Label, s.Asleep)
		}
	})
}

// which are the flags that choose shares.
type which struct{ admin.Which }

func whichShares(cmd *cobra.Command) *which {
	w := new(which)
	cmd.Flags().StringVar(&w.By, "by", "", "what this `user` gave")
	cmd.Flags().StringVar(&w.Path, "path", "", "what stands at this `path` or below")
	return w
}

func (w *which) read([]string) (admin.Which, error) { return w.Which, nil }

func newShareAdopt(g *global) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use:   "adopt ID",
		Short: "make a share or link that of another user, such as when its giver leaves",
		Long: `make a share or link that of another user, such as when its giver leaves. the
user has to manage the place and to hold what is shared.`,
		Example: "  davit share adopt 3f --by mona",
	}
	cmd.Flags().StringVar(&by, "by", "", "`user` whose share it becomes")
	return carries(g, cmd, admin.AdoptShare, func(args []string) (admin.Adoption, error) {
		return admin.Adoption{ID: args[0], By: by}, nil
	}, func(p *printer, s admin.Share) { p.line("share %s of %s is now given by %s", s.ID, s.Path, s.By) })
}

// gives is what a share gives, by the name of its level if it has one.
func gives(level, rights string) string {
	if level != "" {
		return level
	}
	return rights
}

// showShares tells the shares and links that lead to a path beside its list.
func showShares(p *printer, links []admin.Link) {
	for i := range links {
		l := &links[i]
		to := l.To
		if to == "" {
			to = "whoever has link " + l.ID
		}
		line := "shared by " + l.By + " with " + to + " at " + l.Path + ": " + gives(l.Level, l.Rights.String())
		if l.Until != nil {
			line += ", until " + moment(l.Until)
		}
		if l.Asleep != "" {
			line += "; asleep: " + l.Asleep
		}
		p.line("%s", line)
	}
}
