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
	rest, _, err := takeType(patch)
	if err != nil {
		return err
	}
	return makeCalendar(rq, rest)
}

// takeType takes the resource type off the properties of a new calendar, and tells
// whether it was given. It can only be that of a calendar; DAVx5 4 names it in
// MKCALENDAR too.
func takeType(patch []wire.PropPatch) (rest []wire.PropPatch, given bool, err error) {
	i := slices.IndexFunc(patch, func(p wire.PropPatch) bool { return p.Name == davName("resourcetype") })
	if i < 0 {
		return patch, false, nil
	}
	kinds, err := wire.ParseFragment(patch[i].Value)
	if err != nil {
		return nil, true, err
	}
	root := wire.Node{Kids: kinds}
	if root.Kid(calName("calendar")) == nil || root.Kid(davName("collection")) == nil || len(kinds) != 2 {
		return nil, true, notCalendar()
	}
	return slices.Delete(patch, i, i+1), true, nil
}

// notCalendar: RFC 5689, section 3.3.
func notCalendar() error {
	return &dav.Violation{Status: http.StatusForbidden, Why: wire.Precondition{Name: davName("valid-resourcetype")},
		Reason: "only calendars are made here"}
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
	rest, given, err := takeType(patch)
	if err != nil {
		return err
	}
	if !given {
		return notCalendar()
	}
	return makeCalendar(rq, rest)
}

func makeCalendar(rq *dav.Request, patch []wire.PropPatch) error {
	p, stored := rq.Path()
	if !stored {
		return exists()
	}
	if names := rq.URL(); len(names) == 2 && names[0] == rq.Session().UserName() && reserved(names[1]) {
		return store.ErrMisplaced
	}
	var c store.NewCalendar
	var err error
	for i := range patch {
		one := &patch[i]
		if one.Name == componentSet {
			if c.Components, err = components(one.Value); err != nil {
				return err
			}
			continue
		}
		if why := checkProp(one); why != nil {
			return &dav.Violation{Status: http.StatusForbidden, Why: *why, Reason: "the property " + one.Name.Local + " has no such value"}
		}
		if rq.Protects(one.Name) {
			return &dav.Violation{Status: http.StatusForbidden, Why: wire.Precondition{Name: davName("cannot-modify-protected-property")},
				Reason: "the property " + one.Name.Local + " cannot be set"}
		}
		c.Props = append(c.Props, dav.KeptProp(one))
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
