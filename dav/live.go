package dav

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"time"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// liveProp is a property that the server computes.
type liveProp struct {
	name  xml.Name
	all   bool // in allprop: RFC 4918, section 9.1
	want  store.Want
	needs policy.Rights // to be told
	// settable: what was set is told in the place of what is computed.
	settable bool
	has      func(*member) bool
	write    func(*finding, *member)
	// refs are the principals that the property names, of one that names some.
	refs func(*finding, *member) []wire.Path
}

var displayName = davName("displayname")

// liveProps are all there are, in the order in which they are written.
var liveProps []liveProp

var liveByName = map[xml.Name]*liveProp{}

func init() {
	liveProps = []liveProp{
		{name: davName("resourcetype"), all: true, has: always, write: func(f *finding, m *member) {
			switch {
			case m.who != nil && m.who.Proxies != "":
				f.m.Raw(wire.ResourceType, `<D:collection/><D:principal/><S:`+string(m.who.Proxies)+` xmlns:S="`+calendarServer+`"/>`)
			case m.who != nil:
				f.m.Raw(wire.ResourceType, "<D:collection/><D:principal/>") // RFC 3744, section 4
			case m.Subscribed() && !m.past():
				f.m.Raw(wire.ResourceType, subscribedType)
			case m.IsCalendar() && !m.past():
				f.m.Raw(wire.ResourceType, calendarType+sharedType(m)) // RFC 4791, section 4.2
			case m.Box() != "":
				f.m.Raw(wire.ResourceType, `<D:collection/><C:schedule-`+m.Box()+` xmlns:C="`+calDAV+`"/>`) // RFC 6638, sections 2.1 and 2.2
			case m.Dir:
				f.m.Raw(wire.ResourceType, "<D:collection/>")
			default:
				f.m.Empty(wire.ResourceType)
			}
		}},
		{name: displayName, all: true, settable: true, has: always, write: func(f *finding, m *member) { f.m.Text(wire.DisplayName, m.label()) }},
		{name: davName("creationdate"), all: true, has: real, write: func(f *finding, m *member) { f.m.RFC3339(wire.CreationDate, m.Created) }},
		{name: davName("getlastmodified"), all: true, has: real, write: func(f *finding, m *member) { f.m.HTTPTime(wire.GetLastModified, m.Modified) }},
		{name: davName("getcontentlength"), all: true, has: file, write: func(f *finding, m *member) { f.m.Int(wire.GetContentLength, m.Size) }},
		{name: davName("getcontenttype"), all: true, has: file, write: func(f *finding, m *member) { f.m.Text(wire.GetContentType, mediaType(&m.Info)) }},
		{name: davName("getetag"), all: true, has: file, write: func(f *finding, m *member) { f.m.Append(wire.GetETag, m.AppendETag) }},
		{name: davName("lockdiscovery"), all: true, want: store.Want{Locks: true}, has: open, write: writeLocks},
		{name: davName("supportedlock"), all: true, has: lockable, write: func(f *finding, _ *member) { f.m.Raw(wire.SupportedLock, supportedLock) }},
		// RFC 4331, section 2: not in allprop
		{name: davName("quota-available-bytes"), want: store.Want{Quota: true}, has: folder, write: func(f *finding, m *member) { f.m.Int(wire.QuotaAvailable, m.Quota.Available) }},
		{name: davName("quota-used-bytes"), want: store.Want{Quota: true}, has: folder, write: func(f *finding, m *member) { f.m.Int(wire.QuotaUsed, m.Quota.Used) }},
		{name: davName("current-user-privilege-set"), has: always, write: func(f *finding, m *member) {
			f.m.Append(wire.CurrentPrivileges, func(dst []byte) []byte { return appendPrivileges(dst, m.Held) })
		}},
		{name: davName("supported-privilege-set"), has: always, write: func(f *finding, _ *member) { f.m.Raw(wire.SupportedPrivileges, supportedPrivileges) }},
		{name: davName("acl"), want: store.Want{ACL: true}, needs: policy.ReadACL, has: stored, write: writeACL},
		{name: aclTagName, want: store.Want{ACL: true}, needs: policy.ReadACL, has: stored, write: func(f *finding, m *member) { f.m.Text(aclTag, m.ACL.Tag) }},
		{name: davName("acl-restrictions"), has: stored, write: func(f *finding, _ *member) { f.m.Raw(wire.ACLRestrictions, aclRestrictions) }},
		// RFC 3744, section 5.7: no other resource's list has to grant as well
		{name: davName("inherited-acl-set"), has: stored, write: func(f *finding, _ *member) { f.m.Empty(wire.InheritedACLSet) }},
		{name: davName("supported-report-set"), has: always, write: writeReports},
		// RFC 5323, section 3.3
		{name: davName("supported-query-grammar-set"), has: searched, write: func(f *finding, _ *member) { f.m.Raw(wire.QueryGrammars, queryGrammars) }},
		// RFC 6578, section 4: not in allprop
		{name: davName("sync-token"), want: store.Want{Sync: true}, has: syncable, write: func(f *finding, m *member) { f.m.Text(wire.SyncToken, m.SyncToken) }},
	}
	liveProps = slices.Concat(liveProps, pastProps(), principalProps(), proxyProps(), pushProps())
	for i := range liveProps {
		liveByName[liveProps[i].name] = &liveProps[i]
	}
}

