package imip

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/caldav/zone"
)

// An object is a message or what it is about, read for people.
type object struct {
	parts []*ical.Component // all but time zones
	zones *zone.Finder
}

func read(content []byte) (*object, error) {
	decoded, err := ical.Decode(content)
	if err != nil {
		return nil, err
	}
	o := &object{zones: zone.New(decoded)}
	for _, c := range decoded.Calendar.Children {
		if c.Name == "VEVENT" || c.Name == "VTODO" || c.Name == "VJOURNAL" {
			o.parts = append(o.parts, c)
		}
	}
	return o, nil
}

// invited tells whether an address is asked to any part of the object.
func (o *object) invited(address string) bool {
	for _, c := range o.parts {
		if invites(c, address) {
			return true
		}
	}
	return false
}

func invites(c *ical.Component, address string) bool {
	for _, p := range c.Props["ATTENDEE"] {
		if mailbox, is := mailto(p.Value); is && strings.EqualFold(mailbox, address) {
			return true
		}
	}
	return false
}

// before is the part that another one, of the object as it is now, has been.
func (o *object) before(now *ical.Component, address string) *ical.Component {
	var series *ical.Component
	for _, c := range o.parts {
		if !invites(c, address) {
			continue
		}
		if value(c, "RECURRENCE-ID") == value(now, "RECURRENCE-ID") {
			return c
		}
		if value(c, "RECURRENCE-ID") == "" {
			series = c
		}
	}
	return series
}

