package main

import (
	"strconv"

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
		newSpaceTransfer(g),
		entering(g, "archive", "leave a space to be read only", admin.ArchiveSpace),
		entering(g, "restore", "make an archived or trashed space active again", admin.RestoreSpace),
		entering(g, "close", "keep the guests of a portal out", admin.CloseSpace),
		entering(g, "open", "let the guests of a closed portal in again", admin.OpenSpace),
		entering(g, "trash", "take a space away from everybody until it is restored", admin.TrashSpace),
	)
}

// entering is a command that gives a space another state.
func entering(g *global, verb, short string, op admin.Op[admin.Named, admin.Space]) *cobra.Command {
	return carries(g, &cobra.Command{Use: verb + " NAME", Short: short}, op, named,
		func(p *printer, sp admin.Space) { p.line("space %s is %s", sp.Name, sp.State) })
}

func newSpaceTransfer(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "transfer NAME USER", Short: "hand a space to a new owner",
		Long: "hand a space to a new owner, who becomes its manager; the one before keeps the level",
	}
	read := func(args []string) (admin.Handover, error) {
		return admin.Handover{Space: args[0], Owner: args[1]}, nil
	}
	return carries(g, cmd, admin.TransferSpace, read, func(p *printer, sp admin.Space) { p.line("space %s belongs to %s", sp.Name, sp.Owner) })
}

type spaceAddOptions struct{ kind, template, owner, quota string }

func newSpaceAdd(g *global) *cobra.Command {
	var o spaceAddOptions
	cmd := &cobra.Command{
		Use: "add NAME", Short: "make an empty space",
		Example: "  davit space add Finance --kind group-folder --quota 50GB\n  davit space add Launch --kind room --owner mia",
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "kind", string(policy.GroupFolder), "`what` it is: group-folder, room or portal")
	f.StringVar(&o.template, "template", "", templateUsage)
	f.StringVar(&o.owner, "owner", "", "`user` who owns it and becomes its manager; nobody if not given, with --as who makes it unless that is an owner or admin")
	f.StringVar(&o.quota, "quota", "none", "`size` limit, or none")
	read := func(args []string) (admin.NewSpace, error) {
		return admin.NewSpace{Name: args[0], Kind: policy.SpaceKind(o.kind), Template: policy.Template(o.template), Owner: o.owner, Quota: o.quota}, nil
	}
	return carries(g, cmd, admin.AddSpace, read, func(p *printer, sp admin.Space) { p.line("space %s added", sp.Name) })
}

const templateUsage = "`what` a room is for, which says the levels it admits: public, form-filling, collaboration, data-room; empty for all levels"

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
	p.field("template", string(sp.Template))
	p.field("state", string(sp.State))
	p.field("owner", sp.Owner)
	p.field("used", size(sp.Used))
	p.field("quota", sp.Quota)
	p.field("own hour", sp.OwnHour)
	p.field("trash days", daysShown(sp.TrashDays))
	p.field("version days", daysShown(sp.VersionDays))
	p.field("file days", daysShown(sp.FileDays))
	if len(sp.Levels) > 0 {
		p.line("")
		showLevels(p, sp.Levels)
	}
}

func daysShown(n int64) string {
	if n == 0 {
		return "for ever"
	}
	return strconv.FormatInt(n, 10)
}

type spaceSetOptions struct{ name, template, quota, owner, ownHour, trashDays, versionDays, fileDays string }

func newSpaceSet(g *global) *cobra.Command {
	var o spaceSetOptions
	cmd := &cobra.Command{
		Use: "set NAME", Short: "change the name, template, owner, quota, own hour or days of a space",
		Example: "  davit space set Launch --template data-room\n  davit space set Launch --file-days 30 --trash-days 7",
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "new `name`")
	f.StringVar(&o.quota, "quota", "", "`size` limit, or none")
	f.StringVar(&o.owner, "owner", "", "`user` who owns it and becomes its manager; empty for nobody")
	f.StringVar(&o.template, "template", "", templateUsage)
	f.StringVar(&o.ownHour, "own-hour", "", "how `long` one may rename, move and delete what one has just made there oneself: up to 24h, or none")
	f.StringVar(&o.trashDays, "trash-days", "", "`days` that the trash keeps what was deleted, fewer than the instance's; none for those")
	f.StringVar(&o.versionDays, "version-days", "", "`days` that the old content of files is kept, fewer than the instance's; none for those")
	f.StringVar(&o.fileDays, "file-days", "", "`days` after which a file that nobody touches goes into the trash; none for never")
	read := func(args []string) (admin.EditSpace, error) {
		template := policy.Template(o.template)
		return admin.EditSpace{
			Name: args[0], NewName: given(cmd, "name", &o.name),
			Quota: given(cmd, "quota", &o.quota), Owner: given(cmd, "owner", &o.owner),
			Template: given(cmd, "template", &template), OwnHour: given(cmd, "own-hour", &o.ownHour),
			TrashDays: given(cmd, "trash-days", &o.trashDays), VersionDays: given(cmd, "version-days", &o.versionDays), FileDays: given(cmd, "file-days", &o.fileDays),
		}, nil
	}
	return carries(g, cmd, admin.SetSpace, read, func(p *printer, sp admin.Space) { p.line("space %s changed", sp.Name) })
}
