package main

import (
	"github.com/spf13/cobra"

	"davit/admin"
	"davit/policy"
)

func newSpace(g *global) *cobra.Command {
	return noun("space", "group folders, rooms and portals",
		newSpaceAdd(g), newSpaceList(g),
		carries(g, &cobra.Command{Use: "show NAME", Short: "show one space and who is what in it"},
			admin.ShowSpace, named, showSpace),
		newSpaceSet(g),
		carries(g, &cobra.Command{Use: "archive NAME", Short: "leave a space to be read only"},
			admin.ArchiveSpace, named, func(p *printer, sp admin.Space) { p.line("space %s archived", sp.Name) }),
		carries(g, &cobra.Command{Use: "restore NAME", Short: "make an archived space active again"},
			admin.RestoreSpace, named, func(p *printer, sp admin.Space) { p.line("space %s is active", sp.Name) }),
	)
}

type spaceAddOptions struct{ kind, owner, quota string }

func newSpaceAdd(g *global) *cobra.Command {
	var o spaceAddOptions
	cmd := &cobra.Command{
		Use: "add NAME", Short: "make an empty space",
		Example: "  davit space add Finance --kind group-folder --quota 50GB\n  davit space add Launch --kind room --owner mia",
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "kind", string(policy.GroupFolder), "`what` it is: group-folder, room or portal")
	f.StringVar(&o.owner, "owner", "", "`user` who owns it and becomes its manager; nobody if not given")
	f.StringVar(&o.quota, "quota", "none", "`size` limit, or none")
	read := func(args []string) (admin.NewSpace, error) {
		return admin.NewSpace{Name: args[0], Kind: policy.SpaceKind(o.kind), Owner: o.owner, Quota: o.quota}, nil
	}
	return carries(g, cmd, admin.AddSpace, read, func(p *printer, sp admin.Space) { p.line("space %s added", sp.Name) })
}

func newSpaceList(g *global) *cobra.Command {
	var which admin.Spaces
	cmd := &cobra.Command{Use: "list", Short: "list the spaces"}
	cmd.Flags().BoolVar(&which.Personal, "personal", false, "list personal drives, too")
	read := func([]string) (admin.Spaces, error) { return which, nil }
	return carries(g, cmd, admin.ListSpaces, read, func(p *printer, spaces []admin.Space) {
		p.row("name", "kind", "state", "owner", "used", "quota")
		for _, sp := range spaces {
			p.row(sp.Name, string(sp.Kind), string(sp.State), sp.Owner, size(sp.Used), sp.Quota)
		}
	})
}

func showSpace(p *printer, sp admin.Space) {
	p.field("name", sp.Name)
	p.field("kind", string(sp.Kind))
	p.field("state", string(sp.State))
	p.field("owner", sp.Owner)
	p.field("used", size(sp.Used))
	p.field("quota", sp.Quota)
	if len(sp.Levels) > 0 {
		p.line("")
		showLevels(p, sp.Levels)
	}
}

type spaceSetOptions struct{ name, quota, owner string }

func newSpaceSet(g *global) *cobra.Command {
	var o spaceSetOptions
	cmd := &cobra.Command{
		Use: "set NAME", Short: "change the name, owner or quota of a space",
		Example: "  davit space set Finance --owner mia",
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "new `name`")
	f.StringVar(&o.quota, "quota", "", "`size` limit, or none")
	f.StringVar(&o.owner, "owner", "", "`user` who owns it and becomes its manager; empty for nobody")
	read := func(args []string) (admin.EditSpace, error) {
		return admin.EditSpace{
			Name: args[0], NewName: given(cmd, "name", &o.name),
			Quota: given(cmd, "quota", &o.quota), Owner: given(cmd, "owner", &o.owner),
		}, nil
	}
	return carries(g, cmd, admin.SetSpace, read, func(p *printer, sp admin.Space) { p.line("space %s changed", sp.Name) })
}
