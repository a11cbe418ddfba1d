package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/caldav"
)

// Import and export go through the door that every client takes: what somebody may
// not read or write there, no command reads or writes for him.

// remote is a calendar on a server, reached as one of its users.
type remote struct {
	user     string
	password passwordOptions
	url      *url.URL // ends in a slash
	secret   string
}

func (r *remote) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.user, "user", "", "`user` to sign in as")
	r.password.flags(cmd)
}

// open reads the URL and the password.
func (r *remote) open(g *global, cmd *cobra.Command, text string) (err error) {
	if err = r.at(cmd, text); err != nil {
		return err
	}
	if r.user == "" {
		return misused(cmd, "say with --user whom to sign in as")
	}
	r.secret, err = r.password.once(g, cmd, r.user)
	return err
}

// at reads the URL.
func (r *remote) at(cmd *cobra.Command, text string) (err error) {
	if r.url, err = url.Parse(text); err != nil || r.url.Host == "" || r.url.Scheme != "http" && r.url.Scheme != "https" {
		return misused(cmd, "%q is no URL of a calendar, such as http://127.0.0.1:8080/caldav/mia/calendar/", text)
	}
	if !strings.HasSuffix(r.url.Path, "/") {
		r.url.Path += "/"
	}
	return nil
}

// do sends one request. What it answers has to be closed.
func (r *remote) do(ctx context.Context, method, name string, body []byte, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.url.JoinPath(name).String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(r.user, r.secret)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return http.DefaultClient.Do(req)
}

// reasonMax is how much of a refusal is read, in bytes.
const reasonMax = 64 << 10

// refusal is what a server says against a request.
func refusal(resp *http.Response, what string) error {
	kind := admin.Failed
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = admin.Refused
	case http.StatusNotFound, http.StatusConflict:
		kind = admin.NotFound
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, reasonMax)) // what can be read of it
	text := what + ": the server answers " + resp.Status
	if _, after, found := strings.Cut(string(body), `reason xmlns:x="urn:davit">`); found {
		reason, _, _ := strings.Cut(after, "<")
		text += ": " + reason
	}
	return &admin.Error{Kind: kind, Text: text}
}

func newCalendarExport(g *global) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:     "export URL",
		Short:   "write a calendar to standard output as one iCalendar stream",
		Example: "  davit calendar export http://127.0.0.1:8080/caldav/mia/calendar/ --user mia > mia.ics",
	}
	r.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := r.open(g, cmd, args[0]); err != nil {
			return err
		}
		resp, err := r.do(cmd.Context(), http.MethodGet, "/", nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return refusal(resp, args[0])
		}
		_, err = io.Copy(g.out, resp.Body)
		return err
	}
	return cmd
}

// imported is what an import came to.
type imported struct {
	Added  int      `json:"added"`
	There  int      `json:"there"` // objects of the same UID, which were left as they are
	Failed []failed `json:"failed"`
}

type failed struct {
	Line   int    `json:"line"`
	UID    string `json:"uid,omitempty"`
	Reason string `json:"reason"`
}

func newCalendarImport(g *global) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "import URL FILE",
		Short: "put what an iCalendar file holds into a calendar, an object for each UID",
		Long: `put what an iCalendar file holds into a calendar, an object for each UID. what
is there already stays as it is, so that an import that broke off goes on when it
is repeated. what cannot be taken is told with its line, and stops nothing.`,
		Example: "  davit calendar import http://127.0.0.1:8080/caldav/mia/calendar/ old.ics --user mia",
	}
	r.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		stream, err := readStream(args[1])
		if err != nil {
			return err
		}
		if err := r.open(g, cmd, args[0]); err != nil {
			return err
		}
		done, err := r.importAll(cmd.Context(), caldav.Split(stream), func(n, of int) {
			if interactive(g.err) {
				fmt.Fprintf(g.err, "\r%d of %d", n, of)
			}
		})
		if err == nil {
			err = g.print(done, done.show)
		}
		if err == nil && len(done.Failed) > 0 {
			err = &admin.Error{Kind: admin.Failed, Text: fmt.Sprintf("%d objects were not taken", len(done.Failed))}
		}
		return err
	}
	return cmd
}

func readStream(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	stream, err := io.ReadAll(io.LimitReader(f, caldav.StreamMax+1))
	if err == nil && len(stream) > caldav.StreamMax {
		err = fmt.Errorf("%s is longer than %d bytes; split it", name, caldav.StreamMax)
	}
	return stream, err
}

// importHeaders go with every object: who was invited elsewhere is not invited again.
var importHeaders = []string{"Content-Type", "text/calendar; charset=utf-8", "Schedule-Reply", "F"}

// importAll puts the parts one after the other. It ends early only when the server
// is not reached, or takes nothing from this user.
func (r *remote) importAll(ctx context.Context, parts []caldav.Part, progress func(n, of int)) (imported, error) {
	done := imported{Failed: []failed{}}
	for i := range parts {
		p := &parts[i]
		if err := p.Err; err != nil {
			done.Failed = append(done.Failed, failed{p.Line, p.UID, err.Error()})
			continue
		}
		resp, err := r.do(ctx, http.MethodPut, p.Name(), caldav.Unmanaged(p.Body), append([]string{"If-None-Match", "*"}, importHeaders...)...)
		if err != nil {
			return done, err
		}
		switch resp.StatusCode {
		case http.StatusCreated, http.StatusNoContent:
			done.Added++
		case http.StatusPreconditionFailed:
			done.There++
		case http.StatusUnauthorized, http.StatusNotFound:
			err = refusal(resp, r.url.String())
		default:
			done.refused(resp, p)
		}
		resp.Body.Close()
		if err != nil {
			return done, err
		}
		progress(i+1, len(parts))
	}
	return done, nil
}

// refused counts an object that the server does not take; one whose UID it has
// under another name is there.
func (d *imported) refused(resp *http.Response, p *caldav.Part) {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, reasonMax)) // what can be read of it
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if bytes.Contains(body, []byte("no-uid-conflict")) {
		d.There++
		return
	}
	d.Failed = append(d.Failed, failed{p.Line, p.UID, refusal(resp, p.Name()).Error()})
}

func (d imported) show(p *printer) {
	p.line("%d added, %d there already, %d not taken", d.Added, d.There, len(d.Failed))
	for _, f := range d.Failed {
		p.line("line %d: %s", f.Line, f.Reason)
	}
}
