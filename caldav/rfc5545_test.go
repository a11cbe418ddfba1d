package caldav_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"davit/dav/davtest"
)

// What a server has to understand of RFC 5545, section by section, over HTTP: an object
// of these lines is kept and, asked for from March to May expanded, has these times; or
// it is refused.
func TestRFC5545(t *testing.T) {
	t.Parallel()
	mia := davtest.Start(t, "mia").As("mia")
	mia.Do("MKCALENDAR", "/caldav/mia/all/", "").Want(t, 201)
	const at = "DTSTART:20260310T090000Z\r\n"
	zoned := func(offsets string) string {
		return "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n" + offsets + "\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
	}
	for i, row := range []struct {
		section, kind, lines string
		before               string // components before it
		refused              string // the precondition, empty where it is kept
		want                 string // its starts and lengths
	}{
		{section: "3.1, folded lines", lines: "DTST\r\n ART:2026\r\n\t0310T090000Z", want: "20260310T090000Z"},
		{section: "3.1, a fold within a character", lines: at + "LOCATION:gr\xc3\r\n \xbcn", want: "20260310T090000Z"},
		{section: "3.1, long lines", lines: at + "DESCRIPTION:" + strings.Repeat("x", 5000), want: "20260310T090000Z"},
		{section: "3.1, names in any case", lines: "dtstart:20260310T090000Z", want: "20260310T090000Z"},
		{section: "3.1, no colon", lines: at + "LOCATION", refused: "valid-calendar-data"},
		{section: "3.1.1, lists", lines: at + "RRULE:FREQ=DAILY;COUNT=4\r\nEXDATE:20260311T090000Z,20260312T090000Z", want: "20260310T090000Z 20260313T090000Z"},
		{section: "3.1.2, several parameters", lines: `DTSTART;X-A=1;TZID="Europe/Berlin";X-B=2,3:20260310T090000`, want: "20260310T080000Z"},
		{section: "3.1.3, binary content", lines: at + "ATTACH;FMTTYPE=image/png;ENCODING=BASE64;VALUE=BINARY:AAAA", want: "20260310T090000Z"},
		{section: "3.1.4, another character set", lines: at + "LOCATION:gr\xfcn", refused: "valid-calendar-data"},
		{section: "3.2, quoted values", lines: at + `ATTENDEE;CN="A; B: C, D":mailto:a@example.org`, want: "20260310T090000Z"},
		{section: "3.2, a quote that is not closed", lines: at + `LOCATION;X-A="a:b`, refused: "valid-calendar-data"},
		{section: "3.2.19, TZID of the database", lines: "DTSTART;TZID=America/New_York:20260310T090000", want: "20260310T130000Z"},
		{section: "3.2.19, TZID of the object", before: zoned("TZOFFSETFROM:+0300\r\nTZOFFSETTO:+0300"), lines: "DTSTART;TZID=Own:20260310T090000", want: "20260310T060000Z"},
		{section: "3.2.20, VALUE", lines: "DTSTART;VALUE=DATE:20260310", want: "20260310"},
		{section: "3.3.4, no such day", lines: "DTSTART;VALUE=DATE:20260231", refused: "valid-calendar-data"},
		{section: "3.3.5, form 1, local", lines: "DTSTART:20260310T090000", want: "20260310T090000"},
		{section: "3.3.5, form 2, UTC", lines: at, want: "20260310T090000Z"},
		{section: "3.3.5, form 3, in a zone", lines: "DTSTART;TZID=Europe/Berlin:20260310T090000", want: "20260310T080000Z"},
		{section: "3.3.5, a time that does not occur", lines: "DTSTART;TZID=Europe/Berlin:20260329T023000", want: "20260329T013000Z"},
		{section: "3.3.5, an offset, which is none of the forms", lines: "DTSTART:20260310T090000-0800", refused: "valid-calendar-data"},
		{section: "3.3.6, weeks", lines: at + "DURATION:P7W", want: "20260310T090000Z+PT4233600S"},
		{section: "3.3.6, days and times", lines: at + "DURATION:P15DT5H0M20S", want: "20260310T090000Z+PT1314020S"},
		{section: "3.3.6, a time", lines: at + "DURATION:+PT1H30M", want: "20260310T090000Z++PT1H30M"},
		{section: "3.3.6, no unit", lines: at + "DURATION:P1", refused: "valid-calendar-data"},
		{section: "3.3.6, an hour with no T", lines: at + "DURATION:P1H", refused: "valid-calendar-data"},
		{section: "3.3.9, a period with its end", lines: at + "RDATE;VALUE=PERIOD:20260401T090000Z/20260401T110000Z", want: "20260310T090000Z 20260401T090000Z+20260401T110000Z"},
		{section: "3.3.9, a period with its length", lines: at + "RDATE;VALUE=PERIOD:20260401T090000Z/PT2H", want: "20260310T090000Z 20260401T090000Z+20260401T110000Z"},
		{section: "3.3.9, a period backwards", lines: at + "RDATE;VALUE=PERIOD:20260401T090000Z/-PT2H", refused: "valid-calendar-data"},
		{section: "3.3.10, no FREQ", lines: at + "RRULE:COUNT=3", refused: "valid-calendar-data"},
		{section: "3.3.10, UNTIL counts", lines: at + "RRULE:FREQ=DAILY;UNTIL=20260312T090000Z", want: "20260310T090000Z 20260311T090000Z 20260312T090000Z"},
		{section: "3.3.10, a day that a month has not", lines: "DTSTART:20260331T090000Z\r\nRRULE:FREQ=MONTHLY", want: "20260331T090000Z"},
		{section: "3.3.14, hours and minutes", before: zoned("TZOFFSETFROM:+0530\r\nTZOFFSETTO:+0530"), lines: "DTSTART;TZID=Own:20260310T090000", want: "20260310T033000Z"},
		{section: "3.3.14, seconds", before: zoned("TZOFFSETFROM:-000115\r\nTZOFFSETTO:-000115"), lines: "DTSTART;TZID=Own:20260310T090000", want: "20260310T090115Z"},
		{section: "3.3.14, no sign", before: zoned("TZOFFSETFROM:0100\r\nTZOFFSETTO:0100"), lines: "DTSTART;TZID=Own:20260310T090000", refused: "valid-calendar-data"},
		{section: "3.3.14, less than nothing, which harms nobody", before: zoned("TZOFFSETFROM:-0000\r\nTZOFFSETTO:-0000"), lines: "DTSTART;TZID=Own:20260310T090000", want: "20260310T090000Z"},
		{section: "3.6.1, no DTSTART", lines: "LOCATION:x", refused: "valid-calendar-data"},
		{section: "3.6.1, no UID", lines: at + "END:VEVENT\r\nBEGIN:VEVENT\r\n" + at, refused: "valid-calendar-object-resource"},
		{section: "3.6.1, no end takes no time", lines: at, want: "20260310T090000Z"},
		{section: "3.6.1, a day takes a day", lines: "DTSTART;VALUE=DATE:20260310\r\nRRULE:FREQ=DAILY;COUNT=2", want: "20260310 20260311"},
		{section: "3.6.2, a task", kind: "VTODO", lines: at + "DUE:20260310T100000Z\r\nRRULE:FREQ=DAILY;COUNT=2", want: "20260310T090000Z 20260311T090000Z"},
		{section: "3.6.2, a task with no time", kind: "VTODO", lines: "PRIORITY:1", want: ""},
		{section: "3.6.3, a journal", kind: "VJOURNAL", lines: "DTSTART;VALUE=DATE:20260310", want: "20260310"},
		{section: "3.6.5, a zone that says nothing", before: "BEGIN:VTIMEZONE\r\nTZID:Empty\r\nEND:VTIMEZONE\r\n", lines: "DTSTART;TZID=Empty:20260310T090000", refused: "valid-calendar-data"},
		{section: "3.6.6, an alarm", lines: at + "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER;RELATED=END:-PT5M\r\nREPEAT:2\r\nDURATION:PT1M\r\nEND:VALARM", want: "20260310T090000Z"},
		{section: "3.7.1, CALSCALE", before: "CALSCALE:GREGORIAN\r\n", lines: at, want: "20260310T090000Z"},
		{section: "3.7.2, a METHOD", before: "METHOD:PUBLISH\r\n", lines: at, refused: "valid-calendar-object-resource"},
		{section: "3.8.2.2, DTEND", lines: at + "DTEND:20260310T103000Z", want: "20260310T090000Z+T103000Z"},
		{section: "3.8.4.4, RECURRENCE-ID", lines: at + "RRULE:FREQ=DAILY;COUNT=2\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:UID-OF-ROW\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260311T090000Z\r\nDTSTART:20260315T090000Z",
			want: "20260310T090000Z 20260315T090000Z"},
		{section: "3.8.4.4, RANGE", lines: at + "RRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:UID-OF-ROW\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260311T090000Z\r\nDTSTART:20260311T070000Z",
			want: "20260310T090000Z 20260311T070000Z 20260312T070000Z"},
		{section: "3.8.5.1, EXDATE in another zone", lines: at + "RRULE:FREQ=DAILY;COUNT=2\r\nEXDATE;TZID=Europe/Berlin:20260311T100000", want: "20260310T090000Z"},
		{section: "3.8.5.2, RDATE of a day", lines: "DTSTART;VALUE=DATE:20260310\r\nRDATE;VALUE=DATE:20260401,20260402", want: "20260310 20260401 20260402"},
		{section: "3.8.8.1, what IANA has, 3.8.8.2, what nobody has", lines: at + "COLOR:red\r\nX-THING;X-P=1:y", want: "20260310T090000Z"},
	} {
		t.Run(row.section, func(t *testing.T) {
			kind := row.kind
			if kind == "" {
				kind = "VEVENT"
			}
			uid := fmt.Sprintf("row%d", i)
			body := strings.Replace(component(kind, uid, strings.ReplaceAll(row.lines, "UID-OF-ROW", uid)), "BEGIN:"+kind, row.before+"BEGIN:"+kind, 1)
			url := "/caldav/mia/all/" + uid + ".ics"
			if row.refused != "" {
				put(mia, url, body).Want(t, 403, row.refused)
				return
			}
			put(mia, url, body).Want(t, 201)
			if got := mia.Do("GET", url, "").Want(t, 200).Body; got != body { // RFC 4791, section 5.3.4
				t.Errorf("kept as %q", got)
			}
			r := mia.Do("REPORT", "/caldav/mia/all/", asking(span("expand", "20260301T000000Z", "20260501T000000Z"),
				`<C:comp-filter name="`+kind+`"><C:prop-filter name="UID"><C:text-match collation="i;octet">`+uid+`</C:text-match></C:prop-filter></C:comp-filter>`), "Depth", "1").Want(t, 207)
			if got := times(r.Body); got != row.want {
				t.Errorf("the times are %q instead of %q in %s", got, row.want, r.Body)
			}
		})
	}
}

var timeLine = regexp.MustCompile(`(?m)^(DTSTART|DTEND|DURATION)[^:\n]*:([^&\r\n]*)`)

// times are the starts in an answer, each with its length as it stands.
func times(body string) string {
	var list []string
	for one := range strings.SplitSeq(body, "BEGIN:V") {
		start, length := "", ""
		for _, m := range timeLine.FindAllStringSubmatch(one, -1) {
			if m[1] == "DTSTART" {
				start = m[2]
			} else {
				length = "+" + m[2]
			}
		}
		if start != "" {
			list = append(list, start+strings.Replace(length, "+20260310T", "+T", 1))
		}
	}
	return strings.Join(list, " ")
}
