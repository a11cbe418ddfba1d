package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"
)

// calendarPath is the large calendar below the home that a server's URL leads to.
const calendarPath = "calendar/"

// calendarWorkloads are what clients do with calendars, on a home with one large
// calendar: first what only reads.
func calendarWorkloads(s scale) []workload {
	a := s.agenda
	want := a.between(monthFrom, monthTo)
	return []workload{
		{
			name: "GET of one event", connections: 1, batches: 1, unit: perMilli, bar: bar{atMost: 200 * time.Microsecond},
			prepare: a.need,
			run: func(b *batch) (int, error) {
				return b.parallel(func(c *client, _, i int) error {
					m := a.meeting(i * 31 % a.events)
					r, err := c.ask(request{method: "GET", path: calendarPath + m.name()}, 200)
					if err == nil && !bytes.Contains(r.body, []byte("UID:"+m.uid())) {
						err = wrong("%s gave another event", r.request)
					}
					return err
				})
			},
		},
		a.report("query of a month with data", 4*time.Millisecond, func(*batch) string {
			return calendarQuery("", timeRange("time-range"))
		}, func(r response) error { return told(r, want.objects, -1, want.one) }),
		a.report("query of a month, expanded", 8*time.Millisecond, func(*batch) string {
			return calendarQuery(timeRange("expand"), timeRange("time-range"))
		}, func(r response) error { return told(r, want.objects, want.instances, want.one) }),
		a.report("query by UID", 500*time.Microsecond, func(b *batch) string {
			return calendarQuery("", `<C:prop-filter name="UID"><C:text-match collation="i;octet">`+a.meeting(b.turn()*37%a.events).uid()+`</C:text-match></C:prop-filter>`)
		}, func(r response) error { return told(r, 1, -1, "event-") }),
		a.report(fmt.Sprintf("multiget of %d", a.fetched), 15*time.Millisecond, func(b *batch) string {
			var hrefs strings.Builder
			for i := range a.fetched {
				fmt.Fprintf(&hrefs, "<D:href>%s%s</D:href>", b.prefix+calendarPath, a.meeting(i).name())
			}
			return `<C:calendar-multiget` + calendarSpaces + `><D:prop><D:getetag/><C:calendar-data/></D:prop>` + hrefs.String() + `</C:calendar-multiget>`
		}, func(r response) error { return told(r, a.fetched, -1, a.meeting(a.fetched-1).name()) }),
		a.report(fmt.Sprintf("sync-collection, initial, of %d", a.events), 20*time.Millisecond, func(*batch) string { return syncBody("") },
			func(r response) error {
				if token(r.body) == "" {
					return wrong("%s gave no sync-token", r.request)
				}
				return told(r, a.events, -1, a.meeting(0).name())
			}),
		a.afterChange(),
		a.report("free-busy of a month", 2*time.Millisecond, func(*batch) string {
			return `<C:free-busy-query` + calendarSpaces + `>` + timeRange("time-range") + `</C:free-busy-query>`
		}, func(r response) error {
			if got := busyTime(r.body); got != want.busy {
				return wrong("%s told %v of busy time, not %v", r.request, got, want.busy)
			}
			return nil
		}),
		{
			name: fmt.Sprintf("PROPFIND depth 1, getetag of %d", a.events), connections: 1, batches: 20, unit: perMilli, bar: bar{atMost: 15 * time.Millisecond},
			prepare: a.need,
			run: func(b *batch) (int, error) {
				r, err := propfind(b.one(), calendarPath, "1", `<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>`)
				b.answer = r
				return single(err)
			},
			check: func(b *batch) error {
				// The calendar itself has no entity tag with most, and is told all the same.
				return told(b.answer, a.events+1, -1, a.meeting(a.events-1).name())
			},
		},
		{
			name: fmt.Sprintf("PROPFIND depth 1 of a home of %d calendars", a.calendars+1), connections: 1, batches: 20, unit: perMilli, bar: bar{atMost: 2 * time.Millisecond},
			prepare: a.needHome,
			run: func(b *batch) (int, error) {
				r, err := propfind(b.one(), "", "1", homeProperties)
				b.answer = r
				return single(err)
			},
			check: func(b *batch) error {
				if n := bytes.Count(b.answer.body, []byte("calendar-home-")); n < a.calendars {
					return wrong("%s told %d of %d calendars", b.answer.request, n, a.calendars)
				}
				return nil
			},
		},
		{
			name: "PUT of one event", connections: 1, batches: 1, unit: perMilli, bar: bar{processor: 500 * time.Microsecond},
			prepare: a.need,
			run: func(b *batch) (int, error) {
				return b.parallel(func(c *client, _, _ int) error {
					m := meeting{number: a.events + b.turn(), start: agendaStart.AddDate(-1, 0, 0), weeks: 1}
					_, err := c.ask(request{method: "PUT", path: calendarPath + m.name(), headers: calendarType, body: m.text(0)}, 200, 201, 204)
					return err
				})
			},
		},
	}
}

const (
	calendarSpaces = ` xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"`
	calendarType   = "Content-Type: text/calendar; charset=utf-8\r\n"
	homeProperties = `<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/">` +
		`<D:prop><D:displayname/><D:resourcetype/><D:current-user-privilege-set/><C:supported-calendar-component-set/><CS:getctag/></D:prop></D:propfind>`
)

// timeRange is an element that names the month.
func timeRange(element string) string {
	return `<C:` + element + ` start="` + monthFrom.Format(icsTime) + `" end="` + monthTo.Format(icsTime) + `"/>`
}

func calendarQuery(data, filter string) string {
	return `<C:calendar-query` + calendarSpaces + `><D:prop><D:getetag/><C:calendar-data>` + data + `</C:calendar-data></D:prop>` +
		`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">` + filter + `</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`
}

