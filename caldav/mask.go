package caldav

import (
	"slices"
	"strings"

	"davit/caldav/ical"
)

// private tells whether an object says that it is not for everybody who reads the
// calendar. A class that is not known is private. RFC 5545, section 3.8.1.3
func private(obj *ical.Object) bool {
	return slices.ContainsFunc(obj.Calendar.Children, func(c *ical.Component) bool {
		class := c.Props.Get("CLASS")
		return class != nil && !strings.EqualFold(strings.TrimSpace(class.Value), "PUBLIC")
	})
}

// unmasked are the properties that say when somebody is busy, and nothing else.
var unmasked = []string{
	"BEGIN", "END", "UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "DUE", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID",
	"CLASS", "TRANSP", "STATUS", "SEQUENCE", "FREEBUSY",
}

// Mask takes from a private object all but when somebody is busy: see
// store.Options. What cannot be read is masked whole.
func Mask(content []byte) []byte {
	obj, err := ical.Decode(content)
	if err != nil {
		return nil
	}
	zones := map[*ical.Component]bool{obj.Calendar: true}
	for _, c := range obj.Calendar.Children {
		if c.Name == "VTIMEZONE" {
			zones[c] = true
			for _, rules := range c.Children {
				zones[rules] = true
			}
		}
	}
	var out []byte
	for i := range obj.Lines {
		line := &obj.Lines[i]
		main := slices.Contains(obj.Calendar.Children, line.Component) && slices.Contains(kinds, line.Component.Name)
		kept := zones[line.Component] && !strings.HasPrefix(line.Name, "X-") || main && slices.Contains(unmasked, line.Name)
		if main && line.Name == "END" && line.Component.Name != "VFREEBUSY" {
			out = append(out, "SUMMARY:Busy\r\n"...)
		}
		if kept {
			out = append(append(out, strings.TrimRight(line.Text, "\r\n")...), "\r\n"...)
		}
	}
	return out
}
