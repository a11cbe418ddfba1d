package caldav

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/caldav/filter"
	"davit/caldav/ical"
	"davit/caldav/itip"
	"davit/caldav/recur"
	"davit/dav"
	"davit/dav/wire"
	"davit/store"
)

// busyMax is the longest body of a question for busy time, in bytes.
const busyMax = 256 << 10

// busyQuestion is a VFREEBUSY that asks for the busy time of people.
type busyQuestion struct {
	within    filter.Range
	uid       string
	organizer string
	attendees []string
}

// post answers POST, which is one thing on an outbox, another on a calendar and a third
// on an object.
func post(rq *dav.Request) error {
	m, err := rq.Self(rq.Session(), store.Want{})
	switch {
	case err != nil:
		return err
	case m.Box() == store.Outbox:
		return askBusy(rq)
	case m.IsCalendar() && rq.BringsXML(), m.Box() == store.Inbox && rq.BringsXML():
		return postXML(rq, &m)
	case m.Indexed:
		return attach(rq)
	}
	return rq.NotAllowed()
}

// askBusy answers POST on an outbox: when the people named are busy. Invitations are
// not posted; they are what objects of a calendar say. RFC 6638, section 5
func askBusy(rq *dav.Request) error {
	w, r := rq.HTTP()
	if t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(t), "text/calendar") {
		return violation(http.StatusForbidden, ical.SupportedCalendarData, "a question for busy time is text/calendar")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, busyMax))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return violation(http.StatusForbidden, ical.MaxResourceSize, fmt.Sprintf("a question for busy time has at most %d bytes", busyMax))
	case err != nil:
		return err
	}
	q, err := readBusyQuestion(body)
	if err != nil {
		return err
	}
	if !parties(rq.Session().Addresses()).Has(q.organizer) {
		return violation(http.StatusForbidden, "valid-organizer", "the ORGANIZER has to be who asks") // RFC 6638, section 5.2.2
	}
	h := w.Header()
	answer := q.answer(rq.Session().Pinned(), time.Now())
	h.Set("Content-Type", wire.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	_, err = w.Write(answer)
	return err
}

// readBusyQuestion reads the body of a POST. RFC 5546, section 3.3.2
func readBusyQuestion(body []byte) (q busyQuestion, err error) {
	obj, err := ical.Decode(body)
	if err != nil {
		return q, broken(err)
	}
	unfit := func(reason string) error {
		return violation(http.StatusBadRequest, "valid-scheduling-message", reason) // RFC 6638, section 5.2.1
	}
	if _, err := obj.Message("VFREEBUSY"); err != nil {
		return q, unfit("only questions for busy time are posted: " + err.Error())
	}
	if method := obj.Calendar.Props.Get("METHOD"); method == nil || !strings.EqualFold(strings.TrimSpace(method.Value), string(itip.Request)) {
		return q, unfit("a question for busy time has METHOD:REQUEST")
	}
	i := slices.IndexFunc(obj.Calendar.Children, func(c *ical.Component) bool { return c.Name == "VFREEBUSY" })
	c := obj.Calendar.Children[i]
	for name, into := range map[string]*time.Time{"DTSTART": &q.within.From, "DTEND": &q.within.To} {
		p := c.Props.Get(name)
		if p == nil {
			return q, unfit("there is no " + name)
		}
		if *into, err = time.Parse(utcForm, strings.TrimSpace(p.Value)); err != nil {
			return q, unfit(name + " is to be in UTC: " + utcForm)
		}
	}
	if !q.within.From.Before(q.within.To) {
		return q, unfit("it ends before it begins")
	}
	q.uid = c.Props.Get("UID").Value
	if p := c.Props.Get("ORGANIZER"); p != nil {
		q.organizer = strings.TrimSpace(p.Value)
	}
	for _, p := range c.Props["ATTENDEE"] {
		q.attendees = append(q.attendees, strings.TrimSpace(p.Value))
	}
	if len(q.attendees) == 0 || len(q.attendees) > itip.AttendeesMax {
		return q, unfit(fmt.Sprintf("it has to name 1 to %d people", itip.AttendeesMax))
	}
	return q, nil
}

// answer is a schedule-response. RFC 6638, section 5.2
func (q *busyQuestion) answer(s *store.Session, now time.Time) []byte {
	dst := []byte(`<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<C:schedule-response xmlns:D="DAV:" xmlns:C="` + nsCalDAV + `">`)
	for _, who := range q.attendees {
		dst = append(dst, "<C:response><C:recipient><D:href>"...)
		dst = wire.AppendText(dst, who)
		dst = append(dst, "</D:href></C:recipient><C:request-status>"...)
		periods, status := q.busy(s, who)
		dst = append(dst, status...)
		dst = append(dst, "</C:request-status>"...)
		if strings.HasPrefix(status, itip.Success) {
			reply := appendFreeBusy(nil, string(itip.Reply), &q.within, periods, now, "UID:"+q.uid, "ORGANIZER:"+q.organizer, "ATTENDEE:"+who)
			dst = append(dst, "<C:calendar-data>"...)
			dst = wire.AppendText(dst, reply)
			dst = append(dst, "</C:calendar-data>"...)
		}
		dst = append(dst, "</C:response>"...)
	}
	return append(dst, "</C:schedule-response>\n"...)
}

// busy is when somebody is busy, as far as the asker may know. Who is unknown to him
// and who is unknown to all have one answer.
func (q *busyQuestion) busy(s *store.Session, who string) ([]recur.BusyPeriod, string) {
	person, err := s.BusyTimes(itip.Key(who), spanOf(&q.within))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, itip.Unknown + ";Invalid calendar user"
	case errors.Is(err, store.ErrNoBusy):
		return nil, itip.Forbidden + ";No authority"
	case err != nil:
		return nil, itip.Unavailable + ";Service unavailable"
	}
	busy := busyList{within: &q.within}
	busy.addInbox(person.Inbox)
	for i := range person.Calendars {
		c := &person.Calendars[i]
		if transparent(c.Props) {
			continue
		}
		busy.addPeriods(c.Periods)
		floating := zoneKept(c.Props)
		for _, content := range c.Contents {
			if obj, err := itip.Parse(content); err == nil {
				content = obj.Free(parties(person.Addresses))
			}
			busy.add(content, floating)
		}
	}
	return busy.all(), itip.Success + ";Success"
}

// transparent tells whether the owner counts nothing in a calendar as busy time.
// RFC 6638, section 9.1
func transparent(props []store.Prop) bool {
	for i := range props {
		if p := &props[i]; p.Space == transparency.Space && p.Local == transparency.Local {
			kids, err := wire.ParseFragment(dav.PropValue(p))
			return err == nil && len(kids) == 1 && kids[0].Name == calName("transparent")
		}
	}
	return false
}
