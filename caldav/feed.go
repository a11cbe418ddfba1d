package caldav

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"davit/caldav/filter"
	"davit/caldav/ical"
	"davit/dav"
	"davit/store"
)

// The forms in which a link to a calendar is asked for, at the end of its URL.
const (
	formCalendar = "ics" // all that it gives, which is also what there is without a form
	formBusy     = "ifb" // when somebody is busy
)

// feed answers GET and HEAD for a link to a calendar, to whatever program asks: with
// one stream of iCalendar, in which the events of a link to busy time alone say
// nothing but when they are.
func feed(rq *dav.Request, form string) error {
	s := rq.Session().Pinned()
	f, err := s.Feed()
	if err != nil {
		return err
	}
	if form == formBusy || asksBusy(rq) {
		asked, err := askedBusy(rq)
		if err == nil {
			err = count(rq, &f)
		}
		if err != nil {
			return err
		}
		return tellBusy(rq, s, f.Path, asked)
	}
	if done, err := unchanged(rq, `"`+f.Version+`"`); done || err != nil {
		return err
	}
	write := func(w io.Writer) error { return export(w, s, f.Path) }
	if f.Busy {
		write = func(w io.Writer) error { return exportBusy(w, s, f.Path) }
	}
	w, r := rq.HTTP()
	if f.Limited() && r.Method == "GET" {
		// The last download ends the link: what it hands out is read before it counts.
		var whole bytes.Buffer
		if err := write(&whole); err != nil {
			return err
		}
		write = func(w io.Writer) error {
			_, err := whole.WriteTo(w)
			return err
		}
	}
	if err := count(rq, &f); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	return stream(rq, write)
}

// count counts a download that is about to begin. A link that has ended answers as
// one that never was: without the tag of what it gave.
func count(rq *dav.Request, f *store.Feed) error {
	w, r := rq.HTTP()
	if r.Method != "GET" {
		return nil
	}
	err := f.Count(r.Context())
	if err != nil {
		w.Header().Del("Etag")
	}
	return err
}

// exportBusy writes when the events of a calendar take somebody's time, and nothing
// else of them.
func exportBusy(w io.Writer, s *store.Session, p store.Path) error {
	calendar, err := s.FreeBusy(p, store.Always)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, streamHead); err != nil {
		return err
	}
	zones := map[string]bool{}
	for _, content := range calendar.Contents {
		obj, err := ical.Decode(Mask(content))
		if err != nil || !takesTime(obj) {
			continue
		}
		if _, err := w.Write(appendBody(nil, obj, zones)); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, streamEnd)
	return err
}

// takesTime tells whether any event of an object may keep somebody busy.
func takesTime(obj *ical.Object) bool {
	says := func(c *ical.Component, name, value string) bool {
		p := c.Props.Get(name)
		return p != nil && strings.EqualFold(strings.TrimSpace(p.Value), value)
	}
	return slices.ContainsFunc(obj.Calendar.Children, func(c *ical.Component) bool {
		return c.Name == "VEVENT" && !says(c, "TRANSP", "TRANSPARENT") && !says(c, "STATUS", "CANCELLED")
	})
}

// A URL of busy time takes start, end and period, as programs that look up when
// somebody is free know it: times as in iCalendar, in UTC, or as RFC 3339.
const (
	busyParam = "freebusy"
	// busyPeriod is told when nothing else is asked for.
	busyPeriod = 42 * 24 * time.Hour
	// busyPeriodMax is the longest that is told.
	busyPeriodMax = 3 * 366 * 24 * time.Hour
)

func asksBusy(rq *dav.Request) bool {
	_, r := rq.HTTP()
	return r.URL.Query().Has(busyParam)
}

// askedBusy is the range that the request's URL asks for.
func askedBusy(rq *dav.Request) (*filter.Range, error) {
	_, r := rq.HTTP()
	asked, err := busyRange(r.URL.Query(), time.Now())
	if err != nil {
		return nil, violation(http.StatusBadRequest, "valid-filter", err.Error())
	}
	return asked, nil
}

// busyRange reads the range that a URL asks for.
func busyRange(q url.Values, now time.Time) (*filter.Range, error) {
	r := &filter.Range{From: now.UTC().Truncate(time.Second)}
	var err error
	if text := q.Get("start"); text != "" {
		if r.From, err = busyTime(text); err != nil {
			return nil, err
		}
	}
	switch text := q.Get("end"); {
	case text != "":
		r.To, err = busyTime(text)
	case q.Get("period") != "":
		var d ical.Duration
		if d, err = ical.ParseDuration(q.Get("period")); err == nil && (d.Negative() || d.Length() > int64(busyPeriodMax/time.Second)) {
			err = fmt.Errorf("period %s: it is too long, or goes backwards", q.Get("period"))
		}
		r.To = r.From.Add(time.Duration(d.Length()) * time.Second)
	default:
		r.To = r.From.Add(busyPeriod)
	}
	if err == nil && (!r.From.Before(r.To) || r.To.Sub(r.From) > busyPeriodMax) {
		err = fmt.Errorf("busy time is told of a range that ends after it begins, of at most %d days", busyPeriodMax/(24*time.Hour))
	}
	return r, err
}

func busyTime(text string) (time.Time, error) {
	for _, form := range []string{utcForm, time.RFC3339} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 20260301T080000Z", text)
}
