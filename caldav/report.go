package caldav

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/caldav/filter"
	"davit/caldav/ical"
	"davit/caldav/recur"
	"davit/caldav/zone"
	"davit/dav"
	"davit/dav/wire"
	"davit/store"
)

// report answers REPORT. Busy time is told of calendars that the asker does not
// see; all other reports are those of what he does.
func report(rq *dav.Request) error {
	body, err := rq.Body()
	if err != nil {
		return err
	}
	p, stored := rq.Path()
	box := len(p) == 3 && reserved(p[2]) // RFC 6638, section 2.3
	if name, err := wire.RootName(body); err == nil && name == calName("free-busy-query") && stored && len(p) == 3 && p.InCalendars() && !box {
		return freeBusy(rq, rq.Session(), nil, body)
	}
	_, r := rq.HTTP()
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return rq.Serve("REPORT")
}

// asked is what a report wants to be told of each object.
type asked struct {
	rq    *dav.Request
	s     *store.Session
	list  *dav.Listing
	data  bool // calendar-data too
	shape *filter.Shape
	zone  *zone.Zone
}

func begin(rq *dav.Request, s *store.Session, root *wire.Node, z *zone.Zone) (*asked, error) {
	a := &asked{rq: rq, s: s, zone: z}
	prop := root.Kid(davName("prop"))
	if prop == nil {
		a.list = rq.Listing(s, nil, root.Kid(davName("allprop")) != nil)
		return a, nil
	}
	if data := prop.Kid(dataName); data != nil {
		shape, err := shapeOf(data)
		if err != nil {
			return nil, err
		}
		a.data, a.shape = true, shape
	}
	a.list = rq.Listing(s, prop.Names(), true)
	return a, nil
}

// fetchedMost is how many objects one look into a calendar reads.
const fetchedMost = 100

// tell answers for one object, with its content if that is asked for.
func (a *asked) tell(m *dav.Member, href string, content []byte, unread error) error {
	if !a.data {
		return a.list.Tell(m, href)
	}
	err := unread
	if err == nil && a.shape != nil {
		content, err = a.shaped(content)
	}
	var refused *store.Refused
	switch {
	case errors.As(err, &refused):
		// The content is not for the asker; what else was asked for is.
	case errors.Is(err, store.ErrNotFound):
		a.list.Missing(m.Href(), http.StatusNotFound)
		return nil
	case unread != nil: // it is damaged, which is no reason to tell nothing of others
		status, why := a.rq.StatusOf(unread)
		a.list.Missing(m.Href(), status, why...)
		return nil
	case err != nil:
		a.list.Missing(m.Href(), http.StatusInsufficientStorage, wire.Precondition{Name: calName(ical.MaxInstances)})
		return nil
	default:
		m.SetContent(content)
	}
	return a.list.Tell(m, href)
}

// shaped is the part of an object that was asked for.
func (a *asked) shaped(content []byte) ([]byte, error) {
	e, err := readMessage(content, a.zone)
	if err != nil {
		return nil, err
	}
	return a.shape.Append(nil, e.Object, e.series)
}

// multiget answers a calendar-multiget: what is asked for of each URL.
// RFC 4791, section 7.9
func multiget(rq *dav.Request, s *store.Session, self *dav.Member, body []byte) error {
	root, err := wire.ParseTree(body)
	if err != nil {
		return err
	}
	a, err := begin(rq, s, root, zoneKept(self.Props))
	if err != nil {
		return err
	}
	var hrefs []string
	for i := range root.Kids {
		if root.Kids[i].Name == davName("href") {
			hrefs = append(hrefs, strings.TrimSpace(root.Kids[i].Text))
		}
	}
	for len(hrefs) > 0 && err == nil {
		hrefs, err = a.tellSome(hrefs)
	}
	return a.list.End(err)
}

