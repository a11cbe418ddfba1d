package main

import (
	"github.com/spf13/cobra"

	"davit/admin"
)

func newTrash(g *global) *cobra.Command {
	return noun("trash", "what was deleted and may come back",
		carries(g, &cobra.Command{Use: "list SPACE", Short: "list what lies in the trash of a space or drive, or of its calendars",
			Example: "  davit trash list Finance\n  davit trash list '~mia'\n  davit trash list 'calendar:~mia'"},
			admin.ListTrash, named, func(p *printer, list []admin.Deletion) {
				p.row("name", "was", "size", "deleted", "by")
				for _, d := range list {
					bytes := "folder"
					if !d.Folder {
						bytes = size(d.Bytes)
					}
					p.row(d.Name, d.Path, bytes, moment(&d.At), d.By)
				}
			}),
		newTrashRestore(g),
		carries(g, &cobra.Command{Use: "erase SPACE NAME", Short: "end something in the trash for ever", Long: inTrashLong},
			admin.EraseTrash, inTrash, func(p *printer, _ admin.None) { p.line("erased") }),
		carries(g, &cobra.Command{Use: "empty SPACE", Short: "end everything in the trash of a space for ever"},
			admin.EmptyTrash, named, func(p *printer, e admin.Emptied) { p.line("%d erased", e.Erased) }),
	)
}

const inTrashLong = `NAME is the one that davit trash list shows; by what it was called before, the
one that was deleted last is meant`

func inTrash(args []string) (admin.InTrash, error) {
	return admin.InTrash{Space: args[0], Name: args[1]}, nil
}

func newTrashRestore(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore SPACE NAME", Short: "put something from the trash back",
		Long:    "put something from the trash back, with its entries, shares and versions. " + inTrashLong,
		Example: "  davit trash restore Finance plan.odt\n  davit trash restore Finance 'plan (17).odt' --to '/Finance/old plan.odt'",
	}
	var to string
	cmd.Flags().StringVar(&to, "to", "", "another `path` than the old one")
	read := func(args []string) (admin.InTrash, error) {
		in, err := inTrash(args)
		in.To = to
		return in, err
	}
	return carries(g, cmd, admin.RestoreTrash, read, func(p *printer, r admin.Restored) { p.line("%s is back", r.Path) })
}

func newVersions(g *global) *cobra.Command {
	done := func(what string) func(*printer, admin.None) {
		return func(p *printer, _ admin.None) { p.line("%s", what) }
	}
	return noun("versions", "what files were before they were written over",
		carries(g, &cobra.Command{Use: "list PATH", Short: "list the versions that are kept of a file, or of an object of a calendar",
			Example: "  davit versions list /Finance/plan.odt\n  davit versions list calendar:~mia/calendar/plan.ics"},
			admin.ListVersions, located, func(p *printer, list []admin.Version) {
				p.row("version", "size", "modified", "by", "replaced", "label")
				for _, v := range list {
					p.row(v.Version, size(v.Bytes), moment(&v.Modified), v.By, moment(&v.Replaced), v.Label)
				}
			}),
		carries(g, &cobra.Command{Use: "show PATH VERSION", Short: "show one version", Example: "  davit versions show /Finance/plan.odt 3"},
			admin.ShowVersion, versionOf, showVersion),
		carries(g, &cobra.Command{Use: "restore PATH VERSION", Short: "give a file the content of one of its versions",
			Long: "give a file the content of one of its versions; the content that it had becomes one.\nof a meeting those who are invited are told, as when it is changed in a calendar program"},
			admin.RevertFile, versionOf, done("restored")),
		carries(g, &cobra.Command{Use: "label PATH VERSION TEXT", Short: "keep a version, under a label",
			Long:    "keep a version, under a label: neither days nor number end it. An empty text takes the label away",
			Example: "  davit versions label /Finance/plan.odt 3 'as signed'\n  davit versions label /Finance/plan.odt 3 ''"},
			admin.LabelVersion, labelOf, func(p *printer, _ admin.None) { p.line("labelled") }),
		carries(g, &cobra.Command{Use: "erase PATH [VERSION...]", Short: "end versions of a file for ever, all when none is named"},
			admin.EraseVersions, versionOf, done("erased")),
	)
}

func versionOf(args []string) (admin.VersionOf, error) {
	return admin.VersionOf{Path: args[0], Versions: args[1:]}, nil
}

func labelOf(args []string) (admin.VersionLabel, error) {
	v, err := versionOf(args[:2])
	return admin.VersionLabel{VersionOf: v, Label: args[2]}, err
}

func showVersion(p *printer, v admin.Version) {
	p.field("version", v.Version)
	p.field("size", size(v.Bytes))
	p.field("modified", moment(&v.Modified))
	p.field("by", v.By)
	p.field("replaced", moment(&v.Replaced))
	if v.Label != "" {
		p.field("label", v.Label)
	}
}
