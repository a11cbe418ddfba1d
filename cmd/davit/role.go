package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newRole(g *global) *cobra.Command {
	return noun("role", "roles, which give rights where an entry or a level names them",
		carries(g, &cobra.Command{Use: "add NAME", Short: "make a role that nobody has", Example: "  davit role add auditor"},
			admin.AddRole, named, func(p *printer, r admin.Role) { p.line("role %s added", r.Name) }),
		carries(g, &cobra.Command{Use: "remove NAME", Short: "delete a role and every line that names it"},
			admin.RemoveRole, named, func(p *printer, r admin.Role) { p.line("role %s removed", r.Name) }),
		carries(g, &cobra.Command{Use: "list", Short: "list the roles"}, admin.ListRoles, nothing, showRoles),
		carries(g, &cobra.Command{Use: "show NAME", Short: "show one role"}, admin.ShowRole, named, showRole),
		carries(g, &cobra.Command{
			Use: "give ROLE PRINCIPAL...", Short: "give a role to users or groups",
			Example: "  davit role give auditor mia group:board",
		}, admin.GiveRole, grant, showGiven),
		carries(g, &cobra.Command{Use: "take ROLE PRINCIPAL...", Short: "take a role away again"},
			admin.TakeRole, grant, showGiven),
	)
}

func grant(args []string) (admin.Grant, error) {
	return admin.Grant{Role: args[0], To: args[1:]}, nil
}

func showRoles(p *printer, roles []admin.Role) {
	p.row("name", "users", "given to")
	for _, r := range roles {
		p.row(r.Name, strconv.Itoa(len(r.Users)), list(r.Given))
	}
}

func showRole(p *printer, r admin.Role) {
	p.field("name", r.Name)
	p.field("given to", list(r.Given))
	p.field("users", list(r.Users))
}

func showGiven(p *printer, r admin.Role) {
	if len(r.Given) == 0 {
		p.line("nobody has the role %s", r.Name)
		return
	}
	p.line("role %s: %s", r.Name, list(r.Given))
}
