package davit_test

import (
	"context"
	"errors"

	"davit/caldav"
	"davit/policy"
	"davit/store"
)

// calendarKind is what the cases call a calendar: it stands in its owner's drive,
// under its own name.
const calendarKind policy.SpaceKind = "calendar"

// freeBusyQuery asks for the first day of the cases' clock, on which planted
// events take place.
const freeBusyQuery = `<free-busy-query xmlns="urn:ietf:params:xml:ns:caldav"><time-range start="19700101T000000Z" end="19700102T000000Z"/></free-busy-query>`

// plantedEvent is an event of that day; its UID is its path.
func plantedEvent(uid string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//cases//EN\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:19700101T000000Z\r\n" +
		"DTSTART:19700101T120000Z\r\nDURATION:PT1H\r\nSUMMARY:a meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

// calendarHomes is where the homes of calendars stand, for everybody.
func calendarHomes(_ *run, _, rest, _ string) (string, error) { return "/caldav/" + escape(rest), nil }

// outbox is where somebody asks when others are busy.
func outbox(_ *run, who, _, _ string) (string, error) {
	return "/caldav/" + escape(who) + "/outbox/", nil
}

func (r *run) makeCalendar(name string, w worldSpace) error {
	owner := r.server.Store.Policy().UserNamed(w.Owner)
	if owner == nil {
		return mistaken("no user %q", w.Owner)
	}
	s := r.server.Store.Login(store.Credential{User: owner.ID, Mask: policy.All, Class: policy.Web})
	at := store.Path{"~" + w.Owner, name}.Calendars()
	err := errors.Join(s.BeginCalendars(context.Background()),
		s.MakeCalendar(context.Background(), at, store.NewCalendar{}, store.Terms{}))
	for who, level := range w.Levels {
		id, e := r.principal(who)
		if e != nil || id == owner.ID {
			err = errors.Join(err, e)
			continue
		}
		place, _, e := r.server.Store.Operator().Place(at)
		err = errors.Join(err, e, r.change(policy.SetEntry{At: place, Entry: levelEntry(id, level)}))
	}
	return err
}

// plantObject puts an event into a calendar.
func plantObject(s *store.Session, at store.Path) error {
	content := []byte(plantedEvent(at.String()))
	object, err := caldav.Index(content, store.Span{})
	if err != nil {
		return err
	}
	up, err := s.Begin(at, int64(len(content)), store.Terms{})
	if err != nil {
		return err
	}
	if _, err := up.Write(content); err != nil {
		up.Abort()
		return err
	}
	_, _, err = up.Commit(context.Background(), store.Meta{Object: &object})
	return err
}
