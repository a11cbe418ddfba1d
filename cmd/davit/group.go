package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newGroup(g *global) *cobra.Command {
	return noun("group", "groups of users and of other groups",
		carries(g, &cobra.Command{Use: "add NAME", Short: "make a group without members"},
			admin.AddGroup, named, func(p *printer, gr admin.Group) { p.line("group %s added", gr.Name) }),
		newGroupSet(g),
		carries(g, &cobra.Command{Use: "remove NAME", Short: "delete a group and every line that names it"},
			admin.RemoveGroup, named, func(p *printer, gr admin.Group) { p.line("group %s removed", gr.Name) }),
		carries(g, &cobra.Command{Use: "list", Short: "list the groups"}, admin.ListGroups, nothing, showGroups),
		carries(g, &cobra.Command{Use: "show NAME", Short: "show one group"}, admin.ShowGroup, named, showGroup),
		carries(g, &cobra.Command{
			Use: "join GROUP PRINCIPAL...", Short: "make users or groups members of a group",
			Example: "  davit group join staff mia group:interns",
		}, admin.JoinGroup, membership, showMembers),
		carries(g, &cobra.Command{Use: "leave GROUP PRINCIPAL...", Short: "end memberships in a group"},
			admin.LeaveGroup, membership, showMembers),
	)
}

type groupSetOptions struct {
	name     string
	managers []string
}

func newGroupSet(g *global) *cobra.Command {
	var o groupSetOptions
	cmd := &cobra.Command{
		Use: "set GROUP", Short: "change the name or the managers of a group",
		Long: `change the name or the managers of a group. its managers add to it and take from
it, as long as that gives nobody more than they could give themselves.`,
		Example: "  davit group set sales --managers max,mona\n  davit group set sales --managers ''",
	}
	cmd.Flags().StringVar(&o.name, "name", "", "new `name`")
	cmd.Flags().StringSliceVar(&o.managers, "managers", nil, "`users` who manage it, instead of those before; empty for nobody")
	read := func(args []string) (admin.EditGroup, error) {
		return admin.EditGroup{Name: args[0], NewName: given(cmd, "name", &o.name), Managers: given(cmd, "managers", &o.managers)}, nil
	}
	return carries(g, cmd, admin.SetGroup, read, func(p *printer, gr admin.Group) { p.line("group %s changed", gr.Name) })
}

func membership(args []string) (admin.Membership, error) {
	return admin.Membership{Group: args[0], Members: args[1:]}, nil
}

func showGroups(p *printer, groups []admin.Group) {
	p.row("name", "users", "members", "in")
	for _, gr := range groups {
		p.row(gr.Name, strconv.Itoa(len(gr.Users)), list(gr.Members), list(gr.Groups))
	}
}

func showGroup(p *printer, gr admin.Group) {
	p.field("name", gr.Name)
	p.field("members", list(gr.Members))
	p.field("users", list(gr.Users))
	p.field("in", list(gr.Groups))
	p.field("managers", list(gr.Managers))
}

func showMembers(p *printer, gr admin.Group) {
	if len(gr.Members) == 0 {
		p.line("group %s has no members", gr.Name)
		return
	}
	p.line("group %s: %s", gr.Name, list(gr.Members))
}
