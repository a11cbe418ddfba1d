package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"davit/admin"
)

func newAudit(g *global) *cobra.Command {
	return noun("audit", "the trail of every change of policy and every refusal", newAuditList(g), newAuditVerify(g))
}

func newAuditList(g *global) *cobra.Command {
	var q admin.AuditQuery
	var since, until string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "show lines of the audit trail, the newest first",
		Example: `  davit audit list --since 7d --by mia
  davit audit list --text /Finance --limit 20`,
	}
	f := cmd.Flags()
	f.IntVar(&q.Limit, "limit", 100, "at most so `many` lines")
	f.StringVar(&since, "since", "", "not before this `time`: 2027-01-31, 2027-01-31T18:00, or 7d for seven days ago")
	f.StringVar(&until, "until", "", "before this `time`")
	f.StringVar(&q.By, "by", "", "what this `user` did, or operator")
	f.StringVar(&q.Text, "text", "", "what holds this `text`: a path, a name, a method")
	read := func([]string) (_ admin.AuditQuery, err error) {
		if q.Since, err = pastMoment(since, time.Now()); err == nil {
			q.Until, err = pastMoment(until, time.Now())
		}
		if err != nil {
			err = misusedBy(cmd, err)
		}
		return q, err
	}
	return carries(g, cmd, admin.ListAudit, read, func(p *printer, lines []admin.AuditLine) {
		p.row("line", "time", "by", "via", "what")
		for _, l := range lines {
			what := strings.Join(l.What, "; ")
			if l.Decision != "" {
				what += ", decision " + l.Decision
			}
			p.row(strconv.FormatUint(l.Line, 10), moment(&l.At), l.By, l.Via, what)
		}
	})
}

func newAuditVerify(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "prove that the audit trail is whole and leads to the policy in force",
		Long: `prove that the audit trail is whole: no line was changed, taken out or put in,
and all changes together make the policy in force. exit code 1 says which line is
the first bad one. the seal stands for all lines so far: who notes it elsewhere
can compare it later with the one that davit audit list --json shows there.`,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		v, err := do(cmd.Context(), g, admin.VerifyAudit, admin.None{})
		if err != nil {
			return err
		}
		err = g.print(v, func(p *printer) {
			p.line("%s, epoch %d, seal %s", counted(int(v.Lines), "line"), v.Epoch, v.Seal)
			showFaults(p, v.Faults)
		})
		return faulty(err, v.Faults)
	}
	return cmd
}

// pastMoment reads a date, a date and time, or how long ago: "7d", "12h".
func pastMoment(text string, now time.Time) (*time.Time, error) {
	t, err := parseMoment(text, now)
	if err != nil {
		return nil, fmt.Errorf("no time %q: write 2027-01-31, 2027-01-31T18:00, or 7d for seven days ago", text)
	}
	if t == nil || strings.Contains(text, "-") { // every date has a dash, and no span
		return t, nil
	}
	ago := now.Add(now.Sub(*t))
	return &ago, nil
}

// past is the moment of a question about it.
type past struct{ at, epoch string }

func (o *past) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.at, "at", "", "at this past `time`: 2027-01-31, 2027-01-31T18:00, or 7d for seven days ago")
	cmd.Flags().StringVar(&o.epoch, "epoch", "", "by the policy of this `epoch`, or the first of the path's space")
}

func (o *past) asked() bool { return o.at != "" || o.epoch != "" }

func (o *past) read(cmd *cobra.Command, q *admin.PastPlace) (err error) {
	if o.at != "" && o.epoch != "" {
		return misused(cmd, "--at and --epoch are two ways to name one moment")
	}
	if q.At, err = pastMoment(o.at, time.Now()); err != nil {
		return misusedBy(cmd, err)
	}
	if o.epoch == "" || o.epoch == "first" {
		return nil
	}
	if q.Epoch, err = strconv.ParseUint(o.epoch, 10, 64); err != nil || q.Epoch == 0 {
		return misused(cmd, "no epoch %q: write a number that davit audit list --json shows, or first", o.epoch)
	}
	return nil
}

func showPast(p *printer, then admin.Past) {
	p.line("%s at %s, epoch %d", then.Path, moment(&then.At), then.Epoch)
	if then.Made != nil {
		p.line("it was made later, %s: these would have reached its place", moment(then.Made))
	}
	showHolders(p, then.Holders)
}
