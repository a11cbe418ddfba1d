package wire

import "encoding/xml"

// Element is a property's element with its tags built once, for the many times
// a listing writes it.
type Element struct{ start, end, empty string }

// NewElement builds the tags of an element.
func NewElement(name xml.Name) Element {
	return Element{
		start: string(appendStartTag(nil, name, "")),
		end:   string(appendEndTag(nil, name)),
		empty: string(appendEmptyTag(nil, name)),
	}
}

// The properties that nearly every listing writes.
var (
	CreationDate         = NewElement(davName("creationdate"))                // RFC 4918, section 15.1
	DisplayName          = NewElement(davName("displayname"))                 // RFC 4918, section 15.2
	GetContentLanguage   = NewElement(davName("getcontentlanguage"))          // RFC 4918, section 15.3
	GetContentLength     = NewElement(davName("getcontentlength"))            // RFC 4918, section 15.4
	GetContentType       = NewElement(davName("getcontenttype"))              // RFC 4918, section 15.5
	GetETag              = NewElement(davName("getetag"))                     // RFC 4918, section 15.6
	GetLastModified      = NewElement(davName("getlastmodified"))             // RFC 4918, section 15.7
	LockDiscovery        = NewElement(davName("lockdiscovery"))               // RFC 4918, section 15.8
	ResourceType         = NewElement(davName("resourcetype"))                // RFC 4918, section 15.9
	SupportedLock        = NewElement(davName("supportedlock"))               // RFC 4918, section 15.10
	QuotaAvailable       = NewElement(davName("quota-available-bytes"))       // RFC 4331, section 3
	QuotaUsed            = NewElement(davName("quota-used-bytes"))            // RFC 4331, section 4
	Owner                = NewElement(davName("owner"))                       // RFC 3744, section 5.1
	SupportedPrivileges  = NewElement(davName("supported-privilege-set"))     // RFC 3744, section 5.3
	CurrentPrivileges    = NewElement(davName("current-user-privilege-set"))  // RFC 3744, section 5.4
	ACL                  = NewElement(davName("acl"))                         // RFC 3744, section 5.5
	ACLRestrictions      = NewElement(davName("acl-restrictions"))            // RFC 3744, section 5.6
	InheritedACLSet      = NewElement(davName("inherited-acl-set"))           // RFC 3744, section 5.7
	PrincipalCollections = NewElement(davName("principal-collection-set"))    // RFC 3744, section 5.8
	AlternateURIs        = NewElement(davName("alternate-URI-set"))           // RFC 3744, section 4.1
	PrincipalURL         = NewElement(davName("principal-URL"))               // RFC 3744, section 4.2
	GroupMembers         = NewElement(davName("group-member-set"))            // RFC 3744, section 4.3
	GroupMembership      = NewElement(davName("group-membership"))            // RFC 3744, section 4.4
	CurrentUserPrincipal = NewElement(davName("current-user-principal"))      // RFC 5397, section 3
	SupportedReportSet   = NewElement(davName("supported-report-set"))        // RFC 3253, section 3.1.5
	QueryGrammars        = NewElement(davName("supported-query-grammar-set")) // RFC 5323, section 3.3
	SyncToken            = NewElement(davName("sync-token"))                  // RFC 6578, section 4
)

// The tags of a name: D: stands for DAV: on every root, any other namespace is
// declared on the element itself as x, and a default namespace is never
// declared, so that content without a namespace keeps none.

// appendStartTag appends a start tag, with xml:lang unless lang is empty.
func appendStartTag(dst []byte, name xml.Name, lang string) []byte {
	dst = appendOpenName(append(dst, '<'), name)
	if lang != "" {
		dst = appendAttr(dst, xml.Attr{Name: xml.Name{Space: "xml", Local: "lang"}, Value: lang})
	}
	return append(dst, '>')
}

func appendEmptyTag(dst []byte, name xml.Name) []byte {
	dst = appendOpenName(append(dst, '<'), name)
	return append(dst, "/>"...)
}

func appendEndTag(dst []byte, name xml.Name) []byte {
	dst = append(dst, "</"...)
	dst = append(dst, prefixOf(name.Space)...)
	dst = append(dst, name.Local...)
	return append(dst, '>')
}

// appendOpenName appends a prefixed name and the declaration of its prefix.
func appendOpenName(dst []byte, name xml.Name) []byte {
	prefix := prefixOf(name.Space)
	dst = append(dst, prefix...)
	dst = append(dst, name.Local...)
	if prefix == "x:" {
		dst = append(dst, ` xmlns:x="`...)
		dst = appendAttrValue(dst, name.Space)
		dst = append(dst, '"')
	}
	return dst
}

func prefixOf(space string) string {
	switch space {
	case "":
		return ""
	case DAV:
		return "D:"
	case xmlNS:
		return "xml:"
	}
	return "x:"
}

// AppendHrefElement appends a DAV:href, named as by AppendHref.
func AppendHrefElement(dst []byte, prefix string, p Path, collection bool) []byte {
	dst = append(dst, "<D:href>"...)
	dst = AppendHref(dst, prefix, p, collection)
	return append(dst, "</D:href>"...)
}

// AppendEmpty appends an element without content.
func AppendEmpty(dst []byte, name xml.Name) []byte { return appendEmptyTag(dst, name) }

// AppendElement appends an element that holds text.
func AppendElement(dst []byte, name xml.Name, text string) []byte {
	dst = appendStartTag(dst, name, "")
	dst = AppendText(dst, text)
	return appendEndTag(dst, name)
}
