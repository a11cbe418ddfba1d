package dav

import (
	"net/http"
	"strings"

	"davit/dav/wire"
	"davit/store"
)

// ifScheduleTag is the condition that an answer of somebody else does not break.
// RFC 6638, section 8.3
const ifScheduleTag = "If-Schedule-Tag-Match"

// tellScheduleTag tells the schedule tag of what has one. RFC 6638, section 8.2
func tellScheduleTag(h http.Header, e *store.Entry) { setScheduleTag(h, e.ScheduleTag()) }

func setScheduleTag(h http.Header, tag string) {
	if tag != "" {
		h.Set("Schedule-Tag", tag)
	}
}

// scheduleMatches judges the condition on the schedule tag.
func scheduleMatches(h http.Header, target *store.Entry) error {
	want := strings.TrimSpace(h.Get(ifScheduleTag))
	if want == "" || target != nil && want == target.ScheduleTag() {
		return nil
	}
	return store.ErrStale
}

// needsSchedule names the privilege that lacks who speaks for somebody else.
// RFC 6638, sections 6.2.2 and 6.2.3
func (rq *request) needsSchedule(n *store.NotForOwner) wire.Precondition {
	name := sendInvite
	if n.Replies {
		name = sendReply
	}
	return wire.Precondition{Name: davName("need-privileges"), Privileges: []wire.Privilege{{Href: rq.href(n.Outbox, true), Name: name}}}
}

// calendarNames is how many names lead to a calendar.
const calendarNames = 3

// isObject tells whether the request is one on an object of a calendar, or where one
// may stand.
func (rq *request) isObject() bool {
	return rq.path.InCalendars() && len(rq.path) == calendarNames+1 && rq.path[2] != store.Inbox
}

// isOutbox tells whether the request is one on an outbox.
func (rq *request) isOutbox() bool {
	return rq.path.InCalendars() && len(rq.path) == calendarNames && rq.path[2] == store.Outbox
}
