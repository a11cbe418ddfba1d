package dav

import (
	"encoding/xml"

	"davit/dav/wire"
	"davit/policy"
)

// privileges are the rights as RFC 3744 names them; what it has no name for is a
// leaf of our own.
var privileges = []struct {
	right policy.Rights
	name  xml.Name
}{
	{policy.See | policy.Read, davName("read")},
	{policy.Write, davName("write-content")},
	{policy.Props, davName("write-properties")},
	{policy.Add, davName("bind")},
	{policy.Delete, davName("unbind")},
	{policy.Write | policy.Props | policy.Add | policy.Delete, davName("write")}, // RFC 3744, section 3.2
	{policy.BreakLock, davName("unlock")},
	{policy.ReadACL, davName("read-acl")},
	{policy.Manage, davName("write-acl")},
	{policy.See, davName("read-current-user-privilege-set")},
	{policy.See, ownName("see")},
	{policy.DeleteOwn, ownName("delete-own")},
	{policy.Reshare, ownName("share")},
	{policy.ManageMembers, ownName("members")},
	{policy.History, ownName("history")},
	{policy.Trash, ownName("trash")},
	{policy.Purge, ownName("purge")},
	{policy.Messages, ownName("messages")},
}

func davName(local string) xml.Name { return xml.Name{Space: wire.DAV, Local: local} }

func ownName(local string) xml.Name { return xml.Name{Space: wire.NS, Local: local} }

// privilegeNames are the leaves to ask for when the rights are missing.
func privilegeNames(missing policy.Rights) []xml.Name {
	var names []xml.Name
	for _, p := range privileges {
		if p.name.Local == "write" || p.name.Local == "read-current-user-privilege-set" {
			continue
		}
		if p.right&missing != 0 && !(p.right&missing == policy.See && p.name.Local == "read") {
			names = append(names, p.name)
		}
	}
	return names
}

// appendPrivileges is the content of current-user-privilege-set: what is held
// whole. RFC 3744, section 5.4
func appendPrivileges(dst []byte, held policy.Rights) []byte {
	for _, p := range privileges {
		if p.right&^held != 0 {
			continue
		}
		dst = append(dst, "<D:privilege>"...)
		if p.name.Space == wire.DAV {
			dst = append(append(append(dst, "<D:"...), p.name.Local...), "/>"...)
		} else {
			dst = append(append(append(dst, `<`...), p.name.Local...), ` xmlns="`+wire.NS+`"/>`...)
		}
		dst = append(dst, "</D:privilege>"...)
	}
	return dst
}
