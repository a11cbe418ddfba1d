// Package caldav shows the calendars that the store keeps: RFC 4791 on top of the
// WebDAV of package dav, which serves their URLs by the paths that are given here.
// It says what a calendar object is, what it is found by and what of a private one
// others may read. It decides nothing and touches no database.
//
//	h := dav.New(dav.Config{Log: log, Realms: []dav.Realm{caldav.Realm()}})
//	st, err := store.Open(dir, store.Options{Index: caldav.Index, Mask: caldav.Mask, Scheduler: caldav.Scheduler{}})
package caldav

import (
	"encoding/xml"
	"net/http"

	"davit/dav"
	"davit/store"
)

// Prefix is where calendar homes stand, each below the name of its user.
const Prefix = "/caldav"

// Namespaces of properties and elements.
const (
	nsCalDAV = "urn:ietf:params:xml:ns:caldav" // RFC 4791
	nsServer = "http://calendarserver.org/ns/" // Apple's calendar server
	nsApple  = "http://apple.com/ns/ical/"     // Apple's calendar clients
	nsDAV    = "DAV:"
)

func calName(local string) xml.Name    { return xml.Name{Space: nsCalDAV, Local: local} }
func serverName(local string) xml.Name { return xml.Name{Space: nsServer, Local: local} }
func davName(local string) xml.Name    { return xml.Name{Space: nsDAV, Local: local} }

// Limits of what a calendar takes in and gives, told as properties.
const (
	ObjectMax    = 10 << 20 // bytes of one object
	InstancesMax = 20_000   // of one object in an answer
)

// Realm is what the calendars add to WebDAV.
func Realm() dav.Realm {
	return dav.Realm{
		Prefix: Prefix,
		// RFC 4791, section 5.1; RFC 6638, section 2; RFC 7953, section 7; RFC 8607, section 3.2
		Classes:    "calendar-access, calendar-auto-schedule, calendar-availability, calendar-managed-attachments, calendar-proxy, calendarserver-sharing",
		Place:      place,
		URL:        urlOf,
		Self:       self,
		Members:    members,
		Dress:      dress,
		Holds:      store.Path.InCalendars,
		Feed:       feed,
		Forms:      []string{formCalendar, formBusy},
		Inspect:    inspect,
		BodyMax:    ObjectMax,
		SetProps:   setProps,
		CheckProp:  checkProp,
		Properties: properties(),
		Reports: []dav.Report{
			{Name: calName("calendar-multiget"), On: inRealm, Answer: multiget},
			{Name: calName("calendar-query"), On: isQueried, Answer: query},
			{Name: calName("free-busy-query"), On: isCalendar, Answer: freeBusy},
		},
		Methods: map[string]func(*dav.Request) error{
			"MKCALENDAR": mkcalendar, "MKCOL": mkcol, "GET": get, "HEAD": get, "REPORT": report, "POST": post,
		},
	}
}

// WellKnown answers the URL at which clients look for a calendar server, before
// they have signed in, and hands everything else on. RFC 6764, section 5
func WellKnown(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/caldav", "/.well-known/caldav/":
			w.Header().Set("Location", Prefix+"/")
			w.Header().Set("Cache-Control", "no-cache")
			w.WriteHeader(http.StatusMovedPermanently)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// violation is a broken precondition of RFC 4791.
func violation(status int, name, reason string) *dav.Violation {
	v := &dav.Violation{Status: status, Reason: reason}
	v.Why.Name = calName(name)
	return v
}
