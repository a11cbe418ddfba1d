package caldav

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"davit/caldav/ical"
	"davit/dav"
	"davit/policy"
	"davit/store"
)

// productID is what writes the streams that are put together here.
const productID = "-//davit//calendar//EN"

// pageSize is how many objects one look into a calendar lists.
const pageSize = 1000

// get answers GET and HEAD: of a calendar all that the asker reads of it, in one
// stream; of all else what WebDAV does.
func get(rq *dav.Request) error {
	p, stored := rq.Path()
	if !stored || len(p) != 3 {
		return rq.Serve("GET")
	}
	s := rq.Session().Pinned()
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
	w, r := rq.HTTP()
	tag := `"` + strconv.FormatUint(uint64(m.Node), 36) + "-all-" + strconv.FormatUint(m.Tally, 36) + `"`
	h := w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Etag", tag)
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Header.Get("If-None-Match") == tag {
		rq.Status(http.StatusNotModified)
		return nil
	}
	rq.Status(http.StatusOK)
	if r.Method == "HEAD" {
		return nil
	}
	if err := export(w, s, p); err != nil {
		panic(http.ErrAbortHandler) // the answer has begun: it must not look whole
	}
	return nil
}

// export writes the objects of a calendar that the asker reads as one stream. An
// object that cannot be read as one is left out.
func export(w io.Writer, s *store.Session, p store.Path) error {
	if _, err := io.WriteString(w, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"+productID+"\r\n"); err != nil {
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
	_, err := io.WriteString(w, "END:VCALENDAR\r\n")
	return err
}

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
