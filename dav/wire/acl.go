package wire

import (
	"encoding/xml"
	"errors"
	"fmt"
)

// ACEsMax is how many lines an access list may have that comes in a request.
const ACEsMax = 1000

// ErrACEs says that an access list is longer than ACEsMax: the precondition
// limited-number-of-aces of RFC 3744, section 8.1.1.
var ErrACEs = errors.New("the access list has too many aces")

// An ACE is one line of an access list: RFC 3744, section 5.5.
type ACE struct {
	Principal ACEPrincipal
	// Grant and Deny are the names of privileges; one of them is there. Revoke is
	// this server's own and goes with Grant, which may then be empty.
	Grant, Deny, Revoke          []xml.Name
	Invert, Protected, Inherited bool
	// Conditions are further elements of this server's own.
	Conditions []ACECondition
}

// ACEPrincipal is whom an ACE speaks of: RFC 3744, section 5.5.1. It is the name
// of an element in DAV:, "all" for one, and the URL of an "href".
type ACEPrincipal struct{ Kind, Href string }

// An ACECondition is an element of this server's own that holds text.
type ACECondition struct{ Name, Text string }

// ParseACL reads the body of an ACL request: RFC 3744, section 8.1.
func ParseACL(body []byte) ([]ACE, error) {
	var aces []ACE
	err := parse(body, davName("acl"), func(r *reader, child xml.Name) error {
		if child != davName("ace") {
			return nil
		}
		if len(aces) == ACEsMax {
			return ErrACEs
		}
		ace, err := r.ace()
		aces = append(aces, ace)
		return err
	})
	if err != nil {
		return nil, err
	}
	return aces, nil
}

// ace reads the content of a DAV:ace.
func (r *reader) ace() (ACE, error) {
	var ace ACE
	principals, verbs := 0, 0
	err := r.each(func(child xml.Name) (err error) {
		switch child {
		case davName("principal"):
			principals++
			ace.Principal, err = r.principal()
		case davName("invert"):
			principals++
			ace.Invert = true
		case davName("grant"):
			verbs++
			ace.Grant, err = r.privileges()
		case davName("deny"):
			verbs++
			ace.Deny, err = r.privileges()
		case ownName("revoke"):
			ace.Revoke, err = r.privileges()
		case davName("protected"):
			ace.Protected = true
		case davName("inherited"):
			ace.Inherited = true
		default:
			if child.Space == NS {
				err = r.condition(&ace, child)
			}
		}
		return err
	})
	switch {
	case err != nil:
		return ace, err
	case principals != 1 || verbs != 1: // RFC 3744, section 8.1.5
		return ace, fmt.Errorf("%w: an ace must hold one principal and one of grant and deny", ErrXML)
	case len(ace.Grant)+len(ace.Deny)+len(ace.Revoke) == 0 || len(ace.Revoke) > 0 && len(ace.Deny) > 0:
		return ace, fmt.Errorf("%w: an ace must grant or deny some privilege, and only grant may revoke", ErrXML)
	}
	return ace, nil
}

// principal reads the content of a DAV:principal.
func (r *reader) principal() (p ACEPrincipal, err error) {
	n := 0
	err = r.each(func(child xml.Name) (err error) {
		if child.Space != DAV {
			return nil
		}
		n++
		p.Kind = child.Local
		if p.Kind == "href" {
			p.Href, err = r.text()
		}
		return err
	})
	if err == nil && n != 1 {
		err = r.fail("a principal must be one element")
	}
	return p, err
}

// privileges reads the names in the DAV:privilege children.
func (r *reader) privileges() (names []xml.Name, err error) {
	err = r.each(func(child xml.Name) error {
		if child != davName("privilege") {
			return nil
		}
		return r.names(&names)
	})
	return names, err
}

func (r *reader) condition(ace *ACE, name xml.Name) error {
	text, err := r.text()
	ace.Conditions = append(ace.Conditions, ACECondition{name.Local, text})
	return err
}

// text is the character data of the element that was just started.
func (r *reader) text() (string, error) {
	inner, err := r.inner()
	return InnerText(inner), err
}

func ownName(local string) xml.Name { return xml.Name{Space: NS, Local: local} }
