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

// Names stand beside the homes, which no listing shows and no client looks for: below
// one lies what was deleted of calendars, below another every object is a collection of
// what it was, below a third stand the calendars of spaces, each by its name, and below
// a fourth attachments. No user has a name that begins so.
//
//	/caldav/.trash/~mia/plan (17).ics
//	/caldav/.versions/~mia/calendar/plan.ics/version-3
//	/caldav/.spaces/Finance/deadlines/
const (
	trashRoot    = store.TrashRoot
	versionsRoot = store.VersionsRoot
	spacesRoot   = ".spaces"
)

// isPastRoot tells whether a name leads to what is no more.
func isPastRoot(name string) bool { return name == trashRoot || name == versionsRoot }

// nowhere is a path at which nothing can stand.
var nowhere = store.Path{"~"}

// leads is how many names of a URL lead to a calendar.
func leads(url wire.Path) int {
	if len(url) > 0 && url[0] == spacesRoot {
		return 3
	}
	return 2
}

// place finds what a URL below the prefix stands for. Only who asks has a home;
// the calendars of others are found below their names too, and policy says whether
// they are there.
func place(rq *dav.Request, url wire.Path) (store.Path, bool) {
	s := rq.Session()
	own := len(url) > 0 && url[0] == s.UserName()
	here, stored := rq.Path()
	n := leads(url)
	switch {
	case stored && len(here) > 2 && len(url) >= n && len(rq.URL()) >= n && slices.Equal(url[:n], rq.URL()[:n]):
		return append(slices.Clip(here[:3]), url[n:]...), true // of the same calendar

	case len(url) == 0, len(url) == 1 && own, len(url) == 1 && (isPastRoot(url[0]) || url[0] == spacesRoot):
		return nil, false
	case len(url) == 1 && opens(s, url[0]):
		return nil, false
	case len(url) == 1, url[0] == attachmentsRoot: // what is there is read, and is nothing else
		return slices.Concat(nowhere, store.Path(url[1:])), true
	case isPastRoot(url[0]):
		return append(store.Path{url[0]}, store.Path(url[1:]).Calendars()...), true
	case url[0] == spacesRoot:
		return placeOfSpace(rq, url[1:]), true
	case own:
		return placeAtHome(rq, url), true
	case strings.HasPrefix(url[1], sharedMark):
		return slices.Concat(nowhere, store.Path(url)), true
	}
	return append(s.Drive(url[0]), url[1:]...).Calendars(), true
}

// opens tells whether the asker sees calendars in the home of somebody else.
func opens(s *store.Session, name string) bool {
	_, err := s.Stat(s.Drive(name).Calendars(), store.Want{})
	return err == nil
}

// placeOfSpace finds a calendar by the name of its space.
func placeOfSpace(rq *dav.Request, names wire.Path) store.Path {
	err := rq.Session().BeginCalendarsOf(rq.Context(), names[0])
	if err != nil || strings.HasPrefix(names[0], "~") {
		return slices.Concat(nowhere, store.Path(names))
	}
	return store.Path(names).Calendars()
}

// placeAtHome finds what stands in the asker's own home.
func placeAtHome(rq *dav.Request, url wire.Path) store.Path {
	s := rq.Session()
	none := slices.Concat(nowhere, store.Path(url))
	name, shared := strings.CutPrefix(url[1], sharedMark)
	if !shared {
		if err := s.BeginCalendars(rq.Context()); err != nil {
			return none
		}
		return append(store.Path{"~" + s.UserName()}, url[1:]...).Calendars()
	}
	n, err := strconv.ParseUint(name, 36, 64)
	if err != nil || sharedName(policy.Node(n)) != url[1] {
		return none
	}
	p, err := s.CalendarAt(policy.Node(n))
	if err != nil {
		return none
	}
	return append(p, url[2:]...)
}

