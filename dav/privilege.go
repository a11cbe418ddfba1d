package dav

import (
	"encoding/xml"

	"davit/dav/wire"
	"davit/policy"
)

// calDAV is the namespace of RFC 4791 and RFC 6638.
const calDAV = "urn:ietf:params:xml:ns:caldav"

// A privilege is a set of rights as RFC 3744 names it; what it has no name for
// is one of our own, called like the right. None is abstract.
type privilege struct {
	name   xml.Name
	rights policy.Rights
	// asks are the rights for whose lack a refusal names this.
	asks  policy.Rights
	about string
	parts []privilege
}

// everyPrivilege is the tree of them. Every right has one that stands for it
// alone, so that any set of rights can be told.
var everyPrivilege = privilege{davName("all"), policy.All, 0, "everything", []privilege{ // RFC 3744, section 3.11
	{davName("read"), policy.See | policy.Read, policy.Read, "see it and read its content", []privilege{
		leaf(ownName("see"), policy.See, "see that it is there"),
		{ownName("read"), policy.Read, 0, "read its content", nil},
		{davName("read-current-user-privilege-set"), policy.See, 0, "learn one's own privileges", nil},
	}},
	{davName("write"), policy.Write | policy.Props | policy.Add | policy.Delete, 0, "change it", []privilege{ // RFC 3744, section 3.2
		leaf(davName("write-content"), policy.Write, "write its content"),
		leaf(davName("write-properties"), policy.Props, "write its properties"),
		leaf(davName("bind"), policy.Add, "add new members"),
		leaf(davName("unbind"), policy.Delete, "delete any member"),
	}},
	leaf(davName("unlock"), policy.BreakLock, "break the lock of somebody else"),
	leaf(davName("read-acl"), policy.ReadACL, "read who may do what"),
	leaf(davName("write-acl"), policy.Manage, "say who may do what"),
	leaf(ownName("delete-own"), policy.DeleteOwn, "delete what one created oneself"),
	leaf(ownName("share"), policy.Reshare, "hand on what one holds"),
	leaf(ownName("members"), policy.ManageMembers, "set the levels of the space"),
	leaf(ownName("history"), policy.History, "read former versions"),
	leaf(ownName("trash"), policy.Trash, "list and restore what was deleted"),
	leaf(ownName("purge"), policy.Purge, "erase for good"),
	leaf(ownName("messages"), policy.Messages, "use the message area"),
	leaf(xml.Name{Space: calDAV, Local: "read-free-busy"}, policy.FreeBusy, "see busy times"), // RFC 4791, section 6.1.1
	{ownName("schedule"), policy.Schedule, policy.Schedule, "invite in the name of a calendar", []privilege{
		schedules(calName("schedule-deliver"), "take in what people send", // RFC 6638, section 6.3
			schedules(calName("schedule-deliver-invite"), "take in what organizers send"),
			schedules(calName("schedule-deliver-reply"), "take in answers"),
			schedules(calName("schedule-query-freebusy"), "let people ask for busy times")),
		schedules(calName("schedule-send"), "send to people",
			schedules(sendInvite, "send what organizers send"),
			schedules(sendReply, "send answers"),
			schedules(calName("schedule-send-freebusy"), "ask for busy times")),
	}},
}}

// The privileges that who speaks for somebody else may lack. RFC 6638, section 6.2
var (
	sendInvite = calName("schedule-send-invite")
	sendReply  = calName("schedule-send-reply")
)

func calName(local string) xml.Name { return xml.Name{Space: calDAV, Local: local} }

// schedules is one of the privileges of scheduling, all of which one right gives.
func schedules(name xml.Name, about string, parts ...privilege) privilege {
	return privilege{name, policy.Schedule, 0, about, parts}
}

func leaf(name xml.Name, right policy.Right, about string) privilege {
	return privilege{name, right, right, about, nil}
}

// privileges are all of the tree, each before its parts.
var privileges = everyPrivilege.flat(nil)

func (p privilege) flat(list []privilege) []privilege {
	list = append(list, p)
	for _, part := range p.parts {
		list = part.flat(list)
	}
	return list
}

func davName(local string) xml.Name { return xml.Name{Space: wire.DAV, Local: local} }

func ownName(local string) xml.Name { return xml.Name{Space: wire.NS, Local: local} }

// privilegeNames are the privileges to ask for when the rights are missing.
func privilegeNames(missing policy.Rights) []xml.Name {
	var names []xml.Name
	for i := range privileges {
		if p := &privileges[i]; p.asks&missing != 0 {
			names = append(names, p.name)
		}
	}
	return names
}

// rightsOf reads the name of a privilege.
func rightsOf(name xml.Name) (policy.Rights, bool) {
	for i := range privileges {
		if privileges[i].name == name {
			return privileges[i].rights, true
		}
	}
	return 0, false
}

// appendPrivileges is the content of current-user-privilege-set: what is held
// whole. RFC 3744, section 5.4
func appendPrivileges(dst []byte, held policy.Rights) []byte {
	for i := range privileges {
		if p := &privileges[i]; p.rights&^held == 0 {
			dst = p.append(dst)
		}
	}
	return dst
}

// append is the DAV:privilege of one.
func (p *privilege) append(dst []byte) []byte {
	dst = append(dst, "<D:privilege>"...)
	dst = wire.AppendEmpty(dst, p.name)
	return append(dst, "</D:privilege>"...)
}

// appendCover tells a set of rights in as few privileges as there are for it.
func (p *privilege) appendCover(dst []byte, rights policy.Rights) []byte {
	if p.rights&^rights == 0 {
		return p.append(dst)
	}
	for i := range p.parts {
		dst = p.parts[i].appendCover(dst, rights)
	}
	return dst
}

// appendSupported is the content of supported-privilege-set.
// RFC 3744, section 5.3
func (p *privilege) appendSupported(dst []byte) []byte {
	dst = append(dst, "<D:supported-privilege>"...)
	dst = p.append(dst)
	dst = append(dst, `<D:description xml:lang="en">`...)
	dst = wire.AppendText(dst, p.about)
	dst = append(dst, "</D:description>"...)
	for i := range p.parts {
		dst = p.parts[i].appendSupported(dst)
	}
	return append(dst, "</D:supported-privilege>"...)
}

var supportedPrivileges = string(everyPrivilege.appendSupported(nil))