// tellSome answers for the first of some URLs and for those after it that lead into
// the same calendar, and gives those that are left.
func (a *asked) tellSome(hrefs []string) (left []string, err error) {
	first, dir, err := a.rq.Find(hrefs[0])
	if err != nil {
		a.missing(hrefs[0], err)
		return hrefs[1:], nil
	}
	urls, names := []wire.Path{first}, []string{dir[len(dir)-1]}
	dir = dir[:len(dir)-1]
	for _, href := range hrefs[1:min(len(hrefs), fetchedMost)] {
		url, p, err := a.rq.Find(href)
		if err != nil || len(p) != len(dir)+1 || !slices.Equal(p[:len(dir)], dir) {
			break
		}
		urls, names = append(urls, url), append(names, p[len(dir)])
	}
	list, err := a.s.Fetch(dir, names, a.list.Want())
	if err != nil {
		return nil, err
	}
	for i := range list {
		f := &list[i]
		m := a.rq.NewMember(f.Info, urls[i])
		if f.Unseen == nil && !isObject(&m) {
			f.Unseen = store.ErrNotFound
		}
		if f.Unseen != nil {
			a.missing(hrefs[i], f.Unseen)
			continue
		}
		if err := a.tell(&m, hrefs[i], f.Content, f.Unread); err != nil {
			return nil, err
		}
	}
	return hrefs[len(list):], nil
}

// missing answers for a URL with the status of an error.
func (a *asked) missing(href string, err error) {
	status, why := a.rq.StatusOf(err)
	a.list.Missing(href, status, why...)
}

// query answers a calendar-query: what is asked for of each object that fits the
// filter. RFC 4791, section 7.8
func query(rq *dav.Request, s *store.Session, _ *dav.Member, body []byte) error {
	root, err := wire.ParseTree(body)
	if err != nil {
		return err
	}
	want, err := filterOf(root.Kid(calName("filter")))
	if err != nil {
		return err
	}
	self, err := rq.Self(s, store.Want{Props: true})
	if err != nil {
		return err
	}
	z := zoneKept(self.Props)
	if given := root.Kid(calName("timezone")); given != nil {
		if z, err = zoneText(given.Text); err != nil {
			return violation(http.StatusForbidden, ical.ValidCalendarData, err.Error()) // RFC 4791, section 7.8
		}
	}
	a, err := begin(rq, s, root, z)
	if err != nil {
		return err
	}
	p, _ := rq.Path()
	var list []store.Fetched
	var rest []string
	if self.Box() != "" {
		rest, err = inboxAll(s, p)
	} else {
		list, rest, err = s.Find(p, searchFor(want))
	}
	if err == nil {
		err = a.tellFitting(want, list)
	}
	for err == nil && len(rest) > 0 {
		if list, err = s.Fetch(p, rest[:min(len(rest), fetchedMost)], store.Want{}); err == nil {
			rest = rest[len(list):]
			err = a.tellFitting(want, list)
		}
	}
	return a.list.End(err)
}

// tellFitting answers for those of some objects that the filter means.
func (a *asked) tellFitting(want *filter.Comp, list []store.Fetched) error {
	for i := range list {
		f := &list[i]
		if f.Unseen != nil || f.Unread != nil {
			continue // what may be in it is not known
		}
		if err := a.tellIfFits(want, f.Info, f.Content); err != nil {
			return err
		}
	}
	return nil
}

// tellIfFits tells of an object that the filter means. One that is not to be read
// fits no filter, and one that takes too much work is told as such.
func (a *asked) tellIfFits(want *filter.Comp, info store.Info, content []byte) error {
	e, err := readMessage(content, a.zone)
	if err != nil {
		return nil // it broke no rule when it came, or came before there was one
	}
	m := a.rq.NewMember(info, append(slices.Clip(a.rq.URL()), info.Name))
	fits, err := want.Match(e.Object, e.series)
	switch {
	case err != nil:
		a.list.Missing(m.Href(), http.StatusInsufficientStorage, wire.Precondition{Name: calName(ical.MaxInstances)})
		return nil
	case !fits:
		return nil
	}
	return a.tell(&m, "", content, nil)
}