// urlOf is where the asker finds a path: what stands at the request's own
// calendar by the URL of the request, else by name where the drive is his own, and
// in his home where it is not.
func urlOf(rq *dav.Request, p store.Path) wire.Path {
	s := rq.Session()
	const calendar = 3 // names that lead to a calendar
	if here, stored := rq.Path(); stored && len(here) >= calendar && len(p) >= calendar && slices.Equal(here[:calendar], p[:calendar]) {
		return append(slices.Clone(rq.URL()[:leads(rq.URL())]), p[calendar:]...)
	}
	home := wire.Path{s.UserName()}
	switch {
	case len(p) == calendar-1 && p.InCalendars() && strings.HasPrefix(p[0], "~"):
		return wire.Path{p[0][1:]}
	case len(p) < calendar:
		return home
	case isPastRoot(p[0]):
		return append(wire.Path{p[0], p[1]}, p[calendar:]...)
	case s.OwnPath(p):
		return append(home, p[2:]...)
	case p[2] == store.Outbox && strings.HasPrefix(p[0], "~"):
		return wire.Path{p[0][1:], store.Outbox} // named where scheduling is refused; nobody else gets there
	}
	info, err := s.Stat(p[:calendar], store.Want{})
	if err != nil {
		return home
	}
	return append(append(home, sharedName(info.Node)), p[calendar:]...)
}

// self describes the collection of homes, the asker's home, or a collection that
// only leads to others.
func self(rq *dav.Request, s *store.Session, url wire.Path, want store.Want) (dav.Member, error) {
	label := "Calendars"
	switch {
	case len(url) == 0:
	case url[0] == trashRoot:
		label = "Deleted from calendars"
	case url[0] == versionsRoot:
		label = "What calendars held before"
	case url[0] == spacesRoot:
		label = "Calendars of spaces"
	default:
		return homeOf(rq, s, url[0], want)
	}
	m := rq.NewCollection(s, url, want)
	m.SetLabel(label)
	return m, nil
}

// homeOf describes a home: what the drive has, or for who has no drive a
// collection that only leads to the calendars of others.
func homeOf(rq *dav.Request, s *store.Session, name string, want store.Want) (dav.Member, error) {
	drive := store.Path{"~" + name}
	if name != s.UserName() {
		drive = s.Drive(name)
	} else if err := s.BeginCalendars(rq.Context()); err != nil {
		return dav.Member{}, err
	}
	url := wire.Path{name}
	info, err := s.Stat(drive.Calendars(), want)
	if err != nil && name != s.UserName() {
		return dav.Member{}, err
	}
	if err != nil {
		return rq.NewCollection(s, url, want), nil
	}
	info.Props, _ = store.PropsApart(info.Props)
	m := rq.NewMember(info, url)
	m.SetLabel(name)
	return m, nil
}

// members lists homes, of which there is one, or the calendars in it.
func members(rq *dav.Request, s *store.Session, url wire.Path, want store.Want) ([]dav.Member, error) {
	if len(url) == 0 {
		m, err := homeOf(rq, s, s.UserName(), want)
		return []dav.Member{m}, err
	}
	if others := !isPastRoot(url[0]) && url[0] != spacesRoot && url[0] != s.UserName(); others {
		return membersOf(rq, s, url[0], want)
	}
	list, err := s.Calendars(rq.Context(), want)
	if err != nil {
		return nil, err
	}
	if url[0] != s.UserName() {
		return tops(rq, s, url[0], list, want), nil
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

// membersOf lists the calendars in the home of somebody else, for who sees any.
func membersOf(rq *dav.Request, s *store.Session, name string, want store.Want) ([]dav.Member, error) {
	own, err := ownProps(s, want)
	if err != nil {
		return nil, err
	}
	list, err := s.CalendarsOf(s.Drive(name)[0], want)
	all := make([]dav.Member, len(list))
	for i := range list {
		all[i] = rq.NewMember(list[i].Info, wire.Path{name, list[i].Name})
		dressShared(&all[i], list[i].Path, own)
	}
	return all, err
}

// tops are the spaces and drives whose calendars the asker sees, below one of the
// two names beside the homes.
func tops(rq *dav.Request, s *store.Session, root string, list []store.Calendar, want store.Want) (all []dav.Member) {
	var seen []string
	for i := range list {
		of := list[i].Of
		if slices.Contains(seen, of) || root == spacesRoot && strings.HasPrefix(of, "~") {
			continue
		}
		seen = append(seen, of)
		m := rq.NewCollection(s, wire.Path{root, of}, want)
		m.SetLabel(strings.TrimPrefix(of, "~"))
		all = append(all, m)
	}
	return all
}

// dress tells of somebody else's calendar what the asker calls it.
func dress(rq *dav.Request, s *store.Session, m *dav.Member, p store.Path) error {
	if m.Box() != "" {
		dressBox(rq, s, m)
		return nil
	}
	if !m.IsCalendar() || s.OwnPath(p) || isPastRoot(p[0]) {
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
