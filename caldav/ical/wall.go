package ical

// A Wall is what a clock on a wall shows: the seconds since the beginning of 1970 on
// that clock, whatever the zone it hangs in. A date is the midnight it begins with.
type Wall int64

// Day is the length of a day on the wall, in seconds.
const Day = 24 * 60 * 60

// The years that a DATE can write: RFC 5545, section 3.3.4. The year 0 is none.
const (
	YearMin = 1
	YearMax = 9999
)

// WallMin and WallMax are the first and the last moment of those years.
var (
	WallMin = Wall(DayOf(YearMin, 1, 1) * Day)
	WallMax = Wall(DayOf(YearMax+1, 1, 1)*Day - 1)
)

// Day returns the days since 1970-01-01.
func (w Wall) Day() int64 { return FloorDiv(int64(w), Day) }

// Clock returns the seconds since midnight.
func (w Wall) Clock() int { return int(int64(w) - w.Day()*Day) }

// FloorDiv divides and rounds down; b is above 0.
func FloorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Leap tells whether a year has 366 days.
func Leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// daysBefore counts the days of a common year before each month.
var daysBefore = [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}

// MonthDays returns how many days a month has, from 1 to 12.
func MonthDays(year, month int) int {
	if month == 2 && Leap(year) {
		return 29
	}
	return daysBefore[month] - daysBefore[month-1]
}

// DayOf returns the days since 1970-01-01 of a date of the Gregorian calendar.
func DayOf(year, month, day int) int64 {
	before := int64(year) - 1
	n := before*365 + FloorDiv(before, 4) - FloorDiv(before, 100) + FloorDiv(before, 400)
	n += int64(daysBefore[month-1] + day - 1)
	if month > 2 && Leap(year) {
		n++
	}
	return n - 719162 // the days from 0001-01-01 to 1970-01-01
}

// Date returns the date of a day since 1970-01-01.
func Date(day int64) (year, month, dayOfMonth int) {
	n := day + 719162
	cycles := FloorDiv(n, 146097) // days of 400 years
	n -= cycles * 146097
	centuries := min(n/36524, 3)
	n -= centuries * 36524
	fours := n / 1461
	n -= fours * 1461
	years := min(n/365, 3)
	n -= years * 365
	year = int(cycles*400+centuries*100+fours*4+years) + 1
	month = int(n/31) + 1
	for month < 12 && int(n) >= int(DayOf(year, month+1, 1)-DayOf(year, 1, 1)) {
		month++
	}
	return year, month, int(day-DayOf(year, month, 1)) + 1
}
