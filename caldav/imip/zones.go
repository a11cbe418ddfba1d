package imip

import (
	"slices"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// Bounds of the zones that a letter is given.
const (
	zonesMax     = 10   // of one letter
	zoneYear     = 1970 // the first year that is told of
	zoneYearsOut = 10   // years behind the letter and all that it names
)

// A use is a zone that a message names and does not bring.
type use struct {
	tzid        string
	first, last int // years
}

// withZones is a message with a VTIMEZONE for each zone that it names: some clients
// send none, since their server has the zone database, which not every reader of mail
// has. RFC 5546, section 3.2.2; RFC 5545, section 3.6.5
func withZones(message []byte, written time.Time) []byte {
	obj, err := ical.Decode(message)
	if err != nil {
		return message
	}
	var zones []byte
	for _, u := range missing(obj) {
		z, err := zone.Named(u.tzid)
		if err != nil {
			continue // its reader knows as much of it
		}
		from := max(u.first-1, zoneYear)
		to := min(max(u.last, written.Year())+zoneYearsOut, ical.YearMax)
		zones = z.AppendComponent(zones, u.tzid, newYear(from), newYear(max(to, from+1)))
	}
	if len(zones) == 0 {
		return message
	}
	var whole []byte
	for i := range obj.Lines {
		line := &obj.Lines[i]
		if line.Name == "BEGIN" && line.Component != obj.Calendar && zones != nil {
			whole, zones = append(whole, zones...), nil
		}
		whole = append(whole, line.Text...)
	}
	return whole
}

func newYear(year int) zone.Instant { return zone.Instant(ical.DayOf(year, 1, 1) * ical.Day) }

// missing are the zones that a message names and does not bring.
func missing(obj *ical.Object) (uses []use) {
	brought := map[string]bool{}
	for _, c := range obj.Calendar.Children {
		if id := c.Props.Get("TZID"); c.Name == "VTIMEZONE" && id != nil {
			brought[strings.TrimSpace(id.Value)] = true
		}
	}
	for i := range obj.Lines {
		p := obj.Lines[i].Prop()
		if p == nil {
			continue
		}
		tzid := strings.TrimSpace(p.Params.Get("TZID"))
		value, _, _ := strings.Cut(p.Value, ",")
		at, err := ical.ParseTime(value, tzid)
		if tzid == "" || brought[tzid] || err != nil {
			continue
		}
		year, _, _ := ical.Date(at.Wall.Day())
		n := slices.IndexFunc(uses, func(u use) bool { return u.tzid == tzid })
		switch {
		case n >= 0:
			uses[n].first, uses[n].last = min(uses[n].first, year), max(uses[n].last, year)
		case len(uses) < zonesMax:
			uses = append(uses, use{tzid, year, year})
		}
	}
	return uses
}
