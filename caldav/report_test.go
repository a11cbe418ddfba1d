package caldav_test

import (
	"testing"

	"davit/dav/davtest"
)

// queryFor is a calendar-query for the events that a filter means, with their data.
func queryFor(filter string) string {
	return `<C:calendar-query` + calendarNS + `><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR">` +
		`<C:comp-filter name="VEVENT">` + filter + `</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
}

// A UID is found by any part of it, in the collation that is asked for, and as it is
// meant, not as it is written. RFC 4791, sections 7.5 and 9.7.5
func TestQueryByUID(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	for name, uid := range map[string]string{"plain": "Alpha-1", "longer": "xAlpha-12", "escaped": `with\, comma`} {
		put(mia, "/caldav/mia/calendar/"+name+".ics", event(uid, name)).Want(t, 201)
	}
	for _, row := range []struct {
		match string // attributes and value of the text-match
		want  []string
	}{
		{` collation="i;octet">Alpha-1`, []string{"plain.ics", "longer.ics", "!escaped"}},
		{` collation="i;octet">Alpha-12`, []string{"longer.ics", "!plain"}},
		{` collation="i;octet">alpha-1`, []string{"!ics"}},
		{`>alpha-1`, []string{"plain.ics", "longer.ics"}},
		{` collation="i;unicode-casemap">ALPHA-12`, []string{"longer.ics", "!plain"}},
		{` collation="i;octet" negate-condition="yes">Alpha-1`, []string{"escaped.ics", "!plain", "!longer"}},
		{` collation="i;octet">with, comma`, []string{"escaped.ics", "!plain"}},
		{` collation="i;octet">with\, comma`, []string{"!ics"}},
		{`>`, []string{"plain.ics", "longer.ics", "escaped.ics"}},
	} {
		mia.Do("REPORT", "/caldav/mia/calendar/", queryFor(`<C:prop-filter name="UID"><C:text-match`+row.match+`</C:text-match></C:prop-filter>`), "Depth", "1").
			Want(t, 207, row.want...)
		if t.Failed() {
			t.Fatalf("of %s", row.match)
		}
	}
}
