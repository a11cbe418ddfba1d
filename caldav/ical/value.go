package ical

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Form is how a time is written: RFC 5545, sections 3.3.4 and 3.3.5.
type Form uint8

// The four forms.
const (
	DateForm Form = iota // a day, in no zone
	Floating             // a local time, in no zone
	UTC                  // with a Z behind it
	Zoned                // a local time, with a TZID
)

// A Time is a value of type DATE or DATE-TIME.
type Time struct {
	Wall Wall
	Form Form
	Zone string // the TZID, only with Zoned
}

// String writes the value without its parameters.
func (t Time) String() string { return string(t.Append(nil)) }

// Append is String into memory that is there.
func (t Time) Append(dst []byte) []byte {
	y, m, d := Date(t.Wall.Day())
	dst = appendPadded(appendPadded(appendPadded(dst, y, 1000), m, 10), d, 10)
	if t.Form == DateForm {
		return dst
	}
	clock := t.Wall.Clock()
	dst = appendPadded(append(dst, 'T'), clock/3600, 10)
	dst = appendPadded(appendPadded(dst, clock/60%60, 10), clock%60, 10)
	if t.Form == UTC {
		dst = append(dst, 'Z')
	}
	return dst
}

// appendPadded writes a number with as many digits as least has, or more.
func appendPadded(dst []byte, n, least int) []byte {
	for ; n < least && least > 1; least /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// PropTime reads the time of a property with one value.
func PropTime(p *Prop) (Time, error) { return ParseTime(p.Value, p.Params.Get("TZID")) }

// ParseTime reads a DATE or DATE-TIME. Which of them it is tells the value, not the
// VALUE parameter, which clients forget. A year that no DATE can write is an *Error
// with its precondition.
func ParseTime(value, tzid string) (Time, error) {
	s := strings.TrimSpace(value)
	t := Time{Form: Floating}
	if n := len(s) - 1; n == 15 && (s[n] == 'Z' || s[n] == 'z') {
		s, t.Form = s[:n], UTC
	} else if tzid != "" {
		t.Form, t.Zone = Zoned, tzid
	}
	if len(s) != 8 && (len(s) != 15 || s[8] != 'T' && s[8] != 't') {
		return Time{}, notTime(value)
	}
	year, okY := digits(s[:4])
	month, okM := digits(s[4:6])
	day, okD := digits(s[6:8])
	if !okY || !okM || !okD {
		return Time{}, notTime(value)
	}
	if year < YearMin {
		return Time{}, &Error{Precondition: MinDateTime, Rule: "RFC 4791, section 5.2.6", Reason: "there is no year 0"}
	}
	if month < 1 || month > 12 || day < 1 || day > MonthDays(year, month) {
		return Time{}, notTime(value)
	}
	t.Wall = Wall(DayOf(year, month, day) * Day)
	if len(s) == 8 {
		return Time{Wall: t.Wall, Form: DateForm}, nil
	}
	hour, okH := digits(s[9:11])
	minute, okM := digits(s[11:13])
	second, okS := digits(s[13:15])
	if !okH || !okM || !okS || hour > 23 || minute > 59 || second > 60 {
		return Time{}, notTime(value)
	}
	second = min(second, 59) // RFC 5545, section 3.3.12: a leap second
	t.Wall += Wall(hour*3600 + minute*60 + second)
	return t, nil
}

func notTime(value string) error { return fmt.Errorf("%s is no date or time", clip(value)) }

// clip keeps a foreign value short enough for a message.
func clip(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%q...", s[:40])
	}
	return fmt.Sprintf("%q", s)
}

// digits reads a number of at most nine digits.
func digits(s string) (n int, ok bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// A Duration has a nominal part, which follows the calendar, and an exact one, which
// follows the clock: RFC 5545, section 3.3.6. Both have the same sign.
type Duration struct {
	Days    int64
	Seconds int64
}

// Negative tells whether it goes back.
func (d Duration) Negative() bool { return d.Days < 0 || d.Seconds < 0 }

// Length is the duration in seconds, with days of 24 hours.
func (d Duration) Length() int64 { return d.Days*Day + d.Seconds }

// DurationMax is the longest duration that is read, in seconds: 10,000 years.
const DurationMax = 10_000 * 366 * Day

var errDuration = errors.New("it is no duration")

// ParseDuration reads a DURATION of at most DurationMax. Weeks may stand beside days.
func ParseDuration(value string) (Duration, error) {
	s := strings.ToUpper(strings.TrimSpace(value))
	sign := int64(1)
	if s != "" && (s[0] == '+' || s[0] == '-') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	s, ok := strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return Duration{}, errDuration
	}
	days, clock, timed := strings.Cut(s, "T")
	var d Duration
	if !d.add(days, "WD", sign) || !d.add(clock, "HMS", sign) || timed && clock == "" {
		return Duration{}, errDuration
	}
	if length := d.Length(); length > DurationMax || length < -DurationMax {
		return Duration{}, errors.New("the duration is too long")
	}
	return d, nil
}

// add adds numbers with units, which have to come in the order of units.
func (d *Duration) add(s, units string, sign int64) bool {
	for s != "" {
		i := strings.IndexAny(s, units)
		if i < 0 {
			return false
		}
		count, ok := digits(s[:i])
		if !ok {
			return false
		}
		n := int64(count) * sign
		switch s[i] {
		case 'W':
			d.Days += 7 * n
		case 'D':
			d.Days += n
		case 'H':
			d.Seconds += 3600 * n
		case 'M':
			d.Seconds += 60 * n
		case 'S':
			d.Seconds += n
		}
		units = units[strings.IndexByte(units, s[i])+1:]
		s = s[i+1:]
	}
	return true
}

// A Period is a value of type PERIOD: RFC 5545, section 3.3.9. It has an End or a
// Duration.
type Period struct {
	Start    Time
	End      Time
	Duration Duration
	HasEnd   bool
}

// ParsePeriod reads a PERIOD.
func ParsePeriod(value, tzid string) (Period, error) {
	from, to, ok := strings.Cut(strings.TrimSpace(value), "/")
	if !ok {
		return Period{}, fmt.Errorf("%s is no period", clip(value))
	}
	start, err := ParseTime(from, tzid)
	if err != nil {
		return Period{}, err
	}
	p := Period{Start: start}
	if strings.ContainsAny(to, "Pp") {
		p.Duration, err = ParseDuration(to)
		if err == nil && p.Duration.Negative() {
			err = errors.New("the period ends before it begins")
		}
		return p, err
	}
	p.End, err = ParseTime(to, tzid)
	p.HasEnd = true
	return p, err
}
