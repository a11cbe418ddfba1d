package caldav

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"davit/dav"
	"davit/dav/wire"
	"davit/store"
)

// modifiedNever leaves the time of the last change as it is.
var modifiedNever time.Time

// mkcalendar answers MKCALENDAR: the calendar with its properties, or nothing.
// RFC 4791, section 5.3.1
func mkcalendar(rq *dav.Request) error {
	body, err := rq.Body()
	if err != nil {
		return err
	}
	var patch []wire.PropPatch
	if len(strings.TrimSpace(string(body))) > 0 {
		if patch, err = wire.ParseMkcol(body, calName("mkcalendar")); err != nil {
			return err
		}
	}
	return makeCalendar(rq, patch)
}

// mkcol answers MKCOL: with a body that makes a calendar, as MKCALENDAR. Nothing
// else is made here. RFC 5689, section 3
func mkcol(rq *dav.Request) error {
	body, err := rq.Body()
	if err != nil {
		return err
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		return rq.Serve("MKCOL")
	}
	patch, err := wire.ParseMkcol(body, davName("mkcol"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(patch, func(p wire.PropPatch) bool { return p.Name == typeName })
	if i < 0 {
		return wrongType("only calendars are made here")
	}
	return makeCalendar(rq, patch)
}

var typeName = davName("resourcetype")

// wrongType: RFC 5689, section 3.3.
func wrongType(reason string) error {
	v := violation(http.StatusForbidden, "", reason)
	v.Why.Name = davName("valid-resourcetype")
	return v
}

// subscribes reads a resource type: whether it is that of a subscription, which programs
// read where it is published, and not of a calendar. Anything else is refused.
func subscribes(value []byte) (bool, error) {
	kinds, err := wire.ParseFragment(value)
	if err != nil {
		return false, err
	}
	root := wire.Node{Kids: kinds}
	calendar, subscribed := root.Kid(calName("calendar")) != nil, root.Kid(serverName("subscribed")) != nil
	if root.Kid(davName("collection")) == nil || len(kinds) != 2 || calendar == subscribed {
		return false, wrongType("only calendars and subscriptions are made here")
	}
	return subscribed, nil
}

func makeCalendar(rq *dav.Request, patch []wire.PropPatch) error {
	p, stored := rq.Path()
	if !stored {
		return exists()
	}
	if names := rq.URL(); len(names) == leads(names) && reserved(names[len(names)-1]) {
		return store.ErrMisplaced
	}
	c, err := newCalendar(rq, patch)
	if err != nil {
		return err
	}
	t, err := rq.Terms()
	if err != nil {
		return err
	}
	err = rq.Session().MakeCalendar(rq.Context(), p, c, t)
	if err == store.ErrExists {
		return exists()
	}
	if err != nil {
		return err
	}
	w, _ := rq.HTTP()
	w.Header().Set("Cache-Control", "no-cache") // RFC 4791, section 5.3.1
	rq.Status(http.StatusCreated)
	return nil
}

// newCalendar reads what the properties of a new calendar say of it.
func newCalendar(rq *dav.Request, patch []wire.PropPatch) (c store.NewCalendar, err error) {
	source := false
	for i := range patch {
		one := &patch[i]
		switch one.Name {
		case componentSet:
			if c.Components, err = components(one.Value); err != nil {
				return c, err
			}
			continue
		case typeName:
			if c.Subscribed, err = subscribes(one.Value); err != nil {
				return c, err
			}
			continue
		case sourceName:
			source = true
		}
		if why := checkProp(one); why != nil {
			return c, &dav.Violation{Status: http.StatusForbidden, Why: *why, Reason: "the property " + one.Name.Local + " has no such value"}
		}
		if rq.Protects(one.Name) {
			return c, &dav.Violation{Status: http.StatusForbidden, Why: wire.Precondition{Name: davName("cannot-modify-protected-property")},
				Reason: "the property " + one.Name.Local + " cannot be set"}
		}
		c.Props = append(c.Props, dav.KeptProp(one))
	}
	if c.Fetched = source && !c.Subscribed && rq.Session().Fetches(SourceOf(c.Props)); c.Subscribed != source && !c.Fetched {
		return c, wrongType("a subscription says with source what it is of, and a calendar only where the server may fetch that")
	}
	return c, nil
}

// exists: RFC 4791, section 5.3.1.1.
func exists() error {
	return &dav.Violation{Status: http.StatusForbidden, Why: wire.Precondition{Name: xml.Name{Space: nsDAV, Local: "resource-must-be-null"}},
		Reason: "there is something already"}
}

// reserved tells whether a name means something else in a home.
func reserved(name string) bool {
	return strings.HasPrefix(name, sharedMark) || strings.HasPrefix(name, ".") || name == "inbox" || name == "outbox"
}

// components reads a supported-calendar-component-set. RFC 4791, section 5.2.3
func components(value []byte) (names []string, err error) {
	kids, err := wire.ParseFragment(value)
	if err != nil {
		return nil, err
	}
	for i := range kids {
		if kids[i].Name == calName("comp") {
			name := strings.ToUpper(kids[i].Attr("name"))
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil, store.ErrComponent
	}
	return names, nil
}
