package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/caldav"
	"davit/caldav/source"
)

func newCalendarImportFrom(g *global) *cobra.Command {
	var user, toUser, to string
	var only []string
	var password passwordOptions
	cmd := &cobra.Command{
		Use:   "import-from URL",
		Short: "bring the calendars of an account on another CalDAV server here",
		Long: `bring the calendars of an account on another CalDAV server into a home here,
with their names and colours. the URL is any that a calendar program takes there.
what was brought before and has not changed there stays as it is, so that an import
that broke off goes on when it is repeated, and one of next week brings what is new;
nothing is removed on either side. with --password-stdin the first line is the
password there, the second the one here.`,
		Example: "  davit calendar import-from https://dav.example.org/ --user lena@example.org --to http://127.0.0.1:8080/caldav/lena/ --to-user lena",
	}
	f := cmd.Flags()
	f.StringVar(&user, "user", "", "`user` to sign in as there")
	f.StringVar(&to, "to", "", "`URL` of the home here")
	f.StringVar(&toUser, "to-user", "", "`user` to sign in as here")
	f.StringArrayVar(&only, "calendar", nil, "`name` of a calendar to bring, any number of times; all without it")
	password.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if user == "" || to == "" || toUser == "" {
			return misused(cmd, "say with --user whom to sign in as there, with --to where the calendars go, and with --to-user whom to sign in as here")
		}
		m := moving{to: remote{user: toUser}, only: only, progress: g.progress}
		if err := m.to.at(cmd, to); err != nil {
			return err
		}
		secrets, err := password.each(g, cmd, user+" there", toUser+" here")
		if err != nil {
			return err
		}
		m.to.secret = secrets[1]
		if m.from, err = source.Open(args[0], user, secrets[0]); err != nil {
			return misused(cmd, "%v", err)
		}
		done, err := m.all(cmd.Context())
		if err == nil || len(done.Calendars) > 0 {
			err = errors.Join(err, g.print(done, done.show))
		}
		if err == nil && len(done.Failed) > 0 {
			err = &admin.Error{Kind: admin.Failed, Text: fmt.Sprintf("%d objects were not taken", len(done.Failed))}
		}
		return err
	}
	return cmd
}

// progress tells who watches how far something has come.
func (g *global) progress(what string, n, of int) {
	if interactive(g.err) {
		fmt.Fprintf(g.err, "\r%s: %d of %d", what, n, of)
	}
}

// moved is what an import from another server came to.
type moved struct {
	Calendars []movedCalendar `json:"calendars"`
	Failed    []unmoved       `json:"failed"`
}

type movedCalendar struct {
	Name    string `json:"name"` // in the URL here
	Made    bool   `json:"made,omitempty"`
	Added   int    `json:"added"`
	Changed int    `json:"changed"` // there since the last time
	There   int    `json:"there"`   // left as they are
}

type unmoved struct {
	Calendar string `json:"calendar"`
	Object   string `json:"object"`
	Reason   string `json:"reason"`
}

func (d *moved) show(p *printer) {
	p.row("calendar", "added", "changed", "there already")
	for _, c := range d.Calendars {
		p.row(c.Name, fmt.Sprint(c.Added), fmt.Sprint(c.Changed), fmt.Sprint(c.There))
	}
	for _, f := range d.Failed {
		p.line("%s/%s: %s", f.Calendar, f.Object, f.Reason)
	}
}

// moving is one import from another server. Which version of an object was brought,
// and what it became here, is kept as a property of it here: what somebody changed
// here since is not written over, and what did not change there is not read again.
type moving struct {
	from     *source.Server
	to       remote // the home
	only     []string
	progress func(what string, n, of int)
}

