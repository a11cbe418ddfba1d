package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"davit/caldav/ical"
)

// Limits of a rule.
const (
	TextMax     = 8 << 10 // bytes
	IntervalMax = 1<<31 - 1
	CountMax    = 1<<31 - 1
)

var freqs = []string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}

var weekdays = []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

// Parse reads the value of an RRULE or EXRULE, in capitals or not. It accepts what
// harms nobody: an empty part, UNTIL beside COUNT, parts that RFC 5545 forbids
// beside the frequency (they limit), and a number with BYDAY where none may stand
// (it is not counted).
func Parse(value string) (*Rule, error) {
	if len(value) > TextMax {
		return nil, fmt.Errorf("the rule has more than %d bytes", TextMax)
	}
	r := &Rule{interval: 1}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.ToUpper(strings.TrimSpace(value)), ";") {
		if part == "" {
			continue
		}
		key, val, _ := strings.Cut(part, "=")
		if seen[key] {
			return nil, fmt.Errorf("the rule has two parts %s", key) // RFC 5545, section 3.3.10
		}
		seen[key] = true
		if err := r.part(key, val); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if !seen["FREQ"] {
		return nil, fmt.Errorf("the rule has no FREQ")
	}
	r.plainDays()
	return r, nil
}

// plainDays drops the numbers of BYDAY that have no month or year to count in.
func (r *Rule) plainDays() {
	if r.freq == Monthly || r.freq == Yearly && r.weeks|r.weekEnds == 0 {
		return
	}
	for _, nth := range r.nth {
		r.weekdays |= 1 << nth.weekday
	}
	r.nth = nil
}

// part reads one part of a rule.
func (r *Rule) part(key, val string) (err error) {
	switch key {
	case "FREQ":
		i := slices.Index(freqs, val)
		if i < 0 {
			return fmt.Errorf("there is no frequency %q", val)
		}
		r.freq = Freq(i)
	case "INTERVAL":
		r.interval, err = number(val, 1, IntervalMax)
	case "COUNT":
		r.count, err = number(val, 1, CountMax)
	case "UNTIL":
		var t ical.Time
		t, err = ical.ParseTime(val, "")
		r.until = &t
	case "WKST":
		r.wkst = slices.Index(weekdays, val)
		if r.wkst < 0 {
			err = fmt.Errorf("there is no weekday %q", val)
		}
	case "RSCALE", "SKIP": // RFC 7529: only what is the same as leaving it out
		if val != "GREGORIAN" && val != "OMIT" {
			err = fmt.Errorf("%q is not supported", val)
		}
	default:
		if strings.HasPrefix(key, "X-") {
			return nil
		}
		return r.by(key, val)
	}
	return err
}

// by reads one of the parts that hold lists.
func (r *Rule) by(key, val string) (err error) {
	switch key {
	case "BYSECOND":
		r.seconds, _, err = bitSets(val, 0, 60, false)
		if r.seconds>>60&1 == 1 { // RFC 5545, section 3.3.12: a leap second
			r.seconds = r.seconds&^(1<<60) | 1<<59
		}
	case "BYMINUTE":
		r.minutes, _, err = bitSets(val, 0, 59, false)
	case "BYHOUR":
		r.hours, _, err = bitSets(val, 0, 23, false)
	case "BYMONTH":
		r.months, _, err = bitSets(val, 1, 12, false)
	case "BYMONTHDAY":
		r.monthDays, r.monthEnds, err = bitSets(val, 1, 31, true)
	case "BYWEEKNO":
		r.weeks, r.weekEnds, err = bitSets(val, 1, 53, true)
	case "BYYEARDAY":
		r.yearDays, r.yearEnds = new([6]uint64), new([6]uint64)
		err = list(val, 1, 366, true, func(n int) { set(r.yearDays, r.yearEnds, n) })
	case "BYSETPOS":
		err = list(val, 1, 366, true, func(n int) { r.positions = append(r.positions, n) })
	case "BYDAY":
		err = r.byWeekday(val)
	default:
		err = fmt.Errorf("there is no such part")
	}
	return err
}

func set(from, end *[6]uint64, n int) {
	if n < 0 {
		from, n = end, -n
	}
	from[n/64] |= 1 << (n % 64)
}

// byWeekday reads a list such as MO,-1FR.
func (r *Rule) byWeekday(val string) error {
	for item := range strings.SplitSeq(val, ",") {
		item = strings.TrimSpace(item)
		if len(item) < 2 {
			return fmt.Errorf("there is no weekday %q", item)
		}
		count, day := item[:len(item)-2], slices.Index(weekdays, item[len(item)-2:])
		if day < 0 {
			return fmt.Errorf("there is no weekday %q", item)
		}
		if count == "" {
			r.weekdays |= 1 << day
			continue
		}
		n, err := signed(count, 1, 53)
		if err != nil {
			return err
		}
		if nth := (nthDay{n, day}); !slices.Contains(r.nth, nth) {
			r.nth = append(r.nth, nth)
		}
	}
	return nil
}

// number reads a number between two others.
func number(s string, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q is not between %d and %d", s, least, most)
	}
	return n, nil
}

// signed reads a number whose amount is between two others.
func signed(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || max(n, -n) < least || max(n, -n) > most {
		return 0, fmt.Errorf("%q is not between %d and %d", s, least, most)
	}
	return n, nil
}

// list reads numbers with commas between them.
func list(val string, least, most int, negative bool, add func(int)) error {
	for item := range strings.SplitSeq(val, ",") {
		n, err := signed(item, least, most)
		if err != nil {
			return err
		}
		if n < 0 && !negative {
			return fmt.Errorf("%d is below 0", n)
		}
		add(n)
	}
	return nil
}

// bitSets reads a list into sets, the second for those that count from the end.
func bitSets(val string, least, most int, negative bool) (from, end uint64, err error) {
	err = list(val, least, most, negative, func(n int) {
		if n < 0 {
			end |= 1 << -n
		} else {
			from |= 1 << n
		}
	})
	return from, end, err
}
