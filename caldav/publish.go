package caldav

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"

	"davit/dav"
	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// Publishing as Apple's calendar server has it: a calendar program makes a calendar
// readable for everybody who has a URL, which is a link like those that are made
// elsewhere, and asks for that URL by a property.

// A publishing is what a POST does of it, and the status of its success.
type publishing struct {
	do     func(*store.Session, context.Context, store.Path, store.Terms) error
	status int
}

var publishings = map[xml.Name]publishing{
	serverName("publish-calendar"):   {(*store.Session).Publish, http.StatusAccepted},
	serverName("unpublish-calendar"): {(*store.Session).Unpublish, http.StatusOK},
}

// publish carries one out.
func publish(rq *dav.Request, p publishing, t store.Terms) error {
	at, _ := rq.Path()
	err := p.do(rq.Session(), rq.Context(), at, t)
	if errors.Is(err, policy.ErrForbidden) {
		v := violation(http.StatusForbidden, "", err.Error())
		v.Why.Name = serverName("can-be-published")
		return v
	}
	if err != nil {
		return err
	}
	rq.Status(p.status)
	return nil
}

// mayPublish: a calendar that the asker may publish, as far as that is his to say.
func mayPublish(m *dav.Member) bool {
	return isCalendar(m) && m.In(Prefix) && m.Held&policy.Reshare != 0
}

// publishURL tells the whole URL at which a calendar is published, to who may end that.
func publishURL() dav.Property {
	name := serverName("publish-url")
	e := wire.NewElement(name)
	return dav.Property{Name: name, Want: store.Want{Published: true}, Has: func(m *dav.Member) bool { return isCalendar(m) && m.Published != "" },
		WriteFor: func(rq *dav.Request, _ *store.Session, a *wire.Multistatus, m *dav.Member) {
			a.Append(e, func(dst []byte) []byte {
				return wire.AppendElement(dst, davName("href"), rq.LinkURL(m.Published, formCalendar))
			})
		}}
}
