package caldav

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"

	"davit/caldav/ical"
	"davit/caldav/itip"
	"davit/caldav/zone"
	"davit/dav"
	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// The properties that are set as well as told by name.
var (
	transparency = calName("schedule-calendar-transp")
	timezoneName = calName("calendar-timezone")
	componentSet = calName("supported-calendar-component-set")
	dataName     = calName("calendar-data")
	sourceName   = xml.Name{Space: store.SourceSpace, Local: store.SourceLocal}
)

func isCalendar(m *dav.Member) bool {
	return m.IsCalendar() && !m.Subscribed() && !m.Shell && !deleted(m)
}

// takesKinds: a calendar, here or elsewhere.
func takesKinds(m *dav.Member) bool {
	return takesData(m) || m.Subscribed() && !m.Shell && !deleted(m)
}

// takesData: a calendar or a box, of which the limits are told.
// RFC 6638, sections 2.1 and 2.2
func takesData(m *dav.Member) bool { return isCalendar(m) || m.Box() != "" }

// kindsIn are the components that a collection takes.
func kindsIn(m *dav.Member) []string {
	switch m.Box() {
	case store.Inbox:
		return []string{"VEVENT", "VTODO", "VJOURNAL"}
	case store.Outbox:
		return []string{"VFREEBUSY"}
	}
	return m.Components()
}

// writeSizeMax tells the largest object or message that a collection takes.
func writeSizeMax(a *wire.Multistatus, m *dav.Member) {
	most := ObjectMax
	switch m.Box() {
	case store.Inbox:
		most = itip.SizeMax
	case store.Outbox:
		most = busyMax
	}
	a.Text(sizeMaxElement, strconv.Itoa(most))
}

var sizeMaxElement = wire.NewElement(calName("max-resource-size"))

// deleted: it lies in the trash, or is what something was, and is no calendar to any
// client.
func deleted(m *dav.Member) bool {
	return m.In(Prefix) && len(m.Names()) > 0 && isPastRoot(m.Names()[0])
}

// inRealm: a calendar or the inbox, or something in one.
func inRealm(m *dav.Member) bool {
	return m.In(Prefix) && !deleted(m) && (isQueried(m) || isObject(m) || len(m.Names()) == 1)
}

// isObject: something that a calendar or an inbox holds.
func isObject(m *dav.Member) bool { return m.Indexed || m.In(Prefix) && !m.Dir && len(m.Names()) == 3 }

// isHome: a calendar home.
func isHome(m *dav.Member) bool {
	return m.In(Prefix) && len(m.Names()) == 1 && !deleted(m) && m.Names()[0] != spacesRoot
}

func isUser(m *dav.Member) bool {
	return m.Principal() != nil && m.Principal().Kind == policy.KindUser
}

func isPrincipal(m *dav.Member) bool { return m.Principal() != nil }

// properties are those of RFC 4791 and of the clients of Apple's calendar server.
func properties() []dav.Property {
	return slices.Concat(principalProperties(), schedulingProperties(), sharingProperties(), []dav.Property{
		{Name: componentSet, Has: takesKinds, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Append(wire.NewElement(componentSet), func(dst []byte) []byte { return appendComponents(dst, kindsIn(m)) })
		}}, // RFC 4791, section 5.2.3
		constant(calName("supported-calendar-data"), takesData, `<C:calendar-data xmlns:C="`+nsCalDAV+`" content-type="text/calendar" version="2.0"/>`),
		constant(calName("supported-collation-set"), isCalendar, collations),
		{Name: calName("max-resource-size"), Has: takesData, Write: writeSizeMax},
		constant(calName("max-attendees-per-instance"), takesData, strconv.Itoa(itip.AttendeesMax)), // RFC 4791, section 5.2.9
		constant(calName("max-instances"), isCalendar, strconv.Itoa(InstancesMax)),
		constant(calName("max-attachment-size"), isCalendar, strconv.Itoa(AttachmentMax)),                 // RFC 8607, section 6.2
		constant(calName("max-attachments-per-resource"), isCalendar, strconv.Itoa(store.AttachmentsMax)), // RFC 8607, section 6.3
		constant(calName("managed-attachments-server-URL"), isHome, ""),                                   // this server: RFC 8607, section 6.1
		constant(calName("min-date-time"), isCalendar, "00010101T000000Z"),
		constant(calName("max-date-time"), isCalendar, "99991231T235959Z"),
		settable(constant(transparency, isCalendar, `<C:opaque xmlns:C="`+nsCalDAV+`"/>`)), // RFC 6638, section 9.1
		{Name: serverName("getctag"), Has: isCalendar, Write: writeTag},
		{Name: dataName, Has: func(m *dav.Member) bool { return m.Content() != nil }, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Text(calendarData, string(m.Content()))
		}},
	})
}

var calendarData = wire.NewElement(dataName)

// collations are those of a text-match. RFC 4791, section 7.5.1
const collations = `<C:supported-collation xmlns:C="` + nsCalDAV + `">i;ascii-casemap</C:supported-collation>` +
	`<C:supported-collation xmlns:C="` + nsCalDAV + `">i;octet</C:supported-collation>` +
	`<C:supported-collation xmlns:C="` + nsCalDAV + `">i;unicode-casemap</C:supported-collation>`

func constant(name xml.Name, has func(*dav.Member) bool, inner string) dav.Property {
	e := wire.NewElement(name)
	return dav.Property{Name: name, Has: has, Write: func(a *wire.Multistatus, _ *dav.Member) { a.Raw(e, inner) }}
}

func settable(p dav.Property) dav.Property {
	p.Settable, p.Want = true, store.Want{Props: true}
	return p
}

