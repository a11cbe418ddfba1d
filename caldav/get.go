package caldav

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/dav"
	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// productID is what writes the streams that are put together here.
const productID = "-//davit//calendar//EN"

// pageSize is how many objects one look into a calendar lists.
const pageSize = 1000

// get answers GET and HEAD: of a calendar all that the asker reads of it, in one
// stream; attachments of events; of all else what WebDAV does.
func get(rq *dav.Request) error {
	if names := rq.URL(); len(names) > 0 && names[0] == attachmentsRoot {
		return attachment(rq, names)
	}
	p, stored := rq.Path()
	if !stored || len(p) != 3 || !p.InCalendars() {
		return rq.Serve("GET")
	}
	s := rq.Session().Pinned()
	if asksBusy(rq) {
		asked, err := askedBusy(rq)
		if err != nil {
			return err
		}
		return tellBusy(rq, s, p, asked)
	}
	m, err := rq.Self(s, store.Want{Props: true})
	if err != nil {
		return err
	}
	if !isCalendar(&m) {
		return rq.Serve("GET")
	}
	if m.Held&policy.Read == 0 {
		return &store.Refused{Denied: policy.Denied{Missing: policy.Read, Visible: true}, Path: p}
	}
	tag := `"` + strconv.FormatUint(uint64(m.Node), 36) + "-all-" + strconv.FormatUint(m.Tally, 36) + `"`
	if done, err := unchanged(rq, tag); done || err != nil {
		return err
	}
	return stream(rq, func(w io.Writer) error { return export(w, s, p) })
}

// unchanged answers a client that has the stream of a tag already.
func unchanged(rq *dav.Request, tag string) (done bool, err error) {
	w, r := rq.HTTP()
	cond, err := wire.ParseConditions(r.Header)
	if err != nil {
		return false, err
	}
	switch cond.Check(true, true, tag, time.Time{}) {
	case wire.Failed:
		return false, store.ErrStale
	case wire.NotModified:
		w.Header().Set("Etag", tag) // RFC 9110, section 15.4.5
		rq.Status(http.StatusNotModified)
		return true, nil
	}
	w.Header().Set("Etag", tag)
	return false, nil
}

// stream answers with iCalendar as it is written.
func stream(rq *dav.Request, write func(io.Writer) error) error {
	w, r := rq.HTTP()
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	rq.Status(http.StatusOK)
	if r.Method == "HEAD" {
		return nil
	}
	if err := write(w); err != nil {
		panic(http.ErrAbortHandler) // the answer has begun: it must not look whole
	}
	return nil
}

// export writes the objects of a calendar that the asker reads as one stream. An
// object that cannot be read as one is left out.
func export(w io.Writer, s *store.Session, p store.Path) error {
	if _, err := io.WriteString(w, streamHead); err != nil {
		return err
	}
	zones := map[string]bool{}
	for after, more := "", true; more; {
		page, again, err := s.List(p, after, pageSize, store.Want{})
		if err != nil {
			return err
		}
		names := make([]string, len(page))
		for i := range page {
			names[i] = page[i].Name
			after = page[i].Name
		}
		for len(names) > 0 {
			list, err := s.Fetch(p, names, store.Want{})
			if err == nil {
				err = exportSome(w, list, zones)
			}
			if err != nil {
				return err
			}
			names = names[len(list):]
		}
		more = again
	}
	_, err := io.WriteString(w, streamEnd)
	return err
}

// A stream begins and ends so.
const (
	streamHead = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:" + productID + "\r\n"
	streamEnd  = "END:VCALENDAR\r\n"
)

// exportSome writes those objects that were read and can be.
func exportSome(w io.Writer, list []store.Fetched, zones map[string]bool) error {
	for i := range list {
		if list[i].Unseen != nil || list[i].Unread != nil {
			continue // gone meanwhile, or not for the asker
		}
		obj, err := ical.Decode(list[i].Content)
		if err != nil {
			continue
		}
		if _, err := w.Write(appendBody(nil, obj, zones)); err != nil {
			return err
		}
	}
	return nil
}

// appendBody appends the components of an object, of time zones those that are not
// in the stream already.
func appendBody(dst []byte, obj *ical.Object, zones map[string]bool) []byte {
	var skipped *ical.Component
	for i := range obj.Lines {
		line := &obj.Lines[i]
		switch {
		case line.Component == obj.Calendar:
			continue
		case line.Name == "BEGIN" && line.Component.Name == "VTIMEZONE" && skipped == nil:
			var id string
			if tzid := line.Component.Props.Get("TZID"); tzid != nil {
				id = tzid.Value
			}
			if zones[id] {
				skipped = line.Component
			}
			zones[id] = true
		}
		if skipped == nil {
			dst = append(append(dst, strings.TrimRight(line.Text, "\r\n")...), "\r\n"...)
		}
		if line.Name == "END" && line.Component == skipped {
			skipped = nil
		}
	}
	return dst
}
