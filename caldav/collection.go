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
	i := slices.IndexFunc(patch, func(p wire.PropPatch) bool { return p.Name == davName("resourcetype") })
	if i >= 0 {
		kinds, err := wire.ParseFragment(patch[i].Value)
		if err != nil {
			return err
		}
		root := wire.Node{Kids: kinds}
		if root.Kid(calName("calendar")) == nil || root.Kid(davName("collection")) == nil || len(kinds) != 2 {
			i = -1
		}
	}
	if i < 0 {
		v := violation(http.StatusForbidden, "", "only calendars are made here")
		v.Why.Name = davName("valid-resourcetype") // RFC 5689, section 3.3
		return v
	}
	return makeCalendar(rq, slices.Delete(patch, i, i+1))
}

func makeCalendar(rq *dav.Request, patch []wire.PropPatch) error {
	p, stored := rq.Path()
	if !stored {
		return exists()
	}
	if names := rq.URL(); len(names) == leads(names) && reserved(names[len(names)-1]) {
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