// principalProperties lead from a user to his calendars.
func principalProperties() []dav.Property {
	homeSet := wire.NewElement(calName("calendar-home-set"))
	emails := wire.NewElement(serverName("email-address-set"))
	kind := wire.NewElement(calName("calendar-user-type"))
	return []dav.Property{
		{Name: calName("calendar-home-set"), Has: isUser, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Href(homeSet, Prefix, wire.Path{m.Principal().Name}, true) // RFC 4791, section 6.2.1
		}},
		{Name: calName("calendar-user-type"), Has: isPrincipal, Write: func(a *wire.Multistatus, m *dav.Member) { // RFC 6638, section 2.4.2
			a.Text(kind, dav.UserType(m.Principal()))
		}},
		{Name: serverName("email-address-set"), Has: isUser, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Append(emails, func(dst []byte) []byte {
				if m.Principal().Email == "" {
					return dst
				}
				return wire.AppendElement(dst, serverName("email-address"), m.Principal().Email)
			})
		}},
	}
}

func appendComponents(dst []byte, names []string) []byte {
	for _, name := range names {
		dst = append(dst, `<C:comp xmlns:C="`+nsCalDAV+`" name="`...)
		dst = wire.AppendText(dst, name)
		dst = append(dst, `"/>`...)
	}
	return dst
}

// writeTag tells what changes with the members of a calendar.
func writeTag(a *wire.Multistatus, m *dav.Member) {
	a.Text(tagElement, strconv.FormatUint(uint64(m.Node), 36)+"-"+strconv.FormatUint(m.Tally, 36))
}

var tagElement = wire.NewElement(serverName("getctag"))

// personal are the properties that everybody who sees a calendar sets for himself
// where it is somebody else's.
var personal = []xml.Name{
	davName("displayname"), {Space: nsApple, Local: "calendar-color"}, {Space: nsApple, Local: "calendar-order"}, transparency,
}

// setProps carries out a PROPPATCH: of somebody else's calendar each has a name, a
// colour and an order of his own.
func setProps(rq *dav.Request, props []store.Prop, t store.Terms) error {
	s := rq.Session()
	p, _ := rq.Path()
	if p.InCalendars() && len(p) == 3 && s.OwnPath(p) && p[2] == store.Inbox {
		return setInboxProps(rq, props, t)
	}
	if len(p) != 3 || s.OwnPath(p) || s.UserName() == "" {
		return s.SetProps(rq.Context(), p, props, modifiedNever, t)
	}
	var shared, own []store.Prop
	for _, prop := range props {
		if slices.Contains(personal, xml.Name{Space: prop.Space, Local: prop.Local}) {
			own = append(own, prop)
		} else {
			shared = append(shared, prop)
		}
	}
	return s.SetPropsApart(rq.Context(), p, shared, own, t)
}

// isSource tells whether a value of source is the URL of a calendar elsewhere.
func isSource(value []byte) bool {
	kids, err := wire.ParseFragment(value)
	return err == nil && len(kids) == 1 && kids[0].Name == davName("href") && store.IsSource(strings.TrimSpace(kids[0].Text))
}

// checkProp refuses values that no calendar can have.
func checkProp(p *wire.PropPatch) *wire.Precondition {
	switch p.Name {
	case sourceName:
		if p.Remove || !isSource(p.Value) {
			return &wire.Precondition{Name: serverName("valid-source"), Text: "a subscription has the URL of a calendar, http, https or webcal"}
		}
	case timezoneName: // RFC 4791, section 5.2.2
		obj, err := ical.Decode([]byte(p.Text()))
		if err == nil {
			_, err = zoneOf(obj)
		}
		if err != nil {
			return &wire.Precondition{Name: calName(ical.ValidCalendarData), Text: err.Error()}
		}
	case availabilityNames[0], availabilityNames[1]:
		if !p.Remove {
			return checkAvailability(p.Text())
		}
	case transparency:
		kids, err := wire.ParseFragment(p.Value)
		if err != nil || len(kids) != 1 || kids[0].Name != calName("opaque") && kids[0].Name != calName("transparent") {
			return &wire.Precondition{Name: davName("cannot-modify-protected-property")}
		}
	}
	return nil
}

// zoneOf is the one zone of a value of calendar-timezone.
func zoneOf(obj *ical.Object) (*zone.Zone, error) {
	var id string
	zones := 0
	for _, c := range obj.Calendar.Children {
		if c.Name != "VTIMEZONE" {
			return nil, &ical.Error{Precondition: ical.ValidCalendarData, Reason: c.Name + " stands beside the time zone"}
		}
		zones++
		if tzid := c.Props.Get("TZID"); tzid != nil {
			id = strings.TrimSpace(tzid.Value)
		}
	}
	if zones != 1 || id == "" {
		return nil, &ical.Error{Precondition: ical.ValidCalendarData, Reason: "there has to be one VTIMEZONE with a TZID"}
	}
	return zone.New(obj).Find(id)
}

// zoneText is the zone that a text of calendar-timezone gives; UTC for none.
func zoneText(text string) (*zone.Zone, error) {
	if strings.TrimSpace(text) == "" {
		return zone.UTC(), nil
	}
	obj, err := ical.Decode([]byte(text))
	if err != nil {
		return nil, err
	}
	return zoneOf(obj)
}

// zoneKept is the zone in which a calendar's floating times are read.
func zoneKept(props []store.Prop) *zone.Zone {
	for i := range props {
		if p := &props[i]; p.Space == nsCalDAV && p.Local == timezoneName.Local {
			if z, err := zoneText(wire.InnerText(dav.PropValue(p))); err == nil {
				return z
			}
		}
	}
	return zone.UTC()
}
