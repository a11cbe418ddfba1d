package caldav

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"davit/caldav/itip"
	"davit/dav"
	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// Sharing as Apple's calendar server has it, and as the draft on resource sharing
// tells it. There is nothing to accept: what is shared stands in the home of whom it
// is shared with at once, since that is where all programs look.

// shareesMax is how many people one request shares a calendar with.
const shareesMax = 200

// What a sharing gives: the levels of the two kinds of access there are.
var sharedLevels = []struct{ element, level string }{{"read-write", "editor"}, {"read", "viewer"}}

// sharedWrites are the rights that make an access one for writing.
const sharedWrites = policy.Write | policy.Add | policy.Delete

// sharedReads are the rights without which a line is no sharing.
const sharedReads = policy.See | policy.Read

// postXML answers POST of XML on a calendar or the inbox, which its root names.
func postXML(rq *dav.Request, m *dav.Member) error {
	body, err := rq.Body()
	if err != nil {
		return err
	}
	root, err := wire.ParseTree(body)
	if err != nil {
		return err
	}
	t, err := rq.Terms()
	if err != nil {
		return err
	}
	switch do, is := publishings[root.Name]; {
	case dav.IsRegistration(root) && !deleted(m):
		return rq.Register(root, t)
	case !isCalendar(m):
		return rq.NotAllowed()
	case is:
		return publish(rq, do, t)
	}
	return share(rq, root, t)
}

// share tells whom a calendar is shared with from now on, each of the named for
// himself.
func share(rq *dav.Request, root *wire.Node, t store.Terms) error {
	list, err := readSharing(root)
	if err != nil {
		return err
	}
	p, _ := rq.Path()
	asked := make([]store.Sharing, len(list))
	for i := range list {
		asked[i] = list[i].Sharing
	}
	unknown, err := rq.Session().ShareCalendar(rq.Context(), p, asked, t)
	if err != nil {
		return err
	}
	if len(unknown) == 0 {
		rq.Status(http.StatusOK)
		return nil
	}
	w, _ := rq.HTTP()
	a := wire.NewMultistatus(w)
	for _, one := range list {
		a.ResponseHref(one.href)
		if slices.Contains(unknown, one.Address) {
			a.Status(http.StatusForbidden, wire.Precondition{Name: serverName("invite-invalid")})
		} else {
			a.Status(http.StatusOK)
		}
	}
	return a.End()
}

// sharing is one of a request, with the address as it was sent.
type sharing struct {
	store.Sharing
	href string
}

// readSharing reads the body of a POST.
func readSharing(root *wire.Node) (list []sharing, err error) {
	if root.Name != serverName("share") {
		return nil, unfitSharing("a calendar is shared with share and published with publish-calendar, and nothing else is posted to it")
	}
	for i := range root.Kids {
		kid := &root.Kids[i]
		if kid.Name != serverName("set") && kid.Name != serverName("remove") {
			continue
		}
		href := kid.Kid(davName("href"))
		if href == nil {
			return nil, unfitSharing(kid.Name.Local + " names nobody")
		}
		one := sharing{href: strings.TrimSpace(href.Text)}
		one.Address = itip.Key(one.href)
		if kid.Name == serverName("set") {
			one.Level = levelIn(kid)
			if one.Level == "" {
				return nil, unfitSharing("set gives read or read-write")
			}
		}
		list = append(list, one)
	}
	if len(list) == 0 || len(list) > shareesMax {
		return nil, unfitSharing(fmt.Sprintf("a request names 1 to %d people; share with a group", shareesMax))
	}
	return list, nil
}

// unfitSharing refuses what says nothing that can be done.
func unfitSharing(reason string) error {
	v := violation(http.StatusForbidden, "", reason)
	v.Why.Name = serverName("valid-request")
	return v
}

// levelIn is the level of the access that an element holds, empty for none.
func levelIn(n *wire.Node) string {
	for _, l := range sharedLevels {
		if n.Kid(serverName(l.element)) != nil {
			return l.level
		}
	}
	return ""
}

// accessOf is the access that a line gives, empty for none.
func accessOf(allow policy.Rights) string {
	switch {
	case allow&sharedReads != sharedReads:
		return ""
	case allow&sharedWrites == sharedWrites:
		return "read-write"
	}
	return "read"
}

// isShared: somebody's calendar, of which sharing is told.
func isShared(m *dav.Member) bool { return isCalendar(m) && m.In(Prefix) && m.Address == "" }

// mayShare: one that the asker may share with others.
func mayShare(m *dav.Member) bool { return isShared(m) && m.Held&policy.Manage != 0 }

// appendModes tells what the asker may do of it.
func appendModes(dst []byte, m *dav.Member) []byte {
	if mayShare(m) {
		dst = append(dst, `<S:can-be-shared xmlns:S="`+nsServer+`"/>`...)
	}
	if mayPublish(m) {
		dst = append(dst, `<S:can-be-published xmlns:S="`+nsServer+`"/>`...)
	}
	return dst
}

