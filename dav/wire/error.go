package wire

import "encoding/xml"

// Precondition is one element of a DAV:error: RFC 4918, section 16. Most are a
// name alone; the fields fill in what some hold.
type Precondition struct {
	Name       xml.Name
	Hrefs      []string    // escaped URLs, as in lock-token-submitted
	Privileges []Privilege // as in need-privileges
	Text       string      // as in elements of this server's own namespace
}

// Privilege is one privilege that was missing, and on which resource: RFC 3744,
// section 7.1.1.
type Privilege struct {
	Href string // an escaped URL
	Name xml.Name
}

// AppendError appends the body of an answer that says what was violated.
func AppendError(dst []byte, violated ...Precondition) []byte {
	dst = append(dst, prolog+`<D:error xmlns:D="DAV:">`...)
	dst = appendPreconditions(dst, violated)
	return append(dst, "</D:error>\n"...)
}

// appendErrorElement appends a DAV:error inside a multistatus, or nothing.
func appendErrorElement(dst []byte, violated []Precondition) []byte {
	if len(violated) == 0 {
		return dst
	}
	dst = append(dst, "<D:error>"...)
	dst = appendPreconditions(dst, violated)
	return append(dst, "</D:error>"...)
}

func appendPreconditions(dst []byte, violated []Precondition) []byte {
	for _, v := range violated {
		if len(v.Hrefs) == 0 && len(v.Privileges) == 0 && v.Text == "" {
			dst = appendEmptyTag(dst, v.Name)
			continue
		}
		dst = appendStartTag(dst, v.Name, "")
		for _, href := range v.Hrefs {
			dst = appendHrefElement(dst, href)
		}
		for _, p := range v.Privileges {
			dst = append(dst, "<D:resource>"...)
			dst = appendHrefElement(dst, p.Href)
			dst = append(dst, "<D:privilege>"...)
			dst = appendEmptyTag(dst, p.Name)
			dst = append(dst, "</D:privilege></D:resource>"...)
		}
		dst = AppendText(dst, v.Text)
		dst = appendEndTag(dst, v.Name)
	}
	return dst
}

func appendHrefElement(dst []byte, href string) []byte {
	dst = append(dst, "<D:href>"...)
	dst = AppendText(dst, href)
	return append(dst, "</D:href>"...)
}
