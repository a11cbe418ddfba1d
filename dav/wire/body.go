package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
)

// Limits of what bodies may ask for.
const (
	PropsMax     = 1000 // properties in one request
	OwnerSizeMax = 4096 // bytes of a lock's owner, which every lockdiscovery repeats
)

// FindKind is what a PROPFIND asks for.
type FindKind uint8

// The three kinds of RFC 4918, section 9.1.
const (
	AllProp FindKind = iota
	PropName
	Props
)

// Propfind is the body of a PROPFIND. Its zero value is the one of an empty body.
type Propfind struct {
	Kind  FindKind
	Props []xml.Name // what is wanted, or with AllProp what is wanted besides
}

// ParsePropfind reads the body of a PROPFIND.
func ParsePropfind(body []byte) (Propfind, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return Propfind{}, nil // RFC 4918, section 9.1: no body means allprop
	}
	var find Propfind
	kinds, included := 0, false
	err := parse(body, davName("propfind"), func(r *reader, child xml.Name) error {
		switch child {
		case davName("allprop"):
			kinds, find.Kind = kinds+1, AllProp
		case davName("propname"):
			kinds, find.Kind = kinds+1, PropName
		case davName("prop"):
			kinds, find.Kind = kinds+1, Props
			return r.names(&find.Props)
		case davName("include"):
			included = true
			return r.names(&find.Props)
		}
		return nil // RFC 4918, section 17: what is unknown is ignored
	})
	switch {
	case err != nil:
		return Propfind{}, err
	case kinds != 1:
		return Propfind{}, fmt.Errorf("%w: propfind must hold one of prop, propname and allprop", ErrXML)
	case included && find.Kind != AllProp:
		return Propfind{}, fmt.Errorf("%w: include goes with allprop only", ErrXML)
	}
	return find, nil
}

// Lock is the body of a LOCK that asks for a new lock. A refresh has no body.
type Lock struct {
	Shared bool   // else exclusive
	Owner  []byte // content of DAV:owner, fit for Multistatus.Raw; nil when absent
}

// ParseLock reads the body of a LOCK.
func ParseLock(body []byte) (Lock, error) {
	var lock Lock
	var exclusive, write bool
	err := parse(body, davName("lockinfo"), func(r *reader, child xml.Name) (err error) {
		switch child {
		case davName("lockscope"):
			return r.each(func(scope xml.Name) error {
				exclusive = exclusive || scope == davName("exclusive")
				lock.Shared = lock.Shared || scope == davName("shared")
				return nil
			})
		case davName("locktype"):
			return r.each(func(kind xml.Name) error {
				write = write || kind == davName("write")
				return nil
			})
		case davName("owner"):
			if lock.Owner, err = r.inner(); len(lock.Owner) > OwnerSizeMax {
				return r.fail(fmt.Sprintf("owner is longer than %d bytes", OwnerSizeMax))
			}
		}
		return err
	})
	switch {
	case err != nil:
		return Lock{}, err
	case exclusive == lock.Shared:
		return Lock{}, fmt.Errorf("%w: lockscope must be exclusive or shared", ErrXML)
	case !write:
		return Lock{}, fmt.Errorf("%w: locktype must be write", ErrXML)
	}
	return lock, nil
}

// PropPatch is one instruction of a PROPPATCH.
type PropPatch struct {
	Remove bool // else set
	Name   xml.Name
	Value  []byte // content of the property, fit for Multistatus.Prop
	Lang   string // xml:lang in scope
}

// Text is the value as plain text.
func (p PropPatch) Text() string { return InnerText(p.Value) }

// ParsePropertyUpdate reads the body of a PROPPATCH. The instructions keep the
// order of the document, in which they have to be carried out: RFC 4918,
// section 9.2.
func ParsePropertyUpdate(body []byte) ([]PropPatch, error) {
	var patches []PropPatch
	err := parse(body, davName("propertyupdate"), func(r *reader, child xml.Name) error {
		switch child {
		case davName("set"):
			return r.sets(&patches)
		case davName("remove"):
			return r.removes(&patches)
		}
		return nil
	})
	if err == nil && len(patches) == 0 {
		err = fmt.Errorf("%w: propertyupdate names no property", ErrXML)
	}
	if err != nil {
		return nil, err
	}
	return patches, nil
}

