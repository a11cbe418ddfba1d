package itip

import (
	"slices"
	"strings"
)

// A view is the part of an object that one attendee is invited to.
type view struct {
	object *Object // nil when he is invited to nothing
	whole  bool    // to the series, not to single instances
	// without are the instances of the series that are not for him.
	without map[string]bool
}

// viewOf cuts an object to what the server invites somebody to. Instances that are not for
// him are exceptions of the series. What is cancelled invites nobody.
func (o *Object) viewOf(who Party) view {
	v := view{without: map[string]bool{}}
	if o == nil || !o.serves(who) { // RFC 6638, section 3.2.1.2
		return v
	}
	v.object = o.clone()
	master := v.object.master()
	v.whole = master != nil && invites(master, who)
	if v.whole {
		v.without = v.object.exceptions(master)
	}
	v.object.dropParts(func(c *component) bool {
		switch {
		case c == master:
			return !v.whole
		case invites(c, who):
			return false
		case v.whole:
			v.object.except(master, c)
			v.without[v.object.key(c)] = true
		}
		return true
	})
	if len(v.object.parts()) == 0 {
		v.object = nil
	}
	return v
}

func invites(c *component, who Party) bool {
	return !strings.EqualFold(c.text("STATUS"), "CANCELLED") && c.attendee(who) != nil
}

// keys are the instances in the view, "" for the series.
func (v *view) keys() (keys []string) {
	if v.object != nil {
		for _, c := range v.object.parts() {
			keys = append(keys, v.object.key(c))
		}
	}
	return keys
}

// untold are what nobody is told by a message when it alone changes: stamps, what
// each has for himself, and exceptions, which are compared as instances.
var untold = []string{"DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "TRANSP", "REQUEST-STATUS", "PERCENT-COMPLETE", "COMPLETED", "EXDATE"}

// says is what a component says to those who are invited, to be compared.
func (o *Object) says(c *component) string {
	var lines []string
	for i := range c.items {
		p := &c.items[i].prop
		switch {
		case c.items[i].sub != nil, slices.Contains(untold, p.Name), strings.HasPrefix(p.Name, "X-"):
		case p.Name == "ATTENDEE", p.Name == "ORGANIZER":
			lines = append(lines, p.Name+" "+Key(p.Value))
		default:
			lines = append(lines, p.Name+" "+o.meaning(&c.items[i]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// timed are the properties whose values are times in zones.
var timed = []string{"DTSTART", "DTEND", "DUE", "RECURRENCE-ID"}

// meaning is the value of a property whichever way it is written.
func (o *Object) meaning(it *item) string {
	value := strings.TrimSpace(it.prop.Value)
	switch {
	case slices.Contains(timed, it.prop.Name):
		return o.moment(&it.prop)
	case it.prop.Name == "RDATE":
		var times []string
		for one := range strings.SplitSeq(value, ",") {
			times = append(times, o.momentOf(one, it.prop.Params.Get("TZID")))
		}
		slices.Sort(times)
		return strings.Join(times, ",")
	case it.prop.Name == "RRULE":
		rule := strings.Split(strings.ToUpper(strings.TrimRight(value, ";")), ";")
		slices.Sort(rule)
		return strings.Join(rule, ";")
	}
	return unescape.Replace(value)
}

// unescape reads TEXT, of which some clients escape more than others.
var unescape = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\:`, ":")

// wholeTimes are the properties of a component's time that ask those who are invited anew
// when they change in any way.
var wholeTimes = []string{"DTSTART", "DTEND", "DURATION", "DUE"}

// when is the time of a component, of its own and as far as these properties say.
func (o *Object) when(c *component, names ...string) string {
	var lines []string
	for i := range c.items {
		if p := &c.items[i].prop; c.items[i].sub == nil && slices.Contains(names, p.Name) {
			lines = append(lines, p.Name+" "+o.meaning(&c.items[i]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// reschedules tells of a component whether its times have changed at all, and whether
// they have moved: whether any instance is new or at another time, which asks those who
// are invited anew. RFC 6638, section 3.2.8
func (c *Change) reschedules(is, was *component) (moved, changed bool) {
	if c.New.when(is, wholeTimes...) != c.Old.when(was, wholeTimes...) {
		return true, true
	}
	rules, ruled := c.New.when(is, "RRULE"), c.Old.when(was, "RRULE")
	dates, dated := c.New.dates(is), c.Old.dates(was)
	left, leftBefore := c.New.exceptions(is), c.Old.exceptions(was)
	moved = rules != ruled && !endsSooner(rules, ruled) || !covers(dated, dates) || !covers(left, leftBefore)
	return moved, moved || rules != ruled || !covers(dates, dated)
}

// dates are the further times of a series.
func (o *Object) dates(c *component) map[string]bool {
	keys := map[string]bool{}
	c.each("RDATE", func(it *item) {
		for value := range strings.SplitSeq(it.prop.Value, ",") {
			keys[o.momentOf(value, it.prop.Params.Get("TZID"))] = true
		}
	})
	return keys
}

// covers tells whether a set has all of another.
func covers(set, other map[string]bool) bool {
	for key := range other {
		if !set[key] {
			return false
		}
	}
	return true
}

// endsSooner tells whether a rule, as when tells it, is another one that goes on for
// less long, so that all of its instances were the other's.
func endsSooner(rule, other string) bool {
	if rule == "" {
		return true
	}
	mine, count, until := ruleEnd(rule)
	theirs, countBefore, untilBefore := ruleEnd(other)
	switch {
	case mine != theirs || strings.Contains(rule, "\n"):
		return false
	case countBefore > 0:
		return until == "" && count > 0 && count <= countBefore
	case untilBefore != "":
		return count == 0 && len(until) == len(untilBefore) && until <= untilBefore
	}
	return true
}

// ruleEnd takes apart when a rule ends and what else it says.
func ruleEnd(rule string) (rest string, count int, until string) {
	var others []string
	for part := range strings.SplitSeq(strings.TrimPrefix(rule, "RRULE "), ";") {
		if n, is := strings.CutPrefix(part, "COUNT="); is {
			count = number(n)
		} else if t, is := strings.CutPrefix(part, "UNTIL="); is {
			until = t
		} else {
			others = append(others, part)
		}
	}
	return strings.Join(others, ";"), count, until
}
