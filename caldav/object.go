package caldav

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/caldav/itip"
	"davit/caldav/recur"
	"davit/caldav/zone"
	"davit/dav"
	"davit/store"
)

// kinds are the components that a calendar object may be of.
var kinds = []string{"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", availabilityKind}

// availabilityKind says when somebody can be asked at all. RFC 7953, section 3.1
const availabilityKind = "VAVAILABILITY"

// event is an object as it was read.
type event struct {
	*ical.Object
	ical.Resource
	series       *recur.Series
	availability recur.Availability // of one that says it
}

// read reads a calendar object. Times without a zone are read in floating. Errors
// are of type *ical.Error.
func read(content []byte, floating *zone.Zone) (e event, err error) {
	return readAs(content, floating, (*ical.Object).Resource)
}

// readMessage is read for what lies in an inbox.
func readMessage(content []byte, floating *zone.Zone) (e event, err error) {
	return readAs(content, floating, (*ical.Object).Message)
}

func readAs(content []byte, floating *zone.Zone, as func(*ical.Object, ...string) (ical.Resource, error)) (e event, err error) {
	if e.Object, err = ical.Decode(content); err != nil {
		return e, err
	}
	if e.Resource, err = as(e.Object, kinds...); err != nil {
		return e, err
	}
	if e.series, err = recur.New(e.Object, floating); err != nil {
		return e, err
	}
	return e, e.availability.Add(e.Object, floating)
}

// Limits of what is worked out of a series when it is kept.
const (
	knownMax = 5000 // instances: of more nothing is worked out
	// floatingSlack is further than the wall of any zone is from UTC.
	floatingSlack = 16 * time.Hour
)

// Index tells what an object is found by: see store.Options. An error is one of
// the object.
func Index(content []byte, near store.Span) (store.Object, error) {
	e, err := read(content, zone.UTC())
	if err != nil {
		return store.Object{}, err
	}
	return e.index(near)
}

func (e *event) index(near store.Span) (o store.Object, err error) {
	o = store.Object{UID: e.UID, Component: e.Component, Private: private(e.Object), Scheduled: scheduled(e.Object),
		Attachments: attachments(e.Object)}
	if len(o.UID) > store.UIDSizeMax {
		return o, &ical.Error{Precondition: ical.ValidCalendarObjectResource, Reason: fmt.Sprintf("the UID has more than %d bytes", store.UIDSizeMax)}
	}
	if e.Component == availabilityKind {
		o.Extent = e.availabilityExtent()
		return o, nil
	}
	b, err := e.series.Bounds()
	if err != nil || b.Never {
		return o, err
	}
	o.Extent = store.Span{From: math.MinInt64, To: math.MaxInt64}
	if !b.First.IsZero() {
		o.Extent.From = b.First.Unix()
	}
	if !b.Open {
		o.Extent.To = b.Last.Unix() + 1
	}
	// Only of events is an instance where it says: tasks are found by when they are
	// due, and were done, too.
	if e.Component == "VEVENT" && e.series.Recurs() && near.From < near.To {
		if spans, whole := e.instants(near); whole {
			o.Known, o.Instants = near, spans
		}
	}
	if e.Component == "VEVENT" {
		o.Busy, o.Taken = e.taken()
	}
	return o, nil
}

// taken tells how and when an event that happens once takes time, where that does not
// hang on who reads it.
func (e *event) taken() (store.Busy, store.Span) {
	var busy store.Busy
	var taken store.Span
	for in, err := range e.series.Between(time.Time{}, time.Time{}) {
		if err != nil || busy != store.BusyUnknown || in.From.Form != ical.UTC {
			return store.BusyUnknown, store.Span{}
		}
		busy, taken = store.BusyFree, store.Span{From: in.Start.Unix(), To: in.End.Unix()}
	}
	if taken.From >= taken.To {
		return store.BusyUnknown, store.Span{}
	}
	for p, err := range e.series.Busy(time.Time{}, time.Time{}) {
		switch {
		case err != nil:
			return store.BusyUnknown, store.Span{}
		case p.Busy == recur.Tentative:
			busy = store.BusyTentative
		default:
			busy = store.BusyTaken
		}
	}
	return busy, taken
}

// instants are when the instances within a span take place, widened where that
// hangs on the reader's zone; whole is false where they are too many.
func (e *event) instants(near store.Span) (spans []store.Span, whole bool) {
	from, to := time.Unix(near.From, 0).Add(-floatingSlack), time.Unix(near.To, 0).Add(floatingSlack)
	for in, err := range e.series.Between(from, to) {
		if err != nil || len(spans) == knownMax {
			return nil, false
		}
		s := store.Span{From: in.Start.Unix(), To: max(in.End.Unix(), in.Start.Unix()+1)}
		if in.From.Form != ical.UTC {
			slack := int64(floatingSlack / time.Second)
			s.From, s.To = s.From-slack, s.To+slack
		}
		spans = append(spans, s)
	}
	return spans, true
}

// inspect judges what a PUT brings. RFC 4791, section 5.3.2.1
func inspect(rq *dav.Request, body []byte) (*store.Object, error) {
	if len(body) > ObjectMax {
		return nil, violation(http.StatusForbidden, ical.MaxResourceSize, fmt.Sprintf("the object has more than %d bytes", ObjectMax))
	}
	_, r := rq.HTTP()
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !slices.Contains(calendarTypes, strings.ToLower(strings.TrimSpace(t))) {
		return nil, violation(http.StatusForbidden, ical.SupportedCalendarData, "only text/calendar is kept here, not "+t)
	}
	o, err := Index(body, store.Near(time.Now()))
	if err != nil {
		return nil, broken(err)
	}
	if o.Scheduled && len(body) > itip.SizeMax {
		return nil, violation(http.StatusForbidden, ical.MaxResourceSize, fmt.Sprintf("an object with an organizer has at most %d bytes", itip.SizeMax))
	}
	return &o, nil
}

// calendarTypes are the media types under which clients send objects; some say
// nothing, or what a form would be.
var calendarTypes = []string{"text/calendar", "", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded"}

// broken is the answer to an object that breaks a rule.
func broken(err error) error {
	var wrong *ical.Error
	if errors.As(err, &wrong) {
		return violation(http.StatusForbidden, wrong.Precondition, err.Error())
	}
	return err
}
