package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/policy"
)

func newACL(g *global) *cobra.Command {
	return noun("acl", "access lists of folders and files",
		newACLSet(g),
		carries(g, &cobra.Command{
			Use: "show PATH [PRINCIPAL]", Short: "show every line that counts at a path, from the space down",
		}, admin.ShowAccess, accessOf, showAccess),
		carries(g, &cobra.Command{
			Use: "clear PATH [PRINCIPAL]", Short: "take the lines of a principal, or all, out of the list of a path",
		}, admin.ClearAccess, accessOf, showAccess),
		carries(g, &cobra.Command{
			Use: "cut PATH", Short: "stop inheritance at a folder",
			Long: `stop inheritance at a folder: only lines there and below give anything.
walls from above hold all the same, and who manages the space keeps a way in.`,
		}, admin.CutAccess, located, showAccess),
		carries(g, &cobra.Command{Use: "uncut PATH", Short: "let a folder inherit again"}, admin.UncutAccess, located, showAccess),
	)
}

type aclSetOptions struct {
	allow, revoke, deny string
	conditionOptions
}

func newACLSet(g *global) *cobra.Command {
	var o aclSetOptions
	cmd := &cobra.Command{
		Use:   "set PATH PRINCIPAL",
		Short: "put a line into the access list of a folder or file",
		Long: `put a line into the access list of a folder or file, in place of the line of the
same principal under the same conditions. the line counts there and below.

allow   the principal has these rights
revoke  the principal no longer has them through itself; others are not touched
deny    a wall: nobody in the principal has them, whatever else is allowed

rights: all, level:NAME, or some of
` + rightLines(),
		Example: `  davit acl set /Finance/2026 group:staff --allow read,write
  davit acl set /Finance/2026 mia --allow level:editor+share --until 90d
  davit acl set /Finance/board group:interns --deny all`,
	}
	f := cmd.Flags()
	f.StringVar(&o.allow, "allow", "", "`rights` to allow")
	f.StringVar(&o.revoke, "revoke", "", "`rights` to revoke")
	f.StringVar(&o.deny, "deny", "", "`rights` to deny")
	o.flags(cmd)
	read := func(args []string) (admin.NewAccess, error) {
		n := admin.NewAccess{Path: args[0], Principal: args[1], Allow: o.allow, Revoke: o.revoke, Deny: o.deny}
		var err error
		n.Conditions, err = o.conditions(cmd)
		return n, err
	}
	return carries(g, cmd, admin.SetAccess, read, showAccess)
}

// rightLines are the names of all rights in lines of a help text.
func rightLines() string {
	const perLine = 9
	var lines []string
	for names := range slices.Chunk(policy.All.Names(), perLine) {
		lines = append(lines, strings.Join(names, " "))
	}
	return strings.Join(lines, "\n")
}

// conditionOptions say when an entry counts.
type conditionOptions struct{ class, network, from, until string }

func (o *conditionOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.class, "class", "", "count only for these `clients`: web, mobile, desktop, dav")
	f.StringVar(&o.network, "network", "", "count only for clients `inside` or outside of the networks that davit policy show tells")
	f.StringVar(&o.from, "from", "", "count from this `time` on: 2027-01-31, 2027-01-31T18:00, 90d")
	f.StringVar(&o.until, "until", "", "count before this `time` only")
}

func (o *conditionOptions) conditions(cmd *cobra.Command) (c admin.Conditions, err error) {
	now := time.Now()
	c.Class, err = policy.ParseClasses(o.class)
	if err == nil {
		c.Network, err = policy.ParseNetworks(o.network)
	}
	if err == nil {
		c.From, err = parseMoment(o.from, now)
	}
	if err == nil {
		c.Until, err = parseMoment(o.until, now)
	}
	if err != nil {
		return c, misusedBy(cmd, err)
	}
	return c, nil
}

func accessOf(args []string) (admin.AccessOf, error) {
	of := admin.AccessOf{Path: args[0]}
	if len(args) > 1 {
		of.Principal = args[1]
	}
	return of, nil
}

func located(args []string) (admin.Located, error) { return admin.Located{Path: args[0]}, nil }

func showAccess(p *printer, acc admin.Access) {
	p.row("where", "principal", "allow", "revoke", "deny", "when")
	for _, l := range acc.Lines {
		allow := rights(l.Allow)
		if l.Level != "" {
			allow = "level:" + l.Level
		}
		p.row(l.Where, l.Principal, allow, rights(l.Revoke), rights(l.Deny), when(l.Conditions))
	}
	if acc.Cut {
		p.line("%s is cut: nothing but walls is inherited into it", acc.Path)
	}
	showShares(p, acc.Shares)
	for _, note := range acc.Notes {
		p.line("%s", note)
	}
}