func syncBody(token string) string {
	return `<D:sync-collection xmlns:D="DAV:"><D:sync-token>` + token + `</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>`
}

// report is a REPORT on the large calendar, once a batch; the answer is looked
// into after the clock has stopped.
func (a agenda) report(name string, atMost time.Duration, body func(*batch) string, check func(response) error) workload {
	var text string
	return workload{
		name: name, connections: 1, batches: 20, unit: perMilli, bar: bar{atMost: atMost},
		prepare: func(b *batch) error {
			text = body(b)
			return a.need(b)
		},
		run: func(b *batch) (int, error) {
			r, err := calendarReport(b.one(), text)
			b.answer = r
			return single(err)
		},
		check: func(b *batch) error { return check(b.answer) },
	}
}

func calendarReport(c *client, body string) (response, error) {
	return c.ask(request{method: "REPORT", path: calendarPath, headers: "Depth: 1\r\n" + xmlType, body: []byte(body)}, 200, 207)
}

// afterChange asks what has changed since a token, when one event has.
func (a agenda) afterChange() workload {
	var changed meeting
	return workload{
		name: "sync-collection after one change", connections: 1, batches: 20, unit: perMilli, bar: bar{atMost: 500 * time.Microsecond},
		prepare: func(b *batch) error {
			if err := a.need(b); err != nil {
				return err
			}
			if b.token == "" {
				r, err := calendarReport(b.one(), syncBody(""))
				if b.token = token(r.body); err != nil || b.token == "" {
					return errors.Join(err, errors.New("there is no sync-token"))
				}
			}
			n := b.turn()
			changed = a.meeting(n * 13 % a.events)
			_, err := b.one().ask(request{method: "PUT", path: calendarPath + changed.name(), headers: calendarType, body: changed.text(n + 1)}, 200, 201, 204)
			return err
		},
		run: func(b *batch) (int, error) {
			r, err := calendarReport(b.one(), syncBody(b.token))
			b.answer = r
			return single(err)
		},
		check: func(b *batch) error {
			b.token = token(b.answer.body)
			return told(b.answer, 1, -1, changed.name())
		},
	}
}

// told checks how many resources an answer tells, how many events their data have
// if that is known, and that one of a name is there.
func told(r response, resources, events int, name string) error {
	if n := countResponses(r.body); n != resources {
		return wrong("%s told %d resources, not %d", r.request, n, resources)
	}
	if n := bytes.Count(r.body, []byte("BEGIN:VEVENT")); events >= 0 && n != events {
		return wrong("%s told %d instances, not %d", r.request, n, events)
	}
	if !bytes.Contains(r.body, []byte(name)) {
		return wrong("%s does not tell %s", r.request, name)
	}
	return nil
}

// token is the sync-token of an answer, empty for none.
func token(body []byte) string {
	m := tokenElement.FindSubmatch(body)
	if m == nil {
		return ""
	}
	return string(m[1])
}

var tokenElement = regexp.MustCompile(`<(?:\w+:)?sync-token>([^<]+)</`)

// busyTime adds up the periods of a VFREEBUSY, those that overlap once.
func busyTime(body []byte) time.Duration {
	hours := map[time.Time]bool{}
	unfolded := strings.NewReplacer("\r\n ", "", "\n ", "").Replace(string(body))
	for line := range strings.Lines(unfolded) {
		head, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.HasPrefix(head, "FREEBUSY") {
			continue
		}
		for period := range strings.SplitSeq(value, ",") {
			from, to, _ := strings.Cut(period, "/")
			start, err := time.Parse(icsTime, from)
			if err != nil {
				return 0
			}
			end, err := time.Parse(icsTime, to)
			if length, ok := strings.CutPrefix(to, "PT"); ok {
				var d time.Duration
				d, err = time.ParseDuration(strings.ToLower(length))
				end = start.Add(d)
			}
			if err != nil {
				return 0
			}
			for ; start.Before(end); start = start.Add(time.Hour) {
				hours[start] = true
			}
		}
	}
	return time.Duration(len(hours)) * time.Hour
}

// need lays out the large calendar.
func (a agenda) need(b *batch) error {
	return b.fixture("calendar", func() error {
		if b.files != "" { // it stood there before the server started
			b.acquaint()
			return nil
		}
		return each(b.target, a.events, func(c *client, i int) error {
			m := a.meeting(i)
			_, err := c.ask(request{method: "PUT", path: calendarPath + m.name(), headers: calendarType, body: m.text(0)}, 201)
			return err
		})
	})
}

// acquaintance is how long a server may take over what it meets for the first time.
const acquaintance = 15 * time.Minute

// acquaint lets a server look at every event once. What it keeps of them for later it
// works out then, for minutes; what it cannot answer its rows will tell.
func (b *batch) acquaint() {
	c := newClient(b.target)
	defer c.close()
	c.patience = acquaintance
	for _, body := range []string{calendarQuery("", timeRange("time-range")), syncBody("")} {
		if _, err := calendarReport(c, body); err != nil && errors.As(err, new(net.Error)) {
			return
		}
	}
}

// needHome makes further calendars, with one event each.
func (a agenda) needHome(b *batch) error {
	return b.fixture("home", func() error {
		for i := range a.calendars {
			path := fmt.Sprintf("calendar-home-%03d/", i)
			_, err := b.one().ask(request{method: "MKCALENDAR", path: path}, 201)
			if err == nil {
				m := a.meeting(i)
				_, err = b.one().ask(request{method: "PUT", path: path + m.name(), headers: calendarType, body: m.text(0)}, 201)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
