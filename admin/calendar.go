package admin

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"html"
	"slices"
	"strings"

	"davit/policy"
	"davit/store"
)

// Operations on calendars. What stands in them is reached as their users only.
var (
	AddCalendar     = define("calendar.add", anybody[NewCalendar], (*Admin).AddCalendar)
	RemoveCalendar  = define("calendar.remove", anybody[Located], (*Admin).RemoveCalendar)
	ListCalendars   = define("calendar.list", oneself(namedUser), (*Admin).ListCalendars)
	ShareCalendar   = change("calendar.share", (*Admin).ShareCalendar)
	UnshareCalendar = change("calendar.unshare", (*Admin).UnshareCalendar)

	ReindexCalendars = define("calendar.reindex", nil, (*Admin).ReindexCalendars)
)

// A Calendar is one as somebody sees it.
type Calendar struct {
	Path       string   `json:"path"`           // "calendar:~mia/work", "calendar:/Finance/calendar"
	Name       string   `json:"name,omitempty"` // that its owner gave it
	Components []string `json:"components"`
	Own        bool     `json:"own,omitempty"` // it stands in the drive of who was asked for
	// Source is the URL of a subscription, at which clients read it.
	Source string `json:"source,omitempty"`
	// Fetched: the server reads it there; Fault is why it could not the last time.
	Fetched bool   `json:"fetched,omitempty"`
	Fault   string `json:"fault,omitempty"`
	// Rights are what who was asked for holds there.
	Rights policy.Rights `json:"rights"`
}

// Reindexed is what a rebuilding of the index came to.
type Reindexed struct {
	Objects int      `json:"objects"`
	Faults  []string `json:"faults"` // of objects that cannot be read
}

// reindexFaultsMax is how many faults are told.
const reindexFaultsMax = 1000

// ReindexCalendars works out anew what all calendar objects are found by.
func (a *Admin) ReindexCalendars(ctx context.Context, _ None) (r Reindexed, err error) {
	r.Faults = []string{}
	r.Objects, err = a.st.Reindex(ctx, func(fault string) {
		if len(r.Faults) < reindexFaultsMax {
			r.Faults = append(r.Faults, fault)
		}
	})
	return r, err
}

// NewCalendar says what a calendar is to be.
type NewCalendar struct {
	Path       string   `json:"path"` // of the calendar: "~mia/work", with or without "calendar:"
	Name       string   `json:"name,omitempty"`
	Components []string `json:"components,omitempty"` // events, tasks, journal, free-busy, availability; events if empty
	// Source is the URL of a calendar elsewhere, to which this is a subscription.
	Source string `json:"source,omitempty"`
	// Fetch: the server reads it there, and not each program by itself.
	Fetch bool `json:"fetch,omitempty"`
}

// A CalendarShare gives a calendar to somebody.
type CalendarShare struct {
	Path string `json:"path"`
	To   string `json:"to"`
	// Level is what it gives: "viewer" if empty; of UnshareCalendar nothing.
	Level string `json:"level,omitempty"`
}

// componentNames are the kinds of objects as people call them.
var componentNames = map[string]string{"events": "VEVENT", "tasks": "VTODO", "journal": "VJOURNAL", "free-busy": "VFREEBUSY", "availability": "VAVAILABILITY"}

// calendarNames is how many names the path of a calendar has: its space's, that of
// the calendars, and its own.
const calendarNames = 3

// calendarPath reads the path of a calendar, before which the commands on calendars
// need not say that it is one.
func calendarPath(text string) (store.Path, error) {
	p, err := ParsePath(store.CalendarScheme + strings.TrimPrefix(text, store.CalendarScheme))
	if err == nil && len(p) != calendarNames {
		err = invalid("write ~USER/CALENDAR, or /SPACE/CALENDAR", "path %q names no calendar", text)
	}
	return p, err
}

// AddCalendar makes a calendar.
func (a *Admin) AddCalendar(ctx context.Context, n NewCalendar) (Calendar, error) {
	p, err := calendarPath(n.Path)
	if err != nil {
		return Calendar{}, err
	}
	c := store.NewCalendar{Components: []string{"VEVENT"}}
	if len(n.Components) > 0 {
		c.Components = nil
	}
	for _, name := range n.Components {
		component, known := componentNames[name]
		if !known {
			return Calendar{}, invalid("kinds: events tasks journal free-busy availability", "no kind of objects %q", name)
		}
		if !slices.Contains(c.Components, component) {
			c.Components = append(c.Components, component)
		}
	}
	if n.Name != "" {
		c.Props = append(c.Props, displayName(n.Name))
	}
	if n.Source != "" {
		if !store.IsSource(n.Source) {
			return Calendar{}, invalid("write http, https or webcal", "%q is no URL of a calendar", clip(n.Source))
		}
		c.Subscribed, c.Fetched = !n.Fetch, n.Fetch
		c.Props = append(c.Props, sourceOf(n.Source))
	}
	if n.Fetch && !store.Fetches(a.st.Policy(), n.Source) {
		return Calendar{}, refused("davit policy set fetch-hosts=HOST", "the server fetches nothing from there")
	}
	if err := a.op.MakeCalendar(ctx, p, c); err != nil {
		return Calendar{}, calendarError(p, err)
	}
	return Calendar{Path: p.String(), Name: n.Name, Components: c.Components, Source: n.Source, Fetched: n.Fetch}, nil
}

