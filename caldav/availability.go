package caldav

import (
	"encoding/xml"
	"time"

	"davit/caldav/filter"
	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/zone"
	"davit/dav"
	"davit/dav/wire"
	"davit/store"
)

// availabilityNames are the names of the property of an inbox that says when its owner
// can be asked at all: the one of RFC 7953, section 7.2.4, and before it that of Apple's
// clients.
var availabilityNames = []xml.Name{calName("calendar-availability"), serverName("calendar-availability")}

// checkAvailability refuses a value that says nothing of the kind.
func checkAvailability(text string) *wire.Precondition {
	obj, err := ical.Decode([]byte(text))
	said := false
	if err == nil {
		for _, c := range obj.Calendar.Children {
			switch c.Name {
			case "VTIMEZONE":
			case availabilityKind:
				said = true
			default:
				err = &ical.Error{Reason: c.Name + " stands beside VAVAILABILITY"}
			}
		}
		if !said && err == nil {
			err = &ical.Error{Reason: "there is no VAVAILABILITY"}
		}
	}
	if err == nil {
		err = new(recur.Availability).Add(obj, zone.UTC())
	}
	if err != nil {
		return &wire.Precondition{Name: calName(ical.ValidCalendarData), Text: err.Error()}
	}
	return nil
}

// availabilityExtent is the time about which an object says something, widened where
// that hangs on the reader's zone.
func (e *event) availabilityExtent() store.Span {
	from, to := e.availability.Extent()
	s := store.Always
	if !from.IsZero() {
		s.From = from.Add(-floatingSlack).Unix()
	}
	if !to.IsZero() {
		s.To = to.Add(floatingSlack).Unix()
	}
	return s
}

// A busyList gathers when somebody is busy within a range.
type busyList struct {
	within       *filter.Range
	periods      []recur.BusyPeriod
	availability recur.Availability
}

// add takes in an object of a calendar in whose zone times without one are read. One
// that cannot be read keeps nobody busy. RFC 4791, sections 5.2.2 and 7.10
func (b *busyList) add(content []byte, floating *zone.Zone) {
	e, err := read(content, floating)
	if err != nil {
		return
	}
	if e.Component == availabilityKind {
		b.availability.Add(e.Object, floating) // what is too much besides the others says nothing
		return
	}
	for p, err := range e.series.Busy(b.within.From, b.within.To) {
		if err != nil {
			break
		}
		b.periods = append(b.periods, p)
	}
}

// addPeriods takes in what is known of objects that need not be read.
func (b *busyList) addPeriods(periods []store.BusyPeriod) {
	for _, p := range periods {
		from, to := time.Unix(p.From, 0), time.Unix(p.To, 0)
		if from.Before(b.within.From) {
			from = b.within.From
		}
		if to.After(b.within.To) {
			to = b.within.To
		}
		if from.Before(to) {
			b.periods = append(b.periods, recur.BusyPeriod{Start: from, End: to, Busy: takenAs[p.Busy]})
		}
	}
}

// takenAs are the names of what the index knows.
var takenAs = map[store.Busy]recur.Busy{store.BusyTaken: recur.IsBusy, store.BusyTentative: recur.Tentative}

// addInbox takes in what the properties of an inbox say.
func (b *busyList) addInbox(props []store.Prop) {
	for _, name := range availabilityNames {
		for i := range props {
			if props[i].Space != name.Space || props[i].Local != name.Local {
				continue
			}
			if obj, err := ical.Decode([]byte(wire.InnerText(dav.PropValue(&props[i])))); err == nil {
				b.availability.Add(obj, zoneKept(props)) // it fitted when it was set
			}
			return
		}
	}
}

// all are the periods, in order. What takes place counts before the hours in which
// nothing should. RFC 7953, section 5
func (b *busyList) all() []recur.BusyPeriod {
	b.periods = recur.MergeBusy(b.periods)
	unavailable := b.availability.Busy(b.within.From, b.within.To)
	return recur.MergeBusy(append(recur.Beside(unavailable, b.periods), b.periods...))
}
