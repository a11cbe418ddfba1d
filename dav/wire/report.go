package wire

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// Limits of what a report may ask for.
const (
	SearchesMax    = 100 // DAV:property-search in one search
	ExpandDepthMax = 4   // DAV:property inside another
)

// RootName is the name of the document, by which a REPORT is told from others:
// RFC 3253, section 3.6.
func RootName(body []byte) (xml.Name, error) {
	_, root, err := openDocument(body)
	return root.name, err
}

// ParseReportProps reads the DAV:prop of a report that has nothing else to say.
// asked tells whether there was one.
func ParseReportProps(body []byte, root xml.Name) (names []xml.Name, asked bool, err error) {
	err = parse(body, root, func(r *reader, child xml.Name) error {
		if child != davName("prop") {
			return nil
		}
		asked = true
		return r.names(&names)
	})
	return names, asked, err
}

// PrincipalMatch is the body of a principal-match: RFC 3744, section 9.3.
type PrincipalMatch struct {
	Property xml.Name   // that names a principal; zero for DAV:self
	Props    []xml.Name // to be told
	Asked    bool       // whether there was a DAV:prop
}

// ParsePrincipalMatch reads the body of a principal-match.
func ParsePrincipalMatch(body []byte) (PrincipalMatch, error) {
	var match PrincipalMatch
	var properties []xml.Name
	self := 0
	err := parse(body, davName("principal-match"), func(r *reader, child xml.Name) error {
		switch child {
		case davName("self"):
			self++
		case davName("principal-property"):
			return r.names(&properties)
		case davName("prop"):
			match.Asked = true
			return r.names(&match.Props)
		}
		return nil
	})
	if err == nil && self+len(properties) != 1 {
		err = fmt.Errorf("%w: principal-match must hold self or one property", ErrXML)
	}
	if err != nil {
		return PrincipalMatch{}, err
	}
	if len(properties) == 1 {
		match.Property = properties[0]
	}
	return match, nil
}

// PrincipalSearch is the body of a principal-property-search: RFC 3744, section
// 9.4.
type PrincipalSearch struct {
	// Any asks for what one of the searches finds, else for what all of them do.
	// The attribute is an extension of Apple's calendar clients.
	Any        bool
	Searches   []PropertySearch
	Props      []xml.Name // to be told
	Asked      bool       // whether there was a DAV:prop
	Everywhere bool       // in the principal collections, not below the request's URL
}

// A PropertySearch asks for a text in each of some properties.
type PropertySearch struct {
	Props []xml.Name
	Match string
}

// ParsePrincipalSearch reads the body of a principal-property-search.
func ParsePrincipalSearch(body []byte) (PrincipalSearch, error) {
	var search PrincipalSearch
	r, root, err := openDocument(body)
	if err != nil {
		return search, err
	}
	if root.name != davName("principal-property-search") {
		return search, wrongRoot(davName("principal-property-search"))
	}
	search.Any = strings.EqualFold(attribute(root.start, "test"), "anyof")
	err = r.each(func(child xml.Name) error {
		switch child {
		case davName("property-search"):
			if len(search.Searches) == SearchesMax {
				return r.fail(fmt.Sprintf("more than %d property-search", SearchesMax))
			}
			one, err := r.propertySearch()
			search.Searches = append(search.Searches, one)
			return err
		case davName("prop"):
			search.Asked = true
			return r.names(&search.Props)
		case davName("apply-to-principal-collection-set"):
			search.Everywhere = true
		}
		return nil
	})
	if err == nil {
		err = r.finish()
	}
	if err == nil && len(search.Searches) == 0 {
		err = fmt.Errorf("%w: a search must hold a property-search", ErrXML)
	}
	if err != nil {
		return PrincipalSearch{}, err
	}
	return search, nil
}

func (r *reader) propertySearch() (s PropertySearch, err error) {
	matches := 0
	err = r.each(func(child xml.Name) (err error) {
		switch child {
		case davName("prop"):
			err = r.names(&s.Props)
		case davName("match"):
			matches++
			s.Match, err = r.text()
		}
		return err
	})
	if err == nil && (matches != 1 || len(s.Props) == 0) {
		err = r.fail("a property-search must hold properties and one match")
	}
	return s, err
}

// An Expansion is a property whose URLs are to be replaced by what is told of
// the resources there: RFC 3253, section 3.8.
type Expansion struct {
	Name  xml.Name
	Props []Expansion
}

// ParseExpandProperty reads the body of an expand-property.
func ParseExpandProperty(body []byte) ([]Expansion, error) {
	r, root, err := openDocument(body)
	if err != nil {
		return nil, err
	}
	if root.name != davName("expand-property") {
		return nil, wrongRoot(davName("expand-property"))
	}
	left := PropsMax
	props, err := r.expansions(ExpandDepthMax, &left)
	if err == nil {
		err = r.finish()
	}
	if err != nil {
		return nil, err
	}
	return props, nil
}

func (r *reader) expansions(depth int, left *int) (props []Expansion, err error) {
	err = r.elements(func(e event) error {
		if e.name != davName("property") {
			return nil
		}
		if *left--; *left < 0 {
			return r.tooManyProps()
		}
		if depth == 0 {
			return r.fail(fmt.Sprintf("properties are nested deeper than %d", ExpandDepthMax))
		}
		x := Expansion{Name: xml.Name{Space: DAV, Local: attribute(e.start, "name")}}
		if space := attribute(e.start, "namespace"); space != "" {
			x.Name.Space = space
		}
		if !isElementName(x.Name.Local) || x.Name.Space == xmlnsNS {
			return r.fail("a property is named as none can be")
		}
		var err error
		x.Props, err = r.expansions(depth-1, left)
		props = append(props, x)
		return err
	})
	return props, err
}

// isElementName tells whether an element may have a name that came as text.
func isElementName(local string) bool {
	t, err := xml.NewDecoder(strings.NewReader("<" + local + "/>")).RawToken()
	start, ok := t.(xml.StartElement)
	return err == nil && ok && start.Name == xml.Name{Local: local} && isNCName(local)
}

// attribute is the value of an attribute without a namespace.
func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// SearchProperty is a property that a search looks into, for people.
type SearchProperty struct {
	Name  xml.Name
	About string
}

// AppendSearchProperties appends the answer to a principal-search-property-set:
// RFC 3744, section 9.5.
func AppendSearchProperties(dst []byte, props []SearchProperty) []byte {
	dst = append(dst, prolog+`<D:principal-search-property-set xmlns:D="DAV:">`...)
	for _, p := range props {
		dst = append(dst, "<D:principal-search-property><D:prop>"...)
		dst = appendEmptyTag(dst, p.Name)
		dst = append(dst, `</D:prop><D:description xml:lang="en">`...)
		dst = AppendText(dst, p.About)
		dst = append(dst, "</D:description></D:principal-search-property>"...)
	}
	return append(dst, "</D:principal-search-property-set>\n"...)
}
