package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newProfile(g *global) *cobra.Command {
	return noun("profile", "what accounts of one kind have in common",
		newProfileAdd(g), newProfileSet(g), newProfileRemove(g),
		carries(g, &cobra.Command{Use: "list", Short: "list the profiles"}, admin.ListProfiles, nothing,
			func(p *printer, profiles []admin.Profile) {
				p.row("name", "quota", "users")
				for _, pr := range profiles {
					p.row(pr.Name, pr.Quota, strconv.Itoa(len(pr.Users)))
				}
			}),
		carries(g, &cobra.Command{Use: "show NAME", Short: "show one profile"}, admin.ShowProfile, named,
			func(p *printer, pr admin.Profile) {
				p.field("name", pr.Name)
				p.field("quota", pr.Quota)
				p.field("functions", pr.Functions)
				p.field("file-max", pr.FileMax)
				if pr.LinkDays > 0 {
					p.field("link-days", strconv.FormatInt(pr.LinkDays, 10))
				}
				p.field("users", list(pr.Users))
			}),
	)
}

// profileOptions are what a profile says.
type profileOptions struct {
	name, quota, functions, fileMax string
	linkDays                        int64
}

func (o *profileOptions) flags(cmd *cobra.Command, quota, functions string) {
	f := cmd.Flags()
	f.StringVar(&o.quota, "quota", quota, "`size` limit of each personal drive, or none")
	f.StringVar(&o.functions, "functions", functions, functionsUsage)
	f.StringVar(&o.fileMax, "file-max", "", "`size` of the largest file that its users may store, or none")
	f.Int64Var(&o.linkDays, "link-days", 0, "longest life of their links in `days`; 0 for what the settings say")
}

func (o *profileOptions) edit(cmd *cobra.Command, name string) admin.EditProfile {
	return admin.EditProfile{Name: name, NewName: given(cmd, "name", &o.name), Quota: given(cmd, "quota", &o.quota),
		Functions: given(cmd, "functions", &o.functions), FileMax: given(cmd, "file-max", &o.fileMax), LinkDays: given(cmd, "link-days", &o.linkDays)}
}

func newProfileAdd(g *global) *cobra.Command {
	var o profileOptions
	cmd := &cobra.Command{Use: "add NAME", Short: "make a profile", Example: `  davit profile add sales --quota 10GB --file-max 2GB
  davit profile add readers --functions files,history,dav`}
	o.flags(cmd, "none", "all")
	read := func(args []string) (admin.EditProfile, error) { return o.edit(cmd, args[0]), nil }
	return carries(g, cmd, admin.AddProfile, read, func(p *printer, pr admin.Profile) { p.line("profile %s added", pr.Name) })
}

// functionsUsage lists the groups; an unknown name is answered with all of them.
const functionsUsage = "`names` of what its users may use, single ones or the groups files, write, share, history, manage, mobile, dav, all"

func newProfileSet(g *global) *cobra.Command {
	var o profileOptions
	cmd := &cobra.Command{Use: "set NAME", Short: "change a profile, and with it all its users", Example: "  davit profile set sales --quota 20GB"}
	cmd.Flags().StringVar(&o.name, "name", "", "new `name`")
	o.flags(cmd, "", "")
	read := func(args []string) (admin.EditProfile, error) { return o.edit(cmd, args[0]), nil }
	return carries(g, cmd, admin.SetProfile, read, func(p *printer, pr admin.Profile) {
		p.line("profile %s changed; it counts for %s", pr.Name, counted(len(pr.Users), "user"))
	})
}

func newProfileRemove(g *global) *cobra.Command {
	var replaceWith string
	cmd := &cobra.Command{Use: "remove NAME", Short: "delete a profile; its users get another",
		Example: "  davit profile remove sales --replace-with standard"}
	cmd.Flags().StringVar(&replaceWith, "replace-with", "", "`profile` that its users get")
	read := func(args []string) (admin.OldProfile, error) {
		return admin.OldProfile{Name: args[0], ReplaceWith: replaceWith}, nil
	}
	return carries(g, cmd, admin.RemoveProfile, read, func(p *printer, pr admin.Profile) {
		p.line("profile %s removed", pr.Name)
	})
}