func (m *moving) all(ctx context.Context) (moved, error) {
	done := moved{Calendars: []movedCalendar{}, Failed: []unmoved{}}
	calendars, err := m.from.Calendars(ctx)
	if err == nil {
		calendars, err = m.chosen(calendars)
	}
	if err != nil {
		return done, err
	}
	for i, name := range namesHere(calendars) {
		c, err := m.calendar(ctx, &calendars[i], name, &done)
		done.Calendars = append(done.Calendars, c)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// chosen are the calendars that were named, by what people or URLs call them.
func (m *moving) chosen(all []source.Calendar) (chosen []source.Calendar, err error) {
	if len(m.only) == 0 {
		return all, nil
	}
	var names []string
	for i := range all {
		names = append(names, all[i].Base())
	}
	for _, name := range m.only {
		i := slices.IndexFunc(all, func(c source.Calendar) bool { return c.Name == name || c.Base() == name })
		if i < 0 {
			return nil, &admin.Error{Kind: admin.NotFound, Text: fmt.Sprintf("the other server has no calendar %q", name), Hint: "it has " + list(names)}
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// namesHere are the names of calendars in URLs here: those that they have there,
// unless they mean something else here.
func namesHere(calendars []source.Calendar) (names []string) {
	for i := range calendars {
		base := calendars[i].Base()
		if base == "inbox" || base == "outbox" || base == "/" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "shared-") {
			base = "imported-" + strings.Trim(base, "/.")
		}
		name := base
		for n := 2; slices.Contains(names, name); n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		names = append(names, name)
	}
	return names
}

// calendar brings one. Its error ends the import: the other objects would meet it
// too.
func (m *moving) calendar(ctx context.Context, c *source.Calendar, name string, done *moved) (movedCalendar, error) {
	result := movedCalendar{Name: name}
	var err error
	if result.Made, err = m.make(ctx, c, name); err != nil {
		return result, err
	}
	here, err := m.here(ctx, name)
	if err != nil {
		return result, err
	}
	objects, untold, err := m.from.Objects(ctx, c.Path)
	if err != nil {
		return result, err
	}
	if untold > 0 {
		done.Failed = append(done.Failed, unmoved{name, "-", fmt.Sprintf("the other server cannot tell of %d objects: look at them there", untold)})
	}
	for i, o := range objects {
		why, err := m.object(ctx, o, url.PathEscape(name)+"/"+url.PathEscape(o.Base()), here[o.Base()], &result)
		if err != nil {
			return result, err
		}
		if why != "" {
			done.Failed = append(done.Failed, unmoved{name, o.Base(), why})
		}
		m.progress(name, i+1, len(objects))
	}
	return result, nil
}

// make makes a calendar, unless there is one of the name.
func (m *moving) make(ctx context.Context, c *source.Calendar, name string) (made bool, err error) {
	var props bytes.Buffer
	if c.Name != "" {
		props.WriteString("<displayname>" + escaped(c.Name) + "</displayname>")
	}
	if c.Color != "" {
		props.WriteString(`<calendar-color xmlns="http://apple.com/ns/ical/">` + escaped(c.Color) + "</calendar-color>")
	}
	if len(c.Components) > 0 {
		props.WriteString("<C:supported-calendar-component-set>")
		for _, kind := range c.Components {
			props.WriteString(`<C:comp name="` + escaped(kind) + `"/>`)
		}
		props.WriteString("</C:supported-calendar-component-set>")
	}
	body := `<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>` + props.String() + `</prop></set></C:mkcalendar>`
	resp, err := m.to.do(ctx, "MKCALENDAR", url.PathEscape(name), []byte(body), "Content-Type", "application/xml")
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, reasonMax)) // what can be read of it
	switch {
	case resp.StatusCode == http.StatusCreated:
		return true, nil
	case bytes.Contains(text, []byte("resource-must-be-null")):
		return false, nil
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return false, refusal(resp, "calendar "+name)
}

func escaped(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

// broughtName is the property that tells what was brought: the version there, and
// what it became here.
const broughtName = "urn:davit:import"

// A brought object is one that is here, from there or not.
type brought struct {
	etag   string // here
	source string // the version there that was brought, empty for what was not
	as     string // its ETag here when it was
}

// here lists what a calendar has.
func (m *moving) here(ctx context.Context, name string) (map[string]brought, error) {
	const query = `<propfind xmlns="DAV:"><prop><getetag/><brought xmlns="` + broughtName + `"/></prop></propfind>`
	resp, err := m.to.do(ctx, "PROPFIND", url.PathEscape(name)+"/", []byte(query), "Depth", "1", "Content-Type", "application/xml")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMultiStatus {
		return nil, refusal(resp, "calendar "+name)
	}
	var listed struct {
		Responses []struct {
			Href    string `xml:"DAV: href"`
			ETag    string `xml:"propstat>prop>getetag"`
			Brought string `xml:"propstat>prop>brought"`
		} `xml:"DAV: response"`
	}
	if err := xml.NewDecoder(resp.Body).Decode(&listed); err != nil {
		return nil, fmt.Errorf("list calendar %s: %w", name, err)
	}
	here := map[string]brought{}
	for _, r := range listed.Responses {
		u, err := url.Parse(r.Href)
		if err != nil || r.ETag == "" {
			continue
		}
		b := brought{etag: r.ETag}
		if i := strings.LastIndexByte(r.Brought, ' '); i > 0 {
			b.source, b.as = r.Brought[:i], r.Brought[i+1:]
		}
		here[path.Base(u.Path)] = b
	}
	return here, nil
}

// object brings one, unless it is here as it is there. why tells what keeps this one
// from coming.
func (m *moving) object(ctx context.Context, o source.Object, at string, here brought, result *movedCalendar) (why string, err error) {
	if here.etag != "" && (here.source == "" || here.source == o.ETag) {
		result.There++ // somebody else put it here, or nothing happened there
		return "", nil
	}
	content, err := m.from.Read(ctx, o)
	switch {
	case errors.Is(err, source.ErrTooLarge):
		return "it is larger than what a calendar takes: split it there", nil
	case errors.Is(err, source.ErrLogin), errors.Is(err, source.ErrElsewhere), ctx.Err() != nil:
		return "", err
	case err != nil:
		return "it cannot be read there: " + err.Error(), nil
	}
	version := o.ETag
	if version == "" {
		sum := sha256.Sum256(content)
		version = hex.EncodeToString(sum[:])
	}
	switch {
	case here.source == version:
		result.There++
		return "", nil
	case here.etag != here.as:
		return "it has changed here and there since it was brought: remove it here to take that one", nil
	}
	return m.put(ctx, content, at, here, version, result)
}

// put writes an object, and notes what it is of.
func (m *moving) put(ctx context.Context, content []byte, at string, here brought, version string, result *movedCalendar) (why string, err error) {
	condition := []string{"If-None-Match", "*"}
	if here.etag != "" {
		condition = []string{"If-Match", here.etag}
	}
	resp, err := m.to.do(ctx, http.MethodPut, at, caldav.Unmanaged(content), append(condition, importHeaders...)...)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, reasonMax)) // what can be read of it
	resp.Body = io.NopCloser(bytes.NewReader(text))
	switch resp.StatusCode {
	case http.StatusCreated:
		result.Added++
	case http.StatusNoContent:
		result.Changed++
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusInsufficientStorage:
		return "", refusal(resp, at)
	case http.StatusPreconditionFailed:
		return "it has changed here just now: repeat the import", nil
	default:
		return m.unmade(resp, text, at, result), nil
	}
	note := `<propertyupdate xmlns="DAV:"><set><prop><brought xmlns="` + broughtName + `">` +
		escaped(version+" "+resp.Header.Get("Etag")) + `</brought></prop></set></propertyupdate>`
	noted, err := m.to.do(ctx, "PROPPATCH", at, []byte(note), "Content-Type", "application/xml")
	if err != nil {
		return "", err
	}
	return "", noted.Body.Close() // without the note the next import leaves it as it is
}

// unmade says why an object was refused, and what to do; one whose UID stands here
// under another name is here.
func (m *moving) unmade(resp *http.Response, text []byte, at string, result *movedCalendar) string {
	if bytes.Contains(text, []byte("no-uid-conflict")) {
		result.There++
		return ""
	}
	why := refusal(resp, at).Error()
	switch {
	case bytes.Contains(text, []byte("supported-calendar-component")):
		why += "; make a calendar here that takes such objects, and bring it there"
	case bytes.Contains(text, []byte("valid-calendar")):
		why += "; mend it there, and repeat the import"
	}
	return why
}
