package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newLink(g *global) *cobra.Command {
	return noun("link", "what people share with whoever has a URL",
		newLinkAdd(g),
		newLinkList(g),
		carries(g, &cobra.Command{Use: "remove ID", Short: "end a link, from the next request on"}, admin.RemoveLink, named,
			func(p *printer, l admin.Link) { p.line("link %s to %s ended", l.ID, l.Path) }),
	)
}

func newLinkAdd(g *global) *cobra.Command {
	var o shareOptions
	var password passwordOptions
	var downloads int64
	cmd := &cobra.Command{
		Use:   "add PATH",
		Short: "make a link to a file, folder or calendar and show its URL, this once",
		Long: `make a link to a file, folder or calendar and show its URL's path, this once. a
browser opens it, and it can be mounted; calendar programs subscribe to one of a
calendar. it gives at most what the user who makes it holds there, and ends when
links do here unless --until is earlier. --rights deposit makes a folder to put
files into, where nothing is shown; --rights free-busy tells of a calendar when
somebody is busy and nothing else.`,
		Example: `  davit link add '~mia/plans' --by mia --until 30d
  davit link add /Clients/in --by mona --rights deposit --label "for the auditors"
  davit link add 'calendar:~mia/calendar' --by mia --rights free-busy`,
	}
	o.flags(cmd)
	password.flags(cmd)
	cmd.Flags().Int64Var(&downloads, "downloads", 0, "end it after so `many` downloads")
	return carries(g, cmd, admin.AddLink, func(args []string) (n admin.NewLink, err error) {
		if n.NewShare, err = o.read(cmd, args); err != nil {
			return n, err
		}
		n.DownloadsMax = downloads
		if password.stdin {
			n.Password, err = password.read(g, cmd, "the link")
		}
		return n, err
	}, func(p *printer, l admin.Link) {
		p.line("%s", l.URL)
		p.line("this is link %s of %s to %s, with %s; its URL is not shown again", l.ID, l.By, l.Path, gives(l.Level, l.Rights.String()))
		if l.Asleep != "" {
			p.line("it gives nothing now: %s", l.Asleep)
		}
	})
}

func newLinkList(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "list links, and why those that give nothing do",
		Example: "  davit link list --by mia",
	}
	which := whichShares(cmd)
	return carries(g, cmd, admin.ListLinks, which.read, func(p *printer, links []admin.Link) {
		p.row("id", "path", "by", "rights", "until", "password", "downloads", "label", "asleep")
		for _, l := range links {
			downloads := strconv.FormatInt(l.Downloads, 10)
			if l.DownloadsMax > 0 {
				downloads += " of " + strconv.FormatInt(l.DownloadsMax, 10)
			}
			password := ""
			if l.Password {
				password = "yes"
			}
			p.row(l.ID, l.Path, l.By, gives(l.Level, l.Rights.String()), moment(l.Until), password, downloads, l.Label, l.Asleep)
		}
	})
}