// displayName is the name that people read, kept as a client sets it: a language,
// a zero byte and XML.
func displayName(name string) store.Prop {
	var value bytes.Buffer
	value.WriteByte(0)
	xml.EscapeText(&value, []byte(name)) // a Buffer takes everything
	return store.Prop{Space: "DAV:", Local: "displayname", Value: value.Bytes()}
}

// textOf is the text of a property that is kept so.
func textOf(p store.Prop) string {
	_, value, _ := bytes.Cut(p.Value, []byte{0})
	return html.UnescapeString(string(value))
}

// The property that tells what a subscription is of.
const (
	sourceSpace = "http://calendarserver.org/ns/"
	sourceLocal = "source"
)

// sourceOf is that property, kept as a client sets it.
func sourceOf(href string) store.Prop {
	var value bytes.Buffer
	value.WriteString("\x00<D:href xmlns:D=\"DAV:\">")
	xml.EscapeText(&value, []byte(href)) // a Buffer takes everything
	value.WriteString("</D:href>")
	return store.Prop{Space: sourceSpace, Local: sourceLocal, Value: value.Bytes()}
}

// hrefOf is the URL in a property that is kept so, empty for none.
func hrefOf(p store.Prop) string {
	_, value, _ := bytes.Cut(p.Value, []byte{0})
	var href struct {
		URL string `xml:",chardata"`
	}
	if err := xml.Unmarshal(value, &href); err != nil {
		return ""
	}
	return strings.TrimSpace(href.URL)
}

// calendarError names the calendar.
func calendarError(p store.Path, err error) error {
	var denied *store.Refused
	if errors.As(err, &denied) {
		return refused("", "%s: missing %s", denied.Path, denied.Missing)
	}
	if errors.Is(err, store.ErrNoParent) {
		return notFound("davit space list", "nobody and no space has calendars at %s", p[:1])
	}
	switch told := tell(err).(*Error); told.Kind {
	case NotFound:
		return notFound("davit calendar list USER", "no calendar %s", p)
	case Conflict:
		return conflict("", "there is a calendar %s", p)
	}
	return err
}

// RemoveCalendar takes a calendar into the trash of its space.
func (a *Admin) RemoveCalendar(ctx context.Context, l Located) (Calendar, error) {
	p, err := calendarPath(l.Path)
	if err == nil {
		err = a.op.BeginCalendars(ctx, p)
	}
	if err != nil {
		return Calendar{}, err
	}
	if err := a.op.RemoveCalendar(ctx, p); err != nil {
		return Calendar{}, calendarError(p, err)
	}
	return Calendar{Path: p.String()}, nil
}

// ListCalendars tells every calendar that a user sees, the own ones first.
func (a *Admin) ListCalendars(ctx context.Context, n Named) ([]Calendar, error) {
	u, err := findUser(a.st.Policy(), n.Name)
	if err != nil {
		return nil, err
	}
	list, err := a.op.CalendarsOf(ctx, a.subject(u, policy.Web))
	calendars := []Calendar{}
	for i := range list {
		c := &list[i]
		shown := Calendar{Path: c.Path.String(), Components: c.Components(), Own: c.Own, Rights: c.Held}
		for _, prop := range c.Props {
			switch {
			case prop.Space == "DAV:" && prop.Local == "displayname":
				shown.Name = textOf(prop)
			case prop.Space == sourceSpace && prop.Local == sourceLocal && (c.Subscribed() || c.Fetched()):
				shown.Source = hrefOf(prop)
			}
		}
		if shown.Fetched = c.Fetched(); shown.Fetched {
			if shown.Fault, err = a.op.FaultOf(c.Node); err != nil {
				return nil, err
			}
		}
		calendars = append(calendars, shown)
	}
	return calendars, err
}

// ShareCalendar gives a principal a level on a calendar, as a line in its access
// list.
func (a *Admin) ShareCalendar(ctx context.Context, s CalendarShare) (Access, error) {
	p, err := a.sharedCalendar(ctx, s)
	if err != nil {
		return Access{}, err
	}
	if s.Level == "" {
		s.Level = "viewer"
	}
	access, err := a.SetAccess(ctx, NewAccess{Path: p.String(), Principal: s.To, Allow: "level:" + strings.TrimPrefix(s.Level, "level:")})
	if err != nil {
		return access, calendarError(p, err)
	}
	return access, nil
}

// UnshareCalendar takes the lines of a principal out of a calendar's list.
func (a *Admin) UnshareCalendar(ctx context.Context, s CalendarShare) (Access, error) {
	p, err := a.sharedCalendar(ctx, s)
	if err != nil {
		return Access{}, err
	}
	access, err := a.ClearAccess(ctx, AccessOf{Path: p.String(), Principal: s.To})
	if err != nil {
		return access, calendarError(p, err)
	}
	return access, nil
}

func (a *Admin) sharedCalendar(ctx context.Context, s CalendarShare) (store.Path, error) {
	p, err := calendarPath(s.Path)
	if err != nil {
		return nil, err
	}
	if _, err := findPrincipal(a.st.Policy(), s.To); err != nil {
		return nil, err
	}
	return p, a.op.BeginCalendars(ctx, p)
}