// calendarType is the resource type of a calendar.
const calendarType = `<D:collection/><C:calendar xmlns:C="` + calDAV + `"/>`

// subscribedType is that of a calendar which is read elsewhere, as Apple's calendar
// server made it.
const subscribedType = `<D:collection/><S:subscribed xmlns:S="` + calendarServer + `"/>`

// sharedType is what a calendar is besides when it is shared, or is somebody else's.
func sharedType(m *member) string {
	if m.SharedAs == store.NotShared {
		return ""
	}
	return "<S:" + string(m.SharedAs) + ` xmlns:S="` + calendarServer + `"/>`
}

// calendarServer is the namespace of Apple's calendar server.
const calendarServer = "http://calendarserver.org/ns/"

func always(*member) bool   { return true }
func real(m *member) bool   { return !m.virtual }
func file(m *member) bool   { return !m.Dir }
func folder(m *member) bool { return m.Dir && !m.past() && !m.Shell && m.prefix != principalPrefix }

// lockable: the listed tree is what locks are for.
func lockable(m *member) bool { return real(m) && !m.past() }

// open: a shell tells nothing but the way down.
func open(m *member) bool { return !m.Shell && !m.past() && m.prefix != principalPrefix }

// stored: something that is listed in a space, and no shell.
func stored(m *member) bool { return !m.virtual && !m.past() && !m.Shell }

// label is the name as people read it.
func (m *member) label() string {
	if name, is := m.oldName(); is {
		return name
	}
	switch {
	case m.named != "":
		return m.named
	case len(m.url) == 0 && m.prefix == principalPrefix:
		return "Principals"
	case len(m.url) == 0 && m.virtual:
		return "Davit"
	case len(m.url) == 0: // the top of a link's mount
		return strings.TrimPrefix(m.Name, "~")
	}
	return m.url[len(m.url)-1]
}

// supportedLock: exclusive and shared write locks. RFC 4918, section 15.10
const supportedLock = "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>" +
	"<D:lockentry><D:lockscope><D:shared/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"

func writeLocks(f *finding, m *member) {
	if len(m.Locks) == 0 {
		f.m.Empty(wire.LockDiscovery)
		return
	}
	f.m.Append(wire.LockDiscovery, func(dst []byte) []byte {
		for i := range m.Locks {
			dst = f.rq.appendLock(dst, &m.Locks[i], time.Now())
		}
		return dst
	})
}

// appendLock is a DAV:activelock. RFC 4918, section 14.1
func (rq *request) appendLock(dst []byte, l *store.Lock, now time.Time) []byte {
	dst = append(dst, "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope>"...)
	if l.Shared {
		dst = append(dst, "<D:shared/>"...)
	} else {
		dst = append(dst, "<D:exclusive/>"...)
	}
	dst = append(dst, "</D:lockscope><D:depth>"...)
	if l.Infinite {
		dst = append(dst, "infinity"...)
	} else {
		dst = append(dst, '0')
	}
	dst = append(dst, "</D:depth><D:owner>"...)
	if len(l.Owner) > 0 {
		dst = append(dst, l.Owner...)
	} else {
		dst = wire.AppendText(dst, l.UserName) // so that a colleague reads who has it
	}
	dst = append(dst, "</D:owner><D:timeout>Second-"...)
	dst = strconv.AppendInt(dst, max(0, int64(l.Expires.Sub(now).Round(time.Second)/time.Second)), 10)
	dst = append(dst, "</D:timeout><D:locktoken><D:href>"...)
	dst = wire.AppendText(dst, l.Token)
	dst = append(dst, "</D:href></D:locktoken><D:lockroot><D:href>"...)
	dst = append(dst, rq.href(l.Root, false)...)
	return append(dst, "</D:href></D:lockroot></D:activelock>"...)
}
