package rule

import (
	"errors"
	"math"
	"slices"
	"sort"

	"davit/caldav/ical"
)

// ErrBudget says that a rule costs more than its caller allows.
var ErrBudget = errors.New("the recurrence takes too much work to expand")

// A Budget is the work that one or more iterators may still do. A step is a period
// looked at, eight days tried, or an instance made: some 20 to 100 ns.
type Budget struct{ Steps int64 }

// startSteps is what it takes to begin with a rule, besides its times of day.
const startSteps = 8

// spend takes n steps, and tells whether there were any left.
func (b *Budget) spend(n int64) bool {
	b.Steps -= n
	return b.Steps >= 0
}

// An Iterator walks the instances of a rule in order. It is for one goroutine.
type Iterator struct {
	rule   *Rule
	start  ical.Wall
	stop   ical.Wall // nothing after it
	floor  ical.Wall // nothing before it
	budget *Budget
	err    error

	first   int64 // the position of the period that the start is in
	period  int64 // the position of the next period, which is a multiple of the interval behind first
	left    int64 // instances that COUNT still allows
	pending bool  // the start is the next instance
	set     periodSet
	at      int // the next element of set
}

// NewIterator starts at DTSTART, which is the first instance whether it matches the
// rule or not: RFC 5545, section 3.8.5.3. Nothing after stop is made.
func (r *Rule) NewIterator(start, stop ical.Wall, b *Budget) *Iterator {
	it := r.NewExceptions(start, stop, b)
	if it.rule.freq >= Daily || it.rule.passable(start) == start {
		it.load()
		it.skip()
	}
	if it.at < it.set.size() && it.set.element(it.at) == start {
		return it
	}
	it.pending = true
	it.left--
	return it
}

// NewExceptions is NewIterator for an EXRULE, which makes only what matches.
func (r *Rule) NewExceptions(start, stop ical.Wall, b *Budget) *Iterator {
	it := &Iterator{rule: r.derived(start), start: start, stop: min(stop, ical.WallMax), floor: start, budget: b, left: math.MaxInt64}
	if r.count > 0 {
		it.left = r.count
	}
	it.first = it.rule.position(start)
	it.period = it.first
	it.set.times = it.rule.times()
	if it.rule.unpickable(len(it.set.times)) {
		it.left = 0
	}
	it.spend(startSteps + int64(len(it.set.times)/64))
	return it
}

// Seek makes the iterator go on with the first instance at or after w. It only goes
// forward. Without COUNT it costs the same for any w; with it the periods between
// are counted, not their instances.
func (it *Iterator) Seek(w ical.Wall) {
	if w <= it.floor {
		return
	}
	it.floor = w
	it.pending = false
	if it.rule.count == 0 {
		if to := it.aligned(it.rule.position(w)); to > it.period {
			it.period, it.at = to, 0
			it.set.clear()
		}
	}
	it.skip()
}

// aligned returns the first period of the rule at or after a position.
func (it *Iterator) aligned(position int64) int64 {
	behind := position - it.first
	if behind <= 0 {
		return it.first
	}
	return it.first + ical.FloorDiv(behind+it.rule.interval-1, it.rule.interval)*it.rule.interval
}

// Next returns the next instance; false at the end, or when Err has something to say.
func (it *Iterator) Next() (ical.Wall, bool) {
	if it.pending {
		it.pending = false
		return it.start, it.start <= it.stop
	}
	if !it.more() || !it.spend(1) {
		return 0, false
	}
	w := it.set.element(it.at)
	if w > it.stop {
		it.left = 0
		return 0, false
	}
	it.at++
	it.left--
	return w, true
}

// Err returns ErrBudget when the iterator ended for want of steps.
func (it *Iterator) Err() error { return it.err }

// Last returns the last instance of a rule with COUNT and ends the iterator. It is
// false where there is none, or none before stop.
func (it *Iterator) Last() (last ical.Wall, ok bool) {
	if it.pending {
		it.pending, last, ok = false, it.start, it.start <= it.stop
	}
	for it.more() {
		n := min(it.left, int64(it.set.search(it.stop+1)-it.at))
		if n <= 0 {
			break
		}
		last, ok = it.set.element(it.at+int(n)-1), true
		it.left -= n
		it.at += int(n)
	}
	return last, ok
}

// more makes sure that set has an element at at.
func (it *Iterator) more() bool {
	for it.left > 0 && it.at >= it.set.size() {
		if !it.fill() {
			it.left = 0
			return false
		}
		it.skip()
	}
	return it.left > 0
}

// skip passes the elements of the set that lie before the floor. Those that are not
// before the start are counted.
func (it *Iterator) skip() {
	if it.at < it.set.size() && it.set.element(it.at) < it.floor {
		from := max(it.at, it.set.search(it.start))
		to := max(from, it.set.search(it.floor))
		it.left -= min(it.left, int64(to-from))
		it.at = to
	}
}

func (it *Iterator) spend(n int64) bool {
	if !it.budget.spend(n) {
		it.err = ErrBudget
		it.left = 0
		return false
	}
	return true
}

// fill makes the set of the next period that has one.
func (it *Iterator) fill() bool {
	r := it.rule
	for {
		from, ok := r.wall(it.period)
		if !ok || from > it.stop {
			return false
		}
		if !it.spend(1) {
			return false
		}
		if r.freq < Daily {
			if to := r.passable(from); to > from {
				it.period = max(it.period+r.interval, it.aligned(r.position(to)))
				continue
			}
		}
		if !it.spend(it.load()) {
			return false
		}
		if it.set.size() > 0 {
			return true
		}
	}
}

// load makes the set of the next period, be it empty, and tells the steps it took.
func (it *Iterator) load() (steps int64) {
	it.at = 0
	it.set.clear()
	tried := it.rule.days(it.period, &it.set)
	it.set.choose(it.rule.positions)
	it.period += it.rule.interval
	return int64(tried / 8)
}

// A periodSet is the instances of one period: each day with each time, or of those
// the ones that BYSETPOS picks.
type periodSet struct {
	days  []int64 // since 1970-01-01
	base  ical.Wall
	times []int32 // seconds since midnight, or since base for periods below a day
	picks []int   // nil: all, if there is no BYSETPOS
	none  bool    // nothing is picked
}

func (s *periodSet) clear() { s.days, s.picks, s.none = s.days[:0], s.picks[:0], false }

func (s *periodSet) size() int {
	switch {
	case s.none:
		return 0
	case s.picks != nil:
		return len(s.picks)
	}
	return len(s.days) * len(s.times)
}

func (s *periodSet) element(i int) ical.Wall {
	if s.picks != nil {
		i = s.picks[i]
	}
	return s.base + ical.Wall(s.days[i/len(s.times)]*ical.Day+int64(s.times[i%len(s.times)]))
}

// search returns the place of the first element at or after w.
func (s *periodSet) search(w ical.Wall) int {
	return sort.Search(s.size(), func(i int) bool { return s.element(i) >= w })
}

// choose applies BYSETPOS.
func (s *periodSet) choose(positions []int) {
	if len(positions) == 0 {
		return
	}
	all := len(s.days) * len(s.times)
	s.picks = s.picks[:0]
	for _, p := range positions {
		if p < 0 {
			p += all + 1
		}
		if p >= 1 && p <= all {
			s.picks = append(s.picks, p-1)
		}
	}
	slices.Sort(s.picks)
	s.picks = slices.Compact(s.picks)
	s.none = len(s.picks) == 0
}
