package store

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"time"

	"davit/policy"
)

// A calendar is searched by time without reading its objects, at the cost of what
// is found: what happens once stands under each month that it reaches into; what
// recurs under each year of which all is known, with a map of the days; and what
// is too long for that, or may be at times that nobody has worked out, stands in
// lists of its own. Days and months are those of UTC. What a search gives may be
// too much, by a day or where nothing is known, and is never too little.

// The kinds of keys below a calendar in tableSpan.
const (
	spanTally  byte = iota // how often members changed
	spanMonth              // month, node -> extent, and how it is taken
	spanYear               // year, node -> days
	spanLong               // node -> the same, of what reaches into too many months
	spanBeyond             // node -> extent and what is known of it
)

// monthsMax is into how many months something that happens once may reach before
// it counts as long.
const monthsMax = 3

// Years outside of these are not indexed by months or years.
const (
	yearMin = 1
	yearMax = 9999
)

// indexable is the time that has months.
var indexable = Span{
	time.Date(yearMin, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
	time.Date(yearMax+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
}

// yearDays tells on which days of a year something is.
type yearDays struct {
	year int32
	days [366/8 + 1]byte
}

func (y *yearDays) set(day int) { y.days[day/8] |= 1 << (day % 8) }
func (y *yearDays) on(first, to int) bool { // any of the days from first on and before to
	for d := first; d < to; d++ {
		if y.days[d/8]&(1<<(d%8)) != 0 {
			return true
		}
	}
	return false
}

// appendSpans appends the days as spans.
func (y *yearDays) appendSpans(list []Span) []Span {
	start := yearStart(y.year)
	for i, b := range y.days {
		for ; b != 0; b &= b - 1 {
			day := int64(i*8 + bits.TrailingZeros8(b))
			list = append(list, Span{start + day*daySeconds, start + (day+1)*daySeconds})
		}
	}
	return list
}

func yearStart(year int32) int64 { return time.Date(int(year), 1, 1, 0, 0, 0, 0, time.UTC).Unix() }

func yearOf(second int64) int32 { return int32(time.Unix(second, 0).UTC().Year()) }

// daysOf maps instants to the days of the years that are known. Each of these has
// a map, be it empty.
func daysOf(instants []Span, known Span) (years []yearDays) {
	known = known.within(indexable)
	if known.From >= known.To {
		return nil
	}
	first, last := yearOf(known.From), yearOf(known.To-1)
	for y := first; y <= last; y++ {
		years = append(years, yearDays{year: y})
	}
	for _, s := range instants {
		s = s.within(known)
		for at := s.From - mod(s.From, daySeconds); at < s.To; at += daySeconds {
			y := yearOf(max(at, known.From))
			years[y-first].set(int((max(at, known.From) - yearStart(y)) / daySeconds))
		}
	}
	return years
}

func mod(a, b int64) int64 { return (a%b + b) % b }

// monthOf numbers months from the year 0 on.
func monthOf(second int64) uint32 {
	t := time.Unix(second, 0).UTC()
	return uint32(t.Year()*12 + int(t.Month()) - 1)
}

func spanKey(calendar policy.Node, kind byte, period uint32, n policy.Node) []byte {
	k := append(key1(tableSpan, uint64(calendar)), kind)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(k, period), uint64(n))
}

// spanKeys are the records under which an object is found by time.
func (o *objectRec) spanKeys(calendar, n policy.Node) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		if o.extent.From >= o.extent.To {
			return
		}
		if o.known.From >= o.known.To {
			o.onceKeys(calendar, n, yield)
			return
		}
		for i := range o.years {
			if !yield(spanKey(calendar, spanYear, uint32(o.years[i].year), n), o.years[i].days[:]) {
				return
			}
		}
		// What the maps of years tell is what is known of whole days.
		if o.extent.From < o.known.From || o.known.To < o.extent.To {
			yield(spanKey(calendar, spanBeyond, 0, n), appendSpan(appendSpan(nil, o.extent), o.known))
		}
	}
}