func value(c *ical.Component, name string) string {
	if p := c.Props.Get(name); p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// facts are what people ask of an invitation.
type facts struct{ what, when, repeats, where string }

// each gives the facts with their names.
func (f facts) each() [4][2]string {
	return [4][2]string{{"What", f.what}, {"When", f.when}, {"Repeats", f.repeats}, {"Where", f.where}}
}

func (f facts) write(b *strings.Builder) {
	for _, row := range f.each() {
		if row[1] != "" {
			fmt.Fprintf(b, "  %-8s %s\n", row[0]+":", row[1])
		}
	}
	b.WriteByte('\n')
}

func (o *object) facts(c *ical.Component) facts {
	f := facts{what: clip(plain(c, "SUMMARY"), lineMax), when: o.when(c), where: clip(plain(c, "LOCATION"), lineMax)}
	if rule := value(c, "RRULE"); rule != "" {
		f.repeats = repeats(rule)
	}
	return f
}

// writeChanges says what is new to who has been invited before.
func writeChanges(b *strings.Builder, now *object, l Letter) {
	then, err := read(l.Before)
	if err != nil || !then.invited(l.To) {
		return
	}
	var lines []string
	for _, part := range now.parts[:min(len(now.parts), partsMax)] {
		was := then.before(part, l.To)
		if was == nil {
			continue
		}
		is := now.facts(part).each()
		for i, row := range then.facts(was).each() {
			if row[1] == is[i][1] {
				continue
			}
			if row[1] == "" {
				row[1] = "nothing"
			}
			line := fmt.Sprintf("  %-8s was %s", row[0]+":", row[1])
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		b.WriteString("The time and the place are what they were; see the calendar for what else is new.\n\n")
		return
	}
	fmt.Fprintf(b, "What has changed:\n\n%s\n\n", strings.Join(lines, "\n"))
}

const (
	dayForm   = "Monday, 2 January 2006"
	clockForm = "15:04"
)

// when says when a part is, in the zone in which it was made.
func (o *object) when(c *ical.Component) string {
	begins, due := c.Props.Get("DTSTART"), c.Props.Get("DUE")
	if begins == nil {
		if due == nil {
			return ""
		}
		at, err := ical.PropTime(due)
		if err != nil {
			return ""
		}
		return "due " + moment(at) + o.zoneOf(at)
	}
	from, err := ical.PropTime(begins)
	if err != nil {
		return ""
	}
	to, ends := o.end(c, from)
	if from.Form == ical.DateForm {
		last := clock(to.Wall) // the day after, which is not part of it
		if last = last.AddDate(0, 0, -1); !ends || !last.After(clock(from.Wall)) {
			return clock(from.Wall).Format(dayForm) + ", all day"
		}
		return clock(from.Wall).Format(dayForm) + " to " + last.Format(dayForm) + ", all day"
	}
	text := moment(from)
	switch {
	case !ends || to.Wall == from.Wall && to.Zone == from.Zone:
	case to.Form != from.Form || to.Zone != from.Zone:
		return text + o.zoneOf(from) + " to " + moment(to) + o.zoneOf(to)
	case to.Wall.Day() == from.Wall.Day():
		text += " to " + clock(to.Wall).Format(clockForm)
	default:
		text += " to " + moment(to)
	}
	return text + o.zoneOf(from)
}

func clock(w ical.Wall) time.Time { return time.Unix(int64(w), 0).UTC() }

func moment(t ical.Time) string {
	if t.Form == ical.DateForm {
		return clock(t.Wall).Format(dayForm)
	}
	return clock(t.Wall).Format(dayForm + ", " + clockForm)
}

// zoneOf names the zone of a time, in brackets.
func (o *object) zoneOf(t ical.Time) string {
	switch t.Form {
	case ical.UTC:
		return " (UTC)"
	case ical.Zoned:
		if z, err := o.zones.Find(t.Zone); err == nil {
			return " (" + clip(oneLine(z.Name()), nameMax) + ")"
		}
		return " (" + clip(oneLine(t.Zone), nameMax) + ")"
	}
	return ""
}

// end is when a part ends, written like its start; ends is false where it does not say.
func (o *object) end(c *ical.Component, from ical.Time) (to ical.Time, ends bool) {
	for _, name := range []string{"DTEND", "DUE"} {
		if p := c.Props.Get(name); p != nil {
			to, err := ical.PropTime(p)
			return to, err == nil
		}
	}
	d, err := ical.ParseDuration(value(c, "DURATION"))
	if err != nil || d.Negative() {
		return from, false
	}
	to = from
	to.Wall += ical.Wall(d.Days * ical.Day)
	if z, err := o.zones.Find(from.Zone); from.Form == ical.Zoned && err == nil {
		to.Wall = z.Wall(z.Instant(to.Wall) + zone.Instant(d.Seconds))
	} else {
		to.Wall += ical.Wall(d.Seconds)
	}
	return to, to.Wall < ical.WallMax
}

// units are the frequencies in words.
var units = map[string]string{"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}

var weekdays = map[string]string{"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday", "SU": "Sunday"}

// byRule stands for the rules that no short sentence says.
const byRule = "yes; the calendar shows when"

// repeats says a rule in words.
func repeats(rule string) string {
	parts := map[string]string{}
	for part := range strings.SplitSeq(strings.ToUpper(rule), ";") {
		name, v, _ := strings.Cut(part, "=")
		parts[name] = v
	}
	unit, known := units[parts["FREQ"]]
	if !known {
		return byRule
	}
	text := "every " + unit
	for name, v := range parts {
		switch name {
		case "", "FREQ", "COUNT", "UNTIL", "WKST", "BYDAY":
		case "INTERVAL":
			if n, err := strconv.ParseUint(v, 10, 16); err != nil {
				return byRule
			} else if n > 1 {
				text = fmt.Sprintf("every %d %ss", n, unit)
			}
		default:
			return byRule
		}
	}
	if days := parts["BYDAY"]; days != "" {
		var names []string
		for day := range strings.SplitSeq(days, ",") {
			if weekdays[day] == "" || unit != "week" {
				return byRule
			}
			names = append(names, weekdays[day])
		}
		text += " on " + strings.Join(names, ", ")
	}
	if n, err := strconv.ParseUint(parts["COUNT"], 10, 32); err == nil {
		text += fmt.Sprintf(", %d times", n)
	}
	if last, err := ical.ParseTime(parts["UNTIL"], ""); err == nil {
		text += ", until " + clock(last.Wall).Format(dayForm)
	}
	return text
}
