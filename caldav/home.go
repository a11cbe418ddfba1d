package caldav

import (
	"slices"
	"strconv"
	"strings"

	"davit/dav"
	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// sharedMark begins the names under which the calendars of others stand in a home.
// What follows is the number of the calendar, so that no renaming moves it.
const sharedMark = "shared-"

func sharedName(n policy.Node) string { return sharedMark + strconv.FormatUint(uint64(n), 36) }

// nowhere is a path at which nothing can stand.
var nowhere = store.Path{"~"}

// place finds what a URL below the prefix stands for. Only who asks has a home;
// the calendars of others are found below their names too, and policy says whether
// they are there.
func place(rq *dav.Request, url wire.Path) (store.Path, bool) {
	s := rq.Session()
	own := len(url) > 0 && url[0] == s.UserName()
	here, stored := rq.Path()
	switch {
	case stored && len(here) > 2 && len(url) > 1 && slices.Equal(url[:2], rq.URL()[:2]):
		return append(slices.Clip(here[:3]), url[2:]...), true // of the same calendar

	case len(url) == 0, len(url) == 1 && own:
		return nil, false
	case len(url) == 1:
		return nowhere, true
	}
	name, shared := strings.CutPrefix(url[1], sharedMark)
	switch {
	case shared && own:
		n, err := strconv.ParseUint(name, 36, 64)
		if err != nil || sharedName(policy.Node(n)) != url[1] {
			return slices.Concat(nowhere, store.Path(url)), true
		}
		p, err := s.CalendarAt(policy.Node(n))
		if err != nil {
			return slices.Concat(nowhere, store.Path(url)), true
		}
		return append(p, url[2:]...), true
	case shared:
		return slices.Concat(nowhere, store.Path(url)), true
	case own:
		if err := s.BeginCalendars(rq.Context()); err != nil {
			return slices.Concat(nowhere, store.Path(url)), true
		}
		return append(store.Path{"~" + s.UserName()}, url[1:]...).Calendars(), true
	}
	return append(s.Drive(url[0]), url[1:]...).Calendars(), true
}

// urlOf is where the asker finds a path: what stands at the request's own
// calendar by the URL of the request, else by name where the drive is his own, and
// in his home where it is not.
func urlOf(rq *dav.Request, p store.Path) wire.Path {
	s := rq.Session()
	const calendar = 3 // names that lead to a calendar
	if here, stored := rq.Path(); stored && len(here) >= calendar && len(p) >= calendar && slices.Equal(here[:calendar], p[:calendar]) {
		return append(slices.Clone(rq.URL()[:2]), p[calendar:]...)
	}
	home := wire.Path{s.UserName()}
	switch {
	case len(p) < calendar:
		return home
	case s.OwnPath(p):
		return append(home, p[2:]...)
	}
	info, err := s.Stat(p[:calendar], store.Want{})
	if err != nil {
		return home
	}
	return append(append(home, sharedName(info.Node)), p[calendar:]...)
}

// self describes the collection of homes, or the asker's home.
func self(rq *dav.Request, s *store.Session, url wire.Path, want store.Want) (dav.Member, error) {
	if len(url) == 0 {
		m := rq.NewCollection(s, url, want)
		m.SetLabel("Calendars")
		return m, nil
	}
	return homeOf(rq, s, want)
}

// homeOf describes the asker's home: what his drive has, or for who has no drive a
// collection that only leads to the calendars of others.
func homeOf(rq *dav.Request, s *store.Session, want store.Want) (dav.Member, error) {
	if err := s.BeginCalendars(rq.Context()); err != nil {
		return dav.Member{}, err
	}
	url := wire.Path{s.UserName()}
	info, err := s.Stat(store.Path{"~" + s.UserName()}.Calendars(), want)
	if err != nil {
		return rq.NewCollection(s, url, want), nil
	}
	info.Props, _ = store.PropsApart(info.Props)
	m := rq.NewMember(info, url)
	m.SetLabel(s.UserName())
	return m, nil
}

// members lists homes, of which there is one, or the calendars in it.
func members(rq *dav.Request, s *store.Session, url wire.Path, want store.Want) ([]dav.Member, error) {
	if len(url) == 0 {
		m, err := homeOf(rq, s, want)
		return []dav.Member{m}, err
	}
	list, err := s.Calendars(rq.Context(), want)
	if err != nil {
		return nil, err
	}
	own, err := ownProps(s, want)
	if err != nil {
		return nil, err
	}
	boxes, err := s.Boxes(want)
	if err != nil {
		return nil, err
	}
	all := make([]dav.Member, len(list), len(list)+len(boxes))
	for i := range list {
		c := &list[i]
		name := c.Name
		if !c.Own {
			name = sharedName(c.Node)
		}
		all[i] = rq.NewMember(c.Info, wire.Path{url[0], name})
		if !c.Own {
			dressShared(&all[i], c.Path, own)
		}
	}
	for _, info := range boxes {
		m := rq.NewMember(info, wire.Path{url[0], info.Name})
		dressBox(rq, s, &m)
		all = append(all, m)
	}
	return all, nil
}

// dress tells of somebody else's calendar what the asker calls it.
func dress(rq *dav.Request, s *store.Session, m *dav.Member, p store.Path) error {
	if m.Box() != "" {
		dressBox(rq, s, m)
		return nil
	}
	if !m.IsCalendar() || s.OwnPath(p) {
		return nil
	}
	own, err := ownProps(s, store.Want{Props: true})
	if err == nil {
		dressShared(m, p, own)
	}
	return err
}

// ownProps are the asker's own properties of the calendars of others.
func ownProps(s *store.Session, want store.Want) (map[policy.Node][]store.Prop, error) {
	if !want.Props {
		return nil, nil
	}
	info, err := s.Stat(store.Path{"~" + s.UserName()}.Calendars(), store.Want{Props: true})
	if err != nil {
		return nil, nil // no drive, no properties
	}
	_, of := store.PropsApart(info.Props)
	return of, nil
}

// dressShared puts the asker's own properties in the place of the owner's, and
// names a calendar by whose it is.
func dressShared(m *dav.Member, p store.Path, own map[policy.Node][]store.Prop) {
	for _, mine := range own[m.Node] {
		same := func(p store.Prop) bool { return p.Space == mine.Space && p.Local == mine.Local }
		m.Props = append(slices.DeleteFunc(slices.Clone(m.Props), same), mine)
	}
	of, name := strings.TrimPrefix(p[0], "~"), p[len(p)-1]
	if name == "calendar" && of == p[0] {
		m.SetLabel(of) // the calendar of a space
		return
	}
	m.SetLabel(name + " (" + of + ")")
}