func (o *objectRec) onceKeys(calendar, n policy.Node, yield func(k, v []byte) bool) {
	extent := o.taking.append(appendSpan(nil, o.extent), o.extent)
	if o.extent.From >= indexable.From && o.extent.To <= indexable.To {
		first, last := monthOf(o.extent.From), monthOf(o.extent.To-1)
		if last-first < monthsMax {
			for m := first; m <= last; m++ {
				if !yield(spanKey(calendar, spanMonth, m, n), extent) {
					return
				}
			}
			return
		}
	}
	yield(spanKey(calendar, spanLong, 0, n), extent)
}

// A hit is an object that may be in a span. Of what happens once it tells more.
type hit struct {
	node   policy.Node
	extent Span
	taking taking
}

// inSpan gives each object of a calendar that may be in a span, once.
func (tx *Tx) inSpan(g grant, calendar policy.Node, when Span, found func(hit)) error {
	if when.From >= when.To {
		return nil
	}
	if err := tx.onceBetween(g, calendar, when, found); err != nil {
		return err
	}
	seen := map[policy.Node]bool{}
	once := func(n policy.Node) {
		if !seen[n] {
			seen[n] = true
			found(hit{node: n})
		}
	}
	if err := tx.yearsBetween(g, calendar, when, once); err != nil {
		return err
	}
	var failed error
	err := scanPrefix(tx.r, append(key1(tableSpan, uint64(calendar)), spanBeyond), func(k, v []byte) bool {
		d := decoder{b: v}
		extent, known := d.span(), d.span()
		if failed = d.done("span"); failed != nil {
			return false
		}
		before, after := Span{math.MinInt64, known.From}, Span{known.To, math.MaxInt64}
		asked := extent.within(when)
		if asked.Meets(before) || asked.Meets(after) {
			once(nodeIn(k))
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return err
}

func nodeIn(key []byte) policy.Node { return policy.Node(binary.BigEndian.Uint64(key[len(key)-8:])) }

// onceBetween finds what happens once, in the first of its months that the span
// has.
func (tx *Tx) onceBetween(g grant, calendar policy.Node, when Span, found func(hit)) error {
	var failed error
	meets := func(k, v []byte) (h hit, meets bool) {
		d := decoder{b: v}
		h = hit{node: nodeIn(k), extent: d.span()}
		h.taking = d.taking(h.extent)
		failed = d.done("span")
		return h, failed == nil && h.extent.Meets(when)
	}
	if months := when.within(indexable); months.From < months.To {
		first, last := monthOf(months.From), monthOf(months.To-1)
		err := tx.r.Scan(spanKey(calendar, spanMonth, first, 0), spanKey(calendar, spanMonth, last+1, 0), func(k, v []byte) bool {
			h, there := meets(k, v)
			if there && binary.BigEndian.Uint32(k[10:]) == max(first, monthOf(h.extent.From)) {
				found(h)
			}
			return failed == nil
		})
		if err != nil || failed != nil {
			return firstOf(err, failed)
		}
	}
	err := scanPrefix(tx.r, append(key1(tableSpan, uint64(calendar)), spanLong), func(k, v []byte) bool {
		if h, there := meets(k, v); there {
			found(h)
		}
		return failed == nil
	})
	return firstOf(err, failed)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// yearsBetween finds what recurs on a day that the span touches.
func (tx *Tx) yearsBetween(g grant, calendar policy.Node, when Span, found func(policy.Node)) error {
	when = when.within(indexable)
	if when.From >= when.To {
		return nil
	}
	first, last := yearOf(when.From), yearOf(when.To-1)
	return tx.r.Scan(spanKey(calendar, spanYear, uint32(first), 0), spanKey(calendar, spanYear, uint32(last+1), 0), func(k, v []byte) bool {
		y := yearDays{year: int32(binary.BigEndian.Uint32(k[10:]))}
		copy(y.days[:], v)
		start := yearStart(y.year)
		from, to := 0, len(y.days)*8
		if y.year == first {
			from = int((when.From - start) / daySeconds)
		}
		if y.year == last {
			to = int((when.To-1-start)/daySeconds) + 1
		}
		if y.on(from, to) {
			found(nodeIn(k))
		}
		return true
	})
}
