package wire

import (
	"strconv"
	"time"
)

// AppendHTTPTime appends t as an HTTP date: RFC 9110, section 5.6.7. It is
// written by hand because a listing writes one for each file, and a layout costs
// five times as much.
func AppendHTTPTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(dst, t.Weekday().String()[:3]...)
	dst = append(dst, ", "...)
	dst = appendTwoDigits(dst, day)
	dst = append(dst, ' ')
	dst = append(dst, month.String()[:3]...)
	dst = append(dst, ' ')
	if 1000 <= year && year <= 9999 {
		dst = strconv.AppendInt(dst, int64(year), 10)
	} else {
		dst = t.AppendFormat(dst, "2006")
	}
	dst = append(dst, ' ')
	dst = appendTwoDigits(dst, hour)
	dst = append(dst, ':')
	dst = appendTwoDigits(dst, minute)
	dst = append(dst, ':')
	dst = appendTwoDigits(dst, second)
	return append(dst, " GMT"...)
}

// AppendRFC3339 appends t as creationdate wants it, in UTC and whole seconds:
// RFC 4918, section 15.1.
func AppendRFC3339(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, time.RFC3339)
}

func appendTwoDigits(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}
