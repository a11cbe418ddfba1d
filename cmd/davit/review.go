package main

import (
	"github.com/spf13/cobra"

	"davit/admin"
)

func newReview(g *global) *cobra.Command {
	return carries(g, &cobra.Command{
		Use:   "review",
		Short: "show what is open wider than anybody needs, and what is there for nothing",
		Long: `show what is open wider than anybody needs, and what is there for nothing:
guests and what they reach until when, links without an end or a password,
grants that nobody makes use of, walls, lines that change nothing, spaces and
groups with a single manager, and profiles, groups and roles that nobody uses.

a grant is unused if its time is over, if nobody who could use it is active or
has a password or device to sign in with, and a link if nothing was downloaded
by it. when somebody last signed in or opened a folder is not kept, so a grant
that is not shown may be unused all the same.

a line changes nothing if without it every decision stays what it is, for
everybody and with every client, now and later. each was tried alone: of two
that stand for each other both are shown, and only one can go.`,
		Example: "  davit review\n  davit review --json",
	}, admin.RunReview, nothing, showReview)
}

func showReview(p *printer, r admin.Reviewed) {
	showGuests(p, r.Guests)
	section(p, "links without an end or a password", len(r.Links), "id", "path", "by", "label", "password", "ends")
	for i := range r.Links {
		l := &r.Links[i]
		password := "none"
		if l.Password {
			password = "asked"
		}
		p.row(l.ID, l.Path, l.By, l.Label, password, endOf(moment(l.Ends)))
	}
	section(p, "grants that nobody makes use of", len(r.Unused), "path", "to", "gives", "because")
	for i := range r.Unused {
		u := &r.Unused[i]
		if u.Line != nil {
			p.row(u.Line.Path, u.Line.Principal, lineText(u.Line), u.Why)
		} else {
			p.row(u.Share.Path, sharee(u.Share), gives(u.Share.Level, u.Share.Rights.String()), u.Why)
		}
	}
	section(p, "walls", len(r.Walls), "path", "against", "denied", "when", "set by")
	for i := range r.Walls {
		w := &r.Walls[i]
		p.row(w.Path, w.Principal, w.Deny.String(), when(w.Conditions), w.Rank.String())
	}
	section(p, "lines that change nothing", len(r.Idle), "path", "principal", "line", "when")
	for i := range r.Idle {
		p.row(r.Idle[i].Path, r.Idle[i].Principal, lineText(&r.Idle[i]), when(r.Idle[i].Conditions))
	}
	if r.Untried > 0 {
		p.line("%s more were not tried: they are too many", counted(r.Untried, "line"))
	}
	section(p, "with a single manager", len(r.Soles), "what", "manager")
	for _, s := range r.Soles {
		p.row(s.Of, s.Manager)
	}
	section(p, "used by nobody", len(r.Spare), "what", "because")
	for _, s := range r.Spare {
		p.row(s.Name, s.Why)
	}
}

func showGuests(p *printer, guests []admin.ReviewedGuest) {
	p.line("guests: %d", len(guests))
	if len(guests) > 0 {
		p.row("guest", "path", "level", "until")
	}
	for _, guest := range guests {
		if len(guest.Places) == 0 {
			p.row(guest.User, "nothing", "", endOf(moment(guest.Expires)))
		}
		for _, place := range guest.Places {
			p.row(guest.User, place.Path, place.Level, endOf(moment(place.Until)))
		}
	}
}

// section begins a part of a review, with the heads of its columns if it has
// lines.
func section(p *printer, title string, n int, heads ...string) {
	p.line("\n%s: %d", title, n)
	if n > 0 {
		p.row(heads...)
	}
}

// endOf is the end of something that may have none.
func endOf(moment string) string {
	if moment == "" {
		return "no end"
	}
	return moment
}

func sharee(l *admin.Link) string {
	if l.To == "" {
		return "link " + l.ID
	}
	return l.To
}

// lineText is a line as acl set takes it, or the level that it is.
func lineText(l *admin.ReviewedLine) string {
	if l.Where != l.Path {
		return "level " + gives(l.Level, l.Allow.String())
	}
	return lineOf(&admin.Step{Level: l.Level, Allow: l.Allow, Revoke: l.Revoke, Deny: l.Deny})
}