// sharingProperties are those of Apple's calendar server and of the draft.
func sharingProperties() []dav.Property {
	invite, invited := wire.NewElement(serverName("invite")), wire.NewElement(davName("invite"))
	owners := wire.NewElement(serverName("shared-url"))
	access := wire.NewElement(davName("share-access"))
	modes := wire.NewElement(serverName("allowed-sharing-modes"))
	return []dav.Property{
		{Name: serverName("allowed-sharing-modes"), Has: func(m *dav.Member) bool { return mayShare(m) || mayPublish(m) }, Write: func(a *wire.Multistatus, m *dav.Member) {
			a.Append(modes, func(dst []byte) []byte { return appendModes(dst, m) })
		}},
		publishURL(),
		{Name: serverName("invite"), Want: store.Want{ACL: true}, Has: isShared, WriteFor: func(_ *dav.Request, s *store.Session, a *wire.Multistatus, m *dav.Member) {
			a.Append(invite, func(dst []byte) []byte { return appendInvite(dst, s, m) })
		}},
		{Name: serverName("shared-url"), Has: func(m *dav.Member) bool { return isShared(m) && m.SharedAs == store.AsSharee }, WriteFor: func(_ *dav.Request, s *store.Session, a *wire.Multistatus, m *dav.Member) {
			if owner, err := s.Principal(m.Owner); err == nil {
				a.Href(owners, Prefix, wire.Path{owner.Name, m.Name}, true)
			}
		}},
		{Name: davName("invite"), Want: store.Want{ACL: true}, Has: isShared, WriteFor: func(_ *dav.Request, s *store.Session, a *wire.Multistatus, m *dav.Member) {
			a.Append(invited, func(dst []byte) []byte { return appendSharees(dst, s, m) })
		}},
		{Name: davName("share-access"), Has: isShared, WriteFor: func(_ *dav.Request, s *store.Session, a *wire.Multistatus, m *dav.Member) {
			a.Append(access, func(dst []byte) []byte { return wire.AppendEmpty(dst, davName(shareAccess(m))) })
		}},
	}
}

// shareAccess is what the asker is for a calendar, in the words of the draft.
func shareAccess(m *dav.Member) string {
	switch m.SharedAs {
	case store.AsOwner:
		return "shared-owner"
	case store.AsSharee:
		return accessOf(m.Held | sharedReads)
	}
	return "not-shared"
}

// A sharee is whom a calendar is shared with.
type sharee struct {
	name, href, access string
}

// sharees are whom the own lines of a calendar's list let read it, as far as the
// asker reads that list and knows them.
func sharees(s *store.Session, m *dav.Member) (list []sharee) {
	const own = 2 // how deep a calendar stands in its space
	allowed := map[policy.ID]policy.Rights{}
	var order []policy.ID
	for i := range m.ACL.Lines {
		l := &m.ACL.Lines[i]
		if l.Depth != own || l.Principal == policy.AnyoneSignedIn {
			continue
		}
		if _, seen := allowed[l.Principal]; !seen {
			order = append(order, l.Principal)
		}
		allowed[l.Principal] |= l.Allow &^ l.Deny
	}
	for _, id := range order {
		access := accessOf(allowed[id])
		if p, err := s.Principal(id); err == nil && access != "" {
			list = append(list, sharee{p.Name, dav.PrincipalHref(&p), access})
		}
	}
	return list
}

// appendInvite tells whose a calendar is, and whom it is shared with.
func appendInvite(dst []byte, s *store.Session, m *dav.Member) []byte {
	element := func(name, inner string) string {
		return "<S:" + name + ` xmlns:S="` + nsServer + `">` + inner + "</S:" + name + ">"
	}
	person := func(href, name string) string {
		b := wire.AppendElement(nil, davName("href"), href)
		b = append(b, "<S:common-name>"...)
		return string(append(wire.AppendText(b, name), "</S:common-name>"...))
	}
	if owner, err := s.Principal(m.Owner); err == nil {
		dst = append(dst, element("organizer", person(dav.PrincipalHref(&owner), owner.Name))...)
	}
	for _, to := range sharees(s, m) {
		dst = append(dst, element("user", person(to.href, to.name)+"<S:invite-accepted/><S:access><S:"+to.access+"/></S:access>")...)
	}
	return dst
}

// appendSharees tells whom a calendar is shared with, in the words of the draft.
func appendSharees(dst []byte, s *store.Session, m *dav.Member) []byte {
	for _, to := range sharees(s, m) {
		dst = append(dst, "<D:sharee>"...)
		dst = wire.AppendElement(dst, davName("href"), to.href)
		dst = append(dst, "<D:prop>"...)
		dst = wire.AppendElement(dst, davName("displayname"), to.name)
		dst = append(dst, "</D:prop><D:invite-accepted/><D:share-access><D:"+to.access+"/></D:share-access></D:sharee>"...)
	}
	return dst
}
