package caldav

import (
	"net/http"
	"strings"

	"davit/dav"
	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// defaultCalendar names the calendar that takes in what arrives.
var defaultCalendar = calName("schedule-default-calendar-URL") // RFC 6638, section 9.2

func isInbox(m *dav.Member) bool { return m.Box() == store.Inbox }

// isQueried: what calendar-query searches. RFC 6638, section 2.2
func isQueried(m *dav.Member) bool { return isCalendar(m) || isInbox(m) }

// schedulingProperties are those of RFC 6638.
func schedulingProperties() []dav.Property {
	inbox, outbox := wire.NewElement(calName("schedule-inbox-URL")), wire.NewElement(calName("schedule-outbox-URL"))
	tag := wire.NewElement(calName("schedule-tag"))
	addresses := wire.NewElement(calName("calendar-user-address-set"))
	return []dav.Property{
		{Name: calName("schedule-inbox-URL"), Has: isUser, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Href(inbox, Prefix, wire.Path{m.Principal().Name, store.Inbox}, true) // RFC 6638, section 2.2.1
		}},
		{Name: calName("schedule-outbox-URL"), Has: isUser, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Href(outbox, Prefix, wire.Path{m.Principal().Name, store.Outbox}, true) // RFC 6638, section 2.1.1
		}},
		{Name: calName("schedule-tag"), Has: func(m *dav.Member) bool { return m.Scheduled }, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Text(tag, m.ScheduleTag()) // RFC 6638, section 9.3
		}},
		{Name: defaultCalendar, Settable: true, Want: store.Want{Props: true}, Has: func(*dav.Member) bool { return false }, Write: func(*wire.Multistatus, *dav.Member) {}},
		{Name: calName("calendar-user-address-set"), Has: hasAddress, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Append(addresses, func(dst []byte) []byte { // RFC 6638, section 2.4.1
				if !isUser(m) {
					return wire.AppendElement(dst, davName("href"), m.Address)
				}
				if m.Principal().Email != "" {
					dst = wire.AppendElement(dst, davName("href"), "mailto:"+m.Principal().Email)
				}
				return wire.AppendElement(dst, davName("href"), m.Href())
			})
		}},
	}
}

// hasAddress: a user, or the calendar of a space, which invites as the space.
func hasAddress(m *dav.Member) bool { return isUser(m) || m.Address != "" }

// dressBox tells of the inbox where what arrives goes to.
func dressBox(rq *dav.Request, s *store.Session, m *dav.Member) {
	m.SetLabel(m.Name)
	var props []store.Prop
	for _, p := range m.Props {
		if p.Space != store.DefaultSpace {
			props = append(props, p)
		}
	}
	m.Props = props
	if !isInbox(m) {
		return
	}
	p, err := s.DefaultCalendar()
	if err != nil {
		return
	}
	href := wire.AppendHrefElement([]byte{0}, Prefix, urlOf(rq, p), true)
	m.Props = append(m.Props, store.Prop{Space: defaultCalendar.Space, Local: defaultCalendar.Local, Value: href})
}

// setInboxProps carries out a PROPPATCH on the inbox.
func setInboxProps(rq *dav.Request, props []store.Prop, t store.Terms) error {
	s := rq.Session()
	p, _ := rq.Path()
	var others []store.Prop
	for i := range props {
		if props[i].Space != defaultCalendar.Space || props[i].Local != defaultCalendar.Local {
			others = append(others, props[i])
			continue
		}
		if props[i].Value == nil {
			return violation(http.StatusForbidden, "default-calendar-needed", "there always is a calendar for what arrives") // RFC 6638, section 4.3.1.1
		}
		nodes, err := wire.ParseFragment(dav.PropValue(&props[i]))
		href := ""
		if err == nil && len(nodes) == 1 && nodes[0].Name == davName("href") {
			href = strings.TrimSpace(nodes[0].Text)
		}
		_, target, err := rq.Find(href)
		if err == nil {
			err = s.SetDefaultCalendar(rq.Context(), target, t)
		}
		if err != nil { // RFC 6638, section 4.3.1.2
			return violation(http.StatusForbidden, "valid-schedule-default-calendar-URL", "the calendar for what arrives is one of one's own that takes events")
		}
	}
	if len(others) == 0 {
		return nil
	}
	return s.SetProps(rq.Context(), p, others, modifiedNever, t)
}

// inboxAll names the messages in an inbox, all of them.
func inboxAll(s *store.Session, p store.Path) (all []string, err error) {
	for after, more := "", true; more; {
		var page []store.Info
		if page, more, err = s.List(p, after, pageSize, store.Want{}); err != nil {
			return nil, err
		}
		for i := range page {
			after = page[i].Name
			if page[i].Held&policy.Read != 0 {
				all = append(all, page[i].Name)
			}
		}
	}
	return all, nil
}
