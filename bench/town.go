package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A town is how many calendars --calendar --scale makes. One calendar is PUT, event
// by event, and everybody copies it: each copy has objects of its own, and shares
// the bytes.
type town struct {
	users     int
	calendars int    // of each user
	agenda    agenda // of each calendar
	repeat    int    // of what is measured more than once
}

var (
	bigTown   = town{users: 1000, calendars: 5, agenda: townAgenda(200), repeat: 21}
	smallTown = town{users: 4, calendars: 2, agenda: townAgenda(30), repeat: 3}
)

// townAgenda is what one has in a year, the month in its middle.
func townAgenda(events int) agenda {
	return agenda{start: monthFrom.AddDate(0, -6, 0), years: 1, events: events}
}

func (w town) events() int { return w.users * w.calendars * w.agenda.events }

const (
	townGroup   = "town"
	townWorkers = 4 // users for whom something is done at the same time
)

func townUser(i int) string { return fmt.Sprintf("user-%04d", i) }

// settlement is --calendar --scale at work on one server.
type settlement struct {
	*growth
	town
	davit string // the program
	data  string
}

// foundTown fills a fresh server with calendars and tells what it is like to live in.
func foundTown(ctx context.Context, o options, w town, binary, dir string, s *server) (*growth, error) {
	if err := s.start(ctx, s); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	si, err := newSite(s, o.scale)
	if err != nil {
		return nil, err
	}
	t := &settlement{town: w, davit: binary, data: filepath.Join(dir, "data"),
		growth: &growth{batch: &batch{site: si, clients: []*client{newClient(si.target)}}, dir: dir, repeat: w.repeat}}
	defer t.one().close()
	t.notes = []string{fmt.Sprintf("one calendar of %d events was PUT, one in ten of them weekly; all others are COPYs of it, each with objects and an index of its own and the bytes shared", w.agenda.events)}
	for _, step := range []func() error{
		t.seed,
		func() error { return t.ask("alone in the store") },
		func() error { return t.populate(ctx) },
		t.copies,
		func() error { return t.ask("among all of these") },
		func() error { return t.growth.restart(ctx) },
	} {
		if err := step(); err != nil {
			return t.growth, err
		}
	}
	return t.growth, nil
}

// seed PUTs the calendar that everybody copies.
func (t *settlement) seed() error {
	start := time.Now()
	if err := t.agenda.need(t.batch); err != nil {
		return err
	}
	t.tell(fmt.Sprintf("PUT of %d events, %d connections", t.agenda.events, fixtureClients), "%s/s",
		figure(float64(t.agenda.events)/time.Since(start).Seconds()))
	return nil
}

// ask measures what a client of one calendar does all day.
func (t *settlement) ask(when string) error {
	t.one().close() // a server ends a connection that nothing was asked over for long
	want := t.agenda.between(monthFrom, monthTo)
	body := calendarQuery("", timeRange("time-range"))
	took, err := t.timed(func(int) error {
		r, err := calendarReport(t.one(), body)
		return errors.Join(err, told(r, want.objects, -1, want.one))
	})
	if err != nil {
		return err
	}
	t.tell(fmt.Sprintf("query of a month, %d of %d events, %s", want.objects, t.agenda.events, when), "%v", took.Round(10*time.Microsecond))
	took, err = t.afterChange()
	if err != nil {
		return err
	}
	t.tell("sync-collection after one change, "+when, "%v", took.Round(10*time.Microsecond))
	return nil
}

// afterChange is the median of what a sync costs, without the change itself.
func (t *settlement) afterChange() (time.Duration, error) {
	sync := t.agenda.afterChange()
	var took []time.Duration
	for range t.town.repeat {
		if err := sync.prepare(t.batch); err != nil {
			return 0, err
		}
		start := time.Now()
		if _, err := sync.run(t.batch); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
		if err := sync.check(t.batch); err != nil {
			return 0, err
		}
	}
	return median(took), nil
}

// populate makes the users, who all see the first calendar.
func (t *settlement) populate(ctx context.Context) error {
	start := time.Now()
	err := t.crew(func(i int) error {
		return command(ctx, t.password, t.davit, "user", "add", townUser(i), "--password-stdin", "--data", t.data)
	})
	if err != nil {
		return err
	}
	if err := command(ctx, "", t.davit, "group", "add", townGroup, "--data", t.data); err != nil {
		return err
	}
	join := []string{"group", "join", townGroup}
	for i := range t.users {
		join = append(join, "user:"+townUser(i))
	}
	if err := command(ctx, "", t.davit, append(join, "--data", t.data)...); err != nil {
		return err
	}
	t.tell(fmt.Sprintf("%d users, a command for each", t.users), "%s/s", figure(float64(t.users)/time.Since(start).Seconds()))
	return command(ctx, "", t.davit, "calendar", "share", "~"+t.user+"/calendar", "group:"+townGroup, "--data", t.data)
}

// copies has every user copy the calendar as often as it takes.
func (t *settlement) copies() error {
	start := time.Now()
	if err := t.crew(func(i int) error { return t.copiesOf(townUser(i)) }); err != nil {
		return err
	}
	t.tell(fmt.Sprintf("COPY of %d events at a time, until there are %d in %d calendars of %d users", t.agenda.events, t.events(), t.users*t.calendars, t.users),
		"%s/s", figure(float64(t.events())/time.Since(start).Seconds()))
	return nil
}

// crew does something for each user, a few at a time.
func (t *settlement) crew(do func(i int) error) error {
	errs := make([]error, townWorkers)
	var wg sync.WaitGroup
	for worker := range townWorkers {
		wg.Go(func() {
			for i := worker; i < t.users && errs[worker] == nil; i += townWorkers {
				errs[worker] = do(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (t *settlement) copiesOf(user string) error {
	base := strings.TrimSuffix(t.baseURL, t.user+"/") + user + "/"
	to, err := newTarget(base, user, t.password)
	if err != nil {
		return err
	}
	c := newClient(to)
	defer c.close()
	r, err := propfind(c, "", "1", `<propfind xmlns="DAV:"><prop><displayname/></prop></propfind>`)
	shared := sharedCalendar.FindSubmatch(r.body)
	if err != nil || shared == nil {
		return errors.Join(err, fmt.Errorf("%s finds no calendar that is shared", user))
	}
	for i := range t.calendars {
		q := request{method: "COPY", path: string(shared[1]) + "/", headers: "Destination: " + to.url(fmt.Sprintf("copy-%d/", i)) + "\r\n"}
		if _, err := c.ask(q, 201); err != nil {
			return err
		}
	}
	return nil
}

// sharedCalendar is the name that somebody else's calendar has in a home.
var sharedCalendar = regexp.MustCompile(`/(shared-[0-9a-z]+)/<`)
