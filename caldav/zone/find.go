package zone

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a TZID means the same on a machine that has no zones

	"davit/caldav/ical"
	"davit/caldav/rule"
)

// Limits of names.
const (
	NameMax  = 255 // bytes of a TZID
	ZonesMax = 100 // TZIDs that one object uses
)

// ErrUnknown says that no rules are known behind a TZID.
var ErrUnknown = errors.New("the time zone is not known")

// A Finder finds the zones of one object.
type Finder struct {
	own    map[string]*ical.Component // VTIMEZONEs by TZID
	found  map[string]*Zone
	budget rule.Budget
}

// New makes a finder for an object, or for none with nil.
func New(obj *ical.Object) *Finder {
	f := &Finder{budget: rule.Budget{Steps: budgetSteps}}
	if obj == nil {
		return f
	}
	for _, c := range obj.Calendar.Children {
		if id := c.Props.Get("TZID"); c.Name == "VTIMEZONE" && id != nil {
			if f.own == nil {
				f.own = map[string]*ical.Component{}
			}
			f.own[strings.TrimSpace(id.Value)] = c
		}
	}
	return f
}

// Find returns the zone behind a TZID: by the VTIMEZONE of the object, by its
// X-LIC-LOCATION where it holds no rules, or by name. The error is ErrUnknown.
func (f *Finder) Find(tzid string) (*Zone, error) {
	if z := f.found[tzid]; z != nil {
		return z, nil
	}
	if len(f.found) == ZonesMax {
		return nil, fmt.Errorf("%w: the object uses more than %d", ErrUnknown, ZonesMax)
	}
	z, err := f.find(tzid)
	if err != nil {
		return nil, err
	}
	if f.found == nil {
		f.found = map[string]*Zone{}
	}
	f.found[tzid] = z
	return z, nil
}

func (f *Finder) find(tzid string) (*Zone, error) {
	c := f.own[strings.TrimSpace(tzid)]
	if c == nil {
		return Named(tzid)
	}
	if own := parse(c, &f.budget); own != nil {
		return &Zone{name: tzid, rules: own}, nil
	}
	if at := c.Props.Get("X-LIC-LOCATION"); at != nil {
		if z, err := Named(at.Value); err == nil {
			return z, nil
		}
	}
	return Named(tzid)
}

// Named finds a zone by a name that clients use: one of the time zone database, one
// of Windows, either with a prefix that programs put before it, or an offset such as
// GMT+1. The error is ErrUnknown.
func Named(name string) (*Zone, error) {
	s := strings.Trim(strings.TrimSpace(name), `"'`)
	if s == "" || len(s) > NameMax {
		return nil, fmt.Errorf("%w: a name has 1 to %d bytes", ErrUnknown, NameMax)
	}
	if z := known(s); z != nil {
		return z, nil
	}
	// Such as /freeassociation.sourceforge.net/Europe/Paris: no name has more than
	// three parts, and the longest that fits is meant.
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '/' })
	for n := min(3, len(parts)); n > 0; n-- {
		if z := known(strings.Join(parts[len(parts)-n:], "/")); z != nil {
			return z, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknown, s)
}

// known finds a zone by just this name.
func known(name string) *Zone {
	if seconds, ok := offsetName(name); ok {
		return offset(name, seconds)
	}
	if loc, ok := windows[strings.ToLower(name)]; ok {
		name = loc
	}
	// The standard library takes Local for the zone of the machine.
	if strings.EqualFold(name, "Local") || !isName(name) {
		return nil
	}
	if loc, ok := locations.Load(name); ok {
		return In(loc.(*time.Location))
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	locations.Store(name, loc)
	return In(loc)
}

// locations are those that were found, by name: at most what the database has. The
// standard library reads them anew each time.
var locations sync.Map

// isName keeps what cannot be in the time zone database away from the file system.
func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && strings.IndexByte("/_+-", s[i]) < 0 {
			return false
		}
	}
	return s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z'
}

// offsetName reads UTC, Z, GMT+1, UTC-03:00 and the like, which mean what is ahead
// of UTC. Etc/GMT+1 is another matter, and in the database.
func offsetName(name string) (seconds int64, ok bool) {
	s := strings.ToUpper(name)
	if s == "Z" || s == "UTC" || s == "GMT" {
		return 0, true
	}
	rest, ok := strings.CutPrefix(s, "UTC")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "GMT"); !ok {
			return 0, false
		}
	}
	sign := int64(1)
	switch {
	case strings.HasPrefix(rest, "-"):
		sign = -1
	case !strings.HasPrefix(rest, "+"):
		return 0, false
	}
	digits := strings.ReplaceAll(rest[1:], ":", "")
	if len(digits) <= 2 {
		digits += "00"
	}
	if len(digits) == 3 {
		digits = "0" + digits
	}
	seconds, ok = clock(digits)
	return sign * seconds, ok
}

// clock reads HHMM or HHMMSS as seconds.
func clock(s string) (seconds int64, ok bool) {
	if len(s) != 4 && len(s) != 6 {
		return 0, false
	}
	for i := 0; i < len(s); i += 2 {
		if s[i] < '0' || s[i] > '9' || s[i+1] < '0' || s[i+1] > '9' {
			return 0, false
		}
		n := int64(s[i]-'0')*10 + int64(s[i+1]-'0')
		if n >= 60 || i == 0 && n >= 24 {
			return 0, false
		}
		seconds = seconds*60 + n
	}
	if len(s) == 4 {
		seconds *= 60
	}
	return seconds, true
}
