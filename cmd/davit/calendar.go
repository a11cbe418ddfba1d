package main

import (
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newCalendar(g *global) *cobra.Command {
	cmd := noun("calendar", "calendars of people and spaces, and who sees them",
		newCalendarAdd(g),
		newCalendarList(g),
		newCalendarShare(g),
		carries(g, &cobra.Command{Use: "unshare CALENDAR PRINCIPAL", Short: "take back what a calendar gives to a principal"},
			admin.UnshareCalendar, func(args []string) (admin.CalendarShare, error) {
				return admin.CalendarShare{Path: args[0], To: args[1]}, nil
			}, showAccess),
		carries(g, &cobra.Command{Use: "remove CALENDAR", Short: "take a calendar into the trash"}, admin.RemoveCalendar, located,
			func(p *printer, c admin.Calendar) { p.line("%s removed", c.Path) }),
		carries(g, &cobra.Command{
			Use:   "reindex",
			Short: "work out anew what all calendar objects are found by",
			Long: `work out anew what all calendar objects are found by. series are known day by
day for the years around the last time that they were written; searches in
other years are right and slower, until this is run.`,
		}, admin.ReindexCalendars, nothing, func(p *printer, r admin.Reindexed) {
			p.line("%d objects", r.Objects)
			for _, fault := range r.Faults {
				p.line("%s", fault)
			}
		}),
		newCalendarImport(g),
		newCalendarImportFrom(g),
		newCalendarExport(g),
	)
	cmd.Long = `calendars of people and spaces, and who sees them. CALENDAR is ~USER/NAME or
/SPACE/NAME; other commands take it with calendar: in front, such as
davit acl show 'calendar:~mia/calendar'. people have the calendars calendar and
tasks from the start, spaces have calendar and the message area messages.`
	return cmd
}

func newCalendarAdd(g *global) *cobra.Command {
	var n admin.NewCalendar
	var kinds string
	cmd := &cobra.Command{
		Use:   "add CALENDAR",
		Short: "make a calendar",
		Example: `  davit calendar add '~mia/work' --name "Work"
  davit calendar add /Finance/deadlines --kinds events,tasks
  davit calendar add '~mia/holidays' --source https://cal.example.org/holidays.ics`,
	}
	cmd.Flags().StringVar(&n.Name, "name", "", "`name` that people read")
	cmd.Flags().StringVar(&kinds, "kinds", "events", "what it takes in: `kinds` of events, tasks, journal, free-busy, availability")
	cmd.Flags().StringVar(&n.Source, "source", "", "`URL` of a calendar elsewhere, which programs read there: a subscription")
	cmd.Flags().BoolVar(&n.Fetch, "fetch", false, "the server itself reads what --source names and keeps it here, for all to read; the setting fetch-hosts lets it")
	return carries(g, cmd, admin.AddCalendar, func(args []string) (admin.NewCalendar, error) {
		n.Path = args[0]
		n.Components = strings.FieldsFunc(kinds, func(c rune) bool { return c == ',' || c == ' ' })
		return n, nil
	}, func(p *printer, c admin.Calendar) { p.line("%s added", c.Path) })
}

func newCalendarList(g *global) *cobra.Command {
	return carries(g, &cobra.Command{
		Use:   "list USER",
		Short: "list every calendar that a user sees: the own ones, what is shared, and those of spaces",
	}, admin.ListCalendars, named, func(p *printer, list []admin.Calendar) {
		p.row("calendar", "name", "takes", "rights")
		for _, c := range list {
			takes := strings.Join(c.Components, " ")
			switch {
			case c.Fault != "":
				takes = "nothing: " + c.Source + " (" + c.Fault + ")"
			case c.Source != "":
				takes = "nothing: " + c.Source
			}
			p.row(c.Path, c.Name, takes, c.Rights.String())
		}
	})
}

func newCalendarShare(g *global) *cobra.Command {
	var s admin.CalendarShare
	cmd := &cobra.Command{
		Use:   "share CALENDAR PRINCIPAL",
		Short: "let a user, group or role see a calendar, in their own calendar homes",
		Long: `let a user, group or role see a calendar: it stands in their own calendar homes
from the next request on. free-busy tells when somebody is busy and nothing
else; of private events only their owner and who manages see more than that.`,
		Example: `  davit calendar share '~mia/calendar' group:staff
  davit calendar share '~mia/calendar' max --level editor`,
	}
	cmd.Flags().StringVar(&s.Level, "level", "viewer", "`level` to give: free-busy, viewer, editor, manager, or level:editor+share")
	return carries(g, cmd, admin.ShareCalendar, func(args []string) (admin.CalendarShare, error) {
		s.Path, s.To = args[0], args[1]
		return s, nil
	}, showAccess)
}
