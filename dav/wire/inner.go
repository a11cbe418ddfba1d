package wire

import (
	"bytes"
	"encoding/xml"
	"slices"
)

// innerSizeMax bounds what inner writes for one document: copies of namespace
// declarations could otherwise make it many times larger than the body.
const innerSizeMax = 4 * BodySizeMax

// inner returns the content of the element that was just started, up to its
// end, written anew so that it is well-formed whatever a lenient decoder let
// pass, and stands alone: the namespaces it needs from outside are declared on
// its topmost elements. Prefixes are kept, as RFC 4918, section 4.3 asks.
// Comments and processing instructions are dropped.
func (r *reader) inner() ([]byte, error) {
	depth := len(r.open)
	scope := outerScope(r.bound)
	out := []byte{}
	var top topElement
	for {
		e, err := r.next()
		if err != nil {
			return nil, err
		}
		if len(r.open) < depth {
			r.copied += len(out)
			return out, nil
		}
		switch e.kind {
		case startEvent:
			if len(r.open) == depth+1 {
				top = topElement{offset: len(out), start: e.start}
			}
			top.unprefixed = top.unprefixed || e.start.Name.Space == ""
			out = appendStart(out, e.start)
		case endEvent:
			out = appendEnd(out, e.start.Name)
			if len(r.open) == depth {
				out = top.declare(out, scope)
			}
		case textEvent:
			out = AppendText(out, e.text)
		}
		if r.copied+len(out) > innerSizeMax {
			return nil, r.fail("the content of properties is too large")
		}
	}
}

// outerBinding is a declaration in scope around some content.
type outerBinding struct {
	attr xml.Attr
	use  []byte // what a use of the prefix looks like; empty for the default
}

// outerScope turns bindings into the declarations that would repeat them, and
// leaves out what has no effect.
func outerScope(bound []binding) []outerBinding {
	var scope []outerBinding
	for i, b := range bound {
		hidden := slices.ContainsFunc(bound[i+1:], func(later binding) bool { return later.prefix == b.prefix })
		switch {
		case hidden || b.uri == "":
		case b.prefix == "":
			scope = append(scope, outerBinding{attr: xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: b.uri}})
		default:
			name := xml.Name{Space: "xmlns", Local: b.prefix}
			scope = append(scope, outerBinding{xml.Attr{Name: name, Value: b.uri}, []byte(b.prefix + ":")})
		}
	}
	return scope
}

// topElement is a topmost element of some content.
type topElement struct {
	offset     int // of its start tag
	start      xml.StartElement
	unprefixed bool // whether an element in it has no prefix
}

// declare inserts, into the element's start tag, the declarations in scope
// outside that the element uses. A prefix may also be used in a value
// ("xs:string"), which nobody but the client can tell from text: so whatever
// looks like a use is one.
func (t topElement) declare(out []byte, scope []outerBinding) []byte {
	var decls []byte
	for _, b := range scope {
		used := t.unprefixed
		if len(b.use) > 0 {
			used = bytes.Contains(out[t.offset:], b.use)
		}
		if used && !t.declares(b.attr.Name) {
			decls = appendAttr(decls, b.attr)
		}
	}
	at := t.offset + len("<") + len(appendRawName(nil, t.start.Name))
	return slices.Insert(out, at, decls...)
}

func (t topElement) declares(name xml.Name) bool {
	return slices.ContainsFunc(t.start.Attr, func(a xml.Attr) bool { return a.Name == name })
}

func appendStart(dst []byte, t xml.StartElement) []byte {
	dst = appendRawName(append(dst, '<'), t.Name)
	for _, a := range t.Attr {
		dst = appendAttr(dst, a)
	}
	return append(dst, '>')
}

func appendEnd(dst []byte, name xml.Name) []byte {
	dst = appendRawName(append(dst, "</"...), name)
	return append(dst, '>')
}

func appendAttr(dst []byte, a xml.Attr) []byte {
	dst = appendRawName(append(dst, ' '), a.Name)
	dst = append(dst, `="`...)
	dst = appendAttrValue(dst, a.Value)
	return append(dst, '"')
}

// appendRawName appends a name whose Space is a prefix.
func appendRawName(dst []byte, name xml.Name) []byte {
	if name.Space != "" {
		dst = append(dst, name.Space...)
		dst = append(dst, ':')
	}
	return append(dst, name.Local...)
}