// ParseMkcol reads the body of an extended MKCOL (RFC 5689), or of another
// method that creates with properties, such as MKCALENDAR; root is the name its
// document has. The properties are all to be set, and there may be none.
func ParseMkcol(body []byte, root xml.Name) ([]PropPatch, error) {
	var patches []PropPatch
	err := parse(body, root, func(r *reader, child xml.Name) error {
		if child == davName("set") {
			return r.sets(&patches)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return patches, nil
}

func davName(local string) xml.Name { return xml.Name{Space: DAV, Local: local} }

// parse reads a whole document with the given root and visits the children of
// the root in order.
func parse(body []byte, root xml.Name, visit func(r *reader, child xml.Name) error) error {
	r, top, err := openDocument(body)
	if err != nil {
		return err
	}
	if top.name != root {
		return wrongRoot(root)
	}
	if err := r.each(func(child xml.Name) error { return visit(r, child) }); err != nil {
		return err
	}
	return r.finish()
}

func wrongRoot(want xml.Name) error {
	return fmt.Errorf("%w: %w: expected %s of namespace %s", ErrXML, ErrRoot, want.Local, want.Space)
}

// each visits the children of the element that was just started by name.
func (r *reader) each(visit func(child xml.Name) error) error {
	return r.elements(func(e event) error { return visit(e.name) })
}

// elements visits the children of the element that was just started, up to its
// end. A visit reads as much of its child as it likes; the rest is skipped.
func (r *reader) elements(visit func(child event) error) error {
	depth := len(r.open)
	for {
		e, err := r.next()
		if err != nil {
			return err
		}
		if len(r.open) < depth {
			return nil
		}
		if e.kind != startEvent {
			continue
		}
		if err := visit(e); err != nil {
			return err
		}
		for len(r.open) > depth {
			if _, err := r.next(); err != nil {
				return err
			}
		}
	}
}

// names collects the names of the children.
func (r *reader) names(names *[]xml.Name) error {
	return r.each(func(child xml.Name) error {
		if len(*names) == PropsMax {
			return r.tooManyProps()
		}
		*names = append(*names, child)
		return nil
	})
}

// sets reads the content of a DAV:set.
func (r *reader) sets(patches *[]PropPatch) error {
	return r.props(func(name xml.Name) error {
		if len(*patches) == PropsMax {
			return r.tooManyProps()
		}
		lang := r.lang()
		value, err := r.inner()
		*patches = append(*patches, PropPatch{Name: name, Value: value, Lang: lang})
		return err
	})
}

// removes reads the content of a DAV:remove, where values mean nothing: RFC
// 4918, section 14.23.
func (r *reader) removes(patches *[]PropPatch) error {
	return r.props(func(name xml.Name) error {
		if len(*patches) == PropsMax {
			return r.tooManyProps()
		}
		*patches = append(*patches, PropPatch{Remove: true, Name: name})
		return nil
	})
}

// props visits the children of the DAV:prop children.
func (r *reader) props(visit func(name xml.Name) error) error {
	return r.each(func(child xml.Name) error {
		if child != davName("prop") {
			return nil
		}
		return r.each(visit)
	})
}

func (r *reader) tooManyProps() error {
	return r.fail(fmt.Sprintf("more than %d properties are named", PropsMax))
}

// InnerText returns the character data in the content of an element, as a
// parser of this package returned it.
func InnerText(inner []byte) string {
	var text []byte
	for dec := xml.NewDecoder(bytes.NewReader(inner)); ; {
		t, err := dec.RawToken()
		if err == io.EOF {
			return string(text)
		}
		if err != nil {
			return ""
		}
		if chars, ok := t.(xml.CharData); ok {
			text = append(text, chars...)
		}
	}
}

// InnerNames returns the names of the topmost elements in the content of an
// element, as a parser of this package returned it.
func InnerNames(inner []byte) []xml.Name {
	var names []xml.Name
	depth := 0
	for dec := xml.NewDecoder(bytes.NewReader(inner)); ; {
		t, err := dec.Token()
		if err != nil {
			return names
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 {
				names = append(names, t.Name)
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
}
