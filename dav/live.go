package dav

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"

	"davit/dav/wire"
	"davit/store"
)

// liveProp is a property that the server computes.
type liveProp struct {
	name  xml.Name
	all   bool // in allprop: RFC 4918, section 9.1
	want  store.Want
	has   func(*member) bool
	write func(*finding, *member)
}

var displayName = davName("displayname")

// liveProps are all there are, in the order in which they are written.
var liveProps []liveProp

var liveByName = map[xml.Name]*liveProp{}

func init() {
	liveProps = []liveProp{
		{name: davName("resourcetype"), all: true, has: always, write: func(f *finding, m *member) {
			if m.Dir {
				f.m.Raw(wire.ResourceType, "<D:collection/>")
			} else {
				f.m.Empty(wire.ResourceType)
			}
		}},
		{name: displayName, all: true, has: always, write: func(f *finding, m *member) { f.m.Text(wire.DisplayName, m.label()) }},
		{name: davName("creationdate"), all: true, has: real, write: func(f *finding, m *member) { f.m.RFC3339(wire.CreationDate, m.Created) }},
		{name: davName("getlastmodified"), all: true, has: real, write: func(f *finding, m *member) { f.m.HTTPTime(wire.GetLastModified, m.Modified) }},
		{name: davName("getcontentlength"), all: true, has: file, write: func(f *finding, m *member) { f.m.Int(wire.GetContentLength, m.Size) }},
		{name: davName("getcontenttype"), all: true, has: file, write: func(f *finding, m *member) { f.m.Text(wire.GetContentType, mediaType(&m.Entry)) }},
		{name: davName("getetag"), all: true, has: file, write: func(f *finding, m *member) { f.m.Append(wire.GetETag, m.AppendETag) }},
		{name: davName("lockdiscovery"), all: true, want: store.Want{Locks: true}, has: open, write: writeLocks},
		{name: davName("supportedlock"), all: true, has: real, write: func(f *finding, _ *member) { f.m.Raw(wire.SupportedLock, supportedLock) }},
		// RFC 4331, section 2: not in allprop
		{name: davName("quota-available-bytes"), want: store.Want{Quota: true}, has: folder, write: func(f *finding, m *member) { f.m.Int(wire.QuotaAvailable, m.Quota.Available) }},
		{name: davName("quota-used-bytes"), want: store.Want{Quota: true}, has: folder, write: func(f *finding, m *member) { f.m.Int(wire.QuotaUsed, m.Quota.Used) }},
		{name: davName("current-user-privilege-set"), has: always, write: func(f *finding, m *member) {
			f.m.Append(wire.CurrentPrivileges, func(dst []byte) []byte { return appendPrivileges(dst, m.Held) })
		}},
		{name: davName("current-user-principal"), has: always, write: func(f *finding, _ *member) {
			if f.rq.session.IsLink() {
				f.m.Raw(wire.CurrentUserPrincipal, "<D:unauthenticated/>") // RFC 5397, section 3
				return
			}
			f.m.Href(wire.CurrentUserPrincipal, "", wire.Path{"principals", "users", f.rq.session.UserName()}, true)
		}},
	}
	for i := range liveProps {
		liveByName[liveProps[i].name] = &liveProps[i]
	}
}

func always(*member) bool   { return true }
func real(m *member) bool   { return !m.virtual }
func file(m *member) bool   { return !m.Dir }
func folder(m *member) bool { return m.Dir && !m.Shell }

// open: a shell tells nothing but the way down.
func open(m *member) bool { return !m.Shell }

// label is the name as people read it.
func (m *member) label() string {
	switch {
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
