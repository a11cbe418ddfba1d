package itip

import (
	"errors"
	"strings"
	"testing"

	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/zone"
)

// attachable is an object with the series that it is.
func attachable(t *testing.T, parts ...[]string) (*Object, *recur.Series) {
	t.Helper()
	text := calendar(parts...)
	decoded, err := ical.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	series, err := recur.New(decoded, zone.UTC())
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text), series
}

// names tells which components name an attachment: the series as "", instances by their
// keys.
func names(o *Object, id string) (keys []string) {
	for _, part := range o.parts() {
		part.each("ATTACH", func(it *item) {
			if it.prop.Params.Get(managedID) == id {
				keys = append(keys, "/"+o.key(part))
			}
		})
	}
	return keys
}

// RFC 8607, sections 3.3.2 and 3.4 to 3.6
func TestAttach(t *testing.T) {
	berlin := []string{"DTSTART;TZID=Europe/Berlin:20260310T090000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5"}
	days := []string{"DTSTART;VALUE=DATE:20260310", "RRULE:FREQ=DAILY;COUNT=5"}
	floating := []string{"DTSTART:20260310T090000", "DURATION:PT1H", "RDATE:20260312T110000"}
	own := []string{"RECURRENCE-ID;TZID=Europe/Berlin:20260311T090000", "DTSTART;TZID=Europe/Berlin:20260311T140000", "DURATION:PT1H"}
	future := []string{"RECURRENCE-ID;RANGE=THISANDFUTURE:20260312T080000Z", "DTSTART:20260312T120000Z", "DURATION:PT1H"}
	for name, row := range map[string]struct {
		parts [][]string
		rids  string
		want  string // components that name it then
	}{
		"all":                        {[][]string{berlin, own}, "", "/ /20260311T080000Z"},
		"the series":                 {[][]string{berlin, own}, "M", "/"},
		"an instance":                {[][]string{berlin, own}, "20260311T080000Z", "/20260311T080000Z"},
		"in local time":              {[][]string{berlin, own}, "20260311T090000", "/20260311T080000Z"},
		"by its day":                 {[][]string{days}, "20260312", "/20260312"},
		"a new one":                  {[][]string{berlin, own}, "20260313T080000Z", "/20260313T080000Z"},
		"twice the same":             {[][]string{berlin}, "20260313T080000Z,20260313T090000,M", "/ /20260313T080000Z"},
		"a date of its own":          {[][]string{floating}, "20260312T110000", "/20260312T110000"},
		"of what moved together":     {[][]string{berlin, future}, "20260313T080000Z", "no such"},
		"before what moved together": {[][]string{berlin, future}, "20260311T080000Z", "/20260311T080000Z"},
		"what moved together":        {[][]string{berlin, future}, "20260312T080000Z", "/20260312T080000Z"},
		"only an instance":           {[][]string{own}, "20260311T080000Z", "/20260311T080000Z"},
		"no instance":                {[][]string{berlin}, "20260313T081500Z", "no such"},
		"after the last":             {[][]string{berlin}, "20260315T080000Z", "no such"},
		"of what does not recur":     {[][]string{berlin[:2]}, "20260310T080000Z", "no such"},
		"the series of one instance": {[][]string{own}, "M", "no such"},
		"another of one instance":    {[][]string{own}, "20260312T080000Z", "no such"},
		"no time":                    {[][]string{berlin}, "next week", "no such"},
	} {
		o, series := attachable(t, row.parts...)
		var rids []string
		if row.rids != "" {
			rids = strings.Split(row.rids, ",")
		}
		err := o.Attach(Attachment{ID: "X", URL: "http://x/", Name: `a "b"; c`, Size: 7}, series, rids)
		if row.want == "no such" {
			if !errors.Is(err, ErrRecurrence) || len(names(o, "X")) > 0 {
				t.Errorf("%s: %v, named by %q", name, err, names(o, "X"))
			}
			continue
		}
		if got := strings.Join(names(o, "X"), " "); err != nil || got != row.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, row.want)
		}
		// It is read again as it was written.
		again := parse(t, string(o.Bytes()))
		if got := again.parts()[len(again.parts())-1].first("ATTACH"); got == nil && row.rids != "M" && row.rids != "" ||
			got != nil && (got.prop.Params.Get("FILENAME") != "a 'b'; c" || got.prop.Params.Get("SIZE") != "7" || got.prop.Value != "http://x/") {
			t.Errorf("%s: it is read as %+v", name, got)
		}
		if err := o.Reattach("X", Attachment{ID: "Y"}); err != nil || len(names(o, "X")) > 0 || strings.Join(names(o, "Y"), " ") != row.want {
			t.Errorf("%s: replaced, it is named by %q, %v", name, names(o, "Y"), err)
		}
		if err := o.Detach("X", series, rids); !errors.Is(err, ErrAttachment) {
			t.Errorf("%s: what is not there goes: %v", name, err)
		}
		if err := o.Detach("Y", series, rids); err != nil || len(names(o, "Y")) > 0 {
			t.Errorf("%s: it is left at %q, %v", name, names(o, "Y"), err)
		}
	}
	o, _ := attachable(t, berlin)
	if err := o.Reattach("X", Attachment{}); !errors.Is(err, ErrAttachment) {
		t.Errorf("what is not there is replaced: %v", err)
	}
}