// searchFor is a search that finds at least what a filter means.
func searchFor(f *filter.Comp) store.Search {
	all := store.Search{Everything: true}
	if f.IsNotDefined || len(f.Comps) != 1 || f.Comps[0].IsNotDefined {
		return all
	}
	c := &f.Comps[0]
	for i := range c.Props {
		if q, ok := searchUID(&c.Props[i]); ok {
			return q
		}
	}
	if c.Range == nil || !slices.Contains(kinds, c.Name) {
		return all
	}
	return store.Search{Span: spanOf(c.Range)}
}

// searchUID is a search for what a filter says of the UID. A text that may stand
// escaped in an object is not looked for where UIDs are kept as they stand.
func searchUID(f *filter.Prop) (q store.Search, ok bool) {
	t := f.Text
	if f.Name != "UID" || f.IsNotDefined || t == nil || t.Negate || t.Value == "" ||
		t.Collation == filter.UnicodeCasemap || strings.ContainsAny(t.Value, ",;\\\n") {
		return q, false
	}
	return store.Search{UID: t.Value, AnyCase: t.Collation != filter.Octet}, true
}

// spanOf is a range of time; one without a limit is endless.
func spanOf(r *filter.Range) store.Span {
	s := store.Always
	if !r.From.IsZero() {
		s.From = r.From.Unix()
	}
	if !r.To.IsZero() {
		s.To = r.To.Unix()
	}
	return s
}

// freeBusy answers a free-busy-query: when somebody is busy, and nothing else.
// RFC 4791, section 7.10
func freeBusy(rq *dav.Request, s *store.Session, _ *dav.Member, body []byte) error {
	root, err := wire.ParseTree(body)
	if err != nil {
		return err
	}
	r, err := rangeOf(root.Kid(calName("time-range")))
	if err != nil {
		return err
	}
	if r == nil || r.From.IsZero() || r.To.IsZero() {
		return violation(http.StatusForbidden, "valid-filter", "a free-busy-query needs a time-range with a start and an end")
	}
	p, _ := rq.Path()
	return tellBusy(rq, s, p, r)
}

// tellBusy answers with when somebody is busy within a range.
func tellBusy(rq *dav.Request, s *store.Session, p store.Path, r *filter.Range) error {
	calendar, err := s.FreeBusy(p, spanOf(r))
	if err != nil {
		return err
	}
	busy, floating := busyList{within: r}, zoneKept(calendar.Props)
	busy.addPeriods(calendar.Periods)
	for _, content := range calendar.Contents {
		busy.add(content, floating)
	}
	answer := appendFreeBusy(nil, "", r, busy.all(), time.Now())
	w, req := rq.HTTP()
	w.Header().Set("Content-Type", "text/calendar; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	if req.Method != "HEAD" {
		_, err = w.Write(answer)
	}
	return err
}

const utcForm = "20060102T150405Z"

// appendFreeBusy is a VFREEBUSY, for a message with its METHOD, and further
// properties of the component. RFC 5545, section 3.6.4
func appendFreeBusy(dst []byte, method string, r *filter.Range, periods []recur.BusyPeriod, now time.Time, lines ...string) []byte {
	dst = append(dst, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"+productID+"\r\n"...)
	if method != "" {
		dst = append(dst, "METHOD:"+method+"\r\n"...)
	}
	dst = append(dst, "BEGIN:VFREEBUSY\r\n"...)
	for _, line := range lines {
		dst = append(append(dst, line...), "\r\n"...)
	}
	for _, at := range []struct {
		name string
		time time.Time
	}{{"DTSTAMP:", now}, {"DTSTART:", r.From}, {"DTEND:", r.To}} {
		dst = append(at.time.UTC().AppendFormat(append(dst, at.name...), utcForm), "\r\n"...)
	}
	for _, p := range periods {
		dst = append(dst, "FREEBUSY;FBTYPE="...)
		dst = append(append(dst, p.Busy...), ':')
		dst = append(p.Start.UTC().AppendFormat(dst, utcForm), '/')
		dst = append(p.End.UTC().AppendFormat(dst, utcForm), "\r\n"...)
	}
	return append(dst, "END:VFREEBUSY\r\nEND:VCALENDAR\r\n"...)
}
